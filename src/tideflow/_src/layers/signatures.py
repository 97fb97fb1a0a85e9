"""Makes functions whose signatures follow from others: the function of a layer, a constructor with other defaults."""

from __future__ import annotations

import inspect
import textwrap
import types
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any

from tideflow._src.layers.layer import Layer, snake_case

_NOT_SHOWN = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def with_defaults(function: Any, **defaults: Any) -> Any:
    """Returns a copy of a function in which some arguments have other defaults.

    Args:
      function: a function of Python.
      **defaults: the new defaults of arguments that have one.
    """
    signature = inspect.signature(function)
    assert all(signature.parameters[name].default is not Parameter.empty for name in defaults)
    values = tuple(
        defaults.get(parameter.name, parameter.default)
        for parameter in signature.parameters.values()
        if parameter.default is not Parameter.empty
    )
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, values, function.__closure__)
    copy.__qualname__, copy.__annotations__ = function.__qualname__, function.__annotations__
    return copy


def layer_function(layer: type[Layer], last: Sequence[str] = ()) -> Callable[..., Any]:
    """Makes the function that constructs a layer and calls it, as ``tf.layers.dense`` does with ``tf.layers.Dense``.

    It takes ``inputs``, then what the layer's constructor takes, then what its ``call`` takes beside the inputs. The
    arguments of every layer, ``trainable`` and ``name``, follow, and where there are variables to share, ``reuse``.

    Args:
      layer: the class.
      last: arguments of the constructor that come after all others.

    Returns:
      A function that is named after the class, in small letters. It raises ``TypeError`` if arguments are missing or
      not known.
    """
    own = {name: parameter for name, parameter in inspect.signature(layer).parameters.items() if _is_shown(parameter)}
    of_call = {
        name: parameter
        for name, parameter in inspect.signature(layer.call).parameters.items()
        if name not in ("self", "inputs")
    }
    has_variables = "trainable" in own
    common = [own[name] for name in ("trainable", "name") if name in own]
    if has_variables:
        common.append(Parameter("reuse", Parameter.POSITIONAL_OR_KEYWORD, default=None))
    signature = inspect.Signature(
        [
            Parameter("inputs", Parameter.POSITIONAL_OR_KEYWORD),
            *(parameter for name, parameter in own.items() if parameter not in common and name not in last),
            *of_call.values(),
            *common,
            *(own[name] for name in last),
        ]
    )
    function_name = snake_case(layer.__name__)

    def function(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{function_name}(): {error}") from None
        inputs = given.pop("inputs")
        for_call = {name: given.pop(name) for name in of_call if name in given}
        if has_variables:
            # A name that was given is the variable scope as it is; it is not made unique.
            given.update(_scope=given.get("name"), _reuse=given.pop("reuse", None))
        return layer(**given).apply(inputs, **for_call)

    function.__name__ = function.__qualname__ = function_name
    function.__module__ = layer.__module__
    function.__doc__ = _docstring(layer, [name for name in own if name in signature.parameters], list(of_call))
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def _is_shown(parameter: Parameter) -> bool:
    return parameter.kind not in _NOT_SHOWN


def _docstring(layer: type[Layer], own: Sequence[str], of_call: Sequence[str]) -> str:
    description = inspect.cleandoc(layer.__doc__ or "").partition("\n\nArgs:")[0]
    see = textwrap.fill(f"{', '.join(own)}: see :class:`{layer.__name__}`.", 110, subsequent_indent="  ")
    arguments = ["inputs: a tensor.", *see.splitlines()]
    arguments += [f"{name}: see :meth:`{layer.__name__}.call`." for name in of_call]
    sharing = failure = ""
    if "trainable" in own:
        arguments.append("reuse: whether to share the variables of the layer of that name.")
        sharing = " Its variables are new, or those of a layer of the same name."
        failure = ", or variables of that name exist and ``reuse`` is not set"
    return (
        f"{description}\n\nMakes a :class:`{layer.__name__}` and calls it.{sharing}\n\nArgs:\n"
        + textwrap.indent("\n".join(arguments), "  ")
        + "\n\nRaises:\n  TypeError: an argument is missing or not known.\n"
        + f"  ValueError: the layer does not take inputs of that shape{failure}.\n"
    )
