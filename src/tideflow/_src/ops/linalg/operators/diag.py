"""Operators that are diagonal matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import diagonal_matrix, diagonal_of, with_diagonal
from tideflow._src.ops.linalg.operators.arguments import (
    cast,
    conjugated,
    given,
    joined,
    magnitude,
    maybe_adjoint,
    number,
    parameter,
    read,
    require_nonzero,
    require_positive,
    require_real,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator, kind
from tideflow._src.ops.linalg.operators.hints import commuting, hints_of
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_min, reduce_prod, reduce_sum
from tideflow._src.ops.scopes import name_scope

_LAST = np.int32(-1)


class LinearOperatorDiag(LinearOperator):
    """Is a (batch of) diagonal matrices.

    Args:
      diag: the diagonals (..., N): a tensor or a variable, floating or complex.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: ``diag`` is a scalar, or a hint contradicts it.
    """

    def __init__(
        self,
        diag: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorDiag",
    ) -> None:
        parameters = given(locals())
        with name_scope(name, values=[diag]):
            self._diag = parameter(diag, name="diag")
            sizes = known_shape(self._diag)
            if sizes is not None and not sizes:
                raise ValueError(f"Argument diag must have at least 1 dimension. Found: {self._diag}")
            if not self._diag.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError("A real diagonal operator is always self adjoint.")
                is_self_adjoint = True
            if is_square is False:
                raise ValueError("Only square diagonal operators currently supported.")
            super().__init__(
                self._diag.dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name, parameters
            )

    @property
    def diag(self) -> Any:
        """The diagonals."""
        return self._diag

    def _shape(self) -> TensorShape:
        shape = self._diag.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self) -> Any:
        sizes = shape_of(read(self._diag))
        return joined(sizes, sizes[-1:])

    def _linop_adjoint(self) -> Any:
        return LinearOperatorDiag(conjugated(read(self._diag)), **hints_of(self))

    def _linop_inverse(self) -> Any:
        diag = read(self._diag)
        return LinearOperatorDiag(raw.RealDiv(number(1, diag), diag), **hints_of(self))

    def _linop_cholesky(self) -> Any:
        return LinearOperatorDiag(raw.Sqrt(read(self._diag)), True, True, True, True)

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        hints = commuting(left_operator, right_operator)
        diag = read(left_operator.diag)
        if isinstance(right_operator, LinearOperatorDiag):
            return LinearOperatorDiag(raw.Mul(diag, read(right_operator.diag)), **hints)
        if isinstance(right_operator, kind("ScaledIdentity")):
            scale = raw.ExpandDims(read(right_operator.multiplier), _LAST)
            return LinearOperatorDiag(raw.Mul(diag, scale), **hints)
        if isinstance(right_operator, kind("LowerTriangular")):
            rows = raw.Mul(raw.ExpandDims(diag, _LAST), right_operator.to_dense())
            return kind("LowerTriangular")(rows, is_non_singular=hints["is_non_singular"], is_square=True)
        return super()._linop_matmul(left_operator, right_operator)

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        hints = commuting(left_operator, right_operator)
        diag = read(left_operator.diag)
        if isinstance(right_operator, LinearOperatorDiag):
            return LinearOperatorDiag(raw.RealDiv(read(right_operator.diag), diag), **hints)
        if isinstance(right_operator, kind("ScaledIdentity")):
            scale = raw.ExpandDims(read(right_operator.multiplier), _LAST)
            return LinearOperatorDiag(raw.RealDiv(scale, diag), **hints)
        if isinstance(right_operator, kind("LowerTriangular")):
            rows = raw.RealDiv(right_operator.to_dense(), raw.ExpandDims(diag, _LAST))
            return kind("LowerTriangular")(rows, is_non_singular=hints["is_non_singular"], is_square=True)
        return super()._linop_solve(left_operator, right_operator)

    def _assert_non_singular(self) -> Any:
        return require_nonzero(read(self._diag), "Singular operator: Diagonal contained zero values.")

    def _assert_positive_definite(self) -> Any:
        return require_positive(
            read(self._diag),
            "Diagonal operator had diagonal entries with non-positive real part, thus was not positive definite.",
        )

    def _assert_self_adjoint(self) -> Any:
        return require_real(
            read(self._diag),
            "This diagonal operator contained non-zero imaginary values. Thus it was not self-adjoint.",
        )

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        diag = raw.ExpandDims(conjugated(read(self._diag), adjoint), _LAST)
        return raw.Mul(diag, maybe_adjoint(x, adjoint_arg))

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return raw.Mul(conjugated(read(self._diag), adjoint), x)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        diag = conjugated(read(self._diag), adjoint)
        inverse = raw.ExpandDims(raw.RealDiv(number(1, diag), diag), _LAST)
        return raw.Mul(maybe_adjoint(rhs, adjoint_arg), inverse)

    def _determinant(self) -> Any:
        return reduce_prod(read(self._diag), axis=[-1])

    def _log_abs_determinant(self) -> Any:
        return cast(reduce_sum(raw.Log(magnitude(read(self._diag))), axis=[-1]), self.dtype)

    def _to_dense(self) -> Any:
        return diagonal_matrix(read(self._diag))

    def _diag_part(self) -> Any:
        return read(self._diag)

    def _add_to_tensor(self, x: Any) -> Any:
        return with_diagonal(x, raw.AddV2(read(self._diag), diagonal_of(x)))

    def _eigvals(self) -> Any:
        return read(self._diag)

    def _cond(self) -> Any:
        sizes = magnitude(read(self._diag))
        return raw.RealDiv(reduce_max(sizes, axis=-1), reduce_min(sizes, axis=-1))

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("diag",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"diag": 1}
