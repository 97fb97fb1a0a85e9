"""Operators that have others as the blocks of their diagonal, and zeros elsewhere."""

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
)
from tideflow._src.ops.linalg.operators.blocks import BlockOperator
from tideflow._src.ops.linalg.operators.hints import combined_non_singular, hints_of
from tideflow._src.ops.linalg.operators.several import (
    OperatorOfSeveral,
    batch_shape_of,
    batch_sizes_of_all,
    inherited,
    listed,
)
from tideflow._src.ops.scopes import name_scope


class LinearOperatorBlockDiag(BlockOperator, OperatorOfSeveral):
    """Is the direct sum of operators: block diagonal matrices.

    Args:
      operators: the blocks, of one dtype.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build; the names of the operators with ``_ds_`` between if None.

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
        is_square: bool | None = True,
        name: str | None = None,
    ) -> None:
        parameters = given(locals())
        self._operators = self._diagonal_operators = operators = listed(operators)
        name = "_ds_".join(operator.name for operator in operators) if name is None else name
        with name_scope(name):
            super().__init__(
                operators[0].dtype,
                None,
                inherited(operators, "is_non_singular", is_non_singular, "direct sum"),
                inherited(operators, "is_self_adjoint", is_self_adjoint, "direct sum"),
                inherited(operators, "is_positive_definite", is_positive_definite, "direct sum"),
                is_square,
                name,
                parameters,
            )

    def _shape(self) -> TensorShape:
        sizes = [sum(self._block_range_dimensions()), sum(self._block_domain_dimensions())]
        return batch_shape_of(self.operators).concatenate(sizes)  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        sizes = [sum(operator._size(axis) for operator in self.operators) for axis in (-2, -1)]
        return joined(batch_sizes_of_all(self.operators), sizes)

    def _linop_adjoint(self) -> Any:
        hints = {**hints_of(self), "is_square": self.is_square}
        return LinearOperatorBlockDiag([operator.adjoint() for operator in self.operators], **hints)

    def _linop_cholesky(self) -> Any:
        factors = [operator.cholesky() for operator in self.operators]
        return LinearOperatorBlockDiag(factors, is_non_singular=True)

    def _linop_inverse(self) -> Any:
        return LinearOperatorBlockDiag([operator.inverse() for operator in self.operators], **hints_of(self))

    def _blockwise(self, method: str, left: Any, right: Any) -> Any:
        """Multiplies or solves block by block."""
        if len(left.operators) != len(right.operators):
            raise ValueError(
                f"Can not efficiently {method} two `LinearOperatorBlockDiag`s when the number of blocks differs: "
                f"{len(left.operators)} and {len(right.operators)}."
            )
        pairs = zip(left.operators, right.operators, strict=True)
        blocks = [getattr(first, method)(second) for first, second in pairs]
        return LinearOperatorBlockDiag(blocks, is_non_singular=combined_non_singular(left, right))

    def _linop_matmul(self, left_operator: Any, right_operator: Any) -> Any:
        if isinstance(right_operator, LinearOperatorBlockDiag):
            return self._blockwise("matmul", left_operator, right_operator)
        return super()._linop_matmul(left_operator, right_operator)

    def _linop_solve(self, left_operator: Any, right_operator: Any) -> Any:
        if isinstance(right_operator, LinearOperatorBlockDiag):
            return self._blockwise("solve", left_operator, right_operator)
        return super()._linop_solve(left_operator, right_operator)

    def _matmul_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        pairs = zip(self.operators, blocks, strict=True)
        return [operator.matmul(block, adjoint=adjoint, adjoint_arg=adjoint_arg) for operator, block in pairs]

    def _solve_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        pairs = zip(self.operators, blocks, strict=True)
        return [operator.solve(block, adjoint=adjoint, adjoint_arg=adjoint_arg) for operator, block in pairs]

    def _to_dense(self) -> Any:
        blocks = broadcast_batches([operator.to_dense() for operator in self.operators])
        width = self._size(-1)
        before: Any = 0
        rows = []
        for operator, block in zip(self.operators, blocks, strict=True):
            lead = known_sizes(shape_of(block))[:-1]
            after = width - before - operator._size(-1)
            zeros = [filled(0, joined(lead, [count]), self.dtype) for count in (before, after)]
            rows.append(raw.ConcatV2([zeros[0], block, zeros[1]], np.int32(-1)))
            before = before + operator._size(-1)
        return self._stacked(rows)

    def _assert_non_singular(self) -> Any:
        return grouped([operator.assert_non_singular() for operator in self.operators])

    def _assert_self_adjoint(self) -> Any:
        return grouped([operator.assert_self_adjoint() for operator in self.operators])

    def _assert_positive_definite(self) -> Any:
        return grouped([operator.assert_positive_definite() for operator in self.operators])
