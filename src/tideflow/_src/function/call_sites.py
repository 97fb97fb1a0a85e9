"""Gives each place that calls a function random streams of its own, as TensorFlow does.

A random operation has one stream for each program that it is part of. Where a program calls a function that draws
random numbers at several places, all but the first therefore call copies of it, which have the same seeds and so begin
with the same numbers.
"""

from __future__ import annotations

import weakref
from typing import Any

from tideflow._src.function.forward_backward import Extended
from tideflow._src.function.func_graph import FuncGraph

_called: weakref.WeakKeyDictionary[Any, set[int]] = weakref.WeakKeyDictionary()


def function_for_call(function: FuncGraph, graph: Any) -> FuncGraph:
    """Returns the function that the next node of ``graph`` calls for ``function``: that itself, or a copy of it."""
    if not _draws(function):
        return function
    outermost = graph
    while getattr(outermost, "outer_graph", None) is not None and not getattr(outermost, "stands_alone", False):
        outermost = outermost.outer_graph
    known = _called.setdefault(outermost, set())
    if id(function) not in known:
        known.add(id(function))
        return function
    return _copied(function, function.outer_graph)


def _draws(function: FuncGraph) -> bool:
    """Tells whether a function, or one inside of it, draws from a stream of its own."""
    return function.remembered(_draws, lambda: _finds_draws(function))


def _finds_draws(function: FuncGraph) -> bool:
    return any(
        op.op_def.random is not None or (op.op_def.takes_functions and any(map(_draws, _functions_of(op))))
        for op in function.get_operations()
    )


def _functions_of(op: Any) -> list[FuncGraph]:
    found: list[FuncGraph] = []
    for value in op.attrs.values():
        found += [item for item in (value if isinstance(value, list) else (value,)) if isinstance(item, FuncGraph)]
    return found


def _copied(function: FuncGraph, outer: Any) -> FuncGraph:
    """Returns a copy of a function with copies of those inside of it that draw."""
    copy = Extended(function, outer)
    for op in copy.get_operations():
        if op.op_def.takes_functions:
            for name, value in op.attrs.items():
                if isinstance(value, list):
                    op.attrs[name] = [_copied_inside(item, copy) for item in value]
                else:
                    op.attrs[name] = _copied_inside(value, copy)
    return copy


def _copied_inside(value: Any, outer: FuncGraph) -> Any:
    return _copied(value, outer) if isinstance(value, FuncGraph) and _draws(value) else value
