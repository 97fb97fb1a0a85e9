"""Prepares ``GraphDef`` messages for inference: ``tf.compat.v1.graph_util``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tideflow._src.graph.import_graph import as_graph_def_message

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")
_INT32, _STRING = 3, 7
#: For the operations that TensorFlow keeps on the CPU for some types: the attribute, and those types.
_TYPES_ON_CPU = {
    "Const": ("dtype", (_INT32, _STRING)),
    "DynamicStitch": ("T", (_INT32,)),
    "ParallelDynamicStitch": ("T", (_INT32,)),
    "Cast": ("SrcT", (_INT32,)),
}


def _node_name(text: str) -> str:
    """The node that an input such as ``^x`` or ``x:1`` names."""
    return text.removeprefix("^").split(":")[0]


def extract_sub_graph(graph_def: Any, dest_nodes: Iterable[str]) -> Any:
    """Returns the part of a ``GraphDef`` that some nodes need, in its order.

    Args:
      graph_def: the ``GraphDef``.
      dest_nodes: names of nodes.

    Raises:
      TypeError: an argument is of the wrong type.
      AssertionError: there is no node of such a name.
    """
    graph_def = as_graph_def_message(graph_def)
    if isinstance(dest_nodes, str):
        raise TypeError(f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}.")
    nodes = {node.name: node for node in graph_def.node}
    pending = list(dest_nodes)
    for name in pending:
        if name not in nodes:
            raise AssertionError(f"{name} is not in graph")
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in needed and name in nodes:
            needed.add(name)
            pending.extend(_node_name(text) for text in nodes[name].input)
    result = type(graph_def)(versions=graph_def.versions, library=graph_def.library)
    result.node.extend([node for node in graph_def.node if node.name in needed])
    return result


def remove_training_nodes(input_graph: Any, protected_nodes: Sequence[str] | None = None) -> Any:
    """Returns a ``GraphDef`` without nodes that inference does not need: ``CheckNumerics`` and ``Identity``.

    What used them uses their inputs instead. An ``Identity`` stays if it waits for other nodes or is waited for.

    Args:
      input_graph: the ``GraphDef``.
      protected_nodes: names of nodes to keep.
    """
    input_graph = as_graph_def_message(input_graph)
    protected = set(protected_nodes or ())
    waited_for = {text[1:] for node in input_graph.node for text in node.input if text.startswith("^")}
    sources: dict[str, str] = {}
    for node in input_graph.node:
        waits = any(text.startswith("^") for text in node.input)
        is_identity = node.op == "Identity" and not waits and node.name not in waited_for
        if (is_identity or node.op == "CheckNumerics") and node.name not in protected and node.input:
            sources[node.name] = node.input[0]
    result = type(input_graph)(versions=input_graph.versions, library=input_graph.library)
    for node in input_graph.node:
        if node.name in sources:
            continue
        kept = result.node.add()
        kept.CopyFrom(node)
        inputs = [_through(text, sources) for text in node.input if not (text.startswith("^") and text[1:] in sources)]
        del kept.input[:]
        kept.input.extend(inputs)
    return result


def _through(text: str, sources: dict[str, str]) -> str:
    seen: set[str] = set()
    while not text.startswith("^") and _node_name(text) in sources:
        if text in seen:
            raise ValueError(f"The nodes around '{text}' form a cycle.")
        seen.add(text)
        text = sources[_node_name(text)]
    return text


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Tells whether a node (an ``Operation`` or ``NodeDef``) has to be placed on a CPU.

    Args:
      node: the node.
      pin_variables_on_cpu: whether variables count, too.
    """
    node_def = getattr(node, "node_def", node)
    if pin_variables_on_cpu and node_def.op in (*_VARIABLES, "Assign", "AssignAdd", "AssignSub"):
        return True
    placed = _TYPES_ON_CPU.get(node_def.op)
    if placed is None:
        return False
    attribute, types = placed
    return bool(node_def.attr[attribute].type in types)


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """Returns the static shape of a tensor, named as an input: ``x`` or ``x:1``."""
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name).get_shape()
