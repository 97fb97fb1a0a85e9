"""What the items of a graph's collections are in messages: the classes that read them again.

Whoever defines a kind of item that a MetaGraph can hold registers here how it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.variable import Variable

#: By collection: the name of the message, and the function that makes an item of one in the current graph.
_KINDS: dict[str, tuple[str, Callable[..., Any]]] = {}


def register_proto_function(collection: str, message: str, from_proto: Callable[..., Any]) -> None:
    """Registers how the items of a collection are read.

    Args:
      collection: the collection's name.
      message: the name of the message of each item.
      from_proto: makes an item, called with the message and ``import_scope``.
    """
    _KINDS[collection] = message, from_proto


def proto_function(collection: str) -> tuple[str, Callable[..., Any]] | None:
    """Returns the message and the reading function of a collection, or None."""
    return _KINDS.get(collection)


for _key in (*GraphKeys._VARIABLE_COLLECTIONS, GraphKeys.GLOBAL_STEP, GraphKeys.EVAL_STEP):
    register_proto_function(_key, "VariableDef", Variable.from_proto)
