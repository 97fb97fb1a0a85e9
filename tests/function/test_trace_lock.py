"""Threads that trace: one at a time for each function, and never in a circle."""

from __future__ import annotations

import threading
from contextlib import nullcontext

import pytest

import tideflow as tf
from tideflow._src.function import trace_lock
from tideflow._src.function.trace_lock import TraceLock

PATIENCE = 600


def together(*works):
    """Runs functions in a thread each; returns what they returned. A thread that does not end fails the test."""
    results = [None] * len(works)

    def run(index, work):
        try:
            results[index] = work()
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "threads wait for each other"
    return results


@pytest.mark.parametrize("count", [2, 3])
def test_functions_that_call_each_other_are_traced_by_threads_at_once(count):
    """Each thread is inside of one function before any goes on to the next."""
    inside = threading.Barrier(count, timeout=PATIENCE)
    met = threading.local()
    functions = []

    def make(index):
        def function(x, depth):
            if not getattr(met, "all", False):
                met.all = True
                inside.wait()
            return functions[(index + 1) % count](x + 1.0, depth - 1) if depth else x

        return tf.function(function)

    functions.extend(map(make, range(count)))
    for _ in range(2):
        results = together(*[lambda each=each: float(each(tf.constant(1.0), 4)) for each in functions])
        assert results == [5.0] * count
    # A call that comes later finds one trace for each signature.
    assert all(len(each._traces.concrete_functions()) <= 5 for each in functions)
    before = [each.experimental_get_tracing_count() for each in functions]
    assert [float(each(tf.constant(3.0), 4)) for each in functions] == [7.0] * count
    assert [each.experimental_get_tracing_count() for each in functions] == before


def test_a_thread_waits_for_a_trace_that_does_not_need_its_own():
    inside, leave = threading.Event(), threading.Event()
    traced = []

    @tf.function
    def inner(x):
        traced.append(threading.get_ident())
        inside.set()
        assert leave.wait(PATIENCE)
        return x + 1.0

    @tf.function
    def outer(x):
        assert inside.wait(PATIENCE)
        leave.set()
        return inner(x) * 2.0

    assert together(lambda: float(inner(tf.constant(1.0))), lambda: float(outer(tf.constant(1.0)))) == [2.0, 4.0]
    assert len(traced) == 1


def test_known_signatures_do_not_wait_for_a_trace():
    inside, leave = threading.Event(), threading.Event()

    @tf.function
    def f(x, slow):
        if slow:
            inside.set()
            assert leave.wait(PATIENCE)
        return x + 1.0

    class Model:
        @tf.function
        def call(self, x):
            return f(x, True)

    model, other = Model(), Model()
    f.get_concrete_function(tf.constant(1.0), False)

    def known():
        assert inside.wait(PATIENCE)
        try:
            found = [float(f(tf.constant(2.0), False)) for _ in range(3)]  # the first is to be remembered
            assert other.call is not model.call
            return found
        finally:
            leave.set()

    assert together(lambda: float(model.call(tf.constant(1.0))), known) == [2.0, [3.0, 3.0, 3.0]]


def test_the_lock_itself():
    one, two = TraceLock(), TraceLock()
    has_one, has_two = threading.Event(), threading.Event()

    def first():
        with one.held() as held, one.held() as again:
            assert held and again
            has_one.set()
            assert has_two.wait(PATIENCE)
            with two.held() as got:
                return got

    def second():
        assert has_one.wait(PATIENCE)
        with two.held() as held:
            assert held
            has_two.set()
            with one.held() as got:
                return got

    # Whoever comes last would close the circle; the other gets the lock once it is free.
    assert sorted(together(first, second)) == [False, True]
    with one.held() as held, two.held() as both:
        assert held and both


def test_the_lock_is_left_when_a_trace_fails():
    @tf.function
    def f(x):
        raise KeyError("no")

    for _ in range(2):
        with pytest.raises(KeyError):
            f(tf.constant(1.0))
    (error,) = together(lambda: f(tf.constant(1.0)))
    assert isinstance(error, KeyError)


class _Interrupted:
    """Is a lock at which Ctrl-C comes once, when it has just been given back."""

    def __init__(self, lock):
        self._lock = lock
        self._comes = True

    def __enter__(self):
        return self._lock.__enter__()

    def __exit__(self, *error):
        self._lock.__exit__(*error)
        if self._comes:
            self._comes = False
            raise KeyboardInterrupt


def _take(lock):
    with lock.held() as held:
        return held


@pytest.mark.parametrize("is_taken_again", [False, True])
def test_ctrl_c_while_the_lock_is_taken_leaves_it_as_it_was(monkeypatch, is_taken_again):
    lock = TraceLock()
    with lock.held() if is_taken_again else nullcontext():
        monkeypatch.setattr(trace_lock, "_guard", _Interrupted(trace_lock._guard))
        with pytest.raises(KeyboardInterrupt):
            _take(lock)
        assert lock._depth == is_taken_again
    assert together(lambda: _take(lock)) == [True]
