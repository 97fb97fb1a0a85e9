"""Serves the names of ``tf.contrib`` that moved or are kept, and says of the others what became of them."""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any

#: Names of ``tf.contrib`` that the core has too, taking the same arguments, and their names there (``*``: the same).
MOVED = {
    "data": {"*": "data.*"},
    "eager": {"*": "*", "py_func": "py_function"},
    "framework": {
        "argsort": "argsort",
        "assert_global_step": "train.assert_global_step",
        "convert_to_tensor_or_sparse_tensor": "convert_to_tensor_or_sparse_tensor",
        "create_global_step": "train.create_global_step",
        "get_global_step": "train.get_global_step",
        "get_or_create_global_step": "train.get_or_create_global_step",
        "init_from_checkpoint": "train.init_from_checkpoint",
        "is_tensor": "is_tensor",
        "list_variables": "train.list_variables",
        "load_checkpoint": "train.load_checkpoint",
        "load_variable": "train.load_variable",
        "nest": "nest",
        "sort": "sort",
    },
    "layers": {"flatten": "layers.flatten"},
    "lookup": {
        "HashTable": "lookup.StaticHashTable",
        "KeyValueTensorInitializer": "lookup.KeyValueTensorInitializer",
        "TextFileIndex": "lookup.TextFileIndex",
        "TextFileInitializer": "lookup.TextFileInitializer",
    },
    "metrics": {"confusion_matrix": "math.confusion_matrix"},
    "graph_editor": {},
    "rnn.python.ops.core_rnn": dict.fromkeys(("static_rnn", "static_bidirectional_rnn"), "nn.*"),
    "rnn.python.ops.core_rnn_cell": {"*": "nn.rnn_cell.*"},
    "rnn.python.ops.rnn_cell": {"*": "nn.rnn_cell.*"},
    "rnn": {
        **dict.fromkeys(("static_rnn", "static_bidirectional_rnn", "static_state_saving_rnn"), "nn.*"),
        **dict.fromkeys(
            ("BasicLSTMCell", "BasicRNNCell", "DeviceWrapper", "DropoutWrapper", "GRUCell", "LSTMCell")
            + ("LSTMStateTuple", "MultiRNNCell", "RNNCell", "ResidualWrapper"),
            "nn.rnn_cell.*",
        ),
    },
    "signal": {"*": "signal.*"},
    "util": {"constant_value": "get_static_value", "make_tensor_proto": "make_tensor_proto"},
}

#: Modules of this project that hold the names of a part of ``tf.contrib``.
MODULES = {
    "distributions": "distributions.contrib",
    "distributions.bijectors": "distributions.bijectors",
    "framework": "compat.contrib_framework",
    "graph_editor": "compat.private.sessions",
    "layers": "compat.contrib_layers",
    "layers.python.layers.initializers": "compat.contrib_layers",
    "layers.python.layers.regularizers": "compat.contrib_layers",
    "learn.preprocessing": "compat.contrib_text",
    "learn.python.learn.preprocessing.text": "compat.contrib_text",
    "lookup": "io.vocabulary_tables",
    "summary": "compat.contrib_summary",
    "training": "compat.contrib_training",
}

#: Parts whose names the package tf_slim has, in one of these modules of it; they are served where it is installed.
IN_SLIM = {
    "framework": ("", "ops.variables", "ops.framework_ops", "training.training"),
    "framework.python.ops": ("", "ops.variables"),
    "layers": ("", "layers"),
    "layers.python.layers": ("", "layers"),
    "losses": ("losses",),
    "metrics": ("metrics",),
    "slim": ("",),
    "slim.nets": ("nets",),
    "training": ("training", "training.evaluation"),
}

#: Names whose successor takes other arguments, and what to write instead.
CHANGED = {
    "layers.batch_norm": "tf.layers.batch_normalization",
    "layers.conv2d": "tf.layers.conv2d",
    "layers.convolution2d": "tf.layers.conv2d",
    "layers.dropout": "tf.layers.dropout (which takes the rate to drop)",
    "layers.fully_connected": "tf.layers.dense",
    "layers.max_pool2d": "tf.layers.max_pooling2d",
    "losses.softmax_cross_entropy": "tf.losses.softmax_cross_entropy (which takes the labels first)",
    "metrics.streaming_accuracy": "tf.metrics.accuracy (which takes the labels first)",
    "metrics.streaming_auc": "tf.metrics.auc (which takes the labels first)",
    "metrics.streaming_mean": "tf.metrics.mean",
    "metrics.streaming_precision": "tf.metrics.precision (which takes the labels first)",
    "metrics.streaming_recall": "tf.metrics.recall (which takes the labels first)",
    "seq2seq": "tf.nn.dynamic_rnn, or tensorflow_addons.seq2seq",
    "slim": "the package tf_slim",
}

_GONE = (
    "tf.contrib was removed in TensorFlow 2.0, and tf.contrib.{} did not move into the core: its code is in TensorFlow "
    "1.15's sources or in packages of its own (tf_slim, tensorflow_addons, tensorflow_probability)."
)


class Contrib(ModuleType):
    """Is ``tf.contrib`` or a part of it: what moved into the core is served from there.

    Args:
      part: the part below ``tf.contrib``, empty for the whole.
    """

    def __init__(self, part: str = "") -> None:
        name = f"tensorflow.contrib.{part}".rstrip(".")
        super().__init__(name, f"Names of {name} that moved into the core.")
        self._part = part
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        path = f"{self._part}.{name}".lstrip(".")
        for value in (self._moved(name), self._own(name), self._in_slim(name)):
            if value is not None:
                return value
        if path in CHANGED:
            raise AttributeError(
                f"tf.contrib was removed in TensorFlow 2.0: instead of tf.contrib.{path} use {CHANGED[path]}."
            )
        if path in _parts():
            return contrib(path)
        if name in MOVED.get(self._part, ()):
            target = MOVED[self._part][name].replace("*", name)
            raise AttributeError(f"tf.contrib.{path} moved to tf.{target}, which Tideflow does not have yet.")
        raise AttributeError(_GONE.format(path))

    def _moved(self, name: str) -> Any:
        """Returns the name in the core, if it moved there."""
        moves = MOVED.get(self._part, {})
        target = moves.get(name, moves.get("*"))
        if target is None:
            return None
        found: Any = importlib.import_module("tideflow.compat.v1")
        for part in target.replace("*", name).split("."):
            found = getattr(found, part, None)
        return found

    def _own(self, name: str) -> Any:
        """Returns the name from the module that holds those of this part."""
        if self._part not in MODULES or f"{self._part}.{name}" in _parts():
            return None
        return getattr(importlib.import_module(f"tideflow._src.{MODULES[self._part]}"), name, None)

    def _in_slim(self, name: str) -> Any:
        """Returns the name from tf_slim, if that is installed and has it."""
        path = f"{self._part}.{name}".lstrip(".")
        if path == "slim":
            return _slim("")
        modules = (_slim(module) for module in IN_SLIM.get(self._part, ()))
        return next((found for found in (getattr(module, name, None) for module in modules) if found is not None), None)

    def __dir__(self) -> list[str]:
        below = f"{self._part}.".lstrip(".")
        names = {path.removeprefix(below).split(".")[0] for path in _parts() if path.startswith(below)}
        names |= {name for name in MOVED.get(self._part, ()) if name != "*"}
        if self._part in MODULES:
            module = importlib.import_module(f"tideflow._src.{MODULES[self._part]}")
            names |= {name for name in vars(module) if not name.startswith("_")}
        return sorted(names)


@functools.cache
def _parts() -> frozenset[str]:
    """Returns the paths of all parts, and of those that hold them."""
    found: set[str] = set()
    for path in (*MOVED, *MODULES, *IN_SLIM, *(key.rpartition(".")[0] for key in CHANGED)):
        words = path.split(".")
        found.update(".".join(words[:count]) for count in range(1, len(words) + 1))
    return frozenset(found - {"", "slim"})


@functools.cache
def _slim(module: str) -> Any:
    """Returns a module of tf_slim, or None if the package is not installed."""
    try:
        return importlib.import_module(f"tf_slim.{module}".rstrip("."))
    except ImportError:
        return None


@functools.cache
def contrib(part: str = "") -> Contrib:
    """Returns ``tf.contrib`` or a part of it, always the same module."""
    return Contrib(part)
