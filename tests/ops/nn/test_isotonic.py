"""Isotonic regression against the definition, its gradient, and approximate top-k."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import errors


def by_definition(row: np.ndarray) -> np.ndarray:
    """Returns the regression as the least, over starts, of the greatest mean of a part around each element."""
    n = len(row)
    return np.array(
        [max(min(row[start : stop + 1].mean() for start in range(i + 1)) for stop in range(i, n)) for i in range(n)]
    )


def test_values_and_segments() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 12))
    output, segments = tf.nn.isotonic_regression(rows)
    np.testing.assert_allclose(output.numpy(), [by_definition(row) for row in rows], rtol=1e-12)
    steps = np.diff(segments.numpy(), axis=1)
    assert set(steps.reshape(-1)) <= {0, 1}
    np.testing.assert_array_equal(steps == 0, np.diff(output.numpy(), axis=1) == 0)
    rising, _ = tf.nn.isotonic_regression(rows.T, decreasing=False, axis=0)
    np.testing.assert_allclose(rising.numpy().T, [-by_definition(-row) for row in rows], rtol=1e-12)


def test_equal_elements_keep_their_own_segments() -> None:
    output, segments = tf.nn.isotonic_regression(tf.constant([3, 1, 1, 2, 0, 0, 1]))
    np.testing.assert_allclose(output.numpy(), [3, *[4 / 3] * 3, *[1 / 3] * 3])
    np.testing.assert_array_equal(segments.numpy(), [0, 1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(tf.nn.isotonic_regression([1.0, 1.0])[1].numpy(), [0, 1])
    assert output.dtype == tf.float64


def test_gradient_is_the_mean_of_each_segment() -> None:
    x = tf.constant([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.isotonic_regression(x)[0] * [[1.0, 2.0, 4.0], [3.0, 6.0, 0.0]]
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), [[1, 3, 3], [3, 3, 3]])


def test_approximate_top_k_is_exact() -> None:
    x = np.random.default_rng(0).permutation(3 * 40 * 2).reshape(3, 40, 2).astype(np.float32)
    values, indices = tf.nn.approx_max_k(x, 5, reduction_dimension=1)
    np.testing.assert_array_equal(values.numpy(), -np.sort(-x, axis=1)[:, :5])
    np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), 1), values.numpy())
    values, indices = tf.math.approx_min_k(x, 4, reduction_dimension=-2)
    np.testing.assert_array_equal(values.numpy(), np.sort(x, axis=1)[:, :4])
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = tf.nn.approx_max_k(tensor, 5, reduction_dimension=1)[0]
    np.testing.assert_array_equal(tape.gradient(y, tensor).numpy(), x >= np.sort(x, axis=1)[:, -5:][:, :1])
    with pytest.raises(errors.InvalidArgumentError, match="at least k columns"):
        tf.nn.approx_max_k(x, 50, reduction_dimension=1)
    with pytest.raises(errors.InvalidArgumentError, match="reduction_dimension"):
        tf.nn.approx_max_k(x, 1, reduction_dimension=3)
