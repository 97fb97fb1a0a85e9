"""Kernels that resize batches of images, and check what they get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.image import resizing_weights
from tideflow._src.runtime.checks import require_memory, require_possible
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.threaded_ranges import over_ranges

Array = np.ndarray[Any, Any]

#: Elements of the images that are worked on together, so that they stay in the cache.
_CHUNK = 1 << 17


def new_size(images: Any, size: Array) -> tuple[int, int]:
    """Checks images and the size wanted, and returns that.

    Raises:
      InvalidArgumentError: the images are not four-dimensional or empty, or the size is not two positive numbers.
    """
    if images.ndim != 4:
        raise invalid_argument(f"input must be 4-dimensional, got shape {list(images.shape)}")
    if size.ndim != 1:
        raise invalid_argument(f"shape_t must be 1-dimensional, got shape {list(size.shape)}")
    if size.size != 2:
        raise invalid_argument(f"shape_t must have two elements, got shape {list(size.shape)}")
    height, width = size.tolist()
    if height <= 0 or width <= 0:
        raise invalid_argument(f"output dimensions must be positive, got {height} x {width}")
    if images.shape[3] <= 0:
        raise invalid_argument("image must have at least one channel")
    check_not_empty(images)
    require_memory((images.shape[0], height, width, images.shape[3]), 4)
    return height, width


def no_images(xp: Any, channels: int, height: int, width: int, dtype: Any) -> Any:
    """Returns a batch of no images, before weights are computed that no image asks for.

    Raises:
      InvalidArgumentError: the sizes overflow.
    """
    shape = (0, height, width, channels)
    require_possible([shape], np.dtype(dtype).itemsize)
    return xp.zeros(shape, dtype)


def check_not_empty(images: Any) -> None:
    """Raises an InvalidArgumentError if images have no rows or no columns."""
    if images.shape[1] <= 0 or images.shape[2] <= 0:
        raise invalid_argument(f"input image must be of non-zero size, got shape {list(images.shape)}")


def check_centers(align_corners: bool, half_pixel_centers: bool) -> None:
    """Raises an InvalidArgumentError where two ways to lay pixels over each other are asked for."""
    if align_corners and half_pixel_centers:
        raise invalid_argument("If half_pixel_centers is True, align_corners must be False.")


def per_channel(indices: Array, channels: int) -> Array:
    """Returns the indices of all channels of the pixels at ``indices``, where a line of an image is a vector."""
    return (indices[:, None] * channels + np.arange(channels)).reshape(-1)


def linear_host(images: Array, rows: resizing_weights.Linear, columns: resizing_weights.Linear) -> Array:
    """Returns images of float32 between whose pixels one goes in straight lines: first along the lines, then across."""
    batch, height, width, channels = images.shape
    new_height, new_width = len(rows.lower), len(columns.lower)
    result = np.empty((batch, new_height, new_width, channels), np.float32)
    if result.size == 0:
        return result
    if (new_height, new_width) == (height, width):
        result[...] = images
        return result
    left, right = per_channel(columns.lower, channels), per_channel(columns.upper, channels)
    along = np.repeat(columns.fraction, channels)
    down = rows.fraction[:, None]
    used, above, below = _used_rows(rows, height)
    lines = height if used is None else len(used)
    step = max(1, _CHUNK // (max(lines, new_height) * new_width * channels))

    def work(begin: int, end: int) -> None:
        # Buffers of this thread's own, used again for every chunk.
        first = np.empty((step, lines, new_width * channels), np.float32)
        second = np.empty_like(first)
        lower = np.empty((step, new_height, new_width * channels), np.float32)
        for start in range(begin, end, step):
            stop = min(start + step, end)
            count = stop - start
            chunk = images[start:stop].reshape(count, height, width * channels)
            if used is not None:
                chunk = chunk[:, used]
            if chunk.dtype != np.float32:
                chunk = chunk.astype(np.float32)
            top, other, bottom = first[:count], second[:count], lower[:count]
            np.take(chunk, left, axis=2, out=top, mode="clip")
            np.take(chunk, right, axis=2, out=other, mode="clip")
            np.subtract(other, top, out=other)
            np.multiply(other, along, out=other)
            np.add(top, other, out=top)
            out = result[start:stop].reshape(count, new_height, new_width * channels)
            np.take(top, above, axis=1, out=out, mode="clip")
            np.take(top, below, axis=1, out=bottom, mode="clip")
            np.subtract(bottom, out, out=bottom)
            np.multiply(bottom, down, out=bottom)
            np.add(out, bottom, out=out)

    over_ranges(work, batch, result.size)
    return result


def _used_rows(rows: resizing_weights.Linear, height: int) -> tuple[Array | None, Array, Array]:
    """Returns the old rows that new ones lie between, None for all, and the places of each new row's two among them."""
    used = np.unique(np.concatenate([rows.lower, rows.upper]))
    if len(used) > 0.75 * height:
        return None, rows.lower, rows.upper  # to leave so few rows out is not worth a copy
    return used, np.searchsorted(used, rows.lower), np.searchsorted(used, rows.upper)


def linear_xla(images: Any, rows: resizing_weights.Linear, columns: resizing_weights.Linear) -> Any:
    """Does what :func:`linear_host` does, in a compiled program."""
    batch, height, width, channels = images.shape
    if (len(rows.lower), len(columns.lower)) == (height, width):
        return images.astype(np.float32)
    flat = images.reshape(batch, height, width * channels)
    used, above, below = _used_rows(rows, height)

    def at(lines: Any, axis: int, places: Array) -> Any:
        where = (slice(None),) * axis + (places.astype(np.int32),)
        return lines.at[where].get(mode="promise_in_bounds").astype(np.float32)

    if used is not None:
        flat = lax.optimization_barrier(at(flat, 1, used))
    left, right = at(flat, 2, per_channel(columns.lower, channels)), at(flat, 2, per_channel(columns.upper, channels))
    # Else XLA computes each line again for every new one, and all of it in the loop of a sum over the result.
    lines = lax.optimization_barrier(left + (right - left) * np.repeat(columns.fraction, channels))
    top, bottom = at(lines, 1, above), at(lines, 1, below)
    result = top + (bottom - top) * rows.fraction[:, None]
    return lax.optimization_barrier(result).reshape(batch, len(rows.lower), len(columns.lower), channels)


def nearest_host(images: Array, rows: Array, columns: Array) -> Array:
    """Returns the pixels of images at the given rows and columns."""
    batch, height, width, channels = images.shape
    result = np.empty((batch, len(rows), len(columns), channels), images.dtype)
    if result.size == 0:
        return result
    places = per_channel(columns, channels)
    few_rows = len(rows) <= height
    step = max(1, _CHUNK // (max(len(rows), height) * len(places)))

    def work(begin: int, end: int) -> None:
        wide = None if few_rows else np.empty((step, height, len(places)), images.dtype)
        for start in range(begin, end, step):
            stop = min(start + step, end)
            count = stop - start
            chunk = images[start:stop].reshape(count, height, width * channels)
            out = result[start:stop].reshape(count, len(rows), len(places))
            if wide is None:
                np.take(chunk[:, rows], places, axis=2, out=out, mode="clip")
            else:
                np.take(chunk, places, axis=2, out=wide[:count], mode="clip")
                np.take(wide[:count], rows, axis=1, out=out, mode="clip")

    over_ranges(work, batch, result.size)
    return result


def nearest_xla(images: Any, rows: Array, columns: Array) -> Any:
    """Does what :func:`nearest_host` does, in a compiled program."""
    batch, height, width, channels = images.shape
    flat = images.reshape(batch, height, width * channels)
    places = per_channel(columns, channels).astype(np.int32)
    found = flat.at[:, rows.astype(np.int32)[:, None], places].get(mode="promise_in_bounds")
    return found.reshape(batch, len(rows), len(columns), channels)


def gather_sum_host(gradients: Array, rows: Array, columns: Array, shape: Sequence[int]) -> Array:
    """Adds each pixel to the one at its row and column, which are sorted; the sums have ``[height, width] = shape``."""
    result = gradients
    for axis, places, size in ((1, rows, shape[0]), (2, columns, shape[1])):
        found, starts = np.unique(places, return_index=True)
        sums = np.add.reduceat(result, starts, axis=axis, dtype=result.dtype)
        if len(found) == size:
            result = sums
            continue
        whole = list(result.shape)
        whole[axis] = size
        result = np.zeros(whole, result.dtype)
        result[(slice(None),) * axis + (found,)] = sums
    return result


def gather_sum_xla(gradients: Any, rows: Array, columns: Array, shape: Sequence[int]) -> Any:
    """Does what :func:`gather_sum_host` does, in a compiled program."""
    result = gradients
    for axis, places, size in ((1, rows, shape[0]), (2, columns, shape[1])):
        whole = list(result.shape)
        whole[axis] = size
        place = (slice(None),) * axis + (places,)
        result = jnp.zeros(whole, result.dtype).at[place].add(result, indices_are_sorted=True)
    return result


def scatter_products(
    xp: Any, gradients: Any, rows: resizing_weights.Taps, columns: resizing_weights.Taps, shape: Sequence[int]
) -> Any:
    """Adds products of float32, as TensorFlow does, into an image of float64."""
    result = xp.zeros(shape, np.float64)
    for row in range(rows.indices.shape[1]):
        weighted = gradients * rows.weights[:, row, None, None]
        for column in range(columns.indices.shape[1]):
            terms = (weighted * columns.weights[:, column, None]).astype(np.float64)
            place = (slice(None), rows.indices[:, row, None], columns.indices[:, column])
            if xp is np:
                np.add.at(result, place, terms)
            else:
                result = result.at[place].add(terms)
    return result


def linear_fixed_point(images: Array, rows: resizing_weights.Linear, columns: resizing_weights.Linear) -> Array:
    """Returns quantized images resized in integers: between pixels lie 2**7 steps, or 2**30 for 32-bit images."""
    dtype = images.dtype
    plain = images.view(dtype.fields[dtype.names[0]][0]) if dtype.names else images
    if (len(rows.lower), len(columns.lower)) == images.shape[1:3]:
        return images
    bits = 7 if plain.dtype.itemsize == 1 else 30
    one = 1 << bits
    along = (columns.fraction * np.float32(one)).astype(np.int64)[:, None]
    down = (rows.fraction * np.float32(one)).astype(np.int64)[:, None, None]
    wide = plain.astype(np.int64)

    def line(places: Array) -> Array:
        left, right = wide[:, places][:, :, columns.lower], wide[:, places][:, :, columns.upper]
        return left * one + (right - left) * along

    top, bottom = line(rows.lower), line(rows.upper)
    total = top + _divided(bottom - top, one) * down
    return _divided(total + one // 2, one).astype(plain.dtype).view(dtype)


def _divided(values: Array, divisor: int) -> Array:
    """Divides integers and drops what is behind the point."""
    return np.where(values < 0, -(-values // divisor), values // divisor)
