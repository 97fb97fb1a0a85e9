"""Tests that graphs, sessions and functions that nobody holds any more are gone, with all that was made for them."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.runtime.state import RunState

X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def _network(graph: tf.Graph) -> tuple[Any, Any, Any]:
    """Builds a training step with a branch and a loop; returns the placeholder, the fetches and the initializer."""
    with graph.as_default():
        x = tf.placeholder(tf.float32, [2, 2], name="x")
        w = tf.get_variable("w", initializer=tf.constant(X), use_resource=True)
        y = tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.matmul(x, w), lambda: x)
        y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.tanh(tf.matmul(a, w))), [0, y])[1]
        y = tf.nn.dropout(tf.map_fn(lambda row: row * 2.0, y), rate=0.1)
        loss = tf.reduce_sum(y)
        return x, [tf.train.AdamOptimizer(0.1).minimize(loss), loss], tf.global_variables_initializer()


def _trained(graph: tf.Graph, x: Any, fetches: Any, initializer: Any) -> weakref.ref[RunState]:
    with tf.Session(graph=graph) as session:
        session.run(initializer)
        for _ in range(2):
            assert np.isfinite(session.run(fetches, {x: X})[1])
        return weakref.ref(session._state)


def test_a_closed_session_leaves_nothing_in_its_graph(tier: str) -> None:
    graph = tf.Graph()
    network = _network(graph)
    states = [_trained(graph, *network) for _ in range(2)]
    gc.collect()
    assert [state() for state in states] == [None, None]


def test_a_dropped_graph_is_gone(tier: str) -> None:
    graph = tf.Graph()
    network = _network(graph)
    bodies = [
        weakref.ref(value)
        for op in graph.get_operations()
        for value in op.attrs.values()
        if isinstance(value, tf.Graph)
    ]
    assert len(bodies) >= 6
    found = weakref.ref(graph)
    _trained(graph, *network)
    del graph, network
    gc.collect()
    assert found() is None
    assert [body for body in bodies if body() is not None] == []


def test_an_open_session_that_nobody_holds_is_gone() -> None:
    graph = tf.Graph()
    x, fetches, initializer = _network(graph)
    session = tf.Session(graph=graph)
    session.run(initializer)
    session.run(fetches, {x: X})
    found = weakref.ref(session), weakref.ref(session._state)
    del session
    gc.collect()
    assert [item() for item in found] == [None, None]


@pytest.mark.parametrize("called", [False, True], ids=["traced", "called"])
def test_a_dropped_function_is_gone(tier: str, called: bool) -> None:
    variable = tf2.Variable(X)

    @tf2.function
    def function(x: Any) -> Any:
        y = tf2.cond(tf2.reduce_sum(x) > 0.0, lambda: tf2.matmul(x, variable), lambda: x)
        return tf2.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf2.tanh(a)), [0, y])[1]

    concrete = function.get_concrete_function(tf2.TensorSpec([2, 2], tf2.float32))
    if called:
        with tf2.GradientTape() as tape:
            loss = tf2.reduce_sum(function(tf2.constant(X)))
        assert tape.gradient(loss, variable) is not None
        del tape, loss
    found = [weakref.ref(concrete.graph)]
    found += [
        weakref.ref(value)
        for op in concrete.graph.get_operations()
        for value in op.attrs.values()
        if isinstance(value, tf.Graph)
    ]
    assert len(found) >= 5
    del function, concrete
    gc.collect()
    assert [item for item in found if item() is not None] == []
    assert variable.shape == (2, 2)


@pytest.mark.parametrize("function", [tf.py_func, tf.numpy_function, tf.py_function])
def test_a_python_function_goes_with_its_graph(function: Any) -> None:
    class Doubles:
        def __call__(self, x: Any) -> Any:
            return x * np.float32(2)

    doubles = Doubles()
    found = weakref.ref(doubles)
    graph = tf.Graph()
    with graph.as_default():
        y = function(doubles, [tf.constant(X)], tf.float32)
        del doubles
        with tf.Session() as session:
            np.testing.assert_array_equal(session.run(y), X * 2)
    assert found() is not None
    del graph, y, session
    gc.collect()
    assert found() is None
