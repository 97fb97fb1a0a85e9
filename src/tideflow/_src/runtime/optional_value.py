"""The value of an optional: what a tensor of dtype ``variant`` that holds tensors, or nothing, refers to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.variant_array import Variant
from tideflow._src.runtime.list_value import shape_text


class OptionalValue(Variant):
    """Is what the variant refers to: the tensors, or None for nothing."""

    __slots__ = ("components",)

    def __init__(self, components: list[Any] | None) -> None:
        self.components = components

    def zeros_like(self) -> OptionalValue:
        """Returns zeros of the same types, or nothing."""
        return OptionalValue(None if self.components is None else [np.zeros_like(item) for item in self.components])

    def __repr__(self) -> str:
        if self.components is None:
            return "<OptionalVariant<None>>"
        return f"<OptionalVariant<values: ({', '.join(map(tensor_text, self.components))})>>"


def tensor_text(item: Any) -> str:
    """Returns how a value shows in the text of the variant that holds it."""
    values = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
    values = values[1:-1] if np.ndim(item) else values
    return f"Tensor<type: {type_text(dtype_of(item))} shape: {shape_text(item.shape)} values: {values}>"


def dtype_of(item: Any) -> DType:
    """Returns the dtype of a component."""
    return dtypes.variant if item.dtype is dtypes.variant else dtypes.of_numpy[item.dtype]


def type_text(dtype: DType) -> str:
    """Returns what messages call a dtype."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
