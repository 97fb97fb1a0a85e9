"""Checks how plans are split into stages that XLA compiles and stages of the host."""

from __future__ import annotations

import tideflow.v1 as tf
from tideflow._src.runtime.buffers import ResourceManager
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.stages import Stage, split
from tideflow._src.runtime.state import RunState


def stages(fetches, feeds, static=()) -> list[Stage]:
    return split(Plan(fetches, [], feeds), RunState(ResourceManager()), set(static))


def test_a_pure_program_is_one_stage(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.sin(x) * 2.0
    (stage,) = stages([y], [x])
    assert stage.compiled
    assert (stage.inputs, stage.outputs) == ([x], [y])


def test_a_host_operation_in_the_middle_makes_three(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    before = tf.sin(x)
    middle = tf.py_func(lambda value: value, [before], tf.float32)
    after = tf.cos(middle) + tf.exp(x)
    found = stages([after], [x])
    assert [stage.compiled for stage in found] == [True, False, True]
    assert found[0].outputs[0] is before
    assert (found[1].inputs, found[1].outputs) == ([before], [middle])


def test_independent_host_operations_share_a_stage(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    pieces = [tf.py_func(lambda value: value, [tf.sin(x + float(i))], tf.float32) for i in range(3)]
    assert [stage.compiled for stage in stages([tf.add_n(pieces)], [x])] == [True, False, True]


def test_control_inputs_order_stages(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    check = tf.Assert(tf.reduce_all(x > 0.0), [x])
    with tf.control_dependencies([check]):
        y = tf.sin(x)
    found = stages([y], [x])
    assert [stage.compiled for stage in found] == [True, False, True]
    assert y.op in found[-1].ops


def test_a_shape_known_to_the_trace_compiles_and_one_that_is_not_does_not(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    size = tf.placeholder(tf.int32, [1])
    from_shape, from_feed = tf.zeros(tf.shape(x) * 2), tf.reshape(x, size)
    assert [stage.compiled for stage in stages([from_shape], [x])] == [True]
    assert False in [stage.compiled for stage in stages([from_feed], [x, size])]
    assert [stage.compiled for stage in stages([from_feed], [x, size], [size])] == [True]


def test_a_kernel_of_the_host_gets_arrays_of_the_host(monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    with tf.Graph().as_default():
        x = tf.get_variable("x", initializer=[3, 1, 3, 2])
        y = x * 2  # compiled; tf.unique is not
        values, places = tf.unique(y)
        total = tf.reduce_sum(values) + tf.reduce_sum(tf.random_shuffle(y, seed=1))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(2):
                assert session.run(total) == 12 + 18
            assert session.run(places).tolist() == [0, 1, 0, 2]
