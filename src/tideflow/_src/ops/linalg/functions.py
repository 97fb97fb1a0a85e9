"""The public functions of ``tf.linalg``: over single operations, and composed of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.permuting import matrix_transpose
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.linalg import decompositions, solving
from tideflow._src.ops.linalg.batches import (
    diagonal_of,
    lower_triangle,
    product,
    upper_triangle,
    with_diagonal,
    zero_like,
)
from tideflow._src.ops.math.reduction_functions import reduce_max, reduce_sum
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def _tensor(value: Any, name: str | None = None, dtype_hint: Any = None) -> Any:
    return value if isinstance(value, Tensor) else convert_to_tensor(value, name=name, dtype_hint=dtype_hint)


def is_operator(value: Any) -> bool:
    """Tells whether a value is a ``LinearOperator``, whose methods the functions of its name call."""
    return value.__class__ is not EagerTensor and hasattr(value, "_linop_matmul")


def named(name: str | None) -> dict[str, str]:
    """Returns a name as an argument, if there is one: the methods of operators have other default names."""
    return {} if name is None else {"name": name}


# Over single operations.


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """Inverts square matrices (..., n, n), or their adjoints; InvalidArgumentError if one is singular."""
    if is_operator(input):
        inverse = input.inverse(**named(name))
        return inverse.adjoint() if adjoint else inverse
    return solving.matrix_inverse_op(input, adjoint=adjoint, name=name)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """Solves ``matrix @ x = rhs`` for square matrices (..., n, n) and right sides (..., n, k)."""
    if is_operator(matrix):
        return matrix.solve(rhs, adjoint=adjoint, **named(name))
    return solving.matrix_solve_op(matrix, rhs, adjoint=adjoint, name=name)


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """Solves systems with triangular matrices.

    Args:
      matrix: a tensor (..., n, n); the other triangle is not read.
      rhs: the right sides (..., n, k).
      lower: whether the matrices are lower or upper triangular.
      adjoint: whether to solve with their adjoints.
      name: the name scope of the node.

    Returns:
      A tensor like ``rhs``.
    """
    with name_scope(name, "triangular_solve", [matrix, rhs]):
        return solving.matrix_triangular_solve_op(matrix, rhs, lower=lower, adjoint=adjoint)


def det(input: Any, name: str | None = None) -> Any:
    """Computes the determinants of square matrices (..., n, n)."""
    if is_operator(input):
        return input.determinant(**named(name))
    return solving.matrix_determinant_op(input, name=name)


def slogdet(input: Any, name: str | None = None) -> Any:
    """Computes ``sign`` and ``log_abs_determinant`` of square matrices (..., n, n)."""
    return solving.log_matrix_determinant_op(input, name=name)


def cholesky(input: Any, name: str | None = None) -> Any:
    """Factors positive definite matrices (..., n, n) into lower triangular ones times their adjoints."""
    if is_operator(input):
        return input.cholesky(**named(name))
    return decompositions.cholesky_op(input, name=name)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Factors matrices (..., m, n) into ``q`` with orthonormal columns and the upper triangular ``r``."""
    return decompositions.qr_op(input, full_matrices=full_matrices, name=name)


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Computes singular values ``s``, or with ``compute_uv`` ``s, u, v``, where ``a = u @ diag(s) @ v^H``."""
    s, u, v = decompositions.svd_op(tensor, compute_uv=compute_uv, full_matrices=full_matrices, name=name)
    values = raw.Real(s, Tout=s.dtype.real_dtype) if s.dtype.is_complex else s
    return (values, u, v) if compute_uv else values


def svd_v0(matrix: Any, compute_uv: bool = True, full_matrices: bool = False, name: str | None = None) -> Any:
    """Computes singular values and vectors, with the arguments of TensorFlow 0.x; see ``svd``."""
    return svd(matrix, full_matrices, compute_uv, name)


def eigh(tensor: Any, name: str | None = None) -> Any:
    """Computes eigenvalues, ascending, and eigenvectors of self-adjoint matrices (..., n, n)."""
    e, v = decompositions.self_adjoint_eig_v2(tensor, compute_v=True, name=name)
    return e, v


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """Computes the eigenvalues, ascending, of self-adjoint matrices (..., n, n)."""
    return decompositions.self_adjoint_eig_v2(tensor, compute_v=False, name=name)[0]


def _complex_type(tensor: Any) -> Any:
    wide = tensor.dtype.base_dtype in (dtypes.float64, dtypes.complex128)
    return dtypes.complex128 if wide else dtypes.complex64


def eig(tensor: Any, name: str | None = None) -> Any:
    """Computes eigenvalues and eigenvectors of square matrices (..., n, n), both complex."""
    tensor = _tensor(tensor)
    e, v = decompositions.eig_op(tensor, Tout=_complex_type(tensor), compute_v=True, name=name)
    return e, v


def eigvals(tensor: Any, name: str | None = None) -> Any:
    """Computes the eigenvalues of square matrices (..., n, n), which are complex."""
    tensor = _tensor(tensor)
    return decompositions.eig_op(tensor, Tout=_complex_type(tensor), compute_v=False, name=name)[0]


def lu(input: Any, output_idx_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """Factors matrices into triangular ones, packed as ``lu``, with the order ``p`` of their rows."""
    return decompositions.lu_op(input, output_idx_type=dtypes.as_dtype(output_idx_type), name=name)


def sqrtm(input: Any, name: str | None = None) -> Any:
    """Computes the square roots of square matrices (..., n, n)."""
    return decompositions.matrix_square_root_op(input, name=name)


def logm(input: Any, name: str | None = None) -> Any:
    """Computes the logarithms of complex square matrices (..., n, n)."""
    return decompositions.matrix_logarithm_op(input, name=name)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """Computes the cross products of vectors (..., 3)."""
    return solving.cross_op(a, b, name=name)


# Composed.


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """Transposes and conjugates the matrices in the last two dimensions."""
    if is_operator(matrix):
        return matrix.adjoint(**named(name))
    with name_scope(name, "adjoint", [matrix]):
        return matrix_transpose(_tensor(matrix, name="matrix"), conjugate=True)


def trace(x: Any, name: str | None = None) -> Any:
    """Sums the diagonals of matrices (..., m, n)."""
    if is_operator(x):
        return x.trace(**named(name))
    with name_scope(name, "Trace", [x]) as scope:
        x = _tensor(x, name="x")
        diagonal = raw.MatrixDiagPartV3(x, np.int32(0), zero_like(x), name="diag_part")
        return reduce_sum(diagonal, [-1], name=scope)


def logdet(matrix: Any, name: str | None = None) -> Any:
    """Computes the logarithms of the determinants of positive definite matrices (..., n, n)."""
    if is_operator(matrix):
        if matrix.is_positive_definite and matrix.is_self_adjoint:
            return matrix.log_abs_determinant(**named(name))
        raise ValueError("Expected matrix to be self-adjoint positive definite.")
    with name_scope(name, "logdet", [matrix]):
        factor = cholesky(matrix)
        diagonal = diagonal_of(factor)
        if diagonal.dtype.is_complex:
            diagonal = raw.Real(diagonal, Tout=diagonal.dtype.real_dtype)
        two = np.asarray(2.0, diagonal.dtype.as_numpy_dtype)
        return raw.Mul(two, reduce_sum(raw.Log(diagonal), [-1]), name="mul")


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """Solves ``a @ x = rhs``, given the Cholesky factors of ``a``."""
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        first = solving.matrix_triangular_solve_op(chol, rhs, adjoint=False, lower=True)
        return solving.matrix_triangular_solve_op(chol, first, adjoint=True, lower=True)


def lstsq(matrix: Any, rhs: Any, l2_regularizer: Any = 0.0, fast: bool = True, name: str | None = None) -> Any:
    """Solves least-squares problems.

    Args:
      matrix: a tensor (..., m, n).
      rhs: the right sides (..., m, k).
      l2_regularizer: what the squared norm of the solution costs.
      fast: whether to solve the normal equations by a Cholesky factorization, which needs full rank.
      name: the name scope of the nodes.

    Returns:
      The solutions (..., n, k).
    """
    with name_scope(name, "matrix_solve_ls", [matrix, rhs, l2_regularizer]):
        matrix = _tensor(matrix, name="matrix")
        rhs = _tensor(rhs, name="rhs", dtype_hint=matrix.dtype.base_dtype)
        shape = known_shape(matrix)
        if not fast or shape is None or len(shape) == 2 or None in shape[-2:]:
            strength = raw.Cast(_tensor(l2_regularizer), DstT=dtypes.float64)
            return solving.matrix_solve_ls_op(matrix, rhs, strength, fast=fast)
        if shape[-2] >= shape[-1]:  # type: ignore[operator]
            factor = _regularized_cholesky(matrix, l2_regularizer, shape[-1], first=True)
            return cholesky_solve(factor, product(matrix, rhs, adjoint_a=True))
        factor = _regularized_cholesky(matrix, l2_regularizer, shape[-2], first=False)
        return product(matrix, cholesky_solve(factor, rhs), adjoint_a=True)


def _regularized_cholesky(matrix: Any, l2_regularizer: Any, size: Any, *, first: bool) -> Any:
    gram = product(matrix, matrix, adjoint_a=first, adjoint_b=not first)
    strength = static_value(l2_regularizer) if isinstance(l2_regularizer, Tensor) else l2_regularizer
    if strength is None or np.any(np.asarray(strength) != 0):
        eye = np.eye(size, dtype=matrix.dtype.as_numpy_dtype)
        gram = raw.AddV2(gram, raw.Mul(raw.Cast(_tensor(l2_regularizer), DstT=matrix.dtype), eye))
    return cholesky(gram)


def _checked_matrix(a: Any) -> Any:
    """Returns a tensor, which must hold matrices of floating or complex numbers."""
    a = _tensor(a, name="a")
    if not (a.dtype.is_floating or a.dtype.is_complex):
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    shape = known_shape(a)
    if shape is not None and len(shape) < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {len(shape)}).")
    return a


def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """Computes the pseudo-inverses of matrices.

    Args:
      a: a tensor (..., m, n).
      rcond: singular values below this part of the greatest count as zero; ``10 max(m, n) eps`` if None.
      validate_args: whether to check the arguments with more care.
      name: the name scope of the nodes.

    Returns:
      A tensor (..., n, m).

    Raises:
      TypeError: ``a`` is not of a floating or complex type.
    """
    del validate_args
    with name_scope(name or "pinv"):
        a = _checked_matrix(a)
        real = a.dtype.real_dtype.as_numpy_dtype
        if rcond is None:
            shape = known_shape(a)
            if shape is None or None in shape[-2:]:
                sizes = raw.Shape(a)
                greatest = raw.Max(sizes, np.array([0], np.int32))
                rcond = raw.Mul(raw.Cast(greatest, DstT=a.dtype.real_dtype), np.asarray(10 * np.finfo(real).eps, real))
            else:
                rcond = np.asarray(10.0 * max(shape[-2:]) * np.finfo(real).eps, real)  # type: ignore[type-var]
        rcond = convert_to_tensor(rcond, a.dtype.real_dtype, name="rcond")
        s, u, v = svd(a)
        cutoff = raw.Mul(rcond, reduce_max(s, -1), name="mul")
        kept = raw.Greater(s, raw.ExpandDims(cutoff, np.int32(-1)))
        s = raw.SelectV2(kept, s, np.asarray(np.inf, real))
        scale = raw.ExpandDims(s, np.int32(-2))
        if v.dtype.is_complex:
            scale = raw.Cast(scale, DstT=v.dtype)
        return product(raw.RealDiv(v, scale, name="truediv"), u, adjoint_b=True)


def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Any:
    """Counts the singular values of matrices (..., m, n) that are above ``tol``.

    Args:
      a: the matrices.
      tol: the bound; ``eps max(m, n) max(s)`` if None.
      validate_args: whether to check the arguments with more care.
      name: the name scope of the nodes.

    Returns:
      An ``int32`` tensor of the shape of the batch.
    """
    del validate_args
    with name_scope(name or "matrix_rank"):
        a = _checked_matrix(a)
        s = svd(a, compute_uv=False)
        if tol is None:
            shape = known_shape(a)
            real = s.dtype.as_numpy_dtype
            if shape is None or None in shape[-2:]:
                size = raw.Cast(raw.Max(raw.Shape(a), np.array([0], np.int32)), DstT=s.dtype)
            else:
                size = np.asarray(max(shape[-2:]), real)  # type: ignore[type-var]
            tol = raw.Mul(raw.Mul(np.asarray(np.finfo(real).eps, real), size), reduce_max(s, -1, True))
        return reduce_sum(raw.Cast(raw.Greater(s, tol), DstT=dtypes.int32), -1)


def lu_reconstruct(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """Multiplies the factors of an LU decomposition and puts the rows back in order."""
    with name_scope(name or "lu_reconstruct"):
        packed, perm = _checked_lu(lower_upper, perm, validate_args)
        lower = with_diagonal(lower_triangle(packed), raw.OnesLike(diagonal_of(packed)))
        return product(_permutation(perm, packed.dtype), product(lower, upper_triangle(packed)), adjoint_a=True)


def lu_solve(lower_upper: Any, perm: Any, rhs: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """Solves ``a @ x = rhs``, given the LU decomposition of ``a`` (see ``lu``)."""
    with name_scope(name or "lu_solve"):
        packed, perm = _checked_lu(lower_upper, perm, validate_args)
        rhs = _tensor(rhs, dtype_hint=packed.dtype.base_dtype)
        shape = known_shape(rhs)
        if shape is not None and len(shape) < 2:
            raise ValueError(f"`rhs` must have at least 2 dimensions (saw: {len(shape)}).")
        if perm.shape.rank == 1:
            ordered = raw.GatherV2(rhs, perm, np.int32(-2))
        else:
            ordered = product(_permutation(perm, packed.dtype), rhs)
        lower = with_diagonal(lower_triangle(packed), raw.OnesLike(diagonal_of(packed)))
        first = solving.matrix_triangular_solve_op(lower, ordered, lower=True)
        return solving.matrix_triangular_solve_op(packed, first, lower=False)


def lu_matrix_inverse(lower_upper: Any, perm: Any, validate_args: bool = False, name: str | None = None) -> Any:
    """Inverts matrices, given their LU decompositions."""
    with name_scope(name or "lu_matrix_inverse"):
        packed, perm = _checked_lu(lower_upper, perm, False)
        return lu_solve(
            packed,
            perm,
            raw.MatrixDiagV3(
                raw.OnesLike(diagonal_of(packed)),
                np.int32(0),
                np.int32(-1),
                np.int32(-1),
                np.zeros((), packed.dtype.as_numpy_dtype),
            ),
            validate_args,
        )


def _checked_lu(lower_upper: Any, perm: Any, validate_args: bool) -> tuple[Any, Any]:
    """Returns the parts of an LU decomposition as tensors, whose shapes must fit; at run time too if asked for."""
    packed = _tensor(lower_upper, name="lower_upper", dtype_hint=dtypes.float32)
    perm = _tensor(perm, name="perm", dtype_hint=dtypes.int32)
    shape, order = known_shape(packed), known_shape(perm)
    if shape is not None and len(shape) < 2:
        raise ValueError(f"Input `lower_upper` must have at least 2 dimensions (saw: {len(shape)}).")
    if order is not None and len(order) < 1:
        raise ValueError(f"Input `perm` must have at least 1 dimension (saw: {len(order)}).")
    if shape is not None and order is not None and len(shape) != len(order) + 1:
        raise ValueError("`rank(lower_upper)` must equal `rank(perm) + 1`.")
    if shape is not None and None not in shape[-2:] and shape[-1] != shape[-2]:
        raise ValueError(f"`lower_upper` must be square, got shape {list(shape)}.")
    if validate_args:
        sizes = raw.Shape(packed)
        square = raw.Equal(sizes[-2], sizes[-1])
        assertion = raw.Assert(square, [np.array(b"`lower_upper` must be square.", object), sizes])
        if assertion is not None:
            with assertion.graph.control_dependencies([assertion]):
                packed = raw.Identity(packed)
    return packed, perm


def _permutation(perm: Any, dtype: Any) -> Any:
    """Returns the matrices that put rows in the order of an LU decomposition."""
    sizes = raw.Shape(perm)
    size = raw.GatherV2(sizes, raw.Sub(raw.Size(sizes), np.int32(1)), np.int32(0))
    numbers = raw.Range(np.int32(0), size, np.int32(1))
    places = raw.Cast(raw.ExpandDims(perm, np.int32(-1)), DstT=dtypes.int32)
    return raw.Cast(raw.Equal(places, numbers), DstT=dtype)


# TensorFlow 0.x had a function for matrices and one for batches.

batch_matrix_inverse = inv
batch_matrix_solve = solve
batch_matrix_triangular_solve = triangular_solve
batch_matrix_determinant = det
batch_cholesky = cholesky
batch_cholesky_solve = cholesky_solve
batch_self_adjoint_eig = eigh
batch_self_adjoint_eigvals = eigvalsh
batch_svd = svd_v0
batch_matrix_solve_ls = lstsq
batch_matrix_transpose = matrix_transpose
