"""Operators that are Toeplitz matrices: constant along each diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, shape_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_shapes,
    broadcast_sizes,
    cast,
    filled,
    given,
    joined,
    known_sizes,
    maybe_adjoint,
    number,
    parameter,
    read,
    require_equal,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.circulant import LinearOperatorCirculant
from tideflow._src.ops.scopes import name_scope

_LAST = np.int32(-1)


class LinearOperatorToeplitz(LinearOperator):
    """Is a (batch of) square Toeplitz matrices, given by first columns and first rows.

    Products embed the matrix in a circulant one of twice the size, which the Fourier transform makes diagonal.

    Args:
      col: the first columns, (..., N): a tensor or a variable.
      row: the first rows, (..., N), whose first element is not read in products.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: the sizes differ, or a hint is wrong.
    """

    def __init__(
        self,
        col: Any,
        row: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorToeplitz",
    ) -> None:
        parameters = given(locals())
        with name_scope(name, values=[row, col]):
            self._row = parameter(row, name="row")
            self._col = parameter(col, name="col")
            lengths = []
            for argument, value in (("row", self._row), ("col", self._col)):
                sizes = known_shape(value)
                if sizes is not None and not sizes:
                    raise ValueError(f"Argument {argument} must have at least 1 dimension. Found: {value}")
                lengths.append(None if sizes is None else sizes[-1])
            if None not in lengths and lengths[0] != lengths[1]:
                raise ValueError(
                    f"Expected square matrix, got row and col with mismatched dimensions {lengths[0]} and {lengths[1]}."
                )
            if is_square is False:
                raise ValueError("Only square Toeplitz operators currently supported.")
            super().__init__(
                self._row.dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, True, name, parameters
            )

    @property
    def col(self) -> Any:
        """The first columns."""
        return self._col

    @property
    def row(self) -> Any:
        """The first rows."""
        return self._row

    def _shape(self) -> TensorShape:
        vectors = broadcast_shapes(self._row.shape, self._col.shape)
        return vectors.concatenate(vectors[-1:])

    def _vector_sizes(self) -> Any:
        return broadcast_sizes(*(known_sizes(shape_of(read(item))) for item in (self._row, self._col)))

    def _shape_tensor(self) -> Any:
        sizes = self._vector_sizes()
        return joined(sizes, sizes[-1:])

    def _vectors(self) -> tuple[Any, Any]:
        """Returns the first rows and columns, both of the whole batch."""
        sizes = self._vector_sizes()
        return raw.BroadcastTo(read(self._row), sizes), raw.BroadcastTo(read(self._col), sizes)

    def _assert_self_adjoint(self) -> Any:
        return require_equal(
            read(self._row), read(self._col), "row and col are not the same, and so this operator is not self-adjoint."
        )

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        x = maybe_adjoint(x, adjoint_arg)
        row, col = self._vectors()
        around = raw.ConcatV2(
            [col, raw.ZerosLike(col[..., :1]), raw.ReverseV2(row[..., 1:], np.array([-1], np.int32))], _LAST
        )
        wide = row.dtype in (dtypes.float64, dtypes.complex128)
        spectrum = raw.FFT(raw.Cast(around, DstT=dtypes.complex128 if wide else dtypes.complex64))
        circulant = LinearOperatorCirculant(spectrum, input_output_dtype=row.dtype)
        doubled = raw.ConcatV2([x, raw.ZerosLike(x)], np.int32(-2))
        size = known_sizes(shape_of(x))[-2]
        size = int(size) if isinstance(size, np.integer) else size
        return cast(circulant.matmul(doubled, adjoint=adjoint)[..., :size, :], self.dtype)

    def _trace(self) -> Any:
        size = self._size(-1)
        size = number(size, self) if isinstance(size, int) else raw.Cast(size, DstT=self.dtype)
        return raw.Mul(size, read(self._col)[..., 0])

    def _diag_part(self) -> Any:
        return raw.Mul(read(self._col)[..., :1], filled(1, joined([self._size(-1)]), self.dtype))

    def _to_dense(self) -> Any:
        row, col = self._vectors()
        elements = raw.ConcatV2([raw.ReverseV2(col, np.array([-1], np.int32)), row[..., 1:]], _LAST)
        size = self._size(-1)
        if isinstance(size, int):
            numbers = np.arange(size, dtype=np.int32)
            return raw.GatherV2(elements, numbers[None, :] + numbers[::-1, None], _LAST)
        numbers = raw.Range(np.int32(0), size, np.int32(1))
        backwards = raw.ReverseV2(numbers, np.array([0], np.int32))
        return raw.GatherV2(elements, raw.AddV2(numbers, raw.ExpandDims(backwards, _LAST)), _LAST)

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "col", "row"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"col": 1, "row": 1}
