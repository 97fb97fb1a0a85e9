"""The training step of `mlp_step` as a custom loop of TensorFlow 2: tape and optimizer in a ``tf.function``."""

from __future__ import annotations

from typing import Any

from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.batches import batches, weights
from workloads.mlp_step import BATCH, RATE, jax_program


def tensorflow_program(tf: Any) -> dict[str, Step]:
    w1, b1 = tf.Variable(weights(784, 128)), tf.Variable(tf.zeros([128]))
    w2, b2 = tf.Variable(weights(128, 10)), tf.Variable(tf.zeros([10]))
    optimizer = tf.compat.v1.train.AdamOptimizer(RATE)

    @tf.function
    def train(images: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(tf.matmul(images, w1) + b1)
            logits = tf.matmul(hidden, w2) + b2
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(losses)
        parameters = [w1, b1, w2, b2]
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
    warm_up=5.0,
    targets={"": (Target(0.85, "jax"),)},
)
