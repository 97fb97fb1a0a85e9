"""Writes graphs as ``GraphDef``, ``NodeDef`` and ``FunctionDef`` messages, as TensorFlow writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import attr_value, protos, reader_attributes
from tideflow._src.graph.signature import length

if TYPE_CHECKING:
    from tideflow._src.graph.graph import Graph
    from tideflow._src.graph.operation import Operation

#: The version of the GraphDef format that is written: that of TensorFlow 2.21.
PRODUCER = 2474
#: The oldest producer whose graphs are read.
MINIMUM_PRODUCER = 0
#: The oldest consumer that knows libraries of functions.
_CONSUMER_OF_FUNCTIONS = 12

_OUTPUT_SHAPES = "_output_shapes"


def graph_def(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """Returns a graph as a ``GraphDef``.

    Args:
      graph: the graph.
      from_version: accepted and without effect, as in TensorFlow 2.21: all operations are written.
      add_shapes: whether each node carries the static shapes of its outputs in ``_output_shapes``.

    Raises:
      TypeError: an attribute has a value that no message can hold.
    """
    del from_version
    message = protos.get("GraphDef")()
    message.versions.producer = PRODUCER
    operations = graph.get_operations()
    add = message.node.add
    for op in operations:
        write_node(add(), op, add_shapes)
    _write_library(message, graph, operations, add_shapes)
    if message.library.function:
        message.versions.min_consumer = _CONSUMER_OF_FUNCTIONS
    return message


def node_def(op: Operation) -> Any:
    """Returns an operation as a ``NodeDef``."""
    message = protos.get("NodeDef")()
    write_node(message, op)
    return message


def write_node(message: Any, op: Operation, add_shapes: bool = False) -> None:
    """Puts an operation into a ``NodeDef``.

    Raises:
      TypeError: an attribute has a value that no message can hold.
    """
    message.name = op.name
    message.op = op.op_def.name
    message.input.extend([_input_name(tensor) for tensor in op._inputs])
    if op._control_inputs:
        message.input.extend([f"^{control.name}" for control in op._control_inputs])
    if op.device:
        message.device = op.device
    _write_attributes(message, op)
    if add_shapes and op.outputs:
        attr_value.write(message.attr[_OUTPUT_SHAPES], "list(shape)", [output._shape for output in op.outputs])


def _input_name(tensor: SymbolicTensor) -> str:
    index = tensor._value_index
    return f"{tensor._op.name}:{index}" if index else tensor._op.name


def _write_attributes(message: Any, op: Operation) -> None:
    declared = op.op_def.attributes
    attributes = message.attr
    for name, value in op.attrs.items():
        attribute = declared.get(name)
        try:
            if attribute is None:
                attr_value.write_undeclared(attributes[name], value)
            elif value is not None or attribute.type == "shape":
                attr_value.write(attributes[name], attribute.type, value)
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"The attribute {name!r} of operation '{op.name}' ({op.type}) cannot be written: {error}"
            ) from None
    for name, value in reader_attributes.of(op).items():
        attr_value.write_undeclared(attributes[name], value)


# Functions


def _write_library(message: Any, graph: Graph, operations: Sequence[Operation], add_shapes: bool) -> None:
    """Writes the functions that a graph holds, or that its operations and those of the functions refer to."""
    pending = [*graph.functions.values(), *_functions_used(operations)]
    written: set[str] = set()
    while pending:
        function = pending.pop(0)
        name = _function_name(function)
        if name in written:
            continue
        written.add(name)
        entry = message.library.function.add()
        stored = getattr(function, "function_def", None)
        if stored is not None:
            entry.CopyFrom(stored)
        else:
            body = body_of(function)
            entry.CopyFrom(function_def(body, add_shapes))
            pending.extend(body.functions.values())
            pending.extend(_functions_used(body.get_operations()))
        gradient = getattr(function, "gradient_name", None)
        if gradient:
            message.library.gradient.add(function_name=name, gradient_func=gradient)


def _functions_used(operations: Iterable[Operation]) -> Iterator[Any]:
    """Yields the functions themselves that attributes hold; a mere name stands for one of the graph's own."""
    for op in operations:
        for name in attr_value.function_attributes(op.op_def):
            value = op.attrs.get(name)
            for item in value if isinstance(value, list) else (value,):
                if item is not None and not isinstance(item, str | attr_value.NamedFunction):
                    yield item


def _function_name(function: Any) -> str:
    name = function.name
    return name.decode() if isinstance(name, bytes) else name


def body_of(function: Any) -> Any:
    """Returns the graph of a function given as that graph or as something that has it as ``graph``."""
    return function if hasattr(function, "building_function") else function.graph


def function_def(function: Any, add_shapes: bool = False) -> Any:
    """Returns a function graph as a ``FunctionDef``.

    Args:
      function: the graph, with ``name``, ``inputs`` (its placeholders, captured values included), ``outputs`` and
        perhaps ``control_outputs`` (operations that a call waits for) and ``function_attributes``.
      add_shapes: whether the body's nodes carry their shapes.

    Raises:
      ValueError: an output is not of the graph.
    """
    message = protos.get("FunctionDef")()
    signature = message.signature
    signature.name = _function_name(function)
    arguments = {tensor.op for tensor in function.inputs}
    body = [op for op in function.get_operations() if op not in arguments]
    names = _FunctionNames()
    for tensor in function.outputs:
        if tensor.graph is not function:
            raise ValueError(f"The output {tensor!r} is not of the function {signature.name!r}.")
        name = names.of_argument(tensor.op.name)
        dtype = tensor.dtype
        signature.output_arg.add(name=name, type=dtype.base_dtype.as_datatype_enum, is_ref=dtype._is_ref_dtype)
    for index, tensor in enumerate(function.inputs):
        argument = names.add_input(tensor)
        dtype = tensor.dtype
        signature.input_arg.add(name=argument, type=dtype.base_dtype.as_datatype_enum, is_ref=dtype._is_ref_dtype)
        attributes = message.arg_attr[index].attr
        attr_value.write(attributes[_OUTPUT_SHAPES], "list(shape)", [tensor._shape])
        given = tensor._op.attrs.get("_user_specified_name")
        if given is not None:
            attr_value.write_undeclared(attributes["_user_specified_name"], given)
    for op in body:
        names.add_node(op)
    for op in body:
        node = message.node_def.add()
        write_node(node, op, add_shapes)
        node.name = names.nodes[op]
        if "_class" in op.attrs:
            groups = [names.of_group(group) for group in op.attrs["_class"]]
            node.attr["_class"].Clear()
            attr_value.write_undeclared(node.attr["_class"], groups)
        del node.input[:]
        node.input.extend([names.reference(tensor) for tensor in op._inputs])
        node.input.extend([f"^{names.nodes[control]}" for control in op._control_inputs])
        signature.is_stateful = signature.is_stateful or op.op_def.stateful
    for output, tensor in zip(signature.output_arg, function.outputs, strict=True):
        message.ret[output.name] = names.reference(tensor)
    for op in getattr(function, "control_outputs", ()):
        signature.control_output.append(op.name)
        message.control_ret[op.name] = names.nodes[op]
    for key, value in getattr(function, "function_attributes", {}).items():
        attr_value.write_undeclared(message.attr[key], value)
    return message


_GROUP = "loc:@"


class _FunctionNames:
    """Names the outputs, inputs and nodes of a function apart, in this order: the first to want a name has it.

    TensorFlow's readers share one space of names, in which a node of the same name as an argument is that argument.

    Attributes:
      nodes: the name of each operation, and that of the argument for the placeholder that stands for it.
    """

    def __init__(self) -> None:
        self.nodes: dict[Operation, str] = {}
        self._inputs: dict[SymbolicTensor, str] = {}
        self._taken: set[str] = set()

    def of_group(self, group: str) -> str:
        """Returns a group of operations on one device, which has the name of one of them, with that one's name here."""
        prefix, name = group[: len(_GROUP)], group[len(_GROUP) :]
        if prefix != _GROUP:
            return group
        return next((_GROUP + new for op, new in self.nodes.items() if op.name == name), group)

    def of_argument(self, name: str) -> str:
        """Returns the name of an argument made of a node called ``name``: small letters, digits, underscores."""
        name = re.sub(r"[^a-z0-9]", "_", name.lower()).lstrip("_0123456789")
        return self._unique(name or "unknown")

    def add_input(self, tensor: SymbolicTensor) -> str:
        """Names the argument that a placeholder stands for."""
        name = self.of_argument(tensor._op.name)
        self._inputs[tensor] = self.nodes[tensor._op] = name
        return name

    def add_node(self, op: Operation) -> None:
        """Names an operation of the body: as it is called, unless an argument is."""
        self.nodes[op] = self._unique(op.name)

    def reference(self, tensor: SymbolicTensor) -> str:
        """Returns what the body calls a tensor: the argument, or ``node:output_argument:index``."""
        known = self._inputs.get(tensor)
        return known if known is not None else f"{self.nodes[tensor._op]}:{_output_position(tensor)}"

    def _unique(self, name: str) -> str:
        candidate, count = name, 0
        while candidate in self._taken:
            candidate = f"{name}_{count}"
            count += 1
        self._taken.add(candidate)
        return candidate


def _output_position(tensor: SymbolicTensor) -> str:
    """Returns the place of a tensor among the outputs of its operation: ``output_argument:index``."""
    op = tensor._op
    position = tensor._value_index
    for argument in op.op_def.outputs:
        count = length(argument, op.attrs)
        if position < count:
            return f"{argument.name}:{position}"
        position -= count
    raise AssertionError(f"{tensor!r} is beyond the outputs of its operation.")
