"""Static shapes of the operations that move a window over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.graph.op_def import StaticValue
from tideflow._src.ops.dimensions import Dimension, merge_dimensions, with_rank
from tideflow._src.ops.nn.windows import channels_last_sizes, explicit_pads, in_layout, window_output_size

Sizes = tuple[Dimension, ...]


def check_length(operation: str, label: str, values: Sequence[int], length: int = 4) -> None:
    """Raises a ValueError unless an attribute holds ``length`` numbers."""
    if len(values) != length:
        raise ValueError(
            f"{operation} requires the {label} attribute to contain {length} values, but got: {len(values)}"
        )


def windowed(
    size: Dimension,
    window: Dimension,
    stride: int,
    padding: str,
    pads: Sequence[int] = (0, 0),
    dilation: int = 1,
) -> Dimension:
    """Returns how many windows fit along an axis, or None if that is not known.

    Raises:
      ValueError: the window is larger than the padded axis, or stride or dilation is below one.
    """
    if padding != "SAME" and size is not None and window is not None:
        padded, extent = size + pads[0] + pads[1], (window - 1) * dilation + 1
        if extent > padded:  # kernels find no windows there if little is missing
            raise ValueError(f"Negative dimension size caused by subtracting {extent} from {padded}")
    kind = "SAME" if padding == "SAME" else "EXPLICIT"
    return window_output_size(size, window, dilation, stride, kind, (pads[0], pads[1]))[0]


def convolution_shape(
    operation: str,
    image: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
    dilations: Sequence[int],
    depthwise: bool,
    rank: int = 4,
) -> Sizes:
    """Returns the shape of a convolution of images, or with rank 5 of volumes.

    Raises:
      ValueError: shapes and attributes do not fit.
    """
    image, kernel = with_rank(image, rank), with_rank(kernel, rank)
    check_length(operation, "dilation", dilations, rank)
    check_length(operation, "stride", strides, rank)
    batch, *space, channels = channels_last_sizes(image, data_format)
    depth = kernel[-2]
    if depthwise:
        channels = merge_dimensions(channels, depth)
        outputs = None if channels is None or kernel[-1] is None else channels * kernel[-1]
    else:
        outputs = kernel[-1]
        if channels is not None and depth is not None:
            if depth == 0:
                raise ValueError("Depth of filter must not be 0")
            if channels % depth:
                raise ValueError(f"Depth of input ({channels}) is not a multiple of input depth of filter ({depth})")
            groups = channels // depth
            if groups < 1:
                raise ValueError(f"Number of groups must be positive: input depth {channels}, filter depth {depth}")
            if outputs is not None and outputs % groups:
                raise ValueError(f"Depth of output ({outputs}) is not a multiple of the number of groups ({groups})")
    pads = explicit_pads(explicit_paddings, padding, data_format, rank)
    sizes = [
        windowed(size, window, stride, padding, pad, dilation)
        for size, window, stride, pad, dilation in zip(
            space,
            kernel[:-2],
            channels_last_sizes(strides, data_format)[1:-1],
            pads,
            channels_last_sizes(dilations, data_format)[1:-1],
            strict=True,
        )
    ]
    return in_layout((batch, *sizes, outputs), data_format)


def pooling_shape(
    operation: str,
    image: Any,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    explicit_paddings: Sequence[int] = (),
    over_channels: bool = False,
    rank: int = 4,
) -> Sizes:
    """Returns the shape of a pooling over space and, with ``over_channels``, over channels.

    Raises:
      ValueError: shapes and attributes do not fit.
    """
    image = with_rank(image, rank)
    check_length(operation, "stride", strides, rank)
    check_length(operation, "ksize", ksize, rank)
    pads = explicit_pads(explicit_paddings, padding, data_format, rank)
    batch, *space, channels = channels_last_sizes(image, data_format)
    windows, steps = channels_last_sizes(ksize, data_format), channels_last_sizes(strides, data_format)
    sizes = [
        windowed(size, window, stride, padding, pad)
        for size, window, stride, pad in zip(space, windows[1:-1], steps[1:-1], pads, strict=True)
    ]
    if over_channels:
        channels = windowed(channels, windows[-1], steps[-1], "VALID" if padding == "EXPLICIT" else padding)
    return in_layout((batch, *sizes, channels), data_format)


def shape_given(sizes: StaticValue, rank: int) -> Sizes:
    """Returns the shape that a static input holds, as far as it is known; a ValueError if its rank differs."""
    known = sizes.integers()
    if known is None:
        return (None,) * rank
    return with_rank(tuple(None if size is None or size < 0 else size for size in known), rank)
