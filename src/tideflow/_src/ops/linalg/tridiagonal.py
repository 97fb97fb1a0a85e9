"""Systems with tridiagonal matrices, and products with them.

The compact form of such a matrix has three rows: the diagonal above the main one, of which the last element is not
read, the main diagonal, and the one below, of which the first element is not read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import invalid_argument
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import merge, merge_dimensions, text, with_rank_at_least
from tideflow._src.ops.linalg.batches import transposed
from tideflow._src.ops.math.arithmetic import conjugate
from tideflow._src.runtime.lazy import jnp, lax
from tideflow._src.runtime.op import op

_TYPES = ("double", "float", "complex64", "complex128")
_LAST = np.int32(-1)


def _check_batches(*inputs: Any) -> None:
    """Rejects inputs unless they hold matrices in batches of the same shape."""
    for position, item in enumerate(inputs):
        if item.ndim < 2:
            raise invalid_argument(f"Input tensor {position} must have rank >= 2, got {item.ndim}")
    first = inputs[0]
    if any(item.ndim != first.ndim for item in inputs):
        shapes = ", ".join(text(tuple(item.shape)) for item in inputs)
        raise invalid_argument(f"All input tensors must have the same rank: {shapes}")
    if any(item.shape[:-2] != first.shape[:-2] for item in inputs):
        shapes = ", ".join(text(tuple(item.shape)) for item in inputs)
        raise invalid_argument(f"All input tensors must have the same outer dimensions: {shapes}")


# Solutions.


def _check_system(diagonals: Any, rhs: Any, partial_pivoting: bool, perturb_singular: bool) -> None:
    if perturb_singular and not partial_pivoting:
        raise invalid_argument("Setting perturb_singular requires also setting partial_pivoting.")
    _check_batches(diagonals, rhs)
    if diagonals.shape[-2] != 3:
        raise invalid_argument(
            f"Expected diagonals to be provided as a matrix with 3 rows, got {diagonals.shape[-2]} rows."
        )
    if diagonals.shape[-1] != rhs.shape[-2]:
        raise invalid_argument(
            "Expected the same number of left-hand sides and right-hand sides, got "
            f"{diagonals.shape[-1]} and {rhs.shape[-2]}."
        )


@op("TridiagonalSolve", "diagonals: T, rhs: T -> output: T", T=_TYPES)
def tridiagonal_solve_op(xp, diagonals, rhs, *, partial_pivoting: bool = True, perturb_singular: bool = False):
    """Solves tridiagonal systems, given in compact form; the result for a singular matrix is not a number."""
    _check_system(diagonals, rhs, partial_pivoting, perturb_singular)
    if not rhs.size:
        return rhs
    above, main, below = diagonals[..., 0, :], diagonals[..., 1, :], diagonals[..., 2, :]
    if not partial_pivoting:
        return _without_pivoting(above, main, below, rhs)
    if main.shape[-1] == 1 and not perturb_singular:
        return jnp.where(main[..., None] == 0, jnp.nan, rhs / main[..., None]).astype(rhs.dtype)
    first = jnp.arange(main.shape[-1]) == 0
    last = first[::-1]
    return lax.linalg.tridiagonal_solve(
        jnp.where(first, 0, below), main, jnp.where(last, 0, above), rhs, perturb_singular=perturb_singular
    )


def _without_pivoting(above: Any, main: Any, below: Any, rhs: Any) -> Any:
    """Solves tridiagonal systems in a compiled program by Thomas's algorithm."""
    rows = [jnp.moveaxis(item, -1, 0)[..., None] for item in (above, main, below)]
    right = jnp.moveaxis(rhs, -2, 0)
    rows[2] = rows[2].at[0].set(0)
    start = jnp.zeros_like(rows[0][0]), jnp.zeros_like(right[0]), jnp.zeros(main.shape[:-1] + (1,), bool)

    def eliminate(carry: Any, row: Any) -> Any:
        ratio, value, failed = carry
        up, middle, down, b = row
        pivot = middle - down * ratio
        failed = failed | (pivot == 0)
        ratio, value = up / pivot, (b - down * value) / pivot
        return (ratio, value, failed), (ratio, value)

    def substitute(x: Any, row: Any) -> Any:
        ratio, value = row
        x = value - ratio * x
        return x, x

    (_, _, failed), (ratios, values) = lax.scan(eliminate, start, (*rows, right))
    _, solution = lax.scan(substitute, jnp.zeros_like(right[0]), (ratios.at[-1].set(0), values), reverse=True)
    return jnp.where(failed[..., None], jnp.nan, jnp.moveaxis(solution, 0, -2)).astype(rhs.dtype)


@tridiagonal_solve_op.host
def _tridiagonal_solve_host(diagonals, rhs, *, partial_pivoting: bool = True, perturb_singular: bool = False):
    _check_system(diagonals, rhs, partial_pivoting, perturb_singular)
    if not rhs.size:
        return rhs
    size = diagonals.shape[-1]
    count = rhs.size // (size * rhs.shape[-1])
    if partial_pivoting and not perturb_singular and size > 1 and count <= 2 * size:
        return _by_lapack(diagonals, rhs)
    above, main, below = (np.moveaxis(diagonals, -1, 0)[..., row, None] for row in range(3))
    factors, right = _eliminate(above, main, below, np.moveaxis(rhs, -2, 0), partial_pivoting)
    solution = _substitute(factors, right, perturb_singular)
    if not perturb_singular:
        solution[:, (factors[0] == 0).any(axis=0)[..., 0]] = np.nan
    return np.moveaxis(solution, 0, -2)


def _by_lapack(diagonals: Any, rhs: Any) -> Any:
    """Solves few systems one by one: a call of LAPACK costs less than a row of NumPy operations."""
    from scipy.linalg.lapack import get_lapack_funcs  # loads SciPy, which JAX requires

    (solve,) = get_lapack_funcs(("gtsv",), dtype=rhs.dtype)
    systems = diagonals.reshape(-1, 3, diagonals.shape[-1])
    result = np.empty((len(systems), *rhs.shape[-2:]), rhs.dtype)
    for matrix, right, solution in zip(systems, rhs.reshape(result.shape), result, strict=True):
        *_, solution[...], status = solve(matrix[2, 1:], matrix[1], matrix[0, :-1], right)
        if status > 0:
            solution[...] = np.nan
    return result.reshape(rhs.shape)


def _eliminate(above: Any, main: Any, below: Any, rhs: Any, pivoting: bool) -> tuple[Any, Any]:
    """Makes systems upper triangular, all matrices of a batch at once: the three diagonals, and the right sides."""
    size = len(main)
    upper = np.zeros((3, *main.shape), main.dtype)
    right = np.array(rhs)
    pivot, beside = main[0], above[0]
    for row in range(size - 1):
        down, next_main, next_above = below[row + 1], main[row + 1], above[row + 1]
        current, following = right[row], right[row + 1]
        exchanged = (np.abs(down) > np.abs(pivot)) if pivoting else np.zeros(pivot.shape, bool)
        divisor = np.where(exchanged, down, pivot)
        ratio = np.where(exchanged, pivot, down)
        if pivoting:  # both are zero where the divisor is
            ratio = np.divide(ratio, divisor, out=np.zeros_like(ratio), where=divisor != 0)
        else:
            ratio = ratio / divisor
        upper[0, row] = divisor
        if row == size - 2:
            next_above = np.zeros_like(next_above)
        upper[1, row] = np.where(exchanged, next_main, beside)
        upper[2, row] = np.where(exchanged, next_above, 0)
        pivot = np.where(exchanged, beside, next_main) - ratio * upper[1, row]
        beside = np.where(exchanged, 0, next_above) - ratio * upper[2, row]
        kept = np.where(exchanged, following, current)
        right[row + 1] = np.where(exchanged, current, following) - ratio * kept
        right[row] = kept
    upper[0, size - 1] = pivot
    return upper, right


def _substitute(upper: Any, right: Any, perturb: bool) -> Any:
    """Solves upper triangular systems with two diagonals above the main one."""
    solution = np.zeros_like(right)
    size = len(right)
    if perturb:
        limits = np.finfo(right.dtype)
        tiny, huge = limits.tiny, 1 / limits.tiny
        small = np.maximum(limits.eps * np.abs(upper).max(axis=(0, 1)), tiny)
    for row in range(size - 1, -1, -1):
        value = right[row]
        for offset in range(1, min(3, size - row)):
            value = value - upper[offset, row] * solution[row + offset]
        pivot = upper[0, row]
        if perturb:
            change = np.where(pivot.real < 0, -small, small)
            greatest = np.abs(value).max(axis=-1, keepdims=True)
            while True:  # until no quotient overflows; the change doubles
                magnitude = np.abs(pivot)
                bad = (magnitude < tiny) & ((magnitude == 0) | (greatest * tiny > magnitude))
                bad |= (magnitude >= tiny) & (magnitude < 1) & (greatest > magnitude * huge)
                if not bad.any():
                    break
                pivot = np.where(bad, pivot + change, pivot)
                change = np.where(bad, 2 * change, change)
        solution[row] = value / pivot
    return solution


@tridiagonal_solve_op.shape
def _tridiagonal_solve_shape(diagonals, rhs):
    diagonals, rhs = with_rank_at_least(diagonals, 2), with_rank_at_least(rhs, 2)
    if diagonals is not None:
        merge_dimensions(diagonals[-2], 3)
    if rhs is None:
        return None
    if diagonals is None:
        return rhs
    merge(diagonals[:-2], rhs[:-2])
    merge_dimensions(diagonals[-1], rhs[-2])
    return rhs


def moved_up(x: Any, axis: int) -> Any:
    """Moves the elements one place towards the start of axis -1 or -2, and puts zeros in at its end."""
    first, rest = (x[..., :1], x[..., 1:]) if axis == -1 else (x[..., :1, :], x[..., 1:, :])
    return raw.ConcatV2([rest, raw.ZerosLike(first)], np.int32(axis))


def moved_down(x: Any, axis: int) -> Any:
    """Moves the elements one place towards the end of axis -1 or -2, and puts zeros in at its start."""
    rest, last = (x[..., :-1], x[..., -1:]) if axis == -1 else (x[..., :-1, :], x[..., -1:, :])
    return raw.ConcatV2([raw.ZerosLike(last), rest], np.int32(axis))


def _rows(diagonals: Any) -> list[Any]:
    """Takes a compact form apart into its rows."""
    return raw.Unpack(diagonals, num=3, axis=-2)  # type: ignore[no-any-return]


def _inner(x: Any, y: Any) -> Any:
    """Sums the products of two tensors over the last axis."""
    return raw.Sum(raw.Mul(x, y), _LAST)


@tridiagonal_solve_op.gradient
def _tridiagonal_solve_gradient(call, dy):
    solution = call.outputs[0]
    above, main, below = _rows(call.inputs[0])
    turned = raw.Pack([moved_up(below, -1), main, moved_down(above, -1)], axis=-2)
    pivoting, perturb = call.attr("partial_pivoting"), call.attr("perturb_singular")
    d_rhs = tridiagonal_solve_op(turned, dy, partial_pivoting=pivoting, perturb_singular=perturb)
    d_above = _inner(d_rhs, moved_up(solution, -2))
    d_below = _inner(d_rhs, moved_down(solution, -2))
    return raw.Neg(raw.Pack([d_above, _inner(d_rhs, solution), d_below], axis=-2)), d_rhs


def _dominant(s: Any, *shape: int, dtype: Any = "float64") -> Any:
    """Random tridiagonal matrices far from singular."""
    diagonals = s.normal(*shape, dtype=dtype)
    diagonals[..., 1, :] += 4
    return diagonals


@tridiagonal_solve_op.samples
def _tridiagonal_solve_samples(s):
    for dtype in s.dtypes("T"):
        right = s.normal(4, 2, dtype=dtype)
        yield s(_dominant(s, 3, 4, dtype=dtype), right, differences=not dtype.is_complex)  # no conjugates there
    for options in ({"partial_pivoting": False}, {"perturb_singular": True}, {}):
        yield s(_dominant(s, 2, 3, 4), s.normal(2, 4, 1, dtype="float64"), **options)
        yield s(s.normal(3, 5, dtype="float64"), s.normal(5, 2, dtype="float64"), gradient=False, **options)
        yield s(s.normal(9, 3, 2, dtype="float64"), s.normal(9, 2, 2, dtype="float64"), gradient=False, **options)
        yield s(_dominant(s, 3, 1), s.normal(1, 2, dtype="float64"), **options)
        singular = np.array([[1, 0.0], [1, 1], [0, 1]])
        yield s(singular, s.normal(2, 1, dtype="float64"), gradient=False, **options)
        yield s(s.empty(3, 0), s.empty(0, 2), gradient=False, **options)
    yield s(s.normal(2, 4), s.normal(4, 2), error="InvalidArgumentError")
    yield s(s.normal(3, 4), s.normal(3, 2), error="InvalidArgumentError")
    yield s(s.normal(2, 3, 4), s.normal(4, 2), error="InvalidArgumentError")
    yield s(s.normal(3), s.normal(3, 2), error="InvalidArgumentError")
    bad = {"partial_pivoting": False, "perturb_singular": True}
    yield s(s.normal(3, 4), s.normal(4, 2), error="InvalidArgumentError", **bad)


# Products.


@op("TridiagonalMatMul", "superdiag: T, maindiag: T, subdiag: T, rhs: T -> output: T", T=_TYPES)
def tridiagonal_mat_mul_op(xp, superdiag, maindiag, subdiag, rhs):
    """Multiplies tridiagonal matrices, given as three diagonals (..., 1, m), with matrices (..., m, n)."""
    _check_batches(superdiag, maindiag, subdiag, rhs)
    size = rhs.shape[-2]
    for name, item in (("superdiagonal", superdiag), ("maindiagonal", maindiag), ("subdiagonal", subdiag)):
        if item.shape[-2] != 1 or item.shape[-1] != size:
            raise invalid_argument(f"Invalid {name} shape: expected [...,1,{size}], got {text(tuple(item.shape))}.")
    if not rhs.size:
        return rhs
    above, main, below = (item[..., 0, :, None] for item in (superdiag, maindiag, subdiag))
    if xp is np:
        result = main * rhs
        result[..., :-1, :] += above[..., :-1, :] * rhs[..., 1:, :]
        result[..., 1:, :] += below[..., 1:, :] * rhs[..., :-1, :]
        return result
    around = [(0, 0)] * (rhs.ndim - 2)
    result = main * rhs
    result = result + xp.pad(above[..., :-1, :] * rhs[..., 1:, :], [*around, (0, 1), (0, 0)])
    return result + xp.pad(below[..., 1:, :] * rhs[..., :-1, :], [*around, (1, 0), (0, 0)])


@tridiagonal_mat_mul_op.shape
def _tridiagonal_mat_mul_shape(superdiag, maindiag, subdiag, rhs):
    diagonals = None
    for item in (superdiag, maindiag, subdiag):
        diagonals = merge(diagonals, with_rank_at_least(item, 2))
    rhs = with_rank_at_least(rhs, 2)
    if diagonals is not None:
        merge_dimensions(diagonals[-2], 1)
    if rhs is None:
        return None
    if diagonals is None:
        return rhs
    merge(diagonals[:-2], rhs[:-2])
    merge_dimensions(diagonals[-1], rhs[-2])
    return rhs


@tridiagonal_mat_mul_op.gradient
def _tridiagonal_mat_mul_gradient(call, dy):
    above, main, below = (transposed(item, conjugate=True) for item in call.inputs[:3])
    rhs = conjugate(call.inputs[3])
    d_diagonals = [_inner(item, dy) for item in (moved_up(rhs, -2), rhs, moved_down(rhs, -2))]
    d_rhs = raw.AddV2(moved_down(raw.Mul(above, dy), -2), raw.Mul(main, dy))
    d_rhs = raw.AddV2(d_rhs, moved_up(raw.Mul(below, dy), -2))
    return *(raw.ExpandDims(item, np.int32(-2)) for item in d_diagonals), d_rhs


@tridiagonal_mat_mul_op.samples
def _tridiagonal_mat_mul_samples(s):
    for dtype in s.dtypes("T"):
        yield s(*(s.normal(1, 4, dtype=dtype) for _ in range(3)), s.normal(4, 2, dtype=dtype))
    yield s(*(s.normal(2, 1, 3) for _ in range(3)), s.normal(2, 3, 1))
    yield s(*(s.normal(1, 1) for _ in range(3)), s.normal(1, 2))
    yield s(*(s.empty(1, 0) for _ in range(3)), s.empty(0, 2), gradient=False)
    yield s(*(s.normal(1, 4) for _ in range(3)), s.normal(3, 2), error="InvalidArgumentError")
    yield s(*(s.normal(2, 4) for _ in range(3)), s.normal(4, 2), error="InvalidArgumentError")
    yield s(s.normal(1, 1, 4), s.normal(1, 4), s.normal(1, 4), s.normal(4, 2), error="InvalidArgumentError")
