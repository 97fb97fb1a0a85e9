"""Copies operations to the graph of a function, each once."""

from __future__ import annotations

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.plan import is_back_edge


class OperationCopies:
    """Is what stands in a graph for operations and tensors of another.

    Args:
      graph: the graph that the copies go to.

    Attributes:
      tensors: by tensor of the other graph, the one that stands for it; parameters are added by the caller.
      operations: by operation that was copied, its copy.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.tensors: dict[SymbolicTensor, SymbolicTensor] = {}
        self.operations: dict[Operation, Operation] = {}

    def add(self, op: Operation) -> None:
        """Copies an operation whose inputs are there, but for those that come from the turn before of a loop."""
        inputs = [self.tensors[tensor] for tensor in op._inputs if not is_back_edge(op, tensor._op)]
        if len(inputs) < len(op._inputs):
            inputs = [self.tensors.get(tensor, inputs[0]) for tensor in op._inputs]
        copy = self._graph.add_operation(
            op.op_def,
            inputs,
            dict(op.attrs),
            op.name,
            control_inputs=[self.operations[control] for control in op._control_inputs if control in self.operations],
            output_types=[output._dtype for output in op.outputs],
            output_shapes=[output._shape for output in op.outputs],
        )
        copy.device = op.device
        copy._source = op._source
        self.operations[op] = copy
        for old, new in zip(op.outputs, copy.outputs, strict=True):
            self.tensors[old] = new
            for name in ("_static", "_variable"):
                value = getattr(old, name, None)
                if value is not None:
                    setattr(new, name, value)

    def close_frames(self) -> None:
        """Gives the merges of loops made of frames what comes from the turn before, which was not there at first."""
        for op, copy in self.operations.items():
            if any(is_back_edge(op, tensor._op) for tensor in op._inputs):
                copy._inputs = tuple(self.tensors[tensor] for tensor in op._inputs)
