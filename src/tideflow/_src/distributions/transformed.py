"""The distribution of a map of a variable."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.bijectors import Bijector, Identity
from tideflow._src.distributions.distribution import Distribution


class TransformedDistribution(Distribution):
    """The distribution of `bijector.forward(x)`, where `x` has another distribution.

    Args:
      distribution: the distribution of `x`.
      bijector: the map; the identity by default.
      validate_args: whether arguments are checked.
      name: prefix of the names of the operations.
    """

    def __init__(
        self,
        distribution: Distribution,
        bijector: Bijector | None = None,
        validate_args: bool = False,
        name: str | None = None,
    ) -> None:
        parameters = dict(locals())
        self._distribution = distribution
        self._bijector = bijector if bijector is not None else Identity()
        super().__init__(
            dtype=distribution.dtype,
            reparameterization_type=distribution.reparameterization_type,
            validate_args=validate_args,
            allow_nan_stats=distribution.allow_nan_stats,
            parameters=parameters,
            graph_parents=[*distribution._graph_parents, *self._bijector.graph_parents],
            name=name or f"{self._bijector.name}{distribution.name}".replace("/", ""),
        )

    @property
    def distribution(self) -> Distribution:
        """The distribution of what is mapped."""
        return self._distribution

    @property
    def bijector(self) -> Bijector:
        """The map."""
        return self._bijector

    def _batch_shape_tensor(self) -> Any:
        return self._distribution.batch_shape_tensor()

    def _batch_shape(self) -> TensorShape:
        return self._distribution.batch_shape

    def _event_shape_tensor(self) -> Any:
        return self._distribution.event_shape_tensor()

    def _event_shape(self) -> TensorShape:
        return self._bijector.forward_event_shape(self._distribution.event_shape)

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        return self._bijector.forward(self._distribution.sample(n, seed=seed))

    def _log_prob(self, value: Any) -> Any:
        jacobian = self._bijector.inverse_log_det_jacobian(value)
        return self._distribution.log_prob(self._bijector.inverse(value)) + self._over_events(jacobian)

    def _prob(self, value: Any) -> Any:
        return ops.exp(self._log_prob(value))

    def _cdf(self, value: Any) -> Any:
        return self._distribution.cdf(self._bijector.inverse(value))

    def _log_cdf(self, value: Any) -> Any:
        return self._distribution.log_cdf(self._bijector.inverse(value))

    def _survival_function(self, value: Any) -> Any:
        return self._distribution.survival_function(self._bijector.inverse(value))

    def _quantile(self, value: Any) -> Any:
        return self._bijector.forward(self._distribution.quantile(value))

    def _over_events(self, jacobian: Any) -> Any:
        """Adds a Jacobian of each number up over the events of the distribution."""
        more = (self._distribution.event_shape.ndims or 0) - self._bijector.event_ndims
        return ops.reduce_sum(jacobian, list(range(-more, 0))) if more > 0 and jacobian.shape.ndims else jacobian
