"""Brings the initial value of a variable out of the function being built, whose tensors have no value yet."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, wrap
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.buffers import eager_resources
from tideflow._src.runtime.host import HostProgram
from tideflow._src.runtime.plan import Plan, in_order, needed
from tideflow._src.runtime.state import RunState


def lifted(initial_value: Any) -> Any:
    """Returns ``initial_value`` as it is outside of the functions being built.

    A tensor of a function that eager code builds is computed at once; one of a function that is built inside a graph
    becomes a tensor of that graph.

    Raises:
      ValueError: the value depends on the function's arguments, so that it has none while the function is built.
    """
    if not isinstance(initial_value, SymbolicTensor) or not initial_value.graph.building_function:
        return initial_value
    captured = _captured(initial_value)
    missing = [op for op in _placeholders(initial_value) if op.outputs[0] not in captured]
    if missing:
        raise ValueError(
            f"The initial value of a variable, {initial_value!r}, depends on {missing[0].name!r}, an argument of the "
            "function being built, which has no value yet. Pass a function that makes the initial value instead."
        )
    outer = initial_value.graph
    while outer is not None and outer.building_function:
        outer = outer.outer_graph
    if outer is not None:
        return _copied(initial_value, captured, outer)
    feeds = [tensor for tensor in captured if tensor in _ancestors(initial_value)]
    plan = Plan([initial_value], [], feeds)
    # The operations of an initial value run once, on a state that no one else uses.
    program = HostProgram(plan, plan.ops, feeds, [initial_value], RunState(eager_resources))
    return wrap(program([captured[tensor]._value for tensor in feeds])[0])


def depends_on_arguments(tensor: SymbolicTensor) -> bool:
    """Tells whether a tensor of a function being built has no value before the function is called."""
    captured = _captured(tensor)
    return any(op.outputs[0] not in captured for op in _placeholders(tensor))


def _captured(tensor: SymbolicTensor) -> dict[SymbolicTensor, Any]:
    """Returns what the parameters of a function stand for that are known while it is built."""
    graph = tensor.graph
    known = {}
    for outer, inner in graph.captures:
        if isinstance(outer, EagerTensor) or not outer.graph.building_function:
            known[inner] = outer
    return known


def _copied(tensor: SymbolicTensor, captured: dict[SymbolicTensor, Any], outer: Any) -> SymbolicTensor:
    """Adds the operations that compute a tensor to a graph and returns the tensor that stands for it there."""
    copies: dict[SymbolicTensor, Any] = dict(captured)
    done: dict[Operation, Operation] = {}
    with outer.as_default(), outer.control_dependencies(None):
        for op in in_order(needed([tensor], [], set(captured))):
            copy = outer.add_operation(
                op.op_def,
                [copies[item] for item in op._inputs],
                dict(op.attrs),
                op.name,
                control_inputs=[done[control] for control in op._control_inputs if control in done],
                output_types=[output._dtype for output in op.outputs],
                output_shapes=[output._shape for output in op.outputs],
            )
            done[op] = copy
            copies.update(zip(op.outputs, copy.outputs, strict=True))
    return copies[tensor]


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
