"""Checks ``map_fn``, ``scan``, ``foldl`` and ``foldr``: eagerly, in graphs, with gradients, on both tiers."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf

X = np.array([[1.0, -2.0], [3.0, 0.5], [2.0, 4.0]])

CALLS = {
    "map": lambda x: tf2.map_fn(lambda row: row * row, x),
    "map_two": lambda x: tf2.map_fn(lambda pair: pair[0] * pair[1], (x, x + 1.0), fn_output_signature=tf2.float64),
    "map_dtype": lambda x: tf2.map_fn(
        lambda row: {"sum": tf2.reduce_sum(row), "big": row > 1.0},
        x,
        fn_output_signature={"sum": tf2.float64, "big": tf2.bool},
    )["sum"],
    "scan": lambda x: tf2.scan(lambda total, row: total * row, x),
    "scan_from": lambda x: tf2.scan(lambda total, row: total * 2.0 + row, x, initializer=tf2.zeros([2], tf2.float64)),
    "scan_reverse": lambda x: tf2.scan(lambda total, row: total - row, x, reverse=True),
    "foldl": lambda x: tf2.foldl(lambda total, row: total - row * row, x),
    "foldr": lambda x: tf2.foldr(lambda total, row: total - row * row, x),
}
EXPECTED = {
    "map": X * X,
    "map_two": X * (X + 1),
    "map_dtype": X.sum(1),
    "scan": np.cumprod(X, 0),
    "scan_from": np.stack([X[0], 2 * X[0] + X[1], 4 * X[0] + 2 * X[1] + X[2]]),
    "scan_reverse": np.stack([X[2] - X[1] - X[0], X[2] - X[1], X[2]]),
    "foldl": X[0] - X[1] ** 2 - X[2] ** 2,
    "foldr": X[2] - X[1] ** 2 - X[0] ** 2,
}


@pytest.mark.parametrize("name", CALLS)
def test_eagerly(name) -> None:
    np.testing.assert_allclose(CALLS[name](tf2.constant(X)), EXPECTED[name])


@pytest.mark.parametrize("shape", [(3, 2), (None, 2)])
@pytest.mark.parametrize("name", CALLS)
def test_in_a_graph_with_gradients_of_two_orders(name, shape, graph, tier) -> None:
    x = tf.placeholder(tf.float64, shape)
    y = CALLS[name](x)
    first = tf.gradients(y * y, x)[0]
    second = tf.gradients(first * first, x)[0]
    loss = tf2.reduce_sum(y * y)
    with tf.Session() as session:
        found = session.run([y, first, second], {x: X})

        def difference(function):
            result = np.zeros_like(X)
            for index in np.ndindex(X.shape):
                change = np.zeros_like(X)
                change[index] = 1e-6
                result[index] = (function(X + change) - function(X - change)) / 2e-6
            return result

        np.testing.assert_allclose(found[0], EXPECTED[name])
        slope = difference(lambda value: session.run(loss, {x: value}))
        np.testing.assert_allclose(found[1], slope, rtol=1e-5, atol=1e-4)
        slope = difference(lambda value: (session.run(first, {x: value}) ** 2).sum())
        np.testing.assert_allclose(found[2], slope, rtol=1e-5, atol=1e-3)


def test_static_shapes(graph) -> None:
    x = tf.placeholder(tf.float32, [5, 2])
    assert tf2.map_fn(lambda row: row[:1], x).shape.as_list() == [5, 1]
    assert tf2.scan(lambda total, row: total + row, x).shape.as_list() == [5, 2]


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="not callable"):
        tf2.map_fn(3, tf2.constant([1.0]))
    with pytest.raises(ValueError, match="not scalars"):
        tf2.map_fn(lambda row: row, tf2.constant(1.0))
    with pytest.raises(ValueError):
        tf2.map_fn(lambda pair: pair[0], (tf2.zeros([2]), tf2.zeros([3])), fn_output_signature=tf2.float32)
    for mapped in (tf2.map_fn, tf2.function(tf2.map_fn)):
        with pytest.raises(tf2.errors.InvalidArgumentError, match=r"trying to write dtype float32.*signature"):
            mapped(lambda row: row, tf2.constant([1.0]), fn_output_signature=tf2.int32)


def test_a_scan_whose_type_changes() -> None:
    def changed(elems):
        return tf2.scan(lambda a, b: tf2.cast(a + b, tf2.int32), elems)

    with pytest.raises(tf2.errors.InvalidArgumentError, match="trying to write dtype int32"):
        changed(tf2.constant([1.0, 2.0]))
    with pytest.raises(TypeError, match="enters the loop with type float32 but has type int32"):
        tf2.function(changed)(tf2.constant([1.0, 2.0]))


def test_no_gradient_is_asked_for(graph) -> None:
    x = tf.placeholder(tf.float32, [3])
    assert tf.gradients(tf2.foldl(lambda a, b: a + b, x, back_prop=False), x) == [None]
