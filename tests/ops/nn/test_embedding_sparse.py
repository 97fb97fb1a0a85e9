"""Embeddings of several ids for each example, combined."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.runtime.sparse_tensor import SparseTensor

TABLE = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
INDICES = np.array([[0, 0], [0, 1], [1, 0], [2, 0], [2, 1], [2, 2]], np.int64)
IDS = np.array([1, 3, 0, 1, 1, 6], np.int64)
WEIGHTS = np.array([2.0, 0.5, 3.0, 1.0, 0.0, 4.0], np.float32)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn", None])
@pytest.mark.parametrize("parts", [1, 3])
def test_values(weighted, combiner, parts) -> None:
    ids = SparseTensor(INDICES, IDS, [3, 3])
    weights = SparseTensor(INDICES, WEIGHTS, [3, 3]) if weighted else None
    given = WEIGHTS if weighted else np.ones_like(WEIGHTS)
    expected = np.zeros((3, 3))
    for row in range(3):
        mine = INDICES[:, 0] == row
        total = (TABLE[IDS[mine]] * given[mine, None]).sum(0)
        expected[row] = total / {"sum": 1, "sqrtn": np.sqrt((given[mine] ** 2).sum())}.get(combiner, given[mine].sum())
    table = TABLE if parts == 1 else [TABLE[:3], TABLE[3:5], TABLE[5:]]
    found = tf.nn.embedding_lookup_sparse(table, ids, weights, combiner=combiner)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    table = TABLE if parts == 1 else [TABLE[0::3], TABLE[1::3], TABLE[2::3]]
    found = v1.nn.embedding_lookup_sparse(table, ids, weights, combiner=combiner)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_gradient_and_bad_arguments() -> None:
    ids = SparseTensor(INDICES, IDS, [3, 3])
    weights = SparseTensor(INDICES, WEIGHTS, [3, 3])
    table = tf.Variable(TABLE)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.nn.embedding_lookup_sparse(table, ids, weights, combiner="sum"))
    gradient = tf.convert_to_tensor(tape.gradient(y, table)).numpy()
    np.testing.assert_allclose(gradient[:, 0], np.bincount(IDS, WEIGHTS, 7))
    with pytest.raises(ValueError, match="combiner must be one of"):
        tf.nn.embedding_lookup_sparse(table, ids, None, combiner="max")
    with pytest.raises(TypeError, match="sp_ids must be SparseTensor"):
        tf.nn.embedding_lookup_sparse(table, IDS, None)
