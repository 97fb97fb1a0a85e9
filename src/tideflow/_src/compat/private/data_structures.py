"""``tensorflow.python.data.util.nest``: structures in which a list is no node, but what becomes a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tideflow._src.core import nest


class _Leaf:
    """Hides a list from what walks through structures."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _hidden(structure: Any) -> Any:
    if isinstance(structure, list):
        return _Leaf(structure)
    if not nest.is_nested(structure):
        return structure
    level = nest.get_traverse_shallow_structure(lambda node: node is structure, structure)
    return nest.map_structure_up_to(level, _hidden, structure)


def _shown(part: Any) -> Any:
    if nest.is_nested(part):
        return nest.map_structure(_shown, part)
    return part.value if isinstance(part, _Leaf) else part


def is_nested(structure: Any) -> bool:
    """Tells whether something is a node of such a structure."""
    return not isinstance(structure, list) and nest.is_nested(structure)


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves."""
    return [_shown(leaf) for leaf in nest.flatten(_hidden(structure))]


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raises an exception unless two structures have the same nodes."""
    nest.assert_same_structure(_hidden(nest1), _hidden(nest2), check_types)


def pack_sequence_as(structure: Any, data: Any) -> Any:
    """Returns a structure like another, of other leaves."""
    return nest.pack_sequence_as(_hidden(structure), data)


def map_structure(func: Callable[..., Any], *structure: Any, **check_types_dict: Any) -> Any:
    """Returns a structure of what a function gives for the leaves of others."""
    hidden = [_hidden(one) for one in structure]
    return nest.map_structure(lambda *leaves: func(*map(_shown, leaves)), *hidden, **check_types_dict)


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """Raises an exception unless one structure has a node wherever a shallower one has."""
    nest.assert_shallow_structure(_hidden(shallow_tree), _hidden(input_tree), check_types)


def flatten_up_to(shallow_tree: Any, input_tree: Any) -> list[Any]:
    """Returns the parts of a structure that stand where a shallower one has leaves."""
    return [_shown(part) for part in nest.flatten_up_to(_hidden(shallow_tree), _hidden(input_tree))]


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any) -> Any:
    """Applies a function to the parts of structures that stand where a shallower one has leaves."""
    hidden = [_hidden(one) for one in inputs]
    return nest.map_structure_up_to(_hidden(shallow_tree), lambda *parts: func(*map(_shown, parts)), *hidden)
