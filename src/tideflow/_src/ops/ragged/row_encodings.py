"""Makes, reads and checks the tensors that encode row partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.sequences import range as range_of
from tideflow._src.ops.array.sequences import repeat
from tideflow._src.ops.array.shape import shape as shape_of
from tideflow._src.ops.control.assertions import (
    assert_equal,
    assert_non_negative,
)
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.math.sorting import searchsorted
from tideflow._src.runtime.convert import convert_to_tensor

_INDEX = (dtypes.int32, dtypes.int64)


def as_row_partition_tensor(partition: Any, name: str, dtype: Any = None, dtype_hint: Any = None) -> Any:
    """Returns an encoding of a row partition as a tensor: of int64, unless it or the caller says int32.

    Raises:
      ValueError: it is of another type.
    """
    if isinstance(partition, np.ndarray) and partition.dtype == np.int32 and dtype is None:
        tensor = convert_to_tensor(partition, name=name)
    else:
        tensor = convert_to_tensor(
            partition, dtype=dtype, dtype_hint=dtypes.int64 if dtype_hint is None else dtype_hint, name=name
        )
    if tensor.dtype not in _INDEX:
        raise ValueError(f"{name} must have dtype int32 or int64")
    return tensor


def row_ids_of_splits(splits: Any) -> Any:
    """Returns the row of each value, given where the rows begin and end."""
    if context.executing_eagerly():
        return repeat(range_of(shape_of(splits, out_type=splits.dtype)[0] - 1), splits[1:] - splits[:-1], axis=0)
    ids = searchsorted(splits, range_of(splits[-1]), side="right", out_type=splits.dtype)
    return ids - convert_to_tensor(1, splits.dtype)


def static_integer(tensor: Any) -> int | None:
    value = static_value(tensor)
    return None if value is None or value.size != 1 else int(value.reshape(())[()])


def static_size(tensor: Any) -> int | None:
    size = tensor.shape[0]
    return None if size is None else getattr(size, "value", size)


def cast_to(value: Any, dtype: DType) -> Any:
    return raw.Cast(value if isinstance(value, Tensor) else convert_to_tensor(value), DstT=dtype)


def all_as_tensors(values: Sequence[tuple[Any, str]], dtype: Any, dtype_hint: Any) -> list[Any]:
    """Returns values as tensors of one type: what the caller says, else that of a tensor or array, else int64."""
    if dtype is not None:
        return [None if value is None else cast_to(value, dtypes.as_dtype(dtype)) for value, _ in values]
    kind = next(
        (value.dtype for kind in (Tensor, np.ndarray) for value, _ in values if isinstance(value, kind)),
        dtypes.int64 if dtype_hint is None else dtype_hint,
    )
    return [None if value is None else convert_to_tensor(value, kind, name=name) for value, name in values]


def assert_ascending(tensor: Any, message: str) -> Any:
    return assert_non_negative(tensor[1:] - tensor[:-1], message=message)


def assert_zero(tensor: Any, message: str) -> Any:
    return assert_equal(tensor, convert_to_tensor(0, tensor.dtype), message=message)


def merge_tensors(first: Any, second: Any, name: str, validate: bool) -> tuple[Any, bool]:
    """Returns one of two tensors that should be equal, and whether they are known to be."""
    if first is None or second is None:
        return (second if first is None else first), False
    if first is second:
        return first, True
    message = f"RowPartition._merge_precomputed_encodings: partitions have incompatible {name}"
    if not first.shape.is_compatible_with(second.shape):
        raise ValueError(message)
    if not validate:
        return first, False
    return with_dependencies([assert_equal(first, second, message=message)], first), True
