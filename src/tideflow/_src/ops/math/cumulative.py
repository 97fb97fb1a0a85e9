"""Cumulative sums, products and log-sum-exps along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING, INDEX, NUMBER
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.reduction import is_short_float
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_TIDX = default("int32", INDEX)
_SIGNATURE = "x: T, axis: static Tidx -> out: T"
_BLOCK = 128


def _axis(x: Any, axis: Any) -> int:
    if axis.ndim:
        raise InvalidArgumentError(None, None, f"ScanOp: axis must be a scalar, not {list(axis.shape)}")
    rank = x.ndim
    number = int(axis)
    if not -rank <= number < rank:
        raise InvalidArgumentError(
            None, None, f"ScanOp: Expected scan axis in the range [{-rank}, {rank}), but got {number}"
        )
    return number % rank


def _whole(x: Any) -> tuple[slice, ...]:
    return (slice(None),) * x.ndim


def _scan(xp: Any, accumulate: Any, neutral: Any, x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    """Runs an inclusive scan; an exclusive one is shifted by an element, a reverse one runs over the flipped input."""
    if not x.size:
        return x
    if reverse:
        x = xp.flip(x, axis)
    if exclusive:
        first = list(x.shape)
        first[axis] = 1
        kept = list(_whole(x))
        kept[axis] = slice(0, -1)
        x = xp.concatenate([xp.full(first, neutral, x.dtype), x[tuple(kept)]], axis)
    result = accumulate(x, axis)
    return xp.flip(result, axis) if reverse else result


def _host_accumulate(ufunc: Any) -> Any:
    def accumulate(x: Any, axis: int) -> Any:
        if is_short_float(x.dtype):
            return ufunc.accumulate(x.astype(np.float32), axis).astype(x.dtype)
        return ufunc.accumulate(x, axis, x.dtype)

    return accumulate


def _blocked(cumulate: Any, combine: Any, neutral: int) -> Any:
    """Makes the scan of compiled programs: row by row along a leading axis, in blocks along a long last one."""

    def accumulate(x: Any, axis: int) -> Any:
        length = x.shape[axis]
        wide = x.astype(np.float32) if is_short_float(np.dtype(x.dtype)) else x
        if axis < x.ndim - 1 and length > 1 and wide.size // length >= 64:
            rows = jnp.moveaxis(wide, axis, 0)

            def step(carry: Any, row: Any) -> Any:
                total = combine(carry, row)
                return total, total

            start = jnp.full(rows.shape[1:], neutral, rows.dtype)
            result = jnp.moveaxis(lax.scan(step, start, rows)[1], 0, axis)
        elif length >= 8 * _BLOCK:
            rows = jnp.moveaxis(wide, axis, -1)
            missing = -length % _BLOCK
            padded = jnp.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, missing)], constant_values=neutral)
            blocks = padded.reshape(*padded.shape[:-1], -1, _BLOCK)
            inside = cumulate(blocks, axis=-1)
            totals = lax.optimization_barrier(inside[..., -1])
            before = accumulate(totals, totals.ndim - 1)
            before = jnp.concatenate([jnp.full((*before.shape[:-1], 1), neutral, before.dtype), before[..., :-1]], -1)
            result = combine(inside, before[..., None]).reshape(padded.shape)[..., :length]
            result = jnp.moveaxis(result, -1, axis)
        else:
            result = cumulate(wide, axis=axis)
        return result.astype(x.dtype)

    return accumulate


def _scan_shape(x: Any, axis: Any) -> Any:
    return x


def _scan_samples(s: Any, *, dtypes: bool = True) -> Any:
    if dtypes:
        for dtype in s.dtypes("T"):
            # TensorFlow does not conjugate in the gradient of Cumprod.
            yield s(s.array((2, 3), dtype), 1, differences=not dtype.is_complex)
    for exclusive in (False, True):
        for reverse in (False, True):
            yield s(s.normal(3, 2, 2), 0, exclusive=exclusive, reverse=reverse)
    yield s(s.normal(2, 3, dtype="float64"), np.int64(-1))
    yield s(s.empty(0, 3), 0)
    yield s(s.empty(2, 0), 1, exclusive=True)
    yield s(s.uniform(0.999, 1.001, (1100,)), 0, gradient=False)
    yield s(s.uniform(0.9, 1.1, (5, 70)), 0, gradient=False)
    yield s(s.normal(2, 3), 2, error="InvalidArgumentError")
    yield s(s.normal(2, 3), [0], error="InvalidArgumentError")
    yield s(s.normal(), 0, error="InvalidArgumentError")


@op("Cumsum", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def cumsum_op(xp, x, axis, *, exclusive: bool = False, reverse: bool = False):
    """Adds up the elements along an axis, giving each partial sum."""
    if xp is np:
        accumulate = _host_accumulate(np.add)
    else:
        accumulate = _blocked(jnp.cumsum, jnp.add, 0)
    return _scan(xp, accumulate, 0, x, _axis(x, axis), exclusive, reverse)


@cumsum_op.gradient
def _cumsum_gradient(call, dy):
    axis = call.inputs[1]
    return cumsum_op(dy, axis, exclusive=call.attr("exclusive"), reverse=not call.attr("reverse")), None


@op("Cumprod", _SIGNATURE, T=NUMBER, Tidx=_TIDX)
def cumprod_op(xp, x, axis, *, exclusive: bool = False, reverse: bool = False):
    """Multiplies the elements along an axis, giving each partial product."""
    if xp is np:
        accumulate = _host_accumulate(np.multiply)
    else:
        accumulate = _blocked(jnp.cumprod, jnp.multiply, 1)
    return _scan(xp, accumulate, 1, x, _axis(x, axis), exclusive, reverse)


@cumprod_op.gradient
def _cumprod_gradient(call, dy):
    x, axis = call.inputs
    exclusive, reverse = call.attr("exclusive"), call.attr("reverse")
    products = cumprod_op(x, axis, exclusive=exclusive, reverse=reverse)
    total = cumsum_op(raw.Mul(products, dy), axis, exclusive=exclusive, reverse=not reverse)
    return raw.DivNoNan(total, x), None


for _operation in (cumsum_op, cumprod_op):
    _operation.shape(_scan_shape)


@cumsum_op.samples
def _cumsum_samples(s):
    yield from _scan_samples(s)


@cumprod_op.samples
def _cumprod_samples(s):
    yield from _scan_samples(s)
    yield s(np.array([2.0, 0.0, 3.0], np.float32), 0, gradient=False)


def _log_add(a: Any, b: Any) -> Any:
    return jnp.logaddexp(a, b)


@op("CumulativeLogsumexp", _SIGNATURE, T=FLOATING, Tidx=_TIDX)
def cumulative_logsumexp_op(xp, x, axis, *, exclusive: bool = False, reverse: bool = False):
    """Computes the logarithm of the partial sums of exponentials along an axis."""
    neutral = -np.inf
    if xp is np:
        accumulate = _host_accumulate(np.logaddexp)
    else:

        def accumulate(values: Any, along: int) -> Any:
            return lax.associative_scan(_log_add, values, axis=along)

    return _scan(xp, accumulate, neutral, x, _axis(x, axis), exclusive, reverse)


cumulative_logsumexp_op.shape(_scan_shape)


@cumulative_logsumexp_op.gradient
def _cumulative_logsumexp_gradient(call, dy):
    x, axis = call.inputs
    result = call.outputs[0]
    exclusive, reverse = call.attr("exclusive"), call.attr("reverse")
    zero = np.zeros((), x.dtype.as_numpy_dtype)
    least = np.asarray(x.dtype.min, x.dtype.as_numpy_dtype)

    def share(part: Any, positive: Any) -> Any:
        logarithm = raw.SelectV2(positive, raw.Log(part), least)
        scanned = cumulative_logsumexp_op(raw.Sub(logarithm, result), axis, exclusive=exclusive, reverse=not reverse)
        return raw.Exp(raw.AddV2(scanned, x))

    upward = share(dy, raw.Greater(dy, zero))
    downward = share(raw.Neg(dy), raw.Less(dy, zero))
    return raw.Sub(upward, downward), None


@cumulative_logsumexp_op.samples
def _cumulative_logsumexp_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), 1, gradient=dtype.name != "bfloat16")
    yield s(s.normal(3, 2, 2), 0, reverse=True)
    yield s(s.normal(4), 0, exclusive=True, gradient=False)
    yield s(np.array([-np.inf, 3.0, np.inf], np.float32), 0, gradient=False)
    yield s(s.normal(2, 3), 2, error="InvalidArgumentError")


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Adds up the elements along an axis, giving each partial sum.

    Args:
      x: the tensor.
      axis: the axis, between ``-rank`` and ``rank - 1``.
      exclusive: whether a partial sum leaves out its own element, and so starts with 0.
      reverse: whether to sum from the end.
      name: the name of the node.

    Returns:
      A tensor of the shape and dtype of ``x``.
    """
    return cumsum_op(x, axis, exclusive=exclusive, reverse=reverse, name=name or "Cumsum")


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """Multiplies the elements along an axis, giving each partial product; the arguments are those of ``cumsum``."""
    return cumprod_op(x, axis, exclusive=exclusive, reverse=reverse, name=name or "Cumprod")


def cumulative_logsumexp(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Any:
    """Computes the logarithm of the partial sums of ``exp(x)`` along an axis; the arguments are those of ``cumsum``."""
    return cumulative_logsumexp_op(x, axis, exclusive=exclusive, reverse=reverse, name=name or "CumulativeLogsumexp")
