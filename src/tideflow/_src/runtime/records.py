"""The record format of TFRecord and event files: framed byte strings, each with checksums, perhaps compressed.

A record is its length (eight bytes, little endian), the masked CRC-32C of the length, the data, and the masked CRC-32C
of the data (TensorFlow, ``core/lib/io/record_writer.h``). CRC-32C is the checksum of RFC 3720 (polynomial 0x1EDC6F41).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from tideflow._src.core.errors import DataLossError, InvalidArgumentError

_MASK_DELTA = 0xA282EAD8
_LENGTH = struct.Struct("<Q")
_CHECK = struct.Struct("<I")
HEADER_SIZE = 12
FOOTER_SIZE = 4

#: How many bytes are copied or inflated at a time.
_PART = 1 << 22


def crc32c(data: bytes | bytearray | memoryview, start: int = 0) -> int:
    """Returns the CRC-32C of bytes.

    Args:
      data: the bytes.
      start: the checksum of the bytes before them.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    import google_crc32c  # lazy: most programs never need it

    if isinstance(data, bytes):
        return int(google_crc32c.extend(start, data))
    view = memoryview(data).cast("B")
    for place in range(0, len(view), _PART):
        part = view[place : place + _PART]
        try:
            # It refuses bytes that may change, but not an array over them, which it need not copy.
            start = google_crc32c.extend(start, np.frombuffer(part, np.uint8))
        except TypeError:
            start = google_crc32c.extend(start, bytes(part))
    return start


def masked_crc32c(data: bytes | bytearray | memoryview) -> int:
    """Returns the checksum as files hold it: rotated and shifted, so that checksums of checksums stay good."""
    return masked(crc32c(data))


def masked(crc: int) -> int:
    """Returns a checksum as files hold it."""
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
      The record; None at the end of the file, which may be within the header of a record.

    Raises:
      DataLossError: the file ends within the data of the record, or a checksum is wrong.
    """
    header = file.read(HEADER_SIZE)
    if len(header) < HEADER_SIZE:  # nothing more, or what a writer that was killed had begun
        return None
    where = f" at {offset}" if offset >= 0 else ""
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
    """Reads a file in the format of zlib or of gzip as a stream; where the file is cut, the stream ends.

    Args:
      file: the file.
      window_bits: what zlib calls so, which says the format, too.
    """

    def __init__(self, file: BinaryIO, window_bits: int) -> None:
        self._file = file
        self._window_bits = window_bits
        self._inflater = zlib.decompressobj(window_bits)
        self._compressed = b""
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """Reads ``size`` decompressed bytes, or all of them if it is negative."""
        parts = [self._ready]
        have = len(self._ready)
        while size < 0 or have < size:
            if self._inflater.eof:  # one file may be several that were put together
                self._compressed = self._inflater.unused_data
                self._inflater = zlib.decompressobj(self._window_bits)
            part = self._compressed or self._file.read(_PART)
            if not part:
                break
            inflated = self._inflater.decompress(part, _PART)
            self._compressed = self._inflater.unconsumed_tail
            parts.append(inflated)
            have += len(inflated)
        everything = b"".join(parts)
        if size < 0:
            size = have
        self._ready = everything[size:]
        return everything[:size]

    def read_some(self, size: int) -> bytes:
        """Reads up to ``size`` decompressed bytes, as many as are at hand: none at the end only."""
        if self._ready:
            return self.read(min(size, len(self._ready)))
        while True:
            if self._inflater.eof:
                self._compressed = self._inflater.unused_data
                self._inflater = zlib.decompressobj(self._window_bits)
            part = self._compressed or self._file.read(_PART)
            if not part:
                return b""
            inflated = self._inflater.decompress(part, size)
            self._compressed = self._inflater.unconsumed_tail
            if inflated:
                return inflated

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


#: What zlib takes for each format.
_WINDOW_BITS = {"ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS + 16}


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
    file = open(path, "rb", 1 << 18)  # noqa: SIM115 - the caller closes it
    return _ZlibFile(file, _WINDOW_BITS[compression_type]) if compression_type else file


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
    except zlib.error as error:
        raise DataLossError(None, None, f"corrupted compressed record file: {error}") from None
