"""Puts operations together without computing anything: ``group``, ``tuple``, ``with_dependencies``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from tideflow._src.core import context, nest
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import Tensor
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def control_dependencies(control_inputs: Any) -> Any:
    """Returns a scope in whose operations wait for ``control_inputs``; eagerly it only calls those that are callable.

    Args:
      control_inputs: operations, tensors or variables; None to leave the scopes around.
    """
    graph = context.current_graph()
    if graph is not None:
        return graph.control_dependencies(control_inputs)
    for entry in control_inputs or ():
        if callable(entry):
            entry()
    return nullcontext()


def group(*inputs: Any, name: str | None = None, **unknown: Any) -> Any:
    """Returns an operation that is done when all ``inputs`` are; None eagerly.

    Args:
      *inputs: operations, tensors, variables, or nested structures of those.
      name: the name of the operation.

    Raises:
      ValueError: another keyword argument is given.
      TypeError: an input is none of those.
    """
    if unknown:
        raise ValueError(f"Unknown keyword arguments: {', '.join(unknown)}")
    if context.executing_eagerly():
        return None
    with name_scope(name, "group_deps", inputs) as scope:
        if not inputs:
            return no_op(name=scope)
        by_device: dict[str, list[Any]] = {}
        for item in nest.flatten(inputs, expand_composites=True):
            if not hasattr(item, "device"):
                raise TypeError(
                    "'inputs' should be zero or more (nested) Tensors. Expected something with a device, got "
                    f"{item!r} of type {type(item).__name__}."
                )
            by_device.setdefault(item.device or "", []).append(item)
        if len(by_device) == 1:
            ((device, waited_for),) = by_device.items()
            return _waiting(device, waited_for, scope)
        parts = [_waiting(device, by_device[device], None) for device in sorted(by_device)]
        with context.current_graph().control_dependencies(parts):
            return no_op(name=scope)


def _waiting(device: str, waited_for: Sequence[Any], name: str | None) -> Any:
    graph = context.current_graph()
    with graph.control_dependencies(waited_for), graph.device(device) if device else nullcontext():
        return no_op(name=name)


def with_dependencies(dependencies: Iterable[Any], output_tensor: Any, name: str | None = None) -> Any:
    """Returns the value of ``output_tensor``, available only when ``dependencies`` have run."""
    if context.executing_eagerly():
        return output_tensor
    graph = context.current_graph()
    with (
        name_scope(name, "control_dependency") as scope,
        graph.colocate_with(output_tensor),
        graph.control_dependencies(dependencies),
    ):
        if isinstance(output_tensor, IndexedSlices):
            return IndexedSlices(
                raw.Identity(output_tensor.values, name=scope), output_tensor.indices, output_tensor.dense_shape
            )
        return raw.Identity(convert_to_tensor(output_tensor), name=scope)


def tuple_v1(tensors: Sequence[Any], name: str | None = None, control_inputs: Any = None) -> Any:
    """Returns tensors with the values of ``tensors``, available only when all of them have been computed.

    Args:
      tensors: tensors, operations, ``IndexedSlices`` or None.
      name: the name scope.
      control_inputs: further operations to wait for.

    Raises:
      ValueError: there is nothing to wait for.
      TypeError: a control input is neither an operation nor a tensor.
    """
    if context.executing_eagerly():
        return tensors
    graph = context.current_graph()
    with name_scope(name, "tuple", tensors):
        kept = [
            item if item is None or isinstance(item, Operation | Tensor | IndexedSlices) else convert_to_tensor(item)
            for item in tensors
        ]
        gates = [item if isinstance(item, Operation) else item.op for item in kept if item is not None]
        for control in control_inputs or ():
            control = getattr(control, "_as_graph_element", lambda control=control: control)()
            if isinstance(control, Tensor):
                control = control.op
            if not isinstance(control, Operation):
                raise TypeError(f"'control_inputs' must only contain Operation or Tensor. Received: {type(control)}")
            gates.append(control)
        if not gates:
            raise ValueError(f"'tensors' must have at least one Tensor. Received: {tensors}.")
        gate = group(*sorted(set(gates), key=lambda op: op.number))
        result: list[Any] = []
        for item in kept:
            if item is None:
                result.append(None)
            elif isinstance(item, Operation):
                with graph.control_dependencies([gate]):
                    result.append(group(item))
            else:
                result.append(with_dependencies([gate], item))
        return result


def tuple_v2(tensors: Sequence[Any], control_inputs: Any = None, name: str | None = None) -> Any:
    """Returns tensors with the values of ``tensors``, available only when all of them have been computed."""
    return tuple_v1(tensors, name, control_inputs)
