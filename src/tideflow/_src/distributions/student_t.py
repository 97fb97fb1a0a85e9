"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.parameters import gen_new_seed
from tideflow._src.distributions.univariate import Univariate, positive


class StudentT(Univariate):
    """Student's t-distribution, moved and scaled.

    Args:
      df: floating tensor, degrees of freedom, positive.
      loc: tensor of the same dtype, the middle.
      scale: tensor of the same dtype, by which deviations are multiplied; not the standard deviation.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN: the mean and variance of one degree of freedom or less.
      name: prefix of the names of the operations.

    Raises:
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> print(tf.distributions.StudentT([1.0, 2.0, 4.0], 0.0, 1.0).variance().numpy())
    [nan inf  2.]
    """

    _broadcast = ("df", "loc", "scale")

    def __init__(
        self,
        df: Any,
        loc: Any,
        scale: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "StudentT",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[df, loc, scale]) as name:
            checks = positive(df, validate_args)
            with ops.control_dependencies(checks):
                self._df = ops.identity(df, name="df")
                self._loc = ops.identity(loc, name="loc")
                self._scale = ops.identity(scale, name="scale")
                ops.assert_same_float_dtype((self._df, self._loc, self._scale))
        super().__init__(
            dtype=self._scale.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._df, self._loc, self._scale],
            name=name,
        )

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return self._df

    @property
    def loc(self) -> Any:
        """The middle."""
        return self._loc

    @property
    def scale(self) -> Any:
        """The factor of deviations."""
        return self._scale

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        normal = ops.random_normal(self._drawn_shape(n), dtype=self.dtype, seed=seed)
        df = self.df * ops.ones(self.batch_shape_tensor(), dtype=self.dtype)
        other = gen_new_seed(seed, salt="student_t")
        gamma = ops.random_gamma([n], 0.5 * df, beta=0.5, dtype=self.dtype, seed=other)
        return normal * ops.rsqrt(gamma / df) * self.scale + self.loc

    def _log_prob(self, value: Any) -> Any:
        y = (value - self.loc) / self.scale
        return -0.5 * (self.df + 1.0) * ops.log1p(y**2.0 / self.df) - self._log_normalization()

    def _log_normalization(self) -> Any:
        gammas = 0.5 * math.log(math.pi) + ops.lgamma(0.5 * self.df) - ops.lgamma(0.5 * (self.df + 1.0))
        return ops.log(ops.absolute(self.scale)) + 0.5 * ops.log(self.df) + gammas

    def _cdf(self, value: Any) -> Any:
        y = (value - self.loc) / ops.absolute(self.scale)
        tail = 0.5 * ops.betainc(0.5 * self.df, 0.5, self.df / (y**2.0 + self.df))
        return ops.where(ops.less(y, 0.0), tail, 1.0 - tail)

    def _entropy(self) -> Any:
        ones = ops.ones(self.batch_shape_tensor(), dtype=self.dtype)[..., None]
        beta = ops.lbeta(ops.concat([ones * self.df[..., None], ones], -1) / 2.0)
        digammas = ops.digamma(0.5 * (self.df + 1.0)) - ops.digamma(0.5 * self.df)
        scale = ops.log(ops.absolute(self.scale)) + 0.5 * ops.log(self.df)
        return scale + beta + 0.5 * (self.df + 1.0) * digammas

    def _mean(self) -> Any:
        return self._if_defined(self.loc * ops.ones(self.batch_shape_tensor(), dtype=self.dtype), "mean")

    def _variance(self) -> Any:
        shape = self.batch_shape_tensor()
        excess = ops.where(ops.greater(self.df, 2.0), self.df - 2.0, ops.ones_like(self.df))
        finite = ops.ones(shape, dtype=self.dtype) * ops.square(self.scale) * self.df / excess
        infinite = ops.fill(shape, self._number(np.inf), name="inf")
        return self._if_defined(ops.where(self.df > ops.fill(shape, self._number(2.0)), finite, infinite), "variance")

    def _mode(self) -> Any:
        return ops.identity(self.loc)

    def _number(self, value: float) -> Any:
        return np.array(value, dtype=self.dtype.as_numpy_dtype)

    def _if_defined(self, value: Any, what: str) -> Any:
        """Returns a statistic that more than one degree of freedom have, and NaN or an error where there are fewer."""
        if self.allow_nan_stats:
            shape = self.batch_shape_tensor()
            defined = ops.greater(self.df, ops.ones(shape, dtype=self.dtype))
            return ops.where(defined, value, ops.fill(shape, self._number(np.nan), name="nan"))
        message = f"{what} not defined for components of df <= 1"
        return ops.with_dependencies([ops.assert_less(ops.ones([], dtype=self.dtype), self.df, message=message)], value)
