"""``tf.keras.layers.DenseFeatures``: what it computes, learns, saves and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tideflow as tf

keras, fc = tf.keras, tf.feature_column
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WORDS = fc.categorical_column_with_vocabulary_list("word", ["x", "y"], num_oov_buckets=1)
FEATURES = {
    "a": np.arange(8, dtype=np.float32),
    "word": np.array(list("xyzxyzxy"), object),
    "b": np.linspace(-1, 2, 8, dtype=np.float32),
}


def _columns() -> list[Any]:
    return [
        fc.numeric_column("a"),
        fc.embedding_column(WORDS, 3),
        fc.indicator_column(WORDS),
        fc.bucketized_column(fc.numeric_column("b"), [0.0, 1.0]),
    ]


def _tensors() -> dict[str, Any]:
    return {name: tf.constant(value) for name, value in FEATURES.items()}


def _data() -> Any:
    return tf.data.Dataset.from_tensor_slices((FEATURES, FEATURES["a"])).batch(4)


def test_columns_side_by_side_by_name() -> None:
    layer = keras.layers.DenseFeatures(_columns())
    result = layer(_tensors())
    assert result.shape == (8, 1 + 3 + 3 + 3)
    np.testing.assert_array_equal(result[:, 0], FEATURES["a"])
    np.testing.assert_array_equal(tf.argmax(result[:, 1:4], 1), np.digitize(FEATURES["b"], [0.0, 1.0]))
    np.testing.assert_array_equal(tf.argmax(result[:, 7:], 1), [0, 1, 2, 0, 1, 2, 0, 1])
    (table,) = layer.trainable_weights
    np.testing.assert_array_equal(result[:, 4:7], table.numpy()[[0, 1, 2, 0, 1, 2, 0, 1]])
    assert table.path.endswith("word_embedding_embedding_weights")
    assert not keras.layers.DenseFeatures(_columns(), trainable=False).trainable_weights


def test_a_sequential_model_learns_and_is_found_again(tmp_path: Any) -> None:
    model = keras.Sequential([keras.layers.DenseFeatures(_columns()), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(_data(), verbose=0, shuffle=False)
    before = model.layers[0].weights[0].numpy()
    model.fit(_data(), verbose=0, shuffle=False)
    assert (model.layers[0].weights[0].numpy() != before).any(axis=1).all()
    model.save(tmp_path / "model.keras")
    expected = model.predict(_data(), verbose=0)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(_data(), verbose=0), expected)
    code = "import sys, tideflow as tf; print(tf.keras.models.load_model(sys.argv[1]).layers[0].name)"
    command = [sys.executable, "-c", code, str(tmp_path / "model.keras")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.startswith("dense_features"), done.stderr


def test_a_functional_model_is_exported_with_its_tables(tmp_path: Any) -> None:
    inputs = {name: keras.Input((1,), name=name, dtype="string" if name == "word" else "float32") for name in FEATURES}
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.DenseFeatures(_columns())(inputs)))
    given = {name: tf.reshape(value, [8, 1]) for name, value in _tensors().items()}
    model.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model")).serve(given)
    np.testing.assert_allclose(served, model(given), rtol=1e-6)


def test_the_configuration_makes_an_equal_layer() -> None:
    def half(numbers: Any) -> Any:
        return numbers / 2

    columns = [*_columns(), fc.numeric_column("c", normalizer_fn=half)]
    config = json.loads(json.dumps(keras.layers.DenseFeatures(columns, name="features").get_config()))
    with pytest.raises(ValueError, match="half"):
        keras.layers.DenseFeatures.from_config(config)
    again = keras.layers.DenseFeatures.from_config(config, {"half": half})
    assert again.name == "features"
    assert again.get_config()["feature_columns"] == keras.layers.DenseFeatures(columns).get_config()["feature_columns"]


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a DenseColumn"):
        keras.layers.DenseFeatures([WORDS])
    layer = keras.layers.DenseFeatures([fc.numeric_column("a")])
    with pytest.raises(ValueError, match="expected a dictionary"):
        layer(tf.ones([2, 1]))
    with pytest.raises(ValueError, match="Feature a is not in features dictionary"):
        layer({"b": tf.ones([2, 1])})
    with pytest.raises(AttributeError, match="SequenceFeatures"):
        keras.layers.SequenceFeatures  # noqa: B018
