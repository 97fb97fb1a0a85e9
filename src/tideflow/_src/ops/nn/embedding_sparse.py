"""Looking up and combining several rows of an embedding table for each example."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.casting import cast
from tideflow._src.ops.nn.embedding import embedding_lookup_v1
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.sparse_tensor import SparseTensor


def embedding_lookup_sparse(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    combiner: str | None = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """Looks up rows of an embedding table and combines those of each example.

    Args:
      params: the table, or a list of its parts: the rows are split into contiguous ranges (``"div"``).
      sp_ids: a sparse matrix of ids; every row of it must have at least one.
      sp_weights: a sparse matrix of weights with the same indices, or None for ones.
      combiner: ``"sum"``, ``"mean"`` (the default; divided by the sum of weights) or ``"sqrtn"`` (divided by the root
        of the sum of their squares).
      max_norm: the Euclidean norm that longer embeddings are scaled down to before they are combined.
      name: the name of the scope.
      allow_fast_lookup: accepted for TensorFlow's signature.

    Returns:
      A tensor with a row for each row of ``sp_ids``.

    Raises:
      TypeError: ``sp_ids`` or ``sp_weights`` is not sparse.
      ValueError: ``combiner`` is another word.
    """
    return embedding_lookup_sparse_v1(params, sp_ids, sp_weights, "div", name, combiner, max_norm, allow_fast_lookup)


def embedding_lookup_sparse_v1(
    params: Any,
    sp_ids: Any,
    sp_weights: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: Any = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """Looks up and combines rows, with TensorFlow 1's arguments; see :func:`embedding_lookup_sparse`.

    Args:
      params: the table, or a list of its parts.
      sp_ids: a sparse matrix of ids.
      sp_weights: a sparse matrix of weights, or None.
      partition_strategy: how rows are split over several parts: in turn (``"mod"``), or in ranges (``"div"``).
      name: the name of the scope.
      combiner: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
      max_norm: the Euclidean norm that longer embeddings are scaled down to.
      allow_fast_lookup: accepted for TensorFlow's signature.
    """
    combiner = combiner or "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise ValueError(f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}")
    for label, value in (("sp_ids", sp_ids), ("sp_weights", sp_weights)):
        if not isinstance(value, SparseTensor) and not (label == "sp_weights" and value is None):
            raise TypeError(f"{label} must be SparseTensor, got {type(value)}")
    with name_scope(name, "embedding_lookup_sparse") as scope:
        segments = sp_ids.indices[:, 0]
        ids, places = raw.Unique(sp_ids.values)
        rows = embedding_lookup_v1(params, ids, partition_strategy, max_norm=max_norm)
        if sp_weights is None:
            operation = {"sum": raw.SparseSegmentSum, "mean": raw.SparseSegmentMean, "sqrtn": raw.SparseSegmentSqrtN}
            return operation[combiner](rows, places, segments, name=scope or None)
        kind = rows.dtype
        wide = dtypes.float32 if kind in (dtypes.float16, dtypes.bfloat16) else kind
        weights = cast(sp_weights.values, wide)
        taken = raw.GatherV2(cast(rows, wide), places, np.int32(0))
        ones = [1] * (len(taken.shape) - 1)
        column = raw.Reshape(weights, np.array([-1, *ones], np.int32))
        total = raw.SegmentSum(raw.Mul(taken, column), segments)
        if combiner != "sum":
            of_weights = column if combiner == "mean" else raw.Square(column)
            scale = raw.SegmentSum(of_weights, segments)
            total = raw.DivNoNan(total, scale if combiner == "mean" else raw.Sqrt(scale))
        return cast(total, kind)
