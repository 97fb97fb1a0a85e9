"""Runs the host kernel of one node on known values: for static values and constant folding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tideflow._src.graph.signature import group

if TYPE_CHECKING:
    from tideflow._src.graph.graph import Operation
    from tideflow._src.graph.op_def import OpDef


def host_kernel(op_def: OpDef) -> Callable[..., Any] | None:
    """Returns the definition's kernel for NumPy values, to be called with inputs and attributes, or None."""
    if op_def.host_kernel is not None:
        return op_def.host_kernel
    if op_def.tier == "any":
        return partial(op_def.kernel, np)
    return op_def.kernel if op_def.tier == "host" else None


def kernel_attributes(op_def: OpDef, attrs: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes that the kernel takes."""
    return {name: attrs[name] for name in op_def.kernel_attributes}


def host_outputs(op: Operation, values: Sequence[Any], partly_known: bool = False) -> list[Any] | None:
    """Returns the outputs of a node computed on the host, or None if that fails.

    A failure here is no error yet: it will be reported, with the operation's name, when the graph runs.
    """
    op_def = op.op_def
    kernel = op_def.partial_kernel if partly_known and op_def.partial_kernel else host_kernel(op_def)
    if kernel is None:
        return None
    grouped = group(op_def.inputs, op.attrs, values)
    attrs = kernel_attributes(op_def, op.attrs)
    try:
        with np.errstate(all="ignore"):
            result = kernel(*grouped, **attrs)
    except Exception:  # the kernel will say the same at run time, where it can be attributed
        return None
    if len(op.outputs) == 1 and not isinstance(result, list):
        return [np.asarray(result)]
    flat: list[Any] = []
    for item in result:
        flat.extend(item) if isinstance(item, list) else flat.append(item)
    return [np.asarray(item) for item in flat]
