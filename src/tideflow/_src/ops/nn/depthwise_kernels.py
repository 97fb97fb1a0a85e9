"""Depthwise convolution of images: each channel has filters of its own.

Both tiers sum, over the taps of the window, slices of the padded input times the tap's weights. XLA's convolution with
groups would take 41 ms where this takes 0.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.ops.nn.convolution_plan import Convolution
from tideflow._src.ops.nn.windows import accumulator, crop, load_jax, pad, pad_xla, tap_slices

Array = Any

#: Bytes of results that the host kernels work on at a time.
_CHUNK_BYTES = 1 << 18


# Host kernels


def _chunks(call: Convolution, itemsize: int) -> Iterator[slice]:
    """Yields slices of the batch whose results stay in the cache while every tap is added to them."""
    image = int(np.prod(call.output_shape[1:])) * itemsize
    count = max(1, _CHUNK_BYTES // image)
    for start in range(0, call.batch, count):
        yield slice(start, min(start + count, call.batch))


def depthwise_host(call: Convolution, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """Sums the taps' slices of the padded input times the tap's weights."""
    wide = accumulator(x.dtype)
    result = np.empty((*call.output_shape[:3], call.channels, call.depth), wide)
    if call.empty:
        return np.zeros(call.output_shape, x.dtype)
    padded = pad(x, call, wide)
    weights = filter.astype(wide, copy=False)
    for images in _chunks(call, wide.itemsize):
        part, source = result[images], padded[images]
        product = np.empty_like(part)
        for number, tap in enumerate(call.taps):
            values = source[tap_slices(call.axes, tap)][..., None]
            if number == 0:
                np.multiply(values, weights[tap], out=part)
                continue
            np.multiply(values, weights[tap], out=product)
            np.add(part, product, out=part)
    return result.reshape(call.output_shape).astype(x.dtype, copy=False)


def depthwise_input_gradient_host(call: Convolution, filter: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Adds the gradient times each tap's weights where the tap had read."""
    wide = accumulator(out_backprop.dtype)
    padded = np.zeros(call.padded_shape, wide)
    if not call.empty:
        weights = filter.astype(wide, copy=False)
        gradient = out_backprop.astype(wide, copy=False).reshape(*call.output_shape[:3], call.channels, call.depth)
        for images in _chunks(call, wide.itemsize):
            target, part = padded[images], gradient[images]
            product = np.empty(part.shape, wide)
            for tap in call.taps:
                np.multiply(part, weights[tap], out=product)
                place = target[tap_slices(call.axes, tap)]
                place += product[..., 0] if call.depth == 1 else product.sum(axis=-1)
    return crop(padded, call, out_backprop.dtype)


def depthwise_filter_gradient_host(call: Convolution, x: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Sums, for each tap, the slice of the padded input times the gradient."""
    wide = accumulator(x.dtype)
    result = np.zeros((len(call.taps), call.outputs), wide)
    if not call.empty:
        padded = pad(x, call, wide)
        gradient = out_backprop.astype(wide, copy=False).reshape(*call.output_shape[:3], call.channels, call.depth)
        for images in _chunks(call, wide.itemsize):
            source, part = padded[images], gradient[images]
            product = np.empty(part.shape, wide)
            ones = np.ones(part.size // call.outputs, wide)
            for index, tap in enumerate(call.taps):
                np.multiply(source[tap_slices(call.axes, tap)][..., None], part, out=product)
                result[index] += ones @ product.reshape(-1, call.outputs)
    return result.astype(x.dtype, copy=False)


# XLA kernels


def depthwise_xla(call: Convolution, x: Array, filter: Array) -> Array:
    """Sums the taps' slices of the padded input times the tap's weights; XLA fuses it into one loop."""
    jax = load_jax()
    if call.empty:
        return jax.numpy.zeros(call.output_shape, x.dtype)
    wide = accumulator(x.dtype)
    padded = pad_xla(x.astype(wide), call)
    weights = filter.astype(wide)
    if call.channels == 1 or call.depth == 1:
        # One of the two factors of the channels is one: broadcasting does without a fifth dimension.
        weights = weights.reshape(*filter.shape[:2], call.outputs)
    else:
        padded = jax.numpy.repeat(padded, call.depth, axis=3)
        weights = weights.reshape(*filter.shape[:2], call.outputs)
        padded = jax.lax.optimization_barrier(padded)
    terms = [padded[tap_slices(call.axes, tap)] * weights[tap] for tap in call.taps]
    # Without the barrier, each reader of the result would compute the sum over the taps again.
    return jax.lax.optimization_barrier(sum(terms[1:], terms[0]).astype(x.dtype))


def depthwise_input_gradient_xla(call: Convolution, filter: Array, out_backprop: Array) -> Array:
    """Sums the taps' slices of the spread and padded gradient times the tap's weights."""
    jax = load_jax()
    lax = jax.lax
    rows, columns = call.axes
    dtype = out_backprop.dtype
    if call.empty:
        return jax.numpy.zeros((call.batch, rows.size, columns.size, call.channels), dtype)
    wide = accumulator(dtype)
    config = [(0, 0, 0), rows.transposed, columns.transposed, (0, 0, 0)]
    spread = lax.optimization_barrier(lax.pad(out_backprop.astype(wide), np.zeros((), wide), config))
    weights = filter.astype(wide)
    total: Array = None
    for m in range(call.depth):
        for i, j in call.taps:
            row = rows.extent - 1 - i * rows.dilation
            column = columns.extent - 1 - j * columns.dilation
            part = spread[:, row : row + rows.size, column : column + columns.size, m :: call.depth]
            term = part * weights[i, j, :, m]
            total = term if total is None else total + term
    return total.astype(dtype)


def depthwise_filter_gradient_xla(call: Convolution, x: Array, out_backprop: Array) -> Array:
    """Adds up the images' products in a loop, then sums each tap's plane.

    A plain reduction over batch, rows and columns takes 10 to 80 ms where this takes 2 to 6.
    """
    jax = load_jax()
    numpy = jax.numpy
    rows, columns = call.axes
    shape = (rows.window, columns.window, call.channels, call.depth)
    if call.empty:
        return numpy.zeros(shape, x.dtype)
    wide = accumulator(x.dtype)
    padded = pad_xla(x.astype(wide), call)
    if call.depth > 1 and call.channels > 1:
        padded = numpy.repeat(padded, call.depth, axis=3)

    def add_image(sums: tuple[Array, ...], image: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        pixels, gradient = image
        products = (pixels[rows.tap(i), columns.tap(j)] * gradient for i, j in call.taps)
        return tuple(total + product for total, product in zip(sums, products, strict=True)), None

    start = tuple(numpy.zeros(call.output_shape[1:], wide) for _ in call.taps)
    sums, _ = jax.lax.scan(add_image, start, (padded, out_backprop.astype(wide)))
    planes = [jax.lax.optimization_barrier(total).sum(axis=(0, 1)) for total in sums]
    return numpy.stack(planes).reshape(shape).astype(x.dtype)
