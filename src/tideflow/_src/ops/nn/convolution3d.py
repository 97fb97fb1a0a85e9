"""Convolution of volumes and its two gradients."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import FLOATING, INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of, with_rank
from tideflow._src.ops.nn import convolution_kernels as kernels
from tideflow._src.ops.nn.convolution_plan import Window
from tideflow._src.ops.nn.convolution_samples import Case, convolution_samples, draw_exact, gradient_samples
from tideflow._src.ops.nn.window_gradients import differentiate_convolution
from tideflow._src.ops.nn.window_shapes import convolution_shape, shape_given
from tideflow._src.runtime.checks import require_memory
from tideflow._src.runtime.op import op

#: The default of the attribute ``dilations``.
UNDILATED_VOLUME = [1, 1, 1, 1, 1]

_OLD_TYPES = ("float16", "float32", "float64")
_ONE = [1, 1, 1, 1, 1]
_EVERY_DTYPE: Case = ((1, 3, 3, 4, 2), (3, 2, 2, 2, 2), {"padding": "SAME", "strides": _ONE})
_CASES: tuple[Case, ...] = (
    ((2, 4, 5, 3, 2), (2, 3, 2, 2, 3), {"padding": "SAME", "strides": _ONE}),
    ((1, 5, 4, 5, 1), (3, 2, 2, 1, 2), {"padding": "SAME", "strides": [1, 2, 1, 2, 1]}),
    ((1, 3, 4, 4, 3), (2, 2, 3, 3, 2), {"padding": "VALID", "strides": _ONE}),
    ((1, 3, 2, 4, 3), (1, 1, 1, 3, 2), {"padding": "VALID", "strides": [1, 2, 1, 1, 1]}),
)


@op("Conv3D", "input: T, filter: T -> output: T", T=FLOATING, strides=at_least(5))
def conv3d_op(
    xp,
    input,
    filter,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
    dilations: list[int] = UNDILATED_VOLUME,
):
    """Convolves volumes with a filter of shape ``[depth, height, width, in_channels, out_channels]``."""
    return kernels.conv3d(xp, input, filter, Window(strides, padding, (), data_format, dilations))


@conv3d_op.shape
def _conv3d_shape(input, filter, *, strides, padding, data_format, dilations):
    return convolution_shape("Conv3D", input, filter, strides, padding, (), data_format, dilations, False, 5)


@conv3d_op.samples
def _conv3d_samples(s):
    yield from convolution_samples(s, _EVERY_DTYPE, _CASES)
    yield s(s.empty(0, 3, 3, 3, 2), s.normal(1, 1, 1, 2, 2), strides=_ONE, padding="VALID")
    bad = {"strides": _ONE, "padding": "VALID", "error": "InvalidArgumentError"}
    yield s(s.normal(1, 3, 3, 3, 2), s.normal(2, 2, 2, 3, 2), **bad)


# Gradients whose sizes are inputs.


@op(
    "Conv3DBackpropInputV2",
    "input_sizes: static Tshape, filter: T, out_backprop: T -> output: T",
    T=FLOATING,
    strides=at_least(5),
    Tshape=default("int32", INDEX),
)
def conv3d_backprop_input_v2_op(
    xp,
    input_sizes,
    filter,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
    dilations: list[int] = UNDILATED_VOLUME,
):
    """Gives the gradient of ``Conv3D`` with respect to its volumes, whose shape is ``input_sizes``."""
    window = Window(strides, padding, (), data_format, dilations)
    return kernels.conv3d_backprop_input(xp, input_sizes, filter, out_backprop, window)


@conv3d_backprop_input_v2_op.shape
def _conv3d_backprop_input_v2_shape(input_sizes, filter, out_backprop):
    return shape_given(input_sizes, 5)


@conv3d_backprop_input_v2_op.samples
def _conv3d_backprop_input_v2_samples(s):
    yield from gradient_samples(
        s, _EVERY_DTYPE, _CASES, lambda volume, kernel, dy: (np.int32(volume.shape), kernel, dy)
    )
    long = np.int64([1, 3, 3, 4, 2])
    yield s(long, s.normal(3, 2, 2, 2, 2), s.normal(1, 3, 3, 4, 2), strides=_ONE, padding="SAME")


@op(
    "Conv3DBackpropFilterV2",
    "input: T, filter_sizes: static int32, out_backprop: T -> output: T",
    T=FLOATING,
    strides=at_least(5),
)
def conv3d_backprop_filter_v2_op(
    xp,
    input,
    filter_sizes,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    data_format: Literal["NDHWC", "NCDHW"] = "NDHWC",
    dilations: list[int] = UNDILATED_VOLUME,
):
    """Gives the gradient of ``Conv3D`` with respect to its filter, whose shape is ``filter_sizes``."""
    require_memory(filter_sizes.reshape(-1).tolist(), out_backprop.dtype.itemsize)
    window = Window(strides, padding, (), data_format, dilations)
    return kernels.conv3d_backprop_filter(xp, input, filter_sizes, out_backprop, window)


@conv3d_backprop_filter_v2_op.shape
def _conv3d_backprop_filter_v2_shape(input, filter_sizes, out_backprop):
    return shape_given(filter_sizes, 5)


@conv3d_backprop_filter_v2_op.samples
def _conv3d_backprop_filter_v2_samples(s):
    yield from gradient_samples(
        s, _EVERY_DTYPE, _CASES, lambda volume, kernel, dy: (volume, np.int32(kernel.shape), dy)
    )


differentiate_convolution(
    conv3d_op,
    conv3d_backprop_input_v2_op,
    conv3d_backprop_filter_v2_op,
    ("strides", "padding", "data_format", "dilations"),
)


# The same gradients, given a tensor of the right shape rather than the shape itself.


@op(
    "Conv3DBackpropInput",
    "input: T, filter: T, out_backprop: T -> output: T",
    T=_OLD_TYPES,
    strides=at_least(5),
    differentiable="missing",
)
def conv3d_backprop_input_op(
    xp,
    input,
    filter,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    dilations: list[int] = UNDILATED_VOLUME,
):
    """Gives the gradient of ``Conv3D`` with respect to its volumes, of which only the shape is read."""
    window = Window(strides, padding, (), "NDHWC", dilations)
    return kernels.conv3d_backprop_input(xp, input.shape, filter, out_backprop, window)


@conv3d_backprop_input_op.shape
def _conv3d_backprop_input_shape(input, filter, out_backprop):
    return with_rank(input, 5)


@conv3d_backprop_input_op.samples
def _conv3d_backprop_input_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, _CASES, lambda *arrays: arrays)


@op(
    "Conv3DBackpropFilter",
    "input: T, filter: T, out_backprop: T -> output: T",
    T=_OLD_TYPES,
    strides=at_least(5),
    differentiable="missing",
)
def conv3d_backprop_filter_op(
    xp,
    input,
    filter,
    out_backprop,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID"],
    dilations: list[int] = UNDILATED_VOLUME,
):
    """Gives the gradient of ``Conv3D`` with respect to its filter, of which only the shape is read."""
    window = Window(strides, padding, (), "NDHWC", dilations)
    return kernels.conv3d_backprop_filter(xp, input, filter.shape, out_backprop, window)


@conv3d_backprop_filter_op.shape
def _conv3d_backprop_filter_shape(input, filter, out_backprop):
    return with_rank(filter, 5)


@conv3d_backprop_filter_op.samples
def _conv3d_backprop_filter_samples(s):
    yield from gradient_samples(s, _EVERY_DTYPE, _CASES, lambda *arrays: arrays)


# Convolution over as many dimensions as the filter has.


@op(
    "Conv",
    "input: T, filter: T -> output: T",
    T=(*FLOATING, "int32"),
)
def conv_op(
    xp,
    input,
    filter,
    *,
    strides: list[int],
    padding: Literal["SAME", "VALID", "EXPLICIT"],
    explicit_paddings: list[int] = [],  # noqa: B006
    data_format: Literal["CHANNELS_FIRST", "CHANNELS_LAST"] = "CHANNELS_LAST",
    dilations: list[int] = [],  # noqa: B006
    batch_dims: int = 1,
    groups: int = 1,
):
    """Convolves images or volumes, whose leading ``batch_dims`` dimensions are batches."""
    space = len(filter.shape) - 2
    _check_conv(input.shape, filter.shape, data_format, batch_dims, groups)
    layout = _layout(space, data_format)
    channel = 1 if data_format == "CHANNELS_FIRST" else -1
    if len(strides) == space + 2 and not strides[0] == strides[channel] == 1:
        problem = f"Conv: strides in the batch and depth dimensions must be 1, got {list(strides)}"
        raise InvalidArgumentError(None, None, problem)
    batches = input.shape[:batch_dims]
    window = Window(strides, padding, explicit_paddings, layout, dilations or [1] * (space + 2))
    kernel = kernels.conv3d if space == 3 else kernels.conv2d
    result = kernel(xp, input.reshape(-1, *input.shape[batch_dims:]), filter, window)
    return result.reshape(*batches, *result.shape[1:])


def _layout(space: int, data_format: str) -> str:
    first = data_format == "CHANNELS_FIRST"
    if space == 3:
        return "NCDHW" if first else "NDHWC"
    return "NCHW" if first else "NHWC"


def _check_conv(input: Any, filter: Any, data_format: str, batch_dims: int, groups: int) -> None:
    """Raises a ValueError unless ranks and groups fit."""
    space = len(filter) - 2
    if space not in (2, 3):
        raise ValueError(f"Conv: filter must have rank 4 or 5, but has rank {len(filter)}")
    if batch_dims < 1:
        raise ValueError(f"Conv: batch_dims must be positive, but is {batch_dims}")
    if len(input) != space + 1 + batch_dims:
        raise ValueError(f"Conv: input must have rank {space + 1 + batch_dims}, but has rank {len(input)}")
    channels = input[batch_dims] if data_format == "CHANNELS_FIRST" else input[-1]
    if groups < 1:
        raise ValueError(f"Conv: groups must be positive, but is {groups}")
    if None not in (channels, filter[-2]) and channels != filter[-2] * groups:
        raise ValueError(
            f"Conv: input has {channels} channels, but expected {groups} groups of the filter's {filter[-2]}"
        )


@conv_op.shape
def _conv_shape(input, filter, *, strides, padding, explicit_paddings, data_format, dilations, batch_dims, groups):
    if input is None or filter is None:
        return None
    _check_conv(input, filter, data_format, batch_dims, groups)
    space = len(filter) - 2
    *_, count = input[:batch_dims]
    shape = convolution_shape(
        "Conv",
        (count, *input[batch_dims:]),
        filter,
        strides,
        padding,
        explicit_paddings,
        _layout(space, data_format),
        dilations or [1] * (space + 2),
        False,
        space + 2,
    )
    return (*input[:batch_dims], *shape[1:])


@conv_op.gradient
def _conv_gradient(call, dy):
    image, kernel = call.inputs
    space, batch_dims = len(kernel.shape) - 2, call.attr("batch_dims")
    window = {
        "strides": call.attr("strides"),
        "padding": call.attr("padding"),
        "data_format": _layout(space, call.attr("data_format")),
        "dilations": call.attr("dilations") or [1] * (space + 2),
    }
    if space == 2:
        window["explicit_paddings"] = call.attr("explicit_paddings")
    of_input = raw.Conv3DBackpropInputV2 if space == 3 else raw.Conv2DBackpropInput
    of_filter = raw.Conv3DBackpropFilterV2 if space == 3 else raw.Conv2DBackpropFilter
    full = shape_of(image)
    if batch_dims == 1:
        sizes = full
    else:
        inner = full[batch_dims:]
        flat = raw.ConcatV2([np.array([-1], np.int32), inner], 0)
        image = raw.Reshape(image, flat)
        dy = raw.Reshape(dy, raw.ConcatV2([np.array([-1], np.int32), shape_of(dy)[batch_dims:]], 0))
        sizes = shape_of(image)
    dx = of_input(sizes, kernel, dy, **window)
    return raw.Reshape(dx, full) if batch_dims > 1 else dx, of_filter(image, shape_of(kernel), dy, **window)


@conv_op.samples
def _conv_samples(s):
    one = [1, 1, 1, 1]
    for dtype in s.dtypes("T"):
        arrays = draw_exact(s, (1, 4, 4, 2), dtype), draw_exact(s, (3, 2, 2, 2), dtype)
        yield s(*arrays, strides=one, padding="SAME", gradient=False)
    yield s(s.normal(1, 3, 4, 3, 2), s.normal(2, 2, 2, 2, 3), strides=_ONE, padding="VALID", gradient=False)
    yield s(
        s.normal(1, 4, 5, 2), s.normal(2, 2, 2, 3), strides=one, padding="VALID", dilations=[1, 2, 2, 1], gradient=False
    )
    yield s(s.normal(2, 1, 4, 5, 2), s.normal(2, 2, 2, 3), strides=one, padding="SAME", batch_dims=2, gradient=False)
    yield s(s.normal(1, 4, 4, 4), s.normal(2, 2, 2, 4), strides=one, padding="VALID", groups=2, gradient=False)
    explicit = {"padding": "EXPLICIT", "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]}
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 2, 3), strides=one, gradient=False, **explicit)
    bad = {"strides": one, "padding": "VALID", "error": "InvalidArgumentError"}
    yield s(s.normal(1, 4, 4, 2), s.normal(2, 2, 3, 2), **bad)
