"""Functions of datasets: what users give to ``map`` and its kin, traced for the elements that they get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.function.traced_function import TracedFunction


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
        self._transformation = transformation
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
                raise TypeError(
                    f"Unsupported return value from function passed to {transformation}: {result}."
                ) from error
            found[:] = [kinds]
            return structure.tensors_of(kinds, result)

        converted = _converted(function)
        name = f"{transformation.replace('()', '').replace('.', '_')}_{getattr(function, '__name__', 'function')}"
        signature = [TensorSpec(spec.shape, spec.dtype) for spec in structure.component_specs(specs)]
        traced = _ElementFunction(wrapped, name.replace("<", "_").replace(">", "_"), signature, autograph=False)
        concrete = traced.get_concrete_function()
        self.graph = concrete.graph
        self.captured = list(concrete.captured_inputs)
        self._concrete = concrete
        self.output_structure = found[0]


def _converted(function: Callable[..., Any]) -> Callable[..., Any]:
    if isinstance(function, TracedFunction):
        return function
    # AutoGraph is loaded at the first function that is traced.
    from tideflow._src.function.autograph.operators import convert
    from tideflow._src.function.autograph.user_errors import reporting

    return reporting(convert(function))
