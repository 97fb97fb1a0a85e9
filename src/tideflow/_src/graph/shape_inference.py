"""Finds the dtypes and static shapes of an operation's outputs from its attributes, inputs and shape rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tideflow._src.core.dtypes import DType
from tideflow._src.graph import static_value
from tideflow._src.graph.op_def import OpDef, Shape, StaticValue
from tideflow._src.graph.signature import group

if TYPE_CHECKING:
    from tideflow._src.graph.operation import Operation


def output_shapes(op: Operation, types: Sequence[DType]) -> list[Shape]:
    """Returns the static shape of each output of a node.

    Raises:
      ValueError: the inputs' shapes do not fit; the message names the operation, the shapes and the user's line.
    """
    op_def = op.op_def
    rule = op_def.shape_rule
    if rule is None and not op_def.broadcasts:
        return [None] * len(types)
    flat: list[Any] = [tensor._shape for tensor in op.inputs]
    if op_def.static_inputs:
        described = group(op_def.inputs, op.attrs, list(op.inputs))
        shapes = group(op_def.inputs, op.attrs, flat)
        for index in op_def.static_inputs:
            item = described[index]
            shapes[index] = [known(each) for each in item] if isinstance(item, list) else known(item)
    else:
        shapes = group(op_def.inputs, op.attrs, flat)
    if op_def.reads or op_def.updates:
        for index, argument in enumerate(op_def.inputs):
            if argument.dtype is not None and argument.name in (*op_def.reads, *op_def.updates):
                shapes[index] = variable_shape(op.inputs[index])
    try:
        return apply_rule(op_def, shapes, op.attrs, len(types))
    except ValueError as error:
        raise ValueError(describe(op, str(error))) from None


def variable_shape(handle: Any) -> Shape:
    """Returns the shape of the variable that a handle refers to, as far as it is known.

    A rule gets it in place of the handle's own shape, as a kernel gets the variable's value in place of the handle.
    """
    while True:
        held = getattr(handle, "_value", None)
        if held is not None:
            shape: Shape = getattr(held.resource, "shape", None)
            return shape
        op = handle._op
        if op.type == "VarHandleOp":
            return op.attrs["shape"]  # type: ignore[no-any-return]
        if op.type == "Identity":
            handle = op.inputs[0]
            continue
        outer = [source for source, inner in getattr(op.graph, "captures", ()) if inner is handle]
        if not outer:
            return None
        handle = outer[0]


def known(tensor: Any) -> StaticValue:
    """Returns what is known of a tensor's value."""
    value, elements = static_value.value_and_elements(tensor)
    return StaticValue(value, elements, tensor._shape)


def apply_rule(op_def: OpDef, shapes: Sequence[Any], attrs: dict[str, Any], count: int) -> list[Shape]:
    """Calls the shape rule of a definition and returns ``count`` shapes."""
    rule = op_def.shape_rule
    if rule is None:
        return [broadcast_all(shapes)] * count if op_def.broadcasts else [None] * count
    wanted = rule_attributes(rule)
    result = rule(*shapes, **{name: attrs[name] for name in wanted}) if wanted else rule(*shapes)
    outputs = op_def.outputs
    if len(outputs) == 1 and not outputs[0].is_list:
        return [result]
    if len(outputs) == 1:
        return list(result) if isinstance(result, list) else [result] * count
    flat: list[Shape] = []
    for argument, item in zip(outputs, result, strict=True):
        if argument.is_list and isinstance(item, list):
            flat.extend(item)
        else:
            flat.append(item)
    return flat


def rule_attributes(rule: Callable[..., Any]) -> tuple[str, ...]:
    """Returns the keyword-only parameters of a rule: the attributes that it asks for."""
    try:
        code = rule.__code__
    except AttributeError:
        return ()
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]


def broadcast_all(shapes: Sequence[Shape]) -> Shape:
    """Returns the broadcast of several shapes."""
    result: Shape = ()
    for shape in shapes:
        result = broadcast(result, shape)
    return result


def broadcast(first: Shape, second: Shape) -> Shape:
    """Returns the shape of two tensors broadcast against each other.

    Raises:
      ValueError: two dimensions differ and neither is 1.
    """
    if first == second and (first is None or None not in first):
        return first
    if first is None or second is None:
        return None
    rank = max(len(first), len(second))
    a = (1,) * (rank - len(first)) + first
    b = (1,) * (rank - len(second)) + second
    result: list[int | None] = []
    for left, right in zip(a, b, strict=True):
        if left == 1:
            result.append(right)
        elif right == 1 or left == right:
            result.append(left)
        elif left is None:
            result.append(right)
        elif right is None:
            result.append(left)
        else:
            raise ValueError(
                f"Dimensions must be equal, but are {left} and {right}: Incompatible shapes: {shape_text(first)} vs. "
                f"{shape_text(second)}"
            )
    return tuple(result)


def describe(op: Operation, problem: str) -> str:
    """Adds to ``problem`` the operation, its inputs and the user's line."""
    shapes = ", ".join(shape_text(tensor._shape) for tensor in op.inputs)
    inputs = ", ".join(tensor.op.name if not tensor.value_index else tensor.name for tensor in op.inputs)
    lines = [
        f"{problem} for '{op.name}' = {op.type}({inputs}) with input shapes: {shapes}.",
    ]
    if op.source_line:
        lines.append(f"  created at {op.source_line}")
    return "\n".join(lines)


def shape_text(shape: Shape) -> str:
    """Writes a shape as TensorFlow's messages do: ``[2,?]``, or ``<unknown>``."""
    if shape is None:
        return "<unknown>"
    return f"[{','.join('?' if size is None else str(size) for size in shape)}]"
