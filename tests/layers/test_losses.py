"""Checks ``tf.losses`` against formulas, and that losses collect themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf

pytestmark = pytest.mark.usefixtures("graph")

LABELS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
PREDICTIONS = np.array([[1.0, 1.0, 1.0], [9.0, 8.0, -2.0]], np.float32)
WEIGHTS = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]], np.float32)


def run(fetches, feeds=None) -> Any:
    with tf.Session() as session:
        return session.run(fetches, feeds)


def test_every_reduction() -> None:
    weighted = (LABELS - PREDICTIONS) ** 2 * WEIGHTS
    expected = {
        "none": weighted,
        "weighted_sum": weighted.sum(),
        "weighted_mean": weighted.sum() / WEIGHTS.sum(),
        "weighted_sum_over_batch_size": weighted.sum() / 6,
        "weighted_sum_by_nonzero_weights": weighted.sum() / 3,
    }
    assert set(tf.losses.Reduction.all()) == set(expected)
    made = {key: tf.losses.mean_squared_error(LABELS, PREDICTIONS, weights=WEIGHTS, reduction=key) for key in expected}
    for key, value in run(made).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-6, err_msg=key)
    assert tf.losses.get_losses() == list(made.values())


def test_formulas() -> None:
    difference = LABELS - PREDICTIONS
    zero_one = (LABELS > 2).astype(np.float32)
    probability = 1 / (1 + np.exp(-PREDICTIONS))
    shifted = PREDICTIONS - PREDICTIONS.max(1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    smooth = zero_one * 0.9 + 0.05
    pairs = [
        (tf.losses.absolute_difference(LABELS, PREDICTIONS), abs(difference).mean()),
        (tf.losses.absolute_difference(LABELS, PREDICTIONS, weights=[[1.0], [0.0]]), abs(difference)[0].mean()),
        (tf.losses.cosine_distance(LABELS, PREDICTIONS, axis=1), (1 - (LABELS * PREDICTIONS).sum(1)).mean()),
        (tf.losses.hinge_loss(zero_one, PREDICTIONS), np.maximum(1 - (2 * zero_one - 1) * PREDICTIONS, 0).mean()),
        (
            tf.losses.huber_loss(LABELS, PREDICTIONS, delta=2.0),
            np.where(abs(difference) <= 2, difference**2 / 2, 2 * abs(difference) - 2).mean(),
        ),
        (
            tf.losses.log_loss(zero_one, probability),
            -(zero_one * np.log(probability + 1e-7) + (1 - zero_one) * np.log(1 - probability + 1e-7)).mean(),
        ),
        (
            tf.losses.sigmoid_cross_entropy(zero_one, PREDICTIONS, label_smoothing=0.1),
            -(smooth * np.log(probability) + (1 - smooth) * np.log(1 - probability)).mean(),
        ),
        (
            tf.losses.softmax_cross_entropy([[0, 1, 0], [0, 0, 1]], PREDICTIONS),
            -(log_softmax[0, 1] + log_softmax[1, 2]) / 2,
        ),
        (tf.losses.sparse_softmax_cross_entropy([1, 2], PREDICTIONS, weights=[0.0, 2.0]), -2 * log_softmax[1, 2]),
        (tf.losses.sparse_softmax_cross_entropy([[1], [2]], PREDICTIONS), -(log_softmax[0, 1] + log_softmax[1, 2]) / 2),
    ]  # fmt: skip
    for index, (value, (_, expected)) in enumerate(zip(run([loss for loss, _ in pairs]), pairs, strict=True)):
        np.testing.assert_allclose(value, expected, rtol=1e-4, err_msg=str(index))


def test_mean_pairwise_squared_error_is_that_of_differences() -> None:
    difference = LABELS - PREDICTIONS
    each = [np.mean([(row[i] - row[j]) ** 2 for i in range(3) for j in range(3) if i != j]) for row in difference]
    assert run(tf.losses.mean_pairwise_squared_error(LABELS, PREDICTIONS)) == pytest.approx(sum(each), rel=1e-5)


def test_totals() -> None:
    first = tf.losses.mean_squared_error(LABELS, PREDICTIONS)
    tf.losses.add_loss(tf.constant(2.0))
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(0.5))
    with_all, without, single = run([tf.losses.get_total_loss(), tf.losses.get_total_loss(False), first])
    assert with_all == pytest.approx(single + 2.5)
    assert without == pytest.approx(single + 2.0)
    assert tf.losses.get_losses(scope="mean_squared_error") == [first]


def test_weights_of_unknown_shape_are_checked_at_run_time() -> None:
    weights = tf.placeholder(tf.float32)
    loss = tf.losses.mean_squared_error(tf.placeholder_with_default(LABELS, [None, None]), PREDICTIONS, weights=weights)
    assert run(loss, {weights: 2.0}) == pytest.approx(2 * ((LABELS - PREDICTIONS) ** 2).mean())
    with pytest.raises(tf.errors.InvalidArgumentError, match="weights can not be broadcast to values"):
        run(loss, {weights: [1.0, 2.0]})


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="must not be None"):
        tf.losses.mean_squared_error(None, PREDICTIONS)
    with pytest.raises(ValueError, match="Invalid Reduction Key x"):
        tf.losses.mean_squared_error(LABELS, PREDICTIONS, reduction="x")
    with pytest.raises(ValueError, match="Mismatch at dim 0"):
        tf.losses.mean_squared_error(LABELS, PREDICTIONS, weights=np.ones((3, 3), np.float32))
    with pytest.raises(ValueError, match="must specify argument `axis`"):
        tf.losses.cosine_distance(LABELS, PREDICTIONS)
    with pytest.raises(ValueError, match="are incompatible"):
        tf.losses.mean_squared_error(LABELS, PREDICTIONS[:, :2])
