"""``tf.math.bincount`` and ``tf.sparse.bincount`` of ragged tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math.counting import count_between, counted_axis, no_weights
from tideflow._src.ops.math.reduction_functions import reduce_max
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor


def _checked(values: Any, weights: Any, axis: Any, binary_output: bool) -> tuple[Any, Any, int]:
    values = convert_to_tensor_or_ragged_tensor(values, name="values")
    if weights is not None and not isinstance(weights, SparseTensor):
        weights = convert_to_tensor_or_ragged_tensor(weights, name="weights")
    return values, weights, counted_axis(weights, axis, binary_output)


def _values_of(weights: Any, values: Any) -> Any:
    """Returns the weights of the values, without the outermost rows."""
    if weights is None:
        return None
    if not isinstance(weights, RaggedTensor):
        raise ValueError(
            "`weights` must be a RaggedTensor if `values` is a RaggedTensor. Received argument "
            f"weights={weights} of type: {type(weights).__name__}."
        )
    if weights.row_splits is values.row_splits:
        return weights.values
    check = assert_equal(
        weights.row_splits, values.row_splits, message="'weights' and 'values' must have the same row splits."
    )
    with control_dependencies([] if check is None else [check]):
        inner = weights.values
        return inner if isinstance(inner, RaggedTensor) else raw.Identity(inner)


def _or_none(weights: Any, dtype: Any) -> Any:
    return no_weights(dtype) if weights is None else weights


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """Counts how often each number occurs in a ragged tensor, or in each of its rows."""
    with name_scope(name or "bincount"):
        values, weights, axis = _checked(arr, weights, axis, binary_output)
        if not values.dtype.is_integer:
            values = values.with_flat_values(raw.Cast(values.flat_values, DstT=dtypes.int32))
        flat = values.flat_values
        kind = flat.dtype
        one = convert_to_tensor(1, kind)
        occupied = raw.Cast(raw.Greater(raw.Size(flat), np.int32(0)), DstT=kind)
        size = raw.Mul(occupied, raw.AddV2(reduce_max(flat), one))
        size = count_between(size, minlength, maxlength)
        if axis == 0:
            while isinstance(values, RaggedTensor):
                weights = _values_of(weights, values)
                values = values.values
            return raw.DenseBincount(values, size, _or_none(weights, dtype), binary_output=binary_output)
        weights = _or_none(_values_of(weights, values), dtype)
        splits = raw.Cast(values.row_splits, DstT=dtypes.int64)
        return raw.RaggedBincount(splits, values.values, size, weights, binary_output=binary_output)


def sparse_bincount(
    values: Any,
    weights: Any = None,
    axis: Any = 0,
    minlength: Any = None,
    maxlength: Any = None,
    binary_output: bool = False,
    name: str | None = None,
) -> Any:
    """Counts how often each number occurs in a ragged tensor, or in each of its rows, as a sparse tensor."""
    with name_scope(name, "count"):
        values, weights, axis = _checked(values, weights, axis, binary_output)
        options = {
            "minlength": -1 if minlength is None else minlength,
            "maxlength": -1 if maxlength is None else maxlength,
            "binary_output": binary_output,
        }
        if axis == 0:
            weights = _values_of(weights, values)
            values = values.values
        kind = values.dtype
        if isinstance(values, RaggedTensor):
            weights = _or_none(_values_of(weights, values), kind)
            splits = raw.Cast(values.row_splits, DstT=dtypes.int64)
            return SparseTensor(*raw.RaggedCountSparseOutput(splits, values.values, weights, **options))
        return SparseTensor(*raw.DenseCountSparseOutput(values, _or_none(weights, kind), **options))
