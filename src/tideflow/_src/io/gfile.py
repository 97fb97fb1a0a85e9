"""``tf.io.gfile`` and ``tf.gfile``: files and folders, with TensorFlow's exceptions."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from tideflow._src.core.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    PermissionDeniedError,
)
from tideflow._src.ops.files import file_system

_MODES = ("r", "w", "a", "r+", "w+", "a+")


class GFile:
    """Is a file that is opened when it is first read or written.

    Text is UTF-8. A file to write appears when something is written to it or flushed; its folder must exist.

    Args:
      name: the file's path.
      mode: ``"r"``, ``"w"``, ``"a"``, each with ``"+"`` to read and write, and with ``"b"`` for bytes.

    Raises:
      InvalidArgumentError: the mode is none of these.
      NotFoundError, PermissionDeniedError, FailedPreconditionError: the file cannot be read or written (at first use).
    """

    def __init__(self, name: Any, mode: str = "r") -> None:
        self.__name = name
        self.__mode = mode
        self._binary = "b" in mode
        plain = mode.replace("b", "")
        if plain not in _MODES:
            raise InvalidArgumentError(None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'")
        self._may_read = plain == "r" or "+" in plain
        self._may_write = plain != "r"
        self._append = "a" in plain
        self._reader: Any = None
        self._writer: Any = None

    @property
    def name(self) -> Any:
        """The path as it was given."""
        return self.__name

    @property
    def mode(self) -> str:
        """The mode as it was given."""
        return self.__mode

    def __repr__(self) -> str:
        return f"<GFile {self.__name!r} mode={self.__mode!r}>"

    def _open_reader(self) -> Any:
        if self._reader is None:
            if not self._may_read:
                raise PermissionDeniedError(None, None, "File isn't open for reading")
            path = file_system.local(self.__name)
            with file_system.translated(self.__name):
                self._reader = open(path, "rb", 512 * 1024)  # noqa: SIM115 - kept until `close`
        return self._reader

    def _open_writer(self) -> Any:
        if self._writer is None:
            if not self._may_write:
                raise PermissionDeniedError(None, None, "File isn't open for writing")
            path = file_system.local(self.__name)
            with file_system.translated(self.__name):
                self._writer = open(path, "ab" if self._append else "wb", 64 * 1024)  # noqa: SIM115
        return self._writer

    def _result(self, content: bytes) -> Any:
        return content if self._binary else content.decode("utf-8")

    def size(self) -> int:
        """Returns the file's length in bytes."""
        return stat(self.__name).length

    def write(self, file_content: Any) -> None:
        """Appends text (as UTF-8) or bytes to the file."""
        writer = self._open_writer()
        if isinstance(file_content, str):
            file_content = file_content.encode("utf-8")
        elif not isinstance(file_content, bytes | bytearray | memoryview):
            raise TypeError(f"Expected binary or unicode string, got {file_content!r}")
        with file_system.translated(self.__name):
            writer.write(file_content)

    def read(self, n: int = -1) -> Any:
        """Returns what follows, at most ``n`` bytes of it unless ``n`` is -1."""
        reader = self._open_reader()
        if n is not None and n < -1:
            raise InvalidArgumentError(None, None, f"Can't read a negative number of bytes: {n}")
        with file_system.translated(self.__name):
            content = reader.read(-1 if n is None else n)
        return self._result(content)

    def readline(self) -> Any:
        """Returns the next line with its end, or nothing at the end of the file."""
        reader = self._open_reader()
        with file_system.translated(self.__name):
            line = reader.readline()
        return self._result(line)

    def readlines(self) -> list[Any]:
        """Returns the lines that follow, with their ends."""
        return list(self)

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Goes to a place in the file: ``offset`` bytes from its start, from here (1) or from its end (2).

        ``position`` is the older name of ``offset``.

        Raises:
          OutOfRangeError: the place is after the end.
          InvalidArgumentError: the place is before the start, or ``whence`` is none of these.
        """
        reader = self._open_reader()
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        target: int = offset if offset is not None else position  # type: ignore[assignment]
        length = self.size()
        if whence == 1:
            target += reader.tell()
        elif whence == 2:
            target += length
        elif whence != 0:
            raise InvalidArgumentError(None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2.")
        if target < 0:
            raise InvalidArgumentError(None, None, f"Seeking to a negative position: {target}")
        if target > length:
            reader.seek(length)
            raise OutOfRangeError(None, None, "reached end of file")
        reader.seek(target)

    def tell(self) -> int:
        """Returns the place of the next byte: where it is read, or written in a file that is only written."""
        if self._may_read:
            return int(self._open_reader().tell())
        writer = self._open_writer()
        if self._append:
            writer.seek(0, os.SEEK_END)
        return int(writer.tell())

    def seekable(self) -> bool:
        """Returns True, as ``io`` asks of files."""
        return True

    def flush(self) -> None:
        """Gives what was written to the operating system."""
        if self._writer is not None:
            with file_system.translated(self.__name):
                self._writer.flush()

    def close(self) -> None:
        """Closes the file; it is opened again if it is used again."""
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if reader is not None:
            reader.close()
        if writer is not None:
            with file_system.translated(self.__name):
                writer.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def next(self) -> Any:
        """Returns the next line; StopIteration at the end."""
        return self.__next__()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OpError):  # half made, or the disk is full: nobody is left to be told
            self.close()


class FastGFile(GFile):
    """Is ``GFile`` under a name of TensorFlow 1.x."""


class FileStatistics:
    """Says how long a file is, when it changed and whether it is a folder.

    Attributes:
      length: its length in bytes.
      mtime_nsec: when it was last changed, in nanoseconds since 1970.
      is_directory: whether it is a folder.
    """

    def __init__(self, length: int, mtime_nsec: int, is_directory: bool) -> None:
        self.length = length
        self.mtime_nsec = mtime_nsec
        self.is_directory = is_directory

    def __repr__(self) -> str:
        return f"FileStatistics(length={self.length}, mtime_nsec={self.mtime_nsec}, is_directory={self.is_directory})"


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copies the content of the file ``src`` to ``dst``.

    Raises:
      AlreadyExistsError: ``dst`` exists and ``overwrite`` is False.
    """
    file_system.copy(src, dst, overwrite)


def exists(path: Any) -> bool:
    """Tells whether there is a file or folder of this name."""
    return file_system.exists(path)


def glob(pattern: Any) -> list[str]:
    """Returns the paths that match a pattern, or any of a list of patterns; see ``tf.io.matching_files``."""
    if isinstance(pattern, str | bytes | os.PathLike):
        return file_system.matching(pattern)
    return [path for item in pattern for path in file_system.matching(item)]


def isdir(path: Any) -> bool:
    """Tells whether this is a folder."""
    return file_system.is_folder(path)


def listdir(path: Any) -> list[str]:
    """Returns the names in a folder.

    Raises:
      NotFoundError: there is no such folder.
    """
    return file_system.entries(path)


def makedirs(path: Any) -> None:
    """Makes a folder and those that it is in; those that exist stay as they are."""
    file_system.make_folders(path)


def mkdir(path: Any) -> None:
    """Makes a folder.

    Raises:
      NotFoundError: the folder that it is to be in does not exist.
    """
    file_system.make_folder(path)


def remove(path: Any) -> None:
    """Removes a file.

    Raises:
      NotFoundError: there is none.
    """
    file_system.remove(path)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Gives the file or folder ``src`` the name ``dst``.

    Raises:
      AlreadyExistsError: ``dst`` exists and ``overwrite`` is False.
    """
    file_system.rename(src, dst, overwrite)


def rmtree(path: Any) -> None:
    """Removes a folder and all that is in it.

    Raises:
      NotFoundError: there is none.
    """
    file_system.remove_tree(path)


def stat(path: Any) -> FileStatistics:
    """Returns the length, time and kind of a file or folder.

    Raises:
      NotFoundError: there is none.
    """
    name = file_system.local(path)
    with file_system.translated(path):
        found = os.stat(name)
    return FileStatistics(found.st_size, found.st_mtime_ns, os.path.isdir(name))


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[Exception], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields a folder and each one below it, as its path, the names of its folders and those of its files.

    Args:
      top: the folder.
      topdown: whether a folder comes before those in it.
      onerror: is called with the exception if a folder cannot be listed, which is then left out.
    """
    path = file_system.text_of(top)
    try:
        names = file_system.entries(path)
    except OpError as error:
        if onerror is not None:
            onerror(error)
        return
    folders: list[str] = []
    files: list[str] = []
    for name in names:
        (folders if file_system.is_folder(join(path, name)) else files).append(name)
    if topdown:
        yield path, folders, files
    for name in folders:
        below = join(path, name)
        if not os.path.islink(file_system.local(below)):
            yield from walk(below, topdown, onerror)
    if not topdown:
        yield path, folders, files


def join(path: Any, *paths: Any) -> Any:
    """Joins the parts of a path."""
    return os.path.join(path, *paths)


def get_registered_schemes() -> list[str]:
    """Returns the schemes that paths may have; ``""`` stands for paths without one."""
    return list(file_system.SCHEMES)


# The names of TensorFlow 1.x.


def copy_v1(oldpath: Any, newpath: Any, overwrite: bool = False) -> None:
    """Copies the content of a file; see ``tf.io.gfile.copy``."""
    copy(oldpath, newpath, overwrite)


def delete_recursively_v1(dirname: Any) -> None:
    """Removes a folder and all that is in it; see ``tf.io.gfile.rmtree``."""
    rmtree(dirname)


def exists_v1(filename: Any) -> bool:
    """Tells whether there is a file or folder of this name."""
    return exists(filename)


def glob_v1(filename: Any) -> list[str]:
    """Returns the paths that match a pattern, or any of a list of patterns."""
    return glob(filename)


def is_directory_v1(dirname: Any) -> bool:
    """Tells whether this is a folder."""
    return isdir(dirname)


def list_directory_v1(dirname: Any) -> list[str]:
    """Returns the names in a folder."""
    return listdir(dirname)


def make_dirs_v1(dirname: Any) -> None:
    """Makes a folder and those that it is in."""
    makedirs(dirname)


def mkdir_v1(dirname: Any) -> None:
    """Makes a folder."""
    mkdir(dirname)


def remove_v1(filename: Any) -> None:
    """Removes a file."""
    remove(filename)


def rename_v1(oldname: Any, newname: Any, overwrite: bool = False) -> None:
    """Gives a file or folder another name."""
    rename(oldname, newname, overwrite)


def stat_v1(filename: Any) -> FileStatistics:
    """Returns the length, time and kind of a file or folder."""
    return stat(filename)


def walk_v1(top: Any, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields a folder and each one below it; with ``in_order`` a folder comes before those in it."""
    return walk(top, in_order)
