"""Histograms as TensorFlow's summaries have them: buckets that grow by a tenth, dense around zero."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_LARGEST = float(np.finfo(np.float64).max)


@functools.cache
def bucket_limits() -> Array:
    """Returns the upper limits of the buckets, ascending."""
    positive = []
    limit = 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(_LARGEST)
    limits = np.array([-value for value in reversed(positive)] + [0.0] + positive)
    limits.flags.writeable = False
    return limits


def _places(values: Array) -> Array:
    """Returns the bucket of each value: that of the first limit above it.

    Limits are powers of 1.1, so that a logarithm finds a bucket; rounding puts it off by one at most.
    """
    limits = bucket_limits()
    zero = len(limits) // 2
    power = (np.log(np.abs(values)) + np.log(1e12)) * (1 / np.log(1.1))
    power = np.clip(np.floor(power), -1, zero - 2).astype(np.intp)
    places = np.where(values < 0, zero - 1 - power, zero + 2 + power)
    places -= values < limits[np.maximum(places - 1, 0)]
    np.maximum(places, 0, out=places)
    places += values >= limits[places]
    return np.minimum(places, len(limits) - 1)


def write(message: Any, values: Array) -> None:
    """Fills a ``HistogramProto`` with the distribution of finite values."""
    flat = np.ravel(values).astype(np.float64)
    message.num = flat.size
    message.min = flat.min() if flat.size else _LARGEST
    message.max = flat.max() if flat.size else -_LARGEST
    if flat.size:
        # One by one, as TensorFlow adds them: NumPy's sum and dot differ in the last place.
        message.sum = np.add.accumulate(flat)[-1]
        message.sum_squares = np.add.accumulate(flat * flat)[-1]
    limits = bucket_limits()
    places = _places(flat)
    counts = np.bincount(places, minlength=len(limits))
    filled = counts > 0
    # Of a run of empty buckets only the last is written.
    shown = filled | np.append(filled[1:], True)
    if not flat.size:
        shown = np.arange(len(limits)) == len(limits) - 1
    message.bucket_limit.extend(limits[shown].tolist())
    message.bucket.extend(counts[shown].astype(np.float64).tolist())
