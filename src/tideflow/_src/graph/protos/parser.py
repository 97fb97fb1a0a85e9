"""Reads the subset of the protocol buffer language in which ``schema/`` is written.

A ``.proto`` file becomes a ``FileDescriptorProto``, which any protobuf runtime can load; no generated code
and hence no generator version is involved. The subset: proto2 and proto3 files with messages, enums, maps,
oneofs, ``optional``/``repeated`` labels, and the options ``packed``, ``deprecated``, ``default`` and
``allow_alias``. There are no services, extensions, groups or reserved ranges. The grammar is that of
https://protobuf.dev/reference/protobuf/proto3-spec/.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_TOKEN = re.compile(r"\s+|//[^\n]*|(\"[^\"\n]*\"|-?\d+|[A-Za-z_.][\w.]*|[{}=;<>,\[\]])")
_TYPES = (  # In the order of their numbers in FieldDescriptorProto.Type, from 1.
    "double float int64 uint64 int32 fixed64 fixed32 bool string group message bytes uint32 enum "
    "sfixed32 sfixed64 sint32 sint64"
)
_SCALARS = {
    name: number for number, name in enumerate(_TYPES.split(), start=1) if name not in ("group", "message", "enum")
}
_TYPE_MESSAGE, _TYPE_ENUM = 11, 14
_LABELS = {"optional": 1, "required": 2, "repeated": 3}


class SchemaError(Exception):
    """Says that a schema file is not written in the supported subset of the language."""


def parse(file_name: str, text: str) -> Any:
    """Parses one schema file.

    Args:
      file_name: the name that other files import it by; it becomes the name of the result.
      text: the content of the file.

    Returns:
      A ``FileDescriptorProto``. Fields of message and enum types still hold the name as it was written and
      no type; `resolve` completes them once every file is read.

    Raises:
      SchemaError: the text is not in the supported subset.
    """
    return _Parser(file_name, text).parse_file()


def resolve(files: Iterable[Any], known: Iterable[Any] = ()) -> None:
    """Completes the types of all fields in `files`, searching scopes from the innermost outwards.

    Args:
      files: results of `parse`; changed in place.
      known: further ``FileDescriptorProto`` objects whose types may be named but which need no change.

    Raises:
      SchemaError: a field names a type that no file declares.
    """
    files = list(files)
    kinds: dict[str, int] = {}
    for file in [*files, *known]:
        prefix = f".{file.package}" if file.package else ""
        _declare(file.enum_type, file.message_type, prefix, kinds)
    for file in files:
        for message in file.message_type:
            _resolve_message(message, f".{file.package}" if file.package else "", kinds)


def _declare(enums: Any, messages: Any, prefix: str, kinds: dict[str, int]) -> None:
    for enum in enums:
        kinds[f"{prefix}.{enum.name}"] = _TYPE_ENUM
    for message in messages:
        name = f"{prefix}.{message.name}"
        kinds[name] = _TYPE_MESSAGE
        _declare(message.enum_type, message.nested_type, name, kinds)


def _resolve_message(message: Any, scope: str, kinds: dict[str, int]) -> None:
    scope = f"{scope}.{message.name}"
    for nested in message.nested_type:
        _resolve_message(nested, scope, kinds)
    for field in message.field:
        if field.type_name:
            full_name = _find(field.type_name, scope, kinds)
            if full_name is None:
                raise SchemaError(f"Field {scope[1:]}.{field.name} has the unknown type {field.type_name!r}.")
            field.type_name, field.type = full_name, kinds[full_name]


def _find(name: str, scope: str, kinds: dict[str, int]) -> str | None:
    if name.startswith("."):
        return name if name in kinds else None
    while True:
        candidate = f"{scope}.{name}"
        if candidate in kinds:
            return candidate
        if not scope:
            return None
        scope = scope.rpartition(".")[0]


class _Parser:
    """Walks once over the tokens of one file (recursive descent)."""

    def __init__(self, file_name: str, text: str) -> None:
        from google.protobuf import descriptor_pb2  # Lazy: protobuf is loaded at first use.

        self._file = descriptor_pb2.FileDescriptorProto(name=file_name)
        self._tokens = self._split(text)
        self._position = 0

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                line = text.count("\n", 0, position) + 1
                raise SchemaError(f"{self._file.name}:{line}: unexpected character {text[position]!r}.")
            if match.group(1):
                tokens.append(match.group(1))
            position = match.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise SchemaError(f"{self._file.name}: the file ends in the middle of a declaration.")
        self._position += 1
        return token

    def _accept(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._position += 1
        return True

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise SchemaError(f"{self._file.name}: expected {token!r}, found {found!r}.")

    def _integer(self) -> int:
        token = self._next()
        try:
            return int(token)
        except ValueError:
            raise SchemaError(f"{self._file.name}: expected a number, found {token!r}.") from None

    def parse_file(self) -> Any:
        """Returns the descriptor of the whole file."""
        while self._peek():
            match self._next():
                case "syntax":
                    self._expect("=")
                    syntax = self._next().strip('"')
                    if syntax == "proto3":  # proto2 is what a descriptor without a syntax means.
                        self._file.syntax = syntax
                    self._expect(";")
                case "package":
                    self._file.package = self._next()
                    self._expect(";")
                case "import":
                    if self._accept("public"):
                        self._file.public_dependency.append(len(self._file.dependency))
                    self._file.dependency.append(self._next().strip('"'))
                    self._expect(";")
                case "message":
                    self._message(self._file.message_type.add())
                case "enum":
                    self._enum(self._file.enum_type.add())
                case other:
                    raise SchemaError(f"{self._file.name}: expected a declaration, found {other!r}.")
        return self._file

    def _message(self, message: Any) -> None:
        message.name = self._next()
        self._expect("{")
        while not self._accept("}"):
            if self._accept("message"):
                self._message(message.nested_type.add())
            elif self._accept("enum"):
                self._enum(message.enum_type.add())
            elif self._accept("oneof"):
                self._oneof(message)
            else:
                self._field(message)
        self._add_presence(message)

    def _oneof(self, message: Any) -> None:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=self._next())
        self._expect("{")
        while not self._accept("}"):
            self._field(message).oneof_index = index

    def _field(self, message: Any) -> Any:
        field = message.field.add()
        token = self._next()
        field.label = _LABELS.get(token, _LABELS["optional"])
        if token in _LABELS:
            field.proto3_optional = token == "optional" and self._file.syntax == "proto3"
            if not field.proto3_optional:
                field.ClearField("proto3_optional")
            token = self._next()
        entry = None
        if token == "map":
            field.label = _LABELS["repeated"]
            entry = message.nested_type.add()
            entry.options.map_entry = True
            self._expect("<")
            for number, name in enumerate(("key", "value"), start=1):
                part = entry.field.add(name=name, number=number, label=_LABELS["optional"])
                self._set_type(part, self._next())
                self._expect("," if number == 1 else ">")
        else:
            self._set_type(field, token)
        field.name = self._next()
        if entry is not None:
            entry.name = "".join(part[:1].upper() + part[1:] for part in field.name.split("_")) + "Entry"
            field.type_name = entry.name
        self._expect("=")
        field.number = self._integer()
        self._options(field)
        return field

    def _set_type(self, field: Any, name: str) -> None:
        if name in _SCALARS:
            field.type = _SCALARS[name]
        else:
            field.type_name = name

    def _enum(self, enum: Any) -> None:
        enum.name = self._next()
        self._expect("{")
        while not self._accept("}"):
            if self._accept("option"):
                self._set_option(enum)
                self._expect(";")
            else:
                value = enum.value.add(name=self._next())
                self._expect("=")
                value.number = self._integer()
                self._options(value)

    def _options(self, owner: Any) -> None:
        if self._accept("["):
            self._set_option(owner)
            while self._accept(","):
                self._set_option(owner)
            self._expect("]")
        self._expect(";")

    def _set_option(self, owner: Any) -> None:
        name = self._next()
        self._expect("=")
        value = self._next()
        if name == "default" and hasattr(owner, "default_value"):
            owner.default_value = value.strip('"')
        elif name in ("packed", "deprecated", "allow_alias") and hasattr(owner.options, name):
            setattr(owner.options, name, value == "true")
        else:
            raise SchemaError(f"{self._file.name}: option {name!r} is not supported on {owner.name!r}.")

    def _add_presence(self, message: Any) -> None:
        # A proto3 field marked optional is a oneof of its own, after all declared ones.
        for field in message.field:
            if field.proto3_optional:
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field.name}")
