"""Tests of ``TensorShape`` and ``Dimension``; the expected values are TensorFlow 2.21's."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tideflow._src.core import tensor_shape
from tideflow._src.core.tensor_shape import Dimension, TensorShape, broadcast_static_shape


@pytest.fixture
def v1_behavior() -> Iterator[None]:
    tensor_shape.set_v2_behavior(False)
    yield
    tensor_shape.set_v2_behavior(True)


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        ([2, 2], "TensorShape([2, 2])"),
        (None, "TensorShape(None)"),
        ([], "TensorShape([])"),
        ([None, 3], "TensorShape([None, 3])"),
        (5, "TensorShape([5])"),
        (np.array([2, 3]), "TensorShape([2, 3])"),
        (np.int64(3), "TensorShape([3])"),
        (np.array(3), "TensorShape([3])"),
        ([Dimension(3), Dimension(None)], "TensorShape([3, None])"),
        (Dimension(3), "TensorShape([3])"),
        (TensorShape([1]), "TensorShape([1])"),
        (range(3), "TensorShape([0, 1, 2])"),
        ([10**30], "TensorShape([1000000000000000000000000000000])"),
    ],
)
def test_creation(dims: Any, expected: str) -> None:
    assert repr(TensorShape(dims)) == expected


@pytest.mark.parametrize("dims", ["ab", "5", 2.0, [2.0], [[1]], ["3"], object(), [None, "a"]])
def test_creation_refuses_what_is_no_size(dims: Any) -> None:
    with pytest.raises(TypeError):
        TensorShape(dims)


@pytest.mark.parametrize("dims", [[-1], (3, -5), -2])
def test_creation_refuses_negative_sizes(dims: Any) -> None:
    with pytest.raises(ValueError, match="must be >= 0"):
        TensorShape(dims)


def test_creation_from_a_proto() -> None:
    proto = SimpleNamespace(unknown_rank=False, dim=[SimpleNamespace(size=3), SimpleNamespace(size=-1)])
    assert TensorShape(proto)._dims == (3, None)
    assert TensorShape(SimpleNamespace(unknown_rank=True, dim=[])) == TensorShape(None)


@pytest.mark.parametrize(("dims", "text"), [([None, 3], "(None, 3)"), ([3], "(3,)"), ([], "()"), (None, "<unknown>")])
def test_text(dims: Any, text: str) -> None:
    assert str(TensorShape(dims)) == text


def test_equality() -> None:
    assert TensorShape([1, None]) == TensorShape([1, None])
    assert TensorShape([1, 2]) == [1, 2]
    assert TensorShape([1, 2]) == (1, 2)
    assert TensorShape([1]) == 1
    assert TensorShape(None) == TensorShape(None)
    assert TensorShape(None) == None  # noqa: E711
    assert TensorShape([1]) != None  # noqa: E711
    assert TensorShape([1]) != [None]
    assert TensorShape([1]) != "a"
    assert TensorShape([1]) != object()
    assert hash(TensorShape([1, 2])) == hash(TensorShape((1, 2)))
    assert TensorShape([1, 2]) in [(1, 2)]


def test_as_a_sequence() -> None:
    shape = TensorShape([1, None, 3])
    assert list(shape) == [1, None, 3]
    assert (len(shape), bool(shape), bool(TensorShape([])), bool(TensorShape(None))) == (3, True, True, False)
    assert (shape[0], shape[1], shape[-1]) == (1, None, 3)
    assert shape[1:] == TensorShape([None, 3])
    with pytest.raises(IndexError):
        shape[5]
    with pytest.raises(TypeError):
        shape["a"]
    with pytest.raises(ValueError, match="length"):
        len(TensorShape(None))
    with pytest.raises(ValueError, match="iterate"):
        iter(TensorShape(None))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (slice(1, None), None),
        (slice(1, 3), [None, None]),
        (slice(None, -1), None),
        (slice(-2, None), None),
        (slice(2, -1), None),
        (slice(3, 1), []),
    ],
)
def test_slices_of_an_unknown_rank(key: slice, expected: Any) -> None:
    assert repr(TensorShape(None)[key]) == repr(TensorShape(expected))
    with pytest.raises(ValueError, match="Steps"):
        TensorShape(None)[::-1]


def test_concatenation() -> None:
    assert TensorShape([1, 2]) + [3] == [1, 2, 3]
    assert [3] + TensorShape([1, 2]) == [3, 1, 2]
    assert TensorShape([1]) + 3 == [1, 3]
    assert (TensorShape([1]) + TensorShape(None)).rank is None


def test_counting() -> None:
    assert TensorShape([2, 3]).num_elements() == 6
    assert TensorShape([]).num_elements() == 1
    assert TensorShape([2, None]).num_elements() is None
    assert TensorShape(None).num_elements() is None
    assert TensorShape([2, 3]).rank == TensorShape([2, 3]).ndims == 2
    assert TensorShape([2, None]).as_list() == [2, None]
    with pytest.raises(ValueError, match="as_list"):
        TensorShape(None).as_list()
    assert TensorShape([2, None]).dims is not None
    assert repr(TensorShape([2, None]).dims) == "[Dimension(2), Dimension(None)]"
    assert TensorShape(None).dims is None


def test_merging() -> None:
    assert TensorShape([1, None]).merge_with([None, 2]) == [1, 2]
    assert TensorShape([1, 2]).merge_with(None) == [1, 2]
    assert TensorShape(None).merge_with([1]) == [1]
    with pytest.raises(ValueError, match=r"Shapes \(1, 2\) and \(3, 2\) are not compatible"):
        TensorShape([1, 2]).merge_with([3, 2])
    with pytest.raises(ValueError, match="not compatible"):
        TensorShape([1, 2]).merge_with([3])


def test_common_shapes_and_subtypes() -> None:
    shape = TensorShape([1, 2])
    assert shape.most_specific_compatible_shape([1, 3]) == [1, None]
    assert shape.most_specific_compatible_shape([1]).rank is None
    assert shape.most_specific_common_supertype([TensorShape([1, 3]), TensorShape([2, 2])]) == [None, None]
    assert shape.is_subtype_of(TensorShape([None, 2]))
    assert shape.is_subtype_of(TensorShape(None))
    assert not TensorShape([1, None]).is_subtype_of(TensorShape([None, 2]))
    assert not TensorShape(None).is_subtype_of(TensorShape([1]))
    assert not shape.is_subtype_of([1, 2])


def test_compatibility_and_assertions() -> None:
    shape = TensorShape([1, 2])
    assert shape.is_compatible_with([None, 2])
    assert not shape.is_compatible_with(3)
    assert TensorShape(None).is_compatible_with([1])
    shape.assert_is_compatible_with([1, None])
    shape.assert_has_rank(2)
    shape.assert_same_rank(None)
    shape.assert_is_fully_defined()
    for call in (
        lambda: shape.assert_is_compatible_with([1]),
        lambda: shape.assert_has_rank(1),
        lambda: shape.assert_same_rank([1]),
        lambda: TensorShape([1, None]).assert_is_fully_defined(),
        lambda: TensorShape(None).assert_is_fully_defined(),
    ):
        with pytest.raises(ValueError, match="Shape"):
            call()


def test_ranks() -> None:
    assert repr(TensorShape(None).with_rank(2)) == "TensorShape([None, None])"
    assert TensorShape([1, 2]).with_rank(2).with_rank_at_least(1).with_rank_at_most(2) == [1, 2]
    with pytest.raises(ValueError, match="must have rank 3"):
        TensorShape([1, 2]).with_rank(3)
    with pytest.raises(ValueError, match="must have rank at least 3"):
        TensorShape([1, 2]).with_rank_at_least(3)
    with pytest.raises(ValueError, match="must have rank at most 1"):
        TensorShape([1, 2]).with_rank_at_most(1)


def test_v1_behavior(v1_behavior: None) -> None:
    shape = TensorShape([2, None])
    assert repr(shape) == "TensorShape([Dimension(2), Dimension(None)])"
    assert str(shape) == "(2, ?)"
    assert repr(list(shape)) == "[Dimension(2), Dimension(None)]"
    assert isinstance(shape[0], Dimension)
    assert shape[0].value == 2
    assert repr(TensorShape(None)[0]) == "Dimension(None)"
    assert shape[:1].as_list() == [2]


def test_pickling() -> None:
    for dims in (None, [], [1, None]):
        assert pickle.loads(pickle.dumps(TensorShape(dims))) == TensorShape(dims)
    assert pickle.loads(pickle.dumps(Dimension(3))).value == 3


def test_module_functions() -> None:
    assert tensor_shape.unknown_shape().rank is None
    assert tensor_shape.unknown_shape(2).as_list() == [None, None]
    assert tensor_shape.dimension_value(Dimension(3)) == 3
    assert tensor_shape.dimension_value(None) is None
    assert tensor_shape.dimension_at_index(TensorShape([4, None]), 0).value == 4
    assert tensor_shape.dimension_at_index(TensorShape(None), -1).value is None
    assert tensor_shape.as_shape([1]) == [1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((2, 1), (3,), (2, 3)),
        ((2, None), (3,), (2, 3)),
        ((2, None), (1,), (2, None)),
        ((2, None), (None,), (2, None)),
        ((2, None), None, None),
        ((), (3,), (3,)),
        ((5,), (5,), (5,)),
        ((None, 1), (7, 1, 4), (7, None, 4)),
        ((0,), (1,), (0,)),
    ],
)
def test_broadcasting(first: Any, second: Any, expected: Any) -> None:
    assert broadcast_static_shape(first, second) == expected
    assert broadcast_static_shape(second, first) == expected


def test_broadcasting_refuses() -> None:
    with pytest.raises(ValueError, match=r"Received: \(2, 4\) and \(3,\)"):
        broadcast_static_shape((2, 4), (3,))


def test_dimension_arithmetic() -> None:
    three, unknown = Dimension(3), Dimension(None)
    assert [(three + 2).value, (2 + three).value, (three - 2).value, (5 - three).value] == [5, 5, 1, 2]
    assert [(three * 2).value, (three // 2).value, (7 // three).value, (three % 2).value] == [6, 1, 2, 1]
    for result in (three + unknown, three * None, three // unknown, unknown % 2):
        assert result.value is None
    assert range(5)[three] == 3
    assert int(three) == 3
    with pytest.raises(ValueError, match="must be >= 0"):
        three - 5
    with pytest.raises(TypeError, match="please use // instead"):
        three / 2
    with pytest.raises(TypeError, match="please use // instead"):
        2 / three
    with pytest.raises(TypeError):
        three + "a"
    with pytest.raises(ZeroDivisionError):
        three // 0
    with pytest.raises(TypeError):
        int(unknown)
    with pytest.raises(TypeError, match="unhashable"):
        hash(three)


def test_dimension_comparison() -> None:
    three, unknown = Dimension(3), Dimension(None)
    assert (three == 3, three != 4, three < 4, three >= 3, three == "a") == (True, True, True, True, False)
    assert (three == unknown, unknown == unknown, three < unknown, three == None) == (None,) * 4  # noqa: E711
    with pytest.raises(TypeError):
        three < "a"  # noqa: B015
    assert (str(three), str(unknown), repr(unknown)) == ("3", "?", "Dimension(None)")


def test_dimension_merging() -> None:
    assert Dimension(3).merge_with(None).value == Dimension(None).merge_with(3).value == 3
    assert Dimension(3).is_compatible_with(None)
    assert not Dimension(3).is_compatible_with(4)
    with pytest.raises(ValueError, match="Dimensions 3 and 4 are not compatible"):
        Dimension(3).merge_with(4)


@pytest.mark.parametrize("value", ["3", 2.0])
def test_dimension_refuses(value: Any) -> None:
    with pytest.raises(TypeError, match="Dimension value must be integer"):
        Dimension(value)
