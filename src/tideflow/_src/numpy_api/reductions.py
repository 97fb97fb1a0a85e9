"""Functions that sum up axes: sums, means, extremes, counts, cumulative sums, and those that leave out NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.arrays import as_array, as_floats, as_type, asarray, is_inexact
from tideflow._src.numpy_api.elementwise import comparable, isclose, isnan
from tideflow._src.numpy_api.manipulation import atleast_1d
from tideflow._src.numpy_api.ranks import choose, rank_of, shape_of
from tideflow._src.ops.array.broadcasting import broadcast_to
from tideflow._src.ops.array.gathering import gather
from tideflow._src.ops.array.selection import where_v2 as where
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.array.shape import size as size_tensor
from tideflow._src.ops.control.assertions import Assert
from tideflow._src.ops.math import comparison, complex_numbers, logical, unary
from tideflow._src.ops.math import reduction_functions as ops
from tideflow._src.ops.math.argument_extrema import argmax as argmax_of
from tideflow._src.ops.math.argument_extrema import argmin as argmin_of
from tideflow._src.ops.math.cumulative import cumprod as cumprod_of
from tideflow._src.ops.math.cumulative import cumsum as cumsum_of
from tideflow._src.ops.math.matrix_product_functions import tensordot
from tideflow._src.runtime.convert import convert_to_tensor


def _reduce(
    reduction: Callable[..., Any],
    a: Any,
    axis: Any,
    dtype: Any,
    keepdims: Any,
    *,
    integers: str | None = None,
    of_booleans: Callable[..., Any] | None = None,
    keeps_booleans: bool = False,
) -> Any:
    """Reduces axes of ``a``.

    Args:
      reduction: the function of ``tf.math``.
      a: what to reduce.
      axis: an integer, a list or tuple of them, or None for all.
      dtype: the dtype to compute in, or None for that of ``a``.
      keepdims: whether reduced axes stay, with size 1.
      integers: what becomes of integers and booleans: ``"wide"`` makes them as wide as NumPy's default integer,
        ``"floats"`` floats; None leaves them alone.
      of_booleans: the reduction for booleans, taken if ``dtype`` asks for booleans.
      keeps_booleans: whether it is taken for an ``a`` of booleans, too.
    """
    if dtype is not None:
        dtype = promotion.result_type(dtype)
    a = asarray(a, dtype)
    keepdims = bool(keepdims) if not isinstance(keepdims, Tensor) else keepdims
    if isinstance(axis, Tensor) and axis.dtype not in (dtypes.int32, dtypes.int64):
        axis = as_type(axis, dtypes.int64)
    if of_booleans is not None and (dtype is dtypes.bool or (keeps_booleans and a.dtype is dtypes.bool)):
        return of_booleans(a, axis=axis, keepdims=keepdims)
    if dtype is None and (a.dtype.is_integer or a.dtype is dtypes.bool) and integers is not None:
        a = as_floats(a) if integers == "floats" else as_type(a, _wide(a.dtype))
    return reduction(a, axis=axis, keepdims=keepdims)


def _wide(dtype: Any) -> Any:
    """The dtype that sums of an integer type have: 64 bits, or 32 where Python integers are weak."""
    bits = 32 if promotion.rules.is_weak else 64
    if dtype is not dtypes.bool and not (dtype.is_integer and dtype.size * 8 < bits):
        return dtype
    return getattr(dtypes, f"{'uint' if dtype.is_unsigned else 'int'}{bits}")


def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Adds up elements; integers of fewer bits, and booleans, as int64 or uint64.

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.
      dtype: the dtype to add in and to return.
      keepdims: whether reduced axes stay, with size 1.

    Raises:
      ValueError, InvalidArgumentError: an axis does not exist.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.sum([[1, 2], [3, 4]], axis=0).numpy().tolist()
      [4, 6]
    """
    return _reduce(ops.reduce_sum, a, axis, dtype, keepdims, integers="wide", of_booleans=ops.reduce_any)


def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Multiplies elements; arguments as of :func:`sum`.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.prod([2, 3, 4]))
      24
    """
    return _reduce(ops.reduce_prod, a, axis, dtype, keepdims, integers="wide", of_booleans=ops.reduce_all)


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """Is the arithmetic mean; integers and booleans are averaged as floats.

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.
      dtype: the dtype to compute in and to return.
      out: must be None.
      keepdims: whether reduced axes stay, with size 1.

    Raises:
      ValueError: ``out`` is given.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.mean([1, 2, 6]))
      3.0
    """
    _check_out(out)
    return _reduce(ops.reduce_mean, a, axis, dtype, keepdims, integers="floats")


def _check_out(out: Any) -> None:
    if out is not None:
        raise ValueError("Setting out is not supported.")


def amax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """Is the greatest element; of booleans, whether any is true.

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.
      out: must be None.
      keepdims: whether reduced axes stay, with size 1.

    Raises:
      ValueError: ``out`` is given.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.amax([[1, 5], [7, 2]], axis=1).numpy().tolist()
      [5, 7]
    """
    _check_out(out)
    return _reduce(ops.reduce_max, a, axis, None, keepdims, of_booleans=ops.reduce_any, keeps_booleans=True)


def amin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = None) -> Any:
    """Is the least element; of booleans, whether all are true. Arguments as of :func:`amax`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.amin([[1, 5], [7, 2]], axis=1).numpy().tolist()
      [1, 2]
    """
    _check_out(out)
    return _reduce(ops.reduce_min, a, axis, None, keepdims, of_booleans=ops.reduce_all, keeps_booleans=True)


def max(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Is the greatest element; see :func:`amax`.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.max([1, 5]))
      5
    """
    return amax(a, axis=axis, keepdims=keepdims)


def min(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Is the least element; see :func:`amin`.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.min([1, 5]))
      1
    """
    return amin(a, axis=axis, keepdims=keepdims)


def ptp(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Is the range of values, the greatest minus the least. Arguments as of :func:`amax`.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.ptp([1, 5, 3]))
      4
    """
    a = asarray(a)
    return amax(a, axis=axis, keepdims=keepdims) - amin(a, axis=axis, keepdims=keepdims)


def all(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Tells whether all elements are true (not zero).

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.
      keepdims: whether reduced axes stay, with size 1.

    Returns:
      A tensor of booleans.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.all([[1, 0], [1, 1]], axis=1).numpy().tolist()
      [False, True]
    """
    return ops.reduce_all(as_array(a, dtypes.bool), axis=axis, keepdims=bool(keepdims))


def any(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Tells whether some element is true (not zero). Arguments as of :func:`all`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.any([[1, 0], [0, 0]], axis=1).numpy().tolist()
      [True, False]
    """
    return ops.reduce_any(as_array(a, dtypes.bool), axis=axis, keepdims=bool(keepdims))


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = None) -> Any:
    """Is the variance: the mean of squared deviations from the mean.

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.
      dtype: the dtype to return; integers and booleans give floats by default.
      out: must be None.
      ddof: what is subtracted from the number of elements before dividing by it: 1 for the unbiased estimate.
      keepdims: whether reduced axes stay, with size 1.

    Raises:
      ValueError: ``out`` is given.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.var([1.0, 2.0, 3.0], ddof=1))
      1.0
    """
    _check_out(out)
    working = None if dtype is None else promotion.result_type(a, dtype)

    def unbiased(x: Any, axis: Any, keepdims: Any) -> Any:
        deviation = x - ops.reduce_mean(x, axis=axis, keepdims=True)
        if x.dtype.is_complex:
            squares = as_type(complex_numbers.real(deviation * complex_numbers.conj(deviation)), x.dtype)
        else:
            squares = unary.square(deviation)
        total = ops.reduce_sum(squares, axis=axis, keepdims=keepdims)
        count = size_tensor(x) if axis is None else _count(x, axis)
        return total / as_type(count - ddof, x.dtype)

    reduction = ops.reduce_variance if ddof.__class__ is int and ddof == 0 else unbiased
    result = _reduce(reduction, a, axis, working, keepdims, integers="floats")
    return result if dtype is None else as_type(result, promotion.result_type(dtype))


def _count(x: Any, axis: Any) -> Any:
    """The number of elements that a reduction takes together."""
    rank = rank_of(x)
    axes = [one + rank if one < 0 else one for one in (axis if isinstance(axis, list | tuple) else [axis])]
    return ops.reduce_prod(gather(shape(x), axes))


def std(a: Any, axis: Any = None, keepdims: Any = None) -> Any:
    """Is the standard deviation, the square root of the variance.

    Args:
      a: an array or tensor; integers and booleans give floats.
      axis: the axis or axes to reduce; all by default.
      keepdims: whether reduced axes stay, with size 1.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.std([1.0, 3.0]))
      1.0
    """
    return _reduce(ops.reduce_std, a, axis, None, keepdims, integers="floats")


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False) -> Any:
    """Is the weighted mean.

    Args:
      a: an array or tensor.
      axis: the axis to reduce, an integer; all by default.
      weights: of the shape of ``a``, or a vector along ``axis``; all equal by default.
      returned: whether to return the sum of the weights, too.

    Returns:
      A tensor, or a pair of tensors.

    Raises:
      ValueError: ``axis`` is neither None nor an integer.
      InvalidArgumentError: ``weights`` fit neither the shape of ``a`` nor its axis.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.average([1.0, 2.0], weights=[3.0, 1.0]))
      1.25
    """
    if axis is not None and not isinstance(axis, int):
        raise ValueError(f"Argument `axis` must be an integer. Received axis={axis} (of type {type(axis)})")
    a = asarray(a)
    if weights is None:
        a = as_floats(a)
        result = ops.reduce_mean(a, axis=axis)
        total = as_type(size_tensor(a) if axis is None else shape(a)[axis], a.dtype)
    else:
        result, total = _weighted(a, axis, weights)
    if returned:
        return result, broadcast_to(total, shape_of(result))
    return result


def _weighted(a: Any, axis: Any, weights: Any) -> tuple[Any, Any]:
    floats = () if is_inexact(a.dtype) else (promotion.result_type(float),)
    dtype = promotion.result_type(a.dtype, weights, *floats)
    a, weights = as_array(a, dtype), as_array(weights, dtype)

    def alike() -> tuple[Any, Any]:
        sizes = shape(a), shape(weights)
        Assert(ops.reduce_all(comparison.equal(*sizes)), list(sizes))
        total = ops.reduce_sum(weights, axis=axis)
        return ops.reduce_sum(a * weights, axis=axis) / total, total

    def along_axis() -> tuple[Any, Any]:
        Assert(comparison.equal(rank_of(weights), 1), [convert_to_tensor(rank_of(weights))])
        total = ops.reduce_sum(weights)
        return tensordot(a, weights, [[axis], [0]]) / total, total

    if axis is None:
        return alike()
    return choose(comparison.equal(rank_of(a), rank_of(weights)), alike, along_axis)


def count_nonzero(a: Any, axis: Any = None) -> Any:
    """Counts the elements that are not zero.

    Args:
      a: an array or tensor.
      axis: the axis or axes to reduce; all by default.

    Returns:
      A tensor of int64.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.count_nonzero([0, 3, 4]))
      2
    """
    return ops.count_nonzero(asarray(a), axis)


def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Tells whether all elements are equal but for a tolerance; see :func:`isclose`.

    Example:
      >>> import tideflow as tf
      >>> bool(tf.experimental.numpy.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9]))
      True
    """
    return all(isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


def array_equal(a1: Any, a2: Any) -> Any:
    """Tells whether two arrays have the same shape and elements.

    Returns:
      A boolean scalar tensor.

    Example:
      >>> import tideflow as tf
      >>> bool(tf.experimental.numpy.array_equal([1, 2], [1, 2, 3]))
      False
    """
    x, y = comparable(a1, a2)

    def no() -> Any:
        return convert_to_tensor(False)

    if x.shape.is_fully_defined() and y.shape.is_fully_defined():
        same = x.shape.as_list() == y.shape.as_list()
        return ops.reduce_all(comparison.equal(x, y)) if same else no()

    def same_rank() -> Any:
        return choose(
            ops.reduce_all(comparison.equal(shape(x), shape(y))),
            lambda: ops.reduce_all(comparison.equal(x, y)),
            no,
        )

    return choose(comparison.equal(rank_of(x), rank_of(y)), same_rank, no)


# Without NaN.


def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """Is the sum, with NaN counted as 0; arguments as of :func:`sum`.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.nansum([1.0, float("nan"), 2.0]))
      3.0
    """
    return sum(_with_nan_as(a, 0), axis=axis, dtype=dtype, keepdims=keepdims)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Any:
    """Is the product, with NaN counted as 1; arguments as of :func:`sum`.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.nanprod([2.0, float("nan"), 3.0]))
      6.0
    """
    return prod(_with_nan_as(a, 1), axis=axis, dtype=dtype, keepdims=keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = None) -> Any:
    """Is the mean of what is not NaN; arguments as of :func:`mean`.

    Example:
      >>> import tideflow as tf
      >>> float(tf.experimental.numpy.nanmean([1.0, float("nan"), 2.0]))
      1.5
    """
    a = asarray(a)
    if a.dtype.is_integer or a.dtype is dtypes.bool:
        return mean(a, axis=axis, dtype=dtype, keepdims=keepdims)
    dtype = a.dtype if dtype is None else dtype
    count = sum(logical.logical_not(isnan(a)), axis=axis, dtype=dtype, keepdims=keepdims)
    return nansum(a, axis=axis, dtype=dtype, keepdims=keepdims) / count


def _with_nan_as(a: Any, value: int) -> Any:
    a = asarray(a)
    return where(isnan(a), convert_to_tensor(value, a.dtype) if a.dtype is not dtypes.bool else bool(value), a)


# Sums and products on the way, and positions of extremes.


def _cumulative(operation: Callable[..., Any], a: Any, axis: Any, dtype: Any) -> Any:
    a = asarray(a, dtype)
    if dtype is None and a.dtype.is_integer:
        a = as_type(a, np.promote_types(a.dtype.as_numpy_dtype, np.int64))
    if axis is None:
        a, axis = reshape(a, [-1]), 0
    elif axis < 0:
        axis = axis + rank_of(a)
    return operation(a, axis)


def cumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Adds up elements along an axis, and keeps every sum on the way.

    Args:
      a: an array or tensor; integers of fewer bits are added as int64.
      axis: the axis; by default all elements are taken in order.
      dtype: the dtype to add in and to return.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.cumsum([1, 2, 3]).numpy().tolist()
      [1, 3, 6]
    """
    return _cumulative(cumsum_of, a, axis, dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Multiplies elements along an axis, and keeps every product on the way; arguments as of :func:`cumsum`.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.cumprod([1, 2, 3]).numpy().tolist()
      [1, 2, 6]
    """
    return _cumulative(cumprod_of, a, axis, dtype)


def _position(operation: Callable[..., Any], a: Any, axis: Any) -> Any:
    a = asarray(a)
    return operation(reshape(a, [-1]) if axis is None else atleast_1d(a), axis=axis)


def argmax(a: Any, axis: Any = None) -> Any:
    """Is the position of the greatest element.

    Args:
      a: an array or tensor.
      axis: the axis along which to look; by default all elements are taken in order.

    Returns:
      A tensor of int64.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.argmax([1, 5, 2]))
      1
    """
    return _position(argmax_of, a, axis)


def argmin(a: Any, axis: Any = None) -> Any:
    """Is the position of the least element; arguments as of :func:`argmax`.

    Example:
      >>> import tideflow as tf
      >>> int(tf.experimental.numpy.argmin([3, 1, 2]))
      1
    """
    return _position(argmin_of, a, axis)
