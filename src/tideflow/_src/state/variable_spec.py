"""Defines ``VariableSpec``, the description of a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import DenseSpec, TensorSpec
from tideflow._src.core.type_spec import register, register_type_spec_from_value_converter
from tideflow._src.state.resource_variable import ResourceVariable


@register("tf.VariableSpec")
class VariableSpec(DenseSpec):
    """Is the description of a variable.

    Args:
      shape: the shape of its values, as far as it is fixed.
      dtype: the type of the elements.
      trainable: whether it is trained.
      alias_id: which of several variables it is, where that counts.
    """

    def __init__(
        self, shape: Any, dtype: Any = dtypes.float32, trainable: bool = True, alias_id: int | None = None
    ) -> None:
        super().__init__(shape, dtype)
        self.trainable = trainable
        self.alias_id = alias_id

    @property
    def value_type(self) -> Any:
        """The class of variables."""
        return ResourceVariable

    @classmethod
    def from_value(cls, value: Any) -> VariableSpec:
        """Returns the spec of a variable."""
        return cls(value.shape, value.dtype, bool(value.trainable))

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether a variable, or what another spec describes, fits this spec."""
        other = VariableSpec.from_value(spec_or_value) if hasattr(spec_or_value, "handle") else spec_or_value
        return (
            isinstance(other, VariableSpec)
            and self._shape.is_compatible_with(other._shape)
            and self._dtype is other._dtype
            and self.trainable == other.trainable
        )

    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether every variable that fits this spec fits ``other``."""
        return (
            type(other) is VariableSpec
            and self._serialize()[1:] == other._serialize()[1:]
            and self._shape.is_subtype_of(other._shape)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the spec with the sizes that all agree on, or None if they differ in more."""
        if any(type(other) is not VariableSpec or self._serialize()[1:] != other._serialize()[1:] for other in others):
            return None
        shape = self._shape
        for other in others:
            shape = shape.most_specific_compatible_shape(other._shape)
        return VariableSpec(shape, self._dtype, self.trainable, self.alias_id)

    def _serialize(self) -> Any:
        return self._shape, self._dtype, self.trainable, self.alias_id

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec([], dtypes.resource)]

    def _to_components(self, value: Any) -> Any:
        return [value.handle]

    def _without_tensor_names(self) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        return type(other) is VariableSpec and self._serialize() == other._serialize()

    def __hash__(self) -> int:
        return hash((self._shape._dims, self._dtype, self.trainable, self.alias_id))

    def __repr__(self) -> str:
        return (
            f"VariableSpec(shape={self._shape}, dtype={self._dtype!r}, trainable={self.trainable!r}, "
            f"alias_id={self.alias_id!r})"
        )


register_type_spec_from_value_converter(ResourceVariable, VariableSpec.from_value, allow_subclass=True)
