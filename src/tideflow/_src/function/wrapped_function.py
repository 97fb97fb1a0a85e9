"""``tf.compat.v1.wrap_function``: code of TensorFlow 1.x, or a graph that is imported, as a function of 2.x."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from tideflow._src.core import context, nest, nesting
from tideflow._src.core.errors import FailedPreconditionError
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.function import structures, trace_types
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.func_graph import FuncGraph, convert_outputs
from tideflow._src.function.function_type import POSITIONAL, Parameter
from tideflow._src.function.operation_copies import OperationCopies
from tideflow._src.function.python_tracing import FunctionGraph, Placeholders, captures_last, unique_name
from tideflow._src.function.variable_creation import CreatedVariables
from tideflow._src.graph.import_graph import import_graph_def
from tideflow._src.graph.operation import Operation
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.plan import in_order, needed
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import function_creator_scope


class UnliftableError(ValueError):
    """Says that a part of a function depends on a placeholder that is not fed."""


class WrappedFunction(ConcreteFunction):
    """Is a function made by ``wrap_function``: it can be called with tensors, and parts of it be taken out.

    Args:
      graph: its graph.
      parameters: the parameters, with their types.
      name: the name of the Python function.
      variables: those that it created or imported, which it keeps.
    """

    def __init__(
        self, graph: FunctionGraph, parameters: Sequence[Parameter], name: str, variables: Sequence[Any]
    ) -> None:
        super().__init__(graph, parameters, name, "it was wrapped")
        self._created = tuple(variables)

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function created or uses."""
        return tuple({id(item): item for item in (*self._created, *self.graph.variables)}.values())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those of the variables that are trained."""
        return tuple(variable for variable in self.variables if variable.trainable)

    def prune(self, feeds: Any, fetches: Any, name: str = "pruned", input_signature: Any = None) -> WrappedFunction:
        """Returns the function that takes some tensors of this one's graph and computes others, and nothing else.

        Args:
          feeds: the tensors to take, in the order of the arguments: tensors of ``self.graph`` or their names.
          fetches: what to compute: tensors, operations or their names, in any structure. In the place of an
            operation the function returns None, once it has run.
          name: the name of the new function.
          input_signature: kept for TensorFlow's signature: specs of the arguments.

        Raises:
          ValueError: a feed is no tensor, something is of another graph, or a placeholder that is needed is not fed
            (``UnliftableError``).
          KeyError: a name does not exist in the graph.
        """
        del input_signature
        captured = {id(inner) for _, inner in self.graph.captures}
        fed = [self.graph.as_graph_element(item) for item in nest.flatten(feeds, expand_composites=True)]
        for item in fed:
            if not isinstance(item, SymbolicTensor):
                raise ValueError(
                    f"All members of argument `feeds` must be tensors. Got {item!r}: the name of a tensor ends with "
                    "the number of the output, as in 'x:0'."
                )
        fed = [item for item in fed if id(item) not in captured]
        wanted = structures.map_leaves(self._element, fetches)
        flat = nest.flatten(wanted, expand_composites=True)
        graph = _parts(
            self.graph,
            fed,
            [item for item in flat if not isinstance(item, Operation)],
            [item for item in flat if isinstance(item, Operation)],
            wanted,
            name,
        )
        specs = [TensorSpec(item.shape, item.dtype, item._op.name) for item in fed]
        return WrappedFunction(graph, _parameters(specs), name, self._created)

    def _element(self, fetch: Any) -> Any:
        if structures.is_composite(fetch):
            return structures.map_tensors(self.graph.as_graph_element, fetch)
        return self.graph.as_graph_element(fetch)


def wrap_function(fn: Callable[..., Any], signature: Any, name: str | None = None) -> WrappedFunction:
    """Traces a function once, as TensorFlow 1.x would run it, and returns what can be called.

    The variables that ``fn`` creates, ``tf.compat.v1.get_variable`` included, are created once and kept. Unlike with
    ``tf.function``, Python is not rewritten, and what happens is what the results depend on: an assignment
    that nothing waits for does not happen. Those of a graph that ``fn`` imports with ``import_meta_graph`` are made,
    and initialized as that graph does it.

    >>> import tideflow as tf
    >>> def count(x):
    ...     total = tf.Variable(5.0)
    ...     with tf.control_dependencies([total.assign_add(x)]):
    ...         return total.read_value()
    >>> add = tf.compat.v1.wrap_function(count, [tf.TensorSpec((), tf.float32)])
    >>> float(add(1.0)), float(add(1.0))
    (6.0, 7.0)

    Args:
      fn: the function. It returns tensors in any structure, or None.
      signature: what to trace it with, a list: specs of the tensors, and values of Python.
      name: the name of the function.

    Raises:
      ValueError: the initial value of a variable depends on an argument.
    """
    kinds = [trace_types.type_of(item, trace_types.TypingContext()) for item in signature]
    parameters = _parameters(kinds)
    called = str(name or getattr(fn, "__name__", type(fn).__name__))
    graph = FunctionGraph(unique_name(f"wrapped_function_{called}" if name else called))
    graph.automatic_effects = False
    graph._collections = {}
    graph.initial_values = []
    created = CreatedVariables()
    kept: list[Any] = []

    def keep(next_creator: Callable[..., Any], **arguments: Any) -> Any:
        collections = arguments.pop("collections", None) or [GraphKeys.GLOBAL_VARIABLES]
        variable = next_creator(**arguments)
        kept.append(variable)
        if variable.trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
            collections = [*collections, GraphKeys.TRAINABLE_VARIABLES]
        graph.add_to_collections(collections, variable)
        return variable

    with ExitStack() as scopes:
        scopes.enter_context(graph.as_default())
        scopes.enter_context(nesting.level())
        scopes.enter_context(created.collecting())
        scopes.enter_context(function_creator_scope(keep))
        placeholders = Placeholders(graph, ())
        arguments = [trace_types.placeholder(item.type_constraint, placeholders, item.name) for item in parameters]
        graph.argument_count = len(graph.inputs)
        graph.structured_outputs = convert_outputs(graph, fn(*arguments))
        graph.outputs = [item for item in structures.flatten(graph.structured_outputs) if item is not None]
    if created.depends_on_arguments:
        raise ValueError(
            f"A variable that {called} creates has an initial value that depends on an argument, which has no value "
            "while the function is wrapped. Create the variable outside, or give it another initial value."
        )
    captures_last(graph)
    wrapped = WrappedFunction(graph, parameters, called, [*kept, *(variable for variable, _ in graph.initial_values)])
    _initialize(wrapped, graph.initial_values)
    return wrapped


def _initialize(wrapped: WrappedFunction, initial_values: Sequence[tuple[Any, Any]]) -> None:
    """Gives imported variables their initial values; what needs another's waits for it, what is fed gets none."""
    waiting = list(initial_values)
    while waiting:
        left = []
        for variable, initial in waiting:
            try:
                value = wrapped.prune([], initial, "initial_value")()
            except UnliftableError:
                continue
            except FailedPreconditionError:
                left.append((variable, initial))
                continue
            variable.assign(value)
        if len(left) == len(waiting):
            return
        waiting = left


def function_from_graph_def(graph_def: Any, inputs: Any, outputs: Any, captures: Any = None) -> WrappedFunction:
    """Returns a graph as a function.

    Args:
      graph_def: a ``GraphDef``.
      inputs: the names of the tensors that the function takes, as in ``["x:0"]``.
      outputs: the names of the tensors that it returns, in any structure.
      captures: by the name of a placeholder, without a number, a tensor that stands for it.

    Raises:
      KeyError: a name does not exist in the graph.
      UnliftableError: the outputs depend on a placeholder that is not among the inputs.
    """

    def load() -> None:
        graph = context.current_graph()
        known = {f"{name}:0": graph.capture(convert_to_tensor(item)) for name, item in (captures or {}).items()}
        import_graph_def(graph_def, input_map=known, name="", convert=convert_to_tensor, make_function=FuncGraph)

    return wrap_function(load, []).prune(inputs, outputs)


def _parameters(kinds: Sequence[Any]) -> list[Parameter]:
    names: list[str] = []
    for position, kind in enumerate(kinds):
        own = kind.name if isinstance(kind, TensorSpec) else None
        names.append(own if own and own not in names else f"args_{position}")
    return [Parameter(name, POSITIONAL, False, kind) for name, kind in zip(names, kinds, strict=True)]


def _parts(
    whole: FunctionGraph,
    feeds: Sequence[SymbolicTensor],
    tensors: Sequence[SymbolicTensor],
    operations: Sequence[Operation],
    structure: Any,
    name: str,
) -> FunctionGraph:
    """Returns the graph of a function with the operations that some results need."""
    graph = FunctionGraph(unique_name(name))
    graph.automatic_effects = False
    graph.seed = whole.seed
    copies = OperationCopies(graph)
    for feed in feeds:
        parameter = graph.take_argument(TensorSpec(feed.shape, feed.dtype), feed._op.name)
        copies.tensors.setdefault(feed, parameter)
    graph.argument_count = len(graph.inputs)
    known = {*feeds, *(inner for _, inner in whole.captures)}
    ops = in_order(needed(tensors, operations, known))
    used = {tensor for op in ops for tensor in op._inputs} | set(tensors)
    with graph.as_default():
        for outer, inner in whole.captures:
            if inner in used and inner not in copies.tensors:
                copies.tensors[inner] = graph.capture(outer, inner._op.name)
        for op in ops:
            if op.type == "Placeholder":
                raise UnliftableError(
                    f"The fetches depend on the placeholder {op.name!r}, which is not fed. Add '{op.name}:0' to "
                    "`feeds`."
                )
            copies.add(op)
        copies.close_frames()
    graph.outputs = [copies.tensors[tensor] for tensor in tensors]
    graph.control_outputs = [copies.operations[op] for op in operations]
    graph.structured_outputs = structures.map_leaves(
        lambda leaf: None if isinstance(leaf, Operation) else structures.map_tensors(copies.tensors.__getitem__, leaf),
        structure,
    )
    return graph
