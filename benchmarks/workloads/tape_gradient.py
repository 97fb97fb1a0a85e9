"""The eager gradient of ``sum(x*x + x)``, x 2×2: forward and backward, nothing compiled by the user."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import gives
from harness.workload import SteadyWorkload, Step, Target

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def tensorflow_program(tf: Any) -> dict[str, Step]:
    x = tf.constant(X)

    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x * x + x)
        return tape.gradient(y, x)

    return {"": step}


def torch_program(torch: Any) -> dict[str, Step]:
    x = torch.tensor(X, requires_grad=True)
    return {"": lambda: torch.autograd.grad((x * x + x).sum(), x)[0]}


def jax_program(jax: Any) -> dict[str, Step]:
    x = jax.numpy.array(X)
    gradient = jax.grad(lambda x: (x * x + x).sum())
    return {"": lambda: gradient(x)}


WORKLOAD = SteadyWorkload(
    name="tape_gradient",
    title="tape gradient of sum(x*x + x), 2×2",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=gives({"": 2 * X + 1}),
    targets={"": (Target(0.9, "torch"),)},
)
