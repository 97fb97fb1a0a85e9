"""Spans of time that a profiler records: which operation, program, stage or kernel ran from when to when.

``RECORDERS`` is empty unless somebody profiles, so that the general paths pay one truth test. The short paths pay
nothing: while somebody records, a key in ``context.SPECIAL`` and ``context.BUILDING`` keeps them from being taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import context

#: Spans beyond these are counted, not kept.
MOST_SPANS = 1_000_000

_ENTRY = object()
_lock = threading.Lock()


class Span(NamedTuple):
    """Is what took a time.

    Attributes:
      thread: the thread, by its number among those recorded: identifiers are used again.
      kind: ``eager``, ``call``, ``program``, ``stage``, ``kernel``, ``step``...
      name: the name of the operation, function or program.
      start, end: nanoseconds of ``time.perf_counter_ns``.
      about: what else is known.
    """

    thread: int
    kind: str
    name: str
    start: int
    end: int
    about: dict[str, Any]


class Recorder:
    """Keeps spans, and the graphs of functions that ran.

    Args:
      times: whether spans are kept; else only graphs are.
    """

    def __init__(self, times: bool = True) -> None:
        self.times = times
        self.spans: list[Span] = []
        self.dropped = 0
        #: The names of the threads, by number.
        self.threads: list[str] = []
        self._this_thread = threading.local()
        #: The graphs of functions that ran, by identity, in the order of their first run.
        self.graphs: dict[int, Any] = {}
        #: Called before a compiled program runs: what records inside the engine begins then, at the latest.
        self.before_compiled: Callable[[], None] = lambda: None

    def add(self, kind: str, name: str, start: int, end: int, about: dict[str, Any]) -> None:
        """Adds a span of this thread."""
        if len(self.spans) >= MOST_SPANS:
            self.dropped += 1
            return
        thread = getattr(self._this_thread, "number", None)
        if thread is None:
            with _lock:
                thread = self._this_thread.number = len(self.threads)
                self.threads.append(threading.current_thread().name)
        self.spans.append(Span(thread, kind, name, start, end, about))


#: What records now, as a tuple: who reads it goes on with what it has read.
RECORDERS: tuple[Recorder, ...] = ()


def _set(recorders: tuple[Recorder, ...]) -> None:
    global RECORDERS
    for keys in (context.SPECIAL, context.BUILDING):
        if recorders:
            keys[_ENTRY] = None
        else:
            keys.pop(_ENTRY, None)
    RECORDERS = recorders


def begin(recorder: Recorder) -> None:
    """Lets a recorder record what all threads do."""
    with _lock:
        _set((*RECORDERS, recorder))


def end(recorder: Recorder) -> None:
    """Ends that."""
    with _lock:
        _set(tuple([each for each in RECORDERS if each is not recorder]))


def measured(kind: str, name: str, about: dict[str, Any], function: Callable[..., Any], *arguments: Any) -> Any:
    """Returns ``function(*arguments)``, and records how long that took."""
    recorders = [each for each in RECORDERS if each.times]
    start = time.perf_counter_ns()
    try:
        return function(*arguments)
    finally:
        stop = time.perf_counter_ns()
        for recorder in recorders:
            recorder.add(kind, name, start, stop, about)


def saw_graph(graph: Any) -> None:
    """Notes that the graph of a function runs."""
    for recorder in RECORDERS:
        recorder.graphs.setdefault(id(graph), graph)


def before_compiled() -> None:
    """Is called when a compiled program is about to run."""
    for recorder in RECORDERS:
        recorder.before_compiled()


class _Marks(threading.local):
    """Is where the operations of the program that this thread interprets note the time when they are done."""

    def __init__(self) -> None:
        self.times: list[int] = []


_marks = _Marks()


def mark() -> None:
    """Notes that an operation of the program that runs is done."""
    _marks.times.append(time.perf_counter_ns())


def marked(operations: Sequence[Any], function: Callable[..., Any], *arguments: Any) -> Any:
    """Returns ``function(*arguments)``, which calls `mark` after each operation, and records how long each took."""
    saved, times = _marks.times, [time.perf_counter_ns()]
    _marks.times = times
    try:
        return function(*arguments)
    finally:
        _marks.times = saved
        for recorder in RECORDERS:
            if recorder.times:
                for op, start, stop in zip(operations, times, times[1:], strict=False):
                    recorder.add("kernel", op.name, start, stop, {"op": op.type, "tier": "host"})
