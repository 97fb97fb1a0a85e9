"""The record format of TFRecord and event files: framed byte strings, each with checksums, perhaps compressed.

A record is its length (eight bytes, little endian), the masked CRC-32C of the length, the data, and the masked CRC-32C
of the data (TensorFlow, ``core/lib/io/record_writer.h``). CRC-32C is the checksum of RFC 3720 (polynomial 0x1EDC6F41).

The checksum is linear over GF(2): the state after a block is a function of the state before plus that of the block
alone. Long data is cut into columns whose states advance together as one NumPy vector and are then joined.
"""

from __future__ import annotations

import functools
import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from tideflow._src.core.errors import DataLossError, InvalidArgumentError

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_LENGTH = struct.Struct("<Q")
_CHECK = struct.Struct("<I")
HEADER_SIZE = 12
FOOTER_SIZE = 4

#: Bytes from which data is checked in columns.
_LONG = 512
_COLUMNS = 64


@functools.cache
def _table() -> list[int]:
    """The states that follow from one byte."""
    table = []
    for byte in range(256):
        state = byte
        for _ in range(8):
            state = state >> 1 ^ (_POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return table


@functools.cache
def _slices() -> Any:
    """Tables of the states that follow from a byte with 0 to 7 bytes behind it, of shape ``(8, 256)``."""
    tables = np.empty((8, 256), np.uint32)
    tables[0] = _table()
    for number in range(1, 8):
        before = tables[number - 1]
        tables[number] = before >> np.uint32(8) ^ tables[0][before & np.uint32(0xFF)]
    return tables


@functools.lru_cache(maxsize=256)
def _advance(length: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Returns four tables, one for each byte of a state, that together move a state past ``length`` zero bytes."""
    columns = [_past_zeros(1 << bit, length) for bit in range(32)]
    tables = []
    for byte in range(4):
        table = [0]
        for bit in range(8):
            column = columns[8 * byte + bit]
            table += [value ^ column for value in table]
        tables.append(table)
    return tables[0], tables[1], tables[2], tables[3]


def _past_zeros(state: int, length: int) -> int:
    """Returns a state moved past ``length`` zero bytes."""
    return _times(state, _power_of_x(8 * length))


def _times(a: int, b: int) -> int:
    """Multiplies two polynomials over GF(2), bits reflected, modulo the generator."""
    product = 0
    mask = 1 << 31
    while mask:
        if a & mask:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
        mask >>= 1
    return product


@functools.lru_cache(maxsize=1024)
def _power_of_x(exponent: int) -> int:
    """Returns x to a power, modulo the generator, bits reflected."""
    result, base = 1 << 31, 1 << 30
    while exponent:
        if exponent & 1:
            result = _times(base, result)
        base = _times(base, base)
        exponent >>= 1
    return result


def _extend(state: int, data: Any) -> int:
    """Returns the state after the bytes of ``data``, one by one."""
    table = _table()
    for byte in data:
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]
    return state


def crc32c(data: bytes | bytearray | memoryview, start: int = 0) -> int:
    """Returns the CRC-32C of bytes.

    Args:
      data: the bytes.
      start: the checksum of the bytes before them.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    state = start ^ 0xFFFFFFFF
    size = len(data)
    if size < _LONG:
        return _extend(state, data) ^ 0xFFFFFFFF
    # A step of all columns costs about as much as joining forty of them.
    columns = min(max(_COLUMNS, int((5 * size) ** 0.5)), 16384)
    width = size // (8 * columns) * 8
    whole = np.frombuffer(data, np.uint8, columns * width).view("<u4").reshape(columns, width // 4)
    low, high = np.ascontiguousarray(whole[:, 0::2].T), np.ascontiguousarray(whole[:, 1::2].T)
    tables = _slices()
    byte = np.uint32(0xFF)
    states = np.zeros(columns, np.uint32)
    for first, second in zip(low, high, strict=True):
        first = first ^ states
        states = tables[7][first & byte]
        states ^= tables[6][first >> np.uint32(8) & byte]
        states ^= tables[5][first >> np.uint32(16) & byte]
        states ^= tables[4][first >> np.uint32(24)]
        states ^= tables[3][second & byte]
        states ^= tables[2][second >> np.uint32(8) & byte]
        states ^= tables[1][second >> np.uint32(16) & byte]
        states ^= tables[0][second >> np.uint32(24)]
    t0, t1, t2, t3 = _advance(width)
    for column in states.tolist():
        state = t0[state & 0xFF] ^ t1[state >> 8 & 0xFF] ^ t2[state >> 16 & 0xFF] ^ t3[state >> 24] ^ column
    return _extend(state, memoryview(data)[columns * width :]) ^ 0xFFFFFFFF


def masked_crc32c(data: bytes | bytearray | memoryview) -> int:
    """Returns the checksum as files hold it: rotated and shifted, so that checksums of checksums stay good."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def frame(record: bytes) -> bytes:
    """Returns a record as it stands in a file."""
    length = _LENGTH.pack(len(record))
    return b"".join((length, _CHECK.pack(masked_crc32c(length)), record, _CHECK.pack(masked_crc32c(record))))


def read_record(file: BinaryIO, offset: int = -1) -> bytes | None:
    """Reads the next record of a file.

    Args:
      file: is open for reading bytes.
      offset: where the record begins, for messages.

    Returns:
      The record; None at the end of the file.

    Raises:
      DataLossError: the file ends within the record, or a checksum is wrong.
    """
    header = file.read(HEADER_SIZE)
    if not header:
        return None
    where = f" at {offset}" if offset >= 0 else ""
    if len(header) < HEADER_SIZE:
        raise DataLossError(None, None, f"truncated record{where}: the header has {len(header)} of {HEADER_SIZE} bytes")
    if _CHECK.unpack_from(header, 8)[0] != masked_crc32c(header[:8]):
        raise DataLossError(None, None, f"corrupted record{where}: the checksum of its length does not match")
    (length,) = _LENGTH.unpack_from(header)
    body = _read_exactly(file, length + FOOTER_SIZE)
    if len(body) < length + FOOTER_SIZE:
        raise DataLossError(
            None, None, f"truncated record{where}: the file ends after {len(body)} of {length + FOOTER_SIZE} bytes"
        )
    record = body[:length]
    if _CHECK.unpack_from(body, length)[0] != masked_crc32c(record):
        raise DataLossError(None, None, f"corrupted record{where}: the checksum of its data does not match")
    return record


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    """Reads ``size`` bytes, or what there is; a wrong size does not allocate more than the file has."""
    if size <= 1 << 20:
        return file.read(size)
    parts = []
    while size > 0:
        part = file.read(min(size, 1 << 24))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _ZlibFile:
    """Reads a file in the zlib format, or raw deflate, as a stream."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS)
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """Reads ``size`` decompressed bytes, or all of them if it is negative."""
        parts = [self._ready]
        have = len(self._ready)
        while size < 0 or have < size:
            part = self._file.read(1 << 18)
            if not part:
                break
            inflated = self._inflater.decompress(part)
            parts.append(inflated)
            have += len(inflated)
        everything = b"".join(parts)
        if size < 0:
            size = have
        self._ready = everything[size:]
        return everything[:size]

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def open_records(path: Any, compression_type: str = "") -> Any:
    """Opens a file of records for reading, decompressed.

    Args:
      path: the file.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.

    Raises:
      InvalidArgumentError: the compression type is none of these.
      OSError: the file cannot be opened.
    """
    check_compression(compression_type)
    if compression_type == "GZIP":
        return gzip.open(path, "rb")
    file = open(path, "rb", 1 << 18)  # noqa: SIM115 - the caller closes it
    return _ZlibFile(file) if compression_type == "ZLIB" else file


def check_compression(compression_type: str) -> None:
    """Checks the name of a compression.

    Raises:
      InvalidArgumentError: there is no such one.
    """
    if compression_type not in ("", "GZIP", "ZLIB"):
        raise InvalidArgumentError(
            None, None, f"Unsupported compression_type: {compression_type}. It must be '', 'ZLIB' or 'GZIP'."
        )


def read_records(path: Any, compression_type: str = "") -> Iterator[bytes]:
    """Yields the records of a file.

    Raises:
      DataLossError: the file is damaged or truncated.
      InvalidArgumentError: the compression type is unknown.
      OSError: the file cannot be read.
    """
    file = open_records(path, compression_type)
    offset = 0
    try:
        while True:
            record = read_checked(file, offset)
            if record is None:
                return
            offset += len(record) + HEADER_SIZE + FOOTER_SIZE
            yield record
    finally:
        file.close()


def read_checked(file: Any, offset: int = -1) -> bytes | None:
    """Reads the next record of a file that may be compressed; damage to the compression is a DataLossError too."""
    try:
        return read_record(file, offset)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataLossError(None, None, f"corrupted compressed record file: {error}") from None
