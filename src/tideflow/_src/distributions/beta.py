"""The beta distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.parameters import gen_new_seed
from tideflow._src.distributions.univariate import Univariate


class Beta(Univariate):
    """The beta distribution over the interval from 0 to 1.

    Args:
      concentration1: floating tensor, positive: how much there is for 1.
      concentration0: tensor of the same dtype, positive: how much there is for 0.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN: the mode where a concentration is one or less.
      name: prefix of the names of the operations.

    Raises:
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> print(float(tf.distributions.Beta(1.0, 3.0).mean()))
    0.25
    """

    _broadcast = ("concentration1", "concentration0")

    def __init__(
        self,
        concentration1: Any = None,
        concentration0: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Beta",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[concentration1, concentration0]) as name:
            self._concentration1 = _checked(ops.convert_to_tensor(concentration1, name="concentration1"), validate_args)
            self._concentration0 = _checked(ops.convert_to_tensor(concentration0, name="concentration0"), validate_args)
            ops.assert_same_float_dtype([self._concentration1, self._concentration0])
            self._total_concentration = self._concentration1 + self._concentration0
        super().__init__(
            dtype=self._total_concentration.dtype,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            reparameterization_type=FULLY_REPARAMETERIZED,
            parameters=parameters,
            graph_parents=[self._concentration1, self._concentration0, self._total_concentration],
            name=name,
        )

    @property
    def concentration1(self) -> Any:
        """How much there is for 1."""
        return self._concentration1

    @property
    def concentration0(self) -> Any:
        """How much there is for 0."""
        return self._concentration0

    @property
    def total_concentration(self) -> Any:
        """The sum of both."""
        return self._total_concentration

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self.total_concentration)

    def _batch_shape(self) -> TensorShape:
        return self.total_concentration.shape

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        ones = ops.ones_like(self.total_concentration, dtype=self.dtype)
        alpha1 = ones * self.concentration1
        alpha0 = ops.ones_like(self.total_concentration, dtype=self.dtype) * self.concentration0
        other = gen_new_seed(seed, "beta")
        gamma1 = ops.random_gamma(shape=[n], alpha=alpha1, dtype=self.dtype, seed=seed)
        gamma0 = ops.random_gamma(shape=[n], alpha=alpha0, dtype=self.dtype, seed=other)
        return gamma1 / (gamma1 + gamma0)

    def _log_prob(self, value: Any) -> Any:
        if self.validate_args:
            one = ops.ones([], self.dtype)
            positive = ops.assert_positive(value, message="sample must be positive")
            below = ops.assert_less(value, one, message="sample must be less than `1`.")
            value = ops.with_dependencies([positive, below], value)
        upper = (self.concentration0 - 1.0) * ops.log1p(-value)
        return ops.xlogy(self.concentration1 - 1.0, value) + upper - self._log_normalization()

    def _log_cdf(self, value: Any) -> Any:
        return ops.log(self._cdf(value))

    def _cdf(self, value: Any) -> Any:
        return ops.betainc(self.concentration1, self.concentration0, value)

    def _log_normalization(self) -> Any:
        both = ops.lgamma(self.concentration1) + ops.lgamma(self.concentration0)
        return both - ops.lgamma(self.total_concentration)

    def _entropy(self) -> Any:
        return (
            self._log_normalization()
            - (self.concentration1 - 1.0) * ops.digamma(self.concentration1)
            - (self.concentration0 - 1.0) * ops.digamma(self.concentration0)
            + (self.total_concentration - 2.0) * ops.digamma(self.total_concentration)
        )

    def _mean(self) -> Any:
        return self._concentration1 / self._total_concentration

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self._mean()) / (1.0 + self.total_concentration)

    def _mode(self) -> Any:
        mode = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        if self.allow_nan_stats:
            nan = ops.fill(self.batch_shape_tensor(), np.array(np.nan, dtype=self.dtype.as_numpy_dtype), name="nan")
            defined = ops.logical_and(self.concentration1 > 1.0, self.concentration0 > 1.0)
            return ops.where(defined, mode, nan)
        one = ops.ones([], dtype=self.dtype)
        checks = [
            ops.assert_less(one, self.concentration1, message="Mode undefined for concentration1 <= 1."),
            ops.assert_less(one, self.concentration0, message="Mode undefined for concentration0 <= 1."),
        ]
        return ops.with_dependencies(checks, mode)


def _checked(concentration: Any, validate_args: bool) -> Any:
    if not validate_args:
        return concentration
    check = ops.assert_positive(concentration, message="Concentration parameter must be positive.")
    return ops.with_dependencies([check], concentration)


@RegisterKL(Beta, Beta)
def _divergence_of_betas(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_beta_beta", values=[a.concentration1, a.concentration0, a.total_concentration]):
        total = ops.digamma(a.total_concentration) * (b.total_concentration - a.total_concentration)
        return (
            b._log_normalization()
            - a._log_normalization()
            - ops.digamma(a.concentration1) * (b.concentration1 - a.concentration1)
            - ops.digamma(a.concentration0) * (b.concentration0 - a.concentration0)
            + total
        )
