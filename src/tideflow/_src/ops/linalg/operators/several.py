"""What operators that are made of a list of operators share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.ops.linalg.operators.arguments import broadcast_shapes, broadcast_sizes
from tideflow._src.ops.linalg.operators.base import LinearOperator


def listed(operators: Any) -> list[Any]:
    """Returns the operators as a list, all of one dtype.

    Raises:
      TypeError: it is no list, or the dtypes differ.
      ValueError: there are none.
    """
    if not isinstance(operators, list | tuple):
        raise TypeError(f"Expected an iterable of operators. Found: {operators!r}")
    result = list(operators)
    if not result:
        raise ValueError(f"Expected a non-empty list of operators. Found: {result}")
    if any(operator.dtype != result[0].dtype for operator in result):
        found = "   ".join(f"({operator.name}, {operator.dtype.name})" for operator in result)
        raise TypeError(f"Expected all operators to have the same dtype. Found {found}")
    return result


def inherited(operators: Sequence[Any], hint: str, given: bool | None, whole: str) -> bool | None:
    """Returns a hint that holds of the whole if it holds of all parts.

    Raises:
      ValueError: it does, but the caller says that it does not.
    """
    if not all(getattr(operator, hint) for operator in operators):
        return given
    if given is False:
        quality = hint.removeprefix("is_").replace("_", "-")
        raise ValueError(f"The {whole} of {quality} operators is always {quality}, but {hint} is False.")
    return True


def batch_shape_of(operators: Sequence[Any]) -> Any:
    """Returns the static shape that the batches of operators broadcast to."""
    return broadcast_shapes(*(operator.batch_shape for operator in operators))


def batch_sizes_of_all(operators: Sequence[Any]) -> Any:
    """Returns the sizes that the batches of operators broadcast to."""
    return broadcast_sizes(*(operator._batch_sizes() for operator in operators))


class OperatorOfSeveral(LinearOperator):
    """Is an operator that is made of a list of operators."""

    _operators: list[Any]

    @property
    def operators(self) -> list[Any]:
        """The operators that this one is made of."""
        return self._operators

    @property
    def _composite_tensor_fields(self) -> tuple[str, ...]:
        return ("operators",)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self) -> dict[str, Any]:
        return {"operators": [0] * len(self.operators)}
