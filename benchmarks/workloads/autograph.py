"""What AutoGraph costs: the conversion, a call without tensors, and a step against one that is written out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np
from harness.workload import SteadyWorkload, Step, Target

from workloads.family import normal

CONVERSION, PLAIN, CALL = "conversion of 53 lines", "a call of Python", "the same, converted"
WRITTEN, STEP = "a step with while_loop and cond", "the same with for and if"
TURNS, ROWS, UNITS = 20, 32, 64


def large(x: Any, n: int) -> Any:
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i
        elif i % 3 == 1:
            total -= i
        else:
            continue
        if total > 1000:
            break
    values = []
    for i in range(n):
        if i % 2:
            values.append(i * x)
        else:
            values.append(-i)
    best = None
    for value in values:
        if best is None or value > best:
            best = value
    j = 0
    while j < n:
        j += 1
        if j == 7:
            continue
        if j > 20 and total > 5:
            break
        total += j if j % 2 else -j
    text = ""
    for k, value in enumerate(values):
        if k > 5:
            break
        text += str(value)
    found = False
    for a in range(5):
        for b in range(5):
            if a * b == 12:
                found = True
                break
        if found:
            break
    if not found:
        total -= 1
    if (found and total > 0) or best == 3:
        result = total + a
    else:
        result = -total
    try:
        if result > 10:
            result = result // 2
    finally:
        text = text.strip()
    if not found:
        return None
    return result, text, best


def tensorflow_program(tf: Any) -> dict[str, Step]:
    numbers = itertools.count()

    def conversion() -> Any:
        code = large.__code__
        code = code.replace(co_consts=(*code.co_consts, next(numbers)))  # equal code is not converted twice
        return tf.autograph.to_graph(FunctionType(code, large.__globals__, "large"))

    converted = tf.autograph.to_graph(large)
    x, targets = tf.constant(normal(ROWS, UNITS)), tf.constant(normal(ROWS, UNITS, seed=1))
    start = normal(UNITS, UNITS, seed=2) * np.float32(0.05)

    def training_step(turns: Any) -> Step:
        weights = tf.Variable(start)

        @tf.function
        def step() -> Any:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(turns(x, weights) - targets))
            gradient = tape.gradient(loss, weights)
            weights.assign_sub(gradient * 0.01)
            return loss

        return lambda: step().numpy()

    def written(a: Any, weights: Any) -> Any:
        def turn(i: Any, a: Any) -> Any:
            b = tf.tanh(tf.matmul(a, weights))
            return i + 1, tf.cond(tf.reduce_sum(b) > 0.0, lambda: b + x, lambda: b - x)

        return tf.while_loop(lambda i, a: i < TURNS, turn, [0, a])[1]

    def rewritten(a: Any, weights: Any) -> Any:
        for _ in tf.range(TURNS):
            a = tf.tanh(tf.matmul(a, weights))
            if tf.reduce_sum(a) > 0.0:
                a = a + x
            else:
                a = a - x
        return a

    return {
        CONVERSION: conversion,
        PLAIN: lambda: large(2, 30),
        CALL: lambda: converted(2, 30),
        WRITTEN: training_step(written),
        STEP: training_step(rewritten),
    }


def _verify(steps: Mapping[str, Step]) -> None:
    assert steps[CONVERSION]()(2, 30) == steps[PLAIN]() == steps[CALL]() == large(2, 30)
    for _ in range(3):
        np.testing.assert_allclose(steps[STEP](), steps[WRITTEN](), rtol=1e-4)


WORKLOAD = SteadyWorkload(
    name="autograph",
    title="AutoGraph",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program},
    verify=_verify,
    warm_up=3.0,
    targets={
        CONVERSION: (Target(20e-3),),
        CALL: (Target(2, "tideflow", PLAIN),),
        STEP: (Target(1.05, "tideflow", WRITTEN),),
    },
)
