"""Holds the kernels of two-dimensional convolution and the arithmetic of sliding windows.

Every operation has a *host* kernel (NumPy: patches and one matrix product, BLAS) and an *xla* kernel (traced
by JAX). Arguments carry the names and the order of TensorFlow's raw operations; ``strides`` and ``dilations``
are lists of four, ``explicit_paddings`` a list of eight numbers (empty unless ``padding`` is ``"EXPLICIT"``),
sizes are tuples of ints. Both layouts work everywhere; a kernel brings ``NCHW`` to ``NHWC`` first. Half
precision accumulates in float32.

What the xla kernels lower to, because the obvious lowering is slow on the CPU. Milliseconds on two AVX-512
cores; "plain" is XLA's own choice, "chosen" the line that this file takes, with ``COMPILER_OPTIONS`` set:

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
====================================  ===========================================  =====  ======

A whole training step (convolutions of 32 and 64 filters on 64x28x28x1, pools, two dense layers, Adam) takes
6.8 ms so, 11.2 with the plain convolutions, and 5.8 in TensorFlow 2.21, interleaved on one machine; by the
host kernels, 42.

float64 and int32 have no fast convolution in XLA on the CPU; they are patches and a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tideflow._src.core import errors

Array = Any

#: Compiler options for a CPU program that holds convolutions: the library YNNPACK keeps the matrix products
#: but not the convolutions, which it runs on a single thread for several common shapes; and barriers keep
#: XLA from fusing across them, which by default they do not.
COMPILER_OPTIONS = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
    "xla_disable_hlo_passes": "cse_barrier_expander",
}

#: Bytes of patches that a host kernel gathers before it multiplies them: about what the second-level cache
#: holds.
_PATCH_BYTES = 1 << 20

#: Windows with more taps than this are not unrolled when an xla kernel has another way.
_UNROLLED_TAPS = 49


@lru_cache(maxsize=1)
def _jax() -> Any:
    """Imports JAX at first use: the host kernels and ``import tideflow`` do without it."""
    import jax

    return jax


# Window arithmetic


class WindowAxis(NamedTuple):
    """Describes how windows lie along one axis."""

    size: int
    window: int
    dilation: int
    stride: int
    output: int
    before: int
    after: int

    @property
    def extent(self) -> int:
        """Returns how many input elements a dilated window spans."""
        return (self.window - 1) * self.dilation + 1

    @property
    def span(self) -> int:
        """Returns how many elements lie between the first and the last start of a window, both counted."""
        return (self.output - 1) * self.stride + 1

    @property
    def padded(self) -> int:
        """Returns the length of the axis with its padding."""
        return self.before + self.size + self.after

    def tap(self, index: int) -> slice:
        """Returns the slice of the padded axis that tap ``index`` of every window reads."""
        start = index * self.dilation
        return slice(start, start + self.span, self.stride)


def window_output_size(
    input_size: int | None,
    window: int | None,
    dilation: int,
    stride: int,
    padding: str,
    explicit: tuple[int, int] = (0, 0),
) -> tuple[int | None, int | None, int | None]:
    """Computes how many windows fit along an axis, and the padding before and after it.

    Args:
      input_size: elements along the axis, or ``None`` when unknown.
      window: elements of the window before dilation, or ``None`` when unknown.
      dilation: distance between two elements of the window.
      stride: distance between two windows.
      padding: ``"VALID"``, ``"SAME"`` or ``"EXPLICIT"``.
      explicit: padding before and after, read only for ``"EXPLICIT"``.

    Returns:
      ``(output, before, after)``; each is ``None`` where it depends on something unknown.

    Raises:
      ValueError: for a stride or dilation below one, an unknown padding, or a window larger than the padded
      input.

    >>> window_output_size(28, 3, 1, 2, "SAME")
    (14, 0, 1)
    """
    if stride <= 0:
        raise ValueError(f"Stride must be > 0, but got {stride}")
    if dilation <= 0:
        raise ValueError(f"Dilated rates should be larger than 0, but got {dilation}")
    if padding == "SAME":
        if input_size is None:
            return None, None, None
        output = -(-input_size // stride)
        if window is None:
            return output, None, None
        needed = max((output - 1) * stride + (window - 1) * dilation + 1 - input_size, 0)
        return output, needed // 2, needed - needed // 2
    if padding not in ("VALID", "EXPLICIT"):
        raise ValueError(f"Padding must be 'SAME', 'VALID' or 'EXPLICIT', but got {padding!r}")
    before, after = explicit if padding == "EXPLICIT" else (0, 0)
    if input_size is None or window is None:
        return None, before, after
    extent = (window - 1) * dilation + 1
    room = input_size + before + after - extent + stride
    if room <= -stride:
        output = -(-room // stride)
        raise ValueError(
            f"Computed output size would be negative: {output} [input_size: {input_size + before + after}, "
            f"effective_filter_size: {extent}, stride: {stride}]"
        )
    return max(room // stride, 0), before, after


def invalid(operation: str, message: str) -> errors.InvalidArgumentError:
    """Makes the error for an argument that ``operation`` cannot take."""
    return errors.InvalidArgumentError(None, None, f"{operation}: {message}")


def unsupported(operation: str, message: str) -> errors.UnimplementedError:
    """Makes the error for what TensorFlow's ``operation`` declines too."""
    return errors.UnimplementedError(None, None, f"{operation}: {message}")


def check_layout(operation: str, data_format: str) -> str:
    """Returns ``data_format`` if it is one of the two layouts with four dimensions."""
    if data_format not in ("NHWC", "NCHW"):
        raise invalid(operation, f"data_format must be 'NHWC' or 'NCHW', but got {data_format!r}")
    return data_format


def to_channels_last(x: Array, data_format: str) -> Array:
    """Brings a batch of images to the layout NHWC."""
    return x if data_format == "NHWC" else x.transpose(0, 2, 3, 1)


def from_channels_last(x: Array, data_format: str) -> Array:
    """Brings a batch of images from NHWC to ``data_format``."""
    return x if data_format == "NHWC" else x.transpose(0, 3, 1, 2)


def channels_last_sizes(values: Sequence[int], data_format: str) -> tuple[int, ...]:
    """Orders four numbers, one for each dimension in ``data_format``, as NHWC."""
    return tuple(values) if data_format == "NHWC" else (values[0], values[2], values[3], values[1])


def window_axes(
    operation: str,
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int] = (1, 1, 1, 1),
) -> tuple[WindowAxis, WindowAxis]:
    """Checks the attributes of a windowed operation and lays its windows out along rows and columns.

    ``sizes`` and ``window`` are (rows, columns); the lists of four or eight follow ``data_format``.

    Raises:
      InvalidArgumentError: for attributes that make no sense or leave a negative output.
      UnimplementedError: for strides or dilations along batch or channels.
    """
    check_layout(operation, data_format)
    for label, values in (("strides", strides), ("dilations", dilations)):
        if len(values) != 4:
            raise invalid(operation, f"{label} must specify 4 dimensions, but got {len(values)}: {list(values)}")
        ordered = channels_last_sizes(values, data_format)
        if ordered[0] != 1 or ordered[3] != 1:
            raise unsupported(operation, f"{label} in the batch and depth dimensions must be 1, got {list(values)}")
    pads = [0] * 8
    if padding == "EXPLICIT":
        if len(explicit_paddings) != 8:
            raise invalid(operation, f"explicit_paddings must contain 8 values, but got {len(explicit_paddings)}")
        if min(explicit_paddings) < 0:
            raise invalid(operation, f"explicit_paddings must be nonnegative, but got {list(explicit_paddings)}")
        befores = channels_last_sizes(explicit_paddings[0::2], data_format)
        afters = channels_last_sizes(explicit_paddings[1::2], data_format)
        pads = [value for pair in zip(befores, afters, strict=True) for value in pair]
        if any(pads[:2]) or any(pads[6:]):
            raise invalid(operation, "nonzero explicit padding in the batch or depth dimensions is not supported")
    elif explicit_paddings:
        raise invalid(operation, f"explicit_paddings must be empty when padding is {padding!r}")
    axes = []
    for axis in (0, 1):
        dilation = channels_last_sizes(dilations, data_format)[1 + axis]
        stride = channels_last_sizes(strides, data_format)[1 + axis]
        explicit = (pads[2 + 2 * axis], pads[3 + 2 * axis])
        try:
            output, before, after = window_output_size(sizes[axis], window[axis], dilation, stride, padding, explicit)
        except ValueError as error:
            raise invalid(operation, str(error)) from None
        assert output is not None and before is not None and after is not None
        axes.append(WindowAxis(sizes[axis], window[axis], dilation, stride, output, before, after))
    return axes[0], axes[1]


# What the six operations have in common


class _Attributes(NamedTuple):
    """Is the attributes that all six operations share."""

    strides: Sequence[int]
    padding: str
    explicit_paddings: Sequence[int]
    data_format: str
    dilations: Sequence[int]


class _Call(NamedTuple):
    """Is one convolution, checked, with all sizes in NHWC."""

    batch: int
    rows: WindowAxis
    columns: WindowAxis
    channels: int
    #: Convolution: input channels of the filter. Depthwise: output channels for each input channel.
    depth: int
    outputs: int

    @property
    def groups(self) -> int:
        return self.channels // self.depth

    @property
    def taps(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.rows.window) for j in range(self.columns.window)]

    @property
    def pointwise(self) -> bool:
        """Tells whether the window is one element without padding."""
        rows, columns = self.rows, self.columns
        return rows.window == columns.window == 1 and not (rows.before or rows.after or columns.before or columns.after)

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.rows.output, self.columns.output, self.outputs

    @property
    def empty(self) -> bool:
        return 0 in self.output_shape or 0 in (self.rows.size, self.columns.size)


def _describe(
    operation: str,
    input_shape: Sequence[int],
    filter_shape: Sequence[int],
    attributes: _Attributes,
    depthwise: bool = False,
    out_backprop_shape: Sequence[int] | None = None,
) -> _Call:
    """Checks shapes and attributes of a convolution; shapes come in the call's own layout."""
    data_format = check_layout(operation, attributes.data_format)
    for label, shape in (("input", input_shape), ("filter", filter_shape)):
        if len(shape) != 4:
            raise invalid(operation, f"{label} must be 4-dimensional, but got shape {list(shape)}")
    batch, height, width, channels = channels_last_sizes(input_shape, data_format)
    window_height, window_width, filter_channels, last = filter_shape
    if 0 in filter_shape:
        raise invalid(operation, f"filter must not have zero elements, but got shape {list(filter_shape)}")
    if depthwise:
        if filter_channels != channels:
            raise invalid(operation, f"input and filter must have the same depth: {channels} vs {filter_channels}")
        depth, outputs = last, channels * last
    else:
        if channels % filter_channels or not channels:
            raise invalid(
                operation,
                f"input depth must be evenly divisible by filter depth: {channels} vs {filter_channels}",
            )
        groups = channels // filter_channels
        if last % groups:
            raise invalid(operation, f"output depth must be evenly divisible by number of groups: {last} vs {groups}")
        depth, outputs = filter_channels, last
    rows, columns = window_axes(
        operation,
        (height, width),
        (window_height, window_width),
        attributes.strides,
        attributes.padding,
        attributes.explicit_paddings,
        data_format,
        attributes.dilations,
    )
    call = _Call(batch, rows, columns, channels, depth, outputs)
    if out_backprop_shape is not None:
        if len(out_backprop_shape) != 4:
            raise invalid(operation, f"out_backprop must be 4-dimensional, but got shape {list(out_backprop_shape)}")
        got = channels_last_sizes(out_backprop_shape, data_format)
        if got != call.output_shape:
            raise invalid(
                operation,
                f"out_backprop does not match the computed output in NHWC: "
                f"expected {list(call.output_shape)}, got {list(got)}",
            )
    return call


def _input_sizes(input_sizes: Sequence[int], out_backprop: Array, filter_shape: Sequence[int], layout: str) -> tuple:
    """Completes ``input_sizes``: TensorFlow also takes (height, width), the rest then being known."""
    sizes = tuple(int(size) for size in input_sizes)
    if len(sizes) != 2 or len(out_backprop.shape) != 4:
        return sizes
    if layout == "NHWC":
        return (out_backprop.shape[0], *sizes, filter_shape[2])
    return (out_backprop.shape[0], filter_shape[2], *sizes)


def _accumulator(dtype: Any) -> Any:
    """Returns the dtype that sums of products of ``dtype`` are kept in."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if dtype.itemsize == 2 and dtype.kind not in "iu" else dtype


_Kernel = Callable[[_Call, Array, Array], Array]


# Host kernels


def _pad_host(x: np.ndarray, call: _Call, dtype: Any) -> np.ndarray:
    """Returns ``x`` with its zero padding, in ``dtype``."""
    rows, columns = call.rows, call.columns
    if (rows.size, columns.size) == (rows.padded, columns.padded):
        return x.astype(dtype, copy=False)
    padded = np.zeros((call.batch, rows.padded, columns.padded, call.channels), dtype)
    padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size] = x
    return padded


def _patch_chunks(call: _Call, padded: np.ndarray, group: int) -> Any:
    """Yields (images, patches): a slice of the batch and its patches as a matrix, a row for each window.

    The matrix is one buffer that every step fills again: it stays in the cache, and no memory is paged in
    anew.
    """
    rows, columns, depth = call.rows, call.columns, call.depth
    padded = padded[..., group * depth : (group + 1) * depth]
    width = rows.window * columns.window * depth
    windows = rows.output * columns.output
    chunk = min(call.batch, max(1, _PATCH_BYTES // (windows * width * padded.itemsize)))
    buffer = np.empty((chunk, rows.output, columns.output, rows.window, columns.window, depth), padded.dtype)
    batch_step, row_step, column_step, channel_step = padded.strides
    view = as_strided(
        padded,
        (call.batch, *buffer.shape[1:]),
        (
            batch_step,
            row_step * rows.stride,
            column_step * columns.stride,
            row_step * rows.dilation,
            column_step * columns.dilation,
            channel_step,
        ),
        writeable=False,
    )
    for start in range(0, call.batch, chunk):
        count = min(chunk, call.batch - start)
        if depth >= 8:
            np.copyto(buffer[:count], view[start : start + count])
        else:
            # With few channels the runs along the window are short: copy along the columns, tap by tap.
            for i, j in call.taps:
                buffer[:count, :, :, i, j] = view[start : start + count, :, :, i, j]
        yield slice(start, start + count), buffer[:count].reshape(count * windows, width)


def _group_matrix(call: _Call, filter: np.ndarray, group: int, dtype: Any) -> np.ndarray:
    """Returns the filter of one group as a matrix (taps and channels, outputs)."""
    width = call.outputs // call.groups
    part = filter[..., group * width : (group + 1) * width]
    return part.reshape(-1, width).astype(dtype, copy=False)


def _convolve_host(call: _Call, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """Multiplies the patches of ``x`` by the filter, a few images at a time."""
    if call.empty:
        return np.zeros(call.output_shape, x.dtype)
    accumulator = _accumulator(x.dtype)
    padded = _pad_host(x, call, accumulator)
    result = np.empty(call.output_shape, accumulator)
    width = call.outputs // call.groups
    for group in range(call.groups):
        matrix = _group_matrix(call, filter, group, accumulator)
        for images, patches in _patch_chunks(call, padded, group):
            if call.groups == 1:
                np.matmul(patches, matrix, out=result[images].reshape(-1, width))
            else:
                block = result[images, :, :, group * width : (group + 1) * width]
                block[...] = (patches @ matrix).reshape(block.shape)
    return result.astype(x.dtype, copy=False)


def _crop_host(padded: np.ndarray, call: _Call, dtype: Any) -> np.ndarray:
    """Removes the padding of an input gradient."""
    rows, columns = call.rows, call.columns
    inner = padded[:, rows.before : rows.before + rows.size, columns.before : columns.before + columns.size]
    return np.ascontiguousarray(inner).astype(dtype, copy=False)


def _convolve_input_gradient_host(call: _Call, filter: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Multiplies the gradient by the transposed filter and adds each tap's columns where it had read."""
    rows, columns = call.rows, call.columns
    accumulator = _accumulator(out_backprop.dtype)
    padded = np.zeros((call.batch, rows.padded, columns.padded, call.channels), accumulator)
    if not call.empty:
        gradient = out_backprop.astype(accumulator, copy=False)
        width = call.outputs // call.groups
        row_bytes = rows.output * columns.output * len(call.taps) * call.depth * accumulator.itemsize
        chunk = min(call.batch, max(1, _PATCH_BYTES // row_bytes))
        windows, taps = rows.output * columns.output, len(call.taps)
        buffer = np.empty((chunk * windows, taps * call.depth), accumulator)
        for group in range(call.groups):
            target = padded[..., group * call.depth : (group + 1) * call.depth]
            matrix = _group_matrix(call, filter, group, accumulator).T
            for start in range(0, call.batch, chunk):
                images = slice(start, start + chunk)
                block = gradient[images, :, :, group * width : (group + 1) * width]
                patches = np.matmul(block.reshape(-1, width), matrix, out=buffer[: len(block) * windows])
                patches = patches.reshape(*block.shape[:3], taps, call.depth)
                for index, (i, j) in enumerate(call.taps):
                    target[images, rows.tap(i), columns.tap(j)] += patches[:, :, :, index]
    return _crop_host(padded, call, out_backprop.dtype)


def _convolve_filter_gradient_host(call: _Call, x: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Multiplies the patches' transpose by the gradient and sums over the images."""
    accumulator = _accumulator(x.dtype)
    width = call.outputs // call.groups
    result = np.zeros((len(call.taps) * call.depth, call.outputs), accumulator)
    if not call.empty:
        padded = _pad_host(x, call, accumulator)
        gradient = out_backprop.astype(accumulator, copy=False)
        for group in range(call.groups):
            outputs = slice(group * width, (group + 1) * width)
            for images, patches in _patch_chunks(call, padded, group):
                result[:, outputs] += patches.T @ gradient[images, :, :, outputs].reshape(-1, width)
    return result.astype(x.dtype, copy=False)


def _depthwise_host(call: _Call, x: np.ndarray, filter: np.ndarray) -> np.ndarray:
    """Sums the taps' slices of the padded input times the tap's weights."""
    accumulator = _accumulator(x.dtype)
    padded = _pad_host(x, call, accumulator)
    weights = filter.astype(accumulator, copy=False)
    result = np.zeros((*call.output_shape[:3], call.channels, call.depth), accumulator)
    for i, j in call.taps:
        result += padded[:, call.rows.tap(i), call.columns.tap(j), :, None] * weights[i, j]
    return result.reshape(call.output_shape).astype(x.dtype, copy=False)


def _depthwise_input_gradient_host(call: _Call, filter: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Adds the gradient times each tap's weights where the tap had read."""
    accumulator = _accumulator(out_backprop.dtype)
    weights = filter.astype(accumulator, copy=False)
    gradient = out_backprop.astype(accumulator, copy=False).reshape(*call.output_shape[:3], call.channels, call.depth)
    padded = np.zeros((call.batch, call.rows.padded, call.columns.padded, call.channels), accumulator)
    if not call.empty:
        for i, j in call.taps:
            padded[:, call.rows.tap(i), call.columns.tap(j)] += np.einsum("nhwcm,cm->nhwc", gradient, weights[i, j])
    return _crop_host(padded, call, out_backprop.dtype)


def _depthwise_filter_gradient_host(call: _Call, x: np.ndarray, out_backprop: np.ndarray) -> np.ndarray:
    """Sums, for each tap, the slice of the padded input times the gradient."""
    accumulator = _accumulator(x.dtype)
    padded = _pad_host(x, call, accumulator)
    gradient = out_backprop.astype(accumulator, copy=False).reshape(*call.output_shape[:3], call.channels, call.depth)
    result = np.zeros((len(call.taps), call.channels, call.depth), accumulator)
    if not call.empty:
        for index, (i, j) in enumerate(call.taps):
            taps = padded[:, call.rows.tap(i), call.columns.tap(j)]
            result[index] = np.einsum("nhwc,nhwcm->cm", taps, gradient)
    return result.astype(x.dtype, copy=False)


# XLA kernels


def _pad_xla(x: Array, call: _Call) -> Array:
    """Returns ``x`` with its zero padding as a value of its own, so that no tap computes it again."""
    lax = _jax().lax
    rows, columns = call.rows, call.columns
    zero = np.zeros((), x.dtype)
    config = ((0, 0, 0), (rows.before, rows.after, 0), (columns.before, columns.after, 0), (0, 0, 0))
    return lax.optimization_barrier(lax.pad(x, zero, config))


def _matrix_only(x: Array) -> bool:
    """Tells whether XLA on the CPU has fast matrix products but no fast convolution for this dtype."""
    return np.dtype(x.dtype).itemsize == 8 or np.dtype(x.dtype).kind in "iu"


def _patches_xla(call: _Call, x: Array) -> Array:
    """Returns the patches of ``x`` as a matrix, a row for each window."""
    jax = _jax()
    padded = _pad_xla(x, call)
    pieces = [padded[:, call.rows.tap(i), call.columns.tap(j)] for i, j in call.taps]
    patches = pieces[0] if len(pieces) == 1 else jax.numpy.concatenate(pieces, axis=-1)
    return jax.lax.optimization_barrier(patches.reshape(-1, len(pieces) * call.channels))


def _as_depthwise(call: _Call) -> _Call:
    """Sees a convolution whose groups are single channels as the depthwise convolution that it is."""
    return call._replace(depth=call.outputs // call.channels)


def _split_groups(call: _Call, kernel: _Kernel, first: Array, second: Array, axes: tuple[int, int]) -> Array:
    """Runs ``kernel`` on every group and joins the results' channels.

    XLA on the CPU is slower, for filter gradients a hundred times, with one convolution that has several
    groups.
    """
    numpy = _jax().numpy
    part = call._replace(channels=call.depth, outputs=call.outputs // call.groups)
    pieces = zip(
        numpy.split(first, call.groups, axis=axes[0]),
        numpy.split(second, call.groups, axis=axes[1]),
        strict=True,
    )
    return numpy.concatenate([kernel(part, a, b) for a, b in pieces], axis=-1)


def _convolve_xla(call: _Call, x: Array, filter: Array) -> Array:
    """Lowers a convolution to the form that is fastest for its shape (see the table at the top)."""
    jax = _jax()
    if call.empty:
        return jax.numpy.zeros(call.output_shape, x.dtype)
    if call.groups > 1:
        if call.depth == 1:
            depthwise = _as_depthwise(call)
            return _depthwise_xla(depthwise, x, filter.reshape(*filter.shape[:2], call.channels, depthwise.depth))
        return _split_groups(call, _convolve_xla, x, filter, (3, 3))
    if x.dtype != _accumulator(x.dtype):
        return _convolve_xla(call, x.astype(np.float32), filter.astype(np.float32)).astype(x.dtype)
    if call.pointwise:
        x = x[:, call.rows.tap(0), call.columns.tap(0)]
        return (x.reshape(-1, call.channels) @ filter.reshape(call.channels, -1)).reshape(call.output_shape)
    if call.channels == 1 and len(call.taps) <= _UNROLLED_TAPS:
        return _depthwise_xla(_as_depthwise(call), x, filter)
    if _matrix_only(x):
        return (_patches_xla(call, x) @ filter.reshape(-1, call.outputs)).reshape(call.output_shape)
    return jax.lax.conv_general_dilated(
        x,
        filter,
        (call.rows.stride, call.columns.stride),
        ((call.rows.before, call.rows.after), (call.columns.before, call.columns.after)),
        rhs_dilation=(call.rows.dilation, call.columns.dilation),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _scatter_axis(axis: WindowAxis, tap: int) -> tuple[int, int, int]:
    """Returns the ``lax.pad`` configuration that puts one tap's values where the tap had read, unpadded axis.

    Values that belong to the padding are cropped by negative numbers.
    """
    low = tap * axis.dilation - axis.before
    return low, axis.size - low - axis.span, axis.stride - 1


def _convolve_input_gradient_xla(call: _Call, filter: Array, out_backprop: Array) -> Array:
    """Lowers the input gradient to a convolution with the reversed filter, or to shifted sums."""
    jax = _jax()
    lax = jax.lax
    rows, columns = call.rows, call.columns
    shape = (call.batch, rows.size, columns.size, call.channels)
    dtype = out_backprop.dtype
    if call.empty:
        return jax.numpy.zeros(shape, dtype)
    if call.groups > 1:
        if call.depth == 1:
            depthwise = _as_depthwise(call)
            filter = filter.reshape(*filter.shape[:2], call.channels, depthwise.depth)
            return _depthwise_input_gradient_xla(depthwise, filter, out_backprop)
        return _split_groups(call, _convolve_input_gradient_xla, filter, out_backprop, (3, 3))
    if dtype != _accumulator(dtype):
        filter, out_backprop = filter.astype(np.float32), out_backprop.astype(np.float32)
        return _convolve_input_gradient_xla(call, filter, out_backprop).astype(dtype)
    few = call.channels <= 4 and len(call.taps) <= _UNROLLED_TAPS
    if call.pointwise or few or _matrix_only(out_backprop):
        gradient = out_backprop.reshape(-1, call.outputs)
        patches = lax.optimization_barrier(gradient @ filter.reshape(-1, call.outputs).T)
        patches = patches.reshape(*call.output_shape[:3], len(call.taps), call.channels)
        pieces = [
            lax.pad(
                patches[:, :, :, index],
                np.zeros((), dtype),
                ((0, 0, 0), _scatter_axis(rows, i), _scatter_axis(columns, j), (0, 0, 0)),
            )
            for index, (i, j) in enumerate(call.taps)
        ]
        return sum(pieces[1:], pieces[0])
    lows = [axis.extent - 1 - axis.before for axis in (rows, columns)]
    pads = [
        (low, axis.size + axis.extent - 1 - axis.span - low) for low, axis in zip(lows, (rows, columns), strict=True)
    ]
    return lax.conv_general_dilated(
        out_backprop,
        lax.rev(filter, (0, 1)),
        (1, 1),
        pads,
        lhs_dilation=(rows.stride, columns.stride),
        rhs_dilation=(rows.dilation, columns.dilation),
        dimension_numbers=("NHWC", "HWOI", "NHWC"),
    )


def _convolve_filter_gradient_xla(call: _Call, x: Array, out_backprop: Array) -> Array:
    """Lowers the filter gradient to a convolution of the input with the gradient as its filter."""
    jax = _jax()
    rows, columns = call.rows, call.columns
    shape = (rows.window, columns.window, call.depth, call.outputs)
    if call.empty:
        return jax.numpy.zeros(shape, x.dtype)
    if call.groups > 1:
        if call.depth == 1:
            return _depthwise_filter_gradient_xla(_as_depthwise(call), x, out_backprop).reshape(shape)
        return _split_groups(call, _convolve_filter_gradient_xla, x, out_backprop, (3, 3))
    if x.dtype != _accumulator(x.dtype):
        wide = _convolve_filter_gradient_xla(call, x.astype(np.float32), out_backprop.astype(np.float32))
        return wide.astype(x.dtype)
    if call.pointwise or _matrix_only(x):
        return (_patches_xla(call, x).T @ out_backprop.reshape(-1, call.outputs)).reshape(shape)
    pads = [(axis.before, axis.span + axis.extent - 1 - axis.size - axis.before) for axis in (rows, columns)]
    return jax.lax.conv_general_dilated(
        x,
        out_backprop,
        (rows.dilation, columns.dilation),
        pads,
        rhs_dilation=(rows.stride, columns.stride),
        dimension_numbers=("CHWN", "IHWO", "HWNC"),
    )


def _depthwise_xla(call: _Call, x: Array, filter: Array) -> Array:
    """Sums the taps' slices of the padded input times the tap's weights; XLA fuses it into one loop."""
    jax = _jax()
    if call.empty:
        return jax.numpy.zeros(call.output_shape, x.dtype)
    accumulator = _accumulator(x.dtype)
    padded = _pad_xla(x.astype(accumulator), call)
    weights = filter.astype(accumulator)
    if call.channels == 1 or call.depth == 1:
        # One of the two factors of the channels is one: broadcasting does without a fifth dimension.
        weights = weights.reshape(*filter.shape[:2], call.outputs)
    else:
        padded = jax.numpy.repeat(padded, call.depth, axis=3)
        weights = weights.reshape(*filter.shape[:2], call.outputs)
        padded = jax.lax.optimization_barrier(padded)
    terms = [padded[:, call.rows.tap(i), call.columns.tap(j)] * weights[i, j] for i, j in call.taps]
    # Without the barrier, each reader of the result would compute the sum over the taps again.
    return jax.lax.optimization_barrier(sum(terms[1:], terms[0]).astype(x.dtype))


def _depthwise_input_gradient_xla(call: _Call, filter: Array, out_backprop: Array) -> Array:
    """Sums the taps' slices of the spread and padded gradient times the tap's weights."""
    jax = _jax()
    lax = jax.lax
    rows, columns = call.rows, call.columns
    dtype = out_backprop.dtype
    if call.empty:
        return jax.numpy.zeros((call.batch, rows.size, columns.size, call.channels), dtype)
    accumulator = _accumulator(dtype)
    config = [(0, 0, 0)]
    for axis in (rows, columns):
        low = axis.extent - 1 - axis.before
        config.append((low, axis.size + axis.extent - 1 - axis.span - low, axis.stride - 1))
    config.append((0, 0, 0))
    spread = lax.optimization_barrier(lax.pad(out_backprop.astype(accumulator), np.zeros((), accumulator), config))
    weights = filter.astype(accumulator)
    total: Array = None
    for m in range(call.depth):
        for i, j in call.taps:
            row = rows.extent - 1 - i * rows.dilation
            column = columns.extent - 1 - j * columns.dilation
            part = spread[:, row : row + rows.size, column : column + columns.size, m :: call.depth]
            term = part * weights[i, j, :, m]
            total = term if total is None else total + term
    return total.astype(dtype)


def _depthwise_filter_gradient_xla(call: _Call, x: Array, out_backprop: Array) -> Array:
    """Adds up the images' products in a loop, then sums each tap's plane.

    A plain reduction over batch, rows and columns takes 10 to 80 ms where this takes 2 to 6.
    """
    jax = _jax()
    numpy = jax.numpy
    rows, columns = call.rows, call.columns
    shape = (rows.window, columns.window, call.channels, call.depth)
    if call.empty:
        return numpy.zeros(shape, x.dtype)
    accumulator = _accumulator(x.dtype)
    padded = _pad_xla(x.astype(accumulator), call)
    if call.depth > 1 and call.channels > 1:
        padded = numpy.repeat(padded, call.depth, axis=3)

    def add_image(sums: tuple[Array, ...], image: tuple[Array, Array]) -> tuple[tuple[Array, ...], None]:
        pixels, gradient = image
        products = (pixels[rows.tap(i), columns.tap(j)] * gradient for i, j in call.taps)
        return tuple(total + product for total, product in zip(sums, products, strict=True)), None

    start = tuple(numpy.zeros(call.output_shape[1:], accumulator) for _ in call.taps)
    sums, _ = jax.lax.scan(add_image, start, (padded, out_backprop.astype(accumulator)))
    planes = [jax.lax.optimization_barrier(total).sum(axis=(0, 1)) for total in sums]
    return numpy.stack(planes).reshape(shape).astype(x.dtype)


# The operations


def _forward(operation: str, kernel: _Kernel, depthwise: bool = False) -> Callable[..., Array]:
    """Makes the public kernel of a forward operation from ``kernel(call, input, filter)`` over NHWC."""

    def convolve(
        input: Array,
        filter: Array,
        *,
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
        dilations: Sequence[int] = (1, 1, 1, 1),
    ) -> Array:
        attributes = _Attributes(strides, padding, explicit_paddings, data_format, dilations)
        call = _describe(operation, input.shape, filter.shape, attributes, depthwise)
        return from_channels_last(kernel(call, to_channels_last(input, data_format), filter), data_format)

    return _named(convolve, operation, kernel)


def _input_gradient(operation: str, kernel: _Kernel, depthwise: bool = False) -> Callable[..., Array]:
    """Makes the public kernel of an input gradient from ``kernel(call, filter, out_backprop)`` over NHWC."""

    def convolve_backprop_input(
        input_sizes: Sequence[int],
        filter: Array,
        out_backprop: Array,
        *,
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
        dilations: Sequence[int] = (1, 1, 1, 1),
    ) -> Array:
        attributes = _Attributes(strides, padding, explicit_paddings, data_format, dilations)
        sizes = _input_sizes(input_sizes, out_backprop, filter.shape, data_format)
        call = _describe(operation, sizes, filter.shape, attributes, depthwise, out_backprop.shape)
        return from_channels_last(kernel(call, filter, to_channels_last(out_backprop, data_format)), data_format)

    return _named(convolve_backprop_input, operation, kernel)


def _filter_gradient(operation: str, kernel: _Kernel, depthwise: bool = False) -> Callable[..., Array]:
    """Makes the public kernel of a filter gradient from ``kernel(call, input, out_backprop)`` over NHWC."""

    def convolve_backprop_filter(
        input: Array,
        filter_sizes: Sequence[int],
        out_backprop: Array,
        *,
        strides: Sequence[int],
        padding: str,
        explicit_paddings: Sequence[int] = (),
        data_format: str = "NHWC",
        dilations: Sequence[int] = (1, 1, 1, 1),
    ) -> Array:
        attributes = _Attributes(strides, padding, explicit_paddings, data_format, dilations)
        sizes = tuple(int(size) for size in filter_sizes)
        call = _describe(operation, input.shape, sizes, attributes, depthwise, out_backprop.shape)
        result = kernel(call, to_channels_last(input, data_format), to_channels_last(out_backprop, data_format))
        return result.reshape(sizes)

    return _named(convolve_backprop_filter, operation, kernel)


def _named(function: Callable[..., Array], operation: str, kernel: _Kernel) -> Callable[..., Array]:
    """Gives ``function`` the names that a traceback and ``help`` show."""
    tier = kernel.__name__.rpartition("_")[2]
    function.__name__ = function.__qualname__ = f"{operation}_{tier}"
    function.__doc__ = f"Computes {operation} with the raw operation's inputs and attributes ({tier} kernel)."
    return function


conv2d_host = _forward("Conv2D", _convolve_host)
conv2d_xla = _forward("Conv2D", _convolve_xla)
conv2d_backprop_input_host = _input_gradient("Conv2DBackpropInput", _convolve_input_gradient_host)
conv2d_backprop_input_xla = _input_gradient("Conv2DBackpropInput", _convolve_input_gradient_xla)
conv2d_backprop_filter_host = _filter_gradient("Conv2DBackpropFilter", _convolve_filter_gradient_host)
conv2d_backprop_filter_xla = _filter_gradient("Conv2DBackpropFilter", _convolve_filter_gradient_xla)

depthwise_conv2d_native_host = _forward("DepthwiseConv2dNative", _depthwise_host, depthwise=True)
depthwise_conv2d_native_xla = _forward("DepthwiseConv2dNative", _depthwise_xla, depthwise=True)
depthwise_conv2d_native_backprop_input_host = _input_gradient(
    "DepthwiseConv2dNativeBackpropInput", _depthwise_input_gradient_host, depthwise=True
)
depthwise_conv2d_native_backprop_input_xla = _input_gradient(
    "DepthwiseConv2dNativeBackpropInput", _depthwise_input_gradient_xla, depthwise=True
)
depthwise_conv2d_native_backprop_filter_host = _filter_gradient(
    "DepthwiseConv2dNativeBackpropFilter", _depthwise_filter_gradient_host, depthwise=True
)
depthwise_conv2d_native_backprop_filter_xla = _filter_gradient(
    "DepthwiseConv2dNativeBackpropFilter", _depthwise_filter_gradient_xla, depthwise=True
)
