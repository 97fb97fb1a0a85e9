"""How the values of replicas become one: ``tf.distribute.ReduceOp``."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_sum
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.replication import VariableAggregation


class ReduceOp(enum.Enum):
    """Says how values are combined: added up, or averaged."""

    SUM = "SUM"
    MEAN = "MEAN"

    @classmethod
    def named(cls, value: Any) -> ReduceOp:
        """Returns a reduction, given it or its name in any case.

        Raises:
          ValueError: there is none of that name.
        """
        return cls(value.upper()) if isinstance(value, str) else cls(value)

    @staticmethod
    def from_variable_aggregation(aggregation: Any) -> ReduceOp:
        """Returns what combines the updates of a variable.

        Raises:
          ValueError: its updates are not combined.
        """
        known = {VariableAggregation.SUM: ReduceOp.SUM, VariableAggregation.MEAN: ReduceOp.MEAN}
        for each, found in known.items():
            if each == aggregation:
                return found
        raise ValueError(f"Could not convert from `tf.VariableAggregation` {aggregation} to `tf.distribute.ReduceOp`")


def along_axis(reduction: ReduceOp, value: Any, axis: Any) -> Any:
    """Combines the elements of a value along an axis, or along none.

    Args:
      reduction: how.
      value: a tensor or what converts to one; a Python number stays one where there is no axis.
      axis: the axis, a list of axes, or None.
    """
    if axis is None:
        return value
    return (reduce_sum if reduction is ReduceOp.SUM else reduce_mean)(value, axis=axis)


def combined(reduction: ReduceOp, values: Sequence[Any]) -> Any:
    """Adds the values of the replicas, in their order, or averages them.

    Args:
      reduction: how.
      values: tensors of one shape and dtype, or indexed slices, of which the sum has all.
    """
    if all(isinstance(value, IndexedSlices) for value in values):
        total: Any = values[0] if len(values) == 1 else _all_slices(values)
        if reduction is ReduceOp.SUM:
            return total
        return IndexedSlices(total.values / len(values), total.indices, total.dense_shape)
    tensors = [convert_to_tensor(value) for value in values]
    total = tensors[0] if len(tensors) == 1 else raw.AddN(tensors)
    return total if reduction is ReduceOp.SUM else total / len(tensors)


def _all_slices(values: Sequence[IndexedSlices]) -> IndexedSlices:
    zero = convert_to_tensor(0)
    rows = raw.ConcatV2([value.values for value in values], zero)
    indices = raw.ConcatV2([value.indices for value in values], zero)
    return IndexedSlices(rows, indices, values[0].dense_shape)


def combined_along(reduction: ReduceOp, values: Sequence[Any], axis: Any) -> Any:
    """Combines the elements along an axis of the values of all replicas, which may have different sizes there.

    Args:
      reduction: how.
      values: tensors, in the order of the replicas.
      axis: the axis, or a list of axes.
    """
    tensors = [convert_to_tensor(value) for value in values]
    total = combined(ReduceOp.SUM, [reduce_sum(tensor, axis=axis) for tensor in tensors])
    if reduction is ReduceOp.SUM:
        return total
    counts = [
        raw.Prod(raw.GatherV2(raw.Shape(tensor, out_type=dtypes.int64), axis, 0), [0] if _is_list(axis) else [])
        for tensor in tensors
    ]
    return total / raw.Cast(combined(ReduceOp.SUM, counts), DstT=total.dtype)


def _is_list(axis: Any) -> bool:
    return isinstance(axis, list | tuple)
