"""Triangular systems whose matrices have few diagonals.

Each row of the bands is a diagonal, the main one first if the matrix is lower triangular and last if it is upper
triangular. Its elements stand at the places of their rows: those below the main diagonal have gaps on the left, those
above it on the right, which are not read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge_dimensions, text, with_rank_at_least
from tideflow._src.ops.linalg.batches import LINALG_TYPES, product, widened
from tideflow._src.ops.math.matrix_product import unbroadcast_batch
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op


def _check(matrix: Any, rhs: Any) -> tuple[int, ...]:
    """Returns the shape of the batch, or rejects the inputs."""
    for position, item in enumerate((matrix, rhs)):
        if item.ndim < 2:
            raise invalid_argument(f"In[{position}] ndims must be >= 2: {item.ndim}")
        if not item.size:
            raise invalid_argument(f"In[{position}] must not be an empty tensor: shape {text(tuple(item.shape))}")
    if matrix.shape[-1] != rhs.shape[-2]:
        raise invalid_argument(
            f"In[0] mismatch In[1] shape: {matrix.shape[-1]} vs. {rhs.shape[-2]}: "
            f"{text(tuple(matrix.shape))} {text(tuple(rhs.shape))}"
        )
    try:
        return broadcast(tuple(matrix.shape[:-2]), tuple(rhs.shape[:-2])) or ()  # type: ignore[return-value]
    except ValueError:
        raise invalid_argument(
            "In[0] and In[1] must have compatible batch dimensions: "
            f"{text(tuple(matrix.shape))} vs. {text(tuple(rhs.shape))}"
        ) from None


def _by_columns(xp: Any, bands: Any, lower: bool) -> Any:
    """Moves each diagonal so that its elements stand at the places of their columns."""
    count = bands.shape[-2]
    moved = []
    for row in range(count):
        offset = row if lower else count - 1 - row
        band = bands[..., row, :]
        gap = xp.zeros((*band.shape[:-1], min(offset, band.shape[-1])), band.dtype)
        moved.append(xp.concatenate([band[..., offset:], gap] if lower else [gap, band[..., : -offset or None]], -1))
    return xp.stack(moved, -2)


def _as_lower(xp: Any, bands: Any, rhs: Any, lower: bool, adjoint: bool) -> tuple[Any, Any, bool]:
    """Returns an equal system with lower triangular matrices, and whether its rows are in reverse order."""
    if adjoint:
        bands = _by_columns(xp, bands, lower)[..., ::-1, :]
        bands = xp.conj(bands) if bands.dtype.kind == "c" else bands
        lower = not lower
    if lower:
        return bands, rhs, False
    return bands[..., ::-1, ::-1], rhs[..., ::-1, :], True


def _at_most_square(bands: Any, lower: bool) -> Any:
    """Leaves out diagonals that lie outside of the matrix, which TensorFlow accepts eagerly."""
    size = bands.shape[-1]
    if bands.shape[-2] <= size:
        return bands
    return bands[..., :size, :] if lower else bands[..., -size:, :]


@op("BandedTriangularSolve", "matrix: T, rhs: T -> output: T", T=LINALG_TYPES)
def banded_triangular_solve_op(xp, matrix, rhs, *, lower: bool = True, adjoint: bool = False):
    """Solves triangular systems whose matrices are given as bands."""
    batch = _check(matrix, rhs)
    bands, right = _at_most_square(widened(matrix), lower), widened(rhs)
    require(jnp.all(bands[..., 0 if lower else -1, :] != 0), "Input matrix is not invertible.")
    bands, right, backwards = _as_lower(jnp, bands, right, lower, adjoint)
    right = jnp.broadcast_to(right, batch + right.shape[-2:])
    bands = jnp.broadcast_to(bands, batch + bands.shape[-2:])
    count = bands.shape[-2] - 1
    before = jnp.zeros((*batch, count, right.shape[-1]), right.dtype)

    def substitute(before: Any, row: Any) -> Any:
        band, b = row
        known = jnp.sum(band[..., 1:, None] * before, -2)
        x = (b - known) / band[..., :1]
        return jnp.concatenate([x[..., None, :], before], -2)[..., :count, :], x

    inside = np.arange(bands.shape[-2])[:, None] <= np.arange(bands.shape[-1])[None, :]
    rows = jnp.moveaxis(jnp.where(inside, bands, 0), -1, 0), jnp.moveaxis(right, -2, 0)
    solution = jnp.moveaxis(lax.scan(substitute, before, rows)[1], 0, -2)
    return (solution[..., ::-1, :] if backwards else solution).astype(rhs.dtype)


@banded_triangular_solve_op.host
def _banded_triangular_solve_host(matrix, rhs, *, lower: bool = True, adjoint: bool = False):
    batch = _check(matrix, rhs)
    bands, right = _at_most_square(widened(np.asarray(matrix)), lower), widened(np.asarray(rhs))
    if not np.all(bands[..., 0 if lower else -1, :]):
        raise invalid_argument("Input matrix is not invertible.")
    size = right.shape[-2]
    if int(np.prod(batch, dtype=np.int64)) <= size:
        return _by_lapack(bands, right, batch, lower, adjoint).astype(rhs.dtype)
    bands, right, backwards = _as_lower(np, bands, right, lower, adjoint)
    solution = np.array(np.broadcast_to(right, batch + right.shape[-2:]))
    for row in range(size):
        count = min(bands.shape[-2] - 1, row)
        value = solution[..., row, :]
        if count:
            band = bands[..., 1 : count + 1, row][..., ::-1, None]
            value = value - np.sum(band * solution[..., row - count : row, :], axis=-2)
        solution[..., row, :] = value / bands[..., :1, row]
    return (solution[..., ::-1, :] if backwards else solution).astype(rhs.dtype)


def _by_lapack(bands: Any, right: Any, batch: tuple[int, ...], lower: bool, adjoint: bool) -> Any:
    """Solves few systems one by one: a call of LAPACK costs less than a row of NumPy operations."""
    from scipy.linalg.lapack import get_lapack_funcs  # loads SciPy, which JAX requires

    (solve,) = get_lapack_funcs(("tbtrs",), dtype=right.dtype)
    columns = _by_columns(np, bands, lower)
    columns = np.broadcast_to(columns, batch + columns.shape[-2:]).reshape(-1, *columns.shape[-2:])
    result = np.empty(batch + right.shape[-2:], right.dtype)
    flat = result.reshape(-1, *right.shape[-2:])
    flat[...] = np.broadcast_to(right, result.shape).reshape(flat.shape)
    for matrix, solution in zip(columns, flat, strict=True):
        found, _ = solve(matrix, solution, uplo="L" if lower else "U", trans="C" if adjoint else "N")
        solution[...] = found
    return result


@banded_triangular_solve_op.shape
def _banded_triangular_solve_shape(matrix, rhs):
    matrix, rhs = with_rank_at_least(matrix, 2), with_rank_at_least(rhs, 2)
    if matrix is not None and None not in matrix[-2:] and matrix[-2] > matrix[-1]:
        raise ValueError(f"Number of bands {matrix[-2]} cannot exceed the size of the matrix {matrix[-1]}")
    if matrix is None or rhs is None:
        return None
    batch = broadcast(matrix[:-2], rhs[:-2])
    rows = merge_dimensions(matrix[-1], rhs[-2])
    return None if batch is None else (*batch, rows, rhs[-1])


@banded_triangular_solve_op.gradient
def _banded_triangular_solve_gradient(call, dy):
    matrix, rhs = call.inputs
    solution = call.outputs[0]
    lower, adjoint = call.attr("lower"), call.attr("adjoint")
    d_rhs = banded_triangular_solve_op(matrix, dy, lower=lower, adjoint=not adjoint)
    first, second = (solution, d_rhs) if adjoint else (d_rhs, solution)
    whole = raw.Neg(product(first, second, adjoint_b=True))
    shape = known_shape(matrix)
    zero = np.zeros((), whole.dtype.as_numpy_dtype)
    if shape is not None and shape[-2] is not None:
        widest = shape[-2] - 1
        k = np.array([-widest, 0] if lower else [0, widest], np.int32)
    else:
        sizes = raw.Shape(matrix)
        count = raw.GatherV2(sizes, raw.Sub(raw.Size(sizes), np.int32(2)), np.int32(0))
        if lower:
            k = raw.Pack([raw.Sub(np.int32(1), count), np.int32(0)])
        else:
            k = raw.Pack([np.int32(0), raw.Sub(count, np.int32(1))])
    d_matrix = raw.MatrixDiagPartV3(whole, k, zero, align="LEFT_RIGHT")
    if shape is not None and shape[-2] == 1:
        d_matrix = raw.ExpandDims(d_matrix, np.int32(-2))
    return unbroadcast_batch(d_matrix, matrix, rhs, 0), unbroadcast_batch(d_rhs, matrix, rhs, 1)


@banded_triangular_solve_op.samples
def _banded_triangular_solve_samples(s):
    def bands(*shape: int, dtype: Any = "float64", lower: bool = True) -> Any:
        result = s.normal(*shape, dtype=dtype)
        result[..., 0 if lower else -1, :] += 4
        return result

    for dtype in s.dtypes("T"):
        yield s(bands(2, 4, dtype=dtype), s.normal(4, 2, dtype=dtype))
    for lower in (True, False):
        for adjoint in (True, False):
            options = {"lower": lower, "adjoint": adjoint}
            matrix, right = bands(2, 3, 4, lower=lower), s.normal(2, 4, 2, dtype="float64")
            yield s(matrix, right, **options)
            matrix, right = bands(2, 4, dtype="complex128", lower=lower), s.normal(4, 1, dtype="complex128")
            yield s(matrix, right, **options)
            yield s(bands(5, 2, 3, lower=lower), s.normal(3, 1, dtype="float64"), **options)
    yield s(bands(1, 3), s.normal(2, 3, 1, dtype="float64"), gradient=False)
    yield s(bands(2, 3), s.empty(3, 0, dtype="float64"), error="InvalidArgumentError")
    yield s(np.array([[2, 0.0], [1, 1]]), s.normal(2, 1, dtype="float64"), error="InvalidArgumentError")
    yield s(bands(2, 3), s.normal(2, 1, dtype="float64"), error="InvalidArgumentError")
    yield s(s.empty(1, 0), s.empty(0, 2), error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(3, 2), error="InvalidArgumentError")
    yield s(s.normal(2, 2, 3), s.normal(3, 3, 1), error="InvalidArgumentError")


def banded_triangular_solve(
    bands: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """Solves triangular systems whose matrices have few diagonals.

    Args:
      bands: the diagonals, (..., K, M): the main one first if ``lower``, else last; elements stand at the places of
        their rows, so that those below the main diagonal have gaps on the left, those above it on the right.
      rhs: the right sides, (..., M, N).
      lower: whether the matrices are lower or upper triangular.
      adjoint: whether to solve with their adjoints.
      name: the name scope of the node.

    Returns:
      The solutions, (..., M, N).

    Raises:
      InvalidArgumentError: shapes do not fit, or a matrix is singular.
    """
    with name_scope(name, "banded_triangular_solve", [bands, rhs]):
        return banded_triangular_solve_op(bands, rhs, lower=lower, adjoint=adjoint)
