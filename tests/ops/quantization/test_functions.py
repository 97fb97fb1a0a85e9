"""Public functions of quantization."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow import v1


def test_quantized_numbers_come_back_within_a_step():
    values = np.linspace(-2, 3, 101, dtype=np.float32)
    for kind, steps in ((tf.quint8, 255), (tf.qint8, 255), (tf.qint16, 65535)):
        quantized, low, high = tf.quantization.quantize(values, -2.0, 3.0, kind)
        assert quantized.dtype == kind
        found = tf.quantization.dequantize(quantized, low, high).numpy()
        np.testing.assert_allclose(found, values, atol=5 / steps * 0.51)


def test_the_gradient_of_fake_quantization_stops_outside_of_the_range():
    x = tf.constant([-7.0, -1.0, 0.3, 9.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.quantization.fake_quant_with_min_max_args(x, -2, 2)
    np.testing.assert_array_equal(tape.gradient(y, x), [0, 1, 1, 0])


def test_learned_ranges_get_the_gradients_of_what_is_outside():
    x, low, high = tf.constant([-7.0, 0.3, 9.0, 8.0]), tf.constant(-2.0), tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch([low, high])
        y = tf.quantization.fake_quant_with_min_max_vars(x, low, high)
    assert [item.numpy() for item in tape.gradient(y, [low, high])] == [1.0, 2.0]


def test_fake_quantization_of_large_arrays_equals_that_of_small_ones():
    values = np.random.default_rng(0).uniform(-3, 3, 100_000).astype(np.float32)
    whole = tf.quantization.fake_quant_with_min_max_args(values, -2, 2).numpy()
    parts = [tf.quantization.fake_quant_with_min_max_args(part, -2, 2).numpy() for part in np.split(values, 100)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_the_two_round_trips_differ_in_their_gradients():
    x = tf.constant([-7.0, 0.3, 9.0])
    for function, expected in (
        (tf.quantization.quantize_and_dequantize, [1, 1, 1]),
        (tf.quantization.quantize_and_dequantize_v2, [0, 1, 0]),
    ):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, -2.0, 2.0, range_given=True)
        np.testing.assert_array_equal(tape.gradient(y, x), expected)


def test_channels_have_ranges_of_their_own():
    x = np.float32([[0.1, 0.2], [10, 20]])
    y = tf.quantization.quantize_and_dequantize(x, np.float32([0, 0]), np.float32([1, 30]), range_given=True, axis=-2)
    np.testing.assert_allclose(y, x, rtol=0.05)


def test_a_quantized_product_stands_for_the_real_one():
    a, b = np.float32([[0.5, -1, 2]]), np.float32([[1], [2], [-0.5]])
    qa = v1.quantize_v2(a, -1.0, 2.0, tf.quint8, "MIN_FIRST")
    qb = v1.quantize(b, -1.0, 2.0, tf.quint8, "MIN_FIRST")
    product, low, high = tf.raw_ops.QuantizedMatMul(
        a=qa[0], b=qb[0], min_a=qa[1], max_a=qa[2], min_b=qb[1], max_b=qb[2]
    )
    found = tf.quantization.dequantize(product, low, high, "MIN_FIRST").numpy()
    np.testing.assert_allclose(found, a @ b, atol=0.1)


def test_a_reversed_range_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="min has to be smaller"):
        tf.quantization.fake_quant_with_min_max_args([1.0], 2, 1)
