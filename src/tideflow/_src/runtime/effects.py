"""Finds what operations do to state: the variables that they read and write, the random streams they draw from.

Functions count as what they do: a loop whose body updates a variable writes that variable. A parameter of a function
stands for the variable whose handle it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from tideflow._src.core import nesting
from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime.buffers import Buffer, ResourceHandle

Find = Callable[[SymbolicTensor], "Buffer | None"]


class Effects:
    """Is what operations do to state.

    Attributes:
      written: the buffers that they may write, in the order of their first use.
      read: those that they only read.
      streams: the random operations inside of their functions, which draw as often as these run.
    """

    def __init__(self) -> None:
        self.written: dict[Buffer, None] = {}
        self.read: dict[Buffer, None] = {}
        self.streams: dict[Operation, None] = {}

    def _finish(self) -> Effects:
        for buffer in self.written:
            self.read.pop(buffer, None)
        return self


def of(ops: Iterable[Operation], plan: Any, find: Find) -> Effects:
    """Returns the effects of operations of a plan; ``find`` gives the buffer that a handle or reference names."""
    effects = Effects()
    for op in ops:
        _add(op, plan, find, effects, inside=False)
    return effects._finish()


def of_function(function: Any, values: Sequence[Any], find: Find) -> Effects:
    """Returns the effects of calling a function on values, handles of variables among them."""
    given = dict(zip(function.inputs, values, strict=True))
    effects = Effects()
    _add_function(function, lambda tensor: buffer_in_value(given.get(tensor)), find, effects)
    return effects._finish()


def buffer_in_value(value: Any) -> Buffer | None:
    """Returns the buffer that a value names: a variable's handle, or a reference; None for any other value."""
    if value.__class__ is ResourceHandle:
        value = value.resource
    return value if isinstance(value, Buffer) else None


def read_value(value: Any) -> Any:
    """Returns the value of a variable given by reference; any other value as it is."""
    return value.read() if isinstance(value, Buffer) else value


#: What most attributes are: a class is told faster than what an object lacks.
_NO_FUNCTIONS = frozenset((bool, bytes, DType, float, int, str, type(None)))


def functions_of(op: Operation) -> list[Any]:
    """Returns the function graphs that an operation holds."""
    found: list[Any] = []
    for value in op.attrs.values():
        for item in value if value.__class__ is list else (value,):
            if item.__class__ not in _NO_FUNCTIONS and hasattr(item, "plan") and hasattr(item, "inputs"):
                found.append(item)
    return found


def passed_through(op: Operation, index: int) -> SymbolicTensor | None:
    """Returns the input of an operation with functions that comes out of it unchanged at an output, or None."""
    found: SymbolicTensor | None = None
    for function in functions_of(op):
        if index >= len(function.outputs) or function.outputs[index]._dtype.name == "bool":
            continue  # the condition of a loop
        output = function.outputs[index]
        while output._op.type == "Identity":
            output = output._op._inputs[0]
        positions = {id(parameter): position for position, parameter in enumerate(function.inputs)}
        if id(output) not in positions:
            return None
        outer = _given(op, function)[positions[id(output)]]
        if found is not None and found is not outer:
            return None
        found = outer
    return found


def depth(ops: Iterable[Operation]) -> tuple[int, int]:
    """Returns how many levels of functions operations hold, and of branches and loops among these.

    There are 0 levels if the operations hold no functions; of endless ones a few more than can run are found.
    """
    deepest = branching = 0
    seen: set[Any] = set()
    stack = [(op, 0, 0) for op in ops if op.op_def.takes_functions]
    while stack:
        op, level, branches = stack.pop()
        level, branches = level + 1, branches + (op.type not in _CALLS)
        deepest, branching = max(deepest, level), max(branching, branches)
        for function in functions_of(op):
            if (function, level, branches) not in seen and level <= nesting.MOST_LEVELS:
                seen.add((function, level, branches))
                stack += [
                    (inner, level, branches) for inner in function.get_operations() if inner.op_def.takes_functions
                ]
    return deepest, branching


#: Operations that call one function, which becomes a part of the program that is compiled.
_CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))


def inner_functions(ops: Iterable[Operation]) -> Iterator[Any]:
    """Goes over the functions that operations hold, and those inside of these, each of them once."""
    seen: set[Any] = set()
    waiting = [function for op in ops if op.op_def.takes_functions for function in functions_of(op)]
    while waiting:
        function = waiting.pop()
        if function not in seen:
            seen.add(function)
            yield function
            for op in function.plan().ops:
                if op.op_def.takes_functions:
                    waiting.extend(functions_of(op))


def kinds_in(ops: Iterable[Operation]) -> set[str]:
    """Returns the types of operations, those inside of their functions included."""
    ops = list(ops)
    return {op.type for op in ops}.union(*({op.type for op in inner.plan().ops} for inner in inner_functions(ops)))


def changes_variables(op: Operation) -> bool:
    """Tells whether an operation, its functions included, may change variables."""
    if op.op_def.takes_functions:
        return any(
            changes_variables(inner)
            for function in inner_functions([op])
            for inner in function.plan().ops
            if not inner.op_def.takes_functions
        )
    definition = op.op_def
    if definition.updates:
        return True
    # A kernel for the host may change what its handle refers to by itself.
    return (
        definition.stateful
        and definition.tier == "host"
        and not definition.reads
        and any(tensor._dtype.name == "resource" for tensor in op._inputs)
    )


def updates_only_in_place(op: Operation) -> bool:
    """Tells whether an operation, its functions included, updates variables in no other way than row by row."""
    if op.op_def.takes_functions:
        return all(updates_only_in_place(inner) for function in functions_of(op) for inner in function.plan().ops)
    return op.op_def.in_place or not op.op_def.updates


def changes_state(function: Any) -> bool:
    """Tells whether a function, or one that it calls, updates variables or draws random numbers."""
    for op in function.plan().ops:
        if op.op_def.updates or op.op_def.random is not None:
            return True
        if op.op_def.takes_functions and any(changes_state(inner) for inner in functions_of(op)):
            return True
    return False


def _given(op: Operation, function: Any) -> Sequence[SymbolicTensor]:
    """Returns what a function of an operation is given for its parameters: the last of the operation's inputs."""
    count = len(function.inputs)
    return op._inputs[len(op._inputs) - count :] if count else ()


def _add(op: Operation, plan: Any, find: Find, effects: Effects, *, inside: bool) -> None:
    definition = op.op_def
    if inside and definition.random is not None:
        effects.streams[op] = None
    if definition.takes_functions:
        for tensor in plan.inputs(op):
            buffer = find(tensor)
            if buffer is not None:
                effects.read[buffer] = None
        for function in functions_of(op):
            outer = dict(zip(function.inputs, _given(op, function), strict=True))

            def parameter(tensor: SymbolicTensor, outer: dict[Any, Any] = outer) -> Buffer | None:
                return find(outer[tensor]) if tensor in outer else None

            _add_function(function, parameter, find, effects)
        return
    position = 0
    inputs = plan.inputs(op)
    for argument in definition.inputs:
        count = length(argument, op.attrs)
        for tensor in inputs[position : position + count]:
            buffer = find(tensor)
            if buffer is not None:
                (effects.written if argument.name in definition.updates else effects.read)[buffer] = None
        position += count


def _add_function(function: Any, parameter: Find, find: Find, effects: Effects) -> None:
    parameters = set(function.inputs)

    def inner(tensor: SymbolicTensor) -> Buffer | None:
        while True:
            if tensor in parameters:
                return parameter(tensor)
            op = tensor._op
            if op.type in ("Identity", "RefIdentity", "DebugGradientRefIdentity"):
                tensor = op._inputs[0]
            elif op.op_def.takes_functions and tensor._dtype.name == "resource":
                passed = passed_through(op, tensor._value_index)
                if passed is None:
                    return None
                tensor = passed
            elif op.op_def.updates and tensor._dtype._is_ref_dtype:
                names = [argument.name for argument in op.op_def.inputs]
                tensor = op._inputs[names.index(op.op_def.updates[0])]
            else:
                return find(tensor)

    plan = function.plan()
    for op in plan.ops:
        _add(op, plan, inner, effects, inside=True)
