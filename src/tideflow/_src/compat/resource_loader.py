"""Finds files beside the program that asks: ``tf.resource_loader``."""

from __future__ import annotations

import os
import sys


def get_data_files_path() -> str:
    """Returns the directory of the file that calls this."""
    return _directory(2)


def get_path_to_datafile(path: str) -> str:
    """Returns the path of a file that is named relative to the file that calls this."""
    return os.path.join(_directory(2), path)


def load_resource(path: str) -> bytes:
    """Returns the contents of a file that is named relative to the file that calls this.

    Raises:
      OSError: it cannot be read.
    """
    with open(os.path.join(_directory(2), path), "rb") as file:
        content: bytes = file.read()
    return content


def get_root_dir_with_all_resources() -> str:
    """Returns the directory of the file that calls this: resources lie beside the program."""
    return _directory(2)


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """Returns ``path``: local files need no other name to be read ahead."""
    del readahead
    return path


def _directory(depth: int) -> str:
    file: str = sys._getframe(depth).f_globals.get("__file__", "")
    return os.path.dirname(os.path.abspath(file))
