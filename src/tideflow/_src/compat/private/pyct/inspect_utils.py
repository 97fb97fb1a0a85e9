"""What functions of Python tell of themselves."""

from __future__ import annotations

import inspect
import types
from typing import Any


def islambda(f: Any) -> bool:
    """Tells whether a function is a lambda expression."""
    return inspect.isfunction(inspect.unwrap(f) if callable(f) else f) and f.__name__ == "<lambda>"


def getfutureimports(entity: Any) -> tuple[str, ...]:
    """Returns what the module of a function imports from ``__future__``."""
    if not (inspect.isfunction(entity) or inspect.ismethod(entity)):
        return ()
    function: Any = inspect.unwrap(getattr(entity, "__func__", entity))
    features = (name for name, value in function.__globals__.items() if getattr(value, "__class__", None) is _Feature)
    return tuple(sorted(features))


def getnamespace(f: Any) -> dict[str, Any]:
    """Returns all that a function can name: the variables of its module and of functions around it."""
    names = dict(f.__globals__)
    for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # it is not assigned yet
            continue
    return names


def isbuiltin(f: Any) -> bool:
    """Tells whether a function is one of Python's own, written in C."""
    return isinstance(f, types.BuiltinFunctionType) or f in (range, zip, enumerate, map, filter)


_Feature = __import__("__future__")._Feature
