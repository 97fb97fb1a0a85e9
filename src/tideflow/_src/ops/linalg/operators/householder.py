"""Operators that reflect vectors: Householder's matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import diagonal_of, product, with_diagonal
from tideflow._src.ops.linalg.operators.arguments import (
    conjugated,
    filled,
    given,
    joined,
    maybe_adjoint,
    nothing,
    number,
    parameter,
    read,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.nn.moments import l2_normalize
from tideflow._src.ops.scopes import name_scope

_LAST = np.int32(-1)


class LinearOperatorHouseholder(LinearOperator):
    """Is a (batch of) reflections ``I - 2 v v^H``, where ``v`` is a vector of length 1.

    Args:
      reflection_axis: the vectors (..., N), of any length but 0: a tensor or a variable.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: ``reflection_axis`` is a scalar, or a hint is wrong.
    """

    def __init__(
        self,
        reflection_axis: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorHouseholder",
    ) -> None:
        parameters = given(locals())
        with name_scope(name, values=[reflection_axis]):
            self._reflection_axis = parameter(reflection_axis, name="reflection_axis")
            sizes = known_shape(self._reflection_axis)
            if sizes is not None and not sizes:
                raise ValueError(
                    f"Argument reflection_axis must have at least 1 dimension. Found: {self._reflection_axis}"
                )
            if is_self_adjoint is False:
                raise ValueError("A Householder operator is always self adjoint.")
            if is_positive_definite is True:
                raise ValueError("A Householder operator is always non-positive definite.")
            if is_square is False:
                raise ValueError("A Householder operator is always square.")
            super().__init__(self._reflection_axis.dtype, None, is_non_singular, True, False, True, name, parameters)

    @property
    def reflection_axis(self) -> Any:
        """The vectors that are turned round."""
        return self._reflection_axis

    def _shape(self) -> TensorShape:
        shape = self._reflection_axis.shape
        return shape.concatenate(shape[-1:])

    def _shape_tensor(self) -> Any:
        sizes = shape_of(read(self._reflection_axis))
        return joined(sizes, sizes[-1:])

    def _axis(self) -> Any:
        return l2_normalize(read(self._reflection_axis), axis=-1)

    def _assert_non_singular(self) -> Any:
        return nothing()

    def _assert_positive_definite(self) -> Any:
        raise InvalidArgumentError(None, None, "Householder operators are always non-positive definite.")

    def _assert_self_adjoint(self) -> Any:
        return nothing()

    def _linop_adjoint(self) -> Any:
        return self

    def _linop_inverse(self) -> Any:
        return self

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = maybe_adjoint(x, adjoint_arg)
        column = raw.ExpandDims(self._axis(), _LAST)
        along = product(column, x, adjoint_a=True)
        return raw.Sub(x, raw.Mul(raw.Mul(number(2, x), column), along))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _trace(self) -> Any:
        size = self._size(-1)
        size = (
            number(size - 2, self) if isinstance(size, int) else raw.Cast(raw.Sub(size, np.int32(2)), DstT=self.dtype)
        )
        return raw.Mul(size, filled(1, self._batch_sizes(), self.dtype))

    def _determinant(self) -> Any:
        return filled(-1, self._batch_sizes(), self.dtype)

    def _log_abs_determinant(self) -> Any:
        return filled(0, self._batch_sizes(), self.dtype)

    def _to_dense(self) -> Any:
        column = raw.ExpandDims(self._axis(), _LAST)
        matrix = raw.Mul(number(-2, column), product(column, column, adjoint_b=True))
        return with_diagonal(matrix, raw.AddV2(number(1, matrix), diagonal_of(matrix)))

    def _diag_part(self) -> Any:
        axis = self._axis()
        return raw.Sub(number(1, axis), raw.Mul(raw.Mul(number(2, axis), axis), conjugated(axis)))

    def _eigvals(self) -> Any:
        sizes = shape_of(read(self._reflection_axis))
        others = sizes[-1:] - np.int32(1)
        minus = filled(-1, joined(sizes[:-1], np.array([1], np.int32)), self.dtype)
        return raw.ConcatV2([minus, filled(1, joined(sizes[:-1], others), self.dtype)], _LAST)

    def _cond(self) -> Any:
        return filled(1, self._batch_sizes(), self.dtype)

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("reflection_axis",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"reflection_axis": 1}
