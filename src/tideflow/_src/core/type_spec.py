"""Defines ``TypeSpec``, the static description of a value, and ``CompositeTensor``, a value made of tensors.

A spec says what a value looks like (shapes, dtypes, whatever else its class keeps) without holding it. Specs
sign traced functions, describe what a dataset yields, and take composite tensors apart and put them together.
``TensorSpec`` is in ``tensor_spec``.
"""

from __future__ import annotations

import abc
import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from tideflow._src.core import nest
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor_shape import TensorShape

_NO_COMMON_TYPE = object()


class TraceType(abc.ABC):
    """Is what a traced function is specialized to: the base of types that classes of users give their objects.

    An object says its type in ``__tf_tracing_type__(context)``. Types are compared with ``==`` and hashed.
    """

    @abc.abstractmethod
    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether a function traced for ``other`` can be used for this."""

    @abc.abstractmethod
    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the type that this one and all ``others`` are subtypes of, or None."""

    @abc.abstractmethod
    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns the value that stands for the object while the function is traced."""

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors of an object, in order; none by default."""
        del value
        return []

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Returns the object that consists of the next tensors of an iterator."""
        del tensors
        return self.placeholder_value(None)

    def flatten(self) -> list[Any]:
        """Returns the specs of the tensors of an object, in order; none by default."""
        return []

    def cast(self, value: Any, cast_context: Any) -> Any:
        """Returns an object as one of this type.

        Raises:
          AssertionError: its tensors are others than the type says.
        """
        del cast_context
        assert value == self.placeholder_value(None), f"Can not cast {value!r} to {self!r}"
        return value


class TypeSpec(TraceType):
    """Is the description of a value that functions can take and return.

    A subclass gives:

    - ``value_type``: the class of the values;
    - ``_serialize``: what tells one spec from another, in the order of the constructor's arguments;
    - ``_component_specs``: the specs of the tensors that a value consists of, in any nested structure;
    - ``_to_components``: the same structure with the tensors of a value;
    - ``_from_components``: the reverse.

    All else follows.
    """

    @property
    @abc.abstractmethod
    def value_type(self) -> Any:
        """The class of the values that this spec describes."""

    @abc.abstractmethod
    def _serialize(self) -> Any:
        """Returns a nested tuple of what defines this spec, such that ``type(self)(*result)`` equals it."""

    @property
    @abc.abstractmethod
    def _component_specs(self) -> Any:
        """The specs of the components of a value, in a nested structure."""

    @abc.abstractmethod
    def _to_components(self, value: Any) -> Any:
        """Returns the components of a value, in the structure of ``_component_specs``."""

    @abc.abstractmethod
    def _from_components(self, components: Any) -> Any:
        """Returns the value that consists of the components."""

    @classmethod
    def _deserialize(cls, serialization: Any) -> Any:
        return cls(*serialization)

    # Relations between specs.

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Tells whether some value fits both this spec and the given spec (or is the given value).

        Raises:
          TypeError: the argument is a value that no spec can describe.
        """
        spec = spec_or_value if isinstance(spec_or_value, TypeSpec) else type_spec_from_value(spec_or_value)
        return type(self) is type(spec) and _compatible(self._serialize(), spec._serialize())

    def is_subtype_of(self, other: Any) -> bool:
        """Tells whether every value that fits this spec fits ``other``."""
        if type(self) is not type(other):
            return False
        mine, theirs = self._serialize(), other._serialize()
        try:
            nest.assert_same_structure(mine, theirs)
        except (TypeError, ValueError):
            return False
        return all(
            one.is_subtype_of(another) if hasattr(one, "is_subtype_of") else bool(one == another)
            for one, another in zip(nest.flatten(mine), nest.flatten(theirs), strict=True)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the most specific spec that this one and all ``others`` are subtypes of, or ``None``."""
        if any(type(other) is not type(self) for other in others):
            return None
        mine = self._serialize()
        theirs = [other._serialize() for other in others]
        try:
            for serialization in theirs:
                nest.assert_same_structure(mine, serialization)
        except (TypeError, ValueError):
            return None
        common = [
            _common_supertype(first, rest)
            for first, *rest in zip(*(nest.flatten(one) for one in [mine, *theirs]), strict=True)
        ]
        if any(part is _NO_COMMON_TYPE for part in common):
            return None
        return self._deserialize(nest.pack_sequence_as(mine, common))

    def most_specific_compatible_type(self, other: Any) -> Any:
        """Returns the most specific spec that this one and ``other`` are subtypes of.

        Raises:
          ValueError: there is none.
        """
        common = self.most_specific_common_supertype([other])
        if common is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return common

    def _with_tensor_ranks_only(self) -> Any:
        """Returns this spec with every size unknown."""
        return self._with_parts(
            lambda part: (
                TensorShape._from_tuple(None if part._dims is None else (None,) * len(part._dims))
                if isinstance(part, TensorShape)
                else part._with_tensor_ranks_only()
                if isinstance(part, TypeSpec)
                else part
            )
        )

    def _without_tensor_names(self) -> Any:
        """Returns this spec with no name in the tensor specs inside it."""
        return self._with_parts(lambda part: part._without_tensor_names() if isinstance(part, TypeSpec) else part)

    def _with_parts(self, change: Callable[[Any], Any]) -> Any:
        return self._deserialize(nest.map_structure(change, self._serialize()))

    # Values and their tensors.

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        """The tensor specs that a value consists of, as a list."""
        return nest.flatten(self._component_specs, expand_composites=True)

    def _to_tensor_list(self, value: Any) -> list[Any]:
        """Returns the tensors of a value, as a list."""
        return nest.flatten(self._to_components(value), expand_composites=True)

    def _from_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        """Returns the value that consists of the tensors.

        Raises:
          ValueError: the number of tensors, a dtype or a shape does not fit this spec.
        """
        specs = self._flat_tensor_specs
        name = self.value_type.__name__
        if len(tensor_list) != len(specs):
            raise ValueError(
                f"Cannot create a {name} from the tensor list because the TypeSpec expects {len(specs)} "
                "items, but "
                f"the provided tensor list has {len(tensor_list)} items."
            )
        for position, (spec, tensor) in enumerate(zip(specs, tensor_list, strict=True)):
            if not spec.is_compatible_with(tensor):
                raise ValueError(
                    f"Cannot create a {name} from the tensor list because item {position} ({tensor!r}) is "
                    f"incompatible with the expected TypeSpec {spec}."
                )
        return self._from_compatible_tensor_list(tensor_list)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        """Returns the value that consists of the tensors, which are known to fit."""
        return self._from_components(
            nest.pack_sequence_as(self._component_specs, list(tensor_list), expand_composites=True)
        )

    # What tracing does with values. It takes them apart to their components, while batching may have an encoding
    # of its own, which is what ``_to_tensor_list`` gives.

    def flatten(self) -> list[Any]:
        """Returns the specs of the tensors that a value consists of, as a list."""
        return [spec for part in nest.flatten(self._component_specs) for spec in part.flatten()]

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of, as a list."""
        specs, parts = nest.flatten(self._component_specs), nest.flatten(self._to_components(value))
        return [tensor for spec, part in zip(specs, parts, strict=True) for tensor in spec.to_tensors(part)]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        """Returns the value that consists of the next tensors of an iterator."""
        return self._from_components(nest.map_structure(lambda spec: spec.from_tensors(tensors), self._component_specs))

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns the value that stands for one of this kind while a function is traced."""
        return self._from_components(
            nest.map_structure(lambda spec: spec.placeholder_value(placeholder_context), self._component_specs)
        )

    def cast(self, value: Any, casting_context: Any = None) -> Any:
        """Returns ``value`` if it fits this spec; a ``TypeError`` if not."""
        del casting_context
        if self.is_compatible_with(value):
            return value
        raise TypeError(f"Can not cast {value!r} to {self}")

    def _check_value(self, value: Any) -> None:
        """Checks what the static shape of a compatible value leaves open, as far as the value is there.

        Raises:
          ValueError: it does not fit.
        """

    def __tf_tracing_type__(self, context: Any) -> Any:
        """Returns the spec itself: a function that is given one is traced for it."""
        del context
        return self

    # What TF 1.x datasets ask for in place of a spec.

    def _to_legacy_output_types(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_legacy_output_types()")

    def _to_legacy_output_shapes(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_legacy_output_shapes()")

    def _to_legacy_output_classes(self) -> Any:
        return self.value_type

    # As a Python object.

    def _comparison_key(self) -> Any:
        key = self.__dict__.get("_kept_comparison_key")
        if key is None:
            key = self.__dict__["_kept_comparison_key"] = (type(self), _hashable(self._serialize()))
        return key

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._comparison_key() == other._comparison_key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._comparison_key())

    def __reduce__(self) -> Any:
        return type(self), self._serialize()

    def __repr__(self) -> str:
        serialization = self._serialize()
        return f"{type(self).__name__}{serialization!r}"


class TypeSpecBatchEncoder(abc.ABC):
    """Encodes values as tensors that can be stacked to a batch, taken apart and joined, and decodes what comes of
    that."""

    @abc.abstractmethod
    def batch(self, spec: Any, batch_size: int | None) -> Any:
        """Returns the spec of ``batch_size`` values of ``spec`` (None: some number)."""

    @abc.abstractmethod
    def unbatch(self, spec: Any) -> Any:
        """Returns the spec of one value of a batch with ``spec``."""

    @abc.abstractmethod
    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        """Returns a value as a nested structure of what can be batched, each of at least rank ``minimum_rank``."""

    @abc.abstractmethod
    def decode(self, spec: Any, encoded_value: Any) -> Any:
        """Returns the value of ``spec`` that is encoded so."""

    @abc.abstractmethod
    def encoding_specs(self, spec: Any) -> Any:
        """Returns the specs of what ``encode`` returns, in the same structure."""


class _MethodsAsEncoder(TypeSpecBatchEncoder):
    """Encodes by the spec's own methods, ``_to_tensor_list`` and its kin."""

    def batch(self, spec: Any, batch_size: int | None) -> Any:
        return spec._batch(batch_size)

    def unbatch(self, spec: Any) -> Any:
        return spec._unbatch()

    def encode(self, spec: Any, value: Any, minimum_rank: int = 0) -> Any:
        if minimum_rank == 0:
            return spec._to_tensor_list(value)
        if minimum_rank > 1:
            raise ValueError(f"{type(spec).__name__}.encode does not support minimum_rank>1.")
        if not isinstance(spec, BatchableTypeSpec):
            raise ValueError(f"{type(spec).__name__}.encode does not support minimum_rank>0.")
        return spec._to_batched_tensor_list(value)

    def decode(self, spec: Any, encoded_value: Any) -> Any:
        return spec._from_tensor_list(encoded_value)

    def encoding_specs(self, spec: Any) -> Any:
        return spec._flat_tensor_specs


class BatchableTypeSpec(TypeSpec):
    """Is a spec whose values can be stacked to a batch and taken apart again, as ``tf.data`` and ``tf.map_fn`` do.

    Where stacking the components of values does not give the components of the batch (ragged and sparse tensors),
    the subclass overrides ``_to_tensor_list``, ``_from_compatible_tensor_list`` and ``_flat_tensor_specs``, or has an
    encoder.
    """

    __batch_encoder__: TypeSpecBatchEncoder = _MethodsAsEncoder()

    @abc.abstractmethod
    def _batch(self, batch_size: int | None) -> Any:
        """Returns the spec of ``batch_size`` values stacked along a new first axis."""

    @abc.abstractmethod
    def _unbatch(self) -> Any:
        """Returns the spec of one value of a batch."""

    @property
    def _flat_tensor_specs(self) -> list[Any]:
        return [spec for part in nest.flatten(self._component_specs) for spec in encoded_specs(part)]

    def _to_tensor_list(self, value: Any) -> list[Any]:
        parts = zip(nest.flatten(self._component_specs), nest.flatten(self._to_components(value)), strict=True)
        return [tensor for spec, part in parts for tensor in encoded(spec, part)]

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        """Returns the tensors of a batch, each with the batch along its first axis.

        Raises:
          ValueError: one of them is a scalar.
        """
        parts = zip(nest.flatten(self._component_specs), nest.flatten(self._to_components(value)), strict=True)
        tensors = [tensor for spec, part in parts for tensor in encoded(spec, part, minimum_rank=1)]
        if any(tensor.shape.rank == 0 for tensor in tensors):
            raise ValueError(
                f"While converting {value} to a list of tensors for batching, found a scalar item which cannot be "
                f"batched."
            )
        return tensors

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        tensors = iter(tensor_list)
        return self._from_components(nest.map_structure(lambda spec: _decoded(spec, tensors), self._component_specs))


def encoded_specs(spec: Any) -> list[Any]:
    """Returns the specs of the tensors that a value is encoded as for batching."""
    if _is_one_tensor(spec):
        return [spec]
    if hasattr(spec, "__batch_encoder__"):
        parts = spec.__batch_encoder__.encoding_specs(spec)
        return [inner for part in nest.flatten(parts) for inner in encoded_specs(part)]
    warnings.warn(f"A batchable type contains a component with type {spec}, which is not batchable.", stacklevel=2)
    return list(spec._flat_tensor_specs)


def encoded(spec: Any, value: Any, minimum_rank: int = 0) -> list[Any]:
    """Returns the tensors that a value is encoded as for batching, of at least the given rank."""
    if _is_one_tensor(spec):
        return [value]
    if hasattr(spec, "__batch_encoder__"):
        encoder = spec.__batch_encoder__
        parts = nest.flatten(encoder.encode(spec, value, minimum_rank))
        inside = nest.flatten(encoder.encoding_specs(spec))
        return [
            tensor for inner, part in zip(inside, parts, strict=True) for tensor in encoded(inner, part, minimum_rank)
        ]
    return list(spec._to_tensor_list(value))


def decoded(spec: Any, tensors: Sequence[Any]) -> Any:
    """Returns the value that is encoded as these tensors."""
    return _decoded(spec, iter(tensors))


def _decoded(spec: Any, tensors: Iterator[Any]) -> Any:
    if _is_one_tensor(spec):
        return next(tensors)
    if hasattr(spec, "__batch_encoder__"):
        encoder = spec.__batch_encoder__
        parts = nest.map_structure(lambda inner: _decoded(inner, tensors), encoder.encoding_specs(spec))
        return encoder.decode(spec, parts)
    return spec._from_compatible_tensor_list([next(tensors) for _ in spec._flat_tensor_specs])


def _is_one_tensor(spec: Any) -> bool:
    return bool(getattr(type(spec), "_is_nest_leaf", False))


class CompositeTensor(abc.ABC):
    """Is a value that consists of tensors, such as a sparse or ragged tensor, described by its
    ``_type_spec``.

    Wherever structures are walked with ``expand_composites=True``, it stands for its component tensors.
    """

    @property
    @abc.abstractmethod
    def _type_spec(self) -> Any:
        """The spec of this value, which must be made of what is known statically."""

    def _shape_invariant_to_type_spec(self, shape: Any) -> Any:
        """Returns the spec that a loop variable with this value and the given shape invariant has."""
        del shape
        raise NotImplementedError(f"{type(self).__name__}._shape_invariant_to_type_spec")

    def _consumers(self) -> list[Any]:
        """Returns the operations that take a component of this value as an input."""
        consumers: list[Any] = []
        for component in nest.flatten(self, expand_composites=True):
            if getattr(component, "graph", None) is not None:
                consumers.extend(one for one in component.consumers() if one not in consumers)
        return consumers

    def _convert_variables_to_tensors(self) -> Any:
        """Returns this value with every variable in it read."""
        return self

    def __tf_tracing_type__(self, context: Any) -> Any:
        """Returns the spec that signs a traced function for this value."""
        del context
        return self._type_spec


def _compatible(first: Any, second: Any) -> bool:
    """Compares two serialized specs: shapes, dtypes and specs must be compatible, all else equal."""
    if isinstance(first, TypeSpec):
        # Of another class, too: rows of a ragged tensor may be dense.
        return isinstance(second, TypeSpec) and first.is_compatible_with(second)
    if isinstance(first, TensorShape | DType):
        return isinstance(second, type(first)) and first.is_compatible_with(second)
    if type(first) is not type(second):
        return False
    if isinstance(first, tuple | list):
        return len(first) == len(second) and all(map(_compatible, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_compatible(first[key], second[key]) for key in first)
    return bool(np.all(first == second))


def _common_supertype(first: Any, rest: Sequence[Any]) -> Any:
    if hasattr(first, "most_specific_common_supertype"):
        common = first.most_specific_common_supertype(list(rest))
        return _NO_COMMON_TYPE if common is None else common
    return first if all(bool(np.all(first == other)) for other in rest) else _NO_COMMON_TYPE


def _hashable(part: Any) -> Any:
    """Returns something that can be hashed, and is equal for equal parts of serialized specs."""
    if isinstance(part, dict):
        return dict, tuple((key, _hashable(part[key])) for key in sorted(part, key=repr))
    if isinstance(part, tuple | list):
        return type(part), tuple(map(_hashable, part))
    if isinstance(part, np.ndarray):
        return np.ndarray, part.dtype, part.shape, _hashable(part.tolist())
    try:
        hash(part)
    except TypeError:
        raise ValueError(
            f"Cannot generate a hashable key for a TypeSpec because the _serialize() method returned an unsupported "
            f"value of type "
            f"{type(part)}"
        ) from None
    return part


# From a value to its spec.

_converters: list[tuple[type | tuple[type, ...], Callable[[Any], TypeSpec | None], bool]] = []

#: Makes a tensor of any Python value, to find its spec. The ops floor sets it.
value_to_tensor: Callable[[Any], Any] | None = None


def register_type_spec_from_value_converter(
    type_object: type | tuple[type, ...],
    converter_fn: Callable[[Any], TypeSpec | None],
    allow_subclass: bool = False,
) -> None:
    """Registers a function that gives the spec of a value of the given class (or a subclass, if allowed)."""
    _converters.append((type_object, converter_fn, allow_subclass))


def type_spec_from_value(value: Any) -> Any:
    """Returns the spec that describes a value.

    Args:
      value: a tensor, composite tensor, variable, array, Python number or string, or (nested) list of those.

    Raises:
      TypeError: no spec can describe it.
    """
    spec = _spec_of(value)
    if spec is None and not isinstance(value, TypeSpec) and value_to_tensor is not None:
        # What cannot be converted is reported below, like any other value without a spec.
        with contextlib.suppress(TypeError, ValueError):
            spec = _spec_of(value_to_tensor(value))
    if spec is None:
        raise TypeError(f"Could not build a TypeSpec for {value!r} of unsupported type {type(value)}.")
    return spec


def _spec_of(value: Any) -> Any:
    if isinstance(value, CompositeTensor) or (hasattr(value, "_type_spec") and not isinstance(value, TypeSpec)):
        return value._type_spec
    if isinstance(value, list) and value:
        specs = [_spec_of(item) for item in value]
        if isinstance(specs[0], BatchableTypeSpec):
            common = specs[0].most_specific_common_supertype(specs[1:])
            if common is not None:
                return common._batch(len(specs))
    for type_object, converter, allow_subclass in reversed(_converters):
        kinds = type_object if isinstance(type_object, tuple) else (type_object,)
        if type(value) in kinds or (allow_subclass and isinstance(value, type_object)):
            spec = converter(value)
            if spec is not None:
                return spec
    return None


# Names, under which specs are saved.

_SpecClass = TypeVar("_SpecClass", bound=type)
_class_of_name: dict[str, type] = {}
_name_of_class: dict[type, str] = {}


def register(name: str) -> Callable[[_SpecClass], _SpecClass]:
    """Registers a class of specs under a name such as ``"tf.TensorSpec"``; use it as a decorator.

    Raises:
      TypeError: the name is no string, or the class is no ``TypeSpec``.
      ValueError: the name is not of the form ``module.Name``, or the name or the class is registered already.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected `name` to be a string; got {name!r}")
    if "." not in name or not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"Registered name must have the form '{{project_name}}.{{type_name}}'; got {name!r}.")

    def decorate(cls: _SpecClass) -> _SpecClass:
        if not (isinstance(cls, type) and issubclass(cls, TypeSpec)):
            raise TypeError(f"Expected `cls` to be a TypeSpec; got {cls!r}")
        if cls in _name_of_class:
            raise ValueError(f"Class {cls.__name__} has already been registered as {_name_of_class[cls]}.")
        if name in _class_of_name:
            raise ValueError(f"Name {name} has already been registered for class {_class_of_name[name].__name__}.")
        _name_of_class[cls] = name
        _class_of_name[name] = cls
        return cls

    return decorate


def get_name(cls: type) -> str:
    """Returns the name under which a class of specs is registered; a ``ValueError`` if it is not."""
    if cls not in _name_of_class:
        raise ValueError(f"TypeSpec {cls.__module__}.{cls.__name__} has not been registered.")
    return _name_of_class[cls]


def lookup(name: str) -> type:
    """Returns the class of specs that is registered under a name; a ``ValueError`` if there is none."""
    if name not in _class_of_name:
        raise ValueError(f"No TypeSpec has been registered with name {name!r}")
    return _class_of_name[name]
