"""The public convolutions of volumes, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.nn.convolution3d import (
    UNDILATED_VOLUME,
    conv3d_backprop_filter_v2_op,
    conv3d_backprop_input_v2_op,
    conv3d_op,
)
from tideflow._src.ops.nn.window_arguments import complete_attributes, convolution_attributes, convolve
from tideflow._src.ops.scopes import name_scope


def conv3d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves volumes with filters.

    Args:
      input: volumes of shape ``[..., depth, height, width, channels]`` (or the order that ``data_format`` says).
      filters: filters of shape ``[depth, height, width, in_channels, out_channels]``.
      strides: the step of the window, five numbers (one or three are also understood).
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NDHWC"`` or ``"NCDHW"``.
      dilations: the distance between elements of the window, given as ``strides`` are.
      name: the name of the node.

    Returns:
      A tensor of the type of ``input``.

    Raises:
      ValueError: an argument makes no sense, or (in a graph) the shapes do not fit.
      InvalidArgumentError: the shapes do not fit.
    """
    attributes = convolution_attributes(3, strides, padding, data_format, dilations)
    return convolve(conv3d_op, input, filters, name, 4, **attributes)


def conv3d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NDHWC",
    dilations: Any = UNDILATED_VOLUME,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """Convolves volumes with filters, with TensorFlow 1's arguments; see :func:`conv3d`."""
    filter = one_of("filters", filters, "filter", filter)
    attributes = complete_attributes(3, strides, padding, data_format, dilations)
    return conv3d_op(input, filter, name=name, **attributes)


def conv3d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = "NDHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Computes the transpose of a convolution: its gradient with respect to volumes, applied forward.

    Args:
      input: volumes.
      filters: filters of shape ``[depth, height, width, out_channels, in_channels]``.
      output_shape: the shape of the result.
      strides: the steps of the convolution that is transposed: one, three or five numbers.
      padding: its padding.
      data_format: ``"NDHWC"`` or ``"NCDHW"``.
      dilations: its dilations: one, three or five numbers.
      name: the name of the node.
    """
    with name_scope(name, "conv3d_transpose") as scope:
        attributes = convolution_attributes(3, strides, padding, data_format, dilations)
        return conv3d_backprop_input_v2_op(output_shape, filters, input, name=scope, **attributes)


def conv3d_transpose_v1(
    value: Any,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: str = "SAME",
    data_format: str | None = "NDHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Computes the transpose of a convolution, with TensorFlow 1's arguments; see :func:`conv3d_transpose`."""
    filter = one_of("filters", filters, "filter", filter)
    value = one_of("input", input, "value", value)
    return conv3d_transpose(value, filter, output_shape, strides, padding, data_format, dilations, name)


def conv3d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: str,
    data_format: str = "NDHWC",
    dilations: Any = UNDILATED_VOLUME,
    name: str | None = None,
) -> Any:
    """Computes the gradient of :func:`conv3d` with respect to its filters.

    Args:
      input: the volumes.
      filter_sizes: the shape of the filters.
      out_backprop: the gradient of the convolution's result.
      strides: as of the convolution, one for each dimension.
      padding: as of the convolution.
      data_format: as of the convolution.
      dilations: as of the convolution, one for each dimension.
      name: the name of the node.
    """
    attributes = complete_attributes(3, strides, padding, data_format, dilations)
    return conv3d_backprop_filter_v2_op(input, filter_sizes, out_backprop, name=name, **attributes)
