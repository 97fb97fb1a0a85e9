"""Counters and gauges that programs set for those who watch them: nobody reads these."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class _Cell(Generic[_T]):
    """Holds one value."""

    def __init__(self, value: _T) -> None:
        self._value = value

    def value(self) -> _T:
        """Returns the value."""
        return self._value

    def set(self, value: _T) -> None:
        """Sets the value."""
        self._value = value


class _CountedCell(_Cell[int]):
    """Holds a count."""

    def increase_by(self, value: int) -> None:
        """Adds to the count."""
        self._value += value


class _Metric:
    """Has a cell for each combination of labels.

    Args:
      name: the metric's name.
      description: what it is.
      labels: the names of its labels.
    """

    _cell: Any = _Cell
    _first: Any = None

    def __init__(self, name: str, description: str, *labels: str) -> None:
        self.name, self.description, self.labels = name, description, labels
        self._cells: dict[tuple[str, ...], Any] = {}

    def get_cell(self, *labels: str) -> Any:
        """Returns the cell for values of the labels."""
        if labels not in self._cells:
            self._cells[labels] = self._cell(self._first)
        return self._cells[labels]


class Counter(_Metric):
    """Counts up."""

    _cell, _first = _CountedCell, 0


class IntGauge(_Metric):
    """Tells an integer."""

    _first = 0


class BoolGauge(_Metric):
    """Tells a truth value."""

    _first = False


class StringGauge(_Metric):
    """Tells a text."""

    _first = ""
