"""The public depthwise and separable convolutions, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.nn.convolution import UNDILATED
from tideflow._src.ops.nn.convolution_functions import conv2d
from tideflow._src.ops.nn.depthwise_convolution import (
    depthwise_backprop_filter_op,
    depthwise_backprop_input_op,
    depthwise_conv2d_native_op,
)
from tideflow._src.ops.nn.window_arguments import channel_index_of, complete_attributes, sequence
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves each channel of images with filters of its own.

    Args:
      input: images of shape ``[batch, height, width, channels]`` (or the order that ``data_format`` says).
      filter: filters of shape ``[height, width, channels, multiplier]``.
      strides: the step of the window, four numbers.
      padding: ``"SAME"``, ``"VALID"``, or a list of pairs of numbers, one for each dimension.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      dilations: the distance between elements of the window, two numbers.
      name: the name of the scope.

    Returns:
      Images of ``channels * multiplier`` channels.
    """
    with name_scope(name, "depthwise") as scope:
        input = convert_to_tensor(input, name="tensor_in")
        filter = convert_to_tensor(filter, name="filter_in")
        return _depthwise(input, filter, strides, padding, data_format, dilations, scope)


def _depthwise(
    input: Any, filter: Any, strides: Any, padding: Any, data_format: str | None, dilations: Any, name: str
) -> Any:
    layout = data_format or "NHWC"
    gaps = sequence(dilations, 2, channel_index_of(layout, 3), "dilations")
    return depthwise_conv2d_native(input, filter, strides, padding, layout, gaps, name)


def depthwise_conv2d_v1(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """Convolves each channel by itself, with TensorFlow 1's arguments; see :func:`depthwise_conv2d`."""
    gaps = one_of("dilations", dilations, "rate", rate)
    return depthwise_conv2d(input, filter, strides, padding, data_format, gaps, name)


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves each channel by itself, then mixes the channels.

    Args:
      input: images of shape ``[batch, height, width, channels]`` (or the order that ``data_format`` says).
      depthwise_filter: filters of shape ``[height, width, channels, multiplier]``.
      pointwise_filter: a filter of shape ``[1, 1, channels * multiplier, out_channels]``.
      strides: the step of the depthwise window, four numbers.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      dilations: the distance between elements of the depthwise window, two numbers.
      name: the name of the node.

    Raises:
      ValueError: ``pointwise_filter`` does not have rank 4 and size 1 in the first two dimensions.
    """
    with name_scope(name, "separable_conv2d") as scope:
        input = convert_to_tensor(input, name="tensor_in")
        depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        sizes = pointwise_filter.shape.with_rank(4).as_list()
        if any(size not in (None, 1) for size in sizes[:2]):
            raise ValueError(f"`pointwise_filter` must be of shape [1, 1, ...]. Received: {pointwise_filter.shape}")
        depthwise = _depthwise(input, depthwise_filter, strides, padding, data_format, dilations, "depthwise")
        return conv2d(depthwise, pointwise_filter, [1, 1, 1, 1], "VALID", data_format, name=scope)


def separable_conv2d_v1(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """Convolves separably, with TensorFlow 1's arguments; see :func:`separable_conv2d`."""
    gaps = one_of("dilations", dilations, "rate", rate)
    return separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, data_format, gaps, name)


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
) -> Any:
    """Convolves each channel by itself, with one operation; see :func:`depthwise_conv2d`.

    Args:
      input: images.
      filter: filters of shape ``[height, width, channels, multiplier]``.
      strides: four numbers.
      padding: ``"SAME"``, ``"VALID"``, or a list of pairs of numbers, one for each dimension.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      dilations: four numbers.
      name: the name of the node.
    """
    attributes = complete_attributes(2, strides, padding, data_format, dilations)
    return depthwise_conv2d_native_op(input, filter, name=name, **attributes)


def depthwise_conv2d_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
) -> Any:
    """Computes the gradient of :func:`depthwise_conv2d_native` with respect to its images.

    Args:
      input_sizes: the shape of the images.
      filter: the filters.
      out_backprop: the gradient of the convolution's result.
      strides: as of the convolution.
      padding: as of the convolution.
      data_format: as of the convolution.
      dilations: as of the convolution.
      name: the name of the node.
    """
    attributes = complete_attributes(2, strides, padding, data_format, dilations)
    return depthwise_backprop_input_op(input_sizes, filter, out_backprop, name=name, **attributes)


def depthwise_conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
) -> Any:
    """Computes the gradient of :func:`depthwise_conv2d_native` with respect to its filters.

    Args:
      input: the images.
      filter_sizes: the shape of the filters.
      out_backprop: the gradient of the convolution's result.
      strides: as of the convolution.
      padding: as of the convolution.
      data_format: as of the convolution.
      dilations: as of the convolution.
      name: the name of the node.
    """
    attributes = complete_attributes(2, strides, padding, data_format, dilations)
    return depthwise_backprop_filter_op(input, filter_sizes, out_backprop, name=name, **attributes)


depthwise_conv2d_native_backprop_input = depthwise_conv2d_backprop_input
depthwise_conv2d_native_backprop_filter = depthwise_conv2d_backprop_filter
