"""Takes bands out of matrices, puts them in, and makes matrices of them: what the operations on diagonals share.

A band is a range of diagonals, numbered from 0 for the main one, upwards. The tensor of a band holds a diagonal in each
row, the highest first; shorter diagonals are padded, and ``align`` says on which side, above and below the main one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.dimensions import merge, merge_dimensions
from tideflow._src.runtime.checks import require_memory, scalar

#: ``k`` of the main diagonal, and an unspecified number of rows or columns.
MAIN = np.array(0, np.int32)
FREE = np.array(-1, np.int32)


class Main:
    """Is the static value of ``k`` for the main diagonal."""

    value = MAIN


def zero_of(value: Any) -> Any:
    """Returns the zero of the dtype of an array, which for strings is the empty one."""
    return np.array(b"", object) if _is_string(value) else np.zeros((), value.dtype)


def limits_of(k: Any) -> tuple[int, int]:
    """Returns the lowest and the highest diagonal of a band."""
    if k.ndim > 1 or k.size not in (1, 2):
        raise ValueError(f"diag_index must be a scalar or a vector of one or two, got shape {list(k.shape)}")
    values = k.reshape(-1).tolist()
    low, high = values[0], values[-1]
    if low > high:
        raise ValueError(f"lower_diag_index must not be larger than upper_diag_index: {low} > {high}")
    return low, high


def check_limits(low: int, high: int, rows: int, columns: int) -> None:
    """Raises a ValueError unless a band lies inside of matrices of the given size."""
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


# One diagonal is handled without places: it lies at equal distances in memory.


def _elements(matrix: Any, k: int, length: int) -> Any:
    """Returns the elements of one diagonal of fresh NumPy matrices, to be written to."""
    rows, columns = matrix.shape[-2:]
    first = k if k >= 0 else -k * columns
    flat = matrix.reshape((*matrix.shape[:-2], rows * columns))
    return flat[..., first : first + length * (columns + 1) : columns + 1][..., :length]


def _with_diagonal(xp: Any, matrix: Any, rows: int, columns: int, diagonal: Any, k: int) -> Any:
    """Returns matrices, or matrices of one value, with one diagonal set."""
    length = diagonal.shape[-1]
    lead = tuple(diagonal.shape[:-1])
    if not length or not rows or not columns:
        return xp.broadcast_to(matrix, (*lead, rows, columns))
    if xp is np:
        result = np.empty((*lead, rows, columns), diagonal.dtype)
        result[...] = matrix
        _elements(result, k, length)[...] = diagonal
        return result
    before = max(k, 0)
    around = [(0, 0)] * len(lead)
    by_column = xp.pad(diagonal, [*around, (before, columns - before - length)])[..., None, :]
    inside = xp.arange(rows)[:, None] + k == xp.arange(columns)[None, :]
    return xp.where(inside, by_column, matrix)


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


def make_matrix(xp: Any, diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding: Any, align: str) -> Any:
    """Returns matrices made of bands."""
    if not diagonal.shape:
        raise invalid_argument("diagonal must be at least 1-dim, received shape: []")
    num_rows, num_cols = scalar(num_rows, "num_rows"), scalar(num_cols, "num_cols")
    padding = scalar(padding, "padding_value")
    low, high = limits_of(k)
    length = diagonal.shape[-1]
    flat = _band_rows(low, high, diagonal)
    rows, columns = _matrix_sizes(low, high, length, int(num_rows), int(num_cols))
    require_memory((*diagonal.shape[: -1 if low == high else -2], rows, columns), diagonal.dtype.itemsize)
    if low == high:
        return _with_diagonal(xp, padding, rows, columns, diagonal, low)
    return _picked(xp, flat, _places(low, high, rows, columns, length, align), padding)


def make_matrix_shape(diagonal: Any, k: Any, num_rows: Any, num_cols: Any) -> Any:
    """Infers the shape of matrices made of bands."""
    if diagonal is None:
        return None
    if not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if k.value is None:
        return None
    low, high = limits_of(np.asarray(k.value))
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


def take_band(xp: Any, input: Any, k: Any, padding: Any, align: str) -> Any:
    """Returns the bands of matrices."""
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise invalid_argument(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    low, high = limits_of(k)
    rows, columns = sizes[-2:]
    check_limits(low, high, rows, columns)
    length = _longest(low, high, rows, columns)
    if low == high:
        part = xp.diagonal(input, low, -2, -1)
        return np.array(part) if xp is np else part
    count = high - low + 1
    places = np.full(count * length, -1, np.int64)
    band = _places(low, high, rows, columns, length, align)
    inside = band >= 0
    places[band[inside]] = np.flatnonzero(inside)
    places = places.reshape(count, length)
    return _picked(xp, input.reshape((*sizes[:-2], rows * columns)), places, padding)


def take_band_shape(input: Any, k: Any) -> Any:
    """Infers the shape of the bands of matrices."""
    if input is None:
        return None
    if len(input) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(input)}")
    if k.value is None:
        return None
    low, high = limits_of(np.asarray(k.value))
    rows, columns = input[-2:]
    length = None
    if rows is not None and columns is not None:
        check_limits(low, high, rows, columns)
        length = _longest(low, high, rows, columns)
    lead = input[:-2]
    return (*lead, length) if low == high else (*lead, high - low + 1, length)


def set_band(xp: Any, input: Any, diagonal: Any, k: Any, align: str) -> Any:
    """Returns matrices with other bands."""
    sizes = tuple(input.shape)
    if len(sizes) < 2:
        raise invalid_argument(f"input must be at least 2-dim, received shape: {shape_text(sizes)}")
    low, high = limits_of(k)
    rows, columns = sizes[-2:]
    check_limits(low, high, rows, columns)
    length = _longest(low, high, rows, columns)
    count = high - low + 1
    expected = (*sizes[:-2], length) if count == 1 else (*sizes[:-2], count, length)
    if tuple(diagonal.shape) != expected:
        raise invalid_argument(
            f"Either first dimensions of diagonal don't match input.shape[:-2], or its last ones are not those of the "
            f"band: expected {shape_text(expected)}, got {shape_text(tuple(diagonal.shape))}"
        )
    if count == 1:
        return _with_diagonal(xp, input, rows, columns, diagonal, low)
    return _picked(
        xp,
        _band_rows(low, high, diagonal),
        _places(low, high, rows, columns, length, align),
        input,
    )


def set_band_shape(input: Any, diagonal: Any, k: Any) -> Any:
    """Infers the shape of matrices with other bands."""
    if input is not None and len(input) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(input)}")
    if diagonal is not None and not diagonal:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if k.value is None or input is None:
        return input
    low, high = limits_of(np.asarray(k.value))
    if None not in input[-2:]:
        check_limits(low, high, *input[-2:])
    if diagonal is not None:
        rank = len(input) - (1 if low == high else 0)
        if len(diagonal) != rank:
            raise ValueError(f"Shape must be rank {rank} but is rank {len(diagonal)}")
        lead = merge(input[:-2], diagonal[: len(input) - 2])
        if low != high:
            merge_dimensions(diagonal[-2], high - low + 1)
        if k is Main and None not in input[-2:]:  # for other diagonals TensorFlow looks when it runs
            merge_dimensions(diagonal[-1], _longest(low, high, *input[-2:]))
        return (*lead, *input[-2:])
    return input
