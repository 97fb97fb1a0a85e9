"""The incomplete gamma functions and their derivatives with respect to the parameter, over the whole range of floats.

On the host they are SciPy's. Compiled, they are XLA's series and continued fractions where those take few steps, in
double precision; for large parameters, where the steps grow without bound, Temme's uniform expansion (DLMF 8.12). For
small ones the upper function is not taken as what the lower one leaves of 1, which has no digit right, but from the
power series with the 1 taken out (DLMF 8.7.1).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_v2, mul, sub
from tideflow._src.ops.math.elementwise_functions import binary, renamed
from tideflow._src.ops.math.special_functions import lgamma_op, log_gamma_coefficients, on_host
from tideflow._src.ops.math.unary import exp_op, neg_op
from tideflow._src.runtime.lazy import LazyModule, jnp, lax
from tideflow._src.runtime.op import op

_scipy: Any = LazyModule("scipy.special")

#: From this parameter on the expansion serves; its next terms are of relative size 1e-10 there.
_LARGE = 1e5
#: No larger argument tells anything for a parameter that is not large: the functions are 0 and 1.
_FAR = 1e7
#: Coefficients of the expansion in powers of eta: those of 1 and of 1 / a (DLMF 8.12.11, 8.12.13).
_FIRST = (-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600)
_SECOND = (-1 / 540, -1 / 288, 1 / 378)

#: Up to this parameter and this argument the upper function has a series of its own, of so many terms.
_SMALL = 0.5
_SMALL_ARGUMENT = 1.0
_SMALL_TERMS = 20


class _Expansion:
    """Is what Temme's expansion has in common for all functions, for large ``a``."""

    def __init__(self, a: Any, x: Any) -> None:
        mu = (x - a) / a
        ratio = jnp.maximum(x, np.finfo("float64").tiny) / a
        self.logarithm = jnp.where(mu < -0.5, jnp.log(jnp.maximum(ratio, np.finfo("float64").tiny)), jnp.log1p(mu))
        series = mu * mu * jnp.polyval(jnp.array([(-1) ** k / k for k in range(12, 1, -1)]), mu)
        deviation = jnp.where(jnp.abs(mu) < 0.03, series, mu - self.logarithm)
        self.a, self.ratio = a, ratio
        self.eta = jnp.sign(mu) * jnp.sqrt(2 * deviation)
        #: How many standard deviations the argument is from the parameter, on a scale on which the density is normal.
        self.zeta = jnp.clip(self.eta * jnp.sqrt(a), -1e10, 1e10)
        self.density = jnp.exp(-self.zeta * self.zeta / 2) / np.sqrt(2 * np.pi)
        # Farther out the density is zero, and no correction counts.
        near = jnp.clip(self.eta, -0.2, 0.2)
        self.is_near = jnp.abs(self.eta) < 0.2
        self.first = jnp.polyval(jnp.array(_FIRST[::-1]), near)
        self.first_slope = jnp.polyval(jnp.array([k * c for k, c in enumerate(_FIRST)][:0:-1]), near)
        self.second = jnp.polyval(jnp.array(_SECOND[::-1]), near)

    def tail(self, sign: int) -> Any:
        """Returns the lower function for the sign -1, and the upper one for 1."""
        correction = self.density / jnp.sqrt(self.a) * (self.first + self.second / self.a)
        return lax.erfc(sign * self.zeta / np.sqrt(2)) / 2 + sign * correction

    def slope(self) -> Any:
        """Returns the derivative of the lower function with respect to ``a``, divided by the density."""
        root = jnp.sqrt(self.a)
        ratio = jnp.where(self.eta == 0, 1, self.logarithm / jnp.where(self.eta == 0, 1, self.eta))
        eta_slope = -ratio / self.a - self.eta / (2 * self.a)
        inner = self.first * (self.logarithm - 1 / (2 * self.a)) + self.first_slope * eta_slope
        return -(ratio + jnp.where(self.is_near, inner, 0)) / root


def _small_series(a: Any, x: Any) -> tuple[Any, Any]:
    """Returns ``power / a`` and a series, for a small parameter and a small, positive argument, with all digits right.

    The lower function is ``exp(power) * (1 + a * series)``, the upper one what that leaves of 1. Divided by ``a``, no
    part of them vanishes for the smallest parameters.
    """
    log_gamma = jnp.polyval(jnp.array(log_gamma_coefficients()[::-1]), a) - jnp.log1p(a) / a
    series = sum((-x) ** k / (math.factorial(k) * (a + k)) for k in range(_SMALL_TERMS, 0, -1))
    return jnp.log(x) - log_gamma, series


def _small_lower(a: Any, x: Any) -> Any:
    exponent, series = _small_series(a, x)
    return jnp.exp(a * exponent) * (1 + a * series)


def _small_upper(a: Any, x: Any) -> Any:
    exponent, series = _small_series(a, x)
    return a * (-jnp.expm1(a * exponent) / a - jnp.exp(a * exponent) * series)


def _by_steps(a: Any, x: Any, few: Any, of_small: Any) -> Any:
    """Gives one of the functions for a parameter that is not large: by ``of_small`` for small ones, or by ``few``."""
    small = (a <= _SMALL) & (x <= _SMALL_ARGUMENT) & (x > 0)
    value = of_small(jnp.where(small, a, _SMALL), jnp.where(small, x, _SMALL_ARGUMENT))
    return jnp.where(small, value, few(jnp.where(small, 1.0, a), jnp.where(small, 1.0, x)))


def _lower_steps(a: Any, x: Any) -> Any:
    return _by_steps(a, x, lax.igamma, _small_lower)


def _upper_steps(a: Any, x: Any) -> Any:
    return _by_steps(a, x, lax.igammac, _small_upper)


def _wide(a: Any, x: Any) -> tuple[Any, Any]:
    """Returns the arguments with one shape, in double precision."""
    a, x = jnp.broadcast_arrays(a, x)
    return a.astype(jnp.float64), x.astype(jnp.float64)


def _by_size(arguments: tuple[Any, Any], few: Any, expansion: Any) -> Any:
    """Chooses between what takes few steps for parameters that are not large, and the expansion."""
    a, x = arguments
    large = a > _LARGE
    finite = jnp.where(jnp.isfinite(a), a, 2 * _LARGE)
    steps = few(jnp.where(large, 1.0, a), jnp.clip(x, 0, _FAR))
    expanded = expansion(
        _Expansion(jnp.maximum(finite, _LARGE), jnp.where(jnp.isfinite(x), x, np.finfo("float64").max))
    )
    result = jnp.where(large, expanded, steps)
    return jnp.where((x >= 0) & (a >= 0), result, jnp.nan)


@op("Igamma", "a: T, x: T -> z: T", T=FLOATING, broadcasts=True)
def igamma_op(xp, a, x):
    """Gives the lower regularized incomplete gamma function."""
    result = _by_size(_wide(a, x), _lower_steps, lambda expansion: expansion.tail(-1))
    return _lower_domain(jnp, a, x, jnp.where(x == jnp.inf, 1, result))


@igamma_op.host
def _igamma_host(a, x):
    return _lower_domain(np, a, x, np.minimum(on_host(_scipy.gammainc, *_within_scipy(a, x)), 1))


def _within_scipy(a: Any, x: Any) -> tuple[Any, Any]:
    """Returns arguments for which SciPy's answer is the same: for parameters near the largest number it has none."""
    if a.dtype != np.float64:
        return a, x
    scale = np.where((a > 1e300) & np.isfinite(a), 1e-10, 1.0)
    return a * scale, x * scale


def _lower_domain(xp: Any, a: Any, x: Any, result: Any) -> Any:
    """Puts NaN where ``a`` is not positive, and zero at ``x = 0`` and for an infinite ``a``, as TensorFlow does."""
    return xp.where((x == 0) | ((a == np.inf) & (x >= 0)), 0, xp.where(a > 0, result, np.nan)).astype(x.dtype)


def _igamma_density(a: Any, x: Any) -> Any:
    """The derivative with respect to ``x``, computed in logarithms so that it does not overflow."""
    return exp_op(sub(add_v2(neg_op(x), mul(sub(a, 1), raw.Log(x))), lgamma_op(a)))


@igamma_op.gradient
def _igamma_gradient(call, dz):
    a, x = call.inputs
    return mul(igamma_grad_a(a, x), dz), mul(_igamma_density(a, x), dz)


def _incomplete_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.positive((2, 3), dtype), s.positive((3,), dtype), gradient=False, tolerance=1e-2)


@igamma_op.samples
def _igamma_samples(s):
    yield from _incomplete_samples(s)


@op("Igammac", "a: T, x: T -> z: T", T=FLOATING, broadcasts=True)
def igammac_op(xp, a, x):
    """Gives the upper regularized incomplete gamma function."""
    result = _by_size(_wide(a, x), _upper_steps, lambda expansion: expansion.tail(1))
    return _upper_domain(jnp, a, x, result)


@igammac_op.host
def _igammac_host(a, x):
    return _upper_domain(np, a, x, on_host(_scipy.gammaincc, *_within_scipy(a, x)))


def _upper_domain(xp: Any, a: Any, x: Any, result: Any) -> Any:
    at_infinity = xp.where(x == np.inf, 0, xp.where(x >= 0, 1, np.nan))
    inside = xp.where(x == np.inf, 0, result)
    return xp.where(a == np.inf, at_infinity, xp.where(a > 0, inside, np.nan)).astype(x.dtype)


@igammac_op.gradient
def _igammac_gradient(call, dz):
    a, x = call.inputs
    return neg_op(mul(igamma_grad_a(a, x), dz)), neg_op(mul(_igamma_density(a, x), dz))


@igammac_op.samples
def _igammac_samples(s):
    yield from _incomplete_samples(s)


@op("IgammaGradA", "a: T, x: T -> z: T", T=("float", "double"), broadcasts=True, tier="xla", differentiable="missing")
def igamma_grad_a(a, x):
    """Gives the derivative of the lower regularized incomplete gamma function with respect to ``a``."""
    derivative = _by_size(_wide(a, x), lax.igamma_grad_a, lambda expansion: expansion.density * expansion.slope())
    return _lower_domain(jnp, a, x, jnp.where(x == jnp.inf, 0, derivative))


@igamma_grad_a.samples
def _igamma_grad_a_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.positive((2, 3), dtype), s.positive((3,), dtype), tolerance=1e-3, gradient=False)


def quantile_slope(a: Any, x: Any) -> Any:
    """Gives the derivative of a quantile ``x`` of the gamma distribution with respect to its parameter, traced."""

    def expanded(expansion: _Expansion) -> Any:
        stirling = 1 - 1 / (12 * expansion.a)
        return -expansion.slope() / stirling * jnp.sqrt(expansion.a) * expansion.ratio

    a, wide = _wide(a, x)
    slope = _by_size((a, wide), lax.random_gamma_grad, expanded)
    # Beyond what is asked for, the quantile grows as its logarithm.
    beyond = jnp.where((a <= _LARGE) & (wide > _FAR), jnp.log(wide / _FAR), 0)
    return jnp.where(wide == 0, 0, slope + beyond).astype(x.dtype)


igamma = renamed(binary(igamma_op, "Igamma", None), "a", "x")
igammac = renamed(binary(igammac_op, "Igammac", None), "a", "x")
