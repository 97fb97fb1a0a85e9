"""Structures as ``StructuredValue`` messages."""

from __future__ import annotations

import collections

import pytest

import tideflow as tf
from tideflow._src.graph import protos
from tideflow._src.saved_model import structures

Point = collections.namedtuple("Point", ["x", "y"])

VALUES = [
    None,
    True,
    -(1 << 63),
    2.5,
    "text",
    tf.int8,
    tf.TensorShape(None),
    tf.TensorShape([None, 3]),
    tf.TensorSpec([None, 2], tf.string, name="lines"),
    tf.TensorSpec(None, tf.float32),
    [1, (2, [3.0, None])],
    {"b": (), "a": {"c": []}},
    tf.SparseTensorSpec([None, 2], tf.int64),
    tf.RaggedTensorSpec([None, None], tf.float32),
    tf.IndexedSlicesSpec([3, 2], tf.float32),
    tf.TensorArraySpec([2], tf.float32),
    tf.OptionalSpec(tf.TensorSpec([])),
    tf.data.DatasetSpec(tf.TensorSpec([2], tf.int32)),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back(value):
    message = structures.encode(value)
    assert structures.decode(protos.get("StructuredValue").FromString(message.SerializeToString())) == value


def test_named_tuples_come_back_as_named_tuples():
    back = structures.decode(structures.encode(Point(1, [2])))
    assert (type(back).__name__, back.x, back.y) == ("Point", 1, [2])


@pytest.mark.parametrize("value", [object(), {1: 2}, 1 << 63, [set()]], ids=["object", "key", "number", "inside"])
def test_what_has_no_form_is_refused(value):
    assert not structures.can_encode(value)
    with pytest.raises(structures.NotEncodableError, match="No encoder for"):
        structures.encode(value)


def test_specs_that_are_not_known_are_refused():
    message = structures.encode(tf.SparseTensorSpec([2], tf.int8))
    message.type_spec_value.type_spec_class = 12
    message.type_spec_value.type_spec_class_name = "os.system"
    with pytest.raises(ValueError, match="has not been registered"):
        structures.decode(message)
    message.type_spec_value.type_spec_class = 77
    with pytest.raises(ValueError, match="not supported by this version"):
        structures.decode(message)


def test_nesting_is_bounded():
    message = inner = protos.get("StructuredValue")()
    for _ in range(70):
        inner = inner.list_value.values.add()
    with pytest.raises(ValueError, match="nested"):
        structures.decode(message)
