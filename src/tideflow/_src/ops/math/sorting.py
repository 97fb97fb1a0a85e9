"""Public functions of order: ``top_k``, ``in_top_k``, ``sort``, ``argsort``, ``searchsorted``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.math.order_statistics import in_top_k_v2, lower_bound, top_k_v2, upper_bound
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Finds the greatest k elements along the last axis, and their positions.

    Args:
      input: a tensor of numbers of rank 1 or more.
      k: how many, at most the size of the last axis.
      sorted: whether the elements must come in descending order.
      index_type: the dtype of the positions: ``int16``, ``int32`` or ``int64``.
      name: the name of the node.

    Returns:
      A named tuple of ``values`` and ``indices``; of equal elements the one with the lower index comes first.

    Raises:
      InvalidArgumentError: k is negative or too great (ValueError while a graph is built).
    """
    return top_k_v2(input, k, sorted=sorted, index_type=dtypes.as_dtype(index_type), name=name)


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
    """Tells for each example whether its target is among the k greatest predictions.

    Args:
      targets: a vector of class numbers, ``int32`` or ``int64``.
      predictions: a ``float32`` matrix with a row for each example and a column for each class.
      k: how many predictions count.
      name: the name scope of the node.

    Returns:
      A vector of booleans; False where the target is out of range or a prediction is not finite.
    """
    with name_scope(name, "in_top_k"):
        return in_top_k_v2(predictions, targets, k)


def in_top_k_v1(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Any:
    """Tells whether targets are among the greatest predictions, with TensorFlow 1's arguments; see ``in_top_k``."""
    return in_top_k(targets, predictions, k, name)


def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """Sorts the elements along an axis.

    Args:
      values: a tensor of numbers of rank 1 or more.
      axis: the axis along which to sort.
      direction: ``"ASCENDING"`` or ``"DESCENDING"``.
      name: the name scope of the nodes.

    Returns:
      A tensor of the shape and dtype of ``values``.

    Raises:
      ValueError: another direction, or an axis that is not a constant.
    """
    with name_scope(name, "sort"):
        return _sorted(values, axis, direction, positions=False)


def argsort(
    values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Any:
    """Finds the positions that would sort the elements along an axis; equal elements keep their order.

    Args:
      values: a tensor of numbers of rank 1 or more.
      axis: the axis along which to sort.
      direction: ``"ASCENDING"`` or ``"DESCENDING"``.
      stable: whether equal elements must keep their order; they always do.
      name: the name scope of the nodes.

    Returns:
      An ``int32`` tensor of the shape of ``values``.

    Raises:
      ValueError: another direction, or an axis that is not a constant.
    """
    del stable
    with name_scope(name, "argsort"):
        return _sorted(values, axis, direction, positions=True)


def _sorted(values: Any, axis: Any, direction: str, *, positions: bool) -> Any:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(
            f"Argument `direction` should be one of ASCENDING, DESCENDING. Received: direction={direction}"
        )
    number = axis if isinstance(axis, int) else static_value(convert_to_tensor(axis, name="axis"))
    if number is None:
        raise ValueError("Argument `axis` should be a constant value.")
    axis = int(number)
    values = convert_to_tensor(values)
    ascending = direction == "ASCENDING"
    keys = _reversed_order(values) if ascending else values
    shape = known_shape(keys)
    moved = axis != -1 and not (shape is not None and axis == len(shape) - 1)
    if moved:
        if shape is None:
            rank = raw.Rank(keys)
            place = raw.FloorMod(raw.AddV2(np.int32(axis), rank), rank)
            order = raw.Range(np.int32(0), rank, np.int32(1))
            last = raw.Equal(order, raw.Sub(rank, np.int32(1)))
            swapped = raw.SelectV2(raw.Equal(order, place), raw.Sub(rank, np.int32(1)), order)
            permutation: Any = raw.SelectV2(last, place, swapped)
        else:
            if not -len(shape) <= axis < len(shape):
                raw.GatherV2(raw.Shape(keys), np.int32(axis), np.int32(0))  # raises what TensorFlow raises
                raise ValueError(f"slice index {axis} of dimension 0 out of bounds.")
            permutation = np.arange(len(shape), dtype=np.int32)
            permutation[[axis, -1]] = permutation[[-1, axis]]
        keys = raw.Transpose(keys, permutation)
    moved_shape = known_shape(keys)
    if moved_shape is not None and moved_shape and moved_shape[-1] is not None:
        length: Any = np.int32(moved_shape[-1])
    else:
        sizes = raw.Shape(keys)
        length = raw.GatherV2(sizes, raw.Sub(raw.Size(sizes), np.int32(1)), np.int32(0))
    result = top_k_v2(keys, length, index_type=dtypes.int32)[1 if positions else 0]
    if moved:
        result = raw.Transpose(result, permutation)
    return result if positions or not ascending else _reversed_order(result)


def _reversed_order(x: Any) -> Any:
    """Returns numbers in the reverse order, without overflow; doing it twice gives ``x`` again."""
    dtype = x.dtype
    if dtype.is_unsigned:
        return raw.Sub(np.asarray(dtype.max, dtype.as_numpy_dtype), x)
    if dtype.is_integer:
        return raw.Sub(raw.Neg(x), np.ones((), dtype.as_numpy_dtype))
    return raw.Neg(x)


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Finds where values would have to be inserted in sorted rows.

    Args:
      sorted_sequence: a tensor whose last axis is sorted.
      values: a tensor with the same leading axes.
      side: ``"left"`` for the first possible place, ``"right"`` for the last.
      out_type: the dtype of the places: ``int32`` or ``int64``.
      name: the name of the node.

    Returns:
      A tensor of the shape of ``values``.

    Raises:
      ValueError: another side.
    """
    if side not in ("left", "right"):
        raise ValueError(f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'.")
    rows = convert_to_tensor(sorted_sequence)
    hint = rows.dtype.base_dtype
    wanted = values if isinstance(values, Tensor) else convert_to_tensor(values, dtype_hint=hint)
    flat_rows, flat_wanted = _as_rows(rows), _as_rows(wanted)
    operation = lower_bound if side == "left" else upper_bound
    places = operation(flat_rows, flat_wanted, out_type=dtypes.as_dtype(out_type), name=name)
    return raw.Reshape(places, raw.Shape(wanted))


def _as_rows(x: Any) -> Any:
    shape = known_shape(x)
    if shape is not None and shape and shape[-1]:
        return raw.Reshape(x, np.array([-1, shape[-1]], np.int32))
    sizes = raw.Shape(x)
    length = raw.GatherV2(sizes, raw.Sub(raw.Size(sizes), np.int32(1)), np.int32(0))
    if shape is not None and shape and None not in shape:
        return raw.Reshape(x, np.array([int(np.prod(shape[:-1], dtype=np.int64)), shape[-1]], np.int32))
    return raw.Reshape(x, raw.Pack([np.int32(-1), length]))
