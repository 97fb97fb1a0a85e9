"""Gives names to what a function builds: ``name_scope`` in its forms, for graphs and eager execution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context


@contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Iterable[Any] | None = None) -> Iterator[str]:
    """Opens a name scope in the current graph; eagerly, it only names variables.

    Args:
      name: the scope's name; ``default_name`` if None.
      default_name: the name used when the caller gives none.
      values: tensors that the caller works on; kept for TensorFlow's signature.

    Yields:
      The scope's name with a trailing slash, to be given as the name of the function's result.
    """
    del values
    chosen = default_name if name is None else name
    graph = context.current_graph()
    if graph is not None:
        with graph.name_scope(chosen) as scope:
            yield scope
        return
    state = context.state
    saved = state.eager_scope
    if not chosen:
        state.eager_scope = ""
    elif not isinstance(chosen, str):
        state.eager_scope = saved  # names of eager operations are read by nobody
    elif chosen.endswith("/"):
        state.eager_scope = chosen
    else:
        state.eager_scope = f"{saved}{chosen}/"
    try:
        yield state.eager_scope
    finally:
        state.eager_scope = saved


@contextmanager
def graph_scope(name: str | None, default_name: str | None = None) -> Iterator[str]:
    """Opens a name scope in the current graph; eagerly, it does nothing.

    That is for functions that call functions of the user's: what those name eagerly has no more scopes than they open.
    """
    if context.current_graph() is None:
        yield ""
        return
    with name_scope(name, default_name) as scope:
        yield scope
