"""Broadcasts ragged shapes against each other, and tensors to ragged shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.broadcasting import broadcast_to as dense_broadcast_to
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.ragged.row_walk import Rows, walk
from tideflow._src.runtime.convert import convert_to_tensor

_CANNOT = "Cannot broadcast"


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> DynamicRaggedShape:
    """Returns the shape that two shapes broadcast to.

    Args:
      shape_x, shape_y: shapes of tensors or ragged tensors.

    Raises:
      TypeError: they are none.
      ValueError: a rank is unknown, or the types of their encodings differ.
      InvalidArgumentError: they do not broadcast.
    """
    for name, shape in (("shape_x", shape_x), ("shape_y", shape_y)):
        if not isinstance(shape, DynamicRaggedShape):
            raise TypeError(f"{name} must be a DynamicRaggedShape")
    first, second = _of_one_dtype(shape_x, shape_y)
    if first.rank is None or second.rank is None:
        raise ValueError("Unable to broadcast: unknown rank")
    if first.rank == 0 or second.rank == 0:
        return second if first.rank == 0 else first
    count = _partition_count(first, second)
    a, b = (_aligned(shape, max(first.rank, second.rank), count) for shape in (first, second))
    partitions = walk([_rows(a), _rows(b)]) if count else []
    return DynamicRaggedShape(partitions, _inner_shape(a, b, partitions), dtype=a.dtype)


def broadcast_to(rt_input: Any, shape: Any) -> Any:
    """Returns a tensor or ragged tensor stretched to a ragged shape.

    Args:
      rt_input: a tensor, ragged tensor, or what converts to one.
      shape: a ``DynamicRaggedShape``.

    Returns:
      A ragged tensor; a tensor if the shape has no partitions.

    Raises:
      TypeError: the shape is none.
      ValueError: a rank is unknown or too large, or the row splits are of another type.
      InvalidArgumentError: the input does not broadcast to the shape.
    """
    if not isinstance(shape, DynamicRaggedShape):
        raise TypeError("shape must be a DynamicRaggedShape")
    rt = convert_to_tensor_or_ragged_tensor(rt_input)
    if isinstance(rt, RaggedTensor):
        if shape.num_row_partitions and rt.row_splits.dtype is not shape.dtype:
            raise ValueError("Cannot coerce row_splits.dtype")
        shape = shape.with_dtype(rt.row_splits.dtype)
    elif not shape.num_row_partitions:
        shape = shape.with_dtype(dtypes.int64)
    origin = DynamicRaggedShape.from_tensor(rt, dtype=shape.dtype)
    if origin.rank is None or shape.rank is None:
        raise ValueError("Rank of source and target must be statically known")
    if origin.rank > shape.rank:
        raise ValueError("Cannot broadcast to a shape with smaller rank")
    flat = rt.flat_values if isinstance(rt, RaggedTensor) else rt
    if origin.rank:
        source = _aligned(origin, shape.rank, shape.num_row_partitions)
        flat = reshape(flat, source.inner_shape)
        if shape.num_row_partitions:
            index: Any = None
            pairs = [(_root(source), _root(shape)), *zip(source.row_partitions, shape.row_partitions, strict=True)]
            for partition, target in pairs:
                index = _followed(index, partition, target)
            flat = flat if index is None else gather(flat, index)
    flat = dense_broadcast_to(flat, raw.Cast(shape.inner_shape, DstT=dtypes.int32))
    return shape._add_row_partitions(flat)


def _of_one_dtype(a: DynamicRaggedShape, b: DynamicRaggedShape) -> tuple[DynamicRaggedShape, DynamicRaggedShape]:
    if a.dtype is b.dtype:
        return a, b
    if a.row_partitions and b.row_partitions:
        raise ValueError("Dtypes don't match")
    dtype = a.dtype if a.row_partitions else b.dtype if b.row_partitions else dtypes.int64
    return a.with_dtype(dtype), b.with_dtype(dtype)


def _partition_count(a: DynamicRaggedShape, b: DynamicRaggedShape) -> int:
    """Returns how many dimensions of the common shape are partitions: as far as those of a ragged one reach."""
    assert a.rank is not None and b.rank is not None
    rank = max(a.rank, b.rank)
    return max(
        (shape.num_row_partitions + rank - shape.rank for shape in (a, b) if shape.num_row_partitions), default=0
    )


def _aligned(shape: DynamicRaggedShape, rank: int, count: int) -> DynamicRaggedShape:
    """Returns a shape with dimensions of size 1 before its own, up to a rank, and with ``count`` partitions."""
    assert shape.rank is not None
    missing = rank - shape.rank
    if missing and not shape.num_row_partitions:
        ones = [1] * missing
        static = TensorShape(ones).concatenate(shape._static_inner_shape)
        inner = concat([convert_to_tensor(ones, shape.dtype), shape.inner_shape], axis=0)
        shape = DynamicRaggedShape([], inner, static_inner_shape=static)
    elif missing:
        one = [RowPartition.from_uniform_row_length(1, nrows=1, dtype=shape.dtype)] * (missing - 1)
        shape = DynamicRaggedShape(
            [*one, _root(shape), *shape.row_partitions],
            shape.inner_shape,
            static_inner_shape=shape._static_inner_shape,
        )
    return shape._with_num_row_partitions(count)


def _root(shape: DynamicRaggedShape) -> RowPartition:
    """Returns the first dimension of a shape as a partition of one row."""
    first = shape.row_partitions[0]
    rows = first.static_nrows
    return RowPartition.from_uniform_row_length(
        first.nrows() if rows is None else rows, nrows=1, validate=False, dtype=shape.dtype
    )


def _rows(shape: DynamicRaggedShape) -> Rows:
    first = shape.row_partitions[0]
    known = first.static_nrows
    return Rows(first.nrows() if known is None else known, shape.row_partitions, shape.dtype)


def _stretches(partition: RowPartition) -> Any:
    """Tells whether the rows of a partition are single values that stretch: a boolean; a tensor if it is unknown."""
    if not partition.is_uniform():
        return False
    length = partition.static_uniform_row_length
    return (
        raw.Equal(partition.uniform_row_length(), convert_to_tensor(1, partition.dtype))
        if length is None
        else length == 1
    )


def _values_at(partition: RowPartition, index: Any, result: RowPartition, stretched: Any) -> Any:
    """Returns which values of a partition the values of the common one come from."""
    if stretched is False and index is None:
        return None
    rows = result.value_rowids()
    rows = rows if index is None else gather(index, rows)
    if stretched is True:
        return rows
    starts, offsets = gather(partition.row_splits(), rows), result.offsets_in_rows()
    if stretched is False:
        return starts + offsets
    return starts + where_v2(stretched, convert_to_tensor(0, offsets.dtype), offsets)


def _followed(index: Any, partition: RowPartition, target: RowPartition) -> Any:
    """Returns which values of a partition those of a target, to which it is stretched, come from."""
    stretched = _stretches(partition)
    if partition is target and index is None:
        return None
    if stretched is True and index is None and target.static_uniform_row_length == 1:
        return None
    if stretched is not True:
        lengths, wanted = partition.row_lengths(), target.row_lengths()
        lengths = lengths if index is None else gather(lengths, index)
        if stretched is not False:
            lengths = where_v2(stretched, wanted, lengths)
        target = target._with_dependencies([assert_equal(lengths, wanted, message=_CANNOT)])
    return _values_at(partition, index, target, stretched)


def _inner_shape(a: DynamicRaggedShape, b: DynamicRaggedShape, partitions: Sequence[RowPartition]) -> Any:
    first = 1 if partitions else 0
    tails = [shape._static_inner_shape[first:] for shape in (a, b)]
    if all(tail.is_fully_defined() for tail in tails):
        tail = raw.BroadcastArgs(*(convert_to_tensor(list(tail), a.dtype) for tail in tails))
    else:
        tail = raw.BroadcastArgs(a.inner_shape[first:], b.inner_shape[first:])
    return concat([reshape(partitions[-1].nvals(), [1]), tail], axis=0) if partitions else tail
