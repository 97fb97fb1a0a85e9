"""Defines ``IndexedSlicesSpec``, and conversion to tensors or slices."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes, type_spec
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.runtime.convert import convert_to_tensor


class IndexedSlicesSpec(type_spec.TypeSpec):
    """Is the description of ``IndexedSlices``.

    Args:
      shape: the shape of the whole, as far as it is fixed.
      dtype: the type of the elements.
      indices_dtype: the type of the indices: int32 or int64.
      dense_shape_dtype: the type of the dense shape, or None if there is none.
      indices_shape: the shape of the indices: how many slices there are.
    """

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        indices_dtype: Any = dtypes.int64,
        dense_shape_dtype: Any = None,
        indices_shape: Any = None,
    ) -> None:
        self._shape = TensorShape(shape)
        self._values_dtype = dtypes.as_dtype(dtype)
        self._indices_dtype = dtypes.as_dtype(indices_dtype)
        self._dense_shape_dtype = None if dense_shape_dtype is None else dtypes.as_dtype(dense_shape_dtype)
        self._indices_shape = TensorShape(indices_shape).with_rank(1)

    @property
    def value_type(self) -> type:
        """``IndexedSlices``."""
        return IndexedSlices

    def _serialize(self) -> Any:
        return (self._shape, self._values_dtype, self._indices_dtype, self._dense_shape_dtype, self._indices_shape)

    @property
    def _component_specs(self) -> Any:
        specs = (
            TensorSpec(self._indices_shape.concatenate(self._shape[1:]), self._values_dtype),
            TensorSpec(self._indices_shape, self._indices_dtype),
        )
        if self._dense_shape_dtype is None:
            return specs
        return (*specs, TensorSpec([self._shape.rank], self._dense_shape_dtype))

    def _to_components(self, value: Any) -> Any:
        if value.dense_shape is None:
            return (value.values, value.indices)
        return (value.values, value.indices, value.dense_shape)

    def _from_components(self, components: Any) -> Any:
        return IndexedSlices(*components)


def _spec_of(value: IndexedSlices) -> IndexedSlicesSpec:
    dense_shape = value.dense_shape
    indices = convert_to_tensor(value.indices)
    return IndexedSlicesSpec(
        value.shape, value.dtype, indices.dtype, None if dense_shape is None else dense_shape.dtype, indices.shape
    )


type_spec.register_type_spec_from_value_converter(IndexedSlices, _spec_of)


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
