"""Connects the operations of a plan with the state that they run on: buffers, handles, random streams, programs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime import effects
from tideflow._src.runtime.buffers import (
    Buffer,
    ResourceHandle,
    ResourceManager,
    eager_resources,
    this_thread,
)
from tideflow._src.runtime.philox import PhiloxState
from tideflow._src.runtime.random_state import Generator
from tideflow._src.runtime.reference_reads import REF_VARIABLES

_PASS_HANDLES = frozenset(("Identity", "RefIdentity", "DebugGradientRefIdentity"))


class Remaining:
    """Says how often an operation may still do what it does a few times only.

    Args:
      count: how often, at least once.
    """

    __slots__ = ("_count", "_lock")

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Returns whether it may do it now, which then counts."""
        with self._lock:
            self._count -= 1
            return self._count >= 0


class RunState:
    """Is the state that programs run on: that of a session, of a traced function, or of eager execution.

    Attributes:
      resources: the resources by name.
      programs: the programs of functions that run on this state, kept by their maker.
    """

    def __init__(self, resources: ResourceManager) -> None:
        self.resources = resources
        self.programs: dict[Any, Any] = {}
        self._buffers: dict[SymbolicTensor, Buffer | None] = {}
        self._handles: dict[SymbolicTensor, ResourceHandle] = {}
        self._random: dict[Operation, PhiloxState] = {}
        self._remaining: dict[Operation, Remaining] = {}
        #: Is held while a program runs that says only afterwards how much it drew.
        self.streams_lock = threading.RLock()

    def bound(self, given: Mapping[SymbolicTensor, Any]) -> RunState:
        """Returns this state as a function sees it whose parameters are given handles or references of variables."""
        state = RunState(self.resources)
        state._random, state.streams_lock = self._random, self.streams_lock
        state._remaining = self._remaining
        for tensor, value in given.items():
            buffer = effects.buffer_in_value(value)
            state._buffers[tensor] = buffer
            if buffer is not None:
                state._handles[tensor] = value if value is not buffer else ResourceHandle(buffer, buffer.name)
        return state

    def is_handle(self, op: Operation) -> bool:
        """Tells whether an operation only names state, so that there is nothing to run."""
        if op.type == "Placeholder":
            return self.buffer_of(op.outputs[0]) is not None
        return op.type in REF_VARIABLES or op.type == "VarHandleOp"

    def buffer_of(self, tensor: SymbolicTensor) -> Buffer | None:
        """Returns the buffer that a reference or a variable's handle names, or None for an ordinary tensor."""
        dtype = tensor._dtype
        if not dtype._is_ref_dtype and dtype.name != "resource":
            return None
        try:
            return self._buffers[tensor]
        except KeyError:
            pass
        buffer = self._buffers[tensor] = self._find(tensor)
        return buffer

    def _find(self, tensor: SymbolicTensor) -> Buffer | None:
        while True:
            if tensor in self._buffers:
                return self._buffers[tensor]
            op = tensor._op
            if op.type in REF_VARIABLES or op.type == "VarHandleOp":
                break
            if op.type in _PASS_HANDLES:
                tensor = op._inputs[0]
                continue
            definition = op.op_def
            if op.type == "Placeholder":
                bound: Any = getattr(tensor, "_bound", None)
                buffer = effects.buffer_in_value(bound)
                if buffer is not None:
                    self._handles[tensor] = bound
                return buffer
            if definition.takes_functions:
                passed = effects.passed_through(op, tensor._value_index)
                if passed is None:
                    return None
                tensor = passed
                continue
            if not tensor._dtype._is_ref_dtype or not definition.updates:
                return None
            names = [argument.name for argument in definition.inputs]
            tensor = op._inputs[names.index(definition.updates[0])]
        attrs = op.attrs
        key = attrs.get("shared_name") or op.name
        dtype = attrs["dtype"]
        shape = attrs.get("shape")
        return self.resources.get_or_create(  # type: ignore[no-any-return]
            attrs.get("container") or "localhost", key, Buffer, lambda: Buffer(op.name, dtype, shape)
        )

    def handle_of(self, tensor: SymbolicTensor) -> ResourceHandle:
        """Returns the handle of the variable that a resource tensor names."""
        handle = self._handles.get(tensor)
        if handle is None:
            buffer = self.buffer_of(tensor)
            assert buffer is not None
            handle = self._handles.get(tensor) or ResourceHandle(buffer, buffer.name)
            self._handles[tensor] = handle
        return handle

    def random_of(self, op: Operation) -> PhiloxState:
        """Returns the random stream of an operation on this state."""
        state = self._random.get(op)
        if state is None:
            with self.streams_lock:
                state = self._random.get(op)
                if state is None:
                    state = self._random[op] = PhiloxState(op.attrs.get("seed", 0), op.attrs.get("seed2", 0))
        return state

    def remaining_of(self, op: Operation, count: int) -> Remaining:
        """Returns how often an operation may still act on this state, at first ``count`` times."""
        return self._remaining.setdefault(op, Remaining(count))

    def restart_streams(self) -> None:
        """Lets every random stream begin again, as a new global seed asks for."""
        for op, stream in list(self._random.items()):
            stream.counter = PhiloxState(op.attrs.get("seed", 0), op.attrs.get("seed2", 0)).counter

    def generator_of(self, op: Operation) -> Callable[[int], Generator]:
        """Returns the function that reserves blocks of an operation's random stream."""
        state = self.random_of(op)

        def reserve(blocks: int) -> Generator:
            return Generator(state.key, state.reserve(blocks), state)

        return reserve


def current_state(graph: Any) -> RunState:
    """Returns the state that a function runs on in this thread: that of the program around it, if one runs.

    Called eagerly, a function has a state of its own over the resources of eager execution: what is found out there
    about its operations, and the programs of functions in it, must end with the function.
    """
    state: RunState | None = this_thread.state or graph.__dict__.get("_eager_state")
    if state is None:
        state = graph.__dict__.setdefault("_eager_state", RunState(eager_resources))
    return state
