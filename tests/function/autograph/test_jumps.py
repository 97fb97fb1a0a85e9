"""Functions whose jumps have become flags do, step by step, what they did."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import tideflow as tf


def try_with_else(log: list[Any], x: int) -> Any:
    for i in range(4):
        try:
            log.append(("body", i))
            if i == x:
                continue
            if i == x + 1:
                break
            if i == x + 3:
                return "returned"
            if i == x + 2:
                raise ValueError(i)
        except ValueError as error:
            log.append(str(error))
            if x < 0:
                return "handled"
        else:
            log.append(("else", i))
            if x == 7:
                return "else"
        finally:
            log.append(("finally", i))
    else:
        log.append("loop ended")
    return log


def nested_finally(log: list[Any], x: int) -> Any:
    try:
        try:
            if x > 0:
                return x
            log.append("after")
        finally:
            log.append("inner")
            if x > 2:
                log.append("more")
    finally:
        log.append("outer")
    return -x


def suppressed(log: list[Any], x: int) -> Any:
    with contextlib.suppress(KeyError):
        if x > 0:
            return {1: "one"}[x]
        log.append("within")
    log.append("behind")
    return x


def loops_in_loops(log: list[Any], x: int) -> Any:
    count = 0
    while count < 6:
        count += 1
        for i in range(5):
            if i == x:
                break
            if (i + count) % 2:
                continue
            log.append((count, i))
            if count * i == 12:
                return "found"
        else:
            log.append("whole")
            continue
        if count == x + 2:
            break
        log.append("cut")
    else:
        return "ended"
    return count


def while_with_a_name(log: list[Any], x: int) -> Any:
    items = list(range(5))
    while items and (item := items.pop()) != x:
        if item == 3:
            continue
        log.append(item)
        if item == 0:
            return "all"
    else:
        log.append("else")
    return items


def returns_nothing(log: list[Any], x: int) -> Any:
    for i in range(3):
        if i == x:
            return
        log.append(i)
    if x > 5:
        return None


def statements_that_raise(log: list[Any], x: int) -> Any:
    if x > 3:
        raise KeyError(x)
    if x > 1:
        log.append("big")
    else:
        return x
    log.append("end")
    return log


def matches(log: list[Any], x: int) -> Any:
    for item in [x, (x, 1), "text", None]:
        match item:
            case int(n) if n > 2:
                log.append(n)
                continue
            case (a, 1):
                log.append(a)
                if a == 1:
                    break
            case "text" | "other":
                log.append("text")
            case _:
                return item
    return "end"


def defaults(log: list[Any], x: int) -> Any:
    def noted(value: Any) -> Any:
        log.append(value)
        return value

    def inner(a: Any = noted(x), *, b: Any = noted(-x)) -> Any:  # noqa: B008 (that is what is tested)
        return a if a > b else b

    return inner()


@pytest.mark.parametrize("x", [-2, -1, 0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize(
    "program",
    [
        try_with_else, nested_finally, suppressed, loops_in_loops, while_with_a_name, returns_nothing,
        statements_that_raise, matches, defaults,
    ],
)  # fmt: skip
def test_what_happens_and_in_which_order(program: Any, x: int) -> None:
    def run(function: Any) -> Any:
        log: list[Any] = []
        try:
            return function(log, x), log
        except KeyError as error:
            return repr(error), log

    assert run(tf.autograph.to_graph(program)) == run(program)


def test_a_jump_out_of_a_try_over_tensors() -> None:
    @tf.function
    def program(x: Any) -> Any:
        count = 0
        for i in tf.range(5):
            try:
                if i == x:
                    continue
            finally:
                count += 100
            count += 1
        return count

    assert program(tf.constant(3)).numpy() == 504
