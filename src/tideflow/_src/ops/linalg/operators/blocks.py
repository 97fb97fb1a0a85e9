"""What operators that are made of blocks share: arguments that come in blocks, and results that go out in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.linalg.operators.arguments import broadcast_batches, check_size, joined
from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.runtime.convert import convert_to_tensor

_LAST = np.int32(-1)


class BlockOperator(LinearOperator):
    """Is an operator with square or other blocks on its diagonal.

    A product or a solution takes a tensor, or a list of tensors, one for each block, and gives the same.
    """

    _diagonal_operators: list[Any]

    def _block_range_dimensions(self) -> list[Any]:
        return [operator.range_dimension for operator in self._diagonal_operators]

    def _block_domain_dimensions(self) -> list[Any]:
        return [operator.domain_dimension for operator in self._diagonal_operators]

    def _matmul_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        raise NotImplementedError("_matmul_blocks is not implemented.")

    def _solve_blocks(self, blocks: list[Any], adjoint: bool, adjoint_arg: bool) -> list[Any]:
        raise NotImplementedError("_solve_blocks is not implemented.")

    # Arguments.

    def _is_blockwise(self, value: Any, sizes: Sequence[int | None], axis: int) -> bool:
        """Tells whether an argument is a list with one tensor for each block.

        Raises:
          ValueError: it is a list of rows of numbers that fits neither way, or both.
        """
        if not isinstance(value, list | tuple) or len(value) != len(sizes):
            return False
        if not any(isinstance(item, list | tuple) for item in value):
            return True
        found = [known_shape(convert_to_tensor(item))[axis] for item in value]  # type: ignore[index]
        if all(size is None for size in sizes):
            if len(found) == 1:
                return False
            if any(size != found[0] for size in found):
                return True
            raise ValueError(
                "Parsing of the input structure is ambiguous. Please input a blockwise iterable of `Tensor`s or a "
                "single `Tensor`."
            )
        if all(size in (None, other) for size, other in zip(sizes, found, strict=True)):
            return True
        least = sum(size for size in sizes if size is not None)
        if all(size == found[0] for size in found) and (found[0] or 0) >= least:
            return False
        raise ValueError(f"Input dimension does not match operator dimension: blocks of {list(sizes)}, got {found}.")

    def _read_blocks(self, value: Any, axis: int, operator_axis: int) -> tuple[list[Any], bool]:
        """Returns an argument in blocks, and whether it came so.

        Args:
          value: the argument.
          axis: the axis along which it is cut.
          operator_axis: the axis of the operator whose sizes the blocks have.
        """
        sizes = [operator._static_size(operator_axis) for operator in self._diagonal_operators]
        if self._is_blockwise(value, sizes, axis):
            blocks = []
            for block, size in zip(value, sizes, strict=True):
                if not isinstance(block, LinearOperator):
                    block = self._argument(block, "x")
                    check_size(size, block, axis)
                blocks.append(block)
            return blocks, True
        tensor = self._argument(value, "x")
        check_size(None if None in sizes else sum(sizes), tensor, axis)  # type: ignore[arg-type]
        if len(sizes) == 1:
            return [tensor], False
        lengths = joined([operator._size(operator_axis) for operator in self._diagonal_operators])
        return list(raw.SplitV(tensor, lengths, np.int32(axis), num_split=len(sizes))), False

    def _stacked(self, blocks: list[Any]) -> Any:
        """Puts the matrices of blocks below each other."""
        blocks = broadcast_batches(blocks)
        return blocks[0] if len(blocks) == 1 else raw.ConcatV2(blocks, np.int32(-2))

    def _applied(
        self, action: Callable[..., list[Any]], value: Any, adjoint: bool, adjoint_arg: bool, operator_axis: int
    ) -> Any:
        blocks, blockwise = self._read_blocks(value, -1 if adjoint_arg else -2, operator_axis)
        result = action(blocks, adjoint, adjoint_arg)
        return result if blockwise else self._stacked(result)

    def _applied_to_vectors(self, action: Any, value: Any, adjoint: bool, operator_axis: int) -> Any:
        blocks, blockwise = self._read_blocks(value, -1, operator_axis)
        result = action([raw.ExpandDims(block, _LAST) for block in blocks], adjoint, False)
        if blockwise:
            return [raw.Squeeze(block, squeeze_dims=[-1]) for block in result]
        return raw.Squeeze(self._stacked(result), squeeze_dims=[-1])

    # Products and solutions.

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied(self._matmul_blocks, x, adjoint, adjoint_arg, -2 if adjoint else -1)

    def matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "matmul") -> Any:
        """Multiplies the operator with matrices, with a list of them for its blocks, or with another operator.

        Args:
          x: a tensor (..., N, R), a list with a tensor for each block, or an operator.
          adjoint: whether to multiply with the adjoint of the operator.
          adjoint_arg: whether to use the adjoint of ``x``.
          name: the name scope of the nodes.

        Returns:
          A tensor (..., M, R), a list, or an operator.
        """
        if isinstance(x, LinearOperator):
            return super().matmul(x, adjoint, adjoint_arg, name)
        with self._name_scope(name):
            return self._matmul(x, adjoint, adjoint_arg)

    def matvec(self, x: Any, adjoint: bool = False, name: str = "matvec") -> Any:
        """Multiplies the operator with vectors (..., N), or with a list of them for its blocks."""
        with self._name_scope(name):
            return self._applied_to_vectors(self._matmul_blocks, x, adjoint, -2 if adjoint else -1)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied(self._solve_blocks, rhs, adjoint, adjoint_arg, -1 if adjoint else -2)

    def solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False, name: str = "solve") -> Any:
        """Solves ``A X = rhs`` for matrices, a list of them for the blocks, or an operator.

        Raises:
          NotImplementedError: the operator is known to be singular or not square.
        """
        if isinstance(rhs, LinearOperator):
            return super().solve(rhs, adjoint, adjoint_arg, name)
        self._check_solvable()
        with self._name_scope(name):
            return self._solve(rhs, adjoint, adjoint_arg)

    def solvevec(self, rhs: Any, adjoint: bool = False, name: str = "solve") -> Any:
        """Solves ``A x = rhs`` for vectors (..., M), or a list of them for the blocks."""
        self._check_solvable()
        with self._name_scope(name):
            return self._applied_to_vectors(self._solve_blocks, rhs, adjoint, -1 if adjoint else -2)

    # What the blocks on the diagonal tell.

    def _require_square_blocks(self, what: str) -> None:
        if not all(operator.is_square for operator in self._diagonal_operators):
            raise NotImplementedError(f"`{what}` not implemented for an operator whose blocks are not square.")

    def _chained(self, vectors: list[Tensor]) -> Any:
        """Puts vectors one after another, their batches broadcast."""
        columns = [raw.ExpandDims(vector, _LAST) for vector in vectors]
        return raw.Squeeze(self._stacked(columns), squeeze_dims=[-1])

    def _diag_part(self) -> Any:
        self._require_square_blocks("diag_part")
        return self._chained([operator.diag_part() for operator in self._diagonal_operators])

    def _eigvals(self) -> Any:
        self._require_square_blocks("eigvals")
        return self._chained([operator.eigvals() for operator in self._diagonal_operators])

    def _combined(self, method: str, operation: Any) -> Any:
        first, *others = self._diagonal_operators
        result = getattr(first, method)()
        for operator in others:
            result = operation(result, getattr(operator, method)())
        return result

    def _trace(self) -> Any:
        self._require_square_blocks("trace")
        return self._combined("trace", raw.AddV2)

    def _determinant(self) -> Any:
        return self._combined("determinant", raw.Mul)

    def _log_abs_determinant(self) -> Any:
        return self._combined("log_abs_determinant", raw.AddV2)
