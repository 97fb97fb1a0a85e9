"""Reads and sets the variables that the blocks of a statement share with the function around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CellType, FunctionType
from typing import Any, NamedTuple

#: An attribute or item: as the program writes it, what returns the object, what returns the name or key, and whether it
#: is an item.
Place = tuple[str, Callable[[], Any], Callable[[], Any], bool]


class _Missing:
    """Stands for the value of a variable that has none."""

    def __repr__(self) -> str:
        return "<undefined>"


#: The value of a variable that has none.
MISSING = _Missing()


class Shared:
    """Is what a statement's blocks may change: variables, and attributes and items of variables.

    The blocks are functions, and their variables are found where Python keeps them, in the cells of closures.

    Args:
      functions: the blocks.
      names: the variables; those that the code behind the statement needs come first.
      results: how many those are.
      places: attributes and items; they all are needed.
    """

    def __init__(
        self,
        functions: Sequence[Any],
        names: Sequence[str],
        results: int,
        places: Sequence[Place],
    ) -> None:
        cells: dict[str, CellType] = {}
        for function in functions:
            if isinstance(function, FunctionType):
                cells.update(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        module = functions[0].__globals__
        self._slots: list[tuple[Any, str]] = []
        for name in names:
            cell = cells.get(name)
            self._slots.append((module, name) if cell is None else (cell, ""))
        self._objects = [
            _Item(find(), key()) if is_item else _Attribute(find(), key()) for _, find, key, is_item in places
        ]
        self.names = [*names, *[name for name, *_ in places]]
        #: Of each variable, whether the code behind the statement needs it.
        self.is_result = [*[index < results for index in range(len(names))], *[True] * len(self._objects)]

    def get(self) -> list[Any]:
        """Returns the values; MISSING where there is none."""
        values = []
        for holder, name in self._slots:
            if isinstance(holder, CellType):
                try:
                    values.append(holder.cell_contents)
                except ValueError:
                    values.append(MISSING)
            else:
                values.append(holder.get(name, MISSING))
        return [*values, *[item.get() for item in self._objects]]

    def set(self, values: Sequence[Any]) -> None:
        """Gives every variable its value, or takes it."""
        count = len(self._slots)
        for (holder, name), value in zip(self._slots, values[:count], strict=True):
            if isinstance(holder, CellType):
                if value is MISSING:
                    _clear(holder)
                else:
                    holder.cell_contents = value
            elif value is MISSING:
                holder.pop(name, None)
            else:
                holder[name] = value
        for item, value in zip(self._objects, values[count:], strict=True):
            item.set(value)


class _Attribute(NamedTuple):
    """Is an attribute of an object."""

    owner: Any
    name: str

    def get(self) -> Any:
        """Returns its value; MISSING if there is none."""
        return getattr(self.owner, self.name, MISSING)

    def set(self, value: Any) -> None:
        """Gives it a value, or takes it."""
        if value is not MISSING:
            setattr(self.owner, self.name, value)
        elif hasattr(self.owner, self.name):
            delattr(self.owner, self.name)


class _Item(NamedTuple):
    """Is an item of a list, a dictionary or the like."""

    owner: Any
    key: Any

    def get(self) -> Any:
        """Returns its value; MISSING if there is none."""
        try:
            return self.owner[self.key]
        except (LookupError, TypeError):
            return MISSING

    def set(self, value: Any) -> None:
        """Gives it a value, or takes it."""
        if value is not MISSING:
            if self.get() is not value:
                self.owner[self.key] = value
        elif self.get() is not MISSING:
            del self.owner[self.key]


def _clear(cell: CellType) -> None:
    try:
        del cell.cell_contents
    except ValueError:  # it is empty
        return
