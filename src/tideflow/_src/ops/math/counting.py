"""Counts of integers: histograms of small numbers, and confusion matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.types import INDEX
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.dimensions import text, with_rank, with_rank_at_most
from tideflow._src.ops.math.reduction_functions import reduce_max
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.checks import require, scalar
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.op import op

_WEIGHTS = ("int32", "int64", "float", "double")


def _size(value: Any) -> int:
    size = int(scalar(value, "size"))
    if size < 0:
        raise InvalidArgumentError(None, None, f"size ({size}) must be non-negative")
    return size


def _count(xp: Any, values: Any, size: int, weights: Any, binary: bool) -> Any:
    """Counts the numbers below ``size`` in each row of ``values``; greater ones are left out."""
    if weights.size and weights.shape != values.shape:
        raise InvalidArgumentError(
            None,
            None,
            "`weights` must be the same shape as `arr` or a length-0 `Tensor`, in which case it acts as all weights "
            f"equal to 1. Received {text(tuple(weights.shape))}",
        )
    if values.size:
        require(xp.all(values >= 0), "Input arr must be non-negative!")
    rows = values.reshape(-1, values.shape[-1]) if values.ndim == 2 else values.reshape(1, -1)
    if xp is np and not weights.size:
        result = _counts_on_host(rows, size)
        result = (result > 0 if binary else result).astype(weights.dtype)
        return result if values.ndim == 2 else result[0]
    each = weights.reshape(rows.shape) if weights.size else xp.ones(rows.shape, weights.dtype)
    inside = rows < size
    if xp is np:
        result = np.zeros((rows.shape[0], size), weights.dtype)
        places = np.broadcast_to(np.arange(rows.shape[0])[:, None], rows.shape)[inside]
        if binary:
            result[places, rows[inside]] = 1
        else:
            np.add.at(result, (places, rows[inside]), each[inside])
    else:
        start = jnp.zeros((rows.shape[0], size), weights.dtype)
        slots = start.at[jnp.arange(rows.shape[0])[:, None], jnp.where(inside, rows, size)]
        result = slots.set(1, mode="drop") if binary else slots.add(each, mode="drop")
    return result if values.ndim == 2 else result[0]


def _counts_on_host(rows: Any, size: int) -> Any:
    """Counts the numbers below ``size`` in each row, without a look-up for each of them."""
    if rows.size and rows.max() >= size:
        inside = rows < size
        places = np.broadcast_to(np.arange(rows.shape[0])[:, None] * size, rows.shape)
        flat = rows[inside] + places[inside]
    elif rows.shape[0] == 1:
        flat = rows[0]
    else:
        flat = (rows + np.arange(rows.shape[0])[:, None] * size).reshape(-1)
    return np.bincount(flat, minlength=rows.shape[0] * size).reshape(rows.shape[0], size)


@op("Bincount", "arr: int32, size: static int32, weights: T -> bins: T", T=_WEIGHTS, differentiable="missing")
def bincount_op(xp, arr, size, weights):
    """Counts how often each number from 0 up to ``size`` occurs, or sums the weights of its occurrences."""
    return _count(xp, arr.reshape(-1), _size(size), weights.reshape(-1), False)


@bincount_op.shape
def _bincount_shape(arr, size, weights):
    with_rank(size.shape, 0)
    if size.value is None:
        return (None,)
    if int(size.value) < 0:
        raise ValueError(f"size ({int(size.value)}) must be non-negative")
    return (int(size.value),)


@bincount_op.samples
def _bincount_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.integers(0, 6, (8,)), 4, s.positive((8,), dtype))
        yield s(s.integers(0, 6, (2, 3)), 4, s.empty(0, dtype=dtype))
    yield s([1, -1], 4, s.empty(0), error="InvalidArgumentError")
    yield s([1, 1], -4, s.empty(0), error="InvalidArgumentError")


@op(
    "DenseBincount",
    "input: Tidx, size: static Tidx, weights: T -> output: T",
    Tidx=INDEX,
    T=_WEIGHTS,
    differentiable="missing",
)
def dense_bincount_op(xp, input, size, weights, *, binary_output: bool = False):
    """Counts the numbers of a vector, or of each row of a matrix; or tells which occur."""
    if input.ndim > 2:
        raise InvalidArgumentError(None, None, f"Shape must be at most rank 2 but is rank {input.ndim}")
    return _count(xp, input, _size(size), weights, binary_output)


@dense_bincount_op.shape
def _dense_bincount_shape(input, size, weights):
    with_rank_at_most(input, 2)
    with_rank(size.shape, 0)
    count = None if size.value is None else int(size.value)
    if count is not None and count < 0:
        raise ValueError(f"size ({count}) must be non-negative")
    if input is None:
        return None
    if len(input) < 2:
        return (count,)
    return (None if count is None else input[0], count)


@dense_bincount_op.samples
def _dense_bincount_samples(s):
    for dtype in s.dtypes("T"):
        yield s(s.integers(0, 6, (2, 5)), 4, s.positive((2, 5), dtype))
    for dtype in s.dtypes("Tidx"):
        yield s(s.integers(0, 6, (8,), dtype), np.array(4, dtype.as_numpy_dtype), s.empty(0), binary_output=True)
    yield s(s.integers(0, 3, (2, 5)), 4, s.empty(0))
    yield s(s.empty(0, dtype="int32"), 0, s.empty(0))
    yield s([-1], 4, s.empty(0), error="InvalidArgumentError")
    yield s([1], 4, s.normal(2), error="InvalidArgumentError")
    yield s([[[1]]], 4, s.empty(0), error="InvalidArgumentError")


def counted_axis(weights: Any, axis: Any, binary_output: bool) -> int:
    """Returns the axis to count along, 0 or -1, once the arguments that all kinds of tensors share are checked.

    Raises:
      ValueError: weights together with ``binary_output``, or another axis.
    """
    if weights is not None and binary_output:
        raise ValueError("Arguments `binary_output` and `weights` are mutually exclusive. Please specify only one.")
    if axis not in (None, 0, -1):
        raise ValueError(f"Unsupported value for argument axis={axis}. Only 0 and -1 are currently supported.")
    return axis or 0


def count_between(count: Any, minlength: Any, maxlength: Any) -> Any:
    """Returns how many numbers are counted: ``count``, but at least ``minlength`` and at most ``maxlength``."""
    dtype = count.dtype.base_dtype
    if minlength is not None:
        count = raw.Maximum(convert_to_tensor(minlength, dtype, name="minlength"), count)
    if maxlength is not None:
        count = raw.Minimum(convert_to_tensor(maxlength, dtype, name="maxlength"), count)
    return count


def no_weights(dtype: Any) -> Any:
    """Returns what stands for weights of one, in the dtype that counts are to have: no elements."""
    return convert_to_tensor(np.zeros(0, dtypes.as_dtype(dtype).as_numpy_dtype))


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """Counts how often each number occurs, or sums the weights of its occurrences.

    Args:
      arr: non-negative integers of any shape; for ``axis=-1`` a vector or a matrix, whose rows are counted apart.
      weights: what each occurrence counts, of the shape of ``arr``; 1 if None.
      minlength: the least length of the result.
      maxlength: its greatest length; greater numbers are not counted.
      dtype: the dtype of the counts where there are no weights.
      name: the name scope of the nodes.
      axis: None (or 0) to count everything, -1 to count each row.
      binary_output: whether to tell which numbers occur instead of counting them.

    Returns:
      A vector of counts up to the greatest number; for ``axis=-1`` one for each row.

    Raises:
      ValueError: weights together with ``binary_output``, or another axis.
      InvalidArgumentError: a number is negative.
    """
    with name_scope(name or "bincount"):
        axis = counted_axis(weights, axis, binary_output)
        values = arr if isinstance(arr, Tensor) else convert_to_tensor(arr, name="arr")
        if values.dtype.base_dtype not in (dtypes.int32, dtypes.int64):
            values = raw.Cast(values, DstT=dtypes.int32)
        index = values.dtype.base_dtype
        zero = np.zeros((), index.as_numpy_dtype)
        occupied = raw.Cast(raw.Greater(raw.Size(values), np.int32(0)), DstT=index)
        greatest = reduce_max(values)
        length = raw.Mul(occupied, raw.AddV2(greatest, zero + 1, name="add"), name="mul")
        length = count_between(length, minlength, maxlength)
        flat = np.array([-1], np.int32)
        if axis != -1:
            values = raw.Reshape(values, flat)
        if weights is None:
            weights = no_weights(dtype)
        else:
            weights = convert_to_tensor(weights)
            if axis != -1:
                weights = raw.Reshape(weights, flat)
        return dense_bincount_op(values, length, weights, binary_output=binary_output)


def bincount_v1(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = dtypes.int32
) -> Any:
    """Counts how often each number occurs, with TensorFlow 1's arguments; see ``bincount``."""
    return bincount(arr, weights, minlength, maxlength, dtype)


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """Counts for each pair of classes how often one was predicted for the other.

    Args:
      labels: a vector of the true classes.
      predictions: a vector of the predicted classes.
      num_classes: the number of classes; one more than the greatest if None.
      weights: what each prediction counts; 1 if None.
      dtype: the dtype of the matrix.
      name: the name scope of the nodes.

    Returns:
      A matrix with a row for each label and a column for each prediction.

    Raises:
      ValueError: the shapes of the arguments differ.
      InvalidArgumentError: a class is negative or not below ``num_classes``.
    """
    with name_scope(name, "confusion_matrix", [predictions, labels, num_classes, weights]):
        dtype = dtypes.as_dtype(dtype)
        predictions = raw.Cast(_vector(predictions, "predictions"), DstT=dtypes.int64)
        labels = raw.Cast(_vector(labels, "labels"), DstT=dtypes.int64)
        checked = {}
        for kind, classes in (("labels", labels), ("predictions", predictions)):
            checked[kind] = _with_check(
                raw.All(raw.GreaterEqual(classes, np.int64(0)), np.array([0], np.int32)),
                f"`{kind}` contains negative values. Condition x >= 0 did not hold element-wise.",
                classes,
            )
        labels, predictions = checked["labels"], checked["predictions"]
        one = np.int64(1)
        if num_classes is None:
            count = raw.AddV2(raw.Maximum(reduce_max(predictions), reduce_max(labels)), one)
        else:
            count = raw.Cast(convert_to_tensor(num_classes), DstT=dtypes.int64)
            for kind, classes in (("labels", labels), ("predictions", predictions)):
                checked[kind] = _with_check(
                    raw.All(raw.Less(classes, count), np.array([0], np.int32)),
                    f"`{kind}` out of bound. Condition x < y did not hold.",
                    classes,
                )
            labels, predictions = checked["labels"], checked["predictions"]
        if weights is not None:
            weights = convert_to_tensor(weights)
            if not predictions.shape.is_compatible_with(weights.shape):
                raise ValueError(f"Shapes {predictions.shape} and {weights.shape} are incompatible")
            weights = raw.Cast(weights, DstT=dtype)
        else:
            weights = raw.OnesLike(raw.Cast(predictions, DstT=dtype))
        if not labels.shape.is_compatible_with(predictions.shape):
            raise ValueError(f"Shapes {labels.shape} and {predictions.shape} are incompatible")
        cells = raw.AddV2(raw.Mul(labels, count), predictions)
        total = raw.UnsortedSegmentSum(weights, cells, raw.Mul(count, count))
        return raw.Reshape(total, raw.Pack([count, count]))


def _vector(value: Any, name: str) -> Any:
    tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, name=name)
    shape = tensor.shape
    if shape.rank == 2 and shape[-1] == 1:
        return raw.Squeeze(tensor, squeeze_dims=[-1])
    return tensor


def _with_check(condition: Any, message: str, value: Any) -> Any:
    """Returns ``value`` once ``condition`` is known to hold."""
    if isinstance(condition, EagerTensor):
        if not bool(condition):
            raise InvalidArgumentError(None, None, message)
        return value
    assertion = raw.Assert(condition, [convert_to_tensor(message), value], summarize=3)
    with assertion.graph.control_dependencies([assertion]):
        return raw.Identity(value)


def confusion_matrix_v1(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Any:
    """Counts predictions for each pair of classes, with TensorFlow 1's arguments; see ``confusion_matrix``."""
    return confusion_matrix(labels, predictions, num_classes, weights, dtype, name)
