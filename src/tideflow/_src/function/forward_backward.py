"""Differentiates functions: a forward function that also returns what the gradient reads, and the backward function.

A gradient belongs to the values that were computed. So what the backward function reads of the forward one's values
is not computed again there but returned by the forward function, behind its own results. Computed again is only what
costs nothing and always gives the same: constants, shapes and arithmetic on those, names of variables. What draws
random numbers, reads or changes state or calls out is never repeated.

:func:`differentiated` is for whoever calls functions by himself; calls, branches and loops in graphs extend the
function that they hold instead (:class:`Extended`), so that the operation that is differentiated runs once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.autodiff.graph_gradients import gradients_of_seeds
from tideflow._src.core import context, dtypes, nesting
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.func_graph import FuncGraph, unique_function_name, variable_behind
from tideflow._src.function.operation_copies import OperationCopies
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.array.slicing import entry
from tideflow._src.ops.control.gradient_source import array_source
from tideflow._src.runtime.convert import constant_node, convert_to_tensor
from tideflow._src.runtime.plan import in_order, needed

_SAME_VALUE = frozenset(("Identity", "StopGradient", "PreventGradient", "Snapshot"))
_SAME_GRADIENT = frozenset(("Identity", "Snapshot"))
_SHAPES = frozenset(("Shape", "Size", "Rank"))
#: What reads of its input the shape alone.
_OF_SHAPES = _SHAPES | {"ZerosLike", "OnesLike"}
_MOST_SHAPE_ELEMENTS = 64


class Extended(FuncGraph):
    """Is a copy of a function that can be made to return more than the function does.

    It belongs to whoever made it, who alone calls it: so it may change, and the function does not.

    Attributes:
      original: the function.
    """

    def __init__(self, original: FuncGraph, outer_graph: Graph | None) -> None:
        super().__init__(unique_function_name(f"{original.name.removesuffix('_forward')}_forward"), outer_graph)
        self.outer_graph = outer_graph
        self.original = original
        self.must_compile = original.must_compile
        self.seed = original.seed
        self.structured_outputs = original.structured_outputs
        self._of = OperationCopies(self)
        copies = self._of.tensors
        for parameter in original.inputs:
            self._of.add(parameter._op)
        self.inputs = [copies[parameter] for parameter in original.inputs]
        for op in original.plan_ops():
            self._of.add(op)
        self._of.close_frames()
        self.outputs = [copies[output] for output in original.outputs]
        self.control_outputs = [self._of.operations[op] for op in original.control_outputs]
        self._captures = {
            key: (outer, copies[inner]) for key, (outer, inner) in original._captures.items() if inner in copies
        }
        self._backward: dict[Any, Backward] = {}

    def stand_in(self, tensor: SymbolicTensor) -> SymbolicTensor | None:
        """Returns the tensor here that stands for one of the original, or None."""
        if tensor._op.graph is self:
            return tensor
        if tensor._op.graph is self.original:
            return self._copy_of(tensor)
        found = self.original.stand_in(tensor) if isinstance(self.original, Extended) else None
        return None if found is None else self._copy_of(found)

    def _copy_of(self, tensor: SymbolicTensor) -> SymbolicTensor:
        if tensor not in self._of.tensors:
            for op in in_order(needed([tensor], [], set(self._of.tensors))):
                if op not in self._of.operations:
                    self._of.add(op)
        return self._of.tensors[tensor]

    def returning(self, tensor: SymbolicTensor) -> int:
        """Returns the position at which the function returns one of its tensors, which it does from now on."""
        for position, output in enumerate(self.outputs):
            if output is tensor:
                return position
        self.outputs.append(tensor)
        return len(self.outputs) - 1

    def backward(self, seeded: Sequence[int], wanted: Sequence[int]) -> Backward:
        """Returns the backward function for gradients of some outputs, and with respect to some parameters."""
        key = (tuple(self.outputs[position] for position in seeded), tuple(wanted), array_source(self))
        found = self._backward.get(key)
        if found is None:
            with nesting.level():
                found = self._backward[key] = Backward(self, seeded, wanted)
        return found


class BackwardGraph(FuncGraph):
    """Is the graph of a backward function, built beside the forward one, whose tensors it captures."""

    def __init__(self, forward: Extended) -> None:
        super().__init__(unique_function_name(f"{forward.name.removesuffix('_forward')}_backward"), forward)
        self.forward = forward
        self.must_compile = forward.must_compile
        self._again: dict[SymbolicTensor, SymbolicTensor] = {}
        self._simple: dict[SymbolicTensor, bool] = {}
        self._forward_inputs = set(forward.inputs)

    def capture(self, tensor: Any, name: str | None = None) -> SymbolicTensor:
        """Returns the tensor of this graph that stands for ``tensor``: a parameter, or what costs nothing anew."""
        if not isinstance(tensor, SymbolicTensor) or tensor._op.graph is self:
            return super().capture(tensor, name)
        tensor = self._inside(tensor)
        if tensor._op.graph is not self.outer_graph:
            return super().capture(tensor, name)
        found = self._again.get(tensor)
        if found is None:
            found = None if tensor in self._forward_inputs else self._computed_again(tensor)
            if found is None:
                return self.read(tensor, name)
            self._again[tensor] = found
        return found

    def values_read(self) -> list[tuple[SymbolicTensor, SymbolicTensor]]:
        """Returns the values that the forward function would have to save, each with what stands for it here."""
        return [
            (outer, inner)
            for outer, inner in self.captures
            if isinstance(outer, SymbolicTensor)
            and outer._op.graph is self.forward
            and outer not in self._forward_inputs
            and _is_number(outer)
        ]

    def gradient_shape(self, position: int) -> Any:
        """Returns the static shape of the gradient of an output of the forward function."""
        return self.forward.outputs[position]._shape

    def read(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Returns what stands for a value of the forward function that is not computed again: a parameter."""
        return super().capture(tensor, name)

    def _inside(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Returns what stands for a tensor in the copies of functions around: gradients of users name originals."""
        graph = self.outer_graph
        while graph is not None and tensor._op.graph is not graph:
            if isinstance(graph, Extended):
                found = graph.stand_in(tensor)
                if found is not None:
                    return found
            graph = getattr(graph, "outer_graph", None)
        return tensor

    def _computed_again(self, tensor: SymbolicTensor) -> SymbolicTensor | None:
        op = tensor._op
        if op.type in _SAME_VALUE and not tensor._dtype._is_ref_dtype and not op.inputs[0]._dtype._is_ref_dtype:
            if op.type in _SAME_GRADIENT and "_gradient_op_type" not in op.attrs:
                return self.capture(op.inputs[0])
            # A backward function has gradients too: what stops them here stops them there.
            with outside_of_scopes(self), self.control_dependencies(None):
                return self._repeated(tensor)
        if op.type == "VarHandleOp" or self._is_simple(tensor):
            with outside_of_scopes(self), self.control_dependencies(None):
                return self._repeated(tensor)
        return None

    def _is_simple(self, tensor: SymbolicTensor) -> bool:
        """Tells whether a tensor is a constant, a shape, or small and computed of nothing else."""
        known = self._simple.get(tensor)
        if known is None:
            op = tensor._op
            if tensor in self._forward_inputs or op.graph is not self.outer_graph:
                known = False
            elif op.type == "Const" or op.type in _SHAPES:
                known = True
            else:
                known = _is_small_integer(tensor) and is_pure(op) and all(map(self._is_simple, op.inputs))
            self._simple[tensor] = known
        return known

    def _repeated(self, tensor: SymbolicTensor) -> SymbolicTensor:
        op = tensor._op
        if op.type == "Const":
            return constant_node(self, op.attrs["value"], op.name, dtype=tensor._dtype)
        if op.type in _SHAPES:
            source = _shape_source(op.inputs[0])
            rule = op.op_def.shape_value_rule
            known = source._shape
            if known is not None and None not in known and rule is not None:
                value = np.asarray(rule(known), tensor._dtype.as_numpy_dtype)
                return constant_node(self, value, op.name, dtype=tensor._dtype)
            inputs = [self.capture(source)]
        else:
            inputs = [self.capture(item) for item in op.inputs]
        copy = self.add_operation(
            op.op_def,
            inputs,
            dict(op.attrs),
            op.name,
            output_types=[output._dtype for output in op.outputs],
            output_shapes=[output._shape for output in op.outputs],
        )
        return copy.outputs[tensor._value_index]


def _is_number(tensor: SymbolicTensor) -> bool:
    dtype = tensor._dtype
    return not dtype._is_ref_dtype and (dtype.is_floating or dtype.is_complex or dtype.is_integer or dtype.is_bool)


def _is_small_integer(tensor: SymbolicTensor) -> bool:
    dtype, shape = tensor._dtype, tensor._shape
    if not (dtype.is_integer or dtype is dtypes.bool) or dtype._is_ref_dtype:
        return False
    if shape is None or len(shape) > 1:
        return False
    return all(size is not None and size <= _MOST_SHAPE_ELEMENTS for size in shape)


def is_pure(op: Operation) -> bool:
    """Tells whether an operation always gives the same for the same inputs, and does nothing else."""
    definition = op.op_def
    if definition.stateful or definition.random is not None or definition.reads or definition.updates:
        return False
    if definition.takes_functions or op.type.startswith("Placeholder") or not op.inputs:
        return False
    return not any(tensor._dtype._is_ref_dtype for tensor in op.inputs)


def gives_the_same_again(function: FuncGraph) -> bool:
    """Tells whether a function that is called again at once gives the same and has no effect.

    Such a function computes and reads variables, and nothing else: it runs no other functions either.
    """
    return all(
        op.type in ("Const", "ReadVariableOp", "VarHandleOp", "NoOp")
        or op.type.startswith("Placeholder")
        or not (op.op_def.stateful or op.op_def.updates or op.op_def.random is not None or op.op_def.takes_functions)
        for op in function.plan_ops()
    )


def _shape_source(tensor: SymbolicTensor) -> SymbolicTensor:
    """Returns the earliest tensor that always has the shape of ``tensor``."""
    while True:
        op = tensor._op
        if not op.inputs or not (op.op_def.broadcasts or op.type in _SAME_VALUE):
            return tensor
        found = next((item for item in op.inputs if _gives_shape(item, op.inputs)), None)
        if found is None or found._dtype._is_ref_dtype:
            return tensor
        tensor = found


def _gives_shape(tensor: SymbolicTensor, inputs: Sequence[SymbolicTensor]) -> bool:
    """Tells whether inputs that broadcast against each other surely take the shape of one of them."""
    shape = tensor._shape
    for other in inputs:
        if other is tensor:
            continue
        if shape is None or other._shape is None or len(other._shape) > len(shape):
            return False
        aligned = shape[len(shape) - len(other._shape) :]
        if not all(
            size == 1 or (size is not None and size == own) for size, own in zip(other._shape, aligned, strict=True)
        ):
            return False
    return True


class Backward:
    """Is a backward function, and what it takes and gives.

    Attributes:
      graph: the function. Its parameters are the gradients of the outputs at ``seeded``, in order, then what stands
        for :meth:`captures`; its outputs are those of ``gradients``.
      seeded: positions of the forward function's outputs.
      wanted: positions of the forward function's parameters.
      gradients: for each of ``wanted`` None, where no gradient reaches it, or the outputs of ``graph`` that are its
        gradient: a tensor or ``IndexedSlices``.
    """

    def __init__(
        self, forward: Extended, seeded: Sequence[int], wanted: Sequence[int], graph: BackwardGraph | None = None
    ) -> None:
        self.seeded = tuple(seeded)
        self.wanted = tuple(wanted)
        self.forward = forward
        self.graph = graph if graph is not None else BackwardGraph(forward)
        self.gradients: list[Any] = [None] * len(wanted)
        ys = [forward.outputs[position] for position in seeded]
        with context.no_tapes(), self.graph.as_default():
            self.seeds = [
                self.graph.add_parameter(y._dtype.base_dtype, self.graph.gradient_shape(position), "gradient")
                for position, y in zip(seeded, ys, strict=True)
            ]
            if ys and wanted:
                found = gradients_of_seeds(ys, [forward.inputs[position] for position in wanted], self.seeds)
                self.gradients = [self._returned(gradient) for gradient in found]

    def _returned(self, gradient: Any) -> Any:
        """Returns a gradient as the graph can return it."""
        if gradient is None:
            return None
        if isinstance(gradient, IndexedSlices):
            if gradient.dense_shape is None:
                return IndexedSlices(self._own(gradient.values), self._own(gradient.indices))
            return IndexedSlices(*map(self._own, (gradient.values, gradient.indices, gradient.dense_shape)))
        return self._own(gradient)

    def _own(self, value: Any) -> SymbolicTensor:
        tensor: Any = self.graph.capture(convert_to_tensor(value))
        if tensor._op.type == "Placeholder" or tensor._op.type == "Const":
            registry: Any = OpDef.registry
            tensor = registry["Identity"](tensor)
        return tensor

    def make_dense(self, index: int) -> None:
        """Makes the gradient at an index of ``wanted`` a tensor: zeros if no gradient reaches that parameter."""
        with context.no_tapes(), self.graph.as_default():
            gradient = self.gradients[index]
            if gradient is None:
                gradient = zeros_like_parameter(self.forward.inputs[self.wanted[index]])
            self.gradients[index] = self._own(gradient)

    def make_sparse(self, index: int, index_type: Any) -> None:
        """Makes the gradient at an index of ``wanted`` slices with indices of a type: all rows, if it was a tensor."""
        gradient = self.gradients[index]
        if not isinstance(gradient, IndexedSlices):
            self.make_dense(index)
        registry: Any = OpDef.registry
        with context.no_tapes(), self.graph.as_default():
            if isinstance(gradient, IndexedSlices):
                values, indices, shape = gradient.values, gradient.indices, gradient.dense_shape
                if shape is None:
                    raise ValueError("The gradients of branches are slices of a tensor whose shape is not known.")
            else:
                values = self.gradients[index]
                shape = registry["Shape"](values)
                rows = entry(shape, 0)
                indices = registry["Range"](0, rows, 1)
            parts = [values, *(registry["Cast"](item, DstT=index_type) for item in (indices, shape))]
            self.gradients[index] = IndexedSlices(*map(self._own, parts))

    def take(self, parameters: Sequence[SymbolicTensor | None], values: Sequence[Any]) -> None:
        """Says which parameters the graph has behind the gradients; None stands for one that it does not read."""
        graph = self.graph
        graph.inputs = list(self.seeds)
        with outside_of_scopes(graph):
            for parameter, value in zip(parameters, values, strict=True):
                if parameter is None:
                    graph.add_parameter_like(value, "unused")
                else:
                    graph.inputs.append(parameter)

    def return_gradients(self) -> None:
        """Makes the gradients the outputs of the graph."""
        self.return_tensors([part for gradient in self.gradients for part in parts_of(gradient)])

    def return_tensors(self, outputs: Sequence[SymbolicTensor]) -> None:
        """Makes tensors the outputs of the graph, which then reads no value for its shape alone if another will do."""
        graph = self.graph
        graph.outputs = list(outputs)
        used = needed(graph.outputs, graph.control_outputs, set())
        users: dict[SymbolicTensor, list[Operation]] = {}
        for op in used:
            for tensor in op._inputs:
                users.setdefault(tensor, []).append(op)
        returned = set(graph.outputs)
        for outer, inner in graph.values_read():
            found = users.get(inner, ())
            if found and inner not in returned and all(op.type in _OF_SHAPES for op in found):
                with context.no_tapes(), graph.as_default(), graph.control_dependencies(None):
                    other = self._of_shape(outer, all(op.type in _SHAPES for op in found))
                if other is not None:
                    for op in found:
                        op._inputs = tuple(other if tensor is inner else tensor for tensor in op._inputs)

    def _of_shape(self, tensor: SymbolicTensor, any_type: bool) -> SymbolicTensor | None:
        """Returns a tensor of the backward graph of the shape of a value, made without that value; or None."""
        shape = tensor._shape
        if shape is not None and None not in shape:
            registry: Any = OpDef.registry
            zero = convert_to_tensor(0, tensor._dtype.base_dtype)
            return registry["Fill"](np.array(shape, np.int32), zero)
        source = _shape_source(tensor)
        if source is tensor or not (any_type or source._dtype.base_dtype is tensor._dtype.base_dtype):
            return None
        return self.graph.capture(source)

    def captures(self) -> list[tuple[Any, SymbolicTensor]]:
        """Returns what the gradients read from outside of the graph, each with the parameter that stands for it."""
        used = needed(self.graph.outputs, self.graph.control_outputs, set())
        return [(outer, parameter) for outer, parameter in self.graph.captures if parameter._op in used]

    def spread(self, results: Sequence[Any], count: int) -> list[Any]:
        """Returns for each of ``count`` parameters its gradient or None, of what a call of the function returned."""
        remaining = iter(results)
        spread: list[Any] = [None] * count
        for position, gradient in zip(self.wanted, self.gradients, strict=True):
            if gradient is not None:
                spread[position] = rebuilt(gradient, remaining)
        return spread


def parts_of(gradient: Any) -> list[Any]:
    """Returns the tensors that a gradient consists of."""
    if gradient is None:
        return []
    if isinstance(gradient, IndexedSlices):
        parts = [gradient.values, gradient.indices]
        return parts if gradient.dense_shape is None else [*parts, gradient.dense_shape]
    return [gradient]


def rebuilt(gradient: Any, parts: Any) -> Any:
    """Returns a gradient like another, of the next ones of ``parts``."""
    if isinstance(gradient, IndexedSlices):
        return IndexedSlices(*[next(parts) for _ in parts_of(gradient)])
    return next(parts)


def differentiable(tensor: Any) -> bool:
    """Tells whether gradients flow through a tensor: numbers, and lists of them."""
    dtype = tensor.dtype.base_dtype
    return bool(dtype.is_floating or dtype.is_complex or dtype is dtypes.variant)


def accepts_gradient(tensor: Any) -> bool:
    """Tells whether a parameter can have a gradient: what :func:`differentiable` says, and variables of numbers."""
    if tensor.dtype is dtypes.resource:
        found = variable_behind(tensor)
        return found is None or bool(found[0].is_floating or found[0].is_complex)
    return differentiable(tensor)


class ForwardBackward:
    """Is a function with its derivative: two functions to be called one after the other.

    The forward function takes what the function takes and returns what it returns, then ``saved`` values more. The
    backward function takes a gradient for each output of ``seeded`` (dense), then what :meth:`operands` says, and
    returns what :meth:`gradients` puts in order.

    Attributes:
      forward: the forward function, with the parameters of the function.
      backward: the backward function; differentiate it, and ``forward``, again for a second derivative.
      seeded: the positions of the function's outputs whose gradients the backward function takes.
      wanted: the positions of the function's parameters whose gradients it gives.
      reached: those of ``wanted`` that have a gradient; the others' is None.
      sources: where each further argument of the backward function comes from: ``("input", position)``,
        ``("output", position)`` of the forward function, or ``("outside", tensor)``.
      saved: how many values the forward function returns besides the function's own.
    """

    def __init__(self, function: FuncGraph, seeded: Sequence[int], wanted: Sequence[int], dense: bool) -> None:
        count = len(function.outputs)
        forward = Extended(function, function.outer_graph)
        built = forward.backward(seeded, wanted)
        for index, gradient in enumerate(built.gradients):
            if dense and gradient is not None:
                built.make_dense(index)
        built.return_gradients()
        self._built = built
        self.sources: list[tuple[str, Any]] = []
        positions = {tensor: index for index, tensor in enumerate(forward.inputs)}
        captures = built.captures()
        built.take([parameter for _, parameter in captures], [outer for outer, _ in captures])
        for tensor, _ in captures:
            if not isinstance(tensor, SymbolicTensor) or tensor._op.graph is not forward:
                self.sources.append(("outside", tensor))
            elif tensor in positions:
                self.sources.append(("input", positions[tensor]))
            else:
                self.sources.append(("output", forward.returning(tensor)))
        forward.changed_in_place()
        built.graph.changed_in_place()
        self.forward: FuncGraph = forward
        self.backward: FuncGraph = built.graph
        self.seeded = built.seeded
        self.wanted = built.wanted
        self.reached = tuple(
            position for position, gradient in zip(built.wanted, built.gradients, strict=True) if gradient is not None
        )
        self.saved = len(forward.outputs) - count

    def operands(self, arguments: Sequence[Any], results: Sequence[Any]) -> list[Any]:
        """Returns what the backward function takes behind the gradients.

        Args:
          arguments: what the forward function was called with, captures included.
          results: all that it returned, saved values included.
        """
        places = {"input": arguments, "output": results}
        return [value if place == "outside" else places[place][value] for place, value in self.sources]

    def gradients(self, results: Sequence[Any]) -> list[Any]:
        """Returns what a call of the backward function returned, in order.

        Returns:
          For each parameter of the function a tensor, ``IndexedSlices`` or None.
        """
        return self._built.spread(results, len(self.forward.inputs))


def differentiated(
    function: FuncGraph,
    seeded: Sequence[int] | None = None,
    wanted: Sequence[int] | None = None,
    dense: bool = False,
) -> ForwardBackward:
    """Returns the derivative of a function, made once for the same positions.

    Args:
      function: a function that is complete: its graph must not change afterwards.
      seeded: the positions of the outputs whose gradients are given; by default all of numbers or lists.
      wanted: the positions of the parameters (captures included) to differentiate with respect to; by default all of
        numbers, lists, or variables of numbers.
      dense: whether no gradient may be ``IndexedSlices``.
    """
    if seeded is None:
        seeded = [position for position, item in enumerate(function.outputs) if differentiable(item)]
    if wanted is None:
        wanted = [position for position, item in enumerate(function.inputs) if accepts_gradient(item)]
    kept: dict[Any, ForwardBackward] = function.__dict__.setdefault("_derivatives", {})
    key = (tuple(seeded), tuple(wanted), dense)
    found = kept.get(key)
    if found is None:
        found = kept[key] = ForwardBackward(function, seeded, wanted, dense)
    return found


def extended_by(node: Operation, attribute: str, index: int | None = None) -> Extended:
    """Returns the function that an operation holds, as its own: a function that may return more.

    Args:
      node: the operation.
      attribute: the attribute that holds the function, or a list of functions.
      index: the position in the list.
    """
    held = node.attrs[attribute]
    function = held if index is None else held[index]
    owned: set[int] = node.__dict__.setdefault("_own_functions", set())
    if id(function) not in owned:
        outer = function.outer_graph
        if isinstance(node.graph, Extended) and node.graph.original is outer:
            outer = node.graph
        function = Extended(function, outer)
        owned.add(id(function))
        if index is None:
            node.attrs[attribute] = function
        else:
            node.attrs[attribute] = [*held[:index], function, *held[index + 1 :]]
    return function


def add_outputs(node: Operation, types: str, tensors: Sequence[SymbolicTensor]) -> list[SymbolicTensor]:
    """Gives an operation more outputs, like tensors that its functions return from now on.

    Args:
      node: the operation.
      types: the attribute with the types of its outputs.
      tensors: tensors of its functions.
    """
    if not tensors:
        return []
    node.graph._check_not_finalized()
    dtypes_ = [tensor._dtype.base_dtype for tensor in tensors]
    node.attrs[types] = [*node.attrs[types], *dtypes_]
    if node.attrs.get("output_shapes"):
        node.attrs["output_shapes"] = [*node.attrs["output_shapes"], *(tensor._shape for tensor in tensors)]
    first = len(node.outputs)
    new = [
        SymbolicTensor(node, first + offset, dtype, tensor._shape)
        for offset, (dtype, tensor) in enumerate(zip(dtypes_, tensors, strict=True))
    ]
    if node.type == "MapDefun":  # its outputs are rows
        rows = node.outputs[0]._shape
        for output in new:
            output._shape = None if output._shape is None or rows is None else (rows[0], *output._shape)
    node.outputs.extend(new)
    for tape in context.state.tapes:
        if not tape.is_forward and hasattr(tape, "record_growth"):
            tape.record_growth(node, new)
    return new


def zeros_like_parameter(parameter: SymbolicTensor) -> Any:
    """Returns the gradient of a parameter that does not matter; for the handle of a variable, that of the variable."""
    registry: Any = OpDef.registry
    if parameter._dtype is not dtypes.resource:
        return registry["ZerosLike"](parameter)
    found = variable_behind(parameter)
    assert found is not None, "a gradient reaches only handles of variables"
    dtype, shape = found
    if shape is not None and None not in shape:
        return registry["Fill"](np.array(shape, np.int32), convert_to_tensor(0, dtype))
    return registry["Fill"](registry["VariableShape"](parameter), convert_to_tensor(0, dtype))


@contextmanager
def outside_of_scopes(graph: FuncGraph) -> Iterator[None]:
    """Adds to a graph inside the block without the prefixes of its open name scopes."""
    saved, graph._name_stack = graph._name_stack, ""
    try:
        yield
    finally:
        graph._name_stack = saved
