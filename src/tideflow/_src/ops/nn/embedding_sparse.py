"""Looking up and combining several rows of an embedding table for each example."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.array.slicing import slice as slice_of
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


def safe_embedding_lookup_sparse(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = "mean",
    default_id: Any = None,
    max_norm: Any = None,
    name: str | None = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """Looks up and combines rows; examples may have no id at all, and bad ids and weights do not count.

    Args:
      embedding_weights: the table, or a list of its parts: the rows are split into contiguous ranges (``"div"``).
      sparse_ids: a sparse tensor of ids of rank 1 or more; those of the last dimension are combined.
      sparse_weights: a sparse tensor of weights with the same indices, or None for ones.
      combiner: ``"sum"``, ``"mean"`` or ``"sqrtn"``; the last two leave weights out that are not positive.
      default_id: the row for an example without ids; zeros by default.
      max_norm: the Euclidean norm that longer embeddings are scaled down to before they are combined.
      name: the name of the scope.
      allow_fast_lookup: accepted for TensorFlow's signature.

    Returns:
      A tensor of the shape of ``sparse_ids`` but for the last dimension, which is that of the embeddings.

    Raises:
      ValueError: there are no ``embedding_weights``, or ``combiner`` is another word.
    """
    return safe_embedding_lookup_sparse_v1(
        embedding_weights,
        sparse_ids,
        sparse_weights=sparse_weights,
        combiner=combiner,
        default_id=default_id,
        name=name,
        partition_strategy="div",
        max_norm=max_norm,
        allow_fast_lookup=allow_fast_lookup,
    )


def safe_embedding_lookup_sparse_v1(
    embedding_weights: Any,
    sparse_ids: Any,
    sparse_weights: Any = None,
    combiner: str | None = "mean",
    default_id: Any = None,
    name: str | None = None,
    partition_strategy: str = "div",
    max_norm: Any = None,
    allow_fast_lookup: bool = False,
) -> Any:
    """Looks up and combines rows, with TensorFlow 1's arguments; see :func:`safe_embedding_lookup_sparse`.

    Args:
      embedding_weights: the table, or a list of its parts.
      sparse_ids: a sparse tensor of ids.
      sparse_weights: a sparse tensor of weights, or None.
      combiner: ``"sum"``, ``"mean"`` or ``"sqrtn"``.
      default_id: the row for an example without ids; zeros by default.
      name: the name of the scope.
      partition_strategy: how rows are split over several parts: in turn (``"mod"``), or in ranges (``"div"``).
      max_norm: the Euclidean norm that longer embeddings are scaled down to.
      allow_fast_lookup: accepted for TensorFlow's signature.
    """
    if embedding_weights is None:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    several = isinstance(embedding_weights, list | tuple) or hasattr(embedding_weights, "as_partition_list")
    parts = list(embedding_weights) if several else [embedding_weights]
    if not parts:
        raise ValueError(f"Missing embedding_weights {embedding_weights}.")
    combiner = combiner or "mean"
    with name_scope(name, "embedding_lookup") as scope:
        whole = sparse_ids.dense_shape
        leading = slice_of(whole, [0], raw.Sub(raw.Shape(whole), np.array([1], np.int32)))
        rows, shape = _as_matrix(sparse_ids, leading)
        ids = sparse_ids.values
        weights = None if sparse_weights is None else sparse_weights.values
        good = raw.GreaterEqual(ids, cast(0, ids.dtype))
        if weights is not None and combiner != "sum":
            good = raw.LogicalAnd(good, raw.Greater(weights, cast(0, weights.dtype)))
        kept = raw.Reshape(raw.Where(good), np.array([-1], np.int32))
        zero = np.int32(0)
        rows, ids = raw.GatherV2(rows, kept, zero), raw.GatherV2(ids, kept, zero)
        places, filled, empty, _ = raw.SparseFillEmptyRows(rows, ids, shape, cast(default_id or 0, ids.dtype))
        of_weights = None
        if weights is not None:
            weights = raw.GatherV2(weights, kept, zero)
            more, given, _, _ = raw.SparseFillEmptyRows(rows, weights, shape, cast(1.0, weights.dtype))
            of_weights = SparseTensor(more, given, shape)
        result = embedding_lookup_sparse_v1(
            parts,
            SparseTensor(places, filled, shape),
            of_weights,
            partition_strategy=partition_strategy,
            name=None if default_id is None else scope,
            combiner=combiner,
            max_norm=max_norm,
            allow_fast_lookup=allow_fast_lookup,
        )
        if default_id is None:
            column = raw.Reshape(
                empty, raw.ConcatV2([np.array([-1], np.int32), raw.OnesLike(raw.Shape(result)[1:])], zero)
            )
            result = raw.SelectV2(column, raw.ZerosLike(result), result)
        return reshape(result, concat([cast(leading, dtypes.int32), raw.Shape(result)[1:]], 0), name=scope)


def _as_matrix(sparse: Any, leading: Any) -> tuple[Any, Any]:
    """Returns places and shape of a sparse tensor as a matrix: all dimensions but the last become rows."""
    rank = sparse.dense_shape.shape[0]
    if getattr(rank, "value", rank) == 2:
        return sparse.indices, sparse.dense_shape
    strides = raw.Cumprod(leading, np.int32(0), exclusive=True, reverse=True)
    row = raw.Sum(raw.Mul(sparse.indices[:, :-1], strides), np.int32(1))
    height = raw.Prod(leading, np.int32(0))
    shape = raw.Pack([height, sparse.dense_shape[-1]], axis=0)
    return raw.Pack([row, sparse.indices[:, -1]], axis=1), shape
