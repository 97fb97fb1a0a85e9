"""Turns bytes in any encoding into code points, with what replaces malformed bytes, and where each character began."""

from __future__ import annotations

import codecs
import functools
import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.strings.east_asian import decoder_of

Array = np.ndarray[Any, Any]

#: Codecs of Python that are no character sets.
_NO_CHARACTER_SETS = frozenset(
    "idna punycode raw_unicode_escape unicode_escape undefined utf_8_sig utf-8-sig mbcs oem charmap".split()
)
#: Names that Python does not know, or gives to another encoding than ICU.
_OTHER_NAMES = {
    "windows-31j": "cp932", "x-sjis": "cp932", "windows-936": "gbk", "windows-949": "cp949", "korean": "cp949",
    "ks_c_5601-1987": "cp949", "ksc5601": "cp949", "windows-950": "cp950",
    "mac": "mac-roman", "x-mac-roman": "mac-roman",
    "unicode": "utf-16-be", "utf16be": "utf-16-be", "ucs2": "utf-16-be", "ucs-2": "utf-16-be",
    "iso-10646-ucs-2": "utf-16-be", "ucs4": "utf-32-be", "ucs-4": "utf-32-be", "iso-10646-ucs-4": "utf-32-be",
}  # fmt: skip
#: Other spellings of a part of ISO 8859, by its number or as Latin-n.
_PARTS_OF_ISO_8859 = (
    (re.compile(r"(?:csiso)?latin[-_ ]?(\d+)"), "latin"),
    (re.compile(r"(?:iso)?[-_ ]?8859[-_ ]?(\d+)"), "iso8859-"),
)
_MARKS = {
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": (
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ),
}


def codec_of(encoding: str) -> str:
    """Returns Python's name of an encoding.

    Raises:
      InvalidArgumentError: there is no such encoding.
    """
    try:
        name = _OTHER_NAMES.get(encoding.lower(), encoding)
        for spelling, known in _PARTS_OF_ISO_8859:
            if part := spelling.fullmatch(name.lower()):
                name = f"{known}{part[1]}"
        found = codecs.lookup(re.sub(r"(?i)^ibm[-_]?(?=\d)", "cp", name))
        if found._is_text_encoding and found.name.replace("-", "_") not in _NO_CHARACTER_SETS:
            return found.name
    except (LookupError, ValueError):
        pass
    raise invalid_argument(f"Could not create converter for input encoding: {encoding}")


@dataclass(frozen=True)
class Policy:
    """Says what becomes of malformed bytes and control characters.

    Attributes:
      errors: ``"strict"``, ``"replace"`` or ``"ignore"``.
      replacement: the code point that replaces what is malformed.
      replace_controls: whether control characters of ASCII are treated so too.
    """

    errors: str
    replacement: int
    replace_controls: bool

    def __post_init__(self) -> None:
        if not 0 <= self.replacement <= 0x10FFFF:
            raise invalid_argument(f"replacement_char out of unicode codepoint range: {self.replacement}")


def decoded(items: Sequence[bytes], codec: str, policy: Policy) -> tuple[Array, Array, Array]:
    """Decodes strings.

    Returns:
      How many characters each string has, all code points (int32), and for each the byte of its string where it
      starts (int64).
    """
    if codec == "utf-8":
        lengths, points, starts = _of_utf8(items, policy.errors)
    elif codec in _UNIT_SIZES:
        lengths, points, starts = _of_units(items, codec, policy.errors)
    elif (table := _table_of(codec)) is not None:
        lengths, points, starts = _of_single_bytes(items, codec, table, policy.errors)
    else:
        lengths, points, starts = _one_by_one(items, codec, policy.errors)
    malformed = points < 0
    if policy.errors == "ignore":
        if policy.replace_controls:
            malformed = points < 0x20
        if malformed.any():
            rows = np.repeat(np.arange(lengths.size), lengths)
            lengths = lengths - np.bincount(rows[malformed], minlength=lengths.size)
            points, starts = points[~malformed], starts[~malformed]
        return lengths, points, starts
    points = np.where(malformed, np.int32(policy.replacement), points)
    if policy.replace_controls:
        points = np.where(~malformed & (points < 0x20), np.int32(policy.replacement), points)
    return lengths, points, starts


#: How many bytes the code units of the encodings of Unicode have.
_UNIT_SIZES = {"utf-16-be": 2, "utf-16-le": 2, "utf-32-be": 4, "utf-32-le": 4}

#: What TensorFlow makes of a string that consists of a byte order mark.
_ONLY_A_MARK = 0xFFFF

#: What stands for malformed bytes while texts are decoded: this, and how many bytes they are. No text holds it.
_MARK = 0xDC00


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return chr(_MARK + error.end - error.start), error.end


def _refuse(items: Sequence[bytes], codec: str) -> None:
    for item in items:
        try:
            item.decode(codec)
        except UnicodeDecodeError as error:
            raise invalid_argument(
                f"Invalid formatting on input string: byte {error.start} of {item!r} is no {codec}"
            ) from None


def _sizes(items: Sequence[bytes]) -> Array:
    return np.fromiter(map(len, items), np.int64, len(items))


def _of_utf8(items: Sequence[bytes], errors: str) -> tuple[Array, Array, Array]:
    joined = b"".join(items)
    content = np.frombuffer(joined, np.uint8)
    sizes = _sizes(items)
    begins = np.cumsum(sizes) - sizes
    if joined.isascii():
        return sizes, content.astype(np.int32), np.arange(content.size) - np.repeat(begins, sizes)
    leads = (content & 0xC0) != 0x80
    try:
        text = joined.decode()
    except UnicodeDecodeError:
        pass
    else:
        if leads[begins[sizes > 0]].all():  # else a character is spread over two strings
            places = np.flatnonzero(leads)
            lengths = np.diff(np.searchsorted(places, np.append(begins, content.size)))
            return lengths, _points(text), places - np.repeat(begins, lengths)
    if errors == "strict":
        _refuse(items, "utf-8")
    codecs.register_error("tideflow.mark", _mark)
    return _of_marked([item.decode("utf-8", "tideflow.mark") for item in items], _utf8_widths)


def _utf8_widths(points: Array) -> Array:
    widths = np.ones(points.size, np.int64)
    for limit in (0x80, 0x800, 0x10000):
        widths += points >= limit
    return widths


def _of_units(items: Sequence[bytes], codec: str, errors: str) -> tuple[Array, Array, Array]:
    if errors == "strict":
        _refuse(items, codec)
    codecs.register_error("tideflow.mark", _mark)
    unit = _UNIT_SIZES[codec]

    def widths(points: Array) -> Array:
        return np.where(points >= 0x10000, 4, unit)

    return _of_marked([item.decode(codec, "tideflow.mark") for item in items], widths)


def _of_marked(texts: list[str], widths_of: Callable[[Array], Array]) -> tuple[Array, Array, Array]:
    points = _points("".join(texts)).copy()
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    marked = (points >= _MARK) & (points < 0xE000)
    widths = np.where(marked, points - _MARK, widths_of(points))
    points[marked] = -1
    starts = np.cumsum(widths) - widths
    firsts = np.cumsum(lengths) - lengths
    base = np.append(starts, 0)[np.minimum(firsts, points.size)]
    return lengths, points, starts - np.repeat(base, lengths)


def _points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)


@functools.cache
def _table_of(codec: str) -> Array | None:
    """Returns the code point of each byte, -1 for none, where characters are single bytes; else None."""
    name = codec.replace("-", "_")
    if codec not in ("ascii", "iso8859-1"):
        try:
            module = importlib.import_module(f"encodings.{name}")
        except ImportError:
            return None
        if not hasattr(module, "decoding_table"):
            return None
    pairs = [_characters(bytes([byte]), codec, "replace") for byte in range(256)]
    table = np.array([pair[0][0] for pair in pairs], np.int32)
    if re.fullmatch(r"cp\d{3}", codec):  # the control characters of the IBM PC, in ICU's order
        table[[0x1A, 0x1C, 0x7F]] = 0x1C, 0x7F, 0x1A
    return table


def _of_single_bytes(items: Sequence[bytes], codec: str, table: Array, errors: str) -> tuple[Array, Array, Array]:
    sizes = _sizes(items)
    points = table[np.frombuffer(b"".join(items), np.uint8)]
    if errors == "strict" and (points < 0).any():
        _refuse(items, codec)
    return sizes, points, np.arange(points.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _one_by_one(items: Sequence[bytes], codec: str, errors: str) -> tuple[Array, Array, Array]:
    decoder = decoder_of(codec)
    rows = [_characters(item, codec, errors) if decoder is None else decoder.characters(item) for item in items]
    if errors == "strict" and decoder is not None:
        for item, row in zip(items, rows, strict=True):
            place = next((place for point, place in row if point < 0), None)
            if place is not None:
                raise invalid_argument(f"Invalid formatting on input string: byte {place} of {item!r} is no {codec}")
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.array([pair for row in rows for pair in row], np.int64).reshape(-1, 2)
    return lengths, flat[:, 0].astype(np.int32), flat[:, 1]


def _characters(item: bytes, codec: str, errors: str) -> list[tuple[int, int]]:
    """Returns the code points of one string and where they start; -1 for what is malformed."""
    skipped = 0
    if codec in _MARKS:
        mark, codec = next((pair for pair in _MARKS[codec] if item.startswith(pair[0])), (b"", f"{codec}-be"))
        skipped = len(mark)
        if mark and len(item) == skipped:
            return [(_ONLY_A_MARK, 0)]
    result: list[tuple[int, int]] = []
    decoder = codecs.getincrementaldecoder(codec)("strict")
    start, place, size = skipped, skipped, len(item)
    while place < size:
        try:
            text = decoder.decode(item[place : place + 1], place == size - 1)
        except UnicodeDecodeError as error:
            decoder.reset()
            if item[start] < 0xA0 and error.end - error.start == 1 and codec.startswith("cp125"):
                result.append((item[start], start))
            elif errors == "strict":
                raise invalid_argument(
                    f"Invalid formatting on input string: byte {start} of {item!r} is no {codec}"
                ) from None
            else:
                result.append((-1, start))
            start += max(1, error.end - error.start)
            place = start
            continue
        place += 1
        for letter in text:
            result.append((ord(letter), start))
            start = place
    # A mark at the beginning counts as a part of the first character.
    return [(result[0][0], 0), *result[1:]] if skipped and result else result
