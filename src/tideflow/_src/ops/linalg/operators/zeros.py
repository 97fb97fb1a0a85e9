"""Operators that are matrices of zeros."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_sizes,
    filled,
    given,
    is_known,
    joined,
    known_sizes,
    maybe_adjoint,
    nothing,
)
from tideflow._src.ops.linalg.operators.counted import CountedOperator
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


class LinearOperatorZeros(CountedOperator):
    """Is a (batch of) matrices of zeros.

    Args:
      num_rows: the number of rows, an integer or a scalar tensor.
      num_columns: the number of columns; that of the rows if None.
      batch_shape: the shape of the batch; without one a product has the batch of what is multiplied.
      dtype: the dtype of the elements; ``float32`` if None.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      assert_proper_shapes: whether to check sizes that are not known statically.
      name: the name scope of what the methods build.

    Raises:
      ValueError: a size is negative or no scalar, or a hint is wrong.
      TypeError: a size is no integer.
    """

    def __init__(
        self,
        num_rows: Any,
        num_columns: Any = None,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = False,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = False,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorZeros",
    ) -> None:
        parameters = given(locals())
        self._assert_proper_shapes = assert_proper_shapes
        if not is_self_adjoint and is_square:
            raise ValueError("A zero operator is always self adjoint.")
        if is_non_singular:
            raise ValueError("A zero operator is always singular.")
        if is_positive_definite:
            raise ValueError("A zero operator is always not positive-definite.")
        with name_scope(name):
            super().__init__(
                dtypes.as_dtype(dtype or dtypes.float32),
                None,
                is_non_singular,
                is_self_adjoint,
                is_positive_definite,
                is_square,
                name,
                parameters,
            )
            self._num_rows = self._read_size(num_rows, "num_rows")
            self._num_columns = self._read_size(num_rows if num_columns is None else num_columns, "num_columns")
            if is_square and is_known(self._num_rows) and is_known(self._num_columns):
                rows, columns = int(self._num_rows), int(self._num_columns)
                if rows != columns:
                    raise ValueError(
                        f"LinearOperatorZeros initialized as is_square=True, but got num_rows({rows}) != "
                        f"num_columns({columns})"
                    )
            self._batch_shape_arg = self._read_batch(batch_shape)

    def _shape(self) -> TensorShape:
        sizes = [int(item) if is_known(item) else None for item in (self._num_rows, self._num_columns)]
        return self._static_batch().concatenate(sizes)

    def _shape_tensor(self) -> Any:
        return joined(self._given_batch(), [self._num_rows, self._num_columns])

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        if not left_operator.is_square or not right_operator.is_square:
            raise ValueError("Matmul with non-square `LinearOperatorZeros` or operators is not supported.")
        return left_operator

    def _assert_non_singular(self) -> Any:
        raise InvalidArgumentError(None, None, "Zero operators are always non-invertible.")

    def _assert_positive_definite(self) -> Any:
        raise InvalidArgumentError(None, None, "Zero operators are always non-positive definite.")

    def _assert_self_adjoint(self) -> Any:
        return nothing()

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        if self._assert_proper_shapes:
            x, adjoint_arg = self._with_checked_rows(maybe_adjoint(x, adjoint_arg)), False
        sizes = known_sizes(shape_of(x))
        batch = broadcast_sizes(known_sizes(sizes[:-2]), known_sizes(self._given_batch()))
        rows = self._size(-1 if adjoint else -2)
        return filled(0, joined(batch, [rows, sizes[-2] if adjoint_arg else sizes[-1]]), self.dtype)

    def _determinant(self) -> Any:
        return filled(0, self._batch_sizes(), self.dtype)

    def _trace(self) -> Any:
        return filled(0, self._batch_sizes(), self.dtype)

    def _to_dense(self) -> Any:
        return filled(0, self._sizes(), self.dtype)

    def _diag_part(self) -> Any:
        return filled(0, self._diagonal_sizes(), self.dtype)

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Any:
        """Returns the matrices of a tensor, broadcast to the batch of the operator."""
        with self._name_scope(name):
            return self._broadcast_to_batch(convert_to_tensor(mat, name="mat"))

    def _eigvals(self) -> Any:
        return self._diag_part()

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "num_rows", "num_columns", "batch_shape", "dtype", "assert_proper_shapes"

    def __getitem__(self, slices: Any) -> Any:
        return LinearOperatorZeros(**{**self.parameters, "batch_shape": self._sliced_batch(slices)})
