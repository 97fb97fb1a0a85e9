"""``while_loop``: a loop, eagerly and in graphs, with gradients of any order.

The gradient of a loop in a graph runs another loop backwards. The forward loop is extended to push the loop variables
of each turn on lists; the backward loop pops them, computes that turn again and differentiates it. Tensors that the
body only reads are passed along unchanged, and their gradients are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.core import context, dtypes, nest
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.function.conditional import differentiable
from tideflow._src.function.func_graph import (
    FuncGraph,
    convert_outputs,
    share_variable,
    unique_function_name,
    variable_behind,
    zeros_of,
)
from tideflow._src.function.replay import replay
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.functional import stateless_while, truth, while_op
from tideflow._src.ops.control.tensor_list import empty_tensor_list, tensor_list_pop_back, tensor_list_push_back
from tideflow._src.runtime.convert import convert_to_tensor


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: Any = None,
    name: str | None = None,
    return_same_structure: bool = True,
) -> Any:
    """Repeats ``body`` as long as ``cond`` holds.

    Args:
      cond: takes the loop variables and returns a boolean scalar.
      body: takes the loop variables and returns new ones, of the same structure, dtypes and shapes.
      loop_vars: the initial values: a tuple, list or structure of tensors.
      shape_invariants: for variables whose shape changes: a structure of shapes that hold for every turn.
      parallel_iterations, back_prop, swap_memory: kept for TensorFlow's signature.
      maximum_iterations: a bound on the number of turns.
      name: the name of the operation.
      return_same_structure: whether a single variable comes back in its list.

    Returns:
      The loop variables after the last turn, in the structure of ``loop_vars``.

    Raises:
      TypeError: ``cond`` or ``body`` is not callable.
      ValueError: there are no loop variables, or ``body`` changes their structure or shapes.
    """
    del parallel_iterations, back_prop, swap_memory
    if not callable(cond):
        raise TypeError("'cond' must be callable.")
    if not callable(body):
        raise TypeError("'body' must be callable.")
    if not nest.flatten(loop_vars) and not isinstance(loop_vars, list | tuple):
        raise ValueError("'loop_vars' must be provided.")
    if isinstance(loop_vars, list | tuple) and not loop_vars:
        raise ValueError("No loop variables provided.")
    packed = isinstance(loop_vars, list | tuple) and not hasattr(loop_vars, "_fields")
    if context.executing_eagerly():
        result = _eager_loop(cond, body, loop_vars, maximum_iterations, packed)
    else:
        result = _graph_loop(cond, body, loop_vars, shape_invariants, maximum_iterations, packed, name or "while")
    if not return_same_structure and packed and len(result) == 1:
        return result[0]
    return result


def while_loop_v1(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """Is ``while_loop`` with the arguments of TensorFlow 1.x: a single variable comes back without its list."""
    return while_loop(
        cond, body, loop_vars, shape_invariants, parallel_iterations, back_prop, swap_memory, maximum_iterations,
        name, return_same_structure,
    )  # fmt: skip


def _eager_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any, packed: bool) -> Any:
    limit = None if maximum_iterations is None else int(maximum_iterations)
    turns = 0
    values = nest.map_structure(_tensor, loop_vars)
    while truth(_value(cond(*values) if packed else cond(values))):
        if limit is not None and turns >= limit:
            break
        result = body(*values) if packed else body(values)
        if packed and not isinstance(result, list | tuple):
            result = (result,)
        result = _same_kind(loop_vars, result)
        nest.assert_same_structure(values, result)
        values = nest.map_structure(_tensor, result)
        turns += 1
    return values


def _same_kind(like: Any, result: Any) -> Any:
    if isinstance(like, list) and isinstance(result, tuple):
        return list(result)
    if isinstance(like, tuple) and isinstance(result, list) and not hasattr(like, "_fields"):
        return tuple(result)
    return result


def _tensor(value: Any) -> Any:
    return value if hasattr(value, "_loop_components") else convert_to_tensor(value)


def _value(tensor: Any) -> Any:
    return getattr(tensor, "_value", tensor)


def _graph_loop(
    cond: Any, body: Any, loop_vars: Any, shape_invariants: Any, maximum_iterations: Any, packed: bool, name: str
) -> Any:
    graph = context.current_graph()
    with graph.name_scope(name) as scope:
        structure = loop_vars
        initial = [_dense(convert_to_tensor(item)) for item in nest.flatten(loop_vars)]
        shapes = [tensor.shape for tensor in initial]
        if shape_invariants is not None:
            flat = nest.flatten_up_to(loop_vars, shape_invariants) if nest.is_nested(loop_vars) else [shape_invariants]
            shapes = [TensorShape(getattr(shape, "shape", shape)) for shape in flat]
            for shape, tensor in zip(shapes, initial, strict=True):
                if not shape.is_compatible_with(tensor.shape) or not _less_specific(shape, tensor.shape):
                    raise ValueError(
                        f"The shape invariant specified for {tensor.name} is not compatible with the initial shape of "
                        f"the loop variable. It enters the loop with shape {tensor.shape}, but the specified shape "
                        f"invariant is {shape}."
                    )
        limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations, "int32")
        counter = [convert_to_tensor(0, "int32", name="loop_counter")]
        starts = counter + initial
        body_graph, condition_graph = _build(
            cond, body, structure, starts, [TensorShape([]), *shapes], limit, packed, scope
        )
        captured = _merge(condition_graph, body_graph, len(starts))
        inputs = [*starts, *captured]
        stateful = body_graph.is_stateful() or condition_graph.is_stateful()
        operation: Any = while_op if stateful else stateless_while
        outputs = operation(
            inputs,
            cond=condition_graph,
            body=body_graph,
            output_shapes=[output._shape for output in body_graph.inputs],
            name=scope,
        )
        registry: Any = OpDef.registry
        results = [registry["Identity"](output) for output in outputs[1 : 1 + len(initial)]]
        for result, shape in zip(results, shapes, strict=True):
            result.set_shape(shape)
    return nest.pack_sequence_as(structure, results) if nest.is_nested(structure) else results[0]


def _dense(tensor: Any) -> Any:
    if tensor.dtype._is_ref_dtype:
        registry: Any = OpDef.registry
        return registry["Identity"](tensor)
    return tensor


def _less_specific(invariant: TensorShape, shape: TensorShape) -> bool:
    if invariant.rank is None or shape.rank is None:
        return invariant.rank is None
    return all(
        want is None or want == have for want, have in zip(invariant._dims or (), shape._dims or (), strict=True)
    )


def _build(
    cond: Any,
    body: Any,
    structure: Any,
    starts: Sequence[Any],
    shapes: Sequence[TensorShape],
    limit: Any,
    packed: bool,
    scope: str,
) -> tuple[FuncGraph, FuncGraph]:
    base = scope.strip("/").replace("/", "_")
    registry: Any = OpDef.registry

    def arguments(graph: FuncGraph) -> tuple[Any, Any]:
        parameters = [
            graph.add_parameter(start.dtype.base_dtype, shape._dims, "loop_variable")
            for start, shape in zip(starts, shapes, strict=True)
        ]
        values = parameters[1:]
        return parameters[0], nest.pack_sequence_as(structure, values) if nest.is_nested(structure) else values[0]

    condition_graph = FuncGraph(unique_function_name(f"{base}_cond"))
    with condition_graph.as_default():
        counter, values = arguments(condition_graph)
        result = convert_to_tensor(cond(*values) if packed else cond(values))
        if limit is not None:
            result = registry["LogicalAnd"](registry["Less"](counter, limit), result)
        if result._op.type == "Placeholder":
            result = registry["Identity"](result)
        condition_graph.outputs = [condition_graph.capture(result)]
    body_graph = FuncGraph(unique_function_name(f"{base}_body"))
    with body_graph.as_default():
        counter, values = arguments(body_graph)
        results: Any = body(*values) if packed else body(values)
        if packed and not isinstance(results, list | tuple):
            results = [results]
        results = _same_kind(structure, results)
        try:
            nest.assert_same_structure(structure, results)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The two structures don't have the same nested structure: body returned other variables. {error}"
            ) from None
        converted = nest.flatten(convert_outputs(body_graph, results))
        body_graph.outputs = [registry["AddV2"](counter, 1), *converted]
        for start, shape, output in zip(starts, shapes, body_graph.outputs, strict=True):
            if output._dtype.base_dtype is not start.dtype.base_dtype:
                raise TypeError(
                    f"Loop variable {start.name} enters the loop with type {start.dtype.base_dtype.name} but has type "
                    f"{output._dtype.base_dtype.name} after one iteration."
                )
            if not _less_specific(shape, output.shape):
                raise ValueError(
                    f"Input tensor '{start.name}' enters the loop with shape {shape}, but has shape {output.shape} "
                    "after one iteration. To allow the shape to vary across iterations, use the `shape_invariants` "
                    "argument of tf.while_loop to specify a less-specific shape."
                )
    return body_graph, condition_graph


def _merge(condition: FuncGraph, body: FuncGraph, count: int) -> list[Any]:
    """Gives both functions of a loop the same parameters, and lets the body pass its captures along."""
    outer: dict[int, Any] = {}
    for graph in (condition, body):
        for tensor in graph.external_captures:
            outer.setdefault(id(tensor), tensor)
    for graph in (condition, body):
        parameters = list(graph.inputs[:count])
        for tensor in outer.values():
            known = graph._captures.get(id(tensor))
            if known is None:
                saved, graph._name_stack = graph._name_stack, ""
                known = (tensor, graph.add_parameter_like(tensor, "unused"))
                graph._name_stack = saved
                graph._captures[id(tensor)] = known
            parameters.append(known[1])
        graph.inputs = parameters
    body.outputs = [*body.outputs[:count], *body.inputs[count:]]
    return list(outer.values())


# Gradients.


@while_op.gradient
def _while_gradient(call: Call, *dys: Any) -> Any:
    op = call.operation
    if op is None:
        raise LookupError("The gradient of a While operation called eagerly is not defined; use tf.while_loop.")
    count = len(call.inputs[0])
    return (_backward_loop(op, _saved(op), list(dys))[:count],)


stateless_while.gradient(_while_gradient)
while_op.takes_missing_gradients = stateless_while.takes_missing_gradients = True


class _Saved:
    """Is what the gradient of a loop knows about it.

    Attributes:
      body: the body as it was before it saved anything.
      saving_body: the body that saves its varying variables.
      varying: the positions of the variables that the body changes.
      lists: for each of those the list of its values, one for each turn.
      turns: the number of turns.
    """

    def __init__(
        self, body: FuncGraph, saving_body: FuncGraph, varying: list[int], lists: list[Any], turns: Any
    ) -> None:
        self.body = body
        self.saving_body = saving_body
        self.varying = varying
        self.lists = lists
        self.turns = turns


def _flows(tensor: Any) -> bool:
    """Tells whether gradients flow through a loop variable: numbers, lists of numbers, variables of numbers."""
    if tensor.dtype is dtypes.resource:
        found = variable_behind(tensor)
        return found is not None and (found[0].is_floating or found[0].is_complex)
    return differentiable(tensor) or tensor.dtype.base_dtype is dtypes.variant


def _saved(op: Any) -> _Saved:
    """Extends a loop, once, to save its varying variables at each turn."""
    saved = op.__dict__.get("_saved_variables")
    if saved is not None:
        return saved
    body: FuncGraph = op.attrs["body"]
    condition: FuncGraph = op.attrs["cond"]
    count = len(body.inputs)
    original = body
    varying = [index for index in range(count) if body.outputs[index] is not body.inputs[index]]
    new_body = FuncGraph(unique_function_name(f"{body.name}_saving"), body.outer_graph)
    new_condition = FuncGraph(unique_function_name(f"{condition.name}_saving"), condition.outer_graph)
    graph = op.graph
    registry: Any = OpDef.registry
    variant = OpDef.registry["EmptyTensorList"].outputs[0].dtype
    with new_body.as_default():
        parameters = [new_body.add_parameter_like(item, "loop_variable") for item in original.inputs]
        handles = [new_body.add_parameter(variant, (), "saved") for _ in varying]
        turn = new_body.add_parameter(dtypes.int32, (), "turns")
        outputs = replay(original, parameters, new_body)
        outputs = [
            registry["Identity"](output) if output._op.type == "Placeholder" and index in set(varying) else output
            for index, output in enumerate(outputs)
        ]
        pushed = [
            tensor_list_push_back(handle, parameters[index]) for handle, index in zip(handles, varying, strict=True)
        ]
        new_body.outputs = [*outputs, *pushed, registry["AddV2"](turn, 1)]
    with new_condition.as_default():
        parameters = [new_condition.add_parameter_like(item, "loop_variable") for item in condition.inputs]
        for _ in varying:
            new_condition.add_parameter(variant, (), "saved")
        new_condition.add_parameter(dtypes.int32, (), "turns")
        new_condition.outputs = replay(condition, parameters, new_condition)
    with graph.as_default(), graph.control_dependencies(None):
        saved_stack, graph._name_stack = graph._name_stack, op.name
        try:
            starts = [
                empty_tensor_list(
                    _static_shape(original.inputs[index]), -1, element_dtype=original.inputs[index]._dtype.base_dtype
                )
                for index in varying
            ]
            zero = convert_to_tensor(0, "int32", name="turns")
        finally:
            graph._name_stack = saved_stack
    inputs = [*op._inputs[:count], *starts, zero]
    # The loop itself is extended in place, so that whoever uses its outputs runs the saving loop, once.
    op._inputs = tuple(inputs)
    op.attrs["body"], op.attrs["cond"] = new_body, new_condition
    op.attrs["T"] = [tensor._dtype.base_dtype for tensor in inputs]
    op.attrs["output_shapes"] = [*op.attrs["output_shapes"], *([()] * (len(varying) + 1))]
    for offset, tensor in enumerate([*starts, zero]):
        op.outputs.append(SymbolicTensor(op, count + offset, tensor._dtype, ()))
    graph.changed_in_place()
    result = _Saved(original, new_body, varying, op.outputs[count:-1], op.outputs[-1])
    op.__dict__["_saved_variables"] = result
    return result


def _static_shape(tensor: SymbolicTensor) -> Any:
    shape = tensor._shape
    if shape is None:
        return -1
    return np.array([-1 if size is None else size for size in shape], dtype=np.int32)


def _backward_loop(op: Any, saved: _Saved, dys: list[Any]) -> list[Any]:
    """Builds the loop that runs ``op`` backwards; returns a gradient, or None, for each of its inputs.

    Its variables are: the turn, the lists of saved values, a gradient for each variable through which gradients flow
    (of its value so far or, for a variable that never changes, the sum over the turns), and the unchanging variables.
    """
    count = len(saved.body.inputs)
    varying = saved.varying
    # Gradients reach the lists themselves when a gradient is differentiated again.
    list_positions = [count + i for i in range(len(varying)) if count + i < len(dys) and dys[count + i] is not None]
    body = saved.saving_body if list_positions else saved.body
    registry: Any = OpDef.registry
    changing = {*varying, *list_positions}
    wanted = [index for index in range(count) if _flows(body.inputs[index])] + list_positions
    invariant = [index for index in range(count) if index not in changing]
    starts: list[Any] = [saved.turns, *saved.lists]
    for index in wanted:
        if index in changing:
            dy = dys[index] if index < len(dys) else None
            starts.append(registry["ZerosLike"](op.outputs[index]) if dy is None else convert_to_tensor(dy))
        else:
            starts.append(zeros_of(op.inputs[index]))
    shapes: list[Any] = [None] * len(starts)
    for position, index in enumerate(wanted):
        source = body.inputs[index]
        shapes[1 + len(varying) + position] = (
            source._shape if source._dtype is not dtypes.resource else starts[1 + len(varying) + position]._shape
        )
    constants = [op.inputs[index] for index in invariant]
    types = [tensor.dtype.base_dtype for tensor in (*starts, *constants)]
    static = [*([()] * (1 + len(varying))), *shapes[1 + len(varying) :], *(tensor._shape for tensor in constants)]
    condition = FuncGraph(unique_function_name(f"{body.name}_grad_cond"))
    with condition.as_default():
        turn, *_ = [
            condition.add_parameter(dtype, shape, "variable") for dtype, shape in zip(types, static, strict=True)
        ]
        condition.outputs = [registry["Greater"](turn, 0)]
    graph = FuncGraph(unique_function_name(f"{body.name}_grad"))
    with graph.as_default():
        parameters = [graph.add_parameter(dtype, shape, "variable") for dtype, shape in zip(types, static, strict=True)]
        for parameter, constant in zip(parameters[len(starts) :], constants, strict=True):
            share_variable(constant, parameter)
        turn, rest = parameters[0], parameters[1:]
        handles, rest = rest[: len(varying)], rest[len(varying) :]
        sums, fixed = rest[: len(wanted)], rest[len(wanted) :]
        values: list[Any] = [None] * len(body.inputs)
        popped = []
        for handle, index in zip(handles, varying, strict=True):
            source = body.inputs[index]
            remaining, value = tensor_list_pop_back(
                handle, _static_shape(source), element_dtype=source._dtype.base_dtype
            )
            value._shape = source._shape
            popped.append(remaining)
            values[index] = value
        for tensor, index in zip(fixed, invariant, strict=True):
            values[index] = tensor
        for index in range(count, len(body.inputs)):
            parameter = body.inputs[index]
            is_list = parameter._dtype is dtypes.variant
            values[index] = (
                empty_tensor_list(-1, -1, element_dtype=body.inputs[varying[index - count]]._dtype.base_dtype)
                if is_list
                else convert_to_tensor(0, parameter._dtype)
            )
        outputs = replay(body, values, graph)
        by_index = dict(zip(wanted, sums, strict=True))
        ys = [outputs[index] for index in wanted if index in changing]
        seeds = [by_index[index] for index in wanted if index in changing]
        found = gradients(ys, [values[index] for index in wanted], seeds) if ys else [None] * len(wanted)
        new = []
        for index, gradient in zip(wanted, found, strict=True):
            dense = None if gradient is None else convert_to_tensor(gradient)
            if index in changing:
                new.append(registry["ZerosLike"](values[index]) if dense is None else dense)
            else:
                new.append(by_index[index] if dense is None else registry["AddV2"](by_index[index], dense))
        graph.outputs = [registry["Sub"](turn, 1), *popped, *map(graph.capture, new), *fixed]
    captured = _merge(condition, graph, len(starts) + len(constants))
    outputs = while_op(
        [*starts, *constants, *captured],
        cond=condition,
        body=graph,
        output_shapes=[parameter._shape for parameter in graph.inputs],
    )
    results: list[Any] = [None] * len(op.inputs)
    for position, index in enumerate(wanted):
        results[index] = outputs[1 + len(varying) + position]
    return results
