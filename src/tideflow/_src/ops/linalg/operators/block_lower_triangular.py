"""Operators that have others as blocks on and below their diagonal, and zeros above it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.linalg.operators.arguments import (
    broadcast_batches,
    filled,
    given,
    grouped,
    joined,
    known_sizes,
    maybe_adjoint,
)
from tideflow._src.ops.linalg.operators.blocks import BlockOperator
from tideflow._src.ops.linalg.operators.full_matrix import LinearOperatorFullMatrix
from tideflow._src.ops.linalg.operators.hints import hints_of
from tideflow._src.ops.linalg.operators.several import batch_shape_of, batch_sizes_of_all, listed
from tideflow._src.ops.scopes import name_scope


class LinearOperatorBlockLowerTriangular(BlockOperator):
    """Is a block lower triangular matrix of operators.

    Args:
      operators: the rows of blocks, row ``i`` a list of ``i + 1`` operators; those on the diagonal are square.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build.

    Raises:
      TypeError: the dtypes differ.
      ValueError: the numbers or sizes of the blocks do not fit, or a hint contradicts theirs.
    """

    def __init__(
        self,
        operators: Any,
        is_non_singular: bool | None = None,
        is_self_adjoint: bool | None = None,
        is_positive_definite: bool | None = None,
        is_square: bool | None = None,
        name: str = "LinearOperatorBlockLowerTriangular",
    ) -> None:
        parameters = given(locals())
        rows = [list(row) if isinstance(row, list | tuple) else listed(row) for row in operators]
        blocks = listed([block for row in rows for block in row])
        self._operators = rows
        for count, row in enumerate(rows, 1):
            if len(row) != count:
                raise ValueError(
                    f"Argument `operators[{count - 1}]` must contain `{count}` blocks. Received: {len(row)} blocks."
                )
        self._diagonal_operators = [row[-1] for row in rows]
        self._check_sizes()
        if is_square is False:
            raise ValueError("`LinearOperatorBlockLowerTriangular` must be square, but is_square is False.")
        for count, operator in enumerate(self._diagonal_operators):
            if operator.is_square is False:
                raise ValueError(
                    f"Matrices on the diagonal must be square, but `operators[{count}][-1].is_square` is False."
                )
        with name_scope(name):
            super().__init__(
                blocks[0].dtype,
                None,
                self._regularity(is_non_singular),
                is_self_adjoint,
                is_positive_definite,
                True,
                name,
                parameters,
            )

    def _check_sizes(self) -> None:
        for i, row in enumerate(self._operators):
            for j, block in enumerate(row[:-1]):
                above, right = self._operators[i - 1][j], row[j + 1]
                for axis, what, other, place in (
                    (-1, "domain", above, f"[{i - 1}][{j}]"),
                    (-2, "range", right, f"[{i}][{j + 1}]"),
                ):
                    sizes = block._static_size(axis), other._static_size(axis)
                    if None not in sizes and sizes[0] != sizes[1]:
                        raise ValueError(
                            f"Argument `operators[{i}][{j}].{what}_dimension` ({sizes[0]}) must be the same as "
                            f"`operators{place}.{what}_dimension` ({sizes[1]})."
                        )

    def _regularity(self, hint: bool | None) -> bool | None:
        known = [operator.is_non_singular for operator in self._diagonal_operators]
        if all(known):
            if hint is False:
                raise ValueError("With non-singular operators on the diagonal, is_non_singular must not be False.")
            return True
        if False in known:
            if hint:
                raise ValueError("With a singular operator on the diagonal, is_non_singular must not be True.")
            return False
        return hint

    @property
    def operators(self) -> list[list[Any]]:
        """The rows of blocks."""
        return self._operators

    def _all_blocks(self) -> list[Any]:
        return [block for row in self._operators for block in row]

    def _shape(self) -> TensorShape:
        sizes = [sum(self._block_range_dimensions()), sum(self._block_domain_dimensions())]
        return batch_shape_of(self._all_blocks()).concatenate(sizes)  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        sizes = [sum(operator._size(axis) for operator in self._diagonal_operators) for axis in (-2, -1)]
        return joined(batch_sizes_of_all(self._all_blocks()), sizes)

    def _linop_inverse(self) -> Any:
        """Inverts row by row: what is left of the diagonal is minus its inverse times the row times those above."""
        rows: list[list[Any]] = []
        for i, row in enumerate(self._operators):
            last = row[-1].inverse()
            blocks = []
            for j in range(i):
                total = row[j].matmul(rows[j][j].to_dense())
                for k in range(j + 1, i):
                    total = raw.AddV2(total, row[k].matmul(rows[k][j].to_dense()))
                blocks.append(LinearOperatorFullMatrix(raw.Neg(last.matmul(total))))
            rows.append([*blocks, last])
        return LinearOperatorBlockLowerTriangular(rows, **hints_of(self))

    def _matmul_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        count = len(self._operators)
        result = []
        for i in range(count):
            # The adjoint has the blocks of a column where the operator has those of a row.
            used = (
                [(self._operators[k][i], k) for k in range(i, count)]
                if adjoint
                else [(block, k) for k, block in enumerate(self._operators[i])]
            )
            terms = [block.matmul(blocks[k], adjoint=adjoint, adjoint_arg=adjoint_arg) for block, k in used]
            total = terms[0]
            for term in terms[1:]:
                total = raw.AddV2(total, term)
            result.append(total)
        return result

    def _solve_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        count = len(self._operators)
        blocks = [maybe_adjoint(block, adjoint_arg) for block in blocks]
        solution: list[Any] = [None] * count
        for i in reversed(range(count)) if adjoint else range(count):
            right = blocks[i]
            for k in range(i + 1, count) if adjoint else range(i):
                block = self._operators[k][i] if adjoint else self._operators[i][k]
                right = raw.Sub(right, block.matmul(solution[k], adjoint=adjoint))
            solution[i] = self._diagonal_operators[i].solve(right, adjoint=adjoint)
        return solution

    def _to_dense(self) -> Any:
        blocks = iter(broadcast_batches([block.to_dense() for block in self._all_blocks()]))
        width = self._size(-1)
        before: Any = 0
        rows = []
        for row in self._operators:
            dense = [next(blocks) for _ in row]
            before = before + row[-1]._size(-1)
            lead = known_sizes(shape_of(dense[0]))[:-1]
            dense.append(filled(0, joined(lead, [width - before]), self.dtype))
            rows.append(raw.ConcatV2(dense, np.int32(-1)))
        return self._stacked(rows)

    def _assert_non_singular(self) -> Any:
        return grouped([operator.assert_non_singular() for operator in self._diagonal_operators])

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("operators",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"operators": [[0] * len(row) for row in self._operators]}
