"""Understands what a caller wants to fetch: any structure of tensors, operations, variables and names."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tideflow._src.core.indexed_slices import IndexedSlices
from tideflow._src.core.tensor import SymbolicTensor
from tideflow._src.graph.graph import Graph
from tideflow._src.graph.operation import Operation
from tideflow._src.session.conversions import CONVERSIONS, conversion_of

Rebuild = Callable[[list[Any]], Any]


class Fetches:
    """Is a structure of fetches taken apart.

    Attributes:
      elements: the distinct tensors and operations, in order of appearance.
      tensors: those that are tensors: what a run must return.
      targets: those that are operations: what a run must do.
      rebuild: puts the values of ``tensors`` back into the caller's structure.
    """

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        self.elements: list[Any] = []
        self._positions: dict[Any, int] = {}
        build = self._take_apart(fetches)
        self.tensors = [element for element in self.elements if isinstance(element, SymbolicTensor)]
        self.targets = [element for element in self.elements if isinstance(element, Operation)]
        slots: list[int | None] = []
        position = 0
        for element in self.elements:
            if isinstance(element, SymbolicTensor):
                slots.append(position)
                position += 1
            else:
                slots.append(None)
        self._slots = slots
        self._build = build
        self.rebuild = self._rebuilder(fetches)

    def _rebuilder(self, fetches: Any) -> Rebuild:
        slots = self._slots
        plain = len(slots) == len(self.tensors)
        if isinstance(fetches, list) and plain and len(fetches) == len(slots):
            if all(isinstance(item, SymbolicTensor) for item in fetches):
                return list
        if len(slots) == 1 and not isinstance(fetches, list | tuple | Mapping):
            if self.targets:
                return lambda values: None
            if isinstance(fetches, SymbolicTensor | str | bytes) or hasattr(fetches, "_as_graph_element"):
                return lambda values: values[0]

        def rebuild(values: Any) -> Any:
            return self._build([None if slot is None else values[slot] for slot in slots])

        return rebuild

    def _take_apart(self, fetch: Any) -> Rebuild:
        if fetch is None:
            raise TypeError(f'Argument `fetch` = {fetch} has invalid type "{type(fetch).__name__}". Cannot be None')
        conversion = conversion_of(fetch) if CONVERSIONS else None
        if conversion is not None:
            parts, contract = conversion.fetch(fetch)
            builds = [self._take_apart(part) for part in parts]
            return lambda values: contract([build(values) for build in builds])
        if isinstance(fetch, IndexedSlices):
            parts = [fetch.values, fetch.indices] + ([fetch.dense_shape] if fetch.dense_shape is not None else [])
            builds = [self._take_apart(part) for part in parts]
            from tideflow._src.session.values import IndexedSlicesValue

            def slices(values: list[Any]) -> Any:
                built = [build(values) for build in builds]
                return IndexedSlicesValue(built[0], built[1], built[2] if len(built) > 2 else None)

            return slices
        if isinstance(fetch, Mapping):
            keys = list(fetch)
            builds = [self._take_apart(fetch[key]) for key in keys]
            kind: Any = type(fetch)

            def mapping(values: list[Any]) -> Any:
                built = [(key, build(values)) for key, build in zip(keys, builds, strict=True)]
                if kind is collections.defaultdict:
                    return collections.defaultdict(fetch.default_factory, built)  # type: ignore[attr-defined]
                return kind(built)

            return mapping
        if isinstance(fetch, list | tuple):
            return self._sequence(fetch)
        fields = getattr(type(fetch), "__attrs_attrs__", None)
        if fields is not None:
            builds = [self._take_apart(getattr(fetch, field.name)) for field in fields]
            return lambda values: type(fetch)(*(build(values) for build in builds))
        components = getattr(fetch, "_fetch_components", None)
        if components is not None:
            parts, assemble = components()
            builds = [self._take_apart(part) for part in parts]
            return lambda values: assemble([build(values) for build in builds])
        return self._element(fetch)

    def _sequence(self, fetch: Sequence[Any]) -> Rebuild:
        builds = [self._take_apart(item) for item in fetch]
        kind: Any = type(fetch)
        if hasattr(fetch, "_fields"):
            return lambda values: kind(*(build(values) for build in builds))
        if kind is list:
            return lambda values: [build(values) for build in builds]
        return lambda values: kind(build(values) for build in builds)

    def _element(self, fetch: Any) -> Rebuild:
        try:
            element = self._graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True)
        except TypeError as error:
            raise TypeError(
                f'Argument `fetch` = {fetch} has invalid type "{type(fetch).__name__}" must be a string or Tensor. '
                f"({error})"
            ) from None
        except (ValueError, KeyError) as error:
            text = error.args[0] if isinstance(error, KeyError) else error
            raise ValueError(f'Argument `fetch` = {fetch} cannot be interpreted as a Tensor. ("{text}")') from None
        if not self._graph.is_fetchable(element):
            raise ValueError(f"Operation {element.name!r} has been marked as not fetchable.")
        position = self._positions.get(element)
        if position is None:
            position = self._positions[element] = len(self.elements)
            self.elements.append(element)
        return lambda values: values[position]
