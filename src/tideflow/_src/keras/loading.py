"""Loads Keras 3 on Tideflow, when a program first asks for ``tf.keras`` or one of its namespaces."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

from tideflow._src.compat.alias import TensorflowAlias, install_as_tensorflow

#: Names of ``tf`` that are Keras, and its namespaces: this module has them, too, from the first use on.
NAMES = ("keras", "initializers", "losses", "metrics", "optimizers")
_OLDEST = 3


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return keras_module("" if name == "keras" else name)


def keras_module(part: str = "") -> ModuleType:
    """Returns ``tf.keras``, or a namespace of it.

    Args:
      part: the namespace; empty for all of Keras.

    Raises:
      ImportError: Keras is not installed or too old, runs on another backend, or this process has a real TensorFlow.
    """
    _put_in_place()
    root = _import_keras()
    _refuse_other_backend(root)
    public: Any = importlib.import_module("keras._tf_keras.keras")
    _add_namespaces(public)
    return getattr(public, part) if part else public


class _Later(ModuleType):
    """Is a namespace whose names are loaded when they are asked for."""

    def __init__(self, name: str, names: dict[str, str]) -> None:
        super().__init__(name)
        self.__all__ = sorted(names)
        self._names = names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"tideflow._src.{self._names[name]}"), name)


def _add_namespaces(public: Any) -> None:
    """Adds what TensorFlow's Keras had until 2.15 and Keras 3 has not."""
    if hasattr(public, "estimator"):
        return
    public.estimator = _Later(f"{public.__name__}.estimator", {"model_to_estimator": "keras.estimators"})

    # At once, not at its first use: Keras loads a model with such a layer only if it knows the class.
    public.layers.DenseFeatures = importlib.import_module("tideflow._src.keras.feature_layers").DenseFeatures


def _put_in_place() -> None:
    """Makes ``import tensorflow``, with which Keras begins, give Tideflow."""
    current = sys.modules.get("tensorflow")
    if isinstance(current, TensorflowAlias) and current.__dialect__ != "v2":
        raise ImportError(
            f"tf.keras is Keras 3, which is written for TensorFlow 2, and this program runs in dialect "
            f"{current.__dialect__!r}. Run it with `python -m tideflow` (without --{current.__dialect__}).",
            name="keras",
        )
    loaded = sys.modules.get("keras")
    if loaded is not None:
        _refuse_other_backend(loaded)
    install_as_tensorflow()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _import_keras() -> ModuleType:
    try:
        root = importlib.import_module("keras")
    except ModuleNotFoundError as error:
        if error.name != "keras":
            raise
        raise ImportError(
            "tf.keras needs Keras 3, which is not installed: pip install 'keras>=3.15,<4'", name="keras"
        ) from None
    version = getattr(root, "__version__", "0")
    if int(version.partition(".")[0]) < _OLDEST:
        raise ImportError(
            f"tf.keras needs Keras 3, and Keras {version} is installed: pip install 'keras>=3.15,<4'", name="keras"
        )
    return root


def _refuse_other_backend(root: Any) -> None:
    """Checks that Keras computes with Tideflow.

    Raises:
      ImportError: it computes with something else.
    """
    config = getattr(root, "config", None)
    backend = config.backend() if config is not None else "tensorflow"
    if backend != "tensorflow":
        raise ImportError(
            f"tf.keras is Keras on its backend 'tensorflow', and Keras is already loaded in this process with backend "
            f"{backend!r}; the two cannot be mixed. Leave KERAS_BACKEND unset, or use keras without tf.keras.",
            name="keras",
        )
