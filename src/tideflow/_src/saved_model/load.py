"""``tf.saved_model.load``: the objects of a SavedModel, with their functions, variables and files.

Nothing that the file says is run while it is loaded but the functions that create and initialize its resources.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.errors import NotFoundError
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.graph import attr_value, protos
from tideflow._src.graph.tensor_proto import make_ndarray
from tideflow._src.io.captured_resource import Asset, CapturableResource, RestoredResource
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.saved_model import constants, python_functions
from tideflow._src.saved_model.files import parse_saved_model
from tideflow._src.saved_model.function_library import CapturedTensor, FunctionLibrary
from tideflow._src.saved_model.options import LoadOptions
from tideflow._src.saved_model.restoring import restore_objects, saveable_factory
from tideflow._src.saved_model.revived_types import revived
from tideflow._src.saved_model.user_objects import OptimizerObject, new_user_object
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.replication import VariableAggregation, VariableSynchronization
from tideflow._src.state.resource_variable import UninitializedVariable
from tideflow._src.state.trackable import Trackable
from tideflow._src.state.variable import Variable

_Setter = Callable[[Any, str, Any], Any]


def load(export_dir: Any, tags: Any = None, options: LoadOptions | None = None) -> Any:
    """Loads a SavedModel, written by TensorFlow 1.x or 2.x, by Keras or by Tideflow.

    Args:
      export_dir: the folder of the SavedModel.
      tags: the tags of the graph to load, a string or several; they may be left out if there is one graph.
      options: a `LoadOptions`.

    Returns:
      The root of the objects that were saved: an object with the attributes that were saved, its functions as functions
      that choose among what was traced, and ``signatures``, which maps names to concrete functions. Objects of classes
      of the program that saved them are plain objects. A SavedModel of TensorFlow 1.x gives an object with
      ``signatures``, ``variables``, ``graph``, ``prune`` and ``restore``.

    Raises:
      OSError: there is no SavedModel, or its file cannot be read.
      ValueError: no graph has these tags, or the SavedModel contradicts itself.
      PermissionDeniedError: the SavedModel calls Python functions, and ``options`` do not allow it.
      FileNotFoundError: files of its variables are missing.

    >>> import tempfile
    >>> import tideflow as tf
    >>> class Scale(tf.Module):
    ...     def __init__(self):
    ...         self.factor = tf.Variable(3.0)
    ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    ...     def __call__(self, x):
    ...         return self.factor * x
    >>> folder = tempfile.mkdtemp()
    >>> tf.saved_model.save(Scale(), folder)
    >>> loaded = tf.saved_model.load(folder)
    >>> loaded(tf.constant([1.0, 2.0])).numpy().tolist()
    [3.0, 6.0]
    >>> loaded.signatures["serving_default"](tf.constant([2.0]))["output_0"].numpy().tolist()
    [6.0]
    """
    return load_partial(export_dir, None, tags, options)["root"]


def load_partial(export_dir: Any, filters: Any, tags: Any = None, options: LoadOptions | None = None) -> dict[str, Any]:
    """Loads some of the objects of a SavedModel, and what they depend on.

    Args:
      export_dir: the folder of the SavedModel.
      filters: the paths of the objects, as in ``["root.layer", "root.layer.kernel"]``; or a dictionary from these to
        objects that stand for them, or None. All of the SavedModel is loaded if it is None.
      tags, options: as of `load`.

    Returns:
      The objects by path; if ``filters`` is None, the root as ``"root"``.

    Raises:
      ValueError: there is no such path, or what it leads to needs objects that are not below a path; and as of `load`.
    """
    options = options or LoadOptions()
    folder = file_system.text_of(os.fspath(export_dir) if isinstance(export_dir, os.PathLike) else export_dir)
    if tags is not None and not isinstance(tags, set):
        tags = nest.flatten(tags)
    message = parse_saved_model(folder)
    debug_info = _debug_info(folder)
    if not options.allow_python_functions:
        for each in message.meta_graphs:
            python_functions.refuse(each.graph_def)
    if len(message.meta_graphs) != 1 or not message.meta_graphs[0].HasField("object_graph_def"):
        if filters:
            raise ValueError("SavedModels saved from Tensorflow 1.x) cannot be loaded with node filters.")
        from tideflow._src.saved_model.load_v1 import load_v1  # few SavedModels are of TensorFlow 1.x

        with init_scope():
            root = load_v1(folder, message, tags, options.experimental_skip_checkpoint)
        root.graph_debug_info = debug_info
        return {"root": root}
    (meta_graph,) = message.meta_graphs
    known = meta_graph.meta_info_def.tags
    if tags is not None and set(tags) != set(known):
        raise ValueError(
            f"Got an incompatible argument to `tags`: {tags}. The SavedModel at {folder} has one MetaGraph with tags "
            f"{list(known)}. You may omit the argument, pass 'None', or pass matching tags."
        )
    with init_scope():
        try:
            loader = _Loader(meta_graph, folder, options, filters)
        except NotFoundError as error:
            raise FileNotFoundError(
                f"{error}\n You may be trying to load on a different device from the computational device. Consider "
                "setting the `experimental_io_device` option in `tf.saved_model.LoadOptions` to the io_device such as "
                "'/job:localhost'."
            ) from None
        except (TypeError, AttributeError, LookupError, NotImplementedError, RecursionError) as error:
            if filters:
                raise
            raise ValueError(f"The SavedModel at {folder} contradicts itself: {error}") from error
    root = loader.nodes[0]
    root.graph_debug_info = debug_info
    root.tensorflow_version = meta_graph.meta_info_def.tensorflow_version
    root.tensorflow_git_version = meta_graph.meta_info_def.tensorflow_git_version
    if options.experimental_load_function_aliases:
        if hasattr(root, "function_aliases"):
            raise ValueError(
                "Could not load with experimental_load_function_aliases option because the top-level object already "
                "has an attributed with name 'function_aliases'"
            )
        root.function_aliases = loader.function_aliases()
    if filters:
        return {path: loader.nodes[loader.number_at(path)] for path in filters}
    return {"root": root}


def _debug_info(folder: str) -> Any:
    """Returns where the nodes were made, as a ``GraphDebugInfo``, if the SavedModel says so."""
    message = protos.get("GraphDebugInfo")()
    path = os.path.join(folder, constants.DEBUG_DIRECTORY, constants.DEBUG_INFO_FILENAME_PB)
    if file_system.exists(path):
        from tideflow._src.graph.protos.text import from_bytes  # rarely there

        try:
            return from_bytes(file_system.read(path), message)
        except ValueError as error:
            raise OSError(f"Cannot parse file {path}: {error}.") from None
    return message


class _Loader:
    """Makes the objects of a SavedModel.

    Args:
      meta_graph: the ``MetaGraphDef``; its library is changed.
      folder: the folder of the SavedModel.
      options: a `LoadOptions`.
      filters: as of `load_partial`.
    """

    def __init__(self, meta_graph: Any, folder: str, options: LoadOptions, filters: Any) -> None:
        self._meta_graph = meta_graph
        self._folder = folder
        self._options = options
        self._proto = meta_graph.object_graph_def
        self._entries = list(self._proto.nodes)
        if not self._entries:
            raise ValueError(f"The SavedModel at {folder} holds no objects.")
        self._library = FunctionLibrary(meta_graph.graph_def.library, self._proto.concrete_functions)
        self._operations: dict[str, Any] | None = None
        self._slots: dict[int, tuple[int, Any]] = {}
        self._check_references()
        self.nodes: dict[int, Any] = {}
        self._setters: dict[int, _Setter] = {}
        self._paths: dict[str, int] = {}
        self._wanted = self._filtered(filters)
        for number in self._order():
            if number not in self.nodes:
                self.nodes[number], self._setters[number] = self._made(number)
        if 0 not in self.nodes:
            self.nodes[0] = new_user_object()
        self._connect(filters)
        self._bind_functions()
        self._connect_saving()
        if not options.experimental_skip_checkpoint:
            self._restore()
        self._initialize()

    # What the SavedModel says must fit together, before anything is made of it.

    def _check_references(self) -> None:
        for number, entry in enumerate(self._entries):
            for reference in (*entry.children, *entry.dependencies):
                self._entry(reference.node_id)
            for slot in entry.slot_variables:
                self._entry(slot.slot_variable_node_id)
                self._entry(slot.original_variable_node_id)
                self._slots[slot.slot_variable_node_id] = number, slot
            for saveable in entry.saveable_objects.values():
                self._entry(saveable.save_function)
                self._entry(saveable.restore_function)
        for function in self._proto.concrete_functions.values():
            for number in function.bound_inputs:
                self._entry(number)

    def _entry(self, number: int) -> Any:
        if not 0 <= number < len(self._entries):
            raise ValueError(
                f"The SavedModel at {self._folder} refers to its object {number}, but it has {len(self._entries)}."
            )
        return self._entries[number]

    # Which objects, in which order.

    def number_at(self, path: str) -> int:
        """Returns the number of the object that a path leads to.

        Raises:
          ValueError: there is none.
          TypeError: the path is no string.
        """
        if not isinstance(path, str):
            raise TypeError("Elements in node_filters must be strings.")
        names = path.split(".")
        if names[0] != "root":
            raise ValueError(
                f"When passing string identifiers to node_filters, the first name must be root. Received {names[0]}."
            )
        number = 0
        for count, name in enumerate(names[1:], start=2):
            found = [each.node_id for each in self._entries[number].children if each.local_name == name]
            if not found:
                raise ValueError(f"Unable to find node {'.'.join(names[:count])}.")
            number = found[0]
        return number

    def _filtered(self, filters: Any) -> set[int] | None:
        """Returns the objects below the paths; None if that is all. Takes over the objects that are given."""
        if filters is None:
            return None
        given = filters if isinstance(filters, Mapping) else {}
        for path in filters:
            number = self.number_at(path)
            value = given.get(path)
            if value is not None:
                value, setter = value if isinstance(value, tuple) else (value, setattr)
                if not isinstance(value, Trackable):
                    raise TypeError(
                        f"Error when processing dictionary values passed to nodes_to_load.Object at {path} is expected "
                        "to be a checkpointable (i.e. 'trackable') TensorFlow object (e.g. tf.Variable, tf.Module or "
                        "Keras layer)."
                    )
                self.nodes[number], self._setters[number] = value, setter
        found: set[int] = set()
        pending = [self.number_at(path) for path in filters]
        while pending:
            number = pending.pop(0)
            if number in found:
                continue
            found.add(number)
            owner = self.nodes.get(number)
            for child in self._entries[number].children:
                if owner is not None and child.node_id not in self.nodes:
                    known = owner._lookup_dependency(child.local_name)
                    if known is not None:
                        self.nodes[child.node_id], self._setters[child.node_id] = known, _keep
                pending.append(child.node_id)
        return None if 0 in found else found

    def _order(self) -> list[int]:
        """Returns the numbers of the objects so that what others need comes first."""
        wanted = range(len(self._entries)) if self._wanted is None else sorted(self._wanted)
        needs = {number: self._needed_by(number) for number in wanted}
        if self._wanted is not None:
            for number, needed in needs.items():
                for other in needed - self._wanted:
                    raise ValueError(
                        "Unable to partially load SavedModel since the specified filter does not include all required "
                        "objects for loading (e.g. variables used in functions or deserialization dependencies). "
                        f"Object {number} needs object {other}: please include a path to it in the filter."
                    )
        try:
            return list(TopologicalSorter({number: sorted(needed) for number, needed in needs.items()}).static_order())
        except CycleError as error:
            raise ValueError(
                "Encountered a cycle in the deserialization dependencies in the SavedModel: objects "
                f"{error.args[1]} depend on each other."
            ) from None

    def _needed_by(self, number: int) -> set[int]:
        if number in self.nodes:
            return set()
        entry = self._entries[number]
        needed = set(self._dependencies(number).values())
        if number in self._slots:
            optimizer, slot = self._slots[number]
            needed |= {optimizer, slot.original_variable_node_id}
        kind = entry.WhichOneof("kind")
        if kind in ("function", "bare_concrete_function"):
            names = (
                entry.function.concrete_functions
                if kind == "function"
                else [entry.bare_concrete_function.concrete_function_name]
            )
            for name in names:
                needed |= set(self._bound_inputs(name))
        needed.discard(number)
        return needed

    def _bound_inputs(self, name: str) -> Sequence[int]:
        functions = self._proto.concrete_functions
        return list(functions[name].bound_inputs) if name in functions else []

    def _dependencies(self, number: int) -> dict[str, int]:
        entry = self._entries[number]
        found = {reference.local_name: reference.node_id for reference in entry.dependencies}
        if entry.WhichOneof("kind") == "resource":
            creators = [each.node_id for each in entry.children if each.local_name == "_create_resource"]
            if creators:
                found["_create_resource"] = creators[0]
        return found

    # Objects of each kind.

    def _made(self, number: int) -> tuple[Any, _Setter]:
        entry = self._entries[number]
        kind = entry.WhichOneof("kind")
        if number in self._slots:
            return self._slot(number), setattr
        if kind == "user_object" or (kind is None and entry.registered_name):
            return self._user_object(number)
        if kind == "variable":
            return self._variable(entry.variable), setattr
        if kind == "function":
            return self._library.function(entry.function), setattr
        if kind == "bare_concrete_function":
            return self._library.bare_concrete_function(entry.bare_concrete_function), setattr
        if kind == "resource":
            return self._resource(number), RestoredResource._add_trackable_child
        if kind == "asset":
            return self._asset(entry.asset), Asset._add_trackable_child
        if kind == "constant":
            return self._constant(entry.constant.operation), setattr
        if kind == "captured_tensor":
            return CapturedTensor(entry.captured_tensor.name, entry.captured_tensor.concrete_function), setattr
        raise ValueError(
            f"Unknown SavedObject type: {kind}. Expected one of ['user_object', 'function', 'bare_concrete_function', "
            "'variable', 'captured_tensor']."
        )

    def _user_object(self, number: int) -> tuple[Any, _Setter]:
        entry = self._entries[number]
        if entry.slot_variables or entry.user_object.identifier == "optimizer":
            return OptimizerObject(), setattr
        return revived(entry.user_object)

    def _variable(self, proto: Any) -> Any:
        dtype = attr_value.read_type(proto.dtype)
        if dtype in (dtypes.resource, dtypes.variant) or dtype._is_ref_dtype:
            raise ValueError(f"The SavedModel has a variable {proto.name!r} of the dtype {dtype.name}.")
        arguments: dict[str, Any] = {
            "trainable": proto.trainable,
            "name": proto.name or None,
            "synchronization": _member(VariableSynchronization, proto.synchronization, proto.name),
            "aggregation": _member(VariableAggregation, proto.aggregation, proto.name),
            "shape": TensorShape(attr_value.read_shape(proto.shape)),
            "dtype": dtype,
        }
        graph = context.current_graph()
        policy = self._options.experimental_variable_policy
        if graph is not None and proto.device and policy._save_variable_devices():
            with graph.device(proto.device):
                return _uninitialized(arguments)
        return _uninitialized(arguments)

    def _slot(self, number: int) -> Any:
        """Returns the variable that an optimizer keeps for another one, and tells the optimizer."""
        optimizer_number, reference = self._slots[number]
        optimizer = self.nodes[optimizer_number]
        original: Any = self.nodes[reference.original_variable_node_id]
        if not _is_variable(original):
            raise ValueError(f"The SavedModel has a slot {reference.slot_name!r} for what is no variable.")
        entry = self._entries[number]
        if not isinstance(optimizer, OptimizerObject):
            return optimizer.add_slot(var=original, slot_name=reference.slot_name)
        if entry.WhichOneof("kind") == "variable":
            slot = self._variable(entry.variable)
        else:  # TensorFlow of some years does not say more of a slot than that it is one: it is like its variable
            slot = _uninitialized(
                {
                    "trainable": False,
                    "name": f"{original._handle_name}/{reference.slot_name}",
                    "shape": original.shape,
                    "dtype": original.dtype,
                }
            )
        optimizer._insert_slot(original, reference.slot_name, slot)
        return slot

    def _resource(self, number: int) -> RestoredResource:
        made = RestoredResource(self._entries[number].resource.device)
        creator = self._dependencies(number).get("_create_resource")
        if creator is not None:
            made._create_resource = self.nodes[creator]  # type: ignore[method-assign]
        return made

    def _asset(self, proto: Any) -> Asset:
        files = self._meta_graph.asset_file_def
        if not 0 <= proto.asset_file_def_index < len(files):
            raise ValueError(f"The SavedModel has no asset {proto.asset_file_def_index}; it has {len(files)}.")
        name = files[proto.asset_file_def_index].filename
        path = os.path.normpath(name)
        if os.path.isabs(path) or path.split(os.path.sep)[0] == os.path.pardir:
            raise ValueError(f"The SavedModel has an asset outside of its folder: {name!r}.")
        return Asset(os.path.join(self._folder, constants.ASSETS_DIRECTORY, name))

    def _constant(self, operation: str) -> Any:
        if self._operations is None:
            self._operations = {node.name: node for node in self._meta_graph.graph_def.node}
        node = self._operations.get(operation)
        if node is None or "value" not in node.attr:
            raise ValueError(f"The SavedModel has no constant {operation!r}.")
        tensor = node.attr["value"].tensor
        return convert_to_tensor(make_ndarray(tensor), attr_value.read_type(tensor.dtype))

    # What belongs to the objects.

    def _connect(self, filters: Any) -> None:
        for number, setter in self._setters.items():
            owner = self.nodes[number]
            for reference in self._entries[number].children:
                child = self.nodes.get(reference.node_id)
                if child is None and reference.node_id not in self.nodes:
                    continue
                try:
                    setter(owner, reference.local_name, child)
                except (AttributeError, TypeError) as error:
                    raise ValueError(
                        f"Object {number} of the SavedModel cannot have an attribute {reference.local_name!r}: {error}"
                    ) from None
                if reference.local_name == "__call__" and not callable(owner):
                    type(owner).__call__ = _call_attribute
        if self._wanted is not None and filters:
            for path in filters:
                self._attach(path)

    def _attach(self, path: str) -> None:
        """Lets the root, which is not loaded itself, lead to an object that is."""
        owner = self.nodes[0]
        *names, last = path.split(".")[1:]
        for name in names:
            if not hasattr(owner, name):
                setattr(owner, name, new_user_object())
            owner = getattr(owner, name)
        if not hasattr(owner, last):
            setattr(owner, last, self.nodes[self.number_at(path)])

    def _bind_functions(self) -> None:
        for name in sorted(self._proto.concrete_functions):
            if name not in self._library.names:
                continue
            inputs = self._bound_inputs(name)
            if self._wanted is not None and not all(number in self.nodes for number in inputs):
                continue
            self._library.concrete_function(name).bind([self._captured(number) for number in inputs])
        self._library.register_gradients(lambda name: [self._captured(number) for number in self._bound_inputs(name)])

    def _captured(self, number: int) -> Any:
        """Returns the tensor that a function captures of an object."""
        value: Any = self.nodes[number]
        if isinstance(value, Tensor | CapturedTensor):
            return value
        if _is_variable(value):
            return value.handle
        if isinstance(value, Asset):
            return value.asset_path
        if isinstance(value, CapturableResource):
            return value.resource_handle
        raise ValueError(
            f"Can't convert object {number} of the SavedModel, which is {value!r}, to a tensor that a function can "
            "capture."
        )

    def _connect_saving(self) -> None:
        """Gives resources the functions with which their content is saved and restored."""
        for number in self._setters:
            saveables = self._entries[number].saveable_objects
            node: Any = self.nodes[number]
            if not saveables or not hasattr(node, "_trackable_children"):
                continue
            functions = {}
            for name, saveable in saveables.items():
                save, restore = (self.nodes.get(each) for each in (saveable.save_function, saveable.restore_function))
                if save is not None and restore is not None:
                    functions[name] = save, restore
            if list(functions) == [_SERIALIZE_TO_TENSORS]:
                node._serialize_to_tensors, node._restore_from_tensors = functions[_SERIALIZE_TO_TENSORS]
            else:
                node._self_saveable_object_factories = {
                    name: saveable_factory(save, restore) for name, (save, restore) in functions.items()
                }

    def _restore(self) -> None:
        restore_objects(self.nodes[0], self._folder, self._options)

    def _initialize(self) -> None:
        """Gives resources their content; in a graph, those that initialize tables do."""
        graph = context.current_graph()
        for node in list(self.nodes.values()):
            if isinstance(node, CapturableResource):
                done = node._initialize()
                if graph is not None and done is not None:
                    graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, done)

    def function_aliases(self) -> dict[str, Any]:
        """Returns what was saved under aliases: functions, or lists of concrete functions."""
        aliases = self._meta_graph.meta_info_def.function_aliases
        found: dict[str, list[str]] = {}
        for name in sorted(aliases):
            if name in self._library.names and name in self._proto.concrete_functions:
                found.setdefault(aliases[name], []).append(name)
        result: dict[str, Any] = {
            alias: list(map(self._library.concrete_function, names)) for alias, names in found.items()
        }
        for number, entry in enumerate(self._entries):
            names = list(entry.function.concrete_functions) if entry.WhichOneof("kind") == "function" else []
            alias = aliases[names[0]] if names and names[0] in aliases else None
            if alias in found and set(found[alias]) == set(names) and number in self.nodes:
                result[alias] = self.nodes[number]
        return result


_SERIALIZE_TO_TENSORS = ".TENSORS"


def _is_variable(value: Any) -> bool:
    return isinstance(value, Variable)


def _keep(owner: Any, name: str, value: Any) -> None:
    """Leaves an object that exists as it is."""


def _call_attribute(instance: Any, *args: Any, **kwargs: Any) -> Any:
    return instance.__call__(*args, **kwargs)


def _member(kind: Any, number: int, name: str) -> Any:
    for member in kind:
        if member.value == number:
            return member
    raise ValueError(f"Variable {name!r} of the SavedModel has a {kind.__name__} of {number}, which is not known.")


def _uninitialized(arguments: dict[str, Any]) -> Any:
    variable = UninitializedVariable(TensorSpec(arguments["shape"], arguments.pop("dtype")), **arguments)
    graph = context.current_graph()
    if graph is not None:
        graph.add_to_collection(GraphKeys.GLOBAL_VARIABLES, variable)  # its initializer restores it
    return variable
