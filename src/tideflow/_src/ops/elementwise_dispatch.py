"""Lets a class take over all element-wise functions at once.

A handler is registered for every function of a table in :mod:`.dispatchable`, as a typed handler (:mod:`.dispatch`) of
its own: it gets the function itself, to apply it to tensors, and the arguments that are tensors.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

from tideflow._src.ops import dispatch, dispatchable
from tideflow._src.ops.scopes import name_scope

_ASSERTION = "assertion"

#: The tables, and what has been added to them, by the number of arguments or ``_ASSERTION``.
_TABLES: dict[Any, Mapping[str, str]] = {
    1: dispatchable.UNARY,
    2: dispatchable.BINARY,
    _ASSERTION: dispatchable.ASSERTIONS,
}
_added: dict[Any, list[Callable[..., Any]]] = {1: [], 2: [], _ASSERTION: []}


def _functions(kind: Any) -> tuple[Callable[..., Any], ...]:
    return (*dispatch.functions_of(_TABLES[kind]), *_added[kind])


def unary_elementwise_apis() -> tuple[Callable[..., Any], ...]:
    """Returns the functions that take each element of their first argument."""
    return _functions(1)


def binary_elementwise_apis() -> tuple[Callable[..., Any], ...]:
    """Returns the functions that take the elements of their first two arguments pair by pair."""
    return _functions(2)


def binary_elementwise_assert_apis() -> tuple[Callable[..., Any], ...]:
    """Returns the assertions on the elements of two tensors."""
    return _functions(_ASSERTION)


def dispatch_for_unary_elementwise_apis(x_type: Any) -> Callable[[Any], Any]:
    """Makes the decorated function take over every element-wise function of one tensor, for a class of its argument.

    >>> import tideflow as tf
    >>> @tf.experimental.dispatch_for_unary_elementwise_apis(tf.SparseTensor)
    ... def of_sparse(function, x):
    ...     return x.with_values(function(x.values))
    >>> tf.square(tf.SparseTensor([[4], [1]], [2.0, -3.0], [5])).values.numpy().tolist()
    [4.0, 9.0]
    >>> tf.experimental.unregister_dispatch_for(of_sparse)

    Args:
      x_type: the class of the first argument, or another annotation that ``dispatch_for_api`` takes.

    Returns:
      The decorator of ``handler(function, x)``, where ``function`` takes a tensor: what else a function was called
      with, it has.

    Raises:
      ValueError: there is a handler for this annotation.
    """
    return _decorator(1, (x_type,), "A unary elementwise dispatch handler", f"{x_type}")


def dispatch_for_binary_elementwise_apis(x_type: Any, y_type: Any) -> Callable[[Any], Any]:
    """Makes the decorated function take over every element-wise function of two tensors, for classes of its arguments.

    Args:
      x_type: the class of the first argument, or another annotation that ``dispatch_for_api`` takes.
      y_type: that of the second.

    Returns:
      The decorator of ``handler(function, x, y)``, where ``function`` takes two tensors.

    Raises:
      ValueError: there is a handler for these annotations.
    """
    return _decorator(2, (x_type, y_type), "A binary elementwise dispatch handler", f"({x_type}, {y_type})")


def dispatch_for_binary_elementwise_assert_apis(x_type: Any, y_type: Any) -> Callable[[Any], Any]:
    """Makes the decorated function take over every assertion on two tensors, for classes of its arguments.

    Args:
      x_type: the class of the first argument, or another annotation that ``dispatch_for_api`` takes.
      y_type: that of the second.

    Returns:
      The decorator of ``handler(assertion, x, y)``, where ``assertion`` takes two tensors.

    Raises:
      ValueError: there is a handler for these annotations.
    """
    text = "A binary elementwise assert dispatch handler"
    return _decorator(_ASSERTION, (x_type, y_type), text, f"({x_type}, {y_type})")


def _decorator(kind: Any, annotations: tuple[Any, ...], text: str, shown: str) -> Callable[[Any], Any]:
    key = (kind, annotations)

    def decorate(handler: Any) -> Any:
        if key in dispatch.handler_groups:
            known = dispatch.handler_groups[key][0]
            raise ValueError(f"{text} ({known}) has already been registered for {shown}.")
        targets: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
        dispatch.handler_groups[key] = (handler, targets)
        for function in _functions(kind):
            targets.append((function, _register(function, annotations, handler)))
        return handler

    return decorate


def _register(function: Callable[..., Any], annotations: tuple[Any, ...], handler: Callable[..., Any]) -> Any:
    """Registers a handler of element-wise functions for one of them, and returns what it is called through."""
    parameters = list(inspect.signature(function).parameters)
    names = parameters[: len(annotations)]
    position = parameters.index("name") if "name" in parameters else None
    simple = set(parameters) == {*names, "name"}

    def target(*args: Any, **kwargs: Any) -> Any:
        if position is not None and position < len(args):
            name = args[position]
            args = (*args[:position], *args[position + 1 :])
        else:
            name = kwargs.pop("name", None)
        operands = [*args[: len(names)], *(kwargs.pop(one, None) for one in names[len(args) :])]
        rest = args[len(names) :]
        applied = function if simple else lambda *values: function(*values, *rest, **kwargs)
        if name is None:
            return handler(applied, *operands)
        with name_scope(name):
            return handler(applied, *operands)

    target.__wrapped__ = handler  # type: ignore[attr-defined]
    target.__name__ = target.__qualname__ = f"elementwise_dispatch_target_for_{function.__name__}"
    dispatch.register(function, target, dict(zip(names, annotations, strict=True)))
    return target


def _register_function(kind: Any, function: Any) -> Any:
    assert isinstance(function, types.FunctionType), function
    _added[kind].append(function)
    for (known_kind, classes), (handler, targets) in list(dispatch.handler_groups.items()):
        if known_kind == kind:
            targets.append((function, _register(function, classes, handler)))
    return function


def register_unary_elementwise_api(func: Any) -> Any:
    """Adds a function, which supports dispatch, to those of one tensor; a decorator."""
    return _register_function(1, func)


def register_binary_elementwise_api(func: Any) -> Any:
    """Adds a function, which supports dispatch, to those of two tensors; a decorator."""
    return _register_function(2, func)


def register_binary_elementwise_assert_api(func: Any) -> Any:
    """Adds a function, which supports dispatch, to the assertions on two tensors; a decorator."""
    return _register_function(_ASSERTION, func)
