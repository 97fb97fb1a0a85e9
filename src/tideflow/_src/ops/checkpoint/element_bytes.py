"""The bytes of tensors as checkpoints hold them."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType, string
from tideflow._src.core.errors import DataLossError
from tideflow._src.core.varints import varint, varint_bytes
from tideflow._src.runtime.records import crc32c, masked

Array = np.ndarray[Any, Any]


def encode(array: Array, dtype: DType) -> tuple[memoryview | bytes, int]:
    """Returns the bytes of a tensor, and their masked checksum."""
    if dtype is string:
        return _encode_strings(array)
    flat = np.ascontiguousarray(array).reshape(-1)
    if not flat.dtype.isnative:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    content = memoryview(flat.view(np.uint8)) if flat.size else b""
    return content, masked(crc32c(content))


def _encode_strings(array: Array) -> tuple[bytes, int]:
    """Lengths as varints, the checksum of the lengths, and the strings one behind the other."""
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


def decode(content: bytearray, dtype: DType, shape: tuple[int, ...], crc: int, described: str) -> Array:
    """Returns the tensor that bytes hold.

    Args:
      content: the bytes; the result may share their memory.
      dtype, shape: those of the tensor.
      crc: the masked checksum that they must have.
      described: which tensor of which file, for messages.

    Raises:
      DataLossError: the checksum or the number of bytes is wrong.
    """
    if dtype is string:
        return _decode_strings(content, shape, crc, described)
    found = masked(crc32c(content))
    check(crc, found, described)
    return np.frombuffer(content, dtype._numpy_dtype).reshape(shape)


def check(stored: int, found: int, described: str) -> None:
    """Raises a DataLossError if a checksum is not the one that is stored."""
    if stored != found:
        raise DataLossError(
            None,
            None,
            f"{described}: Checksum does not match: stored {stored} vs. calculated on the restored bytes {found}",
        )


def _decode_strings(content: bytearray, shape: tuple[int, ...], crc: int, described: str) -> Array:
    size = int(np.prod(shape, dtype=np.int64))
    data = bytes(content)
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
