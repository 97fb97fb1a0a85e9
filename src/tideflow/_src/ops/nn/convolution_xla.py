"""Convolution as XLA on the CPU runs it fast.

The obvious lowering is slow for many shapes. Milliseconds on two AVX-512 cores; "plain" is XLA's own choice, "chosen"
what this file takes, with ``COMPILER_OPTIONS`` set:

====================================  ===========================================  =====  ======
case (batch, size, in, out, window)   lowering                                     plain  chosen
====================================  ===========================================  =====  ======
forward (64, 14, 32, 64, 3)           ``conv_general_dilated``                      2.04    1.17
forward (32, 28, 64, 128, 3, by 2)    ``conv_general_dilated``                      4.32    2.30
forward (64, 28, 1, 32, 3)            sum over the taps; Eigen would take 1.28      0.28    0.26
1x1 window (32, 28, 64, 64)           one matrix product                            0.94    0.42
1x1, filter gradient                  one matrix product                            4.29    1.36
filter gradient (64, 14, 32, 64, 3)   convolution with batch and channel swapped    3.75    1.63
input gradient (64, 14, 32, 64, 3)    convolution with the reversed filter          1.92    1.25
input gradient (16, 64, 3, 32, 3)     product, then sum of shifted columns          1.40    0.79
volumes (4, 16x32x32, 32, 32, 3)      sum of a convolution of planes for each tap   62.9    12.9
====================================  ===========================================  =====  ======

A whole training step (convolutions of 32 and 64 filters on 64x28x28x1, pools, two dense layers, Adam) takes 6.8 ms so,
11.2 with the plain convolutions, and 5.8 in TensorFlow 2.21, interleaved on one machine; by the host kernels, 42.

What was tried and is slower for filter gradients: a product for each tap, patches of some images at a time in a loop,
and the image cut into strips.

float64 and int32 have no fast convolution in XLA on the CPU; they are patches and a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tideflow._src.ops.nn import winograd
from tideflow._src.ops.nn.convolution_plan import Convolution, Kernel
from tideflow._src.ops.nn.depthwise_kernels import (
    depthwise_filter_gradient_xla,
    depthwise_input_gradient_xla,
    depthwise_xla,
)
from tideflow._src.ops.nn.windows import WindowAxis, accumulator, load_jax, pad_xla, tap_slices

Array = Any

#: Compiler options for a CPU program that holds convolutions: without the library YNNPACK, which runs convolutions of
#: several common shapes, and batches of products, on a single thread; and barriers keep XLA from fusing across them,
#: which by default they do not.
COMPILER_OPTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": "",
    "xla_disable_hlo_passes": "cse_barrier_expander",
}

#: Windows with more taps than this are not unrolled when there is another way.
_UNROLLED_TAPS = 49

#: The most taps along the first dimension of volumes that become convolutions of their own.
_UNROLLED_PLANES = 16

_LAST = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}


def _matrix_only(x: Array) -> bool:
    """Tells whether XLA on the CPU has fast matrix products but no fast convolution for this dtype."""
    return np.dtype(x.dtype).itemsize == 8 or np.dtype(x.dtype).kind in "iu"


def _patches(call: Convolution, x: Array) -> Array:
    """Returns the patches of ``x`` as a matrix, a row for each window."""
    jax = load_jax()
    padded = pad_xla(x, call)
    pieces = [padded[tap_slices(call.axes, tap)] for tap in call.taps]
    patches = pieces[0] if len(pieces) == 1 else jax.numpy.concatenate(pieces, axis=-1)
    return jax.lax.optimization_barrier(patches.reshape(-1, len(pieces) * call.channels))


def _as_depthwise(call: Convolution) -> Convolution:
    """Sees a convolution whose groups are single channels as the depthwise convolution that it is."""
    return call._replace(depth=call.outputs // call.channels)


def _split_groups(call: Convolution, kernel: Kernel, first: Array, second: Array) -> Array:
    """Runs ``kernel`` on every group and joins the results' channels.

    XLA on the CPU is slower, for filter gradients a hundred times, with one convolution that has several
    groups.
    """
    numpy = load_jax().numpy
    part = call._replace(channels=call.depth, outputs=call.outputs // call.groups)
    pieces = zip(
        numpy.split(first, call.groups, axis=-1),
        numpy.split(second, call.groups, axis=-1),
        strict=True,
    )
    return numpy.concatenate([kernel(part, a, b) for a, b in pieces], axis=-1)


def _by_planes(call: Convolution) -> bool:
    """Tells whether a convolution of volumes is done as convolutions of their planes."""
    return len(call.axes) == 3 and call.axes[0].window <= _UNROLLED_PLANES


def _of_planes(call: Convolution) -> Convolution:
    """Returns the convolution of the planes that one tap along the first dimension reads."""
    return call._replace(batch=call.batch * call.axes[0].output, axes=call.axes[1:])


def _pad_first(call: Convolution, x: Array) -> Array:
    """Pads volumes along the first dimension of space."""
    first = call.axes[0]
    if not (first.before or first.after):
        return x
    lax = load_jax().lax
    config = [(0, 0, 0)] * 5
    config[1] = (first.before, first.after, 0)
    return lax.optimization_barrier(lax.pad(x, np.zeros((), x.dtype), config))


def convolve_xla(call: Convolution, x: Array, filter: Array) -> Array:
    """Lowers a convolution to the form that is fastest for its shape (see the table at the top)."""
    jax = load_jax()
    if call.empty:
        return jax.numpy.zeros(call.output_shape, x.dtype)
    if call.groups > 1:
        if call.depth == 1 and len(call.axes) == 2:
            depthwise = _as_depthwise(call)
            return depthwise_xla(depthwise, x, filter.reshape(*filter.shape[:2], call.channels, depthwise.depth))
        return _split_groups(call, convolve_xla, x, filter)
    if x.dtype != accumulator(x.dtype):
        return convolve_xla(call, x.astype(np.float32), filter.astype(np.float32)).astype(x.dtype)
    if call.pointwise:
        x = x[tap_slices(call.axes, call.taps[0])]
        return (x.reshape(-1, call.channels) @ filter.reshape(call.channels, -1)).reshape(call.output_shape)
    if call.channels == 1 and len(call.axes) == 2 and len(call.taps) <= _UNROLLED_TAPS:
        return depthwise_xla(_as_depthwise(call), x, filter)
    if _by_planes(call):
        part = _of_planes(call)
        padded = _pad_first(call, x)
        total: Array = None
        for tap in range(call.axes[0].window):
            planes = padded[:, call.axes[0].tap(tap)].reshape(part.input_shape)
            term = convolve_xla(part, planes, filter[tap])
            total = term if total is None else total + term
        return total.reshape(call.output_shape)
    if _matrix_only(x):
        return (_patches(call, x) @ filter.reshape(-1, call.outputs)).reshape(call.output_shape)

    def direct(x: Array, filter: Array) -> Array:
        return jax.lax.conv_general_dilated(
            x,
            filter,
            call.strides,
            [(axis.before, axis.after) for axis in call.axes],
            rhs_dilation=call.dilations,
            dimension_numbers=_LAST[len(call.axes)],
        )

    if not winograd.pays(call, x.dtype):
        return direct(x, filter)
    return _on_cpu(partial(winograd.convolve, call), direct, x, filter)


def _sum_scattered(pieces: list[Array], axes: list[tuple[WindowAxis, ...]], taps: list[tuple[int, ...]]) -> Array:
    """Adds up what each tap gives to the elements that it had read; ``axes`` are those of space, of each piece."""
    lax = load_jax().lax
    total: Array = None
    for piece, along, tap in zip(pieces, axes, taps, strict=True):
        config = [(0, 0, 0)] * piece.ndim
        for dimension, (axis, index) in enumerate(zip(along, tap, strict=True), start=1):
            config[dimension] = axis.scattered(index)
        term = lax.pad(piece, np.zeros((), piece.dtype), config)
        total = term if total is None else total + term
    return total


def input_gradient_xla(call: Convolution, filter: Array, out_backprop: Array) -> Array:
    """Lowers the input gradient to a convolution with the reversed filter, or to shifted sums."""
    jax = load_jax()
    lax = jax.lax
    dtype = out_backprop.dtype
    if call.empty:
        return jax.numpy.zeros(call.input_shape, dtype)
    if call.groups > 1:
        if call.depth == 1 and len(call.axes) == 2:
            depthwise = _as_depthwise(call)
            filter = filter.reshape(*filter.shape[:2], call.channels, depthwise.depth)
            return depthwise_input_gradient_xla(depthwise, filter, out_backprop)
        return _split_groups(call, input_gradient_xla, filter, out_backprop)
    if dtype != accumulator(dtype):
        filter, out_backprop = filter.astype(np.float32), out_backprop.astype(np.float32)
        return input_gradient_xla(call, filter, out_backprop).astype(dtype)
    taps = call.taps
    few = call.channels <= 4 and len(taps) <= _UNROLLED_TAPS
    if call.pointwise or few or (_matrix_only(out_backprop) and not _by_planes(call)):
        gradient = out_backprop.reshape(-1, call.outputs)
        patches = lax.optimization_barrier(gradient @ filter.reshape(-1, call.outputs).T)
        patches = patches.reshape(*call.output_shape[:-1], len(taps), call.channels)
        pieces = [patches[..., index, :] for index in range(len(taps))]
        return _sum_scattered(pieces, [call.axes] * len(taps), taps)
    if _by_planes(call):
        part = _of_planes(call)
        planes = out_backprop.reshape(part.output_shape)
        first = call.axes[0]
        pieces = [
            input_gradient_xla(part, filter[tap], planes).reshape(call.batch, first.output, *part.input_shape[1:])
            for tap in range(first.window)
        ]
        return _sum_scattered(pieces, [(first,)] * len(pieces), [(tap,) for tap in range(first.window)])

    def direct(filter: Array, out_backprop: Array) -> Array:
        return lax.conv_general_dilated(
            out_backprop,
            lax.rev(filter, tuple(range(len(call.axes)))).swapaxes(-1, -2),
            (1,) * len(call.axes),
            [axis.transposed[:2] for axis in call.axes],
            lhs_dilation=call.strides,
            rhs_dilation=call.dilations,
            dimension_numbers=_LAST[len(call.axes)],
        )

    if not winograd.pays(call, dtype):
        return direct(filter, out_backprop)
    return _on_cpu(partial(winograd.input_gradient, call), direct, filter, out_backprop)


def filter_gradient_xla(call: Convolution, x: Array, out_backprop: Array) -> Array:
    """Lowers the filter gradient to a convolution of the input with the gradient as its filter."""
    jax = load_jax()
    shape = (*call.window, call.depth, call.outputs)
    if call.empty:
        return jax.numpy.zeros(shape, x.dtype)
    if call.groups > 1:
        if call.depth == 1 and len(call.axes) == 2:
            return depthwise_filter_gradient_xla(_as_depthwise(call), x, out_backprop).reshape(shape)
        return _split_groups(call, filter_gradient_xla, x, out_backprop)
    if x.dtype != accumulator(x.dtype):
        return filter_gradient_xla(call, x.astype(np.float32), out_backprop.astype(np.float32)).astype(x.dtype)
    if call.pointwise or (_matrix_only(x) and not _by_planes(call)):
        return (_patches(call, x).T @ out_backprop.reshape(-1, call.outputs)).reshape(shape)
    if _by_planes(call):
        part = _of_planes(call)
        padded = _pad_first(call, x)
        planes = out_backprop.reshape(part.output_shape)
        first = call.axes[0]
        pieces = [
            filter_gradient_xla(part, padded[:, first.tap(tap)].reshape(part.input_shape), planes)
            for tap in range(first.window)
        ]
        return jax.numpy.stack(pieces)

    def direct(x: Array, out_backprop: Array) -> Array:
        pads = [(axis.before, axis.span + axis.extent - 1 - axis.size - axis.before) for axis in call.axes]
        # Written out, not as dimension numbers: these XLA transposes at the top level of a program only, and what is
        # inside of a branch or a loop it would compute a hundred times slower.
        space = tuple(range(1, len(call.axes) + 1))
        last = len(space) + 1
        gradient = jax.lax.conv_general_dilated(
            x.transpose(last, *space, 0),
            out_backprop.transpose(*space, 0, last),
            call.dilations,
            pads,
            rhs_dilation=call.strides,
            dimension_numbers=_LAST[len(space)],
        )
        return gradient.transpose(*space, 0, last)

    if not winograd.pays_for_filter(call, x.dtype):
        return direct(x, out_backprop)
    return _on_cpu(partial(winograd.filter_gradient, call), direct, x, out_backprop)


def _on_cpu(lowering: Callable[..., Array], otherwise: Callable[..., Array], *arrays: Array) -> Array:
    """Takes one lowering in programs for the CPU, and another in those for accelerators."""
    return load_jax().lax.platform_dependent(*arrays, cpu=lowering, default=otherwise)
