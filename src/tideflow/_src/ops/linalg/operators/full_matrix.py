"""Operators that are given by all their elements."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.batches import product
from tideflow._src.ops.linalg.operators.arguments import given, parameter, read
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.scopes import name_scope

_ALLOWED = (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128)


class LinearOperatorFullMatrix(LinearOperator):
    """Wraps a (batch of) matrices.

    Args:
      matrix: a tensor or a variable (..., M, N), floating or complex.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      TypeError: the dtype is none that there are operators of.
      ValueError: ``matrix`` has less than two dimensions.
    """

    def __init__(
        self,
        matrix: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorFullMatrix",
    ) -> None:
        parameters = given(locals())
        with name_scope(name, values=[matrix]):
            self._matrix = parameter(matrix, name="matrix")
            dtype = self._matrix.dtype.base_dtype
            if dtype not in _ALLOWED:
                raise TypeError(
                    f"Argument `matrix` must have dtype in {[item.name for item in _ALLOWED]}. Received: {dtype}."
                )
            sizes = known_shape(self._matrix)
            if sizes is not None and len(sizes) < 2:
                raise ValueError(f"Argument `matrix` must have at least 2 dimensions. Received: {self._matrix}.")
            super().__init__(
                dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name, parameters
            )

    @property
    def matrix(self) -> Any:
        """The matrices."""
        return self._matrix

    def _shape(self) -> TensorShape:
        return self._matrix.shape  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        return shape_of(read(self._matrix))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return product(read(self._matrix), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self) -> Any:
        return read(self._matrix)

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("matrix",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"matrix": 2}
