"""A training step of a 784-128-10 network with Adam: a fresh NumPy batch of 32 in, the loss out."""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.adam import adam_state, adam_step
from workloads.batches import batches, weights

BATCH = 32
RATE = 1e-3


def tensorflow_program(tf: Any) -> dict[str, Step]:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 784])
        labels = tf.placeholder(tf.int32, [None])
        hidden = tf.nn.relu(tf.matmul(images, tf.Variable(weights(784, 128))) + tf.Variable(tf.zeros([128])))
        logits = tf.matmul(hidden, tf.Variable(weights(128, 10))) + tf.Variable(tf.zeros([10]))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        loss = tf.reduce_mean(losses)
        train = tf.train.AdamOptimizer(RATE).minimize(loss)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    data = batches(BATCH, (784,))

    def step() -> Any:
        image_batch, label_batch = next(data)
        return session.run([train, loss], feed_dict={images: image_batch, labels: label_batch})[1]

    return {"": step}


def torch_program(torch: Any) -> dict[str, Step]:
    network = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    with torch.no_grad():
        network[0].weight.copy_(torch.from_numpy(weights(784, 128).T))
        network[2].weight.copy_(torch.from_numpy(weights(128, 10).T))
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    data = batches(BATCH, (784,), np.int64)

    def step() -> Any:
        image_batch, label_batch = next(data)
        optimizer.zero_grad()
        logits = network(torch.from_numpy(image_batch))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(label_batch))
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"": step}


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
    state = adam_state(jax, parameters)
    data = batches(BATCH, (784,))

    def step() -> Any:
        nonlocal state
        state, loss = train(state, *next(data))
        return np.asarray(loss)

    return {"": step}


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
    warm_up=5.0,
    targets={"": (Target(0.85, "jax"),)},
)
