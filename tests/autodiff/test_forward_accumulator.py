"""Checks Jacobian-vector products."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

X = tf.constant([[1.0, 2.0], [3.0, 4.0]])
T = tf.constant([[1.0, 0.0], [0.5, -1.0]])
Accumulator = tf.autodiff.ForwardAccumulator


def test_products_equal_the_jacobian_times_the_tangent() -> None:
    def function(x: tf.Tensor) -> tf.Tensor:
        return tf.concat([tf.nn.softmax(tf.sin(x) @ x), tf.gather(x, [1]) + tf.reduce_sum(x)], 0)

    with Accumulator(X, T) as accumulator:
        y = function(X)
    with tf.GradientTape() as tape:
        tape.watch(X)
        z = function(X)
    expected = np.einsum("abij,ij->ab", tape.jacobian(z, X).numpy(), T.numpy())
    np.testing.assert_allclose(accumulator.jvp(y), expected, rtol=1e-5, atol=1e-6)


def test_nesting_gives_second_derivatives() -> None:
    with Accumulator(X, T) as outer, Accumulator(X, T) as inner:
        y = X**3.0
        first = inner.jvp(y)
    np.testing.assert_allclose(first, 3 * X.numpy() ** 2 * T.numpy(), rtol=1e-6)
    np.testing.assert_allclose(outer.jvp(first), 6 * X.numpy() * T.numpy() ** 2, rtol=1e-6)


def test_forward_over_reverse_and_reverse_over_forward() -> None:
    with Accumulator(X, T) as accumulator:
        with tf.GradientTape() as tape:
            tape.watch(X)
            y = tf.reduce_sum(X**3.0)
        gradient = tape.gradient(y, X)
    np.testing.assert_allclose(accumulator.jvp(gradient), 6 * X.numpy() * T.numpy(), rtol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(X)
        with Accumulator(X, T) as accumulator:
            y = X**3.0
        product = accumulator.jvp(y)
    np.testing.assert_allclose(tape.gradient(product, X), 6 * X.numpy() * T.numpy(), rtol=1e-6)


def test_variables_structures_and_what_is_not_connected() -> None:
    v = tf.Variable([1.0, 2.0])
    with Accumulator({"v": v}, {"v": tf.constant([1.0, -1.0])}) as accumulator:
        y = {"square": v * v, "stopped": tf.stop_gradient(v.read_value()), "count": tf.cast(v, tf.int32)}
    found = accumulator.jvp(y)
    np.testing.assert_array_equal(found["square"], [2.0, -4.0])
    assert found["stopped"] is None
    assert found["count"] is None
    np.testing.assert_array_equal(accumulator.jvp(X, unconnected_gradients="zero"), np.zeros((2, 2)))


def test_control_flow_in_functions() -> None:
    with Accumulator(X, T) as accumulator:
        mapped = tf.vectorized_map(lambda row: row * row, X)
        _, looped = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, a * X), [0, X])
    np.testing.assert_allclose(accumulator.jvp(mapped), 2 * X.numpy() * T.numpy())
    np.testing.assert_allclose(accumulator.jvp(looped), 4 * X.numpy() ** 3 * T.numpy())


def test_a_custom_gradient_is_only_for_going_backwards() -> None:
    @tf.custom_gradient
    def square(x: tf.Tensor) -> tuple[tf.Tensor, object]:
        return x * x, lambda dy: dy * 100.0

    with Accumulator(X, T) as accumulator:
        y = square(X)
    np.testing.assert_allclose(accumulator.jvp(y), 2 * X.numpy() * T.numpy())


def test_in_a_graph() -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [2])
        with Accumulator(x, tf.ones_like(x)) as accumulator:
            y = tf.exp(x) * x
        value = session.run(accumulator.jvp(y), {x: [0.0, 1.0]})
    np.testing.assert_allclose(value, [1.0, 2 * np.e], rtol=1e-6)


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="multiple times"):
        Accumulator([X, X], [T, T])
    with pytest.raises(ValueError, match="shape"):
        Accumulator(X, tf.constant([1.0]))
    accumulator = Accumulator(X, T)
    with pytest.raises(ValueError, match="already recording"), accumulator, accumulator:
        pass


def test_gradients_of_a_function_with_a_loop_have_tangents() -> None:
    @tf.function
    def function(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.sin(y) * x), [0, x])[1]

    def unrolled(x):
        return tf.sin(tf.sin(tf.sin(x) * x) * x) * x

    found = []
    x = tf.constant(1.2, tf.float64)
    for program in (unrolled, function):
        with tf.autodiff.ForwardAccumulator(x, tf.constant(1.0, tf.float64)) as accumulator:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = program(x)
            gradient = tape.gradient(y, x)
        found.append([float(y), float(gradient), float(accumulator.jvp(y)), float(accumulator.jvp(gradient))])
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    assert found[1][3] == pytest.approx(-1.820605, rel=1e-5)


def test_a_map_of_tensors_has_no_tangent_and_says_so() -> None:
    x, key = tf.constant(2.0), tf.constant(1)
    with (
        tf.autodiff.ForwardAccumulator(x, tf.constant(1.0)),
        pytest.raises(LookupError, match="TensorMapInsert"),
    ):
        tf.raw_ops.TensorMapInsert(input_handle=tf.raw_ops.EmptyTensorMap(), key=key, value=x)
