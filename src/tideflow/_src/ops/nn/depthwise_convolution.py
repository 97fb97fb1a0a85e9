"""Depthwise convolution, in which every channel has filters of its own, and its two gradients."""

from __future__ import annotations

from typing import Literal

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn.convolution import UNDILATED, UNPADDED
from tideflow._src.ops.nn.convolution_plan import Window
from tideflow._src.ops.nn.convolution_samples import Case, convolution_samples, gradient_samples
from tideflow._src.ops.nn.window_gradients import differentiate_convolution
from tideflow._src.ops.nn.window_shapes import convolution_shape, shape_given
from tideflow._src.runtime.op import op

_WINDOW = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
_ONE = [1, 1, 1, 1]
_EVERY_DTYPE: Case = ((1, 4, 4, 2), (3, 2, 2, 2), {"strides": _ONE, "padding": "SAME"})
_CASES: tuple[Case, ...] = (
    ((2, 5, 4, 2), (3, 2, 2, 2), {"strides": _ONE, "padding": "SAME"}),
    ((1, 6, 6, 2), (2, 3, 2, 1), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    ((1, 5, 5, 2), (2, 2, 2, 3), {"strides": _ONE, "padding": "VALID"}),
    (
        (1, 4, 3, 2),
        (2, 2, 2, 1),
        {"strides": _ONE, "padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]},
    ),
)


@op("DepthwiseConv2dNative", "input: T, filter: T -> output: T", T=FLOATING)
def depthwise_conv2d_native_op(
    xp,
    input,
    filter,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Convolves each channel with its own filters, of shape ``[height, width, channels, multiplier]``."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.depthwise_conv2d_native(xp, input, filter, window)


@depthwise_conv2d_native_op.shape
def _depthwise_shape(input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
    return convolution_shape(
        "DepthwiseConv2D", input, filter, strides, padding, explicit_paddings, data_format, dilations, True
    )


@depthwise_conv2d_native_op.samples
def _depthwise_samples(s):
    yield from convolution_samples(s, _EVERY_DTYPE, _CASES)
    yield s(s.empty(0, 4, 4, 2), s.normal(1, 1, 2, 1), strides=_ONE, padding="VALID")
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 3, 2), strides=_ONE, padding="VALID", error="InvalidArgumentError")
    yield s(s.normal(4, 4, 2), s.normal(2, 2, 2, 2), strides=_ONE, padding="VALID", error="InvalidArgumentError")


@op(
    "DepthwiseConv2dNativeBackpropInput",
    "input_sizes: static int32, filter: T, out_backprop: T -> output: T",
    T=FLOATING,
)
def depthwise_backprop_input_op(
    xp,
    input_sizes,
    filter,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``DepthwiseConv2dNative`` with respect to its images, of shape ``input_sizes``."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.depthwise_conv2d_native_backprop_input(xp, input_sizes, filter, out_backprop, window)


@depthwise_backprop_input_op.shape
def _depthwise_backprop_input_shape(input_sizes, filter, out_backprop):
    return shape_given(input_sizes, 4)


@depthwise_backprop_input_op.samples
def _depthwise_backprop_input_samples(s):
    yield from gradient_samples(
        s, _EVERY_DTYPE, _CASES, lambda image, kernel, dy: (np.int32(image.shape), kernel, dy), depthwise=True
    )


@op(
    "DepthwiseConv2dNativeBackpropFilter",
    "input: T, filter_sizes: static int32, out_backprop: T -> output: T",
    T=FLOATING,
)
def depthwise_backprop_filter_op(
    xp,
    input,
    filter_sizes,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = UNPADDED,
    data_format: Literal["NHWC", "NCHW"] = "NHWC",
    dilations: list[int] = UNDILATED,
):
    """Gives the gradient of ``DepthwiseConv2dNative`` with respect to its filter, of shape ``filter_sizes``."""
    window = Window(strides, padding, explicit_paddings, data_format, dilations)
    return kernels.depthwise_conv2d_native_backprop_filter(xp, input, filter_sizes, out_backprop, window)


@depthwise_backprop_filter_op.shape
def _depthwise_backprop_filter_shape(input, filter_sizes, out_backprop):
    return shape_given(filter_sizes, 4)


@depthwise_backprop_filter_op.samples
def _depthwise_backprop_filter_samples(s):
    yield from gradient_samples(
        s, _EVERY_DTYPE, _CASES, lambda image, kernel, dy: (image, np.int32(kernel.shape), dy), depthwise=True
    )


differentiate_convolution(
    depthwise_conv2d_native_op, depthwise_backprop_input_op, depthwise_backprop_filter_op, _WINDOW
)
