"""Singular value decompositions of broken matrices, and the gradient of full ones, as TensorFlow 2.21 has them."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

BROKEN = np.array([[[1, np.nan], [2, 3]], [[1, 0], [0, 2]], [[1, np.inf], [0, 1]]], np.float32)


def test_only_matrices_that_are_not_finite_have_no_singular_values() -> None:
    s, u, v = (part.numpy() for part in tf.linalg.svd(BROKEN))
    np.testing.assert_array_equal(s[1], [2, 1])
    np.testing.assert_allclose(u[1] * s[1] @ v[1].T, BROKEN[1], atol=1e-6)
    for part in (s, u, v, tf.linalg.svd(BROKEN, compute_uv=False).numpy()):
        assert [bool(np.isnan(part[index]).all()) for index in range(3)] == [True, False, True]
    assert np.isnan(tf.linalg.pinv(BROKEN[0]).numpy()).all()
    assert np.isnan(tf.norm(BROKEN[0], 2, axis=[0, 1]).numpy())


def _loss(x, left, right):
    _, u, v = tf.linalg.svd(x, full_matrices=True)
    first = tf.reduce_sum(tf.matmul(u * left, u, transpose_b=True) ** 2)
    return first + tf.reduce_sum(tf.matmul(v * right, v, transpose_b=True) ** 2)


@pytest.mark.parametrize(
    "rows, columns, expected",
    [
        (3, 2, [[0.43415, 1.13958], [-0.49778, -0.71723], [0.18417, -0.54091]]),
        (2, 3, [[0.4639, 1.12578, 0.58361], [-0.70584, 0.43489, 1.09538]]),
    ],
)
def test_the_gradient_of_full_matrices_with_one_more_vector(rows, columns, expected) -> None:
    matrix = np.random.RandomState(0).randn(rows, columns)
    left, right = np.random.RandomState(1).randn(rows, rows), np.random.RandomState(2).randn(columns, columns)
    x = tf.constant(matrix)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = _loss(x, left, right)
    gradient = tape.gradient(loss, x).numpy()
    np.testing.assert_allclose(gradient, expected, atol=1e-5)
    step = np.zeros_like(matrix)
    step[1, 0] = 1e-6
    slope = (_loss(matrix + step, left, right) - _loss(matrix - step, left, right)).numpy() / 2e-6
    np.testing.assert_allclose(gradient[1, 0], slope, rtol=1e-6)


def test_more_vectors_than_one_are_not_determined() -> None:
    x = tf.constant(np.random.RandomState(0).randn(4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.linalg.svd(x, full_matrices=True)[1])
    with pytest.raises(NotImplementedError, match="full_matrices"):
        tape.gradient(loss, x)
