"""Defines ``tf.function``: Python functions that are traced once for each signature, and then run as programs."""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from tideflow._src.core import context
from tideflow._src.core.inheritance import inherited
from tideflow._src.core.tensor import EagerTensor
from tideflow._src.function import interfaces, retracing
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.function_type import (
    Bound,
    FunctionSpec,
    FunctionType,
    Parameter,
    checked_input_signature,
    name_of,
    without_self,
)
from tideflow._src.function.python_tracing import trace
from tideflow._src.function.short_calls import ARRAY, LITERALS, ShortCall, look_into
from tideflow._src.function.trace_lock import TraceLock
from tideflow._src.function.trace_table import TraceTable
from tideflow._src.function.variable_creation import CreatedVariables, none_created
from tideflow._src.runtime import program_options
from tideflow._src.runtime.devices import ACCELERATED

_special = context.SPECIAL
_functions = program_options._functions
_new = object.__new__
#: What ``experimental_attributes`` may say of a function.
_ATTRIBUTES = frozenset(
    "_noinline api_implements api_preferred_device disable_acd disable_call_shape_inference "
    "disable_summaries_at_runtime runtime_constant_optimization".split()
)
_numbers = itertools.count()
#: Entries of the fast path of one function; beyond this, values of Python pass through it without end.
_MOST_FAST_ENTRIES = 512


class TracedFunction(interfaces.Callable):
    """Is what ``tf.function`` makes of a Python function: calls of a known signature run what was traced for it.

    Args:
      python_function: the function; a method may be bound to its object.
      name: the name in graphs and messages.
      input_signature: types that the arguments are held to, so that the function is traced once.
      autograph: whether Python's control flow over tensors becomes that of the graph.
      jit_compile: whether XLA must compile the function, at once; then what only the host can run is an error.
      reduce_retracing: whether a second shape makes the function be traced for unknown sizes.
      experimental_autograph_options: features of the conversion that are on, a ``Feature`` or several.
      experimental_implements, experimental_attributes: what the function's definition says of it.
    """

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Any = None,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        experimental_implements: str | None = None,
        experimental_autograph_options: Any = None,
        experimental_attributes: dict[str, Any] | None = None,
    ) -> None:
        self.number = next(_numbers)
        function, owner = without_self(python_function)
        self._function, self._owner = function, owner
        self._name = name
        self._input_signature = checked_input_signature(input_signature)
        self._spec = FunctionSpec(python_function, self._input_signature, name)
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._implements = experimental_implements
        self._autograph_options = experimental_autograph_options
        self._attributes = dict(experimental_attributes or {})
        unknown = sorted(set(self._attributes) - _ATTRIBUTES)
        if unknown:
            raise ValueError(
                f"`{unknown[0]}` is not supported by tf.function as an attribute; there are "
                f"{', '.join(sorted(_ATTRIBUTES))}."
            )
        self._marks = dict(self._attributes)
        if experimental_implements is not None:
            self._marks["_implements"] = experimental_implements
        if jit_compile:
            self._marks.update(_XlaMustCompile=True, _noinline=True)
        #: What the methods of one object share.
        self._shared = weakref.ref(self)
        self._bound_methods: dict[int, tuple[weakref.ref[Any], TracedFunction]] = {}
        #: Is held while a thread traces the function; never while a program runs.
        self._trace_lock = TraceLock()
        #: Guards the tables; is held for as long as a table changes, and nothing else is done meanwhile.
        self._lock = threading.RLock()
        self._forget_traces()
        functools.update_wrapper(self, function, updated=())

    def _forget_traces(self) -> None:
        traces = TraceTable()
        self._traces = traces
        #: Forgets the traces for an object that is gone; knows the table alone, lest types keep the function's object.
        self._forget_dead: Callable[[Any], None] = lambda reference: traces.forget_dead()
        self._fast: dict[Any, ShortCall] = {}
        self._first_call = True
        self._trace_count = 0
        self._last_traced: tuple[Parameter, ...] | None = None
        self._counted_calls = 0

    # What it is.

    @property
    def name(self) -> str:
        """The name in graphs."""
        return self._name

    @property
    def python_function(self) -> Any:
        """The Python function that was wrapped."""
        return self._callable()

    @property
    def input_signature(self) -> Any:
        """The types that the arguments are held to, or None."""
        return self._input_signature

    @property
    def function_spec(self) -> FunctionSpec:
        """The parameters of the Python function."""
        return self._spec

    @property
    def function_type(self) -> FunctionType:
        """The signature, with the types that the input signature gives."""
        return self._spec.function_type

    def experimental_get_tracing_count(self) -> int:
        """Returns how often the Python function was traced."""
        return self._trace_count

    def _callable(self) -> Callable[..., Any]:
        if self._owner is None:
            return self._function
        method: Callable[..., Any] = self._function.__get__(self._owner())
        return method

    @property
    def __signature__(self) -> inspect.Signature:
        """What calls take: that of a method leaves its object out, though what is wrapped is the plain function."""
        try:
            return inspect.signature(self._callable())
        except ValueError as error:
            raise AttributeError(str(error)) from None

    def _traceable(self) -> Callable[..., Any]:
        """Returns the Python function as it is traced: with control flow over tensors that of a graph."""
        function = self._callable()
        if not self._autograph:
            return function
        from tideflow._src.function.autograph.features import chosen, turned_on, with_features
        from tideflow._src.function.autograph.operators import convert  # loaded at the first trace
        from tideflow._src.function.autograph.user_errors import reporting

        features = chosen(self._autograph_options)
        with turned_on(features) as others:
            converted = convert(function, is_requested=True)
        return reporting(with_features(converted, features, in_place_of=others))

    # Methods.

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Returns this function as a method of an object, which has traces of its own."""
        if instance is None:
            return self
        known = self._bound_methods.get(id(instance))
        if known is not None and known[0]() is instance:
            return _method(known[1], instance)
        bound = self._bound_to(instance)
        with self._lock:
            known = self._bound_methods.get(id(instance))
            if known is not None and known[0]() is instance:
                return _method(known[1], instance)
            key, table = id(instance), self._bound_methods

            def forget(reference: Any) -> None:
                if key in table and table[key][0] is reference:
                    del table[key]

            table[key] = (weakref.ref(instance, forget), bound)
        return _method(bound, instance)

    def _bound_to(self, instance: Any) -> TracedFunction:
        bound = self._like(self._callable().__get__(instance))
        if bound._owner is not None:
            bound._owner = weakref.ref(instance)  # this function's table must not keep the object
        return bound

    def _like(self, python_function: Callable[..., Any], autograph: bool | None = None) -> TracedFunction:
        return TracedFunction(
            python_function,
            self._name,
            self._input_signature,
            self._autograph if autograph is None else autograph,
            self._jit_compile,
            self._reduce_retracing,
            self._implements,
            self._autograph_options,
            self._attributes,
        )

    def _decorate(self, decorator: Callable[[Any], Any]) -> None:
        """Replaces the Python function by what ``decorator`` makes of it, before the first call.

        Raises:
          ValueError: the function was traced already.
        """
        if self._trace_count:
            raise ValueError("Functions cannot be decorated after they have been traced.")
        self._function = decorator(self._function)
        self._spec = FunctionSpec(self._callable(), self._input_signature, self._name)

    def __reduce__(self) -> Any:
        return _rebuilt, (
            self._callable(), self._name, self._input_signature, self._autograph, self._jit_compile,
            self._reduce_retracing, self._implements,
        )  # fmt: skip

    def __deepcopy__(self, memo: dict[int, Any]) -> TracedFunction:
        copied = self._like(self._callable())
        memo[id(self)] = copied
        return copied

    def __repr__(self) -> str:
        return f"<tf.function {self._name!r} at 0x{id(self):x}>"

    # Calls.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function, traced first if no call had this signature before."""
        if not _special:
            items = (*args, *kwargs.values()) if kwargs else args
            key: list[Any] = [*kwargs] if kwargs else []
            for item in items:
                kind = item.__class__
                if kind is EagerTensor:
                    value = item._value
                    key.append(value.dtype)
                    key.append(value.shape)
                elif kind in LITERALS:
                    key.append(kind)
                    key.append(item)
                elif kind is ARRAY:
                    key.append(kind)
                    key.append(item.dtype)
                    key.append(item.shape)
                elif hasattr(kind, "_stands_for"):
                    sort, tensor = item._stands_for
                    key.append(sort)
                    items = tuple([tensor if each is item else each for each in items])
                elif kind is tuple or kind is list:
                    key = [*kwargs]
                    leaves: list[Any] = []
                    plain = look_into((*args, *kwargs.values()), key, leaves)
                    fast = self._fast.get(tuple(key)) if plain else None
                    if fast is not None and not _functions["eagerly"]:
                        return fast(leaves)
                    break
                else:
                    break
            else:
                fast = self._fast.get(tuple(key))
                if fast is not None and not _functions["eagerly"]:
                    return fast(items)
        if _functions["eagerly"]:
            return self._callable()(*args, **kwargs)
        bound = self._spec.bind(args, kwargs, self._forget_dead)
        return self._call_bound(bound, args, kwargs)

    def _call_bound(self, bound: Bound, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        tensors = bound.tensors()
        concrete = self._known(bound)
        if concrete is None:
            with self._trace_lock.held():
                concrete = self._known(bound)
                if concrete is None:
                    made = self._traced(bound)
                    if made.creates is not None:
                        result = made.creates._call_flat(tensors)  # no other call may come before this
                        made.keep()
                        return result
                    concrete = made.keep()
        if not _special:
            self._remember(args, kwargs, tensors, concrete)
        return concrete._call_flat(tensors)

    def _known(self, bound: Bound) -> ConcreteFunction | None:
        """Returns what was traced for a call, or for types that include its own; None if that is nothing."""
        if self._first_call:
            return None
        found: ConcreteFunction | None = self._traces.find(_context_key(), bound)
        return found

    def _traced(self, bound: Bound) -> _Made:
        """Traces the function for a call. The trace lock is held, unless waiting for it would never end."""
        key = _context_key()
        if self._first_call:
            return self._traced_first(key, bound)
        parameters: Sequence[Parameter] = bound.parameters
        if self._reduce_retracing and self._input_signature is None:
            parameters = self._traces.generalized(key, parameters)
        with none_created():
            concrete = self._new(parameters, bound.variables)
        self._count_trace(bound.parameters)
        return _Made(self, key, parameters, concrete)

    def _traced_first(self, key: Any, bound: Bound) -> _Made:
        created = CreatedVariables()
        with created.collecting():
            concrete = self._new(bound.parameters, bound.variables)
        self._count_trace(bound.parameters)
        creates = concrete if created.depends_on_arguments else None
        if created.count:
            # What is kept is traced with the variables in place.
            with none_created():
                concrete = self._new(bound.parameters, bound.variables)
        return _Made(self, key, bound.parameters, concrete, creates)

    #: Whether it is no fault of the program that the function is made and traced again and again.
    _omit_frequent_tracing_warning = False

    def _count_trace(self, parameters: Sequence[Parameter]) -> None:
        if self._omit_frequent_tracing_warning:
            return
        if context.executing_eagerly():  # a function within another is traced as often as that one, which is counted
            retracing.traced(self, parameters)

    def uncounted_calls(self) -> int:
        """Returns how many calls needed no tracing since this was asked last."""
        concretes = self._traces.concrete_functions()
        runs = sum(program.calls for concrete in concretes for program in concrete.call.programs())
        calls = max(runs - len(concretes), 0)  # the first run of each is the call that traced it
        found = max(calls - self._counted_calls, 0)
        self._counted_calls = max(calls, self._counted_calls)
        return found

    def __del__(self) -> None:
        if self.__dict__.get("_trace_count") and not sys.is_finalizing():
            retracing.ended(self, self._function)

    def _new(self, parameters: Sequence[Parameter], variables: Sequence[Any]) -> ConcreteFunction:
        signature = tuple([(item.name, item.type_constraint) for item in parameters])
        under_way = _tracing.under_way
        if (self, signature) in under_way:
            raise RecursionError(
                f"The function {self._name!r} calls itself with the same signature while it is traced, so that tracing "
                "would never end. Make the depth a value of Python that becomes smaller, or use tf.while_loop."
            )
        under_way.append((self, signature))
        self._trace_count += 1
        start = perf_counter()
        try:
            graph = trace(self._traceable(), parameters, variables, self._name, self._marks)
        finally:
            under_way.pop()
        took = perf_counter() - start
        cause = retracing.cause(self._last_traced, parameters)
        self._last_traced = tuple(parameters)
        return ConcreteFunction(graph, parameters, self._name, cause, took)

    def _remember(
        self, args: Sequence[Any], kwargs: dict[str, Any], tensors: Sequence[Any], concrete: ConcreteFunction
    ) -> None:
        """Lets the next call like this one go the short way.

        It can if the call takes tensors, arrays and values of Python, and lists and tuples of these.
        """
        items = (*args, *kwargs.values())
        key: list[Any] = list(kwargs)
        leaves: list[Any] = []
        ends: list[int] = []
        for item in items:
            if not look_into((item,), key, leaves):
                return
            ends.append(len(leaves))
        if concrete.graph.deferred:
            return
        order = [
            position
            for argument in self._spec.order(len(args), list(kwargs))
            for position in range(ends[argument - 1] if argument else 0, ends[argument])
            if leaves[position].__class__ not in LITERALS
        ]
        given = [leaves[position] for position in order]
        if len(tensors) != len(given):
            return
        for leaf, tensor in zip(given, tensors, strict=True):
            if leaf.__class__ is ARRAY:
                if tensor.__class__ is not EagerTensor or leaf.dtype != tensor._value.dtype:
                    return  # the input signature has another dtype
            elif leaf is not tensor:
                return
        arrays = any(leaf.__class__ is ARRAY for leaf in given)
        with self._lock:
            if len(self._fast) >= _MOST_FAST_ENTRIES:
                self._fast.clear()
            self._fast[tuple(key)] = ShortCall(concrete, order, len(leaves), arrays)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Returns what is, or will be, traced for a signature: specs, tensors and values of Python.

        Raises:
          ValueError: the function creates variables that it did not keep.
          TypeError: the arguments do not fit the function.
        """
        if self._input_signature is not None and not args and not kwargs:
            args = self._input_signature
        bound = self._spec.bind(args, kwargs, self._forget_dead)
        with self._trace_lock.held():
            concrete = self._known(bound)
            if concrete is None:
                concrete = self._traced(bound).keep()
        return concrete

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        """Returns the concrete functions that there are; Keras's exports ask for them by this name."""
        return list(self._traces.concrete_functions())

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, ConcreteFunction]:
        """Returns the concrete functions to walks over what saved models hold; checkpoints hold nothing of it."""
        del kwargs
        if save_type == "checkpoint":
            return {}
        return {f"trace_{number}": each for number, each in enumerate(self._list_all_concrete_functions())}

    def _maybe_initialize_trackable(self) -> None:
        """Does nothing: walks over objects call it."""

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """Returns the signatures that were traced as text, first traced first."""
        texts = [concrete.pretty_printed_signature(verbose) for concrete in self._list_all_concrete_functions()]
        return ("\n\n" if verbose else "\n").join(texts)

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Callable[..., str | bytes]:
        """Returns a function that gives what XLA makes of this one, for arguments like those given.

        Args:
          *args, **kwargs: arguments as of a call; specs stand for tensors whose value does not matter.

        Returns:
          A function of ``stage`` and ``device_name``. The stages are ``"hlo"`` (the default), ``"stablehlo"`` and
          ``"optimized_hlo"``, each also with ``"_serialized"`` behind it, and ``"optimized_hlo_dot"``.

        Raises:
          ValueError: the function is not marked with ``jit_compile=True``, or a part of it runs on the host only.
        """
        if not self._jit_compile:
            raise ValueError("Compiler IR can only be returned for functions marked with 'jit_compile=True'")
        concrete = self.get_concrete_function(*args, **kwargs)
        tensors = self._spec.bind(args, kwargs).tensors_or_specs()
        return functools.partial(concrete.compiler_ir, tensors)

    def explain(self) -> Any:
        """Returns what was traced and why, how it runs, and what that took; it prints as a table."""
        from tideflow._src.function.explanation import explain  # a rare use

        return explain(self)


class _Method(TracedFunction):
    """Is a function as a method of an object, which it keeps, as Python's methods do.

    It shares all that it knows with the others of that object, and with what the function keeps for the object, which
    does not keep it: so the traces last as long as the object.
    """

    __slots__ = ("_object",)
    _object: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Method) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


def _method(shared: TracedFunction, instance: Any) -> _Method:
    method: _Method = _new(_Method)
    method.__dict__ = shared.__dict__
    method._object = instance
    return method


class _Tracing(threading.local):
    """Is what this thread traces: functions with their signatures, outermost first."""

    def __init__(self) -> None:
        self.under_way: list[tuple[TracedFunction, Any]] = []


_tracing = inherited(_Tracing())


class _Made(NamedTuple):
    """Is what tracing made.

    Attributes:
      function: the function that was traced.
      context, parameters: what it was traced for.
      concrete: what calls run.
      creates: what the first call runs instead, as initial values of variables depend on its arguments; or None.
    """

    function: TracedFunction
    context: Any
    parameters: Sequence[Parameter]
    concrete: ConcreteFunction
    creates: ConcreteFunction | None = None

    def keep(self) -> ConcreteFunction:
        """Lets calls find the trace, or the one that another thread has made meanwhile; returns what they run."""
        with self.function._lock:
            found: ConcreteFunction = self.function._traces.add(self.context, self.parameters, self.concrete)
            self.function._first_call = False
        return found


def _context_key() -> Any:
    """Returns what besides its arguments tells a call from others: the devices asked for, and the graph around."""
    graph = context.current_graph()
    if graph is None:
        return tuple(context.state.devices) if ACCELERATED else ()
    outer = graph
    while outer is not None and outer.building_function:
        outer = outer.outer_graph
    devices = tuple(map(str, graph._device_stack))
    return devices if outer is None else (outer.number, devices)


def _rebuilt(*arguments: Any) -> TracedFunction:
    return TracedFunction(*arguments)


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: str | None = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: dict[str, Any] | None = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """Makes a function whose calls run as programs: its Python runs once for each signature of arguments.

    The signature is the dtype and shape of each tensor, the value of each number or string, and the identity of every
    other object. What Python does besides (printing, appending to lists) happens while the function is traced only.

    Args:
      func: the function; without it, a decorator is returned.
      input_signature: a sequence of ``tf.TensorSpec``, one for each argument: the function is traced once, and calls
        that do not fit are an error.
      autograph: whether Python's ``if``, ``while``, ``for`` and the like become operations of the graph where they
        depend on tensors; the function and those that it calls are rewritten for it, libraries excepted.
      jit_compile: whether XLA compiles the whole function at once. If so, calls raise InvalidArgumentError where it
        holds what no compiler takes, such as strings, Python functions and queues; otherwise the host runs these.
      reduce_retracing: whether a function that sees a second shape is traced for unknown sizes.
      experimental_implements: the name of what the function implements, for those who read its definition.
      experimental_autograph_options: a ``tf.autograph.experimental.Feature``, or several: ``LISTS`` makes ``x[i] = v``
        of a tensor a tensor with another element, ``BUILTIN_FUNCTIONS`` makes ``print`` print values in each run.
      experimental_attributes: further attributes of the function's definition.
      experimental_relax_shapes, experimental_compile: older names of ``reduce_retracing`` and ``jit_compile``.
      experimental_follow_type_hints: kept for TensorFlow's signature.

    Raises:
      TypeError: ``func`` cannot be called, or ``input_signature`` does not fit it.

    >>> import tideflow as tf
    >>> @tf.function
    ... def square(x):
    ...     return x * x
    >>> float(square(tf.constant(3.0)))
    9.0
    """
    del experimental_follow_type_hints
    if experimental_relax_shapes is not None:
        reduce_retracing = experimental_relax_shapes
    if experimental_compile is not None:
        jit_compile = experimental_compile
    checked_input_signature(input_signature)

    def decorate(inner: Any) -> TracedFunction:
        if isinstance(inner, TracedFunction):
            inner = inner.python_function
        if not callable(inner):
            raise TypeError(f"tf.function decorates callables, but got {inner!r} of type {type(inner).__name__}.")
        return TracedFunction(
            inner, name_of(inner), input_signature, autograph, jit_compile, reduce_retracing, experimental_implements,
            experimental_autograph_options, experimental_attributes,
        )  # fmt: skip

    return decorate if func is None else decorate(func)
