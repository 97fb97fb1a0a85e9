"""The arithmetic of sliding windows: how many fit along an axis, what padding they need, in which layout.

Kernels of convolution and of pooling work on arrays whose channels come last, over one, two or three dimensions of
space. What this file gives them is the same for each of these dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core import errors

Array = Any

#: Layouts by the number of their dimensions.
LAYOUTS = {3: ("NWC", "NCW"), 4: ("NHWC", "NCHW"), 5: ("NDHWC", "NCDHW")}


@lru_cache(maxsize=1)
def load_jax() -> Any:
    """Imports JAX at first use: the host kernels and ``import tideflow`` do without it."""
    import jax

    return jax


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

    @property
    def transposed(self) -> tuple[int, int, int]:
        """Returns the configuration of ``lax.pad`` for what the windows gave, so that reversed windows give the input.

        It spreads them by the stride and adds, or with negative numbers crops, what is missing around them.
        """
        low = self.extent - 1 - self.before
        return low, self.size + self.extent - 1 - self.span - low, self.stride - 1

    def scattered(self, index: int) -> tuple[int, int, int]:
        """Returns the configuration of ``lax.pad`` that puts what tap ``index`` gives where it had read, unpadded.

        What belongs to the padding is cropped by negative numbers.
        """
        low = index * self.dilation - self.before
        return low, self.size - low - self.span, self.stride - 1

    def tap(self, index: int) -> slice:
        """Returns the slice of the padded axis that tap ``index`` of every window reads."""
        start = index * self.dilation
        return slice(start, start + self.span, self.stride)


class Windows(NamedTuple):
    """Is the windows of one convolution or pooling, checked, with the channels last in every shape."""

    batch: int
    axes: tuple[WindowAxis, ...]
    channels: int
    #: The input channels of a filter; of a depthwise convolution, the output channels for each input channel.
    depth: int
    #: The channels of the result.
    outputs: int

    @property
    def taps(self) -> list[tuple[int, ...]]:
        """Returns the positions inside a window, in row-major order."""
        return list(product(*(range(axis.window) for axis in self.axes)))

    @property
    def window(self) -> tuple[int, ...]:
        """Returns the size of the window."""
        return tuple(axis.window for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """Returns the distance between windows along each dimension of space."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def places(self) -> tuple[int, ...]:
        """Returns the number of windows along each dimension of space."""
        return tuple(axis.output for axis in self.axes)

    @property
    def padded_shape(self) -> tuple[int, ...]:
        """Returns the shape of the input with its padding."""
        return (self.batch, *(axis.padded for axis in self.axes), self.channels)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Returns the shape of the input."""
        return (self.batch, *(axis.size for axis in self.axes), self.channels)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Returns the shape of the result."""
        return (self.batch, *self.places, self.outputs)


def tap_slices(axes: Sequence[WindowAxis], tap: Sequence[int]) -> tuple[slice, ...]:
    """Returns the index of a padded array, channels last, that reads one tap of every window."""
    return (slice(None), *(axis.tap(index) for axis, index in zip(axes, tap, strict=True)))


def inner_slices(axes: Sequence[WindowAxis]) -> tuple[slice, ...]:
    """Returns the index of a padded array that reads what is not padding."""
    return (slice(None), *(slice(axis.before, axis.before + axis.size) for axis in axes))


def pad(x: np.ndarray, windows: Windows, dtype: Any, value: Any = 0) -> np.ndarray:
    """Returns ``x`` in ``dtype``, with ``value`` around it where windows reach beyond it."""
    if x.shape == windows.padded_shape:
        return x.astype(dtype, copy=False)
    padded = np.full(windows.padded_shape, value, dtype) if value else np.zeros(windows.padded_shape, dtype)
    padded[inner_slices(windows.axes)] = x
    return padded


def crop(padded: np.ndarray, windows: Windows, dtype: Any) -> np.ndarray:
    """Removes the padding of an input gradient."""
    return np.ascontiguousarray(padded[inner_slices(windows.axes)]).astype(dtype, copy=False)


def pad_xla(x: Array, windows: Windows, value: Any = 0) -> Array:
    """Returns ``x`` with ``value`` around it as a value of its own, so that no tap computes it again."""
    lax = load_jax().lax
    config = [(0, 0, 0), *((axis.before, axis.after, 0) for axis in windows.axes), (0, 0, 0)]
    return lax.optimization_barrier(lax.pad(x, np.asarray(value, x.dtype), config))


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


#: Operations for which TensorFlow says that it lacks strides over batch and depth; for others they are invalid.
_DECLINES = frozenset(("Conv2D", "MaxPool", "AvgPool", "MaxPoolGrad", "MaxPoolGradGrad", "AvgPoolGrad"))


def unsupported(operation: str, message: str) -> errors.UnimplementedError:
    """Makes the error for what TensorFlow's ``operation`` declines too."""
    return errors.UnimplementedError(None, None, f"{operation}: {message}")


def check_layout(operation: str, data_format: str, rank: int = 4) -> str:
    """Returns ``data_format`` if it is one of the two layouts with ``rank`` dimensions."""
    last, first = LAYOUTS[rank]
    if data_format not in (last, first):
        raise invalid(operation, f"data_format must be {last!r} or {first!r}, but got {data_format!r}")
    return data_format


def channels_first(data_format: str) -> bool:
    """Tells whether a layout has its channels before the dimensions of space."""
    return data_format.startswith("NC")


def to_channels_last(x: Array, data_format: str) -> Array:
    """Brings a batch of images to the layout whose channels are last."""
    return x.transpose(0, *range(2, x.ndim), 1) if channels_first(data_format) else x


def from_channels_last(x: Array, data_format: str) -> Array:
    """Brings a batch of images whose channels are last to ``data_format``."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1)) if channels_first(data_format) else x


def channels_last_sizes(values: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Orders numbers, one for each dimension in ``data_format``, with that of the channels last."""
    return (values[0], *values[2:], values[1]) if channels_first(data_format) else tuple(values)


def in_layout(values: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Orders numbers that come with that of the channels last as ``data_format`` says."""
    return (values[0], values[-1], *values[1:-1]) if channels_first(data_format) else tuple(values)


def explicit_pads(
    explicit_paddings: Sequence[int], padding: str, data_format: str, rank: int = 4
) -> list[tuple[int, int]]:
    """Returns the padding of each spatial dimension that the attribute ``explicit_paddings`` gives.

    Raises:
      ValueError: there are not two numbers for each dimension, or one is negative, or batch or channels are padded.
    """
    if padding != "EXPLICIT":
        if explicit_paddings:
            raise ValueError(f"explicit_paddings must be empty if the padding attribute is not EXPLICIT: {padding}")
        return [(0, 0)] * (rank - 2)
    if len(explicit_paddings) != 2 * rank:
        raise ValueError(f"explicit_paddings must contain {2 * rank} values, but got: {len(explicit_paddings)}")
    if min(explicit_paddings) < 0:
        raise ValueError(f"All elements of explicit_paddings must be nonnegative, but got {list(explicit_paddings)}")
    befores = channels_last_sizes(explicit_paddings[::2], data_format)
    afters = channels_last_sizes(explicit_paddings[1::2], data_format)
    outer, *pads, depth = zip(befores, afters, strict=True)
    if any(outer) or any(depth):
        raise ValueError("Nonzero explicit padding in the batch or depth dimensions is not supported")
    return pads


def window_axes(
    operation: str,
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int] | None = None,
) -> tuple[WindowAxis, ...]:
    """Checks the attributes of a windowed operation and lays its windows out along the dimensions of space.

    ``sizes`` and ``window`` are those of space; the other lists follow ``data_format``.

    Raises:
      InvalidArgumentError: for attributes that make no sense or leave a negative output.
      UnimplementedError: for strides or dilations along batch or channels.
    """
    rank = len(sizes) + 2
    check_layout(operation, data_format, rank)
    if dilations is None:
        dilations = (1,) * rank
    for label, values in (("strides", strides), ("dilations", dilations)):
        if len(values) != rank:
            raise invalid(operation, f"{label} must specify {rank} dimensions, but got {len(values)}: {list(values)}")
        ordered = channels_last_sizes(values, data_format)
        if ordered[0] != 1 or ordered[-1] != 1:
            error = unsupported if operation in _DECLINES else invalid
            raise error(operation, f"{label} in the batch and depth dimensions must be 1, got {list(values)}")
    try:
        pads = explicit_pads(explicit_paddings, padding, data_format, rank)
    except ValueError as error:
        raise invalid(operation, str(error)) from None
    steps = channels_last_sizes(strides, data_format)[1:-1]
    gaps = channels_last_sizes(dilations, data_format)[1:-1]
    axes = []
    for size, length, stride, dilation, explicit in zip(sizes, window, steps, gaps, pads, strict=True):
        try:
            output, before, after = window_output_size(size, length, dilation, stride, padding, explicit)
        except ValueError as error:
            raise invalid(operation, str(error)) from None
        assert output is not None and before is not None and after is not None
        axes.append(WindowAxis(size, length, dilation, stride, output, before, after))
    return tuple(axes)


def accumulator(dtype: Any) -> Any:
    """Returns the dtype that sums of values of ``dtype``, or of products of them, are kept in."""
    dtype = np.dtype(dtype)
    return np.dtype(np.float32) if dtype.itemsize == 2 and dtype.kind not in "iu" else dtype


def named(function: Callable[..., Any], operation: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Gives ``function`` the names that a traceback and ``help`` show."""
    tier = kernel.__name__.rpartition("_")[2]
    function.__name__ = function.__qualname__ = f"{operation}_{tier}"
    function.__doc__ = f"Computes {operation} with the raw operation's inputs and attributes ({tier} kernel)."
    return function
