"""Regular expressions that mean the same to Python's ``re`` as to RE2, and take no longer there.

``google-re2`` makes a Python object of each match; ``re`` replaces all matches in C. But it tries alternatives one
after the other, which can take forever, and some of its syntax means something else. So only expressions are taken
over that are made of characters, classes, ``.``, ``^``, ``$``, ``\\b``, alternatives, groups, and repetitions of single
characters, and only for strings of ASCII that are short for the number of repetitions after which a match can still
fail, and for few ways through alternatives and optional parts: ``a?a?a?aaa`` has eight.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np

#: How long strings may be for this many repetitions, and how many ways there may be: a match takes time in proportion
#: to a power of the length, and to the ways. With these lengths the slowest search takes three times as long as RE2's,
#: and the usual one a tenth.
_LIMITS = {0: (1 << 31, 1024), 1: (64, 32), 2: (16, 32)}

_LITERAL = re.compile(r"[A-Za-z0-9 _,:;@!\"#%&'/<>=~`-]")
_REPETITION = re.compile(r"(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??")
_EDGE = r"\b"
#: What strings of ASCII do not hold.
_MARK = b"\xff"
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\f\\r "}
_CLASS_ITEM = re.compile(r"([A-Za-z0-9 _,:;@!\"#%'/<>=`.*+?(){}$])(?:-([A-Za-z0-9]))?")


class _NotPlain(Exception):
    """Says that an expression has something that is not known to mean the same."""


class PlainPattern:
    """Is an expression for Python's ``re``, for strings of ASCII without line breaks.

    Attributes:
      whole: the expression for one string.
      lines: the expression for many strings, one on each line.
      repetitions: after how many repetitions a match can still fail.
      ways: how many ways lead through alternatives and optional parts.
      may_be_empty: whether it may match nothing, where the two engines go on differently.
    """

    def __init__(self, pattern: bytes) -> None:
        try:
            text = pattern.decode("ascii")
        except UnicodeDecodeError:
            raise _NotPlain from None
        parser = _Parser(text)
        self.repetitions, self.ways = parser.repetitions, parser.ways
        form = parser.result
        self.whole: Any = re.compile(form.format(begin=r"\A", end=r"\Z", edge=_EDGE).encode())
        self.lines: Any = re.compile(form.format(begin="^", end="$", edge=_EDGE).encode(), re.MULTILINE)
        #: Matches a line that the expression matches as a whole.
        self._line = f"^(?:{form.format(begin='^', end='$', edge=_EDGE)})$"
        self.may_be_empty = re.fullmatch(form.format(begin="", end="", edge=""), "") is not None

    def suits(self, items: list[bytes]) -> bool:
        """Whether these strings can be matched so."""
        longest, most_ways = _LIMITS.get(self.repetitions, (-1, 0))
        if self.ways > most_ways or max(map(len, items), default=0) > longest:
            return False
        joined = b"".join(items)
        return joined.isascii() and b"\n" not in joined

    def replaced(self, items: list[bytes], parts: list[bytes | int], every: bool) -> list[bytes] | None:
        """Returns strings with the first or every match replaced, or None if that takes RE2.

        Args:
          items: the strings, which this pattern suits.
          parts: what to write for a match: texts, and numbers of groups.
          every: whether to replace every match.
        """
        if self.may_be_empty or any(isinstance(part, bytes) and b"\n" in part for part in parts):
            return None
        template = b"".join(
            part.replace(b"\\", rb"\\") if isinstance(part, bytes) else rb"\g<%d>" % part for part in parts
        )
        if not every:
            replace = self.whole.sub
            return [replace(template, item, 1) for item in items]
        if not items:
            return []
        joined = b"\n".join(items)
        groups = [part for part in parts if not isinstance(part, bytes)]
        if groups:
            # `re` expands a template in Python, which takes twice the time of this.
            form = b"".join(part.replace(b"%", b"%%") if isinstance(part, bytes) else b"%b" for part in parts)
            with contextlib.suppress(TypeError):  # a group that takes no part in a match is None
                return self.lines.sub(lambda match: form % match.group(*groups), joined).split(b"\n")  # type: ignore[no-any-return]
        return self.lines.sub(template, joined).split(b"\n")  # type: ignore[no-any-return]

    def full_matches(self, items: list[bytes]) -> Any:
        """Returns for each string, which this pattern suits, whether the expression matches all of it (bool)."""
        marked = re.sub(self._line.encode(), _MARK, b"\n".join(items), flags=re.MULTILINE)
        letters = np.frombuffer(marked, np.uint8)
        matched = np.zeros(len(items), bool)
        if items:
            matched[np.searchsorted(np.flatnonzero(letters == ord("\n")), np.flatnonzero(letters == _MARK[0]))] = True
        return matched


def plain_pattern(pattern: bytes) -> PlainPattern | None:
    """Returns an expression of RE2 for Python's ``re``, or None if it may mean something else there."""
    try:
        return PlainPattern(pattern)
    except (_NotPlain, re.error):
        return None


class _Parser:
    """Translates an expression; ``result`` has fields ``begin``, ``end``, ``edge`` for ``^``, ``$``, ``\\b``."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0
        self.repetitions = 0
        parts: list[str] = []
        # Of each group that is open, the ways through the alternatives before, and through this one.
        open_groups = [[0, 1]]
        while self._place < len(text):
            letter = text[self._place]
            if letter == "(":
                if text.startswith("(?:", self._place):
                    parts.append("(?:")
                    self._place += 3
                elif text.startswith("(?", self._place):
                    raise _NotPlain
                else:
                    parts.append("(")
                    self._place += 1
                open_groups.append([0, 1])
                continue
            if letter in "|^$":
                if letter == "|":
                    open_groups[-1] = [sum(open_groups[-1]), 1]
                parts.append({"|": "|", "^": "{begin}", "$": "{end}"}[letter])
                self._place += 1
                self._refuse_repetition()
                continue
            if letter == ")":
                if len(open_groups) == 1:
                    raise _NotPlain
                ways = sum(open_groups.pop())
                parts.append(")")
                self._place += 1
                if text.startswith("?", self._place):
                    ways += 1
                    parts.append("?")
                    self._place += 1
                open_groups[-1][1] *= ways
                self._refuse_repetition()
                continue
            if text.startswith("\\b", self._place):
                parts.append("{edge}")
                self._place += 2
                self._refuse_repetition()
                continue
            parts.append(self._atom())
            repetition = _REPETITION.match(text, self._place)
            if repetition:
                parts.append(repetition[0].replace("{", "{{").replace("}", "}}"))
                self._place = repetition.end()
                self._refuse_repetition()
                if repetition[0] == "?":
                    open_groups[-1][1] *= 2
                elif self._place < len(text) or len(open_groups) > 1:
                    self.repetitions += 1
        if len(open_groups) > 1:
            raise _NotPlain
        self.ways = sum(open_groups[0])
        self.result = "".join(parts)
        if self.result.startswith("{begin}") and "|" not in text:
            self.repetitions = max(self.repetitions - 1, 0)  # it is tried at one place only

    def _refuse_repetition(self) -> None:
        if self._text[self._place : self._place + 1] in ("*", "+", "?", "{"):
            raise _NotPlain

    def _atom(self) -> str:
        letter = self._text[self._place]
        self._place += 1
        if letter == ".":
            return "."
        if _LITERAL.match(letter):
            return letter
        if letter == "\\":
            return self._escape("[{}]", "[^\\n{}]")
        if letter == "[":
            return self._class()
        raise _NotPlain

    def _escape(self, form: str, inverse: str) -> str:
        letter = self._text[self._place : self._place + 1]
        self._place += 1
        if letter in _CLASSES:
            return form.format(_CLASSES[letter])
        if letter.lower() in _CLASSES and inverse:
            return inverse.format(_CLASSES[letter.lower()])
        if letter and letter.isascii() and not letter.isalnum() and letter.isprintable():
            return re.escape(letter).replace("{", "{{").replace("}", "}}")
        raise _NotPlain

    def _class(self) -> str:
        negated = self._text.startswith("^", self._place)
        self._place += negated
        parts = ["[^\\n" if negated else "["]
        start = self._place
        while not self._text.startswith("]", self._place):
            if self._text.startswith("\\", self._place):
                self._place += 1
                parts.append(self._escape("{}", ""))
                if self._text.startswith("-", self._place):
                    raise _NotPlain
                continue
            item = _CLASS_ITEM.match(self._text, self._place)
            if not item:
                raise _NotPlain
            parts.append(item[0].replace("{", "{{").replace("}", "}}"))
            self._place = item.end()
        if self._place == start:
            raise _NotPlain
        self._place += 1
        return "".join(parts) + "]"
