"""The modules under `tensorflow.python` that programs import, answered from the public names."""

from __future__ import annotations

import functools
import importlib
import re
from types import ModuleType
from typing import Any

from tideflow._src.graph.op_def import OpDef

# Where the names of each module are found: namespaces of the 1.x API, searched in order. TensorFlow's
# private modules hold the 1.x form of a function under its plain name, and the 2.x form under name_v2. What has no
# public name is looked up in the modules of this project that are named with their folder.
PRIVATE_MODULES: dict[str, tuple[str, ...]] = {
    f"tensorflow.python{'.' if path else ''}{path}": namespaces
    for path, namespaces in {
        "": (),
        "client": (),
        "client.device_lib": ("_src/compat/private_functions",),
        "client.session": ("",),
        "eager": (),
        "eager.backprop": ("",),
        "eager.context": ("", "config", "_src/compat/private_functions"),
        "eager.def_function": ("",),
        "framework": (),
        "framework.composite_tensor": ("_src/core/type_spec",),
        "framework.config": ("config", "config.experimental", "_src/compat/private_functions"),
        "framework.constant_op": ("",),
        "framework.dtypes": ("dtypes", "", "_src/core/dtypes"),
        "framework.errors": ("errors",),
        "framework.errors_impl": ("errors",),
        "framework.graph_util": ("graph_util",),
        "framework.importer": ("",),
        "framework.indexed_slices": ("",),
        "framework.ops": ("", "_src/core/tensor"),
        "framework.random_seed": ("random", ""),
        "framework.smart_cond": ("_src/layers/smart_conditional",),
        "framework.sparse_tensor": ("sparse", ""),
        "framework.tensor": ("", "_src/core/tensor"),
        "framework.tensor_shape": ("", "_src/core/tensor_shape"),
        "framework.tensor_spec": ("", "_src/core/tensor_spec"),
        "framework.tensor_util": ("", "_src/compat/private_functions"),
        "framework.type_spec": ("", "_src/core/type_spec"),
        "framework.type_spec_registry": ("_src/core/type_spec",),
        "layers": (),
        "layers.base": ("layers",),
        "layers.convolutional": ("layers",),
        "layers.core": ("layers",),
        "layers.layers": ("layers",),
        "layers.normalization": ("layers",),
        "layers.pooling": ("layers",),
        "lib": (),
        "lib.io": (),
        "lib.io.tf_record": ("python_io", "io"),
        "ops": (),
        "ops.array_ops": ("", "nn", "quantization", "sets"),
        "ops.bitwise_ops": ("bitwise",),
        "ops.candidate_sampling_ops": ("random", "nn"),
        "ops.check_ops": ("debugging", ""),
        "ops.clip_ops": ("",),
        "ops.cond": ("",),
        "ops.confusion_matrix": ("math", "", "_src/layers/squeezing"),
        "ops.control_flow_assert": ("",),
        "ops.control_flow_case": ("",),
        "ops.control_flow_ops": ("", "_src/ops/control/grouping"),
        "ops.control_flow_switch_case": ("",),
        "ops.control_flow_util": ("_src/compat/private_functions",),
        "ops.ctc_ops": ("nn",),
        "ops.custom_gradient": ("",),
        "ops.data_flow_ops": ("queue", "", "lookup"),
        "ops.embedding_ops": ("nn",),
        "ops.functional_ops": ("",),
        **dict.fromkeys(
            (
                "ops.gen_array_ops",
                "ops.gen_bitwise_ops",
                "ops.gen_candidate_sampling_ops",
                "ops.gen_control_flow_ops",
                "ops.gen_data_flow_ops",
                "ops.gen_functional_ops",
                "ops.gen_image_ops",
                "ops.gen_io_ops",
                "ops.gen_linalg_ops",
                "ops.gen_list_ops",
                "ops.gen_logging_ops",
                "ops.gen_lookup_ops",
                "ops.gen_math_ops",
                "ops.gen_nn_ops",
                "ops.gen_parsing_ops",
                "ops.gen_random_ops",
                "ops.gen_resource_variable_ops",
                "ops.gen_set_ops",
                "ops.gen_sparse_ops",
                "ops.gen_spectral_ops",
                "ops.gen_state_ops",
                "ops.gen_stateless_random_ops",
                "ops.gen_string_ops",
                "ops.gen_training_ops",
            ),
            ("raw_ops",),
        ),
        "ops.gradients": ("",),
        "ops.gradients_impl": ("",),
        "ops.histogram_ops": ("",),
        "ops.image_ops": ("image",),
        "ops.image_ops_impl": ("image",),
        "ops.init_ops": ("initializers", ""),
        "ops.io_ops": ("io", ""),
        "ops.linalg": (),
        "ops.linalg.linalg": ("linalg", ""),
        "ops.linalg.linear_operator": ("linalg",),
        "ops.linalg_ops": ("linalg", ""),
        "ops.logging_ops": ("",),
        "ops.lookup_ops": ("lookup", ""),
        "ops.losses": (),
        "ops.losses.losses": ("losses",),
        "ops.losses.losses_impl": ("losses",),
        "ops.losses.util": ("losses",),
        "ops.manip_ops": ("manip", ""),
        "ops.map_fn": ("",),
        "ops.math_ops": ("math", ""),
        "ops.metrics": ("metrics",),
        "ops.metrics_impl": ("metrics", "_src/layers/metric_variables", "_src/layers/squeezing"),
        "ops.nn": ("nn",),
        "ops.nn_impl": ("nn",),
        "ops.nn_ops": ("nn",),
        "ops.numerics": ("debugging", ""),
        "ops.parsing_ops": ("io", ""),
        "ops.partitioned_variables": ("",),
        "ops.random_ops": ("random", ""),
        "ops.resource_variable_ops": ("", "_src/state/resource_variable"),
        "ops.rnn": ("nn",),
        "ops.rnn_cell": ("nn.rnn_cell",),
        "ops.rnn_cell_impl": ("nn.rnn_cell",),
        "ops.script_ops": ("",),
        "ops.session_ops": ("",),
        "ops.sets": ("sets",),
        "ops.sets_impl": ("sets",),
        "ops.sparse_ops": ("sparse", ""),
        "ops.special_math_ops": ("math", ""),
        "ops.standard_ops": ("", "math", "nn"),
        "ops.state_ops": ("",),
        "ops.string_ops": ("strings", ""),
        "ops.summary_ops_v2": ("summary",),
        "ops.template": ("",),
        "ops.tensor_array_ops": ("",),
        "ops.variable_scope": ("",),
        "ops.variable_v1": ("",),
        "ops.variables": ("",),
        "ops.weights_broadcast_ops": ("_src/layers/weights_broadcast",),
        "ops.while_loop": ("",),
        "platform": (),
        "platform.app": ("app",),
        "platform.flags": ("flags",),
        "platform.gfile": ("gfile",),
        "platform.resource_loader": ("resource_loader",),
        "platform.test": ("test",),
        "platform.tf_logging": ("logging",),
        "summary": (),
        "summary.summary": ("summary",),
        "summary.summary_iterator": ("train",),
        "tf2": ("_src/compat/private_functions",),
        "training": (),
        "training.adadelta": ("train",),
        "training.adagrad": ("train",),
        "training.adam": ("train",),
        "training.basic_session_run_hooks": ("train",),
        "training.checkpoint_management": ("train",),
        "training.coordinator": ("train",),
        "training.ftrl": ("train",),
        "training.gradient_descent": ("train",),
        "training.input": ("train",),
        "training.learning_rate_decay": ("train",),
        "training.momentum": ("train",),
        "training.monitored_session": ("train",),
        "training.moving_averages": ("train", "_src/train/moving_averages"),
        "training.optimizer": ("train",),
        "training.queue_runner": ("train",),
        "training.queue_runner_impl": ("train",),
        "training.rmsprop": ("train",),
        "training.saver": ("train",),
        "training.server_lib": ("train",),
        "training.session_manager": ("train",),
        "training.session_run_hook": ("train",),
        "training.slot_creator": ("_src/train/slot_creator",),
        "training.summary_io": ("summary", "train"),
        "training.supervisor": ("train",),
        "training.training": ("train",),
        "training.training_util": ("train",),
        "util": (),
        "util.all_util": ("_src/compat/private_functions",),
        "util.compat": ("compat",),
        "util.deprecation": ("_src/compat/deprecation",),
        "util.dispatch": ("_src/ops/dispatch", "_src/ops/elementwise_dispatch"),
        "util.nest": ("nest", "_src/core/nest"),
        "util.object_identity": ("_src/compat/object_identity",),
        "util.tf_contextlib": ("_src/compat/decorators",),
        "util.tf_decorator": ("_src/compat/decorators",),
        "util.tf_export": ("_src/compat/decorators",),
        "util.tf_inspect": ("_src/compat/inspection",),
    }.items()
}

_OWN = "_src/"


class PrivateModule(ModuleType):
    """A stand-in for one module under `tensorflow.python`: its names are looked up in the public API."""

    def __init__(self, fullname: str) -> None:
        super().__init__(fullname, f"Public names that TensorFlow also has in {fullname}.")
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Returns the public object of that name; one that ends in `_v2` is the 2.x form."""
        namespaces = PRIVATE_MODULES[self.__name__]
        if not name.startswith("__"):
            plain = name.removesuffix("_v2").removesuffix("V2")
            root = "tideflow.compat.v1" if plain == name else "tideflow"
            for namespace in namespaces:
                if namespace.startswith(_OWN):
                    owner: Any = importlib.import_module(f"tideflow.{namespace.replace('/', '.')}")
                    value = getattr(owner, name, None)
                else:
                    owner = importlib.import_module(root)
                    for part in namespace.split(".") if namespace else ():
                        owner = getattr(owner, part, None)
                    value = _raw_operation(name) if namespace == "raw_ops" else getattr(owner, plain, None)
                if value is not None:
                    self.__dict__[name] = value
                    return value
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}: Tideflow answers for a private module of "
            f"TensorFlow with public names and few others",
            name=name,
            obj=self,
        )


@functools.cache
def _small_names() -> dict[str, str]:
    """Returns the names of the operations by those that TensorFlow's generated functions have: ``mat_mul``."""
    raw_ops = importlib.import_module("tideflow.raw_ops")
    return {_small(name): name for name in dir(raw_ops) if not name.startswith("_")}


def _small(name: str) -> str:
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def _raw_operation(name: str) -> Any:
    return OpDef.registry.get(_small_names().get(name, ""))
