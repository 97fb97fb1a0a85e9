"""Defines ``ObjectArray``, arrays of what NumPy has no dtype for: of them ``VariantArray``, of ``Variant`` values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from tideflow._src.core import dtypes


class Variant:
    """Is the base class of what a tensor of dtype ``variant`` can hold: to NumPy, an array of rank 0 of itself."""

    __slots__ = ()

    dtype = dtypes.variant
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> VariantArray:
        return variants([self], ())

    def reshape(self, *shape: Any) -> Any:
        """Returns an array that holds this value alone, as an array's method does."""
        return variants([self], ()).reshape(*shape)


class ObjectArray(np.ndarray[Any, Any]):
    """Is an array of objects with a dtype of ours: kernels that only move elements take it for what it is.

    An object alone stands for itself, and becomes such an array where NumPy stacks it.
    """

    #: What NumPy puts together of such arrays and others is one.
    __array_priority__ = 1.0

    _element_dtype: dtypes.DType

    @property
    def dtype(self) -> Any:
        return self._element_dtype

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        result = super().__array_function__(function, types, arguments, options)
        return result.view(type(self)) if type(result) is np.ndarray and result.dtype == object else result

    @classmethod
    def of(cls, items: Iterable[Any], shape: tuple[int, ...] | None = None) -> Self:
        """Returns objects as an array, a vector unless a shape is given."""
        items = list(items)
        result = np.empty(len(items), object)
        for place, item in enumerate(items):
            result[place] = item
        return result.reshape(result.shape if shape is None else shape).view(cls)


class VariantArray(ObjectArray):
    """Is an array of dtype ``variant``."""

    _element_dtype = dtypes.variant

    def zeros_like(self) -> VariantArray:
        """Returns an array of the zeros that the elements know."""
        return variants([None if item is None else item.zeros_like() for item in self.ravel()], self.shape)


def variants(items: Iterable[Any], shape: tuple[int, ...] | None = None) -> VariantArray:
    """Returns variants as an array, a vector unless a shape is given."""
    return VariantArray.of(items, shape)


def variants_text(value: Any, count: int = 3) -> str:
    """Writes a value of dtype ``variant``, of an array its first ``count`` elements, all for -1: ``[<A> <A>...]``."""
    if not isinstance(value, np.ndarray) or not value.shape:
        return repr(items_of(value)[0])
    items = items_of(value)
    most = len(items) if count < 0 else count
    return f"[{' '.join(map(repr, items[:most]))}{'...' if len(items) > most else ''}]"


def items_of(value: Any) -> list[Any]:
    """Returns the elements of a value of dtype ``variant``: of an array, or the one that it is."""
    return list(value.ravel()) if isinstance(value, np.ndarray) else [value]
