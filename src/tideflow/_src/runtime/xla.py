"""The XLA tier: compiles the stages of a plan, keeps the programs, and threads the state through them.

A stage becomes one program for each combination of input shapes. The buffers of variables that it writes are donated,
so that an update happens in place; random counters are arguments; conditions that kernels require come back as one more
output.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import variant
from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError, OpError, ResourceExhaustedError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime import checks, engine, tracing
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.failures import explain
from tideflow._src.runtime.host import HostProgram, own
from tideflow._src.runtime.lazy import jax, jnp
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.random_state import Generator
from tideflow._src.runtime.stages import Stage, split
from tideflow._src.runtime.state import RunState
from tideflow._src.runtime.traced_list import TracedList, Unrepresentable, from_host, to_host
from tideflow._src.runtime.tracing import NeedsHost

#: Different values of feeds that shapes depend on, each with a program of its own, before such a plan is interpreted.
_MOST_STATIC_VALUES = 16

_CONVOLUTIONS = frozenset(
    "Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv2DBackpropFilter Conv2DBackpropFilterV2 "
    "Conv3D Conv3DBackpropInput Conv3DBackpropInputV2 Conv3DBackpropFilter Conv3DBackpropFilterV2".split()
)
_LOOPS = frozenset(["While", "StatelessWhile"])

#: Keeps XLA from dropping ``optimization_barrier`` before it decides what to fuse, which on the CPU it does by default.
_KEEP_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}


class NotCompilable(Exception):
    """Says that nothing in a plan is worth compiling, or that XLA cannot."""


def compiler_options(ops: Sequence[Operation]) -> dict[str, Any] | None:
    """Returns the options that make XLA's programs for the CPU fast, given what they contain."""
    if jax.default_backend() != "cpu":
        return None
    # XLA cannot keep a barrier inside a small loop.
    options = {} if any(op.type in _LOOPS for op in ops) else dict(_KEEP_BARRIERS)
    if any(op.type in _CONVOLUTIONS for op in ops):
        # The library that XLA would take for convolutions runs several shapes in one thread.
        options["xla_cpu_experimental_ynn_fusion_type"] = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"
    return options


class CompiledPlan:
    """Is a plan whose compilable stages XLA runs.

    Args:
      plan: the plan.
      state: the state of the session that runs it.
      strict: whether it is an error, for tests, that XLA does not take an operation that it should.

    Raises:
      NotCompilable: no stage of the plan can be compiled.
    """

    def __init__(self, plan: Plan, state: RunState, *, strict: bool = False) -> None:
        engine.load()
        self._plan = plan
        self._state = state
        self._static_feeds = static_feeds(plan)
        stages = split(plan, state, set(self._static_feeds))
        if not any(stage.compiled and stage.ops for stage in stages):
            raise NotCompilable("Every operation of this plan runs on the host.")
        self._steps: list[tuple[Any, Stage]] = []
        for stage in stages:
            if stage.compiled:
                self._steps.append((_Program(stage, plan, state, self._static_feeds, strict), stage))
            else:
                self._steps.append((interpreted(stage, plan, state), stage))
        self._fetches = [plan.resolve(tensor) for tensor in plan.fetches]
        only = len(self._steps) == 1 and isinstance(self._steps[0][0], _Program)
        self._single = self._steps[0] if only and self._direct() else None

    def _direct(self) -> bool:
        """Whether the only stage takes the feeds and gives the fetches just as the caller does."""
        stage = self._steps[0][1]
        return _same(stage.inputs, self._plan.feeds) and _same(stage.outputs, self._fetches)

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """Runs the plan: values of the feeds in, values of the fetches out."""
        if self._single is not None:
            return [own(value, (), self._state.resources) for value in self._single[0](values)]
        known: dict[SymbolicTensor, Any] = dict(zip(self._plan.feeds, values, strict=True))
        for program, stage in self._steps:
            results = program([known[tensor] for tensor in stage.inputs])
            known.update(zip(stage.outputs, results, strict=True))
        fetched = []
        for tensor in self._fetches:
            if tensor in known:
                fetched.append(known[tensor])
            elif tensor in self._plan.constants:
                fetched.append(self._plan.constants[tensor])
            else:
                buffer = self._state.buffer_of(tensor)
                assert buffer is not None
                fetched.append(buffer.read())
        return [own(value, values, self._state.resources) for value in fetched]


def _same(first: Sequence[SymbolicTensor], second: Sequence[SymbolicTensor]) -> bool:
    return [id(tensor) for tensor in first] == [id(tensor) for tensor in second]


def interpreted(stage: Stage, plan: Plan, state: RunState) -> Any:
    """Returns a stage as a program of the host tier, which takes what compiled stages give."""
    program = HostProgram(plan, stage.ops, stage.inputs, stage.outputs, state)

    def run(values: Sequence[Any]) -> Any:
        return program([_of_host(value) for value in values])

    return run


def _of_host(value: Any) -> Any:
    """Returns a value of a compiled stage as a kernel of the host takes it."""
    if isinstance(value, np.ndarray | np.generic):
        return value
    if isinstance(value, TracedList):
        return to_host(value)
    return np.asarray(value) if isinstance(value, jax.Array) else value


class _Program:
    """Is one compiled stage: a program for each signature of its inputs.

    What XLA turns out not to take when it is traced, the host tier runs, which also says best what is wrong with values
    that nothing can take. Tracing has no effects, so that nothing happens twice.
    """

    def __init__(
        self, stage: Stage, plan: Plan, state: RunState, static_feeds: dict[SymbolicTensor, int], strict: bool
    ) -> None:
        self._stage = stage
        self._strict = strict
        self._plan = plan
        self._state = state
        self._ops = [op for op in stage.ops if op.type != "NoOp" and not state.is_handle(op)]
        self._written, self._read = _buffers(self._ops, plan, state)
        #: Of each buffer that is written, whether a failed run must give the old value back.
        self._guarded = [not _only_in_place(buffer, self._ops, state) for buffer in self._written]
        self._random = [op for op in self._ops if op.op_def.random is not None]
        self._static = [index for index, tensor in enumerate(stage.inputs) if tensor in static_feeds]
        self._programs: dict[Any, _Compiled] = {}
        self._only: _Compiled | None = None
        self._host: HostProgram | None = None
        self._refused = False
        self._takes_lists = any(tensor._dtype is variant for tensor in stage.inputs)
        if not self._static:
            self._only = self._make(())

    def _make(self, static: tuple[Any, ...]) -> _Compiled:
        return _Compiled(self, static)

    def __call__(self, values: Sequence[Any]) -> Any:
        if self._refused:
            return self._interpret(values)
        try:
            return self._run(values)
        except OpError:
            raise
        except Exception as error:
            results = self._interpret(values)  # raises if the values are at fault
            if self._strict and not isinstance(error, NeedsHost):
                raise
            logging.getLogger("tideflow").debug("interpreting what XLA does not take: %r", error)
            self._refused = True
            return results

    def _interpret(self, values: Sequence[Any]) -> Any:
        if self._host is None:
            self._host = interpreted(self._stage, self._plan, self._state)
        return self._host(values)

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
                    self._programs.pop(next(iter(self._programs)))
                program = self._programs[static] = self._make(tuple(np.asarray(values[i]) for i in self._static))
            values = [value for index, value in enumerate(values) if index not in self._static]
        return program(values)


class _Compiled:
    """Is a stage compiled for given values of its static feeds; JAX keeps a program for each signature."""

    def __init__(self, program: _Program, static: tuple[Any, ...]) -> None:
        self._program = program
        self._written = program._written
        self._read = program._read
        self._random = program._random
        self._static = static
        #: What tracing found for each signature: the messages of its conditions, and the random blocks it takes.
        self._found: dict[Any, tuple[list[tuple[Operation, str]], list[int]]] = {}
        self._stateful = bool(self._written or self._read)
        self._lock = program._state.resources.lock
        self._options = compiler_options(program._ops) or {}
        self._jitted = self._compiled(self._options)

    def _compiled(self, options: dict[str, Any]) -> Any:
        donated = (0,) if self._written else ()
        return jax.jit(self._trace, donate_argnums=donated, compiler_options=options or None)

    def __call__(self, values: Sequence[Any]) -> Any:
        if not self._stateful:
            return self._call(values)
        with self._lock:  # nobody else may use the buffers that a program takes over
            return self._call(values)

    def _call(self, values: Sequence[Any]) -> Any:
        try:
            written = [buffer.value for buffer in self._written]
            read = [_on_device(buffer) for buffer in self._read]
            counters = self._counters(written, read, values) if self._random else None
            try:
                outputs, updates, failed = self._jitted(written, read, values, counters)
            except Exception as error:
                if "opt-barrier" not in str(error):
                    raise
                # XLA cannot keep a barrier inside a small loop: it says so before anything ran.
                kept = {name: value for name, value in self._options.items() if name not in _KEEP_BARRIERS}
                self._jitted = self._compiled(kept)
                outputs, updates, failed = self._jitted(written, read, values, counters)
        except NeedsHost:
            raise
        except Exception:
            self._check_initialized()
            raise
        for buffer, value in zip(self._written, updates, strict=True):
            buffer.value = value
        if failed is not None:
            position = int(np.asarray(failed))
            if position >= 0:
                messages, _ = self._found[_signature(written, read, values)]
                op, message = messages[position]
                raise explain(InvalidArgumentError(None, None, message), op)
        return outputs

    def _counters(self, written: list[Any], read: list[Any], values: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Takes the random blocks of one run; tracing tells how many each operation needs with these shapes."""
        signature = _signature(written, read, values)
        if signature not in self._found:
            shape = jax.ShapeDtypeStruct((len(self._random), 2), np.uint64)
            jax.eval_shape(self._trace, written, read, list(values), shape)
        _, blocks = self._found[signature]
        states = [self._program._state.random_of(op) for op in self._random]
        return np.array([state.reserve(count) for state, count in zip(states, blocks, strict=True)], dtype=np.uint64)

    def _trace(self, written: list[Any], read: list[Any], values: Sequence[Any], counters: Any) -> Any:
        program = self._program
        signature = _signature(written, read, values)
        environment = tracing.Environment()
        for buffer, value in zip((*self._written, *self._read), (*written, *read), strict=True):
            if value is not None:
                environment.buffers[buffer] = value
        inputs = program._stage.inputs
        given = iter(values)
        fixed = iter(self._static)
        for index, tensor in enumerate(inputs):
            environment.values[tensor] = next(fixed) if index in program._static and self._static else next(given)
        for index, op in enumerate(self._random):
            stream = program._state.random_of(op)
            environment.counters[op] = Generator(stream.key, (counters[index, 0], counters[index, 1]))
        plan, state = program._plan, program._state

        def lookup(tensor: SymbolicTensor) -> Any:
            tensor = plan.resolve(tensor)
            try:
                return environment.values[tensor]
            except KeyError:
                pass
            if tensor in plan.constants:
                return plan.constants[tensor]
            buffer = state.buffer_of(tensor)
            if buffer is None:
                raise KeyError(tensor.name)
            return environment.buffers[buffer] if tensor._dtype._is_ref_dtype else state.handle_of(tensor)

        outer = checks.trace.conditions
        conditions: list[tuple[Any, str]] = []
        checks.trace.conditions = conditions
        messages: list[tuple[Operation, str]] = []
        try:
            for op in program._ops:
                before = len(conditions)
                tracing.run(op, plan, environment, lookup, state)
                messages += [(op, message) for _, message in conditions[before:]]
        except (NeedsHost, FailedPreconditionError):
            raise
        except (InvalidArgumentError, ResourceExhaustedError) as error:
            raise explain(error, op) from None
        finally:
            checks.trace.conditions = outer
        self._found[signature] = messages, [environment.blocks[op] for op in self._random]
        failed = None
        updates = [environment.buffers[buffer] for buffer in self._written]
        if conditions:
            broken = jnp.stack([jnp.logical_not(jnp.asarray(condition)).reshape(()) for condition, _ in conditions])
            # One number says whether and where the program failed: an output costs a microsecond.
            failed = jnp.where(broken.any(), jnp.argmax(broken), -1).astype(np.int32)
            # A run that fails leaves the variables as they were.
            updates = [
                jnp.where(failed >= 0, old, new) if held and old is not None and np.shape(old) == np.shape(new) else new
                for held, old, new in zip(program._guarded, written, updates, strict=True)
            ]
        outputs = [lookup(tensor) for tensor in program._stage.outputs]
        return outputs, updates, failed

    def _check_initialized(self) -> None:
        overwritten = _overwritten_first(self._program._ops, self._program._state)
        for buffer in (*self._written, *self._read):
            if buffer.value is None and buffer not in overwritten:
                op = _first_user(buffer, self._program)
                try:
                    buffer.read()
                except FailedPreconditionError as error:
                    raise explain(error, op) from None


def _signature(*groups: Sequence[Any]) -> Any:
    """Returns the shapes of values: what tells one program that JAX keeps from another."""
    return tuple([None if value is None else value.shape for group in groups for value in group])


def _only_in_place(buffer: Buffer, ops: Sequence[Operation], state: RunState) -> bool:
    """Whether everything that writes a buffer sees to it that a failed run changes nothing."""
    return all(
        op.op_def.in_place
        for op in ops
        if op.op_def.updates and any(state.buffer_of(tensor) is buffer for tensor in op._inputs)
    )


def _first_user(buffer: Buffer, program: _Program) -> Operation:
    inputs, buffer_of = program._plan.inputs, program._state.buffer_of
    return next(op for op in program._ops if any(buffer_of(tensor) is buffer for tensor in inputs(op)))


def _on_device(buffer: Buffer) -> Any:
    """Returns a buffer's value; a NumPy array is moved to the engine's memory once, not at each call."""
    value = buffer.value
    if value.__class__ is np.ndarray:
        value = buffer.value = jax.device_put(value)
    return value


def _overwritten_first(ops: Sequence[Operation], state: RunState) -> set[Buffer]:
    found: set[Buffer] = set()
    for op in ops:
        if op.op_def.allows_uninitialized:
            for tensor in op._inputs:
                buffer = state.buffer_of(tensor)
                if buffer is not None:
                    found.add(buffer)
    return found


def _buffers(ops: Sequence[Operation], plan: Plan, state: RunState) -> tuple[list[Buffer], list[Buffer]]:
    """Returns the buffers that operations write, and those that they only read."""
    written: dict[Buffer, None] = {}
    read: dict[Buffer, None] = {}
    for op in ops:
        position = 0
        for argument in op.op_def.inputs:
            count = length(argument, op.attrs)
            for tensor in plan.inputs(op)[position : position + count]:
                buffer = state.buffer_of(plan.resolve(tensor))
                if buffer is not None:
                    (written if argument.name in op.op_def.updates else read)[buffer] = None
            position += count
    for buffer in written:
        read.pop(buffer, None)
    return list(written), list(read)


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
