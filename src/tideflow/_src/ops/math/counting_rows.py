"""Counts the numbers in the rows of sparse and ragged tensors, and segments of a given number."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX, NUMBER, REAL
from tideflow._src.ops.dimensions import text, with_rank
from tideflow._src.ops.math import segments
from tideflow._src.runtime.op import Op, op

_WEIGHTS = ("int32", "int64", "float", "double")
_LIMIT = 1 << 40


def _counts(rows: Any, count: int, values: Any, size: Any, weights: Any, binary: bool) -> Any:
    """Counts the values of each of ``count`` rows; weights, if any, say how much each one counts."""
    if np.ndim(size):
        raise invalid_argument(f"size must hold 1 element, but its shape is {text(np.shape(size))}")
    width = int(np.reshape(size, ()))
    if width < 0:
        raise invalid_argument(f"size ({width}) must be non-negative")
    if weights.size and weights.shape != values.shape:
        raise invalid_argument(
            "`weights` must be the same shape as `values` or a length-0 `Tensor`, in which case it acts as all weights "
            f"equal to 1. Received {text(weights.shape)}"
        )
    if (values < 0).any():
        raise invalid_argument("Input must be non-negative")
    if width * count > _LIMIT:
        raise invalid_argument(f"The counts have too many elements: {count} rows of {width}")
    result = np.zeros((count, width), weights.dtype)
    inside = values < width
    if binary:
        result[rows[inside], values[inside]] = 1
    elif weights.size:
        np.add.at(result, (rows[inside], values[inside]), weights[inside])
    else:
        np.add.at(result, (rows[inside], values[inside]), 1)
    return result


@op(
    "RaggedBincount",
    "splits: int64, values: Tidx, size: static Tidx, weights: T -> output: T",
    tier="host",
    Tidx=INDEX,
    T=_WEIGHTS,
    differentiable="missing",
)
def ragged_bincount_op(splits, values, size, weights, *, binary_output: bool = False):
    """Counts the numbers in each row of a ragged matrix."""
    if splits.ndim != 1 or not splits.size:
        raise invalid_argument(f"Splits must be a non-empty vector, but its shape is {text(splits.shape)}")
    if splits[0] != 0:
        raise invalid_argument(f"Splits must start with 0, not with {splits[0]}")
    if splits[-1] != values.size:
        raise invalid_argument(f"Splits must end with the number of values, got {splits[-1]} instead of {values.size}")
    if (splits[1:] < splits[:-1]).any():
        raise invalid_argument("Splits must be in ascending order")
    rows = np.repeat(np.arange(splits.size - 1), np.diff(splits))
    return _counts(rows, splits.size - 1, values.reshape(-1), size, weights.reshape(-1), binary_output)


@ragged_bincount_op.shape
def _ragged_bincount_shape(splits, values, size, weights):
    rows = with_rank(splits, 1)[0]
    width = None if size.value is None else max(int(np.reshape(size.value, -1)[0]), 0)
    return (None if rows is None else rows - 1, width)


@ragged_bincount_op.samples
def _ragged_bincount_samples(s):
    splits = np.int64([0, 1, 1, 4])
    for dtype in s.dtypes("T"):
        yield s(splits, [1, 2, 2, 7], 4, s.positive((4,), dtype))
    for dtype in s.dtypes("Tidx"):
        kind = dtype.as_numpy_dtype
        yield s(splits, np.array([1, 2, 2, 7], kind), np.array(4, kind), s.empty(0), binary_output=True)
    yield s(splits, [1, 2, 2, 3], 4, s.empty(0))
    yield s(splits, [1, 2, -2, 3], 4, s.empty(0), error="InvalidArgumentError")
    yield s(np.int64([0, 1]), [1, 2], 4, s.empty(0), error="InvalidArgumentError")
    yield s(np.int64([1, 2]), [1, 2], 4, s.empty(0), error="InvalidArgumentError")
    yield s(splits, [1, 2, 2, 3], -4, s.empty(0), error="InvalidArgumentError")


@op(
    "SparseBincount",
    "indices: int64, values: Tidx, dense_shape: static int64, size: static Tidx, weights: T -> output: T",
    tier="host",
    Tidx=INDEX,
    T=_WEIGHTS,
    differentiable="missing",
)
def sparse_bincount_op(indices, values, dense_shape, size, weights, *, binary_output: bool = False):
    """Counts the numbers of a sparse vector, or in each row of a sparse matrix."""
    if indices.ndim != 2 or dense_shape.ndim != 1 or indices.shape[1] != dense_shape.size:
        raise invalid_argument(
            f"indices must be a matrix with a column for each dimension of dense_shape, but their shapes are "
            f"{text(indices.shape)} and {text(dense_shape.shape)}"
        )
    if values.ndim != 1 or len(values) != len(indices):
        raise invalid_argument(
            f"values must be a vector of {len(indices)} numbers, but its shape is {text(values.shape)}"
        )
    if not 1 <= dense_shape.size <= 2:
        raise invalid_argument(f"Only vectors and matrices can be counted, but dense_shape is {dense_shape.tolist()}")
    if (dense_shape < 0).any() or ((indices < 0) | (indices >= dense_shape)).any():
        raise invalid_argument(f"An index is out of bounds: the shape is {dense_shape.tolist()}")
    matrix = dense_shape.size == 2
    count = int(dense_shape[0]) if matrix else 1
    rows = indices[:, 0] if matrix else np.zeros(len(indices), np.int64)
    result = _counts(rows, count, values, size, weights.reshape(-1), binary_output)
    return result if matrix else result[0]


@sparse_bincount_op.shape
def _sparse_bincount_shape(indices, values, dense_shape, size, weights):
    width = None if size.value is None or np.size(size.value) != 1 else int(np.reshape(size.value, -1)[0])
    if width is not None and width < 0:
        raise ValueError(f"size ({width}) must be non-negative")
    rank = None if dense_shape.shape is None else with_rank(dense_shape.shape, 1)[0]
    if rank is None:
        return None
    if rank not in (1, 2):
        raise ValueError(f"Only vectors and matrices can be counted, but dense_shape has {rank} elements")
    known = dense_shape.integers()
    return (width,) if rank == 1 else (None if known is None else known[0], width)


@sparse_bincount_op.samples
def _sparse_bincount_samples(s):
    places, shape = np.int64([[0, 0], [1, 0], [1, 1]]), np.int64([2, 3])
    for dtype in s.dtypes("T"):
        yield s(places, [1, 2, 7], shape, 4, s.positive((3,), dtype))
    yield s(places, [1, 2, 2], shape, 4, s.empty(0))
    yield s(places[:, :1], [1, 2, 2], shape[:1], 4, s.empty(0), binary_output=True)
    yield s(places, [1, -2, 2], shape, 4, s.empty(0), error="InvalidArgumentError")
    yield s(places, [1, 2, 2], shape, -4, s.empty(0), error="InvalidArgumentError")


# Segments of a given number.


def _define_segment(name: str, base: Op, summary: str, types: Any) -> Op:
    """Defines a reduction over ascending segments, whose number is given, that is otherwise as the unsorted one."""

    def kernel(xp, data, segment_ids, num_segments):
        return base.kernel(xp, data, segment_ids, num_segments)

    kernel.__doc__ = summary
    definition: Op = op(
        name,
        "data: T, segment_ids: Tindices, num_segments: static Tnumsegments -> output: T",
        T=types,
        Tindices=INDEX,
        Tnumsegments=default("int32", INDEX),
        differentiable="missing",
    )(kernel)
    definition.host_kernel, definition.xla_kernel = base.host_kernel, base.xla_kernel
    definition.shape_rule = base.shape_rule
    definition.samples(_segment_samples)
    return definition


def _segment_samples(s: Any) -> Any:
    yield s(s.normal(3, 2), [0, 0, 2], 4, gradient=False)
    yield s(s.integers(1, 5, (3, 2)), np.int64([0, 0, 2]), 4, gradient=False)
    yield s(s.normal(3, 2), [0, 0], 4, error="InvalidArgumentError")


segment_sum_v2_op = _define_segment(
    "SegmentSumV2", segments.unsorted_segment_sum_op, "Adds up the rows of each of a number of segments.", NUMBER
)
segment_prod_v2_op = _define_segment(
    "SegmentProdV2", segments.unsorted_segment_prod_op, "Multiplies the rows of each of a number of segments.", NUMBER
)
segment_min_v2_op = _define_segment(
    "SegmentMinV2", segments.unsorted_segment_min_op, "Finds the least elements of each of a number of segments.", REAL
)
segment_max_v2_op = _define_segment(
    "SegmentMaxV2", segments.unsorted_segment_max_op, "Finds the greatest elements of each segment.", REAL
)
