"""Operators that are Kronecker products of others."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import shape_of
from tideflow._src.ops.linalg.batches import transposed
from tideflow._src.ops.linalg.operators.arguments import cast, given, grouped, joined, known_sizes, maybe_adjoint
from tideflow._src.ops.linalg.operators.several import (
    OperatorOfSeveral,
    batch_shape_of,
    batch_sizes_of_all,
    inherited,
    listed,
)
from tideflow._src.ops.scopes import name_scope

_LAST = np.int32(-1)
_ANY = np.array([-1], np.int32)


class LinearOperatorKronecker(OperatorOfSeveral):
    """Is the Kronecker product of operators: each element of the first times all of the second, and so on.

    Args:
      operators: the factors, of one dtype.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: see ``LinearOperator``.
      name: the name scope of what the methods build; the names of the operators with ``_x_`` between if None.

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
        self._operators = operators = listed(operators)
        whole = "Kronecker product"
        name = "_x_".join(operator.name for operator in operators) if name is None else name
        with name_scope(name):
            super().__init__(
                operators[0].dtype,
                None,
                inherited(operators, "is_non_singular", is_non_singular, whole),
                inherited(operators, "is_self_adjoint", is_self_adjoint, whole),
                inherited(operators, "is_positive_definite", is_positive_definite, whole),
                is_square,
                name,
                parameters,
            )

    def _shape(self) -> TensorShape:
        rows = reduce(lambda size, operator: size * operator.range_dimension, self.operators, 1)
        columns = reduce(lambda size, operator: size * operator.domain_dimension, self.operators, 1)
        return batch_shape_of(self.operators).concatenate([rows, columns])  # type: ignore[no-any-return]

    def _shape_tensor(self) -> Any:
        sizes = [reduce(lambda size, operator: operator._size(axis) * size, self.operators, 1) for axis in (-2, -1)]
        return joined(batch_sizes_of_all(self.operators), sizes)

    def _with(self, operators: list[Any], **hints: bool | None) -> LinearOperatorKronecker:
        return LinearOperatorKronecker(operators, is_square=True, **hints)

    def _linop_adjoint(self) -> Any:
        operators = [operator.adjoint() for operator in self.operators]
        return LinearOperatorKronecker(
            operators, self.is_non_singular, self.is_self_adjoint, self.is_positive_definite, self.is_square
        )

    def _linop_cholesky(self) -> Any:
        return self._with([operator.cholesky() for operator in self.operators], is_non_singular=True)

    def _linop_inverse(self) -> Any:
        return self._with(
            [operator.inverse() for operator in self.operators],
            is_non_singular=self.is_non_singular,
            is_self_adjoint=self.is_self_adjoint,
            is_positive_definite=self.is_positive_definite,
        )

    def _applied(self, method: str, x: Any, adjoint: bool, adjoint_arg: bool) -> Any:
        """Multiplies or solves with one factor after the other.

        Written out, the elements of a column are those of a tensor with one dimension for each factor; each factor
        acts along its own. The last factor comes first, and what it made is moved behind the dimensions that wait.
        """
        x = maybe_adjoint(x, adjoint_arg)
        sizes = known_sizes(shape_of(x))
        output = transposed(x)  # (..., columns, rows)
        for operator in reversed(self.operators):
            axis = -2 if (method == "matmul") == adjoint else -1
            here = known_sizes(shape_of(output))
            # The rows are all other dimensions, the columns the one that the factor acts along.
            output = raw.Reshape(output, joined(here[:-2], _ANY, [operator._size(axis)]))
            output = getattr(operator, method)(transposed(output), adjoint=adjoint)  # (..., size, others)
        rows = self._size(-1 if (method == "matmul") == adjoint else -2)
        here = known_sizes(shape_of(output))
        return raw.Reshape(output, joined(here[:-2], [rows], sizes[-1:]))

    def _matmul(self, x: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied("matmul", x, adjoint, adjoint_arg)

    def _solve(self, rhs: Any, adjoint: bool = False, adjoint_arg: bool = False) -> Any:
        return self._applied("solve", rhs, adjoint, adjoint_arg)

    def _powers(self) -> list[Any]:
        """Returns how often the determinant of each factor is a factor of the determinant."""
        whole = self._size(-1)
        powers = []
        for operator in self.operators:
            size = operator._size(-1)
            if isinstance(whole, int) and isinstance(size, int):
                powers.append(np.asarray(whole // size if size else 0, self.dtype.as_numpy_dtype))
            else:
                powers.append(raw.Cast(raw.FloorDiv(whole, size), DstT=self.dtype))
        return powers

    def _determinant(self) -> Any:
        terms = [raw.Pow(item.determinant(), power) for item, power in zip(self.operators, self._powers(), strict=True)]
        return reduce(raw.Mul, terms)

    def _log_abs_determinant(self) -> Any:
        terms = []
        for operator, power in zip(self.operators, self._powers(), strict=True):
            logarithm = operator.log_abs_determinant()
            power = power if isinstance(power, np.ndarray) else cast(power, logarithm.dtype)
            terms.append(raw.Mul(logarithm, power))
        return reduce(raw.AddV2, terms)

    def _trace(self) -> Any:
        return reduce(raw.Mul, [operator.trace() for operator in self.operators])

    def _outer(self, vectors: list[Any]) -> Any:
        """Returns all products of one element of each of several vectors, those of the last changing first."""
        result = vectors[0]
        for vector in vectors[1:]:
            result = raw.Mul(raw.ExpandDims(result, _LAST), raw.ExpandDims(vector, np.int32(-2)))
            result = raw.Reshape(result, joined(known_sizes(shape_of(result))[:-2], _ANY))
        return result

    def _diag_part(self) -> Any:
        if all(operator.is_square for operator in self.operators):
            return self._outer([operator.diag_part() for operator in self.operators])
        return super()._diag_part()

    def _eigvals(self) -> Any:
        return self._outer([operator.eigvals() for operator in self.operators])

    def _to_dense(self) -> Any:
        result = self.operators[0].to_dense()
        for operator in self.operators[1:]:
            first = raw.ExpandDims(raw.ExpandDims(result, _LAST), np.int32(-3))
            second = raw.ExpandDims(raw.ExpandDims(operator.to_dense(), np.int32(-2)), np.int32(-4))
            blocks = raw.Mul(first, second)  # (..., rows, rows, columns, columns)
            sizes = known_sizes(shape_of(blocks))
            rows, columns = sizes[-4] * sizes[-3], sizes[-2] * sizes[-1]
            result = raw.Reshape(blocks, joined(sizes[:-4], [rows, columns]))
        return result

    def _check_square(self) -> None:
        if not all(operator.is_square for operator in self.operators):
            raise InvalidArgumentError(
                None, None, "All Kronecker factors must be square: is_square must be True for every operator."
            )

    def _assert_non_singular(self) -> Any:
        self._check_square()
        return grouped([operator.assert_non_singular() for operator in self.operators])

    def _assert_self_adjoint(self) -> Any:
        self._check_square()
        return grouped([operator.assert_self_adjoint() for operator in self.operators])
