"""Structured tensors: records of named fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.composite.structured_tensor import structured_tensor_spec

StructuredTensor = tf.experimental.StructuredTensor
RowPartition = tf.experimental.RowPartition

PEOPLE = [
    {"age": 30, "scores": [1, 2], "inside": {"y": [1.0]}},
    {"age": 40, "scores": [], "inside": {"y": []}},
]
NESTED = [[{"x": 1}, {"x": 2}], [], [{"x": 3}]]
DEEP = [{"x": [[1, 2], [3]], "r": [{"f": 1}, {"f": 2}]}, {"x": [], "r": []}]


@pytest.mark.parametrize(
    "value",
    [PEOPLE, NESTED, DEEP, {"x": 1, "y": [1, 2], "z": [{"q": 1}], "s": b"abc"}, [{}, {}], [[{}], []], {}],
)
def test_values_of_python_and_back(value: Any) -> None:
    assert StructuredTensor.from_pyval(value).to_pyval() == value


def test_what_it_is() -> None:
    people = StructuredTensor.from_pyval(PEOPLE)
    assert (people.rank, people.shape, people.nrows().numpy()) == (1, [2], 2)
    assert people.field_names() == ("age", "scores", "inside")
    assert people.field_value(("inside", "y")).to_list() == [[1.0], []]
    nested = StructuredTensor.from_pyval(NESTED)
    assert nested.shape.as_list() == [3, None]
    assert nested.row_partitions[0].row_splits().numpy().tolist() == [0, 2, 2, 3]
    assert repr(nested) == (
        '<StructuredTensor(\n    fields={\n        "x": <tf.RaggedTensor [[1, 2], [], [3]]>},\n    shape=(3, None))>'
    )
    assert repr(nested._type_spec) == (
        "StructuredTensor.Spec(_fields={'x': RaggedTensorSpec(TensorShape([3, None]), tf.int32, 1, tf.int64)}, "
        "_ragged_shape=DynamicRaggedShape.Spec(row_partitions=(RowPartitionSpec(nrows=3, nvals=3, "
        "uniform_row_length=None, dtype=tf.int64),), static_inner_shape=TensorShape([3]), dtype=tf.int64))"
    )
    with pytest.raises(KeyError, match="unknown"):
        people.field_value("unknown")
    with pytest.raises(KeyError, match="Field path"):
        people.field_value(("inside", "y", "z"))


def test_parts() -> None:
    people, nested = StructuredTensor.from_pyval(PEOPLE), StructuredTensor.from_pyval(NESTED)
    assert people[1].to_pyval() == PEOPLE[1]
    assert people[1:].to_pyval() == PEOPLE[1:]
    assert people[0, "age"].numpy() == 30
    assert people[:, "scores"].to_list() == [[1, 2], []]
    assert people[0, "inside", "y"].numpy().tolist() == [1.0]
    assert nested[0].to_pyval() == NESTED[0]
    assert nested[:, 0:1].to_pyval() == [[{"x": 1}], [], [{"x": 3}]]
    assert nested[0, 1, "x"].numpy() == 2
    scalar = StructuredTensor.from_pyval({"x": 1, "y": [1, 2]})
    assert scalar["y", 0].numpy() == 1
    assert scalar[:]["x"].numpy() == 1
    with pytest.raises(ValueError, match="must be a string or a full slice"):
        scalar[0]
    with pytest.raises(ValueError, match=r"Slicing not supported for tf\.newaxis"):
        people[tf.newaxis]


def test_dimensions() -> None:
    nested = StructuredTensor.from_pyval(NESTED)
    flat = nested.merge_dims(0, 1)
    assert flat.to_pyval() == [{"x": 1}, {"x": 2}, {"x": 3}]
    assert flat.partition_outer_dimension(RowPartition.from_row_lengths([2, 0, 1])).to_pyval() == NESTED
    uniform = flat.partition_outer_dimension(RowPartition.from_uniform_row_length(3, 3))
    assert uniform.shape == [1, 3]
    with pytest.raises(ValueError, match="less than or equal"):
        nested.merge_dims(1, 0)
    with pytest.raises(TypeError, match="row_partition must be a RowPartition"):
        flat.partition_outer_dimension(3)
    with pytest.raises(ValueError, match="must have rank at least 1"):
        flat[0].partition_outer_dimension(RowPartition.from_row_lengths([1]))


def test_updates() -> None:
    people = StructuredTensor.from_pyval(PEOPLE)
    changed = people.with_updates({"age": None, ("inside", "y"): lambda y: y * 2, "new": [1, 2]})
    assert changed.to_pyval() == [
        {"scores": [1, 2], "inside": {"y": [2.0]}, "new": 1},
        {"scores": [], "inside": {"y": []}, "new": 2},
    ]
    for updates, message in (
        ({"unknown": None}, "cannot delete field"),
        ({"inside": 1, ("inside", "y"): 2}, "both parent and child nodes"),
        ({"new": [1, 2, 3]}, "`StructuredTensor.with_updates` failed"),
        ({("age", "t"): 1}, "that can contain sub-structures"),
        ({"": 1}, "does not allow empty names"),
        ({"w": lambda value: value}, "that field does not already exist"),
        ({("o", "t"): 1}, "is not set"),
    ):
        with pytest.raises(ValueError, match=message):
            people.with_updates(updates)
    deep = StructuredTensor.from_pyval(DEEP).promote(("r", "f"), "up")
    assert [row["up"] for row in deep.to_pyval()] == [[1, 2], []]
    with pytest.raises(ValueError, match="length at least two"):
        deep.promote(("f",), "up")


def test_fields() -> None:
    assert StructuredTensor.from_fields({"x": [1, 2], "y": [[1, 2], [3, 4]]}, shape=[2]).to_pyval() == [
        {"x": 1, "y": [1, 2]},
        {"x": 2, "y": [3, 4]},
    ]
    ragged = tf.ragged.constant([[1, 2], [3]])
    assert StructuredTensor.from_fields({"x": ragged}, shape=[2, None]).rank == 2
    assert StructuredTensor.from_fields_and_rank({"x": [1, 2]}, 1).to_pyval() == [{"x": 1}, {"x": 2}]
    assert StructuredTensor.from_fields({}, shape=[None], nrows=tf.constant(3)).to_pyval() == [{}, {}, {}]
    shape = tf.experimental.DynamicRaggedShape.from_lengths([2, (1, 2)])
    assert StructuredTensor.from_shape(shape).to_pyval() == [[{}], [{}, {}]]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (({"x": [1, 2]}, [3]), ValueError, "are not compatible"),
        (({"x": [1, 2], "y": [1, 2, 3]}, [None]), ValueError, "Error in shape of y"),
        (([1],), TypeError, "fields must be a dictionary, got list"),
        (({1: 1},), TypeError, "Unexpected type for key"),
        (({"a b": 1},), ValueError, "is not currently allowed"),
        (({}, [None]), ValueError, "Must specify `nrows`"),
        (({}, None), ValueError, "must have known rank"),
        (({"x": object()},), TypeError, "Unexpected type for value"),
        (({}, (), 3), ValueError, "nrows must be None"),
        (({}, [None, None]), ValueError, "Must specify row_partitions"),
        (({}, [None], None, [1]), ValueError, "row_partitions must be None"),
    ],
)
def test_fields_that_do_not_fit(arguments: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        StructuredTensor.from_fields(*arguments)


def test_values_that_do_not_fit() -> None:
    with pytest.raises(KeyError):
        StructuredTensor.from_pyval([{"x": 1}, {"y": 2}])
    with pytest.raises(ValueError, match="Inconsistent depth of dictionaries"):
        StructuredTensor.from_pyval([{"x": 1}, [{"x": 2}]])
    with pytest.raises(ValueError, match="Error parsing path"):
        StructuredTensor.from_pyval([{"x": "a"}, {"x": 1}])
    spec = structured_tensor_spec([None], {"x": tf.TensorSpec([None], tf.float32)})
    assert StructuredTensor.from_pyval([{"x": 1}, {"x": 2}], spec).field_value("x").dtype is tf.float32
    assert StructuredTensor.from_pyval([], spec).shape == [0]
    with pytest.raises(ValueError, match="does not match typespec"):
        StructuredTensor.from_pyval([{"y": 1}], spec)
    with pytest.raises(ValueError, match="Rank of field x is 1, but must be at least 2"):
        structured_tensor_spec([None, None], {"x": tf.TensorSpec([None], tf.float32)})


def test_functions() -> None:
    people = StructuredTensor.from_pyval(PEOPLE)
    older = tf.function(lambda t: t.with_updates({"age": t.field_value("age") + 1}))(people)
    assert [row["age"] for row in older.to_pyval()] == [31, 41]
    nested = StructuredTensor.from_pyval(NESTED)
    assert tf.function(lambda t: t.merge_dims(0, 1))(nested).to_pyval() == [{"x": 1}, {"x": 2}, {"x": 3}]
    chosen = tf.function(lambda p, t: tf.cond(p, lambda: t, lambda: t.with_updates({"x": lambda x: x * 2})))
    assert chosen(tf.constant(False), nested).to_pyval()[2] == [{"x": 6}]
    with pytest.raises(ValueError, match="only supported in eager mode"):
        tf.function(lambda t: t.to_pyval())(nested)
    assert (people == people).numpy()
    assert people.with_shape_dtype(tf.int32).field_value("scores").row_splits.dtype is tf.int32


@pytest.mark.parametrize("value", [PEOPLE, NESTED, DEEP, [[{}, {}], [{}]], [[[{"a": 1}], []], [[{"a": 2}, {"a": 3}]]]])
def test_map_fn_takes_records_and_lists_of_them(value: Any) -> None:
    whole = StructuredTensor.from_pyval(value)
    assert tf.map_fn(lambda one: one, whole).to_pyval() == value
    assert tf.function(lambda t: tf.map_fn(lambda one: one, t))(whole).to_pyval() == value


def test_map_fn_over_fields() -> None:
    people, nested = StructuredTensor.from_pyval(PEOPLE), StructuredTensor.from_pyval(NESTED)
    older = tf.map_fn(lambda one: one.field_value("age") + 1, people, fn_output_signature=tf.int32)
    np.testing.assert_array_equal(older, [31, 41])
    np.testing.assert_array_equal(tf.vectorized_map(lambda one: one.field_value("age") + 1, people), [31, 41])
    sums = tf.map_fn(lambda one: tf.reduce_sum(one.field_value("x")), nested, fn_output_signature=tf.int32)
    np.testing.assert_array_equal(sums, [3, 0, 3])
    found = tf.map_fn(lambda one: one.with_updates({"x": lambda x: x * 2}), nested)
    assert found.to_pyval() == [[{"x": 2}, {"x": 4}], [], [{"x": 6}]]


def test_specs_of_batches() -> None:
    spec = StructuredTensor.from_pyval(NESTED)._type_spec
    assert spec._unbatch().shape == [None]
    assert spec._unbatch()._batch(3).shape.as_list() == [3, None]
    assert spec._batch(2).shape.as_list() == [2, 3, None]
    assert spec._batch(None).shape.as_list() == [None, 3, None]
    flat = StructuredTensor.from_pyval(PEOPLE)._type_spec
    assert flat._batch(4).shape.as_list() == [4, 2]
    assert flat._batch(4)._unbatch()._unbatch() == flat._unbatch()
