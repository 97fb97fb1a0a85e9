"""Tells which calls cannot meet a tensor, so that Python runs them as they are, at its own speed."""

from __future__ import annotations

import builtins
import dis
from collections.abc import Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

_SCALARS = frozenset((int, float, complex, bool, str, bytes, type(None), range, slice, type(Ellipsis)))
_SEQUENCES = frozenset((list, tuple, set, frozenset))
#: Modules that make no tensors of what is none.
_MODULES = frozenset(
    ("math", "cmath", "itertools", "operator", "random", "string", "re", "functools", "collections", "numpy")
)
#: Functions that reach what the code does not name.
_REACHING = frozenset(("eval", "exec", "globals", "vars", "locals", "getattr", "__import__", "open", "input"))
_LARGEST, _DEEPEST = 1000, 5


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tells whether a value holds no tensor, and nothing that could give one; of large or deep ones it says no."""
    kind = value.__class__
    if kind in _SCALARS:
        return True
    if kind is np.ndarray:
        return value.dtype != object
    if kind in _SEQUENCES or kind is dict:
        if len(value) > _LARGEST or depth > _DEEPEST:
            return False
        items = (*value, *value.values()) if kind is dict else value
        return all(is_plain(item, depth + 1) for item in items)
    return isinstance(value, np.generic)


def all_plain(values: Iterable[Any]) -> bool:
    """Tells whether no value holds a tensor, or could give one."""
    return all(value.__class__ in _SCALARS or is_plain(value) for value in values)


class Names:
    """Is what the code of a function refers to outside of itself, and what the functions refer to that it calls.

    Args:
      function: the function.
      under_way: the code that this is being found out for already.

    Attributes:
      tell_no_tensors: whether all of it is free of tensors at the moment.
    """

    def __init__(self, function: FunctionType, under_way: frozenset[CodeType] = frozenset()) -> None:
        under_way |= {function.__code__}
        self._globals = function.__globals__
        self._values: list[tuple[str, Any]] = []
        self._inner: list[Names] = []
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        self.tell_no_tensors = (
            not function.__closure__ and all_plain(defaults) and self._are_harmless(function, under_way)
        )

    def _are_harmless(self, function: FunctionType, under_way: frozenset[CodeType]) -> bool:
        for name in sorted(_global_names(function.__code__)):
            value = self._globals.get(name, builtins.__dict__.get(name, _absent))
            if not _is_harmless(value, name):
                return False
            self._values.append((name, value))
            if isinstance(value, FunctionType) and value.__code__ not in under_way:
                self._inner.append(Names(value, under_way))
                if not self._inner[-1].tell_no_tensors:
                    return False
        return True

    def unchanged(self) -> bool:
        """Tells whether the names still mean what they meant."""
        get = self._globals.get
        for name, value in self._values:
            if get(name, value) is not value:
                return False
        return all(names.unchanged() for names in self._inner)


_absent = object()


def _global_names(code: CodeType) -> set[str]:
    found: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
            found.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            found.add("__import__")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _global_names(constant)
    return found


def _is_harmless(value: Any, name: str) -> bool:
    if name in _REACHING:
        return False
    if isinstance(value, ModuleType):
        return value.__name__ in _MODULES
    if isinstance(value, BuiltinFunctionType):
        return (value.__module__ or "") in ("builtins", "math", "cmath", "operator", "time")
    if isinstance(value, type):
        return value.__module__ == "builtins"
    return isinstance(value, FunctionType) or value.__class__ in _SCALARS
