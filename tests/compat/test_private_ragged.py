"""What other packages use of TensorFlow's private modules of ragged tensors."""

from __future__ import annotations

import pytest

import tideflow as tf
from tideflow._src.compat.private import ragged
from tideflow._src.compat.private_names import private_module


def test_modules_have_them() -> None:
    for path, names in {
        "ragged_tensor": "RaggedTensor RaggedTensorSpec is_ragged merge_dims convert_to_tensor_or_ragged_tensor",
        "ragged_tensor_value": "RaggedTensorValue",
        "row_partition": "RowPartition RowPartitionSpec",
        "dynamic_ragged_shape": "DynamicRaggedShape broadcast_to broadcast_dynamic_shape",
        "ragged_factory_ops": "constant constant_value placeholder",
        "ragged_gather_ops": "gather gather_nd",
        "ragged_map_ops": "map_fn",
        "ragged_string_ops": "ragged_tensor_to_string",
        "ragged_util": "assert_splits_match",
    }.items():
        module = private_module(f"python.ops.ragged.{path}")
        for name in names.split():
            assert getattr(module, name) is not None
    assert private_module("python.ops.ragged.ragged_ops") is not None


def test_rows_that_match() -> None:
    x = tf.ragged.constant([[[1], [2, 3]], []])
    y = x.with_flat_values(["a", "b", "c"])
    assert ragged.assert_splits_match([x.nested_row_splits, y.nested_row_splits]) == [None, None]
    with pytest.raises(tf.errors.InvalidArgumentError, match="Inputs must have identical ragged splits"):
        ragged.assert_splits_match([x.nested_row_splits, tf.ragged.constant([[[1, 2], [3]], []]).nested_row_splits])
    with pytest.raises(ValueError, match="Inputs must have identical ragged splits"):
        ragged.assert_splits_match([x.nested_row_splits, [x.row_splits]])


def test_texts() -> None:
    assert ragged.ragged_tensor_to_string(tf.ragged.constant([[1, 2], [], [3]])).numpy() == b"[[1, 2], [], [3]]"
    row = ragged.ragged_tensor_to_string(tf.ragged.constant([list(range(9))]), summarize=2)
    assert row.numpy() == b"[[0, 1, ..., 7, 8]]"
