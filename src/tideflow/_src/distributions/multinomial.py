"""The multinomial distribution."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from tideflow._src.distributions.parameters import (
    embed_check_nonnegative_integer_form,
    get_logits_and_probs,
    log_combinations,
)


class Multinomial(Distribution):
    """The multinomial distribution: how many of a number of draws fall into each class.

    Args:
      total_count: floating tensor, how many draws there are: integers, not negative.
      logits: floating tensor with the classes along its last axis: unnormalized log probabilities.
      probs: floating tensor with the classes along its last axis: probabilities. Either this or `logits` is given.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: both or none of `logits` and `probs` are given.

    >>> import tideflow.compat.v1 as tf
    >>> draws = tf.distributions.Multinomial(4.0, probs=[0.25, 0.75])
    >>> print(draws.mean().numpy())
    [1. 3.]
    """

    def __init__(
        self,
        total_count: Any,
        logits: Any = None,
        probs: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Multinomial",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[total_count, logits, probs]) as name:
            self._total_count = ops.convert_to_tensor(total_count, name="total_count")
            if validate_args:
                self._total_count = embed_check_nonnegative_integer_form(self._total_count)
            self._logits, self._probs = get_logits_and_probs(
                logits=logits, probs=probs, multidimensional=True, validate_args=validate_args, name=name
            )
            self._mean_value = self._total_count[..., None] * self._probs
        super().__init__(
            dtype=self._probs.dtype,
            reparameterization_type=NOT_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._total_count, self._logits, self._probs],
            name=name,
        )

    @property
    def total_count(self) -> Any:
        """How many draws there are."""
        return self._total_count

    @property
    def logits(self) -> Any:
        """The unnormalized log probabilities of the classes."""
        return self._logits

    @property
    def probs(self) -> Any:
        """The probabilities of the classes."""
        return self._probs

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self._mean_value)[:-1]

    def _batch_shape(self) -> TensorShape:
        return self._mean_value.shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        return ops.shape(self._mean_value)[-1:]

    def _event_shape(self) -> TensorShape:
        return self._mean_value.shape.with_rank_at_least(1)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        draws = ops.cast(self.total_count, dtype=dtypes.int32)
        size = self.event_shape_tensor()[0]
        draws = ops.ones_like(self.logits[..., 0], dtype=draws.dtype) * draws
        logits = ops.ones_like(draws[..., None], dtype=self.logits.dtype) * self.logits

        def counts_of(pair: Any) -> Any:  # of one distribution of the batch: draws differ in number
            row, count = pair
            classes = ops.multinomial(row[None, ...], count, seed)
            return ops.reduce_sum(ops.one_hot(ops.reshape(classes, shape=[n, -1]), depth=size), axis=-2)

        rows = [ops.reshape(logits, [-1, size]), n * ops.reshape(draws, [-1])]
        counts = ops.transpose(ops.map_fn(counts_of, rows, dtype=self.dtype), perm=[1, 0, 2])
        return ops.reshape(counts, ops.concat([[n], self.batch_shape_tensor(), [size]], 0))

    def _log_prob(self, value: Any) -> Any:
        if self.validate_args:
            value = embed_check_nonnegative_integer_form(value)
            message = "counts must sum to `self.total_count`"
            check = ops.assert_equal(self.total_count, ops.reduce_sum(value, -1), message=message)
            value = ops.with_dependencies([check], value)
        unnormalized = ops.reduce_sum(value * ops.log_softmax(self.logits), -1)
        return unnormalized - -log_combinations(self.total_count, value)

    def _mean(self) -> Any:
        return ops.identity(self._mean_value)

    def _covariance(self) -> Any:
        products = ops.matmul(self._mean_value[..., None], self._each_probs()[..., None, :])
        return ops.matrix_set_diag(-products, self._variance())

    def _variance(self) -> Any:
        return self._mean_value - self._mean_value * self._each_probs()

    def _each_probs(self) -> Any:
        return self.probs * ops.ones_like(self.total_count)[..., None]
