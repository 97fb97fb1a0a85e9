"""Defines ``RaggedTensorSpec``, what is known statically of a ragged tensor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest, type_spec
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.ragged.ragged_value import RaggedTensorValue, value_of_components
from tideflow._src.runtime.convert import convert_to_tensor


@type_spec.register("tf.RaggedTensorSpec")
class RaggedTensorSpec(type_spec.BatchableTypeSpec):
    """Is the description of a ragged tensor.

    >>> RaggedTensorSpec([2, None], "int32")
    RaggedTensorSpec(TensorShape([2, None]), tf.int32, 1, tf.int64)

    Args:
      shape: the shape, with None for ragged dimensions and for sizes that are not fixed.
      dtype: the type of the elements.
      ragged_rank: how many dimensions, counted from the second, are ragged or could be; by default all after the first.
        With 0, the value is a dense tensor.
      row_splits_dtype: int32 or int64.
      flat_values_spec: the description of the elements, if they are no tensor.

    Raises:
      ValueError: neither a rank nor a ragged rank is given, or they do not fit each other.
      TypeError: the ragged rank is no int.
    """

    #: The class of the values. Its module, which stands on this one, hands it over.
    ragged_class: Any = None

    def __init__(
        self,
        shape: Any = None,
        dtype: Any = dtypes.float32,
        ragged_rank: int | None = None,
        row_splits_dtype: Any = dtypes.int64,
        flat_values_spec: Any = None,
    ) -> None:
        self._shape = shape if isinstance(shape, TensorShape) else TensorShape(shape)
        self._row_splits_dtype = dtypes.as_dtype(row_splits_dtype)
        if flat_values_spec is not None:
            if dtype is None:
                dtype = flat_values_spec.dtype
            elif dtype != flat_values_spec.dtype:
                raise ValueError("dtype must be the same as flat_values_spec.dtype")
        elif dtype is None:
            raise ValueError("At least one of dtype or flat_values_spec must be provided")
        self._dtype = dtypes.as_dtype(dtype)
        self._flat_values_spec = flat_values_spec
        rank = self._shape.rank
        if ragged_rank is None:
            if rank is None:
                raise ValueError("Must specify ragged_rank or a shape with a known rank.")
            ragged_rank = rank - 1
        if not isinstance(ragged_rank, int):
            raise TypeError(f"Argument `ragged_rank` must be an int. Received {ragged_rank}.")
        if rank is not None and ragged_rank >= rank:
            raise ValueError(f"Argument `ragged_rank` ({ragged_rank}) must be less than rank ({rank}).")
        self._ragged_rank = ragged_rank

    @property
    def value_type(self) -> Any:
        """``RaggedTensor``; ``Tensor`` if nothing is ragged."""
        return self.ragged_class if self._ragged_rank > 0 else Tensor

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The shape, with None for ragged dimensions."""
        return self._shape

    @property
    def ragged_rank(self) -> int:
        """How many levels of rows there are."""
        return self._ragged_rank

    @property
    def row_splits_dtype(self) -> DType:
        """The type of the row splits: int32 or int64."""
        return self._row_splits_dtype

    @property
    def flat_values_spec(self) -> Any:
        """The description of the elements, if they are no tensor, else None."""
        return self._flat_values_spec

    @classmethod
    def from_value(cls, value: Any) -> RaggedTensorSpec:
        """Returns the spec of a ragged tensor or of the value of one."""
        flat_values_spec = None
        if not isinstance(value, RaggedTensorValue) and not isinstance(value.flat_values, Tensor):
            flat_values_spec = type_spec.type_spec_from_value(value.flat_values)._unbatch()._batch(None)
        return cls(TensorShape(value.shape), value.dtype, value.ragged_rank, value.row_splits.dtype, flat_values_spec)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether some value fits both this spec and the given spec (or is the given value)."""
        if self._ragged_rank == 0:
            if self._flat_values_spec is None:
                if isinstance(spec_or_value, Tensor | TensorSpec):
                    return TensorSpec(self._shape, self._dtype).is_compatible_with(spec_or_value)
            elif not isinstance(spec_or_value, self.ragged_class | RaggedTensorSpec):
                return bool(self._flat_values_spec.is_compatible_with(spec_or_value))
        return super().is_compatible_with(spec_or_value)

    def _check_value(self, value: Any) -> None:
        """Checks the rows of an eager value along the dimensions that are uniform here alone.

        Raises:
          ValueError: their lengths are others.
        """
        dims = self._shape._dims
        if dims is None or not isinstance(value, self.ragged_class) or not value._is_eager():
            return
        for axis, splits in enumerate(value.nested_row_splits, start=1):
            length = dims[axis]
            if length is not None and (np.diff(splits.numpy()) != length).any():
                raise ValueError(f"Rows along dimension {axis} do not all have {length} values: {value!r}")

    def _serialize(self) -> Any:
        parts = (self._shape, self._dtype, self._ragged_rank, self._row_splits_dtype)
        return parts if self._flat_values_spec is None else (*parts, self._flat_values_spec)

    # Components: the elements, then the splits of all levels, the outermost first.

    @property
    def _component_specs(self) -> Any:
        flat = self._flat_values_spec
        if self._ragged_rank <= 0:
            return [TensorSpec(self._shape, self._dtype) if flat is None else flat]
        rank_known = self._shape.rank is not None
        if flat is None:
            inner = self._shape[self._ragged_rank + 1 :] if rank_known else TensorShape(None)
            flat = TensorSpec(TensorShape([None]).concatenate(inner), self._dtype)
        rows = self._shape._dims[0] if self._shape._dims else None
        return [
            flat,
            TensorSpec([None if rows is None else rows + 1], self._row_splits_dtype),
            *(TensorSpec([None], self._row_splits_dtype) for _ in range(self._ragged_rank - 1)),
        ]

    def _to_components(self, value: Any) -> Any:
        if isinstance(value, self.ragged_class | RaggedTensorValue):
            return [value.flat_values, *value.nested_row_splits]
        return [value]

    def _from_components(self, components: Any) -> Any:
        flat, *splits = components
        if all(isinstance(part, np.ndarray) for part in components) and not context.mode.tensor_equality:
            return value_of_components([*splits, flat])
        if isinstance(flat, np.ndarray):
            flat, *splits = (convert_to_tensor(part) for part in components)
        result = self.ragged_class._from_components(flat, splits) if splits else flat
        return self._with_shape(result)

    def _with_shape(self, result: Any) -> Any:
        if self._shape.rank is not None:
            if isinstance(result, self.ragged_class):
                result._set_shape(self._shape)
                if self._flat_values_spec is not None and hasattr(result.flat_values, "set_shape"):
                    result.flat_values.set_shape(self._flat_values_spec.shape)
            elif isinstance(result, Tensor):
                result.set_shape(self._shape)  # type: ignore[attr-defined]
        return result

    def flatten(self) -> list[Any]:
        """Returns the specs of the tensors that sign a function for a value: its elements and its splits."""
        return nest.flatten(self._component_specs, expand_composites=True)

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Returns the value that consists of the next tensors of an iterator."""
        flat = [next(tensors) for _ in self.flatten()]
        return self._from_components(nest.pack_sequence_as(self._component_specs, flat, expand_composites=True))

    # As one tensor of variants, which datasets, loops over rows and lists can hold and stack.

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [TensorSpec(None, dtypes.variant)]

    def _to_variant(self, value: Any, batched: bool) -> Any:
        self._require_tensor_values()
        if isinstance(value, self.ragged_class):
            if value.ragged_rank != self._ragged_rank:
                raise ValueError(
                    f"Ragged rank of value {value.ragged_rank} does not match ragged rank of type {self._ragged_rank}."
                )
            return value._to_variant(batched_input=batched)
        if self._ragged_rank > 0:
            raise ValueError(
                f"Expected a RaggedTensor if ragged rank={self._ragged_rank} but got {type(value).__name__}."
            )
        return raw.RaggedTensorToVariant([], value, batched_input=batched, Tsplits=dtypes.int64)

    def _require_tensor_values(self) -> None:
        if self._flat_values_spec is not None:
            raise ValueError("Customized value_type is not supported.")

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return [self._to_variant(value, False)]

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        return [self._to_variant(value, True)]

    def _to_batchable_tensor_list(self, value: Any, batched: bool = False) -> list[Any]:
        return [self._to_variant(value, batched)]

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        self._require_tensor_values()
        return self._with_shape(
            self.ragged_class._from_variant(
                tensor_list[0],
                dtype=self._dtype,
                row_splits_dtype=self._row_splits_dtype,
                output_ragged_rank=self._ragged_rank,
            )
        )

    def _batch(self, batch_size: int | None) -> RaggedTensorSpec:
        self._require_tensor_values()
        shape = TensorShape([batch_size]).concatenate(self._shape)
        return RaggedTensorSpec(shape, self._dtype, self._ragged_rank + 1, self._row_splits_dtype)

    def _unbatch(self) -> RaggedTensorSpec:
        self._require_tensor_values()
        # A batch of dense tensors may be ragged itself: then its rows are dense, and have a ragged rank of -1.
        shape = self._shape[1:] if self._shape.rank is not None else self._shape
        return RaggedTensorSpec(shape, self._dtype, self._ragged_rank - 1, self._row_splits_dtype)

    def _to_legacy_output_types(self) -> DType:
        return self._dtype

    def _to_legacy_output_shapes(self) -> TensorShape:
        return self._shape

    def _to_legacy_output_classes(self) -> Any:
        return self


type_spec.register_type_spec_from_value_converter(RaggedTensorValue, RaggedTensorSpec.from_value)
