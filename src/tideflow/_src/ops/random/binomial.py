"""Binomial random numbers, as TensorFlow's CPU kernels draw them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.random.direct_sampling import unit_from_words
from tideflow._src.ops.random.output_shape import dimensions, known_dimensions, require_vector
from tideflow._src.ops.random.rejection_sampling import Buffer, Streams
from tideflow._src.ops.random.stateful_ops import numpy_type
from tideflow._src.ops.random.stateless_ops import key_counter
from tideflow._src.runtime.op import op

COUNT_TYPES = ("half", "float", "double", "int32", "int64")
_FEW = 10.0
#: How far apart the streams of numbers lie where few successes are expected.
_BLOCKS_OF_FEW = 42
_TAILS = np.array(
    [
        0.0810614667953272,
        0.0413406959554092,
        0.0276779256849983,
        0.02079067210376509,
        0.0166446911898211,
        0.0138761288230707,
        0.0118967099458917,
        0.0104112652619720,
        0.00925546218271273,
        0.00833056343336287,
    ]
)


def binomial(key: Any, counter: Any, counts: Any, probs: Any, num_samples: int, dtype: Any) -> NDArray[Any]:
    """Draws from binomial distributions, with NumPy.

    Where few successes are expected, geometric numbers are added up until they exceed the count; elsewhere candidates
    are transformed and rejected (Hörmann: "The generation of binomial random variates", 1993).

    Args:
      key: the key.
      counter: the counter of the first block.
      counts: how many trials, of a shape that broadcasts with ``probs``.
      probs: the probability of success of each.
      num_samples: how many numbers to draw from each distribution.
      dtype: the dtype of the result.

    Returns:
      Numbers of that dtype, shape ``[num_samples, number of distributions]``; NaN where a parameter is NaN.
    """
    counts, probs = np.broadcast_arrays(counts, probs)
    trials = np.repeat(counts.reshape(-1).astype(np.float64), num_samples)
    chances = np.repeat(probs.reshape(-1).astype(np.float64), num_samples)
    uniforms = Buffer(Streams(key, counter, trials.size), trials.size, unit_from_words)
    short = Buffer(Streams(key, counter, trials.size, _BLOCKS_OF_FEW), trials.size, unit_from_words)
    values = np.full(trials.size, np.nan)
    values[(trials <= 0) | (chances <= 0)] = 0
    certain = (trials > 0) & (chances >= 1)
    values[certain] = trials[certain]
    open_ = (trials > 0) & (chances > 0) & (chances < 1) & np.isfinite(trials)
    swapped = chances > 0.5
    rare = np.where(swapped, 1 - chances, chances)
    few = trials * rare < _FEW
    _by_inversion(short, trials, rare, values, np.flatnonzero(open_ & few))
    _by_rejection(uniforms, trials, rare, values, np.flatnonzero(open_ & ~few))
    turned = open_ & swapped
    values[turned] = trials[turned] - values[turned]
    return values.astype(dtype).reshape(counts.size, num_samples).T


def _by_inversion(uniforms: Buffer, trials: Any, chances: Any, values: Any, active: NDArray[Any]) -> None:
    """Counts how many geometric numbers fit into the trials."""
    values[active] = 0
    used = np.zeros(trials.size)
    while active.size:
        used[active] += np.ceil(np.log(uniforms.take(active)) / np.log1p(-chances[active]))
        active = active[~(used[active] > trials[active])]
        values[active] += 1


def _tail(number: NDArray[Any]) -> NDArray[Any]:
    """Computes what Stirling's approximation of log(n!) lacks."""
    square = (number + 1) * (number + 1)
    series = (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (number + 1)
    return np.where(number <= 9, _TAILS[np.clip(number, 0, 9).astype(np.int64)], series)


def _by_rejection(uniforms: Buffer, trials: Any, chances: Any, values: Any, active: NDArray[Any]) -> None:
    """Fills in the numbers where many successes are expected. The names of the constants are Hörmann's."""
    while active.size:
        n, p = trials[active], chances[active]
        deviation = np.sqrt(n * p * (1 - p))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        r = p / (1 - p)
        alpha = (2.83 + 5.1 / b) * deviation
        m = np.floor((n + 1) * p)
        u = uniforms.take(active) - 0.5
        v = uniforms.take(active)
        shifted = 0.5 - np.abs(u)
        k = np.floor((2 * a / shifted + b) * u + n * p + 0.5)
        accepted = (shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
        refused = (k < 0) | (k > n)
        left = np.log(v * alpha / (a / (shifted * shifted) + b))
        right = (
            (m + 0.5) * np.log((m + 1) / (r * (n - m + 1)))
            + (n + 1) * np.log((n - m + 1) / (n - k + 1))
            + (k + 0.5) * np.log(r * (n - k + 1) / (k + 1))
            + _tail(m)
            + _tail(n - m)
            - _tail(np.where(refused, 0, k))
            - _tail(np.where(refused, 0, n - k))
        )
        accepted |= ~refused & (left <= right)
        values[active[accepted]] = k[accepted]
        active = active[~accepted]


def binomial_shape(shape: Any, counts: Any, probs: Any) -> tuple[tuple[int, ...], int]:
    """Returns the output's shape, which ends with that of the parameters, and how many numbers each of them gives.

    Raises:
      InvalidArgumentError: it does not end with it.
    """
    sizes = dimensions(shape)
    try:
        each = np.broadcast_shapes(np.shape(counts), np.shape(probs))
    except ValueError:
        raise InvalidArgumentError(
            None,
            None,
            "counts and probs must have compatible batch dimensions: "
            f"{list(np.shape(counts))} vs. {list(np.shape(probs))}",
        ) from None
    if len(each) > len(sizes) or sizes[len(sizes) - len(each) :] != each:
        raise InvalidArgumentError(
            None, None, f"Shape passed in must end with broadcasted shape: {list(sizes)} does not end with {list(each)}"
        )
    return sizes, int(np.prod(sizes[: len(sizes) - len(each)], dtype=np.int64))


@op(
    "StatelessRandomBinomial",
    "shape: static S, seed: Tseed, counts: T, probs: T -> output: dtype",
    S=INDEX,
    Tseed=default("int64", INDEX),
    T=default("double", COUNT_TYPES),
    dtype=default("int64", COUNT_TYPES),
    tier="host",
    differentiable=False,
)
def stateless_random_binomial_op(shape, seed, counts, probs, *, dtype: DType = "int64"):
    """Draws how many of ``counts`` trials succeed; the output's shape ends with that of the parameters."""
    key, counter = key_counter(np, seed)
    sizes, count = binomial_shape(shape, counts, probs)
    return binomial(key, counter, counts, probs, count, numpy_type(dtype)).reshape(sizes)


@stateless_random_binomial_op.shape
def _stateless_random_binomial_shape(shape, seed, counts, probs):
    require_vector(seed, 2)
    return known_dimensions(shape)


@stateless_random_binomial_op.samples
def _stateless_random_binomial_samples(s):
    for dtype in s.dtypes("T"):
        kind = numpy_type(dtype)
        yield s([3, 2], [1, 2], np.array([5, 9], kind), np.array(1 if kind.kind == "i" else 0.4, kind))
    for dtype in s.dtypes("dtype"):
        yield s([4, 3], [3, -4], np.array([10, 50, 900], np.float64), np.array([0.9, 0.2, 0.6]), dtype=dtype)
    yield s([6], [1, 2], np.array([-1.0, 0, 4, 4, 4, 4]), np.array([0.5, 0.5, 0, -1, 1, 2]))
    yield s([0, 3], [1, 2], np.ones(3), np.ones(3))
    error = {"error": "InvalidArgumentError"}
    yield s([2, 3], [1, 2], np.ones(2), np.ones(2), **error)
    yield s([3], [1, 2, 3], np.ones(3), np.ones(3), **error)
    yield s([3], [1, 2], np.ones(3), np.ones(2), **error)
    yield s([-3], [1, 2], np.ones(()), np.ones(()), **error)
