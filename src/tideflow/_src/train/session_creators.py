"""Makers of sessions: for the chief task, which initializes variables, and for workers, which wait for it."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.core import logger as logging
from tideflow._src.train.scaffold import Scaffold
from tideflow._src.train.session_manager import SessionManager


class SessionCreator:
    """Is the base of makers of sessions."""

    def create_session(self) -> Any:
        """Returns a new session."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class _ManagedCreator(SessionCreator):
    """Makes sessions with the help of a ``SessionManager``."""

    def __init__(self, scaffold: Scaffold | None, master: str, config: Any) -> None:
        self._scaffold = scaffold or Scaffold()
        self._session_manager: SessionManager | None = None
        self._master = master
        self._config = config

    def _manager(self) -> SessionManager:
        """Finalizes the scaffold and returns the manager, made at the first call."""
        self._scaffold.finalize()
        if self._session_manager is None:
            self._session_manager = SessionManager(
                local_init_op=self._scaffold.local_init_op,
                local_init_feed_dict=self._scaffold.local_init_feed_dict,
                ready_op=self._scaffold.ready_op,
                ready_for_local_init_op=self._scaffold.ready_for_local_init_op,
                graph=context.default_graph(),
            )
        return self._session_manager


class ChiefSessionCreator(_ManagedCreator):
    """Makes sessions whose variables are restored from a checkpoint or initialized.

    Args:
      scaffold: the parts of the graph; made if None.
      master: the target of sessions.
      config: a ``ConfigProto``.
      checkpoint_dir: where to look for checkpoints.
      checkpoint_filename_with_path: the checkpoint itself, instead.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        super().__init__(scaffold, master, config)
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_filename_with_path = checkpoint_filename_with_path

    def create_session(self) -> Any:
        """Returns a new session, ready to run."""
        manager = self._manager()
        logging.info("Graph was finalized.")
        return manager.prepare_session(
            self._master,
            saver=self._scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_filename_with_path,
            config=self._config,
            init_op=self._scaffold.init_op,
            init_feed_dict=self._scaffold.init_feed_dict,
            init_fn=self._scaffold.init_fn,
        )


class WorkerSessionCreator(_ManagedCreator):
    """Makes sessions that wait until the chief has initialized the variables.

    Args:
      scaffold: the parts of the graph; made if None.
      master: the target of sessions.
      config: a ``ConfigProto``.
      max_wait_secs: how long to wait.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        super().__init__(scaffold, master, config)
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """Returns a new session, once it is ready."""
        manager = self._manager()
        logging.info("Graph was finalized.")
        return manager.wait_for_session(self._master, config=self._config, max_wait_secs=self._max_wait_secs)
