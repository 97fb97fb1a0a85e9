"""Operations that choose the first centres of clusters: k-means++ (Arthur and Vassilvitskii, 2007) and K-MC2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.runtime.op import op
from tideflow._src.runtime.philox import philox

_BLOCKS = 64
#: How many draws there are for each point before the next point that is no centre is taken: all others may be equal.
_MOST_DRAWS = 100


class _Draws:
    """Draws one number after another from the stream of a seed, as TensorFlow's kernels do."""

    def __init__(self, seed: int) -> None:
        self._key = np.uint64(seed & 0xFFFFFFFFFFFFFFFF)
        self._counter = 0
        self._words: list[int] = []

    def word(self) -> int:
        """Returns 32 random bits."""
        if not self._words:
            counter = np.uint64(self._counter), np.uint64(0)
            self._words = philox(np, self._key, counter, _BLOCKS).reshape(-1)[::-1].tolist()
            self._counter += _BLOCKS
        return self._words.pop()

    def fraction(self) -> Any:
        """Returns a number from 0 to 1, with 23 random bits."""
        return np.uint32(self.word() & 0x7FFFFF | 0x3F800000).view(np.float32) - np.float32(1)

    def below(self, count: int) -> int:
        """Returns an integer below ``count``."""
        if not count & (count - 1):
            return self._word64() & (count - 1)
        most = 0xFFFFFFFFFFFFFFFF
        bound = most - (most % count + 1) % count
        while True:
            drawn = self._word64()
            if drawn <= bound:
                return drawn % count

    def _word64(self) -> int:
        low = self.word()
        return low | self.word() << 32


def _scalar(value: Any, name: str) -> int:
    if value.ndim:
        raise invalid_argument(f"Input {name} should be a scalar.")
    return int(value)


@op("KMC2ChainInitialization", "distances: float, seed: int64 -> index: int64", tier="host", differentiable="missing")
def kmc2_chain_initialization_op(distances, seed):
    """Walks along candidates, and goes over to one with a probability that grows with its distance; tells the last."""
    if distances.ndim != 1:
        raise invalid_argument("Input distances should be a vector.")
    start = _scalar(seed, "seed")
    if not distances.size:
        raise invalid_argument("Expected distances_tensor.size() > 0.")
    draws = _Draws(start)
    chosen = 0
    for index in range(1, distances.size):
        if draws.fraction() * distances[chosen] < distances[index]:
            chosen = index
    return np.int64(chosen)


@op(
    "KmeansPlusPlusInitialization",
    "points: float, num_to_sample: int64, seed: int64, num_retries_per_sample: int64 -> samples: float",
    tier="host",
    differentiable="missing",
)
def kmeans_plus_plus_initialization_op(points, num_to_sample, seed, num_retries_per_sample):
    """Chooses rows of a matrix as centres: each with a probability that is its squared distance to those before it.

    Of ``1 + num_retries_per_sample`` rows that are drawn each time, that one is taken which leaves the least distances;
    a negative number stands for one that grows with the logarithm of the number of centres.
    """
    if points.ndim != 2:
        raise invalid_argument("Input points should be a matrix.")
    count, first = _scalar(num_to_sample, "num_to_sample"), _scalar(seed, "seed")
    retries = _scalar(num_retries_per_sample, "num_retries_per_sample")
    rows = len(points)
    if rows <= 0:
        raise invalid_argument("Expected points.rows() > 0.")
    if count <= 0:
        raise invalid_argument("Expected num_to_sample > 0.")
    if count > rows:
        raise invalid_argument(f"Expected num_to_sample <= points.rows(). {count} vs {rows}.")
    tries = 1 + (int(2 + math.log(count)) if retries < 0 else retries)
    draws = _Draws(first)
    norms = np.float32(0.5) * np.square(points).sum(1, dtype=np.float32)
    distances = np.full(rows, np.inf, np.float32)
    sums = distances
    chosen: list[int] = []
    for _ in range(count):
        best, best_distances, least = 0, distances, np.float32(np.inf)
        for _ in range(tries):
            index = _draw(draws, sums, chosen)
            found = np.minimum(distances, norms - points @ points[index] + norms[index])
            potential = found.sum(dtype=np.float32)
            if potential < least or tries == 1:
                best, best_distances, least = index, found, potential
        distances = best_distances
        chosen.append(best)
        sums = np.add.accumulate(distances, dtype=np.float32)
    return points[chosen]


def _draw(draws: _Draws, sums: Any, chosen: list[int]) -> int:
    rows = len(sums)
    if not chosen:
        return draws.below(rows)
    for _ in range(_MOST_DRAWS * rows):
        index = int(np.searchsorted(sums, draws.fraction() * sums[-1], "right"))
        if index not in chosen:
            return min(index, rows - 1)
    return next(index for index in range(rows) if index not in chosen)


@kmc2_chain_initialization_op.shape
def _kmc2_shape(distances, seed):
    return ()


@kmeans_plus_plus_initialization_op.shape
def _kmeans_plus_plus_shape(points, num_to_sample, seed, num_retries_per_sample):
    return (None, None)


@kmc2_chain_initialization_op.samples
def _kmc2_samples(s):
    for size, seed in ((1, 0), (2, 1), (5, -5), (30, 1 << 40), (300, 7)):
        yield s(s.positive((size,)), np.int64(seed))
    yield s(s.empty(0), np.int64(1), error="InvalidArgumentError")
    yield s(s.positive((2, 2)), np.int64(1), error="InvalidArgumentError")


@kmeans_plus_plus_initialization_op.samples
def _kmeans_plus_plus_samples(s):
    points = s.normal(20, 2)
    for count, seed, retries in ((1, 7, 0), (3, 0, 1), (3, 1, 2), (20, 5, 0), (8, 1 << 33, 4), (3, 1, -1)):
        yield s(points, np.int64(count), np.int64(seed), np.int64(retries))
    yield s(s.normal(16, 3), np.int64(2), np.int64(3), np.int64(1))
    yield s(points, np.int64(21), np.int64(1), np.int64(1), error="InvalidArgumentError")
    yield s(points, np.int64(0), np.int64(1), np.int64(1), error="InvalidArgumentError")
    yield s(s.empty(0, 2), np.int64(1), np.int64(1), np.int64(1), error="InvalidArgumentError")
