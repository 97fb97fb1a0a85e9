"""Finds the feature lists of serialized ``SequenceExample`` messages, and makes tensors of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.parsing import batch, columns, wire
from tideflow._src.ops.parsing.assembly import Batch, filled, kind_of, positions, splits
from tideflow._src.ops.parsing.batch import EMPTY, Blob, Column, malformed, name_of
from tideflow._src.ops.parsing.columns import Values

Array = np.ndarray[Any, Any]


class FeatureList(NamedTuple):
    """Is one feature list of all messages: its features, and which messages have the list at all.

    Attributes:
      column: the features, whose rows are the numbers of the messages.
      present: the numbers of the messages that have the list, perhaps with no feature in it.
    """

    column: Column
    present: Array


_ABSENT = FeatureList(EMPTY, np.empty(0, np.int64))


class Sequences(NamedTuple):
    """Is the context and the feature lists of a batch of messages."""

    context: Batch
    lists: dict[bytes, FeatureList]

    @property
    def blob(self) -> Blob:
        """The messages."""
        return self.context.blob

    def read(self, key: bytes, dtype: DType) -> tuple[FeatureList, Values]:
        """Returns a feature list and the values of its features.

        Raises:
          InvalidArgumentError: values are of another type, or malformed.
        """
        kind = kind_of(dtype)
        found = self.lists.get(key, _ABSENT)
        try:
            values = columns.read(self.blob, found.column, kind)
        except columns.BadFeature as error:
            row = int(found.column.rows[error.number])
            raise malformed(self.blob, row, self.context.names, "SequenceExample", error) from None
        bad = (values.kinds != kind) & (values.kinds != 0)
        if bad.any():
            number = int(np.argmax(bad))
            raise self.error(
                int(found.column.rows[number]),
                key,
                number,
                f"Data types don't match. Expected type: {wire.KIND_NAMES[kind]}, but got "
                f"{wire.KIND_NAMES[int(values.kinds[number])]}",
            )
        return found, values

    def error(self, row: int, key: bytes, number: int, what: str) -> InvalidArgumentError:
        """Returns the exception for a feature of a list that does not fit."""
        rows = self.lists.get(key, _ABSENT).column.rows
        index = number - int(np.searchsorted(rows, row)) if number >= 0 else 0
        return InvalidArgumentError(
            None,
            None,
            f"Name: {name_of(self.context.names, row)}, Feature list: {key.decode('utf-8', 'backslashreplace')}, "
            f"Index: {index}.  {what}",
        )


def read(
    blob: Blob, names: Sequence[bytes], is_single: bool, context: Sequence[bytes], lists: Sequence[bytes]
) -> Sequences:
    """Returns the wanted features and feature lists of messages.

    Raises:
      InvalidArgumentError: a message is malformed.
    """
    wanted = set(lists)
    spans: dict[bytes, list[tuple[int, int, int]]] = {}
    present: dict[bytes, list[int]] = {}
    for row, (start, end) in enumerate(zip(blob.starts.tolist(), blob.ends.tolist(), strict=True)):
        try:
            found = _lists(blob.data, start, end, wanted)
        except wire.Malformed as error:
            raise malformed(blob, row, names, "SequenceExample", error) from None
        for key, features in found.items():
            present.setdefault(key, []).append(row)
            spans.setdefault(key, []).extend((row, first, last) for first, last in features)
    features_of = {
        key: FeatureList(Column(*np.array(spans[key], np.int64).reshape(-1, 3).T), np.array(rows, np.int64))
        for key, rows in present.items()
    }
    return Sequences(Batch(blob, batch.read(blob, set(context), names), names, is_single), features_of)


def _lists(data: bytes, start: int, end: int, wanted: set[bytes]) -> dict[bytes, list[tuple[int, int]]]:
    found: dict[bytes, list[tuple[int, int]]] = {}
    for first, last in wire.fields(data, start, end, 2):
        for entry_start, entry_end in wire.fields(data, first, last, 1):
            key, value_start, value_end = wire.entry(data, entry_start, entry_end)
            if key in wanted:
                found[key] = wire.fields(data, value_start, value_end, 1)
    return found


def dense(sequences: Sequences, key: bytes, dtype: DType, shape: Any, may_be_missing: bool) -> tuple[Array, Array]:
    """Returns a feature list as a dense tensor padded to the longest, and how long each is.

    Args:
      sequences: the messages.
      key: the name of the feature list.
      dtype: its type.
      shape: the shape of one feature.
      may_be_missing: whether a message without the list has an empty one.
    """
    found, values = sequences.read(key, dtype)
    if shape is None or None in shape:
        raise InvalidArgumentError(
            None, None, f"The shape of the features of {key!r} must be known, got {shape_text(shape)}"
        )
    size = sequences.context.size
    if not may_be_missing and len(found.present) < size:
        there = np.zeros(size, bool)
        there[found.present] = True
        shown = key.decode("utf-8", "backslashreplace")
        raise InvalidArgumentError(
            None,
            None,
            f"Name: {name_of(sequences.context.names, int(np.argmin(there)))}, Feature list '{shown}' is required but "
            "could not be found.  Did you mean to include it in feature_list_dense_missing_assumed_empty or "
            "feature_list_dense_defaults?",
        )
    wrong = values.counts != math.prod(shape)
    if wrong.any():
        number = int(np.argmax(wrong))
        raise sequences.error(
            int(found.column.rows[number]),
            key,
            number,
            f"Number of values != expected.  values size: {values.counts[number]} but output shape: "
            f"{shape_text(shape)}",
        )
    lengths = np.bincount(found.column.rows, minlength=size).astype(np.int64)
    flat = values.flat.reshape(-1, *shape)
    if sequences.context.is_single:
        return flat.copy(), lengths[0]
    result = filled((size, int(lengths.max(initial=0)), *shape), dtype)
    result[found.column.rows, positions(lengths)] = flat
    return result, lengths


def sparse(sequences: Sequences, key: bytes, dtype: DType) -> tuple[Array, Array, Array]:
    """Returns a feature list as the indices, values and shape of a sparse tensor."""
    found, values = sequences.read(key, dtype)
    size = sequences.context.size
    lengths = np.bincount(found.column.rows, minlength=size).astype(np.int64)
    step = np.repeat(positions(lengths), values.counts)
    within = positions(values.counts)
    shape = [int(lengths.max(initial=0)), int(values.counts.max(initial=0))]
    parts = [step, within]
    if not sequences.context.is_single:
        parts.insert(0, np.repeat(found.column.rows, values.counts))
        shape.insert(0, size)
    return np.stack(parts, 1), values.flat, np.array(shape, np.int64)


def ragged(sequences: Sequences, key: bytes, dtype: DType, split_type: DType) -> tuple[Array, Array, Array]:
    """Returns a feature list as the values, outer and inner row splits of a ragged tensor."""
    found, values = sequences.read(key, dtype)
    lengths = np.bincount(found.column.rows, minlength=sequences.context.size).astype(np.int64)
    inner = splits(values.counts, split_type)
    if sequences.context.is_single:
        return values.flat, np.empty(0, split_type.as_numpy_dtype), inner
    return values.flat, splits(lengths, split_type), inner
