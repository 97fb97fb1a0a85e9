"""Checks how patterns of RE2 become those of Python, where the two differ."""

from __future__ import annotations

import re

import pytest

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.strings.regex import Regex
from tideflow._src.ops.strings.regex_syntax import BadPattern, Translator, unicode_class


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
    with pytest.raises(BadPattern):
        Translator(pattern)
    with pytest.raises(InvalidArgumentError, match="Invalid pattern"):
        Regex(pattern.encode())


def test_a_pattern_that_is_no_utf8():
    with pytest.raises(InvalidArgumentError, match="invalid UTF-8"):
        Regex(b"\xff")


@pytest.mark.parametrize(
    "pattern", ["a", "[^a]", r"\s", r"\D+", "^b", "b$", ".", r"\Ab", r"b\z", r"\bb", "(?s).", "\n"]
)
def test_many_lines_at_once_are_as_one_by_one(pattern):
    items = [b"abc", b"b", b"", b"a b", b"\xc3\xa4b", b"b b", b"1a2", b"\xffb", b" "]
    regex = Regex(pattern.encode())
    each = [regex.replaced([item], rb"<\0>", True)[0] for item in items]
    assert regex.replaced(items, rb"<\0>", True) == each
    assert each == [regex.replaced([item, b"\n"], rb"<\0>", True)[0] for item in items]


def test_a_byte_that_is_no_utf8_matches_nothing():
    assert Regex(b"[^a]|.").replaced([b"a\xffb"], b"x", True) == [b"x\xffx"]
    assert Regex(b"a.b").full_matches([b"a\xffb", "a\u00e4b".encode()]) == [False, True]


def test_a_malformed_rewrite_is_written_up_to_its_mistake():
    assert replaced("b", "abc", rb"x\q") == "axc"
    assert Regex(b"b").replaced([b"abc"], rb"x\q", False) == [b"abc"]
    assert replaced("b", "abc", rb"\1") == "abc"


def test_groups_are_counted():
    translated = Translator("(a)(?:b)(?P<n>c|)(?i)")
    assert translated.groups == 2
    assert not translated.may_be_empty
    assert re.fullmatch(translated.text, "abc")


def test_unicode_classes():
    assert unicode_class("Nope") is None
    assert unicode_class("Lx") is None
    assert (0x3B1, 0x3C9) in [(max(low, 0x3B1), min(high, 0x3C9)) for low, high in unicode_class("Greek")]
    assert unicode_class("Zs")[0] == (32, 32)
