"""Copies what lies inside of a loop's frame to the graph of a function, conditionals as ``If`` operations.

A conditional of TensorFlow 1.x is a merge whose inputs are behind the two sides of switches with one predicate.
Each operation so has *choices* that it depends on: pairs of a predicate and a side. A merge has what its inputs have
in common, and they differ in the choice that it ends.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.conditional import choose
from tideflow._src.function.func_graph import FuncGraph, unique_function_name
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import constant_node

SWITCHES = frozenset(("Switch", "RefSwitch"))
MERGES = frozenset(("Merge", "RefMerge"))
ENTERS = frozenset(("Enter", "RefEnter"))
EXITS = frozenset(("Exit", "RefExit"))
NEXT_ITERATIONS = frozenset(("NextIteration", "RefNextIteration"))

Choice = tuple[SymbolicTensor, bool]
Choices = frozenset[Choice]
_NO_CHOICES: Choices = frozenset()


class NotRaised(Exception):
    """Says that control flow is not of the form that programs give it, so that no functions can be made of it."""


class Loops(abc.ABC):
    """Is what knows the loops of a graph."""

    @abc.abstractmethod
    def left_by(self, op: Operation) -> Any:
        """Returns the loop that an ``Exit`` leaves, or None."""


class Copies:
    """Is the part of a frame that is copied to the graph of one function.

    Args:
      graph: the graph of the function.
      loops: the loops of the graph that is copied.
      outside: gives for a tensor around the frame the one that stands for it around the function.
      known: tensors that parameters of the function stand for.
      effects: the operations with effects that the functions of the loop hold already: none is to happen twice.
      around: the copies in the function around, for a branch.
      choice: what is chosen in a branch.
    """

    def __init__(
        self,
        graph: FuncGraph,
        loops: Loops,
        outside: Callable[[SymbolicTensor], SymbolicTensor],
        known: dict[SymbolicTensor, SymbolicTensor],
        effects: set[Operation],
        around: Copies | None = None,
        choice: Choice | None = None,
    ) -> None:
        self._graph = graph
        self._loops = loops
        self._outside = outside
        self._known = known
        self._once = effects
        self._around = around
        self._choice = choice
        self._copied: dict[Operation, Operation] = {}
        self._conditionals: Conditionals = Conditionals(self) if around is None else around._conditionals

    def copied(
        self, tensors: Sequence[SymbolicTensor], effects: Iterable[Operation] = ()
    ) -> tuple[list[SymbolicTensor], list[Operation]]:
        """Copies what tensors of the frame follow from, and operations that run for their effect.

        Returns:
          What stands for the tensors, and for the operations.

        Raises:
          NotRaised: the control flow within is not of the form that programs give it.
        """
        ops = [op for op in effects if self.is_awaited(op) and op.type not in SWITCHES]
        self._conditionals.find([*(tensor._op for tensor in tensors if not self.is_known(tensor)), *ops])
        for op in ops:
            self._need(op)
        return [self._tensor(tensor) for tensor in tensors], [self._copied[op] for op in ops]

    # What follows from what.

    def is_known(self, tensor: SymbolicTensor) -> bool:
        """Tells whether something stands for a tensor already, here or in a function around."""
        copies: Copies | None = self
        while copies is not None:
            if tensor in copies._known:
                return True
            copies = copies._around
        return False

    def sources(self, op: Operation) -> list[SymbolicTensor]:
        """Returns the tensors of the frame that an operation takes, loops inside being one operation."""
        if op.type in ENTERS:
            return []
        if op.type in EXITS:
            loop = self._loops.left_by(op)
            if loop is None:
                raise NotRaised
            tensors = loop.entering()
        else:
            tensors = op._inputs
        return [tensor for tensor in tensors if not self.is_known(tensor)]

    def awaited(self, op: Operation) -> list[Operation]:
        """Returns the operations of the frame that one waits for besides."""
        if op.type in ENTERS:
            return []
        waits = self._loops.left_by(op).waits() if op.type in EXITS else op._control_inputs
        return [control for control in waits if self.is_awaited(control)]

    def is_awaited(self, op: Operation) -> bool:
        """Tells whether waiting for an operation is more than being in a turn of the loop."""
        if op.type in MERGES or op.type in ENTERS or op.type in NEXT_ITERATIONS or op.type == "LoopCond":
            return False
        switch = _switch_behind(op)
        return switch is None or not is_of_loop(switch)

    # Copying.

    def _tensor(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Returns what stands for a tensor of the frame."""
        while True:
            if tensor in self._known:
                return self._known[tensor]
            if tensor._op.type not in SWITCHES or self.is_known(tensor):
                break
            if (predicate_of(tensor._op), tensor._value_index == 1) not in self._all_choices():
                raise NotRaised
            tensor = tensor._op._inputs[0]
        op = tensor._op
        if self._around is not None and (self.is_known(tensor) or not self._is_here(op)):
            return self._graph.capture(self._around._tensor(tensor))
        self._need(op)
        return self._known[tensor] if tensor in self._known else self._copied[op].outputs[tensor._value_index]

    def _all_choices(self) -> set[Choice]:
        copies: Copies | None = self
        found = set()
        while copies is not None:
            if copies._choice is not None:
                found.add(copies._choice)
            copies = copies._around
        return found

    def _is_here(self, op: Operation) -> bool:
        """Tells whether an operation belongs to this function, and not to one around it."""
        return self._around is None or self._choice in self._conditionals.choices[op]

    def _need(self, op: Operation) -> None:
        """Copies an operation of this function, and all that it follows from."""
        stack = [op]
        while stack:
            op = stack[-1]
            if op in self._copied:
                stack.pop()
                continue
            missing = [item for item in self._before(op) if item not in self._copied]
            for item in missing:
                if not self._is_here(item):
                    assert self._around is not None
                    self._around._need_around(item)
            missing = [item for item in missing if self._is_here(item)]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            with self._graph.as_default():
                self._copy(op)

    def _need_around(self, op: Operation) -> None:
        copies = self
        while not copies._is_here(op):
            assert copies._around is not None
            copies = copies._around
        copies._need(op)

    def _before(self, op: Operation) -> list[Operation]:
        """Returns the operations that must be copied first, here or around."""
        if op in self._conditionals.predicates:
            return self._used_by_branches(op)
        found = [control for control in self.awaited(op) if not _is_pivot(control)]
        for tensor in self.sources(op):
            source = self._behind_switches(tensor)
            if source is not None:
                found.append(source)
        return found

    def _behind_switches(self, tensor: SymbolicTensor) -> Operation | None:
        """Returns the operation that computes what goes through switches to a tensor; None if that is known."""
        while not self.is_known(tensor):
            if tensor._op.type not in SWITCHES:
                return tensor._op
            tensor = tensor._op._inputs[0]
        return None

    def _used_by_branches(self, merge: Operation) -> list[Operation]:
        """Returns the operations outside of its branches that a conditional uses."""
        conditionals = self._conditionals
        choices = conditionals.choices[merge]
        predicate = self._behind_switches(conditionals.predicates[merge])
        found = [] if predicate is None else [predicate]
        seen: set[Operation] = set()
        stack = [item for each in conditionals.group(merge) for item in conditionals.inputs(each)]
        while stack:
            op = stack.pop()
            if op in seen:
                continue
            seen.add(op)
            if conditionals.choices[op] <= choices and op.type not in SWITCHES:
                found.append(op)
            else:
                stack.extend(conditionals.inputs(op))
        return found

    def _copy(self, op: Operation) -> None:
        definition = op.op_def
        if definition.stateful or definition.random is not None or definition.updates:
            if op in self._once:
                raise NotRaised
            self._once.add(op)
        if op in self._conditionals.predicates:
            self._copy_conditional(op)
        elif op.type in EXITS:
            self._copy_loop(op)
        elif op.type in ENTERS:
            tensor = self._graph.capture(self._outside(op._inputs[0]))
            self._known[op.outputs[0]] = tensor
            self._copied[op] = tensor._op
        else:
            self._copy_plain(op)

    def _copy_plain(self, op: Operation) -> None:
        inputs = [self._tensor(tensor) for tensor in op._inputs]
        attrs = {name: value for name, value in op.attrs.items() if name not in ("_class", "_output_shapes")}
        copy = self._graph.add_operation(
            op.op_def,
            inputs,
            attrs,
            op.name,
            control_inputs=self._controls(op),
            output_types=[output._dtype for output in op.outputs],
        )
        copy.device = op.device
        copy._source = op._source
        self._copied[op] = copy
        for old, new in zip(op.outputs, copy.outputs, strict=True):
            variable = getattr(old, "_variable", None)
            if variable is not None:
                new._variable = variable  # type: ignore[attr-defined]

    def _controls(self, op: Operation) -> list[Operation]:
        """Returns what the copy of an operation waits for; the function waits for what is outside of it."""
        here: dict[Operation, None] = {}
        for control in self.awaited(op):
            if _is_pivot(control):
                continue
            copies: Copies | None = self
            while copies is not None and control not in copies._copied:
                copies = copies._around
            copy = copies._copied[control] if copies is not None else None
            if copy is None or copy.type == "Placeholder":
                continue
            if copy.graph is self._graph:
                here[copy] = None
            elif copy not in self._graph.control_captures:
                self._graph.control_captures.append(copy)
        return list(here)

    def _copy_loop(self, op: Operation) -> None:
        loop = self._loops.left_by(op)
        starts = [self._tensor(tensor) for tensor in loop.starts]
        outputs = loop.build(self._graph, starts, self._tensor)
        outputs[0]._op._add_control_inputs(self._controls(op))
        for position, exit_op in loop.exits:
            self._copied[exit_op] = outputs[position]._op
            self._known[exit_op.outputs[0]] = outputs[position]

    def _copy_conditional(self, merge: Operation) -> None:
        """Adds the ``If`` operation that a merge ends, with all merges that end it."""
        conditionals = self._conditionals
        predicate = conditionals.predicates[merge]
        group = conditionals.group(merge)
        selected = self._tensor(predicate)
        scope = merge.name.rpartition("/")[0] or merge.name
        identity: Any = OpDef.registry["Identity"]
        branches = []
        for side in (True, False):
            graph = FuncGraph(unique_function_name(f"{scope.replace('/', '_')}_{str(side).lower()}"), self._graph)
            copies = Copies(graph, self._loops, self._outside, {}, self._once, self, (predicate, side))
            with graph.as_default():
                for each in group:
                    place = conditionals.place(each, (predicate, side))
                    graph.outputs.append(identity(copies._tensor(each._inputs[place])))
                    graph.outputs.append(constant_node(graph, np.array(place, np.int32), "value_index"))
            branches.append(graph)
        results = choose(selected, (branches[0], branches[1]), list(branches[0].outputs), f"{scope}/If")
        for index, each in enumerate(group):
            value, which = results[2 * index : 2 * index + 2]
            self._copied[each] = value._op
            self._known[each.outputs[0]], self._known[each.outputs[1]] = value, which


class Conditionals:
    """Is what is known of the conditionals in a frame.

    Attributes:
      choices: what each operation depends on.
      predicates: for each merge the predicate of the choice that it ends.
    """

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self.choices: dict[Operation, Choices] = {}
        self.predicates: dict[Operation, SymbolicTensor] = {}
        #: The merges that each operation follows from, itself among them.
        self._merges: dict[Operation, frozenset[Operation]] = {}
        self._depths: dict[Operation, int] = {}
        self._groups: dict[Operation, list[Operation]] | None = None

    def inputs(self, op: Operation) -> list[Operation]:
        """Returns the operations that one takes values of or waits for."""
        copies = self._copies
        return [*(tensor._op for tensor in copies.sources(op)), *copies.awaited(op)]

    def find(self, ops: Iterable[Operation]) -> None:
        """Finds the choices of operations and of all that they follow from."""
        stack = list(ops)
        while stack:
            op = stack[-1]
            if op in self.choices:
                stack.pop()
                continue
            before = self.inputs(op)
            missing = [item for item in before if item not in self.choices]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            self.choices[op] = self._merged(op) if op.type in MERGES else self._of(op)
            merges = frozenset[Operation]().union(*(self._merges[item] for item in before))
            depth = max((self._depths[item] for item in before), default=0)
            if op in self.predicates:
                merges, depth = merges | {op}, depth + 1
            self._merges[op], self._depths[op] = merges, depth

    def _of(self, op: Operation) -> Choices:
        found: set[Choice] = set()
        for tensor in self._copies.sources(op):
            found |= self._chosen(tensor)
        for control in self._copies.awaited(op):
            found |= self.choices[control]
        return frozenset(found)

    def _chosen(self, tensor: SymbolicTensor) -> Choices:
        """Returns the choices that a tensor depends on: those of its operation, and the side of a switch."""
        if self._copies.is_known(tensor):
            return _NO_CHOICES
        op = tensor._op
        if op.type not in SWITCHES:
            return self.choices[op]
        if is_of_loop(op):
            raise NotRaised
        return self.choices[op] | {(predicate_of(op), tensor._value_index == 1)}

    def _merged(self, op: Operation) -> Choices:
        if len(op._inputs) != 2 or op.type == "RefMerge" or op._control_inputs:
            raise NotRaised
        first, second = (self._chosen(tensor) for tensor in op._inputs)
        ended = {predicate for predicate, side in first if (predicate, not side) in second}
        if len(ended) != 1:
            raise NotRaised
        (predicate,) = ended
        self.predicates[op] = predicate
        return frozenset(choice for choice in first | second if choice[0] is not predicate)

    def place(self, merge: Operation, choice: Choice) -> int:
        """Returns which input of a merge is there if a choice is made."""
        return 0 if choice in self._chosen(merge._inputs[0]) else 1

    def group(self, merge: Operation) -> list[Operation]:
        """Returns the merges that end the same conditional."""
        if self._groups is None:
            self._groups = self._grouped()
        return self._groups[merge]

    def _grouped(self) -> dict[Operation, list[Operation]]:
        """Puts merges together that end the same choice.

        Where conditionals with the same predicate follow from each other, they are told apart by how many merges come
        before.
        """
        groups: dict[Any, list[Operation]] = {}
        for merge, predicate in self.predicates.items():
            groups.setdefault((predicate, self.choices[merge]), []).append(merge)
        of = {merge: key for key, group in groups.items() for merge in group}
        follows = {
            key: {of[other] for merge in group for other in self._merges[merge] if other is not merge}
            for key, group in groups.items()
        }
        found: dict[Operation, list[Operation]] = {}
        for key, group in groups.items():
            parts: dict[int, list[Operation]] = {}
            circular = _reaches(follows, key)
            for merge in group:
                parts.setdefault(self._depths[merge] if circular else 0, []).append(merge)
            for part in parts.values():
                found.update((merge, part) for merge in part)
        return found


def _reaches(follows: dict[Any, set[Any]], key: Any) -> bool:
    """Tells whether something follows from itself."""
    seen: set[Any] = set()
    stack = list(follows[key])
    while stack:
        item = stack.pop()
        if item not in seen:
            seen.add(item)
            stack.extend(follows[item])
    return key in seen


def is_of_loop(switch: Operation) -> bool:
    """Tells whether the condition of a loop decides about a switch."""
    return switch._inputs[1]._op.type == "LoopCond"


def _is_pivot(op: Operation) -> bool:
    """Tells whether waiting for an operation says no more than that a branch is taken, or that there is a turn."""
    switch = _switch_behind(op)
    if switch is None:
        return False
    return op is switch or is_of_loop(switch) or _plain(switch._inputs[0]) is predicate_of(switch)


def _switch_behind(op: Operation) -> Operation | None:
    """Returns the switch that an operation is, or an identity of; or None."""
    while op.type == "Identity" and op._inputs[0]._op.type in ("Identity", *SWITCHES):
        op = op._inputs[0]._op
    return op if op.type in SWITCHES else None


def predicate_of(switch: Operation) -> SymbolicTensor:
    """Returns what the predicate of a switch is an identity of."""
    return _plain(switch._inputs[1])


def _plain(tensor: SymbolicTensor) -> SymbolicTensor:
    while tensor._op.type == "Identity" and not tensor._op._control_inputs:
        tensor = tensor._op._inputs[0]
    return tensor
