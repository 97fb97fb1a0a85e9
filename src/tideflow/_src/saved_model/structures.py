"""Signatures, specs and other structures of Python as ``StructuredValue`` messages, and back."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Mapping
from typing import Any

from tideflow._src.core import dtypes, nest, type_spec
from tideflow._src.core.indexed_slices import IndexedSlicesSpec
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import BoundedTensorSpec, TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.function.trace_types import VariableType
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import make_ndarray, make_tensor_proto, shape_to_proto
from tideflow._src.ops.composite.optional import OptionalSpec
from tideflow._src.ops.control.tensor_array import TensorArraySpec
from tideflow._src.ops.ragged.ragged_spec import RaggedTensorSpec
from tideflow._src.runtime.sparse_tensor import SparseTensorSpec
from tideflow._src.state.variable_spec import VariableSpec

#: The numbers of specs that have one in messages.
_SPARSE, _SLICES, _RAGGED, _ARRAY, _DATASET, _ITERATOR, _OPTIONAL, _VARIABLE = 1, 2, 3, 4, 5, 6, 7, 9
_REGISTERED = 12
_NUMBERED = {
    SparseTensorSpec: _SPARSE,
    IndexedSlicesSpec: _SLICES,
    RaggedTensorSpec: _RAGGED,
    TensorArraySpec: _ARRAY,
    OptionalSpec: _OPTIONAL,
    VariableSpec: _VARIABLE,
}
#: Signatures of more levels are not read: nobody writes them.
_MOST_LEVELS = 64


class NotEncodableError(Exception):
    """Says that a value has no form as a ``StructuredValue``."""


def encode(value: Any) -> Any:
    """Returns a structure as a ``StructuredValue``.

    Args:
      value: lists, tuples, named tuples and dictionaries of numbers, strings, truth values, None, dtypes, shapes and
        specs.

    Raises:
      NotEncodableError: something in it is none of these.
    """
    message = protos.get("StructuredValue")()
    _write(message, value)
    return message


def can_encode(value: Any) -> bool:
    """Tells whether a structure has a form as a ``StructuredValue``."""
    try:
        encode(value)
    except NotEncodableError:
        return False
    return True


def _write(message: Any, value: Any) -> None:
    if value is None:
        message.none_value.SetInParent()
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise NotEncodableError(f"No encoder for object {value} of type {type(value)}: it needs more than 64 bits.")
        message.int64_value = value
    elif isinstance(value, float):
        message.float64_value = value
    elif isinstance(value, str):
        message.string_value = value
    elif isinstance(value, dtypes.DType):
        message.tensor_dtype_value = value.as_datatype_enum
    elif isinstance(value, TensorShape):
        message.tensor_shape_value.CopyFrom(shape_to_proto(value))
    elif isinstance(value, VariableType):
        _write_spec(message.type_spec_value, VariableSpec(value.shape, value.dtype, value.trainable, value.number))
    elif isinstance(value, TypeSpec):
        _write_type_spec(message, value)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        message.named_tuple_value.name = type(value).__name__
        for key, item in zip(value._fields, value, strict=True):
            pair = message.named_tuple_value.values.add(key=key)
            _write(pair.value, item)
    elif isinstance(value, list):
        message.list_value.SetInParent()
        for item in value:
            _write(message.list_value.values.add(), item)
    elif isinstance(value, tuple):
        message.tuple_value.SetInParent()
        for item in value:
            _write(message.tuple_value.values.add(), item)
    elif isinstance(value, Mapping):
        message.dict_value.SetInParent()
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotEncodableError(f"No encoder for a dictionary with the key {key!r}: keys must be strings.")
            _write(message.dict_value.fields[key], item)
    else:
        raise NotEncodableError(f"No encoder for object {value} of type {type(value)}.")


def _write_type_spec(message: Any, spec: TypeSpec) -> None:
    if type(spec) is TensorSpec:
        target = message.tensor_spec_value
    elif type(spec) is BoundedTensorSpec:
        target = message.bounded_tensor_spec_value
        target.minimum.CopyFrom(make_tensor_proto(spec.minimum))
        target.maximum.CopyFrom(make_tensor_proto(spec.maximum))
    else:
        _write_spec(message.type_spec_value, spec)
        return
    target.shape.CopyFrom(shape_to_proto(spec.shape))
    target.dtype = spec.dtype.as_datatype_enum
    if spec.name:
        target.name = spec.name


def _write_spec(target: Any, spec: TypeSpec) -> None:
    kind: Any = type(spec)
    number = next((number for cls, number in _numbered(kind).items() if isinstance(spec, cls)), None)
    if number is None:
        try:
            target.type_spec_class_name = type_spec.get_name(kind)
        except ValueError:
            raise NotEncodableError(f"No encoder for object {spec} of type {kind}.") from None
        number = _REGISTERED
        warnings.warn(
            f"Encoding a StructuredValue with type {target.type_spec_class_name}; loading this StructuredValue will "
            "require that this type be imported and registered.",
            stacklevel=2,
        )
    else:
        target.type_spec_class_name = next(cls.__name__ for cls in _numbered(kind) if isinstance(spec, cls))
    target.type_spec_class = number
    target.num_flat_components = len(nest.flatten(spec._component_specs, expand_composites=True))
    _write(target.type_state, spec._serialize())


def _numbered(kind: Any) -> dict[Any, int]:
    """Returns the classes with numbers; those of data sets only if a class is of their module."""
    if kind.__module__ == "tideflow._src.data.specs":
        return {**_NUMBERED, **_of_data()}
    return _NUMBERED


def _of_data() -> dict[Any, int]:
    from tideflow._src.data.specs import DatasetSpec, IteratorSpec  # data sets are loaded where they are used

    return {DatasetSpec: _DATASET, IteratorSpec: _ITERATOR}


def decode(message: Any) -> Any:
    """Returns the structure of a ``StructuredValue``. It runs no code that the message names.

    Raises:
      ValueError: the message holds a spec whose class is not known or not registered, or is malformed.
    """
    return _read(message, 0)


def _read(message: Any, level: int) -> Any:
    if level > _MOST_LEVELS:
        raise ValueError(f"A StructuredValue is nested in more than {_MOST_LEVELS} levels.")
    kind = message.WhichOneof("kind")
    level += 1
    if kind == "none_value" or kind is None:
        return None
    if kind in ("float64_value", "string_value", "bool_value"):
        return getattr(message, kind)
    if kind == "int64_value":
        return int(message.int64_value)
    if kind == "tensor_shape_value":
        return TensorShape(attr_value.read_shape(message.tensor_shape_value))
    if kind == "tensor_dtype_value":
        return attr_value.read_type(message.tensor_dtype_value)
    if kind == "tensor_spec_value":
        spec = message.tensor_spec_value
        return TensorSpec(_shape(spec), attr_value.read_type(spec.dtype), spec.name or None)
    if kind == "bounded_tensor_spec_value":
        spec = message.bounded_tensor_spec_value
        limits = make_ndarray(spec.minimum), make_ndarray(spec.maximum)
        return BoundedTensorSpec(_shape(spec), attr_value.read_type(spec.dtype), *limits, spec.name or None)
    if kind == "type_spec_value":
        return _read_spec(message.type_spec_value, level)
    if kind == "list_value":
        return [_read(item, level) for item in message.list_value.values]
    if kind == "tuple_value":
        return tuple([_read(item, level) for item in message.tuple_value.values])
    if kind == "dict_value":
        fields = message.dict_value.fields
        return {key: _read(fields[key], level) for key in sorted(fields)}
    if kind == "named_tuple_value":
        return _read_named_tuple(message.named_tuple_value, level)
    raise ValueError(f"A StructuredValue holds {kind}, which is not known.")


def _shape(spec: Any) -> TensorShape:
    return TensorShape(attr_value.read_shape(spec.shape))


def _read_named_tuple(message: Any, level: int) -> Any:
    keys = [pair.key for pair in message.values]
    values = [_read(pair.value, level) for pair in message.values]
    return collections.namedtuple(message.name, keys)(*values)


def _read_spec(message: Any, level: int) -> Any:
    number, name = message.type_spec_class, message.type_spec_class_name
    if number == _REGISTERED:
        try:
            kind: Any = type_spec.lookup(name)
        except ValueError as error:
            raise ValueError(
                f"The type '{name}' has not been registered.  It must be registered before you load this object "
                "(typically by importing its module)."
            ) from error
    else:
        classes = {**_NUMBERED, **_of_data()} if number in (_DATASET, _ITERATOR) else _NUMBERED
        kind = next((cls for cls, known in classes.items() if known == number), None)
        if kind is None:
            raise ValueError(
                f"The type '{name}' is not supported by this version of TensorFlow. (The object you are loading must "
                "have been created with a newer version of TensorFlow.)"
            )
    state = _read(message.type_state, level)
    try:
        return kind._deserialize(state)
    except (TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"The state of a spec of the type '{name}' makes no sense: {error}") from None
