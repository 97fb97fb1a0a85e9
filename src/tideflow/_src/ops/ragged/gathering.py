"""Gathers rows of ragged tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.gathering import check_range
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank, with_rank_at_least
from tideflow._src.ops.ragged.partitions import check_size, positions_of, splits_of
from tideflow._src.ops.ragged.ranges import ragged_range_op
from tideflow._src.runtime.op import op


def _check(nested: list[Any], values: Any, indices: Any) -> None:
    if any(splits.ndim == 0 for splits in nested):
        raise invalid_argument("Split tensors must not be scalars")
    if values.ndim == 0:
        raise invalid_argument("params.rank must be nonzero")
    check_range(indices, nested[0].shape[0] - 1)
    for level, splits in enumerate(nested):
        count = nested[level + 1].size - 1 if level + 1 < len(nested) else values.shape[0]
        if not splits.size:
            raise invalid_argument("Ragged splits may not be empty")
        splits = splits.reshape(-1)
        if splits[0] < 0:
            raise invalid_argument("Ragged splits must be non-negative")
        if splits[-1] > count:
            raise invalid_argument("Ragged splits must not point past values")
        if (splits[1:] < splits[:-1]).any():
            raise invalid_argument("Ragged splits must be sorted")


@op(
    "RaggedGather",
    "params_nested_splits: PARAMS_RAGGED_RANK * Tsplits, params_dense_values: Tvalues, indices: Tindices -> "
    "output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits, output_dense_values: Tvalues",
    tier="host",
    Tindices=INDEX,
    Tsplits=default("int64", INDEX),
    PARAMS_RAGGED_RANK=at_least(1),
    OUTPUT_RAGGED_RANK=at_least(0),
)
def ragged_gather_op(params_nested_splits, params_dense_values, indices, *, OUTPUT_RAGGED_RANK: int):
    """Gathers rows of a ragged tensor, given by their numbers."""
    indices = np.asarray(indices)
    nested = params_nested_splits
    _check_rank(OUTPUT_RAGGED_RANK, len(nested), indices.ndim, invalid_argument)
    _check(nested, params_dense_values, indices)
    nested = [splits.reshape(-1) for splits in nested]
    kind = nested[0].dtype
    outer = []
    rows = 1
    for axis, size in enumerate(indices.shape[:-1]):
        rows *= size
        outer.append(np.arange(rows + 1, dtype=kind) * kind.type(indices.shape[axis + 1]))
    flat = indices.reshape(-1).astype(np.int64)
    positions = flat
    inner = []
    for splits in nested:
        # The positions are known to be right, and looking at them again takes NumPy longer than all the rest.
        starts = splits.take(positions, mode="clip").astype(np.int64, copy=False)
        lengths = splits.take(positions + 1, mode="clip") - starts
        new = splits_of(lengths)
        check_size(new[-1:], "RaggedGather")
        positions = positions_of(starts, lengths, new)
        inner.append(new.astype(kind, copy=False))
    # A scalar index takes the outermost dimension away.
    splits = [*outer, *inner] if indices.ndim else inner[1:]
    return splits, params_dense_values.take(positions, axis=0, mode="clip")


def _check_rank(output: int, params: int, rank: int, error: Any) -> None:
    if output != params + rank - 1:
        raise error(
            f"OUTPUT_RAGGED_RANK must be PARAMS_RAGGED_RANK + rank(indices) - 1 = {params + rank - 1}, but is {output}"
        )


@ragged_gather_op.shape
def _ragged_gather_shape(params_nested_splits, params_dense_values, indices, *, OUTPUT_RAGGED_RANK):
    for splits in params_nested_splits:
        with_rank(splits, 1)
    if indices is not None:
        _check_rank(OUTPUT_RAGGED_RANK, len(params_nested_splits), len(indices), ValueError)
    values = with_rank_at_least(params_dense_values, 1)
    return [(None,)] * OUTPUT_RAGGED_RANK, None if values is None else (None, *values[1:])


@ragged_gather_op.gradient
def _ragged_gather_gradient(call, *gradients):
    nested, values, indices = call.inputs
    splits = nested[0]
    for inner in nested[1:]:
        splits = raw.GatherV2(inner, splits, 0)
    flat = raw.Reshape(indices, [-1])
    starts = raw.GatherV2(splits, flat, 0)
    one = np.ones((), flat.dtype.as_numpy_dtype)
    limits = raw.GatherV2(splits, raw.AddV2(flat, one), 0)
    step = np.ones((), splits.dtype.as_numpy_dtype)
    rows = ragged_range_op(starts, limits, step).rt_dense_values
    return [None] * len(nested), IndexedSlices(gradients[-1], rows, raw.Shape(values)), None


@ragged_gather_op.samples
def _ragged_gather_samples(s):
    one, two = np.int64([0, 2, 2, 3]), np.int64([0, 1, 1, 4])
    for dtype in s.dtypes("Tvalues"):
        yield s([one], s.array((3,), dtype), [2, 0, 2], OUTPUT_RAGGED_RANK=1)
    for dtype in s.dtypes("Tsplits"):
        kind = dtype.as_numpy_dtype
        yield s([one.astype(kind), two.astype(kind)], s.normal(4, 2), np.int64([2, 0, 0]), OUTPUT_RAGGED_RANK=2)
    yield s([one, two], s.normal(4), [[0, 1], [2, 2]], OUTPUT_RAGGED_RANK=3)
    yield s([one, two], s.normal(4), 2, OUTPUT_RAGGED_RANK=1)
    yield s([one], s.normal(3), 0, OUTPUT_RAGGED_RANK=0)
    yield s([one], s.normal(3), np.zeros((2, 0), np.int32), OUTPUT_RAGGED_RANK=2)
    yield s([one + 1], s.normal(4), [0], OUTPUT_RAGGED_RANK=1)
    error = {"error": "InvalidArgumentError", "OUTPUT_RAGGED_RANK": 1}
    yield s([one], s.normal(3), [3], **error)
    yield s([one], s.normal(3), [-1], **error)
    yield s([one], s.normal(2), [0], **error)
    yield s([one - 1], s.normal(3), [0], **error)
    yield s([one[::-1].copy()], s.normal(3), [0], **error)
    yield s([one[:0]], s.normal(3), np.zeros(0, np.int32), **error)
