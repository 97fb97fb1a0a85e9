"""Programs that run in one thread and programs that all threads share use the same variables."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.runtime import compiled_stage, cost_model, program_options
from tideflow._src.runtime.homes import Home

pytestmark = pytest.mark.skipif(program_options.processors() == 1, reason="there is one thread anyway")

SIZE = 1200


def _is_undivided(function):
    """Returns whether the only stage of a function that was traced once runs in one thread."""
    (trace,) = function.explain().traces
    ((stage,),) = (program["stages"] for program in trace.programs)
    assert ("in one thread" in str(function.explain())) == stage["undivided"]
    return stage["undivided"]


@pytest.fixture
def two_sizes():
    """Returns a variable with a small step that counts and reads it, and a large one that scales it."""
    v = tf.Variable(tf.ones([SIZE]))
    wide = tf.constant(np.eye(SIZE, dtype=np.float32))

    @tf.function(jit_compile=True)
    def small():
        v.assign_add(tf.ones([SIZE]))
        return tf.reduce_sum(v) / SIZE

    @tf.function(jit_compile=True)
    def large(factor):
        v.assign(factor * tf.linalg.matvec(wide @ wide, v))
        return tf.reduce_sum(v) / SIZE

    return v, small, large


def test_work_decides():
    small = cost_model.Cost(host=1.0, compiled=1e-4, compile=0.1)
    large = cost_model.Cost(host=1.0, compiled=1e-2, compile=0.1)
    assert small.is_better_undivided(2)
    assert small.is_better_undivided(64)
    assert not large.is_better_undivided(2)
    assert large.is_better_undivided(1)


def test_both_see_what_the_other_wrote(two_sizes):
    v, small, large = two_sizes
    value = 1.0
    for turn in range(12):
        value += 1
        assert float(small()) == value
        held = v.read_value()
        factor = 2.0 if turn % 2 else 0.5
        assert float(large(tf.constant(factor))) == value * factor
        np.testing.assert_array_equal(held, np.full(SIZE, value, np.float32))  # what was read never changes
        value *= factor
        np.testing.assert_array_equal(v, np.full(SIZE, value, np.float32))
        v.assign_sub(tf.ones([SIZE]))
        value -= 1


def test_where_they_run(two_sizes):
    _, small, large = two_sizes
    small()
    large(tf.constant(1.0))
    assert _is_undivided(small)
    assert not _is_undivided(large)


def test_what_needs_its_variables_elsewhere_goes_there(two_sizes, monkeypatch):
    monkeypatch.setattr(cost_model, "_MOVE", 1e8)  # nanoseconds: two moves take as long as compiling
    v, small, large = two_sizes
    for _ in range(6):
        small()
        large(tf.constant(1.0))
    assert not _is_undivided(small)
    np.testing.assert_array_equal(v, np.full(SIZE, 7, np.float32))


def test_threads_count_together(two_sizes):
    v, small, large = two_sizes
    small()
    large(tf.constant(1.0))
    v.assign(tf.zeros([SIZE]))

    def count():
        for _ in range(40):
            small()

    def keep():
        for _ in range(10):
            large(tf.constant(1.0))

    threads = [threading.Thread(target=target) for target in (count, keep, count, keep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(v, np.full(SIZE, 80, np.float32))


def test_one_reads_what_the_other_writes():
    v = tf.Variable(tf.ones([SIZE]))
    w = tf.Variable(0.0)
    wide = tf.constant(np.eye(SIZE, dtype=np.float32))

    @tf.function(jit_compile=True)
    def write():
        v.assign(tf.linalg.matvec(wide @ wide, v + 1))

    @tf.function(jit_compile=True)
    def read():
        w.assign_add(1.0)
        return tf.stack([tf.reduce_min(v), tf.reduce_max(v)])

    write()
    read()
    torn = []

    def look():
        for _ in range(300):
            least, most = read().numpy()
            if least != most:
                torn.append((least, most))

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(20):
        write()
    thread.join(600)
    assert not torn
    assert float(w) == 301
    for function in (read, write):
        (trace,) = function.explain().traces
        assert all(stage["compiled"] for program in trace.programs for stage in program["stages"])
    np.testing.assert_array_equal(v, np.full(SIZE, 22, np.float32))


def test_a_program_goes_where_its_variables_are():
    home = Home(undivided=True)
    other = Home()
    assert home.is_undivided
    assert not other.is_undivided
    v = tf.Variable(tf.ones([10]))
    buffer = v._buffer
    with buffer.lock:
        other.take_in(buffer)
        assert (home.moves, other.moves) == (0, 0)
        assert other.holds(buffer.value)
        assert not home.holds(buffer.value)
        home.take_in(buffer)
        assert home.holds(buffer.value)
    assert home.moves == cost_model.of_move(40)


def test_one_thread_is_asked_for(two_sizes, monkeypatch):
    monkeypatch.setattr(program_options, "get_intra_op_parallelism_threads", lambda: 1)
    v, _, large = two_sizes
    large(tf.constant(3.0))
    assert _is_undivided(large)
    np.testing.assert_array_equal(v, np.full(SIZE, 3, np.float32))


@pytest.mark.parametrize("threads", [0, 1])
def test_a_session_that_asks_for_one_thread_gets_it(monkeypatch, threads):
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    with tf.Graph().as_default():
        fed = tf.compat.v1.placeholder(tf.float32, [SIZE, SIZE])
        product = tf.matmul(fed, fed)
        with tf.compat.v1.Session(config=tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads)) as session:
            assert session.run(product, {fed: np.eye(SIZE, dtype=np.float32)})[3, 3] == 1.0
            (program,) = {run.program for run in session._runs.values()}
            (stage,) = program.explain()["stages"]
    assert stage["undivided"] == bool(threads)
    with pytest.raises(tf.errors.CancelledError, match="has been closed"):
        session.list_devices()


def test_warm_steps_find_every_variable_where_the_last_run_left_it(monkeypatch):
    """What a step reads and writes is looked at as a whole; only what somebody touched is looked at one by one."""
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    rate, weights = tf.Variable(0.1), tf.Variable(tf.ones([8, 8]))

    @tf.function
    def step(x):
        weights.assign_sub(rate * x)
        return tf.reduce_sum(weights)

    brought = []
    one_by_one = compiled_stage.CompiledStage._brought

    def counted(stage):
        brought.append(stage)
        return one_by_one(stage)

    monkeypatch.setattr(compiled_stage.CompiledStage, "_brought", counted)
    x = np.ones((8, 8), np.float32)
    for _ in range(3):
        step(x)
    del brought[:]
    for _ in range(5):
        step(x)
    assert not brought
    held = weights.numpy()  # leases the value: the next run may not take its memory over
    step(x)
    assert len(brought) == 1
    rate.assign(0.0)  # is brought here before the program looks
    step(x)
    step(x)
    assert len(brought) == 1
    np.testing.assert_allclose(held, np.full((8, 8), 1.0 - 8 * 0.1), rtol=1e-5)
    np.testing.assert_allclose(weights, np.full((8, 8), 1.0 - 9 * 0.1), rtol=1e-4)
