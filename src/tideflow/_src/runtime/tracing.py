"""Evaluates operations of a graph while JAX traces: known values stay NumPy, the rest become traced values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.errors import ResourceExhaustedError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph import evaluation
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import length
from tideflow._src.runtime import traced_list
from tideflow._src.runtime.lazy import jax, jnp
from tideflow._src.runtime.random_state import Generator
from tideflow._src.runtime.stages import SHAPE_OPS
from tideflow._src.runtime.traced_list import TracedList

_HOST_VALUES = (np.ndarray, np.generic)


_MOST_ELEMENTS = 1 << 44


class NeedsHost(Exception):
    """Says that an operation cannot be part of a compiled program with these inputs."""


def is_known(value: Any) -> bool:
    """Tells whether a value is there while a program is traced."""
    return isinstance(value, _HOST_VALUES)


class BoundVariable:
    """Is a variable that a function in a program is given: its handle, and its value there."""

    __slots__ = ("handle", "value")

    def __init__(self, handle: Any, value: Any) -> None:
        self.handle = handle
        self.value = value


def _bound(tensor: SymbolicTensor, value: Any, environment: Environment, state: Any) -> Any:
    """Returns what a function is given for a tensor: for the handle of a variable, its value too."""
    if tensor._dtype.name != "resource" or isinstance(value, BoundVariable):
        return value
    buffer = state.buffer_of(tensor)
    if buffer is None or environment.buffers.get(buffer) is None:
        raise NeedsHost("A variable is not initialized, or known only at run time.")
    _register_bound()
    return BoundVariable(value, environment.buffers[buffer])


def _register_bound() -> None:
    global _bound_registered
    if not _bound_registered:
        _bound_registered = True
        jax.tree_util.register_pytree_node(
            BoundVariable,
            lambda item: ((item.value,), item.handle),
            lambda handle, parts: BoundVariable(handle, *parts),
        )


_bound_registered = False


class Environment:
    """Is the state of one tracing: the values of tensors, the buffers' current values, the random counters."""

    def __init__(self) -> None:
        self.values: dict[SymbolicTensor, Any] = {}
        self.buffers: dict[Any, Any] = {}
        self.counters: dict[Operation, Generator] = {}
        #: Blocks that each random operation has taken.
        self.blocks: dict[Operation, int] = {}


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
    elif flat and definition.tier != "xla" and definition.random is None and all(map(is_known, flat)):
        host = evaluation.host_kernel(definition)
        if host is not None:
            return host(*inputs, **attrs)
    for index in definition.static_inputs:
        item = inputs[index]
        if not all(map(is_known, item)) if item.__class__ is list else not is_known(item):
            raise NeedsHost(f"{definition.name}: input {definition.inputs[index].name} depends on data.")
    return xla_kernel(definition)(*inputs, **attrs)


#: Operations on tensors of any dtype, for lists.
_OF_LISTS: dict[str, Callable[..., Any]] = {
    "ZerosLike": traced_list.zeros_like,
    "AddN": traced_list.add,
    "Identity": lambda handle: handle,
}
#: Operations that make lists, even of what is known.
_MAKE_LISTS = frozenset(("EmptyTensorList", "TensorListReserve", "TensorListFromTensor"))


def run(
    op: Operation, plan: Any, environment: Environment, lookup: Callable[[SymbolicTensor], Any], state: Any
) -> None:
    """Evaluates one node of a plan; its outputs are added to the environment."""
    inputs = plan.inputs(op)
    definition = op.op_def
    attrs = {name: op.attrs[name] for name in definition.kernel_attributes}
    if definition.name in SHAPE_OPS:
        shapes = [np.shape(lookup(tensor)) for tensor in inputs]
        assert definition.shape_value_rule is not None
        value = definition.shape_value_rule(*(shapes if definition.name != "ShapeN" else [shapes]))
        results = value if definition.name == "ShapeN" else [value]
        for tensor, result in zip(op.outputs, results, strict=True):
            environment.values[tensor] = np.asarray(result, dtype=tensor._dtype.as_numpy_dtype)
        return
    arguments: list[Any] = []
    updated: list[Any] = []
    position = 0
    for argument in definition.inputs:
        count = length(argument, op.attrs)
        tensors = inputs[position : position + count]
        position += count
        if argument.is_list:
            given = [lookup(tensor) for tensor in tensors]
            if definition.takes_functions:
                given = [
                    _bound(tensor, value, environment, state) for tensor, value in zip(tensors, given, strict=True)
                ]
            arguments.append(given)
            continue
        tensor = tensors[0]
        if argument.name in definition.updates or argument.name in definition.reads:
            buffer = state.buffer_of(tensor)
            if buffer is None and argument.name in definition.reads:
                given = lookup(tensor)
                if isinstance(given, BoundVariable):
                    arguments.append(given.value)
                    continue
            if buffer is None:
                raise NeedsHost(f"{definition.name}: the variable is known only at run time.")
            if argument.name in definition.updates:
                updated.append(buffer)
            arguments.append(environment.buffers.get(buffer))
        else:
            arguments.append(lookup(tensor))
    if definition.random is not None:
        blocks = definition.random(*arguments, **attrs)
        environment.blocks[op] = blocks
        result = xla_kernel(definition)(*arguments, generator=environment.counters[op], **attrs)
    else:
        result = call(definition, arguments, attrs)
    if updated:
        results = result if isinstance(result, tuple) else (result,)
        for buffer, value in zip(updated, results, strict=False):
            environment.buffers[buffer] = _of_dtype(value, buffer.dtype)
        result = results[len(updated) :]
        outputs = [tensor for tensor in op.outputs if state.buffer_of(tensor) is None]
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
        environment.values[tensor] = _of_dtype(value, tensor._dtype)


def _of_dtype(value: Any, dtype: Any) -> Any:
    if value.__class__ is TracedList or value.__class__ is BoundVariable:
        return value
    if math.prod(np.shape(value)) >= _MOST_ELEMENTS:  # XLA would end the process
        sizes = list(np.shape(value))
        raise ResourceExhaustedError(None, None, f"OOM: no memory holds {dtype.name} values of shape {sizes}.")
    wanted = dtype.base_dtype.as_numpy_dtype
    if getattr(value, "dtype", None) != wanted:
        return value.astype(wanted) if hasattr(value, "astype") else jnp.asarray(value, wanted)
    return value
