"""Columns of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.feature_column.base import CategoricalColumn, ColumnOfFeature, SequenceDenseColumn
from tideflow._src.feature_column.categorical import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_file_v1,
    categorical_column_with_vocabulary_list,
)
from tideflow._src.feature_column.numeric import check_normalizer, check_number, checked_shape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.parsing.features import VarLenFeature
from tideflow._src.ops.sparse.conversion import sparse_reshape, sparse_tensor_to_dense


class _Sequence(NamedTuple):
    categorical_column: CategoricalColumn


class SequenceCategoricalColumn(CategoricalColumn, _Sequence):
    """Is a column of sequences of categories, any number in each step."""

    @property
    def name(self) -> str:
        return self.categorical_column.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return self.categorical_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        return [self.categorical_column]

    @property
    def num_buckets(self) -> int:
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        return self.categorical_column.transform_feature(transformation_cache, state_manager)

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the categories of rank 3: rows, steps, and the categories of a step."""
        pair = self.categorical_column.get_sparse_tensors(transformation_cache, state_manager)
        shape = pair.id_tensor.dense_shape
        inner = raw.Prod(shape[2:], [0], keep_dims=True)
        target = raw.ConcatV2([shape[:2], inner], 0)
        weights = None if pair.weight_tensor is None else sparse_reshape(pair.weight_tensor, target)
        return CategoricalColumn.IdWeightPair(sparse_reshape(pair.id_tensor, target), weights)


class _SequenceNumeric(NamedTuple):
    key: str
    shape: tuple[int, ...]
    default_value: float
    dtype: Any
    normalizer_fn: Callable[[Any], Any] | None


class SequenceNumericColumn(ColumnOfFeature, SequenceDenseColumn, _SequenceNumeric):
    """Is a column of sequences of numbers: see `sequence_numeric_column`."""

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    @property
    def variable_shape(self) -> TensorShape:
        """The shape of a step."""
        return TensorShape(self.shape)

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        numbers = transformation_cache.get(self.key, state_manager)
        return numbers if self.normalizer_fn is None else self.normalizer_fn(numbers)

    def get_sequence_dense_tensor(self, transformation_cache: Any, state_manager: Any) -> Any:
        numbers = transformation_cache.get(self, state_manager)
        dense = sparse_tensor_to_dense(numbers, self.default_value)
        shape = raw.ConcatV2([raw.Shape(dense)[:1], [-1], list(self.shape)], 0)
        size = 1
        if numbers.shape.rank == 2:  # all numbers of a row, those of a step after each other
            for length in self.shape:
                size *= length
        return SequenceDenseColumn.TensorSequenceLengthPair(raw.Reshape(dense, shape), sequence_length(numbers, size))


def sequence_length(numbers: Any, step_size: int = 1) -> Any:
    """Returns how many steps each row of a sparse tensor has, int64: up to its last value.

    Args:
      numbers: the sparse tensor.
      step_size: how many places of the second dimension are a step.
    """
    rows, places = numbers.indices[:, 0], numbers.indices[:, 1]
    count = numbers.dense_shape[0]
    last = raw.Maximum(raw.UnsortedSegmentMax(places + 1, rows, count), cast(0, dtypes.int64))
    return (last + (step_size - 1)) // step_size


def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> SequenceCategoricalColumn:
    """Returns a column of sequences of categories that are numbers from 0 on.

    Args:
      key, num_buckets, default_value: those of `categorical_column_with_identity`.

    Returns:
      A column for `embedding_column` or `indicator_column`.

    Raises:
      ValueError: there are less than one category, or the default is none of them.
    """
    return SequenceCategoricalColumn(categorical_column_with_identity(key, num_buckets, default_value))


def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> SequenceCategoricalColumn:
    """Returns a column of sequences of categories by hash.

    Args:
      key, hash_bucket_size, dtype: those of `categorical_column_with_hash_bucket`.

    Returns:
      A column for `embedding_column` or `indicator_column`.

    Raises:
      ValueError: there are less than one bucket, or the type is neither string nor integer.
    """
    return SequenceCategoricalColumn(categorical_column_with_hash_bucket(key, hash_bucket_size, dtype))


def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> SequenceCategoricalColumn:
    """Returns a column of sequences of categories by the lines of a file.

    Args:
      key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype: those of
        `categorical_column_with_vocabulary_file`.

    Returns:
      A column for `embedding_column` or `indicator_column`.

    Raises:
      ValueError: as of `categorical_column_with_vocabulary_file`.
    """
    column = categorical_column_with_vocabulary_file_v1(
        key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
    )
    return SequenceCategoricalColumn(column)


def sequence_categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> SequenceCategoricalColumn:
    """Returns a column of sequences of categories by their places in a list.

    Args:
      key, vocabulary_list, dtype, default_value, num_oov_buckets: those of `categorical_column_with_vocabulary_list`.

    Returns:
      A column for `embedding_column` or `indicator_column`.

    Raises:
      ValueError: as of `categorical_column_with_vocabulary_list`.
    """
    column = categorical_column_with_vocabulary_list(key, vocabulary_list, dtype, default_value, num_oov_buckets)
    return SequenceCategoricalColumn(column)


def sequence_numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: float = 0.0,
    dtype: Any = dtypes.float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> SequenceNumericColumn:
    """Returns a column of sequences of numbers.

    Args:
      key: the name of the feature, a sparse tensor.
      shape: the shape of the numbers of a step.
      default_value: what stands behind the end of shorter sequences.
      dtype: the type of the numbers.
      normalizer_fn: a function of the feature's tensor whose result is used.

    Returns:
      A column of sequences.

    Raises:
      TypeError: a dimension is no integer, or the normalizer is no function.
      ValueError: a dimension is less than 1, or the type is none of numbers.
    """
    sizes = checked_shape(shape, key)
    check_number(dtype, key)
    check_normalizer(normalizer_fn)
    return SequenceNumericColumn(key, sizes, default_value, dtype, normalizer_fn)
