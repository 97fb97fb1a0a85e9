"""Features that are parsed into ragged tensors: ``tf.io.RaggedFeature``."""

from __future__ import annotations

import pytest

import tideflow as tf

Ragged = tf.io.RaggedFeature


def features(**numbers):
    kinds = {key: tf.train.Feature(int64_list=tf.train.Int64List(value=each)) for key, each in numbers.items()}
    return tf.train.Features(feature=kinds)


def example(**numbers):
    return tf.train.Example(features=features(**numbers)).SerializeToString()


EXAMPLES = [
    example(v=[3, 1, 4, 1], splits=[0, 1, 4], lengths=[1, 3], ids=[0, 2, 2, 2], starts=[0, 1], limits=[1, 4]),
    example(v=[5, 9], splits=[0, 2, 2], lengths=[2, 0], ids=[0, 0], starts=[0, 2], limits=[2, 2]),
    example(v=[], splits=[0], lengths=[], ids=[], starts=[], limits=[]),
]
PARTITIONS = {
    "splits": (Ragged.RowSplits, [[[3], [1, 4, 1]], [[5, 9], []], []]),
    "lengths": (Ragged.RowLengths, [[[3], [1, 4, 1]], [[5, 9], []], []]),
    "starts": (Ragged.RowStarts, [[[3], [1, 4, 1]], [[5, 9], []], []]),
    "limits": (Ragged.RowLimits, [[[3], [1, 4, 1]], [[5, 9], []], []]),
    "ids": (Ragged.ValueRowIds, [[[3], [], [1, 4, 1]], [[5, 9]], []]),
}


def test_values_of_examples_are_rows():
    parsed = tf.io.parse_example(EXAMPLES, {"v": Ragged(tf.int64), "none": Ragged(tf.string)})
    assert parsed["v"].to_list() == [[3, 1, 4, 1], [5, 9], []] and parsed["v"].row_splits.dtype == tf.int32
    assert parsed["none"].to_list() == [[], [], []] and parsed["none"].dtype == tf.string
    wide = tf.io.parse_example(EXAMPLES, {"v": Ragged(tf.int64, row_splits_dtype=tf.int64)})["v"]
    assert wide.row_splits.dtype == tf.int64
    alone = tf.io.parse_single_example(EXAMPLES[0], {"v": Ragged(tf.int64)})["v"]
    assert alone.numpy().tolist() == [3, 1, 4, 1]


@pytest.mark.parametrize("validate", [False, True])
@pytest.mark.parametrize("key", PARTITIONS)
def test_partitions_cut_them_into_rows(key, validate):
    kind, expected = PARTITIONS[key]
    described = {"rows": Ragged(tf.int64, "v", [kind(key)], validate=validate)}

    def parsed(serialized):
        result = tf.io.parse_example(serialized, described)
        assert list(result) == ["rows"]
        return result["rows"]

    traced = tf.function(parsed, input_signature=[tf.TensorSpec([None], tf.string)])
    assert parsed(EXAMPLES).to_list() == traced(tf.constant(EXAMPLES)).to_list() == expected
    assert parsed(EXAMPLES[0]).to_list() == expected[0]


def test_uniform_rows():
    two = Ragged.UniformRowLength(2)
    assert tf.io.parse_example(EXAMPLES, {"v": Ragged(tf.int64, partitions=[two])})["v"].to_list() == [
        [[3, 1], [4, 1]],
        [[5, 9]],
        [],
    ]
    alone = tf.io.parse_example(EXAMPLES[0], {"v": Ragged(tf.int64, partitions=[two])})["v"]
    assert alone.numpy().tolist() == [[3, 1], [4, 1]]
    both = Ragged(tf.int64, partitions=[Ragged.UniformRowLength(1), Ragged.RowLengths("lengths")], validate=True)
    assert tf.io.parse_example(EXAMPLES, {"v": both})["v"].to_list() == [[[[3]], [[1, 4, 1]]], [[[5, 9]], [[]]], []]


def test_feature_lists():
    def sequence(context, lists):
        rows = [tf.train.Feature(int64_list=tf.train.Int64List(value=row)) for row in lists]
        return tf.train.SequenceExample(
            context=features(c=context),
            feature_lists=tf.train.FeatureLists(feature_list={"l": tf.train.FeatureList(feature=rows)}),
        ).SerializeToString()

    serialized = [sequence([1, 2], [[1], [2, 3]]), sequence([], []), sequence([3], [[], [4]])]
    context, lists, lengths = tf.io.parse_sequence_example(serialized, {"c": Ragged(tf.int64)}, {"l": Ragged(tf.int64)})
    assert context["c"].to_list() == [[1, 2], [], [3]] and lengths == {}
    assert lists["l"].to_list() == [[[1], [2, 3]], [], [[], [4]]]
    context, lists = tf.io.parse_single_sequence_example(
        serialized[0], {"c": Ragged(tf.int64)}, {"l": Ragged(tf.int64)}
    )
    assert context["c"].numpy().tolist() == [1, 2] and lists["l"].to_list() == [[1], [2, 3]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Ragged(tf.int32), ValueError, "`dtype` must be int64, float32, or bytes; got tf.int32"),
        (lambda: Ragged(tf.int64, value_key=3), ValueError, "`value_key` must be a string; got 3"),
        (lambda: Ragged(tf.int64, value_key=""), ValueError, "`value_key` must not be empty"),
        (lambda: Ragged(tf.int64, row_splits_dtype=tf.float32), ValueError, "must be int32 or int64"),
        (lambda: Ragged(tf.int64, partitions=3), TypeError, "`partitions` must be a list or tuple"),
        (lambda: Ragged(tf.int64, partitions=[3]), TypeError, "cannot be cast to any of the partition types"),
        (lambda: Ragged(tf.int64, validate=1), TypeError, "`validate` must be a bool; got 1"),
    ],
)
def test_descriptions_that_are_none(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("described", "error", "message"),
    [
        ({"a": Ragged(tf.int64, "v"), "v": tf.io.VarLenFeature(tf.int64)}, ValueError, "must not intersect"),
        ({"a": Ragged(tf.int64, "v"), "v": Ragged(tf.float32)}, ValueError, "Conflicting type"),
        ({"a": Ragged(tf.int64, "v"), "v": Ragged(tf.int64, row_splits_dtype=tf.int64)}, ValueError, "partition type"),
        (
            {"v": Ragged(tf.int64, partitions=[Ragged.RowLengths("starts")], validate=True)},
            tf.errors.InvalidArgumentError,
            "do not form a valid RaggedTensor",
        ),
    ],
)
def test_descriptions_that_do_not_fit(described, error, message):
    with pytest.raises(error, match=message):
        tf.io.parse_example(EXAMPLES, described)
