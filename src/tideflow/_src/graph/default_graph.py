"""The functions of TensorFlow 1.x that act on the default graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from tideflow._src.core import context
from tideflow._src.graph.graph import Graph


def get_default_graph() -> Graph:
    """Returns the graph that operations join in this thread."""
    return context.default_graph()  # type: ignore[no-any-return]


def reset_default_graph() -> None:
    """Replaces the default graph by an empty one.

    Raises:
      AssertionError: a graph is entered with ``as_default``.
    """
    context.reset_default_graph()


def add_to_collection(name: Any, value: Any) -> None:
    """Appends ``value`` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Appends ``value`` to several collections of the default graph."""
    get_default_graph().add_to_collections(names, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """Returns a copy of a collection of the default graph; with ``scope``, the items whose name matches it."""
    return get_default_graph().get_collection(key, scope)


def get_collection_ref(key: Any) -> list[Any]:
    """Returns a collection of the default graph itself."""
    return get_default_graph().get_collection_ref(key)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[Any]:
    """Asks that what is created inside be placed where ``op`` is."""
    graph = context.current_graph()
    return nullcontext() if graph is None else graph.colocate_with(op, ignore_existing)


def container(container_name: str) -> AbstractContextManager[Any]:
    """Puts the resources of the operations created inside into a container."""
    return get_default_graph().container(container_name)


@contextmanager
def op_scope(values: Any, name: str | None, default_name: str | None = None) -> Iterator[str]:
    """Opens a name scope, with the arguments of TensorFlow 0.x."""
    del values
    graph = get_default_graph()
    with graph.name_scope(name if name is not None else default_name) as scope:
        yield scope


def executing_eagerly() -> bool:
    """Tells whether operations called now run at once."""
    return context.executing_eagerly()


def executing_eagerly_outside_functions() -> bool:
    """Tells whether operations run at once outside of functions."""
    return context.mode.eager_by_default


def inside_function() -> bool:
    """Tells whether operations join the graph of a function: of a ``tf.function``, a branch or a loop."""
    graph = context.current_graph()
    return graph is not None and graph.building_function
