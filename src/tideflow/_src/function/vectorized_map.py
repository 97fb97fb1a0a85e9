"""``vectorized_map``: a function applied to all slices of its arguments at once, and rows for Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.jacobian import install_row_map
from tideflow._src.core import context
from tideflow._src.function import structures
from tideflow._src.function.conditional import function_gradient
from tideflow._src.function.func_graph import FuncGraph, convert_outputs, unique_function_name
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.map_function import map_defun
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor


def vectorized_map(fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Applies ``fn`` to each slice of ``elems`` along the first dimension, to all at once, and stacks what it returns.

    The function becomes a graph, once, and that graph one program for all slices. What cannot become one, as
    functions with effects or of strings, goes through the slices one after the other.

    Args:
      fn: takes one slice, or a structure of them like ``elems``, and returns a structure of tensors.
      elems: a tensor or structure of tensors whose first dimensions are equal; a first dimension of 1 is broadcast.
      fallback_to_while_loop: whether functions that cannot be vectorized may go through the slices in turn.
      warn: kept for TensorFlow's signature.

    Returns:
      What ``fn`` returns, with one more dimension in front.

    Raises:
      ValueError: the first dimensions differ, or ``fn`` cannot be vectorized and must not fall back.

    >>> import tideflow as tf
    >>> tf.vectorized_map(lambda row: tf.reduce_sum(row * row), tf.constant([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
    [5.0, 25.0]
    """
    del warn
    tensors = [convert_to_tensor(item) for item in structures.flatten(elems)]
    if not tensors:
        raise ValueError("vectorized_map needs at least one tensor in elems, but got none.")
    lengths = [_length(tensor) for tensor in tensors]
    known = {length for length in lengths if length not in (None, 1)}
    if len(known) > 1:
        raise ValueError(
            f"elems must have equal first dimensions (or 1, which is broadcast), but they are {sorted(known)}."
        )
    registry: Any = OpDef.registry
    shared = [bool(known) and length == 1 for length in lengths]
    rows = [tensor for tensor, is_shared in zip(tensors, shared, strict=True) if not is_shared]
    structure: Any = None

    def of_rows(values: list[Any]) -> list[Any]:
        nonlocal structure
        given = iter(values)
        arguments = [
            registry["Squeeze"](tensor, squeeze_dims=[0]) if is_shared else next(given)
            for tensor, is_shared in zip(tensors, shared, strict=True)
        ]
        structure = convert_outputs(context.current_graph(), fn(structures.pack(elems, arguments)))
        return list(structures.flatten(structure))

    with name_scope(None, "vectorized_map", tensors):
        results = map_rows(of_rows, rows, only_at_once=not fallback_to_while_loop)
    return structures.pack(structure, [item for item in results if item is not None])


def _length(tensor: Any) -> int | None:
    shape = tensor.shape
    if shape.rank == 0:
        raise ValueError("elems must have a first dimension to map over, but one of them is a scalar.")
    return None if shape.rank is None else shape.as_list()[0]


def map_rows(
    function: Callable[[list[Any]], list[Any]], tensors: Sequence[Any], only_at_once: bool = False
) -> list[Any]:
    """Applies a function to the rows of tensors.

    Args:
      function: takes a row of each tensor and returns a list of tensors or None.
      tensors: tensors of equal first dimensions.
      only_at_once: whether it is an error that the function cannot go through all rows at once.

    Returns:
      What the function returned, with one more dimension in front.
    """
    graph = FuncGraph(unique_function_name("rows"))
    with graph.as_default():
        parameters = []
        for tensor in tensors:
            dims = tensor.shape._dims
            parameters.append(graph.add_parameter(tensor.dtype.base_dtype, None if dims is None else dims[1:], "row"))
        found = convert_outputs(graph, list(function(parameters)))
        graph.outputs = [item for item in found if item is not None]
    outputs = _call(graph, tensors, only_at_once)
    stacked = iter(outputs)
    return [None if item is None else next(stacked) for item in found]


def _call(graph: FuncGraph, tensors: Sequence[Any], only_at_once: bool = False) -> list[Any]:
    if only_at_once and not graph.compilable() and not any(op.op_def.random for op in graph.plan().ops):
        raise ValueError(
            f"The function cannot be vectorized: {', '.join(sorted({op.type for op in graph.plan().ops}))}. "
            "Allow fallback_to_while_loop."
        )
    if not graph.outputs:
        return []
    return list(
        map_defun(
            list(tensors), graph.external_captures,
            Tcaptured=[tensor.dtype.base_dtype for tensor in graph.external_captures],
            output_types=[output._dtype.base_dtype for output in graph.outputs],
            output_shapes=[output._shape for output in graph.outputs], f=graph,
        )
    )  # fmt: skip


install_row_map(map_rows)


@map_defun.gradient
def _map_defun_gradient(call: Call, *dys: Any) -> Any:
    arguments, captured = call.inputs
    function = call.attr("f")
    gradient, positions = function_gradient(function, f"{function.name}_grad")
    count = len(arguments)
    # The gradient takes the rows, what is captured, and the gradients of the results, which are rows too.
    shared = gradient.inputs[count : count + len(captured)]
    gradient.inputs = [*gradient.inputs[:count], *gradient.inputs[count + len(captured) :], *shared]
    registry: Any = OpDef.registry
    found: list[Any] = [None] * (count + len(captured))
    if positions:
        outputs = map_defun(
            [*arguments, *dys], captured, Tcaptured=[tensor.dtype.base_dtype for tensor in captured],
            output_types=[output._dtype.base_dtype for output in gradient.outputs],
            output_shapes=[output._shape for output in gradient.outputs], f=gradient,
        )  # fmt: skip
        for position, output in zip(positions, outputs, strict=True):
            found[position] = output if position < count else registry["Sum"](output, 0)
    return found[:count], found[count:]
