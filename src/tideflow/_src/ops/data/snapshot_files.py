"""Elements in TensorFlow's snapshot files (version 2): what ``save``, ``load`` and ``snapshot`` write and read.

A *run* is a folder with a folder for each shard, ``00000000.shard``, in which ``00000000.snapshot`` and so on are
TFRecord files: a record for each component of each element, a ``TensorProto``. The file ``snapshot.metadata`` beside
the run is a message that names it: its fields are a hash (1), the name of the run (2), when it was begun in
microseconds (3), the version (4), the dtypes of components (5), the number of elements where it is known (6), and
whether the run is complete (1000). A file may be compressed: by GZIP or ZLIB as a whole, or by Snappy in blocks, each
with its size before it in four bytes, most significant first.
"""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    UnimplementedError,
)
from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.ops.checkpoint import snappy
from tideflow._src.ops.data.elements import Element
from tideflow._src.ops.files import file_system
from tideflow._src.ops.parsing.tensors import parse_tensor_op, serialized
from tideflow._src.runtime.records import frame, open_records, read_checked

METADATA = "snapshot.metadata"
_VERSION = 2
_HASH, _RUN, _BEGUN, _FORM, _TYPES, _COUNT, _COMPLETE = 1, 2, 3, 4, 5, 6, 1000
#: The bytes of a block that Snappy compresses.
_BLOCK = 256 << 10
_draw = random.SystemRandom()


@dataclass(frozen=True)
class Metadata:
    """Is what a snapshot says of itself.

    Attributes:
      run: the name of the folder of its shards.
      types: the numbers of the dtypes of components.
      graph_hash: that of the pipeline that it is of, or nothing.
      begun: when it was begun, in microseconds since 1970.
      count: the number of elements, or None.
      is_complete: whether all elements are there.
    """

    run: str
    types: tuple[int, ...]
    graph_hash: str = ""
    begun: int = 0
    count: int | None = None
    is_complete: bool = False


def begun(types: Sequence[DType], graph_hash: str = "") -> Metadata:
    """Returns what a new snapshot says of itself; its run has a name that no other one has."""
    name = str(_draw.getrandbits(64))
    return Metadata(name, tuple(dtype.as_datatype_enum for dtype in types), graph_hash, time.time_ns() // 1000)


def write_metadata(folder: str, metadata: Metadata) -> None:
    """Replaces what the snapshot in a folder says of itself, at one stroke."""
    parts = [
        _text(_HASH, metadata.graph_hash), _text(_RUN, metadata.run), _integer(_BEGUN, metadata.begun),
        _integer(_FORM, _VERSION), _text(_TYPES, b"".join(varint_bytes(number) for number in metadata.types)),
        _integer(_COUNT, metadata.count or 0), _integer(_COMPLETE, int(metadata.is_complete)),
    ]  # fmt: skip
    path = os.path.join(folder, METADATA)
    draft = f"{path}.{_draw.getrandbits(64)}"
    file_system.write(draft, b"".join(parts))
    file_system.rename(draft, path, True)


def read_metadata(folder: str) -> Metadata | None:
    """Returns what the snapshot in a folder says of itself, or None if there is none.

    Raises:
      OutOfRangeError: the file is damaged.
    """
    path = os.path.join(folder, METADATA)
    if not file_system.exists(path):
        return None
    content = file_system.read(path)
    fields: dict[int, Any] = {}
    types: list[int] = []
    try:
        position = 0
        while position < len(content):
            tag, position = varint(content, position)
            field, kind = tag >> 3, tag & 7
            value: Any
            value, position = varint(content, position)
            if kind == 2:
                size, value = value, content[position : position + value]
                position += size
                if position > len(content):
                    raise IndexError
            elif kind != 0:
                raise IndexError
            if field == _TYPES:
                place = 0
                while kind == 2 and place < len(value):
                    number, place = varint(value, place)
                    types.append(number)
            else:
                fields[field] = value
        if not fields.get(_RUN):
            raise IndexError
        return Metadata(
            fields[_RUN].decode(), tuple(types), fields.get(_HASH, b"").decode(), fields.get(_BEGUN, 0),
            fields.get(_COUNT), bool(fields.get(_COMPLETE, 0)),
        )  # fmt: skip
    except (IndexError, AttributeError, UnicodeDecodeError):
        raise OutOfRangeError(None, None, f"The metadata of the snapshot in {path} are damaged or cut off.") from None


def _integer(field: int, value: int) -> bytes:
    return varint_bytes(field << 3) + varint_bytes(value) if value else b""


def _text(field: int, value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return varint_bytes(field << 3 | 2) + varint_bytes(len(content)) + content if content else b""


def shard_folder(run: str, index: int) -> str:
    """Returns the folder of a shard of a run."""
    return os.path.join(run, f"{index:08d}.shard")


def shards_of(run: str) -> list[str]:
    """Returns the folders of the shards of a run, in order."""
    try:
        names = os.listdir(file_system.local(run))
    except FileNotFoundError:
        return []
    return [os.path.join(run, name) for name in sorted(names) if name.endswith(".shard")]


class ShardWriter:
    """Writes the elements of one shard.

    Args:
      folder: that of the shard.
      compression: ``GZIP``, ``ZLIB`` or ``SNAPPY``; anything else is none, as in TensorFlow.
    """

    def __init__(self, folder: str, compression: str) -> None:
        file_system.make_folders(folder)
        path = os.path.join(folder, "00000000.snapshot")
        with file_system.translated(path):
            self._file: Any = open(file_system.local(path), "wb")  # noqa: SIM115 - closed by `close`
        window = {"GZIP": zlib.MAX_WBITS + 16, "ZLIB": zlib.MAX_WBITS}.get(compression)
        self._deflater = None if window is None else zlib.compressobj(wbits=window)
        self._block: bytearray | None = bytearray() if compression == "SNAPPY" else None

    def write(self, element: Element) -> None:
        """Writes an element.

        Raises:
          UnimplementedError: a component is a variant.
        """
        for item in element:
            if item.dtype is dtypes.variant:
                raise UnimplementedError(
                    None,
                    None,
                    "Elements with components of dtype variant, which sparse and ragged tensors and datasets have, "
                    "cannot be saved: make tensors of them first.",
                )
        content = b"".join(frame(serialized(item)) for item in element)
        if self._deflater is not None:
            content = self._deflater.compress(content)
        elif self._block is not None:
            self._block += content
            if len(self._block) < _BLOCK:
                return
            content = self._blocks()
        self._file.write(content)

    def _blocks(self) -> bytes:
        """Returns what was kept for Snappy, in its blocks."""
        assert self._block is not None
        parts = []
        for start in range(0, len(self._block), _BLOCK):
            packed = snappy.compress(bytes(self._block[start : start + _BLOCK]))
            parts.append(len(packed).to_bytes(4, "big") + packed)
        self._block.clear()
        return b"".join(parts)

    def close(self) -> None:
        """Writes what is left, and closes the file."""
        if self._file is None:
            return
        try:
            if self._deflater is not None:
                self._file.write(self._deflater.flush())
            elif self._block:
                self._file.write(self._blocks())
        finally:
            self._file.close()
            self._file = None


class _SnappyFile:
    """Reads a file of Snappy blocks as a stream; where the file is cut between blocks, the stream ends.

    Args:
      file: the file.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._ready = b""

    def read(self, size: int) -> bytes:
        """Reads ``size`` bytes, or what there is.

        Raises:
          DataLossError: a block is damaged or cut off.
        """
        parts = [self._ready]
        have = len(self._ready)
        while have < size:
            head = self._file.read(4)
            if not head:
                break
            length = int.from_bytes(head, "big")
            left = os.fstat(self._file.fileno()).st_size - self._file.tell()
            if len(head) < 4 or length > left:
                raise DataLossError(
                    None,
                    None,
                    f"Failed to read {length} bytes from file, which has {left} more. Possible data corruption.",
                )
            try:
                block = snappy.uncompress(self._file.read(length))
            except snappy.SnappyError as error:
                raise DataLossError(None, None, f"The compressed file is damaged: {error}") from None
            parts.append(block)
            have += len(block)
        everything = b"".join(parts)
        self._ready = everything[size:]
        return everything[:size]

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def elements_of(folder: str, compression: str, types: Sequence[DType], first: int = 0) -> Iterator[Element]:
    """Yields the elements of a shard.

    Args:
      folder: that of the shard.
      compression: as of ``ShardWriter``.
      types: the dtypes of components.
      first: how many elements are passed over.

    Raises:
      NotFoundError: the shard has no file.
      DataLossError: a file is damaged or cut off.
      InvalidArgumentError: a component is of another dtype.
    """
    number, passed = 0, 0
    while True:
        path = os.path.join(folder, f"{number:08d}.snapshot")
        if not file_system.exists(path):
            if not number:
                raise NotFoundError(None, None, f"{path}; No such file or directory")
            return
        element: Element = []
        for record in _records(path, compression):
            if passed < first:
                element.append(None)
            else:
                element.append(_component(record, types[len(element)], len(element)))
            if len(element) == len(types):
                if passed >= first:
                    yield element
                passed += 1
                element = []
        # What is left of an element that was cut off between records is left out, as in TensorFlow.
        number += 1


def _records(path: str, compression: str) -> Iterator[bytes]:
    with file_system.translated(path):
        known = compression if compression in ("GZIP", "ZLIB") else ""
        file = open_records(file_system.local(path), known)
    if compression == "SNAPPY":
        file = _SnappyFile(file)
    offset = 0
    try:
        while (record := read_checked(file, offset)) is not None:
            offset += len(record) + 16
            yield record
    finally:
        file.close()


def _component(record: bytes, dtype: DType, place: int) -> Any:
    if record[:1] == b"\x08" and record[1:2] != bytes((dtype.as_datatype_enum,)) and record[1] < 0x80:
        raise InvalidArgumentError(
            None,
            None,
            f"Data type mismatch at component {place}: expected {dtype.name} but got "
            f"{dtypes.as_dtype(record[1]).name}.",
        )
    parse: Any = parse_tensor_op.kernel
    try:
        return parse(np.array(record, object), out_type=dtype)
    except InvalidArgumentError as error:
        raise DataLossError(None, None, f"The snapshot holds no tensor where one should be: {error.message}") from None
