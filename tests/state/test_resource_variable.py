"""Checks variables in eager execution: values, assignment, identity, gradients."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tideflow as tf


def test_text() -> None:
    variable = tf.Variable([1.0, 2.0], name="w")
    assert repr(variable) == ("<tf.Variable 'w:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>")
    assert repr(tf.Variable(3)) == "<tf.Variable 'Variable:0' shape=() dtype=int32, numpy=3>"
    assert repr(variable.assign([3.0, 4.0])).startswith("<tf.Variable 'UnreadVariable' shape=(2,)")


def test_arithmetic() -> None:
    a, b = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    for result, expected in (
        (a + b, [4, 6]),
        (2.0 * a, [2, 4]),
        (a - np.float32([1, 1]), [0, 1]),
        (np.float32([1, 1]) + a, [2, 3]),
        (-a, [-1, -2]),
        (a**2.0, [1, 4]),
        (tf.constant([1.0, 1.0]) * a, [1, 2]),
    ):
        assert isinstance(result, tf.Tensor)
        assert result.numpy().tolist() == expected


def test_assignment_returns_the_variable() -> None:
    variable = tf.Variable([1.0, 2.0])
    assert variable.assign([2.0, 3.0]).assign_add([1.0, 1.0]).numpy().tolist() == [3.0, 4.0]
    assert variable.assign_sub([1.0, 1.0], read_value=False) is None
    assert variable.numpy().tolist() == [2.0, 3.0]
    assert variable[0].assign(9.0).numpy().tolist() == [9.0, 3.0]
    assert variable.scatter_nd_add([[1]], [1.0]).numpy().tolist() == [9.0, 4.0]


def test_the_value_read_before_stays() -> None:
    variable = tf.Variable([1.0, 2.0])
    before = variable.value()
    variable.assign_add([1.0, 1.0])
    assert before.numpy().tolist() == [1.0, 2.0]
    array = variable.numpy()
    array += 10.0
    assert variable.numpy().tolist() == [2.0, 3.0]


def test_shapes() -> None:
    with pytest.raises(ValueError, match="Shape mismatch"):
        tf.Variable([1.0, 2.0]).assign([1.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"shape \[2\].*shape \[1\]"):
        tf.Variable([1.0, 2.0]).assign_add([1.0])
    growing = tf.Variable([1.0], shape=[None])
    assert growing.assign([1.0, 2.0]).numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="not compatible with the explicitly supplied"):
        tf.Variable([1.0, 2.0], shape=[3])


def test_identity_and_equality() -> None:
    variable = tf.Variable([1.0, 2.0])
    with pytest.raises(TypeError, match="unhashable"):
        hash(variable)
    assert {variable.ref(): 1}[variable.ref()] == 1
    assert variable.ref().deref() is variable
    assert (variable == [1.0, 0.0]).numpy().tolist() == [True, False]


def test_copies_are_independent() -> None:
    variable = tf.Variable([1.0], name="w")
    for other in (copy.deepcopy(variable), pickle.loads(pickle.dumps(variable))):
        other.assign([2.0])
        assert (variable.numpy()[0], other.numpy()[0], other.name) == (1.0, 2.0, "w:0")


def test_tapes_watch_trainable_variables() -> None:
    weights, fixed = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 3.0], trainable=False)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weights * weights + fixed * weights)
    assert tape.watched_variables() == (weights,) or tape.watched_variables()[0] is weights
    gradient, none = tape.gradient(loss, [weights, fixed])
    assert gradient.numpy().tolist() == [5.0, 7.0]
    assert none is None


def test_gathering_gives_sparse_gradients() -> None:
    table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(table.sparse_read([2, 0, 2]) * [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    gradient = tape.gradient(loss, table)
    assert isinstance(gradient, tf.IndexedSlices)
    assert tf.convert_to_tensor(gradient).numpy().tolist() == [[2, 2], [0, 0], [4, 4]]


def test_gathering_in_batches_gives_dense_gradients() -> None:
    table = tf.Variable(np.zeros((2, 3), np.float32))
    with tf.GradientTape() as tape:
        tape.watch(table)
        rows = tf.raw_ops.ResourceGather(
            resource=table.handle, indices=[[2, 2], [0, 1]], dtype=tf.float32, batch_dims=1
        )
        loss = tf.reduce_sum(rows)
    assert tf.convert_to_tensor(tape.gradient(loss, table)).numpy().tolist() == [[0, 0, 2], [1, 1, 0]]


def test_creator_scopes() -> None:
    def untrained(next_creator, **arguments):
        arguments["trainable"] = False
        return next_creator(**arguments)

    with tf.variable_creator_scope(untrained):
        assert not tf.Variable(1.0).trainable
    assert tf.Variable(1.0).trainable


def test_names_follow_name_scopes() -> None:
    with tf.name_scope("outer"):
        assert tf.Variable(1.0, name="w").name == "outer/w:0"


def test_without_a_value() -> None:
    with pytest.raises(ValueError, match="`initial_value`"):
        tf.Variable()
