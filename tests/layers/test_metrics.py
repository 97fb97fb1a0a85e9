"""Checks ``tf.metrics``: what accumulates, and where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf


def accumulated(metric, *batches) -> Any:
    """Updates a metric with batches and returns its value."""
    with tf.Graph().as_default(), tf.Session() as session:
        places = [tf.placeholder(np.asarray(item).dtype, [None, *np.shape(item)[1:]]) for item in batches[0]]
        value, update = metric(*places)
        session.run(tf.local_variables_initializer())
        for batch in batches:
            last = session.run(update, dict(zip(places, batch, strict=True)))
        result = session.run(value)
        if np.shape(last) == np.shape(result):
            np.testing.assert_allclose(last, result, rtol=1e-6)
        return result


def test_mean_accumulates_in_local_variables() -> None:
    with tf.Graph().as_default():
        _, update = tf.metrics.mean([1.0, 2.0], weights=[1.0, 3.0], metrics_collections="m", updates_collections=["u"])
        assert [variable.name for variable in tf.local_variables()] == ["mean/total:0", "mean/count:0"]
        assert tf.get_collection(tf.GraphKeys.METRIC_VARIABLES) == tf.local_variables()
        assert len(tf.get_collection("m")) == 1
        assert tf.get_collection("u") == [update]
        assert not tf.global_variables()
    batches = [(np.array([1.0, 2.0], np.float32),), (np.array([6.0], np.float32),)]
    assert accumulated(tf.metrics.mean, *batches) == 3.0


def test_errors_of_predictions() -> None:
    labels, predictions = np.array([1.0, 2.0, 4.0], np.float32), np.array([2.0, 2.0, 1.0], np.float32)
    batch = (labels, predictions)
    assert accumulated(tf.metrics.accuracy, batch) == pytest.approx(1 / 3)
    assert accumulated(tf.metrics.mean_absolute_error, batch) == pytest.approx(4 / 3)
    assert accumulated(tf.metrics.mean_squared_error, batch) == pytest.approx(10 / 3)
    assert accumulated(tf.metrics.root_mean_squared_error, batch) == pytest.approx(np.sqrt(10 / 3))
    relative = accumulated(lambda a, b: tf.metrics.mean_relative_error(a, b, a), batch)
    assert relative == pytest.approx((1 + 0.75) / 3)
    below = accumulated(lambda a: tf.metrics.percentage_below(a, 3.0), (labels,))
    assert below == pytest.approx(2 / 3)


def test_counts_of_classes() -> None:
    labels, predictions = np.array([True, True, False, False, True]), np.array([True, False, True, False, True])
    found = {
        name: accumulated(getattr(tf.metrics, name), (labels, predictions))
        for name in ("true_positives", "true_negatives", "false_positives", "false_negatives", "precision", "recall")
    }
    assert found == pytest.approx(
        {
            "true_positives": 2,
            "true_negatives": 1,
            "false_positives": 1,
            "false_negatives": 1,
            "precision": 2 / 3,
            "recall": 2 / 3,
        }
    )  # fmt: skip


def test_means_over_classes() -> None:
    batches = [(np.array([0, 1, 2]), np.array([0, 1, 1])), (np.array([0]), np.array([1]))]
    iou = accumulated(lambda a, b: tf.metrics.mean_iou(a, b, 4), *batches)
    assert iou == pytest.approx((1 / 2 + 1 / 3 + 0) / 3)
    per_class = accumulated(lambda a, b: tf.metrics.mean_per_class_accuracy(a, b, 3), *batches)
    assert per_class == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_thresholds_and_areas() -> None:
    labels = np.array([False, True, True, False])
    scores = np.array([0.1, 0.4, 0.8, 0.6], np.float32)
    at = accumulated(lambda a, b: tf.metrics.true_positives_at_thresholds(a, b, [0.3, 0.5]), (labels, scores))
    assert at.tolist() == [2, 1]
    precision = accumulated(lambda a, b: tf.metrics.precision_at_thresholds(a, b, [0.3, 0.5]), (labels, scores))
    np.testing.assert_allclose(precision, [2 / 3, 1 / 2], rtol=1e-5)
    assert accumulated(tf.metrics.auc, (labels, scores)) == pytest.approx(0.75, abs=1e-3)
    curve = accumulated(
        lambda a, b: tf.metrics.auc(a, b, curve="PR", summation_method="careful_interpolation"), (labels, scores)
    )
    assert 0.5 < curve < 1
    sensitivity = accumulated(lambda a, b: tf.metrics.sensitivity_at_specificity(a, b, 0.9), (labels, scores))
    assert sensitivity == pytest.approx(0.5, abs=1e-3)
    specificity = accumulated(lambda a, b: tf.metrics.specificity_at_sensitivity(a, b, 0.9), (labels, scores))
    assert specificity == pytest.approx(0.5, abs=1e-3)


def test_most_probable_classes() -> None:
    scores = np.array([[0.1, 0.5, 0.3, 0.2, 0.0], [0.9, 0.1, 0.4, 0.3, 0.7]], np.float32)
    labels = np.array([[0, 1], [2, 2]])
    batch = (labels, scores)
    assert accumulated(lambda a, b: tf.metrics.precision_at_k(a, b, 3), batch) == pytest.approx(2 / 6)
    assert accumulated(lambda a, b: tf.metrics.recall_at_k(a, b, 3), batch) == pytest.approx(2 / 3)
    assert accumulated(lambda a, b: tf.metrics.precision_at_k(a, b, 3, class_id=1), batch) == pytest.approx(1.0)
    average = accumulated(lambda a, b: tf.metrics.average_precision_at_k(a, b, 3), batch)
    assert average == pytest.approx((1 / 2 + 1 / 3 / 2) / 2)
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], np.array([0, 1, 2]), [2, 2])
        _, update = tf.metrics.recall_at_k(sparse, tf.constant(scores), 3)
        session.run(tf.local_variables_initializer())
        assert session.run(update) == pytest.approx(2 / 3)


def test_wrong_arguments() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="curve must be either ROC or PR, X unknown"):
            tf.metrics.auc([1, 0], tf.constant([0.5, 0.0]), curve="X")
        with pytest.raises(ValueError, match=r"`specificity` must be in the range \[0, 1\]"):
            tf.metrics.sensitivity_at_specificity([1, 0], tf.constant([0.5, 0.0]), 2)
        with pytest.raises(ValueError, match="weights can not be broadcast to values"):
            tf.metrics.mean(tf.zeros([2, 3]), weights=tf.zeros([3, 2]))
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"predictions must be in \[0, 1\]"):
            tf.metrics.auc([1, 0], tf.constant([1.5, 0.0]))
    with pytest.raises(RuntimeError, match="not supported when eager execution is enabled"):
        tf.metrics.mean([1.0])


@pytest.mark.parametrize(
    "labels, k, expected",
    [
        ([[1, 3, -1], [2, -1, -1]], 2, 1.0),
        ([[1, 3, -1], [2, -1, -1]], 4, 1.0),
        ([[1, 0, 9], [2, -5, 9]], 4, 0.875),
        ([[1, 1, 3], [2, 2, 2]], 3, 0.5),
        ([[1], [-1]], 2, float("nan")),
    ],
)
def test_average_precision_does_not_count_padding_among_the_labels(labels, k, expected) -> None:
    predictions = np.array([[0.1, 0.9, 0.2, 0.8], [0.1, 0.2, 0.9, 0.3]], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        value, update = tf.metrics.average_precision_at_k(tf.constant(labels, tf.int64), predictions, k)
        session.run(tf.local_variables_initializer())
        np.testing.assert_allclose(session.run(update), expected, rtol=1e-12)
        np.testing.assert_allclose(session.run(value), expected, rtol=1e-12)


def test_labels_as_the_value_of_a_sparse_tensor() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        labels = tf.SparseTensorValue([[0, 0], [0, 1]], np.array([1, 2]), [1, 2])
        _, update = tf.metrics.recall_at_k(labels, tf.constant([[0.1, 0.3, 0.2, 0.9]]), 2)
        session.run(tf.local_variables_initializer())
        assert session.run(update) == 0.5


def test_predictions_of_integers_at_thresholds() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        _, update = tf.metrics.precision_at_thresholds([True, False], tf.constant([1, 0]), [0.5])
        session.run(tf.local_variables_initializer())
        np.testing.assert_allclose(session.run(update), [1.0], rtol=1e-6)
