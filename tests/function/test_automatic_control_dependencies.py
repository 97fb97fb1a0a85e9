"""Effects of traced functions happen in program order, and all of them happen."""

from __future__ import annotations

import pytest

import tideflow as tf


def test_reads_and_writes_keep_their_order():
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        a = v.read_value()
        v.assign_add(x)
        b = v.read_value()
        v.assign(b * 10.0)
        c = v.read_value()
        return a, b, c

    assert [float(item) for item in f(tf.constant(1.0))] == [1.0, 2.0, 20.0]
    assert [float(item) for item in f(tf.constant(1.0))] == [20.0, 21.0, 210.0]


def test_effects_happen_though_nobody_takes_their_results():
    v, w = tf.Variable(0.0), tf.Variable(0.0)

    @tf.function
    def f(x):
        v.assign_add(x)
        tf.cond(x > 1.0, lambda: w.assign_add(x), lambda: w.assign(-1.0))
        return x

    f(tf.constant(2.0))
    assert (float(v), float(w)) == (2.0, 2.0)
    f(tf.constant(1.0))
    assert (float(v), float(w)) == (3.0, -1.0)


def test_effects_in_branches_and_loops_keep_their_order():
    v = tf.Variable(1.0)

    @tf.function
    def f(n):
        v.assign(1.0)

        def body(i):
            v.assign(v * 2.0)
            return i + 1

        def branch():
            v.assign_add(1.0)
            before = v.read_value()
            v.assign(0.5)
            return before

        tf.while_loop(lambda i: i < n, body, [0])
        doubled = v.read_value()
        inside = tf.cond(n > 2, branch, lambda: v.read_value())
        return doubled, inside, v.read_value()

    assert [float(item) for item in f(tf.constant(3))] == [8.0, 9.0, 0.5]
    assert [float(item) for item in f(tf.constant(1))] == [2.0, 2.0, 2.0]


def test_printing_keeps_its_order(capfd):
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        tf.print("first", x)
        v.assign_add(1.0)
        tf.print("second", v)
        tf.cond(x > 0.0, lambda: tf.print("in a branch"), lambda: tf.print("no"))
        tf.print("third")
        return x

    for _ in range(2):
        f(tf.constant(1.0))
    assert capfd.readouterr().err.split("\n") == [
        "first 1", "second 2", "in a branch", "third", "first 1", "second 3", "in a branch", "third", "",
    ]  # fmt: skip


def test_python_functions_keep_their_place_among_effects():
    v, seen = tf.Variable(1.0), []

    @tf.function
    def f():
        v.assign_add(1.0)
        tf.py_function(lambda: seen.append(float(v)), [], [])
        v.assign_add(10.0)
        tf.py_function(lambda: seen.append(float(v)), [], [])

    f()
    assert seen == [2.0, 12.0]


def test_assertions_are_checked_though_nobody_takes_them():
    @tf.function
    def f(x):
        tf.debugging.assert_greater(x, 0.0)
        return x

    assert float(f(tf.constant(1.0))) == 1.0
    with pytest.raises(tf.errors.InvalidArgumentError):
        f(tf.constant(-1.0))


def test_functions_called_by_functions():
    v = tf.Variable(1.0)

    @tf.function
    def bump(by):
        v.assign_add(by)

    @tf.function
    def f():
        bump(tf.constant(1.0))
        before = v.read_value()
        bump(tf.constant(5.0))
        return before, v.read_value()

    assert [float(item) for item in f()] == [2.0, 7.0]
