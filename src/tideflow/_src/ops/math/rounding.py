"""Rounding, questions about the kind of a number, and the number next to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import COMPLEX, FLOATING, SIGNED
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.elementwise_functions import binary, renamed, unary
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.op import op

_HALVES = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.7, -3.7, 0.0, -0.0, np.nan, np.inf]


def _rounding_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        if not dtype.is_complex and not dtype.is_integer:
            yield s(s.array((2, 3), dtype), gradient=False)
            yield s(np.array(_HALVES, dtype.as_numpy_dtype), gradient=False)
    yield s(s.normal(), gradient=False)
    yield s(s.empty(0, 2))


@op("Floor", "x: T -> y: T", T=FLOATING, host=np.floor)
def floor_op(xp, x):
    """Gives the largest integer that is not larger, element by element."""
    return xp.floor(x)


@floor_op.shape
def _floor_shape(x):
    return x


@floor_op.gradient
def _floor_gradient(call, dy):
    return None


@floor_op.samples
def _floor_samples(s):
    yield from _rounding_samples(s)


@op("Ceil", "x: T -> y: T", T=FLOATING, host=np.ceil)
def ceil_op(xp, x):
    """Gives the smallest integer that is not smaller, element by element."""
    return xp.ceil(x)


@ceil_op.shape
def _ceil_shape(x):
    return x


@ceil_op.gradient
def _ceil_gradient(call, dy):
    return None


@ceil_op.samples
def _ceil_samples(s):
    yield from _rounding_samples(s)


@op("Round", "x: T -> y: T", T=(*FLOATING, *SIGNED, *COMPLEX))
def round_op(xp, x):
    """Gives the nearest integer, element by element; the even one of two that are equally near."""
    return xp.round(x) if x.dtype.kind == "c" else x if x.dtype.kind == "i" else xp.rint(x)


@round_op.shape
def _round_shape(x):
    return x


@round_op.gradient
def _round_gradient(call, dy):
    return None


@round_op.samples
def _round_samples(s):
    yield from _rounding_samples(s)


@op("Rint", "x: T -> y: T", T=FLOATING, host=np.rint)
def rint_op(xp, x):
    """Gives the nearest integer, element by element; the even one of two that are equally near."""
    return xp.rint(x)


@rint_op.shape
def _rint_shape(x):
    return x


@rint_op.gradient
def _rint_gradient(call, dy):
    return None


@rint_op.samples
def _rint_samples(s):
    yield from _rounding_samples(s)


# Kinds of numbers.


def _kind_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(np.array([0, 1, np.nan, np.inf, -np.inf], dtype.as_numpy_dtype), gradient=False)
    yield s(s.normal(), gradient=False)
    yield s(s.empty(0, 2), gradient=False)


@op("IsNan", "x: T -> y: bool", T=FLOATING, host=np.isnan, differentiable="missing")
def is_nan_op(xp, x):
    """Tells where it is not a number."""
    return xp.isnan(x)


@is_nan_op.shape
def _is_nan_shape(x):
    return x


@is_nan_op.samples
def _is_nan_samples(s):
    yield from _kind_samples(s)


@op("IsInf", "x: T -> y: bool", T=FLOATING, host=np.isinf, differentiable="missing")
def is_inf_op(xp, x):
    """Tells where it is infinite."""
    return xp.isinf(x)


@is_inf_op.shape
def _is_inf_shape(x):
    return x


@is_inf_op.samples
def _is_inf_samples(s):
    yield from _kind_samples(s)


@op("IsFinite", "x: T -> y: bool", T=FLOATING, host=np.isfinite, differentiable="missing")
def is_finite_op(xp, x):
    """Tells where it is neither infinite nor NaN."""
    return xp.isfinite(x)


@is_finite_op.shape
def _is_finite_shape(x):
    return x


@is_finite_op.samples
def _is_finite_samples(s):
    yield from _kind_samples(s)


@op(
    "NextAfter",
    "x1: T, x2: T -> output: T",
    T=default("float", ("double", "float")),
    broadcasts=True,
    host=np.nextafter,
)
def nextafter_op(xp, x1, x2):
    """Gives the number that a floating type has next to ``x1`` in the direction of ``x2``."""
    return xp.nextafter(x1, x2)


@nextafter_op.gradient
def _nextafter_gradient(call, dy):
    x1, x2 = call.inputs
    return raw.Mul(dy, raw.OnesLike(x1)), raw.Mul(dy, raw.ZerosLike(x2))


@nextafter_op.samples
def _nextafter_samples(s):
    for dtype in s.dtypes("T"):
        kind = dtype.as_numpy_dtype
        yield s(np.array([0, 1, 1, np.inf], kind), np.array([1, 0, 2, 0], kind), gradient=False)
    yield s(s.normal(2, 1), s.normal(3), gradient=False)


floor = unary(floor_op, np.floor)
ceil = unary(ceil_op, np.ceil)
rint = unary(rint_op, np.rint)
is_nan = unary(is_nan_op, np.isnan, function_name="is_nan")
is_inf = unary(is_inf_op, np.isinf, function_name="is_inf")
is_finite = unary(is_finite_op, np.isfinite, function_name="is_finite")
nextafter = renamed(binary(nextafter_op, "NextAfter", None), "x1", "x2")


def _round_slowly(x: Any, name: str | None) -> Any:
    x = convert_to_tensor(x, name="x")
    return x if x.dtype.is_integer else round_op.call(x, name=name)


round = unary(round_op, slow=_round_slowly)
