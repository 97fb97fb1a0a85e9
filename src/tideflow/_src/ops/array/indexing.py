"""Indexing of tensors with ``[]``, as strided slices."""

from __future__ import annotations

import builtins
import numbers
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dimension import Dimension
from tideflow._src.core.tensor import EagerTensor, Tensor, install_operator, wrap
from tideflow._src.ops.array.joining import pack_scoped
from tideflow._src.ops.array.masking import boolean_mask
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import strided_slice_op
from tideflow._src.ops.array.strided_index import Masks
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path

_INDEX_TYPES = ("int16", "int32", "int64")
_PLAIN = frozenset((int, type(None), type(Ellipsis)))
_INT_OR_NONE = frozenset((int, type(None)))
_slice_type = builtins.slice


def is_plain(key: Any) -> bool:
    """Tells whether NumPy takes an index as it is: slices between integers, alone or with integers and ``...``."""
    for item in key if key.__class__ is tuple else (key,):
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


@fast_path(
    strided_slice_op,
    tensors=("tensor",),
    when="(key.__class__ is int or IS_PLAIN(key)) and v_tensor.dtype is not OBJECT",
    value="v_tensor[key]",
    IS_PLAIN=is_plain,
    OBJECT=np.dtype(object),
)
def getitem(tensor: Any, key: Any) -> Any:
    """Returns ``tensor[key]`` for every kind of index that TensorFlow knows.

    Integers, slices, ``...``, ``None`` and scalar integer tensors, in any combination, give a strided slice; a
    boolean array or tensor gives the elements where it is true.

    Raises:
      TypeError: an index of another kind, such as a float or a vector of positions.
      InvalidArgumentError: (in a graph, ValueError) an index beyond the dimension, or too many of them.
    """
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


class SliceArguments:
    """Is an index as the strided slice operations take it: lists for begin, end and strides, and masks."""

    __slots__ = ("begin", "end", "masks", "strides")

    def __init__(self, key: Any) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(Masks._fields, 0)
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
                return int(item) if isinstance(item, EagerTensor) and context.current_graph() is None else item
            if np.ndim(item) == 0:
                return int(item)
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {item!r}"
    )


def _vector(items: list[Any]) -> np.ndarray[Any, Any]:
    if all(-(2**31) <= int(item) < 2**31 for item in items):
        return np.array([int(item) for item in items], np.int32)
    return np.array([int(item) for item in items], np.int64)


def _packed(graph: Any, items: list[Any], name: str) -> Any:
    if any(isinstance(item, Tensor) for item in items):
        return pack_scoped(items, 0, name)
    return constant_node(graph, _vector(items), name)


install_operator("__getitem__", getitem)
