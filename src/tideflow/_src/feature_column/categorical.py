"""Columns of categories: by hash, by vocabulary, by number, with weights, and crosses of them."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import Tensor
from tideflow._src.data.file_sources import TFRecordDataset
from tideflow._src.data.tables import index_table_from_dataset
from tideflow._src.feature_column.base import (
    CategoricalColumn,
    ColumnOfFeature,
    FeatureColumn,
    check_key,
    check_string_or_integer,
    table_of,
    to_sparse,
)
from tideflow._src.io import gfile
from tideflow._src.io.vocabulary_tables import index_table_from_file, index_table_from_tensor
from tideflow._src.ops.array.selection import where
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.parsing.features import VarLenFeature
from tideflow._src.ops.sparse.ids import cross_hashed
from tideflow._src.ops.strings.functions import as_string
from tideflow._src.ops.strings.hashing import string_to_hash_bucket_fast
from tideflow._src.ops.strings.numbers import string_to_number
from tideflow._src.runtime.sparse_tensor import SparseTensor, convert_to_tensor_or_sparse_tensor


class _OfFeature(ColumnOfFeature, CategoricalColumn):
    """Is what columns have in common that are made of one feature."""

    dtype: Any

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        return {self.key: VarLenFeature(self.dtype)}

    def _given(self, transformation_cache: Any, state_manager: Any) -> SparseTensor:
        """Returns the feature.

        Raises:
          ValueError: it is of another kind than the column.
        """
        given = to_sparse(transformation_cache.get(self.key, state_manager))
        check_string_or_integer(given.dtype, f"column_name: {self.key} input_tensor")
        if self.dtype.is_integer != given.dtype.is_integer:
            raise ValueError(
                f"Column dtype and SparseTensors dtype must be compatible. key: {self.key}, column dtype: "
                f"{self.dtype}, tensor dtype: {given.dtype}"
            )
        return given


class _Hashed(NamedTuple):
    key: str
    hash_bucket_size: int
    dtype: Any


class HashedCategoricalColumn(_OfFeature, _Hashed):
    """Is a column of hashes: see `categorical_column_with_hash_bucket`."""

    @property
    def num_buckets(self) -> int:
        return self.hash_bucket_size

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        given = self._given(transformation_cache, state_manager)
        texts = given.values if self.dtype == dtypes.string else as_string(given.values)
        return given.with_values(string_to_hash_bucket_fast(texts, self.hash_bucket_size))


class _OfVocabulary(_OfFeature):
    """Is what columns have in common that look categories up in a table."""

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        given = self._given(transformation_cache, state_manager)
        kind = self.dtype
        if given.dtype.is_integer:
            kind, given = dtypes.int64, given.with_values(cast(given.values, dtypes.int64))

        def make() -> Any:
            with init_scope():
                return self._table(kind)

        return table_of(self, f"{self.key}_lookup", make, state_manager).lookup(given)

    def _table(self, kind: Any) -> Any:
        raise NotImplementedError


class _VocabularyFile(NamedTuple):
    key: str
    vocabulary_file: str
    vocabulary_size: Any
    num_oov_buckets: int
    dtype: Any
    default_value: int
    file_format: str | None = None


class VocabularyFileCategoricalColumn(_OfVocabulary, _VocabularyFile):
    """Is a column of the lines of a file: see `categorical_column_with_vocabulary_file`."""

    @property
    def num_buckets(self) -> int:
        return self.vocabulary_size + self.num_oov_buckets

    def _table(self, kind: Any) -> Any:
        if self.file_format != "tfrecord_gzip":
            return index_table_from_file(
                self.vocabulary_file, self.num_oov_buckets, self.vocabulary_size, self.default_value, key_dtype=kind
            )
        words = TFRecordDataset(self.vocabulary_file, compression_type="GZIP")
        if kind != dtypes.string:
            words = words.map(lambda word: string_to_number(word, kind))
        return index_table_from_dataset(
            words, self.num_oov_buckets, self.vocabulary_size, self.default_value, key_dtype=kind
        )


class _VocabularyList(NamedTuple):
    key: str
    vocabulary_list: tuple[Any, ...]
    dtype: Any
    default_value: int
    num_oov_buckets: int


class VocabularyListCategoricalColumn(_OfVocabulary, _VocabularyList):
    """Is a column of places in a list: see `categorical_column_with_vocabulary_list`."""

    @property
    def num_buckets(self) -> int:
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _table(self, kind: Any) -> Any:
        return index_table_from_tensor(self.vocabulary_list, self.num_oov_buckets, self.default_value, dtype=kind)


class _Identity(NamedTuple):
    key: str
    number_buckets: int
    default_value: int | None


class IdentityCategoricalColumn(_OfFeature, _Identity):
    """Is a column of numbers of categories: see `categorical_column_with_identity`."""

    dtype = dtypes.int64

    @property
    def num_buckets(self) -> int:
        return self.number_buckets

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        given = to_sparse(transformation_cache.get(self.key, state_manager))
        if not given.dtype.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {given.dtype}")
        values = cast(given.values, dtypes.int64)
        if self.default_value is not None:
            outside = (values < 0) | (values >= self.number_buckets)
            values = where(outside, cast(self.default_value, dtypes.int64), values)
        return given.with_values(values)


class _Weighted(NamedTuple):
    categorical_column: CategoricalColumn
    weight_feature_key: str
    dtype: Any


class WeightedCategoricalColumn(CategoricalColumn, _Weighted):
    """Is a column of categories with weights: see `weighted_categorical_column`."""

    @property
    def name(self) -> str:
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        config = self.categorical_column.parse_example_spec
        if self.weight_feature_key in config:
            raise ValueError(
                f"Parse config {config[self.weight_feature_key]} already exists for {self.weight_feature_key}."
            )
        return {**config, self.weight_feature_key: VarLenFeature(self.dtype)}

    @property
    def parents(self) -> list[Any]:
        return [self.categorical_column, self.weight_feature_key]

    @property
    def num_buckets(self) -> int:
        return self.categorical_column.num_buckets

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        weights = transformation_cache.get(self.weight_feature_key, state_manager)
        weights = convert_to_tensor_or_sparse_tensor(weights)
        if self.dtype != weights.dtype.base_dtype:
            raise ValueError(f"Bad dtype, expected {self.dtype}, but got {weights.dtype}.")
        weights = to_sparse(weights, ignore_value=0.0)
        if not weights.dtype.is_floating:
            weights = weights.with_values(cast(weights.values, dtypes.float32))
        categories = to_sparse(transformation_cache.get(self.categorical_column, state_manager))
        return categories, weights

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        return CategoricalColumn.IdWeightPair(*transformation_cache.get(self, state_manager))


class _Crossed(NamedTuple):
    keys: tuple[Any, ...]
    hash_bucket_size: int
    hash_key: int | None


class CrossedColumn(CategoricalColumn, _Crossed):
    """Is a column of hashes of combinations: see `crossed_column`."""

    @property
    def name(self) -> str:
        return "_X_".join(sorted(key if isinstance(key, str) else key.name for key in self._leaves()))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for key in self.keys:
            config.update({key: VarLenFeature(dtypes.string)} if isinstance(key, str) else key.parse_example_spec)
        return config

    @property
    def parents(self) -> list[Any]:
        return list(self.keys)

    @property
    def num_buckets(self) -> int:
        return self.hash_bucket_size

    def _leaves(self) -> list[Any]:
        """Returns what is crossed; a cross of crosses is one of all that they are made of."""
        leaves: list[Any] = []
        for key in self.keys:
            leaves += key._leaves() if isinstance(key, CrossedColumn) else [key]
        return leaves

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        tensors = []
        for key in self._leaves():
            if isinstance(key, str):
                tensors.append(transformation_cache.get(key, state_manager))
                continue
            pair = key.get_sparse_tensors(transformation_cache, state_manager)
            if pair.weight_tensor is not None:
                raise ValueError(
                    "crossed_column does not support weight_tensor, but the given column populates weight_tensor. "
                    f"Given column: {key.name}"
                )
            tensors.append(pair.id_tensor)
        return cross_hashed(tensors, num_buckets=self.hash_bucket_size, hash_key=self.hash_key)


# Functions that make them.


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = dtypes.string
) -> HashedCategoricalColumn:
    """Returns a column of categories by the hash of a string or integer.

    Args:
      key: the name of the feature; empty strings and -1 stand for none.
      hash_bucket_size: how many buckets there are.
      dtype: the type of the feature.

    Returns:
      A categorical column.

    Raises:
      ValueError: there are less than one bucket, or the type is neither string nor integer.
    """
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    check_key(key)
    check_string_or_integer(dtype, f"column_name: {key}")
    return HashedCategoricalColumn(key, hash_bucket_size, dtype)


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    dtype: Any = dtypes.string,
    default_value: int | None = None,
    num_oov_buckets: int = 0,
    file_format: str | None = None,
) -> VocabularyFileCategoricalColumn:
    """Returns a column of categories by the lines of a file.

    Args:
      key: the name of the feature; empty strings and -1 stand for none.
      vocabulary_file: the file, a word on each line, or of records with ``file_format``.
      vocabulary_size: how many lines count; by default all of the file.
      dtype: the type of the feature: string or an integer.
      default_value: the number of words that are not in the file; -1, which stands for none, by default.
      num_oov_buckets: how many further categories such words are hashed to.
      file_format: ``"tfrecord_gzip"`` for records, which is taken for granted of names that end with ``tfrecord.gz``.

    Returns:
      A categorical column.

    Raises:
      ValueError: there is no file, no positive number of words, or both a default and further categories; or the type
        is neither string nor integer.
    """
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    vocabulary_file = os.fspath(vocabulary_file)
    if file_format is None and vocabulary_file.endswith("tfrecord.gz"):
        file_format = "tfrecord_gzip"
    if vocabulary_size is None:
        if not gfile.exists(vocabulary_file):
            raise ValueError(f"vocabulary_file in {key} does not exist.")
        vocabulary_size = _words_in(vocabulary_file, file_format)
        get_logger().info(
            "vocabulary_size = %s in %s is inferred from the number of elements in the vocabulary_file %s.",
            vocabulary_size,
            key,
            vocabulary_file,
        )
    if not isinstance(vocabulary_size, Tensor) and vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_others(key, num_oov_buckets, default_value is not None)
    check_string_or_integer(dtype, f"column_name: {key}")
    check_key(key)
    default = -1 if default_value is None else default_value
    return VocabularyFileCategoricalColumn(
        key, vocabulary_file, vocabulary_size, num_oov_buckets or 0, dtype, default, file_format
    )


def categorical_column_with_vocabulary_file_v1(
    key: str,
    vocabulary_file: str,
    vocabulary_size: Any = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = dtypes.string,
) -> VocabularyFileCategoricalColumn:
    """Is `categorical_column_with_vocabulary_file` with the order of arguments of TensorFlow 1.x."""
    return categorical_column_with_vocabulary_file(
        key, vocabulary_file, vocabulary_size, dtype, default_value, num_oov_buckets
    )


def _words_in(path: str, file_format: str | None) -> Any:
    if file_format == "tfrecord_gzip":
        count = TFRecordDataset(path, "GZIP").reduce(0, lambda total, _: total + 1)
        return int(count.numpy()) if context.executing_eagerly() else count
    with gfile.GFile(path, "rb") as file:
        return sum(1 for _ in file)


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Any, dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> VocabularyListCategoricalColumn:
    """Returns a column of categories by their places in a list.

    Args:
      key: the name of the feature; empty strings and -1 stand for none.
      vocabulary_list: strings or integers, all different.
      dtype: the type of the feature; that of the list by default.
      default_value: the number of what is not in the list; -1, which stands for none, by default.
      num_oov_buckets: how many further categories that is hashed to.

    Returns:
      A categorical column.

    Raises:
      ValueError: the list is empty, has something twice or is of another type; or there are both a default and further
        categories.
    """
    if vocabulary_list is None or len(vocabulary_list) < 1:
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    if len(set(vocabulary_list)) != len(vocabulary_list):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    kind = dtypes.as_dtype(np.array(vocabulary_list).dtype)
    _check_others(key, num_oov_buckets, default_value != -1)
    check_string_or_integer(kind, f"column_name: {key} vocabulary")
    if dtype is None:
        dtype = kind
    elif dtype.is_integer != kind.is_integer:
        raise ValueError(f"dtype {dtype} and vocabulary dtype {kind} do not match, column_name: {key}")
    check_string_or_integer(dtype, f"column_name: {key}")
    check_key(key)
    return VocabularyListCategoricalColumn(key, tuple(vocabulary_list), dtype, default_value, num_oov_buckets)


def _check_others(key: str, num_oov_buckets: int, has_default: bool) -> None:
    if num_oov_buckets:
        if has_default:
            raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
        if num_oov_buckets < 0:
            raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityCategoricalColumn:
    """Returns a column of categories that are numbers from 0 on.

    Args:
      key: the name of the feature, of integers; -1 stands for none.
      num_buckets: how many categories there are.
      default_value: what stands for numbers outside of them; without one, they are errors where they are used.

    Returns:
      A categorical column.

    Raises:
      ValueError: there are less than one category, or the default is none of them.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    check_key(key)
    return IdentityCategoricalColumn(key, num_buckets, default_value)


def weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = dtypes.float32
) -> WeightedCategoricalColumn:
    """Returns a column of categories whose weights are another feature.

    Args:
      categorical_column: the column of categories.
      weight_feature_key: the name of the feature with a weight for each category; 0 in a dense one stands for none.
      dtype: its type.

    Returns:
      A categorical column.

    Raises:
      ValueError: the type is none of numbers.
    """
    if dtype is None or not (dtype.is_integer or dtype.is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, dtype)


def crossed_column(keys: Any, hash_bucket_size: int, hash_key: int | None = None) -> CrossedColumn:
    """Returns a column of all combinations of categories in a row, by their hash.

    Args:
      keys: names of features of strings, or categorical columns that are not hashed themselves; at least two.
      hash_bucket_size: how many buckets there are.
      hash_key: what hashes are computed with, for others than those of other programs.

    Returns:
      A categorical column.

    Raises:
      ValueError: there are less than two keys or less than one bucket, or a key is of another kind.
    """
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, str | CategoricalColumn):
            raise ValueError(
                "Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will "
                f"increase probability of collision. Instead, use the feature name as a string. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


def same_kind(columns: list[FeatureColumn], inner: Any) -> Any:
    """Returns the kind of columns that are to share something, below weights and sequences.

    Args:
      columns: the columns.
      inner: gives what a column is made of below weights and sequences.

    Raises:
      ValueError: one is not categorical, or they differ in kind or in the number of categories.
    """
    first, *others = columns
    if not isinstance(first, CategoricalColumn):
        raise ValueError(
            f"All categorical_columns must be subclasses of CategoricalColumn. Given: {first}, of type: {type(first)}"
        )
    kind = inner(first)
    for other in others:
        below = inner(other)
        if not isinstance(below, type(kind)):
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same type, or be "
                "weighted_categorical_column or sequence column of the same type. Given column: "
                f"{kind} of type: {type(kind)} does not match given column: {below} of type: {type(below)}"
            )
        if below.num_buckets != first.num_buckets:
            raise ValueError(
                "To use shared_embedding_column, all categorical_columns must have the same number of buckets. Given "
                f"column: {kind} with buckets: {first.num_buckets} does  not match column: {below} with buckets: "
                f"{below.num_buckets}"
            )
    return kind
