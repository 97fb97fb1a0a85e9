"""``array`` and its kin: arguments of every kind become tensors, with the dtypes that NumPy gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import promotion
from tideflow._src.numpy_api.ranks import choose, known_rank, rank_of, shape_of
from tideflow._src.ops.array.constants import ones as ones_of_shape
from tideflow._src.ops.array.identity import identity
from tideflow._src.ops.array.joining import concat
from tideflow._src.ops.array.shape import reshape
from tideflow._src.ops.math.casting import cast
from tideflow._src.runtime.convert import contains_tensor
from tideflow._src.runtime.device_copies import convert_to_tensor

#: The most dimensions that ``ndmin`` may ask for, as in NumPy of old.
_MOST_DIMENSIONS = 32
_INEXACT = frozenset((dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128))


def array(val: Any, dtype: Any = None, copy: bool = True, ndmin: int = 0) -> Any:
    """Makes a tensor of a number, a nested sequence, an array or a tensor.

    Args:
      val: what the tensor holds.
      dtype: its dtype; by default NumPy's for ``val``: int64 and float64 for Python numbers.
      copy: of no effect, since tensors never change.
      ndmin: the least number of dimensions; axes of size 1 are put in front.

    Returns:
      A tensor.

    Raises:
      ValueError: ``val`` is no rectangular sequence, or ``ndmin`` is more than 32.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.array([1, 2.5])
      <tf.Tensor: shape=(2,), dtype=float64, numpy=array([1. , 2.5])>
    """
    if dtype is not None:
        dtype = promotion.result_type(dtype)
    return as_array(val, dtype, copy, ndmin)


def as_array(val: Any, dtype: Any = None, copy: bool = False, ndmin: int = 0) -> Any:
    """Is ``array`` with a dtype that needs no promotion."""
    if isinstance(val, Tensor):
        result = val if dtype is None else as_type(val, dtype)
    else:
        if isinstance(val, np.ndarray) and not val.dtype.isnative:
            val = val.astype(val.dtype.newbyteorder("="))
        wanted = promotion.result_type_unary(val, dtype)
        result = as_type(_converted(val, wanted), wanted)
    if copy:
        result = identity(result)
    if ndmin > _MOST_DIMENSIONS:
        raise ValueError(f"ndmin bigger than allowable number of dimensions: {_MOST_DIMENSIONS}.")
    if ndmin == 0:
        return result
    missing = ndmin - rank_of(result)

    def widened() -> Any:
        return reshape(result, concat([ones_of_shape([missing], dtypes.int32), shape_of(result)], 0))

    return choose(missing > 0, widened, lambda: result)


def _converted(value: Any, hint: Any) -> Any:
    """Converts what is no tensor yet, as near to the dtype that it shall have as its values allow."""
    if isinstance(value, int) and value >= 2**63:
        return convert_to_tensor(value, dtype=dtypes.uint64)
    if isinstance(value, np.ndarray):
        of_complex_numbers = value.dtype.kind == "c" and dtypes.as_dtype(hint) is dtypes.bool
        return convert_to_tensor(value.astype(np.bool_) if of_complex_numbers else value)
    if isinstance(value, list | tuple) and not contains_tensor(value):
        try:
            numbers = np.array(value)
        except ValueError:
            pass  # it is not rectangular, as the conversion says
        else:
            if numbers.dtype.kind in "biufc":
                return convert_to_tensor(numbers)
    return convert_to_tensor(value, dtype_hint=hint)


def as_type(x: Any, dtype: Any) -> Any:
    """Casts a tensor, unless it has the dtype already."""
    dtype = dtype if dtype.__class__ is DType else dtypes.as_dtype(dtype)
    return x if x.dtype is dtype else cast(x, dtype)


def asarray(a: Any, dtype: Any = None) -> Any:
    """Makes a tensor of ``a``, which is returned as it is if it is one already, of the same dtype.

    Args:
      a: a number, a nested sequence, an array or a tensor.
      dtype: the dtype; by default NumPy's for ``a``.

    Returns:
      A tensor.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.asarray(1)
      <tf.Tensor: shape=(), dtype=int64, numpy=1>
    """
    if dtype is None:
        return a if isinstance(a, Tensor) else as_array(a)
    return as_array(a, promotion.result_type(dtype))


def asanyarray(a: Any, dtype: Any = None) -> Any:
    """Is :func:`asarray`: there are no subclasses of tensors to keep.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.asanyarray([True]).dtype
      tf.bool
    """
    return asarray(a, dtype)


def ascontiguousarray(a: Any, dtype: Any = None) -> Any:
    """Makes a tensor of at least one dimension of ``a``; every tensor is contiguous.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.ascontiguousarray(1.0).shape
      TensorShape([1])
    """
    return array(a, dtype, ndmin=1)


def copy(a: Any) -> Any:
    """Makes a tensor of ``a``; one that is a tensor already never changes, and so needs no copy.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.copy([1, 2]).dtype
      tf.int64
    """
    return array(a, copy=True)


def promoted(*arrays: Any) -> list[Any]:
    """Returns arguments as tensors of the dtype that they have in common."""
    dtype = promotion.result_type(*arrays)
    return [as_array(a, dtype) for a in arrays]


def promoted_pair(x: Any, y: Any) -> tuple[Any, Any]:
    """Returns two arguments as tensors of the dtype that they have in common."""
    if isinstance(x, Tensor) and isinstance(y, Tensor) and x.dtype is y.dtype:
        return x, y
    dtype = promotion.result_type_binary(x, y)
    return as_array(x, dtype), as_array(y, dtype)


def is_inexact(dtype: DType) -> bool:
    """Tells whether a dtype is of floats or complex numbers that NumPy knows: bfloat16 is not."""
    return dtype in _INEXACT


def as_floats(x: Any) -> Any:
    """Returns an argument as a tensor of floats or complex numbers: integers and booleans become floats."""
    x = asarray(x)
    if is_inexact(x.dtype):
        return x
    return as_type(x, promotion.result_type(float))


__all__ = [
    "array",
    "as_array",
    "as_floats",
    "as_type",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "copy",
    "is_inexact",
    "known_rank",
    "promoted",
    "promoted_pair",
]
