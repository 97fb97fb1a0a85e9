"""Regular expressions as TensorFlow has them, where they differ from Python's."""

from __future__ import annotations

import pytest

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.strings.regex import Regex


def replaced(pattern, text, rewrite=b"x"):
    return Regex(pattern.encode()).replaced([text.encode()], rewrite, True)[0].decode()


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a$", "a\n", "a\n"),
        (r"\s", "a\v\t", "a\vx"),
        ("(?U)a+", "aa", "xx"),
        ("(?U)a+?", "aa", "x"),
        ("x*", "abxd", "xaxbxdx"),
        ("|b", "ab", "xaxbx"),
        ("a{,2}", "a{,2}", "x"),
        (r"\pN+", "\u0661\u0662a", "xa"),
        (r"\p{^Greek}", "\u03b1b", "\u03b1x"),
        (r"[[:^digit:]-]", "1-a", "1xx"),
        (r"\Q.*\E", "a.*", "ax"),
        ("a(?i)b(?-i)c", "aBcaBC", "xaBC"),
        (r"\101\x42\x{43}", "ABC", "x"),
        (r"\w", "\u00e4_", "\u00e4x"),
        (r"(?i)\x{e4}", "\u00c4", "x"),
    ],
)
def test_differences(pattern, text, expected):
    assert replaced(pattern, text) == expected


@pytest.mark.parametrize(
    "pattern",
    ["[", "(", ")", "(?=a)", "(?<=a)", r"(a)\1", "a**", "a++", "a{2}{3}", "*", "a{1001}", "(a{100}){100}", "[b-a]"]
    + [r"\Z", r"\8", "(?z)a", "\\", "[[:foo:]]", r"\p{Foo}", r"\pZz(", "(?P=n)", r"\xg", "(?i", "a|*", "(" * 500],
)
def test_bad_patterns(pattern):
    with pytest.raises(InvalidArgumentError, match="Invalid pattern"):
        Regex(pattern.encode())


def test_a_pattern_that_is_no_utf8():
    with pytest.raises(InvalidArgumentError, match="invalid UTF-8"):
        Regex(b"\xff")


def test_a_byte_that_is_no_utf8_matches_nothing():
    assert Regex(b"[^a]|.").replaced([b"a\xffb"], b"x", True) == [b"x\xffx"]
    assert Regex(b"a.b").full_matches([b"a\xffb", "a\u00e4b".encode()]).tolist() == [False, True]


def test_a_malformed_rewrite_is_written_up_to_its_mistake():
    assert replaced("b", "abc", rb"x\q") == "axc"
    assert Regex(b"b").replaced([b"abc"], rb"x\q", False) == [b"abc"]
    assert replaced("b", "abc", rb"\1") == "abc"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [  # TensorFlow 2.21
        (rb"\C", "ä", b"xx"),
        (rb"\B", "aä", b"a\xc3x\xa4x"),
        (rb"a\C", "aä", b"x\xa4"),
        (rb"\b", "aäb", b"xax\xc3\xa4xbx"),
        (b"", "aä", b"xax\xc3\xa4x"),
        (rb"\B", "äöa", b"x\xc3\xa4x\xc3\xb6a"),
    ],
)
def test_matches_within_a_character(pattern, text, expected):
    assert Regex(pattern).replaced([text.encode()], b"x", True) == [expected]


@pytest.mark.parametrize("pattern", [b"(a+)+$", b"(a|aa)+$", b"(a*)*b", b"(.*)(.*)(.*)(.*)(.*)[^a]$"])
def test_no_pattern_takes_exponential_time(pattern):
    text = b"a" * 5000 + b"c"
    assert Regex(pattern).full_matches([text[:-1] + b"!c"]) == [pattern.startswith(b"(.*)")]
    assert len(Regex(pattern).replaced([text], b"x", True)) == 1
