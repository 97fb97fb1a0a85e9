"""Builds the graph of a function from its ``FunctionDef``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tideflow._src.core import nesting
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import attr_value, export, protos
from tideflow._src.graph.attr_value import NamedFunction
from tideflow._src.graph.function_library import StoredFunction, argument_type, unknown_operation
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.import_nodes import NodeImport
from tideflow._src.graph.op_def import REQUIRED, OpDef
from tideflow._src.graph.operation import Operation


class FunctionBody(NamedTuple):
    """Is what a function's signature names in the graph of its body."""

    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor]
    control_outputs: list[Operation]


class FunctionBuilder:
    """Makes function graphs of what attributes name, once for each function and its attributes.

    Args:
      graph: the graph whose library holds the functions.
      make_function: makes an empty function graph, given its name and the graph that it is used in; or None.
    """

    def __init__(self, graph: Graph, make_function: Callable[[str, Graph], Any] | None) -> None:
        self.graph = graph
        self.make_function = make_function
        self.under_way: list[str] = []

    def instantiate(self, reference: NamedFunction) -> Any:
        """Returns the function graph that an attribute refers to.

        Raises:
          ValueError: there is no such function, it is malformed, or it uses itself.
          NotFoundError: an operation in it does not exist here.
        """
        function = self.graph.functions.get(reference.name)
        if function is None:
            raise ValueError(f"Function '{reference.name}' is not in the library of the GraphDef.")
        if not isinstance(function, StoredFunction):
            return function
        key = _key(reference)
        built = function.instances.get(key)
        if built is None:
            built = function.instances[key] = self._build(function, reference.attributes)
        return built

    def _build(self, function: StoredFunction, attributes: dict[str, Any]) -> Any:
        name = function.name
        if self.make_function is None:
            raise ValueError(f"Function '{name}' cannot be used where there are no function graphs.")
        if name in self.under_way or len(self.under_way) >= nesting.MOST_LEVELS:
            how = "uses itself" if name in self.under_way else "is nested too deeply"
            raise ValueError(f"Function '{name}' {how}: {' -> '.join([*self.under_way[-3:], name])}.")
        self.under_way.append(name)
        try:
            graph = self.make_function(name, self.graph)
            with nesting.level():
                body = fill_function_graph(
                    graph, function.function_def, self.graph.functions, attributes, self.instantiate
                )
        finally:
            self.under_way.pop()
        graph.inputs, graph.outputs, graph.control_outputs = body
        return graph


def _key(reference: NamedFunction) -> bytes:
    message = protos.get("AttrValue")()
    attr_value.write(message, "func", reference)
    return message.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


def fill_function_graph(
    graph: Graph,
    function_def: Any,
    library: dict[str, Any],
    attributes: dict[str, Any],
    instantiate: Callable[[NamedFunction], Any],
) -> FunctionBody:
    """Adds the nodes of a function to an empty graph.

    Args:
      graph: the graph, without operations.
      function_def: the function.
      library: the functions that the body may call; they become those of the graph.
      attributes: values of the attributes that the body leaves open, by name.
      instantiate: returns the function graph that an attribute in the body names.

    Returns:
      The placeholders of the arguments, the outputs and the operations that a call waits for.

    Raises:
      ValueError: the function is malformed; what is in the graph is then of no use.
      NotFoundError: a node's operation does not exist here.
    """
    name = function_def.signature.name
    values = {key: _message(value) for key, value in attributes.items()}
    graph_def = protos.get("GraphDef")()
    graph_def.versions.producer = export.PRODUCER
    arguments = [item.name for item in function_def.signature.input_arg]
    for index, argument in enumerate(function_def.signature.input_arg):
        node = graph_def.node.add(name=argument.name, op="Placeholder")
        node.attr["dtype"].type = argument_type(argument, values, name).as_datatype_enum
        shapes = function_def.arg_attr[index].attr if index in function_def.arg_attr else {}
        if "_output_shapes" in shapes and len(shapes["_output_shapes"].list.shape) == 1:
            node.attr["shape"].shape.CopyFrom(shapes["_output_shapes"].list.shape[0])
        else:
            node.attr["shape"].shape.unknown_rank = True
    ranges: dict[str, dict[str, int]] = {}
    for item in function_def.node_def:
        node = graph_def.node.add()
        node.CopyFrom(item)
        for key in item.attr:
            if item.attr[key].WhichOneof("value") == "placeholder":
                node.attr[key].CopyFrom(_substitute(values, item.attr[key].placeholder, name))
        if OpDef.registry.get(node.op) is None and node.op not in library:
            raise unknown_operation(node.op, node.name, f"the function '{name}'")
        ranges[node.name] = output_positions(node, library)
    known = set(arguments)
    own = {node.name for node in graph_def.node}
    for node in graph_def.node[len(arguments) :]:
        if "_class" in node.attr:  # of a group outside of the function, of which nothing is left inside
            groups = node.attr["_class"].list.s
            groups[:] = [group for group in groups if group.removeprefix(b"loc:@").decode(errors="replace") in own]
        inputs = [text if text.startswith("^") else tensor_name(text, known, ranges, name) for text in node.input]
        del node.input[:]
        node.input.extend(inputs)
    returned = []
    for output in function_def.signature.output_arg:
        if output.name not in function_def.ret:
            raise ValueError(f"Function '{name}' says nowhere what its output '{output.name}' is.")
        returned.append(tensor_name(function_def.ret[output.name], known, ranges, name))
    controls = [function_def.control_ret[item] for item in function_def.signature.control_output]
    graph.functions.update(library)
    work = NodeImport(graph, graph_def, {}, "", None, instantiate)
    work.references = {argument.name for argument in function_def.signature.input_arg if argument.is_ref}
    work.run()
    outputs = [work.element(*_split(text)) for text in returned]
    return FunctionBody(
        [work.element(item, 0) for item in arguments],
        outputs,
        [work.element(item, None) for item in controls],
    )


def _split(text: str) -> tuple[str, int]:
    name, _, position = text.partition(":")
    return name, int(position or 0)


def _message(value: Any) -> Any:
    message = protos.get("AttrValue")()
    attr_value.write_undeclared(message, value)
    return message


def _substitute(values: dict[str, Any], placeholder: str, name: str) -> Any:
    if placeholder not in values:
        raise ValueError(f"A call of function '{name}' lacks the attribute '{placeholder}'.")
    return values[placeholder]


def output_positions(node: Any, library: Mapping[str, Any]) -> dict[str, int]:
    """Returns the position of the first tensor of each output argument of a node."""
    op_def = OpDef.registry.get(node.op)
    if op_def is None:
        stored = library.get(node.op)
        stored = getattr(stored, "function_def", stored)
        outputs = stored.signature.output_arg if stored is not None else ()
        return {argument.name: index for index, argument in enumerate(outputs)}
    positions: dict[str, int] = {}
    position = 0
    for argument in op_def.outputs:
        positions[argument.name] = position
        counted = argument.number_attr or argument.type_list_attr
        if not counted:
            position += 1
            continue
        attribute = op_def.attributes[counted]
        if counted not in node.attr and attribute.default is REQUIRED:
            raise ValueError(f"Node '{node.name}' ({node.op}): NodeDef missing attr '{counted}'")
        value = attr_value.read(node.attr[counted], attribute) if counted in node.attr else attribute.default
        position += value if argument.number_attr else len(value)
    return positions


def tensor_name(text: str, arguments: set[str], ranges: dict[str, dict[str, int]], name: str) -> str:
    """Turns ``node:output:index`` as function bodies write it into ``node:index``."""
    if text in arguments:
        return text
    parts = text.split(":")
    positions = ranges.get(parts[0])
    is_known = positions is not None and len(parts) in (2, 3) and parts[1] in positions
    if not is_known or (len(parts) == 3 and not (parts[2].isascii() and parts[2].isdigit())):
        raise ValueError(f"Function '{name}' refers to '{text}', which is neither an argument nor an output in it.")
    return f"{parts[0]}:{positions[parts[1]] + (int(parts[2]) if len(parts) == 3 else 0)}"  # type: ignore[index]
