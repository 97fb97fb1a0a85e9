"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.special_functions import log_cdf_laplace
from tideflow._src.distributions.univariate import Univariate, positive


class Laplace(Univariate):
    """The Laplace distribution: two exponentials, back to back.

    Args:
      loc: floating tensor, the mean.
      scale: tensor of the same dtype, positive: how far from the mean a value is on average.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> print(tf.distributions.Laplace(1.0, [1.0, 2.0]).cdf(1.0).numpy())
    [0.5 0.5]
    """

    _broadcast = ("loc", "scale")

    def __init__(
        self, loc: Any, scale: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Laplace"
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[loc, scale]) as name:
            with ops.control_dependencies(positive(scale, validate_args)):
                self._loc = ops.identity(loc, name="loc")
                self._scale = ops.identity(scale, name="scale")
                ops.assert_same_float_dtype([self._loc, self._scale])
            super().__init__(
                dtype=self._loc.dtype,
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
        """The mean distance from the mean."""
        return self._scale

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        shape = self._drawn_shape(n)
        number = self.dtype.as_numpy_dtype
        least = np.nextafter(number(-1.0), number(0.0))  # at -1 itself the logarithm would be infinite
        uniform = ops.random_uniform(shape=shape, minval=least, maxval=1.0, dtype=self.dtype, seed=seed)
        return self.loc - self.scale * ops.sign(uniform) * ops.log1p(-ops.absolute(uniform))

    def _log_prob(self, value: Any) -> Any:
        return -ops.absolute(self._z(value)) - (math.log(2.0) + ops.log(self.scale))

    def _log_cdf(self, value: Any) -> Any:
        return log_cdf_laplace(self._z(value))

    def _log_survival_function(self, value: Any) -> Any:
        return log_cdf_laplace(-self._z(value))

    def _cdf(self, value: Any) -> Any:
        z = self._z(value)
        return 0.5 + 0.5 * ops.sign(z) * (1.0 - ops.exp(-ops.absolute(z)))

    def _entropy(self) -> Any:
        return math.log(2.0) + 1.0 + ops.log(self.scale + ops.zeros_like(self.loc))

    def _mean(self) -> Any:
        return self.loc + ops.zeros_like(self.scale)

    def _stddev(self) -> Any:
        return math.sqrt(2.0) * self.scale + ops.zeros_like(self.loc)

    def _mode(self) -> Any:
        return self._mean()

    def _z(self, x: Any) -> Any:
        return (x - self.loc) / self.scale
