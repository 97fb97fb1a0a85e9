"""Brings the initial value of a variable out of the function being built, whose tensors have no value yet."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, wrap
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.buffers import eager_resources
from tideflow._src.runtime.host import HostProgram
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState


def lifted(initial_value: Any) -> Any:
    """Returns ``initial_value``, computed at once if it is a tensor of a function that eager code builds.

    Raises:
      ValueError: the value depends on the function's arguments, so that it has none while the function is built.
    """
    if not isinstance(initial_value, SymbolicTensor):
        return initial_value
    graph = initial_value.graph
    outer = graph
    while outer is not None and outer.building_function:
        outer = outer.outer_graph
    if outer is not None:
        return initial_value
    known = {inner: captured for captured, inner in graph.captures if isinstance(captured, EagerTensor)}
    feeds = [tensor for tensor in known if tensor in _ancestors(initial_value)]
    missing = [op for op in _placeholders(initial_value) if op.outputs[0] not in known]
    if missing:
        raise ValueError(
            f"The initial value of a variable, {initial_value!r}, depends on {missing[0].name!r}, an "
            "argument of the "
            "function being built, which has no value yet. Pass a function that makes the initial value "
            "instead."
        )
    plan = Plan([initial_value], [], feeds)
    program = HostProgram(plan, plan.ops, feeds, [initial_value], RunState(eager_resources))
    return wrap(program([known[tensor]._value for tensor in feeds])[0])


def _ancestors(tensor: SymbolicTensor) -> set[SymbolicTensor]:
    found = {tensor}
    stack = [tensor]
    while stack:
        for item in stack.pop()._op._inputs:
            if item not in found:
                found.add(item)
                stack.append(item)
    return found


def _placeholders(tensor: SymbolicTensor) -> list[Operation]:
    return [item._op for item in _ancestors(tensor) if item._op.type.startswith("Placeholder")]
