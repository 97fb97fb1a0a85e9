"""Gives the operations to ``tf.raw_ops``: called with keyword arguments only, every argument checked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.graph.op_def import REQUIRED, OpDef
from tideflow._src.runtime.arguments import normalize
from tideflow._src.runtime.op import general

#: What ``tf.raw_ops`` calls inputs and attributes that have another name in the definition: {operation: {name: shown}}.
_SHOWN: dict[str, dict[str, str]] = {
    **{name: {"reduction_indices": "axis"} for name in "All Any EuclideanNorm Max Mean Min Prod Sum".split()},
    **{name: {"split_dim": "axis"} for name in ("Split", "SplitV")},
    "ExpandDims": {"dim": "axis"},
    "Select": {"t": "x", "e": "y"},
    "Squeeze": {"squeeze_dims": "axis"},
    "Where": {"input": "condition"},
}


def operation_names() -> list[str]:
    """Returns the names of all operations."""
    return OpDef.registry.all_names()


@functools.cache
def operation(name: str) -> Callable[..., Any]:
    """Returns the function of an operation.

    Raises:
      AttributeError: there is no such operation.
    """
    try:
        definition = OpDef.registry[name]
    except KeyError:
        raise AttributeError(f"tf.raw_ops has no operation named {name!r}.") from None
    shown = _SHOWN.get(name, {})
    inputs = [shown.get(argument.name, argument.name) for argument in definition.inputs]
    attributes = {shown.get(key, key): attribute for key, attribute in definition.attributes.items()}
    visible = [key for key, attribute in attributes.items() if not _implied(definition, attribute.name)]

    refuse = getattr(definition, "refuse", None)  # given to operations that TensorFlow retired

    def call(*positional: Any, name: str | None = None, **arguments: Any) -> Any:
        if positional:
            raise TypeError(
                f"{definition.name} only takes keyword args (possible keys: {[*inputs, *visible, 'name']}). Please "
                "pass these args as kwargs instead."
            )
        if refuse is not None:
            refuse()
        missing = [key for key in inputs if key not in arguments]
        missing += [key for key in visible if key not in arguments and attributes[key].default is REQUIRED]
        if missing:
            raise TypeError(f"{definition.name}() missing required arguments: {', '.join(map(repr, missing))}")
        attrs = {}
        for key, value in arguments.items():
            if key in inputs:
                continue
            if key not in attributes:
                raise TypeError(f"{definition.name}() got an unexpected keyword argument {key!r}")
            attribute = attributes[key]
            if attribute.type in ("func", "list(func)"):
                value = _graphs(value)
            attrs[attribute.name] = normalize(definition, attribute, value, context.executing_eagerly())
        return general(definition, tuple(arguments[key] for key in inputs), attrs, name)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(key, keyword) for key in inputs]
    for key in visible:
        value = attributes[key].default
        parameters.append(
            inspect.Parameter(key, keyword, default=inspect.Parameter.empty if value is REQUIRED else value)
        )
    parameters.append(inspect.Parameter("name", keyword, default=None))
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__name__ = call.__qualname__ = definition.name
    call.__doc__ = definition.kernel.__doc__
    return call


def _graphs(value: Any) -> Any:
    """Returns the graphs of functions that were traced, or of a list of such."""
    if isinstance(value, list | tuple):
        return [_graphs(item) for item in value]
    graph = getattr(value, "graph", None)
    return graph if hasattr(graph, "check_types") else value


def _implied(definition: OpDef, attribute: str) -> bool:
    """Tells whether an attribute follows from the inputs, so that callers do not give it."""
    return any(
        attribute in (argument.type_attr, argument.number_attr, argument.type_list_attr)
        for argument in definition.inputs
    )
