"""Slices: the ``Slice`` and ``StridedSlice`` operations, and functions over them."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import rank, reshape, shape
from tideflow._src.ops.array.strided_index import Masks, StridedIndex, strided_index
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.op import op

_INDEX_TYPES = ("int16", "int32", "int64")
_range = builtins.range


def _text(value: Any) -> str:
    return shape_text(tuple(value.shape))


# Slice.


@op("Slice", "input: T, begin: static Index, size: static Index -> output: T", Index=INDEX, structural=True)
def slice_op(xp, input, begin, size):
    """Cuts out a block: ``size`` elements from ``begin`` along each dimension; -1 stands for all that follow."""
    shape = input.shape
    if begin.ndim != 1 or begin.shape != size.shape or begin.size != len(shape):
        raise invalid_argument(
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got shapes "
            f"{_text(begin)} and {_text(size)} instead."
        )
    index = []
    for axis, (first, count, extent) in enumerate(zip(begin.tolist(), size.tolist(), shape, strict=True)):
        if not 0 <= first <= extent:
            raise invalid_argument(f"Expected begin[{axis}] in [0, {extent}], but got {first}")
        if count == -1:
            count = extent - first
        if not 0 <= count <= extent - first:
            raise invalid_argument(f"Expected size[{axis}] in [0, {extent - first}], but got {count}")
        index.append(slice_of(first, first + count))
    return input[tuple(index)] if index else input


slice_of = builtins.slice


@slice_op.shape
def _slice_shape(input, begin, size):
    for item in (begin, size):
        if item.shape is not None and len(item.shape) != 1:
            raise ValueError(f"Shape must be rank 1 but is rank {len(item.shape)}")
    first, count = begin.integers(), size.integers()
    lengths = {len(item) for item in (input, first, count) if item is not None}
    if len(lengths) > 1:
        raise ValueError(
            f"Slices need as many begins and sizes as the input has dimensions: input {shape_text(input)}, "
            f"begin {shape_text(begin.shape)}, size {shape_text(size.shape)}"
        )
    if not lengths:
        return None
    rank = lengths.pop()
    if size.value is None or count is None:
        return (None,) * rank
    result: list[int | None] = []
    for axis in _range(rank):
        extent = None if input is None else input[axis]
        start = None if first is None else first[axis]
        wanted = count[axis]
        if wanted == -1:
            result.append(None if extent is None or start is None else extent - start)
            if result[-1] is not None and result[-1] < 0:
                raise ValueError(f"Slice begins at {start} of dimension {axis}, which has {extent} elements")
            continue
        if wanted < -1:
            raise ValueError(f"Expected size[{axis}] of at least -1, but got {wanted}")
        result.append(wanted)
    return tuple(result)


@slice_op.gradient
def _slice_gradient(call, dy):
    input, begin, _ = call.inputs
    sizes = shape(input, begin.dtype)
    after = raw.Sub(raw.Sub(sizes, shape(dy, begin.dtype)), begin)
    count = rank(input)
    column = raw.Pack([count, 1], axis=0)
    paddings = raw.ConcatV2([reshape(begin, column), reshape(after, column)], 1)
    return raw.Pad(dy, paddings), None, None


@slice_op.samples
def _slice_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), [0, 1], [2, 2])
    yield s(s.normal(3, 4), [1, 2], [-1, -1])
    yield s(s.normal(3, 4), np.array([1, 2], np.int64), np.array([0, 2], np.int64))
    yield s(s.normal(), np.zeros([0], np.int32), np.zeros([0], np.int32))
    yield s(s.normal(2, 3), [0, 1], [-1, 5], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0, 4], [1, 0], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0], [1], error="InvalidArgumentError")
    yield s(s.normal(2, 3), [-1, 0], [1, 1], error="InvalidArgumentError")


# StridedSlice.


def resolve_strided_slice(array_shape: Any, begin: Any, end: Any, strides: Any, masks: Masks) -> StridedIndex:
    """Returns the NumPy index, and the shape that it selects, for the inputs of a strided slice operation.

    Args:
      array_shape: the shape of the array to index.
      begin, end, strides: NumPy vectors of one length.
      masks: what is special about each item of the index.

    Raises:
      InvalidArgumentError: the slice does not fit the shape.
    """
    if begin.ndim != 1 or not begin.shape == end.shape == strides.shape:
        raise invalid_argument(
            "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
            f"{_text(begin)}, {_text(end)}, and {_text(strides)} instead."
        )
    try:
        return strided_index(array_shape, begin.tolist(), end.tolist(), strides.tolist(), masks)
    except ValueError as error:
        raise invalid_argument(str(error)) from None


@op(
    "StridedSlice",
    "input: T, begin: static Index, end: static Index, strides: static Index -> output: T",
    Index=_INDEX_TYPES,
    structural=True,
)
def strided_slice_op(
    xp,
    input,
    begin,
    end,
    strides,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
):
    """Selects what ``input[index]`` does, for an index of slices, positions, an ellipsis and new axes."""
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    index = resolve_strided_slice(input.shape, begin, end, strides, masks).index
    return input[index] if input.dtype != object else input[(*index, ...)]


@strided_slice_op.shape
def _strided_slice_shape(
    input,
    begin,
    end,
    strides,
    *,
    begin_mask,
    end_mask,
    ellipsis_mask,
    new_axis_mask,
    shrink_axis_mask,
):
    _check_vectors(begin, end, strides)
    if input is None or strides.value is None:
        return None
    begins = None if begin.value is None else begin.integers()
    ends = None if end.value is None else end.integers()
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    return strided_index(input, begins, ends, strides.integers(), masks).shape


def _check_vectors(*vectors: Any) -> None:
    lengths = set()
    for item in vectors:
        if item.shape is not None:
            if len(item.shape) != 1:
                raise ValueError(f"Shape must be rank 1 but is rank {len(item.shape)}")
            lengths.add(item.shape[0])
    lengths.discard(None)
    if len(lengths) > 1:
        raise ValueError(f"Expected begin, end, and strides of one length, but got lengths {sorted(lengths)}")


@strided_slice_op.gradient
def _strided_slice_gradient(call, dy):
    input, begin, end, strides = call.inputs
    sizes = shape(input, begin.dtype if begin.dtype is not dtypes.int16 else dtypes.int32)
    if begin.dtype is dtypes.int16:
        begin, end, strides = (raw.Cast(item, DstT=dtypes.int32) for item in (begin, end, strides))
    gradient = strided_slice_grad(sizes, begin, end, strides, dy, **_masks(call))
    return gradient, None, None, None


def _masks(call: Any) -> dict[str, int]:
    return {name: call.attr(name) for name in Masks._fields}


@strided_slice_op.samples
def _strided_slice_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), [0, 1], [2, 4], [1, 2])
    x = s.normal(3, 4, 2)
    yield s(x, [1], [2], [1], shrink_axis_mask=1)
    yield s(x, [-1, 0], [0, 2], [1, 1], shrink_axis_mask=1)
    yield s(x, [0, 0, 0], [0, 0, 1], [1, 1, 1], ellipsis_mask=2, new_axis_mask=1)
    yield s(x, [-1, 9], [-9, 0], [-1, -2], begin_mask=2)
    yield s(x, [-1, 9], [-9, 0], [-1, -2], end_mask=3)
    yield s(x, [2, 10], [1, 20], [1, 1])
    yield s(x, [1, 2, 0], [2, 3, 1], [1, 1, 1], shrink_axis_mask=7)
    yield s(x, *(np.array(item, np.int64) for item in ([0], [2], [1])))
    yield s(x, *(np.array(item, np.int16) for item in ([0], [2], [1])), gradient=False)
    yield s(s.strings((3,)), [1], [2], [1], shrink_axis_mask=1)
    yield s(x, [5], [6], [1], shrink_axis_mask=1, error="InvalidArgumentError")
    yield s(x, [0], [6], [0], error="InvalidArgumentError")
    yield s(x, [0, 0], [6], [1, 1], error="InvalidArgumentError")
    yield s(x, [0, 0], [1, 1], [1, 1], ellipsis_mask=3, error="InvalidArgumentError")
    yield s(x, [0] * 4, [1] * 4, [1] * 4, error="InvalidArgumentError")
    yield s(x, [0], [1], [-1], shrink_axis_mask=1, error="InvalidArgumentError")


@op(
    "StridedSliceGrad",
    "shape: static Index, begin: static Index, end: static Index, strides: static Index, dy: T -> output: T",
    Index=INDEX,
)
def strided_slice_grad(
    xp,
    shape,
    begin,
    end,
    strides,
    dy,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
):
    """Puts ``dy`` where a strided slice of a tensor of ``shape`` came from, and zeros elsewhere."""
    sizes = tuple(vector(shape, "shape").tolist())
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    found = resolve_strided_slice(sizes, begin, end, strides, masks)
    if tuple(dy.shape) != found.shape:
        raise invalid_argument(f"shape of dy was {_text(dy)} instead of {shape_text(found.shape)}")
    zeros = xp.zeros(sizes, dy.dtype) if dy.dtype != object else np.full(sizes, b"", dtype=object)
    return _assigned(xp, zeros, found.index, dy, fresh=True)


def _assigned(xp: Any, array: Any, index: Any, value: Any, fresh: bool = False) -> Any:
    if xp is np:
        result = array if fresh else np.array(array)
        # NumPy would keep an array as the element that an index names.
        result[index] = value if value.ndim or value.dtype != object else value[()]
        return result
    return array.at[index].set(value)


@strided_slice_grad.shape
def _strided_slice_grad_shape(shape, begin, end, strides, dy):
    _check_vectors(begin, end, strides)
    return shape.integers()


@strided_slice_grad.gradient
def _strided_slice_grad_gradient(call, dy):
    _, begin, end, strides, _ = call.inputs
    return None, None, None, None, strided_slice_op(dy, begin, end, strides, **_masks(call))


@strided_slice_grad.samples
def _strided_slice_grad_samples(s):
    for dtype in s.dtypes("T"):
        if dtype.name != "string":
            yield s([3, 4], [0, 1], [2, 4], [1, 2], s.array((2, 2), dtype))
    yield s([3, 4], [-1], [-9], [-1], s.normal(3, 4))
    yield s([3, 4], [1], [2], [1], s.normal(4), shrink_axis_mask=1)
    yield s([3], [0, 0], [0, 0], [1, 1], s.normal(1, 3), new_axis_mask=1, ellipsis_mask=2)
    yield s([2, 3], [0], [1], [1], s.normal(2, 3), error="InvalidArgumentError")


@op(
    "TensorStridedSliceUpdate",
    "input: T, begin: static Index, end: static Index, strides: static Index, value: T -> output: T",
    Index=INDEX,
)
def tensor_strided_slice_update(
    xp,
    input,
    begin,
    end,
    strides,
    value,
    *,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
):
    """Gives ``input`` with ``value`` in the place that a strided slice selects."""
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    return strided_slice_assigned(xp, input, begin, end, strides, value, masks)


def strided_slice_assigned(xp: Any, array: Any, begin: Any, end: Any, strides: Any, value: Any, masks: Masks) -> Any:
    """Returns ``array`` with ``value`` in the place that a strided slice selects; ``array`` itself stays.

    This is also the kernel of the assignments to slices of variables.

    Raises:
      InvalidArgumentError: the slice does not fit the array, or ``value`` does not broadcast to the slice.
    """
    found = resolve_strided_slice(array.shape, begin, end, strides, masks)
    have = tuple(value.shape)
    while len(have) > len(found.shape) and have[0] == 1:
        have = have[1:]
    value = value.reshape(have)
    fits = len(have) <= len(found.shape) and all(
        mine in (1, its) for mine, its in zip(reversed(have), reversed(found.shape), strict=False)
    )
    if not fits:
        raise invalid_argument(f"Cannot assign a value of shape {_text(value)} to a slice of {shape_text(found.shape)}")
    return _assigned(xp, array, found.index, value)


@tensor_strided_slice_update.shape
def _tensor_strided_slice_update_shape(input, begin, end, strides, value):
    _check_vectors(begin, end, strides)
    return input


@tensor_strided_slice_update.gradient
def _tensor_strided_slice_update_gradient(call, dy):
    _, begin, end, strides, value = call.inputs
    masks = _masks(call)
    selected = strided_slice_op(dy, begin, end, strides, **masks)
    axes, _ = raw.BroadcastGradientArgs(shape(value), shape(selected))
    summed = reshape(raw.Sum(selected, axes, keep_dims=False), shape(value))
    blanked = tensor_strided_slice_update(dy, begin, end, strides, raw.ZerosLike(value), **masks)
    return blanked, None, None, None, summed


@tensor_strided_slice_update.samples
def _tensor_strided_slice_update_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 4), dtype), [0, 1], [2, 4], [1, 2], s.array((2, 2), dtype))
    yield s(s.normal(3, 4), [1], [2], [1], s.normal(4), shrink_axis_mask=1)
    yield s(s.normal(3, 4), [-1], [-9], [-1], s.normal(3, 4))
    yield s(s.normal(3, 4), [0], [2], [1], s.normal(3, 4), error="InvalidArgumentError")


def entry(vector: Any, place: int) -> Any:
    """Returns ``vector[place]``, of a shape for example; in a graph as a single operation with constant bounds."""
    return strided_slice_op(vector, [place], [place + 1], [1], shrink_axis_mask=1)


def entries(vector: Any, start: int | None, stop: int | None) -> Any:
    """Returns ``vector[start:stop]``, of a shape for example; in a graph as a single operation with constant bounds."""
    masks = {"begin_mask": int(start is None), "end_mask": int(stop is None)}
    return strided_slice_op(vector, [start or 0], [stop or 0], [1], **masks)


# Public functions.


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """Returns a block of a tensor.

    Args:
      input_: the tensor.
      begin: where the block begins in each dimension.
      size: how many elements it takes there; -1 for all that follow.
      name: the node's name.
    """
    return slice_op(input_, begin, size, name=name)


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Any:
    """Returns what ``input_[index]`` does, with the index given as vectors and masks.

    Args:
      input_: the tensor.
      begin, end, strides: vectors of one length, an entry for each item of the index; strides are 1 by default.
      begin_mask, end_mask: bits of the items whose begin or end does not count.
      ellipsis_mask: bit of the item that is an ellipsis.
      new_axis_mask: bits of the items that add a dimension of size 1.
      shrink_axis_mask: bits of the items that are single positions, whose dimension disappears.
      var: the variable that is sliced, if the result is to be assigned to; see variables.
      name: the node's name.
    """
    if strides is None:
        strides = ones_like(begin)
    result = strided_slice_op(
        input_,
        begin,
        end,
        strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
        name=name,
    )
    del var
    return result
