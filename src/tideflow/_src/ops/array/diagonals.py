"""Diagonals of batches of matrices, one or a band of them: taken out, put in, and matrices made of them.

What a band is, and how it is aligned, is in :mod:`tideflow._src.ops.array.diagonal_bands`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.context import BUILDING
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.ops.array.diagonal_bands import (
    FREE,
    MAIN,
    Main,
    make_matrix,
    make_matrix_shape,
    set_band,
    set_band_shape,
    take_band,
    take_band_shape,
    zero_of,
)
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.runtime.op import op


@op("MatrixDiag", "diagonal: T -> output: T")
def matrix_diag_op(xp, diagonal):
    """Makes square matrices with the given main diagonals and zeros elsewhere."""
    return make_matrix(xp, diagonal, MAIN, FREE, FREE, zero_of(diagonal), "LEFT_LEFT")


@matrix_diag_op.shape
def _matrix_diag_shape(diagonal):
    if diagonal is not None and not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if diagonal is None else (*diagonal, diagonal[-1])


@matrix_diag_op.gradient
def _matrix_diag_gradient(call, dy):
    return matrix_diag_part_op(dy)


@matrix_diag_op.samples
def _matrix_diag_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype))
    yield s(s.normal(3))
    yield s(s.empty(2, 0))
    yield s(s.normal(), error="InvalidArgumentError")


@op("MatrixDiagPart", "input: T -> diagonal: T")
def matrix_diag_part_op(xp, input):
    """Gives the main diagonals of matrices."""
    return take_band(xp, input, MAIN, zero_of(input), "LEFT_LEFT")


@matrix_diag_part_op.shape
def _matrix_diag_part_shape(input):
    return take_band_shape(input, Main)


@matrix_diag_part_op.gradient
def _matrix_diag_part_gradient(call, dy):
    sizes = static_shape(call.inputs[0])
    if sizes is not None and sizes[-2] is not None and sizes[-2] == sizes[-1]:
        return matrix_diag_op(dy)
    return matrix_set_diag_op(raw.ZerosLike(call.inputs[0]), dy)


@matrix_diag_part_op.samples
def _matrix_diag_part_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 3), dtype))
    yield s(s.normal(2, 3))
    yield s(s.normal(4, 2))
    yield s(s.normal(3), error="InvalidArgumentError")


@op("MatrixSetDiag", "input: T, diagonal: T -> output: T")
def matrix_set_diag_op(xp, input, diagonal):
    """Gives matrices with other main diagonals."""
    return set_band(xp, input, diagonal, MAIN, "LEFT_LEFT")


@matrix_set_diag_op.shape
def _matrix_set_diag_shape(input, diagonal):
    return set_band_shape(input, diagonal, Main)


@matrix_set_diag_op.gradient
def _matrix_set_diag_gradient(call, dy):
    return matrix_set_diag_op(dy, raw.ZerosLike(call.inputs[1])), matrix_diag_part_op(dy)


@matrix_set_diag_op.samples
def _matrix_set_diag_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 3), dtype), s.array((2, 3), dtype))
    yield s(s.normal(2, 3), s.normal(2))
    yield s(s.normal(2, 3), s.normal(3), error="InvalidArgumentError")


#: The gradients leave out the padding value, as TensorFlow's do, so that samples with one have no true derivative.
_BANDS = (0, 1, -1, [0, 1], [-1, 1], [-2, -1], [1, 2])
_ALIGNMENTS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")
_MAKE = "diagonal: T, k: static int32, num_rows: static int32, num_cols: static int32, padding_value: T -> output: T"


def _band_matrix_samples(s: Any, **options: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), 1, -1, -1, s.array((), dtype), gradient=False, **options)
    zero = np.float32(0)
    yield s(s.normal(2, 3), [-1, 0], -1, -1, zero, gradient=False, **options)
    yield s(s.normal(2, 2, 3), [0, 1], -1, -1, np.float32(9), gradient=False, **options)
    yield s(s.normal(3, 3), [-1, 1], 3, 4, zero, gradient=False, **options)
    yield s(s.normal(2), 1, 2, -1, zero, gradient=False, **options)
    yield s(s.normal(2), -1, -1, 2, zero, gradient=False, **options)
    yield s(s.normal(2), 1, 1, 3, zero, error="InvalidArgumentError", gradient=False, **options)
    yield s(s.normal(2, 3), [-1, 1], -1, -1, zero, error="InvalidArgumentError", gradient=False, **options)


@op("MatrixDiagV2", _MAKE)
def matrix_diag_v2(xp, diagonal, k, num_rows, num_cols, padding_value):
    """Makes matrices with the given bands, aligned to the left, and ``padding_value`` elsewhere."""
    return make_matrix(xp, diagonal, k, num_rows, num_cols, padding_value, "LEFT_LEFT")


@matrix_diag_v2.gradient
def _matrix_diag_v2_gradient(call, dy):
    zero = np.zeros((), dy.dtype.as_numpy_dtype)
    return matrix_diag_part_v2(dy, call.inputs[1], zero), None, None, None, None


@matrix_diag_v2.samples
def _matrix_diag_v2_samples(s):
    yield from _band_matrix_samples(s)


@op("MatrixDiagV3", _MAKE)
def matrix_diag_v3(
    xp,
    diagonal,
    k,
    num_rows,
    num_cols,
    padding_value,
    *,
    align: Literal["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"] = "RIGHT_LEFT",
):
    """Makes matrices with the given bands and ``padding_value`` elsewhere."""
    return make_matrix(xp, diagonal, k, num_rows, num_cols, padding_value, align)


@matrix_diag_v3.gradient
def _matrix_diag_v3_gradient(call, dy):
    zero = np.zeros((), dy.dtype.as_numpy_dtype)
    part = matrix_diag_part_v3(dy, call.inputs[1], zero, align=call.attr("align"))
    return part, None, None, None, None


@matrix_diag_v3.samples
def _matrix_diag_v3_samples(s):
    for align in _ALIGNMENTS:
        yield from (
            _band_matrix_samples(s, align=align)
            if align == "RIGHT_LEFT"
            else [s(s.normal(3, 3), [-1, 1], 3, 4, np.float32(2), gradient=False, align=align)]
        )


for _operation in (matrix_diag_v2, matrix_diag_v3):

    @_operation.shape
    def _matrix_diag_band_shape(diagonal, k, num_rows, num_cols, padding_value):
        return make_matrix_shape(diagonal, k, num_rows, num_cols)


def _part_samples(s: Any, **options: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4), dtype), [-1, 1], s.array((), dtype), gradient=False, **options)
    for k in _BANDS:
        yield s(s.normal(3, 4), k, np.float32(7), gradient=False, **options)
    yield s(s.normal(4, 2), [0, 1], np.float32(0), gradient=False, **options)
    yield s(s.normal(2, 3), 5, np.float32(0), error="InvalidArgumentError", gradient=False, **options)
    yield s(s.normal(2, 3), [1, 0], np.float32(0), error="InvalidArgumentError", gradient=False, **options)


@op("MatrixDiagPartV2", "input: T, k: static int32, padding_value: T -> diagonal: T")
def matrix_diag_part_v2(xp, input, k, padding_value):
    """Gives a band of each matrix, aligned to the left and padded with ``padding_value``."""
    return take_band(xp, input, k, padding_value.reshape(()), "LEFT_LEFT")


@matrix_diag_part_v2.gradient
def _matrix_diag_part_v2_gradient(call, dy):
    input, k, _ = call.inputs
    sizes = static_shape(input)
    if sizes is not None and None not in sizes[-2:]:
        zero = np.zeros((), dy.dtype.as_numpy_dtype)
        return matrix_diag_v2(dy, k, sizes[-2], sizes[-1], zero), None, None
    return matrix_set_diag_v2(raw.ZerosLike(input), dy, k), None, None


@matrix_diag_part_v2.samples
def _matrix_diag_part_v2_samples(s):
    yield from _part_samples(s)


@op("MatrixDiagPartV3", "input: T, k: static int32, padding_value: T -> diagonal: T")
def matrix_diag_part_v3(
    xp,
    input,
    k,
    padding_value,
    *,
    align: Literal["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"] = "RIGHT_LEFT",
):
    """Gives a band of each matrix, padded with ``padding_value``."""
    return take_band(xp, input, k, padding_value.reshape(()), align)


@matrix_diag_part_v3.gradient
def _matrix_diag_part_v3_gradient(call, dy):
    input, k, _ = call.inputs
    align = call.attr("align")
    sizes = static_shape(input)
    if sizes is not None and None not in sizes[-2:]:
        zero = np.zeros((), dy.dtype.as_numpy_dtype)
        return matrix_diag_v3(dy, k, sizes[-2], sizes[-1], zero, align=align), None, None
    return matrix_set_diag_v3(raw.ZerosLike(input), dy, k, align=align), None, None


@matrix_diag_part_v3.samples
def _matrix_diag_part_v3_samples(s):
    yield from _part_samples(s)
    for align in _ALIGNMENTS:
        yield s(s.normal(3, 4), [-2, 2], np.float32(7), gradient=False, align=align)


for _operation in (matrix_diag_part_v2, matrix_diag_part_v3):

    @_operation.shape
    def _matrix_diag_part_band_shape(input, k, padding_value):
        return take_band_shape(input, k)


def _set_samples(s: Any, **options: Any) -> Any:
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3, 4), dtype), s.array((2, 2, 3), dtype), [0, 1], **options)
    yield s(s.normal(3, 4), s.normal(2), -1, **options)
    yield s(s.normal(3, 4), s.normal(3, 3), [-1, 1], **options)
    yield s(s.normal(3, 4), s.normal(2), 0, error="InvalidArgumentError", **options)
    yield s(s.normal(3, 4), s.normal(2), 7, error="InvalidArgumentError", **options)


def _set_gradient(set_diagonal: Any, part: Any, call: Any, dy: Any, **options: Any) -> Any:
    _, diagonal, k = call.inputs
    zero = np.zeros((), dy.dtype.as_numpy_dtype)
    return set_diagonal(dy, raw.ZerosLike(diagonal), k, **options), part(dy, k, zero, **options), None


@op("MatrixSetDiagV2", "input: T, diagonal: T, k: static int32 -> output: T")
def matrix_set_diag_v2(xp, input, diagonal, k):
    """Gives matrices with another band, aligned to the left."""
    return set_band(xp, input, diagonal, k, "LEFT_LEFT")


@matrix_set_diag_v2.gradient
def _matrix_set_diag_v2_gradient(call, dy):
    return _set_gradient(matrix_set_diag_v2, matrix_diag_part_v2, call, dy)


@matrix_set_diag_v2.samples
def _matrix_set_diag_v2_samples(s):
    yield from _set_samples(s)


@op("MatrixSetDiagV3", "input: T, diagonal: T, k: static int32 -> output: T")
def matrix_set_diag_v3(
    xp,
    input,
    diagonal,
    k,
    *,
    align: Literal["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"] = "RIGHT_LEFT",
):
    """Gives matrices with another band."""
    return set_band(xp, input, diagonal, k, align)


@matrix_set_diag_v3.gradient
def _matrix_set_diag_v3_gradient(call, dy):
    return _set_gradient(matrix_set_diag_v3, matrix_diag_part_v3, call, dy, align=call.attr("align"))


@matrix_set_diag_v3.samples
def _matrix_set_diag_v3_samples(s):
    yield from _set_samples(s)
    for align in _ALIGNMENTS:
        yield s(s.normal(3, 4), s.normal(3, 3), [-1, 1], align=align)


for _operation in (matrix_set_diag_v2, matrix_set_diag_v3):

    @_operation.shape
    def _matrix_set_band_shape(input, diagonal, k):
        return set_band_shape(input, diagonal, k)


# Public functions.


def _padding(tensor: Any, value: Any) -> Any:
    """Returns the padding value in the form that suits the tensor: for booleans, its default cannot be 0."""
    if tensor.__class__ is EagerTensor and value.__class__ is int and value == 0 and not BUILDING:
        if tensor._value.dtype != object:
            return wrap(np.zeros((), tensor._value.dtype))
    name = getattr(getattr(tensor, "dtype", None), "name", "")
    return bool(value) if name == "bool" and isinstance(value, int) else value


def matrix_diag(
    diagonal: Any,
    name: str | None = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:
    """Returns matrices with the given diagonals.

    Args:
      diagonal: a diagonal, or a band of them, for each matrix.
      name: the node's name.
      k: which diagonal it is, or the lowest and the highest of the band.
      num_rows, num_cols: the sizes of the matrices; the smallest possible if -1.
      padding_value: the value elsewhere.
      align: on which side the diagonals above and below the main one are padded.
    """
    value = _padding(diagonal, padding_value)
    return matrix_diag_v3(diagonal, k, num_rows, num_cols, value, align=align, name=name)


def matrix_diag_part(
    input: Any, name: str | None = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """Returns diagonals of matrices.

    Args:
      input: the matrices.
      name: the node's name.
      k: which diagonal, or the lowest and the highest of a band.
      padding_value: what fills the shorter diagonals of a band.
      align: on which side the diagonals above and below the main one are padded.
    """
    if input.__class__ is not EagerTensor and hasattr(input, "_linop_matmul"):
        return input.diag_part() if name is None else input.diag_part(name)
    return matrix_diag_part_v3(input, k, _padding(input, padding_value), align=align, name=name)


def matrix_set_diag(
    input: Any, diagonal: Any, name: str | None = "set_diag", k: Any = 0, align: str = "RIGHT_LEFT"
) -> Any:
    """Returns matrices with other diagonals.

    Args:
      input: the matrices.
      diagonal: the new diagonal, or band of diagonals, of each.
      name: the node's name.
      k: which diagonal it is, or the lowest and the highest of the band.
      align: on which side the diagonals above and below the main one are padded.
    """
    return matrix_set_diag_v3(input, diagonal, k, align=align, name=name)
