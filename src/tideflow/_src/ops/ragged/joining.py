"""Concatenates and stacks ragged tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.ops.array.joining import concat as concat_tensors
from tideflow._src.ops.array.joining import stack as stack_tensors
from tideflow._src.ops.array.permuting import transpose
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, match_row_splits_dtypes
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.ragged.row_walk import same_rows
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Concatenates ragged tensors and tensors along a dimension."""
    if not isinstance(values, list | tuple):
        values = [values]
    with name_scope(name, "RaggedConcat"):
        return _joined(list(values), axis, stacked=False)


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Stacks ragged tensors and tensors of one rank along a new dimension.

    >>> import tideflow as tf
    >>> print(tf.ragged.stack([tf.ragged.constant([[1, 2], [3]]), tf.ragged.constant([[4]])]))
    <tf.RaggedTensor [[[1, 2], [3]], [[4]]]>

    Args:
      values: the tensors and ragged tensors, a list; unlike those of ``tf.stack`` their shapes may differ.
      axis: the new dimension.
      name: the name scope.

    Returns:
      A ragged tensor with one more dimension, of the length of the list.

    Raises:
      ValueError: the list is empty, the ranks differ, or there is no such dimension.
    """
    if not isinstance(values, list | tuple):
        values = [values]
    with name_scope(name, "RaggedConcat"):
        return _joined(list(values), axis, stacked=True)


def _joined(values: list[Any], axis: Any, stacked: bool) -> Any:
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    values = [convert_to_tensor_or_ragged_tensor(value, name="rt_input") for value in values]
    dtype, matched = match_row_splits_dtypes(*values, return_dtype=True)
    values = list(matched)
    if len(values) == 1 and not stacked:
        return values[0]
    rank: int | None = None
    for value in values:
        if rank is None:
            rank = value.shape.rank
        else:
            value.shape.assert_has_rank(rank)
    out_rank = rank if rank is None or not stacked else rank + 1
    axis = positive_axis(axis, out_rank, "axis", "rank(inputs)")
    if stacked and rank == 1 and axis == 0:
        lengths = concat_tensors([raw.Shape(value, out_type=dtype) for value in values], axis=0)
        return RaggedTensor.from_row_lengths(concat_tensors(values, axis=0), lengths, validate=False)
    if not any(isinstance(value, RaggedTensor) for value in values):
        if rank is not None and out_rank is not None and axis in (out_rank - 1, rank - 1):
            return stack_tensors(values, axis) if stacked else concat_tensors(values, axis)
    values = [_as_ragged(value, 1, dtype) for value in values]
    ragged_rank = max(value.ragged_rank for value in values)
    values = [_as_ragged(value, ragged_rank, dtype) for value in values]
    if axis == 0:
        return _outermost(values, stacked)
    if axis == 1:
        return _rows(values, stacked)
    first = values[0]
    partition = first._row_partition
    checks = [
        assert_equal(partition.row_splits(), value.row_splits, message="Inputs must have identical ragged splits")
        for value in values[1:]
        if not same_rows(partition, value._row_partition)
    ]
    with control_dependencies([check for check in checks if check is not None]):
        return first.with_values(_joined([value.values for value in values], axis - 1, stacked))


def _as_ragged(value: Any, ragged_rank: int, dtype: Any) -> Any:
    """Returns a tensor with at least this many levels of rows, those that it lacks of uniform rows."""
    if ragged_rank <= 0:
        return value
    if not isinstance(value, RaggedTensor):
        return RaggedTensor.from_tensor(value, ragged_rank=ragged_rank, row_splits_dtype=dtype)
    if value.ragged_rank < ragged_rank:
        return value.with_values(_as_ragged(value.values, ragged_rank - 1, dtype))
    return value


def _outermost(values: list[Any], stacked: bool) -> Any:
    """Puts the rows of ragged tensors of one ragged rank behind each other."""
    flat = concat_tensors([value.flat_values for value in values], axis=0)
    levels = [value._nested_row_partitions for value in values]
    partitions = [_concatenated([nested[level] for nested in levels]) for level in range(len(levels[0]))]
    if stacked:
        counts = stack_tensors([value.nrows() for value in values])
        partitions.insert(0, RowPartition.from_row_lengths(counts, validate=False))
    return RaggedTensor._from_nested_row_partitions(flat, partitions, validate=False)


def _concatenated(partitions: list[RowPartition]) -> RowPartition:
    pieces = [partitions[0].row_splits()]
    offset = pieces[0][-1]
    for partition in partitions[1:]:
        splits = partition.row_splits()
        pieces.append(raw.AddV2(splits[1:], offset))
        offset = raw.AddV2(offset, splits[-1])
    return RowPartition.from_row_splits(concat_tensors(pieces, axis=0), validate=False)


def _rows(values: list[Any], stacked: bool) -> Any:
    """Puts the rows of the same number behind each other, or together."""
    count = len(values)
    nrows = values[0].nrows()
    checks = [
        assert_equal(
            nrows,
            value.nrows(),
            message=f"Input tensors at index 0 (=x) and {place} (=y) have incompatible shapes.",
        )
        for place, value in enumerate(values[1:], start=1)
    ]
    with control_dependencies([check for check in checks if check is not None]):
        every = _outermost(values, False)
        number = convert_to_tensor(count, nrows.dtype)
        zero, one = (convert_to_tensor(size, nrows.dtype) for size in (0, 1))
        total = raw.Mul(nrows, number)
        order = raw.Reshape(
            transpose(raw.Reshape(raw.Range(zero, total, one), [count, -1])), [-1]
        )  # row i of each tensor, then row i + 1
        # RaggedGather looks at all splits, hence those of uniform rows, too.
        result = raw.RaggedGather(
            list(every.nested_row_splits), every.flat_values, order, OUTPUT_RAGGED_RANK=every.ragged_rank
        )
        permuted = RaggedTensor._from_components(result.output_dense_values, result.output_nested_splits)
        known = next((size for size in (value.shape[0] for value in values) if size is not None), None)
        if stacked:
            splits = raw.Range(zero, raw.AddV2(total, one), number)
            values_of_rows = permuted
        else:
            splits = permuted.row_splits[::count]
            values_of_rows = permuted.values
        if known is not None:
            splits.set_shape([known + 1])
        return RaggedTensor.from_row_splits(values_of_rows, splits, validate=False)
