"""Defines ``SessionManager``: makes a session whose variables are restored or initialized."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context, errors
from tideflow._src.core import logger as logging
from tideflow._src.session.session import Session


class SessionManager:
    """Makes sessions that are ready: from a checkpoint, by initialization, or by waiting for another task.

    Args:
      local_init_op: initializes what belongs to this process; run in each new session.
      ready_op: returns the names of what is not initialized.
      ready_for_local_init_op: the same for what must be ready before ``local_init_op``.
      graph: the graph; the default graph if None.
      recovery_wait_secs: seconds between two looks at whether a session is ready.
      local_init_run_options: ``RunOptions`` for ``local_init_op``.
      local_init_feed_dict: values to feed to it.

    Raises:
      ValueError: ``ready_for_local_init_op`` is given without ``local_init_op``.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Any = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                "If you pass a ready_for_local_init_op you must also pass a local_init_op , "
                f"ready_for_local_init_op [{ready_for_local_init_op}]"
            )
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = context.default_graph() if graph is None else graph
        self._recovery_wait_secs = recovery_wait_secs
        self._local_init_run_options = local_init_run_options
        self._local_init_feed_dict = local_init_feed_dict
        self._target: str | None = None

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[[Any], None] | None = None,
    ) -> Any:
        """Makes a session: restored from a checkpoint if there is one, else initialized.

        Args:
          master: the target of the session.
          init_op: initializes the variables if there is no checkpoint.
          saver: restores them.
          checkpoint_dir: where to look for checkpoints.
          checkpoint_filename_with_path: the checkpoint itself.
          wait_for_checkpoint: whether to wait until there is one.
          max_wait_secs: how long to wait for it.
          config: a ``ConfigProto``.
          init_feed_dict: values to feed to ``init_op``.
          init_fn: a function of the session, called after ``init_op``.

        Returns:
          The session.

        Raises:
          RuntimeError: there is neither a checkpoint nor something to initialize with, or the model is not ready after
            initialization.
          ValueError: both a directory and a checkpoint are given.
        """
        session, is_restored = self._restore_checkpoint(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        if not is_restored:
            if init_op is None and not init_fn and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                session.run(init_op, feed_dict=init_feed_dict)
            if init_fn:
                init_fn(session)
        self._finish_initialization(session, init_op, init_fn)
        return session

    def _finish_initialization(self, session: Any, init_op: Any, init_fn: Any) -> None:
        name = getattr(init_op, "name", init_op)
        done, message = self._try_run_local_init_op(session)
        if not done:
            raise RuntimeError(
                f"Init operations did not make model ready for local_init.  Init op: {name}, init fn: {init_fn}, "
                f"error: {message}"
            )
        ready, message = self._model_ready(session)
        if not ready:
            raise RuntimeError(
                f"Init operations did not make model ready.  Init op: {name}, init fn: {init_fn}, "
                f"local_init_op: {self._local_init_op}, error: {message}"
            )

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Any, bool]:
        """Makes a session and restores it if possible.

        Args:
          master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config: as
            of :meth:`prepare_session`.

        Returns:
          The session, and whether it is ready: restored, with its local parts initialized.

        Raises:
          ValueError: both a directory and a checkpoint are given.
        """
        session, is_restored = self._restore_checkpoint(
            master,
            saver,
            checkpoint_dir,
            checkpoint_filename_with_path,
            wait_for_checkpoint,
            max_wait_secs,
            config,
        )
        done, message = self._try_run_local_init_op(session)
        if not is_restored:
            return session, False
        restoring = checkpoint_dir or checkpoint_filename_with_path
        if not done:
            logging.info("Restoring model from %s did not make model ready for local init: %s", restoring, message)
            return session, False
        ready, message = self._model_ready(session)
        if not ready:
            logging.info("Restoring model from %s did not make model ready: %s", restoring, message)
            return session, False
        logging.info("Restored model from %s", restoring)
        return session, True

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float = float("Inf")) -> Any:
        """Makes a session and waits until another task has initialized its variables.

        Args:
          master: the target of the session.
          config: a ``ConfigProto``.
          max_wait_secs: how long to wait; without limit if None.

        Returns:
          The session.

        Raises:
          DeadlineExceededError: the variables are not ready in time.
        """
        self._target = master
        limit = float("inf") if max_wait_secs is None else max_wait_secs
        started = time.monotonic()
        while True:
            session = Session(self._target, graph=self._graph, config=config)
            missing: str | None = None
            done, message = self._try_run_local_init_op(session)
            if done:
                ready, missing = self._model_ready(session)
                if ready:
                    return session
            session.close()
            left = limit - (time.monotonic() - started)
            if left - self._recovery_wait_secs < 0:
                raise errors.DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs} secs."
                )
            logging.info("Waiting for model to be ready.  Ready_for_local_init_op:  %s, ready: %s", message, missing)
            time.sleep(self._recovery_wait_secs)

    def _restore_checkpoint(
        self,
        master: str,
        saver: Any,
        checkpoint_dir: str | None,
        checkpoint_filename_with_path: str | None,
        wait_for_checkpoint: bool,
        max_wait_secs: float,
        config: Any,
    ) -> tuple[Any, bool]:
        """Makes a session; returns it and whether it was restored."""
        self._target = master
        session = Session(master, graph=self._graph, config=config)
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        if not saver or not (checkpoint_dir or checkpoint_filename_with_path):
            return session, False
        if checkpoint_filename_with_path:
            saver.restore(session, checkpoint_filename_with_path)
            return session, True
        from tideflow._src.checkpoint.state_file import get_checkpoint_state  # checkpoints load when they are used

        started = time.monotonic()
        state = get_checkpoint_state(checkpoint_dir)
        while not state or not state.model_checkpoint_path:
            waited = time.monotonic() - started
            if not wait_for_checkpoint or waited >= max_wait_secs:
                return session, False
            logging.info("Waiting for checkpoint to be available.")
            time.sleep(min(self._recovery_wait_secs, max(max_wait_secs - waited, 0)))
            state = get_checkpoint_state(checkpoint_dir)
        saver.restore(session, state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return session, True

    def _try_run_local_init_op(self, session: Any) -> tuple[bool, str | None]:
        """Runs ``local_init_op`` if what it needs is ready; returns whether, and what is missing."""
        if self._local_init_op is None:
            return True, None
        ready, message = _ready(self._ready_for_local_init_op, session, "Model not ready for local init")
        if not ready:
            return False, message
        logging.info("Running local_init_op.")
        session.run(self._local_init_op, feed_dict=self._local_init_feed_dict, options=self._local_init_run_options)
        logging.info("Done running local_init_op.")
        return True, None

    def _model_ready(self, session: Any) -> tuple[bool, str | None]:
        return _ready(self._ready_op, session, "Model not ready")


def _ready(operation: Any, session: Any, message: str) -> tuple[bool, str | None]:
    """Runs an operation that lists what is missing; returns whether nothing is, and a message."""
    if operation is None:
        return True, None
    try:
        value = session.run(operation)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            logging.warning("%s : error [%s]", message, error)
            raise
        return False, str(error)
    # Some operations return nothing, and only fail.
    if value is None or getattr(value, "dtype", None) is None or value.dtype.kind not in "OSU" or value.size == 0:
        return True, None
    names = ", ".join(name.decode() if isinstance(name, bytes) else str(name) for name in value)
    return False, f"Variables not initialized: {names}"
