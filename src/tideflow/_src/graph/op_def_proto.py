"""Writes definitions of operations as ``OpDef`` messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.op_def import REQUIRED, Argument, Attribute, OpDef


def op_def_message(definition: OpDef) -> Any:
    """Returns the ``OpDef`` message of a definition, as TensorFlow's registry would hold it (without documentation)."""
    message = protos.get("OpDef")(name=definition.name)
    for argument in definition.inputs:
        _write_argument(message.input_arg.add(), argument)
    for argument in definition.outputs:
        _write_argument(message.output_arg.add(), argument)
    for attribute in definition.attributes.values():
        _write_attribute(message.attr.add(), attribute)
    message.is_commutative = definition.commutative
    message.is_aggregate = definition.aggregate
    message.is_stateful = definition.is_stateful
    message.allows_uninitialized_input = definition.allows_uninitialized
    return message


def op_list(definitions: Iterable[OpDef]) -> Any:
    """Returns the ``OpList`` of some definitions, sorted by name."""
    message = protos.get("OpList")()
    for definition in sorted(definitions, key=lambda item: item.name):
        message.op.append(op_def_message(definition))
    return message


def stripped_op_list(graph_def: Any) -> Any:
    """Returns the ``OpList`` of the operations that a ``GraphDef`` and its functions use and that are defined here."""
    names = {node.op for node in graph_def.node}
    for function in graph_def.library.function:
        names.update(node.op for node in function.node_def)
    return op_list(OpDef.registry[name] for name in names if name in OpDef.registry)


def _write_argument(message: Any, argument: Argument) -> None:
    message.name = argument.name
    if argument.dtype is not None:
        message.type = argument.dtype.as_datatype_enum
    message.type_attr = argument.type_attr
    message.number_attr = argument.number_attr
    message.type_list_attr = argument.type_list_attr
    message.is_ref = argument.is_ref


def _write_attribute(message: Any, attribute: Attribute) -> None:
    message.name = attribute.name
    message.type = attribute.type
    if attribute.minimum is not None:
        message.has_minimum = True
        message.minimum = attribute.minimum
    if attribute.allowed is not None:
        values = message.allowed_values.list
        for item in attribute.allowed:
            if isinstance(item, DType):
                values.type.append(item.as_datatype_enum)
            else:
                values.s.append(attr_value.as_bytes(item))
    if attribute.default is not REQUIRED:
        attr_value.write(message.default_value, attribute.type, attribute.default)
