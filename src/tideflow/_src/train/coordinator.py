"""Coordinates threads: they stop together, and an error in one of them reaches the main program."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.core import errors


class Coordinator:
    """Is what a group of threads share to stop together.

    Any thread may ask all to stop; each looks at ``should_stop`` as it goes on. ``join`` waits for them and raises the
    error that made one of them ask.

    Args:
      clean_stop_exception_types: errors that mean that the work is done, so that ``join`` does not raise them;
        ``OutOfRangeError`` if None.

    >>> coord = Coordinator()
    >>> coord.should_stop()
    False
    >>> with coord.stop_on_exception():
    ...     raise errors.OutOfRangeError(None, None, "the last epoch is over")
    >>> coord.should_stop()
    True
    """

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        if clean_stop_exception_types is None:
            clean_stop_exception_types = (errors.OutOfRangeError,)
        self._clean_stop_exception_types = tuple(clean_stop_exception_types)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._raised: BaseException | None = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def _error_of(self, ex: Any) -> BaseException | None:
        """Returns the exception in what a caller gives: one, or the triple of ``sys.exc_info``; None if it is clean."""
        if isinstance(ex, tuple):
            given = ex[1] if len(ex) > 1 else None
            if isinstance(given, BaseException) and len(ex) > 2 and ex[2] is not None and given.__traceback__ is None:
                given = given.with_traceback(ex[2])
            ex = given
        if ex is None or isinstance(ex, self._clean_stop_exception_types):
            return None
        if not isinstance(ex, BaseException):
            raise TypeError(f"request_stop takes an exception or what sys.exc_info() returns, got {ex!r}.")
        return ex

    def request_stop(self, ex: Any = None) -> None:
        """Asks all threads to stop.

        Args:
          ex: why, if something went wrong: an exception or what ``sys.exc_info()`` returns. ``join`` raises the first
            that is given.

        Raises:
          Exception: ``ex``, if the threads have been joined already and nobody else would raise it.
        """
        with self._lock:
            error = self._error_of(ex)
            if self._joined:
                if error is not None:
                    raise error
                return
            if not self._stop_event.is_set():
                self._raised = error
                self._stop_event.set()
            elif self._raised is None and error is not None and not isinstance(error, errors.CancelledError):
                self._raised = error

    def clear_stop(self) -> None:
        """Lets work begin again after a stop."""
        with self._lock:
            self._joined = False
            self._raised = None
            self._stop_event.clear()

    def should_stop(self) -> bool:
        """Tells whether a stop was asked for."""
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Asks all threads to stop if the block raises; the exception goes no further."""
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits until a stop is asked for.

        Args:
          timeout: seconds to wait at most, or None.

        Returns:
          Whether a stop was asked for.
        """
        return self._stop_event.wait(timeout)

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread to those that ``join`` waits for."""
        with self._lock:
            self._registered_threads.add(thread)

    def join(
        self,
        threads: Sequence[threading.Thread] | None = None,
        stop_grace_period_secs: float = 120,
        ignore_live_threads: bool = False,
    ) -> None:
        """Waits until the threads have ended.

        Args:
          threads: threads to wait for, beside those that were registered.
          stop_grace_period_secs: seconds that they have after a stop was asked for.
          ignore_live_threads: whether threads that live longer are no error.

        Raises:
          RuntimeError: threads are still alive when the time is over.
          Exception: the error with which a thread asked for the stop.
        """
        with self._lock:
            waiting = self._registered_threads | set(threads or ())
        # Wait until all have ended, or a stop is asked for. Short waits leave room for Ctrl-C and for the request.
        while any(thread.is_alive() for thread in waiting) and not self.wait_for_stop(0.02):
            pass
        # If the last ended without an error, the work is done: tell whoever still waits for a stop.
        end = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            while thread.is_alive():
                left = end - time.monotonic()
                if left <= 0:
                    break
                thread.join(min(left, 1.0))
        late = [thread.name for thread in waiting if thread.is_alive()]
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            raised = self._raised
        if raised is not None:
            raise raised
        if late and not ignore_live_threads:
            raise RuntimeError(f"Coordinator stopped with threads still running: {' '.join(late)}")

    @property
    def joined(self) -> bool:
        """Whether ``join`` has returned."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the error with which a thread asked for the stop, if there was one."""
        with self._lock:
            raised = self._raised
        if raised is not None:
            raise raised


class LooperThread(threading.Thread):
    """Is a thread that calls a function again and again until its coordinator stops it.

    Args:
      coord: the coordinator; an error of the function stops it.
      timer_interval_secs: seconds from one call to the next; None to call without a pause.
      target: the function; a subclass may define ``run_loop`` instead.
      args, kwargs: its arguments.

    Raises:
      ValueError: ``coord`` is not a ``Coordinator``.
    """

    def __init__(
        self,
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any] | None = None,
        args: Any = None,
        kwargs: Any = None,
    ) -> None:
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        super().__init__()
        self.daemon = True
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._target = target
        self._args = args or ()
        self._kwargs = kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(
        coord: Coordinator,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
    ) -> LooperThread:
        """Starts a thread that calls a function until the coordinator stops it, and returns the thread."""
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """Calls the function until the coordinator stops."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._timer_interval_secs is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                next_time = time.monotonic()
                while not self._coord.wait_for_stop(max(next_time - time.monotonic(), 0)):
                    next_time += self._timer_interval_secs
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Is called when the thread starts."""

    def stop_loop(self) -> None:
        """Is called when the thread stops."""

    def run_loop(self) -> None:
        """Calls the function once."""
        if self._target:
            self._target(*self._args, **self._kwargs)
