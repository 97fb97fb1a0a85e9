"""Sorting elements into groups and back: unique values, partitions and stitches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.dimensions import merge
from tideflow._src.runtime.op import op

# Unique.


def _unique(x: Any, axis: Any, out_idx: DType) -> tuple[Any, Any, Any]:
    """Returns the distinct elements in order of appearance, the place of each element among them, and counts."""
    kind = out_idx.as_numpy_dtype
    if axis is not None and axis.ndim != 1:
        raise invalid_argument(f"axis expects a 1D vector, got shape {list(axis.shape)}")
    if axis is None or not axis.size:
        if x.ndim != 1:
            raise invalid_argument("unique expects a 1D vector.")
        place, rows = 0, x
    else:
        if axis.size != 1:
            raise invalid_argument("axis does not support input dims larger than 1")
        place = int(axis.reshape(()))
        if not -x.ndim <= place < x.ndim:
            raise invalid_argument(f"axis has to be between [0, {x.ndim}), got {place}")
        place %= x.ndim
        rows = np.moveaxis(x, place, 0)
    span = _span(rows)
    if span:
        chosen, places, counts = _unique_integers(rows, span)
    elif rows.ndim == 1 and rows.dtype.kind in "iufb":
        _, first, inverse, counts = np.unique(
            rows, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
        )
        order = np.argsort(first, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        chosen, places, counts = first[order], rank[inverse.reshape(-1)], counts[order]
    else:
        chosen, places, counts = _unique_rows(rows)
    return np.take(x, chosen, axis=place), places.astype(kind), counts.astype(kind)


def _span(rows: Any) -> int:
    """Returns how far the integers of a vector spread if that is little enough for a table of them, else 0."""
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
        return 0
    span = int(rows.max()) - int(rows.min()) + 1
    return span if span <= 4 * len(rows) else 0


def _unique_integers(rows: Any, span: int) -> tuple[Any, Any, Any]:
    """Finds the distinct ones of integers that are near to each other, by a table of all that there may be."""
    least = rows.min()
    values = (rows - least if rows.dtype.itemsize == 8 else rows.astype(np.int64) - int(least)).astype(np.int64)
    count = len(rows)
    first = np.full(span, count)
    first[values[::-1]] = np.arange(count - 1, -1, -1)  # the one that is written last stays: the first of its value
    found = np.flatnonzero(first < count)
    found = found[np.argsort(first[found])]
    rank = np.empty(span, np.int64)
    rank[found] = np.arange(len(found))
    return first[found], rank[values], np.bincount(values, minlength=span)[found]


def _unique_rows(rows: Any) -> tuple[Any, Any, Any]:
    keys = (
        rows.tolist()
        if rows.ndim == 1
        else list(map(tuple, rows.reshape((len(rows), math.prod(rows.shape[1:]))).tolist()))
    )
    # A dict keeps its keys in the order in which they came, and a NaN as often as it came: it equals itself only.
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    places = np.fromiter(map(numbers.__getitem__, keys), np.int64, len(keys))
    chosen = np.empty(len(numbers), np.int64)
    chosen[places[::-1]] = np.arange(len(keys) - 1, -1, -1)  # the one that is written last stays: the first
    return chosen, places, np.bincount(places, minlength=len(numbers))


def _unique_samples(s: Any, *rest: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((7,), dtype), *rest, gradient=False)
    yield s(np.array([3, 1, 3, 2, 1], np.int32), *rest, out_idx="int64", gradient=False)
    yield s(np.array([np.nan, 1, np.nan, 0.0, -0.0], np.float32), *rest, gradient=False)
    yield s(s.empty(0), *rest, gradient=False)
    yield s([[1, 2]], *rest, error="InvalidArgumentError")


@op("Unique", "x: T -> y: T, idx: out_idx", tier="host", out_idx=default("int32", INDEX), differentiable="missing")
def unique_op(x, *, out_idx: DType):
    """Gives the distinct elements of a vector in order of appearance, and for each element which of them it is."""
    return _unique(x, None, out_idx)[:2]


@unique_op.shape
def _unique_shape(x):
    if x is not None and len(x) != 1:
        raise ValueError(f"Shape must be rank 1 but is rank {len(x)}")
    return (None,), x


@unique_op.samples
def _unique_op_samples(s):
    yield from _unique_samples(s)


@op(
    "UniqueWithCounts",
    "x: T -> y: T, idx: out_idx, count: out_idx",
    tier="host",
    out_idx=default("int32", INDEX),
    differentiable="missing",
)
def unique_with_counts_op(x, *, out_idx: DType):
    """Gives what ``Unique`` does, and how often each distinct element occurs."""
    return _unique(x, None, out_idx)


@unique_with_counts_op.shape
def _unique_with_counts_shape(x):
    return (None,), x, (None,)


@unique_with_counts_op.samples
def _unique_with_counts_samples(s):
    yield from _unique_samples(s)


def _unique_v2_shape(x: Any, axis: Any) -> Any:
    distinct = None if x is None else (None,) * len(x)
    places = None if axis.value is None else axis.integers()
    if places is None or x is None:
        return distinct, (None,)
    if not places:
        return _unique_shape(x)
    place = places[0]
    if not -len(x) <= place < len(x):
        raise ValueError(f"axis expected to be in the range [{-len(x)}, {len(x)}) but got {place}")
    return distinct, (x[place],)


@op(
    "UniqueV2",
    "x: T, axis: static Taxis -> y: T, idx: out_idx",
    tier="host",
    Taxis=default("int64", INDEX),
    out_idx=default("int32", INDEX),
    differentiable="missing",
)
def unique_v2(x, axis, *, out_idx: DType):
    """Gives the distinct slices of a tensor along ``axis``, and for each slice which of them it is."""
    return _unique(x, axis, out_idx)[:2]


unique_v2.shape(_unique_v2_shape)


def _unique_axis_samples(s: Any) -> Any:
    yield from _unique_samples(s, np.zeros([0], np.int64))
    rows = np.array([[1, 1], [2, 2], [1, 1]], np.int32)
    yield s(rows, np.array([0], np.int64), gradient=False)
    yield s(rows, np.array([-1], np.int32))
    yield s(rows, np.array([5], np.int64), error="InvalidArgumentError")


@unique_v2.samples
def _unique_v2_samples(s):
    yield from _unique_axis_samples(s)


@op(
    "UniqueWithCountsV2",
    "x: T, axis: static Taxis -> y: T, idx: out_idx, count: out_idx",
    tier="host",
    Taxis=default("int64", INDEX),
    out_idx=default("int32", INDEX),
    differentiable="missing",
)
def unique_with_counts_v2(x, axis, *, out_idx: DType):
    """Gives what ``UniqueV2`` does, and how often each distinct slice occurs."""
    return _unique(x, axis, out_idx)


@unique_with_counts_v2.shape
def _unique_with_counts_v2_shape(x, axis):
    return (*_unique_v2_shape(x, axis), (None,))


@unique_with_counts_v2.samples
def _unique_with_counts_v2_samples(s):
    yield from _unique_axis_samples(s)


# Partitions.


@op(
    "DynamicPartition",
    "data: T, partitions: int32 -> outputs: num_partitions * T",
    tier="host",
    num_partitions=at_least(1),
)
def dynamic_partition_op(data, partitions, *, num_partitions: int):
    """Gives, for each number, the slices of ``data`` whose entry in ``partitions`` it is."""
    count = partitions.ndim
    if data.shape[:count] != partitions.shape:
        raise invalid_argument(
            f"data.shape must start with partitions.shape, got data.shape = {shape_text(data.shape)}, partitions.shape "
            f"= {shape_text(partitions.shape)}"
        )
    bad = (partitions < 0) | (partitions >= num_partitions)
    if bad.any():
        place = np.argwhere(bad)[0]
        where = f"partitions[{','.join(map(str, place))}]" if len(place) else "partitions"
        raise invalid_argument(f"{where} = {partitions[tuple(place)]} is not in [0, {num_partitions})")
    rows = data.reshape((partitions.size, *data.shape[count:]))
    chosen = partitions.reshape(-1)
    return [rows[chosen == part] for part in range(num_partitions)]


@dynamic_partition_op.shape
def _dynamic_partition_shape(data, partitions, *, num_partitions):
    if data is None or partitions is None:
        return [None] * num_partitions
    merge(data[: len(partitions)], partitions)
    return [(None, *data[len(partitions) :])] * num_partitions


@dynamic_partition_op.gradient
def _dynamic_partition_gradient(call, *dy):
    data, partitions = call.inputs
    pieces = list(dy[0]) if len(dy) == 1 and isinstance(dy[0], list) else list(dy)
    sizes = shape(partitions)
    places = reshape(raw.Range(0, raw.Prod(sizes, [0], keep_dims=False), 1), sizes)
    groups = dynamic_partition_op(places, partitions, num_partitions=call.attr("num_partitions"))
    return reshape(parallel_dynamic_stitch_op(groups, pieces), shape(data)), None


@dynamic_partition_op.samples
def _dynamic_partition_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((4, 2), dtype), [0, 2, 0, 1], num_partitions=3)
    yield s(s.normal(2, 3), [[0, 1, 1], [0, 1, 0]], num_partitions=2)
    yield s(s.normal(3), 1, num_partitions=2)
    yield s(s.normal(2, 3), [0, 5], num_partitions=2, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0], num_partitions=2, error="InvalidArgumentError")


def _stitch(xp: Any, indices: list[Any], data: list[Any]) -> Any:
    rest = None
    total = 0
    for position, (index, piece) in enumerate(zip(indices, data, strict=True)):
        if tuple(piece.shape[: index.ndim]) != index.shape:
            raise invalid_argument(
                f"data[{position}].shape = {shape_text(tuple(piece.shape))} does not start with indices[{position}]"
                f".shape = {shape_text(index.shape)}"
            )
        own = tuple(piece.shape[index.ndim :])
        if rest is not None and own != rest:
            raise invalid_argument(
                f"Need data[0].shape[{indices[0].ndim}:] = data[{position}].shape[{index.ndim}:], got "
                f"{shape_text(rest)} and {shape_text(own)}"
            )
        rest = own
        if index.size:
            if index.min() < 0:
                raise invalid_argument(f"indices[{position}] is out of range")
            total = max(total, int(index.max()) + 1)
    assert rest is not None
    places = np.concatenate([index.reshape(-1) for index in indices])
    # The last of several pieces for one place stays.
    source = np.full(total, -1, np.int64)
    source[places] = np.arange(len(places))
    rows = xp.concatenate([xp.reshape(piece, (index.size, *rest)) for index, piece in zip(indices, data, strict=True)])
    if not len(places):
        return rows
    taken = xp.take(rows, np.maximum(source, 0), axis=0)
    if (source >= 0).all():
        return taken
    zero = np.array(b"", object) if rows.dtype == object else np.zeros((), rows.dtype)
    return xp.where((source >= 0).reshape((-1, *(1,) * len(rest))), taken, zero)


def _stitch_shape(indices: list[Any], data: list[Any]) -> Any:
    rest: Any = None
    total: int | None = 0
    for index, piece in zip(indices, data, strict=True):
        if index.value is None:
            total = None
        elif total is not None and np.size(index.value):
            total = max(total, int(np.max(index.value)) + 1)
        if piece is None or index.shape is None:
            continue
        if len(piece) < len(index.shape):
            raise ValueError(f"Shape must be at least rank {len(index.shape)} but is rank {len(piece)}")
        merge(piece[: len(index.shape)], index.shape)
        rest = merge(rest, piece[len(index.shape) :])
    return None if rest is None else (total, *rest)


def _stitch_gradient(call: Any, dy: Any) -> Any:
    indices, _ = call.inputs
    return [None] * len(indices), [raw.GatherV2(dy, index, 0) for index in indices]


def _stitch_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s([[0, 2], [1]], [s.array((2, 3), dtype), s.array((1, 3), dtype)])
    yield s([4, [[0, 1], [2, 3]]], [s.normal(2), s.normal(2, 2, 2)])
    yield s([np.zeros([0], np.int32)], [s.empty(0, 2)])
    yield s([[0, 1]], [s.normal(1)], error="InvalidArgumentError")
    yield s([[-1]], [s.normal(1)], error="InvalidArgumentError")
    yield s([[0], [1]], [s.normal(1, 2), s.normal(1, 3)], error="InvalidArgumentError")


@op("DynamicStitch", "indices: static N * int32, data: N * T -> merged: T", N=at_least(1))
def dynamic_stitch_op(xp, indices, data):
    """Puts slices together in the places that ``indices`` names; the last one for a place stays."""
    return _stitch(xp, indices, data)


@dynamic_stitch_op.samples
def _dynamic_stitch_samples(s):
    yield from _stitch_samples(s)
    yield s([[0, 2]], [s.normal(2)])
    yield s([[0], [0]], [s.normal(1), s.normal(1)], gradient=False)


@op("ParallelDynamicStitch", "indices: static N * int32, data: N * T -> merged: T", N=at_least(1))
def parallel_dynamic_stitch_op(xp, indices, data):
    """Puts slices together in the places that ``indices`` names, each of which must occur once."""
    return _stitch(xp, indices, data)


@parallel_dynamic_stitch_op.samples
def _parallel_dynamic_stitch_samples(s):
    yield from _stitch_samples(s)


for _operation in (dynamic_stitch_op, parallel_dynamic_stitch_op):
    _operation.shape(_stitch_shape)
    _operation.gradient(_stitch_gradient)


# Public functions.


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """Returns the distinct elements of a vector in order of appearance, and which of them each element is.

    Args:
      x: a vector.
      out_idx: the type of the indices, int32 or int64.
      name: the node's name.

    Returns:
      A named tuple ``(y, idx)`` such that ``y[idx]`` is ``x``.
    """
    return unique_op(x, out_idx=dtypes.as_dtype(out_idx), name=name)


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """Returns what :func:`unique` does, and how often each distinct element occurs.

    Args:
      x: a vector.
      out_idx: the type of the indices and counts, int32 or int64.
      name: the node's name.

    Returns:
      A named tuple ``(y, idx, count)``.
    """
    return unique_with_counts_op(x, out_idx=dtypes.as_dtype(out_idx), name=name)


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> Any:
    """Returns, for each of ``num_partitions`` numbers, the slices of ``data`` that ``partitions`` assigns to it.

    Args:
      data: the tensor.
      partitions: int32 numbers from 0; its shape is the beginning of the shape of ``data``.
      num_partitions: how many parts there are.
      name: the node's name.
    """
    return dynamic_partition_op(data, partitions, num_partitions=num_partitions, name=name)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Any:
    """Returns the slices of several tensors put together in the places that indices name.

    Args:
      indices: a list of int32 tensors.
      data: a list of tensors, each of the shape of its indices and more.
      name: the node's name.
    """
    return dynamic_stitch_op(list(indices), list(data), name=name)
