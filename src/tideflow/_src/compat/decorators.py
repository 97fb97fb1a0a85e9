"""Decorators of TensorFlow's own code that other packages use: under ``tensorflow.python.util``."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from contextlib import contextmanager as contextmanager
from typing import Any


class TFDecorator:
    """Says what a decorator is and what it is around; what has a state is derived from it, and is what it returns.

    Attributes:
      decorator_name: the decorator's name.
      decorated_target: the function inside.
      decorator_doc: what the decorator says of this use.
      decorator_argspec: the arguments that the function appears to have, an ``inspect.FullArgSpec``, or None.
    """

    def __init__(
        self, decorator_name: str, target: Any, decorator_doc: str = "", decorator_argspec: Any = None
    ) -> None:
        self.decorator_name = decorator_name
        self.decorated_target = target
        self.decorator_doc = decorator_doc
        self.decorator_argspec = decorator_argspec
        for name in ("__name__", "__qualname__"):
            if hasattr(target, name):
                setattr(self, name, getattr(target, name))
        self.__doc__ = decorator_doc or getattr(target, "__doc__", None) or ""
        signature = _signature(target, decorator_argspec)
        if signature is not None:
            self.__signature__ = signature

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self.decorated_target.__get__(instance, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.decorated_target(*args, **kwargs)


def _signature(target: Any, given: inspect.FullArgSpec | None) -> inspect.Signature | None:
    """Returns the signature that a decorated function shows, or None where it has none."""
    if given is None:
        try:
            return inspect.signature(target)
        except (TypeError, ValueError):
            return None
    kind = inspect.Parameter
    defaults = dict(zip(reversed(given.args), reversed(given.defaults or ()), strict=False))
    defaults.update(given.kwonlydefaults or {})

    def parameter(name: str, how: Any) -> inspect.Parameter:
        return kind(name, how, default=defaults.get(name, kind.empty))

    parameters = [parameter(name, kind.POSITIONAL_OR_KEYWORD) for name in given.args]
    if given.varargs is not None:
        parameters.append(kind(given.varargs, kind.VAR_POSITIONAL))
    parameters += [parameter(name, kind.KEYWORD_ONLY) for name in given.kwonlyargs]
    if given.varkw is not None:
        parameters.append(kind(given.varkw, kind.VAR_KEYWORD))
    return inspect.Signature(parameters)


def make_decorator(
    target: Callable[..., Any],
    decorator_func: Any,
    decorator_name: str | None = None,
    decorator_doc: str = "",
    decorator_argspec: Any = None,
) -> Any:
    """Returns ``decorator_func`` with the name, documentation, signature and attributes of what it is around."""
    name = decorator_name or sys._getframe(1).f_code.co_name
    own = dict(vars(decorator_func))
    functools.update_wrapper(decorator_func, target)
    decorator_func.__dict__.update(own)
    decorator_func.__wrapped__ = decorator_func.__original_wrapped__ = target
    decorator_func._tf_decorator = decorator = TFDecorator(name, target, decorator_doc, decorator_argspec)
    decorator_func.__doc__ = decorator.__doc__
    signature = _signature(target, decorator_argspec)
    if signature is not None:
        bound = next((each for each in _targets(target) if inspect.ismethod(each)), None)
        if decorator_argspec is None and bound is not None and "self" in signature.parameters:
            # A decorator inside shows the arguments of a method, the first one too, but calls the bound method.
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
            decorator_func.__self__ = bound.__self__
        decorator_func.__signature__ = signature
    return decorator_func


def _targets(function: Any) -> list[Any]:
    """Returns what each of the decorators around a function is around."""
    return [decorator.decorated_target for decorator in unwrap(function)[0]]


def _decorator_of(function: Any) -> TFDecorator | None:
    """Returns what says which decorator a function comes from, or None if it comes from none that is known."""
    found = function if isinstance(function, TFDecorator) else getattr(function, "_tf_decorator", None)
    return found if isinstance(found, TFDecorator) else None


def unwrap(maybe_tf_decorator: Any) -> tuple[list[TFDecorator], Any]:
    """Returns the decorators around a function, the outermost first, and the function itself."""
    around: list[TFDecorator] = []
    function = maybe_tf_decorator
    while (decorator := _decorator_of(function)) is not None:
        around.append(decorator)
        function = decorator.decorated_target
    return around, function


def rewrap(decorator_func: Any, previous_target: Any, new_target: Any) -> Any:
    """Puts another function into a chain of decorators, in the place of one that is in it."""
    function: Any = decorator_func
    innermost: Any = None
    decorator: TFDecorator | None = None
    while (next_one := _decorator_of(function)) is not None:
        innermost, decorator = function, next_one
        if decorator.decorated_target is previous_target:
            break
        function = decorator.decorated_target
    if decorator is None:
        return new_target
    decorator.decorated_target = new_target
    getattr(innermost, "__func__", innermost).__wrapped__ = new_target
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
