"""Makes sparse tensors of ragged ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of, size_of, with_rank, with_rank_at_least
from tideflow._src.runtime.op import op


def _check(nested: list[Any], values: Any) -> None:
    for level, splits in enumerate(nested):
        if not splits.size:
            raise invalid_argument("ragged splits may not be empty.")
        if splits[0] != 0:
            raise invalid_argument("First value of ragged splits must be 0.")
        falls = np.flatnonzero(splits[1:] < splits[:-1])
        if falls.size:
            place = falls[0]
            raise invalid_argument(
                f"Ragged splits should be non decreasing, but we got {splits[place]} followed by {splits[place + 1]}"
            )
        if level:
            if nested[level - 1][-1] != splits.size - 1:
                raise invalid_argument(
                    "Final value of ragged splits must match the length the corresponding ragged values."
                )
    if values.ndim == 0:
        raise invalid_argument("The values of a ragged tensor must have at least one dimension, but are a scalar.")
    if nested[-1][-1] != values.shape[0]:
        raise invalid_argument("Final value of ragged splits must match the length the corresponding ragged values.")


@op(
    "RaggedTensorToSparse",
    "rt_nested_splits: RAGGED_RANK * Tsplits, rt_dense_values: T -> sparse_indices: int64, sparse_values: T, "
    "sparse_dense_shape: int64",
    tier="host",
    Tsplits=default("int64", INDEX),
    RAGGED_RANK=at_least(1),
)
def ragged_tensor_to_sparse_op(rt_nested_splits, rt_dense_values):
    """Lists the values of a ragged tensor with their places."""
    rt_nested_splits = [np.asarray(splits).reshape(-1) for splits in rt_nested_splits]
    _check(rt_nested_splits, rt_dense_values)
    inner = rt_dense_values.shape[1:]
    shape = [rt_nested_splits[0].size - 1]
    indices = np.arange(shape[0], dtype=np.int64)[:, None]
    for splits in rt_nested_splits:
        starts = splits[:-1].astype(np.int64)
        lengths = splits[1:] - starts
        shape.append(int(lengths.max(initial=0)))
        # The place of a value in its row is its number less that of the first one of the row.
        indices = np.repeat(np.concatenate([indices, -starts[:, None]], axis=1), lengths, axis=0)
        indices[:, -1] += np.arange(len(indices))
    if inner:
        count, levels = indices.shape
        width = int(np.prod(inner, dtype=np.int64))
        places = np.indices(inner, np.int64).reshape(len(inner), width)
        whole = np.empty((count, width, levels + len(inner)), np.int64)
        whole[:, :, :levels] = indices[:, None]
        whole[:, :, levels:] = places.T
        indices = whole.reshape(count * width, levels + len(inner))
    return indices, rt_dense_values.reshape(-1), np.array([*shape, *inner], np.int64)


@ragged_tensor_to_sparse_op.shape
def _ragged_tensor_to_sparse_shape(rt_nested_splits, rt_dense_values):
    for splits in rt_nested_splits:
        with_rank(splits, 1)
    values = with_rank_at_least(rt_dense_values, 1)
    if values is None:
        return (None, None), (None,), (None,)
    rank = len(rt_nested_splits) + len(values)
    count = size_of(values)
    return (count, rank), (count,), (rank,)


@ragged_tensor_to_sparse_op.gradient
def _ragged_tensor_to_sparse_gradient(call, d_indices, d_values, d_shape):
    nested, values = call.inputs
    return [None] * len(nested), raw.Reshape(d_values, shape_of(values))


@ragged_tensor_to_sparse_op.samples
def _ragged_tensor_to_sparse_samples(s):
    one, two = np.int64([0, 2, 2, 3]), np.int64([0, 1, 1, 4])
    for dtype in s.dtypes("T"):
        yield s([one], s.array((3,), dtype))
    for dtype in s.dtypes("Tsplits"):
        kind = dtype.as_numpy_dtype
        yield s([one.astype(kind), two.astype(kind)], s.normal(4, 2))
    yield s([one], s.normal(3, 2, 3))
    yield s([one], s.empty(3, 0))
    yield s([one[:1]], s.empty(0))
    yield s([one * 0], s.empty(0, 2))
    error = {"error": "InvalidArgumentError"}
    yield s([one], s.normal(4), **error)
    yield s([one + 1], s.normal(4), **error)
    yield s([one[[0, 1, 3, 2, 3]]], s.normal(3), **error)
    yield s([one[:0]], s.normal(3), **error)
    yield s([one[:3], two], s.normal(4), **error)
