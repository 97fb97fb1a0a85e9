"""Serves the names of ``tf.contrib`` that moved into the core, and says of the others what became of them."""

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

#: Names whose successor takes other arguments, and what to write instead.
CHANGED = {
    "layers.batch_norm": "tf.layers.batch_normalization",
    "layers.conv2d": "tf.layers.conv2d",
    "layers.convolution2d": "tf.layers.conv2d",
    "layers.dropout": "tf.layers.dropout (which takes the rate to drop)",
    "layers.fully_connected": "tf.layers.dense",
    "layers.l1_regularizer": "a function of the weights, such as lambda w: scale * tf.reduce_sum(tf.abs(w))",
    "layers.l2_regularizer": "a function of the weights, such as lambda w: scale * tf.nn.l2_loss(w)",
    "layers.max_pool2d": "tf.layers.max_pooling2d",
    "layers.variance_scaling_initializer": "tf.variance_scaling_initializer(scale=2.0)",
    "layers.xavier_initializer": "tf.glorot_uniform_initializer",
    "layers.xavier_initializer_conv2d": "tf.glorot_uniform_initializer",
    "losses.softmax_cross_entropy": "tf.losses.softmax_cross_entropy (which takes the labels first)",
    "metrics.streaming_accuracy": "tf.metrics.accuracy (which takes the labels first)",
    "metrics.streaming_auc": "tf.metrics.auc (which takes the labels first)",
    "metrics.streaming_mean": "tf.metrics.mean",
    "metrics.streaming_precision": "tf.metrics.precision (which takes the labels first)",
    "metrics.streaming_recall": "tf.metrics.recall (which takes the labels first)",
    "seq2seq": "tf.nn.dynamic_rnn, or tensorflow_addons.seq2seq",
    "slim": "the package tf_slim",
    "summary": "tf.summary",
    "training.HParams": "a plain dictionary or dataclass",
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
        if path in CHANGED:
            raise AttributeError(
                f"tf.contrib was removed in TensorFlow 2.0: instead of tf.contrib.{path} use {CHANGED[path]}."
            )
        if not self._part:
            if name in MOVED or any(key.startswith(f"{name}.") for key in CHANGED):
                return contrib(name)
            raise AttributeError(_GONE.format(path))
        moves = MOVED.get(self._part, {})
        target = moves.get(name, moves.get("*"))
        if target is None:
            raise AttributeError(_GONE.format(path))
        target = target.replace("*", name)
        try:
            return functools.reduce(getattr, target.split("."), importlib.import_module("tideflow.compat.v1"))
        except AttributeError:
            if name not in moves:
                raise AttributeError(_GONE.format(path)) from None
            raise AttributeError(f"tf.contrib.{path} moved to tf.{target}, which Tideflow does not have yet.") from None

    def __dir__(self) -> list[str]:
        return sorted(MOVED if not self._part else (name for name in MOVED.get(self._part, ()) if name != "*"))


@functools.cache
def contrib(part: str = "") -> Contrib:
    """Returns ``tf.contrib`` or a part of it, always the same module."""
    return Contrib(part)
