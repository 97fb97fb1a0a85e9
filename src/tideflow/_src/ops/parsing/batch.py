"""Finds the features of many serialized examples: in lock step with NumPy where their layout is the usual one.

All examples are joined to one blob; a feature is where it starts and ends in that. What the fast reader does not expect
(unknown fields, several ``Features``, long keys) is left to the reader of :mod:`.wire`, an example at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.parsing import wire

Array = np.ndarray[Any, Any]

#: Fewer examples than this are read one by one.
_FEW = 24


class Blob(NamedTuple):
    """Is joined serialized messages: their bytes, the same as an array, and where each starts and ends."""

    data: bytes
    raw: Array
    starts: Array
    ends: Array


class Column(NamedTuple):
    """Says which of the messages have a feature, in order, and where it starts and ends in the blob."""

    rows: Array
    starts: Array
    ends: Array


_NONE = np.empty(0, np.int64)
EMPTY = Column(_NONE, _NONE, _NONE)


def join(serialized: Sequence[bytes]) -> Blob:
    """Returns messages joined to one blob."""
    data = b"".join(serialized)
    lengths = np.fromiter(map(len, serialized), np.int64, len(serialized))
    ends = np.cumsum(lengths)
    return Blob(data, np.frombuffer(data, np.uint8), ends - lengths, ends)


def name_of(names: Sequence[bytes], row: int) -> str:
    """Returns what error messages call an example: its name, if it was given one."""
    return names[row].decode("utf-8", "backslashreplace") if len(names) else "<unknown>"


def malformed(blob: Blob, row: int, names: Sequence[bytes], kind: str, reason: Exception) -> InvalidArgumentError:
    """Returns the exception for a message that cannot be read."""
    start, end = int(blob.starts[row]), int(blob.ends[row])
    shown = blob.data[start : min(end, start + 64)]
    named = f"Name: {name_of(names, row)}, " if len(names) else ""
    return InvalidArgumentError(
        None,
        None,
        f"{named}Could not parse {kind} input, value: {shown!r}{'...' if end - start > 64 else ''} "
        f"(message {row}, {end - start} bytes: {reason})",
    )


def read(blob: Blob, wanted: set[bytes], names: Sequence[bytes] = ()) -> dict[bytes, Column]:
    """Returns the wanted features of serialized examples.

    Raises:
      InvalidArgumentError: a message is malformed.
    """
    count = len(blob.starts)
    found: dict[bytes, list[Column]] = {}
    left = range(count)
    if count >= _FEW:
        left = _read_in_step(blob, wanted, found)
    spans: dict[bytes, list[tuple[int, int, int]]] = {}
    for row in left:
        try:
            item: dict[bytes, wire.Span] = {}
            data, start, end = blob.data, int(blob.starts[row]), int(blob.ends[row])
            for first, last in wire.fields(data, start, end, 1):
                wire.features(data, first, last, item)
        except wire.Malformed as error:
            raise malformed(blob, row, names, "example", error) from None
        for key, span in item.items():
            if key in wanted:
                spans.setdefault(key, []).append((row, span[1], span[2]))
    for key, rows in spans.items():
        found.setdefault(key, []).append(Column(*np.array(rows, np.int64).T))
    return {key: _merged(parts) for key, parts in found.items()}


def _merged(parts: list[Column]) -> Column:
    if len(parts) == 1:
        return parts[0]
    rows, starts, ends = (np.concatenate(item) for item in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    return Column(rows[order], starts[order], ends[order])


def varints(raw: Array, positions: Array) -> tuple[Array, Array, Array]:
    """Reads the numbers at many positions, of at most five bytes.

    Returns:
      The numbers, the positions after them, and whether each is complete.
    """
    highest = len(raw) - 1
    first = raw.take(positions, mode="clip").astype(np.int64)
    good = positions <= highest
    if not (first & 0x80).any():
        return first, positions + 1, good
    values, after = first & 0x7F, positions + 1
    more = (first & 0x80) != 0
    for shift in (7, 14, 21, 28):
        byte = raw.take(after, mode="clip").astype(np.int64)
        values = np.where(more, values | (byte & 0x7F) << shift, values)
        good &= ~more | (after <= highest)
        after = after + more
        more &= (byte & 0x80) != 0
        if not more.any():
            break
    return values, after, good & ~more


def _read_in_step(blob: Blob, wanted: set[bytes], found: dict[bytes, list[Column]]) -> list[int]:
    """Reads all examples of the usual layout, a feature of each at a time; returns the others."""
    raw = blob.raw
    if not len(raw):
        return []
    rows = np.flatnonzero(blob.starts < blob.ends)
    starts, stops = blob.starts[rows], blob.ends[rows]
    length, position, good = varints(raw, starts + 1)
    good &= (raw[starts] == 0x0A) & (position + length == stops)
    unusual = [rows[~good]]
    rows, position, stops = rows[good], position[good], stops[good]
    collected: dict[bytes, list[tuple[Array, Array, Array]]] = {}
    while True:
        inside = position < stops
        if not inside.all():
            rows, position, stops = rows[inside], position[inside], stops[inside]
        if not len(rows):
            break
        length, body, good = varints(raw, position + 1)
        after = body + length
        key_length = raw.take(body + 1, mode="clip").astype(np.int64)
        key_start = body + 2
        value_tag = key_start + key_length
        value_length, value_start, complete = varints(raw, value_tag + 1)
        good &= complete & (raw[position] == 0x0A) & (after <= stops) & (value_start + value_length == after)
        good &= (raw.take(body, mode="clip") == 0x0A) & (key_length < 0x80) & (raw.take(value_tag, mode="clip") == 0x12)
        if not good.all():
            unusual.append(rows[~good])
            rows, stops, after = rows[good], stops[good], after[good]
            key_start, key_length, value_start = key_start[good], key_length[good], value_start[good]
            if not len(rows):
                break
        _group(blob, wanted, collected, rows, key_start, key_length, value_start, after)
        position = after
    others = np.unique(np.concatenate(unusual))
    for key, parts in collected.items():
        column = _assembled(parts, others)
        if len(column.rows):
            found[key] = [column]
    return others.tolist()  # type: ignore[no-any-return]


def _assembled(parts: list[tuple[Array, Array, Array]], others: Array) -> Column:
    """Returns one column of what was found in each step; of equal keys in one example the last counts."""
    rows, starts, ends = (np.concatenate(item) for item in zip(*parts, strict=True)) if len(parts) > 1 else parts[0]
    if len(others):
        kept = ~np.isin(rows, others)
        rows, starts, ends = rows[kept], starts[kept], ends[kept]
    if len(parts) > 1:
        order = np.argsort(rows, kind="stable")
        rows, starts, ends = rows[order], starts[order], ends[order]
        last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
        if not last.all():
            rows, starts, ends = rows[last], starts[last], ends[last]
    return Column(rows, starts, ends)


def _group(
    blob: Blob,
    wanted: set[bytes],
    collected: dict[bytes, list[tuple[Array, Array, Array]]],
    rows: Array,
    key_start: Array,
    key_length: Array,
    value_start: Array,
    value_end: Array,
) -> None:
    """Adds the features of one step to those of the same key; in most steps all have the same key."""
    first, length = int(key_start[0]), int(key_length[0])
    key = blob.data[first : first + length]
    if (key_length == length).all():
        keys = blob.raw[key_start[:, None] + np.arange(length)]
        same = (keys == keys[0]).all(1)
        if same.all():
            if key in wanted:
                collected.setdefault(key, []).append((rows, value_start, value_end))
            return
    members: dict[bytes, list[int]] = {}
    data = blob.data
    for number, (start, stop) in enumerate(zip(key_start.tolist(), (key_start + key_length).tolist(), strict=True)):
        members.setdefault(data[start:stop], []).append(number)
    for key, numbers in members.items():
        if key in wanted:
            chosen = np.array(numbers)
            collected.setdefault(key, []).append((rows[chosen], value_start[chosen], value_end[chosen]))
