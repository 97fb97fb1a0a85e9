"""The XLA tier: compiles the stages of a plan and runs them in order, those for the host between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import variant
from tideflow._src.core.errors import OpError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.signature import length
from tideflow._src.runtime import effects, engine, rollback, spans
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.compiled_stage import CompiledStage
from tideflow._src.runtime.homes import Home
from tideflow._src.runtime.host import NEVER_FAIL, HostProgram
from tideflow._src.runtime.lazy import jax
from tideflow._src.runtime.packs import Pack, Packing, Scattered
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.stages import Stage, split
from tideflow._src.runtime.state import RunState
from tideflow._src.runtime.traced_list import TracedList, Unrepresentable, from_host, to_host
from tideflow._src.runtime.tracing import NeedsHost

#: Different values of feeds that shapes depend on, each with a program of its own; what has others is interpreted.
_MOST_STATIC_VALUES = 16


class NotCompilable(Exception):
    """Says that nothing in a plan is worth compiling, or that XLA cannot."""


class CompiledPlan:
    """Is a plan whose compilable stages XLA runs.

    Args:
      plan: the plan.
      state: the state of the session that runs it.
      strict: whether it is an error, for tests, that XLA does not take an operation that it should.
      lists_on_host: whether lists that it is fed stay on the host.
      device: the accelerator of the engine that runs the compiled stages; None for the host.
      undivided: where the host runs them, whether in one thread.

    Raises:
      NotCompilable: no stage of the plan can be compiled.
    """

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        *,
        strict: bool = False,
        lists_on_host: bool = False,
        device: Any = None,
        undivided: bool = False,
    ) -> None:
        engine.load()
        self.home = Home(device, undivided=undivided)
        self._plan = plan
        self._state = state
        self._static_feeds = static_feeds(plan)
        stages = split(plan, state, set(self._static_feeds), lists_on_host=lists_on_host)
        if not any(stage.compiled and stage.ops for stage in stages):
            raise NotCompilable("every operation runs on the host")
        on_host = {stage: HostProgram(plan, *stage.parts, state) for stage in stages if not stage.compiled}
        can_fail = [
            any(op.type not in NEVER_FAIL for op in stage.ops) if stage.compiled else on_host[stage].can_fail
            for stage in stages
        ]
        #: Which stage is the last one that can fail.
        self._last = max((number for number, fails in enumerate(can_fail) if fails), default=0)
        #: Whether a stage before that changes variables: if a later one fails, all is as it was.
        self._fails_by_halves = any(effects.changes_variables(op) for stage in stages[: self._last] for op in stage.ops)
        self._steps: list[tuple[Any, Stage]] = [
            (
                _Program(stage, plan, state, self._static_feeds, strict, number == self._last, self.home)
                if stage.compiled
                else _taking_arrays(on_host[stage]),
                stage,
            )
            for number, stage in enumerate(stages)
        ]
        self._fetches = [plan.resolve(tensor) for tensor in plan.fetches]
        self._fetched_only = self._variables_fetched_only()
        only = len(self._steps) == 1 and isinstance(self._steps[0][0], _Program)
        self._single = self._steps[0][0] if only and self._direct() else None

    def _direct(self) -> bool:
        """Whether the only stage takes the feeds and gives the fetches just as the caller does."""
        stage = self._steps[0][1]
        return _same(stage.inputs, self._plan.feeds) and _same(stage.outputs, self._fetches)

    @property
    def copies(self) -> bool:
        """Whether no value that a run is given is a part of what it returns, or of variables."""
        return self._single is not None and self.home.is_host

    def _variables_fetched_only(self) -> list[Buffer]:
        """Returns the variables that are fetched by reference and that the plan does not write."""
        buffer_of = self._state.buffer_of
        fetched = [buffer_of(tensor) for tensor in self._fetches if tensor._dtype._is_ref_dtype]
        written = effects.of(self._plan.ops, self._plan, lambda tensor: buffer_of(self._plan.resolve(tensor))).written
        return [buffer for buffer in fetched if buffer is not None and buffer not in written]

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        """Runs the plan: values of the feeds in, values of the fetches out, in host memory."""
        of_engine, found = self.home.array_class, self.in_place(values)
        return [np.asarray(value) if value.__class__ is of_engine else _of_host(value) for value in found]

    def in_place(self, values: Sequence[Any]) -> Sequence[Any]:
        """Runs the plan: values of the feeds in, values of the fetches out, wherever they are."""
        if self._single is not None and not spans.RECORDERS:
            return self._single(values)  # type: ignore[no-any-return]
        for buffer in self._fetched_only:
            if not buffer.is_initialized:
                buffer.peek()  # fails before anything has changed
        known: dict[SymbolicTensor, Any] = dict(zip(self._plan.feeds, values, strict=True))
        if not self._fails_by_halves:
            self._run(self._steps, known)
            return [self._fetched(tensor, known) for tensor in self._fetches]
        thread, log = rollback.this_thread, None
        before = thread.log, thread.depth
        try:
            log = rollback.begin()
            self._run(self._steps[: self._last], known)
            if log is not None:
                log.is_last = True
            self._run(self._steps[self._last :], known)
        except BaseException:
            if log is not None:
                log.roll_back()
            raise
        finally:
            thread.log, thread.depth = before
            if log is not None:
                log.clear()  # variables refer to the log that wrote them last
        return [self._fetched(tensor, known) for tensor in self._fetches]

    @staticmethod
    def _run(steps: Sequence[tuple[Any, Stage]], known: dict[SymbolicTensor, Any]) -> None:
        for number, (program, stage) in enumerate(steps):
            given = [known[tensor] for tensor in stage.inputs]
            if spans.RECORDERS:
                about = {"tier": "xla" if stage.compiled else "host", "operations": len(stage.ops)}
                results = spans.measured("stage", str(number), about, program, given)
            else:
                results = program(given)
            known.update(zip(stage.outputs, results, strict=True))

    def _fetched(self, tensor: SymbolicTensor, known: dict[SymbolicTensor, Any]) -> Any:
        if tensor in known:
            return known[tensor]
        if tensor in self._plan.constants:
            return self._plan.constants[tensor]
        buffer = self._state.buffer_of(tensor)
        assert buffer is not None
        return buffer.read() if tensor._dtype._is_ref_dtype else self._state.handle_of(tensor)

    def lowered(self, values: Sequence[Any]) -> Any:
        """Returns the plan for values, or for what has their shapes and dtypes, as JAX holds it before compiling.

        Raises:
          NotCompilable: a part of the plan runs on the host.
        """
        if self._single is None:
            kinds = sorted({op.type for program, stage in self._steps if not stage.compiled for op in stage.ops})
            raise NotCompilable(f"these operations run on the host: {', '.join(kinds) or 'none'}")
        return self._single.lowered(values)

    def explain(self) -> list[dict[str, Any]]:
        """Returns the stages: whether XLA runs each, its operations, what keeps it on the host, packs, threads."""
        found = []
        for program, stage in self._steps:
            refused = program.refused if isinstance(program, _Program) else ""
            kinds = [op.type for op in stage.ops]
            why = refused or ("" if stage.compiled else f"for the host only: {', '.join(sorted(set(kinds)))}")
            packed = program.packed_variables if isinstance(program, _Program) else 0
            compiled = stage.compiled and not refused
            undivided = compiled and self.home.is_undivided
            found.append(
                {
                    "compiled": compiled,
                    "operations": kinds,
                    "why": why,
                    "packed_variables": packed,
                    "undivided": undivided,
                }
            )
        return found


def _same(first: Sequence[SymbolicTensor], second: Sequence[SymbolicTensor]) -> bool:
    return [id(tensor) for tensor in first] == [id(tensor) for tensor in second]


def _taking_arrays(program: HostProgram) -> Any:
    """Returns a program of the host tier as one that takes what compiled stages give."""

    def run(values: Sequence[Any]) -> Any:
        return program([_of_host(value) for value in values])

    return run


def _may_change(value: Any) -> bool:
    """Tells whether the owner of a value may change it."""
    return value.__class__ is np.ndarray and bool(value.flags.writeable)


def _of_host(value: Any) -> Any:
    """Returns a value of a compiled stage as a kernel of the host takes it."""
    kind = value.__class__
    if kind in _of_host_already:
        return value
    if kind is TracedList:
        return to_host(value)
    if isinstance(value, jax.Array):
        return np.asarray(value)
    _of_host_already.add(kind)
    return value


#: Classes of values that the host takes as they are.
_of_host_already: set[type] = {np.ndarray}


class _Program:
    """Is one compiled stage: a program for each value of what shapes depend on, and each signature of its inputs.

    What XLA turns out not to take when it is traced, the host tier runs, which also says best what is wrong with values
    that nothing can take. Tracing has no effects, so that nothing happens twice.
    """

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        state: RunState,
        static_feeds: dict[SymbolicTensor, int],
        strict: bool,
        is_last: bool,
        home: Home,
    ) -> None:
        self._stage = stage
        self._home = home
        self._strict = strict
        self._is_last = is_last
        self._plan = plan
        self._state = state
        self._static = [index for index, tensor in enumerate(stage.inputs) if tensor in static_feeds]
        self._programs: dict[Any, CompiledStage] = {}
        self._only: CompiledStage | None = None
        self._host: Any = None
        #: Why the host runs this stage after all.
        self.refused = ""
        self._takes_lists = any(tensor._dtype is variant for tensor in stage.inputs)
        #: Whether the variables that it updates live in packs, and the program that takes these.
        self._packing: Packing | None = None
        self._packed: CompiledStage | None = None
        if not self._static:
            self._only = self._make(())
            if is_last and home.is_host:
                self._packing = Packing(self._only.packable(), len(stage.ops))

    def _make(self, static: tuple[Any, ...], packs: Sequence[Pack] = ()) -> CompiledStage:
        fixed = dict(zip(self._static, static, strict=True))
        return CompiledStage(self._stage, self._plan, self._state, fixed, self._is_last, self._home, packs)

    @property
    def packed_variables(self) -> int:
        """How many variables it keeps in packs."""
        packing = self._packing
        return 0 if packing is None or packing.is_given_up or self._packed is None else packing.count

    def __call__(self, values: Sequence[Any]) -> Any:
        if self.refused:
            return self._interpret(values)
        try:
            return self._run(values)
        except OpError:
            raise
        except Exception as error:
            results = self._interpret(values)  # raises if the values are at fault
            if self._strict and not isinstance(error, NeedsHost):
                raise
            self.refused = f"{type(error).__name__}: {error}"
            return results

    def lowered(self, values: Sequence[Any]) -> Any:
        """Returns the stage as JAX holds it before compiling; shapes that depend on values need these."""
        program = self._only or self._make(tuple(np.asarray(values[index]) for index in self._static))
        return program.lowered([value for index, value in enumerate(values) if index not in self._static])

    def _interpret(self, values: Sequence[Any]) -> Any:
        if self._host is None:
            self._host = _taking_arrays(HostProgram(self._plan, *self._stage.parts, self._state))
        # XLA copies what it is given; callers rely on that.
        return self._host([value.copy() if _may_change(value) else value for value in values])

    def _with_lists(self, values: Sequence[Any]) -> Sequence[Any]:
        """Returns values with lists of the host in the form that programs take."""
        if not self._takes_lists:
            return values
        try:
            return [
                from_host(value) if value.dtype is variant and not isinstance(value, TracedList) else value
                for value in values
            ]
        except Unrepresentable as error:
            raise NeedsHost(str(error)) from None

    def _run(self, values: Sequence[Any]) -> Any:
        values = self._with_lists(values)
        program = self._only
        if program is None:
            values = list(values)
            static = tuple((np.asarray(values[i]).tobytes(), np.shape(values[i])) for i in self._static)
            program = self._programs.get(static)
            if program is None:
                if len(self._programs) >= _MOST_STATIC_VALUES:
                    return self._interpret(values)
                program = self._programs[static] = self._make(tuple(np.asarray(values[i]) for i in self._static))
            values = [value for index, value in enumerate(values) if index not in self._static]
        packing = self._packing
        if packing is not None and packing.is_due() and rollback.current_log() is None:
            packed = self._packed or self._pack(packing, values)
            while packed is not None and packing.ready():
                try:
                    return packed(values)
                except Scattered:  # since it was ready
                    pass
        return program(values)

    def _pack(self, packing: Packing, values: Sequence[Any]) -> CompiledStage | None:
        """Makes the program that runs on packs; returns None while another thread does, and if XLA cannot."""
        if packing.making.acquire(blocking=False):
            try:
                if self._packed is None and not packing.is_given_up:
                    packed = self._make((), packing.packs)
                    packed.prepare(values)
                    self._packed = packed
            except Exception:
                packing.give_up()  # the program that takes the variables one by one says what is wrong
            finally:
                packing.making.release()
        return self._packed


def static_feeds(plan: Plan) -> dict[SymbolicTensor, int]:
    """Returns the feeds on whose values shapes depend, directly or through arithmetic on integers."""
    fed = set(plan.feeds)
    needed: dict[SymbolicTensor, int] = {}
    stack: list[SymbolicTensor] = []
    for op in plan.ops:
        position = 0
        for argument in op.op_def.inputs:
            count = length(argument, op.attrs)
            if argument.is_static:
                stack.extend(op._inputs[position : position + count])
            position += count
    seen: set[SymbolicTensor] = set()
    while stack:
        tensor = plan.resolve(stack.pop())
        if tensor in seen or tensor in plan.constants:
            continue
        seen.add(tensor)
        if tensor in fed:
            shape = tensor._shape
            if tensor._dtype.is_integer and (shape is None or len(shape) <= 1):
                needed[tensor] = len(needed)
            continue
        op = tensor._op
        if op.type in ("Shape", "ShapeN", "Size", "Rank") or op.op_def.stateful or op.op_def.tier == "host":
            continue
        if tensor._dtype.is_integer and all(item._dtype.is_integer for item in op._inputs):
            stack.extend(op._inputs)
    return needed
