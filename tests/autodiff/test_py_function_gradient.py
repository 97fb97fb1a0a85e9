"""Checks gradients of Python functions: they belong to the call that was made, of any order."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf


def test_the_function_is_called_once(graph, tier) -> None:
    calls = []

    def product(x, y):
        calls.append(float(x))
        return x * y * len(calls), tf.sin(x)

    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    value, sine = tf.py_function(product, [x, y], [tf.float32, tf.float32])
    feed = {x: 2.0, y: 3.0}
    with tf.Session() as session:
        assert session.run(value, feed) == 6.0
        dx, dy = tf.gradients(value, [x, y])
        (ds,) = tf.gradients(sine, x)
        assert session.run([value, dx, dy], feed) == [12.0, 6.0, 4.0]
        np.testing.assert_allclose(session.run(ds, feed), np.cos(2.0), rtol=1e-6)
    assert calls == [2.0, 2.0, 2.0]


def test_every_turn_has_its_own_call(graph, tier) -> None:
    factors = iter(range(1, 100))
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(
        lambda i, y: i < 3,
        lambda i, y: (i + 1, tf.py_function(lambda y: y * y * float(next(factors)), [y], tf.float32)),
        [0, x],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape(None)],
    )[1]
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        # ((x^2)^2 * 2)^2 * 3 = 12 x^8
        assert session.run([y, gradient], {x: 2.0}) == [12.0 * 2**8, 96.0 * 2**7]


@pytest.mark.parametrize("around", ["graph", "branch"])
def test_second_and_third_derivatives(around, graph) -> None:
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])

    def power():
        return tf.py_function(lambda x, y: tf2.exp(x * y) * x, [x, y], tf.float32)

    value = power() if around == "graph" else tf.cond(x > 0.0, power, lambda: tf.zeros([]))
    (first,) = tf.gradients(value, x)
    second = tf.gradients(first, [x, y])
    (third,) = tf.gradients(second[0], x)
    with tf.Session() as session:
        found = session.run([value, first, *second, third], {x: 0.5, y: 1.5})
    a, b, e = 0.5, 1.5, np.exp(0.75)
    expected = [a * e, (1 + a * b) * e, (2 * b + a * b * b) * e, (2 * a + a * a * b) * e, (3 * b**2 + a * b**3) * e]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_integers_have_no_gradient(graph) -> None:
    x, n = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.int32, [])
    y = tf.py_function(lambda n, x: x * tf.cast(n, tf.float32), [n, x], tf.float32)
    assert tf.gradients(y, n) == [None]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(tf.gradients(y, x)[0], {x: [1.0, 2.0], n: 3}), [3.0, 3.0])
