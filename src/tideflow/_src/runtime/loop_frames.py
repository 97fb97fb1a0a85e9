"""Runs plans that hold switches, merges and loop frames, as TensorFlow 1.x graphs do: a dataflow executor.

Values are tokens that belong to one turn of one frame. An operation runs when all its inputs are there; if one of them
is *dead*, because a switch sent its data the other way, it does not run and its outputs are dead. A merge runs when
one of its inputs is alive, and is dead when all are. A frame begins with the first ``Enter`` that reaches it, each
``NextIteration`` begins its next turn, and what never left it is dead outside.

Most operations wait for the same tokens as others. Those run together, as one program of the host tier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.host import HostProgram, Interpreted
from tideflow._src.runtime.plan import DATAFLOW_OPS, Plan
from tideflow._src.runtime.state import RunState

_SWITCHES = frozenset(("Switch", "RefSwitch", "_SwitchN"))
_MERGES = frozenset(("Merge", "RefMerge"))
_ENTERS = frozenset(("Enter", "RefEnter"))
_EXITS = frozenset(("Exit", "RefExit"))
_NEXTS = frozenset(("NextIteration", "RefNextIteration"))

_ROOT = ""


def host_program(
    plan: Plan,
    ops: Sequence[Operation],
    inputs: Sequence[SymbolicTensor],
    outputs: Sequence[SymbolicTensor],
    state: RunState,
) -> Any:
    """Returns operations of a plan as a program of the host tier: values of inputs in, values of outputs out."""
    if plan.dataflow and any(op.type in DATAFLOW_OPS for op in ops):
        return DataflowProgram(plan, ops, inputs, outputs, state)
    return HostProgram(plan, ops, inputs, outputs, state)


class _Actor:
    """Is what runs at once: a control flow operation, or a group of others that wait for the same tokens.

    Attributes:
      number: its place among the actors.
      kind: ``group``, ``switch``, ``merge``, ``enter``, ``exit``, ``next`` or ``trigger``.
      ops: its operations.
      users: for each port, the actors that wait for it, once for each edge.
    """

    __slots__ = ("number", "kind", "ops", "users", "waits", "program", "takes", "gives", "data", "controls", "constant")

    def __init__(self, number: int, kind: str) -> None:
        self.number = number
        self.kind = kind
        self.ops: list[Operation] = []
        #: (user, whether the edge brings data to a merge), for each port: a switch has one for each output.
        self.users: dict[int, list[tuple[_Actor, bool]]] = {}
        #: How many tokens it waits for; a merge: how many control tokens.
        self.waits = 0
        self.program: Any = None
        self.takes: list[SymbolicTensor] = []
        self.gives: list[SymbolicTensor] = []
        #: How many data inputs a merge has.
        self.data = 0
        self.controls = 0
        self.constant = False


class DataflowProgram(Interpreted):
    """Is a sequence of operations with control flow operations among them, ready to run."""

    def __init__(
        self,
        plan: Plan,
        ops: Sequence[Operation],
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        state: RunState,
    ) -> None:
        super().__init__(plan, ops, inputs, outputs, state)
        self._fed = set(self._inputs)
        self.actors: list[_Actor] = []
        self._actor_of: dict[Operation, _Actor] = {}
        self._frames = _frames(ops, self._fed)
        self._group(ops)
        self._connect()
        self.starts = [
            actor
            for actor in self.actors
            if not actor.waits and not actor.data and actor.kind in ("group", "trigger", "switch", "enter")
        ]
        self.enters: dict[str, int] = {}
        self.exits: dict[str, list[_Actor]] = {}
        for actor in self.actors:
            if actor.kind == "enter":
                name = actor.ops[0].attrs["frame_name"]
                self.enters[name] = self.enters.get(name, 0) + 1
            elif actor.kind == "exit":
                op = actor.ops[0]
                frame = _ROOT if op._inputs[0] in self._fed else self._frames.get(op._inputs[0]._op, _ROOT)
                if frame == _ROOT:
                    raise InvalidArgumentError(
                        None, op, f"Invalid Exit op: Cannot find a corresponding Enter op.  {op.name} leaves no loop."
                    )
                self.exits.setdefault(frame, []).append(actor)

    def _run(self, values: Sequence[Any]) -> Any:
        run = _Run(self, dict(zip(self._inputs, values, strict=True)))
        found = run.finish()
        results: list[Any] = []
        for tensor in self._outputs:
            if tensor not in found and tensor._op in self._actor_of and tensor not in self._fed:
                raise InvalidArgumentError(
                    None,
                    tensor._op,
                    f"Retval[{len(results)}] does not have value: {tensor.name} is in a branch that was not taken.",
                )
            results.append(self.value(tensor, found))
        return tuple(results)

    def value(self, tensor: SymbolicTensor, known: dict[SymbolicTensor, Any], *, as_reference: bool = False) -> Any:
        """Returns the value of a tensor, or the buffer that it refers to if that is asked for."""
        tensor = self._plan.resolve(tensor)
        if tensor in known:
            value = known[tensor]
        elif tensor in self._plan.constants:
            return self._plan.constants[tensor]
        else:
            buffer = self._state.buffer_of(tensor)
            if buffer is None:
                why = "fed, and used within a loop" if tensor in self._fed else "used before it is computed"
                raise InvalidArgumentError(
                    None, tensor._op, f"{tensor.name} is {why}: its value is not in the frame of the loop."
                )
            if tensor._dtype.name == "resource":
                return self._state.handle_of(tensor)
            value = buffer
        if tensor._dtype._is_ref_dtype and not as_reference and hasattr(value, "read"):
            return value.read()
        return value

    # Building.

    def _group(self, ops: Sequence[Operation]) -> None:
        """Makes the actors: operations that depend on the same control flow operations run together."""
        keys: dict[Operation, frozenset[Any]] = {}
        groups: dict[frozenset[Any], _Actor] = {}
        for op in ops:
            kind = _kind(op)
            if kind == "group":
                key = self._key(op, keys)
                keys[op] = key
                actor = groups.get(key)
                if actor is None:
                    actor = groups[key] = self._new_actor("group")
            else:
                actor = self._new_actor(kind)
                actor.constant = bool(op.attrs.get("is_constant", False))
            actor.ops.append(op)
            self._actor_of[op] = actor

    def _new_actor(self, kind: str) -> _Actor:
        actor = _Actor(len(self.actors), kind)
        self.actors.append(actor)
        return actor

    def _key(self, op: Operation, keys: dict[Operation, frozenset[Any]]) -> frozenset[Any]:
        """Returns the tokens on which it depends whether an operation runs, and when."""
        found: set[Any] = set()
        sources: list[tuple[Operation, int]] = [
            (tensor._op, tensor._value_index)
            for tensor in map(self._plan.resolve, op._inputs)
            if tensor not in self._fed and tensor not in self._plan.constants
        ]
        sources += [(control, -1) for control in op._control_inputs]
        for producer, port in sources:
            if producer in keys:
                found |= keys[producer]
            elif producer in self._actor_of:
                found.add(self._token(producer, port))
        turns = {token[1] for token in found if token[0] == "turn"}
        headers = {token[1] for token in found if token[0] == "header"} | {frame for frame, _ in turns}
        turning = {frame for frame, _ in turns}
        return frozenset(
            token
            for token in found
            if not (token[0] == "constant" and token[1] in headers)
            and not (token[0] == "header" and token[1] in turning)
        )

    def _token(self, op: Operation, port: int) -> tuple[Any, ...]:
        """Returns what stands for an output of a control flow operation.

        All variables of a loop are there when a turn begins, so that one token stands for all of them.
        """
        frame = self._frames[op]
        if op.type in _MERGES and any(tensor._op.type in _NEXTS for tensor in op._inputs):
            return ("header", frame)
        if op.type in _SWITCHES and op._inputs[1]._op.type == "LoopCond" and port >= 0:
            return ("turn", (frame, port))
        if op.type in _ENTERS and op.attrs.get("is_constant"):
            return ("constant", frame)
        return ("output", op, port)

    def _connect(self) -> None:
        for actor in self.actors:
            if actor.kind == "merge":
                self._connect_merge(actor)
                continue
            edges: dict[tuple[_Actor, int], None] = {}
            for op in actor.ops:
                for tensor in op._inputs:
                    tensor = self._plan.resolve(tensor)
                    producer = self._producer(tensor)
                    if producer is not None and producer is not actor:
                        edges[producer, tensor._value_index if producer.kind == "switch" else 0] = None
                for control in op._control_inputs:
                    producer = self._actor_of.get(control)
                    if producer is not None and producer is not actor:
                        edges[producer, -1 if producer.kind == "switch" else 0] = None
            for producer, port in edges:
                producer.users.setdefault(port, []).append((actor, False))
            actor.waits = len(edges)
        self._make_programs()

    def _connect_merge(self, actor: _Actor) -> None:
        op = actor.ops[0]
        for tensor in op._inputs:
            tensor = self._plan.resolve(tensor)
            producer = self._producer(tensor)
            if producer is not None:
                port = tensor._value_index if producer.kind == "switch" else 0
                producer.users.setdefault(port, []).append((actor, True))
                actor.data += 1
        for control in op._control_inputs:
            producer = self._actor_of.get(control)
            if producer is not None:
                producer.users.setdefault(-1 if producer.kind == "switch" else 0, []).append((actor, False))
                actor.controls += 1

    def _producer(self, tensor: SymbolicTensor) -> _Actor | None:
        if tensor in self._fed or tensor in self._plan.constants:
            return None
        return self._actor_of.get(tensor._op)

    def _make_programs(self) -> None:
        used: dict[SymbolicTensor, set[_Actor]] = {}
        for actor in self.actors:
            for op in actor.ops:
                for tensor in op._inputs:
                    used.setdefault(self._plan.resolve(tensor), set()).add(actor)
        fetched = set(self._outputs)
        for actor in self.actors:
            if actor.kind != "group":
                continue
            mine = set(actor.ops)
            takes: dict[SymbolicTensor, None] = {}
            for op in actor.ops:
                for tensor in op._inputs:
                    tensor = self._plan.resolve(tensor)
                    if tensor in self._fed or (tensor._op not in mine and tensor not in self._plan.constants):
                        takes[tensor] = None
            actor.takes = list(takes)
            actor.gives = [
                tensor
                for op in actor.ops
                for tensor in op.outputs
                if not self._state.is_handle(op)
                and tensor not in self._fed
                and (tensor in fetched or used.get(tensor, set()) - {actor})
                and self._state.buffer_of(tensor) is None
            ]
            actor.program = HostProgram(self._plan, actor.ops, actor.takes, actor.gives, self._state)


def _kind(op: Operation) -> str:
    kind = op.type
    if kind in _SWITCHES:
        return "switch"
    if kind in _MERGES:
        return "merge"
    if kind in _ENTERS:
        return "enter"
    if kind in _EXITS:
        return "exit"
    if kind in _NEXTS:
        return "next"
    return "trigger" if kind == "ControlTrigger" else "group"


def _frames(ops: Sequence[Operation], fed: set[SymbolicTensor]) -> dict[Operation, str]:
    """Returns the name of the frame that each operation runs in; for ``Enter`` the frame that it leads into."""
    frames: dict[Operation, str] = {}
    parents: dict[str, str] = {}
    for op in ops:
        producers = [tensor._op for tensor in op._inputs if tensor not in fed] + list(op._control_inputs)
        known = [frames[producer] for producer in producers if producer in frames]
        # A constant may stand outside of the frame that it is used in.
        frame = next((name for name in known if name != _ROOT), _ROOT)
        if op.type in _ENTERS:
            parents.setdefault(op.attrs["frame_name"], frame)
            frame = op.attrs["frame_name"]
        elif op.type in _EXITS:
            frame = parents.get(frame, _ROOT)
        frames[op] = frame
    return frames


class _Turn:
    """Is one turn of a frame: its values, and what its actors still wait for."""

    __slots__ = ("frame", "number", "values", "pending", "dead", "fired", "active")

    def __init__(self, frame: _Frame, number: int) -> None:
        self.frame = frame
        self.number = number
        self.values: dict[SymbolicTensor, Any] = {}
        self.pending: dict[_Actor, int] = {}
        self.dead: dict[_Actor, int] = {}
        self.fired: dict[_Actor, SymbolicTensor] = {}
        #: Actors that are about to run, and frames that have begun and not ended.
        self.active = 0


class _Frame:
    """Is one execution of a loop."""

    def __init__(self, name: str, parent: _Turn | None, enters: int, parallel: int) -> None:
        self.name = name
        self.parent = parent
        self.waiting = enters
        self.parallel = max(parallel, 1)
        self.turns: dict[int, _Turn] = {0: _Turn(self, 0)}
        self.oldest = 0
        self.newest = 0
        self.constants: list[tuple[_Actor, Any]] = []
        self.dead_constants: list[_Actor] = []
        self.deferred: list[tuple[_Actor, Any]] = []
        self.left: set[_Actor] = set()


class _Run:
    """Is one run of a program."""

    def __init__(self, program: DataflowProgram, values: dict[SymbolicTensor, Any]) -> None:
        self._program = program
        self._root = _Frame(_ROOT, None, 0, 1)
        self._fed = values
        self._ready: deque[tuple[_Turn, _Actor, bool]] = deque()
        self._children: dict[tuple[_Turn, str], _Frame] = {}
        root = self._root.turns[0]
        root.values.update(values)
        for actor in program.starts:
            self._enqueue(root, actor, dead=False)
        for actor in program.actors:
            if actor.kind == "merge":
                self._offer_known(root, actor)

    def finish(self) -> dict[SymbolicTensor, Any]:
        """Runs until nothing is left to do; returns the values outside of all frames."""
        ready = self._ready
        while ready:
            turn, actor, dead = ready.popleft()
            getattr(self, f"_run_{actor.kind}")(turn, actor, dead)
            turn.active -= 1
            if not turn.active and turn.frame is not self._root:
                self._settle(turn.frame)
        return self._root.turns[0].values

    def _enqueue(self, turn: _Turn, actor: _Actor, *, dead: bool) -> None:
        turn.active += 1
        self._ready.append((turn, actor, dead))

    # Tokens.

    def _deliver(self, turn: _Turn, actor: _Actor, port: int, *, dead: bool, tensor: Any = None) -> None:
        """Sends a token to those who wait for an output of an actor."""
        for user, is_data in actor.users.get(port, ()):
            if user.kind == "merge":
                self._deliver_to_merge(turn, user, actor, is_data, dead, tensor)
                continue
            left = turn.pending.get(user)
            left = (user.waits if left is None else left) - 1
            turn.pending[user] = left
            if dead:
                turn.dead[user] = 1
            if not left:
                turn.pending.pop(user)
                self._enqueue(turn, user, dead=turn.dead.pop(user, 0) > 0)

    def _deliver_to_merge(
        self, turn: _Turn, merge: _Actor, source: _Actor, is_data: bool, dead: bool, tensor: Any
    ) -> None:
        if not is_data:
            turn.pending[merge] = turn.pending.get(merge, merge.controls) - 1
        elif dead:
            turn.dead[merge] = turn.dead.get(merge, 0) + 1
        elif merge not in turn.fired:
            turn.fired[merge] = tensor if tensor is not None else self._given(merge, source, turn)
        self._try_merge(turn, merge)

    def _given(self, merge: _Actor, source: _Actor, turn: _Turn) -> SymbolicTensor:
        """Returns the input of a merge that an actor has just computed."""
        resolve = self._program._plan.resolve
        for tensor in merge.ops[0]._inputs:
            tensor = resolve(tensor)
            if tensor._op in source.ops and (tensor in turn.values or tensor._dtype._is_ref_dtype):
                return tensor
        raise AssertionError(f"{merge.ops[0].name} got nothing from {source.ops[0].name}")

    def _try_merge(self, turn: _Turn, merge: _Actor) -> None:
        if turn.pending.get(merge, merge.controls) > 0:
            return
        if merge in turn.fired:
            if turn.fired[merge] is not None and turn.pending.get(merge) != -1:
                turn.pending[merge] = -1
                self._enqueue(turn, merge, dead=False)
        elif turn.dead.get(merge, 0) == merge.data and turn.pending.get(merge) != -1:
            turn.pending[merge] = -1
            self._enqueue(turn, merge, dead=True)

    def _offer_known(self, root: _Turn, merge: _Actor) -> None:
        """Lets a merge outside of all frames take an input that is known before anything runs."""
        for tensor in merge.ops[0]._inputs:
            tensor = self._program._plan.resolve(tensor)
            if tensor in root.values or tensor in self._program._plan.constants:
                root.fired[merge] = tensor
                self._try_merge(root, merge)
                return

    # Actors.

    def _run_group(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        if not dead:
            value, known = self._program.value, turn.values
            taken = [value(tensor, known, as_reference=True) for tensor in actor.takes]
            known.update(zip(actor.gives, actor.program(taken), strict=True))
        self._deliver(turn, actor, 0, dead=dead)

    def _run_trigger(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        self._deliver(turn, actor, 0, dead=False)

    def _run_switch(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        op = actor.ops[0]
        taken = -1
        if not dead:
            reference = op.type == "RefSwitch"
            data = self._program.value(op._inputs[0], turn.values, as_reference=reference)
            selector = self._program.value(op._inputs[1], turn.values)
            if getattr(selector, "size", 1) != 1 or getattr(selector, "ndim", 0):
                raise InvalidArgumentError(
                    None, op, f"The second input must be a scalar, but it has shape {list(selector.shape)}"
                )
            taken = int(selector) if op.type == "_SwitchN" else int(bool(selector))
            if not 0 <= taken < len(op.outputs):
                taken = len(op.outputs) - 1
            turn.values[op.outputs[taken]] = data
        for port, output in enumerate(op.outputs):
            self._deliver(turn, actor, port, dead=port != taken, tensor=output)
        self._deliver(turn, actor, -1, dead=dead)

    def _run_merge(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        op = actor.ops[0]
        if not dead:
            tensor = turn.fired[actor]
            resolve = self._program._plan.resolve
            value = self._program.value(tensor, turn.values, as_reference=op.type == "RefMerge")
            index = next(i for i, item in enumerate(op._inputs) if resolve(item) is tensor)
            turn.values[op.outputs[0]] = value
            turn.values[op.outputs[1]] = np.int32(index)
        self._deliver(turn, actor, 0, dead=dead, tensor=op.outputs[0])

    def _run_enter(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        op = actor.ops[0]
        name = op.attrs["frame_name"]
        frame = self._children.get((turn, name))
        if frame is None:
            enters = self._program.enters[name]
            frame = _Frame(name, turn, enters, op.attrs.get("parallel_iterations", 10))
            self._children[turn, name] = frame
            turn.active += 1
        frame.waiting -= 1
        value = None
        if not dead:
            value = self._program.value(op._inputs[0], turn.values, as_reference=op.type == "RefEnter")
        first = frame.turns.get(0)
        if actor.constant:
            (frame.dead_constants if dead else frame.constants).append((actor, value))  # type: ignore[arg-type]
            for each in list(frame.turns.values()):
                self._give(each, actor, value, dead=dead)
        elif first is not None:
            self._give(first, actor, value, dead=dead)
        self._settle(frame)

    def _give(self, turn: _Turn, actor: _Actor, value: Any, *, dead: bool) -> None:
        output = actor.ops[0].outputs[0]
        if not dead:
            turn.values[output] = value
        self._deliver(turn, actor, 0, dead=dead, tensor=output)

    def _run_next(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        if dead:
            return
        op = actor.ops[0]
        value = self._program.value(op._inputs[0], turn.values, as_reference=op.type == "RefNextIteration")
        frame = turn.frame
        if frame.parent is None:
            raise InvalidArgumentError(None, op, f"{op.name} ({op.type}) is not inside of a loop.")
        if turn.number + 1 not in frame.turns and frame.newest + 1 - frame.oldest >= frame.parallel:
            frame.deferred.append((actor, (turn.number + 1, value)))
            return
        self._go_round(frame, actor, turn.number + 1, value)

    def _go_round(self, frame: _Frame, actor: _Actor, number: int, value: Any) -> None:
        turn = frame.turns.get(number)
        if turn is None:
            turn = frame.turns[number] = _Turn(frame, number)
            frame.newest = number
            for enter, constant in frame.constants:
                self._give(turn, enter, constant, dead=False)
        self._give(turn, actor, value, dead=False)

    def _run_exit(self, turn: _Turn, actor: _Actor, dead: bool) -> None:
        if dead:
            return
        op = actor.ops[0]
        frame = turn.frame
        if frame.parent is None:
            raise InvalidArgumentError(None, op, f"{op.name} ({op.type}) is not inside of a loop.")
        frame.left.add(actor)
        value = self._program.value(op._inputs[0], turn.values, as_reference=op.type == "RefExit")
        self._give(frame.parent, actor, value, dead=False)

    def _settle(self, frame: _Frame) -> None:
        """Forgets turns that are over; ends the frame if none is left."""
        while frame.oldest in frame.turns and not frame.turns[frame.oldest].active and not frame.waiting:
            if frame.oldest == frame.newest and not frame.deferred:
                break
            del frame.turns[frame.oldest]
            frame.oldest += 1
            if frame.deferred:
                waiting, frame.deferred = frame.deferred, []
                for actor, (number, value) in waiting:
                    self._go_round(frame, actor, number, value)
        if frame.waiting or frame.deferred or any(turn.active for turn in frame.turns.values()):
            return
        parent = frame.parent
        assert parent is not None
        if self._children.pop((parent, frame.name), None) is None:
            return
        for actor in self._program.exits.get(frame.name, ()):
            if actor not in frame.left:
                self._give(parent, actor, None, dead=True)
        parent.active -= 1
        if not parent.active and parent.frame is not self._root:
            self._settle(parent.frame)
