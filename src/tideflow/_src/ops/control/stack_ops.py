"""Stacks: what the loops of TensorFlow 1.x graphs keep forward values on for their gradients."""

from __future__ import annotations

import itertools
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.tensor_array_state import StackState, StringHandle
from tideflow._src.runtime.buffers import ResourceHandle
from tideflow._src.runtime.list_value import check_scalar
from tideflow._src.runtime.op import op

_numbers = itertools.count()


@op("Stack", "-> handle: Ref(string)", tier="host", stateful=True, differentiable=False)
def stack(*, elem_type: DType, stack_name: str = ""):
    """Makes a stack, with a handle of TensorFlow 0.x."""
    state = StackState(elem_type, -1, f"{stack_name or 'Stack'}_{next(_numbers)}")
    return StringHandle.of(state, stack_name)


@op("StackV2", "max_size: int32 -> handle: resource", tier="host", stateful=True, differentiable=False)
def stack_v2(max_size, *, elem_type: DType, stack_name: str = ""):
    """Makes a stack for at most so many values, or for any number if that is negative."""
    name = f"{stack_name or 'Stack'}_{next(_numbers)}"
    return ResourceHandle(StackState(elem_type, check_scalar("Stack size", max_size), name), name)


def _state(handle: Any) -> StackState:
    state = getattr(handle, "resource", None)
    if not isinstance(state, StackState):
        raise InvalidArgumentError(None, None, f"The handle is not that of a stack: {handle!r}.")
    return state


def _pushed(handle: Any, elem: Any) -> Any:
    _state(handle).push(elem)
    return elem


def _popped(handle: Any, elem_type: DType) -> Any:
    state = _state(handle)
    if state.dtype is not elem_type:
        raise InvalidArgumentError(
            None, None, f"The stack is of {state.dtype.name}, but the operation asks for {elem_type.name}."
        )
    return state.pop()


@op("StackPush", "handle: Ref(string), elem: T -> output: T", tier="host", differentiable=False)
def stack_push(handle, elem, *, swap_memory: bool = False):
    """Puts a value on a stack and returns it."""
    return _pushed(handle, elem)


@op("StackPushV2", "handle: resource, elem: T -> output: T", tier="host", stateful=True, differentiable="missing")
def stack_push_v2(handle, elem, *, swap_memory: bool = False):
    """Puts a value on a stack and returns it."""
    return _pushed(handle, elem)


@op("StackPop", "handle: Ref(string) -> elem: elem_type", tier="host", differentiable=False)
def stack_pop(handle, *, elem_type: DType):
    """Takes the topmost value off a stack."""
    return _popped(handle, elem_type)


@op("StackPopV2", "handle: resource -> elem: elem_type", tier="host", stateful=True, differentiable=False)
def stack_pop_v2(handle, *, elem_type: DType):
    """Takes the topmost value off a stack."""
    return _popped(handle, elem_type)


@op("StackClose", "handle: Ref(string) ->", tier="host", differentiable=False)
def stack_close(handle):
    """Frees the values on a stack."""
    _state(handle).close()


@op("StackCloseV2", "handle: resource ->", tier="host", stateful=True, differentiable=False)
def stack_close_v2(handle):
    """Frees the values on a stack."""
    _state(handle).close()


@stack.shape
def _stack_shape():
    return (2,)


@stack_v2.shape
def _stack_v2_shape(max_size):
    return (2,)


for _name in ("StackPush", "StackPushV2"):

    @OpDef.registry[_name].shape
    def _push_shape(handle, elem):
        return elem


# Samples.


def _made(s: Any, version: str, dtype: str = "float32") -> Any:
    size = (3,) if version else ()
    return s.produced(f"Stack{version}", *size, elem_type=dtype)


@stack.samples
def _stack_samples(s):
    yield s(elem_type="float32", stack_name="name")


@stack_v2.samples
def _stack_v2_samples(s):
    yield s(-1, elem_type="float32")
    yield s([1], elem_type="float32", error="InvalidArgumentError")


def _sample(version: str) -> None:
    @OpDef.registry[f"StackPush{version}"].samples
    def _push_samples(s):
        yield s(_made(s, version), s.normal(2), swap_memory=True)
        yield s(_made(s, version, "string"), s.strings((2,)))
        yield s(_made(s, version), s.normal(2, dtype="float64"), error="InvalidArgumentError")

    @OpDef.registry[f"StackPop{version}"].samples
    def _pop_samples(s):
        yield s(_made(s, version), elem_type="float32", error="InvalidArgumentError")
        yield s(_made(s, version), elem_type="int32", error="InvalidArgumentError")

    @OpDef.registry[f"StackClose{version}"].samples
    def _close_samples(s):
        yield s(_made(s, version))


_sample("")
_sample("V2")
