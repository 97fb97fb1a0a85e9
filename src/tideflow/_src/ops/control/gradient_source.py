"""Names gradient computations: each has arrays of gradients of its own beside the ``TensorArray`` s of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tideflow._src.runtime.effects import functions_of


def source_of(gradient: Any) -> str:
    """Returns the name of the gradient computation that a tensor of a graph belongs to."""
    graph = gradient.op.graph
    return _source_around(graph) if getattr(graph, "outer_graph", None) is not None else _source(graph, gradient.name)


def array_source(function: Any) -> str:
    """Returns what tells the gradient of a function from another one that uses other arrays of gradients."""
    return _source_around(function) if _uses_arrays(function) else ""


def _source_around(function: Any) -> str:
    """Returns the name of the gradient computation that a function is being built for: one for all functions in it."""
    while getattr(function, "outer_graph", None) is not None:
        function = function.outer_graph
    return _source(function, f"{function.get_name_scope()}/")


def _source(graph: Any, name: str) -> str:
    """Returns the name of the computation that names of operations begin with: one that no imported gradient has."""
    parts = name.split("/")
    scopes = [position for position, part in enumerate(parts) if part.startswith("gradients")]
    scope = "/".join(parts[: scopes[-1] + 1]) if scopes else "gradients"
    chosen: dict[str, str] = graph.__dict__.setdefault("_gradient_sources", {})
    if scope not in chosen:
        taken = _sources(graph)
        numbered = (f"{scope}_{number}" if number else scope for number in range(len(taken) + 1))
        chosen[scope] = next(name for name in numbered if name not in taken)
    return chosen[scope]


def _sources(graph: Any) -> set[str]:
    """Returns the names of the computations that a graph, and the functions in it, hold already."""
    graphs = (graph.get_operations(), *(function.get_operations() for function in _inside(graph.get_operations())))
    return {op.attrs["source"] for ops in graphs for op in ops if op.type.startswith("TensorArrayGrad")}


def _uses_arrays(function: Any) -> bool:
    ops = function.plan_ops()
    return any(map(_is_array, ops)) or any(
        # What a function needs is among what it holds, but takes longer to find.
        any(map(_is_array, inner.get_operations())) and any(map(_is_array, inner.plan_ops()))
        for inner in _inside(ops)
    )


def _is_array(op: Any) -> bool:
    return bool(op.type.startswith("TensorArray"))


def _inside(ops: Iterable[Any]) -> Iterator[Any]:
    """Goes over the functions that operations hold, and those inside of these, each of them once."""
    seen: set[int] = set()
    waiting = [function for op in ops if op.op_def.takes_functions for function in functions_of(op)]
    while waiting:
        function = waiting.pop()
        if id(function) not in seen:
            seen.add(id(function))
            yield function
            waiting.extend(
                inner for op in function.get_operations() if op.op_def.takes_functions for inner in functions_of(op)
            )
