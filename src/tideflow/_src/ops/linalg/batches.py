"""What the operations on batches of matrices share: checks, shapes, precision, and pieces of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.context import BUILDING
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, wrap
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge_dimensions, text, with_rank_at_least
from tideflow._src.ops.math.matrix_product_functions import matmul
from tideflow._src.ops.math.reduction import is_short_float

LINALG_TYPES = ("double", "float", "half", "complex64", "complex128")


# In kernels.


def check_square(x: Any) -> None:
    """Raises an InvalidArgumentError unless ``x`` holds square matrices."""
    check_matrix(x)
    if x.shape[-1] != x.shape[-2]:
        raise InvalidArgumentError(None, None, f"Input matrix must be square, got shape {text(tuple(x.shape))}.")


def check_matrix(x: Any) -> None:
    """Raises an InvalidArgumentError unless ``x`` has two dimensions or more."""
    if x.ndim < 2:
        raise InvalidArgumentError(None, None, f"Input tensor must have rank >= 2, got shape {text(tuple(x.shape))}.")


def widened(x: Any) -> Any:
    """Returns 16-bit floats as 32-bit ones, with which LAPACK can work."""
    return x.astype(np.float32) if is_short_float(np.dtype(x.dtype)) else x


def adjoint_array(xp: Any, x: Any) -> Any:
    """Returns the conjugate transposes of the matrices of an array."""
    return xp.swapaxes(xp.conj(x) if x.dtype.kind == "c" else x, -1, -2)


# In shape rules.


def square_shape(x: Any) -> Any:
    """Is the shape of square matrices, as far as it is known."""
    x = with_rank_at_least(x, 2)
    if x is None:
        return None
    size = merge_dimensions(x[-2], x[-1])
    return (*x[:-2], size, size)


# In gradients and public functions.


def transposed(x: Any, *, conjugate: bool = False) -> Any:
    """Returns the (conjugate) transposes of the matrices of a tensor."""
    if conjugate and x.dtype.is_complex:
        x = raw.Conj(x)
    shape = known_shape(x)
    if shape is not None:
        order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
        return raw.Transpose(x, np.array(order, np.int32), name="transpose")
    rank = raw.Rank(x)
    one = np.int32(1)
    before = raw.Range(np.int32(0), raw.Sub(rank, np.int32(2)), one)
    last = raw.Pack([raw.Sub(rank, one), raw.Sub(rank, np.int32(2))])
    return raw.Transpose(x, raw.ConcatV2([before, last], np.int32(0)), name="transpose")


def adjoint(x: Any) -> Any:
    """Returns the conjugate transposes of the matrices of a tensor."""
    return transposed(x, conjugate=True)


def product(a: Any, b: Any, **options: bool) -> Any:
    """Multiplies the matrices of two tensors."""
    return matmul(a, b, **options)


def zero_like(x: Any) -> Any:
    """Returns a scalar zero of the dtype of ``x``, in the form that eager calls take fastest."""
    if x.__class__ is EagerTensor and not BUILDING:
        return wrap(np.zeros((), x._value.dtype))
    return np.zeros((), x.dtype.as_numpy_dtype)


def diagonal_matrix(x: Any) -> Any:
    """Returns square matrices with the given diagonals."""
    return raw.MatrixDiagV3(x, np.int32(0), np.int32(-1), np.int32(-1), zero_like(x))


def diagonal_of(x: Any) -> Any:
    """Returns the diagonals of matrices."""
    return raw.MatrixDiagPartV3(x, np.int32(0), zero_like(x))


def with_diagonal(x: Any, diagonal: Any) -> Any:
    """Returns matrices with another diagonal."""
    return raw.MatrixSetDiagV3(x, diagonal, np.int32(0))


def lower_triangle(x: Any) -> Any:
    """Returns matrices with zeros above the diagonal."""
    return raw.MatrixBandPart(x, np.int64(-1), np.int64(0))


def upper_triangle(x: Any) -> Any:
    """Returns matrices with zeros below the diagonal."""
    return raw.MatrixBandPart(x, np.int64(0), np.int64(-1))


def constant_like(value: float, x: Any) -> Any:
    """Returns a scalar constant of the dtype of ``x``."""
    return np.asarray(value, x.dtype.as_numpy_dtype)


def for_each_matrix(scalars: Any) -> Any:
    """Adds two dimensions of size 1 at the end, so that one number meets one matrix."""
    return raw.ExpandDims(raw.ExpandDims(scalars, np.int32(-1)), np.int32(-1))
