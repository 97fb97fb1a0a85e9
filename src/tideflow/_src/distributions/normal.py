"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.special_functions import log_ndtr, ndtr, ndtri
from tideflow._src.distributions.univariate import Univariate, positive


class Normal(Univariate):
    """The normal (Gaussian) distribution.

    Args:
      loc: floating tensor, the mean.
      scale: tensor of the same dtype, the standard deviation, positive. Its shape and that of `loc` are broadcast.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> normal = tf.distributions.Normal(loc=0.0, scale=[1.0, 2.0])
    >>> print(normal.cdf(0.0).numpy(), normal.variance().numpy())
    [0.5 0.5] [1. 4.]
    """

    _broadcast = ("loc", "scale")

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Normal"
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[loc, scale]) as name:
            checks = positive(scale, validate_args)
            with ops.control_dependencies(checks):
                self._loc = ops.identity(loc, name="loc")
                self._scale = ops.identity(scale, name="scale")
                ops.assert_same_float_dtype([self._loc, self._scale])
        super().__init__(
            dtype=self._scale.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._loc, self._scale],
            name=name,
        )

    @property
    def loc(self) -> Any:
        """The mean."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The standard deviation."""
        return self._scale

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        shape = self._drawn_shape(n)
        sampled = ops.random_normal(shape=shape, mean=0.0, stddev=1.0, dtype=self.loc.dtype, seed=seed)
        return sampled * self.scale + self.loc

    def _log_prob(self, value: Any) -> Any:
        return -0.5 * ops.square(self._z(value)) - (0.5 * math.log(2.0 * math.pi) + ops.log(self.scale))

    def _log_cdf(self, value: Any) -> Any:
        return log_ndtr(self._z(value))

    def _cdf(self, value: Any) -> Any:
        return ndtr(self._z(value))

    def _log_survival_function(self, value: Any) -> Any:
        return log_ndtr(-self._z(value))

    def _survival_function(self, value: Any) -> Any:
        return ndtr(-self._z(value))

    def _quantile(self, value: Any) -> Any:
        z = ndtri(value)
        with ops.name_scope("reconstruct", values=[z]):
            return z * self.scale + self.loc

    def _entropy(self) -> Any:
        return 0.5 * math.log(2.0 * math.pi * math.e) + ops.log(self.scale * ops.ones_like(self.loc))

    def _mean(self) -> Any:
        return self.loc * ops.ones_like(self.scale)

    def _stddev(self) -> Any:
        return self.scale * ops.ones_like(self.loc)

    def _mode(self) -> Any:
        return self._mean()

    def _z(self, x: Any) -> Any:
        with ops.name_scope("standardize", values=[x]):
            return (x - self.loc) / self.scale


@RegisterKL(Normal, Normal)
def _divergence_of_normals(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_normal_normal", [a.loc, b.loc]):
        one, two, half = (ops.constant(number, dtype=a.dtype) for number in (1, 2, 0.5))
        squared = ops.square(b.scale)
        ratio = ops.square(a.scale) / squared
        return ops.squared_difference(a.loc, b.loc) / (two * squared) + half * (ratio - one - ops.log(ratio))
