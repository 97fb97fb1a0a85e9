"""Operators that are multiples of identity matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.linalg.batches import diagonal_of, for_each_matrix, with_diagonal
from tideflow._src.ops.linalg.operators.arguments import (
    conjugated,
    filled,
    given,
    is_known,
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
from tideflow._src.ops.linalg.operators.base import kind
from tideflow._src.ops.linalg.operators.counted import CountedOperator
from tideflow._src.ops.linalg.operators.hints import commuting, hints_of
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_LAST = np.int32(-1)


class LinearOperatorScaledIdentity(CountedOperator):
    """Is a (batch of) identity matrices, each multiplied with a number.

    Args:
      num_rows: the number of rows, an integer or a scalar tensor.
      multiplier: the factors, a tensor or a variable whose shape is that of the batch.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      assert_proper_shapes: whether to check sizes that are not known statically.
      name: the name scope of what the methods build.

    Raises:
      ValueError: ``num_rows`` is negative or no scalar, or a hint is wrong.
      TypeError: ``num_rows`` is no integer.
    """

    def __init__(
        self,
        num_rows: Any,
        multiplier: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorScaledIdentity",
    ) -> None:
        parameters = given(locals())
        self._assert_proper_shapes = assert_proper_shapes
        with name_scope(name, values=[multiplier, num_rows]):
            self._multiplier = parameter(multiplier, name="multiplier")
            if not self._multiplier.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError("A real diagonal operator is always self adjoint.")
                is_self_adjoint = True
            if not is_square:
                raise ValueError("A ScaledIdentity operator is always square.")
            dtype = self._multiplier.dtype.base_dtype
            super().__init__(
                dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name, parameters
            )
            self._num_rows = self._read_size(num_rows, "num_rows")

    @property
    def multiplier(self) -> Any:
        """The factors."""
        return self._multiplier

    def _shape(self) -> TensorShape:
        size = int(self._num_rows) if is_known(self._num_rows) else None
        return self._multiplier.shape.concatenate([size, size])  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        return joined(shape_of(read(self._multiplier)), [self._num_rows, self._num_rows])

    def _assert_non_singular(self) -> Any:
        return require_nonzero(read(self._multiplier), "LinearOperator was singular")

    def _assert_positive_definite(self) -> Any:
        return require_positive(read(self._multiplier), "LinearOperator was not positive definite.")

    def _assert_self_adjoint(self) -> Any:
        return require_real(read(self._multiplier), "LinearOperator was not self-adjoint")

    def _linop_adjoint(self) -> Any:
        return LinearOperatorScaledIdentity(self._num_rows, conjugated(read(self._multiplier)), **hints_of(self))

    def _linop_cholesky(self) -> Any:
        return LinearOperatorScaledIdentity(self._num_rows, raw.Sqrt(read(self._multiplier)), True, True, True)

    def _linop_inverse(self) -> Any:
        multiplier = read(self._multiplier)
        inverse = raw.RealDiv(number(1, multiplier), multiplier)
        return LinearOperatorScaledIdentity(self._num_rows, inverse, **hints_of(self))

    def _combined(self, operation: Any, left: Any, right: Any) -> Any:
        """Multiplies two operators, or divides the second by the first, if the result is diagonal; else None."""
        hints = commuting(left, right)
        first = read(left.multiplier)
        if isinstance(right, LinearOperatorScaledIdentity):
            return LinearOperatorScaledIdentity(left._num_rows, operation(read(right.multiplier), first), **hints)
        if isinstance(right, kind("Diag")):
            diag = operation(read(right.diag), raw.ExpandDims(first, _LAST))
            return kind("Diag")(diag, **hints)
        return None

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        combined = self._combined(raw.Mul, left_operator, right_operator)
        return super()._linop_matmul(left_operator, right_operator) if combined is None else combined

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        combined = self._combined(raw.RealDiv, left_operator, right_operator)
        return super()._linop_solve(left_operator, right_operator) if combined is None else combined

    def _factor(self, conjugate: bool) -> Any:
        return for_each_matrix(conjugated(read(self._multiplier), conjugate))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return raw.Mul(self._with_checked_rows(maybe_adjoint(x, adjoint_arg)), self._factor(adjoint))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return raw.RealDiv(self._with_checked_rows(maybe_adjoint(rhs, adjoint_arg)), self._factor(adjoint))

    def _rows_as(self, dtype: Any) -> Any:
        if is_known(self._num_rows):
            return np.asarray(self._num_rows, dtype.as_numpy_dtype)
        return raw.Cast(self._num_rows, DstT=dtype)

    def _determinant(self) -> Any:
        return raw.Pow(read(self._multiplier), self._rows_as(self.dtype))

    def _log_abs_determinant(self) -> Any:
        logarithm = raw.Log(magnitude(read(self._multiplier)))
        return raw.Mul(self._rows_as(logarithm.dtype), logarithm)

    def _trace(self) -> Any:
        return raw.Mul(read(self._multiplier), self._rows_as(self.dtype))

    def _diag_part(self) -> Any:
        ones = filled(1, self._diagonal_sizes(), self.dtype)
        return raw.Mul(ones, raw.ExpandDims(read(self._multiplier), _LAST))

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Any:
        """Adds the multiples of the identity to the matrices of a tensor."""
        with self._name_scope(name):
            mat = convert_to_tensor(mat, name="mat")
            return with_diagonal(mat, raw.AddV2(diagonal_of(mat), raw.ExpandDims(read(self._multiplier), _LAST)))

    def _eigvals(self) -> Any:
        return self._diag_part()

    def _cond(self) -> Any:
        multiplier = read(self._multiplier)
        unknown = raw.Fill(shape_of(multiplier), number(np.nan, self))
        return raw.SelectV2(raw.Equal(multiplier, number(0, self)), unknown, raw.OnesLike(multiplier))

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "num_rows", "multiplier", "assert_proper_shapes"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"multiplier": 0}
