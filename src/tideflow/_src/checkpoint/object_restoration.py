"""Restoring objects from a checkpoint, those that are there now and those that come to be depended on later.

A `Restoration` is one call of ``restore``. It matches the objects of the program with those of the checkpoint's object
graph, from the root on, by the names of their dependencies. Where the program has no such dependency yet, a
`CheckpointPosition` waits at the object that may get it.
"""

from __future__ import annotations

import collections
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tideflow._src.checkpoint import object_graph_message
from tideflow._src.checkpoint.object_values import named_values, restored_values
from tideflow._src.checkpoint.python_state import PythonState
from tideflow._src.checkpoint.saveables import SaveableObject, SaveSpec
from tideflow._src.core import context
from tideflow._src.core.errors import DataLossError
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import wrap
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.checkpoint.save_ops import require, restored
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.state.trackable import VARIABLE_VALUE_KEY, next_restoration

#: Values of more bytes than this are not held beside those that they replace.
_MOST_AT_ONCE = 1 << 26


class CheckpointPosition:
    """Is an object of a checkpoint.

    Args:
      checkpoint: the restoration.
      proto_id: the number of the object.
    """

    __slots__ = ("_checkpoint", "_proto_id")

    def __init__(self, checkpoint: Restoration, proto_id: int) -> None:
        self._checkpoint = checkpoint
        self._proto_id = proto_id

    @property
    def checkpoint(self) -> Restoration:
        """The restoration."""
        return self._checkpoint

    @property
    def proto_id(self) -> int:
        """The number of the object."""
        return self._proto_id

    @property
    def restore_uid(self) -> int:
        """The number of the restoration."""
        return self._checkpoint.restore_uid

    @property
    def object_proto(self) -> Any:
        """What the checkpoint says about the object."""
        return self._checkpoint.object_graph_proto.nodes[self._proto_id]

    @property
    def trackable(self) -> Any:
        """The object of the program that it is matched with.

        Raises:
          KeyError: there is none.
        """
        return self._checkpoint.object_by_proto_id[self._proto_id]

    def __repr__(self) -> str:
        return repr(self.object_proto)

    def restore(self, trackable: Any, reader: Any = None) -> None:
        """Gives an object, and all that it depends on, the values that the checkpoint has.

        Args:
          trackable: the object.
          reader: reads the checkpoint; it is opened again if None.
        """
        with init_scope():
            if self.bind_object(trackable):
                self._checkpoint.restore_from(self, reader)

    def bind_object(self, trackable: Any) -> bool:
        """Notes that an object is the one of the checkpoint; tells whether that was not known before."""
        checkpoint = self._checkpoint
        checkpoint.add_python_object(trackable)
        checkpoint.matched_proto_ids.add(self._proto_id)
        known = checkpoint.object_by_proto_id.get(self._proto_id)
        if known is None:
            checkpoint.object_by_proto_id[self._proto_id] = trackable
            return True
        if known is not trackable:
            get_logger().warning(
                "Inconsistent references when loading the checkpoint into this object graph. For example, in the saved "
                "checkpoint object, `model.layer.weight` and `model.layer_copy.weight` reference the same variable, "
                "while in the current object these are two different variables. The referenced variables are:(%s and "
                "%s).",
                known,
                trackable,
            )
        return False

    def is_simple_variable(self) -> bool:
        """Tells whether the object is a variable and nothing else."""
        attributes = self.object_proto.attributes
        return len(attributes) == 1 and attributes[0].name == VARIABLE_VALUE_KEY and not self.object_proto.children

    def value_tensors(self, shape_and_slices: dict[str, str] | None = None) -> dict[str, Any]:
        """Returns the values of the object, by name.

        Args:
          shape_and_slices: which part to read of a value, by name.
        """
        checkpoint, found = self._checkpoint, {}
        for each in self.object_proto.attributes:
            part = (shape_and_slices or {}).get(each.name, "")
            dtype = checkpoint.variables[each.checkpoint_key][0]
            with init_scope():
                prefix = checkpoint.save_path_tensor
                (found[each.name],) = raw.RestoreV2(prefix, [each.checkpoint_key], [part], dtypes=[dtype])
        return found

    def value_shape(self) -> list[int] | None:
        """Returns the shape of the value of a variable; None if it is none."""
        for each in self.object_proto.attributes:
            if each.name == VARIABLE_VALUE_KEY:
                return list(self._checkpoint.variables[each.checkpoint_key][1])
        return None

    def restore_ops(self, reader: Any = None) -> list[Any]:
        """Gives the object that is matched, and only that, its values; returns the operations that do it in a graph."""
        return self._checkpoint.restore_values([self], reader)


class SlotRestoration(NamedTuple):
    """Is a slot that waits for the variable that it belongs to."""

    optimizer_id: int
    slot_variable_id: int
    slot_name: str


class _DeferredSlot(NamedTuple):
    """Is a slot whose variable is there, and that waits for its optimizer."""

    original_variable: Any
    slot_variable_id: int
    slot_name: str


class _Leftovers:
    """Says in the log, when nothing refers to a restoration any more, which values nobody has wanted."""

    __slots__ = ("expect_partial", "matched", "object_graph", "unused_attributes")

    def __init__(self, object_graph: Any, matched: set[int], unused_attributes: dict[int, list[str]]) -> None:
        self.expect_partial = False
        self.object_graph = object_graph
        self.matched = matched
        self.unused_attributes = unused_attributes

    def __del__(self) -> None:
        if self.expect_partial:
            return
        nodes = enumerate(self.object_graph.nodes)
        unused = [number for number, node in nodes if node.attributes and number not in self.matched]
        if not unused and not self.unused_attributes:
            return
        names = object_graph_message.node_names(self.object_graph)
        warn = get_logger().warning
        warn(
            "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored values. See the "
            "following logs for the specific values in question. To silence these warnings, use "
            "`status.expect_partial()`. See https://www.tensorflow.org/api_docs/python/tf/train/Checkpoint#restore for "
            "details about the status object returned by the restore function."
        )
        for number in unused:
            warn("Value in checkpoint could not be found in the restored object: %s", names[number])
        for number, attributes in self.unused_attributes.items():
            warn(
                "An attribute in the restored object could not be found in the checkpoint. Object: %s, attribute: %s",
                names[number],
                attributes,
            )


class Restoration:
    """Is one call of ``restore`` for a checkpoint that has an object graph.

    Args:
      object_graph_proto: the object graph.
      path: the checkpoint.
      path_tensor: the same as a tensor; in a graph one that is fed.
      reader: reads it.
      operations: in a graph the operations that earlier restorations of the same objects have made, by key.
      options: a ``CheckpointOptions``.
    """

    def __init__(
        self, object_graph_proto: Any, path: str, path_tensor: Any, reader: Any, operations: Any, options: Any
    ) -> None:
        self.object_graph_proto = object_graph_proto
        self.options = options
        self.restore_uid = next_restoration()
        self.save_path_string = path
        self.save_path_tensor = path_tensor
        self.variables = reader.variables()
        #: Objects of the program by their number in the checkpoint.
        self.object_by_proto_id: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.matched_proto_ids: set[int] = set()
        #: Objects that were seen, by `id`, whether or not the checkpoint has them.
        self.all_python_objects: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        #: Values that the object of that number has no use for.
        self.unused_attributes: dict[int, list[str]] = {}
        #: The operations to run in a graph, and what is called with further ones.
        self.restore_ops: list[Any] = []
        self.new_restore_ops_callback: Callable[[list[Any]], Any] | None = None
        self._operations = operations
        #: Slots by the number of their variable, and those whose variable is there by that of their optimizer.
        self.slot_restorations: dict[int, list[SlotRestoration]] = {}
        self.deferred_slot_restorations: dict[int, list[_DeferredSlot]] = {}
        if not options.experimental_skip_slot_variables:
            for number, node in enumerate(object_graph_proto.nodes):
                for slot in node.slot_variables:
                    waiting = self.slot_restorations.setdefault(slot.original_variable_node_id, [])
                    waiting.append(SlotRestoration(number, slot.slot_variable_node_id, slot.slot_name))
        self._leftovers = _Leftovers(object_graph_proto, self.matched_proto_ids, self.unused_attributes)

    @property
    def expect_partial(self) -> bool:
        """Whether it is as it should be that values remain."""
        return self._leftovers.expect_partial

    @expect_partial.setter
    def expect_partial(self, value: bool) -> None:
        self._leftovers.expect_partial = value

    def add_python_object(self, value: Any) -> None:
        """Notes an object that the assertions of a status look at."""
        self.all_python_objects[id(value)] = value

    # Matching.

    def restore_from(self, position: CheckpointPosition, reader: Any = None) -> None:
        """Restores the object of a position, and what it depends on, as far as the program has it."""
        pending = collections.deque([position])
        positions = []
        # What is matched is kept until it is restored: the restoration itself refers to it weakly.
        kept = [position.trackable]
        while pending:
            current = pending.popleft()
            trackable = current.trackable
            kept.append(trackable)
            trackable._maybe_initialize_trackable()
            if self.restore_uid > trackable._update_uid:
                positions.append(current)
                trackable._update_uid = self.restore_uid
            pending.extend(self._matched_children(current, trackable))
            pending.extend(self._matched_slots(current, trackable, kept))
        operations = self.restore_values(positions, reader)
        if operations:
            self.restore_ops += operations
            if self.new_restore_ops_callback is not None:
                self.new_restore_ops_callback(operations)

    def _matched_children(self, position: CheckpointPosition, trackable: Any) -> list[CheckpointPosition]:
        children = trackable._trackable_children()
        matched = []
        for child in position.object_proto.children:
            if child.node_id in self.object_by_proto_id:
                continue
            child_position = CheckpointPosition(self, child.node_id)
            local = trackable._lookup_dependency(child.local_name, children)
            if local is not None:
                if child_position.bind_object(local):
                    matched.append(child_position)
            elif _has_values(child_position.object_proto):
                trackable._deferred_dependencies.setdefault(child.local_name, []).append(child_position)
        return matched

    def _matched_slots(self, position: CheckpointPosition, trackable: Any, kept: list[Any]) -> list[CheckpointPosition]:
        matched = []

        def bind(optimizer: Any, variable: Any, slot_id: int, name: str) -> None:
            slot_position = CheckpointPosition(self, slot_id)
            slot = optimizer._create_or_restore_slot_variable(
                slot_variable_position=slot_position, variable=variable, slot_name=name
            )
            if slot is not None and slot_position.bind_object(slot):
                kept.append(slot)
                matched.append(slot_position)

        for deferred in self.deferred_slot_restorations.pop(position.proto_id, ()):
            bind(trackable, deferred.original_variable, deferred.slot_variable_id, deferred.slot_name)
        for slot in self.slot_restorations.pop(position.proto_id, ()):
            optimizer = self.object_by_proto_id.get(slot.optimizer_id)
            if optimizer is None:
                waiting = self.deferred_slot_restorations.setdefault(slot.optimizer_id, [])
                waiting.append(_DeferredSlot(trackable, slot.slot_variable_id, slot.slot_name))
            elif hasattr(optimizer, "_create_or_restore_slot_variable"):
                bind(optimizer, trackable, slot.slot_variable_id, slot.slot_name)
        return matched

    # Values.

    def restore_values(self, positions: Sequence[CheckpointPosition], reader: Any = None) -> list[Any]:
        """Restores the objects of positions themselves; returns the operations that do it in a graph."""
        saveables: list[SaveableObject] = []
        for position in positions:
            attributes = position.object_proto.attributes
            if not attributes:
                continue
            for each in attributes:
                if "/" not in each.checkpoint_key:
                    raise DataLossError(
                        None,
                        None,
                        f"The object graph in the checkpoint {self.save_path_string} is damaged: "
                        f"{each.checkpoint_key!r} is no key of a value",
                    )
            trackable = position.trackable
            if isinstance(trackable, PythonState):
                reader = reader or open_checkpoint(self.save_path_string)
                require(reader, [attributes[0].checkpoint_key.encode()])
                trackable.deserialize(reader.read(attributes[0].checkpoint_key.encode()).item())
                continue
            found, unused = restored_values(trackable, attributes)
            saveables += found
            if unused:
                self.unused_attributes.setdefault(position.proto_id, []).extend(unused)
        if not saveables:
            return []
        if context.current_graph() is None:
            restore_eagerly(saveables, reader or open_checkpoint(self.save_path_string))
            return []
        return self._restore_in_graph(saveables)

    def _restore_in_graph(self, saveables: list[SaveableObject]) -> list[Any]:
        operations = []
        new = []
        for saveable in saveables:
            known = self._operations.get((saveable.name, id(saveable.op)))
            if known is None:
                new.append(saveable)
            else:
                operations.append(known[1])
        specs = [spec for saveable in new for spec in saveable.specs]
        if specs:
            graph = context.current_graph()
            with graph.device(self.options.experimental_io_device or "/device:CPU:0"):
                tensors = raw.RestoreV2(
                    self.save_path_tensor,
                    [spec.name for spec in specs],
                    [spec.slice_spec for spec in specs],
                    dtypes=[spec.dtype for spec in specs],
                )
            values = iter(tensors)
            for saveable in new:
                made = saveable.restore([next(values) for _ in saveable.specs], None)
                operation = _as_operation(made)
                # The object is kept, so that no other one gets its number.
                self._operations[saveable.name, id(saveable.op)] = saveable.op, operation
                operations.append(operation)
        return [each for each in operations if each is not None]


def _as_operation(made: Any) -> Any:
    if isinstance(made, dict):
        made = list(made.values())
    if isinstance(made, list | tuple):
        return group(*made)
    return made


def _has_values(proto: Any) -> bool:
    """Tells whether an object of a checkpoint, or one that it depends on, has values."""
    if proto.HasField("has_checkpoint_values"):
        return bool(proto.has_checkpoint_values.value)
    return bool(proto.children or proto.attributes or proto.slot_variables or proto.HasField("registered_saver"))


def restore_eagerly(saveables: Sequence[SaveableObject], reader: Any) -> None:
    """Gives objects their values, none if the checkpoint lacks one or is damaged.

    Many values are looked through first and read then one after the other, so that there is never more than one of
    them beside the old ones.

    Raises:
      NotFoundError: the checkpoint lacks a value.
      InvalidArgumentError: one is of another dtype, or of another shape than that of which a part is wanted.
      DataLossError: the checkpoint is damaged.
    """
    specs = [spec for saveable in saveables for spec in saveable.specs]
    require(reader, [spec.name.encode() for spec in specs])
    size = sum(reader.size_of(spec.name.encode()) for spec in specs)
    if size > _MOST_AT_ONCE:
        for spec in specs:
            reader.verify(spec.name.encode())
        for saveable in saveables:
            saveable.restore([_value(reader, spec) for spec in saveable.specs], None)
        return
    values = [[_value(reader, spec) for spec in saveable.specs] for saveable in saveables]
    for saveable, found in zip(saveables, values, strict=True):
        saveable.restore(found, None)


def _value(reader: Any, spec: SaveSpec) -> Any:
    return wrap(restored(reader, spec.name.encode(), spec.slice_spec, spec.dtype))


class NameBasedRestoration:
    """Is one call of ``restore`` for a checkpoint without an object graph: names of variables say what is whose.

    Args:
      path: the checkpoint.
      reader: reads it.
    """

    def __init__(self, path: str, reader: Any) -> None:
        self.save_path = path
        self.restore_uid = next_restoration()
        self._reader = reader
        #: Objects, and names of values of theirs that are not restored, by `id`.
        self.unused_attributes: dict[int, tuple[Any, list[str]]] = {}

    def saveables_of(self, trackable: Any) -> list[SaveableObject]:
        """Returns what restores the values of an object."""
        saveables, unused = named_values(trackable)
        if unused:
            self._note(trackable, unused)
        return saveables

    def _note(self, trackable: Any, names: list[str]) -> None:
        self.unused_attributes.setdefault(id(trackable), (trackable, []))[1].extend(names)

    def eager_restore(self, trackable: Any) -> None:
        """Gives an object the values that the checkpoint has for it."""
        for saveable in self.saveables_of(trackable):
            if all(self._reader.has(spec.name.encode()) for spec in saveable.specs):
                restore_eagerly([saveable], self._reader)
            else:
                self._note(trackable, [saveable.name])
