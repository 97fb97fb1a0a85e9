"""Sums, maxima and softmax over dimensions of sparse tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import InternalError, invalid_argument
from tideflow._src.graph.types import NUMBER, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.array.row_sums import sum_rows
from tideflow._src.ops.dimensions import text, with_rank
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.ops.sparse.positions import (
    ascends,
    check_lengths,
    check_matrix,
    check_sizes,
    numbers_of,
    order_keys,
    run_starts,
    sorted_order,
    steps_of,
    summary,
)
from tideflow._src.runtime.checks import require, require_memory
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_INPUTS = "input_indices: int64, input_values: T, input_shape: static int64, reduction_axes: static int32"
_DENSE = f"{_INPUTS} -> output: T"
_SPARSE = f"{_INPUTS} -> output_indices: int64, output_values: T, output_shape: int64"


class _Reduction:
    """Is one reduction whose arguments were checked.

    Attributes:
      kept: the axes that remain, ascending.
      sizes: the shape of the result.
    """

    def __init__(self, indices: Any, values: Any, shape: Any, axes: Any, keep_dims: bool) -> None:
        if shape.ndim != 1:
            raise invalid_argument(f"Expected input_shape to be a vector; got shape: {text(shape.shape)}")
        if np.ndim(axes) > 1:
            raise invalid_argument(
                f"Expected reduction_axes to be a scalar or a vector; got shape: {text(np.shape(axes))}"
            )
        if values.ndim != 1:
            raise invalid_argument(f"vals must be a vec, but got: {text(values.shape)}")
        check_sizes(shape)
        check_lengths(indices, values, shape)
        if values.dtype.fields:
            raise invalid_argument(f"There is no reduction of values of dtype {values.dtype}")
        rank = len(shape)
        reduced = set()
        for axis in np.reshape(axes, -1).tolist():
            if not -rank <= axis < rank:
                raise invalid_argument(f"Invalid reduction dimension {axis}, for input with {rank} dimensions.")
            reduced.add(axis % rank)
        sizes = shape.tolist()
        self.kept = [axis for axis in range(rank) if axis not in reduced]
        self._places = self.kept if not keep_dims else list(range(rank))
        self._keeps = keep_dims and bool(reduced)
        self.sizes = [1 if axis in reduced else sizes[axis] for axis in self._places]
        self._kept_sizes = [sizes[axis] for axis in self.kept]
        self.groups = indices if len(self.kept) == rank else indices[:, np.array(self.kept, np.intp)]

    def dense(self, reduce: Any, values: Any) -> Any:
        """Returns the whole result, with zeros where there are no values."""
        count = 1
        for size in self._kept_sizes:
            count *= size
        require_memory(self.sizes, values.dtype.itemsize)
        if not len(values) or not count:
            numbers = np.zeros(len(values), np.int64)
        else:
            numbers = numbers_of(self.groups, self._kept_sizes)
        outside = (numbers < 0) | (numbers >= count)
        if outside.any():
            number = int(numbers[np.argmax(outside)])
            raise InternalError(
                None, None, f"Obtained a write index of {number} which is outside of bounds of [0, {count})"
            )
        return reduce(numbers, values, count).reshape(self.sizes)

    def sparse(self, reduce: Any, values: Any) -> Any:
        """Returns the result where there are values."""
        (keys,) = order_keys(self.groups)
        order = sorted_order(keys)
        groups = self.groups
        if order is not None:
            keys, values, groups = keys[order], values[order], np.take(groups, order, 0)
        starts = run_starts(keys)
        numbers = np.zeros(len(keys), np.int64)
        numbers[starts[1:]] = 1
        places = groups[starts]
        if self._keeps:
            wide = np.zeros((len(starts), len(self._places)), np.int64)
            wide[:, self.kept] = places
            places = wide
        return places, reduce(np.cumsum(numbers), values, len(starts)), np.array(self.sizes, np.int64)


def _sums(numbers: Any, values: Any, count: int) -> Any:
    """Adds up the values of each number."""
    dtype = values.dtype
    if is_short_float(dtype):
        return _sums(numbers, values.astype(np.float32), count).astype(dtype)
    if dtype.kind == "f":
        return np.bincount(numbers, weights=values, minlength=count).astype(dtype)
    return sum_rows(numbers, values, count)


def _maxima(numbers: Any, values: Any, count: int) -> Any:
    """Finds the greatest value of each number; zero where there is none. A NaN counts only where there is no other."""
    if not len(values):
        return np.zeros(count, values.dtype)
    order = None if ascends(numbers, strictly=False) else np.argsort(numbers, kind="stable")
    if order is not None:
        numbers, values = numbers[order], values[order]
    starts = run_starts(numbers)
    result = np.zeros(count, values.dtype)
    if is_short_float(values.dtype):
        values = values.astype(np.float32)
    result[numbers[starts]] = np.fmax.reduceat(values, starts).astype(result.dtype)
    return result


@op("SparseReduceSum", _DENSE, tier="host", T=NUMBER)
def sparse_reduce_sum_op(input_indices, input_values, input_shape, reduction_axes, *, keep_dims: bool = False):
    """Adds up a sparse tensor along axes into a dense one."""
    return _Reduction(input_indices, input_values, input_shape, reduction_axes, keep_dims).dense(_sums, input_values)


@sparse_reduce_sum_op.xla
def _sparse_reduce_sum_xla(input_indices, input_values, input_shape, reduction_axes, *, keep_dims: bool = False):
    reduction = _Reduction(input_indices, input_values, input_shape, reduction_axes, keep_dims)
    sizes = [input_shape[axis] for axis in reduction.kept]
    count = math.prod(int(size) for size in sizes)
    numbers = jnp.zeros(input_values.shape[0], np.int64)
    for axis, step in enumerate(steps_of(sizes)):
        numbers += reduction.groups[:, axis] * step
    require(
        jnp.all((numbers >= 0) & (numbers < count)),
        f"Obtained a write index which is outside of bounds of [0, {count})",
    )
    kind = np.dtype(input_values.dtype)
    wide = np.dtype(np.float32) if is_short_float(kind) else kind
    sums = jnp.zeros(count, wide)
    if count:
        sums = sums.at[numbers].add(input_values.astype(wide), mode="drop")
    return sums.astype(kind).reshape(reduction.sizes)


@op("SparseReduceMax", _DENSE, tier="host", T=REAL, differentiable="missing")
def sparse_reduce_max_op(input_indices, input_values, input_shape, reduction_axes, *, keep_dims: bool = False):
    """Finds the greatest of a sparse tensor's values along axes; zero where there is none."""
    return _Reduction(input_indices, input_values, input_shape, reduction_axes, keep_dims).dense(_maxima, input_values)


@op("SparseReduceSumSparse", _SPARSE, tier="host", T=NUMBER, differentiable="missing")
def sparse_reduce_sum_sparse_op(input_indices, input_values, input_shape, reduction_axes, *, keep_dims: bool = False):
    """Adds up a sparse tensor along axes into a sparse one."""
    return _Reduction(input_indices, input_values, input_shape, reduction_axes, keep_dims).sparse(_sums, input_values)


@op("SparseReduceMaxSparse", _SPARSE, tier="host", T=REAL, differentiable="missing")
def sparse_reduce_max_sparse_op(input_indices, input_values, input_shape, reduction_axes, *, keep_dims: bool = False):
    """Finds the greatest of a sparse tensor's values along axes, where there is one."""
    return _Reduction(input_indices, input_values, input_shape, reduction_axes, keep_dims).sparse(_maxima, input_values)


def _dense_shape(input_indices, input_values, input_shape, reduction_axes, *, keep_dims):
    sizes, axes = input_shape.integers(), reduction_axes.integers()
    if sizes is None or axes is None or None in axes:
        return None
    sizes = [None if size == -1 else size for size in sizes]
    for size in sizes:
        if size is not None and size < 0:
            raise ValueError(f"Dimension {size} must be >= 0")
    # TensorFlow takes the remainder of C++, and looks whether the axes exist when the operation runs.
    reduced = {int(math.fmod(axis + len(sizes), len(sizes))) for axis in axes} if sizes else set()
    if keep_dims:
        return tuple(1 if axis in reduced else size for axis, size in enumerate(sizes))
    return tuple(size for axis, size in enumerate(sizes) if axis not in reduced)


def _sparse_shape(input_indices, input_values, input_shape, reduction_axes):
    return None, None, None


@sparse_reduce_sum_op.gradient
def _sparse_reduce_sum_gradient(call, dy):
    indices, _, shape, axes = call.inputs
    axes = raw.Reshape(axes, np.array([-1], np.int32))
    rank = raw.Size(shape)
    reduced = raw.FloorMod(raw.Add(axes, rank), rank)
    ones = raw.Fill(raw.Shape(reduced), np.int64(1))
    places = raw.Reshape(reduced, np.array([-1, 1], np.int32))
    sizes = raw.TensorScatterUpdate(shape, places, ones)
    scale = raw.FloorDiv(shape, raw.Maximum(sizes, np.int64(1)))
    kept = raw.FloorDiv(indices, raw.Maximum(scale, np.int64(1)))
    return None, raw.GatherNd(raw.Reshape(dy, sizes), kept), None, None


_PLACES = np.int64([[0, 1], [1, 0], [1, 2]])
_SIZES = np.int64([2, 3])


def _samples(s: Any) -> Any:
    values = s.normal(3)
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SIZES, [1])
    for axes in ([0], [0, 1], np.zeros(0, np.int32), 1, -1, [1, 1]):
        yield s(_PLACES, values, _SIZES, axes)
        yield s(_PLACES, values, _SIZES, axes, keep_dims=True)
    deep = np.int64([[0, 1, 3], [0, 1, 1], [1, 0, 0], [1, 2, 3], [1, 2, 0]])
    for axes in ([0], [1], [2], [0, 2], [1, -1]):
        yield s(deep, s.normal(5), np.int64([2, 3, 4]), axes)
    yield s(_PLACES, -np.abs(values), _SIZES, [0])
    yield s(_PLACES[[2, 1, 0]], values, _SIZES, [1])
    yield s(_PLACES[[1, 1, 0]], values, _SIZES, [1])
    yield s(_PLACES[:0], values[:0], _SIZES, [1])
    yield s(_PLACES[:0], values[:0], _SIZES, [0, 1])
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES, values, _SIZES, [2], **bad)
    yield s(_PLACES, values, _SIZES, [-3], **bad)
    yield s(_PLACES, values, _SIZES, [[0]], **bad)
    yield s(_PLACES, values[:2], _SIZES, [0], **bad)
    yield s(_PLACES[:, :1], values, _SIZES, [0], **bad)
    yield s(_PLACES, values, -_SIZES, [0], **bad)
    yield s(_PLACES, values, _SIZES << 40, [0], **bad)


for _definition in (sparse_reduce_sum_op, sparse_reduce_max_op):
    _definition.shape(_dense_shape)
    _definition.samples(_samples)
for _definition in (sparse_reduce_sum_sparse_op, sparse_reduce_max_sparse_op):
    _definition.shape(_sparse_shape)
    _definition.samples(_samples)


@op(
    "SparseSoftmax",
    "sp_indices: int64, sp_values: T, sp_shape: int64 -> output: T",
    tier="host",
    T=("half", "float", "double"),
)
def sparse_softmax_op(sp_indices, sp_values, sp_shape):
    """Applies softmax to the given values of each innermost row, in the order of positions."""
    check_matrix(sp_indices, sp_values, sp_shape)
    if len(sp_shape) < 2:
        raise invalid_argument(f"Input should have rank >= 2, but received shape: {summary(sp_shape)}")
    check_sizes(sp_shape)
    check_lengths(sp_indices, sp_values, sp_shape)
    if not len(sp_values):
        return sp_values
    (keys,) = order_keys(sp_indices)
    order = sorted_order(keys)
    (rows,) = order_keys(sp_indices[:, :-1])
    if order is not None:
        rows, sp_values = rows[order], sp_values[order]
    starts = run_starts(rows)
    lengths = np.diff(np.append(starts, len(rows)))
    wide = sp_values.astype(np.float32) if is_short_float(sp_values.dtype) else sp_values
    exponentials = np.exp(wide - np.repeat(np.maximum.reduceat(wide, starts), lengths))
    return (exponentials / np.repeat(np.add.reduceat(exponentials, starts), lengths)).astype(sp_values.dtype)


@sparse_softmax_op.shape
def _sparse_softmax_shape(sp_indices, sp_values, sp_shape):
    with_rank(sp_indices, 2)
    with_rank(sp_shape, 1)
    return with_rank(sp_values, 1)


@sparse_softmax_op.gradient
def _sparse_softmax_gradient(call, dy):
    indices, _, shape = call.inputs
    output = call.outputs[0]
    total = raw.SparseReduceSum(indices, raw.Mul(output, dy), shape, np.array([-1], np.int32), keep_dims=True)
    return None, raw.Mul(raw.SparseDenseCwiseAdd(indices, dy, shape, raw.Neg(total)), output), None


@sparse_softmax_op.samples
def _sparse_softmax_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_PLACES, s.array((3,), dtype), _SIZES)
    deep = np.int64([[0, 1, 3], [0, 1, 5], [1, 0, 0], [1, 2, 0], [1, 2, 3]])
    yield s(deep, s.normal(5), np.int64([2, 3, 6]))
    yield s(_PLACES[:0], s.empty(0), _SIZES)
    yield s(_PLACES[[2, 1, 0]], s.normal(3), _SIZES, gradient=False)
    bad = {"error": "InvalidArgumentError"}
    yield s(_PLACES[:, :1], s.normal(3), _SIZES[:1], **bad)
    yield s(_PLACES, s.normal(2), _SIZES, **bad)
    yield s(_PLACES[:, :1], s.normal(3), _SIZES, **bad)
    yield s(_PLACES, s.normal(3), -_SIZES, **bad)
