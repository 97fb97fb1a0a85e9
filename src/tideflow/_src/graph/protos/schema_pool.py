"""Loads ``descriptors.pb`` into a descriptor pool of its own, once, at first use.

The pool is ours and not protobuf's default one, so that a process may also hold TensorFlow's descriptors
(a real TensorFlow, TensorBoard): the two never meet.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources
from typing import Any

PACKAGE = "tensorflow"


class Schema:
    """All messages and enums, by the name that follows ``tensorflow.``."""

    def __init__(self) -> None:
        # Lazy: protobuf is loaded at first use.
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

        content = (resources.files(__package__) / "descriptors.pb").read_bytes()
        self._pool = descriptor_pool.DescriptorPool()
        # The function is there from protobuf 4.22 on; before, a factory object does the same.
        self._make_class: Any = getattr(message_factory, "GetMessageClass", None) or (
            message_factory.MessageFactory(self._pool).GetPrototype
        )
        self.messages: dict[str, Any] = {}
        self.enums: dict[str, Any] = {}
        self.enum_values: dict[str, int] = {}
        self.files: dict[str, Any] = {}

        for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:  # each after those that it imports
            self._add(file)

    def _add(self, file: Any) -> None:
        self._pool.AddSerializedFile(file.SerializeToString())
        descriptor = self._pool.FindFileByName(file.name)
        self.files[file.name] = descriptor
        self._index(descriptor.message_types_by_name, descriptor.enum_types_by_name)
        if file.package == PACKAGE:
            for enum in descriptor.enum_types_by_name.values():
                self.enum_values.update({value.name: value.number for value in enum.values})

    def _index(self, messages: Any, enums: Any) -> None:
        for message in messages.values():
            if not message.GetOptions().map_entry:
                self.messages[_short(message.full_name)] = message
                self._index(message.nested_types_by_name, message.enum_types_by_name)
        for enum in enums.values():
            self.enums[_short(enum.full_name)] = enum

    @functools.cache  # noqa: B019 - the one Schema lives as long as the process.
    def message_class(self, name: str) -> Any:
        """Returns the class of the message `name`, for instance ``RunOptions.Experimental``."""
        descriptor = self.messages[name]
        cls = self._make_class(descriptor)
        cls.__module__, cls.__qualname__ = "tideflow._src.graph.protos", name
        cls.__reduce__ = _reduce
        for nested in descriptor.nested_types_by_name.values():
            if not nested.GetOptions().map_entry:
                nested_class = self.message_class(_short(nested.full_name))
                if not hasattr(cls, nested.name):  # The pure-Python runtime leaves this to generated code.
                    setattr(cls, nested.name, nested_class)
        return cls

    def enum_class(self, name: str) -> Any:
        """Returns the wrapper of the enum `name`, with ``Name``, ``Value`` and its values as attributes."""
        from google.protobuf.internal import enum_type_wrapper  # Lazy, as above.

        return enum_type_wrapper.EnumTypeWrapper(self.enums[name])


def _reduce(message: Any) -> tuple[Any, ...]:
    # Protobuf's own way would look the class up in the default pool, which does not hold it.
    return _restore, (_short(message.DESCRIPTOR.full_name), message.SerializePartialToString())


def _restore(name: str, serialized: bytes) -> Any:
    return schema().message_class(name).FromString(serialized)


def _short(full_name: str) -> str:
    return full_name.removeprefix(PACKAGE + ".")


_lock = threading.Lock()
_schema: Schema | None = None


def schema() -> Schema:
    """Returns the one schema of the process, read at the first call."""
    global _schema
    if _schema is None:
        with _lock:
            if _schema is None:
                _schema = Schema()
    return _schema
