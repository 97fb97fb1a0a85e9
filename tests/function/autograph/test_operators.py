"""Converted functions have gradients, and run in functions, in sessions and eagerly."""

from __future__ import annotations

from typing import Any

import numpy as np

import tideflow as tf
from function.autograph.programs import values


def polynomial(x: Any) -> Any:
    y = x
    for _ in tf.range(3):
        if y > 1.5:
            y = y * x * 2.0
        else:
            y = y + x
    return y


def test_gradients_inside_and_outside() -> None:
    def expected(x: float) -> tuple[float, float]:
        with tf.GradientTape() as tape:
            point = tf.constant(x)
            tape.watch(point)
            y = point
            for _ in range(3):
                y = y * point * 2.0 if y.numpy() > 1.5 else y + point
        return float(y), float(tape.gradient(y, point))

    @tf.function
    def inside(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = polynomial(x)
        return y, tape.gradient(y, x)

    for x in (0.25, 1.0, 2.0):
        assert values(inside(tf.constant(x))) == expected(x)
        with tf.GradientTape() as tape:
            point = tf.constant(x)
            tape.watch(point)
            y = tf.function(polynomial)(point)
        assert (float(y), float(tape.gradient(y, point))) == expected(x)


def test_a_session_runs_what_to_graph_builds() -> None:
    def program(x: Any) -> Any:
        if x > 0:
            y = x * 2
        else:
            y = -x
        while y < 100:
            y *= 3
        return y

    with tf.compat.v1.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.int32, [])
        y = tf.compat.v1.autograph.to_graph(program)(x)
        with tf.compat.v1.Session() as session:
            assert [session.run(y, {x: value}) for value in (3, -5)] == [program(3), program(-5)]


def test_functions_that_run_eagerly_run_as_they_are() -> None:
    tf.config.run_functions_eagerly(True)
    try:
        seen = []

        @tf.function
        def program(x: Any) -> Any:
            if x > 0:
                seen.append(x.numpy())
            return x

        program(tf.constant(3))
        assert seen == [3]
    finally:
        tf.config.run_functions_eagerly(False)


def test_both_tiers_agree() -> None:
    def program(x: Any) -> Any:
        total = 0.0
        for item in x:
            if item > 0.0:
                total += item
            elif item < -2.0:
                break
        return total

    x = tf.constant([1.0, -1.0, 2.5, -3.0, 8.0])
    assert tf.function(program)(x).numpy() == np.float32(3.5)
    assert tf.function(program, jit_compile=True)(x).numpy() == np.float32(3.5)
