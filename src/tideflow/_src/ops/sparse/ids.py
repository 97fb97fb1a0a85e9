"""Public functions over sparse tensors that hold ids: features crossed, merged, counted, and made indicators."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import with_dependencies
from tideflow._src.ops.math.counting import count_between, counted_axis, no_weights
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.sparse.conversion import as_sparse, sparse_reorder, sparse_tensor_to_dense
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, is_sparse

_ZERO, _ONE = np.int32(0), np.int32(1)
_DEFAULT_HASH_KEY = 0xDECAFCAFFE


def to_indicator(sp_input: Any, vocab_size: Any, name: str | None = None) -> Any:
    """Makes a dense boolean tensor that tells which ids each row holds.

    >>> import tideflow as tf
    >>> rows = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], [2, 0, 1], [2, 2])
    >>> tf.sparse.to_indicator(rows, 3).numpy().tolist()
    [[False, False, True], [True, True, False]]

    Args:
      sp_input: a sparse tensor of ids: ``int32`` or ``int64``.
      vocab_size: a number above all ids.
      name: the name scope of the nodes.

    Returns:
      A boolean tensor whose last dimension has the size ``vocab_size``, the others those of the input.

    Raises:
      TypeError: the input is not sparse.
      InvalidArgumentError: an id is not below ``vocab_size``.
    """
    sp_input = as_sparse(sp_input)
    with name_scope(name, "SparseToIndicator", [sp_input.indices]):
        count = raw.Reshape(raw.GatherV2(raw.Shape(sp_input.indices), _ZERO, _ZERO), np.array([1], np.int32))
        present = SparseTensor(sp_input.indices, raw.Fill(count, np.True_), sp_input.dense_shape)
        merged = merge(sp_input, present, vocab_size)
        return sparse_tensor_to_dense(merged, default_value=False, validate_indices=False)


def merge(
    sp_ids: Any, sp_values: Any, vocab_size: Any, name: str | None = None, already_sorted: bool = False
) -> SparseTensor:
    """Makes one sparse tensor of ids and of their values: the last dimension is numbered by the ids.

    >>> import tideflow as tf
    >>> ids = tf.SparseTensor([[0, 0], [1, 0]], [5, 3], [2, 1])
    >>> values = tf.SparseTensor([[0, 0], [1, 0]], [0.5, 1.5], [2, 1])
    >>> tf.compat.v1.sparse_merge(ids, values, 6).indices.numpy().tolist()
    [[0, 5], [1, 3]]

    Args:
      sp_ids: a sparse tensor of ids, or a list of those for several new dimensions.
      sp_values: a sparse tensor with the values at the same positions.
      vocab_size: a number above all ids, or a list of those.
      name: the name scope of the nodes.
      already_sorted: whether the ids of each row ascend; if not, the result is put in order.

    Raises:
      TypeError: an argument is not sparse, or a size no integer.
      ValueError: the lists differ in length.
    """
    sizes = vocab_size
    if is_sparse(sp_ids):
        sp_ids = [sp_ids]
        if not _is_size(vocab_size):
            raise TypeError(f"vocab_size has to be a Tensor or Python int. Found {type(vocab_size)}")
        sizes = [vocab_size]
    else:
        if not isinstance(sp_ids, Iterable):
            raise TypeError(f"sp_ids has to be a SparseTensor or list thereof. Found {type(sp_ids)}")
        if not isinstance(vocab_size, Iterable):
            raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}")
        for size in vocab_size:
            if not _is_size(size):
                raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(size)}")
    ids, sizes = [as_sparse(item) for item in sp_ids], list(sizes)
    if len(ids) != len(sizes):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    with name_scope(name, "SparseMerge", [ids[0].indices]):
        sp_values = as_sparse(sp_values)
        columns = [raw.ExpandDims(_int64(item.values), _ONE) for item in ids]
        first = ids[0]
        indices = raw.ConcatV2([first.indices[:, :-1], *columns], _ONE)
        counts = [raw.Reshape(_int64(convert_to_tensor(size)), np.array([1], np.int32)) for size in sizes]
        result = SparseTensor(indices, sp_values.values, raw.ConcatV2([first.dense_shape[:-1], *counts], _ZERO))
        return result if already_sorted else sparse_reorder(result)


def _is_size(value: Any) -> bool:
    return isinstance(value, Tensor | numbers.Integral)


def _int64(tensor: Any) -> Any:
    return tensor if tensor.dtype == dtypes.int64 else raw.Cast(tensor, DstT=dtypes.int64)


# Crosses.


def cross(inputs: Any, name: str | None = None, separator: Any = None) -> SparseTensor:
    """Makes a feature of each combination of features, one of each input, row by row.

    >>> import tideflow as tf
    >>> crossed = tf.sparse.cross([tf.sparse.from_dense([["a", "b"]]), tf.constant([["x"]])])
    >>> crossed.values.numpy().tolist()
    [b'a_X_x', b'b_X_x']

    Args:
      inputs: a list of matrices, sparse or dense, of integers or strings, with equally many rows.
      name: the name of the node.
      separator: what stands between the features, ``"_X_"`` if None.

    Returns:
      A sparse matrix of strings.

    Raises:
      TypeError: ``inputs`` is no list, or an input no tensor.
      InvalidArgumentError: the numbers of rows differ.
    """
    separator = convert_to_tensor("_X_" if separator is None else separator, dtypes.string)
    result = raw.SparseCrossV2(*_features(inputs, "All inputs must be Tensor or SparseTensor."), separator, name=name)
    return SparseTensor(*result)


def cross_hashed(inputs: Any, num_buckets: int = 0, hash_key: Any = None, name: str | None = None) -> SparseTensor:
    """Makes a number of each combination of features, one of each input, row by row.

    >>> import tideflow as tf
    >>> crossed = tf.sparse.cross_hashed([tf.sparse.from_dense([["a", "b"]]), tf.constant([["x"]])], num_buckets=100)
    >>> crossed.values.numpy().tolist()
    [92, 4]

    Args:
      inputs: a list of matrices, sparse or dense, of integers or strings, with equally many rows.
      num_buckets: the numbers are below this; any that fit 63 bits if 0.
      hash_key: an integer that changes all numbers.
      name: the name of the node.

    Returns:
      A sparse matrix of ``int64``.

    Raises:
      TypeError: ``inputs`` is no list, or an input no tensor.
      InvalidArgumentError: the numbers of rows differ.
    """
    indices, values, shapes, dense = _features(inputs, "All inputs must be SparseTensors")
    has_integers = any(item.dtype != dtypes.string for item in (*values, *dense))
    result = raw.SparseCross(
        indices,
        values,
        shapes,
        dense,
        hashed_output=True,
        num_buckets=num_buckets,
        hash_key=hash_key or _DEFAULT_HASH_KEY,
        out_type=dtypes.int64,
        internal_type=dtypes.int64 if has_integers else dtypes.string,
        name=name,
    )
    return SparseTensor(*result)


def _features(inputs: Any, problem: str) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    if not isinstance(inputs, list | tuple):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(item, SparseTensor | Tensor) for item in inputs):
        raise TypeError(problem)
    sparse = [item for item in inputs if isinstance(item, SparseTensor)]
    values = [item.values if item.dtype == dtypes.string else _int64(item.values) for item in sparse]
    dense = [item for item in inputs if not isinstance(item, SparseTensor)]
    dense = [item if item.dtype == dtypes.string else _int64(item) for item in dense]
    return [item.indices for item in sparse], values, [item.dense_shape for item in sparse], dense


# Counts.


def bincount(
    values: Any,
    weights: Any = None,
    axis: Any = 0,
    minlength: Any = None,
    maxlength: Any = None,
    binary_output: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """Counts how often each number occurs, into a sparse tensor.

    >>> import tideflow as tf
    >>> counts = tf.sparse.bincount([[1, 1, 7], [3, 3, 3]], axis=-1)
    >>> counts.indices.numpy().tolist(), counts.values.numpy().tolist()
    ([[0, 1], [0, 7], [1, 3]], [2, 1, 3])

    Args:
      values: non-negative integers: a tensor or ``SparseTensor`` of rank 1 or 2.
      weights: what each occurrence counts, of the shape (and positions) of ``values``; 1 if None.
      axis: 0 to count everything, -1 to count each row.
      minlength: the least size of the last dimension of the result.
      maxlength: its greatest size; greater numbers are not counted.
      binary_output: whether to tell which numbers occur instead of counting them.
      name: the name scope of the nodes.

    Returns:
      A ``SparseTensor`` of rank 1, or 2 for ``axis=-1``.

    Raises:
      ValueError: weights together with ``binary_output``, or another axis.
      InvalidArgumentError: a number is negative.
    """
    with name_scope(name, "count", [values, weights]):
        if not isinstance(values, SparseTensor):
            values = convert_to_tensor(values, name="values")
        if weights is not None and not isinstance(weights, SparseTensor):
            weights = convert_to_tensor(weights, name="weights")
        axis = counted_axis(weights, axis, binary_output)
        options = {
            "minlength": -1 if minlength is None else minlength,
            "maxlength": -1 if maxlength is None else maxlength,
            "binary_output": binary_output,
        }
        if axis == 0:
            if isinstance(values, SparseTensor):
                weights = None if weights is None else _checked_weights(values, weights)
                values = values.values
            else:
                flat = np.array([-1], np.int32)
                weights = None if weights is None else raw.Reshape(weights, flat)
                values = raw.Reshape(values, flat)
        if isinstance(values, SparseTensor):
            weights = no_weights(values.dtype) if weights is None else _checked_weights(values, weights)
            parts = values.indices, values.values, values.dense_shape
            return SparseTensor(*raw.SparseCountSparseOutput(*parts, weights, **options))
        if weights is None:
            weights = no_weights(values.dtype)
        elif not isinstance(weights, Tensor):
            raise ValueError(
                "Argument `weights` must be a tf.Tensor if `values` is a tf.Tensor. Received "
                f"weights={weights} of type: {type(weights).__name__}"
            )
        return SparseTensor(*raw.DenseCountSparseOutput(values, weights, **options))


def _checked_weights(values: SparseTensor, weights: Any) -> Any:
    """Returns the values of sparse weights, whose positions must be those of the numbers."""
    if not isinstance(weights, SparseTensor):
        raise ValueError(
            "Argument `weights` must be a SparseTensor if `values` is a SparseTensor. Received "
            f"weights={weights} of type: {type(weights).__name__}"
        )
    from tideflow._src.ops.control.assertions import assert_equal  # loads with the first check

    checks = []
    if weights.dense_shape is not values.dense_shape:
        problem = "'weights' and 'values' must have the same dense shape."
        checks.append(assert_equal(weights.dense_shape, values.dense_shape, message=problem))
    if weights.indices is not values.indices:
        problem = "'weights' and 'values' must have the same indices."
        checks.append(assert_equal(weights.indices, values.indices, message=problem))
    made = [check for check in checks if check is not None]
    return with_dependencies(made, weights.values) if made else weights.values


def dense_bincount(
    arr: SparseTensor,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """Counts how often each number occurs in a sparse tensor: what ``tf.math.bincount`` does for one."""
    with name_scope(name or "bincount"):
        axis = counted_axis(weights, axis, binary_output)
        if not arr.dtype.is_integer:
            arr = arr.with_values(raw.Cast(arr.values, DstT=dtypes.int32))
        index = arr.dtype
        one = np.ones((), index.as_numpy_dtype)
        filled = raw.Cast(raw.Greater(raw.Prod(arr.dense_shape, _ZERO), np.int64(0)), DstT=index)
        length = raw.Mul(filled, raw.AddV2(raw.Maximum(raw.Max(arr.values, _ZERO), -one), one))
        length = count_between(length, minlength, maxlength)
        weights = no_weights(dtype) if weights is None else _checked_weights(arr, weights)
        if axis == 0:
            return raw.DenseBincount(arr.values, length, weights, binary_output=binary_output)
        return raw.SparseBincount(
            arr.indices, arr.values, arr.dense_shape, length, weights, binary_output=binary_output
        )
