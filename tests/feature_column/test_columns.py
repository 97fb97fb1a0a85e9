"""Columns of features: in training, in functions, from parsed examples, in sequences; and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import context
from tideflow._src.feature_column.base import FeatureTransformationCache, StateManager

v1 = tf.compat.v1
fc = tf.feature_column


@pytest.fixture
def graphs() -> Iterator[None]:
    v1.disable_v2_behavior()
    yield
    context.mode.eager_by_default = True


def _example(**features: object) -> bytes:
    def feature(value: object) -> tf.train.Feature:
        values = value if isinstance(value, list) else [value]
        if isinstance(values[0], str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[each.encode() for each in values]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    made = {name: feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_wide_and_deep_model_learns_from_parsed_examples(graphs, tier, monkeypatch) -> None:
    """As the tutorials of 1.x do: a specification for the parser, then a linear and a dense part."""
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 40.0) / 20.0)
    job = fc.categorical_column_with_vocabulary_list("job", ["cook", "smith", "clerk"])
    wide = [fc.bucketized_column(age, [-0.5, 0.5]), fc.crossed_column([job, "town"], 50)]
    deep = [age, fc.indicator_column(job), fc.embedding_column(fc.categorical_column_with_hash_bucket("town", 20), 4)]
    random = np.random.default_rng(1)
    ages, jobs, towns = random.uniform(20, 60, 64), random.integers(0, 3, 64), random.integers(0, 5, 64)
    labels = ((ages > 40) ^ (jobs == 1)).astype(np.float32)[:, np.newaxis]
    serialized = [
        _example(age=float(a), job=["cook", "smith", "clerk"][j], town=f"t{t}")
        for a, j, t in zip(ages, jobs, towns, strict=True)
    ]
    with tf.Graph().as_default():
        v1.set_random_seed(3)
        texts = v1.placeholder(tf.string, [None])
        features = v1.parse_example(texts, fc.make_parse_example_spec([*wide, *deep]))
        hidden = v1.layers.dense(v1.feature_column.input_layer(features, deep), 16, tf.nn.tanh)
        logits = v1.feature_column.linear_model(features, wide) + v1.layers.dense(hidden, 1)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
        train = v1.train.AdamOptimizer(0.05).minimize(loss)
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            losses = [session.run([loss, train], {texts: serialized})[0] for _ in range(60)]
    assert losses[-1] < 0.2 < 0.6 < losses[0]


def test_in_a_function_and_eagerly() -> None:
    words = fc.categorical_column_with_vocabulary_list("word", ["a", "b"], num_oov_buckets=1)
    columns = [fc.indicator_column(words), fc.numeric_column("x", 2)]

    def dense(word: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        return v1.feature_column.input_layer({"word": word, "x": x}, columns)

    arguments = tf.constant(["b", "z"]), tf.constant([[1.0, 2.0], [3.0, 4.0]])
    expected = [[0, 1, 0, 1, 2], [0, 0, 1, 3, 4]]
    assert dense(*arguments).numpy().tolist() == expected
    assert tf.function(dense)(*arguments).numpy().tolist() == expected


def test_features_of_unknown_rank(graphs) -> None:
    """A vector counts as a matrix of one column, which shows only when it runs."""
    with tf.Graph().as_default():
        given = v1.placeholder(tf.float32)
        dense = v1.feature_column.input_layer({"x": given}, [fc.numeric_column("x")])
        with v1.Session() as session:
            assert session.run(dense, {given: [1.0, 2.0]}).tolist() == [[1.0], [2.0]]
            assert session.run(dense, {given: [[1.0], [2.0]]}).tolist() == [[1.0], [2.0]]


def test_sequences(graphs) -> None:
    with tf.Graph().as_default():
        numbers = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([2, 1, 0], tf.int64), [3, 2])
        cache, state = FeatureTransformationCache({"n": numbers, "f": tf.cast(numbers, tf.float32)}), StateManager()
        categories = fc.sequence_categorical_column_with_identity("n", 3)
        counts = fc.indicator_column(categories).get_sequence_dense_tensor(cache, state)
        floats = fc.sequence_numeric_column("f", default_value=-1.0).get_sequence_dense_tensor(cache, state)
        with v1.Session() as session:
            dense, length = session.run([counts.dense_tensor, counts.sequence_length])
            assert dense.tolist() == [[[0, 0, 1], [0, 1, 0]], [[0, 0, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 0]]]
            assert length.tolist() == [2, 0, 1]
            dense, length = session.run([floats.dense_tensor, floats.sequence_length])
            assert dense.tolist() == [[[2], [1]], [[-1], [-1]], [[0], [-1]]]
            assert length.tolist() == [2, 0, 1]


def test_batches_of_different_sizes_are_refused(graphs) -> None:
    columns = [fc.numeric_column("a"), fc.numeric_column("b")]
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"columns \(a, b\): \(2, 3\)"):
        v1.feature_column.input_layer({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, columns)


def test_names_that_occur_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="Duplicate feature column name"):
        v1.feature_column.input_layer({"a": [1.0]}, [fc.numeric_column("a"), fc.numeric_column("a", 2)])
