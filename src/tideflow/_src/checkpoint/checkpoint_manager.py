"""``tf.train.CheckpointManager``: keeps the latest checkpoints of a folder and deletes older ones."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from typing import Any

from tideflow._src.checkpoint import state_file
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.ops.files import file_system
from tideflow._src.session.session import get_default_session
from tideflow._src.state.variable import variable_creator_scope


class CheckpointManager:
    """Saves checkpoints to a folder, keeps the latest ones and deletes older ones.

    Which there are is noted in the folder's state file, so that a manager goes on where the one of an earlier process
    ended.

    Args:
      checkpoint: the ``tf.train.Checkpoint`` that saves and restores.
      directory: the folder.
      max_to_keep: how many checkpoints to keep; all if None.
      keep_checkpoint_every_n_hours: keeps one checkpoint for good in each such time.
      checkpoint_name: the beginning of the names of files.
      step_counter: a variable that counts the steps of training; needed with ``checkpoint_interval``.
      checkpoint_interval: how many steps there must be between two checkpoints.
      init_fn: is called by `restore_or_initialize` where there is no checkpoint.
      last_checkpoint_step: the step at which the latest checkpoint was saved, if it is known.

    Raises:
      ValueError: ``max_to_keep`` is not positive, or ``step_counter`` is missing.
    """

    def __init__(
        self,
        checkpoint: Any,
        directory: Any,
        max_to_keep: int | None,
        keep_checkpoint_every_n_hours: float | None = None,
        checkpoint_name: str = "ckpt",
        step_counter: Any = None,
        checkpoint_interval: int | None = None,
        init_fn: Callable[[], Any] | None = None,
        last_checkpoint_step: int | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"Expected a positive integer or `None` for `max_to_keep`, got {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("`step_counter` should be passed if `checkpoint_interval` is not None.")
        self._checkpoint = checkpoint
        self._max_to_keep = max_to_keep
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._directory = file_system.text_of(directory)
        self._checkpoint_prefix = os.path.join(self._directory, checkpoint_name)
        self._init_fn = init_fn
        self._step_counter = step_counter
        self._checkpoint_interval = checkpoint_interval
        self._last_checkpoint_step = last_checkpoint_step
        self._save_counter_assign: Any = None
        #: The checkpoints that may be deleted, oldest first, and when each was written, in seconds since 1970.
        self._maybe_delete: dict[str, float] = {}
        #: Those of which an earlier process may have deleted a part before it ended.
        self._half_deleted: list[str] = []
        self._latest_checkpoint: str | None = None
        self._last_preserved_timestamp = time.time() - 1.0
        self._recover()

    def _recover(self) -> None:
        """Takes over what the folder's state file says."""
        state = state_file.get_checkpoint_state(self._directory)
        if state is None:
            return
        now = time.time()
        self._latest_checkpoint = state.model_checkpoint_path
        self._last_preserved_timestamp = state.last_preserved_timestamp
        if now < self._last_preserved_timestamp:
            get_logger().warning(
                "time.time() returned a value %f seconds behind the last preserved checkpoint timestamp.",
                self._last_preserved_timestamp - now,
            )
            self._last_preserved_timestamp = now
        paths = list(state.all_model_checkpoint_paths)
        times = list(state.all_model_checkpoint_timestamps) or [self._last_preserved_timestamp] * len(paths)
        for path, written in zip(paths, times, strict=False):
            written = min(written, now)
            if written <= self._last_preserved_timestamp:
                continue
            if path == self._latest_checkpoint or state_file.checkpoint_exists(path):
                self._maybe_delete[path] = written
            else:
                self._half_deleted.append(path)

    @property
    def directory(self) -> str:
        """The folder."""
        return self._directory

    @property
    def checkpoint_interval(self) -> int | None:
        """How many steps there must be between two checkpoints."""
        return self._checkpoint_interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The prefix of the latest checkpoint, or None; that of the state file before anything is saved."""
        return self._latest_checkpoint

    @property
    def checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that may be deleted in their turn, oldest first."""
        return list(self._maybe_delete)

    @property
    def checkpoint(self) -> Any:
        """The ``tf.train.Checkpoint``."""
        return self._checkpoint

    @property
    def _prefix(self) -> str:
        return self._checkpoint_prefix

    def _sweep(self) -> None:
        """Deletes the checkpoints that are too many."""
        while self._half_deleted:
            if (path := self._half_deleted.pop()) not in self._maybe_delete:
                state_file.remove_checkpoint(path)
        hours = self._keep_checkpoint_every_n_hours
        while self._max_to_keep and len(self._maybe_delete) > self._max_to_keep:
            path = next(iter(self._maybe_delete))
            written = self._maybe_delete.pop(path)
            if hours and written - hours * 3600.0 >= self._last_preserved_timestamp:
                self._last_preserved_timestamp = written
                continue
            state_file.remove_checkpoint(path)

    def _record_state(self) -> None:
        state_file.write_state(
            self._directory,
            self._latest_checkpoint,
            list(self._maybe_delete),
            save_relative_paths=True,
            times=list(self._maybe_delete.values()),
            last_preserved_timestamp=self._last_preserved_timestamp,
        )

    def _note(self, path: str) -> None:
        """Makes a new checkpoint the latest, and deletes what is too much."""
        self._maybe_delete.pop(path, None)
        self._maybe_delete[path] = time.time()
        self._latest_checkpoint = path
        # The new one is named before others go; where a process ends between, `_recover` passes over what is gone.
        self._record_state()
        self._sweep()
        self._record_state()

    def save(
        self, checkpoint_number: Any = None, check_interval: bool = True, options: CheckpointOptions | None = None
    ) -> str | None:
        """Writes a checkpoint, and deletes the oldest one if there are more than are to be kept.

        Args:
          checkpoint_number: its number: an integer, or a variable or tensor of one; how often was saved if None.
          check_interval: whether to write nothing where ``checkpoint_interval`` says that it is too early.
          options: how it is written.

        Returns:
          The prefix of the checkpoint; None if it is too early.

        Raises:
          OpError: a file cannot be written; older checkpoints are as they were.
        """
        if self._checkpoint_interval is not None:
            step, last = _number(self._step_counter), self._last_checkpoint_step
            if last is not None and (step == last or (check_interval and step < last + self._checkpoint_interval)):
                return None
            self._last_checkpoint_step = step
        counter = self._count()
        number = _number(counter if checkpoint_number is None else checkpoint_number)
        options = copy.copy(options) or CheckpointOptions()
        options.experimental_write_callbacks = [*(options.experimental_write_callbacks or ()), self._note]
        self._checkpoint._saver.clear(self._prefix)
        return str(self._checkpoint._write(f"{self._prefix}-{number}", options=options))

    def _count(self) -> Any:
        """Adds 1 to the counter of the checkpoint, and returns it."""
        if context.executing_eagerly():
            self._checkpoint.save_counter.assign_add(1)
            return self._checkpoint.save_counter
        session = _session()

        def initialized(next_creator: Any, **arguments: Any) -> Any:
            variable = next_creator(**arguments)
            session.run(variable.initializer)
            return variable

        with variable_creator_scope(initialized):
            counter = self._checkpoint.save_counter
        if self._save_counter_assign is None:
            self._save_counter_assign = counter.assign_add(1, read_value=False)
        session.run(self._save_counter_assign)
        return counter

    def restore_or_initialize(self) -> str | None:
        """Restores the latest checkpoint, or calls ``init_fn`` if there is none.

        Returns:
          The prefix of the checkpoint, or None.
        """
        if self._latest_checkpoint is not None:
            self._checkpoint.restore(self._latest_checkpoint)
            if self._checkpoint_interval is not None:
                self._last_checkpoint_step = _number(self._step_counter)
            return self._latest_checkpoint
        if self._init_fn is not None:
            self._init_fn()
            get_logger().info("Customized initialization is done through the passed `init_fn`.")
        return None

    def sync(self) -> None:
        """Waits until what is being saved in a thread is there."""
        if self._checkpoint:
            self._checkpoint.sync()


def _session() -> Any:
    session = get_default_session()
    if session is None:
        raise RuntimeError(
            "Unable to save a checkpoint in graph mode without a default session. Please use `with tf.Session():` to "
            "create a session."
        )
    return session


def _number(value: Any) -> int:
    """Returns an integer, that of a variable or tensor read eagerly or from the default session."""
    if hasattr(value, "dtype") and not context.executing_eagerly():
        return int(_session().run(value))
    return int(value)
