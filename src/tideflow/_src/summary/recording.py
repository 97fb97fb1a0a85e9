"""Which writer, step and condition summaries of TensorFlow 2 are written with: a state of each thread."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dtypes import bool as bool_dtype
from tideflow._src.core.dtypes import int64
from tideflow._src.core.inheritance import inherited
from tideflow._src.core.tensor import Tensor
from tideflow._src.function.name_scopes import get_current_name_scope
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.math.logical import logical_and
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_NOT_IN_SCOPES = re.compile(r"[^-_/.A-Za-z0-9]")


class SummaryState(threading.local):
    """Is what one thread has chosen. Its attributes have TensorFlow's names, since other packages read them."""

    def __init__(self) -> None:
        #: What `record_if` was given, or None outside it.
        self.is_recording: Any = None
        #: Whether this replica writes: a distribution strategy has only the first one do so.
        self.is_recording_distribution_strategy: Any = True
        self.writer: Any = None
        self.step: Any = None


state = inherited(SummaryState())


def _resolved(condition: Any) -> Any:
    return condition() if callable(condition) else condition


def recording_condition(default: bool) -> Any:
    """Returns whether summaries are written now, a scalar bool tensor.

    Args:
      default: what holds outside `record_if`.
    """
    if state.writer is None:
        return constant(False)
    distributed = _resolved(state.is_recording_distribution_strategy)
    condition = _resolved(state.is_recording)
    return logical_and(distributed, default if condition is None else condition)


def recording_eagerly() -> bool:
    """Tells during eager execution whether a writer is there and the conditions hold."""
    condition, distributed = state.is_recording, state.is_recording_distribution_strategy
    if state.writer is None:
        return False
    if condition is None and distributed is True:
        return True
    return _holds(distributed) and (condition is None or _holds(condition))


def _holds(condition: Any) -> bool:
    value = _resolved(condition)
    return value if isinstance(value, bool) else bool(convert_to_tensor(value, bool_dtype))


def should_record_summaries() -> Tensor:
    """Returns whether summaries are written now.

    Returns:
      A scalar bool tensor: false without a default writer; else what `record_if` was given, or true outside it.
    """
    return recording_condition(True)


@contextmanager
def record_if(condition: Any) -> Iterator[None]:
    """Switches the writing of summaries on or off inside the context, for this thread.

    Args:
      condition: a boolean, a scalar bool tensor, or a function that returns one. The function is called for each
        summary; in a ``tf.function`` that is traced inside, what it computes becomes part of the function.

    >>> with record_if(False):
    ...     bool(should_record_summaries())
    False
    """
    saved = state.is_recording
    state.is_recording = condition
    try:
        yield
    finally:
        state.is_recording = saved


def get_step() -> Any:
    """Returns the default step of this thread as it was set, or None."""
    return state.step


def set_step(step: Any) -> None:
    """Sets the default step of this thread, which summaries without a ``step`` are written at.

    Args:
      step: an integer, a scalar tensor or a variable; None for none. A ``tf.function`` keeps the value that it finds
        when it is traced; of a variable, it reads the value whenever it runs.
    """
    state.step = step


def checked_step(step: Any) -> Any:
    """Returns a step as a tensor.

    Raises:
      ValueError: it is not a scalar, or a tensor of another dtype than int64.
      TypeError: it is no integer.
    """
    if step.__class__ is int:
        return step
    tensor = convert_to_tensor(step, int64)
    if tensor.shape.num_elements() != 1:
        raise ValueError(f"Argument `step` must be a scalar. Received step with shape {tensor.shape}.")
    return tensor if tensor.shape.rank == 0 else reshape(tensor, [])


@contextmanager
def summary_scope(name: str | None, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
    """Opens the name scope of a summary, for functions that define a new kind.

    Args:
      name: the name of the summary; it may hold characters that no name scope can.
      default_name: the name where none is given.
      values: accepted as TensorFlow does.

    Yields:
      The tag, which is the name after the scopes around it, never made unique; and the name of the scope.

    >>> with summary_scope("my loss") as (tag, scope):
    ...     tag, scope
    ('my loss', 'myloss/')
    """
    name = name or default_name
    tag = tag_of(name)
    with name_scope(_NOT_IN_SCOPES.sub("", name) or None, default_name, values) as scope:
        yield tag, scope


def tag_of(name: str) -> str:
    """Returns the tag of a summary: its name after the name scopes around it."""
    if not context.BUILDING and context.executing_eagerly():
        return f"{context.state.eager_scope}{name}"
    around = get_current_name_scope()
    return f"{around}/{name}" if around else name
