"""Public functions of segments: ``tf.math.segment_*``, ``unsorted_segment_*`` and ``tf.sparse.segment_*``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.math import segment, sparse_segment
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import Op


def _sorted(operation: Op, name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        return operation(data, segment_ids, name=name)

    return _described(function, operation, name, _SORTED)


def _unsorted(operation: Op, name: str) -> Callable[..., Any]:
    def function(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
        return operation(data, segment_ids, num_segments, name=name)

    return _described(function, operation, name, _UNSORTED)


def _described(function: Callable[..., Any], operation: Op, name: str, details: str) -> Callable[..., Any]:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{operation.kernel.__doc__}\n{details}"
    return function


_SORTED = """
    Args:
      data: a tensor of rank 1 or more.
      segment_ids: a vector with the segment of each row, ascending.
      name: the name of the node.

    Returns:
      A tensor like ``data`` with a row for each segment.

    Raises:
      InvalidArgumentError: the numbers do not ascend, or are not as many as the rows.
    """
_UNSORTED = """
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

segment_sum = _sorted(segment.segment_sum_op, "segment_sum")
segment_mean = _sorted(segment.segment_mean_op, "segment_mean")
segment_max = _sorted(segment.segment_max_op, "segment_max")
segment_min = _sorted(segment.segment_min_op, "segment_min")
segment_prod = _sorted(segment.segment_prod_op, "segment_prod")
unsorted_segment_sum = _unsorted(segment.unsorted_segment_sum_op, "unsorted_segment_sum")
unsorted_segment_max = _unsorted(segment.unsorted_segment_max_op, "unsorted_segment_max")
unsorted_segment_min = _unsorted(segment.unsorted_segment_min_op, "unsorted_segment_min")
unsorted_segment_prod = _unsorted(segment.unsorted_segment_prod_op, "unsorted_segment_prod")


def _row_counts(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    """Counts the rows of each segment, at least 1, in a shape that broadcasts against the sums."""
    shape, ids_shape = known_shape(data), known_shape(segment_ids)
    ones = raw.Fill(raw.Shape(segment_ids), np.ones((), data.dtype.as_numpy_dtype))
    counts = segment.unsorted_segment_sum_op(ones, segment_ids, num_segments)
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
        total = segment.unsorted_segment_sum_op(data, segment_ids, num_segments)
        return raw.RealDiv(total, counts, name="truediv")


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """Adds up the rows of each segment, in any order, and divides by the square root of their number.

    See ``unsorted_segment_sum`` for the arguments.
    """
    with name_scope(name, "UnsortedSegmentSqrtN"):
        data, segment_ids = _tensors(data, segment_ids)
        counts = _row_counts(data, segment_ids, num_segments)
        total = segment.unsorted_segment_sum_op(data, segment_ids, num_segments)
        return raw.RealDiv(total, raw.Sqrt(counts), name="truediv")


def _sparse(plain: Op, counted: Op, name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
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

    _described(function_v1, plain, f"{name}_v1", f"\n    With TensorFlow 1's arguments; see ``{name}``.\n    ")
    return _described(function, plain, name, _PICKED), function_v1


_PICKED = """
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

sparse_segment_sum, sparse_segment_sum_v1 = _sparse(
    sparse_segment.sparse_segment_sum_op,
    sparse_segment.sparse_segment_sum_with_num_segments_op,
    "sparse_segment_sum",
)
sparse_segment_mean, sparse_segment_mean_v1 = _sparse(
    sparse_segment.sparse_segment_mean_op,
    sparse_segment.sparse_segment_mean_with_num_segments_op,
    "sparse_segment_mean",
)
sparse_segment_sqrt_n, sparse_segment_sqrt_n_v1 = _sparse(
    sparse_segment.sparse_segment_sqrt_n_op,
    sparse_segment.sparse_segment_sqrt_n_with_num_segments_op,
    "sparse_segment_sqrt_n",
)
