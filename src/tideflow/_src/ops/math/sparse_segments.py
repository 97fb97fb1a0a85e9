"""Reductions over segments of rows that are picked by their indices: operations, gradients, ``tf.sparse.segment_*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, INDEX, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.row_sums import sum_picked_rows, sum_rows, sum_spread_rows
from tideflow._src.ops.dimensions import known_shape, merge_dimensions, with_rank, with_rank_at_least
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.ops.math.segments import check_ascending, described, reduce_runs
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.op import Op, op

_INDEX = default("int32", INDEX)
_SIGNATURE = "data: T, indices: Tidx, segment_ids: Tsegmentids -> output: T"
_COUNTED = "data: T, indices: Tidx, segment_ids: Tsegmentids, num_segments: Tnumsegments -> output: T"
_GRADIENT = "grad: T, indices: Tidx, segment_ids: Tsegmentids, output_dim0: int32 -> output: T"


def _reduce(data: Any, indices: Any, segment_ids: Any, num_segments: Any, power: float) -> Any:
    """Sums picked rows by segment and divides by the number of rows to ``power``."""
    if indices.ndim != 1 or segment_ids.ndim != 1 or indices.shape != segment_ids.shape:
        raise InvalidArgumentError(
            None,
            None,
            "segment_ids and indices should be vectors of the same size, "
            f"got shapes {list(segment_ids.shape)} and {list(indices.shape)}.",
        )
    ids = check_ascending(segment_ids)
    count = int(ids[-1]) + 1 if len(ids) else 0
    if num_segments is not None:
        wanted = int(scalar(num_segments, "num_segments"))
        if wanted < 0:
            raise InvalidArgumentError(None, None, f"num_segments must be non-negative, got {wanted}")
        if wanted < count:
            raise InvalidArgumentError(None, None, f"segment ids must be < num_segments, got {count - 1} and {wanted}")
        count = wanted
    _check_indices(indices, data.shape[0])
    if is_short_float(data.dtype):
        total = reduce_runs(np.add, data[indices].astype(np.float32), ids, count, 0)
    else:
        total = sum_picked_rows(data, indices, ids, count)
    if power:
        sizes = np.maximum(np.bincount(ids, minlength=count), 1).astype(total.dtype) ** total.dtype.type(power)
        total = total / sizes.reshape(-1, *(1,) * (total.ndim - 1))
    return total.astype(data.dtype)


def _check_indices(indices: Any, size: int) -> None:
    bad = (indices < 0) | (indices >= size)
    if bad.any():
        first = int(np.argmax(bad))
        raise InvalidArgumentError(None, None, f"Bad: indices[{first}] == {indices[first]} out of range [0, {size})")


def _gradient_kernel(grad: Any, indices: Any, segment_ids: Any, output_dim0: Any, power: float) -> Any:
    """Adds each segment's gradient, divided as the sum was, to the rows that were picked."""
    if indices.ndim != 1 or indices.shape != segment_ids.shape:
        shapes = f"{list(segment_ids.shape)} and {list(indices.shape)}"
        raise InvalidArgumentError(None, None, f"segment_ids and indices should be vectors of one size, got {shapes}.")
    size = int(scalar(output_dim0, "output_dim0"))
    _check_indices(indices, size)
    ids = segment_ids.astype(np.int64)
    bad = (ids < 0) | (ids >= grad.shape[0])
    if bad.any():
        first = int(np.argmax(bad))
        raise InvalidArgumentError(None, None, f"Segment id {ids[first]} out of range [0, {grad.shape[0]}).")
    wide = grad.astype(np.float32) if is_short_float(grad.dtype) else grad
    if power and len(ids):
        sizes = np.maximum(np.bincount(ids, minlength=grad.shape[0]), 1).astype(wide.dtype) ** wide.dtype.type(power)
        wide = wide / sizes.reshape(-1, *(1,) * (wide.ndim - 1))
    if (ids[1:] >= ids[:-1]).all():
        return sum_spread_rows(wide, ids, indices, size).astype(grad.dtype, copy=False)
    return sum_rows(indices, wide[ids], size).astype(grad.dtype, copy=False)


def _shape(data: Any, indices: Any, segment_ids: Any) -> Any:
    data, indices, segment_ids = with_rank_at_least(data, 1), with_rank(indices, 1), with_rank(segment_ids, 1)
    merge_dimensions(indices[0], segment_ids[0])
    return None if data is None else (None, *data[1:])


def _counted_shape(data: Any, indices: Any, segment_ids: Any, num_segments: Any) -> Any:
    result = _shape(data, indices, segment_ids)
    with_rank(num_segments.shape, 0)
    if result is None or num_segments.value is None:
        return result
    return (int(num_segments.value), *result[1:])


def _gradient_shape(grad: Any, indices: Any, segment_ids: Any, output_dim0: Any) -> Any:
    grad = with_rank_at_least(grad, 1)
    merge_dimensions(with_rank(indices, 1)[0], with_rank(segment_ids, 1)[0])
    with_rank(output_dim0.shape, 0)
    if grad is None:
        return None
    return (None if output_dim0.value is None else int(output_dim0.value), *grad[1:])


def _first_size(x: Any) -> Any:
    shape = known_shape(x)
    if shape is not None and shape[0] is not None:
        return np.int32(shape[0])
    return raw.GatherV2(raw.Shape(x), np.int32(0), np.int32(0))


def _samples(s: Any, *counted: int) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 2), dtype), [0, 1, 2, 0], [0, 0, 2, 2], *counted)
    yield s(s.normal(3), np.array([2, 0], np.int64), np.array([0, 1], np.int64), *counted)
    yield s(s.normal(3, 2), [0, 3], [0, 0], *counted, error="InvalidArgumentError")
    yield s(s.normal(3, 2), [0, 2], [1, 0], *counted, error="InvalidArgumentError")
    yield s(s.normal(3, 2), [0, 2], [0], *counted, error="InvalidArgumentError")
    if counted:
        yield s(s.normal(3, 2), [0, 2], [0, 5], *counted, error="InvalidArgumentError")


def _gradient_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 2), dtype), [0, 1, 2, 0], [0, 0, 2, 2], 4)
    yield s(s.normal(3, 2), [0, 7], [0, 0], 4, error="InvalidArgumentError")


def _gradient_rule(name: str) -> Any:
    def rule(call: Any, dy: Any) -> Any:
        data, indices, ids = call.inputs[:3]
        size = _first_size(data)
        if data.dtype.is_integer:
            return (None,) * len(call.inputs)
        gradient = getattr(raw, name)(dy, indices, ids, size)
        return (gradient, *(None,) * (len(call.inputs) - 1))

    return rule


def _second_rule(name: str) -> Any:
    def rule(call: Any, dy: Any) -> Any:
        gradient, indices, ids = call.inputs[:3]
        return getattr(raw, name)(dy, indices, ids, _first_size(gradient)), None, None, None

    return rule


@op("SparseSegmentSum", _SIGNATURE, tier="host", T=REAL, Tidx=_INDEX, Tsegmentids=_INDEX)
def sparse_segment_sum_op(data, indices, segment_ids, *, sparse_gradient: bool = False):
    """Adds up the picked rows of each segment."""
    return _reduce(data, indices, segment_ids, None, 0)


@op("SparseSegmentMean", _SIGNATURE, tier="host", T=FLOATING, Tidx=_INDEX, Tsegmentids=_INDEX)
def sparse_segment_mean_op(data, indices, segment_ids, *, sparse_gradient: bool = False):
    """Averages the picked rows of each segment."""
    return _reduce(data, indices, segment_ids, None, 1)


@op("SparseSegmentSqrtN", _SIGNATURE, tier="host", T=FLOATING, Tidx=_INDEX, Tsegmentids=_INDEX)
def sparse_segment_sqrt_n_op(data, indices, segment_ids, *, sparse_gradient: bool = False):
    """Adds up the picked rows of each segment and divides by the square root of their number."""
    return _reduce(data, indices, segment_ids, None, 0.5)


_TYPES = {"Tidx": _INDEX, "Tsegmentids": _INDEX, "Tnumsegments": _INDEX}
_COUNTED_STATIC = _COUNTED.replace("num_segments:", "num_segments: static")


@op("SparseSegmentSumWithNumSegments", _COUNTED_STATIC, tier="host", T=REAL, **_TYPES)
def sparse_segment_sum_with_num_segments_op(data, indices, segment_ids, num_segments, *, sparse_gradient: bool = False):
    """Adds up the picked rows of each of a number of segments."""
    return _reduce(data, indices, segment_ids, num_segments, 0)


@op("SparseSegmentMeanWithNumSegments", _COUNTED_STATIC, tier="host", T=FLOATING, **_TYPES)
def sparse_segment_mean_with_num_segments_op(
    data, indices, segment_ids, num_segments, *, sparse_gradient: bool = False
):
    """Averages the picked rows of each of a number of segments."""
    return _reduce(data, indices, segment_ids, num_segments, 1)


@op("SparseSegmentSqrtNWithNumSegments", _COUNTED_STATIC, tier="host", T=FLOATING, **_TYPES)
def sparse_segment_sqrt_n_with_num_segments_op(
    data, indices, segment_ids, num_segments, *, sparse_gradient: bool = False
):
    """Adds up the picked rows of each of a number of segments and divides by the square root of their number."""
    return _reduce(data, indices, segment_ids, num_segments, 0.5)


_GRADIENT_STATIC = _GRADIENT.replace("output_dim0:", "output_dim0: static")
_GRADIENT_OPTIONS: dict[str, Any] = {
    "tier": "host",
    "T": FLOATING,
    "Tidx": _INDEX,
    "Tsegmentids": _INDEX,
}


@op("SparseSegmentSumGrad", _GRADIENT_STATIC, **_GRADIENT_OPTIONS)
def sparse_segment_sum_grad_op(grad, indices, segment_ids, output_dim0):
    """Is the gradient of ``SparseSegmentSum``."""
    return _gradient_kernel(grad, indices, segment_ids, output_dim0, 0)


@op("SparseSegmentMeanGrad", _GRADIENT_STATIC, **_GRADIENT_OPTIONS)
def sparse_segment_mean_grad_op(grad, indices, segment_ids, output_dim0):
    """Is the gradient of ``SparseSegmentMean``."""
    return _gradient_kernel(grad, indices, segment_ids, output_dim0, 1)


@op("SparseSegmentSqrtNGrad", _GRADIENT_STATIC, **_GRADIENT_OPTIONS)
def sparse_segment_sqrt_n_grad_op(grad, indices, segment_ids, output_dim0):
    """Is the gradient of ``SparseSegmentSqrtN``."""
    return _gradient_kernel(grad, indices, segment_ids, output_dim0, 0.5)


for _plain, _counted, _grad in (
    (sparse_segment_sum_op, sparse_segment_sum_with_num_segments_op, sparse_segment_sum_grad_op),
    (sparse_segment_mean_op, sparse_segment_mean_with_num_segments_op, sparse_segment_mean_grad_op),
    (sparse_segment_sqrt_n_op, sparse_segment_sqrt_n_with_num_segments_op, sparse_segment_sqrt_n_grad_op),
):
    _plain.shape(_shape)
    _plain.samples(_samples)
    _plain.gradient(_gradient_rule(_grad.name))
    _counted.shape(_counted_shape)
    _counted.samples(lambda s: _samples(s, 4))
    _counted.gradient(_gradient_rule(_grad.name))
    _grad.shape(_gradient_shape)
    _grad.samples(_gradient_samples)
    _grad.gradient(_second_rule(_counted.name))


# Gradients that leave out the rows that nobody picked.

_GRADIENT_V2 = (
    "grad: T, indices: Tidx, segment_ids: Tsegmentids, dense_output_dim0: static int32 -> output: T, "
    "sorted_unique_indices: Tidx"
)


def _compact(grad: Any, indices: Any, segment_ids: Any, dense_output_dim0: Any, power: float) -> tuple[Any, Any]:
    """Adds up the gradients of the rows that were picked; returns these, and which rows they are."""
    if indices.ndim == 1 and indices.shape == segment_ids.shape:
        size = int(scalar(dense_output_dim0, "dense_output_dim0"))
        if size < 0:
            raise InvalidArgumentError(None, None, f"Expected a non-negative size, got {size}")
        if not size:
            return np.zeros((0, *grad.shape[1:]), grad.dtype), indices[:0]
        bad = (indices < 0) | (indices >= size)
        if bad.any():
            raise InvalidArgumentError(None, None, f"Index {indices[int(np.argmax(bad))]} out of range [0, {size}).")
        rows, numbers = np.unique(indices, return_inverse=True)
        numbers = numbers.reshape(-1)
        return _gradient_kernel(grad, numbers, segment_ids, np.int32(len(rows)), power), rows
    return _gradient_kernel(grad, indices, segment_ids, dense_output_dim0, power), indices


def _compact_shape(grad: Any, indices: Any, segment_ids: Any, dense_output_dim0: Any) -> Any:
    grad = with_rank_at_least(grad, 1)
    merge_dimensions(with_rank(indices, 1)[0], with_rank(segment_ids, 1)[0])
    with_rank(dense_output_dim0.shape, 0)
    return None if grad is None else (None, *grad[1:]), (None,)


_COMPACT_OPTIONS: dict[str, Any] = {**_GRADIENT_OPTIONS, "differentiable": "missing"}


@op("SparseSegmentSumGradV2", _GRADIENT_V2, **_COMPACT_OPTIONS)
def sparse_segment_sum_grad_v2_op(grad, indices, segment_ids, dense_output_dim0):
    """Is the gradient of ``SparseSegmentSum`` for the rows that were picked."""
    return _compact(grad, indices, segment_ids, dense_output_dim0, 0)


@op("SparseSegmentMeanGradV2", _GRADIENT_V2, **_COMPACT_OPTIONS)
def sparse_segment_mean_grad_v2_op(grad, indices, segment_ids, dense_output_dim0):
    """Is the gradient of ``SparseSegmentMean`` for the rows that were picked."""
    return _compact(grad, indices, segment_ids, dense_output_dim0, 1)


@op("SparseSegmentSqrtNGradV2", _GRADIENT_V2, **_COMPACT_OPTIONS)
def sparse_segment_sqrt_n_grad_v2_op(grad, indices, segment_ids, dense_output_dim0):
    """Is the gradient of ``SparseSegmentSqrtN`` for the rows that were picked."""
    return _compact(grad, indices, segment_ids, dense_output_dim0, 0.5)


for _compact_op in (sparse_segment_sum_grad_v2_op, sparse_segment_mean_grad_v2_op, sparse_segment_sqrt_n_grad_v2_op):
    _compact_op.shape(_compact_shape)
    _compact_op.samples(_gradient_samples)


# Public functions.


def _over_picked(plain: Op, counted: Op, name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def function(
        data: Any,
        indices: Any,
        segment_ids: Any,
        num_segments: Any = None,
        name: str | None = None,
        sparse_gradient: bool = False,
    ) -> Any:
        if num_segments is None:
            return plain(data, indices, segment_ids, sparse_gradient=sparse_gradient, name=name)
        return counted(data, indices, segment_ids, num_segments, sparse_gradient=sparse_gradient, name=name)

    def function_v1(
        data: Any,
        indices: Any,
        segment_ids: Any,
        name: str | None = None,
        num_segments: Any = None,
        sparse_gradient: bool = False,
    ) -> Any:
        return function(data, indices, segment_ids, num_segments, name, sparse_gradient)

    described(function_v1, plain, f"{name}_v1", f"\n    With TensorFlow 1's arguments; see ``{name}``.\n    ")
    return described(function, plain, name, _PICKED_ARGUMENTS), function_v1


_PICKED_ARGUMENTS = """
    Args:
      data: a tensor of rank 1 or more.
      indices: a vector with the rows to pick.
      segment_ids: a vector with the segment of each picked row, ascending.
      num_segments: the number of segments; one more than the last if None.
      name: the name of the node.
      sparse_gradient: a hint that the gradient touches few rows.

    Returns:
      A tensor like ``data`` with a row for each segment.

    Raises:
      InvalidArgumentError: an index is out of range, or the numbers do not ascend.
    """

sparse_segment_sum, sparse_segment_sum_v1 = _over_picked(
    sparse_segment_sum_op,
    sparse_segment_sum_with_num_segments_op,
    "sparse_segment_sum",
)
sparse_segment_mean, sparse_segment_mean_v1 = _over_picked(
    sparse_segment_mean_op,
    sparse_segment_mean_with_num_segments_op,
    "sparse_segment_mean",
)
sparse_segment_sqrt_n, sparse_segment_sqrt_n_v1 = _over_picked(
    sparse_segment_sqrt_n_op,
    sparse_segment_sqrt_n_with_num_segments_op,
    "sparse_segment_sqrt_n",
)
