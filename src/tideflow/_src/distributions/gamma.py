"""The gamma distribution and the exponential one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.univariate import Univariate, positive


class Gamma(Univariate):
    """The gamma distribution.

    Args:
      concentration: floating tensor, positive: the shape parameter.
      rate: tensor of the same dtype, positive: one over the scale.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN: the mode of a concentration of one or less.
      name: prefix of the names of the operations.

    Raises:
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> gamma = tf.distributions.Gamma(3.0, 2.0)
    >>> print(float(gamma.mean()), float(gamma.mode()))
    1.5 1.0
    """

    _broadcast = ("concentration", "rate")

    def __init__(
        self,
        concentration: Any,
        rate: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Gamma",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[concentration, rate]) as name:
            checks = positive(concentration, validate_args) + positive(rate, validate_args)
            with ops.control_dependencies(checks):
                self._concentration = ops.identity(concentration, name="concentration")
                self._rate = ops.identity(rate, name="rate")
                ops.assert_same_float_dtype([self._concentration, self._rate])
        super().__init__(
            dtype=self._concentration.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._concentration, self._rate],
            name=name,
        )

    @property
    def concentration(self) -> Any:
        """The shape parameter."""
        return self._concentration

    @property
    def rate(self) -> Any:
        """One over the scale."""
        return self._rate

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        return ops.random_gamma(shape=[n], alpha=self.concentration, beta=self.rate, dtype=self.dtype, seed=seed)

    def _log_prob(self, value: Any) -> Any:
        value = self._checked(value)
        unnormalized = ops.xlogy(self.concentration - 1.0, value) - self.rate * value
        return unnormalized - (ops.lgamma(self.concentration) - self.concentration * ops.log(self.rate))

    def _cdf(self, value: Any) -> Any:
        return ops.igamma(self.concentration, self.rate * self._checked(value))

    def _entropy(self) -> Any:
        shape = self.concentration
        return shape - ops.log(self.rate) + ops.lgamma(shape) + (1.0 - shape) * ops.digamma(shape)

    def _mean(self) -> Any:
        return self.concentration / self.rate

    def _variance(self) -> Any:
        return self.concentration / ops.square(self.rate)

    def _stddev(self) -> Any:
        return ops.sqrt(self.concentration) / self.rate

    def _mode(self) -> Any:
        mode = (self.concentration - 1.0) / self.rate
        if self.allow_nan_stats:
            nan = ops.fill(self.batch_shape_tensor(), np.array(np.nan, dtype=self.dtype.as_numpy_dtype), name="nan")
            return ops.where(self.concentration > 1.0, mode, nan)
        message = "mode not defined when any concentration <= 1"
        check = ops.assert_less(ops.ones([], self.dtype), self.concentration, message=message)
        return ops.with_dependencies([check], mode)

    def _checked(self, value: Any) -> Any:
        ops.assert_same_float_dtype(tensors=[value], dtype=self.dtype)
        return ops.with_dependencies([ops.assert_positive(value)], value) if self.validate_args else value


class Exponential(Gamma):
    """The exponential distribution.

    Args:
      rate: floating tensor, positive: one over the mean.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    >>> import tideflow.compat.v1 as tf
    >>> print(float(tf.distributions.Exponential(4.0).mean()))
    0.25
    """

    def __init__(
        self, rate: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Exponential"
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[rate]) as name:
            self._rate = ops.convert_to_tensor(rate, name="rate")
        super().__init__(
            concentration=ops.ones([], dtype=self._rate.dtype),
            rate=self._rate,
            allow_nan_stats=allow_nan_stats,
            validate_args=validate_args,
            name=name,
        )
        self._parameters = parameters
        self._graph_parents = [*self._graph_parents, self._rate]

    @classmethod
    def _param_shapes(cls, sample_shape: Any) -> dict[str, Any]:
        return {"rate": super()._param_shapes(sample_shape)["rate"]}

    def _log_survival_function(self, value: Any) -> Any:
        return self._log_prob(value) - ops.log(self._rate)

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        shape = ops.concat([[n], ops.shape(self._rate)], 0)
        tiny = np.finfo(self.dtype.as_numpy_dtype).tiny  # at 0 the logarithm would be infinite
        sampled = ops.random_uniform(shape, minval=tiny, maxval=1.0, seed=seed, dtype=self.dtype)
        return -ops.log(sampled) / self._rate


@RegisterKL(Gamma, Gamma)
def _divergence_of_gammas(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_gamma_gamma", values=[a.concentration, a.rate, b.concentration, b.rate]):
        return (
            (a.concentration - b.concentration) * ops.digamma(a.concentration)
            + ops.lgamma(b.concentration)
            - ops.lgamma(a.concentration)
            + b.concentration * ops.log(a.rate)
            - b.concentration * ops.log(b.rate)
            + a.concentration * (b.rate / a.rate - 1.0)
        )
