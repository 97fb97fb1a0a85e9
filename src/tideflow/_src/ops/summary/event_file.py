"""Event files: records of ``Event`` messages, which TensorBoard reads."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import DataLossError
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.records import frame, read_records

#: How many bytes may wait. A program that adds events faster than its disk takes them writes by itself from there on.
_MOST_BYTES = 1 << 26
#: How many events the thread frames and writes at a time.
_BATCH = 1000

_open: weakref.WeakSet[EventFile] = weakref.WeakSet()


class EventFile:
    """Writes events to a new file of a folder, in a thread of its own.

    The thread wakes only when several events wait or the time is up: waking it for each would stop the program's own
    thread that often. A file that nobody refers to any more is written to its end and closed, and so are those that
    are open when the program ends.

    Args:
      folder: the folder, which is made if it does not exist.
      most_waiting: how many events gather before they are written.
      flush_seconds: the longest time that an event stays in memory.
      suffix: the end of the file's name.
    """

    def __init__(self, folder: str, most_waiting: int = 10, flush_seconds: float = 120, suffix: str = "") -> None:
        #: Whether the thread is to end: from then on, events are written as they are added.
        self._stopped = self._closed = True  # until there is a file
        file_system.make_folders(folder)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{_next()}{suffix}"
        self.path = os.path.join(file_system.local(folder), name)
        self._most_waiting = max(most_waiting, 1)
        self._failure: Exception | None = None
        with file_system.translated(self.path):
            self._file: Any = open(self.path, "wb", buffering=0)  # noqa: SIM115 - `close` closes it
        first = protos.get("Event")(wall_time=time.time(), file_version="brain.Event:2")
        first.source_metadata.writer = "tideflow.summary"
        #: What waits, framed by the thread that writes. Adding to a deque and taking from it need no lock.
        self._waiting: deque[bytes] = deque((first.SerializeToString(),))
        self._bytes = 0
        #: What the file has not taken yet of the records that were framed last.
        self._rest = memoryview(b"")
        #: Guards the file, so that adding an event does not wait for the disk.
        self._file_lock = threading.RLock()
        self._wake = threading.Event()
        self._process = os.getpid()
        self._stopped = self._closed = False
        self._write()
        self._raise_failure()
        self._thread = threading.Thread(
            target=_write_now_and_then,
            args=(weakref.ref(self), self._wake, max(flush_seconds, 0.01)),
            name="event-file",
            daemon=True,
        )
        self._thread.start()
        _open.add(self)

    def add(self, event: Any) -> None:
        """Adds an event.

        Raises:
          OpError: writing an earlier one failed.
        """
        self.add_serialized(event.SerializeToString())

    def add_serialized(self, content: bytes) -> None:
        """Adds an event, given as a serialized ``Event`` message.

        Raises:
          OpError: writing an earlier one failed.
        """
        if self._failure is not None:
            self._raise_failure()
        waiting = self._waiting
        waiting.append(content)
        if len(waiting) >= self._most_waiting and not self._wake.is_set():
            self._wake.set()
        self._bytes += len(content)  # about: two threads that add at once may count one
        if self._bytes > _MOST_BYTES or self._stopped:
            self._write()

    def flush(self) -> None:
        """Returns when all events added so far are in the file."""
        self._write()
        self._raise_failure()

    def close(self) -> None:
        """Writes all events, and closes the file."""
        if self._closed:
            return
        self._closed = True
        self._stop()
        self._write()
        with self._file_lock, file_system.translated(self.path):
            self._file.close()
        self._raise_failure()

    def _stop(self) -> None:
        """Ends the thread."""
        self._stopped = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __del__(self) -> None:
        if sys.is_finalizing() and not self._stopped:
            return  # the thread does not run any more, and may hold the lock
        if not self._closed and os.getpid() == self._process:
            with contextlib.suppress(Exception):  # there is nobody to raise it to
                self.close()

    def finish(self) -> None:
        """Writes what waits at the end of the program, when there is nobody to raise an error to; ends the thread."""
        if self._closed or os.getpid() != self._process:  # the events of a forked process are its parent's to write
            return
        try:
            self._stop()
            self.flush()
        except Exception as error:
            get_logger().warning("Events for %s are lost: %s", self.path, error)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _write(self) -> None:
        """Writes what waits now."""
        with self._file_lock:
            waiting = self._waiting
            left = len(waiting)
            self._bytes = 0
            try:
                with file_system.translated(self.path):
                    self._write_rest()
                    while left > 0:
                        batch = [waiting.popleft() for _ in range(min(left, _BATCH))]
                        left -= len(batch)
                        self._rest = memoryview(b"".join(map(frame, batch)))
                        self._write_rest()
            except Exception as failure:  # reported by the next call that adds, flushes or closes
                self._failure = failure

    def _write_rest(self) -> None:
        """Writes what is framed. Where the disk takes only a part, the next call goes on behind that part."""
        while self._rest:
            self._rest = self._rest[self._file.write(self._rest) :]


def _write_now_and_then(reference: weakref.ref[EventFile], wake: threading.Event, seconds: float) -> None:
    """Writes what waits when the event is set or the time is up, until the file is closed or nobody has it any more."""
    while True:
        wake.wait(seconds)
        wake.clear()
        file = reference()
        if file is None or file._stopped:
            return
        file._write()
        del file  # while this thread waits, it does not keep the file


@atexit.register
def _finish_all() -> None:
    """Writes what programs that never close their writers have added."""
    for file in list(_open):
        file.finish()


_lock = threading.Lock()
_count = 0


def _next() -> int:
    """Returns how many event files this process has made: two of one second need different names."""
    global _count
    with _lock:
        _count += 1
        return _count - 1


def summary_iterator(path: Any) -> Iterator[Any]:
    """Yields the events of a file.

    Args:
      path: the file.

    Raises:
      DataLossError: the file is damaged.
      NotFoundError: there is no such file.
    """
    with file_system.translated(path):
        for record in read_records(file_system.local(path)):
            event = protos.get("Event")()
            try:
                event.ParseFromString(record)
            except Exception as error:  # protobuf's own, which only graph and io import
                raise DataLossError(None, None, f"{path} holds a damaged event: {error}") from None
            yield event
