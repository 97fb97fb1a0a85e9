"""Plays a deck: runs its cells in order and writes what each printed, as JSON.

    python -m tideflow --v0 play.py deck.txt results.json

It knows nothing of Tideflow: the same file plays a deck on whatever `import tensorflow` gives.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

PROMPT = re.compile(r"(In \[\d+\]|>>>):? ?")
CONTINUATION = re.compile(r"\s*\.{3,}:? ?")
OUTPUT = re.compile(r"Out\[\d+\]: ?")


class Cell(NamedTuple):
    """One input, and the output that the deck shows for it."""

    chapter: str
    slide: str
    source: str
    shown: str


class Deck(NamedTuple):
    """A parsed deck."""

    settings: dict[str, str]
    cells: list[Cell]


def parse(text: str) -> Deck:
    """Reads a deck; its README describes the format."""
    settings = dict(re.findall(r"^# (dialect|numpy): (\S+)$", text, re.MULTILINE))
    cells = []
    for chapter in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        title, _, body = chapter.partition("\n")
        for i, slide in enumerate(re.split(r"^--- ", body, flags=re.MULTILINE)):
            name, _, lines = slide.partition("\n") if i else (title, "", slide)
            cells += [Cell(title, name, source, shown) for source, shown in split_cells(lines.strip("\n"))]
    return Deck(settings, cells)


def split_cells(slide: str) -> Iterator[tuple[str, str]]:
    """Gives source and shown output of each cell of a slide; a slide without prompts is one cell."""
    if not slide.strip():
        return
    lines = slide.splitlines()
    starts = [i for i, line in enumerate(lines) if PROMPT.match(line)]
    if not starts:
        yield slide, ""
        return
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        # The source goes on to the last continuation prompt; slides leave some prompts out in between.
        last = max([start] + [i for i in range(start, end) if CONTINUATION.match(lines[i])])
        source = [PROMPT.sub("", lines[start], count=1)]
        source += [CONTINUATION.sub("", line, count=1) for line in lines[start + 1 : last + 1]]
        shown = "\n".join(OUTPUT.sub("", line, count=1) for line in lines[last + 1 : end])
        yield "\n".join(source), shown.strip("\n")


def run_cell(source: str, names: dict[str, Any]) -> str:
    """Runs a cell; returns what it printed, then its value or its traceback, as a prompt would show them."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            tree = ast.parse(source)
            value = None
            last = tree.body[-1]
            if isinstance(last, ast.Expr):
                tree.body.pop()
            exec(compile(tree, "<cell>", "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            if value is not None:
                print(repr(value))
        except Exception:
            traceback.print_exc(file=printed)
    return printed.getvalue()


def play(deck: Deck) -> list[dict[str, str]]:
    """Runs every cell of a deck, each chapter in a new graph."""
    import numpy as np
    import tensorflow as tf

    if "numpy" in deck.settings:
        np.set_printoptions(legacy=deck.settings["numpy"])
    # What slides use and do not import, or import only for its looks.
    sys.modules.setdefault("seaborn", ModuleType("seaborn"))
    plot = SimpleNamespace(scatter=lambda x, y: None)
    results = []
    for chapter in dict.fromkeys(cell.chapter for cell in deck.cells):
        names: dict[str, Any] = {"__name__": "__main__", "np": np, "tf": tf, "plt": plot}
        graph = contextlib.nullcontext() if deck.settings["dialect"] == "v2" else tf.Graph().as_default()
        with graph:
            for cell in deck.cells:
                if cell.chapter == chapter:
                    results.append({**cell._asdict(), "printed": run_cell(cell.source, names)})
    return results


if __name__ == "__main__":
    deck_path, results_path = sys.argv[1:]
    played = play(parse(Path(deck_path).read_text(encoding="utf-8")))
    Path(results_path).write_text(json.dumps(played, indent=1))
