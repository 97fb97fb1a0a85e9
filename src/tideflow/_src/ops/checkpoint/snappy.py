"""Snappy blocks, in which some old checkpoint files and snapshots of datasets are written.

The format is that of google/snappy, ``format_description.txt``.
"""

from __future__ import annotations

from tideflow._src.core.varints import varint


class SnappyError(ValueError):
    """Says that bytes are not a Snappy block."""


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


def compress(data: bytes) -> bytes:
    """Returns a Snappy block of some bytes.

    Eight bytes that were seen before become a copy of those, and all else is kept as it is. Only every fourth place is
    looked at: that is where numbers repeat.

    >>> uncompress(compress(b"tick tock " * 100)) == b"tick tock " * 100, len(compress(bytes(1000))) < 100
    (True, True)
    """
    size = len(data)
    head = bytearray()
    number = size
    while number > 0x7F:
        head.append(number & 0x7F | 0x80)
        number >>= 7
    head.append(number)
    parts = [bytes(head)]
    seen: dict[bytes, int] = {}
    position = begun = 0
    while position + 8 <= size:
        key = data[position : position + 8]
        before = seen.get(key)
        seen[key] = position
        if before is None or position - before > 0xFFFF:
            position += 4
            continue
        parts.append(_literal(data[begun:position]))
        length = 8
        while length < 64 and position + length < size and data[before + length] == data[position + length]:
            length += 1
        parts.append(bytes(((length - 1) << 2 | 2,)) + (position - before).to_bytes(2, "little"))
        position += length
        begun = position
    parts.append(_literal(data[begun:]))
    return b"".join(parts)


def _literal(data: bytes) -> bytes:
    if not data:
        return b""
    last = len(data) - 1
    if last < 60:
        return bytes((last << 2,)) + data
    width = (last.bit_length() + 7) // 8
    return bytes((59 + width << 2,)) + last.to_bytes(width, "little") + data
