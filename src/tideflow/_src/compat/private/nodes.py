"""Nodes made of ``NodeDef`` messages, and what records them on tapes: ``create_c_op``, ``record_gradient``.

Importing this module gives ``Graph``, ``Operation`` and ``OpDef`` what goes with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import InternalError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import protos
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.import_graph import import_graph_def
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.op_def_proto import op_def_message
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import group
from tideflow._src.ops.state.variables import var_handle_op


def _create_c_op(
    graph: Any,
    node_def: Any,
    inputs: Sequence[Any],
    control_inputs: Sequence[Any],
    op_def: Any = None,
    extract_traceback: bool = True,
) -> Operation:
    """Adds the node that a message describes to a graph, on tensors that are there.

    Args:
      graph: the graph.
      node_def: a ``NodeDef``; what it says of inputs does not count.
      inputs: the tensors of the graph that it takes, lists flattened.
      control_inputs: the operations that have to run before it.
      op_def, extract_traceback: kept for TensorFlow's signature.

    Returns:
      The operation. No tape records it until :func:`record_gradient` does.

    Raises:
      ValueError: attributes or inputs do not fit the operation.
    """
    del op_def, extract_traceback
    message = protos.GraphDef()
    node = message.node.add()
    node.CopyFrom(node_def)
    del node.input[:]
    taken: dict[str, Any] = {f"{node.name}_input_{place}:0": tensor for place, tensor in enumerate(inputs)}
    node.input.extend(taken)
    with graph.as_default(), graph.name_scope(None):
        made: list[Operation] = import_graph_def(message, taken, [node.name], name="") or []
    (operation,) = made
    if control_inputs:
        operation._add_control_inputs(control_inputs)
    return operation


def record_gradient(op_name: str, inputs: Sequence[Any], attrs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Records on the tapes of this thread that an operation was called.

    Args:
      op_name: the operation.
      inputs: the tensors it took, lists flattened.
      attrs: the names of its attributes, each followed by its value.
      outputs: the tensors it gave, lists flattened.

    Raises:
      KeyError: there is no such operation.
    """
    definition: Any = OpDef.registry[op_name]
    outputs = list(outputs)
    if outputs and isinstance(outputs[0], SymbolicTensor):
        context.record_node(outputs[0].op)
        return
    given = {name: _plain(value) for name, value in zip(attrs[::2], attrs[1::2], strict=True)}
    values = {name: given.get(name, attribute.default) for name, attribute in definition.attributes.items()}
    grouped = group(definition.inputs, values, list(inputs))
    context.record(definition, grouped, values, outputs)


def _plain(value: Any) -> Any:
    """Returns the value of an attribute as gradient rules get it."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _variable_handle_from_shape_and_dtype(
    shape: Any, dtype: Any, shared_name: str | None, name: str | None, graph_mode: bool, initial_value: Any = None
) -> Any:
    """Returns the handle of a new variable without a value.

    Raises:
      InternalError: operations run eagerly, and a name to share it by is given.
    """
    del initial_value
    if not graph_mode and shared_name is not None:
        raise InternalError(None, None, "Using an explicit shared_name is not allowed when executing eagerly.")
    return var_handle_op(shape=shape, dtype=dtypes.as_dtype(dtype), shared_name=shared_name or "", name=name)


def _create_op_from_tf_operation(self: Graph, c_op: Operation, compute_device: bool = True) -> Operation:
    del self, compute_device
    return c_op


def _control_flow_post_processing(self: Operation, input_tensors: Any = None) -> None:
    del self, input_tensors


def _install() -> None:
    graph: Any = Graph
    graph._create_op_from_tf_operation = _create_op_from_tf_operation
    definition: Any = OpDef
    definition.attr = property(lambda self: op_def_message(self).attr)
    operation: Any = Operation
    operation._control_flow_post_processing = _control_flow_post_processing


_install()
