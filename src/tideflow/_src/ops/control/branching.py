"""Lets variables branch, and operations differentiate functions, without knowing how functions are built.

``function`` builds the branches and stands beside ``state``, not below it: it installs its conditional, and its
gradient of a function, here when Tideflow is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_conditional: Callable[..., Any] | None = None


def install_conditional(function: Callable[..., Any]) -> None:
    """Makes ``function`` what :func:`conditional` calls."""
    global _conditional
    _conditional = function


def conditional(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Returns what ``true_fn`` or ``false_fn`` returns, as ``tf.cond`` does."""
    assert _conditional is not None, "tideflow._src.function.conditional has not been imported"
    return _conditional(pred, true_fn, false_fn)


_gradient: Callable[[Any, list[Any]], list[Any]] | None = None


def install_gradient(function: Callable[[Any, list[Any]], list[Any]]) -> None:
    """Makes ``function`` what :func:`function_gradient` calls."""
    global _gradient
    _gradient = function


def function_gradient(function: Any, values: list[Any]) -> list[Any]:
    """Returns the gradients of a function of graphs with respect to its arguments.

    Args:
      function: the function.
      values: its arguments, then the gradient of each of its results.
    """
    assert _gradient is not None, "tideflow._src.function.call_gradients has not been imported"
    return _gradient(function, values)
