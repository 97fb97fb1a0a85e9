"""Makes public functions and operators of the element-wise operations, with the shortest way for eager tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.runtime.float_errors import QUIET, enter, leave
from tideflow._src.runtime.op import Op

_new = object.__new__


def binary(operation: Op, default_name: str, ufunc: Any) -> Callable[..., Any]:
    """Returns the public function of a binary operation: ``function(x, y, name=None)``.

    Args:
      operation: the operation; nodes are named ``default_name`` unless the caller names them.
      default_name: the name of nodes in a graph.
      ufunc: the NumPy ufunc that is the operation's host kernel.
    """
    checked = operation.checked
    special = context.SPECIAL

    def function(x: Any, y: Any, name: str | None = None) -> Any:
        if x.__class__ is EagerTensor and not special:
            left = x._value
            dtype = left.dtype
            kind = y.__class__
            if kind is EagerTensor:
                right = y._value
            elif kind is float and dtype.kind == "f" or kind is int and dtype.kind == "f":
                right = dtype.type(y)
            else:
                return operation(x, y, name=name or default_name)
            if dtype is right.dtype and dtype in checked:
                token = enter(QUIET)
                try:
                    value = ufunc(left, right)
                except ValueError:
                    return operation(x, y, name=name)  # explains
                finally:
                    leave(token)
                result = _new(EagerTensor)
                result._value = value
                return result
        return operation(x, y, name=name or default_name)

    function.__doc__ = operation.kernel.__doc__
    function.__name__ = function.__qualname__ = default_name.lower()
    return function


def unary(operation: Op, default_name: str, ufunc: Any) -> Callable[..., Any]:
    """Returns the public function of a unary operation: ``function(x, name=None)``."""
    checked = operation.checked
    special = context.SPECIAL

    def function(x: Any, name: str | None = None) -> Any:
        if x.__class__ is EagerTensor and not special:
            value = x._value
            if value.dtype in checked:
                token = enter(QUIET)
                try:
                    value = ufunc(value)
                finally:
                    leave(token)
                result = _new(EagerTensor)
                result._value = value
                return result
        return operation(x, name=name or default_name)

    function.__doc__ = operation.kernel.__doc__
    function.__name__ = function.__qualname__ = default_name.lower()
    return function


