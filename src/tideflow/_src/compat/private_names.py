"""The modules under `tensorflow.python` that programs import, answered from the public names."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

# Where the names of each module are found: namespaces of the 1.x API, searched in order. TensorFlow's
# private modules hold the 1.x form of a function under its plain name, and the 2.x form under name_v2.
PRIVATE_MODULES: dict[str, tuple[str, ...]] = {
    f"tensorflow.python{'.' if path else ''}{path}": namespaces
    for path, namespaces in {
        "": (),
        "client": (),
        "client.session": ("",),
        "eager": (),
        "eager.backprop": ("",),
        "eager.context": ("", "config"),
        "framework": (),
        "framework.constant_op": ("",),
        "framework.dtypes": ("dtypes", ""),
        "framework.errors": ("errors",),
        "framework.errors_impl": ("errors",),
        "framework.graph_util": ("graph_util",),
        "framework.importer": ("",),
        "framework.indexed_slices": ("",),
        "framework.ops": ("",),
        "framework.random_seed": ("random", ""),
        "framework.tensor": ("",),
        "framework.tensor_shape": ("",),
        "framework.tensor_spec": ("",),
        "framework.tensor_util": ("",),
        "ops": (),
        "ops.array_ops": ("",),
        "ops.check_ops": ("debugging", ""),
        "ops.clip_ops": ("",),
        "ops.control_flow_assert": ("",),
        "ops.control_flow_ops": ("",),
        "ops.cond": ("",),
        "ops.custom_gradient": ("",),
        "ops.embedding_ops": ("nn",),
        "ops.gradients": ("",),
        "ops.gradients_impl": ("",),
        "ops.init_ops": ("initializers", ""),
        "ops.linalg_ops": ("linalg", ""),
        "ops.logging_ops": ("",),
        "ops.math_ops": ("math", ""),
        "ops.nn": ("nn",),
        "ops.nn_impl": ("nn",),
        "ops.nn_ops": ("nn",),
        "ops.random_ops": ("random", ""),
        "ops.script_ops": ("",),
        "ops.state_ops": ("",),
        "ops.string_ops": ("strings", ""),
        "ops.variable_scope": ("",),
        "ops.variables": ("",),
        "ops.while_loop": ("",),
        "platform": (),
        "platform.gfile": ("gfile",),
        "platform.tf_logging": ("logging",),
        "training": (),
        "training.adam": ("train",),
        "training.gradient_descent": ("train",),
        "training.optimizer": ("train",),
        "training.training": ("train",),
        "training.training_util": ("train",),
        "util": (),
        "util.nest": ("nest",),
    }.items()
}


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
                owner: Any = importlib.import_module(root)
                if namespace:
                    owner = getattr(owner, namespace, None)
                value = getattr(owner, plain, None)
                if value is not None:
                    self.__dict__[name] = value
                    return value
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}: Tideflow answers for a private module of "
            f"TensorFlow only with public names",
            name=name,
            obj=self,
        )
