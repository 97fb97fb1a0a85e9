"""Decorators of TensorFlow's own code that other packages use: under ``tensorflow.python.util``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import contextmanager as contextmanager
from typing import Any


def make_decorator(
    target: Callable[..., Any],
    decorator_func: Callable[..., Any],
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Callable[..., Any]:
    """Returns ``decorator_func`` with the name, documentation and attributes of the function that it wraps."""
    del decorator_name, decorator_doc, decorator_argspec
    return functools.update_wrapper(decorator_func, target)


def unwrap(maybe_tf_decorator: Any) -> tuple[list[Any], Any]:
    """Returns the decorators around a function, the outermost first, and the function itself."""
    around: list[Any] = []
    function = maybe_tf_decorator
    while hasattr(function, "__wrapped__"):
        around.append(function)
        function = function.__wrapped__
    return around, function


def rewrap(decorator_func: Any, previous_target: Any, new_target: Any) -> Any:
    """Puts another function into a chain of decorators, in the place of one that is in it."""
    if decorator_func is previous_target:
        return new_target
    function = decorator_func
    while getattr(function, "__wrapped__", previous_target) is not previous_target:
        function = function.__wrapped__
    function.__wrapped__ = new_target
    return decorator_func


#: What was exported, and the names under which it was.
_EXPORTED: dict[str, Any] = {}
_NAMES_OF: dict[int, str] = {}


class _Export:
    """Decorates what TensorFlow puts into its public namespace: it stays as it is."""

    def __init__(self, *names: str, v1: Any = None, allow_multiple_exports: bool = True) -> None:
        self._names = names
        del v1, allow_multiple_exports

    def __call__(self, function: Any) -> Any:
        for name in self._names:
            _EXPORTED[name] = function
        if self._names:
            _NAMES_OF[id(function)] = self._names[0]
        return function

    def export_constant(self, module_name: str, name: str) -> None:
        """Exports a constant of a module; it stays where it is."""
        del module_name, name


tf_export = keras_export = _Export


def get_canonical_name_for_symbol(
    symbol: Any, api_name: str = "tensorflow", add_prefix_to_v1_names: bool = False
) -> str | None:
    """Returns the first name under which a function or class was exported, or None."""
    del api_name, add_prefix_to_v1_names
    return _NAMES_OF.get(id(unwrap(symbol)[1]), _NAMES_OF.get(id(symbol)))


def get_symbol_from_name(name: str) -> Any:
    """Returns what was exported under a name, or None."""
    return _EXPORTED.get(name)


def add_dispatch_support(target: Any = None, iterable_parameters: Any = None) -> Any:
    """Decorates a function that other types may bring their own implementation for; it stays as it is."""
    del iterable_parameters
    return target if target is not None else lambda function: function
