"""``tf.strings.regex_full_match`` and ``tf.strings.regex_replace``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.strings.elements import array_of, items_of, scalar_string, shown
from tideflow._src.ops.strings.regex_syntax import BadPattern, Translator
from tideflow._src.runtime.op import op

_FEW = 4
_REFERENCE = re.compile(rb"\\([0-9])")


class Regex:
    """Is a regular expression of RE2.

    Args:
      pattern: the expression, in UTF-8.

    Raises:
      InvalidArgumentError: it is none.
    """

    def __init__(self, pattern: bytes) -> None:
        self._compiled: dict[tuple[bool, bool], re.Pattern[str]] = {}
        try:
            self._pattern = pattern.decode()
            translated = Translator(self._pattern)
            self.groups, self._may_be_empty = translated.groups, translated.may_be_empty
            self._form()
        except UnicodeDecodeError:
            raise invalid_argument(f"Invalid pattern: {shown(pattern)}, error: invalid UTF-8") from None
        except BadPattern as error:
            raise invalid_argument(f"Invalid pattern: {self._pattern}, error: {error}") from None
        except (re.error, OverflowError, RecursionError) as error:
            raise invalid_argument(f"Invalid pattern: {self._pattern}, error: pattern too large: {error}") from None

    def _form(self, by_line: bool = False, any_bytes: bool = False) -> re.Pattern[str]:
        """Returns the compiled pattern for one kind of text."""
        found = self._compiled.get((by_line, any_bytes))
        if found is None:
            found = re.compile(Translator(self._pattern, by_line, any_bytes).text)
            self._compiled[by_line, any_bytes] = found
        return found

    def full_matches(self, items: list[bytes]) -> list[bool]:
        """Returns for each string whether the expression matches all of it."""
        texts, any_bytes = _texts(items)
        match = self._form(any_bytes=any_bytes).fullmatch
        return [match(text) is not None for text in texts]

    def replaced(self, items: list[bytes], rewrite: bytes, every: bool) -> list[bytes]:
        """Returns the strings with the first or every match replaced."""
        template, highest, good = _template(rewrite)
        if highest > self.groups or not (every or good):
            return items
        if every and not self._may_be_empty and len(items) > _FEW and b"\n" not in rewrite:
            joined = b"\n".join(items)
            if joined.count(b"\n") == len(items) - 1:
                (text,), any_bytes = _texts([joined])
                result = self._form(True, any_bytes).sub(template, text)
                return result.encode("utf-8", "surrogateescape").split(b"\n")
        texts, any_bytes = _texts(items)
        form = self._form(any_bytes=any_bytes)
        if every and self._may_be_empty:
            results = [_all_replaced(form, template, text) for text in texts]
        else:
            results = [form.sub(template, text, 0 if every else 1) for text in texts]
        return [result.encode("utf-8", "surrogateescape") for result in results]


def _texts(items: list[bytes]) -> tuple[list[str], bool]:
    """Returns strings as text, and whether surrogates stand for bytes that are no UTF-8."""
    try:
        return list(map(bytes.decode, items)), False
    except UnicodeDecodeError:
        return [item.decode("utf-8", "surrogateescape") for item in items], True


def _template(rewrite: bytes) -> tuple[str, int, bool]:
    """Returns a rewrite as Python's template, the highest group it names, and whether it is well-formed.

    RE2 writes a malformed one up to the backslash that it does not understand.
    """
    highest = max((int(number) for number in _REFERENCE.findall(rewrite.replace(b"\\\\", b""))), default=0)
    parts: list[str] = []
    pieces = rewrite.decode("utf-8", "surrogateescape").split("\\")
    parts.append(pieces[0])
    rest = iter(pieces[1:])
    for piece in rest:
        if piece[:1] in "0123456789" and piece:
            parts.append(f"\\g<{piece[0]}>{piece[1:]}")
        elif not piece and (following := next(rest, None)) is not None:
            parts.append("\\\\" + following)
        else:
            return "".join(parts), highest, False
    return "".join(parts), highest, True


def _all_replaced(form: re.Pattern[str], template: str, text: str) -> str:
    """Replaces every match as RE2 does: no empty one where the match before it ended."""
    parts: list[str] = []
    place, end_of_last = 0, -1
    while place <= len(text):
        match = form.search(text, place)
        if match is None:
            break
        parts.append(text[place : match.start()])
        if match.end() == end_of_last:
            parts.append(text[end_of_last : end_of_last + 1])
            place = end_of_last + 1
            continue
        parts.append(match.expand(template))
        place = end_of_last = match.end()
    parts.append(text[place:])
    return "".join(parts)


_regex = lru_cache(maxsize=256)(Regex)


def _matched(value: Any, pattern: bytes) -> Any:
    return np.array(_regex(pattern).full_matches(items_of(value)), bool).reshape(np.shape(value))


def _replaced(value: Any, pattern: bytes, rewrite: bytes, every: bool) -> Any:
    return array_of(_regex(pattern).replaced(items_of(value), rewrite, every), np.shape(value))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@op("RegexFullMatch", "input: string, pattern: string -> output: bool", tier="host", differentiable="missing")
def regex_full_match_op(input, pattern):
    """Tells which strings a regular expression matches as a whole."""
    return _matched(input, scalar_string(pattern, "Pattern"))


@op("StaticRegexFullMatch", "input: string -> output: bool", tier="host", differentiable="missing")
def static_regex_full_match_op(input, *, pattern: str):
    """Tells which strings a regular expression, given as an attribute, matches as a whole."""
    return _matched(input, _encoded(pattern))


@op(
    "RegexReplace",
    "input: string, pattern: string, rewrite: string -> output: string",
    tier="host",
    differentiable=False,
)
def regex_replace_op(input, pattern, rewrite, *, replace_global: bool = True):
    """Replaces what a regular expression matches."""
    return _replaced(input, scalar_string(pattern, "Pattern"), scalar_string(rewrite, "Rewrite"), replace_global)


@op("StaticRegexReplace", "input: string -> output: string", tier="host", differentiable="missing")
def static_regex_replace_op(input, *, pattern: str, rewrite: str, replace_global: bool = True):
    """Replaces what a regular expression, given as an attribute, matches."""
    return _replaced(input, _encoded(pattern), _encoded(rewrite), replace_global)


@regex_full_match_op.shape
def _regex_full_match_shape(input, pattern):
    with_rank(pattern, 0)
    return input


@regex_replace_op.shape
def _regex_replace_shape(input, pattern, rewrite):
    with_rank(pattern, 0)
    with_rank(rewrite, 0)
    return input


@static_regex_full_match_op.shape
@static_regex_replace_op.shape
def _static_shape(input):
    return input


_PATTERNS = [
    *(
        "a.?",
        "[^a]",
        "(b)(c)?",
        "(?i)B",
        r"\s",
        r"[[:space:]]+",
        r"[[:^alpha:]]",
        "(?U)a+",
        r"\d+|\w",
        "b$",
        "^a",
        r"\bb",
    ),
    *("x*", "|b", "", "(?m)^", "(?s).+", ".", r"\pL", r"\p{Greek}+", r"\PL", r"\Q.\E", r"[\W\d]", "a{2}", "a{,2}"),
    *(r"\x{e4}", r"\Bb", "(?:a|b)*?", "[]a-]", r"[^\n]", "a|ab", "(?i:A)b", r"\z", r"\n", "(a*)*", r"(.*?)b", "a(?i)B"),
]
_BAD_PATTERNS = ["[", "(", ")", "(?=a)", r"(a)\1", "a**", "a++", "*", "a{1001}", "[b-a]", r"\Z", r"\8", "(?z)a", "\\"]


def _lines(newlines: bool) -> Any:
    words = [b"abxd", b"aab", b"", "h\u00e4\u03b1\u03b2".encode(), b"a\xffb", b"a.b 12_c", b"Ab", b"{,2} ab"]
    if newlines:
        words += [b"a\nb", b"a\n", b"\v\t b"]
    return array_of(words, (len(words),))


@regex_full_match_op.samples
@regex_replace_op.samples
@static_regex_full_match_op.samples
@static_regex_replace_op.samples
def _regex_samples(s):
    static = "pattern" in s.definition.attributes
    replaces = "replace_global" in s.definition.attributes

    def call(value: Any, pattern: bytes, rewrite: bytes = rb"<\0>", **options: Any) -> Any:
        if static:
            texts = {"pattern": pattern.decode(), "rewrite": rewrite.decode("utf-8", "surrogateescape")}
            return s(value, **(texts if replaces else {"pattern": texts["pattern"]}), **options)
        return s(value, pattern, *([rewrite] if replaces else []), **options)

    for pattern in _PATTERNS:
        for newlines in (False, True):
            yield call(_lines(newlines), pattern.encode())
    for pattern in _BAD_PATTERNS:
        yield call(_lines(False), pattern.encode(), error="InvalidArgumentError")
    yield call(b"abab", b"(ab){2}")
    yield call(np.empty((0, 2), object), b"a")
    if replaces:
        rewrites = [rb"\1\\", rb"\2", rb"\9", b"x\\", rb"x\q", b"", b"\n", b"1\\0g<1>"]
        for rewrite in rewrites if static else [*rewrites, b"\xff"]:
            yield call(_lines(True), b"(b)(c)?", rewrite)
            yield call(_lines(False), b"(b)(c)?", rewrite)
            yield call(_lines(False), b"(b)(c)?", rewrite, replace_global=False)
        yield call(_lines(False), b"x*", b"-", replace_global=False)
    if not static:
        yield s(b"a", array_of([b"a"], (1,)), *([b"x"] if replaces else []), error="InvalidArgumentError")


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Any:
    """Tells which strings a regular expression matches as a whole.

    Args:
      input: strings of any shape.
      pattern: the expression, in the syntax of RE2.
      name: the name of the operation.

    Returns:
      A tensor of booleans of the shape of ``input``.

    Raises:
      InvalidArgumentError: the pattern is no regular expression.
    """
    if isinstance(pattern, str | bytes):
        return static_regex_full_match_op(input, pattern=pattern, name=name)
    return regex_full_match_op(input, pattern, name=name)


def regex_replace(input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None) -> Any:
    r"""Replaces what a regular expression matches.

    Args:
      input: strings of any shape.
      pattern: the expression, in the syntax of RE2.
      rewrite: what to put there; ``\0`` stands for the match, ``\1`` to ``\9`` for its groups.
      replace_global: whether to replace every match, or the first one only.
      name: the name of the operation.

    Returns:
      A string tensor of the shape of ``input``.

    Raises:
      InvalidArgumentError: the pattern is no regular expression.
    """
    if isinstance(pattern, str | bytes) and isinstance(rewrite, str | bytes):
        return static_regex_replace_op(
            input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return regex_replace_op(input, pattern, rewrite, replace_global=replace_global, name=name)
