"""Windows with gaps, made of windows without: elements that are a distance apart are laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.blocks import required_space_to_batch_paddings
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.runtime.convert import convert_to_tensor


def with_space_to_batch(
    input: Any,
    dilation_rate: Any,
    padding: str,
    op: Callable[[Any, Any, str], Any],
    filter_shape: Any = None,
    spatial_dims: Sequence[int] | None = None,
    data_format: str | None = None,
) -> Any:
    """Applies a function of windows to blocks of the batch, so that its windows have gaps in the input.

    Args:
      input: a tensor of rank above the largest of ``spatial_dims``.
      dilation_rate: the distance between elements of the window, one number for each dimension of space.
      padding: ``"SAME"`` or ``"VALID"``.
      op: takes the input, the number of dimensions of space, and the padding to use.
      filter_shape: the shape of the window without gaps, needed for ``"SAME"``.
      spatial_dims: the dimensions of space, in ascending order; those after the batch by default.
      data_format: where the channels are.

    Returns:
      What ``op`` gives, put together again.

    Raises:
      ValueError: an argument makes no sense.
    """
    input = convert_to_tensor(input, name="input")
    rate = convert_to_tensor(dilation_rate, dtype="int32", name="dilation_rate")
    rate_shape = static_shape(rate)
    if rate_shape is None or len(rate_shape) != 1:
        raise ValueError(f"`dilation_rate.shape.rank` must be 1. Received: dilation_rate={dilation_rate}")
    if rate_shape[0] is None:
        raise ValueError(f"`dilation_rate.shape` must be known. Received: dilation_rate={dilation_rate}")
    count = rate_shape[0]
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    dims = list(range(first, first + count)) if spatial_dims is None else [int(dim) for dim in spatial_dims]
    if len(dims) != count or dims != sorted(set(dims)) or any(dim < 1 for dim in dims):
        raise ValueError(
            "`spatial_dims` must be a monotonically increasing sequence of positive integers, one for each number of "
            f"`dilation_rate`. Received: spatial_dims={spatial_dims} and dilation_rate={dilation_rate}"
        )
    known_rate = static_value(rate)
    if known_rate is not None:
        if np.any(known_rate < 1):
            raise ValueError(f"`dilation_rate` must be positive. Received: dilation_rate={dilation_rate}")
        if np.all(known_rate == 1):
            return op(input, count, padding)
        rate = known_rate
    sizes = static_shape(input)
    if sizes is not None and len(sizes) <= dims[-1]:
        raise ValueError(
            f"`input.shape.rank` must be at least {dims[-1] + 1}. Received: input.shape={input.shape} of rank "
            f"{len(sizes)}"
        )
    base: Any = np.zeros((count, 2), np.int32)
    if padding == "SAME":
        if filter_shape is None:
            raise ValueError("`filter_shape` must be specified for `padding='SAME'`. Received: filter_shape=None")
        base = _same_paddings(filter_shape, count, rate)
    elif padding != "VALID":
        raise ValueError(f"`padding` must be one of 'SAME' or 'VALID'. Received: padding={padding}")
    space: Any = None if sizes is None else [sizes[dim] for dim in dims]
    if space is None or None in space:
        space = raw.GatherV2(raw.Shape(input), np.array(dims, np.int32), np.int32(0))
    paddings, crops = required_space_to_batch_paddings(input_shape=space, base_paddings=base, block_shape=rate)
    blocks, paddings, crops = (_spread(item, dims, fill) for item, fill in ((rate, 1), (paddings, 0), (crops, 0)))
    result = op(raw.SpaceToBatchND(input, blocks, paddings), count, "VALID")
    return raw.BatchToSpaceND(result, blocks, crops)


def _same_paddings(filter_shape: Any, count: int, rate: Any) -> Any:
    """Returns the padding before and after each dimension of space, for windows with gaps."""
    window = static_value(filter_shape) if not isinstance(filter_shape, np.ndarray | list | tuple) else filter_shape
    if window is None or not isinstance(rate, np.ndarray):
        window = entries(filter_shape, 0, count)
        extra = raw.Mul(raw.Sub(raw.Cast(window, DstT="int32"), np.int32(1)), rate)
        before = raw.FloorDiv(extra, np.int32(2))
        return raw.Pack([before, raw.Sub(extra, before)], axis=1)
    extra = (np.asarray(window, np.int32)[:count] - 1) * rate
    return np.stack([extra // 2, extra - extra // 2], axis=1)


def _spread(values: Any, dims: Sequence[int], fill: int) -> Any:
    """Returns rows for dimensions 1 to the last of ``dims``, with ``fill`` for those that are not of space."""
    if list(dims) == list(range(1, dims[-1] + 1)):
        return values
    pieces, taken = [], 0
    rank = np.ndim(values) if isinstance(values, np.ndarray) else len(values.shape)
    for dim in range(1, dims[-1] + 1):
        if dim in dims:
            pieces.append(values[taken : taken + 1])
            taken += 1
        else:
            pieces.append(np.full((1, 2) if rank == 2 else (1,), fill, np.int32))
    return raw.ConcatV2(pieces, 0)
