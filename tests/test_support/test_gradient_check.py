"""Checks ``compute_gradient`` of both generations, also on a gradient that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


def test_gradients_and_differences_agree() -> None:
    theoretical, numerical = tf.test.compute_gradient(
        lambda x, y: x * x * y, [tf.constant([1.0, 2.0], tf.float64), tf.constant(3.0, tf.float64)]
    )
    np.testing.assert_allclose(theoretical[0], [[6, 0], [0, 12]])
    np.testing.assert_allclose(theoretical[1], [[1], [4]])
    for one, two in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)


def test_complex_numbers_count_twice() -> None:
    theoretical, numerical = tf.test.compute_gradient(lambda x: x * x, [tf.constant([1 + 2j], tf.complex64)])
    np.testing.assert_allclose(theoretical[0], [[2, -4], [4, 2]])
    np.testing.assert_allclose(numerical[0], theoretical[0], rtol=1e-3)


def test_a_wrong_gradient_shows() -> None:
    @tf.custom_gradient
    def wrong(x: tf.Tensor) -> tuple[tf.Tensor, object]:
        return x * x, lambda dy: dy * 100.0

    theoretical, numerical = tf.test.compute_gradient(wrong, [[1.0]])
    assert theoretical[0][0, 0] == 100.0
    assert abs(numerical[0][0, 0] - 2.0) < 1e-2


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="list or tuple"):
        tf.test.compute_gradient(tf.square, tf.constant(1.0))
    with pytest.raises(AssertionError, match="int32"):
        tf.test.compute_gradient(tf.square, [1])


def test_tensors_of_a_graph() -> None:
    with tf.Graph().as_default(), v1.Session():
        x = tf.constant([1.0, 2.0])
        y = x * x
        start = np.array([1.0, 2.0], np.float32)
        theoretical, numerical = v1.test.compute_gradient(x, [2], y, [2], x_init_value=start)
        np.testing.assert_allclose(theoretical, [[2, 0], [0, 4]])
        np.testing.assert_allclose(numerical, theoretical, atol=1e-3)
        assert v1.test.compute_gradient_error(x, [2], y, [2], x_init_value=start) < 1e-3
        pairs = v1.test.compute_gradient([x, x], [[2], [2]], tf.gather(y, [1, 1]), [2], x_init_value=[start, start])
        np.testing.assert_allclose(pairs[0][0], [[0, 0], [4, 4]])
