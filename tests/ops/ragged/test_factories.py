"""Ragged tensors of nested lists: ``tf.ragged.constant``, ``constant_value`` and ``placeholder``."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


@pytest.mark.parametrize(
    ("rows", "arguments", "shape"),
    [
        ([[1, 2], [3]], {}, [2, None]),
        ([[[1, 2]], [[3], []]], {}, [2, None, None]),
        ([[[1, 2], [3, 4]], []], {"ragged_rank": 1}, [2, None, 2]),
        ([[[1, 2], [3, 4]], []], {"inner_shape": (2,)}, [2, None, 2]),
        ([[]], {}, [1, None]),
        ([], {"ragged_rank": 2}, [0, None, None]),
        ([[], [[]]], {}, [2, None, None]),
        ((("a", "b"), ("c",)), {}, [2, None]),
        ([np.array([1.5, 2]), np.array([])], {}, [2, None]),
        (np.array([[1, 2], [3, 4]]), {}, [2, None]),
    ],
)
def test_nested_lists(rows, arguments, shape):
    for make in (tf.ragged.constant, tf.compat.v1.ragged.constant_value):
        rt = make(rows, **arguments)
        assert list(rt.shape) == shape
        expected = tf.nest.map_structure(
            lambda x: x, [np.asarray(row).tolist() if not isinstance(row, list) else row for row in rows]
        )
        if not isinstance(rows, tuple):
            assert rt.to_list() == expected
        assert rt.row_splits.dtype == np.int64


def test_what_is_not_ragged_is_a_tensor():
    assert tf.ragged.constant([1, 2]).numpy().tolist() == [1, 2]
    assert tf.ragged.constant(3).shape == ()
    assert tf.ragged.constant([]).dtype == tf.float32
    assert tf.ragged.constant([[1, 2]], ragged_rank=0).shape == (1, 2)
    assert tf.compat.v1.ragged.constant_value([1, 2]).tolist() == [1, 2]


def test_dtypes():
    rt = tf.ragged.constant([[1, 2], [3]], dtype=tf.float64, row_splits_dtype=tf.int32)
    assert (rt.dtype, rt.row_splits.dtype) == (tf.float64, tf.int32)
    value = tf.compat.v1.ragged.constant_value([[1], []], dtype=tf.int8, row_splits_dtype="int32")
    assert (value.dtype, value.row_splits.dtype) == (np.int8, np.int32)


@pytest.mark.parametrize(
    ("rows", "arguments", "error", "message"),
    [
        ([[1, [2]]], {}, ValueError, "all scalar values must have the same nesting depth"),
        ([[1], [[]]], {}, ValueError, "empty list nesting is greater than scalar value nesting"),
        ([[1]], {"ragged_rank": -1}, ValueError, "must be nonnegative"),
        ([1, 2], {"ragged_rank": 1}, ValueError, "pylist has scalar values depth 1"),
        ([[1]], {"ragged_rank": 3}, ValueError, "max depth smaller than ragged_rank=3"),
        (3, {"ragged_rank": 1}, ValueError, "incompatible with ragged_rank=1"),
        (3, {"inner_shape": (1,)}, ValueError, r"incompatible with dim\(inner_shape\)=1"),
        ([[1]], {"ragged_rank": 1, "inner_shape": (1,)}, ValueError, "incompatible with ragged_rank=1 and dim"),
        ([[[1], [2, 3]]], {"ragged_rank": 1}, ValueError, "inner values have inconsistent shape"),
        ([[1.5]], {"dtype": tf.int32}, TypeError, "to EagerTensor of dtype int32"),
        (tf.ragged.constant([[1]]), {}, TypeError, "pylist may not be a RaggedTensor"),
    ],
)
def test_what_is_rejected(rows, arguments, error, message):
    with pytest.raises(error, match=message):
        tf.ragged.constant(rows, **arguments)


def test_values_are_arrays():
    value = tf.compat.v1.ragged.RaggedTensorValue
    with pytest.raises(TypeError, match="row_splits must be a 1D int32 or int64 numpy array"):
        value(np.array([1]), [0, 1])
    with pytest.raises(TypeError, match="values must be a numpy array"):
        value([1], np.array([0, 1]))
    inner = value(np.array([1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="must have the same dtype"):
        value(inner, np.array([0, 1], np.int32))
    assert repr(inner) == "tf.RaggedTensorValue(values=array([1]), row_splits=array([0, 1]))"
    assert tf.compat.v1.ragged.placeholder(tf.int32, 0, [2]).shape == (2,) if not tf.executing_eagerly() else True
