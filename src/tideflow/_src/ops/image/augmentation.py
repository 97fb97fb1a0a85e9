"""Random changes of images, for augmenting training data: brightness, contrast, hue, saturation, JPEG quality, flips.

Each comes in two forms: one draws on with every call, the other follows from the seed that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.array.slicing import entries
from tideflow._src.ops.image.colour_functions import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    convert_image_dtype,
)
from tideflow._src.ops.random.stateful_functions import random_uniform
from tideflow._src.ops.random.stateless_functions import stateless_random_uniform
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

__all__ = [
    "adjust_jpeg_quality",
    "random_brightness",
    "random_contrast",
    "random_flip_left_right",
    "random_flip_up_down",
    "random_hue",
    "random_jpeg_quality",
    "random_saturation",
    "stateless_random_brightness",
    "stateless_random_contrast",
    "stateless_random_flip_left_right",
    "stateless_random_flip_up_down",
    "stateless_random_hue",
    "stateless_random_jpeg_quality",
    "stateless_random_saturation",
]

_NO_SHAPE = np.zeros(0, np.int32)


def _check_delta(max_delta: Any, most: float | None = None) -> None:
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    if most is not None and max_delta > most:
        raise ValueError(f"max_delta must be <= {most}.")


def _check_range(lower: Any, upper: Any) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def random_brightness(image: Any, max_delta: Any, seed: Any = None) -> Any:
    """Returns images, all made brighter or darker by the same random number.

    Args:
      image: a tensor of images.
      max_delta: the number lies in ``[-max_delta, max_delta)``; see ``adjust_brightness``.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: ``max_delta`` is negative.
    """
    _check_delta(max_delta)
    return adjust_brightness(image, random_uniform(_NO_SHAPE, -max_delta, max_delta, seed=seed))


def stateless_random_brightness(image: Any, max_delta: Any, seed: Any) -> Any:
    """Returns images, all made brighter or darker by a number that follows from the seed.

    Args:
      image: a tensor of images.
      max_delta: the number lies in ``[-max_delta, max_delta)``; see ``adjust_brightness``.
      seed: two integers.

    Raises:
      ValueError: ``max_delta`` is negative.
    """
    _check_delta(max_delta)
    return adjust_brightness(image, stateless_random_uniform(_NO_SHAPE, seed=seed, minval=-max_delta, maxval=max_delta))


def random_contrast(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """Returns images, the contrast of all of them multiplied by the same random factor.

    Args:
      image: a tensor of images.
      lower: the least factor.
      upper: what no factor reaches.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: ``lower`` is negative, or not less than ``upper``.
    """
    _check_range(lower, upper)
    return adjust_contrast(image, random_uniform(_NO_SHAPE, lower, upper, seed=seed))


def stateless_random_contrast(image: Any, lower: Any, upper: Any, seed: Any) -> Any:
    """Returns images, the contrast of all of them multiplied by a factor that follows from the seed.

    Args:
      image: a tensor of images.
      lower: the least factor.
      upper: what no factor reaches.
      seed: two integers.

    Raises:
      ValueError: ``lower`` is negative, or not less than ``upper``.
    """
    _check_range(lower, upper)
    return adjust_contrast(image, stateless_random_uniform(_NO_SHAPE, seed=seed, minval=lower, maxval=upper))


def random_hue(image: Any, max_delta: Any, seed: Any = None) -> Any:
    """Returns images, the hue of all of them turned by the same random number.

    Args:
      image: a tensor of images in red, green and blue.
      max_delta: the number lies in ``[-max_delta, max_delta)``; at most 0.5, half of the circle.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: ``max_delta`` is negative or more than 0.5.
    """
    _check_delta(max_delta, 0.5)
    return adjust_hue(image, random_uniform(_NO_SHAPE, -max_delta, max_delta, seed=seed))


def stateless_random_hue(image: Any, max_delta: Any, seed: Any) -> Any:
    """Returns images, the hue of all of them turned by a number that follows from the seed.

    Args:
      image: a tensor of images in red, green and blue.
      max_delta: the number lies in ``[-max_delta, max_delta)``; at most 0.5, half of the circle.
      seed: two integers.

    Raises:
      ValueError: ``max_delta`` is negative or more than 0.5.
    """
    _check_delta(max_delta, 0.5)
    return adjust_hue(image, stateless_random_uniform(_NO_SHAPE, seed=seed, minval=-max_delta, maxval=max_delta))


def random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """Returns images, the saturation of all of them multiplied by the same random factor.

    Args:
      image: a tensor of images in red, green and blue.
      lower: the least factor.
      upper: what no factor reaches.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: ``lower`` is negative, or not less than ``upper``.
    """
    _check_range(lower, upper)
    return adjust_saturation(image, random_uniform(_NO_SHAPE, lower, upper, seed=seed))


def stateless_random_saturation(image: Any, lower: Any, upper: Any, seed: Any = None) -> Any:
    """Returns images, the saturation of all of them multiplied by a factor that follows from the seed.

    Args:
      image: a tensor of images in red, green and blue.
      lower: the least factor.
      upper: what no factor reaches.
      seed: two integers.

    Raises:
      ValueError: ``lower`` is negative, or not less than ``upper``.
    """
    _check_range(lower, upper)
    return adjust_saturation(image, stateless_random_uniform(_NO_SHAPE, seed=seed, minval=lower, maxval=upper))


# JPEG quality.


def adjust_jpeg_quality(image: Any, jpeg_quality: Any, dct_method: str = "", name: str | None = None) -> Any:
    """Returns an image as it comes out of a JPEG file of a given quality.

    Args:
      image: a tensor of shape ``[height, width, 1 or 3]``, of integers or of floats from 0 to 1.
      jpeg_quality: from 0 to 100, a scalar.
      dct_method: the transform with which it is decoded; see ``decode_jpeg``.
      name: the name of the scope; ``adjust_jpeg_quality`` by default.
    """
    with name_scope(name, "adjust_jpeg_quality"):
        image = convert_to_tensor(image, name="image")
        shape = static_shape(image)
        channels = shape[-1] if shape else None
        original = image.dtype
        pixels = convert_image_dtype(image, dtypes.uint8, saturate=True)
        quality = convert_to_tensor(jpeg_quality, dtypes.int32)
        file = raw.EncodeJpegVariableQuality(pixels, quality)
        decoded = raw.DecodeJpeg(file, channels=channels or 0, dct_method=dct_method)
        return convert_image_dtype(decoded, original, saturate=True)


def _check_quality(least: Any, most: Any) -> None:
    if least < 0 or most < 0 or least > 100 or most > 100:
        raise ValueError("jpeg encoding range must be between 0 and 100.")
    if least >= most:
        raise ValueError("`min_jpeg_quality` must be less than `max_jpeg_quality`.")


def random_jpeg_quality(image: Any, min_jpeg_quality: Any, max_jpeg_quality: Any, seed: Any = None) -> Any:
    """Returns an image as it comes out of a JPEG file of random quality.

    Args:
      image: a tensor of shape ``[height, width, 1 or 3]``.
      min_jpeg_quality: the least quality.
      max_jpeg_quality: what no quality reaches; 100 at most.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: the bounds are not between 0 and 100, or not in order.
    """
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    quality = random_uniform(_NO_SHAPE, min_jpeg_quality, max_jpeg_quality, seed=seed, dtype=dtypes.int32)
    return adjust_jpeg_quality(image, quality)


def stateless_random_jpeg_quality(image: Any, min_jpeg_quality: Any, max_jpeg_quality: Any, seed: Any) -> Any:
    """Returns an image as it comes out of a JPEG file of a quality that follows from the seed.

    Args:
      image: a tensor of shape ``[height, width, 1 or 3]``.
      min_jpeg_quality: the least quality.
      max_jpeg_quality: what no quality reaches; 100 at most.
      seed: two integers.

    Raises:
      ValueError: the bounds are not between 0 and 100, or not in order.
    """
    _check_quality(min_jpeg_quality, max_jpeg_quality)
    quality = stateless_random_uniform(
        _NO_SHAPE, seed=seed, minval=min_jpeg_quality, maxval=max_jpeg_quality, dtype=dtypes.int32
    )
    return adjust_jpeg_quality(image, quality)


# Flips.


def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """Returns each image mirrored left to right, or as it is, with equal chances.

    Args:
      image: a tensor of shape ``[height, width, channels]`` or ``[batch, height, width, channels]``.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: the shape is neither.
    """
    return _flip(image, 1, lambda shape: random_uniform(shape, 0, 1.0, seed=seed), "random_flip_left_right")


def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """Returns each image turned upside down, or as it is, with equal chances.

    Args:
      image: a tensor of shape ``[height, width, channels]`` or ``[batch, height, width, channels]``.
      seed: the seed of this call, an integer.

    Raises:
      ValueError: the shape is neither.
    """
    return _flip(image, 0, lambda shape: random_uniform(shape, 0, 1.0, seed=seed), "random_flip_up_down")


def stateless_random_flip_left_right(image: Any, seed: Any) -> Any:
    """Returns each image mirrored left to right, or as it is, as follows from the seed.

    Args:
      image: a tensor of shape ``[height, width, channels]`` or ``[batch, height, width, channels]``.
      seed: two integers.

    Raises:
      ValueError: the shape is neither.
    """
    return _flip(image, 1, lambda shape: stateless_random_uniform(shape, seed=seed), "stateless_random_flip_left_right")


def stateless_random_flip_up_down(image: Any, seed: Any) -> Any:
    """Returns each image turned upside down, or as it is, as follows from the seed.

    Args:
      image: a tensor of shape ``[height, width, channels]`` or ``[batch, height, width, channels]``.
      seed: two integers.

    Raises:
      ValueError: the shape is neither.
    """
    return _flip(image, 0, lambda shape: stateless_random_uniform(shape, seed=seed), "stateless_random_flip_up_down")


def _flip(image: Any, axis: int, draw: Callable[[Any], Any], default_name: str) -> Any:
    """Flips one image where a number is less than a half, and of a batch those whose numbers are more."""
    with name_scope(None, default_name, [image]):
        image = convert_to_tensor(image, name="image")
        shape = static_shape(image)
        if shape is not None and len(shape) < 3:
            raise ValueError(f"'image' (shape {shape}) must be at least three-dimensional.")
        if shape is not None and len(shape) > 4:
            raise ValueError(f"'image' (shape {shape}) must have either 3 or 4 dimensions.")
        if shape is None:
            raise ValueError("'image' must have a known rank of 3 or 4.")
        half = np.float32(0.5)
        if len(shape) == 3:
            chosen = raw.Less(draw(_NO_SHAPE), half)
            flipped = raw.ReverseV2(image, np.array([axis], np.int32))
        else:
            batch = shape[0]
            count = entries(raw.Shape(image), 0, 1) if batch is None else np.array([batch], np.int32)
            chosen = raw.Reshape(raw.Greater(draw(count), half), np.array([-1, 1, 1, 1], np.int32))
            flipped = raw.ReverseV2(image, np.array([axis + 1], np.int32))
        result = raw.SelectV2(chosen, flipped, image)
        if shape is not None:
            result.set_shape(shape)
        return result
