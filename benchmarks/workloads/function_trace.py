"""Tracing a function of 2,000 operations, and the first call of a small one, each in a fresh process."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

import numpy as np
from harness.workload import ColdWorkload, Target

OPERATIONS = 2_000
TRACE, FIRST = f"trace of {OPERATIONS:,} operations", "first call of a small one"
X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def tensorflow_program(tf: Any) -> dict[str, float]:
    small = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x) + x))
    start = perf_counter()
    answer = small(tf.constant(X)).numpy()
    first = perf_counter() - start
    np.testing.assert_allclose(answer, (X @ X + X).sum())

    @tf.function
    def large(x: Any) -> Any:
        for _ in range(OPERATIONS // 4):
            x = tf.tanh(tf.reshape(x * x + x, [2, 2]))
        return x

    start = perf_counter()
    concrete = large.get_concrete_function(tf.TensorSpec([2, 2], tf.float32))
    seconds = perf_counter() - start
    assert len(concrete.graph.get_operations()) > OPERATIONS
    return {TRACE: seconds, FIRST: first}


def tideflow_program(tf: Any) -> dict[str, float]:
    seconds = tensorflow_program(tf)
    assert "jax" not in sys.modules, "tracing a function or its first call loaded jax"
    return seconds


WORKLOAD = ColdWorkload(
    name="function_trace",
    title="tf.function",
    programs={"tideflow": tideflow_program, "tensorflow": tensorflow_program},
    targets={TRACE: (Target(0.25, "tensorflow"),), FIRST: (Target(10e-3),)},
)
