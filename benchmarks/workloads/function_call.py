"""A warm call of a compiled function that adds two 2×2 matrices; the same with one captured variable."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
PLAIN, CAPTURED = "x + x", "x + variable"


def tensorflow_program(tf: Any) -> dict[str, Step]:
    x, variable = tf.constant(X), tf.Variable(X)
    plain = tf.function(lambda x: x + x)
    captured = tf.function(lambda x: x + variable)
    return {PLAIN: lambda: plain(x), CAPTURED: lambda: captured(x)}


def jax_program(jax: Any) -> dict[str, Step]:
    x = jax.numpy.array(X)
    plain = jax.jit(lambda x: x + x)
    added = jax.jit(lambda x, y: x + y)
    return {PLAIN: lambda: plain(x), CAPTURED: lambda: added(x, x)}


WORKLOAD = SteadyWorkload(
    name="function_call",
    title="warm tf.function, 2×2",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program, "jax": jax_program},
    verify=gives({PLAIN: X + X, CAPTURED: X + X}),
    targets={PLAIN: (Target(6e-6),), CAPTURED: (Target(8e-6),)},
)
