"""Joins, splits and slices sparse tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InternalError, invalid_argument
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.types import NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge, merge_dimensions, text, with_rank
from tideflow._src.ops.sparse.positions import (
    ascends,
    check_lengths,
    check_parts,
    check_sizes,
    order_keys,
    sorted_order,
)
from tideflow._src.runtime.op import op


@op(
    "SparseConcat",
    "indices: N * int64, values: N * T, shapes: N * int64 -> output_indices: int64, output_values: T, "
    "output_shape: int64",
    tier="host",
    N=at_least(2),
    differentiable=False,
)
def sparse_concat_op(indices, values, shapes, *, concat_dim: int):
    """Joins sparse tensors along a dimension."""
    for what, items, rank in (("indices", indices, 2), ("values", values, 1), ("shapes", shapes, 1)):
        for place, item in enumerate(items):
            if np.ndim(item) != rank:
                kind = "matrix" if rank == 2 else "vector"
                raise invalid_argument(
                    f"Input {what} should be a {kind} but received shape {text(np.shape(item))} at position {place}"
                )
    rank = len(shapes[0])
    if not -rank <= concat_dim < rank:
        raise invalid_argument(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    axis = concat_dim % rank
    total = 0
    for place, shape in enumerate(shapes):
        if len(shape) != rank:
            raise invalid_argument(
                f"Ranks of all input tensors must match: expected {rank} but got {len(shape)} at position {place}"
            )
        for other in range(rank):
            if other != axis and shape[other] != shapes[0][other]:
                raise invalid_argument(
                    f"Input shapes must match: expected {shapes[0][other]} for dimension {other} but got "
                    f"{shape[other]} at position {place}"
                )
        total += int(shape[axis])
    sizes = shapes[0].tolist()
    sizes[axis] = total
    try:
        check_sizes(np.array(sizes, object))
        for shape in shapes:
            check_sizes(shape)
    except Exception:
        raise InternalError(None, None, "Encountered overflow from large input shape.") from None
    for each, held, shape in zip(indices, values, shapes, strict=True):
        check_lengths(each, held, shape)
    offsets = np.cumsum([0, *(int(shape[axis]) for shape in shapes[:-1])])
    places = np.concatenate(indices)
    places[:, axis] += np.repeat(offsets, [len(each) for each in indices])
    every = np.concatenate(values)
    (keys,) = order_keys(places)
    if axis or ascends(keys):
        order = sorted_order(keys)
    else:  # Each part is sorted by itself.
        order = np.lexsort([keys, np.repeat(np.arange(len(values)), [len(each) for each in indices])])
    if order is not None:
        places, every = np.take(places, order, 0), every[order]
    return places, every, np.array(sizes, np.int64)


@sparse_concat_op.shape
def _sparse_concat_shape(indices, values, shapes):
    rank: tuple[int | None, ...] = (None,)
    count: int | None = 0
    for each, held, shape in zip(indices, values, shapes, strict=True):
        (rows, columns), (length,), known = with_rank(each, 2), with_rank(held, 1), with_rank(shape, 1)
        rank = merge(merge(rank, (columns,)), known) or rank
        rows = merge_dimensions(rows, length)
        count = None if count is None or rows is None else count + rows
    return (count, *rank), (count,), rank


_PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
_SHAPE = np.int64([2, 3])


@sparse_concat_op.samples
def _sparse_concat_samples(s):
    shapes = [_SHAPE, _SHAPE]
    for dtype in s.dtypes("T"):
        yield s([_PLACES, _PLACES], [s.array((3,), dtype), s.array((3,), dtype)], shapes, concat_dim=1)
    values = [s.normal(3), s.normal(3)]
    for axis in (0, -1, -2):
        yield s([_PLACES, _PLACES], values, shapes, concat_dim=axis)
    yield s([_PLACES, _PLACES], values, [_SHAPE, np.int64([2, 4])], concat_dim=1)
    yield s([_PLACES] * 3, [*values, s.normal(3)], [_SHAPE, np.int64([2, 4]), _SHAPE], concat_dim=1)
    yield s([_PLACES[:0], _PLACES[:0]], [s.empty(0), s.empty(0)], shapes, concat_dim=0)
    yield s([_PLACES, _PLACES[::-1].copy()], values, shapes, concat_dim=1)
    yield s([_PLACES, _PLACES[::-1].copy()], values, shapes, concat_dim=0)
    bad = {"error": "InvalidArgumentError"}
    yield s([_PLACES, _PLACES], values, shapes, concat_dim=2, **bad)
    yield s([_PLACES, _PLACES], values, [_SHAPE, np.int64([2, 4])], concat_dim=0, **bad)
    yield s([_PLACES, _PLACES], values, [_SHAPE, np.int64([2, 3, 1])], concat_dim=0, **bad)
    yield s([_PLACES, _PLACES], [values[0], values[1][:2]], shapes, concat_dim=0, **bad)
    yield s([_PLACES, _PLACES[:, :1]], values, shapes, concat_dim=0, **bad)
    yield s([_PLACES, _PLACES], values, [_SHAPE << 61, _SHAPE << 61], concat_dim=0, error="InternalError")


@op(
    "SparseSplit",
    "split_dim: static int64, indices: int64, values: T, shape: static int64 -> output_indices: num_split * int64, "
    "output_values: num_split * T, output_shape: num_split * int64",
    tier="host",
    num_split=at_least(1),
    differentiable="missing",
)
def sparse_split_op(split_dim, indices, values, shape, *, num_split: int):
    """Splits a sparse tensor along a dimension; the first parts take what does not divide evenly."""
    if np.ndim(split_dim):
        raise invalid_argument(f"Input axis should be a scalar but received shape {text(np.shape(split_dim))}")
    if indices.ndim != 2:
        raise invalid_argument(f"Input indices should be a matrix but received shape {text(indices.shape)}")
    if values.ndim != 1:
        raise invalid_argument(f"Input values should be a vector but received shape {text(indices.shape)}")
    if shape.ndim != 1:
        raise invalid_argument(f"Input shape should be a vector but received shape {text(shape.shape)}")
    rank, axis = len(shape), int(split_dim)
    if not -rank <= axis < rank:
        raise invalid_argument(f"Input axis should be in range [{-rank}, {rank}), got {axis}")
    axis %= rank
    size = int(shape[axis])
    if not 1 <= num_split <= size and size >= 0:
        raise invalid_argument(
            f"Input num_split should be between 1 and the splitting dimension size ({size}), got {num_split}"
        )
    check_parts(indices, values, shape, inside=True)
    check_sizes(shape)
    share, rest = divmod(size, num_split)
    starts = np.arange(num_split + 1) * share + np.minimum(np.arange(num_split + 1), rest)
    column = indices[:, axis]
    # The first parts, which are larger by one, end at this place.
    larger = rest * (share + 1)
    parts = np.where(column < larger, column // (share + 1), rest + (column - larger) // max(share, 1))
    # Numbers of 16 bits are sorted by radix.
    order = sorted_order(parts.astype(np.int16) if num_split < 1 << 15 else parts)
    places = indices.copy()
    places[:, axis] -= starts[parts]
    if order is not None:
        places, values, parts = np.take(places, order, 0), values[order], parts[order]
    cuts = np.searchsorted(parts, np.arange(1, num_split))
    sizes = np.repeat(shape[None], num_split, axis=0)
    sizes[:, axis] = np.diff(starts)
    return np.split(places, cuts), np.split(values, cuts), list(sizes)


@sparse_split_op.shape
def _sparse_split_shape(split_dim, indices, values, shape, *, num_split):
    if shape.shape is None:
        return [(None, None)] * num_split, [(None,)] * num_split, [None] * num_split
    rank = with_rank(shape.shape, 1)[0]
    return [(None, rank)] * num_split, [(None,)] * num_split, [(rank,)] * num_split


@sparse_split_op.samples
def _sparse_split_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.int64(0), _PLACES, s.array((3,), dtype), _SHAPE, num_split=2)
    values = s.normal(3)
    yield s(np.int64(1), _PLACES, values, _SHAPE, num_split=2)
    yield s(np.int64(-1), _PLACES, values, _SHAPE, num_split=3)
    yield s(np.int64(0), np.int64([[0, 0], [3, 0], [6, 0]]), values, np.int64([7, 3]), num_split=3)
    yield s(np.int64(1), _PLACES[::-1].copy(), values, _SHAPE, num_split=2)
    yield s(np.int64(0), _PLACES[:0], values[:0], _SHAPE, num_split=2)
    bad = {"error": "InvalidArgumentError"}
    yield s(np.int64(2), _PLACES, values, _SHAPE, num_split=2, **bad)
    yield s(np.int64(0), _PLACES, values, _SHAPE, num_split=3, **bad)
    yield s(np.int64([0]), _PLACES, values, _SHAPE, num_split=2, **bad)
    yield s(np.int64(0), _PLACES + 1, values, _SHAPE, num_split=2, **bad)
    yield s(np.int64(0), _PLACES, values[:2], _SHAPE, num_split=2, **bad)
    yield s(np.int64(0), _PLACES[:, :1], values, _SHAPE, num_split=2, **bad)
    yield s(np.int64(0), _PLACES, values, _SHAPE << 61, num_split=2, **bad)


@op(
    "SparseSlice",
    "indices: int64, values: T, shape: static int64, start: static int64, size: static int64 -> "
    "output_indices: int64, output_values: T, output_shape: int64",
    tier="host",
)
def sparse_slice_op(indices, values, shape, start, size):
    """Takes a rectangular part of a sparse tensor."""
    check_parts(indices, values, shape)
    for name, given in (("start", start), ("size", size)):
        if given.ndim != 1:
            raise invalid_argument(f"Input {name} should be a vector but received shape {text(given.shape)}")
        if len(given) != len(shape):
            raise invalid_argument(f"Expected {name} to be a vector of length {len(shape)} but got length {len(given)}")
    check_sizes(shape)
    if (size < 0).any():
        raise invalid_argument(f"Expected a non-negative size, got {size[np.argmax(size < 0)]}")
    inside = np.ones(len(indices), bool)
    for column, first, end in zip(indices.T, start, start + size, strict=True):
        inside &= (column >= first) & (column < end)
    sizes = np.where(start >= shape, 0, np.minimum(size, shape - start))
    return np.compress(inside, indices, 0) - start, values[inside], sizes.astype(np.int64)


@sparse_slice_op.shape
def _sparse_slice_shape(indices, values, shape, start, size):
    if shape.shape is None:
        return (None, None), (None,), None
    rank = with_rank(shape.shape, 1)[0]
    return (None, rank), (None,), (rank,)


@sparse_slice_op.gradient
def _sparse_slice_gradient(call, d_indices, d_values, d_shape):
    indices, start, kept = call.inputs[0], call.inputs[3], call.outputs[0]
    numbers = raw.Range(np.int32(1), raw.Add(raw.Size(d_values), np.int32(1)), np.int32(1))
    rows = raw.SparseSliceGrad(numbers, indices, start, kept)
    zero = np.zeros(1, d_values.dtype.as_numpy_dtype)
    return None, raw.GatherV2(raw.ConcatV2([zero, d_values], np.int32(0)), rows, np.int32(0)), None, None, None


@sparse_slice_op.samples
def _sparse_slice_samples(s):
    start, size = np.int64([0, 1]), np.int64([2, 2])
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SHAPE, start, size)
    values = s.normal(3)
    yield s(_PLACES, values, _SHAPE, start, size + 7)
    yield s(_PLACES, values, _SHAPE, start + 5, size)
    yield s(_PLACES, values, _SHAPE, start - 1, size)
    yield s(_PLACES, values, _SHAPE, start, size * 0)
    yield s(_PLACES[::-1].copy(), values, _SHAPE, start, size)
    yield s(_PLACES[:0], values[:0], _SHAPE, start, size)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES, values, _SHAPE, start, -size, **bad)
    yield s(_PLACES, values, _SHAPE, start[:1], size, **bad)
    yield s(_PLACES, values, _SHAPE, start, size[:, None], **bad)
    yield s(_PLACES, values[:2], _SHAPE, start, size, **bad)
    yield s(_PLACES, values, -_SHAPE, start, size, **bad)
    yield s(_PLACES, values, _SHAPE << 61, start, size, **bad)


@op(
    "SparseSliceGrad",
    "backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64 -> val_grad: T",
    tier="host",
    T=NUMBER,
    differentiable="missing",
)
def sparse_slice_grad_op(backprop_val_grad, input_indices, input_start, output_indices):
    """Gives the values of a sparse tensor the gradients of those that a slice kept."""
    if input_indices.ndim != 2 or output_indices.ndim != 2:
        raise invalid_argument(
            f"Input and output indices should be matrices but received shapes: {text(input_indices.shape)} and "
            f"{text(output_indices.shape)}"
        )
    if backprop_val_grad.ndim != 1:
        raise invalid_argument(
            f"Input backprop_val_grad should be a vector but received shape: {text(backprop_val_grad.shape)}"
        )
    if input_start.ndim != 1:
        raise invalid_argument(f"The input_start should be a vector but received shape {text(input_start.shape)}")
    rank, count = input_indices.shape[1], len(output_indices)
    if output_indices.shape[1] != rank:
        raise invalid_argument(
            f"The input and output should have the same ndims: got: {rank} and {output_indices.shape[1]}"
        )
    if count > len(input_indices):
        raise invalid_argument(
            f"# rows of output_indices should be not greater than of input_indices, got {count} and "
            f"{len(input_indices)}"
        )
    if len(backprop_val_grad) != count:
        raise invalid_argument(
            f"# elements of backprop_val_grad and # rows of output_indices should match (#nnz of sum): got "
            f"{len(backprop_val_grad)} and {count}"
        )
    if len(input_start) != rank:
        raise invalid_argument(
            f"Expected input_start to be a vector of length {rank} but got length {len(input_start)}"
        )
    given, kept = order_keys(input_indices, output_indices + input_start)
    result = np.zeros(len(given), backprop_val_grad.dtype)
    rows = np.flatnonzero(np.isin(given, kept))
    if not (len(rows) == count and np.array_equal(given[rows], kept)):
        rows = _matched(given.tolist(), kept.tolist())
    if len(rows) < count:
        raise InternalError(
            None, None, f"Elements of backprop_val_grad aren't all propagated. Num elements:{count}, used: {len(rows)}"
        )
    result[rows] = backprop_val_grad
    return result


def _matched(given: list[int], kept: list[int]) -> Any:
    """Returns where each number that was kept stands among those given, in order, up to the first that is missing."""
    rows: list[int] = []
    for row, number in enumerate(given):
        if len(rows) < len(kept) and number == kept[len(rows)]:
            rows.append(row)
    return np.array(rows, np.intp)


@sparse_slice_grad_op.shape
def _sparse_slice_grad_shape(backprop_val_grad, input_indices, input_start, output_indices):
    return (with_rank(input_indices, 2)[0],)


@sparse_slice_grad_op.samples
def _sparse_slice_grad_samples(s):
    start, kept = np.int64([0, 1]), np.int64([[0, 0], [1, 1]])
    for dtype in s.dtypes("T"):
        yield s(s.array((2,), dtype), _PLACES, start, kept)
    yield s(s.empty(0), _PLACES, start, kept[:0])
    yield s(s.normal(2), _PLACES[[0, 0, 2]], start, kept)
    bad = {"error": "InvalidArgumentError"}
    yield s(s.normal(3), _PLACES, start, kept, **bad)
    yield s(s.normal(2), _PLACES, start[:1], kept, **bad)
    yield s(s.normal(2), _PLACES[:, :1], start, kept, **bad)
    yield s(s.normal(2), _PLACES[:1], start, kept, **bad)
    yield s(s.normal(2), _PLACES, start, kept + 1, error="InternalError")
