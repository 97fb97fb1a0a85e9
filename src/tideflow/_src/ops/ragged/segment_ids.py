"""Turns row splits into segment ids and back, and divides tensors into partitions of different lengths."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.joining import stack as stack_tensors
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.assertions import assert_equal, assert_less, assert_non_negative
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.counting import bincount
from tideflow._src.ops.math.cumulative import cumsum
from tideflow._src.ops.math.sorting import argsort
from tideflow._src.ops.ragged.elements_by_index import gather
from tideflow._src.ops.ragged.functional import integers
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.row_encodings import row_ids_of_splits
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def row_splits_to_segment_ids(splits: Any, name: str | None = None, out_type: Any = None) -> Any:
    """Returns the row of each value.

    >>> import tideflow as tf
    >>> tf.ragged.row_splits_to_segment_ids([0, 3, 3, 5]).numpy().tolist()
    [0, 0, 0, 2, 2]

    Args:
      splits: an int32 or int64 vector that begins with 0 and never decreases.
      name: the name scope.
      out_type: the type of the result; by default that of the splits.

    Returns:
      A vector of ``splits[-1]`` integers that never decrease.

    Raises:
      ValueError: the splits are no such integers, or there are none.
    """
    with name_scope(name, "RaggedSplitsToSegmentIds"):
        splits = convert_to_tensor(splits, dtype_hint=dtypes.int64, name="splits")
        if splits.dtype not in (dtypes.int32, dtypes.int64):
            raise ValueError("splits must have dtype int32 or int64")
        splits.shape.assert_has_rank(1)
        if splits.shape._dims[0] == 0:
            raise ValueError("Invalid row_splits: []")
        ids = row_ids_of_splits(splits)
        out_type = splits.dtype if out_type is None else dtypes.as_dtype(out_type)
        return ids if ids.dtype is out_type else raw.Cast(ids, DstT=out_type)


def segment_ids_to_row_splits(
    segment_ids: Any, num_segments: Any = None, out_type: Any = None, name: str | None = None
) -> Any:
    """Returns where the rows begin and end to which values belong.

    >>> import tideflow as tf
    >>> tf.ragged.segment_ids_to_row_splits([0, 0, 0, 2, 2, 3]).numpy().tolist()
    [0, 3, 3, 5, 6]

    Args:
      segment_ids: a vector of integers that never decrease.
      num_segments: the number of rows; by default one more than the last id.
      out_type: the type of the result; by default that of the arguments that are tensors, or int64.
      name: the name scope.

    Returns:
      A vector of ``num_segments + 1`` integers.
    """
    if out_type is not None:
        out_type = dtypes.as_dtype(out_type)
    else:
        given = next((item for item in (segment_ids, num_segments) if isinstance(item, Tensor)), None)
        out_type = dtypes.int64 if given is None else given.dtype
    with name_scope(name, "SegmentIdsToRaggedSplits"):
        segment_ids = integers(segment_ids, "segment_ids", dtypes.int32)
        segment_ids.shape.assert_has_rank(1)
        if num_segments is not None:
            num_segments = integers(num_segments, "num_segments", dtypes.int32)
            num_segments.shape.assert_has_rank(0)
        lengths = bincount(segment_ids, minlength=num_segments, maxlength=num_segments, dtype=out_type)
        splits = concat([raw.Fill([1], convert_to_tensor(0, out_type)), cumsum(lengths)], axis=0)
        known = None if num_segments is None else static_value(num_segments)
        if known is not None:
            splits.set_shape([int(known) + 1])
        return splits


def stack_dynamic_partitions(data: Any, partitions: Any, num_partitions: Any, name: str | None = None) -> Any:
    """Returns a ragged tensor whose row ``i`` holds what is marked ``i``.

    >>> import tideflow as tf
    >>> print(tf.ragged.stack_dynamic_partitions(["a", "b", "c", "d"], [3, 0, 2, 3], 4))
    <tf.RaggedTensor [[b'b'], [], [b'c'], [b'a', b'd']]>

    Args:
      data: a tensor or ragged tensor.
      partitions: integers of known rank, whose shape is that of the first dimensions of ``data``.
      num_partitions: a scalar integer: how many rows there are.
      name: the name scope.

    Returns:
      A ragged tensor of the shape ``[num_partitions, (marked), ...]``.

    Raises:
      ValueError: the rank of ``partitions`` is not known.
      InvalidArgumentError: a mark is negative or too large, or the shapes do not fit.
    """
    with name_scope(name, "SegmentStack"):
        data = convert_to_tensor_or_ragged_tensor(data, name="data")
        kind = data.row_splits.dtype if isinstance(data, RaggedTensor) else None
        partitions = convert_to_tensor_or_ragged_tensor(partitions, name="partitions", preferred_dtype=kind)
        number = convert_to_tensor(num_partitions, dtype_hint=partitions.dtype, name="num_partitions")
        if kind is not None and partitions.dtype is not kind:
            if isinstance(partitions, RaggedTensor):
                partitions = partitions.with_flat_values(raw.Cast(partitions.flat_values, DstT=kind))
            else:
                partitions = raw.Cast(partitions, DstT=kind)
        return _stacked(data, partitions, raw.Cast(number, DstT=partitions.dtype))


def _stacked(data: Any, partitions: Any, number: Any) -> Any:
    rank = partitions.shape.rank
    if rank is None:
        raise ValueError("partitions must have known rank.")
    number.shape.assert_has_rank(0)
    partitions.shape.assert_is_compatible_with(data.shape[:rank])
    if rank == 0:
        return RaggedTensor.from_value_rowids(
            stack_tensors([data]), stack_tensors([partitions]), nrows=number, validate=False
        )
    if rank == 1 and not isinstance(partitions, RaggedTensor):
        order = argsort(partitions, stable=True)
        ids = raw.GatherV2(partitions, order, 0)
        values = gather(data, order)
        checks = [
            assert_less(ids[-1:], number, message="partitions must be less than num_partitions"),
            assert_non_negative(partitions, message="partitions must be non-negative."),
        ]
        with control_dependencies([check for check in checks if check is not None]):
            return RaggedTensor.from_value_rowids(values, raw.Identity(ids), nrows=number, validate=False)
    kind = partitions.dtype if partitions.dtype in (dtypes.int32, dtypes.int64) else dtypes.int64
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(data, row_splits_dtype=kind, ragged_rank=1)
    if not isinstance(partitions, RaggedTensor):
        partitions = RaggedTensor.from_tensor(
            partitions, row_splits_dtype=kind, ragged_rank=max(data.ragged_rank, rank - 1)
        )
    check = assert_equal(
        data.row_splits, partitions.row_splits, message="data and partitions have incompatible ragged shapes"
    )
    with control_dependencies([] if check is None else [check]):
        return _stacked(data.values, partitions.values, number)


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    """Divides the rows of a ragged tensor among a number of ragged tensors."""
    if not isinstance(num_partitions, int) or num_partitions < 0:
        raise TypeError("num_partitions must be a non-negative integer")
    result = stack_dynamic_partitions(data, partitions, num_partitions, name)
    return [result[index] for index in range(num_partitions)]
