"""Ragged tensors in ``tf.print`` and ``tf.strings.format``."""

from __future__ import annotations

import sys

import pytest

import tideflow as tf

NUMBERS = [[1, 2], [], [3]]
LONG = [list(range(20))] * 8
SHORT = "[0, 1, ..., 18, 19]"


@pytest.mark.parametrize(
    ("inputs", "options", "text"),
    [
        ((NUMBERS,), {}, "[[1, 2], [], [3]]"),
        (([[[1.5, 2], [3]], [], [[]]],), {}, "[[[1.500000, 2.000000], [3.000000]], [], [[]]]"),
        (([["a", "b'c"], []],), {}, "[['a', 'b\\'c'], []]"),
        (("x", NUMBERS, 7), {"sep": "|"}, "x|[[1, 2], [], [3]]|7"),
        (
            (LONG,),
            {"summarize": 2},
            f"[{', '.join(['[0, 1, ..., 18, 19]'] * 2 + ['...'] + ['[0, 1, ..., 18, 19]'] * 2)}]",
        ),
        ((LONG,), {"summarize": -1}, str(LONG)),
    ],
)
def test_printed(inputs, options, text, capfd):
    tensors = [tf.ragged.constant(item) if isinstance(item, list) else item for item in inputs]
    tf.print(*tensors, output_stream=sys.stdout, **options)
    assert capfd.readouterr().out == text + "\n"

    @tf.function
    def printed(*tensors):
        tf.print(*tensors, output_stream=sys.stdout, **options)
        return 0

    printed(*tensors)
    assert capfd.readouterr().out == text + "\n"


def test_in_structures(capfd):
    rt = tf.ragged.constant(NUMBERS)
    tf.print({"a": rt}, [rt, 1], output_stream=sys.stdout)
    assert capfd.readouterr().out == "{'a': [[1, 2], [], [3]]} [[[1, 2], [], [3]], 1]\n"


def test_formatted():
    rt = tf.ragged.constant(NUMBERS)
    assert tf.strings.format("{}", rt).numpy() == b"[[1, 2], [], [3]]"
    assert tf.strings.format("a {} b {}.", (rt, tf.constant([1, 2]))).numpy() == b"a [[1, 2], [], [3]] b [1 2]."
    uniform = tf.ragged.constant([[[1, 2], [3, 4]], []], ragged_rank=1)
    assert tf.strings.format("%", uniform, placeholder="%").numpy() == b"[[[1, 2], [3, 4]], []]"
    with pytest.raises(ValueError, match="num placeholders in template and num inputs must match: 2 vs 1"):
        tf.strings.format("{} {}", rt)
