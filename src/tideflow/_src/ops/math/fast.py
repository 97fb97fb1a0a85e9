"""Makes public functions of the element-wise operations, with the shortest way for eager tensors.

Floating-point warnings are kept out of NumPy by running its function inside a ``contextvars.Context`` in which they
are off. That costs a tenth of switching them off and on again. A context serves one call at a time: a second thread
that finds it taken gets a RuntimeError, and its call takes the general way.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, wrap
from tideflow._src.runtime.op import Op

_quiet = contextvars.Context()
_quiet.run(np.seterr, all="ignore")

#: ``run_quietly(function, *arguments)`` calls a NumPy function without floating-point warnings.
run_quietly: Callable[..., Any] = _quiet.run

_new = object.__new__


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
    checked = operation.checked
    building = context.BUILDING
    tapes = context.TAPES
    record = context.record
    run = run_quietly

    def function(x: Any, y: Any, name: str | None = None) -> Any:
        if x.__class__ is EagerTensor and not building:
            left = x._value
            dtype = left.dtype
            if y.__class__ is EagerTensor:
                right = y._value
                if dtype is not right.dtype:
                    return general(x, y, name)
            elif is_plain_number(y, dtype.kind):
                right = y
            else:
                return general(x, y, name)
            if dtype in checked:
                try:
                    value = run(ufunc, left, right)
                except (ValueError, RuntimeError, MemoryError):
                    return general(x, y, name)  # explains, or the context was taken
                result = _new(EagerTensor)
                result._value = value
                if tapes:
                    if right is y:
                        y = wrap(dtype.type(y))
                    record(operation, (x, y), {}, result)
                return result
        return general(x, y, name)

    def general(x: Any, y: Any, name: str | None = None) -> Any:
        for operand in (x, y):
            if operand.__class__ is not EagerTensor and operand.__class__ is not SymbolicTensor:
                dispatch = getattr(operand, "_binary_elementwise", None)
                if dispatch is not None:
                    return dispatch(public, x, y, name)
        if slow is not None:
            return slow(x, y, name)
        return operation.call(x, y, name=name or default_name)

    public = general if ufunc is None else function
    public.__doc__ = operation.kernel.__doc__
    public.__name__ = public.__qualname__ = function_name or default_name.lower()
    return public


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
    checked = operation.checked
    building = context.BUILDING
    tapes = context.TAPES
    record = context.record
    run = run_quietly

    def function(x: Any, name: str | None = None) -> Any:
        if x.__class__ is EagerTensor and not building:
            value = x._value
            if value.dtype in checked:
                try:
                    value = run(ufunc, value)
                except (RuntimeError, MemoryError):
                    return general(x, name)  # the context was taken
                result = _new(EagerTensor)
                result._value = value
                if tapes:
                    record(operation, (x,), {}, result)
                return result
        return general(x, name)

    def general(x: Any, name: str | None = None) -> Any:
        if x.__class__ is not EagerTensor and x.__class__ is not SymbolicTensor:
            dispatch = getattr(x, "_unary_elementwise", None)
            if dispatch is not None:
                return dispatch(public, name)
        if slow is not None:
            return slow(x, name)
        return operation.call(x, name=name)

    public = general if ufunc is None else function
    public.__doc__ = operation.kernel.__doc__
    public.__name__ = public.__qualname__ = function_name or operation.name.lower()
    return public


def renamed(function: Any, *arguments: str) -> Any:
    """Gives the first parameters of a function made here TensorFlow's names, for keyword arguments."""
    code = function.__code__
    function.__code__ = code.replace(co_varnames=(*arguments, *code.co_varnames[len(arguments) :]))
    return function
