"""Makes `import tensorflow` mean Tideflow, in the dialect a program was written in."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from tideflow._src.compat import message_modules
from tideflow._src.compat.private_names import private_module
from tideflow._src.core.class_names import use_names_of_tensorflow
from tideflow._src.graph.protos import schema_pool

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:  # what they give is not needed, and the module takes 8 ms to load
    Loader = MetaPathFinder = object


class Dialect(NamedTuple):
    """A generation of TensorFlow programs: the namespace that serves it, and the version it is told."""

    namespace: str
    version: str
    graph_mode: bool


DIALECTS = {
    "v2": Dialect("tideflow", "2.21.0", graph_mode=False),
    "v1": Dialect("tideflow.compat.v1", "1.15.5", graph_mode=True),
    "v0": Dialect("tideflow.v0", "0.12.1", graph_mode=True),
}

_LATER = "Tideflow does not have tf.{} yet; it comes with a later release. Until then, {}."

# What Tideflow does not have, and what a use of it says. A name that the namespace does have is served.
ABSENT_NAMES = {
    "contrib": "tf.contrib was removed in TensorFlow 2.0: its parts moved into the core (tf.nn, tf.train, tf.data) or "
    "into packages of their own. Run a 1.x program with `python -m tideflow --v1`.",
    "estimator": "tf.estimator was removed in TensorFlow 2.16 and Tideflow does not have it: "
    "run the training loop with tf.compat.v1.Session.",
    "examples": "tensorflow.examples was removed in TensorFlow 2.0; its tutorials.mnist is there for 1.x programs: run "
    "them with `python -m tideflow --v1`.",
    "function": _LATER.format("function", "call the function eagerly or build a graph with tf.compat.v1.Session"),
}


def install_as_tensorflow(dialect: str = "v2") -> None:
    """Makes every later `import tensorflow` in this process give Tideflow.

    Calling it again with the same dialect changes nothing. Call it first of all: packages whose messages are made of
    TensorFlow's (``tensorflow_serving``) find Tideflow's if no wire message was used before.

    Args:
      dialect: what the program was written for. "v2" is TensorFlow 2; "v1" is TensorFlow 1.x, with
        graphs and sessions; "v0" is TensorFlow 0.8 to 0.12, with its older names as well. "v1" and "v0"
        switch TensorFlow 2 behaviour off, as `tf.compat.v1.disable_v2_behavior()` does.

    Raises:
      ValueError: the dialect is none of these.
      ImportError: the real TensorFlow, or something else of that name, is already imported.
      RuntimeError: Tideflow was already installed in another dialect.
    """
    if dialect not in DIALECTS:
        known = ", ".join(repr(name) for name in DIALECTS)
        raise ValueError(f"install_as_tensorflow: dialect must be one of {known}, got {dialect!r}")
    current = sys.modules.get("tensorflow")
    if isinstance(current, TensorflowAlias):
        if current.__dialect__ != dialect:
            raise RuntimeError(
                f"Tideflow already stands in for tensorflow in dialect {current.__dialect__!r}; "
                f"it cannot change to {dialect!r} in the same process"
            )
        return
    namespace = importlib.import_module(DIALECTS[dialect].namespace)
    if current is not None and current is not namespace:
        origin = getattr(current, "__file__", None) or "no file"
        raise ImportError(
            f"cannot install Tideflow as tensorflow: this process has already imported another tensorflow "
            f"({origin}). Call tideflow.install_as_tensorflow() before anything imports tensorflow, "
            f"or start the program with 'python -m tideflow'.",
            name="tensorflow",
        )
    if DIALECTS[dialect].graph_mode:
        importlib.import_module("tideflow.compat.v1").disable_v2_behavior()
    schema_pool.share()
    use_names_of_tensorflow()
    sys.meta_path.insert(0, TensorflowFinder())
    sys.modules["tensorflow"] = TensorflowAlias(dialect, namespace)


class TensorflowAlias(ModuleType):
    """The module `tensorflow`: it answers with the names of a Tideflow namespace.

    It is a module of its own, rather than that namespace under a second name, because it has a version
    of its own: programs compare `tf.__version__` with TensorFlow's releases.
    """

    __dialect__: str
    __namespace__: ModuleType

    def __init__(self, dialect: str, namespace: ModuleType) -> None:
        super().__init__("tensorflow", namespace.__doc__)
        self.__dialect__ = dialect
        self.__namespace__ = namespace
        self.__version__ = DIALECTS[dialect].version
        self.__file__ = namespace.__file__
        self.__package__ = "tensorflow"
        self.__path__: list[str] = []
        self.__loader__ = TensorflowLoader()
        self.__spec__ = ModuleSpec("tensorflow", self.__loader__, origin=namespace.__file__, is_package=True)
        if dialect != "v2":
            self.VERSION = self.__version__

    def __getattr__(self, name: str) -> Any:
        """Returns a name of the namespace, and keeps it so that the next access is a plain one."""
        namespace = self.__dict__["__namespace__"]
        if name == "__all__":
            return [public for public in dir(namespace) if not public.startswith("_")]
        try:
            value = getattr(namespace, name)
        except AttributeError as error:
            if name in ABSENT_NAMES:
                raise AttributeError(ABSENT_NAMES[name], name=name, obj=self) from None
            # What the namespace says of a name that was removed is worth more than that it is not there.
            if "has no attribute" in str(error):
                message = f"module 'tensorflow' has no attribute {name!r} (it is Tideflow's {namespace.__name__})"
                raise AttributeError(message, name=name, obj=self) from None
            raise
        if not name.startswith("__"):
            self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *dir(self.__namespace__)})


class TensorflowLoader(Loader):
    """Gives the module that already exists in Tideflow to an import of its TensorFlow name."""

    def __init__(self, module: ModuleType | None = None) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what stands in sys.modules afterwards, so the existing module keeps
        # its own name and spec.
        if self._module is not None:
            sys.modules[module.__name__] = self._module


class TensorflowFinder(MetaPathFinder):
    """Finds `tensorflow.x.y` as the attribute `x.y`, or the submodule, of the Tideflow namespace."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("tensorflow."):
            return None
        module = self._resolve(fullname)
        return ModuleSpec(fullname, TensorflowLoader(module), is_package=hasattr(module, "__path__"))

    def _resolve(self, fullname: str) -> ModuleType:
        """Returns the module that an import of `fullname` gives, or raises ImportError saying why none."""
        private = private_module(fullname.removeprefix("tensorflow."))
        if private is not None:
            return private
        messages = message_modules.find(fullname)
        if messages is not None:
            return messages
        parent_name, _, name = fullname.rpartition(".")
        parent = sys.modules[parent_name]
        explanation = None
        try:
            value = getattr(parent, name)
        except AttributeError as error:
            value = _submodule(parent, name)
            if "has no attribute" not in str(error):
                explanation = str(error)
        if isinstance(value, ModuleType):
            return value
        if fullname == "tensorflow.compat":
            return importlib.import_module("tideflow.compat")
        if fullname == "tensorflow.compat.v2":
            return importlib.import_module("tideflow")
        if explanation is not None:
            raise ImportError(explanation, name=fullname)
        if value is not None:
            kind = type(value).__name__
            raise ModuleNotFoundError(f"No module named {fullname!r}; it is a {kind}", name=fullname)
        if fullname.startswith("tensorflow.python."):
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: Tideflow has none of the names that TensorFlow keeps there. "
                f"Use the public name instead (tf.nn.relu for tensorflow.python.ops.nn_ops.relu).",
                name=fullname,
            )
        raise ModuleNotFoundError(f"No module named {fullname!r} (tensorflow is Tideflow)", name=fullname)


def _submodule(parent: ModuleType, name: str) -> ModuleType | None:
    """Imports a submodule of a Tideflow module, or returns None if there is no such submodule."""
    owner = parent.__namespace__ if isinstance(parent, TensorflowAlias) else parent
    submodule_name = f"{owner.__name__}.{name}"
    if name.startswith("_") or not hasattr(owner, "__path__") or not owner.__name__.startswith("tideflow"):
        return None
    try:
        return importlib.import_module(submodule_name)
    except ModuleNotFoundError as error:
        if error.name != submodule_name:
            raise
        return None
