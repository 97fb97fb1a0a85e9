"""Files that a graph names in constants, such as vocabularies: a SavedModel takes them along."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Iterable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph import protos
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.v1.tensor_info import in_scope

_BLOCK = 1 << 20


def save_assets(assets: Iterable[Any] | None, export_dir: str, copied: set[str], note: Callable[[Any], None]) -> None:
    """Copies the files that constants name into a SavedModel, each once.

    Args:
      assets: scalar string constants of the graph, with the paths.
      export_dir: the folder of the SavedModel.
      copied: the files that are there already, which grows.
      note: gets the ``AssetFileDef`` of each constant.

    Raises:
      TypeError: one of the assets is no scalar string constant.
      ValueError: a path is empty.
    """
    sources: dict[str, str] = {}
    for tensor in assets or ():
        path = _path_of(tensor)
        if not path:
            raise ValueError(f"Asset filepath tensor {tensor} in is invalid.")
        name = asset_filename(path, sources)
        definition = protos.get("AssetFileDef")(filename=name)
        definition.tensor_info.name = tensor.name
        note(definition)
        sources[name] = path
    if not sources:
        get_logger().info("No assets to write.")
        return
    folder = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    file_system.make_folders(folder)
    for name, path in sources.items():
        target = os.path.join(folder, name)
        if file_system.exists(path) and path != target and target not in copied:
            copy_file(path, target)
            copied.add(target)
    get_logger().info("Assets written to: %s", folder)


def copy_file(source: str, target: str) -> None:
    """Copies a file, as a whole or not at all."""
    with replacement.Replacement(target) as file, file_system.translated(source):
        with open(file_system.local(source), "rb") as content:
            while block := content.read(_BLOCK):
                file.write(block)
        file.complete()
        file.place()


def asset_filename(path: str, sources: dict[str, str]) -> str:
    """Returns a name for a file among those that are taken along; another file of the same name and content shares it.

    Args:
      path: the file.
      sources: the paths of the others by their names.
    """
    base = os.path.basename(path)
    other = sources.get(base)
    if other is None or other == path or _same_content(path, other):
        return base
    name, count = base, 1
    while name in sources:
        name, count = f"{base}_{count}", count + 1
    return name


def _same_content(one: str, other: str) -> bool:
    with file_system.translated(one):
        return filecmp.cmp(file_system.local(one), file_system.local(other), shallow=False)


def _path_of(tensor: Any) -> str:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"Asset path tensor {tensor} must be a Tensor.")
    if tensor.op.type != "Const":
        raise TypeError(f"Asset path tensor {tensor} must be of type constant.Has type {tensor.op.type} instead.")
    if tensor.dtype != dtypes.string:
        raise TypeError(f"Asset path tensor {tensor}` must be of dtype string.Has type {tensor.dtype} instead.")
    value = get_static_value(tensor)
    if value is None or getattr(value, "size", 1) != 1:
        raise TypeError(f"Asset path tensor {tensor} must be a scalar.")
    path = value.reshape(-1)[0] if hasattr(value, "reshape") else value
    return file_system.text_of(path)


def asset_tensors(export_dir: str, meta_graph_def: Any, import_scope: str | None = None) -> dict[str, bytes]:
    """Returns the paths of the files of a meta graph, by the names of the tensors that hold them.

    Args:
      export_dir: the folder of the SavedModel.
      meta_graph_def: the ``MetaGraphDef``.
      import_scope: the name scope into which the graph was imported.

    Raises:
      OSError: a file is to lie outside the folder of the assets.
    """
    definitions = list(meta_graph_def.asset_file_def)
    if not definitions and constants.ASSETS_KEY in meta_graph_def.collection_def:
        for packed in meta_graph_def.collection_def[constants.ASSETS_KEY].any_list.value:
            definition = protos.get("AssetFileDef")()
            packed.Unpack(definition)
            definitions.append(definition)
    folder = os.path.join(export_dir, constants.ASSETS_DIRECTORY)
    found = {}
    for definition in definitions:
        path = os.path.normpath(os.path.join(folder, definition.filename))
        # The message may come from anywhere: it names files of the SavedModel, and no others.
        if os.path.isabs(definition.filename) or not path.startswith(os.path.normpath(folder) + os.sep):
            raise OSError(f"The asset '{definition.filename}' does not lie in {folder}.")
        found[in_scope(definition.tensor_info.name, import_scope)] = os.path.join(folder, definition.filename).encode()
    return found
