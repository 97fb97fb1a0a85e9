"""The training step of `mlp_step` as a custom loop of TensorFlow 2: tape and optimizer in a ``tf.function``."""

from __future__ import annotations

from typing import Any

from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.batches import batches
from workloads.mlp_step import BATCH, RATE, jax_program, tensorflow_loss, tensorflow_parameters


def tensorflow_program(tf: Any) -> dict[str, Step]:
    parameters = tensorflow_parameters(tf)
    optimizer = tf.compat.v1.train.AdamOptimizer(RATE)

    @tf.function
    def train(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tensorflow_loss(tf, parameters, images, labels)
        optimizer.apply_gradients(zip(tape.gradient(loss, parameters), parameters, strict=True))
        return loss

    data = batches(BATCH, (784,))

    def step() -> Any:
        images, labels = next(data)
        return train(images, labels).numpy()

    return {"": step}


WORKLOAD = SteadyWorkload(
    name="mlp_function",
    title="MLP 784-128-10, batch 32, Adam step in tf.function, a NumPy batch in",
    programs={"tideflow": tensorflow_program, "tensorflow": tensorflow_program, "jax": jax_program},
    verify=learns(),
    warm_up=12.0,
    targets={"": (Target(0.85, "jax"),)},
)
