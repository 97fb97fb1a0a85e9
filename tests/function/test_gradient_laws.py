"""Holds gradients against the law: what is linear in ``a`` is ``a`` times its gradient, and effects happen once.

The programs are made by nesting: calls, branches, loops and maps, two deep, around a body that draws random numbers,
calls Python or changes a variable.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from parity import subject
from tideflow._src.function.func_graph import build

A = 1.5
TURNS = 3


# Nestings: each takes a function that is linear in its argument, a vector, and returns another. How many times the
# inner one runs is in TIMES.


def call(inner):
    def outer(x):
        function, _ = build("called", inner, [(tf.float32, x.shape, "x")])
        arguments = [x, *function.external_captures]
        return tf.raw_ops.StatefulPartitionedCall(args=arguments, Tout=["float"], f=function)[0]

    return outer


def branch(inner):
    return lambda x: tf.cond(tf.placeholder_with_default(True, []), lambda: inner(x), lambda: tf.zeros_like(x))


def case(inner):
    index = tf.placeholder_with_default(np.int32(1), [])
    return lambda x: tf2.switch_case(index, [lambda: x * 7.0, lambda: inner(x), lambda: -x])


def loop(inner):
    return lambda x: tf.while_loop(lambda i, y: i < TURNS, lambda i, y: (i + 1, inner(y)), [0, x])[1]


def bounded_loop(inner):
    limit = tf.placeholder_with_default(np.int32(TURNS), [])
    return lambda x: tf.while_loop(lambda i, y: i < limit, lambda i, y: (i + 1, inner(y)), [0, x])[1]


def map_rows(inner):
    return lambda x: tf.reduce_sum(tf2.map_fn(lambda row: inner(row * x), tf.ones([TURNS, 1])), 0)


def scan(inner):
    return lambda x: tf.reduce_sum(tf2.scan(lambda y, row: inner(y) + row * y, tf.ones([TURNS, 1]), x), 0)


def fold(inner):
    return lambda x: tf2.foldl(lambda y, row: inner(row * y), tf.ones([TURNS, 1]), x)


NESTINGS = [call, branch, case, loop, bounded_loop, map_rows, scan, fold]
TIMES = {call: 1, branch: 1, case: 1, loop: TURNS, bounded_loop: TURNS, map_rows: TURNS, scan: TURNS, fold: TURNS}


# Bodies: each takes a vector and the counter of effects.


def dropout(x, counter):
    return tf2.nn.dropout(x, 0.5)


def sampler(x, counter):
    return x * tf.random_normal([4])


def stateless_sampler(x, counter):
    return x * tf2.random.stateless_uniform([4], seed=[3, 4])


def read_and_written(x, counter):
    """Uses a variable that the same body changes afterwards."""
    value = tf.cast(counter.read_value(), tf.float32)
    with tf.control_dependencies([value]):
        changed = counter.assign_add(1)
    with tf.control_dependencies([changed]):
        return x * (value + 1.0)


def drawn_by_python(x, counter):
    (drawn,) = tf.py_func(lambda: np.random.standard_normal(4).astype("f"), [], [tf.float32])
    return x * tf.reshape(drawn, [4])


def multiplied_by_python(x, counter):
    """Draws a number for each call and multiplies with it, in Python."""
    return tf.reshape(tf.py_function(lambda x: x * np.random.standard_normal(4).astype("f"), [x], tf.float32), [4])


BODIES = [dropout, sampler, stateless_sampler, read_and_written, drawn_by_python, multiplied_by_python]


def counted(body, counter):
    """Returns a body that also counts its runs."""

    def run(x):
        if body is read_and_written:
            return body(x, counter)
        with tf.control_dependencies([counter.assign_add(1)]):
            return body(tf.identity(x), counter)

    return run


def check(program, body, times, how="graph"):
    """Runs a program on its own and with its gradient, again and again."""
    with tf.Graph().as_default(), tf.Session() as session:
        counter = tf.Variable(0, use_resource=True, trainable=False)
        a = tf.placeholder(tf.float32, [])

        def on_the_host(fetch, feeds=None):  # what is not part of the law need not be compiled
            with subject.tier("host"):
                return session.run(fetch, feeds)

        if how == "tape":
            with tf2.GradientTape() as tape:
                tape.watch(a)
                y = tf.reduce_sum(program(counted(body, counter))(a * tf.ones([4])))
            gradient = tape.gradient(y, a)
        else:
            y = tf.reduce_sum(program(counted(body, counter))(a * tf.ones([4])))
            on_the_host(counter.initializer)
            session.run(y, {a: A})  # a run of what the gradient then extends
            gradient = tf.gradients(y, a)[0]
        on_the_host(counter.initializer)
        for runs in range(1, 4):
            value, slope = session.run([y, gradient], {a: A})
            np.testing.assert_allclose(value, A * slope, rtol=1e-5, atol=1e-5)
            assert on_the_host(counter) == 3 * runs * times - 2 * times
            # Recorded on a tape or not, it is the same program: it need not be compiled a second time.
            (on_the_host if how == "tape" else session.run)(y, {a: A})
            session.run(gradient, {a: A})
            assert on_the_host(counter) == 3 * runs * times


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("outer", NESTINGS, ids=lambda nesting: nesting.__name__)
def test_one_deep(outer, body, tier) -> None:
    check(outer, body, TIMES[outer])
    check(outer, body, TIMES[outer], "tape")


@pytest.mark.parametrize(
    ("outer", "inner"),
    list(itertools.product(NESTINGS, NESTINGS)),
    ids=lambda nesting: nesting.__name__,
)
def test_two_deep(outer, inner, tier) -> None:
    number = NESTINGS.index(outer) * len(NESTINGS) + NESTINGS.index(inner)
    body = BODIES[number % len(BODIES)]
    check(lambda body: outer(inner(body)), body, TIMES[outer] * TIMES[inner])


def test_the_check_sees_a_repeated_body() -> None:
    """The checker fails for a gradient that computes the body again."""

    def repeating(inner):
        @tf2.custom_gradient
        def outer(x):
            def backward(dy):
                return tf.gradients(inner(x), x, dy)[0]

            return tf.stop_gradient(inner(x)), backward

        return outer

    with pytest.raises(AssertionError):
        check(repeating, dropout, 1)
    with pytest.raises(AssertionError):
        check(repeating, stateless_sampler, 1)
