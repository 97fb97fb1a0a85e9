"""Reads the arguments that functions over windows share: sizes, strides, dilations, paddings, layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import SymbolicTensor, Tensor
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import fully_known, static_shape
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def sequence(value: Any, count: int, channel_index: int, name: str) -> list[int]:
    """Returns one number for each dimension of images from one number, one for each of space, or all.

    Args:
      value: an integer, or a list of 1, ``count`` or ``count + 2`` of them; None stands for ones.
      count: the number of dimensions of space.
      channel_index: where the channels are: 1, or at the end.
      name: the name of the argument, for messages.

    Raises:
      ValueError: the list has another length.
    """
    if value is None:
        return [1] * (count + 2)
    if isinstance(value, Tensor):
        value = value.numpy()
    items = value if value.__class__ in (list, tuple) else [value]
    if all([item.__class__ is int for item in items]):  # noqa: C419 - faster
        numbers = list(items)
    else:
        numbers = [int(item) for item in np.asarray(value).reshape(-1)]
    if len(numbers) == count + 2:
        return numbers
    if len(numbers) == 1:
        numbers = numbers * count
    elif len(numbers) != count:
        raise ValueError(
            f"{name} should be of length 1, {count} or {count + 2}. Received: {name}={value} of length {len(numbers)}"
        )
    return [1, 1, *numbers] if channel_index == 1 else [1, *numbers, 1]


def explicit_padding(padding: Any, expected_length: int = 4) -> tuple[str, list[int]]:
    """Returns the attributes ``padding`` and ``explicit_paddings`` for a name, or a list of pairs.

    Raises:
      ValueError: the list has another length, or holds something else than pairs.
    """
    if padding == "EXPLICIT":
        raise ValueError(
            "'EXPLICIT' is not a valid value for `padding`. To use explicit padding, `padding` must be a list."
        )
    if not isinstance(padding, list | tuple):
        return padding, []
    numbers: list[int] = []
    for index, pair in enumerate(padding):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(
                "When `padding` is a list, each element of `padding` must be a list/tuple of size 2. Received: "
                f"padding={padding} with element at index {index}: {pair!r}"
            )
        numbers.extend(int(item) for item in pair)
    if len(padding) != expected_length:
        raise ValueError(
            f"When padding is a list, it must be of size {expected_length}. Received: padding={padding} of size "
            f"{len(padding)}"
        )
    return "EXPLICIT", numbers


def channel_index_of(data_format: str, last: int) -> int:
    """Returns where a layout has its channels: 1, or ``last``."""
    return 1 if data_format.startswith("NC") else last


def convolution_attributes(
    space: int, strides: Any, padding: Any, data_format: str | None, dilations: Any
) -> dict[str, Any]:
    """Returns the attributes of an operation that convolves over ``space`` dimensions, two or three.

    Args:
      space: the number of dimensions of space.
      strides, dilations: as :func:`sequence` takes them.
      padding: a name; for images also a list of pairs.
      data_format: the layout; None for that with the channels last.

    Raises:
      ValueError: an argument is none of those.
    """
    layout = data_format or ("NHWC" if space == 2 else "NDHWC")
    channels = channel_index_of(layout, space + 1)
    steps, gaps = sequence(strides, space, channels, "strides"), sequence(dilations, space, channels, "dilations")
    return complete_attributes(space, steps, padding, layout, gaps)


def complete_attributes(space: int, strides: Any, padding: Any, data_format: str, dilations: Any) -> dict[str, Any]:
    """Returns what :func:`convolution_attributes` does, of numbers that are given for each dimension."""
    attributes: dict[str, Any] = {"padding": padding}
    if space == 2:
        attributes["padding"], attributes["explicit_paddings"] = explicit_padding(padding)
    return {**attributes, "strides": list(strides), "data_format": data_format, "dilations": list(dilations)}


def layout_of_line(data_format: str | None, *, old_names: bool = False) -> tuple[str, int, int]:
    """Returns, for a layout of one dimension, the layout of images, the axis to insert, and that of the channels.

    Raises:
      ValueError: it is none.
    """
    if data_format is None or data_format == "NWC" or (old_names and data_format == "NHWC"):
        return "NHWC", 1, 2
    if data_format == "NCW" or (old_names and data_format == "NCHW"):
        return "NCHW", 2, 1
    raise ValueError(f"`data_format` must be 'NWC' or 'NCW'. Received: data_format={data_format}")


def rank_of(value: Any) -> int | None:
    """Returns the rank of a tensor, a variable or an array, or None if it is not known."""
    if isinstance(value, Tensor):
        known = static_shape(value)
        return None if known is None else len(known)
    have = getattr(value, "shape", None)
    if have is None:
        return np.ndim(value)
    found = getattr(have, "rank", None)
    return len(have) if isinstance(have, tuple) else found


def convolve(operation: Any, input: Any, filters: Any, name: str | None, inner_rank: int, **attributes: Any) -> Any:
    """Calls a convolution of tensors of rank ``inner_rank + 1``; where the rank is higher, :func:`over_batches`."""
    rank = rank_of(input)
    if rank is None or rank <= inner_rank + 1:
        return operation.call(input, filters, name=name, **attributes)
    return over_batches(input, lambda images: operation(images, filters, **attributes), inner_rank, name)


def over_batches(images: Any, function: Callable[..., Any], inner_rank: int = 3, name: str | None = None) -> Any:
    """Applies a function of images to a tensor with several leading batch dimensions, which are made one for it."""
    with name_scope(name, "squeeze_batch_dims"):
        images = convert_to_tensor(images, name="input")
        known = static_shape(images)
        assert known is not None
        batch, inner = known[:-inner_rank], known[-inner_rank:]
        flat: Any = [-1, *inner] if fully_known(inner) else concat([[-1], shape(images)[-inner_rank:]], 0)
        batch_sizes: Any = list(batch) if fully_known(batch) else shape(images)[:-inner_rank]
        result = function(reshape(images, flat))
        of_result = static_shape(result)
        tail = None if of_result is None else of_result[-inner_rank:]
        tail_sizes: Any = list(tail) if tail is not None and fully_known(tail) else shape(result)[-inner_rank:]
        folded = reshape(result, concat([batch_sizes, tail_sizes], 0))
        if folded.__class__ is SymbolicTensor and tail is not None:
            folded.set_shape([*batch, *tail])
        return folded
