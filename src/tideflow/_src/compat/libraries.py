"""Libraries of operations and file systems that were compiled for TensorFlow: they are looked for, and refused."""

from __future__ import annotations

import errno
import os
from typing import Any

from tideflow._src.core.errors import NotFoundError

_SUFFIXES = (".so", ".dylib", ".dll")


def load_op_library(library_filename: str) -> Any:
    """Would load operations from a shared library; what is compiled for TensorFlow's own runtime cannot run here.

    Args:
      library_filename: the path of the library.

    Raises:
      NotFoundError: there is no such file, or it holds code for another runtime, as every library does that TensorFlow
        loads.
    """
    path = os.fspath(library_filename)
    if not os.path.exists(path):
        raise NotFoundError(None, None, f"{path}: cannot open shared object file: No such file or directory")
    raise NotFoundError(
        None,
        None,
        f"{path}: undefined symbols of TensorFlow's C++ runtime, which Tideflow does not have. An operation is "
        "written in Python here: with tf.numpy_function or tf.py_function, with tf.custom_gradient over others, or as "
        "docs/architecture.md defines one.",
    )


def load_library(library_location: str) -> None:
    """Would load kernels from a shared library, or from all in a folder; see :func:`load_op_library`.

    Args:
      library_location: the path of a library or a folder.

    Raises:
      OSError: there is no such file or folder.
      NotFoundError: it is, or holds, a library.
    """
    if not os.path.exists(library_location):
        raise OSError(
            errno.ENOENT, "The file or folder to load kernel libraries from does not exist.", library_location
        )
    if not os.path.isdir(library_location):
        load_op_library(library_location)
    for name in sorted(os.listdir(library_location)):
        if name.endswith(_SUFFIXES) or ".so." in name:
            load_op_library(os.path.join(library_location, name))


def load_file_system_library(library_filename: str) -> None:
    """Would load a file system from a shared library; see :func:`load_op_library`.

    Args:
      library_filename: the path of the library.

    Raises:
      NotFoundError: always, as of :func:`load_op_library`. A file system is registered with ``tf.io.gfile``'s own.
    """
    load_op_library(library_filename)
