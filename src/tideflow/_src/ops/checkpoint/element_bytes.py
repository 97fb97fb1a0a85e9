"""The bytes of tensors as checkpoints hold them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType, string
from tideflow._src.core.errors import DataLossError
from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.runtime.records import crc32c, masked

Array = np.ndarray[Any, Any]
#: How many bytes are written or read before the checksum goes over them: they are still in the processor's cache then.
AT_ONCE = 1 << 20


def write(array: Array, dtype: DType, append: Callable[[Any], None]) -> tuple[int, int]:
    """Writes the bytes of a tensor; returns how many there are, and their masked checksum.

    Args:
      array, dtype: the tensor.
      append: writes some bytes. What it gets is in the processor's cache.
    """
    if dtype is string:
        text, check = encode_strings(array)
        append(text)
        return len(text), check
    flat = np.ascontiguousarray(array).reshape(-1)
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    content = memoryview(flat.view(np.uint8)) if flat.size else memoryview(b"")
    crc = 0
    for place in range(0, len(content), AT_ONCE):
        part = content[place : place + AT_ONCE]
        crc = crc32c(part, crc)
        append(part)
    return len(content), masked(crc)


def encode(array: Array, dtype: DType) -> tuple[bytes, int]:
    """Returns the bytes of a tensor, and their masked checksum."""
    parts: list[Any] = []
    _, crc = write(array, dtype, parts.append)
    return b"".join(parts), crc


def decode(content: bytes, dtype: DType, shape: tuple[int, ...], crc: int, described: str) -> Array:
    """Returns the tensor that bytes hold; arguments and errors are those of `read_numbers`."""
    if dtype is string:
        return decode_strings(bytes(content), shape, crc, described)
    return read_numbers(io.BytesIO(content).readinto, len(content), dtype, shape, crc, described)


def encode_strings(array: Array) -> tuple[bytes, int]:
    """Returns strings as they are stored, and the masked checksum.

    Lengths as varints, the checksum of the lengths, and the strings one behind the other."""
    elements = [bytes(element) for element in array.ravel().tolist()]
    lengths = b"".join(varint_bytes(len(element)) for element in elements)
    crc = crc32c(_fixed_lengths(elements))
    check = struct.pack("<I", masked(crc))
    text = b"".join(elements)
    return lengths + check + text, masked(crc32c(text, crc32c(check, crc)))


def _fixed_lengths(elements: list[bytes]) -> bytes:
    """What the checksum of strings covers in place of the varints."""
    if all(len(element) < 1 << 32 for element in elements):
        return np.array([len(element) for element in elements], "<u4").tobytes()
    return b"".join(struct.pack("<I" if len(e) < 1 << 32 else "<Q", len(e)) for e in elements)


def read_numbers(
    read_into: Callable[[memoryview], int], size: int, dtype: DType, shape: tuple[int, ...], crc: int, described: str
) -> Array:
    """Reads the tensor of numbers that some bytes hold.

    Args:
      read_into: fills a buffer as far as it can, and says how far.
      size: the number of bytes.
      dtype, shape: those of the tensor.
      crc: the masked checksum that they must have.
      described: which tensor of which file, for messages.

    Raises:
      DataLossError: the checksum is wrong, or there are too few bytes.
    """
    content = np.empty(size, np.uint8)
    view = memoryview(content)
    _look_through(read_into, (view[place : place + AT_ONCE] for place in range(0, size, AT_ONCE)), crc, described)
    return content.view(dtype._numpy_dtype).reshape(shape)


def verify(read_into: Callable[[memoryview], int], size: int, crc: int, described: str) -> None:
    """Reads bytes without keeping them; raises a DataLossError if there are too few or the checksum is wrong."""
    view = memoryview(np.empty(min(size, AT_ONCE), np.uint8))
    _look_through(read_into, (view[: size - place] for place in range(0, size, AT_ONCE)), crc, described)


def _look_through(
    read_into: Callable[[memoryview], int], parts: Iterable[memoryview], crc: int, described: str
) -> None:
    running = 0
    for part in parts:
        filled = 0
        while filled < len(part):
            count = read_into(part[filled:])
            if not count:
                raise DataLossError(None, None, f"{described} ended while it was read")
            filled += count
        running = crc32c(part, running)
    check(crc, masked(running), described)


def check(stored: int, found: int, described: str) -> None:
    """Raises a DataLossError if a checksum is not the one that is stored."""
    if stored != found:
        raise DataLossError(
            None,
            None,
            f"{described}: Checksum does not match: stored {stored} vs. calculated on the restored bytes {found}",
        )


def decode_strings(content: bytes, shape: tuple[int, ...], crc: int, described: str) -> Array:
    """Returns the strings that bytes hold; raises a DataLossError if these are damaged."""
    size = int(np.prod(shape, dtype=np.int64))
    data = content
    position = 0
    lengths = []
    try:
        for _ in range(size):
            length, position = varint(data, position)
            lengths.append(length)
    except IndexError:
        raise DataLossError(None, None, f"{described}: the lengths of its strings are damaged") from None
    start = position + 4
    if start + sum(lengths) != len(data):
        raise DataLossError(
            None, None, f"{described}: its strings take {start + sum(lengths)} bytes, the file has {len(data)}"
        )
    elements = np.empty(size, object)
    for index, length in enumerate(lengths):
        elements[index] = data[start : start + length]
        start += length
    running = crc32c(_fixed_lengths(elements.tolist()))
    stored = data[position : position + 4]
    check(int.from_bytes(stored, "little"), masked(running), described)
    check(crc, masked(crc32c(data[position + 4 :], crc32c(stored, running))), described)
    return elements.reshape(shape)
