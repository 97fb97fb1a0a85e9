"""Broadcasts ragged shapes and tensors.

Shapes are aligned at their last dimensions. Dimensions of size 1 stretch if they are uniform; ragged ones must have the
same rows. For each tensor and each dimension, an index says which of the tensor's slices a slice of the result comes
from; None stands for all in order, so that tensors of equal shapes are neither copied nor looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.broadcasting import broadcast_to as dense_broadcast_to
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.selection import where_v2
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.ragged.dynamic_ragged_shape import DynamicRaggedShape
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.runtime.convert import convert_to_tensor

_CANNOT = "Cannot broadcast"


class Broadcast:
    """Is what two shapes broadcast to.

    Attributes:
      shape: the common shape.
      sources: the two shapes, with as many partitions as ``shape`` where they have dimensions for them.
      indices: for each of the two, which of its slices along the first inner dimension those of ``shape`` come from.
    """

    def __init__(self, first: DynamicRaggedShape, second: DynamicRaggedShape) -> None:
        first, second = _of_one_dtype(first, second)
        if first.rank is None or second.rank is None:
            raise ValueError("Unable to broadcast: unknown rank")
        if first.rank == 0 or second.rank == 0:
            self.shape = second if first.rank == 0 else first
            self.sources = (first, second)
            self.indices: tuple[Any, Any] = (None, None)
            return
        count = _partition_count(first, second)
        rank = max(first.rank, second.rank)
        a, b = (_aligned(shape, rank, count) for shape in (first, second))
        self.sources = (a, b)
        indices: tuple[Any, Any] = (None, None)
        partitions: list[RowPartition] = []
        if count:
            indices, _ = _step((_root(a), _root(b)), indices, convert_to_tensor(1, a.dtype))
            for pair in zip(a.row_partitions, b.row_partitions, strict=True):
                rows = partitions[-1].nvals() if partitions else _rows(pair, indices)
                indices, partition = _step(pair, indices, rows)
                partitions.append(partition)
        self.indices = indices
        self.shape = DynamicRaggedShape(partitions, _inner_shape(a, b, partitions), dtype=a.dtype)

    def flat_values(self, position: int, value: Any) -> Any:
        """Returns the values of one of the two tensors, with the slices of the common shape."""
        flat = value.flat_values if isinstance(value, RaggedTensor) else value
        source, index = self.sources[position], self.indices[position]
        if source.rank == 0 or not self.shape.num_row_partitions:
            return flat
        if flat.shape.rank != source.inner_rank:
            flat = reshape(flat, source.inner_shape)
        return flat if index is None else gather(flat, index)


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
    return Broadcast(shape_x, shape_y).shape


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


def _rows(pair: Sequence[RowPartition], indices: Sequence[Any]) -> Any:
    for partition, index in zip(pair, indices, strict=True):
        if index is None:
            return partition.nrows()
    return raw.Shape(indices[0], out_type=pair[0].dtype)[0]


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


def _chosen(partition: RowPartition, index: Any) -> RowPartition:
    """Returns the partition that consists of the rows of another at the places of an index."""
    if index is None:
        return partition
    if not partition.is_uniform():
        return RowPartition.from_row_lengths(gather(partition.row_lengths(), index), validate=False)
    count = raw.Shape(index, out_type=partition.dtype)[0]
    return RowPartition.from_uniform_row_length(partition.uniform_row_length(), nrows=count, validate=False)


def _step(
    pair: tuple[RowPartition, RowPartition], indices: tuple[Any, Any], rows: Any
) -> tuple[tuple[Any, Any], RowPartition]:
    """Goes one dimension further: from the indices of rows to those of the values in them, and their partition."""
    stretched = [_stretches(partition) for partition in pair]
    known = [not isinstance(one, Tensor) for one in stretched]
    if pair[0] is pair[1] and indices == (None, None):
        return indices, pair[0]
    chosen = [_chosen(partition, index) for partition, index in zip(pair, indices, strict=True)]
    if all(known):
        if stretched == [True, True]:
            stretched = [False, False]
        result = chosen[1] if stretched[0] else chosen[0]
        if not any(stretched):
            if result.is_uniform() and not chosen[1].is_uniform():
                result = chosen[1]
            result = _checked(chosen, result)
    else:
        result = _stretched_at_run_time(chosen, stretched, rows)
    values = tuple(
        _values_at(partition, index, result, one)
        for partition, index, one in zip(pair, indices, stretched, strict=True)
    )
    return values, result  # type: ignore[return-value]


def _checked(chosen: Sequence[RowPartition], result: RowPartition) -> RowPartition:
    """Returns a partition that is checked to be both of the two."""
    first, second = chosen
    lengths = [partition.static_uniform_row_length for partition in chosen]
    if first.row_splits() is second.row_splits() or (None not in lengths and lengths[0] == lengths[1]):
        return result
    if second.is_uniform() and not first.is_uniform():
        first, second = second, first
    return result._with_dependencies([assert_equal(first.row_splits(), second.row_splits())])


def _stretched_at_run_time(chosen: Sequence[RowPartition], stretched: Sequence[Any], rows: Any) -> RowPartition:
    """Returns the common partition of two, where it is known only at run time which of them stretches."""
    first, second = chosen
    if first.is_uniform() and second.is_uniform():
        lengths = [partition.uniform_row_length() for partition in chosen]
        length = where_v2(stretched[0], lengths[1], lengths[0])
        checks = _fits(lengths, stretched, length)
        return RowPartition.from_uniform_row_length(with_dependencies(checks, length), nrows=rows, validate=False)
    lengths = [partition.row_lengths() for partition in chosen]
    length = where_v2(stretched[0], lengths[1], lengths[0])
    return RowPartition.from_row_lengths(with_dependencies(_fits(lengths, stretched, length), length), validate=False)


def _fits(lengths: Sequence[Any], stretched: Sequence[Any], common: Any) -> list[Any]:
    return [
        assert_equal(where_v2(one, common, length), common, message=_CANNOT)
        for length, one in zip(lengths, stretched, strict=True)
    ]


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
