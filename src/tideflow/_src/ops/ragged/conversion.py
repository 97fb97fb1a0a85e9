"""Turns ragged tensors into dense tensors, sparse tensors and variants, and makes them of these.

The class of ragged tensors stands on this module, whose functions get it as their first argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.joining import concat, stack
from tideflow._src.ops.array.masking import boolean_mask, sequence_mask
from tideflow._src.ops.array.raw import all_axes, raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.array.sequences import range as range_of
from tideflow._src.ops.array.shape import rank as rank_of
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.cumulative import cumprod, cumsum
from tideflow._src.ops.math.reduction_functions import reduce_all, reduce_max, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, convert_to_tensor_or_sparse_tensor, is_sparse


def from_tensor(
    ragged: Any, tensor: Any, lengths: Any, padding: Any, ragged_rank: Any, name: str | None, row_splits_dtype: Any
) -> Any:
    """Returns the ragged tensor of a dense one; see ``RaggedTensor.from_tensor``."""
    row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
    if lengths is not None and padding is not None:
        raise ValueError("Specify argument `lengths` or `padding`, but not both.")
    if not isinstance(ragged_rank, int):
        raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
    if ragged_rank <= 0:
        raise ValueError(f"Argument `ragged_rank` must be greater than 0. Received {ragged_rank}.")
    with name_scope(name, "RaggedFromTensor"):
        tensor = convert_to_tensor(tensor, name="tensor")
        rank = tensor.shape.rank
        if rank is not None and rank < 2:
            raise ValueError(
                "The rank of a RaggedTensor must be greater than 1, i.e., a list of scalars won't have ragged "
                f"dimensions. Received argument `tensor` with rank {rank}."
            )
        tensor.shape.with_rank_at_least(ragged_rank + 1)
        if _is_nested_lengths(lengths):
            if ragged_rank not in (1, len(lengths)):
                raise ValueError(
                    "If Argument `lengths` is a tuple of row_lengths, argument `ragged_rank` must be len(lengths): "
                    f"{len(lengths)}. Received ragged_rank: {ragged_rank}."
                )
            return _from_nested_lengths(ragged, tensor, lengths)
        if ragged_rank > 1:
            return _from_inner_tensor(ragged, tensor, lengths, padding, ragged_rank, row_splits_dtype)
        sizes = shape_of(tensor, out_type=row_splits_dtype)
        if padding is not None:
            lengths = _lengths_without_padding(tensor, padding, sizes[1], row_splits_dtype)
        if lengths is not None:
            return _from_lengths(ragged, tensor, lengths, sizes[1], row_splits_dtype)
        rows, columns = (_size(tensor, sizes, axis, row_splits_dtype) for axis in (0, 1))
        values = reshape(tensor, concat([reshape(sizes[0] * sizes[1], [1]), sizes[2:]], axis=0))
        return ragged.from_uniform_row_length(values, columns, nrows=rows, validate=False)


def _is_nested_lengths(lengths: Any) -> bool:
    return isinstance(lengths, list | tuple) and bool(lengths) and not isinstance(lengths[0], int | float)


def _size(tensor: Any, sizes: Any, axis: int, dtype: DType) -> Any:
    known = tensor.shape._dims[axis] if tensor.shape._dims else None
    return sizes[axis] if known is None else convert_to_tensor(known, dtype)


def _from_nested_lengths(ragged: Any, tensor: Any, lengths: Any) -> Any:
    tensor.shape.with_rank_at_least(len(lengths) + 1)
    ones = raw.Fill(reshape(reduce_sum(lengths[-1]), [1]), True)
    mask = ragged.from_nested_row_lengths(ones, lengths, validate=False).to_tensor(default_value=False)
    return ragged.from_nested_row_lengths(boolean_mask(tensor, mask), lengths, validate=False)


def _from_inner_tensor(
    ragged: Any, tensor: Any, lengths: Any, padding: Any, ragged_rank: int, row_splits_dtype: DType
) -> Any:
    """Makes the innermost ragged dimension of the tensor with all dimensions before it in one; others are uniform."""
    sizes = shape_of(tensor, out_type=row_splits_dtype)
    dims = tensor.shape._dims
    if dims is not None and None not in dims:
        rows = np.cumprod(dims)
        flat_shape: Any = [int(rows[ragged_rank - 1]), *dims[ragged_rank:]]
    else:
        rows = cumprod(sizes)
        flat_shape = concat([reshape(rows[ragged_rank - 1], [1]), sizes[ragged_rank:]], axis=0)
    result = ragged.from_tensor(reshape(tensor, flat_shape), lengths, padding, row_splits_dtype=row_splits_dtype)
    for axis in range(ragged_rank - 1, 0, -1):
        length = _size(tensor, sizes, axis, row_splits_dtype)
        count = rows[axis - 1]
        count = count if isinstance(count, Tensor) else convert_to_tensor(int(count), row_splits_dtype)
        result = ragged.from_uniform_row_length(result, length, nrows=count, validate=False)
    return result


def _lengths_without_padding(tensor: Any, padding: Any, columns: Any, dtype: DType) -> Any:
    """Returns the length of each row up to the last element that is not padding."""
    padding = convert_to_tensor(padding, tensor.dtype, name="padding")
    padding.shape.assert_is_compatible_with(tensor.shape[2:])
    is_padding = raw.Equal(padding, tensor)
    rank = tensor.shape.rank
    if rank is None:
        inner = range_of(2, rank_of(tensor))
        is_padding = raw.All(is_padding, inner, keep_dims=False)
    elif rank > 2:
        is_padding = reduce_all(is_padding, axis=list(range(2, rank)))
    is_padding.set_shape([None, None])
    if rank is not None:
        is_padding.set_shape(tensor.shape[:2])
    kept = raw.Cast(raw.LogicalNot(is_padding), DstT=dtype)
    one = convert_to_tensor(1, dtype)
    lengths = reduce_max(kept * raw.ExpandDims(range_of(one, columns + one), 0), axis=1)
    return raw.Maximum(lengths, convert_to_tensor(0, dtype))


def _from_lengths(ragged: Any, tensor: Any, lengths: Any, columns: Any, dtype: DType) -> Any:
    given, lengths = lengths, convert_to_tensor(lengths, dtype_hint=dtype, name="lengths")
    if not lengths.dtype.is_integer:
        raise TypeError(
            f"Argument `tensor` (name: lengths) must be of type integer. Received `tensor` = {given} of dtype: "
            f"{lengths.dtype}"
        )
    lengths = raw.Cast(lengths, DstT=dtype)
    lengths.shape.assert_has_rank(1)
    lengths = raw.Maximum(raw.Minimum(lengths, columns), convert_to_tensor(0, dtype))
    zero = convert_to_tensor(np.zeros(1, dtype.as_numpy_dtype))
    splits = concat([zero, cumsum(lengths)], axis=0)
    values = boolean_mask(tensor, sequence_mask(lengths, maxlen=columns))
    return ragged.from_row_splits(values, splits, validate=False)


def to_tensor(rt: Any, default_value: Any, name: str | None, shape: Any) -> Any:
    """Returns the dense tensor of a ragged one; see ``RaggedTensor.to_tensor``."""
    with name_scope(name, "RaggedToTensor"):
        if default_value is None:
            default_value = convert_to_tensor(_zero(rt.dtype))
        else:
            default_value = convert_to_tensor(default_value, rt.dtype, name="default_value")
        kinds, partitions = _partition_tensors(rt)
        if isinstance(shape, list | tuple) and any(isinstance(size, Tensor) for size in shape):
            if all(isinstance(size, int | Tensor) for size in shape):
                shape = stack(shape)
        tensor = raw.RaggedTensorToTensor(
            _shape_as_tensor(shape, partitions[0].dtype),
            rt.flat_values,
            default_value,
            partitions,
            row_partition_types=kinds,
        )
        known = rt.shape
        if known.rank is not None and not isinstance(shape, Tensor):
            asked = TensorShape(shape)
            if asked.rank is not None:
                known = [
                    size if size is not None else natural
                    for size, natural in zip(asked.as_list(), known.as_list(), strict=False)
                ]
            tensor.set_shape(known)
        return tensor


def _zero(dtype: DType) -> Any:
    return b"" if dtype is dtypes.string else np.zeros((), dtype.as_numpy_dtype)


def _partition_tensors(rt: Any) -> tuple[list[str], list[Any]]:
    """Returns the partitions of a ragged tensor as the operation takes them: their kinds and their tensors."""
    kinds, tensors = [], []
    for level, partition in enumerate(rt._nested_row_partitions):
        if partition._has_precomputed_value_rowids():
            if level == 0:
                kinds.append("FIRST_DIM_SIZE")
                tensors.append(partition.nrows())
            kinds.append("VALUE_ROWIDS")
            tensors.append(partition.value_rowids())
        else:
            kinds.append("ROW_SPLITS")
            tensors.append(partition.row_splits())
    return kinds, tensors


def _shape_as_tensor(shape: Any, dtype: DType) -> Any:
    if isinstance(shape, Tensor):
        return shape if shape.dtype in (dtypes.int32, dtypes.int64) else raw.Cast(shape, DstT=dtype)
    shape = TensorShape(shape)
    if not shape:  # nothing is known: the operation takes a scalar for that
        return convert_to_tensor(-1, dtype)
    return convert_to_tensor([-1 if size is None else size for size in shape.as_list()], dtype)


def from_sparse(ragged: Any, st_input: Any, name: str | None, row_splits_dtype: Any) -> Any:
    """Returns the ragged tensor of a sparse matrix; see ``RaggedTensor.from_sparse``."""
    row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
    if not is_sparse(st_input):
        raise TypeError(f"Argument `st_input` must be of type SparseTensor, but is of type {type(st_input).__name__}.")
    with name_scope(name, "RaggedFromSparse"):
        sparse = convert_to_tensor_or_sparse_tensor(st_input, name="st_input")
        ranks = (sparse.dense_shape.shape._dims, sparse.indices.shape._dims)
        if 2 not in (None if ranks[0] is None else ranks[0][0], None if ranks[1] is None else ranks[1][1]):
            raise ValueError("rank(st_input) must be 2.")
        check = _assert_right_ragged(sparse.indices)
        with control_dependencies(None if check is None else [check]):
            rows = raw.Cast(sparse.indices[:, 0], DstT=row_splits_dtype)
            count = raw.Cast(sparse.dense_shape[0], DstT=row_splits_dtype)
            return ragged.from_value_rowids(sparse.values, rows, count, validate=False)


def _assert_right_ragged(indices: Any) -> Any:
    """Asserts that the places of each row are its first ones, in order."""
    rows, columns = indices[:, :-1], indices[:, -1]
    row_begins = raw.Any(raw.NotEqual(rows[1:], rows[:-1]), 1, keep_dims=False)
    fits = where_v2(row_begins, raw.Equal(columns[1:], 0), raw.Equal(columns[1:], columns[:-1] + 1))
    first = raw.Equal(columns[:1], 0)
    both = raw.LogicalAnd(
        raw.All(first, all_axes(first), keep_dims=False), raw.All(fits, all_axes(fits), keep_dims=False)
    )
    return Assert(both, ["SparseTensor is not right-ragged", "SparseTensor.indices =", indices])


def to_sparse(rt: Any, name: str | None) -> SparseTensor:
    """Returns the sparse tensor of a ragged one; see ``RaggedTensor.to_sparse``."""
    with name_scope(name, "RaggedToSparse"):
        return SparseTensor(*raw.RaggedTensorToSparse(list(rt.nested_row_splits), rt.flat_values))


def from_variant(
    ragged: Any,
    variant: Any,
    dtype: Any,
    output_ragged_rank: int,
    input_ragged_rank: int | None,
    row_splits_dtype: Any,
    name: str | None,
) -> Any:
    """Returns the ragged tensor that a tensor of variants encodes.

    Args:
      ragged: the class.
      variant: a tensor of variants.
      dtype: the type of the elements.
      output_ragged_rank: how many levels the result has; a tensor for 0.
      input_ragged_rank: how many levels each variant has; by default what is left.
      row_splits_dtype: int32 or int64.
      name: the name scope.

    Raises:
      ValueError: the ranks do not fit.
    """
    variant = convert_to_tensor(variant, dtypes.variant, name="variant")
    rank = variant.shape.rank
    if rank is not None and input_ragged_rank is not None and output_ragged_rank != input_ragged_rank + rank:
        raise ValueError(
            f"Argument `output_ragged_rank` ({output_ragged_rank}) must be equal to `input_ragged_rank` + "
            f"`variant.shape.ndims` ({input_ragged_rank} + {rank})."
        )
    with name_scope(name, "RaggedFromVariant"):
        splits, flat_values = raw.RaggedTensorFromVariant(
            variant,
            input_ragged_rank=-1 if input_ragged_rank is None else input_ragged_rank,
            output_ragged_rank=max(output_ragged_rank, 0),
            Tvalues=dtypes.as_dtype(dtype),
            Tsplits=dtypes.as_dtype(row_splits_dtype),
        )
        return ragged.from_nested_row_splits(flat_values, splits, validate=False)


def to_variant(rt: Any, batched_input: bool, name: str | None) -> Any:
    """Returns a variant that encodes a ragged tensor; for ``batched_input`` a vector with one for each row."""
    with name_scope(name, "RaggedToVariant"):
        return raw.RaggedTensorToVariant(list(rt.nested_row_splits), rt.flat_values, batched_input=batched_input)
