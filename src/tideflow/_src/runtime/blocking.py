"""Waiting: how an operation blocks until another thread changes a resource, and what ends the wait early.

A wait ends with ``CancelledError`` when the session is closed, with ``DeadlineExceededError`` when the time of the run
is over, and with ``KeyboardInterrupt`` at Ctrl-C. The lock of the resource is free while its users wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from tideflow._src.core.errors import CancelledError, DeadlineExceededError
from tideflow._src.core.inheritance import inherited

#: Seconds: the longest single wait of the main thread. A signal that another thread gets, or that the system cannot
#: interrupt a wait for, is looked at when the wait is over.
_LONGEST = 0.25


class _Run(threading.local):
    """Is what limits the waits of the run in this thread."""

    def __init__(self) -> None:
        #: The moment (of ``time.monotonic``) at which the run has to be over, or None.
        self.moment: float | None = None
        #: What ends the waits of this run alone, or None.
        self.interrupts: Interrupts | None = None


_run = inherited(_Run())


def longest_wait() -> float:
    """Returns the seconds after which this thread looks up from a wait, so that Ctrl-C ends any wait in the end."""
    return _LONGEST if threading.current_thread() is threading.main_thread() else threading.TIMEOUT_MAX


def deadline() -> float | None:
    """Returns the moment (of ``time.monotonic``) at which this thread's run has to be over, or None."""
    return _run.moment


@contextmanager
def until(moment: float | None, interrupts: Interrupts | None = None) -> Iterator[None]:
    """Limits the waits of this thread while the block runs.

    Args:
      moment: when they end with ``DeadlineExceededError``; None for no limit.
      interrupts: ends them when it is cancelled, beside the session's own.
    """
    saved = _run.moment, _run.interrupts
    _run.moment = moment
    _run.interrupts = interrupts or saved[1]
    try:
        yield
    finally:
        _run.moment, _run.interrupts = saved


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Gives this thread's run so many seconds; None sets no limit."""
    with until(None if seconds is None else monotonic() + seconds):
        yield


class Interrupts:
    """Is what ends the waits of one session.

    Attributes:
      cancelled: whether the session is closed; every wait then fails.
      timeout: seconds that a run without a limit of its own may wait, or None.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self.timeout: float | None = None
        self._lock = threading.Lock()
        self._waiting: dict[object, threading.Condition] = {}

    def cancel(self) -> None:
        """Ends every wait, and lets no other begin."""
        with self._lock:
            self.cancelled = True
            conditions = list(self._waiting.values())
        for condition in conditions:
            with condition:
                condition.notify_all()

    def wait(self, condition: threading.Condition, ready: Callable[[], bool], what: str) -> None:
        """Waits, with the lock of ``condition`` held before and after, until ``ready()``.

        Args:
          condition: is notified by whoever may have made it ready.
          ready: tells whether the wait is over.
          what: the kind of operation that waits, for the message.

        Raises:
          CancelledError: the session was closed.
          DeadlineExceededError: the run's time is over.
        """
        if ready():
            return
        moment = _run.moment
        if moment is None and self.timeout is not None:
            moment = monotonic() + self.timeout
        sources = [self] if _run.interrupts is None else [self, _run.interrupts]
        longest = longest_wait()
        waiting = object()
        for source in sources:
            with source._lock:
                source._waiting[waiting] = condition
        try:
            while not ready():
                if any(source.cancelled for source in sources):
                    raise CancelledError(None, None, f"{what} operation was cancelled")
                seconds = longest
                if moment is not None:
                    seconds = moment - monotonic()
                    if seconds <= 0:
                        raise DeadlineExceededError(
                            None, None, f"Timed out waiting for notification: {what} operation was cancelled"
                        )
                    seconds = min(seconds, longest)
                condition.wait(seconds)
        finally:
            for source in sources:
                with source._lock:
                    del source._waiting[waiting]
