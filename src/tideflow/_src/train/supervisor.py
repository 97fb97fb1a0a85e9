"""Defines ``Supervisor``: a session with services that save checkpoints, write summaries and count steps in threads."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tideflow._src.core import context
from tideflow._src.core import logger as logging
from tideflow._src.ops.control.grouping import group
from tideflow._src.state import variable_collections
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.train import global_step as global_steps
from tideflow._src.train.coordinator import Coordinator, LooperThread
from tideflow._src.train.lazy_files import (
    merged_summaries,
    new_writer,
    scalar_summary,
    session_log,
    write_graph_and_meta_graph,
)
from tideflow._src.train.session_manager import SessionManager


class Supervisor:
    """Makes a session ready to train and runs services beside it.

    What is ``USE_DEFAULT`` is taken from the graph's collections or made; None switches it off.

    Args:
      graph: the graph; the default graph if None. It is finalized.
      ready_op: returns the names of what is not initialized.
      ready_for_local_init_op: the same for what must be ready before ``local_init_op``.
      is_chief: whether this task initializes variables and runs the services; else it waits for the chief.
      init_op: initializes variables when there is no checkpoint.
      init_feed_dict: values to feed to it.
      local_init_op: initializes what belongs to this process.
      logdir: where checkpoints and summaries are written; None for nowhere.
      summary_op: computes all summaries.
      saver: saves and restores variables.
      global_step: counts the steps.
      save_summaries_secs: seconds between two summaries; 0 for none.
      save_model_secs: seconds between two checkpoints; 0 for none.
      recovery_wait_secs: seconds between two looks at whether a session is ready.
      stop_grace_secs: how long threads have to stop.
      checkpoint_basename: the name of checkpoints.
      session_manager: makes sessions, instead of one made here.
      summary_writer: writes summaries; None for none.
      init_fn: a function of the session, called after ``init_op``.
      local_init_run_options: ``RunOptions`` for ``local_init_op``.

    Raises:
      RuntimeError: called eagerly.
    """

    #: Stands for what the caller does not name.
    USE_DEFAULT = 0

    def __init__(
        self,
        graph: Any = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: Any = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: str | None = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], None] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        if context.executing_eagerly():
            raise RuntimeError("Supervisors are incompatible with eager execution.")
        if graph is None:
            graph = context.default_graph()
        self._graph = graph
        with graph.as_default():
            self._ready_op = _chosen(ready_op, GraphKeys.READY_OP, variable_collections.report_uninitialized_variables)
            self._ready_for_local_init_op = _chosen(ready_for_local_init_op, GraphKeys.READY_FOR_LOCAL_INIT_OP, None)
            self._init_op = _chosen(init_op, GraphKeys.INIT_OP, variable_collections.global_variables_initializer)
            self._init_feed_dict = init_feed_dict
            self._local_init_op = _chosen(local_init_op, GraphKeys.LOCAL_INIT_OP, _default_local_init_op)
            self._local_init_run_options = local_init_run_options
            self._saver = _chosen(saver, GraphKeys.SAVERS, _default_saver)
            self._summary_op = _chosen(summary_op, GraphKeys.SUMMARY_OP, merged_summaries)
            self._global_step = _chosen(global_step, GraphKeys.GLOBAL_STEP, _default_global_step)
        self._is_chief = is_chief
        self._coord = Coordinator()
        self._recovery_wait_secs = recovery_wait_secs
        self._stop_grace_secs = stop_grace_secs
        self._init_fn = init_fn
        self._logdir: str | None = None
        self._save_summaries_secs: float | None = None
        self._save_model_secs: float | None = None
        self._save_path: str | None = None
        self._summary_writer: Any = None
        if is_chief and logdir:
            self._logdir = logdir
            self._save_summaries_secs = save_summaries_secs
            self._save_model_secs = save_model_secs
            self._save_path = os.path.join(logdir, checkpoint_basename)
            if summary_writer is Supervisor.USE_DEFAULT:
                self._summary_writer = new_writer(logdir)
            else:
                self._summary_writer = summary_writer
        if session_manager is None:
            session_manager = SessionManager(
                local_init_op=self._local_init_op,
                ready_op=self._ready_op,
                ready_for_local_init_op=self._ready_for_local_init_op,
                graph=graph,
                recovery_wait_secs=recovery_wait_secs,
                local_init_run_options=local_init_run_options,
            )
        self._session_manager = session_manager
        self._graph_added_to_summary = False
        # Nothing may be added once threads run the graph.
        graph.finalize()

    @property
    def is_chief(self) -> bool:
        """Whether this task initializes variables and runs the services."""
        return self._is_chief

    @property
    def session_manager(self) -> SessionManager:
        """Makes the sessions."""
        return self._session_manager

    @property
    def coord(self) -> Coordinator:
        """Stops the threads of the services."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """Initializes variables."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """The values to feed to ``init_op``."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """Returns the names of what is not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Returns the names of what must be initialized before ``local_init_op`` runs."""
        return self._ready_for_local_init_op

    @property
    def summary_writer(self) -> Any:
        """Writes summaries; None if this task is not the chief or has no ``logdir``."""
        return self._summary_writer

    @property
    def summary_op(self) -> Any:
        """Computes all summaries."""
        return self._summary_op

    @property
    def save_summaries_secs(self) -> float | None:
        """Seconds between two summaries."""
        return self._save_summaries_secs

    @property
    def global_step(self) -> Any:
        """Counts the steps; None if the graph has no global step."""
        return self._global_step

    @property
    def saver(self) -> Any:
        """Saves and restores the variables."""
        return self._saver

    @property
    def save_model_secs(self) -> float | None:
        """Seconds between two checkpoints."""
        return self._save_model_secs

    @property
    def save_path(self) -> str | None:
        """The start of the checkpoints' names."""
        return self._save_path

    def start_standard_services(self, sess: Any) -> list[LooperThread] | None:
        """Starts the threads that write summaries, count steps and save checkpoints.

        Args:
          sess: the session.

        Returns:
          The threads; None without a ``logdir``.

        Raises:
          RuntimeError: this task is not the chief.
        """
        if not self._is_chief:
            raise RuntimeError(
                "Only chief supervisor can start standard services. Because only chief supervisors can write events."
            )
        if not self._logdir:
            logging.warning("Standard services need a 'logdir' passed to the SessionManager")
            return None
        if self._global_step is not None and self._summary_writer:
            # A first log tells whoever reads the events that runs before this one, of later steps, are void.
            current = int(sess.run(self._global_step))
            self._summary_writer.add_session_log(session_log("START"), current)
        threads: list[LooperThread] = []
        if self._save_summaries_secs and self._summary_writer:
            if self._summary_op is not None:
                threads.append(_SummaryThread(self, sess, self._save_summaries_secs))
            if self._global_step is not None:
                threads.append(_StepCounterThread(self, sess, self._save_summaries_secs))
        if self.saver and self._save_model_secs:
            threads.append(_CheckpointThread(self, sess, self._save_model_secs))
        for thread in threads:
            thread.start()
        return threads

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """Makes a session that is ready: the chief restores or initializes it, others wait.

        Args:
          master: the target of the session.
          config: a ``ConfigProto``.
          wait_for_checkpoint: whether the chief waits for a checkpoint.
          max_wait_secs: how long to wait.
          start_standard_services: whether to start the services.

        Returns:
          The session; its queue runners run.
        """
        self._coord.clear_stop()
        if self._summary_writer:
            self._summary_writer.reopen()
        if self._is_chief:
            session = self._session_manager.prepare_session(
                master,
                init_op=self.init_op,
                saver=self.saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            self._write_graph()
            if start_standard_services:
                logging.info("Starting standard services.")
                self.start_standard_services(session)
        else:
            session = self._session_manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        if start_standard_services:
            logging.info("Starting queue runners.")
            self.start_queue_runners(session)
        return session

    def _write_graph(self) -> None:
        """Writes the graph to ``logdir`` and to the events."""
        if not self._logdir:
            return
        writer = self._summary_writer if not self._graph_added_to_summary else None
        write_graph_and_meta_graph(self._graph, self._logdir, writer, self.saver.saver_def if self.saver else None)
        self._graph_added_to_summary = self._graph_added_to_summary or bool(writer)

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[Any] | None = None) -> list[Any]:
        """Starts the threads of queue runners, by default those of the graph, and returns the threads.

        Raises:
          RuntimeError: called eagerly.
        """
        if context.executing_eagerly():
            raise RuntimeError("Queues are not compatible with eager execution.")
        if queue_runners is None:
            queue_runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        threads: list[Any] = []
        for runner in queue_runners:
            threads.extend(runner.create_threads(sess, coord=self._coord, daemon=True, start=True))
        return threads

    def loop(
        self, timer_interval_secs: float | None, target: Callable[..., Any], args: Any = None, kwargs: Any = None
    ) -> LooperThread:
        """Starts a thread that calls a function until the supervisor stops, and returns it.

        Args:
          timer_interval_secs: seconds from one call to the next; None to call without a pause.
          target: the function.
          args, kwargs: its arguments.
        """
        looper = LooperThread(self._coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def stop(self, threads: Any = None, close_summary_writer: bool = True, ignore_live_threads: bool = False) -> None:
        """Stops the services and waits for their threads.

        Args:
          threads: threads to wait for, beside those of the coordinator.
          close_summary_writer: whether to close the writer of summaries.
          ignore_live_threads: whether threads that live longer than the grace period are no error.

        Raises:
          RuntimeError: threads are still alive.
          Exception: the error with which a thread stopped.
        """
        self._coord.request_stop()
        try:
            self._coord.join(
                threads, stop_grace_period_secs=self._stop_grace_secs, ignore_live_threads=ignore_live_threads
            )
        finally:
            if close_summary_writer and self._summary_writer:
                self._summary_writer.add_session_log(session_log("STOP"))
                self._summary_writer.close()
                self._graph_added_to_summary = False

    def request_stop(self, ex: Any = None) -> None:
        """Asks the services to stop; see :meth:`Coordinator.request_stop`."""
        self._coord.request_stop(ex=ex)

    def should_stop(self) -> bool:
        """Tells whether a stop was asked for."""
        return self._coord.should_stop()

    def stop_on_exception(self) -> Any:
        """Returns a context that asks for a stop if its block raises."""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is asked for."""
        self._coord.wait_for_stop()

    def summary_computed(self, sess: Any, summary: Any, global_step: Any = None) -> None:
        """Writes a summary.

        Args:
          sess: the session, which gives the global step.
          summary: a serialized ``Summary``.
          global_step: the step; by default what the session says.

        Raises:
          TypeError: ``summary`` is not bytes.
          RuntimeError: there is no writer.
        """
        if not self._summary_writer:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = int(sess.run(self.global_step))
        self._summary_writer.add_summary(summary, global_step)

    @contextlib.contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """Makes a session and the services for a block; at its end stops and closes them.

        An error in the block or in a thread stops everything and is raised, unless it says that the work is done
        (``OutOfRangeError``).

        Args:
          master: the target of the session.
          config: a ``ConfigProto``.
          start_standard_services: whether to start the services.
          close_summary_writer: whether to close the writer of summaries at the end.
        """
        session = None
        try:
            session = self.prepare_or_wait_for_session(
                master=master, config=config, start_standard_services=start_standard_services
            )
            with session.as_default(), self._graph.as_default():
                yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                # A thread may wait for a queue that only closing the session ends, so none is waited for too long.
                self.stop(close_summary_writer=close_summary_writer, ignore_live_threads=True)
            finally:
                if session is not None:
                    with contextlib.suppress(Exception):
                        session.close()

    # The names before TensorFlow 1.0.
    PrepareSession = prepare_or_wait_for_session
    StartQueueRunners = start_queue_runners
    StartStandardServices = start_standard_services
    Stop = stop
    RequestStop = request_stop
    Loop = loop
    ShouldStop = should_stop
    StopOnException = stop_on_exception
    WaitForStop = wait_for_stop
    SummaryComputed = summary_computed


def _chosen(given: Any, key: str, make: Callable[[], Any] | None) -> Any:
    """Returns what the caller gave; else the first of a collection; else makes it and adds it there."""
    if given is not Supervisor.USE_DEFAULT:
        return given
    graph = context.default_graph()
    found = graph.get_collection(key)
    if found:
        if len(found) > 1:
            logging.info("Found %d elements in collection %r. Using the first.", len(found), key)
        return found[0]
    made = make() if make is not None else None
    if made is not None:
        graph.add_to_collection(key, made)
    return made


def _default_local_init_op() -> Any:
    initializers = [variable_collections.local_variables_initializer(), variable_collections.tables_initializer()]
    return group(*initializers)


def _default_saver() -> Any:
    if not variable_collections.global_variables():
        return None
    from tideflow._src.checkpoint.saver import Saver  # checkpoints load when they are used

    return Saver()


def _default_global_step() -> Any:
    return global_steps.get_global_step()


class _Service(LooperThread):
    """Is a thread of a supervisor; the supervisor's graph is the default one in it."""

    def __init__(self, supervisor: Supervisor, sess: Any, interval: float | None) -> None:
        super().__init__(supervisor.coord, interval)
        self._supervisor = supervisor
        self._sess = sess

    def run(self) -> None:
        """Runs the service until the supervisor stops."""
        with self._supervisor._graph.as_default():
            super().run()


class _SummaryThread(_Service):
    """Writes summaries."""

    def run_loop(self) -> None:
        """Computes the summaries and writes them."""
        supervisor = self._supervisor
        if supervisor.global_step is not None:
            summary, step = self._sess.run([supervisor.summary_op, supervisor.global_step])
        else:
            summary, step = self._sess.run(supervisor.summary_op), None
        if supervisor.summary_writer:
            logging.info("Recording summary at step %s.", step)
            supervisor.summary_writer.add_summary(summary, step)


class _StepCounterThread(_Service):
    """Writes how many steps are taken in a second."""

    def __init__(self, supervisor: Supervisor, sess: Any, interval: float | None) -> None:
        super().__init__(supervisor, sess, interval)
        self._last_time = 0.0
        self._last_step = 0
        self._tag = f"{supervisor.global_step.op.name}/sec"

    def start_loop(self) -> None:
        """Remembers where counting starts."""
        self._last_time = time.time()
        self._last_step = global_steps.global_step(self._sess, self._supervisor.global_step)

    def run_loop(self) -> None:
        """Writes the rate since the last call."""
        step = global_steps.global_step(self._sess, self._supervisor.global_step)
        now = time.time()
        # Clocks are coarse: no time may have passed.
        rate = (step - self._last_step) / max(now - self._last_time, 1e-9)
        self._last_step, self._last_time = step, now
        if self._supervisor.summary_writer:
            self._supervisor.summary_writer.add_summary(scalar_summary(self._tag, rate), step)
        logging.info("%s: %g", self._tag, rate)


class _CheckpointThread(_Service):
    """Saves checkpoints."""

    def run_loop(self) -> None:
        """Saves a checkpoint."""
        supervisor = self._supervisor
        logging.info("Saving checkpoint to path %s", supervisor.save_path)
        supervisor.saver.save(self._sess, supervisor.save_path, global_step=supervisor.global_step)
        if supervisor.summary_writer and supervisor.global_step is not None:
            log = session_log("CHECKPOINT", checkpoint_path=supervisor.save_path)
            step = global_steps.global_step(self._sess, supervisor.global_step)
            supervisor.summary_writer.add_session_log(log, step)
