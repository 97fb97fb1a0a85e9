"""``vectorized_map``: a function applied to all slices of its arguments at once, and rows for Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.jacobian import install_row_map
from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import BatchableTypeSpec, type_spec_from_value
from tideflow._src.function import structures
from tideflow._src.function.call_gradients import derivative_of, seeded_by, wanted_of
from tideflow._src.function.forward_backward import ForwardBackward, differentiated, gives_the_same_again
from tideflow._src.function.func_graph import FuncGraph, convert_outputs, unique_function_name
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.functional import partitioned_call
from tideflow._src.ops.control.map_defun import map_defun
from tideflow._src.ops.scopes import name_scope


def vectorized_map(fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Applies ``fn`` to each slice of ``elems`` along the first dimension, to all at once, and stacks what it returns.

    The function becomes a graph, once, and that graph one program for all slices. What cannot become one, as
    functions with effects or of strings, goes through the slices one after the other.

    Args:
      fn: takes one slice, or a structure of them like ``elems``, and returns a structure of tensors.
      elems: a tensor or structure of tensors whose first dimensions are equal; a first dimension of 1 is broadcast.
        Also ragged and sparse tensors and other values with a ``BatchableTypeSpec``, whose slices ``fn`` then takes;
        what it returns may be such, too. Rows of different lengths are gone through in turn.
      fallback_to_while_loop: whether functions that cannot be vectorized may go through the slices in turn.
      warn: kept for TensorFlow's signature.

    Returns:
      What ``fn`` returns, with one more dimension in front.

    Raises:
      TypeError: ``elems`` hold something that has no slices.
      ValueError: the first dimensions differ, or ``fn`` cannot be vectorized and must not fall back.

    >>> import tideflow as tf
    >>> tf.vectorized_map(lambda row: tf.reduce_sum(row * row), tf.constant([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
    [5.0, 25.0]
    """
    del warn
    items = [structures.converted(item) for item in nest.flatten(elems)]
    if not items:
        raise ValueError("vectorized_map needs at least one tensor in elems, but got none.")
    parts = [_parts(item) for item in items]
    tensors = [tensor for _, batch in parts for tensor in batch]
    lengths = [_length(tensor) for tensor in tensors]
    known = {length for length in lengths if length not in (None, 1)}
    if len(known) > 1:
        raise ValueError(
            f"elems must have equal first dimensions (or 1, which is broadcast), but they are {sorted(known)}."
        )
    registry: Any = OpDef.registry
    shared = [bool(known) and length == 1 for length in lengths]
    rows = [tensor for tensor, is_shared in zip(tensors, shared, strict=True) if not is_shared]
    leaves: list[Any] = []
    structure: Any = None

    def of_rows(values: list[Any]) -> list[Any]:
        nonlocal leaves, structure
        given = iter(values)
        slices = iter(
            registry["Squeeze"](tensor, squeeze_dims=[0]) if is_shared else next(given)
            for tensor, is_shared in zip(tensors, shared, strict=True)
        )
        arguments = [spec._from_compatible_tensor_list([next(slices) for _ in batch]) for spec, batch in parts]
        result = fn(nest.pack_sequence_as(elems, arguments) if nest.is_nested(elems) else arguments[0])
        structure = convert_outputs(context.current_graph(), result)
        leaves = [_Leaf(leaf) for leaf in nest.flatten(structure)]
        return [tensor for leaf in leaves for tensor in leaf.tensors]

    with name_scope(None, "vectorized_map", tensors):
        stacked = iter(map_rows(of_rows, rows, only_at_once=not fallback_to_while_loop))
        length = next(iter(known), lengths[0])
        results = [leaf.stacked([next(stacked) for _ in leaf.tensors], length) for leaf in leaves]
    return nest.pack_sequence_as(structure, results) if nest.is_nested(structure) else results[0]


def _parts(item: Any) -> tuple[Any, list[Any]]:
    """Returns the spec of the slices of an element, and the tensors of which each slice is made.

    Raises:
      TypeError: the element has no slices.
    """
    spec = type_spec_from_value(item)
    if not isinstance(spec, BatchableTypeSpec):
        raise TypeError(f"vectorized_map can not consume {spec} inputs: got {item!r}")
    if not structures.is_composite(item):
        return TensorSpec(None, item.dtype.base_dtype), [item]
    return spec._unbatch(), spec._to_batched_tensor_list(item)


class _Leaf:
    """Is one value that a function of rows returns.

    Attributes:
      tensors: what it is stacked as: itself, or the tensors that encode it.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        spec = type_spec_from_value(value) if structures.is_composite(value) else None
        self._spec = spec if isinstance(spec, BatchableTypeSpec) else None
        self.tensors: list[Any] = (
            structures.components(value) if self._spec is None else self._spec._to_tensor_list(value)
        )

    def stacked(self, tensors: list[Any], length: int | None) -> Any:
        """Returns the values of all rows as one, of the tensors that they make together."""
        if self._spec is not None:
            return self._spec._batch(length)._from_compatible_tensor_list(tensors)
        return structures.pack(self._value, tensors)


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
    arguments = [*tensors, *graph.external_captures]
    is_row = [position < len(tensors) for position in range(len(arguments))]
    if context.executing_eagerly():
        graph.release_captures()  # it is kept for functions of equal structure
        if context.state.tapes and not gives_the_same_again(graph):
            return _kept(graph, is_row, arguments)
    return _mapped(graph, is_row, arguments)


def _kept(function: FuncGraph, is_row: Sequence[bool], arguments: list[Any]) -> list[Any]:
    """Calls a function for all rows and keeps what its gradient reads, for the tapes that record."""
    derivative = differentiated(function, dense=True)
    count = len(function.outputs)
    if any(tensor._dtype is dtypes.variant for tensor in derivative.forward.outputs[count:]):
        return _mapped(function, is_row, arguments)
    with context.no_tapes(forward=True):
        results = _mapped(derivative.forward, is_row, arguments)

    def backward(*dys: Any) -> list[Any]:
        seeds = [dys[position] for position in derivative.seeded]
        taken = [(is_row[at] if place == "input" else place == "output") for place, at in derivative.sources]
        values = [*seeds, *derivative.operands(arguments, results)]
        found = derivative.gradients(_mapped(derivative.backward, [True] * len(seeds) + taken, values))
        return _summed(found, is_row)

    for tape in context.state.tapes:
        tape.record_custom(arguments, results[:count], backward)
    return results[:count]


def _summed(gradients: Sequence[Any], is_row: Sequence[bool]) -> list[Any]:
    """Returns gradients of arguments: of what all rows share, the sum over the rows."""
    registry: Any = OpDef.registry
    return [
        gradient if row or gradient is None else registry["Sum"](gradient, 0)
        for gradient, row in zip(gradients, is_row, strict=True)
    ]


install_row_map(map_rows)


@map_defun.gradient
def _map_defun_gradient(call: Call, *dys: Any) -> Any:
    arguments, captured = call.inputs
    function = call.attr("f")
    count = len(arguments)
    seeded, seeds = seeded_by(call, dys)
    wanted = wanted_of(call, function.inputs, 0)
    found: list[Any] = [None] * (count + len(captured))
    if seeded and wanted:
        derivative = differentiated(function, seeded, wanted, dense=True)
        saved = derivative.forward.outputs[len(function.outputs) :]
        if call.operation is not None and not any(tensor._dtype is dtypes.variant for tensor in saved):
            gradients = _of_node(call.operation, count, seeded, wanted, seeds)
        else:
            gradients = _of_values(derivative, call, seeds)
        found = _summed(gradients, [position < count for position in range(len(found))])
    return found[:count], found[count:]


map_defun.takes_missing_gradients = True


def _of_node(node: Any, count: int, seeded: list[int], wanted: list[int], seeds: list[Any]) -> list[Any]:
    """Returns the gradients of an operation of a graph, for each row of its arguments."""
    derivative = derivative_of(node, [("f", None)], 0, seeded, wanted, dense=True)
    function = derivative.functions[0]
    values = derivative.operands(node)
    is_row = [place == "output" or (place == "input" and at < count) for place, at in derivative.sources]
    return derivative.spread(_mapped(function, [True] * len(seeds) + is_row, [*seeds, *values]), len(node.inputs))


def _of_values(derivative: ForwardBackward, call: Call, seeds: list[Any]) -> list[Any]:
    """Returns the gradients of a call whose values nothing has kept: each row is computed again."""
    arguments, captured = call.inputs
    if derivative.forward.is_stateful() and not gives_the_same_again(derivative.forward):
        raise LookupError(
            "Outside of graphs, the gradient of a vectorized function that draws random numbers or has effects is of "
            "the first order only."
        )
    graph = FuncGraph(unique_function_name(f"{derivative.backward.name}_again"), None)
    graph.outer_graph = derivative.forward.outer_graph
    with context.no_tapes(), graph.as_default():
        rows = [graph.add_parameter_like(item, "row") for item in derivative.forward.inputs]
        dys = [graph.add_parameter_like(item, "gradient") for item in derivative.backward.inputs[: len(seeds)]]
        forward = _called(derivative.forward, rows)
        graph.outputs = _called(derivative.backward, [*dys, *derivative.operands(rows, forward)])
    count = len(arguments)
    is_row = [position < count for position in range(len(rows))] + [True] * len(dys)
    return derivative.gradients(_mapped(graph, is_row, [*arguments, *captured, *seeds]))


def _called(function: FuncGraph, arguments: Sequence[Any]) -> list[Any]:
    types = [output._dtype.base_dtype for output in function.outputs]
    return list(partitioned_call(arguments, Tout=types, f=function)) if types else []


def _mapped(function: FuncGraph, is_row: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    """Calls a function for all rows; what is no row comes behind the rows in the order of its parameters."""
    if not function.outputs:
        return []
    order = sorted(range(len(is_row)), key=lambda index: not is_row[index])
    if order != sorted(order):
        function = _reordered(function, order)
    rows = [values[index] for index in order if is_row[index]]
    shared = [values[index] for index in order if not is_row[index]]
    return list(
        map_defun(
            rows, shared, Tcaptured=[tensor.dtype.base_dtype for tensor in shared],
            output_types=[output._dtype.base_dtype for output in function.outputs],
            output_shapes=[output._shape for output in function.outputs], f=function,
        )
    )  # fmt: skip


def _reordered(function: FuncGraph, order: Sequence[int]) -> FuncGraph:
    """Returns a function that takes the same in another order."""
    graph = FuncGraph(f"{function.name}_rows", function.outer_graph)
    with context.no_tapes(), graph.as_default():
        parameters: dict[int, Any] = {
            index: graph.add_parameter_like(function.inputs[index], "input") for index in order
        }
        graph.outputs = _called(function, [parameters[index] for index in range(len(order))])
    return graph
