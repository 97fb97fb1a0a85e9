"""Fractional pooling: TensorFlow's sequences for the same seeds, gradients, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.core import errors

IMAGE = np.arange(1, 26, dtype=np.float32).reshape(1, 5, 5, 1)


@pytest.mark.parametrize(
    ("options", "maxima", "means", "rows"),
    [
        ({"seed": 3}, [1, 3, 5, 11, 13, 15, 21, 23, 25], [1, 2.5, 4.5, 8.5, 10, 12, 18.5, 20, 22], [0, 1, 3, 5]),
        (
            {"seed": 3, "pseudo_random": True},
            [1, 3, 5, 11, 13, 15, 21, 23, 25],
            [1, 2.5, 4.5, 8.5, 10, 12, 18.5, 20, 22],
            [0, 1, 3, 5],
        ),
        (
            {"seed": 4, "overlapping": True},
            [12, 14, 15, 17, 19, 20, 22, 24, 25],
            [6.5, 8, 9.5, 14, 15.5, 17, 19, 20.5, 22],
            [0, 2, 3, 5],
        ),
    ],
)
def test_the_same_as_tensorflow(options, maxima, means, rows) -> None:
    found = tf.nn.fractional_max_pool(IMAGE, 1.6, **options)
    np.testing.assert_array_equal(found[0].numpy().reshape(-1), maxima)
    np.testing.assert_array_equal(found[1].numpy(), rows)
    np.testing.assert_array_equal(found[2].numpy(), [0, 1, 3, 5])
    found = tf.nn.fractional_avg_pool(IMAGE, [1.0, 1.6, 1.6, 1.0], **options)
    np.testing.assert_allclose(found[0].numpy().reshape(-1), means)


def test_without_a_seed_sequences_vary() -> None:
    image = np.zeros((1, 300, 2, 1), np.float32)
    sequences = {tuple(tf.nn.fractional_max_pool(image, [1.0, 1.5, 1.0, 1.0])[1].numpy()) for _ in range(3)}
    assert len(sequences) == 3
    assert all(set(np.diff(sequence)) == {1, 2} for sequence in sequences)


@pytest.mark.parametrize("overlapping", [False, True])
def test_gradients(overlapping: bool) -> None:
    values = np.random.default_rng(0).permutation(2 * 7 * 6 * 3).reshape(2, 7, 6, 3).astype(np.float64)
    direction = np.random.default_rng(1).normal(size=values.shape)
    for function in (tf.nn.fractional_max_pool, tf.nn.fractional_avg_pool):

        def total(x, function=function):
            return tf.reduce_sum(function(x, 1.7, overlapping=overlapping, seed=5)[0] ** 2)

        x = tf.constant(values)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = total(x)
        found = np.sum(tape.gradient(y, x).numpy() * direction)
        step = 1e-4
        difference = (total(x + step * direction) - total(x - step * direction)).numpy() / (2 * step)
        assert found == pytest.approx(difference, rel=1e-6)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"should be >= 1.0"):
        tf.nn.fractional_max_pool(IMAGE, 0.5)
    with pytest.raises(ValueError, match="first and last elements"):
        tf.nn.fractional_avg_pool(IMAGE, [2.0, 1.0, 1.0, 1.0])
    with pytest.raises(errors.InvalidArgumentError, match="higher than an input dimension"):
        tf.nn.fractional_max_pool(IMAGE, 9.0)
    with pytest.raises(errors.InvalidArgumentError, match="should be 0 if deterministic is false"):
        v1.nn.fractional_max_pool(IMAGE, [1.0, 1.5, 1.5, 1.0], seed=3)
    bad = np.array([0, 3, 2, 5], np.int64)
    with pytest.raises(errors.InvalidArgumentError, match="must increase"):
        tf.raw_ops.FractionalAvgPoolGrad(
            orig_input_tensor_shape=[1, 5, 5, 1],
            out_backprop=np.ones((1, 3, 3, 1), np.float32),
            row_pooling_sequence=bad,
            col_pooling_sequence=bad,
        )
    with pytest.raises(errors.InvalidArgumentError, match="not the maximum"):
        tf.raw_ops.FractionalMaxPoolGrad(
            orig_input=IMAGE,
            orig_output=np.zeros((1, 1, 1, 1), np.float32),
            out_backprop=np.zeros((1, 1, 1, 1), np.float32),
            row_pooling_sequence=np.array([0, 5]),
            col_pooling_sequence=np.array([0, 5]),
        )
