"""The hooks that write files: checkpoints and summaries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.core import logger as logging
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.train.basic_session_run_hooks import global_step_for
from tideflow._src.train.hook_timers import SecondOrStepTimer
from tideflow._src.train.lazy_files import session_log, shared_writer, write_graph_and_meta_graph
from tideflow._src.train.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues


class CheckpointSaverListener:
    """Is told when a :class:`CheckpointSaverHook` writes a checkpoint; a subclass defines what it needs."""

    def begin(self) -> None:
        """Is called before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Is called before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """Is called after a checkpoint was written; returns True to ask for the end of the training."""

    def end(self, session: Any, global_step_value: int) -> None:
        """Is called after the last checkpoint."""


class CheckpointSaverHook(SessionRunHook):
    """Writes a checkpoint at the start, every so many steps or seconds, and at the end.

    Args:
      checkpoint_dir: where to write.
      save_secs: how many seconds lie between two checkpoints.
      save_steps: how many steps lie between.
      saver: the ``Saver``.
      checkpoint_basename: the start of the files' names.
      scaffold: has the saver, instead.
      listeners: a list of :class:`CheckpointSaverListener`.
      save_graph_def: whether to write the graph, as ``graph.pbtxt`` and as an event.

    Raises:
      ValueError: both a saver and a scaffold are given, or not exactly one of the intervals.
    """

    def __init__(
        self,
        checkpoint_dir: str,
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
    ) -> None:
        logging.info("Create CheckpointSaverHook.")
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver = saver
        self._scaffold = scaffold
        self._checkpoint_dir = checkpoint_dir
        self._save_path = os.path.join(checkpoint_dir, checkpoint_basename)
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)
        self._listeners = list(listeners or ())
        self._save_graph_def = save_graph_def

    def begin(self) -> None:
        """Opens the writer of events and finds the global step."""
        self._summary_writer = shared_writer(self._checkpoint_dir)
        self._global_step_tensor = global_step_for("CheckpointSaverHook")
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph and a first checkpoint."""
        step = int(session.run(self._global_step_tensor))
        if self._save_graph_def:
            graph = context.default_graph()
            write_graph_and_meta_graph(graph, self._checkpoint_dir, self._summary_writer, self._get_saver().saver_def)
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step."""
        return SessionRunArgs(self._global_step_tensor)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes a checkpoint if it is time."""
        if not self._timer.should_trigger_for_step(run_values.results + 1):
            return
        step = int(run_context.session.run(self._global_step_tensor))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Writes the last checkpoint."""
        last = int(session.run(self._global_step_tensor))
        if last != self._timer.last_triggered_step():
            self._save(session, last)
        for listener in self._listeners:
            listener.end(session, last)
        self._summary_writer.flush()

    def _save(self, session: Any, step: int) -> bool:
        """Writes a checkpoint; returns whether a listener asks for the end."""
        logging.info("Saving checkpoints for %d into %s.", step, self._save_path)
        for listener in self._listeners:
            listener.before_save(session, step)
        self._get_saver().save(session, self._save_path, global_step=step, write_meta_graph=self._save_graph_def)
        log = session_log("CHECKPOINT", checkpoint_path=self._save_path)
        self._summary_writer.add_session_log(log, step)
        should_stop = False
        for listener in self._listeners:
            if listener.after_save(session, step):
                logging.info("A CheckpointSaverListener requested that training be stopped. listener: %s", listener)
                should_stop = True
        return should_stop

    def _get_saver(self) -> Any:
        if self._saver is None:
            self._saver = self._scaffold.saver if self._scaffold is not None else self._saver_of_graph()
        return self._saver

    @staticmethod
    def _saver_of_graph() -> Any:
        savers = context.default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(
                f"The collection {GraphKeys.SAVERS} holds {len(savers)} savers, expected one. "
                "Pass `saver` or `scaffold` to CheckpointSaverHook."
            )
        return savers[0]


class SummarySaverHook(SessionRunHook):
    """Writes summaries every so many steps or seconds.

    Args:
      save_steps: how many steps lie between.
      save_secs: how many seconds lie between.
      output_dir: where to write.
      summary_writer: what writes them, instead.
      scaffold: has the operation that computes summaries.
      summary_op: the operation itself (a string tensor) or a list of such.

    Raises:
      ValueError: not exactly one of the operation and the scaffold is given, or of the intervals.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op = summary_op
        self._summary_writer = summary_writer
        self._output_dir = output_dir
        self._scaffold = scaffold
        self._timer = SecondOrStepTimer(every_secs=save_secs, every_steps=save_steps)

    def begin(self) -> None:
        """Opens the writer and finds the global step."""
        if self._summary_writer is None and self._output_dir:
            self._summary_writer = shared_writer(self._output_dir)
        self._next_step: int | None = None
        self._global_step_tensor = global_step_for("SummarySaverHook")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step, and for the summaries if it is time."""
        self._request_summary = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        fetches = {"global_step": self._global_step_tensor}
        operations = self._operations() if self._request_summary else None
        if operations is not None:
            fetches["summary"] = operations
        return SessionRunArgs(fetches)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes the summaries."""
        if not self._summary_writer:
            return
        step = int(run_values.results["global_step"]) + 1
        if self._next_step is None or self._request_summary:
            step = int(run_context.session.run(self._global_step_tensor))
        if self._next_step is None:
            self._summary_writer.add_session_log(session_log("START"), step)
        if self._request_summary:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._summary_writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        """Writes out what is buffered."""
        if self._summary_writer:
            self._summary_writer.flush()

    def _operations(self) -> list[Any] | None:
        operation = self._summary_op if self._summary_op is not None else self._scaffold.summary_op
        if operation is None:
            return None
        return list(operation) if isinstance(operation, list | tuple) else [operation]
