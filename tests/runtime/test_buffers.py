"""Checks what variables get back from runs that fail, and that no lock outlives an interrupted wait."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime.buffers import Buffer, locked

TIERS = pytest.mark.parametrize("tier", ["host", "xla"])


@TIERS
def test_a_run_that_fails_takes_nothing_from_other_threads(graph, monkeypatch, tier) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    queue = tf.FIFOQueue(1, [tf.float32], [()])
    variable = tf.get_variable("v", initializer=0.0, use_resource=True)
    before = tf.get_variable("before", initializer=0.0, use_resource=True)
    waits, failures = threading.Event(), []
    with tf.control_dependencies([before.assign_add(1.0, read_value=False)]):
        waiting = tf.py_func(lambda: waits.set() or np.float32(0), [], tf.float32)
    with tf.control_dependencies([waiting]):
        taken = queue.dequeue()
    step, count, close = variable.assign_add(taken), variable.assign_add(1.0), queue.close()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())

        def wait() -> None:
            try:
                session.run(step)
            except tf.errors.OutOfRangeError:
                failures.append(1)

        thread = threading.Thread(target=wait)
        session.run(count)  # what is compiled is compiled now
        thread.start()
        assert waits.wait(600)
        for _ in range(10):
            session.run(count)
        session.run(close)
        thread.join(600)
        assert failures == [1]
        assert session.run(variable.read_value()) == 11.0
        assert session.run(before.read_value()) == 0.0


@TIERS
def test_a_loop_that_fails_leaves_its_variables_as_they_were(monkeypatch, tier) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    import tideflow as tf2

    variable = tf2.Variable(1.0)

    @tf2.function
    def step(index):
        def turn(turns):
            variable.assign_add(1.0)
            return turns + 1

        tf2.while_loop(lambda turns: turns < 3, turn, [tf2.constant(0)])
        return tf2.gather(tf2.constant([1.0, 2.0, 3.0]) * 2.0, index)

    assert step(tf2.constant(1)).numpy() == 4.0
    with pytest.raises(tf2.errors.InvalidArgumentError):
        step(tf2.constant(7))
    assert variable.numpy() == 4.0


@TIERS
def test_a_later_turn_that_fails_gives_back_what_an_earlier_one_took_over(monkeypatch, tier) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    import tideflow as tf2

    variable = tf2.Variable(np.ones(4, np.float32))
    calls: list[int] = []

    def fails_at_last(index):
        calls.append(1)
        if len(calls) == 3:
            raise ValueError("the third")
        return np.int32(0)

    @tf2.function
    def step():
        def turn(index):
            zero = tf2.numpy_function(fails_at_last, [index], tf2.int32)
            zero.set_shape([])
            variable.assign_add(tf2.ones([4]))
            return index + 1 + zero

        return tf2.while_loop(lambda index: index < 5, turn, [tf2.constant(0)])

    with pytest.raises(tf2.errors.InvalidArgumentError, match="the third"):
        step()
    np.testing.assert_array_equal(variable.numpy(), np.ones(4))


class _InterruptedLock:
    """Is a lock whose wait Ctrl-C ends just as it is acquired."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self.release = lock.release

    def acquire(self) -> None:
        self._lock.acquire()
        raise KeyboardInterrupt

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


def test_an_interrupted_wait_leaves_no_lock_behind() -> None:
    first, second = (Buffer(name, tf.float32, ()) for name in "ab")
    lock = second.lock
    second.lock = _InterruptedLock(lock)
    with pytest.raises(KeyboardInterrupt), locked([first, second]):
        raise AssertionError("unreachable")
    free: list[bool] = []
    thread = threading.Thread(
        target=lambda: free.extend([first.lock.acquire(blocking=False), lock.acquire(blocking=False)])
    )
    thread.start()
    thread.join(600)
    assert free == [True, True]
