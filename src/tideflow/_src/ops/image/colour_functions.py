"""The functions that change colours and the range of pixels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.permuting import tile
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.shape import expand_dims, rank, shape
from tideflow._src.ops.image.shapes import after, check, checked_image, is_tensor
from tideflow._src.ops.math.arithmetic import add, maximum, multiply
from tideflow._src.ops.math.casting import cast, saturate_cast
from tideflow._src.ops.math.division import divide
from tideflow._src.ops.math.matrix_product_functions import tensordot
from tideflow._src.ops.math.reduction_functions import reduce_mean, reduce_prod, reduce_std
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

#: How much red, green and blue add to the brightness that an eye sees (ITU-R BT.601).
_GREY = (0.2989, 0.587, 0.114)
_RGB_TO_YIQ = ((0.299, 0.59590059, 0.2115), (0.587, -0.27455667, -0.52273617), (0.114, -0.32134392, 0.31119955))
_YIQ_TO_RGB = ((1.0, 1.0, 1.0), (0.95598634, -0.27201283, -1.10674021), (0.6208248, -0.64720424, 1.70423049))
_RGB_TO_YUV = ((0.299, -0.14714119, 0.61497538), (0.587, -0.28886916, -0.51496512), (0.114, 0.43601035, -0.10001026))
_YUV_TO_RGB = ((1.0, 1.0, 1.0), (0.0, -0.394642334, 2.03206185), (1.13988303, -0.58062185, 0.0))


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Any:
    """Converts images to another type, and their values to its range: integers to their maximum, floats to 1.

    Args:
      image: a tensor.
      dtype: the type wanted.
      saturate: whether to clip values that are outside of the range, rather than wrap them around.
      name: a name for the operation.

    Raises:
      AttributeError: a type is neither an integer nor a float.

    Example:

    >>> import tideflow as tf
    >>> tf.image.convert_image_dtype([0.0, 0.5, 1.0], tf.uint8).numpy().tolist()
    [0, 127, 255]
    """
    image = convert_to_tensor(image, name="image")
    wanted, have = dtypes.as_dtype(dtype), image.dtype.base_dtype
    if not wanted.is_floating and not wanted.is_integer:
        raise AttributeError("dtype must be either floating point or integer")
    if not have.is_floating and not have.is_integer:
        raise AttributeError("image dtype must be either floating point or integer")
    if wanted is have:
        return identity(image, name=name)
    to_wanted = saturate_cast if saturate else cast
    with name_scope(name, "convert_image", [image]) as scope:
        if have.is_integer and wanted.is_integer:
            if have.max > wanted.max:
                scale = (int(have.max) + 1) // (int(wanted.max) + 1)
                return to_wanted(raw.FloorDiv(image, scale), wanted, name=scope)
            scale = (int(wanted.max) + 1) // (int(have.max) + 1)
            return multiply(to_wanted(image, wanted), scale, name=scope)
        if have.is_floating and wanted.is_floating:
            return cast(image, wanted, name=scope)
        if have.is_integer:
            return multiply(cast(image, wanted), 1.0 / have.max, name=scope)
        return to_wanted(multiply(image, wanted.max + 0.5), wanted, name=scope)


def _as_float(image: Any) -> tuple[Any, DType]:
    """Returns images as floats that the adjustments take, and the type that they had."""
    original = image.dtype.base_dtype
    if original.name in ("float16", "float32"):
        return image, original
    return convert_image_dtype(image, dtypes.float32), original


def adjust_brightness(image: Any, delta: Any) -> Any:
    """Adds a number to all pixels, which are in [0, 1] as floats.

    Args:
      image: images of any type.
      delta: what to add.

    Returns:
      Images of the same type; those of integers are clipped to its range.
    """
    with name_scope(None, "adjust_brightness", [image, delta]) as scope:
        values, original = _as_float(convert_to_tensor(image, name="image"))
        adjusted = add(values, cast(delta, values.dtype), name=scope)
        return convert_image_dtype(adjusted, original, saturate=True)


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Moves each pixel away from the mean of its channel in its image.

    Args:
      images: images of any type, ``[..., height, width, channels]``.
      contrast_factor: the factor by which the distance grows.
    """
    with name_scope(None, "adjust_contrast", [images, contrast_factor]) as scope:
        values, original = _as_float(convert_to_tensor(images, name="images"))
        adjusted = raw.AdjustContrastv2(values, contrast_factor, name=scope)
        return convert_image_dtype(adjusted, original, saturate=True)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """Raises pixels, which are in [0, 1] as floats, to the power ``gamma``, and multiplies them by ``gain``.

    Args:
      image: images of any type.
      gamma: the exponent, not negative.
      gain: the factor.

    Raises:
      ValueError: ``gamma`` is negative.
    """
    with name_scope(None, "adjust_gamma", [image, gamma, gain]):
        values, original = _as_float(convert_to_tensor(image, name="image"))
        gamma_checks = check(gamma >= 0, "Gamma should be a non-negative real number.")
        if gamma_checks:
            gamma = after(gamma_checks, gamma)
        return convert_image_dtype(gain * values**gamma, original, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """Turns the hue of images.

    Args:
      image: RGB images of any type.
      delta: how far, as a part of the circle, from -1 to 1.
      name: a name for the operation.

    Raises:
      ValueError: ``delta`` is known to be outside of that.
    """
    with name_scope(name, "adjust_hue", [image]):
        image = convert_to_tensor(image, name="image")
        if not is_tensor(delta) or hasattr(delta, "_value"):
            number = float(delta)
            if number < -1 or number > 1:
                raise ValueError("delta must be in the interval [-1, 1]")
        values, original = _as_float(image)
        return convert_image_dtype(raw.AdjustHue(values, delta), original)


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """Multiplies the saturation of images.

    Args:
      image: RGB images of any type.
      saturation_factor: the factor.
      name: a name for the operation.
    """
    with name_scope(name, "adjust_saturation", [image]):
        values, original = _as_float(convert_to_tensor(image, name="image"))
        return convert_image_dtype(raw.AdjustSaturation(values, saturation_factor), original)


def per_image_standardization(image: Any) -> Any:
    """Gives each image a mean of 0 and a standard deviation of 1.

    Args:
      image: images, ``[..., height, width, channels]``.

    Returns:
      Images of float32. The deviation of an image of one colour counts as that of a single pixel, so that
      nothing is divided by zero.

    Raises:
      ValueError: the rank is below 3.
    """
    with name_scope(None, "per_image_standardization", [image]) as scope:
        image = cast(checked_image(convert_to_tensor(image, name="image")), dtypes.float32)
        count = cast(reduce_prod(shape(image)[-3:]), dtypes.float32)
        axes = [-1, -2, -3]
        mean = reduce_mean(image, axis=axes, keepdims=True)
        deviation = maximum(reduce_std(image, axis=axes, keepdims=True), raw.Rsqrt(count))
        return divide(image - mean, deviation, name=scope)


# Between systems of colour.


def rgb_to_grayscale(images: Any, name: str | None = None) -> Any:
    """Converts colours to shades of grey.

    Args:
      images: RGB images of any type.
      name: a name for the operation.

    Returns:
      Images of the same type, of one channel.
    """
    with name_scope(name, "rgb_to_grayscale", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        values = convert_image_dtype(images, dtypes.float32)
        grey = expand_dims(tensordot(values, list(_GREY), [-1, -1]), -1)
        return convert_image_dtype(grey, images.dtype.base_dtype, name=scope)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Repeats the one channel of grey images, to make RGB images.

    Args:
      images: images of one channel, of rank 2 or more.
      name: a name for the operation.

    Raises:
      ValueError: there are more channels, or the rank is below 2.
    """
    with name_scope(name, "grayscale_to_rgb", [images]) as scope:
        images = convert_to_tensor(images, name="images")
        images = after(_check_grey(images), images)
        known = static_shape(images)
        if known is not None:
            return tile(images, [1] * (len(known) - 1) + [3], name=scope)
        ones = raw.Fill(expand_dims(rank(images) - 1, 0), 1)
        return tile(images, concat([ones, [3]], 0), name=scope)


def _check_grey(images: Any) -> list[Any]:
    known = static_shape(images)
    one = "Last dimension of a grayscale image should be size 1."
    if known is not None:
        if len(known) < 2:
            raise ValueError(f"A grayscale image (shape {images.shape}) must be at least two-dimensional.")
        if known[-1] is not None:
            return check(known[-1] == 1, one)
    checks = [raw.Assert(raw.Equal(shape(images)[-1], 1), [one], summarize=3)]
    if known is None:
        message = "A grayscale image must be at least two-dimensional."
        checks.append(raw.Assert(raw.GreaterEqual(rank(images), 2), [message], summarize=3))
    return checks


def rgb_to_hsv(images: Any, name: str | None = None) -> Any:
    """Converts colours to hue, saturation and value, all in [0, 1] as the colours are.

    Args:
      images: RGB images of floats.
      name: a name for the operation.
    """
    return raw.RGBToHSV(images, name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Any:
    """Converts hue, saturation and value, all in [0, 1], to red, green and blue.

    Args:
      images: HSV images of floats.
      name: a name for the operation.
    """
    return raw.HSVToRGB(images, name=name)


def _mixed(images: Any, matrix: Any) -> Any:
    images = convert_to_tensor(images, name="images")
    kernel = convert_to_tensor(np.array(matrix), dtype=images.dtype.base_dtype, name="kernel")
    return tensordot(images, kernel, axes=[[-1], [0]])


def rgb_to_yiq(images: Any) -> Any:
    """Converts RGB images of floats to brightness and two chrominances, the system of NTSC."""
    return _mixed(images, _RGB_TO_YIQ)


def yiq_to_rgb(images: Any) -> Any:
    """Converts brightness and two chrominances, in the system of NTSC, to RGB."""
    return _mixed(images, _YIQ_TO_RGB)


def rgb_to_yuv(images: Any) -> Any:
    """Converts RGB images of floats to brightness and two chrominances, the system of PAL."""
    return _mixed(images, _RGB_TO_YUV)


def yuv_to_rgb(images: Any) -> Any:
    """Converts brightness and two chrominances, in the system of PAL, to RGB."""
    return _mixed(images, _YUV_TO_RGB)
