"""A training step of a 784-128-10 network with Adam: a fresh NumPy batch of 32 in, the loss out."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.adam import adam_state, adam_step
from workloads.batches import batches, weights
from workloads.training import jax_step, session_step, torch_step

BATCH = 32
RATE = 1e-3


def tensorflow_parameters(tf: Any) -> list[Any]:
    """Makes the variables of the network: weights and biases of two layers."""
    return [
        tf.Variable(weights(784, 128)), tf.Variable(tf.zeros([128])),
        tf.Variable(weights(128, 10)), tf.Variable(tf.zeros([10])),
    ]  # fmt: skip


def tensorflow_loss(tf: Any, parameters: list[Any], images: Any, labels: Any) -> Any:
    """Computes the mean loss of a batch."""
    w1, b1, w2, b2 = parameters
    logits = tf.matmul(tf.nn.relu(tf.matmul(images, w1) + b1), w2) + b2
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def tensorflow_program(tf: Any) -> dict[str, Step]:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.int32, [None])
        loss = tensorflow_loss(tf, tensorflow_parameters(tf), images, labels)
        train = tf.train.AdamOptimizer(RATE).minimize(loss)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    return {"": session_step(session, train, loss, (images, labels), batches(BATCH, (784,)))}


def torch_program(torch: Any) -> dict[str, Step]:
    network = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    with torch.no_grad():
        network[0].weight.copy_(torch.from_numpy(weights(784, 128).T))
        network[2].weight.copy_(torch.from_numpy(weights(128, 10).T))
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    return {"": torch_step(torch, network, optimizer, batches(BATCH, (784,), np.int64))}


def jax_program(jax: Any) -> dict[str, Step]:
    jnp = jax.numpy

    def loss_of(parameters: Any, images: Any, labels: Any) -> Any:
        (w1, b1), (w2, b2) = parameters
        logits = jax.nn.relu(images @ w1 + b1) @ w2 + b2
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))

    train = adam_step(jax, loss_of, RATE)
    parameters = (
        (jnp.array(weights(784, 128)), jnp.zeros(128)),
        (jnp.array(weights(128, 10)), jnp.zeros(10)),
    )
    return {"": jax_step(train, adam_state(jax, parameters), batches(BATCH, (784,)))}


WORKLOAD = SteadyWorkload(
    name="mlp_step",
    title="MLP 784-128-10, batch 32, Adam step, fed",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=learns(),
    dialect="v1",
    warm_up=12.0,
    targets={"": (Target(0.85, "jax"),)},
)
