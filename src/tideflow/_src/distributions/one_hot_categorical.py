"""The categorical distribution with one-hot samples, of `tf.contrib.distributions`."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.parameters import get_logits_and_probs


class OneHotCategorical(Distribution):
    """The distribution of vectors with a one at the place of a class, and zeros elsewhere.

    Args:
      logits: floating tensor with the classes along its last axis: unnormalized log probabilities.
      probs: floating tensor with the classes along its last axis: probabilities. Either this or `logits` is given.
      dtype: the dtype of samples.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.
    """

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = dtypes.int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "OneHotCategorical",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[logits, probs]) as name:
            self.logits, self.probs = get_logits_and_probs(
                logits=logits, probs=probs, validate_args=validate_args, multidimensional=True, name=name
            )
        super().__init__(
            dtype=dtype,
            reparameterization_type=NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self.logits, self.probs],
            name=name,
        )

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self.logits)[:-1]

    def _batch_shape(self) -> TensorShape:
        return self.logits.shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        return ops.shape(self.logits)[-1:]

    def _event_shape(self) -> TensorShape:
        return self.logits.shape.with_rank_at_least(1)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        size = self.event_shape_tensor()[0]
        draws = ops.transpose(ops.multinomial(ops.reshape(self.logits, [-1, size]), n, seed=seed))
        ones = ops.one_hot(draws, depth=size, dtype=self.dtype)
        return ops.reshape(ones, ops.concat([[n], ops.shape(self.logits)], 0))

    def _log_prob(self, value: Any) -> Any:
        return ops.reduce_sum(ops.cast(value, self.logits.dtype) * ops.log_softmax(self.logits), -1)

    def _entropy(self) -> Any:
        return -ops.reduce_sum(ops.log_softmax(self.logits) * self.probs, axis=-1)

    def _mean(self) -> Any:
        return ops.identity(self.probs)

    def _variance(self) -> Any:
        return self.probs * (1.0 - self.probs)

    def _covariance(self) -> Any:
        return ops.matrix_set_diag(-ops.matmul(self.probs[..., None], self.probs[..., None, :]), self._variance())

    def _mode(self) -> Any:
        size = self.event_shape_tensor()[0]
        return ops.one_hot(ops.argmax(self.logits, axis=-1), depth=size, dtype=self.dtype)


@RegisterKL(OneHotCategorical, OneHotCategorical)
def _divergence_of_categoricals(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        difference = ops.log_softmax(a.logits) - ops.log_softmax(b.logits)
        return ops.reduce_sum(ops.softmax(a.logits) * difference, axis=-1)
