"""Checks inside programs: ``tf.Assert`` eagerly and in graphs."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.control.checks import assert_op
from tideflow._src.runtime.convert import convert_to_tensor


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Any:  # noqa: N802
    """Asserts that a condition holds.

    Args:
      condition: a boolean scalar.
      data: tensors to print if it does not hold.
      summarize: how many elements of each to print; 3 by default, -1 for all.
      name: the name of the operation.

    Returns:
      The operation that asserts, in a graph; None eagerly.

    Raises:
      InvalidArgumentError: the condition does not hold (eagerly, at once; in a graph, when the operation runs).
    """
    if not isinstance(data, list | tuple):
        raise TypeError(f"Argument `data` must be a list of tensors, got {data!r}.")
    tensors = [convert_to_tensor(item) for item in data]
    if context.executing_eagerly():
        return assert_op(condition, tensors, summarize=3 if summarize is None else summarize)
    return assert_op(condition, tensors, summarize=3 if summarize is None else summarize, name=name or "Assert/Assert")


def assert_true(condition: Any, message: str) -> Any:
    """Asserts a condition with a message."""
    try:
        return Assert(condition, [message])
    except InvalidArgumentError as error:
        raise InvalidArgumentError(None, None, message) from error
