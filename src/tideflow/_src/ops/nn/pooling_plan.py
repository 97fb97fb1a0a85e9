"""One pooling, checked: its sizes with channels last, over two or three dimensions of space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.ops.nn.windows import (
    Windows,
    channels_last_sizes,
    check_layout,
    in_layout,
    invalid,
    unsupported,
    window_axes,
)


class Window(NamedTuple):
    """Is the attributes that a pooling and its gradients share; lists hold a number for each dimension."""

    ksize: Sequence[int]
    strides: Sequence[int]
    padding: str
    explicit_paddings: Sequence[int] = ()
    data_format: str = "NHWC"


class Pool(Windows):
    """Is one pooling, checked: its result has the channels of its input."""

    __slots__ = ()

    @property
    def tap_count(self) -> int:
        """Returns the number of elements of a window."""
        return int(np.prod(self.window))

    @property
    def empty(self) -> bool:
        """Tells whether there is no window."""
        return 0 in self.output_shape

    @property
    def padded(self) -> bool:
        """Tells whether some window reaches beyond the input."""
        return any(axis.before or axis.after for axis in self.axes)

    @property
    def overlapping(self) -> bool:
        """Tells whether an element may lie in two windows."""
        return any(axis.stride < axis.window and axis.output > 1 for axis in self.axes)

    @property
    def tiled(self) -> bool:
        """Tells whether windows lie side by side with no gap."""
        return all(axis.stride == axis.window or axis.output == 1 for axis in self.axes)


def describe_pool(operation: str, shape: Sequence[int], attributes: Window, rank: int = 4) -> Pool:
    """Checks shape and attributes of a pooling over space; they come in the call's own layout.

    Raises:
      InvalidArgumentError: they do not fit.
      UnimplementedError: windows over batch or channels.
    """
    ksize, strides, padding, explicit_paddings, data_format = attributes
    check_layout(operation, data_format, rank)
    if len(shape) != rank:
        raise invalid(
            operation, f"input must have {rank} dimensions ({rank - 2} of them spatial), but got shape {list(shape)}"
        )
    for label, values in (("ksize", ksize), ("strides", strides)):
        if len(values) != rank:
            raise invalid(operation, f"{label} must specify {rank} dimensions, but got {len(values)}: {list(values)}")
    if min(ksize) <= 0:
        raise invalid(operation, f"sliding window ksize must be positive, but got {list(ksize)}")
    batch, *sizes, channels = channels_last_sizes(shape, data_format)
    window = channels_last_sizes(ksize, data_format)
    if window[0] != 1:
        raise unsupported(operation, f"pooling over the batch dimension is not supported, got ksize {list(ksize)}")
    if window[-1] != 1:
        raise unsupported(operation, f"pooling over the depth dimension is not supported, got ksize {list(ksize)}")
    axes = window_axes(operation, sizes, window[1:-1], strides, padding, explicit_paddings, data_format)
    for number, axis in enumerate(axes):
        if padding == "EXPLICIT" and max(axis.before, axis.after) >= axis.window:
            raise invalid(
                operation,
                f"padding needs to be smaller than the window size {axis.window}, "
                f"but got {axis.before} before and {axis.after} after along {_label(number, len(axes))}",
            )
    return Pool(batch, axes, channels, 1, channels)


def _label(number: int, count: int) -> str:
    return ("planes", "rows", "columns")[3 - count + number]


def check_gradient(operation: str, label: str, shape: Sequence[int], expected: Sequence[int], layout: str) -> None:
    """Raises an InvalidArgumentError unless an argument has the shape that the pooling gives it."""
    wanted = in_layout(expected, layout)
    if tuple(shape) != wanted:
        raise invalid(operation, f"expected {label} shape to be {list(wanted)}, but got {list(shape)}")


def depth_window(operation: str, ksize: Sequence[int], strides: Sequence[int], layout: str, channels: int) -> int:
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


def lowest(dtype: Any) -> Any:
    """Returns the number of ``dtype`` that is below all others, as a scalar array."""
    dtype = np.dtype(dtype)
    return np.array(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf, dtype)


def _outer(vectors: list[np.ndarray], combine: Any) -> np.ndarray:
    """Combines one vector for each dimension of space into an array that broadcasts over channels."""
    total: Any = None
    for number, vector in enumerate(vectors):
        shaped = vector.reshape(-1, *(1,) * (len(vectors) - number))
        total = shaped if total is None else combine(total, shaped)
    return total


def window_counts(pool: Pool) -> np.ndarray:
    """Returns how many elements of the input each window holds, shaped as the places, and 1 for the channels."""
    counts = []
    for axis in pool.axes:
        starts = np.arange(axis.output) * axis.stride - axis.before
        counts.append(np.minimum(starts + axis.window, axis.size) - np.maximum(starts, 0))
    return _outer(counts, np.multiply)


def first_taps(pool: Pool) -> np.ndarray:
    """Returns the index of each window's first tap that lies inside the input, shaped as ``window_counts`` is."""
    firsts, scale = [], pool.tap_count
    for axis in pool.axes:
        scale //= axis.window
        firsts.append(np.maximum(axis.before - np.arange(axis.output) * axis.stride, 0) * scale)
    return _outer(firsts, np.add)
