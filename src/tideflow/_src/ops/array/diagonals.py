"""Diagonals and bands of matrices: taken out, put in, and matrices made of them.

A band is a range of diagonals, numbered from 0 for the main one, upwards. The tensor of a band holds a diagonal in each
row, the highest first; shorter diagonals are padded, and ``align`` says on which side, above and below the main one.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw, static_shape
from tideflow._src.ops.dimensions import merge, merge_dimensions
from tideflow._src.runtime.op import op

_DIAGONAL_TYPES = ("bfloat16", "half", "float", "double", "int32", "int64", "complex64", "complex128")
Align = Literal["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"]


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError(None, None, message)


# Diagonals of tensors of any even rank.


@op("Diag", "diagonal: T -> output: T", T=_DIAGONAL_TYPES)
def diag_op(xp, diagonal):
    """Makes a tensor of twice the rank with ``diagonal`` on its diagonal and zeros elsewhere."""
    sizes = tuple(diagonal.shape)
    if not sizes:
        raise _invalid("Input must be at least rank 1, got 0")
    count = int(np.prod(sizes, dtype=np.int64))
    inside = np.eye(count, dtype=bool)
    matrix = xp.where(inside, diagonal.reshape((count, 1)), np.zeros((), diagonal.dtype))
    return matrix.reshape((*sizes, *sizes))


@diag_op.shape
def _diag_shape(diagonal):
    if diagonal is not None and not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return None if diagonal is None else (*diagonal, *diagonal)


@diag_op.gradient
def _diag_gradient(call, dy):
    return diag_part_op(dy)


@diag_op.samples
def _diag_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3,), dtype))
    yield s(s.normal(2, 3))
    yield s(s.normal(), error="InvalidArgumentError")


@op("DiagPart", "input: T -> diagonal: T", T=_DIAGONAL_TYPES)
def diag_part_op(xp, input):
    """Gives the diagonal of a tensor whose shape is that of the diagonal twice."""
    sizes = tuple(input.shape)
    half = len(sizes) // 2
    if not sizes or len(sizes) % 2:
        raise _invalid(f"The rank of the tensor should be even and positive, got shape {shape_text(sizes)}")
    for place in range(half):
        if sizes[place] != sizes[place + half]:
            raise _invalid(f"Invalid shape {shape_text(sizes)}: dimensions {place} and {place + half} do not match.")
    count = int(np.prod(sizes[:half], dtype=np.int64))
    return xp.diagonal(input.reshape((count, count))).reshape(sizes[:half])


@diag_part_op.shape
def _diag_part_shape(input):
    if input is None:
        return None
    if not input or len(input) % 2:
        raise ValueError(f"Input must have even and non-zero rank, input rank is {len(input)}")
    half = len(input) // 2
    return merge(input[:half], input[half:])


@diag_part_op.gradient
def _diag_part_gradient(call, dy):
    return diag_op(dy)


@diag_part_op.samples
def _diag_part_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((3, 3), dtype))
    yield s(s.normal(2, 3, 2, 3))
    yield s(s.normal(2, 3), error="InvalidArgumentError")
    yield s(s.normal(2, 3, 4), error="InvalidArgumentError")


# Bands of batches of matrices.


def _limits(k: Any) -> tuple[int, int]:
    """Returns the lowest and the highest diagonal of a band."""
    if k.ndim > 1 or k.size not in (1, 2):
        raise ValueError(f"diag_index must be a scalar or a vector of one or two, got shape {list(k.shape)}")
    values = k.reshape(-1).tolist()
    low, high = values[0], values[-1]
    if low > high:
        raise ValueError(f"lower_diag_index must not be larger than upper_diag_index: {low} > {high}")
    return low, high


def _check_limits(low: int, high: int, rows: int, columns: int) -> None:
    for name, value in (("lower", low), ("upper", high)):
        if not (-rows < value < columns or value == 0):
            raise ValueError(f"{name}_diag_index is out of bound: {value}. It must be between {-rows} and {columns}")


def _longest(low: int, high: int, rows: int, columns: int) -> int:
    return min(rows + min(high, 0), columns - max(low, 0))


def _places(low: int, high: int, rows: int, columns: int, length: int, align: str) -> np.ndarray[Any, Any]:
    """Returns, for each element of a matrix, its place in the flattened band, or -1 outside of the band."""
    row, column = np.arange(rows)[:, None], np.arange(columns)[None, :]
    diagonal = column - row
    extent = np.minimum(rows + np.minimum(diagonal, 0), columns - np.maximum(diagonal, 0))
    above_left, below_left = align.startswith("LEFT"), align.endswith("LEFT")
    left = ((diagonal >= 0) & above_left) | ((diagonal <= 0) & below_left)
    position = np.minimum(row, column) + np.where(left, 0, length - extent)
    return np.where((diagonal >= low) & (diagonal <= high), (high - diagonal) * length + position, -1)


def _is_string(value: Any) -> bool:
    return bool(value.dtype == object)


def _picked(xp: Any, flat: Any, places: np.ndarray[Any, Any], otherwise: Any) -> Any:
    """Returns the elements of ``flat[..., places]``, or ``otherwise`` where the place is -1."""
    if not flat.shape[-1]:
        return xp.broadcast_to(otherwise, (*flat.shape[:-1], *places.shape))
    return xp.where(places >= 0, xp.take(flat, np.maximum(places, 0), axis=-1), otherwise)


def _band_rows(low: int, high: int, diagonal: Any) -> Any:
    """Returns the band flattened, its rows checked to be as many as the diagonals."""
    count = high - low + 1
    sizes = tuple(diagonal.shape)
    if count == 1:
        return diagonal
    if len(sizes) < 2 or sizes[-2] != count:
        raise ValueError(
            f"The number of diagonals provided in the input does not match the lower_diag_index and upper_diag_index "
            f"range: {count} diagonals, shape {shape_text(sizes)}"
        )
    return diagonal.reshape((*sizes[:-2], count * sizes[-1]))


def _matrix_sizes(low: int, high: int, length: int, rows: int, columns: int) -> tuple[int, int]:
    """Returns the sizes of the matrix that a band makes; -1 stands for the smallest that is possible."""
    least_rows, least_columns = length - min(high, 0), length + max(low, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    elif rows == -1:
        rows = least_rows
    elif columns == -1:
        columns = least_columns
    if rows < least_rows:
        raise ValueError("The number of rows is too small.")
    if columns < least_columns:
        raise ValueError("The number of columns is too small.")
    if rows != least_rows and columns != least_columns:
        raise ValueError(
            "The number of rows or columns is not consistent with the specified d_lower, d_upper, and diagonal."
        )
    return rows, columns


def _make_matrix(xp: Any, diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding: Any, align: str) -> Any:
    if not diagonal.shape:
        raise _invalid("diagonal must be at least 1-dim, received shape: []")
    low, high = _limits(k)
    length = diagonal.shape[-1]
    flat = _band_rows(low, high, diagonal)
    rows, columns = _matrix_sizes(low, high, length, int(num_rows.reshape(())), int(num_cols.reshape(())))
    return _picked(xp, flat, _places(low, high, rows, columns, length, align), padding.reshape(()))


def _make_matrix_shape(diagonal: Any, k: Any, num_rows: Any, num_cols: Any) -> Any:
    if diagonal is None:
        return None
    if not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if k.value is None:
        return None
    low, high = _limits(np.asarray(k.value))
    lead = diagonal[:-1]
    if low < high:
        if len(diagonal) < 2:
            raise ValueError(f"Shape must be at least rank 2 but is rank {len(diagonal)}")
        merge_dimensions(diagonal[-2], high - low + 1)
        lead = diagonal[:-2]
    wanted = [None if item.value is None else int(np.asarray(item.value)) for item in (num_rows, num_cols)]
    length = diagonal[-1]
    if length is None:
        return (*lead, *(None if item in (None, -1) else item for item in wanted))
    if None in wanted:
        return (*lead, *(None if item in (None, -1) else item for item in wanted))
    return (*lead, *_matrix_sizes(low, high, length, *wanted))


def _take_band(xp: Any, input: Any, k: Any, padding: Any, align: str) -> Any:
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise _invalid(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    low, high = _limits(k)
    rows, columns = sizes[-2:]
    _check_limits(low, high, rows, columns)
    length = _longest(low, high, rows, columns)
    count = high - low + 1
    places = np.full(count * length, -1, np.int64)
    band = _places(low, high, rows, columns, length, align)
    inside = band >= 0
    places[band[inside]] = np.flatnonzero(inside)
    if count > 1:
        places = places.reshape(count, length)
    return _picked(xp, input.reshape((*sizes[:-2], rows * columns)), places, padding)


def _take_band_shape(input: Any, k: Any) -> Any:
    if input is None:
        return None
    if len(input) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(input)}")
    if k.value is None:
        return None
    low, high = _limits(np.asarray(k.value))
    rows, columns = input[-2:]
    length = None
    if rows is not None and columns is not None:
        _check_limits(low, high, rows, columns)
        length = _longest(low, high, rows, columns)
    lead = input[:-2]
    return (*lead, length) if low == high else (*lead, high - low + 1, length)


def _set_band(xp: Any, input: Any, diagonal: Any, k: Any, align: str) -> Any:
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise _invalid(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    low, high = _limits(k)
    rows, columns = sizes[-2:]
    _check_limits(low, high, rows, columns)
    length = _longest(low, high, rows, columns)
    count = high - low + 1
    expected = (*sizes[:-2], length) if count == 1 else (*sizes[:-2], count, length)
    if tuple(diagonal.shape) != expected:
        raise _invalid(
            f"Either first dimensions of diagonal don't match input.shape[:-2], or its last ones are not those of the "
            f"band: expected {shape_text(expected)}, got {shape_text(tuple(diagonal.shape))}"
        )
    return _picked(
        xp,
        _band_rows(low, high, diagonal),
        _places(low, high, rows, columns, length, align),
        input,
    )


def _set_band_shape(input: Any, diagonal: Any, k: Any) -> Any:
    if input is not None and len(input) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(input)}")
    if diagonal is not None and not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if k.value is None or input is None:
        return input
    low, high = _limits(np.asarray(k.value))
    if None not in input[-2:]:
        _check_limits(low, high, *input[-2:])
    if diagonal is not None:
        rank = len(input) - (1 if low == high else 0)
        if len(diagonal) != rank:
            raise ValueError(f"Shape must be rank {rank} but is rank {len(diagonal)}")
        lead = merge(input[:-2], diagonal[: len(input) - 2])
        if low != high:
            merge_dimensions(diagonal[-2], high - low + 1)
        if k is _Main and None not in input[-2:]:  # for other diagonals TensorFlow looks when it runs
            merge_dimensions(diagonal[-1], _longest(low, high, *input[-2:]))
        return (*lead, *input[-2:])
    return input


_MAIN = np.array(0, np.int32)
_FREE = np.array(-1, np.int32)


def _zero_of(value: Any) -> Any:
    return np.array(b"", object) if _is_string(value) else np.zeros((), value.dtype)


class _Main:
    """Is the static value of ``k`` for the main diagonal."""

    value = _MAIN


class _Free:
    """Is the static value of an unspecified number of rows or columns."""

    value = _FREE


@op("MatrixDiag", "diagonal: T -> output: T")
def matrix_diag_op(xp, diagonal):
    """Makes square matrices with the given main diagonals and zeros elsewhere."""
    return _make_matrix(xp, diagonal, _MAIN, _FREE, _FREE, _zero_of(diagonal), "LEFT_LEFT")


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
    return _take_band(xp, input, _MAIN, _zero_of(input), "LEFT_LEFT")


@matrix_diag_part_op.shape
def _matrix_diag_part_shape(input):
    return _take_band_shape(input, _Main)


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
    return _set_band(xp, input, diagonal, _MAIN, "LEFT_LEFT")


@matrix_set_diag_op.shape
def _matrix_set_diag_shape(input, diagonal):
    return _set_band_shape(input, diagonal, _Main)


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
    return _make_matrix(xp, diagonal, k, num_rows, num_cols, padding_value, "LEFT_LEFT")


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
    return _make_matrix(xp, diagonal, k, num_rows, num_cols, padding_value, align)


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
        return _make_matrix_shape(diagonal, k, num_rows, num_cols)


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
    return _take_band(xp, input, k, padding_value.reshape(()), "LEFT_LEFT")


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
    return _take_band(xp, input, k, padding_value.reshape(()), align)


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
        return _take_band_shape(input, k)


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
    return _set_band(xp, input, diagonal, k, "LEFT_LEFT")


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
    return _set_band(xp, input, diagonal, k, align)


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
        return _set_band_shape(input, diagonal, k)


# Everything outside a band set to zero.


def _band_part(xp: Any, input: Any, num_lower: Any, num_upper: Any) -> Any:
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise _invalid(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    rows, columns = sizes[-2:]
    for name, value in (("num_lower", num_lower), ("num_upper", num_upper)):
        if value.shape:
            raise _invalid(f"{name} must be scalar, got shape {shape_text(value.shape)}")
    low, high = int(num_lower), int(num_upper)
    if low > rows:
        raise _invalid(f"num_lower must be negative or less or equal to number of rows ({rows}) got: {low}")
    if high > columns:
        raise _invalid(f"num_upper must be negative or less or equal to number of columns ({columns}) got: {high}")
    offset = np.arange(columns)[None, :] - np.arange(rows)[:, None]
    inside = ((offset >= -low) | (low < 0)) & ((offset <= high) | (high < 0))
    return xp.where(inside, input, _zero_of(input))


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


# Public functions.


def _padding(tensor: Any, value: Any) -> Any:
    """Returns the padding value as a boolean for boolean tensors, whose default cannot be 0."""
    name = getattr(getattr(tensor, "dtype", None), "name", "")
    return bool(value) if name == "bool" and isinstance(value, int) else value


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """Returns a tensor of twice the rank with ``diagonal`` on its diagonal and zeros elsewhere."""
    return diag_op(diagonal, name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """Returns the diagonal of a tensor whose shape is that of the diagonal twice."""
    return diag_part_op(input, name=name)


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


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Returns matrices with everything outside a band set to zero.

    Args:
      input: the matrices.
      num_lower, num_upper: how many diagonals to keep below and above the main one; all if negative.
      name: the node's name.
    """
    return matrix_band_part_op(input, num_lower, num_upper, name=name)
