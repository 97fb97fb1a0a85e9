"""Checks gradients that the user gives: ``custom_gradient``, ``grad_pass_through`` and ``recompute_grad``."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1


@tf.custom_gradient
def tenfold(x):
    return x * x, lambda dy: dy * 10.0


def test_on_a_tape() -> None:
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tenfold(x) * 2.0
    assert (float(y), float(tape.gradient(y, x))) == (18.0, 20.0)


def test_in_a_graph(graph, tier) -> None:
    x = v1.placeholder(tf.float32, [])
    y = tenfold(x) * 2.0
    with v1.Session() as session:
        assert session.run([y, v1.gradients(y, x)[0]], {x: 3.0}) == [18.0, 20.0]


def test_several_inputs_and_outputs() -> None:
    @tf.custom_gradient
    def both(a, b):
        return (a + b, a * b), lambda d0, d1: (d0 * 100.0, d1 * 1000.0)

    a, b = tf.constant(2.0), tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        first, second = both(a, b)
        y = first + 2.0 * second
    assert [float(d) for d in tape.gradient(y, [a, b])] == [100.0, 2000.0]


def test_second_order_differentiates_the_gradient_function() -> None:
    @tf.custom_gradient
    def cube(x):
        return x**3.0, lambda dy: dy * 3.0 * x * x

    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = cube(x)
        first = inner.gradient(y, x)
    assert (float(first), float(outer.gradient(first, x))) == (12.0, 12.0)


def test_variables_need_an_argument_for_their_gradients() -> None:
    variable = tf.Variable(2.0)
    x = tf.constant(3.0)

    @tf.custom_gradient
    def scaled(x):
        def gradient(dy, variables):
            assert [v is variable for v in variables] == [True]
            return dy * 7.0, [dy * 8.0]

        return x * variable, gradient

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = scaled(x)
    assert [float(d) for d in tape.gradient(y, [x, variable])] == [7.0, 8.0]

    @tf.custom_gradient
    def careless(x):
        return x * variable, lambda dy: dy

    with pytest.raises(TypeError, match="variables"), tf.GradientTape() as tape:
        y = careless(x)
        tape.gradient(y, variable)


def test_a_wrong_number_of_gradients() -> None:
    @tf.custom_gradient
    def wrong(x):
        return x * x, lambda dy: (dy, dy)

    x = tf.constant(1.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = wrong(x)
    with pytest.raises(ValueError, match="1 gradients, but returned 2"):
        tape.gradient(y, x)


def test_pass_through_and_recompute() -> None:
    x = tf.constant(2.6)
    for function, value, slope in (
        (tf.grad_pass_through(tf.round), 3.0, 1.0),
        (tf.recompute_grad(lambda x: x * x), 6.76, 5.2),
    ):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        assert (float(y), float(tape.gradient(y, x))) == pytest.approx((value, slope))


def test_recomputing_with_variables_keywords_and_structures() -> None:
    x, v = tf.constant([1.0, 2.0]), tf.Variable(2.0)
    calls = []

    @tf.recompute_grad
    def function(a, scale=1.0):
        calls.append(1)
        return tf.sin(a * v) * scale, {"product": a * v}

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x, scale=3.0)
        total = tf.reduce_sum(y[0]) + tf.reduce_sum(y[1]["product"])
    gradients = tape.gradient(total, [x, v])
    assert len(calls) == 2
    np.testing.assert_allclose(gradients[0], 6 * np.cos(2 * x.numpy()) + 2, rtol=1e-5)
    np.testing.assert_allclose(gradients[1], (3 * x.numpy() * np.cos(2 * x.numpy()) + x.numpy()).sum(), rtol=1e-5)


def test_recomputing_in_a_graph_and_nested() -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant([1.0, 2.0])
        w = tf.compat.v1.get_variable("w", initializer=[3.0, 2.0], use_resource=True)
        inner = tf.recompute_grad(lambda a: tf.sin(a) * w)
        y = tf.recompute_grad(lambda a: inner(a) * a)(x)
        gradients = tf.gradients(y, [x, w])
        session.run(tf.compat.v1.global_variables_initializer())
        values = session.run(gradients)
    np.testing.assert_allclose(values[0], [3, 2] * (np.cos([1, 2]) * [1, 2] + np.sin([1, 2])), rtol=1e-5)
    np.testing.assert_allclose(values[1], np.sin([1, 2]) * [1, 2], rtol=1e-5)


def test_a_custom_gradient_with_variables_in_a_graph() -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.constant([1.0, 2.0])

        @tf.custom_gradient
        def scaled(a):
            w = tf.compat.v1.get_variable("w", initializer=[3.0, 2.0], use_resource=True)
            return a * w, lambda dy, variables=None: (dy * 7.0, [dy * a for _ in variables])

        y = scaled(x)
        gradients = tf.gradients(y, [x, *tf.compat.v1.trainable_variables()])
        session.run(tf.compat.v1.global_variables_initializer())
        values = session.run(gradients)
    np.testing.assert_array_equal(values, [[7, 7], [1, 2]])


def test_keyword_arguments_alone_are_differentiated_as_they_are() -> None:
    """The gradient function is for positional arguments; without any, the operations inside count, as in TensorFlow."""
    x, y = tf.constant(2.0), tf.constant(3.0)

    @tf.custom_gradient
    def product(x, y=1.0):
        return x * y, lambda dy: dy * 100.0

    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, y])
        by_name, mixed = product(x=x, y=y), product(x, y=3.0)
    assert [float(item) for item in tape.gradient(by_name, [x, y])] == [3.0, 2.0]
    assert float(tape.gradient(mixed, x)) == 100.0


@pytest.mark.parametrize("around", ["cond", "loop"])
def test_inside_of_branches_and_loops(around, graph, tier) -> None:
    """A gradient function that reads values of the body, and tensors outside, goes on to second derivatives."""
    x, w = v1.placeholder(tf.float32, []), v1.placeholder(tf.float32, [])

    @tf.custom_gradient
    def clipped(x):
        e = tf.exp(x)
        return tf.math.log(1.0 + e), lambda dy: dy * w * (1.0 - 1.0 / (1.0 + e))

    if around == "cond":
        y = tf.cond(x > 0.0, lambda: clipped(x), lambda: x)
    else:
        y = tf.while_loop(lambda i, y: i < 1, lambda i, y: (i + 1, clipped(y)), [0, x])[1]
    first = v1.gradients(y, x)[0]
    second = v1.gradients(first, [x, w])
    with v1.Session() as session:
        found = session.run([y, first, *second], {x: 0.5, w: 3.0})
    s = 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(found, [np.log(1 + np.exp(0.5)), 3 * s, 3 * s * (1 - s), s], rtol=1e-5)


def test_a_variable_that_is_an_argument_is_watched() -> None:
    variable = tf.Variable([0.5])

    @tf.custom_gradient
    def doubled(x, factor):
        return x * factor, lambda dy: (dy * 2.0, None)

    def gradient(v):
        with tf.GradientTape() as tape:
            y = -doubled(v, 3.0)
        return tape.gradient(y, v)

    assert gradient(variable).numpy().tolist() == [-2.0]
    assert tf.function(gradient)(variable).numpy().tolist() == [-2.0]
