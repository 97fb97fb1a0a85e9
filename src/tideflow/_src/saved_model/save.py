"""``tf.saved_model.save``: an object with its functions, variables and files as a SavedModel."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import Any

from tideflow._src import version
from tideflow._src.checkpoint.checkpoint_options import CheckpointOptions
from tideflow._src.checkpoint.meta_graph import strip_default_attributes
from tideflow._src.checkpoint.object_saver import TrackableSaver
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.graph import protos
from tideflow._src.graph.op_def_proto import stripped_op_list
from tideflow._src.ops.files import file_system, replacement
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.debug_info import write_debug_info
from tideflow._src.saved_model.exported_graph import ExportedGraph
from tideflow._src.saved_model.fingerprint import write_fingerprint
from tideflow._src.saved_model.gradient_functions import add_gradient_functions
from tideflow._src.saved_model.object_messages import ObjectMessages
from tideflow._src.saved_model.object_numbers import SavedObjects
from tideflow._src.saved_model.options import SaveOptions
from tideflow._src.saved_model.saved_view import SavedModelView, captures_of
from tideflow._src.saved_model.saving_functions import saving_functions
from tideflow._src.saved_model.signature_map import create_signature_map
from tideflow._src.saved_model.signatures import canonical_signatures, check_root, find_function_to_export
from tideflow._src.saved_model.stripping import strip_debug_nodes
from tideflow._src.saved_model.v1.assets import copy_file
from tideflow._src.state.trackable import Trackable

_MOST_SHOWN = 5


def save(obj: Any, export_dir: Any, signatures: Any = None, options: SaveOptions | None = None) -> None:
    """Writes an object, and all that it depends on, as a SavedModel.

    The SavedModel holds the variables that the object leads to by its attributes, lists and dictionaries, its
    ``tf.function``s as far as they were traced or have an input signature, tables, and assets. TensorFlow, its servers
    and others read it.

    Args:
      obj: the object: a ``tf.Module``, a ``tf.train.Checkpoint``, a model, or another that tracks its attributes.
      export_dir: the folder. What is there of an older SavedModel is replaced once the new one is complete.
      signatures: the functions that other programs call by name: a ``tf.function`` with an input signature, a concrete
        function, or a dictionary of these. If it is None, and the object has one such function, that is it.
      options: a `SaveOptions`.

    Raises:
      ValueError: ``obj`` is no such object, or a signature is no function of one signature.
      AssertionError: a function uses a variable or table that ``obj`` does not lead to, or the call is within a
        ``tf.function``.
      OpError: a file cannot be written; an older SavedModel in the folder is then as it was.

    >>> import tempfile
    >>> import tideflow as tf
    >>> module = tf.Module()
    >>> module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([], tf.float32)])
    >>> folder = tempfile.mkdtemp()
    >>> tf.saved_model.save(module, folder)
    >>> float(tf.saved_model.load(folder).double(4.0))
    8.0
    """
    save_and_return_nodes(obj, export_dir, signatures, options)


def save_and_return_nodes(
    obj: Any,
    export_dir: Any,
    signatures: Any = None,
    options: SaveOptions | None = None,
    experimental_skip_checkpoint: bool = False,
) -> tuple[list[Any], Any]:
    """Does what `save` does; returns the objects in the order of the file, and the references that lead to each.

    Args:
      obj, export_dir, signatures, options: as of `save`.
      experimental_skip_checkpoint: whether to write no values of variables.
    """
    options = options or SaveOptions()
    folder = file_system.text_of(os.fspath(export_dir) if isinstance(export_dir, os.PathLike) else export_dir)
    message = protos.get("SavedModel")(saved_model_schema_version=constants.SAVED_MODEL_SCHEMA_VERSION)
    built = _build(obj, signatures, options, message.meta_graphs.add())
    _write(built, folder, message, options, experimental_skip_checkpoint)
    return list(built.objects.values), built.view.breadth_first_traversal()[1]


def export_meta_graph(obj: Any, filename: Any, signatures: Any = None, options: SaveOptions | None = None) -> None:
    """Writes the ``MetaGraphDef`` of the SavedModel of an object, and no values.

    Args:
      obj, signatures, options: as of `save`.
      filename: the file.
    """
    message = protos.get("MetaGraphDef")()
    _build(obj, signatures, options or SaveOptions(), message)
    replacement.replace(file_system.text_of(filename), message.SerializeToString(deterministic=True))


class _Built:
    """Is what makes up a SavedModel."""

    def __init__(self, view: SavedModelView, objects: SavedObjects, exported: ExportedGraph) -> None:
        self.view = view
        self.objects = objects
        self.exported = exported


def _build(obj: Any, signatures: Any, options: SaveOptions, message: Any) -> _Built:
    """Fills a ``MetaGraphDef``."""
    graph = context.current_graph()
    if graph is not None and graph.building_function:
        raise AssertionError(
            "`tf.saved_model.save` is not supported inside a traced @tf.function. Move the call to the outer "
            "eagerly-executed context."
        )
    if not isinstance(obj, Trackable):
        raise ValueError(
            "Expected an object of type `Trackable`, such as `tf.Module` or a subclass of the `Trackable` class, for "
            f"export. Got {obj} with type {type(obj)}."
        )
    view = SavedModelView(obj)
    if signatures is None:
        signatures = find_function_to_export(view)
    functions, defaults = canonical_signatures(signatures)
    check_root(view)
    view.set_signatures(create_signature_map(functions))
    view.merge_assets()
    objects = SavedObjects(view)
    if view.untraced:
        shown = view.untraced[:_MOST_SHOWN]
        get_logger().info(
            "Found untraced functions such as %s while saving (showing %d of %d). These functions will not be directly "
            "callable after loading.",
            ", ".join(shown),
            len(shown),
            len(view.untraced),
        )
    saving = _add_saving_functions(objects)
    exported = ExportedGraph(objects, options)
    signature_defs = exported.add_signatures(functions, defaults)
    init_op, init_signature = exported.add_initializer()
    messages = ObjectMessages(objects, exported, options)
    gradients = add_gradient_functions(objects, exported) if options.experimental_custom_gradients else []
    if not options.experimental_skip_saver:
        message.saver_def.CopyFrom(exported.add_saver(exported.object_graph_of_checkpoint()))
    message.graph_def.CopyFrom(exported.message())
    message.object_graph_def.CopyFrom(messages.message(saving))
    for gradient in gradients:
        messages.write_function(message.object_graph_def.concrete_functions, gradient.function, gradient.captured)
        message.graph_def.library.registered_gradients.add(
            gradient_func=gradient.function.graph.name, registered_op_type=gradient.registered_name
        )
    _check_namespaces(message.graph_def, options.namespace_whitelist)
    info = message.meta_info_def
    info.tags.append(constants.SERVING)
    info.tags.extend(options.extra_tags or ())
    info.tensorflow_version, info.tensorflow_git_version = version.VERSION, version.GIT_VERSION
    info.stripped_default_attrs = True
    message.asset_file_def.extend(exported.asset_definitions)
    for key, definition in signature_defs.items():
        message.signature_def[key].CopyFrom(definition)
    message.collection_def[constants.MAIN_OP_KEY].node_list.value.append(init_op)
    message.signature_def[constants.INIT_OP_SIGNATURE_KEY].CopyFrom(init_signature)
    strip_default_attributes(message.graph_def)
    if options.experimental_debug_stripper:
        strip_debug_nodes(message.graph_def)
    info.stripped_op_list.MergeFrom(stripped_op_list(message.graph_def))
    for alias, given in options.function_aliases.items():
        for function in _aliased(given, objects):
            info.function_aliases[function.graph.name] = alias
    return _Built(view, objects, exported)


def _add_saving_functions(objects: SavedObjects) -> dict[int, dict[str, tuple[int, int]]]:
    """Adds the functions that save and restore what resources hold; returns their numbers."""
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for number, value in enumerate(list(objects.values)):
        for name, (save_function, restore_function) in saving_functions(value).items():
            numbers = [_add_function(objects, each) for each in (save_function, restore_function)]
            found.setdefault(number, {})[name] = numbers[0], numbers[1]
    return found


def _add_function(objects: SavedObjects, function: ConcreteFunction) -> int:
    for tensor in captures_of(function):
        if tensor.dtype.name not in ("resource", "variant"):
            objects.add(objects.view.constant_of(tensor, function))
    return objects.add(objects.view.node_of(function))


def _aliased(value: Any, objects: SavedObjects) -> list[ConcreteFunction]:
    if isinstance(value, ConcreteFunction):
        return [value]
    if isinstance(value, TracedFunction):
        return objects.concrete_functions(objects.view.node_of(value))
    if isinstance(value, Iterable):
        found = list(value)
        if all(isinstance(each, ConcreteFunction) for each in found):
            return found
    raise TypeError(
        f"Unsupported type f{type(value)}. Functions in `function_aliases` should be created by tf.function, or "
        "concrete functions, or collections of concrete functions."
    )


def _check_namespaces(graph_def: Any, namespaces: list[str] | None) -> None:
    if namespaces is None:
        return
    nodes = [*graph_def.node, *(node for function in graph_def.library.function for node in function.node_def)]
    wrong = sorted({node.op for node in nodes if ">" in node.op and node.op.split(">")[0] not in namespaces})
    if wrong:
        raise ValueError(
            f"Attempted to save ops from non-whitelisted namespaces to SavedModel: {wrong}.\nPlease verify that these "
            "ops should be saved, since they must be available when loading the SavedModel. If loading from Python, "
            "you must import the library defining these ops. From C++, link the custom ops to the serving binary. Once "
            "you've confirmed this, add the following namespaces to the `namespace_whitelist` argument in "
            f"tf.saved_model.SaveOptions: { {op.split('>')[0] for op in wrong} }."
        )


def _write(built: _Built, folder: str, message: Any, options: SaveOptions, skip_checkpoint: bool) -> None:
    """Writes the files. What reads a SavedModel looks for ``saved_model.pb``, which comes last.

    The new files are complete, beside the old ones, before the old ``saved_model.pb`` is removed: until then the older
    SavedModel is as it was, and from then on there is none until the new one is whole.
    """
    file_system.make_folders(folder)
    staged = os.path.join(folder, f".writing-{os.getpid()}")
    if file_system.exists(staged):
        file_system.remove_tree(staged)
    variables = os.path.join(staged, constants.VARIABLES_DIRECTORY)
    assets = os.path.join(staged, constants.ASSETS_DIRECTORY)
    try:
        for each in (staged, variables, assets):
            file_system.make_folder(each)
        if not skip_checkpoint:
            how = CheckpointOptions(
                experimental_io_device=options.experimental_io_device,
                experimental_sharding_callback=options.experimental_sharding_callback,
            )
            prefix = os.path.join(variables, constants.VARIABLES_FILENAME)
            TrackableSaver(built.view).save(prefix, options=how)
        for name, path in built.exported.assets.items():
            copy_file(path, os.path.join(assets, name))
        content = message.SerializeToString(deterministic=True)
        target = os.path.join(folder, constants.SAVED_MODEL_FILENAME_PB)
        with replacement.completed(target, content) as file:
            for old in (target, os.path.join(folder, constants.SAVED_MODEL_FILENAME_PBTXT)):
                if file_system.exists(old):
                    file_system.remove(old)
            replacement.remember(file_system.local(folder))
            _move(variables, os.path.join(folder, constants.VARIABLES_DIRECTORY))
            _move(assets, os.path.join(folder, constants.ASSETS_DIRECTORY))
            file.place()
        replacement.remember(file_system.local(folder))
    finally:
        shutil.rmtree(file_system.local(staged), ignore_errors=True)
    write_fingerprint(folder, message, content)
    if options.save_debug_info:
        write_debug_info(folder, message.meta_graphs[0].graph_def, built.exported.graph)


def _move(source: str, target: str) -> None:
    """Moves the files of a folder to another, in the place of those of the same name."""
    file_system.make_folders(target)
    for name in sorted(file_system.entries(source)):
        file_system.rename(os.path.join(source, name), os.path.join(target, name), overwrite=True)
    replacement.remember(file_system.local(target))
