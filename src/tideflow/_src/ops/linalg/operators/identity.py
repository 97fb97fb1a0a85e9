"""Operators that are identity matrices."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.linalg.batches import diagonal_of, with_diagonal
from tideflow._src.ops.linalg.operators.arguments import (
    filled,
    given,
    is_known,
    joined,
    maybe_adjoint,
    nothing,
    number,
)
from tideflow._src.ops.linalg.operators.counted import CountedOperator
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


class LinearOperatorIdentity(CountedOperator):
    """Is a (batch of) identity matrices.

    Args:
      num_rows: the number of rows, an integer or a scalar tensor.
      batch_shape: the shape of the batch; without one a product has the batch of what is multiplied.
      dtype: the dtype of the elements; ``float32`` if None.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, all of which are True.
      assert_proper_shapes: whether to check sizes that are not known statically.
      name: the name scope of what the methods build.

    Raises:
      ValueError: a size is negative or no scalar, or a hint is False.
      TypeError: a size is no integer.
    """

    def __init__(
        self,
        num_rows: Any,
        batch_shape: Any = None,
        dtype: Any = None,
        is_non_singular: bool | None = True,
        is_self_adjoint: bool | None = True,
        is_positive_definite: bool | None = True,
        is_square: bool | None = True,
        assert_proper_shapes: bool = False,
        name: str = "LinearOperatorIdentity",
    ) -> None:
        parameters = given(locals())
        for hint, quality in (
            (is_self_adjoint, "self adjoint"),
            (is_non_singular, "non-singular"),
            (is_positive_definite, "positive-definite"),
            (is_square, "square"),
        ):
            if not hint:
                raise ValueError(f"An identity operator is always {quality}.")
        self._assert_proper_shapes = assert_proper_shapes
        with name_scope(name):
            super().__init__(dtypes.as_dtype(dtype or dtypes.float32), None, True, True, True, True, name, parameters)
            self._num_rows = self._read_size(num_rows, "num_rows")
            self._batch_shape_arg = self._read_batch(batch_shape)

    def _shape(self) -> TensorShape:
        size = int(self._num_rows) if is_known(self._num_rows) else None
        return self._static_batch().concatenate([size, size])

    def _shape_tensor(self) -> Any:
        return joined(self._given_batch(), [self._num_rows, self._num_rows])

    def _linop_adjoint(self) -> Any:
        return self

    def _linop_inverse(self) -> Any:
        return self

    def _linop_cholesky(self) -> Any:
        return LinearOperatorIdentity(self._num_rows, self._batch_shape_arg, self.dtype)

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        return right_operator

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        return right_operator

    def _assert_non_singular(self) -> Any:
        return nothing()

    def _assert_positive_definite(self) -> Any:
        return nothing()

    def _assert_self_adjoint(self) -> Any:
        return nothing()

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._broadcast_to_batch(self._with_checked_rows(maybe_adjoint(x, adjoint_arg)))

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def _determinant(self) -> Any:
        return filled(1, self._batch_sizes(), self.dtype)

    def _log_abs_determinant(self) -> Any:
        return filled(0, self._batch_sizes(), self.dtype)

    def _trace(self) -> Any:
        size = self._least_size()
        size = number(size, self) if isinstance(size, int) else raw.Cast(size, DstT=self.dtype)
        return raw.Mul(size, filled(1, self._batch_sizes(), self.dtype))

    def _diag_part(self) -> Any:
        return filled(1, self._diagonal_sizes(), self.dtype)

    def add_to_tensor(self, mat: Any, name: str = "add_to_tensor") -> Any:
        """Adds the identity to the matrices of a tensor."""
        with self._name_scope(name):
            mat = convert_to_tensor(mat, name="mat")
            return with_diagonal(mat, raw.AddV2(diagonal_of(mat), number(1, mat)))

    def _eigvals(self) -> Any:
        return self._diag_part()

    def _cond(self) -> Any:
        return filled(1, self._batch_sizes(), self.dtype)

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "num_rows", "batch_shape", "dtype", "assert_proper_shapes"

    def __getitem__(self, slices: Any) -> Any:
        return LinearOperatorIdentity(**{**self.parameters, "batch_shape": self._sliced_batch(slices)})
