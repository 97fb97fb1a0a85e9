"""Special functions: the error function, the gamma function, Bessel functions and their relatives.

NumPy lacks them; on the host they are SciPy's (which JAX brings), loaded at first use.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.math.arithmetic import add_v2, mul, sub
from tideflow._src.ops.math.division import real_div
from tideflow._src.ops.math.elementwise_functions import unary
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.math.unary import between, exp_op, neg_op, square_op, unary_samples
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import LazyModule, jnp, lax
from tideflow._src.runtime.op import op
from tideflow._src.runtime.threaded_ranges import over_ranges

_scipy: Any = LazyModule("scipy.special")
_jax: Any = LazyModule("jax.scipy.special")

_TWO_OVER_ROOT_PI = 2 / np.sqrt(np.pi)
#: From this many elements on dividing the work pays; what one costs, as ``over_ranges`` counts.
_LARGE = 1 << 15
_WORK = 16
#: How many terms the logarithm of the gamma function near 2 takes, for each of which a bit counts twice.
_LOGARITHM_TERMS = 28


def on_host(function: Any, *arguments: Any) -> Any:
    """Calls a function of SciPy in at least single precision and returns the type of the arguments."""
    dtype = arguments[0].dtype
    if dtype.itemsize < 4:
        arguments = tuple(item.astype(np.float32) for item in arguments)
    if len(arguments) > 1 or arguments[0].size < _LARGE:
        return np.asarray(function(*arguments)).astype(dtype)
    flat = arguments[0].reshape(-1)
    result = np.empty_like(flat)

    def compute(begin: int, end: int) -> None:
        function(flat[begin:end], out=result[begin:end])

    over_ranges(compute, flat.size, _WORK * flat.size)
    return result.reshape(arguments[0].shape).astype(dtype, copy=False)


def _in_single(function: Any, *arguments: Any) -> Any:
    """Calls a function of JAX in at least single precision and returns the type of the arguments."""
    dtype = arguments[0].dtype
    if dtype.itemsize < 4:
        arguments = tuple(item.astype(jnp.float32) for item in arguments)
    return function(*arguments).astype(dtype)


def _same(shape: Any) -> Any:
    return shape


# The error function.


@op("Erf", "x: T -> y: T", T=FLOATING)
def erf_op(xp, x):
    """Gives the error function, ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``."""
    return _in_single(lax.erf, x)


@erf_op.host
def _erf_host(x):
    return on_host(_scipy.erf, x)


@erf_op.gradient
def _erf_gradient(call, dy):
    return mul(mul(dy, _TWO_OVER_ROOT_PI), exp_op(neg_op(square_op(call.inputs[0]))))


@erf_op.samples
def _erf_samples(s):
    yield from unary_samples(s)
    yield s(np.linspace(-6, 6, 25, dtype=np.float32))


@op("Erfc", "x: T -> y: T", T=FLOATING)
def erfc_op(xp, x):
    """Gives ``1 - erf(x)``, accurately for large ``x``."""
    return _in_single(lax.erfc, x)


@erfc_op.host
def _erfc_host(x):
    return on_host(_scipy.erfc, x)


@erfc_op.gradient
def _erfc_gradient(call, dy):
    return mul(mul(dy, -_TWO_OVER_ROOT_PI), exp_op(neg_op(square_op(call.inputs[0]))))


@erfc_op.samples
def _erfc_samples(s):
    yield from unary_samples(s)
    yield s(np.linspace(-6, 6, 25, dtype=np.float32))


@op("Erfinv", "x: T -> y: T", T=FLOATING)
def erfinv_op(xp, x):
    """Gives the inverse of the error function; NaN outside [-1, 1]."""
    return _in_single(lax.erf_inv, x)


@erfinv_op.host
def _erfinv_host(x):
    return on_host(_scipy.erfinv, x)


@erfinv_op.gradient
def _erfinv_gradient(call, dy):
    return mul(mul(dy, np.sqrt(np.pi) / 2), exp_op(square_op(call.outputs[0])))


@erfinv_op.samples
def _erfinv_samples(s):
    yield from unary_samples(s, between(s, -0.9, 0.9))
    yield s(np.float32([-1, 1, 0, 2]), gradient=False)


@op("Ndtri", "x: T -> y: T", T=FLOATING)
def ndtri_op(xp, x):
    """Gives the quantile of the standard normal distribution; NaN outside [0, 1]."""
    return _in_single(_jax.ndtri, x)


@ndtri_op.host
def _ndtri_host(x):
    return on_host(_scipy.ndtri, x)


@ndtri_op.gradient
def _ndtri_gradient(call, dy):
    return mul(mul(dy, np.sqrt(2 * np.pi)), exp_op(real_div(square_op(call.outputs[0]), 2)))


@ndtri_op.samples
def _ndtri_samples(s):
    yield from unary_samples(s, between(s, 0.05, 0.95))
    yield s(np.float32([0, 1, 0.5, 2]), gradient=False)


# The gamma function.


@op("Lgamma", "x: T -> y: T", T=FLOATING)
def lgamma_op(xp, x):
    """Gives the logarithm of the absolute value of the gamma function."""
    return _in_single(lambda wide: _near_zeros(jnp, wide, lax.lgamma(wide)), x)


@cache
def log_gamma_coefficients() -> tuple[float, ...]:
    """Coefficients of ``lgamma(2 + x)``, divided by ``x``, in powers of ``x`` (DLMF 5.7.3), for ``abs(x) <= 0.5``."""
    zeta_less_one = _scipy.zetac(np.arange(2, _LOGARITHM_TERMS + 2))
    higher = (float((-1) ** k * value / k) for k, value in enumerate(zeta_less_one, 2))
    return (1 - float(np.euler_gamma), *higher)


def _near_zeros(xp: Any, x: Any, result: Any) -> Any:
    """Replaces the function's values near its zeros at 1 and 2, where the libraries have few digits right."""
    near_one, near_two = (x >= 0.5) & (x <= 1.5), (x > 1.5) & (x < 2.5)
    away = xp.where(near_two, x - 2, xp.where(near_one, x - 1, x.dtype.type(0)))
    series = away * xp.polyval(xp.array(log_gamma_coefficients()[::-1], x.dtype), away)
    return xp.where(near_one | near_two, series - xp.log(xp.where(near_one, x, x.dtype.type(1))), result)


@lgamma_op.host
def _lgamma_host(x):
    result = on_host(_scipy.gammaln, x)
    if x.dtype == np.float64:
        result = _near_zeros(np, x, result)
    infinite = np.isinf(x)
    return np.where(infinite, x.dtype.type(np.inf), result) if infinite.any() else result


@lgamma_op.gradient
def _lgamma_gradient(call, dy):
    return mul(dy, digamma_op(call.inputs[0]))


@lgamma_op.samples
def _lgamma_samples(s):
    yield from unary_samples(s, between(s, 0.3, 6), special=False)
    yield s(np.float32([-0.5, -1.5, -2.25, 20, 150]))
    yield s(np.float32([0, -1, np.inf, -np.inf, np.nan]), gradient=False)


@op("Digamma", "x: T -> y: T", T=FLOATING)
def digamma_op(xp, x):
    """Gives the derivative of the logarithm of the gamma function; NaN at its poles."""
    # At zero, some versions of JAX answer with the limit from one side.
    return xp.where(x == 0, xp.asarray(np.nan, x.dtype), _in_single(lax.digamma, x))


@digamma_op.host
def digamma_on_host(x):
    """Gives the function of NumPy values."""
    result = on_host(_scipy.digamma, x)
    if x.dtype == np.float64 and (negative := x < 0).any():
        # Near its poles SciPy's has no digit right: it multiplies by pi what is to be measured from the pole.
        from_pole = x - np.rint(x)
        reflected = on_host(_scipy.digamma, np.where(negative, 1 - x, 1.0)) - np.pi / np.tan(np.pi * from_pole)
        result = np.where(negative & (from_pole != 0), reflected, result)
    return np.where((x == 0) | (x == -np.inf), x.dtype.type(np.nan), result)


@digamma_op.gradient
def _digamma_gradient(call, dy):
    x = call.inputs[0]
    return mul(dy, raw.Polygamma(raw.OnesLike(x), x))


@digamma_op.samples
def _digamma_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.positive((2, 3), dtype), gradient=dtype.size >= 4)
    yield s(np.float32([-0.5, -1.5, -2.25, 20, 150]), gradient=False)
    yield s(np.float32([0, -0.0, -1, np.inf, -np.inf, np.nan]), gradient=False)


# XLA's continued fraction ends after a few hundred steps, which is too early for large parameters.
@op("Betainc", "a: T, b: T, x: T -> z: T", T=("float", "double"), tier="host", checks_shapes=True)
def betainc_op(a, b, x):
    """Gives the regularized incomplete beta function; arguments have one shape, or are scalars."""
    shapes = {item.shape for item in (a, b, x)} - {()}
    if len(shapes) > 1:
        raise ValueError(f"Shapes of a, b and x are inconsistent: {sorted(shapes)}")
    return on_host(_scipy.betainc, a, b, x)


@betainc_op.shape
def _betainc_shape(a, b, x):
    shapes = [shape for shape in (a, b, x) if shape != ()]
    known = [shape for shape in shapes if shape is not None]
    if not shapes:
        return ()
    if not known:
        return None
    merged = known[0]
    for shape in known[1:]:
        if len(shape) != len(merged) or any(
            left != right and None not in (left, right) for left, right in zip(merged, shape, strict=True)
        ):
            raise ValueError(f"Shapes must be equal, but are {merged} and {shape}")
        merged = tuple(right if left is None else left for left, right in zip(merged, shape, strict=True))
    return merged


@betainc_op.gradient
def _betainc_gradient(call, dz):
    a, b, x = call.inputs
    log_beta = sub(add_v2(lgamma_op(a), lgamma_op(b)), lgamma_op(add_v2(a, b)))
    power = add_v2(mul(sub(b, 1), raw.Log1p(neg_op(x))), raw.Xlogy(sub(a, 1), x))
    dx = mul(exp_op(sub(power, log_beta)), dz)
    if x.shape.rank == 0 and dz.shape.rank != 0:
        dx = reduce_sum(dx)
    return None, None, dx


@betainc_op.samples
def _betainc_samples(s):
    for dtype in s.dtypes("T"):
        yield s(
            s.positive((2, 3), dtype),
            s.positive((2, 3), dtype),
            s.uniform(0.1, 0.9, (2, 3), dtype),
            gradient=False,
            tolerance=1e-4,
        )
    yield s(s.positive(()), s.positive((2,)), s.uniform(0.1, 0.9, (2,)), gradient=False, tolerance=1e-4)


# Modified Bessel functions of the first kind.


def _unscaled(xp: Any, x: Any, scaled: Any) -> Any:
    """Multiplies by ``exp(abs(x))``, which overflows earlier than the product."""
    root = xp.exp(xp.abs(x) / 2)
    return root * (root * scaled)


def _bessel_host(function: Any, scaled: Any, x: Any) -> Any:
    result = on_host(function, x)
    overflown = np.isinf(result) & np.isfinite(x)
    return np.where(overflown, _unscaled(np, x, on_host(scaled, x)), result) if overflown.any() else result


@op("BesselI0", "x: T -> y: T", T=FLOATING)
def bessel_i0_op(xp, x):
    """Gives the modified Bessel function of the first kind of order 0."""
    return _in_single(lambda wide: _unscaled(jnp, wide, _jax.i0e(wide)), x)


@bessel_i0_op.host
def _bessel_i0_host(x):
    return _bessel_host(_scipy.i0, _scipy.i0e, x)


@bessel_i0_op.gradient
def _bessel_i0_gradient(call, dy):
    return mul(dy, bessel_i1_op(call.inputs[0]))


@bessel_i0_op.samples
def _bessel_i0_samples(s):
    yield from unary_samples(s, special=False)


@op("BesselI0e", "x: T -> y: T", T=FLOATING)
def bessel_i0e_op(xp, x):
    """Gives ``exp(-abs(x)) * bessel_i0(x)``."""
    return _in_single(_jax.i0e, x)


@bessel_i0e_op.host
def _bessel_i0e_host(x):
    return on_host(_scipy.i0e, x)


@bessel_i0e_op.gradient
def _bessel_i0e_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(bessel_i1e_op(x), mul(raw.Sign(x), y)))


@bessel_i0e_op.samples
def _bessel_i0e_samples(s):
    yield from unary_samples(s, special=False)


@op("BesselI1", "x: T -> y: T", T=FLOATING)
def bessel_i1_op(xp, x):
    """Gives the modified Bessel function of the first kind of order 1."""
    return _in_single(lambda wide: _unscaled(jnp, wide, _jax.i1e(wide)), x)


@bessel_i1_op.host
def _bessel_i1_host(x):
    return _bessel_host(_scipy.i1, _scipy.i1e, x)


def _over_x(x: Any, y: Any) -> Any:
    """``y / x``, and its limit one half where ``x`` is 0 (there ``y`` is about ``x / 2``)."""
    at_zero = raw.Equal(x, 0)
    safe = raw.SelectV2(at_zero, 1, x)
    return raw.SelectV2(at_zero, 0.5, raw.RealDiv(y, safe))


@bessel_i1_op.gradient
def _bessel_i1_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(bessel_i0_op(x), _over_x(x, y)))


@bessel_i1_op.samples
def _bessel_i1_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), tolerance=1e-4 if dtype.size >= 4 else None)


@op("BesselI1e", "x: T -> y: T", T=FLOATING)
def bessel_i1e_op(xp, x):
    """Gives ``exp(-abs(x)) * bessel_i1(x)``."""
    return _in_single(_jax.i1e, x)


@bessel_i1e_op.host
def _bessel_i1e_host(x):
    return on_host(_scipy.i1e, x)


@bessel_i1e_op.gradient
def _bessel_i1e_gradient(call, dy):
    x, y = call.inputs[0], call.outputs[0]
    return mul(dy, sub(bessel_i0e_op(x), add_v2(_over_x(x, y), mul(raw.Sign(x), y))))


@bessel_i1e_op.samples
def _bessel_i1e_samples(s):
    yield from unary_samples(s, special=False)


for _operation in (
    erf_op,
    erfc_op,
    erfinv_op,
    ndtri_op,
    lgamma_op,
    digamma_op,
    bessel_i0_op,
    bessel_i0e_op,
    bessel_i1_op,
    bessel_i1e_op,
):
    _operation.shape(_same)


# Public functions.

erf = unary(erf_op)
erfc = unary(erfc_op)
lgamma = unary(lgamma_op)
digamma = unary(digamma_op)


def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Any:
    """Gives the regularized incomplete beta function.

    Args:
      a, b: its parameters, positive.
      x: where to evaluate it, from 0 to 1; arguments have one shape, or are scalars.
      name: a name for the operation.
    """
    return betainc_op.call(a, b, x, name=name)


def erfinv(x: Any, name: str | None = None) -> Any:
    """Gives the inverse of the error function; NaN outside [-1, 1]."""
    with name_scope(name, "erfinv", [x]):
        return erfinv_op.call(x)


def ndtri(x: Any, name: str | None = None) -> Any:
    """Gives the quantile of the standard normal distribution; NaN outside [0, 1]."""
    with name_scope(name, "ndtri", [x]):
        return ndtri_op.call(x)


def erfcinv(x: Any, name: str | None = None) -> Any:
    """Gives the inverse of ``erfc``; NaN outside [0, 2]."""
    with name_scope(name, "erfcinv", [x]):
        x = convert_to_tensor(x, name="start")
        return mul(neg_op(ndtri(mul(0.5, x, name="mul"))), np.sqrt(0.5), name="mul")


def bessel_i0(x: Any, name: str | None = None) -> Any:
    """Gives the modified Bessel function of the first kind of order 0."""
    with name_scope(name, "bessel_i0", [x]):
        return bessel_i0_op.call(x)


def bessel_i0e(x: Any, name: str | None = None) -> Any:
    """Gives ``exp(-abs(x)) * bessel_i0(x)``."""
    with name_scope(name, "bessel_i0e", [x]):
        return bessel_i0e_op.call(x)


def bessel_i1(x: Any, name: str | None = None) -> Any:
    """Gives the modified Bessel function of the first kind of order 1."""
    with name_scope(name, "bessel_i1", [x]):
        return bessel_i1_op.call(x)


def bessel_i1e(x: Any, name: str | None = None) -> Any:
    """Gives ``exp(-abs(x)) * bessel_i1(x)``."""
    with name_scope(name, "bessel_i1e", [x]):
        return bessel_i1e_op.call(x)


def lbeta(x: Any, name: str | None = None) -> Any:
    """Gives the logarithm of the absolute value of the beta function of each vector.

    Args:
      x: a tensor of rank 1 or more, of floating-point numbers; the parameters lie along the last dimension.
      name: the name scope of the nodes.

    Returns:
      A tensor of the shape of ``x`` without its last dimension; minus infinity where a vector has no elements.
    """
    with name_scope(name, "lbeta", [x]):
        x = convert_to_tensor(x, name="x")
        terms = reduce_sum(lgamma(x), [-1])
        return sub(terms, lgamma(reduce_sum(x, [-1])), name="sub")
