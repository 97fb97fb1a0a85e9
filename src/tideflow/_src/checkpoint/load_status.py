"""What ``restore`` returns: it tells whether everything was restored, and runs what a graph has to run."""

from __future__ import annotations

import abc
from typing import Any

from tideflow._src.checkpoint import object_graph_message
from tideflow._src.checkpoint.object_restoration import NameBasedRestoration, Restoration
from tideflow._src.checkpoint.object_values import holds_values
from tideflow._src.checkpoint.saver import Saver
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.session.session import get_default_session
from tideflow._src.state.object_graph import NumberedObjects, ObjectGraphView
from tideflow._src.state.tracked_structures import TrackableDataStructure

_MOST_SHOWN = 10


class _SessionProvider:
    """Holds the function by which a library gives its session where there is no default one."""

    function: Any = None


def register_session_provider(session_provider: Any) -> None:
    """Makes a function give the session for saving and restoring where there is no default one."""
    _SessionProvider.function = session_provider


def get_session() -> Any:
    """Returns the default session, or a library's; None if there is none."""
    session = get_default_session()
    if session is None and _SessionProvider.function is not None:
        session = _SessionProvider.function()
    return session


def _session(session: Any, what: str) -> Any:
    session = session or get_session()
    if session is None:
        raise RuntimeError(
            f"Unable to {what} in graph mode without a default session. Please use `with tf.Session():` to create a "
            "session, or pass it as `session`."
        )
    return session


def objects_of(view: ObjectGraphView, skip_slots: bool = False) -> list[Any]:
    """Returns the objects that a view shows, slots of optimizers included."""
    return NumberedObjects(view, skip_slots).values


class LoadStatus(abc.ABC):
    """Is the base class of what ``restore`` returns."""

    @abc.abstractmethod
    def assert_consumed(self) -> Any:
        """Raises an AssertionError unless everything of the checkpoint and of the program was restored."""

    @abc.abstractmethod
    def assert_existing_objects_matched(self) -> Any:
        """Raises an AssertionError unless everything that the program has now was restored."""

    @abc.abstractmethod
    def assert_nontrivial_match(self) -> Any:
        """Raises an AssertionError if nothing but the root was restored."""

    @abc.abstractmethod
    def run_restore_ops(self, session: Any = None) -> None:
        """Restores in a session; eagerly that is done already."""

    @abc.abstractmethod
    def initialize_or_restore(self, session: Any = None) -> None:
        """Restores in a session, and initializes there what is not restored."""

    def expect_partial(self) -> Any:
        """Keeps the log free of warnings about values that nobody has wanted; returns the status."""
        return self


class CheckpointLoadStatus(LoadStatus):
    """Is the state of a restoration of a checkpoint with an object graph.

    Args:
      checkpoint: the restoration.
      feed_dict: what runs in a graph are fed.
      graph_view: shows the objects of the program.
      options: a ``CheckpointOptions``.
    """

    def __init__(self, checkpoint: Restoration, feed_dict: Any, graph_view: ObjectGraphView, options: Any) -> None:
        self._checkpoint = checkpoint
        self._feed_dict = feed_dict
        self._object_graph_view = graph_view
        self._root = graph_view.root  # the view does not keep it
        self._options = options

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Checks that everything of the checkpoint and of the program was restored.

        Returns:
          The status.

        Raises:
          AssertionError: an object of the program got no value, or a value of the checkpoint was not wanted.
        """
        self.assert_existing_objects_matched()
        checkpoint = self._checkpoint
        message = checkpoint.object_graph_proto
        skip = self._options.experimental_skip_slot_variables
        ignored = {slot.slot_variable_node_id for node in message.nodes for slot in node.slot_variables} if skip else ()
        for number, node in enumerate(message.nodes):
            if node.attributes and number not in ignored and checkpoint.object_by_proto_id.get(number) is None:
                name = object_graph_message.node_names(message)[number]
                raise AssertionError(f"Unresolved object in checkpoint {name}: {node}")
        if not skip and checkpoint.slot_restorations:
            raise AssertionError(f"Unresolved slot restorations: {checkpoint.slot_restorations}")
        if checkpoint.unused_attributes:
            names = object_graph_message.node_names(message)
            unused = "\n".join(
                f"{names[number]} ({checkpoint.object_by_proto_id[number]}): {attributes}"
                for number, attributes in checkpoint.unused_attributes.items()
            )
            raise AssertionError(
                "Unused attributes in these objects (the attributes exist in the checkpoint but were not restored):\n"
                f"{unused}"
            )
        return self

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Checks that everything that the program has now was restored; values may remain in the checkpoint.

        Returns:
          The status.

        Raises:
          AssertionError: an object of the program got no value.
        """
        checkpoint = self._checkpoint
        for number, node in enumerate(checkpoint.object_graph_proto.nodes):
            value = checkpoint.object_by_proto_id.get(number)
            if value is not None and value._update_uid < checkpoint.restore_uid:
                raise AssertionError(f"Object {node} not assigned a value from checkpoint.")
        for value in objects_of(self._object_graph_view, self._options.experimental_skip_slot_variables):
            if not isinstance(value, TrackableDataStructure) or value._trackable_children():
                checkpoint.add_python_object(value)
        unmatched = self._unmatched()
        if unmatched:
            raise AssertionError(
                f"Found {len(unmatched)} Python objects that were not bound to checkpointed values, likely due to "
                f"changes in the Python program. Showing {min(_MOST_SHOWN, len(unmatched))} of {len(unmatched)} "
                f"unmatched objects: {unmatched[:_MOST_SHOWN]}"
            )
        return self

    def _unmatched(self) -> list[Any]:
        """Returns the objects with values that the checkpoint has nothing for."""
        matched = {id(value) for value in self._checkpoint.object_by_proto_id.values()}
        seen = list(self._checkpoint.all_python_objects.values())
        return [value for value in seen if id(value) not in matched and holds_values(value)]

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Checks that something beside the root was restored.

        Returns:
          The status.

        Raises:
          AssertionError: nothing was.
        """
        for value in objects_of(self._object_graph_view, self._options.experimental_skip_slot_variables):
            self._checkpoint.add_python_object(value)
        if len(self._checkpoint.object_by_proto_id) <= 1:
            unmatched = self._unmatched()
            if unmatched:
                raise AssertionError(
                    "Nothing except the root object matched a checkpointed value. Typically this means that the "
                    "checkpoint does not match the Python program. The following objects have no matching checkpointed "
                    f"value: {unmatched}"
                )
            raise AssertionError(
                f"Nothing to load. No dependencies have been added to {self._object_graph_view.root} yet."
            )
        return self

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores in a session; eagerly that is done already."""
        if not context.executing_eagerly():
            _session(session, "restore").run(self._checkpoint.restore_ops, feed_dict=self._feed_dict)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Restores in a session, and initializes there what is not restored; eagerly that is done already."""
        if context.executing_eagerly():
            return
        session = _session(session, "restore")
        restored = {id(value) for value in self._checkpoint.object_by_proto_id.values()}
        initializers = [
            value.initializer
            for value in objects_of(self._object_graph_view)
            if id(value) not in restored
            and getattr(value, "initializer", None) is not None
            and value._update_uid < self._checkpoint.restore_uid
        ]
        self.run_restore_ops(session)
        session.run(initializers)

    def expect_partial(self) -> CheckpointLoadStatus:
        """Keeps the log free of warnings about values that nobody has wanted; returns the status."""
        self._checkpoint.expect_partial = True
        return self


class InitializationOnlyStatus(LoadStatus):
    """Is what ``restore(None)`` returns: there is nothing to restore, and variables are initialized.

    Args:
      object_graph_view: shows the objects of the program.
      restore_uid: the number of the restoration.
    """

    def __init__(self, object_graph_view: ObjectGraphView, restore_uid: int) -> None:
        self._restore_uid = restore_uid
        self._object_graph_view = object_graph_view
        self._root = object_graph_view.root

    def _nothing(self) -> Any:
        raise AssertionError("No checkpoint specified (save_path=None); nothing is being restored.")

    def assert_consumed(self) -> Any:
        """Raises an AssertionError: nothing is restored."""
        self._nothing()

    def assert_existing_objects_matched(self) -> Any:
        """Raises an AssertionError: nothing is restored."""
        self._nothing()

    def assert_nontrivial_match(self) -> Any:
        """Raises an AssertionError: nothing is restored."""
        self._nothing()

    def run_restore_ops(self, session: Any = None) -> None:
        """Raises an AssertionError: nothing is restored."""
        raise AssertionError(
            "No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore)."
        )

    def initialize_or_restore(self, session: Any = None) -> None:
        """Initializes variables in a session; eagerly that is done already."""
        if context.executing_eagerly():
            return
        initializers = [
            value.initializer
            for value in objects_of(self._object_graph_view)
            if getattr(value, "initializer", None) is not None and value._update_uid < self._restore_uid
        ]
        _session(session, "initialize").run(initializers)


class NameBasedSaverStatus(LoadStatus):
    """Is the state of a restoration of a checkpoint without an object graph, as ``tf.compat.v1.train.Saver`` writes.

    Args:
      checkpoint: the restoration.
      object_graph_view: shows the objects of the program.
    """

    def __init__(self, checkpoint: NameBasedRestoration, object_graph_view: ObjectGraphView) -> None:
        get_logger().warning(
            "Restoring a checkpoint without an object graph: names of variables say what is whose. Save it anew with "
            "tf.train.Checkpoint."
        )
        self._checkpoint = checkpoint
        self._object_graph_view = object_graph_view
        self._optionally_restored: list[Any] = []
        self._root = object_graph_view.root

    def add_to_optionally_restored(self, var: Any) -> None:
        """Lets `assert_consumed` pass where the checkpoint lacks this variable."""
        self._optionally_restored.append(var)

    def assert_consumed(self) -> NameBasedSaverStatus:
        """Checks that everything that the program has was restored; values may remain in the checkpoint.

        Returns:
          The status.

        Raises:
          AssertionError: an object of the program got no value.
        """
        optional = {id(value) for value in self._optionally_restored}
        unused = [
            (value, names)
            for number, (value, names) in self._checkpoint.unused_attributes.items()
            if number not in optional
        ]
        if unused:
            described = "".join(f"\n    {value}: {names}" for value, names in unused)
            raise AssertionError(f"Some objects had attributes which were not restored: {described}")
        for value in objects_of(self._object_graph_view):
            value._maybe_initialize_trackable()
            if value._update_uid < self._checkpoint.restore_uid:
                raise AssertionError(f"Object not restored: {value}")
        return self

    def assert_existing_objects_matched(self) -> NameBasedSaverStatus:
        """Does what `assert_consumed` does."""
        return self.assert_consumed()

    def assert_nontrivial_match(self) -> NameBasedSaverStatus:
        """Does what `assert_consumed` does."""
        return self.assert_consumed()

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores in a session; eagerly that is done already."""
        if context.executing_eagerly():
            return
        session = _session(session, "restore")
        saveables = []
        for value in objects_of(self._object_graph_view):
            value._maybe_initialize_trackable()
            if value._update_uid < self._checkpoint.restore_uid:
                value._update_uid = self._checkpoint.restore_uid
                saveables += self._checkpoint.saveables_of(value)
        Saver(saveables).restore(session, self._checkpoint.save_path)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Restores in a session; eagerly that is done already."""
        self.run_restore_ops(session)


def streaming_restore(status: Any, session: Any = None) -> None:
    """Restores in a session, and whatever comes to be depended on later as soon as it does.

    Args:
      status: what ``restore`` returned.
      session: the session; the default one if None.

    Raises:
      NotImplementedError: the checkpoint has no object graph.
    """
    if context.executing_eagerly():
        return
    session = session or get_session()
    if isinstance(status, NameBasedSaverStatus):
        raise NotImplementedError(
            "Streaming restore not supported from name-based checkpoints when graph building. Consider loading them "
            "with tf.train.Checkpoint, or eagerly."
        )
    status.run_restore_ops(session=session)
    checkpoint = status._checkpoint
    checkpoint.new_restore_ops_callback = lambda operations: session.run(operations, feed_dict=status._feed_dict)
