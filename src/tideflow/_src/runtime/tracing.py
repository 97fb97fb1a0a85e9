"""Evaluates operations of a graph while JAX traces: known values stay NumPy, the rest become traced values."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.core import float_errors
from tideflow._src.core.errors import ResourceExhaustedError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import evaluation
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime import effects, traced_list
from tideflow._src.runtime.buffers import Buffer, ResourceHandle
from tideflow._src.runtime.checks import require_possible
from tideflow._src.runtime.lazy import jnp
from tideflow._src.runtime.random_state import Generator
from tideflow._src.runtime.stages import SHAPE_OPS
from tideflow._src.runtime.state import RunState, current_state
from tideflow._src.runtime.traced_list import TracedList

_HOST_VALUES = (np.ndarray, np.generic)


_MOST_ELEMENTS = 1 << 44


class NeedsHost(Exception):
    """Says that an operation cannot be part of a compiled program with these inputs."""


def is_known(value: Any) -> bool:
    """Tells whether a value is there while a program is traced."""
    return isinstance(value, _HOST_VALUES)


class Trace(threading.local):
    """Is the program that this thread traces.

    Attributes:
      state: the state that the program runs on; None while nothing is traced.
      buffers: the value of each variable that the program has at this point.
      counters: the counter of each random stream whose draws the program counts itself.
      reserved: the counters of the other random operations, which take their blocks before the program runs.
      blocks: how many blocks each of these takes.
    """

    state: Any = None

    def __init__(self) -> None:
        self.buffers: dict[Buffer, Any] = {}
        self.counters: dict[Operation, Any] = {}
        self.reserved: dict[Operation, Any] = {}
        self.blocks: dict[Operation, int] = {}


trace = Trace()


@contextmanager
def tracing(
    state: Any, buffers: dict[Buffer, Any], counters: dict[Operation, Any], reserved: dict[Operation, Any]
) -> Iterator[Trace]:
    """Traces a program inside the block; yields its trace."""
    saved = trace.state, trace.buffers, trace.counters, trace.reserved, trace.blocks
    trace.state, trace.buffers, trace.counters, trace.reserved, trace.blocks = state, buffers, counters, reserved, {}
    try:
        yield trace
    finally:
        trace.state, trace.buffers, trace.counters, trace.reserved, trace.blocks = saved


@contextmanager
def discarded() -> Iterator[None]:
    """Traces operations inside the block without keeping what they do to variables."""
    saved = trace.buffers
    trace.buffers = dict(saved)
    try:
        yield
    finally:
        trace.buffers = saved


def _state(graph: Any) -> RunState:
    """Returns the state that the traced program runs on, which holds what is in ``graph``."""
    return trace.state or current_state(graph)


class Carried:
    """Is the state that functions inside of a program change: what goes in and out of a branch or a turn of a loop.

    Args:
      functions: the functions.
      values: the values that each is called with, handles of variables among them.
    """

    def __init__(self, functions: Sequence[Any], values: Sequence[Any]) -> None:
        written: dict[Buffer, None] = {}
        streams: dict[Operation, None] = {}
        for function in functions:
            found = effects.of_function(function, values, _state(function).buffer_of)
            written.update(found.written)
            streams.update(found.streams)
        self._written = [buffer for buffer in written if buffer in trace.buffers]
        if len(self._written) != len(written):
            raise NeedsHost("A variable that is written has no value yet.")
        self._streams = list(streams)

    @property
    def is_empty(self) -> bool:
        """Whether the functions change nothing."""
        return not self._written and not self._streams

    def values(self) -> list[Any]:
        """Returns the values of variables and the counters of streams at this point."""
        buffers = [jnp.asarray(trace.buffers[buffer]) for buffer in self._written]
        return [*buffers, *(jnp.asarray(trace.counters[op]) for op in self._streams)]

    def set(self, values: Sequence[Any]) -> None:
        """Makes values those of the variables and streams from this point on."""
        count = len(self._written)
        trace.buffers = {**trace.buffers, **dict(zip(self._written, values[:count], strict=True))}
        trace.counters = {**trace.counters, **dict(zip(self._streams, values[count:], strict=True))}

    @contextmanager
    def inside(self, values: Sequence[Any]) -> Iterator[None]:
        """Traces a function inside the block that begins with values of the variables and streams."""
        saved = trace.buffers, trace.counters
        self.set(values)
        try:
            yield
        finally:
            trace.buffers, trace.counters = saved


def looked_up(plan: Any, known: dict[SymbolicTensor, Any]) -> Callable[[SymbolicTensor], Any]:
    """Returns what finds the value of a tensor of a plan: known so far, a constant, or what stands for a variable."""

    def lookup(tensor: SymbolicTensor) -> Any:
        tensor = plan.resolve(tensor)
        try:
            return known[tensor]
        except KeyError:
            pass
        if tensor in plan.constants:
            return plan.constants[tensor]
        return variable_value(tensor)

    return lookup


def evaluate(function: Any, values: Sequence[Any]) -> list[Any]:
    """Evaluates a function graph on known and traced values, as a part of the program that is traced."""
    function.check_types(values)
    plan = function.plan()
    known: dict[SymbolicTensor, Any] = dict(zip(function.inputs, values, strict=True))
    lookup = looked_up(plan, known)
    state = _state(function)
    for op in plan.ops:
        if op.type != "NoOp" and not state.is_handle(op):
            run(op, plan, known, lookup)
    return [lookup(tensor) for tensor in function.outputs]


def variable_value(tensor: SymbolicTensor) -> Any:
    """Returns what stands for a variable in a program: the value for a reference, else the handle."""
    state = _state(tensor.graph)
    buffer = state.buffer_of(tensor)
    if buffer is None:
        raise NeedsHost(f"{tensor.name} is known only at run time.")
    if tensor._dtype._is_ref_dtype:
        return trace.buffers[buffer]
    return state.handle_of(tensor)


def _buffer_of(tensor: SymbolicTensor, lookup: Callable[[SymbolicTensor], Any]) -> Buffer:
    """Returns the variable that an operation reads or updates."""
    buffer = _state(tensor.graph).buffer_of(tensor)
    if buffer is None:
        buffer = effects.buffer_in_value(lookup(tensor))
    if buffer is None:
        raise NeedsHost(f"The variable {tensor.name} is known only at run time.")
    return buffer


def xla_kernel(definition: OpDef) -> Callable[..., Any]:
    """Returns the kernel for traced values, to be called with inputs and attributes."""
    kernel = definition.xla_kernel
    if kernel is None and definition.tier == "host":
        raise NeedsHost(f"{definition.name} runs on the host only.")
    if kernel is None and definition.tier == "xla":
        kernel = definition.kernel
    elif kernel is None:
        over_xp = definition.kernel

        def kernel(*inputs: Any, **attrs: Any) -> Any:
            return over_xp(jnp, *inputs, **attrs)

    return evaluation.shape_checking(definition, kernel) if definition.checks_shapes else kernel


def call(definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any]) -> Any:
    """Calls an operation on known and traced values.

    Where everything is known, the host kernel computes; static inputs must be known.
    """
    flat: list[Any] = []
    for item in inputs:
        flat.extend(item) if item.__class__ is list else flat.append(item)
    if any(item.__class__ is TracedList for item in flat) and definition.name in _OF_LISTS:
        return _OF_LISTS[definition.name](*inputs)
    if definition.name in _MAKE_LISTS:
        traced_list.register()
    elif (
        flat
        and definition.tier != "xla"
        and definition.random is None
        and not definition.takes_functions
        and all(map(is_known, flat))
    ):
        host = evaluation.host_kernel(definition)
        if host is not None:
            with float_errors.quiet():
                return host(*inputs, **attrs)
    for index in definition.static_inputs:
        item = inputs[index]
        if not all(map(is_known, item)) if item.__class__ is list else not is_known(item):
            raise NeedsHost(f"{definition.name}: input {definition.inputs[index].name} depends on data.")
    if definition.static_inputs or (definition.kernel_attributes and not definition.takes_functions):
        require_possible(evaluation.result_shapes(definition, inputs, attrs), _widest(flat))
    return xla_kernel(definition)(*inputs, **attrs)


def _widest(values: Sequence[Any]) -> int:
    """Returns the bytes of an element of the widest dtype among values."""
    return max((getattr(value.dtype, "itemsize", 8) for value in values if hasattr(value, "dtype")), default=8)


#: Operations on tensors of any dtype, for lists.
_OF_LISTS: dict[str, Callable[..., Any]] = {
    "ZerosLike": traced_list.zeros_like,
    "AddN": traced_list.add,
    "Identity": lambda handle: handle,
}
#: Operations that make lists, even of what is known.
_MAKE_LISTS = frozenset(("EmptyTensorList", "TensorListReserve", "TensorListFromTensor"))


def run(op: Operation, plan: Any, known: dict[SymbolicTensor, Any], lookup: Callable[[SymbolicTensor], Any]) -> None:
    """Evaluates one node of a plan; its outputs are added to the values that are known."""
    inputs = plan.inputs(op)
    definition = op.op_def
    attrs = {name: op.attrs[name] for name in definition.kernel_attributes}
    if definition.name in SHAPE_OPS:
        shapes = [np.shape(lookup(tensor)) for tensor in inputs]
        assert definition.shape_value_rule is not None
        value = definition.shape_value_rule(*(shapes if definition.name != "ShapeN" else [shapes]))
        results = value if definition.name == "ShapeN" else [value]
        for tensor, result in zip(op.outputs, results, strict=True):
            known[tensor] = np.asarray(result, dtype=tensor._dtype.as_numpy_dtype)
        return
    arguments: list[Any] = []
    updated: list[Buffer] = []
    position = 0
    for argument in definition.inputs:
        count = length(argument, op.attrs)
        tensors = inputs[position : position + count]
        position += count
        if argument.is_list:
            given = op._inputs[position - count : position]
            arguments.append(
                [
                    _passed(tensor, definition.takes_functions and item._dtype._is_ref_dtype, lookup)
                    for tensor, item in zip(tensors, given, strict=True)
                ]
            )
        elif argument.name in definition.updates or argument.name in definition.reads:
            buffer = _buffer_of(tensors[0], lookup)
            if argument.name in definition.updates:
                updated.append(buffer)
            value = trace.buffers.get(buffer)
            if value is None and not definition.allows_uninitialized:
                raise NeedsHost(f"The variable {buffer.name} has no value yet.")
            arguments.append(value)
        else:
            arguments.append(_value(lookup(tensors[0])))
    if definition.random is not None:
        result = _draw(op, arguments, attrs)
    else:
        result = call(definition, arguments, attrs)
    if updated:
        results = result if isinstance(result, tuple) else (result,)
        for buffer, value in zip(updated, results, strict=False):
            trace.buffers[buffer] = _of_dtype(value, buffer.dtype)
        result = results[len(updated) :]
        outputs = [tensor for tensor in op.outputs if not tensor._dtype._is_ref_dtype]
        for tensor in op.outputs:
            if tensor._dtype._is_ref_dtype:
                known[tensor] = updated[0]
    else:
        outputs = op.outputs
        if len(definition.outputs) == 1 and not definition.outputs[0].is_list:
            result = (result,)
        elif len(definition.outputs) == 1:
            result = tuple(result)
    if not outputs:
        return
    flat: list[Any] = []
    for item in result:
        flat.extend(item) if isinstance(item, list) else flat.append(item)
    for tensor, value in zip(outputs, flat, strict=True):
        known[tensor] = _of_dtype(value, tensor._dtype)


def _value(value: Any) -> Any:
    """Returns what an operation is given: of a reference, the value of its variable."""
    return trace.buffers[value] if isinstance(value, Buffer) else value


def _passed(tensor: SymbolicTensor, by_reference: bool, lookup: Callable[[SymbolicTensor], Any]) -> Any:
    """Returns what an operation is given for a tensor in a list; a function is given a reference as it is."""
    if by_reference:
        buffer = _state(tensor.graph).buffer_of(tensor)
        if buffer is not None:
            return buffer
        return lookup(tensor)
    return _value(lookup(tensor))


def _draw(op: Operation, arguments: list[Any], attrs: dict[str, Any]) -> Any:
    """Evaluates a random operation on its stream, and moves that on."""
    definition = op.op_def
    assert definition.random is not None
    key = _state(op.graph).random_of(op).key
    blocks = definition.random(*arguments, **attrs)
    counter = trace.reserved.get(op)
    if counter is not None:
        trace.blocks[op] = blocks
    else:
        counter = trace.counters[op]
        low = counter[0] + jnp.asarray(blocks).astype(np.uint64)
        trace.counters[op] = jnp.stack([low, counter[1] + (low < counter[0]).astype(np.uint64)])
    generator = Generator(key, (counter[0], counter[1]))
    return xla_kernel(definition)(*arguments, generator=generator, **attrs)


def _of_dtype(value: Any, dtype: Any) -> Any:
    if isinstance(value, TracedList | Buffer | ResourceHandle):
        return value
    if math.prod(np.shape(value)) >= _MOST_ELEMENTS:  # XLA would end the process
        sizes = list(np.shape(value))
        raise ResourceExhaustedError(None, None, f"OOM: no memory holds {dtype.name} values of shape {sizes}.")
    wanted = dtype.base_dtype.as_numpy_dtype
    if getattr(value, "dtype", None) != wanted:
        return value.astype(wanted) if hasattr(value, "astype") else jnp.asarray(value, wanted)
    return value
