"""Finds out which shapes a checkpoint must have for the nodes that restore it.

Assigning to a variable that is not initialized yet accepts any shape; a checkpoint of another model must not pass.
"""

from __future__ import annotations

from typing import Any

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.static_value import get_static_value
from tideflow._src.ops.checkpoint.open_checkpoint import open_checkpoint


def expected_shapes(restore_op: Any) -> list[tuple[str, TensorShape]]:
    """Returns the names in the checkpoint and the shapes of the variables that an operation restores.

    Parts of variables are left out: they are read by their slice, which is checked against the whole.
    """
    found = []
    pending, seen = [restore_op], set()
    while pending:
        op = pending.pop()
        if op in seen:
            continue
        seen.add(op)
        pending += op.control_inputs
        if op.type not in ("Assign", "AssignVariableOp"):
            continue
        value = op.inputs[1]
        if value.op.type == "Identity":
            value = value.op.inputs[0]
        if value.op.type != "RestoreV2":
            continue
        names, slices = (get_static_value(tensor) for tensor in value.op.inputs[1:3])
        if names is None or slices is None or slices[value.value_index]:
            continue
        target = op.inputs[0]
        shape = TensorShape(target.op.attrs.get("shape")) if op.type == "AssignVariableOp" else target.shape
        if shape.is_fully_defined() and (op.type == "AssignVariableOp" or op.attrs.get("validate_shape", True)):
            found.append((names[value.value_index].decode(), shape))
    return found


def check(prefix: str, expected: list[tuple[str, TensorShape]]) -> None:
    """Checks the shapes of a checkpoint.

    Raises:
      InvalidArgumentError: a tensor has another shape than the variable of that name.
    """
    found = open_checkpoint(prefix).variables() if expected else {}
    for name, shape in expected:
        if name in found and not shape.is_compatible_with(found[name][1]):
            raise InvalidArgumentError(
                None,
                None,
                f"Assign requires shapes of both tensors to match. lhs shape= {shape.as_list()} rhs shape= "
                f"{list(found[name][1])}: that of the variable '{name}', and that in the checkpoint {prefix}",
            )
