"""Reads Windows bitmap files without compression, of 8, 24 or 32 bits for each pixel."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.image.jpeg import MOST_PIXELS

SIGNATURE = b"BM"
_LEAST = 32


def decode(contents: bytes, channels: int = 0) -> np.ndarray[Any, Any]:
    """Returns the pixels of a BMP file, uint8 of shape [height, width, channels].

    A file of 8 bits for each pixel is read as gray, whatever its palette says, as TensorFlow does.

    Args:
      contents: the file.
      channels: 3, 4, or 0 for what the file holds.
    """
    if channels == 1:
        raise invalid_argument("`channels` must be 0, 3 or 4 for BMP, but got 1")
    size = len(contents)
    if size < _LEAST:
        raise invalid_argument(f"Incomplete BMP data: expected at least {_LEAST} bytes for the header, got {size}.")
    (start,) = struct.unpack_from("<i", contents, 10)
    width, height, _, bits = struct.unpack_from("<iihh", contents, 18)
    if width <= 0 or height == 0 or width * abs(height) >= MOST_PIXELS:
        raise invalid_argument(f"Invalid BMP data: an image of {abs(height)} by {width} pixels cannot be decoded.")
    if bits not in (8, 24, 32):
        raise invalid_argument(
            f"Invalid BMP data: expected 8, 24 or 32 bits for each pixel (1, 3 or 4 channels), got {bits}."
        )
    found = bits // 8
    row = -(-bits * width // 32) * 4
    if start < 0 or start + row * abs(height) != size:
        raise invalid_argument(
            f"Invalid BMP data: expected a header of {start} bytes and {abs(height)} rows of {row} bytes, got {size}."
        )
    rows = np.frombuffer(contents, np.uint8, row * abs(height), start).reshape(abs(height), row)
    pixels = rows[:, : width * found].reshape(abs(height), width, found)
    if height > 0:  # the last row comes first
        pixels = pixels[::-1]
    if found >= 3:
        pixels = pixels[:, :, [2, 1, 0, 3][:found]]
    if channels in (0, found):
        return np.ascontiguousarray(pixels)
    colors = pixels[:, :, :3] if found >= 3 else np.repeat(pixels, 3, axis=2)
    if channels == 3:
        return np.ascontiguousarray(colors)
    return np.concatenate([colors, np.full((*colors.shape[:2], 1), 255, np.uint8)], axis=2)
