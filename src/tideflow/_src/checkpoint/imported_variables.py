"""The variables of an imported graph, made outside of it: a function of the graph has them as its captures."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.protos.text import from_bytes
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.resource_variable import UninitializedVariable


class ImportedVariables:
    """Makes the resource variables of a graph outside of it, so that all functions of the graph have the same ones.

    Args:
      meta_graph: the ``MetaGraphDef``; its collections of variables are taken out.
      scope: the name scope that the graph is imported under, without a slash at its end, or empty.

    Raises:
      ValueError: a collection has a variable that the graph does not make.

    Attributes:
      all: the variables, as the graph's collections have them.
      used: those that nodes of the graph use, by the names of the nodes that make them there.
    """

    def __init__(self, meta_graph: Any, scope: str = "") -> None:
        self._collections: dict[str, list[Any]] = {}
        definitions: dict[str, Any] = {}
        for key in _VARIABLES:
            if key not in meta_graph.collection_def:
                continue
            contents = meta_graph.collection_def[key].bytes_list
            others = []  # reference variables, which stay in the graph
            for content in contents.value:
                definition = _definition(content)
                if definition is None or not definition.is_resource:
                    others.append(content)
                    continue
                self._collections.setdefault(key, []).append(definition.variable_name)
                definitions[definition.variable_name] = definition
            if others:
                contents.value[:] = others
            elif key in self._collections:
                del meta_graph.collection_def[key]
        self._by_name = {}
        self._initial: dict[str, str] = {}
        prefix = f"{scope}/" if scope else ""
        with init_scope():
            for node in meta_graph.graph_def.node:
                if node.op == "VarHandleOp":
                    definition = definitions.get(f"{node.name}:0")
                    self._by_name[node.name] = _variable(node, definition, prefix)
                    if definition is not None and definition.initial_value_name:
                        self._initial[node.name] = prefix + definition.initial_value_name
        inputs = {text.removesuffix(":0") for node in meta_graph.graph_def.node for text in node.input}
        self.used = {name: variable for name, variable in self._by_name.items() if name in inputs}
        names = {name: None for key in _VARIABLES for name in self._collections.get(key, ())}
        self.all = [self._of(name) for name in names]

    def _of(self, name: str) -> Any:
        variable = self._by_name.get(name.removesuffix(":0"))
        if variable is None:
            raise ValueError(f"The graph has a variable {name!r} that no node of it makes.")
        return variable

    def join_collections(self, graph: Any) -> None:
        """Adds the variables to the collections of a graph that they were in."""
        for key, names in self._collections.items():
            for name in names:
                graph.add_to_collection(key, self._of(name))

    def initial_values(self, graph: Any) -> list[tuple[Any, Any]]:
        """Returns the variables with the tensors of a graph that they begin with, as far as that is known."""
        return [(self._by_name[name], graph.as_graph_element(tensor)) for name, tensor in self._initial.items()]


_VARIABLES = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.GLOBAL_STEP,
)


def _definition(content: bytes) -> Any:
    try:
        return from_bytes(content, protos.get("VariableDef")())
    except ValueError:
        return None


def _variable(node: Any, definition: Any, prefix: str) -> Any:
    """Returns a variable without a value, like the one that a node makes."""
    dtype = attr_value.read_type(node.attr["dtype"].type)
    shape = TensorShape(attr_value.read_shape(node.attr["shape"].shape))
    trainable = definition is not None and definition.trainable
    name = f"{prefix}{node.name}/"  # the slash makes the name one that no scope comes before
    return UninitializedVariable(TensorSpec(shape, dtype), trainable=trainable, name=name, shape=shape)
