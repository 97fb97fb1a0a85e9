"""Reads and sets the variables that the blocks of a statement share with the function around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CellType, FunctionType
from typing import Any


class _Missing:
    """Stands for the value of a variable that has none."""

    def __repr__(self) -> str:
        return "<undefined>"


#: The value of a variable that has none.
MISSING = _Missing()


class Shared:
    """Is what a statement's blocks may change: variables, and attributes of variables.

    The blocks are functions, and their variables are found where Python keeps them, in the cells of closures.

    Args:
      functions: the blocks.
      names: the variables; those that the code behind the statement needs come first.
      results: how many those are.
      places: attributes, each a function that returns the object, and a name; they all are needed.
    """

    def __init__(
        self,
        functions: Sequence[Any],
        names: Sequence[str],
        results: int,
        places: Sequence[tuple[Callable[[], Any], str]],
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
        self._objects = [(find(), attribute) for find, attribute in places]
        self.names = [*names, *[attribute for _, attribute in self._objects]]
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
        return [*values, *[getattr(item, attribute, MISSING) for item, attribute in self._objects]]

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
        for (item, attribute), value in zip(self._objects, values[count:], strict=True):
            if value is not MISSING:
                setattr(item, attribute, value)
            elif hasattr(item, attribute):
                delattr(item, attribute)


def _clear(cell: CellType) -> None:
    try:
        del cell.cell_contents
    except ValueError:  # it is empty
        return
