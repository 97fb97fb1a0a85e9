"""Glimpses: windows of one size at a given place of each image, with noise where they leave it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image.resizing import sized
from tideflow._src.runtime.op import op

_NOISES = ("uniform", "gaussian", "zero")


def _noise_kind(uniform_noise: bool, noise: str) -> str:
    if uniform_noise and noise not in ("", "uniform"):
        raise invalid_argument(
            f"The uniform_noise and noise could not be specified at the same time, got noise={noise!r}"
        )
    if not noise:
        return "uniform" if uniform_noise else "gaussian"
    if noise not in _NOISES:
        raise invalid_argument(f"The noise could only be uniform, gaussian, or zero, got {noise}")
    return noise


def _corners(
    offsets: np.ndarray, image: Any, size: tuple[int, int], centered: bool, normalized: bool, old: bool
) -> Any:
    """Returns the row and column at which each glimpse begins: integers, rounded towards zero."""
    of_image, of_glimpse = np.float32(image), np.float32(size)
    corners = offsets * of_image if normalized else offsets.copy()
    if old:
        if centered:
            corners = corners / np.float32(2) + of_image / np.float32(2)
        corners = corners - of_glimpse / np.float32(2)
    elif centered and normalized:
        corners = corners / np.float32(2) + of_image / np.float32(2) - of_glimpse / np.float32(2)
    elif centered:
        corners = corners + of_image / np.float32(2)
    limit = float(1 << 40)
    return np.clip(np.nan_to_num(corners.astype(np.float64)), -limit, limit).astype(np.int64)


def _background(image: np.ndarray, size: tuple[int, int], kind: str) -> Any:
    """Returns what a glimpse shows outside of an image; TensorFlow's noise is drawn from no seed either."""
    shape = (*size, image.shape[-1])
    if kind == "zero":
        return np.zeros(shape, np.float32)
    random = np.random.default_rng()
    if kind == "uniform":
        low, high = image.min(), image.max()
        return low + random.random(shape, np.float32) * (high - low)
    mean, deviation = image.mean(axis=(0, 1)), image.std(axis=(0, 1))
    noise = mean + random.standard_normal(shape, np.float32) * deviation
    return np.clip(noise, image.min(axis=(0, 1)), image.max(axis=(0, 1)))


def _glimpses(
    images: Any, size: np.ndarray, offsets: Any, centered: bool, normalized: bool, kind: str, old: bool
) -> Any:
    if images.ndim != 4:
        raise invalid_argument(
            f"input must be 4-dimensional (batch_size, height, width, depth), got shape {list(images.shape)}"
        )
    if size.shape != (2,):
        raise invalid_argument(f"input must be a vector of size 2 (height, width), got shape {list(size.shape)}")
    height, width = target = tuple(size.tolist())
    if height < 0 or width < 0:
        raise invalid_argument(f"the size of a glimpse must not be negative, got {height} x {width}")
    if offsets.ndim != 2:
        raise invalid_argument(f"input must be a matrix, got offsets of shape {list(offsets.shape)}")
    if offsets.shape != (images.shape[0], 2):
        raise invalid_argument(
            f"offsets must be [{images.shape[0]}, 2], a pair (y, x) for each image, got {list(offsets.shape)}"
        )
    result = np.empty((images.shape[0], height, width, images.shape[3]), np.float32)
    if result.size == 0:
        return result
    if 0 in images.shape:
        raise invalid_argument(f"input must not be empty, got shape {list(images.shape)}")
    corners = _corners(offsets, images.shape[1:3], target, centered, normalized, old)
    for image, out, (top, left) in zip(images, result, corners.tolist(), strict=True):
        bottom, right = top + height, left + width
        if top < 0 or left < 0 or bottom > image.shape[0] or right > image.shape[1]:
            out[...] = _background(image, target, kind)
        rows = slice(max(top, 0), min(bottom, image.shape[0]))
        columns = slice(max(left, 0), min(right, image.shape[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            inside = image[rows, columns]
            out[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = inside
    return result


@op(
    "ExtractGlimpse",
    "input: float32, size: static int32, offsets: float32 -> glimpse: float32",
    tier="host",
    differentiable=False,
)
def extract_glimpse_op(
    input,
    size,
    offsets,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
):
    """Gives a window of each image, around a place that is given from the center of the window."""
    return _glimpses(input, size, offsets, centered, normalized, _noise_kind(uniform_noise, noise), True)


@op(
    "ExtractGlimpseV2",
    "input: float32, size: static int32, offsets: float32 -> glimpse: float32",
    tier="host",
    differentiable="missing",
)
def extract_glimpse_v2_op(
    input,
    size,
    offsets,
    *,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    noise: str = "uniform",
):
    """Gives a window of each image; in pixels, the place is that of its upper left corner."""
    return _glimpses(input, size, offsets, centered, normalized, _noise_kind(uniform_noise, noise), False)


def _glimpse_shape(input: Any, size: Any, offsets: Any, uniform_noise: bool, noise: str) -> Any:
    if uniform_noise and noise not in ("", "uniform"):
        raise ValueError(f"The uniform_noise should not be True when noise is not uniform, got noise={noise!r}")
    images, offsets = with_rank(input, 4), with_rank(offsets, 2)
    batch = merge_dimensions(images[0], offsets[0])
    merge_dimensions(offsets[1], 2)
    return (batch, *sized(images, size)[1:])


@extract_glimpse_op.shape
def _extract_glimpse_shape(input, size, offsets, *, uniform_noise, noise):
    return _glimpse_shape(input, size, offsets, uniform_noise, noise)


@extract_glimpse_v2_op.shape
def _extract_glimpse_v2_shape(input, size, offsets, *, uniform_noise, noise):
    return _glimpse_shape(input, size, offsets, uniform_noise, noise)


def _samples(s: Any) -> Any:
    zero = {"uniform_noise": False, "noise": "zero"}
    for centered in (True, False):
        for normalized in (True, False):
            reach = 1.0 if normalized else 6.0
            offsets = s.uniform(-reach, reach, (3, 2))
            options = {"centered": centered, "normalized": normalized, **zero}
            yield s(s.normal(3, 6, 7, 2), [3, 4], offsets, **options)
            yield s(s.normal(3, 3, 4, 2), [5, 6], offsets, **options)
    # A constant image has constant noise.
    yield s(np.ones((1, 4, 4, 2), np.float32), [6, 3], np.zeros((1, 2), np.float32))
    gaussian = {"uniform_noise": False, "noise": "gaussian"}
    yield s(np.ones((1, 4, 4, 2), np.float32), [6, 3], np.zeros((1, 2), np.float32), **gaussian)
    bad = {"error": "InvalidArgumentError", **zero}
    yield s(s.normal(6, 7, 2), [3, 4], s.normal(3, 2), **bad)
    yield s(s.normal(3, 6, 7, 2), [3, 4, 1], s.normal(3, 2), **bad)
    yield s(s.normal(3, 6, 7, 2), [3, 4], s.normal(2, 2), **bad)
    yield s(s.normal(3, 6, 7, 2), [3, 4], s.normal(3, 3), **bad)
    yield s(s.normal(3, 6, 7, 2), [3, 4], s.normal(3, 2), noise="zero", error="InvalidArgumentError")


@extract_glimpse_op.samples
def _extract_glimpse_samples(s):
    yield from _samples(s)


@extract_glimpse_v2_op.samples
def _extract_glimpse_v2_samples(s):
    yield from _samples(s)


# Public functions.


def extract_glimpse_v1(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Any:
    """Returns a window of each image, with TensorFlow 1's arguments; see :func:`extract_glimpse`.

    In pixels (``normalized=False``), a place is that of the window's center.
    """
    return extract_glimpse_op.call(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=uniform_noise,
        name=name,
    )


def extract_glimpse(
    input: Any,
    size: Any,
    offsets: Any,
    centered: bool = True,
    normalized: bool = True,
    noise: str = "uniform",
    name: str | None = None,
) -> Any:
    """Returns a window of each image, with noise where it leaves the image.

    Args:
      input: ``[batch, height, width, channels]``, of float32.
      size: height and width of the windows.
      offsets: ``[batch, 2]``: the place of each window, ``(y, x)``.
      centered: whether places are counted from the center of the image, or from its upper left corner.
      normalized: whether an image is 1 high and wide, or 2 from -1 to 1 if ``centered``; otherwise places are
        in pixels.
      noise: ``"uniform"`` between the least and the largest value, ``"gaussian"`` with the mean and the deviation of
        the image, or ``"zero"``.
      name: a name for the operation.

    Returns:
      ``[batch, size[0], size[1], channels]``.
    """
    return extract_glimpse_v2_op.call(
        input,
        size,
        offsets,
        centered=centered,
        normalized=normalized,
        uniform_noise=False,
        noise=noise,
        name=name,
    )
