"""``tf.train.Checkpoint``: saves and restores objects, and what they depend on."""

from __future__ import annotations

import copy
import inspect
import os
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.checkpoint import state_file
from tideflow._src.checkpoint.async_writer import AsyncWriter
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions
from tideflow._src.checkpoint.load_status import LoadStatus, NameBasedSaverStatus, get_session
from tideflow._src.checkpoint.object_saver import TrackableSaver
from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import NotFoundError
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.object_graph import ObjectGraphView, WeakTrackableReference
from tideflow._src.state.trackable import NoDependency, Trackable, TrackableReference
from tideflow._src.state.variable import VariableV1

_COUNTER = "save_counter"


def _require_trackable(value: Any, name: str) -> None:
    if not isinstance(value, Trackable) and not hasattr(value, "get_concrete_function"):
        raise ValueError(
            f"`Checkpoint` was expecting {name} to be a trackable object (an object derived from `Trackable`), got "
            f"{value}. If you believe this object should be trackable (i.e. it is part of the TensorFlow Python API "
            "and manages state), please open an issue."
        )


def _text(path: Any) -> Any:
    """Returns the text of a path that a run or an eager call gave; a tensor of a graph as it is."""
    if isinstance(path, EagerTensor):
        path = path.numpy()
    return path if isinstance(path, Tensor) else file_system.text_of(path)


def _call_back(callbacks: Sequence[Callable[..., Any]], path: Any) -> None:
    for callback in callbacks:
        if inspect.signature(callback).parameters:
            callback(path)
        else:
            callback()


def _note_latest(path: str) -> None:
    """Makes a checkpoint the latest one of its folder."""
    state_file.write_state(os.path.dirname(path), path, [path], save_relative_paths=True)


class _Counting(AutoTrackable):
    """Is what both kinds of checkpoints share: the counter of what was saved."""

    _save_counter: Any
    _saver: TrackableSaver

    def _set_up(self) -> None:
        self._save_counter = NoDependency(None)
        self._save_assign_op = NoDependency(None)

    def _maybe_create_save_counter(self) -> None:
        if self._save_counter is None:
            with init_scope():
                counter = self._add_variable_with_custom_getter(_COUNTER, initializer=0, getter=_new_counter)
            self._save_counter = NoDependency(counter)

    @property
    def save_counter(self) -> Any:
        """How often `save` was called: an int64 variable, which checkpoints hold, too."""
        self._maybe_create_save_counter()
        return self._save_counter

    def _count(self, session: Any) -> int:
        """Adds 1 to the counter, and returns it.

        Raises:
          NotImplementedError: a function is being built.
          RuntimeError: there is no session.
        """
        graph = context.current_graph()
        if graph is None:
            return int(self.save_counter.assign_add(1).numpy())
        if graph.building_function:
            raise NotImplementedError(
                "Calling tf.train.Checkpoint.save() from a function is not supported, as save() modifies saving "
                "metadata in ways not supported by TensorFlow Operations. Consider using tf.train.Checkpoint.write(), "
                "a lower-level API which does not update metadata. "
                "tf.train.latest_checkpoint and related APIs will not "
                "see this checkpoint."
            )
        if session is None:
            raise RuntimeError(
                "Unable to save a checkpoint in graph mode without a default session. Please use `with tf.Session():` "
                "to create a session."
            )
        if self._save_counter is None:
            session.run(self.save_counter.initializer)
        if self._save_assign_op is None:
            self._save_assign_op = NoDependency(self.save_counter.assign_add(1, read_value=True))
        return int(session.run(self._save_assign_op))


def _new_counter(name: str, initializer: Any, **_: Any) -> Any:
    return VariableV1(convert_to_tensor(initializer, dtypes.int64), name=name, trainable=False, use_resource=True)


class Checkpoint(_Counting):
    """Saves and restores objects, and what these depend on.

    Every object is a child of the checkpoint, under the name of its argument. What an object is in the program is what
    it is in the file: the names of attributes from the checkpoint to a variable are the key that its value is saved
    under.

    Args:
      root: the object to save; what else is given is saved as if it were an attribute of this one.
      **kwargs: objects to save, by name.

    Raises:
      ValueError: something is no object that can be saved, or ``root`` has an attribute of that name.

    >>> import os, tempfile
    >>> import tideflow as tf
    >>> step = tf.Variable(3)
    >>> checkpoint = tf.train.Checkpoint(step=step)
    >>> path = checkpoint.save(os.path.join(tempfile.mkdtemp(), "ckpt"))
    >>> _ = step.assign(5)
    >>> _ = checkpoint.restore(path).assert_consumed()
    >>> step.numpy()
    np.int32(3)
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._root: Any = root
        self._set_up()
        self._async_writer: Any = NoDependency(None)
        self._checkpoint_options: Any = NoDependency(None)
        trackable_root: Any = root() if isinstance(root, weakref.ref) else root
        attached: list[TrackableReference] | None = None
        if root is not None:
            _require_trackable(trackable_root, "root")
            attached = []
            kwargs["root"] = root
            trackable_root._maybe_initialize_trackable()
            self._save_counter = NoDependency(trackable_root._lookup_dependency(_COUNTER))
        for name, value in sorted(kwargs.items()):
            setattr(self, name, value)
            converted = getattr(self, name)
            converted = converted() if isinstance(converted, weakref.ref) else converted
            _require_trackable(converted, name)
            if attached is not None:
                child = trackable_root._lookup_dependency(name)
                if child is None:
                    attached.append(WeakTrackableReference(name, converted))
                elif child is not converted:
                    raise ValueError(
                        f"Cannot create a Checkpoint with keyword argument {name} if root.{name} already exists."
                    )
        self._attached_dependencies: Any = NoDependency(attached)
        self._saver = TrackableSaver(ObjectGraphView(self if root is None else root, attached))

    def _maybe_create_save_counter(self) -> None:
        if self._save_counter is not None:
            return
        super()._maybe_create_save_counter()
        if self._attached_dependencies is not None:
            self._attached_dependencies.append(TrackableReference(_COUNTER, self._save_counter))
            root: Any = self._root() if isinstance(self._root, weakref.ref) else self._root
            waiting = root._deferred_dependencies.pop(_COUNTER, ())
            if waiting:
                waiting[0].restore(self._save_counter)

    # Saving.

    def write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> Any:
        """Writes a checkpoint of exactly this name; neither the counter nor the folder's state file change.

        Args:
          file_prefix: the beginning of the names of its files: a string, a path, or in a function a tensor.
          options: how it is written.

        Returns:
          The prefix.

        Raises:
          OpError: a file cannot be written; an older checkpoint of that name is as it was.
        """
        return self._write(os.fspath(file_prefix) if isinstance(file_prefix, os.PathLike) else file_prefix, options)

    def _write(self, file_prefix: Any, options: CheckpointOptions | None = None) -> Any:
        options = options or CheckpointOptions()
        callbacks = options.experimental_write_callbacks or ()
        if options.enable_async or options.experimental_enable_async_checkpoint:
            self._checkpoint_options = NoDependency(options)
            if context.executing_eagerly():
                return self._write_later(_text(file_prefix), options, callbacks)
            get_logger().warning(
                "Saving async checkpoint in graph mode is currently not supported; switching to regular sync "
                "checkpoint instead."
            )
        self.sync()
        path = _text(self._saver.save(file_prefix, options=options))
        _call_back(callbacks, path)
        return path

    def _write_later(self, path: str, options: CheckpointOptions, callbacks: Sequence[Callable[..., Any]]) -> str:
        if self._async_writer is None:
            self._async_writer = NoDependency(AsyncWriter())
        self._async_writer.join()
        write = self._saver.prepared(path, options)

        def run() -> None:
            write()
            _call_back(callbacks, path)

        self._async_writer.start(run)
        return path

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> str:
        """Writes a checkpoint whose name ends with its number, and makes it the latest one of its folder.

        Args:
          file_prefix: the beginning of the names of its files; ``-1`` and so on is put behind.
          options: how it is written.

        Returns:
          The prefix with the number.

        Raises:
          OpError: a file cannot be written; older checkpoints are as they were.
          NotImplementedError: a function is being built.
          RuntimeError: there is no session, in a graph.
        """
        prefix = os.fspath(file_prefix)
        prefix = prefix.decode() if isinstance(prefix, bytes) else prefix
        options = copy.copy(options) or CheckpointOptions()
        session = None if context.executing_eagerly() else get_session()
        if options.enable_async and self._async_writer is not None:
            self._async_writer.join()
        number = self._count(session)
        self._saver.clear(prefix)
        options.experimental_write_callbacks = [*(options.experimental_write_callbacks or ()), _note_latest]
        return str(self._write(f"{prefix}-{number}", options))

    def sync(self) -> None:
        """Waits until what is being saved in a thread is there.

        Raises:
          OpError: it could not be written.
        """
        if self._async_writer is not None:
            self._async_writer.join()

    # Restoring.

    def read(self, save_path: Any, options: CheckpointOptions | None = None) -> LoadStatus:
        """Restores a checkpoint that `write` wrote.

        Args:
          save_path: the prefix of the checkpoint.
          options: how it is read.

        Returns:
          A status, which tells what was restored; what is depended on only later is restored then.

        Raises:
          NotFoundError: there is no such checkpoint, or it lacks a value of an object.
          DataLossError: it is damaged; nothing is restored.
          ValueError: a value has another shape than its variable.
        """
        self.sync()
        return self._saver.restore(os.fspath(save_path) if isinstance(save_path, os.PathLike) else save_path, options)

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> LoadStatus:
        """Restores a checkpoint that `save` wrote.

        Args:
          save_path: the prefix of the checkpoint, with its number, or the folder of a saved model; with None nothing is
            restored, and the status initializes variables in a graph.
          options: how it is read.

        Returns:
          A status, which tells what was restored; what is depended on only later is restored then.

        Raises:
          NotFoundError: there is no such checkpoint, or it lacks a value of an object.
          DataLossError: it is damaged; nothing is restored.
          ValueError: a value has another shape than its variable.
        """
        given = save_path
        save_path = os.fspath(save_path) if isinstance(save_path, os.PathLike) else save_path
        if save_path is not None:
            save_path = _inside_saved_model(file_system.text_of(save_path))
        try:
            status = self.read(save_path, options)
        except NotFoundError as error:
            raise NotFoundError(
                None,
                None,
                f"Error when restoring from checkpoint or SavedModel at {given}: {error.message}\nPlease double-check "
                "that the path is correct. You may be missing the checkpoint suffix (e.g. the '-1' in "
                "'path/to/ckpt-1').",
            ) from None
        self._maybe_create_save_counter()
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(self.save_counter)
        return status


def _inside_saved_model(path: str) -> str:
    """Returns the checkpoint in the folder of a saved model; any other path as it is."""
    if path and file_system.is_folder(path):
        for name in ("saved_model.pb", "saved_model.pbtxt"):
            if file_system.exists(os.path.join(path, name)):
                return os.path.join(path, "variables", "variables")
    return path


class CheckpointV1(_Counting):
    """Saves and restores objects, and what these depend on, with sessions: ``tf.compat.v1.train.Checkpoint``.

    Args:
      **kwargs: objects to save, by name.

    Raises:
      ValueError: something is no object that can be saved.
    """

    def __init__(self, **kwargs: Any) -> None:
        for name, value in sorted(kwargs.items()):
            setattr(self, name, value)
            _require_trackable(getattr(self, name), name)
        self._set_up()
        self._saver = TrackableSaver(ObjectGraphView(self))

    def write(self, file_prefix: Any, session: Any = None, options: CheckpointOptions | None = None) -> Any:
        """Writes a checkpoint of exactly this name; neither the counter nor the folder's state file change.

        Args:
          file_prefix: the beginning of the names of its files.
          session: the session that holds the values; the default one if None.
          options: how it is written.

        Returns:
          The prefix.
        """
        return self._write(file_prefix, session, options)

    def _write(self, file_prefix: Any, session: Any = None, options: CheckpointOptions | None = None) -> Any:
        path = _text(self._saver.save(file_prefix, session=session, options=options))
        _call_back((options and options.experimental_write_callbacks) or (), path)
        return path

    def save(self, file_prefix: Any, session: Any = None, options: CheckpointOptions | None = None) -> str:
        """Writes a checkpoint whose name ends with its number, and makes it the latest one of its folder.

        Args:
          file_prefix: the beginning of the names of its files; ``-1`` and so on is put behind.
          session: the session that holds the values; the default one if None.
          options: how it is written.

        Returns:
          The prefix with the number.

        Raises:
          NotImplementedError: a function is being built.
          RuntimeError: there is no session, in a graph.
        """
        if not context.executing_eagerly():
            session = session or get_session()
        number = self._count(session)
        path = str(self.write(f"{file_system.text_of(file_prefix)}-{number}", session, options))
        _note_latest(path)
        return path

    def restore(self, save_path: Any) -> LoadStatus:
        """Restores a checkpoint; in a graph the status does it.

        Args:
          save_path: the prefix of the checkpoint; with None nothing is restored, and the status initializes variables.

        Returns:
          A status, which restores in a session and tells what was restored.

        Raises:
          NotFoundError: there is no such checkpoint.
          DataLossError: it is damaged.
        """
        status = self._saver.restore(save_path)
        self._maybe_create_save_counter()
        if isinstance(status, NameBasedSaverStatus):
            status.add_to_optionally_restored(self.save_counter)
        return status
