"""Training data for the training workloads: NumPy batches that a network can learn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def batches(
    size: int, shape: tuple[int, ...], label_type: type = np.int32, count: int = 16
) -> Iterator[tuple[Array, Array]]:
    """Yields (images, labels) without end, cycling through a few different batches.

    An image is noise about one of ten fixed patterns, and its label is the number of the pattern.
    """
    random = np.random.default_rng(7)
    patterns = random.random((10, *shape), np.float32)
    made = []
    for _ in range(count):
        labels: Array = random.integers(0, 10, size).astype(label_type)
        noise = random.standard_normal((size, *shape), np.float32)
        made.append((patterns[labels] + np.float32(0.1) * noise, labels))
    return cycle(made)


def weights(*shape: int) -> Array:
    """Returns initial weights: normal, scaled by the number of inputs (He et al. 2015)."""
    scale = np.sqrt(2.0 / np.prod(shape[:-1]))
    drawn: Array = np.random.default_rng(sum(shape)).standard_normal(shape) * scale
    return drawn.astype(np.float32)
