"""Writes what an object depends on to a checkpoint, and starts restorations from one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from tideflow._src.checkpoint import object_graph_message
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions
from tideflow._src.checkpoint.load_status import (
    CheckpointLoadStatus,
    InitializationOnlyStatus,
    LoadStatus,
    NameBasedSaverStatus,
    get_session,
)
from tideflow._src.checkpoint.object_restoration import CheckpointPosition, NameBasedRestoration, Restoration
from tideflow._src.checkpoint.object_values import saved_values, tensor_of
from tideflow._src.checkpoint.python_state import PYTHON_STATE, PythonState
from tideflow._src.checkpoint.saveables import SaveSpec
from tideflow._src.checkpoint.sharding import ShardableTensor, ShardByTaskPolicy, validate_shards
from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.ops.array.placeholders import placeholder_with_default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.checkpoint.bundle import FOLDER_SUFFIX, clear_leftovers
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.object_graph import (
    OBJECT_GRAPH_KEY,
    NumberedObjects,
    ObjectGraphView,
    attribute_key,
    full_name,
)
from tideflow._src.state.trackable import next_restoration


class Gathered(NamedTuple):
    """Is what a checkpoint is to hold."""

    #: The tensors.
    specs: list[SaveSpec]
    #: The objects that they belong to.
    owners: list[Any]
    #: The object graph, as a message.
    object_graph: Any
    #: What is to be fed to a run of a graph.
    feeds: dict[Any, Any]


class TrackableSaver:
    """Saves and restores an object and what it depends on.

    Args:
      graph_view: shows these objects.
    """

    def __init__(self, graph_view: ObjectGraphView) -> None:
        self._graph_view = graph_view
        # In a graph: what is fed, what saves and the object graph that it was made for, and what restores.
        self._prefix: Any = None
        self._object_graph_tensor: Any = None
        self._python_states: dict[int, tuple[Any, Any]] = {}
        self._save_operation: Any = None
        self._saved_object_graph: Any = None
        self._restore_prefix: Any = None
        self._restore_operations: dict[Any, Any] = {}
        self._cleared: set[str] = set()

    # Saving.

    def gather(self) -> Gathered:
        """Returns what a checkpoint of this moment has to hold."""
        objects = NumberedObjects(self._graph_view)
        attributes: dict[int, list[tuple[str, str, str]]] = {}
        specs: list[SaveSpec] = []
        owners: list[Any] = []
        feeds: dict[Any, Any] = {}
        in_session = _in_session()
        for number, (value, path) in enumerate(zip(objects.values, objects.paths, strict=True)):
            if isinstance(value, PythonState) and in_session:
                key = attribute_key(path, PYTHON_STATE)
                tensor = self._python_state_tensor(value)
                feeds[tensor] = value.serialize()
                attributes[number] = [(PYTHON_STATE, key, "")]
                specs.append(SaveSpec(tensor, "", key, dtypes.string))
                owners.append(value)
                continue
            named, saveables = saved_values(value, path)
            if named:
                full = full_name(value)
                attributes[number] = [(name, key, full) for name, key in named]
            for saveable in saveables:
                specs += saveable.specs
                owners += [value] * len(saveable.specs)
        return Gathered(specs, owners, object_graph_message.of_objects(objects, attributes), feeds)

    def _python_state_tensor(self, value: PythonState) -> Any:
        """Returns the tensor that is fed the state of an object."""
        known = self._python_states.get(id(value))
        if known is None:
            known = self._python_states[id(value)] = value, placeholder_with_default(b"", shape=())
        return known[1]

    def save(
        self,
        file_prefix: Any,
        checkpoint_number: int | None = None,
        session: Any = None,
        options: CheckpointOptions | None = None,
    ) -> Any:
        """Writes a checkpoint.

        Args:
          file_prefix: the beginning of the names of its files; a string, or a tensor.
          checkpoint_number: what is put behind that, if it is not 0.
          session: the session that holds the values of a graph; the default one if None.
          options: how it is written.

        Returns:
          The prefix: a tensor, or what a run of it gives.

        Raises:
          RuntimeError: there is no session.
        """
        options = options or CheckpointOptions()
        if checkpoint_number:
            file_prefix = f"{file_prefix}-{checkpoint_number}"
        gathered = self.gather()
        if not _in_session():
            prefix = convert_to_tensor(file_prefix, dtypes.string)
            graph_tensor = convert_to_tensor(gathered.object_graph.SerializeToString(), dtypes.string)
            self._make_ready(file_prefix)
            return self.write(prefix, gathered, graph_tensor, options)
        if self._prefix is None:
            self._prefix = placeholder_with_default("model", shape=())
            self._object_graph_tensor = placeholder_with_default(b"", shape=())
        if self._save_operation is None or self._saved_object_graph != gathered.object_graph:
            self._save_operation = self.write(self._prefix, gathered, self._object_graph_tensor, options)
            self._saved_object_graph = gathered.object_graph
        session = session or get_session()
        if session is None:
            raise RuntimeError(
                f'Unable to save checkpoint to "{file_prefix}" in graph mode without a default session. Please use '
                "`with tf.Session():` to create a session."
            )
        self._make_ready(file_prefix)
        feeds = {
            **gathered.feeds,
            self._prefix: file_prefix,
            self._object_graph_tensor: gathered.object_graph.SerializeToString(),
        }
        return session.run(self._save_operation, feed_dict=feeds)

    def prepared(self, path: str, options: CheckpointOptions) -> Callable[[], Any]:
        """Returns a function that writes a checkpoint of this moment, whenever it is called."""
        gathered = self.gather()
        values = [(spec, tensor_of(spec)) for spec in gathered.specs]
        specs = [SaveSpec(value, spec.slice_spec, spec.name, spec.dtype) for spec, value in values if value is not None]
        owners = [owner for owner, (_, value) in zip(gathered.owners, values, strict=True) if value is not None]
        frozen = Gathered(specs, owners, gathered.object_graph, {})
        prefix = convert_to_tensor(path, dtypes.string)
        graph_tensor = convert_to_tensor(gathered.object_graph.SerializeToString(), dtypes.string)

        def write() -> Any:
            self._make_ready(path)
            return self.write(prefix, frozen, graph_tensor, options)

        return write

    def _make_ready(self, file_prefix: Any) -> None:
        """Makes the folders that a checkpoint is to be in, and removes what a killed process has left of it."""
        if isinstance(file_prefix, str | bytes):
            file_system.make_folders(os.path.dirname(file_system.text_of(file_prefix)))
            self.clear(file_prefix)

    def clear(self, file_prefix: Any) -> None:
        """Removes what a killed process has left of a checkpoint of this name, with a number behind it or not, once."""
        if isinstance(file_prefix, str | bytes) and file_prefix not in self._cleared:
            clear_leftovers(file_system.text_of(file_prefix))
            self._cleared.add(file_system.text_of(file_prefix))

    def write(self, prefix: Any, gathered: Gathered, graph_tensor: Any, options: CheckpointOptions) -> Any:
        """Writes what was gathered, or adds the operations that do it to the graph; returns the prefix."""
        tensors = []
        for spec, owner in zip(gathered.specs, gathered.owners, strict=True):
            tensor = tensor_of(spec)
            if tensor is not None:
                tensors.append((spec, tensor, owner))
        graph_spec = SaveSpec(graph_tensor, "", OBJECT_GRAPH_KEY, dtypes.string)
        tensors.append((graph_spec, graph_tensor, None))
        shards = _shards(tensors, options)
        graph = context.current_graph()
        if graph is None:
            _save(prefix, shards)
            return prefix
        with graph.device(options.experimental_io_device or "/device:CPU:0"):
            return with_dependencies([_save(prefix, shards)], prefix)

    # Restoring.

    def restore(self, save_path: Any, options: CheckpointOptions | None = None) -> LoadStatus:
        """Starts a restoration; eagerly, values are restored at once.

        Args:
          save_path: the prefix of the checkpoint; None to restore nothing.
          options: how it is read.

        Raises:
          NotFoundError: there is no such checkpoint.
          DataLossError: it is damaged.
        """
        options = options or CheckpointOptions()
        if save_path is None:
            return InitializationOnlyStatus(self._graph_view, next_restoration())
        path = file_system.text_of(save_path)
        if not path:
            raise InvalidArgumentError(None, None, "The path of a checkpoint must not be empty.")
        reader = open_checkpoint(path)
        message = object_graph_message.read(reader)
        eager = context.executing_eagerly()
        if message is None:
            return self._restore_by_name(path, reader, eager)
        feeds = None
        if eager:
            prefix = convert_to_tensor(path, dtypes.string)
        else:
            if self._restore_prefix is None:
                with init_scope():
                    self._restore_prefix = placeholder_with_default("model", shape=())
            prefix = self._restore_prefix
            feeds = {prefix: path}
        restoration = Restoration(message, path, prefix, reader, self._restore_operations, options)
        CheckpointPosition(restoration, 0).restore(self._graph_view.root, reader)
        for name, child in self._graph_view.attached_dependencies or ():
            number = next((each.node_id for each in message.nodes[0].children if each.local_name == name), None)
            if name != "root" and number is not None and number not in restoration.object_by_proto_id:
                CheckpointPosition(restoration, number).restore(child, reader)
        return CheckpointLoadStatus(restoration, feeds, self._graph_view, options)

    def _restore_by_name(self, path: str, reader: Any, eager: bool) -> NameBasedSaverStatus:
        restoration = NameBasedRestoration(path, reader)
        if eager:
            for value in NumberedObjects(self._graph_view).values:
                value._maybe_initialize_trackable()
                value._name_based_restores.add(restoration)
                value._name_based_attribute_restore(restoration)
        return NameBasedSaverStatus(restoration, self._graph_view)


def _in_session() -> bool:
    """Tells whether operations join a graph that sessions run."""
    graph = context.current_graph()
    return graph is not None and not graph.building_function


Tensors = list[tuple[str, str, Any]]


def _shards(tensors: list[tuple[SaveSpec, Any, Any]], options: CheckpointOptions) -> list[Tensors]:
    """Returns keys, slices and tensors of the files of a checkpoint."""
    callback = options.experimental_sharding_callback
    if callback is None or isinstance(callback, ShardByTaskPolicy):
        return [[(spec.name, spec.slice_spec, tensor) for spec, tensor, _ in tensors]]
    described = [
        ShardableTensor(
            spec, tensor, tensor.dtype, tensor.device, spec.name, tensor.shape, spec.slice_spec, spec.name, owner
        )
        for spec, tensor, owner in tensors
    ]
    shards = callback(described)
    validate_shards(shards, described, callback.description)
    return [[(key, part, tensor) for key, parts in shard.items() for part, tensor in parts.items()] for shard in shards]


def _save(prefix: Any, shards: list[Tensors]) -> Any:
    """Writes the files of a checkpoint; returns the operation that does it in a graph."""
    if len(shards) == 1:
        return _save_file(prefix, shards[0])
    parts = raw.StringJoin([prefix, f"{FOLDER_SUFFIX}/part"])
    names, saves = [], []
    for number, shard in enumerate(shards):
        names.append(raw.ShardedFilename(parts, number, len(shards)))
        saves.append(_save_file(names[-1], shard))
    graph = context.current_graph()
    if graph is None:
        return raw.MergeV2Checkpoints(names, prefix, delete_old_dirs=True)
    with graph.control_dependencies(saves):
        return raw.MergeV2Checkpoints(names, prefix, delete_old_dirs=True)


def _save_file(prefix: Any, tensors: Tensors) -> Any:
    keys, parts, values = zip(*tensors, strict=True)
    return raw.SaveV2(prefix, list(keys), list(parts), list(values))
