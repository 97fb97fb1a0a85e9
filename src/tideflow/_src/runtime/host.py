"""The host tier: runs a plan with NumPy kernels, one after the other, at little more than the kernels' own cost.

The plan is written out as Python source, a line for each operation, and compiled: no table is walked, no dispatch is
left, and a line number in a traceback tells which operation failed.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

import numpy as np

from tideflow._src.core import float_errors
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import evaluation, source
from tideflow._src.graph.op_def import Argument
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime import device_kernels, eager, effects, rollback, spans
from tideflow._src.runtime.buffers import Buffer, in_order
from tideflow._src.runtime.failures import explain
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState

_CHUNK = 500
#: Characters of source that many programs may share.
_SHORT = 2000
_FILE = os.path.join(source.PACKAGE, "<plan>")


class Interpreted:
    """Is a sequence of operations that the host runs: values of ``inputs`` in, values of ``outputs`` out.

    A run that fails leaves the variables as they were.

    Args:
      plan: the plan that the operations are part of.
      ops: the operations, each after those that it depends on.
      inputs: the tensors whose values a run is given.
      outputs: those whose values it returns.
      state: the state that it runs on.
    """

    def __init__(
        self,
        plan: Plan,
        ops: Sequence[Operation],
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        state: RunState,
    ) -> None:
        self._plan = plan
        self._state = state
        self._ops = list(ops)
        self._inputs = [plan.resolve(tensor) for tensor in inputs]
        self._outputs = [plan.resolve(tensor) for tensor in outputs]
        self._changing = [op for op in self._ops if effects.changes_variables(op)]
        #: Whether a run can fail when it has changed a variable.
        self._fails_by_halves = bool(self._changing)

    def __call__(self, values: Sequence[Any]) -> Any:
        """Runs the operations.

        Args:
          values: the values of the inputs, in order.

        Returns:
          The values of the outputs, in order, as a tuple.

        Raises:
          OpError: an operation failed; the message names it.
        """
        before_run = float_errors.current()
        try:
            float_errors.enter(float_errors.QUIET)
            if not self._changing:
                return self._run(values)
            thread, log = rollback.this_thread, None
            before = thread.log, thread.depth
            try:
                log = rollback.begin(needed=self._fails_by_halves)
                return self._run(values)
            except BaseException:
                if log is not None:
                    log.roll_back()
                raise
            finally:
                thread.log, thread.depth = before
                if log is not None:
                    log.clear()  # variables refer to the log that wrote them last
        except Exception as error:
            raise self._failure(error) from None
        finally:
            float_errors.restore(before_run)

    def _run(self, values: Sequence[Any]) -> Any:
        """Runs the operations on values of the inputs; returns those of the outputs."""
        raise NotImplementedError

    def _failure(self, error: Exception) -> Exception:
        """Returns the exception that an error in the run becomes."""
        return error


#: Operations that cannot fail.
NEVER_FAIL = frozenset(("NoOp", "Identity", "RefIdentity", "OptionalFromValue", "OptionalNone"))


@functools.lru_cache(maxsize=256)
def _code_of(text: str) -> CodeType:
    """Returns source as compiled by Python, which takes longest of all in making a small program.

    Programs of one structure have the same source: it names objects, and the objects are theirs.
    """
    return compile(text, _FILE, "exec")


class HostProgram(Interpreted):
    """Is a sequence of operations compiled to a Python function: values of ``inputs`` in, values of ``outputs`` out."""

    def __init__(
        self,
        plan: Plan,
        ops: Sequence[Operation],
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        state: RunState,
    ) -> None:
        super().__init__(plan, ops, inputs, outputs, state)
        self._globals: dict[str, Any] = {"np": np}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._functions: list[Callable[..., Any]] = []
        #: The same with a mark after each operation, for a profiler.
        self._marked: list[Callable[..., Any]] = []
        self._reads_references = True
        #: The last operation that can fail.
        self._last = self._last_to_fail()
        if self._fails_by_halves:  # an operation with functions can fail in the middle
            self._fails_by_halves = self._ops.index(self._changing[0]) < self._last or any(
                op.op_def.takes_functions for op in self._changing
            )
        self._functions = self._write()

    def _run(self, values: Sequence[Any]) -> Any:
        if spans.RECORDERS:
            return spans.marked(self._ops, self._run_marked, values)
        for function in self._functions:
            values = function(*values)
        return values

    def _run_marked(self, values: Sequence[Any]) -> Any:
        if not self._marked:
            self._marked = self._write(f"; {self._name(spans.mark, 'k')}()")
        for function in self._marked:
            values = function(*values)
        return values

    @property
    def can_fail(self) -> bool:
        """Whether one of the operations can fail."""
        return self._last >= 0

    def _last_to_fail(self) -> int:
        """Returns the place of the last operation that can fail; -1 if none can, and one beyond all if reading can."""
        buffer_of = self._state.buffer_of
        #: Variables that have a value, once nothing but reading them is left to do.
        changed = {buffer_of(tensor) for op in self._changing if op.op_def.updates for tensor in op._inputs} | {None}
        if any(tensor._dtype._is_ref_dtype and buffer_of(tensor) not in changed for tensor in self._outputs):
            return len(self._ops)
        for position in range(len(self._ops) - 1, -1, -1):
            op = self._ops[position]
            if self._state.is_handle(op):
                continue
            never_fails = op.type in NEVER_FAIL or (op.type == "ReadVariableOp" and buffer_of(op._inputs[0]))
            if not never_fails or any(buffer_of(tensor) not in changed for tensor in op._inputs):
                return position
        return -1

    def _failure(self, error: Exception) -> Exception:
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename == _FILE and "OPS" in trace.tb_frame.f_globals:
                if trace.tb_frame.f_globals is self._globals:
                    position = trace.tb_lineno - 3 + int(code.co_name[1:])
                    op = self._ops[position] if position < len(self._ops) else self._unset()
                    return explain(error, op, trace.tb_frame)
            trace = trace.tb_next
        return error

    def _unset(self) -> Operation:
        """Returns the fetched variable that has no value."""
        buffers = [(tensor, self._state.buffer_of(tensor)) for tensor in self._outputs]
        unset = [tensor for tensor, buffer in buffers if buffer is not None and not buffer.is_initialized]
        return unset[0]._op  # type: ignore[no-any-return]

    # Writing.

    def _write(self, mark: str = "") -> list[Callable[..., Any]]:
        """Returns the functions that run the operations.

        Args:
          mark: what follows on the line of each operation.
        """
        self._globals["OPS"] = self._ops
        functions = []
        starts = list(range(0, len(self._ops), _CHUNK)) or [0]
        last_use = self._last_uses()
        registers: dict[SymbolicTensor, str] = {}
        free: list[str] = []
        count = 0
        parameters: list[str] = []
        for tensor in self._inputs:
            registers[tensor] = f"v{count}"
            parameters.append(f"v{count}")
            count += 1
        self._registers = registers
        wanted = set(self._outputs)
        first = f" log = {self._name(rollback.current_log, 'k')}()" if self._changing else " pass"
        for start in starts:
            end = min(start + _CHUNK, len(self._ops))
            lines = [f"def f{start}({', '.join(parameters)}):", first]
            for position in range(start, end):
                op = self._ops[position]
                names = []
                line = self._line(op, is_last=position >= self._last)
                for tensor in set(self._plan.inputs(op)):
                    tensor = self._plan.resolve(tensor)
                    if last_use.get(tensor) == position and tensor in registers and tensor not in wanted:
                        free.append(registers.pop(tensor))
                if line is None:
                    lines.append(f" pass{mark}")
                    continue
                statement, produced = line
                for tensor in produced:
                    if not free:
                        free.append(f"v{count}")
                        count += 1
                    name = free.pop()
                    names.append(name)
                    registers[tensor] = name
                    if tensor not in last_use and tensor not in wanted:
                        free.append(registers.pop(tensor))
                lines.append(f" {statement.format(*names)}{mark}")
            if end == len(self._ops):
                results = [self._value(tensor) for tensor in self._outputs]
                lines.append(f" return ({''.join(name + ', ' for name in results)})")
            else:
                parameters = list(registers.values())
                lines.append(f" return ({''.join(name + ', ' for name in parameters)})")
            text = "\n".join(lines)
            exec(_code_of(text) if len(text) <= _SHORT else compile(text, _FILE, "exec"), self._globals)
            functions.append(self._globals[f"f{start}"])
        return functions

    def _last_uses(self) -> dict[SymbolicTensor, int]:
        last: dict[SymbolicTensor, int] = {}
        resolve = self._plan.same_as
        for position, op in enumerate(self._ops):
            for tensor in self._plan.inputs(op):
                last[resolve.get(tensor, tensor)] = position
        return last

    def _name(self, value: Any, prefix: str = "c") -> str:
        """Returns the name of an object that the generated code refers to."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"{prefix}{len(self._names)}"
            self._globals[name] = value
            self._kept.append(value)
        return name

    def _value(self, tensor: SymbolicTensor) -> str:
        """Returns the expression for the value of a tensor; a reference is read."""
        tensor = self._plan.resolve(tensor)
        name = self._registers.get(tensor)
        if name is not None:
            return name
        if tensor in self._plan.constants:
            return self._name(self._plan.constants[tensor])
        buffer = self._state.buffer_of(tensor)
        if buffer is not None:
            if tensor._dtype.name == "resource":
                return self._name(self._state.handle_of(tensor), "h")
            return f"{self._name(buffer, 'b')}.read()"
        raise AssertionError(f"{tensor.name} is used before it is computed")

    def _passed(self, tensor: SymbolicTensor, given: SymbolicTensor) -> str:
        """Returns the expression for a tensor in a list; a function is given a reference as the buffer itself."""
        tensor = self._plan.resolve(tensor)
        if tensor._dtype._is_ref_dtype:
            by_value = self._reads_references or not given._dtype._is_ref_dtype
            if tensor in self._registers:
                name = self._registers[tensor]
                return f"{name}.read()" if by_value and not self._is_fed_value(tensor) else name
            buffer = self._state.buffer_of(tensor)
            if buffer is not None and not by_value:
                return self._name(buffer, "b")
        return self._value(tensor)

    def _line(self, op: Operation, *, is_last: bool) -> tuple[str, list[SymbolicTensor]] | None:
        """Returns the statement of an operation, with a placeholder for each tensor it produces.

        Args:
          op: the operation.
          is_last: whether no operation after it can fail.
        """
        definition = op.op_def
        if self._state.is_handle(op) or definition.name == "NoOp":
            return None
        arguments: list[str] = []
        kernel = evaluation.host_kernel(definition)
        if evaluation.is_over_xp(definition):
            kernel = definition.kernel
            arguments.append("np")
        attrs = [f"{name}={self._constant(self._attribute(op, name))}" for name in definition.kernel_attributes]
        # The kernel of an operation that updates a list of variables gets the buffers, and does all of it itself.
        updates_list = any(item.is_list and item.name in definition.updates for item in definition.inputs)
        self._reads_references = not (definition.takes_functions or updates_list)
        buffers, locks, inputs, dynamic = self._arguments(op, is_last)
        if definition.name == "ReadVariableOp" and not dynamic:
            return f"{{0}} = {inputs[0].replace('.peek()', '.read()')}", list(op.outputs)
        arguments += inputs
        if kernel is None:
            kernel = device_kernels.on_host(definition)
        if definition.random is not None:
            generator = self._state.generator_of(op)
            blocks = self._name(definition.random, "k")
            given = [*inputs, *attrs]
            arguments.append(f"generator={self._name(generator, 'g')}({blocks}({', '.join(given)}))")
        arguments += attrs
        if dynamic:
            function = self._name(eager.run_stateful, "k")
            values = ", ".join(arguments)
            bound = f"{self._name(definition, 'd')}, {self._name(evaluation.host_kernel(definition), 'k')}"
            skip = 1 if arguments[:1] == ["np"] else 0
            values = ", ".join(arguments[skip : skip + len(inputs)])
            call = f"{function}({bound}, [{values}], dict({', '.join(attrs)}))"
            buffers, locks = [], []
        else:
            call = f"{self._name(kernel, 'k')}({', '.join(arguments)})"
        targets = [f"{self._name(buffer, 'b')}.value" for buffer in buffers]
        produced = [tensor for tensor in op.outputs if self._state.buffer_of(tensor) is None]
        pattern = self._pattern(op, definition.outputs)
        left = [*targets, *pattern]
        if not left:
            statement = call
        elif len(left) == 1 and not (pattern and pattern[0].startswith("[")):
            statement = f"{left[0]} = {call}"
        else:
            statement = f"{', '.join(left)}{',' if len(left) == 1 else ''} = {self._tupled(call, left)}"
        in_place = definition.in_place
        statement = self._locked(statement, buffers, locks, in_place=in_place)
        if is_last and in_place and buffers and self._fails_by_halves:
            statement += f"; {self._name(rollback.done, 'k')}()"
        return statement, produced

    def _locked(self, statement: str, written: list[Buffer], touched: list[Buffer], *, in_place: bool) -> str:
        """Returns a statement that reads, computes and stores while nobody else changes the variables in it."""
        if not touched:
            return statement
        names = [self._name(buffer.lock, "l") for buffer in in_order(set(touched))]
        for buffer in touched:
            name = self._name(buffer, "b")
            if buffer in written:
                if not in_place:
                    statement = f"log is None or log.keep({name}); {statement}"
                statement += f"; {name}.lease = None; {name}.writer = log"
            else:
                statement += f"; {self._name(lend_views, 'k')}({name}, {{0}})"
        return f"with {', '.join(names)}: {statement}"

    def _attribute(self, op: Operation, name: str) -> Any:
        """Returns an attribute of a node; a resource without a shared name goes by the node's.

        How often a node acts is counted for each node on each state.
        """
        value = op.attrs[name]
        if name == "first_n" and value > 0:
            return self._state.remaining_of(op, value)
        return op.name if name == "shared_name" and not value else value

    @staticmethod
    def _tupled(call: str, left: list[str]) -> str:
        return f"({call},)" if len(left) == 1 else call

    def _pattern(self, op: Operation, declared: Sequence[Argument]) -> list[str]:
        """Returns what the outputs of an operation are assigned to: numbered places, in lists where it gives lists."""
        pattern: list[str] = []
        position = 0
        places = itertools.count()
        for argument in declared:
            count = length(argument, op.attrs)
            if argument.is_list:
                items = op.outputs[position : position + count]
                named = ["_" if self._state.buffer_of(item) else f"{{{next(places)}}}" for item in items]
                pattern.append(f"[{', '.join(named)}]")
            elif self._state.buffer_of(op.outputs[position]) is None:
                pattern.append(f"{{{next(places)}}}")
            position += count
        return pattern

    def _arguments(self, op: Operation, is_last: bool) -> tuple[list[Buffer], list[Buffer], list[str], bool]:
        """Returns the variables that an operation updates, those that it locks, its arguments, and whether a handle
        is known only at run time."""
        take = rollback.last_rows_to_change if is_last else rollback.rows_to_change
        definition = op.op_def
        buffers: list[Buffer] = []
        locks: list[Buffer] = []
        arguments: list[str] = []
        dynamic = False
        position = 0
        for argument in definition.inputs:
            count = length(argument, op.attrs)
            tensors = self._plan.inputs(op)[position : position + count]
            given = op._inputs[position : position + count]
            position += count
            if argument.is_list:
                passed = [self._passed(tensor, item) for tensor, item in zip(tensors, given, strict=True)]
                arguments.append(f"[{', '.join(passed)}]")
                continue
            tensor = self._plan.resolve(tensors[0])
            stateful = argument.name in definition.updates or argument.name in definition.reads
            buffer = self._state.buffer_of(tensor) if tensor not in self._registers else None
            if buffer is None:
                dynamic = dynamic or stateful
                value = self._value(tensor)
                reference = tensor._dtype._is_ref_dtype and not argument.is_ref and not self._is_fed_value(tensor)
                arguments.append(f"{value}.read()" if reference else value)
                continue
            if argument.name in definition.updates:
                buffers.append(buffer)
                locks.append(buffer)
                name = self._name(buffer, "b")
                if definition.in_place:
                    arguments.append(f"{self._name(take, 'k')}({name})")
                else:
                    arguments.append(f"{name}.{'value' if definition.allows_uninitialized else 'peek()'}")
            elif argument.name in definition.reads:
                locks.append(buffer)
                arguments.append(f"{self._name(buffer, 'b')}.peek()")
            elif not argument.is_ref and tensor._dtype.name != "resource":
                arguments.append(f"{self._name(buffer, 'b')}.read()")
            elif argument.is_ref:
                arguments.append(self._name(buffer, "b"))
            else:
                arguments.append(self._value(tensor))
        return buffers, locks, arguments, dynamic

    def _is_fed_value(self, tensor: SymbolicTensor) -> bool:
        """Whether a run is given the value of a reference; a function's parameter is given the reference itself."""
        return tensor._op.type != "Placeholder" and any(tensor is fed for fed in self._plan.feeds)

    def _constant(self, value: Any) -> str:
        if value is None or value is True or value is False or value.__class__ is int:
            return repr(value)
        return self._name(value)


_GENERIC = np.generic
_ARRAY = np.ndarray


def own(value: Any, fed: Sequence[Any]) -> Any:
    """Returns a result as the caller gets it: a scalar, or an array that nobody else, such as a variable, holds.

    What others hold is not writeable (constants, values of variables), or a view, or was fed.
    """
    if isinstance(value, _GENERIC):
        return value
    if value.__class__ is not _ARRAY:
        if not hasattr(value, "__array__"):
            return value
        value = np.asarray(value)
    if not value.shape:
        return value[()]
    flags = value.flags
    if value.base is not None or not flags.writeable or any([value is item for item in fed]):  # noqa: C419 - faster
        return value.copy()
    return value


def lend_views(buffer: Buffer, result: Any) -> None:
    """Leases the value of a variable if what was computed from it is made of the same memory."""
    if result is buffer.value or getattr(result, "base", None) is not None:
        buffer.read()
