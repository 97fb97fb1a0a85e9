"""Multiplies axes of images with matrices that are zero away from a diagonal: the engine of smooth resizing.

A resized axis is a matrix times the old one, and so is its gradient, with the matrix transposed. Each new pixel
depends on a few neighbouring old ones, so the matrix is cut into blocks of new pixels, and each block meets only the
old pixels that it needs: dense products of a moderate size, which BLAS does at full speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tideflow._src.ops.image.resizing_weights import Taps
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.threaded_ranges import over_ranges

Array = np.ndarray[Any, Any]

#: About how many columns a block of the right-hand matrix has.
_BLOCK = 48
#: Columns of a line, and lines, that are multiplied together.
_PIECE = 96
_LINES = 64
#: Channels from which columns are multiplied pixel by pixel, not all channels of a block at once.
_MANY_CHANNELS = 16
#: Elements of the images that are worked on together, so that they stay in the cache.
_CHUNK = 1 << 18
#: Elements up to which a compiled program multiplies with the whole matrix.
_LARGEST_MATRIX = 1 << 23


class Banded(NamedTuple):
    """Is a sparse matrix of ``shape``: its entries, sorted by row."""

    rows: Array
    columns: Array
    weights: Array
    shape: tuple[int, int]

    def transposed(self) -> Banded:
        """Returns the matrix with rows and columns exchanged."""
        order = np.argsort(self.columns, kind="stable")
        return Banded(self.columns[order], self.rows[order], self.weights[order], self.shape[::-1])

    def blocks(self, height: int) -> Iterator[tuple[int, int, int, int, Array]]:
        """Yields ``(first_row, last_row, first_column, last_column, block)`` for each group of rows."""
        for first in range(0, self.shape[0], height):
            last = min(first + height, self.shape[0])
            begin, end = np.searchsorted(self.rows, (first, last))
            if begin == end:
                yield first, last, 0, 0, np.zeros((last - first, 0), self.weights.dtype)
                continue
            columns = self.columns[begin:end]
            left, right = int(columns.min()), int(columns.max()) + 1
            block = np.zeros((last - first, right - left), self.weights.dtype)
            np.add.at(block, (self.rows[begin:end] - first, columns - left), self.weights[begin:end])
            yield first, last, left, right, block

    def dense(self) -> Array:
        """Returns the whole matrix."""
        matrix = np.zeros(self.shape, self.weights.dtype)
        np.add.at(matrix, (self.rows, self.columns), self.weights)
        return matrix


def banded(taps: Taps, size: int) -> Banded:
    """Returns the matrix that makes a new axis from an old one of ``size`` pixels."""
    count, reach = taps.indices.shape
    used = taps.weights.reshape(-1) != 0
    rows = np.repeat(np.arange(count), reach)[used]
    return Banded(rows, taps.indices.reshape(-1)[used], taps.weights.reshape(-1)[used], (count, size))


def multiply_host(images: Array, rows: Banded, columns: Banded, dtype: Any = np.float32) -> Array:
    """Returns ``rows @ image @ columns.T`` for each image and channel.

    Args:
      images: ``[batch, height, width, channels]`` of any real type.
      rows: the matrix for the rows of pixels, ``[new_height, height]``.
      columns: the matrix for the columns of pixels, ``[new_width, width]``.
      dtype: the type to compute in and to return.
    """
    batch, height, width, channels = images.shape
    new_height, new_width = rows.shape[0], columns.shape[0]
    result = np.empty((batch, new_height, new_width, channels), dtype)
    if result.size == 0:
        return result
    row_blocks = list(_cast(rows, dtype).blocks(_BLOCK))
    across = channels < _MANY_CHANNELS
    if across:
        column_blocks = [
            (*block[:4], np.ascontiguousarray(np.kron(block[4].T, np.eye(channels, dtype=dtype))))
            for block in _cast(columns, dtype).blocks(max(1, _BLOCK // channels))
        ]
    else:
        column_blocks = list(_cast(columns, dtype).blocks(_BLOCK if channels <= _BLOCK else _BLOCK // 3))
    step = max(1, _CHUNK // max(1, max(height, new_height) * max(width, new_width) * channels))
    may_be_infinite = images.dtype.kind not in "iu"

    def work(begin: int, end: int) -> None:
        half = np.empty((step, new_height, width, channels), dtype)
        for start in range(begin, end, step):
            chunk = np.ascontiguousarray(images[start : min(start + step, end)], dtype)
            middle, out = half[: len(chunk)], result[start : start + len(chunk)]
            _multiply_rows(chunk.reshape(len(chunk), height, -1), row_blocks, middle)
            if across:
                _multiply_lines(middle, column_blocks, out)
            else:
                for first, last, left, right, block in column_blocks:
                    np.matmul(block, middle[:, :, left:right], out=out[:, :, first:last])
            if may_be_infinite and not np.isfinite(np.vdot(out, out)):
                _multiply_each(chunk, rows, columns, out)

    over_ranges(work, batch, result.size)
    return result


# Products are cut so small that BLAS does each on one thread: its own threads cost more than they save at this size.


def _multiply_rows(images: Array, blocks: list[Any], out: Array) -> None:
    """Multiplies ``[count, height, line]`` from the left, some columns of each line at a time."""
    count, _, line = images.shape
    flat = out.reshape(count, -1, line)
    pieces = line // _PIECE
    if pieces:
        sources = _pieces(images, pieces)
        targets = _pieces(flat, pieces)
        for first, last, left, right, block in blocks:
            np.matmul(block, sources[:, :, left:right], out=targets[:, :, first:last])
    rest = slice(pieces * _PIECE, line)
    if rest.start < line:
        for first, last, left, right, block in blocks:
            np.matmul(block, images[:, left:right, rest], out=flat[:, first:last, rest])


def _pieces(images: Array, pieces: int) -> Array:
    """Returns a view of ``[count, height, line]`` as ``[count, pieces, height, _PIECE]``."""
    count, height, _ = images.shape
    outer, row, inner = images.strides
    return as_strided(images, (count, pieces, height, _PIECE), (outer, _PIECE * inner, row, inner))


def _multiply_lines(images: Array, blocks: list[Any], out: Array) -> None:
    """Multiplies the lines of ``[count, height, width, channels]`` from the right, some lines at a time."""
    count, height, _, channels = images.shape
    lines, targets = images.reshape(count * height, -1), out.reshape(count * height, -1)
    whole = len(lines) // _LINES * _LINES
    for begin, end, shape in ((0, whole, (-1, _LINES)), (whole, len(lines), (1, len(lines) - whole))):
        if begin == end:
            continue
        source = lines[begin:end].reshape(*shape, lines.shape[1])
        target = targets[begin:end].reshape(*shape, targets.shape[1])
        for first, last, left, right, block in blocks:
            np.matmul(
                source[:, :, left * channels : right * channels],
                block,
                out=target[:, :, first * channels : last * channels],
            )


def _cast(matrix: Banded, dtype: Any) -> Banded:
    return matrix._replace(weights=matrix.weights.astype(dtype, copy=False))


def _multiply_each(images: Array, rows: Banded, columns: Banded, out: Array) -> None:
    """Does the same by single products: an infinity or a NaN meets only the pixels that depend on it."""
    middle = np.zeros((images.shape[0], rows.shape[0], *images.shape[2:]), out.dtype)
    for row, column, weight in zip(rows.rows, rows.columns, rows.weights, strict=True):
        middle[:, row] += images[:, column] * out.dtype.type(weight)
    out[...] = 0
    for row, column, weight in zip(columns.rows, columns.columns, columns.weights, strict=True):
        out[:, :, row] += middle[:, :, column] * out.dtype.type(weight)


def multiply_xla(images: Any, rows: Banded, columns: Banded, dtype: Any = np.float32) -> Any:
    """Does what :func:`multiply_host` does, in a compiled program."""
    may_be_infinite = np.dtype(images.dtype).kind not in "iu"
    values = images.astype(dtype)
    for axis, matrix in ((1, rows), (2, columns)):
        values = _multiply_axis(values, _cast(matrix, dtype), axis, may_be_infinite)
    return values


def _multiply_axis(values: Any, matrix: Banded, axis: int, may_be_infinite: bool) -> Any:
    if matrix.shape[0] * matrix.shape[1] > _LARGEST_MATRIX:
        return _scattered(values, matrix, axis)
    subscripts = "oh,bhwc->bowc" if axis == 1 else "ow,bhwc->bhoc"

    def product(weights: Any, operand: Any) -> Any:
        return jnp.einsum(subscripts, weights, operand, precision=lax.Precision.HIGHEST)

    weights = matrix.dense()
    if not may_be_infinite:
        return product(weights, values)

    def careful(operand: Any) -> Any:
        # Zero times infinity must not count: infinities are left out of the product, and counted beside it.
        finite = jnp.isfinite(operand)
        result = product(weights, jnp.where(finite, operand, 0))
        plus, minus = (weights > 0).astype(weights.dtype), (weights < 0).astype(weights.dtype)
        rising = product(plus, (operand == jnp.inf).astype(weights.dtype))
        rising += product(minus, (operand == -jnp.inf).astype(weights.dtype))
        falling = product(plus, (operand == -jnp.inf).astype(weights.dtype))
        falling += product(minus, (operand == jnp.inf).astype(weights.dtype))
        missing = product(plus + minus, jnp.isnan(operand).astype(weights.dtype))
        result = jnp.where(rising > 0, jnp.inf, result)
        result = jnp.where(falling > 0, -jnp.inf, result)
        return jnp.where((missing > 0) | ((rising > 0) & (falling > 0)), jnp.nan, result)

    return lax.cond(jnp.isfinite(values).all(), lambda operand: product(weights, operand), careful, values)


def _scattered(values: Any, matrix: Banded, axis: int) -> Any:
    """Multiplies entry by entry, where the matrix would be too large."""
    shape = [1] * values.ndim
    shape[axis] = len(matrix.weights)
    terms = jnp.take(values, matrix.columns, axis=axis) * matrix.weights.reshape(shape)
    result_shape = list(values.shape)
    result_shape[axis] = matrix.shape[0]
    place = (slice(None),) * axis + (matrix.rows,)
    return jnp.zeros(result_shape, values.dtype).at[place].add(terms, indices_are_sorted=True)
