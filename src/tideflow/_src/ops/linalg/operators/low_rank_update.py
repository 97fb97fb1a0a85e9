"""Operators that differ from others by a matrix of low rank."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import diagonal_of, product
from tideflow._src.ops.linalg.functions import cholesky_solve
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_batches,
    broadcast_shapes,
    broadcast_sizes,
    cast,
    conjugated,
    given,
    joined,
    known_sizes,
    magnitude,
    number,
    parameter,
    read,
    solve_broadcast,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.diag import LinearOperatorDiag
from tideflow._src.ops.linalg.operators.identity import LinearOperatorIdentity
from tideflow._src.ops.math.reduction_functions import reduce_sum
from tideflow._src.ops.scopes import name_scope


class LinearOperatorLowRankUpdate(LinearOperator):
    """Is ``L + U D V^H`` for an operator ``L``, thin matrices ``U`` and ``V`` and a diagonal matrix ``D``.

    Solutions and determinants use those of ``L`` and the small capacitance matrix ``D^-1 + V^H L^-1 U`` (the identity
    of Woodbury).

    Args:
      base_operator: ``L``, of shape (..., M, N).
      u: ``U``, a tensor or a variable (..., M, K).
      diag_update: the diagonals of ``D``, (..., K); ones if None.
      v: ``V``, (..., N, K); ``U`` if None.
      is_diag_update_positive: whether ``D`` is positive; None if that is not known.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: shapes do not fit, or a hint is wrong.
    """

    def __init__(
        self,
        base_operator: Any,
        u: Any,
        diag_update: Any = None,
        v: Any = None,
        is_diag_update_positive: bool | None = None,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowRankUpdate",
    ) -> None:
        parameters = given(locals())
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError("The default diagonal is positive, but is_diag_update_positive is False.")
            is_diag_update_positive = True
        self._use_cholesky = bool(
            base_operator.is_positive_definite
            and base_operator.is_self_adjoint
            and is_diag_update_positive
            and v is None
        )
        if base_operator.is_self_adjoint and v is None and not base_operator.dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("L + U D U^H with self-adjoint L is self-adjoint, but is_self_adjoint is False.")
            is_self_adjoint = True
        if self._use_cholesky:
            if False in (is_positive_definite, is_self_adjoint, is_non_singular):
                raise ValueError(
                    "Arguments imply this is self-adjoint positive-definite operator, but a hint is False."
                )
            is_positive_definite = is_self_adjoint = True
        with name_scope(name):
            self._u = parameter(u, name="u")
            self._v = self._u if v is None else parameter(v, name="v")
            self._diag_update = parameter(diag_update, name="diag_update")
            self._base_operator = base_operator
            self._is_diag_update_positive = is_diag_update_positive
            super().__init__(
                base_operator.dtype,
                None,
                is_non_singular,
                is_self_adjoint,
                is_positive_definite,
                is_square,
                name,
                parameters,
            )
            self._diag_operator = self._make_diagonal(is_diag_update_positive)
            self._check_shapes()

    def _make_diagonal(self, positive: bool | None) -> Any:
        if self._diag_update is not None:
            return LinearOperatorDiag(self._diag_update, is_positive_definite=positive)
        sizes = known_shape(self._u)
        rank = sizes[-1] if sizes is not None and sizes[-1] is not None else raw.Shape(read(self._u))[-1]
        return LinearOperatorIdentity(rank, dtype=self.dtype)

    def _check_shapes(self) -> None:
        thin = broadcast_shapes(self._u.shape, self._v.shape)
        batch = broadcast_shapes(self.base_operator.batch_shape, thin[:-2])
        thin[-2:-1].assert_is_compatible_with([self.base_operator.domain_dimension])
        if self._diag_update is not None:
            thin[-1:].assert_is_compatible_with(self._diag_update.shape[-1:])
            broadcast_shapes(batch, self._diag_update.shape[:-1])

    @property
    def u(self) -> Any:
        """The matrix ``U``."""
        return self._u

    @property
    def v(self) -> Any:
        """The matrix ``V``."""
        return self._v

    @property
    def is_diag_update_positive(self) -> bool | None:
        """Whether ``D`` is positive, if that is known."""
        return self._is_diag_update_positive

    @property
    def diag_update(self) -> Any:
        """The diagonals of ``D``, or None."""
        return self._diag_update

    @property
    def diag_operator(self) -> Any:
        """``D`` as an operator."""
        return self._diag_operator

    @property
    def base_operator(self) -> Any:
        """The operator ``L``."""
        return self._base_operator

    def _shape(self) -> TensorShape:
        base = self.base_operator
        batch = broadcast_shapes(
            base.batch_shape, self.diag_operator.batch_shape, self._u.shape[:-2], self._v.shape[:-2]
        )
        return batch.concatenate(base.shape[-2:])

    def _shape_tensor(self) -> Any:
        thin = [known_sizes(shape_of(read(item)))[:-2] for item in (self._u, self._v)]
        batch = broadcast_sizes(self.base_operator._batch_sizes(), self.diag_operator._batch_sizes(), *thin)
        return joined(batch, self.base_operator._sizes()[-2:])

    def _assert_self_adjoint(self) -> Any:
        if self._u is self._v and self._diag_update is None:
            return self.base_operator.assert_self_adjoint()
        return super()._assert_self_adjoint()

    def _thin(self) -> tuple[Any, Any]:
        u = read(self._u)
        return u, u if self._v is self._u else read(self._v)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        u, v = reversed(self._thin()) if adjoint else self._thin()
        leading = self.base_operator.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        small = self.diag_operator.matmul(product(v, x, adjoint_a=True, adjoint_b=adjoint_arg), adjoint=adjoint)
        return raw.AddV2(leading, product(u, small))

    def _capacitance(self, u: Any, v: Any, adjoint: bool) -> Any:
        """Returns ``D^-1 + V^H L^-1 U``, or of the adjoint operator ``D^-H + U^H L^-H V``."""
        inner = product(v, self.base_operator.solve(u, adjoint=adjoint), adjoint_a=True)
        inverse = self.diag_operator.inverse()
        return (inverse.adjoint() if adjoint else inverse).add_to_tensor(self._in_batch_of_diagonal(inner))

    def _in_batch_of_diagonal(self, matrix: Any) -> Any:
        """Broadcasts matrices to the batch of ``D``, since a diagonal is set into them."""
        if self._diag_update is None:
            return matrix
        batch = broadcast_sizes(known_sizes(shape_of(matrix))[:-2], self.diag_operator._batch_sizes())
        return raw.BroadcastTo(matrix, joined(batch, shape_of(matrix)[-2:]))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        base = self.base_operator
        if base.is_non_singular is False:
            raise ValueError("Solve not implemented unless this is a perturbation of a non-singular LinearOperator.")
        u, v = reversed(self._thin()) if adjoint else self._thin()
        capacitance = self._capacitance(u, v, adjoint)
        first = base.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        right = product(v, first, adjoint_a=True)
        if self._use_cholesky:
            small = cholesky_solve(*broadcast_batches([raw.Cholesky(capacitance), right]))
        else:
            small = solve_broadcast(capacitance, right)
        return raw.Sub(first, base.solve(product(u, small), adjoint=adjoint))

    def _determinant(self) -> Any:
        if self.is_positive_definite:
            return raw.Exp(self.log_abs_determinant())
        small = raw.MatrixDeterminant(self._capacitance(*self._thin(), adjoint=False))
        return raw.Mul(raw.Mul(small, self.diag_operator.determinant()), self.base_operator.determinant())

    def _log_abs_determinant(self) -> Any:
        capacitance = self._capacitance(*self._thin(), adjoint=False)
        if self._use_cholesky:
            total = reduce_sum(raw.Log(diagonal_of(raw.Cholesky(capacitance))), axis=[-1])
            small = raw.Mul(number(2, total), total)
        else:
            small = cast(raw.Log(magnitude(raw.MatrixDeterminant(capacitance))), self.dtype)
        others = self.diag_operator.log_abs_determinant(), self.base_operator.log_abs_determinant()
        return raw.AddV2(raw.AddV2(small, others[0]), others[1])

    def _diag_part(self) -> Any:
        u, v = self._thin()
        terms = raw.Mul(u, conjugated(v))
        if self._diag_update is not None:
            terms = raw.Mul(terms, read(self._diag_update)[..., None, :])
        return raw.AddV2(reduce_sum(terms, axis=-1), self.base_operator.diag_part())

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "base_operator", "u", "diag_update", "v", "is_diag_update_positive"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"base_operator": 0, "u": 2, "diag_update": 1, "v": 2}
