"""Tells which functions of datasets are so light that a thread of their own costs more than they do."""

from __future__ import annotations

from typing import Any

from tideflow._src.runtime import cost_model, effects
from tideflow._src.runtime.buffers import ResourceManager
from tideflow._src.runtime.state import RunState

#: Seconds: what handing an element to a thread and back costs, and some more.
_LIGHT = 100e-6
_PYTHON = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))


def is_light(function: Any) -> bool:
    """Tells whether a call of a function takes less than handing it to a thread.

    Functions that may wait, for a file or for Python, are not light, nor are those with sizes that are not known.
    """
    known = function.__dict__.get("_is_light")
    if known is None:
        known = function.__dict__["_is_light"] = _find(function)
    return bool(known)


def _find(function: Any) -> bool:
    plan = function.plan()
    ops = [*plan.ops, *(op for inner in effects.inner_functions(plan.ops) for op in inner.plan().ops)]
    if any(op.type in _PYTHON or op.op_def.stateful or _is_unknown(op) for op in ops):
        return False
    shapes = tuple([parameter._shape for parameter in function.inputs])
    cost = cost_model.of_plan(plan, RunState(ResourceManager()), shapes)
    return cost.host < _LIGHT


def _is_unknown(op: Any) -> bool:
    return any(tensor._shape is None or None in tensor._shape for tensor in op.outputs)
