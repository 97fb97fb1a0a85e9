"""Defines ``Dimension``, the size of one axis as TF 1.x shows it: a number that may be unknown."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


def checked_size(value: Any) -> int | None:
    """Returns a size as an ``int``, or ``None`` for an unknown one.

    Raises:
      TypeError: ``value`` is no integer.
      ValueError: ``value`` is negative.
    """
    if value is None:
        return None
    if isinstance(value, Dimension):
        return value._value
    try:
        size = operator.index(value)
    except TypeError:
        raise TypeError(
            "Dimension value must be integer or None or have an __index__ method, got value "
            f"{value!r} with type {type(value)!r}"
        ) from None
    if size < 0:
        raise ValueError(f"Dimension {size} must be >= 0")
    return size


class Dimension:
    """Is the size of one axis, or an unknown size.

    Arithmetic with an unknown size gives an unknown size; a comparison with one gives ``None``. Like
    TensorFlow's, it cannot be hashed.
    """

    __slots__ = ("_value",)

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any) -> None:
        self._value = value if type(value) is int and value >= 0 else checked_size(value)

    @property
    def value(self) -> int | None:
        """The size, or ``None`` if it is unknown."""
        return self._value

    def is_compatible_with(self, other: Any) -> bool:
        """Tells whether this size and ``other`` may be the same: equal, or one of them unknown."""
        size = checked_size(other)
        return self._value is None or size is None or self._value == size

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ``ValueError`` if this size and ``other`` are known to differ."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible")

    def merge_with(self, other: Any) -> Dimension:
        """Returns the known one of this size and ``other``; a ``ValueError`` if they differ."""
        other = as_dimension(other)
        self.assert_is_compatible_with(other)
        return Dimension(other._value if self._value is None else self._value)

    def __repr__(self) -> str:
        return f"Dimension({self._value})"

    def __str__(self) -> str:
        return "?" if self._value is None else str(self._value)

    def __int__(self) -> Any:
        return self._value

    # Lets a known dimension stand in indices, `range` and other places that need an integer.
    def __index__(self) -> Any:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> Any:
        return self._compare(other, operator.eq, strict=False)

    def __ne__(self, other: object) -> Any:
        return self._compare(other, operator.ne, strict=False)

    def __lt__(self, other: Any) -> Any:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._compare(other, operator.ge)

    def _compare(self, other: Any, relation: Callable[[int, int], bool], *, strict: bool = True) -> Any:
        try:
            size = checked_size(other)
        except (TypeError, ValueError):
            if strict:
                raise
            return NotImplemented
        return None if self._value is None or size is None else relation(self._value, size)

    def __add__(self, other: Any) -> Any:
        return self._combine(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._combine(other, operator.sub, reflected=True)

    def __mul__(self, other: Any) -> Any:
        return self._combine(other, operator.mul)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._combine(other, operator.floordiv, reflected=True)

    def __mod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._combine(other, operator.mod, reflected=True)

    def _combine(self, other: Any, operation: Callable[[int, int], int], *, reflected: bool = False) -> Any:
        try:
            size = checked_size(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self._value is None or size is None:
            return Dimension(None)
        return Dimension(operation(size, self._value) if reflected else operation(self._value, size))

    def __truediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: 'Dimension' and '{type(other).__name__}', please use // instead"
        )

    def __rtruediv__(self, other: Any) -> Any:
        raise TypeError(
            f"unsupported operand type(s) for /: '{type(other).__name__}' and 'Dimension', please use // instead"
        )

    __div__ = __truediv__
    __rdiv__ = __rtruediv__

    def __reduce__(self) -> Any:
        return Dimension, (self._value,)


def as_dimension(value: Any) -> Dimension:
    """Returns ``value`` if it is a ``Dimension``, else makes one of it."""
    return value if isinstance(value, Dimension) else Dimension(value)


def dimension_value(dimension: Any) -> Any:
    """Returns the size inside a ``Dimension``; anything else is returned as it is."""
    return dimension._value if isinstance(dimension, Dimension) else dimension
