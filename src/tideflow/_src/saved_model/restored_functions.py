"""Functions of a SavedModel: concrete ones, which are built when they are first used, and what chooses among them."""

from __future__ import annotations

import inspect
import pprint
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tideflow._src.core import nest
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.function import structures as function_structures
from tideflow._src.function import trace_types
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.function.function_type import POSITIONAL, Bound, Parameter, split
from tideflow._src.function.python_tracing import FunctionGraph
from tideflow._src.function.trace_types import TypingContext, VariableType
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.variable_spec import VariableSpec

_KEYWORD = inspect.Parameter.KEYWORD_ONLY


class RestoredConcreteFunction(ConcreteFunction):
    """Is a concrete function of a SavedModel. Its graph is built when something needs it.

    Args:
      name: the name in the SavedModel.
      build: returns the graph, given the tensors that are captured.
      signature: the structured arguments, specs and values of Python: a tuple and a dictionary.
      outputs: the specs of what it returns, in its structure.
      lock: is held while the graph is built; functions that share what they are built of share it.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[Sequence[Any]], FunctionGraph],
        signature: Any,
        outputs: Any,
        lock: threading.RLock,
    ) -> None:
        # What a concrete function has beside these is made by __getattr__, of the graph.
        self._saved_name = name
        self._build = build
        self._signature = signature
        self._outputs = outputs
        self._lock = lock
        self._given: list[Any] = []
        self._names: list[str] | None = None
        #: As TensorFlow calls them: the names of the arguments as tensors, and how many may be given by position.
        self._arg_keywords: list[str] | None = None
        self._num_positional_args: int | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_build" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._lock:  # several threads may be the first to use it
            if not self._is_built():
                try:
                    self._make()
                except (TypeError, LookupError) as error:
                    raise ValueError(
                        f"The function {self._saved_name!r} of the SavedModel makes no sense: {error}"
                    ) from error
        return object.__getattribute__(self, name)

    def _is_built(self) -> bool:
        return "graph" in self.__dict__

    def _make(self) -> None:
        with init_scope():
            graph = self._build(self._given)
            count = len(graph.inputs) - len(self._given)
            wanted = len(specs_of(self._signature))
            if count != wanted:
                raise ValueError(
                    f"The function {self._saved_name!r} of the SavedModel takes {count} tensors beside what it "
                    f"captures, but its signature has {wanted}."
                )
            flat = nest.flatten(self._outputs, expand_composites=True)
            if len([item for item in flat if item is not None]) != len(graph.outputs):
                raise ValueError(
                    f"The function {self._saved_name!r} of the SavedModel returns {len(graph.outputs)} tensors, but "
                    f"its signature has others: {self._outputs}."
                )
            graph.argument_count = count
            graph.structured_outputs = function_structures.pack(self._outputs, list(graph.outputs))
            made = ConcreteFunction(graph, self.parameters(), self._saved_name, "it was loaded")
            made.structured_outputs = self._outputs
            self.__dict__.update(made.__dict__)  # all at once: other threads see the whole of it, or nothing

    def bind(self, tensors: Sequence[Any]) -> None:
        """Says what the function captures; once it is built, that stays."""
        with self._lock:
            if not self._is_built():
                self._given = list(tensors)

    def name_parameters(
        self, names: Sequence[str], arguments: Sequence[str] | None, most_positional: int | None
    ) -> None:
        """Says how the function may be called.

        Args:
          names: the names of the positional parameters.
          arguments: the names of the tensors of its arguments, if it can be called with these.
          most_positional: how many of those may be given by position.
        """
        self._names = list(names)
        self._arg_keywords = None if arguments is None else list(arguments)
        self._num_positional_args = most_positional

    def parameters(self) -> list[Parameter]:
        """Returns the parameters with their types."""
        positional, named = self._signature
        names = list(self._names or ())
        context = _LoadedTypes()
        made = []
        for index, value in enumerate(positional):
            name = names[index] if index < len(names) else f"args_{index - len(names)}"
            kind = POSITIONAL if index < len(names) else inspect.Parameter.POSITIONAL_ONLY
            made.append(Parameter(name, kind, False, context.of(value)))
        if any(item.kind is inspect.Parameter.POSITIONAL_ONLY for item in made):
            made = [item._replace(kind=inspect.Parameter.POSITIONAL_ONLY) for item in made]
        made += [Parameter(name, _KEYWORD, False, context.of(named[name])) for name in sorted(named)]
        return made

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The positional and keyword arguments that the function was traced for: specs, and values of Python."""
        return self._signature

    @property
    def returns_one_tensor(self) -> bool:
        """Whether calls return a single tensor rather than a structure."""
        return type(self._outputs) is TensorSpec

    def _bind_flat(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        names = self._arg_keywords
        if names is None:
            return super()._bind_flat(args, kwargs)
        most = len(names) if self._num_positional_args is None else self._num_positional_args
        shown = f"{self._python_name}({', '.join(['*', *names] if not most else names)})"
        if len(args) > most:
            raise TypeError(f"{shown} takes {most} positional arguments, got {len(args)}.")
        known = {cleaned: name for name, cleaned in zip(names, self._graph_names(), strict=False)}
        values = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            name = name if name in names else known.get(name, name)
            if name in values:
                raise TypeError(f"{shown} got two values for {name!r}.")
            values[name] = value
        missing = sorted(set(names) - set(values))
        if missing:
            raise TypeError(f"{shown} missing required arguments: {', '.join(missing)}.")
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise TypeError(f"{shown} got unexpected keyword arguments: {', '.join(unknown)}.")
        return super()._bind_flat(tuple(values[name] for name in names), {})

    def _graph_names(self) -> list[str]:
        return [parameter._op.name for parameter in self.graph.inputs[: self.graph.argument_count]]


class _LoadedTypes:
    """Makes types of the specs and values in a signature."""

    def __init__(self) -> None:
        self._context = TypingContext()
        self._variables = 0

    def of(self, value: Any) -> Any:
        """Returns the type of an argument."""
        return trace_types.type_of(nest.map_structure(self._leaf, value), self._context)

    def _leaf(self, leaf: Any) -> Any:
        if isinstance(leaf, VariableSpec):
            number = leaf.alias_id if leaf.alias_id is not None else self._variables
            self._variables += 1
            return _Typed(VariableType(leaf.shape, leaf.dtype, leaf.trainable, number))
        return leaf


class _Typed:
    """Is an argument of which only the type is known."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __tf_tracing_type__(self, context: Any) -> Any:
        return self._kind


def specs_of(structure: Any) -> list[Any]:
    """Returns the specs of the tensors in a structure, in order."""
    leaves = nest.flatten(structure, expand_composites=True)
    return [leaf for leaf in leaves if isinstance(leaf, TypeSpec)]


class RestoredFunction(TracedFunction):
    """Is a ``tf.function`` of a SavedModel: it chooses among the concrete functions that were saved.

    Args:
      signature: the parameters, as ``inspect`` has them.
      input_signature: what the arguments are held to, or None.
      concrete_functions: what was saved.
      jit_compile: whether XLA compiles it.
    """

    def __init__(
        self,
        signature: inspect.Signature,
        input_signature: Any,
        concrete_functions: Sequence[RestoredConcreteFunction],
        jit_compile: bool | None,
    ) -> None:
        self.concrete_functions = list(concrete_functions)

        def restored_function_body(*args: Any, **kwargs: Any) -> Any:
            """Calls a restored function or raises an error if no matching function."""
            concrete, tensors = self._chosen(args, kwargs)
            return concrete._call_flat(tensors)

        restored_function_body.__signature__ = signature  # type: ignore[attr-defined]
        super().__init__(
            restored_function_body, "restored_function_body", input_signature, autograph=False, jit_compile=jit_compile
        )

    #: Its Python chooses among what was saved, which costs little.
    _omit_frequent_tracing_warning = True

    def _call_bound(self, bound: Bound, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        positional, named = split(bound.parameters, bound.values)
        concrete, tensors = self._chosen(tuple(positional), named)
        return concrete._call_flat(tensors)

    def _chosen(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[RestoredConcreteFunction, list[Any]]:
        """Returns the function to call, and the tensors of the arguments.

        Raises:
          ValueError: no function that was saved fits the arguments.
        """
        if not self.concrete_functions:
            raise ValueError("Found zero restored functions for caller function.")
        inputs = nest.map_structure(_array_as_tensor, (args, kwargs))
        for convert in (False, True):
            for function in self.concrete_functions:
                if _fits(function._signature, inputs, convert):
                    return function, _tensors(function._signature, inputs)
        options = []
        for index, function in enumerate(self.concrete_functions):
            positional, named = function._signature
            options.append(f"Option {index + 1}:\n  {_positional_text(positional)}\n  Keyword arguments: {named}")
        raise ValueError(
            "Could not find matching concrete function to call loaded from the SavedModel. Got:\n  "
            f"{_positional_text(args)}\n  Keyword arguments: {kwargs}\n\n Expected these arguments to match one of the "
            f"following {len(options)} option(s):\n\n" + "\n\n".join(options)
        )

    def _list_all_concrete_functions(self) -> list[Any]:
        return self.concrete_functions

    _list_all_concrete_functions_for_serialization = _list_all_concrete_functions


def _positional_text(positional: Sequence[Any]) -> str:
    lines = "\n    * ".join(pprint.pformat(item) for item in positional)
    return f"Positional arguments ({len(positional)} total):\n    * {lines}"


def _array_as_tensor(leaf: Any) -> Any:
    if isinstance(leaf, Tensor) or not hasattr(leaf, "__array__") or isinstance(leaf, type):
        return leaf
    has_parts = hasattr(leaf, "_dense_var_to_tensor") or hasattr(type(leaf), "_type_spec")
    return leaf if has_parts else convert_to_tensor(leaf)


def _fits(signature: Any, inputs: Any, convert: bool) -> bool:
    """Tells whether a function with a signature can be called with some arguments."""
    try:
        given = nest.flatten_up_to(signature, inputs)
    except (TypeError, ValueError):
        return False
    return all(
        _leaf_fits(leaf, expected, convert) for leaf, expected in zip(given, nest.flatten(signature), strict=True)
    )


def _leaf_fits(leaf: Any, expected: Any, convert: bool) -> bool:
    if isinstance(expected, TensorSpec):
        if convert and not _is_tensor(leaf):
            leaf = _as_spec(leaf, expected.dtype)
        if not _is_tensor(leaf) and not isinstance(leaf, TensorSpec):
            return False
        return leaf.dtype is expected.dtype and expected.shape.is_compatible_with(leaf.shape)
    if isinstance(expected, TypeSpec):
        return bool(expected.is_compatible_with(leaf))
    if _is_tensor(leaf):
        return leaf is expected
    try:
        return bool(leaf == expected)
    except (TypeError, ValueError):
        return False


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "_dense_var_to_tensor")


def _as_spec(value: Any, dtype: Any) -> Any:
    """Returns the spec of what a value becomes as a tensor; None if it becomes none."""
    graph = FuncGraph("guess_conversion")
    try:
        with graph.as_default():
            tensor = convert_to_tensor(value, dtype_hint=dtype)
    except (TypeError, ValueError):
        return None
    return TensorSpec(tensor.shape, tensor.dtype)


def _tensors(signature: Any, inputs: Any) -> list[Any]:
    given = nest.flatten_up_to(signature, inputs, expand_composites=True)
    tensors = []
    for leaf, expected in zip(given, nest.flatten(signature, expand_composites=True), strict=True):
        if isinstance(expected, VariableSpec):
            tensors.append(leaf.handle)
        elif isinstance(expected, TensorSpec):
            if expected.dtype.name == "resource" and hasattr(leaf, "handle"):
                tensors.append(leaf.handle)
            else:
                tensors.append(leaf if isinstance(leaf, Tensor) else convert_to_tensor(leaf, dtype_hint=expected.dtype))
    return tensors
