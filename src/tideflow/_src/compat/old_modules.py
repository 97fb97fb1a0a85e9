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
from types import ModuleType
from typing import Any

from tideflow._src.compat import inspection
from tideflow._src.compat.after_loading import AfterLoading

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
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def _complete(module: ModuleType) -> None:
    for name, today in _LATER[module.__name__].items():
        if not hasattr(module, name) and hasattr(module, today):
            setattr(module, name, getattr(module, today))


_FINDER = AfterLoading(_LATER, _complete)
