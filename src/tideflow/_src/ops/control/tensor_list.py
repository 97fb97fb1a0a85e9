"""Lists of tensors as values of dtype ``variant``: what loops grow, and what their gradients read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.runtime.op import op


class TensorList:
    """Is an immutable list of values that shares what it can with the lists it was made from.

    Pushing and popping at the end cost the same whatever the length: each list is its last element and the rest.
    """

    __slots__ = ("element_dtype", "_last", "_rest", "length", "element_shape")

    dtype = dtypes.variant
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(
        self, element_dtype: DType, last: Any = None, rest: TensorList | None = None, element_shape: Any = None
    ) -> None:
        self.element_dtype = element_dtype
        self._last = last
        self._rest = rest
        self.length = 0 if rest is None else rest.length + 1
        self.element_shape = element_shape

    def push(self, value: Any) -> TensorList:
        """Returns this list with ``value`` behind it."""
        return TensorList(self.element_dtype, value, self, self.element_shape)

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
                None, None, f"Trying to add two lists of tensors with different lengths: {self.length} and {other.length}."
            )
        return TensorList.of(self.element_dtype, [a + b for a, b in zip(self, other, strict=True)], self.element_shape)

    def zeros_like(self) -> TensorList:
        """Returns a list of as many zeros of the same shapes."""
        zeros = (item.zeros_like() if isinstance(item, TensorList) else np.zeros_like(item) for item in self)
        return TensorList.of(self.element_dtype, zeros, self.element_shape)

    def __iter__(self) -> Iterator[Any]:
        items = []
        node = self
        while node._rest is not None:
            items.append(node._last)
            node = node._rest
        return reversed(items)

    @classmethod
    def of(cls, element_dtype: DType, values: Any, element_shape: Any = None) -> TensorList:
        """Returns the list of ``values``."""
        result = cls(element_dtype, element_shape=element_shape)
        for value in values:
            result = result.push(value)
        return result


def _shape(value: Any) -> Any:
    sizes = np.asarray(value).reshape(-1) if np.ndim(value) else None
    if sizes is None or (sizes < 0).any():
        return None
    return tuple(int(size) for size in sizes)


@op("EmptyTensorList", "element_shape: shape_type, max_num_elements: int32 -> handle: variant", tier="host", differentiable=False, shape_type=INDEX)
def empty_tensor_list(element_shape, max_num_elements, *, element_dtype: DType):
    """Makes an empty list."""
    return TensorList(element_dtype, element_shape=_shape(element_shape))


@op("TensorListReserve", "element_shape: shape_type, num_elements: int32 -> handle: variant", tier="host", differentiable=False, shape_type=INDEX)
def tensor_list_reserve(element_shape, num_elements, *, element_dtype: DType):
    """Makes a list of a given length whose elements are not set."""
    return TensorList.of(element_dtype, [None] * int(num_elements), _shape(element_shape))


@op("TensorListPushBack", "input_handle: variant, tensor: element_dtype -> output_handle: variant", tier="host")
def tensor_list_push_back(input_handle, tensor):
    """Appends a value to a list."""
    return input_handle.push(tensor)


@tensor_list_push_back.gradient
def _push_back_gradient(call, dlist):
    rest, last = tensor_list_pop_back(dlist, -1, element_dtype=call.inputs[1].dtype)
    return rest, last


@op("TensorListPopBack", "input_handle: variant, element_shape: int32 -> output_handle: variant, tensor: element_dtype", tier="host")
def tensor_list_pop_back(input_handle, element_shape, *, element_dtype: DType):
    """Takes the last value off a list."""
    return input_handle.pop()


@tensor_list_pop_back.gradient
def _pop_back_gradient(call, dlist, delement):
    return tensor_list_push_back(dlist, delement), None


@op("TensorListLength", "input_handle: variant -> length: int32", tier="host", differentiable=False)
def tensor_list_length(input_handle):
    """Tells how many elements a list has."""
    return np.int32(input_handle.length)


@op(
    "TensorListGetItem",
    "input_handle: variant, index: int32, element_shape: Tshape -> item: element_dtype",
    tier="host",
    differentiable=False,
    Tshape=default("int32", INDEX),
)
def tensor_list_get_item(input_handle, index, element_shape, *, element_dtype: DType):
    """Returns the element at an index."""
    items = list(input_handle)
    if not 0 <= index < len(items):
        raise InvalidArgumentError(None, None, f"Trying to access element {index} in a list with {len(items)} elements.")
    value = items[int(index)]
    return np.zeros(_shape(element_shape) or input_handle.element_shape or (), element_dtype.as_numpy_dtype) if value is None else value


@op("TensorListSetItem", "input_handle: variant, index: int32, item: element_dtype -> output_handle: variant", tier="host", differentiable=False)
def tensor_list_set_item(input_handle, index, item, *, resize_if_index_out_of_bounds: bool = False):
    """Returns the list with another element at an index."""
    items = list(input_handle)
    position = int(index)
    if resize_if_index_out_of_bounds and position >= len(items):
        items += [None] * (position + 1 - len(items))
    if not 0 <= position < len(items):
        raise InvalidArgumentError(None, None, f"Trying to modify element {position} in a list with {len(items)} elements.")
    items[position] = item
    return TensorList.of(input_handle.element_dtype, items, input_handle.element_shape)


@op("TensorListStack", "input_handle: variant, element_shape: int32 -> tensor: element_dtype", tier="host", differentiable=False)
def tensor_list_stack(input_handle, element_shape, *, element_dtype: DType, num_elements: int = -1):
    """Stacks the elements of a list."""
    items = list(input_handle)
    shape = _shape(element_shape) or input_handle.element_shape
    known = [np.shape(item) for item in items if item is not None]
    shape = known[0] if known else (shape or ())
    zeros = np.zeros(shape, element_dtype.as_numpy_dtype)
    if not items:
        return np.zeros((0, *shape), element_dtype.as_numpy_dtype)
    return np.stack([zeros if item is None else item for item in items])


@op("TensorListFromTensor", "tensor: element_dtype, element_shape: shape_type -> output_handle: variant", tier="host", differentiable=False, shape_type=INDEX)
def tensor_list_from_tensor(tensor, element_shape):
    """Makes a list of the slices of a tensor."""
    return TensorList.of(dtypes.of_numpy[tensor.dtype], list(tensor), tensor.shape[1:])


for _operation in (empty_tensor_list, tensor_list_reserve, tensor_list_length, tensor_list_push_back, tensor_list_set_item, tensor_list_from_tensor):

    @_operation.shape
    def _scalar_shape(*inputs):
        return ()


@tensor_list_pop_back.shape
def _pop_back_shape(input_handle, element_shape):
    return (), None


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
    yield s(_of_three(s), [3], element_dtype="float32", error="InvalidArgumentError")


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
    changed = s.produced("TensorListSetItem", s.produced("TensorListReserve", -1, 2, element_dtype="float32"), 1, s.normal(2))
    yield s(changed, -1, element_dtype="float32", gradient=False)
    yield s(s.produced("EmptyTensorList", [2], -1, element_dtype="float32"), [2], element_dtype="float32", gradient=False)
    yield s(s.produced("EmptyTensorList", -1, -1, element_dtype="float32"), -1, element_dtype="float32", error="InvalidArgumentError")
    yield s(_of_three(s), [2], element_dtype="float32", num_elements=2, error="InvalidArgumentError")
    yield s(_of_three(s), [3], element_dtype="float32", error="InvalidArgumentError")
    uneven = s.produced("TensorListPushBack", s.produced("EmptyTensorList", -1, -1, element_dtype="float32"), s.normal(2))
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
