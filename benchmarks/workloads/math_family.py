"""Math: cumulative sums, segment sums, special functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from workloads.family import Case, family, integers, normal

SEGMENTS = 10_000


def unsorted_sum(torch: Any, data: Any, segments: Any) -> Any:
    return torch.zeros(SEGMENTS, data.shape[1]).index_add_(0, segments, data)


WORKLOAD = family(
    "math_family",
    "math",
    (
        Case(
            "cumsum of 1024×1024",
            lambda: [normal(1024, 1024)],
            lambda tf, x: tf.cumsum(x, 1),
            lambda torch, x: torch.cumsum(x, 1),
        ),
        Case(
            "unsorted_segment_sum of 100,000×16",
            lambda: [normal(100_000, 16), integers(SEGMENTS, 100_000)],
            lambda tf, x, segments: tf.math.unsorted_segment_sum(x, segments, SEGMENTS),
            unsorted_sum,
        ),
        Case(
            "lgamma of 1 M",
            lambda: [np.abs(normal(1_000_000)) + 0.5],
            lambda tf, x: tf.math.lgamma(x),
            lambda torch, x: torch.lgamma(x),
        ),
        Case(
            "top_k of 1 M",
            lambda: [normal(1_000_000)],
            lambda tf, x: tf.math.top_k(x, 100).values,
            lambda torch, x: torch.topk(x, 100).values,
        ),
    ),
)
