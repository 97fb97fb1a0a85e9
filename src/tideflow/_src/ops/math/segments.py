"""Reductions over segments: rows that share a segment's number are summed, multiplied, or their extremum is taken.

The operations, with ``tf.math.segment_*`` and ``tf.math.unsorted_segment_*`` over them; :mod:`.sparse_segments` picks
rows first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX, NUMBER, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.row_sums import sum_rows
from tideflow._src.ops.dimensions import known_shape, merge_dimensions, text, with_rank, with_rank_at_least
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import Op, op

_ZERO = np.int32(0)


def _runs(ids: Any) -> Any:
    """Returns where each run of equal numbers starts."""
    return np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))


def reduce_runs(ufunc: Any, data: Any, ids: Any, count: int, neutral: Any) -> Any:
    """Reduces rows of equal, ascending numbers into ``count`` rows; those without any are ``neutral``."""
    result = np.full((count, *data.shape[1:]), neutral, data.dtype)
    if len(ids) and data.size:
        starts = _runs(ids)
        wide = data.astype(np.float32) if is_short_float(data.dtype) else data
        result[ids[starts]] = ufunc.reduceat(wide, starts, axis=0, dtype=wide.dtype).astype(data.dtype)
    return result


# Segments whose numbers ascend.


def _sorted_ids(data: Any, segment_ids: Any) -> Any:
    if segment_ids.ndim != 1:
        raise InvalidArgumentError(None, None, "segment_ids should be a vector.")
    if data.ndim < 1 or data.shape[0] != segment_ids.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            "segment_ids should be the same size as dimension 0 of input. "
            f"Got {len(segment_ids)} segment ids for input of shape {text(data.shape)}.",
        )
    return check_ascending(segment_ids)


def check_ascending(segment_ids: Any) -> Any:
    """Returns segment numbers as ``int64``, known to ascend from 0 or more."""
    ids = segment_ids.astype(np.int64)
    if len(ids):
        if (ids[1:] < ids[:-1]).any():
            raise InvalidArgumentError(None, None, "segment ids are not increasing")
        if ids[0] < 0:
            raise InvalidArgumentError(
                None,
                None,
                f"Segment id {ids[0]} out of range [0, {ids[-1] + 1}), possibly because 'segment_ids' is not sorted.",
            )
    return ids


def _segment(ufunc: Any, data: Any, segment_ids: Any, neutral: Any) -> Any:
    ids = _sorted_ids(data, segment_ids)
    return reduce_runs(ufunc, data, ids, int(ids[-1]) + 1 if len(ids) else 0, neutral)


def _segment_shape(data: Any, segment_ids: Any) -> Any:
    data = with_rank_at_least(data, 1)
    with_rank(segment_ids, 1)
    return None if data is None else (None, *data[1:])


def _segment_samples(s: Any) -> Any:
    ids = np.array([0, 0, 1], np.int32)
    for dtype in s.dtypes("T"):
        yield s(s.distinct((3, 2), dtype), ids)
    # Segments without rows divide by zero in TensorFlow's gradients.
    yield s(s.normal(4), np.array([1, 1, 3, 3], np.int64), differences=False)
    yield s(s.normal(3, 2, 2), ids)
    yield s(s.empty(0, 2), np.array([], np.int32))
    yield s(s.normal(3), np.array([0, 1, 0], np.int32), error="InvalidArgumentError")
    yield s(s.normal(3), np.array([-1, 1, 1], np.int32), error="InvalidArgumentError")
    yield s(s.normal(3), np.array([0, 1], np.int32), error="InvalidArgumentError")
    yield s(s.normal(3), np.array([[0, 1, 1]], np.int32), error="InvalidArgumentError")


_SIGNATURE = "data: T, segment_ids: Tindices -> output: T"


@op("SegmentSum", _SIGNATURE, tier="host", T=NUMBER, Tindices=INDEX)
def segment_sum_op(data, segment_ids):
    """Adds up the rows of each segment."""
    return _segment(np.add, data, segment_ids, 0)


@segment_sum_op.gradient
def _segment_sum_gradient(call, dy):
    return raw.GatherV2(dy, call.inputs[1], _ZERO), None


@op("SegmentMean", _SIGNATURE, tier="host", T=NUMBER, Tindices=INDEX)
def segment_mean_op(data, segment_ids):
    """Averages the rows of each segment; the mean of integers is rounded towards zero."""
    ids = _sorted_ids(data, segment_ids)
    count = int(ids[-1]) + 1 if len(ids) else 0
    sizes = np.maximum(np.bincount(ids, minlength=count), 1).reshape(-1, *(1,) * (data.ndim - 1))
    if data.dtype.kind in "iu":
        wide = np.uint64 if data.dtype.kind == "u" else np.int64
        total = reduce_runs(np.add, data.astype(wide), ids, count, 0)
        quotient = np.abs(total) // sizes.astype(wide)
        return (quotient * np.sign(total)).astype(data.dtype)
    wide_data = data.astype(np.float32) if is_short_float(data.dtype) else data
    total = reduce_runs(np.add, wide_data, ids, count, 0)
    return (total / sizes.astype(total.real.dtype)).astype(data.dtype)


def _ones_column(data: Any, segment_ids: Any, dtype: Any) -> Any:
    """Returns a one for each segment number, of a rank that broadcasts against ``data``."""
    shape, ids_shape = known_shape(data), known_shape(segment_ids)
    if shape is not None and ids_shape is not None and None not in ids_shape:
        return np.ones(ids_shape + (1,) * (len(shape) - len(ids_shape)), dtype.as_numpy_dtype)
    extra = raw.Reshape(raw.Sub(raw.Rank(data), raw.Rank(segment_ids)), np.array([1], np.int32))
    sizes = raw.ConcatV2([raw.Shape(segment_ids), raw.Fill(extra, np.int32(1))], _ZERO)
    return raw.Fill(sizes, np.ones((), dtype.as_numpy_dtype))


@segment_mean_op.gradient
def _segment_mean_gradient(call, dy):
    data, ids = call.inputs
    ones = _ones_column(data, ids, dy.dtype)
    return raw.GatherV2(raw.RealDiv(dy, segment_sum_op(ones, ids)), ids, _ZERO), None


@op("SegmentMax", _SIGNATURE, tier="host", T=REAL, Tindices=INDEX)
def segment_max_op(data, segment_ids):
    """Finds the greatest element of each segment; 0 for segments without rows."""
    return _segment(np.maximum, data, segment_ids, 0)


@op("SegmentMin", _SIGNATURE, tier="host", T=REAL, Tindices=INDEX)
def segment_min_op(data, segment_ids):
    """Finds the least element of each segment; 0 for segments without rows."""
    return _segment(np.minimum, data, segment_ids, 0)


@segment_max_op.gradient
def _segment_extremum_gradient(call, dy):
    data, ids = call.inputs
    selected = raw.Equal(data, raw.GatherV2(call.outputs[0], ids, _ZERO))
    count = segment_sum_op(raw.Cast(selected, DstT=dy.dtype), ids)
    shared = raw.GatherV2(raw.RealDiv(dy, count), ids, _ZERO)
    return raw.SelectV2(selected, shared, np.zeros((), dy.dtype.as_numpy_dtype)), None


segment_min_op.gradient(_segment_extremum_gradient)


@op("SegmentProd", _SIGNATURE, tier="host", T=NUMBER, Tindices=INDEX)
def segment_prod_op(data, segment_ids):
    """Multiplies the rows of each segment."""
    return _segment(np.multiply, data, segment_ids, 1)


def _product_gradient(call: Any, dy: Any, gather: Any, total: Any, product: Any) -> Any:
    """Divides each segment's product by the element; where that is zero, multiplies the others."""
    data = call.inputs[0]
    one = np.ones((), data.dtype.as_numpy_dtype)
    zero = np.zeros((), data.dtype.as_numpy_dtype)
    is_zero = raw.Equal(data, zero)
    zeros = total(raw.Cast(is_zero, DstT=dtypes.int32))
    dy = raw.SelectV2(raw.Greater(zeros, np.int32(1)), zero, dy)
    others = gather(product(raw.SelectV2(is_zero, one, data)))
    divided = raw.RealDiv(gather(call.outputs[0]), raw.SelectV2(is_zero, one, data))
    return raw.Mul(gather(dy), raw.SelectV2(is_zero, others, divided))


@segment_prod_op.gradient
def _segment_prod_gradient(call, dy):
    ids = call.inputs[1]
    grad = _product_gradient(
        call,
        dy,
        lambda x: raw.GatherV2(x, ids, _ZERO),
        lambda x: segment_sum_op(x, ids),
        lambda x: segment_prod_op(x, ids),
    )
    return grad, None


for _operation in (segment_sum_op, segment_mean_op, segment_max_op, segment_min_op, segment_prod_op):
    _operation.shape(_segment_shape)
    _operation.samples(_segment_samples)


# Segments in any order.

_UNSORTED = "data: T, segment_ids: Tindices, num_segments: static Tnumsegments -> output: T"
_COUNT = default("int32", INDEX)


def _unsorted(xp: Any, ufunc: str, neutral: Any, data: Any, segment_ids: Any, num_segments: Any) -> Any:
    count = int(num_segments)
    if count < 0:
        raise InvalidArgumentError(None, None, f"Input num_segments == {count} must not be negative.")
    rank = segment_ids.ndim
    if tuple(data.shape[:rank]) != tuple(segment_ids.shape):
        raise InvalidArgumentError(
            None,
            None,
            f"data.shape = {text(tuple(data.shape))} does not start with "
            f"segment_ids.shape = {text(tuple(segment_ids.shape))}",
        )
    rows = data.reshape(int(np.prod(segment_ids.shape, dtype=np.int64)), *data.shape[rank:])
    ids = segment_ids.reshape(-1)
    value = neutral(np.dtype(data.dtype))
    if xp is np:
        return _host_unsorted(getattr(np, ufunc), rows, ids.astype(np.int64), count, value)
    require(jnp.all(ids < count), f"segment_ids has a number that is out of range [0, {count})")
    places = jnp.where(ids < 0, count, ids)
    start = jnp.full((count, *rows.shape[1:]), value, data.dtype)
    method = {"add": "add", "multiply": "multiply", "maximum": "max", "minimum": "min"}[ufunc]
    if is_short_float(np.dtype(data.dtype)) and method in ("add", "multiply"):
        wide = getattr(start.astype(np.float32).at[places], method)(rows.astype(np.float32), mode="drop")
        return wide.astype(data.dtype)
    return getattr(start.at[places], method)(rows, mode="drop")


def _host_unsorted(ufunc: Any, rows: Any, ids: Any, count: int, neutral: Any) -> Any:
    beyond = ids >= count
    if beyond.any():
        first = int(np.argmax(beyond))
        raise InvalidArgumentError(None, None, f"segment_ids[{first}] = {ids[first]} is out of range [0, {count})")
    if ufunc is np.add and not is_short_float(rows.dtype):
        kept = ids >= 0  # a negative number drops its row
        if not kept.all():
            rows, ids = rows[kept], ids[kept]
        return sum_rows(ids, rows, count)
    if ids.size and ids[0] >= 0 and (ids[1:] >= ids[:-1]).all():  # the rows of ragged tensors are in order
        return reduce_runs(ufunc, rows, ids, count, neutral)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    if len(ids) and ids[0] < 0:
        order, ids = order[ids >= 0], ids[ids >= 0]
    return reduce_runs(ufunc, rows[order], ids, count, neutral)


def _unsorted_shape(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    with_rank(num_segments.shape, 0)
    count = None if num_segments.value is None else int(num_segments.value)
    if data is None or segment_ids is None:
        return None
    if count is not None and count < 0:
        raise ValueError(f"Dimension size, given by scalar input 2, must be non-negative but is {count}")
    if len(segment_ids) > len(data):
        raise ValueError(f"Shape must be at least rank {len(segment_ids)} but is rank {len(data)}")
    for ours, theirs in zip(data, segment_ids, strict=False):
        merge_dimensions(ours, theirs)
    return (count, *data[len(segment_ids) :])


def _unsorted_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        values = s.nonzero((3, 2), dtype) if dtype.is_complex else s.distinct((3, 2), dtype)
        yield s(values, np.array([1, 0, 1], np.int32), 2)
    # Segments without rows have the greatest of all numbers, which finite differences do not bear.
    yield s(s.distinct((4,)), np.array([1, -1, 1, 3], np.int64), np.int64(4), differences=False)
    yield s(s.distinct((2, 3)), np.array([[0, 0, 1], [1, 1, 1]], np.int32), 2)
    yield s(s.normal(2, 2), np.array([-1, -1], np.int32), 2, differences=False)
    yield s(s.empty(0, 2), np.array([], np.int32), 3, differences=False)
    yield s(s.normal(2), np.array([0, 7], np.int32), 3, error="InvalidArgumentError")
    yield s(s.normal(3), np.array([0, 1], np.int32), 3, error="InvalidArgumentError")
    yield s(s.normal(2), np.array([0, 1], np.int32), -3, error="InvalidArgumentError")


def _gather_or(params: Any, segment_ids: Any, data: Any, replacement: Any) -> Any:
    """Gathers a row for each segment number, and ``replacement`` where the number is negative."""
    rows = raw.GatherV2(params, raw.Maximum(segment_ids, np.zeros((), segment_ids.dtype.as_numpy_dtype)), _ZERO)
    return raw.SelectV2(_is_kept(segment_ids, data), rows, np.asarray(replacement, params.dtype.as_numpy_dtype))


def _is_kept(segment_ids: Any, data: Any) -> Any:
    kept = raw.GreaterEqual(segment_ids, np.zeros((), segment_ids.dtype.as_numpy_dtype))
    shape, ids_shape = known_shape(data), known_shape(segment_ids)
    if shape is not None and ids_shape is not None:
        for _ in range(len(shape) - len(ids_shape)):
            kept = raw.ExpandDims(kept, np.int32(-1))
        return kept
    extra = raw.Reshape(raw.Sub(raw.Rank(data), raw.Rank(segment_ids)), np.array([1], np.int32))
    sizes = raw.ConcatV2([raw.Shape(segment_ids), raw.Fill(extra, np.int32(1))], _ZERO)
    return raw.Reshape(kept, sizes)


@op("UnsortedSegmentSum", _UNSORTED, T=NUMBER, Tindices=("int16", *INDEX), Tnumsegments=_COUNT)
def unsorted_segment_sum_op(xp, data, segment_ids, num_segments):
    """Adds up the rows of each segment, in any order; rows with a negative number are dropped."""
    return _unsorted(xp, "add", lambda dtype: dtype.type(0), data, segment_ids, num_segments)


@unsorted_segment_sum_op.gradient
def _unsorted_segment_sum_gradient(call, dy):
    data, ids = call.inputs[:2]
    return _gather_or(dy, ids, data, 0), None, None


def _least(dtype: Any) -> Any:
    return dtype.type((np.iinfo if dtype.kind in "iu" else ml_dtypes.finfo)(dtype).min)


def _greatest(dtype: Any) -> Any:
    return dtype.type((np.iinfo if dtype.kind in "iu" else ml_dtypes.finfo)(dtype).max)


@op("UnsortedSegmentMax", _UNSORTED, T=REAL, Tindices=INDEX, Tnumsegments=_COUNT)
def unsorted_segment_max_op(xp, data, segment_ids, num_segments):
    """Finds the greatest element of each segment; the dtype's lowest number for segments without rows."""
    return _unsorted(xp, "maximum", _least, data, segment_ids, num_segments)


@op("UnsortedSegmentMin", _UNSORTED, T=REAL, Tindices=INDEX, Tnumsegments=_COUNT)
def unsorted_segment_min_op(xp, data, segment_ids, num_segments):
    """Finds the least element of each segment; the dtype's highest number for segments without rows."""
    return _unsorted(xp, "minimum", _greatest, data, segment_ids, num_segments)


@unsorted_segment_max_op.gradient
def _unsorted_extremum_gradient(call, dy):
    data, ids, count = call.inputs
    selected = raw.Equal(data, _gather_or(call.outputs[0], ids, data, 0))
    selected = raw.LogicalAnd(selected, _is_kept(ids, data))
    chosen = unsorted_segment_sum_op(raw.Cast(selected, DstT=dy.dtype), ids, count)
    shared = _gather_or(raw.RealDiv(dy, chosen), ids, data, 0)
    return raw.SelectV2(selected, shared, np.zeros((), dy.dtype.as_numpy_dtype)), None, None


unsorted_segment_min_op.gradient(_unsorted_extremum_gradient)


@op("UnsortedSegmentProd", _UNSORTED, T=NUMBER, Tindices=INDEX, Tnumsegments=_COUNT)
def unsorted_segment_prod_op(xp, data, segment_ids, num_segments):
    """Multiplies the rows of each segment, in any order; rows with a negative number are dropped."""
    return _unsorted(xp, "multiply", lambda dtype: dtype.type(1), data, segment_ids, num_segments)


@unsorted_segment_prod_op.gradient
def _unsorted_segment_prod_gradient(call, dy):
    data, ids, count = call.inputs
    grad = _product_gradient(
        call,
        dy,
        lambda x: _gather_or(x, ids, data, 0),
        lambda x: unsorted_segment_sum_op(x, ids, count),
        lambda x: unsorted_segment_prod_op(x, ids, count),
    )
    return grad, None, None


for _operation in (
    unsorted_segment_sum_op,
    unsorted_segment_max_op,
    unsorted_segment_min_op,
    unsorted_segment_prod_op,
):
    _operation.shape(_unsorted_shape)
    _operation.samples(_unsorted_samples)


# Public functions.


def _over_sorted(operation: Op, name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        return operation(data, segment_ids, name=name)

    return described(function, operation, name, _SORTED_ARGUMENTS)


def _over_unsorted(operation: Op, name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return operation(data, segment_ids, num_segments, name=name)

    return described(function, operation, name, _UNSORTED_ARGUMENTS)


def described(function: Callable[..., Any], operation: Op, name: str, details: str) -> Callable[..., Any]:
    """Gives a public function its name, and the docstring of its operation, followed by ``details``."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{operation.kernel.__doc__}\n{details}"
    return function


_SORTED_ARGUMENTS = """
    Args:
      data: a tensor of rank 1 or more.
      segment_ids: a vector with the segment of each row, ascending.
      name: the name of the node.

    Returns:
      A tensor like ``data`` with a row for each segment.

    Raises:
      InvalidArgumentError: the numbers do not ascend, or are not as many as the rows.
    """
_UNSORTED_ARGUMENTS = """
    Args:
      data: a tensor whose shape starts with that of ``segment_ids``.
      segment_ids: the segment of each row, in any order; negative ones drop the row.
      num_segments: the number of segments.
      name: the name of the node.

    Returns:
      A tensor with a row for each segment.

    Raises:
      InvalidArgumentError: a number is not below ``num_segments``, or the shapes do not fit.
    """

segment_sum = _over_sorted(segment_sum_op, "segment_sum")
segment_mean = _over_sorted(segment_mean_op, "segment_mean")
segment_max = _over_sorted(segment_max_op, "segment_max")
segment_min = _over_sorted(segment_min_op, "segment_min")
segment_prod = _over_sorted(segment_prod_op, "segment_prod")
unsorted_segment_sum = _over_unsorted(unsorted_segment_sum_op, "unsorted_segment_sum")
unsorted_segment_max = _over_unsorted(unsorted_segment_max_op, "unsorted_segment_max")
unsorted_segment_min = _over_unsorted(unsorted_segment_min_op, "unsorted_segment_min")
unsorted_segment_prod = _over_unsorted(unsorted_segment_prod_op, "unsorted_segment_prod")


def _row_counts(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Counts the rows of each segment, at least 1, in a shape that broadcasts against the sums."""
    shape, ids_shape = known_shape(data), known_shape(segment_ids)
    ones = raw.Fill(raw.Shape(segment_ids), np.ones((), data.dtype.as_numpy_dtype))
    counts = unsorted_segment_sum_op(ones, segment_ids, num_segments)
    if shape is not None and ids_shape is not None:
        for _ in range(len(shape) - len(ids_shape)):
            counts = raw.ExpandDims(counts, np.int32(-1))
    else:
        extra = raw.Reshape(raw.Sub(raw.Rank(data), raw.Rank(segment_ids)), np.array([1], np.int32))
        sizes = raw.ConcatV2([raw.Shape(counts), raw.Fill(extra, np.int32(1))], np.int32(0))
        counts = raw.Reshape(counts, sizes)
    return raw.Maximum(counts, np.ones((), data.dtype.as_numpy_dtype))


def _tensors(data: Any, segment_ids: Any) -> tuple[Any, Any]:
    return tuple(item if isinstance(item, Tensor) else convert_to_tensor(item) for item in (data, segment_ids))  # type: ignore[return-value]


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Averages the rows of each segment, in any order; 0 for segments without rows.

    See ``unsorted_segment_sum`` for the arguments.
    """
    with name_scope(name, "UnsortedSegmentMean"):
        data, segment_ids = _tensors(data, segment_ids)
        counts = _row_counts(data, segment_ids, num_segments)
        total = unsorted_segment_sum_op(data, segment_ids, num_segments)
        return raw.RealDiv(total, counts, name="truediv")


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Adds up the rows of each segment, in any order, and divides by the square root of their number.

    See ``unsorted_segment_sum`` for the arguments.
    """
    with name_scope(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = _tensors(data, segment_ids)
        counts = _row_counts(data, segment_ids, num_segments)
        total = unsorted_segment_sum_op(data, segment_ids, num_segments)
        return raw.RealDiv(total, raw.Sqrt(counts), name="truediv")
