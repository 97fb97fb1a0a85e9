"""Defines ``Saver``: writes the variables of a graph to checkpoints, and reads them again."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from tideflow._src.checkpoint import meta_graph, object_graph_message, restored_shapes, state_file
from tideflow._src.checkpoint.imported_variables import ImportedVariables
from tideflow._src.checkpoint.saveables import ResourceSaveable, all_saveable_objects, saveables_of
from tideflow._src.checkpoint.saver_graph import SaverBuilder
from tideflow._src.checkpoint.state_file import V2
from tideflow._src.core import context
from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.ops.checkpoint.bundle import clear_leftovers
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint
from tideflow._src.ops.files import file_system
from tideflow._src.state.collection_protos import register_proto_function
from tideflow._src.state.graph_keys import GraphKeys

_ADVICE = "Please ensure that you have not altered the graph expected based on the checkpoint. Original error:\n\n"


class Saver:
    """Saves variables to checkpoints and restores them.

    Args:
      var_list: the variables, or a dict from names in the checkpoint to variables; all global variables if None.
      reshape: whether a value in a checkpoint takes the variable's shape if it has as many elements.
      sharded: whether each device writes a file of its own.
      max_to_keep: how many of the latest checkpoints to keep; all if 0 or None.
      keep_checkpoint_every_n_hours: keeps one checkpoint for good in each such time.
      name: the name scope of the nodes; ``save`` if None.
      restore_sequentially: whether to restore one variable after another.
      saver_def: a ``SaverDef`` whose nodes the graph has, in place of building new ones.
      builder: the `SaverBuilder` to use.
      defer_build: whether to add the nodes only when `build` is called.
      allow_empty: whether there may be nothing to save.
      write_version: ``SaverDef.V1`` or ``SaverDef.V2``, the format to write; both are read.
      pad_step_number: whether steps in names have at least eight digits.
      save_relative_paths: whether the state file holds paths relative to its folder, so that it can be moved.
      filename: the name to use where none is fed.

    Raises:
      TypeError: ``var_list`` holds something that is no variable.
      ValueError: two variables have the same name, or there is nothing to save.
      RuntimeError: ``var_list`` is missing although execution is eager.
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                "var_list=None."
            )
        if context.executing_eagerly() and var_list is None:
            raise RuntimeError(
                "When eager execution is enabled, `var_list` must specify a list or dict of variables to save"
            )
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep or 0
        self._keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._restore_sequentially = restore_sequentially
        self.saver_def = saver_def
        self._builder = builder
        self._is_built = False
        self._allow_empty = allow_empty
        self._is_empty = False
        self._write_version = write_version
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._shapes: list[tuple[str, Any]] | None = None
        #: Reads checkpoints of objects, under the names that they have for the variables.
        self._object_saver: tuple[dict[str, str], Saver] | None = None
        self._last_checkpoints: list[tuple[str, float]] = []
        self._checkpoints_to_be_deleted: list[tuple[str, float]] = []
        #: The paths that have been saved to, where nothing of an earlier process is left.
        self._cleared: set[str] = set()
        self._next_checkpoint_time = time.time() + keep_checkpoint_every_n_hours * 3600
        if context.executing_eagerly():
            return
        if not defer_build:
            self.build()
        if self.saver_def is not None:
            self._check_saver_def()
            self._write_version = self.saver_def.version

    # Building.

    def build(self) -> None:
        """Adds the nodes to the graph, if they are not there yet."""
        if context.executing_eagerly():
            raise RuntimeError("Use save/restore instead of build in eager mode.")
        if self._is_built:
            return
        self._is_built = True
        if self.saver_def is None or self._builder is not None:
            self._build_nodes()
        elif self._name:
            # The nodes were imported into this scope.
            definition = protos.get("SaverDef")()
            definition.CopyFrom(self.saver_def)
            scope = self._name.rstrip("/")
            definition.filename_tensor_name = f"{scope}/{definition.filename_tensor_name}"
            definition.save_tensor_name = f"{scope}/{definition.save_tensor_name}"
            definition.restore_op_name = f"{scope}/{definition.restore_op_name}"
            self.saver_def = definition
        if self.saver_def is not None:
            self._check_saver_def()
            self._max_to_keep = self.saver_def.max_to_keep
            hours = self.saver_def.keep_checkpoint_every_n_hours
            self._next_checkpoint_time = time.time() + hours * 3600

    def _build_nodes(self, build_save: bool = True, build_restore: bool = True, filename: str | None = None) -> None:
        if self._builder is None:
            self._builder = SaverBuilder(self._write_version)
        if self._var_list is None:
            self._var_list = all_saveable_objects()
        if not self._var_list:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            self._is_empty = True
            return
        self.saver_def = self._builder.build(
            self._var_list,
            reshape=self._reshape,
            sharded=self._sharded,
            max_to_keep=self._max_to_keep,
            keep_checkpoint_every_n_hours=self._keep_checkpoint_every_n_hours,
            name=self._name,
            restore_sequentially=self._restore_sequentially,
            filename=filename or self._filename or "model",
            build_save=build_save,
            build_restore=build_restore,
        )

    def _check_saver_def(self) -> None:
        if not isinstance(self.saver_def, protos.get("SaverDef")):
            raise ValueError(f"saver_def must be a saver_pb2.SaverDef: {self.saver_def}")
        if not self.saver_def.save_tensor_name:
            raise ValueError(f"saver_def must specify the save_tensor_name: {self.saver_def}")
        if not self.saver_def.restore_op_name:
            raise ValueError(f"saver_def must specify the restore_op_name: {self.saver_def}")

    def as_saver_def(self) -> Any:
        """Returns the ``SaverDef`` of this saver."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the ``SaverDef`` of this saver, with names relative to ``export_scope``; None if it is outside."""
        if export_scope is None:
            return self.saver_def
        scope = export_scope.rstrip("/") + "/"
        if not self.saver_def.filename_tensor_name.startswith(scope):
            return None
        definition = protos.get("SaverDef")()
        definition.CopyFrom(self.saver_def)
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(definition, field, getattr(definition, field).removeprefix(scope))
        return definition

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """Returns a saver whose nodes the graph has.

        Args:
          saver_def: the ``SaverDef``.
          import_scope: the name scope into which they were imported.
        """
        return Saver(saver_def=saver_def, name=import_scope)

    # The checkpoints that are kept.

    @property
    def last_checkpoints(self) -> list[str]:
        """The checkpoints that are kept, oldest first."""
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Says which checkpoints there are, oldest first; when they were written is not known then."""
        if not isinstance(last_checkpoints, list):
            raise TypeError(f"last_checkpoints must be a list, got {type(last_checkpoints).__name__}.")
        self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        """Says which checkpoints there are, oldest first, and when each was written, in seconds since 1970."""
        if not isinstance(last_checkpoints_with_time, list):
            raise TypeError(f"last_checkpoints_with_time must be a list, got {last_checkpoints_with_time!r}.")
        self._last_checkpoints = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Finds out which of some checkpoints of an earlier run exist, so that they are deleted in their turn.

        Args:
          checkpoint_paths: their paths, oldest first.
        """
        existing = [path for path in checkpoint_paths if state_file.checkpoint_exists(path)]
        times = state_file.get_checkpoint_mtimes(existing)
        self.set_last_checkpoints_with_time(list(zip(existing, times, strict=True)))

    def _record_last_checkpoint(self, path: str) -> None:
        if not self._max_to_keep:
            return
        # Saving under a name again makes that the latest one.
        self._last_checkpoints = [item for item in self._last_checkpoints if item[0] != path]
        self._last_checkpoints.append((path, time.time()))
        if len(self._last_checkpoints) > self._max_to_keep:
            self._checkpoints_to_be_deleted.append(self._last_checkpoints.pop(0))

    def _delete_old_checkpoints(self, meta_graph_suffix: str) -> None:
        if not self._checkpoints_to_be_deleted:
            return
        path, written = self._checkpoints_to_be_deleted.pop(0)
        if written > self._next_checkpoint_time:
            self._next_checkpoint_time += self._keep_checkpoint_every_n_hours * 3600
            return
        try:
            state_file.remove_checkpoint(path, self._write_version, meta_graph_suffix)
        except Exception as error:  # the new checkpoint is there: that an old one stays is no reason to fail
            get_logger().warning("Ignoring: %s", error)

    # Saving.

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Writes a checkpoint.

        Args:
          sess: the session that holds the values; not used eagerly.
          save_path: the prefix of the files' names.
          global_step: a number, or a tensor or variable that holds one, to be put behind the prefix.
          latest_filename: the name of the state file; ``"checkpoint"`` if None.
          meta_graph_suffix: the suffix of the MetaGraph file.
          write_meta_graph: whether to write the graph, too.
          write_state: whether to write the state file.
          strip_default_attrs: whether the graph is written without attributes that have their default.
          save_debug_info: accepted as TensorFlow does; there is no such information to write.

        Returns:
          The prefix of the checkpoint, for `restore`; None if there is nothing to save.

        Raises:
          TypeError: ``sess`` is no session.
          ValueError: a path does not do.
          RuntimeError: the nodes are not built.
        """
        del save_debug_info
        eager = context.executing_eagerly()
        if not self._is_built and not eager:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        latest_filename = latest_filename or "checkpoint"
        if os.path.dirname(latest_filename):
            raise ValueError("'latest_filename' must not contain path components")
        save_path = os.fspath(save_path)
        save_path = save_path.decode() if isinstance(save_path, bytes) else save_path
        if not os.path.basename(save_path) and not save_path:
            raise ValueError("no path specified")
        checkpoint = self._with_step(sess, save_path, global_step)
        if global_step is None and os.path.basename(save_path) == latest_filename and not self._sharded:
            raise ValueError(f"'latest_filename' collides with 'save_path': '{latest_filename}' and '{save_path}'")
        if not eager and not (hasattr(sess, "run") and hasattr(sess, "graph")):
            raise TypeError(f"'sess' must be a Session; {sess}")
        written = checkpoint
        if not self._is_empty:
            if save_path not in self._cleared:
                clear_leftovers(save_path)
                self._cleared.add(save_path)
            written = self._write(sess, checkpoint, os.path.dirname(save_path), eager)
            if write_state and not self._is_empty:
                self._record_last_checkpoint(written)
                state_file.write_state(
                    os.path.dirname(save_path),
                    written,
                    self.last_checkpoints,
                    latest_filename,
                    self._save_relative_paths,
                )
                self._delete_old_checkpoints(meta_graph_suffix)
        if write_meta_graph and not eager:
            path = state_file.meta_graph_filename(checkpoint, meta_graph_suffix)
            with sess.graph.as_default():
                self.export_meta_graph(path, strip_default_attrs=strip_default_attrs)
        return None if self._is_empty else written

    def _with_step(self, sess: Any, save_path: str, global_step: Any) -> str:
        if global_step is None:
            return save_path
        if hasattr(global_step, "dtype") and hasattr(global_step, "op"):
            eager = context.executing_eagerly()
            global_step = global_step.numpy() if eager else sess.run(global_step)
        step = int(global_step)
        return f"{save_path}-{step:08d}" if self._pad_step_number else f"{save_path}-{step}"

    def _write(self, sess: Any, checkpoint: str, folder: str, eager: bool) -> str:
        try:
            if eager:
                self._build_nodes(build_restore=False, filename=checkpoint)
                if self._is_empty:
                    return checkpoint
                written: Any = self.saver_def.save_tensor_name
            else:
                written = sess.run(self.saver_def.save_tensor_name, {self.saver_def.filename_tensor_name: checkpoint})
        except (FailedPreconditionError, NotFoundError):
            if folder and not file_system.is_folder(folder):
                raise ValueError(f"Parent directory of {checkpoint} doesn't exist, can't save.") from None
            raise
        return written.decode() if isinstance(written, bytes) else str(written)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Sequence[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """Returns the graph and this saver as a ``MetaGraphDef``, and writes it to a file if one is named.

        Arguments are those of `meta_graph.export_meta_graph`.
        """
        return meta_graph.export_meta_graph(
            filename,
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )

    # Restoring.

    def restore(self, sess: Any, save_path: Any) -> None:
        """Gives the variables the values of a checkpoint; they need not be initialized.

        A checkpoint of `tf.train.Checkpoint` is read by the names that the variables had in their graph. In a graph
        that adds nodes, at the first such checkpoint.

        Args:
          sess: the session; not used eagerly.
          save_path: what `save` returned.

        Raises:
          ValueError: there is no such checkpoint.
          NotFoundError: the checkpoint lacks a variable.
          InvalidArgumentError: a value has another shape or dtype than its variable.
          DataLossError: the checkpoint is damaged.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = file_system.text_of(save_path)
        if not state_file.checkpoint_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        get_logger().info("Restoring parameters from %s", prefix)
        try:
            if not self._reshape:
                restored_shapes.check(prefix, self._expected_shapes(sess))
            if context.executing_eagerly():
                self._build_nodes(build_save=False, filename=prefix)
            else:
                sess.run(self.saver_def.restore_op_name, {self.saver_def.filename_tensor_name: prefix})
        except NotFoundError as error:
            objects = object_graph_message.read(open_checkpoint(prefix))
            if objects is not None:
                self._restore_objects(sess, prefix, object_graph_message.keys_by_full_name(objects))
                return
            raise NotFoundError(
                error.node_def,
                error.op,
                "Restoring from checkpoint failed. This is most likely due to a Variable name or other graph key that "
                f"is missing from the checkpoint. {_ADVICE}{error.message}",
            ) from error
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                error.node_def,
                error.op,
                "Restoring from checkpoint failed. This is most likely due to a mismatch between the current graph "
                f"and the graph from the checkpoint. {_ADVICE}{error.message}",
            ) from error

    def _restore_objects(self, sess: Any, prefix: str, keys: dict[str, str]) -> None:
        """Restores from a checkpoint of objects, given its keys by the names of variables."""
        saveables = saveables_of(all_saveable_objects() if self._var_list is None else self._var_list)
        names = {spec.name for saveable in saveables for spec in saveable.specs}
        missing = names - keys.keys()
        if missing:
            raise NotFoundError(
                None,
                None,
                f"\n\nExisting variables not in the checkpoint: {', '.join(sorted(missing))}\n\n"
                f"Names in the checkpoint that are not wanted: {', '.join(sorted(keys.keys() - names))}\n\n"
                f"{len(names) - len(missing)} names are in both. {prefix} is a checkpoint of objects, whose variables "
                "are known by the names that they had when it was written: these differ where it was written eagerly, "
                "or the graph has changed. Restore it with tf.train.Checkpoint, or give Saver a dict from the old "
                "names to variables.",
            )
        get_logger().warning(
            "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile, and will "
            "re-build the Saver. Instead, consider loading object-based checkpoints using tf.train.Checkpoint()."
        )
        used = {name: keys[name] for name in names}
        if self._object_saver is None or self._object_saver[0] != used or context.executing_eagerly():
            for saveable in saveables:
                saveable.name = used.get(saveable.name, saveable.name)
                for spec in saveable.specs:
                    spec.name = used[spec.name]
            self._object_saver = used, Saver(saveables, reshape=self._reshape)
        self._object_saver[1].restore(sess, prefix)

    def _expected_shapes(self, sess: Any) -> list[tuple[str, Any]]:
        if context.executing_eagerly():
            saveables = saveables_of(self._var_list)
            return [(item.name, item.shape) for item in saveables if isinstance(item, ResourceSaveable)]
        if self._shapes is None:
            restore_op = sess.graph.get_operation_by_name(self.saver_def.restore_op_name)
            self._shapes = restored_shapes.expected_shapes(restore_op)
        return self._shapes


register_proto_function(GraphKeys.SAVERS, "SaverDef", Saver.from_proto)


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> Saver | None:
    """Adds the graph of a ``MetaGraphDef`` to the default graph, with its collections.

    Args:
      meta_graph_or_file: the message, or the name of a file that has it.
      clear_devices: whether to leave out the devices that nodes ask for.
      import_scope: a name scope for everything.
      **kwargs: ``input_map`` of `import_graph_def`, and ``return_elements``.

    Returns:
      The ``Saver`` of the graph, or a new one for its variables; None if there are none.

    Raises:
      OSError: there is no such file, or it holds no MetaGraphDef.
      RuntimeError: execution is eager.
    """
    return import_meta_graph_with_return_elements(meta_graph_or_file, clear_devices, import_scope, **kwargs)[0]


def import_meta_graph_with_return_elements(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: Sequence[str] | None = None,
    **kwargs: Any,
) -> tuple[Saver | None, list[Any] | None]:
    """Does what `import_meta_graph` does; returns the saver, and what ``return_elements`` names."""
    if context.executing_eagerly():
        raise RuntimeError(
            "Exporting/importing meta graphs is not supported when eager execution is enabled. No graph exists when "
            "eager execution is enabled."
        )
    message = meta_graph.as_meta_graph_def(meta_graph_or_file)
    graph = context.current_graph()
    if getattr(graph, "initial_values", None) is None:
        return _import(message, clear_devices, import_scope, return_elements, **kwargs)
    # A function that is wrapped has its variables outside, and gives them what their initializers give.
    copy = protos.get("MetaGraphDef")()
    copy.CopyFrom(message)
    outside = ImportedVariables(copy, _scope_of_import(graph, import_scope))
    result = import_with_variables(copy, outside, clear_devices, import_scope, return_elements, **kwargs)
    graph.initial_values += outside.initial_values(graph)
    return result


def _scope_of_import(graph: Any, import_scope: str | None) -> str:
    """Returns the name scope that a meta graph is going to be imported under, without a slash at its end."""
    if not import_scope:
        return str(graph.get_name_scope())
    return import_scope[:-1] if import_scope.endswith("/") else str(graph.unique_name(import_scope, mark_as_used=False))


def import_with_variables(
    message: Any, variables: ImportedVariables, *options: Any, input_map: dict[str, Any] | None = None, **kwargs: Any
) -> tuple[Saver | None, list[Any] | None]:
    """Adds the graph of a message to the function that is being built, with variables that were made outside.

    Args:
      message: a ``MetaGraphDef`` without the variables in its collections.
      variables: these.
      options, input_map, kwargs: as of `import_meta_graph_with_return_elements`.
    """
    graph = context.current_graph()
    handles = {f"{name}:0": graph.capture(variable.handle) for name, variable in variables.used.items()}
    result = _import(message, *options, input_map={**handles, **(input_map or {})}, **kwargs)
    variables.join_collections(graph)
    return result


def _import(
    message: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    return_elements: Sequence[str] | None = None,
    **kwargs: Any,
) -> tuple[Saver | None, list[Any] | None]:
    variables, elements = meta_graph.add_to_graph(message, clear_devices, import_scope, return_elements, **kwargs)
    if message.HasField("saver_def"):
        scope = import_scope
        if variables:
            below, variable = next(iter(variables.items()))
            scope = variable.name.removesuffix(":0").removesuffix(below)
        return Saver(saver_def=message.saver_def, name=scope), elements
    if all_saveable_objects(import_scope):
        return Saver(), elements
    get_logger().info("Saver not created because there are no variables in the graph to restore")
    return None, elements
