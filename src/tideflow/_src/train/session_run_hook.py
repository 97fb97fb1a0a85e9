"""Hooks: objects that take part in every run of a monitored session."""

from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """Is what a hook wants to add to a run.

    Attributes:
      fetches: a tensor, operation or any structure of those; the hook gets their values in ``after_run``.
      feed_dict: values to feed, by tensor.
      options: a ``RunOptions``.
    """

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """Is what a hook gets of a run.

    Attributes:
      results: the values of what the hook asked for, in the structure it asked with; None if it asked for nothing.
      options: the ``RunOptions`` of the run.
      run_metadata: the ``RunMetadata`` of the run.
    """

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """Tells a hook about the run that it takes part in.

    Args:
      original_args: what the caller asked for, as ``SessionRunArgs``.
      session: the session.
    """

    def __init__(self, original_args: SessionRunArgs, session: Any) -> None:
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the caller asked for: fetches and feeds."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The session."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """Whether the session is asked to stop."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Asks the session to stop: its ``should_stop`` is true after this run."""
        self._stop_requested = True


class SessionRunHook:
    """Is the base of hooks; a subclass defines the methods that it needs."""

    def begin(self) -> None:
        """Is called once before the session is made: the last chance to change the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Is called when a session has been made, also after recovery from a failure; the graph is finalized.

        Args:
          session: the session.
          coord: its ``Coordinator``.
        """

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Is called before each run.

        Args:
          run_context: tells about the run.

        Returns:
          What to add to the run, or None.
        """
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Is called after each run that did not fail.

        Args:
          run_context: tells about the run, and can ask for a stop.
          run_values: the values of what ``before_run`` asked for.
        """

    def end(self, session: Any) -> None:
        """Is called at the end, unless an error other than ``OutOfRangeError`` or ``StopIteration`` ended the work.

        Args:
          session: the session, which can still run operations.
        """
