"""The public convolutions, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import static_shape
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.nn.convolution import (
    UNDILATED,
    conv2d_backprop_filter_op,
    conv2d_backprop_input_op,
    conv2d_op,
)
from tideflow._src.ops.nn.convolution3d_functions import conv3d, conv3d_transpose
from tideflow._src.ops.nn.window_arguments import (
    complete_attributes,
    convolution_attributes,
    convolve,
    layout_of_line,
    sequence,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def conv2d(
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves images with filters.

    Args:
      input: images of shape ``[..., height, width, channels]`` (or the order that ``data_format`` says).
      filters: filters of shape ``[height, width, in_channels, out_channels]``.
      strides: the step of the window: one number, one for each of height and width, or one for each dimension.
      padding: ``"SAME"``, ``"VALID"``, or a list of pairs of numbers, one for each dimension.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      dilations: the distance between elements of the window, given as ``strides`` are.
      name: the name of the node.

    Returns:
      A tensor of the type of ``input``.

    Raises:
      ValueError: an argument makes no sense, or (in a graph) the shapes do not fit.
      InvalidArgumentError: the shapes do not fit.
    """
    return conv2d_v1(input, filters, strides, padding, True, data_format, dilations, name)


def conv2d_v1(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = True,
    data_format: str | None = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """Convolves images with filters, with TensorFlow 1's arguments; see :func:`conv2d`."""
    filter = one_of("filters", filters, "filter", filter)
    attributes = convolution_attributes(2, strides, padding, data_format, dilations)
    return convolve(conv2d_op, input, filter, name, 3, use_cudnn_on_gpu=use_cudnn_on_gpu is not False, **attributes)


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
    filters: Any = None,
) -> Any:
    """Computes the gradient of :func:`conv2d_v1` with respect to its images.

    Args:
      input_sizes: the shape of the images.
      filter: the filters.
      out_backprop: the gradient of the convolution's result.
      strides: as of the convolution, one for each dimension.
      padding: as of the convolution.
      use_cudnn_on_gpu: accepted for TensorFlow's signature.
      data_format: as of the convolution.
      dilations: as of the convolution, one for each dimension.
      name: the name of the node.
      filters: the new name of ``filter``.
    """
    filter = one_of("filters", filters, "filter", filter)
    attributes = complete_attributes(2, strides, padding, data_format, dilations)
    return conv2d_backprop_input_op(
        input_sizes,
        filter,
        out_backprop,
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        name=name,
        **attributes,
    )


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = UNDILATED,
    name: str | None = None,
) -> Any:
    """Computes the gradient of :func:`conv2d_v1` with respect to its filters.

    Args:
      input: the images.
      filter_sizes: the shape of the filters.
      out_backprop: the gradient of the convolution's result.
      strides: as of the convolution, one for each dimension.
      padding: as of the convolution.
      use_cudnn_on_gpu: accepted for TensorFlow's signature.
      data_format: as of the convolution.
      dilations: as of the convolution, one for each dimension.
      name: the name of the node.
    """
    attributes = complete_attributes(2, strides, padding, data_format, dilations)
    return conv2d_backprop_filter_op(
        input,
        filter_sizes,
        out_backprop,
        use_cudnn_on_gpu=use_cudnn_on_gpu is not False,
        name=name,
        **attributes,
    )


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Computes the transpose of a convolution: its gradient with respect to images, applied forward.

    Args:
      input: images.
      filters: filters of shape ``[height, width, out_channels, in_channels]``.
      output_shape: the shape of the result.
      strides: the steps of the convolution that is transposed: one, two or four numbers.
      padding: its padding.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      dilations: its dilations: one, two or four numbers.
      name: the name of the node.
    """
    with name_scope(name, "conv2d_transpose") as scope:
        attributes = convolution_attributes(2, strides, padding, data_format, dilations)
        return conv2d_backprop_input_op(output_shape, filters, input, name=scope, **attributes)


def conv2d_transpose_v1(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Computes the transpose of a convolution, with TensorFlow 1's arguments; see :func:`conv2d_transpose`."""
    value = one_of("input", input, "value", value)
    filter = one_of("filters", filters, "filter", filter)
    return conv2d_transpose(value, filter, output_shape, strides, padding, data_format, dilations, name)


# One dimension: images of height 1.


def conv1d(
    input: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves sequences with filters.

    Args:
      input: sequences of shape ``[..., length, channels]`` (or the order that ``data_format`` says).
      filters: filters of shape ``[length, in_channels, out_channels]``.
      stride: the step of the window.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NWC"`` or ``"NCW"``.
      dilations: the distance between elements of the window.
      name: the name of the node.
    """
    return conv1d_v1(input, filters, stride, padding, True, data_format, name, None, dilations)


def conv1d_v1(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves sequences with filters, with TensorFlow 1's arguments; see :func:`conv1d`."""
    value = one_of("input", input, "value", value)
    with name_scope(name, "conv1d") as scope:
        layout, axis, channels = layout_of_line(data_format, old_names=True)
        axis -= 4  # counted from the end: there may be several batch dimensions
        attributes = {
            "strides": [1, *sequence(stride, 1, channels, "stride")],
            "padding": padding,
            "use_cudnn_on_gpu": use_cudnn_on_gpu is not False,
            "data_format": layout,
            "dilations": [1, *sequence(dilations, 1, channels, "dilations")],
        }
        value = expand_dims(value, axis)
        filters = expand_dims(filters, 0)
        result = convolve(conv2d_op, value, filters, scope, 3, **attributes)
        return squeeze(result, [axis])


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Computes the transpose of a convolution of sequences.

    Args:
      input: sequences.
      filters: filters of shape ``[length, out_channels, in_channels]``.
      output_shape: the shape of the result.
      strides: the step of the convolution that is transposed.
      padding: its padding.
      data_format: ``"NWC"`` or ``"NCW"``.
      dilations: its dilation.
      name: the name of the node.
    """
    with name_scope(name, "conv1d_transpose") as scope:
        layout, axis, channels = layout_of_line(data_format)
        sizes = output_shape if isinstance(output_shape, Tensor) else list(output_shape)
        result = conv2d_backprop_input_op(
            concat([sizes[:axis], [1], sizes[axis:]], 0),
            expand_dims(filters, 0),
            expand_dims(input, axis),
            strides=[1, *sequence(strides, 1, channels, "stride")],
            padding=padding,
            data_format=layout,
            dilations=[1, *sequence(dilations, 1, channels, "dilations")],
            name=scope,
        )
        return squeeze(result, [axis])


def conv_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Computes the transpose of a convolution over one, two or three dimensions of space.

    See :func:`conv1d_transpose`, :func:`conv2d_transpose` and :func:`conv3d_transpose` for the arguments.

    Raises:
      ValueError: ``output_shape`` has a length other than 3, 4 or 5.
    """
    with name_scope(name, "conv_transpose") as scope:
        count = (output_shape.shape[0] if isinstance(output_shape, Tensor) else len(output_shape)) - 2
        if not 1 <= count <= 3:
            raise ValueError(
                f"`output_shape` must be of length 3, 4 or 5. Received: {output_shape=} of length {count + 2}."
            )
        function = (conv1d_transpose, conv2d_transpose, conv3d_transpose)[count - 1]
        return function(
            input,
            filters,
            output_shape,
            strides,
            padding=padding,
            data_format=data_format,
            dilations=dilations,
            name=scope,
        )


# Any number of dimensions.


def convolution(
    input: Any,
    filters: Any,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Convolves over as many dimensions of space as the filters have.

    Args:
      input: images or sequences, with one batch dimension or more.
      filters: filters of shape ``[*space, in_channels, out_channels]``.
      strides: the step of the window, one number or one for each dimension of space.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: where the channels are.
      dilations: the distance between elements of the window, one number or one for each dimension of space.
      name: the name of the node.

    Raises:
      ValueError: the ranks are unknown or do not fit, or there are both strides and dilations.
    """
    if not (isinstance(filters, Tensor) or hasattr(filters, "_dense_var_to_tensor")) or not isinstance(input, Tensor):
        with name_scope("convolution_internal"):
            filters = convert_to_tensor(filters, name="filters")
            input = convert_to_tensor(input, name="input")
    of_filters, of_input = static_shape(filters), static_shape(input)
    known = of_filters if of_filters is not None else of_input
    if known is None:
        raise ValueError(
            "One of `input.shape.rank` or `filters.shape.rank` must be known. Received: "
            f"input.shape={input.shape} and filters.shape={filters.shape}"
        )
    count = len(known) - 2
    if count not in (1, 2, 3):
        raise ValueError(f"`num_spatial_dims` must be 1, 2, or 3. Received: num_spatial_dims={count}.")
    last = data_format is None or not data_format.startswith("NC")
    channels = count + 1 if last else 1
    steps = sequence(strides, count, channels, "strides")
    gaps = sequence(dilations, count, channels, "dilations")
    if any(gap != 1 for gap in gaps) and any(step != 1 for step in steps):
        raise ValueError(
            "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
            f"strides={strides} and dilation_rate={dilations}"
        )
    if min(gaps) < 1:
        raise ValueError(f"all values of `dilation_rate` must be positive. Received: dilation_rate={dilations}")
    if min(steps) < 1:
        raise ValueError(f"all values of `strides` must be positive. Received: strides={strides}")
    with name_scope(name, "convolution") as scope:
        if count == 1:
            return conv1d(input, filters, steps, padding, data_format, gaps, scope)
        if count == 3:
            return conv3d(input, filters, steps, padding, data_format, gaps, scope)
        return conv2d(input, filters, steps, padding, data_format, gaps, scope)


def convolution_v1(
    input: Any,
    filter: Any,
    padding: Any,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Any:
    """Convolves over any number of dimensions, with TensorFlow 1's arguments; see :func:`convolution`."""
    filter = one_of("filters", filters, "filter", filter)
    gaps = one_of("dilations", dilations, "dilation_rate", dilation_rate)
    return convolution(input, filter, strides, padding, data_format, gaps, name)


def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: str | None = None) -> Any:
    """Convolves images with filters whose elements are ``rate`` apart.

    Args:
      value: images of shape ``[batch, height, width, channels]``.
      filters: filters of shape ``[height, width, in_channels, out_channels]``.
      rate: the distance, one number or two.
      padding: ``"SAME"`` or ``"VALID"``.
      name: the name of the node.
    """
    return convolution(value, filters, padding=padding, dilations=np.broadcast_to(rate, (2,)).tolist(), name=name)


def atrous_conv2d_transpose(
    value: Any, filters: Any, output_shape: Any, rate: int, padding: str, name: str | None = None
) -> Any:
    """Computes the transpose of :func:`atrous_conv2d`.

    Args:
      value: images of shape ``[batch, height, width, in_channels]``.
      filters: filters of shape ``[height, width, out_channels, in_channels]``.
      output_shape: the shape of the result.
      rate: the distance between elements of the filters.
      padding: ``"SAME"`` or ``"VALID"``.
      name: the name of the node.

    Raises:
      ValueError: ``rate`` is less than one, or the channels differ.
    """
    with name_scope(name, "atrous_conv2d_transpose") as scope:
        value = convert_to_tensor(value, name="value")
        filters = convert_to_tensor(filters, name="filters")
        mine, theirs = static_shape(value), static_shape(filters)
        if mine and theirs and None not in (mine[3], theirs[3]) and mine[3] != theirs[3]:
            raise ValueError(
                "`value` channel count must be compatible with `filters` input channel count. Received: "
                f"value.shape={value.shape} and filters.shape={filters.shape}."
            )
        if rate < 1:
            raise ValueError(f"`rate` cannot be less than one. Received: rate={rate}")
        if padding not in ("SAME", "VALID"):
            raise ValueError(f"`padding` must be either 'VALID' or 'SAME'. Received: padding={padding}")
        gaps: Sequence[int] = [1, int(rate), int(rate), 1]
        return conv2d_transpose(value, filters, output_shape, 1, padding, dilations=list(gaps), name=scope)
