"""Loads SavedModels into sessions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tideflow._src.checkpoint.saveables import all_saveable_objects
from tideflow._src.checkpoint.saver import Saver, import_meta_graph_with_return_elements
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.ops.files import file_system
from tideflow._src.saved_model import constants, python_functions
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.saved_model.v1.assets import asset_tensors
from tideflow._src.saved_model.v1.signature_definitions import load_op_from_signature_def


def load(
    sess: Any,
    tags: Iterable[str],
    export_dir: Any,
    import_scope: str | None = None,
    **saver_kwargs: Any,
) -> Any:
    """Adds a meta graph of a SavedModel to a session's graph, restores its variables, and runs its main operation.

    Args:
      sess: the session.
      tags: the tags of the meta graph, all of them.
      export_dir: the folder of the SavedModel, written by TensorFlow 1.x or 2.x.
      import_scope: a name scope for everything that is added.
      **saver_kwargs: arguments of ``import_meta_graph``: ``clear_devices``, ``input_map``, ``return_elements``. And
        ``allow_python_functions``: whether nodes may call Python functions that this process has made for ``py_func``.

    Returns:
      The ``MetaGraphDef``, as it is in the SavedModel: its names know nothing of ``import_scope``.

    Raises:
      OSError: the folder holds no SavedModel, or one that cannot be read.
      RuntimeError: no meta graph has exactly these tags, or the meta graph has several main operations.
      PermissionDeniedError: a node calls a Python function, and that is not allowed.
    """
    allowed = saver_kwargs.pop("allow_python_functions", False)
    return SavedModelLoader(export_dir, allowed).load(sess, tags, import_scope, **saver_kwargs)


def maybe_saved_model_directory(export_dir: Any) -> bool:
    """Tells whether a folder has the file of a SavedModel; nothing says that it can be loaded."""
    names = ("SAVED_MODEL_FILENAME_PBTXT", "SAVED_MODEL_FILENAME_PB", "SAVED_MODEL_FILENAME_CPB")
    folder = file_system.text_of(export_dir)
    return any(file_system.exists(os.path.join(folder, getattr(constants, name))) for name in names)


class SavedModelLoader:
    """Loads the meta graphs of a SavedModel.

    Args:
      export_dir: the folder.
      allow_python_functions: whether nodes may call Python functions that this process has made for ``py_func``.

    Raises:
      OSError: it holds no SavedModel, or one that cannot be read.
    """

    def __init__(self, export_dir: Any, allow_python_functions: bool = False) -> None:
        self._allow_python_functions = allow_python_functions
        self._export_dir = file_system.text_of(export_dir)
        self._saved_model = parse_saved_model(export_dir)

    @property
    def export_dir(self) -> str:
        """The folder of the SavedModel."""
        return self._export_dir

    @property
    def variables_path(self) -> str:
        """The path of the checkpoint with the variables."""
        return os.path.join(self._export_dir, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME)

    @property
    def saved_model(self) -> Any:
        """The ``SavedModel`` message."""
        return self._saved_model

    def get_meta_graph_def_from_tags(self, tags: Iterable[str]) -> Any:
        """Returns the ``MetaGraphDef`` with exactly these tags.

        Raises:
          RuntimeError: there is none.
        """
        available = [set(message.meta_info_def.tags) for message in self._saved_model.meta_graphs]
        for message, its_tags in zip(self._saved_model.meta_graphs, available, strict=True):
            if its_tags == set(tags):
                return message
        raise RuntimeError(
            f"MetaGraphDef associated with tags {str(tags).strip('[]')} could not be found in SavedModel, with "
            f"available tags '{available}'. To inspect available tag-sets in the SavedModel, please use the SavedModel "
            "CLI: `saved_model_cli`."
        )

    def load_graph(
        self, graph: Any, tags: Iterable[str], import_scope: str | None = None, **saver_kwargs: Any
    ) -> tuple[Saver | None, list[Any] | None]:
        """Adds a meta graph to a graph.

        Returns:
          Its saver, and what ``return_elements`` names.

        Raises:
          PermissionDeniedError: a node calls a Python function, and that is not allowed.
        """
        message = self.get_meta_graph_def_from_tags(tags)
        if not self._allow_python_functions:
            python_functions.refuse(message.graph_def)
        with graph.as_default():
            return import_meta_graph_with_return_elements(message, import_scope=import_scope, **saver_kwargs)

    def restore_variables(self, sess: Any, saver: Any, import_scope: str | None = None) -> None:
        """Restores the variables.

        Args:
          sess: the session.
          saver: the saver that `load_graph` returned, or another one.
          import_scope: the name scope into which the graph was imported.

        Raises:
          ValueError: there are variables, and no saver.
        """
        with sess.graph.as_default():
            if saver is None and not all_saveable_objects(import_scope):
                get_logger().info("The specified SavedModel has no variables; no checkpoints were restored.")
            elif isinstance(saver, Saver):
                saver.restore(sess, self.variables_path)
            else:
                raise ValueError(
                    "No tf.train.Saver object was passed to the function `SavedModelLoader.restore_variables`. Since "
                    "there are variables in the graph, a saver is required."
                )

    def run_init_ops(self, sess: Any, tags: Iterable[str], import_scope: str | None = None) -> None:
        """Runs the main operation of a meta graph, if it has one, with the paths of its assets."""
        message = self.get_meta_graph_def_from_tags(tags)
        with sess.graph.as_default():
            paths = asset_tensors(self._export_dir, message, import_scope)
            init_op = get_init_op(message, import_scope)
            if init_op is not None:
                sess.run([init_op], paths)

    def load(self, sess: Any, tags: Iterable[str], import_scope: str | None = None, **saver_kwargs: Any) -> Any:
        """Does all of it: arguments and result are those of the function `load`."""
        with sess.graph.as_default():
            saver, _ = self.load_graph(sess.graph, tags, import_scope, **saver_kwargs)
            self.restore_variables(sess, saver, import_scope)
            self.run_init_ops(sess, tags, import_scope)
        return self.get_meta_graph_def_from_tags(tags)


def get_init_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """Returns what a meta graph, which the default graph holds, runs when it is loaded; None if there is nothing."""
    return (
        _of_signature(meta_graph_def, constants.INIT_OP_SIGNATURE_KEY, import_scope)
        or _of_collection(meta_graph_def, constants.MAIN_OP_KEY)
        or _of_collection(meta_graph_def, constants.LEGACY_INIT_OP_KEY)
    )


def get_train_op(meta_graph_def: Any, import_scope: str | None = None) -> Any:
    """Returns what trains a meta graph, which the default graph holds; None if it does not say."""
    train_op = _of_signature(meta_graph_def, constants.TRAIN_OP_SIGNATURE_KEY, import_scope)
    return _of_collection(meta_graph_def, constants.TRAIN_OP_KEY) if train_op is None else train_op


def _of_signature(meta_graph_def: Any, key: str, import_scope: str | None) -> Any:
    if key not in meta_graph_def.signature_def:
        return None
    return load_op_from_signature_def(meta_graph_def.signature_def[key], key, import_scope)


def _of_collection(meta_graph_def: Any, key: str) -> Any:
    if key not in meta_graph_def.collection_def:
        return None
    names = meta_graph_def.collection_def[key].node_list.value
    if len(names) != 1:
        raise RuntimeError(f"Expected exactly one SavedModel init op. Found {len(names)}: {names}.")
    return context.default_graph().get_collection(key)[0]
