"""Files that are replaced as a whole or not at all, whatever happens while they are written.

A file is written under a temporary name beside the one that it is to have, brought to the disk, and renamed. Its writer
holds a lock on it for as long as the temporary name is there; the system gives that up when the process ends, however.
So what a killed process left behind can be told from what another one is writing, and is removed.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import UnavailableError
from tideflow._src.ops.files import file_system

try:
    import fcntl
except ImportError:  # no locks on this system: what was left behind stays
    fcntl = None  # type: ignore[assignment]

_MARK = ".tempstate"
#: So many bytes are brought to the disk while more are being written.
_FLUSHED_MEANWHILE = 1 << 26
#: Seconds that one waits for another process, and between two looks.
_PATIENCE, _PAUSE = 60.0, 0.002
_TEMPORARY = re.compile(re.escape(_MARK) + r"[0-9]+$")


class Replacement:
    """Is a file that is being written.

    Args:
      path: the name that it gets in the end; the folder must exist.

    Raises:
      OpError: the file cannot be made.
    """

    def __init__(self, path: Any) -> None:
        self.path = file_system.local(path)
        self.temporary = f"{self.path}{_MARK}{int.from_bytes(os.urandom(8), 'little')}"
        with file_system.translated(self.temporary):
            self._file: Any = open(self.temporary, "xb", 1 << 18)  # noqa: SIM115 - `place` or `abandon` closes it
        _lock(self._file)
        self._flushing: threading.Thread | None = None
        self._unflushed = 0
        self._failure: OSError | None = None

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: Any) -> None:
        self.abandon()

    def write(self, content: Any) -> None:
        """Appends bytes."""
        with file_system.translated(self.temporary):
            self._file.write(content)
        self._unflushed += len(content)
        if self._unflushed >= _FLUSHED_MEANWHILE and (self._flushing is None or not self._flushing.is_alive()):
            self._unflushed = 0
            self._flushing = threading.Thread(target=self._flush, daemon=True)
            self._flushing.start()

    def _flush(self) -> None:
        """Brings what is written to the disk, while the program goes on."""
        try:
            os.fsync(self._file.fileno())
        except (OSError, ValueError) as error:  # the file is closed if it was abandoned
            self._failure = error if isinstance(error, OSError) else None

    def complete(self) -> None:
        """Brings everything to the disk; nothing can be written any more."""
        with file_system.translated(self.temporary):
            self._file.flush()
            if self._flushing is not None:
                self._flushing.join()
            os.fsync(self._file.fileno())
            if self._failure is not None:  # the system tells of it only once
                raise self._failure

    def place(self, path: str | None = None) -> None:
        """Gives the completed file its name, or ``path`` in its stead."""
        with file_system.translated(path or self.path):
            os.replace(self.temporary, path or self.path)
            self._file.close()

    def abandon(self) -> None:
        """Removes the file if it was not placed."""
        if not self._file.closed:
            if self._flushing is not None:
                self._flushing.join()
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                os.unlink(self.temporary)


def _lock(file: Any) -> bool:
    """Takes the lock of a file without waiting; tells whether nobody else has it."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # another process writes it, or the file system has no locks
        return False
    return True


def completed(path: Any, content: bytes) -> Replacement:
    """Returns a file with this content, complete on the disk, that has yet to be placed."""
    file = Replacement(path)
    try:
        file.write(content)
        file.complete()
    except BaseException:
        file.abandon()
        raise
    return file


def replace(path: Any, content: bytes) -> None:
    """Replaces a file as a whole or not at all."""
    with completed(path, content) as file:
        file.place()
    remember(os.path.dirname(file.path))


def remember(folder: str) -> None:
    """Brings the names in a folder to the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def alone(folder: str) -> Iterator[None]:
    """Keeps other processes and threads that ask for the same from putting files into a folder inside the block.

    A process that ends gives it up. Where the system has no locks nobody is kept out.

    Raises:
      UnavailableError: somebody else has it for a minute.
    """
    descriptor = None
    if fcntl is not None:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder or ".", os.O_RDONLY)
    try:
        if descriptor is not None:
            _wait_for_lock(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _wait_for_lock(descriptor: int, folder: str) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise UnavailableError(
                    None, None, f"Another process has been putting files into {folder or '.'} for {_PATIENCE:.0f} s."
                ) from None
            time.sleep(_PAUSE)
        except OSError:  # this file system has no locks
            return


def abandoned(prefix: str) -> list[str]:
    """Returns the temporary files whose names begin with ``prefix`` and that no process writes any more."""
    return [
        path for path in glob.glob(f"{glob.escape(prefix)}*{_MARK}*") if _TEMPORARY.search(path) and _is_abandoned(path)
    ]


def _is_abandoned(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _lock(file)
    except OSError:  # gone, or not ours
        return False


def clear(prefix: str) -> None:
    """Removes what killed processes left of files whose names begin with ``prefix``."""
    for path in abandoned(prefix):
        with contextlib.suppress(OSError):
            os.unlink(path)
