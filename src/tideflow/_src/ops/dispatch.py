"""Lets classes take over public functions: ``tf.add(ragged, 1)``, ``tf.concat([masked, masked], 0)``.

A public function knows nothing of dispatch. When the first handler is registered for it, its code is exchanged
in place for a short check of the classes of its arguments, so that a function costs no more than before until
somebody wants to take it over, and whoever imported it earlier gets the check, too. A function with a fast path
(:mod:`tideflow._src.runtime.fast_path`) has the check on its general way only: for eager tensors it costs nothing at
all.

Two kinds of handlers are asked, in this order:

- *Typed handlers* (``dispatch_for_api``) say for which classes of which parameters they are called::

      @dispatch_for_api(reduce_sum, {"input_tensor": RaggedTensor})
      def ragged_reduce_sum(input_tensor, axis=None, keepdims=False, name=None): ...

      register(concat, ragged_concat, {"values": list[RaggedTensor]})   # the same, as a plain call

  Annotations are classes, ``Union`` (``A | B``) and ``List`` (``list[A]``) of these, and ``None``. A handler is called
  only if one of the annotated arguments is, or holds, an instance of a composite class (or of one made known by
  ``register_dispatchable_type``), with the arguments that the function got. A handler without the parameter ``name`` is
  called in a name scope of that name. One that returns ``NotImplemented`` leaves the call to the function.
- *Fallbacks* (``OpDispatcher``, ``GlobalOpDispatcher``, ``dispatch_for_types``) are asked after the function itself has
  failed with a ``TypeError`` or ``ValueError``. If none takes the call, that error stands.

What is registered for all element-wise functions at once is in :mod:`tideflow._src.ops.elementwise_dispatch`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import os
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.tensor import EagerTensor, SymbolicTensor
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.type_spec import CompositeTensor
from tideflow._src.graph import source
from tideflow._src.ops import dispatchable
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.fast_path import general_way, set_general_way

_ALWAYS_PLAIN = (
    *(
        EagerTensor,
        SymbolicTensor,
        np.ndarray,
        types.NoneType,
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        DType,
        TensorShape,
    ),
    *(np.bool_, np.int32, np.int64, np.float32, np.float64),
)


class _Classes(set[type]):
    """Is a set that can be a constant of code, which has a hash."""

    __hash__ = object.__hash__  # type: ignore[assignment]


#: Classes for whose instances nobody takes over a call. It grows as calls are made, and starts anew when something is
#: registered that may want one of them.
_plain = _Classes(_ALWAYS_PLAIN)

_dispatchable: dict[type, bool] = {}
_dispatchable_bases: list[type] = []

_dispatchers: dict[Callable[..., Any], Dispatcher] = {}
_global_dispatchers: list[GlobalOpDispatcher] = []
_has_fallbacks = False


class _Programs:
    """Counts what programs have registered, or taken back, and how often a handler of theirs was asked."""

    changes = 0
    calls = 0


programs = _Programs()

#: Lists up to this length are looked through before anybody is asked.
_SHORT = 16

_NO_MATCH, _MATCH, _DISPATCHABLE = 0, 1, 2

Signature = Mapping[Any, Any]
Check = Callable[[Any], int]


def is_dispatchable(cls: type) -> bool:
    """Tells whether an argument of this class can make a typed handler take over a call."""
    known = _dispatchable.get(cls)
    if known is None:
        known = _dispatchable[cls] = issubclass(cls, (CompositeTensor, *_dispatchable_bases))
    return known


def register_dispatchable_type(cls: type) -> type:
    """Makes typed handlers possible for a class that is not composite; a class decorator."""
    _dispatchable_bases.append(cls)
    _dispatchable.clear()
    _forget_plain()
    return cls


def _forget_plain() -> None:
    _plain.intersection_update(_ALWAYS_PLAIN)


class Dispatcher:
    """Holds what is registered for one public function, and takes its calls from the moment that something is.

    Attributes:
      function: the public function, whose identity never changes.
      target: what the function does of itself.
      typed: typed handlers, each with the checks of its parameters.
      fallbacks: what is asked when the target fails.
      signatures: the annotations by handler.
    """

    def __init__(self, function: Callable[..., Any], iterable_parameters: Sequence[str] = ()) -> None:
        self.function = function
        self.target: Callable[..., Any] = function
        self.typed: list[tuple[tuple[tuple[int, Check], ...], Callable[..., Any]]] = []
        self.fallbacks: list[Any] = []
        self.signatures: dict[Callable[..., Any], list[Signature]] = {}
        self._of_programs: set[Callable[..., Any]] = set()
        self.parameters = list(inspect.signature(function).parameters)
        self.iterables = [self.parameters.index(name) for name in iterable_parameters]
        self._installed = False

    def add(self, handler: Callable[..., Any], signatures: Sequence[Signature]) -> None:
        """Adds a typed handler.

        Raises:
          TypeError, ValueError: a signature, or that of the handler, does not fit the function.
        """
        checked = [self._checks(signature) for signature in signatures]
        self.typed += [(checks, handler) for checks in checked]
        self.signatures.setdefault(handler, []).extend(signatures)
        if not _is_ours(handler):
            self._of_programs.add(handler)
            programs.changes += 1
        self.install()

    def remove(self, handler: Callable[..., Any]) -> bool:
        """Removes a typed handler, and tells whether it was registered."""
        if handler not in self.signatures:
            return False
        del self.signatures[handler]
        self._of_programs.discard(handler)
        programs.changes += 1
        self.typed = [entry for entry in self.typed if entry[1] is not handler]
        return True

    def find(self, arguments: Sequence[Any]) -> Callable[..., Any] | None:
        """Returns the typed handler for these arguments, or None.

        Raises:
          ValueError: there are several.
        """
        found = None
        for checks, handler in self.typed:
            best = _NO_MATCH
            for index, check in checks:
                match = check(arguments[index]) if index < len(arguments) else _NO_MATCH
                if match == _NO_MATCH:
                    break
                best = max(best, match)
            else:
                if best == _DISPATCHABLE and handler is not found:
                    if found is not None:
                        raise ValueError(
                            "Multiple dispatch targets that were registered with tf.dispatch_for (s) match the "
                            "arguments "
                            f"to {self.function.__name__}: {found} and {handler}."
                        )
                    found = handler
        if found in self._of_programs:
            programs.calls += 1
        return found

    def call(self, arguments: tuple[Any, ...], keywords: dict[str, Any], target: Any = None) -> Any:
        """Makes a call in which some argument is not plain; ``target`` takes the place of what the function does."""
        if self.iterables:
            arguments = tuple(
                list(item) if index in self.iterables and isinstance(item, Iterator) else item
                for index, item in enumerate(arguments)
            )
        handler = self.find(arguments) if self.typed else None
        if handler is not None:
            result = handler(*self._given(arguments), **keywords)
            if result is not NotImplemented:
                return result
        elif not _has_fallbacks:
            _learn(arguments)
        try:
            return (target or self.target)(*arguments, **keywords)
        except (TypeError, ValueError):
            if not (self.fallbacks or _global_dispatchers):
                raise
            result = self.fall_back(self._given(arguments), keywords)
            if result is NOT_SUPPORTED:
                raise
            return result

    def fall_back(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Asks the fallbacks, and returns the first answer, or ``NOT_SUPPORTED``."""
        for dispatcher in self.fallbacks:
            programs.calls += not _is_ours(dispatcher.asked)
            result = dispatcher.handle(arguments, keywords)
            if result is not NOT_SUPPORTED:
                return result
        for everywhere in _global_dispatchers:
            programs.calls += 1
            result = everywhere.handle(self.function, arguments, keywords)
            if result is not NOT_SUPPORTED:
                return result
        return NOT_SUPPORTED

    def around(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """Returns a function that is taken over as this one is, and does of itself what ``target`` does."""
        signature = inspect.signature(self.target)

        @functools.wraps(target)
        def function(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return self.call(bound.args, bound.kwargs, target)

        return function

    @property
    def installed(self) -> bool:
        """Whether the function's code is the check of classes: what it does of itself is ``target``."""
        return self._installed

    def install(self) -> None:
        """Puts the check of classes in front of what the function does."""
        if self._installed:
            return
        self._installed = True
        function: Any = self.function
        general = general_way(function)
        original: Any = general or function
        self.target = types.FunctionType(
            original.__code__, original.__globals__, original.__name__, original.__defaults__, original.__closure__
        )
        self.target.__kwdefaults__ = original.__kwdefaults__
        self.target.__qualname__ = original.__qualname__
        self.target.__module__ = original.__module__
        if general is None:
            function.__code__ = _checking_code(function, self)
        else:
            code = _checking_code(general, self)
            closure = tuple(types.CellType() for _ in code.co_freevars)
            checking = types.FunctionType(code, {}, general.__name__, general.__defaults__, closure)
            checking.__kwdefaults__ = general.__kwdefaults__
            set_general_way(function, checking)

    def _given(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns the arguments without those at the end that are defaults: a handler has defaults of its own."""
        defaults = self.target.__defaults__ or ()
        code = self.target.__code__
        first = code.co_argcount - len(defaults)
        end = len(arguments)
        while code.co_argcount >= end > first and arguments[end - 1] is defaults[end - 1 - first]:
            end -= 1
        return arguments[:end]

    def _checks(self, signature: Signature) -> tuple[tuple[int, Check], ...]:
        if not isinstance(signature, dict) or not all(isinstance(key, str | int) for key in signature):
            raise TypeError("signatures must be dictionaries mapping parameter names to type annotations.")
        declared = inspect.signature(self.function).parameters
        checks = []
        for key, annotation in signature.items():
            name = self.parameters[key] if isinstance(key, int) and key < len(self.parameters) else key
            parameter = declared.get(name)
            if parameter is None:
                raise ValueError(f"signature includes annotation for unknown parameter {name!r}.")
            if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                raise ValueError(
                    "Dispatch currently only supports type annotations for positional parameters; can't handle "
                    f"annotation for {parameter.kind!r} parameter {name}."
                )
            checks.append((self.parameters.index(name), _check_of(annotation)))
        return tuple(checks)


def _is_ours(handler: Callable[..., Any]) -> bool:
    """Tells whether a handler, or what it hands calls to, is a function of Tideflow."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    return code is not None and str(code.co_filename).startswith(source.PACKAGE)


def _learn(arguments: Iterable[Any]) -> None:
    """Takes note of classes that nobody can have a handler for."""
    for argument in arguments:
        kind = argument.__class__
        if (
            kind not in _plain
            and not isinstance(argument, list | tuple | dict | Iterator)
            and not is_dispatchable(kind)
        ):
            _plain.add(kind)


def _holds_plain(values: list[Any]) -> bool:
    """Tells whether a short list holds nothing for which somebody might take over a call."""
    return len(values) <= _SHORT and _plain.issuperset(map(type, values))


def _checking_code(function: Any, dispatcher: Dispatcher) -> types.CodeType:
    """Compiles a function like ``function`` that asks ``dispatcher`` unless all arguments are plain."""
    code = function.__code__
    names = code.co_varnames
    positional = names[: code.co_argcount]
    keyword_only = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = iter(names[code.co_argcount + code.co_kwonlyargcount :])
    header = [*positional[: code.co_posonlyargcount], *(["/"] if code.co_posonlyargcount else [])]
    header += positional[code.co_posonlyargcount :]
    arguments = "".join(f"{name}, " for name in positional)
    keywords = "".join(f"{name!r}: {name}, " for name in keyword_only)
    checked = [*positional, *keyword_only]
    conditions = [
        f"({name}.__class__ in _plain or {name}.__class__ is list and _holds_plain({name}))"
        for name in checked
        if name != "name"
    ]
    if code.co_flags & inspect.CO_VARARGS:
        name = next(rest)
        header.append(f"*{name}")
        arguments += f"*{name}, "
        conditions.append(f"_holds_plain({name})")
    elif keyword_only:
        header.append("*")
    header += keyword_only
    if code.co_flags & inspect.CO_VARKEYWORDS:
        name = next(rest)
        header.append(f"**{name}")
        keywords += f"**{name}, "
        conditions.append(f"_plain.issuperset(map(type, {name}.values()))")
    passed = ", ".join([*positional, *(f"{name}={name}" for name in keyword_only)])
    if code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        passed = f"*({arguments}), **{{{keywords}}}"
    # The objects are constants of the code, since its globals are those of the function's module. It must have the free
    # variables of the code that it takes the place of, and mentions them without a use.
    lines = [
        f"def around({', '.join(code.co_freevars)}):",
        f"    def {function.__name__ if function.__name__.isidentifier() else 'function'}({', '.join(header)}):",
        "        _plain = '<plain>'",
        "        _holds_plain = '<holds_plain>'",
        f"        if {' and '.join(conditions) or 'True'}:",
        "            _target = '<target>'",
        f"            return _target({passed})",
        "        _call = '<call>'",
        f"        return _call(({arguments}), {{{keywords}}})",
        *(f"        {name}" for name in code.co_freevars),
    ]
    compiled = compile("\n".join(lines), os.path.join(source.PACKAGE, "<dispatch>"), "exec")
    (outer,) = (item for item in compiled.co_consts if isinstance(item, types.CodeType))
    (inner,) = (item for item in outer.co_consts if isinstance(item, types.CodeType))
    objects = {
        "<plain>": _plain,
        "<holds_plain>": _holds_plain,
        "<target>": dispatcher.target,
        "<call>": dispatcher.call,
    }
    constants = tuple(objects.get(item, item) if isinstance(item, str) else item for item in inner.co_consts)
    return inner.replace(co_consts=constants)


# What annotations say.


@functools.cache
def _check_of_classes(*classes: type) -> Check:
    def check(value: Any) -> int:
        if not isinstance(value, classes):
            return _NO_MATCH
        return _DISPATCHABLE if is_dispatchable(type(value)) else _MATCH

    return check


def _check_of(annotation: Any) -> Check:
    """Returns the check of a value that an annotation asks for.

    Raises:
      ValueError: the annotation is none that dispatch understands.
    """
    if annotation is None:
        annotation = types.NoneType
    elif annotation is Any:
        annotation = object
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return _check_of_classes(annotation)
    origin = typing.get_origin(annotation)
    inside = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        classes = [item for item in inside if isinstance(item, type) and typing.get_origin(item) is None]
        options = [_check_of_classes(*classes)] if classes else []
        options += [_check_of(item) for item in inside if item not in classes]
        if len(options) == 1:
            return options[0]
        return lambda value: max(option(value) for option in options)
    if origin is list and len(inside) == 1:
        element = _check_of(inside[0])
        return lambda values: _check_list(values, element)
    raise ValueError(
        f"Type annotation {annotation} is not currently supported by dispatch.  Supported annotations: type objects,  "
        "List[...], and Union[...]"
    )


def _check_list(values: Any, element: Check) -> int:
    if not isinstance(values, list | tuple):
        return _NO_MATCH
    best = _MATCH
    for value in values:
        match = element(value)
        if match == _NO_MATCH:
            return _NO_MATCH
        best = max(best, match)
    return best


# Which functions can be taken over.


@functools.cache
def public_functions() -> frozenset[Callable[..., Any]]:
    """Returns the functions of this package that can be taken over, loaded where they are not yet."""
    return frozenset(function for table in dispatchable.TABLES for function in functions_of(table))


def functions_of(table: Mapping[str, str]) -> list[Callable[..., Any]]:
    """Returns the functions that a table of :mod:`.dispatchable` names."""
    modules = {path: importlib.import_module(f"tideflow._src.{path}") for path in table}
    return [getattr(modules[path], name) for path, names in table.items() for name in names.split()]


def _is_public(function: types.FunctionType) -> bool:
    """Tells whether a table names a function; its module is loaded, and perhaps still being loaded."""
    for table in dispatchable.TABLES:
        for path, names in table.items():
            module = sys.modules.get(f"tideflow._src.{path}")
            if module is not None and any(getattr(module, name, None) is function for name in names.split()):
                return True
    return False


def dispatcher_of(function: Any) -> Dispatcher | None:
    """Returns the dispatcher of a function or class method, or None if it does not support dispatch."""
    function = getattr(function, "__func__", function)
    known = _dispatchers.get(function) if isinstance(function, types.FunctionType) else None
    if known is None and isinstance(function, types.FunctionType) and _is_public(function):
        known = _dispatchers[function] = _new_dispatcher(function)
    return known


def _new_dispatcher(function: Any) -> Dispatcher:
    return Dispatcher(function, ("inputs",) if function.__name__ == "add_n" else ())


def add_dispatch_support(target: Any = None, iterable_parameters: Sequence[str] | None = None) -> Any:
    """Makes a function one that can be taken over; a decorator.

    Args:
      target: the function.
      iterable_parameters: the names of parameters that may be given an iterator, which is made a list before anybody
        looks into it.

    Returns:
      The function itself; without ``target``, the decorator.

    Raises:
      TypeError: ``iterable_parameters`` is not a list of names.
    """
    if iterable_parameters is not None and not (
        isinstance(iterable_parameters, list | tuple) and all(isinstance(item, str) for item in iterable_parameters)
    ):
        raise TypeError("iterable_parameters should be a list or tuple of string.")

    def decorate(function: Any) -> Any:
        if not isinstance(function, types.FunctionType):
            function = _function_around(function)
        _dispatchers[function] = dispatcher = Dispatcher(function, iterable_parameters or ())
        if _global_dispatchers:
            dispatcher.install()
        return function

    return decorate if target is None else decorate(target)


def _function_around(target: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a Python function that calls any other callable."""

    @functools.wraps(target)
    def function(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    return function


def add_dispatch_list(target: Any) -> Any:
    """Makes a function one for which fallbacks can be registered.

    Raises:
      AssertionError: it is one already.
    """
    if dispatcher_of(target) is not None:
        raise AssertionError(f"{target} already has a dispatch list")
    return add_dispatch_support(target)


add_fallback_dispatch_list = add_dispatch_list


# Typed handlers.


def register(api: Callable[..., Any], handler: Callable[..., Any], *signatures: Signature) -> None:
    """Registers a typed handler as it is: what ``dispatch_for_api`` does, without its checks.

    A module may do so while it is being loaded, for functions of modules that are loaded.
    """
    dispatcher = _dispatchers.get(api)
    if dispatcher is None:
        dispatcher = _dispatchers[api] = _new_dispatcher(api)
    dispatcher.add(handler, signatures)


def dispatch_for_api(api: Callable[..., Any], *signatures: Signature) -> Callable[[Any], Any]:
    """Makes the decorated function take over calls of a TensorFlow function in which arguments have certain classes.

    >>> import tideflow as tf
    >>> @tf.experimental.dispatch_for_api(tf.nn.relu, {"features": tf.SparseTensor})
    ... def sparse_relu(features):
    ...     return features.with_values(tf.nn.relu(features.values))
    >>> tf.nn.relu(tf.SparseTensor([[0], [2]], [-1.0, 3.0], [4])).values.numpy().tolist()
    [0.0, 3.0]
    >>> tf.experimental.unregister_dispatch_for(sparse_relu)

    Args:
      api: the function, such as ``tf.concat``.
      *signatures: dictionaries from names (or positions) of parameters to classes, or to ``Union`` and ``List`` of
        classes. The decorated function is called if all parameters of one of them match, and one of the arguments is,
        or holds, a composite tensor. Without signatures, the annotations of the decorated function are one.

    Returns:
      The decorator. The function that it decorates has the parameters of ``api``, but may lack ``name``: then it is
      called in a name scope.

    Raises:
      TypeError: a signature is not a dictionary, or what is decorated cannot be called.
      ValueError: ``api`` does not support dispatch, or parameters do not fit.
    """
    dispatcher = dispatcher_of(api)
    if dispatcher is None:
        raise ValueError(f"{api} does not support dispatch.")
    for signature in signatures:
        dispatcher._checks(signature)
    declared = inspect.signature(api)

    def decorate(handler: Any) -> Any:
        if not callable(handler):
            raise TypeError(f"Expected dispatch_target to be callable; got {handler!r}")
        handler = _with_name(handler, declared)
        _check_parameters(declared, handler)
        dispatcher.add(handler, signatures or [_annotations(handler)])
        return handler

    return decorate


def _annotations(handler: Callable[..., Any]) -> dict[str, Any]:
    inner = inspect.unwrap(handler)
    try:
        evaluated = typing.get_type_hints(inner)
    except (NameError, TypeError):  # classes of a function's body: the annotations may still be objects
        evaluated = {}
    signature = {
        name: evaluated.get(name, parameter.annotation)
        for name, parameter in inspect.signature(handler).parameters.items()
        if parameter.annotation is not parameter.empty
    }
    if not signature:
        raise ValueError(
            "The dispatch_for_api decorator must be called with at least one signature, or applied to a function that "
            "has type annotations on its parameters."
        )
    return signature


def _with_name(handler: Callable[..., Any], declared: inspect.Signature) -> Callable[..., Any]:
    """Gives a handler that lacks the parameter ``name`` one, which opens a scope."""
    own = inspect.signature(handler)
    takes_keywords = any(parameter.kind is parameter.VAR_KEYWORD for parameter in own.parameters.values())
    if "name" not in declared.parameters or "name" in own.parameters or takes_keywords:
        return handler
    position = list(declared.parameters).index("name")

    @functools.wraps(handler)
    def with_name(*args: Any, **kwargs: Any) -> Any:
        if position < len(args):
            name = args[position]
            args = args[:position] + args[position + 1 :]
        else:
            name = kwargs.pop("name", None)
        if name is None:
            return handler(*args, **kwargs)
        with name_scope(name):
            return handler(*args, **kwargs)

    parameters = [*own.parameters.values(), declared.parameters["name"].replace(annotation=inspect.Parameter.empty)]
    with_name.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_name


def _check_parameters(declared: inspect.Signature, handler: Callable[..., Any]) -> None:
    own = inspect.signature(handler)
    kinds = [parameter.kind for parameter in own.parameters.values()]
    if kinds == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]:
        return
    expected = list(declared.parameters.values())
    if "name" in declared.parameters and "name" in own.parameters:  # what comes after it, TensorFlow does not have
        expected = expected[: max(list(declared.parameters).index("name") + 1, len(own.parameters))]
    pairs = itertools.zip_longest(expected, own.parameters.values())
    if any(one is None or other is None or one.name != other.name or one.kind != other.kind for one, other in pairs):
        bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in declared.parameters.values()]
        raise ValueError(
            f"Dispatch function's signature {own} does not match API's signature {inspect.Signature(bare)}."
        )


#: Groups of handlers that were registered at once: the handler, and what was registered for it.
handler_groups: dict[Any, tuple[Callable[..., Any], list[tuple[Callable[..., Any], Callable[..., Any]]]]] = {}


def unregister_dispatch_for(dispatch_target: Callable[..., Any]) -> None:
    """Takes back what a ``dispatch_for_*`` decorator has registered.

    Args:
      dispatch_target: the function that was decorated.

    Raises:
      ValueError: it is not registered.
    """
    found = False
    for dispatcher in list(_dispatchers.values()):
        found |= dispatcher.remove(dispatch_target)
    for key in [key for key, (handler, _) in handler_groups.items() if handler is dispatch_target]:
        for api, target in handler_groups.pop(key)[1]:
            _dispatchers[api].remove(target)
        found = True
    if not found:
        raise ValueError(f"Function {dispatch_target} was not registered using a `@dispatch_for_*` decorator.")


def apis_with_type_based_dispatch() -> list[Callable[..., Any]]:
    """Returns the functions that support typed handlers."""
    functions = {*public_functions(), *_dispatchers}
    return sorted(functions, key=lambda function: f"{function.__module__}.{function.__name__}")


def type_based_dispatch_signatures_for(cls: type) -> dict[Callable[..., Any], list[Signature]]:
    """Returns the registered signatures that name a class, by function."""

    def names_class(annotation: Any) -> bool:
        return annotation is cls or any(names_class(item) for item in typing.get_args(annotation))

    result: dict[Callable[..., Any], list[Signature]] = {}
    for function, dispatcher in _dispatchers.items():
        for signatures in dispatcher.signatures.values():
            chosen = [one for one in signatures if any(names_class(item) for item in one.values())]
            if chosen:
                result.setdefault(function, []).extend(chosen)
    return result


def handled(api: Callable[..., Any], *arguments: Any) -> Any:
    """Asks the typed handlers of ``api`` alone; ``NOT_SUPPORTED`` if there is none for these arguments."""
    dispatcher = _dispatchers.get(api)
    handler = dispatcher.find(arguments) if dispatcher is not None else None
    if handler is not None:
        result = handler(*arguments)
        if result is not NotImplemented:
            return result
    return NOT_SUPPORTED


def rescued(api: Callable[..., Any], *arguments: Any) -> Any:
    """Asks the fallbacks of ``api`` for a call that has failed; ``NOT_SUPPORTED`` if none takes it."""
    dispatcher = _dispatchers.get(api)
    return NOT_SUPPORTED if dispatcher is None else dispatcher.fall_back(arguments, {})


# Fallbacks.

#: What a fallback returns for calls that it does not take.
NOT_SUPPORTED = object()


class OpDispatcher:
    """Is asked for calls of one function that the function itself rejects; to be subclassed."""

    NOT_SUPPORTED = NOT_SUPPORTED

    @property
    def asked(self) -> Callable[..., Any]:
        """What answers calls."""
        return type(self).handle

    def handle(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Returns the result of the call, or ``NOT_SUPPORTED``."""
        del args, kwargs
        return self.NOT_SUPPORTED

    def register(self, op: Callable[..., Any]) -> None:
        """Has this dispatcher asked for calls of ``op``.

        Raises:
          AssertionError: ``op`` does not support dispatch.
        """
        dispatcher = dispatcher_of(op)
        if dispatcher is None:
            raise AssertionError(f"Dispatching not enabled for {op}")
        dispatcher.fallbacks.append(self)
        _fallbacks_exist()
        dispatcher.install()


class GlobalOpDispatcher:
    """Is asked for calls of any function that the function itself rejects; to be subclassed."""

    NOT_SUPPORTED = NOT_SUPPORTED

    def handle(self, op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Returns the result of the call, or ``NOT_SUPPORTED``."""
        del op, args, kwargs
        return self.NOT_SUPPORTED

    def register(self) -> None:
        """Has this dispatcher asked for calls of any function that supports dispatch."""
        _global_dispatchers.append(self)
        _fallbacks_exist()
        for function in {*public_functions(), *_dispatchers}:
            dispatcher = dispatcher_of(function)
            if dispatcher is not None:
                dispatcher.install()


def _fallbacks_exist() -> None:
    global _has_fallbacks
    _has_fallbacks = True
    programs.changes += 1
    _forget_plain()


def dispatch(op: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Asks the fallbacks of ``op``, and returns the first answer, or ``NOT_SUPPORTED``."""
    dispatcher = dispatcher_of(op)
    return NOT_SUPPORTED if dispatcher is None else dispatcher.fall_back(args, kwargs)


class _TypesDispatcher(OpDispatcher):
    """Has a function called where an argument, or an element of a list that is one, has one of some classes."""

    def __init__(self, function: Callable[..., Any], kinds: tuple[type, ...]) -> None:
        self._function = function
        self._kinds = kinds

    @property
    def asked(self) -> Callable[..., Any]:
        """The function that is called."""
        return self._function

    def handle(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for argument in itertools.chain(args, kwargs.values()):
            candidates = argument if isinstance(argument, list | tuple) else (argument,)
            if any(isinstance(item, self._kinds) for item in candidates):
                return self._function(*args, **kwargs)
        return self.NOT_SUPPORTED


def dispatch_for_types(op: Callable[..., Any], *types_: type) -> Callable[[Any], Any]:
    """Makes the decorated function a fallback of ``op`` for arguments, or elements of lists, of some classes.

    Raises:
      AssertionError: the decorated function lacks a parameter of ``op`` that has no default.
    """

    def decorate(function: Any) -> Any:
        _TypesDispatcher(_compatible(op, function), types_).register(op)
        return function

    return decorate


def _compatible(op: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that can be called as ``op`` is, if what ``function`` lacks keeps its default."""
    declared, own = inspect.signature(op), inspect.signature(function)

    def required(signature: inspect.Signature) -> list[str]:
        return [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]

    if required(declared) != required(own):
        raise AssertionError(
            "The decorated function's non-default arguments must be identical to that of the overridden op."
            f" func has {required(own)}. op has {required(declared)}."
        )
    absent = {name: declared.parameters[name] for name in declared.parameters if name not in own.parameters}
    if not absent:
        return function

    def compatible(*args: Any, **kwargs: Any) -> Any:
        bound = declared.bind(*args, **kwargs)
        for name, parameter in absent.items():
            if bound.arguments.pop(name, parameter.default) is not parameter.default:
                raise AssertionError(
                    f"Dispatched op is called with argument `{name}` set to a non-default value, which is not "
                    f"supported "
                    "by the decorated function"
                )
        return function(*bound.args, **bound.kwargs)

    return compatible
