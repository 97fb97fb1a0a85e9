"""Reading running stages in blocks, and what parts of tables look like as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.ops.data.elements import Element, concatenate, rows
from tideflow._src.ops.data.stage import RowTable, Running


def fill(running: Running, count: int) -> list[Any] | None:
    """Returns the next ``count`` elements of a running stage that has blocks, or what is left, or None at the end."""
    block = running.next_block(count)
    if block is None:
        return None
    found = len(block[0])
    if found == count:
        return block
    blocks = [block]
    while found < count:
        block = running.next_block(count - found)
        if block is None:
            break
        found += len(block[0])
        blocks.append(block)
    return concatenate(blocks)


class Singles:
    """Reads a running stage element by element, from blocks where it has them.

    Args:
      running: the stage.
      most: how many elements a block has at most; they are ahead of the reader.
    """

    def __init__(self, running: Running, most: int = 64) -> None:
        self.running = running
        self._most = most
        self._ahead: list[Element] = []
        if not running.has_blocks:
            self.next = running.next  # type: ignore[method-assign]

    def next(self) -> Element | None:
        """Returns the next element, or None at the end."""
        ahead = self._ahead
        if not ahead:
            block = self.running.next_block(self._most)
            if block is None:
                return None
            ahead.extend(reversed(rows(block)))
        return ahead.pop()

    def save(self) -> Any:
        """Returns the position."""
        return self.running.save(), list(reversed(self._ahead))

    def restore(self, position: Any) -> None:
        """Goes to a position."""
        inner, ahead = position
        self.running.restore(inner)
        self._ahead = list(reversed(ahead))


class Reading(Running):
    """Reads one input element by element; its position is that of the input, unless a subclass adds to it.

    Args:
      source: the input.
    """

    def __init__(self, source: Running) -> None:
        self._running = source
        self._source = Singles(source)

    def save(self) -> Any:
        return self._source.save()

    def restore(self, position: Any) -> None:
        self._source.restore(position)

    def close(self) -> None:
        self._running.close()


class PartOfTable(RowTable):
    """Is some rows of a table: those that a slice with a positive step takes."""

    def __init__(self, table: RowTable, start: int, stop: int, step: int = 1) -> None:
        self._table = table
        self._range = range(table.length)[start:stop:step]
        self.length = len(self._range)

    def take(self, indices: Any) -> list[Any]:
        return self._table.take(self._range.start + np.asarray(indices, np.int64) * self._range.step)

    def slice(self, start: int, stop: int) -> list[Any]:
        part = self._range[start:stop]
        if part.step == 1 or not part:
            return self._table.slice(part.start, part.start + len(part))
        return [stacked[:: part.step] for stacked in self._table.slice(part.start, part[-1] + 1)]


class Beside(RowTable):
    """Is the rows of several tables side by side, as many as the shortest has."""

    def __init__(self, tables: Sequence[RowTable]) -> None:
        self._tables = tables
        self.length = min(table.length for table in tables)

    def take(self, indices: Any) -> list[Any]:
        return [stacked for table in self._tables for stacked in table.take(indices)]

    def slice(self, start: int, stop: int) -> list[Any]:
        return [stacked for table in self._tables for stacked in table.slice(start, stop)]
