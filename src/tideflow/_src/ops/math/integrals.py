"""Integrals that have no elementary form: Dawson's, the exponential, Fresnel's and Spence's.

On the host they are SciPy's, loaded at first use; Spence's is compiled as JAX has it, and the exponential integral as
two series with a fixed number of terms: JAX's loops until the last number of an array has converged in each branch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import mul, sub
from tideflow._src.ops.math.bessel_functions import in_single, public, same_shape
from tideflow._src.ops.math.division import real_div
from tideflow._src.ops.math.unary import between, exp_op, square_op, unary_samples
from tideflow._src.runtime.lazy import LazyModule, jnp
from tideflow._src.runtime.op import op

_scipy: Any = LazyModule("scipy.special")
_jax: Any = LazyModule("jax.scipy.special")


#: From this argument on the asymptotic series of the exponential integral (DLMF 6.12.2) has its last place right, and
#: below it the power series (DLMF 6.6.2) does, in so many terms.
_ASYMPTOTIC = 40.0
_ASYMPTOTIC_TERMS = 40
_POWER_TERMS = 120
#: From this argument on Spence's integral is its leading terms.
_FAR = 1e30


def _compiled(function: Any, x: Any) -> Any:
    wide = x.astype(jnp.float32) if x.dtype.itemsize < 4 else x
    return function(wide).astype(x.dtype)


@op("Dawsn", "x: T -> y: T", T=FLOATING, tier="host")
def dawsn_op(x):
    """Gives Dawson's integral, ``exp(-x**2)`` times the integral of ``exp(t**2)`` from 0 to ``x``."""
    return in_single(_scipy.dawsn, x)


@dawsn_op.gradient
def _dawsn_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(1.0, mul(2.0, mul(x, y))))


@dawsn_op.samples
def _dawsn_samples(s):
    yield from unary_samples(s)


def _asymptotic(xp: Any, x: Any) -> Any:
    """Gives the exponential integral of large numbers; it overflows later than the exponential itself does."""
    coefficients = [float(math.factorial(k)) for k in range(_ASYMPTOTIC_TERMS)]
    root = xp.exp(x / 2)
    return root * (root / x * xp.polyval(xp.array(coefficients[::-1]), 1 / x))


@op("Expint", "x: T -> y: T", T=FLOATING)
def expint_op(xp, x):
    """Gives the exponential integral, that of ``exp(t) / t`` from minus infinity to ``x``; NaN below 0."""
    wide = x.astype(jnp.float64)
    tiny = np.finfo("float64").tiny
    near = jnp.clip(wide, tiny, _ASYMPTOTIC)
    powers = [1 / (k * math.factorial(k)) for k in range(1, _POWER_TERMS)]
    power_series = np.euler_gamma + jnp.log(near) + near * jnp.polyval(jnp.array(powers[::-1]), near)
    result = jnp.where(wide < _ASYMPTOTIC, power_series, _asymptotic(jnp, jnp.maximum(wide, _ASYMPTOTIC)))
    # The logarithm of a subnormal number may be that of zero.
    outside = jnp.where((wide >= 0) & (wide < tiny), -jnp.inf, jnp.nan)
    return jnp.where((wide < tiny) | (x == jnp.inf), outside, result).astype(x.dtype)


@expint_op.host
def _expint_host(x):
    result = in_single(_scipy.expi, x)
    if x.dtype == np.float64 and (x > _ASYMPTOTIC).any():
        # There SciPy's loses two digits, and overflows with the exponential.
        result = np.where(x > _ASYMPTOTIC, _asymptotic(np, np.maximum(x, _ASYMPTOTIC)), result)
    return np.where((x < 0) | (x == np.inf), x.dtype.type(np.nan), result)


@expint_op.gradient
def _expint_gradient(call, dy):
    x = call.inputs[0]
    return mul(dy, real_div(exp_op(x), x))


@expint_op.samples
def _expint_samples(s):
    yield from unary_samples(s, between(s, 0.3, 6), special=False)
    yield s(np.float32([0.0, 0.5, 12.0, 30.0, np.nan, -2.0, np.inf]), gradient=False)


def _fresnel(x: Any, which: int) -> Any:
    """Gives one of SciPy's two integrals, and the limit where the square of ``x`` would overflow."""
    value = in_single(lambda argument: _scipy.fresnel(argument)[which], x)
    return np.where(np.abs(x) > 1e15, np.copysign(x.dtype.type(0.5), x), value) if x.dtype.itemsize > 2 else value


@op("FresnelCos", "x: T -> y: T", T=FLOATING, tier="host")
def fresnel_cos_op(x):
    """Gives Fresnel's cosine integral, that of ``cos(pi * t**2 / 2)`` from 0 to ``x``."""
    return _fresnel(x, 1)


@fresnel_cos_op.gradient
def _fresnel_cos_gradient(call, dy):
    return mul(dy, raw.Cos(mul(np.pi / 2, square_op(call.inputs[0]))))


@op("FresnelSin", "x: T -> y: T", T=FLOATING, tier="host")
def fresnel_sin_op(x):
    """Gives Fresnel's sine integral, that of ``sin(pi * t**2 / 2)`` from 0 to ``x``."""
    return _fresnel(x, 0)


@fresnel_sin_op.gradient
def _fresnel_sin_gradient(call, dy):
    return mul(dy, raw.Sin(mul(np.pi / 2, square_op(call.inputs[0]))))


def _fresnel_samples(s: Any) -> Any:
    yield from unary_samples(s, special=False)
    yield s(np.float32([0.0, np.nan, np.inf, -np.inf, 5.0, -40.0]), gradient=False)


fresnel_cos_op.samples(_fresnel_samples)
fresnel_sin_op.samples(_fresnel_samples)


@op("Spence", "x: T -> y: T", T=FLOATING)
def spence_op(xp, x):
    """Gives Spence's integral, that of ``log(t) / (1 - t)`` from 1 to ``x``; NaN for negative numbers."""
    # JAX's reciprocal of the largest numbers is flushed to zero; there the leading terms (DLMF 25.12.4) are exact.
    far = (x.astype(jnp.float64) > _FAR) & (x < jnp.inf)
    leading = _compiled(lambda wide: -(jnp.log(wide) ** 2) / 2 - np.pi**2 / 6, jnp.where(far, x, 1))
    return jnp.where(far, leading, _compiled(_jax.spence, jnp.where(far, 1, x)))


@spence_op.host
def _spence_host(x):
    return in_single(_scipy.spence, x)


@spence_op.gradient
def _spence_gradient(call, dy):
    x = call.inputs[0]
    one = np.ones((), x.dtype.as_numpy_dtype)
    at_one = raw.Equal(x, one)
    safe = raw.SelectV2(at_one, raw.ZerosLike(x), x)
    return mul(dy, raw.SelectV2(at_one, -one, real_div(raw.Log(x), sub(1.0, safe))))


@spence_op.samples
def _spence_samples(s):
    yield from unary_samples(s, between(s, 1.3, 6), special=False)
    yield s(np.float32([0.0, 0.25, 1.0, 2.0, np.nan, -1.0]), gradient=False)


for _operation in (dawsn_op, expint_op, fresnel_cos_op, fresnel_sin_op, spence_op):
    _operation.shape(same_shape)

dawsn = public(dawsn_op, "dawsn")
expint = public(expint_op, "expint")
fresnel_cos = public(fresnel_cos_op, "fresnel_cos")
fresnel_sin = public(fresnel_sin_op, "fresnel_sin")
spence = public(spence_op, "spence")
