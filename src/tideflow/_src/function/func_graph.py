"""Defines ``FuncGraph``: the graph of a function, which captures what it uses from outside."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_
from typing import Any

from tideflow._src.core import context, dtypes, nesting
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor, out_of_scope
from tideflow._src.function import structures
from tideflow._src.function.automatic_control_dependencies import order_effects
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.graph.static_value import static_value
from tideflow._src.runtime import must_compile, stages, tracing
from tideflow._src.runtime.arguments import wire_name
from tideflow._src.runtime.buffers import Buffer, ResourceHandle, ResourceManager, this_thread
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.effects import buffer_in_value, read_value
from tideflow._src.runtime.plan import Plan, in_order, needed
from tideflow._src.runtime.program import Program
from tideflow._src.runtime.state import RunState, current_state
from tideflow._src.state.graph_keys import GraphKeys

_numbers = itertools.count()

#: What branches, loops and functions in a graph both read and extend: the collections of variables of the graph around.
_SHARED_COLLECTIONS = (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES)


class FuncGraph(Graph):
    """Is the graph of a function: placeholders for its arguments, captures, and outputs.

    Attributes:
      name: the function's name.
      outer_graph: the graph that the function is used in, or None for eager execution.
      inputs: its parameters: the arguments first, then one for each capture.
      outputs: the tensors that it returns.
      control_captures: operations outside that operations of the function wait for: whoever calls it waits for them.
    """

    building_function = True
    #: Whether XLA must compile it, whatever that costs: what only the host can run is an error in it.
    must_compile = False
    #: Something that must live as long as the graph does: what holds the gradients of its nodes.
    kept: Any = None

    def __init__(self, name: str, outer_graph: Graph | None = None) -> None:
        super().__init__()
        self.name = name
        self.outer_graph = outer_graph if outer_graph is not None else context.current_graph()
        self.inputs: list[SymbolicTensor] = []
        self.outputs: list[SymbolicTensor] = []
        self.structured_outputs: Any = None
        self.control_outputs: list[Operation] = []
        self.control_captures: list[Operation] = []
        self._captures: dict[int, tuple[Any, SymbolicTensor]] = {}
        self._plan: Plan | None = None
        self._program_lock = threading.Lock()
        self._compilable: bool | None = None
        #: Whether effects inside happen in program order, all of them, as in the function around.
        self.automatic_effects: bool = getattr(self.outer_graph, "automatic_effects", False)
        self._revision = 0
        #: By operation, the line of the program that put a result of it into a list.
        self.appended: dict[int, str] = {}
        if self.outer_graph is not None:
            self.seed = self.outer_graph.seed
            self._gradient_overrides = self.outer_graph._gradient_overrides
            self._inherit_collections(self.outer_graph)

    def _inherit_collections(self, outer: Graph) -> None:
        """Takes over the collections of the graph around.

        Those of variables are shared, so that an optimizer in a branch finds what it is to train. Of the others the
        function has its own copies: nobody outside could use the operations that are added inside.
        """
        for key in outer.collections:
            self._collections[key] = outer.get_collection(key)
        for key in _SHARED_COLLECTIONS:
            self._collections[key] = outer.get_collection_ref(key)

    @property
    def captures(self) -> list[tuple[Any, SymbolicTensor]]:
        """Pairs of a captured outer tensor and the parameter that stands for it."""
        return list(self._captures.values())

    @property
    def external_captures(self) -> list[Any]:
        """The captured outer tensors, in the order of their parameters."""
        return [outer for outer, _ in self._captures.values()]

    def enter_scope_around(self) -> None:
        """Names operations as those of the graph around would be: the body of ``cond`` holds ``cond/mul``."""
        if self.outer_graph is not None:
            self._name_stack = self.outer_graph._name_stack

    def add_parameter(self, dtype: Any, shape: Any, name: str) -> SymbolicTensor:
        """Adds a parameter and returns its placeholder."""
        op = self.add_operation(
            OpDef.registry["Placeholder"],
            (),
            {"dtype": dtype, "shape": shape},
            name,
            control_inputs=(),
            output_types=(dtype,),
            output_shapes=(shape,),
        )
        self.inputs.append(op.outputs[0])
        return op.outputs[0]

    def add_parameter_like(self, tensor: Any, name: str) -> SymbolicTensor:
        """Adds a parameter of the dtype and static shape of ``tensor`` and, for a handle, of the handle's variable."""
        shape = tensor._shape if isinstance(tensor, SymbolicTensor) else tensor.shape._dims
        parameter = self.add_parameter(tensor.dtype, shape, name)
        share_variable(tensor, parameter)
        return parameter

    def add_unused(self, tensor: Any, name: str) -> SymbolicTensor:
        """Adds the parameter for a tensor that only a function beside this one uses; both are given the same."""
        parameter = self._add_parameter_named(tensor, self._below_scope(name))
        self._captures[id(tensor)] = (tensor, parameter)
        return parameter

    def _below_scope(self, name: str) -> str:
        return f"{self._name_stack}/{name}" if self._name_stack else name

    def _add_parameter_named(self, tensor: Any, name: str) -> SymbolicTensor:
        """Adds a parameter like ``tensor`` whose name holds the scopes around it."""
        saved, self._name_stack = self._name_stack, ""
        try:
            return self.add_parameter_like(tensor, name)
        finally:
            self._name_stack = saved

    def capture(self, tensor: Any, name: str | None = None) -> SymbolicTensor:
        """Returns the tensor of this graph that stands for ``tensor``, made a parameter if it comes from outside.

        Args:
          tensor: the tensor.
          name: the full name of the parameter; by default that of the tensor, below the current scope.
        """
        if isinstance(tensor, SymbolicTensor) and tensor._op.graph is self:
            return tensor
        known = self._captures.get(id(tensor))
        if known is not None:
            _record_capture(tensor, known[1])
            return known[1]
        if isinstance(tensor, SymbolicTensor):
            self._check_outer(tensor)
        elif not isinstance(tensor, EagerTensor):
            raise TypeError(f"{tensor!r} cannot be captured by the function {self.name}.")
        if name is None:
            name = self._below_scope(tensor._op.name if isinstance(tensor, SymbolicTensor) else "capture")
        inner = self._add_parameter_named(tensor, name)
        static = getattr(tensor, "_static", None)
        if isinstance(tensor, SymbolicTensor) and tensor._op.type == "Const":
            static = tensor._op.attrs["value"]  # shapes may rely on it, kernels not: a run may feed another value
        if static is not None:
            inner._static = static
        if isinstance(tensor, EagerTensor) and tensor._value.__class__ is ResourceHandle:
            inner._bound = tensor._value  # type: ignore[attr-defined]
        self._captures[id(tensor)] = (tensor, inner)
        _record_capture(tensor, inner)
        return inner

    def _as_control_input(self, entry: Any) -> Operation | None:
        if hasattr(entry, "_handle") and hasattr(entry, "op"):
            entry = entry.op  # waiting for a variable, or for an assignment to it, must not read it
        entry = getattr(entry, "_as_graph_element", lambda: entry)()
        if isinstance(entry, Operation) and entry.graph is not self and self._is_outside(entry.graph):
            if entry not in self.control_captures:
                self.control_captures.append(entry)
            return None
        if not isinstance(entry, Operation | SymbolicTensor | None) and not hasattr(entry, "values"):
            return None  # it is a value already: an eager tensor, a variable of Keras, a number
        return super()._as_control_input(entry)

    def _is_outside(self, graph: Graph) -> bool:
        outer = self.outer_graph
        while outer is not None and outer is not graph:
            outer = getattr(outer, "outer_graph", None)
        return outer is not None

    def _check_outer(self, tensor: SymbolicTensor) -> None:
        if not self._is_outside(tensor._op.graph):
            inner = getattr(tensor._op.graph, "_is_outside", lambda graph: False)(self)
            raise out_of_scope(tensor, f"in the function {self.name}", inner)

    def release_captures(self) -> None:
        """Lets go of what the function captured, for one that is called with that and may live longer."""
        for _, inner in self._captures.values():
            inner.__dict__.pop("_bound", None)
        self._captures.clear()

    def is_closed(self) -> bool:
        """Tells whether neither the function nor one around it holds anything captured from outside."""
        graph: Any = self
        while isinstance(graph, FuncGraph) and not graph._captures:
            graph = graph.outer_graph
        return graph is None

    def changed_in_place(self) -> None:
        """Forgets the programs made of this graph, because operations that existed have changed."""
        super().changed_in_place()
        self._plan = None
        self._compilable = None
        self._revision += 1
        if self.outer_graph is not None:
            self.outer_graph.changed_in_place()

    # Running.

    def plan(self) -> Plan:
        """Returns the plan that computes the outputs from the parameters, made again if they have changed."""
        plan = self._plan
        if plan is None or not (
            _same(plan.fetches, self.outputs)
            and _same(plan.targets, self.control_outputs)
            and _same(plan.feeds, self.inputs)
        ):
            plan = self._plan = Plan(self.outputs, self.control_outputs, self.inputs)
        return plan

    def plan_ops(self) -> list[Operation]:
        """Returns the operations that the outputs need, in order, constants among them, parameters not."""
        found = needed(self.outputs, self.control_outputs, set(self.inputs))
        return in_order(found)

    def bound(self, values: Sequence[Any]) -> Callable[[Sequence[Any]], Sequence[Any]]:
        """Returns the function as a program on the state that runs in this thread: values in, values out.

        Args:
          values: what it is called with at first. The variables whose handles and references are among these are its
            variables from then on.
        """
        state = current_state(self)
        given = {
            parameter: value
            for parameter, value in zip(self.inputs, values, strict=True)
            if buffer_in_value(value) is not None and _names_state(parameter)
        }
        # Variables of eager calls come and go: a program that is kept would keep them.
        programs = {} if given and this_thread.state is None else state.programs
        key = (self, tuple([buffer_in_value(value) for value in given.values()]))
        revision, program = programs.get(key, (None, None))
        if revision != self._revision:
            with self._program_lock:
                revision, program = programs.get(key, (None, None))
                if revision != self._revision:
                    program = self._program(state, given)
                    programs[key] = self._revision, program
        if not any(isinstance(value, Buffer | ResourceHandle) for value in values):
            return program.call
        places = [index for index, parameter in enumerate(self.inputs) if parameter not in given]
        return lambda values: program.call([read_value(values[index]) for index in places])

    def _program(self, state: RunState, given: dict[SymbolicTensor, Any]) -> Program:
        """Returns a program of the function on a state, for the variables that it is given."""
        if self.must_compile:
            must_compile.check(self)
        feeds = [parameter for parameter in self.inputs if parameter not in given]
        inner = state.bound(given) if given else state
        return Program(
            self.outputs,
            self.control_outputs,
            feeds,
            inner,
            compiled=self.must_compile,
            lists_on_host=True,
            plan=None if given else self.plan(),
        )

    def check_types(self, values: Sequence[Any]) -> None:
        """Checks that the function can be called with these values.

        Raises:
          InvalidArgumentError: there are more or fewer than it has parameters, or one is of another dtype.
        """
        parameters = self.inputs
        if len(values) != len(parameters):
            problem = f"{self.name} takes {len(parameters)} arguments, but {len(values)} are provided"
            raise InvalidArgumentError(None, None, problem)
        for index, (parameter, value) in enumerate(zip(parameters, values, strict=True)):
            wanted = parameter._dtype.base_dtype
            found = dtypes.of_numpy.get(getattr(value, "dtype", None), wanted)
            if found is not wanted and wanted.name not in ("resource", "variant"):
                problem = (
                    f"{self.name} expects arg[{index}] to be {wire_name(wanted)} but {wire_name(found)} is provided"
                )
                raise InvalidArgumentError(None, None, problem)

    def run(self, values: Sequence[Any]) -> list[Any]:
        """Calls the function on values, on the host."""
        self.check_types(values)
        return list(self.bound(values)(values))

    def compilable(self) -> bool:
        """Tells whether XLA can take the function as a part of a program."""
        if self._compilable is None:
            self._compilable = self._find_compilable()
        return self._compilable

    def _find_compilable(self) -> bool:
        if any(item._dtype.base_dtype.name == "string" for item in self.inputs):
            return False
        known = {item for item in self.inputs if static_value(item) is not None}
        parts = stages.split(self.plan(), RunState(ResourceManager()), known, nested=True)
        return not any(part.ops and not part.compiled for part in parts)

    def trace(self, values: Sequence[Any]) -> list[Any]:
        """Evaluates the function on known and traced values, as a part of the program that is traced."""
        return tracing.evaluate(self, values)

    def is_stateful(self) -> bool:
        """Tells whether the function has effects or reads state."""
        return any(
            op.op_def.stateful or op.op_def.updates or op.op_def.reads or op.op_def.random is not None
            for op in self._operations
            if op.type != "Placeholder"
        )


def _names_state(parameter: SymbolicTensor) -> bool:
    return parameter._dtype._is_ref_dtype or parameter._dtype is dtypes.resource


@contextmanager
def waiting_for(functions: Sequence[FuncGraph]) -> Iterator[None]:
    """Makes operations added inside the block wait for what functions that they hold wait for."""
    graph = context.current_graph()
    ops = [op for function in functions for op in function.control_captures]
    inside = [op for op in ops if op.graph is graph or (isinstance(graph, FuncGraph) and graph._is_outside(op.graph))]
    with graph.control_dependencies(inside):
        yield


def _record_capture(outer: Any, inner: SymbolicTensor) -> None:
    """Says to the tapes of this thread that a parameter is the tensor that it stands for."""
    for tape in context.state.tapes:
        tape.record_custom([outer], [inner], lambda upstream: upstream)


def variable_behind(handle: Any) -> tuple[Any, Any] | None:
    """Returns the dtype and static shape of the variable that a handle refers to, or None if that is not known."""
    if isinstance(handle, EagerTensor):
        resource = getattr(handle._value, "resource", None)
        return (resource.dtype, resource.shape) if isinstance(resource, Buffer) else None
    op = handle._op
    while op.type == "Identity":
        handle = op.inputs[0]
        op = handle._op
    if op.type == "VarHandleOp":
        return op.attrs["dtype"], op.attrs["shape"]
    return getattr(handle, "_variable", None)


def share_variable(handle: Any, parameter: SymbolicTensor) -> None:
    """Says that a parameter refers to the variable that ``handle`` refers to, if it is a handle."""
    if parameter._dtype is dtypes.resource:
        parameter._variable = variable_behind(handle)  # type: ignore[attr-defined]


def zeros_of(tensor: Any) -> Any:
    """Returns zeros of the shape and dtype of a tensor, or of the variable that a handle refers to."""
    registry: Any = OpDef.registry
    if tensor.dtype is dtypes.resource:
        found = variable_behind(tensor)
        assert found is not None
        tensor = registry["ReadVariableOp"](tensor, dtype=found[0])
    return registry["ZerosLike"](tensor)


def unique_function_name(prefix: str) -> str:
    """Returns a name for a function that no other function of this process has."""
    return f"{prefix}_{next(_numbers)}"


def build(
    name: str,
    function: Callable[..., Any],
    parameters: Sequence[tuple[Any, Any, str]],
    outer_graph: Graph | None = None,
    value_of_operations: Any = None,
    own_nodes: bool = False,
) -> tuple[FuncGraph, Any]:
    """Builds the graph of a Python function.

    Args:
      name: the function's name.
      function: takes one tensor for each parameter and returns a structure of tensors, or operations.
      parameters: the dtype, static shape and name of each.
      outer_graph: the graph that it will be used in; the current one by default.
      value_of_operations: a tensor to return in the place of each operation, once that has run.
      own_nodes: whether each output has a node of its own.

    Returns:
      The graph, and what ``function`` returned with its tensors converted.
    """
    graph = FuncGraph(name, outer_graph)
    graph.enter_scope_around()
    with graph.as_default(), nesting.level():
        arguments = [graph.add_parameter(*parameter) for parameter in parameters]
        structure = convert_outputs(graph, function(*arguments), value_of_operations, own_nodes)
        graph.outputs = [item for item in structures.flatten(structure) if item is not None]
    graph.structured_outputs = structure
    return graph, structure


def convert_outputs(graph: FuncGraph, result: Any, value_of_operations: Any = None, own_nodes: bool = False) -> Any:
    """Converts what a traced Python function returned to tensors of its graph.

    Args:
      graph: the graph.
      result: what the function returned.
      value_of_operations: a tensor to return in the place of each operation, once that has run.
      own_nodes: whether each output has a node of its own, as those of branches do, which other readers find by name.
    """

    def convert(item: Any) -> Any:
        if item is None:
            return None
        if isinstance(item, Operation):
            if value_of_operations is not None:
                with graph.control_dependencies([item]):
                    return OpDef.registry["Identity"](graph.capture(value_of_operations))  # type: ignore[operator]
            graph.control_outputs.append(item)
            return None
        tensor: Any = convert_to_tensor(item)
        tensor = graph.capture(tensor)
        if own_nodes or tensor._dtype._is_ref_dtype or tensor._op.type == "Placeholder":
            registry: Any = OpDef.registry
            tensor = registry["Identity"](tensor)
        return tensor

    converted = structures.map_tensors(convert, result)
    if graph.automatic_effects:
        order_effects(graph)
    return converted


def _same(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Tells whether two lists hold the same objects."""
    return len(first) == len(second) and all(map(is_, first, second))
