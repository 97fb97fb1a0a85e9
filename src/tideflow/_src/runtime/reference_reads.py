"""Finds the operations that read a reference variable after a write of the same run.

Whoever uses a variable of TensorFlow 1.x by value takes it from one node, ``v/read``, that says nothing about when it
runs. In TensorFlow that node passes the variable's memory on, so that an operation that runs after an assignment sees
what was assigned. Here values never change: an operation ordered after a write is given the variable itself
in place of the value that was read before, and reads it when it runs. Operations that no edge orders after a write
keep the value from before. So do the switches and frames of TensorFlow 1.x control flow pass a read on; in a frame that
also writes the variable, each turn reads it anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation

#: Operations that make the reference to a variable.
REF_VARIABLES = frozenset(("VariableV2", "Variable", "TemporaryVariable"))
_PASS_REFERENCES = frozenset(
    ("Identity", "RefIdentity", "DebugGradientRefIdentity", "RefSwitch", "RefEnter", "RefExit", "RefNextIteration")
)
#: Operations of TensorFlow 1.x control flow that pass a value on to those that run in a branch or a loop.
_PASS_VALUES = frozenset(("Switch", "Enter"))


def variable_of(reference: SymbolicTensor) -> SymbolicTensor | None:
    """Returns the tensor that names the variable behind a reference: a variable's node or a function's parameter."""
    while reference._dtype._is_ref_dtype:
        op = reference._op
        if op.type in REF_VARIABLES or op.type == "Placeholder":
            return reference
        if op.type in _PASS_REFERENCES:
            reference = op._inputs[0]
            continue
        updates = op.op_def.updates
        if not updates:
            return None
        names = [argument.name for argument in op.op_def.inputs]
        reference = op._inputs[names.index(updates[0])]
    return None


def read_by(tensor: SymbolicTensor) -> SymbolicTensor | None:
    """Returns the variable that ``tensor`` is a read of, if nothing says when that is done."""
    op = tensor._op
    if op.type != "Identity" or op._control_inputs or not op._inputs[0]._dtype._is_ref_dtype:
        return None
    source = op._inputs[0]
    return source if variable_of(source) is source else None


def written_by(op: Operation) -> list[SymbolicTensor]:
    """Returns the reference variables that an operation, or a function that it calls, may write."""
    definition = op.op_def
    if not definition.updates and not definition.takes_functions:
        return []
    found = [variable_of(tensor) for tensor in op._inputs if tensor._dtype._is_ref_dtype]
    return [variable for variable in found if variable is not None]


def _written_in_frame(op: Operation) -> list[SymbolicTensor]:
    """Returns the variables that an operation writes inside a loop frame."""
    found: list[SymbolicTensor] = []
    for tensor in op._inputs:
        entered = False
        while tensor._dtype._is_ref_dtype and tensor._op.type in _PASS_REFERENCES:
            entered = entered or tensor._op.type == "RefEnter"
            tensor = tensor._op._inputs[0]
        variable = variable_of(tensor) if entered else None
        if variable is not None:
            found.append(variable)
    return found


def inputs_after_writes(
    ops: Iterable[Operation], fed: set[SymbolicTensor]
) -> dict[Operation, tuple[SymbolicTensor, ...]]:
    """Returns the inputs of the operations that read a variable after a write: the variable where it was a read.

    Args:
      ops: the operations of a run, each after those that it depends on.
      fed: tensors whose values the run is given.
    """
    ops = list(ops)
    reads: dict[SymbolicTensor, SymbolicTensor] = {}
    for op in ops:
        if op.type == "Identity" and op.outputs[0] not in fed:
            variable = read_by(op.outputs[0])
            # A function's parameter is the variable itself; anything else that is fed is a value.
            if variable is not None and (variable not in fed or variable._op.type == "Placeholder"):
                reads[op.outputs[0]] = variable
    if not reads:
        return {}
    #: A bit for each variable that is read.
    bits = {variable: 1 << number for number, variable in enumerate(dict.fromkeys(reads.values()))}
    #: Those that have entered a frame in which they are written.
    turning: set[SymbolicTensor] = set()
    in_frames = {variable for op in ops if op.op_def.updates for variable in _written_in_frame(op)}
    written: dict[Operation, int] = {}
    found: dict[Operation, tuple[SymbolicTensor, ...]] = {}
    for op in ops:
        before = 0
        for tensor in op._inputs:
            if tensor not in fed:
                before |= written.get(tensor._op, 0)
        for control in op._control_inputs:
            before |= written.get(control, 0)
        if op.type in _PASS_VALUES and op._inputs[0] in reads:
            source = op._inputs[0]
            reads.update((output, reads[source]) for output in op.outputs)
            if source in turning or (op.type == "Enter" and reads[source] in in_frames):
                turning.update(op.outputs)
        elif before or turning:
            late = {
                tensor
                for tensor in op._inputs
                if tensor in reads and (tensor in turning or bits[reads[tensor]] & before)
            }
            if late:
                found[op] = tuple(reads[tensor] if tensor in late else tensor for tensor in op._inputs)
        for variable in written_by(op):
            before |= bits.get(variable, 0)
        if before:
            written[op] = before
    return found
