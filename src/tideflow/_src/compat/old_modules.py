"""Gives modules beside TensorFlow the names back that old programs know: of the standard library, and of Pillow.

Only ``python -m tideflow --v1`` and ``--v0`` do so, as they do for NumPy (``old_numpy.py``).
"""

from __future__ import annotations

import collections
import collections.abc
import fractions
import inspect
import math
import sys
import time
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from tideflow._src.compat import inspection

_ABSTRACT = (
    "Callable",
    "Container",
    "Generator",
    "Hashable",
    "ItemsView",
    "Iterable",
    "Iterator",
    "KeysView",
    "Mapping",
) + ("MappingView", "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Set", "Sized", "ValuesView")

#: Names of modules that are loaded with Python, or quickly.
_NOW: tuple[tuple[ModuleType, dict[str, Any]], ...] = (
    (collections, {name: getattr(collections.abc, name) for name in _ABSTRACT}),
    (fractions, {"gcd": math.gcd}),
    (inspect, {"getargspec": inspection.getargspec}),
    (time, {"clock": time.perf_counter}),
)

#: Names of modules that are given when those are imported, and what they are called today.
_LATER = {"PIL.Image": {"ANTIALIAS": "LANCZOS", "CUBIC": "BICUBIC", "LINEAR": "BILINEAR"}}


def restore() -> None:
    """Adds the names to modules that do not have them, now or when they are imported."""
    for module, names in _NOW:
        for name, value in names.items():
            if not hasattr(module, name):
                setattr(module, name, value)
    for path in _LATER:
        if path in sys.modules:
            _complete(sys.modules[path])
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _complete(module: ModuleType) -> None:
    for name, today in _LATER[module.__name__].items():
        if not hasattr(module, name) and hasattr(module, today):
            setattr(module, name, getattr(module, today))


class _Finder(MetaPathFinder):
    """Finds the modules of `_LATER` where they are, to complete them."""

    def __init__(self) -> None:
        self._finding = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _LATER or self._finding:
            return None
        self._finding = True  # the others are to find it
        try:
            spec = find_spec(fullname)
        finally:
            self._finding = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a module with another loader, and completes it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _complete(module)
