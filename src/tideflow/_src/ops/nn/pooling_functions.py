"""The public poolings, in the forms of TensorFlow 2 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.blocks import required_space_to_batch_paddings
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import expand_dims, squeeze
from tideflow._src.ops.math.reduction_functions import one_of
from tideflow._src.ops.nn.pooling import avg_pool_op, max_pool_op
from tideflow._src.ops.nn.pooling3d import avg_pool3d_op, max_pool3d_op
from tideflow._src.ops.nn.pooling_argmax import max_pool_with_argmax_op
from tideflow._src.ops.nn.window_arguments import (
    channel_index_of,
    explicit_padding,
    layout_of_line,
    rank_of,
    sequence,
)
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def max_pool2d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Any:
    """Takes the maximum of each window of images.

    Args:
      input: images of shape ``[batch, height, width, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one, two or four numbers.
      strides: its step, likewise.
      padding: ``"SAME"``, ``"VALID"``, or a list of pairs of numbers, one for each dimension.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      name: the name of the node.
    """
    with name_scope(name, "MaxPool2d") as scope:
        return _max_pool(input, ksize, strides, padding, data_format, scope)


def _max_pool(input: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, name: str) -> Any:
    data_format = data_format or "NHWC"
    channels = channel_index_of(data_format, 3)
    ksize = sequence(ksize, 2, channels, "ksize")
    if 0 in ksize:
        raise ValueError(f"`ksize` cannot be zero. Received: ksize={ksize}")
    padding, pads = explicit_padding(padding)
    return _pool(max_pool_op, 2, input, ksize, strides, padding, data_format, name, explicit_paddings=pads)


def max_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Any:
    """Takes the maximum of each window of sequences.

    Args:
      input: sequences of shape ``[batch, length, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one number, or three.
      strides: its step, likewise.
      padding: ``"SAME"``, ``"VALID"``, or a list of three pairs of numbers.
      data_format: ``"NWC"`` or ``"NCW"``.
      name: the name of the node.
    """
    with name_scope(name, "MaxPool1d") as scope:
        padding, pads = explicit_padding(padding, 3)
        _, axis, _ = layout_of_line(data_format)
        if pads:  # the inserted dimension of size 1 is not padded
            pads = [*pads[: 2 * axis], 0, 0, *pads[2 * axis :]]
        return _pool_line(max_pool_op, input, ksize, strides, padding, data_format, scope, explicit_paddings=pads)


def _pool_line(
    operation: Any,
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None,
    name: str,
    **attributes: Any,
) -> Any:
    """Pools sequences as images, one dimension of which has the size 1."""
    layout, axis, channels = layout_of_line(data_format)
    result = operation(
        expand_dims(convert_to_tensor(input), axis),
        ksize=_inserted(sequence(ksize, 1, channels, "ksize"), axis),
        strides=_inserted(sequence(strides, 1, channels, "strides"), axis),
        padding=padding,
        data_format=layout,
        name=name,
        **attributes,
    )
    return squeeze(result, [axis])


def _inserted(numbers: list[int], axis: int) -> list[int]:
    """Returns the numbers of a sequence as those of images whose dimension ``axis`` is 1."""
    return [*numbers[:axis], 1, *numbers[axis:]]


def _pool(
    operation: Any,
    count: int,
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None,
    name: str | None,
    **attributes: Any,
) -> Any:
    """Calls an operation that pools over ``count`` dimensions of space, two or three."""
    data_format = data_format or ("NHWC" if count == 2 else "NDHWC")
    channels = channel_index_of(data_format, count + 1)
    return operation.call(
        input,
        ksize=sequence(ksize, count, channels, "ksize"),
        strides=sequence(strides, count, channels, "strides"),
        padding=padding,
        data_format=data_format,
        name=name,
        **attributes,
    )


def max_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Any:
    """Takes the maximum of each window of volumes.

    Args:
      input: volumes of shape ``[batch, depth, height, width, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one, three or five numbers.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NDHWC"`` or ``"NCDHW"``.
      name: the name of the node.
    """
    with name_scope(name, "MaxPool3D") as scope:
        return _pool(max_pool3d_op, 3, input, ksize, strides, padding, data_format, scope)


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Takes the maximum of each window of sequences, images or volumes.

    Args:
      input: a tensor of rank 3, 4 or 5.
      ksize: the size of the window: one number, one for each dimension of space, or one for each dimension.
      strides: its step, likewise.
      padding: ``"SAME"``, ``"VALID"``, or a list of pairs of numbers, one for each dimension.
      data_format: where the channels are: ``"NHWC"`` or ``"NCHW"``, or the like for sequences and volumes.
      name: the name of the node.

    Raises:
      ValueError: an argument makes no sense.
    """
    count = _dimensions_of_space(input, data_format)
    function = (max_pool1d, max_pool2d, max_pool3d)[count - 1]
    return function(input, ksize, strides, padding, data_format, name)


max_pool_v2 = max_pool


def _dimensions_of_space(input: Any, data_format: str | None) -> int:
    rank = rank_of(input)
    if rank is None:
        if data_format is None:
            raise ValueError(
                "`input` must have a static shape or a data format must be given. Received: "
                f"input.shape={input.shape} and data_format={data_format}"
            )
        rank = len(data_format)
    if not 3 <= rank <= 5:
        raise ValueError(f"`input.shape.rank` must be 3, 4 or 5. Received: input.shape={input.shape} of rank {rank}.")
    return rank - 2


def max_pool_v1(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """Takes the maximum of each window of images, with TensorFlow 1's arguments; see :func:`max_pool2d`."""
    value = one_of("input", input, "value", value)
    with name_scope(name, "MaxPool") as scope:
        return _max_pool(value, ksize, strides, padding, data_format, scope)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    output_dtype: Any = dtypes.int64,
    include_batch_in_index: bool = False,
    name: str | None = None,
) -> Any:
    """Takes the maximum of each window of images, and tells where it is.

    Args:
      input: images of shape ``[batch, height, width, channels]``.
      ksize: the size of the window: one, two or four numbers.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NHWC"``.
      output_dtype: the type of the indices, int32 or int64.
      include_batch_in_index: whether indices count through the whole batch or each image.
      name: the name of the node.

    Returns:
      The maxima, and the index of each in the flattened image or batch.

    Raises:
      ValueError: another ``data_format`` is given.
    """
    if data_format != "NHWC":
        raise ValueError(
            f"`data_format` values other than 'NHWC' are not supported. Received: data_format={data_format}"
        )
    return max_pool_with_argmax_op(
        input,
        ksize=sequence(ksize, 2, 3, "ksize"),
        strides=sequence(strides, 2, 3, "strides"),
        padding=padding,
        Targmax=dtypes.as_dtype(output_dtype),
        include_batch_in_index=include_batch_in_index,
        name=name,
    )


def max_pool_with_argmax_v1(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = None,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> Any:
    """Takes maxima and where they are, with TensorFlow 1's arguments; see :func:`max_pool_with_argmax`."""
    kind = one_of("output_dtype", output_dtype, "Targmax", Targmax)
    kind = dtypes.int64 if kind is None else kind
    return max_pool_with_argmax(input, ksize, strides, padding, data_format, kind, include_batch_in_index, name)


# Averages.


def avg_pool2d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Any:
    """Takes the mean of each window of images; padding does not count.

    Args:
      input: images of shape ``[batch, height, width, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one, two or four numbers.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NHWC"`` or ``"NCHW"``.
      name: the name of the node.
    """
    with name_scope(name, "AvgPool2D") as scope:
        return _avg_pool(input, ksize, strides, padding, data_format, scope)


def _avg_pool(input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None, name: str | None) -> Any:
    return _pool(avg_pool_op, 2, input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NWC",
    name: str | None = None,
) -> Any:
    """Takes the mean of each window of sequences; padding does not count.

    Args:
      input: sequences of shape ``[batch, length, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one number, or three.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NWC"`` or ``"NCW"``.
      name: the name of the node.
    """
    with name_scope(name, "AvgPool1D") as scope:
        return _pool_line(avg_pool_op, input, ksize, strides, padding, data_format, scope)


def avg_pool3d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NDHWC",
    name: str | None = None,
) -> Any:
    """Takes the mean of each window of volumes.

    Args:
      input: volumes of shape ``[batch, depth, height, width, channels]`` (or the order that ``data_format`` says).
      ksize: the size of the window: one, three or five numbers.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: ``"NDHWC"`` or ``"NCDHW"``.
      name: the name of the node.
    """
    with name_scope(name, "AvgPool3D") as scope:
        return _pool(avg_pool3d_op, 3, input, ksize, strides, padding, data_format, scope)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """Takes the mean of each window of sequences, images or volumes; padding does not count.

    Args:
      input: a tensor of rank 3, 4 or 5.
      ksize: the size of the window: one number, one for each dimension of space, or one for each dimension.
      strides: its step, likewise.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: where the channels are: ``"NHWC"`` or ``"NCHW"``, or the like for sequences and volumes.
      name: the name of the node.

    Raises:
      ValueError: an argument makes no sense.
    """
    count = _dimensions_of_space(input, data_format)
    function = (avg_pool1d, _avg_pool, avg_pool3d)[count - 1]
    return function(input, ksize, strides, padding, data_format, name)


avg_pool_v2 = avg_pool


def avg_pool_v1(
    value: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Any:
    """Takes the mean of each window of images, with TensorFlow 1's arguments; see :func:`avg_pool2d`."""
    with name_scope(name, "AvgPool") as scope:
        value = one_of("input", input, "value", value)
        return _avg_pool(value, ksize, strides, padding, data_format, scope)


avg_pool2d_v1 = avg_pool_v1


# Either.


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    strides: Any = None,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """Pools over one, two or three dimensions of space.

    Args:
      input: a tensor of rank ``len(window_shape) + 2``.
      window_shape: the size of the window, one number for each dimension of space.
      pooling_type: ``"MAX"`` or ``"AVG"``.
      strides: the step of the window, one number for each dimension of space; ones by default.
      padding: ``"SAME"`` or ``"VALID"``.
      data_format: where the channels are.
      dilations: the distance between elements of the window, one number for each dimension of space.
      name: the name of the node.

    Raises:
      ValueError: an argument makes no sense, or there are both strides and dilations.
    """
    with name_scope(name, f"{pooling_type.lower()}_pool") as scope:
        input = convert_to_tensor(input, name="input")
        window, count = [int(size) for size in window_shape], len(window_shape)
        if not 1 <= count <= 3:
            raise ValueError(
                f"`len(window_shape)` must be 1, 2, or 3. Received: window_shape={window_shape} of length {count}"
            )
        input.shape.with_rank(count + 2)
        steps, gaps = _spatial(strides, count, "strides"), _spatial(dilations, count, "dilation_rate")
        if max(steps) > 1 and max(gaps) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={strides} and dilation_rate={dilations}"
            )
        if padding == "SAME" and max(gaps) > 1:
            raise ValueError(
                "pooling with 'SAME' padding is not implemented for `dilation_rate` > 1. Received: "
                f"padding={padding} and dilation_rate={dilations}"
            )
        if any(step > size for step, size in zip(steps, window, strict=True)):
            raise ValueError(
                "`strides` > `window_shape` not supported due to inconsistency between CPU and GPU implementations. "
                f"Received: strides={strides} and window_shape={window_shape}"
            )
        if pooling_type not in ("MAX", "AVG"):
            raise ValueError(f"{count}-D {pooling_type} pooling is not supported.")
        function: Any = {
            ("MAX", 1): max_pool1d,
            ("MAX", 2): _max_pool,
            ("MAX", 3): max_pool3d,
            ("AVG", 1): avg_pool1d,
            ("AVG", 2): _avg_pool,
            ("AVG", 3): avg_pool3d,
        }[pooling_type, count]
        if max(gaps) == 1:
            return function(input, window, steps, padding, data_format, scope)
        # Elements that are a distance apart lie side by side in blocks of the batch.
        first = 2 if data_format is not None and data_format.startswith("NC") else 1
        known = static_shape(input)
        sizes: Any = None if known is None else known[first : first + count]
        if sizes is None or None in sizes:
            sizes = raw.Shape(input)[first : first + count]
        else:
            sizes = list(sizes)
        paddings, crops = required_space_to_batch_paddings(sizes, gaps)
        blocks: Any = np.array(gaps, np.int32)
        if first == 2:  # the channels come between: a block of one
            blocks = np.array([1, *gaps], np.int32)
            none = np.zeros((1, 2), np.int32)
            paddings, crops = raw.ConcatV2([none, paddings], 0), raw.ConcatV2([none, crops], 0)
        spread = raw.SpaceToBatchND(input, blocks, paddings)
        pooled = function(spread, window, steps, "VALID", data_format, scope)
        return raw.BatchToSpaceND(pooled, blocks, crops)


def _spatial(numbers: Any, count: int, name: str) -> list[int]:
    if numbers is None:
        return [1] * count
    result = [int(number) for number in numbers]
    if len(result) != count:
        raise ValueError(f"`len({name})` should be {count}. Received: {name}={numbers} of length {len(result)}")
    if min(result) < 1:
        raise ValueError(f"all values of `{name}` must be positive. Received: {name}={numbers}")
    return result


def pool_v1(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Any:
    """Pools over dimensions of space, with TensorFlow 1's arguments; see :func:`pool`."""
    gaps = one_of("dilations", dilations, "dilation_rate", dilation_rate)
    return pool(input, window_shape, pooling_type, strides, padding, data_format, gaps, name)
