"""Integers as protocol buffers, sorted tables and Snappy write them: seven bits a byte, least significant first."""

from __future__ import annotations


def varint_bytes(value: int) -> bytes:
    """Returns a number that is not negative as a varint."""
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def varint(data: bytes, position: int) -> tuple[int, int]:
    """Reads a number of seven bits a byte, least significant first.

    Returns:
      The number, and the position behind it.

    Raises:
      IndexError: the data ends within the number, or it has more than 64 bits.
    """
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise IndexError("a varint of more than ten bytes")
