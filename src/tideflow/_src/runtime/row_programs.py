"""Runs a function on every row of its arguments: row after row on the host, or on all rows at once in one program.

The choice is that of :mod:`.program`: the host goes through the rows until as many calls as compiling is worth;
then ``jax.vmap`` of the traced function becomes one program for each signature of its inputs. Functions of equal
structure share their programs, so that a Jacobian that is asked for again is compiled once; but not functions that hold
tensors or variables, which would be kept as long. What XLA cannot take stays with the host.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.variant_array import items_of, variants
from tideflow._src.runtime import checks, cost_model, effects, engine, stages, tracing
from tideflow._src.runtime.buffers import Buffer, ResourceHandle, ResourceManager, buffer_in
from tideflow._src.runtime.lazy import jax, jnp
from tideflow._src.runtime.plan import Plan, attributes_key
from tideflow._src.runtime.program import forced_tier
from tideflow._src.runtime.state import RunState, current_state
from tideflow._src.runtime.traced_list import TracedList
from tideflow._src.runtime.tracing import NeedsHost
from tideflow._src.runtime.xla import static_feeds

#: Functions whose programs are kept for others of the same structure.
_MOST_FUNCTIONS = 256
#: Stateful operations that do nothing but look at a variable, which each call of a program passes.
_READS = frozenset(("ReadVariableOp", "VariableShape"))
#: Programs of one function, for different shapes or static values, before further ones stay with the host.
_MOST_SIGNATURES = 16
_programs: OrderedDict[Any, RowProgram] = OrderedDict()
_lock = threading.Lock()


def run(function: Any, arguments: Sequence[Any], captured: Sequence[Any]) -> list[Any]:
    """Calls a function on each row of ``arguments`` and stacks what it returns.

    Args:
      function: a function graph; its parameters are a row of each of ``arguments``, then ``captured``.
      arguments: arrays whose first dimensions are equal.
      captured: values that all rows share; handles of variables may be among them.

    Returns:
      An array for each output, whose first dimension is that of the arguments.

    Raises:
      InvalidArgumentError: the first dimensions differ, or the function's results differ in shape.
    """
    count = row_count([np.shape(value) for value in arguments])
    program = function.__dict__.get("_row_program")
    if program is None:
        own = RowProgram(function, len(arguments)) if not function.is_closed() else None
        program = function._row_program = own or _shared(function, len(arguments))
    return program.run(count, arguments, captured)  # type: ignore[no-any-return]


def row_count(shapes: Sequence[Any]) -> int:
    """Returns the first dimension that all shapes have.

    Raises:
      InvalidArgumentError: one of them has none, or another.
    """
    for position, shape in enumerate(shapes):
        if not len(shape):
            raise InvalidArgumentError(
                None, None, f"All inputs must have rank at least 1. Input {position} has a rank of 0."
            )
        if shape[0] != shapes[0][0]:
            raise InvalidArgumentError(
                None,
                None,
                f"All inputs must have the same dimension 0. Input {position} has leading dimension {shape[0]}, "
                f"while input 0 has {shapes[0][0]}.",
            )
    return int(shapes[0][0])


def _shared(function: Any, arguments: int) -> RowProgram:
    key = (arguments, _structure(function))
    with _lock:
        program = _programs.get(key)
        if program is None:
            program = _programs[key] = RowProgram(function, arguments)
            if len(_programs) > _MOST_FUNCTIONS:
                _programs.popitem(last=False)
        else:
            _programs.move_to_end(key)
        return program


def _structure(function: Any) -> Any:
    """Returns what two functions have in common exactly if they compute the same: operations, wiring and constants.

    The static shapes of outputs are that of the result where there are no rows.
    """
    plan: Plan = function.plan()
    numbers: dict[Any, Any] = {}
    parts: list[Any] = []

    def number(tensor: Any) -> Any:
        tensor = plan.resolve(tensor)
        found = numbers.get(tensor)
        if found is None:
            value = plan.constants[tensor]
            content = value.tobytes() if value.dtype != object else repr(value.tolist())
            found = numbers[tensor] = (value.dtype.str, value.shape, content)
        return found

    for index, parameter in enumerate(function.inputs):
        numbers[parameter] = index
        variable = getattr(parameter, "_variable", None)
        parts.append((parameter._dtype.name, parameter._shape, variable and (variable[0].name, variable[1])))
    for position, op in enumerate(plan.ops):
        for index, output in enumerate(op.outputs):
            numbers[output] = (position, index)
        inputs = tuple([number(tensor) for tensor in op._inputs])
        parts.append((op.type, inputs, attributes_key(op), tuple([output._dtype.name for output in op.outputs])))
        if op.op_def.random is not None or (op.op_def.stateful and op.type not in _READS):
            parts.append(function)  # it has a stream or effects of its own
    parts.append(tuple([(number(tensor), tensor._shape) for tensor in function.outputs]))
    return tuple(parts)


class RowProgram:
    """Is a function with its ways of going through rows."""

    def __init__(self, function: Any, arguments: int) -> None:
        self._function = function
        self._arguments = arguments
        plan = function.plan()
        positions = {tensor: index for index, tensor in enumerate(function.inputs)}
        feeds = static_feeds(plan)
        #: Positions, among the captured values, of those on whose values shapes depend.
        self._static = sorted(positions[tensor] - arguments for tensor in feeds if positions[tensor] >= arguments)
        self._compilable = self._find_compilable(plan, set(feeds), set(function.inputs[:arguments]))
        #: For each signature, the calls that go row by row before it is compiled.
        self._left: dict[Any, float] = {}
        self._compiled: dict[Any, Any] = {}

    def _find_compilable(self, plan: Plan, static: set[Any], rows: set[Any]) -> bool:
        if plan.dataflow or not plan.ops or static & rows:
            return False
        if any(item._dtype.name in ("string", "variant") for item in (*self._function.inputs, *self._function.outputs)):
            return False
        state = RunState(ResourceManager())
        if any(stage.ops and not stage.compiled for stage in stages.split(plan, state, static, nested=True)):
            return False
        return not effects.changes_state(self._function)

    def run(self, count: int, arguments: Sequence[Any], captured: Sequence[Any]) -> Any:
        """Returns the stacked results for ``count`` rows."""
        tier = forced_tier()
        if not self._compilable or tier == "host":
            return self._loop(count, arguments, captured)
        if any(value.__class__ is ResourceHandle and not isinstance(value.resource, Buffer) for value in captured):
            return self._loop(count, arguments, captured)  # a writer of summaries, say: no compiled program takes it
        key = self._signature(count, arguments, captured)
        program = self._compiled.get(key)
        if program is None:
            left = self._left.get(key)
            if left is None:
                left = 0 if tier == "xla" else self._calls_before_compiling(count, arguments, captured)
            if left > 0 or (not count and tier != "xla") or len(self._compiled) >= _MOST_SIGNATURES:
                if key in self._left or len(self._left) < _MOST_SIGNATURES:
                    self._left[key] = left - 1
                return self._loop(count, arguments, captured)
            program = self._compiled[key] = self._compile(captured)
        return self._run_compiled(key, program, count, arguments, captured)

    def _calls_before_compiling(self, count: int, arguments: Sequence[Any], captured: Sequence[Any]) -> float:
        shapes = [np.shape(value)[1:] for value in arguments] + [np.shape(_content(value)) for value in captured]
        row = cost_model.of_plan(self._function.plan(), None, shapes)
        return row.of_rows(count).runs_before_compiling(engine.is_loaded())

    def _signature(self, count: int, arguments: Sequence[Any], captured: Sequence[Any]) -> Any:
        shapes = [np.shape(value) for value in (*arguments, *map(_content, captured))]
        fixed = [np.asarray(captured[index]).tobytes() for index in self._static]
        return (count, tuple(shapes), tuple(fixed))

    def _loop(self, count: int, arguments: Sequence[Any], captured: Sequence[Any]) -> Any:
        """Goes through the rows on the host."""
        if not count:
            return self._empty()
        rows: list[Any] = []
        program = self._function.bound([*[value[0, ...] for value in arguments], *captured])
        for index in range(count):
            rows.append(program([*[value[index, ...] for value in arguments], *captured]))
        return [
            self._stacked(column, output)
            for column, output in zip(zip(*rows, strict=True), self._outputs(), strict=True)
        ]

    def _outputs(self) -> list[Any]:
        return list(self._function.outputs)

    def _stacked(self, column: Sequence[Any], output: Any) -> Any:
        if output._dtype is dtypes.variant:
            shapes = [item.shape if isinstance(item, np.ndarray) else () for item in column]
        else:
            shapes = [np.shape(item) for item in column]
        first = shapes[0]
        for shape in shapes:
            if shape != first:
                raise InvalidArgumentError(
                    None, None, f"The function's results differ in shape from row to row: {first} and {shape}."
                )
        if output._dtype is dtypes.variant:
            return variants([part for item in column for part in items_of(item)], (len(column), *first))
        wanted = output._dtype.as_numpy_dtype
        if wanted is object:
            result = np.empty((len(column), *first), dtype=object)
            for index, item in enumerate(column):
                result[index, ...] = item
            return result
        return np.stack([np.asarray(item, wanted) for item in column])

    def _empty(self) -> list[Any]:
        shapes = []
        for output in self._outputs():
            shape = output._shape
            if shape is None or None in shape:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"There are no rows, and the shape of a result, {output.shape}, is not known without one.",
                )
            shapes.append(shape)
        return [
            variants([], (0, *shape))
            if output._dtype is dtypes.variant
            else np.zeros((0, *shape), output._dtype.as_numpy_dtype)
            for shape, output in zip(shapes, self._outputs(), strict=True)
        ]

    # Compiled.

    def _compile(self, captured: Sequence[Any]) -> Any:
        engine.load()
        messages: list[str] = []
        fixed = {index: np.asarray(captured[index]) for index in self._static}
        state = current_state(self._function)
        # The program serves other variables, too: these stand for those that a call captures.
        handles = {
            index: ResourceHandle(Buffer(value.name, buffer_in(value).dtype, buffer_in(value).shape), value.name)
            for index, value in enumerate(captured)
            if isinstance(value, ResourceHandle)
        }

        count = len(captured)  # JAX keeps the program, and the program must not keep what is captured

        def program(rows: list[Any], shared: list[Any]) -> Any:
            given = iter(shared)
            values: list[Any] = []
            buffers: dict[Buffer, Any] = {}
            for index in range(count):
                value = fixed[index] if index in fixed else next(given)
                if index in handles:
                    buffers[handles[index].resource] = value
                values.append(handles.get(index, value))
            with tracing.tracing(state, buffers, {}, {}):
                results, conditions = on_rows(self._function, rows, values)
            messages[:] = [message for _, message in conditions]
            return results, checks.first_broken(conditions) if conditions else None

        # The program's output does not alias what it took, and nothing is donated: the caller keeps its arrays.
        return jax.jit(program), messages

    def _run_compiled(
        self, key: Any, compiled: Any, count: int, arguments: Sequence[Any], captured: Sequence[Any]
    ) -> Any:
        program, messages = compiled
        if program is None:
            return self._loop(count, arguments, captured)
        shared = [_content(value) for index, value in enumerate(captured) if index not in self._static]
        try:
            results, failed = program(list(arguments), shared)
        except (NeedsHost, TypeError, NotImplementedError):  # what cannot be traced, the host runs, or explains
            self._compiled[key] = None, []
            return self._loop(count, arguments, captured)
        if failed is not None and int(failed) >= 0:
            raise InvalidArgumentError(None, None, messages[int(failed)])
        return [np.asarray(result) for result in results]


def _content(value: Any) -> Any:
    return buffer_in(value).read() if isinstance(value, ResourceHandle) else value


def on_rows(function: Any, rows: Sequence[Any], shared: Sequence[Any]) -> tuple[list[Any], list[tuple[Any, str]]]:
    """Traces a function on all rows at once.

    Args:
      function: the function graph.
      rows: traced or known arrays; the function is given a row of each.
      shared: traced or known values that all rows share.

    Returns:
      The results, and the conditions that its kernels require to hold, each with its message.
    """
    types = [output._dtype.as_numpy_dtype for output in function.outputs]
    messages: list[str] = []

    def row(*values: Any) -> Any:
        outer = checks.trace.conditions
        conditions: list[tuple[Any, str]] = []
        checks.trace.conditions = conditions
        try:
            results = tracing.evaluate(function, (*values, *shared))
        finally:
            checks.trace.conditions = outer
        if any(isinstance(result, TracedList) for result in results):
            raise NeedsHost("A function on rows returns a list.")
        messages[:] = [message for _, message in conditions]
        found = [jnp.asarray(result, dtype) for result, dtype in zip(results, types, strict=True)]
        return found, [jnp.asarray(condition).reshape(()) for condition, _ in conditions]

    results, held = jax.vmap(row)(*rows)
    return list(results), [(condition.all(), message) for condition, message in zip(held, messages, strict=True)]


def trace(function: Any, arguments: Sequence[Any], captured: Sequence[Any]) -> list[Any]:
    """Returns the stacked results as a part of a program that is being traced."""
    if any(isinstance(value, TracedList) for value in arguments):
        raise NeedsHost("The rows of lists are not known to a program.")
    results, conditions = on_rows(function, arguments, captured)
    for condition, message in conditions:
        checks.require(condition, message)
    return results
