"""Functions that make tensors: of one value, of ranges, diagonals and triangles."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.arrays import array, as_type, asarray
from tideflow._src.numpy_api.elementwise import log10
from tideflow._src.numpy_api.manipulation import atleast_1d, moveaxis
from tideflow._src.numpy_api.ranks import choose, elements_of, rank_of, shape_of, size_of, static
from tideflow._src.numpy_api.reductions import sum as sum_of
from tideflow._src.ops.array import band_part, constants, diagonals, sequences
from tideflow._src.ops.array.broadcasting import broadcast_to
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.shape import expand_dims, reshape
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.math import comparison, complex_numbers, logical
from tideflow._src.ops.math import unary as ops
from tideflow._src.ops.math.arithmetic import pow as power
from tideflow._src.ops.math.rounding import floor
from tideflow._src.runtime.convert import convert_to_tensor


def zeros(shape: Any, dtype: Any = float) -> Any:
    """Makes a tensor of zeros.

    Args:
      shape: an integer, a sequence of them or a tensor.
      dtype: the dtype; ``float`` is float64, or float32 where that is preferred.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.zeros(2)
      <tf.Tensor: shape=(2,), dtype=float64, numpy=array([0., 0.])>
    """
    return constants.zeros(shape, dtype=_dtype(dtype))


def _dtype(dtype: Any) -> Any:
    return promotion.result_type(promotion.default_float_type() if dtype is None else dtype)


def zeros_like(a: Any, dtype: Any = None) -> Any:
    """Makes a tensor of zeros of the shape of another.

    Args:
      a: an array or tensor.
      dtype: the dtype; by default that of ``a``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.zeros_like([1, 2]).numpy().tolist()
      [0, 0]
    """
    return constants.zeros_like(_source(a), promotion.result_type_unary(a, dtype))


def _source(a: Any) -> Any:
    return a if isinstance(a, Tensor) else asarray(a)


def empty(shape: Any, dtype: Any = float) -> Any:
    """Makes a tensor of a shape, all zeros; see :func:`zeros`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.empty([2, 3]).shape
      TensorShape([2, 3])
    """
    return zeros(shape, dtype)


def empty_like(a: Any, dtype: Any = None) -> Any:
    """Makes a tensor of the shape of another, all zeros; see :func:`zeros_like`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.empty_like([1, 2]).shape
      TensorShape([2])
    """
    return zeros_like(a, dtype)


def ones(shape: Any, dtype: Any = float) -> Any:
    """Makes a tensor of ones; arguments as of :func:`zeros`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.ones([1, 2]).numpy().tolist()
      [[1.0, 1.0]]
    """
    return constants.ones(shape, dtype=_dtype(dtype))


def ones_like(a: Any, dtype: Any = None) -> Any:
    """Makes a tensor of ones of the shape of another; arguments as of :func:`zeros_like`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.ones_like([3.0, 4.0]).numpy().tolist()
      [1.0, 1.0]
    """
    return constants.ones_like(_source(a), promotion.result_type_unary(a, dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Makes a tensor that holds one value everywhere.

    Args:
      shape: an integer, a sequence of them or a tensor.
      fill_value: a number, or an array that broadcasts to the shape.
      dtype: the dtype; by default NumPy's for the value.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.full([2], 7).numpy().tolist()
      [7, 7]
    """
    if not isinstance(shape, Tensor):
        shape = convert_to_tensor(shape, dtype_hint=dtypes.int32)
    return broadcast_to(asarray(fill_value, dtype), atleast_1d(shape))


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    """Makes a tensor of the shape of another that holds one value everywhere.

    Args:
      a: an array or tensor.
      fill_value: a number, or an array that broadcasts to the shape of ``a``.
      dtype: the dtype; by default that of ``a``.
      order, subok, shape: must be as they are by default.

    Raises:
      ValueError: ``order``, ``subok`` or ``shape`` is another.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.full_like([1, 2], 7).numpy().tolist()
      [7, 7]
    """
    if order != "K":
        raise ValueError("Non-standard orders are not supported.")
    if not subok:
        raise ValueError("subok being False is not supported.")
    if shape:
        raise ValueError("Overriding the shape is not supported.")
    a = asarray(a)
    return broadcast_to(asarray(fill_value, a.dtype if dtype is None else dtype), shape_of(a))


def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Any:
    """Makes a matrix with ones on a diagonal and zeros elsewhere.

    Args:
      N: the number of rows.
      M: the number of columns; by default as many.
      k: which diagonal: 0 the main one, above it positive, below it negative.
      dtype: the dtype.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.eye(2, 3, k=1).numpy().tolist()
      [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    dtype = _dtype(dtype)
    N, M, k = int(N), int(M or N), int(k)
    if k >= M or -k >= N:
        return zeros([N, M], dtype)
    if k == 0:
        return sequences.eye(N, M, dtype=dtype)
    length = builtins.min(N, M - k) if k > 0 else builtins.min(N + k, M)
    return diagonals.matrix_diag(constants.ones([length], dtype=dtype), k=k, num_rows=N, num_cols=M)


def identity(n: Any, dtype: Any = float) -> Any:
    """Makes a square matrix with ones on the diagonal.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.identity(2).numpy().tolist()
      [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(N=n, M=n, dtype=dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    """Counts from ``start`` to ``stop``, which is left out, in steps.

    Args:
      start: the first number; alone, it is ``stop``, and counting begins at 0.
      stop: where to stop.
      step: the distance of neighbours, not 0.
      dtype: the dtype; by default what the arguments promote to.

    Raises:
      ValueError: ``step`` is 0.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.arange(1, 10, 3).numpy().tolist()
      [1, 4, 7]
    """
    if not step:
        raise ValueError("step must be non-zero.")
    if dtype is not None:
        dtype = promotion.result_type(dtype)
    else:
        dtype = promotion.result_type(*([start, step] if stop is None else [start, step, stop]))
    first, last = (0, start) if stop is None else (start, stop)
    if (step > 0 and first > last) or (step < 0 and first < last):
        return array([], dtype=dtype)
    return as_type(sequences.range(start, limit=stop, delta=step), dtype)


def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = float,
    axis: Any = 0,
) -> Any:
    """Makes numbers at equal distances.

    Args:
      start, stop: the first and the last number, or arrays of them.
      num: how many.
      endpoint: whether ``stop`` is one of them.
      retstep: whether to return the distance, too.
      dtype: None leaves the dtype to the arguments; with anything else it is what they promote to, as floats.
      axis: the axis of the result along which the numbers lie.

    Raises:
      ValueError: ``num`` is negative.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.linspace(0, 1, 3).numpy().tolist()
      [0.0, 0.5, 1.0]
    """
    if dtype:
        dtype = promotion.result_type(start, stop, 1.0)
    start, stop = array(start, dtype=dtype or None), array(stop, dtype=dtype or None)
    if num < 0:
        raise ValueError(f"Argument `num` (number of samples) must be a non-negative integer. Received: num={num}")
    step: Any = convert_to_tensor(np.nan)
    last = stop
    if endpoint:
        if num > 1:
            step = (stop - start) / (num - 1)
    elif num > 0:
        step = (stop - start) / num
        if num > 1:
            last = as_type(stop, step.dtype) - step
            start = as_type(start, last.dtype)
    result = sequences.linspace(start, last, num, axis=axis)
    if dtype:
        result = as_type(floor(result) if dtype.is_integer else result, dtype)
    return (result, step) if retstep else result


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0
) -> Any:
    """Makes numbers at equal distances on a logarithmic scale, from ``base**start`` to ``base**stop``.

    Args:
      start, stop, num, endpoint, axis: as of :func:`linspace`.
      base: the base.
      dtype: of no effect: the dtype is what the ends promote to, as floats.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.logspace(0, 2, 3).numpy().tolist()
      [1.0, 10.0, 100.0]
    """
    del dtype
    wanted = promotion.result_type(start, stop, 1.0)
    exponents = linspace(start, stop, num=num, endpoint=endpoint, dtype=wanted, axis=axis)
    return as_type(power(as_type(convert_to_tensor(base), exponents.dtype), exponents), wanted)


def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0) -> Any:
    """Makes numbers of which each is the one before times the same factor.

    Args:
      start, stop, num, endpoint, axis: as of :func:`linspace`.
      dtype: the dtype; by default what the ends promote to, as floats.

    Example:
      >>> import tideflow as tf
      >>> [round(x, 9) for x in tf.experimental.numpy.geomspace(1, 8, 4).numpy().tolist()]
      [1.0, 2.0, 4.0, 8.0]
    """
    if dtype is not None:
        wanted = dtypes.as_dtype(dtype)
    else:
        wanted = promotion.result_type(start, stop, float(num), zeros((), dtype=None))
    working = np.promote_types(wanted.as_numpy_dtype, np.float32)
    start, stop = asarray(start, working), asarray(stop, working)
    one = convert_to_tensor(1, start.dtype)

    def negative(x: Any) -> Any:
        return one - as_type(ops.sign(complex_numbers.real(x)), x.dtype)

    both = negative(start) * negative(stop)
    flip = one - as_type(floor(as_type(complex_numbers.real(both), dtypes.float64) / 2.0), start.dtype)
    exponents = log10(flip * start), log10(flip * stop)
    result = flip * logspace(*exponents, num, endpoint=endpoint, base=10.0, axis=0)
    return as_type(moveaxis(result, 0, axis) if axis != 0 else result, wanted)


def meshgrid(*xi: Any, **kwargs: Any) -> Any:
    """Makes the coordinates of a grid from those of its axes.

    Args:
      xi: vectors.
      kwargs: ``indexing``, ``"xy"`` (by default) or ``"ij"``; ``sparse`` must be False, ``copy`` True.

    Returns:
      A list of tensors, one for each vector.

    Raises:
      ValueError: an option is not supported.

    Example:
      >>> import tideflow as tf
      >>> [grid.numpy().tolist() for grid in tf.experimental.numpy.meshgrid([1, 2], [3, 4])]
      [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if kwargs.get("sparse", False):
        raise ValueError("Function `meshgrid` does not support returning sparse arrays yet. Received: sparse=True")
    if not kwargs.get("copy", True):
        raise ValueError("Function `meshgrid` only supports copy=True. Received: copy=False")
    return sequences.meshgrid(*map(asarray, xi), indexing=kwargs.get("indexing", "xy"))


# Diagonals.


def diag(v: Any, k: Any = 0) -> Any:
    """Makes a matrix of a diagonal, or takes the diagonal of a matrix.

    Args:
      v: a vector or a matrix.
      k: which diagonal: 0 the main one, above it positive, below it negative.

    Raises:
      ValueError, InvalidArgumentError: ``v`` is neither.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.diag([1, 2]).numpy().tolist()
      [[1, 0], [0, 2]]
    """
    v = asarray(v)
    v.shape.with_rank_at_most(2)
    rank = rank_of(v)
    is_vector = comparison.equal(rank, 1)
    Assert(logical.logical_or(is_vector, comparison.equal(rank, 2)), [convert_to_tensor(rank)])

    def made() -> Any:
        return choose(
            comparison.equal(elements_of(v), 0),
            lambda: constants.zeros([builtins.abs(k), builtins.abs(k)], dtype=v.dtype),
            lambda: diagonals.matrix_diag(v, k=k),
        )

    return choose(is_vector, made, lambda: _diagonal_of(v, k))


def _diagonal_of(matrices: Any, k: Any) -> Any:
    """Takes a diagonal of the last two axes, which is empty where the matrix has none."""
    rows, columns = size_of(matrices, -2), size_of(matrices, -1)
    outside = static(logical.logical_or(comparison.less_equal(k, -rows), comparison.greater_equal(k, columns)))

    def nothing() -> Any:
        sizes = concat([shape_of(matrices)[:-2], [0]], 0)
        return constants.zeros(sizes, dtype=matrices.dtype)

    return choose(outside, nothing, lambda: diagonals.matrix_diag_part(matrices, k=k))


def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """Takes a diagonal of two axes; the diagonals become the last axis.

    Args:
      a: an array or tensor of two or more axes.
      offset: which diagonal: 0 the main one, above it positive, below it negative.
      axis1, axis2: the axes.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.diagonal([[1, 2], [3, 4]]).numpy().tolist()
      [1, 4]
    """
    a = asarray(a)
    return _diagonal_of(moveaxis(a, (axis1, axis2), (-2, -1)), offset)


def diagflat(v: Any, k: Any = 0) -> Any:
    """Makes a matrix whose diagonal has all elements of ``v`` in order.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.diagflat([[1], [2]]).numpy().tolist()
      [[1, 0], [0, 2]]
    """
    return diag(reshape(asarray(v), [-1]), k)


def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Any:
    """Is the sum along a diagonal; arguments as of :func:`diagonal`.

    Args:
      a: an array or tensor of two or more axes.
      offset, axis1, axis2: as of :func:`diagonal`.
      dtype: the dtype to add in and to return.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.trace([[1, 2], [3, 4]]))
      5
    """
    if dtype is not None:
        dtype = promotion.result_type(dtype)
    a = asarray(a, dtype)
    rank = a.shape.rank
    if offset == 0 and rank is not None and axis1 in (-2, rank - 2) and axis2 in (-1, rank - 1):
        return sum_of(diagonals.matrix_diag_part(a), -1, a.dtype)
    return sum_of(diagonal(a, offset, axis1, axis2), -1, dtype)


def diag_indices(n: Any, ndim: int = 2) -> Any:
    """Makes the indices of the main diagonal of an array with ``ndim`` axes of size ``n``.

    Returns:
      A tuple of ``ndim`` tensors.

    Raises:
      ValueError: an argument is negative.

    Example:
      >>> import tideflow as tf
      >>> [index.numpy().tolist() for index in tf.experimental.numpy.diag_indices(2)]
      [[0, 1], [0, 1]]
    """
    if n < 0:
        raise ValueError(f"n argument to diag_indices must be nonnegative, got {n}")
    if ndim < 0:
        raise ValueError(f"ndim argument to diag_indices must be nonnegative, got {ndim}")
    return (sequences.range(n),) * ndim


# Triangles.


def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """Makes a matrix with ones on and below a diagonal.

    Args:
      N, M: the number of rows and columns; by default as many.
      k: which diagonal: 0 the main one, above it positive, below it negative.
      dtype: the dtype; by default that of Python floats.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.tri(2, 3).numpy().tolist()
      [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    M = N if M is None else M
    dtype = promotion.result_type(float if dtype is None else dtype)
    if k < 0:
        if -k - 1 > N:
            return constants.zeros([N, M], dtype=dtype)
        upper = band_part.matrix_band_part(constants.ones([N, M], dtype=dtypes.bool), -k - 1, -1)
        return as_type(logical.logical_not(upper), dtype)
    everywhere = constants.ones([N, M], dtype=dtype)
    return everywhere if k > M else band_part.matrix_band_part(everywhere, -1, k)


def _triangle(name: str, m: Any, k: Any, *, lower: bool) -> Any:
    m = asarray(m)
    sizes = m.shape
    if sizes.rank is None:
        raise ValueError(f"Argument to {name} should have known rank")
    if sizes.rank < 2:
        raise ValueError(f"Argument to {name} must have rank at least 2")
    rows, columns = sizes.as_list()[-2:]
    if rows is None or columns is None:
        raise ValueError("Currently, the last two dimensions of the input array need to be known.")
    zero = convert_to_tensor(False if m.dtype is dtypes.bool else 0, m.dtype)
    mask = broadcast_to(tri(rows, columns, k=k if lower else k - 1, dtype=bool), shape_of(m))
    return where(mask, m, zero) if lower else where(mask, zero, m)


def tril(m: Any, k: Any = 0) -> Any:
    """Keeps what is on and below a diagonal of the last two axes, and puts zeros elsewhere.

    Args:
      m: an array or tensor of two or more axes, the last two of known size.
      k: which diagonal: 0 the main one, above it positive, below it negative.

    Raises:
      ValueError: a size is not known, or there are fewer than two axes.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.tril([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 0], [3, 4]]
    """
    return _triangle("tril", m, k, lower=True)


def triu(m: Any, k: Any = 0) -> Any:
    """Keeps what is on and above a diagonal of the last two axes; arguments as of :func:`tril`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.triu([[1, 2], [3, 4]]).numpy().tolist()
      [[1, 2], [0, 4]]
    """
    return _triangle("triu", m, k, lower=False)


def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """Makes a Vandermonde matrix: a row of powers for each element.

    Args:
      x: a vector.
      N: the number of powers; by default as many as there are elements.
      increasing: whether powers rise from left to right.

    Raises:
      ValueError: ``x`` is no vector, or ``N`` is negative.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.vander([2, 3], 3).numpy().tolist()
      [[4, 2, 1], [9, 3, 1]]
    """
    x = asarray(x)
    if x.shape.rank is None:
        Assert(comparison.equal(rank_of(x), 1), [rank_of(x)])
    elif x.shape.rank != 1:
        raise ValueError("x must be a one-dimensional array")
    count = static(size_of(x, 0) if N is None else N)
    if isinstance(count, Tensor):
        Assert(comparison.greater_equal(count, 0), [count])
    elif count < 0:
        raise ValueError("N must be nonnegative")
    exponents = sequences.range(0, count, 1) if increasing else sequences.range(count - 1, -1, -1)
    return power(expand_dims(x, -1), as_type(exponents, x.dtype))
