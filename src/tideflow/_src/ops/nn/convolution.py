"""Two-dimensional convolution and its two gradients.

The kernels are in :mod:`.convolution_kernels`, the public functions in :mod:`.convolution_functions`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn.convolution_plan import Window
from tideflow._src.ops.nn.convolution_samples import Case, convolution_samples, gradient_samples
from tideflow._src.ops.nn.window_gradients import (
    differentiate_convolution,
    differentiate_filter_gradient,
    differentiate_input_gradient,
)
from tideflow._src.ops.nn.window_shapes import convolution_shape, shape_given
from tideflow._src.ops.nn.windows import in_layout
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

#: Defaults of two attributes.
UNPADDED: list[int] = []
UNDILATED = [1, 1, 1, 1]

_TYPES = (*FLOATING, "int32")
_WINDOW = ("strides", "padding", "explicit_paddings", "data_format", "dilations", "use_cudnn_on_gpu")
_ONE = [1, 1, 1, 1]
_EVERY_DTYPE: Case = ((1, 4, 4, 2), (3, 2, 2, 2), {"strides": _ONE, "padding": "SAME"})
_CASES: tuple[Case, ...] = (
    ((2, 5, 4, 2), (3, 2, 2, 3), {"strides": _ONE, "padding": "SAME"}),
    ((1, 6, 5, 2), (2, 3, 2, 2), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    ((1, 5, 5, 2), (1, 1, 2, 3), {"strides": _ONE, "padding": "VALID"}),
    ((1, 7, 6, 1), (2, 2, 1, 2), {"strides": _ONE, "dilations": [1, 2, 2, 1], "padding": "VALID"}),
    (
        (1, 4, 3, 2),
        (2, 2, 2, 1),
        {"strides": _ONE, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]},
    ),
)


@op("Conv2D", "input: T, filter: T -> output: T", T=_TYPES)
def conv2d_op(
    xp,
    input,
    filter,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Convolves images with a filter of shape ``[height, width, in_channels, out_channels]``."""
    return kernels.conv2d(xp, input, filter, Window(strides, padding, explicit_paddings, data_format, dilations))


@conv2d_op.shape
def _conv2d_shape(input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
    return convolution_shape(
        "Conv2D", input, filter, strides, padding, explicit_paddings, data_format, dilations, False
    )


@conv2d_op.samples
def _conv2d_samples(s):
    yield from convolution_samples(s, _EVERY_DTYPE, _CASES)
    valid = {"strides": _ONE, "padding": "VALID"}
    bad = {**valid, "error": "InvalidArgumentError"}
    yield s(s.normal(1, 4, 4, 4), s.normal(2, 2, 2, 4), **valid)  # two groups
    yield s(s.empty(0, 4, 4, 2), s.normal(1, 1, 2, 2), **valid)
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 3, 2), **bad)
    yield s(s.normal(4, 4, 2), s.normal(2, 2, 2, 2), **bad)
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 2, 2), **{**bad, "strides": [1, 0, 1, 1]})


@op("Conv2DBackpropInput", "input_sizes: static int32, filter: T, out_backprop: T -> output: T", T=_TYPES)
def conv2d_backprop_input_op(
    xp,
    input_sizes,
    filter,
    out_backprop,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``Conv2D`` with respect to its images, whose shape is ``input_sizes``."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.conv2d_backprop_input(xp, input_sizes, filter, out_backprop, window)


def _sizes_shape(input_sizes: Any, filter: Any, out_backprop: Any, data_format: str) -> Any:
    """Returns the shape of an input gradient; the sizes may also be rows and columns alone."""
    known = input_sizes.integers()
    filter, (batch, *_) = with_rank(filter, 4), with_rank(out_backprop, 4)
    if known is not None and len(known) == 2:
        return in_layout((batch, *known, filter[2]), data_format)
    return (batch, *shape_given(input_sizes, 4)[1:])


@conv2d_backprop_input_op.shape
def _conv2d_backprop_input_shape(input_sizes, filter, out_backprop, *, data_format):
    return _sizes_shape(input_sizes, filter, out_backprop, data_format)


@conv2d_backprop_input_op.samples
def _conv2d_backprop_input_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, _CASES, lambda image, kernel, dy: (np.int32(image.shape), kernel, dy))
    bad = {"strides": _ONE, "padding": "SAME", "error": "InvalidArgumentError"}
    yield s(np.int32([1, 4, 4, 2]), s.normal(3, 2, 2, 2), s.normal(4, 4, 2), **bad)


@op(
    "Conv2DBackpropFilter",
    "input: T, filter_sizes: static int32, out_backprop: T -> output: T",
    T=FLOATING,
)
def conv2d_backprop_filter_op(
    xp,
    input,
    filter_sizes,
    out_backprop,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``Conv2D`` with respect to its filter, whose shape is ``filter_sizes``."""
    require_memory(filter_sizes.reshape(-1).tolist(), out_backprop.dtype.itemsize)
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.conv2d_backprop_filter(xp, input, filter_sizes, out_backprop, window)


@conv2d_backprop_filter_op.shape
def _conv2d_backprop_filter_shape(input, filter_sizes, out_backprop):
    return shape_given(filter_sizes, 4)


@conv2d_backprop_filter_op.samples
def _conv2d_backprop_filter_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, _CASES, lambda image, kernel, dy: (image, np.int32(kernel.shape), dy))
    bad = {"strides": _ONE, "padding": "SAME", "error": "InvalidArgumentError"}
    yield s(s.normal(1, 4, 4, 2), np.int32([3, 2, 2, 2]), s.normal(4, 4, 2), **bad)


differentiate_convolution(conv2d_op, conv2d_backprop_input_op, conv2d_backprop_filter_op, _WINDOW)


# The same gradients, given a tensor of the right shape rather than the shape itself.


@op("Conv2DBackpropInputV2", "input: T, filter: T, out_backprop: T -> output: T", T=_TYPES)
def conv2d_backprop_input_v2_op(
    xp,
    input,
    filter,
    out_backprop,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``Conv2D`` with respect to its images, of which only the shape is read."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.conv2d_backprop_input(xp, input.shape, filter, out_backprop, window)


@conv2d_backprop_input_v2_op.shape
def _conv2d_backprop_input_v2_shape(input, filter, out_backprop):
    return with_rank(input, 4)


@conv2d_backprop_input_v2_op.samples
def _conv2d_backprop_input_v2_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, (), lambda *arrays: arrays)


differentiate_input_gradient(conv2d_backprop_input_v2_op, conv2d_op, conv2d_backprop_filter_op, _WINDOW)


@op("Conv2DBackpropFilterV2", "input: T, filter: T, out_backprop: T -> output: T", T=FLOATING)
def conv2d_backprop_filter_v2_op(
    xp,
    input,
    filter,
    out_backprop,
    *,
    strides: list[int],
    use_cudnn_on_gpu: bool = True,
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``Conv2D`` with respect to its filter, of which only the shape is read."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.conv2d_backprop_filter(xp, input, filter.shape, out_backprop, window)


@conv2d_backprop_filter_v2_op.shape
def _conv2d_backprop_filter_v2_shape(input, filter, out_backprop):
    return with_rank(filter, 4)


@conv2d_backprop_filter_v2_op.samples
def _conv2d_backprop_filter_v2_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, (), lambda *arrays: arrays)


differentiate_filter_gradient(conv2d_backprop_filter_v2_op, conv2d_op, conv2d_backprop_input_op, _WINDOW)
