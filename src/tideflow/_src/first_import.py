"""Loads what every program needs, with the garbage collector at rest.

The modules of a package are tens of thousands of objects that stay, and an import makes hardly any garbage. The
collector, which looks through all of them again and again as their number grows, takes a tenth of the time of the
import and finds nothing. It is off while they load, and then as it was.

Afterwards they are frozen (``gc.freeze``): the collector passes over them. An exit takes a fifth of the instructions
then, and every full collection of the program is shorter. Cycles among objects that are frozen are never freed; so it
is done only where little else than modules can have been made before.
"""

from __future__ import annotations

import gc
import importlib

#: Together they load nearly all of what ``import tideflow`` loads.
_MODULES = (
    "ops.everything",
    "autodiff.graph_gradients",
    "function.traced_function",
    "function.loop_gradients",
    "function.vectorized_map",
    "state.ref_variable",
    "state.variable_spec",
)
#: How many objects the interpreter and some packages are; NumPy, of its own, is 15,000.
_FEW_OBJECTS = 50_000


def load() -> None:
    """Imports the modules; whatever becomes of that, the collector is on afterwards if it was on before."""
    collecting = gc.isenabled()
    early = collecting and not gc.get_freeze_count() and len(gc.get_objects()) < _FEW_OBJECTS
    gc.disable()
    try:
        for module in _MODULES:
            importlib.import_module(f"tideflow._src.{module}")
        if early:
            gc.freeze()
    finally:
        if collecting:
            gc.enable()


load()
