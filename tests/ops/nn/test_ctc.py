"""Tests connectionist temporal classification against a sum over all alignments, and its two ways of computing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.ops.nn import ctc_kernels


def _brute_force(logits: np.ndarray, labels: list[int], blank: int) -> float:
    """Adds up the probabilities of every path that collapses to the labels."""
    steps, classes = logits.shape
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        collapsed = [label for label, _ in itertools.groupby(path) if label != blank]
        if collapsed == labels:
            total += float(np.prod(chances[np.arange(steps), path]))
    return -np.log(total)


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], []])
def test_loss_sums_all_alignments(labels: list[int]) -> None:
    logits = np.random.default_rng(len(labels)).normal(size=(5, 1, 3))
    padded = np.array([labels + [0] * (3 - len(labels))], np.int32)
    loss = tf.nn.ctc_loss(padded, logits, [len(labels)], [5])
    np.testing.assert_allclose(loss.numpy(), [_brute_force(logits[:, 0], labels, 0)], rtol=1e-6)


def test_a_label_of_the_number_of_the_blank_is_a_label() -> None:
    logits = np.random.RandomState(0).randn(5, 2, 4).astype(np.float32)
    labels = np.array([[1, 0, 2], [3, 3, 0]], np.int32)
    # What TensorFlow 2.21 gives.
    for lengths, expected in (([3, 2], [3.0643, 6.2874]), ([2, 3], [2.9689, 6.7902]), ([3, 3], [3.0643, 6.7902])):
        loss = tf.nn.ctc_loss(labels, logits, lengths, [5, 4])
        np.testing.assert_allclose(loss.numpy(), expected, atol=6e-5)


@pytest.mark.parametrize("lengths", [[3, 2], [2, 3]])
def test_gradient_is_the_derivative(lengths: list[int]) -> None:
    random = np.random.default_rng(1)
    logits, direction = random.normal(size=(2, 6, 2, 4))
    labels = np.array([[1, 3, 3], [2, 1, 0]], np.int32)

    def loss(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.ctc_loss(labels, values, lengths, [6, 5]))

    with tf.GradientTape() as tape:
        values = tf.constant(logits)
        tape.watch(values)
        total = loss(values)
    gradient = tape.gradient(total, values).numpy()
    assert not gradient[5, 1].any()
    step = 1e-5
    ahead, behind = (loss(tf.constant(logits + sign * step * direction)).numpy() for sign in (1, -1))
    np.testing.assert_allclose((gradient * direction).sum(), (ahead - behind) / (2 * step), rtol=1e-5)


def test_logarithms_take_over_where_products_vanish() -> None:
    # The likeliest beginning leads nowhere: the way to the labels is e^-900 of it, then the other is.
    logits = np.zeros((4, 1, 3))
    logits[:2, 0, 2], logits[2:, 0, 2] = 450, -450
    labels, one, four = np.array([[0, 1]]), np.array([2]), np.array([4])
    states = ctc_kernels.states_of(np, labels, one, 2, True)
    with np.errstate(all="ignore"):
        chances = ctc_kernels._log_chances(np, logits, states)
        _, expected = ctc_kernels._logarithmic(np, chances, states, four)
        loss, gradient = ctc_kernels.loss_and_gradient(np, logits, labels, one, four, 2, True)
    np.testing.assert_allclose(loss, -expected, rtol=1e-9)
    assert np.isfinite(gradient).all()


def test_both_ways_agree() -> None:
    random = np.random.default_rng(2)
    logits, labels = random.normal(size=(9, 3, 5)), random.integers(0, 4, (3, 4))
    lengths, frames = np.array([4, 2, 0]), np.array([9, 7, 3])
    states = ctc_kernels.states_of(np, labels, lengths, 4, True)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    chances = np.take_along_axis(softmax, np.where(states.exists, states.classes, 0)[None], axis=2) * states.exists
    posterior, likelihood, agreement = ctc_kernels._scaled_host(chances, states, frames)
    with np.errstate(all="ignore"):
        expected, expected_likelihood = ctc_kernels._logarithmic(
            np, ctc_kernels._log_chances(np, logits, states), states, frames
        )
    assert (agreement > 1e-6).all()
    np.testing.assert_allclose(likelihood, expected_likelihood, rtol=1e-10)
    for example, count in enumerate(frames):
        np.testing.assert_allclose(posterior[:count, example], expected[:count, example], atol=1e-12)


def test_labels_too_long_are_an_error_or_count_nothing() -> None:
    labels = tf.SparseTensor([[0, 0], [0, 1], [0, 2]], np.array([0, 1, 0], np.int32), [1, 3])
    logits = tf.zeros([2, 1, 3])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"required: 3, available: 2"):
        tf.compat.v1.nn.ctc_loss(labels, logits, [2])
    loss = tf.compat.v1.nn.ctc_loss(labels, logits, [2], ignore_longer_outputs_than_inputs=True)
    assert loss.numpy().tolist() == [0.0]


def test_decoders_find_what_is_certain() -> None:
    path = [0, 0, 3, 0, 1, 1, 3, 2]
    logits = np.full((8, 1, 4), -20, np.float32)
    logits[np.arange(8), 0, path] = 20
    for decoded, _ in (tf.nn.ctc_greedy_decoder(logits, [8]), tf.nn.ctc_beam_search_decoder(logits, [8], 5)):
        assert decoded[0].values.numpy().tolist() == [0, 0, 1, 2]


def test_unique_labels_and_collapsed_ones() -> None:
    labels = np.array([[3, 3, 5, 3], [4, 6, 6, 0]])
    distinct, places = tf.nn.ctc_unique_labels(labels)
    assert distinct.numpy().tolist() == [[3, 5, 0, 0], [4, 6, 0, 0]]
    assert places.numpy().tolist() == [[0, 0, 1, 0], [0, 1, 1, 2]]
    collapsed, lengths = tf.nn.collapse_repeated(labels, [4, 3])
    assert collapsed.numpy().tolist() == [[3, 5, 3], [4, 6, 0]]
    assert lengths.numpy().tolist() == [3, 2]
