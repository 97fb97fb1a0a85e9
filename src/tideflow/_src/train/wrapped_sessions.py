"""Sessions around a session: one runs hooks, one stops threads, one begins anew after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import errors
from tideflow._src.core import logger as logging
from tideflow._src.core.tensor import Tensor
from tideflow._src.train.coordinator import Coordinator
from tideflow._src.train.session_creators import SessionCreator
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

#: Errors that mean that a process was lost, so that it is worth to begin anew.
PREEMPTION_ERRORS = (errors.AbortedError, errors.UnavailableError)


class WrappedSession:
    """Passes everything on to a session.

    Args:
      sess: the session.
    """

    def __init__(self, sess: Any) -> None:
        self._sess = sess
        self._is_stoppable = isinstance(sess, WrappedSession)

    @property
    def graph(self) -> Any:
        """The graph that the session runs."""
        return self._sess.graph

    @property
    def sess_str(self) -> Any:
        """The session's target."""
        return self._sess.sess_str

    def should_stop(self) -> bool:
        """Tells whether to stop: there is nothing more to run, or a stop was asked for."""
        if self._check_stop():
            return True
        if self._sess:
            return bool(self._is_stoppable and self._sess.should_stop())
        return True

    def _check_stop(self) -> bool:
        return False

    def close(self) -> None:
        """Closes the session."""
        if self._sess:
            try:
                self._sess.close()
            except PREEMPTION_ERRORS as error:
                logging.error("Closing the session failed, probably since a process was lost: %s", error)
            finally:
                self._sess = None

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs the session."""
        return self._sess.run(fetches, feed_dict, options, run_metadata)

    def run_step_fn(self, step_fn: Any, raw_session: Any, run_with_hooks: Any) -> Any:
        """Calls a step function with a context that gives it the session."""
        # The outermost session sees the run: it begins anew if the run asks for that.
        run_with_hooks = run_with_hooks or self.run
        return step_fn(StepContext(raw_session, run_with_hooks))


class StepContext:
    """Gives a step function the session.

    Args:
      session: the session, without hooks.
      run_with_hooks_fn: runs it with hooks.
    """

    def __init__(self, session: Any, run_with_hooks_fn: Any) -> None:
        self._session = session
        self._run_with_hooks_fn = run_with_hooks_fn

    @property
    def session(self) -> Any:
        """The session, without hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the session with hooks."""
        return self._run_with_hooks_fn(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the training: raises ``StopIteration``, which the monitored session's block takes."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class RecoverableSession(WrappedSession):
    """Makes a new session, and repeats the run, when a run fails since a process was lost.

    Args:
      sess_creator: makes sessions.
    """

    def __init__(self, sess_creator: SessionCreator) -> None:
        self._sess_creator = sess_creator
        super().__init__(self._create_session())

    def _create_session(self) -> Any:
        while True:
            try:
                return self._sess_creator.create_session()
            except PREEMPTION_ERRORS as error:
                logging.info("A process was lost while a session was made; it is made again. Error: %s", error)

    def _lose(self, error: Exception) -> None:
        logging.info("A process was lost; a new session is made. Error: %s", error)
        self.close()
        self._sess = None

    def _check_stop(self) -> bool:
        try:
            return bool(self._sess._check_stop()) if self._sess else True
        except PREEMPTION_ERRORS as error:
            self._lose(error)
            # A session will be made for the next run.
            self._sess = self._create_session()
            return False
        except Exception:
            # ``run`` will meet the error again, and raise it.
            return False

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs the session, or a new one."""
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return self._sess.run(fetches, feed_dict, options, run_metadata)
            except PREEMPTION_ERRORS as error:
                self._lose(error)

    def run_step_fn(self, step_fn: Any, raw_session: Any, run_with_hooks: Any) -> Any:
        """Calls a step function, again with a new session after a failure."""
        while True:
            try:
                if not self._sess:
                    self._sess = self._create_session()
                return self._sess.run_step_fn(step_fn, raw_session, self._sess.run)
            except PREEMPTION_ERRORS as error:
                self._lose(error)
                self._sess = self._create_session()
                raw_session = self._sess_creator.tf_sess  # type: ignore[attr-defined]


class CoordinatedSession(WrappedSession):
    """Stops and joins the threads of a coordinator when it is closed, and raises their errors.

    Args:
      sess: the session.
      coord: the coordinator.
      stop_grace_period_secs: how long threads have to stop.
    """

    def __init__(self, sess: Any, coord: Coordinator, stop_grace_period_secs: float = 120) -> None:
        super().__init__(sess)
        self._coord = coord
        self._stop_grace_period_secs = stop_grace_period_secs

    def _check_stop(self) -> bool:
        # A lost process shows in any thread; the session around this one begins anew.
        self._coord.raise_requested_exception()
        return self._coord.should_stop()

    def close(self) -> None:
        """Stops the threads, waits for them and closes the session."""
        self._coord.request_stop()
        try:
            self._coord.join(stop_grace_period_secs=self._stop_grace_period_secs, ignore_live_threads=True)
        finally:
            try:
                super().close()
            except Exception as error:
                # The error of a thread, which is on its way, says more.
                logging.info("Closing the session failed: %s", error)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the session; if that fails since a thread failed, raises the thread's error."""
        try:
            return self._sess.run(*args, **kwargs)
        except PREEMPTION_ERRORS:
            raise
        except Exception as error:
            try:
                self._coord.raise_requested_exception()
            except PREEMPTION_ERRORS:
                raise
            except Exception:
                raise error from None
            raise


class HookedSession(WrappedSession):
    """Calls hooks before and after each run.

    Args:
      sess: the session.
      hooks: the hooks.
    """

    def __init__(self, sess: Any, hooks: Sequence[SessionRunHook]) -> None:
        super().__init__(sess)
        self._hooks = list(hooks)
        self._should_stop = False

    def _check_stop(self) -> bool:
        return self._should_stop

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs the caller's fetches together with those of the hooks.

        Raises:
          RuntimeError: a stop was asked for; or a tensor is fed twice.
        """
        if self.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        run_context = SessionRunContext(SessionRunArgs(fetches, feed_dict), self._sess)
        wanted: list[Any] = [fetches]
        takers: dict[int, int] = {}
        hook_feeds: dict[Any, Any] = {}
        hook_options: list[Any] = []
        for position, hook in enumerate(self._hooks):
            request = hook.before_run(run_context)
            if request is None:
                continue
            if not isinstance(request, SessionRunArgs):
                raise TypeError(
                    f"{type(hook).__name__}.before_run must return SessionRunArgs or None, got {request!r}."
                )
            if request.fetches is not None:
                takers[position] = len(wanted)
                wanted.append(request.fetches)
            if request.feed_dict:
                _check_disjoint(hook_feeds, request.feed_dict, "two hooks")
                hook_feeds.update(request.feed_dict)
            if request.options is not None:
                hook_options.append(request.options)
        if hook_feeds:
            if feed_dict:
                _check_disjoint(hook_feeds, feed_dict, "a SessionRunHook and user")
            feed_dict = {**(feed_dict or {}), **hook_feeds}
        if not self._hooks:
            return self._sess.run(fetches, feed_dict, options, run_metadata)
        from tideflow._src.graph import protos  # loads protobuf at its first use

        shown_options = _merged_options(options, hook_options)
        shown_metadata = run_metadata if run_metadata is not None else protos.get("RunMetadata")()
        if shown_options.trace_level or run_metadata is not None:
            values = self._sess.run(wanted, feed_dict, shown_options, shown_metadata)
        elif shown_options.timeout_in_ms:
            values = self._sess.run(wanted, feed_dict, shown_options)
        else:
            values = self._sess.run(wanted, feed_dict)
        for position, hook in enumerate(self._hooks):
            taker = takers.get(position)
            result = None if taker is None else values[taker]
            hook.after_run(run_context, SessionRunValues(result, shown_options, shown_metadata))
        self._should_stop = self._should_stop or run_context.stop_requested
        return values[0]


def _check_disjoint(first: Any, second: Any, who: str) -> None:
    """Raises RuntimeError if a tensor is fed by both."""
    names = {_identity(key) for key in first}
    twice = [key for key in second if _identity(key) in names]
    if twice:
        raise RuntimeError(f"Same tensor is fed by {who}. Conflict(s): {twice}")


def _identity(key: Any) -> Any:
    """Returns what says whether two keys of feeds are the same."""
    return id(key) if isinstance(key, Tensor) else key


def _merged_options(options: Any, others: Sequence[Any]) -> Any:
    """Returns ``RunOptions`` that ask for the most of what is asked for."""
    from tideflow._src.graph import protos  # loads protobuf at its first use

    merged = protos.get("RunOptions")()
    if options is not None:
        merged.CopyFrom(options)
    for other in others:
        merged.trace_level = max(merged.trace_level, other.trace_level)
        merged.timeout_in_ms = max(merged.timeout_in_ms, other.timeout_in_ms)
        merged.inter_op_thread_pool = max(merged.inter_op_thread_pool, other.inter_op_thread_pool)
        merged.output_partition_graphs |= other.output_partition_graphs
        merged.report_tensor_allocations_upon_oom |= other.report_tensor_allocations_upon_oom
        merged.debug_options.debug_tensor_watch_opts.extend(other.debug_options.debug_tensor_watch_opts)
    return merged
