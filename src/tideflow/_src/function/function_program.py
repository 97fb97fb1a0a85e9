"""Runs the graph of a traced function on values, with the variables that it uses bound to their storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.device_tensor import DeviceTensor
from tideflow._src.core.tensor import HOST_CPU, EagerTensor, SymbolicTensor
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.function.python_tracing import is_buffer_handle
from tideflow._src.runtime import devices, must_compile, spans, stages
from tideflow._src.runtime.buffers import eager_resources
from tideflow._src.runtime.program import Program
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.runtime.state import RunState


def _on_the_host(tensor: Any) -> Any:
    """Returns the value of a tensor for a program, which takes values of the host."""
    return tensor._value if tensor.__class__ is EagerTensor else np.asarray(tensor._value)


class FunctionProgram:
    """Is a function's graph as a program over certain variables.

    Args:
      graph: the graph.
      inputs: tensors for its parameters; those that refer to variables are bound for good.

    Raises:
      InvalidArgumentError: XLA must compile the function, but only the host can run some operations of it.
    """

    def __init__(self, graph: FuncGraph, inputs: Sequence[Any]) -> None:
        if graph.must_compile:
            must_compile.check(graph)
        bound: dict[SymbolicTensor, Any] = {}
        feeds: list[SymbolicTensor] = []
        self.fed: list[int] = []
        for index, (parameter, tensor) in enumerate(zip(graph.inputs, inputs, strict=True)):
            if is_buffer_handle(tensor):
                bound[parameter] = tensor._value
            else:
                feeds.append(parameter)
                self.fed.append(index)
        # The resources are those of eager execution; the random streams are the function's own.
        self.state = RunState(eager_resources).bound(bound)
        self.program = Program(
            graph.outputs,
            graph.control_outputs,
            feeds,
            self.state,
            compiled=graph.must_compile,
            soft_placement=devices.get_soft_device_placement(),
        )
        self.generation = eager_seeds.generation
        self.holds_text = any(output._dtype is dtypes.string for output in graph.outputs)
        self.calls = 0
        self._graph = graph

    def run_tensors(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """Runs the function on a tensor for each parameter of the graph; returns values."""
        if spans.RECORDERS:
            spans.saw_graph(self._graph)
            return spans.measured("call", self._graph.name, {}, self._run_tensors, inputs)
        return self._run_tensors(inputs)

    def _run_tensors(self, inputs: Sequence[Any]) -> Sequence[Any]:
        fed = [inputs[index] for index in self.fed]
        if self.program.device == HOST_CPU:
            return self.run([_on_the_host(tensor) for tensor in fed])
        values = [tensor.array() if isinstance(tensor, DeviceTensor) else tensor._value for tensor in fed]
        return self.run(values, self.program.call_in_place)

    def run(self, values: Sequence[Any], call: Callable[[Sequence[Any]], Sequence[Any]] | None = None) -> Sequence[Any]:
        """Runs the function on the values of the parameters that no variable is bound to.

        Args:
          values: the values.
          call: the program's way of being called; by default with values of the host, and for such.
        """
        self.calls += 1
        if self.generation != eager_seeds.generation:
            self.generation = eager_seeds.generation
            self.state.restart_streams()
        results = (call or self.program.call)(values)
        if self.holds_text:
            return [np.array(item, object) if item.__class__ is bytes else item for item in results]
        return results

    def explain(self) -> dict[str, Any]:
        """Returns what the program is made of and where it runs; see :meth:`Program.explain`."""
        found = self.program.explain()
        if not found["stages"]:  # it was not compiled, but may be
            found["stages"] = [
                {
                    "compiled": stage.compiled,
                    "operations": [op.type for op in stage.ops],
                    "why": "" if stage.compiled else "these are for the host only",
                }
                for stage in stages.split(self.program.plan, self.state, set())
            ]
        return found
