"""Pooling as XLA on the CPU runs it fast.

XLA's own window operations are slow on the CPU, so that none of them is used for windows of ordinary size: a pooling is
slices of the padded input, combined over one dimension of space after the other (0.90 to 0.32 ms for 64x28x28x32); a
maximum's gradient finds the first maximum of each window by comparing the taps in order and selects, instead of
``select_and_scatter`` (20 to 0.2 ms where windows do not overlap, 37 to 0.7 where they do).
"""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import Any

import numpy as np

from tideflow._src.ops.math import nan_keeping_extrema
from tideflow._src.ops.nn.pooling_plan import Pool, first_taps, lowest, window_counts
from tideflow._src.ops.nn.windows import accumulator, inner_slices, load_jax, pad_xla, tap_slices

Array = Any

#: Windows with more taps than this are walked by a loop of the compiled program, not unrolled into it.
_UNROLLED_TAPS = 64


def _pad(x: Array, pool: Pool, value: Any) -> Array:
    """Surrounds ``x`` with ``value`` where windows reach beyond it."""
    return pad_xla(x, pool, value) if pool.padded else x


def _reduce(combine: Any, initial: Any, x: Array, pool: Pool) -> Array:
    """Combines the elements of every window, along one dimension after the other, the last one first."""
    lax = load_jax().lax
    if sum(pool.window) > _UNROLLED_TAPS:
        pads = ((0, 0), *((axis.before, axis.after) for axis in pool.axes), (0, 0))
        window, strides = (1, *pool.window, 1), (1, *pool.strides, 1)
        combine = nan_keeping_extrema.greater if combine is lax.max else combine
        return lax.reduce_window(x, np.asarray(initial, x.dtype), combine, window, strides, pads)
    result = _pad(x, pool, initial)
    for dimension in range(len(pool.axes), 0, -1):
        axis = pool.axes[dimension - 1]
        before = (slice(None),) * dimension
        result = reduce(combine, [result[(*before, axis.tap(index))] for index in range(axis.window)])
    return result


def _index_type(pool: Pool) -> Any:
    """Returns the narrowest integer type that numbers the taps, with -1 for none."""
    return np.int8 if pool.tap_count <= 127 else np.int32


def _better(tap: Array, best: Array, number: Any, firsts: np.ndarray | None) -> Array:
    """Tells where a tap replaces the best so far: it is greater, or the window's first inside the input."""
    better = tap > best
    return better if firsts is None else better | (firsts == number)


def _position(pool: Pool, number: Array) -> tuple[Array, ...]:
    """Returns where in its window a tap is whose number is known only when the program runs."""
    result = []
    for length in reversed(pool.window):
        result.append(number % length)
        number = number // length
    return tuple(reversed(result))


def _dynamic_tap(padded: Array, pool: Pool, number: Array) -> Array:
    """Returns the slice of every window's tap whose number is known only when the program runs."""
    lax = load_jax().lax
    sizes = (pool.batch, *(axis.span for axis in pool.axes), pool.channels)
    zero = np.zeros((), number.dtype)
    found = lax.dynamic_slice(padded, (zero, *_position(pool, number), zero), sizes)
    return found[(slice(None), *(slice(None, None, axis.stride) for axis in pool.axes))]


def first_maximum_xla(x: Array, pool: Pool) -> Array:
    """Returns, for each window, the index in row-major order of the first tap that holds the maximum."""
    jax = load_jax()
    lax, numpy = jax.lax, jax.numpy
    index_type = _index_type(pool)
    x = x.astype(accumulator(x.dtype))
    padded = _pad(x, pool, lowest(x.dtype))
    firsts = first_taps(pool).astype(index_type) if pool.padded else None
    if pool.tap_count > _UNROLLED_TAPS:
        start = numpy.zeros((), index_type) if firsts is None else firsts
        index = numpy.broadcast_to(start, pool.output_shape)
        best = _dynamic_tap(padded, pool, np.zeros((), np.int32))

        def visit(number: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            index, best = state
            tap = _dynamic_tap(padded, pool, number)
            better = _better(tap, best, number.astype(index_type), firsts)
            return numpy.where(better, number.astype(index_type), index), numpy.where(better, tap, best)

        return lax.fori_loop(1, pool.tap_count, visit, (index, best))[0]
    first, *others = pool.taps
    best = padded[tap_slices(pool.axes, first)]
    index = numpy.zeros(pool.output_shape, index_type)
    if firsts is not None:
        index = numpy.broadcast_to(firsts, pool.output_shape)
    for number, position in enumerate(others, start=1):
        tap = padded[tap_slices(pool.axes, position)]
        better = _better(tap, best, index_type(number), firsts)
        index = numpy.where(better, index_type(number), index)
        best = numpy.where(better, tap, best)
    return index if pool.tiled else lax.optimization_barrier(index)


def _beside_taps(x: Array, pool: Pool) -> Array:
    """Gives a pooled array a dimension of size 1 after each dimension of space, for the taps along it."""
    shape = [pool.batch]
    for axis in pool.axes:
        shape += [axis.output, 1]
    return x.reshape(*shape, pool.channels)


def _untile(tiles: Array, pool: Pool) -> Array:
    """Lays windows side by side and crops them to the input.

    ``tiles`` has, after each dimension of space, one for the taps along it.
    """
    lax = load_jax().lax
    lengths = [axis.output * axis.window for axis in pool.axes]
    flat = tiles.reshape(pool.batch, *lengths, pool.channels)
    config = [(0, 0, 0)]
    for axis, length in zip(pool.axes, lengths, strict=True):
        config.append((-axis.before, axis.size + axis.before - length, 0))
    config.append((0, 0, 0))
    return lax.pad(flat, np.zeros((), flat.dtype), config)


def _select_tap(index: Array, number: Any, grad: Array) -> Array:
    """Returns ``grad`` where ``number`` is the tap of the maximum, and zero elsewhere."""
    return load_jax().numpy.where(index == number, grad, np.zeros((), grad.dtype))


def max_pool_gradient_xla(pool: Pool, x: Array, grad: Array) -> Array:
    """Sends each gradient to the first maximum of its window."""
    jax = load_jax()
    index = first_maximum_xla(x, pool)
    wide = grad.astype(accumulator(grad.dtype))
    if pool.tiled:
        shape = [length for window in pool.window for length in (1, window)]
        numbers = np.arange(pool.tap_count, dtype=index.dtype).reshape(*shape[1:], 1)
        return _untile(_select_tap(_beside_taps(index, pool), numbers, _beside_taps(wide, pool)), pool).astype(
            grad.dtype
        )
    if pool.tap_count > _UNROLLED_TAPS:
        return _scatter_loop(index, wide, pool).astype(grad.dtype)
    # An output phase is the elements whose padded position is the same modulo the strides. The windows that
    # reach one such element start at its own place and at the few before it: shifted slices of ``index`` and
    # ``grad``.
    reach = [-(-axis.window // axis.stride) for axis in pool.axes]
    places = [-(-axis.padded // axis.stride) for axis in pool.axes]
    config = [(0, 0, 0)]
    for axis, shifts, count in zip(pool.axes, reach, places, strict=True):
        config.append((shifts - 1, count - axis.output, 0))
    config.append((0, 0, 0))
    index = jax.lax.pad(index, index.dtype.type(-1), config)
    wide = jax.lax.pad(wide, np.zeros((), wide.dtype), config)
    index, wide = jax.lax.optimization_barrier((index, wide))
    numbers = np.arange(pool.tap_count).reshape(pool.window)
    zero = np.zeros((), wide.dtype)
    phases = []
    for phase in product(*(range(axis.stride) for axis in pool.axes)):
        total = jax.numpy.full((pool.batch, *places, pool.channels), zero)
        starts = (range(s, axis.window, axis.stride) for s, axis in zip(phase, pool.axes, strict=True))
        for tap in product(*starts):
            part = [slice(None)]
            for shifts, count, index_along, axis in zip(reach, places, tap, pool.axes, strict=True):
                start = shifts - 1 - index_along // axis.stride
                part.append(slice(start, start + count))
            number = index.dtype.type(numbers[tap])
            total = total + _select_tap(index[tuple(part)], number, wide[tuple(part)])
        phases.append(total)
    total = phases[0]
    if len(phases) > 1:
        rank = len(pool.axes)
        stack = jax.numpy.stack(phases, axis=rank + 1)
        stack = stack.reshape(pool.batch, *places, *pool.strides, pool.channels)
        order = [0]
        for dimension in range(1, rank + 1):
            order += [dimension, rank + dimension]
        total = stack.transpose(*order, 2 * rank + 1)
    sizes = [count * stride for count, stride in zip(places, pool.strides, strict=True)]
    padded = total.reshape(pool.batch, *sizes, pool.channels)
    return padded[inner_slices(pool.axes)].astype(grad.dtype)


def _scatter_loop(index: Array, grad: Array, pool: Pool) -> Array:
    """Adds the taps' gradients one after the other in a loop, for large windows that overlap."""
    jax = load_jax()
    lax = jax.lax
    spread = [(0, 0, 0), *((0, 0, axis.stride - 1) for axis in pool.axes), (0, 0, 0)]

    def add_tap(number: Array, padded: Array) -> Array:
        zero = np.zeros((), number.dtype)
        part = lax.pad(_select_tap(index, number.astype(index.dtype), grad), np.zeros((), grad.dtype), spread)
        start = (zero, *_position(pool, number), zero)
        return lax.dynamic_update_slice(padded, lax.dynamic_slice(padded, start, part.shape) + part, start)

    padded = lax.fori_loop(0, pool.tap_count, add_tap, jax.numpy.zeros(pool.padded_shape, grad.dtype))
    return padded[inner_slices(pool.axes)]


def max_pool3d_gradient_xla(pool: Pool, x: Array, grad: Array) -> Array:
    """Sends each gradient to every element of its window that equals the maximum, as TensorFlow does for volumes."""
    jax = load_jax()
    lax, numpy = jax.lax, jax.numpy
    wide = grad.astype(accumulator(grad.dtype))
    best = _reduce(lax.max, lowest(x.dtype), x, pool)
    zero = np.zeros((), wide.dtype)
    if pool.tiled:
        lengths = [axis.output * axis.window for axis in pool.axes]
        config = [(0, 0, 0)]
        for axis, length in zip(pool.axes, lengths, strict=True):
            config.append((axis.before, length - axis.before - axis.size, 0))
        covered = lax.pad(x, np.asarray(lowest(x.dtype)), [*config, (0, 0, 0)])
        shape = [pool.batch]
        for axis in pool.axes:
            shape += [axis.output, axis.window]
        equal = covered.reshape(*shape, pool.channels) == _beside_taps(best, pool)
        return _untile(numpy.where(equal, _beside_taps(wide, pool), zero), pool).astype(grad.dtype)
    padded, best, wide = lax.optimization_barrier((_pad(x, pool, lowest(x.dtype)), best, wide))
    total: Array = None
    for position in pool.taps:
        part = numpy.where(padded[tap_slices(pool.axes, position)] == best, wide, zero)
        config = [(0, 0, 0)]
        for axis, index in zip(pool.axes, position, strict=True):
            config.append(axis.scattered(index))
        term = lax.pad(part, zero, [*config, (0, 0, 0)])
        total = term if total is None else total + term
    return total.astype(grad.dtype)


def max_pool_gradient_gradient_xla(pool: Pool, x: Array, grad: Array) -> Array:
    """Reads ``grad`` at the first maximum of each window."""
    jax = load_jax()
    index = first_maximum_xla(x, pool)
    padded = _pad(grad, pool, 0)
    result = jax.numpy.zeros(pool.output_shape, grad.dtype)
    if pool.tap_count > _UNROLLED_TAPS:

        def visit(number: Array, result: Array) -> Array:
            tap = _dynamic_tap(padded, pool, number)
            return jax.numpy.where(index == number.astype(index.dtype), tap, result)

        return jax.lax.fori_loop(0, pool.tap_count, visit, result)
    for number, position in enumerate(pool.taps):
        tap = padded[tap_slices(pool.axes, position)]
        result = jax.numpy.where(index == index.dtype.type(number), tap, result)
    return result


def max_pool_xla(pool: Pool, x: Array) -> Array:
    """Takes the maximum of each window."""
    return _reduce(load_jax().lax.max, lowest(x.dtype), x, pool)


def average_pool_xla(pool: Pool, x: Array) -> Array:
    """Takes the mean of each window; padding does not count."""
    wide = accumulator(x.dtype)
    total = _reduce(load_jax().lax.add, np.zeros((), wide), x.astype(wide), pool)
    return (total / window_counts(pool).astype(wide)).astype(x.dtype)


def average_pool_gradient_xla(pool: Pool, grad: Array) -> Array:
    """Spreads each gradient evenly over its window, along one dimension of space after the other."""
    jax = load_jax()
    lax = jax.lax
    wide = accumulator(grad.dtype)
    share = grad.astype(wide) / window_counts(pool).astype(wide)
    if pool.tiled:
        shape = [pool.batch]
        for axis in pool.axes:
            shape += [axis.output, axis.window]
        tiles = jax.numpy.broadcast_to(_beside_taps(share, pool), (*shape, pool.channels))
        return _untile(tiles, pool).astype(grad.dtype)
    zero = np.zeros((), wide)
    for dimension, axis in enumerate(pool.axes, start=1):
        config = [(0, 0, 0)] * share.ndim
        config[dimension] = axis.transposed
        spread = lax.optimization_barrier(lax.pad(share, zero, config))
        if axis.window > _UNROLLED_TAPS:
            window = tuple(axis.window if d == dimension else 1 for d in range(share.ndim))
            share = lax.reduce_window(spread, zero, lax.add, window, (1,) * share.ndim, "VALID")
        else:
            before = (slice(None),) * dimension
            pieces = [spread[(*before, slice(j, j + axis.size))] for j in range(axis.window)]
            share = reduce(lax.add, pieces)
    return share.astype(grad.dtype)
