"""The uniform distribution."""

from __future__ import annotations

import math
from typing import Any

from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED
from tideflow._src.distributions.univariate import Univariate


class Uniform(Univariate):
    """The uniform distribution over `[low, high)`.

    Args:
      low: floating tensor, the least value.
      high: tensor of the same dtype, above `low`.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      InvalidArgumentError: `low` is not below `high`, with `validate_args`.
      ValueError: the parameters differ in dtype.

    >>> import tideflow.compat.v1 as tf
    >>> print(tf.distributions.Uniform(0.0, 4.0).prob([1.0, 4.0]).numpy())
    [0.25 0.  ]
    """

    _broadcast = ("low", "high")

    def __init__(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Uniform",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[low, high]) as name:
            message = "uniform not defined when low >= high."
            with ops.control_dependencies([ops.assert_less(low, high, message=message)] if validate_args else []):
                self._low = ops.identity(low, name="low")
                self._high = ops.identity(high, name="high")
                ops.assert_same_float_dtype([self._low, self._high])
        super().__init__(
            dtype=self._low.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._low, self._high],
            name=name,
        )

    @property
    def low(self) -> Any:
        """The least value."""
        return self._low

    @property
    def high(self) -> Any:
        """The value below which all are."""
        return self._high

    def range(self, name: str = "range") -> Any:
        """Computes `high - low`."""
        with self._name_scope(name):
            return self.high - self.low

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        samples = ops.random_uniform(shape=self._drawn_shape(n), dtype=self.dtype, seed=seed)
        return self.low + self.range() * samples

    def _prob(self, value: Any) -> Any:
        x = value * ops.ones(self.batch_shape_tensor(), dtype=value.dtype)
        outside = ops.logical_or(x < self.low, x >= self.high)
        inside = ops.ones_like(x) / self.range()
        return ops.where(ops.is_nan(x), x, ops.where(outside, ops.zeros_like(x), inside))

    def _cdf(self, value: Any) -> Any:
        shape = ops.broadcast_dynamic_shape(ops.shape(value), self.batch_shape_tensor())
        zeros, ones = ops.zeros(shape, dtype=self.dtype), ops.ones(shape, dtype=self.dtype)
        below = ops.where(value < self.low, zeros, (value * ones - self.low) / self.range())
        return ops.where(value >= self.high, ones, below)

    def _entropy(self) -> Any:
        return ops.log(self.range())

    def _mean(self) -> Any:
        return (self.low + self.high) / 2.0

    def _variance(self) -> Any:
        return ops.square(self.range()) / 12.0

    def _stddev(self) -> Any:
        return self.range() / math.sqrt(12.0)
