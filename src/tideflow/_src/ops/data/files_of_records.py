"""Datasets of what files hold: lines of text, records of TFRecord files, records of one length."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import DataLossError, InvalidArgumentError, OpError
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.stage import Run, Running, Stage, named
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.records import check_compression, open_records, read_checked

#: Bytes that are read at a time.
_PART = 1 << 18


class Files(Stage):
    """Is the strings that files hold, one file after the other.

    Args:
      kind: as of a stage.
      paths: the files.
      read: yields the strings of the file with a number.
    """

    is_light = False

    def __init__(self, kind: str, paths: Sequence[bytes], read: Callable[[int], Iterator[bytes]]) -> None:
        super().__init__(kind, [dtypes.string], [()])
        self.paths = paths
        self.read = read

    def iterate(self, run: Run) -> Running:
        return _FilesRunning(self)

    def describe(self) -> str:
        shown = ", ".join(file_system.text_of(path) for path in self.paths[:2])
        return f"{self.kind}({shown}{', ...' if len(self.paths) > 2 else ''})"


class _FilesRunning(Running):
    """Reads file after file. What cannot be read ends its file, and the next call goes on with the next one."""

    has_blocks = True

    def __init__(self, stage: Files) -> None:
        self._stage = stage
        self._file = 0
        self._given = 0
        self._strings: Iterator[bytes] | None = None
        self._problem: OpError | None = None

    def next(self) -> Element | None:
        block = self.next_block(1)
        return None if block is None else [np.array(block[0][0], object)]

    def next_block(self, count: int) -> list[Any] | None:
        if self._problem is not None:
            problem, self._problem = self._problem, None
            raise problem
        found: list[bytes] = []
        while self._file < len(self._stage.paths) and len(found) < count:
            before = len(found)
            try:
                if self._strings is None:
                    self._strings = self._stage.read(self._file)
                for string in self._strings:
                    found.append(string)
                    if len(found) == count:
                        break
                else:
                    self._leave()
                    continue
            except OpError as error:
                self._leave()
                error = named(error, self._stage.kind)
                if not found:
                    raise error from None
                # What came before it is given first.
                self._problem = error
                break
            self._given += len(found) - before
        if not found:
            return None
        block = np.empty(len(found), object)
        block[:] = found
        return [block]

    def _leave(self) -> None:
        self._strings = None
        self._file += 1
        self._given = 0

    def save(self) -> Any:
        return self._file, self._given

    def restore(self, position: Any) -> None:
        self._file, given = int(position[0]), int(position[1])
        self.skip(given)

    def close(self) -> None:
        close = getattr(self._strings, "close", None)
        if close is not None:
            close()
        self._file = len(self._stage.paths)
        self._strings = self._problem = None


def _opened(path: bytes, compression: str) -> Any:
    with file_system.translated(path):
        name = file_system.local(path)
        if os.path.isdir(name):
            raise IsADirectoryError(21, os.strerror(21))
        return open_records(name, compression)


def _parts(file: Any) -> Iterator[bytes]:
    """Yields what a file holds, in parts as large as it likes.

    Raises:
      DataLossError: its compression is damaged.
    """
    while True:
        try:
            part = file.read_some(_PART) if hasattr(file, "read_some") else file.read(_PART)
        except zlib.error as error:
            raise DataLossError(None, None, f"The compressed file is damaged: {error}") from None
        if not part:
            return
        yield part


def lines_of(path: bytes, compression: str) -> Iterator[bytes]:
    """Yields the lines of a file, without their ends and without carriage returns."""
    file = _opened(path, compression)
    try:
        begun: list[bytes] = []
        for part in _parts(file):
            *whole, rest = part.replace(b"\r", b"").split(b"\n")
            if whole:
                whole[0] = b"".join((*begun, whole[0]))
                begun = []
                yield from whole
            # An empty rest after a carriage return begins a line, too.
            if rest or not part.endswith(b"\n"):
                begun.append(rest)
        if begun:
            yield b"".join(begun)
    finally:
        file.close()


def records_of(path: bytes, compression: str, start: int = 0) -> Iterator[bytes]:
    """Yields the records of a TFRecord file from a place on."""
    file = _opened(path, compression)
    try:
        if start and not compression:
            file.seek(start)
        elif start:
            file.read(start)
        while (record := read_checked(file, start)) is not None:
            start += len(record) + 16
            yield record
    finally:
        file.close()


def pieces_of(path: bytes, compression: str, header: int, size: int, footer: int) -> Iterator[bytes]:
    """Yields the records of a file in which they have one length, between a header and a footer.

    Raises:
      InvalidArgumentError, DataLossError: the file has no whole number of them: before the first record if that is
        known then, as it is of a file that is not compressed.
    """
    file = _opened(path, compression)
    try:
        if not compression:
            _check_body(os.fstat(file.fileno()).st_size, path, header, size, footer, InvalidArgumentError)
        held, total, begun = bytearray(), 0, False
        for part in _parts(file):
            held += part
            total += len(part)
            if not begun:
                if len(held) < header:
                    continue
                del held[:header]
                begun = True
            count = max(0, len(held) - footer) // size
            for start in range(0, count * size, size):
                yield bytes(held[start : start + size])
            del held[: count * size]
        if compression:
            _check_body(total, path, header, size, footer, DataLossError)
    finally:
        file.close()


def _check_body(total: int, path: bytes, header: int, size: int, footer: int, kind: Any) -> None:
    body = total - header - footer
    if body > 0 and body % size:
        raise kind(
            None,
            None,
            f"Excluding the header ({header} bytes) and footer ({footer} bytes), input file "
            f'"{file_system.text_of(path)}" has body length {body} bytes, which is not an exact multiple of the record '
            f"length ({size} bytes).",
        )


def paths_in(filenames: Any) -> list[bytes]:
    """Returns the files that a tensor names.

    Raises:
      InvalidArgumentError: it is neither a scalar nor a vector.
    """
    if np.ndim(filenames) > 1:
        raise InvalidArgumentError(None, None, "`filenames` must be a scalar or a vector.")
    return list(np.ravel(filenames))


def compression_in(compression_type: Any) -> str:
    """Returns the compression that a tensor names.

    Raises:
      InvalidArgumentError: there is none of this name.
    """
    name: str = scalar(compression_type, "compression_type").decode()
    check_compression(name)
    return name


def _check_buffer(buffer_size: Any, name: str = "buffer_size") -> None:
    if scalar(buffer_size, name) < 0:
        raise InvalidArgumentError(None, None, f"`{name}` must be >= 0 (0 == default)")


@dataset_op("TextLineDataset", "filenames: string, compression_type: string, buffer_size: int64", stateful=True)
def text_line_dataset(filenames, compression_type, buffer_size, *, metadata: str = ""):
    """Makes a dataset of the lines of files.

    Raises:
      InvalidArgumentError: there is no such compression, or the size of the buffer is negative.
    """
    paths, compression = paths_in(filenames), compression_in(compression_type)
    _check_buffer(buffer_size)
    return Files("TextLineDataset", paths, lambda number: lines_of(paths[number], compression))


@dataset_op("TFRecordDataset", "filenames: string, compression_type: string, buffer_size: int64", stateful=True)
def tf_record_dataset(filenames, compression_type, buffer_size, *, metadata: str = ""):
    """Makes a dataset of the records of TFRecord files.

    Raises:
      InvalidArgumentError: there is no such compression, or the size of the buffer is negative.
    """
    paths, compression = paths_in(filenames), compression_in(compression_type)
    _check_buffer(buffer_size)
    return Files("TFRecordDataset", paths, lambda number: records_of(paths[number], compression))


@dataset_op(
    "TFRecordDatasetV2", "filenames: string, compression_type: string, buffer_size: int64, byte_offsets: int64",
    stateful=True,
)  # fmt: skip
def tf_record_dataset_v2(filenames, compression_type, buffer_size, byte_offsets, *, metadata: str = ""):
    """Makes a dataset of the records of TFRecord files, of each from a place on.

    Raises:
      InvalidArgumentError: there is no such compression, the size of the buffer is negative, or there are not as many
        places as files.
    """
    paths, compression = paths_in(filenames), compression_in(compression_type)
    _check_buffer(buffer_size)
    starts = np.ravel(byte_offsets).tolist()
    if starts and len(starts) != len(paths):
        raise InvalidArgumentError(None, None, "`byte_offsets` must have the same size as `filenames`.")
    starts = starts or [0] * len(paths)
    return Files("TFRecordDatasetV2", paths, lambda number: records_of(paths[number], compression, starts[number]))


def _pieces(
    kind: str, filenames: Any, header_bytes: Any, record_bytes: Any, footer_bytes: Any, buffer_size: Any,
    compression: str,
) -> Files:  # fmt: skip
    paths = paths_in(filenames)
    header, size = scalar(header_bytes, "header_bytes"), scalar(record_bytes, "record_bytes")
    footer = scalar(footer_bytes, "footer_bytes")
    if header < 0:
        raise InvalidArgumentError(None, None, "header_bytes must be >= 0")
    if size <= 0:
        raise InvalidArgumentError(None, None, "record_bytes must be > 0")
    if footer < 0:
        raise InvalidArgumentError(None, None, "footer_bytes must be >= 0")
    _check_buffer(buffer_size)
    return Files(kind, paths, lambda number: pieces_of(paths[number], compression, header, size, footer))


@dataset_op(
    "FixedLengthRecordDataset",
    "filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64, buffer_size: int64",
    stateful=True,
)
def fixed_length_record_dataset(
    filenames, header_bytes, record_bytes, footer_bytes, buffer_size, *, metadata: str = ""
):
    """Makes a dataset of the records of files in which all have one length.

    Raises:
      InvalidArgumentError: a length is negative, or that of a record is 0.
    """
    sizes = header_bytes, record_bytes, footer_bytes, buffer_size
    return _pieces("FixedLengthRecordDataset", filenames, *sizes, "")


@dataset_op(
    "FixedLengthRecordDatasetV2",
    "filenames: string, header_bytes: int64, record_bytes: int64, footer_bytes: int64, buffer_size: int64, "
    "compression_type: string",
    stateful=True,
)
def fixed_length_record_dataset_v2(
    filenames, header_bytes, record_bytes, footer_bytes, buffer_size, compression_type, *, metadata: str = ""
):
    """Makes a dataset of the records of files, perhaps compressed, in which all have one length.

    Raises:
      InvalidArgumentError: a length is negative, that of a record is 0, or there is no such compression.
    """
    sizes = header_bytes, record_bytes, footer_bytes, buffer_size
    return _pieces("FixedLengthRecordDatasetV2", filenames, *sizes, compression_in(compression_type))


def _file(s: Any, name: str, content: bytes) -> tuple[bytes, Any]:
    """Returns the path of a file for samples, and the operation that writes it."""
    folder = os.path.join(tempfile.gettempdir(), "tideflow_samples")
    os.makedirs(folder, exist_ok=True)
    path = os.fsencode(os.path.join(folder, name))
    return path, s.of("WriteFile", path, content)


@text_line_dataset.samples
def _text_line_samples(s):
    path, written = _file(s, "lines", b"one\ntwo\r\nth\rree\n\nlast\r")
    yield s(path, b"", 0, before=[written])
    yield s(np.array([path, path], object), b"", 1, before=[written])
    packed, written = _file(s, "lines.zlib", zlib.compress(b"a\nb"))
    yield s(packed, b"ZLIB", 0, before=[written])
    yield s(path, b"OTHER", 0, error="InvalidArgumentError")
    yield s(path, b"", -1, error="InvalidArgumentError")


def _records() -> bytes:
    from tideflow._src.runtime.records import frame  # only tests ask for samples

    return frame(b"abc") + frame(b"") + frame(b"x" * 100)


@tf_record_dataset.samples
def _tf_record_samples(s):
    path, written = _file(s, "records", _records())
    yield s(np.array([path, path], object), b"", 0, before=[written])
    packed, written = _file(s, "records.zlib", zlib.compress(_records()))
    yield s(packed, b"ZLIB", 0, before=[written])
    # TensorFlow takes a compression that it does not know for none, which here is an error: no sample says so.


@tf_record_dataset_v2.samples
def _tf_record_v2_samples(s):
    path, written = _file(s, "records", _records())
    yield s(np.array([path, path], object), b"", 0, np.array([0, 19]), before=[written])
    yield s(path, b"", -1, np.array([0]), error="InvalidArgumentError")


@fixed_length_record_dataset.samples
def _fixed_length_samples(s):
    path, written = _file(s, "pieces", b"HH123456789FFF")
    yield s(path, 2, 3, 3, 0, before=[written])
    yield s(np.array([path, path], object), 0, 7, 0, 0, before=[written])
    yield s(path, 0, 0, 0, 0, error="InvalidArgumentError")


@fixed_length_record_dataset_v2.samples
def _fixed_length_v2_samples(s):
    path, written = _file(s, "pieces", b"HH123456789FFF")
    yield s(path, 2, 3, 3, 0, b"", before=[written])
    packed, written = _file(s, "pieces.zlib", zlib.compress(b"HH123456789FFF"))
    yield s(packed, 2, 3, 3, 0, b"ZLIB", before=[written])
    yield s(path, -1, 3, 0, 0, b"", error="InvalidArgumentError")
