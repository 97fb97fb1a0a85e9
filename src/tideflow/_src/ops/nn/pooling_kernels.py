"""Holds the kernels of two-dimensional pooling and its gradients.

Every operation has a *host* kernel (NumPy: maxima and sums of strided slices) and an *xla* kernel (traced by
JAX). Arguments carry the names and the order of TensorFlow's raw operations; ``ksize`` and ``strides`` are
lists of four. Both layouts work everywhere; a kernel brings ``NCHW`` to ``NHWC`` first.

XLA's own window operations are slow on the CPU, so that the xla kernels use none of them for windows of
ordinary size: a pooling is slices of the padded input, combined over columns and then over rows (0.90 to
0.32 ms for 64x28x28x32); a maximum's
gradient finds the first maximum of each window by comparing the taps in order and selects, instead of
``select_and_scatter`` (20 to 0.2 ms where windows do not overlap, 37 to 0.7 where they do).

Where several elements of a window are equal, the first one in row-major order is the maximum, as in
TensorFlow. The gradients look for it in ``orig_input`` alone: ``orig_output`` may differ from it in the last
bit when a compiler fused its producer twice. Unlike TensorFlow's forward kernel on the CPU, which drops NaN,
a NaN reaches the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.ops.nn.convolution_kernels import (
    WindowAxis,
    channels_last_sizes,
    check_layout,
    from_channels_last,
    invalid,
    to_channels_last,
    unsupported,
    window_axes,
)

Array = Any

#: Windows with more taps than this are walked by a loop of the compiled program, not unrolled into it.
_UNROLLED_TAPS = 64


@lru_cache(maxsize=1)
def _jax() -> Any:
    """Imports JAX at first use: the host kernels and ``import tideflow`` do without it."""
    import jax

    return jax


class _Pool(NamedTuple):
    """Is one pooling, checked, with all sizes in NHWC."""

    batch: int
    rows: WindowAxis
    columns: WindowAxis
    channels: int

    @property
    def taps(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.rows.window) for j in range(self.columns.window)]

    @property
    def tap_count(self) -> int:
        return self.rows.window * self.columns.window

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.rows.size, self.columns.size, self.channels

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.rows.output, self.columns.output, self.channels

    @property
    def empty(self) -> bool:
        return 0 in self.output_shape

    @property
    def padded(self) -> bool:
        """Tells whether some window reaches beyond the input."""
        return any(axis.before or axis.after for axis in (self.rows, self.columns))

    @property
    def overlapping(self) -> bool:
        """Tells whether an element may lie in two windows."""
        return any(axis.stride < axis.window and axis.output > 1 for axis in (self.rows, self.columns))

    @property
    def tiled(self) -> bool:
        """Tells whether windows lie side by side with no gap."""
        return all(axis.stride == axis.window or axis.output == 1 for axis in (self.rows, self.columns))


def _describe(
    operation: str,
    shape: Sequence[int],
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> _Pool:
    """Checks shape and attributes of a pooling over rows and columns; they come in the call's own layout."""
    check_layout(operation, data_format)
    if len(shape) != 4:
        raise invalid(operation, f"input must have 4 dimensions (2 of them spatial), but got shape {list(shape)}")
    for label, values in (("ksize", ksize), ("strides", strides)):
        if len(values) != 4:
            raise invalid(operation, f"{label} must specify 4 dimensions, but got {len(values)}: {list(values)}")
    if min(ksize) <= 0:
        raise invalid(operation, f"sliding window ksize must be positive, but got {list(ksize)}")
    batch, height, width, channels = channels_last_sizes(shape, data_format)
    window = channels_last_sizes(ksize, data_format)
    if window[0] != 1:
        raise unsupported(operation, f"pooling over the batch dimension is not supported, got ksize {list(ksize)}")
    if window[3] != 1:
        raise unsupported(operation, f"pooling over the depth dimension is not supported, got ksize {list(ksize)}")
    rows, columns = window_axes(
        operation, (height, width), window[1:3], strides, padding, explicit_paddings, data_format
    )
    for label, axis in (("rows", rows), ("columns", columns)):
        if padding == "EXPLICIT" and max(axis.before, axis.after) >= axis.window:
            raise invalid(
                operation,
                f"padding needs to be smaller than the window size {axis.window}, "
                f"but got {axis.before} before and {axis.after} after along {label}",
            )
    return _Pool(batch, rows, columns, channels)


def _check_gradient(operation: str, label: str, shape: Sequence[int], expected: Sequence[int], layout: str) -> None:
    """Checks that an argument has the shape that the pooling gives it."""
    wanted = tuple(expected) if layout == "NHWC" else (expected[0], expected[3], expected[1], expected[2])
    if tuple(shape) != wanted:
        raise invalid(operation, f"expected {label} shape to be {list(wanted)}, but got {list(shape)}")


def _lowest(dtype: Any) -> Any:
    """Returns the number of ``dtype`` that is below all others, as a scalar array."""
    dtype = np.dtype(dtype)
    return np.array(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf, dtype)


def _accumulator(dtype: Any) -> Any:
    """Returns the dtype that values of a floating ``dtype`` are added or compared in."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if dtype.itemsize == 2 and dtype.kind not in "iu" else dtype


def _depth_window(operation: str, ksize: Sequence[int], strides: Sequence[int], layout: str, channels: int) -> int:
    """Returns the window over channels of a maximum that pools them alone, or 1."""
    window, stride = channels_last_sizes(ksize, layout), channels_last_sizes(strides, layout)
    if window[3] == 1:
        return 1
    if window[1] != 1 or window[2] != 1:
        raise unsupported(operation, f"pools either depth or rows and columns, not both: ksize {list(ksize)}")
    if channels % window[3]:
        raise unsupported(operation, f"the depth window {window[3]} must evenly divide the input depth {channels}")
    if stride[3] != window[3]:
        raise unsupported(operation, f"the depth window {window[3]} must equal the depth stride {stride[3]}")
    return window[3]


def _window_counts(pool: _Pool) -> np.ndarray:
    """Returns how many elements of the input each window holds, shaped (rows, columns, 1)."""
    counts = []
    for axis in (pool.rows, pool.columns):
        starts = np.arange(axis.output) * axis.stride - axis.before
        counts.append(np.minimum(starts + axis.window, axis.size) - np.maximum(starts, 0))
    return (counts[0][:, None] * counts[1])[:, :, None]


def _first_taps(pool: _Pool) -> np.ndarray:
    """Returns the index of each window's first tap that lies inside the input, shaped (rows, columns, 1)."""
    firsts = [np.maximum(axis.before - np.arange(axis.output) * axis.stride, 0) for axis in (pool.rows, pool.columns)]
    return (firsts[0][:, None] * pool.columns.window + firsts[1])[:, :, None]


# Host kernels


def _pad_host(x: np.ndarray, pool: _Pool, value: Any) -> np.ndarray:
    """Surrounds ``x`` with ``value`` where windows reach beyond it."""
    if not pool.padded:
        return x
    rows, columns = pool.rows, pool.columns
    padded = np.full((pool.batch, rows.padded, columns.padded, pool.channels), value, x.dtype)
    padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size] = x
    return padded


def _reduce_host(combine: Callable[..., Any], padded: np.ndarray, pool: _Pool) -> np.ndarray:
    """Combines the elements of every window: first along columns, then along rows."""
    for dimension, axis in ((2, pool.columns), (1, pool.rows)):
        before = (slice(None),) * dimension
        result = padded[(*before, axis.tap(0))]
        if axis.window > 1:
            result = result.copy()
            for index in range(1, axis.window):
                combine(result, padded[(*before, axis.tap(index))], out=result)
        padded = result
    return padded


def _first_maximum_host(x: np.ndarray, pool: _Pool) -> np.ndarray:
    """Returns, for each window, the index in row-major order of the first tap that holds the maximum."""
    x = x.astype(_accumulator(x.dtype), copy=False)
    padded = _pad_host(x, pool, _lowest(x.dtype))
    index_type = np.uint8 if pool.tap_count <= 256 else np.int32
    index = np.empty(pool.output_shape, index_type)
    firsts = _first_taps(pool)
    index[...] = firsts
    best = np.full(pool.output_shape, _lowest(x.dtype), x.dtype)
    for number, (i, j) in enumerate(pool.taps):
        tap = padded[:, pool.rows.tap(i), pool.columns.tap(j)]
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


def _max_pool_host(pool: _Pool, x: np.ndarray) -> np.ndarray:
    wide = x.astype(_accumulator(x.dtype), copy=False)
    result = _reduce_host(np.maximum, _pad_host(wide, pool, _lowest(wide.dtype)), pool)
    return np.ascontiguousarray(result).astype(x.dtype, copy=result.base is x)


def _crop_host(padded: np.ndarray, pool: _Pool, dtype: Any) -> np.ndarray:
    """Removes the padding of a gradient."""
    rows, columns = pool.rows, pool.columns
    inner = padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]
    return np.ascontiguousarray(inner).astype(dtype, copy=False)


def _max_pool_gradient_host(pool: _Pool, x: np.ndarray, grad: np.ndarray) -> np.ndarray:
    index = _first_maximum_host(x, pool)
    wide = grad.astype(_accumulator(grad.dtype), copy=False)
    padded = np.zeros((pool.batch, pool.rows.padded, pool.columns.padded, pool.channels), wide.dtype)
    for number, (i, j) in enumerate(pool.taps):
        target = padded[:, pool.rows.tap(i), pool.columns.tap(j)]
        if pool.overlapping:
            np.add(target, wide, out=target, where=index == number)
        else:
            np.copyto(target, wide, where=index == number)
    return _crop_host(padded, pool, grad.dtype)


def _max_pool_gradient_gradient_host(pool: _Pool, x: np.ndarray, grad: np.ndarray) -> np.ndarray:
    index = _first_maximum_host(x, pool)
    padded = _pad_host(grad, pool, np.zeros((), grad.dtype))
    result = np.zeros(pool.output_shape, grad.dtype)
    for number, (i, j) in enumerate(pool.taps):
        np.copyto(result, padded[:, pool.rows.tap(i), pool.columns.tap(j)], where=index == number)
    return result


def _average_pool_host(pool: _Pool, x: np.ndarray) -> np.ndarray:
    wide = x.astype(_accumulator(x.dtype), copy=False)
    total = _reduce_host(np.add, _pad_host(wide, pool, 0), pool)
    return (total / _window_counts(pool).astype(wide.dtype)).astype(x.dtype, copy=False)


def _average_pool_gradient_host(pool: _Pool, grad: np.ndarray) -> np.ndarray:
    wide = grad.astype(_accumulator(grad.dtype), copy=False)
    share = wide / _window_counts(pool).astype(wide.dtype)
    # Spread along the rows first, then along the columns: fewer additions than one for each tap.
    tall = np.zeros((pool.batch, pool.rows.padded, pool.columns.output, pool.channels), wide.dtype)
    for i in range(pool.rows.window):
        tall[:, pool.rows.tap(i)] += share
    padded = np.zeros((pool.batch, pool.rows.padded, pool.columns.padded, pool.channels), wide.dtype)
    for j in range(pool.columns.window):
        padded[:, :, pool.columns.tap(j)] += tall
    return _crop_host(padded, pool, grad.dtype)


# XLA kernels


def _pad_xla(x: Array, pool: _Pool, value: Any) -> Array:
    """Surrounds ``x`` with ``value`` where windows reach beyond it; no tap computes the result again."""
    lax = _jax().lax
    if not pool.padded:
        return x
    rows, columns = pool.rows, pool.columns
    config = ((0, 0, 0), (rows.before, rows.after, 0), (columns.before, columns.after, 0), (0, 0, 0))
    return lax.optimization_barrier(lax.pad(x, np.asarray(value, x.dtype), config))


def _reduce_xla(combine: Any, initial: Any, x: Array, pool: _Pool) -> Array:
    """Combines the elements of every window: first along columns, then along rows."""
    lax = _jax().lax
    rows, columns = pool.rows, pool.columns
    if rows.window + columns.window > _UNROLLED_TAPS:
        pads = ((0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0))
        window, strides = (1, rows.window, columns.window, 1), (1, rows.stride, columns.stride, 1)
        return lax.reduce_window(x, np.asarray(initial, x.dtype), combine, window, strides, pads)
    padded = _pad_xla(x, pool, initial)
    narrow = reduce(combine, (padded[:, :, columns.tap(j)] for j in range(columns.window)))
    return reduce(combine, (narrow[:, rows.tap(i)] for i in range(rows.window)))


def _index_type(pool: _Pool) -> Any:
    """Returns the narrowest integer type that numbers the taps, with -1 for none."""
    return np.int8 if pool.tap_count <= 127 else np.int32


def _better(tap: Array, best: Array, number: Any, firsts: np.ndarray | None) -> Array:
    """Tells where a tap replaces the best so far: it is greater, or the window's first inside the input."""
    better = tap > best
    return better if firsts is None else better | (firsts == number)


def _dynamic_tap(padded: Array, pool: _Pool, number: Array) -> Array:
    """Returns the slice of every window's tap whose number is known only when the program runs."""
    lax = _jax().lax
    i, j = number // pool.columns.window, number % pool.columns.window
    sizes = (pool.batch, pool.rows.span, pool.columns.span, pool.channels)
    zero = np.zeros((), number.dtype)
    return lax.dynamic_slice(padded, (zero, i, j, zero), sizes)[:, :: pool.rows.stride, :: pool.columns.stride]


def _first_maximum_xla(x: Array, pool: _Pool) -> Array:
    """Returns, for each window, the index in row-major order of the first tap that holds the maximum."""
    jax = _jax()
    lax, numpy = jax.lax, jax.numpy
    index_type = _index_type(pool)
    x = x.astype(_accumulator(x.dtype))
    padded = _pad_xla(x, pool, _lowest(x.dtype))
    firsts = _first_taps(pool).astype(index_type) if pool.padded else None
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
    best = padded[:, pool.rows.tap(0), pool.columns.tap(0)]
    index = numpy.zeros(pool.output_shape, index_type)
    if firsts is not None:
        index = numpy.broadcast_to(firsts, pool.output_shape)
    for number, (i, j) in enumerate(pool.taps[1:], start=1):
        tap = padded[:, pool.rows.tap(i), pool.columns.tap(j)]
        better = _better(tap, best, index_type(number), firsts)
        index = numpy.where(better, index_type(number), index)
        best = numpy.where(better, tap, best)
    return index if pool.tiled else lax.optimization_barrier(index)


def _untile_xla(tiles: Array, pool: _Pool) -> Array:
    """Lays windows side by side and crops them to the input.

    ``tiles`` is shaped (batch, rows, row taps, columns, column taps, channels).
    """
    lax = _jax().lax
    rows, columns = pool.rows, pool.columns
    height, width = rows.output * rows.window, columns.output * columns.window
    flat = tiles.reshape(pool.batch, height, width, pool.channels)
    config = [(0, 0, 0)]
    for axis, length in ((rows, height), (columns, width)):
        config.append((-axis.before, axis.size + axis.before - length, 0))
    config.append((0, 0, 0))
    return lax.pad(flat, np.zeros((), flat.dtype), config)


def _select_tap(index: Array, number: Any, grad: Array) -> Array:
    """Returns ``grad`` where ``number`` is the tap of the maximum, and zero elsewhere."""
    return _jax().numpy.where(index == number, grad, np.zeros((), grad.dtype))


def _max_pool_gradient_xla(pool: _Pool, x: Array, grad: Array) -> Array:
    """Sends each gradient to the first maximum of its window."""
    jax = _jax()
    numpy = jax.numpy
    index = _first_maximum_xla(x, pool)
    rows, columns = pool.rows, pool.columns
    wide = grad.astype(_accumulator(grad.dtype))
    if pool.tiled:
        numbers = np.arange(pool.tap_count, dtype=index.dtype).reshape(rows.window, 1, columns.window, 1)
        tiles = _select_tap(index[:, :, None, :, None], numbers, grad[:, :, None, :, None])
        return _untile_xla(tiles, pool)
    if pool.tap_count > _UNROLLED_TAPS:
        return _scatter_loop_xla(index, wide, pool).astype(grad.dtype)
    # An output phase is the elements whose padded position is the same modulo the strides. The windows that
    # reach one such element start at its own place and at the few before it: shifted slices of ``index`` and
    # ``grad``.
    reach = [-(-axis.window // axis.stride) for axis in (rows, columns)]
    places = [-(-axis.padded // axis.stride) for axis in (rows, columns)]
    config = [(0, 0, 0)]
    for axis, shifts, count in zip((rows, columns), reach, places, strict=True):
        config.append((shifts - 1, count - axis.output, 0))
    config.append((0, 0, 0))
    index = jax.lax.pad(index, index.dtype.type(-1), config)
    wide = jax.lax.pad(wide, np.zeros((), wide.dtype), config)
    index, wide = jax.lax.optimization_barrier((index, wide))
    zero = np.zeros((), wide.dtype)
    phases = []
    for row in range(rows.stride):
        for column in range(columns.stride):
            total = numpy.full((pool.batch, *places, pool.channels), zero)
            for i in range(row, rows.window, rows.stride):
                for j in range(column, columns.window, columns.stride):
                    up, left = reach[0] - 1 - i // rows.stride, reach[1] - 1 - j // columns.stride
                    part = (slice(None), slice(up, up + places[0]), slice(left, left + places[1]))
                    total = total + _select_tap(index[part], index.dtype.type(i * columns.window + j), wide[part])
            phases.append(total)
    if len(phases) > 1:
        stack = numpy.stack(phases, axis=3)
        stack = stack.reshape(pool.batch, *places, rows.stride, columns.stride, pool.channels)
        total = stack.transpose(0, 1, 3, 2, 4, 5)
    padded = total.reshape(pool.batch, places[0] * rows.stride, places[1] * columns.stride, pool.channels)
    inner = padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]
    return inner.astype(grad.dtype)


def _scatter_loop_xla(index: Array, grad: Array, pool: _Pool) -> Array:
    """Adds the taps' gradients one after the other in a loop, for large windows that overlap."""
    jax = _jax()
    lax = jax.lax
    rows, columns = pool.rows, pool.columns
    spread = ((0, 0, 0), (0, 0, rows.stride - 1), (0, 0, columns.stride - 1), (0, 0, 0))

    def add_tap(number: Array, padded: Array) -> Array:
        zero = np.zeros((), number.dtype)
        part = lax.pad(_select_tap(index, number.astype(index.dtype), grad), np.zeros((), grad.dtype), spread)
        start = (zero, number // columns.window, number % columns.window, zero)
        return lax.dynamic_update_slice(padded, lax.dynamic_slice(padded, start, part.shape) + part, start)

    padded = jax.numpy.zeros((pool.batch, rows.padded, columns.padded, pool.channels), grad.dtype)
    padded = lax.fori_loop(0, pool.tap_count, add_tap, padded)
    return padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]


def _max_pool_gradient_gradient_xla(pool: _Pool, x: Array, grad: Array) -> Array:
    """Reads ``grad`` at the first maximum of each window."""
    jax = _jax()
    index = _first_maximum_xla(x, pool)
    padded = _pad_xla(grad, pool, 0)
    result = jax.numpy.zeros(pool.output_shape, grad.dtype)
    if pool.tap_count > _UNROLLED_TAPS:

        def visit(number: Array, result: Array) -> Array:
            tap = _dynamic_tap(padded, pool, number)
            return jax.numpy.where(index == number.astype(index.dtype), tap, result)

        return jax.lax.fori_loop(0, pool.tap_count, visit, result)
    for number, (i, j) in enumerate(pool.taps):
        tap = padded[:, pool.rows.tap(i), pool.columns.tap(j)]
        result = jax.numpy.where(index == index.dtype.type(number), tap, result)
    return result


def _max_pool_xla(pool: _Pool, x: Array) -> Array:
    lax = _jax().lax
    return _reduce_xla(lax.max, _lowest(x.dtype), x, pool)


def _average_pool_xla(pool: _Pool, x: Array) -> Array:
    lax = _jax().lax
    accumulator = _accumulator(x.dtype)
    total = _reduce_xla(lax.add, np.zeros((), accumulator), x.astype(accumulator), pool)
    return (total / _window_counts(pool).astype(accumulator)).astype(x.dtype)


def _average_pool_gradient_xla(pool: _Pool, grad: Array) -> Array:
    """Spreads each gradient evenly over its window, along rows and then along columns."""
    jax = _jax()
    lax = jax.lax
    rows, columns = pool.rows, pool.columns
    accumulator = _accumulator(grad.dtype)
    share = grad.astype(accumulator) / _window_counts(pool).astype(accumulator)
    if pool.tiled:
        shape = (pool.batch, rows.output, rows.window, columns.output, columns.window, pool.channels)
        return _untile_xla(jax.numpy.broadcast_to(share[:, :, None, :, None], shape), pool).astype(grad.dtype)
    zero = np.zeros((), accumulator)
    for dimension, axis in ((1, rows), (2, columns)):
        config = [(0, 0, 0)] * 4
        low = axis.window - 1 - axis.before
        config[dimension] = (low, axis.size + axis.window - 1 - axis.span - low, axis.stride - 1)
        spread = lax.optimization_barrier(lax.pad(share, zero, config))
        if axis.window > _UNROLLED_TAPS:
            window = tuple(axis.window if d == dimension else 1 for d in range(4))
            share = lax.reduce_window(spread, zero, lax.add, window, (1, 1, 1, 1), "VALID")
        else:
            before = (slice(None),) * dimension
            pieces = (spread[(*before, slice(j, j + axis.size))] for j in range(axis.window))
            share = reduce(lax.add, pieces)
    return share.astype(grad.dtype)


# The operations

_Namespace = Callable[[], Any]


def _numpy_host() -> Any:
    return np


def _numpy_xla() -> Any:
    return _jax().numpy


def _named(function: Callable[..., Array], operation: str, kernel: Callable[..., Array]) -> Callable[..., Array]:
    """Gives ``function`` the names that a traceback and ``help`` show."""
    tier = kernel.__name__.rpartition("_")[2]
    function.__name__ = function.__qualname__ = f"{operation}_{tier}"
    function.__doc__ = f"Computes {operation} with the raw operation's inputs and attributes ({tier} kernel)."
    return function


def _max_pool(numpy: _Namespace, kernel: Callable[[_Pool, Array], Array]) -> Callable[..., Array]:
    """Makes the public kernel of MaxPool, which pools rows and columns or else groups of channels."""

    def max_pool(
        input: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
    ) -> Array:
        check_layout("MaxPool", data_format)
        if len(input.shape) == len(ksize) == len(strides) == 4 and channels_last_sizes(ksize, data_format)[3] > 1:
            x = to_channels_last(input, data_format)
            depth = _depth_window("MaxPool", ksize, strides, data_format, x.shape[3])
            result = x.reshape(*x.shape[:3], x.shape[3] // depth, depth).max(axis=4)
            return from_channels_last(result, data_format)
        pool = _describe("MaxPool", input.shape, ksize, strides, padding, explicit_paddings, data_format)
        if pool.empty:
            return from_channels_last(numpy().zeros(pool.output_shape, input.dtype), data_format)
        return from_channels_last(kernel(pool, to_channels_last(input, data_format)), data_format)

    return _named(max_pool, "MaxPool", kernel)


def _max_pool_gradient(numpy: _Namespace, kernel: Callable[[_Pool, Array, Array], Array]) -> Callable[..., Array]:
    """Makes the public kernel of MaxPoolGrad."""

    def max_pool_grad(
        orig_input: Array,
        orig_output: Array,
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
    ) -> Array:
        pool = _describe("MaxPoolGrad", orig_input.shape, ksize, strides, padding, explicit_paddings, data_format)
        _check_gradient("MaxPoolGrad", "orig_output", orig_output.shape, pool.output_shape, data_format)
        _check_gradient("MaxPoolGrad", "grad", grad.shape, pool.output_shape, data_format)
        if pool.empty:
            return numpy().zeros(orig_input.shape, grad.dtype)
        x, grad = to_channels_last(orig_input, data_format), to_channels_last(grad, data_format)
        return from_channels_last(kernel(pool, x, grad), data_format)

    return _named(max_pool_grad, "MaxPoolGrad", kernel)


def _max_pool_gradient_gradient(
    numpy: _Namespace, kernel: Callable[[_Pool, Array, Array], Array]
) -> Callable[..., Array]:
    """Makes the public kernel of MaxPoolGradGrad."""

    def max_pool_grad_grad(
        orig_input: Array,
        orig_output: Array,
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        data_format: str = "NHWC",
    ) -> Array:
        pool = _describe("MaxPoolGradGrad", orig_input.shape, ksize, strides, padding, (), data_format)
        _check_gradient("MaxPoolGradGrad", "orig_output", orig_output.shape, pool.output_shape, data_format)
        _check_gradient("MaxPoolGradGrad", "grad", grad.shape, pool.input_shape, data_format)
        if pool.empty:
            return numpy().zeros(orig_output.shape, grad.dtype)
        x, grad = to_channels_last(orig_input, data_format), to_channels_last(grad, data_format)
        return from_channels_last(kernel(pool, x, grad), data_format)

    return _named(max_pool_grad_grad, "MaxPoolGradGrad", kernel)


def _max_pool_with_argmax(
    numpy: _Namespace,
    values: Callable[[_Pool, Array], Array],
    first_maximum: Callable[[Array, _Pool], Array],
) -> Callable[..., Any]:
    """Makes the public kernel of MaxPoolWithArgmax; its layout is NHWC."""

    def max_pool_with_argmax(
        input: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        Targmax: Any = np.int64,
        include_batch_in_index: bool = False,
    ) -> tuple[Array, Array]:
        pool = _describe("MaxPoolWithArgmax", input.shape, ksize, strides, padding, (), "NHWC")
        if pool.empty:
            return numpy().zeros(pool.output_shape, input.dtype), numpy().zeros(pool.output_shape, Targmax)
        rows, columns = pool.rows, pool.columns
        tap = first_maximum(input, pool).astype(np.int64)
        row = tap // columns.window + (np.arange(rows.output) * rows.stride - rows.before)[:, None, None]
        column = tap % columns.window + (np.arange(columns.output) * columns.stride - columns.before)[:, None]
        flat = (row * columns.size + column) * pool.channels + np.arange(pool.channels)
        if include_batch_in_index:
            flat = flat + (np.arange(pool.batch) * int(np.prod(pool.input_shape[1:])))[:, None, None, None]
        return values(pool, input), flat.astype(Targmax)

    return _named(max_pool_with_argmax, "MaxPoolWithArgmax", values)


def _average_pool(numpy: _Namespace, kernel: Callable[[_Pool, Array], Array]) -> Callable[..., Array]:
    """Makes the public kernel of AvgPool; padding does not count towards the average."""

    def avg_pool(
        value: Array, *, ksize: Sequence[int], strides: Sequence[int], padding: str, data_format: str = "NHWC"
    ) -> Array:
        pool = _describe("AvgPool", value.shape, ksize, strides, padding, (), data_format)
        if pool.empty:
            return from_channels_last(numpy().zeros(pool.output_shape, value.dtype), data_format)
        return from_channels_last(kernel(pool, to_channels_last(value, data_format)), data_format)

    return _named(avg_pool, "AvgPool", kernel)


def _average_pool_gradient(numpy: _Namespace, kernel: Callable[[_Pool, Array], Array]) -> Callable[..., Array]:
    """Makes the public kernel of AvgPoolGrad."""

    def avg_pool_grad(
        orig_input_shape: Sequence[int],
        grad: Array,
        *,
        ksize: Sequence[int],
        strides: Sequence[int],
        padding: str,
        data_format: str = "NHWC",
    ) -> Array:
        shape = tuple(int(size) for size in orig_input_shape)
        pool = _describe("AvgPoolGrad", shape, ksize, strides, padding, (), data_format)
        _check_gradient("AvgPoolGrad", "grad", grad.shape, pool.output_shape, data_format)
        if pool.empty:
            return numpy().zeros(shape, grad.dtype)
        return from_channels_last(kernel(pool, to_channels_last(grad, data_format)), data_format)

    return _named(avg_pool_grad, "AvgPoolGrad", kernel)


max_pool_host = _max_pool(_numpy_host, _max_pool_host)
max_pool_xla = _max_pool(_numpy_xla, _max_pool_xla)
max_pool_grad_host = _max_pool_gradient(_numpy_host, _max_pool_gradient_host)
max_pool_grad_xla = _max_pool_gradient(_numpy_xla, _max_pool_gradient_xla)
max_pool_grad_grad_host = _max_pool_gradient_gradient(_numpy_host, _max_pool_gradient_gradient_host)
max_pool_grad_grad_xla = _max_pool_gradient_gradient(_numpy_xla, _max_pool_gradient_gradient_xla)
max_pool_with_argmax_host = _max_pool_with_argmax(_numpy_host, _max_pool_host, _first_maximum_host)
max_pool_with_argmax_xla = _max_pool_with_argmax(_numpy_xla, _max_pool_xla, _first_maximum_xla)
avg_pool_host = _average_pool(_numpy_host, _average_pool_host)
avg_pool_xla = _average_pool(_numpy_xla, _average_pool_xla)
avg_pool_grad_host = _average_pool_gradient(_numpy_host, _average_pool_gradient_host)
avg_pool_grad_xla = _average_pool_gradient(_numpy_xla, _average_pool_gradient_xla)
