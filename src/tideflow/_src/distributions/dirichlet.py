"""The Dirichlet distribution, and that of counts drawn with its samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution
from tideflow._src.distributions.divergence import RegisterKL
from tideflow._src.distributions.parameters import (
    embed_check_categorical_event_shape,
    embed_check_nonnegative_integer_form,
    gen_new_seed,
    log_combinations,
)


class _Concentrated(Distribution):
    """A distribution of vectors with a concentration for each of their entries."""

    _concentration: Any
    _total_concentration: Any

    @property
    def concentration(self) -> Any:
        """How much there is for each entry: a tensor with the entries along its last axis."""
        return self._concentration

    @property
    def total_concentration(self) -> Any:
        """The sum over the entries."""
        return self._total_concentration

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self.total_concentration)

    def _batch_shape(self) -> TensorShape:
        return self.total_concentration.shape

    def _event_shape_tensor(self) -> Any:
        return ops.shape(self.concentration)[-1:]

    def _event_shape(self) -> TensorShape:
        return self.concentration.shape.with_rank_at_least(1)[-1:]

    def _variance_scale(self) -> Any:
        raise NotImplementedError

    def _covariance(self) -> Any:
        x = self._variance_scale() * self._mean()
        return ops.matrix_set_diag(-ops.matmul(x[..., None], x[..., None, :]), self._variance())


class Dirichlet(_Concentrated):
    """The Dirichlet distribution: of vectors of positive numbers that add up to one.

    Args:
      concentration: floating tensor, positive, with the entries of a vector along its last axis.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN: the mode where a concentration is one or less.
      name: prefix of the names of the operations.

    >>> import tideflow.compat.v1 as tf
    >>> print(tf.distributions.Dirichlet([1.0, 3.0]).mean().numpy())
    [0.25 0.75]
    """

    def __init__(
        self, concentration: Any, validate_args: bool = False, allow_nan_stats: bool = True, name: str = "Dirichlet"
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[concentration]) as name:
            concentration = ops.convert_to_tensor(concentration, name="concentration")
            if validate_args:
                few = "Concentration parameter must have event_size >= 2."
                checks = [
                    ops.assert_positive(concentration, message="Concentration parameter must be positive."),
                    ops.assert_rank_at_least(
                        concentration, 1, message="Concentration parameter must have >=1 dimensions."
                    ),
                    ops.assert_less(1, ops.shape(concentration)[-1], message=few),
                ]
                concentration = ops.with_dependencies(checks, concentration)
            self._concentration = concentration
            self._total_concentration = ops.reduce_sum(self._concentration, -1)
        super().__init__(
            dtype=self._concentration.dtype,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            reparameterization_type=FULLY_REPARAMETERIZED,
            parameters=parameters,
            graph_parents=[self._concentration, self._total_concentration],
            name=name,
        )

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        gamma = ops.random_gamma(shape=[n], alpha=self.concentration, dtype=self.dtype, seed=seed)
        return gamma / ops.reduce_sum(gamma, -1, keepdims=True)

    def _log_prob(self, value: Any) -> Any:
        if self.validate_args:
            positive = ops.assert_positive(value, message="samples must be positive")
            one = ops.ones([], dtype=self.dtype)
            message = "sample last-dimension must sum to `1`"
            value = ops.with_dependencies(
                [positive, ops.assert_near(one, ops.reduce_sum(value, -1), message=message)], value
            )
        return ops.reduce_sum(ops.xlogy(self.concentration - 1.0, value), -1) - self._log_normalization()

    def _log_normalization(self) -> Any:
        return ops.lbeta(self.concentration)

    def _entropy(self) -> Any:
        size = ops.cast(self.event_shape_tensor()[0], self.dtype)
        digammas = ops.reduce_sum((self.concentration - 1.0) * ops.digamma(self.concentration), axis=-1)
        total = (self.total_concentration - size) * ops.digamma(self.total_concentration)
        return self._log_normalization() + total - digammas

    def _mean(self) -> Any:
        return self.concentration / self.total_concentration[..., None]

    def _variance(self) -> Any:
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (scale - x)

    def _variance_scale(self) -> Any:
        return ops.rsqrt(1.0 + self.total_concentration[..., None])

    def _mode(self) -> Any:
        size = ops.cast(self.event_shape_tensor()[0], self.dtype)
        mode = (self.concentration - 1.0) / (self.total_concentration[..., None] - size)
        if self.allow_nan_stats:
            nan = ops.fill(ops.shape(mode), np.array(np.nan, dtype=self.dtype.as_numpy_dtype), name="nan")
            # TensorFlow leaves the last axis out, so that a batch fails there or takes another's answer.
            defined = ops.reduce_all(self.concentration > 1.0, axis=-1, keepdims=True)
            return ops.where(defined, mode, nan)
        message = "Mode undefined when any concentration <= 1"
        check = ops.assert_less(ops.ones([], self.dtype), self.concentration, message=message)
        return ops.with_dependencies([check], mode)


class DirichletMultinomial(_Concentrated):
    """The distribution of counts that are drawn with probabilities which a Dirichlet distribution gives.

    Args:
      total_count: floating tensor, how many draws there are: integers, not negative.
      concentration: tensor of the same dtype, positive, with the classes along its last axis.
      validate_args: whether parameters and values are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    >>> import tideflow.compat.v1 as tf
    >>> counts = tf.distributions.DirichletMultinomial(2.0, [1.0, 1.0])
    >>> print(counts.prob([[2.0, 0.0], [1.0, 1.0]]).numpy().round(4))
    [0.3333 0.3333]
    """

    def __init__(
        self,
        total_count: Any,
        concentration: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DirichletMultinomial",
    ) -> None:
        parameters = dict(locals())
        with ops.name_scope(name, values=[total_count, concentration]) as name:
            self._total_count = ops.convert_to_tensor(total_count, name="total_count")
            if validate_args:
                self._total_count = embed_check_nonnegative_integer_form(self._total_count)
            concentration = ops.convert_to_tensor(concentration, name="concentration")
            if validate_args:
                concentration = embed_check_categorical_event_shape(concentration)
                check = ops.assert_positive(concentration, message="Concentration parameter must be positive.")
                concentration = ops.with_dependencies([check], concentration)
            self._concentration = concentration
            self._total_concentration = ops.reduce_sum(self._concentration, -1)
        super().__init__(
            dtype=self._concentration.dtype,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            reparameterization_type=NOT_REPARAMETERIZED,
            parameters=parameters,
            graph_parents=[self._total_count, self._concentration],
            name=name,
        )

    @property
    def total_count(self) -> Any:
        """How many draws there are."""
        return self._total_count

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        draws = ops.cast(self.total_count, dtype=dtypes.int32)
        size = self.event_shape_tensor()[0]
        gamma = ops.random_gamma(shape=[n], alpha=self.concentration, dtype=self.dtype, seed=seed)
        logits = ops.reshape(ops.log(gamma), shape=[-1, size])
        other = gen_new_seed(seed, salt="dirichlet_multinomial")
        classes = ops.multinomial(logits=logits, num_samples=draws, seed=other)
        counts = ops.reduce_sum(ops.one_hot(classes, depth=size), -2)
        final_shape = ops.concat([[n], self.batch_shape_tensor(), [size]], 0)
        return ops.cast(ops.reshape(counts, final_shape), self.dtype)

    def _log_prob(self, value: Any) -> Any:
        if self.validate_args:
            value = embed_check_nonnegative_integer_form(value)
            message = "counts last-dimension must sum to `self.total_count`"
            check = ops.assert_equal(self.total_count, ops.reduce_sum(value, -1), message=message)
            value = ops.with_dependencies([check], value)
        ordered = ops.lbeta(self.concentration + value) - ops.lbeta(self.concentration)
        return ordered + log_combinations(self.total_count, value)

    def _mean(self) -> Any:
        return self.total_count * (self.concentration / self.total_concentration[..., None])

    def _variance(self) -> Any:
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (self.total_count * scale - x)

    def _variance_scale(self) -> Any:
        total = self.total_concentration[..., None]
        return ops.sqrt((1.0 + total / self.total_count) / (1.0 + total))


@RegisterKL(Dirichlet, Dirichlet)
def _divergence_of_dirichlets(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_dirichlet_dirichlet", values=[a.concentration, b.concentration]):
        total = ops.digamma(ops.reduce_sum(a.concentration, axis=-1, keepdims=True))
        products = (a.concentration - b.concentration) * (ops.digamma(a.concentration) - total)
        return ops.reduce_sum(products, axis=-1) - ops.lbeta(a.concentration) + ops.lbeta(b.concentration)
