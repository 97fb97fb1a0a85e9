"""Colours of images: between RGB and HSV, turning the hue, saturation and contrast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError, invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import FLOATING
from tideflow._src.ops.array.joining import stack
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import with_rank, with_rank_at_least
from tideflow._src.ops.math.arithmetic import add
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.op import op
from tideflow._src.runtime.threaded_ranges import over_ranges

#: Pixels that are worked on together, so that what is between the steps stays in the cache.
_CHUNK = 1 << 14


def _check_colours(images: Any, least: int = 1, problem: Any = InvalidArgumentError) -> None:
    if images.ndim < least:
        raise invalid_argument(f"input must be at least {least}-D, got shape {list(images.shape)}")
    if images.shape[-1] != 3:
        raise problem(None, None, f"input must have 3 channels but instead has {images.shape[-1]} channels.")


def _by_pixel(xp: Any, images: Any, function: Any, dtype: Any = None) -> Any:
    """Applies a function of three channels, which gives three, to images of any shape."""
    dtype = dtype or images.dtype
    if xp is not np:
        return xp.stack(function(xp, *(images[..., channel] for channel in range(3))), axis=-1).astype(dtype)
    result = np.empty(images.shape, dtype)
    pixels, out = images.reshape(-1, 3), result.reshape(-1, 3)

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, _CHUNK):
            stop = min(start + _CHUNK, end)
            # Channel by channel: three contiguous vectors, on which NumPy is fast.
            planes = np.ascontiguousarray(pixels[start:stop].T)
            for channel, values in enumerate(function(np, *planes)):
                out[start:stop, channel] = values

    over_ranges(work, len(pixels), images.size)
    return result


def _to_hsv(xp: Any, red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    """Returns hue, saturation and value, all in [0, 1] for colours in [0, 1]."""
    zero = red.dtype.type(0)
    value = xp.maximum(xp.maximum(red, green), blue)
    span = value - xp.minimum(xp.minimum(red, green), blue)
    saturation = xp.where(value > zero, span / value, zero)
    sixth = red.dtype.type(1) / red.dtype.type(6)
    norm = sixth / span
    by_green = norm * (blue - red) + red.dtype.type(2) * sixth
    by_blue = norm * (red - green) + red.dtype.type(4) * sixth
    hue = xp.where(red == value, norm * (green - blue), xp.where(green == value, by_green, by_blue))
    hue = xp.where(span > zero, hue, zero)
    return xp.where(hue < zero, hue + red.dtype.type(1), hue), saturation, value


def _to_rgb(xp: Any, hue: Any, saturation: Any, value: Any) -> tuple[Any, Any, Any]:
    """Returns red, green and blue."""
    kind = hue.dtype.type
    sixths = hue * kind(6)

    def clipped(channel: Any) -> Any:
        return xp.minimum(xp.maximum(channel, kind(0)), kind(1))

    red = clipped(xp.abs(sixths - kind(3)) - kind(1))
    green = clipped(kind(2) - xp.abs(sixths - kind(2)))
    blue = clipped(kind(2) - xp.abs(sixths - kind(4)))
    white = kind(1) - saturation
    return tuple((white + saturation * channel) * value for channel in (red, green, blue))  # type: ignore[return-value]


@op("RGBToHSV", "images: T -> output: T", T=default("float", FLOATING))
def rgb_to_hsv_op(xp, images):
    """Converts colours from red, green and blue to hue, saturation and value."""
    _check_colours(images, problem=FailedPreconditionError)
    return _by_pixel(xp, images, _to_hsv)


def _colours_shape(images: Any) -> Any:
    images = with_rank_at_least(images, 1)
    if images is not None and images[-1] not in (None, 3):
        raise ValueError(f"Dimension must be 3 but is {images[-1]}")
    return images if images is None else (*images[:-1], 3)


@rgb_to_hsv_op.shape
def _rgb_to_hsv_shape(images):
    return _colours_shape(images)


def _reciprocal(x: Any) -> Any:
    return raw.DivNoNan(cast(1.0, x.dtype), x)


@rgb_to_hsv_op.gradient
def _rgb_to_hsv_gradient(call, dy):
    # The function has three pieces, by which colour is the largest, and six by which is the smallest. Among equal
    # colours, red counts as larger than green, and green as larger than blue.
    rgb, hsv = call.inputs[0], call.outputs[0]
    colours = [rgb[..., channel] for channel in range(3)]
    red, green, blue = colours
    dtype = rgb.dtype
    saturation, value = hsv[..., 1], hsv[..., 2]
    by_hue, by_saturation, by_value = (dy[..., channel] for channel in range(3))

    def flag(*conditions: Any) -> Any:
        both = conditions[0] if len(conditions) == 1 else raw.LogicalAnd(*conditions)
        return cast(both, dtype)

    largest = [
        flag(red >= blue, red >= green),
        flag(green > red, green >= blue),
        flag(blue > red, blue > green),
    ]
    smallest = [
        flag(red < blue, red < green),
        flag(green <= red, green < blue),
        flag(blue <= red, blue <= green),
    ]
    positive = [flag(colour > 0) for colour in colours]
    result = []
    for this in range(3):
        # Hue runs from red over green to blue, and on to red.
        after, before = (this + 1) % 3, (this + 2) % 3
        low = smallest[after] * colours[after] + smallest[before] * colours[before]
        high = largest[after] * colours[after] + largest[before] * colours[before]
        d_saturation = positive[this] * (
            largest[this] * low * _reciprocal(raw.Square(colours[this])) - smallest[this] * _reciprocal(high)
        )
        d_hue = (
            positive[this]
            * largest[this]
            * (colours[before] - colours[after])
            * _reciprocal(raw.Square(saturation))
            * _reciprocal(raw.Square(value))
        )
        for other, third, sign in ((after, before, -1), (before, after, 1)):
            # Where another colour is the largest, this one moves the hue alone, or as the smallest also the span.
            moves = sign * _reciprocal(colours[other] - colours[third])
            spans = sign * (colours[other] - colours[third]) * _reciprocal(raw.Square(colours[other] - colours[this]))
            d_hue += positive[other] * largest[other] * (smallest[third] * moves + smallest[this] * spans)
        result.append(by_value * largest[this] + by_saturation * d_saturation + by_hue * (d_hue / 6))
    return add(stack(result, axis=-1), 0)


@rgb_to_hsv_op.samples
def _rgb_to_hsv_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.uniform(0.05, 1, (2, 3, 3), dtype), tolerance=2e-2 if dtype.size == 2 else None)
    yield s(np.float32([[0.2, 0.5, 0.9], [0.9, 0.5, 0.2], [0.5, 0.9, 0.2], [0.2, 0.9, 0.5], [0.5, 0.2, 0.9]]))
    same = [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.2], [0.2, 0.5, 0.5], [0.5, 0.2, 0.5], [-1, 2, 0], [300, 20, 10]]
    yield s(np.float32(same), gradient=False)
    yield s(s.empty(0, 3))
    yield s(s.normal(2, 4), error="FailedPreconditionError")
    yield s(np.float32(1), error="InvalidArgumentError")


@op("HSVToRGB", "images: T -> output: T", T=default("float", FLOATING), differentiable=False)
def hsv_to_rgb_op(xp, images):
    """Converts colours from hue, saturation and value to red, green and blue."""
    _check_colours(images, problem=FailedPreconditionError)
    return _by_pixel(xp, images, _to_rgb)


@hsv_to_rgb_op.shape
def _hsv_to_rgb_shape(images):
    return _colours_shape(images)


@hsv_to_rgb_op.samples
def _hsv_to_rgb_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.uniform(0, 1, (2, 3, 3), dtype), tolerance=2e-2 if dtype.size == 2 else None)
    yield s(np.float32([[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.2], [1.2, 0.5, 0.5], [-0.1, 0.2, 0.5]]))
    yield s(s.normal(2, 4), error="FailedPreconditionError")


# Adjustments.


def _check_factor(factor: Any, name: str) -> None:
    if factor.ndim:
        raise invalid_argument(f"{name} must be scalar: {list(factor.shape)}")


def _at_least_images(images: Any) -> Any:
    return with_rank_at_least(images, 3)


def _turn_hue(xp: Any, delta: Any, red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    """Moves the hue by ``delta``, a part of the circle; largest and smallest colour stay what they are."""
    kind = np.float32
    red, green, blue = (channel.astype(kind) for channel in (red, green, blue))
    high = xp.maximum(xp.maximum(red, green), blue)
    low = xp.minimum(xp.minimum(red, green), blue)
    span = high - low
    safe = xp.where(span > 0, span, kind(1))
    hue = xp.where(
        red == high,
        (green - blue) / safe,
        xp.where(green == high, (blue - red) / safe + kind(2), (red - green) / safe + kind(4)),
    )
    hue = xp.where(span > 0, hue, kind(0)) + delta * kind(6)
    hue = hue - kind(6) * xp.floor(hue / kind(6))

    def clipped(channel: Any) -> Any:
        return xp.where(span > 0, low + span * xp.minimum(xp.maximum(channel, kind(0)), kind(1)), low)

    return (
        clipped(xp.abs(hue - kind(3)) - kind(1)),
        clipped(kind(2) - xp.abs(hue - kind(2))),
        clipped(kind(2) - xp.abs(hue - kind(4))),
    )


@op(
    "AdjustHue",
    "images: T, delta: float32 -> output: T",
    T=default("float", ("half", "float")),
    differentiable="missing",
)
def adjust_hue_op(xp, images, delta):
    """Turns the hue of images by a part of the circle."""
    _check_colours(images, least=3)
    _check_factor(delta, "delta")

    def turn(xp: Any, *channels: Any) -> Any:
        return _turn_hue(xp, delta, *channels)

    return _by_pixel(xp, images, turn)


@op(
    "AdjustSaturation",
    "images: T, scale: float32 -> output: T",
    T=default("float", ("half", "float")),
    differentiable="missing",
)
def adjust_saturation_op(xp, images, scale):
    """Multiplies the saturation of images by a factor."""
    _check_colours(images, least=3)
    _check_factor(scale, "scale")

    def saturate(xp: Any, *channels: Any) -> Any:
        hue, saturation, value = _to_hsv(xp, *(channel.astype(np.float32) for channel in channels))
        saturation = xp.minimum(xp.maximum(saturation * scale, np.float32(0)), np.float32(1))
        return _to_rgb(xp, hue, saturation, value)

    return _by_pixel(xp, images, saturate)


@adjust_hue_op.shape
def _adjust_hue_shape(images, delta):
    return _at_least_images(images)


@adjust_saturation_op.shape
def _adjust_saturation_shape(images, scale):
    return _at_least_images(images)


def _factor_samples(s: Any, factors: tuple[float, ...]) -> Any:
    for dtype in s.dtypes("T"):
        yield s(
            s.uniform(0, 1, (2, 3, 4, 3), dtype), np.float32(factors[0]), tolerance=2e-2 if dtype.size == 2 else 1e-5
        )
    for factor in factors:
        yield s(s.uniform(0, 1, (3, 4, 3)), np.float32(factor), tolerance=1e-5)
    grey = np.float32([[[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.2], [0.2, 0.5, 0.5], [0.5, 0.2, 0.5]]])
    yield s(grey, np.float32(factors[0]), tolerance=1e-5)
    yield s(s.empty(0, 4, 3), np.float32(0.1))
    yield s(s.normal(4, 3), np.float32(0.1), error="InvalidArgumentError")
    yield s(s.normal(2, 4, 4), np.float32(0.1), error="InvalidArgumentError")
    yield s(s.normal(2, 4, 3), np.float32([0.1]), error="InvalidArgumentError")


@adjust_hue_op.samples
def _adjust_hue_samples(s):
    yield from _factor_samples(s, (0.1, -0.4, 0.9, 0.0))


@adjust_saturation_op.samples
def _adjust_saturation_samples(s):
    yield from _factor_samples(s, (0.5, 2.0, 0.0, -1.0))


def _means(images: Any) -> Any:
    """Returns the mean of each channel of each image as float32, to be subtracted from the images."""
    return images.mean(axis=(-3, -2), keepdims=True, dtype=np.float32)


@op(
    "AdjustContrastv2",
    "images: T, contrast_factor: float32 -> output: T",
    T=default("float", ("half", "float")),
    differentiable="missing",
)
def adjust_contrast_v2_op(xp, images, contrast_factor):
    """Moves each pixel away from the mean of its channel by a factor."""
    if images.ndim < 3:
        raise invalid_argument(f"input must be at least 3-D, got shape {list(images.shape)}")
    _check_factor(contrast_factor, "contrast_factor")
    if xp is not np:
        values = images.astype(np.float32)
        means = _means(values)
        return ((values - means) * contrast_factor + means).astype(images.dtype)
    result = np.empty(images.shape, images.dtype)
    if images.size == 0:
        return result
    height, width, channels = images.shape[-3:]
    flat, out = images.reshape(-1, height * width, channels), result.reshape(-1, height * width, channels)

    def work(begin: int, end: int) -> None:
        # Many pixels side by side: NumPy adds long rows fast, and rows of three channels slowly.
        together = math.gcd(height * width, 128)
        for index in range(begin, end):
            values = flat[index].astype(np.float32, copy=False)
            sums = values.reshape(-1, together * channels).sum(axis=0).reshape(together, channels).sum(axis=0)
            means = sums / np.float32(height * width)
            target = out[index] if images.dtype == np.float32 else np.empty_like(values)
            np.subtract(values, means, out=target)
            np.multiply(target, contrast_factor, out=target)
            np.add(target, means, out=target)
            if images.dtype != np.float32:
                out[index] = target

    over_ranges(work, len(flat), images.size)
    return result


@adjust_contrast_v2_op.shape
def _adjust_contrast_v2_shape(images, contrast_factor):
    with_rank(contrast_factor, 0)
    return _at_least_images(images)


@adjust_contrast_v2_op.samples
def _adjust_contrast_v2_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4, 3), dtype), np.float32(0.5), tolerance=2e-2 if dtype.size == 2 else 1e-5)
    yield s(s.array((3, 4, 2)), np.float32(-2), tolerance=1e-5)
    yield s(s.array((2, 2, 3, 4, 2)), np.float32(3), tolerance=1e-5)
    yield s(s.normal(4, 3), np.float32(0.1), error="InvalidArgumentError")
    yield s(s.normal(2, 4, 3), np.float32([0.1]), error="InvalidArgumentError")


@op(
    "AdjustContrast",
    "images: T, contrast_factor: float32, min_value: float32, max_value: float32 -> output: float32",
    T=("uint8", "int8", "int16", "int32", "int64", "float", "double"),
    differentiable="missing",
)
def adjust_contrast_op(xp, images, contrast_factor, min_value, max_value):
    """Moves each pixel away from the mean of its channel by a factor, and clips it; the form of TensorFlow 0.5."""
    if images.ndim < 3:
        raise invalid_argument(f"input must be at least 3-D, got shape {list(images.shape)}")
    for name, factor in (("contrast_factor", contrast_factor), ("min_value", min_value), ("max_value", max_value)):
        _check_factor(factor, name)
    values = images.astype(np.float32)
    if values.size == 0:
        return values
    means = _means(values)
    return xp.minimum(xp.maximum((values - means) * contrast_factor + means, min_value), max_value)


@adjust_contrast_op.shape
def _adjust_contrast_shape(images, contrast_factor, min_value, max_value):
    for factor in (contrast_factor, min_value, max_value):
        with_rank(factor, 0)
    return _at_least_images(images)


@adjust_contrast_op.samples
def _adjust_contrast_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4, 3), dtype), np.float32(0.5), np.float32(-1), np.float32(1.5))
    yield s(s.normal(4, 3), np.float32(0.1), np.float32(-1), np.float32(1), error="InvalidArgumentError")
