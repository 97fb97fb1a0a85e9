"""Two-dimensional convolution and its two gradients, for dense and for depthwise filters.

The kernels are in :mod:`.convolution_kernels`, the public functions in :mod:`.convolution_functions`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of, with_rank
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn.window_shapes import arranged, convolution_shape, shape_given
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

#: Defaults of two attributes.
UNPADDED: list[int] = []
UNDILATED = [1, 1, 1, 1]

_TYPES = (*FLOATING, "int32")
_WINDOW = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
#: Samples of 16-bit floats sum few products of small integers, so that every order of summation gives the same.
_EXACT = ("float16", "bfloat16")


def window_attributes(call: Any) -> dict[str, Any]:
    """Returns the attributes that a convolution shares with its gradients."""
    names = _WINDOW if call.op_def.name.startswith("Depthwise") else (*_WINDOW, "use_cudnn_on_gpu")
    return {name: call.attr(name) for name in names}


def draw_exact(s: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draws numbers whose products add up to the same in every order, even in 16 bits."""
    if dtype.name in _EXACT or not dtype.is_floating:
        return s.integers(-3, 4, shape, dtype)
    return s.normal(*shape, dtype=dtype)


_CASES: tuple[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]], ...] = (
    ((2, 5, 4, 2), (3, 2, 2, 3), {"padding": "SAME"}),
    ((1, 6, 5, 2), (2, 3, 2, 2), {"strides": [1, 2, 2, 1], "padding": "SAME"}),
    ((1, 5, 5, 2), (1, 1, 2, 3), {"padding": "VALID"}),
    ((1, 7, 6, 1), (2, 2, 1, 2), {"dilations": [1, 2, 2, 1], "padding": "VALID"}),
    (
        (1, 4, 3, 2),
        (2, 2, 2, 1),
        {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]},
    ),
)


# Dense filters.


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
    kernel = kernels.conv2d_eager if xp is np else kernels.conv2d_xla
    return kernel(
        input,
        filter,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@conv2d_op.shape
def _conv2d_shape(input, filter, *, strides, padding, explicit_paddings, data_format, dilations):
    return convolution_shape(
        "Conv2D", input, filter, strides, padding, explicit_paddings, data_format, dilations, False
    )


@conv2d_op.gradient
def _conv2d_gradient(call, dy):
    image, kernel = call.inputs
    window = window_attributes(call)
    return (
        conv2d_backprop_input_op(shape_of(image), kernel, dy, **window),
        conv2d_backprop_filter_op(image, shape_of(kernel), dy, **window),
    )


@conv2d_op.samples
def _conv2d_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        yield s(draw_exact(s, (1, 4, 4, 2), dtype), draw_exact(s, (3, 2, 2, 2), dtype), strides=one, padding="SAME")
    for image, kernel, attributes in _CASES:
        yield s(s.normal(*image), s.normal(*kernel), **{"strides": one, **attributes})
    yield s(s.normal(1, 4, 4, 4), s.normal(2, 2, 2, 4), strides=one, padding="VALID")  # two groups
    yield s(s.empty(0, 4, 4, 2), s.normal(1, 1, 2, 2), strides=one, padding="VALID")
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 3, 2), strides=one, padding="VALID", error="InvalidArgumentError")
    yield s(s.normal(4, 4, 2), s.normal(2, 2, 2, 2), strides=one, padding="VALID", error="InvalidArgumentError")
    zero = {"strides": [1, 0, 1, 1], "padding": "VALID"}
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 2, 2), error="InvalidArgumentError", **zero)


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
    kernel = kernels.conv2d_backprop_input_eager if xp is np else kernels.conv2d_backprop_input_xla
    return kernel(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


def _sizes_shape(input_sizes: Any, filter: Any, out_backprop: Any, data_format: str) -> Any:
    """Returns the shape of an input gradient; the sizes may also be rows and columns alone."""
    known = input_sizes.integers()
    filter, (batch, *_) = with_rank(filter, 4), with_rank(out_backprop, 4)
    if known is not None and len(known) == 2:
        return arranged(batch, known, filter[2], data_format)
    return (batch, *shape_given(input_sizes, 4)[1:])


@conv2d_backprop_input_op.shape
def _conv2d_backprop_input_shape(input_sizes, filter, out_backprop, *, data_format):
    return _sizes_shape(input_sizes, filter, out_backprop, data_format)


@conv2d_backprop_input_op.gradient
def _conv2d_backprop_input_gradient(call, dy):
    _, kernel, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        None,
        conv2d_backprop_filter_op(dy, shape_of(kernel), out_backprop, **window),
        conv2d_op(dy, kernel, **window),
    )


def _result_shape(image: tuple[int, ...], kernel: tuple[int, ...], attributes: dict[str, Any]) -> tuple[int, ...]:
    """Returns the shape of a sample's convolution."""
    complete = {"explicit_paddings": [], "data_format": "NHWC", "dilations": [1, 1, 1, 1], **attributes}
    shape = convolution_shape("", image, kernel, depthwise=False, **complete)
    return tuple(size for size in shape if size is not None)


@conv2d_backprop_input_op.samples
def _conv2d_backprop_input_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        yield s(
            np.int32([1, 4, 4, 2]),
            draw_exact(s, (3, 2, 2, 2), dtype),
            draw_exact(s, (1, 4, 4, 2), dtype),
            strides=one,
            padding="SAME",
        )
    for image, kernel, attributes in _CASES:
        attributes = {"strides": one, **attributes}
        dy = s.normal(*_result_shape(image, kernel, attributes))
        yield s(np.int32(image), s.normal(*kernel), dy, **attributes)
    yield s(
        np.int32([1, 4, 4, 2]),
        s.normal(3, 2, 2, 2),
        s.normal(4, 4, 2),
        strides=one,
        padding="SAME",
        error="InvalidArgumentError",
    )


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
    kernel = kernels.conv2d_backprop_filter_eager if xp is np else kernels.conv2d_backprop_filter_xla
    return kernel(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@conv2d_backprop_filter_op.shape
def _conv2d_backprop_filter_shape(input, filter_sizes, out_backprop):
    return shape_given(filter_sizes, 4)


@conv2d_backprop_filter_op.gradient
def _conv2d_backprop_filter_gradient(call, dy):
    image, _, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        conv2d_backprop_input_op(shape_of(image), dy, out_backprop, **window),
        None,
        conv2d_op(image, dy, **window),
    )


@conv2d_backprop_filter_op.samples
def _conv2d_backprop_filter_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        yield s(
            draw_exact(s, (1, 4, 4, 2), dtype),
            np.int32([3, 2, 2, 2]),
            draw_exact(s, (1, 4, 4, 2), dtype),
            strides=one,
            padding="SAME",
        )
    for image, kernel, attributes in _CASES:
        attributes = {"strides": one, **attributes}
        dy = s.normal(*_result_shape(image, kernel, attributes))
        yield s(s.normal(*image), np.int32(kernel), dy, **attributes)
    yield s(
        s.normal(1, 4, 4, 2),
        np.int32([3, 2, 2, 2]),
        s.normal(4, 4, 2),
        strides=one,
        padding="SAME",
        error="InvalidArgumentError",
    )


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
    kernel = kernels.conv2d_backprop_input_eager if xp is np else kernels.conv2d_backprop_input_xla
    return kernel(
        input.shape,
        filter,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@conv2d_backprop_input_v2_op.shape
def _conv2d_backprop_input_v2_shape(input, filter, out_backprop):
    return with_rank(input, 4)


@conv2d_backprop_input_v2_op.gradient
def _conv2d_backprop_input_v2_gradient(call, dy):
    image, kernel, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        raw.ZerosLike(image),
        conv2d_backprop_filter_op(dy, shape_of(kernel), out_backprop, **window),
        conv2d_op(dy, kernel, **window),
    )


@conv2d_backprop_input_v2_op.samples
def _conv2d_backprop_input_v2_samples(s):
    for dtype in s.dtypes("T"):
        shapes = ((1, 4, 4, 2), (3, 2, 2, 2), (1, 4, 4, 2))
        yield s(*(draw_exact(s, shape, dtype) for shape in shapes), strides=[1, 1, 1, 1], padding="SAME")


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
    kernel = kernels.conv2d_backprop_filter_eager if xp is np else kernels.conv2d_backprop_filter_xla
    return kernel(
        input,
        filter.shape,
        out_backprop,
        strides=strides,
        padding=padding,
        explicit_paddings=explicit_paddings,
        data_format=data_format,
        dilations=dilations,
    )


@conv2d_backprop_filter_v2_op.shape
def _conv2d_backprop_filter_v2_shape(input, filter, out_backprop):
    return with_rank(filter, 4)


@conv2d_backprop_filter_v2_op.gradient
def _conv2d_backprop_filter_v2_gradient(call, dy):
    image, kernel, out_backprop = call.inputs
    window = window_attributes(call)
    return (
        conv2d_backprop_input_op(shape_of(image), dy, out_backprop, **window),
        raw.ZerosLike(kernel),
        conv2d_op(image, dy, **window),
    )


@conv2d_backprop_filter_v2_op.samples
def _conv2d_backprop_filter_v2_samples(s):
    for dtype in s.dtypes("T"):
        shapes = ((1, 4, 4, 2), (3, 2, 2, 2), (1, 4, 4, 2))
        yield s(*(draw_exact(s, shape, dtype) for shape in shapes), strides=[1, 1, 1, 1], padding="SAME")
