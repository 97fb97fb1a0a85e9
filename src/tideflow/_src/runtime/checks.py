"""Lets kernels reject bad values on both tiers.

On the host a failed check raises at once. A compiled program cannot raise: there the condition becomes one more output,
which is looked at when the program has run.
"""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError, ResourceExhaustedError


class Passed(list[tuple[Any, str]]):
    """Is the list of conditions of a program that runs only after another one has found that all of them hold."""

    def append(self, condition: tuple[Any, str]) -> None:
        """Keeps nothing."""


class Complete(list[tuple[Any, str]]):
    """Is the list of all conditions of a program, when operations are traced again that have added theirs."""

    def append(self, condition: tuple[Any, str]) -> None:
        """Keeps nothing new."""


class _Trace(threading.local):
    def __init__(self) -> None:
        #: Conditions of the program being traced with their messages, or None while nothing is traced.
        self.conditions: list[tuple[Any, str]] | None = None


trace = _Trace()


def require(condition: Any, message: str) -> None:
    """Rejects the values of a call unless ``condition`` holds.

    Args:
      condition: a boolean, or an array of one element; traced while a program is compiled.
      message: what is wrong, for the user.

    Raises:
      InvalidArgumentError: on the host, the condition does not hold.
    """
    if isinstance(condition, bool | np.bool_ | np.ndarray):
        if not condition:
            raise InvalidArgumentError(None, None, message)
    elif trace.conditions is not None:
        trace.conditions.append((condition, message))


def unless_failed(indices: Any, outside: int) -> Any:
    """Returns the indices of an update in a compiled program; all are ``outside`` if a check before it fails.

    What lies outside is not updated, so that a run that fails leaves a large table as it was without choosing, element
    by element, between the old table and the new one.
    """
    if not trace.conditions:
        return indices
    from tideflow._src.runtime.lazy import jnp

    passed = functools.reduce(jnp.logical_and, [jnp.asarray(held).reshape(()) for held, _ in trace.conditions])
    return jnp.where(passed, indices, outside)


def first_broken(conditions: Iterable[tuple[Any, str]]) -> Any:
    """Returns, in a compiled program, the number of the first condition that does not hold, or -1.

    One number says whether and where the program failed: an output costs a microsecond. It is chosen by selects, not by
    an ``argmax``: of each of those JAX keeps what it made of it.
    """
    from tideflow._src.runtime.lazy import jnp

    failed = jnp.int32(-1)
    for number, (held, _) in reversed(list(enumerate(conditions))):
        failed = jnp.where(jnp.asarray(held).reshape(()), failed, np.int32(number))
    return failed


def collected(function: Callable[..., Any], values: Iterable[Any]) -> tuple[Any, list[tuple[Any, str]]]:
    """Calls a function in a trace within a trace; returns its result, and the conditions that its kernels require."""
    outer = trace.conditions
    conditions: list[tuple[Any, str]] = outer if isinstance(outer, Passed) else []
    trace.conditions = conditions
    try:
        return function(*values), conditions
    finally:
        trace.conditions = outer


def require_memory(shape: Iterable[int], itemsize: int) -> None:
    """Rejects an array that cannot be, before any time is spent on what leads to it.

    Raises:
      ResourceExhaustedError: it would take more memory than the machine has.
    """
    sizes = [int(size) for size in shape]
    wanted = math.prod(sizes) * itemsize
    if wanted > _SMALL and wanted > _machine_memory():
        raise ResourceExhaustedError(None, None, f"OOM: an array of shape {sizes} takes {wanted} bytes")


def require_possible(shapes: Iterable[tuple[int, ...]], itemsize: int) -> None:
    """Rejects shapes whose sizes overflow, even without elements, before XLA ends the process over them.

    Raises:
      InvalidArgumentError: the sizes other than zero multiply to more than 63 bits count in bytes.
      ResourceExhaustedError: no machine has as much memory.
    """
    for shape in shapes:
        if math.prod(size for size in shape if size) * itemsize >= 1 << 63:
            raise InvalidArgumentError(None, None, f"The sizes of the shape {list(shape)} overflow.")
        if math.prod(shape) >= _MOST_ELEMENTS:
            raise ResourceExhaustedError(None, None, f"OOM: no memory holds values of shape {list(shape)}.")


_MOST_ELEMENTS = 1 << 44
_SMALL = 1 << 26


@functools.cache
def _machine_memory() -> int:
    """Returns the bytes of memory that this machine has, as far as the system tells."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1 << 47


def scalar(value: Any, name: str) -> Any:
    """Returns the one element of a value without dimensions.

    Raises:
      InvalidArgumentError: the value has dimensions; ``name`` says which input it is.
    """
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"{name} must be a scalar, got shape {list(np.shape(value))}")
    return value[()] if isinstance(value, np.ndarray) else value


def vector(value: Any, name: str) -> Any:
    """Returns a value of one dimension.

    Raises:
      InvalidArgumentError: the value has none, or more; ``name`` says which input it is.
    """
    if np.ndim(value) != 1:
        raise InvalidArgumentError(None, None, f"{name} must be a vector, got shape {list(np.shape(value))}")
    return value
