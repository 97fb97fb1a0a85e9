"""Reads and writes PNG files (W3C, ISO/IEC 15948) of all kinds, as 8 or 16 bits for each sample.

The chunks are read here; Pillow inflates the image data and undoes the filters.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import InternalError, invalid_argument
from tideflow._src.ops.image.jpeg import MOST_PIXELS

Array = np.ndarray[Any, Any]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS = {_GRAY: 1, _RGB: 3, _PALETTE: 1, _GRAY_ALPHA: 2, _RGBA: 4}
_DEPTHS = {_GRAY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GRAY_ALPHA: (8, 16), _RGBA: (8, 16)}
#: One byte of deflated data stands for no more than this many (RFC 1951: 258 bytes in 2 bits).
_MOST_INFLATION = 1032
_OTHER_LINE_FILTERS = 5


class _File(NamedTuple):
    width: int
    height: int
    depth: int
    color: int
    interlaced: bool
    palette: bytes
    transparency: bytes | None
    data: bytes


def _read(contents: bytes) -> _File:
    """Reads the chunks of a file and checks their checksums and order."""
    size = len(contents)
    header: tuple[int, ...] | None = None
    palette, transparency = b"", None
    data = []
    place = len(SIGNATURE)
    while True:
        if place + 12 > size:
            raise invalid_argument(f"Invalid PNG data, size {size}: it ends before the last chunk.")
        length, kind = struct.unpack_from(">I4s", contents, place)
        body = contents[place + 8 : place + 8 + length]
        if place + 12 + length > size:
            raise invalid_argument(f"Invalid PNG data, size {size}: the chunk {kind!r} at byte {place} is cut off.")
        critical = not kind[0] & 0x20
        (checksum,) = struct.unpack_from(">I", contents, place + 8 + length)
        if critical and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise invalid_argument(
                f"Invalid PNG data, size {size}: wrong checksum of the chunk {kind!r} at byte {place}."
            )
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise invalid_argument(
                    f"Invalid PNG data, size {size}: expected the chunk b'IHDR' first, got {kind!r}."
                )
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"PLTE":
            palette = body
        elif kind == b"tRNS":
            transparency = body
        elif kind == b"IDAT":
            data.append(body)
        elif kind == b"IEND":
            break
        elif critical:
            raise invalid_argument(f"Invalid PNG data, size {size}: unknown critical chunk {kind!r}.")
        place += 12 + length
    width, height, depth, color, compression, filtering, interlacing = header
    if width == 0 or height == 0 or width * height >= MOST_PIXELS:
        raise invalid_argument(
            f"Invalid PNG data, size {size}: an image of {height} by {width} pixels cannot be decoded."
        )
    if depth not in _DEPTHS.get(color, ()) or compression or filtering or interlacing > 1:
        raise invalid_argument(
            f"Invalid PNG data, size {size}: no such kind of file (depth {depth}, color type {color}, compression "
            f"{compression}, filter {filtering}, interlacing {interlacing})."
        )
    if color == _PALETTE and (not palette or len(palette) % 3 or len(palette) > 768):
        raise invalid_argument(f"Invalid PNG data, size {size}: a palette of {len(palette)} bytes.")
    compressed = b"".join(data)
    if len(compressed) * _MOST_INFLATION < height * (1 + (width * depth * _CHANNELS[color] + 7) // 8) - 64:
        raise invalid_argument(f"Invalid PNG data, size {size}: it cannot hold an image of {height} by {width} pixels.")
    return _File(width, height, depth, color, bool(interlacing), palette, transparency, compressed)


def _unpack(file: _File, mode: str, layout: str) -> Array:
    """Inflates the samples of a file into an image of Pillow's, one byte for each sample."""
    from PIL import Image  # heavy: loaded when a file is decoded

    try:
        image = Image.frombytes(mode, (file.width, file.height), file.data, "zip", layout, int(file.interlaced))
    except (ValueError, OSError) as error:
        raise invalid_argument(f"Invalid PNG data: {error}.") from None
    pixels = np.asarray(image)
    # Pillow takes data that end with a line, and leaves the lines that follow zero.
    if file.interlaced or not pixels[-1].any():
        _check_length(file)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


#: Where the pixels of the seven passes of an interlaced image begin and how far they are apart: down, then across.
_PASSES = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))


def _check_length(file: _File) -> None:
    """Raises an InvalidArgumentError if the data of a file are less than its image takes."""
    wanted = 0
    for top, down, left, across in _PASSES if file.interlaced else ((0, 1, 0, 1),):
        height, width = -((top - file.height) // down), -((left - file.width) // across)
        if height > 0 and width > 0:
            wanted += height * (1 + (width * file.depth * _CHANNELS[file.color] + 7) // 8)
    inflater, have, pending = zlib.decompressobj(), 0, file.data
    try:
        while have < wanted and pending and not inflater.eof:
            have += len(inflater.decompress(pending, 1 << 20))
            pending = inflater.unconsumed_tail
    except zlib.error as error:
        raise invalid_argument(f"Invalid PNG data: {error}.") from None
    if have < wanted:
        raise invalid_argument(f"Invalid PNG data: its image takes {wanted} bytes, it has {have}.")


def _samples(file: _File) -> Array:
    """Returns the samples as the file holds them: uint8, or uint16 if they have 16 bits."""
    if file.color == _PALETTE:
        return _unpack(file, "P", "P" if file.depth == 8 else f"P;{file.depth}")
    if file.depth == 16:
        if file.color == _GRAY:
            return _pairs(_unpack(file, "LA", "LA"))
        if file.color == _GRAY_ALPHA:
            return _pairs(_unpack(file, "CMYK", "CMYK"))
        mode = "RGB" if file.color == _RGB else "RGBA"
        high = _unpack(file, mode, f"{mode};16B").astype(np.uint16)
        return high << 8 | _unpack(file, mode, f"{mode};16L")
    if file.color == _GRAY:
        if file.depth == 1:
            return _unpack(file, "1", "1").astype(np.uint8) * np.uint8(255)
        return _unpack(file, "L", "L" if file.depth == 8 else f"L;{file.depth}")
    mode = {_RGB: "RGB", _GRAY_ALPHA: "LA", _RGBA: "RGBA"}[file.color]
    return _unpack(file, mode, mode)


def _pairs(octets: Array) -> Array:
    """Joins neighbouring bytes, the higher one first, to samples of 16 bits."""
    return octets[:, :, 0::2].astype(np.uint16) << 8 | octets[:, :, 1::2]


def decode(contents: bytes, channels: int = 0, dtype: Any = np.uint8) -> Array:
    """Returns the pixels of a PNG file, of shape [height, width, channels].

    Args:
      contents: the file.
      channels: 1 for gray, 2 with alpha, 3 for red, green and blue, 4 with alpha, 0 for what the file holds.
      dtype: uint8 or uint16; samples of the other width are scaled.
    """
    file = _read(contents)
    pixels = _samples(file)
    opaque = 65535 if pixels.dtype == np.uint16 else 255
    alpha: Array | None = None
    if file.color == _PALETTE:
        pixels, alpha = _look_up(file, pixels)
    elif file.color in (_GRAY_ALPHA, _RGBA):
        pixels, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    elif file.transparency is not None and channels in (2, 4):
        alpha = _keyed(file, pixels, opaque)
    if channels == 0:
        has_alpha = alpha is not None
        channels = pixels.shape[2] + has_alpha
    if pixels.shape[2] == 3 and channels < 3:
        pixels = _brightness(pixels)
    elif pixels.shape[2] == 1 and channels >= 3:
        pixels = np.repeat(pixels, 3, axis=2)
    if channels in (2, 4):
        if alpha is None:
            alpha = np.full((*pixels.shape[:2], 1), opaque, pixels.dtype)
        pixels = np.concatenate([pixels, alpha], axis=2)
    if pixels.dtype == np.uint16 and dtype == np.uint8:
        return (pixels >> 8).astype(np.uint8)
    if pixels.dtype == np.uint8 and dtype == np.uint16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return np.ascontiguousarray(pixels)


def _look_up(file: _File, indices: Array) -> tuple[Array, Array | None]:
    palette = np.zeros((256, 3), np.uint8)
    colors = np.frombuffer(file.palette, np.uint8).reshape(-1, 3)
    palette[: len(colors)] = colors
    alpha = None
    if file.transparency is not None:
        opacity = np.full(256, 255, np.uint8)
        known = np.frombuffer(file.transparency[:256], np.uint8)
        opacity[: len(known)] = known
        alpha = opacity[indices]
    return palette[indices[:, :, 0]], alpha


def _keyed(file: _File, pixels: Array, opaque: int) -> Array:
    """Returns an alpha channel that is zero where a pixel has the one color that the file says is transparent."""
    transparency = file.transparency or b""
    if len(transparency) != 2 * pixels.shape[2]:
        raise invalid_argument(f"Invalid PNG data: a tRNS chunk of {len(transparency)} bytes.")
    key = np.frombuffer(transparency, ">u2").astype(np.int64)
    if file.depth < 8:
        key = key * 255 // ((1 << file.depth) - 1)
    return np.where((pixels == key).all(axis=2, keepdims=True), 0, opaque).astype(pixels.dtype)


def _brightness(pixels: Array) -> Array:
    """Mixes red, green and blue as libpng does: 0.299, 0.587 and 0.114, rounded down for 8 bits, to nearest for 16."""
    shares = np.array([9797, 19234, 3737], np.uint32)
    half = 0 if pixels.dtype == np.uint8 else 1 << 14
    gray = (pixels.astype(np.uint32) @ shares + np.uint32(half)) >> 15
    return gray.astype(pixels.dtype)[:, :, None]


def encode(image: Array, compression: int = -1) -> bytes:
    """Returns the PNG file of an image, uint8 or uint16, of shape [height, width, 1 to 4].

    Args:
      image: the pixels.
      compression: from 0 (none) to 9 (smallest), or -1 for zlib's default.
    """
    height, width, channels = image.shape
    if not image.size:
        raise InternalError(None, None, f"PNG encoding failed: an image of shape {list(image.shape)} has no pixels.")
    color = {1: _GRAY, 2: _GRAY_ALPHA, 3: _RGB, 4: _RGBA}[channels]
    depth = 8 * image.dtype.itemsize
    rows = np.ascontiguousarray(image.astype(image.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    data = zlib.compress(_filtered(rows, channels * depth // 8).tobytes(), compression)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _filtered(rows: Array, step: int) -> Array:
    """Applies to each row that of PNG's filters which leaves the smallest differences, and notes which in front."""
    height, length = rows.shape
    left = np.zeros_like(rows)
    left[:, step:] = rows[:, :-step]
    above = np.zeros_like(rows)
    above[1:] = rows[:-1]
    corner = np.zeros_like(rows)
    corner[1:, step:] = rows[:-1, :-step]
    result = np.empty((height, length + 1), np.uint8)
    least = np.full(height, np.iinfo(np.int64).max)
    for number in range(_OTHER_LINE_FILTERS):
        if number == 0:
            line = rows
        elif number == 1:
            line = rows - left
        elif number == 2:
            line = rows - above
        elif number == 3:
            line = rows - ((left.astype(np.uint16) + above) >> 1).astype(np.uint8)
        else:
            line = rows - _paeth(left, above, corner)
        cost = np.minimum(line, np.uint8(0) - line).sum(axis=1, dtype=np.int64)
        better = np.flatnonzero(cost < least)
        least[better] = cost[better]
        result[better, 0] = number
        result[better, 1:] = line[better]
    return result


def _paeth(left: Array, above: Array, corner: Array) -> Array:
    """Predicts each byte by that of its three neighbours which is nearest to left + above - corner."""
    a, b, c = left.astype(np.int16), above.astype(np.int16), corner.astype(np.int16)
    from_left, from_above = np.abs(b - c), np.abs(a - c)
    from_corner = np.abs(a + b - 2 * c)
    nearest_above = np.where(from_above <= from_corner, above, corner)
    return np.where((from_left <= from_above) & (from_left <= from_corner), left, nearest_above)
