"""Products of vectors, matrices and arrays, and polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.numpy_api.arrays import asarray, promoted
from tideflow._src.numpy_api.arrays import promoted_pair as pair
from tideflow._src.numpy_api.ranks import broadcast, canonical_axis, choose, rank_of, shape_of, size_of
from tideflow._src.ops.array import joining, padding, permuting, sequences, splitting
from tideflow._src.ops.array.broadcasting import broadcast_to
from tideflow._src.ops.array.constants import zeros
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.linalg.functions import cross as cross_of_vectors
from tideflow._src.ops.math import arithmetic, comparison, complex_numbers, logical, polynomial
from tideflow._src.ops.math import einsum as einsum_module
from tideflow._src.ops.math import matrix_product_functions as ops


def _scalar_or(a: Any, b: Any, product: Callable[[], Any]) -> Any:
    """Multiplies element by element if one of two arrays is a scalar."""
    either = logical.logical_or(comparison.equal(rank_of(a), 0), comparison.equal(rank_of(b), 0))
    return choose(either, lambda: a * b, product)


def dot(a: Any, b: Any) -> Any:
    """Multiplies the last axis of ``a`` with the last but one of ``b``, or its only one; scalars with everything.

    Args:
      a, b: arrays or tensors; they are promoted to one dtype.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.dot([1, 2], [3, 4]))
      11
    """
    a, b = pair(a, b)

    def product() -> Any:
        return choose(
            comparison.equal(rank_of(b), 1),
            lambda: ops.tensordot(a, b, [[-1], [-1]]),
            lambda: ops.tensordot(a, b, [[-1], [-2]]),
        )

    return _scalar_or(a, b, product)


def inner(a: Any, b: Any) -> Any:
    """Multiplies the last axes of two arrays; scalars with everything.

    Args:
      a, b: arrays or tensors; they are promoted to one dtype.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.inner([[1, 2], [3, 4]], [1, 1]).numpy().tolist()
      [3, 7]
    """
    a, b = pair(a, b)
    return _scalar_or(a, b, lambda: ops.tensordot(a, b, [[-1], [-1]]))


def outer(a: Any, b: Any) -> Any:
    """Multiplies each element of ``a`` with each of ``b``, both taken in order.

    Args:
      a, b: arrays or tensors; they are promoted to one dtype.

    Returns:
      A matrix.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.outer([1, 2], [3, 4]).numpy().tolist()
      [[3, 4], [6, 8]]
    """
    a, b = pair(a, b)
    return reshape(a, [-1, 1]) * reshape(b, [-1])


def vdot(a: Any, b: Any) -> Any:
    """Is the dot product of all elements in order, those of ``a`` conjugated.

    Args:
      a, b: arrays or tensors of as many elements; they are promoted to one dtype.

    Example:
      >>> import tideflow as tf
      >>> complex(tf.experimental.numpy.vdot([1j], [1j]))
      (1+0j)
    """
    a, b = pair(a, b)
    a, b = reshape(a, [-1]), reshape(b, [-1])
    return dot(complex_numbers.conj(a) if a.dtype.is_complex else a, b)


def matmul(x1: Any, x2: Any) -> Any:
    """Multiplies matrices, those of the last two axes; a vector is a row on the left and a column on the right.

    Args:
      x1, x2: arrays or tensors of at least one axis; they are promoted to one dtype.

    Raises:
      ValueError, InvalidArgumentError: the sizes do not fit.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.matmul([[1, 2], [3, 4]], [1, 1]).numpy().tolist()
      [3, 7]
    """
    a, b = pair(x1, x2)
    try:
        if a.shape.rank == 2 and b.shape.rank == 2:
            return ops.matmul(a, b)
        return choose(
            comparison.equal(rank_of(b), 1),
            lambda: ops.tensordot(a, b, 1),
            lambda: choose(
                comparison.equal(rank_of(a), 1),
                lambda: ops.tensordot(a, b, [[0], [-2]]),
                lambda: ops.matmul(a, b),
            ),
        )
    except InvalidArgumentError as error:
        raise ValueError(str(error)) from error


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Multiplies several axes of two arrays at once.

    Args:
      a, b: arrays or tensors; they are promoted to one dtype.
      axes: how many of the last axes of ``a`` meet the first of ``b``; or a pair, the axes of each.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.tensordot([1, 2], [3, 4], axes=1))
      11
    """
    return ops.tensordot(*pair(a, b), axes)


def einsum(subscripts: Any, *operands: Any, **kwargs: Any) -> Any:
    """Multiplies and adds up as Einstein's notation says.

    Args:
      subscripts: such as ``"ij,jk->ik"``.
      operands: arrays or tensors.
      kwargs: ``casting``: ``"safe"`` (by default) promotes to one dtype, ``"no"`` does not; ``optimize``: False, True,
        ``"greedy"`` or ``"optimal"``.

    Raises:
      ValueError: an option has another value.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.einsum("i,i->", [1, 2], [3, 4]))
      11
    """
    casting, optimize = kwargs.get("casting", "safe"), kwargs.get("optimize", False)
    if casting == "safe":
        operands = tuple(promoted(*operands))
    elif casting == "no":
        operands = tuple(map(asarray, operands))
    else:
        raise ValueError(
            "Invalid value for argument `casting`. "
            f'Expected casting="safe" or casting="no". Received: casting={casting}'
        )
    if optimize in (False, None, True):
        optimize = "greedy"
    if optimize not in ("greedy", "optimal"):
        raise ValueError(
            "Invalid value for argument `optimize`. "
            f'Expected one of {{True, "greedy", "optimal"}}. Received: optimize={optimize}'
        )
    return einsum_module.einsum(subscripts, *operands, optimize=optimize)


def kron(a: Any, b: Any) -> Any:
    """Is the Kronecker product: ``b`` times each element of ``a``, in the place of that element.

    Args:
      a, b: arrays or tensors of known rank; they are promoted to one dtype.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.kron([1, 10], [1, 2]).numpy().tolist()
      [1, 2, 10, 20]
    """
    a, b = pair(a, b)
    rank = max(a.shape.rank, b.shape.rank)
    a, b = (_with_axes(one, rank) for one in (a, b))
    sizes = shape_of(a), shape_of(b)
    spread = reshape(a, _interleaved(sizes[0], np.ones(rank, np.int32)))
    repeated = reshape(b, _interleaved(np.ones(rank, np.int32), sizes[1]))
    return reshape(spread * repeated, sizes[0] * sizes[1])


def _with_axes(x: Any, rank: int) -> Any:
    missing = rank - x.shape.rank
    return x if not missing else reshape(x, joining.concat([[1] * missing, shape_of(x)], 0))


def _interleaved(one: Any, other: Any) -> Any:
    return reshape(joining.stack([one, other], axis=1), [-1])


def cross(a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: Any = None) -> Any:
    """Is the cross product of vectors of two or three numbers.

    Args:
      a, b: arrays or tensors; they are promoted to one dtype.
      axisa, axisb: the axes of the vectors.
      axisc: their axis in the result; two vectors of two numbers give a scalar.
      axis: all three of them.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.cross([1, 0, 0], [0, 1, 0]).numpy().tolist()
      [0, 0, 1]
    """
    a, b = pair(a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _axis_last(a, axisa), _axis_last(b, axisb)
    counts = size_of(a, -1), size_of(b, -1)
    a, b = (_with_third(one, count) for one, count in zip((a, b), counts, strict=True))
    result = cross_of_vectors(*broadcast(a, b))
    in_plane = logical.logical_and(comparison.equal(counts[0], 2), comparison.equal(counts[1], 2))
    return choose(in_plane, lambda: result[..., 2], lambda: _last_to(result, axisc))


def _axis_last(x: Any, axis: Any) -> Any:
    rank = rank_of(x)
    axis = canonical_axis(axis, rank)
    if isinstance(rank, int):
        return x if axis == rank - 1 else permuting.transpose(x, [*(i for i in range(rank) if i != axis), axis])
    order = joining.concat([sequences.range(axis), sequences.range(axis + 1, rank), [axis]], 0)
    return permuting.transpose(x, order)


def _last_to(x: Any, axis: Any) -> Any:
    rank = rank_of(x)
    axis = canonical_axis(axis, rank)
    if isinstance(rank, int):
        order = list(range(rank - 1))
        order.insert(axis, rank - 1)
        return x if axis == rank - 1 else permuting.transpose(x, order)
    return permuting.transpose(
        x, joining.concat([sequences.range(axis), [rank - 1], sequences.range(axis, rank - 1)], 0)
    )


def _with_third(x: Any, count: Any) -> Any:
    def padded() -> Any:
        before = zeros([rank_of(x) - 1, 2], dtypes.int32)
        return padding.pad(x, joining.concat([before, [[0, 1]]], 0))

    return choose(comparison.equal(count, 2), padded, lambda: x)


def polyval(p: Any, x: Any) -> Any:
    """Is the value of a polynomial, by Horner's rule.

    Args:
      p: the coefficients along the first axis, that of the highest power first.
      x: where to evaluate it; both are promoted to one dtype.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.polyval([1, 0, 2], 3))
      11
    """
    p, x = pair(p, x)
    coefficients = splitting.unstack(reshape(p, [1]) if p.shape.rank == 0 else p)
    result = polynomial.polyval(coefficients, x)
    return broadcast_to(result, shape(x)) if len(coefficients) == 1 else result


def diff(a: Any, n: int = 1, axis: Any = -1) -> Any:
    """Is the difference of neighbours along an axis; of booleans, whether they differ.

    Args:
      a: an array or tensor of known rank.
      n: how many times to take it.
      axis: the axis.

    Raises:
      ValueError: the rank is not known, the axis does not exist, or ``n`` is negative.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.diff([1, 4, 9]).numpy().tolist()
      [3, 5]
    """
    a = asarray(a)
    rank = a.shape.rank
    if rank is None:
        raise ValueError(
            f"Function `diff` currently requires a known rank for input `a`. Received: a={a} (unknown rank)"
        )
    if not -rank <= axis < rank:
        raise ValueError(f"Argument `axis` (received axis={axis}) is out of bounds for input {a} of rank {rank}.")
    if n < 0:
        raise ValueError(f"Argument `order` must be a non-negative integer. Received: axis={n}")
    behind, before = [slice(None)] * rank, [slice(None)] * rank
    behind[axis], before[axis] = slice(1, None), slice(None, -1)
    operation = comparison.not_equal if a.dtype is dtypes.bool else arithmetic.subtract
    for _ in range(n):
        if a.shape[axis] == 0:
            break
        a = operation(a[tuple(behind)], a[tuple(before)])
    return a
