"""Reads and writes JPEG files (ITU-T T.81) through Pillow, which holds libjpeg-turbo as TensorFlow does.

Pixels are TensorFlow's, with one exception. TensorFlow's default is the fast inverse cosine transform together with
smooth ("fancy") upsampling of the colors; Pillow offers the fast transform without it and the accurate one with it. So
where the colors of a file are subsampled, the accurate transform stands in for the fast one, and a pixel may differ by
a few levels. Where they are not, both transforms are there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import InternalError, invalid_argument

Array = np.ndarray[Any, Any]

SIGNATURE = b"\xff\xd8\xff"
_END_OF_IMAGE = b"\xff\xd9"
#: No image has as many pixels, in any format: what claims to be larger is not read.
MOST_PIXELS = 1 << 29


class Header(NamedTuple):
    """Is what a JPEG file says of its image: the size, and the horizontal and vertical sampling of each component."""

    height: int
    width: int
    sampling: tuple[tuple[int, int], ...]
    is_adobe: bool


def read_header(contents: bytes) -> Header:
    """Reads the segments of a JPEG file up to that which describes the frame.

    Raises:
      InvalidArgumentError: there is no such segment, or it is cut off, or does not describe an image.
    """
    is_adobe = False
    place = 2
    while contents[:2] == b"\xff\xd8" and place + 4 <= len(contents):
        if contents[place] != 0xFF:  # stray bytes, which libjpeg steps over
            place = contents.find(b"\xff", place)
            if place < 0:
                break
            continue
        marker = contents[place + 1]
        if marker == 0:  # a stuffed byte, stray as well
            place += 2
            continue
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # segments without a body
            place += 2
            continue
        length = int.from_bytes(contents[place + 2 : place + 4], "big")
        body = contents[place + 4 : place + 2 + length]
        if len(body) != length - 2:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _frame(body, is_adobe, len(contents))
        if marker == 0xEE and body.startswith(b"Adobe"):
            is_adobe = True
        if marker in (0xD9, 0xDA):
            break
        place += 2 + length
    raise invalid_argument(f"Invalid JPEG data, size {len(contents)}: no complete header of a frame in it.")


def _frame(body: bytes, is_adobe: bool, size: int) -> Header:
    components = body[5] if len(body) > 5 else 0
    if len(body) < 6 + 3 * components or components not in (1, 3, 4):
        raise invalid_argument(f"Invalid JPEG data, size {size}: expected 1, 3 or 4 components, got {components}.")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if height == 0 or width == 0 or height * width >= MOST_PIXELS:
        raise invalid_argument(
            f"Invalid JPEG data, size {size}: an image of {height} by {width} pixels cannot be decoded."
        )
    sampling = tuple((body[7 + 3 * index] >> 4, body[7 + 3 * index] & 15) for index in range(components))
    return Header(height, width, sampling, is_adobe)


def decode(
    contents: bytes,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    dct_method: str = "",
) -> Array:
    """Returns the pixels of a JPEG file, uint8 of shape [height, width, channels].

    Args:
      contents: the file.
      channels: 1 for the brightness, 3 for red, green and blue, 0 for what the file holds.
      ratio: by how much to scale the image down: 1, 2, 4 or 8.
      fancy_upscaling: whether to interpolate colours that are subsampled.
      try_recover_truncated: whether to decode a file whose end is missing; the rest of the image is then gray.
      dct_method: ``"INTEGER_FAST"``, ``"INTEGER_ACCURATE"`` or, for the former, ``""``.
    """
    from PIL import Image  # heavy: loaded when a file is decoded

    header = read_header(contents)
    components = len(header.sampling)
    if components == 4 and channels == 1:
        raise invalid_argument("A JPEG file in CMYK cannot be decoded to 1 channel; expected channels to be 0 or 3.")
    gray = channels == 1 or components == 1
    subsampled = not gray and any(each != header.sampling[0] for each in header.sampling)
    if subsampled:
        draft = not fancy_upscaling
    else:
        draft = dct_method != "INTEGER_ACCURATE"
    size = (-(-header.width // ratio), -(-header.height // ratio))
    mode = "L" if gray else "RGB" if components == 3 else "CMYK"
    if contents.rfind(_END_OF_IMAGE) < 0:
        if not try_recover_truncated:
            raise invalid_argument(f"Invalid JPEG data, size {len(contents)}: the end of the image is missing.")
        contents += _END_OF_IMAGE
    try:
        image = Image.frombytes(mode, size, contents, "jpeg", mode, "", ratio, int(draft))
    except (ValueError, OSError) as error:
        if not try_recover_truncated:
            raise invalid_argument(f"Invalid JPEG data, size {len(contents)}: {error}.") from None
        try:
            image = Image.frombytes(mode, size, contents + _END_OF_IMAGE, "jpeg", mode, "", ratio, int(draft))
        except (ValueError, OSError):
            raise invalid_argument(f"Invalid JPEG data, size {len(contents)}: {error}.") from None
    pixels = np.asarray(image)
    if components == 4 and not gray:
        pixels = _from_cmyk(pixels, header.is_adobe)
    if gray:
        pixels = pixels[:, :, None]
        if channels == 3:
            pixels = np.repeat(pixels, 3, axis=2)
    return pixels


def _from_cmyk(pixels: Array, inverted: bool) -> Array:
    """Turns cyan, magenta, yellow and black into red, green and blue; Adobe's files hold their complements."""
    wide = pixels.astype(np.uint16)
    if not inverted:
        wide = 255 - wide
    return (wide[:, :, :3] * wide[:, :, 3:] // 255).astype(np.uint8)


def encode(
    image: Array,
    quality: int,
    *,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: bytes = b"",
) -> bytes:
    """Returns the JPEG file of an image, uint8 of shape [height, width, 1 or 3]."""
    import io

    from PIL import Image  # heavy: loaded when a file is encoded

    if not image.size or max(image.shape[:2]) > 65500:
        raise InternalError(
            None, None, f"JPEG encoding failed: expected sides of 1 to 65500 pixels, got shape {list(image.shape)}."
        )
    source = Image.fromarray(np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image))
    options: dict[str, Any] = {"xmp": xmp_metadata} if xmp_metadata else {}
    stream = io.BytesIO()
    # Pillow takes a quality of 0 for "none was given"; libjpeg takes it for 1.
    source.save(
        stream,
        "JPEG",
        quality=max(quality, 1),
        progressive=progressive,
        optimize=optimize_size,
        subsampling="4:2:0" if chroma_downsampling and image.shape[2] == 3 else "4:4:4",
        dpi=(1, 1),
        **options,
    )
    data = bytearray(stream.getvalue())
    # The JFIF segment comes first: unit and densities stand at its bytes 7 to 11.
    data[13] = 2 if density_unit == "cm" else 1
    data[14:16] = (x_density & 0xFFFF).to_bytes(2, "big")
    data[16:18] = (y_density & 0xFFFF).to_bytes(2, "big")
    return bytes(data)
