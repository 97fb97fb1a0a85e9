"""The value of an optional: what a tensor of dtype ``variant`` that holds tensors, or nothing, refers to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.runtime.list_value import shape_text


class OptionalValue:
    """Is what the variant refers to: the tensors, or None for nothing."""

    __slots__ = ("components",)

    dtype = dtypes.variant
    shape: tuple[int, ...] = ()
    ndim = 0
    size = 1

    def __init__(self, components: list[Any] | None) -> None:
        self.components = components

    def zeros_like(self) -> OptionalValue:
        """Returns zeros of the same types, or nothing."""
        return OptionalValue(None if self.components is None else [np.zeros_like(item) for item in self.components])

    def __repr__(self) -> str:
        if self.components is None:
            return "<OptionalVariant<None>>"
        parts = [
            f"Tensor<type: {type_text(dtype_of(item))} shape: {shape_text(item.shape)} values: {str(item).strip('[]')}>"
            for item in self.components
        ]
        return f"<OptionalVariant<values: ({', '.join(parts)})>>"


def dtype_of(item: Any) -> DType:
    """Returns the dtype of a component."""
    return dtypes.variant if item.dtype is dtypes.variant else dtypes.of_numpy[item.dtype]


def type_text(dtype: DType) -> str:
    """Returns what messages call a dtype."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
