"""Operators that are lower triangular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import diagonal_of, lower_triangle, product
from tideflow._src.ops.linalg.operators.arguments import (
    given,
    magnitude,
    maybe_adjoint,
    parameter,
    read,
    require_nonzero,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator, kind
from tideflow._src.ops.linalg.operators.hints import combined_non_singular
from tideflow._src.ops.math.reduction_functions import reduce_prod, reduce_sum
from tideflow._src.ops.scopes import name_scope


class LinearOperatorLowerTriangular(LinearOperator):
    """Is a (batch of) lower triangular matrices.

    Args:
      tril: a tensor or a variable (..., N, N), whose upper triangle is not read.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: ``tril`` has less than two dimensions, or ``is_square`` is False.
    """

    def __init__(
        self,
        tril: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorLowerTriangular",
    ) -> None:
        parameters = given(locals())
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        with name_scope(name, values=[tril]):
            self._tril = parameter(tril, name="tril")
            sizes = known_shape(self._tril)
            if sizes is not None and len(sizes) < 2:
                raise ValueError(f"Argument tril must have at least 2 dimensions. Found: {self._tril}")
            super().__init__(
                self._tril.dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name, parameters
            )

    @property
    def tril(self) -> Any:
        """The matrices, with whatever is above their diagonals."""
        return self._tril

    def _shape(self) -> TensorShape:
        return self._tril.shape  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        return shape_of(read(self._tril))

    def _diagonal(self) -> Any:
        return diagonal_of(read(self._tril))

    def _assert_non_singular(self) -> Any:
        return require_nonzero(self._diagonal(), "Singular operator: Diagonal contained zero values.")

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        if isinstance(right_operator, kind("Diag")):
            columns = raw.ExpandDims(read(right_operator.diag), np.int32(-2))
            return LinearOperatorLowerTriangular(
                raw.Mul(left_operator.to_dense(), columns),
                is_non_singular=combined_non_singular(right_operator, left_operator),
                is_square=True,
            )
        return super()._linop_matmul(left_operator, right_operator)

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return product(lower_triangle(read(self._tril)), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        rhs = maybe_adjoint(rhs, adjoint_arg)
        return raw.MatrixTriangularSolve(lower_triangle(read(self._tril)), rhs, lower=True, adjoint=adjoint)

    def _determinant(self) -> Any:
        return reduce_prod(self._diagonal(), axis=[-1])

    def _log_abs_determinant(self) -> Any:
        return reduce_sum(raw.Log(magnitude(self._diagonal())), axis=[-1])

    def _to_dense(self) -> Any:
        return lower_triangle(read(self._tril))

    def _eigvals(self) -> Any:
        return self._diagonal()

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("tril",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"tril": 2}
