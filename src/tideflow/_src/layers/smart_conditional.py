"""A conditional that is decided while the graph is built, where its predicate is known by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.function.conditional import cond
from tideflow._src.graph.static_value import static_value
from tideflow._src.state.variable import Variable


def known_truth(value: Any) -> bool | None:
    """Returns the truth of a predicate, or None if only a run tells it.

    Args:
      value: a Python boolean, 0 or 1, a tensor or a variable.

    Raises:
      TypeError: it is none of those.
    """
    if isinstance(value, EagerTensor):
        return bool(value.numpy())
    if isinstance(value, Variable):
        return None
    if isinstance(value, Tensor):
        found = static_value(value)
        return None if found is None else bool(found)
    if isinstance(value, bool | np.bool_) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise TypeError(
        f"`pred` must be a Tensor, or a Python bool, or 1 or 0. Received: pred={value} of type {type(value)}"
    )


def smart_cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None) -> Any:
    """Returns ``true_fn()`` or ``false_fn()``; a conditional operation only if ``pred`` is not known yet."""
    truth = known_truth(pred)
    if truth is not None:
        return true_fn() if truth else false_fn()
    return cond(pred.value() if isinstance(pred, Variable) else pred, true_fn=true_fn, false_fn=false_fn, name=name)
