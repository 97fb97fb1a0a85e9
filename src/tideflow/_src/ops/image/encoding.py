"""Images written as JPEG and PNG files, in tensors of strings."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.ops.dimensions import with_rank, with_rank_at_least
from tideflow._src.ops.image import jpeg, png
from tideflow._src.ops.image.sample_files import drawn_pixels
from tideflow._src.runtime.op import op

Array = np.ndarray[Any, Any]


def _check_jpeg_image(image: Array, quality: int) -> None:
    if image.ndim != 3:
        raise invalid_argument(f"image must be 3-dimensional, got shape {list(image.shape)}")
    if image.shape[2] not in (1, 3):
        raise invalid_argument(f"image must have 1 or 3 channels, got shape {list(image.shape)}")
    if not 0 <= quality <= 100:
        raise invalid_argument(f"quality must be in [0,100], got {quality}")


@op(
    "EncodeJpeg",
    "image: uint8 -> contents: string",
    tier="host",
    differentiable="missing",
)
def encode_jpeg_op(
    image,
    *,
    format: Literal["", "grayscale", "rgb"] = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: Literal["in", "cm"] = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
):
    """Encodes an image of shape [height, width, 1 or 3] as a JPEG file."""
    _check_jpeg_image(image, quality)
    wanted = {"grayscale": 1, "rgb": 3}.get(format)
    if wanted is not None and image.shape[2] != wanted:
        raise invalid_argument(f"format {format} expects {wanted} channel(s), got shape {list(image.shape)}")
    data = jpeg.encode(
        image,
        quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata.encode("utf-8", "surrogateescape"),
    )
    return np.array(data, dtype=object)


@op(
    "EncodeJpegVariableQuality",
    "images: uint8, quality: int32 -> contents: string",
    tier="host",
    differentiable="missing",
)
def encode_jpeg_variable_quality_op(images, quality):
    """Encodes an image as a JPEG file whose quality is a tensor."""
    if np.ndim(quality) != 0:
        raise invalid_argument(f"quality must be scalar, got shape {list(np.shape(quality))}")
    _check_jpeg_image(images, int(quality))
    return np.array(jpeg.encode(images, int(quality)), dtype=object)


@encode_jpeg_op.shape
def _encode_jpeg_shape(image):
    with_rank(image, 3)
    return ()


@encode_jpeg_variable_quality_op.shape
def _encode_jpeg_variable_quality_shape(images, quality):
    with_rank(images, 3)
    return ()


@op(
    "EncodePng",
    "image: T -> contents: string",
    tier="host",
    differentiable="missing",
    T=default("uint8", ("uint8", "uint16")),
)
def encode_png_op(image, *, compression: int = -1):
    """Encodes each image of shape [height, width, 1 to 4] in a batch as a PNG file."""
    if image.ndim < 3:
        raise invalid_argument(f"images must be at least rank 3, got shape {list(image.shape)}")
    if not 1 <= image.shape[-1] <= 4:
        raise invalid_argument(f"image must have 1, 2, 3, or 4 channels, got {image.shape[-1]}")
    if not -1 <= compression <= 9:
        raise invalid_argument(f"compression should be in [-1,9], got {compression}")
    files = np.empty(image.shape[:-3], dtype=object)
    for index in np.ndindex(*files.shape):
        files[index] = png.encode(image[index], compression)
    return files


@encode_png_op.shape
def _encode_png_shape(image):
    image = with_rank_at_least(image, 3)
    return None if image is None else image[:-3]


@encode_jpeg_op.samples
def _encode_jpeg_samples(s):
    colors, gray = drawn_pixels(s, 9, 13, 3), drawn_pixels(s, 9, 13, 1)
    yield s(colors)
    yield s(gray)
    yield s(gray, format="grayscale", quality=0)
    yield s(colors, format="rgb", quality=100, chroma_downsampling=False)
    yield s(colors, progressive=True)
    yield s(colors, optimize_size=True, xmp_metadata="<x/>")
    yield s(colors, density_unit="cm", x_density=7, y_density=9)
    yield s(colors, quality=101, error="InvalidArgumentError")
    yield s(colors, format="grayscale", error="InvalidArgumentError")
    yield s(drawn_pixels(s, 3, 3, 2), error="InvalidArgumentError")
    yield s(drawn_pixels(s, 3, 3), error="InvalidArgumentError")
    yield s(s.empty(0, 3, 3, dtype="uint8"), error="InternalError")


@encode_jpeg_variable_quality_op.samples
def _encode_jpeg_variable_quality_samples(s):
    yield s(drawn_pixels(s, 9, 13, 3), 70)
    yield s(drawn_pixels(s, 9, 13, 1), 10)
    yield s(drawn_pixels(s, 3, 3, 3), 101, error="InvalidArgumentError")
    yield s(drawn_pixels(s, 3, 3, 3), [50], error="InvalidArgumentError")
    yield s(drawn_pixels(s, 3, 3), 50, error="InvalidArgumentError")


@encode_png_op.samples
def _encode_png_samples(s):
    for dtype in s.dtypes("T"):
        for channels in (1, 2, 3, 4):
            yield s(drawn_pixels(s, 4, 5, channels, dtype=dtype.name))
    yield s(drawn_pixels(s, 2, 3, 4, 5, 3))
    yield s(s.empty(0, 2, 2, 3, dtype="uint8"))
    yield s(drawn_pixels(s, 4, 5, 3), compression=0)
    yield s(drawn_pixels(s, 4, 5, 3), compression=10, error="InvalidArgumentError")
    yield s(drawn_pixels(s, 4, 5, 5), error="InvalidArgumentError")
    yield s(drawn_pixels(s, 4, 5), error="InvalidArgumentError")
    yield s(s.empty(0, 2, 3, dtype="uint8"), error="InternalError")
