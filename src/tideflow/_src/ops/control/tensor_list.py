"""Lists of tensors as values of dtype ``variant``: what loops grow, and what their gradients read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape, StaticValue, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import zeros_like_op
from tideflow._src.ops.array.shape import shape_op
from tideflow._src.ops.array.slicing import strided_slice_op
from tideflow._src.runtime.op import op


class TensorList:
    """Is an immutable list of values that shares what it can with the lists it was made from.

    Pushing and popping at the end cost the same whatever the length: each list is its last element and the rest.
    """

    __slots__ = ("_last", "_rest", "element_dtype", "element_shape", "length", "most")

    length: int

    dtype = dtypes.variant
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(
        self,
        element_dtype: DType,
        last: Any = None,
        rest: TensorList | None = None,
        element_shape: Shape = None,
        most: int = -1,
    ) -> None:
        self.element_dtype = element_dtype
        self._last = last
        self._rest = rest
        self.length = 0 if rest is None else rest.length + 1
        self.element_shape = element_shape
        self.most = most

    def push(self, value: Any) -> TensorList:
        """Returns this list with ``value`` behind it."""
        return TensorList(self.element_dtype, value, self, self.element_shape, self.most)

    def pop(self) -> tuple[TensorList, Any]:
        """Returns the list without its last element, and that element.

        Raises:
          InvalidArgumentError: the list is empty.
        """
        if self._rest is None:
            raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
        return self._rest, self._last

    def __add__(self, other: TensorList) -> TensorList:
        """Returns the list of the sums of the elements of two lists of one length."""
        if self.length != other.length:
            raise InvalidArgumentError(
                None,
                None,
                f"Trying to add two lists of tensors with different lengths: {self.length} and {other.length}.",
            )
        return TensorList.of(self.element_dtype, map(_sum, self, other), self.element_shape)

    def zeros_like(self) -> TensorList:
        """Returns a list of as many zeros of the same shapes."""
        return TensorList.of(self.element_dtype, map(_zeros, self), self.element_shape)

    def __iter__(self) -> Iterator[Any]:
        items = []
        node = self
        while node._rest is not None:
            items.append(node._last)
            node = node._rest
        return reversed(items)

    @classmethod
    def of(cls, element_dtype: DType, values: Any, element_shape: Shape = None) -> TensorList:
        """Returns the list of ``values``."""
        result = cls(element_dtype, element_shape=element_shape)
        for value in values:
            result = result.push(value)
        return result


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _zeros(item: Any) -> Any:
    """Returns zeros like an element; what is not set stays so."""
    if item is None:
        return None
    return item.zeros_like() if isinstance(item, TensorList) else np.zeros_like(item)


def _shape(value: Any) -> Shape:
    """Returns the shape that a shape input means: -1 stands for an unknown dimension, a scalar -1 for all of it."""
    value = np.asarray(value)
    if value.ndim == 0:
        if value >= -1:
            return None if value == -1 else (int(value),)
        raise InvalidArgumentError(None, None, f"The shape of the elements cannot be {int(value)}.")
    if value.ndim > 1 or (value < -1).any():
        raise InvalidArgumentError(None, None, f"The shape of the elements must be a vector, but is {value.tolist()}.")
    return tuple(None if size < 0 else int(size) for size in value)


def _merged(first: Shape, second: Shape) -> Shape:
    """Returns what two descriptions of one shape say together.

    Raises:
      InvalidArgumentError: they contradict each other.
    """
    if first is None or second is None:
        return first if second is None else second
    if len(first) == len(second) and all(a is None or b is None or a == b for a, b in zip(first, second, strict=True)):
        return tuple(b if a is None else a for a, b in zip(first, second, strict=True))
    raise InvalidArgumentError(None, None, f"Incompatible shapes of elements: {_text(first)} and {_text(second)}.")


def _text(shape: Shape) -> str:
    return "<unknown>" if shape is None else str([-1 if size is None else size for size in shape]).replace("-1", "?")


def _check_element(handle: TensorList, value: Any) -> None:
    """Rejects an element whose dtype or shape is not the list's."""
    if value.dtype is not dtypes.variant:
        _check_dtype(handle, dtypes.of_numpy[value.dtype])
    shape = handle.element_shape
    if shape is not None and shape != value.shape:
        _merged(shape, value.shape)


def _check_dtype(handle: TensorList, dtype: DType) -> None:
    if handle.element_dtype is not dtype:
        raise InvalidArgumentError(
            None,
            None,
            f"The operation is for elements of type {dtype.name}, the list is of {handle.element_dtype.name}.",
        )


def _unset(handle: TensorList, element_shape: Any, dtype: DType) -> Any:
    """Returns what an element that was never set reads as: zeros, if its shape is known."""
    shape = _merged(handle.element_shape, _shape(element_shape))
    if shape is None or None in shape:
        raise InvalidArgumentError(
            None,
            None,
            f"Trying to read an uninitialized tensor but element_shape is not fully defined: {_text(shape)}",
        )
    return zeros_of(dtype, shape)


def zeros_of(dtype: DType, shape: Any) -> Any:
    """Returns zeros, which are empty strings among strings."""
    if dtype is dtypes.string:
        return np.full(shape, b"", object)
    return np.zeros(shape, dtype.as_numpy_dtype)


def _check_scalar(name: str, value: Any) -> int:
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{name} expected to be a scalar but got shape {list(np.shape(value))}")
    return int(value)


@op(
    "EmptyTensorList",
    "element_shape: static shape_type, max_num_elements: int32 -> handle: variant",
    tier="host",
    differentiable=False,
    shape_type=INDEX,
)
def empty_tensor_list(element_shape, max_num_elements, *, element_dtype: DType):
    """Makes an empty list."""
    most = _check_scalar("max_num_elements", max_num_elements)
    return TensorList(element_dtype, element_shape=_shape(element_shape), most=most)


@op(
    "TensorListReserve",
    "element_shape: static shape_type, num_elements: int32 -> handle: variant",
    tier="host",
    differentiable=False,
    shape_type=INDEX,
)
def tensor_list_reserve(element_shape, num_elements, *, element_dtype: DType):
    """Makes a list of a given length whose elements are not set."""
    count = _check_scalar("The num_elements to reserve", num_elements)
    if count < 0:
        raise InvalidArgumentError(
            None, None, f"The num_elements to reserve must be a non negative number, but got {count}"
        )
    return TensorList.of(element_dtype, [None] * count, _shape(element_shape))


@op("TensorListPushBack", "input_handle: variant, tensor: element_dtype -> output_handle: variant", tier="host")
def tensor_list_push_back(input_handle, tensor):
    """Appends a value to a list."""
    _check_element(input_handle, tensor)
    if 0 <= input_handle.most <= input_handle.length:
        raise InvalidArgumentError(
            None,
            None,
            "Tried to push item into a full list "
            f"list size: {input_handle.length} max_num_elements: {input_handle.most}",
        )
    return input_handle.push(tensor)


@tensor_list_push_back.gradient
def _push_back_gradient(call, dlist):
    rest, last = tensor_list_pop_back(dlist, -1, element_dtype=call.inputs[1].dtype)
    return rest, last


@op(
    "TensorListPopBack",
    "input_handle: variant, element_shape: static int32 -> output_handle: variant, tensor: element_dtype",
    tier="host",
)
def tensor_list_pop_back(input_handle, element_shape, *, element_dtype: DType):
    """Takes the last value off a list."""
    rest, last = input_handle.pop()
    _check_dtype(input_handle, element_dtype)
    return rest, _unset(input_handle, element_shape, element_dtype) if last is None else last


@tensor_list_pop_back.gradient
def _pop_back_gradient(call, dlist, delement):
    return tensor_list_push_back(dlist, delement), None


@op("TensorListLength", "input_handle: variant -> length: int32", tier="host", differentiable=False)
def tensor_list_length(input_handle):
    """Tells how many elements a list has."""
    return np.int32(input_handle.length)


@op(
    "TensorListGetItem",
    "input_handle: variant, index: int32, element_shape: static Tshape -> item: element_dtype",
    tier="host",
    Tshape=default("int32", INDEX),
)
def tensor_list_get_item(input_handle, index, element_shape, *, element_dtype: DType):
    """Returns the element at an index."""
    _check_dtype(input_handle, element_dtype)
    items = list(input_handle)
    if not 0 <= index < len(items):
        raise InvalidArgumentError(
            None, None, f"Trying to access element {index} in a list with {len(items)} elements."
        )
    value = items[int(index)]
    return _unset(input_handle, element_shape, element_dtype) if value is None else value


@tensor_list_get_item.gradient
def _get_item_gradient(call, ditem):
    shape = shape_op(ditem)
    length = tensor_list_length(call.inputs[0])
    zeros = tensor_list_reserve(shape, length, element_dtype=ditem.dtype.base_dtype)
    return tensor_list_set_item(zeros, call.inputs[1], ditem), None, None


@op(
    "TensorListSetItem",
    "input_handle: variant, index: int32, item: element_dtype -> output_handle: variant",
    tier="host",
)
def tensor_list_set_item(input_handle, index, item, *, resize_if_index_out_of_bounds: bool = False):
    """Returns the list with another element at an index."""
    _check_element(input_handle, item)
    items = list(input_handle)
    position = int(index)
    if resize_if_index_out_of_bounds and position >= len(items):
        items += [None] * (position + 1 - len(items))
    if not 0 <= position < len(items):
        raise InvalidArgumentError(
            None, None, f"Trying to modify element {position} in a list with {len(items)} elements."
        )
    items[position] = item
    return TensorList.of(input_handle.element_dtype, items, input_handle.element_shape)


@tensor_list_set_item.gradient
def _set_item_gradient(call, dlist):
    item = call.inputs[2]
    dtype = item.dtype.base_dtype
    rest = tensor_list_set_item(dlist, call.inputs[1], zeros_like_op(item))
    return rest, None, tensor_list_get_item(dlist, call.inputs[1], shape_op(item), element_dtype=dtype)


@op(
    "TensorListStack",
    "input_handle: variant, element_shape: static int32 -> tensor: element_dtype",
    tier="host",
)
def tensor_list_stack(input_handle, element_shape, *, element_dtype: DType, num_elements: int = -1):
    """Stacks the elements of a list."""
    _check_dtype(input_handle, element_dtype)
    items = list(input_handle)
    if num_elements not in (-1, len(items)):
        raise InvalidArgumentError(
            None,
            None,
            f"Operation expected a list with {num_elements} elements but got a list with {len(items)} elements.",
        )
    shape = _merged(input_handle.element_shape, _shape(element_shape))
    for item in items:
        if item is not None:
            shape = _merged(shape, item.shape)
    if shape is None or None in shape:
        held = "only uninitialized elements" if items else "no elements"
        raise InvalidArgumentError(
            None, None, f"Tried to stack a list with {held} and a non-fully-defined element_shape: {_text(shape)}"
        )
    result = zeros_of(element_dtype, (len(items), *shape))
    for position, item in enumerate(items):
        if item is not None:
            result[position] = item
    return result


@tensor_list_stack.gradient
def _stack_gradient(call, dtensor):
    return tensor_list_from_tensor(dtensor, _slice_shape(dtensor)), None


def _slice_shape(tensor):
    """Returns the shape of the slices of a tensor along its first dimension, as a tensor if it is not known."""
    known = tensor.shape[1:]
    if known.is_fully_defined():
        return np.array(known.as_list(), np.int32)
    return strided_slice_op(shape_op(tensor), np.int32([1]), np.int32([0]), np.int32([1]), end_mask=1)


@op(
    "TensorListFromTensor",
    "tensor: element_dtype, element_shape: shape_type -> output_handle: variant",
    tier="host",
    shape_type=INDEX,
)
def tensor_list_from_tensor(tensor, element_shape):
    """Makes a list of the slices of a tensor."""
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Tensor must be at least a vector, but saw shape: []")
    shape = _merged(_shape(element_shape), tensor.shape[1:])
    return TensorList.of(dtypes.of_numpy[tensor.dtype], map(np.asarray, tensor), shape)


@tensor_list_from_tensor.gradient
def _from_tensor_gradient(call, dlist):
    tensor = call.inputs[0]
    shape = np.int32(-1) if tensor.shape.rank is None else _slice_shape(tensor)
    return tensor_list_stack(dlist, shape, element_dtype=tensor.dtype.base_dtype), None


# Static shapes.

for _operation in (
    empty_tensor_list,
    tensor_list_reserve,
    tensor_list_length,
    tensor_list_push_back,
    tensor_list_set_item,
    tensor_list_from_tensor,
):

    @_operation.shape
    def _scalar_shape(*inputs):
        return ()


def _static_element_shape(element_shape: StaticValue) -> Shape:
    if element_shape.shape == ():
        return None
    sizes = element_shape.integers()
    return None if sizes is None else tuple(None if size is None or size < 0 else size for size in sizes)


@tensor_list_pop_back.shape
def _pop_back_shape(input_handle, element_shape):
    return (), _static_element_shape(element_shape)


@tensor_list_get_item.shape
def _get_item_shape(input_handle, index, element_shape):
    return _static_element_shape(element_shape)


@tensor_list_stack.shape
def _stack_shape(input_handle, element_shape, *, num_elements):
    shape = _static_element_shape(element_shape)
    return None if shape is None else (num_elements if num_elements >= 0 else None, *shape)


# Samples. A list travels only from operation to operation.


def _of_three(s: Any, dtype: Any = "float32") -> Any:
    return s.produced("TensorListFromTensor", s.array((3, 2), dtype), [2])


@empty_tensor_list.samples
def _empty_tensor_list_samples(s):
    yield s([2], 5, element_dtype="float32")
    yield s(-1, -1, element_dtype="string")
    yield s(np.int64([-1, 3]), -1, element_dtype="int64")
    yield s([2], [1], element_dtype="float32", error="InvalidArgumentError")


@tensor_list_reserve.samples
def _tensor_list_reserve_samples(s):
    yield s([2], 5, element_dtype="float32")
    yield s(-1, 0, element_dtype="string")
    yield s([2], -1, element_dtype="float32", error="InvalidArgumentError")


@tensor_list_push_back.samples
def _tensor_list_push_back_samples(s):
    yield s(s.produced("EmptyTensorList", [2], -1, element_dtype="float32"), s.normal(2), gradient=False)
    yield s(_of_three(s, "string"), s.strings((2,)), gradient=False)
    full = s.produced("EmptyTensorList", [2], 0, element_dtype="float32")
    yield s(full, s.normal(2), error="InvalidArgumentError")
    yield s(_of_three(s), s.normal(3), error="InvalidArgumentError")
    yield s(_of_three(s), s.normal(2, dtype="float64"), error="InvalidArgumentError")


@tensor_list_pop_back.samples
def _tensor_list_pop_back_samples(s):
    yield s(_of_three(s), [2], element_dtype="float32", gradient=False)
    yield s(_of_three(s, "string"), -1, element_dtype="string", gradient=False)
    unset = s.produced("TensorListReserve", [2], 2, element_dtype="float32")
    yield s(unset, [2], element_dtype="float32", gradient=False)
    empty = s.produced("EmptyTensorList", [2], -1, element_dtype="float32")
    yield s(empty, [2], element_dtype="float32", error="InvalidArgumentError")
    yield s(_of_three(s), [2], element_dtype="float64", error="InvalidArgumentError")


@tensor_list_length.samples
def _tensor_list_length_samples(s):
    yield s(_of_three(s))
    yield s(s.produced("EmptyTensorList", [2], -1, element_dtype="float32"))


@tensor_list_get_item.samples
def _tensor_list_get_item_samples(s):
    yield s(_of_three(s), 0, [2], element_dtype="float32", gradient=False)
    yield s(_of_three(s, "string"), 2, np.int32(-1), element_dtype="string", gradient=False)
    unset = s.produced("TensorListReserve", [2], 2, element_dtype="float32")
    yield s(unset, 1, [2], element_dtype="float32", gradient=False)
    yield s(_of_three(s), 3, [2], element_dtype="float32", error="InvalidArgumentError")
    yield s(_of_three(s), -1, [2], element_dtype="float32", error="InvalidArgumentError")
    yield s(_of_three(s), 0, [2], element_dtype="float64", error="InvalidArgumentError")
    shapeless = s.produced("TensorListReserve", -1, 2, element_dtype="float32")
    yield s(shapeless, 1, -1, element_dtype="float32", error="InvalidArgumentError")


@tensor_list_set_item.samples
def _tensor_list_set_item_samples(s):
    yield s(_of_three(s), 1, s.normal(2), gradient=False)
    yield s(_of_three(s), 4, s.normal(2), resize_if_index_out_of_bounds=True, gradient=False)
    yield s(_of_three(s), 3, s.normal(2), error="InvalidArgumentError")
    yield s(_of_three(s), -1, s.normal(2), error="InvalidArgumentError")
    yield s(_of_three(s), 0, s.normal(3), error="InvalidArgumentError")
    yield s(_of_three(s), 0, s.normal(2, dtype="float64"), error="InvalidArgumentError")


@tensor_list_stack.samples
def _tensor_list_stack_samples(s):
    yield s(_of_three(s), [2], element_dtype="float32", gradient=False)
    yield s(_of_three(s, "string"), -1, element_dtype="string", num_elements=3, gradient=False)
    unset = s.produced("TensorListReserve", [2], 2, element_dtype="float32")
    yield s(unset, [2], element_dtype="float32", gradient=False)
    changed = s.produced(
        "TensorListSetItem", s.produced("TensorListReserve", [-1], 2, element_dtype="float32"), 1, s.normal(2)
    )
    yield s(changed, -1, element_dtype="float32", gradient=False)
    yield s(
        s.produced("EmptyTensorList", [2], -1, element_dtype="float32"), [2], element_dtype="float32", gradient=False
    )
    yield s(
        s.produced("EmptyTensorList", -1, -1, element_dtype="float32"),
        -1,
        element_dtype="float32",
        error="InvalidArgumentError",
    )
    yield s(_of_three(s), [2], element_dtype="float32", num_elements=2, error="InvalidArgumentError")
    yield s(_of_three(s), [3], element_dtype="float32", error="InvalidArgumentError")
    uneven = s.produced(
        "TensorListPushBack", s.produced("EmptyTensorList", -1, -1, element_dtype="float32"), s.normal(2)
    )
    uneven = s.produced("TensorListPushBack", uneven, s.normal(3))
    yield s(uneven, -1, element_dtype="float32", error="InvalidArgumentError")


@tensor_list_from_tensor.samples
def _tensor_list_from_tensor_samples(s):
    for dtype in ("float32", "string", "bool", "complex64"):
        yield s(s.array((3, 2), dtype), [2], gradient=False)
    yield s(s.array((2,)), np.zeros(0, np.int32), gradient=False)
    yield s(s.empty(0, 2), np.int64([2]), gradient=False)
    yield s(s.normal(), np.zeros(0, np.int32), error="InvalidArgumentError")
    yield s(s.normal(3, 2), [3], error="InvalidArgumentError")
