"""Defines ``Table``, and how one is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

#: How many rows of one table are kept: a file may name more things than anyone reads.
MOST_ROWS = 10_000
_MOST_CHARACTERS = 100


class Table(NamedTuple):
    """Is a table: a title, the names of its columns, and the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def facts(title: str, pairs: Iterable[tuple[str, Any]]) -> Table:
    """Returns a table of names and values, without those that are missing."""
    return Table(title, (), [(name, value) for name, value in pairs if value not in (None, "")])


def shape_text(sizes: Iterable[int]) -> str:
    """Returns a shape as text: ``(2, ?)``."""
    return f"({', '.join('?' if size < 0 else str(size) for size in sizes)})"


def printed(tables: Iterable[Table]) -> str:
    """Returns tables as text: columns below their names, as wide as they need to be."""
    lines: list[str] = []
    for table in tables:
        if lines:
            lines.append("")
        lines.append(table.title)
        shown = [[_cell(each) for each in row] for row in table.rows[:MOST_ROWS]]
        header = [list(table.columns)] if table.columns else []
        if not shown:
            lines.append("  (none)")
            continue
        widths = [max(map(len, column)) for column in zip(*header, *shown, strict=True)]
        for row in header + shown:
            lines.append("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if len(table.rows) > MOST_ROWS:
            lines.append(f"  ... and {len(table.rows) - MOST_ROWS} more")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """Returns a value as text in one line, without what would change a terminal."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    text = "".join(each if each.isprintable() else "?" for each in text[: _MOST_CHARACTERS + 1])
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."
