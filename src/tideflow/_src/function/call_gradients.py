"""Differentiates calls of functions and branches in graphs.

The operation that is differentiated is extended, once for all gradients that are asked for, to return what the
backward functions read; a branch returns zeros for what only another branch has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.autodiff.call import Call
from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.forward_backward import (
    Backward,
    Extended,
    accepts_gradient,
    add_outputs,
    differentiable,
    differentiated,
    extended_by,
    gives_the_same_again,
)
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.control.branching import install_gradient
from tideflow._src.ops.control.fake_parameter import fake_parameter
from tideflow._src.ops.control.functional import (
    case_op,
    if_op,
    partitioned_call,
    stateful_partitioned_call,
    stateless_case,
    stateless_if,
)
from tideflow._src.ops.control.gradient_source import array_source
from tideflow._src.runtime.convert import convert_to_tensor


def seeded_by(call: Call, dys: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Returns the positions of the outputs that gradients reach, and these gradients, dense."""
    seeded = [
        position
        for position, (output, dy) in enumerate(zip(call.outputs, dys, strict=False))
        if dy is not None and differentiable(output)
    ]
    return seeded, [convert_to_tensor(dys[position]) for position in seeded]


def wanted_of(call: Call, parameters: Sequence[Any], skipped: int) -> list[int]:
    """Returns the positions of the parameters of a function whose gradients are wanted.

    Args:
      call: the call of the operation that holds the function.
      parameters: the function's parameters.
      skipped: how many inputs the operation has before those that it gives to the function.
    """
    return [
        position
        for position, parameter in enumerate(parameters)
        if accepts_gradient(parameter) and (call.wanted is None or call.wanted[skipped + position])
    ]


@partitioned_call.gradient
def _call_gradient(call: Call, *dys: Any) -> Any:
    arguments = list(call.inputs[0])
    function = call.attr("f")
    seeded, seeds = seeded_by(call, dys)
    wanted = wanted_of(call, function.inputs, 0)
    if not seeded or not wanted:
        return ([None] * len(arguments),)
    if call.operation is None:
        return (_of_values(function, seeded, wanted, arguments, seeds),)
    derivative = derivative_of(call.operation, [("f", None)], 0, seeded, wanted)
    results = _called(derivative.functions[0], [*seeds, *derivative.operands(call.operation)])
    return (derivative.spread(results, len(arguments)),)


stateful_partitioned_call.gradient(_call_gradient)


def _called(function: FuncGraph, arguments: Sequence[Any]) -> list[Any]:
    if not function.outputs:
        return []
    operation: Any = stateful_partitioned_call if function.is_stateful() else partitioned_call
    return list(operation(arguments, Tout=[output._dtype.base_dtype for output in function.outputs], f=function))


def _of_values(
    function: FuncGraph, seeded: Sequence[int], wanted: Sequence[int], arguments: Sequence[Any], seeds: Sequence[Any]
) -> list[Any]:
    """Returns the gradients of a call that was made eagerly: nothing kept its values, so that it is made again."""
    _check_repeatable([function])
    derivative = differentiated(function, seeded, wanted)
    results = _called(derivative.forward, arguments)
    found = _called(derivative.backward, [*seeds, *derivative.operands(arguments, results)])
    return derivative.gradients(found)


def _function_gradient(function: FuncGraph, values: list[Any]) -> list[Any]:
    """Returns the gradients of a function at its arguments: zeros for those that no gradient reaches."""
    count, expected = len(function.inputs), len(function.inputs) + len(function.outputs)
    if len(values) != expected:
        raise InvalidArgumentError(
            None,
            None,
            f"SymbolicGradient expects {expected} inputs: {count} arguments of {function.name} and a gradient for "
            f"each of its {len(function.outputs)} results, got {len(values)}",
        )
    derivative = differentiated(function, dense=True)
    arguments = values[:count]
    results = derivative.forward.run(arguments)
    seeds = [values[count + position] for position in derivative.seeded]
    found = derivative.gradients(derivative.backward.run([*seeds, *derivative.operands(arguments, results)]))
    return [
        np.zeros_like(argument) if gradient is None else gradient
        for argument, gradient in zip(arguments, found, strict=True)
    ]


install_gradient(_function_gradient)


def _check_repeatable(functions: Sequence[FuncGraph]) -> None:
    for function in functions:
        if function.is_stateful() and not gives_the_same_again(function):
            raise LookupError(
                f"The function {function.name} draws random numbers or has effects, and was called eagerly by an "
                "operation that keeps nothing for its gradient. Call it through tf.function, tf.cond or tf.switch_case."
            )


@if_op.gradient
def _if_gradient(call: Call, *dys: Any) -> Any:
    def choose(functions: list[FuncGraph], arguments: list[Any]) -> Any:
        operation: Any = if_op if any(function.is_stateful() for function in functions) else stateless_if
        return operation(
            call.inputs[0], arguments, Tcond=call.inputs[0].dtype.base_dtype,
            Tout=[output._dtype.base_dtype for output in functions[0].outputs],
            then_branch=functions[0], else_branch=functions[1], output_shapes=output_shapes(functions),
        )  # fmt: skip

    return _of_branches(call, dys, [("then_branch", None), ("else_branch", None)], choose)


@case_op.gradient
def _case_gradient(call: Call, *dys: Any) -> Any:
    def choose(functions: list[FuncGraph], arguments: list[Any]) -> Any:
        operation: Any = case_op if any(function.is_stateful() for function in functions) else stateless_case
        return operation(
            call.inputs[0], arguments, Tout=[output._dtype.base_dtype for output in functions[0].outputs],
            branches=functions, output_shapes=output_shapes(functions),
        )  # fmt: skip

    return _of_branches(call, dys, [("branches", index) for index in range(len(call.attr("branches")))], choose)


stateless_if.gradient(_if_gradient)
stateless_case.gradient(_case_gradient)
for _operation in (partitioned_call, stateful_partitioned_call, if_op, stateless_if, case_op, stateless_case):
    _operation.takes_missing_gradients = True


def _of_branches(call: Call, dys: Sequence[Any], places: list[tuple[str, int | None]], choose: Any) -> Any:
    """Returns the gradients of an operation that chooses among functions, by choosing among theirs."""
    arguments = list(call.inputs[1])
    branches = [call.attr(name) if index is None else call.attr(name)[index] for name, index in places]
    seeded, seeds = seeded_by(call, dys)
    wanted = wanted_of(call, branches[0].inputs, 1)
    if not seeded or not wanted:
        return None, [None] * len(arguments)
    if call.operation is None:
        _check_repeatable(branches)
        raise LookupError("The gradient of a branch that was chosen eagerly is not defined; use tf.cond or tf.case.")
    derivative = derivative_of(call.operation, places, 1, seeded, wanted)
    results = []
    if derivative.functions[0].outputs:
        results = choose(derivative.functions, [*seeds, *derivative.operands(call.operation)])
    return None, derivative.spread(results, len(arguments))


def output_shapes(branches: Sequence[FuncGraph]) -> list[Any]:
    """Returns what the static shapes of the outputs of branches have in common."""
    shapes = []
    for outputs in zip(*(branch.outputs for branch in branches), strict=True):
        shape = outputs[0].shape
        for output in outputs[1:]:
            shape = shape.most_specific_compatible_shape(output.shape)
        shapes.append(shape._dims)
    return shapes


class Derivative:
    """Is what has been built for some gradients of an operation that runs one of several functions.

    Attributes:
      functions: the backward functions, with the same parameters: gradients, then what ``sources`` says.
      sources: for each further parameter the position of an input or output of the operation, or an outer tensor.
    """

    def __init__(self, built: Sequence[Backward], sources: Sequence[tuple[str, Any]]) -> None:
        self._built = built[0]
        self.functions: list[FuncGraph] = [item.graph for item in built]
        self.sources = sources

    def operands(self, node: Operation) -> list[Any]:
        """Returns what the backward functions take behind the gradients."""
        return _values(node, self.sources)

    def spread(self, results: Sequence[Any], count: int) -> list[Any]:
        """Returns the gradient of each of ``count`` arguments, of what the backward function returned."""
        return self._built.spread(results, count)


def derivative_of(
    node: Operation,
    places: list[tuple[str, int | None]],
    skipped: int,
    seeded: list[int],
    wanted: list[int],
    dense: bool = False,
) -> Derivative:
    """Returns the backward functions of an operation, which is made to return what they read.

    Args:
      node: the operation, which runs one of its functions.
      places: the attribute of each function, and the position in it if it is a list.
      skipped: how many inputs the operation has before those that it gives to the functions.
      seeded: the positions of the outputs that gradients reach.
      wanted: the positions of the functions' parameters whose gradients are asked for.
      dense: whether no gradient may be ``IndexedSlices``.
    """
    kept: dict[Any, Derivative] = node.__dict__.setdefault("_derivatives", {})
    held = (node.attrs[name] if index is None else node.attrs[name][index] for name, index in places)
    key = (tuple(seeded), tuple(wanted), *map(array_source, held))
    found = kept.get(key)
    if found is None:
        forwards = [extended_by(node, *place) for place in places]
        built = [forward.backward(seeded, wanted) for forward in forwards]
        _agree_on_gradients(built, dense)
        for item in built:
            item.return_gradients()
        found = kept[key] = Derivative(built, _shared_sources(node, forwards, built, skipped))
        for forward in forwards:
            forward.changed_in_place()
        node.graph.changed_in_place()
    return found


def _agree_on_gradients(built: Sequence[Backward], dense: bool) -> None:
    """Makes backward functions of branches return the same gradients: zeros for what does not reach a parameter.

    They are slices if one of them is, as in TensorFlow.
    """
    for index in range(len(built[0].wanted)):
        found = [item.gradients[index] for item in built]
        if all(gradient is None for gradient in found) or (len(built) == 1 and not dense):
            continue
        sparse = not dense and any(isinstance(gradient, IndexedSlices) for gradient in found)
        slices = [gradient for gradient in found if isinstance(gradient, IndexedSlices)]
        wide = any(gradient.indices.dtype is dtypes.int64 for gradient in slices)
        for item in built:
            if sparse:
                item.make_sparse(index, dtypes.int64 if wide else dtypes.int32)
            else:
                item.make_dense(index)


def _shared_sources(
    node: Operation, forwards: Sequence[Extended], built: Sequence[Backward], skipped: int
) -> list[tuple[str, Any]]:
    """Gives backward functions the same parameters, and the functions the same outputs.

    Returns:
      What stands for each parameter behind the gradients.
    """
    inner: list[dict[tuple[str, int], SymbolicTensor]] = []
    new: list[SymbolicTensor] = []
    outside: dict[int, Any] = {}
    for number, (forward, item) in enumerate(zip(forwards, built, strict=True)):
        positions = {tensor: index for index, tensor in enumerate(forward.inputs)}
        found: dict[tuple[str, int], SymbolicTensor] = {}
        for outer, parameter in item.captures():
            if not isinstance(outer, SymbolicTensor) or outer._op.graph is not forward:
                outside[id(outer)] = outer
                found["outside", id(outer)] = parameter
            elif outer in positions:
                found["input", skipped + positions[outer]] = parameter
            else:
                count = len(forward.outputs)
                position = forward.returning(outer)
                found["output", position] = parameter
                if position == count:
                    new.append(outer)
                    _return_nothing(outer, [other for place, other in enumerate(forwards) if place != number])
        inner.append(found)
    add_outputs(node, "output_types" if node.type == "MapDefun" else "Tout", new)
    keys = list(dict.fromkeys(key for found in inner for key in found))
    sources = [(place, outside[value] if place == "outside" else value) for place, value in keys]
    values = _values(node, sources)
    for item, found in zip(built, inner, strict=True):
        item.take([found.get(key) for key in keys], values)
    return sources


def _values(node: Operation, sources: Sequence[tuple[str, Any]]) -> list[Any]:
    places: dict[str, Any] = {"input": node._inputs, "output": node.outputs}
    return [value if place == "outside" else places[place][value] for place, value in sources]


def _return_nothing(tensor: SymbolicTensor, forwards: Sequence[Extended]) -> None:
    """Makes functions return something in the place of a value that another function has."""
    for forward in forwards:
        with forward.as_default(), forward.control_dependencies(None):
            forward.outputs.append(fake_parameter(dtype=tensor._dtype.base_dtype, shape=tensor._shape))
