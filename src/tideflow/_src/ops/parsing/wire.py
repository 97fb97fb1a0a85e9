"""Reads the wire format of ``tf.train.Example`` without making message objects.

An ``Example`` is field 1, ``Features``; that is field 1, a list of map entries; each is field 1, the name, and field
2, the ``Feature``: one of the lists ``bytes_list`` (1), ``float_list`` (2) and ``int64_list`` (3), whose values are
field 1. A ``SequenceExample`` has its context, ``Features``, in field 1, and in field 2 the ``FeatureLists``: map
entries whose value has ``Feature`` in field 1. Lengths are checked against what is there, so that nothing is read or
allocated by them.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BYTES, FLOAT, INT64 = 1, 2, 3
#: What the kinds of lists are called in messages.
KIND_NAMES = {0: "(none)", BYTES: "string", FLOAT: "float", INT64: "int64"}

_FLOAT32 = np.dtype("<f4")
_EMPTY_FLOATS = np.empty(0, np.float32)
_EMPTY_INTEGERS = np.empty(0, np.int64)

#: A feature as it stands in a message: the bytes that hold it, where it starts and where it ends.
Span = tuple[bytes, int, int]


class Malformed(ValueError):
    """Says that bytes are not the message they should be."""


def varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Returns the number at a position, and the position after it."""
    result = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
        if shift > 63:
            break
    raise Malformed("a number does not end")


def extent(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Returns where a field with a length starts and ends, given the position of the length."""
    if position < end and data[position] < 0x80:
        length, position = data[position], position + 1
    else:
        length, position = varint(data, position, end)
    if length > end - position:
        raise Malformed("a field is longer than what holds it")
    return position, position + length


def skip(data: bytes, tag: int, position: int, end: int) -> int:
    """Returns the position after a field whose tag has been read."""
    kind = tag & 7
    if kind == 0:
        return varint(data, position, end)[1]
    if kind == 2:
        return extent(data, position, end)[1]
    size = {1: 8, 5: 4}.get(kind)
    if size is None or tag >> 3 == 0 or position + size > end:
        raise Malformed("a field has no known form")
    return position + size


def fields(data: bytes, position: int, end: int, wanted: int) -> list[tuple[int, int]]:
    """Returns where the contents of each field number ``wanted``, which has a length, start and end."""
    found = []
    wanted_tag = wanted << 3 | 2
    while position < end:
        tag = data[position]
        if tag < 0x80:
            position += 1
        else:
            tag, position = varint(data, position, end)
        if tag == wanted_tag:
            start, position = extent(data, position, end)
            found.append((start, position))
        else:
            position = skip(data, tag, position, end)
    return found


def entry(data: bytes, position: int, end: int) -> tuple[bytes, int, int]:
    """Returns the key of a map entry, and where its value starts and ends."""
    key = b""
    start = stop = position
    while position < end:
        tag = data[position]
        position += 1
        if tag == 0x0A:
            key_start, position = extent(data, position, end)
            key = data[key_start:position]
        elif tag == 0x12:
            start, position = extent(data, position, end)
            stop = position
        else:
            if tag >= 0x80:
                tag, position = varint(data, position - 1, end)
            position = skip(data, tag, position, end)
    return key, start, stop


def features(data: bytes, position: int, end: int, found: dict[bytes, Span]) -> None:
    """Adds the features of a ``Features`` message to ``found``; of equal names the last counts."""
    while position < end:
        tag = data[position]
        position += 1
        if tag == 0x0A:
            start, position = extent(data, position, end)
            key, value_start, value_end = entry(data, start, position)
            found[key] = (data, value_start, value_end)
        else:
            if tag >= 0x80:
                tag, position = varint(data, position - 1, end)
            position = skip(data, tag, position, end)


def values(span: Span) -> tuple[int, Any]:
    """Returns the kind of a feature's list and its values: an array of numbers, a list of bytes, or None and kind 0."""
    data, position, end = span
    kind = 0
    result: Any = None
    while position < end:
        tag, position = varint(data, position, end)
        if tag not in (0x0A, 0x12, 0x1A):
            position = skip(data, tag, position, end)
            continue
        start, position = extent(data, position, end)
        before, kind = kind, tag >> 3
        more = _READERS[kind](data, start, position)
        if before == kind:  # two parts of one list
            more = result + more if kind == BYTES else np.concatenate((result, more))
        result = more
    return kind, result


def _bytes_list(data: bytes, position: int, end: int) -> list[bytes]:
    return [data[start:stop] for start, stop in fields(data, position, end, 1)]


def _float_list(data: bytes, position: int, end: int) -> Array:
    if position == end:
        return _EMPTY_FLOATS
    parts = []
    while position < end:
        tag, position = varint(data, position, end)
        if tag == 0x0A:
            start, position = extent(data, position, end)
            if (position - start) % 4:
                raise Malformed("a list of floats ends within a float")
            parts.append(np.frombuffer(data, _FLOAT32, (position - start) // 4, start))
        elif tag == 0x0D:
            if position + 4 > end:
                raise Malformed("a list of floats ends within a float")
            parts.append(np.array(struct.unpack_from("<f", data, position), np.float32))
            position += 4
        else:
            position = skip(data, tag, position, end)
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _EMPTY_FLOATS


def _int64_list(data: bytes, position: int, end: int) -> Array:
    parts = []
    while position < end:
        tag, position = varint(data, position, end)
        if tag == 0x0A:
            start, position = extent(data, position, end)
            parts.append(varints(data, start, position))
        elif tag == 0x08:
            number, position = varint(data, position, end)
            parts.append(np.array([number], np.uint64).view(np.int64))
        else:
            position = skip(data, tag, position, end)
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _EMPTY_INTEGERS


_READERS: dict[int, Any] = {BYTES: _bytes_list, FLOAT: _float_list, INT64: _int64_list}


def varints(data: bytes, start: int, end: int) -> Array:
    """Returns packed numbers."""
    raw = np.frombuffer(data, np.uint8, end - start, start)
    return packed(raw)


def packed(raw: Array) -> Array:
    """Returns the numbers packed in an array of bytes."""
    if not len(raw):
        return _EMPTY_INTEGERS
    last = raw < 0x80
    if last.all():
        return raw.astype(np.int64)
    ends = np.flatnonzero(last)
    if not last[-1]:
        raise Malformed("a list of integers ends within an integer")
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > 10:
        raise Malformed("an integer has more than ten bytes")
    numbers = np.zeros(len(ends), np.uint64)
    for place in range(longest):
        at = starts + place
        inside = lengths > place
        np.minimum(at, len(raw) - 1, out=at)
        part = (raw[at] & 0x7F).astype(np.uint64) << np.uint64(7 * place)
        numbers |= np.where(inside, part, np.uint64(0))
    return numbers.view(np.int64)
