"""``tf.strings.regex_full_match`` and ``tf.strings.regex_replace``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.strings.elements import array_of, items_of, scalar_string, shown
from tideflow._src.ops.strings.plain_patterns import plain_pattern
from tideflow._src.runtime.op import op

_REFERENCE = re.compile(rb"\\([0-9])")


class Regex:
    """Is a regular expression of RE2, by RE2 itself: a match takes time in proportion to the text.

    Args:
      pattern: the expression, in UTF-8.

    Raises:
      InvalidArgumentError: it is none.
    """

    def __init__(self, pattern: bytes) -> None:
        import re2  # lazy: most programs have no patterns

        options = re2.Options()
        options.log_errors = False
        try:
            self._form = re2.compile(pattern, options)
        except re2.error as error:
            message = error.args[0].decode(errors="replace") if error.args else "unknown"
            raise invalid_argument(f"Invalid pattern: {shown(pattern)}, error: {message}") from None
        self._plain = plain_pattern(pattern)

    def full_matches(self, items: list[bytes]) -> Any:
        """Returns for each string whether the expression matches all of it, as an array of booleans."""
        if self._plain is not None and self._plain.suits(items):
            return self._plain.full_matches(items)
        match = self._form.fullmatch
        return np.array([match(item) is not None for item in items], bool)

    def replaced(self, items: list[bytes], rewrite: bytes, every: bool) -> list[bytes]:
        """Returns the strings with the first or every match replaced."""
        parts, highest, good = _template(rewrite)
        if highest > self._form.groups or not (every or good):
            return items
        if self._plain is not None and self._plain.suits(items):
            found = self._plain.replaced(items, parts, every)
            if found is not None:
                return found
        replaced = _all_replaced if every else _first_replaced
        return [replaced(self._form, parts, item) for item in items]


def _template(rewrite: bytes) -> tuple[list[bytes | int], int, bool]:
    """Returns a rewrite as texts and numbers of groups, the highest group, and whether it is well-formed.

    RE2 writes a malformed one up to the backslash that it does not understand.
    """
    highest = max((int(number) for number in _REFERENCE.findall(rewrite.replace(b"\\\\", b""))), default=0)
    parts: list[bytes | int] = []
    pieces = rewrite.split(b"\\")
    parts.append(pieces[0])
    rest = iter(pieces[1:])
    for piece in rest:
        if piece[:1].isdigit():
            parts += [int(piece[:1]), piece[1:]]
        elif not piece and (following := next(rest, None)) is not None:
            parts.append(b"\\" + following)
        else:
            return parts, highest, False
    return parts, highest, True


def _written(parts: list[bytes | int], match: Any) -> bytes:
    """Returns what a rewrite puts in the place of a match."""
    return b"".join(part if isinstance(part, bytes) else match.group(part) or b"" for part in parts)


def _first_replaced(form: Any, parts: list[bytes | int], text: bytes) -> bytes:
    match = form.search(text)
    return text if match is None else text[: match.start()] + _written(parts, match) + text[match.end() :]


def _all_replaced(form: Any, parts: list[bytes | int], text: bytes) -> bytes:
    """Replaces every match as RE2 does: no empty one where the match before it ended."""
    results: list[bytes] = []
    place, end_of_last = 0, -1
    while place <= len(text):
        match = form.search(text, place)
        if match is None:
            break
        start, end = match.span()
        results.append(text[place:start])
        if start == end == end_of_last:
            size = _character_size(text, end)
            results.append(text[end : end + size])
            place = end + size
            continue
        results.append(_written(parts, match))
        place = end_of_last = end
    results.append(text[place:])
    return b"".join(results)


def _character_size(text: bytes, place: int) -> int:
    """Returns the bytes of the character at a place; one where there is no whole character of UTF-8."""
    lead = text[place : place + 1]
    size = 1 if lead < b"\xc2" else 2 if lead < b"\xe0" else 3 if lead < b"\xf0" else 4
    if size > 1:
        try:
            text[place : place + size].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return 1
    return size


_regex = lru_cache(maxsize=256)(Regex)


def _matched(value: Any, pattern: bytes) -> Any:
    return _regex(pattern).full_matches(items_of(value)).reshape(np.shape(value))


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
