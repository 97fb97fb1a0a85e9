"""What other packages use of TensorFlow's private modules of nested structures, specs and composite tensors."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from typing import Any

from tideflow._src.core import nest, node_kinds, type_spec
from tideflow._src.core.errors import InaccessibleTensorError as InaccessibleTensorError
from tideflow._src.core.none_tensor import NoneTensor as NoneTensor
from tideflow._src.core.tensor import Tensor as Tensor
from tideflow._src.core.tensor import TensorProtocol as TensorProtocol
from tideflow._src.ops.composite.extension_fields import Field as ExtensionTypeField
from tideflow._src.ops.composite.extension_fields import ImmutableDict as ImmutableDict
from tideflow._src.ops.composite.extension_type import AnonymousExtensionType as AnonymousExtensionType
from tideflow._src.ops.composite.extension_type import AnonymousExtensionTypeSpec as AnonymousExtensionTypeSpec
from tideflow._src.ops.composite.extension_type import BatchableExtensionTypeSpec as BatchableExtensionTypeSpec
from tideflow._src.ops.composite.extension_type import ExtensionTypeMetaclass as ExtensionTypeMetaclass
from tideflow._src.ops.composite.extension_type import reinterpret as reinterpret
from tideflow._src.ops.composite.optional import _Optional as _OptionalImpl

__all__ = ["ExtensionTypeField", "_OptionalImpl"]

#: Eager tensors and nodes of graphs, in annotations.
Symbol = Value = Tensor

TracingContext = PlaceholderContext = CastContext = object

# Nested structures.


def _is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Tells whether something is a named tuple; with ``strict``, whether its class derives from ``tuple`` directly."""
    if strict and type(instance).__base__ is not tuple:
        return False
    return node_kinds.is_namedtuple_class(type(instance))


_is_mapping = nest.is_mapping
_is_attrs = nest.is_attrs
_is_nested_or_composite = nest.is_nested_or_composite
sequence_like = _sequence_like = nest.sequence_like


def _yield_value(iterable: Any) -> Iterator[Any]:
    """Yields the children of a node."""
    for _, value in _yield_sorted_items(iterable):
        yield value


def _yield_sorted_items(iterable: Any) -> Iterator[tuple[Any, Any]]:
    """Yields the keys and children of a node."""
    kind = node_kinds.EXPANDED[type(iterable)]
    if kind is not None:
        yield from zip(kind.keys(iterable), kind.values(iterable), strict=True)


# Specs.

_NAME_TO_TYPE_SPEC = type_spec._class_of_name
_TYPE_SPEC_TO_NAME = type_spec._name_of_class
_TYPE_CONVERSION_FUNCTION_REGISTRY = type_spec._converters

LegacyTypeSpecBatchEncoder = type_spec._MethodsAsEncoder
get_batchable_flat_tensor_specs = type_spec.encoded_specs
batchable_to_tensor_list = type_spec.encoded
batchable_from_tensor_list = type_spec.decoded


# Composite tensors.


def replace_composites_with_components(structure: Any) -> Any:
    """Returns a structure with the list of its tensors in the place of each composite tensor, at any depth."""
    if isinstance(structure, type_spec.CompositeTensor):
        return replace_composites_with_components(structure._type_spec._to_components(structure))
    if not nest.is_nested(structure):
        return structure
    return nest.map_structure(replace_composites_with_components, structure)


def convert_variables_to_tensors(values: Any) -> Any:
    """Returns a structure with the value of each variable in its place."""

    def read(item: Any) -> Any:
        if isinstance(item, type_spec.CompositeTensor):
            return item._convert_variables_to_tensors()
        return item.value() if hasattr(item, "_dense_var_to_tensor") else item

    return nest.map_structure(read, values)


class CompositeTensorGradient(abc.ABC):
    """Says which components of a class of composite tensors gradients flow through: its ``__composite_gradient__``."""

    @abc.abstractmethod
    def get_gradient_components(self, value: Any) -> Any:
        """Returns the components of a value that have gradients."""

    @abc.abstractmethod
    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        """Returns a value with gradients in the place of these components."""


class WithValuesCompositeTensorGradient(CompositeTensorGradient):
    """Is for classes whose gradients flow through ``values``, and that have ``with_values``."""

    def get_gradient_components(self, value: Any) -> Any:
        return value.values

    def replace_gradient_components(self, value: Any, component_grads: Any) -> Any:
        return value.with_values(component_grads)
