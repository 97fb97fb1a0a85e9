"""Readers: they take the names of files from a queue and give the records in them, one at a time or many."""

from __future__ import annotations

import gzip
import threading
import zlib
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    UnimplementedError,
    UnknownError,
)
from tideflow._src.graph import protos
from tideflow._src.ops.queues.queue_resource import Queue
from tideflow._src.runtime import records
from tideflow._src.runtime.buffers import resources


def file_error(error: OSError, path: str) -> OpError:
    """Returns TensorFlow's error for a file that the system does not give."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(None, None, f"{path}; No such file or directory")
    if isinstance(error, PermissionError):
        return PermissionDeniedError(None, None, f"{path}; Permission denied")
    if isinstance(error, IsADirectoryError):
        return FailedPreconditionError(None, None, f"{path}; Is a directory")
    if isinstance(error, gzip.BadGzipFile):
        return DataLossError(None, None, f"{path}: {error}")
    return UnknownError(None, None, f"{path}; {error.strerror or error}")


class Reader:
    """Is what the kinds of readers have in common: the work in hand, and what was done so far.

    Only one thread reads at a time; the others wait, which a closed session ends.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.produced = 0
        self.work_started = 0
        self.work_finished = 0
        self.work = b""
        self._free = threading.Condition()
        self._busy = False

    # What a kind of reader does.

    def start(self, path: str) -> None:
        """Begins with a piece of work."""

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the next key and value of the work in hand; None at its end."""
        raise NotImplementedError

    def stop(self) -> None:
        """Lets go of the work in hand."""

    def __del__(self) -> None:
        self.stop()

    # Operations.

    def read(self, queue: Queue) -> tuple[bytes, bytes]:
        """Returns the next record; begins with the next file as needed, and waits for its name."""
        self._acquire()
        try:
            while True:
                if self.work_finished == self.work_started:
                    self._next_work(queue)
                record = self._guarded_next()
                if record is not None:
                    self.produced += 1
                    return record
                self._finish()
        finally:
            self._release()

    def read_up_to(self, queue: Queue, count: int) -> tuple[list[bytes], list[bytes]]:
        """Returns up to ``count`` records; fewer where a file ends."""
        if count <= 0:
            raise InvalidArgumentError(None, None, f"num_records must be positive, but is {count}.")
        keys: list[bytes] = []
        values: list[bytes] = []
        self._acquire()
        try:
            while len(keys) < count:
                if self.work_finished == self.work_started:
                    if keys:
                        break
                    self._next_work(queue)
                record = self._guarded_next()
                if record is None:
                    self._finish()
                    continue
                self.produced += 1
                keys.append(record[0])
                values.append(record[1])
        finally:
            self._release()
        return keys, values

    def reset(self) -> None:
        """Puts the reader back to its beginning."""
        self._acquire()
        try:
            self.stop()
            self.produced = self.work_started = self.work_finished = 0
            self.work = b""
        finally:
            self._release()

    def serialize_state(self) -> bytes:
        """Returns the state of the reader, to be restored later."""
        raise UnimplementedError(None, None, f"{type(self).__name__} '{self.name}' cannot serialize its state.")

    def restore_state(self, state: bytes) -> None:
        """Takes a state that ``serialize_state`` gave."""
        raise UnimplementedError(None, None, f"{type(self).__name__} '{self.name}' cannot restore a state.")

    def _acquire(self) -> None:
        with self._free:
            resources().interrupts.wait(self._free, lambda: not self._busy, "Read")
            self._busy = True

    def _release(self) -> None:
        with self._free:
            self._busy = False
            self._free.notify()

    def _next_work(self, queue: Queue) -> None:
        if queue.component_types != [dtypes.string]:
            types = ", ".join(dtype.name for dtype in queue.component_types)
            raise InvalidArgumentError(None, None, f"A reader needs a queue of strings, but this one is of ({types}).")
        (value,) = queue.dequeue()
        if value.size != 1:
            raise InvalidArgumentError(
                None, None, f"A reader needs a queue of single strings, but got {value.size} strings at once."
            )
        self.work = bytes(value.item())
        self.work_started += 1
        path = self.work.decode("utf-8", "surrogateescape")
        try:
            self.start(path)
        except OSError as error:
            self.work_finished = self.work_started
            raise file_error(error, path) from None
        except BaseException:
            self.work_finished = self.work_started
            raise

    def _guarded_next(self) -> tuple[bytes, bytes] | None:
        try:
            return self.next()
        except OSError as error:
            self._finish()
            raise file_error(error, self.work.decode("utf-8", "replace")) from None
        except (zlib.error, EOFError) as error:
            self._finish()
            raise DataLossError(None, None, f"{self.work.decode('utf-8', 'replace')}: {error}") from None
        except OpError:
            self._finish()
            raise

    def _finish(self) -> None:
        self.stop()
        self.work_finished = self.work_started


class _StatefulReader(Reader):
    """Is a reader whose state is only what it counts, so that it can be saved."""

    def serialize_state(self) -> bytes:
        """Returns the state of the reader, to be restored later."""
        self._acquire()
        try:
            state = protos.get("ReaderBaseState")(
                work_started=self.work_started,
                work_finished=self.work_finished,
                num_records_produced=self.produced,
                current_work=self.work,
            )
            return bytes(state.SerializeToString())
        finally:
            self._release()

    def restore_state(self, state: bytes) -> None:
        """Takes a state that ``serialize_state`` gave."""
        message = protos.get("ReaderBaseState")()
        try:
            message.ParseFromString(state)
        except Exception:  # the class of the error is protobuf's
            raise InvalidArgumentError(None, None, f"Could not parse state for {self.name}: {state!r}") from None
        counts = (message.work_started, message.work_finished, message.num_records_produced)
        if min(counts) < 0 or not 0 <= message.work_started - message.work_finished <= 1:
            raise InvalidArgumentError(None, None, f"Inconsistent state for {self.name}: {message}")
        self._acquire()
        try:
            self.stop()
            self.work_started, self.work_finished, self.produced = counts
            self.work = message.current_work
        finally:
            self._release()


class WholeFileReader(_StatefulReader):
    """Gives whole files."""

    _unread = False

    def start(self, path: str) -> None:
        """Begins with a file."""
        self._unread = True

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the file's name and contents, once."""
        if not self._unread:
            return None
        self._unread = False
        with open(self.work.decode("utf-8", "surrogateescape"), "rb") as file:
            contents = file.read()
        self._finish()
        return self.work, contents


class IdentityReader(_StatefulReader):
    """Gives the names themselves."""

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the work as key and as value."""
        self._finish()
        return self.work, self.work


class TextLineReader(Reader):
    """Gives the lines of text files; the key is the file's name and the number of the line, from 1."""

    _file: Any = None

    def __init__(self, name: str, skip_header_lines: int) -> None:
        super().__init__(name)
        self._skip = skip_header_lines
        self._line = 0

    def start(self, path: str) -> None:
        """Begins with a file, behind its header."""
        self._file = open(path, "rb", 1 << 18)  # noqa: SIM115 - stays open between operations
        self._line = 0
        for _ in range(self._skip):
            if not self._file.readline():
                break
            self._line += 1

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the next line."""
        line = self._file.readline()
        if not line:
            return None
        self._line += 1
        if line.endswith(b"\n"):
            line = line[:-1]
        if b"\r" in line:
            line = line.replace(b"\r", b"")
        return b"%s:%d" % (self.work, self._line), line

    def stop(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class FixedLengthRecordReader(Reader):
    """Gives records of one length; the key is the file's name and the number of the record, from 0."""

    def __init__(
        self, name: str, header_bytes: int, record_bytes: int, footer_bytes: int, hop_bytes: int, encoding: str
    ) -> None:
        super().__init__(name)
        self._header = header_bytes
        self._size = record_bytes
        self._footer = footer_bytes
        self._hop = hop_bytes or record_bytes
        self._encoding = encoding
        self._data = memoryview(b"")
        self._position = 0
        self._number = 0

    def start(self, path: str) -> None:
        """Begins with a file, behind its header."""
        file = records.open_records(path, self._encoding)
        try:
            self._data = memoryview(file.read())
        finally:
            file.close()
        self._data = self._data[: max(len(self._data) - self._footer, 0)]
        self._position = self._header
        self._number = 0

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the next record."""
        end = self._position + self._size
        if end > len(self._data):
            return None
        record = bytes(self._data[self._position : end])
        key = b"%s:%d" % (self.work, self._number)
        self._position += self._hop
        self._number += 1
        return key, record

    def stop(self) -> None:
        """Frees the file's contents."""
        self._data = memoryview(b"")


class TFRecordReader(Reader):
    """Gives the records of TFRecord files; the key is the file's name and the offset of the record."""

    _file: Any = None

    def __init__(self, name: str, compression_type: str) -> None:
        super().__init__(name)
        self._compression = compression_type
        self._offset = 0

    def start(self, path: str) -> None:
        """Begins with a file."""
        self._file = records.open_records(path, self._compression)
        self._offset = 0

    def next(self) -> tuple[bytes, bytes] | None:
        """Returns the next record."""
        record = records.read_checked(self._file, self._offset)
        if record is None:
            return None
        key = b"%s:%d" % (self.work, self._offset)
        self._offset += len(record) + records.HEADER_SIZE + records.FOOTER_SIZE
        return key, record

    def stop(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def check_sizes(name: str, header: int, record: int, footer: int, hop: int) -> None:
    """Checks the attributes of a reader of records of one length.

    Raises:
      InvalidArgumentError: one of them is negative, or records have no bytes.
    """
    for what, size, least in (("header", header, 0), ("record", record, 1), ("footer", footer, 0), ("hop", hop, 0)):
        if size < least:
            raise InvalidArgumentError(
                None, None, f"{name}: {what}_bytes must be {'>= 0' if least == 0 else 'positive'}, but is {size}."
            )
