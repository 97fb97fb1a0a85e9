"""Operators that are the inverses of others."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.operators.arguments import given, number
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.hints import merged_hints
from tideflow._src.ops.scopes import name_scope


class LinearOperatorInversion(LinearOperator):
    """Is the inverse of another operator: its products are solutions with the other.

    Args:
      operator: the other operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build; ``<name of operator>_inv`` if None.

    Raises:
      ValueError: the operator is known to be singular or not square, or a hint contradicts that of the operator.
    """

    def __init__(
        self,
        operator: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        parameters = given(locals())
        self._operator = operator
        for hint, value in (("is_non_singular", is_non_singular), ("is_square", is_square)):
            if value is False or getattr(operator, hint) is False:
                raise ValueError(
                    f"Argument `{hint}` and the operator's hint must be True or None to invert it. Found "
                    f"`operator.{hint}`: {getattr(operator, hint)}, `{hint}`: {value}."
                )
        known = merged_hints(
            operator,
            "inverse",
            is_square=is_square,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
        )
        name = f"{operator.name}_inv" if name is None else name
        with name_scope(name):
            super().__init__(operator.dtype, name=name, parameters=parameters, **known)

    @property
    def operator(self) -> Any:
        """The operator whose inverse this is."""
        return self._operator

    def _linop_inverse(self) -> Any:
        return self.operator

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        return left_operator.operator.matmul(right_operator)

    def _assert_non_singular(self) -> Any:
        return self.operator.assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        return self.operator.assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        return self.operator.assert_self_adjoint()

    def _shape(self) -> TensorShape:
        return self.operator.shape  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        return self.operator._sizes()

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self) -> Any:
        determinant = self.operator.determinant()
        return raw.RealDiv(number(1, determinant), determinant)

    def _log_abs_determinant(self) -> Any:
        return raw.Neg(self.operator.log_abs_determinant())

    def _eigvals(self) -> Any:
        values = self.operator.eigvals()
        return raw.RealDiv(number(1, values), values)

    def _cond(self) -> Any:
        return self.operator.cond()

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("operator",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"operator": 0}
