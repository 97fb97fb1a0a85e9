"""Functions of datasets: what users give to ``map`` and its kin, traced for the elements that they get."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure, visible_state
from tideflow._src.function.concrete_function import ConcreteFunction
from tideflow._src.function.traced_function import TracedFunction
from tideflow._src.graph import source
from tideflow._src.ops import dispatch
from tideflow._src.ops.data.light_functions import AT_HAND, PYTHON
from tideflow._src.runtime import effects
from tideflow._src.runtime.random_state import eager_seeds
from tideflow._src.runtime.seed_rules import determinism


class _ElementFunction(TracedFunction):
    """Is a function that is traced for the elements of one dataset, and so once: that is no retracing."""

    def _count_trace(self, parameters: Any) -> None:
        pass


class StructuredFunction:
    """Is a function traced for elements of certain specs.

    Args:
      function: takes the parts of an element that is a tuple, else the element; returns a structure.
      transformation: what it is used in, such as ``Dataset.map()``.
      specs: the specs of the elements, in their structure.
      unpacks: whether the element is given as several arguments where it is a tuple.
      as_tuple: whether a list that it returns is a tuple.

    Attributes:
      graph: the graph, over the components of an element.
      captured: the tensors that the graph gets after those.
      output_structure: the specs of what it returns.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        transformation: str,
        specs: Any,
        *,
        unpacks: bool = True,
        as_tuple: bool = True,
    ) -> None:
        if not callable(function):
            raise TypeError(f"`{transformation}` needs a function, but got {function!r}.")
        key = _key(function, transformation, specs, unpacks, as_tuple)
        kept = None if key is None else _taken(key)
        if kept is None:
            asked = dispatch.programs.calls
            kept = _traced(function, transformation, specs, unpacks, as_tuple)
            if key is not None and dispatch.programs.calls == asked and not _depends_on_more(kept[0].graph):
                _keep(key, kept)
        else:
            _keep(key, kept)
        concrete, self.output_structure = kept
        self.graph = concrete.graph
        self.captured = list(concrete.captured_inputs)
        self._concrete = concrete


def _traced(
    function: Callable[..., Any], transformation: str, specs: Any, unpacks: bool, as_tuple: bool
) -> tuple[ConcreteFunction, Any]:
    """Traces a function; returns what was traced, and the specs of what it returns."""
    found: list[Any] = []

    def wrapped(*tensors: Any) -> Any:
        element = structure.element_of(specs, tensors)
        arguments = element if unpacks and type(element) is tuple else (element,)
        result = converted(*arguments)
        if as_tuple and isinstance(result, list):
            # The results of an operation that returns several are more likely meant than one tensor of all.
            result = tuple(result)
        try:
            result = structure.normalized(result)
            kinds = structure.spec_of(result)
        except (TypeError, ValueError) as error:
            raise TypeError(f"Unsupported return value from function passed to {transformation}: {result}.") from error
        found[:] = [kinds]
        return structure.tensors_of(kinds, result)

    converted = _converted(function)
    name = f"{transformation.replace('()', '').replace('.', '_')}_{getattr(function, '__name__', 'function')}"
    signature = [TensorSpec(spec.shape, spec.dtype) for spec in structure.component_specs(specs)]
    traced = _ElementFunction(wrapped, name.replace("<", "_").replace(">", "_"), signature, autograph=False)
    return traced.get_concrete_function(), found[0]


#: What was traced, by all that it depends on; last used last.
_kept: dict[Any, tuple[ConcreteFunction, Any]] = {}
_kept_lock = threading.Lock()
_MOST_KEPT = 128


def _taken(key: Any) -> tuple[ConcreteFunction, Any] | None:
    with _kept_lock:
        return _kept.pop(key, None)


def _keep(key: Any, traced: tuple[ConcreteFunction, Any]) -> None:
    with _kept_lock:
        _kept[key] = traced
        if len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]


def _key(function: Any, transformation: str, specs: Any, unpacks: bool, as_tuple: bool) -> Any:
    """Returns what a trace depends on, if it is known; else None.

    Libraries make the same pipeline again and again: Keras does at every call of ``fit`` and ``predict``, of functions
    whose tracing takes longer than all else.
    """
    if context.current_graph() is not None or context.state.devices or context.state.replacing:
        return None
    seen = visible_state.key_of(function)
    element = None if seen is None else _key_of_specs(specs)
    if element is None:
        return None
    # Errors name the lines around the call, too.
    around = source.capture()
    choices = eager_seeds.global_seed, determinism.enabled, dispatch.programs.changes, context.mode.choices
    return seen, element, transformation, unpacks, as_tuple, around, *choices


def _key_of_specs(specs: Any) -> Any:
    """Returns what tells specs from others, where they are those of tensors; else None."""
    kind = type(specs)
    if kind is TensorSpec:
        return specs._dtype, specs._shape._dims
    if kind is tuple:
        items = [_key_of_specs(item) for item in specs]
    elif kind is dict and all(type(name) is str for name in specs):
        items = [_key_of_specs(item) for item in specs.values()]
    else:
        return None
    return None if None in items else (kind, *specs, *items) if kind is dict else (kind, *items)


def _depends_on_more(graph: Any) -> bool:
    """Tells whether a graph uses what is outside of it, or does more than compute values and draw random numbers."""
    if graph._captures or graph.deferred or graph.control_captures:
        return True
    ops = graph._operations
    inner = [op for function in effects.inner_functions(ops) for op in function._operations]
    return any(
        op.type in PYTHON or (op.op_def.stateful and op.op_def.random is None and op.type not in AT_HAND)
        for op in (*ops, *inner)
        if op.type != "Placeholder"
    )


def _converted(function: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(function, TracedFunction):
        return function
    # AutoGraph is loaded at the first function that is traced.
    from tideflow._src.function.autograph.operators import convert
    from tideflow._src.function.autograph.user_errors import reporting

    return reporting(convert(function))
