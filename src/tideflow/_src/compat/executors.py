"""How eager calls and functions are executed: ``tf.experimental.async_scope`` and its kin.

An eager call has run when it returns, or runs on an accelerator, where whoever asks for its value waits for it and gets
its error. So nothing is left to wait for, and no error is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core.errors import NotFoundError

_EXECUTORS = ("", "DEFAULT", "SINGLE_THREADED_EXECUTOR")


@contextmanager
def async_scope() -> Iterator[None]:
    """Is a context in which eager calls may return before they have run.

    >>> import tideflow as tf
    >>> with tf.experimental.async_scope():
    ...     x = tf.constant(1.0) + 1.0
    >>> float(x)
    2.0
    """
    yield


def async_clear_error() -> None:
    """Forgets the error of an eager call that nobody has seen: there is none, each is raised where it belongs."""


@contextmanager
def function_executor_type(executor_type: Any) -> Iterator[None]:
    """Is a context in which functions run with an executor of TensorFlow; results are the same with each.

    Args:
      executor_type: ``"DEFAULT"``, ``"SINGLE_THREADED_EXECUTOR"``, or an empty string or None for the default.

    Raises:
      NotFoundError: there is no such executor.
    """
    if (executor_type or "") not in _EXECUTORS:
        raise NotFoundError(
            None,
            None,
            f"No executor factory registered for the given executor type: {executor_type} Registered factories are "
            "{DEFAULT, , SINGLE_THREADED_EXECUTOR}.",
        )
    yield
