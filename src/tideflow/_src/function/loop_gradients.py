"""Differentiates loops in graphs.

The gradient of a loop runs another loop backwards. The forward loop is extended to push the loop variables
of each turn on lists; the backward loop pops them, computes that turn again and differentiates it. Tensors that the
body only reads are passed along unchanged, and their gradients are added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.graph_gradients import gradients
from tideflow._src.core import dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.conditional import differentiable
from tideflow._src.function.func_graph import (
    FuncGraph,
    share_variable,
    unique_function_name,
    variable_behind,
    zeros_of,
)
from tideflow._src.function.loops import share_parameters
from tideflow._src.function.replay import replay
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.functional import stateless_while, while_op
from tideflow._src.ops.control.tensor_list import (
    empty_tensor_list,
    shape_of,
    tensor_list_pop_back,
    tensor_list_push_back,
)
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.plan import needed


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
      kept: the positions of those whose values gradients need.
      lists: for each of the latter the list of its values, one for each turn.
      turns: the number of turns.
    """

    def __init__(
        self,
        body: FuncGraph,
        saving_body: FuncGraph,
        varying: list[int],
        kept: list[int],
        lists: list[Any],
        turns: Any,
    ) -> None:
        self.body = body
        self.saving_body = saving_body
        self.varying = varying
        self.kept = kept
        self.lists = lists
        self.turns = turns


def _flows(tensor: Any) -> bool:
    """Tells whether gradients flow through a loop variable: numbers, lists of numbers, variables of numbers."""
    if tensor.dtype is dtypes.resource:
        found = variable_behind(tensor)
        return found is not None and (found[0].is_floating or found[0].is_complex)
    return differentiable(tensor)


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
    kept = _needed_values(body, varying)
    new_body = FuncGraph(unique_function_name(f"{body.name}_saving"), body.outer_graph)
    new_condition = FuncGraph(unique_function_name(f"{condition.name}_saving"), condition.outer_graph)
    graph = op.graph
    registry: Any = OpDef.registry
    variant = OpDef.registry["EmptyTensorList"].outputs[0].dtype
    with new_body.as_default():
        parameters = [new_body.add_parameter_like(item, "loop_variable") for item in original.inputs]
        handles = [new_body.add_parameter(variant, (), "saved") for _ in kept]
        turn = new_body.add_parameter(dtypes.int32, (), "turns")
        outputs = replay(original, parameters, new_body)
        outputs = [
            registry["Identity"](output) if output._op.type == "Placeholder" and index in set(varying) else output
            for index, output in enumerate(outputs)
        ]
        pushed = [tensor_list_push_back(handle, parameters[index]) for handle, index in zip(handles, kept, strict=True)]
        new_body.outputs = [*outputs, *pushed, registry["AddV2"](turn, 1)]
    with new_condition.as_default():
        parameters = [new_condition.add_parameter_like(item, "loop_variable") for item in condition.inputs]
        for _ in kept:
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
                for index in kept
            ]
            zero = convert_to_tensor(0, "int32", name="turns")
        finally:
            graph._name_stack = saved_stack
    inputs = [*op._inputs[:count], *starts, zero]
    # The loop itself is extended in place, so that whoever uses its outputs runs the saving loop, once.
    op._inputs = tuple(inputs)
    op.attrs["body"], op.attrs["cond"] = new_body, new_condition
    op.attrs["T"] = [tensor._dtype.base_dtype for tensor in inputs]
    op.attrs["output_shapes"] = [*op.attrs["output_shapes"], *([()] * (len(kept) + 1))]
    for offset, tensor in enumerate([*starts, zero]):
        op.outputs.append(SymbolicTensor(op, count + offset, tensor._dtype, ()))
    graph.changed_in_place()
    result = _Saved(original, new_body, varying, kept, op.outputs[count:-1], op.outputs[-1])
    op.__dict__["_saved_variables"] = result
    return result


def _needed_values(body: FuncGraph, varying: list[int]) -> list[int]:
    """Returns the variables whose values the gradient of one turn needs: those that a trial of it uses."""
    graph = FuncGraph(unique_function_name(f"{body.name}_trial"), body.outer_graph)
    with graph.as_default():
        parameters = [graph.add_parameter_like(item, "variable") for item in body.inputs]
        outputs = replay(body, parameters, graph)
        flowing = [index for index, item in enumerate(body.inputs) if _flows(item)]
        changing = [index for index in flowing if index in set(varying)]
        seeds = {index: graph.add_parameter_like(outputs[index], "gradient") for index in changing}
        found = _turn_gradients(outputs, parameters, flowing, seeds)
        results: list[Any] = [
            _zeros_where_unreached(parameters[index], seeds[index]) if gradient is None else convert_to_tensor(gradient)
            for index, gradient in zip(flowing, found, strict=True)
            if gradient is not None or index in seeds
        ]
    used = needed([tensor for tensor in results if tensor._op.graph is graph], [], set())
    return [index for index in varying if parameters[index]._op in used]


def _turn_gradients(outputs: list[Any], values: list[Any], wanted: list[int], seeds: dict[int, Any]) -> list[Any]:
    """Returns the gradients of one turn for the variables at the positions ``wanted``."""
    if not seeds:
        return [None] * len(wanted)
    return gradients([outputs[index] for index in seeds], [values[index] for index in wanted], list(seeds.values()))


def _zeros_where_unreached(value: Any, gradient: Any) -> Any:
    """Returns the gradient of a variable that the turn does not use: zeros, if possible without its value."""
    registry: Any = OpDef.registry
    known = value._dtype is dtypes.variant or (value._shape is not None and None not in value._shape)
    return registry["ZerosLike"](gradient if known else value)


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
    varying, kept = saved.varying, saved.kept
    # Gradients reach the lists themselves when a gradient is differentiated again.
    list_positions = [count + i for i in range(len(kept)) if count + i < len(dys) and dys[count + i] is not None]
    body = saved.saving_body if list_positions else saved.body
    registry: Any = OpDef.registry
    changing = {*varying, *list_positions}
    wanted = [index for index in range(count) if _flows(body.inputs[index])] + list_positions
    invariant = [index for index in range(count) if index not in changing]
    starts: list[Any] = [saved.turns, *saved.lists]
    for index in wanted:
        # What goes through the loop unchanged comes out too: that gradient is where the sum begins.
        dy = dys[index] if index < len(dys) else None
        if dy is not None:
            starts.append(convert_to_tensor(dy))
        elif index in changing:
            starts.append(registry["ZerosLike"](op.outputs[index]))
        else:
            starts.append(zeros_of(op.inputs[index]))
    shapes: list[Any] = [None] * len(starts)
    for position, index in enumerate(wanted):
        source = body.inputs[index]
        shapes[1 + len(kept) + position] = (
            source._shape if source._dtype is not dtypes.resource else starts[1 + len(kept) + position]._shape
        )
    constants = [op.inputs[index] for index in invariant]
    types = [tensor.dtype.base_dtype for tensor in (*starts, *constants)]
    static = [*([()] * (1 + len(kept))), *shapes[1 + len(kept) :], *(tensor._shape for tensor in constants)]
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
        handles, rest = rest[: len(kept)], rest[len(kept) :]
        sums, fixed = rest[: len(wanted)], rest[len(wanted) :]
        values: list[Any] = [None] * len(body.inputs)
        popped = []
        for handle, index in zip(handles, kept, strict=True):
            source = body.inputs[index]
            remaining, value = tensor_list_pop_back(
                handle, _static_shape(source), element_dtype=source._dtype.base_dtype
            )
            value._shape = source._shape
            popped.append(remaining)
            values[index] = value
        for index in set(varying).difference(kept):
            values[index] = _unused(graph, body.inputs[index])
        for tensor, index in zip(fixed, invariant, strict=True):
            values[index] = tensor
        for index in range(count, len(body.inputs)):
            parameter = body.inputs[index]
            is_list = parameter._dtype is dtypes.variant
            values[index] = (
                empty_tensor_list(-1, -1, element_dtype=body.inputs[kept[index - count]]._dtype.base_dtype)
                if is_list
                else convert_to_tensor(0, parameter._dtype)
            )
        outputs = replay(body, values, graph)
        by_index = dict(zip(wanted, sums, strict=True))
        seeds = {index: by_index[index] for index in wanted if index in changing}
        found = _turn_gradients(outputs, values, wanted, seeds)
        new = []
        for index, gradient in zip(wanted, found, strict=True):
            dense = None if gradient is None else convert_to_tensor(gradient)
            if index in changing:
                new.append(_zeros_where_unreached(values[index], by_index[index]) if dense is None else dense)
            else:
                new.append(by_index[index] if dense is None else _added(by_index[index], dense))
        graph.outputs = [registry["Sub"](turn, 1), *popped, *map(graph.capture, new), *fixed]
    captured = share_parameters(condition, graph, len(starts) + len(constants))
    outputs = while_op(
        [*starts, *constants, *captured],
        cond=condition,
        body=graph,
        output_shapes=[parameter._shape for parameter in graph.inputs],
    )
    results: list[Any] = [None] * len(op.inputs)
    for position, index in enumerate(wanted):
        results[index] = outputs[1 + len(kept) + position]
    return results


def _unused(graph: FuncGraph, like: Any) -> Any:
    """Returns a tensor that stands for a value that nothing needs."""
    tensor = graph.add_parameter_like(like, "unused")
    graph.inputs.pop()
    return tensor


def _added(total: Any, gradient: Any) -> Any:
    """Returns the sum of a gradient so far and of what one turn adds.

    What reading one element of a list adds is a list of zeros but for one element: only that is added.
    """
    registry: Any = OpDef.registry
    if total._dtype is not dtypes.variant:
        return registry["AddV2"](total, gradient)
    op = gradient._op
    if op.type == "AddN":
        for part in op.inputs:
            total = _added(total, part)
        return total
    if op.type == "TensorListSetItem" and op.inputs[0]._op.type == "TensorListReserve":
        _, index, item = op.inputs
        here = registry["TensorListGetItem"](total, index, shape_of(item), element_dtype=item._dtype.base_dtype)
        return registry["TensorListSetItem"](total, index, registry["AddV2"](here, item))
    return registry["AddN"]([total, gradient])
