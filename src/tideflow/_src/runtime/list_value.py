"""Defines ``TensorList``, the value of a list of tensors: what loops grow, and what their gradients read backwards."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.variant_array import Variant, variants
from tideflow._src.graph.op_def import Shape

_lock = threading.Lock()

#: How an older list differs from the newer one that holds the elements.
_SET, _APPEND, _POP = range(3)


class TensorList(Variant):
    """Is an immutable list of values that shares its memory with the lists made from it.

    The list changed last holds the elements; each list it was made from knows only in what it differs. Changing the
    newest list, or reading it, costs the same whatever the length. Reading an older one moves the elements there, so
    that walking the history back costs one step for each change.

    Attributes:
      element_dtype: the dtype of the elements.
      element_shape: what is known of their shape.
      most: how many elements the list may have, or -1.
      length: how many it has.
    """

    __slots__ = ("_change", "_items", "_newer", "element_dtype", "element_shape", "length", "most")

    def __init__(
        self, element_dtype: DType, items: list[Any] | None = None, element_shape: Shape = None, most: int = -1
    ) -> None:
        self.element_dtype = element_dtype
        self.element_shape = element_shape
        self.most = most
        self._items: list[Any] | None = [] if items is None else items
        self._newer: TensorList | None = None
        self._change: tuple[int, int, Any] | None = None
        self.length = len(self._items)

    @classmethod
    def of(cls, element_dtype: DType, values: Iterable[Any], element_shape: Shape = None, most: int = -1) -> TensorList:
        """Returns the list of ``values``; None stands for an element that is not set."""
        return cls(element_dtype, list(values), element_shape, most)

    def _own(self) -> list[Any]:
        """Moves the elements to this list and returns them; the caller holds the lock."""
        items = self._items
        if items is not None:
            return items
        path = []
        node = self
        while node._items is None:
            path.append(node)
            node = node._newer  # type: ignore[assignment]
        items = node._items
        for older in reversed(path):
            kind, index, value = older._change  # type: ignore[misc]
            if kind == _SET:
                back = (_SET, index, items[index])
                items[index] = value
            elif kind == _APPEND:
                items.append(value)
                back = (_POP, 0, None)
            else:
                back = (_APPEND, 0, items.pop())
            older._items, older._newer, older._change = items, None, None
            node._items, node._newer, node._change = None, older, back
            node = older
        return items

    def _give(self, items: list[Any], change: tuple[int, int, Any]) -> TensorList:
        newer = TensorList(self.element_dtype, items, self.element_shape, self.most)
        self._items, self._newer, self._change = None, newer, change
        return newer

    def push(self, value: Any) -> TensorList:
        """Returns this list with ``value`` behind it."""
        with _lock:
            items = self._own()
            items.append(value)
            return self._give(items, (_POP, 0, None))

    def pop(self) -> tuple[TensorList, Any]:
        """Returns the list without its last element, and that element.

        Raises:
          InvalidArgumentError: the list is empty.
        """
        with _lock:
            items = self._own()
            if not items:
                raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
            value = items.pop()
            return self._give(items, (_APPEND, 0, value)), value

    def replace(self, index: int, value: Any) -> TensorList:
        """Returns the list with another element at an index, which is in range."""
        with _lock:
            items = self._own()
            old = items[index]
            items[index] = value
            return self._give(items, (_SET, index, old))

    def get(self, index: int) -> Any:
        """Returns the element at an index, which is in range; None if it is not set."""
        with _lock:
            return self._own()[index]

    def items(self) -> list[Any]:
        """Returns the elements as a new Python list."""
        with _lock:
            return list(self._own())

    def __repr__(self) -> str:
        return "<TensorList>"

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items())

    def like(self, values: Iterable[Any]) -> TensorList:
        """Returns a list of other values for elements of the same dtype and shape."""
        return TensorList(self.element_dtype, list(values), self.element_shape, self.most)

    def __add__(self, other: TensorList) -> TensorList:
        """Returns the list of the sums of the elements of two lists of one length."""
        if self.length != other.length:
            raise InvalidArgumentError(
                None,
                None,
                f"Trying to add two lists of tensors with different lengths: {self.length} and {other.length}.",
            )
        return self.like(map(_sum, self, other))

    def zeros_like(self) -> TensorList:
        """Returns a list of as many zeros of the same shapes."""
        return self.like(map(_zeros, self))


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _zeros(item: Any) -> Any:
    """Returns zeros like an element; what is not set stays so."""
    if item is None:
        return None
    of_variant = getattr(item, "zeros_like", None)  # a variant knows its own zero
    return np.zeros_like(item) if of_variant is None else of_variant()


def shape_from_value(value: Any) -> Shape:
    """Returns the shape that a shape input means: -1 stands for an unknown dimension, a scalar -1 for all of it."""
    value = np.asarray(value)
    if value.ndim == 0:
        if value == -1:
            return None
        problem = f"The only valid scalar shape tensor is the fully unknown shape specified as -1, got {int(value)}."
        raise InvalidArgumentError(None, None, problem)
    if value.ndim > 1 or (value < -1).any():
        raise InvalidArgumentError(None, None, f"The shape of the elements must be a vector, but is {value.tolist()}.")
    return tuple(None if size < 0 else int(size) for size in value)


def merged(first: Shape, second: Shape) -> Shape:
    """Returns what two descriptions of one shape say together.

    Raises:
      InvalidArgumentError: they contradict each other.
    """
    if first is None or second is None:
        return first if second is None else second
    if len(first) == len(second) and all(a is None or b is None or a == b for a, b in zip(first, second, strict=True)):
        return tuple(b if a is None else a for a, b in zip(first, second, strict=True))
    raise InvalidArgumentError(
        None, None, f"Incompatible shapes of elements: {shape_text(first)} and {shape_text(second)}."
    )


def shape_text(shape: Shape) -> str:
    """Returns a shape as messages show it."""
    return "<unknown>" if shape is None else f"[{','.join('?' if size is None else str(size) for size in shape)}]"


def zeros_of(dtype: DType, shape: Any) -> Any:
    """Returns zeros, which are empty strings among strings."""
    if dtype is dtypes.variant:
        return variants([None] * math.prod(shape), shape)
    if dtype is dtypes.string:
        return np.full(shape, b"", object)
    return np.zeros(shape, dtype.as_numpy_dtype)


def check_dtype(handle: TensorList, dtype: DType) -> None:
    """Rejects an operation on elements of another dtype than the list's."""
    if handle.element_dtype is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"The operation is for elements of type {dtype.name}, the list is of {handle.element_dtype.name}.",
        )


def check_element(handle: TensorList, value: Any) -> None:
    """Rejects an element whose dtype or shape is not the list's."""
    if value.dtype is dtypes.variant:
        return
    check_dtype(handle, dtypes.of_numpy[np.dtype(value.dtype)])
    shape = handle.element_shape
    if shape is not None and shape != value.shape:
        merged(shape, value.shape)


def unset(handle: TensorList, element_shape: Any, dtype: DType) -> Any:
    """Returns what an element that was never set reads as: zeros, if its shape is known."""
    shape = merged(handle.element_shape, shape_from_value(element_shape))
    if shape is None or None in shape:
        for item in handle:  # the elements of a list are of one shape as a rule
            if item is not None and not isinstance(item, TensorList):
                shape = merged(shape, item.shape)
                break
    if shape is None or None in shape:
        raise InvalidArgumentError(
            None,
            None,
            f"Trying to read an uninitialized tensor but element_shape is not fully defined: {shape_text(shape)}",
        )
    return zeros_of(dtype, shape)


def stacked(handle: TensorList, items: list[Any], element_shape: Any, dtype: DType, verb: str = "stack") -> Any:
    """Returns elements of a list, stacked; those that are not set are zeros.

    Raises:
      InvalidArgumentError: their shapes differ, or nothing tells the shape.
    """
    shape = merged(handle.element_shape, shape_from_value(element_shape))
    for item in items:
        if item is not None and shape != item.shape:
            shape = merged(shape, item.shape)
    if shape is None or None in shape:
        held = "only uninitialized elements" if items else "no elements"
        raise InvalidArgumentError(
            None, None, f"Tried to {verb} a list with {held} and a non-fully-defined element_shape: {shape_text(shape)}"
        )
    if items and dtype is not dtypes.string and dtype is not dtypes.variant and None not in items_set(items):
        return np.stack(items) if shape else np.array(items, dtype.as_numpy_dtype)
    result = zeros_of(dtype, (len(items), *shape))
    for position, item in enumerate(items):
        if item is not None:
            result[position, ...] = item
    return result


def rows(tensor: Any) -> list[Any]:
    """Returns the slices of an array along its first dimension as arrays: NumPy would take strings out of theirs."""
    return [tensor[index, ...] for index in range(len(tensor))]


def items_set(items: list[Any]) -> tuple[Any, ...]:
    """Returns for each element None if it is not set."""
    return tuple(None if item is None else True for item in items)


def check_scalar(name: str, value: Any) -> int:
    """Returns an input that must be a scalar as an integer."""
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{name} expected to be a scalar but got shape {list(np.shape(value))}")
    return int(value)
