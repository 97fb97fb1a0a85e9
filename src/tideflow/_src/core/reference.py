"""Hashable stand-ins for objects, equal if they stand for the same one."""

from __future__ import annotations

from typing import Any


class Wrapper:
    """Is an object as a key: equal to itself alone."""

    __slots__ = ("_wrapped", "__weakref__")

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    @property
    def unwrapped(self) -> Any:
        """The object."""
        return self._wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapper) and self.unwrapped is other.unwrapped

    def __hash__(self) -> int:
        return id(self._wrapped)

    def __lt__(self, other: Wrapper) -> bool:  # an order, so that they can be keys of what is sorted
        return id(self.unwrapped) < id(other.unwrapped) if isinstance(other, Wrapper) else NotImplemented

    def __repr__(self) -> str:
        return f"<{type(self).__name__} wrapping {self.unwrapped!r}>"


class Reference(Wrapper):
    """Is a hashable stand-in for a tensor or variable: two are equal if they refer to the same object."""

    __slots__ = ()

    def deref(self) -> Any:
        """Returns the object."""
        return self.unwrapped
