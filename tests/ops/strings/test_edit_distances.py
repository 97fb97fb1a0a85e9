"""Checks edit distances against the textbook's table."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def textbook(first, second):
    row = list(range(len(second) + 1))
    for place, item in enumerate(first, 1):
        above, row = row, [place]
        for other, letter in enumerate(second):
            row.append(min(above[other + 1] + 1, row[-1] + 1, above[other] + (item != letter)))
    return row[-1]


def sparse(rows):
    indices = [(row, place) for row, items in enumerate(rows) for place in range(len(items))]
    values = np.array([item for items in rows for item in items], np.int32)
    width = max([1, *map(len, rows)])
    return tf.SparseTensor(np.array(indices, np.int64).reshape(-1, 2), values, [len(rows), width])


@pytest.mark.parametrize("longest", [3, 20, 64, 70, 200])
@pytest.mark.parametrize("count", [1, 30])
def test_distances(longest, count):
    random = np.random.default_rng(longest)
    rows = [[random.integers(0, 4, random.integers(0, longest + 1)).tolist() for _ in range(count)] for _ in range(2)]
    found = tf.edit_distance(sparse(rows[0]), sparse(rows[1]), normalize=False).numpy().tolist()
    assert found == [textbook(*pair) for pair in zip(*rows, strict=True)]


def test_only_sparse_tensors():
    with pytest.raises(TypeError, match="Hypothesis must be a SparseTensor"):
        tf.edit_distance([1], sparse([[1]]))
    with pytest.raises(TypeError, match="Truth must be a SparseTensor"):
        tf.edit_distance(sparse([[1]]), [1])
