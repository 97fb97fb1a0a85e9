"""Checks feeds: by tensor or name, of any tensor, converted and checked as TensorFlow 2.21 does."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture
def session(graph):
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    tf.multiply(x, 2.0, name="y")
    tf.identity(tf.placeholder(tf.int32, [], name="k"), name="int")
    tf.identity(tf.placeholder(tf.bool, [], name="b"), name="bool")
    tf.identity(tf.placeholder(tf.string, name="s"), name="text")
    with tf.Session() as session:
        yield session


def test_by_tensor_and_by_name(session, graph) -> None:
    x = graph.get_tensor_by_name("x:0")
    for key in (x, "x:0"):
        for _ in range(2):
            np.testing.assert_array_equal(session.run("y:0", {key: [[1, 2]]}), [[2.0, 4.0]])


def test_any_tensor_can_be_fed(graph, tier) -> None:
    c = tf.constant(1.0)
    middle = c + 1.0
    out = middle * 3.0
    with tf.Session() as session:
        assert session.run(out) == 6.0
        assert session.run(out, {middle: 10.0}) == 30.0
        assert session.run(out, {c: 10.0}) == 33.0
        assert session.run([c, out], {c: 10.0, out: 5.0}) == [10.0, 5.0]
        assert session.run(out) == 6.0


def test_a_variable_can_be_fed(graph, tier) -> None:
    variable = tf.Variable([1.0, 2.0], use_resource=False)
    doubled = variable * 2.0
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(doubled, {variable: [5.0, 6.0]}), [10.0, 12.0])
        session.run(variable.initializer)
        np.testing.assert_array_equal(session.run(doubled), [2.0, 4.0])


def test_slices_are_fed_as_pairs(graph) -> None:
    slices = tf.IndexedSlices(tf.placeholder(tf.float32), tf.placeholder(tf.int32))
    with tf.Session() as session:
        values, indices = session.run([slices.values * 2.0, slices.indices], {slices: ([[1.0]], [3])})
    assert values.tolist() == [[2.0]]
    assert indices.tolist() == [3]


@pytest.mark.parametrize(
    ("fetch", "key", "value", "result"),
    [
        ("int:0", "k:0", 1.5, 1),
        ("int:0", "k:0", True, 1),
        ("int:0", "k:0", np.float64(1.7), 1),
        ("int:0", "k:0", np.int64(7), 7),
        ("bool:0", "b:0", 1, True),
        ("bool:0", "b:0", 0.5, True),
        ("text:0", "s:0", "é", "é".encode()),
        ("text:0", "s:0", b"\xff", b"\xff"),
    ],
)
def test_conversions_of_scalars(session, fetch, key, value, result) -> None:
    assert session.run(fetch, {key: value}) == result


def test_conversions_of_arrays(session) -> None:
    for value in ([[1, 2]], np.array([[1, 2]], np.int64), np.array([[1, 2]], np.float64), np.array([[1, 2]], ">f4")):
        result = session.run("y:0", {"x:0": value})
        assert result.dtype == np.float32
        assert result.tolist() == [[2.0, 4.0]]
    assert session.run("y:0", {"x:0": np.ones((1, 2)) * 1j}).tolist() == [[0.0, 0.0]]
    assert session.run("text:0", {"s:0": [["a"], [b"b"]]}).tolist() == [[b"a"], [b"b"]]


@pytest.mark.parametrize(
    ("feeds", "kind", "message"),
    [
        ({"x:0": np.ones(3)}, ValueError, r"feed value of shape \(3,\) for Tensor x:0, which has shape \(None, 2\)"),
        ({"x:0": np.ones((2, 3))}, ValueError, r"shape \(2, 3\)"),
        ({"x:0": None}, ValueError, r"Cannot feed value of shape \(\)"),
        ({"x:0": [[1, 2], [3]]}, ValueError, "inhomogeneous"),
        ({"x:0": [["a", "b"]]}, ValueError, "could not convert string to float"),
        ({"k:0": 2**40}, TypeError, "Type of feed value 1099511627776 with type <class 'int'> is not compatible"),
        ({"b:0": 2}, TypeError, "Type of feed value 2"),
        ({"nope:0": 1}, TypeError, "Cannot interpret feed_dict key as Tensor: The name 'nope:0' refers to a"),
        ({"x": 1}, TypeError, "Cannot interpret feed_dict key as Tensor: The name 'x' refers to an Operation, not"),
        ({3: 1}, TypeError, "Cannot interpret feed_dict key as Tensor: Can not convert a int into a Tensor"),
    ],
)  # fmt: skip
def test_what_cannot_be_fed(session, feeds, kind, message) -> None:
    for _ in range(2):
        with pytest.raises(kind, match=message):
            session.run("y:0", feeds)
    assert session.run("y:0", {"x:0": [[1, 2]]}).tolist() == [[2.0, 4.0]]


def test_a_tensor_is_no_value(session, graph) -> None:
    with pytest.raises(TypeError, match=r"The value of a feed cannot be a tf\.Tensor object"):
        session.run("y:0", {"x:0": graph.get_tensor_by_name("y:0")})


def test_a_list_is_no_dictionary(session, graph) -> None:
    x = graph.get_tensor_by_name("x:0")
    session.run("y:0", {x: [[1, 2]]})
    with pytest.raises(TypeError, match="feed_dict"):
        session.run("y:0", [x])


def test_a_key_of_another_graph(session) -> None:
    with tf.Graph().as_default():
        stranger = tf.placeholder(tf.float32)
    with pytest.raises(TypeError, match="is not an element of this graph"):
        session.run("y:0", {stranger: 1.0})


def test_what_is_marked_unfeedable(session, graph) -> None:
    graph.prevent_feeding(graph.get_tensor_by_name("y:0"))
    with pytest.raises(ValueError, match="may not be fed"):
        session.run("y:0", {"y:0": [[1.0, 2.0]]})


def test_a_placeholder_without_a_value_is_named(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    z = tf.placeholder(tf.float64, name="z")
    with tf.Session() as session:
        for fetch in (x, x * 2.0):
            with pytest.raises(
                tf.errors.InvalidArgumentError,
                match=r"You must feed a value for placeholder tensor 'x' with dtype float and shape \[\?,2\]",
            ):
                session.run(fetch)
        with pytest.raises(tf.errors.InvalidArgumentError, match="placeholder tensor 'z' with dtype double\n"):
            session.run(z)
