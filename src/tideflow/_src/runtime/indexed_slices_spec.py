"""Conversion to tensors or slices."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.indexed_slices import IndexedSlicesSpec as IndexedSlicesSpec
from tideflow._src.runtime.convert import convert_to_tensor


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns slices as they are, and anything else as a tensor.

    Raises:
      ValueError: slices are of another dtype than asked for.
    """
    if isinstance(value, IndexedSlices):
        if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
            raise ValueError(
                f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    return convert_to_tensor(value, dtype, name=name)
