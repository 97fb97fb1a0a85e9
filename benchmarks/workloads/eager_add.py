"""Eager ``x + x`` of a 2×2 tensor: what dispatching one operation costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def tensorflow_program(tf: Any) -> dict[str, Step]:
    x = tf.constant(X)
    return {"": lambda: x + x}


def torch_program(torch: Any) -> dict[str, Step]:
    x = torch.tensor(X)
    return {"": lambda: x + x}


def jax_program(jax: Any) -> dict[str, Step]:
    x = jax.numpy.array(X)
    return {"": lambda: x + x}


WORKLOAD = SteadyWorkload(
    name="eager_add",
    title="eager x + x, 2×2",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=gives({"": X + X}),
    targets={"": (Target(1, "torch"),)},
)
