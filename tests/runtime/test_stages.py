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


def host_between(x):
    """Something that only the host can do, of the shape of ``x``."""
    values, _ = tf.unique(tf.reshape(x, [-1]))
    return values


def test_a_variable_is_read_in_the_stage_that_uses_it(graph) -> None:
    table = tf.get_variable("table", [4, 2], use_resource=False)
    rows = tf.placeholder(tf.int32, [None])
    chosen = host_between(rows * 1)
    update = tf.scatter_sub(table, chosen, tf.gather(table, chosen) * 2.0)
    parts = stages([update], [rows])
    assert [stage.compiled for stage in parts] == [True, False, True]
    read = [op.name for stage in parts for op in stage.ops if op.type == "Identity"]
    assert read == ["table/read"]
    assert "table/read" in [op.name for op in parts[2].ops]
    assert not any(tensor.shape.rank == 2 for tensor in parts[2].inputs)


def test_a_read_stays_before_a_write_that_follows_it(graph) -> None:
    counter = tf.get_variable("counter", initializer=[1, 1], use_resource=False)
    before = tf.identity(counter)
    with tf.control_dependencies([before]):
        changed = tf.assign_add(counter, [1, 2])
    with tf.control_dependencies([changed]):
        late = host_between(tf.constant([3]) + changed[0])
    total = tf.reduce_sum(before) + tf.reduce_sum(late)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(total) == 2 + 5


def test_shapes_stay_static_behind_a_stage_of_the_host(graph) -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    size = tf.shape(x)[0]
    other = host_between(x)
    y = tf.slice(tf.concat([x, x], 0) * tf.reduce_sum(other), [size, 0], [size, 3])
    last = stages([y], [x])[-1]
    assert last.compiled
    assert {"Shape", "Slice"} <= {op.type for op in last.ops}
    assert [tensor.op.type for tensor in last.inputs if tensor.dtype == tf.int32] == []


def test_naming_variables_is_no_stage() -> None:
    """A step that takes its batch from an iterator is three stages: the batch, the update, and what goes out."""
    weight = tf.compat.v2.Variable([1.0, 2.0])
    iterator = iter(tf.data.Dataset.from_tensors([3.0, 4.0]).repeat())

    @tf.compat.v2.function
    def step(batches):
        batch = batches.get_next()
        weight.assign_add(batch)
        return tf.experimental.Optional.from_value(weight * 2.0)

    concrete = step.get_concrete_function(iterator)
    program = concrete.call.program_for([iterator._iterator_resource, *concrete._captured])
    found = split(program.program.plan, program.state, set())
    assert [(stage.compiled, [op.type for op in stage.ops if op.type != "Placeholder"]) for stage in found] == [
        (False, ["IteratorGetNext"]),
        (True, [op.type for op in found[1].ops if op.type != "Placeholder"]),
        (False, ["OptionalFromValue", "Identity"]),
    ]
    assert "AssignAddVariableOp" in [op.type for op in found[1].ops]


def test_what_the_host_does_not_wait_for_joins_the_program_after_it(graph) -> None:
    """The step of word2vec: a gather beside a sampler that only the host has."""
    table = tf.get_variable("table", [4, 2], use_resource=True)
    rows, labels = tf.placeholder(tf.int32, [3]), tf.placeholder(tf.int32, [3, 1])
    chosen = tf.gather(table, rows)
    other = host_between(tf.cast(labels, tf.int64))
    loss = tf.reduce_sum(chosen) * tf.cast(tf.reduce_sum(other), tf.float32)
    parts = stages([loss], [rows, labels])
    assert [stage.compiled for stage in parts] == [False, True]
    assert "Cast" in [op.type for op in parts[0].ops]
    assert "ResourceGather" in [op.type for op in parts[1].ops]
    assert all(tensor.dtype != tf.float32 for tensor in parts[1].inputs)


def test_what_reads_before_the_host_writes_stays_before(graph) -> None:
    table = tf.get_variable("words", initializer=["a", "b"], use_resource=True)
    number = tf.get_variable("number", initializer=[1.0, 2.0], use_resource=True)
    before = tf.reduce_sum(number * 2.0)
    changed = tf.py_func(lambda x: x + b"!", [table.read_value()], tf.string)
    written = table.assign(tf.reshape(changed, [2]))
    parts = stages([before, tf.strings.length(written)], [])
    assert [stage.compiled for stage in parts if stage.ops][:1] == [True]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run([before, written])[0] == 6.0


def test_random_numbers_and_updates_wait_for_nobody(graph) -> None:
    x = tf.placeholder(tf.int32, [4])
    for first in (tf.random.uniform([2]), tf.get_variable("n", initializer=1.0).assign_add(1.0)):
        last = tf.reduce_sum(first) + tf.cast(tf.reduce_sum(host_between(x)), tf.float32)
        assert [stage.compiled for stage in stages([last], [x])] == [True, False, True]
