"""Private methods of graphs as TensorFlow 1.2 had them, with which Edward copies operations.

Importing this module gives them to `Graph` and `Operation`; nothing else does. An operation is made of its `NodeDef`
alone, joins the graph, and then gets its inputs, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import attr_value, device_scopes, shape_inference, source
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation


class OperationOfNode(Operation):
    """An operation made of a `NodeDef`.

    Args:
      node_def: name, attributes and device of the operation; its inputs are not read.
      g: the graph, which the operation does not join yet.
      inputs: its inputs, if they are known.
      output_types: the dtypes of its outputs.
      control_inputs: the operations that run before it, if they are known.
      input_types: not used.
      original_op: the operation that this one was made for, such as one that it is the gradient of.
      op_def: not used.
    """

    def __init__(
        self,
        node_def: Any,
        g: Graph,
        inputs: Sequence[SymbolicTensor] | None = None,
        output_types: Sequence[Any] | None = None,
        control_inputs: Sequence[Operation] | None = None,
        input_types: Any = None,
        original_op: Operation | None = None,
        op_def: Any = None,
    ) -> None:
        del input_types, op_def
        definition = OpDef.registry[node_def.op]
        attributes = {
            name: attr_value.read(node_def.attr[name], attribute) if name in node_def.attr else attribute.default
            for name, attribute in definition.attributes.items()
        }
        super().__init__(
            g,
            node_def.name,
            definition,
            inputs or (),
            attributes,
            control_inputs or (),
            node_def.device,
            source.capture(),
        )
        types = [dtypes.as_dtype(each) for each in output_types or ()]
        self.outputs = [SymbolicTensor(self, index, dtype, None) for index, dtype in enumerate(types)]
        self._original_op = original_op


def set_shapes_for_outputs(op: Operation) -> None:
    """Finds the static shapes of an operation's outputs."""
    shapes = shape_inference.output_shapes(op, [output._dtype for output in op.outputs])
    for output, shape in zip(op.outputs, shapes, strict=True):
        output._shape = shape


def _make(cls: type[Operation], *arguments: Any, **options: Any) -> Operation:
    first = arguments[0] if arguments else options.get("node_def", options.get("graph"))
    return object.__new__(cls if isinstance(first, Graph) else OperationOfNode)


def _add_input(self: Operation, tensor: SymbolicTensor, dtype: Any = None) -> None:
    del dtype
    self._inputs = (*self._inputs, tensor)
    self.graph.changed_in_place()


def _add_op(self: Graph, op: Operation) -> None:
    self._check_not_finalized()
    with self._lock:
        op.number = len(self._operations)
        self._operations.append(op)
        self._by_name[op.name] = op
        self._names_in_use.setdefault(op.name.lower(), 1)
        self._version += 1


def _record_op_seen_by_control_dependencies(self: Graph, op: Operation) -> None:
    for scope in self._control_stack:
        scope.seen.add(op)


def _apply_device_functions(self: Graph, op: Operation) -> None:
    if self._device_stack:
        op.device = device_scopes.merged(self._device_stack, op)


def _install() -> None:
    operation: Any = Operation
    operation.__new__ = _make
    operation._add_input = _add_input
    operation._original_op = None
    operation._output_types = property(lambda self: [output._dtype for output in self.outputs])
    graph: Any = Graph
    graph._add_op = _add_op
    graph._apply_device_functions = _apply_device_functions
    graph._nodes_by_name = property(lambda self: self._by_name)
    graph._record_op_seen_by_control_dependencies = _record_op_seen_by_control_dependencies
    graph._registered_ops = property(lambda self: OpDef.registry)


_install()
