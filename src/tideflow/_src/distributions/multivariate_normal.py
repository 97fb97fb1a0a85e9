"""Normal distributions of vectors, of `tf.contrib.distributions`."""

from __future__ import annotations

import math
from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.distributions import operations as ops
from tideflow._src.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from tideflow._src.distributions.divergence import RegisterKL


class MultivariateNormalDiag(Distribution):
    """The normal distribution of vectors whose entries are independent.

    Args:
      loc: floating tensor with the means along its last axis; zeros by default.
      scale_diag: the standard deviations, likewise; ones by default.
      scale_identity_multiplier: what is added to each of them, one number for each vector.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: neither `loc` nor `scale_diag` tells how long the vectors are.
    """

    def __init__(
        self,
        loc: Any = None,
        scale_diag: Any = None,
        scale_identity_multiplier: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "MultivariateNormalDiag",
    ) -> None:
        parameters = dict(locals())
        if loc is None and scale_diag is None:
            raise ValueError("Must pass loc or scale_diag: the length of the vectors is not known.")
        with ops.name_scope(name, values=[loc, scale_diag, scale_identity_multiplier]) as name:
            loc = None if loc is None else ops.convert_to_tensor(loc, name="loc")
            scale = None if scale_diag is None else ops.convert_to_tensor(scale_diag, name="scale_diag")
            if scale_identity_multiplier is not None:
                multiplier = ops.convert_to_tensor(scale_identity_multiplier, name="scale_identity_multiplier")
                spread = multiplier[..., None] * ops.ones_like(loc if scale is None else scale)
                scale = spread if scale is None else scale + spread
            scale = ops.ones_like(loc) if scale is None else scale
            loc = ops.zeros_like(scale) if loc is None else loc
            if validate_args:
                check = ops.assert_positive(scale, message="diagonal part must be positive")
                scale = ops.with_dependencies([check], scale)
            self._loc = loc + ops.zeros_like(scale)
            self._scale = scale + ops.zeros_like(loc)
        super().__init__(
            dtype=self._scale.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._loc, self._scale],
            name=name,
        )

    @property
    def loc(self) -> Any:
        """The means."""
        return self._loc

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self._scale)[:-1]

    def _batch_shape(self) -> TensorShape:
        return self._scale.shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        return ops.shape(self._scale)[-1:]

    def _event_shape(self) -> TensorShape:
        return self._scale.shape.with_rank_at_least(1)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        shape = ops.concat([[n], ops.shape(self._scale)], 0)
        return self._loc + self._scale * ops.random_normal(shape, dtype=self.dtype, seed=seed)

    def _log_prob(self, value: Any) -> Any:
        each = -0.5 * ops.square((value - self._loc) / self._scale) - ops.log(self._scale)
        return ops.reduce_sum(each - 0.5 * math.log(2.0 * math.pi), -1)

    def _entropy(self) -> Any:
        return ops.reduce_sum(ops.log(self._scale) + 0.5 * math.log(2.0 * math.pi * math.e), -1)

    def _mean(self) -> Any:
        return ops.identity(self._loc)

    def _stddev(self) -> Any:
        return ops.absolute(self._scale)

    def _variance(self) -> Any:
        return ops.square(self._scale)

    def _covariance(self) -> Any:
        variance = self._variance()
        square = ops.zeros_like(variance[..., None] * variance[..., None, :])
        return ops.matrix_set_diag(square, variance)

    def _mode(self) -> Any:
        return self._mean()


class MultivariateNormalTriL(Distribution):
    """The normal distribution of vectors whose covariance is given by its Cholesky factor.

    Args:
      loc: floating tensor with the means along its last axis; zeros by default.
      scale_tril: the factor: a tensor of lower triangular matrices; what is above their diagonals is not read.
      validate_args: whether parameters are checked when they are used.
      allow_nan_stats: whether undefined statistics are NaN.
      name: prefix of the names of the operations.

    Raises:
      ValueError: there is no factor.
    """

    def __init__(
        self,
        loc: Any = None,
        scale_tril: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "MultivariateNormalTriL",
    ) -> None:
        parameters = dict(locals())
        if scale_tril is None:
            raise ValueError("Must pass scale_tril: the length of the vectors is not known.")
        with ops.name_scope(name, values=[loc, scale_tril]) as name:
            tril = ops.matrix_band_part(ops.convert_to_tensor(scale_tril, name="scale_tril"), -1, 0)
            if validate_args:
                check = ops.assert_positive(ops.matrix_diag_part(tril), message="diagonal part must be positive")
                tril = ops.with_dependencies([check], tril)
            zeros = ops.zeros_like(tril[..., 0])
            self._loc = zeros if loc is None else ops.convert_to_tensor(loc, name="loc") + zeros
            self._tril = tril + ops.zeros_like(self._loc)[..., None]
        super().__init__(
            dtype=self._tril.dtype,
            reparameterization_type=FULLY_REPARAMETERIZED,
            validate_args=validate_args,
            allow_nan_stats=allow_nan_stats,
            parameters=parameters,
            graph_parents=[self._loc, self._tril],
            name=name,
        )

    @property
    def loc(self) -> Any:
        """The means."""
        return self._loc

    def _batch_shape_tensor(self) -> Any:
        return ops.shape(self._loc)[:-1]

    def _batch_shape(self) -> TensorShape:
        return self._loc.shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self) -> Any:
        return ops.shape(self._loc)[-1:]

    def _event_shape(self) -> TensorShape:
        return self._loc.shape.with_rank_at_least(1)[-1:]

    def _sample_n(self, n: Any, seed: int | None = None) -> Any:
        shape = ops.concat([[n], ops.shape(self._loc)], 0)
        normal = ops.random_normal(shape, dtype=self.dtype, seed=seed)
        return self._loc + ops.reduce_sum(self._tril * normal[..., None, :], -1)

    def _log_prob(self, value: Any) -> Any:
        column = (value - self._loc)[..., None]
        tril = self._tril + ops.zeros_like(column)
        z = ops.triangular_solve(tril, column)[..., 0]
        return ops.reduce_sum(-0.5 * ops.square(z) - 0.5 * math.log(2.0 * math.pi), -1) - self._log_determinant()

    def _log_determinant(self) -> Any:
        return ops.reduce_sum(ops.log(ops.absolute(ops.matrix_diag_part(self._tril))), -1)

    def _entropy(self) -> Any:
        each = 0.5 * math.log(2.0 * math.pi * math.e)
        return self._log_determinant() + ops.reduce_sum(ops.zeros_like(self._loc) + each, -1)

    def _mean(self) -> Any:
        return ops.identity(self._loc)

    def _variance(self) -> Any:
        return ops.reduce_sum(ops.square(self._tril), -1)

    def _covariance(self) -> Any:
        return ops.matmul(self._tril, self._tril, transpose_b=True)

    def _mode(self) -> Any:
        return self._mean()


@RegisterKL(MultivariateNormalDiag, MultivariateNormalDiag)
def _divergence_of_normals(a: Any, b: Any, name: str | None = None) -> Any:
    with ops.name_scope(name, "kl_mvn_mvn", [a.loc, b.loc]):
        ratio = ops.square(a._scale / b._scale)
        distance = ops.square((a.loc - b.loc) / b._scale)
        return 0.5 * ops.reduce_sum(ratio + distance - 1.0 - ops.log(ratio), -1)
