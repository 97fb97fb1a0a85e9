"""Regular expressions that Python's ``re`` matches give what RE2 gives."""

from __future__ import annotations

import random

import pytest

import tideflow as tf
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.strings.plain_patterns import plain_pattern
from tideflow._src.ops.strings.regex import Regex

ATOMS = [
    *(
        "a",
        "b",
        "ab",
        ".",
        "[ab]",
        "[^a]",
        r"\w",
        r"\d",
        r"\s",
        r"\W",
        r"\S",
        r"\D",
        "x",
        " ",
        "-",
        r"\.",
        "[a-c1-3]",
        r"[\w-]",
    ),
    *(r"[^\s]", r"\b", "^", "$", "(a|b)", "(a)", "(?:ab|a)", "(b+)", "(a?)b", "{", "}", "[.]", "[{}]", r"\{", "a|b"),
]
REPETITIONS = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?", "??"]


@pytest.mark.parametrize("seed", range(4))
def test_both_engines_agree(seed: int) -> None:
    rng = random.Random(seed)
    plain = 0
    for _ in range(400):
        pattern = "".join(rng.choice(ATOMS) + rng.choice(REPETITIONS) for _ in range(rng.randrange(1, 5))).encode()
        try:
            form = Regex(pattern)
        except InvalidArgumentError:
            continue
        if form._plain is None:
            continue
        plain += 1
        items = ["".join(rng.choices("aabbx1 -.{_\t", k=rng.randrange(9))).encode() for _ in range(5)]
        rewrite = rng.choice([b"-", b"", rb"\0\0", rb"a\\b", rb"<\1>", rb"%\1%d\0"])
        with_re = [form.replaced(items, rewrite, every) for every in (True, False)], form.full_matches(items).tolist()
        form._plain = None
        with_re2 = [form.replaced(items, rewrite, every) for every in (True, False)], form.full_matches(items).tolist()
        assert with_re == with_re2, (pattern, items, rewrite)
    assert plain > 100


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"\pL", r"[[:alpha:]]", r"(?i)a", r"\Qa\E", "ä", r"(?P<n>a)", r"a**", r"[]a]", r"\z", "a\n"]
)
def test_what_may_mean_something_else_is_left_to_re2(pattern: str) -> None:
    assert plain_pattern(pattern.encode()) is None


def test_long_strings_and_line_breaks_are_left_to_re2() -> None:
    pattern = plain_pattern(rb"a*a*b")
    assert pattern is not None
    assert pattern.suits([b"aab"])
    assert not pattern.suits([b"a" * 25])
    anchored = plain_pattern(rb"^(\w+) ")
    assert anchored is not None
    assert anchored.suits([b"a" * 5000])
    assert not pattern.suits([b"a\nb"])
    assert not pattern.suits(["ä".encode()])
    assert tf.strings.regex_replace(["a" * 5000 + "c"], "a*a*b", "x").numpy()[0] == b"a" * 5000 + b"c"


def test_replacing_many_strings_at_once() -> None:
    words = ["banana", "", "x a x", "\ta"]
    assert tf.strings.regex_replace(words, "[an]+", "<\\0>").numpy().tolist() == [
        b"b<anana>",
        b"",
        b"x <a> x",
        b"\t<a>",
    ]
    assert tf.strings.regex_replace(words, "a", "\\\\", replace_global=False).numpy().tolist()[0] == b"b\\nana"
    assert tf.strings.regex_replace(words, "^(.)a", r"\1\1").numpy().tolist() == [b"bbnana", b"", b"x a x", b"\t\t"]
    assert tf.strings.regex_replace([], "a", "b").numpy().tolist() == []
    assert tf.strings.regex_replace(["aba"], "a", "\n").numpy().tolist() == [b"\nb\n"]


@pytest.mark.parametrize("part", ["a?", "(a|a)", "(a)?", "(?:a|(b|a))"])
def test_many_ways_to_match_take_no_time(part: str) -> None:
    pattern = (part * 30 + "a" * 30 + "[bd]").encode()
    text = b"a" * 40 + b"c"
    assert Regex(pattern).full_matches([text]) == [False]
    assert Regex(pattern).replaced([text], b"-", True) == [text]


def test_a_choice_of_many_words_is_plain() -> None:
    pattern = plain_pattern(b"\\b(?:" + b"|".join(b"w%d" % number for number in range(150)) + b")\\b")
    assert pattern is not None
    assert pattern.ways == 150
    assert pattern.suits([b"w7 w149 w150"])
