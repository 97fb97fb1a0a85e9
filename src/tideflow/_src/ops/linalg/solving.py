"""Inverses, solutions of linear systems, and determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError
from tideflow._src.graph.shape_inference import broadcast
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge, merge_dimensions, text, with_rank_at_least
from tideflow._src.ops.linalg import lapack
from tideflow._src.ops.linalg.batches import (
    LINALG_TYPES,
    adjoint_array,
    check_matrix,
    check_square,
    for_each_matrix,
    lower_triangle,
    product,
    square_shape,
    upper_triangle,
    widened,
)
from tideflow._src.ops.math.matrix_product import unbroadcast_batch
from tideflow._src.runtime.checks import require
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_SINGULAR = "Input is not invertible."
_BLOCK = 48


def _require_regular(xp: Any, result: Any, matrix: Any, *rhs: Any) -> None:
    """Rejects a system without a solution: finite inputs, but a result that is not finite.

    As in TensorFlow, a NaN is no pivot where the search for one begins; elsewhere it gives NaN.
    """
    unfounded = matrix.size != 0 and xp.any(xp.isnan(matrix[..., 0, 0]))
    if xp is np:
        if unfounded:
            raise InvalidArgumentError(None, None, _SINGULAR)
        return
    finite = jnp.all(jnp.isfinite(result))
    for item in (matrix, *rhs):
        finite = finite | ~jnp.all(jnp.isfinite(item))
    require(finite & ~jnp.asarray(unfounded, bool), _SINGULAR)


# Inverse.


@op("MatrixInverse", "input: T -> output: T", T=LINALG_TYPES)
def matrix_inverse_op(xp, input, *, adjoint: bool = False):
    """Inverts square matrices, or their adjoints."""
    check_square(input)
    x = widened(adjoint_array(xp, input) if adjoint else input)
    try:
        result = lapack.over_batch(np.linalg.inv, x) if xp is np else xp.linalg.inv(x)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(None, None, _SINGULAR) from None
    _require_regular(xp, result, x)
    return result.astype(input.dtype)


matrix_inverse_op.shape(square_shape)


@matrix_inverse_op.gradient
def _matrix_inverse_gradient(call, dy):
    inverse = call.outputs[0]
    if call.attr("adjoint"):
        return raw.Neg(product(inverse, product(dy, inverse, adjoint_a=True)))
    return raw.Neg(product(inverse, product(dy, inverse, adjoint_b=True), adjoint_a=True))


def _regular(s: Any, *shape: int, dtype: Any = "float64") -> Any:
    """Random square matrices that are far from singular."""
    matrix = s.normal(*shape, dtype=dtype)
    return (matrix + 4 * np.eye(shape[-1])).astype(matrix.dtype)


@matrix_inverse_op.samples
def _matrix_inverse_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_regular(s, 3, 3, dtype=dtype))
    yield s(_regular(s, 2, 3, 3), adjoint=True)
    yield s(_regular(s, 2, 2, dtype="complex128"), adjoint=True)
    yield s(s.empty(0, 0))
    yield s(np.array([[1, 2], [2, 4]], np.float32), error="InvalidArgumentError")
    yield s(s.normal(2, 3), error="InvalidArgumentError")
    yield s(s.normal(3), error="InvalidArgumentError")


# Solutions of linear systems.


def _check_same_batch(matrix: Any, rhs: Any) -> None:
    check_matrix(rhs)
    if matrix.ndim != rhs.ndim:
        raise InvalidArgumentError(None, None, "All input tensors must have the same rank.")
    if matrix.shape[:-2] != rhs.shape[:-2]:
        raise InvalidArgumentError(
            None,
            None,
            "All input tensors must have the same outer dimensions: "
            f"{text(tuple(matrix.shape))} in matrix, {text(tuple(rhs.shape))} in rhs.",
        )
    if matrix.shape[-2] != rhs.shape[-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"Input matrix and rhs are incompatible: {text(tuple(matrix.shape))} and {text(tuple(rhs.shape))}.",
        )


def _host_solve(a: Any, b: Any) -> Any:
    if a.ndim == 2 and len(a) >= lapack.LARGE and b.size:
        return lapack.solve(a, b)
    return lapack.over_batch(np.linalg.solve, a, b)


@op("MatrixSolve", "matrix: T, rhs: T -> output: T", T=LINALG_TYPES)
def matrix_solve_op(xp, matrix, rhs, *, adjoint: bool = False):
    """Solves ``matrix @ output = rhs`` for square matrices, or their adjoints."""
    check_square(matrix)
    _check_same_batch(matrix, rhs)
    a = widened(adjoint_array(xp, matrix) if adjoint else matrix)
    b = widened(rhs)
    try:
        result = _host_solve(a, b) if xp is np else xp.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(None, None, "Input matrix is not invertible.") from None
    _require_regular(xp, result, a, b)
    return result.astype(rhs.dtype)


@matrix_solve_op.shape
def _matrix_solve_shape(matrix, rhs):
    matrix = square_shape(matrix)
    rhs = with_rank_at_least(rhs, 2)
    if matrix is None:
        return rhs if rhs is None else (*rhs[:-2], rhs[-2], rhs[-1])
    if rhs is None:
        return (*matrix[:-2], matrix[-1], None)
    rows = merge_dimensions(matrix[-1], rhs[-2])
    return (*merge(matrix[:-2], rhs[:-2]), rows, rhs[-1])


@matrix_solve_op.gradient
def _matrix_solve_gradient(call, dy):
    matrix = call.inputs[0]
    solution = call.outputs[0]
    adjoint = call.attr("adjoint")
    d_rhs = matrix_solve_op(matrix, dy, adjoint=not adjoint)
    if adjoint:
        return raw.Neg(product(solution, d_rhs, adjoint_b=True)), d_rhs
    return raw.Neg(product(d_rhs, solution, adjoint_b=True)), d_rhs


@matrix_solve_op.samples
def _matrix_solve_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_regular(s, 3, 3, dtype=dtype), s.normal(3, 2, dtype=dtype))
    yield s(_regular(s, 2, 3, 3), s.normal(2, 3, 1, dtype="float64"), adjoint=True)
    yield s(np.array([[1, 2], [2, 4]], np.float32), s.normal(2, 1), error="InvalidArgumentError")
    yield s(s.normal(2, 2), s.normal(3, 1), error="InvalidArgumentError")
    yield s(s.normal(2, 3), s.normal(2, 1), error="InvalidArgumentError")
    yield s(s.normal(2, 2, 2), s.normal(2, 1), error="InvalidArgumentError")


# Triangular systems.


def _substitute(a: Any, b: Any, lower: bool) -> Any:
    """Solves triangular systems on the host by substitution, in blocks of rows."""
    size = a.shape[-1]
    if a.ndim == 2 and size >= lapack.LARGE and b.size:
        solution = lapack.triangular_solve(a, b, lower)
        if solution is not None:
            return solution
    x = np.array(b, dtype=b.dtype, copy=True)
    blocks = range(0, size, _BLOCK)
    for start in blocks if lower else reversed(blocks):
        stop = min(start + _BLOCK, size)
        rows = range(start, stop) if lower else range(stop - 1, start - 1, -1)
        for row in rows:
            done = slice(start, row) if lower else slice(row + 1, stop)
            value = x[..., row, :]
            if done.start < done.stop:
                value = value - np.matmul(a[..., row : row + 1, done], x[..., done, :])[..., 0, :]
            x[..., row, :] = value / a[..., row, row][..., None]
        rest = slice(stop, size) if lower else slice(0, start)
        if rest.start < rest.stop:
            x[..., rest, :] -= np.matmul(a[..., rest, start:stop], x[..., start:stop, :])
    return x


def _check_triangular(matrix: Any, rhs: Any) -> tuple[int, ...]:
    check_square(matrix)
    check_matrix(rhs)
    if matrix.shape[-1] != rhs.shape[-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"In[0] and In[1] have incompatible sizes: {text(tuple(matrix.shape))} and {text(tuple(rhs.shape))}.",
        )
    try:
        return broadcast(tuple(matrix.shape[:-2]), tuple(rhs.shape[:-2])) or ()  # type: ignore[return-value]
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@op(
    "MatrixTriangularSolve",
    "matrix: T, rhs: T -> output: T",
    T=("bfloat16", *LINALG_TYPES),
)
def matrix_triangular_solve_op(xp, matrix, rhs, *, lower: bool = True, adjoint: bool = False):
    """Solves triangular systems; the other triangle of the matrix is not read."""
    batch = _check_triangular(matrix, rhs)
    a, b = widened(matrix), widened(rhs)
    if xp is np:
        a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
        if adjoint:
            a, lower = adjoint_array(np, a), not lower
        return _substitute(a, b, lower).astype(rhs.dtype)
    a, b = jnp.broadcast_to(a, batch + a.shape[-2:]), jnp.broadcast_to(b, batch + b.shape[-2:])
    solved = lax.linalg.triangular_solve(
        a, b, left_side=True, lower=lower, transpose_a=adjoint, conjugate_a=adjoint and a.dtype.kind == "c"
    )
    return solved.astype(rhs.dtype)


def _triangular_shape(matrix: Any, rhs: Any) -> Any:
    matrix, rhs = square_shape(matrix), with_rank_at_least(rhs, 2)
    if matrix is None or rhs is None:
        return None
    rows = merge_dimensions(matrix[-1], rhs[-2])
    batch = broadcast(matrix[:-2], rhs[:-2])
    return None if batch is None else (*batch, rows, rhs[-1])


matrix_triangular_solve_op.shape(_triangular_shape)


@matrix_triangular_solve_op.gradient
def _matrix_triangular_solve_gradient(call, dy):
    matrix, rhs = call.inputs
    solution = call.outputs[0]
    lower, adjoint = call.attr("lower"), call.attr("adjoint")
    d_rhs = matrix_triangular_solve_op(matrix, dy, lower=lower, adjoint=not adjoint)
    first, second = (solution, d_rhs) if adjoint else (d_rhs, solution)
    d_matrix = raw.Neg(product(first, second, adjoint_b=True))
    d_matrix = lower_triangle(d_matrix) if lower else upper_triangle(d_matrix)
    return unbroadcast_batch(d_matrix, matrix, rhs, 0), unbroadcast_batch(d_rhs, matrix, rhs, 1)


@matrix_triangular_solve_op.samples
def _matrix_triangular_solve_samples(s):
    for dtype in s.dtypes("T"):
        yield s(_regular(s, 3, 3, dtype=dtype), s.normal(3, 2, dtype=dtype))
    for lower in (True, False):
        for adjoint in (True, False):
            matrix, rhs = _regular(s, 2, 3, 3, dtype="complex128"), s.normal(2, 3, 2, dtype="complex128")
            yield s(matrix, rhs, lower=lower, adjoint=adjoint)
    yield s(_regular(s, 2, 3, 3), s.normal(3, 2, dtype="float64"))
    yield s(_regular(s, 60, 60), s.normal(60, 1, dtype="float64"), gradient=False)
    yield s(_regular(s, 60, 60), s.normal(60, 1, dtype="float64"), lower=False, gradient=False)
    yield s(s.normal(2, 2), s.normal(3, 1), error="InvalidArgumentError")


# Determinants.


def _determinant(xp: Any, input: Any) -> Any:
    check_square(input)
    x = widened(input)
    return xp.asarray(lapack.over_batch(np.linalg.det, x) if xp is np else xp.linalg.det(x)).astype(input.dtype)


def _without_matrix(x: Any) -> Any:
    x = square_shape(x)
    return None if x is None else x[:-2]


@op("MatrixDeterminant", "input: T -> output: T", T=LINALG_TYPES)
def matrix_determinant_op(xp, input):
    """Computes the determinants of square matrices."""
    return _determinant(xp, input)


matrix_determinant_op.shape(_without_matrix)


@matrix_determinant_op.gradient
def _matrix_determinant_gradient(call, dy):
    inverse = matrix_inverse_op(call.inputs[0], adjoint=True)
    return raw.Mul(for_each_matrix(raw.Mul(dy, call.outputs[0])), inverse)


@matrix_determinant_op.samples
def _matrix_determinant_samples(s):
    for dtype in s.dtypes("T"):
        # TensorFlow does not conjugate the determinant in the gradient.
        yield s(_regular(s, 3, 3, dtype=dtype), differences=not dtype.is_complex)
    yield s(_regular(s, 2, 2, 2))
    yield s(s.empty(3, 0, 0), gradient=False)
    yield s(s.normal(2, 3), error="InvalidArgumentError")


@op("LogMatrixDeterminant", "input: T -> sign: T, log_abs_determinant: T", T=LINALG_TYPES)
def log_matrix_determinant_op(xp, input):
    """Computes the signs (complex: phases) of determinants and the logarithms of their magnitudes."""
    check_square(input)
    sign, logarithm = xp.linalg.slogdet(widened(input))
    sign = xp.where(xp.isnan(logarithm), xp.asarray(np.nan, sign.dtype), sign)
    return xp.asarray(sign).astype(input.dtype), xp.asarray(logarithm).astype(input.dtype)


@log_matrix_determinant_op.shape
def _log_matrix_determinant_shape(input):
    shape = _without_matrix(input)
    return shape, shape


@log_matrix_determinant_op.gradient
def _log_matrix_determinant_gradient(call, d_sign, d_logarithm):
    return raw.Mul(for_each_matrix(d_logarithm), matrix_inverse_op(call.inputs[0], adjoint=True))


@log_matrix_determinant_op.samples
def _log_matrix_determinant_samples(s):
    for dtype in ("float16", "float32", "float64"):
        yield s(_regular(s, 3, 3, dtype=dtype))
    yield s(_regular(s, 2, 2, dtype="complex128"), gradient=False)
    yield s(_regular(s, 2, 2, 2))
    yield s(np.zeros((2, 2), np.float32), gradient=False)
    yield s(s.normal(2, 3), error="InvalidArgumentError")


# Least squares.


@op("MatrixSolveLs", "matrix: T, rhs: T, l2_regularizer: double -> output: T", T=LINALG_TYPES, checks_shapes=True)
def matrix_solve_ls_op(xp, matrix, rhs, l2_regularizer, *, fast: bool = True):
    """Solves least-squares problems; ``fast`` solves the normal equations, else rank-deficient matrices work too."""
    check_matrix(matrix)
    _check_same_batch(matrix, rhs)
    a, b = widened(matrix), widened(rhs)
    if xp is np and l2_regularizer < 0:
        raise InvalidArgumentError(None, None, f"l2_regularizer must be >= 0, got {l2_regularizer}.")
    if not fast:
        return xp.matmul(xp.linalg.pinv(a), b).astype(rhs.dtype)
    rows, columns = a.shape[-2:]
    adjoint = adjoint_array(xp, a)
    strength = xp.asarray(l2_regularizer).astype(a.dtype)
    gram = xp.matmul(adjoint, a) if rows >= columns else xp.matmul(a, adjoint)
    gram = gram + strength * xp.eye(min(rows, columns), dtype=a.dtype)
    try:
        if rows >= columns:
            result = xp.linalg.solve(gram, xp.matmul(adjoint, b))
        else:
            result = xp.matmul(adjoint, xp.linalg.solve(gram, b))
    except np.linalg.LinAlgError:
        raise InvalidArgumentError(None, None, "Input matrix was rank deficient. Try fast=False.") from None
    return result.astype(rhs.dtype)


@matrix_solve_ls_op.shape
def _matrix_solve_ls_shape(matrix, rhs, l2_regularizer):
    matrix, rhs = with_rank_at_least(matrix, 2), with_rank_at_least(rhs, 2)
    if l2_regularizer is not None and len(l2_regularizer):
        raise ValueError(f"Shape must be rank 0 but is rank {len(l2_regularizer)}")
    if matrix is None or rhs is None:
        return None
    merge_dimensions(matrix[-2], rhs[-2])
    return (*merge(matrix[:-2], rhs[:-2]), matrix[-1], rhs[-1])


@matrix_solve_ls_op.gradient
def _matrix_solve_ls_gradient(call, dy):
    """Differentiates the normal equations of the over- or underdetermined system."""
    if not call.attr("fast"):
        raise ValueError("Gradient not defined for fast=False")
    a, b, l2_regularizer = call.inputs
    x = call.outputs[0]
    rows, columns = a.shape[-2], a.shape[-1]
    if rows is None or columns is None:
        raise ValueError("The gradient of MatrixSolveLs needs the static sizes of the matrices.")
    size = min(int(rows), int(columns))
    identity = np.eye(size, dtype=a.dtype.as_numpy_dtype)
    damping = raw.Mul(raw.Cast(l2_regularizer, DstT=a.dtype), identity)
    if int(rows) >= int(columns):
        gram = raw.AddV2(product(a, a, adjoint_a=True), damping)
        z = matrix_solve_op(gram, dy)
        inner = raw.AddV2(product(x, z, adjoint_b=True), product(z, x, adjoint_b=True))
        return raw.Sub(product(b, z, adjoint_b=True), product(a, inner)), product(a, z), None
    gram = raw.AddV2(product(a, a, adjoint_b=True), damping)
    y = matrix_solve_op(gram, b)
    t = matrix_solve_op(gram, product(a, dy))
    rest = raw.Sub(dy, product(a, t, adjoint_a=True))
    solution = product(y, a, adjoint_a=True)  # not the output, so that the second gradient passes to the regularizer
    d_a = raw.Sub(product(y, rest, adjoint_b=True), product(t, solution))
    return d_a, t, None


@matrix_solve_ls_op.samples
def _matrix_solve_ls_samples(s):
    for dtype in ("float32", "float64", "complex64", "complex128"):
        yield s(
            s.normal(4, 2, dtype=dtype),
            s.normal(4, 3, dtype=dtype),
            0.1,
            gradient=not dtype.startswith("c"),
            differences=False,
            tolerance=1e-5 if dtype == "float32" else None,  # the gradient by the regularizer is a double
        )
    yield s(s.normal(2, 2, 4, dtype="float64"), s.normal(2, 2, 1, dtype="float64"), 0.5, differences=False)
    yield s(s.normal(4, 2, dtype="float64"), s.normal(4, 1, dtype="float64"), 0.0, fast=False, gradient=False)
    yield s(s.normal(4, 2), s.normal(3, 1), 0.0, error="InvalidArgumentError")


# Cross products.


@op(
    "Cross",
    "a: T, b: T -> product: T",
    T=["float", "double", "int32", "uint8", "int16", "int8", "int64", "bfloat16", "uint16", "half", "uint32", "uint64"],
)
def cross_op(xp, a, b):
    """Computes the cross products of vectors of three elements."""
    if a.shape != b.shape:
        raise InvalidArgumentError(
            None, None, f"Both inputs must be of same shape: {text(tuple(a.shape))} vs. {text(tuple(b.shape))}"
        )
    if a.ndim < 1:
        raise InvalidArgumentError(None, None, "Input must be at least 1D, got shape []")
    if a.shape[-1] != 3:
        raise FailedPreconditionError(
            None, None, f"Cross-products are only defined for 3-element vectors, got {a.shape[-1]} elements."
        )
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    return xp.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=-1)


@cross_op.shape
def _cross_shape(a, b):
    a, b = with_rank_at_least(a, 1), with_rank_at_least(b, 1)
    merged = merge(a, b)
    if merged is not None:
        merge_dimensions(merged[-1], 3)
    return merged


@cross_op.gradient
def _cross_gradient(call, dy):
    a, b = call.inputs
    return cross_op(b, dy), cross_op(dy, a)


@cross_op.samples
def _cross_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.array((2, 3), dtype), s.array((2, 3), dtype))
    yield s(s.normal(3), s.normal(3))
    yield s(s.normal(2), s.normal(2), error="FailedPreconditionError")
    yield s(s.normal(3), s.normal(1, 3), error="InvalidArgumentError")
