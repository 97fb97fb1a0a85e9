"""Builds the nodes of a ``Saver``, with TensorFlow's names, so that MetaGraphs work both ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from tideflow._src.checkpoint.saveables import SaveableObject, SaveSpec, saveables_of
from tideflow._src.checkpoint.state_file import V1, V2
from tideflow._src.core import context
from tideflow._src.core.device import DeviceSpec
from tideflow._src.graph import protos
from tideflow._src.ops.array.constants import constant_v1
from tideflow._src.ops.array.placeholders import placeholder_with_default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.checkpoint.bundle import FOLDER_SUFFIX
from tideflow._src.ops.control.grouping import group, with_dependencies
from tideflow._src.ops.scopes import name_scope

_CPU = "/device:CPU:0"


@contextmanager
def _device(name: str) -> Iterator[None]:
    graph = context.current_graph()
    with graph.device(name) if graph is not None and name else nullcontext():
        yield


@contextmanager
def _after(things: Sequence[Any]) -> Iterator[None]:
    graph = context.current_graph()
    with graph.control_dependencies(things) if graph is not None else nullcontext():
        yield


def _on_cpu(device: str) -> str:
    """Returns the CPU of the machine that a device belongs to."""
    spec = DeviceSpec.from_string(device or "")
    return spec.replace(device_type="CPU", device_index=0).to_string()


def _vectors(specs: Sequence[SaveSpec]) -> tuple[list[str], list[str]]:
    return [spec.name for spec in specs], [spec.slice_spec for spec in specs]


class SaverBuilder:
    """Builds the nodes that save and restore.

    Args:
      write_version: ``SaverDef.V1`` or ``SaverDef.V2``.
    """

    def __init__(self, write_version: int = V2) -> None:
        self._write_version = write_version

    # The parts that a subclass may change.

    def save_op(self, filename_tensor: Any, saveables: Sequence[SaveableObject]) -> Any:
        """Returns an operation that writes a checkpoint."""
        specs = [spec for saveable in saveables for spec in saveable.specs]
        names, slices = _vectors(specs)
        tensors = [spec.tensor for spec in specs]
        if self._write_version == V1:
            return raw.SaveSlices(filename_tensor, names, slices, tensors, name="save")
        return raw.SaveV2(filename_tensor, names, slices, tensors)

    def bulk_restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[SaveableObject],
        preferred_shard: int,
        restore_sequentially: bool,
    ) -> list[Any]:
        """Returns the tensors that a checkpoint has of some saveables, read by one operation."""
        del preferred_shard, restore_sequentially
        specs = [spec for saveable in saveables for spec in saveable.specs]
        names, slices = _vectors(specs)
        with _device(_CPU):
            return list(raw.RestoreV2(filename_tensor, names, slices, dtypes=[spec.dtype for spec in specs]))

    def sharded_filename(self, filename_tensor: Any, shard: int, num_shards: Any) -> Any:
        """Returns the name of one part of a sharded checkpoint."""
        return raw.ShardedFilename(filename_tensor, shard, num_shards)

    # Putting them together.

    def _save(self, filename_tensor: Any, saveables: Sequence[SaveableObject]) -> Any:
        saved = self.save_op(filename_tensor, saveables)
        return with_dependencies([saved] if saved is not None else [], filename_tensor)

    def _save_sharded(self, prefix: Any, by_device: list[tuple[str, list[SaveableObject]]]) -> Any:
        if self._write_version == V1:
            return self._save_sharded_v1(prefix, by_device)
        with _device("/device:CPU:*"):
            parts = raw.StringJoin([prefix, f"{FOLDER_SUFFIX}/part"])
        count = constant_v1(len(by_device), name="num_shards")
        names, saves = [], []
        for shard, (device, saveables) in enumerate(by_device):
            with _device(_on_cpu(device)):
                names.append(self.sharded_filename(parts, shard, count))
                saves.append(self._save(names[-1], saveables))
        with _after(saves), _device(_on_cpu(by_device[-1][0])):
            merged = raw.MergeV2Checkpoints(names, prefix, delete_old_dirs=True)
            with _after([merged]):
                return raw.Identity(prefix)

    def _save_sharded_v1(self, filename: Any, by_device: list[tuple[str, list[SaveableObject]]]) -> Any:
        count = constant_v1(len(by_device), name="num_shards")
        saves = []
        for shard, (device, saveables) in enumerate(by_device):
            with _device(device):
                saves.append(self._save(self.sharded_filename(filename, shard, count), saveables))
        with _after(saves):
            return raw.ShardedFilespec(filename, count)

    def _restore(
        self,
        filename_tensor: Any,
        saveables: Sequence[SaveableObject],
        restore_sequentially: bool,
        reshape: bool,
        preferred_shard: int = -1,
        name: str = "restore_all",
    ) -> Any:
        tensors = iter(self.bulk_restore(filename_tensor, saveables, preferred_shard, restore_sequentially))
        assigned = []
        for saveable in saveables:
            shapes = [_shape_of(spec.tensor) for spec in saveable.specs] if reshape else None
            assigned.append(saveable.restore(list(itertools.islice(tensors, len(saveable.specs))), shapes))
        return group(*assigned, name=name) if context.current_graph() is not None else None

    def build(
        self,
        names_to_saveables: Any,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        filename: str = "model",
        build_save: bool = True,
        build_restore: bool = True,
    ) -> Any:
        """Adds the nodes that save and restore variables to the graph; eagerly, does it at once.

        Args:
          names_to_saveables: variables, or a dict from names in the checkpoint to variables.
          reshape: whether a value takes the variable's shape if it has as many elements.
          sharded: whether each device writes a file of its own.
          max_to_keep, keep_checkpoint_every_n_hours: noted in the ``SaverDef``.
          name: the name scope; ``save`` if None.
          restore_sequentially: noted; one operation reads everything.
          filename: the name to use where none is fed.
          build_save, build_restore: whether to make the one and the other.

        Returns:
          The ``SaverDef``.
        """
        saveables = saveables_of(names_to_saveables)
        with name_scope(name, "save"):
            prefix = placeholder_with_default(filename or "model", shape=(), name="filename")
            prefix = placeholder_with_default(prefix, shape=(), name="Const")
            save_tensor = restore_op = None
            if sharded:
                by_device = _by_device(saveables)
                if build_save:
                    save_tensor = self._save_sharded(prefix, by_device)
                if build_restore:
                    restored = []
                    for shard, (device, group_of_device) in enumerate(by_device):
                        with _device(device):
                            restored.append(
                                self._restore(
                                    prefix, group_of_device, restore_sequentially, reshape, shard, name="restore_shard"
                                )
                            )
                    in_graph = context.current_graph() is not None
                    restore_op = group(*restored, name="restore_all") if in_graph else None
            else:
                if build_save:
                    save_tensor = self._save(prefix, saveables)
                if build_restore:
                    restore_op = self._restore(prefix, saveables, restore_sequentially, reshape)
        definition = protos.get("SaverDef")(
            max_to_keep=max_to_keep,
            sharded=sharded,
            keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours,
            version=self._write_version,
        )
        if context.current_graph() is not None:
            definition.filename_tensor_name = prefix.name
            definition.save_tensor_name = save_tensor.name if save_tensor is not None else ""
            definition.restore_op_name = restore_op.name if restore_op is not None else ""
        elif save_tensor is not None:
            definition.save_tensor_name = save_tensor.numpy()
        return definition


def _shape_of(tensor: Any) -> Any:
    return tensor.shape.as_list() if tensor.shape.is_fully_defined() else raw.Shape(tensor)


def _by_device(saveables: Sequence[SaveableObject]) -> list[tuple[str, list[SaveableObject]]]:
    """Groups what is saved by device, sorted.

    Raises:
      ValueError: the tensors of one are on several devices.
    """
    groups: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        devices = {DeviceSpec.from_string(spec.device or "").to_string() for spec in saveable.specs}
        if len(devices) != 1:
            raise ValueError(f"All tensors of a saveable object must be on the same device: {saveable.name}")
        groups.setdefault(devices.pop(), []).append(saveable)
    return sorted(groups.items())
