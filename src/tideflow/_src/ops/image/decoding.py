"""Image files in tensors of strings: decoding JPEG, PNG, GIF, BMP and WebP.

What a file holds is told from its first bytes, so that ``DecodePng`` also reads a JPEG file, and so on, as TensorFlow's
does. Sizes are checked before anything is unpacked: a small file that claims to be an enormous image is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image import bmp, gif, jpeg, png, webp
from tideflow._src.ops.image.sample_files import bmp_file, drawn_pixels, gif_file, webp_file
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]

_ADVICE = {
    "JPEG": "`decode_jpeg` or `decode_image`",
    "PNG": "`decode_png` or `decode_image`",
    "GIF": "`decode_gif` or `decode_image`",
    "BMP": "`decode_bmp` or `decode_image`",
    "WebP": "`decode_webp` or `decode_image`",
}
_UINT8, _UINT16, _FLOAT = np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)


def _file(contents: Any) -> bytes:
    if np.ndim(contents) != 0:
        raise invalid_argument(f"`contents` must be scalar but got shape {list(np.shape(contents))}")
    data: bytes = contents.item() if isinstance(contents, np.ndarray) else contents
    if not data:
        raise invalid_argument("Input is empty: expected the contents of an image file.")
    return data


def _format(data: bytes) -> str:
    if data.startswith(jpeg.SIGNATURE):
        return "JPEG"
    if data.startswith(png.SIGNATURE):
        return "PNG"
    if data.startswith(gif.SIGNATURE):
        return "GIF"
    if data.startswith(bmp.SIGNATURE):
        return "BMP"
    if webp.is_webp(data):
        return "WebP"
    raise invalid_argument(f"Unknown image file format: expected JPEG, PNG, GIF, BMP or WebP, got {data[:8]!r}...")


def _check_channels(channels: int, data_format: str) -> None:
    if channels not in (0, 1, 3, 4):
        raise invalid_argument(f"`channels` must be 0, 1, 3 or 4 but got {channels}")
    if data_format == "JPEG" and channels == 4:
        raise invalid_argument("JPEG does not support 4 channels; expected channels to be 0, 1 or 3.")
    if data_format == "GIF" and channels not in (0, 3):
        raise invalid_argument(f"channels must be 0 or 3 for GIF, got {channels}")


def _refuse(data_format: str, operation: str) -> None:
    """Rejects formats that an operation does not read."""
    allowed = {
        "DecodeBmp": ("BMP",),
        "DecodeGif": ("GIF", "JPEG", "PNG"),
        "DecodeWebP": ("WebP", "JPEG", "PNG"),
        "DecodeAndCropJpeg": ("JPEG",),
    }.get(operation, ("JPEG", "PNG", "GIF"))
    if data_format not in allowed:
        raise invalid_argument(f"{operation} does not read {data_format} data. Use {_ADVICE[data_format]} instead.")


def _scaled(pixels: Array, dtype: Any) -> Array:
    """Brings samples of 8 bits to the dtype of the result: by 256 to uint16, to floats from 0 to 1."""
    if dtype == _UINT16:
        return pixels.astype(np.uint16) << 8
    if dtype == _FLOAT:
        return pixels * np.float32(1 / 255)
    return pixels


def _png(data: bytes, channels: int, dtype: Any) -> Array:
    if dtype == _FLOAT:
        return png.decode(data, channels, _UINT16) * np.float32(1 / 65535)
    return png.decode(data, channels, dtype)


def _decode(contents: Any, operation: str, channels: int, dtype: Any = _UINT8, **jpeg_options: Any) -> Array:
    """Decodes a file of any format that ``operation`` reads, to one image of rank 3."""
    data = _file(contents)
    data_format = _format(data)
    _check_channels(channels, data_format)
    _refuse(data_format, operation)
    if data_format == "PNG":
        return _png(data, channels, dtype)
    if data_format == "GIF":
        frames = gif.decode(data)
        if len(frames) != 1:
            raise invalid_argument(
                f"Got {len(frames)} frames, but an animation can only be decoded by `decode_gif` or `decode_image`."
            )
        return _scaled(frames[0], dtype)
    return _scaled(jpeg.decode(data, channels, **jpeg_options), dtype)


def _check_jpeg_attributes(ratio: int, dct_method: str) -> None:
    if ratio not in (1, 2, 4, 8):
        raise invalid_argument(f"ratio must be 1, 2, 4, or 8, got {ratio}")
    if dct_method not in ("", "INTEGER_FAST", "INTEGER_ACCURATE"):
        raise invalid_argument(f"dct_method must be '', 'INTEGER_FAST' or 'INTEGER_ACCURATE', got {dct_method!r}")


def _channels_dimension(channels: int) -> int | None:
    if channels < 0:
        raise ValueError(f"channels must be non-negative, got {channels}")
    return channels or None


def _image_shape(contents, *, channels):
    with_rank(contents, 0)
    return (None, None, _channels_dimension(channels))


@op("DecodeJpeg", "contents: string -> image: uint8", tier="host", differentiable="missing")
def decode_jpeg_op(
    contents,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
):
    """Decodes a JPEG file to an image of shape [height, width, channels]."""
    _check_jpeg_attributes(ratio, dct_method)
    return _decode(
        contents,
        "DecodeJpeg",
        channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        dct_method=dct_method,
    )


@op(
    "DecodePng",
    "contents: string -> image: dtype",
    tier="host",
    differentiable="missing",
    dtype=default("uint8", ("uint8", "uint16")),
)
def decode_png_op(contents, *, channels: int = 0, dtype: DType = "uint8"):
    """Decodes a PNG file to an image of shape [height, width, channels]."""
    return _decode(contents, "DecodePng", channels, np.dtype(dtype.as_numpy_dtype))


@op("DecodeBmp", "contents: string -> image: uint8", tier="host", differentiable="missing")
def decode_bmp_op(contents, *, channels: int = 0):
    """Decodes a BMP file to an image of shape [height, width, channels]."""
    data = _file(contents)
    data_format = _format(data)
    _check_channels(channels, data_format)
    _refuse(data_format, "DecodeBmp")
    return bmp.decode(data, channels)


decode_jpeg_op.shape(_image_shape)
decode_png_op.shape(_image_shape)
decode_bmp_op.shape(_image_shape)


@op("DecodeGif", "contents: string -> image: uint8", tier="host", differentiable="missing")
def decode_gif_op(contents):
    """Decodes a GIF file to its frames, of shape [frames, height, width, 3]."""
    data = _file(contents)
    data_format = _format(data)
    _refuse(data_format, "DecodeGif")
    if data_format == "GIF":
        return gif.decode(data)
    return _decode(contents, "DecodeGif", 3)[None]


@decode_gif_op.shape
def _decode_gif_shape(contents):
    with_rank(contents, 0)
    return (None, None, None, 3)


@op(
    "DecodeWebP",
    "contents: string -> image: dtype",
    tier="host",
    differentiable="missing",
    dtype=default("uint8", ["uint8"]),
)
def decode_webp_op(contents, *, channels: int = 0):
    """Decodes a WebP file to its frames, of shape [frames, height, width, channels]."""
    data = _file(contents)
    data_format = _format(data)
    _check_channels(channels, data_format)
    _refuse(data_format, "DecodeWebP")
    if data_format == "WebP":
        return webp.decode(data, channels)
    return _decode(contents, "DecodeWebP", channels)[None]


@decode_webp_op.shape
def _decode_webp_shape(contents, *, channels):
    with_rank(contents, 0)
    return (None, None, None, _channels_dimension(channels))


@op(
    "DecodeImage",
    "contents: string -> image: dtype",
    tier="host",
    differentiable="missing",
    dtype=default("uint8", ("uint8", "uint16", "float")),
)
def decode_image_op(contents, *, channels: int = 0, dtype: DType = "uint8", expand_animations: bool = True):
    """Decodes a file of any format; the frames of GIF and WebP are stacked unless ``expand_animations`` is off."""
    data = _file(contents)
    data_format = _format(data)
    _check_channels(channels, data_format)
    target = np.dtype(dtype.as_numpy_dtype)
    first_only = not expand_animations
    if data_format == "PNG":
        return _png(data, channels, target)
    if data_format == "GIF":
        frames = gif.decode(data, first_only=first_only)
    elif data_format == "WebP":
        if target != _UINT8:
            raise invalid_argument(f"WebP data is decoded to uint8 only, got dtype {dtype.name}")
        frames = webp.decode(data, channels, first_only=first_only)
    elif data_format == "BMP":
        return _scaled(bmp.decode(data, channels), target)
    else:
        return _scaled(jpeg.decode(data, channels), target)
    return _scaled(frames[0] if first_only else frames, target)


@decode_image_op.shape
def _decode_image_shape(contents, *, channels, expand_animations):
    with_rank(contents, 0)
    dimension = _channels_dimension(channels)
    return None if expand_animations else (None, None, dimension)


@op(
    "DecodeAndCropJpeg",
    "contents: string, crop_window: static int32 -> image: uint8",
    tier="host",
    differentiable="missing",
)
def decode_and_crop_jpeg_op(
    contents,
    crop_window,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
):
    """Decodes a window of a JPEG file: its top, left, height and width in pixels of the (scaled) image."""
    _check_jpeg_attributes(ratio, dct_method)
    if np.shape(crop_window) != (4,):
        raise invalid_argument(f"crop_window must have four elements, got shape {list(np.shape(crop_window))}")
    image = _decode(
        contents,
        "DecodeAndCropJpeg",
        channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        dct_method=dct_method,
    )
    top, left, height, width = (int(item) for item in crop_window)
    rows, columns = image.shape[:2]
    if min(top, left) < 0 or min(height, width) <= 0 or top + height > rows or left + width > columns:
        raise invalid_argument(
            f"Invalid JPEG crop window: top {top}, left {left}, height {height}, width {width} in an image of "
            f"{rows} by {columns} pixels."
        )
    return np.ascontiguousarray(image[top : top + height, left : left + width])


@decode_and_crop_jpeg_op.shape
def _decode_and_crop_jpeg_shape(contents, crop_window, *, channels):
    with_rank(contents, 0)
    (count,) = with_rank(crop_window.shape, 1)
    merge_dimensions(count, 4)
    sizes = crop_window.integers() or (None,) * 4
    for size in sizes[2:]:
        if size is not None and size < 0:
            raise ValueError(f"Dimension must be non-negative, but the crop window has {size}")
    return (sizes[2], sizes[3], _channels_dimension(channels))


@op(
    "ExtractJpegShape",
    "contents: string -> image_shape: output_type",
    tier="host",
    differentiable="missing",
    output_type=default("int32", ("int32", "int64")),
)
def extract_jpeg_shape_op(contents, *, output_type: DType = "int32"):
    """Reads height, width and channels of a JPEG file without decoding it."""
    data = _file(contents)
    if len(data) < 4:
        raise invalid_argument(f"Invalid JPEG data, size {len(data)}")
    header = jpeg.read_header(data)
    # libjpeg reads on to where the image begins.
    if data.rfind(b"\xff\xda") < 0:
        raise invalid_argument(f"Invalid JPEG data, size {len(data)}: no image in it.")
    return np.array([header.height, header.width, len(header.sampling)], output_type.as_numpy_dtype)


@extract_jpeg_shape_op.shape
def _extract_jpeg_shape_shape(contents):
    with_rank(contents, 0)
    return (3,)


# Samples: files made of drawn pixels.


def _string(data: bytes) -> Array:
    return np.array(data, dtype=object)


def _jpeg_samples(s: Any) -> tuple[Array, Array]:
    colors = jpeg.encode(drawn_pixels(s, 9, 13, 3), 90, chroma_downsampling=False)
    return _string(colors), _string(jpeg.encode(drawn_pixels(s, 9, 13, 1), 90))


def _bad_files(s: Any, *more: Any, **attributes: Any) -> Any:
    yield s(_string(b""), *more, error="InvalidArgumentError", **attributes)
    yield s(_string(b"no image"), *more, error="InvalidArgumentError", **attributes)
    yield s(np.array([b"a", b"b"], dtype=object), *more, error="InvalidArgumentError", **attributes)


@decode_jpeg_op.samples
def _decode_jpeg_samples(s):
    colors, gray = _jpeg_samples(s)
    for file in (colors, gray):
        for channels in (0, 1, 3):
            yield s(file, channels=channels)
        yield s(file, ratio=2, dct_method="INTEGER_FAST")
        yield s(file, ratio=8, dct_method="INTEGER_ACCURATE", fancy_upscaling=False)
    subsampled = _string(jpeg.encode(drawn_pixels(s, 9, 13, 3), 90))
    yield s(subsampled, dct_method="INTEGER_ACCURATE")
    yield s(subsampled, fancy_upscaling=False)
    yield s(_string(png.encode(drawn_pixels(s, 3, 4, 3))))
    yield s(_string(colors.item()[:-60]), error="InvalidArgumentError")
    yield s(_string(colors.item()[:100]), error="InvalidArgumentError")
    yield s(colors, channels=2, error="InvalidArgumentError")
    yield s(colors, channels=4, error="InvalidArgumentError")
    yield s(colors, ratio=3, error="InvalidArgumentError")
    yield s(colors, dct_method="FLOAT", error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_png_op.samples
def _decode_png_samples(s):
    for dtype in ("uint8", "uint16"):
        for count in (1, 2, 3, 4):
            file = _string(png.encode(drawn_pixels(s, 5, 6, count, dtype=dtype)))
            yield s(file, dtype=dtype)
            for channels in (0, 1, 3, 4):
                yield s(file, channels=channels)
    file = png.encode(drawn_pixels(s, 5, 6, 3))
    yield s(_string(file), dtype="uint16")
    yield s(_string(file[:-12]), error="InvalidArgumentError")
    yield s(_string(file[:60] + bytes([file[60] ^ 255]) + file[61:]), error="InvalidArgumentError")
    yield s(_string(file), channels=2, error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_bmp_op.samples
def _decode_bmp_samples(s):
    for count in (1, 3, 4):
        file = _string(bmp_file(drawn_pixels(s, 4, 5, count)))
        yield s(file)
        yield s(file, channels=3)
        yield s(file, channels=4)
    yield s(_string(bmp_file(drawn_pixels(s, 4, 5, 3))[:-1]), error="InvalidArgumentError")
    yield s(_string(bmp_file(drawn_pixels(s, 4, 5, 3))[:20]), error="InvalidArgumentError")
    yield s(_string(bmp_file(drawn_pixels(s, 4, 5, 3))), channels=1, error="InvalidArgumentError")
    yield s(_string(png.encode(drawn_pixels(s, 3, 4, 3))), error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_gif_op.samples
def _decode_gif_samples(s):
    first, second = s.integers(0, 64, (5, 7), "uint8"), s.integers(0, 64, (5, 7), "uint8")
    yield s(_string(gif_file(first)))
    yield s(_string(gif_file(first, second)))
    yield s(_string(gif_file(first, second, second[:3, :4] % 4, transparent=3)))
    yield s(_string(png.encode(drawn_pixels(s, 3, 4, 1))))
    yield s(_string(gif_file(first)[:-30]), error="InvalidArgumentError")
    yield s(_string(gif_file(first)[:9]), error="InvalidArgumentError")
    yield s(_string(bmp_file(drawn_pixels(s, 3, 4, 3))), error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_webp_op.samples
def _decode_webp_samples(s):
    colors, with_alpha = (webp_file(drawn_pixels(s, 5, 6, count)) for count in (3, 4))
    yield s(_string(colors))
    yield s(_string(colors), channels=3)
    yield s(_string(with_alpha), channels=4)
    yield s(_string(colors), channels=4, error="InvalidArgumentError")
    yield s(_string(colors), channels=1, error="InvalidArgumentError")
    yield s(_string(colors[:40]), error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_image_op.samples
def _decode_image_samples(s):
    indices = s.integers(0, 64, (5, 7), "uint8")
    files = [
        jpeg.encode(drawn_pixels(s, 5, 6, 3), 90, chroma_downsampling=False),
        png.encode(drawn_pixels(s, 5, 6, 3)),
        png.encode(drawn_pixels(s, 5, 6, 3, dtype="uint16")),
        bmp_file(drawn_pixels(s, 5, 6, 3)),
        gif_file(indices, indices[::-1]),
    ]
    for file in files:
        for dtype in s.dtypes("dtype"):
            yield s(_string(file), dtype=dtype)
        yield s(_string(file), channels=3, expand_animations=False)
    yield s(_string(webp_file(drawn_pixels(s, 5, 6, 3))))
    yield s(_string(webp_file(drawn_pixels(s, 5, 6, 3))), dtype="uint16", error="InvalidArgumentError")
    yield s(_string(files[-1]), channels=4, error="InvalidArgumentError")
    yield s(_string(files[1]), channels=2, error="InvalidArgumentError")
    yield from _bad_files(s)


@decode_and_crop_jpeg_op.samples
def _decode_and_crop_jpeg_samples(s):
    colors, gray = _jpeg_samples(s)
    yield s(colors, [0, 0, 9, 13])
    yield s(colors, [2, 3, 4, 5], channels=1)
    yield s(gray, [1, 8, 8, 2], dct_method="INTEGER_ACCURATE")
    for window in ([-1, 0, 3, 3], [0, 0, 0, 3], [5, 5, 9, 3], [0, 0, 3]):
        yield s(colors, window, error="InvalidArgumentError")
    yield s(_string(png.encode(drawn_pixels(s, 3, 4, 3))), [0, 0, 1, 1], error="InvalidArgumentError")
    yield from _bad_files(s, [0, 0, 2, 2])


@extract_jpeg_shape_op.samples
def _extract_jpeg_shape_samples(s):
    colors, gray = _jpeg_samples(s)
    yield s(colors)
    yield s(gray, output_type="int64")
    yield s(_string(colors.item()[:100]), error="InvalidArgumentError")
    yield from _bad_files(s)
