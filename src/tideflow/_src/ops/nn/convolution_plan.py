"""One convolution, checked: its sizes with channels last, over one, two or three dimensions of space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tideflow._src.ops.nn.windows import (
    Windows,
    channels_last_sizes,
    check_layout,
    from_channels_last,
    invalid,
    named,
    to_channels_last,
    window_axes,
)

Array = Any


class Window(NamedTuple):
    """Is the attributes that a convolution and its gradients share; lists hold a number for each dimension."""

    strides: Sequence[int]
    padding: str
    explicit_paddings: Sequence[int] = ()
    data_format: str = "NHWC"
    dilations: Sequence[int] | None = None


class Convolution(Windows):
    """Is one convolution, checked."""

    __slots__ = ()

    @property
    def groups(self) -> int:
        """Returns how many parts the channels are convolved in."""
        return self.channels // self.depth

    @property
    def pointwise(self) -> bool:
        """Tells whether the window is one element without padding."""
        return all(axis.window == 1 and not (axis.before or axis.after) for axis in self.axes)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Returns the distance between the elements of a window along each dimension of space."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def empty(self) -> bool:
        """Tells whether there is nothing to multiply."""
        return 0 in self.output_shape or 0 in self.input_shape[1:-1]


def describe(
    operation: str,
    input_shape: Sequence[int],
    filter_shape: Sequence[int],
    attributes: Window,
    depthwise: bool = False,
    out_backprop_shape: Sequence[int] | None = None,
    rank: int = 4,
) -> Convolution:
    """Checks shapes and attributes of a convolution; shapes come in the call's own layout.

    Raises:
      InvalidArgumentError: they do not fit.
      UnimplementedError: strides or dilations over batch or channels.
    """
    data_format = check_layout(operation, attributes.data_format, rank)
    for label, shape in (("input", input_shape), ("filter", filter_shape)):
        if len(shape) != rank:
            raise invalid(operation, f"{label} must be {rank}-dimensional, but got shape {list(shape)}")
    batch, *sizes, channels = channels_last_sizes(input_shape, data_format)
    *window, filter_channels, last = filter_shape
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
    axes = window_axes(
        operation,
        sizes,
        window,
        attributes.strides,
        attributes.padding,
        attributes.explicit_paddings,
        data_format,
        attributes.dilations,
    )
    call = Convolution(batch, axes, channels, depth, outputs)
    if out_backprop_shape is not None:
        if len(out_backprop_shape) != rank:
            raise invalid(
                operation, f"out_backprop must be {rank}-dimensional, but got shape {list(out_backprop_shape)}"
            )
        got = channels_last_sizes(out_backprop_shape, data_format)
        if got != call.output_shape:
            raise invalid(
                operation,
                f"out_backprop does not match the computed output, channels last: "
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


Kernel = Callable[[Convolution, Array, Array], Array]


def forward(operation: str, kernel: Kernel, *, depthwise: bool = False, rank: int = 4) -> Callable[..., Array]:
    """Makes the kernel of a forward operation from ``kernel(call, input, filter)`` with channels last."""

    def convolve(input: Array, filter: Array, window: Window) -> Array:
        call = describe(operation, input.shape, filter.shape, window, depthwise, rank=rank)
        result = kernel(call, to_channels_last(input, window.data_format), filter)
        return from_channels_last(result, window.data_format)

    return named(convolve, operation, kernel)


def input_gradient(operation: str, kernel: Kernel, *, depthwise: bool = False, rank: int = 4) -> Callable[..., Array]:
    """Makes the kernel of an input gradient from ``kernel(call, filter, out_backprop)`` with channels last."""

    def convolve_backprop_input(
        input_sizes: Sequence[int], filter: Array, out_backprop: Array, window: Window
    ) -> Array:
        sizes = _input_sizes(input_sizes, out_backprop, filter.shape, window.data_format)
        call = describe(operation, sizes, filter.shape, window, depthwise, out_backprop.shape, rank)
        result = kernel(call, filter, to_channels_last(out_backprop, window.data_format))
        return from_channels_last(result, window.data_format)

    return named(convolve_backprop_input, operation, kernel)


def filter_gradient(operation: str, kernel: Kernel, *, depthwise: bool = False, rank: int = 4) -> Callable[..., Array]:
    """Makes the kernel of a filter gradient from ``kernel(call, input, out_backprop)`` with channels last."""

    def convolve_backprop_filter(
        input: Array, filter_sizes: Sequence[int], out_backprop: Array, window: Window
    ) -> Array:
        sizes = tuple(int(size) for size in filter_sizes)
        call = describe(operation, input.shape, sizes, window, depthwise, out_backprop.shape, rank)
        arrays = (to_channels_last(array, window.data_format) for array in (input, out_backprop))
        return kernel(call, *arrays).reshape(sizes)

    return named(convolve_backprop_filter, operation, kernel)
