"""Reads the values of one feature of many examples at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.ops.parsing import wire
from tideflow._src.ops.parsing.batch import Blob, Column, varints

Array = np.ndarray[Any, Any]

#: Fewer features than this are read one by one.
_FEW = 8
#: Lists of more bytes than this are copied one by one.
_LONG = 256


class Values(NamedTuple):
    """Is the values of a feature, those of one example after those of the one before.

    Attributes:
      flat: all values.
      counts: how many each example has.
      kinds: the kind of each example's list, 0 where there is none.
    """

    flat: Array
    counts: Array
    kinds: Array


class BadFeature(ValueError):
    """Says which of the features cannot be read, and why."""

    def __init__(self, number: int, reason: Exception) -> None:
        super().__init__(str(reason))
        self.number = number


_DTYPES: dict[int, Any] = {wire.BYTES: object, wire.FLOAT: np.float32, wire.INT64: np.int64}


def read(blob: Blob, column: Column, kind: int) -> Values:
    """Returns the values of a feature; lists of another kind than ``kind`` count as empty but keep their kind.

    Raises:
      BadFeature: a feature is malformed.
    """
    if len(column.rows) >= _FEW:
        values = _read_in_step(blob, column, kind)
        if values is not None:
            return values
    return _read_one_by_one(blob, column, kind)


def _read_one_by_one(blob: Blob, column: Column, kind: int) -> Values:
    parts: list[Any] = []
    counts, kinds = [], []
    for number, (start, end) in enumerate(zip(column.starts.tolist(), column.ends.tolist(), strict=True)):
        try:
            found, values = wire.values((blob.data, start, end))
        except wire.Malformed as error:
            raise BadFeature(number, error) from None
        kinds.append(found)
        counts.append(len(values) if found == kind else 0)
        if found == kind:
            parts.append(values)
    return Values(_joined(parts, kind), np.array(counts, np.int64), np.array(kinds, np.int64))


def _joined(parts: list[Any], kind: int) -> Array:
    if kind == wire.BYTES:
        items = [item for part in parts for item in part]
        flat = np.empty(len(items), object)
        flat[:] = items
        return flat
    return np.concatenate(parts) if parts else np.empty(0, _DTYPES[kind])


def _read_in_step(blob: Blob, column: Column, kind: int) -> Values | None:
    """Reads lists of the usual form; None if one of them has another."""
    raw, starts, ends = blob.raw, column.starts, column.ends
    tag = kind << 3 | 2
    if (starts >= ends).any() or (raw[starts] != tag).any():
        return None
    length, position, good = varints(raw, starts + 1)
    if not (good & (position + length == ends)).all() or not length.all():
        return None
    if (raw[position] != 0x0A).any():
        return None
    length, position, good = varints(raw, position + 1)
    after = position + length
    kinds = np.full(len(starts), kind, np.int64)
    if kind == wire.BYTES:
        if not (good & (after <= ends)).all():
            return None
        return _bytes(blob, starts, position, after, ends, kinds)
    if not (good & (after == ends)).all():
        return None
    if kind == wire.FLOAT:
        if (length & 3).any():
            return None
        return Values(_floats(blob, position, length), length >> 2, kinds)
    return _integers(raw, position, length, kinds)


def _bytes(blob: Blob, starts: Array, position: Array, after: Array, ends: Array, kinds: Array) -> Values | None:
    data = blob.data
    spans = zip(position.tolist(), after.tolist(), strict=True)
    if (after == ends).all():
        flat = np.empty(len(starts), object)
        flat[:] = [data[start:end] for start, end in spans]
        return Values(flat, np.ones(len(starts), np.int64), kinds)
    return None


def _floats(blob: Blob, position: Array, length: Array) -> Array:
    size = int(length[0])
    if size <= _LONG and (length == size).all():
        taken = blob.raw[position[:, None] + np.arange(size)]
        return np.ascontiguousarray(taken).view("<f4").ravel()
    data = blob.data
    spans = zip(position.tolist(), (length >> 2).tolist(), strict=True)
    return np.concatenate([np.frombuffer(data, "<f4", count, start) for start, count in spans])


def _integers(raw: Array, position: Array, length: Array, kinds: Array) -> Values | None:
    filled = length > 0
    if not filled.all():
        return None
    offsets = np.cumsum(length) - length
    total = int(offsets[-1] + length[-1])
    taken = raw[np.arange(total) + np.repeat(position - offsets, length)]
    last = taken < 0x80
    if not last[offsets + length - 1].all():
        return None
    counts = np.add.reduceat(last, offsets, dtype=np.int64)
    try:
        return Values(wire.packed(taken), counts, kinds)
    except wire.Malformed:
        return None
