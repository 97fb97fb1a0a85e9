"""Operations on several elements of a list at once: gathering, scattering, splitting, concatenating, resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import Shape
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.constants import zeros_like_op
from tideflow._src.ops.control.tensor_list import (
    in_program,
    length_of,
    pushed_back,
    slice_shape,
    static_element_shape,
    tensor_list_reserve,
)
from tideflow._src.runtime import traced_list
from tideflow._src.runtime.checks import vector
from tideflow._src.runtime.list_value import (
    TensorList,
    check_dtype,
    check_element,
    check_scalar,
    merged,
    rows,
    shape_from_value,
    shape_text,
    stacked,
    zeros_of,
)
from tideflow._src.runtime.op import op

# One element for each of several indices.


@op(
    "TensorListGather",
    "input_handle: variant, indices: int32, element_shape: static int32 -> values: element_dtype",
    tier="host",
)
def tensor_list_gather(input_handle, indices, element_shape, *, element_dtype: DType):
    """Stacks the elements at several indices."""
    check_dtype(input_handle, element_dtype)
    chosen = []
    for index in np.ravel(indices).tolist():
        if not 0 <= index < input_handle.length:
            raise InvalidArgumentError(
                None, None, f"Trying to gather element {index} in a list with {input_handle.length} elements."
            )
        chosen.append(input_handle.get(index))
    return stacked(input_handle, chosen, element_shape, element_dtype, "gather from")


@tensor_list_gather.gradient
def _gather_gradient(call, dvalues):
    handle, indices, _ = call.inputs
    zeros = tensor_list_reserve(slice_shape(dvalues), length_of(handle), element_dtype=dvalues.dtype.base_dtype)
    return tensor_list_scatter_into_existing_list(zeros, dvalues, indices), None, None


@tensor_list_gather.shape
def _gather_shape(input_handle, indices, element_shape):
    if indices is not None and len(indices) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(indices)}")
    shape = static_element_shape(element_shape)
    return None if shape is None else (None if indices is None else indices[0], *shape)


def _scattered(handle: TensorList, tensor: Any, indices: Any) -> TensorList:
    """Returns a list with the slices of a tensor at some indices."""
    indices = np.ravel(indices)
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Tensor must be at least a vector, but saw shape: []")
    if len(indices) != tensor.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"Specified {len(indices)} indices for a tensor with {tensor.shape[0]} slices: the numbers must be equal.",
        )
    merged(handle.element_shape, tensor.shape[1:])  # raises if they contradict each other
    items = handle.items()
    for index, value in zip(indices.tolist(), rows(tensor), strict=True):
        if index < 0 or index >= len(items):
            raise InvalidArgumentError(
                None,
                None,
                f"TensorListScatter: the index {index} is out of range for a list with {len(items)} elements.",
            )
        items[index] = value
    return handle.like(items)


def _scatter(tensor: Any, indices: Any, element_shape: Any, count: int) -> TensorList:
    indices = vector(indices, "indices")
    if (indices < 0).any():
        raise InvalidArgumentError(
            None, None, f"Indices in TensorListScatter must all be non-negative, but got {int(indices.min())}."
        )
    if count < -1:
        raise InvalidArgumentError(
            None, None, f"TensorListScatter expects num_elements >= -1, but got num_elements {count}."
        )
    if count == -1:
        count = int(indices.max()) + 1 if len(indices) else 0
    return _scattered(
        TensorList(dtypes.of_numpy[tensor.dtype], [None] * count, shape_from_value(element_shape)), tensor, indices
    )


@op(
    "TensorListScatter",
    "tensor: element_dtype, indices: int32, element_shape: static shape_type -> output_handle: variant",
    tier="host",
    shape_type=INDEX,
)
def tensor_list_scatter(tensor, indices, element_shape):
    """Makes a list that holds the slices of a tensor at given indices; it is as long as the largest needs."""
    return _scatter(tensor, indices, element_shape, -1)


@op(
    "TensorListScatterV2",
    "tensor: element_dtype, indices: int32, element_shape: static shape_type, num_elements: int32 "
    "-> output_handle: variant",
    tier="host",
    shape_type=INDEX,
)
def tensor_list_scatter_v2(tensor, indices, element_shape, num_elements):
    """Makes a list of a given length that holds the slices of a tensor at given indices."""
    return _scatter(tensor, indices, element_shape, check_scalar("num_elements", num_elements))


@tensor_list_scatter.gradient
def _scatter_gradient(call, dlist):
    tensor, indices, _ = call.inputs
    return _gathered(dlist, tensor, indices), None, None


@tensor_list_scatter_v2.gradient
def _scatter_v2_gradient(call, dlist):
    tensor, indices, _, _ = call.inputs
    return _gathered(dlist, tensor, indices), None, None, None


def _gathered(dlist, tensor, indices):
    shape = np.int32(-1) if tensor.shape.rank is None else slice_shape(tensor)
    return tensor_list_gather(dlist, indices, shape, element_dtype=tensor.dtype.base_dtype)


@op(
    "TensorListScatterIntoExistingList",
    "input_handle: variant, tensor: element_dtype, indices: int32 -> output_handle: variant",
    tier="host",
)
def tensor_list_scatter_into_existing_list(input_handle, tensor, indices):
    """Returns the list with the slices of a tensor at given indices."""
    check_dtype(input_handle, dtypes.of_numpy[tensor.dtype])
    indices = vector(indices, "indices")
    if (indices < 0).any():
        raise InvalidArgumentError(
            None,
            None,
            f"Indices in TensorListScatterIntoExistingList must all be non-negative, but got {int(indices.min())}.",
        )
    longest = int(indices.max()) + 1 if len(indices) else 0
    if longest > input_handle.length:
        items = input_handle.items()
        input_handle = input_handle.like(items + [None] * (longest - len(items)))
    return _scattered(input_handle, tensor, indices)


@tensor_list_scatter_into_existing_list.gradient
def _scatter_into_gradient(call, dlist):
    _, tensor, indices = call.inputs
    dtensor = _gathered(dlist, tensor, indices)
    rest = tensor_list_scatter_into_existing_list(dlist, zeros_like_op(dtensor), indices)
    return rest, dtensor, None


# Elements of different lengths, one behind the other.


def _joined(handle: TensorList, shape: Shape, leading: Any, dtype: DType) -> Any:
    """Concatenates the elements along their first dimension and returns how long each is.

    Args:
      handle: the list.
      shape: what is asked of the shape of its elements.
      leading: how long the elements that are not set are, each.
      dtype: the dtype asked for.
    """
    check_dtype(handle, dtype)
    shape = merged(handle.element_shape, shape)
    if shape == ():
        raise InvalidArgumentError(
            None, None, "Concat requires elements to be at least vectors, found scalars instead."
        )
    rest = None if shape is None else shape[1:]
    first = None if shape is None else shape[0]
    items = handle.items()
    for position, item in enumerate(items):
        if item is None:
            continue
        if item.ndim == 0:
            raise InvalidArgumentError(
                None, None, f"Concat saw a scalar shape at index {position} but requires at least vectors."
            )
        rest = merged(rest, item.shape[1:])
        if first is not None:
            merged((first,), item.shape[:1])
    missing = [position for position, item in enumerate(items) if item is None]
    if rest is None or None in rest:
        if missing or not items:
            raise InvalidArgumentError(
                None,
                None,
                "All except the first dimension must be fully defined when concating an empty tensor list or a list "
                f"with uninitialized elements. element_shape: {shape_text(shape)}",
            )
    lengths = []
    parts = []
    for position, item in enumerate(items):
        if item is None:
            size = first
            if size is None:
                if position >= len(leading):
                    raise InvalidArgumentError(
                        None,
                        None,
                        f"List contains uninitialized element at index {position} but leading_dims has only "
                        f"{len(leading)} elements.",
                    )
                size = int(leading[position])
            item = zeros_of(dtype, (size, *rest))  # type: ignore[misc]
        parts.append(item)
        lengths.append(item.shape[0])
    if not parts:
        parts = [zeros_of(dtype, (0, *rest))]  # type: ignore[misc]
    return np.concatenate(parts), np.array(lengths, np.int64)


@op("TensorListConcat", "input_handle: variant -> tensor: element_dtype, lengths: int64", tier="host")
def tensor_list_concat(input_handle, *, element_dtype: DType, element_shape: Shape = None):
    """Concatenates the elements of a list along their first dimension."""
    return _joined(input_handle, element_shape, (), element_dtype)


@op(
    "TensorListConcatV2",
    "input_handle: variant, element_shape: static shape_type, leading_dims: int64 "
    "-> tensor: element_dtype, lengths: int64",
    tier="host",
    shape_type=INDEX,
)
def tensor_list_concat_v2(input_handle, element_shape, leading_dims, *, element_dtype: DType):
    """Concatenates the elements of a list along their first dimension; those that are not set have given lengths."""
    return _joined(input_handle, shape_from_value(element_shape), np.ravel(leading_dims), element_dtype)


@tensor_list_concat.gradient
def _concat_gradient(call, dtensor, dlengths):
    return tensor_list_split(dtensor, _any_length(dtensor), call.outputs[1])


@tensor_list_concat_v2.gradient
def _concat_v2_gradient(call, dtensor, dlengths):
    return tensor_list_split(dtensor, _any_length(dtensor), call.outputs[1]), None, None


def _any_length(tensor):
    """Returns the shape of parts of a tensor along its first dimension, as a shape input: -1 and the rest."""
    known = tensor.shape[1:]
    if known.is_fully_defined():
        return np.array([-1, *known.as_list()], np.int32)
    return np.int32(-1)


@tensor_list_concat.shape
def _concat_shape(input_handle, *, element_shape):
    return (None if element_shape is None else (None, *element_shape[1:])), (None,)


@tensor_list_concat_v2.shape
def _concat_v2_shape(input_handle, element_shape, leading_dims):
    shape = static_element_shape(element_shape)
    return (None if shape is None else (None, *shape[1:])), (None,)


@op(
    "TensorListSplit",
    "tensor: element_dtype, element_shape: static shape_type, lengths: int64 -> output_handle: variant",
    tier="host",
    shape_type=INDEX,
)
def tensor_list_split(tensor, element_shape, lengths):
    """Makes a list of parts of a tensor that lie one behind the other."""
    if np.ndim(lengths) != 1:
        raise InvalidArgumentError(
            None, None, f"Expected lengths to be a vector, received shape: {list(np.shape(lengths))}"
        )
    if tensor.ndim == 0:
        raise InvalidArgumentError(None, None, "Expected tensor to be at least a vector, but received shape: []")
    shape = merged(shape_from_value(element_shape), (None, *tensor.shape[1:]))
    if (np.asarray(lengths) < 0).any():
        raise InvalidArgumentError(None, None, f"Invalid value in lengths: {int(np.min(lengths))}")
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    if total != tensor.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {total} and value's shape "
            f"is: {list(tensor.shape)}",
        )
    parts = np.split(tensor, ends[:-1]) if len(ends) else []
    handle = TensorList(dtypes.of_numpy[tensor.dtype], parts, shape)
    for part in parts:
        check_element(handle, part)
    return handle


@tensor_list_split.gradient
def _split_gradient(call, dlist):
    tensor, _, lengths = call.inputs
    dtensor, _ = tensor_list_concat_v2(dlist, _any_length(tensor), lengths, element_dtype=tensor.dtype.base_dtype)
    return dtensor, None, None


# The list as a whole.


@op("TensorListResize", "input_handle: variant, size: int32 -> output_handle: variant", tier="host")
def tensor_list_resize(input_handle, size):
    """Returns the list with elements cut off, or with new ones that are not set."""
    size = check_scalar("size", size)
    if size < 0:
        raise InvalidArgumentError(None, None, f"TensorListResize expects size to be non-negative. Got: {size}")
    if size == input_handle.length:
        return input_handle
    items = input_handle.items()[:size]
    return input_handle.like(items + [None] * (size - len(items)))


@tensor_list_resize.gradient
def _resize_gradient(call, dlist):
    return tensor_list_resize(dlist, length_of(call.inputs[0])), None


@op(
    "TensorListElementShape",
    "input_handle: variant -> element_shape: shape_type",
    tier="host",
    differentiable=False,
    shape_type=INDEX,
)
def tensor_list_element_shape(input_handle, *, shape_type: DType):
    """Returns what is known of the shape of the elements: -1 is unknown."""
    shape = input_handle.element_shape
    known = -1 if shape is None else [-1 if size is None else size for size in shape]
    return np.array(known, shape_type.as_numpy_dtype)


@op(
    "TensorListConcatLists",
    "input_a: variant, input_b: variant -> output: variant",
    tier="host",
    differentiable=False,
)
def tensor_list_concat_lists(input_a, input_b, *, element_dtype: DType):
    """Puts one list behind another."""
    check_dtype(input_a, element_dtype)
    check_dtype(input_b, element_dtype)
    if input_a.element_shape != input_b.element_shape:
        raise InvalidArgumentError(
            None,
            None,
            "input_a and input_b TensorList element shapes are not identical: "
            f"{shape_text(input_a.element_shape)} vs. {shape_text(input_b.element_shape)}",
        )
    return input_a.like(input_a.items() + input_b.items())


@op(
    "TensorListPushBackBatch",
    "input_handles: variant, tensor: element_dtype -> output_handles: variant",
    tier="host",
    differentiable=False,
)
def tensor_list_push_back_batch(input_handles, tensor):
    """Appends a slice of a tensor to each of several lists."""
    if not isinstance(input_handles, np.ndarray) or input_handles.ndim != 1:
        raise InvalidArgumentError(
            None,
            None,
            f"Expected input_handles to be a vector of lists, but its shape is {list(np.shape(input_handles))}",
        )
    if tensor.ndim == 0 or tensor.shape[0] != len(input_handles):
        raise InvalidArgumentError(
            None,
            None,
            f"Expected tensor to have a slice for each of {len(input_handles)} lists, but its shape is "
            f"{list(tensor.shape)}",
        )
    pushed = np.empty(len(input_handles), object)
    for position, (handle, value) in enumerate(zip(input_handles, rows(tensor), strict=True)):
        pushed[position] = pushed_back(handle, value)
    return pushed


for _operation in (
    tensor_list_scatter,
    tensor_list_scatter_v2,
    tensor_list_scatter_into_existing_list,
    tensor_list_split,
    tensor_list_resize,
    tensor_list_concat_lists,
):

    @_operation.shape
    def _scalar_shape(*inputs):
        return ()


@tensor_list_element_shape.shape
def _element_shape_shape(input_handle):
    return None


@tensor_list_push_back_batch.shape
def _push_back_batch_shape(input_handles, tensor):
    if input_handles is not None and len(input_handles) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(input_handles)}")
    return input_handles


# In compiled programs.


@in_program(tensor_list_gather)
def _gather_xla(input_handle, indices, element_shape, *, element_dtype):
    check_dtype(input_handle, element_dtype)
    return traced_list.gather(input_handle, indices, shape_from_value(element_shape))


@in_program(tensor_list_scatter_into_existing_list)
def _scatter_into_xla(input_handle, tensor, indices):
    return traced_list.scatter(input_handle, indices, tensor)


# Samples.


def _of(s: Any, *shape: int, dtype: Any = "float32") -> Any:
    return s.produced("TensorListFromTensor", s.array(shape, dtype), list(shape[1:]))


def _uneven(s: Any, *lengths: int) -> Any:
    return s.produced("TensorListSplit", s.normal(sum(lengths), 2), [-1, 2], np.int64(lengths))


def _unset(s: Any, shape: Any, count: int) -> Any:
    return s.produced("TensorListReserve", shape, count, element_dtype="float32")


@tensor_list_gather.samples
def _gather_samples(s):
    yield s(_of(s, 4, 2), [3, 0, 3], [2], element_dtype="float32", gradient=False)
    yield s(_of(s, 3, 2, dtype="string"), [1], -1, element_dtype="string", gradient=False)
    yield s(_of(s, 3, 2), np.zeros(0, np.int32), [2], element_dtype="float32", gradient=False)
    yield s(_unset(s, [2], 2), [1, 1], [2], element_dtype="float32", gradient=False)
    yield s(_of(s, 3, 2), [3], [2], element_dtype="float32", error="InvalidArgumentError")
    yield s(_of(s, 3, 2), [-1], [2], element_dtype="float32", error="InvalidArgumentError")
    yield s(_of(s, 3, 2), [1], [2], element_dtype="int32", error="InvalidArgumentError")
    yield s(_unset(s, -1, 2), [1], -1, element_dtype="float32", error="InvalidArgumentError")


@tensor_list_scatter.samples
def _scatter_samples(s):
    yield s(s.normal(3, 2), [4, 0, 2], [2], gradient=False)
    yield s(s.array((2, 2), "string"), [1, 0], np.int64([-1]), gradient=False)
    yield s(s.normal(2, 2), [1, 0], [3], error="InvalidArgumentError")
    yield s(s.normal(2, 2), [1, -2], [2], error="InvalidArgumentError")
    yield s(s.normal(2, 2), [1, 2, 3], [2], error="InvalidArgumentError")


@tensor_list_scatter_v2.samples
def _scatter_v2_samples(s):
    yield s(s.normal(3, 2), [4, 0, 2], [2], 6, gradient=False)
    yield s(s.normal(3, 2), [4, 0, 2], [2], -1, gradient=False)
    yield s(s.normal(2, 2), [1, 2], [2], 2, error="InvalidArgumentError")
    yield s(s.normal(2, 2), [1, 2], [2], -2, error="InvalidArgumentError")


@tensor_list_scatter_into_existing_list.samples
def _scatter_into_samples(s):
    yield s(_of(s, 3, 2), s.normal(2, 2), [2, 0], gradient=False)
    yield s(_of(s, 3, 2), s.normal(2, 2), [4, 0], gradient=False)
    yield s(_of(s, 3, 2), s.normal(2, 3), [1, 0], error="InvalidArgumentError")
    yield s(_of(s, 3, 2), s.normal(2, 2), [1, -1], error="InvalidArgumentError")
    yield s(_of(s, 3, 2), s.normal(2, 2, dtype="float64"), [1, 0], error="InvalidArgumentError")


@tensor_list_concat.samples
def _concat_samples(s):
    yield s(_uneven(s, 2, 0, 3), element_dtype="float32", gradient=False)
    yield s(_of(s, 3, 2, 2), element_dtype="float32", element_shape=(None, 2), gradient=False)
    yield s(_unset(s, [2, 3], 2), element_dtype="float32", gradient=False)
    yield s(_of(s, 3), element_dtype="float32", error="InvalidArgumentError")
    yield s(_unset(s, -1, 2), element_dtype="float32", error="InvalidArgumentError")


@tensor_list_concat_v2.samples
def _concat_v2_samples(s):
    none = np.zeros(0, np.int64)
    yield s(_uneven(s, 2, 0, 3), [-1, 2], none, element_dtype="float32", gradient=False)
    yield s(_unset(s, [-1, 2], 2), [-1, 2], np.int64([3, 1]), element_dtype="float32", gradient=False)
    yield s(_unset(s, [-1, 2], 0), [-1, 2], none, element_dtype="float32", gradient=False)
    yield s(_unset(s, [-1, 2], 2), [-1, 2], np.int64([3]), element_dtype="float32", error="InvalidArgumentError")
    yield s(_uneven(s, 2, 1), [-1, 3], none, element_dtype="float32", error="InvalidArgumentError")
    yield s(_uneven(s, 2, 1), [-1, 2], none, element_dtype="int32", error="InvalidArgumentError")


@tensor_list_split.samples
def _split_samples(s):
    yield s(s.normal(5, 2), [-1, 2], np.int64([2, 0, 3]), gradient=False)
    yield s(s.array((2,), "string"), np.int32(-1), np.int64([1, 1]), gradient=False)
    yield s(s.normal(5, 2), [-1, 2], np.int64([2, 0]), error="InvalidArgumentError")
    yield s(s.normal(5, 2), [-1, 2], np.int64([6, -1]), error="InvalidArgumentError")
    yield s(s.normal(5, 2), [-1, 3], np.int64([2, 3]), error="InvalidArgumentError")


@tensor_list_resize.samples
def _resize_samples(s):
    for size in (0, 2, 3, 5):
        yield s(_of(s, 3, 2), size, gradient=False)
    yield s(_of(s, 3, 2), -1, error="InvalidArgumentError")


@tensor_list_element_shape.samples
def _element_shape_samples(s):
    yield s(_of(s, 3, 2), shape_type="int32")
    yield s(_unset(s, [-1, 4], 2), shape_type="int64")
    yield s(_unset(s, -1, 2), shape_type="int32")


@tensor_list_concat_lists.samples
def _concat_lists_samples(s):
    yield s(_of(s, 3, 2), _of(s, 1, 2), element_dtype="float32")
    yield s(_of(s, 3, 2), _unset(s, [2], 2), element_dtype="float32")
    yield s(_of(s, 3, 2), _of(s, 1, 3), element_dtype="float32", error="InvalidArgumentError")
    yield s(_of(s, 3, 2), _of(s, 1, 2), element_dtype="float64", error="InvalidArgumentError")


@tensor_list_push_back_batch.samples
def _push_back_batch_samples(s):
    yield s(_of(s, 3, 2), s.normal(2, 2), error="InvalidArgumentError")
