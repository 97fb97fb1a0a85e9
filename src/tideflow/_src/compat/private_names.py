"""The modules under `tensorflow.python` that programs import, and `tf.__internal__`, answered from one table.

`private_names.txt` says for each module of TensorFlow 2.21 which of its names are public, and under which name. `make
private-names` makes it with TensorFlow's help (`tests/parity/private_names.py` describes its lines). What has no
public name is looked up in the modules that `OWN` lists.
"""

from __future__ import annotations

import functools
import importlib
import os
from types import ModuleType
from typing import Any

from tideflow._src.graph.op_def import OpDef

#: Where names are looked up that the table does not hold: modules below ``tideflow``, or namespaces of it as the table
#: writes them. Modules that TensorFlow 2.21 does not have are 1.x's, or lie outside ``tensorflow.python``.
OWN: dict[str, tuple[str, ...]] = {
    "compiler.tf2xla.python.xla": ("_src.compat.private.xla",),
    "__internal__.nest": ("_src.compat.private.structures",),
    "__internal__.saved_model": ("_src.compat.private.saved_models",),
    "__internal__.saved_model.load": ("_src.saved_model.revived_types",),
    "__internal__.test.combinations": ("_src.compat.private.combinations",),
    "__internal__.types": ("_src.compat.private.structures",),
    "python.autograph.core.ag_ctx": ("_src.compat.private.graphs",),
    "python.autograph.impl.api": ("_src.compat.private.graphs",),
    "python.autograph.converters.break_statements": ("_src.compat.private.pyct.breaks",),
    "python.autograph.converters.continue_statements": ("_src.compat.private.pyct.continues",),
    "python.autograph.converters.return_statements": ("_src.compat.private.pyct.returns",),
    "python.autograph.core.converter": ("_src.compat.private.pyct.converter",),
    "python.autograph.pyct.anno": ("_src.compat.private.pyct.anno",),
    "python.autograph.pyct.inspect_utils": ("_src.compat.private.pyct.inspect_utils",),
    "python.autograph.pyct.loader": ("_src.compat.private.pyct.loader",),
    "python.autograph.pyct.naming": ("_src.compat.private.pyct.naming",),
    "python.autograph.pyct.parser": ("_src.compat.private.pyct.parser",),
    "python.autograph.pyct.qual_names": ("_src.compat.private.pyct.qual_names",),
    "python.autograph.pyct.templates": ("_src.compat.private.pyct.templates",),
    "python.autograph.pyct.transformer": ("_src.compat.private.pyct.transformer",),
    "python.autograph.pyct.common_transformers.anf": ("_src.compat.private.pyct.anf",),
    "python.autograph.pyct.static_analysis.activity": ("_src.compat.private.pyct.activity",),
    "python.checkpoint.async_checkpoint_helper": ("_src.checkpoint.async_writer",),
    "python.checkpoint.checkpoint": (
        "_src.checkpoint.checkpoint",
        "_src.checkpoint.load_status",
        "_src.checkpoint.object_saver",
    ),
    "python.checkpoint.checkpoint_management": ("_src.checkpoint.state_file", "_src.checkpoint.checkpoint_manager"),
    "python.checkpoint.checkpoint_options": ("_src.checkpoint.checkpoint_options",),
    "python.checkpoint.graph_view": ("_src.state.object_graph",),
    "python.checkpoint.restore": ("_src.checkpoint.object_restoration",),
    "python.checkpoint.trackable_view": ("_src.state.object_graph",),
    "python.client.device_lib": ("_src.compat.private.general",),
    "python.client.session": ("_src.compat.private.sessions",),
    "python.client.timeline": ("_src.compat.private.sessions",),
    "python.compiler.xla.jit": ("_src.function.xla_scopes",),
    "python.compiler.xla.xla": ("_src.function.xla_scopes",),
    "python.data.experimental.ops.distribute": ("_src.compat.private.data_batches",),
    "python.data.ops.from_generator_op": ("_src.compat.private.dataset_kinds",),
    "python.data.ops.from_sparse_tensor_slices_op": ("_src.compat.private.dataset_kinds",),
    "python.data.ops.from_tensor_slices_op": ("_src.compat.private.dataset_kinds",),
    "python.data.ops.from_tensors_op": ("_src.compat.private.dataset_kinds",),
    "python.data.ops.range_op": ("_src.compat.private.dataset_kinds",),
    "python.data.ops.iterator_ops": ("_src.data.iterators",),
    "python.data.ops.optional_ops": ("_src.compat.private.structures",),
    "python.data.util.nest": ("_src.compat.private.data_structures",),
    "python.distribute.distribute_lib": ("_src.distribute.contexts", "_src.distribute.strategy", "tf.distribute"),
    "python.distribute.load_context": ("_src.compat.private.saved_models", "_src.compat.private.hooks"),
    "python.distribute.merge_call_interim": ("_src.distribute.contexts",),
    "python.distribute.one_device_strategy": ("_src.distribute.one_device",),
    "python.eager.backprop": ("_src.compat.private.nodes",),
    "python.eager.context": (
        "_src.compat.private.eager_context",
        "_src.compat.private.general",
        "_src.compat.private.graphs",
    ),
    "python.eager.def_function": ("_src.compat.private.graphs",),
    "python.eager.monitoring": ("_src.compat.private.monitoring",),
    "python.eager.polymorphic_function.polymorphic_function": ("_src.compat.private.graphs",),
    "python.eager.wrap_function": ("_src.function.wrapped_function",),
    "__internal__.feature_column": ("_src.feature_column.base", "_src.feature_column.serialization"),
    "python.feature_column.feature_column_v2": (
        "_src.feature_column.base",
        "_src.feature_column.numeric",
        "_src.feature_column.categorical",
        "_src.feature_column.sequence",
        "_src.feature_column.dense",
    ),
    "python.feature_column.feature_column_v2_types": ("_src.feature_column.base",),
    "python.feature_column.serialization": ("_src.feature_column.serialization",),
    "python.feature_column.sequence_feature_column": ("_src.feature_column.sequence",),
    "python.framework.common_shapes": ("_src.compat.private.general",),
    "python.framework.composite_tensor": ("_src.core.type_spec", "_src.compat.private.structures"),
    "python.framework.composite_tensor_gradient": ("_src.compat.private.structures",),
    "python.framework.config": ("_src.compat.private.general",),
    "python.framework.convert_to_constants": ("_src.io.frozen_functions",),
    "python.framework.device_spec": ("v1",),
    "python.framework.dtypes": ("_src.core.dtypes",),
    "python.framework.errors": ("_src.compat.private.structures",),
    "python.framework.errors_impl": ("_src.compat.private.structures",),
    "python.framework.extension_type": ("_src.compat.private.structures",),
    "python.framework.extension_type_field": ("_src.compat.private.structures",),
    "python.framework.func_graph": ("_src.compat.private.graphs",),
    "python.framework.immutable_dict": ("_src.compat.private.structures",),
    "python.framework.none_tensor": ("_src.compat.private.structures",),
    "python.framework.ops": (
        "_src.core.tensor",
        "v1",
        "tf",
        "_src.compat.private.sessions",
        "_src.compat.private.nodes",
        "_src.profiler.statistics",
        "_src.compat.private.old_graphs",
        "_src.compat.private.graphs",
    ),
    "python.framework.smart_cond": ("_src.layers.smart_conditional",),
    "python.framework.sparse_tensor": ("_src.runtime.sparse_tensor",),
    "python.framework.tensor": ("_src.core.tensor",),
    "python.framework.tensor_shape": ("_src.core.tensor_shape",),
    "python.framework.tensor_spec": ("_src.core.tensor_spec",),
    "python.framework.tensor_util": ("_src.compat.private.general", "_src.compat.private.graphs"),
    "python.framework.test_combinations": ("_src.compat.private.combinations",),
    "python.framework.test_util": ("_src.compat.private.system",),
    "python.framework.type_spec": ("_src.core.type_spec", "_src.compat.private.structures"),
    "python.framework.type_spec_registry": (
        "_src.core.type_spec",
        "_src.compat.private.structures",
        "_src.compat.private.graphs",
    ),
    "python.keras.engine.input_spec": ("_src.compat.private.layers",),
    "python.layers.base": ("v1.layers",),
    "python.layers.convolutional": ("v1.layers", "_src.compat.private.layers"),
    "python.layers.core": ("v1.layers",),
    "python.layers.layers": ("v1.layers",),
    "python.layers.normalization": ("v1.layers",),
    "python.layers.pooling": ("v1.layers",),
    "python.lib.io.file_io": ("_src.compat.private.sessions",),
    "python.ops.array_ops": ("_src.compat.private.general",),
    "python.ops.confusion_matrix": ("_src.layers.squeezing",),
    "python.ops.control_flow_case": ("_src.compat.private.graphs",),
    "python.ops.control_flow_ops": ("_src.ops.control.grouping", "_src.compat.private.graphs"),
    "python.ops.control_flow_switch_case": ("_src.compat.private.graphs",),
    "python.ops.control_flow_util": ("_src.compat.private.general",),
    "python.ops.data_flow_ops": ("_src.ops.queues.staging_areas",),
    "python.ops.distributions.special_math": ("_src.distributions.special_functions",),
    "python.ops.distributions.util": ("_src.distributions.parameters",),
    "python.ops.init_ops": ("v1.initializers", "_src.state.initializers"),
    "python.ops.linalg.linear_operator": ("_src.compat.private.graphs",),
    "python.ops.linalg.linear_operator_addition": ("_src.ops.linalg.operators.addition",),
    "python.ops.list_ops": ("_src.compat.private.lists",),
    "python.ops.lookup_ops": ("_src.compat.private.graphs", "_src.io.vocabulary_tables"),
    "python.ops.math_ops": ("_src.compat.private.general",),
    "python.ops.metrics_impl": ("_src.compat.private.metrics",),
    "python.ops.op_selector": ("_src.compat.private.sessions",),
    "python.ops.parallel_for.control_flow_ops": ("_src.compat.private.graphs",),
    "python.ops.ragged.dynamic_ragged_shape": (
        "_src.ops.ragged.dynamic_ragged_shape",
        "_src.ops.ragged.dynamic_ragged_shape_spec",
        "_src.ops.ragged.broadcasting",
    ),
    "python.ops.ragged.ragged_gather_ops": ("_src.ops.ragged.elements_by_index",),
    "python.ops.ragged.ragged_map_ops": ("_src.compat.private.graphs",),
    "python.ops.ragged.ragged_ops": ("_src.compat.private.ragged",),
    "python.ops.ragged.ragged_string_ops": ("_src.compat.private.ragged",),
    "python.ops.ragged.ragged_tensor": ("_src.ops.ragged.ragged_tensor", "_src.ops.ragged.ragged_parts"),
    "python.ops.ragged.ragged_util": ("_src.compat.private.ragged",),
    "python.ops.ragged.row_partition": (
        "_src.ops.ragged.row_partition",
        "_src.ops.ragged.row_partition_spec",
        "_src.ops.ragged.row_encodings",
    ),
    "python.ops.random_ops": ("_src.compat.private.random_functions",),
    "python.ops.resource_variable_ops": (
        "_src.state.resource_variable",
        "_src.compat.private.graphs",
        "_src.compat.private.nodes",
    ),
    "python.ops.resources": ("_src.compat.private.sessions",),
    "python.ops.rnn_cell": ("v1.nn.rnn_cell",),
    "python.ops.rnn_cell_impl": ("v1.nn.rnn_cell",),
    "python.ops.standard_ops": ("v1",),
    "python.framework.weak_tensor": ("_src.numpy_api.weak_tensor",),
    "python.ops.nn_ops": ("_src.compat.private.convolutions",),
    "python.ops.numpy_ops": ("tf.experimental.numpy",),
    "python.ops.numpy_ops.np_array_ops": ("tf.experimental.numpy",),
    "python.ops.numpy_ops.np_arrays": ("tf.experimental.numpy", "_src.runtime.device_copies"),
    "python.ops.numpy_ops.np_dtypes": ("tf.experimental.numpy", "_src.numpy_api.promotion"),
    "python.ops.numpy_ops.np_math_ops": ("tf.experimental.numpy",),
    "python.ops.numpy_ops.np_utils": ("tf.experimental.numpy", "_src.numpy_api.promotion"),
    "python.ops.summary_ops_v2": (
        "_src.compat.contrib_summary",
        "_src.summary.recording",
        "_src.summary.traces",
        "_src.summary.writers",
    ),
    "python.ops.variable_scope": ("_src.compat.private.graphs",),
    "python.ops.variables": ("_src.state.variable", "_src.state.partitioned_variable"),
    "python.ops.weights_broadcast_ops": ("_src.layers.weights_broadcast",),
    "python.platform.build_info": ("_src.compat.private.system",),
    "python.platform.flags": ("v1.flags",),
    "python.profiler.profiler_client": ("_src.profiler.session",),
    "python.profiler.profiler_v2": ("_src.profiler.session",),
    "python.profiler.trace": ("_src.profiler.session",),
    "python.pywrap_tensorflow": ("_src.compat.private.sessions",),
    "python.pywrap_tfe": ("_src.compat.private.system",),
    "python.saved_model.builder": ("_src.saved_model.v1.builder",),
    "python.saved_model.builder_impl": ("_src.saved_model.v1.builder",),
    "python.saved_model.constants": ("_src.saved_model.constants",),
    "python.saved_model.fingerprinting": ("_src.saved_model.fingerprint",),
    "python.saved_model.load": ("_src.saved_model.load",),
    "python.saved_model.load_options": ("_src.saved_model.options",),
    "python.saved_model.loader": ("_src.saved_model.v1.loader",),
    "python.saved_model.loader_impl": ("_src.saved_model.v1.loader", "_src.saved_model.files"),
    "python.saved_model.main_op": ("_src.saved_model.v1.main_ops",),
    "python.saved_model.main_op_impl": ("_src.saved_model.v1.main_ops",),
    "python.saved_model.model_utils.mode_keys": ("_src.compat.private.mode_keys",),
    "python.saved_model.nested_structure_coder": ("_src.compat.private.saved_models",),
    "python.saved_model.revived_types": ("_src.saved_model.revived_types",),
    "python.saved_model.save": ("_src.saved_model.save",),
    "python.saved_model.save_options": ("_src.saved_model.options",),
    "python.saved_model.signature_constants": ("_src.saved_model.constants",),
    "python.saved_model.signature_def_utils": ("_src.saved_model.v1.signature_definitions",),
    "python.saved_model.signature_def_utils_impl": ("_src.saved_model.v1.signature_definitions",),
    "python.saved_model.signature_serialization": ("_src.saved_model.signature_map",),
    "python.saved_model.tag_constants": ("_src.saved_model.constants",),
    "python.saved_model.utils": ("_src.saved_model.v1.tensor_info",),
    "python.saved_model.utils_impl": ("_src.saved_model.v1.tensor_info",),
    "python.tools.freeze_graph": ("_src.tools.freeze_graph",),
    "python.tools.inspect_checkpoint": ("_src.tools.inspect_checkpoint",),
    "python.tools.optimize_for_inference": ("_src.tools.optimize_for_inference",),
    "python.tools.optimize_for_inference_lib": ("_src.tools.inference_graphs",),
    "python.tools.saved_model_cli": ("_src.tools.saved_model_cli",),
    "python.tools.saved_model_utils": ("_src.tools.saved_model_utils",),
    "python.tools.strip_unused": ("_src.tools.strip_unused",),
    "python.tools.strip_unused_lib": ("_src.tools.inference_graphs", "_src.tools.strip_unused"),
    "python.tf2": ("_src.compat.private.general",),
    "python.tpu.tpu_function": ("_src.compat.private.system",),
    "python.trackable.asset": ("_src.io.captured_resource",),
    "python.trackable.autotrackable": ("_src.state.autotrackable",),
    "python.trackable.base": ("_src.state.trackable",),
    "python.trackable.base_delegate": ("_src.state.trackable",),
    "python.trackable.data_structures": ("_src.state.tracked_structures", "_src.state.trackable"),
    "python.trackable.python_state": ("_src.checkpoint.python_state",),
    "python.trackable.resource": ("_src.io.captured_resource",),
    "python.training.evaluation": ("_src.train.evaluation",),
    "python.training.experimental.mixed_precision": ("_src.train.mixed_precision",),
    "python.training.experimental.mixed_precision_global_state": ("_src.train.mixed_precision",),
    "python.training.monitored_session": ("_src.compat.private.sessions",),
    "python.training.moving_averages": ("_src.train.moving_averages",),
    "python.training.saving.saveable_object": ("_src.checkpoint.saveables",),
    "python.training.slot_creator": ("_src.train.slot_creator",),
    "python.training.sync_replicas_optimizer": ("v1.train",),
    "python.types.core": (
        "_src.compat.private.protocols",
        "_src.compat.private.structures",
        "_src.compat.private.graphs",
    ),
    "python.types.trace": ("_src.compat.private.structures",),
    "python.util.all_util": ("_src.compat.private.general",),
    "python.util.deprecation": ("_src.compat.deprecation",),
    "python.util.deprecation_wrapper": ("_src.compat.private.system",),
    "python.util.dispatch": ("_src.ops.dispatch", "_src.ops.elementwise_dispatch"),
    "python.util.keras_deps": ("_src.compat.private.hooks",),
    "python.util.nest": ("_src.core.nest", "_src.compat.private.structures"),
    "python.util.object_identity": ("_src.core.object_identity",),
    "python.util.tf_contextlib": ("_src.compat.decorators",),
    "python.util.tf_decorator": ("_src.compat.decorators",),
    "python.util.tf_export": ("_src.compat.decorators",),
    "python.util.tf_inspect": ("_src.compat.inspection",),
    "python.util.variable_utils": ("_src.compat.private.structures",),
    "tools.docs.doc_controls": ("_src.compat.private.documentation",),
}

#: Modules of earlier releases that have a namesake elsewhere: programs do without them where they are not.
GONE = frozenset(["python.saved_model.load_context"])

_TABLE = os.path.splitext(__file__)[0] + ".txt"


class PrivateModule(ModuleType):
    """A stand-in for one module that TensorFlow keeps to itself: its names are looked up when they are used.

    Args:
      path: the module's path below `tensorflow`.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"tensorflow.{path}", f"Names that TensorFlow has in {path}, under Tideflow's own.")
        self.__path__: list[str] = []
        self._path = path

    def __getattr__(self, name: str) -> Any:
        """Returns the object of that name, from where the table says it is, or from the modules of `OWN`."""
        if name == "__all__":
            return [each for each in _names(self._path) if not each.startswith("_")]
        value, note = None, "Tideflow has no such name in its place"
        if not name.startswith("__"):
            place = _names(self._path).get(name)
            if place is not None:
                value = _find(*place)
                note = f"Tideflow does not have {'.'.join(place)}, which it is, yet"
            for namespace in (*OWN.get(self._path, ()), *_namespaces(self._path)) if value is None else ():
                value = _find(namespace, name) if value is None else value
            if value is None:
                value = _module_named(self._path, name)
        if value is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}: {note}", name=name, obj=self)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *_names(self._path)})


@functools.cache
def private_module(path: str) -> PrivateModule | None:
    """Returns the module at a path below ``tensorflow`` (``"python.ops.math_ops"``), or None if there is none."""
    return PrivateModule(path) if path in _paths() else None


@functools.cache
def _lines() -> dict[str, list[str]]:
    """Returns the lines of the table by the module that they belong to."""
    found: dict[str, list[str]] = {}
    path = ""
    with open(_TABLE, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        if line.startswith(" "):
            found[path].append(line)
        else:
            path = line
            found[path] = []
    return found


@functools.cache
def _paths() -> frozenset[str]:
    """Returns the paths of all modules, and of the packages that hold them."""
    found = {*_lines(), *OWN}
    for path in tuple(found):
        words = path.split(".")
        found.update(".".join(words[:count]) for count in range(1, len(words)))
    return frozenset(found)


@functools.cache
def _names(path: str) -> dict[str, tuple[str, str]]:
    """Returns the names of a module that the table holds, and the namespace and name that each stands for."""
    found = {}
    for line in _lines().get(path, ()):
        namespace, *names = line.split()
        for name in names:
            private, _, public = name.partition("=")
            found[private] = namespace, public or private
    return found


@functools.cache
def _namespaces(path: str) -> list[str]:
    """Returns the namespaces that a module's public names are in, the 1.x ones first.

    A private function that is no public one, but calls it, has its name more often than not.
    """
    found = [line.split(maxsplit=1)[0] for line in _lines().get(path, ())]
    return sorted((each for each in found if each.startswith(("v1", "tf"))), key=lambda each: each.startswith("tf"))


def _find(namespace: str, name: str) -> Any:
    """Returns a name of a namespace as the table writes it, or None if it is not there."""
    if namespace == "raw":
        return _positional(_operations().get(name.replace("_", ""), ""))
    root, *parts = namespace.split(".")
    if root == "_src":
        return getattr(importlib.import_module(f"tideflow.{namespace}"), name, None)
    if root in ("python", "__internal__"):
        module = private_module(namespace)
        return getattr(module, name, None)
    owner: Any = importlib.import_module({"tf": "tideflow", "v1": "tideflow.compat.v1"}[root])
    for part in (*parts, name):
        owner = getattr(owner, part, None)
    return owner


@functools.cache
def _positional(operation: str) -> Any:
    """Returns a function that makes an operation and takes its attributes by position, too, as private modules do."""
    definition = OpDef.registry.get(operation)
    if definition is None:
        return None
    inputs, attributes = len(definition.inputs), (*definition.kernel_attributes, "name")

    @functools.wraps(definition.call)
    def make(*arguments: Any, **named: Any) -> Any:
        given = dict(zip(attributes, arguments[inputs:], strict=False))
        return definition(*arguments[:inputs], **given, **named)

    return make


@functools.cache
def _operations() -> dict[str, str]:
    """Returns the names of the operations by what is left of them without capitals: ``matmul``."""
    raw_ops = importlib.import_module("tideflow.raw_ops")
    return {name.lower(): name for name in dir(raw_ops) if not name.startswith("_")}


def _module_named(path: str, name: str) -> ModuleType | None:
    """Returns the module that a module knows under its own last name: TensorFlow's import each other so."""
    below = private_module(f"{path}.{name}")
    if below is not None or not path.startswith("python.") or f"{path}.{name}" in GONE:
        return below
    found = [each for each in _paths() if each.endswith(f".{name}")]
    return private_module(min(found, key=lambda each: (each.count("."), each))) if found else None
