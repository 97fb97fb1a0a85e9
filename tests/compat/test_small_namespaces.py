"""Small namespaces that hold a few names each, and what they do."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


def test_executors() -> None:
    with tf.experimental.async_scope():
        x = tf.constant(1.0) + 1.0
    tf.experimental.async_clear_error()
    assert float(x) == 2.0
    double = tf.function(lambda x: x * 2.0)
    for executor in ("", "DEFAULT", "SINGLE_THREADED_EXECUTOR", None):
        with v1.experimental.function_executor_type(executor):
            assert float(double(x)) == 4.0
    with (
        pytest.raises(tf.errors.NotFoundError, match="No executor factory"),
        tf.experimental.function_executor_type("x"),
    ):
        double(x)


def test_namespaces_of_1x() -> None:
    assert v1.user_ops.my_fact().numpy() == b"0! == 1"
    assert v1.types.experimental.TensorLike is tf.types.experimental.TensorLike
    assert v1.types.experimental.FunctionType is tf.types.experimental.FunctionType


def test_cells_of_keras_are_wrapped() -> None:
    cell = tf.keras.layers.GRUCell(3, kernel_initializer="ones", recurrent_initializer="ones")
    x = tf.ones([2, 3])
    residual = tf.nn.RNNCellResidualWrapper(cell)
    state = residual.get_initial_state(batch_size=2, dtype=tf.float32)
    plain, _ = cell(x, state)
    np.testing.assert_array_equal(residual(x, state)[0], plain + x)
    np.testing.assert_array_equal(tf.nn.RNNCellDeviceWrapper(cell, "/cpu:0")(x, state)[0], plain)
    kept = tf.nn.RNNCellDropoutWrapper(cell, output_keep_prob=0.5)(x, state)[0]
    assert set(np.unique(np.isclose(kept, 0) | np.isclose(kept, plain * 2))) == {True}
