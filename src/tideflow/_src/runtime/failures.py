"""Says which operation failed in a run, why, and where the user's program created it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import errors
from tideflow._src.graph import shape_inference
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.arguments import wire_name

# What Python and NumPy say of `int(array)` and `len(scalar)` where an input has the wrong rank.
_NOT_A_SCALAR = (
    "0-dimensional arrays can be converted",
    "length-1 arrays can be converted",
    "unsized object",
    "over a 0-d array",
    "has no len()",
    "object is not iterable",
    "not supported between instances of 'list'",
    "'list' object cannot be interpreted as an integer",
    "can't multiply sequence by non-int",
)
#: What NumPy says, in a ValueError, of arrays with more bytes or elements than it can count.
_TOO_LARGE = ("array is too big", "Maximum allowed dimension exceeded")


def explain(error: Exception, op: Operation, frame: Any = None) -> Exception:
    """Returns the exception that a failed operation of a graph becomes: TensorFlow's class, with the node's name."""
    if isinstance(error, errors.OpError):
        if error.op is not None or "[[{{node" in error.message:
            return error
        problem = error.message
        kind: Any = type(error)
    else:
        problem = f"{error}" if str(error) else type(error).__name__
        kind = class_of(error)
        if kind is None:
            return error
    if op.type in ("Placeholder", "PlaceholderV2"):
        shape = op.attrs.get("shape")
        sizes = f" and shape {shape_inference.shape_text(shape)}" if shape else ""
        dtype = wire_name(op.attrs["dtype"])
        problem = f"You must feed a value for placeholder tensor '{op.name}' with dtype {dtype}{sizes}"
    elif "uninitialized value" not in problem:
        problem = f"{op.type} '{op.name}': {problem}"
    lines = [problem, f"\t [[{{{{node {op.name}}}}}]]"]
    described = [
        f"{tensor.name}: {tensor._dtype.name} {shape_inference.shape_text(tensor._shape)}" for tensor in op.inputs[:6]
    ]
    if described:
        lines.append("  inputs (static shapes): " + "; ".join(described))
    if op.source_line:
        lines.append(f"  created at {op.source_line}")
    result = kind(None, op, "\n".join(lines))
    result.__cause__ = error if not isinstance(error, errors.OpError) else error.__cause__
    del frame
    return result  # type: ignore[no-any-return]


def is_out_of_memory(error: Exception) -> bool:
    """Tells whether there was no memory for an array, or not even a number for its bytes."""
    return isinstance(error, MemoryError) or (isinstance(error, ValueError) and str(error).startswith(_TOO_LARGE))


def class_of(error: Exception) -> Any:
    """Returns TensorFlow's class for a Python exception raised by a kernel, or None to leave it as it is."""
    if isinstance(error, RecursionError) or is_out_of_memory(error):
        return errors.ResourceExhaustedError
    if isinstance(error, ValueError | IndexError | OverflowError | ZeroDivisionError | np.exceptions.AxisError):
        return errors.InvalidArgumentError
    if isinstance(error, TypeError) and any(text in str(error) for text in _NOT_A_SCALAR):
        return errors.InvalidArgumentError
    if isinstance(error, TypeError | AttributeError | KeyError):
        return errors.InternalError
    return None
