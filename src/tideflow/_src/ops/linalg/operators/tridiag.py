"""Operators that are tridiagonal matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.linalg.batches import adjoint as adjoint_of
from tideflow._src.ops.linalg.batches import diagonal_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_shapes,
    broadcast_sizes,
    conjugated,
    given,
    grouped,
    joined,
    known_sizes,
    maybe_adjoint,
    number,
    parameter,
    read,
    require_equal,
    require_real,
)
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.tridiagonal import moved_down, moved_up
from tideflow._src.ops.scopes import name_scope

_FORMATS = ("compact", "matrix", "sequence")
_BAND = np.array([-1, 1], np.int32)
_LAST = np.int32(-1)


class LinearOperatorTridiag(LinearOperator):
    """Is a (batch of) tridiagonal matrices.

    Args:
      diagonals: tensors or variables. In ``"compact"`` format (..., 3, N): the diagonal above the main one, whose last
        element is not read, the main one, and the one below, whose first element is not read; in ``"sequence"`` format
        these three as a list; in ``"matrix"`` format the matrices (..., N, N).
      diagonals_format: which format it is.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      ValueError: there is no such format.
    """

    def __init__(
        self,
        diagonals: Any,
        diagonals_format: str = "compact",
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorTridiag",
    ) -> None:
        parameters = given(locals())
        if diagonals_format not in _FORMATS:
            raise ValueError(
                "Argument `diagonals_format` must be one of compact, matrix, or sequence. Received: "
                f"{diagonals_format}."
            )
        with name_scope(name, values=[diagonals]):
            if diagonals_format == "sequence":
                self._diagonals: Any = [parameter(item, name=f"diag_{i}") for i, item in enumerate(diagonals)]
                if len(self._diagonals) != 3:
                    raise ValueError(f"Expected diagonals to be a sequence of length 3, got {len(self._diagonals)}.")
                dtype = self._diagonals[0].dtype
            else:
                self._diagonals = parameter(diagonals, name="diagonals")
                dtype = self._diagonals.dtype
            self._diagonals_format = diagonals_format
            super().__init__(
                dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name, parameters
            )

    @property
    def diagonals(self) -> Any:
        """The diagonals, in the format that they were given in."""
        return self._diagonals

    @property
    def diagonals_format(self) -> str:
        """The format of the diagonals."""
        return self._diagonals_format

    def _shape(self) -> TensorShape:
        if self._diagonals_format == "matrix":
            return self._diagonals.shape  # type: ignore[no-any-return]
        if self._diagonals_format == "compact":
            shape = self._diagonals.shape
            return shape[:-2].concatenate(shape[-1:]).concatenate(shape[-1:])  # type: ignore[no-any-return]
        size = self._diagonals[1].shape[-1:]
        batch = broadcast_shapes(*(item.shape[:-1] for item in self._diagonals))
        return batch.concatenate(size).concatenate(size)

    def _shape_tensor(self) -> Any:
        if self._diagonals_format == "sequence":
            sizes = [known_sizes(shape_of(read(item))) for item in self._diagonals]
            batch = broadcast_sizes(*(item[:-1] for item in sizes))
            return joined(batch, sizes[1][-1:], sizes[1][-1:])
        sizes = known_sizes(shape_of(read(self._diagonals)))
        return sizes if self._diagonals_format == "matrix" else joined(sizes[:-2], sizes[-1:], sizes[-1:])

    def _three(self) -> list[Any]:
        """Returns the diagonals above, on and below the main one, (..., N) each."""
        if self._diagonals_format == "sequence":
            above, main, below = (read(item) for item in self._diagonals)
            return [self._padded(above, main, [0, 1]), main, self._padded(below, main, [1, 0])]
        compact = read(self._diagonals)
        if self._diagonals_format == "matrix":
            compact = raw.MatrixDiagPartV3(compact, _BAND, number(0, compact), align="LEFT_RIGHT")
        return raw.Unpack(compact, num=3, axis=-2)  # type: ignore[no-any-return]

    @staticmethod
    def _padded(diagonal: Any, main: Any, where: list[int]) -> Any:
        """Gives a diagonal without the element that is not read that element."""
        sizes, wanted = diagonal.shape.as_list(), main.shape.as_list()
        if sizes[-1] is None or wanted[-1] is None or sizes[-1] == wanted[-1]:
            return diagonal
        return raw.Pad(diagonal, np.array([[0, 0]] * (len(sizes) - 1) + [where], np.int32))

    def _compact(self, adjoint: bool) -> Any:
        above, main, below = self._three()
        if adjoint:
            above, main, below = (conjugated(item) for item in (above, main, below))
            above, below = moved_up(below, -1), moved_down(above, -1)
        if self._diagonals_format == "sequence":
            sizes = broadcast_sizes(*(known_sizes(shape_of(item)) for item in (above, main, below)))
            above, main, below = (raw.BroadcastTo(item, sizes) for item in (above, main, below))
        return raw.Pack([above, main, below], axis=-2)

    def _in_one_batch(self, compact: Any, x: Any) -> tuple[Any, Any]:
        sizes, other = known_sizes(shape_of(compact)), known_sizes(shape_of(x))
        batch = broadcast_sizes(sizes[:-2], other[:-2])
        return raw.BroadcastTo(compact, joined(batch, sizes[-2:])), raw.BroadcastTo(x, joined(batch, other[-2:]))

    def _assert_self_adjoint(self) -> Any:
        if self._diagonals_format == "matrix":
            dense = read(self._diagonals)
            return require_equal(dense, adjoint_of(dense), "Matrix was not equal to its adjoint.")
        above, main, below = self._three()
        message = "This tridiagonal operator has non-conjugate subdiagonal and superdiagonal."
        return grouped(
            [
                require_real(main, "This tridiagonal operator contained non-zero imaginary values on the diagonal."),
                require_equal(conjugated(below[..., 1:]), above[..., :-1], message),
            ]
        )

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        compact, x = self._in_one_batch(self._compact(adjoint), maybe_adjoint(x, adjoint_arg))
        rows = [raw.ExpandDims(item, np.int32(-2)) for item in raw.Unpack(compact, num=3, axis=-2)]
        return raw.TridiagonalMatMul(*rows, x)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        compact, rhs = self._in_one_batch(self._compact(adjoint), maybe_adjoint(rhs, adjoint_arg))
        return raw.TridiagonalSolve(compact, rhs)

    def _diag_part(self) -> Any:
        if self._diagonals_format == "matrix":
            return diagonal_of(read(self._diagonals))
        if self._diagonals_format == "compact":
            return read(self._diagonals)[..., 1, :]
        return raw.BroadcastTo(read(self._diagonals[1]), self._sizes()[:-1])

    def _to_dense(self) -> Any:
        if self._diagonals_format == "matrix":
            return read(self._diagonals)
        compact = self._compact(adjoint=False)
        return raw.MatrixDiagV3(compact, _BAND, _LAST, _LAST, number(0, compact), align="LEFT_RIGHT")

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return "diagonals", "diagonals_format"

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"diagonals": [1, 1, 1] if self._diagonals_format == "sequence" else 2}
