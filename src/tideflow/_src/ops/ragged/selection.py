"""``tf.where`` of ragged tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array import selection
from tideflow._src.ops.array.joining import concat as concat_tensors
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.elements_by_index import gather
from tideflow._src.ops.ragged.elementwise import broadcast
from tideflow._src.ops.ragged.functional import map_flat_values
from tideflow._src.ops.ragged.joining import concat
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, row_count
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, match_row_splits_dtypes
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def _operands(condition: Any, x: Any, y: Any) -> tuple[Any, ...]:
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
    condition = convert_to_tensor_or_ragged_tensor(condition, name="condition")
    if x is None:
        return (condition,)
    x = convert_to_tensor_or_ragged_tensor(x, name="x")
    y = convert_to_tensor_or_ragged_tensor(y, name="y")
    match_row_splits_dtypes(condition, x, y)
    return condition, x, y


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Finds where a ragged tensor is true, or takes elements of two others, all broadcast against each other."""
    with name_scope(name, "RaggedWhere"):
        operands = _operands(condition, x, y)
        if len(operands) == 1:
            return _places(operands[0])
        *values, partitions = broadcast(*operands)
        result = selection.where(*values)
        return RaggedTensor._from_nested_row_partitions(result, partitions, validate=False)


def where_v1(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Finds where a ragged tensor is true, or takes elements, or whole rows, of two others of the same shape."""
    with name_scope(name, "RaggedWhere"):
        operands = _operands(condition, x, y)
        if len(operands) == 1:
            return _places(operands[0])
        condition, x, y = operands
        if all(isinstance(operand, RaggedTensor) for operand in operands):
            return map_flat_values(selection.where_v1, condition, x, y)
        if isinstance(condition, RaggedTensor):
            raise ValueError("Input shapes do not match.")
        condition.shape.assert_has_rank(1)
        both = concat([x, y], axis=0)
        kind = both.row_splits.dtype
        zero, one = convert_to_tensor(0, kind), convert_to_tensor(1, kind)
        first, second = row_count(x, kind), row_count(y, kind)
        rows = selection.where_v1(
            condition, raw.Range(zero, first, one), raw.AddV2(first, raw.Range(zero, second, one))
        )
        return gather(both, rows)


def _places(condition: Any) -> Any:
    """Returns the coordinates of the elements that are true."""
    if not isinstance(condition, RaggedTensor):
        return selection.where(condition)
    inner = _places(condition.values)
    condition = condition.with_row_splits_dtype(dtypes.int64)
    first = inner[:, 0]
    rows = raw.GatherV2(condition.value_rowids(), first, 0)
    columns = raw.Sub(first, raw.GatherV2(condition.row_splits, rows, 0))
    return concat_tensors([raw.ExpandDims(rows, 1), raw.ExpandDims(columns, 1), inner[:, 1:]], axis=1)
