"""Checks learning rate schedules against what TensorFlow 2.21 gives."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf

#: For steps 7, 20 and 5.
EXPECTED = {
    "exponential": [0.09289, 0.081, 0.094868],
    "staircase": [0.1, 0.081, 0.1],
    "piecewise": [2.0, 3.0, 1.0],
    "polynomial": [0.03007, 0.0001, 0.05005],
    "cycle": [0.047193, 0.0219, 0.040884],
    "natural": [0.053259, 0.01653, 0.063763],
    "inverse": [0.06135, 0.035714, 0.068966],
    "cosine": [0.020611, 0.0, 0.05],
    "restarts": [0.025, 0.001704, 0.075],
    "linear_cosine": [0.006283, 0.0001, 0.0251],
    "alpha": [0.02855, 0.01, 0.055],
}


def schedules(step):
    train = tf.train
    return {
        "exponential": train.exponential_decay(0.1, step, 10, 0.9),
        "staircase": train.exponential_decay(0.1, step, 10, 0.9, staircase=True),
        "piecewise": train.piecewise_constant(step, [5, 10], [1.0, 2.0, 3.0]),
        "polynomial": train.polynomial_decay(0.1, step, 10),
        "cycle": train.polynomial_decay(0.1, step, 3, cycle=True, power=0.5),
        "natural": train.natural_exp_decay(0.1, step, 10, 0.9),
        "inverse": train.inverse_time_decay(0.1, step, 10, 0.9),
        "cosine": train.cosine_decay(0.1, step, 10),
        "restarts": train.cosine_decay_restarts(0.1, step, 3),
        "linear_cosine": train.linear_cosine_decay(0.1, step, 10),
        "alpha": train.cosine_decay(0.1, step, 10, alpha=0.1),
    }


def test_in_a_graph(graph, tier) -> None:
    step = tf.Variable(0, trainable=False)
    rates = schedules(step)
    with tf.Session() as session:
        for position, value in enumerate((7, 20, 5)):
            step.load(value, session)
            found = session.run(rates)
            for name, rate in found.items():
                np.testing.assert_allclose(rate, EXPECTED[name][position], atol=2e-6, err_msg=name)


def test_eagerly_they_are_functions_of_the_step() -> None:
    step = tf.Variable(7)
    rates = schedules(step)
    step.assign(20)
    for name, rate in rates.items():
        np.testing.assert_allclose(rate().numpy(), EXPECTED[name][1], atol=2e-6, err_msg=name)


def test_steps_of_64_bits(graph) -> None:
    step = tf.train.get_or_create_global_step()
    rate = tf.train.piecewise_constant(step, [5, 10], [1.0, 2.0, 3.0])
    with tf.Session() as session:
        step.load(11, session)
        assert session.run(rate) == 3.0


def test_errors(graph) -> None:
    with pytest.raises(ValueError, match="global_step"):
        tf.train.exponential_decay(0.1, None, 10, 0.9)
    with pytest.raises(ValueError, match="1 less than the length of values"):
        tf.train.piecewise_constant(tf.constant(1), [1, 2], [1.0])
    with pytest.raises(ValueError, match="same dtype as x"):
        tf.train.piecewise_constant(tf.constant(1), [1.5], [1.0, 2.0])
