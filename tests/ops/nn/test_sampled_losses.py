"""Tests candidate samplers and the losses over sampled classes against numbers that TensorFlow gives."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.ops.nn import candidate_kernels


def test_log_uniform_samples_are_those_of_tensorflow() -> None:
    sampled, true_count, sampled_count = tf2.raw_ops.LogUniformCandidateSampler(
        true_classes=np.array([[5], [0]]), num_true=1, num_sampled=3, unique=True, range_max=10, seed=3, seed2=4
    )
    assert sampled.numpy().tolist() == [1, 3, 6]
    np.testing.assert_allclose(true_count.numpy().ravel(), [0.23339292, 0.7445417], rtol=1e-6)
    np.testing.assert_allclose(sampled_count.numpy(), [0.52333683, 0.32342196, 0.2048226], rtol=1e-6)


def test_learned_unigram_learns_in_each_session_alone() -> None:
    with tf.Graph().as_default():
        classes = tf.placeholder(tf.int64, [None, 1])
        _, expected, _ = tf.nn.learned_unigram_candidate_sampler(classes, 1, 1, False, 4, seed=1)
        with tf.Session() as session:
            first = session.run(expected, {classes: [[2]] * 96})
            second = session.run(expected, {classes: [[2]]})
        with tf.Session() as session:
            again = session.run(expected, {classes: [[2]]})
    np.testing.assert_allclose(first[0, 0], 0.25)
    np.testing.assert_allclose(second[0, 0], 0.97)
    np.testing.assert_allclose(again[0, 0], 0.25)


def test_fixed_unigram_reads_a_vocabulary(tmp_path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("the,60\nof,30\nsea,10\n")
    given = tf2.nn.fixed_unigram_candidate_sampler([[0]], 1, 1, False, 4, vocab_file=str(path), num_reserved_ids=1)
    assert given.true_expected_count.numpy() == 0
    for word, share in ((1, 0.6), (2, 0.3), (3, 0.1)):
        given = tf2.nn.fixed_unigram_candidate_sampler(
            [[word]], 1, 1, False, 4, vocab_file=str(path), num_reserved_ids=1
        )
        np.testing.assert_allclose(given.true_expected_count.numpy(), [[share]], rtol=1e-6)


def test_alias_method_draws_in_proportion() -> None:
    sampler = candidate_kernels.FixedUnigram(np.array([1, 2, 3, 4, 0], np.float32), 10.0)
    drawn = sampler.draw(candidate_kernels.Words(1, (0, 0)), 40000)
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 40000, [0.1, 0.2, 0.3, 0.4, 0], atol=0.01)


def test_words_do_not_depend_on_the_chunks_in_which_they_are_read() -> None:
    whole, parts = candidate_kernels.Words(7, (1, 2)), candidate_kernels.Words(7, (1, 2))
    expected = whole.take(50)
    got = np.concatenate([parts.take(count) for count in (1, 7, 3, 30, 9)])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_losses_over_parts_of_a_table_are_those_over_the_whole(strategy: str) -> None:
    random = np.random.default_rng(0)
    table = random.normal(size=(10, 4)).astype(np.float32)
    parts = [table[0::2], table[1::2]] if strategy == "mod" else [table[:5], table[5:]]
    biases = tf2.constant(random.normal(size=10).astype(np.float32))
    inputs = tf2.constant(random.normal(size=(3, 4)).astype(np.float32))
    labels = tf2.constant([[1], [9], [4]])
    drawn = tf2.random.uniform_candidate_sampler(tf2.cast(labels, tf2.int64), 1, 4, True, 10, seed=2)

    def losses(weights) -> list[np.ndarray]:
        arguments = (weights, biases, labels, inputs, 4, 10)
        return [
            function(*arguments, sampled_values=drawn, partition_strategy=strategy).numpy()
            for function in (tf.nn.nce_loss, tf.nn.sampled_softmax_loss)
        ]

    for split, whole in zip(losses([tf2.constant(part) for part in parts]), losses(tf2.constant(table)), strict=True):
        np.testing.assert_allclose(split, whole, rtol=1e-5)


def test_gradients_of_the_table_are_sparse() -> None:
    with tf.Graph().as_default():
        table, biases = tf.Variable(tf.ones([50, 3])), tf.Variable(tf.zeros([50]))
        loss = tf.nn.nce_loss(table, biases, tf.constant([[1], [2]]), tf.ones([2, 3]), 5, 50)
        gradients = tf.gradients(loss, [table, biases])
    assert all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)


def test_accidental_hits_do_not_count() -> None:
    inputs, labels = tf2.ones([1, 2]), tf2.constant([[1]])
    # All classes are sampled: the true one would count against itself.
    drawn = tf2.random.all_candidate_sampler(tf2.cast(labels, tf2.int64), 1, 3, True)
    arguments = (tf2.ones([3, 2]), tf2.zeros([3]), labels, inputs, 3, 3)
    kept = tf2.nn.sampled_softmax_loss(*arguments, sampled_values=drawn, remove_accidental_hits=False)
    removed = tf2.nn.sampled_softmax_loss(*arguments, sampled_values=drawn, remove_accidental_hits=True)
    np.testing.assert_allclose(kept.numpy(), np.log(4), rtol=1e-6)
    np.testing.assert_allclose(removed.numpy(), np.log(3), rtol=1e-6)
