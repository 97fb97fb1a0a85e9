"""Says which Python types are nodes of a nested structure, and how each is taken apart and put together.

A *node* is a list, tuple, named tuple, mapping (in the order of its sorted keys), mapping view, ``attrs``
object, an object with ``__tf_flatten__`` and ``__tf_unflatten__``, or one of a class that gives its own
``_node_kind``; everything else is a leaf. When
composites are expanded, composite tensors (classes with ``_type_spec``) and their specs (classes with
``_component_specs`` and ``_from_components``) are nodes too, unless the class says ``_is_nest_leaf = True``.

The kind of a type is worked out once and kept: ``PLAIN[type(value)]`` and ``EXPANDED[type(value)]`` are one
dictionary access, and ``None`` for a leaf.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping, MappingView, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple


class NodeKind(NamedTuple):
    """Is the way to take one kind of node apart and to build another like it.

    Attributes:
      name: what the kind is called.
      values: gives the children, in order.
      keys: gives the path element of each child, in the same order.
      rebuild: makes a node like the first argument with the children in the second.
    """

    name: str
    values: Callable[[Any], Iterable[Any]]
    keys: Callable[[Any], Iterable[Any]]
    rebuild: Callable[[Any, list[Any]], Any]


def _rebuild_sequence(instance: Any, children: list[Any]) -> Any:
    kind = type(instance)
    return children if kind is list or kind is range else kind(children)


def _rebuild_from_positions(instance: Any, children: list[Any]) -> Any:
    return type(instance)(*children)


def _rebuild_mapping(instance: Any, children: list[Any]) -> Any:
    by_key = dict(zip(sorted(instance), children, strict=True))
    in_order = {key: by_key[key] for key in instance}
    kind = type(instance)
    if kind is dict:
        return in_order
    if isinstance(instance, collections.defaultdict):
        return kind(instance.default_factory, in_order)
    if kind is MappingProxyType:
        return MappingProxyType(in_order)
    try:
        return kind(list(in_order.items()))
    except TypeError as error:
        raise TypeError(
            f"Error creating an object of type {kind} like {instance}: its constructor must accept an "
            "iterable of "
            f"key-value pairs. The initial error was: {error}"
        ) from error


def _attrs_names(instance: Any) -> list[str]:
    return [attribute.name for attribute in type(instance).__attrs_attrs__]


def _rebuild_custom(instance: Any, children: list[Any]) -> Any:
    metadata, _ = instance.__tf_flatten__()
    return instance.__tf_unflatten__(metadata, tuple(children))


def _positions(instance: Any) -> Iterable[int]:
    return range(len(instance))


SEQUENCE = NodeKind("sequence", lambda node: node, _positions, _rebuild_sequence)
NAMEDTUPLE = NodeKind("namedtuple", lambda node: node, lambda node: node._fields, _rebuild_from_positions)
MAPPING = NodeKind("mapping", lambda node: [node[key] for key in sorted(node)], sorted, _rebuild_mapping)
MAPPING_VIEW = NodeKind("mapping view", lambda node: node, _positions, lambda node, children: children)
ATTRS = NodeKind(
    "attrs",
    lambda node: [getattr(node, name) for name in _attrs_names(node)],
    _attrs_names,
    _rebuild_from_positions,
)
CUSTOM = NodeKind(
    "custom",
    lambda node: node.__tf_flatten__()[1],
    lambda node: range(len(node.__tf_flatten__()[1])),
    _rebuild_custom,
)
COMPOSITE = NodeKind(
    "composite tensor",
    lambda node: (node._type_spec._to_components(node),),
    lambda node: (node._type_spec.value_type.__name__,),
    lambda node, children: node._type_spec._from_components(children[0]),
)
TYPE_SPEC = NodeKind(
    "type spec",
    lambda node: (node._component_specs,),
    lambda node: (node.value_type.__name__,),
    lambda node, children: node._from_components(children[0]),
)


def is_namedtuple_class(cls: type) -> bool:
    """Tells whether ``cls`` is a class of named tuples, or looks like one."""
    fields = getattr(cls, "_fields", None)
    return issubclass(cls, tuple) and isinstance(fields, tuple | list) and all(isinstance(name, str) for name in fields)


def _plain_kind(cls: type) -> NodeKind | None:
    if issubclass(cls, str | bytes):
        return None
    if isinstance(own := getattr(cls, "_node_kind", None), NodeKind):
        return own
    if hasattr(cls, "__tf_flatten__") and hasattr(cls, "__tf_unflatten__"):
        return CUSTOM
    if is_namedtuple_class(cls):
        return NAMEDTUPLE
    if issubclass(cls, Sequence):
        return SEQUENCE
    if issubclass(cls, Mapping):
        return MAPPING
    if issubclass(cls, MappingView):
        return MAPPING_VIEW
    if hasattr(cls, "__attrs_attrs__"):
        return ATTRS
    return None


def _expanded_kind(cls: type) -> NodeKind | None:
    if not getattr(cls, "_is_nest_leaf", False):
        if hasattr(cls, "_type_spec"):
            return COMPOSITE
        if hasattr(cls, "_component_specs") and hasattr(cls, "_from_components"):
            return TYPE_SPEC
    return PLAIN[cls]


class KindTable(dict[type, "NodeKind | None"]):
    """Maps types to node kinds (``None``: a leaf), and works out a type's kind when it is first seen."""

    #: Programs that make classes without end, such as named tuples in a loop, must not fill the memory.
    _CAPACITY = 10_000

    def __init__(self, classify: Callable[[type], NodeKind | None]) -> None:
        super().__init__()
        self._classify = classify

    def __missing__(self, cls: type) -> NodeKind | None:
        if len(self) >= self._CAPACITY:
            self.clear()
        kind = self[cls] = self._classify(cls)
        return kind


PLAIN = KindTable(_plain_kind)
EXPANDED = KindTable(_expanded_kind)
