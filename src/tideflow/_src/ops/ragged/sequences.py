"""``tf.ragged.range``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.ragged.ranges import ragged_range_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_BY_RANK = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64)


def range(
    starts: Any,
    limits: Any = None,
    deltas: Any = 1,
    dtype: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> RaggedTensor:
    """Returns a ragged tensor whose rows are sequences of numbers.

    >>> import tideflow as tf
    >>> print(tf.ragged.range([3, 5, 2]))
    <tf.RaggedTensor [[0, 1, 2], [0, 1, 2, 3, 4], [0, 1]]>
    >>> print(tf.ragged.range([0, 5, 8], [3, 3, 12], 2))
    <tf.RaggedTensor [[0, 2], [], [8, 10]]>

    Args:
      starts: where each row starts, a vector or scalar; the limits, if these are not given: rows start with 0 then.
      limits: what each row ends before, alike.
      deltas: the steps, alike; none is zero.
      dtype: the type of the elements: int32, int64, float32 or float64; by default the widest of the arguments'.
      name: the name scope.
      row_splits_dtype: int32 or int64.

    Returns:
      A ragged tensor of ragged rank 1.

    Raises:
      InvalidArgumentError: a step is zero, or the vectors differ in length.
    """
    row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
    if limits is None:
        starts, limits = 0, starts
    with name_scope(name, "RaggedRange"):
        tensors = [
            convert_to_tensor(value, dtype=dtype, name=label)
            for value, label in ((starts, "starts"), (limits, "limits"), (deltas, "deltas"))
        ]
        if dtype is None:
            assert all(tensor.dtype in _BY_RANK for tensor in tensors)
            kind = max((tensor.dtype for tensor in tensors), key=_BY_RANK.index)
            tensors = [tensor if tensor.dtype is kind else raw.Cast(tensor, DstT=kind) for tensor in tensors]
        result = ragged_range_op(*tensors, Tsplits=row_splits_dtype)
        return RaggedTensor.from_row_splits(result.rt_dense_values, result.rt_nested_splits, validate=False)
