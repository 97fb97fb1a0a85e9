"""Checks that any structure of fetches comes back in its own shape."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import tideflow.v1 as tf

Pair = collections.namedtuple("Pair", "first second")


@pytest.fixture
def session(graph):
    x = tf.constant(1.0, name="x")
    tf.add(x, 1.0, name="y")
    tf.no_op(name="nothing")
    with tf.Session() as session:
        yield session


def test_structures_come_back_as_they_were(session, graph) -> None:
    x, y = graph.get_tensor_by_name("x:0"), graph.get_tensor_by_name("y:0")
    nothing = graph.get_operation_by_name("nothing")
    ordered = collections.OrderedDict([("b", y), ("a", [x, {"deep": (y,)}])])
    for fetch, expected in [
        (x, 1.0),
        ("y:0", 2.0),
        (nothing, None),
        ("nothing", None),
        ([x, y, x], [1.0, 2.0, 1.0]),
        ((x, y), (1.0, 2.0)),
        (Pair(x, nothing), Pair(1.0, None)),
        ({"a": x, "b": [y]}, {"a": 1.0, "b": [2.0]}),
        (ordered, collections.OrderedDict([("b", 2.0), ("a", [1.0, {"deep": (2.0,)}])])),
        ([], []),
        ((), ()),
        ({}, {}),
    ]:
        for _ in range(2):  # planned, and from what was kept
            result = session.run(fetch)
            assert result == expected
            assert type(result) is (type(expected) if not isinstance(expected, float) else np.float32)


def test_equal_structures_of_different_kinds_are_told_apart(session, graph) -> None:
    x, y = graph.get_tensor_by_name("x:0"), graph.get_tensor_by_name("y:0")
    for fetch in ([x, y], (x, y), Pair(x, y), [(x, y), x], [[x, y], x], [Pair(x, y), x]):
        for _ in range(2):
            result = session.run(fetch)
            assert type(result) is type(fetch)
            assert type(result[0]) is (type(fetch[0]) if isinstance(fetch[0], list | tuple) else np.float32)


def test_variables_and_slices(graph) -> None:
    table = tf.Variable(np.arange(6.0, dtype=np.float32).reshape(3, 2))
    gradient = tf.gradients(tf.gather(table, [2, 0]), table)[0]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(table)[1], [2.0, 3.0])
        slices = session.run(gradient)
    assert slices.indices.tolist() == [2, 0]
    assert slices.values.shape == (2, 2)
    assert slices.dense_shape.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("fetch", "kind", "message"),
    [
        (None, TypeError, "Cannot be None"),
        (["x:0", None], TypeError, "Cannot be None"),
        (3, TypeError, "must be a string or Tensor"),
        ("nope:0", ValueError, "cannot be interpreted as a Tensor"),
        ("nope", ValueError, "not in the graph"),
    ],
)
def test_what_cannot_be_fetched(session, fetch, kind, message) -> None:
    with pytest.raises(kind, match=message):
        session.run(fetch)


def test_a_tensor_of_another_graph_cannot_be_fetched(session) -> None:
    with tf.Graph().as_default():
        stranger = tf.constant(1.0)
    with pytest.raises(ValueError, match="is not an element of this graph"):
        session.run(stranger)


def test_what_is_marked_unfetchable(session, graph) -> None:
    x = graph.get_tensor_by_name("x:0")
    graph.prevent_fetching(x.op)
    with pytest.raises(ValueError, match="not fetchable"):
        session.run(x)
