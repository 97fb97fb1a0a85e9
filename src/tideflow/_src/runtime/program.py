"""Everything that runs again is a program: a plan, with the ways to run it.

A session's run, a traced function, a branch, the body of a loop: each is a ``Program``, and each picks its tier in the
same way. It is interpreted at first and compiled by XLA once that pays. What pays follows from the work that the plan
does (:mod:`.cost_model`) and from the number of runs, never from a clock, so that a program that runs again computes
the same bits.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from tideflow._src.core import nesting
from tideflow._src.core.errors import ResourceExhaustedError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import cost_model, effects, engine, program_options, spans
from tideflow._src.runtime.buffers import Buffer, this_thread
from tideflow._src.runtime.devices import (
    ACCELERATED,
    check_placement,
    device_of_program,
    engine_device_of_program,
    in_memory_of,
    is_on_engine,
)
from tideflow._src.runtime.host import own
from tideflow._src.runtime.loop_frames import host_program
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState
from tideflow._src.runtime.waiting_operations import ConcurrentProgram, waits_for_itself

#: Levels of functions for which there is room on Python's stack without asking.
_SHALLOW = 4
#: Levels of branches and loops that XLA takes: it needs so much of a thread's stack for each that it ends the process.
_MOST_COMPILED_LEVELS = 64
#: Shapes of feeds for which a program is compiled; what comes with others is interpreted.
_MOST_SIGNATURES = 16
#: Shapes of feeds that are remembered with the compiled plan for them.
_MOST_COMPILED_SHAPES = 256

_HOST, _XLA, _AUTO = "host", "xla", "auto"


def forced_tier() -> str:
    """Returns the tier that the environment asks for (``TIDEFLOW_TIER``: auto, host or xla)."""
    tier = os.environ.get("TIDEFLOW_TIER", _AUTO).lower()
    if tier not in (_HOST, _XLA, _AUTO):
        raise ValueError(f"TIDEFLOW_TIER is {tier!r}, not one of auto, host, xla.")
    return tier


def wants_compilation(config: Any) -> bool:
    """Tells whether the user asked for compiled programs: with a ``ConfigProto`` or with ``tf.config``."""
    if program_options.get_jit():
        return True
    return config is not None and config.graph_options.optimizer_options.global_jit_level in (1, 2)


class Program:
    """Is a plan, ready to run again and again, from any thread.

    Args:
      fetches: the tensors whose values a run returns.
      targets: operations that it runs for their effects.
      feeds: the tensors whose values it is given.
      state: the state that it runs on.
      config: a ``ConfigProto`` with options.
      compiled: whether to compile it at its first run.
      lists_on_host: whether lists that it is fed stay on the host.
      soft_placement: whether operations may ask for devices that do not exist, whatever ``config`` says.
      plan: the plan, where it is made already.
    """

    def __init__(
        self,
        fetches: Sequence[SymbolicTensor],
        targets: Sequence[Operation],
        feeds: Sequence[SymbolicTensor],
        state: RunState,
        config: Any = None,
        compiled: bool = False,
        lists_on_host: bool = False,
        soft_placement: bool = False,
        plan: Plan | None = None,
    ) -> None:
        self.plan = plan or Plan(fetches, targets, feeds)
        #: How many levels of functions it holds.
        self._depth, branching = effects.depth(self.plan.ops)
        if self._depth > nesting.MOST_LEVELS:
            raise ResourceExhaustedError(
                None, None, f"Functions are nested in functions more than {nesting.MOST_LEVELS} levels deep."
            )
        if not soft_placement:
            check_placement(self.plan.ops, config)
        self._state = state
        #: The full name of the device that runs what can be compiled.
        with self._room():
            self.device, is_asked_for = device_of_program(self.plan.ops, self._placed_buffers())
        self._lists_on_host = lists_on_host
        #: How many threads one operation may use, where the session's options say so.
        self._threads = 0 if config is None else config.intra_op_parallelism_threads
        self._lock = threading.Lock()
        self._host: Any = None
        #: The compiled plan, by whether it runs in one thread; and that of each combination of feed shapes.
        self._compiled: dict[bool, Any] = {}
        self._by_shapes: dict[Any, Any] = {}
        #: Whether it has left that thread, as moving variables there has taken as long as compiling for all threads.
        self._is_divided = False
        #: For each combination of feed shapes, how many runs are interpreted before it is compiled.
        self._left: dict[Any, float] = {}
        self._tier = forced_tier()
        self._why = "TIDEFLOW_TIER" if self._tier != _AUTO else ""
        if self._tier == _AUTO and (compiled or wants_compilation(config)):
            self._tier, self._why = _XLA, "compilation is asked for"
        elif self._tier == _AUTO and is_asked_for:
            self._tier, self._why = _XLA, "an accelerator is asked for"
        if self.plan.dataflow or not any(op.op_def.tier != "host" or op.op_def.xla_kernel for op in self.plan.ops):
            self._tier, self._why = _HOST, "no operation can be compiled"
        if not self.plan.dataflow and waits_for_itself(self.plan):
            self._tier, self._why = _HOST, "an operation waits for another one"
            self._host = ConcurrentProgram(self.plan, state)
        if branching > _MOST_COMPILED_LEVELS:
            self._tier, self._why = _HOST, "branches and loops are nested too deeply for XLA"
        if self._depth > _SHALLOW:
            self.call = self._call_deep  # type: ignore[method-assign]
        elif self._tier == _HOST:
            self.call = self._interpret  # type: ignore[method-assign]

    def _room(self) -> AbstractContextManager[None]:
        """Returns what makes room for the levels of functions that the program holds."""
        return nullcontext() if self._depth <= _SHALLOW or nesting.has_room(self._depth) else nesting.room(self._depth)

    def _call_deep(self, values: Sequence[Any]) -> Sequence[Any]:
        """Is :meth:`call` for a program with many levels of functions."""
        with self._room():
            return self._interpret(values) if self._tier == _HOST else Program.call(self, values)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Runs the plan with ``values`` for its feeds; returns values that belong to the caller alone."""
        results = self.call(values)
        if len(results) > 1 and len(set(map(id, results))) < len(results):
            # A value under two names, such as an identity of it, is two results.
            results = [value.copy() if value.__class__ is np.ndarray else value for value in results]
        return [own(value, values) for value in results]

    def call(self, values: Sequence[Any]) -> Sequence[Any]:
        """Runs the plan with ``values`` for its feeds; returns values that nobody may change."""
        key = tuple([value.shape for value in values])
        if self._tier == _XLA:
            return self._run_compiled(values, key)
        left = self._left.get(key)
        if left is None:
            left = self._runs_before_compiling(key)
        if left > 0:
            if left != math.inf:
                self._left[key] = left - 1
            return self._interpret(values)
        return self._run_compiled(values, key)

    def call_in_place(self, values: Sequence[Any]) -> Sequence[Any]:
        """Runs the plan on values that may be in the memory of an accelerator; returns values wherever they are."""
        compiled = None
        if self._tier == _XLA or (self._tier == _AUTO and any(map(is_on_engine, values))):
            compiled = self._compile(tuple([value.shape for value in values]))
        if compiled is None:
            return self.call([np.asarray(value) if is_on_engine(value) else value for value in values])
        before = this_thread.state
        try:
            this_thread.state = self._state
            with self._room():
                return compiled.in_place(in_memory_of(self.device, values))  # type: ignore[no-any-return]
        finally:
            this_thread.state = before

    def _label(self) -> str:
        """Returns what a profiler calls the program: the function that it is of, or what it computes."""
        graph = self.plan.ops[-1].graph if self.plan.ops else None
        return getattr(graph, "name", "") or ", ".join(tensor.name for tensor in self.plan.fetches[:3]) or "run"

    def _placed_buffers(self) -> list[Buffer]:
        """The variables of the plan that are in the memory of an accelerator."""
        if not ACCELERATED:
            return []
        found = effects.of(self.plan.ops, self.plan, lambda tensor: self._state.buffer_of(self.plan.resolve(tensor)))
        return [buffer for buffer in (*found.written, *found.read) if buffer.placement is not None]

    def settled(self, values: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
        """Returns what all further runs on values of these shapes do; None if that may change."""
        if self._tier != _AUTO or self._depth > _SHALLOW:
            return self.call
        key = tuple([value.shape for value in values])
        left = self._left.get(key)
        if left == math.inf:
            return self._interpret
        return partial(self._run_compiled, shapes=key) if left is not None and left <= 0 and self._compiled else None

    def copies(self, values: Sequence[Any]) -> bool:
        """Tells whether runs on values of these shapes keep nothing of them, so that their owner may change them."""
        compiled = self._by_shapes.get(tuple([value.shape for value in values]))
        return compiled is not None and compiled.copies

    def _runs_before_compiling(self, shapes: Any) -> float:
        if len(self._left) >= _MOST_SIGNATURES:
            return math.inf
        cost = cost_model.of_plan(self.plan, self._state, shapes)
        return self._left.setdefault(shapes, cost.runs_before_compiling(loaded=engine.is_loaded()))

    def _interpret(self, values: Sequence[Any]) -> Sequence[Any]:
        host = self._host
        if host is None:
            host = self._host = host_program(self.plan, self.plan.ops, self.plan.feeds, self.plan.fetches, self._state)
        before = this_thread.state
        try:
            this_thread.state = self._state
            if spans.RECORDERS:
                return spans.measured("program", self._label(), {"tier": "host"}, host, values)  # type: ignore[no-any-return]
            return host(values)  # type: ignore[no-any-return]
        finally:
            this_thread.state = before

    def _run_compiled(self, values: Sequence[Any], shapes: Any) -> Sequence[Any]:
        if spans.RECORDERS:
            spans.before_compiled()
        compiled = self._by_shapes.get(shapes) or self._compile(shapes)
        if compiled is None:
            return self._interpret(values)
        before = this_thread.state
        try:
            this_thread.state = self._state
            if spans.RECORDERS:
                return spans.measured("program", self._label(), {"tier": "xla"}, compiled, values)  # type: ignore[no-any-return]
            return compiled(values)  # type: ignore[no-any-return]
        finally:
            this_thread.state = before
            home = compiled.home
            if home.moves > home.most_moves:
                self._leave(home)

    def _compile(self, shapes: Any) -> Any:
        """Returns the compiled plan for feeds of these shapes, or None if nothing of it can be compiled."""
        from tideflow._src.runtime import xla  # loads JAX

        with self._lock:
            if self._tier == _HOST:
                return None
            if len(self._by_shapes) >= _MOST_COMPILED_SHAPES:
                self._by_shapes.clear()
            found = self._by_shapes.get(shapes)
            if found is None:
                cost = cost_model.of_plan(self.plan, self._state, shapes)
                undivided = not self._is_divided and cost.is_better_undivided(
                    self._threads or program_options.thread_count()
                )
                found = self._compiled.get(undivided)
                if found is None:
                    try:
                        found = self._compiled[undivided] = xla.CompiledPlan(
                            self.plan,
                            self._state,
                            strict=forced_tier() == _XLA,
                            lists_on_host=self._lists_on_host,
                            device=engine_device_of_program(self.device),
                            undivided=undivided,
                        )
                    except xla.NotCompilable as error:
                        self._tier, self._why = _HOST, str(error)
                        if self._depth <= _SHALLOW:
                            self.call = self._interpret  # type: ignore[method-assign]
                        return None
                    if undivided:
                        found.home.most_moves = cost.compile
                self._by_shapes[shapes] = found
            return found

    def _leave(self, home: Any) -> None:
        """Leaves a home for good: programs that other threads share use the same variables."""
        with self._lock:
            if any(compiled.home is home for compiled in self._compiled.values()):
                self._is_divided = True
                del self._compiled[True]
                self._by_shapes.clear()

    def explain(self) -> dict[str, Any]:
        """Returns what the program is made of, and why it runs where it runs.

        Keys: ``operations``; ``tier`` and ``why``; ``signatures``, for each combination of feed shapes the estimated
        costs in seconds and the runs left before it is compiled; ``stages``, once it is compiled.
        """
        signatures = []
        for shapes, left in self._left.items():
            cost = cost_model.of_plan(self.plan, self._state, shapes)
            signatures.append(
                {"shapes": shapes, "interpreted": cost.host, "compiled": cost.compiled, "compiling": cost.compile,
                 "runs_left": left}
            )  # fmt: skip
        why = self._why or "interpreted until compiling pays"
        return {
            "operations": len(self.plan.ops),
            "tier": self._tier,
            "why": why,
            "signatures": signatures,
            "stages": [stage for compiled in self._compiled.values() for stage in compiled.explain()],
        }

    def describe(self, run_metadata: Any) -> None:
        """Fills a ``RunMetadata`` with the operations that a run executes."""
        device = run_metadata.step_stats.dev_stats.add()
        device.device = self.device
        for op in self.plan.ops:
            device.node_stats.add().node_name = op.name
