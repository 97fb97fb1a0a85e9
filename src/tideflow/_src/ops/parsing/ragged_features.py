"""Describes features that are parsed into ragged tensors, and puts these together from what was parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import dtypes
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.cumulative import cumsum
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.runtime.convert import convert_to_tensor


class RowSplits(NamedTuple):
    """Says that a feature holds the splits of rows: see ``RaggedTensor.from_row_splits``."""

    key: str


class RowLengths(NamedTuple):
    """Says that a feature holds the lengths of rows: see ``RaggedTensor.from_row_lengths``."""

    key: str


class RowStarts(NamedTuple):
    """Says that a feature holds where rows begin: see ``RaggedTensor.from_row_starts``."""

    key: str


class RowLimits(NamedTuple):
    """Says that a feature holds where rows end: see ``RaggedTensor.from_row_limits``."""

    key: str


class ValueRowIds(NamedTuple):
    """Says that a feature holds the row of each value: see ``RaggedTensor.from_value_rowids``."""

    key: str


class UniformRowLength(NamedTuple):
    """Says that all rows have one length."""

    length: int


_PARTITIONS = (RowSplits, RowLengths, RowStarts, RowLimits, ValueRowIds, UniformRowLength)


class _Fields(NamedTuple):
    dtype: Any
    value_key: str | None
    partitions: tuple[Any, ...]
    row_splits_dtype: Any
    validate: bool


class RaggedFeature(_Fields):
    """Describes a feature with any number of values, parsed into a ``RaggedTensor``.

    Rows within the values of an example are described by partitions, whose numbers stand in features of their own:
    ``RaggedFeature(tf.int64, value_key="values", partitions=[RaggedFeature.RowLengths("lengths")])``.

    >>> import tideflow as tf
    >>> tf.io.RaggedFeature(tf.int64, partitions=[tf.io.RaggedFeature.RowLengths("lengths")]).partitions
    (RowLengths(key='lengths'),)

    Args:
      dtype: the type of the values: int64, float32 or string.
      value_key: the feature that holds the values; by default the one that is described.
      partitions: how the values of an example are cut into rows, the outermost first.
      row_splits_dtype: int32 or int64.
      validate: whether to check that the partitions fit the values.

    Raises:
      ValueError: a type is another one, or ``value_key`` is no name.
      TypeError: a partition is none, or ``validate`` no boolean.
    """

    __slots__ = ()

    RowSplits = RowSplits
    RowLengths = RowLengths
    RowStarts = RowStarts
    RowLimits = RowLimits
    ValueRowIds = ValueRowIds
    UniformRowLength = UniformRowLength

    def __new__(
        cls,
        dtype: Any,
        value_key: str | None = None,
        partitions: Sequence[Any] = (),
        row_splits_dtype: Any = dtypes.int32,
        validate: bool = False,
    ) -> RaggedFeature:
        if value_key is not None:
            if not isinstance(value_key, str):
                raise ValueError(f"Argument `value_key` must be a string; got {value_key}")
            if not value_key:
                raise ValueError("Argument `value_key` must not be empty")
        dtype = dtypes.as_dtype(dtype)
        if dtype not in (dtypes.int64, dtypes.float32, dtypes.string):
            raise ValueError(f"Argument `dtype` must be int64, float32, or bytes; got {dtype!r}")
        row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        if row_splits_dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError(f"Argument `row_splits_dtype` must be int32 or int64; got{row_splits_dtype!r}")
        if not isinstance(partitions, list | tuple):
            raise TypeError(
                f"Argument `partitions` must be a list or tuple. Receivedpartitions={partitions} of type "
                f"{type(partitions).__name__}."
            )
        for partition in partitions:
            if not isinstance(partition, _PARTITIONS):
                raise TypeError(
                    f"Argument `partitions` cannot be cast to any of the partition types in {_PARTITIONS}; got: "
                    f"{partition!r} with type {type(partition)}"
                )
        if not isinstance(validate, bool):
            raise TypeError(f"Argument `validate` must be a bool; got {validate!r}")
        return super().__new__(cls, dtype, value_key, tuple(partitions), row_splits_dtype, validate)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"RaggedFeature({fields})"


class RaggedParameters:
    """Is what the operations are told of ragged features: keys, and types of values and splits."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.value_types: list[Any] = []
        self.split_types: list[Any] = []

    def add(self, key: str, feature: RaggedFeature) -> None:
        """Adds the features that one is made of.

        Raises:
          ValueError: they contradict what others say of the same feature.
        """
        self._add_key(feature.value_key or key, feature.dtype, feature.row_splits_dtype)
        for partition in feature.partitions:
            if not isinstance(partition, UniformRowLength):
                self._add_key(partition.key, dtypes.int64, feature.row_splits_dtype)

    def _add_key(self, key: str, value_type: Any, split_type: Any) -> None:
        if key not in self.keys:
            self.keys.append(key)
            self.value_types.append(value_type)
            self.split_types.append(split_type)
            return
        position = self.keys.index(key)
        if self.value_types[position] is not value_type:
            raise ValueError(f"Conflicting type {self.value_types[position]} vs {value_type} for feature {key}.")
        if self.split_types[position] is not split_type:
            raise ValueError(
                f"Conflicting partition type {self.split_types[position]} vs {split_type} for feature {key}."
            )


def parsed_ragged_tensors(
    serialized: Any,
    keys: Sequence[str],
    values: Sequence[Any],
    splits: Sequence[Any],
    inner: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Returns what was parsed by name: a ragged tensor with a row for each example; its values alone for one example.

    Args:
      serialized: the examples, a vector or a scalar.
      keys: the names.
      values: the values of all examples.
      splits: the splits between examples.
      inner: the splits within them, for feature lists.

    Raises:
      ValueError: it is not known whether there is one example or several.
    """
    if keys and serialized.shape.rank is None:
        raise ValueError("serialized must have statically-known rank to parse ragged features.")
    if inner is not None:
        values = [RaggedTensor.from_row_splits(*pair, validate=False) for pair in zip(values, inner, strict=True)]
    if serialized.shape.rank:
        values = [RaggedTensor.from_row_splits(*pair, validate=False) for pair in zip(values, splits, strict=True)]
    return dict(zip(keys, values, strict=True))


def with_ragged_features(features: Mapping[str, Any] | None, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Returns tensors by name, those of ragged features cut into rows, without those that only say how."""
    result = {key: value for key, value in tensors.items() if key in (features or {})}
    for key, feature in sorted((features or {}).items()):
        if isinstance(feature, RaggedFeature):
            result[key] = _partitioned(key, feature, tensors)
    return result


def _partitioned(key: str, feature: RaggedFeature, tensors: Mapping[str, Any]) -> Any:
    values = tensors[feature.value_key or key]
    if not isinstance(values, RaggedTensor):
        for partition in reversed(feature.partitions):
            values = _with_rows(values, partition, tensors, feature)
        return values
    outer = None
    if values.ragged_rank > 1:
        outer, values = values.row_splits, values.values
    for partition in reversed(feature.partitions):
        values = _with_rows_in_batch(values, partition, tensors, key, feature.validate, outer)
    return values if outer is None else RaggedTensor.from_row_splits(values, outer, validate=feature.validate)


def _uniform(values: Any, length: int, validate: bool) -> Any:
    """Returns values in rows of one length: as a tensor if they are one."""
    if isinstance(values, RaggedTensor):
        length = convert_to_tensor(length, values.row_splits.dtype)
        return RaggedTensor.from_uniform_row_length(values, length, validate=validate)
    return reshape(values, concat([[-1, length], shape_of(values)[1:]], axis=0))


def _with_rows(values: Any, partition: Any, tensors: Mapping[str, Any], feature: RaggedFeature) -> Any:
    """Cuts the values of one example into rows."""
    if isinstance(partition, UniformRowLength):
        return _uniform(values, partition.length, feature.validate)
    numbers = raw.Cast(tensors[partition.key], DstT=feature.row_splits_dtype)
    return _CONSTRUCTORS[type(partition)](values, numbers, validate=feature.validate)


_CONSTRUCTORS: dict[type, Any] = {
    RowSplits: RaggedTensor.from_row_splits,
    RowLengths: RaggedTensor.from_row_lengths,
    RowStarts: RaggedTensor.from_row_starts,
    RowLimits: RaggedTensor.from_row_limits,
    ValueRowIds: RaggedTensor.from_value_rowids,
}


def _with_rows_in_batch(
    rt: RaggedTensor, partition: Any, tensors: Mapping[str, Any], key: str, validate: bool, outer: Any
) -> RaggedTensor:
    """Cuts the values of each of several examples into rows: what partitions count from is the start of an example."""
    if isinstance(partition, UniformRowLength):
        rows = _uniform(rt.values, partition.length, validate)
        return RaggedTensor.from_row_splits(rows, rt.row_splits // partition.length, validate=validate)
    numbers = tensors[partition.key]
    if numbers.dtype is not rt.row_splits.dtype:
        numbers = numbers.with_flat_values(raw.Cast(numbers.flat_values, DstT=rt.row_splits.dtype))
    checks = []
    if outer is not None:
        if validate:
            message = f"Feature {key}: values and partitions are not aligned"
            checks.append(assert_equal(outer, numbers.row_splits, message=message))
        numbers = numbers.values
    with control_dependencies([check for check in checks if check is not None]):
        if isinstance(partition, RowSplits):
            numbers = numbers[:, 1:]
        if isinstance(partition, RowLengths):
            rows = RaggedTensor.from_row_lengths(rt.values, numbers.values, validate=validate)
            return numbers.with_values(rows)
        if isinstance(partition, ValueRowIds):
            counts = _row_counts(numbers)
            ids = numbers.values + repeat(cumsum(counts, exclusive=True), numbers.row_lengths())
            rows = RaggedTensor.from_value_rowids(rt.values, ids, validate=validate)
            return RaggedTensor.from_row_lengths(rows, counts, validate=validate)
        bounds = numbers.values + repeat(rt.row_starts(), numbers.row_lengths())
        make = RaggedTensor.from_row_starts if isinstance(partition, RowStarts) else RaggedTensor.from_row_limits
        return numbers.with_values(make(rt.values, bounds, validate=validate))


def _row_counts(ids: RaggedTensor) -> Any:
    """Returns for each example how many rows its row ids name: one more than the greatest, or none."""
    kind = ids.row_splits.dtype
    greatest = raw.UnsortedSegmentMax(ids.values + 1, ids.value_rowids(), ids.nrows())
    return raw.Maximum(greatest, convert_to_tensor(0, kind))
