"""Functions over lists of tensors that one variant holds: ``tensorflow.python.ops.list_ops``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


def _shape(element_shape: Any) -> Any:
    """Returns a shape as the operations take it: -1 where it is not known, a scalar -1 for an unknown rank."""
    if element_shape is None:
        return convert_to_tensor(-1, dtypes.int32)
    if isinstance(element_shape, TensorShape):
        if element_shape.ndims is None:
            return convert_to_tensor(-1, dtypes.int32)
        element_shape = [-1 if size is None else size for size in element_shape.as_list()]
    if isinstance(element_shape, list | tuple):
        return convert_to_tensor([-1 if size is None else size for size in element_shape], dtypes.int32)
    return convert_to_tensor(element_shape)


def empty_tensor_list(element_shape: Any, element_dtype: Any, max_num_elements: Any = None, name: Any = None) -> Any:
    """Returns a list without elements."""
    most = convert_to_tensor(-1 if max_num_elements is None else max_num_elements, dtypes.int32)
    return raw.EmptyTensorList(_shape(element_shape), most, element_dtype=element_dtype, name=name)


def tensor_list_reserve(element_shape: Any, num_elements: Any, element_dtype: Any, name: Any = None) -> Any:
    """Returns a list of so many elements that are not set yet."""
    count = convert_to_tensor(num_elements, dtypes.int32)
    return raw.TensorListReserve(_shape(element_shape), count, element_dtype=element_dtype, name=name)


def tensor_list_from_tensor(tensor: Any, element_shape: Any, name: Any = None) -> Any:
    """Returns a list of the slices of a tensor along its first dimension."""
    return raw.TensorListFromTensor(convert_to_tensor(tensor), _shape(element_shape), name=name)


def tensor_list_get_item(
    input_handle: Any, index: Any, element_dtype: Any, element_shape: Any = None, name: Any = None
) -> Any:
    """Returns one element."""
    return raw.TensorListGetItem(input_handle, index, _shape(element_shape), element_dtype=element_dtype, name=name)


def tensor_list_pop_back(input_handle: Any, element_dtype: Any, name: Any = None) -> Any:
    """Returns the list without its last element, and that."""
    return raw.TensorListPopBack(input_handle, _shape(None), element_dtype=element_dtype, name=name)


def tensor_list_gather(
    input_handle: Any, indices: Any, element_dtype: Any, element_shape: Any = None, name: Any = None
) -> Any:
    """Returns elements, stacked."""
    indices = convert_to_tensor(indices, dtypes.int32)
    return raw.TensorListGather(input_handle, indices, _shape(element_shape), element_dtype=element_dtype, name=name)


def tensor_list_scatter(
    tensor: Any, indices: Any, element_shape: Any = None, input_handle: Any = None, name: Any = None
) -> Any:
    """Returns a list with the slices of a tensor at places, a new one or a given one changed."""
    tensor, indices = convert_to_tensor(tensor), convert_to_tensor(indices, dtypes.int32)
    if input_handle is not None:
        return raw.TensorListScatterIntoExistingList(input_handle, tensor, indices, name=name)
    return raw.TensorListScatterV2(tensor, indices, _shape(element_shape), convert_to_tensor(-1), name=name)


def tensor_list_stack(
    input_handle: Any, element_dtype: Any, num_elements: int = -1, element_shape: Any = None, name: Any = None
) -> Any:
    """Returns all elements, stacked."""
    return raw.TensorListStack(
        input_handle, _shape(element_shape), element_dtype=element_dtype, num_elements=num_elements, name=name
    )


def tensor_list_concat(input_handle: Any, element_dtype: Any, element_shape: Any = None, name: Any = None) -> Any:
    """Returns all elements, joined along their first dimension."""
    empty = convert_to_tensor([], dtypes.int64)
    found = raw.TensorListConcatV2(input_handle, _shape(element_shape), empty, element_dtype=element_dtype, name=name)
    return found[0]
