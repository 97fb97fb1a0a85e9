"""Broadcasts ragged and dense tensors against each other, and takes over all element-wise functions for them.

``row_walk.py`` says how dimensions correspond, and which elements meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged, match_row_splits_dtypes
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.ops.ragged.row_walk import Rows, same_rows, uniform, walk


def converted(x: Any, y: Any) -> tuple[Any, Any]:
    """Returns two operands, one of them ragged, as tensors and ragged tensors.

    Raises:
      ValueError: both are ragged, with row splits of different types.
    """
    if not isinstance(x, RaggedTensor | Tensor):
        x = convert_to_tensor_or_ragged_tensor(x, preferred_dtype=y.dtype if is_ragged(y) else None)
    if not isinstance(y, RaggedTensor | Tensor):
        y = convert_to_tensor_or_ragged_tensor(y, preferred_dtype=x.dtype)
    if isinstance(x, RaggedTensor) and isinstance(y, RaggedTensor):
        match_row_splits_dtypes(x, y)
    return x, y


def of_pairs(function: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Returns what an element-wise function of two tensors gives for two operands, one of them ragged."""
    x, y = converted(x, y)
    first, second, partitions = broadcast(x, y)
    result = function(first, second)
    if not isinstance(result, Tensor):
        return result
    return RaggedTensor._from_nested_row_partitions(result, partitions, validate=False)


def asserted(assertion: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Makes an assertion on the elements of two operands, one of them ragged."""
    first, second, _ = broadcast(*converted(x, y))
    return assertion(first, second)


def broadcast(*operands: Any) -> tuple[Any, ...]:
    """Returns the flat values of operands, so that they can be taken element by element, and the rows of the result.

    The inner dimensions, behind the ragged ones, are left to the function that takes the values.

    Args:
      *operands: tensors and ragged tensors, at least one of them ragged.

    Raises:
      InvalidArgumentError: the rows differ.
      ValueError: the rank of an operand is not known.
    """
    ragged = [operand for operand in operands if isinstance(operand, RaggedTensor)]
    first = ragged[0]
    rows = first._nested_row_partitions
    inner = first.flat_values.shape.rank
    if all(_is_below(operand, rows, inner) for operand in operands):
        return (*(item.flat_values if isinstance(item, RaggedTensor) else item for item in operands), rows)
    ranks = [operand.shape.rank for operand in operands]
    if None in ranks:
        raise ValueError("Unable to broadcast: unknown rank")
    rank = max(ranks)
    levels = max(
        rank - own + (operand.ragged_rank if isinstance(operand, RaggedTensor) else 0)
        for operand, own in zip(operands, ranks, strict=True)
        if isinstance(operand, RaggedTensor)
    )
    layered = [_Layered(operand, rank, levels, first._row_partition.dtype) for operand in operands]
    partitions = walk(layered)
    return (*(item.gathered() for item in layered), partitions)


def _is_below(operand: Any, rows: tuple[RowPartition, ...], inner: int | None) -> bool:
    """Tells whether an operand has these very rows, or lies along the inner dimensions alone."""
    if isinstance(operand, RaggedTensor):
        mine = operand._nested_row_partitions
        return (
            len(mine) == len(rows)
            and operand.flat_values.shape.rank == inner
            and all(same_rows(one, other) for one, other in zip(mine, rows, strict=True))
        )
    rank = operand.shape.rank
    return rank == 0 or (rank is not None and inner is not None and rank < inner)


class _Layered(Rows):
    """Is a tensor or ragged tensor as rows of values."""

    def __init__(self, operand: Any, rank: int, levels: int, dtype: Any) -> None:
        missing = rank - operand.shape.rank
        if isinstance(operand, RaggedTensor):
            partitions = list(operand._nested_row_partitions)
            values = operand.flat_values
            known = operand._row_partition.static_nrows
            count: Any = operand.nrows() if known is None else known
        else:
            partitions, values = [], operand
            known = operand.shape._dims[0] if operand.shape.rank else 1
            count = raw.Cast(raw.Shape(operand)[0], DstT=dtype) if known is None else known
            if operand.shape.rank == 0:
                values = raw.Reshape(values, [1])
                missing -= 1
        for _ in range(missing):  # TensorFlow's new outer dimensions of length 1
            partitions.insert(0, uniform(count, 1, dtype))
            count = 1
        while len(partitions) < levels:
            dims = values.shape._dims
            outer = dims[0] if dims[0] is not None else raw.Cast(raw.Shape(values)[0], DstT=dtype)
            width = dims[1] if dims[1] is not None else raw.Cast(raw.Shape(values)[1], DstT=dtype)
            partitions.append(uniform(width, outer, dtype))
            values = raw.Reshape(values, raw.ConcatV2([np.int32([-1]), raw.Shape(values)[2:]], 0))
        super().__init__(count, partitions, dtype)
        self.values = values

    def gathered(self) -> Any:
        """Returns the flat values in the order of the result."""
        return self.values if self.origin is None else raw.GatherV2(self.values, self.origin, 0)
