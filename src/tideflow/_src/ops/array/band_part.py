"""Matrices with everything outside a band set to zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.diagonal_bands import zero_of
from tideflow._src.runtime.op import op

#: Elements from which on copying row by row is faster than choosing element by element.
_MANY = 1 << 16


def _rows_kept(input: Any, low: int, high: int) -> Any:
    """Copies what lies inside of the band, row by row, into zeros."""
    rows, columns = input.shape[-2:]
    if low < 0 and high < 0:
        return input
    result = np.zeros(input.shape, input.dtype)
    for row in range(rows):
        begin = 0 if low < 0 else max(row - low, 0)
        end = columns if high < 0 else min(row + high + 1, columns)
        if begin < end:
            result[..., row, begin:end] = input[..., row, begin:end]
    return result


def _band_part(xp: Any, input: Any, num_lower: Any, num_upper: Any) -> Any:
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise invalid_argument(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    rows, columns = sizes[-2:]
    for name, value in (("num_lower", num_lower), ("num_upper", num_upper)):
        if value.shape:
            raise invalid_argument(f"{name} must be scalar, got shape {shape_text(value.shape)}")
    low, high = int(num_lower), int(num_upper)
    if low > rows:
        raise invalid_argument(f"num_lower must be negative or less or equal to number of rows ({rows}) got: {low}")
    if high > columns:
        raise invalid_argument(
            f"num_upper must be negative or less or equal to number of columns ({columns}) got: {high}"
        )
    if xp is np and input.size >= _MANY and input.dtype != object:
        return _rows_kept(input, low, high)
    inside = None
    if high >= 0:
        inside = xp.tri(rows, columns, high, bool)
    if low >= 0:
        above = ~xp.tri(rows, columns, -low - 1, bool)
        inside = above if inside is None else inside & above
    if inside is None:
        return input
    return xp.where(inside, input, zero_of(input))


def _band_part_shape(input: Any, num_lower: Any, num_upper: Any) -> Any:
    for item in (num_lower, num_upper):
        if item.shape:
            raise ValueError(f"Shape must be rank 0 but is rank {len(item.shape)}")
    return input


def _band_part_samples(s: Any) -> Any:
    index = np.int64
    for dtype in s.dtypes("T"):
        if dtype.name != "string":
            yield s(s.array((2, 3, 3), dtype), index(0), index(1))
    for low, high in ((-1, 0), (0, -1), (1, 0), (-1, -1), (2, 2)):
        yield s(s.normal(3, 4), index(low), index(high))
    yield s(s.normal(3, 4), index(5), index(0), error="InvalidArgumentError")
    yield s(s.normal(3), index(0), index(0), error="InvalidArgumentError")


@op(
    "MatrixBandPart",
    "input: T, num_lower: static Tindex, num_upper: static Tindex -> band: T",
    Tindex=default("int64", INDEX),
)
def matrix_band_part_op(xp, input, num_lower, num_upper):
    """Keeps a band of each matrix, ``num_lower`` diagonals below and ``num_upper`` above the main one."""
    return _band_part(xp, input, num_lower, num_upper)


@matrix_band_part_op.gradient
def _matrix_band_part_gradient(call, dy):
    return matrix_band_part_op(dy, call.inputs[1], call.inputs[2]), None, None


matrix_band_part_op.shape(_band_part_shape)
matrix_band_part_op.samples(_band_part_samples)


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Returns matrices with everything outside a band set to zero.

    Args:
      input: the matrices.
      num_lower, num_upper: how many diagonals to keep below and above the main one; all if negative.
      name: the node's name.
    """
    return matrix_band_part_op(input, num_lower, num_upper, name=name)
