"""How the values of replicas become one: ``tf.distribute.ReduceOp``."""

from __future__ import annotations

import enum
from typing import Any

from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_sum
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
