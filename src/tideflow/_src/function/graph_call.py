"""Calls the graph of a function: at once on values, under tapes with its gradient, or as a node of a graph."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.function.call_sites import function_for_call
from tideflow._src.function.forward_backward import ForwardBackward, accepts_gradient, differentiable, differentiated
from tideflow._src.function.func_graph import FuncGraph, waiting_for, zeros_of
from tideflow._src.function.function_program import FunctionProgram
from tideflow._src.function.python_tracing import is_buffer_handle
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.control.functional import partitioned_call, stateful_partitioned_call
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.device_calls import wrap_anywhere


class GraphCall:
    """Is the graph of a function made ready to be called.

    Args:
      graph: the graph, which must not change any more.
    """

    def __init__(self, graph: FuncGraph) -> None:
        self.graph = graph
        self._stateful = graph.is_stateful()
        self._lock = threading.Lock()
        self._programs: dict[Any, FunctionProgram] = {}
        self._references: dict[Any, list[weakref.ref[Any]]] = {}
        self._handles = [index for index, item in enumerate(graph.inputs) if item._dtype is dtypes.resource]
        self._derivatives: dict[Any, _Derivative] = {}

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """Calls the graph with a tensor for each of its parameters; returns a tensor for each of its outputs."""
        graph = context.current_graph()
        if graph is not None:
            return self._join(graph, inputs)
        tapes = [tape for tape in context.state.tapes if _watches(tape, inputs)]
        if tapes:
            return self._recorded(tapes, inputs)
        return self.run(inputs)

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Runs the graph on tensors with values, unseen by tapes."""
        program = self.program_for(inputs)
        return [wrap_anywhere(value, program.program.device) for value in program.run_tensors(inputs)]

    def program_for(self, inputs: Sequence[Any]) -> FunctionProgram:
        """Returns the program that runs the graph with the variables that are among these tensors."""
        # What a handle of a variable refers to is bound; queues, tables and iterators are arguments like others.
        held = [inputs[index] for index in self._handles if is_buffer_handle(inputs[index])]
        key = tuple([id(handle._value.resource) for handle in held])
        program = self._programs.get(key)
        if program is None:
            with self._lock:
                program = self._programs.get(key)
                if program is None:
                    program = self._programs[key] = FunctionProgram(self.graph, inputs)
                    self._forget_with(key, held)
        return program

    def _forget_with(self, key: Any, handles: Sequence[Any]) -> None:
        """Forgets a program once a handle that it was made for is gone: it would keep the variable's memory."""
        programs, references = self._programs, self._references

        def forget(reference: Any) -> None:
            del reference
            programs.pop(key, None)
            references.pop(key, None)

        references[key] = [weakref.ref(handle, forget) for handle in handles]

    def programs(self) -> list[FunctionProgram]:
        """Returns the programs that were made so far."""
        return list(self._programs.values())

    def _join(self, graph: Any, inputs: Sequence[Any]) -> list[Any]:
        """Adds a call to the graph that is being built."""
        arguments = [graph.capture(tensor) if graph.building_function else tensor for tensor in inputs]
        outputs = self.graph.outputs
        function = function_for_call(self.graph, graph)
        operation: Any = stateful_partitioned_call if self._stateful else partitioned_call
        with waiting_for([self.graph]):
            results = operation(arguments, f=function, Tout=[output._dtype.base_dtype for output in outputs])
        if not outputs:
            return []
        for result, output in zip(results, outputs, strict=True):
            known = getattr(output, "_variable", None)
            if known is not None:
                result._variable = known
        return list(results)

    def _recorded(self, tapes: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        """Runs the graph, extended to keep what gradients read, and records that on the tapes that watch its inputs."""
        wanted = tuple(
            index
            for index, (parameter, tensor) in enumerate(zip(self.graph.inputs, inputs, strict=True))
            if accepts_gradient(parameter) and any(_watches(tape, (tensor,)) for tape in tapes)
        )
        seeded = tuple(index for index, output in enumerate(self.graph.outputs) if differentiable(output))
        if not wanted or not seeded:
            return self.run(inputs)
        more = len(tapes) > 1 or any(getattr(tape, "_persistent", False) for tape in tapes)
        derivative = self._derivative(wanted, more)
        with context.no_tapes():
            results = derivative.forward(inputs)

        def backward(*dys: Any) -> list[Any]:
            return derivative.gradients(inputs, results, dys)

        backward.takes_missing_gradients = True  # type: ignore[attr-defined]
        for tape in tapes:
            tape.record_custom(list(inputs), results, backward)
        return results[: len(self.graph.outputs)]

    def _derivative(self, wanted: tuple[int, ...], of_any_order: bool) -> _Derivative:
        key = wanted, of_any_order
        found = self._derivatives.get(key)
        if found is None:
            # No lock is held: gradients may be functions of the user's, which trace others.
            found = self._derivatives.setdefault(key, _Derivative(self.graph, wanted, of_any_order))
        return found


class _Derivative:
    """Is a function, extended to return what its gradients read, with its backward functions.

    Args:
      graph: the function.
      wanted: the parameters to differentiate with respect to.
      of_any_order: whether the backward functions may be differentiated, too: then all that is kept is a result that
        gradients reach, and is extended until differentiating it needs nothing more.
    """

    def __init__(self, graph: FuncGraph, wanted: tuple[int, ...], of_any_order: bool) -> None:
        self._wanted = wanted
        made = self._own = differentiated(graph, None, wanted)
        while of_any_order and made.saved:
            made = differentiated(made.forward, None, wanted)
        self._graph = made.forward if of_any_order else graph
        self._made: dict[tuple[int, ...], ForwardBackward] = {made.seeded: made}
        self.forward = graph_call(made.forward)

    def gradients(self, inputs: Sequence[Any], results: Sequence[Any], dys: Sequence[Any]) -> list[Any]:
        """Returns the gradients of the inputs, given those of the results, of which some may be None.

        As in TensorFlow an input that reaches some result of the call, but none of those, has a gradient of zeros.
        """
        given = tuple(index for index, dy in enumerate(dys) if dy is not None and differentiable(results[index]))
        if not given:
            return [None] * len(inputs)
        made = self._made.get(given)
        if made is None:
            made = self._of(given)
        seeds = [_zeros(results[index]) if dys[index] is None else _dense(dys[index]) for index in made.seeded]
        found = made.gradients(graph_call(made.backward)([*seeds, *made.operands(inputs, results)]))
        for index in self._own.reached:
            if found[index] is None:
                found[index] = zeros_of(inputs[index])
        return found

    def _of(self, given: tuple[int, ...]) -> ForwardBackward:
        """Returns the derivative for gradients of some results only, if that needs no more than what was kept."""
        (made, *_) = self._made.values()
        if made.saved:
            return made
        narrow = differentiated(self._graph, given, self._wanted)
        if narrow.saved:
            return made
        self._made[given] = narrow
        return narrow


def _dense(gradient: Any) -> Any:
    return convert_to_tensor(gradient) if isinstance(gradient, IndexedSlices) else gradient


def _zeros(tensor: Any) -> Any:
    registry: Any = OpDef.registry
    return registry["ZerosLike"](tensor)


def _watches(tape: Any, tensors: Sequence[Any]) -> bool:
    """Tells whether a tape follows one of some tensors."""
    if tape.is_forward:
        return bool(tape._touches(tensors))
    watched = getattr(tape, "_watched", ())
    return any(id(tensor) in watched for tensor in tensors)


def graph_call(graph: FuncGraph) -> GraphCall:
    """Returns the call of a graph, made once for each."""
    known: GraphCall | None = graph.__dict__.get("_graph_call")
    if known is None:
        known = graph.__dict__.setdefault("_graph_call", GraphCall(graph))
    return known
