"""The signature of a traced function: how arguments are bound to parameters, and what types those may have."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tideflow._src.core import nest
from tideflow._src.core.type_spec import TypeSpec
from tideflow._src.function import trace_types
from tideflow._src.function.trace_types import TypingContext

POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
_POSITIONAL_ONLY = inspect.Parameter.POSITIONAL_ONLY
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


class Parameter(NamedTuple):
    """Is a parameter: its name, its kind as ``inspect`` has it, whether it may be left out, and the type it takes."""

    name: str
    kind: Any
    optional: bool = False
    type_constraint: Any = None


class FunctionType:
    """Is the signature of a function: parameters with or without types, and, once traced, its output and captures.

    Attributes:
      parameters: the parameters by name, in order.
      output: the type of what it returns, or None.
      captures: the specs of what it captures, by identity.
    """

    def __init__(self, parameters: Sequence[Parameter], output: Any = None, captures: dict[Any, Any] | None = None):
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.output = output
        self.captures = captures or {}

    def _text(self, constraint: Any) -> str:
        return "None" if constraint is None else repr(constraint)

    def __repr__(self) -> str:
        lines = ["Input Parameters:"]
        lines += [
            f"  {item.name} ({item.kind.name}): {self._text(item.type_constraint)}" for item in self.parameters.values()
        ]
        lines += ["Output Type:", f"  {self._text(self.output)}", "Captures:"]
        lines += [f"  {key}: {spec!r}" for key, spec in self.captures.items()] or ["  None"]
        return "\n".join(lines)

    def __str__(self) -> str:
        """Returns the signature on one line, as Python writes it."""
        parts: list[str] = []
        items = list(self.parameters.values())
        last_positional_only = max(
            (index for index, item in enumerate(items) if item.kind is _POSITIONAL_ONLY), default=-1
        )
        starred = False
        for index, item in enumerate(items):
            text = item.name
            if item.kind is _VAR_POSITIONAL:
                text, starred = f"*{text}", True
            elif item.kind is _VAR_KEYWORD:
                text = f"**{text}"
            elif item.kind is _KEYWORD and not starred:
                parts.append("*")
                starred = True
            if item.type_constraint is not None:
                text += f": {item.type_constraint!r}"
            elif item.optional:
                text += "=<captured_default_value>"
            parts.append(text)
            if index == last_positional_only:
                parts.append("/")
        returned = f" -> {self.output!r}" if self.output is not None else ""
        return f"({', '.join(parts)}){returned}"


class Bound(NamedTuple):
    """Is a call whose arguments are bound.

    Attributes:
      parameters: the parameters of this call, variable ones spread out, each with the type of its argument.
      values: the arguments, in the same order.
      variables: the variables among the arguments.
    """

    parameters: tuple[Parameter, ...]
    values: list[Any]
    variables: list[Any]

    @property
    def key(self) -> tuple[Any, ...]:
        """What calls of one signature have in common."""
        return tuple([(item.name, item.kind, item.type_constraint) for item in self.parameters])

    def tensors_or_specs(self) -> list[Any]:
        """Returns the tensors of the arguments, in order; where only a type is given, its specs."""
        found: list[Any] = []
        for item, value in zip(self.parameters, self.values, strict=True):
            if value is item.type_constraint:
                found += trace_types.specs(item.type_constraint)
            else:
                trace_types.collect(item.type_constraint, value, found)
        return found

    def tensors(self) -> list[Any]:
        """Returns the tensors of the arguments, in order."""
        found: list[Any] = []
        for item, value in zip(self.parameters, self.values, strict=True):
            trace_types.collect(item.type_constraint, value, found)
        return found


class FunctionSpec:
    """Knows the parameters of a Python function and binds calls to them.

    Args:
      python_function: the function; the first parameter of a method is already bound.
      input_signature: types that the parameters are held to, in order; None for no such types.
      name: the name of the function in messages.

    Raises:
      TypeError: ``input_signature`` does not fit the function.
    """

    def __init__(self, python_function: Callable[..., Any], input_signature: Any, name: str) -> None:
        self.name = name
        try:
            signature = inspect.signature(python_function)
        except (TypeError, ValueError):  # a function of C without a signature
            signature = inspect.Signature(
                [inspect.Parameter("args", _VAR_POSITIONAL), inspect.Parameter("kwargs", _VAR_KEYWORD)]
            )
        self._signature = signature.replace(
            parameters=[item.replace(annotation=inspect.Parameter.empty) for item in signature.parameters.values()],
            return_annotation=inspect.Signature.empty,
        )
        self.input_signature = None if input_signature is None else tuple(input_signature)
        self._constraints: dict[str, Any] = {}
        self._extra: list[Any] = []
        if self.input_signature is not None:
            self._constrain(self.input_signature)
        self._plain = [
            item.name for item in self._signature.parameters.values() if item.kind in (POSITIONAL, _POSITIONAL_ONLY)
        ]

    def _constrain(self, signature: tuple[Any, ...]) -> None:
        context = TypingContext()
        left = [trace_types.type_of(item, context) for item in signature]
        for parameter in self._signature.parameters.values():
            required = parameter.default is inspect.Parameter.empty
            if parameter.name == "self":
                continue  # a method that is not bound yet: the signature says nothing of its object
            if parameter.kind in (POSITIONAL, _POSITIONAL_ONLY):
                if left:
                    self._constraints[parameter.name] = left.pop(0)
                elif required:
                    raise TypeError(f"input_signature missing type constraint for {parameter.name}")
                else:
                    self._constraints[parameter.name] = trace_types.type_of(parameter.default, context)
            elif parameter.kind is _VAR_POSITIONAL:
                self._extra, left = left, []
            elif parameter.kind is _KEYWORD:
                if required:
                    raise TypeError(
                        "Since input_signature is defined, keyword-only parameter "
                        f"`{parameter.name}` must have a default value"
                    )
                self._constraints[parameter.name] = trace_types.type_of(parameter.default, context)
        if left:
            raise TypeError(f"input_signature contains {len(left)} extra type constraints.")

    @property
    def function_type(self) -> FunctionType:
        """The signature, with the types that the input signature gives."""
        parameters: list[Parameter] = []
        for item in self._signature.parameters.values():
            if item.kind is _VAR_POSITIONAL and self.input_signature is not None:
                parameters += [
                    Parameter(f"{item.name}_{index}", _POSITIONAL_ONLY, False, constraint)
                    for index, constraint in enumerate(self._extra)
                ]
                continue
            if item.kind is _VAR_KEYWORD and self.input_signature is not None:
                continue
            optional = item.default is not inspect.Parameter.empty
            parameters.append(Parameter(item.name, item.kind, optional, self._constraints.get(item.name)))
        return FunctionType(parameters)

    @property
    def default_values(self) -> dict[str, Any]:
        """The defaults of parameters, by name."""
        return {
            name: item.default
            for name, item in self._signature.parameters.items()
            if item.default is not inspect.Parameter.empty
        }

    @property
    def fullargspec(self) -> inspect.FullArgSpec:
        """The parameters as ``inspect.getfullargspec`` gives them."""
        items = self._signature.parameters.values()
        defaults = tuple(
            item.default
            for item in items
            if item.kind in (POSITIONAL, _POSITIONAL_ONLY) and item.default is not inspect.Parameter.empty
        )
        named = [item for item in items if item.kind is _KEYWORD]
        kept = {item.name: item.default for item in named if item.default is not inspect.Parameter.empty}
        return inspect.FullArgSpec(
            list(self._plain),
            next((item.name for item in items if item.kind is _VAR_POSITIONAL), None),
            next((item.name for item in items if item.kind is _VAR_KEYWORD), None),
            defaults or None,
            [item.name for item in named],
            kept or None,
            {},
        )

    @property
    def arg_names(self) -> list[str]:
        """The names of the positional parameters."""
        return list(self._plain)

    @property
    def vararg_name(self) -> str | None:
        """The name of the parameter that takes further positional arguments."""
        return self.fullargspec.varargs

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any], forget: Any = None) -> Bound:
        """Binds a call.

        Raises:
          TypeError: the arguments do not fit the parameters, or have no type; the message has both.
        """
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise self._failure(error, args, kwargs) from None
        given = bound.arguments
        parameters: list[Parameter] = []
        values: list[Any] = []
        context = TypingContext()
        try:
            for name, item in self._signature.parameters.items():
                kind = item.kind
                if kind is _VAR_POSITIONAL:
                    extra = given.get(name, ())
                    if self.input_signature is not None and len(extra) != len(self._extra):
                        raise TypeError(f"expected {len(self._extra)} values for *{name}, but got {len(extra)}")
                    if extra:
                        parameters[:] = [
                            entry._replace(kind=_POSITIONAL_ONLY) if entry.kind is POSITIONAL else entry
                            for entry in parameters
                        ]
                    for index, value in enumerate(extra):
                        constraint = self._extra[index] if self._extra else None
                        self._add(
                            f"{name}_{index}", _POSITIONAL_ONLY, value, constraint, context, forget, parameters, values
                        )
                elif kind is _VAR_KEYWORD:
                    extra_named = given.get(name, {})
                    if self.input_signature is not None and extra_named:
                        raise TypeError(f"got an unexpected keyword argument {next(iter(extra_named))!r}")
                    for key in sorted(extra_named):
                        self._add(key, _KEYWORD, extra_named[key], None, context, forget, parameters, values)
                else:
                    value = given.get(name, item.default)
                    constraint = self._constraints.get(name)
                    self._add(name, kind, value, constraint, context, forget, parameters, values)
        except (TypeError, ValueError) as error:
            if self.input_signature is None:
                raise
            raise self._failure(error, args, kwargs) from None
        return Bound(tuple(parameters), values, context.variables)

    def order(self, count: int, names: Sequence[str]) -> list[int]:
        """Returns the positions of the arguments of a call in the order of the parameters that they are bound to.

        Args:
          count: how many arguments are given by position; they come first.
          names: those that are given by name, in the order in which they follow.
        """
        named = {name: count + index for index, name in enumerate(names)}
        bound = self._signature.bind(*range(count), **named).arguments
        found: list[int] = []
        for name, item in self._signature.parameters.items():
            if name not in bound:
                continue
            if item.kind is _VAR_POSITIONAL:
                found.extend(bound[name])
            elif item.kind is _VAR_KEYWORD:
                found.extend(bound[name][key] for key in sorted(bound[name]))
            else:
                found.append(bound[name])
        return found

    def _add(
        self,
        name: str,
        kind: Any,
        value: Any,
        constraint: Any,
        context: TypingContext,
        forget: Any,
        parameters: list[Parameter],
        values: list[Any],
    ) -> None:
        if constraint is not None:
            value = trace_types.cast(value, constraint)
            found = constraint
        else:
            found = trace_types.type_of(value, context, forget)
        parameters.append(Parameter(name, kind, False, found))
        values.append(value)

    def _failure(self, error: Exception, args: Sequence[Any], kwargs: dict[str, Any]) -> TypeError:
        return TypeError(
            f"Binding inputs to tf.function failed due to `{error}`. Received args: {tuple(args)} and kwargs: {kwargs} "
            f"for signature: {self.function_type}."
        )


def split(parameters: Sequence[Parameter], values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Returns positional and keyword arguments as a call of the Python function takes them."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for item, value in zip(parameters, values, strict=True):
        if item.kind is _KEYWORD:
            named[item.name] = value
        else:
            positional.append(value)
    return positional, named


def structured(parameters: Sequence[Parameter]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the types of parameters as ``structured_input_signature`` shows them."""
    shown = [trace_types.described(item.type_constraint, item.name) for item in parameters]
    positional, named = split(parameters, shown)
    return tuple(positional), named


def checked_input_signature(signature: Any) -> Any:
    """Returns an input signature as a tuple, or None.

    Raises:
      TypeError: it is not a sequence of structures of type specs.
    """
    if signature is None:
        return None
    if not isinstance(signature, tuple | list):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(signature)}.")
    wrong = [item for item in nest.flatten(list(signature)) if not _is_signature_leaf(item)]
    if wrong:
        raise TypeError(
            "input_signature must be a possibly nested sequence of TensorSpec objects, got invalid args "
            f"{wrong} with types {[type(item) for item in wrong]}."
        )
    return tuple(signature)


def _is_signature_leaf(item: Any) -> bool:
    return isinstance(item, TypeSpec | trace_types.ArgumentType)


def without_self(function: Callable[..., Any]) -> tuple[Callable[..., Any], Any]:
    """Returns the function of a method and what gives its object; of anything else itself, and None."""
    if inspect.ismethod(function) and not isinstance(function.__self__, type):
        owner = function.__self__
        return function.__func__, lambda: owner
    return function, None


def name_of(function: Any) -> str:
    """Returns the name of a callable for messages and graphs."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return str(name)
