"""Slices: the ``Slice`` and ``StridedSlice`` operations, and indexing of tensors with ``[]``."""

from __future__ import annotations

import builtins
import numbers
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dimension import Dimension
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor, install_operator, wrap
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import ones_like
from tideflow._src.ops.array.joining import pack_scoped
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import rank, reshape, shape
from tideflow._src.ops.array.strided_index import StridedIndex, strided_index
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.op import op

_INDEX_TYPES = ("int16", "int32", "int64")
_new = object.__new__
_special = context.SPECIAL
_ARRAY = np.ndarray
_range = builtins.range


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


def _text(value: Any) -> str:
    return shape_text(tuple(value.shape))


# Slice.


@op("Slice", "input: T, begin: static Index, size: static Index -> output: T", Index=INDEX, structural=True)
def slice_op(xp, input, begin, size):
    """Cuts out a block: ``size`` elements from ``begin`` along each dimension; -1 stands for all that follow."""
    shape = input.shape
    if begin.ndim != 1 or begin.shape != size.shape or begin.size != len(shape):
        raise _invalid(
            f"Expected begin and size arguments to be 1-D tensors of size {len(shape)}, but got shapes "
            f"{_text(begin)} and {_text(size)} instead."
        )
    index = []
    for axis, (first, count, extent) in enumerate(zip(begin.tolist(), size.tolist(), shape, strict=True)):
        if not 0 <= first <= extent:
            raise _invalid(f"Expected begin[{axis}] in [0, {extent}], but got {first}")
        if count == -1:
            count = extent - first
        if not 0 <= count <= extent - first:
            raise _invalid(f"Expected size[{axis}] in [0, {extent - first}], but got {count}")
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


def resolve_strided_slice(array_shape: Any, begin: Any, end: Any, strides: Any, **masks: int) -> StridedIndex:
    """Returns the NumPy index, and the shape that it selects, for the inputs of a strided slice operation.

    Args:
      array_shape: the shape of the array to index.
      begin, end, strides: NumPy vectors of one length.
      **masks: ``begin_mask`` and the other four.

    Raises:
      InvalidArgumentError: the slice does not fit the shape.
    """
    if begin.ndim != 1 or not begin.shape == end.shape == strides.shape:
        raise _invalid(
            "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
            f"{_text(begin)}, {_text(end)}, and {_text(strides)} instead."
        )
    try:
        return strided_index(array_shape, begin.tolist(), end.tolist(), strides.tolist(), **masks)
    except ValueError as error:
        raise _invalid(str(error)) from None


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
    index = resolve_strided_slice(
        input.shape,
        begin,
        end,
        strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    ).index
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
    return strided_index(
        input,
        None if begin.value is None else begin.integers(),
        None if end.value is None else end.integers(),
        strides.integers(),
        begin_mask,
        end_mask,
        ellipsis_mask,
        new_axis_mask,
        shrink_axis_mask,
    ).shape


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
    return {name: call.attr(name) for name in _MASKS}


_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


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
    found = resolve_strided_slice(
        sizes,
        begin,
        end,
        strides,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )
    if tuple(dy.shape) != found.shape:
        raise _invalid(f"shape of dy was {_text(dy)} instead of {shape_text(found.shape)}")
    zeros = xp.zeros(sizes, dy.dtype) if dy.dtype != object else np.full(sizes, b"", dtype=object)
    return _assigned(xp, zeros, found.index, dy, fresh=True)


def _assigned(xp: Any, array: Any, index: Any, value: Any, fresh: bool = False) -> Any:
    if xp is np:
        result = array if fresh else np.array(array)
        result[index] = value
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
    return strided_slice_assigned(
        xp,
        input,
        begin,
        end,
        strides,
        value,
        begin_mask=begin_mask,
        end_mask=end_mask,
        ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask,
        shrink_axis_mask=shrink_axis_mask,
    )


def strided_slice_assigned(xp: Any, array: Any, begin: Any, end: Any, strides: Any, value: Any, **masks: int) -> Any:
    """Returns ``array`` with ``value`` in the place that a strided slice selects; ``array`` itself stays.

    This is also the kernel of the assignments to slices of variables.

    Raises:
      InvalidArgumentError: the slice does not fit the array, or ``value`` does not broadcast to the slice.
    """
    found = resolve_strided_slice(array.shape, begin, end, strides, **masks)
    have = tuple(value.shape)
    while len(have) > len(found.shape) and have[0] == 1:
        have = have[1:]
    value = value.reshape(have)
    fits = len(have) <= len(found.shape) and all(
        mine in (1, its) for mine, its in zip(reversed(have), reversed(found.shape), strict=False)
    )
    if not fits:
        raise _invalid(f"Cannot assign a value of shape {_text(value)} to a slice of {shape_text(found.shape)}")
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


_PLAIN = frozenset((int, type(None), type(Ellipsis)))
_INT_OR_NONE = frozenset((int, type(None)))
_slice_type = builtins.slice


def getitem(tensor: Any, key: Any) -> Any:
    """Returns ``tensor[key]`` for every kind of index that TensorFlow knows.

    Integers, slices, ``...``, ``None`` and scalar integer tensors, in any combination, give a strided slice; a
    boolean array or tensor gives the elements where it is true.

    Raises:
      TypeError: an index of another kind, such as a float or a vector of positions.
      InvalidArgumentError: (in a graph, ValueError) an index beyond the dimension, or too many of them.
    """
    if tensor.__class__ is EagerTensor and not _special:
        value = tensor._value
        if value.__class__ is _ARRAY:
            kind = key.__class__
            if (
                kind is int
                or (
                    kind is _slice_type
                    and key.start.__class__ in _INT_OR_NONE
                    and key.stop.__class__ in _INT_OR_NONE
                    and key.step.__class__ in _INT_OR_NONE
                )
                or (kind is tuple and _is_plain(key))
            ):
                try:
                    value = value[key]
                except (IndexError, ValueError):
                    pass  # the operation explains
                else:
                    if value.__class__ is not bytes:
                        result = _new(EagerTensor)
                        result._value = value
                        return result
    return _getitem(tensor, key)


def _is_plain(key: tuple[Any, ...]) -> bool:
    for item in key:
        kind = item.__class__
        if kind in _PLAIN:
            continue
        if kind is not _slice_type:
            return False
        if not (
            item.start.__class__ in _INT_OR_NONE
            and item.stop.__class__ in _INT_OR_NONE
            and item.step.__class__ in _INT_OR_NONE
        ):
            return False
    return True


class SliceArguments:
    """Is an index as the strided slice operations take it: lists for begin, end and strides, and masks."""

    __slots__ = ("begin", "end", "masks", "strides")

    def __init__(self, key: Any) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(_MASKS, 0)
        for position, item in enumerate(key if isinstance(key, list | tuple) else [key]):
            self._add(item, 1 << position)

    def _add(self, item: Any, bit: int) -> None:
        if isinstance(item, _slice_type):
            start, stop, step = (_bound(each) for each in (item.start, item.stop, item.step))
            if start is None:
                self.masks["begin_mask"] |= bit
            if stop is None:
                self.masks["end_mask"] |= bit
            kind = next((each.dtype for each in (start, stop, step) if isinstance(each, Tensor)), None)
            self._append(_or(start, 0, kind), _or(stop, 0, kind), _or(step, 1, kind))
        elif item is Ellipsis:
            self.masks["ellipsis_mask"] |= bit
            self._append(0, 0, 1)
        elif item is None:
            self.masks["new_axis_mask"] |= bit
            self._append(0, 0, 1)
        else:
            position = _checked_index(item)
            self.masks["shrink_axis_mask"] |= bit
            end = position + 1
            stride: Any = 1
            if isinstance(position, Tensor) and position.dtype.name in ("int16", "int64"):
                stride = convert_to_tensor(1, position.dtype)
            self._append(position, end, stride)

    def _append(self, begin: Any, end: Any, stride: Any) -> None:
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)


def _or(value: Any, standard: int, kind: Any) -> Any:
    """Returns a bound, or the standard one, as a tensor of type ``kind`` where another bound is a tensor."""
    if value is not None:
        return value
    return standard if kind is None else convert_to_tensor(standard, kind)


def _bound(item: Any) -> Any:
    if item is None or (isinstance(item, Dimension) and item.value is None):
        return None
    return _checked_index(item)


def _checked_index(item: Any) -> Any:
    """Returns an index as a Python integer or a scalar integer tensor.

    Raises:
      TypeError: it is neither.
    """
    if item.__class__ is int:
        return item
    if isinstance(item, numbers.Integral | Dimension):
        return int(item)
    if hasattr(item, "_dense_var_to_tensor"):
        item = convert_to_tensor(item)
    dtype = getattr(item, "dtype", None)
    if dtype is not None:
        try:
            name = dtypes.as_dtype(dtype).base_dtype.name
        except TypeError:
            name = ""
        item_shape = item._shape if hasattr(item, "_shape") else getattr(item, "shape", ())
        if name in _INDEX_TYPES and (item_shape is None or len(item_shape) != 1):
            if isinstance(item, Tensor):
                return int(item) if item.__class__ is EagerTensor and context.current_graph() is None else item
            if np.ndim(item) == 0:
                return int(item)
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {item!r}"
    )


def _getitem(tensor: Any, key: Any) -> Any:
    kind = key.__class__
    if kind is bool or (hasattr(key, "dtype") and key.dtype in (dtypes.bool, np.bool_)):
        return boolean_mask(tensor, key)
    arguments = SliceArguments(key)
    graph = context.current_graph()
    if graph is None:
        vectors = [wrap(_vector(items)) for items in (arguments.begin, arguments.end, arguments.strides)]
        return strided_slice_op(tensor, *vectors, **arguments.masks)
    with name_scope(None, "strided_slice") as scope:
        if not arguments.begin:
            empty = constant_node(graph, np.zeros([0], np.int32), "Const")
            return strided_slice_op(tensor, empty, empty, empty, **arguments.masks, name=scope)
        parts = [
            _packed(graph, items, name)
            for items, name in (
                (arguments.begin, "stack"),
                (arguments.end, "stack_1"),
                (arguments.strides, "stack_2"),
            )
        ]
        if len({part.dtype for part in parts}) > 1:
            parts = [part if part.dtype is dtypes.int64 else raw.Cast(part, DstT=dtypes.int64) for part in parts]
        return strided_slice_op(tensor, *parts, **arguments.masks, name=scope)


def _vector(items: list[Any]) -> np.ndarray[Any, Any]:
    if all(-(2**31) <= int(item) < 2**31 for item in items):
        return np.array([int(item) for item in items], np.int32)
    return np.array([int(item) for item in items], np.int64)


def _packed(graph: Any, items: list[Any], name: str) -> Any:
    if any(isinstance(item, Tensor) for item in items):
        return pack_scoped(items, 0, name)
    return constant_node(graph, _vector(items), name)


install_operator("__getitem__", getitem)
