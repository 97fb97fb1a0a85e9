"""Bessel functions of the first and second kind, and modified ones of the second kind.

Neither NumPy nor JAX has them; they are SciPy's, loaded at first use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import mul, sub
from tideflow._src.ops.math.division import real_div
from tideflow._src.ops.math.unary import between, neg_op, unary_samples
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.lazy import LazyModule
from tideflow._src.runtime.op import Op, op

_scipy: Any = LazyModule("scipy.special")


def in_single(function: Callable[..., Any], x: Any) -> Any:
    """Calls a function of SciPy in at least single precision and returns the type of the argument."""
    wide = x.astype(np.float32) if x.dtype.itemsize < 4 else x
    return np.asarray(function(wide)).astype(x.dtype)


def _singular(function: Callable[..., Any], x: Any, limit: float) -> Any:
    """Calls a function that is singular at zero; there, and for negative numbers, TensorFlow gives the limit."""
    return np.where(x <= 0, x.dtype.type(limit), in_single(function, x))


def _at_infinity(x: Any, y: Any) -> Any:
    """Puts NaN where ``x`` is infinite, as TensorFlow does for the oscillating functions."""
    return np.where(x == np.inf, x.dtype.type(np.nan), y)


def same_shape(x: Any) -> Any:
    """Is the shape rule of a function that is applied to each element."""
    return x


def public(operation: Op, name: str, summary: str = "") -> Callable[..., Any]:
    """Returns the public function of an operation, whose nodes are in a scope of its name."""
    default_name = name

    def function(x: Any, name: str | None = None) -> Any:
        with name_scope(name, default_name, [x]):
            return operation.call(x)

    function.__name__ = function.__qualname__ = default_name
    function.__doc__ = summary or operation.kernel.__doc__
    function.__module__ = operation.kernel.__module__
    return function


def _positive_samples(s: Any) -> Any:
    yield from unary_samples(s, between(s, 0.3, 6), special=False)
    yield s(np.float32([-1.5, np.nan, np.inf, -np.inf, 40.0, 1e-3]), gradient=False)


@op("BesselJ0", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_j0_op(x):
    """Gives the Bessel function of the first kind of order 0."""
    return _at_infinity(np.abs(x), in_single(_scipy.j0, x))


@bessel_j0_op.gradient
def _bessel_j0_gradient(call, dy):
    return mul(dy, neg_op(bessel_j1_op(call.inputs[0])))


@bessel_j0_op.samples
def _bessel_j0_samples(s):
    yield from unary_samples(s, special=False)
    yield s(np.float32([0.0, -0.0, np.nan, 40.0, -7.5]), gradient=False)


def _over_x(x: Any, y: Any) -> Any:
    """``y / x``, and its limit one half where ``x`` is 0."""
    at_zero = raw.Equal(x, np.zeros((), x.dtype.as_numpy_dtype))
    half = np.asarray(0.5, x.dtype.as_numpy_dtype)
    safe = raw.SelectV2(at_zero, raw.OnesLike(x), x)
    return raw.SelectV2(at_zero, half, raw.RealDiv(y, safe))


@op("BesselJ1", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_j1_op(x):
    """Gives the Bessel function of the first kind of order 1."""
    return _at_infinity(np.abs(x), in_single(_scipy.j1, x))


@bessel_j1_op.gradient
def _bessel_j1_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(bessel_j0_op(x), _over_x(x, y)))


@bessel_j1_op.samples
def _bessel_j1_samples(s):
    yield from unary_samples(s, special=False)
    yield s(np.float32([0.0, np.nan, 40.0, -7.5]), gradient=False)


@op("BesselY0", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_y0_op(x):
    """Gives the Bessel function of the second kind of order 0."""
    return _at_infinity(x, _singular(_scipy.y0, x, -np.inf))


@bessel_y0_op.gradient
def _bessel_y0_gradient(call, dy):
    return mul(dy, neg_op(bessel_y1_op(call.inputs[0])))


@op("BesselY1", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_y1_op(x):
    """Gives the Bessel function of the second kind of order 1."""
    return _at_infinity(x, _singular(_scipy.y1, x, -np.inf))


@bessel_y1_op.gradient
def _bessel_y1_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(bessel_y0_op(x), real_div(y, x)))


@op("BesselK0", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_k0_op(x):
    """Gives the modified Bessel function of the second kind of order 0."""
    return _singular(_scipy.k0, x, np.inf)


@bessel_k0_op.gradient
def _bessel_k0_gradient(call, dy):
    return mul(dy, neg_op(bessel_k1_op(call.inputs[0])))


@op("BesselK0e", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_k0e_op(x):
    """Gives ``exp(x) * bessel_k0(x)``."""
    return _singular(_scipy.k0e, x, np.inf)


@bessel_k0e_op.gradient
def _bessel_k0e_gradient(call, dy):
    return mul(dy, sub(call.outputs[0], bessel_k1e_op(call.inputs[0])))


@op("BesselK1", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_k1_op(x):
    """Gives the modified Bessel function of the second kind of order 1."""
    return _singular(_scipy.k1, x, np.inf)


@bessel_k1_op.gradient
def _bessel_k1_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(neg_op(bessel_k0_op(x)), real_div(y, x)))


@op("BesselK1e", "x: T -> y: T", T=FLOATING, tier="host")
def bessel_k1e_op(x):
    """Gives ``exp(x) * bessel_k1(x)``."""
    return _singular(_scipy.k1e, x, np.inf)


@bessel_k1e_op.gradient
def _bessel_k1e_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(mul(y, sub(1.0, raw.Reciprocal(x))), bessel_k0e_op(x)))


for _operation in (bessel_y0_op, bessel_y1_op, bessel_k0_op, bessel_k0e_op, bessel_k1_op, bessel_k1e_op):
    _operation.samples(_positive_samples)
for _operation in (
    bessel_j0_op,
    bessel_j1_op,
    bessel_y0_op,
    bessel_y1_op,
    bessel_k0_op,
    bessel_k0e_op,
    bessel_k1_op,
    bessel_k1e_op,
):
    _operation.shape(same_shape)

bessel_j0 = public(bessel_j0_op, "bessel_j0")
bessel_j1 = public(bessel_j1_op, "bessel_j1")
bessel_k0 = public(bessel_k0_op, "bessel_k0")
bessel_k0e = public(bessel_k0e_op, "bessel_k0e")
bessel_k1 = public(bessel_k1_op, "bessel_k1")
bessel_k1e = public(bessel_k1e_op, "bessel_k1e")
bessel_y0 = public(bessel_y0_op, "bessel_y0")
bessel_y1 = public(bessel_y1_op, "bessel_y1")
