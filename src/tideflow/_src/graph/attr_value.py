"""Converts attribute values between the form that kernels and rules get and ``AttrValue`` messages.

Attributes that the operation's definition declares are read by their declared type. Others (``_class``, what a newer
TensorFlow adds) are read by what the message holds; what has no plain form stays an ``AttrValue``, so that it is
written again as it came.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.graph import protos, tensor_proto
from tideflow._src.graph.op_def import Attribute, OpDef, Shape

_FIELDS = {
    "string": "s",
    "int": "i",
    "float": "f",
    "bool": "b",
    "type": "type",
    "shape": "shape",
    "tensor": "tensor",
    "func": "func",
}
_KINDS = {name: kind for kind, name in _FIELDS.items()}
# A constant that repeats one value and takes more bytes than this is kept as a view of the one value.
_LARGEST_COPY = 1 << 16
_HIGHEST_RANK = 254
_MOST_ELEMENTS = 2**63 - 1


@dataclass(frozen=True)
class NamedFunction:
    """Is a function of a graph's library as an attribute refers to it: its name and attributes for its body."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict)


def function_attributes(op_def: OpDef) -> list[str]:
    """Returns the names of the attributes of a definition that hold functions."""
    found: list[str] | None = op_def.__dict__.get("_function_attributes")
    if found is None:
        found = [name for name, item in op_def.attributes.items() if item.type in ("func", "list(func)")]
        op_def.__dict__["_function_attributes"] = found
    return found


# Writing


def write(message: Any, kind: str, value: Any) -> None:
    """Puts a value into an ``AttrValue``.

    Args:
      message: the ``AttrValue`` to fill.
      kind: the attribute's type as definitions spell it, such as ``"list(type)"``.
      value: the value in the form that kernels get.

    Raises:
      TypeError: the value is not of that kind.
    """
    if kind == "type":
        message.type = _as_dtype(value).as_datatype_enum
    elif kind == "shape":
        _write_shape(message.shape, value)
    elif kind == "int":
        message.i = int(value)
    elif kind == "bool":
        message.b = bool(value)
    elif kind == "string":
        message.s = as_bytes(value)
    elif kind == "float":
        message.f = float(value)
    elif kind == "tensor":
        _write_tensor(message.tensor, value)
    elif kind == "func":
        _write_function(message.func, value)
    else:
        _write_list(message.list, kind[5:-1], value)


def write_undeclared(message: Any, value: Any) -> None:
    """Puts the value of an attribute that the definition does not declare into an ``AttrValue``.

    Raises:
      TypeError: no kind of attribute holds such a value.
    """
    if isinstance(value, protos.get("AttrValue")):
        message.CopyFrom(value)
        return
    if isinstance(value, list) and not value:
        message.list.SetInParent()
        return
    kind = _kind_of(value[0]) if isinstance(value, list) else _kind_of(value)
    write(message, f"list({kind})" if isinstance(value, list) else kind, value)


def _kind_of(value: Any) -> str:
    for types, kind in _KIND_OF_TYPE:
        if isinstance(value, types):
            return kind
    if hasattr(value, "name"):
        return "func"
    raise TypeError(f"An attribute holds no {type(value).__name__}, got {value!r}.")


_KIND_OF_TYPE: tuple[tuple[Any, str], ...] = (
    ((bool, np.bool_), "bool"),
    ((int, np.integer), "int"),
    ((float, np.floating), "float"),
    ((str, bytes), "string"),
    (DType, "type"),
    (tuple, "shape"),
    (np.ndarray, "tensor"),
)


def as_bytes(value: str | bytes) -> bytes:
    """Returns a string attribute as it is written; the inverse of :func:`as_text` for any bytes."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"Expected a string, got {value!r}.")
    return value.encode("utf-8", "surrogateescape")


def as_text(value: bytes) -> str:
    """Returns a string attribute in the form that kernels get; bytes that are not UTF-8 become surrogates."""
    return value.decode("utf-8", "surrogateescape")


def _as_dtype(value: Any) -> DType:
    return value if value.__class__ is DType else dtypes.as_dtype(value)


def _write_shape(message: Any, shape: Any) -> None:
    if shape is None:
        message.unknown_rank = True
        return
    message.SetInParent()
    if shape.__class__ is not tuple:
        message.CopyFrom(tensor_proto.shape_to_proto(shape))
        return
    for size in shape:
        message.dim.add(size=-1 if size is None else size)


def _write_tensor(message: Any, value: Any) -> None:
    array = np.asarray(value)
    if array.size > 1 and not any(array.strides):  # one value, repeated without a copy
        first = array[(0,) * array.ndim]
        message.CopyFrom(tensor_proto.make_tensor_proto(np.asarray(first, array.dtype), shape=array.shape))
    else:
        message.CopyFrom(tensor_proto.make_tensor_proto(array))


def _write_function(message: Any, value: Any) -> None:
    name = value if isinstance(value, str) else getattr(value, "name", None)
    if isinstance(name, bytes):
        name = name.decode()
    if not isinstance(name, str):
        raise TypeError(f"Expected a function, got {value!r}.")
    message.name = name
    if isinstance(value, NamedFunction):
        for key, item in value.attributes.items():
            write_undeclared(message.attr[key], item)


def _write_list(message: Any, kind: str, values: Sequence[Any]) -> None:
    message.SetInParent()
    if kind == "type":
        message.type.extend([_as_dtype(value).as_datatype_enum for value in values])
    elif kind == "string":
        message.s.extend([as_bytes(value) for value in values])
    elif kind == "int":
        message.i.extend([int(value) for value in values])
    elif kind == "float":
        message.f.extend([float(value) for value in values])
    elif kind == "bool":
        message.b.extend([bool(value) for value in values])
    else:
        items = getattr(message, _FIELDS[kind])
        writer = {"shape": _write_shape, "tensor": _write_tensor, "func": _write_function}[kind]
        for value in values:
            writer(items.add(), value)


# Reading


def read(message: Any, attribute: Attribute) -> Any:
    """Returns the value of a declared attribute.

    Raises:
      ValueError: the message holds a value of another type, one that is malformed or one that is not allowed.
    """
    kind = attribute.type
    found = message.WhichOneof("value")
    if kind.startswith("list("):
        if found != "list":
            raise ValueError(_wrong_type(attribute, found))
        return _read_list(message.list, attribute)
    if found != _FIELDS[kind]:
        raise ValueError(_wrong_type(attribute, found))
    value = _READERS[kind](getattr(message, found))
    if attribute.allowed is not None:
        _check_allowed(attribute, value)
    if attribute.minimum is not None and value < attribute.minimum:
        raise ValueError(f"Value for attr '{attribute.name}' of {value} must be at least minimum {attribute.minimum}")
    return value


def read_undeclared(message: Any) -> Any:
    """Returns the value of an attribute that the definition does not declare.

    Raises:
      ValueError: the value is malformed.
    """
    found = message.WhichOneof("value")
    if found in ("s", "i", "f", "b"):
        return _READERS[_KINDS[found]](getattr(message, found))
    if found == "type" and message.type in dtypes._OF_ENUM:
        return _OF_ENUM[message.type]
    if found == "shape" and not message.shape.unknown_rank:
        return read_shape(message.shape)
    if found == "list":
        fields = [item.name for item, _ in message.list.ListFields()]
        if len(fields) == 1 and fields[0] in ("s", "i", "f", "b"):
            reader = _READERS[_KINDS[fields[0]]]
            return [reader(item) for item in getattr(message.list, fields[0])]
        if not fields:
            return []
    kept = protos.get("AttrValue")()
    kept.CopyFrom(message)
    return kept


def _read_list(message: Any, attribute: Attribute) -> list[Any]:
    kind = attribute.type[5:-1]
    for item, _ in message.ListFields():
        if item.name != _FIELDS[kind]:
            found = f"list({_KINDS.get(item.name, item.name)})"
            raise ValueError(
                f"AttrValue had value with type '{found}' when '{attribute.type}' expected for attr '{attribute.name}'"
            )
    reader = _READERS[kind]
    values = [reader(item) for item in getattr(message, _FIELDS[kind])]
    if attribute.minimum is not None and len(values) < attribute.minimum:
        raise ValueError(
            f"Length for attr '{attribute.name}' of {len(values)} must be at least minimum {attribute.minimum}"
        )
    if attribute.allowed is not None:
        for value in values:
            _check_allowed(attribute, value)
    return values


def _wrong_type(attribute: Attribute, found: str | None) -> str:
    if found is None:
        return f"AttrValue missing value with expected type '{attribute.type}' for attr '{attribute.name}'"
    return (
        f"AttrValue had value with type '{_KINDS.get(found, found)}' when '{attribute.type}' expected for "
        "attr "
        f"'{attribute.name}'"
    )


def _check_allowed(attribute: Attribute, value: Any) -> None:
    allowed = attribute.allowed or ()
    if value in allowed:
        return
    is_type = value.__class__ is DType
    shown = value.name if is_type else f'"{value}"'
    choices = ", ".join(item.name if is_type else f'"{item}"' for item in allowed)
    raise ValueError(f"Value for attr '{attribute.name}' of {shown} is not in the list of allowed values: {choices}")


def read_type(number: int) -> DType:
    """Returns the dtype with the given number in ``DataType``; a ValueError if it can be no attribute's."""
    try:
        dtype = _OF_ENUM[number]
    except KeyError:
        if number == 0:
            raise ValueError("AttrValue has invalid DataType: DT_INVALID") from None
        raise ValueError(f"AttrValue has invalid DataType enum: {number}") from None
    if dtype._is_ref_dtype:
        raise ValueError(f"AttrValue must not have reference type value of {dtype.name}")
    return dtype


_OF_ENUM = dtypes._OF_ENUM


def read_shape(message: Any) -> Shape:
    """Returns the shape that a ``TensorShapeProto`` describes, with None for unknown sizes or an unknown rank.

    Raises:
      ValueError: a size is below -1, or the shape is larger than a tensor can be.
    """
    if message.unknown_rank:
        if message.dim:
            raise ValueError("An unknown shape must not have any dimensions set")
        return None
    sizes = [dimension.size for dimension in message.dim]
    if len(sizes) > _HIGHEST_RANK:
        raise ValueError(f"Shape must have rank <= {_HIGHEST_RANK}, got {len(sizes)} dimensions")
    if sizes and min(sizes) < 0:
        if min(sizes) < -1:
            raise ValueError(f"Shape {sizes} has dimensions with values below -1 (where -1 means unknown)")
        return tuple([None if size < 0 else size for size in sizes])
    if len(sizes) > 1 and math.prod(sizes) > _MOST_ELEMENTS:
        raise ValueError(f"Shape {sizes} is too large (more than 2**63 - 1 entries)")
    return tuple(sizes)


def read_tensor(message: Any) -> np.ndarray[Any, Any]:
    """Returns the array that a ``TensorProto`` describes; a large one of one repeated value takes no memory.

    Raises:
      ValueError: the message is malformed.
    """
    shape = read_shape(message.tensor_shape)
    if shape is None or None in shape:
        raise ValueError(f"The shape of a tensor must be fully defined, got {shape}")
    try:
        count = math.prod(shape)  # type: ignore[arg-type]
        if count * 16 > _LARGEST_COPY and not message.tensor_content and _number_of_values(message) <= 1:
            single = protos.get("TensorProto")()
            single.CopyFrom(message)
            single.tensor_shape.Clear()
            return np.broadcast_to(tensor_proto.make_ndarray(single), shape)  # type: ignore[arg-type]
        return tensor_proto.make_ndarray(message)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"The value of a tensor cannot be read: {error}") from None


def _number_of_values(message: Any) -> int:
    for item, value in message.ListFields():
        if item.name.endswith("_val"):
            count = len(value)
            return count // 2 if item.name in ("scomplex_val", "dcomplex_val") else count
    return 0


def dtype_of(array: np.ndarray[Any, Any]) -> DType:
    """Returns the dtype of a tensor attribute's value."""
    return dtypes.of_numpy[array.dtype]


def _read_function(message: Any) -> NamedFunction:
    return NamedFunction(message.name, {key: read_undeclared(message.attr[key]) for key in message.attr})


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": as_text,
    "int": int,
    "float": float,
    "bool": bool,
    "type": read_type,
    "shape": read_shape,
    "tensor": read_tensor,
    "func": _read_function,
}
