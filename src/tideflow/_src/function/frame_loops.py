"""Raises the loops of TensorFlow 1.x graphs, which are frames, to ``While`` operations, which have gradients.

A frame has a merge for each variable of its loop, a switch behind it that the condition of the loop selects, a
``NextIteration`` that leads back to the merge, and an ``Exit``. What lies between the merges and the condition becomes
one function, what lies between the switches and the next turn another; loops inside become ``While`` operations of
these functions, and conditionals ``If`` operations (:mod:`.frame_copies`). The exits become identities of what the
``While`` operation returns, so that all that used them runs it, and nothing runs twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.frame_copies import (
    ENTERS,
    EXITS,
    MERGES,
    NEXT_ITERATIONS,
    SWITCHES,
    Copies,
    Loops,
    NotRaised,
)
from tideflow._src.function.func_graph import FuncGraph, unique_function_name
from tideflow._src.function.loops import share_parameters
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef, Shape
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.control.functional import stateless_while, while_op
from tideflow._src.runtime.convert import constant_node

#: The counter of turns and their largest number, which every loop has in front of its variables.
_BOOKKEEPING = 2
#: How often a loop is built with better guesses of its shapes before they count as unknown.
_MOST_GUESSES = 4


def raise_loops(ys: Iterable[SymbolicTensor]) -> None:
    """Makes ``While`` operations of the outermost loops of frames that tensors of a graph follow from.

    A loop that cannot be raised stays what it is; its operations say so when they are asked for a gradient.

    Args:
      ys: tensors of one graph, outside of all loops.
    """
    loops = FrameLoops()
    seen: set[Operation] = set()
    stack = [tensor._op for tensor in ys]
    found: dict[FrameLoop, None] = {}
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        if op.type in ENTERS or op.type in NEXT_ITERATIONS:
            continue  # within a loop: there is no value outside of it
        if op.type in EXITS:
            loop = loops.left_by(op)
            if loop is not None and loop not in found:
                found[loop] = None
                stack.extend(tensor._op for tensor in loop.entering())
            continue
        stack.extend(tensor._op for tensor in op._inputs)
    for loop in found:
        loop.replace()


class FrameLoops(Loops):
    """Finds the loops of a graph by the operations that leave them."""

    def __init__(self) -> None:
        self._loops: dict[Operation, FrameLoop] = {}

    def left_by(self, op: Operation) -> FrameLoop | None:
        """Returns the loop that an ``Exit`` leaves, or None if it does not belong to one as programs make them."""
        switch = op._inputs[0]._op
        if switch.type not in SWITCHES or switch._inputs[1]._op.type != "LoopCond":
            return None
        condition = switch._inputs[1]._op
        loop = self._loops.get(condition)
        if loop is None:
            try:
                loop = self._loops[condition] = FrameLoop(condition, self)
            except NotRaised:
                return None
        return loop


class FrameLoop:
    """Is a loop that consists of a frame.

    Attributes:
      condition: its ``LoopCond``.
      merges: the merge of each variable, in order.
      starts: what each variable is before the first turn, outside of the frame.
      ends: what each variable is at the end of a turn, inside of it.
      exits: by the position of its variable, each operation that leaves the loop.
    """

    def __init__(self, condition: Operation, loops: Loops) -> None:
        self.condition = condition
        self._loops = loops
        self.merges: list[Operation] = []
        self.starts: list[SymbolicTensor] = []
        self.ends: list[SymbolicTensor] = []
        self.exits: list[tuple[int, Operation]] = []
        self._switched: dict[SymbolicTensor, int] = {}
        self._waiting: list[Operation] = []
        self._constants: dict[SymbolicTensor, None] = {}
        self._entered: list[Operation] = []
        users = condition.graph.remembered("frame_users", lambda: _users(condition.graph))
        switches = [op for op in users.get(condition.outputs[0], ()) if _is_switch_of(op, condition)]
        for switch in switches:
            merge = switch._inputs[0]._op
            if merge.type in MERGES and any(tensor._op.type in NEXT_ITERATIONS for tensor in merge._inputs):
                position = self._add(merge)
                self._switched[switch.outputs[1]] = position
                self.exits += [(position, op) for op in users.get(switch.outputs[0], ()) if op.type in EXITS]
        self._explore()

    def entering(self) -> list[SymbolicTensor]:
        """Returns the tensors outside of the loop that its operations use."""
        return [*self.starts, *self._constants]

    def waits(self) -> list[Operation]:
        """Returns the operations around the loop that it waits for."""
        return [op for enter in self._entered for op in enter._control_inputs]

    def _add(self, merge: Operation) -> int:
        """Returns the position of the variable that a merge stands for."""
        if merge in self.merges:
            return self.merges.index(merge)
        first, second = merge._inputs[0]._op, merge._inputs[-1]._op
        if first.type in NEXT_ITERATIONS:
            first, second = second, first
        if len(merge._inputs) != 2 or first.type not in ENTERS or second.type not in NEXT_ITERATIONS:
            raise NotRaised
        if merge.type == "RefMerge":
            raise NotRaised
        self.merges.append(merge)
        self.starts.append(first._inputs[0])
        self.ends.append(second._inputs[0])
        self._entered.append(first)
        self._waiting.extend(second._control_inputs)
        return len(self.merges) - 1

    def _explore(self) -> None:
        """Finds what enters the loop, and variables that only its condition or other variables use."""
        seen: set[Operation] = set()
        stack = [self.condition, *(tensor._op for tensor in self.ends), *self._waiting]
        while stack:
            op = stack.pop()
            if op in seen:
                continue
            seen.add(op)
            if op.type in ENTERS:
                self._constants[op._inputs[0]] = None
                continue
            if op.type in MERGES and any(tensor._op.type in NEXT_ITERATIONS for tensor in op._inputs):
                if op not in self.merges:
                    position = self._add(op)
                    stack.append(self.ends[position]._op)
                    stack.extend(op for op in self._waiting if op not in seen)
                continue
            if op.type in SWITCHES and op._inputs[1]._op is self.condition:
                stack.append(op._inputs[0]._op)
                continue
            if op.type in EXITS:
                inner = self._loops.left_by(op)
                if inner is None:
                    raise NotRaised
                stack.extend(tensor._op for tensor in inner.entering())
                continue
            stack.extend(tensor._op for tensor in op._inputs)
            stack.extend(op._control_inputs)

    # Raising.

    def replace(self) -> None:
        """Adds the ``While`` operation to the graph of the frame, and makes the exits identities of its outputs."""
        graph = self.condition.graph
        graph._check_not_finalized()
        with context.no_tapes(), graph.as_default(), graph.control_dependencies(None):
            saved, graph._name_stack = graph._name_stack, ""
            try:
                outputs = self.build(graph, self.starts, lambda tensor: tensor)
            except NotRaised:
                return
            finally:
                graph._name_stack = saved
        outputs[0]._op._add_control_inputs(self.waits())
        for position, op in self.exits:
            output = outputs[position]
            op.op_def = OpDef.registry["Identity"]
            op.attrs = {"T": output._dtype.base_dtype}
            op._inputs = (output,)
            op._control_inputs = ()
            op.outputs[0].set_shape(output.shape)
        graph.changed_in_place()

    def build(
        self, graph: Graph, starts: Sequence[SymbolicTensor], outside: Callable[[SymbolicTensor], SymbolicTensor]
    ) -> list[SymbolicTensor]:
        """Adds the ``While`` operation to a graph and returns what it gives for each variable.

        Args:
          graph: the graph, the current one.
          starts: tensors of it: the variables before the first turn.
          outside: gives for a tensor around the frame the one that stands for it in ``graph``.

        Raises:
          NotRaised: something in the frame is not as programs make loops.
        """
        shapes: list[Shape] = [tensor._shape for tensor in starts]
        for guess in range(_MOST_GUESSES + 1):
            if guess == _MOST_GUESSES:
                shapes = [None] * len(shapes)
            try:
                body, condition = self._functions(graph, starts, shapes, outside)
            except ValueError:  # operations that reject a shape which is that of the first turn alone
                if guess == _MOST_GUESSES:
                    raise
                shapes = [None] * len(shapes)
                continue
            found = [output._shape for output in body.outputs[_BOOKKEEPING:]]
            kept = [_common(first, second) for first, second in zip(shapes, found, strict=True)]
            if kept == shapes:
                break
            shapes = kept
        count = _BOOKKEEPING + len(starts)
        scope = self.condition.name.rsplit("/", 1)[0]
        with graph.name_scope(None):
            bookkeeping = [
                constant_node(graph, np.array(value, np.int32), f"{scope}/{name}")
                for value, name in ((0, "loop_counter"), (-1, "maximum_iterations"))
            ]
            captured = share_parameters(condition, body, count)
            stateful = body.is_stateful() or condition.is_stateful()
            operation: Any = while_op if stateful else stateless_while
            outputs = operation(
                [*bookkeeping, *starts, *captured],
                cond=condition,
                body=body,
                output_shapes=[parameter._shape for parameter in body.inputs],
                name=f"{scope}/While",
            )
        return list(outputs[_BOOKKEEPING:count])

    def _functions(
        self,
        graph: Graph,
        starts: Sequence[SymbolicTensor],
        shapes: Sequence[Shape],
        outside: Callable[[SymbolicTensor], SymbolicTensor],
    ) -> tuple[FuncGraph, FuncGraph]:
        scope = self.condition.name.rsplit("/", 1)[0].replace("/", "_")
        registry: Any = OpDef.registry
        built = []
        effects: set[Operation] = set()
        for kind in ("body", "cond"):
            function = FuncGraph(unique_function_name(f"{scope}_{kind}"), graph)
            counter = function.add_parameter(dtypes.int32, (), "loop_counter")
            limit = function.add_parameter(dtypes.int32, (), "maximum_iterations")
            parameters = [
                function.add_parameter(start._dtype.base_dtype, shape, "variable")
                for start, shape in zip(starts, shapes, strict=True)
            ]
            known = {merge.outputs[0]: item for merge, item in zip(self.merges, parameters, strict=True)}
            if kind == "body":
                known.update((tensor, parameters[position]) for tensor, position in self._switched.items())
            copies = Copies(function, self._loops, outside, known, effects)
            with function.as_default():
                if kind == "body":
                    ends, function.control_outputs = copies.copied(self.ends, self._waiting)
                    advance = registry["AddV2"](counter, constant_node(function, np.array(1, np.int32), "one"))
                    function.outputs = [advance, limit, *map(_plain, ends, parameters)]
                else:
                    function.outputs, _ = copies.copied([self.condition._inputs[0]])
            built.append(function)
        return built[0], built[1]


def _plain(end: SymbolicTensor, parameter: SymbolicTensor) -> SymbolicTensor:
    """Returns a variable after a turn: itself where the turn leaves it, else what the turn computes, by value."""
    tensor = end
    while tensor._op.type == "Identity" and not tensor._op._control_inputs:
        tensor = tensor._op._inputs[0]
    if tensor is parameter:
        return parameter
    if end._op.type == "Placeholder" or end._dtype._is_ref_dtype:
        return OpDef.registry["Identity"](end)  # type: ignore[operator]
    return end


def _common(first: Shape, second: Shape) -> Shape:
    """Returns the most that is true of two shapes."""
    if first is None or second is None or len(first) != len(second):
        return None
    return tuple(a if a == b else None for a, b in zip(first, second, strict=True))


def _is_switch_of(op: Operation, condition: Operation) -> bool:
    return op.type in SWITCHES and op._inputs[1]._op is condition


def _users(graph: Graph) -> dict[SymbolicTensor, list[Operation]]:
    """Returns the users of what conditions of loops and switches give."""
    users: dict[SymbolicTensor, list[Operation]] = {}
    for op in graph.get_operations():
        for tensor in dict.fromkeys(op._inputs):
            if tensor._op.type == "LoopCond" or tensor._op.type in SWITCHES:
                users.setdefault(tensor, []).append(op)
    return users
