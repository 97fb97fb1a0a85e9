"""Compares values, shapes and errors, and says in one line how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import wire

Shape = tuple[int | None, ...] | None

# How far two correct computations of the same thing may be apart, relative to the largest value among them.
TOLERANCE = {
    "float64": 1e-12,
    "complex128": 1e-12,
    "float32": 4e-6,
    "complex64": 4e-6,
    "float16": 4e-3,
    "bfloat16": 2e-2,
}

# TensorFlow flushes subnormal numbers to zero: what is near the least normal number is as good as zero.
_TINY = {"float64": 1e-306, "float16": 1e-4}


def value_difference(
    found: Any, expected: Any, tolerance: float | None = None, largest_term: float = 0.0
) -> str | None:
    """Says how a value differs from the expected one, or returns None.

    The dtype and the shape must be the same. Integers, booleans, strings and the float8 family must be equal.
    Floating values may differ by the tolerance of their dtype, relative to the larger of the element, the
    typical element of the array and the largest term, where elements are sums; infinities and not-a-numbers must be in
    the same places.
    """
    if found is None or expected is None:
        return None if found is expected else f"got {_brief(found)}, expected {_brief(expected)}"
    (found_dtype, found_array), (dtype, array) = found, expected
    if found_dtype != dtype:
        return f"dtype {found_dtype}, expected {dtype}"
    if array is None or found_array is None:  # a resource or a variant
        return None
    if found_array.shape != array.shape:
        return f"shape {found_array.shape}, expected {array.shape}"
    if dtype == "string":
        same = found_array == array
        return None if np.all(same) else _first_difference(found_array, array, np.logical_not(same))
    left, right = wire.comparable(found), wire.comparable(expected)
    if dtype not in TOLERANCE:
        different = ~((left == right) | (_is_nan(left) & _is_nan(right)))
    else:
        limit = TOLERANCE[dtype] if tolerance is None else max(tolerance, TOLERANCE[dtype])
        different = _far_apart(left, right, limit, dtype, largest_term)
    return _first_difference(left, right, different) if np.any(different) else None


def _far_apart(left: np.ndarray, right: np.ndarray, limit: float, dtype: str, largest_term: float) -> np.ndarray:
    if dtype in wire.COMPLEX:
        part = "float32" if dtype == "complex64" else "float64"
        finite = np.isfinite(left) & np.isfinite(right)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = _far_apart(np.abs(left - right) + np.abs(right), np.abs(right), limit, part, largest_term)
        parts = _far_apart(left.real, right.real, limit, part, largest_term)
        parts |= _far_apart(left.imag, right.imag, limit, part, largest_term)
        return np.where(finite, apart, parts)
    with np.errstate(invalid="ignore"):  # what TensorFlow has not written may be a number that signals
        left, right = left.astype(np.float64), right.astype(np.float64)
    finite = np.isfinite(left) & np.isfinite(right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    sizes = np.abs(right[finite])
    # Terms of the size of the largest element may have cancelled; in half precision that shows.
    typical = float(np.max(sizes) if limit > 1e-3 else np.median(sizes)) if sizes.size else 0.0
    scale = np.maximum(np.maximum(np.abs(left), np.abs(right)), max(typical, largest_term))
    with np.errstate(invalid="ignore", over="ignore"):
        near = finite & (np.abs(left - right) <= np.maximum(limit * scale, _TINY.get(dtype, 1e-36)))
    return ~(same | near)


def _is_nan(array: np.ndarray) -> np.ndarray:
    return np.isnan(array) if array.dtype.kind in "fc" else np.zeros(array.shape, bool)


def _first_difference(left: np.ndarray, right: np.ndarray, different: np.ndarray) -> str:
    index = tuple(int(i) for i in np.argwhere(different)[0]) if left.ndim else ()
    count = f"{int(np.sum(different))} of {left.size} elements differ"
    return f"{count}, first at {index}: {left[index]!r}, expected {right[index]!r}"


def _brief(value: Any) -> str:
    return "None" if value is None else f"{value[0]} {None if value[1] is None else value[1].shape}"


def list_difference(
    found: Sequence[Any], expected: Sequence[Any], tolerance: float | None = None, largest_term: float = 0.0
) -> str | None:
    """Says how the first differing value of a list differs, or returns None."""
    if len(found) != len(expected):
        return f"{len(found)} values, expected {len(expected)}"
    for position, (left, right) in enumerate(zip(found, expected, strict=True)):
        difference = value_difference(left, right, tolerance, largest_term)
        if difference is not None:
            return f"#{position}: {difference}"
    return None


def error_difference(found: tuple[str, str] | None, expected: tuple[str, str] | None) -> str | None:
    """Says how the classes of two outcomes differ: each an error (class name, message) or None."""
    if (found and found[0]) == (expected and expected[0]):
        return None
    return f"{_outcome(found)}, expected {_outcome(expected)}"


def _outcome(error: tuple[str, str] | None) -> str:
    return "no error" if error is None else f"{error[0]} ({error[1][:300]})"


def shape_difference(found: Any, expected: Any) -> str | None:
    """Says how a list of static shapes, or {"error": ...}, differs from the expected one, or returns None.

    It may know more: that what it knows is right is for `consistency` to show.
    """
    left = found["error"] if isinstance(found, dict) else None
    right = expected["error"] if isinstance(expected, dict) else None
    if left is not None or right is not None:
        return error_difference(left, right)
    if len(found) == len(expected) and all(map(_knows_as_much, found, expected)):
        return None
    return f"{found}, expected {expected}"


def _knows_as_much(found: Shape, expected: Shape) -> bool:
    return expected is None or (
        found is not None
        and len(found) == len(expected)
        and all(b is None or a == b for a, b in zip(found, expected, strict=True))
    )


def shape_allows(static: Shape, actual: tuple[int, ...]) -> bool:
    """Tells whether a tensor of static shape `static` may have the shape `actual` when it runs."""
    if static is None:
        return True
    return len(static) == len(actual) and all(
        size is None or size == real for size, real in zip(static, actual, strict=True)
    )
