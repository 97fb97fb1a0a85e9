"""Loads what takes over public functions for ragged tensors, with the first of these.

The modules stand on the classes, and on families that few programs need; registering what they hold asks for every
public function, so that it cannot happen while a module is being imported.
"""

from __future__ import annotations

import importlib
import threading

#: The modules below ``tideflow._src`` that take functions over. Like a family of operations, one may lie above this
#: one: what resizes images in a loop does.
MODULES = ("ops.ragged.shapes", "ops.ragged.handlers", "ops.ragged.text", "function.ragged_images")

#: Whether they are loaded: where a ragged tensor or shape is made, ``if not loaded: load()``.
loaded: list[bool] = []

_lock = threading.RLock()


def load() -> None:
    """Loads the modules. Who needs them while another thread loads them, waits."""
    with _lock:
        if not loaded:
            for module in MODULES:
                importlib.import_module(f"tideflow._src.{module}")
            loaded.append(True)
