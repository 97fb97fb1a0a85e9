"""Decompresses Snappy blocks, in which some old checkpoint files are written.

The format is that of google/snappy, ``format_description.txt``.
"""

from __future__ import annotations


class SnappyError(ValueError):
    """Says that bytes are not a Snappy block."""


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


def uncompress(data: bytes) -> bytes:
    """Returns the content of a Snappy block.

    Raises:
      SnappyError: the block is damaged.
    """
    try:
        size, position = varint(data, 0)
        # One byte of a block makes at most 64 bytes of content, roughly.
        if size > 64 * len(data) + 64:
            raise SnappyError(f"a block of {len(data)} bytes claims to hold {size} bytes")
        content = bytearray()
        while position < len(data):
            position = _element(data, position, content)
    except IndexError:
        raise SnappyError("the block ends too early") from None
    if len(content) != size:
        raise SnappyError(f"the block holds {len(content)} bytes, not {size} as it says")
    return bytes(content)


def _element(data: bytes, position: int, content: bytearray) -> int:
    tag = data[position]
    position += 1
    kind = tag & 3
    if kind == 0:  # literal bytes
        size = tag >> 2
        if size >= 60:
            width = size - 59
            size = int.from_bytes(data[position : position + width], "little")
            position += width
        size += 1
        literal = data[position : position + size]
        if len(literal) < size:
            raise SnappyError("the block ends within a literal")
        content += literal
        return position + size
    if kind == 1:  # a copy from at most 2047 bytes back
        size, offset, width = (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[position], 1
    else:
        width = 2 if kind == 2 else 4
        size, offset = (tag >> 2) + 1, int.from_bytes(data[position : position + width], "little")
    if offset == 0 or offset > len(content):
        raise SnappyError(f"a copy from {offset} bytes back, where there are {len(content)}")
    start = len(content) - offset
    if size <= offset:
        content += content[start : start + size]
    else:
        period = bytes(content[start:])
        content += (period * (size // offset + 1))[:size]
    return position + width
