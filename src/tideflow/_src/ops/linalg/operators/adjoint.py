"""Operators that are the adjoints of others."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.linalg.batches import adjoint as adjoint_of
from tideflow._src.ops.linalg.operators.arguments import conjugated, given, joined
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.hints import merged_hints
from tideflow._src.ops.scopes import name_scope


class LinearOperatorAdjoint(LinearOperator):
    """Is the adjoint of another operator.

    Args:
      operator: the other operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build; ``<name of operator>_adjoint`` if None.

    Raises:
      ValueError: a hint contradicts that of the operator.
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
        known = merged_hints(
            operator,
            "adjoint",
            is_square=is_square,
            is_non_singular=is_non_singular,
            is_self_adjoint=is_self_adjoint,
            is_positive_definite=is_positive_definite,
        )
        name = f"{operator.name}_adjoint" if name is None else name
        with name_scope(name):
            super().__init__(operator.dtype, name=name, parameters=parameters, **known)

    @property
    def operator(self) -> Any:
        """The operator whose adjoint this is."""
        return self._operator

    def _linop_adjoint(self) -> Any:
        return self.operator

    def _assert_non_singular(self) -> Any:
        return self.operator.assert_non_singular()

    def _assert_positive_definite(self) -> Any:
        return self.operator.assert_positive_definite()

    def _assert_self_adjoint(self) -> Any:
        return self.operator.assert_self_adjoint()

    def _shape(self) -> TensorShape:
        shape = self.operator.shape
        return shape[:-2].concatenate(shape[-1:]).concatenate(shape[-2:-1])  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        sizes = self.operator._sizes()
        return joined(sizes[:-2], sizes[-1:], sizes[-2:-1])

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _matvec(self, x: Any, adjoint: bool = False) -> Any:
        return self.operator.matvec(x, adjoint=not adjoint)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self.operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solvevec(self, rhs: Any, adjoint: bool = False) -> Any:
        return self.operator.solvevec(rhs, adjoint=not adjoint)

    def _determinant(self) -> Any:
        return conjugated(self.operator.determinant(), not self.is_self_adjoint)

    def _log_abs_determinant(self) -> Any:
        return self.operator.log_abs_determinant()

    def _trace(self) -> Any:
        return conjugated(self.operator.trace(), not self.is_self_adjoint)

    def _to_dense(self) -> Any:
        dense = self.operator.to_dense()
        return dense if self.is_self_adjoint else adjoint_of(dense)

    def _eigvals(self) -> Any:
        return conjugated(self.operator.eigvals(), not self.operator.is_self_adjoint)

    def _cond(self) -> Any:
        return self.operator.cond()

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("operator",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"operator": 0}
