"""Lists the callables of a public namespace with their parameters. Both sides import it, so it needs only Python.

A *signature* is a list of `(name, kind, default)`: the kind as `inspect` counts it, the default written by `repr` if
it is None, a boolean, a number or a string, and `"..."` otherwise.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

Parameter = tuple[str, int, str | None]

# Namespaces that are no part of TensorFlow proper, or that later issues of their own bring.
_OUTSIDE = (
    "keras",
    "estimator",
    "compat",
    "__internal__",
    "__operators__",
    "raw_ops",
    "tools",
    "python",
    "core",
    "lite",
)

_NAMELESS = {int(inspect.Parameter.VAR_POSITIONAL): "*", int(inspect.Parameter.VAR_KEYWORD): "**"}


def callables(root: Any, path: str = "", depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Yields the dotted names of the functions and classes below a namespace, and these."""
    try:
        names = dir(root)
    except ImportError:  # it loads when it is looked into, and needs what is not installed
        return
    for name in names:
        if name.startswith("_") or name in _OUTSIDE:
            continue
        try:
            value = getattr(root, name)
        except Exception:  # a module that needs what is not installed
            continue
        if isinstance(value, types.ModuleType):
            if depth:
                yield from callables(value, f"{path}{name}.", depth - 1)
        elif callable(value):
            yield path + name, value


def signature(value: Any) -> list[Parameter] | None:
    """Returns the parameters of a callable, without `self`; None where Python cannot tell."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(_NAMELESS.get(int(item.kind), item.name), int(item.kind), _default(item.default)) for item in parameters]


def _default(value: Any) -> str | None:
    if value is inspect.Parameter.empty:
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return "..."
