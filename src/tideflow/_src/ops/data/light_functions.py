"""Tells which functions of datasets are so light that a thread of their own costs more than they do."""

from __future__ import annotations

from typing import Any

from tideflow._src.core.dtypes import variant
from tideflow._src.runtime import cost_model, effects

#: Seconds: what handing an element to a thread and back costs, and some more.
_LIGHT = 100e-6
#: Shapes of arguments that are remembered of a function.
_MOST_KNOWN = 64
#: Operations that make datasets of values, and of such datasets, or pass them on.
AT_HAND = frozenset(
    "TensorDataset TensorSliceDataset RangeDataset ConcatenateDataset RepeatDataset TakeDataset SkipDataset ZipDataset "
    "BatchDataset BatchDatasetV2 Identity".split()
)
#: Operations that call Python.
PYTHON = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))


def is_light(function: Any, shapes: Any = None) -> bool:
    """Tells whether a call of a function takes less than handing it to a thread.

    Functions that may wait, for a file or for Python, are not light, nor are those with sizes that are not known.

    Args:
      function: the function.
      shapes: the shapes of what it is called with. Without them, a batch of unknown size counts as one of usual size.
    """
    known = function.__dict__.setdefault("_is_light", {})
    if shapes not in known:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[shapes] = _find(function, shapes)
    return bool(known[shapes])


def knows_sizes(function: Any) -> bool:
    """Tells whether all sizes in a function are known before it is called."""
    known = function.__dict__.get("_knows_sizes")
    if known is None:
        known = function.__dict__["_knows_sizes"] = not any(
            tensor._shape is None or None in tensor._shape
            for op in (*_ops_of(function), *(parameter._op for parameter in function.inputs))
            for tensor in op.outputs
        )
    return bool(known)


def makes_light_datasets(function: Any) -> bool:
    """Tells whether the elements of the dataset that a function returns are values that it had at hand."""
    ops = _ops_of(function)
    return all(op.type in AT_HAND or all(tensor._dtype is not variant for tensor in op.outputs) for op in ops)


def _ops_of(function: Any) -> list[Any]:
    ops = function.plan().ops
    return [*ops, *(op for inner in effects.inner_functions(ops) for op in inner.plan().ops)]


def _find(function: Any, shapes: Any) -> bool:
    ops = _ops_of(function)
    if any(op.type in PYTHON or op.op_def.stateful for op in ops):
        return False
    if shapes is None:
        if any(_is_unknown(op) for op in (*ops, *(parameter._op for parameter in function.inputs))):
            return False
        shapes = tuple([parameter._shape for parameter in function.inputs])
    cost = cost_model.of_plan(function.plan(), None, shapes)
    return cost.host < _LIGHT


def _is_unknown(op: Any) -> bool:
    """Tells whether a size in the outputs of an operation is not known, other than that of a batch."""
    return any(tensor._shape is None or None in tensor._shape[1:] for tensor in op.outputs)
