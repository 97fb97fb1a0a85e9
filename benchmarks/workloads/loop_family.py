"""Loops: a training step of a recurrent network, a scan, a mapped function; sequences aligned by CTC."""

from __future__ import annotations

from typing import Any

import numpy as np

from workloads.family import Array, Case, family, integers, normal

BATCH, STEPS, UNITS = 64, 28, 128
FRAMES, LABELS, CLASSES = 100, 20, 50


def recurrent_inputs() -> list[Array]:
    return [normal(STEPS, BATCH, UNITS), normal(2 * UNITS, 4 * UNITS) * 0.05]


def recurrent(tf: Any, x: Any, weights: Any) -> Any:
    """An LSTM over the time steps, and the gradient of its last output's sum with respect to the weights."""
    zeros = tf.zeros([BATCH, UNITS])

    def step(state: Any, row: Any) -> Any:
        h, c = state
        i, j, f, o = tf.split(tf.matmul(tf.concat([row, h], 1), weights), 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(j)
        return tf.sigmoid(o) * tf.tanh(c), c

    h, _ = tf.foldl(step, x, (zeros, zeros))
    return tf.gradients(tf.reduce_sum(h), [weights])


def torch_recurrent(torch: Any, x: Any, weights: Any) -> Any:
    weights = weights.requires_grad_()
    h = c = torch.zeros(BATCH, UNITS)
    for row in x:
        i, j, f, o = (torch.cat([row, h], 1) @ weights).split(UNITS, 1)
        c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(j)
        h = torch.sigmoid(o) * torch.tanh(c)
    return torch.autograd.grad(h.sum(), [weights])


def sequences() -> list[Array]:
    return [normal(FRAMES, 32, CLASSES), 1 + integers(CLASSES - 1, 32, LABELS), np.full(32, LABELS, np.int32)]


def ctc(tf: Any, logits: Any, labels: Any, lengths: Any) -> Any:
    return tf.nn.ctc_loss(labels, logits, lengths, tf.fill([32], FRAMES), blank_index=0)


def torch_ctc(torch: Any, logits: Any, labels: Any, lengths: Any) -> Any:
    frames = torch.full((32,), FRAMES, dtype=torch.int32)
    return torch.nn.functional.ctc_loss(
        torch.log_softmax(logits, 2), labels, frames, lengths, blank=0, reduction="none"
    )


WORKLOAD = family(
    "loop_family",
    "loops",
    (
        Case("LSTM step, 28×64×128", recurrent_inputs, recurrent, torch_recurrent, eager=False),
        Case(
            "map_fn over 1,000 rows",
            lambda: [normal(1000, 100)],
            lambda tf, x: tf.map_fn(lambda row: row * tf.reduce_sum(row), x),
            eager=False,
        ),
        Case("ctc_loss, 100×32×50", sequences, ctc, torch_ctc),
    ),
)
