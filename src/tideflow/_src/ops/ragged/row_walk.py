"""Walks through the rows of what is broadcast against each other, from the outermost dimension inwards.

Dimensions correspond from the last one on. A dimension of which the length is 1 for all rows, and known to be, is
repeated; ragged dimensions must have the same rows. The walk carries for each operand which of its elements each
element of the result comes from, or None as long as it is the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.assertions import Assert, assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.runtime.convert import convert_to_tensor


def same_rows(one: RowPartition, other: RowPartition) -> bool:
    """Tells whether two partitions are known to be the same."""
    if one is other:
        return True
    if one.static_uniform_row_length != other.static_uniform_row_length:
        return False
    first, second = one.row_splits(), other.row_splits()
    if first is second:
        return True
    if first.__class__ is EagerTensor and second.__class__ is EagerTensor:
        return np.array_equal(first._value, second._value)
    return False


class Rows:
    """Is an operand as rows upon rows, of as many levels as the result has.

    Attributes:
      count: the length of the outermost dimension: an int, or a tensor.
      partitions: the rows of each level.
      dtype: the type of their encoding.
      origin: for each element of the result, at the level reached, the element of this operand; None: the same.
    """

    def __init__(self, count: Any, partitions: Sequence[RowPartition], dtype: DType) -> None:
        self.count = count
        self.partitions = list(partitions)
        self.dtype = dtype
        self.origin: Any = None


def uniform(length: Any, nrows: Any, dtype: Any) -> RowPartition:
    one = convert_to_tensor(length, dtype)
    rows = convert_to_tensor(nrows, dtype)
    return RowPartition.from_uniform_row_length(one, nvals=raw.Mul(one, rows), nrows=rows, validate=False)


def walk(operands: list[Rows]) -> list[RowPartition]:
    """Moves operands, of equally many levels, to the innermost one, and returns the rows of the result."""
    _outermost(operands)
    return [_next_level(operands, level) for level in range(len(operands[0].partitions))]


def _outermost(operands: list[Rows]) -> None:
    counts = [item.count for item in operands]
    if all(isinstance(count, int) for count in counts):
        size = next((count for count in counts if count != 1), 1)
        for item in operands:
            if item.count == size:
                continue
            if item.count != 1:
                assert_equal(item.count, size)
            item.origin = np.zeros(size, item.dtype.as_numpy_dtype)
        return
    dtype = operands[0].dtype
    one = convert_to_tensor(1, dtype)
    tensors = [convert_to_tensor(count, dtype) for count in counts]
    size = tensors[0]
    for tensor in tensors[1:]:
        size = raw.SelectV2(raw.Equal(size, one), tensor, size)
    for item, tensor in zip(operands, tensors, strict=True):
        if isinstance(item.count, int) and item.count != 1:
            continue
        is_one = raw.Equal(tensor, one)
        check = Assert(
            raw.LogicalOr(is_one, raw.Equal(tensor, size)),
            ["Unable to broadcast: dimension size mismatch in dimension"],
        )
        with control_dependencies([] if check is None else [check]):
            step = raw.Cast(raw.LogicalNot(is_one), DstT=dtype)
            item.origin = raw.Mul(raw.Range(convert_to_tensor(0, dtype), size, one), step)


def _next_level(operands: list[Rows], level: int) -> RowPartition:
    """Moves the operands one level inwards and returns the rows of the result there."""
    partitions = [item.partitions[level] for item in operands]
    lengths = [partition.static_uniform_row_length for partition in partitions]
    deciding = [index for index, length in enumerate(lengths) if length != 1]
    if not deciding:  # rows of one element everywhere: the elements are the rows
        still = next((index for index, item in enumerate(operands) if item.origin is None), None)
        if still is not None:
            return partitions[still]
        count = raw.Shape(operands[0].origin)[0]
        return uniform(1, raw.Cast(count, DstT=operands[0].dtype), operands[0].dtype)
    if any(lengths[index] is None and partitions[index].uniform_row_length() is not None for index in deciding):
        return _next_dynamic_level(operands, level)  # what is not known yet may turn out to be 1
    # Rows of which no common length is known come first: so the result knows none either, as in TensorFlow.
    deciding.sort(key=lambda index: lengths[index] is not None)
    result, *others = [_rows_of(operands[index], partitions[index]) for index in deciding]
    differing = [other for other in others if not same_rows(result, other)]
    checks = [  # what is uniform comes first in the message, too
        assert_equal(*(rows.row_splits() for rows in sorted((result, other), key=lambda rows: not rows.is_uniform())))
        for other in differing
    ]
    if any(check is not None for check in checks):
        result = result._with_dependencies([check for check in checks if check is not None])
    for index, item in enumerate(operands):
        if lengths[index] == 1:
            ids = result.value_rowids()
            item.origin = ids if item.origin is None else raw.GatherV2(item.origin, ids, 0)
        elif item.origin is not None:
            starts = raw.GatherV2(partitions[index].row_splits(), item.origin, 0)
            item.origin = _ranges(starts, result.row_lengths())
    return result


def _rows_of(item: Rows, partition: RowPartition) -> RowPartition:
    """Returns the rows that an operand has at a level, in the order of the result."""
    if item.origin is None:
        return partition
    length = partition.static_uniform_row_length
    if length is not None:
        return uniform(length, raw.Cast(raw.Shape(item.origin)[0], DstT=item.dtype), item.dtype)
    return RowPartition.from_row_lengths(raw.GatherV2(partition.row_lengths(), item.origin, 0), validate=False)


def _ranges(starts: Any, lengths: Any) -> Any:
    one = convert_to_tensor(1, starts.dtype)
    return raw.RaggedRange(starts, raw.AddV2(starts, lengths), one, Tsplits=dtypes.int64).rt_dense_values


def _next_dynamic_level(operands: list[Rows], level: int) -> RowPartition:
    """Does the same where it is not known before the program runs which lengths are 1."""
    dtype = operands[0].dtype
    one = convert_to_tensor(1, dtype)
    lengths, starts, single = [], [], []
    for item in operands:
        partition = item.partitions[level]
        own, begins = partition.row_lengths(), partition.row_starts()
        if item.origin is not None:
            own, begins = raw.GatherV2(own, item.origin, 0), raw.GatherV2(begins, item.origin, 0)
        lengths.append(own)
        starts.append(begins)
        uniform = partition.uniform_row_length()
        single.append(convert_to_tensor(False) if uniform is None else raw.Equal(uniform, one))
    result = lengths[0]
    is_single = single[0]
    for own, alone in zip(lengths[1:], single[1:], strict=True):
        result = raw.SelectV2(is_single, own, result)
        is_single = raw.LogicalAnd(is_single, alone)
    checks = [
        assert_equal(raw.SelectV2(alone, result, own), result) for own, alone in zip(lengths, single, strict=True)
    ]
    with control_dependencies([check for check in checks if check is not None]):
        result = raw.Identity(result)
    if all(item.partitions[level].is_uniform() for item in operands):
        rows = _of_one_length(operands, level, result)
    else:
        rows = RowPartition.from_row_lengths(result, validate=False)
    ids = rows.value_rowids()
    columns = raw.Sub(
        raw.Range(convert_to_tensor(0, dtype), rows.nvals(), one), raw.GatherV2(rows.row_starts(), ids, 0)
    )
    for item, begins, alone in zip(operands, starts, single, strict=True):
        step = raw.Cast(raw.LogicalNot(alone), DstT=dtype)
        item.origin = raw.AddV2(raw.GatherV2(begins, ids, 0), raw.Mul(columns, step))
    return rows


def _of_one_length(operands: list[Rows], level: int, lengths: Any) -> RowPartition:
    """Returns rows whose common length is known only when the program runs."""
    one = convert_to_tensor(1, operands[0].dtype)
    length = one
    for item in operands:
        own = item.partitions[level].uniform_row_length()
        length = raw.SelectV2(raw.Equal(length, one), own, length)
    return RowPartition.from_uniform_row_length(
        length, nrows=raw.Shape(lengths, out_type=operands[0].dtype)[0], validate=False
    )
