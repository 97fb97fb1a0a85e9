"""Copies the operations of one graph into another: for gradients that compute a function's values again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation


def replay(function: FuncGraph, values: Sequence[Any], into: Graph) -> list[SymbolicTensor]:
    """Adds a function's operations to a graph, with ``values`` for its parameters.

    Args:
      function: the function.
      values: tensors of ``into`` (or that it can capture), one for each parameter.
      into: the graph that grows.

    Returns:
      The tensors that stand for the function's outputs.
    """
    mapped: dict[SymbolicTensor, Any] = {
        parameter: into.capture(value) for parameter, value in zip(function.inputs, values, strict=True)
    }
    ops: dict[Operation, Operation] = {}
    for op in function.plan_ops():
        inputs = [mapped[tensor] for tensor in op.inputs]
        controls = [ops[control] for control in op.control_inputs if control in ops]
        copy = into.add_operation(
            op.op_def,
            inputs,
            dict(op.attrs),
            op.name,
            control_inputs=controls,
            output_types=[output._dtype for output in op.outputs],
            output_shapes=[output._shape for output in op.outputs],
        )
        ops[op] = copy
        mapped.update(zip(op.outputs, copy.outputs, strict=True))
    return [mapped[output] for output in function.outputs]
