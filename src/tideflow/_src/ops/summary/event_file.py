"""Event files: records of ``Event`` messages, which TensorBoard reads."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import DataLossError
from tideflow._src.graph import protos
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.records import frame, read_records


class EventFile:
    """Writes events to a new file of a folder, in a thread of its own.

    The thread wakes only when several events wait or the time is up: waking it for each would stop the program's own
    thread that often.

    Args:
      folder: the folder, which is made if it does not exist.
      most_waiting: how many events gather before they are written.
      flush_seconds: the longest time that an event stays in memory.
      suffix: the end of the file's name.
    """

    def __init__(self, folder: str, most_waiting: int = 10, flush_seconds: float = 120, suffix: str = "") -> None:
        file_system.make_folders(folder)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{_next()}{suffix}"
        self.path = os.path.join(file_system.local(folder), name)
        self._most_waiting = max(most_waiting, 1)
        self._flush_seconds = max(flush_seconds, 0.01)
        self._failure: Exception | None = None
        with file_system.translated(self.path):
            self._file: Any = open(self.path, "wb", 1 << 16)  # noqa: SIM115 - `close` closes it
        first = protos.get("Event")(wall_time=time.time(), file_version="brain.Event:2")
        first.source_metadata.writer = "tideflow.summary"
        self._waiting = [first.SerializeToString()]
        #: Guards what waits; the other lock guards the file, so that adding an event does not wait for the disk.
        self._lock = threading.Lock()
        self._file_lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._write()
        self._raise_failure()
        self._thread = threading.Thread(target=self._run, name="event-file", daemon=True)
        self._thread.start()

    def add(self, event: Any) -> None:
        """Adds an event.

        Raises:
          OpError: writing an earlier one failed.
        """
        self._raise_failure()
        content = event.SerializeToString()
        with self._lock:
            self._waiting.append(content)
            full = len(self._waiting) >= self._most_waiting
        if full:
            self._wake.set()

    def flush(self) -> None:
        """Returns when all events added so far are in the file."""
        self._write()
        self._raise_failure()

    def close(self) -> None:
        """Writes all events, and closes the file."""
        if self._closed:
            return
        self._closed = True
        self._wake.set()
        self._thread.join()
        self._write()
        with self._file_lock, file_system.translated(self.path):
            self._file.close()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _write(self) -> None:
        """Writes what waits."""
        with self._file_lock:
            with self._lock:
                events, self._waiting = self._waiting, []
            try:
                with file_system.translated(self.path):
                    if events:
                        self._file.write(b"".join(map(frame, events)))
                    self._file.flush()
            except Exception as failure:  # reported by the next call that adds, flushes or closes
                self._failure = failure

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(self._flush_seconds)
            self._wake.clear()
            self._write()


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
