"""Reductions of ragged tensors along their dimensions, and over segments of their rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import expand_dims
from tideflow._src.ops.control.assertions import assert_equal
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.math import reduction_functions, segments
from tideflow._src.ops.math.arithmetic import maximum, subtract
from tideflow._src.ops.math.cumulative import cumsum
from tideflow._src.ops.math.division import divide
from tideflow._src.ops.math.unary import sqrt, square
from tideflow._src.ops.ragged.ragged_parts import convert_to_tensor_or_ragged_tensor, positive_axis
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged, match_row_splits_dtypes
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

Aggregate = Callable[[Any, Any, Any], Any]


def over_segments(aggregate: Aggregate, data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Aggregates the rows of each segment, element by element; rows of a segment that are longer go on alone.

    Args:
      aggregate: ``unsorted_segment_sum`` or one like it.
      data: a ragged tensor, or a tensor.
      segment_ids: the segment of each row, integers; ragged if it says so of rows of rows.
      num_segments: how many segments there are.

    Raises:
      ValueError: the ids are no integers, or ragged where the data is not.
      InvalidArgumentError: the rows of the ids are not those of the data.
    """
    if not (is_ragged(data) or is_ragged(segment_ids)):
        return aggregate(data, segment_ids, num_segments)
    data = convert_to_tensor_or_ragged_tensor(data, name="data")
    segment_ids = convert_to_tensor_or_ragged_tensor(segment_ids, name="segment_ids")
    match_row_splits_dtypes(data, segment_ids)
    if segment_ids.dtype not in (dtypes.int32, dtypes.int64):
        raise ValueError("segment_ids must have dtype int32 or int64.")
    if isinstance(segment_ids, RaggedTensor):
        if not isinstance(data, RaggedTensor):
            raise ValueError(
                "segment_ids.shape must be a prefix of data.shape, but segment_ids is ragged and data is not."
            )
        check = assert_equal(
            segment_ids.row_splits, data.row_splits, message="segment_ids.shape must be a prefix of data.shape"
        )
        with control_dependencies([] if check is None else [check]):
            return over_segments(aggregate, data.values, segment_ids.values, num_segments)
    lengths = data.row_lengths()
    zero = convert_to_tensor(0, lengths.dtype)
    longest = raw.Maximum(segments.unsorted_segment_max(lengths, segment_ids, num_segments), zero)
    splits = concat([raw.Fill([1], zero), cumsum(longest)], axis=0)
    starts = raw.GatherV2(splits, segment_ids, 0)
    one = convert_to_tensor(1, lengths.dtype)
    places = raw.RaggedRange(starts, raw.AddV2(starts, lengths), one, Tsplits=dtypes.int64).rt_dense_values
    values = over_segments(aggregate, data.values, places, splits[-1])
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def reduced(
    reduce: Callable[..., Any], aggregate: Aggregate, rt: Any, axis: Any, keepdims: Any, name: str | None = None
) -> Any:
    """Reduces a ragged tensor.

    Args:
      reduce: the function for tensors: ``reduce(tensor, axis, keepdims=...)``.
      aggregate: the function over segments that does the same.
      rt: a ragged tensor, or a tensor.
      axis: the dimension or dimensions; None for all.
      keepdims: whether to keep them, of length 1.
      name: the name scope.

    Raises:
      ValueError: there is no such dimension, or it is a tensor of unknown value.
    """
    if not is_ragged(rt):
        return reduce(rt, axis, keepdims=keepdims)
    if isinstance(axis, Tensor):
        axis = static_value(axis)
        if axis is None:
            raise ValueError("axis must be known at graph construction time.")
    if isinstance(axis, np.ndarray | np.generic):
        axis = axis.tolist()
    rt = convert_to_tensor_or_ragged_tensor(rt, name="rt_input")
    if axis is None:
        result = reduce(rt.flat_values, None, keepdims=keepdims)
        if keepdims:
            for _ in rt.shape[1:]:
                result = raw.ExpandDims(result, 0)
        return result
    with name_scope(name, "RaggedReduce"):
        if isinstance(axis, list | tuple):
            if not axis:
                return rt
            if len(axis) > 1:
                rank = rt.shape.rank
                axes = sorted(
                    positive_axis(each, rank, f"axis[{place}]", "rank(input_tensor)") for place, each in enumerate(axis)
                )
                inner = reduced(reduce, aggregate, rt, axes[-1], keepdims)
                return reduced(reduce, aggregate, inner, axes[:-1], keepdims)
            axis = axis[0]
        axis = positive_axis(axis, rt.shape.rank, "axis", "rank(input_tensor)")
        if axis > 1:
            return rt.with_values(reduced(reduce, aggregate, rt.values, axis - 1, keepdims))
        partition = rt._row_partition
        if axis == 1:
            result = over_segments(aggregate, rt.values, partition.value_rowids(), partition.nrows())
        else:
            lengths = partition.row_lengths()
            zero = convert_to_tensor(0, lengths.dtype)
            longest = raw.Maximum(reduction_functions.reduce_max(lengths), zero)
            result = over_segments(aggregate, rt.values, partition.offsets_in_rows(), longest)
        return expand_dims(result, axis=axis) if keepdims else result


def _reducer(reduce: Callable[..., Any], aggregate: Aggregate, default_name: str) -> Callable[..., Any]:
    def function(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:
        return reduced(reduce, aggregate, input_tensor, axis, keepdims, name or default_name)

    function.__name__ = f"ragged_{reduce.__name__}"
    return function


reduce_sum = _reducer(reduction_functions.reduce_sum, segments.unsorted_segment_sum, "RaggedReduceSum")
reduce_prod = _reducer(reduction_functions.reduce_prod, segments.unsorted_segment_prod, "RaggedReduceProd")
reduce_min = _reducer(reduction_functions.reduce_min, segments.unsorted_segment_min, "RaggedReduceMin")
reduce_max = _reducer(reduction_functions.reduce_max, segments.unsorted_segment_max, "RaggedReduceMax")


def _segment_logsumexp(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Computes ``log(sum(exp(x)))`` of each segment without overflow: its greatest elements are taken out first."""
    greatest = segments.unsorted_segment_max(data, segment_ids, num_segments)
    zero = np.zeros((), data.dtype.as_numpy_dtype)
    shift = raw.StopGradient(raw.SelectV2(raw.IsFinite(greatest), greatest, zero))
    scaled = raw.Exp(raw.Sub(data, raw.GatherV2(shift, segment_ids, 0)))
    return raw.AddV2(raw.Log(segments.unsorted_segment_sum(scaled, segment_ids, num_segments)), shift)


reduce_logsumexp = _reducer(reduction_functions.reduce_logsumexp, _segment_logsumexp, "RaggedReduceLogSumExp")


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:
    """Averages the elements of a ragged tensor along dimensions; an empty row gives NaN."""
    with name_scope(name, "RaggedReduceMean"):
        total = reduce_sum(input_tensor, axis, keepdims)
        ones = convert_to_tensor_or_ragged_tensor(input_tensor)
        ones = ones.with_flat_values(raw.OnesLike(ones.flat_values))
        count = reduce_sum(ones, axis, keepdims)
        return _quotient(total, count)


def _quotient(total: Any, count: Any) -> Any:
    if isinstance(total, RaggedTensor):
        values = divide(total.flat_values, count.flat_values)
        return RaggedTensor.from_nested_row_splits(values, total.nested_row_splits, validate=False)
    return divide(total, count)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Computes the variance of the elements of a ragged tensor along dimensions."""
    with name_scope(name, "RaggedReduceVariance"):
        rt = convert_to_tensor_or_ragged_tensor(input_tensor, name="input_tensor")
        if rt.dtype.is_complex:
            raise ValueError("reduce_variance is not supported for RaggedTensors with complex dtypes.")
        mean = reduce_mean(rt, axis=axis, keepdims=keepdims)
        mean_of_squares = reduce_mean(square(rt), axis=axis, keepdims=keepdims)
        # By rounding, the difference may be a little below zero.
        return maximum(subtract(mean_of_squares, square(mean)), 0)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Computes the standard deviation of the elements of a ragged tensor along dimensions."""
    with name_scope(name, "RaggedReduceStd"):
        return sqrt(reduce_variance(input_tensor, axis=axis, keepdims=keepdims))


def _of_booleans(reduce_numbers: Callable[..., Any]) -> Callable[..., Any]:
    def function(input_tensor: Any, axis: Any = None, keepdims: Any = None, name: str | None = None) -> Any:
        with name_scope(name, "RaggedReduceBoolean"):
            rt = convert_to_tensor_or_ragged_tensor(input_tensor)
            numbers = rt.with_flat_values(raw.Cast(rt.flat_values, DstT=dtypes.int32))
            result = reduce_numbers(numbers, axis, keepdims)
            if isinstance(result, RaggedTensor):
                return result.with_flat_values(raw.Cast(result.flat_values, DstT=dtypes.bool))
            return raw.Cast(result, DstT=dtypes.bool)

    return function


reduce_all = _of_booleans(reduce_prod)
reduce_any = _of_booleans(reduce_sum)


# Segments.


def _segments(aggregate: Aggregate, default_name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        with name_scope(name, default_name):
            return over_segments(aggregate, data, segment_ids, num_segments)

    return function


segment_sum = _segments(segments.unsorted_segment_sum, "RaggedSegmentSum")
segment_prod = _segments(segments.unsorted_segment_prod, "RaggedSegmentProd")
segment_min = _segments(segments.unsorted_segment_min, "RaggedSegmentMin")
segment_max = _segments(segments.unsorted_segment_max, "RaggedSegmentMax")


def _averaged(weight: Callable[[Any], Any], default_name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        with name_scope(name, default_name):
            data = convert_to_tensor_or_ragged_tensor(data)
            total = segment_sum(data, segment_ids, num_segments)
            count = segment_sum(data.with_flat_values(raw.OnesLike(data.flat_values)), segment_ids, num_segments)
            if isinstance(total, RaggedTensor):
                return total.with_flat_values(divide(total.flat_values, weight(count.flat_values)))
            return divide(total, weight(count))

    return function


segment_mean = _averaged(lambda count: count, "RaggedSegmentMean")
segment_sqrt_n = _averaged(sqrt, "RaggedSegmentSqrtN")
