"""TensorFlow's wire messages, without TensorFlow.

>>> from tideflow._src.graph import protos
>>> graph = protos.GraphDef()
>>> graph.node.add(name="x", op="Placeholder").op
'Placeholder'
>>> protos.DT_FLOAT
1

Every message, enum and top-level enum value of the files in ``schema/`` is an attribute of this module, with
TensorFlow's name less the package ``tensorflow.``: ``protos.NodeDef``, ``protos.RunOptions.Experimental``,
``protos.DataType``, ``protos.DT_INT32``. What stands in another package is found by `get`:
``protos.get("error.Code")``. They are ordinary protobuf classes: ``text_format``, ``json_format``, ``copy``
and ``pickle`` work on them.

Protobuf is loaded, and the descriptors read, when the first of them is asked for.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.graph.protos import schema_pool


def get(name: str) -> Any:
    """Returns the message class, enum or enum value called `name`.

    Args:
      name: TensorFlow's name, with or without the leading ``tensorflow.``: ``"GraphDef"``,
        ``"tensorflow.OpDef.ArgDef"``, ``"DataType"``, ``"DT_FLOAT"``, ``"data.Options"``.

    Returns:
      The one class of that message (so ``isinstance`` works), an enum wrapper, or an int.

    Raises:
      KeyError: TensorFlow's messages that Tideflow knows have no such name.
    """
    schema = schema_pool.schema()
    name = name.removeprefix(schema_pool.PACKAGE + ".")
    if name in schema.messages:
        return schema.message_class(name)
    if name in schema.enums:
        return schema.enum_class(name)
    if name in schema.enum_values:
        return schema.enum_values[name]
    raise KeyError(f"There is no TensorFlow message or enum called {name!r}.")


def file_names() -> list[str]:
    """Returns the names of the schema files, for instance ``tensorflow/core/framework/graph.proto``."""
    return sorted(schema_pool.schema().files)


def file_members(file_name: str) -> dict[str, Any]:
    """Returns what TensorFlow's generated module for a file holds.

    Args:
      file_name: one of `file_names`.

    Returns:
      The file's top-level messages, enums and enum values by name, those of files that it imports publicly
      included, and its descriptor as ``DESCRIPTOR``.

    Raises:
      KeyError: there is no such file.
    """
    schema = schema_pool.schema()
    if file_name not in schema.files:
        raise KeyError(f"There is no schema file called {file_name!r}.")
    descriptor = schema.files[file_name]
    members: dict[str, Any] = {}
    for public in descriptor.public_dependencies:
        members.update(file_members(public.name))
    for name, message in descriptor.message_types_by_name.items():
        members[name] = get(message.full_name)
    for name, enum in descriptor.enum_types_by_name.items():
        members[name] = get(enum.full_name)
        members.update({value.name: value.number for value in enum.values})
    members["DESCRIPTOR"] = descriptor
    return members


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = get(name)
    except KeyError as error:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    schema = schema_pool.schema()
    names = [*schema.messages, *schema.enums, *schema.enum_values]
    return sorted({*globals(), *(name for name in names if "." not in name)})
