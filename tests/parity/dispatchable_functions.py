"""Writes `ops/dispatchable.py`, the table of functions that classes can take over, from what TensorFlow says.

Run it in the folder `tests`, with the oracle's interpreter in `TIDEFLOW_ORACLE_PYTHON`, where a public function is new:

    python -m parity.dispatchable_functions
"""

from __future__ import annotations

import ast
import functools
import sys
import textwrap
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import tideflow
import tideflow.compat.v1

from .oracle import from_environment

TABLE = Path(tideflow.__file__).parent / "_src" / "ops" / "dispatchable.py"

_HEAD = '''"""Names the functions that classes can take over (see :mod:`.dispatch`), by the module that has them.

Made by ``python -m parity.dispatchable_functions`` in the folder ``tests``, which asks TensorFlow. Modules are those
below ``tideflow._src``.
"""

from __future__ import annotations
'''

_KINDS = {
    "U": ("UNARY", "Functions that take each element of one tensor, their first argument."),
    "B": ("BINARY", "Functions that take the elements of two tensors, their first arguments, pair by pair."),
    "A": ("ASSERTIONS", "Assertions on the elements of two tensors, pair by pair."),
    "T": ("OTHERS", "All others."),
}


def here(name: str) -> Any:
    """Returns what has this public name, or None."""
    try:
        return functools.reduce(getattr, name.split("."), tideflow)
    except AttributeError:
        return None


def _places() -> dict[types.FunctionType, list[tuple[str, str]]]:
    """Returns the modules and names of all functions, but for modules that only import them."""
    places: dict[types.FunctionType, list[tuple[str, str]]] = defaultdict(list)
    for module in [name for name in sorted(sys.modules) if name.startswith("tideflow._src.")]:
        imported = {
            alias.asname or alias.name
            for node in ast.walk(ast.parse(Path(sys.modules[module].__file__ or "").read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for name, value in vars(sys.modules[module]).items():
            if isinstance(value, types.FunctionType) and name not in imported:
                places[value].append((module.removeprefix("tideflow._src."), name))
    return places


def table(of_tensorflow: dict[str, str]) -> str:
    """Returns the text of the table, given the public names of functions that support dispatch in TensorFlow."""
    found: dict[types.FunctionType, str] = {}
    for name, kinds in of_tensorflow.items():
        function = here(name)
        if isinstance(function, types.FunctionType):
            found[function] = found.get(function, "") + kinds
    places = _places()
    tables: dict[str, dict[str, list[str]]] = {kind: defaultdict(list) for kind in _KINDS}
    for function, kinds in found.items():
        module, name = min(places[function], key=lambda place: (place[1] != function.__name__, place))
        tables[next(kind for kind in _KINDS if kind in kinds)][module].append(name)
    parts = [_HEAD]
    for kind, (name, meaning) in _KINDS.items():
        parts.append(f"#: {meaning}\n{name} = {{")
        for module in sorted(tables[kind]):
            names = textwrap.fill(
                " ".join(sorted(tables[kind][module])), 120, initial_indent=" " * 8, subsequent_indent=" " * 8
            )
            one_line = f'    "{module}": "{names.strip()}",'
            parts.append(one_line if len(one_line) <= 120 else f'    "{module}": """\n{names}\n    """,')
        parts.append("}\n")
    parts.append("TABLES = (UNARY, BINARY, ASSERTIONS, OTHERS)\n")
    return "\n".join(parts)


if __name__ == "__main__":
    with from_environment() as oracle:
        TABLE.write_text(table(oracle.ask("dispatchable")))
