"""What functions keep, and for how long: caches have bounds, and what nobody uses is freed."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.function import trace_table
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.runtime import compiled_stage, row_programs

ONES = tf.ones([2])


class Model(tf.Module):
    def __init__(self):
        self.v = tf.Variable([1.0, 2.0])

    @tf.function(jit_compile=True)
    def __call__(self, x):
        self.v.assign_add(x)
        return self.v + 0.0


@tf.function(jit_compile=True)
def add_to(v, x):
    v.assign_add(x)
    return v + 0.0


def a_method():
    model = Model()
    for _ in range(2):
        model(ONES)
    return model.v


def an_argument():
    v = tf.Variable([1.0, 2.0])
    for _ in range(2):
        add_to(v, ONES)
    return v


def a_gradient():
    v = tf.Variable([1.0, 2.0])
    f = tf.function(lambda x: tf.reduce_sum(v * x), jit_compile=True)
    with tf.GradientTape() as tape:
        y = f(ONES)
    assert tape.gradient(y, v).numpy().tolist() == [1.0, 1.0]
    return v


def branches_and_loops():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(x):
        tf.while_loop(lambda i: i < 3, lambda i: (i + tf.cast(v.assign_add(x)[0] * 0.0 + 1.0, tf.int32),), (0,))
        return tf.cond(x[0] > 0.0, lambda: v + 1.0, lambda: v - 1.0)

    for _ in range(3):
        f(ONES)
    return v


def rows():
    v = tf.Variable([1.0, 2.0])
    for _ in range(2):
        assert tf.vectorized_map(lambda row: row * v, tf.ones([2, 2])).numpy().tolist() == [[1.0, 2.0]] * 2
    return v


def rows_under_a_tape():
    v = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        y = tf.vectorized_map(lambda row: row * v * v, tf.ones([3, 2]))
    assert tape.gradient(y, v).numpy().tolist() == [6.0, 12.0]
    return v


def a_jacobian():
    v = tf.Variable([1.0, 2.0])

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            y = v * v * x
        return tape.jacobian(y, v)

    assert f(ONES).numpy().tolist() == [[2.0, 0.0], [0.0, 4.0]]
    return v


@pytest.mark.parametrize("tier", ["host", "xla"])
@pytest.mark.parametrize(
    "make", [a_method, an_argument, a_gradient, branches_and_loops, rows, rows_under_a_tape, a_jacobian]
)
def test_variables_are_freed_with_their_last_user(make, tier, monkeypatch):
    """One collection is enough: what JAX keeps of a compiled stage does not reach its variables."""
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    gc.collect()
    buffers = [weakref.ref(make()._buffer) for _ in range(6)]
    gc.collect()
    assert [buffer() for buffer in buffers] == [None] * 6


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_graphs_that_were_called_eagerly_are_freed(tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)

    def called():
        v = tf.Variable([1.0, 2.0])
        inner = tf.function(lambda x: tf.cond(x[0] > 0.0, lambda: x * v, lambda: x)).get_concrete_function(ONES)
        handle = v.handle
        for _ in range(2):
            (result,) = tf.raw_ops.StatefulPartitionedCall(args=[ONES, handle], Tout=[tf.float32], f=inner.graph)
            assert result.numpy().tolist() == [1.0, 2.0]
        return weakref.ref(inner.graph), weakref.ref(v._buffer)

    found = [called() for _ in range(3)]
    gc.collect()
    assert found and all(graph() is None and buffer() is None for graph, buffer in found)


def test_rows_leave_no_graphs_behind():
    def graphs():
        gc.collect()
        return sum(isinstance(item, FuncGraph) for item in gc.get_objects())

    def mapped(scale):
        return tf.vectorized_map(lambda row: row * scale, tf.ones([2, 2]))

    scales = [tf.constant(float(number)) for number in range(8)]
    mapped(scales[0])
    before = graphs()
    for scale in scales:
        mapped(scale)
    assert graphs() == before  # all share the program of the first


def test_random_streams_go_on_from_call_to_call():
    """A function that is called eagerly has streams of its own, which do not begin anew with each program."""
    tf.random.set_seed(1)
    v = tf.Variable([1.0, 2.0])
    graph = tf.function(lambda: tf.random.uniform([2], seed=3) * v).get_concrete_function().graph
    drawn = [
        tf.raw_ops.StatefulPartitionedCall(args=[v.handle], Tout=[tf.float32], f=graph)[0].numpy().tolist()
        for _ in range(3)
    ]
    assert len({tuple(item) for item in drawn}) == 3


def test_the_variable_that_a_trace_was_made_with():
    v = tf.Variable([1.0, 2.0])
    w = tf.Variable(2.0)
    concrete = tf.function(lambda a, x: a * x * w).get_concrete_function(v, ONES)
    assert concrete.variables == (v, w) and concrete.captured_inputs == [w.handle]
    del v
    gc.collect()
    assert concrete.variables == (w,)
    u = tf.Variable([3.0, 4.0])
    assert concrete(u, ONES).numpy().tolist() == [6.0, 8.0]


class TestBounds:
    def test_calls_that_a_wider_trace_serves(self, monkeypatch):
        monkeypatch.setattr(trace_table, "_MOST_FOUND", 8)
        f = tf.function(lambda x: tf.reduce_sum(x), input_signature=[tf.TensorSpec([None])])
        for size in range(1, 30):
            assert float(f(np.ones(size, np.float32))) == size
            assert len(f._traces._found) <= 8
        assert f.experimental_get_tracing_count() == 1

    def test_programs_of_one_stage(self, monkeypatch):
        monkeypatch.setattr(compiled_stage, "_MOST_SHAPES", 4)
        v = tf.Variable(0.0)

        @tf.function(input_signature=[tf.TensorSpec([None])], jit_compile=True)
        def f(x):
            v.assign_add(tf.reduce_sum(x))
            return v + 0.0

        total = 0.0
        for size in [*range(1, 11), 1, 10]:
            total += size
            assert float(f(tf.ones([size]))) == total
            (program,) = f._traces.concrete_functions()[0].call.programs()
            (compiled,) = program.program._compiled.values()
            (stage,) = [step for step, _ in compiled._steps]
            assert len(stage._only._found) <= 4

    def test_signatures_of_rows(self, monkeypatch):
        monkeypatch.setattr(row_programs, "_MOST_SIGNATURES", 4)
        monkeypatch.delenv("TIDEFLOW_TIER", raising=False)
        for size in range(1, 12):
            assert tf.vectorized_map(lambda row: row + 0.125, tf.zeros([size, 2])).shape == (size, 2)
        assert max(len(program._left) for program in row_programs._programs.values()) <= 4


def test_rows_of_functions_that_promise_other_shapes():
    """Without rows the static shapes are those of the results, so functions that differ in them share no program."""

    def mapped(promised):
        def function(row):
            result = tf.reshape(row, tf.stack([tf.size(row)]) * 1)
            result.set_shape([promised])
            return result + 0.5

        return tf.vectorized_map(function, unknown)

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def shapes(x):
        nonlocal unknown
        unknown = x
        return mapped(2), mapped(3)

    unknown = None
    two, three = shapes(tf.zeros([0, 2]))
    assert two.shape == (0, 2) and three.shape == (0, 3)
