"""The decorators of ``tensorflow.python.util.deprecation``: they warn, once, of functions and arguments."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from absl import logging

_Function = TypeVar("_Function", bound=Callable[..., Any])

_warned: set[Any] = set()
_silent = False
_strict = False


def enable_strict_mode() -> None:
    """Lets what is deprecated fail, with a RuntimeError, where it would warn."""
    global _strict
    _strict = True


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Is a context in which nothing warns."""
    global _silent
    before, _silent = _silent, True
    try:
        yield
    finally:
        _silent = before


def _warn(key: Any, once: bool, message: str) -> None:
    if _silent or (once and key in _warned):
        return
    _warned.add(key)
    if _strict:
        logging.error("%s", message)
        raise RuntimeError("This behavior has been deprecated, which raises an error in strict mode.")
    logging.warning("%s", message)


def _when(date: str | None) -> str:
    return "in a future version" if date is None else f"after {date}"


def _name(function: Any) -> str:
    return f"{function.__qualname__} (from {function.__module__})"


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable[[_Function], _Function]:
    """Decorates a function or class that will be removed.

    Args:
      date: when, as ``2026-11-30``, or None for some time.
      instructions: what to use instead.
      warn_once: whether only the first call warns.
    """

    def decorate(function: Any) -> Any:
        message = f"{_name(function)} is deprecated and will be removed {_when(date)}.\n{instructions}"
        target: Any = getattr(function, "__init__") if isinstance(function, type) else function  # noqa: B009

        @functools.wraps(target)
        def warning(*args: Any, **kwargs: Any) -> Any:
            _warn(target, warn_once, message)
            return target(*args, **kwargs)

        if isinstance(function, type):
            function.__init__ = warning  # type: ignore[misc]
            return function
        return warning

    return decorate


def deprecated_args(
    date: str | None, instructions: str, *names: Any, **options: Any
) -> Callable[[_Function], _Function]:
    """Decorates a function some of whose arguments will be removed.

    Args:
      date: when, or None for some time.
      instructions: what to do instead.
      names: the arguments; a pair of a name and a value does not warn of that value.
      options: ``warn_once``, whether only the first call with the argument warns.
    """
    once = options.pop("warn_once", True)
    allowed = {item if isinstance(item, str) else item[0]: () if isinstance(item, str) else item[1:] for item in names}

    def decorate(function: Any) -> Any:
        signature = inspect.signature(function)
        missing = [name for name in allowed if name not in signature.parameters]
        if missing and not any(item.kind is item.VAR_KEYWORD for item in signature.parameters.values()):
            raise ValueError(
                f"The following deprecated arguments are not present in the function signature: {missing}."
            )

        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            for name, values in allowed.items():
                if name in given and not any(given[name] is value or given[name] == value for value in values):
                    _warn(
                        (function, name),
                        once,
                        f"calling {_name(function)} with {name} is deprecated and will be removed {_when(date)}.\n"
                        f"{instructions}",
                    )
            return function(*args, **kwargs)

        return warning

    return decorate


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **deprecated_values: Any
) -> Callable[[_Function], _Function]:
    """Decorates a function that will no longer take certain values of its arguments."""

    def decorate(function: Any) -> Any:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            for name, value in deprecated_values.items():
                if name in given and given[name] is value:
                    _warn(
                        (function, name),
                        warn_once,
                        f"calling {_name(function)} with {name}={value} is deprecated and will be removed "
                        f"{_when(date)}.\n{instructions}",
                    )
            return function(*args, **kwargs)

        return warning

    return decorate


def deprecated_endpoints(*names: str) -> Callable[[_Function], _Function]:
    """Decorates a function that has other names, which will be removed."""

    def decorate(function: Any) -> Any:
        function._tf_deprecated_api_names = names
        return function

    return decorate


def deprecated_alias(old_name: str, new_name: str, function: Any) -> Any:
    """Returns a function under an old name, which warns of it."""

    @functools.wraps(function)
    def warning(*args: Any, **kwargs: Any) -> Any:
        _warn((function, old_name), True, f"The name {old_name} is deprecated. Please use {new_name} instead.")
        return function(*args, **kwargs)

    return warning


def deprecated_argument_lookup(new_name: str, new_value: Any, old_name: str, old_value: Any) -> Any:
    """Returns the value of an argument that was given under its new or its old name.

    Raises:
      ValueError: it was given under both.
    """
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'.")
    return old_value
