"""Lets variables branch in a graph without knowing how functions are built.

``function`` builds the branches and stands beside ``state``, not below it: it installs its conditional here when
Tideflow is imported.
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
