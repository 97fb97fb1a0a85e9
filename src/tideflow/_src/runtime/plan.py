"""Makes the plan of a run: which operations the fetches need, in which order, with what is known already folded.

A plan is made once for each set of fetches and feeds and then kept. It depends on the graph only, not on the values.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import evaluation
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.reference_reads import inputs_after_writes

#: Results of folding larger than this many elements are computed at each run rather than kept.
_LARGEST_FOLDED = 1 << 16


class Plan:
    """Is what a run has to do.

    Attributes:
      fetches: the tensors to return, in order.
      targets: operations to run for their effect.
      feeds: the tensors whose values the run is given, in order.
      ops: the operations to run, in an order that respects every dependency.
      constants: values known without running: folded tensors and constants.
      same_as: tensors that equal another, which stands for them.
      dataflow: whether there are switches, merges and frames among them, so that not every operation runs just once.
    """

    def __init__(
        self, fetches: Sequence[SymbolicTensor], targets: Sequence[Operation], feeds: Sequence[SymbolicTensor]
    ) -> None:
        self.fetches = list(fetches)
        self.targets = list(targets)
        self.feeds = list(feeds)
        self.constants: dict[SymbolicTensor, Any] = {}
        self.same_as: dict[SymbolicTensor, SymbolicTensor] = {}
        fed = set(feeds)
        ops = in_order(needed(self.fetches, self.targets, fed))
        self._fresh = inputs_after_writes(ops, fed)
        self._controls: dict[Operation, tuple[Operation, ...]] = {}
        self.dataflow = not DATAFLOW_OPS.isdisjoint([op.type for op in ops])
        self.ops = self._simplified(ops, fed)

    def _simplified(self, ops: list[Operation], fed: set[SymbolicTensor]) -> list[Operation]:
        """Folds constants and shares equal operations; returns what is left to run."""
        left: list[Operation] = []
        constants, same_as = self.constants, self.same_as
        shared: dict[Any, Operation] = {}
        targets = set(self.targets)
        #: What constants that are not run would have waited for.
        waits: dict[Operation, tuple[Operation, ...]] = {}
        for op in ops:
            definition = op.op_def
            controls = self._inherited(op, waits, fed) if waits else op._control_inputs
            if definition.name == "Const" and not (self.dataflow and op._control_inputs):
                if op.outputs[0] not in fed:
                    constants[op.outputs[0]] = op.attrs["value"]
                if controls:
                    waits[op] = controls
                continue
            if controls is not op._control_inputs:
                self._controls[op] = controls
            if not _is_pure(op) or op in self._fresh or any(output in fed for output in op.outputs):
                left.append(op)
                continue
            inputs = [same_as.get(tensor, tensor) for tensor in op._inputs]
            if inputs and not op._control_inputs and all(tensor in constants for tensor in inputs):
                if self._fold(op, inputs):
                    if controls:
                        waits[op] = controls
                    if op in targets:
                        left.append(op)
                    continue
            if not op._control_inputs:
                key = (definition.name, tuple(map(id, inputs)), attributes_key(op))
                twin = shared.get(key)
                if twin is not None and op not in targets:
                    for output, other in zip(op.outputs, twin.outputs, strict=True):
                        same_as[output] = other
                    continue
                shared[key] = op
            left.append(op)
        return left

    @staticmethod
    def _inherited(
        op: Operation, waits: dict[Operation, tuple[Operation, ...]], fed: set[SymbolicTensor]
    ) -> tuple[Operation, ...]:
        """Returns what an operation waits for, itself and through constants, which are not run."""
        sources = [tensor._op for tensor in op._inputs if tensor not in fed]
        sources += op._control_inputs
        found = [control for source in sources for control in waits.get(source, ())]
        return tuple(dict.fromkeys((*op._control_inputs, *found))) if found else op._control_inputs

    def _fold(self, op: Operation, inputs: list[SymbolicTensor]) -> bool:
        if op.op_def.takes_functions:  # a loop may never end
            return False
        for output in op.outputs:
            shape = output._shape
            if output._dtype.name in ("variant", "resource"):
                return False
            if shape is None or None in shape or math.prod(size or 0 for size in shape) > _LARGEST_FOLDED:
                return False
        values = [self.constants[tensor] for tensor in inputs]
        if any(value.size > _LARGEST_FOLDED for value in values):
            return False
        results = evaluation.host_outputs(op, values)
        if results is None:
            return False
        for output, value in zip(op.outputs, results, strict=True):
            value.flags.writeable = False
            self.constants[output] = value
        return True

    def inputs(self, op: Operation) -> tuple[SymbolicTensor, ...]:
        """Returns the tensors whose values an operation takes: a variable itself where it reads after a write."""
        return self._fresh.get(op, op._inputs)

    def controls(self, op: Operation) -> tuple[Operation, ...]:
        """Returns what an operation waits for besides its inputs, which constants among them may have waited for."""
        return self._controls.get(op, op._control_inputs)

    def resolve(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Returns the tensor that stands for ``tensor`` in this plan."""
        return self.same_as.get(tensor, tensor)


def _is_pure(op: Operation) -> bool:
    definition = op.op_def
    if definition.stateful or definition.random is not None or definition.reads or definition.updates:
        return False
    if not op.outputs or definition.name.startswith("Placeholder") or definition.name in _NOT_SHARED:
        return False
    return not any(tensor._dtype._is_ref_dtype or tensor._dtype.name == "resource" for tensor in op._inputs)


#: Operations that only the dataflow executor can run.
DATAFLOW_OPS = frozenset(
    "Switch RefSwitch _SwitchN Merge RefMerge Enter RefEnter Exit RefExit NextIteration RefNextIteration".split()
)
_NEXT_ITERATIONS = frozenset(("NextIteration", "RefNextIteration"))
_NOT_SHARED = DATAFLOW_OPS | {
    "LoopCond",
    "ReadFile",  # pure by their definitions, but a file may be another one at the next run
    "MatchingFiles",
}


def attributes_key(op: Operation) -> Any:
    """Returns the attributes of an operation as a key that is equal exactly for equal ones."""
    attrs = op.attrs
    if not attrs:
        return ()
    return tuple([(name, _hashable(value)) for name, value in attrs.items()])


def _hashable(value: Any) -> Any:
    if value.__class__ is float:
        return value or str(value)  # 0.0 is no twin of -0.0
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes() if value.dtype != object else repr(value.tolist()))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


def needed(fetches: Iterable[SymbolicTensor], targets: Iterable[Operation], fed: set[SymbolicTensor]) -> set[Operation]:
    """Returns the operations that a run of ``fetches`` and ``targets`` needs, given what is fed."""
    stack = [tensor._op for tensor in fetches if tensor not in fed]
    stack.extend(targets)
    found: set[Operation] = set(stack)
    while stack:
        op = stack.pop()
        for tensor in op._inputs:
            producer = tensor._op
            if producer not in found and tensor not in fed:
                found.add(producer)
                stack.append(producer)
        for control in op._control_inputs:
            if control not in found and not (control.type.startswith("Placeholder") and control.outputs[0] in fed):
                found.add(control)
                stack.append(control)
    return found


def in_order(ops: set[Operation]) -> list[Operation]:
    """Returns operations so that each comes after those it depends on; otherwise in the order of creation.

    Raises:
      InvalidArgumentError: they depend on each other in a circle.
    """
    ordered = sorted(ops, key=_number)
    for op in ordered:
        number = op.number
        for tensor in op._inputs:
            if tensor._op.number > number and tensor._op in ops and not is_back_edge(op, tensor._op):
                return _topological(ordered, ops)
        for control in op._control_inputs:
            if control.number > number:
                return _topological(ordered, ops)
    return ordered


def is_back_edge(op: Operation, producer: Operation) -> bool:
    """Tells whether an input of a merge comes from the turn before."""
    return producer.type in _NEXT_ITERATIONS and op.type in ("Merge", "RefMerge")


def _number(op: Operation) -> int:
    return op.number


def _topological(ordered: list[Operation], ops: set[Operation]) -> list[Operation]:
    waiting: dict[Operation, int] = {}
    users: dict[Operation, list[Operation]] = {}
    for op in ordered:
        producers = {tensor._op for tensor in op._inputs if tensor._op in ops and not is_back_edge(op, tensor._op)}
        producers.update(control for control in op._control_inputs if control in ops)
        waiting[op] = len(producers)
        for producer in producers:
            users.setdefault(producer, []).append(op)
    ready = [(op.number, op) for op in ordered if not waiting[op]]
    heapq.heapify(ready)
    result: list[Operation] = []
    while ready:
        _, op = heapq.heappop(ready)
        result.append(op)
        for user in users.get(op, ()):
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (user.number, user))
    if len(result) != len(ordered):
        stuck = next(op for op in ordered if waiting[op])
        raise InvalidArgumentError(None, stuck, f"Graph is invalid, contains a cycle through {stuck.name!r}.")
    return result
