"""``init_scope``: leaves the functions being built, to create what outlives a call of them: variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tideflow._src.core import context


@contextmanager
def init_scope() -> Iterator[None]:
    """Lifts the operations inside out of functions being built, control dependencies and tapes; names stay.

    Inside, operations run eagerly if the outermost function is built during eager execution, else they join the
    graph around that function.
    """
    graph = context.current_graph()
    outer = graph
    while outer is not None and outer.building_function:
        outer = outer.outer_graph
    if outer is None:
        state = context.state
        saved = state.eager_scope
        if graph is not None:
            scope = graph.get_name_scope()
            state.eager_scope = f"{scope}/" if scope else ""
        try:
            with context.eager_scope(), context.no_tapes():
                yield
        finally:
            state.eager_scope = saved
        return
    scope = graph.get_name_scope()
    with (
        outer.as_default(),
        outer.control_dependencies(None),
        outer.name_scope(f"{scope}/" if scope else None),
        context.no_tapes(),
    ):
        yield
