"""Defines ``VariantArray``: several values of dtype ``variant`` in one tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes


class VariantArray(np.ndarray[Any, Any]):
    """Is an array of objects whose dtype is ``variant``: kernels that only move elements take it for what it is.

    A variant alone is the object itself; one with ``__array__`` becomes such an array where NumPy stacks it.
    """

    #: What NumPy puts together of such arrays and others is one.
    __array_priority__ = 1.0

    @property
    def dtype(self) -> Any:
        return dtypes.variant

    def zeros_like(self) -> VariantArray:
        """Returns an array of the zeros that the elements know."""
        return variants([None if item is None else item.zeros_like() for item in self.ravel()], self.shape)


def variants(items: Iterable[Any], shape: tuple[int, ...] | None = None) -> VariantArray:
    """Returns variants as an array, a vector unless a shape is given."""
    items = list(items)
    result = np.empty(len(items), object)
    for place, item in enumerate(items):
        result[place] = item
    return result.reshape(result.shape if shape is None else shape).view(VariantArray)


def items_of(value: Any) -> list[Any]:
    """Returns the elements of a value of dtype ``variant``: of an array, or the one that it is."""
    return list(value.ravel()) if isinstance(value, np.ndarray) else [value]
