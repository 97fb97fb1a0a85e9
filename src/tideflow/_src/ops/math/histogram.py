"""Counts numbers in intervals: ``Bucketize`` and ``HistogramFixedWidth``."""

from __future__ import annotations

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.dimensions import with_rank
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.op import op

_BLOCK = 1 << 15
_TYPES = ("int32", "int64", "float", "double")


@op("Bucketize", "input: T -> output: int32", T=_TYPES, differentiable=False)
def bucketize_op(xp, input, *, boundaries: list[float]):
    """Tells in which of the intervals between boundaries each number lies; NaN in the last one."""
    edges = np.asarray(boundaries, np.float32)
    if (edges[1:] < edges[:-1]).any():
        raise InvalidArgumentError(None, None, f"Expected sorted boundaries, but got {list(boundaries)}")
    values = input if input.dtype == np.float64 or xp is np else input.astype(np.float64)
    places = xp.searchsorted(xp.asarray(edges.astype(np.float64)), values.reshape(-1), side="right")
    places = xp.where(values.reshape(-1) != values.reshape(-1), len(edges), places)
    return places.reshape(input.shape).astype(np.int32)


@bucketize_op.shape
def _bucketize_shape(input):
    return input


@bucketize_op.samples
def _bucketize_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 5), dtype), boundaries=[-1.0, 0.0, 1.0, 5.0])
    yield s(s.special(), boundaries=[0.0, 1.0])
    yield s(s.normal(2), boundaries=[])
    yield s(s.empty(0, 2), boundaries=[1.0])
    yield s(s.normal(2), boundaries=[2.0, 1.0], error="InvalidArgumentError")


@op(
    "HistogramFixedWidth",
    "values: T, value_range: T, nbins: static int32 -> out: dtype",
    T=_TYPES,
    dtype=default("int32", INDEX),
    differentiable="missing",
)
def histogram_fixed_width_op(xp, values, value_range, nbins, *, dtype: DType):
    """Counts the numbers in intervals of equal width; those outside of the range count in the first or last one."""
    if value_range.shape != (2,):
        raise InvalidArgumentError(None, None, "value_range should be a vector of 2 elements.")
    if np.ndim(nbins):
        raise InvalidArgumentError(None, None, "nbins should be a scalar.")
    count = int(nbins)
    if count <= 0:
        raise InvalidArgumentError(None, None, f"nbins should be a positive number, but got '{count}'")
    low, high = value_range[0], value_range[1]
    require(low < high, "value_range should satisfy value_range[0] < value_range[1], but it does not")
    flat = values.reshape(-1)
    if np.dtype(values.dtype).kind == "f":
        require(xp.all(flat == flat), "Histogram values must not contain NaN")
    step = (high - low).astype(np.float64) / count
    if xp is np:
        total = np.zeros(count, np.int64)
        for start in range(0, flat.size, _BLOCK):  # so that what is in between stays in the cache
            places = (flat[start : start + _BLOCK].astype(np.float64) - float(low)) / step
            np.clip(places, 0, count - 1, out=places)
            total += np.bincount(places.astype(np.int64), minlength=count)
        return total.astype(dtype.as_numpy_dtype)
    places = (flat.astype(np.float64) - low.astype(np.float64)) / step
    places = xp.clip(xp.floor(places), 0, count - 1).astype(np.int32)
    return xp.zeros(count, dtype.as_numpy_dtype).at[places].add(1)


@histogram_fixed_width_op.shape
def _histogram_fixed_width_shape(values, value_range, nbins):
    if value_range is not None and with_rank(value_range, 1)[0] not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {value_range[0]}")
    with_rank(nbins.shape, 0)
    if nbins.value is None:
        return (None,)
    if int(nbins.value) <= 0:
        raise ValueError(f"nbins should be positive, but is {int(nbins.value)}")
    return (int(nbins.value),)


@histogram_fixed_width_op.samples
def _histogram_fixed_width_samples(s):
    for dtype in s.dtypes("T"):
        kind = dtype.as_numpy_dtype
        yield s(s.array((3, 4), dtype), np.array([-1, 2], kind), 5)
    yield s(s.normal(4), [-1.0, 1.0], 3, dtype="int64")
    yield s(s.empty(0), [-1.0, 1.0], 3)
    yield s(s.normal(4), [1.0, 1.0], 3, error="InvalidArgumentError")
    yield s(s.normal(4), [1.0], 3, error="InvalidArgumentError")
    yield s(s.normal(4), [0.0, 1.0], 0, error="InvalidArgumentError")
    yield s(np.float32([np.nan]), [0.0, 1.0], 2, error="InvalidArgumentError")
