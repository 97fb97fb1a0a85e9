"""Checks the watch for infinities and NaNs in everything that is computed."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


def test_the_operation_that_gave_a_nan_is_named() -> None:
    tf.debugging.enable_check_numerics()
    try:
        assert float(tf.math.log(tf.constant(1.0))) == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError, match='"Log"'):
            tf.math.log(tf.constant(-1.0))
        with tf.Graph().as_default(), v1.Session() as session:
            y = tf.math.log(v1.placeholder_with_default(-1.0, []))
            with pytest.raises(tf.errors.InvalidArgumentError, match='"Log"'):
                session.run(y)
    finally:
        tf.debugging.disable_check_numerics()
    assert float(tf.math.log(tf.constant(0.0))) == -float("inf")


def test_checks_for_a_whole_graph() -> None:
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])
        tf.math.log(x, name="logarithm")
        checks = v1.add_check_numerics_ops()
        session.run(checks, {x: 1.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="logarithm:0"):
            session.run(checks, {x: -1.0})
    with pytest.raises(RuntimeError, match="eager"):
        v1.add_check_numerics_ops()


def test_functions_are_checked_inside() -> None:
    variable = tf.Variable(2.0)

    @tf.function
    def scaled_log(x):
        return tf.math.log(x) * variable

    tf.debugging.enable_check_numerics()
    try:
        assert scaled_log(tf.constant(1.0)).numpy() == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
            scaled_log(tf.constant(-1.0))
        with tf.GradientTape() as tape:
            value = scaled_log(tf.constant(3.0))
        np.testing.assert_allclose(tape.gradient(value, variable), np.log(3.0), rtol=1e-6)
    finally:
        tf.debugging.disable_check_numerics()
