"""The normal distribution function, its logarithm and its inverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.distributions import operations as ops

#: Below the first the asymptotic series is used, above the second the logarithm is linear in the other tail.
_SEGMENTS = {dtypes.float32: (-10.0, 5.0), dtypes.float64: (-20.0, 8.0)}

# Coefficients of rational approximations, that of the highest power last: Cephes, ndtri.c (Stephen L. Moshier), for the
# middle, for the tails up to exp(-32), and beyond.
_MIDDLE = (
    (-1.23916583867381258016, 13.9312609387279679503, -56.6762857469070293439, 98.0010754185999661536)
    + (-59.9633501014107895267,),
    (-1.18331621121330003142, 15.9056225126211695515, -82.0372256168333339912, 200.260212380060660359)
    + (-225.462687854119370527, 86.3602421390890590575, 4.67627912898881538453, 1.95448858338141759834, 1.0),
)
_TAIL = (
    (-8.57456785154685413611e-4, -3.50424626827848203418e-2, -1.40256079171354495875e-1, 2.18663306850790267539)
    + (14.6849561928858024014, 44.0805073893200834700, 57.1628192246421288162, 31.5251094599893866154)
    + (4.05544892305962419923,),
    (-9.33259480895457427372e-4, -3.80806407691578277194e-2, -1.42182922854787788574e-1, 2.50464946208309415979)
    + (15.0425385692907503408, 41.3172038254672030440, 45.3907635128879210584, 15.7799883256466749731, 1.0),
)
_FAR_TAIL = (
    (6.23974539184983293730e-9, 2.65806974686737550832e-6, 3.01581553508235416007e-4, 1.23716634817820021358e-2)
    + (2.01485389549179081538e-1, 1.33303460815807542389, 3.93881025292474443415, 6.91522889068984211695)
    + (3.23774891776946035970,),
    (6.79019408009981274425e-9, 2.89247864745380683936e-6, 3.28014464682127739104e-4, 1.34204006088543189037e-2)
    + (2.16236993594496635890e-1, 1.37702099489081330271, 3.67983563856160859403, 6.02427039364742014255, 1.0),
)


def ndtr(x: Any, name: str = "ndtr") -> Any:
    """Computes the probability that a standard normal variable is at most `x`.

    Args:
      x: `float32` or `float64` tensor.
      name: a name for the operations.

    Raises:
      TypeError: `x` is of another dtype.
    """
    with ops.name_scope(name, values=[x]):
        return _ndtr(_checked(x))


def _ndtr(x: Any) -> Any:
    half_sqrt_2 = ops.constant(0.5 * np.sqrt(2.0), dtype=x.dtype, name="half_sqrt_2")
    w = x * half_sqrt_2
    z = ops.absolute(w)
    tail = ops.erfc(z)
    outer = ops.where(ops.greater(w, 0.0), 2.0 - tail, tail)
    return 0.5 * ops.where(ops.less(z, half_sqrt_2), 1.0 + ops.erf(w), outer)


def log_ndtr(x: Any, series_order: int = 3, name: str = "log_ndtr") -> Any:
    """Computes the logarithm of `ndtr`, exactly in the tails as well.

    Args:
      x: `float32` or `float64` tensor.
      series_order: how many terms of the asymptotic series are taken far below the mean, 30 at most.
      name: a name for the operations.

    Raises:
      TypeError: `x` is of another dtype, or `series_order` is no integer.
      ValueError: `series_order` is out of range.
    """
    if not isinstance(series_order, int):
        raise TypeError("series_order must be a Python integer.")
    if series_order < 0:
        raise ValueError("series_order must be non-negative.")
    if series_order > 30:
        raise ValueError("series_order must be <= 30.")
    with ops.name_scope(name, values=[x]):
        x = _checked(x)
        lower, upper = (np.array(bound, x.dtype.as_numpy_dtype) for bound in _SEGMENTS[x.dtype.base_dtype])
        middle = ops.log(_ndtr(ops.maximum(x, lower)))
        below = _log_ndtr_below(ops.minimum(x, lower), series_order)
        return ops.where(ops.greater(x, upper), -_ndtr(-x), ops.where(ops.greater(x, lower), middle, below))


def _log_ndtr_below(x: Any, order: int) -> Any:
    """Returns the logarithm far below the mean: Abramowitz and Stegun, 26.2.12."""
    squared = ops.square(x)
    scale = -0.5 * squared - ops.log(-x) - 0.5 * np.log(2.0 * np.pi)
    power, coefficient = squared, 1.0
    odd, even = ops.zeros_like(x), ops.zeros_like(x)
    for n in range(1, order + 1):
        coefficient *= 2 * n - 1
        term = np.array(coefficient, x.dtype.as_numpy_dtype) / power
        if n % 2:
            odd += term
        else:
            even += term
        power *= squared
    return scale + ops.log(1.0 + even - odd)


def ndtri(p: Any, name: str = "ndtri") -> Any:
    """Computes the inverse of `ndtr`: infinite at 0 and 1.

    Args:
      p: `float32` or `float64` tensor of probabilities.
      name: a name for the operations.

    Raises:
      TypeError: `p` is of another dtype.
    """
    with ops.name_scope(name, values=[p]):
        p = _checked(p, "p")
        lower = ops.where(p > -np.expm1(-2.0), 1.0 - p, p)
        lower = ops.where(lower <= 0.0, ops.fill(ops.shape(p), np.array(0.5, p.dtype.as_numpy_dtype)), lower)
        w = lower - 0.5
        squared = w**2.0
        middle = (w + w * squared * _ratio(squared, _MIDDLE)) * -math.sqrt(2.0 * math.pi)
        z = ops.sqrt(-2.0 * ops.log(lower))
        first = z - ops.log(z) / z
        far = first - _ratio(1.0 / z, _FAR_TAIL) / z
        near = first - _ratio(1.0 / z, _TAIL) / z
        x = ops.where(lower > math.exp(-2.0), middle, ops.where(z >= 8.0, far, near))
        x = ops.where(p > 1.0 - math.exp(-2.0), x, -x)
        infinity = ops.fill(ops.shape(p), ops.constant(np.inf, dtype=p.dtype))
        return ops.where(p <= 0.0, -infinity, ops.where(p >= 1.0, infinity, x))


def _ratio(x: Any, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    """Returns the ratio of two polynomials, by Horner's rule."""
    values = []
    for powers in coefficients:
        value: Any = ops.zeros_like(x)
        for power in reversed(powers):
            value = value * x + np.array(power, x.dtype.as_numpy_dtype)
        values.append(value)
    return values[0] / values[1]


def log_cdf_laplace(x: Any, name: str = "log_cdf_laplace") -> Any:
    """Computes the logarithm of the distribution function of the standard Laplace distribution."""
    with ops.name_scope(name, values=[x]):
        x = ops.convert_to_tensor(x, name="x")
        upper = ops.log1p(-0.5 * ops.exp(-ops.absolute(x)))
        return ops.where(x < 0.0, -np.log(2.0) + x, upper)


def _checked(x: Any, name: str = "x") -> Any:
    tensor = ops.convert_to_tensor(x, name=name)
    if tensor.dtype.base_dtype not in _SEGMENTS:
        raise TypeError(f"{name}.dtype={tensor.dtype} is not handled, see docstring for supported types.")
    return tensor
