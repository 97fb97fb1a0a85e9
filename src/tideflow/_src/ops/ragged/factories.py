"""Makes ragged tensors of nested lists, and placeholders for them: ``tf.ragged.constant`` and its siblings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.ops.array.constants import constant as dense_constant
from tideflow._src.ops.array.placeholders import placeholder as dense_placeholder
from tideflow._src.ops.ragged.ragged_tensor import RaggedTensor, is_ragged
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor

_PLAIN = (int, float, str, bytes, bool, complex)


def constant(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    name: str | None = None,
    row_splits_dtype: Any = dtypes.int64,
) -> Any:
    """Returns the ragged tensor of nested lists.

    >>> import tideflow as tf
    >>> tf.ragged.constant([[1, 2], [3]])
    <tf.RaggedTensor [[1, 2], [3]]>

    Args:
      pylist: a nested list, tuple or array: all elements must be equally deep.
      dtype: the type of the elements; by default it follows from them.
      ragged_rank: the number of ragged dimensions: at least 0, and less than the depth. By default as many as fit,
        less the rank of ``inner_shape``.
      inner_shape: the shape of the dimensions that are not ragged; by default what follows from ``ragged_rank``.
      name: the name scope.
      row_splits_dtype: int32 or int64.

    Returns:
      A ragged tensor; a tensor if nothing is ragged.

    Raises:
      ValueError: the depths differ, or do not fit ``ragged_rank`` and ``inner_shape``.
      TypeError: the list is a ragged tensor, or the elements do not convert.
    """
    row_splits_dtype = dtypes.as_dtype(row_splits_dtype)

    def with_rows(values: Any, row_splits: Any) -> Any:
        splits = convert_to_tensor(np.array(row_splits, row_splits_dtype.as_numpy_dtype), name="Const")
        return RaggedTensor.from_row_splits(values, splits, validate=False)

    with name_scope(name, "RaggedConstant"):
        return _constant(with_rows, dense_constant, pylist, dtype, ragged_rank, inner_shape)


def constant_value(
    pylist: Any,
    dtype: Any = None,
    ragged_rank: int | None = None,
    inner_shape: Any = None,
    row_splits_dtype: Any = "int64",
) -> Any:
    """Returns the ``RaggedTensorValue`` of nested lists; see ``tf.ragged.constant``.

    Args:
      pylist: a nested list, tuple or array: all elements must be equally deep.
      dtype: the type of the elements, as NumPy has it.
      ragged_rank: the number of ragged dimensions.
      inner_shape: the shape of the dimensions that are not ragged.
      row_splits_dtype: int32 or int64.

    Returns:
      A ``RaggedTensorValue``; an array if nothing is ragged.

    Raises:
      ValueError: the depths differ, or do not fit ``ragged_rank`` and ``inner_shape``.
      TypeError: the list is a ragged tensor.
    """
    if isinstance(dtype, dtypes.DType):
        dtype = dtype.as_numpy_dtype
    splits_type = dtypes.as_dtype(row_splits_dtype).as_numpy_dtype

    def with_rows(values: Any, row_splits: Any) -> Any:
        return RaggedTensorValue(values, np.array(row_splits, splits_type))

    def dense(items: Any, dtype: Any, shape: Any, name: Any = None) -> Any:
        del name
        array = np.array(items, dtype) if dtype is None or dtype is object else np.array(items).astype(dtype)
        return array if shape is None else array.reshape(shape)

    return _constant(with_rows, dense, pylist, dtype, ragged_rank, inner_shape)


def _constant(
    with_rows: Callable[[Any, Any], Any],
    dense: Callable[..., Any],
    pylist: Any,
    dtype: Any,
    ragged_rank: int | None,
    inner_shape: Any,
) -> Any:
    if is_ragged(pylist):
        raise TypeError("pylist may not be a RaggedTensor or RaggedTensorValue.")
    if not _is_list(pylist):
        if ragged_rank:
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank}")
        if inner_shape:
            raise ValueError(f"Invalid pylist={pylist!r}: incompatible with dim(inner_shape)={len(inner_shape)}")
        return dense(pylist, dtype, ())
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank!r}: must be nonnegative")
    scalar_depth, depth = _depths(pylist)
    if scalar_depth is not None:
        if depth > scalar_depth:
            raise ValueError(f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value nesting")
        if ragged_rank is not None and depth < ragged_rank:
            raise ValueError(f"Invalid pylist={pylist}, max depth smaller than ragged_rank={ragged_rank}")
    if inner_shape is not None and ragged_rank is not None:
        expected = ragged_rank + len(inner_shape) + 1
        if expected != scalar_depth if scalar_depth is not None else expected < depth:
            raise ValueError(
                f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and "
                f"dim(inner_shape)={len(inner_shape)}"
            )
    inner_rank = 0 if inner_shape is None else len(inner_shape)
    if ragged_rank == 0 or (ragged_rank is None and (depth < 2 or depth - inner_rank < 2)):
        return dense(pylist, dtype, inner_shape)
    if inner_shape is None:
        inner_shape = () if ragged_rank is None else _inner_shape(pylist, ragged_rank)
    if ragged_rank is None:
        ragged_rank = max(1, (depth if scalar_depth is None else scalar_depth - inner_rank) - 1)
    splits = []
    values: Any = pylist
    for _ in range(ragged_rank):
        splits.append([0, *itertools.accumulate(map(len, values))])
        values = list(itertools.chain.from_iterable(values))
    result = dense(values, dtype=dtype, shape=(len(values), *inner_shape), name="values")
    for each in reversed(splits):
        result = with_rows(result, each)
    return result


def _is_list(item: Any) -> bool:
    return isinstance(item, list | tuple) or (item.__class__ not in _PLAIN and np.ndim(item) != 0)


def _depths(item: Any) -> tuple[int | None, int]:
    """Returns how deep the elements of a nested list are, None if it has none, and how deep its lists are.

    Raises:
      ValueError: elements are of different depths.
    """
    if not _is_list(item):
        return 0, 0
    if isinstance(item, np.ndarray) and item.dtype != object:
        return (item.ndim if item.size else None), item.ndim
    scalar_depth, depth = None, 1
    if isinstance(item, list | tuple) and item and all(child.__class__ in _PLAIN for child in item):
        return 1, 1
    for child in item:
        child_scalar_depth, child_depth = _depths(child)
        if child_scalar_depth is not None:
            if scalar_depth not in (None, child_scalar_depth + 1):
                raise ValueError("all scalar values must have the same nesting depth")
            scalar_depth = child_scalar_depth + 1
        depth = max(depth, child_depth + 1)
    return scalar_depth, depth


def _inner_shape(pylist: Any, ragged_rank: int) -> tuple[int, ...]:
    """Returns the shape of what stands below ``ragged_rank`` levels of lists.

    Raises:
      ValueError: there is none, since lengths differ or elements are not as deep.
    """
    items: Any = pylist
    for level in range(ragged_rank):
        if not all(map(_is_list, items)):
            raise ValueError(
                f"pylist has scalar values depth {level + 1}, but ragged_rank={ragged_rank} requires scalar value "
                f"depth greater than {ragged_rank}"
            )
        items = list(itertools.chain.from_iterable(items))
    shape = []
    first: Any = items
    while _is_list(first):
        shape.append(len(first))
        if not len(first):
            break
        first = first[0]
    _check_shape(items, tuple(shape))
    return tuple(shape[1:])


def _check_shape(item: Any, shape: tuple[int, ...]) -> None:
    if _is_list(item) != bool(shape) or (shape and len(item) != shape[0]):
        raise ValueError("inner values have inconsistent shape")
    if shape:
        for child in item:
            _check_shape(child, shape[1:])


def placeholder(dtype: Any, ragged_rank: int, value_shape: Any = None, name: str | None = None) -> Any:
    """Returns a ragged tensor of placeholders, which a session is fed a ``RaggedTensorValue`` for.

    Args:
      dtype: the type of the elements.
      ragged_rank: the number of ragged dimensions.
      value_shape: the shape of each element of the innermost rows.
      name: the name scope.

    Returns:
      A ragged tensor; a placeholder for a tensor if ``ragged_rank`` is 0.

    Raises:
      RuntimeError: execution is eager.
    """
    if ragged_rank == 0:
        return dense_placeholder(dtype, value_shape, name)
    with name_scope(name, "RaggedPlaceholder"):
        result = dense_placeholder(dtype, TensorShape([None]).concatenate(value_shape), "flat_values")
        for level in reversed(range(ragged_rank)):
            splits = dense_placeholder(dtypes.int64, [None], f"row_splits_{level}")
            result = RaggedTensor.from_row_splits(result, splits, validate=False)
        return result
