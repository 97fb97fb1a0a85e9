"""Keeps the effects of a traced function in program order, and makes all of them happen.

An operation that writes a variable or another resource waits for what used that resource before it; one that reads
waits for the last write, so that reads between two writes may run in any order. Operations with effects that name no
resource, such as printing, keep their order among themselves; a call of Python, whose effects nobody can know, keeps
its place among all. Random operations have streams of their own and need no order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length

_READS = frozenset(
    "ReadVariableOp ResourceGather ResourceGatherNd VariableShape VarIsInitializedOp LookupTableFindV2 "
    "LookupTableSizeV2 LookupTableExportV2 QueueSizeV2 QueueIsClosedV2".split()
)
_CALLS_OF_PYTHON = frozenset(("PyFunc", "EagerPyFunc"))
#: How many inputs operations with functions have before those that they give to the functions.
_CALLS = {
    "PartitionedCall": 0,
    "StatefulPartitionedCall": 0,
    "While": 0,
    "StatelessWhile": 0,
    "If": 1,
    "StatelessIf": 1,
    "Case": 1,
    "StatelessCase": 1,
}
_UNORDERED = frozenset(("Assert",))


class _Uses:
    """Is what used one resource so far: the last write, and the reads since."""

    __slots__ = ("reads", "write")

    def __init__(self) -> None:
        self.write: Operation | None = None
        self.reads: list[Operation] = []


def runs_before(op: Operation, other: Operation) -> None:
    """Gives an operation, made later, the place in program order that is just before another one."""
    op.__dict__["_runs_before"] = other


def _in_program_order(ops: Iterable[Operation]) -> list[Operation]:
    early: dict[Operation, list[Operation]] = {}
    for op in ops:
        other = op.__dict__.get("_runs_before")
        if other is not None:
            early.setdefault(other, []).append(op)
    if not early:
        return list(ops)
    return [item for op in ops if "_runs_before" not in op.__dict__ for item in (*early.get(op, ()), op)]


def order_effects(graph: Any) -> None:
    """Adds control inputs between the operations of a function graph, and its effects to its control outputs."""
    effects = ordered_effects(graph, graph._operations)
    known = set(graph.control_outputs)
    graph.control_outputs.extend(op for op in effects if op not in known)


def ordered_effects(graph: Any, ops: Iterable[Operation]) -> list[Operation]:
    """Adds control inputs between operations, given in program order, and returns those that have effects."""
    resources: dict[SymbolicTensor, _Uses] = {}
    last_effect: Operation | None = None
    last_python: Operation | None = None
    effects: list[Operation] = []
    changed = False
    for op in _in_program_order(ops):
        definition = op.op_def
        if not definition.stateful and not definition.updates and not definition.takes_functions:
            continue
        written, read = _resources_of(op)
        is_python = op.type in _CALLS_OF_PYTHON or (definition.takes_functions and _calls_python(op))
        waits: dict[Operation, None] = {}
        if is_python:
            for uses in resources.values():
                waits.update(dict.fromkeys(uses.reads))
                if uses.write is not None:
                    waits[uses.write] = None
                uses.write, uses.reads = op, []
            if last_effect is not None:
                waits[last_effect] = None
            last_python = last_effect = op
        else:
            for handle in written:
                uses = resources.setdefault(handle, _Uses())
                waits.update(dict.fromkeys(uses.reads))
                before = uses.write if uses.write is not None else last_python
                if before is not None:
                    waits[before] = None
                uses.write, uses.reads = op, []
            for handle in read:
                uses = resources.setdefault(handle, _Uses())
                before = uses.write if uses.write is not None else last_python
                if before is not None:
                    waits[before] = None
                uses.reads.append(op)
        if definition.stateful and not is_python and _is_effect(op, written, read):
            if op.type not in _UNORDERED:
                if not written and not read:
                    if last_effect is not None:
                        waits[last_effect] = None
                    last_effect = op
                elif last_python is not None:
                    waits[last_python] = None
            effects.append(op)
        elif is_python or (written and definition.updates) or (written and definition.takes_functions):
            effects.append(op)
        waits.pop(op, None)
        new = [other for other in waits if other not in op._control_inputs]
        if new:
            op._control_inputs = (*op._control_inputs, *new)
            changed = True
    if changed:
        graph.changed_in_place()
    return effects


def _is_effect(op: Operation, written: Iterable[Any], read: Iterable[Any]) -> bool:
    """Tells whether a stateful operation does more than read, draw numbers or make a resource."""
    definition = op.op_def
    if definition.random is not None or op.type == "Placeholder":
        return False
    if written:
        return True
    if read and not definition.takes_functions:
        return False
    if definition.takes_functions:
        return any(_has_effects(function) for function in _functions(op))
    return not (op.outputs and all(tensor._dtype is dtypes.resource for tensor in op.outputs))


def _functions(op: Operation) -> list[Any]:
    found: list[Any] = []
    for value in op.attrs.values():
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, Graph):
                found.append(item)
    return found


def _has_effects(function: Any) -> bool:
    """Tells whether a function does anything that must happen even if nobody takes its results."""
    return function.remembered(_finds_effects, lambda: _finds_effects(function))


def _finds_effects(function: Any) -> bool:
    for op in function._operations:
        definition = op.op_def
        if definition.updates:
            return True
        if definition.stateful or definition.takes_functions:
            written, read = _resources_of(op)
            if definition.takes_functions:
                if any(_has_effects(inner) for inner in _functions(op)):
                    return True
            elif _is_effect(op, written, read):
                return True
    return False


def _calls_python(op: Operation) -> bool:
    return any(function.remembered(_finds_python, lambda of=function: _finds_python(of)) for function in _functions(op))


def _finds_python(function: Any) -> bool:
    return any(
        inner.type in _CALLS_OF_PYTHON or (inner.op_def.takes_functions and _calls_python(inner))
        for inner in function._operations
    )


def _behind(handle: SymbolicTensor) -> SymbolicTensor:
    """Returns the tensor that a handle was passed on from."""
    while handle._op.type == "Identity":
        handle = handle._op._inputs[0]
    return handle


def _resources_of(op: Operation) -> tuple[list[SymbolicTensor], list[SymbolicTensor]]:
    """Returns the handles that an operation writes through, and those that it only reads through."""
    written: dict[SymbolicTensor, None] = {}
    read: dict[SymbolicTensor, None] = {}
    for index, tensor in enumerate(op._inputs):
        if tensor._dtype is dtypes.resource:
            (written if _writes(op, index) else read)[_behind(tensor)] = None
    return list(written), [handle for handle in read if handle not in written]


def _writes(op: Operation, index: int) -> bool:
    """Tells whether an operation may change the resource that its input at ``index`` refers to."""
    definition = op.op_def
    if op.type in _READS or op.type == "Identity":
        return False
    first = _CALLS.get(op.type)
    if first is not None:
        position = index - first
        return any(_writes_parameter(function, position) for function in _functions(op))
    if definition.updates:
        position = 0
        for argument in definition.inputs:
            position += length(argument, op.attrs)
            if index < position:
                return argument.name not in definition.reads
        return True
    return not definition.reads


def _writes_parameter(function: Any, position: int) -> bool:
    parameter = function.inputs[position]
    if parameter._dtype is not dtypes.resource:
        return False
    return function.remembered(position, lambda: _finds_write(function, parameter))


def _finds_write(function: Any, parameter: SymbolicTensor) -> bool:
    return any(
        _writes(op, index)
        for op in function._operations
        for index, tensor in enumerate(op._inputs)
        if tensor._dtype is dtypes.resource and _behind(tensor) is parameter
    )
