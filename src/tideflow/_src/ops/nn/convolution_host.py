"""Convolution in NumPy: patches and one matrix product; half precision accumulates in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tideflow._src.ops.nn.convolution_plan import Convolution
from tideflow._src.ops.nn.windows import accumulator, crop, pad, tap_slices

#: Windows from which neighbouring places are multiplied as one, with how many channels, and how many outputs at most.
_LONG_WINDOW = 32
_FEW_CHANNELS = 4
_FEW_OUTPUTS = 16
#: Bytes of patches that a kernel gathers before it multiplies them: about what the second-level cache holds.
_PATCH_BYTES = 1 << 20


def _patch_chunks(call: Convolution, padded: np.ndarray, group: int) -> Any:
    """Yields (rows, patches): which windows, counted through the batch, and their patches as a matrix.

    The matrix is one buffer that every step fills again: it stays in the cache, and no memory is paged in anew. A step
    takes several images, or a part of the first dimension of space of one.
    """
    depth = call.depth
    padded = padded[..., group * depth : (group + 1) * depth]
    taps = call.taps
    width = len(taps) * depth
    places = call.places
    windows = int(np.prod(places))
    batch_step, *steps, channel_step = padded.strides
    view = as_strided(
        padded,
        (call.batch, *places, *call.window, depth),
        (
            batch_step,
            *(step * axis.stride for step, axis in zip(steps, call.axes, strict=True)),
            *(step * axis.dilation for step, axis in zip(steps, call.axes, strict=True)),
            channel_step,
        ),
        writeable=False,
    )
    row_bytes = width * padded.itemsize
    images = min(call.batch, _PATCH_BYTES // (windows * row_bytes))
    if images:
        buffer = np.empty((images, *view.shape[1:]), padded.dtype)
        for start in range(0, call.batch, images):
            count = min(images, call.batch - start)
            _gather(call, view[start : start + count], buffer[:count])
            rows = slice(start * windows, (start + count) * windows)
            yield rows, buffer[:count].reshape(count * windows, width)
        return
    plane = windows // places[0]
    lines = max(1, min(places[0], _PATCH_BYTES // (plane * row_bytes)))
    buffer = np.empty((1, lines, *view.shape[2:]), padded.dtype)
    for image in range(call.batch):
        for start in range(0, places[0], lines):
            count = min(lines, places[0] - start)
            _gather(call, view[image : image + 1, start : start + count], buffer[:, :count])
            first = image * windows + start * plane
            yield slice(first, first + count * plane), buffer[:, :count].reshape(count * plane, width)


def _gather(call: Convolution, view: np.ndarray, buffer: np.ndarray) -> None:
    """Copies patches into a buffer."""
    if call.depth >= 8:
        np.copyto(buffer, view)
        return
    # With few channels the runs along the window are short: copy along the last dimension of space, tap by tap.
    before = (slice(None),) * (len(call.axes) + 1)
    for tap in call.taps:
        buffer[(*before, *tap)] = view[(*before, *tap)]


def _group_matrix(call: Convolution, filter: np.ndarray, group: int, dtype: Any) -> np.ndarray:
    """Returns the filter of one group as a matrix (taps and channels, outputs)."""
    width = call.outputs // call.groups
    part = filter[..., group * width : (group + 1) * width]
    return part.reshape(-1, width).astype(dtype, copy=False)


def convolve_host(call: Convolution, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """Multiplies the patches of ``x`` by the filter, a few images at a time."""
    if call.empty:
        return np.zeros(call.output_shape, x.dtype)
    wide = accumulator(x.dtype)
    padded = pad(x, call, wide)
    result = np.empty(call.output_shape, wide)
    flat = result.reshape(-1, call.outputs)
    if call.pointwise and call.groups == 1:
        source = padded[tap_slices(call.axes, call.taps[0])].reshape(-1, call.channels)
        np.matmul(source, _group_matrix(call, filter, 0, wide), out=flat)
        return result.astype(x.dtype, copy=False)
    if _is_long(call) and np.isfinite(padded).all():
        _convolve_blocks(call, padded, filter.astype(wide, copy=False), result)
        return result.astype(x.dtype, copy=False)
    width = call.outputs // call.groups
    for group in range(call.groups):
        matrix = _group_matrix(call, filter, group, wide)
        for rows, patches in _patch_chunks(call, padded, group):
            if call.groups == 1:
                np.matmul(patches, matrix, out=flat[rows])
            else:
                flat[rows, group * width : (group + 1) * width] = patches @ matrix
    return result.astype(x.dtype, copy=False)


def _is_long(call: Convolution) -> bool:
    """Tells whether a convolution has a long window along its last dimension of space and few channels."""
    axis = call.axes[-1]
    few = call.groups == 1 and call.channels <= _FEW_CHANNELS and call.outputs <= _FEW_OUTPUTS
    return few and axis.dilation == 1 and axis.window >= _LONG_WINDOW


def _convolve_blocks(call: Convolution, padded: np.ndarray, filter: np.ndarray, result: np.ndarray) -> None:
    """Computes many neighbouring places by one product of matrices, in which the filter stands once for each place.

    The last dimension of space is cut in blocks as long as the window; the places that begin in a block need it and
    the next one. That is twice the arithmetic, half of it with zeros, but nothing is gathered: a filter of 256 over
    44,000 samples takes 1.5 ms in place of 25. The numbers have to be finite, for zeros to be without effect.
    """
    *others, axis = call.axes
    stride, places = axis.stride, call.places[-1]
    at_once = -(-axis.window // stride)
    length = at_once * stride
    blocks = -(-places // at_once)
    parts = -(-(axis.window + length - stride) // length)
    line = np.zeros((*padded.shape[:-2], (blocks + parts - 1) * length, call.channels), padded.dtype)
    used = min(line.shape[-2], padded.shape[-2])
    line[..., :used, :] = padded[..., :used, :]
    line = line.reshape(*padded.shape[:-2], -1, length * call.channels)
    banded = np.zeros((*call.window[:-1], parts * length, call.channels, at_once, call.outputs), padded.dtype)
    for place in range(at_once):
        banded[..., place * stride : place * stride + axis.window, :, place, :] = filter
    banded = banded.reshape(*call.window[:-1], parts, length * call.channels, at_once * call.outputs)
    total = np.zeros((*result.shape[:-2], blocks, at_once * call.outputs), padded.dtype)
    for tap in np.ndindex(*call.window[:-1]):
        for part in range(parts):
            rows = tuple(other.tap(index) for other, index in zip(others, tap, strict=True))
            total += line[(slice(None), *rows, slice(part, part + blocks))] @ banded[(*tap, part)]
    result[...] = total.reshape(*result.shape[:-2], -1, call.outputs)[..., :places, :]


def input_gradient_host(call: Convolution, filter: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Multiplies the gradient by the transposed filter and adds each tap's columns where it had read."""
    wide = accumulator(out_backprop.dtype)
    padded = np.zeros(call.padded_shape, wide)
    if call.empty:
        return crop(padded, call, out_backprop.dtype)
    gradient = out_backprop.astype(wide, copy=False)
    width = call.outputs // call.groups
    taps = call.taps
    places = call.places
    line_bytes = int(np.prod(places[1:])) * len(taps) * call.depth * wide.itemsize
    images = min(call.batch, _PATCH_BYTES // (line_bytes * places[0]))
    lines = places[0] if images else max(1, min(places[0], _PATCH_BYTES // line_bytes))
    images = max(images, 1)
    buffer = np.empty((images * lines * int(np.prod(places[1:])), len(taps) * call.depth), wide)
    for group in range(call.groups):
        target = padded[..., group * call.depth : (group + 1) * call.depth]
        matrix = _group_matrix(call, filter, group, wide).T
        for start in range(0, call.batch, images):
            for line in range(0, places[0], lines):
                here = slice(start, start + images)
                block = gradient[here, line : line + lines, ..., group * width : (group + 1) * width]
                rows = block.reshape(-1, width)
                patches = np.matmul(rows, matrix, out=buffer[: len(rows)])
                patches = patches.reshape(*block.shape[:-1], len(taps), call.depth)
                first = call.axes[0]
                for index, tap in enumerate(taps):
                    _, _, *others = tap_slices(call.axes, tap)
                    top = tap[0] * first.dilation + line * first.stride
                    along = slice(top, top + (block.shape[1] - 1) * first.stride + 1, first.stride)
                    target[(here, along, *others)] += patches[..., index, :]
    return crop(padded, call, out_backprop.dtype)


def filter_gradient_host(call: Convolution, x: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Multiplies the patches' transpose by the gradient and sums over the images."""
    wide = accumulator(x.dtype)
    width = call.outputs // call.groups
    result = np.zeros((len(call.taps) * call.depth, call.outputs), wide)
    if not call.empty:
        padded = pad(x, call, wide)
        gradient = out_backprop.astype(wide, copy=False).reshape(-1, call.outputs)
        for group in range(call.groups):
            outputs = slice(group * width, (group + 1) * width)
            for rows, patches in _patch_chunks(call, padded, group):
                result[:, outputs] += patches.T @ gradient[rows, outputs]
    return result.astype(x.dtype, copy=False)
