"""Depthwise convolution, in which every channel has filters of its own, and its two gradients."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn.convolution import UNDILATED, UNPADDED, draw_exact, window_attributes
from tideflow._src.ops.nn.window_shapes import convolution_shape, shape_given
from tideflow._src.runtime.op import op

_CASES: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 4, 2), (3, 2, 2, 2), {"padding": "SAME"}),
    ((1, 6, 6, 2), (2, 3, 2, 1), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    ((1, 5, 5, 2), (2, 2, 2, 3), {"padding": "VALID"}),
    (
        (1, 4, 3, 2),
        (2, 2, 2, 1),
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]},
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
    kernel = kernels.depthwise_conv2d_native_eager if xp is np else kernels.depthwise_conv2d_native_xla
    return kernel(
        input,
        filter,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@depthwise_conv2d_native_op.shape
def _depthwise_shape(input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
    return convolution_shape(
        "DepthwiseConv2D", input, filter, strides, padding, explicit_paddings, data_format, dilations, True
    )


@depthwise_conv2d_native_op.gradient
def _depthwise_gradient(call, dy):
    image, kernel = call.inputs
    window = window_attributes(call)
    return (
        depthwise_backprop_input_op(shape_of(image), kernel, dy, **window),
        depthwise_backprop_filter_op(image, shape_of(kernel), dy, **window),
    )


def _sample_result(s: Any, image: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]) -> Any:
    """Draws a gradient of the shape of a sample's convolution."""
    complete = {"explicit_paddings": [], "data_format": "NHWC", "dilations": [1, 1, 1, 1], **attributes}
    return s.normal(*convolution_shape("", image, kernel, depthwise=True, **complete))


@depthwise_conv2d_native_op.samples
def _depthwise_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        yield s(draw_exact(s, (1, 4, 4, 2), dtype), draw_exact(s, (3, 2, 2, 2), dtype), strides=one, padding="SAME")
    for image, kernel, attributes in _CASES:
        yield s(s.normal(*image), s.normal(*kernel), **{"strides": one, **attributes})
    yield s(s.empty(0, 4, 4, 2), s.normal(1, 1, 2, 1), strides=one, padding="VALID")
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 3, 2), strides=one, padding="VALID", error="InvalidArgumentError")
    yield s(s.normal(4, 4, 2), s.normal(2, 2, 2, 2), strides=one, padding="VALID", error="InvalidArgumentError")


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
    host, xla = kernels.depthwise_conv2d_native_backprop_input_host, kernels.depthwise_conv2d_native_backprop_input_xla
    return (host if xp is np else xla)(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@depthwise_backprop_input_op.shape
def _depthwise_backprop_input_shape(input_sizes, filter, out_backprop):
    return shape_given(input_sizes, 4)


@depthwise_backprop_input_op.gradient
def _depthwise_backprop_input_gradient(call, dy):
    _, kernel, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        None,
        depthwise_backprop_filter_op(dy, shape_of(kernel), out_backprop, **window),
        depthwise_conv2d_native_op(dy, kernel, **window),
    )


@depthwise_backprop_input_op.samples
def _depthwise_backprop_input_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        kernel, dy = draw_exact(s, (3, 2, 2, 2), dtype), draw_exact(s, (1, 4, 4, 4), dtype)
        yield s(np.int32([1, 4, 4, 2]), kernel, dy, strides=one, padding="SAME")
    for image, kernel, attributes in _CASES:
        attributes = {"strides": one, **attributes}
        yield s(np.int32(image), s.normal(*kernel), _sample_result(s, image, kernel, attributes), **attributes)


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
    host = kernels.depthwise_conv2d_native_backprop_filter_host
    xla = kernels.depthwise_conv2d_native_backprop_filter_xla
    return (host if xp is np else xla)(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@depthwise_backprop_filter_op.shape
def _depthwise_backprop_filter_shape(input, filter_sizes, out_backprop):
    return shape_given(filter_sizes, 4)


@depthwise_backprop_filter_op.gradient
def _depthwise_backprop_filter_gradient(call, dy):
    image, _, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        depthwise_backprop_input_op(shape_of(image), dy, out_backprop, **window),
        None,
        depthwise_conv2d_native_op(image, dy, **window),
    )


@depthwise_backprop_filter_op.samples
def _depthwise_backprop_filter_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        image, dy = draw_exact(s, (1, 4, 4, 2), dtype), draw_exact(s, (1, 4, 4, 4), dtype)
        yield s(image, np.int32([3, 2, 2, 2]), dy, strides=one, padding="SAME")
    for image, kernel, attributes in _CASES:
        attributes = {"strides": one, **attributes}
        yield s(s.normal(*image), np.int32(kernel), _sample_result(s, image, kernel, attributes), **attributes)
