"""Reads and writes parts of a variable without reading the whole: gathers, and assignment to slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.graph.shape_inference import variable_shape
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.slicing import entries, entry, strided_slice_assigned
from tideflow._src.ops.array.strided_index import Masks
from tideflow._src.ops.state.scatter import check_indices
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op


@op(
    "StridedSliceAssign",
    "ref: Ref(T), begin: static Index, end: static Index, strides: static Index, value: T -> output_ref: Ref(T)",
    Index=INDEX,
    updates=("ref",),
    differentiable=False,
)
def strided_slice_assign_op(
    xp,
    ref,
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
    """Assigns to a strided slice of a reference variable."""
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    return strided_slice_assigned(xp, ref, begin, end, strides, value, masks)


@op(
    "ResourceStridedSliceAssign",
    "ref: resource, begin: static Index, end: static Index, strides: static Index, value: T ->",
    Index=INDEX,
    updates=("ref",),
    stateful=True,
    differentiable=False,
)
def resource_strided_slice_assign_op(
    xp,
    ref,
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
    """Assigns to a strided slice of a variable."""
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    return strided_slice_assigned(xp, ref, begin, end, strides, value, masks)


@strided_slice_assign_op.shape
def _strided_slice_assign_shape(ref, begin, end, strides, value):
    return ref


@resource_strided_slice_assign_op.shape
def _resource_strided_slice_assign_shape(ref, begin, end, strides, value):
    return []


def _slice_samples(s: Any, hold: Any) -> Any:
    def vector(*items: int) -> Any:
        return np.array(items, np.int32)

    for dtype in s.dtypes("T"):
        yield s(hold(s.array((4, 3), dtype)), vector(1), vector(3), vector(1), s.array((2, 3), dtype))
    yield s(hold(s.normal(4, 3)), vector(1), vector(2), vector(1), s.normal(3), shrink_axis_mask=1)
    yield s(
        hold(s.normal(4, 3)),
        vector(0, 1),
        vector(0, 2),
        vector(1, 1),
        s.normal(4, 1),
        begin_mask=1,
        end_mask=1,
    )
    yield s(hold(s.normal(4, 3)), vector(3), vector(0), vector(-2), s.normal(2, 3))
    yield s(
        hold(s.normal(4, 3)),
        vector(0, 2),
        vector(0, 3),
        vector(1, 1),
        s.normal(4),
        ellipsis_mask=1,
        shrink_axis_mask=2,
    )
    yield s(hold(s.normal(4, 3)), vector(0, 1), vector(0, 2), vector(1, 1), s.normal(1, 1, 3), new_axis_mask=1)
    yield s(hold(s.normal(4, 3)), vector(1), vector(3), vector(1), s.normal(4), error="InvalidArgumentError")


@strided_slice_assign_op.samples
def _strided_slice_assign_samples(s):
    yield from _slice_samples(s, s.reference)


@resource_strided_slice_assign_op.samples
def _resource_strided_slice_assign_samples(s):
    yield from _slice_samples(s, s.variable)


@op(
    "ResourceGather",
    "resource: resource, indices: Tindices -> output: dtype",
    Tindices=INDEX,
    reads=("resource",),
    stateful=True,
)
def resource_gather_op(xp, resource, indices, *, dtype: DType, batch_dims: int = 0, validate_indices: bool = True):
    """Gathers rows of a variable by their indices."""
    shape = np.shape(resource)
    if len(shape) <= batch_dims:
        raise InvalidArgumentError(
            None, None, f"params must have more than {batch_dims} dimensions, but its shape is {list(shape)}"
        )
    check_indices(xp, indices, shape[batch_dims])
    if not batch_dims:
        return xp.take(resource, indices, axis=0) if xp is np else xp.take(resource, indices, axis=0, mode="clip")
    if np.shape(indices)[:batch_dims] != shape[:batch_dims]:
        raise InvalidArgumentError(
            None,
            None,
            f"The first {batch_dims} dimensions of params {list(shape)} and indices "
            f"{list(np.shape(indices))} must "
            "be equal",
        )
    extra = np.ndim(indices) - batch_dims
    where = [
        np.arange(size).reshape((-1,) + (1,) * (batch_dims - axis - 1 + extra))
        for axis, size in enumerate(shape[:batch_dims])
    ]
    return resource[(*where, indices)]


@resource_gather_op.shape
def _resource_gather_shape(resource, indices, *, batch_dims):
    if resource is None or indices is None:
        return None
    if len(resource) <= batch_dims:
        raise ValueError(f"Shape must be at least rank {batch_dims + 1} but is rank {len(resource)}")
    return (*resource[:batch_dims], *indices[batch_dims:], *resource[batch_dims + 1 :])


def _shape_of(handle: Any, dtype: DType) -> Any:
    """Returns the shape of a variable as a tensor: a constant where it is known."""
    shape = variable_shape(handle)
    if shape is None or None in shape:
        return raw.VariableShape(handle, out_type=dtype)
    return convert_to_tensor(np.array(shape, dtype.as_numpy_dtype))


@resource_gather_op.gradient
def _resource_gather_gradient(call, dy):
    handle, indices = call.inputs
    batch_dims = call.attr("batch_dims")
    shape = _shape_of(handle, dtypes.int32)
    if batch_dims:
        return _batched_gradient(shape, indices, dy, batch_dims), None
    minus_one = np.array([-1], np.int32)
    rest = entries(shape, 1, None)
    values = raw.Reshape(dy, raw.ConcatV2([minus_one, rest], np.int32(0)))
    return IndexedSlices(values, raw.Reshape(indices, minus_one), shape), None


def _batched_gradient(shape: Any, indices: Any, dy: Any, batch_dims: int) -> Any:
    """Adds each gathered row's gradient to the row it came from, as one gather from rows numbered through."""
    zero = np.int32(0)
    minus_one = np.array([-1], np.int32)
    outer = entries(shape, None, batch_dims)
    rows = entry(shape, batch_dims)
    rest = entries(shape, batch_dims + 1, None)
    batches = raw.Prod(outer, zero)
    flat = raw.Reshape(indices, raw.Pack([batches, np.int32(-1)]))
    first = raw.Mul(raw.Range(zero, batches, np.int32(1)), rows)
    first = raw.Reshape(raw.Cast(first, DstT=indices.dtype), np.array([-1, 1], np.int32))
    flat = raw.Reshape(raw.AddV2(flat, first), minus_one)
    values = raw.Reshape(dy, raw.ConcatV2([minus_one, rest], zero))
    total = raw.UnsortedSegmentSum(values, flat, raw.Mul(batches, rows))
    return raw.Reshape(total, shape)


@resource_gather_op.samples
def _resource_gather_samples(s):
    for dtype in ("float32", "float64", "int32", "string"):
        yield s(s.variable(s.array((4, 2), dtype)), np.array([2, 0, 2], np.int32), dtype=dtype)
    yield s(s.variable(s.normal(4, 2)), np.array([[1, 0], [3, 3]], np.int64), dtype="float32")
    yield s(s.variable(s.normal(2, 3, 2)), np.array([[1, 0], [2, 2]], np.int32), dtype="float32", batch_dims=1)
    yield s(s.variable(s.normal(4)), np.int32(2), dtype="float32")
    yield s(s.variable(s.normal(4)), np.array([4], np.int32), dtype="float32", error="InvalidArgumentError")


@op(
    "ResourceGatherNd",
    "resource: resource, indices: Tindices -> output: dtype",
    Tindices=INDEX,
    reads=("resource",),
    stateful=True,
)
def resource_gather_nd_op(xp, resource, indices, *, dtype: DType):
    """Gathers slices of a variable by vectors of indices."""
    shape = np.shape(resource)
    depth = np.shape(indices)[-1]
    if depth > len(shape):
        raise InvalidArgumentError(
            None,
            None,
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(shape)}",
        )
    limits = np.array(shape[:depth], indices.dtype)
    good = xp.all((indices >= 0) & (indices < limits), axis=-1)
    if xp is not np:
        require(xp.all(good), f"indices do not index into param shape {list(shape)}")
    elif not np.all(good):
        position = tuple(np.argwhere(~np.asarray(good))[0])
        raise InvalidArgumentError(
            None,
            None,
            f"indices = {np.asarray(indices)[position].tolist()} does not index into param shape {list(shape)}",
        )
    if not depth:
        return xp.broadcast_to(resource, (*np.shape(indices)[:-1], *shape))
    return resource[tuple(indices[..., axis] for axis in range(depth))]


@resource_gather_nd_op.shape
def _resource_gather_nd_shape(resource, indices):
    if resource is None or not indices or indices[-1] is None:
        return None
    if indices[-1] > len(resource):
        raise ValueError(
            f"indices.shape[-1] must be <= params.rank, but saw indices shape {list(indices)} and params "
            "shape "
            f"{list(resource)}"
        )
    return (*indices[:-1], *resource[indices[-1] :])


@resource_gather_nd_op.gradient
def _resource_gather_nd_gradient(call, dy):
    handle, indices = call.inputs
    shape = _shape_of(handle, indices.dtype)
    rank = indices.shape.rank
    if rank == 2 and indices.shape[-1] == 1:
        flat = raw.Squeeze(indices, squeeze_dims=[-1])
        return IndexedSlices(dy, flat, shape), None
    return raw.ScatterNd(indices, dy, shape), None


@resource_gather_nd_op.samples
def _resource_gather_nd_samples(s):
    for dtype in ("float32", "float64", "int32", "string"):
        yield s(s.variable(s.array((4, 2), dtype)), np.array([[2, 0], [0, 1]], np.int32), dtype=dtype)
    yield s(s.variable(s.normal(4, 2)), np.array([[1], [3]], np.int64), dtype="float32")
    yield s(s.variable(s.normal(4)), np.array([[4]], np.int32), dtype="float32", error="InvalidArgumentError")
