"""No modules import each other in a circle, and no import inside a function hides one."""

from __future__ import annotations

import ast
from pathlib import Path

import tideflow

PACKAGE = Path(tideflow.__file__).parent


def modules(package: Path) -> dict[str, Path]:
    """Returns the modules of a package by name."""
    found = {}
    for path in package.rglob("*.py"):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str, known: set[str]) -> set[str]:
    """Returns the known modules that a module imports anywhere, but for what only type checkers read."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:  # only statements hold imports
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & known or {node.module})
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)):
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                waiting.extend(getattr(node, part, ()))
    return found & known


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Returns the names along a circle, or nothing if there is none."""
    done: set[str] = set()
    for start in graph:
        path: list[str] = []
        stack = [(start, iter(sorted(graph[start])))] if start not in done else []
        path += [start] if stack else []
        while stack:
            name, rest = stack[-1]
            following = next((item for item in rest if item not in done), None)
            if following is None:
                done.add(name)
                stack.pop()
                path.pop()
            elif following in path:
                return [*path[path.index(following) :], following]
            else:
                path.append(following)
                stack.append((following, iter(sorted(graph[following]))))
    return []


def test_a_circle_is_found() -> None:
    known = {"a", "b", "c", "d"}
    sources = {
        "a": "import b",
        "b": "def f():\n    from c import x",
        "c": "import a",
        "d": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import d\nimport a",
    }
    assert circle({name: imports(source, known) for name, source in sources.items()}) == ["a", "b", "c", "a"]
    sources["b"] = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import c"
    assert circle({name: imports(source, known) for name, source in sources.items()}) == []


def test_there_is_no_circle() -> None:
    found = {name: path for name, path in modules(PACKAGE).items() if "._src" in name}
    known = set(found)
    graph = {name: imports(path.read_text(), known - {name}) for name, path in found.items()}
    assert circle(graph) == []
