"""The public functions on tridiagonal matrices: solutions, products, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.shape_inference import shape_text
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.linalg.batches import transposed
from tideflow._src.ops.linalg.tridiagonal import tridiagonal_mat_mul_op, tridiagonal_solve_op
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_BAND = np.array([-1, 1], np.int32)


def _tensor(value: Any, name: str | None = None) -> Any:
    return value if isinstance(value, Tensor) else convert_to_tensor(value, name=name)


def _band_of(matrix: Any) -> Any:
    """Returns the three diagonals of square matrices, in compact form."""
    matrix = _tensor(matrix)
    shape = known_shape(matrix)
    if shape is not None and None not in shape[-2:] and shape[-1] != shape[-2]:
        raise ValueError(f"Expected last two dimensions of diagonals to be same, got {shape[-1]} and {shape[-2]}")
    return raw.MatrixDiagPartV3(matrix, _BAND, np.zeros((), matrix.dtype.as_numpy_dtype), align="LEFT_RIGHT")


def _three(diagonals: Any) -> list[Any]:
    """Returns three diagonals given as a sequence, those beside the main one padded where they are shorter."""
    if not isinstance(diagonals, list | tuple) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    above, main, below = (_tensor(item) for item in diagonals)
    shapes = [item.shape for item in (above, main, below)]
    if any(not shape[:-1].is_compatible_with(shapes[1][:-1]) for shape in shapes):
        raise ValueError(
            "Tensors representing the three diagonals must have the same shape, except for the last dimension, got "
            f"{shapes[2]}, {shapes[1]}, {shapes[0]}"
        )
    return [_padded(above, main, "superdiagonal", [0, 1]), main, _padded(below, main, "subdiagonal", [1, 0])]


def _padded(diagonal: Any, main: Any, name: str, where: list[int]) -> Any:
    shape, wanted = known_shape(diagonal), known_shape(main)
    if shape is None or wanted is None or not shape[-1] or wanted[-1] in (None, shape[-1]):
        return diagonal
    size = int(wanted[-1])  # type: ignore[arg-type]
    if shape[-1] != size - 1:
        raise ValueError(f"Expected {name} to have length {size} or {size - 1}, got {shape[-1]}.")
    return raw.Pad(diagonal, np.array([[0, 0]] * (len(shape) - 1) + [where], np.int32))


def tridiagonal_solve(
    diagonals: Any,
    rhs: Any,
    diagonals_format: str = "compact",
    transpose_rhs: bool = False,
    conjugate_rhs: bool = False,
    name: str | None = None,
    partial_pivoting: bool = True,
    perturb_singular: bool = False,
) -> Any:
    """Solves tridiagonal systems of equations.

    Args:
      diagonals: the matrices. In ``"compact"`` format a tensor (..., 3, M): the diagonal above the main one, whose last
        element is not read, the main one, and the one below, whose first element is not read; in ``"sequence"`` format
        these three as a list, where those beside the main one may be shorter by one; in ``"matrix"`` format the
        matrices (..., M, M), of which the rest is not read.
      rhs: the right sides, (..., M) or (..., M, K).
      diagonals_format: which format it is.
      transpose_rhs: whether to transpose the right sides first, if they are matrices.
      conjugate_rhs: whether to conjugate them first.
      name: the name of the node.
      partial_pivoting: whether rows may change places, which is more stable.
      perturb_singular: whether pivots that are zero are changed a little, so that the result is finite.

    Returns:
      The solutions, of the shape of the right sides.

    Raises:
      ValueError: shapes do not fit, or ``perturb_singular`` is set without ``partial_pivoting``.
    """
    if perturb_singular and not partial_pivoting:
        raise ValueError("partial_pivoting must be True if perturb_singular is.")
    if diagonals_format == "compact":
        compact = _tensor(diagonals, "diagonals")
    elif diagonals_format == "sequence":
        compact = raw.Pack(_three(diagonals), axis=-2)
    elif diagonals_format == "matrix":
        compact = _band_of(diagonals)
    else:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    rhs = rhs if isinstance(rhs, Tensor) else convert_to_tensor(rhs, dtype_hint=compact.dtype, name="rhs")
    shape, wide = known_shape(compact), known_shape(rhs)
    is_vector = _check_system(shape, wide)
    if conjugate_rhs and rhs.dtype.is_complex:
        rhs = raw.Conj(rhs)
    if is_vector:
        rhs = raw.ExpandDims(rhs, np.int32(-1))
    elif transpose_rhs:
        rhs = transposed(rhs)
    wide = known_shape(rhs)
    if shape is not None and wide is not None and None not in (shape[-1], wide[-2]) and shape[-1] != wide[-2]:
        raise ValueError(
            f"Expected number of left-hand sided and right-hand sides to be equal, got {shape[-1]} and {wide[-2]}"
        )
    options = {"partial_pivoting": partial_pivoting, "perturb_singular": perturb_singular}
    solution = tridiagonal_solve_op(compact, rhs, name=name, **options)
    return raw.Squeeze(solution, squeeze_dims=[-1]) if is_vector else solution


def _check_system(shape: Any, wide: Any) -> bool:
    """Checks static shapes of a compact form and of right sides; returns whether the latter are vectors."""
    if shape is None:
        return False
    rank = len(shape)
    if rank < 2:
        raise ValueError(f"Expected diagonals to have rank at least 2, got {rank}")
    if shape[-2] not in (None, 3):
        raise ValueError(f"Expected 3 diagonals got {shape[-2]}")
    if wide is None:
        return False
    if len(wide) not in (rank - 1, rank):
        raise ValueError(f"Expected the rank of rhs to be {rank - 1} or {rank}, got {len(wide)}")
    pairs = zip(shape[:-2], wide[: rank - 2], strict=True)
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(f"Batch shapes {shape_text(shape[:-2])} and {shape_text(wide[: rank - 2])} are incompatible")
    return len(wide) == rank - 1


def tridiagonal_matmul(diagonals: Any, rhs: Any, diagonals_format: str = "compact", name: str | None = None) -> Any:
    """Multiplies tridiagonal matrices with matrices.

    Args:
      diagonals: the tridiagonal matrices; see ``tridiagonal_solve``, but all three diagonals have the same length.
      rhs: the other factors, (..., M, N).
      diagonals_format: the format of the first.
      name: the name of the node.

    Returns:
      The products, (..., M, N).

    Raises:
      ValueError: there is no such format, or matrices are not square.
    """
    if diagonals_format == "compact":
        rows = raw.Unpack(_tensor(diagonals), num=3, axis=-2)
    elif diagonals_format == "sequence":
        rows = [_tensor(item) for item in diagonals]
        if len(rows) != 3:
            raise ValueError(f"Expected diagonals to be a sequence of length 3, got {len(rows)}.")
    elif diagonals_format == "matrix":
        rows = raw.Unpack(_band_of(diagonals), num=3, axis=-2)
    else:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    wide = [raw.ExpandDims(row, np.int32(-2)) for row in rows]
    return tridiagonal_mat_mul_op(*wide, rhs, name=name)


def eigh_tridiagonal(
    alpha: Any,
    beta: Any,
    eigvals_only: bool = True,
    select: str = "a",
    select_range: Any = None,
    tol: Any = None,
    name: str | None = None,
) -> Any:
    """Computes eigenvalues, and eigenvectors if asked for, of one self-adjoint tridiagonal matrix.

    They come from the dense matrix, to the precision of the dtype, so that ``tol`` is not needed.

    Args:
      alpha: the main diagonal, (N); the imaginary parts of complex numbers are not read.
      beta: the diagonal above it, (N - 1); the one below holds its conjugates.
      eigvals_only: whether to leave out the eigenvectors.
      select: ``"a"`` for all eigenvalues, ``"v"`` for those in ``(low, high]``, ``"i"`` for those with an index of
        ``low`` to ``high``.
      select_range: the pair of bounds for ``"v"`` and ``"i"``.
      tol: accepted for TensorFlow's signature.
      name: the name scope of the nodes.

    Returns:
      The eigenvalues, ascending, or the pair of eigenvalues and eigenvectors (N, number of eigenvalues).

    Raises:
      ValueError: the dtypes differ, or ``select`` or its range is wrong.
    """
    del tol
    if select not in ("a", "v", "i"):
        raise ValueError(f"'select' must have a value in {{'a', 'i', 'v'}}, got {select!r}.")
    with name_scope(name or "eigh_tridiagonal"):
        alpha, beta = _tensor(alpha, "alpha"), _tensor(beta, "beta")
        if alpha.dtype != beta.dtype:
            raise ValueError(f"'alpha' and 'beta' must have the same type, got {alpha.dtype} and {beta.dtype}.")
        is_complex = alpha.dtype.is_complex
        main = raw.Cast(raw.Real(alpha, Tout=alpha.dtype.real_dtype), DstT=alpha.dtype) if is_complex else alpha
        zero = np.zeros((), alpha.dtype.as_numpy_dtype)
        free = np.int32(-1)
        matrix = raw.MatrixDiagV3(main, np.int32(0), free, free, zero)
        matrix = raw.AddV2(matrix, raw.MatrixDiagV3(raw.Conj(beta) if is_complex else beta, free, free, free, zero))
        values, vectors = raw.SelfAdjointEigV2(matrix, compute_v=not eigvals_only)
        if is_complex:
            values = raw.Real(values, Tout=values.dtype.real_dtype)
        chosen = _chosen(values, select, select_range)
        if chosen is not None:
            values = raw.GatherV2(values, chosen, np.int32(0))
            vectors = vectors if eigvals_only else raw.GatherV2(vectors, chosen, np.int32(1))
        return values if eigvals_only else (values, vectors)


def _chosen(values: Any, select: str, select_range: Any) -> Any:
    """Returns the indices of the eigenvalues that are asked for; None for all."""
    if select == "a":
        return None
    if select_range is None:
        raise ValueError(f"'select_range' must be given where 'select' is {select!r}.")
    low, high = (_tensor(select_range[position]) for position in (0, 1))
    if select == "i":
        low, high = (raw.Cast(item, DstT=dtypes.int32) for item in (low, high))
        return raw.Range(low, raw.AddV2(high, np.int32(1)), np.int32(1))
    low, high = (raw.Cast(item, DstT=values.dtype) for item in (low, high))
    inside = raw.LogicalAnd(raw.Greater(values, low), raw.LessEqual(values, high))
    return raw.Squeeze(raw.Where(inside), squeeze_dims=[1])
