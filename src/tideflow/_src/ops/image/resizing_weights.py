"""Says which pixels along an axis make a resized axis, and with which weights: NumPy arrays, known before any image.

Coordinates are computed in float32, step by step as TensorFlow does, so that the same pixels are chosen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

_F32 = np.float32
_HALF = np.float32(0.5)
#: Positions between two pixels at which the cubic weights are tabulated.
_STEPS = 1 << 10
#: Sums of weights below this are too small to divide by.
_TINY = np.float32(1000) * np.finfo(np.float32).tiny


class Linear(NamedTuple):
    """Is an axis of pixels between two others: ``lower + (upper - lower) * fraction``."""

    lower: Array
    upper: Array
    fraction: Array


class Taps(NamedTuple):
    """Is an axis of weighted sums: pixel ``i`` is the sum of ``weights[i]`` times the pixels at ``indices[i]``."""

    indices: Array
    weights: Array


def axis_scale(size: int, new_size: int, align_corners: bool) -> Any:
    """Returns how many old pixels a new one stands for."""
    if align_corners and new_size > 1:
        return _F32(size - 1) / _F32(new_size - 1)
    return _F32(size) / _F32(new_size)


def _coordinates(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    positions = np.arange(new_size, dtype=np.float32)
    scale = axis_scale(size, new_size, align_corners)
    if half_pixel_centers:
        return (positions + _HALF) * scale - _HALF
    return positions * scale


def linear(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Linear:
    """Returns the two neighbours of each new pixel, and where between them it lies."""
    places = _coordinates(size, new_size, align_corners, half_pixel_centers)
    floor = np.floor(places)
    upper = np.minimum(np.ceil(places).astype(np.intp), size - 1)
    lower = np.minimum(np.maximum(floor.astype(np.intp), 0), upper)
    return Linear(lower, upper, places - floor)


def linear_taps(axis: Linear) -> Taps:
    """Returns the two neighbours with their weights."""
    return Taps(np.stack([axis.lower, axis.upper], axis=1), np.stack([_F32(1) - axis.fraction, axis.fraction], axis=1))


def nearest(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Array:
    """Returns the old pixel that each new one is."""
    positions = np.arange(new_size, dtype=np.float32)
    scale = axis_scale(size, new_size, align_corners)
    places = (positions + _HALF) * scale if half_pixel_centers else positions * scale
    places = rounded(places) if align_corners else np.floor(places)
    return np.clip(places.astype(np.intp), 0, size - 1)


def rounded(values: Array) -> Array:
    """Rounds to the nearest integer, halves away from zero."""
    truncated = np.trunc(values)
    return truncated + np.copysign(np.abs(values - truncated) >= _HALF, values).astype(np.float32)


@functools.cache
def _cubic_table(a: float) -> Array:
    """Returns the weights of the nearer and the farther of two pixels on one side, for each step between pixels.

    The formula is that of R. Keys, "Cubic convolution interpolation for digital image processing" (1981).
    """
    near = (np.arange(_STEPS + 1, dtype=np.float32) / _F32(_STEPS)).astype(np.float64)
    far = near + 1.0
    table = np.stack(
        [((a + 2) * near - (a + 3)) * near * near + 1, ((a * far - 5 * a) * far + 8 * a) * far - 4 * a], axis=1
    )
    return table.astype(np.float32)


def cubic(size: int, new_size: int, align_corners: bool, half_pixel_centers: bool) -> Taps:
    """Returns the four pixels around each new one, with weights."""
    places = _coordinates(size, new_size, align_corners, half_pixel_centers)
    floor = np.floor(places)
    offset = np.rint((places - floor) * _F32(_STEPS)).astype(np.intp)
    table = _cubic_table(-0.5 if half_pixel_centers else -0.75)
    weights = np.stack(
        [table[offset, 1], table[offset, 0], table[_STEPS - offset, 0], table[_STEPS - offset, 1]], axis=1
    )
    around = floor.astype(np.intp)[:, None] + np.arange(-1, 3)
    indices = np.clip(around, 0, size - 1)
    if half_pixel_centers:
        # What lies outside the image has no weight, and the others share it.
        weights = np.where(indices == around, weights, _F32(0))
        total = ((weights[:, 0] + weights[:, 1]) + weights[:, 2]) + weights[:, 3]
        shared = np.abs(total) >= _TINY
        weights = weights * np.where(shared, _F32(1) / np.where(shared, total, _F32(1)), _F32(1))[:, None]
    return Taps(indices, weights)


def area(size: int, new_size: int, align_corners: bool) -> Taps:
    """Returns the pixels that each new one covers, with the part of it that they fill."""
    scale = axis_scale(size, new_size, align_corners)
    positions = np.arange(new_size, dtype=np.float32)
    begin, end = positions * scale, (positions + _F32(1)) * scale
    first, last = np.floor(begin).astype(np.intp), np.ceil(end).astype(np.intp)
    places = first[:, None] + np.arange(max(1, int((last - first).max())))
    left = places.astype(np.float32)
    right = left + _F32(1)
    # A pixel is cut at its left, at its right, at both ends, or not at all.
    cut_right = right > end[:, None]
    weights = np.where(
        left < begin[:, None],
        np.where(cut_right, scale, right - begin[:, None]),
        np.where(cut_right, end[:, None] - left, _F32(1)),
    )
    weights = np.where(places < last[:, None], weights, _F32(0)) * (_F32(1) / scale)
    return Taps(np.clip(places, 0, size - 1), weights.astype(np.float32))


# The kernels of ScaleAndTranslate: weight at a distance, and the distance beyond which there is none.


def _lanczos(radius: float) -> Callable[[Array], Array]:
    def weigh(x: Array) -> Array:
        pi, r = _F32(np.pi), _F32(radius)
        safe = np.where(x <= _F32(1e-3), _F32(1), x)
        value = r * np.sin(pi * safe) * np.sin(pi * safe / r) / (pi * pi * safe * safe)
        return np.where(x > r, _F32(0), np.where(x <= _F32(1e-3), _F32(1), value))

    return weigh


def _gaussian(x: Array) -> Array:
    sigma = 0.5
    value = np.exp((-x * x).astype(np.float64) / (2.0 * sigma * sigma))
    return np.where(x >= _F32(1.5), 0.0, value).astype(np.float32)


def _box(x: Array) -> Array:
    return np.where(x < _HALF, _F32(1), np.where(x == _HALF, _HALF, _F32(0)))


def _triangle(x: Array) -> Array:
    return np.where(x < _F32(1), _F32(1) - x, _F32(0))


def _keys_cubic(x: Array) -> Array:
    outer = ((_F32(-0.5) * x + _F32(2.5)) * x - _F32(4)) * x + _F32(2)
    inner = ((_F32(1.5) * x - _F32(2.5)) * x) * x + _F32(1)
    return np.where(x >= _F32(2), _F32(0), np.where(x >= _F32(1), outer, inner))


def _mitchell_cubic(x: Array) -> Array:
    outer = ((_F32(-7 / 18) * x + _F32(2)) * x - _F32(10 / 3)) * x + _F32(16 / 9)
    inner = ((_F32(7 / 6) * x - _F32(2)) * x) * x + _F32(8 / 9)
    return np.where(x >= _F32(2), _F32(0), np.where(x >= _F32(1), outer, inner))


KERNELS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "lanczos1": (1.0, _lanczos(1.0)),
    "lanczos3": (3.0, _lanczos(3.0)),
    "lanczos5": (5.0, _lanczos(5.0)),
    "gaussian": (1.5, _gaussian),
    "box": (1.0, _box),
    "triangle": (1.0, _triangle),
    "keyscubic": (2.0, _keys_cubic),
    "mitchellcubic": (2.0, _mitchell_cubic),
}


def spans(kernel: str, size: int, new_size: int, scale: float, translation: float, antialias: bool) -> Taps:
    """Returns the pixels within reach of a kernel laid over each new pixel, with weights of sum 1.

    Args:
      kernel: a name of ``KERNELS``.
      size: the old length of the axis.
      new_size: its new length.
      scale: how many new pixels an old one becomes.
      translation: how far the scaled image is moved, in new pixels.
      antialias: whether the kernel grows where the image shrinks.
    """
    radius, weigh = KERNELS[kernel]
    inverse = _F32(1.0 / float(scale))
    shift = -inverse * _F32(translation)
    stretch = max(inverse, _F32(1)) if antialias else _F32(1)
    reach = _F32(radius) * stretch
    centers = (np.arange(new_size, dtype=np.float32) + _HALF) * inverse + shift
    inside = (centers >= 0) & (centers <= size)
    centers = np.where(inside, centers, _F32(0))
    begin = np.clip(np.ceil(centers - reach - _HALF).astype(np.intp), 0, size - 1)
    end = np.clip(np.floor(centers + reach - _HALF).astype(np.intp), 0, size - 1) + 1
    places = begin[:, None] + np.arange(max(1, int((end - begin).max(initial=1))))
    distance = np.abs((places.astype(np.float32) + _HALF - centers[:, None]) * (_F32(1) / stretch))
    weights = np.where(places < end[:, None], weigh(distance), _F32(0)).astype(np.float32)
    total = weights.sum(axis=1)
    usable = inside & (np.abs(total) >= _TINY)
    weights = np.where(usable[:, None], weights * (_F32(1) / np.where(usable, total, _F32(1)))[:, None], _F32(0))
    return Taps(np.minimum(places, size - 1), weights)
