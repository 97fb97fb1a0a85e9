"""Defines ``NoneTensorSpec``, the description of ``None`` among composite tensors."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.type_spec import (
    BatchableTypeSpec,
    CompositeTensor,
    register,
    register_type_spec_from_value_converter,
)


class NoneTensor(CompositeTensor):
    """Stands for ``None`` among composite tensors: it has no tensors."""

    @property
    def _type_spec(self) -> Any:
        return NoneTensorSpec()


@register("tf.NoneTensorSpec")
class NoneTensorSpec(BatchableTypeSpec):
    """Is the description of ``None``, which has no tensors."""

    @property
    def value_type(self) -> Any:
        """The class that stands for ``None``."""
        return NoneTensor

    def _serialize(self) -> Any:
        return ()

    @property
    def _component_specs(self) -> Any:
        return []

    def _to_components(self, value: Any) -> Any:
        return []

    def _from_components(self, components: Any) -> Any:
        return None

    def _batch(self, batch_size: int | None) -> NoneTensorSpec:
        return NoneTensorSpec()

    def _unbatch(self) -> NoneTensorSpec:
        return NoneTensorSpec()

    @staticmethod
    def from_value(value: Any) -> NoneTensorSpec:
        """Returns the spec."""
        del value
        return NoneTensorSpec()

    def _to_legacy_output_types(self) -> Any:
        return self

    def _to_legacy_output_shapes(self) -> Any:
        return self

    def _to_legacy_output_classes(self) -> Any:
        return self


register_type_spec_from_value_converter(type(None), NoneTensorSpec.from_value)
