"""Random numbers from a key and a counter: the distributions that draw a fixed number of words each.

All functions are pure: the same key, counter and size give the same numbers, those that TensorFlow's CPU
kernels draw. Uniform numbers and integers are equal bit for bit; normal ones are computed with the
same formula, whose logarithm, sine and cosine may differ in the last place on the compiled tier. How many
numbers are made (`size`) is static; what is drawn (`key`, `counter`, `minval`, `maxval`, `logits`) may be
traced by JAX. The result is flat: reshaping it is the caller's work, and so is moving the counter on
(`tideflow._src.runtime.philox` says how far).

The distributions with rejection (truncated normal, gamma, Poisson) are in `rejection_sampling`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.runtime import philox as philox_module
from tideflow._src.runtime.philox import philox
from tideflow._src.runtime.threaded_ranges import over_ranges

__all__ = ["box_muller", "multinomial", "normal", "permutation", "uniform", "uniform_full_int", "uniform_int"]

_SMALLEST_UNIFORM = 1.0e-7
#: What a random number costs, as ``over_ranges`` counts: so many of an array's elements.
_WORK = 8


def _is_wide(dtype: np.dtype) -> bool:
    """Tells whether one number of this dtype takes two words."""
    return dtype.itemsize == 8


def _from_blocks(
    xp: Any, key: Any, counter: Any, size: int, dtype: np.dtype, convert: Callable[[Any, Any], Any]
) -> Any:
    """Draws `size` numbers; `convert(xp, words)` maps blocks `(n, 4)` to numbers `(n, 2)` or `(n, 4)`.

    With NumPy the work goes through the cache in chunks of blocks.
    """
    per_block = 2 if _is_wide(dtype) else 4
    n_blocks = -(-size // per_block)
    if xp is not np:
        return convert(xp, philox(xp, key, counter, n_blocks)).reshape(-1)[:size]
    values = np.empty((n_blocks, per_block), dtype)

    def fill(begin: int, end: int) -> None:
        for start in range(begin, end, philox_module.CHUNK_BLOCKS):
            stop = min(start + philox_module.CHUNK_BLOCKS, end)
            offsets = np.arange(start, stop, dtype=np.uint64)
            values[start:stop] = convert(np, philox_module.philox_at(np, key, counter, offsets))

    over_ranges(fill, n_blocks, _WORK * size)
    return values.reshape(-1)[:size]


def _wide_words(xp: Any, words: Any) -> Any:
    """Joins words to 64-bit integers, low word first: `(n, 4)` to `(n, 2)`."""
    return words[:, 0::2].astype(xp.uint64) | words[:, 1::2].astype(xp.uint64) << np.uint64(32)


def unit_float32(xp: Any, words: Any) -> Any:
    """Maps 32-bit words to [0, 1): the low 23 bits are the fraction."""
    fraction = (words & np.uint32(0x7FFFFF)).astype(xp.int32)
    return fraction.astype(xp.float32) * np.float32(2.0**-23)


def unit_float64(xp: Any, high: Any, low: Any) -> Any:
    """Maps pairs of 32-bit words to [0, 1): 20 bits of the first and all of the second are the fraction."""
    fraction = (high & np.uint32(0xFFFFF)).astype(xp.int64) << np.int64(32) | low.astype(xp.int64)
    return fraction.astype(xp.float64) * np.float64(2.0**-52)


def unit_from_words(xp: Any, words: Any, dtype: np.dtype) -> Any:
    """Maps blocks of words, `(n, 4)`, to the uniform numbers that TensorFlow makes of them."""
    if dtype == np.float64:
        return unit_float64(xp, words[:, 0::2], words[:, 1::2])
    if dtype == np.float32:
        return unit_float32(xp, words)
    bits = 10 if dtype == np.float16 else 7
    fraction = (words & np.uint32((1 << bits) - 1)).astype(xp.float32)
    return (fraction * np.float32(2.0**-bits)).astype(dtype)


def uniform(xp: Any, key: Any, counter: Any, size: int, dtype: Any) -> Any:
    """Draws from the uniform distribution on [0, 1).

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key (see `tideflow._src.runtime.philox`).
      counter: The counter of the first block.
      size: How many numbers to draw; static.
      dtype: float16, bfloat16, float32 or float64.

    Returns:
      Numbers of that dtype, shape `(size,)`.

    >>> uniform(np, 0, (0, 0), 2, np.float32)
    array([0.31179297, 0.8263413 ], dtype=float32)
    """
    dtype = np.dtype(dtype)
    return _from_blocks(xp, key, counter, size, dtype, lambda xp, words: unit_from_words(xp, words, dtype))


def uniform_full_int(xp: Any, key: Any, counter: Any, size: int, dtype: Any) -> Any:
    """Draws integers of which every bit is random.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key.
      counter: The counter of the first block.
      size: How many numbers to draw; static.
      dtype: int32, int64, uint32 or uint64.

    Returns:
      Integers of that dtype, shape `(size,)`.
    """
    dtype = np.dtype(dtype)
    if _is_wide(dtype):
        return _from_blocks(xp, key, counter, size, dtype, lambda xp, words: _wide_words(xp, words).astype(dtype))
    return _from_blocks(xp, key, counter, size, dtype, lambda xp, words: words.astype(dtype))


def uniform_int(xp: Any, key: Any, counter: Any, size: int, minval: Any, maxval: Any, dtype: Any) -> Any:
    """Draws integers from [minval, maxval).

    The remainder of a random word by the range is added to `minval`, so that ranges which are not a power of
    two are very slightly uneven, as in TensorFlow. That `minval < maxval` is the caller's to check.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key.
      counter: The counter of the first block.
      size: How many numbers to draw; static.
      minval: The smallest possible number, a scalar.
      maxval: One more than the largest possible number, a scalar.
      dtype: int32, int64, uint32 or uint64.

    Returns:
      Integers of that dtype, shape `(size,)`.
    """
    dtype = np.dtype(dtype)
    unsigned = np.dtype(f"uint{8 * dtype.itemsize}")
    # Differences and sums wrap around: the range of a signed type may not fit into it. They are taken of
    # arrays of one element, for which NumPy wraps without a warning.
    lowest = xp.asarray(minval, dtype=dtype).astype(unsigned).reshape(1)
    span = xp.asarray(maxval, dtype=dtype).astype(unsigned).reshape(1) - lowest

    def convert(xp: Any, words: Any) -> Any:
        bits = _wide_words(xp, words) if _is_wide(dtype) else words
        return (lowest + bits % span).astype(dtype)

    return _from_blocks(xp, key, counter, size, dtype, convert)


# The half pi of a quadrant in three parts. The first two have few enough bits that their products with the
# quadrant's number are exact (Cody and Waite: "Software Manual for the Elementary Functions", 1980).
_HALF_PI_PARTS = (np.float32(1.5703125), np.float32(4.837512969970703e-4), np.float32(7.549789948768648e-8))


def _sine_cosine(xp: Any, angle: Any) -> tuple[Any, Any]:
    """Computes sine and cosine of float32 angles in [0, 2 pi], within about one unit in the last place.

    XLA's own float32 sine and cosine reduce arguments of any size and are several times slower. The
    polynomials are those of Cephes (`sinf.c`, Moshier).
    """
    quadrant = xp.floor(angle * np.float32(2 / math.pi) + np.float32(0.5))
    reduced = angle - quadrant * _HALF_PI_PARTS[0]
    reduced = reduced - quadrant * _HALF_PI_PARTS[1]
    reduced = reduced - quadrant * _HALF_PI_PARTS[2]
    square = reduced * reduced
    sine = np.float32(-1.9515295891e-4) * square + np.float32(8.3321608736e-3)
    sine = (sine * square - np.float32(1.6666654611e-1)) * square * reduced + reduced
    cosine = np.float32(2.443315711809948e-5) * square - np.float32(1.388731625493765e-3)
    cosine = (cosine * square + np.float32(4.166664568298827e-2)) * square * square
    cosine = cosine - np.float32(0.5) * square + np.float32(1)
    number = quadrant.astype(xp.int32)
    odd = (number & 1) == 1
    sine_sign = xp.where((number & 2) == 2, np.float32(-1), np.float32(1))
    cosine_sign = xp.where(((number + 1) & 2) == 2, np.float32(-1), np.float32(1))
    return xp.where(odd, cosine, sine) * sine_sign, xp.where(odd, sine, cosine) * cosine_sign


def _box_muller_float32(xp: Any, words: Any) -> Any:
    """Makes four normal float32 numbers of each block of four words."""
    units = unit_float32(xp, words)
    first = xp.maximum(units[:, 0::2], np.float32(_SMALLEST_UNIFORM))
    angle = (units[:, 1::2].astype(xp.float64) * (2 * math.pi)).astype(xp.float32)
    if xp is np:
        # NumPy's float32 functions are off by up to a few units in the last place; glibc's, which TensorFlow
        # calls, are almost always rounded correctly, and so is the float64 result after the cast.
        radius = np.sqrt(np.float32(-2) * np.log(first.astype(np.float64)).astype(np.float32))
        wide = angle.astype(np.float64)
        values = np.empty_like(units)
        np.multiply(np.sin(wide).astype(np.float32), radius, out=values[:, 0::2])
        np.multiply(np.cos(wide).astype(np.float32), radius, out=values[:, 1::2])
        return values
    radius = xp.sqrt(np.float32(-2) * xp.log(first))
    sine, cosine = _sine_cosine(xp, angle)
    return _interleave(xp, sine * radius, cosine * radius)


def _box_muller_float64(xp: Any, words: Any) -> Any:
    """Makes two normal float64 numbers of each block of four words."""
    first = xp.maximum(unit_float64(xp, words[:, 0], words[:, 1]), _SMALLEST_UNIFORM)
    angle = unit_float64(xp, words[:, 2], words[:, 3]) * (2 * math.pi)
    radius = xp.sqrt(-2.0 * xp.log(first))
    return _interleave(xp, (xp.sin(angle) * radius)[:, None], (xp.cos(angle) * radius)[:, None])


def _interleave(xp: Any, even: Any, odd: Any) -> Any:
    """Puts two arrays' columns side by side in turn: even 0, odd 0, even 1, odd 1, ..."""
    if xp is not np:
        # Heavy and optional. Without the barrier XLA computes both arrays again for each column.
        from jax import lax

        even, odd = lax.optimization_barrier((even, odd))
    return xp.stack([even, odd], axis=-1).reshape(even.shape[0], 2 * even.shape[1])


def box_muller(xp: Any, words: Any, dtype: np.dtype) -> Any:
    """Makes normal numbers of blocks of words (Box and Muller, 1958): float64 two of a block, others four.

    float16 and bfloat16 are computed as float32, which is also what is returned for them.
    """
    return _box_muller_float64(xp, words) if dtype == np.float64 else _box_muller_float32(xp, words)


def normal(xp: Any, key: Any, counter: Any, size: int, dtype: Any) -> Any:
    """Draws from the normal distribution with mean 0 and variance 1.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key.
      counter: The counter of the first block.
      size: How many numbers to draw; static.
      dtype: float16, bfloat16, float32 or float64.

    Returns:
      Numbers of that dtype, shape `(size,)`.
    """
    dtype = np.dtype(dtype)
    return _from_blocks(xp, key, counter, size, dtype, lambda xp, words: box_muller(xp, words, dtype).astype(dtype))


def permutation(key: Any, counter: Any, size: int) -> np.ndarray[Any, Any]:
    """Draws the permutation of `RandomShuffle`: row `i` of its output is row `permutation[i]` of its input.

    `StatelessShuffle` draws the same one from its key and counter.

    Each place but the last is swapped with itself or a later one (Fisher and Yates), one word for each. Instead of
    one swap after the other, all are followed back at once: just before its turn, a place holds what the place whose
    swap last wrote to it held at its own turn, and so on. These chains are as short as a random tree is high.

    Args:
      key: The key.
      counter: The counter of the first block.
      size: How many rows are shuffled.

    Returns:
      int32, shape `(size,)`.
    """
    if size <= 1:
        return np.zeros(size, np.int32)
    places = size - 1
    words = uniform_full_int(np, key, counter, places, np.uint32)
    words %= np.arange(size, 1, -1, dtype=np.uint32)
    pairs = words.astype(np.int64)
    pairs += np.arange(places)
    pairs <<= 32
    pairs |= np.arange(places)
    pairs.sort()
    turns, written = pairs.astype(np.int32), (pairs >> 32).astype(np.int32)
    again = np.empty(places, bool)  # whether the place was written to before; the turn that did stands before this one
    again[0], again[1:] = False, written[1:] == written[:-1]
    before = np.roll(turns, 1)
    # Of the turns that write to a place the last counts, but its own turn, which comes after all others.
    writers = turns.copy()
    own = np.flatnonzero(turns == written)
    own = own[again[own]]
    writers[own] = before[own]
    source = np.arange(size, dtype=np.int32)
    source[written] = writers
    farther = np.empty_like(source)
    while not np.array_equal(np.take(source, source, out=farther, mode="clip"), source):
        source, farther = farther, source
    rows = np.empty(size, np.int32)
    rows[turns] = np.where(again, source.take(before), written)
    rows[-1] = source[-1]  # the last place has no turn of its own
    return rows


def multinomial(xp: Any, key: Any, counter: Any, logits: Any, num_samples: int, output_dtype: Any = np.int64) -> Any:
    """Draws classes from unnormalized log-probabilities, by inversion of the cumulative distribution.

    TensorFlow's CPU kernel splits large batches among its threads, and the stream of each part depends on
    how many threads there are. This is the stream of one thread, the one that every batch small enough gets.

    Args:
      xp: `numpy`, or `jax.numpy` with x64 enabled.
      key: The key.
      counter: The counter of the first block.
      logits: Floats, shape `(batch_size, num_classes)`; an entry that is not finite has probability zero.
      num_samples: How many classes to draw for each row; static.
      output_dtype: int32 or int64.

    Returns:
      Classes, shape `(batch_size, num_samples)`; `num_classes` where a row has no finite entry.
    """
    batch_size = logits.shape[0]
    wide = logits.astype(xp.float64)
    finite = xp.isfinite(wide)
    # A row with nothing finite has the dtype's lowest number as its maximum in TensorFlow; any number does.
    largest = xp.max(xp.where(finite, wide, -np.inf), axis=1, keepdims=True, initial=-np.inf)
    largest = xp.where(xp.isfinite(largest), largest, 0.0)
    weights = xp.exp(xp.where(finite, wide, -np.inf) - largest)
    cumulative = xp.cumsum(weights, axis=1)
    draws = uniform(xp, key, counter, batch_size * num_samples, np.float64).reshape(batch_size, num_samples)
    targets = draws * cumulative[:, -1:]
    if xp is np:
        classes = np.empty((batch_size, num_samples), output_dtype)
        for row in range(batch_size):
            classes[row] = np.searchsorted(cumulative[row], targets[row], side="right")
        return classes
    # Heavy and optional: only the compiled tier gets here.
    import jax

    search = jax.vmap(lambda row, row_targets: xp.searchsorted(row, row_targets, side="right"))
    return search(cumulative, targets).astype(output_dtype)
