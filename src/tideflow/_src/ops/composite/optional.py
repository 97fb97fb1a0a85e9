"""Defines ``tf.experimental.Optional``, a value that may be absent, and its spec."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.dtypes import of_numpy, variant
from tideflow._src.core.tensor import EagerTensor, Tensor, wrap
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import (
    CompositeTensor,
    TypeSpec,
    register,
    type_spec_from_value,
)
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.optional_value import OptionalValue


class Optional(CompositeTensor):
    """Is a value that may be absent: the two branches of a conditional may return one with a value and one without.

    >>> import tideflow as tf
    >>> found = tf.experimental.Optional.from_value((1, [2.0, 3.0]))
    >>> bool(found.has_value()), found.get_value()[1].numpy().tolist()
    (True, [2.0, 3.0])
    >>> bool(tf.experimental.Optional.empty(found.element_spec).has_value())
    False
    """

    @abc.abstractmethod
    def has_value(self, name: str | None = None) -> Any:
        """Returns a boolean scalar that tells whether there is a value."""

    @abc.abstractmethod
    def get_value(self, name: str | None = None) -> Any:
        """Returns the value, in the structure that it was given in.

        Raises:
          InvalidArgumentError: there is none.
        """

    @property
    @abc.abstractmethod
    def element_spec(self) -> Any:
        """The specs of the value, in its structure."""

    @staticmethod
    def empty(element_spec: Any) -> Optional:
        """Returns an optional without a value.

        Args:
          element_spec: the specs of the value that it might have, in a structure.
        """
        return _Optional(raw.OptionalNone(), element_spec)

    @staticmethod
    def from_value(value: Any) -> Optional:
        """Returns an optional with a value.

        Args:
          value: a structure of tensors and composite tensors, or of what becomes tensors; a list is one tensor.
        """
        with name_scope("optional") as scope:
            with name_scope("value"):
                value = _mapped(_converted, value)
                specs = _mapped(type_spec_from_value, value)
                tensors = [part for spec, item in _leaves(specs, value) for part in spec._to_tensor_list(item)]
            return _Optional(raw.OptionalFromValue(tensors, name=scope), specs)


class _Optional(Optional):
    """Is an optional over a variant tensor, which holds the tensors of the value."""

    #: What reads the value at once, eagerly; it holds for the specs that it was made for.
    _reader: _Reader | None = None

    def __init__(self, variant_tensor: Tensor, element_spec: Any) -> None:
        self._variant_tensor = variant_tensor
        self._element_spec = element_spec

    def _held(self) -> Any:
        """Returns the value of the variant where no thread records or builds what is done with it; else None."""
        variant = self._variant_tensor
        return variant._value if variant.__class__ is EagerTensor and not context.SPECIAL else None

    def has_value(self, name: str | None = None) -> Any:
        held = self._held()
        if held.__class__ is OptionalValue:
            return wrap(np.bool_(held.components is not None))
        return raw.OptionalHasValue(self._variant_tensor, name=name)

    def get_value(self, name: str | None = None) -> Any:
        reader = self._reader
        if reader is not None and reader.specs is self._element_spec:
            held = self._held()
            components = held.components if held.__class__ is OptionalValue else None
            if components is not None and reader.fits(components):
                return reader.pack([wrap(item) for item in components])
        specs = [part for spec, _ in _leaves(self._element_spec) for part in spec._flat_tensor_specs]
        found = raw.OptionalGetValue(
            self._variant_tensor,
            output_types=[spec.dtype for spec in specs],
            output_shapes=[spec.shape for spec in specs],
            name=name or "OptionalGetValue",
        )
        parts = iter(found)
        return _mapped(
            lambda spec: spec._from_compatible_tensor_list([next(parts) for _ in spec._flat_tensor_specs]),
            self._element_spec,
        )

    @property
    def element_spec(self) -> Any:
        return self._element_spec

    @property
    def _type_spec(self) -> Any:
        return OptionalSpec(self._element_spec)


class _Reader:
    """Reads optionals whose value is a tensor, or a tuple or dictionary of tensors.

    Attributes:
      specs: the specs of the value, in its structure.
      pack: makes the value of tensors.
    """

    def __init__(self, specs: Any, pack: Callable[[Sequence[Any]], Any]) -> None:
        self.specs = specs
        self.pack = pack
        self._leaves = [spec for spec, _ in _leaves(specs)]
        #: Of the components that were found to fit, dtypes and shapes.
        self._known: Any = None

    def fits(self, components: Sequence[Any]) -> bool:
        """Tells whether components are what the specs say; what does not fit, the operation reports."""
        look = [(item.dtype, item.shape) for item in components]
        if look == self._known:
            return True
        if any(dtype is variant for dtype, _ in look) or len(look) != len(self._leaves):
            return False
        if all(
            of_numpy[dtype] is spec.dtype and spec.shape.is_compatible_with(shape)
            for (dtype, shape), spec in zip(look, self._leaves, strict=True)
        ):
            self._known = look
            return True
        return False


def _reader_of(specs: Any) -> _Reader | None:
    pack = nest.flat_packer(specs, lambda spec: isinstance(spec, TensorSpec))
    return None if pack is None else _Reader(specs, pack)


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """Applies a function to the parts of a value, of which a list is one.

    Dictionaries are gone through in the order of their keys.
    """
    if isinstance(structure, tuple):
        parts = [_mapped(function, part) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    if isinstance(structure, Mapping):
        done = {key: _mapped(function, structure[key]) for key in sorted(structure)}
        return nest.pack_sequence_as(dict.fromkeys(structure), [done[key] for key in sorted(structure)])
    return function(structure)


def _leaves(specs: Any, value: Any = None) -> list[tuple[Any, Any]]:
    """Returns pairs of the spec and the value of each part, in order."""
    if isinstance(specs, tuple):
        values = [None] * len(specs) if value is None else value
        return [pair for spec, item in zip(specs, values, strict=True) for pair in _leaves(spec, item)]
    if isinstance(specs, Mapping):
        keys = sorted(specs)
        return [pair for key in keys for pair in _leaves(specs[key], None if value is None else value[key])]
    return [(specs, value)]


def _converted(item: Any) -> Any:
    if item is None or isinstance(item, Tensor | CompositeTensor) or hasattr(item, "_type_spec"):
        return item
    try:
        type_spec_from_value(item)
    except TypeError:
        return convert_to_tensor(item)
    return convert_to_tensor(item) if isinstance(type_spec_from_value(item), TensorSpec) else item


@register("tf.OptionalSpec")
class OptionalSpec(TypeSpec):
    """Is the description of a ``tf.experimental.Optional``.

    Args:
      element_spec: the specs of the value that it may have, in the structure of the value.
    """

    def __init__(self, element_spec: Any) -> None:
        self._element_spec = element_spec
        self._reader = _reader_of(element_spec)

    @property
    def value_type(self) -> Any:
        """The class of optionals."""
        return _Optional

    def _serialize(self) -> Any:
        return (self._element_spec,)

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec((), dtypes.variant)]

    def _to_components(self, value: Any) -> Any:
        return [value._variant_tensor]

    def _from_components(self, components: Any) -> Any:
        found = _Optional(components[0], self._element_spec)
        found._reader = self._reader
        return found

    @staticmethod
    def from_value(value: Any) -> OptionalSpec:
        """Returns the spec of an optional."""
        return OptionalSpec(value.element_spec)

    def _to_legacy_output_types(self) -> Any:
        return self

    def _to_legacy_output_shapes(self) -> Any:
        return self

    def _to_legacy_output_classes(self) -> Any:
        return self
