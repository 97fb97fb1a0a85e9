"""Defines ``IndexedSlices``: some rows of a larger tensor, as the gradient of a gather is; and their spec."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import TensorProtocol
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec


class IndexedSlices(TensorProtocol, CompositeTensor):
    """Is a sparse stand-in for a tensor: ``dense[indices[i]]`` is the sum of the ``values[i]`` with that index.

    Args:
      values: the slices, of shape ``[n, ...]``.
      indices: the index of each slice in the first dimension, an integer tensor of shape ``[n]``.
      dense_shape: the shape of the dense tensor, a vector, or None if it is not known.
    """

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None) -> None:
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The slices."""
        return self._values

    @property
    def indices(self) -> Any:
        """The index of each slice."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the dense tensor as a tensor, or None."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._values.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> TensorShape:
        """The shape of the dense tensor, as far as it is known."""
        rest = self._values.shape[1:]
        first = None
        known = self._dense_shape if isinstance(self._dense_shape, list | tuple | np.ndarray) else None
        if known is None:
            known = getattr(self._dense_shape, "_value", None)
        if known is None:
            known = getattr(self._dense_shape, "_static", None)
        if known is not None:
            first = int(known[0])
        return TensorShape([first]).concatenate(rest)

    @property
    def name(self) -> str:
        """The name of the values."""
        return str(self._values.name)

    @property
    def device(self) -> str:
        """The device of the values."""
        return str(self._values.device)

    @property
    def op(self) -> Any:
        """The operation that produces the values."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph that the values belong to."""
        return self._values.graph

    @property
    def _type_spec(self) -> IndexedSlicesSpec:
        indices = self._indices if hasattr(self._indices, "shape") else np.asarray(self._indices)
        return IndexedSlicesSpec(
            self.shape, self.dtype, indices.dtype, self._dense_shape_dtype(), TensorShape(indices.shape)
        )

    def _dense_shape_dtype(self) -> Any:
        return None if self._dense_shape is None else self._dense_shape.dtype

    def _shape_invariant_to_type_spec(self, shape: Any) -> IndexedSlicesSpec:
        shape = TensorShape(shape)
        return IndexedSlicesSpec(shape, self.dtype, self._indices.dtype, self._dense_shape_dtype(), shape[:1])

    def consumers(self) -> list[Any]:
        """Returns the operations that take the values."""
        return list(self._values.consumers())

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-self._values, self._indices, self._dense_shape)

    def __str__(self) -> str:
        dense = "" if self._dense_shape is None else f", dense_shape={self._dense_shape!s}"
        return f"IndexedSlices(indices={self._indices!s}, values={self._values!s}{dense})"


class IndexedSlicesSpec(TypeSpec):
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
