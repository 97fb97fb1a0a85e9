"""Names gradient computations: each has arrays of gradients of its own beside the ``TensorArray`` s of a graph."""

from __future__ import annotations

from typing import Any


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
        taken = _sources(graph, set())
        numbered = (f"{scope}_{number}" if number else scope for number in range(len(taken) + 1))
        chosen[scope] = next(name for name in numbered if name not in taken)
    return chosen[scope]


def _sources(graph: Any, seen: set[int]) -> set[str]:
    """Returns the names of the computations that a graph, and the functions in it, hold already."""
    found: set[str] = set()
    for op in graph.get_operations():
        if op.type.startswith("TensorArrayGrad"):
            found.add(op.attrs["source"])
        for held in _functions(op):
            if id(held) not in seen:
                seen.add(id(held))
                found |= _sources(held, seen)
    return found


def _uses_arrays(function: Any) -> bool:
    return any(
        op.type.startswith("TensorArray") or any(map(_uses_arrays, _functions(op))) for op in function.plan_ops()
    )


def _functions(op: Any) -> list[Any]:
    """Returns the graphs of the functions that an operation holds."""
    if not op.op_def.takes_functions:
        return []
    held = [item for value in op.attrs.values() for item in (value if isinstance(value, list) else [value])]
    return [item for item in held if hasattr(item, "plan_ops")]
