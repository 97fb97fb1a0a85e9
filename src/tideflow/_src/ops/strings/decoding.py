"""Turns bytes in any encoding into code points, with what replaces malformed bytes, and where each character began."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument

Array = np.ndarray[Any, Any]

#: Codecs of Python that are no character sets.
_NO_CHARACTER_SETS = frozenset(
    "idna punycode raw_unicode_escape unicode_escape undefined utf_8_sig utf-8-sig mbcs oem charmap".split()
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
        found = codecs.lookup(encoding)
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
    counts: list[int] = []
    parts: list[Array] = []
    offsets: list[Array] = []
    waiting: list[str] = []

    def take() -> None:
        if waiting:
            points, starts = _of_valid(waiting)
            parts.append(points)
            offsets.append(starts)
            waiting.clear()

    for item in items:
        if codec == "utf-8":
            try:
                text = item.decode()
            except UnicodeDecodeError:
                pass
            else:
                counts.append(len(text))
                waiting.append(text)
                continue
        take()
        pairs = _characters(item, codec, policy.errors)
        if policy.errors == "ignore":
            pairs = [pair for pair in pairs if pair[0] >= 0]
        points = np.array([point for point, _ in pairs], np.int32)
        points[points < 0] = policy.replacement
        counts.append(len(pairs))
        parts.append(points)
        offsets.append(np.array([start for _, start in pairs], np.int64))
    take()
    lengths = np.array(counts, np.int64)
    points = np.concatenate(parts) if parts else np.empty(0, np.int32)
    starts = np.concatenate(offsets) if offsets else np.empty(0, np.int64)
    if policy.replace_controls:
        controls = (points >= 0) & (points < 0x20)
        if policy.errors == "ignore":
            rows = np.repeat(np.arange(lengths.size), lengths)
            lengths = lengths - np.bincount(rows[controls], minlength=lengths.size)
            points, starts = points[~controls], starts[~controls]
        else:
            points = np.where(controls, np.int32(policy.replacement), points)
    return lengths, points, starts


def _of_valid(texts: list[str]) -> tuple[Array, Array]:
    """Returns the code points of texts, and where each begins in the UTF-8 of its text."""
    points = np.frombuffer("".join(texts).encode("utf-32-le"), np.int32)
    widths = np.ones(points.size, np.int64)
    for limit in (0x80, 0x800, 0x10000):
        widths += points >= limit
    starts = np.cumsum(widths) - widths
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    firsts = np.cumsum(lengths) - lengths
    base = np.append(starts, 0)[np.minimum(firsts, points.size)]
    return points, starts - np.repeat(base, lengths)


def _characters(item: bytes, codec: str, errors: str) -> list[tuple[int, int]]:
    """Returns the code points of one string and where they start; -1 for what is malformed."""
    skipped = 0
    if codec in _MARKS:
        mark, codec = next((pair for pair in _MARKS[codec] if item.startswith(pair[0])), (b"", f"{codec}-be"))
        skipped = len(mark)
    result: list[tuple[int, int]] = []
    decoder = codecs.getincrementaldecoder(codec)("strict")
    start, place, size = skipped, skipped, len(item)
    while place < size:
        try:
            text = decoder.decode(item[place : place + 1], place == size - 1)
        except UnicodeDecodeError as error:
            decoder.reset()
            if codec.startswith("cp125") and error.end - error.start == 1:
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
