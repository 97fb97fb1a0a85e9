"""Connects the operations of a plan with the state of the session that runs it: buffers, handles, random counters."""

from __future__ import annotations

from collections.abc import Callable

from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.buffers import (
    Buffer,
    ResourceHandle,
    ResourceManager,
    eager_resources,
    resources,
)
from tideflow._src.runtime.philox import PhiloxState
from tideflow._src.runtime.random_state import Generator
from tideflow._src.runtime.reference_reads import REF_VARIABLES

_PASS_HANDLES = frozenset(("Identity", "RefIdentity"))


class RunState:
    """Is the state of one session: its resources, and the random counters of its operations."""

    def __init__(self, resources: ResourceManager) -> None:
        self.resources = resources
        resources.run_state = self
        self._buffers: dict[SymbolicTensor, Buffer | None] = {}
        self._handles: dict[SymbolicTensor, ResourceHandle] = {}
        self._random: dict[Operation, PhiloxState] = {}

    def is_handle(self, op: Operation) -> bool:
        """Tells whether an operation only names state, so that there is nothing to run."""
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
            op = tensor._op
            if op.type in REF_VARIABLES or op.type == "VarHandleOp":
                break
            if op.type in _PASS_HANDLES:
                tensor = op._inputs[0]
                continue
            definition = op.op_def
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
            handle = self._handles[tensor] = ResourceHandle(buffer, buffer.name)
        return handle

    def random_of(self, op: Operation) -> PhiloxState:
        """Returns the random counter of an operation in this session."""
        state = self._random.get(op)
        if state is None:
            state = self._random[op] = PhiloxState(op.attrs.get("seed", 0), op.attrs.get("seed2", 0))
        return state

    def generator_of(self, op: Operation) -> Callable[[int], Generator]:
        """Returns the function that reserves blocks of an operation's random stream."""
        state = self.random_of(op)

        def reserve(blocks: int) -> Generator:
            return Generator(state.key, state.reserve(blocks), state)

        return reserve


def current_state() -> RunState:
    """Returns the state of the session that runs in this thread, or that of eager execution."""
    manager = resources()
    state = manager.run_state
    if state is None:
        assert manager is eager_resources
        state = RunState(manager)
    return state  # type: ignore[no-any-return]
