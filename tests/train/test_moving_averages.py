"""Checks running averages of variables and tensors."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.mark.parametrize("use_resource", [False, True])
def test_of_a_variable(graph, tier, use_resource) -> None:
    w = tf.Variable([1.0, 2.0], name="w", use_resource=use_resource)
    averages = tf.train.ExponentialMovingAverage(0.9)
    update = averages.apply([w])
    average = averages.average(w)
    assert average.op.name == averages.average_name(w) == "w/ExponentialMovingAverage"
    assert average not in tf.trainable_variables()
    assert averages.variables_to_restore() == {"w/ExponentialMovingAverage": w}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(average).tolist() == [1.0, 2.0]
        session.run(w.assign([5.0, 5.0]))
        session.run(update)
        np.testing.assert_allclose(session.run(average), [1.4, 2.3], rtol=1e-6)


def test_of_a_tensor_starts_at_zero(graph) -> None:
    x = tf.constant([10.0]) * 1.0
    plain = tf.train.ExponentialMovingAverage(0.9)
    corrected = tf.train.ExponentialMovingAverage(0.9, zero_debias=True, name="Corrected")
    updates = [plain.apply([x]), corrected.apply([x])]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(updates)
        np.testing.assert_allclose(session.run(plain.average(x)), [1.0], rtol=1e-5)
        np.testing.assert_allclose(session.run(corrected.average(x)), [10.0], rtol=1e-5)


def test_the_count_of_updates_limits_the_decay(graph) -> None:
    w = tf.Variable(0.0)
    averages = tf.train.ExponentialMovingAverage(0.99, num_updates=tf.constant(0))
    update = averages.apply([w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(w.assign(10.0))
        session.run(update)
        np.testing.assert_allclose(session.run(averages.average(w)), 9.0, rtol=1e-6)


def test_eagerly() -> None:
    w = tf.Variable([1.0])
    averages = tf.train.ExponentialMovingAverage(0.5)
    averages.apply([w])
    w.assign([3.0])
    averages.apply([w])
    assert averages.average(w).numpy().tolist() == [2.0]


def test_only_of_floats(graph) -> None:
    with pytest.raises(TypeError, match="half, float, or double"):
        tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1)])
