"""Eager matmul, reduce_sum, concat and ``x[0]`` of 2×2 tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def tensorflow_program(tf: Any) -> dict[str, Step]:
    x = tf.constant(X)
    return {
        "matmul": lambda: tf.matmul(x, x),
        "reduce_sum": lambda: tf.reduce_sum(x),
        "concat": lambda: tf.concat([x, x], 0),
        "x[0]": lambda: x[0],
    }


def torch_program(torch: Any) -> dict[str, Step]:
    x = torch.tensor(X)
    return {
        "matmul": lambda: torch.matmul(x, x),
        "reduce_sum": lambda: torch.sum(x),
        "concat": lambda: torch.cat([x, x], 0),
        "x[0]": lambda: x[0],
    }


def jax_program(jax: Any) -> dict[str, Step]:
    jnp = jax.numpy
    x = jnp.array(X)
    return {
        "matmul": lambda: jnp.matmul(x, x),
        "reduce_sum": lambda: jnp.sum(x),
        "concat": lambda: jnp.concatenate([x, x], 0),
        "x[0]": lambda: x[0],
    }


WORKLOAD = SteadyWorkload(
    name="eager_ops",
    title="eager, 2×2",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=gives({"matmul": X @ X, "reduce_sum": X.sum(), "concat": np.concatenate([X, X]), "x[0]": X[0]}),
    targets={metric: (Target(1.5, "torch"),) for metric in ("matmul", "reduce_sum", "concat", "x[0]")},
)
