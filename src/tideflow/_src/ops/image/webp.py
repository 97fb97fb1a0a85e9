"""Reads WebP files through Pillow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.image.jpeg import MOST_PIXELS

Array = np.ndarray[Any, Any]


def is_webp(contents: bytes) -> bool:
    """Tells whether these bytes begin as a WebP file does."""
    return contents[:4] == b"RIFF" and contents[8:12] == b"WEBP"


def decode(contents: bytes, channels: int = 0, *, first_only: bool = False) -> Array:
    """Returns the frames of a WebP file, uint8 of shape [frames, height, width, 3 or 4].

    Args:
      contents: the file.
      channels: 3, 4, or 0 for what the file holds; what it holds it must be.
      first_only: whether to stop after the first frame.
    """
    import io

    from PIL import Image, WebPImagePlugin  # heavy: loaded when a file is decoded

    if channels == 1:
        raise invalid_argument("WebP only supports 3 or 4 channels, got channels=1.")
    frames = []
    try:
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(contents))
        count = 1 if first_only else getattr(image, "n_frames", 1)
        if image.width * image.height * count >= MOST_PIXELS:
            raise invalid_argument(f"Invalid WebP data: {count} frames of {image.height} by {image.width} pixels.")
        found = 4 if image.mode == "RGBA" else 3
        if channels not in (0, found):
            raise invalid_argument(f"WebP data has {found} channels, but channels={channels} are wanted.")
        for number in range(count):
            image.seek(number)
            image.load()
            frames.append(np.asarray(image)[:, :, :found])
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise invalid_argument(f"Failed to decode WebP data, size {len(contents)}: {error}.") from None
    return np.stack(frames)
