"""Adds operations to graphs: what a call does while a graph is being built."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.signature import group
from tideflow._src.runtime.arguments import bind
from tideflow._src.runtime.eager import result_type


def add_node(graph: Graph, definition: OpDef, inputs: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Any:
    """Adds an operation to ``graph`` and returns its outputs in the form that the call returns.

    Constants made of Python values are named below the operation, after the input that they are: ``add/y``.
    """
    name = name or definition.name
    graph._check_not_finalized()
    unique = name[:-1] if name.endswith("/") else graph.unique_name(name)
    saved, graph._name_stack = graph._name_stack, unique
    try:
        binding = bind(definition, inputs, attrs, eager=False)
    finally:
        graph._name_stack = saved
    tensors = binding.flat()
    for position, tensor in enumerate(tensors):
        if tensor.__class__ is not SymbolicTensor or tensor._op.graph is not graph:
            is_value = isinstance(tensor, EagerTensor)
            name = _input_name(definition, binding, position) if is_value else tensor._op.name
            tensors[position] = _of_graph(graph, tensor, f"{unique}/{name}")
    if definition.updates or any(tensor._dtype._is_ref_dtype for tensor in tensors):
        held = _references(definition, binding)
        if held:
            return _recorded(_beside(graph, held, definition, tensors, binding.attrs, unique))
    return _recorded(graph.add_operation(definition, tensors, binding.attrs, unique, unique=True))


def _recorded(op: Operation) -> Any:
    """Shows a new node to the tapes of this thread and returns what the call returns."""
    if context.TAPES:
        context.record_node(op)
        for watch in context.state.replacing:
            replaced = watch(op)
            if replaced is not None:
                return grouped(op, replaced)
    return outputs(op)


def _references(definition: OpDef, binding: Any) -> list[SymbolicTensor]:
    """Returns the inputs that an operation takes by reference."""
    references: list[SymbolicTensor] = []
    for argument, item in zip(definition.inputs, binding.inputs, strict=True):
        if argument.is_ref:
            references.extend(item if argument.is_list else [item])
    return references


def _beside(
    graph: Graph,
    held: Sequence[SymbolicTensor],
    definition: OpDef,
    tensors: Sequence[SymbolicTensor],
    attrs: dict[str, Any],
    name: str,
) -> Operation:
    """Adds an operation on the device of the variables that it takes by reference, as TensorFlow does."""
    with ExitStack() as stack:
        for tensor in held:
            stack.enter_context(graph.colocate_with(tensor))
        return graph.add_operation(definition, tensors, attrs, name, unique=True)


def _input_name(definition: OpDef, binding: Any, position: int) -> str:
    """Returns the name of the input at a position, lists flattened: ``values_1`` in a list."""
    for argument, item in zip(definition.inputs, binding.inputs, strict=True):
        if not argument.is_list:
            if position == 0:
                return argument.name
            position -= 1
        elif position < len(item):
            return f"{argument.name}_{position}"
        else:
            position -= len(item)
    raise AssertionError(f"{definition.name} has no input at this position.")


def _of_graph(graph: Graph, tensor: Any, name: str) -> SymbolicTensor:
    """Returns the tensor of ``graph`` that stands for one from outside; what it captures gets the name."""
    if isinstance(tensor, EagerTensor) and not graph.building_function:
        raise RuntimeError(
            "Attempting to capture an EagerTensor without building a function: a tensor with a value was passed to an "
            "operation of a tf.Graph. Pass tensor.numpy(), or feed it through a placeholder."
        )
    return graph.capture(tensor, name)


def outputs(op: Operation) -> Any:
    """Returns the outputs of a node in the form that a call of its operation returns."""
    return grouped(op, op.outputs)


def grouped(op: Operation, tensors: Sequence[SymbolicTensor]) -> Any:
    """Returns tensors that stand for the outputs of a node in the form that a call of its operation returns."""
    declared = op.op_def.outputs
    if len(declared) == 1 and not declared[0].is_list:
        return tensors[0]
    if not declared:
        return op
    if not tensors:
        return op
    groups = group(declared, op.attrs, tensors)
    return groups[0] if len(declared) == 1 else result_type(op.op_def)(*groups)
