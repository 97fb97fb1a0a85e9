"""Public functions of sets: ``tf.sets``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor, SparseTensorValue

_DTYPES = frozenset((dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.string))


def size(a: Any, validate_indices: bool = True) -> Any:
    """Counts the different elements of each set of a sparse tensor, which lie along its last dimension.

    Args:
      a: a sparse tensor of integers or strings.
      validate_indices: whether to check that its positions ascend.

    Returns:
      An ``int32`` tensor of the shape of ``a`` without the last dimension.

    Raises:
      TypeError: ``a`` is not sparse, or of another type.
    """
    a = _tensor(a, "a")
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a!s}.")
    _check(a)
    return raw.SetSize(a.indices, a.values, a.dense_shape, validate_indices=validate_indices)


def intersection(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """Finds the elements that two sets share, for each pair of sets along the last dimension.

    Args:
      a, b: tensors, dense or sparse, whose shapes are equal but for the last dimension.
      validate_indices: whether to check that positions of sparse tensors ascend.

    Returns:
      A sparse tensor with the elements of each set in order.

    Raises:
      TypeError: the types differ, or are none of integers and strings.
      InvalidArgumentError: the shapes do not fit.
    """
    a, b, _ = _pair(a, b)
    return _combine(a, b, "intersection", validate_indices)


def difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> Any:
    """Finds the elements of one set that the other one lacks: ``a - b``, or ``b - a``; see ``intersection``."""
    a, b, flipped = _pair(a, b)
    if flipped:
        aminusb = not aminusb
    return _combine(a, b, "a-b" if aminusb else "b-a", validate_indices)


def union(a: Any, b: Any, validate_indices: bool = True) -> Any:
    """Finds the elements that are in either of two sets; see ``intersection`` for the arguments."""
    a, b, _ = _pair(a, b)
    return _combine(a, b, "union", validate_indices)


def _tensor(value: Any, name: str) -> Any:
    if isinstance(value, SparseTensorValue):
        return SparseTensor.from_value(value)
    return value if isinstance(value, SparseTensor | Tensor) else convert_to_tensor(value, name=name)


def _check(value: Any) -> None:
    if value.dtype.base_dtype not in _DTYPES:
        raise TypeError(f"Invalid dtype `{value.dtype}` not in supported dtypes: {sorted(d.name for d in _DTYPES)}.")


def _pair(a: Any, b: Any) -> tuple[Any, Any, bool]:
    """Returns the tensors with a dense one, if any, first; and whether they changed places."""
    a, b = _tensor(a, "a"), _tensor(b, "b")
    _check(a)
    if b.dtype.base_dtype != a.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return b, a, True
    return a, b, False


def _combine(a: Any, b: Any, operation: str, validate_indices: bool) -> Any:
    options = {"set_operation": operation, "validate_indices": validate_indices}
    if isinstance(a, SparseTensor):
        parts = a.indices, a.values, a.dense_shape, b.indices, b.values, b.dense_shape
        result = raw.SparseToSparseSetOperation(*parts, **options)
    elif isinstance(b, SparseTensor):
        result = raw.DenseToSparseSetOperation(a, b.indices, b.values, b.dense_shape, **options)
    else:
        result = raw.DenseToDenseSetOperation(a, b, **options)
    return SparseTensor(*result)
