"""Trigonometric and hyperbolic functions with their inverses; ``tanh`` is in :mod:`.unary`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.ops.math.arithmetic import add_v2, conjugate, mul, sub
from tideflow._src.ops.math.division import real_div
from tideflow._src.ops.math.elementwise_functions import unary
from tideflow._src.ops.math.unary import (
    SMOOTH,
    between,
    neg_op,
    reciprocal_op,
    sqrt_op,
    square_op,
    unary_samples,
)
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op


@op("Sin", "x: T -> y: T", T=SMOOTH, host=np.sin)
def sin_op(xp, x):
    """Gives the sine, element by element."""
    return xp.sin(x)


@sin_op.shape
def _sin_shape(x):
    return x


@sin_op.gradient
def _sin_gradient(call, dy):
    return mul(dy, cos_op(conjugate(call.inputs[0])))


@sin_op.samples
def _sin_samples(s):
    yield from unary_samples(s)


@op("Cos", "x: T -> y: T", T=SMOOTH, host=np.cos)
def cos_op(xp, x):
    """Gives the cosine, element by element."""
    return xp.cos(x)


@cos_op.shape
def _cos_shape(x):
    return x


@cos_op.gradient
def _cos_gradient(call, dy):
    return neg_op(mul(dy, sin_op(conjugate(call.inputs[0]))))


@cos_op.samples
def _cos_samples(s):
    yield from unary_samples(s)


@op("Tan", "x: T -> y: T", T=SMOOTH, host=np.tan)
def tan_op(xp, x):
    """Gives the tangent, element by element."""
    return xp.tan(x)


@tan_op.shape
def _tan_shape(x):
    return x


@tan_op.gradient
def _tan_gradient(call, dy):
    return mul(dy, square_op(reciprocal_op(cos_op(conjugate(call.inputs[0])))))


@tan_op.samples
def _tan_samples(s):
    yield from unary_samples(s, between(s, -1.2, 1.2))


@op("Asin", "x: T -> y: T", T=SMOOTH, host=np.arcsin)
def asin_op(xp, x):
    """Gives the inverse sine, element by element; NaN outside [-1, 1]."""
    return xp.arcsin(x)


@asin_op.shape
def _asin_shape(x):
    return x


@asin_op.gradient
def _asin_gradient(call, dy):
    x = conjugate(call.inputs[0])
    return mul(dy, reciprocal_op(sqrt_op(sub(1, square_op(x)))))


@asin_op.samples
def _asin_samples(s):
    yield from unary_samples(s, between(s, -0.9, 0.9))


@op("Acos", "x: T -> y: T", T=SMOOTH, host=np.arccos)
def acos_op(xp, x):
    """Gives the inverse cosine, element by element; NaN outside [-1, 1]."""
    return xp.arccos(x)


@acos_op.shape
def _acos_shape(x):
    return x


@acos_op.gradient
def _acos_gradient(call, dy):
    x = conjugate(call.inputs[0])
    return neg_op(mul(dy, reciprocal_op(sqrt_op(sub(1, square_op(x))))))


@acos_op.samples
def _acos_samples(s):
    yield from unary_samples(s, between(s, -0.9, 0.9))


@op("Atan", "x: T -> y: T", T=SMOOTH, host=np.arctan)
def atan_op(xp, x):
    """Gives the inverse tangent, element by element."""
    return xp.arctan(x)


@atan_op.shape
def _atan_shape(x):
    return x


@atan_op.gradient
def _atan_gradient(call, dy):
    return mul(dy, reciprocal_op(add_v2(1, square_op(conjugate(call.inputs[0])))))


@atan_op.samples
def _atan_samples(s):
    yield from unary_samples(s, between(s, -0.8, 0.8))
    yield s(np.float32([-20, -1, 2, 30]))


def _at_least_single(x: Any) -> Any:
    return x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)


def _halves(x: Any) -> tuple[Any, Any]:
    """Returns half of ``exp(abs(x))`` and half of ``exp(-abs(x))``.

    XLA's own hyperbolic functions add the logarithm of one half to ``x``, which rounds away digits of large numbers.
    """
    root = jnp.exp(jnp.abs(x) / 2)
    return (root / 2) * root, (0.5 / root) / root


@op("Sinh", "x: T -> y: T", T=SMOOTH, host=np.sinh)
def sinh_op(xp, x):
    """Gives the hyperbolic sine, element by element."""
    return xp.sinh(x)


@sinh_op.xla
def _sinh_xla(x):
    if x.dtype.kind == "c":
        return jnp.sinh(x)
    wide = _at_least_single(x)
    growing, vanishing = _halves(wide)
    small = jnp.expm1(jnp.clip(wide, -1, 1))
    near = (small + small / (small + 1)) / 2
    return jnp.where(jnp.abs(wide) < 1, near, jnp.copysign(growing - vanishing, wide)).astype(x.dtype)


@sinh_op.shape
def _sinh_shape(x):
    return x


@sinh_op.gradient
def _sinh_gradient(call, dy):
    return mul(dy, cosh_op(conjugate(call.inputs[0])))


@sinh_op.samples
def _sinh_samples(s):
    yield from unary_samples(s)


@op("Cosh", "x: T -> y: T", T=SMOOTH, host=np.cosh)
def cosh_op(xp, x):
    """Gives the hyperbolic cosine, element by element."""
    return xp.cosh(x)


@cosh_op.xla
def _cosh_xla(x):
    if x.dtype.kind == "c":
        return jnp.cosh(x)
    growing, vanishing = _halves(_at_least_single(x))
    return (growing + vanishing).astype(x.dtype)


@cosh_op.shape
def _cosh_shape(x):
    return x


@cosh_op.gradient
def _cosh_gradient(call, dy):
    return mul(dy, sinh_op(conjugate(call.inputs[0])))


@cosh_op.samples
def _cosh_samples(s):
    yield from unary_samples(s)


@op("Asinh", "x: T -> y: T", T=SMOOTH, host=np.arcsinh)
def asinh_op(xp, x):
    """Gives the inverse hyperbolic sine, element by element."""
    return xp.arcsinh(x)


@asinh_op.shape
def _asinh_shape(x):
    return x


@asinh_op.gradient
def _asinh_gradient(call, dy):
    return real_div(dy, cosh_op(conjugate(call.outputs[0])))


@asinh_op.samples
def _asinh_samples(s):
    yield from unary_samples(s, between(s, -0.8, 2))


@op("Acosh", "x: T -> y: T", T=SMOOTH, host=np.arccosh)
def acosh_op(xp, x):
    """Gives the inverse hyperbolic cosine, element by element; NaN below 1."""
    return xp.arccosh(x)


@acosh_op.shape
def _acosh_shape(x):
    return x


@acosh_op.gradient
def _acosh_gradient(call, dy):
    return real_div(dy, sinh_op(conjugate(call.outputs[0])))


@acosh_op.samples
def _acosh_samples(s):
    yield from unary_samples(s, between(s, 1.3, 3))
    yield s(np.float32([0.5]), gradient=False)


@op("Atanh", "x: T -> y: T", T=SMOOTH, host=np.arctanh)
def atanh_op(xp, x):
    """Gives the inverse hyperbolic tangent, element by element; NaN outside [-1, 1]."""
    return xp.arctanh(x)


@atanh_op.shape
def _atanh_shape(x):
    return x


@atanh_op.gradient
def _atanh_gradient(call, dy):
    return mul(dy, reciprocal_op(sub(1, square_op(conjugate(call.inputs[0])))))


@atanh_op.samples
def _atanh_samples(s):
    yield from unary_samples(s, between(s, -0.8, 0.8))
    yield s(np.float32([1.0, -1.0, 2.0]), gradient=False)


sin = unary(sin_op, np.sin)
cos = unary(cos_op, np.cos)
tan = unary(tan_op, np.tan)
asin = unary(asin_op, np.arcsin)
acos = unary(acos_op, np.arccos)
atan = unary(atan_op, np.arctan)
sinh = unary(sinh_op, np.sinh)
cosh = unary(cosh_op, np.cosh)
asinh = unary(asinh_op, np.arcsinh)
acosh = unary(acosh_op, np.arccosh)
atanh = unary(atanh_op, np.arctanh)
