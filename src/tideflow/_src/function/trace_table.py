"""Keeps what a function was traced for, and finds what fits a call: its types, or the most specific wider ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tideflow._src.function import trace_types
from tideflow._src.function.function_type import Bound, Parameter

#: Calls whose trace is remembered although it was made for wider types: shapes may differ without end.
_MOST_FOUND = 1024


class Trace:
    """Is one trace: the types that it was made for, and the concrete function."""

    __slots__ = ("concrete", "context", "parameters")

    def __init__(self, context: Any, parameters: Sequence[Parameter], concrete: Any) -> None:
        self.context = context
        self.parameters = tuple(parameters)
        self.concrete = concrete


class TraceTable:
    """Is a table of traces by signature; readers need no lock, writers hold the function's."""

    def __init__(self) -> None:
        self.traces: dict[Any, Trace] = {}
        self._families: dict[Any, list[Trace]] = {}
        self._found: dict[Any, Trace] = {}

    def find(self, context: Any, bound: Bound) -> Any:
        """Returns the concrete function for a call, or None."""
        key = (context, bound.key)
        trace = self.traces.get(key) or self._found.get(key)
        if trace is None:
            trace = self._most_specific(context, bound.parameters)
            if trace is None:
                return None
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            self._found[key] = trace
        return trace.concrete

    def _most_specific(self, context: Any, parameters: Sequence[Parameter]) -> Trace | None:
        best: Trace | None = None
        for trace in self._families.get(_family(context, parameters), ()):
            if _fits(parameters, trace.parameters) and (best is None or _fits(trace.parameters, best.parameters)):
                best = trace
        return best

    def add(self, context: Any, parameters: Sequence[Parameter], concrete: Any) -> Any:
        """Keeps a concrete function, and returns the one that is kept: an earlier one of the same signature, if any."""
        key = (context, tuple([(item.name, item.kind, item.type_constraint) for item in parameters]))
        known = self.traces.get(key)
        if known is not None:
            return known.concrete
        trace = Trace(context, parameters, concrete)
        family = _family(context, parameters)
        self._families[family] = [*self._families.get(family, ()), trace]
        self._found.clear()
        self.traces[key] = trace
        return concrete

    def generalized(self, context: Any, parameters: Sequence[Parameter]) -> Sequence[Parameter]:
        """Returns parameters with types that include those given and those of earlier traces, where that can be."""
        for trace in self._families.get(_family(context, parameters), ()):
            common = _common(parameters, trace.parameters)
            if common is not None:
                parameters = common
        return parameters

    def forget_dead(self) -> None:
        """Drops the traces for objects that are gone."""
        for table in (self.traces, self._found):
            for key, trace in list(table.items()):
                if _has_dead(trace):
                    table.pop(key, None)
        for family, traces in list(self._families.items()):
            left = [trace for trace in traces if not _has_dead(trace)]
            if left:
                self._families[family] = left
            else:
                self._families.pop(family, None)

    def concrete_functions(self) -> list[Any]:
        """Returns what was traced, oldest first."""
        return [trace.concrete for trace in list(self.traces.values())]


def _same_parameters(one: Sequence[Parameter], other: Sequence[Parameter]) -> bool:
    return len(one) == len(other) and all(
        a.name == b.name and a.kind is b.kind for a, b in zip(one, other, strict=True)
    )


def _fits(parameters: Sequence[Parameter], traced: Sequence[Parameter]) -> bool:
    return _same_parameters(parameters, traced) and all(
        a.type_constraint.is_subtype_of(b.type_constraint) for a, b in zip(parameters, traced, strict=True)
    )


def _common(one: Sequence[Parameter], other: Sequence[Parameter]) -> Sequence[Parameter] | None:
    if not _same_parameters(one, other):
        return None
    found = []
    for a, b in zip(one, other, strict=True):
        common = a.type_constraint.most_specific_common_supertype([b.type_constraint])
        if common is None:
            return None
        found.append(a._replace(type_constraint=common))
    return found


def _family(context: Any, parameters: Sequence[Parameter]) -> Any:
    """Returns what the signatures have in common of which one may include another."""
    return context, tuple([(item.name, item.kind, trace_types.family(item.type_constraint)) for item in parameters])


def _has_dead(trace: Trace) -> bool:
    return any(_is_dead(item.type_constraint) for item in trace.parameters)


def _is_dead(kind: Any) -> bool:
    if isinstance(kind, trace_types.ObjectType):
        return kind.is_dead
    return isinstance(kind, trace_types.StructureType) and any(map(_is_dead, kind.children))
