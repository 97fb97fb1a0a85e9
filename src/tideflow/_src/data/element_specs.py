"""Specs of elements as TensorFlow writes them beside a saved dataset: the message ``StructuredValue``.

The message is a tree. A value is one field: a number, a text or a truth value, a shape (31), a dtype (32), the spec of
a tensor (33), another spec (34), a list (51), a tuple (52), a dictionary (53) or a named tuple (54).
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import NotFoundError, UnimplementedError
from tideflow._src.core.none_tensor import NoneTensorSpec
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.varints import varint, varint_bytes

_NONE, _FLOAT, _INTEGER, _TEXT, _TRUTH = 1, 11, 12, 13, 14
_SHAPE, _DTYPE, _TENSOR, _SPEC, _LIST, _TUPLE, _DICT, _NAMED = 31, 32, 33, 34, 51, 52, 53, 54
#: What the class of the spec of a value of no tensors is called in messages, by number and by name.
_REGISTERED, _NONE_SPEC = 12, "tf.NoneTensorSpec"


def written(specs: Any) -> bytes:
    """Returns the message of a structure of specs.

    Raises:
      UnimplementedError: a spec is that of something else than a tensor.
    """
    if isinstance(specs, TensorSpec):
        content = _field(2, _shape(specs.shape)) + varint_bytes(3 << 3) + varint_bytes(specs.dtype.as_datatype_enum)
        return _field(_TENSOR, (_field(1, specs.name.encode()) if specs.name else b"") + content)
    if isinstance(specs, NoneTensorSpec):
        state = _field(2, _field(_TUPLE, b""))
        return _field(_SPEC, varint_bytes(1 << 3) + varint_bytes(_REGISTERED) + state + _field(3, _NONE_SPEC.encode()))
    if isinstance(specs, Mapping):
        return _field(_DICT, b"".join(_pair(key, specs[key]) for key in sorted(specs)))
    if hasattr(specs, "_fields"):
        pairs = zip(specs._fields, specs, strict=True)
        name = _field(1, type(specs).__name__.encode())
        return _field(_NAMED, name + b"".join(_field(2, _entry(key, item)) for key, item in pairs))
    if isinstance(specs, tuple):
        return _field(_TUPLE, b"".join(_field(1, written(item)) for item in specs))
    raise UnimplementedError(
        None, None, f"Elements of {specs} cannot be saved: only tensors, and structures of these, can be."
    )


def _pair(key: Any, item: Any) -> bytes:
    if not isinstance(key, str):
        raise UnimplementedError(None, None, f"A saved dictionary must have strings as its keys, but has {key!r}.")
    return _field(1, _entry(key, item))


def _entry(key: str, item: Any) -> bytes:
    return _field(1, key.encode()) + _field(2, written(item))


def _shape(shape: TensorShape) -> bytes:
    if shape._dims is None:
        return varint_bytes(3 << 3) + b"\x01"
    sizes = (size if size is not None else -1 for size in shape._dims)
    return b"".join(
        _field(2, varint_bytes(1 << 3) + varint_bytes(size & (1 << 64) - 1) if size else b"") for size in sizes
    )


def _field(number: int, content: bytes) -> bytes:
    return varint_bytes(number << 3 | 2) + varint_bytes(len(content)) + content


def read(message: bytes, where: str) -> Any:
    """Returns the structure of specs of a message.

    Args:
      message: the message.
      where: the file that it stands in, for messages.

    Raises:
      NotFoundError: it is no such message, or a spec in it is that of something else than a tensor.
    """
    try:
        return _value(message)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise NotFoundError(
            None, None, f"tf.data snapshot element_spec file not found or invalid: {where}. ({error})"
        ) from None


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(message):
        tag, position = varint(message, position)
        value: Any
        value, position = varint(message, position)
        if tag & 7 == 2:
            value, position = message[position : position + value], position + value
            if position > len(message):
                raise IndexError("it ends within a field")
        elif tag & 7:
            raise ValueError(f"a field of kind {tag & 7}")
        yield tag >> 3, value


def _value(message: bytes) -> Any:
    ((kind, content),) = _fields(message)
    if kind == _TENSOR:
        found = dict(_fields(content))
        name = found[1].decode() if 1 in found else None
        return TensorSpec(_shape_of(found.get(2, b"")), _dtype_of(found[3]), name)
    if kind == _SPEC:
        found = dict(_fields(content))
        if found.get(3) == _NONE_SPEC.encode():
            return NoneTensorSpec()
        raise ValueError(f"a spec of {found.get(3, b'another kind')!r}, which cannot be loaded")
    if kind in (_TUPLE, _LIST):
        return tuple(_value(item) for _, item in _fields(content))
    if kind == _DICT:
        return dict(_key_and_value(item) for _, item in _fields(content))
    if kind == _NAMED:
        name, *items = (item for _, item in _fields(content))
        pairs = [_key_and_value(item) for item in items]
        made: Any = collections.namedtuple(name.decode(), [key for key, _ in pairs])  # type: ignore[misc]
        return made(*[item for _, item in pairs])
    raise ValueError(f"a value of kind {kind}, where a spec should be")


def _key_and_value(entry: bytes) -> tuple[str, Any]:
    found = dict(_fields(entry))
    return found.get(1, b"").decode(), _value(found[2])


def _shape_of(message: bytes) -> TensorShape:
    sizes: list[int | None] = []
    for kind, content in _fields(message):
        if kind == 3 and content:
            return TensorShape(None)
        if kind == 2:
            size = dict(_fields(content)).get(1, 0)
            sizes.append(None if size >= 1 << 63 else size)
    return TensorShape(sizes)


def _dtype_of(number: int) -> DType:
    return dtypes.as_dtype(number)
