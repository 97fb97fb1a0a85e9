"""Static shapes of the operations that move a window over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.graph.op_def import StaticValue
from tideflow._src.ops.dimensions import Dimension, merge_dimensions, with_rank
from tideflow._src.ops.nn.windows import window_output_size

Sizes = tuple[Dimension, ...]


def check_length(operation: str, label: str, values: Sequence[int], length: int = 4) -> None:
    """Raises a ValueError unless an attribute holds ``length`` numbers."""
    if len(values) != length:
        raise ValueError(
            f"{operation} requires the {label} attribute to contain {length} values, but got: {len(values)}"
        )


def spatial(values: Sequence[Any], data_format: str) -> tuple[Any, ...]:
    """Returns the entries of a list in ``data_format`` that belong to rows and columns (and planes)."""
    return tuple(values[2:] if data_format.startswith("NC") else values[1:-1])


def channel_of(values: Sequence[Any], data_format: str) -> Any:
    """Returns the entry of a list in ``data_format`` that belongs to the channels."""
    return values[1 if data_format.startswith("NC") else -1]


def arranged(batch: Any, spatial_sizes: Sequence[Any], channels: Any, data_format: str) -> tuple[Any, ...]:
    """Puts batch, spatial sizes and channels into the order of ``data_format``."""
    if data_format.startswith("NC"):
        return (batch, channels, *spatial_sizes)
    return (batch, *spatial_sizes, channels)


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
    pairs = list(zip(explicit_paddings[::2], explicit_paddings[1::2], strict=True))
    if any(pairs[0]) or any(channel_of(pairs, data_format)):
        raise ValueError("Nonzero explicit padding in the batch or depth dimensions is not supported")
    return list(spatial(pairs, data_format))


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
    channels, depth = channel_of(image, data_format), kernel[-2]
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
            spatial(image, data_format),
            kernel[:-2],
            spatial(strides, data_format),
            pads,
            spatial(dilations, data_format),
            strict=True,
        )
    ]
    return arranged(image[0], sizes, outputs, data_format)


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
    sizes = [
        windowed(size, window, stride, padding, pad)
        for size, window, stride, pad in zip(
            spatial(image, data_format),
            spatial(ksize, data_format),
            spatial(strides, data_format),
            pads,
            strict=True,
        )
    ]
    channels = channel_of(image, data_format)
    if over_channels:
        window, stride = channel_of(ksize, data_format), channel_of(strides, data_format)
        channels = windowed(channels, window, stride, "VALID" if padding == "EXPLICIT" else padding)
    return arranged(image[0], sizes, channels, data_format)


def shape_given(sizes: StaticValue, rank: int) -> Sizes:
    """Returns the shape that a static input holds, as far as it is known; a ValueError if its rank differs."""
    known = sizes.integers()
    if known is None:
        return (None,) * rank
    return with_rank(tuple(None if size is None or size < 0 else size for size in known), rank)
