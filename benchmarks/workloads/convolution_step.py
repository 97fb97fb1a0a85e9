"""A training step of a small convolutional network with Adam: a fresh NumPy batch of 64 in, the loss out.

28×28×1, convolution 3×3×32, pool, convolution 3×3×64, pool, 128, 10; every peer in its own image layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from harness.verification import learns
from harness.workload import SteadyWorkload, Step, Target

from workloads.adam import adam_state, adam_step
from workloads.batches import batches, weights
from workloads.training import jax_step, session_step, torch_step

BATCH = 64
RATE = 1e-3


def tensorflow_program(tf: Any) -> dict[str, Step]:
    def convolve_and_pool(x: Any, channels: int, filters: int) -> Any:
        kernel = tf.Variable(weights(3, 3, channels, filters))
        x = tf.nn.conv2d(x, kernel, strides=[1, 1, 1, 1], padding="SAME")
        x = tf.nn.relu(tf.nn.bias_add(x, tf.Variable(tf.zeros([filters]))))
        return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, 28, 28, 1])
        labels = tf.placeholder(tf.int32, [None])
        x = convolve_and_pool(convolve_and_pool(images, 1, 32), 32, 64)
        x = tf.reshape(x, [-1, 7 * 7 * 64])
        x = tf.nn.relu(tf.matmul(x, tf.Variable(weights(7 * 7 * 64, 128))) + tf.Variable(tf.zeros([128])))
        logits = tf.matmul(x, tf.Variable(weights(128, 10))) + tf.Variable(tf.zeros([10]))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        loss = tf.reduce_mean(losses)
        train = tf.train.AdamOptimizer(RATE).minimize(loss)
        initialize = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initialize)
    return {"": session_step(session, train, loss, (images, labels), batches(BATCH, (28, 28, 1)))}


def torch_program(torch: Any) -> dict[str, Step]:
    nn = torch.nn
    network = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(7 * 7 * 64, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    return {"": torch_step(torch, network, optimizer, batches(BATCH, (1, 28, 28), np.int64))}


def jax_program(jax: Any) -> dict[str, Step]:
    jnp, lax = jax.numpy, jax.lax

    def convolve_and_pool(x: Any, kernel: Any, bias: Any) -> Any:
        x = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")

    def loss_of(parameters: Any, images: Any, labels: Any) -> Any:
        (k1, c1), (k2, c2), (w1, b1), (w2, b2) = parameters
        x = convolve_and_pool(convolve_and_pool(images, k1, c1), k2, c2)
        x = jax.nn.relu(x.reshape(-1, 7 * 7 * 64) @ w1 + b1)
        logits = x @ w2 + b2
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))

    train = adam_step(jax, loss_of, RATE)
    shapes = ((3, 3, 1, 32), (3, 3, 32, 64), (7 * 7 * 64, 128), (128, 10))
    parameters = tuple((jnp.array(weights(*shape)), jnp.zeros(shape[-1])) for shape in shapes)
    return {"": jax_step(train, adam_state(jax, parameters), batches(BATCH, (28, 28, 1)))}


WORKLOAD = SteadyWorkload(
    name="convolution_step",
    title="convolutional step, batch 64, Adam, fed",
    programs={
        "tideflow": tensorflow_program,
        "tensorflow": tensorflow_program,
        "torch": torch_program,
        "jax": jax_program,
    },
    verify=learns(60),
    dialect="v1",
    targets={"": (Target(1.35, "tensorflow"),)},
)
