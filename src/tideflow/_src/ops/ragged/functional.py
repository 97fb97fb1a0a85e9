"""Applies functions to the values of ragged tensors, whatever their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.ragged.row_partition import RowPartition
from tideflow._src.runtime.convert import convert_to_tensor


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function with the flat values of ragged tensors, and gives the result their rows.

    >>> import tideflow as tf
    >>> sides = tf.ragged.constant([[2, 7], [5]])
    >>> print(tf.ragged.map_flat_values(lambda side: side * side, sides))
    <tf.RaggedTensor [[4, 49], [25]]>

    Args:
      op: a function that returns a tensor with as many rows as the flat values that it gets.
      *args: its arguments: ragged tensors, also in lists, tuples and dictionaries, and whatever else.
      **kwargs: its keyword arguments, alike.

    Returns:
      A ragged tensor with the rows of the arguments; what ``op`` returns if no argument is ragged.

    Raises:
      ValueError: the ragged arguments differ in their ragged ranks or rows, or the result has another number of rows.
    """
    found: list[RaggedTensor] = []
    args = _flattened(args, found)
    kwargs = _flattened(kwargs, found)
    if not found:
        return op(*args, **kwargs)
    counts = {dims[0] for dims in (rt.flat_values.shape._dims for rt in found) if dims} - {None}
    if len(counts) > 1:
        raise ValueError(
            "Input RaggedTensors' flat_values must all have the same outer-dimension size.  Got sizes: "
            f"{{{', '.join(map(str, sorted(counts)))}}}"
        )
    if len({rt._row_partition.dtype for rt in found}) > 1:
        raise ValueError(
            "Input RaggedTensors have mismatched row partition dtypes; use RaggedTensor.with_row_splits_dtype() to "
            "convert them to compatible dtypes."
        )
    result = op(*args, **kwargs)
    if counts and not result.shape[:1].is_compatible_with([*counts]):
        raise ValueError(
            "tf.ragged.map_flat_values requires that the output of `op` have the same outer-dimension size as "
            f"flat_values of any ragged inputs. (output shape: {result.shape}; expected outer dimension size: "
            f"{counts.pop()})"
        )
    partitions = merged_partitions([rt._nested_row_partitions for rt in found])
    return RaggedTensor._from_nested_row_partitions(result, partitions, validate=False)


def _flattened(value: Any, found: list[RaggedTensor]) -> Any:
    """Returns a structure with flat values in the place of ragged tensors, which are added to ``found``."""
    if is_ragged(value):
        rt = convert_to_tensor_or_ragged_tensor(value)
        found.append(rt)
        return rt.flat_values
    if isinstance(value, list | tuple):
        items = [_flattened(item, found) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: _flattened(item, found) for key, item in value.items()}
    return value


def merged_partitions(nested: list[tuple[RowPartition, ...]]) -> tuple[RowPartition, ...]:
    """Returns the row partitions that several ragged tensors share, with all that is known of them.

    Raises:
      ValueError: the ragged ranks differ, or what is known of the rows.
      InvalidArgumentError: the rows differ.
    """
    result = nested[0]
    for other in nested[1:]:
        if len(other) != len(result):
            raise ValueError("All ragged inputs must have the same ragged_rank.")
        if all(mine is theirs for mine, theirs in zip(result, other, strict=True)):
            continue
        result = tuple(
            mine if mine is theirs else mine._merge_precomputed_encodings(theirs)
            for mine, theirs in zip(result, other, strict=True)
        )
    return result


def on_flat_values(function: Callable[[Any], Any], rt: Any) -> Any:
    """Returns a ragged tensor with the same rows, of what a function makes of the flat values."""
    rt = convert_to_tensor_or_ragged_tensor(rt)
    return rt.with_flat_values(function(rt.flat_values))


def splits_of_lengths(lengths: Any) -> Any:
    """Returns the row splits of rows of the given lengths."""
    return RowPartition.from_row_lengths(lengths, validate=False).row_splits()


def integers(value: Any, name: str, dtype: Any) -> Any:
    """Returns a value as a tensor of ``dtype``, int32 or int64, to which integers of other types are cast.

    Raises:
      TypeError: it does not hold integers.
    """
    tensor = convert_to_tensor(value, dtype_hint=dtype, name=name)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return tensor if tensor.dtype is dtypes.as_dtype(dtype) else raw.Cast(tensor, DstT=dtype)
