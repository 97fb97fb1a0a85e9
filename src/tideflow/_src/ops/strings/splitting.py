"""Splits strings at separators; the public functions over these operations are in ``rows.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.strings.elements import array_of, items_of
from tideflow._src.runtime.op import op

_OUTPUTS = "indices: int64, values: string, shape: int64"


def _strings_of(value: Any, delimiter: Any, described: str) -> tuple[list[bytes], bytes]:
    """Returns the strings of a vector, and the delimiter, which is a scalar."""
    if np.ndim(value) != 1:
        raise invalid_argument(f"input must be a vector, got shape: {shape_text(np.shape(value))}")
    if np.ndim(delimiter):
        raise invalid_argument(f"{described} must be a scalar, got shape: {shape_text(np.shape(delimiter))}")
    return items_of(value), items_of(delimiter)[0]


def _sparse(lengths: Any, values: Any) -> Any:
    """Returns rows of strings, given how many each has and all of them, as the components of a sparse matrix."""
    indices = np.empty((len(values), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(lengths.size), lengths)
    indices[:, 1] = np.arange(len(values)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    widest = int(lengths.max()) if lengths.size else 0
    return (
        indices,
        values if isinstance(values, np.ndarray) else array_of(values, (len(values),)),
        np.array([lengths.size, widest], np.int64),
    )


_WHITE_SPACE = b" \t\n\v\f\r"
#: How many parts each of some strings has, and all parts.
Parts = tuple[Any, list[bytes]]


def _each(items: list[bytes], split: Callable[[bytes], list[bytes]]) -> Parts:
    values: list[bytes] = []
    counts: list[int] = []
    for item in items:  # lists that live on would have Python look for garbage again and again
        parts = split(item)
        counts.append(len(parts))
        values += parts
    return np.array(counts, np.int64), values


def _places(items: list[bytes], joined: bytes, separators: bytes) -> tuple[Any, Any]:
    """Returns which bytes of joined strings are separators, one after the last included, and where strings begin."""
    letters = np.frombuffer(joined, np.uint8)
    marks = np.ones(letters.size + 1, bool)
    if separators == _WHITE_SPACE:  # comparing takes a fifth of the time of looking up
        np.less(letters - np.uint8(ord("\t")), 5, out=marks[:-1])
        marks[:-1] |= letters == ord(" ")
    elif len(separators) == 1:
        np.equal(letters, separators[0], out=marks[:-1])
    else:
        is_separator = np.zeros(256, bool)
        is_separator[list(separators)] = True
        np.take(is_separator, letters, out=marks[:-1], mode="clip")
    sizes = np.fromiter(map(len, items), np.int64, len(items)) + 1
    return marks, np.cumsum(sizes) - sizes


def _counted(marks: Any, starts: Any) -> Any:
    return np.diff(np.searchsorted(np.flatnonzero(marks), np.append(starts, marks.size)))


def _parts_that_hold_something(items: list[bytes], separators: bytes, split: Callable[[bytes], list[bytes]]) -> Parts:
    """Splits all strings at once, where empty parts do not count."""
    joined = separators[:1].join(items)
    marks, starts = _places(items, joined, separators)
    begins = ~marks
    begins[1:] &= marks[:-1]
    return _counted(begins, starts), split(joined)


def _all_parts(items: list[bytes], separator: bytes) -> Parts:
    """Splits all strings at once, at each of a byte, or of some bytes that cannot overlap themselves."""
    if not items:
        return np.zeros(0, np.int64), []
    joined = separator.join(items)
    if len(separator) == 1:  # every part ends at one, be it that between two strings
        return _counted(*_places(items, joined, separator)), joined.split(separator)
    counts = np.fromiter(map(bytes.count, items, repeat(separator)), np.int64, len(items)) + 1
    return counts, joined.split(separator)


def _overlaps_itself(separator: bytes) -> bool:
    return any(separator.startswith(separator[start:]) for start in range(1, len(separator)))


def parts_of(items: list[bytes], separator: bytes, most: int) -> Parts:
    """Splits strings at a separator, or at white space if there is none, at most so often (if not negative).

    Returns:
      How many parts each string has (int64), and all parts.
    """
    if most == 0:
        return np.ones(len(items), np.int64), items
    if most < 0:
        if not separator:
            return _parts_that_hold_something(items, _WHITE_SPACE, bytes.split)
        if not _overlaps_itself(separator):
            return _all_parts(items, separator)
    if separator:
        return _each(items, lambda item: item.split(separator, max(most, -1)))
    most = min(most, sys.maxsize)

    def split(item: bytes) -> list[bytes]:
        parts = item.split(None, most)
        # TensorFlow keeps what follows the last allowed split, even if nothing does.
        return [*parts, b""] if len(parts) == most else parts

    return _each(items, split)


def bytes_of(items: list[bytes]) -> tuple[Any, Any]:
    """Returns how many bytes each string has, and all bytes as an array of strings."""
    lengths = np.fromiter(map(len, items), np.int64, len(items))
    singles = array_of([bytes([byte]) for byte in range(256)], (256,))
    return lengths, singles[np.frombuffer(b"".join(items), np.uint8)]


@op("StringSplit", f"input: string, delimiter: string -> {_OUTPUTS}", tier="host", differentiable=False)
def string_split_op(input, delimiter, *, skip_empty: bool = True):
    """Splits strings at each of some bytes, or into bytes."""
    items, separators = _strings_of(input, delimiter, "delimiter")
    if not separators:
        return _sparse(*bytes_of(items))
    first = separators[:1]
    # Which of the separators stands between two parts does not show, so all may become the first one.
    table = bytes(first[0] if byte in separators else byte for byte in range(256)) if len(separators) > 1 else None
    if skip_empty:
        return _sparse(
            *_parts_that_hold_something(
                items, separators, lambda joined: list(filter(None, joined.translate(table).split(first)))
            )
        )
    full = [item.translate(table) for item in items if item]
    indices, values, shape = _sparse(*_all_parts(full, first))
    if len(full) < len(items):
        rows = np.fromiter((row for row, item in enumerate(items) if item), np.int64, len(full))
        indices[:, 0] = rows[indices[:, 0]]
        shape[0] = len(items)
    return indices, values, shape


@op("StringSplitV2", f"input: string, sep: string -> {_OUTPUTS}", tier="host", differentiable="missing")
def string_split_v2_op(input, sep, *, maxsplit: int = -1):
    """Splits strings at a separator, or at white space."""
    items, separator = _strings_of(input, sep, "sep")
    return _sparse(*parts_of(items, separator, maxsplit))


@string_split_op.shape
def _string_split_shape(input, delimiter):
    with_rank(input, 1)
    with_rank(delimiter, 0)
    return (None, 2), (None,), (2,)


@string_split_v2_op.shape
def _string_split_v2_shape(input, sep):
    with_rank(input, 1)
    with_rank(sep, 0)
    return (None, 2), (None,), (2,)


def _lines() -> Any:
    words = [b",a,,b;c", b"", b"x", b"\xc3\xa4 b  c ", b"a ", b" ", b"xabyabz,,", b"\x0b\x1cq r", b"ab", b"abab"]
    return array_of(words, (len(words),))


@string_split_op.samples
def _string_split_samples(s):
    for delimiter in (b"", b",", b",; "):
        yield s(_lines(), delimiter)
        yield s(_lines(), delimiter, skip_empty=False)
    yield s(np.empty((0,), object), b",")
    yield s(b"a b", b" ", error="InvalidArgumentError")
    yield s(_lines(), array_of([b" "], (1,)), error="InvalidArgumentError")


@string_split_v2_op.samples
def _string_split_v2_samples(s):
    for separator in (b"", b" ", b",", b"ab"):
        for most in (-5, 0, 1, 2):
            yield s(_lines(), separator, maxsplit=most)
    yield s(np.empty((0,), object), b",")
    yield s(b"a b", b" ", error="InvalidArgumentError")
    yield s(_lines(), array_of([b" "], (1,)), error="InvalidArgumentError")
