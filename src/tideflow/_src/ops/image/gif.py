"""Reads GIF files (CompuServe, GIF89a): every frame drawn over what came before it.

The blocks are read here; Pillow unpacks the LZW codes. As in TensorFlow, a frame is drawn over the one before it
whatever its disposal method says, what no frame has covered is black, and the size is that of the largest frame, not
of the screen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError, invalid_argument
from tideflow._src.ops.image.jpeg import MOST_PIXELS

Array = np.ndarray[Any, Any]

SIGNATURE = b"GIF8"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL = 0xF9
#: A code of 12 bits stands for no more than this many pixels: the longest string of the table.
_MOST_PIXELS_BYTE = 4096


class _Reader:
    """Walks through the blocks of a file."""

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.place = 0

    def take(self, count: int) -> bytes:
        part = self.contents[self.place : self.place + count]
        if len(part) != count:
            raise invalid_argument(f"Invalid GIF data (size {len(self.contents)}): it ends inside a block.")
        self.place += count
        return part

    def colors(self, flags: int) -> Array | None:
        """Reads a color table if ``flags`` says that there is one."""
        if not flags & 0x80:
            return None
        return np.frombuffer(self.take(3 << (flags & 7) + 1), np.uint8).reshape(-1, 3)

    def sub_blocks(self) -> bytes:
        """Reads a chain of sub-blocks, with their lengths and the empty one at the end."""
        start = self.place
        while length := self.take(1)[0]:
            self.take(length)
        return self.contents[start : self.place]


def decode(contents: bytes, *, first_only: bool = False) -> Array:
    """Returns the frames of a GIF file, uint8 of shape [frames, height, width, 3].

    Args:
      contents: the file.
      first_only: whether to give the first frame alone; its size is that of all.

    Raises:
      InvalidArgumentError: the file does not hold a whole frame. Frames before a damaged one are returned.
    """
    reader = _Reader(contents)
    reader.take(6)
    screen = reader.take(7)
    shared = reader.colors(screen[4])
    frames: list[_Frame] = []
    transparent = -1
    pixels = 0
    while True:
        try:
            kind = reader.take(1)[0]
            if kind == _TRAILER:
                break
            if kind == _EXTENSION:
                label = reader.take(1)[0]
                body = reader.sub_blocks()
                if label == _GRAPHIC_CONTROL and len(body) > 5:
                    transparent = body[4] if body[1] & 1 else -1
                continue
            if kind != _IMAGE:
                raise invalid_argument(f"Invalid GIF data (size {len(contents)}): unknown block {kind:#x}.")
            frames.append(_read_frame(reader, shared, transparent))
            pixels += frames[-1].indices.size
            if pixels >= MOST_PIXELS:
                raise _TooLarge(None, None, f"Invalid GIF data: {len(frames)} frames of {pixels} pixels.")
            transparent = -1
        except (ValueError, _TooLarge):
            raise
        except Exception:
            if not frames:
                raise
            break  # as TensorFlow does, give what there is of a damaged file
    if not frames:
        raise invalid_argument(f"Invalid GIF data (size {len(contents)}): it has no frame.")
    return _drawn(frames, 1 if first_only else len(frames))


class _TooLarge(InvalidArgumentError):
    """Says that a file holds more pixels than any image has."""


class _Frame(NamedTuple):
    """Is a frame before it is drawn: where it stands, its colors, and the number of the color of each pixel."""

    left: int
    top: int
    colors: Array
    transparent: int
    indices: Array


def _read_frame(reader: _Reader, shared: Array | None, transparent: int) -> _Frame:
    description = reader.take(9)
    left, top, width, height = (int.from_bytes(description[at : at + 2], "little") for at in (0, 2, 4, 6))
    colors = reader.colors(description[8])
    if colors is None:
        colors = shared
    if colors is None:
        raise invalid_argument("Invalid GIF data: a frame has no color table.")
    bits = reader.take(1)[0]
    codes = reader.sub_blocks()
    if not width or not height:
        return _Frame(left, top, colors, transparent, np.zeros((height, width), np.uint8))
    if width * height >= MOST_PIXELS or not 1 <= bits <= 11 or len(codes) * _MOST_PIXELS_BYTE < width * height:
        raise invalid_argument(
            f"Invalid GIF data: {len(codes)} bytes of {bits} bits for a frame of {height} by {width} pixels."
        )
    indices = _unpack(codes, bits, width, height, bool(description[8] & 0x40))
    largest = int(indices[indices != transparent].max(initial=0))
    if largest >= len(colors):
        raise invalid_argument(f"Invalid GIF data: color {largest} of a table of {len(colors)} colors.")
    return _Frame(left, top, colors, transparent, indices)


def _drawn(frames: list[_Frame], count: int) -> Array:
    """Draws the first ``count`` frames over each other, as high as the highest of all and as wide as the widest."""
    height = max(frame.indices.shape[0] for frame in frames)
    width = max(frame.indices.shape[1] for frame in frames)
    if height == 0 or width == 0 or count * height * width >= MOST_PIXELS:
        raise invalid_argument(f"Invalid GIF data: {count} frames of {height} by {width} pixels.")
    result = np.zeros((count, height, width, 3), np.uint8)
    for number, frame in enumerate(frames[:count]):
        if number:
            result[number] = result[number - 1]
        target = result[number, frame.top : frame.top + frame.indices.shape[0]]
        target = target[:, frame.left : frame.left + frame.indices.shape[1]]
        indices = frame.indices[: target.shape[0], : target.shape[1]]
        drawn = indices != frame.transparent
        target[drawn] = frame.colors[indices[drawn]]
    return result


def _unpack(codes: bytes, bits: int, width: int, height: int, interlaced: bool) -> Array:
    from PIL import Image  # heavy: loaded when a file is decoded

    try:
        image = Image.frombytes("L", (width, height), codes, "gif", bits, int(interlaced))
    except (ValueError, OSError) as error:
        raise invalid_argument(f"Invalid GIF data: {error}.") from None
    return np.asarray(image)
