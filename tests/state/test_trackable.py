"""Objects that know by name what they depend on."""

from __future__ import annotations

import collections
import copy
import json
import pickle
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.state.autotrackable import AutoTrackable
from tideflow._src.state.trackable import NoDependency, Trackable, no_automatic_dependency_tracking
from tideflow._src.state.tracked_structures import ListWrapper, _DictWrapper, _TupleWrapper


def test_attributes_are_dependencies_under_their_names():
    owner = AutoTrackable()
    owner.weight = tf.Variable(1.0)
    owner.part = AutoTrackable()
    owner.number = 3
    assert owner._trackable_children() == {"weight": owner.weight, "part": owner.part}


def test_another_value_takes_the_place_of_a_dependency_and_deleting_the_attribute_ends_it():
    owner = AutoTrackable()
    owner.part = AutoTrackable()
    owner.part = second = AutoTrackable()
    assert owner._trackable_children() == {"part": second}
    del owner.part
    assert owner._trackable_children() == {}


def test_a_name_stands_for_one_object_only():
    owner = Trackable()
    owner._track_trackable(Trackable(), "part")
    with pytest.raises(ValueError, match="already declared as a dependency"):
        owner._track_trackable(Trackable(), "part")
    with pytest.raises(TypeError, match="only be used to track objects of type Trackable"):
        owner._track_trackable(3, "number")


def test_structures_of_attributes_depend_on_their_elements():
    owner = AutoTrackable()
    variable = tf.Variable(1.0)
    owner.nested = [1, {"key": (variable, 2)}]
    assert type(owner.nested) is ListWrapper
    assert type(owner.nested[1]) is _DictWrapper and isinstance(owner.nested[1], dict)
    assert type(owner.nested[1]["key"]) is _TupleWrapper and isinstance(owner.nested[1]["key"], tuple)
    assert owner.nested[1]["key"]._trackable_children() == {"0": variable}
    assert tf.nest.flatten(owner.nested) == [1, variable, 2]
    assert owner.nested.variables == [variable]


def test_a_dictionary_that_is_tracked_is_made_of_pairs_too():
    assert _DictWrapper() == {} and type(_DictWrapper().__wrapped__) is dict
    assert _DictWrapper((key, [key]) for key in "ab") == {"a": ["a"], "b": ["b"]}


def test_a_tuple_without_dependencies_stays_as_it_is():
    pair = collections.namedtuple("pair", "a b")
    owner = AutoTrackable()
    owner.plain, owner.named, owner.tracked = (1, 2), pair(1, 2), pair(tf.Variable(1.0), 2)
    assert type(owner.plain) is tuple and type(owner.named) is pair
    assert type(owner.tracked) is _TupleWrapper and owner.tracked.b == 2 and isinstance(owner.tracked, pair)


def test_a_wrapper_and_what_it_wraps_change_together():
    owner = AutoTrackable()
    owner.list, owner.dict = numbers, words = [1], {"a": 1}
    numbers.append(2)
    owner.list.append(3)
    words["b"] = 2
    owner.dict["c"] = 3
    assert owner.list == numbers == [1, 2, 3] and len(owner.list) == 3
    assert owner.dict == words == {"a": 1, "b": 2, "c": 3}
    assert json.dumps(owner.list) == "[1, 2, 3]"


def test_a_list_that_is_not_only_appended_to_cannot_be_saved():
    owner = AutoTrackable()
    owner.parts = [Trackable(), Trackable()]
    owner.parts.append(Trackable())
    assert sorted(owner.parts._trackable_children()) == ["0", "1", "2"]
    del owner.parts[0]
    with pytest.raises(ValueError, match="append-only"):
        owner.parts._trackable_children()


def test_wrappers_are_copied_and_pickled_as_wrappers():
    owner = AutoTrackable()
    owner.list, owner.dict = [1, [2]], {"a": {"b": 1}}
    for wrapper in (owner.list, owner.dict):
        for other in (copy.copy(wrapper), copy.deepcopy(wrapper), pickle.loads(pickle.dumps(wrapper))):
            assert type(other) is type(wrapper) and other == wrapper


def test_nothing_is_tracked_where_the_object_says_so():
    class Quiet(AutoTrackable):
        @no_automatic_dependency_tracking
        def __init__(self):
            self.untracked = [Trackable()]

    owner = Quiet()
    owner.wrapped = NoDependency([Trackable()])
    assert type(owner.untracked) is list and type(owner.wrapped) is list
    assert owner._trackable_children() == {}


def test_variables_are_trackable_and_count_as_tensors():
    from tideflow._src.core.tensor import TensorProtocol

    variable = tf.Variable(1.0)
    assert isinstance(variable, Trackable) and isinstance(variable, TensorProtocol)
    assert isinstance(tf.constant(1.0), TensorProtocol)


def test_an_object_that_declares_itself_a_tensor_is_one_for_is_tensor_and_operations():
    from tideflow._src.core.tensor import TensorProtocol

    class Mine(TensorProtocol):
        dtype = "int64"  # a name, as other packages have it

        def __tf_tensor__(self, dtype=None, name=None):
            return tf.constant([1, 2], tf.int64)

    assert tf.is_tensor(Mine())
    assert tf.cast(Mine(), tf.float32).dtype == tf.float32
    assert tf.add(Mine(), [1, 1]).dtype == tf.int64
    assert tf.stack([Mine(), [3, 4]]).numpy().tolist() == [[1, 2], [3, 4]]


def test_rows_whose_description_fails_are_tensors_even_so():
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), (3, 2))  # the shape is no tensor
    assert tf.is_tensor(rows) and rows.shape == [3, 2]


def test_what_is_made_of_tensors_is_not_all_a_tensor():
    class Pair(tf.experimental.ExtensionType):
        left: tf.Tensor

    dataset = tf.data.Dataset.range(3)
    tensors = [
        tf.ragged.constant([[1], []]),
        tf.SparseTensor([[0]], [1], [2]),
        tf.IndexedSlices(tf.constant([1.0]), tf.constant([0])),
        tf.Variable(1.0),
    ]
    others = [
        dataset,
        iter(dataset),
        tf.experimental.Optional.from_value(1),
        Pair(tf.constant(1)),
        tf.linalg.LinearOperatorIdentity(2),
        tf.experimental.RowPartition.from_row_splits([0, 1]),
        tf.TensorSpec([1]),
        [tf.constant(1)],
    ]
    assert all(map(tf.is_tensor, tensors)) and not any(map(tf.is_tensor, others))


def test_lists_grow_by_themselves_and_by_many() -> None:
    owner = AutoTrackable()
    plain: list[Any] = [1, 2]
    owner.items = plain
    owner.items.extend(owner.items)
    owner.items += owner.items
    assert owner.items == [1, 2] * 4 == plain
    assert tuple(owner.items) == tuple(plain)  # C code sees the same
    copies = []
    snapshot = owner.items._last_wrapped_list_snapshot
    for number in range(5):
        owner.items.append(number)
        copies.append(owner.items._last_wrapped_list_snapshot)
    assert all(each is snapshot for each in copies)  # nothing was copied for an element


def test_lists_that_were_changed_behind_their_wrapper_are_not_saved() -> None:
    owner = AutoTrackable()
    plain: list[Any] = [tf.Variable(1.0)]
    owner.items = plain
    plain.append(tf.Variable(2.0))
    owner.items.append(tf.Variable(3.0))
    assert len(owner.items) == 3
    assert owner.items[1] is plain[1]
    with pytest.raises(ValueError, match="modified outside the wrapper"):
        owner.items._trackable_children()


def test_a_view_walks_for_its_own_type_of_saving() -> None:
    """Keras finds the tables of a model in this way before it exports it."""

    class Owner(AutoTrackable):
        def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
            return {"table": child} if save_type == "savedmodel" else {}

    class View(tf.train.TrackableView):
        @classmethod
        def children(cls, obj: Any, save_type: str = "savedmodel", **kwargs: Any) -> dict[str, Any]:
            return super().children(obj, save_type, **kwargs)

    child, owner = AutoTrackable(), Owner()
    assert View(owner).descendants() == [owner, child]
    assert tf.train.TrackableView(owner).descendants() == [owner]
    function = tf.function(lambda x: x)
    function(1.0)
    owner = AutoTrackable()
    owner.call = function
    assert [type(each).__name__ for each in View(owner).descendants()] == [
        "AutoTrackable",
        "TracedFunction",
        "ConcreteFunction",
    ]
