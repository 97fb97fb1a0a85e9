"""A stage of a plan as programs of XLA: it threads the state through them and keeps variables whole if one fails.

A stage becomes one program for each combination of input shapes. The buffers of variables that it writes are donated,
so that an update happens in place; random counters are arguments; conditions that kernels require come back as one more
output.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, compress, repeat
from operator import add, attrgetter, is_, itemgetter, not_, sub
from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.errors import FailedPreconditionError, InvalidArgumentError, OpError, ResourceExhaustedError
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import checks, effects, rollback, tracing
from tideflow._src.runtime.buffers import Buffer, in_order
from tideflow._src.runtime.compiler_options import compiler_options, keep_barriers, without_barriers
from tideflow._src.runtime.failures import explain
from tideflow._src.runtime.guarded_updates import Guard, deferred_updates, guard_of
from tideflow._src.runtime.homes import Home
from tideflow._src.runtime.lazy import jax, jnp
from tideflow._src.runtime.packs import Pack, Scattered
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.stages import Stage
from tideflow._src.runtime.state import RunState
from tideflow._src.runtime.tracing import NeedsHost

#: Signatures of one stage whose programs are kept; beyond that all are dropped, and compiled anew where they come back.
_MOST_SHAPES = 256
#: Floating-point operations and bytes of what is checked before a run rather than in it.
_CHEAP = 200_000

_KIND = attrgetter("aval")
#: What a run gives for variables.
_UPDATES = itemgetter(1)
#: What is done to many variables at once is done in C: it takes a third of the time, and no Ctrl-C comes in between.
_all: Callable[[Iterable[Any]], Any] = partial(deque, maxlen=0)
_ACQUIRE, _RELEASE = type(threading.RLock()).acquire, type(threading.RLock()).release
#: What an attribute of :class:`Buffer` really holds, whatever the class of the buffer makes of it.
_VALUE, _LEASE, _PINS = (Buffer.__dict__[name].__get__ for name in ("value", "lease", "pins"))
_SET_VALUE, _SET_LEASE, _SET_PINS, _SET_WRITER = (
    Buffer.__dict__[name].__set__ for name in ("value", "lease", "pins", "writer")
)


class _Found(NamedTuple):
    """Is the program of one signature, with the messages of its conditions and the random blocks that it takes.

    Attributes:
      keeps: of each variable that it writes, whether a run that fails keeps the old value outside of the program.
      warm: the kinds of values of variables with which it has run, so that JAX calls it without running any Python.
    """

    messages: list[tuple[Operation, str]]
    blocks: list[int]
    program: Any
    keeps: list[bool]
    warm: set[Any]


class _Run(NamedTuple):
    """Is a program with what it runs on: the shapes of its inputs, and how JAX describes the values of its variables.

    Attributes:
      kinds: JAX's descriptions, by the same objects at every run; None if not all variables are in its memory.
    """

    found: _Found
    shapes: tuple[Any, ...]
    kinds: list[Any] | None

    def fits(self, home: Home, values: list[Any]) -> bool:
        """Tells whether variables have values as in this run, in the memory of its home."""
        return self.kinds is not None and home.holds_all(values) and all(map(is_, map(_KIND, values), self.kinds))


class CompiledStage:
    """Is a stage compiled for given values of its static inputs; JAX keeps a program for each signature.

    Args:
      stage: the stage.
      plan: the plan that it is part of.
      state: the state that it runs on.
      static: the values of inputs, by position, that are constants of the program.
      donates: whether updates take over the memory of the values that they replace.
      home: where it runs.
      packs: what variables that it writes live in.
    """

    def __init__(
        self,
        stage: Stage,
        plan: Plan,
        state: RunState,
        static: dict[int, Any],
        donates: bool,
        home: Home,
        packs: Sequence[Pack] = (),
    ) -> None:
        self._donates = donates
        self._home = home
        self._plan = plan
        self._state = state
        self._outputs = stage.outputs
        self._inputs = stage.inputs
        self._fixed = {stage.inputs[index]: value for index, value in static.items()}
        self._ops = [op for op in stage.ops if op.type != "NoOp" and not state.is_handle(op)]
        found = effects.of(self._ops, plan, lambda tensor: state.buffer_of(plan.resolve(tensor)))
        packed = {member for pack in packs for member in pack.members}
        self._packs = packs
        #: What it takes over and gives back: packs, and variables that are in none.
        self._written = [*(buffer for buffer in found.written if buffer not in packed), *packs]
        self._read = list(found.read)
        written = set(self._written)
        #: What it only reads, and the locks of what it writes, in the order of locking.
        self._pinned = in_order(buffer for buffer in self._read if buffer not in written)
        self._pinned_locks = [buffer.lock for buffer in self._pinned]
        self._locks = [buffer.lock for buffer in in_order(self._written)]
        self._nothing = [None] * len(self._written)
        #: Updates of rows that come last, when it is known whether the run fails: nothing else sees what they do.
        self._deferred = deferred_updates(self._ops, self._outputs, plan, state)
        self._guarded = [guard_of(buffer, self._ops, self._deferred, state) for buffer in self._written]
        self._random = [op for op in self._ops if op.op_def.random is not None]
        self._streams = list(found.streams)
        self._found: dict[Any, _Found] = {}
        #: The last run, if all variables were in the engine's memory.
        self._last: _Run | None = None
        self._messages: list[tuple[Operation, str]] = []
        self._blocks: list[int] = []
        self._can_be_kept = False
        self._keeps: list[bool] = []
        self._compiling = threading.RLock()
        self._options = compiler_options(self._ops, home.device, is_undivided=home.is_undivided) or {}
        self._jitted: dict[Callable[..., Any], Any] = {}

    def _jit(self, trace: Callable[..., Any]) -> Any:
        """Returns one of the ways of tracing this stage as a program."""
        if trace not in self._jitted:
            options: dict[str, Any] = {"inline": True}  # the checks become a part of another program
            if trace != self._checks:
                donated = (0,) if self._written and self._donates else ()
                options = {"donate_argnums": donated, "compiler_options": self._options or None}
                if self._home.sharding is not None:
                    options["out_shardings"] = self._home.sharding
            self._jitted[trace] = jax.jit(_weakly(trace), **options)
        return self._jitted[trace]

    def __call__(self, values: Sequence[Any]) -> Any:
        values = tuple(values)  # JAX compiles anew for a list
        while True:
            try:
                if self._streams:
                    with self._state.streams_lock:
                        return self._locked(values)
                return self._locked(values)
            except _NotCompiled as error:
                written, read = error.written, error.read  # the error itself would keep this frame and its values
            self._prepare(values, written, read)

    def _locked(self, values: Sequence[Any]) -> Any:
        """Runs the program while nobody changes the variables that it writes, or takes over those that it reads.

        A run leaves nothing of Python in the processor's caches. So the variables of a run that is like the last one
        are looked at all at once, in C, before anything is done for each.
        """
        home = self._home
        held: list[Any] = []
        pins: list[Any] = []
        # Ctrl-C may come before any call of Python or C. So what is locked and pinned is listed in the call that does
        # it, and one call, prepared before, undoes what is listed then.
        undo: Any = map(_RELEASE, held)
        if self._pinned:
            # One less than there are then, for each in the list.
            fewer = map(sub, map(_PINS, self._pinned), map(not_, pins))
            undo = chain(undo, map(_SET_PINS, self._pinned, fewer))
        try:
            if self._pinned:
                held.extend(filter(_ACQUIRE, self._pinned_locks))  # Ctrl-C leaves in the list what is locked
                pins.extend(map(_SET_PINS, self._pinned, map(add, map(_PINS, self._pinned), repeat(1))))
                if not home.holds_all(list(map(_VALUE, self._pinned))):
                    for buffer in self._pinned:
                        home.take_in(buffer)
                _release(held)
            held.extend(filter(_ACQUIRE, self._locks))
            for pack in self._packs:
                if not pack.is_whole:
                    raise Scattered
            buffers = self._written
            written, read = list(map(_VALUE, buffers)), list(map(_VALUE, self._read))
            run = self._last
            if (
                run is None
                or any(map(_PINS, buffers))
                or not all(map(is_, map(_LEASE, buffers), self._nothing))
                or not run.fits(home, written + read)
                or run.shapes != _signature(values)
            ):
                written, read = self._brought()
                run = self._looked_up(values, written, read)
            return self._executed(run, values, written, read)
        finally:
            _all(undo)

    def _brought(self) -> tuple[list[Any], list[Any]]:
        """Returns the values of variables as a program of this home takes them over, and reads them."""
        home = self._home
        written = home.given_up(self._written)
        # Another program may have written what is read since.
        return written, [home.at_hand(buffer.value) for buffer in self._read]

    def _executed(self, run: _Run, values: Sequence[Any], written: list[Any], read: list[Any]) -> Any:
        """Runs a program, and puts down what it gives. The locks are held.

        Variables get their values before anything waits for the run; Ctrl-C comes once they have.
        """
        found = run.found
        reserved = counters = None
        if self._random:
            states = [self._state.random_of(op) for op in self._random]
            blocks = zip(states, found.blocks, strict=True)
            reserved = np.array([state.reserve(count) for state, count in blocks], np.uint64)
        if self._streams:
            counters = np.array([self._state.random_of(op).counter for op in self._streams], np.uint64)
        log = rollback.current_log()
        if self._written and (found.keeps or log is not None or run is not self._last):
            written = self._expendable(found, written, is_repeated=run is self._last)
        results: list[Any] = []
        buffers: Any = self._written
        updates: Any = chain.from_iterable(map(_UPDATES, results))
        if found.keeps:
            buffers, updates = _taken_over(found, buffers, updates)
        # Prepared before, for Ctrl-C may come before any call, and the memory of the old values is gone then.
        put_down = chain(map(_SET_VALUE, buffers, updates), map(_SET_LEASE, buffers, self._nothing))
        try:
            results.extend(map(found.program, (written,), (read,), (values,), (reserved,), (counters,)))
        finally:
            if results:
                _all(put_down)
                outputs, new, failed, counters = results[0]
                position = self._settle(found, new, failed, counters, log)
        if run.kinds is not None:
            self._last = run
        if position >= 0:
            op, message = found.messages[position]
            raise explain(InvalidArgumentError(None, None, message), op)
        return outputs

    def _looked_up(self, values: Sequence[Any], written: list[Any], read: list[Any]) -> _Run:
        """Returns the program for the shapes of the arguments.

        Raises:
          _NotCompiled: there is none yet.
        """
        shapes = _signature(values)
        try:
            kinds = [*map(_KIND, written), *map(_KIND, read)]
        except AttributeError:  # an array of the host, or no value yet
            kinds = None
        last = self._last
        if kinds and last is not None and last.kinds and last.shapes == shapes and all(map(is_, kinds, last.kinds)):
            return last
        found = self._found.get(shapes + _signature(written, read))
        if found is None:
            raise _NotCompiled(written, read)
        return _Run(found, shapes, kinds)

    def _expendable(self, found: _Found, written: list[Any], *, is_repeated: bool) -> list[Any]:
        """Returns the values of variables for a program to take over: copies, where what is there may be needed yet.

        That is so while somebody keeps it for the case that a larger run fails, and in the first run of a program, of
        which Ctrl-C may catch JAX in the middle, when the old values are gone and the new ones in nobody's hands.
        """
        cold = False
        if not is_repeated:
            kinds = tuple([value.__class__ for value in written])
            cold = kinds not in found.warm
            found.warm.add(kinds)
        log = None if rollback.for_good() else rollback.current_log()
        if not cold and not found.keeps and log is None:
            return written
        keeps = found.keeps or [False] * len(written)
        return [
            value.copy()
            if ((log is not None and log.keep(buffer)) or cold or is_kept)
            and self._donates
            and value is buffer.value
            and isinstance(value, jax.Array)
            else value
            for buffer, value, is_kept in zip(self._written, written, keeps, strict=True)
        ]

    def _settle(self, found: _Found, updates: Iterable[Any], failed: Any, counters: Any, log: Any) -> int:
        """Gives variables and random streams what a run has made of them. The locks are held.

        Variables whose memory the run took over have their values already.

        Returns:
          The number of the first condition that did not hold, or -1.
        """
        try:
            position = -1 if failed is None else int(np.asarray(failed))  # waits for the run
        except KeyboardInterrupt:
            self._settle(found, updates, failed, counters, log)
            raise
        buffers = self._written
        if found.keeps:
            if position >= 0:
                buffers, updates = _taken_over(found, buffers, updates)
            _all(map(_SET_VALUE, buffers, updates))
            _all(map(_SET_LEASE, buffers, self._nothing))
        if position < 0:  # else it is what an earlier stage has written
            _all(map(_SET_WRITER, self._written, repeat(log)))
            if log is not None and rollback.for_good():
                log.clear()
        if counters is not None:
            for op, counter in zip(self._streams, np.asarray(counters), strict=True):
                self._state.random_of(op).counter = counter
        return position

    def _prepare(self, values: Sequence[Any], written: list[Any], read: list[Any]) -> _Found:
        """Compiles the program for one signature. Nothing is locked meanwhile but this: others compile their own."""
        key = _signature(values, written, read)
        with self._compiling:
            found = self._found.get(key)
            if found is None:
                if len(self._found) >= _MOST_SHAPES:
                    self._found.clear()
                    self._last = None
                    self._jitted.clear()
                try:
                    found = self._found[key] = self._compile(values, written, read)
                except InvalidArgumentError as error:
                    # It may be in a branch that is not taken.
                    raise NeedsHost(error.message) from error
                except (NeedsHost, OpError):
                    raise
                except Exception:
                    self._check_initialized()
                    raise
            return found

    def _compile(self, values: Sequence[Any], written: list[Any], read: list[Any]) -> _Found:
        """Compiles the program; where it is cheap to tell first whether it rejects its values, it does so.

        A program that may fail in the middle has to choose, element by element, between the old and the new values of
        its variables.
        """
        trace: Callable[..., Any] = self._trace
        if any(guard is not Guard.DEFERRED for guard in self._guarded) and self._may_fail(values, written, read):
            cost = self._lowered(self._checks, values, written, read).cost_analysis() or {}
            outside = sum(value.nbytes for value in compress(written, self._keeps) if value is not None)
            is_cheap = cost.get("flops", math.inf) + cost.get("bytes accessed", math.inf) < _CHEAP + outside
            if is_cheap and self._can_be_kept and (outside or Guard.WHOLE in self._guarded):
                trace = self._trace_if_accepted
        self._build(trace, values, written, read)
        keeps = self._keeps if trace == self._trace and any(self._keeps) else []
        return _Found(self._messages, self._blocks, self._jit(trace), keeps, set())

    def lowered(self, values: Sequence[Any]) -> Any:
        """Returns the program for values, or for what has their shapes and dtypes, as JAX holds it before compiling."""
        with self._compiling:
            written = [buffer.value for buffer in self._written]
            return self._lowered(self._trace, tuple(values), written, [buffer.peek() for buffer in self._read])

    def packable(self) -> list[Buffer]:
        """Returns the variables that may live in a pack: those that it updates as a whole."""
        if not keep_barriers(self._options):  # XLA would compile each slice of a pack by itself
            return []
        return [buffer for buffer, guard in zip(self._written, self._guarded, strict=True) if guard is Guard.WHOLE]

    def prepare(self, values: Sequence[Any]) -> None:
        """Compiles the program for values before its packs hold anything."""
        written = [buffer.described() if isinstance(buffer, Pack) else buffer.value for buffer in self._written]
        self._prepare(tuple(values), written, [buffer.peek() for buffer in self._read])

    def _may_fail(self, values: Sequence[Any], written: list[Any], read: list[Any]) -> bool:
        """Traces the program, which JAX keeps for compiling it, and tells whether it holds conditions."""
        self._jit(self._trace).trace(*self._described(values, written, read))
        return bool(self._messages)

    def _lowered(self, trace: Any, values: Sequence[Any], written: list[Any], read: list[Any]) -> Any:
        return self._jit(trace).lower(*self._described(values, written, read))

    def _described(self, values: Sequence[Any], written: list[Any], read: list[Any]) -> tuple[Any, ...]:
        """Returns the arguments of a run as tracing needs them: of what it does not hold yet, the shape.

        Variables are described where the run has them, or JAX would compile the program again for the run itself.
        """
        shape = jax.ShapeDtypeStruct

        def held(variables: list[Any]) -> list[Any]:
            sharding = self._home.sharding
            return [v if v is None else shape(np.shape(v), v.dtype, sharding=sharding) for v in variables]

        reserved = shape((len(self._random), 2), np.uint64) if self._random else None
        counters = shape((len(self._streams), 2), np.uint64) if self._streams else None
        return held(written), held(read), values, reserved, counters

    def _build(self, trace: Any, values: Sequence[Any], written: list[Any], read: list[Any]) -> None:
        """Compiles one way of tracing for a signature."""
        try:
            self._lowered(trace, values, written, read).compile()
        except Exception as error:
            if "opt-barrier" not in str(error):
                raise
            # A small loop became one kernel, in which XLA cannot keep a barrier.
            self._options = without_barriers(self._options)
            self._jitted.clear()
            self._lowered(trace, values, written, read).compile()

    def _checks(self, *arguments: Any) -> Any:
        """Traces what tells whether a run would fail, and nothing else."""
        return self._trace(*arguments)[2]

    def _trace_if_accepted(
        self, written: list[Any], read: list[Any], values: Sequence[Any], reserved: Any, counters: Any
    ) -> Any:
        """Traces a run that takes place as a whole, or not at all."""
        arguments = written, read, values, reserved, counters
        failed = self._jit(self._checks)(*arguments)
        messages = self._messages
        traced = jax.jit(self._trace_accepted)
        shapes = jax.eval_shape(traced, *arguments)[0]

        def keep() -> Any:
            return jax.tree.map(lambda output: jnp.zeros(output.shape, output.dtype), shapes), written, None, counters

        outputs, updates, _, after = jax.lax.cond(failed < 0, lambda: traced(*arguments), keep)
        self._messages = messages
        return outputs, updates, failed, after

    def _trace_accepted(self, *arguments: Any) -> Any:
        """Traces a run that does not fail."""
        return self._trace(*arguments, conditions=checks.Passed())  # type: ignore[misc]

    def _trace(
        self,
        written: list[Any],
        read: list[Any],
        values: Sequence[Any],
        reserved: Any,
        counters: Any,
        conditions: list[tuple[Any, str]] | None = None,
    ) -> Any:
        plan, state = self._plan, self._state
        pairs = zip((*self._written, *self._read), (*written, *read), strict=True)
        buffers: dict[Buffer, Any] = {}
        for buffer, value in pairs:
            if isinstance(buffer, Pack):
                buffers.update(buffer.opened(value))
            elif value is not None:
                buffers[buffer] = value
        given = iter(values)
        known = {tensor: self._fixed[tensor] if tensor in self._fixed else next(given) for tensor in self._inputs}
        streams = {op: counters[index] for index, op in enumerate(self._streams)}
        own = {op: reserved[index] for index, op in enumerate(self._random)}
        lookup = tracing.looked_up(plan, known)
        messages: list[tuple[Operation, str]] = []
        outer = checks.trace.conditions
        conditions = [] if conditions is None else conditions
        checks.trace.conditions = conditions
        #: How many conditions there were when rows of a variable were updated first: those hold, or nothing is.
        covered: dict[Buffer, int] = {}
        op = None
        try:
            with tracing.tracing(state, buffers, streams, own) as trace:
                for op in self._ops:
                    before = len(conditions)
                    if op not in self._deferred:
                        tracing.run(op, plan, known, lookup)
                    elif not isinstance(conditions, checks.Passed):  # only for its conditions
                        with tracing.discarded():
                            tracing.run(op, plan, known, lookup)
                    messages += [(op, message) for _, message in conditions[before:]]
                    for buffer in self._rows_of(op):
                        covered.setdefault(buffer, len(conditions))
                checks.trace.conditions = checks.Complete(conditions)
                for op in self._deferred:
                    tracing.run(op, plan, known, lookup)
                outputs = [lookup(tensor) for tensor in self._outputs]
                updates: list[Any] = [
                    buffer.closed(trace.buffers) if isinstance(buffer, Pack) else trace.buffers.get(buffer)
                    for buffer in self._written
                ]
                after = jnp.stack([trace.counters[op] for op in self._streams]) if self._streams else None
                self._can_be_kept = all(
                    old is not None and new is not None and old.shape == np.shape(new)
                    for old, new in zip(written, updates, strict=True)
                )
                self._messages, self._blocks = messages, [trace.blocks[op] for op in self._random]
        except (NeedsHost, FailedPreconditionError):
            raise
        except (InvalidArgumentError, ResourceExhaustedError) as error:
            raise explain(error, op) from None  # type: ignore[arg-type]
        finally:
            checks.trace.conditions = outer
        failed = None
        self._keeps = [False] * len(updates)
        if conditions:
            failed = checks.first_broken(conditions)
            # A run that fails leaves the variables as they were.
            for index, (buffer, guard) in enumerate(zip(self._written, self._guarded, strict=True)):
                old, new = written[index], updates[index]
                if guard is Guard.DEFERRED or (guard is Guard.ROWS and covered[buffer] == len(conditions)):
                    continue
                if guard is Guard.WHOLE and old is not None and old.shape == np.shape(new):
                    updates[index] = jnp.where(failed >= 0, old, new)
                else:
                    self._keeps[index] = True
        return outputs, updates, failed, after

    def _rows_of(self, op: Operation) -> list[Buffer]:
        """Returns the variables of which an operation updates rows."""
        if not op.op_def.in_place:
            return []
        buffers = (self._state.buffer_of(tensor) for tensor in op._inputs)
        return [buffer for buffer in buffers if buffer is not None]

    def _check_initialized(self) -> None:
        overwritten = _overwritten_first(self._ops, self._state)
        for buffer in (*self._written, *self._read):
            if not buffer.is_initialized and buffer not in overwritten:
                try:
                    buffer.peek()
                except FailedPreconditionError as error:
                    op = self._first_user(buffer)
                    raise (error if op is None else explain(error, op)) from None

    def _first_user(self, buffer: Buffer) -> Operation | None:
        inputs, buffer_of = self._plan.inputs, self._state.buffer_of
        return next((op for op in self._ops if any(buffer_of(tensor) is buffer for tensor in inputs(op))), None)


def _weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that calls a method of an object that it does not keep alive.

    JAX refers to the functions that it has compiled from tables of its own, and a stage refers to variables.
    """
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> Any:
        found = reference()
        assert found is not None, "whoever runs a program holds its stage"
        return found(*arguments)

    return call


def _release(held: list[Any]) -> None:
    """Releases locks, and takes each from the list as it does."""
    _all(map(_RELEASE, map(held.pop, repeat(-1, len(held)))))


def _taken_over(found: _Found, buffers: list[Buffer], updates: Iterable[Any]) -> tuple[list[Buffer], Iterable[Any]]:
    """Returns those variables, and what becomes of them, of which the old value is not kept outside of the program."""
    changed = [not is_kept for is_kept in found.keeps]
    return list(compress(buffers, changed)), compress(updates, changed)


class _NotCompiled(Exception):
    """Says that a program has not been compiled for the shapes of its inputs and variables.

    Args:
      written, read: the values of its variables.
    """

    def __init__(self, written: list[Any], read: list[Any]) -> None:
        super().__init__()
        self.written = written
        self.read = read


def _signature(*groups: Sequence[Any]) -> Any:
    """Returns the shapes of values: what tells one program that JAX keeps from another."""
    return tuple([None if value is None else value.shape for group in groups for value in group])


def _overwritten_first(ops: Sequence[Operation], state: RunState) -> set[Buffer]:
    found: set[Buffer] = set()
    for op in ops:
        if op.op_def.allows_uninitialized:
            for tensor in op._inputs:
                buffer = state.buffer_of(tensor)
                if buffer is not None:
                    found.add(buffer)
    return found
