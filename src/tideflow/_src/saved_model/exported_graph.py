"""The graph of a SavedModel: its resources, its signatures as calls of functions, and what initializes and restores.

Programs of TensorFlow 1.x and C++ use this graph; those of 2.x use the functions in its library.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.checkpoint import object_graph_message
from tideflow._src.checkpoint.object_values import saved_values
from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.graph import export, protos
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.io.captured_resource import Asset, CapturableResource
from tideflow._src.ops.array.placeholders import placeholder, placeholder_with_default
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import group
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.object_numbers import SavedObjects
from tideflow._src.saved_model.options import SaveOptions
from tideflow._src.saved_model.restoring import RestoredSaveable
from tideflow._src.saved_model.saved_view import ConcreteFunctionNode, ConstantNode, captures_of
from tideflow._src.saved_model.v1.assets import asset_filename
from tideflow._src.saved_model.v1.signature_definitions import build_signature_def, op_signature_def
from tideflow._src.saved_model.v1.tensor_info import build_tensor_info
from tideflow._src.state.object_graph import OBJECT_GRAPH_KEY
from tideflow._src.state.resource_variable import ResourceVariable, UninitializedVariable, is_resource_variable


class ExportedGraph:
    """Builds the graph.

    Args:
      objects: the objects that are saved.
      options: how they are saved.

    Attributes:
      graph: the graph.
      assets: the paths of files to copy, by the names that the copies get.
      asset_numbers: by `id` of an asset, the number of its ``AssetFileDef``.
      asset_definitions: these.
      constants: by number of an object, the name of the constant that stands for it.
    """

    def __init__(self, objects: SavedObjects, options: SaveOptions) -> None:
        self.graph = Graph()
        self._objects = objects
        self._options = options
        self.assets: dict[str, str] = {}
        self.asset_numbers: dict[int, int] = {}
        self.asset_definitions: list[Any] = []
        self.constants: dict[int, str] = {}
        #: What stands in the graph for an object or a tensor, by `id`; and by that of a tensor, the object's number.
        self._copies: dict[int, Any] = {}
        self._tensors: dict[int, Any] = {}
        self._owners: dict[int, int] = {}
        self._asset_variables: dict[int, Any] = {}
        #: Variables of the graph, by `id` of the handles that they stand for.
        self._variables: dict[int, Any] = {}
        with self.graph.as_default():
            for number in objects.in_order_of_dependencies():
                self._add(number, objects.values[number])

    # Resources.

    def _add(self, number: int, value: Any) -> None:
        if isinstance(value, ConcreteFunctionNode):
            self.graph.functions[value.function.graph.name] = value.function.graph
        elif isinstance(value, ConstantNode):
            made = self._constant(value)
            self.constants[number] = made._op.name
            self._map(number, value.tensor, made)
        elif is_resource_variable(value):
            self._add_variable(number, value)
        elif isinstance(value, Asset):
            self._add_asset(number, value)
        elif isinstance(value, CapturableResource):
            handle = value.resource_handle
            if handle is None:
                return
            made = copy.copy(value)
            made._resource_handle = made._create_resource()
            self._copies[id(value)] = made
            self._map(number, handle, made._resource_handle)
            self._save_here(made)
        elif hasattr(value, "_export_to_saved_model_graph"):
            objects, tensors = _ById(), _ById()
            kept = value._export_to_saved_model_graph(object_map=objects, tensor_map=tensors, options=self._options)
            self._copies.update({key: made for key, (_, made) in objects.entries.items()})
            for tensor in kept or ():
                self._map(number, tensor, tensors[tensor])

    def _add_variable(self, number: int, value: Any) -> None:
        made = self._variables.get(id(value.handle))
        if made is None:
            variable = variable_of(value)
            made = UninitializedVariable(
                TensorSpec(variable.shape, variable.dtype),
                trainable=variable.trainable,
                name=variable.name.removesuffix(":0"),
                synchronization=variable.synchronization,
                aggregation=variable.aggregation,
                shape=variable.shape,
            )
            made.read_value()  # loaders look for a node that reads it
            self._variables[id(value.handle)] = made
            for handle in getattr(value, "_handles", (value.handle,)):  # those of the parts of a distributed variable
                self._map(number, handle, made._handle)
        self._copies[id(value)] = made

    def _map(self, number: int, tensor: Any, made: Any) -> None:
        self._tensors[id(tensor)] = made
        self._owners[id(tensor)] = number
        resource = getattr(getattr(tensor, "_value", None), "resource", None)
        if resource is not None:  # another handle may refer to it
            self._tensors.setdefault(id(resource), made)
            self._owners.setdefault(id(resource), number)

    def _save_here(self, resource: Any) -> None:
        """Lets a copy of a loaded resource save and restore in this graph, by the functions that it was loaded with."""
        save = resource.__dict__.get("_serialize_to_tensors")
        if isinstance(save, ConcreteFunction):
            restore = resource._restore_from_tensors
            resource._serialize_to_tensors = lambda: self.call(save, [])
            resource._restore_from_tensors = lambda tensors: self.call(restore, restore._flat_arguments((tensors,), {}))
        factories = getattr(resource, "_self_saveable_object_factories", {})
        if factories:
            resource._self_saveable_object_factories = {
                name: self._factory_here(factory) for name, factory in factories.items()
            }

    def _factory_here(self, factory: Any) -> Any:
        if not (isinstance(factory, functools.partial) and factory.func is RestoredSaveable):
            return factory
        save, restore, parts = factory.args
        return functools.partial(
            RestoredSaveable,
            lambda key: self.call(save, [key]),
            lambda *tensors: self.call(restore, tensors),
            parts,
        )

    def _constant(self, node: ConstantNode) -> Any:
        value = get_static_value(node.tensor)
        if value is None:
            name = getattr(node.function, "name", None)
            raise ValueError(
                f"Unable to save function {name} because it captures graph tensor {node.tensor} from a parent function "
                "which cannot be converted to a constant with `tf.get_static_value`."
            )
        return convert_to_tensor(np.asarray(value), node.tensor.dtype)

    def _add_asset(self, number: int, asset: Asset) -> None:
        given = placeholder(dtypes.string, shape=asset.asset_path.shape, name="asset_path_initializer")
        variable = ResourceVariable(given, trainable=False)
        path = file_system.text_of(asset.asset_path.numpy())
        name = asset_filename(path, self.assets)
        self.assets[name] = path
        definition = protos.get("AssetFileDef")(filename=name)
        definition.tensor_info.name = given.name
        self.asset_numbers[id(asset)] = len(self.asset_definitions)
        self.asset_definitions.append(definition)
        self._asset_variables[id(asset.asset_path)] = variable
        self._map(number, asset.asset_path, variable)

    def owner_of(self, tensor: Any, function: ConcreteFunction) -> int:
        """Returns the number of the object whose tensor a function captures.

        Raises:
          AssertionError: no object that is saved has it.
        """
        key = self._key(tensor)
        if key is None:
            raise _untracked(function, tensor)
        return self._owners[key]

    def note_captured(self, tensor: Any, number: int) -> None:
        """Says which object stands for a tensor inside of a function."""
        self._tensors[id(tensor)] = tensor
        self._owners[id(tensor)] = number

    def _key(self, tensor: Any) -> int | None:
        if id(tensor) in self._tensors:
            return id(tensor)
        resource = getattr(getattr(tensor, "_value", None), "resource", None)
        return id(resource) if resource is not None and id(resource) in self._tensors else None

    # Calls.

    def call(self, function: ConcreteFunction, tensors: Sequence[Any]) -> Any:
        """Calls a function in the graph, with what stands there for the tensors that it captures.

        Raises:
          AssertionError: it captures what no object that is saved has.
        """
        captured = []
        for tensor in captures_of(function):
            key = self._key(tensor)
            if key is None:
                raise _untracked(function, tensor)
            made = self._tensors[key]
            captured.append(made.read_value() if isinstance(made, ResourceVariable) else made)
        return function._pack(function.call([*tensors, *captured]))

    def add_signatures(self, functions: dict[str, ConcreteFunction], defaults: dict[str, dict[str, Any]]) -> Any:
        """Adds calls of the signatures; returns their ``SignatureDef``s by name."""
        made = {}
        with self.graph.as_default():
            for key in sorted(functions):
                function = functions[key]
                given = {}
                parameters = function.graph.inputs[: function.graph.argument_count]
                names = sorted(function._arg_keywords)  # type: ignore[attr-defined]
                for name, parameter in zip(names, parameters, strict=True):
                    scope = _scope(key, name)
                    default = defaults.get(key, {}).get(name)
                    if default is None:
                        given[name] = placeholder(parameter.dtype, shape=parameter.shape, name=scope)
                    else:
                        given[name] = placeholder_with_default(default.numpy(), shape=parameter.shape, name=scope)
                outputs = self.call(function, list(given.values()))
                made[key] = build_signature_def(
                    {name: build_tensor_info(tensor) for name, tensor in given.items()},
                    {name: build_tensor_info(tensor) for name, tensor in outputs.items()},
                    constants.PREDICT_METHOD_NAME,
                    defaults.get(key),
                )
        return made

    def add_initializer(self) -> tuple[str, Any]:
        """Adds the operation that initializes resources; returns its name, and its ``SignatureDef``."""
        operations = []
        with self.graph.as_default():
            for number, value in enumerate(self._objects.values):
                if not isinstance(value, CapturableResource):
                    continue
                node = self._objects.children(number).get("_initialize")
                if node is None:
                    continue
                for concrete in self._objects.concrete_functions(node):
                    variables = [self._asset_variables.get(id(tensor)) for tensor in captures_of(concrete)]
                    with self.graph.control_dependencies([each.initializer for each in variables if each is not None]):
                        operations.append(_operation(self.call(concrete, [])))
            operations += [each.initializer for each in self._asset_variables.values()]
            with self.graph.control_dependencies([each for each in operations if each is not None]):
                init_op = raw.NoOp()
            return init_op.name, op_signature_def(init_op, constants.INIT_OP_SIGNATURE_KEY)

    def add_saver(self, object_graph: Any) -> Any:
        """Adds what saves and restores variables and tables; returns its ``SaverDef``."""
        with self.graph.as_default():
            filename = placeholder(dtypes.string, shape=[], name="saver_filename")
            saveables = []
            for number, value in enumerate(self._objects.values):
                made = self._copies.get(id(value))
                if made is not None:
                    saveables += saved_values(made, self._objects.paths[number])[1]
            specs = [spec for saveable in saveables for spec in saveable.specs]
            tensors = [convert_to_tensor(spec.tensor) for spec in specs]
            message = convert_to_tensor(object_graph.SerializeToString(deterministic=True), dtypes.string)
            names = [*(spec.name for spec in specs), OBJECT_GRAPH_KEY]
            slices = [*(spec.slice_spec for spec in specs), ""]
            save = raw.SaveV2(filename, names, slices, [*tensors, message])
            with self.graph.control_dependencies([save]):
                saved = raw.Identity(filename, name="saver_path")
            restores = []
            for saveable in saveables:
                found = raw.RestoreV2(
                    filename,
                    [spec.name for spec in saveable.specs],
                    [spec.slice_spec for spec in saveable.specs],
                    dtypes=[spec.dtype for spec in saveable.specs],
                )
                restores.append(_operation(saveable.restore(list(found), None)))
            restore = group(*[each for each in restores if each is not None], name="saver_restore")
        return protos.get("SaverDef")(
            filename_tensor_name=filename.name,
            save_tensor_name=saved.name,
            restore_op_name=restore.name,
            version=protos.get("SaverDef").V2,
        )

    def object_graph_of_checkpoint(self) -> Any:
        """Returns the object graph of the checkpoint in the SavedModel."""
        attributes = {}
        with self.graph.as_default():
            for number, value in enumerate(self._objects.values):
                made = self._copies.get(id(value))
                if made is not None:
                    named = saved_values(made, self._objects.paths[number])[0]
                    attributes[number] = [(name, key, "") for name, key in named]
        return object_graph_message.of_objects(self._objects.numbered, attributes)

    def message(self) -> Any:
        """Returns the graph and its functions as a ``GraphDef``."""
        return export.graph_def(self.graph, add_shapes=True)


def variable_of(value: Any) -> Any:
    """Returns the variable that an object is, or that it passes for: libraries wrap variables."""
    owner = value.handle.__dict__.get("_variable_of")
    variable = owner() if owner is not None else None
    return value if variable is None else variable


class _ById:
    """Maps objects that need not have a hash."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[Any, Any]] = {}

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[id(key)] = key, value

    def __getitem__(self, key: Any) -> Any:
        return self.entries[id(key)][1]

    def __contains__(self, key: Any) -> bool:
        return id(key) in self.entries

    def get(self, key: Any, default: Any = None) -> Any:
        """Returns what an object is mapped to."""
        return self.entries.get(id(key), (key, default))[1]


def _operation(value: Any) -> Any:
    """Returns the operation that gives what a call returned; None if it returned nothing."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return getattr(value, "op", value)


def _scope(signature_key: str, name: str) -> str:
    """Returns the name of the placeholder of an input, made fit for a node."""
    scope = f"{signature_key}_{name}"
    if re.match(r"^[A-Za-z0-9.][A-Za-z0-9_.\\-]*$", scope):
        return scope
    return re.sub(r"[^A-Za-z0-9_.\\-]", "_", re.sub(r"^[^A-Za-z0-9.]*", "", scope))


def _untracked(function: ConcreteFunction, tensor: Any) -> AssertionError:
    inner = next((inner for outer, inner in function.graph.captures if outer is tensor), None)
    used = f"\n\tInternal Tensor = {inner!r}" if inner is not None else ""
    owner = getattr(tensor, "_variable_of", None)
    variable = owner() if owner is not None else None
    about = "" if variable is None else f"\n\tTrackable referencing this tensor = {variable!r}"
    return AssertionError(
        "Tried to export a function which references an 'untracked' resource. TensorFlow objects (e.g. tf.Variable) "
        "captured by functions must be 'tracked' by assigning them to an attribute of a tracked object or assigned to "
        "an attribute of the main object directly. See the information below:\n"
        f"\tFunction name = {function.name!r}\n\tCaptured Tensor = {tensor!r}{about}{used}"
    )
