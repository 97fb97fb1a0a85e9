"""Checks Jacobians from tapes."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def test_the_shape_is_that_of_target_and_source() -> None:
    x = tf.constant([1.0, 2.0, 3.0])
    matrix = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.linalg.matvec(matrix, x * x)
    np.testing.assert_allclose(tape.jacobian(y, x), np.asarray(matrix) * 2.0 * np.asarray(x))


def test_scalars_structures_and_unconnected_sources() -> None:
    x, other = tf.constant(3.0), tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = x * x
    assert float(tape.jacobian(y, x)) == 6.0
    result = tape.jacobian(y, {"a": x, "b": other})
    assert float(result["a"]) == 6.0
    assert result["b"] is None
    np.testing.assert_array_equal(tape.jacobian(y, other, unconnected_gradients="zero"), [0.0, 0.0])


def test_a_jacobian_of_a_gradient_is_a_hessian() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_sum(x**3.0) + x[0] * x[1]
        gradient = inner.gradient(y, x)
    np.testing.assert_allclose(outer.jacobian(gradient, x), [[6.0, 1.0], [1.0, 12.0]], rtol=1e-6)


def test_batch_jacobian() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x
    np.testing.assert_allclose(tape.batch_jacobian(y, x), [[[2, 0], [0, 4]], [[6, 0], [0, 8]]])
    with pytest.raises(ValueError, match="first dimension"):
        tape.batch_jacobian(y, tf.constant([[1.0]]))


def test_a_tape_that_is_not_persistent_is_used_up() -> None:
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    tape.jacobian(y, x)
    with pytest.raises(RuntimeError, match="one set of gradients"):
        tape.jacobian(y, x)
