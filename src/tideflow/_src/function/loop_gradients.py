"""Differentiates loops in graphs.

The gradient of a loop runs another loop backwards. The forward loop is extended to push on lists, one entry a turn,
what the gradient of a turn reads; the backward loop pops it. What no turn changes is read as it is: tensors that go
through the loop unchanged, what is computed of those alone, and variables that the loop reads but does not write,
which are then read once, before it. Gradients of what goes through unchanged are added up over the turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tideflow._src.autodiff.accumulation import total
from tideflow._src.autodiff.call import Call
from tideflow._src.autodiff.rules import is_differentiable
from tideflow._src.core import context, dtypes
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.function.automatic_control_dependencies import runs_before
from tideflow._src.function.call_gradients import seeded_by, wanted_of
from tideflow._src.function.forward_backward import (
    Backward,
    BackwardGraph,
    Extended,
    accepts_gradient,
    add_outputs,
    differentiable,
    extended_by,
    is_pure,
    outside_of_scopes,
    zeros_like_parameter,
)
from tideflow._src.function.func_graph import FuncGraph, unique_function_name
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.control.functional import stateless_while, while_op
from tideflow._src.ops.control.switch_and_merge import exit_op
from tideflow._src.ops.control.tensor_list import (
    empty_tensor_list,
    shape_of,
    tensor_list_length,
    tensor_list_pop_back,
    tensor_list_push_back,
)
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.plan import needed

_SAME_LENGTH = frozenset(("TensorListSetItem", "TensorListScatterIntoExistingList", "Identity", "ZerosLike"))
_CALLS_OUT = frozenset(("PyFunc", "PyFuncStateless", "EagerPyFunc"))


@while_op.gradient
def _while_gradient(call: Call, *dys: Any) -> Any:
    node = call.operation
    if node is None:
        raise LookupError("The gradient of a While operation called eagerly is not defined; use tf.while_loop.")
    seeded, seeds = seeded_by(call, dys)
    wanted = wanted_of(call, call.attr("body").inputs, 0)
    found: list[Any] = [None] * len(node._inputs)
    if seeded and wanted:
        count = len(found)
        loop = _Loop(node)
        reads = [(value, handle) for value, handle in loop.values_of_handles() if handle in wanted]
        wanted = sorted({*wanted, *(value for value, _ in reads)})
        found = loop.gradients(dict(zip(seeded, seeds, strict=True)), wanted)[:count]
        for value, handle in reads:  # a tape that saw no read before the loop knows the handle alone
            parts = [gradient for gradient in (found[handle], found[value]) if gradient is not None]
            found[handle], found[value] = (total(parts) if parts else None), None
    return (found,)


stateless_while.gradient(_while_gradient)
while_op.takes_missing_gradients = stateless_while.takes_missing_gradients = True


def _raise_frames(ys: Sequence[SymbolicTensor]) -> None:
    """Makes ``While`` operations of the loops that graphs of TensorFlow 1.x are made of."""
    from tideflow._src.function.frame_loops import raise_loops  # kept lazy: only such graphs need it

    raise_loops(ys)


exit_op.before_gradient = _raise_frames


class _Turn(BackwardGraph):
    """Is the graph that differentiates one turn: it pops what changes from turn to turn.

    Attributes:
      popped: for each value of the forward turn that is read and changes: the list, the rest of it, and the value.
    """

    def __init__(self, loop: _Loop) -> None:
        super().__init__(loop.body)
        self._loop = loop
        self.popped: dict[SymbolicTensor, tuple[SymbolicTensor, SymbolicTensor, SymbolicTensor]] = {}

    def gradient_shape(self, position: int) -> Any:
        """Returns the static shape of the gradient of a loop variable, which holds for every turn."""
        return self._loop.body.inputs[position]._shape

    def values_read(self) -> list[tuple[SymbolicTensor, SymbolicTensor]]:
        """Returns the values that change from turn to turn, each with what stands for it here."""
        return [(tensor, value) for tensor, (_, _, value) in self.popped.items() if tensor._dtype is not dtypes.variant]

    def read(self, tensor: SymbolicTensor, name: str | None = None) -> SymbolicTensor:
        """Returns what stands for a value of the forward turn: a parameter, or what is popped off a list."""
        if self._loop.is_same_each_turn(tensor):
            return super().read(tensor, name)
        found = self.popped.get(tensor)
        if found is None:
            with context.no_tapes(), self.as_default(), self.control_dependencies(None), outside_of_scopes(self):
                handle = self.add_parameter(dtypes.variant, (), "saved")
                self.inputs.pop()
                rest, value = tensor_list_pop_back(
                    handle, _static_shape(tensor), element_dtype=tensor._dtype.base_dtype
                )
            value._shape = tensor._shape
            found = self.popped[tensor] = (handle, rest, value)
        return found[2]


def _static_shape(tensor: SymbolicTensor) -> Any:
    shape = tensor._shape
    if shape is None:
        return -1
    return np.array([-1 if size is None else size for size in shape], dtype=np.int32)


class _Loop:
    """Is a loop that is being differentiated: the operation, and its functions, which it owns from then on."""

    def __init__(self, node: Operation) -> None:
        self.node = node
        self.body: Extended = extended_by(node, "body")
        self.condition: Extended = extended_by(node, "cond")
        self.positions = {parameter: index for index, parameter in enumerate(self.body.inputs)}
        #: For each value that is saved the position of its list among the outputs of the operation.
        self._saved = self._pushed()
        #: For each handle that is read before the loop the position of the value among its inputs.
        self._reads: dict[SymbolicTensor, int] = node.__dict__.setdefault("_hoisted_reads", {})
        self._same: dict[SymbolicTensor, bool] = {}
        self._graph: Any = context.current_graph()
        self._outside: dict[SymbolicTensor, Any] = {}

    def _pushed(self) -> dict[SymbolicTensor, int]:
        """Returns the values of which the loop makes a list already, with one entry for each turn."""
        found: dict[SymbolicTensor, int] = {}
        for position, (parameter, output) in enumerate(zip(self.body.inputs, self.body.outputs, strict=True)):
            op = output._op
            if op.type == "TensorListPushBack" and op.inputs[0] is parameter:
                if self.node._inputs[position]._op.type == "EmptyTensorList":
                    found.setdefault(op.inputs[1], position)
        return found

    # What the turns have in common.

    def changes(self, index: int) -> bool:
        """Tells whether a loop variable changes from turn to turn."""
        return self.body.outputs[index] is not self.body.inputs[index]

    def is_same_each_turn(self, tensor: SymbolicTensor) -> bool:
        """Tells whether a tensor of the body has the same value in each turn, so that it is known outside."""
        known = self._same.get(tensor)
        if known is None:
            known = self._same[tensor] = self._find_same(tensor)
        return known

    def _find_same(self, tensor: SymbolicTensor) -> bool:
        position = self.positions.get(tensor)
        if position is not None:
            return not self.changes(position)
        op = tensor._op
        if op.type == "Const":
            return True
        if op.type == "TensorListLength":
            return self._list_of_length(op.inputs[0]) is not None
        if op.type == "ReadVariableOp":
            return self._is_only_read(op.inputs[0])
        return is_pure(op) and all(map(self.is_same_each_turn, op.inputs))

    def _list_of_length(self, handle: SymbolicTensor) -> int | None:
        """Returns the position of a loop variable that is a list, of the length of another one in each turn."""
        while handle._op.type in _SAME_LENGTH:
            if handle._op.attrs.get("resize_if_index_out_of_bounds"):
                return None
            handle = handle._op.inputs[0]
        position = self.positions.get(handle)
        if position is None:
            return None
        end = self.body.outputs[position]
        while end is not handle:
            if end._op.type not in _SAME_LENGTH or end._op.attrs.get("resize_if_index_out_of_bounds"):
                return None
            end = end._op.inputs[0]
        return position

    def _is_only_read(self, handle: SymbolicTensor) -> bool:
        """Tells whether nothing in the loop can write the variable that a parameter of the body refers to."""
        position = self.positions.get(handle)
        if position is None or self.changes(position):
            return False
        for function in (self.body, self.condition):
            parameters = {parameter: index for index, parameter in enumerate(function.inputs)}
            for op in function.plan_ops():
                definition = op.op_def
                if op.type in _CALLS_OUT or (definition.takes_functions and _takes(op, function.inputs[position])):
                    return False
                if not definition.updates:
                    continue
                for tensor in op.inputs:
                    if tensor._dtype is dtypes.resource or tensor._dtype._is_ref_dtype:
                        index = parameters.get(tensor)
                        if index is None or index == position or self._may_be_one(index, position):
                            return False
        return True

    def _may_be_one(self, first: int, second: int) -> bool:
        """Tells whether two handles may name one variable."""
        variables = [_variable_of(self.node._inputs[index]) for index in (first, second)]
        return None in variables or variables[0] == variables[1]

    def values_of_handles(self) -> list[tuple[int, int]]:
        """Returns the positions of values of variables that are read before the loop, each with that of the handle."""
        return [(value, self.positions[handle]) for handle, value in self._reads.items()]

    def outside(self, tensor: SymbolicTensor) -> Any:
        """Returns the tensor outside of the loop that is what a tensor of the body is in each turn."""
        found = self._outside.get(tensor)
        if found is None:
            found = self._outside[tensor] = self._computed_outside(tensor)
        return found

    def _computed_outside(self, tensor: SymbolicTensor) -> Any:
        position = self.positions.get(tensor)
        if position is not None:
            return self.node._inputs[position]
        op = tensor._op
        if op.type == "TensorListLength":
            position = self._list_of_length(op.inputs[0])
            assert position is not None
            return tensor_list_length(self.node._inputs[position])
        if op.type == "ReadVariableOp":
            position = self._read_before(op)
            return self.node._inputs[position]
        graph = self._graph
        copy = graph.add_operation(
            op.op_def,
            [graph.capture(self.outside(item)) for item in op.inputs],
            dict(op.attrs),
            op.name.rsplit("/", 1)[-1],
            output_types=[output._dtype for output in op.outputs],
            output_shapes=[output._shape for output in op.outputs],
        )
        context.record_node(copy)  # a tape around the first derivative goes through it to the second
        return copy.outputs[tensor._value_index]

    def _read_before(self, op: Operation) -> int:
        """Reads a variable once before the loop and gives the value to all turns; returns its position."""
        handle = op.inputs[0]
        position = self._reads.get(handle)
        if position is None:
            node = self.node
            source = node._inputs[self.positions[handle]]
            with _around(node, node._control_inputs):
                registry: Any = OpDef.registry
                value = registry["ReadVariableOp"](source, dtype=op.attrs["dtype"])
            value._shape = op.outputs[0]._shape
            runs_before(value._op, node)
            for tape in context.state.tapes:
                tape.record_input(value._op, node)
            position = self._reads[handle] = self._add_variable(value, op.outputs[0])
            self.body.outputs.append(self.body.inputs[position])
            parameter = self.body.inputs[position]
            for user in self.body.get_operations():
                if any(_is_read_of(tensor, handle) for tensor in user._inputs):
                    user._inputs = tuple(
                        parameter if _is_read_of(tensor, handle) else tensor for tensor in user._inputs
                    )
            self.body.outputs = [parameter if _is_read_of(tensor, handle) else tensor for tensor in self.body.outputs]
            self.positions[parameter] = position
        return position

    # Growing the forward loop.

    def _add_variable(self, start: SymbolicTensor, like: SymbolicTensor) -> int:
        """Gives the loop one variable more; whoever calls this adds its value after a turn to the body's outputs."""
        node = self.node
        node.graph._check_not_finalized()
        for function in (self.body, self.condition):
            function.add_parameter(like._dtype.base_dtype, start._shape, "saved")
        node._inputs = (*node._inputs, start)
        add_outputs(node, "T", [start])
        return len(node._inputs) - 1

    def _save(self, tensor: SymbolicTensor) -> SymbolicTensor:
        """Makes the loop push a value of each turn on a list; returns the list that it ends with."""
        position = self._saved.get(tensor)
        if position is None:
            with _around(self.node, ()):
                start = empty_tensor_list(_static_shape(tensor), -1, element_dtype=tensor._dtype.base_dtype)
            position = self._saved[tensor] = self._add_variable(start, start)
            body = self.body
            with context.no_tapes(), body.as_default(), body.control_dependencies(None):
                value = tensor
                if value._dtype._is_ref_dtype:
                    registry: Any = OpDef.registry
                    value = registry["Identity"](value)
                body.outputs.append(tensor_list_push_back(body.inputs[position], value))
        return self.node.outputs[position]

    def _turns(self) -> SymbolicTensor:
        """Returns the number of turns that the loop has taken."""
        for index, (parameter, output) in enumerate(zip(self.body.inputs, self.body.outputs, strict=True)):
            if parameter._dtype is dtypes.int32 and _adds_one(parameter, output) and _is(self.node._inputs[index], 0):
                return self.node.outputs[index]
        with _around(self.node, ()):
            start: Any = convert_to_tensor(0, "int32", name="turns")
        position = self._add_variable(start, start)
        registry: Any = OpDef.registry
        with context.no_tapes(), self.body.as_default(), self.body.control_dependencies(None):
            self.body.outputs.append(registry["AddV2"](self.body.inputs[position], 1))
        return self.node.outputs[position]

    # The backward loop.

    def gradients(self, dys: dict[int, Any], wanted: Sequence[int]) -> list[Any]:
        """Builds the loop that goes backwards; returns a gradient, or None, for each input of the operation.

        Its variables are: how many turns are left, the lists of saved values, a gradient for each loop variable that
        changes, the sum of the gradients over the turns for each that does not, and what is the same in each turn.

        Args:
          dys: the gradients of the outputs at some positions.
          wanted: the positions of the inputs whose gradients are asked for.
        """
        node = self.node
        active, summed = self._active(dys, wanted)
        results: list[Any] = [None] * len(node._inputs)
        for index in wanted:
            if not self.changes(index):
                results[index] = dys.get(index)
        if not active:
            return results
        turns = self._turns()
        graph = _Turn(self)
        built = Backward(self.body, active, [*active, *summed], graph)
        registry: Any = OpDef.registry
        starts: list[Any] = []
        for index in active:
            starts.append(dys[index] if index in dys else registry["ZerosLike"](node.outputs[index]))
        summed = [index for place, index in enumerate(summed, len(active)) if built.gradients[place] is not None]
        for index in summed:
            starts.append(dys[index] if index in dys else zeros_like_parameter(node._inputs[index]))
        with context.no_tapes(), graph.as_default():
            turn = graph.add_parameter(dtypes.int32, (), "turns")
            ends: list[Any] = []
            for place, index in enumerate(active):
                built.gradients[place] = self._kept(built, place, index, index in wanted)
                if built.gradients[place] is None and _keeps_shape(self.body.inputs[index]):
                    built.gradients[place] = registry["ZerosLike"](built.seeds[place])
                built.make_dense(place)
                ends.append(built.gradients[place])
            sums = [
                graph.add_parameter(start.dtype.base_dtype, start.shape._dims, "sum") for start in starts[len(active) :]
            ]
            for index, total in zip(summed, sums, strict=True):
                place = len(active) + [*built.wanted[len(active) :]].index(index)
                built.make_dense(place)
                ends.append(_added(total, built.gradients[place]))
            ends = [
                seed if end._op.type == "Identity" and end._op.inputs[0] is seed else end
                for end, seed in zip(ends, [*built.seeds, *sums], strict=True)
            ]
            built.return_tensors([registry["Sub"](turn, 1), *ends])
        captures = built.captures()
        used = needed(graph.outputs, graph.control_outputs, set())
        popped = [(value, *parts) for value, parts in graph.popped.items() if parts[2]._op in used]
        lists = [self._save(value) for value, *_ in popped]
        constants = [
            self.outside(outer) if isinstance(outer, SymbolicTensor) and outer._op.graph is self.body else outer
            for outer, _ in captures
        ]
        self._changed()
        graph.inputs = [
            turn, *(handle for _, handle, _, _ in popped), *built.seeds, *sums,
            *(parameter for _, parameter in captures),
        ]  # fmt: skip
        graph.outputs = [
            graph.outputs[0], *(rest for _, _, rest, _ in popped), *graph.outputs[1:],
            *(parameter for _, parameter in captures),
        ]  # fmt: skip
        variables = [turns, *lists, *starts, *constants]
        condition = FuncGraph(unique_function_name(f"{graph.name}_condition"))
        with context.no_tapes(), condition.as_default():
            for parameter in graph.inputs:
                condition.add_parameter(parameter._dtype, parameter._shape, "variable")
            condition.outputs = [registry["Greater"](condition.inputs[0], 0)]
        operation: Any = while_op if graph.is_stateful() else stateless_while
        outputs = operation(
            variables,
            cond=condition,
            body=graph,
            output_shapes=[parameter._shape for parameter in graph.inputs],
        )
        first = 1 + len(lists)
        for offset, index in enumerate([*active, *summed]):
            if index in wanted:
                results[index] = outputs[first + offset]
        return results

    def _changed(self) -> None:
        """Says that the loop has changed: what was planned of it holds no more."""
        for graph in (self.body, self.condition, self.node.graph):
            graph.changed_in_place()

    def _active(self, dys: dict[int, Any], wanted: Sequence[int]) -> tuple[list[int], list[int]]:
        """Returns the variables that change and that gradients go through, and those unchanged ones that they reach."""
        body = self.body
        changing = [
            index for index in range(len(body.inputs)) if self.changes(index) and differentiable(body.inputs[index])
        ]
        reach = _reach(body)
        reached = {index for index in changing if index in dys}
        pending = list(reached)
        through: set[int] = set()
        while pending:
            found = reach[pending.pop()]
            through |= found
            new = [index for index in changing if index in found and index not in reached]
            reached.update(new)
            pending.extend(new)
        depends = set(wanted)
        grown = True
        while grown:
            new_ones = [index for index in changing if index not in depends and reach[index] & depends]
            depends.update(new_ones)
            grown = bool(new_ones)
        active = [index for index in changing if index in reached and index in depends]
        return active, [index for index in wanted if index in through and not self.changes(index)]

    def _kept(self, built: Backward, place: int, index: int, wanted: bool) -> Any:
        """Returns the gradient of a loop variable before a turn.

        A loop that writes each element of a list once, at a counter, reads each element of the list's gradient once.
        What is read need not be set to zero then, which would cost a compiled loop a copy of the whole list each turn.
        """
        gradient = built.gradients[place]
        seed = built.seeds[place]
        if wanted or gradient is None or seed._dtype is not dtypes.variant:
            return gradient
        op = gradient._op
        if op.type == "Identity":
            op = op.inputs[0]._op
        if op.type != "TensorListSetItem" or op.inputs[0] is not seed or op.inputs[2]._op.type != "ZerosLike":
            return gradient
        write = self.body.outputs[index]._op
        while write.type == "Identity":
            write = write.inputs[0]._op
        if write.type != "TensorListSetItem" or write.inputs[0] is not self.body.inputs[index]:
            return gradient
        return seed if self._is_counter(write.inputs[1]) else gradient

    def _is_counter(self, tensor: SymbolicTensor) -> bool:
        """Tells whether a tensor is another number in each turn."""
        while tensor._op.type == "Identity":
            tensor = tensor._op.inputs[0]
        position = self.positions.get(tensor)
        return position is not None and _step(tensor, self.body.outputs[position]) != 0


@contextmanager
def _around(node: Operation, control_inputs: Sequence[Operation]) -> Iterator[None]:
    """Adds what an operation is to take to its graph inside the block."""
    graph = node.graph
    saved = graph._name_stack
    with (
        context.no_tapes(),
        graph.as_default(),
        graph.control_dependencies(None),
        graph.control_dependencies(control_inputs),
    ):
        graph._name_stack = node.name
        try:
            yield
        finally:
            graph._name_stack = saved


def _keeps_shape(variable: SymbolicTensor) -> bool:
    """Tells whether a loop variable has the same shape before and after a turn."""
    shape = variable._shape
    return variable._dtype is dtypes.variant or (shape is not None and None not in shape)


def _reach(body: FuncGraph) -> list[set[int]]:
    """Returns for each output of a function the positions of the parameters that a gradient of it can reach."""
    nothing: frozenset[int] = frozenset()
    found: dict[SymbolicTensor, frozenset[int]] = {
        parameter: frozenset([index]) if accepts_gradient(parameter) else nothing
        for index, parameter in enumerate(body.inputs)
    }
    for op in body.plan_ops():
        if not op.inputs or not is_differentiable(op.op_def, op.attrs):
            continue
        union = nothing.union(*(found.get(tensor, nothing) for tensor in op.inputs))
        if union:
            for output in op.outputs:
                if output._dtype is dtypes.resource or differentiable(output):
                    found[output] = union
    return [set(found.get(output, nothing)) for output in body.outputs]


def _takes(op: Operation, tensor: SymbolicTensor) -> bool:
    return any(item is tensor for item in op._inputs)


def _is_read_of(tensor: SymbolicTensor, handle: SymbolicTensor) -> bool:
    return tensor._op.type == "ReadVariableOp" and tensor._op.inputs[0] is handle


def _variable_of(handle: Any) -> Any:
    """Returns what tells the variable of a handle from others, or None if that is not in sight."""
    while isinstance(handle, SymbolicTensor):
        op = handle._op
        if op.type == "Identity":
            handle = op.inputs[0]
        elif op.type == "VarHandleOp":
            return op.attrs.get("container"), op.attrs.get("shared_name") or op.name
        else:
            handle = next((outer for outer, inner in getattr(op.graph, "captures", ()) if inner is handle), None)
    return None if handle is None else id(handle._value)


def _is(tensor: Any, value: int) -> bool:
    return tensor._op.type == "Const" and bool(np.all(tensor._op.attrs["value"] == value))


def _adds_one(parameter: SymbolicTensor, output: SymbolicTensor) -> bool:
    return _step(parameter, output) == 1


def _step(parameter: SymbolicTensor, output: SymbolicTensor) -> int:
    """Returns what a turn adds to a loop variable; 0 if that is not a constant."""
    while output._op.type == "Identity":
        output = output._op.inputs[0]
    op = output._op
    if op.type not in ("AddV2", "Add", "Sub"):
        return 0
    left, right = op.inputs
    if right is parameter and op.type != "Sub":
        left, right = right, left
    if left is not parameter or right._op.type != "Const" or np.size(right._op.attrs["value"]) != 1:
        return 0
    step = int(np.asarray(right._op.attrs["value"]).reshape(()))
    return -step if op.type == "Sub" else step


def _added(total: Any, gradient: Any) -> Any:
    """Returns the sum of a gradient so far and of what one turn adds.

    What reading one element of a list adds is a list of zeros but for one element: only that is added.
    """
    registry: Any = OpDef.registry
    if total._dtype is not dtypes.variant:
        return registry["AddV2"](total, gradient)
    op = gradient._op
    if op.type == "Identity":
        return _added(total, op.inputs[0])
    if op.type == "AddN":
        for part in op.inputs:
            total = _added(total, part)
        return total
    if op.type == "TensorListSetItem" and op.inputs[0]._op.type == "TensorListReserve":
        _, index, item = op.inputs
        here = registry["TensorListGetItem"](total, index, shape_of(item), element_dtype=item._dtype.base_dtype)
        both = [here, item]
        added = registry["AddN"](both) if item._dtype is dtypes.variant else registry["AddV2"](*both)
        return registry["TensorListSetItem"](total, index, added)
    return registry["AddN"]([total, gradient])
