"""Random numbers from distributions that reject candidates: truncated normal, gamma, Poisson.

How many words such a number takes depends on the words. So that the result does not depend on how the work
is divided, TensorFlow gives each number blocks of its own (256 of them; a group of truncated normal numbers
shares 64 for each), and draws from there until enough candidates are accepted. Here all numbers advance
together, a block at a time, and those that are complete drop out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tideflow._src.ops.random.direct_sampling import box_muller, unit_from_words
from tideflow._src.runtime.philox import philox_at
from tideflow._src.runtime.threaded_ranges import over_ranges

__all__ = ["gamma", "poisson", "truncated_normal"]

_RESERVED_BLOCKS = 256
_TRUNCATION = 2.0
_CHUNK_GROUPS = 8192
_CHUNK_NUMBERS = 16384
#: What a number costs, as ``over_ranges`` counts: so many of an array's elements.
_WORK = 16


def truncated_normal(xp: Any, key: Any, counter: Any, size: int, dtype: Any) -> Any:
    """Draws from the normal distribution, without what lies two standard deviations or more from the mean.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key (see `tideflow._src.runtime.philox`).
      counter: The counter of the first block.
      size: How many numbers to draw; static.
      dtype: float16, bfloat16, float32 or float64.

    Returns:
      Numbers of that dtype, shape `(size,)`.
    """
    dtype = np.dtype(dtype)
    if size == 0:
        return xp.zeros(0, dtype)
    width = 2 if dtype == np.float64 else 4
    groups = -(-size // width)
    if xp is not np:
        return _truncated_compiled(xp, key, counter, groups, width, dtype).reshape(-1)[:size].astype(dtype)
    values = np.empty((groups, width), dtype)

    def fill(begin: int, end: int) -> None:
        for start in range(begin, end, _CHUNK_GROUPS):
            stop = min(start + _CHUNK_GROUPS, end)
            values[start:stop] = _truncated_chunk(key, counter, np.arange(start, stop), width, dtype)

    over_ranges(fill, groups, _WORK * groups)
    return values.reshape(-1)[:size]


def _group_offsets(xp: Any, groups: Any, width: int) -> Any:
    """Returns how far behind the counter the blocks of the given groups of numbers begin."""
    return groups.astype(xp.uint64) * np.uint64(width * _RESERVED_BLOCKS // 4)


def _accept(xp: Any, candidates: Any, count: Any) -> tuple[Any, Any, Any]:
    """Tells which candidates are accepted, which place each takes in its row, and the rows' new counts."""
    accepted = abs(candidates) < _TRUNCATION
    places = count[:, None] + xp.cumsum(accepted, axis=1, dtype=count.dtype) - 1
    return accepted, places, places[:, -1] + 1


def _truncated_chunk(key: Any, counter: Any, groups: NDArray[Any], width: int, dtype: np.dtype) -> NDArray[Any]:
    """Draws the numbers of consecutive groups with NumPy: most groups need only their first block."""
    offsets = _group_offsets(np, groups, width)
    values: NDArray[Any] = box_muller(np, philox_at(np, key, counter, offsets), dtype)
    rows = np.flatnonzero((np.abs(values) >= _TRUNCATION).any(axis=1))
    candidates, count, block = values[rows], np.zeros(rows.size, np.int64), 0
    while rows.size:
        accepted, places, count = _accept(np, candidates, count)
        row_index, column = np.nonzero(accepted & (places < width))
        values[rows[row_index], places[row_index, column]] = candidates[row_index, column]
        rows, count = rows[count < width], count[count < width]
        block += 1
        words = philox_at(np, key, counter, offsets[rows] + np.uint64(block))
        candidates = box_muller(np, words, dtype)
    return values


def _truncated_compiled(xp: Any, key: Any, counter: Any, groups: int, width: int, dtype: np.dtype) -> Any:
    """Draws the same numbers under XLA, where shapes are fixed.

    Every group gets its first two blocks. The few that lack numbers then (one of 100,000; of float64 groups,
    one of 2,000) are gathered, a fixed number at a time, and get one block more, until all are complete.
    """
    # Heavy and optional: only the compiled tier gets here.
    from jax import lax

    offsets = _group_offsets(xp, xp.arange(groups), width)
    # Both by one kernel: it is what takes long to compile.
    blocks = xp.concatenate([offsets, offsets + np.uint64(1)])
    both = lax.optimization_barrier(box_muller(xp, philox_at(xp, key, counter, blocks), dtype))
    first, second = both[:groups], both[groups:]
    # Written out candidate by candidate and place by place, all of this is one fused loop over the groups.
    count = xp.zeros(groups, xp.int32)
    columns = [xp.zeros(groups, first.dtype)] * width
    for candidate in (*first.T, *second.T):
        accepted = abs(candidate) < _TRUNCATION
        columns = [xp.where(accepted & (count == place), candidate, column) for place, column in enumerate(columns)]
        count = count + accepted
    values = xp.stack(lax.optimization_barrier(columns), axis=1)
    at_once = min(groups, max(8, groups // 512))

    def is_incomplete(state: Any) -> Any:
        return (state[1] < width).any()

    def draw(state: Any) -> Any:
        values, count, drawn = state
        # Past the incomplete groups, `rows` is out of range: reads are clamped and writes are dropped.
        (rows,) = xp.nonzero(count < width, size=at_once, fill_value=groups)
        starts = _group_offsets(xp, rows, width) + drawn[rows].astype(xp.uint64)
        candidates = box_muller(xp, philox_at(xp, key, counter, starts), dtype)
        accepted, places, row_count = _accept(xp, candidates, count[rows])
        places = xp.where(accepted, places, width)
        return (
            values.at[rows[:, None], places].set(candidates, mode="drop"),
            count.at[rows].set(row_count, mode="drop"),
            drawn.at[rows].add(1, mode="drop"),
        )

    state = (values, count, xp.full(groups, 2, xp.int32))
    return lax.while_loop(is_incomplete, draw, state)[0]


class Streams:
    """Independent streams of blocks, one for each number, of which each knows how far it has come."""

    def __init__(self, key: Any, counter: Any, size: int, apart: int = _RESERVED_BLOCKS, first: int = 0) -> None:
        self._key, self._counter = key, counter
        self._next = np.arange(first, first + size, dtype=np.uint64) * np.uint64(apart)

    def draw(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Returns the next block of each of the given streams."""
        words: NDArray[Any] = philox_at(np, self._key, self._counter, self._next[rows])
        self._next[rows] += np.uint64(1)
        return words


class Buffer:
    """float64 numbers that are made two at a time, of a block, and used up from the last to the first."""

    def __init__(self, streams: Streams, size: int, convert: Callable[..., Any]) -> None:
        self._streams, self._convert = streams, convert
        self._values = np.empty((size, 2))
        self._remaining = np.zeros(size, np.int64)

    def take(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Returns the next number of each of the given rows."""
        empty = rows[self._remaining[rows] == 0]
        if empty.size:
            self._values[empty] = self._convert(np, self._streams.draw(empty), np.dtype(np.float64))
            self._remaining[empty] = self._values.shape[1]
        self._remaining[rows] -= 1
        numbers: NDArray[Any] = self._values[rows, self._remaining[rows]]
        return numbers


def gamma(key: Any, counter: Any, alpha: NDArray[Any], num_samples: int) -> NDArray[Any]:
    """Draws from gamma distributions with the given shapes and scale 1, with NumPy.

    The method is that of Marsaglia and Tsang ("A simple method for generating gamma variables", ACM TOMS 26,
    2000), in float64 whatever the dtype. A shape below 1 is raised by one and the number
    multiplied by a power of a uniform one; for the shape 1 the distribution function is inverted.

    Args:
      key: The key.
      counter: The counter of the first block.
      alpha: The shapes of the distributions, floats of any shape.
      num_samples: How many numbers to draw from each distribution.

    Returns:
      Numbers of the dtype of `alpha`, shape `(num_samples, alpha.size)`.
    """
    shapes = np.repeat(alpha.reshape(-1).astype(np.float64), num_samples)
    values = np.empty(shapes.size)

    def fill(begin: int, end: int) -> None:
        values[begin:end] = _gamma_part(key, counter, shapes[begin:end], begin)

    _in_chunks(fill, shapes.size)
    return values.astype(alpha.dtype).reshape(alpha.size, num_samples).T


def _in_chunks(fill: Callable[[int, int], None], size: int) -> None:
    """Calls ``fill(begin, end)`` for ranges that cover all numbers: on several threads, small enough for a cache."""

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, _CHUNK_NUMBERS):
            fill(start, min(start + _CHUNK_NUMBERS, end))

    over_ranges(work, size, _WORK * size)


def _gamma_part(key: Any, counter: Any, shapes: NDArray[Any], first: int) -> NDArray[Any]:
    """Draws the numbers from the one at ``first`` on, with the given shapes."""
    streams = Streams(key, counter, shapes.size, first=first)
    normals = Buffer(streams, shapes.size, box_muller)
    uniforms = Buffer(streams, shapes.size, unit_from_words)
    values = np.empty(shapes.size)
    exponential = np.flatnonzero(shapes == 1.0)
    values[exponential] = -np.log1p(-uniforms.take(exponential))
    is_raised = shapes < 1.0
    shifted = shapes + np.where(is_raised, 2.0 / 3, -1.0 / 3)
    factor = 1.0 / 3 / np.sqrt(shifted)
    active = np.flatnonzero(shapes != 1.0)
    while active.size:
        normal = normals.take(active)
        cube = 1 + factor[active] * normal
        # A shape that is negative or NaN makes NaN here, which is accepted below as the result.
        is_positive = ~(cube <= 0)
        rows, normal, cube = active[is_positive], normal[is_positive], cube[is_positive] ** 3
        uniform = uniforms.take(rows)
        square = normal * normal
        accepted = uniform < 1 - 0.0331 * square * square
        rest = ~accepted
        accepted[rest] = np.log(uniform[rest]) < 0.5 * square[rest] + shifted[rows[rest]] * (
            1 - cube[rest] + np.log(cube[rest])
        )
        accepted |= np.isnan(cube)
        done = rows[accepted]
        values[done] = shifted[done] * cube[accepted]
        low = done[is_raised[done]]
        values[low] *= uniforms.take(low) ** (1 / shapes[low])
        is_active = np.ones(active.size, bool)
        is_active[np.flatnonzero(is_positive)[accepted]] = False
        active = active[is_active]
    return values


_LOG_FACTORIALS = np.array([math.lgamma(number + 1.0) for number in range(64)])


def _log_factorial(number: NDArray[Any]) -> NDArray[Any]:
    """Computes the logarithm of n!, by table or, for 64 and more, by Stirling's series (float64)."""
    wide = np.maximum(number.astype(np.float64), 0.0)
    large = np.maximum(wide, 64.0)
    inverse = 1 / (large * large)
    series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260))) / large
    stirling = (large + 0.5) * np.log(large) - large + 0.5 * math.log(2 * math.pi) + series
    return np.where(wide < 64, _LOG_FACTORIALS[np.minimum(wide, 63).astype(np.int64)], stirling)


def poisson(key: Any, counter: Any, rate: NDArray[Any], num_samples: int, dtype: Any) -> NDArray[Any]:
    """Draws from Poisson distributions, with NumPy.

    Below a rate of 10, uniform numbers are multiplied until the product falls below exp(-rate) (Knuth: "The
    Art of Computer Programming", volume 2, section 3.4.1); from there on candidates are transformed and
    rejected (Hörmann: "The transformed rejection method for generating Poisson random variables", 1993).

    Args:
      key: The key.
      counter: The counter of the first block.
      rate: The rates of the distributions, of any shape and dtype; all is computed in float64.
      num_samples: How many numbers to draw from each distribution.
      dtype: The dtype of the result.

    Returns:
      Numbers of that dtype, shape `(num_samples, rate.size)`: 0 for negative rates, as in TensorFlow, and NaN
      for NaN, with which TensorFlow's kernel never ends.
    """
    rates = np.repeat(rate.reshape(-1).astype(np.float64), num_samples)
    values = np.full(rates.size, np.nan)

    def fill(begin: int, end: int) -> None:
        part, out = rates[begin:end], values[begin:end]
        uniforms = Buffer(Streams(key, counter, part.size, first=begin), part.size, unit_from_words)
        _poisson_by_products(uniforms, part, out, np.flatnonzero(part < 10))
        _poisson_by_rejection(uniforms, part, out, np.flatnonzero((part >= 10) & np.isfinite(part)))
        out[part == np.inf] = np.inf

    _in_chunks(fill, rates.size)
    return values.astype(dtype).reshape(rate.size, num_samples).T


def _poisson_by_products(uniforms: Buffer, rates: NDArray[Any], values: NDArray[Any], active: NDArray[Any]) -> None:
    """Fills in the numbers of small rates."""
    values[active] = 0
    limit = np.exp(-rates)
    product = np.ones(rates.size)
    while active.size:
        product[active] *= uniforms.take(active)
        active = active[~(product[active] <= limit[active])]
        values[active] += 1


def _poisson_by_rejection(uniforms: Buffer, rates: NDArray[Any], values: NDArray[Any], active: NDArray[Any]) -> None:
    """Fills in the numbers of large rates. The names of the constants are Hörmann's."""
    while active.size:
        rate = rates[active]
        b = 0.931 + 2.53 * np.sqrt(rate)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        u = uniforms.take(active) - 0.5
        v = uniforms.take(active)
        shifted = 0.5 - np.abs(u)
        k = np.floor((2 * a / shifted + b) * u + rate + 0.43)
        accepted = (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
        refused = (k < 0) | ((shifted < 0.013) & (v > shifted))
        left = np.log(v * inverse_alpha / (a / (shifted * shifted) + b))
        right = -rate + k * np.log(rate) - _log_factorial(k)
        accepted |= ~refused & (left <= right)
        values[active[accepted]] = k[accepted]
        active = active[~accepted]
