"""Converts between real numbers and the quantized ones of a range, as every quantized operation does.

A quantized type has ``steps`` values, from ``lowest`` to ``highest``, that stand for real numbers spread evenly over a
range. TensorFlow computes the spread in two ways, which differ in the last bit: in double precision for single numbers,
in single precision for whole tensors. Both are here, since results must agree exactly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError

Array = Any

#: The least and the greatest real number that quantized ones stand for.
Range = tuple[np.float32, np.float32]


class Limits(NamedTuple):
    """Is what a quantized type can hold."""

    lowest: int
    highest: int

    @property
    def steps(self) -> int:
        """The number of its values."""
        return self.highest - self.lowest + 1


def limits_of(dtype: Any) -> Limits:
    """Returns the limits of a quantized type, given as a DType or a NumPy dtype, plain or structured."""
    numpy_dtype = np.dtype(dtype.as_numpy_dtype if isinstance(dtype, DType) else dtype)
    info = np.iinfo(numpy_dtype[0] if numpy_dtype.names else numpy_dtype)
    return Limits(int(info.min), int(info.max))


def plain(values: Any) -> Array:
    """Returns the integers of an array of a quantized type."""
    values = np.asarray(values)
    return values[values.dtype.names[0]] if values.dtype.names else values


def packed(values: Any, dtype: Any) -> Array:
    """Returns integers as an array of a quantized type, given as a DType or a structured NumPy dtype."""
    record = np.dtype(dtype.as_numpy_dtype if isinstance(dtype, DType) else dtype)
    return np.ascontiguousarray(values).astype(record[0], copy=False).view(record).reshape(np.shape(values))


def scalar(value: Any, name: str) -> np.float32:
    """Returns the one number of an input that must be a scalar."""
    value = np.asarray(value)
    if value.ndim:
        raise InvalidArgumentError(None, None, f"`{name}` must be rank 0 but is rank {value.ndim}")
    return np.float32(value[()])


def single(value: Any, name: str) -> np.float32:
    """Returns the one number of an input that must have one element, of any rank."""
    value = np.asarray(value)
    if value.size != 1:
        raise InvalidArgumentError(None, None, f"{name} must hold 1 element, but holds {value.size}")
    return np.float32(value.reshape(())[()])


def round_away(values: Any) -> Any:
    """Rounds to the nearest integer, and halves away from zero."""
    whole = np.trunc(values)
    return whole + np.where(np.abs(values - whole) >= 0.5, np.sign(values), 0).astype(whole.dtype)


def to_integer(values: Any, dtype: Any) -> Array:
    """Converts real numbers as the processor does: what does not fit becomes the least of 32 bits."""
    return np.asarray(values).astype(np.int32).astype(dtype)


# One number at a time, in double precision.


def quantize_unclamped(value: Any, low: np.float32, high: np.float32, limits: Limits) -> Any:
    """Returns the quantized numbers nearest to real ones, which may lie outside of the limits."""
    if low == high:
        return np.full(np.shape(value), limits.lowest, np.int64)
    adjusted = float(np.float32(high - low)) * (limits.steps / (limits.steps - 1.0))
    scale = limits.steps / adjusted if adjusted else np.inf
    nearest = round_away(np.asarray(value, np.float64) * scale) - round_away(np.float64(low) * scale)
    return np.nan_to_num(nearest, nan=0.0, posinf=2.0**62, neginf=-(2.0**62)).astype(np.int64) + limits.lowest


def quantize(value: Any, low: np.float32, high: np.float32, limits: Limits) -> Any:
    """Returns the quantized numbers nearest to real ones."""
    return np.clip(quantize_unclamped(value, low, high, limits), limits.lowest, limits.highest)


def dequantize(value: Any, low: np.float32, high: np.float32, limits: Limits) -> Any:
    """Returns the real numbers (``float32``) that quantized ones stand for."""
    if low == high:
        return np.full(np.shape(value), low, np.float32)
    scale = float(np.float32(high - low)) * (limits.steps / (limits.steps - 1.0)) / limits.steps
    start = float(round_away(np.float32(low / np.float32(scale)))) * float(np.float32(scale))
    return (start + (np.asarray(value, np.float64) - limits.lowest) * scale).astype(np.float32)


# Whole tensors, in single precision.


def quantize_tensor(values: Array, low: np.float32, high: np.float32, limits: Limits) -> Array:
    """Returns the quantized numbers (``int32``) nearest to those of a ``float32`` array."""
    scale = np.float32(0 if low == high else (limits.steps - 1.0) / float(np.float32(high - low)))
    start = np.float32(round_away(np.float32(low * scale))) - np.float32(limits.lowest)
    result = round_away(values * scale) - start
    result = np.where(np.isnan(result), np.float32(limits.highest), result)
    return to_integer(np.clip(result, np.float32(limits.lowest), _greatest(limits)), np.int32)


def _greatest(limits: Limits) -> np.float32:
    return np.float32(min(limits.highest, 2147483520))


def dequantize_tensor(values: Array, low: np.float32, high: np.float32, limits: Limits) -> Array:
    """Returns the real numbers (``float32``) that an array of quantized ones stands for."""
    scale = np.float32(float(np.float32(high - low)) / (limits.steps - 1.0))
    start = low if low == high else np.float32(round_away(np.float32(low / scale)) * scale)
    return (start - np.float32(limits.lowest) * scale) + values.astype(np.float32) * scale


def requantize_tensor(values: Array, source: Range, target: Range, before: Limits, after: Limits) -> Array:
    """Moves quantized numbers to another range: ``source`` and ``target`` are pairs of a least and a greatest number.

    From 32 to 8 bits TensorFlow computes in fixed point, with 16 bits behind the point.
    """
    if before.steps == 1 << 32 and after == Limits(0, 255):
        return _requantize_fixed(values, source, target)
    return quantize_tensor(dequantize_tensor(values, *source, before), *target, after)


def _requantize_fixed(values: Array, source: Any, target: Any) -> Array:
    low, high = (np.float32(item) for item in source)
    least, greatest = (np.float32(item) for item in target)
    one = 1 << 16
    width = np.float32(greatest - least)
    if width == 0:
        scale = offset = start = 0
    else:
        scale = _truncated(255.0 * one * float(np.float32(high - low)) / float(width))
        middle = np.float32(float(np.float32(low + high)) / 2.0)
        steps = np.float32(middle * np.float32(255.0 / float(width)))
        offset = _truncated(float(np.float32(steps * np.float32(one))))
        start = _truncated(one * (float(least) * 255.0) / float(width))
    scaled = (values.astype(np.int64) * np.int64(scale)) >> 32
    return np.clip((scaled + (offset - start + (one >> 1))) >> 16, 0, 255)


def _truncated(value: float) -> int:
    return int(value) if np.isfinite(value) and abs(value) < 2.0**62 else 0


def product_range(a: Any, b: Any, limits_a: Limits, limits_b: Limits, limits: Limits) -> tuple[np.float32, np.float32]:
    """Returns the range of sums of products of numbers from two ranges ``a`` and ``b``."""

    def level(pair: Any, bounds: Limits) -> np.float32:
        return np.float32(np.float32(pair[1] - pair[0]) / np.float32(bounds.steps - 1))

    one = np.float32(level(a, limits_a) * level(b, limits_b))
    return np.float32(one * np.float32(limits.lowest)), np.float32(one * np.float32(limits.highest))
