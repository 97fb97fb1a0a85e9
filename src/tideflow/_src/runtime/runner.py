"""Runs a plan on the tier that suits it: interpreted on the host, or compiled by XLA once that pays.

Interpreting starts at once; compiling costs a fraction of a second and then makes heavy runs faster. The policy is the
ski renter's: interpret until the time spent on interpreting equals what compiling would cost, then compile. So no
program ever takes more than about twice the time of the better choice, whichever that is. Both tiers are timed; the
faster one is kept. A plan whose run takes less than what calling a compiled program costs stays interpreted.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import engine, options
from tideflow._src.runtime.buffers import enter_resources
from tideflow._src.runtime.concurrent import ConcurrentProgram, waits_for_itself
from tideflow._src.runtime.dataflow import host_program
from tideflow._src.runtime.devices import check_placement
from tideflow._src.runtime.host import own
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState

#: Seconds: what a call of a compiled program costs, alone and for each array in and out.
_CALL = 12e-6
_CALL_PER_ARRAY = 1.2e-6
#: Seconds: what compiling costs, alone, for each operation, and the first time for loading the engine.
_COMPILE = 0.05
_COMPILE_PER_OP = 0.002
LOAD_COST = 0.2
#: Programs kept compiled for one plan; shapes beyond these are interpreted.
_MOST_SIGNATURES = 16
#: Runs of each tier that are timed before the faster is kept.
_TRIALS = 25
#: How many times slower a compiled program is that gets no more trials.
_HOPELESS = 3.0

_HOST, _XLA, _AUTO = "host", "xla", "auto"


def forced_tier() -> str:
    """Returns the tier that the environment asks for (``TIDEFLOW_TIER``: auto, host or xla)."""
    tier = os.environ.get("TIDEFLOW_TIER", _AUTO).lower()
    if tier not in (_HOST, _XLA, _AUTO):
        raise ValueError(f"TIDEFLOW_TIER is {tier!r}, not one of auto, host, xla.")
    return tier


def compile_cost(plan: Plan) -> float:
    """Returns about how many seconds compiling a plan takes."""
    return _COMPILE + _COMPILE_PER_OP * len(plan.ops)


class _Signature:
    """Is what is known of the runs with one combination of feed shapes."""

    __slots__ = ("spent", "runs", "host_best", "host_times", "xla_best", "xla_times", "xla_runs", "tier")

    def __init__(self) -> None:
        self.spent = 0.0
        self.runs = 0
        self.host_best = float("inf")
        self.host_times: deque[float] = deque(maxlen=_TRIALS)
        self.xla_best = float("inf")
        self.xla_times: deque[float] = deque(maxlen=_TRIALS)
        self.xla_runs = 0
        self.tier = _AUTO

    def faster(self) -> str:
        """Returns the tier that takes less time as a rule: one lucky run on a busy machine must not decide."""
        return _XLA if _median(self.xla_times) < _median(self.host_times) else _HOST


def _median(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 2] if times else float("inf")


class Runner:
    """Is a plan with its programs: ``run(values)`` returns the values of the fetches."""

    def __init__(
        self,
        fetches: Sequence[SymbolicTensor],
        targets: Sequence[Operation],
        feeds: Sequence[SymbolicTensor],
        state: RunState,
        config: Any = None,
    ) -> None:
        self.plan = Plan(fetches, targets, feeds)
        check_placement(self.plan.ops, config)
        self._state = state
        self._host: Any = None
        self._compiled: Any = None
        self._signatures: dict[Any, _Signature] = {}
        self._tier = forced_tier()
        if self._tier == _AUTO and _wants_compilation(config):
            self._tier = _XLA
        self._compile_cost = compile_cost(self.plan)
        self._small = True
        self._floor = _CALL + _CALL_PER_ARRAY * (len(feeds) + len(fetches))
        if self._tier == _AUTO and not self._could_compile():
            self._tier = _HOST
        if not self.plan.dataflow and waits_for_itself(self.plan):
            self._tier = _HOST
            self._host = ConcurrentProgram(self.plan, state)
        if self._tier == _HOST:
            self.run = self._run_host  # type: ignore[method-assign]

    def _could_compile(self) -> bool:
        return not self.plan.dataflow and any(op.op_def.tier != "host" and op.outputs for op in self.plan.ops)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Runs the plan with ``values`` for its feeds and returns what was fetched, in order."""
        if self._tier == _XLA:
            return self._run_compiled(values)
        key = tuple([value.shape for value in values])
        signature = self._signatures.get(key)
        if signature is None:
            if len(self._signatures) >= _MOST_SIGNATURES * 4:
                return self._run_host(values)
            signature = self._signatures[key] = _Signature()
        tier = signature.tier
        if tier is _HOST:
            return self._run_host(values)
        if tier is _XLA:
            return self._run_compiled(values)
        if signature.spent < self._budget():
            start = perf_counter()
            result = self._run_host(values)
            elapsed = perf_counter() - start
            signature.spent += elapsed
            signature.runs += 1
            signature.host_times.append(elapsed)
            if elapsed < signature.host_best:
                signature.host_best = elapsed
            if signature.runs == 8 and signature.host_best < self._floor:
                signature.tier = _HOST
                if len(self._signatures) == 1 and not self.plan.feeds:
                    self.run = self._run_host  # type: ignore[method-assign]
            return result
        return self._try_compiled(signature, values)

    def _budget(self) -> float:
        return self._compile_cost + (0.0 if engine.is_loaded() else LOAD_COST)

    def _try_compiled(self, signature: _Signature, values: Sequence[Any]) -> list[Any]:
        if self._compiled is None and not self._compile():
            signature.tier = _HOST
            self._tier = _HOST
            self.run = self._run_host  # type: ignore[method-assign]
            return self._run_host(values)
        start = perf_counter()
        result = self._run_compiled(values)
        elapsed = perf_counter() - start
        signature.xla_runs += 1
        if signature.xla_runs > 1:  # the first compiles
            signature.xla_times.append(elapsed)
            signature.xla_best = min(signature.xla_best, elapsed)
        hopeless = signature.xla_runs > 3 and signature.xla_best > _HOPELESS * signature.host_best
        if signature.xla_runs > _TRIALS or hopeless:
            signature.tier = signature.faster()
            if signature.tier is _XLA and len(self._signatures) == 1 and self._fixed_shapes():
                self.run = self._run_compiled  # type: ignore[method-assign]
        return result

    def _fixed_shapes(self) -> bool:
        return all(tensor._shape is not None and None not in tensor._shape for tensor in self.plan.feeds)

    def _compile(self) -> bool:
        from tideflow._src.runtime import xla  # loads JAX

        try:
            self._compiled = xla.CompiledPlan(self.plan, self._state, strict=forced_tier() == _XLA)
        except xla.NotCompilable:
            return False
        return True

    def _run_compiled(self, values: Sequence[Any]) -> list[Any]:
        if self._compiled is None and not self._compile():
            return self._run_host(values)
        before = enter_resources(self._state.resources)
        try:
            return self._compiled(values)  # type: ignore[no-any-return]
        finally:
            enter_resources(before)

    def _run_host(self, values: Sequence[Any]) -> list[Any]:
        host = self._host
        if host is None:
            host = self._host = host_program(self.plan, self.plan.ops, self.plan.feeds, self.plan.fetches, self._state)
        before = enter_resources(self._state.resources)
        try:
            return [own(result, values, self._state.resources) for result in host(values)]
        finally:
            enter_resources(before)

    def describe(self, run_metadata: Any) -> None:
        """Fills a ``RunMetadata`` with the operations that a run executes."""
        device = run_metadata.step_stats.dev_stats.add()
        device.device = "/job:localhost/replica:0/task:0/device:CPU:0"
        for op in self.plan.ops:
            device.node_stats.add().node_name = op.name


def _wants_compilation(config: Any) -> bool:
    if options.get_jit():
        return True
    return config is not None and config.graph_options.optimizer_options.global_jit_level in (1, 2)
