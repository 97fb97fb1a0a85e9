"""Sparse tensors: their parts, specs, feeds and fetches."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1

INDICES, VALUES, SHAPE = [[0, 1], [1, 2]], [3.0, 4.0], [2, 3]


def test_its_parts_are_tensors():
    sparse = tf.SparseTensor(INDICES, VALUES, SHAPE)
    assert sparse.indices.dtype == tf.int64
    assert sparse.dense_shape.dtype == tf.int64
    assert sparse.dtype == tf.float32
    assert sparse.shape == [2, 3]
    doubled = sparse.with_values(sparse.values * 2.0)
    assert doubled.values.numpy().tolist() == [6.0, 8.0]
    assert "dense_shape=" in str(sparse)


@pytest.mark.parametrize(
    "parts",
    [([0, 1], VALUES, SHAPE), (INDICES, [1.0], SHAPE), (INDICES, VALUES, [2, 3, 4]), (INDICES, [[1.0], [2.0]], SHAPE)],
    ids=["indices of rank 1", "one value", "a third size", "values of rank 2"],
)
def test_parts_that_do_not_fit_are_refused(parts):
    with pytest.raises(ValueError):
        tf.SparseTensor(*parts)


def test_its_spec():
    sparse = tf.SparseTensor(INDICES, VALUES, SHAPE)
    spec = tf.SparseTensorSpec([None, 3], tf.float32)
    assert spec.is_compatible_with(sparse)
    assert not tf.SparseTensorSpec([None, 3], tf.int32).is_compatible_with(sparse)
    again = spec._from_components(spec._to_components(sparse))
    assert again.shape == [2, 3]
    assert tf.nest.flatten(sparse, expand_composites=True)[1] is sparse.values


def test_a_run_takes_and_gives_values():
    with v1.Graph().as_default(), v1.Session() as session:
        place = v1.sparse_placeholder(tf.float32, [None, 3])
        assert place.shape.as_list() == [None, 3]
        doubled = place.with_values(place.values * 2.0)
        fed = v1.SparseTensorValue(np.array(INDICES), np.array(VALUES), np.array(SHAPE))
        value = session.run(doubled, {place: fed})
        assert isinstance(value, v1.SparseTensorValue)
        assert value.values.tolist() == [6.0, 8.0]
        assert value.dense_shape.tolist() == SHAPE
        assert session.run({"a": [v1.SparseTensor(INDICES, VALUES, SHAPE)]})["a"][0].indices.tolist() == INDICES


def test_conversion():
    value = v1.SparseTensorValue(INDICES, VALUES, SHAPE)
    assert isinstance(v1.convert_to_tensor_or_sparse_tensor(value), tf.SparseTensor)
    assert v1.convert_to_tensor_or_sparse_tensor([1.0]).numpy().tolist() == [1.0]
    with pytest.raises(RuntimeError, match="Sparse dtype mismatch"):
        v1.convert_to_tensor_or_sparse_tensor(value, tf.int32)
    with pytest.raises(TypeError, match="neither a SparseTensor nor SparseTensorValue"):
        tf.SparseTensor.from_value([1.0])
