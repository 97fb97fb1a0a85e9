"""Reductions over axes: sums, means, products, extrema, logical reductions, the Euclidean norm, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import StaticValue, default
from tideflow._src.graph.types import INDEX, NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_integers, known_shape, shape_of, size_of, with_rank_at_most
from tideflow._src.ops.math import nan_keeping_extrema, partial_sums
from tideflow._src.runtime.op import op

_ORDERED = [
    "float",
    "double",
    "int32",
    "uint8",
    "int16",
    "int8",
    "int64",
    "bfloat16",
    "uint16",
    "half",
    "uint32",
    "uint64",
    "qint8",
    "quint8",
    "qint32",
    "qint16",
    "quint16",
]


def axes_of(indices: Any, rank: int) -> tuple[int, ...]:
    """Returns the axes that a kernel reduces, counted from the front.

    Raises:
      InvalidArgumentError: an axis is out of range or given twice.
    """
    axes = []
    for axis in np.asarray(indices).reshape(-1).tolist():
        if not -rank <= axis < rank:
            raise InvalidArgumentError(
                None, None, f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)"
            )
        axis = axis + rank if axis < 0 else axis
        if axis in axes:
            raise InvalidArgumentError(
                None, None, f"Invalid reduction arguments: Axes contains duplicate dimension: {axis}"
            )
        axes.append(axis)
    return tuple(axes)


def is_short_float(dtype: Any) -> bool:
    """Tells whether a dtype is a float of 16 bits or fewer, whose sums are taken in ``float32``."""
    return dtype.itemsize <= 2 and dtype.kind not in "biu" and dtype.names is None


def _reduced_shape(input: Any, reduction_indices: StaticValue, *, keep_dims: bool) -> Any:
    """Is the static shape of every reduction."""
    with_rank_at_most(reduction_indices.shape, 1)
    if input is None:
        return None
    rank = len(input)
    if reduction_indices.value is None:
        return (None,) * rank if keep_dims else None
    reduced = set()
    for axis in np.asarray(reduction_indices.value).reshape(-1).tolist():
        if not -rank <= axis < rank:
            raise ValueError(f"Invalid reduction dimension {axis} for input with {rank} dimensions.")
        reduced.add(axis % rank)
    if keep_dims:
        return tuple(1 if axis in reduced else size for axis, size in enumerate(input))
    return tuple(size for axis, size in enumerate(input) if axis not in reduced)


def kept_shape(call: Any, value: Any) -> Any:
    """Gives an output (or its gradient) the input's rank again, with 1 for each reduced axis."""
    if call.attr("keep_dims"):
        return value
    x, indices = call.inputs
    shape = known_shape(x)
    axes = known_integers(indices)
    if shape is None or axes is None:
        return raw.Reshape(value, _kept_dynamic(x, indices))
    axes = sorted({axis % len(shape) for axis in axes})
    kept: list[Any] = [1 if axis in axes else size for axis, size in enumerate(shape)]
    if None not in kept:
        return raw.Reshape(value, np.array(kept, np.int32))
    for axis in axes:
        value = raw.ExpandDims(value, np.int32(axis))
    return value


def _kept_dynamic(x: Any, indices: Any) -> Any:
    shape = raw.Shape(x)
    axes = _positive_axes(x, indices)
    rank = raw.Rank(x)
    ones = raw.Fill(raw.Shape(axes), np.int32(1))
    return raw.DynamicStitch([raw.Range(np.int32(0), rank, np.int32(1)), axes], [shape, ones])


def _positive_axes(x: Any, indices: Any) -> Any:
    indices = raw.Reshape(raw.Cast(indices, DstT=dtypes.int32), np.array([-1], np.int32))
    rank = raw.Rank(x)
    return raw.FloorMod(raw.AddV2(indices, rank), rank)


def remaining_axes(rank: Any, axes: Any) -> Any:
    """Returns the axes below ``rank`` that are not among ``axes``, in ascending order, where neither is static."""
    taken = raw.UnsortedSegmentSum(raw.OnesLike(axes), axes, rank)
    keys = raw.AddV2(raw.Mul(taken, rank), raw.Range(np.int32(0), rank, np.int32(1)))
    order = raw.TopKV2(raw.Neg(keys), rank, index_type=dtypes.int32)[1]
    one = np.array([1], np.int32)
    return raw.Slice(order, np.array([0], np.int32), raw.Reshape(raw.Sub(rank, raw.Size(axes)), one))


def _samples(s: Any, *, attribute: str = "T", ties: bool = True) -> Any:
    """Every dtype, every form of the axes, empty inputs, scalars, wrong axes."""
    if attribute:
        for dtype in s.dtypes(attribute):
            # The second derivative of a complex product lacks a conjugation in TensorFlow.
            differences = s.definition.name != "Prod" or not dtype.is_complex
            yield s((s.array if ties else s.distinct)((2, 3), dtype), [1], differences=differences)

        def draw(*shape: int) -> Any:
            return s.distinct(shape)
    else:

        def draw(*shape: int) -> Any:
            return s.array(shape, bool)

    yield s(draw(2, 3), [0, 1])
    yield s(draw(2, 3, 4), [0, -1])
    yield s(draw(2, 3, 4), 1, keep_dims=True)
    yield s(draw(2, 3, 4), np.array([2, 0], np.int64), keep_dims=True)
    yield s(draw(2, 3), np.array([], np.int32))
    yield s(draw(), np.array([], np.int32))
    yield s(draw(0, 3), 1)
    yield s(draw(0, 3), 0, gradient=False)
    yield s(draw(2, 3), 2, error="InvalidArgumentError")
    yield s(draw(2, 3), -3, error="InvalidArgumentError")
    yield s(draw(2, 3), [0, -2], error="InvalidArgumentError")


_SIGNATURE = "input: T, reduction_indices: static Tidx -> output: T"
_TIDX = default("int32", INDEX)


# Sums.


@op("Sum", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def sum_(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Adds up the elements along axes; 16-bit floats are summed in 32 bits."""
    dtype = input.dtype
    axes = axes_of(reduction_indices, input.ndim)
    if is_short_float(dtype):
        return xp.sum(input, axis=axes, dtype=np.float32, keepdims=keep_dims).astype(dtype)
    return xp.sum(input, axis=axes, dtype=dtype, keepdims=keep_dims)


@sum_.xla
def _sum_xla(input, reduction_indices, *, keep_dims):
    axes = axes_of(reduction_indices, input.ndim)
    wide = input.astype(np.float32) if is_short_float(input.dtype) else input
    return partial_sums.total(wide, axes, keep_dims=keep_dims).astype(input.dtype)


@sum_.gradient
def _sum_gradient(call, dy):
    x = call.inputs[0]
    if known_shape(dy) != ():  # a scalar broadcasts as it is
        dy = kept_shape(call, dy)
    return raw.BroadcastTo(dy, shape_of(x)), None


@sum_.samples
def _sum_samples(s):
    yield from _samples(s)
    yield s(s.special(np.float32)[np.newaxis], 0, gradient=False)


@op("Mean", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def mean(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Averages the elements along axes; the mean of integers is rounded towards zero."""
    dtype = input.dtype
    axes = axes_of(reduction_indices, input.ndim)
    count = 1
    for axis in axes:
        count *= input.shape[axis]
    if dtype.kind in "iu":
        wide = np.dtype(np.uint64 if dtype.kind == "u" else np.int64)
        total = xp.sum(input, axis=axes, dtype=wide, keepdims=keep_dims)
        if count == 0:
            return xp.zeros(total.shape, dtype)
        quotient = xp.floor_divide(xp.abs(total), wide.type(count))
        return (quotient * xp.sign(total)).astype(dtype)
    wide = np.dtype(np.float32) if is_short_float(dtype) else dtype
    total = partial_sums.on_either_tier(xp, input, axes, wide, keep_dims=keep_dims)
    return (total / wide.type(count)).astype(dtype)


@mean.gradient
def _mean_gradient(call, dy):
    x = call.inputs[0]
    spread = raw.BroadcastTo(kept_shape(call, dy), shape_of(x))
    size_in = _known_size(x)
    size_out = _known_size(call.outputs[0])
    if size_in is not None and size_out is not None:
        factor = np.asarray(size_in // max(size_out, 1)).astype(x.dtype.as_numpy_dtype)
        return raw.RealDiv(spread, factor), None
    count = raw.FloorDiv(raw.Size(x), raw.Maximum(raw.Size(call.outputs[0]), np.int32(1)))
    return raw.RealDiv(spread, raw.Cast(count, DstT=x.dtype)), None


def _known_size(tensor: Any) -> int | None:
    shape = known_shape(tensor)
    return None if shape is None else size_of(shape)


@mean.samples
def _mean_samples(s):
    yield from _samples(s)
    yield s(np.array([[-3, -4], [3, 4]], np.int32), 1)
    yield s(np.array([200] * 7, np.uint8), 0)


@op("Prod", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def prod(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Multiplies the elements along axes."""
    dtype = input.dtype
    axes = axes_of(reduction_indices, input.ndim)
    if is_short_float(dtype):
        return xp.prod(input, axis=axes, dtype=np.float32, keepdims=keep_dims).astype(dtype)
    return xp.prod(input, axis=axes, dtype=dtype, keepdims=keep_dims)


@prod.gradient
def _prod_gradient(call, dy):
    """Multiplies the products of what stands before and after each element, which is right for zeros too."""
    x, indices = call.inputs
    shape = known_shape(x)
    axes = known_integers(indices)
    spread = kept_shape(call, dy)
    permutation: Any
    inverse: Any
    if shape is not None and axes is not None:
        if not shape or not axes:
            return raw.BroadcastTo(spread, shape_of(x)), None
        axes = sorted({axis % len(shape) for axis in axes})
        others = [axis for axis in range(len(shape)) if axis not in axes]
        permutation = np.array(axes + others, np.int32)
        inverse = np.argsort(permutation).astype(np.int32)
        reduced_axes, other_axes = np.array(axes, np.int32), np.array(others, np.int32)
    else:
        reduced_axes = _positive_axes(x, indices)
        other_axes = remaining_axes(raw.Rank(x), reduced_axes)
        permutation = raw.ConcatV2([reduced_axes, other_axes], np.int32(0))
        inverse = raw.InvertPermutation(permutation)
    permuted = raw.Transpose(x, permutation)
    table = raw.Reshape(permuted, _table_shape(x, shape, reduced_axes, other_axes))
    before = raw.Cumprod(table, np.int32(0), exclusive=True)
    after = raw.Cumprod(table, np.int32(0), exclusive=True, reverse=True)
    rest = raw.Mul(before, after)
    if x.dtype.is_complex:
        rest = raw.Conj(rest)
    rest = raw.Transpose(raw.Reshape(rest, shape_of(permuted)), inverse)
    return raw.Reshape(raw.Mul(spread, rest), shape_of(x)), None


def _table_shape(x: Any, shape: Any, reduced_axes: Any, other_axes: Any) -> Any:
    """The shape (reduced elements, other elements) of a tensor whose reduced axes were moved to the front."""
    if shape is not None and None not in shape and isinstance(reduced_axes, np.ndarray):
        count = size_of([shape[axis] for axis in reduced_axes])
        return np.array([count, size_of([shape[axis] for axis in other_axes])], np.int32)
    sizes = raw.Shape(x)
    zero = np.int32(0)
    counts = [raw.Prod(raw.GatherV2(sizes, axes, zero), zero) for axes in (reduced_axes, other_axes)]
    return raw.Pack(counts)


@prod.samples
def _prod_samples(s):
    yield from _samples(s, ties=True)
    yield s(np.array([[0, 2, 3], [0, 0, 5], [1, 2, 4]], np.float32), 1, differences=False)
    yield s(s.normal(2, 2, 2, dtype="complex128"), [0, 2], differences=False)


# Extrema.


def _extremum(reduce: Any, limit: Any, input: Any, axes: tuple[int, ...], keep_dims: bool) -> Any:
    if 0 in input.shape:  # what the maximum of nothing is
        return reduce(input, axis=axes, keepdims=keep_dims, initial=limit(np.dtype(input.dtype)))
    return reduce(input, axis=axes, keepdims=keep_dims)


def _extremum_gradient(call: Any, dy: Any) -> Any:
    """Shares the gradient equally among the elements that equal the extremum."""
    x = call.inputs[0]
    selected = raw.Cast(raw.Equal(kept_shape(call, call.outputs[0]), x), DstT=x.dtype)
    count = kept_shape(call, raw.Sum(selected, call.inputs[1], keep_dims=call.attr("keep_dims")))
    return raw.Mul(raw.RealDiv(selected, count), kept_shape(call, dy)), None


@op("Max", _SIGNATURE, T=_ORDERED, Tidx=_TIDX)
def max_(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Finds the greatest element along axes; not-a-number if there is one."""
    return _extremum(xp.max, nan_keeping_extrema.lowest, input, axes_of(reduction_indices, input.ndim), keep_dims)


@max_.xla
def _max_xla(input, reduction_indices, *, keep_dims):
    initial = nan_keeping_extrema.lowest(np.dtype(input.dtype))
    return nan_keeping_extrema.reduce(
        nan_keeping_extrema.greater, initial, input, axes_of(reduction_indices, input.ndim), keep_dims
    )


max_.gradient(_extremum_gradient)


@op("Min", _SIGNATURE, T=_ORDERED, Tidx=_TIDX)
def min_(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Finds the least element along axes; not-a-number if there is one."""
    return _extremum(xp.min, nan_keeping_extrema.highest, input, axes_of(reduction_indices, input.ndim), keep_dims)


@min_.xla
def _min_xla(input, reduction_indices, *, keep_dims):
    initial = nan_keeping_extrema.highest(np.dtype(input.dtype))
    return nan_keeping_extrema.reduce(
        nan_keeping_extrema.less, initial, input, axes_of(reduction_indices, input.ndim), keep_dims
    )


min_.gradient(_extremum_gradient)


@max_.samples
def _max_samples(s):
    yield from _samples(s, ties=False)
    yield s(np.array([[1, np.nan], [2, 3], [np.inf, -np.inf]], np.float32), 1, gradient=False)
    yield s(np.array([[1, 1, 0], [2, 2, 2]], np.float32), 1, gradient=False)


min_.samples(_max_samples)


# Logical reductions.

_LOGICAL = "input: bool, reduction_indices: static Tidx -> output: bool"


@op("All", _LOGICAL, Tidx=_TIDX, differentiable=False)
def all_(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Tells whether every element along axes is true."""
    return xp.all(input, axis=axes_of(reduction_indices, input.ndim), keepdims=keep_dims)


@op("Any", _LOGICAL, Tidx=_TIDX, differentiable=False)
def any_(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Tells whether some element along axes is true."""
    return xp.any(input, axis=axes_of(reduction_indices, input.ndim), keepdims=keep_dims)


@all_.samples
def _logical_samples(s):
    yield from _samples(s, attribute="")


any_.samples(_logical_samples)


# Norms.


@op("EuclideanNorm", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def euclidean_norm(xp, input, reduction_indices, *, keep_dims: bool = False):
    """Takes the square root of the sum of squared magnitudes along axes."""
    dtype = input.dtype
    axes = axes_of(reduction_indices, input.ndim)
    if is_short_float(dtype):
        input = input.astype(np.float32)
    squares = (input * xp.conj(input)) if dtype.kind == "c" else input * input
    total = partial_sums.on_either_tier(xp, squares, axes, keep_dims=keep_dims)
    if dtype.kind in "iu":
        total = total.astype(np.float64)
    return xp.sqrt(total).astype(dtype)


@euclidean_norm.gradient
def _euclidean_norm_gradient(call, dy):
    x = call.inputs[0]
    return raw.RealDiv(x, raw.RealDiv(kept_shape(call, call.outputs[0]), kept_shape(call, dy))), None


@euclidean_norm.samples
def _euclidean_norm_samples(s):
    for dtype in s.dtypes("T"):
        # TensorFlow does not conjugate in the gradient.
        yield s(s.positive((2, 3), dtype), [1], differences=not dtype.is_complex)
    # TensorFlow divides by the upstream gradient, which may be zero.
    yield s(s.normal(2, 3, 4), [0, 2], keep_dims=True, differences=False)
    yield s(s.normal(2, 3), np.array([0, 1], np.int64))
    yield s(s.normal(2, 3), 5, error="InvalidArgumentError")


for _operation in (sum_, mean, prod, max_, min_, all_, any_, euclidean_norm):
    _operation.shape(_reduced_shape)


# The square of the Euclidean norm, halved.


@op("L2Loss", "t: T -> output: T", T=("half", "bfloat16", "float", "double"))
def l2_loss_op(xp, t):
    """Halves the sum of the squares of all elements."""
    wide = t.astype(np.float32) if is_short_float(t.dtype) else t
    total = partial_sums.on_either_tier(xp, wide * wide, tuple(range(t.ndim)))
    return (total * wide.dtype.type(0.5)).astype(t.dtype)


@l2_loss_op.shape
def _l2_loss_shape(t):
    return ()


@l2_loss_op.gradient
def _l2_loss_gradient(call, dy):
    return raw.Mul(call.inputs[0], dy)


@l2_loss_op.samples
def _l2_loss_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.normal(2, 3, dtype=dtype))
    yield s(s.normal())
    yield s(s.empty(0, 2))
