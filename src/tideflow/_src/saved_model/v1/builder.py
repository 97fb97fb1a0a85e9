"""Defines ``SavedModelBuilder``, which writes graphs and a session's variables as a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from tideflow._src.checkpoint.saveables import all_saveable_objects
from tideflow._src.checkpoint.saver import Saver
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.files import file_system
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.files import write_saved_model
from tideflow._src.saved_model.v1.assets import save_assets
from tideflow._src.saved_model.v1.signature_definitions import op_signature_def


class _SavedModelBuilder:
    """Collects meta graphs for a SavedModel; what they run when they are loaded becomes a signature.

    Until `save` has returned, the folder holds no SavedModel.

    Args:
      export_dir: the folder, which must be empty or not exist.

    Raises:
      AssertionError: the folder is not empty.
    """

    def __init__(self, export_dir: Any) -> None:
        self._saved_model = protos.get("SavedModel")(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
        self._export_dir = file_system.text_of(export_dir)
        if file_system.exists(self._export_dir):
            if file_system.entries(self._export_dir):
                raise AssertionError(
                    f"Export directory {export_dir} already exists, and isn't empty. Please choose a different export "
                    "directory, or delete all the contents of the specified directory."
                )
        else:
            file_system.make_folders(self._export_dir)
        self._has_saved_variables = False
        self._saved_asset_files: set[str] = set()

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_list: Iterable[Any] | None = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph and writes the variables of a session; arguments as of `SavedModelBuilder`."""
        self._check_first()
        signatures = _with_operations(signature_def_map, init_op, train_op)
        saver = self._save_variables(sess, saver)
        message = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        save_assets(assets_list, self._export_dir, self._saved_asset_files, message.asset_file_def.append)
        self._add(message, tags, signatures)
        self._has_saved_variables = True

    def add_meta_graph(
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_list: Iterable[Any] | None = None,
        clear_devices: bool = False,
        init_op: Any = None,
        train_op: Any = None,
        saver: Any = None,
    ) -> None:
        """Adds the default graph, whose variables are among those written already."""
        self._check_later()
        signatures = _with_operations(signature_def_map, init_op, train_op)
        message = _saver_of_all(saver).export_meta_graph(clear_devices=clear_devices, strip_default_attrs=True)
        save_assets(assets_list, self._export_dir, self._saved_asset_files, message.asset_file_def.append)
        self._add(message, tags, signatures)

    def save(self, as_text: bool = False) -> bytes:
        """Writes the SavedModel's message, which makes the folder a SavedModel.

        Args:
          as_text: whether it has protobuf's text format.

        Returns:
          The path of the file.

        Raises:
          OpError: the file cannot be written.
        """
        path = write_saved_model(self._export_dir, self._saved_model, as_text)
        get_logger().info("SavedModel written to: %s", path)
        return path.encode()

    def _check_first(self) -> None:
        if self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has already been saved. Please invoke `add_meta_graph()` "
                "instead."
            )

    def _check_later(self) -> None:
        if not self._has_saved_variables:
            raise AssertionError(
                "Graph state including variables and assets has not been saved yet. Please invoke "
                "`add_meta_graph_and_variables()` first."
            )

    def _save_variables(self, sess: Any, saver: Any) -> Any:
        folder = os.path.join(self._export_dir, constants.VARIABLES_DIRECTORY)
        file_system.make_folders(folder)
        saver = _saver_of_all(saver)
        # No state file: a SavedModel is copied and moved, and its loader knows the name.
        saver.save(sess, os.path.join(folder, constants.VARIABLES_FILENAME), write_meta_graph=False, write_state=False)
        return saver

    def _add(self, message: Any, tags: Iterable[str], signatures: Mapping[str, Any]) -> None:
        message.meta_info_def.tags.extend(tags)
        for key, signature in signatures.items():
            message.signature_def[key].CopyFrom(signature)
        self._saved_model.meta_graphs.add().CopyFrom(message)


class SavedModelBuilder(_SavedModelBuilder):
    """Writes a SavedModel: graphs, each with tags and signatures, that share the variables of a session.

    The first graph is added with the variables, by `add_meta_graph_and_variables`; others by `add_meta_graph`. Until
    `save` has returned, the folder holds no SavedModel.

    Args:
      export_dir: the folder, which must be empty or not exist.

    Raises:
      AssertionError: the folder is not empty.
    """

    def add_meta_graph_and_variables(  # type: ignore[override]  # TensorFlow's two builders differ so
        self,
        sess: Any,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph, and writes the variables of a session, which must be initialized.

        Args:
          sess: the session.
          tags: what tells this meta graph from others.
          signature_def_map: ``SignatureDef`` messages by their keys.
          assets_collection: scalar string constants of the graph with the paths of files to take along.
          legacy_init_op: the older name of ``main_op``.
          clear_devices: whether to leave out the devices that nodes ask for.
          main_op: the operation to run after the variables are restored.
          strip_default_attrs: whether to leave out attributes that have their default.
          saver: the saver; one for all variables of the graph if None.

        Raises:
          AssertionError: the variables are written already, or a ``TensorInfo`` of a signature is not complete.
          KeyError: a signature has a key that is reserved.
          TypeError: ``main_op`` is no operation, or an asset no constant.
          ValueError: the graph has a main operation already.
          FailedPreconditionError: a variable is not initialized.
        """
        self._check_first()
        signatures = _with_operations(signature_def_map)
        self._add_collections(assets_collection, main_op if main_op is not None else legacy_init_op)
        saver = self._save_variables(sess, saver)
        message = saver.export_meta_graph(clear_devices=clear_devices, strip_default_attrs=strip_default_attrs)
        self._add(message, tags, signatures)
        self._has_saved_variables = True

    def add_meta_graph(  # type: ignore[override]
        self,
        tags: Iterable[str],
        signature_def_map: Mapping[str, Any] | None = None,
        assets_collection: Iterable[Any] | None = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Any = None,
    ) -> None:
        """Adds the default graph, whose variables are among those written already.

        Args are those of `add_meta_graph_and_variables`.

        Raises:
          AssertionError: no variables are written yet, or a ``TensorInfo`` of a signature is not complete.
          KeyError, TypeError, ValueError: as there.
        """
        self._check_later()
        signatures = _with_operations(signature_def_map)
        self._add_collections(assets_collection, main_op if main_op is not None else legacy_init_op)
        message = _saver_of_all(saver).export_meta_graph(
            clear_devices=clear_devices, strip_default_attrs=strip_default_attrs
        )
        self._add(message, tags, signatures)

    def _add_collections(self, assets: Iterable[Any] | None, main_op: Any) -> None:
        graph = context.default_graph()
        save_assets(
            assets, self._export_dir, self._saved_asset_files, lambda definition: _note_asset(graph, definition)
        )
        if main_op is None:
            return
        if not isinstance(main_op, Operation):
            raise TypeError(f"Expected {main_op} to be an Operation but got type {type(main_op)} instead.")
        for key in (constants.MAIN_OP_KEY, constants.LEGACY_INIT_OP_KEY):
            if graph.get_collection(key):
                raise ValueError(f"Graph already contains one or more main ops under the collection {key}.")
        graph.add_to_collection(constants.MAIN_OP_KEY, main_op)


def _note_asset(graph: Any, definition: Any) -> None:
    packed = protos.get("google.protobuf.Any")()
    packed.Pack(definition)
    graph.add_to_collection(constants.ASSETS_KEY, packed)


def _saver_of_all(saver: Any) -> Any:
    if saver:
        return saver
    return Saver(all_saveable_objects(), sharded=True, write_version=protos.SaverDef.V2, allow_empty=True)


def _with_operations(signatures: Mapping[str, Any] | None, init_op: Any = None, train_op: Any = None) -> dict[str, Any]:
    """Returns signatures that are checked, and those that name operations."""
    result = dict(signatures or {})
    for signature in result.values():
        for info in (*signature.inputs.values(), *signature.outputs.values()):
            _check(info)
    if constants.INIT_OP_SIGNATURE_KEY in result:
        raise KeyError(
            f'SignatureDef map key "{constants.INIT_OP_SIGNATURE_KEY}" is reserved for initialization. Please use a '
            "different key."
        )
    if constants.TRAIN_OP_SIGNATURE_KEY in result:
        raise KeyError(
            f'SignatureDef map key "{constants.TRAIN_OP_SIGNATURE_KEY}" is reserved for the train op. Please use a '
            "different key."
        )
    for key, op in ((constants.INIT_OP_SIGNATURE_KEY, init_op), (constants.TRAIN_OP_SIGNATURE_KEY, train_op)):
        if op is not None:
            result[key] = op_signature_def(op, key)
    return result


def _check(info: Any) -> None:
    """Raises AssertionError for a ``TensorInfo`` that does not say which tensor it is, and of which dtype."""
    encoding = info.WhichOneof("encoding")
    if encoding is None:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have one of the "
            "'encoding' fields (e.g., name or coo_sparse) set."
        )
    if encoding == "composite_tensor":
        for component in info.composite_tensor.components:
            _check(component)
    elif not info.dtype:
        raise AssertionError(
            f"Invalid `tensor_info`: {info}. All TensorInfo protos used in the SignatureDefs must have the dtype field "
            "set."
        )
