"""Order statistics: the greatest k elements, the n-th element, membership in the top k, and places in sorted rows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.graph.types import INDEX, REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import (
    known_shape,
    merge_dimensions,
    shape_of,
    size_of,
    text,
    with_rank,
    with_rank_at_least,
)
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.lazy import jax, jnp, lax
from tideflow._src.runtime.op import op

_SHORT_INDEX = ("int16", "int32", "int64")

#: Rows at least this long are narrowed to candidates before they are sorted.
_LONG_ROW = 2048
_BLOCK = 64


# The greatest k elements.


def _check_top_k(input: Any, k: int) -> None:
    if input.ndim < 1:
        raise InvalidArgumentError(None, None, f"input must be >= 1-D, got shape {text(tuple(input.shape))}")
    if k < 0:
        raise InvalidArgumentError(None, None, f"Need k >= 0, got {k}")
    if input.shape[-1] < k:
        raise InvalidArgumentError(None, None, f"input must have at least k columns. Had {input.shape[-1]}, needed {k}")


def _descending(x: Any) -> Any:
    """Returns numbers whose ascending order is the descending order of ``x``, not-a-number last."""
    return ~x if np.dtype(x.dtype).kind in "iu" else -x


def _host_top_k(input: Any, k: int, index_type: Any) -> tuple[Any, Any]:
    keys = _descending(input)
    length = input.shape[-1]
    if length >= _LONG_ROW and 0 < k <= length // 16:
        order = np.empty((*input.shape[:-1], k), np.int64)
        for row in np.ndindex(*input.shape[:-1]):
            order[row] = _first_in_order(keys[row], k)
    else:
        order = np.argsort(keys, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(np.asarray(input), order, -1), order.astype(index_type)


def _first_in_order(keys: Any, k: int) -> Any:
    """Returns the positions of the k least keys of a row, in order; of equal ones the first."""
    bound = np.partition(keys, k - 1)[k - 1]
    candidates = np.flatnonzero(keys <= bound)
    if len(candidates) < k:  # not-a-number among them
        return np.argsort(keys, kind="stable")[:k]
    return candidates[np.argsort(keys[candidates], kind="stable")[:k]]


def _xla_top_k(input: Any, k: int, index_type: Any) -> tuple[Any, Any]:
    dtype = np.dtype(input.dtype)
    length = input.shape[-1]
    if not input.size or not k:
        shape = (*input.shape[:-1], k)
        return jnp.zeros(shape, input.dtype), jnp.zeros(shape, index_type)
    comparable = input
    if dtype.kind not in "iu":
        comparable = jnp.where(jnp.isnan(input), dtype.type(-np.inf), input)
    if k == length and dtype in (np.float32, np.int32) and length > 64:
        order = _packed_order(comparable)
    elif length >= _LONG_ROW and k <= length // (2 * _BLOCK):
        order = _order_by_blocks(comparable, k)
    elif (dtype.kind == "u" and dtype.itemsize < 8) or dtype.itemsize < 4:
        wide = np.float32 if dtype.kind not in "iu" else np.int64
        order = lax.top_k(comparable.astype(wide), k)[1]
    else:
        order = lax.top_k(comparable, k)[1]
    return jnp.take_along_axis(input, order, axis=-1), order.astype(index_type)


def _packed_order(x: Any) -> Any:
    """Sorts whole rows as 64-bit integers: the key in the high half, the position in the low half."""
    if x.dtype == np.float32:
        bits = lax.bitcast_convert_type(jnp.where(x == 0, np.float32(0), x), np.int32)
        bits = jnp.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
    else:
        bits = x
    positions = lax.broadcasted_iota(np.int64, x.shape, x.ndim - 1)
    packed = ((~bits).astype(np.int64) << 32) | positions
    return lax.sort(packed, dimension=-1) & np.int64(0xFFFFFFFF)


def _order_by_blocks(x: Any, k: int) -> Any:
    """Finds the k blocks with the greatest maxima, which hold the greatest k elements, and sorts only those."""
    length = x.shape[-1]
    dtype = np.dtype(x.dtype)
    least = dtype.type(np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf)
    missing = -length % _BLOCK
    padded = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)], constant_values=least)
    blocks = padded.reshape(*x.shape[:-1], -1, _BLOCK)
    best = lax.optimization_barrier(jnp.max(blocks, axis=-1))
    chosen = jnp.sort(lax.top_k(best, k)[1], axis=-1)  # in their order, so that of equal elements the first wins
    candidates = jnp.take_along_axis(blocks, chosen[..., None], axis=-2)
    inside = lax.top_k(candidates.reshape(*x.shape[:-1], -1), k)[1]
    block = jnp.take_along_axis(chosen, inside // _BLOCK, axis=-1)
    return block * _BLOCK + inside % _BLOCK


def _top_k_shapes(input: Any, k: int | None) -> tuple[Any, Any]:
    input = with_rank_at_least(input, 1)
    if k is not None and k < 0:
        raise ValueError(f"Need k >= 0, got {k}")
    if input is None:
        return None, None
    if input[-1] is not None and k is not None and input[-1] < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {input[-1]}")
    shape = (*input[:-1], k)
    return shape, shape


def _top_k_gradient(call: Any, d_values: Any) -> Any:
    """Puts each gradient where its value came from."""
    x = call.inputs[0]
    indices = call.outputs[1]
    shape, taken = known_shape(x), known_shape(indices)
    flat = np.array([-1], np.int32)
    if shape is not None and taken is not None and None not in shape and None not in taken:
        rows = size_of(shape[:-1])
        starts = (np.arange(rows, dtype=np.int64) * shape[-1]).reshape(*shape[:-1], 1)
        total: Any = np.int64(size_of(shape))
    else:
        sizes = raw.Shape(x, out_type=dtypes.int64)
        length = raw.GatherV2(sizes, raw.Sub(raw.Size(sizes, out_type=dtypes.int64), np.int64(1)), np.int64(0))
        total = raw.Size(x, out_type=dtypes.int64)
        rows_tensor = raw.FloorDiv(total, raw.Maximum(length, np.int64(1)))
        starts = raw.Mul(raw.Range(np.int64(0), rows_tensor, np.int64(1)), length)
        starts = raw.ExpandDims(starts, np.int32(1))
        indices = raw.Reshape(indices, raw.Pack([rows_tensor, np.int64(-1)]))
    places = raw.AddV2(raw.Cast(indices, DstT=dtypes.int64), starts)
    scattered = raw.UnsortedSegmentSum(raw.Reshape(d_values, flat), raw.Reshape(places, flat), total)
    return raw.Reshape(scattered, shape_of(x))


@op(
    "TopKV2",
    "input: T, k: static Tk -> values: T, indices: index_type",
    T=REAL,
    Tk=default("int32", _SHORT_INDEX),
    index_type=default("int32", _SHORT_INDEX),
)
def top_k_v2(xp, input, k, *, index_type: DType, sorted: bool = True):
    """Finds the greatest k elements of each row and their positions, in descending order; of equal ones the first."""
    count = int(scalar(k, "k"))
    _check_top_k(input, count)
    find = _host_top_k if xp is np else _xla_top_k
    return find(input, count, np.dtype(index_type.as_numpy_dtype))


@top_k_v2.shape
def _top_k_v2_shape(input, k):
    if k.value is not None and np.ndim(k.value):
        raise ValueError(f"Input must be scalar but has rank {np.ndim(k.value)}")
    return _top_k_shapes(input, None if k.value is None else int(k.value))


@top_k_v2.gradient
def _top_k_v2_gradient(call, d_values, d_indices):
    return _top_k_gradient(call, d_values), None


@top_k_v2.samples
def _top_k_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((2, 5), dtype), 3)
    yield s(np.array([1, 3, 3, 2, 3], np.float32), 2, gradient=False)
    yield s(np.array([1, 3, 3, 2, 3], np.int32), np.int16(4), index_type="int64")
    yield s(s.distinct((2, 2, 4)), 1, sorted=False)
    yield s(s.distinct((100,)), 100, gradient=False)
    yield s(s.integers(-5, 5, (3, 100)), 100)
    yield s(s.integers(0, 500, (2, 2100), np.float32), 7, gradient=False)
    yield s(s.normal(2, 3), 0)
    yield s(s.empty(0, 3), 2)
    yield s(s.normal(2, 3), 4, error="InvalidArgumentError")
    yield s(s.normal(2, 3), -1, error="InvalidArgumentError")
    yield s(s.normal(), 1, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [1], error="InvalidArgumentError")


@op("TopK", "input: T -> values: T, indices: int32", T=REAL, k=at_least(0))
def top_k_op(xp, input, *, k: int, sorted: bool = True):
    """Finds the greatest k elements of each row, where k is an attribute."""
    _check_top_k(input, k)
    return (_host_top_k if xp is np else _xla_top_k)(input, k, np.dtype(np.int32))


@top_k_op.shape
def _top_k_shape(input, *, k):
    return _top_k_shapes(input, k)


@top_k_op.gradient
def _top_k_op_gradient(call, d_values, d_indices):
    return _top_k_gradient(call, d_values)


@top_k_op.samples
def _top_k_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((2, 5), dtype), k=3)
    yield s(s.normal(2, 3), k=4, error="InvalidArgumentError")


# Membership in the top k.


def _in_top_k(xp: Any, predictions: Any, targets: Any, k: Any) -> Any:
    if predictions.ndim != 2:
        raise InvalidArgumentError(None, None, f"predictions must be 2-dimensional, got {predictions.ndim} dimensions")
    if targets.ndim != 1:
        raise InvalidArgumentError(None, None, f"targets must be 1-dimensional, got {targets.ndim} dimensions")
    if predictions.shape[0] != targets.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            f"First dimension of predictions {predictions.shape[0]} must match length of targets {targets.shape[0]}",
        )
    classes = predictions.shape[1]
    valid = (targets >= 0) & (targets < classes)
    if not classes:
        return xp.zeros(targets.shape, bool)
    chosen = xp.where(valid, targets, 0)
    target = xp.take_along_axis(predictions, chosen[:, None], 1)
    # A value that is not finite leaves the answer open, unless it comes after enough greater ones were counted.
    decided = valid & xp.all(xp.isfinite(predictions), axis=1)
    return decided & (xp.sum(predictions > target, axis=1) < k)


def _in_top_k_shape(predictions: Any, targets: Any, k: Any = None) -> Any:
    predictions, targets = with_rank(predictions, 2), with_rank(targets, 1)
    return (merge_dimensions(predictions[0], targets[0]),)


@op(
    "InTopKV2",
    "predictions: float, targets: T, k: T -> precision: bool",
    T=default("int32", INDEX),
    differentiable=False,
    checks_shapes=True,
)
def in_top_k_v2(xp, predictions, targets, k):
    """Tells for each row whether its target's prediction is among the greatest k; equal ones do not count."""
    return _in_top_k(xp, predictions, targets, k)


@in_top_k_v2.shape
def _in_top_k_v2_shape(predictions, targets, k):
    with_rank(k, 0)
    return _in_top_k_shape(predictions, targets)


@in_top_k_v2.samples
def _in_top_k_v2_samples(s):
    table = s.normal(5, 3)
    for dtype in s.dtypes("T"):
        yield s(table, np.array([0, 1, 2, -1, 9], dtype.as_numpy_dtype), np.array(2, dtype.as_numpy_dtype))
    rows = [[1, np.nan, 3], [1, np.nan, 2], [1, np.inf, 3], [np.inf, 1, 2], [3, 3, 3]]
    yield s(np.array(rows, np.float32), np.array([0, 1, 2, 0, 2], np.int32), 1)
    yield s(table, np.array([0, 1], np.int32), 1, error="InvalidArgumentError")


@op("InTopK", "predictions: float, targets: T -> precision: bool", T=default("int32", INDEX), differentiable=False)
def in_top_k_op(xp, predictions, targets, *, k: int):
    """Tells for each row whether its target's prediction is among the greatest k, where k is an attribute."""
    return _in_top_k(xp, predictions, targets, k)


in_top_k_op.shape(lambda predictions, targets: _in_top_k_shape(predictions, targets))


@in_top_k_op.samples
def _in_top_k_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.normal(3, 4), np.array([0, 3, 5], dtype.as_numpy_dtype), k=2)
    yield s(s.normal(3, 4), np.array([0, 3], np.int32), k=2, error="InvalidArgumentError")


# The n-th element.


@op("NthElement", "input: T, n: static int32 -> values: T", T=REAL)
def nth_element(xp, input, n, *, reverse: bool = False):
    """Finds the n-th least (or greatest) element of each row, counted from 0."""
    place = int(scalar(n, "n"))
    if place < 0:
        raise InvalidArgumentError(None, None, f"n must be non-negative but is {place}")
    if input.ndim < 1 or input.shape[-1] <= place:
        raise InvalidArgumentError(None, None, f"Input must have last dimension > n = {place}")
    if reverse:
        place = input.shape[-1] - 1 - place
    if xp is np:
        return np.partition(input, place, axis=-1)[..., place]
    return jnp.sort(input, axis=-1)[..., place]


@nth_element.shape
def _nth_element_shape(input, n):
    with_rank(n.shape, 0)
    input = with_rank_at_least(input, 1)
    if n.value is not None:
        place = int(n.value)
        if place < 0:
            raise ValueError(f"Input must have n >= 0 but is {place}")
        if input is not None and input[-1] is not None and input[-1] <= place:
            raise ValueError(f"Input must have last dimension > n = {place} but is {input[-1]}")
    return None if input is None else input[:-1]


@nth_element.gradient
def _nth_element_gradient(call, dy):
    x = call.inputs[0]
    last = np.int32(-1)
    selected = raw.Cast(raw.Equal(raw.ExpandDims(call.outputs[0], last), x), DstT=x.dtype)
    count = raw.Sum(selected, last, keep_dims=True)
    return raw.Mul(raw.RealDiv(selected, count), raw.ExpandDims(dy, last)), None


@nth_element.samples
def _nth_element_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.distinct((2, 5), dtype), 1)
    yield s(s.distinct((2, 2, 3)), 0, reverse=True)
    yield s(s.normal(2, 3), 3, error="InvalidArgumentError")
    yield s(s.normal(2, 3), -1, error="InvalidArgumentError")


# Places in sorted rows.


def _bound(xp: Any, sorted_inputs: Any, values: Any, side: Literal["left", "right"], out_type: DType) -> Any:
    for name, item in (("sorted_inputs", sorted_inputs), ("values", values)):
        if item.ndim != 2:
            raise InvalidArgumentError(
                None, None, f"Shape must be rank 2 but is rank {item.ndim} for `{name}` argument"
            )
    if sorted_inputs.shape[0] != values.shape[0]:
        raise InvalidArgumentError(
            None,
            None,
            "Leading dim_size of both tensors must match: "
            f"{sorted_inputs.shape[0]} in sorted_inputs, {values.shape[0]} in values.",
        )
    result = np.dtype(out_type.as_numpy_dtype)
    if xp is np:
        found = np.empty(values.shape, result)
        for row in range(values.shape[0]):
            found[row] = np.searchsorted(sorted_inputs[row], values[row], side=side)
        return found
    search = jax.vmap(lambda row, wanted: jnp.searchsorted(row, wanted, side=side))
    return search(sorted_inputs, values).astype(result)


def _bound_shape(sorted_inputs: Any, values: Any) -> Any:
    with_rank(sorted_inputs, 2)
    return None if values is None else with_rank(values, 2)


_BOUND = "sorted_inputs: T, values: T -> output: out_type"
_OUT = default("int32", INDEX)


@op("LowerBound", _BOUND, out_type=_OUT, differentiable=False)
def lower_bound(xp, sorted_inputs, values, *, out_type: DType):
    """Finds for each value the first place in its sorted row that keeps it sorted."""
    return _bound(xp, sorted_inputs, values, "left", out_type)


@op("UpperBound", _BOUND, out_type=_OUT, differentiable=False)
def upper_bound(xp, sorted_inputs, values, *, out_type: DType):
    """Finds for each value the last place in its sorted row that keeps it sorted."""
    return _bound(xp, sorted_inputs, values, "right", out_type)


for _operation in (lower_bound, upper_bound):
    _operation.shape(_bound_shape)


@lower_bound.samples
def _bound_samples(s):
    for dtype in ("float32", "float64", "int32", "int64", "uint8", "int16", "int8", "float16", "bfloat16"):
        rows = np.sort(s.integers(0, 9, (2, 5), dtype), axis=-1)
        yield s(rows, s.integers(0, 9, (2, 4), dtype))
    yield s(np.array([[1, 2, 2, 3]], np.float32), np.array([[2, 0, 5]], np.float32), out_type="int64")
    yield s(np.array([[1, 2]], np.float32), np.array([[2], [1]], np.float32), error="InvalidArgumentError")
    yield s(np.array([[1, 2]], np.float32), np.array([2], np.float32), error="InvalidArgumentError")


upper_bound.samples(_bound_samples)
