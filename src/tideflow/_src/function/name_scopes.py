"""``tf.name_scope`` in its two forms."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.ops import scopes


class name_scope:
    """Is a context in which operations and variables get a prefix to their names.

    Args:
      name: the prefix, made unique in its graph; with a trailing slash, an existing scope to enter again.

    Raises:
      ValueError: the name is not a string.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise ValueError("name for name_scope must be a string.")
        self._name = name
        self._scopes: list[Any] = []

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    def __enter__(self) -> str:
        scope = scopes.name_scope(self._name)
        self._scopes.append(scope)
        return scope.__enter__()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self._scopes.pop().__exit__(kind, value, trace)


class name_scope_v1:
    """Is a context in which operations get a prefix to their names, with the arguments of TensorFlow 1.x.

    Args:
      name: the prefix; ``default_name`` if None.
      default_name: the prefix used when ``name`` is None.
      values: tensors whose graph is the one to use; kept for TensorFlow's signature.

    Raises:
      TypeError: ``default_name`` is not a string.
      ValueError: neither name is given, but values are.
    """

    def __init__(self, name: str | None, default_name: str | None = None, values: Any = None) -> None:
        if default_name is not None and not isinstance(default_name, str):
            raise TypeError(f"`default_name` type ({type(default_name)}) is not a string type.")
        if name is None and default_name is None and values is not None:
            raise ValueError("At least one of name (None) and default_name (None) must be provided.")
        self._name = default_name if name is None else name
        self._scopes: list[Any] = []

    @property
    def name(self) -> str | None:
        """The name that was chosen."""
        return self._name

    def __enter__(self) -> str:
        scope = scopes.name_scope(self._name)
        self._scopes.append(scope)
        return scope.__enter__()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self._scopes.pop().__exit__(kind, value, trace)


def get_current_name_scope() -> str:
    """Returns the name of the scope that is open, without a trailing slash."""
    graph = context.current_graph()
    scope = context.state.eager_scope if graph is None else graph.get_name_scope()
    return str(scope).rstrip("/")
