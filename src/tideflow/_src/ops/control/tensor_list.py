"""Lists of tensors as values of dtype ``variant``: what loops grow, and what their gradients read backwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.op_def import Shape, StaticValue, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import zeros_like_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import shape_op
from tideflow._src.ops.array.slicing import entries
from tideflow._src.runtime import traced_list
from tideflow._src.runtime.list_value import (
    TensorList,
    check_dtype,
    check_element,
    check_scalar,
    merged,
    rows,
    shape_from_value,
    stacked,
    unset,
)
from tideflow._src.runtime.op import op
from tideflow._src.runtime.tracing import NeedsHost, is_known


@op(
    "EmptyTensorList",
    "element_shape: static shape_type, max_num_elements: int32 -> handle: variant",
    tier="host",
    differentiable=False,
    shape_type=INDEX,
)
def empty_tensor_list(element_shape, max_num_elements, *, element_dtype: DType):
    """Makes an empty list."""
    most = check_scalar("max_num_elements", max_num_elements)
    return TensorList(element_dtype, element_shape=shape_from_value(element_shape), most=most)


@op(
    "TensorListReserve",
    "element_shape: static shape_type, num_elements: int32 -> handle: variant",
    tier="host",
    differentiable=False,
    shape_type=INDEX,
)
def tensor_list_reserve(element_shape, num_elements, *, element_dtype: DType):
    """Makes a list of a given length whose elements are not set."""
    count = check_scalar("The num_elements to reserve", num_elements)
    if count < 0:
        raise InvalidArgumentError(
            None, None, f"The num_elements to reserve must be a non negative number, but got {count}"
        )
    return TensorList.of(element_dtype, [None] * count, shape_from_value(element_shape))


@op("TensorListPushBack", "input_handle: variant, tensor: element_dtype -> output_handle: variant", tier="host")
def tensor_list_push_back(input_handle, tensor):
    """Appends a value to a list."""
    return pushed_back(input_handle, tensor)


def pushed_back(handle: TensorList, value: Any) -> TensorList:
    """Returns a list with a value behind it, which must fit."""
    check_element(handle, value)
    if 0 <= handle.most <= handle.length:
        raise InvalidArgumentError(
            None,
            None,
            f"Tried to push item into a full list list size: {handle.length} max_num_elements: {handle.most}",
        )
    return handle.push(value)


@tensor_list_push_back.gradient
def _push_back_gradient(call, dlist):
    tensor = call.inputs[1]
    if tensor.dtype.base_dtype is dtypes.variant:
        return tensor_list_pop_back(dlist, -1, element_dtype=dtypes.variant)
    rest, last = tensor_list_pop_back(dlist, shape_of(tensor), element_dtype=tensor.dtype.base_dtype)
    return rest, last


@op(
    "TensorListPopBack",
    "input_handle: variant, element_shape: static int32 -> output_handle: variant, tensor: element_dtype",
    tier="host",
)
def tensor_list_pop_back(input_handle, element_shape, *, element_dtype: DType):
    """Takes the last value off a list."""
    rest, last = input_handle.pop()
    check_dtype(input_handle, element_dtype)
    return rest, unset(input_handle, element_shape, element_dtype) if last is None else last


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
    check_dtype(input_handle, element_dtype)
    index = check_scalar("The index", index)
    if not 0 <= index < input_handle.length:
        raise InvalidArgumentError(
            None, None, f"Trying to access element {index} in a list with {input_handle.length} elements."
        )
    item = input_handle.get(index)
    return unset(input_handle, element_shape, element_dtype) if item is None else item


@tensor_list_get_item.gradient
def _get_item_gradient(call, ditem):
    shape = shape_of(ditem)
    zeros = tensor_list_reserve(shape, length_of(call.inputs[0]), element_dtype=ditem.dtype.base_dtype)
    return tensor_list_set_item(zeros, call.inputs[1], ditem), None, None


@op(
    "TensorListSetItem",
    "input_handle: variant, index: int32, item: element_dtype -> output_handle: variant",
    tier="host",
)
def tensor_list_set_item(input_handle, index, item, *, resize_if_index_out_of_bounds: bool = False):
    """Returns the list with another element at an index."""
    check_element(input_handle, item)
    position = check_scalar("The index", index)
    if resize_if_index_out_of_bounds and position >= input_handle.length:
        items = input_handle.items()
        items += [None] * (position + 1 - len(items))
        items[position] = item
        return input_handle.like(items)
    if not 0 <= position < input_handle.length:
        raise InvalidArgumentError(
            None, None, f"Trying to modify element {position} in a list with {input_handle.length} elements."
        )
    return input_handle.replace(position, item)


@tensor_list_set_item.gradient
def _set_item_gradient(call, dlist):
    handle, index, item = call.inputs
    ditem = tensor_list_get_item(dlist, index, shape_of(item), element_dtype=item.dtype.base_dtype)
    rest = tensor_list_set_item(dlist, index, zeros_like_op(ditem))
    if call.attr("resize_if_index_out_of_bounds"):
        rest = raw.TensorListResize(rest, length_of(handle))
    return rest, None, ditem


@op(
    "TensorListStack",
    "input_handle: variant, element_shape: static int32 -> tensor: element_dtype",
    tier="host",
)
def tensor_list_stack(input_handle, element_shape, *, element_dtype: DType, num_elements: int = -1):
    """Stacks the elements of a list."""
    check_dtype(input_handle, element_dtype)
    items = input_handle.items()
    if num_elements not in (-1, len(items)):
        raise InvalidArgumentError(
            None,
            None,
            f"Operation expected a list with {num_elements} elements but got a list with {len(items)} elements.",
        )
    return stacked(input_handle, items, element_shape, element_dtype)


@tensor_list_stack.gradient
def _stack_gradient(call, dtensor):
    return tensor_list_from_tensor(dtensor, slice_shape(dtensor)), None


_LOOPS = frozenset(("While", "StatelessWhile"))
_SAME_LENGTH = frozenset(
    ("TensorListSetItem", "TensorListScatterIntoExistingList", "Identity", "StopGradient", "ZerosLike", "AddN")
)


def length_of(handle):
    """Returns the length of a list for a gradient, which then reads the length of the list and not the list."""
    if not isinstance(handle, SymbolicTensor):
        return tensor_list_length(handle)
    handle = _of_same_length(handle)
    while handle.op.type in _LOOPS and _keeps_length(handle):
        handle = _of_same_length(handle.op.inputs[handle.value_index])
    if handle.op.type == "TensorListReserve":
        return handle.op.inputs[1]
    for user in handle.consumers():
        if user.type == "TensorListLength":
            return user.outputs[0]
    with handle.op.graph.as_default(), handle.op.graph.control_dependencies(None):
        return tensor_list_length(handle)


def _of_same_length(handle):
    while handle.op.type in _SAME_LENGTH and not handle.op.attrs.get("resize_if_index_out_of_bounds"):
        handle = handle.op.inputs[0]
    return handle


def _keeps_length(handle):
    """Tells whether a list has the same length after each turn of the loop that it comes out of."""
    body = handle.op.attrs["body"]
    return _of_same_length(body.outputs[handle.value_index]) is body.inputs[handle.value_index]


def shape_of(tensor):
    """Returns the shape of a tensor, as a constant if it is known."""
    known = tensor.shape
    return np.array(known.as_list(), np.int32) if known.is_fully_defined() else shape_op(tensor)


def slice_shape(tensor):
    """Returns the shape of the slices of a tensor along its first dimension, as a tensor if it is not known."""
    known = tensor.shape[1:]
    if known.is_fully_defined():
        return np.array(known.as_list(), np.int32)
    return entries(shape_op(tensor), 1, None)


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
    shape = merged(shape_from_value(element_shape), tensor.shape[1:])
    return TensorList.of(dtypes.of_numpy[tensor.dtype], rows(tensor), shape)


@tensor_list_from_tensor.gradient
def _from_tensor_gradient(call, dlist):
    tensor = call.inputs[0]
    shape = np.int32(-1) if tensor.shape.rank is None else slice_shape(tensor)
    return tensor_list_stack(dlist, shape, element_dtype=tensor.dtype.base_dtype), None


# In compiled programs.


def in_program(operation: Any) -> Any:
    """Registers what an operation does in a program; what a program cannot do, the host does."""

    def attach(function: Any) -> Any:
        def kernel(*inputs: Any, **attrs: Any) -> Any:
            try:
                return function(*inputs, **attrs)
            except traced_list.Unrepresentable as error:
                raise NeedsHost(str(error)) from None

        operation.xla(kernel)
        return function

    return attach


def _known(value: Any) -> int:
    if not is_known(value):
        raise NeedsHost("The length of a list is not known.")
    return int(value)


@in_program(empty_tensor_list)
def _empty_xla(element_shape, max_num_elements, *, element_dtype):
    _known(max_num_elements)
    most = check_scalar("max_num_elements", max_num_elements)
    return traced_list.empty(element_dtype, shape_from_value(element_shape), most)


@in_program(tensor_list_reserve)
def _reserve_xla(element_shape, num_elements, *, element_dtype):
    count = _known(num_elements)
    if count < 0:
        raise InvalidArgumentError(
            None, None, f"The num_elements to reserve must be a non negative number, but got {count}"
        )
    return traced_list.reserve(element_dtype, shape_from_value(element_shape), count)


@in_program(tensor_list_push_back)
def _push_back_xla(input_handle, tensor):
    check_element(input_handle, tensor)
    return traced_list.push(input_handle, tensor)


@in_program(tensor_list_pop_back)
def _pop_back_xla(input_handle, element_shape, *, element_dtype):
    check_dtype(input_handle, element_dtype)
    return traced_list.pop(input_handle, shape_from_value(element_shape))


@in_program(tensor_list_length)
def _length_xla(input_handle):
    return np.int32(input_handle.length) if input_handle.is_static else input_handle.length


@in_program(tensor_list_get_item)
def _get_item_xla(input_handle, index, element_shape, *, element_dtype):
    check_dtype(input_handle, element_dtype)
    return traced_list.get(input_handle, index, shape_from_value(element_shape))


@in_program(tensor_list_set_item)
def _set_item_xla(input_handle, index, item, *, resize_if_index_out_of_bounds):
    if resize_if_index_out_of_bounds:
        raise NeedsHost("A list that grows as it is written has no known length.")
    check_element(input_handle, item)
    return traced_list.put(input_handle, index, item)


@in_program(tensor_list_stack)
def _stack_xla(input_handle, element_shape, *, element_dtype, num_elements):
    check_dtype(input_handle, element_dtype)
    if num_elements >= 0 and input_handle.is_static and input_handle.length != num_elements:
        raise InvalidArgumentError(
            None,
            None,
            f"Operation expected a list with {num_elements} elements but got a list with {input_handle.length} "
            "elements.",
        )
    return traced_list.stack(input_handle, shape_from_value(element_shape))


@in_program(tensor_list_from_tensor)
def _from_tensor_xla(tensor, element_shape):
    if not is_known(element_shape):
        raise NeedsHost("The shape of the elements depends on data.")
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Tensor must be at least a vector, but saw shape: []")
    merged(shape_from_value(element_shape), tuple(tensor.shape[1:]))
    return traced_list.of_tensor(dtypes.of_numpy[np.dtype(tensor.dtype)], tensor)


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


def static_element_shape(element_shape: StaticValue) -> Shape:
    """Returns the static shape that a shape input says."""
    if element_shape.shape == ():
        return None
    sizes = element_shape.integers()
    return None if sizes is None else tuple(None if size is None or size < 0 else size for size in sizes)


@tensor_list_pop_back.shape
def _pop_back_shape(input_handle, element_shape):
    return (), static_element_shape(element_shape)


@tensor_list_get_item.shape
def _get_item_shape(input_handle, index, element_shape):
    return static_element_shape(element_shape)


@tensor_list_stack.shape
def _stack_shape(input_handle, element_shape, *, num_elements):
    shape = static_element_shape(element_shape)
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
