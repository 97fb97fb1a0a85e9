"""Random numbers: normal, uniform, gamma, and a shuffle."""

from __future__ import annotations

import numpy as np

from workloads.family import Array, Case, family


def nothing() -> list[Array]:
    return []


WORKLOAD = family(
    "random_family",
    "random",
    (
        Case(
            "normal, 1 M",
            nothing,
            lambda tf: tf.random.normal([1_000_000], seed=1),
            lambda torch: torch.randn(1_000_000),
        ),
        Case(
            "uniform, 1 M",
            nothing,
            lambda tf: tf.random.uniform([1_000_000], seed=1),
            lambda torch: torch.rand(1_000_000),
        ),
        Case(
            "gamma, 100,000",
            lambda: [np.full(100_000, 2.5, np.float32)],
            lambda tf, alpha: tf.random.gamma([], alpha, seed=1),
            lambda torch, alpha: torch._standard_gamma(alpha),
        ),
        Case(
            "shuffle of 1 M",
            lambda: [np.arange(1_000_000, dtype=np.int32)],
            lambda tf, x: tf.random.shuffle(x, seed=1),
            lambda torch, x: x[torch.randperm(len(x))],
        ),
    ),
)
