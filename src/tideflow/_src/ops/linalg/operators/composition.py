"""Operators that are products of others."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.operators.arguments import given, grouped, joined
from tideflow._src.ops.linalg.operators.hints import is_product_with_adjoint
from tideflow._src.ops.linalg.operators.lower_triangular import LinearOperatorLowerTriangular
from tideflow._src.ops.linalg.operators.several import (
    OperatorOfSeveral,
    batch_shape_of,
    batch_sizes_of_all,
    inherited,
    listed,
)
from tideflow._src.ops.scopes import name_scope


class LinearOperatorComposition(OperatorOfSeveral):
    """Is the product of operators, the last of which is applied first.

    Args:
      operators: the factors, of one dtype.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build; the names of the operators with ``_o_`` between if None.

    Raises:
      TypeError: the dtypes differ.
      ValueError: there are no operators, or a hint contradicts theirs.
    """

    def __init__(
        self,
        operators: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str | None = None,
    ) -> None:
        parameters = given(locals())
        self._operators = listed(operators)
        operators = self._operators
        is_non_singular = inherited(operators, "is_non_singular", is_non_singular, "composition")
        with_adjoint = is_product_with_adjoint(operators)
        if with_adjoint or (len(operators) == 1 and operators[0].is_self_adjoint):
            if is_self_adjoint is False:
                raise ValueError("The composition is self-adjoint, but is_self_adjoint is False.")
            is_self_adjoint = True
        if with_adjoint:
            if is_square is False:
                raise ValueError("The composition has the form A @ A.H, so that it is square, but is_square is False.")
            is_square = True
            if is_non_singular:
                if is_positive_definite is False:
                    raise ValueError(
                        "The composition is non-singular and has the form A @ A.H, so that it is positive definite, "
                        "but is_positive_definite is False."
                    )
                is_positive_definite = True
        name = "_o_".join(operator.name for operator in operators) if name is None else name
        with name_scope(name):
            super().__init__(
                operators[0].dtype,
                None,
                is_non_singular,
                is_self_adjoint,
                is_positive_definite,
                is_square,
                name,
                parameters,
            )

    def _shape(self) -> TensorShape:
        operators = self.operators
        for left, right in itertools.pairwise(operators):
            left.domain_dimension.assert_is_compatible_with(right.range_dimension)
        sizes = [operators[0].range_dimension, operators[-1].domain_dimension]
        return batch_shape_of(operators).concatenate(sizes)  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        operators = self.operators
        return joined(batch_sizes_of_all(operators), [operators[0]._size(-2), operators[-1]._size(-1)])

    def _linop_cholesky(self) -> Any:
        left = self.operators[0]
        is_factored = (
            len(self.operators) == 2
            and is_product_with_adjoint(self.operators)
            and isinstance(left, LinearOperatorLowerTriangular)
        )
        if not is_factored:
            return super()._linop_cholesky()
        if left.is_positive_definite:
            return left
        signs = raw.ExpandDims(raw.Sign(left.diag_part()), np.int32(-2))
        return LinearOperatorLowerTriangular(
            raw.RealDiv(left.to_dense(), signs), is_non_singular=left.is_non_singular, is_square=True
        )

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        for operator in self.operators if adjoint else reversed(self.operators):
            x = operator.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
            adjoint_arg = False
        return x

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        for operator in reversed(self.operators) if adjoint else self.operators:
            rhs = operator.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
            adjoint_arg = False
        return rhs

    def _determinant(self) -> Any:
        result = self.operators[0].determinant()
        for operator in self.operators[1:]:
            result = raw.Mul(result, operator.determinant())
        return result

    def _log_abs_determinant(self) -> Any:
        result = self.operators[0].log_abs_determinant()
        for operator in self.operators[1:]:
            result = raw.AddV2(result, operator.log_abs_determinant())
        return result

    def _assert_non_singular(self) -> Any:
        if all(operator.is_square for operator in self.operators):
            return grouped([operator.assert_non_singular() for operator in self.operators])
        return super()._assert_non_singular()
