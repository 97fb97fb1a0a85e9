"""Operators and assertions on tensors give what Python gives on numbers."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf
from function.autograph.programs import check, values


def conditions(x: Any) -> Any:
    return (
        x > 0 and x < 5, x > 0 or x < -5, not x > 0, 0 < x < 5 < x * 2, 1 <= x != 3,
        not (x > 0 and not x > 5), True and x > 1, False or x > 1, x is not None and x > 2, None or x,
    )  # fmt: skip


def chosen(x: Any) -> Any:
    return 1 if x > 0 else 2, ("a" if x > 2 else "b") if x > 1 else "c", (x, 1) if x > 0 else (2, x)


@pytest.mark.parametrize("x", [-6, 0, 1, 2, 3, 4, 7])
def test_operators(x: int) -> None:
    check(conditions, x)
    expected = tf.nest.map_structure(lambda leaf: leaf.encode() if isinstance(leaf, str) else leaf, chosen(x))
    assert values(tf.function(chosen)(tf.constant(x))) == expected


def test_and_evaluates_no_more_than_it_needs() -> None:
    calls = []

    def noted(value: Any) -> Any:
        calls.append(value)
        return value

    @tf.function
    def program(x: Any) -> Any:
        return noted(False) and noted(x > 0), noted(True) or noted(x > 0)

    program(tf.constant(1))
    assert calls == [False, True]


def test_assert_holds_when_the_graph_runs() -> None:
    @tf.function
    def program(x: Any) -> Any:
        assert x > 5, "too small"
        assert isinstance(x, tf.Tensor)
        return x

    assert program(tf.constant(6)).numpy() == 6
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[too small"):
        program(tf.constant(1))

    @tf.function
    def of_python(x: Any) -> Any:
        assert x is None, "not None"
        return x

    with pytest.raises(AssertionError, match="not None"):
        of_python(tf.constant(1))
