"""Makes public functions of the element-wise operations, with the shortest way for eager tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.op import Op


def is_plain_number(value: Any, kind: str) -> bool:
    """Tells whether NumPy gives a Python number the type of the array beside it, whose ``dtype.kind`` is ``kind``."""
    if value.__class__ is float:
        return kind == "f"
    return value.__class__ is int and 0 <= value < 128 and kind in "fiu"


def binary(
    operation: Op,
    default_name: str,
    ufunc: Any,
    *,
    function_name: str = "",
    slow: Callable[..., Any] | None = None,
) -> Callable[..., Any]:
    """Returns the public function of a binary operation: ``function(x, y, name=None)``.

    Args:
      operation: the operation; nodes are named ``default_name`` unless the caller names them.
      default_name: the name of nodes in a graph.
      ufunc: the operation's host kernel if it is a NumPy ufunc, else None.
      function_name: the Python name of the function; by default that of the nodes in lower case.
      slow: ``slow(x, y, name)``, called where the short way does not apply; by default the operation itself.
    """

    def general(x: Any, y: Any, name: str | None = None) -> Any:
        if slow is not None:
            return slow(x, y, name)
        return operation.call(x, y, name=name or default_name)

    general.__name__ = general.__qualname__ = function_name or default_name.lower()
    general.__doc__ = operation.kernel.__doc__
    general.__module__ = operation.kernel.__module__  # where it is found again, once it is pickled
    if ufunc is None:
        return general
    return fast_path(operation, **_BINARY, UFUNC=ufunc, CHECKED=operation.checked, PLAIN=is_plain_number)(general)


_BINARY: dict[str, Any] = {
    "tensors": ("x",),
    "when": (
        "(_dtype := v_x.dtype) in CHECKED and ("
        "(_other := y._value).dtype is _dtype if y.__class__ is EagerTensor else PLAIN((_other := y), _dtype.kind))"
    ),
    "value": "RUN(UFUNC, v_x, _other)",
    "inputs": "(x, y if y.__class__ is EagerTensor else WRAP(_dtype.type(y)))",
}


def unary(
    operation: Op, ufunc: Any = None, *, function_name: str = "", slow: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Returns the public function of a unary operation: ``function(x, name=None)``.

    Args:
      operation: the operation.
      ufunc: its host kernel if it is a NumPy ufunc, else None.
      function_name: the Python name of the function; by default the operation's in lower case.
      slow: ``slow(x, name)``, called where the short way does not apply; by default the operation itself.
    """

    def general(x: Any, name: str | None = None) -> Any:
        if slow is not None:
            return slow(x, name)
        return operation.call(x, name=name)

    general.__name__ = general.__qualname__ = function_name or operation.name.lower()
    general.__doc__ = operation.kernel.__doc__
    general.__module__ = operation.kernel.__module__  # where it is found again, once it is pickled
    if ufunc is None:
        return general
    return fast_path(operation, **_UNARY, UFUNC=ufunc, CHECKED=operation.checked)(general)


_UNARY: dict[str, Any] = {
    "tensors": ("x",),
    "when": "v_x.dtype in CHECKED",
    "value": "RUN(UFUNC, v_x)",
    "inputs": "(x,)",
}


def renamed(function: Any, *arguments: str) -> Any:
    """Gives the first parameters of a function made here TensorFlow's names, for keyword arguments."""
    code = function.__code__
    function.__code__ = code.replace(co_varnames=(*arguments, *code.co_varnames[len(arguments) :]))
    return function
