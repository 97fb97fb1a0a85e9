"""``tf.strings.length``, ``substr``, ``lower``, ``upper`` and ``strip``."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import broadcast, shape_text
from tideflow._src.ops.strings.elements import array_of, items_of, mapped
from tideflow._src.ops.strings.packed import Packed
from tideflow._src.runtime.op import op


@op("StringLength", "input: string -> output: int32", tier="host", differentiable="missing")
def string_length_op(input, *, unit: Literal["BYTE", "UTF8_CHAR"] = "BYTE"):
    """Counts the bytes or characters of strings."""
    packed = Packed.of(items_of(input))
    sizes = packed.lengths
    if unit == "UTF8_CHAR":
        inner = np.flatnonzero((packed.letters & 0xC0) == 0x80)  # the bytes of characters after their first
        if inner.size:
            sizes = sizes - (np.searchsorted(inner, packed.ends) - np.searchsorted(inner, packed.starts))
    return sizes.astype(np.int32).reshape(np.shape(input))


def _cased(value: Any, encoding: str, ascii_case: Callable[[bytes], bytes], case: Callable[[str], str]) -> Any:
    if not encoding:
        return mapped(ascii_case, value)
    if encoding != "utf-8":
        raise invalid_argument(f"only utf-8 or '' (no encoding) is supported, received {encoding}")

    def converted(item: bytes) -> bytes:
        return ascii_case(item) if item.isascii() else case(item.decode("utf-8", "replace")).encode()

    return mapped(converted, value)


@op("StringLower", "input: string -> output: string", tier="host", differentiable="missing")
def string_lower_op(input, *, encoding: str = ""):
    """Turns letters into small ones."""
    return _cased(input, encoding, bytes.lower, str.lower)


@op("StringUpper", "input: string -> output: string", tier="host", differentiable="missing")
def string_upper_op(input, *, encoding: str = ""):
    """Turns letters into capital ones."""
    return _cased(input, encoding, bytes.upper, str.upper)


@op("StringStrip", "input: string -> output: string", tier="host", differentiable="missing")
def string_strip_op(input):
    """Takes the white space off both ends of strings."""
    return mapped(bytes.strip, input)


@string_length_op.shape
@string_lower_op.shape
@string_upper_op.shape
@string_strip_op.shape
def _same_shape(input):
    return input


@op(
    "Substr",
    "input: string, pos: T, len: T -> output: string",
    tier="host",
    differentiable="missing",
    T=("int32", "int64"),
)
def substr_op(input, pos, len, *, unit: Literal["BYTE", "UTF8_CHAR"] = "BYTE"):
    """Takes parts out of strings."""
    if np.shape(pos) != np.shape(len):
        raise invalid_argument(
            f"pos and len should have the same shape, got: {shape_text(np.shape(pos))} vs. {shape_text(np.shape(len))}"
        )
    shape = np.shape(input)
    items, starts, counts = items_of(input), np.ravel(pos).tolist(), np.ravel(len).tolist()
    if np.ndim(pos) == 0:
        start, count = starts[0], counts[0]
        end = None if count < 0 or -count <= start < 0 else start + count
        if unit == "BYTE" and items and min(map(builtins.len, items)) >= abs(start):
            return array_of([item[start:end] for item in items], shape)
        if unit == "UTF8_CHAR" and items and count >= 0:
            with contextlib.suppress(UnicodeDecodeError):  # what is not UTF-8 is looked at one by one
                texts = list(map(bytes.decode, items))
                if min(map(builtins.len, texts)) >= abs(start):
                    return array_of([text[start:end].encode() for text in texts], shape)
        number = np.size(input)
        starts, counts = starts * number, counts * number
    elif np.shape(pos) != shape:
        try:
            shape = np.broadcast_shapes(shape, np.shape(pos))
        except ValueError:
            raise invalid_argument(
                f"Incompatible shapes: {shape_text(shape)} vs. {shape_text(np.shape(pos))}"
            ) from None
        items = items_of(np.broadcast_to(np.asarray(input, object), shape))
        starts = np.broadcast_to(pos, shape).ravel().tolist()
        counts = np.broadcast_to(len, shape).ravel().tolist()
    part = _part_of_bytes if unit == "BYTE" else _part_of_characters
    result = [part(*each) for each in zip(items, starts, counts, range(np.size(items)), strict=True)]
    return array_of(result, shape)


def _part_of_bytes(item: bytes, start: int, count: int, index: int) -> bytes:
    size = len(item)
    if not -size <= start <= size:
        raise invalid_argument(
            f"pos {start} out of range for string b'{item.decode(errors='replace')}' at index {index}"
        )
    if start < 0:
        start += size
    return item[start:] if count < 0 else item[start : start + count]


def _part_of_characters(item: bytes, start: int, count: int, index: int) -> bytes:
    if item.isascii():
        places, size = range(len(item) + 1), len(item)
    else:
        try:
            text = item.decode()
        except UnicodeDecodeError:
            pass
        else:
            size = len(text)
            if -size <= start <= size and (count >= 0 or start >= 0):
                start += size if start < 0 else 0
                return text[start : start + max(count, 0)].encode()
        content = np.frombuffer(item, np.uint8)
        begins = (content & 0xC0) != 0x80
        begins[0] = True
        places = [*np.flatnonzero(begins).tolist(), len(item)]
        size = len(places) - 1
    if not -size <= start <= size or (count < 0 and start < 0):
        raise invalid_argument(f"pos {start} out of range for string at index {index}: it has {size} characters")
    if start < 0:
        start += size
    return item[places[start] : places[min(start + max(count, 0), size)]]


@substr_op.shape
def _substr_shape(input, pos, len):
    if pos is None or len is None or input is None:
        return None
    sizes = list(pos)
    if sum(1 for _ in len) != sum(1 for _ in sizes):
        raise ValueError(f"pos and len must have the same shape, but are {shape_text(pos)} and {shape_text(len)}")
    for first, second in zip(sizes, len, strict=True):
        if first is not None and second is not None and first != second:
            raise ValueError(f"pos and len must have the same shape, but are {shape_text(pos)} and {shape_text(len)}")
    return broadcast(input, pos)


def _text() -> Any:
    words = ["", "a", "tide", "h\u00e4l\u20aclo", "\U0001f600x", " A b\u00c4\t\n"]
    return array_of([*(word.encode() for word in words), b"\x80\x80a\xffB\x80c", b"\xe2\x82"], (8,))


@string_length_op.samples
def _string_length_samples(s):
    yield s(_text())
    yield s(_text(), unit="UTF8_CHAR")
    yield s(s.strings(()), unit="BYTE")
    yield s(np.empty((0, 2), object))


@string_lower_op.samples
@string_upper_op.samples
def _case_samples(s):
    yield s(_text())
    yield s(_text(), encoding="utf-8")
    words = ["\u00c4\u00d6 ABC\u03a3 \u0130", "stra\u00dfe \u0149 \ufb01", "ABC"]
    yield s(array_of([word.encode() for word in words], (3, 1)), encoding="utf-8")
    yield s(s.strings(()))
    yield s(s.strings(()), encoding="latin1", error="InvalidArgumentError")


@string_strip_op.samples
def _string_strip_samples(s):
    yield s(_text())
    yield s(array_of([b" \t\n\v\f\r a b \r", b"\x00a\x1c", b"\xa0a\xc2\x85", b"  "], (2, 2)))
    yield s(s.strings(()))


@substr_op.samples
def _substr_samples(s):
    words = array_of([b"hello", b"ab", "h\u00e4l\u20aclo".encode(), b"\x80\x80a\xffb\x80c"], (2, 2))
    for unit in ("BYTE", "UTF8_CHAR"):
        yield s(words, 1, 3, unit=unit)
        yield s(words, -2, 1, unit=unit)
        yield s(words, np.array([[0, 2], [-3, 1]]), np.array([[9, 0], [2, 2]]), unit=unit)
        yield s(words, [1, 2], [2, 1], unit=unit)
        yield s(b"tide", [1, 2], [2, 1], unit=unit)
        yield s(words, 2, -1, unit=unit)
        yield s(b"", 0, 1, unit=unit)
        yield s(b"tide", 5, 1, unit=unit, error="InvalidArgumentError")
        yield s(b"tide", -5, 1, unit=unit, error="InvalidArgumentError")
    yield s(words, [1], 2, error="InvalidArgumentError")
    yield s(s.strings((2,)), [0, 0, 0], [1, 1, 1], error="InvalidArgumentError")
    yield s(np.empty((0,), object), 0, 1)


def string_length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """Counts the bytes or characters of strings.

    Args:
      input: strings of any shape.
      unit: ``"BYTE"``, or ``"UTF8_CHAR"`` for the characters of UTF-8.
      name: the name of the operation.

    Returns:
      An int32 tensor of the shape of ``input``.
    """
    return string_length_op(input, unit=unit, name=name)


def string_length_v1(input: Any, name: str | None = None, unit: str = "BYTE") -> Any:
    """Counts the bytes or characters of strings; see :func:`string_length`."""
    return string_length_op(input, unit=unit, name=name)


def lower(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Turns letters into small ones.

    Args:
      input: strings of any shape.
      encoding: ``"utf-8"``, or ``""`` for the letters of ASCII only.
      name: the name of the operation.
    """
    return string_lower_op(input, encoding=encoding, name=name)


def upper(input: Any, encoding: str = "", name: str | None = None) -> Any:
    """Turns letters into capital ones.

    Args:
      input: strings of any shape.
      encoding: ``"utf-8"``, or ``""`` for the letters of ASCII only.
      name: the name of the operation.
    """
    return string_upper_op(input, encoding=encoding, name=name)


def strip(input: Any, name: str | None = None) -> Any:
    """Takes the white space off both ends of strings of any shape."""
    return string_strip_op(input, name=name)


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """Takes parts out of strings.

    Args:
      input: strings of any shape.
      pos: where the part begins, int32 or int64; counted from the end if negative. Broadcasts with ``input``.
      len: how long it is at most; of the same shape and type as ``pos``.
      unit: what is counted: ``"BYTE"``, or ``"UTF8_CHAR"`` for the characters of UTF-8.
      name: the name of the operation.

    Raises:
      InvalidArgumentError: a part begins outside its string.
    """
    return substr_op(input, pos, len, unit=unit, name=name)


def substr_v1(input: Any, pos: Any, len: Any, name: str | None = None, unit: str = "BYTE") -> Any:
    """Takes parts out of strings; see :func:`substr`."""
    return substr_op(input, pos, len, unit=unit, name=name)
