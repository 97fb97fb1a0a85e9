"""A step that updates a hundred variables of 32×32, each from its own gradient, and gives the loss."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np
from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.training import jax_step

COUNT, SIZE, RATE = 100, 32, 0.01


def _start() -> list[Any]:
    random = np.random.default_rng(3)
    return list(random.standard_normal((COUNT, SIZE, SIZE), np.float32))


def tensorflow_program(tf: Any) -> dict[str, Step]:
    variables = [tf.Variable(value) for value in _start()]

    @tf.function
    def train() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.add_n([tf.reduce_sum(variable * variable) for variable in variables])
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(RATE * gradient)
        return loss

    return {"": lambda: train().numpy()}


def jax_program(jax: Any) -> dict[str, Step]:
    jnp = jax.numpy

    def loss_of(parameters: Any) -> Any:
        return sum(jnp.sum(parameter * parameter) for parameter in parameters)

    def train(parameters: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        return [parameter - RATE * gradient for parameter, gradient in zip(parameters, gradients, strict=True)], loss

    jitted = jax.jit(train, donate_argnums=0)
    return {"": jax_step(jitted, [jnp.array(value) for value in _start()], repeat(()))}


WORKLOAD = SteadyWorkload(
    name="many_variables",
    title="a step that updates 100 variables of 32×32",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program, "jax": jax_program},
    verify=learns(),
    warm_up=12.0,
    targets={"": (Target(1.1, "jax"),)},
)
