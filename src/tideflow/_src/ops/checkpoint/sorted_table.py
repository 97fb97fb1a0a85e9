"""Sorted tables: files that map keys to values, both byte strings, in blocks of keys that share prefixes.

The format is that of LevelDB (``doc/table_format.md``), which checkpoints use for their index. A file is data blocks, a
block of the places of the data blocks, and a footer. A block is entries and restart points, and a trailer has its kind
and a checksum.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator

from tideflow._src.core.errors import DataLossError
from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.ops.checkpoint import snappy
from tideflow._src.runtime.records import masked_crc32c

MAGIC = 0xDB4775248B80FB57
FOOTER_SIZE = 48
_TRAILER_SIZE = 5
_UNCOMPRESSED, _SNAPPY = 0, 1
#: Bytes after which a block is closed, and entries after which a key is written in full, as TensorFlow has them.
_BLOCK_SIZE = 262144
_RESTART_INTERVAL = 16
_FOUR = struct.Struct("<I")


class _Block:
    """Is a block that is being written."""

    def __init__(self, interval: int) -> None:
        self.content = bytearray()
        self.restarts = [0]
        self.last_key = b""
        self._interval = interval
        self._since_restart = 0

    def add(self, key: bytes, value: bytes) -> None:
        """Appends an entry, whose key is greater than those before."""
        shared = 0
        if self._since_restart == self._interval:
            self.restarts.append(len(self.content))
            self._since_restart = 0
        else:
            longest = min(len(key), len(self.last_key))
            while shared < longest and key[shared] == self.last_key[shared]:
                shared += 1
        self.content += varint_bytes(shared) + varint_bytes(len(key) - shared) + varint_bytes(len(value))
        self.content += key[shared:]
        self.content += value
        self.last_key = key
        self._since_restart += 1

    def finished(self) -> bytes:
        """Returns the block without its trailer."""
        numbers = (*self.restarts, len(self.restarts))
        return bytes(self.content) + struct.pack(f"<{len(numbers)}I", *numbers)


def table_bytes(entries: Iterator[tuple[bytes, bytes]]) -> bytes:
    """Returns the file of a table.

    Args:
      entries: keys and values, sorted by key.
    """
    file = bytearray()
    index = _Block(1)
    block = _Block(_RESTART_INTERVAL)
    pending: tuple[bytes, bytes] | None = None
    for key, value in entries:
        if pending is not None:
            index.add(_separator(pending[0], key), pending[1])
            pending = None
        block.add(key, value)
        if len(block.content) + 4 * len(block.restarts) + 4 >= _BLOCK_SIZE:
            pending = block.last_key, _append(file, block)
            block = _Block(_RESTART_INTERVAL)
    if block.content:
        pending = block.last_key, _append(file, block)
    meta_handle = _append(file, _Block(_RESTART_INTERVAL))
    if pending is not None:
        index.add(_successor(pending[0]), pending[1])
    index_handle = _append(file, index)
    footer = (meta_handle + index_handle).ljust(FOOTER_SIZE - 8, b"\x00")
    return bytes(file) + footer + struct.pack("<Q", MAGIC)


def _append(file: bytearray, block: _Block) -> bytes:
    """Appends a block and its trailer; returns where it stands."""
    content = block.finished()
    handle = varint_bytes(len(file)) + varint_bytes(len(content))
    kind = bytes([_UNCOMPRESSED])
    file += content + kind + _FOUR.pack(masked_crc32c(content + kind))
    return handle


def _separator(first: bytes, second: bytes) -> bytes:
    """Returns a short key that is at least ``first`` and less than ``second``."""
    shared = 0
    while shared < min(len(first), len(second)) and first[shared] == second[shared]:
        shared += 1
    if shared < min(len(first), len(second)) and first[shared] < 0xFF and first[shared] + 1 < second[shared]:
        return first[:shared] + bytes([first[shared] + 1])
    return first


def _successor(key: bytes) -> bytes:
    """Returns a short key that is at least ``key``."""
    for position, byte in enumerate(key):
        if byte != 0xFF:
            return key[:position] + bytes([byte + 1])
    return key


class SortedTable:
    """Is a table that is read.

    Args:
      content: the bytes of the file.

    Raises:
      DataLossError: it is no table, or a damaged one.
    """

    def __init__(self, content: bytes) -> None:
        if len(content) < FOOTER_SIZE:
            raise DataLossError(None, None, "file is too short to be an sstable")
        if int.from_bytes(content[-8:], "little") != MAGIC:
            raise DataLossError(None, None, "not an sstable (bad magic number)")
        self._content = content
        footer = content[-FOOTER_SIZE:]
        try:
            _, position = varint(footer, 0)
            _, position = varint(footer, position)
            start, position = varint(footer, position)
            size, _ = varint(footer, position)
        except IndexError:
            raise DataLossError(None, None, "bad block handle") from None
        self._index = list(_entries(self._block(start, size)))
        self._blocks: dict[int, list[tuple[bytes, bytes]]] = {}

    def _block(self, start: int, size: int) -> bytes:
        """Returns a block, checked and uncompressed."""
        end = start + size
        if end + _TRAILER_SIZE > len(self._content) - FOOTER_SIZE:
            raise DataLossError(None, None, "truncated block read")
        kind = self._content[end]
        if _FOUR.unpack_from(self._content, end + 1)[0] != masked_crc32c(self._content[start : end + 1]):
            raise DataLossError(None, None, "block checksum mismatch")
        content = self._content[start:end]
        if kind == _UNCOMPRESSED:
            return content
        if kind != _SNAPPY:
            raise DataLossError(None, None, f"bad block type {kind}")
        try:
            return snappy.uncompress(content)
        except snappy.SnappyError as error:
            raise DataLossError(None, None, f"corrupted compressed block contents: {error}") from None

    def _read(self, number: int) -> list[tuple[bytes, bytes]]:
        """Returns the entries of a data block."""
        found = self._blocks.get(number)
        if found is None:
            handle = self._index[number][1]
            try:
                start, position = varint(handle, 0)
                size, _ = varint(handle, position)
            except IndexError:
                raise DataLossError(None, None, "bad block handle") from None
            found = self._blocks[number] = list(_entries(self._block(start, size)))
        return found

    def get(self, key: bytes) -> bytes | None:
        """Returns the value of a key, or None."""
        number = bisect_left(self._index, key, key=_key_of)
        if number == len(self._index):
            return None
        block = self._read(number)
        position = bisect_left(block, key, key=_key_of)
        return block[position][1] if position < len(block) and block[position][0] == key else None

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields the keys and values, sorted by key."""
        for number in range(len(self._index)):
            yield from self._read(number)


def _key_of(entry: tuple[bytes, bytes]) -> bytes:
    return entry[0]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields the keys and values of a block."""
    restarts = _FOUR.unpack_from(block, len(block) - 4)[0] if len(block) >= 4 else 0
    end = len(block) - 4 * (restarts + 1)
    if end < 0:
        raise DataLossError(None, None, "bad block contents")
    position = 0
    key = b""
    try:
        while position < end:
            shared, position = varint(block, position)
            own, position = varint(block, position)
            size, position = varint(block, position)
            if shared > len(key) or position + own + size > end:
                raise DataLossError(None, None, "bad entry in block")
            key = key[:shared] + block[position : position + own]
            position += own
            yield key, block[position : position + size]
            position += size
    except IndexError:
        raise DataLossError(None, None, "bad entry in block") from None
