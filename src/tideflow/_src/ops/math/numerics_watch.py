"""Looks for infinities and NaNs in everything that is computed: ``tf.debugging.enable_check_numerics``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core import context
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import Tensor
from tideflow._src.ops.array.raw import raw

#: Operations that only move what they are given, or whose extra outputs are not meant to be finite.
_IGNORED = frozenset(
    "CheckNumerics CheckNumericsV2 Concat ConcatV2 ExpandDims Fill Gather GatherNd GatherV2 Identity IdentityN "
    "Placeholder PlaceholderWithDefault ReadVariableOp Reshape Slice Split SplitV Squeeze StopGradient StridedSlice "
    "Transpose Pack Unpack Cast Const While StatelessWhile If StatelessIf PartitionedCall StatefulPartitionedCall "
    "VarHandleOp VariableV2 TensorListGetItem TensorListStack FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3".split()
)


class _NumericsWatch:
    """Is told of every operation, as tapes are."""

    is_forward = True

    def __init__(self) -> None:
        self.lines = 30
        self.path_length = 50

    def record(self, op_def: Any, inputs: Any, attrs: Any, outputs: Any) -> None:
        """Checks what an eager operation gave.

        Raises:
          InvalidArgumentError: an element of it is infinite or NaN.
        """
        if op_def.name in _IGNORED:
            return
        flat = _flat(outputs if isinstance(outputs, list | tuple) else [outputs])
        for slot, tensor in enumerate(flat):
            if _is_checked(tensor) and not np.isfinite(np.asarray(tensor._value, _comparable(tensor))).all():
                raise InvalidArgumentError(None, None, _message(op_def.name, "eagerly-executing", slot, flat, inputs))

    def record_node(self, node: Any) -> None:
        """Leaves nodes to :meth:`replace`."""

    def record_custom(self, inputs: Any, outputs: Any, backward: Any) -> None:
        """Ignores functions of the user: their operations have been checked."""

    def _touches(self, tensors: Any) -> bool:
        """Follows no tensors through a function: checks are among its nodes."""
        return False

    def variable_accessed(self, variable: Any) -> None:
        """Ignores that a variable is read."""

    def replace(self, node: Any) -> list[Any] | None:
        """Returns the outputs of a new node behind checks, or None where there is nothing to check."""
        if node.type in _IGNORED or not any(_is_checked(tensor) for tensor in node.outputs):
            return None
        return [
            raw.CheckNumericsV2(
                tensor,
                message=_message(node.type, f'node "{node.name}", a graph', slot, node.outputs, node.inputs)
                + f"\nCreated at {node.source_line}",
                name=f"{node.name}/CheckNumerics",
            )
            if _is_checked(tensor)
            else tensor
            for slot, tensor in enumerate(node.outputs)
        ]


def _is_checked(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and tensor.dtype.is_floating and tensor.dtype.name in (
        "float16", "bfloat16", "float32", "float64",
    )  # fmt: skip


def _comparable(tensor: Any) -> Any:
    return np.float32 if tensor.dtype.name == "bfloat16" else None


def _flat(values: Any) -> list[Any]:
    return [tensor for item in values for tensor in (item if isinstance(item, list) else (item,))]


def _message(name: str, what: str, slot: int, outputs: Any, inputs: Any) -> str:
    tensors = _flat(inputs)
    shown = "\n".join(f"  {position}: {tensor!r}" for position, tensor in enumerate(tensors))
    return (
        f'\n!!! Detected Infinity or NaN in output {slot} of {what} op "{name}" (# of outputs: {len(outputs)}) !!!\n'
        f"  dtype: {outputs[slot].dtype.name}\n  shape: {outputs[slot].shape}\n"
        f"Input tensors ({len(tensors)}):\n{shown}"
    )


_watch = _NumericsWatch()


def enable_check_numerics(stack_height_limit: int = 30, path_length_limit: int = 50) -> None:
    """Makes operations of this thread fail if what they give is infinite or NaN, and say which one it was.

    Args:
      stack_height_limit: how many lines of the place where a node was made may be shown.
      path_length_limit: how long the paths of files may be there.
    """
    _watch.lines, _watch.path_length = stack_height_limit, path_length_limit
    if _watch not in context.state.tapes:
        context.enter_tape(_watch)
        context.state.replacing.append(_watch.replace)


def disable_check_numerics() -> None:
    """Ends what ``enable_check_numerics`` began in this thread."""
    if _watch in context.state.tapes:
        context.leave_tape(_watch)
        context.state.replacing.remove(_watch.replace)


def add_check_numerics_ops() -> Any:
    """Adds a check to every floating-point tensor of the default graph, and returns the operation that makes them all.

    Returns:
      A group of ``CheckNumerics`` operations; it fails if a tensor is infinite or NaN.

    Raises:
      RuntimeError: operations run eagerly here.
      ValueError: the graph holds a conditional or a loop of TensorFlow 1.
    """
    from tideflow._src.ops.control.grouping import group

    graph = context.current_graph()
    if graph is None:
        raise RuntimeError(
            "add_check_numerics_ops() is not compatible with eager execution. To check for Inf's and NaN's under eager "
            "execution, call tf.debugging.enable_check_numerics() once before executing the checked operations."
        )
    checks: list[Any] = []
    for op in graph.get_operations():
        for output in op.outputs:
            if output.dtype.name not in ("float16", "float32", "float64", "bfloat16"):
                continue
            if op.type in ("Switch", "Merge", "Enter", "Exit", "NextIteration"):
                raise ValueError(
                    "`tf.add_check_numerics_ops() is not compatible with TensorFlow control flow operations"
                )
            with graph.control_dependencies(checks[-1:]):
                checks.append(raw.CheckNumerics(output, message=f"{op.name}:{output.value_index}"))
    return group(*checks)
