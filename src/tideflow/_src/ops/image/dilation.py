"""Grey-scale dilation and erosion of images: the largest sum of a window and a filter, and its gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import ml_dtypes
import numpy as np

from tideflow._src.core.errors import InvalidArgumentError, UnimplementedError
from tideflow._src.graph.op_def import at_least
from tideflow._src.graph.types import REAL
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge_dimensions, with_rank
from tideflow._src.ops.image.patches import windows_along
from tideflow._src.runtime.op import op
from tideflow._src.runtime.threaded_ranges import over_ranges


class _Tap(NamedTuple):
    """Is one element of the filter: which outputs it reaches, and which pixels it meets there."""

    row: int
    column: int
    outputs: tuple[slice, slice]
    pixels: tuple[slice, slice]


class _Windows(NamedTuple):
    """Is how the windows lie on an image, an axis at a time."""

    counts: tuple[int, int]
    pads: tuple[int, int]
    strides: tuple[int, int]
    rates: tuple[int, int]
    sizes: tuple[int, int]
    filter_sizes: tuple[int, int]

    def taps(self) -> Iterator[_Tap]:
        """Yields the elements of the filter that meet any pixel, row by row."""
        rows = list(self._along(0))
        columns = list(self._along(1))
        for row, output_rows, pixel_rows in rows:
            for column, output_columns, pixel_columns in columns:
                yield _Tap(row, column, (output_rows, output_columns), (pixel_rows, pixel_columns))

    def _along(self, axis: int) -> Iterator[tuple[int, slice, slice]]:
        count, pad, stride = self.counts[axis], self.pads[axis], self.strides[axis]
        for place in range(self.filter_sizes[axis]):
            offset = place * self.rates[axis] - pad
            first = max(0, -(offset // stride))
            last = min(count, -((offset - self.sizes[axis]) // stride))
            if first < last:
                begin = first * stride + offset
                yield place, slice(first, last), slice(begin, begin + (last - first - 1) * stride + 1, stride)

    def starts(self, axis: int) -> np.ndarray:
        """Returns where each window begins, or the first pixel where that is before the image."""
        return np.maximum(np.arange(self.counts[axis]) * self.strides[axis] - self.pads[axis], 0)


def _check_steps(strides: list[int], rates: list[int]) -> None:
    for name, values in (("Stride", strides), ("Rate", rates)):
        if len(values) != 4:
            raise InvalidArgumentError(None, None, f"{name} must specify 4 dimensions, got {values}")
        if values[0] != 1 or values[3] != 1:
            raise UnimplementedError(None, None, f"{name} is only supported across spatial dimensions, got {values}")
        if min(values) < 1:
            raise InvalidArgumentError(None, None, f"{name} must be positive, got {values}")


def _windows(image: Any, filter: Any, strides: list[int], rates: list[int], padding: str) -> _Windows:
    _check_steps(strides, rates)
    if image.ndim != 4:
        raise InvalidArgumentError(None, None, f"input must be 4-dimensional, got shape {list(image.shape)}")
    if filter.ndim != 3:
        raise InvalidArgumentError(None, None, f"filter must be 3-dimensional, got shape {list(filter.shape)}")
    if image.shape[3] != filter.shape[2]:
        raise InvalidArgumentError(
            None, None, f"input and filter must have the same depth: {image.shape[3]} vs {filter.shape[2]}"
        )
    found = [
        windows_along(image.shape[axis], filter.shape[axis - 1], strides[axis], rates[axis], padding) for axis in (1, 2)
    ]
    return _Windows(
        counts=(found[0][0], found[1][0]),
        pads=(found[0][1], found[1][1]),
        strides=(strides[1], strides[2]),
        rates=(rates[1], rates[2]),
        sizes=image.shape[1:3],
        filter_sizes=filter.shape[:2],
    )


def _lowest(dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return ml_dtypes.finfo(dtype).min


@op("Dilation2D", "input: T, filter: T -> output: T", T=REAL, strides=at_least(4), rates=at_least(4))
def dilation2d_op(xp, input, filter, *, strides: list[int], rates: list[int], padding: Literal["SAME", "VALID"]):
    """Gives the largest sum of a window of an image and the filter, channel by channel."""
    windows = _windows(input, filter, strides, rates, padding)
    shape = (input.shape[0], *windows.counts, input.shape[3])
    taps = list(windows.taps())
    lowest = _lowest(input.dtype)
    if xp is not np:
        result = xp.full(shape, lowest, input.dtype)
        for tap in taps:
            values = input[(slice(None), *tap.pixels)] + filter[tap.row, tap.column]
            place = (slice(None), *tap.outputs)
            # A NaN is never the largest.
            result = result.at[place].set(xp.where(values > result[place], values, result[place]))
        return result
    result = np.full(shape, lowest, input.dtype)
    larger = np.maximum if input.dtype.kind in "iu" else np.fmax

    def work(begin: int, end: int) -> None:
        for image, out in zip(input[begin:end], result[begin:end], strict=True):
            for tap in taps:
                place = out[tap.outputs]
                larger(place, image[tap.pixels] + filter[tap.row, tap.column], out=place)

    over_ranges(work, input.shape[0], result.size * len(taps))
    return result


@dilation2d_op.shape
def _dilation2d_shape(input, filter, *, strides, rates, padding):
    input, filter = with_rank(input, 4), with_rank(filter, 3)
    for name, values in (("strides", strides), ("rates", rates)):
        if len(values) != 4:
            raise ValueError(f"Dilation2D requires the {name} attribute to contain 4 values, but got: {len(values)}")
    depth = merge_dimensions(input[3], filter[2])
    if None in (*input[1:3], *filter[:2]):
        return (input[0], None, None, depth)
    counts = [windows_along(input[a], filter[a - 1], strides[a], rates[a], padding)[0] for a in (1, 2)]
    return (input[0], *counts, depth)


@dilation2d_op.gradient
def _dilation2d_gradient(call, dy):
    attributes = {name: call.attr(name) for name in ("strides", "rates", "padding")}
    image, filter = call.inputs
    return (
        raw.Dilation2DBackpropInput(image, filter, dy, **attributes),
        raw.Dilation2DBackpropFilter(image, filter, dy, **attributes),
    )


_WAYS: tuple[dict[str, Any], ...] = (
    {"strides": [1, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"},
    {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1], "padding": "VALID"},
    {"strides": [1, 2, 3, 1], "rates": [1, 2, 1, 1], "padding": "SAME"},
)


def _counts(way: dict[str, Any]) -> list[int]:
    return [
        windows_along(size, 2, way["strides"][a], way["rates"][a], way["padding"])[0] for a, size in ((1, 5), (2, 6))
    ]


@dilation2d_op.samples
def _dilation2d_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 4, 5, 2), dtype), s.array((2, 3, 2), dtype), gradient=dtype.size > 2, **_WAYS[0])
    for way in _WAYS:
        yield s(s.distinct((2, 5, 6, 2)), s.uniform(-0.1, 0.1, (2, 2, 2)), **way)
    yield s(s.normal(5, 6, 2), s.normal(2, 2, 2), error="InvalidArgumentError", **_WAYS[0])
    yield s(s.normal(1, 5, 6, 2), s.normal(2, 2, 3), error="InvalidArgumentError", **_WAYS[0])
    yield s(s.normal(1, 5, 6, 2), s.normal(9, 2, 2), error="InvalidArgumentError", **_WAYS[1])
    odd = {"strides": [2, 1, 1, 1], "rates": [1, 1, 1, 1], "padding": "SAME"}
    yield s(s.normal(1, 5, 6, 2), s.normal(2, 2, 2), error="UnimplementedError", **odd)


def _check_gradient(image: Any, out_backprop: Any, windows: _Windows) -> None:
    expected = (image.shape[0], *windows.counts, image.shape[3])
    if out_backprop.shape != expected:
        raise InvalidArgumentError(
            None, None, f"out_backprop has incompatible size: {list(out_backprop.shape)}, expected {list(expected)}"
        )


def _winners(xp: Any, image: Any, filter: Any, windows: _Windows, first: Any, index_of: Any) -> Any:
    """Returns the index of the tap that gave each output, or ``first`` where no sum is above the lowest number."""
    best = xp.full((image.shape[0], *windows.counts, image.shape[3]), _lowest(image.dtype), image.dtype)
    winner = xp.broadcast_to(first, best.shape)
    winner = winner.copy() if xp is np else winner
    for tap in windows.taps():
        place = (slice(None), *tap.outputs)
        values = image[(slice(None), *tap.pixels)] + filter[tap.row, tap.column]
        larger = values > best[place]
        index = np.broadcast_to(index_of(tap), larger.shape)
        if xp is np:
            np.copyto(best[place], values, where=larger)
            np.copyto(winner[place], index, where=larger)
        else:
            best = best.at[place].set(xp.where(larger, values, best[place]))
            winner = winner.at[place].set(xp.where(larger, index, winner[place]))
    return winner


def _scattered(xp: Any, values: Any, index: Any, shape: Any) -> Any:
    """Adds values to the elements of a flat array of ``shape``."""
    size = int(np.prod(shape))
    if xp is np:
        result = np.zeros(size, values.dtype)
        np.add.at(result, index.reshape(-1), values.reshape(-1))
    else:
        result = xp.zeros(size, values.dtype).at[index.reshape(-1)].add(values.reshape(-1))
    return result.reshape(shape)


@op(
    "Dilation2DBackpropInput",
    "input: T, filter: T, out_backprop: T -> in_backprop: T",
    T=REAL,
    strides=at_least(4),
    rates=at_least(4),
    differentiable="missing",
)
def dilation2d_backprop_input_op(
    xp, input, filter, out_backprop, *, strides: list[int], rates: list[int], padding: Literal["SAME", "VALID"]
):
    """Gives each gradient to the pixel of the window that made the largest sum."""
    windows = _windows(input, filter, strides, rates, padding)
    _check_gradient(input, out_backprop, windows)
    width = input.shape[2]
    rows, columns = np.arange(input.shape[1])[:, None], np.arange(width)
    pixels = (rows * width + columns)[None, :, :, None]
    first = (windows.starts(0)[:, None] * width + windows.starts(1))[None, :, :, None]
    winner = _winners(xp, input, filter, windows, first, lambda tap: pixels[(slice(None), *tap.pixels)])
    image = np.arange(input.shape[0])[:, None, None, None] * (input.shape[1] * width)
    index = (winner + image) * input.shape[3] + np.arange(input.shape[3])
    return _scattered(xp, out_backprop, index, input.shape)


@op(
    "Dilation2DBackpropFilter",
    "input: T, filter: T, out_backprop: T -> filter_backprop: T",
    T=REAL,
    strides=at_least(4),
    rates=at_least(4),
    differentiable="missing",
)
def dilation2d_backprop_filter_op(
    xp, input, filter, out_backprop, *, strides: list[int], rates: list[int], padding: Literal["SAME", "VALID"]
):
    """Gives each gradient to the element of the filter that made the largest sum."""
    windows = _windows(input, filter, strides, rates, padding)
    _check_gradient(input, out_backprop, windows)
    first = np.zeros((1, 1, 1, 1), np.int64)
    winner = _winners(xp, input, filter, windows, first, lambda tap: tap.row * filter.shape[1] + tap.column)
    index = winner * filter.shape[2] + np.arange(filter.shape[2])
    return _scattered(xp, out_backprop, index, filter.shape)


@dilation2d_backprop_input_op.shape
def _dilation2d_backprop_input_shape(input, filter, out_backprop):
    return input


@dilation2d_backprop_filter_op.shape
def _dilation2d_backprop_filter_shape(input, filter, out_backprop):
    return filter


def _gradient_samples(s: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 4, 5, 2), dtype), s.array((2, 3, 2), dtype), s.array((2, 4, 5, 2), dtype), **_WAYS[0])
    for way in _WAYS:
        yield s(s.distinct((2, 5, 6, 2)), s.uniform(-0.1, 0.1, (2, 2, 2)), s.normal(2, *_counts(way), 2), **way)
    bad = {"error": "InvalidArgumentError", **_WAYS[0]}
    yield s(s.normal(1, 5, 6, 2), s.normal(2, 2, 2), s.normal(1, 5, 5, 2), **bad)
    yield s(s.normal(1, 5, 6, 2), s.normal(2, 2, 2), s.normal(5, 6, 2), **bad)


@dilation2d_backprop_input_op.samples
def _dilation2d_backprop_input_samples(s):
    yield from _gradient_samples(s)


@dilation2d_backprop_filter_op.samples
def _dilation2d_backprop_filter_samples(s):
    yield from _gradient_samples(s)
