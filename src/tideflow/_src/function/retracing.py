"""Warns when a function is traced again and again, and says why: which argument changed, from what to what."""

from __future__ import annotations

import inspect
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakSet

from tideflow._src.function.function_type import Parameter

_THRESHOLD = 5
_HISTORY = 10
_MOST_WARNINGS = 2
_MOST_DETECTORS = 10_000


class Counted(Protocol):
    """Is a function whose traces are counted."""

    @property
    def number(self) -> int:
        """What tells it from others of the same code."""

    @property
    def python_function(self) -> Any:
        """What is traced."""

    def uncounted_calls(self) -> int:
        """Returns how many calls needed no tracing since this was asked last."""


class _Detector:
    """Is what is known of the calls of the functions that one place of a program defines."""

    __slots__ = ("calls", "functions", "last", "traces", "warnings")

    def __init__(self) -> None:
        self.calls = 0
        self.functions: WeakSet[Counted] = WeakSet()
        self.traces: deque[int] = deque()
        self.warnings = 0
        self.last: tuple[Any, Sequence[Parameter]] | None = None


_detectors: dict[Any, _Detector] = {}
_lock = threading.RLock()  # a function may be freed, and so counted, wherever memory is allocated


def _place_of(python_function: Any) -> Any:
    """Returns what names the place that defines a function; a decorator's wrapper is not that place."""
    python_function = inspect.unwrap(python_function)
    code = getattr(python_function, "__code__", None)
    if code is None:
        return type(python_function).__module__, type(python_function).__qualname__
    return code.co_filename, code.co_firstlineno, code.co_name


def ended(function: Counted, python_function: Any) -> None:
    """Counts the calls of a function that is about to be freed.

    Args:
      function: the function.
      python_function: what it traced; a method need not be bound, for its object may be gone already.
    """
    with _lock:
        detector = _detectors.get(_place_of(python_function))
        if detector is not None:
            detector.calls += function.uncounted_calls()


def traced(function: Counted, parameters: Sequence[Parameter]) -> None:
    """Counts a call that traced a function, and warns if there were many of those of late.

    Calls of all functions of the same code count, those that needed no tracing, too.

    Args:
      function: the function.
      parameters: the parameters with the types of this call's arguments.
    """
    python_function, owner = function.python_function, function.number
    with _lock:
        place = _place_of(python_function)
        if place not in _detectors and len(_detectors) >= _MOST_DETECTORS:
            _detectors.clear()
        detector = _detectors.setdefault(place, _Detector())
        if detector.warnings >= _MOST_WARNINGS:
            return  # there is nothing more to say, so nothing to count
        detector.functions.add(function)
        detector.calls += 1 + sum(known.uncounted_calls() for known in detector.functions)
        detector.traces.append(detector.calls)
        while detector.traces and detector.calls - detector.traces[0] >= _HISTORY:
            detector.traces.popleft()
        before, detector.last = detector.last, (owner, parameters)
        if len(detector.traces) < _THRESHOLD:
            return
        detector.warnings += 1
        times, calls = len(detector.traces), detector.calls - detector.traces[0] + 1
    from tideflow._src.core.logger import get_logger  # loads logging when there is something to tell

    get_logger().warning(
        "%d out of the last %d calls to %s triggered tf.function retracing. %s Tracing is expensive. Define the "
        "tf.function outside of loops; pass tensors where values of Python change; give a shape with None in "
        "input_signature, or reduce_retracing=True, where shapes change.",
        times,
        calls,
        repr(python_function),  # who keeps the record must not keep the function
        _reason(before, owner, parameters),
    )


def _reason(before: Any, owner: int, parameters: Sequence[Parameter]) -> str:
    if before is None:
        return ""
    old_owner, old = before
    if old_owner != owner:
        return "The function was made anew (tf.function was called again on the same code)."
    return difference(old, parameters)


def difference(old: Sequence[Parameter], new: Sequence[Parameter]) -> str:
    """Says in a sentence which arguments changed between two calls, from what to what."""
    known = {item.name: item.type_constraint for item in old}
    found = {item.name: item.type_constraint for item in new}
    changes = [
        f"argument {name!r} changed from {known[name]!r} to {kind!r}"
        for name, kind in found.items()
        if name in known and known[name] != kind
    ]
    changes += [f"argument {name!r} is new: {kind!r}" for name, kind in found.items() if name not in known]
    changes += [f"argument {name!r} is gone" for name in known if name not in found]
    if not changes:
        return "The context of the call changed: its device, or the graph around it."
    text = "; ".join(changes)
    return text[0].upper() + text[1:] + "."


def cause(before: Sequence[Parameter] | None, parameters: Sequence[Parameter]) -> str:
    """Says in a sentence what made a function be traced, given what it was traced for before."""
    if before is None:
        return "This was the first call."
    if [item.type_constraint for item in before] == [item.type_constraint for item in parameters]:
        return "The trace before it created variables."
    return difference(before, parameters)
