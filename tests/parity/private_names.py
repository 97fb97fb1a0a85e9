"""Finds the public names of what TensorFlow's private modules hold. Only an environment with TensorFlow can run it.

`make private-names` writes `src/tideflow/_src/compat/private_names.txt` with it, and `test_private_names.py` asks the
oracle whether that file is current. For each module below `tensorflow.python` it tells which of its functions and
classes have a public name, and for `tf.__internal__`, whose names have none, in which private module they are.

A line without indentation is a module. The lines below it are a namespace each, and the names found there, a renamed
one as `private=public`. The namespaces are `tf`, `tf.math`, ...; `v1`, `v1.train`, ... below `tf.compat.v1`; `raw`
for functions that call one operation; and `python.util.nest` for a private module.
"""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

#: Parts of TensorFlow that are programs and tests, or that Keras replaced.
_OUTSIDE = frozenset("compiler debug dlpack grappler kernel_tests keras profiler tools tpu user_ops".split())
#: Namespaces whose names are no functions of TensorFlow's own, or second ways to what is elsewhere.
_PASSED_OVER = frozenset(
    "v1 v2 keras estimator raw_ops dtensor __internal__ __operators__ lite tpu initializers".split()
)


def table() -> str:
    """Returns the text of the file."""
    import tensorflow as tf

    modules = {f"python.{path}": module for path, module in _modules()}
    known = _public(tf)
    raw = {name.lower(): name for name in dir(tf.raw_ops)}
    for path, module in modules.items():
        if path.rpartition(".")[2].startswith("gen_"):
            for name, value in vars(module).items():
                if callable(value) and raw.get(name.replace("_", ""), name) != name:
                    known.setdefault(id(value), ("raw", name))
    lines: list[str] = []
    for path, module in sorted(modules.items()):
        found: dict[str, list[str]] = {}
        for name, value in sorted(vars(module).items()):
            if not isinstance(value, ModuleType) and not name.startswith("__") and id(value) in known:
                _add(found, name, *known[id(value)])
        for namespace, names in found.items():
            names += sorted(_constants(tf, namespace, module).difference(*found.values()))
        lines += _lines(path, found)
    private = {id(value): (path, name) for path, module in modules.items() for name, value in _own(module)}
    for path, module in sorted(_internal(tf.__internal__, "__internal__")):
        found = {}
        for name, value in sorted(vars(module).items()):
            place = private.get(id(value)) or known.get(id(value))
            if place is not None and not name.startswith("_") and not isinstance(value, ModuleType):
                _add(found, name, *place)
        lines += _lines(path, found)
    return "".join(f"{line}\n" for line in lines)


def _constants(tf: Any, namespace: str, module: ModuleType) -> set[str]:
    """Returns the names of values that a module and a namespace both have, as numbers and texts have no identity."""
    root, *parts = namespace.split(".")
    if root not in ("tf", "v1"):
        return set()
    owner = functools.reduce(getattr, parts, tf if root == "tf" else tf.compat.v1)
    plain = (bool, int, float, str, tuple)
    return {
        name
        for name, value in vars(module).items()
        if isinstance(value, plain) and not name.startswith("_") and vars(owner).get(name) == value
    }


def _modules() -> Iterator[tuple[str, ModuleType]]:
    """Imports the modules below ``tensorflow.python`` and yields them with their paths."""
    import tensorflow.python as root

    def below(search: Any, prefix: str) -> Iterator[tuple[str, ModuleType]]:
        for info in pkgutil.iter_modules(search):
            name = prefix + info.name
            if info.name in _OUTSIDE or info.name.startswith("_pywrap") or info.name.endswith(("_test", "_tests")):
                continue
            try:
                module = importlib.import_module(f"tensorflow.python.{name}")
            except ImportError:
                continue
            yield name, module
            if info.ispkg:
                yield from below(module.__path__, f"{name}.")

    yield from below(root.__path__, "")


def _public(tf: Any) -> dict[int, tuple[str, str]]:
    """Returns the namespace and name of every public object by its identity: the shortest, of ``tf`` rather than v1."""
    found: dict[int, tuple[str, str]] = {}

    def walk(module: Any, path: str, depth: int) -> Iterator[tuple[int, str, str, Any]]:
        for name in sorted(dir(module)):
            if name.startswith("_") or name in _PASSED_OVER:
                continue
            try:
                value = getattr(module, name)
            except (AttributeError, ImportError):
                continue
            if isinstance(value, ModuleType):
                if vars(value).get("__name__", "").startswith("tensorflow") and depth < 3:  # Keras is loaded by a look
                    yield from walk(value, f"{path}.{name}", depth + 1)
            elif callable(value) or type(value).__module__.startswith("tensorflow"):
                yield depth, path, name, value

    for root, path in ((tf, "tf"), (tf.compat.v1, "v1")):
        for _, namespace, name, value in sorted(walk(root, path, 0), key=lambda item: item[:3]):
            origin = getattr(value, "__module__", None) or type(value).__module__
            if isinstance(origin, str) and origin.startswith("tensorflow"):
                found.setdefault(id(value), (namespace, name))
    return found


def _own(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yields what a module itself defines."""
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == module.__name__:
            yield name, value


def _internal(module: ModuleType, path: str) -> Iterator[tuple[str, ModuleType]]:
    yield path, module
    for name in dir(module):
        value = getattr(module, name)
        if isinstance(value, ModuleType) and not name.startswith("_"):
            yield from _internal(value, f"{path}.{name}")


def _add(found: dict[str, list[str]], name: str, namespace: str, public: str) -> None:
    found.setdefault(namespace, []).append(name if name == public else f"{name}={public}")


def _lines(path: str, found: dict[str, list[str]]) -> list[str]:
    lines = [f" {namespace} {' '.join(names)}" for namespace, names in sorted(found.items())]
    return [path, *lines] if lines else []


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stdout.write(table())
