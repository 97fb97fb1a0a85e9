"""Random numbers of functions that are called at several places. All numbers are TensorFlow's."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


@pytest.fixture(autouse=True)
def _seed_afterwards():
    yield
    tf.random.set_seed(None)


def test_each_place_has_streams_of_its_own():
    tf.random.set_seed(1)
    x = tf.constant(1.0)
    draw = tf.function(lambda x: x * tf.random.uniform([]))

    @tf.function
    def twice(x):
        return draw(x), draw(x)

    found = [float(draw(x)), *map(float, twice(x)), *map(float, twice(x)), float(draw(x))]
    one, two = 0.8126964569091797, 0.5272892713546753
    assert found == pytest.approx([one, one, one, two, two, two], rel=1e-6)


def test_calls_in_calls_branches_and_loops():
    tf.random.set_seed(3)
    x = tf.constant([1.0, 2.0, 3.0, 4.0])
    drop = tf.function(lambda x: tf.nn.dropout(x, 0.5))
    inner = tf.function(lambda x: drop(x) + drop(x * 2.0))
    branching = tf.function(lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: drop(x) * tf.random.uniform([]), lambda: x))

    @tf.function
    def total(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = inner(x) + inner(x) + branching(x) + branching(x) + drop(x)
        return y, tape.gradient(y, x)

    @tf.function
    def loop(x):
        return tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, drop(a) + drop(a)), [0, x])[1]

    y, gradient = total(x)
    np.testing.assert_allclose(y, [0.0, 29.01891326904297, 43.52836608886719, 58.03782653808594], rtol=1e-6)
    np.testing.assert_allclose(gradient, [0.0] + [14.509456634521484] * 3, rtol=1e-6)
    y, gradient = total(x)
    np.testing.assert_allclose(
        y, [17.432064056396484, 34.86412811279297, 52.29618835449219, 69.72825622558594], rtol=1e-6
    )
    np.testing.assert_allclose(gradient, [17.432064056396484] * 4, rtol=1e-6)
    assert loop(x).numpy().tolist() == [0.0, 0.0, 192.0, 256.0]
    assert loop(x).numpy().tolist() == [64.0, 0.0, 0.0, 0.0]


def test_functions_that_draw_nothing_are_not_copied():
    double = tf.function(lambda x: x * 2.0)

    @tf.function
    def twice(x):
        return double(x) + double(x)

    graph = twice.get_concrete_function(tf.TensorSpec([])).graph
    called = [op.attrs["f"] for op in graph.get_operations() if op.type == "PartitionedCall"]
    assert len(called) == 2 and called[0] is called[1]
