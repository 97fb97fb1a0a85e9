"""Loads what takes over public functions for ragged tensors, with the first of these.

The modules stand on the classes, and on families that few programs need; registering what they hold asks for every
public function, so that it cannot happen while a module is being imported.
"""

from __future__ import annotations

import importlib

#: The modules of this folder that take functions over.
MODULES = ("shape_functions", "handlers", "text")

#: Whether they have been asked for: where a ragged tensor or shape is made, ``if not loaded: load()``.
loaded: list[bool] = []


def load() -> None:
    """Loads the modules."""
    loaded.append(True)
    for module in MODULES:
        importlib.import_module(f"tideflow._src.ops.ragged.{module}")
