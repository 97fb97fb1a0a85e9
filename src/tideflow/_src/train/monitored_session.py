"""Defines ``MonitoredSession`` and its kin: sessions that initialize, restore, call hooks and recover by themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import context, errors
from tideflow._src.train.basic_session_run_hooks import StepCounterHook
from tideflow._src.train.coordinator import Coordinator
from tideflow._src.train.queue_runner import start_queue_runners
from tideflow._src.train.saving_hooks import CheckpointSaverHook, SummarySaverHook
from tideflow._src.train.scaffold import Scaffold
from tideflow._src.train.session_creators import ChiefSessionCreator, SessionCreator, WorkerSessionCreator
from tideflow._src.train.session_run_hook import SessionRunHook
from tideflow._src.train.wrapped_sessions import (
    CoordinatedSession,
    HookedSession,
    RecoverableSession,
    StepContext,
    WrappedSession,
)

#: Stands for an interval that the caller does not name; None switches something off.
USE_DEFAULT: Any = object()


class _CoordinatedSessionCreator(SessionCreator):
    """Makes sessions with hooks, whose threads a coordinator stops."""

    def __init__(
        self, session_creator: SessionCreator, hooks: Sequence[SessionRunHook], stop_grace_period_secs: float
    ) -> None:
        self._session_creator = session_creator
        self._hooks = hooks
        self._stop_grace_period_secs = stop_grace_period_secs
        self.coord: Coordinator | None = None
        self.tf_sess: Any = None

    def create_session(self) -> Any:
        """Returns a new session: its queue runners are started, and its hooks have seen it."""
        self.tf_sess = self._session_creator.create_session()
        self.coord = Coordinator(clean_stop_exception_types=())
        if context.default_graph().get_collection("queue_runners"):
            start_queue_runners(sess=self.tf_sess, coord=self.coord)
        for hook in self._hooks:
            hook.after_create_session(self.tf_sess, self.coord)
        return CoordinatedSession(HookedSession(self.tf_sess, self._hooks), self.coord, self._stop_grace_period_secs)


class _MonitoredSession:
    """Runs operations with hooks; the two public classes differ in whether they recover."""

    def __init__(
        self,
        session_creator: SessionCreator | None,
        hooks: Sequence[SessionRunHook] | None,
        should_recover: bool,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph_was_finalized = context.default_graph().finalized
        self._hooks = list(hooks or ())
        for hook in self._hooks:
            hook.begin()
        self._creator = _CoordinatedSessionCreator(
            session_creator or ChiefSessionCreator(), self._hooks, stop_grace_period_secs
        )
        self._sess: WrappedSession | None
        if should_recover:
            self._sess = RecoverableSession(self._creator)
        else:
            self._sess = self._creator.create_session()

    @property
    def graph(self) -> Any:
        """The graph that this session runs; None if it is closed."""
        return None if self._creator.tf_sess is None else self._creator.tf_sess.graph

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Runs operations as ``Session.run`` does, together with what the hooks ask for.

        Args:
          fetches, feed_dict, options, run_metadata: as of ``Session.run``.

        Raises:
          RuntimeError: the session is closed or asked to stop.
        """
        return self._open().run(fetches, feed_dict, options, run_metadata)

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls a function that may run the session several times, with and without hooks.

        Args:
          step_fn: a function of ``step_context``, which has ``session``, ``run_with_hooks`` and ``request_stop``.

        Returns:
          What the function returns.

        Raises:
          ValueError: the function's arguments are others.
          StopIteration: the function asked for a stop.
          RuntimeError: the session is closed.
        """
        if not callable(step_fn):
            raise TypeError(f"step_fn must be a function of step_context, got {step_fn!r}.")
        # The names that a function has before it is bound, so that ``self`` of a method is seen.
        plain = getattr(step_fn, "__func__", step_fn)
        names = tuple(inspect.signature(plain).parameters)
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                "`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's "
                f"an instance method. Got {names} instead."
            )
        return self._open().run_step_fn(step_fn, self._creator.tf_sess, None)

    def _open(self) -> WrappedSession:
        if self._sess is None:
            raise RuntimeError("Attempted to use a closed session: this MonitoredSession is closed.")
        return self._sess

    def should_stop(self) -> bool:
        """Tells whether the training is to end: a hook or a thread asked for it, or the session is closed."""
        return self._sess is None or self._sess.should_stop()

    def close(self) -> None:
        """Calls the hooks' ``end``, stops threads and closes the session."""
        self._close_internal()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, exception_type: Any, exception_value: Any, traceback: Any) -> bool:
        if exception_type in (errors.OutOfRangeError, StopIteration):
            exception_type = None
        self._close_internal(exception_type)
        # A true value tells Python that the exception has been dealt with.
        return exception_type is None

    def _close_internal(self, exception_type: Any = None) -> None:
        try:
            if not exception_type:
                for hook in self._hooks:
                    hook.end(self._creator.tf_sess)
        finally:
            try:
                if self._sess is None:
                    raise RuntimeError("Session is already closed.")
                self._sess.close()
            finally:
                self._sess = None
                self._creator.tf_sess = None
                self._creator.coord = None
                if not self._graph_was_finalized:
                    context.default_graph()._unsafe_unfinalize()

    def _is_closed(self) -> bool:
        return self._creator.tf_sess is None

    def _tf_sess(self) -> Any:
        return self._creator.tf_sess


class MonitoredSession(_MonitoredSession):
    """Is a session that initializes or restores variables, starts queues, calls hooks and survives lost processes.

    Leaving its block calls the hooks' ``end`` and closes it; ``OutOfRangeError`` and ``StopIteration`` end the block
    as if it had come to its end.

    Args:
      session_creator: makes the session; ``ChiefSessionCreator()`` if None.
      hooks: a list of :class:`SessionRunHook`.
      stop_grace_period_secs: how long threads have to stop when the session is closed.
    """

    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """Is a :class:`MonitoredSession` that does not recover, and gives its session away.

    Args:
      hooks: a list of :class:`SessionRunHook`.
      scaffold: the parts of the graph.
      master: the target of the session.
      config: a ``ConfigProto``.
      checkpoint_dir: where to look for a checkpoint to restore.
      stop_grace_period_secs: how long threads have to stop when the session is closed.
      checkpoint_filename_with_path: the checkpoint itself.
    """

    StepContext = StepContext

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        creator = ChiefSessionCreator(
            scaffold=scaffold,
            master=master,
            config=config,
            checkpoint_dir=checkpoint_dir,
            checkpoint_filename_with_path=checkpoint_filename_with_path,
        )
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """Returns the session without hooks; None if it is closed."""
        return self._tf_sess()


def MonitoredTrainingSession(  # the name is TensorFlow's
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: Any = USE_DEFAULT,
    save_summaries_steps: Any = USE_DEFAULT,
    save_summaries_secs: Any = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: Any = USE_DEFAULT,
    summary_dir: str | None = None,
    save_graph_def: bool = True,
) -> MonitoredSession:
    """Makes a monitored session for training, with hooks that count steps and write checkpoints and summaries.

    Args:
      master: the target of the session.
      is_chief: whether this task initializes variables and writes files; else it waits for the chief.
      checkpoint_dir: where to restore from and write to; None to do neither.
      scaffold: the parts of the graph.
      hooks: more hooks.
      chief_only_hooks: more hooks for the chief.
      save_checkpoint_secs: seconds between two checkpoints; 600 if neither this nor the steps are given, None for none.
      save_summaries_steps: steps between two summaries; 100 if neither this nor the seconds are given, None for none.
      save_summaries_secs: seconds between two summaries.
      config: a ``ConfigProto``.
      stop_grace_period_secs: how long threads have to stop when the session is closed.
      log_step_count_steps: steps between two messages of how many steps a second takes.
      max_wait_secs: how long a task that is not the chief waits.
      save_checkpoint_steps: steps between two checkpoints.
      summary_dir: where to write summaries; ``checkpoint_dir`` if None.
      save_graph_def: whether to write the graph with checkpoints.
    """
    if save_summaries_steps is USE_DEFAULT and save_summaries_secs is USE_DEFAULT:
        save_summaries_steps = 100
    save_summaries_steps, save_summaries_secs = _given(save_summaries_steps), _given(save_summaries_secs)
    if save_checkpoint_steps is USE_DEFAULT and save_checkpoint_secs is USE_DEFAULT:
        save_checkpoint_secs = 600
    save_checkpoint_steps, save_checkpoint_secs = _given(save_checkpoint_steps), _given(save_checkpoint_secs)
    scaffold = scaffold or Scaffold()
    if not is_chief:
        worker = WorkerSessionCreator(scaffold=scaffold, master=master, config=config, max_wait_secs=max_wait_secs)
        return MonitoredSession(worker, hooks or [], stop_grace_period_secs)
    all_hooks: list[SessionRunHook] = list(chief_only_hooks or ())
    summary_dir = summary_dir or checkpoint_dir
    if summary_dir:
        if log_step_count_steps and log_step_count_steps > 0:
            all_hooks.append(StepCounterHook(output_dir=summary_dir, every_n_steps=log_step_count_steps))
        if (save_summaries_steps or 0) > 0 or (save_summaries_secs or 0) > 0:
            all_hooks.append(
                SummarySaverHook(
                    scaffold=scaffold,
                    save_steps=save_summaries_steps,
                    save_secs=save_summaries_secs,
                    output_dir=summary_dir,
                )
            )
    if checkpoint_dir and ((save_checkpoint_secs or 0) > 0 or (save_checkpoint_steps or 0) > 0):
        all_hooks.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_steps=save_checkpoint_steps,
                save_secs=save_checkpoint_secs,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
            )
        )
    all_hooks.extend(hooks or ())
    chief = ChiefSessionCreator(scaffold=scaffold, master=master, config=config, checkpoint_dir=checkpoint_dir)
    return MonitoredSession(chief, all_hooks, stop_grace_period_secs)


def _given(interval: Any) -> Any:
    return None if interval is USE_DEFAULT else interval
