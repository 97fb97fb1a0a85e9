"""Derives what is known of a product of operators from what is known of its factors."""

from __future__ import annotations

from typing import Any


def combined_square(left: Any, right: Any) -> bool | None:
    """Tells whether a product is square; None if that is not known."""
    if left.is_square and right.is_square:
        return True
    if left.is_square is False and right.is_square is False:
        rows, columns = left.range_dimension.value, right.domain_dimension.value
        return None if rows is None or columns is None else rows == columns
    if None not in (left.is_square, right.is_square):
        return False
    return None


def combined_non_singular(left: Any, right: Any) -> bool | None:
    """Tells whether a product is regular; None if that is not known."""
    if left.is_non_singular is False or right.is_non_singular is False:
        return False
    return left.is_non_singular and right.is_non_singular  # type: ignore[no-any-return]


def commuting(left: Any, right: Any) -> dict[str, bool | None]:
    """Returns the hints for the product of two square operators that commute."""
    both = left.is_self_adjoint, right.is_self_adjoint
    positive = left.is_positive_definite is True and right.is_positive_definite is True
    return {
        "is_non_singular": combined_non_singular(left, right),
        "is_self_adjoint": True if all(both) else (False if set(both) == {True, False} else None),
        "is_positive_definite": True if positive and both == (True, True) else None,
        "is_square": True,
    }


def product_hints(left: Any, right: Any) -> dict[str, bool | None]:
    """Returns the hints for the product of any two operators."""
    square = combined_square(left, right)
    if square is False:
        return dict.fromkeys(("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square"), False)
    return {"is_non_singular": combined_non_singular(left, right) if square else None, "is_square": square}


def hints_of(operator: Any) -> dict[str, bool | None]:
    """Returns the hints of an operator, which its adjoint and its inverse share."""
    return {
        "is_non_singular": operator.is_non_singular,
        "is_self_adjoint": operator.is_self_adjoint,
        "is_positive_definite": operator.is_positive_definite,
        "is_square": True,
    }


def merged_hints(operator: Any, derived: str, **given: bool | None) -> dict[str, bool | None]:
    """Returns the hints of the adjoint or the inverse of an operator.

    Args:
      operator: the operator.
      derived: what is made of it, for messages.
      **given: the hints that the caller gives.

    Raises:
      ValueError: a hint contradicts that of the operator.
    """
    result = {}
    for hint, value in given.items():
        known = getattr(operator, hint)
        if known is not None and value is not None and bool(known) != bool(value):
            quality = hint.removeprefix("is_").replace("_", "-")
            raise ValueError(
                f"An operator is {quality} if and only if its {derived} is {quality}, but the hint is {hint}={value} "
                f"and the operator has {hint}={known}."
            )
        result[hint] = known if known is not None else value
    return result


def is_adjoint_pair(left: Any, right: Any) -> bool:
    """Tells whether one operator is known to be the adjoint of the other."""
    if left is right and left.is_self_adjoint is not None:
        return bool(left.is_self_adjoint)
    return left.H is right or right.H is left


def is_product_with_adjoint(operators: Any) -> bool:
    """Tells whether a product is known to have the form ``A @ A.H``."""
    count = len(operators)
    return count % 2 == 0 and all(is_adjoint_pair(operators[i], operators[-1 - i]) for i in range(count // 2))
