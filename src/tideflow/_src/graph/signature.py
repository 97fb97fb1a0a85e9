"""Applies a signature to a node: how many tensors an argument stands for, and the dtypes of the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.core.dtypes import DType
from tideflow._src.graph.op_def import Argument, OpDef

#: The most outputs of one operation, and of the nodes of one GraphDef together, in lists that a number counts.
MOST_LISTED_OUTPUTS = 1 << 21


def length(argument: Argument, attrs: dict[str, Any]) -> int:
    """Returns how many tensors an argument stands for, given the attributes."""
    if argument.type_list_attr:
        return len(attrs[argument.type_list_attr])
    if argument.number_attr:
        return int(attrs[argument.number_attr])
    return 1


def output_types(op_def: OpDef, attrs: dict[str, Any]) -> list[DType]:
    """Returns the dtype of each output, lists flattened."""
    types: list[DType] = []
    for argument in op_def.outputs:
        if argument.type_list_attr:
            types.extend(attrs[argument.type_list_attr])
            continue
        dtype = argument.dtype if argument.dtype is not None else attrs[argument.type_attr]
        if argument.is_ref:
            dtype = dtype._as_ref
        types.extend([dtype] * (int(attrs[argument.number_attr]) if argument.number_attr else 1))
    return types


def group(arguments: Sequence[Argument], attrs: dict[str, Any], flat: Sequence[Any]) -> list[Any]:
    """Puts a flat sequence into the form of the signature: lists where an argument is a list."""
    if not any(argument.is_list for argument in arguments):
        return list(flat)
    grouped: list[Any] = []
    position = 0
    for argument in arguments:
        if argument.is_list:
            count = length(argument, attrs)
            grouped.append(list(flat[position : position + count]))
            position += count
        else:
            grouped.append(flat[position])
            position += 1
    return grouped
