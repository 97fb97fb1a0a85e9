"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import NOT_REPARAMETERIZED
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.parameters import embed_check_integer_casting_closed, get_logits_and_probs
from tideflow._src.distributions.univariate import Univariate


class Bernoulli(Univariate):
    """The Bernoulli distribution of 0 and 1.

    Args:
      logits: floating tensor, the log odds of 1.
      probs: floating tensor, the probability of 1. Either this or `logits` is given.
      dtype: the dtype of samples.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: both or none of `logits` and `probs` are given.

    >>> import tideflow.compat.v1 as tf
    >>> coin = tf.distributions.Bernoulli(probs=0.25)
    >>> print(coin.prob([0, 1]).numpy())
    [0.75 0.25]
    """

    _broadcast = ("logits",)

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = dtypes.int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Bernoulli",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name) as name:
            self._logits, self._probs = get_logits_and_probs(
                logits=logits, probs=probs, validate_args=validate_args, name=name
            )
        super().__init__(
            dtype=dtype,
            reparameterization_type=NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._logits, self._probs],
            name=name,
        )

    @property
    def logits(self) -> Any:
        """The log odds of 1."""
        return self._logits

    @property
    def probs(self) -> Any:
        """The probability of 1."""
        return self._probs

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self._logits)

    def _batch_shape(self) -> TensorShape:
        return self._logits.shape

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        uniform = ops.random_uniform(self._drawn_shape(n), seed=seed, dtype=self.probs.dtype)
        return ops.cast(ops.less(uniform, self.probs), self.dtype)

    def _log_prob(self, value: Any) -> Any:
        if self.validate_args:
            value = embed_check_integer_casting_closed(value, target_dtype=dtypes.bool)
        value = ops.cast(value, self.logits.dtype)
        logits = self.logits
        shapes = value.shape, logits.shape
        if not (shapes[0].is_fully_defined() and shapes[1].is_fully_defined() and shapes[0] == shapes[1]):
            logits, value = ops.ones_like(value) * logits, ops.ones_like(logits) * value
        return -ops.sigmoid_cross_entropy(labels=value, logits=logits)

    def _entropy(self) -> Any:
        return -self.logits * (ops.sigmoid(self.logits) - 1) + ops.softplus(-self.logits)

    def _mean(self) -> Any:
        return ops.identity(self.probs)

    def _variance(self) -> Any:
        return self._mean() * (1.0 - self.probs)

    def _mode(self) -> Any:
        return ops.cast(self.probs > 0.5, self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _divergence_of_bernoullis(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_bernoulli_bernoulli", values=[a.logits, b.logits]):
        zero = ops.softplus(-b.logits) - ops.softplus(-a.logits)
        one = ops.softplus(b.logits) - ops.softplus(a.logits)
        return ops.sigmoid(a.logits) * zero + ops.sigmoid(-a.logits) * one
