"""Hurwitz' zeta function, and the derivatives of the digamma function that follow from it.

Both tiers sum ten terms and Euler and Maclaurin's remainder (DLMF 25.11.5) in double precision: a fixed number of
steps for every argument. For a negative one the terms below zero are the difference of two sums.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from tideflow._src.ops.math.arithmetic import add_v2, mul
from tideflow._src.ops.math.elementwise_functions import binary, renamed
from tideflow._src.ops.math.special_functions import digamma_on_host
from tideflow._src.ops.math.unary import neg_op
from tideflow._src.runtime.lazy import LazyModule, jnp, lax
from tideflow._src.runtime.op import op

_scipy: Any = LazyModule("scipy.special")

_TERMS = 10
_REMAINDER_TERMS = 12
#: From this argument on the remainder is the whole sum.
_FAR = 1e8
#: From this one on all doubles are integers.
_WHOLE = 2.0**53


@cache
def _remainder_coefficients() -> tuple[float, ...]:
    """Bernoulli's numbers with even index over the factorials of their index."""
    from fractions import Fraction  # 2 ms that few programs need

    bernoulli = [Fraction(1)]
    for n in range(1, 2 * _REMAINDER_TERMS + 1):
        bernoulli.append(-sum(math.comb(n + 1, k) * bernoulli[k] for k in range(n)) / (n + 1))
    return tuple(float(bernoulli[2 * k] / math.factorial(2 * k)) for k in range(1, _REMAINDER_TERMS + 1))


def _of_positive(xp: Any, x: Any, q: Any) -> Any:
    """Gives the function for ``x > 1`` and ``q > 0``."""
    far = (1 / (x - 1) + 1 / (2 * q)) * q ** (1 - x)
    near_q = xp.minimum(q, _FAR)
    total = near_q**-x
    for k in range(1, _TERMS):
        total = total + (near_q + k) ** -x
    end = near_q + _TERMS
    power = end**-x
    total = total + power * end / (x - 1) + power / 2
    factor = power * x / end
    for k, coefficient in enumerate(_remainder_coefficients()):
        total = total + xp.where(factor == 0, 0, coefficient * factor)
        factor = xp.where(factor == 0, 0, factor * ((x + 2 * k + 1) / end) * ((x + 2 * k + 2) / end))
    return xp.where(q > _FAR, far, total)


def _zeta(xp: Any, x: Any, q: Any) -> Any:
    """Gives the function over the whole range: NaN outside its domain, infinity at even poles as TensorFlow has it."""
    x, q = (item.astype(xp.float64) for item in xp.broadcast_arrays(x, q))
    inside = (x > 1) & (x < np.inf)
    s = xp.where(inside, x, 2.0)
    positive = q > 0
    steps = xp.floor(-q)
    rest = -q - steps  # what the last negative term is from zero, its sign left away
    whole = rest == 0
    ordinary = ~positive & ~whole & (q > -_WHOLE)
    largest = np.finfo("float64").max
    first = _of_positive(xp, s, xp.where(positive, xp.minimum(q, largest), xp.where(ordinary, 1 - rest, 1.0)))
    last = _of_positive(xp, s, xp.where(ordinary, 1 - q, 2.0))
    negative_terms = _of_positive(xp, s, xp.where(ordinary, rest, 1.0)) - last
    odd = s % 2 == 1
    result = xp.where(positive, first, first + xp.where(odd, -negative_terms, negative_terms))
    at_pole = xp.where(s % 2 == 0, np.inf, np.nan)
    result = xp.where(positive | ordinary, result, at_pole)
    result = xp.where(~positive & (s % 1 != 0), np.nan, result)
    result = xp.where(q == np.inf, 0.0, result)
    at_infinity = xp.where(q > 1, 0.0, xp.where(q == 1, 1.0, np.inf))
    outside = xp.where(x == 1, np.inf, xp.where(x == np.inf, at_infinity, np.nan))
    return xp.where(xp.isnan(q), np.nan, xp.where(inside, result, outside))


@op("Zeta", "x: T, q: T -> z: T", T=("float", "double"), broadcasts=True)
def zeta_op(xp, x, q):
    """Gives Hurwitz' zeta function, the sum of ``(n + q) ** -x`` over natural ``n``."""
    return _zeta(xp, x, q).astype(x.dtype)


@zeta_op.gradient
def _zeta_gradient(call, dz):
    x, q = call.inputs
    return None, mul(dz, mul(neg_op(x), zeta_op(add_v2(x, 1), q)))


@zeta_op.samples
def _zeta_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.uniform(1.5, 4, (2, 3), dtype), s.positive((3,), dtype), gradient=False)


def _polygamma(xp: Any, gammaln: Any, digamma: Any, a: Any, x: Any) -> Any:
    order, value = (item.astype(xp.float64) for item in xp.broadcast_arrays(a, x))
    sign = xp.where((order + 1) % 2 == 0, 1.0, -1.0)
    zeta = _zeta(xp, order + 1, value)
    higher = sign * xp.exp(gammaln(order + 1)) * zeta
    lowest = xp.where(value == 0, np.nan, digamma(value))
    result = xp.where(order == 0, lowest, higher)
    return xp.where((order < 0) | (order != xp.floor(order)), np.nan, result).astype(x.dtype)


@op("Polygamma", "a: T, x: T -> z: T", T=("float", "double"), broadcasts=True)
def polygamma_op(xp, a, x):
    """Gives the derivative of order ``a`` of the digamma function; NaN if the order is not a natural number."""
    return _polygamma(jnp, lax.lgamma, lax.digamma, a, x)


@polygamma_op.host
def _polygamma_host(a, x):
    return _polygamma(np, _scipy.gammaln, digamma_on_host, a, x)


@polygamma_op.gradient
def _polygamma_gradient(call, dz):
    a, x = call.inputs
    return None, mul(dz, polygamma_op(add_v2(a, 1), x))


@polygamma_op.samples
def _polygamma_samples(s):
    for dtype in s.dtypes("T"):
        yield s(np.array([0, 1, 2, 3], dtype.as_numpy_dtype), s.positive((2, 4), dtype), gradient=False)
    yield s(np.float64(2), s.positive((3,), "float64"), gradient=False)


polygamma = renamed(binary(polygamma_op, "Polygamma", None), "a", "x")
zeta = renamed(binary(zeta_op, "Zeta", None), "x", "q")
