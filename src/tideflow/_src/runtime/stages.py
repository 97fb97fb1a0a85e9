"""Splits a plan into stages: runs of operations that XLA compiles, and runs that only the host can do.

A value is *static* if it is known while a program is being traced: constants, the shapes of traced tensors, and what
is computed from those. An operation whose static input is not static in that sense runs on the host.
"""

from __future__ import annotations

from collections.abc import Sequence

from tideflow._src.core.dtypes import variant
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.effects import passed_through
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState
from tideflow._src.runtime.traced_list import LIST_OPS

#: Operations whose result depends on the shape of their input only.
SHAPE_OPS = frozenset(("Shape", "ShapeN", "Size", "Rank"))
#: Operations that give their input another shape.
_FORMING_OPS = frozenset(("ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient"))
#: Dtypes that programs compiled for the CPU cannot hold.
_HOST_DTYPES = frozenset("string variant qint8 quint8 qint16 quint16 qint32".split())


class Stage:
    """Is a maximal set of operations of one kind that can run one after the other.

    Attributes:
      compiled: whether XLA runs it.
      ops: its operations, in order.
      inputs: tensors it takes from feeds and earlier stages.
      outputs: tensors it gives to later stages and fetches.
    """

    def __init__(self, compiled: bool, ops: list[Operation]) -> None:
        self.compiled = compiled
        self.ops = ops
        self.inputs: list[SymbolicTensor] = []
        self.outputs: list[SymbolicTensor] = []

    @property
    def parts(self) -> tuple[list[Operation], list[SymbolicTensor], list[SymbolicTensor]]:
        """The operations, inputs and outputs."""
        return self.ops, self.inputs, self.outputs


def split(
    plan: Plan,
    state: RunState,
    static_feeds: set[SymbolicTensor],
    nested: bool = False,
    lists_on_host: bool = False,
) -> list[Stage]:
    """Returns the stages of a plan, in the order in which they run.

    Args:
      plan: the plan.
      state: the state that it runs on.
      static_feeds: feeds whose values are known to a program.
      nested: whether the plan is that of a function inside of a program, whose caller knows the variables it is given.
      lists_on_host: whether lists that are fed stay on the host: a body that runs again and again would copy them.
    """
    fed = set(plan.feeds)
    static: set[SymbolicTensor] = set(static_feeds)
    compiled_of: dict[Operation, bool] = {}
    level: dict[Operation, int] = {}
    for op in plan.ops:
        inputs = [plan.resolve(tensor) for tensor in op._inputs]
        known = [tensor in plan.constants or tensor in static for tensor in inputs]
        compiled = _compilable(op, inputs, known, state, nested)
        if compiled and lists_on_host:
            lists = [tensor for tensor in inputs if tensor._dtype is variant]
            compiled = all(tensor not in fed and compiled_of.get(tensor._op, True) for tensor in lists)
        if compiled and op.type == "Identity" and inputs[0]._dtype is variant and inputs[0] not in fed:
            compiled = compiled_of.get(inputs[0]._op, True)  # it stays where it was made: it may be no list
        if compiled and (op.type in SHAPE_OPS or (inputs and all(known) and _is_static_op(op))):
            static.update(op.outputs)
        compiled_of[op] = compiled
    _prepare_on_host(plan, compiled_of, static)
    for op in plan.ops:  # even numbers are compiled stages, odd ones host stages
        stage = 0 if compiled_of[op] else 1
        for producer in _producers(plan, op, [plan.resolve(tensor) for tensor in op._inputs], fed):
            if producer in level:
                stage = max(stage, level[producer] + (compiled_of[producer] != compiled_of[op]))
        level[op] = stage
    for op in plan.ops:
        if level[op] % 2 == int(compiled_of[op]):
            level[op] += 1
    _delay_stages(plan, level, state)
    _delay_reads(plan, level, state)
    stages: dict[int, Stage] = {}
    for op in plan.ops:
        stages.setdefault(level[op], Stage(compiled_of[op], [])).ops.append(op)
    ordered = [stages[number] for number in sorted(stages)]
    _repeat_static(plan, ordered, static)
    _connect(plan, ordered, state)
    return [stage for stage in ordered if not stage.compiled or stage.outputs or _has_work(stage, state)]


def _prepare_on_host(plan: Plan, compiled_of: dict[Operation, bool], static: set[SymbolicTensor]) -> None:
    """Gives the host what only forms its inputs anew and is made of what it has: that is worth no program."""
    if all(compiled_of.values()):
        return
    fed = set(plan.feeds)
    users: dict[Operation, list[Operation]] = {}
    at_hand: dict[Operation, None] = {}
    for op in plan.ops:
        inputs = [plan.resolve(tensor) for tensor in op._inputs]
        for producer in _producers(plan, op, inputs, fed):
            users.setdefault(producer, []).append(op)
        if compiled_of[op] and _forms_anew(op) and not plan.controls(op) and not static.intersection(op.outputs):
            if all(tensor in fed or tensor in plan.constants or tensor._op in at_hand for tensor in inputs):
                at_hand[op] = None
    for op in reversed(at_hand):
        if any(not compiled_of[user] for user in users.get(op, ())):
            compiled_of[op] = False


def _forms_anew(op: Operation) -> bool:
    """Tells whether an operation gives its input another shape, or integers another dtype."""
    if op.type == "Cast":
        return all(tensor._dtype.base_dtype.is_integer for tensor in (op._inputs[0], op.outputs[0]))
    return op.type in _FORMING_OPS and op._inputs[0]._dtype.name not in ("resource", "variant")


def _delay_stages(plan: Plan, level: dict[Operation, int], state: RunState) -> None:
    """Unites a compiled stage with the next one, where the stage of the host between them needs nothing of it."""
    fed = set(plan.feeds)
    stages: dict[int, list[Operation]] = {}
    for op in plan.ops:
        stages.setdefault(level[op], []).append(op)
    for number in sorted(stages):
        between, following = stages.get(number + 1), stages.get(number + 2)
        if number % 2 or between is None or following is None or not all(_can_wait(op, state) for op in stages[number]):
            continue
        if any(
            tensor._dtype._is_ref_dtype or tensor._dtype.name == "resource" for op in between for tensor in op._inputs
        ):
            continue  # it may write what the stage reads
        waited_for = {
            producer
            for op in between
            for producer in _producers(plan, op, [plan.resolve(tensor) for tensor in op._inputs], fed)
        }
        if waited_for.isdisjoint(stages[number]):
            level.update(dict.fromkeys(stages[number], number + 2))
            stages[number + 2] = stages[number] + following


def _can_wait(op: Operation, state: RunState) -> bool:
    """Tells whether it is no matter when an operation runs as long as nothing is written."""
    definition = op.op_def
    if state.is_handle(op):
        return True
    return bool(definition.reads or not definition.stateful) and not (definition.random or definition.updates)


def _has_work(stage: Stage, state: RunState) -> bool:
    """Tells whether a stage does more than to name variables and to order operations."""
    return any(op.type != "NoOp" and not state.is_handle(op) for op in stage.ops)


def _repeat_static(plan: Plan, stages: Sequence[Stage], static: set[SymbolicTensor]) -> None:
    """Adds to each compiled stage the static operations that it uses: passed on, their values would not be static."""
    position = {op: index for index, op in enumerate(plan.ops)}
    fed = set(plan.feeds)
    for stage in stages[1:]:
        if not stage.compiled:
            continue
        here = set(stage.ops)
        left = list(stage.ops)
        while left:
            op = left.pop()
            for tensor in op._inputs:
                tensor = plan.resolve(tensor)
                producer = tensor._op
                if tensor in static and tensor not in fed and producer in position and producer not in here:
                    here.add(producer)
                    left.append(producer)
        stage.ops = sorted(here, key=position.__getitem__)


def _delay_reads(plan: Plan, level: dict[Operation, int], state: RunState) -> None:
    """Moves reads of variables into the first stage that uses them: a value passed between stages is a copy."""
    position = {op: index for index, op in enumerate(plan.ops)}
    fetched = {plan.resolve(tensor) for tensor in plan.fetches}
    users: dict[Operation, list[Operation]] = {}
    writers: dict[Buffer, list[Operation]] = {}
    reads: list[tuple[Operation, Buffer]] = []
    for op in plan.ops:
        for producer in _producers(plan, op, [plan.resolve(tensor) for tensor in op._inputs], set()):
            users.setdefault(producer, []).append(op)
        buffer = state.buffer_of(plan.resolve(op._inputs[0])) if op._inputs else None
        if op.op_def.updates:
            for tensor in op._inputs:
                updated = state.buffer_of(plan.resolve(tensor))
                if updated is not None:
                    writers.setdefault(updated, []).append(op)
        elif buffer is not None and op.type in ("ReadVariableOp", "Identity") and not fetched.intersection(op.outputs):
            reads.append((op, buffer))
    for op, buffer in reads:
        later = min((level[user] for user in users.get(op, ())), default=level[op])
        overtaken = any(level[writer] < later and position[writer] > position[op] for writer in writers.get(buffer, ()))
        if later % 2 == level[op] % 2 and later > level[op] and not overtaken:
            level[op] = later


def _is_static_op(op: Operation) -> bool:
    definition = op.op_def
    return not (definition.stateful or definition.random or definition.reads or definition.updates)


def _producers(
    plan: Plan, op: Operation, inputs: Sequence[SymbolicTensor], fed: set[SymbolicTensor]
) -> list[Operation]:
    producers = [tensor._op for tensor in inputs if tensor not in fed]
    return producers + list(plan.controls(op))


def _compilable(
    op: Operation, inputs: Sequence[SymbolicTensor], known: Sequence[bool], state: RunState, nested: bool
) -> bool:
    definition = op.op_def
    if definition.name == "NoOp" or state.is_handle(op):
        return True
    if definition.tier == "host" and definition.xla_kernel is None:
        return False
    for tensor in (*inputs, *op.outputs):
        dtype = tensor._dtype
        name = dtype.base_dtype.name
        if name in _HOST_DTYPES and not (name == "variant" and _takes_lists(op)):
            return False
        if (name == "resource" or dtype._is_ref_dtype) and state.buffer_of(tensor) is None:
            if not (nested and _is_given(tensor)):
                return False
    position = 0
    for argument in definition.inputs:
        count = length(argument, op.attrs)
        if argument.is_static and not all(known[position : position + count]):
            return False
        position += count
    return definition.compiles is None or definition.compiles(op)


def _is_given(tensor: SymbolicTensor | None) -> bool:
    """Tells whether a handle or reference is one that its function is given."""
    while tensor is not None:
        op = tensor._op
        if op.type in ("Identity", "RefIdentity", "DebugGradientRefIdentity"):
            tensor = op._inputs[0]
        elif op.op_def.takes_functions:
            tensor = passed_through(op, tensor._value_index)
        elif op.op_def.updates and tensor._dtype._is_ref_dtype:
            tensor = op._inputs[[argument.name for argument in op.op_def.inputs].index(op.op_def.updates[0])]
        else:
            return bool(op.type == "Placeholder" and op.graph.building_function)
    return False


def _takes_lists(op: Operation) -> bool:
    """Tells whether programs can hold an operation on lists: one on lists of numbers, or of such lists."""
    element = op.attrs.get("element_dtype")
    return op.type in LIST_OPS and (element is None or element.name == "variant" or element.name not in _HOST_DTYPES)


def _connect(plan: Plan, stages: list[Stage], state: RunState) -> None:
    """Finds what flows between stages."""
    stage_of: dict[SymbolicTensor, int] = {}
    for number, stage in enumerate(stages):
        for op in stage.ops:
            for output in op.outputs:
                stage_of.setdefault(output, number)
    fed = set(plan.feeds)
    needed: list[dict[SymbolicTensor, None]] = [{} for _ in stages]
    given: list[dict[SymbolicTensor, None]] = [{} for _ in stages]
    for number, stage in enumerate(stages):
        here = set(stage.ops)
        for op in stage.ops:
            for tensor in op._inputs:
                tensor = plan.resolve(tensor)
                if tensor in plan.constants and tensor not in fed:
                    continue
                if tensor not in fed and state.buffer_of(tensor) is not None:
                    continue
                if tensor in fed or tensor._op not in here:
                    needed[number][tensor] = None
                    if tensor in stage_of and tensor not in fed:
                        given[stage_of[tensor]][tensor] = None
    for tensor in plan.fetches:
        tensor = plan.resolve(tensor)
        if tensor in stage_of and tensor not in fed and state.buffer_of(tensor) is None:
            given[stage_of[tensor]][tensor] = None
    for number, stage in enumerate(stages):
        stage.inputs = list(needed[number])
        stage.outputs = list(given[number])
