"""`Distribution`, the base of all distributions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import is_tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import divergence
from tideflow._src.distributions import operations as ops


class ReparameterizationType:
    """Says whether samples are differentiable functions of a distribution's parameters.

    Args:
      rep_type: the text that `repr` shows.
    """

    def __init__(self, rep_type: str) -> None:
        self._rep_type = rep_type

    def __repr__(self) -> str:
        return f"<Reparameterization Type: {self._rep_type}>"


#: Samples are differentiable with respect to the parameters.
FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
#: They are not.
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")


class Distribution:
    """A distribution, or a batch of independent distributions of one kind with parameters of their own.

    A sample has the shape `sample_shape + batch_shape + event_shape`: the shape that was asked for, that of the
    parameters, and that of one draw.

    A subclass implements those of `_batch_shape`, `_batch_shape_tensor`, `_event_shape`, `_event_shape_tensor`,
    `_sample_n`, `_log_prob`, `_prob`, `_cdf`, `_mean`, ... that it can. One is enough of a probability and its log,
    of `_variance` and `_stddev`, of `_cdf` and what is left over.

    Args:
      dtype: the dtype of samples.
      reparameterization_type: `FULLY_REPARAMETERIZED` or `NOT_REPARAMETERIZED`.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether an undefined mean, variance or mode is NaN; otherwise it raises `InvalidArgumentError`.
      parameters: the arguments that made this distribution, by name, with which `copy` makes another.
      graph_parents: tensors that the distribution is made of.
      name: prefix of the names of the operations; the class's name by default.

    Raises:
      ValueError: one of `graph_parents` is not a tensor.

    >>> import tideflow.compat.v1 as tf
    >>> class Shifted(tf.distributions.Distribution):
    ...     def __init__(self, by):
    ...         super().__init__(tf.float32, tf.distributions.FULLY_REPARAMETERIZED, False, True, name="Shifted")
    ...         self.by = by
    ...     def _prob(self, value):
    ...         return tf.exp(self.by - value)
    >>> print(float(Shifted(1.0).log_prob(3.0)))
    -2.0
    """

    def __init__(
        self,
        dtype: Any,
        reparameterization_type: ReparameterizationType,
        validate_args: bool,
        allow_nan_stats: bool,
        parameters: dict[str, Any] | None = None,
        graph_parents: Sequence[Any] | None = None,
        name: str | None = None,
    ) -> None:
        graph_parents = [] if graph_parents is None else graph_parents
        for index, parent in enumerate(graph_parents):
            if parent is None or not is_tensor(parent):
                raise ValueError(f"Graph parent item {index} is not a Tensor; {parent}.")
        if not name or name[-1] != "/":
            with ops.name_scope(name or type(self).__name__) as scope:
                name = scope
        self._dtype = dtype
        self._reparameterization_type = reparameterization_type
        self._allow_nan_stats = allow_nan_stats
        self._validate_args = validate_args
        self._parameters = parameters or {}
        self._graph_parents = graph_parents
        self._name = name

    @property
    def name(self) -> str:
        """The prefix of the names of this distribution's operations."""
        return self._name

    @property
    def dtype(self) -> Any:
        """The dtype of samples."""
        return self._dtype

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments that this distribution was made with, by name."""
        return {key: value for key, value in self._parameters.items() if not key.startswith("__") and key != "self"}

    @property
    def reparameterization_type(self) -> ReparameterizationType:
        """Whether samples are differentiable with respect to the parameters."""
        return self._reparameterization_type

    @property
    def allow_nan_stats(self) -> bool:
        """Whether an undefined statistic is NaN rather than an error."""
        return self._allow_nan_stats

    @property
    def validate_args(self) -> bool:
        """Whether parameters and values are checked."""
        return self._validate_args

    @classmethod
    def param_shapes(cls, sample_shape: Any, name: str = "DistributionParamShapes") -> dict[str, Any]:
        """Returns the shapes that parameters need for samples of a shape.

        Args:
          sample_shape: the shape of one call of `sample()`.
          name: a name for the operations.

        Returns:
          An `int32` vector for each parameter, by its name.
        """
        with ops.name_scope(name, values=[sample_shape]):
            return cls._param_shapes(sample_shape)

    @classmethod
    def param_static_shapes(cls, sample_shape: Any) -> dict[str, TensorShape]:
        """Returns the static shapes that parameters need for samples of a shape.

        Args:
          sample_shape: the shape of one call of `sample()`, all of it known.

        Returns:
          A `TensorShape` for each parameter, by its name.

        Raises:
          ValueError: the shape is not known.
        """
        if isinstance(sample_shape, TensorShape):
            if not sample_shape.is_fully_defined():
                raise ValueError("TensorShape sample_shape must be fully defined")
            sample_shape = sample_shape.as_list()
        found = {}
        for name, shape in cls.param_shapes(sample_shape).items():
            value = ops.static_value(shape)
            if value is None:
                raise ValueError("sample_shape must be a fully-defined TensorShape or list/tuple")
            found[name] = TensorShape(value)
        return found

    @staticmethod
    def _param_shapes(sample_shape: Any) -> dict[str, Any]:
        raise NotImplementedError("_param_shapes not implemented")

    def copy(self, **override_parameters_kwargs: Any) -> Any:
        """Returns a distribution of this class with the same arguments, but for those that are given."""
        return type(self)(**{**self.parameters, **override_parameters_kwargs})

    # Shapes

    def batch_shape_tensor(self, name: str = "batch_shape_tensor") -> Any:
        """Returns the shape of the batch of distributions as an `int32` vector."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return ops.convert_to_tensor(self.batch_shape.as_list(), dtype=dtypes.int32, name="batch_shape")
            return self._batch_shape_tensor()

    @property
    def batch_shape(self) -> TensorShape:
        """The shape of the batch of distributions, as far as it is known."""
        return _as_shape(self._batch_shape())

    def event_shape_tensor(self, name: str = "event_shape_tensor") -> Any:
        """Returns the shape of one draw as an `int32` vector."""
        with self._name_scope(name):
            if self.event_shape.is_fully_defined():
                return ops.convert_to_tensor(self.event_shape.as_list(), dtype=dtypes.int32, name="event_shape")
            return self._event_shape_tensor()

    @property
    def event_shape(self) -> TensorShape:
        """The shape of one draw, as far as it is known."""
        return _as_shape(self._event_shape())

    def is_scalar_event(self, name: str = "is_scalar_event") -> Any:
        """Returns a `bool` tensor that tells whether one draw is a scalar."""
        with self._name_scope(name):
            return ops.convert_to_tensor(_is_scalar(self.event_shape, self.event_shape_tensor), name="is_scalar_event")

    def is_scalar_batch(self, name: str = "is_scalar_batch") -> Any:
        """Returns a `bool` tensor that tells whether this is one distribution, not a batch."""
        with self._name_scope(name):
            return ops.convert_to_tensor(_is_scalar(self.batch_shape, self.batch_shape_tensor), name="is_scalar_batch")

    # Samples and probabilities

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Any:
        """Draws samples.

        Args:
          sample_shape: how many: an integer, or the leading dimensions of the result.
          seed: an integer that makes the draws repeatable, as for `tf.random.normal`.
          name: a name for the operations.

        Returns:
          A tensor of shape `sample_shape + batch_shape + event_shape`.
        """
        return self._call_sample_n(sample_shape, seed, name)

    def log_prob(self, value: Any, name: str = "log_prob") -> Any:
        """Computes the logarithm of the density, or of the probability of a discrete value.

        Args:
          value: tensor of shape `sample_shape + batch_shape + event_shape`, or one that broadcasts to it.
          name: a name for the operations.

        Returns:
          A tensor of shape `sample_shape + batch_shape`.
        """
        return self._call_log_prob(value, name)

    def prob(self, value: Any, name: str = "prob") -> Any:
        """Computes the density, or the probability of a discrete value; arguments as for `log_prob`."""
        return self._call_prob(value, name)

    def log_cdf(self, value: Any, name: str = "log_cdf") -> Any:
        """Computes the logarithm of the probability of what is at most `value`; arguments as for `log_prob`."""
        return self._call_log_cdf(value, name)

    def cdf(self, value: Any, name: str = "cdf") -> Any:
        """Computes the probability of what is at most `value`; arguments as for `log_prob`."""
        return self._call_cdf(value, name)

    def log_survival_function(self, value: Any, name: str = "log_survival_function") -> Any:
        """Computes the logarithm of the probability of what is more than `value`; arguments as for `log_prob`."""
        return self._call_log_survival_function(value, name)

    def survival_function(self, value: Any, name: str = "survival_function") -> Any:
        """Computes the probability of what is more than `value`; arguments as for `log_prob`."""
        return self._call_survival_function(value, name)

    def quantile(self, value: Any, name: str = "quantile") -> Any:
        """Computes the value below which a sample is with probability `value`; shapes as for `log_prob`."""
        return self._call_quantile(value, name)

    # Statistics

    def entropy(self, name: str = "entropy") -> Any:
        """Computes Shannon's entropy in nats, of the batch shape."""
        with self._name_scope(name):
            return self._entropy()

    def mean(self, name: str = "mean") -> Any:
        """Computes the mean, of shape `batch_shape + event_shape`."""
        with self._name_scope(name):
            return self._mean()

    def variance(self, name: str = "variance") -> Any:
        """Computes the variance, of shape `batch_shape + event_shape`."""
        with self._name_scope(name):
            return _first_of(self._variance, lambda: ops.square(self._stddev()))

    def stddev(self, name: str = "stddev") -> Any:
        """Computes the standard deviation, of shape `batch_shape + event_shape`."""
        with self._name_scope(name):
            return _first_of(self._stddev, lambda: ops.sqrt(self._variance()))

    def covariance(self, name: str = "covariance") -> Any:
        """Computes the covariances of the elements of a vector, of shape `batch_shape + event_shape + event_shape`."""
        with self._name_scope(name):
            return self._covariance()

    def mode(self, name: str = "mode") -> Any:
        """Computes the most likely value, of shape `batch_shape + event_shape`."""
        with self._name_scope(name):
            return self._mode()

    def cross_entropy(self, other: Any, name: str = "cross_entropy") -> Any:
        """Computes the cross entropy of `other` relative to this distribution, in nats.

        Args:
          other: a `Distribution` for which, with this one, a divergence is registered.
          name: a name for the operations.

        Returns:
          A tensor of the batch shape.
        """
        with self._name_scope(name):
            return self._cross_entropy(other)

    def kl_divergence(self, other: Any, name: str = "kl_divergence") -> Any:
        """Computes the Kullback-Leibler divergence of `other` from this distribution, in nats.

        Args:
          other: a `Distribution` for which, with this one, a divergence is registered.
          name: a name for the operations.

        Returns:
          A tensor of the batch shape.
        """
        with self._name_scope(name):
            return self._kl_divergence(other)

    def __str__(self) -> str:
        shapes = (("batch_shape", self.batch_shape), ("event_shape", self.event_shape))
        known = "".join(f", {name}={shape}" for name, shape in shapes if shape.ndims is not None)
        return f'tfp.distributions.{type(self).__name__}("{self.name}"{known}, dtype={self.dtype.name})'

    def __repr__(self) -> str:
        return (
            f"<tfp.distributions.{type(self).__name__} '{self.name}' batch_shape={self.batch_shape} "
            f"event_shape={self.event_shape} dtype={self.dtype.name}>"
        )

    # What a subclass implements

    def _batch_shape(self) -> Any:
        return TensorShape(None)

    def _batch_shape_tensor(self) -> Any:
        raise self._not_implemented("batch_shape_tensor")

    def _event_shape(self) -> Any:
        return TensorShape(None)

    def _event_shape_tensor(self) -> Any:
        raise self._not_implemented("event_shape_tensor")

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        raise self._not_implemented("sample_n")

    def _log_prob(self, value: Any) -> Any:
        raise self._not_implemented("log_prob")

    def _prob(self, value: Any) -> Any:
        raise self._not_implemented("prob")

    def _log_cdf(self, value: Any) -> Any:
        raise self._not_implemented("log_cdf")

    def _cdf(self, value: Any) -> Any:
        raise self._not_implemented("cdf")

    def _log_survival_function(self, value: Any) -> Any:
        raise self._not_implemented("log_survival_function")

    def _survival_function(self, value: Any) -> Any:
        raise self._not_implemented("survival_function")

    def _quantile(self, value: Any) -> Any:
        raise self._not_implemented("quantile")

    def _entropy(self) -> Any:
        raise self._not_implemented("entropy")

    def _mean(self) -> Any:
        raise self._not_implemented("mean")

    def _variance(self) -> Any:
        raise self._not_implemented("variance")

    def _stddev(self) -> Any:
        raise self._not_implemented("stddev")

    def _covariance(self) -> Any:
        raise self._not_implemented("covariance")

    def _mode(self) -> Any:
        raise self._not_implemented("mode")

    def _cross_entropy(self, other: Any) -> Any:
        return divergence.cross_entropy(self, other, allow_nan_stats=self.allow_nan_stats)

    def _kl_divergence(self, other: Any) -> Any:
        return divergence.kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats)

    def _not_implemented(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{method} is not implemented: {type(self).__name__}")

    # Calls, which pass on what a subclass's methods take beside

    def _call_sample_n(self, sample_shape: Any, seed: int | None, name: str, **kwargs: Any) -> Any:
        with self._name_scope(name, values=[sample_shape]):
            sample_shape = ops.convert_to_tensor(sample_shape, dtype=dtypes.int32, name="sample_shape")
            sample_shape, count = _as_vector(sample_shape)
            samples = self._sample_n(count, seed, **kwargs)
            final_shape = ops.concat([sample_shape, ops.shape(samples)[1:]], 0)
            return self._with_static_shape(ops.reshape(samples, final_shape), sample_shape)

    def _call_log_prob(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(lambda: self._log_prob(value, **kwargs), lambda: ops.log(self._prob(value, **kwargs)))

    def _call_prob(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(lambda: self._prob(value, **kwargs), lambda: ops.exp(self._log_prob(value, **kwargs)))

    def _call_log_cdf(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(lambda: self._log_cdf(value, **kwargs), lambda: ops.log(self._cdf(value, **kwargs)))

    def _call_cdf(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(lambda: self._cdf(value, **kwargs), lambda: ops.exp(self._log_cdf(value, **kwargs)))

    def _call_log_survival_function(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(
                lambda: self._log_survival_function(value, **kwargs), lambda: ops.log1p(-self.cdf(value, **kwargs))
            )

    def _call_survival_function(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return _first_of(lambda: self._survival_function(value, **kwargs), lambda: 1.0 - self.cdf(value, **kwargs))

    def _call_quantile(self, value: Any, name: str, **kwargs: Any) -> Any:
        with self._called(name, value) as value:
            return self._quantile(value, **kwargs)

    @contextlib.contextmanager
    def _name_scope(self, name: str | None = None, values: Sequence[Any] | None = None) -> Iterator[str]:
        """Is a scope inside this distribution's."""
        with ops.name_scope(self.name), ops.name_scope(name, values=[*(values or ()), *self._graph_parents]) as scope:
            yield scope

    @contextlib.contextmanager
    def _called(self, name: str, value: Any) -> Iterator[Any]:
        """Is the scope of a call with a value, and gives that as a tensor."""
        with self._name_scope(name, values=[value]):
            yield _as_tensor(value, self.dtype)

    def _with_static_shape(self, samples: Any, sample_shape: Any) -> Any:
        """Returns samples of which is known what the shapes of sample, batch and event tell."""
        known = ops.static_value(sample_shape)
        parts = [TensorShape(None if known is None else list(known)), self.batch_shape, self.event_shape]
        ranks = [part.ndims for part in parts]
        total = samples.shape.ndims
        if total is None and None not in ranks:
            total = sum(ranks)
        if total is not None and ranks.count(None) == 1:  # it has what the others leave
            missing = ranks.index(None)
            left = total - sum(rank for rank in ranks if rank is not None)
            ranks[missing], parts[missing] = left, TensorShape([None] * left)
        if total is not None:
            if ranks[0] is not None:
                samples.set_shape(parts[0].concatenate([None] * (total - ranks[0])))
            if ranks[2] is not None:
                samples.set_shape(TensorShape([None] * (total - ranks[2])).concatenate(parts[2]))
            if None not in ranks:
                samples.set_shape(parts[0].concatenate(parts[1]).concatenate(parts[2]))
        return samples


def _as_shape(shape: Any) -> TensorShape:
    return shape if isinstance(shape, TensorShape) else TensorShape(shape)


def _as_tensor(value: Any, dtype: Any) -> Any:
    """Returns a value as a tensor, of `dtype` where the value leaves that open."""
    if dtype is not None and (dtype.is_integer or dtype.is_bool) and context.executing_eagerly():
        tensor = ops.convert_to_tensor(value, name="value")
        if tensor.dtype.is_floating:  # a fraction is no event of the distribution, and must not be cut off
            return tensor
    return ops.convert_to_tensor(value, name="value", preferred_dtype=dtype)


def _first_of(method: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """Returns what a method gives, or, where it is not implemented, what another gives."""
    try:
        return method()
    except NotImplementedError as error:
        try:
            return other()
        except NotImplementedError:
            raise error from None


def _is_scalar(static: TensorShape, dynamic: Callable[[], Any]) -> Any:
    if static.ndims is not None:
        return static.ndims == 0
    shape = dynamic()
    if shape.shape.ndims is not None and shape.shape.dims[0].value is not None:
        return shape.shape.as_list() == [0]
    return ops.equal(ops.shape(shape)[0], 0)


def _as_vector(shape: Any) -> tuple[Any, Any]:
    """Returns a sample shape as a vector, and the number of samples that it asks for."""
    known = ops.static_value(shape)
    count = ops.reduce_prod(shape) if known is None else np.prod(known, dtype=np.int32)
    if shape.shape.ndims is None:
        shape = ops.reshape(shape, [-1])
    elif shape.shape.ndims == 0:
        if known is None:
            shape = ops.reshape(shape, [1])
        else:
            shape = ops.convert_to_tensor(np.array([known], np.int32), name="sample_shape")
    elif shape.shape.ndims != 1:
        raise ValueError("Input is neither scalar nor vector.")
    return shape, count
