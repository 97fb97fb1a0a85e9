"""Linear algebra: one large matrix, and many small ones."""

from __future__ import annotations

import numpy as np

from workloads.family import Array, Case, family, normal


def definite(*shape: int) -> Array:
    """Returns symmetric positive definite matrices."""
    x = normal(*shape)
    return np.asarray(x @ np.swapaxes(x, -1, -2) / shape[-1] + np.eye(shape[-1]), np.float32)


WORKLOAD = family(
    "linalg_family",
    "linear algebra",
    (
        Case(
            "cholesky of 1000×1000",
            lambda: [definite(1000, 1000)],
            lambda tf, x: tf.linalg.cholesky(x),
            lambda torch, x: torch.linalg.cholesky(x),
        ),
        Case(
            "solve of 1000×1000",
            lambda: [definite(1000, 1000), normal(1000, 10)],
            lambda tf, x, y: tf.linalg.solve(x, y),
            lambda torch, x, y: torch.linalg.solve(x, y),
        ),
        Case(
            "svd of 200×200",
            lambda: [normal(200, 200)],
            lambda tf, x: tf.linalg.svd(x, compute_uv=True)[0],
            lambda torch, x: torch.linalg.svd(x)[1],
        ),
        Case(
            "inv of 512 32×32",
            lambda: [definite(512, 32, 32)],
            lambda tf, x: tf.linalg.inv(x),
            lambda torch, x: torch.linalg.inv(x),
        ),
    ),
)
