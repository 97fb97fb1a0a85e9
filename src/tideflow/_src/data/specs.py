"""The specs of datasets and iterators: ``tf.data.DatasetSpec`` and ``tf.data.IteratorSpec``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import BatchableTypeSpec, TypeSpec, register
from tideflow._src.data import classes


@register("tf.data.DatasetSpec")
class DatasetSpec(BatchableTypeSpec):
    """Is the description of a dataset: that of its elements.

    Args:
      element_spec: the specs of an element, in its structure.
      dataset_shape: the shape of a tensor of datasets; a scalar for one dataset.

    >>> import tideflow as tf
    >>> tf.data.DatasetSpec.from_value(tf.data.Dataset.range(3)).element_spec
    TensorSpec(shape=(), dtype=tf.int64, name=None)
    """

    def __init__(self, element_spec: Any, dataset_shape: Any = ()) -> None:
        self._element_spec = element_spec
        self._dataset_shape = TensorShape(dataset_shape)

    @property
    def value_type(self) -> Any:
        """The class of datasets."""
        return classes.dataset()

    @property
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""
        return self._element_spec

    def _serialize(self) -> Any:
        return self._element_spec, self._dataset_shape

    @property
    def _component_specs(self) -> Any:
        return TensorSpec(self._dataset_shape, dtypes.variant)

    def _to_components(self, value: Any) -> Any:
        return value._variant_tensor

    def _from_components(self, components: Any) -> Any:
        return classes.dataset()._of(components, self._element_spec) if not self._dataset_shape.rank else components

    def _batch(self, batch_size: int | None) -> DatasetSpec:
        return DatasetSpec(self._element_spec, TensorShape([batch_size]).concatenate(self._dataset_shape))

    def _unbatch(self) -> DatasetSpec:
        if not self._dataset_shape.rank:
            raise ValueError("Slicing dataset elements is not supported for rank 0.")
        return DatasetSpec(self._element_spec, self._dataset_shape[1:])

    @staticmethod
    def from_value(value: Any) -> DatasetSpec:
        """Returns the spec of a dataset."""
        return DatasetSpec(value.element_spec)

    def _to_legacy_output_types(self) -> Any:
        return self

    def _to_legacy_output_shapes(self) -> Any:
        return self

    def _to_legacy_output_classes(self) -> Any:
        return self


@register("tf.data.IteratorSpec")
class IteratorSpec(TypeSpec):
    """Is the description of an iterator: that of its elements.

    Args:
      element_spec: the specs of an element, in its structure.
    """

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec

    @property
    def value_type(self) -> Any:
        """The class of iterators."""
        return classes.iterator()

    def _serialize(self) -> Any:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return (TensorSpec([], dtypes.resource),)

    def _to_components(self, value: Any) -> Any:
        return (value._iterator_resource,)

    def _from_components(self, components: Any) -> Any:
        return classes.iterator()(components=components, element_spec=self._element_spec)

    @staticmethod
    def from_value(value: Any) -> IteratorSpec:
        """Returns the spec of an iterator."""
        return IteratorSpec(value.element_spec)
