"""Reads and writes the message of a SavedModel."""

from __future__ import annotations

import os
from typing import Any

from tideflow._src.graph import protos
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.saved_model import constants


def parse_saved_model(export_dir: Any) -> Any:
    """Returns the ``SavedModel`` message of a folder, from its binary or its text file.

    Raises:
      OSError: there is none, or it cannot be read.
    """
    from tideflow._src.graph.protos.text import from_bytes, from_text  # loads protobuf

    folder = file_system.text_of(export_dir)
    for name, read in (
        (constants.SAVED_MODEL_FILENAME_PB, from_bytes),
        (constants.SAVED_MODEL_FILENAME_PBTXT, from_text),
    ):
        path = os.path.join(folder, name)
        if file_system.exists(path):
            try:
                return read(file_system.read(path), protos.get("SavedModel")())
            except ValueError as error:
                reason = str(error).partition(": ")[2]
                raise OSError(f"Cannot parse file {path}: {reason}.") from None
    raise OSError(
        f"SavedModel file does not exist at: {folder}{os.path.sep}"
        f"{{{constants.SAVED_MODEL_FILENAME_PBTXT}|{constants.SAVED_MODEL_FILENAME_PB}}}"
    )


def write_saved_model(export_dir: Any, message: Any, as_text: bool = False) -> str:
    """Writes a ``SavedModel`` message into a folder, as a whole or not at all.

    Returns:
      The path of the file.
    """
    from tideflow._src.graph.protos.text import to_text  # loads protobuf

    folder = file_system.text_of(export_dir)
    path = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT if as_text else constants.SAVED_MODEL_FILENAME_PB)
    file_system.make_folders(folder)
    replacement.replace(path, to_text(message).encode() if as_text else message.SerializeToString(deterministic=True))
    return path
