"""Loads ``descriptors.pb`` into a descriptor pool, once, at first use.

The pool is ours and not protobuf's default one, so that a process may also hold TensorFlow's descriptors
(a real TensorFlow): the two never meet. Where Tideflow stands in for the module ``tensorflow``, there is no other, and
packages with messages made of TensorFlow's (``tensorflow_serving``) look for those in the default pool: there the
messages go into that one.
"""

from __future__ import annotations

import functools
import importlib
import threading
from typing import Any

PACKAGE = "tensorflow"
_WELL_KNOWN = "google/protobuf/"


class Schema:
    """All messages and enums, by the name that follows ``tensorflow.``."""

    def __init__(self) -> None:
        # Lazy: protobuf is loaded at first use, and so is what finds the file.
        from importlib import resources

        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

        content = (resources.files(__package__) / "descriptors.pb").read_bytes()
        files = descriptor_pb2.FileDescriptorSet.FromString(content).file  # each after those that it imports
        shared = _shared and _shared_pool_for(files)
        self.pool = shared or descriptor_pool.DescriptorPool()
        # The function is there from protobuf 4.22 on; before, a factory object does the same.
        self._make_class: Any = getattr(message_factory, "GetMessageClass", None) or (
            message_factory.MessageFactory(self.pool).GetPrototype
        )
        self.messages: dict[str, Any] = {}
        self.enums: dict[str, Any] = {}
        self.enum_values: dict[str, int] = {}
        self.files: dict[str, Any] = {}

        for file in files:
            self._add(file)

    def _add(self, file: Any) -> None:
        descriptor = _file_in(self.pool, file.name)
        if descriptor is None:
            self.pool.AddSerializedFile(file.SerializeToString())
            descriptor = self.pool.FindFileByName(file.name)
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


def _shared_pool_for(files: Any) -> Any:
    """Returns protobuf's default pool, or None if it holds other messages under the names of ours."""
    from google.protobuf import descriptor_pool

    pool = descriptor_pool.Default()
    for file in files:
        if file.name.startswith(_WELL_KNOWN):
            importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
            continue
        there = _file_in(pool, file.name)
        if there is None:
            names = [item.name for item in (*file.message_type, *file.enum_type)]
            if any(_symbol_in(pool, f"{file.package}.{name}") for name in names):
                return None
        elif not all(
            item.name in there.message_types_by_name and _holds(there.message_types_by_name[item.name], item)
            for item in file.message_type
        ):
            return None
    return pool


def _file_in(pool: Any, name: str) -> Any:
    try:
        return pool.FindFileByName(name)
    except KeyError:
        return None


def _symbol_in(pool: Any, name: str) -> bool:
    try:
        pool.FindFileContainingSymbol(name)
    except KeyError:
        return False
    return True


def _holds(descriptor: Any, message: Any) -> bool:
    """Tells whether a message in a pool has the fields of one of ours."""
    return all(
        item.name in descriptor.fields_by_name and descriptor.fields_by_name[item.name].number == item.number
        for item in message.field
    ) and all(
        item.name in descriptor.nested_types_by_name and _holds(descriptor.nested_types_by_name[item.name], item)
        for item in message.nested_type
    )


def _reduce(message: Any) -> tuple[Any, ...]:
    # Protobuf's own way would look the class up in the default pool, which does not hold it.
    return _restore, (_short(message.DESCRIPTOR.full_name), message.SerializePartialToString())


def _restore(name: str, serialized: bytes) -> Any:
    return schema().message_class(name).FromString(serialized)


def _short(full_name: str) -> str:
    return full_name.removeprefix(PACKAGE + ".")


_lock = threading.Lock()
_schema: Schema | None = None
_shared = False


def share() -> bool:
    """Lets the messages go into protobuf's default pool when they are loaded, so that other packages find them.

    Returns:
      Whether that was in time: messages that were used before stay in a pool of their own.
    """
    global _shared
    with _lock:
        _shared = _shared or _schema is None
        return _shared


def schema() -> Schema:
    """Returns the one schema of the process, read at the first call."""
    global _schema
    if _schema is None:
        with _lock:
            if _schema is None:
                _schema = Schema()
    return _schema
