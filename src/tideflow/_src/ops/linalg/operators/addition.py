"""Adds linear operators: ``add_operators`` finds the class of the sum that keeps most structure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tideflow._src.ops.linalg.operators.base import LinearOperator
from tideflow._src.ops.linalg.operators.diag import LinearOperatorDiag
from tideflow._src.ops.linalg.operators.full_matrix import LinearOperatorFullMatrix
from tideflow._src.ops.linalg.operators.identity import LinearOperatorIdentity
from tideflow._src.ops.linalg.operators.lower_triangular import LinearOperatorLowerTriangular
from tideflow._src.ops.linalg.operators.scaled_identity import LinearOperatorScaledIdentity

#: What a sum of operators is made of: two operators, the name, and what is known of the sum.
_Sum = Callable[[Any, Any, str, dict[str, Any]], LinearOperator]


def _multiplier(operator: Any) -> Any:
    """Returns by what a multiple of the identity multiplies, for each matrix of its batch."""
    return operator.diag_part()[..., 0]


def _scaled_identity(first: Any, second: Any, name: str, hints: dict[str, Any]) -> LinearOperator:
    return LinearOperatorScaledIdentity(
        first.range_dimension_tensor(), _multiplier(first) + _multiplier(second), name=name, **hints
    )


def _diagonal(first: Any, second: Any, name: str, hints: dict[str, Any]) -> LinearOperator:
    return LinearOperatorDiag(first.diag_part() + second.diag_part(), name=name, **hints)


def _triangular(first: Any, second: Any, name: str, hints: dict[str, Any]) -> LinearOperator:
    dense, other = (first, second) if isinstance(first, LinearOperatorLowerTriangular) else (second, first)
    return LinearOperatorLowerTriangular(other.add_to_tensor(dense.to_dense()), name=name, **hints)


def _full(first: Any, second: Any, name: str, hints: dict[str, Any]) -> LinearOperator:
    structured = isinstance(first, _DIAGONAL_KINDS)
    dense, other = (second, first) if structured else (first, second)
    return LinearOperatorFullMatrix(other.add_to_tensor(dense.to_dense()), name=name, **hints)


_MULTIPLES = (LinearOperatorIdentity, LinearOperatorScaledIdentity)
_DIAGONAL_KINDS = (*_MULTIPLES, LinearOperatorDiag)

#: From the most structure to the least: what both operators must be, and how they are added.
_SUMS: tuple[tuple[tuple[type, ...], _Sum], ...] = (
    (_MULTIPLES, _scaled_identity),
    (_DIAGONAL_KINDS, _diagonal),
    ((*_DIAGONAL_KINDS, LinearOperatorLowerTriangular), _triangular),
    ((LinearOperator,), _full),
)


def add_operators(operators: Iterable[Any], operator_name: str | None = None, name: str | None = None) -> list[Any]:
    """Adds operators, those of most structure first, so that as little as can be becomes dense.

    Args:
      operators: linear operators of one dtype, of the same numbers of rows and columns, with batch shapes that
        broadcast.
      operator_name: the name of the sum.
      name: kept for TensorFlow's signature.

    Returns:
      A list of one operator, the sum, or of the operator itself if there is but one.

    Raises:
      ValueError: there is none, or their dtypes or dimensions differ.
      TypeError: one is no linear operator.
    """
    del name
    left = list(operators)
    if not left:
        raise ValueError(f"Argument `operators` must contain at least one operator. Received: {left}.")
    for operator in left:
        if not isinstance(operator, LinearOperator):
            raise TypeError(f"Argument `operators` must contain only LinearOperator instances. Received: {left}.")
    if len({operator.dtype for operator in left}) > 1:
        shown = ", ".join(f"{operator.name} {operator.dtype.name}" for operator in left)
        raise TypeError(f"Operators must have the same dtype. Found: {shown}.")
    for dimension in ("domain_dimension", "range_dimension"):
        first = getattr(left[0], dimension)
        if not all(first.is_compatible_with(getattr(operator, dimension).value) for operator in left):
            shown = [(operator.name, getattr(operator, dimension).value) for operator in left]
            raise ValueError(f"All `operators` must have the same `{dimension}`. Received: {shown}.")
    for kinds, add in _SUMS:
        alike: list[Any] = [operator for operator in left if isinstance(operator, kinds)]
        if len(alike) < 2:
            continue
        total = alike[0]
        for operator in alike[1:]:
            title = operator_name or f"Add/{total.name}__{operator.name}/"
            total = add(total, operator, title, _hints(total, operator))
        left = [total, *[operator for operator in left if not isinstance(operator, kinds)]]
    return left


def _hints(first: Any, second: Any) -> dict[str, Any]:
    """Returns what is known of a sum: it keeps what both summands are, of these."""
    definite = True if first.is_positive_definite and second.is_positive_definite else None
    adjoint = True if first.is_self_adjoint and second.is_self_adjoint else None
    singular = True if definite and adjoint else None
    return {"is_non_singular": singular, "is_self_adjoint": adjoint, "is_positive_definite": definite}
