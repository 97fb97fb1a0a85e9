"""Moving images by projective transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.array.raw import fully_known, raw, static_shape
from tideflow._src.ops.array.shape import shape as shape_op
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.ops.image.resizing import sized
from tideflow._src.ops.image.resizing_weights import rounded
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op
from tideflow._src.runtime.threaded_ranges import over_ranges

_TYPES = ("uint8", "int32", "int64", "half", "bfloat16", "float", "double")
_FILL_MODES = ("REFLECT", "WRAP", "CONSTANT", "NEAREST")


def _mapped(xp: Any, places: Any, size: int, fill_mode: str) -> Any:
    """Returns coordinates inside the image for those outside: reflected, wrapped around, or at the border."""
    last = np.float32(size - 1)
    if fill_mode == "CONSTANT":
        return places
    if fill_mode != "NEAREST" and size <= 1:
        return xp.zeros_like(places)
    if fill_mode == "REFLECT":
        double = np.float32(2 * size)
        left = xp.where(places < double, double * xp.trunc(-places / double) + places, places)
        left = xp.where(left < -size, left + double, -left - 1)
        right = places - double * xp.trunc(places / double)
        right = xp.where(right >= size, double - right - 1, right)
        places = xp.where(places < 0, left, xp.where(places > last, right, places))
    elif fill_mode == "WRAP":
        left = places + np.float32(size) * (xp.trunc(-places / last) + 1)
        right = places - np.float32(size) * xp.trunc(places / last)
        places = xp.where(places < 0, left, xp.where(places > last, right, places))
    return xp.minimum(xp.maximum(places, np.float32(0)), last)


def _moved(
    xp: Any, image: Any, transform: Any, size: tuple[int, int], bilinear: bool, fill_mode: str, fill: Any
) -> Any:
    """Moves images, one transform each: ``[count, height, width, channels]`` and ``[count, 8]``."""
    count, height, width, channels = image.shape
    x = np.arange(size[1], dtype=np.float32)
    y = np.arange(size[0], dtype=np.float32)[:, None]
    t = [transform[:, index, None, None] for index in range(8)]
    projection = t[6] * x + t[7] * y + np.float32(1)
    safe = xp.where(projection == 0, np.float32(1), projection)
    across = _mapped(xp, (t[0] * x + t[1] * y + t[2]) / safe, width, fill_mode)
    down = _mapped(xp, (t[3] * x + t[4] * y + t[5]) / safe, height, fill_mode)
    pixels = image.reshape(-1, channels)
    first = np.arange(count, dtype=np.int64)[:, None, None] * (height * width)

    def read(row: Any, column: Any) -> Any:
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        index = xp.where(inside, row, np.float32(0)).astype(np.int64) * width
        index = index + xp.where(inside, column, np.float32(0)).astype(np.int64) + first
        return xp.where(inside[..., None], xp.take(pixels, index, axis=0, mode="clip"), fill)

    if bilinear:
        top, left = xp.floor(down), xp.floor(across)
        bottom, right = top + np.float32(1), left + np.float32(1)
        to_right, to_left = (right - across)[..., None], (across - left)[..., None]

        def line(row: Any) -> Any:
            begin, end = (read(row, column).astype(np.float32) for column in (left, right))
            return to_right * begin + to_left * end

        value = (bottom - down)[..., None] * line(top) + (down - top)[..., None] * line(bottom)
        value = value.astype(image.dtype)
    else:
        value = read(_rounded(xp, down), _rounded(xp, across))
    return xp.where((projection == 0)[..., None], fill, value)


def _rounded(xp: Any, places: Any) -> Any:
    if xp is np:
        return rounded(places)
    whole = jnp.trunc(places)
    return whole + jnp.where(jnp.abs(places - whole) >= 0.5, jnp.sign(places), 0)


def _transform(
    xp: Any, images: Any, transforms: Any, output_shape: Any, interpolation: str, mode: str, fill: Any
) -> Any:
    if images.ndim != 4:
        raise invalid_argument(f"Input images must have rank 4, got shape {list(images.shape)}")
    if transforms.ndim != 2 or transforms.shape[0] not in (1, images.shape[0]) or transforms.shape[1] != 8:
        raise invalid_argument(
            f"Input transform should be num_images x 8 or 1 x 8, got shape {list(transforms.shape)} for "
            f"{images.shape[0]} images"
        )
    if output_shape.shape != (2,):
        raise invalid_argument(f"output shape must be 1-D with two elements, got shape {list(output_shape.shape)}")
    if interpolation.upper() not in ("NEAREST", "BILINEAR"):
        raise invalid_argument(f"Invalid interpolation {interpolation}. Supported types: NEAREST, BILINEAR")
    if mode.upper() not in _FILL_MODES:
        raise invalid_argument(f"Invalid mode {mode}. Supported types: {', '.join(_FILL_MODES)}")
    height, width = size = tuple(output_shape.tolist())
    if height <= 0 or width <= 0:
        raise invalid_argument(f"new image dimensions must be positive, got {height} x {width}")
    shape = (images.shape[0], height, width, images.shape[3])
    if 0 in images.shape:
        if 0 in shape:
            return xp.zeros(shape, images.dtype)
        raise invalid_argument(f"Input images must not be empty, got shape {list(images.shape)}")
    bilinear = interpolation.upper() == "BILINEAR"
    if xp is not np:
        return _moved(xp, images, transforms, size, bilinear, mode.upper(), fill)
    result = np.empty(shape, images.dtype)
    step = max(1, (1 << 16) // (height * width))

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, step):
            part = slice(start, min(start + step, end))
            which = transforms if len(transforms) == 1 else transforms[part]
            which = np.broadcast_to(which, (part.stop - part.start, 8))
            result[part] = _moved(np, images[part], which, size, bilinear, mode.upper(), fill)

    over_ranges(work, images.shape[0], result.size)
    return result


@op(
    "ImageProjectiveTransformV2",
    "images: dtype, transforms: float32, output_shape: static int32 -> transformed_images: dtype",
    dtype=_TYPES,
)
def image_projective_transform_v2_op(
    xp, images, transforms, output_shape, *, interpolation: str, fill_mode: str = "CONSTANT"
):
    """Moves images by projective transforms, which say where each new pixel comes from."""
    fill = np.zeros((), images.dtype)
    return _transform(xp, images, transforms, output_shape, interpolation, fill_mode, fill)


@op(
    "ImageProjectiveTransformV3",
    "images: dtype, transforms: float32, output_shape: static int32, fill_value: float32 -> transformed_images: dtype",
    dtype=_TYPES,
)
def image_projective_transform_v3_op(
    xp, images, transforms, output_shape, fill_value, *, interpolation: str, fill_mode: str = "CONSTANT"
):
    """Moves images by projective transforms; what lies outside of them has the colour ``fill_value``."""
    if fill_value.ndim:
        raise invalid_argument(f"fill_value must be a scalar, got shape {list(fill_value.shape)}")
    fill = fill_value.astype(images.dtype)
    return _transform(xp, images, transforms, output_shape, interpolation, fill_mode, fill)


@image_projective_transform_v2_op.shape
def _image_projective_transform_v2_shape(images, transforms, output_shape):
    return sized(images, output_shape)


@image_projective_transform_v3_op.shape
def _image_projective_transform_v3_shape(images, transforms, output_shape, fill_value):
    with_rank(fill_value, 0)
    return sized(images, output_shape)


def _inverted(transforms: Any) -> Any:
    """Returns the inverse of projective transforms, scaled so that their last number is 1."""
    count = shape_op(transforms)[:1]
    ones = raw.Fill(raw.ConcatV2([count, [1]], 0), np.float32(1))
    matrices = raw.Reshape(raw.ConcatV2([transforms, ones], 1), [-1, 3, 3])
    flat = raw.Reshape(raw.MatrixInverse(matrices), [-1, 9])
    return (flat / flat[:, 8:9])[:, :8]


def _gradient_arguments(call: Any) -> tuple[Any, Any, dict[str, str]]:
    images, transforms = call.inputs[:2]
    known = static_shape(images)
    if known is not None and fully_known(known[1:3]):
        size = convert_to_tensor(np.array(known[1:3], np.int32))
    else:
        size = shape_op(images)[1:3]
    return _inverted(transforms), size, {name: call.attr(name) for name in ("interpolation", "fill_mode")}


@image_projective_transform_v2_op.gradient
def _image_projective_transform_v2_gradient(call, dy):
    # As in TensorFlow, the gradient moves back by the inverse transform: an approximation.
    inverse, size, attributes = _gradient_arguments(call)
    return raw.ImageProjectiveTransformV2(dy, inverse, size, **attributes), None, None


@image_projective_transform_v3_op.gradient
def _image_projective_transform_v3_gradient(call, dy):
    inverse, size, attributes = _gradient_arguments(call)
    zero = convert_to_tensor(np.float32(0))
    return raw.ImageProjectiveTransformV3(dy, inverse, size, zero, **attributes), None, None, None


#: Staying, turning with a shift, shrinking with a perspective.
_TRANSFORMS = (
    [1, 0, 0, 0, 1, 0, 0, 0],
    [0.81, -0.57, 1.313, 0.61, 0.79, -2.217, 0, 0],
    [1.9, 0.1, -3.1, 0.2, 2.3, -4.2, 0.011, 0.023],
)


def _samples(s: Any, more: tuple[Any, ...]) -> Any:
    for dtype in s.dtypes("dtype"):
        image = s.integers(0, 100, (2, 5, 6, 2), dtype)
        for interpolation in ("NEAREST", "BILINEAR"):
            for index, transform in enumerate(_TRANSFORMS[1:]):
                # In 16 bits, a rounding of the inverse shows.
                tolerance = 2e-2 if dtype.size == 2 else 1e-5
                options: dict[str, Any] = {"interpolation": interpolation, "differences": False, "gradient": index == 0}
                options["tolerance"] = tolerance
                yield s(image, np.float32([transform]), [5, 7], *more, **options)
    for mode in _FILL_MODES:
        for interpolation in ("NEAREST", "BILINEAR"):
            options = {"interpolation": interpolation, "fill_mode": mode, "differences": False, "tolerance": 1e-5}
            for transform in _TRANSFORMS[:2]:
                yield s(s.normal(1, 4, 6, 2), np.float32([transform]), [6, 5], *more, **options)
            yield s(s.normal(3, 4, 1, 1), np.float32(_TRANSFORMS), [6, 5], *more, gradient=False, **options)
    bad = {"interpolation": "NEAREST", "error": "InvalidArgumentError"}
    stay = np.float32(_TRANSFORMS[:1])
    yield s(s.normal(4, 6, 2), stay, [6, 5], *more, **bad)
    yield s(s.normal(3, 4, 6, 2), np.float32(_TRANSFORMS[:2]), [6, 5], *more, **bad)
    yield s(s.normal(1, 4, 6, 2), stay, [6, 5, 2], *more, **bad)
    yield s(s.normal(1, 4, 6, 2), stay, [0, 5], *more, **bad)


@image_projective_transform_v2_op.samples
def _image_projective_transform_v2_samples(s):
    yield from _samples(s, ())


@image_projective_transform_v3_op.samples
def _image_projective_transform_v3_samples(s):
    yield from _samples(s, (np.float32(3),))
