"""The public reductions, ``tf.reduce_sum`` and its kin, in the forms of TensorFlow 2, 1 and 0.x."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import EagerTensor, Tensor, wrap
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import known_shape
from tideflow._src.ops.math.reduction import all_, any_, euclidean_norm, max_, mean, min_, prod, sum_
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.fast_path import fast_path
from tideflow._src.runtime.op import Op

#: Dtypes for which the NumPy ufunc alone is the kernel.
_EXACT = frozenset(np.dtype(name) for name in ("f4", "f8", "c8", "c16", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"))
_REAL = frozenset(dtype for dtype in _EXACT if dtype.kind != "c")
_FLOAT = frozenset(dtype for dtype in _EXACT if dtype.kind in "fc")
_BOOL = frozenset([np.dtype(bool)])


def all_axes(tensor: Any) -> Any:
    """Returns the axes of a reduction over everything: a constant where the rank is known."""
    if not isinstance(tensor, Tensor):
        tensor = convert_to_tensor(tensor)
    shape = known_shape(tensor)
    if shape is not None:
        return convert_to_tensor(np.arange(len(shape), dtype=np.int32), name="Const")
    return raw.Range(np.int32(0), raw.Rank(tensor, name="Rank"), np.int32(1), name="range")


_KINDS_OF_AXES = frozenset((type(None), int, list, builtins.tuple))

_every_axis: dict[int, EagerTensor] = {}


def _axes_tensor(axis: Any, rank: int) -> EagerTensor:
    """Returns the axes of a reduction as the tensor that the operation takes."""
    if axis is None:
        known = _every_axis.get(rank)
        if known is None:
            known = _every_axis[rank] = wrap(np.arange(rank, dtype=np.int32))
        return known
    return wrap(np.array(axis, dtype=np.int32))


def _general(operation: Op, default_name: str, tensor: Any, axis: Any, keepdims: Any, name: str | None) -> Any:
    """Calls a reduction whatever its arguments are."""
    if axis is not None:
        if isinstance(axis, float) and not isinstance(axis, np.generic):  # a float of NumPy is taken, as an array is
            raise TypeError(f"{default_name}: an axis must be an integer, got {axis!r}.")
        return operation(tensor, axis, keep_dims=builtins.bool(keepdims), name=name or default_name)
    if not isinstance(tensor, Tensor) and context.executing_eagerly():
        tensor = convert_to_tensor(tensor, dtype_hint=operation.inputs[0].dtype)
    result = operation(tensor, all_axes(tensor), keep_dims=builtins.bool(keepdims), name=name or default_name)
    if not keepdims and result.__class__ is not EagerTensor:
        result.set_shape(())
    return result


def _reduction(
    operation: Op,
    default_name: str,
    reduce: Callable[..., Any],
    exact: frozenset[Any],
    average: bool,
    doc: str,
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Makes the public function of a reduction and its forms in TensorFlow 1 and 0.x.

    Args:
      operation: the operation.
      default_name: the name of its nodes.
      reduce: the ``reduce`` method of the NumPy ufunc that does the same.
      exact: the dtypes for which it does.
      average: whether the sum is then divided by the number of elements.
      doc: the first line of the docstrings.
    """

    reduced = (
        "RUN(REDUCE, v_input_tensor, tuple(axis) if axis.__class__ is list else axis, _dtype, None, bool(keepdims))"
    )

    @fast_path(
        operation,
        tensors=("input_tensor",),
        when=(
            "(_dtype := v_input_tensor.dtype) in EXACT and axis.__class__ in AXES "
            "and (axis.__class__ is not int or v_input_tensor.shape)"  # NumPy lets a scalar have an axis
        ),
        value=f"RUN(np.true_divide, (_sum := {reduced}), _dtype.type(v_input_tensor.size // _sum.size))"
        if average
        else reduced,
        inputs="(input_tensor, AXES_TENSOR(axis, v_input_tensor.ndim))",
        attrs="{'keep_dims': bool(keepdims)}",
        REDUCE=reduce,
        EXACT=exact,
        AXES=_KINDS_OF_AXES,
        AXES_TENSOR=_axes_tensor,
    )
    def function(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
        return _general(operation, default_name, input_tensor, axis, keepdims, name)

    def function_v1(
        input_tensor: Any,
        axis: Any = None,
        keepdims: Any = None,
        name: str | None = None,
        reduction_indices: Any = None,
        keep_dims: Any = None,
    ) -> Any:
        axis = one_of("axis", axis, "reduction_indices", reduction_indices)
        keepdims = one_of("keepdims", keepdims, "keep_dims", keep_dims)
        return function(input_tensor, axis, keepdims, name)

    def function_v0(
        input_tensor: Any, reduction_indices: Any = None, keep_dims: Any = False, name: str | None = None
    ) -> Any:
        return function(input_tensor, reduction_indices, keep_dims, name)

    public = f"reduce_{default_name.lower()}" if default_name != "EuclideanNorm" else "reduce_euclidean_norm"
    for form, suffix in ((function, ""), (function_v1, "_v1"), (function_v0, "_v0")):
        form.__name__ = form.__qualname__ = public + suffix
        form.__doc__ = f"{doc}\n{_DETAILS}" if not suffix else f"{doc}\n\n    See ``{public}``.\n    "
    return function, function_v1, function_v0


_DETAILS = """
    Args:
      input_tensor: the tensor to reduce.
      axis: the axis or axes to reduce, counted from the end where negative; every axis if None.
      keepdims: whether a reduced axis stays, with size 1.
      name: the name of the node.

    Returns:
      A tensor of the same dtype.

    Raises:
      InvalidArgumentError: an axis is out of range or given twice (ValueError while a graph is built).
    """


def one_of(new: str, value: Any, old: str, old_value: Any) -> Any:
    """Returns the value of an argument that has an old and a new name.

    Raises:
      ValueError: both are given.
    """
    if old_value is None:
        return value
    if value is not None:
        raise ValueError(f"Cannot specify both '{old}' and '{new}'.")
    return old_value


reduce_sum, reduce_sum_v1, reduce_sum_v0 = _reduction(
    sum_, "Sum", np.add.reduce, _EXACT, False, "Adds up the elements of a tensor along axes."
)
reduce_mean, reduce_mean_v1, reduce_mean_v0 = _reduction(
    mean, "Mean", np.add.reduce, _FLOAT, True, "Averages the elements of a tensor along axes."
)
reduce_prod, reduce_prod_v1, reduce_prod_v0 = _reduction(
    prod, "Prod", np.multiply.reduce, _EXACT, False, "Multiplies the elements of a tensor along axes."
)
reduce_max, reduce_max_v1, reduce_max_v0 = _reduction(
    max_, "Max", np.maximum.reduce, _REAL, False, "Finds the greatest element of a tensor along axes."
)
reduce_min, reduce_min_v1, reduce_min_v0 = _reduction(
    min_, "Min", np.minimum.reduce, _REAL, False, "Finds the least element of a tensor along axes."
)
reduce_all, reduce_all_v1, reduce_all_v0 = _reduction(
    all_,
    "All",
    np.logical_and.reduce,
    _BOOL,
    False,
    "Tells whether all elements of a tensor along axes are true.",
)
reduce_any, reduce_any_v1, reduce_any_v0 = _reduction(
    any_,
    "Any",
    np.logical_or.reduce,
    _BOOL,
    False,
    "Tells whether some element of a tensor along axes is true.",
)
reduce_euclidean_norm, _, _ = _reduction(
    euclidean_norm, "EuclideanNorm", np.add.reduce, frozenset(), False, "Takes the Euclidean norm along axes."
)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Computes ``log(sum(exp(x)))`` along axes without overflow: the greatest element is taken out first.

    Args:
      input_tensor: the tensor to reduce, of a floating type.
      axis: the axis or axes to reduce; every axis if None.
      keepdims: whether a reduced axis stays, with size 1.
      name: the name of the result's node.

    Returns:
      A tensor of the same dtype.
    """
    with name_scope(name, "ReduceLogSumExp", [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor)
        greatest = reduce_max(x, axis, True)
        zero = np.zeros((), x.dtype.as_numpy_dtype)
        shift = raw.StopGradient(raw.SelectV2(raw.IsFinite(greatest), greatest, zero))
        total = reduce_sum(raw.Exp(raw.Sub(x, shift)), axis, keepdims)
        logarithm = raw.Log(total)
        if not keepdims:
            shift = raw.Reshape(shift, raw.Shape(logarithm))
        return raw.AddV2(logarithm, shift, name=scope)


def reduce_logsumexp_v1(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Any:
    """Computes ``log(sum(exp(x)))`` along axes, with TensorFlow 1's arguments; see ``reduce_logsumexp``."""
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    keepdims = one_of("keepdims", keepdims, "keep_dims", keep_dims)
    return reduce_logsumexp(input_tensor, axis, keepdims or False, name)


def reduce_logsumexp_v0(
    input_tensor: Any, reduction_indices: Any = None, keep_dims: Any = False, name: str | None = None
) -> Any:
    """Computes ``log(sum(exp(x)))`` along axes, with the arguments of TensorFlow 0.x; see ``reduce_logsumexp``."""
    return reduce_logsumexp(input_tensor, reduction_indices, keep_dims, name)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Computes the population variance of the elements along axes.

    Args:
      input_tensor: the tensor to reduce, of a floating or complex type.
      axis: the axis or axes to reduce; every axis if None.
      keepdims: whether a reduced axis stays, with size 1.
      name: the name scope of the nodes.

    Returns:
      A tensor of the same dtype; of the real type for a complex tensor.

    Raises:
      TypeError: the tensor holds integers.
    """
    with name_scope(name or "reduce_variance"):
        x = convert_to_tensor(input_tensor)
        means = reduce_mean(x, axis, True)
        if means.dtype.is_integer:
            raise TypeError(f"Input must be either real or complex. Received integer type {means.dtype!r}.")
        difference = raw.Sub(x, means, name="sub")
        if difference.dtype.is_complex:
            product = raw.Mul(difference, raw.Conj(difference), name="mul")
            squares = raw.Real(product, Tout=difference.dtype.real_dtype)
        else:
            squares = raw.Square(difference)
        return reduce_mean(squares, axis, keepdims)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: Any = False, name: str | None = None) -> Any:
    """Computes the population standard deviation of the elements along axes.

    Args:
      input_tensor: the tensor to reduce, of a floating or complex type.
      axis: the axis or axes to reduce; every axis if None.
      keepdims: whether a reduced axis stays, with size 1.
      name: the name scope of the nodes.

    Returns:
      A tensor of the same dtype; of the real type for a complex tensor.

    Raises:
      TypeError: the tensor holds integers.
    """
    with name_scope(name or "reduce_std"):
        return raw.Sqrt(reduce_variance(convert_to_tensor(input_tensor), axis, keepdims))


def count_nonzero(
    input: Any, axis: Any = None, keepdims: Any = None, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """Counts the elements along axes that are not zero (for strings: not empty; for booleans: true).

    Args:
      input: the tensor, of any number type, ``bool`` or ``string``.
      axis: the axis or axes to reduce; every axis if None.
      keepdims: whether a reduced axis stays, with size 1.
      dtype: the dtype of the counts.
      name: the name scope of the nodes.

    Returns:
      A tensor of ``dtype``.
    """
    with name_scope(name, "count_nonzero", [input]):
        x = convert_to_tensor(input, name="input")
        dtype = dtypes.as_dtype(dtype)
        is_string = x.dtype.base_dtype is dtypes.string
        zero: Any = np.array(b"", object) if is_string else np.zeros((), x.dtype.as_numpy_dtype)
        nonzero = raw.NotEqual(x, convert_to_tensor(zero, name="zeros"))
        counts = reduce_sum(raw.Cast(nonzero, DstT=dtypes.int64), axis, builtins.bool(keepdims))
        return counts if dtype is dtypes.int64 else raw.Cast(counts, DstT=dtype)


def count_nonzero_v1(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
    input: Any = None,
) -> Any:
    """Counts the elements along axes that are not zero, with TensorFlow 1's arguments; see ``count_nonzero``."""
    keepdims = one_of("keepdims", keepdims, "keep_dims", keep_dims)
    input_tensor = one_of("input", input, "input_tensor", input_tensor)
    axis = one_of("axis", axis, "reduction_indices", reduction_indices)
    return count_nonzero(input_tensor, axis, keepdims, dtype, name)
