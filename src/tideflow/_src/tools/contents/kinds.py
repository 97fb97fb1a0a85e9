"""Finds out what a file or folder is, by its content, and tells what it holds."""

from __future__ import annotations

import os
import re
from typing import Any

from tideflow._src.checkpoint.state_file import latest_checkpoint
from tideflow._src.graph import protos
from tideflow._src.graph.protos.text import from_bytes, from_text
from tideflow._src.saved_model.v1.loader import maybe_saved_model_directory
from tideflow._src.tools.contents import graphs, keras_files, records
from tideflow._src.tools.contents.checkpoints import checkpoint_tables
from tideflow._src.tools.contents.table import Table

#: The last bytes of a table of TensorFlow: of a checkpoint of the first format, or of the index of one of the second.
_TABLE = bytes.fromhex("57fb808b247547db")
_START = 1 << 16
#: Protobuf reads no larger messages.
_LARGEST_MESSAGE = (1 << 31) - 1
_NAME = re.compile(r"[A-Za-z0-9.^][A-Za-z0-9_.\\/>:^-]*$")
_PART = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")


def tables_of(path: str) -> list[Table]:
    """Returns what a file or folder holds.

    Args:
      path: a checkpoint (its prefix, one of its files, or a folder with some), the folder or message of a SavedModel,
        a file with a GraphDef or MetaGraphDef, records, events, or a model of Keras.

    Raises:
      OSError: there is no such file.
      ValueError: the file is of no known format.
      OpError: it is damaged.
    """
    if os.path.isdir(path):
        return _of_folder(path)
    if not os.path.exists(path):
        if os.path.exists(f"{path}.index"):
            return checkpoint_tables(path)
        raise FileNotFoundError(f"There is no file, folder or checkpoint '{path}'.")
    with open(path, "rb") as file:
        start = file.read(_START)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_TABLE)))
        end = file.read()
    if not size:
        raise ValueError("The file is empty.")
    part = _PART.search(path)
    if part and os.path.exists(f"{path[: part.start()]}.index"):
        return checkpoint_tables(path[: part.start()])
    if start.startswith(b"PK\x03\x04"):
        return keras_files.keras_tables(path)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return keras_files.h5_tables(path)
    if end == _TABLE:
        return checkpoint_tables(path)
    compression = records.compression_of(start)
    if compression is not None:
        return records.record_tables(path, compression)
    if size > _LARGEST_MESSAGE:
        raise ValueError(f"The file has {size} bytes, which is more than a message may have.")
    with open(path, "rb") as file:
        return _of_message(file.read())


def _of_folder(path: str) -> list[Table]:
    if maybe_saved_model_directory(path):
        return graphs.saved_model_folder_tables(path)
    latest = latest_checkpoint(path)
    if latest is None:
        raise ValueError("The folder holds neither a SavedModel nor a checkpoint.")
    return checkpoint_tables(latest, f"Checkpoint {latest}")


def _of_message(content: bytes) -> list[Table]:
    kinds: tuple[tuple[str, Any, Any], ...] = (
        ("SavedModel", _is_saved_model, graphs.saved_model_tables),
        ("MetaGraphDef", _is_meta_graph, graphs.meta_graph_tables),
        ("GraphDef", _is_graph, graphs.graph_tables),
    )
    is_text = _is_text(content[:_START])
    for kind, fits, tables in kinds:
        message = protos.get(kind)()
        try:
            (from_text if is_text else from_bytes)(content, message)
        except ValueError:
            continue
        if fits(message):
            return list(tables(message))
    raise ValueError(
        "The file is none of: checkpoint, SavedModel, GraphDef, MetaGraphDef, TFRecord file, event file, Keras model, "
        "HDF5 file; or it is damaged."
    )


def _is_text(start: bytes) -> bool:
    return not any(byte < 32 and byte not in b"\t\n\r" for byte in start)


def _is_graph(message: Any) -> bool:
    if not message.node and not message.library.function:
        return False
    return all(_NAME.match(node.name) and _NAME.match(node.op) for node in message.node)


def _is_meta_graph(message: Any) -> bool:
    return _is_graph(message.graph_def)


def _is_saved_model(message: Any) -> bool:
    return bool(message.meta_graphs) and all(
        _is_graph(each.graph_def) or each.meta_info_def.tags for each in message.meta_graphs
    )
