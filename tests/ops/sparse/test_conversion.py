"""Sparse tensors against dense ones."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1


def matrix():
    return tf.SparseTensor([[0, 1], [1, 0], [1, 2]], [1.0, 2.0, 3.0], [2, 3])


DENSE = np.float32([[0, 1, 0], [2, 0, 3]])


def test_dense_and_back():
    np.testing.assert_array_equal(tf.sparse.to_dense(matrix()), DENSE)
    back = tf.sparse.from_dense(DENSE)
    np.testing.assert_array_equal(back.indices, matrix().indices)
    np.testing.assert_array_equal(back.values, [1, 2, 3])
    np.testing.assert_array_equal(v1.sparse_to_dense([1, 3], [4], 5, 1), [1, 5, 1, 5])


def test_products_from_both_sides_and_adjoint():
    b = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(tf.sparse.sparse_dense_matmul(matrix(), b), DENSE @ b)
    np.testing.assert_array_equal(tf.sparse.sparse_dense_matmul(b, matrix()), b @ DENSE)
    np.testing.assert_array_equal(tf.sparse.sparse_dense_matmul(matrix(), DENSE, adjoint_a=True), DENSE.T @ DENSE)


def test_a_product_of_many_values_equals_the_dense_one():
    random = np.random.default_rng(0)
    dense = (random.random((300, 400)) < 0.1) * random.standard_normal((300, 400))
    places = np.argwhere(dense)
    order = random.permutation(len(places))
    sparse = tf.SparseTensor(places[order], dense[tuple(places[order].T)], dense.shape)
    b = random.standard_normal((400, 50))
    np.testing.assert_allclose(tf.sparse.sparse_dense_matmul(sparse, b), dense @ b, rtol=1e-9, atol=1e-9)


def test_gradients_reach_values_and_matrix():
    values, b = tf.constant([1.0, 2.0, 3.0]), tf.constant([[1.0], [2.0], [4.0]])
    with tf.GradientTape() as tape:
        tape.watch([values, b])
        sparse = tf.SparseTensor([[0, 1], [1, 0], [1, 2]], values, [2, 3])
        y = tf.reduce_sum(tf.sparse.sparse_dense_matmul(sparse, b)) + tf.reduce_sum(tf.sparse.to_dense(sparse) ** 2)
    gradients = tape.gradient(y, [values, b])
    np.testing.assert_array_equal(gradients[0], [2 + 2, 1 + 4, 4 + 6])
    np.testing.assert_array_equal(gradients[1], [[2], [1], [3]])


def test_order_and_shape_of_positions():
    turned = tf.SparseTensor([[1, 2], [0, 1], [1, 0]], [3.0, 1.0, 2.0], [2, 3])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of order"):
        tf.sparse.to_dense(turned)
    np.testing.assert_array_equal(tf.sparse.to_dense(tf.sparse.reorder(turned)), DENSE)
    np.testing.assert_array_equal(tf.sparse.to_dense(tf.sparse.reshape(matrix(), [3, -1])), DENSE.reshape(3, 2))
    np.testing.assert_array_equal(tf.sparse.to_dense(tf.sparse.eye(2, 3)), np.eye(2, 3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="6 dense values"):
        tf.sparse.reshape(matrix(), [4])
    with pytest.raises(TypeError, match="SparseTensor"):
        tf.sparse.to_dense(DENSE)


def test_sets_of_dense_and_sparse_tensors():
    a, b = [[1, 2, 2], [3, 4, 5]], [[2, 6], [5, 3]]
    np.testing.assert_array_equal(tf.sets.intersection(a, b).values, [2, 3, 5])
    np.testing.assert_array_equal(tf.sets.difference(a, b).values, [1, 4])
    np.testing.assert_array_equal(tf.sets.difference(tf.sparse.from_dense(a), b, aminusb=False).values, [6])
    np.testing.assert_array_equal(tf.sparse.to_dense(tf.sets.union(a, b)), [[1, 2, 6], [3, 4, 5]])
    np.testing.assert_array_equal(tf.sets.size(tf.sparse.from_dense(a)), [2, 3])


def test_a_step_over_a_sparse_matrix_is_one_compiled_program():
    weights = tf.Variable(np.ones((3, 2), np.float32))

    @tf.function(jit_compile=True)
    def step(matrix, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.sparse.sparse_dense_matmul(matrix, weights) - labels) ** 2)
        gradient = tape.gradient(loss, weights)
        weights.assign_sub(0.1 * gradient)
        return loss, gradient

    loss, gradient = step(matrix(), np.zeros((2, 2), np.float32))
    product = DENSE @ np.ones((3, 2), np.float32)
    np.testing.assert_allclose(loss, (product**2).sum(), rtol=1e-6)
    np.testing.assert_allclose(gradient, DENSE.T @ (2 * product), rtol=1e-6)
    np.testing.assert_allclose(weights, 1 - 0.1 * np.asarray(gradient), rtol=1e-6)


def test_a_compiled_product_refuses_positions_outside():
    product = tf.function(tf.sparse.sparse_dense_matmul, jit_compile=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        product(tf.SparseTensor([[0, 3]], [1.0], [2, 3]), np.ones((3, 1), np.float32))
