"""What a message's definition says of its fields, for operations that take messages apart without classes for them.

The definitions come from where the attribute ``descriptor_source`` points: TensorFlow's own messages, a file or bytes
that hold a ``FileDescriptorSet``. Protobuf is loaded at the first use.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from tideflow._src.core.errors import DataLossError, InvalidArgumentError
from tideflow._src.graph.protos import schema_pool

_BYTES = "bytes://"
_MOST_SOURCES = 32


class MessageField(NamedTuple):
    """Is a field: its full name and number, its kind as ``.proto`` files write it, whether it is repeated, and packed
    where that is so, and the value that stands where it is missing."""

    name: str
    number: int
    kind: str
    repeated: bool
    packed: bool
    default: Any


def fields_of(source: str | bytes, message_type: str, names: Sequence[str]) -> list[MessageField]:
    """Returns fields of a message.

    Args:
      source: empty or ``"local://"`` for TensorFlow's messages, ``"bytes://"`` followed by a serialized
        ``FileDescriptorSet``, or the path of a file with one.
      message_type: the full name of the message.
      names: the names of the fields; extensions by their full names.

    Raises:
      InvalidArgumentError: the source cannot be read, or there is no such message or field.
    """
    pool, message = _found(source, message_type)
    return [_described(_field(pool, message, name)) for name in names]


def serialized_again(source: str | bytes, message_type: str, data: bytes) -> bytes:
    """Returns a message as this library would write it: fields in order, each as often as it counts.

    Raises:
      DataLossError: it is no such message.
    """
    from google.protobuf.message import DecodeError  # loads protobuf

    try:
        return bytes(_class_of(source, message_type).FromString(data).SerializeToString())
    except DecodeError:
        raise DataLossError(None, None, "Unable to parse binary protobuf") from None


def from_text(source: str | bytes, message_type: str, text: bytes) -> bytes:
    """Returns a message that is given as text.

    Raises:
      DataLossError: it is no such message.
    """
    from google.protobuf import text_format  # loads protobuf

    try:
        return bytes(text_format.Parse(text, _class_of(source, message_type)()).SerializeToString())
    except (text_format.ParseError, UnicodeDecodeError):
        raise DataLossError(None, None, "Unable to parse text protobuf") from None


def _class_of(source: str | bytes, message_type: str) -> Any:
    from google.protobuf import message_factory  # loads protobuf

    return message_factory.GetMessageClass(_found(source, message_type)[1])


def _found(source: str | bytes, message_type: str) -> tuple[Any, Any]:
    pool = _pool(source.encode("utf-8", "surrogateescape") if isinstance(source, str) else source)
    try:
        return pool, pool.FindMessageTypeByName(message_type)
    except KeyError:
        raise InvalidArgumentError(None, None, f"No descriptor found for message type {message_type}") from None


def _pool(source: bytes) -> Any:
    if source in (b"", b"local://"):
        return schema_pool.schema().pool
    if source.startswith(_BYTES.encode()):
        return _pool_of(source[len(_BYTES) :], _BYTES)
    name = source.decode("utf-8", "replace")
    try:
        with open(source, "rb") as file:
            content = file.read()
    except (OSError, ValueError):
        raise _no_descriptors(name) from None
    return _pool_of(content, name)


@functools.lru_cache(maxsize=_MOST_SOURCES)
def _pool_of(content: bytes, name: str) -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool  # loads protobuf
    from google.protobuf.message import DecodeError

    pool = descriptor_pool.DescriptorPool()
    try:
        left = {file.name: file for file in descriptor_pb2.FileDescriptorSet.FromString(content).file}
        while left:
            ready = [file for file in left.values() if not any(path in left for path in file.dependency)]
            for file in ready:  # none of them: files that import each other are refused below
                del left[file.name]
            for file in ready or [left.popitem()[1]]:
                pool.AddSerializedFile(file.SerializeToString())
    except (DecodeError, TypeError):
        raise _no_descriptors(name) from None
    return pool


def _no_descriptors(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        None,
        None,
        f"Source does not represent serialized file descriptor set proto: {name!r} must be a file with a "
        "FileDescriptorSet, or bytes:// followed by one, with all files that it imports.",
    )


def _field(pool: Any, message: Any, name: str) -> Any:
    found = message.fields_by_name.get(name)
    if found is None and "." in name:
        try:
            extension = pool.FindExtensionByName(name)
        except KeyError:
            extension = None
        if extension is not None and extension.containing_type.full_name == message.full_name:
            found = extension
    if found is None:
        raise InvalidArgumentError(None, None, f"Unknown field: {name} in message type {message.full_name}")
    return found


def _described(field: Any) -> MessageField:
    from google.protobuf import descriptor_pb2  # loads protobuf

    kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    default = None if repeated or kind in ("message", "group") else field.default_value
    if isinstance(default, str):
        default = default.encode()
    return MessageField(field.full_name, field.number, kind, bool(repeated), repeated and _is_packed(field), default)


def _is_packed(field: Any) -> bool:
    from google.protobuf import descriptor_pb2  # loads protobuf

    options = field.GetOptions()
    if options.HasField("packed"):
        return bool(options.packed)
    file = descriptor_pb2.FileDescriptorProto()
    field.file.CopyToProto(file)
    return file.syntax not in ("", "proto2") and field.cpp_type not in (field.CPPTYPE_STRING, field.CPPTYPE_MESSAGE)
