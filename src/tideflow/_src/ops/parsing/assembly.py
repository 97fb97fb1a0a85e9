"""Makes dense, sparse and ragged tensors of what columns of features hold, with TensorFlow's checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, ResourceExhaustedError
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.parsing import columns, wire
from tideflow._src.ops.parsing.batch import EMPTY, Blob, Column, malformed, name_of
from tideflow._src.ops.parsing.columns import Values

Array = np.ndarray[Any, Any]

_KINDS = {"string": wire.BYTES, "float32": wire.FLOAT, "int64": wire.INT64}
#: More elements than this would be padding of a few long examples: an error rather than an exhausted machine.
_MOST_ELEMENTS = 1 << 40


class Batch(NamedTuple):
    """Is the features of a batch of messages.

    Attributes:
      blob: the messages.
      found: their features by name.
      names: what error messages call each; may be empty.
      is_single: whether there is one message and results have no dimension for the batch.
    """

    blob: Blob
    found: dict[bytes, Column]
    names: Sequence[bytes]
    is_single: bool

    @property
    def size(self) -> int:
        """The number of messages."""
        return len(self.blob.starts)

    def read(self, key: bytes, dtype: DType) -> tuple[Column, Values]:
        """Returns a feature's column and values; empty where there is no such feature.

        Raises:
          InvalidArgumentError: the values are of another type, or malformed.
        """
        kind = kind_of(dtype)
        column = self.found.get(key, EMPTY)
        try:
            values = columns.read(self.blob, column, kind)
        except columns.BadFeature as error:
            raise malformed(self.blob, int(column.rows[error.number]), self.names, "example", error) from None
        bad = (values.kinds != kind) & (values.kinds != 0)
        if bad.any():
            number = int(np.argmax(bad))
            actual = wire.KIND_NAMES[int(values.kinds[number])]
            raise self.error(
                int(column.rows[number]),
                key,
                f"Data types don't match. Data type: {actual} but expected type: {wire.KIND_NAMES[kind]}",
            )
        present = values.kinds != 0
        if not present.all():
            column = Column(*(item[present] for item in column))
            values = Values(values.flat, values.counts[present], values.kinds[present])
        return column, values

    def error(self, row: int, key: bytes, what: str) -> InvalidArgumentError:
        """Returns the exception for a feature that does not fit."""
        shown = _text(key)
        if self.is_single:
            return InvalidArgumentError(None, None, f"Key: {shown}.  {what}")
        return InvalidArgumentError(
            None, None, f"Name: {name_of(self.names, row)}, Key: {shown}, Index: {row}.  {what}"
        )

    def missing(self, row: int, key: bytes, dtype: DType) -> InvalidArgumentError:
        """Returns the exception for a feature that must be there and is not."""
        named = "" if self.is_single else f"Name: {name_of(self.names, row)}, "
        return InvalidArgumentError(
            None,
            None,
            f"{named}Feature: {_text(key)} (data type: {wire.KIND_NAMES[kind_of(dtype)]}) is required but could "
            "not be found.",
        )


def kind_of(dtype: DType) -> int:
    """Returns the kind of list that holds values of a type.

    Raises:
      InvalidArgumentError: no feature has such values.
    """
    kind = _KINDS.get(dtype.name)
    if kind is None:
        raise InvalidArgumentError(
            None, None, f"Values of features are float32, int64 or string, but {dtype.name} is asked for"
        )
    return kind


def _text(key: bytes) -> str:
    return key.decode("utf-8", "backslashreplace")


def filled(shape: tuple[int, ...], dtype: DType, value: Any = None) -> Array:
    """Returns an array of one value: the dtype's empty one by default.

    Raises:
      ResourceExhaustedError: it would be too large.
    """
    if math.prod(shape) > _MOST_ELEMENTS:
        raise ResourceExhaustedError(None, None, f"OOM: a tensor of shape {shape_text(shape)} does not fit in memory")
    if value is None:
        value = b"" if dtype.name == "string" else 0
    result = np.empty(shape, dtype.as_numpy_dtype)
    result[...] = value
    return result


def dense(batch: Batch, key: bytes, dtype: DType, shape: Any, default: Any) -> Array:
    """Returns a feature as a dense tensor.

    Args:
      batch: the features.
      key: the feature's name.
      dtype: its type.
      shape: its shape in one message; a first dimension of None stands for as many as there are.
      default: its value where it is missing; without elements where it must be there.
    """
    column, values = batch.read(key, dtype)
    if shape is None or None in shape[1:]:
        raise InvalidArgumentError(
            None, None, f"The shape of the dense feature {_text(key)} must be known, got {shape_text(shape)}"
        )
    if shape and shape[0] is None:
        return _padded(batch, key, column, values, dtype, shape[1:], default)
    size = math.prod(shape)
    wrong = values.counts != size
    if wrong.any():
        number = int(np.argmax(wrong))
        raise batch.error(
            int(column.rows[number]),
            key,
            f"Number of {wire.KIND_NAMES[kind_of(dtype)]} values != expected.  Values size: "
            f"{values.counts[number]} but output shape: {shape_text(shape)}",
        )
    if len(column.rows) == batch.size:
        result = values.flat
        if not result.flags.writeable or result.base is not None:
            result = result.copy()
        result = result.reshape(batch.size, *shape)
    else:
        if size and not np.size(default):
            present = np.zeros(batch.size, bool)
            present[column.rows] = True
            raise batch.missing(int(np.argmin(present)), key, dtype)
        result = filled((batch.size, *shape), dtype)
        result[...] = np.reshape(default, shape)
        result[column.rows] = values.flat.reshape(-1, *shape)
    return result[0] if batch.is_single and result.ndim > 1 else result.reshape(shape) if batch.is_single else result


def _padded(batch: Batch, key: bytes, column: Column, values: Values, dtype: DType, inner: Any, default: Any) -> Array:
    """Returns a feature of which each message has as many as it likes, padded to the longest."""
    stride = math.prod(inner)
    wrong = values.counts % stride != 0 if stride else values.counts != 0
    if wrong.any():
        number = int(np.argmax(wrong))
        raise batch.error(
            int(column.rows[number]),
            key,
            f"Number of {wire.KIND_NAMES[kind_of(dtype)]} values is not a multiple of stride length. Saw "
            f"{values.counts[number]} values but output shape is: {shape_text((None, *inner))}",
        )
    longest = int(values.counts.max(initial=0))
    padding = np.ravel(default)[0] if np.size(default) else None
    result = filled((batch.size, longest), dtype, padding)
    place = np.arange(longest) < values.counts[:, None]
    part = result[column.rows]
    part[place] = values.flat
    result[column.rows] = part
    result = result.reshape(batch.size, longest // stride if stride else 0, *inner)
    return result[0] if batch.is_single else result


def sparse(batch: Batch, key: bytes, dtype: DType) -> tuple[Array, Array, Array]:
    """Returns a feature as the indices, values and shape of a sparse tensor."""
    column, values = batch.read(key, dtype)
    within = positions(values.counts)
    longest = int(values.counts.max(initial=0))
    if batch.is_single:
        return within[:, None], values.flat, np.array([longest], np.int64)
    indices = np.empty((len(within), 2), np.int64)
    indices[:, 0] = np.repeat(column.rows, values.counts)
    indices[:, 1] = within
    return indices, values.flat, np.array([batch.size, longest], np.int64)


def ragged(batch: Batch, key: bytes, dtype: DType, split_type: DType) -> tuple[Array, Array]:
    """Returns a feature as the values and row splits of a ragged tensor."""
    column, values = batch.read(key, dtype)
    if batch.is_single:
        return values.flat, np.empty(0, split_type.as_numpy_dtype)
    counts = np.zeros(batch.size, np.int64)
    counts[column.rows] = values.counts
    return values.flat, splits(counts, split_type)


def positions(counts: Array) -> Array:
    """Returns 0, 1, ... up to each of the counts, one after the other."""
    total = int(counts.sum())
    return np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def splits(counts: Array, dtype: DType) -> Array:
    """Returns where rows of these lengths start, and where the last ends."""
    result = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=result[1:])
    if dtype.name == "int32" and result[-1] > np.iinfo(np.int32).max:
        raise InvalidArgumentError(None, None, f"{result[-1]} values are too many for row splits of int32")
    return result.astype(dtype.as_numpy_dtype)
