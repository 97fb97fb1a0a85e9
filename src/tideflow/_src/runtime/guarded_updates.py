"""Says how the updates of a compiled stage are kept from changing variables if the run fails."""

from __future__ import annotations

import enum
from collections.abc import Container, Sequence

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import effects
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.packs import Pack
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState


class Guard(enum.Enum):
    """Says what keeps a compiled run that fails from changing a variable.

    Attributes:
      DEFERRED: its rows are updated last, if all conditions hold.
      ROWS: its rows are updated if the conditions before hold; if there are others, the old value is kept outside.
      OUTSIDE: rows are updated in branches or loops; the old value is kept outside of the program.
      WHOLE: the program chooses between the old value and the new one.
    """

    DEFERRED = enum.auto()
    ROWS = enum.auto()
    OUTSIDE = enum.auto()
    WHOLE = enum.auto()


def deferred_updates(
    ops: Sequence[Operation], outputs: Sequence[SymbolicTensor], plan: Plan, state: RunState
) -> dict[Operation, None]:
    """Finds the updates of rows that nothing after them depends on, other updates of rows apart.

    Args:
      ops: the operations of the stage.
      outputs: what it gives to others.
      plan: the plan that it is part of.
      state: the state that it runs on.
    """
    touched = {buffer for tensor in outputs if (buffer := state.buffer_of(tensor)) is not None}
    written: set[Buffer] = set()
    used = set(outputs)
    found: list[Operation] = []
    for op in reversed(ops):
        effect = effects.of([op], plan, lambda tensor: state.buffer_of(plan.resolve(tensor)))
        if (
            op.op_def.in_place
            and effect.written
            and touched.isdisjoint(effect.written)
            and written.isdisjoint(effect.read)
            and used.isdisjoint(op.outputs)
        ):
            found.append(op)
            continue
        touched.update(effect.written, effect.read)
        written.update(effect.written)
        used.update(map(plan.resolve, plan.inputs(op)))
    return dict.fromkeys(reversed(found))


def guard_of(buffer: Buffer, ops: Sequence[Operation], deferred: Container[Operation], state: RunState) -> Guard:
    """Returns what keeps a run that fails from changing a variable; those in a pack are updated as a whole."""
    if isinstance(buffer, Pack):
        return Guard.WHOLE
    updates = [
        op
        for op in ops
        if (op.op_def.updates or op.op_def.takes_functions)
        and any(state.buffer_of(tensor) is buffer for tensor in op._inputs)
    ]
    if all(op in deferred for op in updates):
        return Guard.DEFERRED
    if all(op.op_def.in_place for op in updates):
        return Guard.ROWS
    return Guard.OUTSIDE if all(map(effects.updates_only_in_place, updates)) else Guard.WHOLE
