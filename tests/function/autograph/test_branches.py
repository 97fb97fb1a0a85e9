"""Branches over tensors give what Python gives over numbers."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import tideflow as tf
from function.autograph.programs import Pair, check


def signs(x: Any) -> Any:
    if x > 0:
        sign = 1
    elif x < 0:
        sign = -1
    else:
        sign = 0
    return sign


def returns_anywhere(x: Any) -> Any:
    if x > 0:
        if x > 10:
            return x * 100
        y = x + 1
        if y == 3:
            return y
    else:
        with contextlib.nullcontext(x) as y:
            if y < -5:
                return y
    return x - 1


def structures(x: Any) -> Any:
    if x > 0:
        pair, row, table = Pair(x, 1), [x, x * 2], {"a": x}
    else:
        pair, row, table = Pair(2, x), [x * 3, x], {"a": -x}
    return pair, row, table


def unpacks(x: Any) -> Any:
    first, *rest = x, x + 1, x + 2
    if x > 0:
        first, *rest = rest[0], x, x
    return first, rest


def annotated(x: Any) -> Any:
    y: int
    if x > 0:
        y = x
    else:
        y: int = -x  # type: ignore[no-redef]
    return y


def matched(x: Any) -> Any:
    match x:
        case 1:
            return 10
        case 2 | 3:
            return 20
        case n if n > 100:
            return n
        case _:
            return 0


def assigned_in_conditions(x: Any) -> Any:
    if (y := x * 2) > 5:
        return y
    while (z := x + 1) < 4:
        x = z
    return x


@pytest.mark.parametrize("program", [signs, returns_anywhere, structures, unpacks, annotated, matched])
@pytest.mark.parametrize("x", [-7, -1, 0, 1, 2, 3, 11, 200])
def test_branches(program: Any, x: int) -> None:
    check(program, x)


@pytest.mark.parametrize("x", [-1, 2, 7])
def test_names_that_conditions_bind(x: int) -> None:
    check(assigned_in_conditions, x)


def test_one_object_in_both_branches_stays_that_object() -> None:
    label = object()
    seen = []

    @tf.function
    def program(x: Any) -> Any:
        if x > 0:
            chosen, text = label, "a"
        else:
            chosen, text = label, "a"
        seen.append((chosen, text))
        return x

    program(tf.constant(1))
    assert seen[0][0] is label


def test_what_nothing_reads_behind_a_branch_may_differ() -> None:
    @tf.function
    def program(x: Any) -> Any:
        if x > 0:
            helper = object()
            y = x if helper else -x
        else:
            helper, y = [1, "a"], -x
        return y

    assert program(tf.constant(-3)).numpy() == 3


def test_a_local_function_of_a_branch() -> None:
    def program(x: Any) -> Any:
        if x > 0:

            def inner() -> Any:
                return x * 2

            y = inner()
        else:
            y = x
        return y

    check(program, 4)
    check(program, -4)


def test_a_function_defined_before_reads_what_a_branch_sets() -> None:
    def program(n: Any) -> Any:
        def read() -> Any:
            return value

        if n > 1:
            value = n * 2
        else:
            value = n * 3
        return read()

    for n in (1, 2):
        check(program, n)
