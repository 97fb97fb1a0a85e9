"""Runs a plan in which one operation may wait for another: both ends of a queue are in one run.

Plans run one operation after the other. If a run both fills a queue and empties it, the order in which that works
depends on what is in the queue. Here each operation runs as soon as its inputs are there, and those that may wait do so
in threads of their own.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import blocking, rollback
from tideflow._src.runtime.buffers import this_thread
from tideflow._src.runtime.host import HostProgram, Interpreted
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState

if TYPE_CHECKING:
    import queue

_GIVES = frozenset("QueueEnqueue QueueEnqueueMany QueueClose Stage MapStage OrderedMapStage BarrierInsertMany".split())
_TAKES = frozenset(
    "QueueDequeue QueueDequeueMany QueueDequeueUpTo ReaderRead ReaderReadUpTo Unstage MapUnstage MapUnstageNoKey "
    "OrderedMapUnstage OrderedMapUnstageNoKey BarrierTakeMany".split()
)


def waits_for_itself(plan: Plan) -> bool:
    """Tells whether a plan holds both ends of a queue, a barrier or a staging area."""
    given: set[Any] = set()
    taken: set[Any] = set()
    for op in plan.ops:
        kind = op.type.removesuffix("V2")
        if kind in _GIVES:
            given.add(_resource(op, 0))
        elif kind in _TAKES:
            taken.add(_resource(op, 1 if kind.startswith("Reader") else 0))
    return bool(given & taken)


def _resource(op: Operation, position: int) -> Any:
    """Returns what identifies the resource that an operation works on."""
    if "shared_name" in op.attrs:  # a staging area, which has no handle
        return op.attrs["shared_name"] or op
    tensor = op._inputs[position]
    while tensor._op.type in ("Identity", "RefIdentity", "DebugGradientRefIdentity"):
        tensor = tensor._op._inputs[0]
    return tensor


class ConcurrentProgram(Interpreted):
    """Is a plan whose operations run when their inputs are there: values of feeds in, values of fetches out."""

    def __init__(self, plan: Plan, state: RunState) -> None:
        super().__init__(plan, plan.ops, plan.feeds, plan.fetches, state)
        here = set(self._ops)
        fed = set(plan.feeds)
        self._takes: dict[Operation, list[SymbolicTensor]] = {}
        self._programs: dict[Operation, HostProgram] = {}
        self._users: dict[Operation, list[Operation]] = {op: [] for op in self._ops}
        self._waits: dict[Operation, int] = {}
        for op in self._ops:
            tensors = dict.fromkeys(plan.resolve(tensor) for tensor in op._inputs)
            held = [tensor for tensor in tensors if self._is_computed(tensor, fed)]
            self._takes[op] = held
            outputs = [tensor for tensor in op.outputs if state.buffer_of(tensor) is None]
            self._programs[op] = HostProgram(plan, [op], held, outputs, state)
            producers = {tensor._op for tensor in tensors if tensor not in fed}
            producers = {producer for producer in (*producers, *plan.controls(op)) if producer in here}
            self._waits[op] = len(producers)
            for producer in producers:
                self._users[producer].append(op)
        self._end = HostProgram(
            plan,
            [],
            [tensor for tensor in dict.fromkeys(map(plan.resolve, plan.fetches)) if self._is_computed(tensor, fed)],
            plan.fetches,
            state,
        )

    def _is_computed(self, tensor: SymbolicTensor, fed: set[SymbolicTensor]) -> bool:
        """Tells whether a tensor has a value of its own in each run: it is no constant and no variable."""
        if tensor in fed:
            return True
        return tensor not in self._plan.constants and self._state.buffer_of(tensor) is None

    def _run(self, values: Sequence[Any]) -> Any:
        """Runs the plan; if an operation fails, those that wait are cancelled."""
        import queue  # few programs have operations that wait

        known: dict[SymbolicTensor, Any] = dict(zip(self._plan.feeds, values, strict=True))
        waits = dict(self._waits)
        ready = deque(op for op in self._ops if not waits[op])
        done: queue.SimpleQueue[tuple[Operation, Any, BaseException | None]] = queue.SimpleQueue()
        log = rollback.current_log()
        interrupts = blocking.Interrupts()
        moment = blocking.deadline()
        threads: list[threading.Thread] = []

        def finish(op: Operation, results: Any) -> None:
            outputs = [tensor for tensor in op.outputs if self._state.buffer_of(tensor) is None]
            known.update(zip(outputs, results, strict=True))
            for user in self._users[op]:
                waits[user] -= 1
                if not waits[user]:
                    ready.append(user)

        def run(op: Operation, arguments: list[Any]) -> None:
            before = this_thread.state
            try:
                this_thread.state = self._state
                with blocking.until(moment, interrupts), rollback.joined(log):
                    done.put((op, self._programs[op](arguments), None))
            except BaseException as error:
                done.put((op, None, error))
            finally:
                this_thread.state = before

        running = 0
        try:
            while ready or running:
                while ready:
                    op = ready.popleft()
                    arguments = [known[tensor] for tensor in self._takes[op]]
                    if op.type.removesuffix("V2") in _GIVES or op.type.removesuffix("V2") in _TAKES:
                        thread = threading.Thread(target=run, args=(op, arguments), daemon=True)
                        threads.append(thread)
                        running += 1
                        thread.start()
                    else:
                        finish(op, self._programs[op](arguments))
                if running:
                    op, results, error = self._next(done)
                    running -= 1
                    if error is not None:
                        raise error
                    finish(op, results)
        except BaseException:
            interrupts.cancel()
            for thread in threads:
                if thread.ident is not None:  # else there was none to be had
                    thread.join()
            raise
        return self._end([known[tensor] for tensor in self._end._inputs])

    @staticmethod
    def _next(done: Any) -> Any:
        """Returns what finishes next; looks for Ctrl-C meanwhile."""
        import queue  # few programs have operations that wait

        while True:
            try:
                return done.get(timeout=0.25)
            except queue.Empty:
                continue
