"""Tests embedding lookups of examples without ids."""

from __future__ import annotations

import numpy as np

import tideflow as tf


def test_examples_without_ids_get_zeros_or_the_default() -> None:
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], np.array([1, 3, -1]), [4, 2])
    zeros = tf.nn.safe_embedding_lookup_sparse(table, ids)
    assert zeros.numpy().tolist() == [[4, 5], [0, 0], [0, 0], [0, 0]]
    default = tf.nn.safe_embedding_lookup_sparse(table, ids, default_id=2)
    assert default.numpy().tolist() == [[4, 5], [4, 5], [4, 5], [4, 5]]


def test_leading_dimensions_stay() -> None:
    table = np.eye(3, dtype=np.float32)
    ids = tf.SparseTensor([[0, 1, 0], [1, 0, 1]], np.array([2, 1]), [2, 2, 2])
    found = tf.nn.safe_embedding_lookup_sparse(table, ids)
    assert found.shape.as_list() == [2, 2, 3]
    assert found.numpy()[0, 1].tolist() == [0, 0, 1]
    assert found.numpy()[1, 0].tolist() == [0, 1, 0]


def test_gradients_reach_values_and_the_default() -> None:
    with tf.GradientTape() as tape:
        values, default = tf.constant([1.0, 2.0]), tf.constant(5.0)
        tape.watch([values, default])
        filled = tf.raw_ops.SparseFillEmptyRows(
            indices=[[1, 0], [3, 2]], values=values, dense_shape=[5, 3], default_value=default
        )
        total = tf.reduce_sum(filled.output_values * tf.constant([1.0, 2.0, 4.0, 8.0, 16.0]))
    of_values, of_default = tape.gradient(total, [values, default])
    assert of_values.numpy().tolist() == [2.0, 8.0]
    assert of_default.numpy() == 21.0
