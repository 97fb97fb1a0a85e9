"""Runs a graph in steps: each fetches a part, with some more of the feeds, and nothing is computed twice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph, Plans
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.buffers import this_thread
from tideflow._src.runtime.host import own
from tideflow._src.runtime.loop_frames import host_program
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState

_numbers = itertools.count()


class PartialRun:
    """Is a run in steps: what it may fetch and must be fed, and what it has computed so far.

    Args:
      graph: the graph that it runs.
      fetches: the tensors that it may fetch, each once.
      targets: operations that run when everything has been fed and fetched.
      feeds: the tensors that are fed, each once.
      state: the state of the session.
    """

    def __init__(
        self,
        graph: Graph,
        fetches: Sequence[SymbolicTensor],
        targets: Sequence[Operation],
        feeds: Sequence[SymbolicTensor],
        state: RunState,
    ) -> None:
        self.handle = f"partial_run_{next(_numbers)}"
        self._ends = list(fetches), list(targets), list(feeds)
        #: The plan; the graph takes it away when operations that exist change, as a loop does for its gradient.
        self._plans = Plans()
        graph.plans.add(self._plans)
        self._plan = Plan(*self._ends)
        self._plans[None] = self._plan
        self._targets = list(targets)
        self._state = state
        self._unfed = set(feeds)
        self._feeds = set(feeds)
        self._unfetched = set(fetches)
        self._fetches = set(fetches)
        self._values: dict[SymbolicTensor, Any] = {}
        self._done: set[Operation] = set()

    @property
    def is_over(self) -> bool:
        """Whether everything has been fed and fetched."""
        return not self._unfed and not self._unfetched

    def step(self, fetches: Sequence[SymbolicTensor], fed: dict[SymbolicTensor, Any]) -> list[Any]:
        """Takes some feeds and returns the values of some fetches.

        Raises:
          InvalidArgumentError: a feed or fetch was not announced, or comes twice, or a fetch needs what is not fed yet.
        """
        for tensor in fed:
            _check(tensor, self._feeds, self._unfed, "feed", "fed")
        for tensor in fetches:
            _check(tensor, self._fetches, self._unfetched, "fetch", "fetched")
        if not self._plans:
            self._plan_again()
        left = self._unfed.difference(fed)
        ops = self._needed([tensor._op for tensor in fetches if tensor not in self._feeds], left, fetches)
        self._values.update(fed)
        self._unfed = left
        self._run(ops)
        results = [self._value(tensor) for tensor in fetches]
        self._unfetched.difference_update(fetches)
        if self.is_over:
            self._run(self._needed(self._targets, left, ()))
        return results

    def _plan_again(self) -> None:
        """Plans what is left to do of a graph whose operations have changed."""
        self._plan = self._plans[None] = Plan(*self._ends)

    def _needed(self, ends: Sequence[Operation], unfed: set[SymbolicTensor], fetches: Sequence[Any]) -> set[Operation]:
        """Returns the operations that are still to run for others.

        Raises:
          InvalidArgumentError: they need what has not been fed.
        """
        found = set(ends)
        stack = list(ends)
        while stack:
            op = stack.pop()
            if op in self._done:
                continue
            for tensor in op._inputs:
                if tensor in unfed:
                    names = ", ".join(fetch.name for fetch in fetches) or op.name
                    raise InvalidArgumentError(
                        None,
                        None,
                        f"Fetch {names} can't be computed from the feeds that have been fed so far: {tensor.name} is "
                        "missing.",
                    )
                if tensor not in self._feeds and tensor._op not in found:
                    found.add(tensor._op)
                    stack.append(tensor._op)
            for control in op._control_inputs:
                if control not in found:
                    found.add(control)
                    stack.append(control)
        for tensor in fetches:
            if tensor in unfed:
                raise InvalidArgumentError(
                    None, None, f"Fetch {tensor.name} can't be computed from the feeds that have been fed so far."
                )
        return found - self._done

    def _run(self, wanted: set[Operation]) -> None:
        resolve = self._plan.resolve
        twins = {resolve(tensor)._op for op in wanted for tensor in op.outputs}
        ops = [op for op in self._plan.ops if (op in wanted or op in twins) and op not in self._done]
        if not ops:
            return
        mine = set(ops)
        inputs: dict[SymbolicTensor, None] = {}
        for op in ops:
            for tensor in op._inputs:
                tensor = resolve(tensor)
                if tensor in self._values and (tensor in self._feeds or tensor._op not in mine):
                    inputs[tensor] = None
        outputs = [
            tensor
            for op in ops
            if not self._state.is_handle(op)
            for tensor in op.outputs
            if tensor not in self._feeds and self._state.buffer_of(tensor) is None
        ]
        if self._plan.dataflow:
            # Inside of a loop or a branch values come and go; only what others may ask for is kept.
            later = {resolve(tensor) for tensor in self._fetches}
            later |= {resolve(tensor) for op in self._plan.ops if op not in mine for tensor in op._inputs}
            outputs = [tensor for tensor in outputs if tensor in later]
        program = host_program(self._plan, ops, list(inputs), outputs, self._state)
        before = this_thread.state
        try:
            this_thread.state = self._state
            results = program([self._values[tensor] for tensor in inputs])
        finally:
            this_thread.state = before
        self._values.update(zip(outputs, results, strict=True))
        self._done.update(ops)

    def _value(self, tensor: SymbolicTensor) -> Any:
        tensor = self._plan.resolve(tensor)
        value: Any
        if tensor in self._values:
            value = self._values[tensor]
        elif tensor in self._plan.constants:
            value = self._plan.constants[tensor]
        else:
            buffer = self._state.buffer_of(tensor)
            assert buffer is not None
            value = buffer.read()
        value = own(value, list(self._values.values()))
        kept = tensor in self._values and value is self._values[tensor]
        return value.copy() if kept and len(getattr(value, "shape", ())) else value


def _check(tensor: SymbolicTensor, announced: set[Any], left: set[Any], kind: str, done: str) -> None:
    if tensor not in announced:
        raise InvalidArgumentError(None, None, f"The {kind} {tensor.name} was not specified in partial_run_setup.")
    if tensor not in left:
        raise InvalidArgumentError(None, None, f"The {kind} {tensor.name} has already been {done}.")
