"""Makes small image files out of pixels, for the samples of the decoding operations."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def bmp_file(pixels: Array) -> bytes:
    """Returns a BMP file of an image: blue, green and red in each row, the last row first."""
    height, width, channels = pixels.shape
    row = -(-width * channels // 4) * 4
    rows = np.zeros((height, row), np.uint8)
    swapped = pixels[::-1, :, [2, 1, 0, 3][:channels]] if channels >= 3 else pixels[::-1]
    rows[:, : width * channels] = swapped.reshape(height, -1)
    header = struct.pack(
        "<2sIIIIiihhIIiiII", b"BM", 54 + rows.size, 0, 54, 40, width, height, 1, 8 * channels, *[0] * 6
    )
    return header + rows.tobytes()


def gif_file(indices: Array, *others: Array, transparent: int | None = None) -> bytes:
    """Returns a GIF file of frames of color numbers less than 64; its codes leave the pixels as they are."""
    height, width = indices.shape
    table = bytes((37 * number + 11) % 256 for number in range(3 * 64))
    data = struct.pack("<6sHHBBB", b"GIF89a", width, height, 0xF5, 0, 0) + table
    for frame in (indices, *others):
        if transparent is not None:
            data += struct.pack("<BBBBHBB", 0x21, 0xF9, 4, 1, 0, transparent, 0)
        data += struct.pack("<BHHHHBB", 0x2C, 0, 0, *frame.shape[::-1], 0, 6)
        # Codes of 7 bits; the clear code (64) in front of every 32 pixels keeps them at that width.
        codes = []
        for start in range(0, frame.size, 32):
            codes += [64, *frame.reshape(-1)[start : start + 32].tolist()]
        bits = sum(code << 7 * place for place, code in enumerate([*codes, 65]))
        packed = bits.to_bytes(-(-7 * (len(codes) + 1) // 8), "little")
        for start in range(0, len(packed), 255):
            part = packed[start : start + 255]
            data += bytes([len(part)]) + part
        data += b"\x00"
    return data + b";"


def webp_file(pixels: Array) -> bytes:
    """Returns a WebP file of an image of shape [height, width, 3 or 4] without losses."""
    import io

    from PIL import Image  # heavy: loaded when a file is encoded

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, exact=True)
    return stream.getvalue()


def drawn_pixels(s: Any, *shape: int, dtype: Any = "uint8") -> Array:
    """Returns drawn pixels."""
    return s.integers(0, np.iinfo(np.dtype(dtype)).max + 1, shape, dtype)
