"""Writes the variables of graphs down as ``VariableDef`` messages, and finds their parts again when one is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.state.variable import VariableV1


def to_variable_def(
    variable: Any, storage: Any, snapshot: Any, export_scope: str | None, is_resource: bool = False
) -> Any:
    """Returns a variable as a ``VariableDef``; None if it is outside ``export_scope``.

    Args:
      variable: the variable.
      storage: the tensor that refers to its storage.
      snapshot: the tensor that reads it.
      export_scope: the name scope whose variables are wanted, and whose name the definition leaves out; or None.
      is_resource: whether ``storage`` is a handle.
    """
    from tideflow._src.graph import protos  # loads protobuf

    if export_scope is not None and not storage.name.startswith(export_scope):
        return None

    def below(name: str) -> str:
        return name.removeprefix(f"{export_scope.rstrip('/')}/") if export_scope else name

    definition = protos.VariableDef(
        variable_name=below(storage.name),
        snapshot_name=below(snapshot.name),
        is_resource=is_resource,
        trainable=variable._trainable,
        synchronization=variable._synchronization.value,
        aggregation=variable._aggregation.value,
    )
    if isinstance(variable._initial_value, SymbolicTensor):
        definition.initial_value_name = below(variable._initial_value.name)
    if variable._initializer_op is not None:
        definition.initializer_name = below(variable._initializer_op.name)
    if variable._save_slice_info is not None:
        definition.save_slice_info_def.MergeFrom(variable._save_slice_info.to_proto(export_scope))
    return definition


def elements_of(import_scope: str | None) -> Callable[[str], Any]:
    """Returns a function that finds what a definition names in the current graph, below ``import_scope``."""
    graph = context.current_graph()

    def element(name: str) -> Any:
        return graph.as_graph_element(f"{import_scope.rstrip('/')}/{name}" if import_scope else name)

    return element


def restore_common(variable: Any, variable_def: Any, import_scope: str | None) -> None:
    """Sets what variables of both kinds take from a definition: how they start, and how they are trained."""
    element = elements_of(import_scope)
    variable._initializer_op = element(variable_def.initializer_name)
    variable._initial_value = element(variable_def.initial_value_name) if variable_def.initial_value_name else None
    if variable_def.HasField("save_slice_info_def"):
        variable._save_slice_info = VariableV1.SaveSliceInfo(
            save_slice_info_def=variable_def.save_slice_info_def, import_scope=import_scope
        )
    variable._constraint = None
    variable._graph_key = context.current_graph().number
    variable._set_training(
        variable_def.synchronization, variable_def.aggregation, variable_def.trainable, variable_def.variable_name
    )
