"""Says what became of names that a namespace does not have: removed, moved, or not here yet."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

#: Message classes of the 1.x namespace, which load protobuf when they are first used.
MESSAGES = frozenset(
    "AttrValue ConfigProto Event GPUOptions GraphDef GraphOptions HistogramProto LogMessage MetaGraphDef NameAttrList "
    "NodeDef OptimizerOptions RunMetadata RunOptions SessionLog Summary SummaryMetadata TensorInfo".split()
)

_LATER = {
    "lite": "export the graph with tf.io.write_graph",
}


def module_getattr(
    module: str, dialect: str, submodules: tuple[str, ...] = (), later: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """Returns the ``__getattr__`` of a public namespace.

    Args:
      module: the namespace's name.
      dialect: the dialect it serves: ``"v2"``, ``"v1"`` or ``"v0"``.
      submodules: the namespaces inside it, which are imported when they are first used: ``"linalg"`` for a module of
        this package, ``"tideflow.bitwise"`` for one that several dialects share.
      later: names whose modules, given here below ``tideflow._src``, are imported when they are first used;
        ``module:name`` where the module has another name for it.
    """
    modules = later or {}
    paths = {path.rpartition(".")[2]: path if "." in path else f"{module}.{path}" for path in submodules}

    def missing(name: str) -> Any:
        path = paths.get(name)
        if path is not None:
            namespace = importlib.import_module(path)
            setattr(sys.modules[module], name, namespace)
            return namespace
        if name in modules:
            path, _, attribute = modules[name].partition(":")
            value = getattr(importlib.import_module(f"tideflow._src.{path}"), attribute or name)
            setattr(sys.modules[module], name, value)
            return value
        if dialect != "v2" and name in MESSAGES:
            from tideflow._src.graph import protos  # loads protobuf at its first use

            return protos.get(name)
        if name == "contrib" and dialect != "v2":
            from tideflow._src.compat.contrib import contrib

            return contrib()
        if name == "keras" and dialect != "v2":
            from tideflow._src.compat.early_keras import early_keras

            return early_keras()
        if name in ("v1", "v0") and dialect == "v2":
            return importlib.import_module(f"tideflow.{name}")
        if name == "__internal__":
            from tideflow._src.compat.private_names import private_module  # reads the table at its first use

            return private_module(name)
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise AttributeError(_explanation(module, dialect, name))

    return missing


def module_dir(
    module: str, submodules: tuple[str, ...], later: Mapping[str, str] | None = None
) -> Callable[[], list[str]]:
    """Returns the ``__dir__`` of a public namespace: what is loaded, and the submodules and names that are not yet."""

    def names() -> list[str]:
        return sorted({*vars(sys.modules[module]), *(path.rpartition(".")[2] for path in submodules), *(later or ())})

    return names


def _explanation(module: str, dialect: str, name: str) -> str:
    from tideflow._src.compat.removed_names import REMOVED_IN_1, REMOVED_IN_2

    if name == "contrib":
        return (
            "tf.contrib was removed in TensorFlow 2.0; its parts moved into the core or into packages of their own. "
            "What moved into the core is served under its old name by `python -m tideflow --v1`."
        )
    if name in REMOVED_IN_1:
        replacement, since = REMOVED_IN_1[name]
        return (
            f"tf.{name} was removed in TensorFlow {since}: use {replacement}, or run a program of that time with "
            "`python -m tideflow --v0` (import tideflow.v0 as tf)."
        )
    if dialect == "v2" and name in REMOVED_IN_2:
        return (
            f"tf.{name} was removed in TensorFlow 2.0: use {REMOVED_IN_2[name]}, or run a 1.x program with "
            "`python -m tideflow --v1` (import tideflow.v1 as tf)."
        )
    if name in _LATER:
        return f"Tideflow has no tf.{name} yet; it comes with a later release. Until then, {_LATER[name]}."
    return f"module {module!r} has no attribute {name!r}"
