"""Distributions of a scalar that only `tf.contrib.distributions` has."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED
from tideflow._src.distributions.gamma import Gamma
from tideflow._src.distributions.parameters import get_logits_and_probs
from tideflow._src.distributions.univariate import Univariate, positive


class Binomial(Univariate):
    """The binomial distribution: how many of a number of draws succeed. It cannot be sampled.

    Args:
      total_count: floating tensor, how many draws there are.
      logits: the log odds of a success.
      probs: the probability of a success. Either this or `logits` is given.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.
    """

    _broadcast = ("total_count", "probs")

    def __init__(
        self,
        total_count: Any,
        logits: Any = None,
        probs: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Binomial",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[total_count, logits, probs]) as name:
            self.total_count = ops.convert_to_tensor(total_count, name="total_count")
            self.logits, self.probs = get_logits_and_probs(
                logits=logits, probs=probs, validate_args=validate_args, name=name
            )
        super().__init__(
            dtype=self.probs.dtype,
            reparameterization_type=NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self.total_count, self.logits, self.probs],
            name=name,
        )

    def _log_prob(self, value: Any) -> Any:
        rest = self.total_count - value
        ways = ops.lgamma(self.total_count + 1.0) - ops.lgamma(value + 1.0) - ops.lgamma(rest + 1.0)
        return value * ops.log(self.probs) + rest * ops.log1p(-self.probs) + ways

    def _cdf(self, value: Any) -> Any:
        zeros = ops.zeros_like(value + self.total_count + self.probs)
        value = value + zeros
        certain = value >= self.total_count
        rest = ops.where(certain, ops.ones_like(value), self.total_count - value)
        return ops.where(certain, ops.ones_like(value), ops.betainc(rest, value + 1.0, 1.0 - self.probs + zeros))

    def _mean(self) -> Any:
        return self.total_count * self.probs

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Any:
        return ops.floor((1.0 + self.total_count) * self.probs)


class Poisson(Univariate):
    """The Poisson distribution of counts.

    Args:
      rate: floating tensor, positive, the mean.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.
    """

    _broadcast = ("rate",)

    def __init__(
        self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Poisson"
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[rate]) as name:
            checks = positive(rate, validate_args)
            with ops.control_dependencies(checks):
                self.rate = ops.identity(rate, name="rate")
        super().__init__(
            dtype=self.rate.dtype,
            reparameterization_type=NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self.rate],
            name=name,
        )

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        return ops.random_poisson(self.rate, [n], dtype=self.dtype, seed=seed)

    def _log_prob(self, value: Any) -> Any:
        return value * ops.log(self.rate) - ops.lgamma(1.0 + value) - self.rate

    def _cdf(self, value: Any) -> Any:
        return ops.igammac(ops.floor(value + 1.0), self.rate)

    def _mean(self) -> Any:
        return ops.identity(self.rate)

    def _variance(self) -> Any:
        return ops.identity(self.rate)

    def _mode(self) -> Any:
        return ops.floor(self.rate)


class Chi2(Gamma):
    """The chi-squared distribution: of the sum of squares of normal variables.

    Args:
      df: floating tensor, degrees of freedom, positive.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.
    """

    def __init__(self, df: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Chi2") -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[df]) as name:
            self.df = ops.convert_to_tensor(df, name="df")
            half = ops.constant(0.5, dtype=self.df.dtype, name="half")
            concentration = half * self.df
        super().__init__(concentration, half, validate_args, allow_nan_stats, name)
        self._parameters = parameters


class InverseGamma(Univariate):
    """The distribution of one over a variable with a gamma distribution.

    Args:
      concentration: floating tensor, positive.
      rate: tensor of the same dtype, positive.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN: the mean up to a concentration of 1, the variance up to 2.
      name: prefix of the names of the operations.
    """

    _broadcast = ("concentration", "rate")

    def __init__(
        self,
        concentration: Any,
        rate: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "InverseGamma",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[concentration, rate]) as name:
            checks = positive(concentration, validate_args) + positive(rate, validate_args)
            with ops.control_dependencies(checks):
                self.concentration = ops.identity(concentration, name="concentration")
                self.rate = ops.identity(rate, name="rate")
                ops.assert_same_float_dtype([self.concentration, self.rate])
        super().__init__(
            dtype=self.concentration.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self.concentration, self.rate],
            name=name,
        )

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        return 1.0 / ops.random_gamma([n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _log_prob(self, value: Any) -> Any:
        normalization = ops.lgamma(self.concentration) - self.concentration * ops.log(self.rate)
        return -(1.0 + self.concentration) * ops.log(value) - self.rate / value - normalization

    def _cdf(self, value: Any) -> Any:
        return ops.igammac(self.concentration, self.rate / value)

    def _entropy(self) -> Any:
        shape = self.concentration
        return shape + ops.log(self.rate) + ops.lgamma(shape) - (1.0 + shape) * ops.digamma(shape)

    def _mean(self) -> Any:
        return self._above(1.0, self.rate / (self.concentration - 1.0))

    def _variance(self) -> Any:
        mean = self.rate / (self.concentration - 1.0)
        return self._above(2.0, ops.square(mean) / (self.concentration - 2.0))

    def _mode(self) -> Any:
        return self.rate / (1.0 + self.concentration)

    def _above(self, least: float, value: Any) -> Any:
        if not self.allow_nan_stats:
            message = f"statistic undefined where a concentration is at most {least}"
            bound = ops.constant(least, dtype=self.dtype)
            check = ops.assert_less(bound, self.concentration, message=message)
            return ops.with_dependencies([check], value)
        return ops.where(self.concentration > least, value, np.array(np.nan, self.dtype.as_numpy_dtype))
