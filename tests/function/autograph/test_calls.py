"""Python's own functions take tensors, and functions that are given to others are converted."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import tideflow as tf
from function.autograph.programs import values


def test_functions_of_python() -> None:
    @tf.function
    def program(x: Any, flags: Any, text: Any) -> Any:
        return (
            len(x), len([1, 2]), int(x[0]), float(x[0]), int(text), float("3"), int("ff", 16), abs(-x[0]),
            max(x[0], 2.5), min(x), max([3, 4]), sum(x), sum([x[0], x[1]], 10.0), any(flags), all(flags),
            sorted(x), sorted(x, reverse=True), sorted([3, 1, 2], key=lambda item: -item),
            filter(lambda item: item > 1.0, x), list(filter(None, [0, 1])), list(map(abs, [-2, 3])),
        )  # fmt: skip

    result = program(tf.constant([3.5, 1.0, 2.0]), tf.constant([True, False]), tf.constant("7"))
    assert values(result) == (
        3, 2, 3, 3.5, 7, 3.0, 255, 3.5, 3.5, 1.0, 4, 6.5, 14.5, True, False,
        [1.0, 2.0, 3.5], [3.5, 2.0, 1.0], [3, 2, 1], [3.5, 2.0], [1], [2, 3],
    )  # fmt: skip


def test_len_of_an_unknown_number_of_rows() -> None:
    program = tf.function(lambda x: len(x), input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    assert program(tf.zeros([3, 2])).numpy() == 3


def test_print_of_a_tensor_prints_while_tracing(capsys: pytest.CaptureFixture[str]) -> None:
    @tf.function
    def program(x: Any) -> Any:
        print("hello", x)
        print(f"again {x}")
        return x

    program(tf.constant(1.0))
    program(tf.constant(2.0))
    assert capsys.readouterr().out == (
        'hello Tensor("x:0", shape=(), dtype=float32)\nagain Tensor("x:0", shape=(), dtype=float32)\n'
    )


def test_the_functions_given_to_loops_and_conditionals_are_converted() -> None:
    def doubled(value: Any) -> Any:
        if value > 1:
            return value * 10
        return value

    @tf.function
    def program(x: Any) -> Any:
        return (
            tf.cond(x > 0, lambda: doubled(x), lambda: x),
            tf.while_loop(lambda i: i < 50 and i > 0, lambda i: [doubled(i)], [x])[0],
            tf.map_fn(lambda v: v if v > 1 else -v, tf.stack([x, 1])),
            tf.scan(lambda total, v: total + v if v > 1 else total, tf.stack([x, 1, x])),
            tf.foldl(lambda total, v: total + doubled(v), tf.stack([x, 1])),
            tf.switch_case(tf.constant(1), [lambda: x, lambda: doubled(x)]),
            tf.nest.map_structure(doubled, [x, -x]),
            functools.reduce(lambda a, b: a if a > b else b, [x, x * 2]),
        )

    assert values(program(tf.constant(3))) == (30, 300, [3, -1], [3, 3, 6], 4, 30, [30, -3], 6)


class Magnitude:
    def __call__(self, x: Any) -> Any:
        if x > 0:
            return x
        return -x


def test_callables_of_any_kind_given_to_loops_and_conditionals() -> None:
    variable = tf.Variable(-3)

    def magnitude() -> Any:
        if variable > 0:
            return variable.read_value()
        return -variable

    @tf.function
    def program(x: Any) -> Any:
        return (
            tf.cond(x > 0, true_fn=magnitude, false_fn=magnitude), tf.case([(x > 0, magnitude)], default=magnitude),
            tf.switch_case(tf.constant(0), [magnitude, magnitude]), tf.switch_case(tf.constant(0), {0: magnitude}),
            tf.map_fn(Magnitude(), tf.stack([x, -x])), tf.while_loop(lambda i: i < 0, Magnitude(), [x]),
        )  # fmt: skip

    assert values(program(tf.constant(-2))) == (3, 3, 3, 3, [2, 2], [2])


def test_comprehensions_call_converted_functions() -> None:
    @tf.function
    def program(x: Any) -> Any:
        def doubled(value: Any) -> Any:
            if value > 1:
                return value * 10
            return value

        items = tf.unstack(x)
        return (
            [doubled(item) for item in items], {name: doubled(item) for name, item in zip("ab", items, strict=True)},
            sum(doubled(item) for item in items), [item if item > 1 else -item for item in items],
        )  # fmt: skip

    assert values(program(tf.constant([1, 2]))) == ([1, 20], {"a": 1, "b": 20}, 21, [-1, 2])
