"""Defines ``TracedList``: a list of tensors inside a compiled program, as one array with room for all elements.

A program needs every shape when it is compiled. So a list there is an array whose first dimension is the most elements
that the list will have, and a length. The length is a Python integer, known, as long as no loop changes it. A list of
lists, which the gradient of a loop within a loop makes, has such a list in the place of the array: each of its arrays
has one dimension more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.runtime import checks
from tideflow._src.runtime.lazy import jax, jnp, lax
from tideflow._src.runtime.list_value import TensorList

Shape = tuple[int | None, ...] | None

#: Operations on lists that programs can hold.
LIST_OPS = frozenset(
    "EmptyTensorList TensorListReserve TensorListPushBack TensorListPopBack TensorListLength TensorListGetItem "
    "TensorListSetItem TensorListStack TensorListFromTensor TensorListGather TensorListScatterIntoExistingList "
    "ZerosLike AddN Identity If StatelessIf Case StatelessCase While StatelessWhile PartitionedCall "
    "StatefulPartitionedCall".split()
)


class Unrepresentable(Exception):
    """Says that a program cannot hold a list: its elements differ, or its length is known at run time only."""


class TracedList:
    """Is a list of tensors in a compiled program.

    Attributes:
      element_dtype: the dtype of the elements.
      element_shape: what is known of their shape while there is no array.
      data: the elements, or None before the first one is there; what is not set is zero. For a list of lists it is a
        list whose array, and length if that is not known, have the elements along their first dimension.
      length: how many there are.
      capacity: how many elements the array has room for, or None: as many as there are.
    """

    __slots__ = ("capacity", "data", "element_dtype", "element_shape", "length")

    def __init__(
        self, element_dtype: DType, element_shape: Shape, data: Any, length: Any, capacity: int | None = None
    ) -> None:
        self.element_dtype = element_dtype
        self.element_shape = element_shape
        self.data = data
        self.length = length
        self.capacity = capacity

    dtype = dtypes.variant
    ndim = 0

    @property
    def shape(self) -> tuple[Any, ...]:
        """Is what tells one program from another: the shapes inside."""
        return ("list", np.shape(self.data), self.length if self.is_static else None, self.capacity)

    @property
    def is_static(self) -> bool:
        """Whether the length is known."""
        return self.length.__class__ is int

    def like(self, data: Any, length: Any) -> TracedList:
        """Returns a list with other elements."""
        return TracedList(self.element_dtype, self.element_shape, data, length, self.capacity)

    @property
    def room(self) -> int:
        """How many elements the array has room for."""
        if self.data is None:
            return 0
        arrays = jax.tree_util.tree_leaves(self.data)
        if not arrays:
            raise Unrepresentable("The elements of a list are lists that are empty.")
        return int(arrays[0].shape[0])

    def allocated(self, shape: Shape = None) -> TracedList:
        """Returns the list with its array, made for elements of ``shape``."""
        if self.data is not None:
            return self
        if shape is None:
            shape = self.element_shape
        if shape is None or None in shape or self.element_dtype is dtypes.variant:
            raise Unrepresentable("The shape of the elements of a list is not known.")
        return self.allocated_for(jax.ShapeDtypeStruct(shape, self.element_dtype.as_numpy_dtype))

    def allocated_for(self, value: Any) -> TracedList:
        """Returns the list with its array, made for elements like a value."""
        if self.data is not None:
            return self
        room = self.length if self.capacity is None and self.is_static else self.capacity
        if room is None:
            raise Unrepresentable("The length of a list is not known.")
        return self.like(_parts(lambda part: jnp.zeros((room, *part.shape), part.dtype), value), self.length)

    def allocated_as(self, other: TracedList) -> TracedList:
        """Returns the list with its array, made for elements like those of another list."""
        element = _parts(lambda part: jax.ShapeDtypeStruct(part.shape[1:], part.dtype), other.data)
        return self.allocated_for(element)

    def dynamic(self, capacity: int) -> TracedList:
        """Returns the list with a length that may change while the program runs, and room to grow."""
        if not self.is_static:
            return self
        data, more = self.data, capacity - self.room
        if data is not None and more > 0:
            data = _parts(lambda part: jnp.concatenate([part, jnp.zeros((more, *part.shape[1:]), part.dtype)]), data)
        result = self.like(data, jnp.int32(self.length))
        result.capacity = capacity
        return result

    def static(self, length: int) -> TracedList:
        """Returns the list with a length that has turned out to be known."""
        result = self.like(self.data, length)
        result.capacity = None if self.data is None else self.room
        return result


def _parts(function: Any, *values: Any) -> Any:
    """Applies a function to values, or to the arrays of lists that are alike."""
    try:
        return jax.tree_util.tree_map(function, *values)
    except ValueError as error:
        raise Unrepresentable(f"The elements of a list differ: {error}") from None


def _element(value: Any) -> Any:
    """Returns a value as lists keep it."""
    if isinstance(value, TracedList):
        return value.allocated()
    return jnp.asarray(value)


def register() -> None:
    """Tells JAX how to take lists apart, once."""
    global _registered
    if not _registered:
        _registered = True
        jax.tree_util.register_pytree_node(TracedList, _take_apart, _put_together)


_registered = False


def _take_apart(handle: TracedList) -> tuple[Any, Any]:
    fixed = handle.length if handle.is_static else None
    rest = (handle.element_dtype.name, handle.element_shape if handle.data is None else None, fixed, handle.capacity)
    return (handle.data, None if handle.is_static else handle.length), rest


def _put_together(rest: Any, children: Any) -> TracedList:
    name, shape, fixed, capacity = rest
    data, length = children
    return TracedList(dtypes.as_dtype(name), shape, data, fixed if fixed is not None else length, capacity)


# Operations.


def empty(element_dtype: DType, element_shape: Shape, most: int) -> TracedList:
    """Returns an empty list."""
    return TracedList(element_dtype, element_shape, None, 0, most if most > 0 else None)


def reserve(element_dtype: DType, element_shape: Shape, count: int) -> TracedList:
    """Returns a list of elements that are not set."""
    return TracedList(element_dtype, element_shape, None, count)


def push(handle: TracedList, value: Any) -> TracedList:
    """Returns a list with one element more."""
    value = _element(value)
    if handle.is_static:
        if handle.room <= handle.length:
            new = _parts(lambda part: part[None], value)
            old = handle.data
            if old is None and handle.length:
                old = handle.allocated_for(value).data
            data = new if old is None else _parts(lambda before, after: jnp.concatenate([before, after]), old, new)
            return handle.like(data, handle.length + 1)
    else:
        handle = handle.allocated_for(value)
    return handle.like(_replaced(handle.data, value, handle.length), handle.length + 1)


def _replaced(data: Any, value: Any, index: Any) -> Any:
    return _parts(lambda part, new: lax.dynamic_update_index_in_dim(part, new, index, 0), data, value)


def pop(handle: TracedList, element_shape: Shape) -> tuple[TracedList, Any]:
    """Returns a list without its last element, and that element."""
    if handle.is_static and not handle.length:
        raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
    if not handle.is_static:
        checks.require(handle.length > 0, "Trying to pop from an empty list.")
        value = get(handle, handle.length - 1, element_shape, checked=True)
        return handle.like(handle.data, handle.length - 1), value
    return handle.like(handle.data, handle.length - 1), get(handle, handle.length - 1, element_shape)


def get(handle: TracedList, index: Any, element_shape: Shape, *, checked: bool = False) -> Any:
    """Returns an element."""
    if not checked:
        _check_index(handle, index, "access")
    if handle.data is None:
        shape = handle.element_shape if handle.element_shape is not None else element_shape
        if shape is None or None in shape or handle.element_dtype is dtypes.variant:
            raise Unrepresentable("The shape of an element that is not set is not known.")
        return jnp.zeros(shape, handle.element_dtype.as_numpy_dtype)
    return _parts(lambda part: lax.dynamic_index_in_dim(part, index, 0, keepdims=False), handle.data)


def put(handle: TracedList, index: Any, value: Any) -> TracedList:
    """Returns a list with another element at an index."""
    _check_index(handle, index, "modify")
    value = _element(value)
    handle = handle.allocated_for(value)
    if not isinstance(value, TracedList) and handle.data.shape[1:] != value.shape:
        raise Unrepresentable("The elements of a list differ in shape.")
    return handle.like(_replaced(handle.data, value, index), handle.length)


def _check_index(handle: TracedList, index: Any, verb: str) -> None:
    size = handle.length if handle.is_static else "fewer"
    if isinstance(index, int | np.integer | np.ndarray) and handle.is_static:
        if not 0 <= int(index) < handle.length:
            raise InvalidArgumentError(
                None, None, f"Trying to {verb} element {int(index)} in a list with {size} elements."
            )
        return
    inside = jnp.logical_and(index >= 0, index < handle.length)
    checks.require(inside.reshape(()), f"Trying to {verb} an element that is not in a list with {size} elements.")


def gather(handle: TracedList, indices: Any, element_shape: Shape) -> Any:
    """Returns the elements at several indices as one array."""
    _check_indices(handle, indices)
    if handle.data is None:
        handle = handle.allocated(element_shape if handle.element_shape is None else None)
    return handle.data[jnp.asarray(indices).reshape(-1)]


def scatter(handle: TracedList, indices: Any, values: Any) -> TracedList:
    """Returns a list with the slices of an array at several indices."""
    _check_indices(handle, indices)
    handle = handle.allocated(tuple(values.shape[1:]))
    flat = jnp.asarray(indices).reshape(-1)
    if flat.shape[0] != values.shape[0] or handle.data.shape[1:] != tuple(values.shape[1:]):
        raise Unrepresentable("What is scattered does not fit the list.")
    return handle.like(handle.data.at[flat].set(values), handle.length)


def _check_indices(handle: TracedList, indices: Any) -> None:
    if not handle.is_static:
        raise Unrepresentable("The length of a list is not known.")
    if isinstance(indices, np.ndarray):
        if indices.size and not 0 <= indices.min() <= indices.max() < handle.length:
            raise Unrepresentable("An index is out of range: the host says which, or makes the list longer.")
        return
    inside = jnp.logical_and(indices >= 0, indices < handle.length).all()
    checks.require(inside, f"An index is not that of an element of a list with {handle.length} elements.")


def stack(handle: TracedList, element_shape: Shape) -> Any:
    """Returns the elements as one array."""
    if not handle.is_static:
        raise Unrepresentable("The length of a list that is stacked is not known.")
    if handle.data is None:
        shape = handle.element_shape
        if shape is None or None in shape:
            shape = element_shape
        handle = handle.allocated(shape)
    return handle.data if handle.data.shape[0] == handle.length else handle.data[: handle.length]


def of_tensor(element_dtype: DType, tensor: Any) -> TracedList:
    """Returns the list of the slices of an array."""
    return TracedList(element_dtype, tuple(tensor.shape[1:]), tensor, int(tensor.shape[0]))


def zeros_like(handle: TracedList) -> TracedList:
    """Returns a list of as many zeros."""
    if handle.data is None:
        return handle
    if isinstance(handle.data, TracedList):
        return handle.like(zeros_like(handle.data), handle.length)
    return handle.like(jnp.zeros_like(handle.data), handle.length)


def add(handles: list[TracedList]) -> TracedList:
    """Returns the list of the sums of the elements of lists of one length."""
    total = handles[0]
    for handle in handles[1:]:
        if handle.data is None:
            continue
        if total.data is None:
            total = handle
        elif isinstance(total.data, TracedList):
            total = total.like(add([total.data, handle.data]), total.length)
        else:
            total = total.like(total.data + handle.data, total.length)
    return total


# On the way between programs and the host.


def from_host(handle: Any) -> TracedList:
    """Returns a list of the host as a program takes it.

    Raises:
      Unrepresentable: it is another variant, such as a ragged tensor; its elements differ in shape, or are no numbers.
    """
    register()
    if not isinstance(handle, TensorList):
        raise Unrepresentable("A variant is no list.")
    items = handle.items()
    present = [item for item in items if item is not None]
    if not present:
        return TracedList(handle.element_dtype, handle.element_shape, None, len(items))
    if all(isinstance(item, TensorList) for item in present) and len(present) == len(items):
        lists = [from_host(item) for item in items]
        data = _parts(lambda *parts: np.stack(parts), *lists)
        return TracedList(handle.element_dtype, (), data, len(items))
    if any(not isinstance(item, np.ndarray | np.generic) or item.dtype == object for item in present):
        raise Unrepresentable("The elements of a list are not numbers.")
    if len({item.shape for item in present}) > 1:
        raise Unrepresentable("The elements of a list differ in shape.")
    zero = np.zeros_like(present[0])
    data = np.stack([zero if item is None else item for item in items])
    return TracedList(handle.element_dtype, tuple(present[0].shape), data, len(items))


def to_host(handle: TracedList) -> TensorList:
    """Returns a program's list as the host has it."""
    length = int(handle.length)
    if handle.data is None:
        return TensorList(handle.element_dtype, [None] * length, handle.element_shape)
    if isinstance(handle.data, TracedList):
        whole = jax.tree_util.tree_map(np.asarray, handle.data)
        items = [to_host(_parts(lambda part, at=index: part[at], whole)) for index in range(length)]
        return TensorList(handle.element_dtype, items, ())
    data = np.asarray(handle.data)
    return TensorList(handle.element_dtype, list(data[:length]), tuple(data.shape[1:]))
