"""Tests of walking nested structures; the expected values are TensorFlow 2.21's."""

from __future__ import annotations

import collections
from collections import OrderedDict, defaultdict
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tideflow._src.core import nest
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.core.type_spec import CompositeTensor, TypeSpec

Pair = collections.namedtuple("Pair", "a b")


class AttrsLike:
    """Looks to ``nest`` like a class made with ``attrs``."""

    __attrs_attrs__ = (SimpleNamespace(name="x"), SimpleNamespace(name="y"))

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y


class Custom:
    def __init__(self, metadata: str, value: Any) -> None:
        self.metadata, self.value = metadata, value

    def __tf_flatten__(self) -> Any:
        return (self.metadata,), (self.value,)

    @classmethod
    def __tf_unflatten__(cls, metadata: Any, components: Any) -> Any:
        return cls(metadata[0], components[0])


class TwoParts(CompositeTensor):
    def __init__(self, values: Any, splits: Any, size: int = 2) -> None:
        self.values, self.splits, self.size = values, splits, size

    @property
    def _type_spec(self) -> TwoPartsSpec:
        return TwoPartsSpec(TensorShape([self.size]))


class TwoPartsSpec(TypeSpec):
    def __init__(self, shape: Any) -> None:
        self._shape = shape

    value_type = property(lambda self: TwoParts)  # type: ignore[assignment]
    _component_specs = property(  # type: ignore[assignment]
        lambda self: [TensorSpec(self._shape), {"s": TensorSpec([], "int32")}]
    )

    def _serialize(self) -> Any:
        return (self._shape,)

    def _to_components(self, value: Any) -> Any:
        return [value.values, {"s": value.splits}]

    def _from_components(self, components: Any) -> Any:
        return TwoParts(components[0], components[1]["s"])


@pytest.mark.parametrize(
    ("structure", "leaves"),
    [
        (3, [3]),
        (None, [None]),
        ("abc", ["abc"]),
        (b"abc", [b"abc"]),
        ([1, [2, (3,)], {"b": 1, "a": [2]}], [1, 2, 3, 2, 1]),
        (OrderedDict([("b", 1), ("a", 2)]), [2, 1]),
        (defaultdict(int, b=1, a=2), [2, 1]),
        (Pair(1, [2]), [1, 2]),
        (AttrsLike(1, [2]), [1, 2]),
        (Custom("m", [1, 2]), [1, 2]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), ["a", 1]),
        ({1, 2}, [{1, 2}]),
        (range(3), [0, 1, 2]),
        (collections.deque([1]), [1]),
        (TensorShape([1, 2]), [TensorShape([1, 2])]),
        ({"a": 1, "b": {}}, [1]),
    ],
)
def test_flatten(structure: Any, leaves: list[Any]) -> None:
    assert nest.flatten(structure) == leaves
    assert nest.is_nested(structure) == (leaves != [structure])


def test_flatten_leaves_arrays_alone() -> None:
    array = np.array([1, 2])
    assert nest.flatten([array])[0] is array
    assert not nest.is_nested(array)


def test_flatten_refuses_keys_that_cannot_be_sorted() -> None:
    with pytest.raises(TypeError, match="not supported between"):
        nest.flatten({1: 1, "a": 2})


@pytest.mark.parametrize(
    ("structure", "flat", "expected"),
    [
        ([1, [2]], [3, 4], [3, [4]]),
        (1, [3], 3),
        ({"b": 1, "a": 2}, [3, 4], {"b": 4, "a": 3}),
        (OrderedDict([("b", 1), ("a", 2)]), [3, 4], OrderedDict([("b", 4), ("a", 3)])),
        (Pair(1, [2]), (3, 4), Pair(3, [4])),
        ({"a": 1}.values(), [3], [3]),
        (range(2), [5, 6], [5, 6]),
        (MappingProxyType({"a": 1}), [3], MappingProxyType({"a": 3})),
        ([None, []], [1], [1, []]),
        ([], [], []),
    ],
)
def test_pack(structure: Any, flat: Any, expected: Any) -> None:
    packed = nest.pack_sequence_as(structure, flat)
    assert packed == expected
    assert type(packed) is type(expected)
    if isinstance(expected, dict):
        assert list(packed) == list(expected)


def test_pack_keeps_classes() -> None:
    class SpecialList(list[Any]):
        pass

    assert type(nest.pack_sequence_as(SpecialList([1]), [3])) is SpecialList
    by_default = nest.pack_sequence_as(defaultdict(int, b=1, a=2), [3, 4])
    assert (by_default, by_default.default_factory) == ({"b": 4, "a": 3}, int)
    attrs_like = nest.pack_sequence_as(AttrsLike(1, [2]), [3, 4])
    assert (attrs_like.x, attrs_like.y) == (3, [4])
    custom = nest.pack_sequence_as(Custom("m", [1]), [3])
    assert (custom.metadata, custom.value) == ("m", [3])


@pytest.mark.parametrize(("structure", "flat"), [([1, [2]], [3]), ([1], [3, 4]), (1, [3, 4]), (1, [])])
def test_pack_refuses_another_number_of_leaves(structure: Any, flat: Any) -> None:
    with pytest.raises(ValueError, match=r"structure|Structure"):
        nest.pack_sequence_as(structure, flat)


@pytest.mark.parametrize("flat", [3, "a", iter([1])])
def test_pack_refuses_what_is_no_sequence(flat: Any) -> None:
    with pytest.raises(TypeError, match="Attempted to pack value"):
        nest.pack_sequence_as([1], flat)


def test_map_structure() -> None:
    assert nest.map_structure(lambda x: x + 1, [1, {"a": 2}]) == [2, {"a": 3}]
    assert nest.map_structure(lambda x, y: x + y, [1, {"a": 2}], [3, {"a": 4}]) == [4, {"a": 6}]
    assert nest.map_structure(lambda x, y: x + y, [1, 2], (3, 4), check_types=False) == [4, 6]
    assert nest.map_structure(lambda x: x, 3) == 3
    assert nest.map_structure(lambda *x: x, {"b": 1, "a": 2}, OrderedDict(a=5, b=6)) == {
        "b": (1, 6),
        "a": (2, 5),
    }


def test_map_structure_refuses() -> None:
    with pytest.raises(ValueError, match="at least one structure"):
        nest.map_structure(lambda x: x)
    with pytest.raises(TypeError, match="func must be callable, got: 3"):
        nest.map_structure(3, [1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not: `foo`"):
        nest.map_structure(lambda x: x, [1], foo=3)
    with pytest.raises(TypeError, match="same sequence type"):
        nest.map_structure(lambda x, y: x, [1, 2], (3, 4))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 2], [3, 4]),
        (3, 4),
        ({"a": 1}, OrderedDict(a=1)),
        ({"a": 1}, defaultdict(int, a=1)),
        (Pair(1, 2), collections.namedtuple("Pair", "a b")(1, 2)),
        (AttrsLike(1, 2), AttrsLike(3, 4)),
        (Custom("m", 1), Custom("n", 1)),
    ],
)
def test_same_structure(first: Any, second: Any) -> None:
    nest.assert_same_structure(first, second)


@pytest.mark.parametrize(
    ("first", "second", "error", "text"),
    [
        ([1, 2], [3], ValueError, "same number of elements"),
        ([1, 2], 3, ValueError, 'Substructure "type=list'),
        (3, [1, 2], ValueError, 'Substructure "type=list'),
        ([1, [2]], [[1], 2], ValueError, "is a sequence"),
        ("abc", [1], ValueError, "is a sequence"),
        ([1, 2], np.array([1, 2]), ValueError, "is a sequence"),
        ([1, [2, 3]], [1, [2]], ValueError, "same number of elements"),
        ({"a": 1}, {"b": 1}, ValueError, "same set of keys"),
        ({"a": 1}, {"a": 1, "b": 2}, ValueError, "same set of keys"),
        ([1], (1,), TypeError, "same sequence type"),
        ([1], range(1), TypeError, "same sequence type"),
        (Pair(1, 2), collections.namedtuple("Other", "a b")(1, 2), TypeError, "same sequence type"),
        (Pair(1, 2), collections.namedtuple("Pair", "a c")(1, 2), TypeError, "same sequence type"),
        (Pair(1, 2), (1, 2), TypeError, "same sequence type"),
    ],
)
def test_different_structures(first: Any, second: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match="don't have the same nested structure") as raised:
        nest.assert_same_structure(first, second)
    assert text in str(raised.value)


def test_same_structure_without_types() -> None:
    nest.assert_same_structure([1], (1,), check_types=False)
    nest.assert_same_structure({"a": 1}, {"b": 1}, check_types=False)


def test_paths() -> None:
    structure = [1, {"a": 2, "b": [3]}, Pair(4, 5), AttrsLike(6, 7)]
    paths = [(0,), (1, "a"), (1, "b", 0), (2, "a"), (2, "b"), (3, "x"), (3, "y")]
    assert list(nest.yield_flat_paths(structure)) == paths
    assert nest.flatten_with_tuple_paths(structure) == list(zip(paths, range(1, 8), strict=True))
    assert nest.flatten_with_joined_string_paths([1, {"a": [2]}]) == [("0", 1), ("1/a/0", 2)]
    assert nest.flatten_with_joined_string_paths([1, {"a": [2]}], separator=".")[1] == ("1.a.0", 2)
    assert nest.flatten_with_joined_string_paths(3) == [("", 3)]
    assert nest.map_structure_with_paths(lambda p, x: (p, x), [1, {"a": 2}]) == [("0", 1), {"a": ("1/a", 2)}]
    assert nest.map_structure_with_tuple_paths(lambda p, x: p, [1, {"a": 2}]) == [(0,), {"a": (1, "a")}]


def test_up_to() -> None:
    assert nest.flatten_up_to([1, [2]], [[3], [4]]) == [[3], 4]
    assert nest.flatten_up_to(1, [2]) == [[2]]
    assert nest.flatten_up_to([1, 2], (1, 2), check_types=False) == [1, 2]
    assert nest.flatten_with_tuple_paths_up_to([1, {"a": 2}], [[3], {"a": 4}]) == [((0,), [3]), ((1, "a"), 4)]
    mapped = nest.map_structure_up_to([1, 2], lambda a, b: (a, b), [[1], 2], [3, [4]])
    assert mapped == [([1], 3), (2, [4])]


@pytest.mark.parametrize(
    ("shallow", "deep", "error", "text"),
    [
        ([1, 2], [[3], [4], 5], ValueError, "same sequence length. Input structure has length 3"),
        ([1, 2], 3, TypeError, "input must also be a sequence"),
        ([1, 2], (1, 2), TypeError, "same sequence type"),
        ({"a": 1}, {"a": [1], "b": 2}, ValueError, "same sequence length"),
        ({"a": 1}, {"b": 2}, ValueError, r"not in the input_tree: \['a'\]"),
        ([[1]], [2], TypeError, "input must also be a sequence"),
    ],
)
def test_up_to_refuses(shallow: Any, deep: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        nest.flatten_up_to(shallow, deep)
    with pytest.raises(error, match=text):
        nest.assert_shallow_structure(shallow, deep)


def test_traverse_shallow_structure() -> None:
    decide = lambda part: isinstance(part, list | dict)  # noqa: E731
    assert nest.get_traverse_shallow_structure(decide, [1, (2, 3), {"a": [4]}]) == [
        False,
        False,
        {"a": [False]},
    ]
    by_child = lambda part: [True, False] if isinstance(part, list) else False  # noqa: E731
    assert nest.get_traverse_shallow_structure(by_child, [[1, 2], [3, 4]]) == [[False, False], False]
    with pytest.raises(TypeError, match="non-bool scalar: 3"):
        nest.get_traverse_shallow_structure(lambda part: 3, [[1], [2]])


def test_dictionary_items() -> None:
    assert nest.flatten_dict_items({"a": 1, ("b", "c"): (2, 3)}) == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(ValueError, match="Key had 2 elements, but value had 3 elements"):
        nest.flatten_dict_items({("b", "c"): (2, 3, 4)})
    with pytest.raises(ValueError, match="not unique: b"):
        nest.flatten_dict_items({("b", "c"): (2, 3), "b": 1})
    with pytest.raises(TypeError, match="must be a dictionary"):
        nest.flatten_dict_items([1])


def test_list_to_tuple_and_sequence_like() -> None:
    assert nest.list_to_tuple([1, [2, (3,)], {"a": [4]}]) == (1, (2, (3,)), {"a": (4,)})
    assert nest.sequence_like((1, 2), [3, 4]) == (3, 4)
    with pytest.raises(TypeError):
        nest.sequence_like(1, [3])


def test_composites_are_nodes_only_when_expanded() -> None:
    value = TwoParts("values", "splits")
    assert nest.flatten([value]) == [value]
    assert nest.flatten([value, 1], expand_composites=True) == ["values", "splits", 1]
    assert nest.flatten(value._type_spec, expand_composites=True) == [
        TensorSpec([2]),
        TensorSpec([], "int32"),
    ]
    assert nest.is_nested_or_composite(value)
    assert not nest.is_nested(value)
    paths = list(nest.yield_flat_paths([value], expand_composites=True))
    assert paths == [(0, "TwoParts", 0), (0, "TwoParts", 1, "s")]
    packed = nest.pack_sequence_as([value], ["v", "s"], expand_composites=True)[0]
    assert (type(packed), packed.values, packed.splits) == (TwoParts, "v", "s")
    from_spec = nest.pack_sequence_as(value._type_spec, ["v", "s"], expand_composites=True)
    assert (type(from_spec), from_spec.values) == (TwoParts, "v")
    mapped = nest.map_structure(str.upper, value, expand_composites=True)
    assert (mapped.values, mapped.splits) == ("VALUES", "SPLITS")


def test_composites_are_compared_by_spec() -> None:
    value = TwoParts(1, 2)
    nest.assert_same_structure([value], [value._type_spec], expand_composites=True)
    nest.assert_same_structure(value, TwoParts(1, 2, size=3), expand_composites=True)
    with pytest.raises(ValueError, match="is a sequence"):
        nest.assert_same_structure(value, 1, expand_composites=True)
    with pytest.raises(ValueError, match="Incompatible CompositeTensor TypeSpecs"):
        nest.assert_same_structure(value, Other(), expand_composites=True)


class OtherSpec(TwoPartsSpec):
    pass


class Other(TwoParts):
    def __init__(self) -> None:
        super().__init__(1, 2)

    @property
    def _type_spec(self) -> TwoPartsSpec:
        return OtherSpec(TensorShape([2]))


def test_a_class_can_stay_a_leaf() -> None:
    class Leaf(TwoParts):
        _is_nest_leaf = True

    leaf = Leaf(1, 2)
    assert nest.flatten([leaf], expand_composites=True) == [leaf]


@pytest.mark.parametrize("structure", [1, (1, 2), {"b": 1, "a": 2}, ()])
def test_a_packer_packs_as_pack_does(structure: Any) -> None:
    pack = nest.flat_packer(structure, lambda leaf: isinstance(leaf, int))
    assert pack is not None
    items = ["x", "y"][: len(nest.flatten(structure))]
    packed = pack(items)
    assert packed == nest.pack_sequence_as(structure, items)
    if isinstance(structure, dict):
        assert list(packed) == list(structure)


@pytest.mark.parametrize("structure", [[1], (1, (2,)), OrderedDict(a=1), Pair(1, 2), ("x", 1), None])
def test_a_packer_is_for_flat_structures_of_leaves(structure: Any) -> None:
    assert nest.flat_packer(structure, lambda leaf: isinstance(leaf, int)) is None
