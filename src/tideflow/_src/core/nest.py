"""Walks nested structures: lists, tuples, dictionaries and the like, with anything at the leaves.

``flatten`` gives the leaves in a fixed order (dictionaries by sorted key) and ``pack_sequence_as`` puts them
back; the others are combinations of the two. What counts as a node, and how it is rebuilt, is in
``node_kinds``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tideflow._src.core import node_kinds
from tideflow._src.core.node_kinds import EXPANDED, PLAIN, KindTable, NodeKind


def is_nested(seq: Any) -> bool:
    """Tells whether ``seq`` is a node: a list, tuple, mapping, mapping view or attrs object.

    Strings, sets, NumPy arrays and tensors are leaves.
    """
    return PLAIN[type(seq)] is not None


#: The name that TF 1.x has for ``is_nested``.
is_sequence = is_nested


def is_nested_or_composite(structure: Any) -> bool:
    """Tells whether ``structure`` is a node when composite tensors and their specs are nodes too."""
    return EXPANDED[type(structure)] is not None


is_sequence_or_composite = is_nested_or_composite


def is_mapping(structure: Any) -> bool:
    """Tells whether ``structure`` is a mapping."""
    return isinstance(structure, Mapping)


def is_attrs(structure: Any) -> bool:
    """Tells whether ``structure`` is an object of a class made with ``attrs``."""
    return hasattr(type(structure), "__attrs_attrs__")


def is_namedtuple(structure: Any) -> bool:
    """Tells whether ``structure`` is a named tuple."""
    return node_kinds.is_namedtuple_class(type(structure))


def same_namedtuples(first: Any, second: Any) -> bool:
    """Tells whether two named tuples have the same class name and the same fields."""
    return type(first).__name__ == type(second).__name__ and first._fields == second._fields


def sequence_like(instance: Any, children: Sequence[Any]) -> Any:
    """Returns a node like ``instance`` with other children (of a mapping, by sorted key)."""
    kind = EXPANDED[type(instance)]
    if kind is None:
        raise TypeError(f"Expected a nested structure, got {instance!r} of type {type(instance)}.")
    return kind.rebuild(instance, list(children))


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Returns the leaves of a structure as a list.

    >>> flatten({"b": 1, "a": [2, (3,)]})
    [2, 3, 1]

    Args:
      structure: a nested structure, or a single leaf.
      expand_composites: whether composite tensors are replaced by the tensors that they consist of.

    Raises:
      TypeError: the keys of a dictionary cannot be sorted.
    """
    kinds = EXPANDED if expand_composites else PLAIN
    kind = kinds[type(structure)]
    if kind is None:
        return [structure]
    leaves: list[Any] = []
    _collect(kind.values(structure), kinds, leaves)
    return leaves


def _collect(values: Any, kinds: KindTable, leaves: list[Any]) -> None:
    for value in values:
        kind = kinds[type(value)]
        if kind is None:
            leaves.append(value)
        else:
            _collect(kind.values(value), kinds, leaves)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Returns a structure like ``structure`` whose leaves are the items of ``flat_sequence``.

    >>> pack_sequence_as({"b": 0, "a": [0]}, [1, 2])
    {'b': 2, 'a': [1]}

    Raises:
      TypeError: ``flat_sequence`` is not a sequence.
      ValueError: the number of items is not the number of leaves.
    """
    flat_kind = PLAIN[type(flat_sequence)]
    if flat_kind is None or flat_kind is node_kinds.MAPPING:
        raise TypeError(
            f"Attempted to pack value:\n  {_shortened(flat_sequence)}\ninto a structure, but found "
            "incompatible type "
            f"`{type(flat_sequence)}` instead."
        )
    leaves = list(flat_sequence)
    kinds = EXPANDED if expand_composites else PLAIN
    kind = kinds[type(structure)]
    if kind is None:
        if len(leaves) != 1:
            raise ValueError(
                f"The target structure is of type `{type(structure)}`\n  {_shortened(structure)}\nHowever "
                "the input "
                f"is a sequence ({type(flat_sequence)}) of length {len(leaves)}.\n  "
                f"{_shortened(flat_sequence)}\n"
                "nest cannot guarantee that it is safe to map one to the other."
            )
        return leaves[0]
    expected = len(flatten(structure, expand_composites))
    if len(leaves) != expected:
        raise ValueError(
            f"Could not pack sequence. Structure had {expected} atoms, but flat_sequence had {len(leaves)} "
            "items.  "
            f"Structure: {_shortened(structure)}, flat_sequence: {_shortened(leaves)}."
        )
    return _pack(structure, kind, kinds, iter(leaves))


def _pack(structure: Any, kind: NodeKind, kinds: KindTable, leaves: Iterator[Any]) -> Any:
    children = []
    for value in kind.values(structure):
        child_kind = kinds[type(value)]
        children.append(next(leaves) if child_kind is None else _pack(value, child_kind, kinds, leaves))
    return kind.rebuild(structure, children)


def flat_packer(structure: Any, is_leaf: Callable[[Any], bool]) -> Callable[[Sequence[Any]], Any] | None:
    """Returns a function that packs items like ``structure``, for what is packed again and again.

    Args:
      structure: a leaf, or a tuple or dictionary of leaves.
      is_leaf: tells what a leaf is.

    Returns:
      A function of as many items as there are leaves; None if the structure is another one.
    """
    if is_leaf(structure):
        return operator.itemgetter(0)
    if type(structure) is tuple and all(map(is_leaf, structure)):
        return tuple
    if type(structure) is dict and all(map(is_leaf, structure.values())):
        places = {key: place for place, key in enumerate(sorted(structure))}
        order = [(key, places[key]) for key in structure]
        return lambda items: {key: items[place] for key, place in order}
    return None


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Applies a function to the leaves of one or more structures and returns a structure like the first.

    >>> map_structure(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 11, 'b': [22]}

    Args:
      func: a function of as many arguments as there are structures.
      *structure: structures that are alike.
      **kwargs: ``check_types`` (default true: the nodes must be of the same types) and ``expand_composites``.

    Raises:
      TypeError: ``func`` cannot be called, or the nodes are of different types.
      ValueError: there is no structure, they are not alike, or an option is unknown.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types, expand_composites = _options(kwargs)
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types=check_types, expand_composites=expand_composites)
    if len(structure) == 1 and not is_nested_or_composite(structure[0]):
        return func(structure[0])
    leaves = [flatten(one, expand_composites) for one in structure]
    return pack_sequence_as(structure[0], [func(*each) for each in zip(*leaves, strict=True)], expand_composites)


def _options(kwargs: dict[str, Any]) -> tuple[bool, bool]:
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        names = "`, `".join(kwargs)
        raise ValueError(f"Only valid keyword arguments are `check_types` and `expand_composites`, not: `{names}`")
    return check_types, expand_composites


def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[tuple[Any, ...]]:
    """Yields the path of each leaf: the keys, field names and positions on the way to it."""
    for path, _ in _paths(nest, EXPANDED if expand_composites else PLAIN, ()):
        yield path


def _paths(value: Any, kinds: KindTable, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    kind = kinds[type(value)]
    if kind is None:
        yield path, value
        return
    for key, child in zip(kind.keys(value), kind.values(value), strict=True):
        yield from _paths(child, kinds, (*path, key))


def flatten_with_tuple_paths(structure: Any, expand_composites: bool = False) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns pairs of path and leaf.

    >>> flatten_with_tuple_paths([5, {"a": 6}])
    [((0,), 5), ((1, 'a'), 6)]
    """
    return list(_paths(structure, EXPANDED if expand_composites else PLAIN, ()))


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Returns pairs of path, joined to a string, and leaf."""
    return [
        (separator.join(map(str, path)), leaf) for path, leaf in flatten_with_tuple_paths(structure, expand_composites)
    ]


def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Is ``map_structure`` for a function that takes the path of the leaves as its first argument."""
    if not structure:
        raise ValueError("Must provide at least one structure")
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Is ``map_structure`` for a function that takes the path, joined with ``/``, as its first argument."""

    def with_joined_path(path: tuple[Any, ...], *leaves: Any, **more: Any) -> Any:
        return func("/".join(map(str, path)), *leaves, **more)

    return map_structure_with_tuple_paths(with_joined_path, *structure, **kwargs)


# Comparing two structures.


class _Mismatch(Exception):
    """Carries the first difference between two structures, and the class of error that it is."""

    def __init__(self, kind: type[Exception], text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raises an exception if two structures are not alike.

    Structures are alike if they have the same nodes in the same places, whatever the leaves. With
    ``check_types`` the nodes must also be of the same types: all mappings count as one type, as do all
    subclasses of ``list``, and named tuples with the same name and fields.

    Raises:
      ValueError: the nodes, their numbers of children, or the keys of dictionaries differ.
      TypeError: the types of two nodes differ, and ``check_types`` is true.
    """
    kinds = EXPANDED if expand_composites else PLAIN
    try:
        _compare(nest1, nest2, check_types, kinds)
    except _Mismatch as mismatch:
        difference = mismatch
    else:
        return
    raise difference.kind(
        "The two structures don't have the same nested structure.\n\n"
        f"First structure: {_described(nest1)}\n\nSecond structure: {_described(nest2)}\n\n"
        f"More specifically: {difference.text}\n"
        f"Entire first structure:\n{_outline(nest1)}\nEntire second structure:\n{_outline(nest2)}"
    )


def _compare(first: Any, second: Any, check_types: bool, kinds: KindTable) -> None:
    first_kind, second_kind = kinds[type(first)], kinds[type(second)]
    if first_kind is None and second_kind is None:
        return
    if first_kind is None or second_kind is None:
        node, leaf = (second, first) if first_kind is None else (first, second)
        raise _Mismatch(
            ValueError,
            f'Substructure "{_described(node)}" is a sequence, while substructure "{_described(leaf)}" is not',
        )
    expandable = (node_kinds.COMPOSITE, node_kinds.TYPE_SPEC)
    if first_kind in expandable and second_kind in expandable:
        _compare_specs(first, second)
    elif check_types:
        _compare_types(first, second, first_kind, second_kind)
    first_values, second_values = list(first_kind.values(first)), list(second_kind.values(second))
    if len(first_values) != len(second_values):
        raise _Mismatch(
            ValueError,
            "The two structures don't have the same number of elements. "
            f"First structure: {_described(first)}. Second structure: {_described(second)}",
        )
    for first_value, second_value in zip(first_values, second_values, strict=True):
        _compare(first_value, second_value, check_types, kinds)


def _compare_types(first: Any, second: Any, first_kind: NodeKind, second_kind: NodeKind) -> None:
    if first_kind is node_kinds.MAPPING and second_kind is node_kinds.MAPPING:
        if set(first) != set(second):
            raise _Mismatch(
                ValueError,
                "The two dictionaries don't have the same set of keys. "
                f"First structure has keys {_described(list(first))}, "
                f"while second structure has keys {_described(list(second))}",
            )
        return
    if type(first) is type(second) or (isinstance(first, list) and isinstance(second, list)):
        return
    if first_kind is node_kinds.NAMEDTUPLE and second_kind is node_kinds.NAMEDTUPLE and same_namedtuples(first, second):
        return
    raise _Mismatch(
        TypeError,
        f"The two namedtuples don't have the same sequence type. First structure {_described(first)} has type "
        f"{type(first).__name__}, while second structure {_described(second)} has type "
        f"{type(second).__name__}",
    )


def _compare_specs(first: Any, second: Any) -> None:
    first_spec, second_spec = getattr(first, "_type_spec", first), getattr(second, "_type_spec", second)
    if first_spec.most_specific_common_supertype([second_spec]) is None:
        raise _Mismatch(
            ValueError,
            f"Incompatible CompositeTensor TypeSpecs: {_described(first_spec)} vs. {_described(second_spec)}",
        )


def _described(value: Any) -> str:
    return f"type={type(value).__name__} str={_shortened(value)}"


def _shortened(value: Any, limit: int = 500) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


class _Dot:
    def __repr__(self) -> str:
        return "."


def _outline(structure: Any) -> str:
    """Returns a structure as text, with a dot for each leaf."""
    return _shortened(repr(map_structure(lambda leaf: _Dot(), structure)), 2000)


# Walking one structure only as deep as a shallower one goes.


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises an exception unless ``input_tree`` has a node wherever ``shallow_tree`` has one.

    Raises:
      TypeError: ``input_tree`` has a leaf, or a node of another type, where ``shallow_tree`` has a node.
      ValueError: the numbers of children or the keys of dictionaries differ.
    """
    kinds = EXPANDED if expand_composites else PLAIN
    for _ in _walk_up_to(shallow_tree, input_tree, check_types, kinds, ()):
        pass


def _walk_up_to(
    shallow: Any, value: Any, check_types: bool, kinds: KindTable, path: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yields path and part of ``value`` for each leaf of ``shallow``, checking the nodes on the way."""
    kind = kinds[type(shallow)]
    if kind is None:
        yield path, value
        return
    value_kind = kinds[type(value)]
    if value_kind is None:
        raise TypeError(
            f"If shallow structure is a sequence, input must also be a sequence. Input has type: {type(value)}."
        )
    if check_types and not _same_node_type(shallow, value, kind, value_kind):
        raise TypeError(
            f"The two structures don't have the same sequence type. Input structure has type {type(value)}, "
            "while "
            f"shallow structure has type {type(shallow)}."
        )
    shallow_values, values = list(kind.values(shallow)), list(value_kind.values(value))
    if len(shallow_values) != len(values):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(values)}, while "
            f"shallow structure has length {len(shallow_values)}."
        )
    keys = list(kind.keys(shallow))
    if kind is node_kinds.MAPPING and value_kind is node_kinds.MAPPING:
        absent = [key for key in keys if key not in value]
        if absent:
            raise ValueError(
                "The shallow_tree's keys are not a subset of the input_tree's keys. The shallow_tree has the "
                f"following keys that are not in the input_tree: {absent}."
            )
    for key, shallow_child, child in zip(keys, shallow_values, values, strict=True):
        yield from _walk_up_to(shallow_child, child, check_types, kinds, (*path, key))


def _same_node_type(shallow: Any, value: Any, kind: NodeKind, value_kind: NodeKind) -> bool:
    if isinstance(value, type(shallow)) or (isinstance(value, list) and isinstance(shallow, list)):
        return True
    if kind is node_kinds.NAMEDTUPLE and value_kind is node_kinds.NAMEDTUPLE:
        return same_namedtuples(shallow, value)
    if kind is node_kinds.MAPPING and value_kind is node_kinds.MAPPING:
        return True
    expandable = (node_kinds.COMPOSITE, node_kinds.TYPE_SPEC)
    if kind in expandable and value_kind in expandable:
        shallow_spec, value_spec = (
            getattr(shallow, "_type_spec", shallow),
            getattr(value, "_type_spec", value),
        )
        return shallow_spec.most_specific_common_supertype([value_spec]) is not None
    return False


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns pairs of path and part of ``input_tree``, for each leaf of ``shallow_tree``."""
    kinds = EXPANDED if expand_composites else PLAIN
    return list(_walk_up_to(shallow_tree, input_tree, check_types, kinds, ()))


def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[Any]:
    """Returns the parts of ``input_tree`` that stand where ``shallow_tree`` has leaves.

    >>> flatten_up_to([0, [0]], [[1, 2], [(3, 4)]])
    [[1, 2], (3, 4)]

    Raises:
      TypeError, ValueError: as ``assert_shallow_structure`` does.
    """
    parts = flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types, expand_composites)
    return [part for _, part in parts]


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Any:
    """Applies a function to the parts of the inputs that stand where ``shallow_tree`` has leaves."""
    return map_structure_with_tuple_paths_up_to(shallow_tree, lambda path, *parts: func(*parts), *inputs, **kwargs)


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any, func: Callable[..., Any], *inputs: Any, **kwargs: Any
) -> Any:
    """Is ``map_structure_up_to`` for a function that takes the path as its first argument."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    check_types, expand_composites = _options(kwargs)
    parts = [flatten_with_tuple_paths_up_to(shallow_tree, one, check_types, expand_composites) for one in inputs]
    results = [func(each[0][0], *[part for _, part in each]) for each in zip(*parts, strict=True)]
    return pack_sequence_as(shallow_tree, results, expand_composites)


def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """Returns a shallow structure of booleans that says how deep ``traverse_fn`` wants to go into
    ``structure``.

    Args:
      traverse_fn: gives for a node a boolean (go in or not) or a structure of booleans, one for each child;
        for a leaf a boolean.
      structure: the structure to go into.
      expand_composites: whether composite tensors are nodes.

    Raises:
      TypeError: ``traverse_fn`` returns neither.
    """
    kind = (EXPANDED if expand_composites else PLAIN)[type(structure)]
    decision = traverse_fn(structure)
    if kind is None:
        if not isinstance(decision, bool):
            raise TypeError(f"traverse_fn returned structure: {decision} for non-structure: {structure}")
        return decision
    if isinstance(decision, bool):
        if not decision:
            return False
        decisions = [True] * len(list(kind.values(structure)))
    elif not is_nested(decision):
        raise TypeError(f"traverse_fn returned a non-bool scalar: {decision} for input: {structure}")
    else:
        assert_shallow_structure(decision, structure, expand_composites=expand_composites)
        decisions = _children(decision)
    levels = []
    for child_decision, child in zip(decisions, kind.values(structure), strict=True):
        if not isinstance(child_decision, bool):
            raise TypeError(
                f"traverse_fn didn't return a depth=1 structure of bools.  saw: {decision}  for structure: {structure}"
            )
        levels.append(
            get_traverse_shallow_structure(traverse_fn, child, expand_composites) if child_decision else False
        )
    return kind.rebuild(structure, levels)


def _children(node: Any) -> list[Any]:
    kind = PLAIN[type(node)]
    assert kind is not None
    return list(kind.values(node))


def list_to_tuple(structure: Any) -> Any:
    """Returns a copy of ``structure`` with a tuple for every list, at any depth."""
    kind = PLAIN[type(structure)]
    if kind is None:
        return structure
    children = [list_to_tuple(child) for child in kind.values(structure)]
    return tuple(children) if isinstance(structure, list) else kind.rebuild(structure, children)


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """Returns a dictionary whose keys and values are the leaves of the given one's keys and values.

    >>> flatten_dict_items({(4, 5, (6, 8)): ("a", "b", ("c", "d"))})
    {4: 'a', 5: 'b', 6: 'c', 8: 'd'}

    Raises:
      TypeError: ``dictionary`` is not a mapping.
      ValueError: a key and its value are not alike, or a key appears twice.
    """
    if not isinstance(dictionary, Mapping):
        raise TypeError(
            "FlattenDictItems: 'dict' must be a dictionary or collection.Mapping type object, instead of "
            f"{type(dictionary).__name__!r}."
        )
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        keys, values = (flatten(key), flatten(value)) if is_nested(key) else ([key], [value])
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had {len(values)} "
                "elements. "
                f"Key: {keys}, value: {values}."
            )
        for flat_key, flat_value in zip(keys, values, strict=True):
            if flat_key in flat:
                raise ValueError(f"Cannot flatten dict because this key is not unique: {flat_key}")
            flat[flat_key] = flat_value
    return flat
