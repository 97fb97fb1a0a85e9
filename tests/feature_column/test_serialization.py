"""Columns as dictionaries and back, against what TensorFlow 2.21 writes."""

from __future__ import annotations

from typing import Any

import pytest

import tideflow as tf
from tideflow._src.feature_column import serialization

fc = tf.feature_column
WORDS = fc.categorical_column_with_vocabulary_list("v", ["x", "y"], num_oov_buckets=1)
_WORDS = {"key": "v", "vocabulary_list": ("x", "y"), "dtype": "string", "default_value": -1, "num_oov_buckets": 1}
_WORDS = {"class_name": "VocabularyListCategoricalColumn", "config": _WORDS}
_NUMBER = {"key": "b", "shape": (1,), "default_value": None, "dtype": "float32", "normalizer_fn": None}
_INITIALIZER = {"mean": 0.0, "stddev": 0.5773502691896258, "seed": None, "dtype": "float32"}

COLUMNS = [
    (
        fc.numeric_column("a", (2,), default_value=1.0),
        {"key": "a", "shape": (2,), "default_value": (1.0, 1.0), "dtype": "float32", "normalizer_fn": None},
    ),
    (
        fc.bucketized_column(fc.numeric_column("b"), [1.0, 2.0]),
        {"source_column": {"class_name": "NumericColumn", "config": _NUMBER}, "boundaries": (1.0, 2.0)},
    ),
    (fc.categorical_column_with_hash_bucket("h", 5), {"key": "h", "hash_bucket_size": 5, "dtype": "string"}),
    (fc.crossed_column(["p", WORDS], 10), {"keys": ("p", _WORDS), "hash_bucket_size": 10, "hash_key": None}),
    (fc.indicator_column(WORDS), {"categorical_column": _WORDS}),
    (
        fc.embedding_column(WORDS, 3),
        {
            "categorical_column": _WORDS,
            "dimension": 3,
            "combiner": "mean",
            "initializer": {"class_name": "TruncatedNormal", "config": _INITIALIZER},
            "ckpt_to_load_from": None,
            "tensor_name_in_ckpt": None,
            "max_norm": None,
            "trainable": True,
            "use_safe_embedding_lookup": True,
        },
    ),
    (
        fc.weighted_categorical_column(WORDS, "w"),
        {"categorical_column": _WORDS, "weight_feature_key": "w", "dtype": "float32"},
    ),
    (
        fc.sequence_numeric_column("s"),
        {"key": "s", "shape": (1,), "default_value": 0.0, "dtype": "float32", "normalizer_fn": None},
    ),
]


@pytest.mark.parametrize(("column", "config"), COLUMNS, ids=lambda value: type(value).__name__)
def test_columns_there_and_back(column: Any, config: dict[str, Any]) -> None:
    written = serialization.serialize_feature_column(column)
    assert written == {"class_name": type(column).__name__, "config": config}
    again = serialization.deserialize_feature_column(written)
    assert type(again) is type(column)
    assert serialization.serialize_feature_column(again) == written
    if type(column).__name__ != "EmbeddingColumn":  # whose initializer is another object
        assert again == column


def test_equal_columns_are_one() -> None:
    columns = serialization.serialize_feature_columns([fc.indicator_column(WORDS), fc.embedding_column(WORDS, 2)])
    indicator, embedding = serialization.deserialize_feature_columns(columns)
    assert indicator.categorical_column is embedding.categorical_column
    assert serialization.deserialize_feature_column("key") == serialization.serialize_feature_column("key") == "key"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"class_name": "Zzz", "config": {}}, "Unknown feature_column_v2: Zzz"),
        ({"class_name": "NumericColumn"}, "Improper config format"),
        ({"class_name": "NumericColumn", "config": {"key": "a"}}, "Improper config format"),
        ({"class_name": "NumericColumn", "config": {"nothing": 1}}, "Improper config format"),
        (3, "Improper config format"),
    ],
)
def test_what_is_no_configuration(config: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        serialization.deserialize_feature_column(config)


def test_what_has_no_configuration() -> None:
    with pytest.raises(ValueError, match="is not a FeatureColumn"):
        serialization.serialize_feature_column(3)
    with tf.Graph().as_default():
        (shared,) = fc.shared_embeddings([WORDS], 2)
    with pytest.raises(ValueError, match="have no configuration"):
        serialization.serialize_feature_column(shared)
