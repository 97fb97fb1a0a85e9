"""Writes the objects of a SavedModel as a ``SavedObjectGraph``."""

from __future__ import annotations

import inspect
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.wrapped_function import WrappedFunction
from tideflow._src.graph import protos
from tideflow._src.graph.tensor_proto import shape_to_proto
from tideflow._src.io.captured_resource import Asset, CapturableResource
from tideflow._src.io.lookup_tables import StaticHashTable
from tideflow._src.saved_model.exported_graph import ExportedGraph, variable_of
from tideflow._src.saved_model.object_numbers import SavedObjects
from tideflow._src.saved_model.options import SaveOptions
from tideflow._src.saved_model.revived_types import saved_user_object
from tideflow._src.saved_model.saved_view import ConcreteFunctionNode, ConstantNode, FunctionNode, captures_of
from tideflow._src.saved_model.signatures import argument_names
from tideflow._src.saved_model.structures import encode
from tideflow._src.state.resource_variable import is_resource_variable

_JIT = {None: 0, True: 1, False: 2}


class ObjectMessages:
    """Writes the ``SavedObjectGraph``.

    Args:
      objects: what is saved.
      exported: the graph.
      options: how it is saved.
    """

    def __init__(self, objects: SavedObjects, exported: ExportedGraph, options: SaveOptions) -> None:
        self._objects = objects
        self._exported = exported
        self._options = options

    def message(self, saving: dict[int, dict[str, tuple[int, int]]]) -> Any:
        """Returns the message.

        Args:
          saving: by number of a resource, the numbers of the functions that save and restore what it holds, by name.

        Raises:
          AssertionError: a function captures what is not saved.
          NotEncodableError: a signature has no form as a message.
        """
        message = protos.get("SavedObjectGraph")()
        for number, value in enumerate(self._objects.values):
            entry = message.nodes.add()
            for name, child in self._objects.children(number).items():
                entry.children.add(node_id=self._objects.number_of(child), local_name=name)
            for name, dependency in self._objects.dependencies(number).items():
                entry.dependencies.add(node_id=self._objects.number_of(dependency), local_name=name)
            for slot in self._objects.numbered.slots.get(number, ()):
                entry.slot_variables.add(
                    original_variable_node_id=slot.original,
                    slot_name=slot.name,
                    slot_variable_node_id=slot.number,
                )
            for name, (save, restore) in saving.get(number, {}).items():
                entry.saveable_objects[name].save_function = save
                entry.saveable_objects[name].restore_function = restore
            self._write(entry, number, value)
        for value in self._objects.values:
            if isinstance(value, ConcreteFunctionNode):
                self.write_function(message.concrete_functions, value.function, captures_of(value.function))
        return message

    def write_function(self, functions: Any, function: ConcreteFunction, captured: list[Any]) -> None:
        """Writes what is said of a concrete function beside its definition."""
        entry = functions[function.graph.name]
        if entry.HasField("canonicalized_input_signature"):
            return
        entry.canonicalized_input_signature.CopyFrom(encode(function.structured_input_signature))
        entry.output_signature.CopyFrom(encode(described_outputs(function.structured_outputs)))
        entry.bound_inputs.extend(self._exported.owner_of(tensor, function) for tensor in captured)

    def _write(self, entry: Any, number: int, value: Any) -> None:
        if isinstance(value, FunctionNode):
            entry.function.function_spec.CopyFrom(_function_spec(value.function))
            for child in self._objects.children(number).values():
                entry.function.concrete_functions.append(child.function.graph.name)
        elif isinstance(value, ConcreteFunctionNode):
            _write_bare(entry.bare_concrete_function, value.function)
        elif isinstance(value, ConstantNode):
            entry.constant.operation = self._exported.constants[number]
            entry.registered_name = "tf.TrackableConstant"
        elif hasattr(value, "_written_to"):
            value._written_to(entry)
        elif isinstance(value, Asset):
            entry.asset.asset_file_def_index = self._exported.asset_numbers[id(value)]
            entry.asset.SetInParent()
        elif is_resource_variable(value):
            self._write_variable(entry.variable, variable_of(value))
        elif isinstance(value, CapturableResource):
            entry.resource.device = value._resource_device
            entry.resource.SetInParent()
            if isinstance(value, StaticHashTable):
                entry.registered_name = "tf.StaticHashTable"
        else:
            entry.user_object.CopyFrom(saved_user_object(value))

    def _write_variable(self, entry: Any, variable: Any) -> None:
        if not variable.name.endswith(":0"):
            raise ValueError(
                f"Cowardly refusing to save variable {variable.name} because of unexpected suffix in the name "
                "(expected ':0') which won't be restored."
            )
        entry.name = variable.name.removesuffix(":0")
        entry.dtype = variable.dtype.base_dtype.as_datatype_enum
        entry.shape.CopyFrom(shape_to_proto(variable.shape))
        entry.trainable = bool(variable.trainable)
        entry.synchronization = variable.synchronization.value
        entry.aggregation = variable.aggregation.value
        if self._options.experimental_variable_policy._save_variable_devices():
            entry.device = variable.device


def described_outputs(outputs: Any) -> Any:
    """Returns what a function returns as specs, each tensor named by the way to it."""

    def of_leaf(path: tuple[Any, ...], leaf: Any) -> Any:
        if isinstance(leaf, TypeSpec) or leaf is None:
            return leaf
        if isinstance(leaf, Tensor):
            return TensorSpec(leaf.shape, leaf.dtype, _name_of(path))
        return leaf._type_spec if hasattr(leaf, "_type_spec") else leaf

    if not nest.is_nested(outputs):
        return of_leaf((), outputs)
    leaves = [of_leaf(path, leaf) for path, leaf in nest.flatten_with_tuple_paths(outputs)]
    return nest.pack_sequence_as(outputs, leaves)


def _name_of(path: tuple[Any, ...]) -> str:
    name = "_".join(map(str, path))
    return name if name[:1].isalpha() else f"tensor_{name}" if name else "unknown"


def _function_spec(function: Any) -> Any:
    spec = function.function_spec
    arguments = spec.fullargspec
    if arguments.args[:1] == ["self"]:
        raise TypeError("Can not serialize tf.function with unbound 'self' parameter.")
    message = protos.get("FunctionSpec")()
    message.fullargspec.CopyFrom(encode(arguments._replace(annotations={})))
    message.input_signature.CopyFrom(encode(function.input_signature))
    message.jit_compile = _JIT.get(function._jit_compile, 0)
    return message


def _write_bare(entry: Any, function: ConcreteFunction) -> None:
    entry.concrete_function_name = function.graph.name
    names = argument_names(function)
    most = getattr(function, "_num_positional_args", None)
    entry.argument_keywords.extend(names)
    entry.allowed_positional_arguments = len(names) if most is None else most
    if isinstance(function, WrappedFunction):
        return
    positional = [item.name for item in function._parameters if item.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [item.name for item in function._parameters if item.kind is inspect.Parameter.KEYWORD_ONLY]
    spec = inspect.FullArgSpec(positional, None, None, None, named, None, {})
    entry.function_spec.fullargspec.CopyFrom(encode(spec))
    entry.function_spec.input_signature.CopyFrom(encode(None if positional or named else ()))
