"""The public functions of image files: ``tf.io.decode_image`` and its relatives."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "decode_webp",
    "encode_jpeg",
    "encode_png",
    "extract_jpeg_shape",
    "is_jpeg",
]


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """Returns the pixels of a JPEG file.

    Args:
      contents: the file, a scalar string.
      channels: 1 for gray, 3 for red, green and blue, 0 for what the file holds.
      ratio: by how much to scale the image down: 1, 2, 4 or 8.
      fancy_upscaling: whether to interpolate colors that are subsampled.
      try_recover_truncated: whether to decode a file whose end is missing; the rest of the image is then gray.
      acceptable_fraction: which part of the rows must be there; rows that are not are made up.
      dct_method: ``"INTEGER_FAST"``, the default, or ``"INTEGER_ACCURATE"``: a hint.
      name: the node's name.

    Returns:
      A uint8 tensor of shape ``[height, width, channels]``.

    Raises:
      InvalidArgumentError: when it runs, the file is damaged or of another kind.
    """
    return raw.DecodeJpeg(
        contents,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Any:
    """Returns the pixels in a window of a JPEG file.

    Args:
      contents: the file, a scalar string.
      crop_window: top, left, height and width of the window, a vector of four integers.
      channels: 1 for gray, 3 for red, green and blue, 0 for what the file holds.
      ratio: by how much to scale the image down: 1, 2, 4 or 8.
      fancy_upscaling: whether to interpolate colors that are subsampled.
      try_recover_truncated: whether to decode a file whose end is missing.
      acceptable_fraction: which part of the rows must be there.
      dct_method: ``"INTEGER_FAST"``, the default, or ``"INTEGER_ACCURATE"``: a hint.
      name: the node's name.

    Raises:
      InvalidArgumentError: when it runs, the file is damaged, or the window does not lie within the image.
    """
    return raw.DecodeAndCropJpeg(
        contents,
        crop_window,
        channels=channels,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_png(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Any:
    """Returns the pixels of a PNG file.

    Args:
      contents: the file, a scalar string.
      channels: 1 for gray, 3 for red, green and blue, 4 with alpha, 0 for what the file holds.
      dtype: uint8 or uint16.
      name: the node's name.

    Returns:
      A tensor of shape ``[height, width, channels]``.

    Raises:
      InvalidArgumentError: when it runs, the file is damaged or of another kind.
    """
    return raw.DecodePng(contents, channels=channels, dtype=dtypes.as_dtype(dtype), name=name)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Any:
    """Returns the pixels of a BMP file, uint8 of shape ``[height, width, channels]``.

    Args:
      contents: the file, a scalar string.
      channels: 3, 4, or 0 for what the file holds.
      name: the node's name.
    """
    return raw.DecodeBmp(contents, channels=channels, name=name)


def decode_gif(contents: Any, name: str | None = None) -> Any:
    """Returns the frames of a GIF file, uint8 of shape ``[frames, height, width, 3]``.

    Args:
      contents: the file, a scalar string.
      name: the node's name.
    """
    return raw.DecodeGif(contents, name=name)


def decode_webp(contents: Any, channels: int = 0, dtype: Any = dtypes.uint8, name: str | None = None) -> Any:
    """Returns the frames of a WebP file, uint8 of shape ``[frames, height, width, channels]``.

    Args:
      contents: the file, a scalar string.
      channels: 3, 4, or 0 for what the file holds.
      dtype: uint8.
      name: the node's name.
    """
    return raw.DecodeWebP(contents, channels=channels, dtype=dtypes.as_dtype(dtype), name=name)


def decode_image(
    contents: Any,
    channels: Any = None,
    dtype: Any = dtypes.uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Any:
    """Returns the pixels of a JPEG, PNG, BMP, GIF or WebP file.

    Args:
      contents: the file, a scalar string.
      channels: how many channels to return; those of the file by default.
      dtype: the dtype of the result: integers fill its range, floats go from 0 to 1.
      name: the name of the scope; ``decode_image`` by default.
      expand_animations: whether GIF and WebP give all frames, of shape ``[frames, height, width, channels]``; else the
        first one.

    Returns:
      A tensor of shape ``[height, width, channels]``, or one dimension more.

    Raises:
      InvalidArgumentError: when it runs, the file is damaged or of another kind.
    """
    with name_scope(name, "decode_image"):
        wanted = dtypes.as_dtype(dtype)
        direct = wanted in (dtypes.float32, dtypes.uint8, dtypes.uint16)
        image = raw.DecodeImage(
            contents,
            channels=0 if channels is None else channels,
            dtype=wanted if direct else dtypes.uint16,
            expand_animations=expand_animations,
            name="DecodeImage",
        )
        if direct:
            return image
        from tideflow._src.ops.image.colour_functions import convert_image_dtype  # only needed for other dtypes

        return convert_image_dtype(image, wanted)


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Any:
    """Returns the JPEG file of an image.

    Args:
      image: a uint8 tensor of shape ``[height, width, 1 or 3]``.
      format: ``"grayscale"`` or ``"rgb"`` to insist on 1 or 3 channels.
      quality: from 0 to 100.
      progressive: whether the file can be shown while it is loaded.
      optimize_size: whether to take more time for a smaller file.
      chroma_downsampling: whether to store colors at half of the resolution.
      density_unit: ``"in"`` or ``"cm"``: the unit of the densities.
      x_density, y_density: pixels per unit.
      xmp_metadata: what to store as XMP metadata.
      name: the node's name.
    """
    return raw.EncodeJpeg(
        image,
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """Returns the PNG files of images.

    Args:
      image: a uint8 or uint16 tensor of shape ``[..., height, width, channels]``, of 1 (gray), 2 (gray with alpha),
        3 (red, green and blue) or 4 channels.
      compression: from 0 to 9, or -1 for what zlib takes for a good compromise.
      name: the node's name.

    Returns:
      A tensor of strings of shape ``[...]``.
    """
    return raw.EncodePng(convert_to_tensor(image), compression=compression, name=name)


def extract_jpeg_shape(contents: Any, output_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Returns height, width and channels of a JPEG file without decoding it.

    Args:
      contents: the file, a scalar string.
      output_type: int32 or int64.
      name: the node's name.
    """
    return raw.ExtractJpegShape(contents, output_type=dtypes.as_dtype(output_type), name=name)


def is_jpeg(contents: Any, name: str | None = None) -> Any:
    """Tells whether a file begins as a JPEG file does.

    Args:
      contents: the file, a scalar string.
      name: the name of the scope; ``is_jpeg`` by default.
    """
    with name_scope(name, "is_jpeg"):
        start = raw.Substr(contents, 0, 3, name="Substr")
        return raw.Equal(start, b"\xff\xd8\xff", name="Equal")
