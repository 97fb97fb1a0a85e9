"""Arrays: rows gathered and scattered, dimensions permuted, a table of unique values."""

from __future__ import annotations

from typing import Any

from workloads.family import Case, family, integers, normal

ROWS = 50_000


def scatter(torch: Any, indices: Any, updates: Any) -> Any:
    return torch.zeros(ROWS, 64).index_add_(0, indices[:, 0], updates)


WORKLOAD = family(
    "array_family",
    "arrays",
    (
        Case(
            "gather of 100,000 rows of 64",
            lambda: [normal(ROWS, 64), integers(ROWS, 100_000)],
            lambda tf, x, rows: tf.gather(x, rows),
            lambda torch, x, rows: x[rows],
        ),
        Case(
            "scatter_nd of 100,000 rows of 64",
            lambda: [integers(ROWS, 100_000, 1), normal(100_000, 64)],
            lambda tf, indices, updates: tf.scatter_nd(indices, updates, [ROWS, 64]),
            scatter,
        ),
        Case(
            "transpose of 64×56×56×64 to channels first",
            lambda: [normal(64, 56, 56, 64)],
            lambda tf, x: tf.transpose(x, [0, 3, 1, 2]),
            lambda torch, x: x.permute(0, 3, 1, 2).contiguous(),
        ),
        Case(
            "unique of 1 M",
            lambda: [integers(1000, 1_000_000)],
            lambda tf, x: tf.unique(x)[1],
            lambda torch, x: torch.unique(x, return_inverse=True)[1],
        ),
    ),
)
