"""The categorical distribution."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import NOT_REPARAMETERIZED
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.parameters import (
    embed_check_categorical_event_shape,
    embed_check_integer_casting_closed,
    get_logits_and_probs,
)
from tideflow._src.distributions.univariate import Univariate


class Categorical(Univariate):
    """The categorical distribution over the integers below a number of classes.

    Args:
      logits: floating tensor with the classes along its last axis: unnormalized log probabilities.
      probs: floating tensor with the classes along its last axis: probabilities. Either this or `logits` is given.
      dtype: the dtype of samples.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: both or none of `logits` and `probs` are given, or a scalar.

    >>> import tideflow.compat.v1 as tf
    >>> die = tf.distributions.Categorical(probs=[0.125, 0.125, 0.75])
    >>> print(die.prob([0, 2]).numpy(), int(die.mode()))
    [0.125 0.75 ] 2
    """

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = dtypes.int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Categorical",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[logits, probs]) as name:
            self._logits, self._probs = get_logits_and_probs(
                logits=logits, probs=probs, validate_args=validate_args, multidimensional=True, name=name
            )
            if validate_args:
                self._logits = embed_check_categorical_event_shape(self._logits)
            known = self._logits.shape.with_rank_at_least(1)
            if known.ndims is not None:
                self._batch_rank = ops.convert_to_tensor(known.ndims - 1, dtype=dtypes.int32, name="batch_rank")
            else:
                with ops.name_scope(name="batch_rank"):
                    self._batch_rank = ops.rank(self._logits) - 1
            logits_shape = ops.shape(self._logits, name="logits_shape")
            size = None if known.ndims is None else known.as_list()[-1]
            if size is not None:
                self._event_size = ops.convert_to_tensor(size, dtype=dtypes.int32, name="event_size")
            else:
                with ops.name_scope(name="event_size"):
                    self._event_size = logits_shape[self._batch_rank]
            if known[:-1].is_fully_defined():
                self._batch_shape_value = ops.constant(known[:-1].as_list(), dtype=dtypes.int32, name="batch_shape")
            else:
                with ops.name_scope(name="batch_shape"):
                    self._batch_shape_value = logits_shape[:-1]
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
    def event_size(self) -> Any:
        """The number of classes, an `int32` scalar."""
        return self._event_size

    @property
    def logits(self) -> Any:
        """The unnormalized log probabilities of the classes."""
        return self._logits

    @property
    def probs(self) -> Any:
        """The probabilities of the classes."""
        return self._probs

    def _batch_shape_tensor(self) -> Any:
        return ops.identity(self._batch_shape_value)

    def _batch_shape(self) -> TensorShape:
        return self.logits.shape[:-1]

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        if self.logits.shape.ndims == 2:
            logits = self.logits
        else:
            logits = ops.reshape(self.logits, [-1, self.event_size])
        dtype = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
        draws = ops.multinomial(logits, n, seed=seed, output_dtype=dtype)
        shape = ops.concat([[n], self.batch_shape_tensor()], 0)
        return ops.cast(ops.reshape(ops.transpose(draws), shape), self.dtype)

    def _cdf(self, value: Any) -> Any:
        value, probs = self._broadcast_with(value, self.probs)
        flat = ops.reshape(probs, (-1, self._event_size))
        below = ops.sequence_mask(ops.reshape(value, [-1]), self._event_size)
        total = ops.reduce_sum(ops.where(below, flat, ops.zeros_like(flat)), axis=-1)
        return ops.reshape(total, ops.shape(value))

    def _log_prob(self, value: Any) -> Any:
        value, logits = self._broadcast_with(value, self.logits)
        return -ops.sparse_softmax_cross_entropy(labels=value, logits=logits)

    def _entropy(self) -> Any:
        return -ops.reduce_sum(ops.log_softmax(self.logits) * self.probs, axis=-1)

    def _mode(self) -> Any:
        mode = ops.cast(ops.argmax(self.logits, axis=self._batch_rank), self.dtype)
        mode.set_shape(self.batch_shape)
        return mode

    def _broadcast_with(self, value: Any, params: Any) -> tuple[Any, Any]:
        """Returns classes and parameters, repeated to have the same batch shape."""
        value = ops.convert_to_tensor(value, name="k")
        if self.validate_args:
            value = embed_check_integer_casting_closed(value, target_dtype=dtypes.int32)
        if value.dtype.is_floating:
            value = ops.cast(value, dtype=dtypes.int32)
        elif not value.dtype.is_integer:
            raise TypeError(f"`value` should have integer `dtype` or `self.dtype` ({self.dtype.base_dtype})")
        shape = params.shape
        known = shape.ndims is not None and shape[:-1].is_fully_defined() and value.shape.is_fully_defined()
        if not known or shape[:-1] != value.shape:
            params *= ops.ones_like(value[..., None], dtype=params.dtype)
            value *= ops.ones(ops.shape(params)[:-1], dtype=value.dtype)
            if params.shape.ndims is not None:
                value.set_shape(params.shape[:-1])
        return value, params


@RegisterKL(Categorical, Categorical)
def _divergence_of_categoricals(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        difference = ops.log_softmax(a.logits) - ops.log_softmax(b.logits)
        return ops.reduce_sum(ops.softmax(a.logits) * difference, axis=-1)
