"""Loads SavedModels of TensorFlow 1.x, which hold a session's graph, as objects with functions."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tideflow._src.checkpoint.imported_variables import ImportedVariables
from tideflow._src.checkpoint.saver import import_with_variables
from tideflow._src.core import nest
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.function.function_type import POSITIONAL, Parameter
from tideflow._src.function.wrapped_function import UnliftableError, WrappedFunction, wrap_function
from tideflow._src.io.captured_resource import Asset, CapturableResource
from tideflow._src.io.lookup_tables import tables_initializer
from tideflow._src.ops.control.grouping import group
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.sparse_tensor import SparseTensor
from tideflow._src.saved_model import constants
from tideflow._src.saved_model.function_library import new_suffix, share_within_load
from tideflow._src.saved_model.signature_map import create_signature_map
from tideflow._src.saved_model.v1.assets import asset_tensors
from tideflow._src.saved_model.v1.loader import get_init_op
from tideflow._src.saved_model.v1.tensor_info import get_tensor_from_tensor_info
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.variable_collections import local_variables_initializer


class _Initializer(CapturableResource):
    """Is what a SavedModel of TensorFlow 1.x runs when it is loaded, so that saving it again keeps that.

    Args:
      function: runs it, given the paths of the assets.
      asset_paths: the assets.
    """

    def __init__(self, function: Any, asset_paths: list[Asset]) -> None:
        super().__init__()
        self._asset_paths = asset_paths
        self._function = function

    def _create_resource(self) -> Any:
        return convert_to_tensor(1.0)  # there is none, but saved models have a tensor of each resource

    def _initialize(self) -> Any:
        return self._function(*[asset.asset_path for asset in self._asset_paths])


class SignatureFunction(WrappedFunction):
    """Is a signature of a graph: a function of its tensors, by name or in the order of the names.

    Args:
      function: the part of the graph that computes it.
      names: the names of its tensors.
    """

    def __init__(self, function: WrappedFunction, names: list[str]) -> None:
        specs = [TensorSpec(item.shape, item.dtype, name) for item, name in zip(function.inputs, names, strict=False)]
        parameters = [Parameter(name, POSITIONAL, False, spec) for name, spec in zip(names, specs, strict=True)]
        super().__init__(function.graph, parameters, "pruned", function.variables)
        self._specs = dict(zip(names, specs, strict=True))
        self._arg_keywords = names
        self._num_positional_args = 1 if len(names) == 1 else 0

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The specs of the tensors, by name."""
        return (), dict(self._specs)


def load_v1(folder: str, message: Any, tags: Any, skip_restoring: bool) -> Any:
    """Returns the object of a SavedModel of TensorFlow 1.x.

    Args:
      folder: the folder.
      message: the ``SavedModel``.
      tags: the tags of the graph; None if there is one graph only.
      skip_restoring: whether to leave the variables without values.

    Raises:
      ValueError: there are several graphs and no tags are given, or a signature depends on what nobody feeds.
      RuntimeError: no graph has these tags.
    """
    meta_graph = _chosen(message, tags)
    suffix = new_suffix()
    for nodes in (meta_graph.graph_def.node, *(each.node_def for each in meta_graph.graph_def.library.function)):
        for node in nodes:
            share_within_load(node, suffix)
    variables = ImportedVariables(meta_graph)
    savers: list[Any] = []

    def build() -> None:
        savers.append(import_with_variables(meta_graph, variables)[0])

    wrapped = wrap_function(build, [])
    graph = wrapped.graph
    root: Any = AutoTrackable()
    restore = _restorer(wrapped, savers[0])
    if restore is not None:
        if not skip_restoring:
            restore(os.path.join(folder, constants.VARIABLES_DIRECTORY, constants.VARIABLES_FILENAME))
        root.restore = restore
    with graph.as_default():
        init_op = get_init_op(meta_graph) or group(local_variables_initializer(), tables_initializer())
        paths = asset_tensors(folder, meta_graph)
    root.asset_paths = [Asset(path) for path in paths.values()]
    run = wrapped.prune([f"{name}" for name in paths], [init_op])
    root.initializer = _Initializer(lambda *given: run(*given), list(root.asset_paths))
    root.initializer._initialize()
    signatures = {
        key: _signature(wrapped, key, definition)
        for key, definition in sorted(meta_graph.signature_def.items())
        if key not in (constants.INIT_OP_SIGNATURE_KEY, constants.TRAIN_OP_SIGNATURE_KEY)
    }
    root.signatures = create_signature_map(signatures)
    root.variables = variables.all
    root.tensorflow_version = meta_graph.meta_info_def.tensorflow_version
    root.tensorflow_git_version = meta_graph.meta_info_def.tensorflow_git_version
    root.graph = graph
    root.prune = wrapped.prune
    return root


def _chosen(message: Any, tags: Any) -> Any:
    graphs = list(message.meta_graphs)
    known = [list(each.meta_info_def.tags) for each in graphs]
    if tags is None:
        if len(graphs) != 1:
            raise ValueError(
                "Importing a SavedModel with `tf.saved_model.load` requires a `tags=` argument if there is more than "
                f"one MetaGraph. Got `tags=None`, but there are {len(graphs)} MetaGraphs in the SavedModel with tag "
                f"sets: {known}. Pass a `tags=` argument to load this SavedModel."
            )
        return graphs[0]
    for graph, its_tags in zip(graphs, known, strict=True):
        if set(its_tags) == set(tags):
            return graph
    raise RuntimeError(
        f"MetaGraphDef associated with tags {str(tags).strip('[]')} could not be found in SavedModel, with available "
        f"tags '{[set(each) for each in known]}'. To inspect available tag-sets in the SavedModel, please use the "
        "SavedModel CLI: `saved_model_cli`."
    )


def _restorer(wrapped: WrappedFunction, saver: Any) -> Callable[[Any], Any] | None:
    """Returns what restores the variables, given the path of a checkpoint; None if there are none."""
    if saver is None:
        return None
    definition = saver.saver_def
    run = wrapped.prune([definition.filename_tensor_name], [wrapped.graph.as_graph_element(definition.restore_op_name)])
    return lambda save_path: run(convert_to_tensor(save_path))


def _signature(wrapped: WrappedFunction, key: str, definition: Any) -> Any:
    with wrapped.graph.as_default():
        inputs = {name: _element(wrapped.graph, definition.inputs[name]) for name in sorted(definition.inputs)}
        fetches = {name: _element(wrapped.graph, definition.outputs[name]) for name in sorted(definition.outputs)}
    names: list[str] = []
    tensors: list[Any] = []
    for name, feed in inputs.items():
        parts = nest.flatten(feed, expand_composites=True)
        tensors += parts
        if isinstance(feed, SparseTensor):
            names += [f"{name}_{part}" for part in ("indices", "values", "dense_shape")]
        elif isinstance(feed, CompositeTensor):
            names += [f"{name}_component_{number}" for number in range(len(parts))]
        else:
            names.append(name)
    try:
        pruned = wrapped.prune(tensors, fetches)
    except UnliftableError as error:
        raise UnliftableError(
            f"A SavedModel signature needs an input for each placeholder the signature's outputs use. An output for "
            f"signature '{key}' depends on a placeholder which is not an input (i.e. the placeholder is not fed a "
            f"value).\n\n{error}"
        ) from None
    return SignatureFunction(pruned, names)


def _element(graph: Any, info: Any) -> Any:
    """Returns the tensor, composite tensor or operation that a ``TensorInfo`` names."""
    if info.WhichOneof("encoding") == "name":
        return graph.as_graph_element(info.name)
    return get_tensor_from_tensor_info(info, graph)
