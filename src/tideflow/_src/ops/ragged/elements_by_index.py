"""Gathers elements and rows of ragged tensors, by tensors and ragged tensors of indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.ops.array import gathering
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.math.arithmetic import add
from tideflow._src.ops.ragged.arranging import expand_dims, tile
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged, match_row_splits_dtypes
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """Gathers slices of a tensor or ragged tensor along a dimension."""
    del validate_indices
    with name_scope(name, "RaggedGather"):
        params = convert_to_tensor_or_ragged_tensor(params, name="params")
        indices = convert_to_tensor_or_ragged_tensor(indices, name="indices")
        match_row_splits_dtypes(params, indices)
        rank = indices.shape.rank
        if batch_dims != rank:
            batch_dims = positive_axis(batch_dims, rank, "batch_dims", "rank(indices)")
        if params.shape.rank is not None and batch_dims >= params.shape.rank:
            raise ValueError("batch_dims must be less than rank(params)")
        if axis is None:
            axis = batch_dims
        axis = positive_axis(axis, params.shape.rank, "axis", "rank(params)")
        if axis < batch_dims:
            raise ValueError("axis must be greater than or equal to batch_dims")
        return _gathered(params, indices, axis, batch_dims)


def gather_v1(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = 0,
    batch_dims: int = 0,
) -> Any:
    """Does the same with the parameters in the order of TensorFlow 1.x."""
    return gather(params, indices, validate_indices, axis, batch_dims, name)


def batch_gather(params: Any, indices: Any, name: str | None = None) -> Any:
    """Gathers along the last dimension of the indices, all dimensions before it being common."""
    return gather(params, indices, batch_dims=-1, name=name)


def _gathered(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    if not (is_ragged(params) or is_ragged(indices)):
        return gathering.gather(params, indices, axis=axis, batch_dims=batch_dims)
    if batch_dims > 0:
        return _of_batches(params, indices, axis, batch_dims)
    if axis > 0:
        return _along(params, indices, axis)
    if isinstance(indices, RaggedTensor):
        return indices.with_values(_gathered(params, indices.values, 0, 0))
    rank = indices.shape.rank
    if rank is None:
        raise ValueError("rank(indices) must be known statically")
    out_rank = rank + params.ragged_rank - 1
    found = raw.RaggedGather(list(params.nested_row_splits), params.flat_values, indices, OUTPUT_RAGGED_RANK=out_rank)
    splits = list(found.output_nested_splits)
    if rank and splits and indices.shape[0] is not None:
        splits[0].set_shape([indices.shape[0] + 1])
    return RaggedTensor._from_components(found.output_dense_values, splits)


def _of_batches(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    if not params.shape[:batch_dims].is_compatible_with(indices.shape[:batch_dims]):
        raise ValueError(
            f"batch shape from indices {indices.shape[:batch_dims]} does not match params shape {params.shape}"
        )
    if batch_dims > 1:
        if not isinstance(params, RaggedTensor):
            if indices.uniform_row_length is None:
                raise ValueError(
                    "batch shape from indices does not match params shape: ragged indices dimension corresponds to "
                    "uniform params dimension"
                )
            params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype)
        if not isinstance(indices, RaggedTensor):
            if params.uniform_row_length is None:
                raise ValueError(
                    "batch shape from indices does not match params shape: ragged params dimension corresponds to "
                    "uniform indices dimension"
                )
            indices = RaggedTensor.from_tensor(indices, ragged_rank=1, row_splits_dtype=params.row_splits.dtype)
        return params.with_values(_gathered(params.values, indices.values, axis - 1, batch_dims - 1))
    if axis > 1:
        if not isinstance(indices, RaggedTensor):
            adjusted = params.with_values(repeat(indices, params.row_lengths(), 0))
        else:
            if not isinstance(params, RaggedTensor):
                params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype)
            adjusted = _gathered(indices, params.with_values(params.value_rowids()), 0, 0)
        return _of_batches(params, adjusted, axis, batch_dims + 1)
    if indices.shape.rank is None:
        raise ValueError("rank(indices) must be known statically")
    starts = _with_rank(_row_starts(params, indices.dtype), indices.shape.rank)
    return _gathered(_without_rows(params), add(indices, starts), axis - 1, 0)


def _along(params: Any, indices: Any, axis: int) -> Any:
    if axis > 1:
        if not isinstance(params, RaggedTensor):
            params = RaggedTensor.from_tensor(params, ragged_rank=1, row_splits_dtype=indices.row_splits.dtype)
        return params.with_values(_gathered(params.values, indices, axis - 1, 0))
    if indices.shape.rank is None:
        raise ValueError("rank(indices) must be known statically")
    starts = _with_rank(_row_starts(params, indices.dtype), indices.shape.rank + 1)
    return _gathered(_without_rows(params), add(indices, starts), axis - 1, 0)


def _without_rows(tensor: Any) -> Any:
    """Returns a tensor with its two outermost dimensions as one."""
    if isinstance(tensor, RaggedTensor):
        return tensor.values
    return raw.Reshape(tensor, concat([np.int32([-1]), raw.Shape(tensor)[2:]], axis=0))


def _row_starts(tensor: Any, dtype: Any) -> Any:
    if isinstance(tensor, RaggedTensor):
        return raw.Cast(tensor.row_starts(), DstT=dtype)
    sizes = raw.Shape(tensor, out_type=dtype)
    zero, one = (convert_to_tensor(value, dtype) for value in (0, 1))
    return raw.Mul(raw.Range(zero, sizes[0], one), sizes[1])


def _with_rank(vector: Any, rank: int) -> Any:
    return raw.Reshape(vector, [-1] + [1] * (rank - 1))


def gather_nd(
    params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None, bad_indices_policy: str = ""
) -> Any:
    """Gathers slices of a tensor or ragged tensor at places of several coordinates."""
    if not isinstance(batch_dims, int) or batch_dims != 0:
        raise ValueError("batch_dims != 0 is not supported for ragged gather yet.")
    if bad_indices_policy not in ("", "DEFAULT"):
        raise ValueError("non-default bad_indices_policy not supported for ragged gather")
    with name_scope(name, "RaggedGatherNd"):
        params = convert_to_tensor_or_ragged_tensor(params, name="params")
        indices = convert_to_tensor_or_ragged_tensor(indices, name="indices")
        match_row_splits_dtypes(params, indices)
        return _gathered_nd(params, indices)


def _gathered_nd(params: Any, indices: Any) -> Any:
    if not (is_ragged(params) or is_ragged(indices)):
        return gathering.gather_nd(params, indices)
    shape = indices.shape
    rank = shape.rank
    if rank is None:
        raise ValueError("indices.rank be statically known.")
    if rank == 0:
        raise ValueError("indices.rank must be at least 1.")
    if isinstance(indices, RaggedTensor) and rank == indices.ragged_rank + 1:
        raise ValueError("The innermost dimension of indices may not be ragged")
    size = shape[-1]
    if size is None:
        raise ValueError("indices.shape[-1] must be statically known.")
    if rank > 2:
        dense = not isinstance(indices, RaggedTensor)
        if dense:
            indices = RaggedTensor.from_tensor(indices, ragged_rank=rank - 2, row_splits_dtype=params.row_splits.dtype)
        result = indices.with_flat_values(_gathered_nd(params, indices.flat_values))
        if dense and isinstance(result, RaggedTensor) and result.ragged_rank == rank - 2:
            return result.to_tensor()
        return result
    if size == 0:
        # Each place is the whole tensor.
        ones = raw.Fill([params.shape.rank], 1)
        for _ in range(rank - 1):
            params = expand_dims(params, axis=0)
        return tile(params, concat([raw.Shape(indices)[:-1], ones], axis=0))
    if size == 1:
        return gather(params, raw.Reshape(indices, [-1] if rank > 1 else []))
    kind = params.row_splits.dtype
    indices = raw.Cast(indices, DstT=kind)
    places = raw.AddV2(raw.GatherV2(params.row_splits, indices[..., 0], 0), indices[..., 1])
    values = params.values
    for axis in range(2, size):
        if not isinstance(values, RaggedTensor):
            rest = concat([raw.ExpandDims(places, -1), indices[..., axis:]], axis=-1)
            return gathering.gather_nd(values, rest)
        places = raw.AddV2(raw.GatherV2(values.row_starts(), places, 0), indices[..., axis])
        values = values.values
    return gather(values, places)


def gather_nd_v1(
    params: Any, indices: Any, name: str | None = None, batch_dims: Any = 0, bad_indices_policy: str = ""
) -> Any:
    """Does the same with the parameters in the order of TensorFlow 1.x."""
    return gather_nd(params, indices, batch_dims, name, bad_indices_policy)
