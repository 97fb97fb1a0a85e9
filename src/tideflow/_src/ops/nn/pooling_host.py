"""Pooling in NumPy: maxima and sums of strided slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.ops.nn.pooling_plan import Pool, first_taps, lowest, window_counts
from tideflow._src.ops.nn.windows import accumulator, crop, pad, tap_slices

#: Bytes of gradients that are sent back at a time, so that masks and sums stay in the cache.
_CHUNK_BYTES = 1 << 18


def _reduce(combine: Callable[..., Any], padded: np.ndarray, pool: Pool) -> np.ndarray:
    """Combines the elements of every window, along one dimension after the other, the last one first."""
    for dimension in range(len(pool.axes), 0, -1):
        axis = pool.axes[dimension - 1]
        before = (slice(None),) * dimension
        result = padded[(*before, axis.tap(0))]
        if axis.window > 1:
            result = combine(result, padded[(*before, axis.tap(1))])
            for index in range(2, axis.window):
                combine(result, padded[(*before, axis.tap(index))], out=result)
        padded = result
    return padded


def first_maximum_host(x: np.ndarray, pool: Pool) -> np.ndarray:
    """Returns, for each window, the index in row-major order of the first tap that holds the maximum."""
    x = x.astype(accumulator(x.dtype), copy=False)
    padded = pad(x, pool, x.dtype, lowest(x.dtype))
    index_type = np.uint8 if pool.tap_count <= 256 else np.int32
    index = np.empty(pool.output_shape, index_type)
    firsts = first_taps(pool)
    index[...] = firsts
    best = np.full(pool.output_shape, lowest(x.dtype), x.dtype)
    for number, position in enumerate(pool.taps):
        tap = padded[tap_slices(pool.axes, position)]
        if number == 0 and not pool.padded:
            best[...] = tap
            continue
        # Padding is the lowest number and so is never greater; the first real tap counts whatever it holds.
        better = tap > best
        if pool.padded:
            better |= firsts == number
        np.copyto(best, tap, where=better)
        np.copyto(index, index_type(number), where=better)
    return index


def max_pool_host(pool: Pool, x: np.ndarray) -> np.ndarray:
    """Takes the maximum of each window."""
    wide = x.astype(accumulator(x.dtype), copy=False)
    result = _reduce(np.maximum, pad(wide, pool, wide.dtype, lowest(wide.dtype)), pool)
    return np.ascontiguousarray(result).astype(x.dtype, copy=result.base is x)


def max_pool_gradient_host(pool: Pool, x: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Sends each gradient to the first maximum of its window."""
    wide = grad.astype(accumulator(grad.dtype), copy=False)
    x = x.astype(accumulator(x.dtype), copy=False)
    source = pad(x, pool, x.dtype, lowest(x.dtype))
    padded = np.zeros(pool.padded_shape, wide.dtype)
    image = int(np.prod(pool.output_shape[1:])) * wide.itemsize
    count = max(1, _CHUNK_BYTES // image)
    for start in range(0, pool.batch, count):
        images = slice(start, min(start + count, pool.batch))
        part = pool._replace(batch=images.stop - start)
        if not _send_to_first(part, source[images], wide[images], padded[images]):
            padded[images] = 0
            _send_by_index(part, x[images], wide[images], padded[images])
    return crop(padded, pool, grad.dtype)


def _send_to_first(pool: Pool, source: np.ndarray, grad: np.ndarray, padded: np.ndarray) -> bool:
    """Adds each gradient to the first element that equals its window's maximum; False if there is none in some window.

    That is so where the maximum is not a number, or as low as the padding.
    """
    best = _reduce(np.maximum, source, pool)
    waiting = best == best if not pool.padded else best > lowest(source.dtype)
    if not waiting.all():
        return False
    # A product with a mask of zeros and ones would make a NaN of an infinite gradient: the mask acts on the bits.
    bits = np.dtype(f"int{8 * grad.itemsize}")
    flat = grad.view(bits)
    for position in pool.taps:
        found = source[tap_slices(pool.axes, position)] == best
        found &= waiting
        waiting ^= found
        chosen = found.astype(bits)
        np.negative(chosen, out=chosen)
        chosen &= flat
        target = padded[tap_slices(pool.axes, position)]
        if pool.overlapping:
            target += chosen.view(grad.dtype)
        else:
            target[...] = chosen.view(grad.dtype)
    return True


def _send_by_index(pool: Pool, x: np.ndarray, grad: np.ndarray, padded: np.ndarray) -> None:
    """Adds each gradient to the first maximum of its window, whatever the window holds."""
    index = first_maximum_host(x, pool)
    for number, position in enumerate(pool.taps):
        target = padded[tap_slices(pool.axes, position)]
        np.add(target, grad, out=target, where=index == number)


def max_pool3d_gradient_host(pool: Pool, x: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Sends each gradient to every element of its window that equals the maximum, as TensorFlow does for volumes."""
    x = x.astype(accumulator(x.dtype), copy=False)
    source = pad(x, pool, x.dtype, lowest(x.dtype))
    best = _reduce(np.maximum, source, pool)
    wide = grad.astype(accumulator(grad.dtype), copy=False)
    bits = np.dtype(f"int{8 * wide.itemsize}")
    padded = np.zeros(pool.padded_shape, wide.dtype)
    for position in pool.taps:
        part = tap_slices(pool.axes, position)
        equal = np.negative((source[part] == best).astype(bits)) & np.ascontiguousarray(wide).view(bits)
        padded[part] += equal.view(wide.dtype)
    return crop(padded, pool, grad.dtype)


def max_pool_gradient_gradient_host(pool: Pool, x: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Reads ``grad`` at the first maximum of each window."""
    index = first_maximum_host(x, pool)
    padded = pad(grad, pool, grad.dtype)
    result = np.zeros(pool.output_shape, grad.dtype)
    for number, position in enumerate(pool.taps):
        np.copyto(result, padded[tap_slices(pool.axes, position)], where=index == number)
    return result


def average_pool_host(pool: Pool, x: np.ndarray) -> np.ndarray:
    """Takes the mean of each window; padding does not count."""
    wide = x.astype(accumulator(x.dtype), copy=False)
    total = _reduce(np.add, pad(wide, pool, wide.dtype), pool)
    return (total / window_counts(pool).astype(wide.dtype)).astype(x.dtype, copy=False)


def average_pool_gradient_host(pool: Pool, grad: np.ndarray) -> np.ndarray:
    """Spreads each gradient evenly over its window."""
    wide = grad.astype(accumulator(grad.dtype), copy=False)
    share = wide / window_counts(pool).astype(wide.dtype)
    # Along one dimension after the other: fewer additions than one for each tap.
    for dimension, axis in enumerate(pool.axes, start=1):
        shape = list(share.shape)
        shape[dimension] = axis.padded
        spread = np.zeros(shape, wide.dtype)
        before = (slice(None),) * dimension
        for index in range(axis.window):
            spread[(*before, axis.tap(index))] += share
        share = spread
    return crop(share, pool, grad.dtype)
