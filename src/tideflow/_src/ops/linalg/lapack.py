"""Calls LAPACK for the host's kernels: large batches on several threads, large matrices without copies.

NumPy's functions of batches work on one thread and copy every matrix. The routines themselves come from SciPy, which
JAX requires; it is loaded when a large matrix comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.runtime.threaded_ranges import over_ranges

#: Rows from which on a call of SciPy's LAPACK costs less than NumPy's copies.
LARGE = 64
#: Multiplications that cost about what one element costs elsewhere, as ``over_ranges`` counts.
_PER_ELEMENT = 16


def over_batch(function: Callable[..., Any], *batches: Any) -> Any:
    """Applies a function of batches of matrices to parts of the batch at the same time, where it pays.

    Args:
      function: takes arrays of matrices with one dimension of batch, and returns an array or a tuple of them.
      *batches: arrays with the same dimensions of batch.

    Returns:
      What ``function`` returns for the whole.
    """
    first = batches[0]
    lead = first.shape[:-2]
    count = int(np.prod(lead, dtype=np.int64))
    work = first.size * min(first.shape[-2:], default=0) // _PER_ELEMENT
    if count < 2 or work < (1 << 19):
        return function(*batches)
    flat = [batch.reshape(count, *batch.shape[-2:]) for batch in batches]
    parts: dict[int, Any] = {}

    def compute(begin: int, end: int) -> None:
        parts[begin] = function(*(batch[begin:end] for batch in flat))

    over_ranges(compute, count, work)
    results = [parts[begin] for begin in sorted(parts)]
    if not isinstance(results[0], tuple):
        whole = np.concatenate(results)
        return whole.reshape(lead + whole.shape[1:])
    joined = [np.concatenate(pieces) for pieces in zip(*results, strict=True)]
    return tuple(whole.reshape(lead + whole.shape[1:]) for whole in joined)


def _routines(names: tuple[str, ...], dtype: Any) -> Any:
    from scipy.linalg.lapack import get_lapack_funcs  # loads SciPy, which JAX requires

    return get_lapack_funcs(names, dtype=dtype)


def cholesky(matrix: Any) -> Any:
    """Factors one matrix, of which the lower triangle is read; None if it is not positive definite."""
    (factor,) = _routines(("potrf",), matrix.dtype)
    # Read by columns, the lower triangle is the upper one of the transposed matrix: no copy in another order.
    upper, status = factor(matrix.T, lower=0, clean=1)
    return upper.T if status == 0 else None


def solve(matrix: Any, rhs: Any) -> Any:
    """Solves a system with one matrix; a LinAlgError if it is singular."""
    (routine,) = _routines(("gesv",), rhs.dtype)
    *_, solution, status = routine(matrix, rhs)
    if status > 0:
        raise np.linalg.LinAlgError("Singular matrix")
    return solution


def triangular_solve(matrix: Any, rhs: Any, lower: bool) -> Any:
    """Solves a system with one triangular matrix; None if a diagonal element is zero."""
    (routine,) = _routines(("trtrs",), rhs.dtype)
    solution, status = routine(matrix.T, rhs, lower=not lower, trans=1)
    return solution if status == 0 else None


def lu(matrices: Any) -> tuple[Any, Any]:
    """Factors square matrices (count, n, n) with rows exchanged: the packed factors, and the order of the rows."""
    (routine,) = _routines(("getrf",), matrices.dtype)
    packed = np.empty_like(matrices)
    exchanges = np.empty(matrices.shape[:-1], np.int64)
    for matrix, factors, rows in zip(matrices, packed, exchanges, strict=True):
        factors[...], rows[...], _ = routine(matrix)
    return packed, _order_after(exchanges)


def _order_after(exchanges: Any) -> Any:
    """Returns the order of rows after each was exchanged with a later one, for each matrix (count, n)."""
    count, size = exchanges.shape
    if count < size:
        return np.array([_exchanged(row) for row in exchanges.tolist()], np.int64).reshape(count, size)
    order = np.broadcast_to(np.arange(size), exchanges.shape).copy()
    every = np.arange(count)
    for row in range(size):
        other = exchanges[:, row]
        order[every, other], order[:, row] = order[:, row].copy(), order[every, other]
    return order


def _exchanged(exchanges: list[int]) -> list[int]:
    order = list(range(len(exchanges)))
    for row, other in enumerate(exchanges):
        order[row], order[other] = order[other], order[row]
    return order
