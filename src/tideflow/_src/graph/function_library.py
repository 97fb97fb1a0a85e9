"""Keeps the functions of a ``GraphDef``'s library in a graph until something calls them."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import errors
from tideflow._src.core.dtypes import DType
from tideflow._src.graph import attr_value, export
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import REQUIRED, Attribute, OpDef


class StoredFunction:
    """Is a function as a library holds it: a ``FunctionDef`` that no one has built a graph of yet.

    Attributes:
      function_def: the message; it belongs to this object and does not change.
      instances: the function graphs made of it, by the values of its attributes.
      gradient_name: the name of the function that computes the gradient, or an empty string.
    """

    __slots__ = ("function_def", "gradient_name", "instances")

    def __init__(self, function_def: Any, gradient_name: str = "") -> None:
        self.function_def = function_def
        self.gradient_name = gradient_name
        self.instances: dict[bytes, Any] = {}

    @property
    def name(self) -> str:
        """The function's name in the library."""
        return self.function_def.signature.name  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<function {self.name!r} of a library>"


def import_library(graph: Graph, library: Any) -> None:
    """Adds the functions of a ``FunctionDefLibrary`` to ``graph.functions``.

    Raises:
      ValueError: a function has no name, or another of the same name is there.
    """
    gradients = {entry.function_name: entry.gradient_func for entry in library.gradient}
    for function_def in library.function:
        name = function_def.signature.name
        if not name:
            raise ValueError("A function in the library of the GraphDef has no name.")
        existing = graph.functions.get(name)
        if existing is None:
            kept = type(function_def)()
            kept.CopyFrom(function_def)
            graph.functions[name] = StoredFunction(kept, gradients.get(name, ""))
        elif _definition_of(existing) != function_def:
            raise ValueError(
                f"Cannot add function '{name}' because a different function with the same name already exists."
            )


def _definition_of(function: Any) -> Any:
    stored = getattr(function, "function_def", None)
    return stored if stored is not None else export.function_def(export.body_of(function))


def unknown_operation(name: str, node: str, place: str = "the GraphDef") -> errors.NotFoundError:
    """Returns the error for a node whose operation is neither defined nor a function.

    Args:
      name: the operation.
      node: the node's name.
      place: where the node stands.
    """
    return errors.NotFoundError(
        None,
        None,
        f"Op type not registered '{name}', which node '{node}' of {place} needs: Tideflow has no such operation, and "
        "the library of the GraphDef no such function. What does not need it runs: other functions of a SavedModel, "
        "parts of a graph without it. If it comes from a library, its operations are not here; save the model anew "
        "with operations of TensorFlow's own in its place, or with tf.py_function.",
    )


def call_attributes(function: StoredFunction, node: Any) -> tuple[OpDef, dict[str, Any]]:
    """Returns the operation that calls a function, and its attributes, for a node whose operation is the function.

    Raises:
      ValueError: the function's types depend on attributes that the node lacks.
      NotFoundError: there is no operation for calls.
    """
    sign = function.function_def.signature
    call = "StatefulPartitionedCall" if sign.is_stateful else "PartitionedCall"
    op_def = OpDef.registry.get(call)
    if op_def is None:
        raise errors.NotFoundError(
            None,
            None,
            f"Op type not registered '{call}', which node '{node.name}' needs to call '{node.op}'.",
        )
    given = {key: attr_value.read_undeclared(value) for key, value in node.attr.items()}
    attrs: dict[str, Any] = {
        key: item.default for key, item in op_def.attributes.items() if item.default is not REQUIRED
    }
    attrs["Tin"] = [argument_type(item, node.attr, node.op) for item in sign.input_arg]
    attrs["Tout"] = [argument_type(item, node.attr, node.op) for item in sign.output_arg]
    attrs["f"] = attr_value.NamedFunction(
        function.name, {key: value for key, value in given.items() if not key.startswith("_")}
    )
    attrs.update({key: value for key, value in given.items() if key.startswith("_")})
    return op_def, attrs


_TYPE = Attribute("dtype", "type")


def argument_type(argument: Any, attributes: Any, name: str) -> DType:
    """Returns the dtype of an argument of a function, given the attributes of the call as messages.

    Raises:
      ValueError: the argument is a list, or its type attribute is missing.
    """
    if argument.number_attr or argument.type_list_attr:
        raise ValueError(f"Argument '{argument.name}' of function '{name}' is a list of tensors.")
    if argument.type_attr:
        if argument.type_attr not in attributes:
            raise ValueError(f"A call of function '{name}' lacks the attribute '{argument.type_attr}'.")
        dtype: DType = attr_value.read(attributes[argument.type_attr], _TYPE)
        return dtype
    return attr_value.read_type(argument.type)
