"""Partitions of rows: every way to make one, what it says of itself, and what it rejects."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.ragged.row_partition_spec import RowPartitionSpec

RowPartition = tf.experimental.RowPartition

WAYS = {
    "row_splits": lambda dtype: RowPartition.from_row_splits([0, 4, 4, 7], dtype=dtype),
    "row_lengths": lambda dtype: RowPartition.from_row_lengths([4, 0, 3], dtype=dtype),
    "value_rowids": lambda dtype: RowPartition.from_value_rowids([0, 0, 0, 0, 2, 2, 2], dtype=dtype),
    "row_starts": lambda dtype: RowPartition.from_row_starts([0, 4, 4], 7, dtype=dtype),
    "row_limits": lambda dtype: RowPartition.from_row_limits([4, 4, 7], dtype=dtype),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_all_ways_give_the_same_partition(way, dtype):
    for partition in (WAYS[way](dtype), tf.function(lambda: WAYS[way](dtype))()):
        assert partition.dtype == dtype
        assert partition.row_splits().numpy().tolist() == [0, 4, 4, 7]
        assert partition.row_lengths().numpy().tolist() == [4, 0, 3]
        assert partition.value_rowids().numpy().tolist() == [0, 0, 0, 0, 2, 2, 2]
        assert partition.row_starts().numpy().tolist() == [0, 4, 4]
        assert partition.row_limits().numpy().tolist() == [4, 4, 7]
        assert partition.nrows().numpy() == partition.static_nrows == 3
        assert partition.nvals().numpy() == 7
        assert partition.uniform_row_length() is None and not partition.is_uniform()
        for tensor in (partition.row_lengths(), partition.value_rowids(), partition.nrows(), partition.nvals()):
            assert tensor.dtype == dtype


def test_what_is_known_in_a_function():
    @tf.function(input_signature=[tf.TensorSpec([None], "int32")])
    def made(numbers):
        splits = RowPartition.from_row_splits(numbers)
        assert splits.static_nrows is None
        assert splits.nrows().shape == ()
        ids = RowPartition.from_value_rowids(numbers, nrows=6)
        assert ids.static_nrows == 6
        return splits.value_rowids(), splits.nrows(), RowPartition.from_value_rowids(numbers).row_splits()

    ids, count, splits = made(tf.constant([0, 2, 2, 5]))
    assert ids.numpy().tolist() == [0, 0, 2, 2, 2]
    assert count.numpy() == 3
    assert splits.numpy().tolist() == [0, 1, 1, 3, 3, 3, 4]


def test_uniform_rows():
    partition = RowPartition.from_uniform_row_length(2, nvals=6)
    assert partition.is_uniform() and partition.static_uniform_row_length == 2
    assert (partition.static_nrows, partition.static_nvals) == (3, 6)
    assert partition.row_splits().numpy().tolist() == [0, 2, 4, 6]
    assert RowPartition.from_uniform_row_length(0, nvals=0, nrows=4).row_lengths().numpy().tolist() == [0] * 4
    assert RowPartition.from_uniform_row_length(0, nvals=0).static_nrows == 0

    @tf.function(input_signature=[tf.TensorSpec([], "int64"), tf.TensorSpec([], "int64")])
    def made(length, count):
        return RowPartition.from_uniform_row_length(length, nvals=count).row_splits()

    assert made(3, 6).numpy().tolist() == [0, 3, 6]
    with pytest.raises(tf.errors.InvalidArgumentError, match="uniform_row_length times nrows must equal nvals"):
        made(4, 6)


def test_no_rows():
    for partition in (
        RowPartition.from_row_splits([0]),
        RowPartition.from_row_lengths([]),
        RowPartition.from_value_rowids([]),
        RowPartition.from_row_starts([], 0),
        RowPartition.from_row_limits([]),
    ):
        assert partition.row_splits().numpy().tolist() == [0]
        assert partition.nrows().numpy() == 0
        assert partition.value_rowids().numpy().tolist() == []


INVALID = tf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RowPartition.from_row_splits([]), ValueError, "row_splits tensor may not be empty"),
        (lambda: RowPartition.from_row_splits([1, 2]), INVALID, "valid RaggedTensor:zero"),
        (lambda: RowPartition.from_row_splits([0, 2, 1]), INVALID, "valid RaggedTensor:monotonic"),
        (lambda: RowPartition.from_row_splits([[0]]), ValueError, "must have rank 1"),
        (lambda: RowPartition.from_row_splits([0.0]), ValueError, "row_splits must have dtype int32 or int64"),
        (lambda: RowPartition.from_row_splits([0], validate=1), TypeError, "validate must have type bool"),
        (lambda: RowPartition.from_row_lengths([1, -1]), INVALID, "do not form a valid RowPartition"),
        (lambda: RowPartition.from_value_rowids([1, 0]), INVALID, "do not form a valid RowPartition"),
        (lambda: RowPartition.from_value_rowids([-1, 0]), INVALID, "do not form a valid RowPartition"),
        (lambda: RowPartition.from_value_rowids([0, 3], nrows=2), ValueError, "Expected nrows >= value_rowids"),
        (lambda: RowPartition.from_value_rowids([], nrows=-1), ValueError, "Expected nrows >= 0; got -1"),
        (lambda: RowPartition.from_row_starts([1, 2], 4), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RowPartition.from_row_starts([0, 5], 4), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RowPartition.from_row_limits([-1, 5]), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RowPartition.from_row_limits([2, 1]), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RowPartition.from_uniform_row_length(2), ValueError, "Either .or both. of nvals and nrows"),
        (lambda: RowPartition.from_uniform_row_length(2, nvals=3), ValueError, "times nrows=1 must equal nvals=3"),
        (lambda: RowPartition.from_uniform_row_length(-1, nrows=2), ValueError, "uniform_row_length must be >= 0"),
        (lambda: RowPartition(tf.constant([0])), ValueError, "RowPartition constructor is private"),
        (lambda: WAYS["row_splits"]("int32").with_dtype("float32"), ValueError, "dtype must be int32 or int64"),
    ],
)
def test_what_is_rejected(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_running_function_rejects_what_is_no_partition(tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)

    @tf.function
    def made(lengths):
        return RowPartition.from_row_lengths(lengths).row_splits()

    assert made(tf.constant([1, 2])).numpy().tolist() == [0, 1, 3]
    with pytest.raises(INVALID, match="do not form a valid RowPartition"):
        made(tf.constant([1, -2]))


def test_text():
    assert repr(RowPartition.from_row_lengths([1, 2])) == "tf.RowPartition(row_splits=[0 1 3])"
    assert repr(RowPartition.from_uniform_row_length(2, 4)) == "tf.RowPartition(nrows=2, uniform_row_length=2)"
    assert (
        repr(RowPartition.from_value_rowids([0, 1, 1])._type_spec)
        == "RowPartitionSpec(nrows=2, nvals=3, uniform_row_length=None, dtype=tf.int64)"
    )


def test_another_dtype_keeps_the_encodings():
    partition = RowPartition.from_value_rowids(np.array([0, 0, 2], np.int32)).with_dtype("int64")
    assert partition.dtype == tf.int64 and partition._has_precomputed_value_rowids()
    assert partition.row_splits().numpy().tolist() == [0, 2, 2, 3]
    assert partition.with_dtype("int64") is partition


def test_encodings_of_equal_partitions_merge():
    splits = RowPartition.from_row_splits([0, 2, 3])
    merged = splits._merge_precomputed_encodings(RowPartition.from_value_rowids([0, 0, 1]))
    assert merged._has_precomputed_value_rowids() and merged._has_precomputed_nrows()
    assert splits._merge_precomputed_encodings(splits) is splits
    with pytest.raises(INVALID, match="partitions have incompatible row_splits"):
        splits._merge_precomputed_encodings(RowPartition.from_row_splits([0, 1, 3]))
    with pytest.raises(ValueError, match="partitions have incompatible row_splits"):
        splits._merge_precomputed_encodings(RowPartition.from_row_splits([0, 3]))


def test_the_spec_says_what_follows():
    spec = RowPartitionSpec(nrows=3, uniform_row_length=4)
    assert (spec.nrows, spec.nvals, spec.uniform_row_length) == (3, 12, 4)
    assert RowPartitionSpec(nvals=12, uniform_row_length=4).nrows == 3
    assert RowPartitionSpec(nrows=0).nvals == 0
    assert spec.is_compatible_with(RowPartitionSpec(nvals=12))
    assert not spec.is_compatible_with(RowPartitionSpec(nvals=13))
    assert not RowPartitionSpec(uniform_row_length=3).is_compatible_with(RowPartitionSpec(nvals=4))
    assert spec._merge_with(RowPartitionSpec(nvals=12)) == spec
    assert copy.deepcopy(spec) == pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(ValueError, match="doesn't divide evenly"):
        RowPartitionSpec(nvals=13, uniform_row_length=4)
    with pytest.raises(ValueError, match="nvals=5 is not compatible with nrows=0"):
        RowPartitionSpec(nrows=0, nvals=5)
    with pytest.raises(ValueError, match="dtype must be"):
        RowPartitionSpec(dtype="float32")


def test_a_partition_passes_through_a_function():
    partition = RowPartition.from_row_lengths([1, 2])
    result = tf.function(lambda x: x)(partition)
    assert isinstance(result, RowPartition)
    assert result.row_splits().numpy().tolist() == [0, 1, 3]
