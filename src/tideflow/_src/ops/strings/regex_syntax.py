"""Translates regular expressions in the syntax of RE2 into those of Python's ``re``.

The two agree on which match is found (the leftmost one, of those the first in the order of the alternatives), but not
on everything that is written alike: ``$`` matches at the end only, ``\\s`` has no vertical tab, ``.`` does not match a
byte that is no UTF-8. So every part is written anew, in a form that does not depend on flags. Text is matched as a
``str`` in which such bytes are surrogates.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import groupby
from typing import NamedTuple

_LAST = 0x10FFFF
_MOST_REPEATS = 1000
_ESCAPED = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_DIGIT = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_PERL = {"d": _DIGIT, "s": ((9, 10), (12, 13), (32, 32)), "w": _WORD}
_POSIX = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": _DIGIT,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
_REPETITION = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_NAME = re.compile(r"\(\?P<\w+>")
_FLAGS = re.compile(r"\(\?([imsU]*)(?:-([imsU]+))?([:)])")
_HEXADECIMAL = re.compile(r"x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,8})\})")
#: One digit alone, other than zero, would refer to a group, which RE2 cannot.
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_DEEPEST = 100
#: Surrogates stand for bytes that are no UTF-8, which no class matches.
_BYTES = (0xD800, 0xDFFF)

Ranges = tuple[tuple[int, int], ...]


class BadPattern(ValueError):
    """Says what is wrong with a pattern, in RE2's words."""


class _Piece(NamedTuple):
    """Is a part of a pattern in Python's syntax.

    Attributes:
      text: the part; one that a repetition may follow.
      may_be_empty: whether it may match the empty string.
      weight: how often its innermost part is repeated by counted repetitions.
    """

    text: str
    may_be_empty: bool
    weight: int = 1


class Translator:
    """Translates one pattern.

    Args:
      pattern: the pattern in the syntax of RE2.
      by_line: whether the text is many lines, each of which is to be matched by itself, and none of which holds a
        newline.
      any_bytes: whether the text may hold bytes that are no UTF-8, as surrogates.

    Attributes:
      text: the pattern in Python's syntax.
      groups: how many groups it captures.
      may_be_empty: whether it may match the empty string.

    Raises:
      BadPattern: RE2 would not take it.
    """

    def __init__(self, pattern: str, by_line: bool = False, any_bytes: bool = False) -> None:
        self._pattern = pattern
        self._place = 0
        self._by_line = by_line
        self._never: Ranges = (*(((10, 10),) if by_line else ()), *((_BYTES,) if any_bytes else ()))
        self.groups = 0
        piece = self._alternatives("", 0)
        if self._place < len(pattern):
            raise BadPattern(f"unexpected ): {pattern}")
        self.text, self.may_be_empty = piece.text, piece.may_be_empty

    def _next_is(self, text: str) -> bool:
        return self._pattern.startswith(text, self._place)

    def _alternatives(self, flags: str, depth: int) -> _Piece:
        """Reads up to the end of the pattern, or to a closing parenthesis."""
        if depth > _DEEPEST:
            raise BadPattern(f"expression nests too deeply: {self._pattern}")
        branches: list[list[_Piece]] = [[]]
        repeated = ""
        while self._place < len(self._pattern) and not self._next_is(")"):
            pieces = branches[-1]
            start = self._place
            repetition = self._repetition(flags)
            if repetition is not None:
                written = self._pattern[start : self._place]
                if repeated:
                    raise BadPattern(f"bad repetition operator: {repeated}{written}")
                if not pieces:
                    raise BadPattern(f"no argument for repetition operator: {written}")
                repeated = written
                pieces.append(_repeated(pieces.pop(), *repetition, written))
                continue
            repeated = ""
            if self._next_is("|"):
                self._place += 1
                branches.append([])
            elif self._next_is("("):
                inside = self._flags_or_group(flags)
                if inside is None:
                    opening, inside = "(", flags
                    self.groups += 1
                elif inside.endswith(")"):
                    flags = inside[:-1]
                    if pieces:  # a repetition that follows is one of what stands before the flags
                        last = pieces.pop()
                        pieces.append(last._replace(text=f"(?:{last.text})"))
                    continue
                else:
                    opening, inside = "(?:", inside[:-1]
                piece = self._alternatives(inside, depth + 1)
                if not self._next_is(")"):
                    raise BadPattern(f"missing ): {self._pattern}")
                self._place += 1
                pieces.append(_Piece(f"{opening}{piece.text})", piece.may_be_empty, piece.weight))
            elif self._next_is("\\Q"):
                end = self._pattern.find("\\E", self._place)
                quoted = self._pattern[self._place + 2 : end if end >= 0 else None]
                self._place = end + 2 if end >= 0 else len(self._pattern)
                pieces += [self._literal(ord(letter), flags) for letter in quoted]
            else:
                pieces.append(self._atom(flags))
        return _Piece(
            "|".join("".join(piece.text for piece in pieces) for pieces in branches),
            any(all(piece.may_be_empty for piece in pieces) for pieces in branches),
            max((piece.weight for pieces in branches for piece in pieces), default=1),
        )

    def _repetition(self, flags: str) -> tuple[str, int, int] | None:
        """Reads a repetition, if there is one: what it is in Python, and the least and greatest count."""
        letter = self._pattern[self._place]
        if letter in "*+?":
            self._place += 1
            text, least, most = letter, int(letter == "+"), 1
        elif found := _REPETITION.match(self._pattern, self._place):
            least = int(found[1]) if len(found[1]) < 6 else _MOST_REPEATS + 1
            most = least if not found[2] else int(found[3][:6]) if found[3] else least
            if max(least, most) > _MOST_REPEATS or most < least:
                raise BadPattern(f"invalid repetition size: {found[0]}")
            self._place = found.end()
            text = found[0]
        else:
            return None
        lazy = self._next_is("?")
        self._place += lazy
        return text + "?" * (lazy != ("U" in flags)), least, most

    def _flags_or_group(self, flags: str) -> str | None:
        """Reads what opens a group: None for one that captures, else the new flags and ``:``, or ``)`` if no group."""
        start = self._place
        self._place += 1
        if not self._next_is("?"):
            return None
        if found := _NAME.match(self._pattern, start):
            self._place = found.end()
            return None
        found = _FLAGS.match(self._pattern, start)
        if found is None:
            raise BadPattern(f"invalid perl operator: {self._pattern[start : start + 3]}")
        self._place = found.end()
        kept = {*flags, *found[1]} - {*(found[2] or "")}
        return "".join(sorted(kept)) + found[3]

    def _atom(self, flags: str) -> _Piece:
        """Reads a character, a class, or a place."""
        letter = self._pattern[self._place]
        self._place += 1
        if letter == ".":
            return self._class(() if "s" in flags else ((10, 10),), True, flags)
        if letter == "^":
            return _Piece("(?m:^)" if "m" in flags or self._by_line else "(?:\\A)", True)
        if letter == "$":
            return _Piece("(?m:$)" if "m" in flags or self._by_line else "(?:\\Z)", True)
        if letter == "[":
            ranges, negated = self._bracket()
            return self._class(ranges, negated, flags)
        if letter != "\\":
            return self._literal(ord(letter), flags)
        if self._place >= len(self._pattern):
            raise BadPattern(f"trailing \\: {self._pattern}")
        escaped = self._pattern[self._place]
        if escaped in "AzbBC":
            self._place += 1
            if escaped == "C":
                raise BadPattern("\\C, which matches a single byte, is not supported")
            if escaped in "Az":
                line, whole = ("(?m:^)", "(?:\\A)") if escaped == "A" else ("(?m:$)", "(?:\\Z)")
                return _Piece(line if self._by_line else whole, True)
            # Python's \B does not match in an empty string.
            return _Piece("(?a:\\b)" if escaped == "b" else "(?a:\\B|\\A\\Z)", True)
        shorthand = self._shorthand()
        if shorthand is not None:
            return self._class(*shorthand, flags)
        return self._literal(self._escape(), flags)

    def _literal(self, point: int, flags: str) -> _Piece:
        if any(first <= point <= last for first, last in self._never):
            return _Piece("(?!)", False)
        text = re.escape(chr(point))
        return _Piece(f"(?i:{text})" if "i" in flags else text, False)

    def _class(self, ranges: Ranges, negated: bool, flags: str) -> _Piece:
        if negated:
            if ranges == ((10, 10),) and self._never in ((), ((10, 10),)):
                return _Piece(".", False)
            ranges = (*ranges, *self._never)
            if not ranges:
                return _Piece("(?s:.)", False)
        else:
            for never in self._never:
                ranges = _without(ranges, *never)
            if not ranges:
                return _Piece("(?!)", False)
        inside = "".join(
            re.escape(chr(first)) + ("" if first == last else f"-{re.escape(chr(last))}") for first, last in ranges
        )
        text = f"[{'^' * negated}{inside}]"
        return _Piece(f"(?i:{text})" if "i" in flags else text, False)

    def _bracket(self) -> tuple[Ranges, bool]:
        """Reads a class in brackets, whose opening one has been read."""
        pattern, start = self._pattern, self._place - 1
        negated = self._next_is("^")
        self._place += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self._next_is("]"):
            first = False
            if self._place >= len(pattern):
                raise BadPattern(f"missing ]: {pattern[start:]}")
            if self._next_is("[:") and (end := pattern.find(":]", self._place + 2)) >= 0:
                written = pattern[self._place : end + 2]
                name = written[2:-2]
                found = _POSIX.get(name.removeprefix("^"))
                if found is None:
                    raise BadPattern(f"invalid character class range: {written}")
                self._place = end + 2
                ranges += _complement(found) if name.startswith("^") else found
                continue
            if self._next_is("\\"):
                if self._place + 1 >= len(pattern):
                    raise BadPattern(f"missing ]: {pattern[start:]}")
                shorthand = self._shorthand(self._place + 1)
                if shorthand is not None:
                    ranges += _complement(shorthand[0]) if shorthand[1] else shorthand[0]
                    continue
            begin = self._place
            low = high = self._point()
            if self._next_is("-") and self._place + 1 < len(pattern) and pattern[self._place + 1] != "]":
                self._place += 1
                high = self._point()
                if high < low:
                    raise BadPattern(f"invalid character class range: {pattern[begin : self._place]}")
            ranges.append((low, high))
        self._place += 1
        return tuple(ranges), negated

    def _point(self) -> int:
        """Reads a character in brackets."""
        letter = self._pattern[self._place]
        self._place += 1
        if letter != "\\":
            return ord(letter)
        if self._place >= len(self._pattern):
            raise BadPattern(f"trailing \\: {self._pattern}")
        return self._escape()

    def _shorthand(self, place: int | None = None) -> tuple[Ranges, bool] | None:
        """Reads the letter and name of a class such as ``\\d`` or ``\\p{Greek}``, after the backslash, if it is one."""
        pattern = self._pattern
        place = self._place if place is None else place
        letter = pattern[place]
        if letter.lower() in _PERL:
            self._place = place + 1
            return _PERL[letter.lower()], letter.isupper()
        if letter not in "pP":
            return None
        name = pattern[place + 1 : place + 2]
        end = place + 2
        if name == "{":
            end = pattern.find("}", place) + 1
            name = pattern[place + 2 : end - 1]
        found = unicode_class(name.removeprefix("^"))
        if not end or found is None:
            raise BadPattern(f"invalid character class range: {pattern[place - 1 : end or None]}")
        self._place = end
        return found, (letter == "P") != name.startswith("^")

    def _escape(self) -> int:
        """Reads what follows a backslash and stands for one character."""
        pattern, start = self._pattern, self._place
        letter = pattern[start]
        self._place += 1
        if letter in _ESCAPED:
            return _ESCAPED[letter]
        if found := _HEXADECIMAL.match(pattern, start):
            point = int(found[1] or found[2], 16)
            if point <= _LAST:
                self._place = found.end()
                return point
        elif found := _OCTAL.match(pattern, start):
            self._place = found.end()
            return int(found[0], 8)
        elif letter.isascii() and not letter.isalnum():
            return ord(letter)
        raise BadPattern(f"invalid escape sequence: {pattern[start - 1 : start + 1]}")


def _repeated(piece: _Piece, repetition: str, least: int, most: int, written: str) -> _Piece:
    weight = piece.weight * max(most, 1)
    if weight > _MOST_REPEATS:
        raise BadPattern(f"invalid repetition size: {written}")
    return _Piece(piece.text + repetition, piece.may_be_empty or least == 0, weight)


def _without(ranges: Ranges, low: int, high: int) -> Ranges:
    """Returns what is left of ranges without those from ``low`` to ``high``."""
    left: list[tuple[int, int]] = []
    for first, last in ranges:
        left += [pair for pair in ((first, min(last, low - 1)), (max(first, high + 1), last)) if pair[0] <= pair[1]]
    return tuple(left)


def _complement(ranges: Ranges) -> Ranges:
    left: Ranges = ((0, _LAST),)
    for low, high in ranges:
        left = _without(left, low, high)
    return left


def unicode_class(name: str) -> Ranges | None:
    """Returns the characters of a general category such as ``Lu``, or of a script such as ``Greek``."""
    if name == "Any":
        return ((0, _LAST),)
    from tideflow._src.ops.strings.scripts import script_numbers, script_ranges  # holds a large table

    if name in script_numbers():
        return tuple(script_ranges(script_numbers()[name]))
    categories = _categories()
    if len(name) == 2:
        return categories.get(name)
    found = [
        pair for category, ranges in categories.items() if len(name) == 1 and category[0] == name for pair in ranges
    ]
    return tuple(sorted(found)) or None


@cache
def _categories() -> dict[str, Ranges]:
    """Returns the characters of each general category of Unicode."""
    found: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for category, run in groupby(map(unicodedata.category, map(chr, range(_LAST + 1)))):
        count = sum(1 for _ in run)
        if category != "Cn":
            found.setdefault(category, []).append((start, start + count - 1))
        start += count
    return {category: tuple(ranges) for category, ranges in found.items()}
