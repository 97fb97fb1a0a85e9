"""Sequences of numbers as the rows of a ragged tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import merge_dimensions, with_rank_at_most
from tideflow._src.ops.ragged.partitions import check_size, splits_of
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]


@op(
    "RaggedRange",
    "starts: T, limits: T, deltas: T -> rt_nested_splits: Tsplits, rt_dense_values: T",
    tier="host",
    T=default("int32", ("bfloat16", "float", "double", "int32", "int64")),
    Tsplits=default("int64", INDEX),
    differentiable=False,
)
def ragged_range_op(starts, limits, deltas, *, Tsplits: DType):
    """Makes a row of numbers for each start, limit and step."""
    inputs = []
    for name, value in (("starts", starts), ("limits", limits), ("deltas", deltas)):
        value = np.asarray(value)
        if value.ndim > 1:
            raise invalid_argument(f"{name} must be a scalar or vector")
        inputs.append(value)
    sizes = {value.size for value in inputs if value.ndim}
    if len(sizes) > 1:
        raise invalid_argument("starts, limits, and deltas must have the same shape")
    first, last, step = (np.broadcast_to(value, (sizes or {1}).copy().pop()) for value in inputs)
    if (step == 0).any():
        raise invalid_argument("Requires delta != 0")
    kind = np.dtype(Tsplits.as_numpy_dtype)
    lengths = _lengths(first, last, step, int(np.iinfo(kind).max))
    total = int(lengths.sum(dtype=np.float64))
    if total > np.iinfo(kind).max:
        raise invalid_argument(f"The ranges have {total} elements, more than {kind} can count")
    check_size((total,), "RaggedRange")
    splits = splits_of(lengths)
    return splits.astype(kind), _values(first, step, lengths, splits)


def _lengths(first: Array, last: Array, step: Array, most: int) -> Array:
    """Returns how many numbers each row has."""
    empty = ((step > 0) & (first >= last)) | ((step < 0) & (first <= last))
    if first.dtype.kind == "i":
        up = step > 0
        low, high = np.where(up, first, last), np.where(up, last, first)
        # Differences of 64-bit numbers may need all 64 bits.
        distance = high.astype(np.int64).view(np.uint64) - low.astype(np.int64).view(np.uint64)
        width = np.abs(step.astype(np.int64)).view(np.uint64)
        counts = np.where(empty, np.uint64(0), (distance - np.uint64(1)) // width + np.uint64(1))
        too_long = counts > np.uint64(most)
    else:
        counts = np.where(empty, 0, np.ceil(np.abs((last - first) / step)))
        too_long = ~(counts.astype(np.float64) <= (most if most < 1 << 53 else np.nextafter(2.0**63, 0)))
    if too_long.any():
        raise invalid_argument(f"Requires ((limit - start) / delta) <= {most}")
    return counts.astype(np.int64)


def _values(first: Array, step: Array, lengths: Array, splits: Array) -> Array:
    """Returns the numbers of all rows.

    TensorFlow adds the step again and again; for real numbers the roundings add up, so that here they must, too.
    """
    if first.dtype.kind == "i":
        return _integers(first, step, lengths, splits)
    result = np.empty(splits[-1], first.dtype)
    longest = int(lengths.max(initial=0))
    if lengths.size <= longest:
        for row, (start, end) in enumerate(zip(splits[:-1].tolist(), splits[1:].tolist(), strict=True)):
            if end > start:
                result[start:end] = step[row]
                result[start] = first[row]
                np.add.accumulate(result[start:end], out=result[start:end])
        return result
    order = np.argsort(-lengths, kind="stable")
    starts, value, steps = splits[:-1][order], first[order], step[order]
    active = np.searchsorted(-lengths[order], -np.arange(longest), side="left")
    for place, count in enumerate(active.tolist()):
        result[starts[:count] + place] = value[:count]
        value = value[:count] + steps[:count]
    return result


def _integers(first: Array, step: Array, lengths: Array, splits: Array) -> Array:
    """Returns the numbers of all rows: sums of steps within rows, and of jumps from the end of one to the next."""
    rows = np.flatnonzero(lengths)
    if not rows.size:
        return np.empty(0, first.dtype)
    if (step == step[0]).all():
        result = np.full(splits[-1], step[0], first.dtype)
    else:
        result = np.repeat(step, lengths)
    jumps = first[rows]
    ends = jumps + (lengths[rows] - 1).astype(first.dtype) * step[rows]
    jumps[1:] -= ends[:-1]
    result[splits[:-1][rows]] = jumps
    return np.add.accumulate(result, out=result)


@ragged_range_op.shape
def _ragged_range_shape(starts, limits, deltas):
    rows: int | None = None
    known = True
    vectors = False
    for shape in (starts, limits, deltas):
        shape = with_rank_at_most(shape, 1)
        if shape is None:
            known = False
        elif shape:
            vectors = True
            rows = merge_dimensions(rows, shape[0])
    if not vectors and known:
        rows = 1
    return (None if rows is None else rows + 1,), (None,)


@ragged_range_op.samples
def _ragged_range_samples(s):
    for dtype in s.dtypes("T"):
        kind = dtype.as_numpy_dtype
        yield s(np.array([1, 5, 2], kind), np.array([4, 1, 2], kind), np.array([1, -2, 3], kind))
        yield s(np.array(1, kind), np.array([4, 1, 2], kind), np.array(1, kind), Tsplits="int32")
    yield s(3, 8, 2)
    yield s(np.float32([1, 3, 0.5]), np.float32([2, -2, 9]), np.float32([0.3, -0.7, 0.1]))
    yield s(np.arange(9, dtype=np.float32), np.float32(10), np.float32(0.7))
    yield s(np.int64(-(2**63)), np.int64(2**63 - 1), np.int64(2**62))
    yield s(s.empty(0), s.empty(0), np.float32(1))
    error = {"error": "InvalidArgumentError"}
    yield s([1, 2], [3, 4], 0, **error)
    yield s([1, 2], [3], 1, **error)
    yield s([[1, 2]], [3], 1, **error)
    yield s(np.float32(0), np.float32("inf"), np.float32(1), **error)
    yield s(np.float32(0), np.float32("nan"), np.float32(1), **error)
    yield s(np.int64(-(2**63)), np.int64(2**63 - 1), np.int64(1), **error)
    yield s(np.int64(0), np.int64(2**40), np.int64(1), Tsplits="int32", **error)
