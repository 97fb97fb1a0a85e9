"""Builds the graph of a traced function: runs the Python once, with placeholders for its arguments."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import dtypes, nest, nesting
from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.function import structures, trace_types
from tideflow._src.function.automatic_control_dependencies import order_effects
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.function.function_type import Parameter, split
from tideflow._src.graph.op_def import OpDef
from tideflow._src.graph.operation import Operation
from tideflow._src.ops.control.tensor_array import TensorArray
from tideflow._src.runtime.buffers import Buffer
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.random_state import eager_seeds

_numbers = itertools.count()


class FunctionGraph(FuncGraph):
    """Is the graph of a ``tf.function`` for one signature.

    Attributes:
      argument_count: how many of the parameters stand for tensors of the arguments; the others are captures.
      deferred: what is asked for at each call: a function, the type of what it returns, and its parameters.
      attributes: what ``experimental_implements`` and ``experimental_attributes`` say of the function.
      initial_values: variables that were made outside for a graph that is imported, each with the tensor that it
        begins with; None where functions are not wrapped, and import no variables.
    """

    #: Whether it may live longer than the graph around it, so that what it needs must live as long as itself.
    stands_alone = True

    def __init__(self, name: str, attributes: dict[str, Any] | None = None) -> None:
        self._weak_outer: Any = None
        super().__init__(name)
        self.automatic_effects = True
        self.argument_count = 0
        self.deferred: list[tuple[Callable[[], Any], Any, list[Any]]] = []
        self._deferred_by_key: dict[Any, Any] = {}
        self.attributes = dict(attributes or {})
        self.must_compile = bool(self.attributes.get("_XlaMustCompile"))
        self.initial_values: list[tuple[Any, Any]] | None = None
        self._arguments: set[int] = set()
        #: The variables among the arguments that it was traced with.
        self._given: list[weakref.ref[Any]] = []
        if self.outer_graph is None:
            self.seed = eager_seeds.global_seed

    @property
    def outer_graph(self) -> Any:
        """The graph that the function was traced in, as long as that is alive: a function does not keep it."""
        return None if self._weak_outer is None else self._weak_outer()

    @outer_graph.setter
    def outer_graph(self, graph: Any) -> None:
        self._weak_outer = None if graph is None else weakref.ref(graph)

    @property
    def function_attributes(self) -> dict[str, Any]:
        """What the function's definition says beside its body."""
        return self.attributes

    @property
    def captures(self) -> list[tuple[Any, Any]]:
        """Pairs of a captured outer tensor and the parameter that stands for it; arguments are none of them."""
        return [pair for pair in self._captures.values() if id(pair[1]) not in self._arguments]

    @property
    def external_captures(self) -> list[Any]:
        """The captured outer tensors, in the order of their parameters."""
        return [outer for outer, _ in self.captures]

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables that the function uses, in the order in which it first uses them."""
        owners = [outer.__dict__.get("_variable_of") for outer in self.external_captures]
        variables = [owner() for owner in (*self._given, *owners) if owner is not None]
        return tuple({id(variable): variable for variable in variables if variable is not None}.values())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """The variables that the function uses and that are trained."""
        return tuple(variable for variable in self.variables if variable.trainable)

    def take_argument(self, spec: Any, name: str) -> Any:
        """Adds the parameter of a tensor among the arguments."""
        parameter = self.add_parameter(spec.dtype, spec.shape._dims, _node_name(name))
        parameter._op.attrs["_user_specified_name"] = name
        self._arguments.add(id(parameter))
        return parameter

    def take_variable(self, variable: Any) -> None:
        """Adds the parameter of a variable among the arguments."""
        self._arguments.add(id(self.capture(variable.handle)))
        self._given.append(weakref.ref(variable))

    def release_arguments(self) -> None:
        """Lets go of the variables among the arguments, once the graph is built: each call has its own."""
        for key, (_, inner) in list(self._captures.items()):
            if id(inner) in self._arguments:
                del self._captures[key]
                inner.__dict__.pop("_bound", None)

    def capture_call_time_value(
        self, closure: Callable[[], Any], spec: Any, key: Any = None, default_value: Any = None, placeholder: Any = None
    ) -> Any:
        """Returns what stands for the value that ``closure`` will have at each call of the function.

        Args:
          closure: is called at each call, without arguments.
          spec: the type of what it returns: a spec or a structure of specs.
          key: closures of one key are asked once.
          default_value: kept for TensorFlow's signature.
          placeholder: what stands for the value, if that exists already.
        """
        del default_value
        key = object() if key is None else key
        known = self._deferred_by_key.get(key)
        if known is not None:
            return known
        if isinstance(spec, trace_types.ArgumentType):
            kind: Any = spec
        else:
            kind = trace_types.type_of(spec, trace_types.TypingContext())
        first = len(self.inputs)
        if placeholder is None:
            placeholder = trace_types.placeholder(kind, Placeholders(self, ()), "deferred_capture")
        self.deferred.append((closure, kind, self.inputs[first:]))
        self._deferred_by_key[key] = placeholder
        return placeholder


def function_around(graph: Any) -> FunctionGraph | None:
    """Returns the innermost function that is being traced where ``graph`` is built, or None."""
    while graph is not None and not isinstance(graph, FunctionGraph):
        graph = getattr(graph, "outer_graph", None)
    return graph


def unique_name(name: str) -> str:
    """Returns the name of the graph of a function called ``name``, which no other function has."""
    clean = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in name)
    return f"__inference_{clean}_{next(_numbers)}"


def trace(
    python_function: Callable[..., Any],
    parameters: Sequence[Parameter],
    variables: Sequence[Any],
    name: str,
    attributes: dict[str, Any] | None = None,
) -> FunctionGraph:
    """Runs a Python function with placeholders for its arguments and returns the graph that it builds.

    Args:
      python_function: the function.
      parameters: its parameters with the types of the arguments.
      variables: the variables among the arguments.
      name: the function's name.
      attributes: what the function's definition says beside its body.

    Raises:
      TypeError: the function returns what is neither a tensor nor made of tensors.
      ValueError: the function changes a list or dictionary that it is given.
    """
    graph = FunctionGraph(unique_name(name), attributes)
    outer = graph.outer_graph
    with graph.as_default(), nesting.level():
        graph._device_stack = [] if outer is None else list(outer._device_stack)
        placeholders = Placeholders(graph, variables)
        arguments = [trace_types.placeholder(item.type_constraint, placeholders, item.name) for item in parameters]
        graph.argument_count = len(graph.inputs)
        before = [nest.map_structure(lambda leaf: leaf, argument) for argument in arguments]
        positional, named = split(parameters, arguments)
        result = python_function(*positional, **named)
        _check_unchanged(python_function, parameters, before, arguments)
        graph.structured_outputs = _converted(graph, result, python_function)
        graph.outputs = [item for item in structures.flatten(graph.structured_outputs) if item is not None]
        order_effects(graph)
    captures_last(graph)
    graph.release_arguments()
    return graph


def _check_unchanged(
    python_function: Callable[..., Any], parameters: Sequence[Parameter], before: list[Any], after: list[Any]
) -> None:
    """Checks that a function changed no list or dictionary that it was given: a call that does not trace would not."""
    changed = [
        item.name for item, old, new in zip(parameters, before, after, strict=True) if not _same_leaves(old, new)
    ]
    if changed:
        name = getattr(python_function, "__name__", type(python_function).__name__)
        raise ValueError(
            f"{name} should not modify its Python input arguments. Modifying a copy is allowed. The following "
            f"parameter(s) were modified: {', '.join(changed)}"
        )


def _same_leaves(old: Any, new: Any) -> bool:
    try:
        nest.assert_same_structure(old, new)
    except (TypeError, ValueError):
        return False
    return all(first is second for first, second in zip(nest.flatten(old), nest.flatten(new), strict=True))


class Placeholders:
    """Adds the parameters of a function to its graph, in the order in which calls give the tensors of arguments."""

    def __init__(self, graph: FunctionGraph, variables: Sequence[Any]) -> None:
        self._graph = graph
        self._variables = variables
        self._taken: set[int] = set()

    def tensor(self, spec: Any, name: str) -> Any:
        """Adds the parameter of a tensor."""
        return self._graph.take_argument(spec, spec.name or name)

    def variable(self, number: int) -> Any:
        """Adds the parameter of a variable, where it comes for the first time, and returns the variable itself."""
        if number not in self._taken:
            self._taken.add(number)
            self._graph.take_variable(self._variables[number])
        return self._variables[number]


def captures_last(graph: FunctionGraph) -> None:
    """Orders the parameters: arguments, captures, deferred captures."""
    count = graph.argument_count
    late = [parameter for _, _, parameters in graph.deferred for parameter in parameters]
    graph.inputs = [*graph.inputs[:count], *(inner for _, inner in graph.captures), *late]


def _node_name(name: str) -> str:
    clean = "".join(letter if letter.isalnum() or letter in "_./-" else "_" for letter in name)
    return clean if clean and (clean[0].isalnum() or clean[0] == ".") else f"arg_{clean.strip('_')}"


def _converted(graph: FunctionGraph, result: Any, python_function: Any) -> Any:
    """Converts what a function returned to tensors of its graph, each an operation's output of its own."""
    identity: Any = OpDef.registry["Identity"]

    def of_tensor(item: Any) -> Any:
        return identity(graph.capture(item))

    def of_leaf(leaf: Any) -> Any:
        if leaf is None:
            return None
        is_variable = hasattr(leaf, "_dense_var_to_tensor")
        if isinstance(leaf, TensorArray | IndexedSlices) or (structures.is_composite(leaf) and not is_variable):
            return structures.map_tensors(of_tensor, leaf)
        if not isinstance(leaf, Tensor) and not is_variable:
            leaf = _as_tensor(leaf, python_function)
        return of_tensor(convert_to_tensor(leaf))

    if nest.is_nested(result):
        # Nodes are made in the order of the leaves, so that the outputs have TensorFlow's names.
        return nest.pack_sequence_as(result, [of_leaf(leaf) for leaf in nest.flatten(result)])
    return of_leaf(result)


def _as_tensor(leaf: Any, python_function: Any) -> Any:
    try:
        if not isinstance(leaf, Operation):
            return convert_to_tensor(leaf)
    except (TypeError, ValueError):
        pass
    raise TypeError(
        "To be compatible with tf.function, Python functions must return zero or more Tensors or "
        f"ExtensionTypes or None values; in compilation of {python_function}, found return value of type "
        f"{type(leaf).__name__}, which is not a Tensor or ExtensionType."
    )


def is_buffer_handle(tensor: Any) -> bool:
    """Tells whether a tensor with a value refers to a variable."""
    return (
        isinstance(tensor, EagerTensor)
        and tensor.dtype is dtypes.resource
        and isinstance(getattr(tensor._value, "resource", None), Buffer)
    )
