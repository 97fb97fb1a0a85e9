"""Matrix decompositions: Cholesky, QR, singular values, eigenvalues, LU."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import default
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape, merge, shape_of, with_rank_at_least
from tideflow._src.ops.linalg import lapack
from tideflow._src.ops.linalg.batches import (
    LINALG_TYPES,
    adjoint,
    check_matrix,
    check_square,
    constant_like,
    diagonal_matrix,
    diagonal_of,
    lower_triangle,
    product,
    square_shape,
    transposed,
    upper_triangle,
    widened,
    with_diagonal,
)
from tideflow._src.ops.linalg.solving import matrix_solve_op, matrix_triangular_solve_op
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_LAST = np.int32(-1)
_BEFORE_LAST = np.int32(-2)


# Cholesky.


@op("Cholesky", "input: T -> output: T", T=LINALG_TYPES)
def cholesky_op(xp, input):
    """Factors positive definite matrices, of which the lower triangle is read; not-a-number for other matrices."""
    check_square(input)
    if not input.size:
        return input
    return jnp.tril(lax.linalg.cholesky(widened(input), symmetrize_input=False)).astype(input.dtype)


@cholesky_op.host
def _cholesky_host(input):
    check_square(input)
    x = widened(np.asarray(input))
    if not x.size:
        return input
    if x.ndim == 2 and len(x) >= lapack.LARGE:
        factor = lapack.cholesky(x)
        return (
            np.tril(np.full(x.shape, np.nan, input.dtype)) if factor is None else factor.astype(input.dtype, copy=False)
        )
    try:
        return lapack.over_batch(np.linalg.cholesky, x).astype(input.dtype)
    except np.linalg.LinAlgError:
        pass
    result = np.empty_like(x)
    for index in np.ndindex(*x.shape[:-2]):
        try:
            result[index] = np.linalg.cholesky(x[index])
        except np.linalg.LinAlgError:
            result[index] = np.tril(np.full(x.shape[-2:], np.nan, x.dtype))
    return result.astype(input.dtype)


cholesky_op.shape(square_shape)


def _cholesky_gradient_of(factor: Any, dy: Any) -> Any:
    """Returns the gradient of a Cholesky factorization (Murray 2016, equation 10)."""
    middle = product(factor, dy, adjoint_a=True)
    middle = with_diagonal(middle, raw.Mul(constant_like(0.5, middle), diagonal_of(middle)))
    middle = lower_triangle(middle)
    left = matrix_triangular_solve_op(factor, middle, lower=True, adjoint=True)
    whole = adjoint(matrix_triangular_solve_op(factor, adjoint(left), lower=True, adjoint=True))
    return raw.Mul(constant_like(0.5, whole), raw.AddV2(whole, adjoint(whole)))


@cholesky_op.gradient
def _cholesky_gradient(call, dy):
    return _cholesky_gradient_of(call.outputs[0], dy)


def _positive_definite(s: Any, *shape: int, dtype: Any = "float64") -> Any:
    x = s.normal(*shape, dtype=dtype).astype("complex128" if "complex" in str(dtype) else "float64")
    matrix = x @ np.swapaxes(np.conj(x), -1, -2) + 2 * np.eye(shape[-1])
    return matrix.astype(s.normal(1, dtype=dtype).dtype)


@cholesky_op.samples
def _cholesky_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_positive_definite(s, 3, 3, dtype=dtype.name), differences=False)
    yield s(_positive_definite(s, 2, 3, 3), differences=False)  # the gradient is that of a symmetric change
    yield s(s.empty(0, 0), gradient=False)
    yield s(s.normal(2, 3), error="InvalidArgumentError")


@op(
    "CholeskyGrad",
    "l: T, grad: T -> output: T",
    T=("half", "float", "double"),
    differentiable="missing",
    checks_shapes=True,
)
def cholesky_grad_op(xp, l, grad):  # noqa: E741 (TensorFlow's name)
    """Computes the gradient of a Cholesky factorization, as graphs of TensorFlow 0.x hold it."""
    check_square(l)
    factor, dy = widened(l), widened(grad)
    middle = xp.matmul(xp.swapaxes(factor, -1, -2), xp.tril(dy))
    middle = xp.tril(middle) - np.float32(0.5) * (middle * xp.eye(factor.shape[-1], dtype=factor.dtype))
    solve = matrix_triangular_solve_op.kernel
    left = solve(xp, factor, middle, lower=True, adjoint=True)
    whole = solve(xp, factor, xp.swapaxes(left, -1, -2), lower=True, adjoint=True)
    return (np.float32(0.5) * (whole + xp.swapaxes(whole, -1, -2))).astype(l.dtype)


cholesky_grad_op.shape(lambda l, grad: merge(square_shape(l), grad))  # noqa: E741


@cholesky_grad_op.samples
def _cholesky_grad_samples(s):
    for dtype in ("float32", "float64"):
        factor = np.linalg.cholesky(_positive_definite(s, 3, 3)).astype(dtype)
        yield s(factor, np.tril(s.normal(3, 3, dtype=dtype)))
    yield s(s.normal(2, 3), s.normal(2, 3), error="InvalidArgumentError")


# QR.


@op("Qr", "input: T -> q: T, r: T", T=LINALG_TYPES)
def qr_op(xp, input, *, full_matrices: bool = False):
    """Factors matrices into one with orthonormal columns and an upper triangular one."""
    check_matrix(input)
    mode: Literal["complete", "reduced"] = "complete" if full_matrices else "reduced"
    x = widened(input)
    q, r = (
        lapack.over_batch(lambda part: tuple(np.linalg.qr(part, mode)), x) if xp is np else xp.linalg.qr(x, mode=mode)
    )
    return q.astype(input.dtype), r.astype(input.dtype)


@qr_op.shape
def _qr_shape(input, *, full_matrices):
    input = with_rank_at_least(input, 2)
    if input is None:
        return None, None
    *batch, rows, columns = input
    least = None if rows is None or columns is None else min(rows, columns)
    if full_matrices:
        return (*batch, rows, rows), (*batch, rows, columns)
    return (*batch, rows, least), (*batch, least, columns)


@qr_op.gradient
def _qr_gradient(call, dq, dr):
    """Differentiates the decomposition of matrices with full rank (Walter, Lehmann and Lamour 2010)."""
    q, r = call.outputs
    shape = known_shape(r)
    q_shape = known_shape(q)
    if shape is None or q_shape is None or None in shape[-2:] or None in q_shape[-2:]:
        raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
    rows, columns = shape[-2], shape[-1]
    if rows > columns and call.attr("full_matrices"):
        raise NotImplementedError("QrGrad not implemented when nrows > ncols and full_matrices is true.")
    if rows >= columns:
        return _square_qr_gradient(q, r, dq, dr)
    x = call.inputs[0]
    right = _columns(x, rows, columns)
    d_left, d_right = _columns(dr, 0, rows), _columns(dr, rows, columns)
    dq = raw.AddV2(dq, product(right, d_right, adjoint_b=True))
    left = _square_qr_gradient(q, _columns(r, 0, rows), dq, d_left)
    return raw.ConcatV2([left, product(q, d_right)], _LAST)


def _columns(x: Any, start: int, stop: int) -> Any:
    return raw.GatherV2(x, np.arange(start, stop, dtype=np.int32), _LAST)


def _split_columns(x: Any, count: int) -> tuple[Any, Any]:
    """Returns the first ``count`` columns, and those that are left."""
    return _columns(x, 0, count), _columns(x, count, count + 1)


def _over(x: Any, r: Any) -> Any:
    """Returns ``x`` times the inverse of the adjoint of the upper triangular ``r``."""
    return adjoint(matrix_triangular_solve_op(r, adjoint(x), lower=False, adjoint=False))


def _square_qr_gradient(q: Any, r: Any, dq: Any, dr: Any) -> Any:
    qdq = product(q, dq, adjoint_a=True)
    rdr = product(r, dr, adjoint_b=True)
    skew = raw.AddV2(raw.Sub(qdq, adjoint(qdq)), raw.Sub(rdr, adjoint(rdr)))
    gradient = product(q, raw.AddV2(dr, _over(lower_triangle(skew), r)))
    gradient = raw.AddV2(gradient, _over(raw.Sub(dq, product(q, qdq)), r))
    if q.dtype.is_complex:
        diagonal = diagonal_of(raw.Sub(rdr, adjoint(qdq)))
        imaginary = raw.Sub(diagonal, raw.Cast(raw.Real(diagonal, Tout=q.dtype.real_dtype), DstT=q.dtype))
        gradient = raw.AddV2(gradient, product(q, _over(adjoint(diagonal_matrix(imaginary)), r)))
    return gradient


@qr_op.samples
def _qr_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(s.normal(3, 2, dtype=dtype), gradient=not dtype.startswith("c"))
    yield s(s.normal(2, 3, 3, dtype="float64"))
    yield s(s.normal(2, 3, dtype="float64"))
    yield s(s.normal(3, 2, dtype="float64"), full_matrices=True, gradient=False)
    yield s(s.normal(3), error="InvalidArgumentError")


# Singular values.


@op("Svd", "input: T -> s: T, u: T, v: T", T=LINALG_TYPES)
def svd_op(xp, input, *, compute_uv: bool = True, full_matrices: bool = False):
    """Computes singular values, in descending order, and the left and right singular vectors."""
    check_matrix(input)
    x = widened(input)
    if not compute_uv:
        values = xp.linalg.svd(x, compute_uv=False) if xp is not np else _svd_where_finite(x, False, False)[0]
        nothing = xp.zeros((0,), input.dtype)
        return values.astype(input.dtype), nothing, nothing
    if xp is np:
        u, values, vh = lapack.over_batch(lambda part: _svd_where_finite(part, True, full_matrices), x)
    else:
        u, values, vh = xp.linalg.svd(x, full_matrices=full_matrices)
    v = xp.swapaxes(xp.conj(vh), -1, -2)
    return values.astype(input.dtype), u.astype(input.dtype), v.astype(input.dtype)


def _svd_where_finite(x: Any, compute_uv: bool, full_matrices: bool) -> tuple[Any, ...]:
    """Returns NumPy's decomposition; not-a-number for matrices that are not finite, which LAPACK rejects."""
    finite = np.isfinite(x).all(axis=(-2, -1))
    all_finite = finite.all()
    given = x if all_finite else np.where(finite[..., None, None], x, 0)
    if compute_uv:
        parts: tuple[Any, ...] = tuple(np.linalg.svd(given, full_matrices))
    else:
        parts = (np.linalg.svd(given, compute_uv=False),)
    if not all_finite:
        for part in parts:
            part[~finite] = np.nan
    return parts


@svd_op.shape
def _svd_shape(input, *, compute_uv, full_matrices):
    input = with_rank_at_least(input, 2)
    if input is None:
        return (None, None, None) if compute_uv else (None, (0,), (0,))
    *batch, rows, columns = input
    least = None if rows is None or columns is None else min(rows, columns)
    values = (*batch, least)
    if not compute_uv:
        return values, (0,), (0,)
    if full_matrices:
        return values, (*batch, rows, rows), (*batch, columns, columns)
    return values, (*batch, rows, least), (*batch, columns, least)


def _safe_reciprocal(x: Any) -> Any:
    """Returns ``1 / x``, and 0 where ``x`` is 0."""
    return raw.RealDiv(x, raw.AddV2(raw.Mul(x, x), constant_like(1e-20, x)))


def _eigenvalue_gaps(values: Any) -> Any:
    """Returns ``1 / (b - a)`` for each pair of numbers, with zeros on the diagonal."""
    gaps = _safe_reciprocal(raw.Sub(raw.ExpandDims(values, _BEFORE_LAST), raw.ExpandDims(values, _LAST)))
    return with_diagonal(gaps, raw.ZerosLike(values))


@svd_op.gradient
def _svd_gradient(call, ds, du, dv):
    """Differentiates the decomposition (Townsend 2016; for complex matrices Wan and Zhang 2019)."""
    x = call.inputs[0]
    shape = known_shape(x)
    s, u, v = call.outputs
    if not call.attr("compute_uv"):
        s, u, v = svd_op(x, compute_uv=True)
        return product(product(u, diagonal_matrix(ds)), v, adjoint_b=True)
    if shape is None or None in shape[-2:]:
        raise NotImplementedError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    rows, columns = shape[-2], shape[-1]
    extra: Any = None
    if call.attr("full_matrices") and rows != columns:
        if abs(rows - columns) > 1:
            raise NotImplementedError(
                "svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True: the additional vectors "
                f"of a {rows}x{columns} matrix are not determined. Set full_matrices=False."
            )
        # The one vector that is left turns against the others, as they turn away from it.
        least = columns if rows > columns else rows
        if rows > columns:
            (u, last), (du, d_last) = _split_columns(u, least), _split_columns(du, least)
            extra = product(last, product(d_last, u, adjoint_a=True))
        else:
            (v, last), (dv, d_last) = _split_columns(v, least), _split_columns(dv, least)
            extra = product(last, product(d_last, v, adjoint_a=True))
    gaps = _eigenvalue_gaps(raw.Mul(s, s))
    inverse = _safe_reciprocal(s)
    row, column = raw.ExpandDims(s, _BEFORE_LAST), raw.ExpandDims(s, _LAST)
    udu, vdv = product(u, du, adjoint_a=True), product(v, dv, adjoint_a=True)
    j, k = raw.Mul(gaps, udu), raw.Mul(gaps, vdv)
    middle = raw.AddV2(diagonal_matrix(ds), raw.Mul(raw.AddV2(j, adjoint(j)), row))
    middle = raw.AddV2(middle, raw.Mul(column, raw.AddV2(k, adjoint(k))))
    if x.dtype.is_complex:
        phase = diagonal_of(vdv)
        phase = raw.Mul(constant_like(0.5, phase), raw.Mul(inverse, raw.Sub(raw.Conj(phase), phase)))
        middle = raw.AddV2(middle, diagonal_matrix(phase))
    gradient = product(product(u, middle), v, adjoint_b=True)
    inverse_row = raw.ExpandDims(inverse, _BEFORE_LAST)
    if rows > columns:
        outside = raw.Sub(du, product(u, udu))
        rest = raw.Mul(outside if extra is None else raw.Sub(outside, extra), inverse_row)
        gradient = raw.AddV2(gradient, product(rest, v, adjoint_b=True))
    if columns > rows:
        outside = raw.Sub(dv, product(v, vdv))
        rest = raw.Mul(outside if extra is None else raw.Sub(outside, extra), inverse_row)
        gradient = raw.AddV2(gradient, product(u, rest, adjoint_b=True))
    return gradient


@svd_op.samples
def _svd_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(s.normal(3, 2, dtype=dtype), gradient=not dtype.startswith("c"))
    yield s(s.normal(2, 2, 4, dtype="float64"))
    yield s(s.normal(3, 3, dtype="float64"), full_matrices=True)
    yield s(s.normal(3, 2, dtype="float64"), full_matrices=True)
    yield s(s.normal(2, 2, 3, dtype="float64"), full_matrices=True)
    broken = np.stack([np.eye(2), np.full((2, 2), np.nan), np.array([[1, np.inf], [0, 1]])])
    yield s(broken, gradient=False)
    yield s(broken, compute_uv=False, gradient=False)
    yield s(s.normal(3), error="InvalidArgumentError")


# Eigenvalues.


def _lower_as_hermitian(xp: Any, x: Any) -> Any:
    strict = xp.tril(x, -1)
    diagonal = xp.real(x) if x.dtype.kind == "c" else x
    # Chosen, not multiplied: what the upper triangle holds does not count, not even a NaN.
    diagonal = xp.where(xp.eye(x.shape[-1], dtype=bool), diagonal, xp.zeros((), x.dtype))
    return strict + xp.swapaxes(xp.conj(strict), -1, -2) + diagonal


@op("SelfAdjointEigV2", "input: T -> e: T, v: T", T=LINALG_TYPES)
def self_adjoint_eig_v2(xp, input, *, compute_v: bool = True):
    """Computes eigenvalues, ascending, and eigenvectors of self-adjoint matrices; the lower triangle is read."""
    check_square(input)
    x = _lower_as_hermitian(xp, widened(input))
    finite = xp.all(xp.isfinite(x))
    message = "Self-adjoint eigen decomposition was not successful. The input might not be valid."
    if xp is not np:
        require(finite, message)
    elif not finite:
        raise InvalidArgumentError(None, None, message)
    if not compute_v:
        return xp.linalg.eigvalsh(x).astype(input.dtype), xp.zeros((0,), input.dtype)
    if xp is np:
        values, vectors = lapack.over_batch(lambda part: tuple(np.linalg.eigh(part)), x)
    else:
        values, vectors = xp.linalg.eigh(x)
    return values.astype(input.dtype), vectors.astype(input.dtype)


@self_adjoint_eig_v2.shape
def _self_adjoint_eig_shape(input, *, compute_v):
    input = square_shape(input)
    vectors = input if compute_v else (0,)
    return (None if input is None else input[:-1]), vectors


@self_adjoint_eig_v2.gradient
def _self_adjoint_eig_gradient(call, de, dv):
    x = call.inputs[0]
    values, vectors = call.outputs
    middle = diagonal_matrix(de)
    if call.attr("compute_v"):
        middle = raw.AddV2(middle, raw.Mul(_eigenvalue_gaps(values), product(vectors, dv, adjoint_a=True)))
    else:
        vectors = self_adjoint_eig_v2(x)[1]
    whole = product(vectors, product(middle, vectors, adjoint_b=True))
    # Only the lower triangle was read.
    folded = lower_triangle(raw.AddV2(whole, adjoint(whole)))
    return with_diagonal(folded, raw.Mul(constant_like(0.5, folded), diagonal_of(folded)))


@self_adjoint_eig_v2.samples
def _self_adjoint_eig_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(s.normal(3, 3, dtype=dtype), gradient=not dtype.startswith("c"))
    yield s(s.normal(2, 3, 3, dtype="float64"))
    yield s(s.normal(2, 3), error="InvalidArgumentError")


@op(
    "Eig",
    "input: T -> e: Tout, v: Tout",
    tier="host",
    T=("float", "double", "complex64", "complex128"),
    Tout=("complex64", "complex128"),
)
def eig_op(input, *, Tout: DType, compute_v: bool = True):
    """Computes the eigenvalues and eigenvectors of square matrices."""
    check_square(input)
    dtype = Tout.as_numpy_dtype
    if not compute_v:
        return np.linalg.eigvals(input).astype(dtype), np.zeros((0,), dtype)
    values, vectors = np.linalg.eig(input)
    return values.astype(dtype), vectors.astype(dtype)


eig_op.shape(_self_adjoint_eig_shape)


@eig_op.gradient
def _eig_gradient(call, de, dv):
    """Differentiates the decomposition of matrices with distinct eigenvalues (Giles 2008)."""
    x = call.inputs[0]
    values, vectors = call.outputs
    if call.attr("compute_v"):
        gaps = raw.Conj(_eigenvalue_gaps(values))
        vdv = product(vectors, dv, adjoint_a=True)
        vv = product(vectors, vectors, adjoint_a=True)
        lengths = raw.Cast(raw.Real(diagonal_of(vdv), Tout=values.dtype.real_dtype), DstT=values.dtype)
        middle = raw.Sub(vdv, product(vv, diagonal_matrix(lengths)))
        middle = raw.AddV2(diagonal_matrix(de), raw.Mul(gaps, middle))
    else:
        vectors = eig_op(x, Tout=values.dtype)[1]
        middle = diagonal_matrix(de)
    gradient = matrix_solve_op(vectors, product(middle, vectors, adjoint_b=True), adjoint=True)
    return gradient if x.dtype.is_complex else raw.Cast(gradient, DstT=x.dtype)


@eig_op.samples
def _eig_samples(s):
    # Eigenvalues come in no fixed order: those of triangular matrices with a sorted diagonal do.
    for dtype, result in (("float32", "complex64"), ("float64", "complex128"), ("complex128", "complex128")):
        matrix = np.triu(s.normal(3, 3, dtype=dtype), 1) + np.diag([1, 2, 4]).astype(dtype)
        yield s(matrix, Tout=result, gradient=False)
    yield s(s.normal(2, 3), Tout="complex64", error="InvalidArgumentError")


# LU.


def _size(permutation: Any) -> Any:
    sizes = raw.Shape(permutation)
    return raw.GatherV2(sizes, raw.Sub(raw.Size(sizes), np.int32(1)), np.int32(0))


def _has_zero_pivot(xp: Any, matrices: Any, packed: Any) -> Any:
    """Tells whether a pivot is zero; as TensorFlow does, it counts a NaN as one only where the search begins."""
    return xp.any(xp.diagonal(packed, axis1=-2, axis2=-1) == 0) | xp.any(xp.isnan(matrices[..., 0, 0]))


@op("Lu", "input: T -> lu: T, p: output_idx_type", T=LINALG_TYPES, output_idx_type=default("int32", INDEX))
def lu_op(xp, input, *, output_idx_type: DType):
    """Factors matrices, their rows permuted, into a lower and an upper triangular matrix, stored in one."""
    check_square(input)
    x = widened(input)
    if not x.size:
        return input, xp.zeros(x.shape[:-1], output_idx_type.as_numpy_dtype)
    packed, _, permutation = lax.linalg.lu(x)
    require(~_has_zero_pivot(jnp, x, packed), "Input is not invertible.")
    return packed.astype(input.dtype), permutation.astype(output_idx_type.as_numpy_dtype)


@lu_op.host
def _lu_host(input, *, output_idx_type: DType):
    check_square(input)
    if not input.size:
        return input, np.zeros(input.shape[:-1], output_idx_type.as_numpy_dtype)
    size = input.shape[-1]
    matrices = widened(np.asarray(input)).reshape(-1, size, size)
    packed, order = lapack.over_batch(lapack.lu, matrices)
    if _has_zero_pivot(np, matrices, packed):
        raise InvalidArgumentError(None, None, "Input is not invertible.")
    order = order.astype(output_idx_type.as_numpy_dtype)
    return packed.reshape(input.shape).astype(input.dtype), order.reshape(input.shape[:-1])


@lu_op.shape
def _lu_shape(input):
    input = square_shape(input)
    return input, (None if input is None else input[:-1])


@lu_op.gradient
def _lu_gradient(call, d_packed, d_permutation):
    """Differentiates the decomposition of regular matrices: ``P A = L U``."""
    packed, permutation = call.outputs
    unit = raw.OnesLike(diagonal_of(packed))
    zeros = raw.ZerosLike(unit)
    lower = with_diagonal(lower_triangle(packed), unit)
    upper = upper_triangle(packed)
    d_lower = product(lower, with_diagonal(lower_triangle(d_packed), zeros), adjoint_a=True)
    d_upper = product(upper_triangle(d_packed), upper, adjoint_b=True)
    middle = raw.AddV2(with_diagonal(lower_triangle(d_lower), zeros), upper_triangle(d_upper))
    left = matrix_triangular_solve_op(lower, middle, lower=True, adjoint=True)
    whole = adjoint(matrix_triangular_solve_op(upper, adjoint(left), lower=False, adjoint=False))
    numbers = raw.Range(np.int32(0), _size(permutation), np.int32(1))
    places = raw.Cast(raw.ExpandDims(permutation, _LAST), DstT=dtypes.int32)
    return product(raw.Cast(raw.Equal(places, numbers), DstT=packed.dtype), whole, adjoint_a=True)


@lu_op.samples
def _lu_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(s.normal(3, 3, dtype=dtype), gradient=not dtype.startswith("c"))
    yield s(s.normal(2, 3, 3, dtype="float64"), output_idx_type="int64")
    yield s(np.zeros((2, 2), np.float32), error="InvalidArgumentError")
    yield s(s.normal(2, 3), error="InvalidArgumentError")


# Functions of matrices.


@op("MatrixSquareRoot", "input: T -> output: T", tier="host", T=LINALG_TYPES)
def matrix_square_root_op(input):
    """Computes the square roots of square matrices, by their Schur decompositions."""
    check_square(input)
    from scipy.linalg import sqrtm  # loads SciPy, which JAX requires

    x = widened(np.asarray(input))
    result = np.empty(x.shape, np.complex128)
    with warnings.catch_warnings(action="ignore"):  # about singular matrices
        for index in np.ndindex(*x.shape[:-2]):
            result[index] = sqrtm(x[index]) if x.size else x[index]
    return (result if x.dtype.kind == "c" else result.real).astype(input.dtype)


matrix_square_root_op.shape(square_shape)


@matrix_square_root_op.gradient
def _matrix_square_root_gradient(call, dy):
    """Solves the Sylvester equation ``R^H X + X R^H = dY`` as a linear system (Kronecker products)."""
    turned = adjoint(call.outputs[0])
    identity = diagonal_matrix(raw.OnesLike(diagonal_of(turned)))
    shape = shape_of(turned)
    size = shape[-1]
    batch = shape[:-2]

    def sizes(*last: Any) -> Any:
        if isinstance(shape, np.ndarray):
            return np.array([*batch, *last], np.int32)
        return raw.ConcatV2([batch, raw.Pack(list(last))], np.int32(0))

    def kronecker(a: Any, b: Any) -> Any:
        first = raw.ExpandDims(raw.ExpandDims(a, _LAST), np.int32(-3))
        second = raw.ExpandDims(raw.ExpandDims(b, _BEFORE_LAST), np.int32(-4))
        return raw.Reshape(raw.Mul(first, second), sizes(size * size, size * size))

    system = raw.AddV2(kronecker(turned, identity), kronecker(identity, transposed(turned)))
    flat = raw.Reshape(dy, sizes(size * size, np.int32(1)))
    return raw.Reshape(matrix_solve_op(system, flat), shape)


@matrix_square_root_op.samples
def _matrix_square_root_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(_positive_definite(s, 3, 3, dtype=dtype), gradient=not dtype.startswith("c"), tolerance=1e-4)
    yield s(_positive_definite(s, 2, 2, 2))
    yield s(s.normal(2, 3), error="InvalidArgumentError")


@op("MatrixLogarithm", "input: T -> output: T", tier="host", T=("complex64", "complex128"), differentiable="missing")
def matrix_logarithm_op(input):
    """Computes the principal logarithms of complex square matrices."""
    check_square(input)
    from scipy.linalg import logm  # loads SciPy, which JAX requires

    result = np.empty(input.shape, input.dtype)
    with warnings.catch_warnings(action="ignore"):  # about singular matrices
        for index in np.ndindex(*input.shape[:-2]) if input.size else ():
            matrix = input[index].astype(np.complex128)
            # SciPy takes square roots until the matrix is near one, which is never if it is not finite.
            result[index] = logm(matrix) if np.isfinite(matrix).all() else complex(np.nan, np.nan)
    return result


matrix_logarithm_op.shape(square_shape)


@matrix_logarithm_op.samples
def _matrix_logarithm_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_positive_definite(s, 3, 3, dtype=dtype.name), tolerance=1e-4)
    yield s(s.normal(2, 3, dtype="complex64"), error="InvalidArgumentError")
