"""Lets a variable's initial value use other variables, which may not be initialized yet when it is computed.

The operations between the initial value and those variables are built once more, over the variables' own initial
values wherever they are not initialized, so that one run of all initializers works in any order.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.state.graph_keys import GraphKeys

_VARIABLES = frozenset(("Variable", "VariableV2", "VarHandleOp"))
_SAFE = frozenset(("IsVariableInitialized", "VarIsInitializedOp", "If", "StatelessIf", "Case", "StatelessCase"))


def guarded(name: str, initial_value: Any) -> Any:
    """Returns a tensor equal to ``initial_value`` that does not read a variable before it is initialized.

    Args:
      name: the name of the variable to initialize, used in the names of new operations.
      initial_value: a tensor; anything else is returned as it is.
    """
    if not isinstance(initial_value, SymbolicTensor) or not _reads_variable(initial_value._op):
        return initial_value
    return _safe_tensor(name, initial_value, {})


def _reads_variable(op: Operation) -> bool:
    seen = {op}
    stack = [op]
    while stack:
        op = stack.pop()
        if op.type in _VARIABLES:
            return True
        if op.type in _SAFE:
            continue
        for tensor in op._inputs:
            if tensor._op not in seen:
                seen.add(tensor._op)
                stack.append(tensor._op)
    return False


def _safe_tensor(name: str, tensor: SymbolicTensor, made: dict[Operation, Operation]) -> SymbolicTensor:
    """Returns the tensor in place of ``tensor``, from operations that are made once each."""
    order: list[Operation] = []
    stack: list[tuple[Operation, bool]] = [(tensor._op, False)]
    seen: set[Operation] = set()
    while stack:  # an explicit stack: initial values may be deep
        op, is_done = stack.pop()
        if is_done:
            order.append(op)
            continue
        if op in seen:
            continue
        seen.add(op)
        stack.append((op, True))
        if op.type not in _SAFE and op.type not in _VARIABLES:
            stack.extend((item._op, False) for item in reversed(op._inputs) if item._op not in seen)
    for op in order:
        if op not in made:
            made[op] = _safe_operation(name, op, made)
    return made[tensor._op].outputs[tensor._value_index]


def _safe_operation(name: str, op: Operation, made: dict[Operation, Operation]) -> Operation:
    if op.type in _SAFE:
        return op
    if op.type in _VARIABLES:
        value = _initialized_value_of(op)
        return op if value is None else value.op
    if op.type == "ReadVariableOp":
        source = made[op._inputs[0]._op]
        return op if source.type == "VarHandleOp" else source
    inputs = [made[tensor._op].outputs[tensor._value_index] for tensor in op._inputs]
    if all(new is old for new, old in zip(inputs, op._inputs, strict=True)):
        return op
    new_name = f"{op.name}_{name.strip('/')}".replace(":", "_")
    graph = op.graph
    with graph.name_scope(None):
        return graph.add_operation(
            op.op_def,
            inputs,
            {key: value for key, value in op.attrs.items() if key != "_output_shapes"},
            graph.unique_name(new_name),
            unique=True,
            control_inputs=op.control_inputs,
        )


def _initialized_value_of(op: Operation) -> Any:
    graph = op.graph
    for collection in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in graph.get_collection(collection):
            if getattr(variable, "name", None) in (op.name, f"{op.name}:0"):
                return variable.initialized_value()
    return None
