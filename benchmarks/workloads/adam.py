"""Adam for JAX, which has no optimizers of its own: Kingma and Ba's algorithm, with TensorFlow's defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def adam_step(jax: Any, loss_of: Callable[[Any, Any, Any], Any], rate: float) -> Callable[[Any, Any, Any], Any]:
    """Returns a jitted step from (state, images, labels) to (state, loss); the state's buffers are donated.

    Args:
      jax: The module.
      loss_of: The loss, from (parameters, images, labels).
      rate: The learning rate.
    """
    jnp = jax.numpy
    first_decay, second_decay, epsilon = 0.9, 0.999, 1e-8

    def step(state: Any, images: Any, labels: Any) -> Any:
        parameters, first, second, count = state
        loss, gradients = jax.value_and_grad(loss_of)(parameters, images, labels)
        count = count + 1
        corrected = rate * jnp.sqrt(1 - second_decay**count) / (1 - first_decay**count)
        first = jax.tree.map(lambda m, g: first_decay * m + (1 - first_decay) * g, first, gradients)
        second = jax.tree.map(lambda v, g: second_decay * v + (1 - second_decay) * g * g, second, gradients)
        parameters = jax.tree.map(
            lambda p, m, v: p - corrected * m / (jnp.sqrt(v) + epsilon), parameters, first, second
        )
        return (parameters, first, second, count), loss

    jitted: Callable[[Any, Any, Any], Any] = jax.jit(step, donate_argnums=0)
    return jitted


def adam_state(jax: Any, parameters: Any) -> Any:
    """Returns the state that a step starts from: parameters, both moments, and the count."""
    jnp = jax.numpy

    def zeros() -> Any:
        return jax.tree.map(jnp.zeros_like, parameters)

    return parameters, zeros(), zeros(), jnp.zeros((), jnp.float32)
