"""Saves the gradients that ``tf.custom_gradient`` defines, as functions."""

from __future__ import annotations

from typing import Any, NamedTuple

from tideflow._src.autodiff import rules
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.graph import attr_value, export
from tideflow._src.graph.operation import Operation
from tideflow._src.saved_model.exported_graph import ExportedGraph
from tideflow._src.saved_model.object_numbers import SavedObjects
from tideflow._src.state.trackable import Trackable

_GRADIENT = "_gradient_op_type"
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


class GradientFunction(NamedTuple):
    """Is a gradient as a function.

    Attributes:
      function: takes the gradients of the outputs of a node, and gives those of its inputs.
      captured: what it captures.
      registered_name: the name that the node has for it.
    """

    function: ConcreteFunction
    captured: list[Any]
    registered_name: str


class CapturedTensorNode(Trackable):
    """Is a tensor inside of a function, in the object graph.

    Args:
      name: the name of the tensor in the function's definition.
      function: the name of the function.
    """

    def __init__(self, name: str, function: str) -> None:
        self._name = name
        self._function = function

    def _written_to(self, entry: Any) -> None:
        entry.captured_tensor.name = self._name
        entry.captured_tensor.concrete_function = self._function


def add_gradient_functions(objects: SavedObjects, exported: ExportedGraph) -> list[GradientFunction]:
    """Adds the gradients of nodes that have one of their own; returns them.

    Raises:
      ValueError: such a gradient cannot be traced, or needs what cannot be saved.
    """
    made: list[GradientFunction] = []
    seen: set[str] = set()
    bodies = _bodies(exported)
    names = _Names()
    for body in bodies:
        for op in list(body.get_operations()):
            name = op.attrs.get(_GRADIENT)
            name = name.decode() if isinstance(name, bytes) else name
            if name is None or name in seen or op.type in _CALLS:
                continue
            seen.add(name)
            rule = rules.user_rules.get(name)
            if rule is None:
                continue
            function = _traced(rule, op, name)
            exported.graph.functions[function.graph.name] = function.graph
            captured = []
            for tensor in function.graph.external_captures:
                if not isinstance(tensor, EagerTensor):
                    tensor = _outermost(tensor, bodies)
                if not isinstance(tensor, EagerTensor):
                    node = CapturedTensorNode(names.of(tensor), tensor.graph.name)
                    exported.note_captured(tensor, objects.add(node))
                captured.append(tensor)
            made.append(GradientFunction(function, captured, name))
    return made


def _bodies(exported: ExportedGraph) -> list[Any]:
    """Returns the graphs of all functions, those that others call included."""
    found: dict[int, Any] = {}
    pending = [export.body_of(each) for each in exported.graph.functions.values()]
    while pending:
        body = pending.pop()
        if id(body) in found:
            continue
        found[id(body)] = body
        for op in body.get_operations():
            for key in attr_value.function_attributes(op.op_def):
                value = op.attrs.get(key)
                pending += [each for each in _listed(value) if hasattr(each, "inputs")]
    return list(found.values())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _traced(rule: Any, op: Operation, name: str) -> ConcreteFunction:
    def gradient(*dys: Any) -> Any:
        return list(rule(op, *dys))

    specs = [TensorSpec(output.shape, output.dtype) for output in op.outputs]
    try:
        with op.graph.as_default():
            traced = TracedFunction(gradient, f"custom_gradient_{op.name}", autograph=False)
            traced._omit_frequent_tracing_warning = True  # it is traced once for each node
            return traced.get_concrete_function(*specs)
    except Exception as error:
        raise ValueError(
            "Error when tracing gradients for SavedModel.\n\nCheck the error log to see the error that was raised when "
            "converting a gradient function to a concrete function. You may need to update the custom gradient, or "
            "disable saving gradients with the option "
            "tf.saved_model.SaveOptions(experimental_custom_gradients=False).\n"
            f"\tProblematic op name: {op.name} ({name})\n\tGradient inputs: {op.inputs}"
        ) from error


def _outermost(tensor: Any, bodies: list[Any]) -> Any:
    """Returns the tensor with a value that a parameter of a function stands for; else the tensor itself."""
    graph = tensor.graph
    for outer, inner in getattr(graph, "captures", ()):
        if inner is tensor:
            return outer if isinstance(outer, EagerTensor) else _outermost(outer, bodies)
    return tensor


class _Names:
    """Knows what the tensors of functions are called in the definitions of these."""

    def __init__(self) -> None:
        self._of_graph: dict[int, dict[Operation, str]] = {}

    def of(self, tensor: Any) -> str:
        """Returns the name of a tensor, such as ``mul:0``."""
        graph = tensor.graph
        names = self._of_graph.get(id(graph))
        if names is None:
            definition = export.function_def(graph)
            arguments = [item.op for item in graph.inputs]
            names = dict(zip(arguments, [each.name for each in definition.signature.input_arg], strict=True))
            body = [op for op in graph.get_operations() if op not in set(arguments)]
            names.update(zip(body, [node.name for node in definition.node_def], strict=True))
            self._of_graph[id(graph)] = names
        return f"{names[tensor.op]}:{tensor._value_index}"
