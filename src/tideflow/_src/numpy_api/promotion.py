"""Chooses dtypes as NumPy does: what functions of ``tf.experimental.numpy`` convert their arguments to.

``rules`` holds the process-wide choice that ``experimental_enable_numpy_behavior`` makes. In the modes ``"off"`` and
``"legacy"`` NumPy itself promotes; in ``"safe"`` and ``"all"`` the lattice of :mod:`.weak_promotion` does.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

from tideflow._src.core import dtypes, nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.numpy_api import weak_promotion
from tideflow._src.numpy_api.weak_promotion import rules

_PLAIN_NUMBERS = (bool, int, float, complex)


def default_float_type() -> type[np.floating[Any]]:
    """Returns the NumPy type of Python floats: float64, or float32 where the user prefers it."""
    return np.float32 if rules.prefer_float32 else np.float64


def result_type(*arrays_and_dtypes: Any) -> DType:
    """Returns the dtype that NumPy's promotion rules give for arrays, numbers and dtypes together.

    Args:
      arrays_and_dtypes: tensors, arrays, Python numbers, dtypes, or nested lists of those.

    Returns:
      A ``tf.DType``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.result_type(tf.constant([1, 2]), 0.5)
      tf.float64
    """
    if rules.is_weak:
        return weak_promotion.result_type(*arrays_and_dtypes)[0]
    found = [_representative(x) for x in _leaves(arrays_and_dtypes)]
    return _of_numpy(found or [np.zeros(0)])


def result_type_binary(x: Any, y: Any) -> DType:
    """Returns the dtype that two arguments of an element-wise function have in common."""
    if isinstance(x, list | tuple) or isinstance(y, list | tuple):
        return result_type(x, y)
    key = (_kind_of_operand(x), _kind_of_operand(y), rules.prefer_float32)
    if None in key:
        return _of_numpy([_representative(x), _representative(y)])
    known = _of_pairs.get(key)
    if known is None:
        known = _of_pairs[key] = _of_numpy([_representative(x), _representative(y)])
    return known


#: What pairs of operands promote to, of those that were met.
_of_pairs: dict[tuple[Any, ...], DType] = {}


def _kind_of_operand(x: Any) -> Any:
    """Returns all that promotion asks of an operand, or None if it asks more: of a large integer, its value."""
    if isinstance(x, Tensor):
        return x.dtype
    kind = x.__class__
    if kind is float or kind is bool or (kind is int and -(2**31) <= x < 2**31):
        return kind
    return None


def result_type_unary(x: Any, dtype: Any) -> Any:
    """Returns ``dtype`` as a dtype, or that of ``x`` if there is none; text is text, and not the name of a dtype."""
    if dtype is not None:
        return result_type(dtype)
    first = x
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, str | bytes):
        return dtypes.string
    return result_type(x)


def promote_types(type1: Any, type2: Any) -> Any:
    """Returns the smallest NumPy dtype to which both types can be cast safely.

    Args:
      type1, type2: dtypes of NumPy or TensorFlow, or Python types.

    Returns:
      A ``numpy.dtype``.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.promote_types(tf.int32, tf.float32)
      dtype('float64')
    """
    return np.promote_types(_numpy_type(type1), _numpy_type(type2))


def finfo(dtype: Any) -> Any:
    """Returns the limits of a floating-point type.

    Args:
      dtype: a dtype of NumPy or TensorFlow, or ``float``.

    Returns:
      A ``numpy.finfo``: ``eps``, ``max``, ``min``, ``bits`` and more.

    Example:
      >>> import tideflow as tf
      >>> tf.experimental.numpy.finfo(tf.float32).bits
      32
    """
    return np.finfo(_numpy_type(dtype))


def _numpy_type(dtype: Any) -> Any:
    return dtype.as_numpy_dtype if isinstance(dtype, DType) else np.dtype(dtype)


def _of_numpy(found: list[Any]) -> DType:
    if rules.prefer_float32:
        found = [_narrowed(x) for x in found]
    return dtypes.as_dtype(np.result_type(*found))


def _narrowed(x: Any) -> Any:
    if isinstance(x, float):
        return np.float32(x)
    return np.complex64(x) if isinstance(x, complex) else x


def _representative(x: Any) -> Any:
    """Returns what NumPy is asked about in place of ``x``: a number as it is, the dtype of anything that has one."""
    if isinstance(x, Tensor):
        return x.dtype.as_numpy_dtype
    if isinstance(x, numbers.Real):
        return x
    if isinstance(x, DType):
        return x.as_numpy_dtype
    if isinstance(getattr(x, "dtype", None), DType):
        return x.dtype.as_numpy_dtype
    return x


def _leaves(structure: Any) -> Iterator[Any]:
    """The arguments to promote: those of nested lists too, but of many plain numbers only the kinds and extremes."""
    yield from nest.flatten(structure) if _is_mixed(structure) else _extremes(structure)


def _is_mixed(structure: Any) -> bool:
    if isinstance(structure, list | tuple):
        return any(_is_mixed(item) for item in structure)
    return structure.__class__ not in _PLAIN_NUMBERS


def _extremes(structure: Any) -> list[Any]:
    found: dict[type, Any] = {}
    integers: list[int] = []
    pending = list(structure)
    while pending:
        item = pending.pop()
        if isinstance(item, list | tuple):
            pending.extend(item)
        elif item.__class__ is int:
            integers.append(item)
        else:
            found.setdefault(item.__class__, item)
    return [*{min(integers), max(integers)}, *found.values()] if integers else [*found.values()]
