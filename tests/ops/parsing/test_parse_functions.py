"""Checks ``tf.io.parse_example`` and its kin against what TensorFlow 2.21 gives."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as tf1

io, train, errors = tf.io, tf.train, tf.errors


def feature(values):
    if isinstance(values[0], bytes):
        return train.Feature(bytes_list=train.BytesList(value=values))
    if isinstance(values[0], float):
        return train.Feature(float_list=train.FloatList(value=values))
    return train.Feature(int64_list=train.Int64List(value=values))


def example(**features):
    message = train.Example(features=train.Features(feature={key: feature(item) for key, item in features.items()}))
    return message.SerializeToString()


def sequence(context, lists):
    features = train.Features(feature={key: feature(values) for key, values in context.items()})
    named = {key: train.FeatureList(feature=[feature(item) for item in items]) for key, items in lists.items()}
    message = train.SequenceExample(context=features, feature_lists=train.FeatureLists(feature_list=named))
    return message.SerializeToString()


ONE = example(x=[1.5], y=[1, 2, 3], s=[b"a", b"b"])
TWO = example(x=[2.5], y=[4, 5, 6], s=[b"c"])
NONE = example()


def test_kinds_of_features():
    parsed = io.parse_example(
        [ONE, TWO],
        {
            "x": io.FixedLenFeature([], tf.float32),
            "y": io.FixedLenFeature([3], tf.int64),
            "s": io.VarLenFeature(tf.string),
        },
    )
    assert list(parsed) == ["s", "x", "y"]
    assert parsed["x"].numpy().tolist() == [1.5, 2.5]
    assert parsed["y"].numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert parsed["s"].indices.numpy().tolist() == [[0, 0], [0, 1], [1, 0]]
    assert parsed["s"].values.numpy().tolist() == [b"a", b"b", b"c"]
    assert parsed["s"].dense_shape.numpy().tolist() == [2, 2]


def test_missing_features():
    with pytest.raises(errors.InvalidArgumentError, match=r"Feature: x \(data type: float\) is required but could not"):
        io.parse_example([ONE, NONE], {"x": io.FixedLenFeature([], tf.float32)})
    with pytest.raises(errors.InvalidArgumentError, match="Name: second, Feature: x"):
        io.parse_example([ONE, NONE], {"x": io.FixedLenFeature([], tf.float32)}, example_names=["first", "second"])
    parsed = io.parse_example([NONE, ONE], {"y": io.FixedLenFeature([3], tf.int64, [7, 8, 9])})
    assert parsed["y"].numpy().tolist() == [[7, 8, 9], [1, 2, 3]]


@pytest.mark.parametrize("count", [1, 40])
def test_features_that_do_not_fit(count):
    def fails(match, **features):
        with pytest.raises(errors.InvalidArgumentError, match=match):
            io.parse_example([ONE] * count, features)

    fails("Data types don't match. Data type: float but expected type: int64", x=io.FixedLenFeature([], tf.int64))
    fails(r"Values size: 3 but output shape: \[2\]", y=io.FixedLenFeature([2], tf.int64))
    fails("Data types don't match", s=io.VarLenFeature(tf.float32))
    fails("not a multiple of stride", y=io.FixedLenSequenceFeature([2], tf.int64, allow_missing=True))


def test_sequences_are_padded():
    parsed = io.parse_example(
        [ONE, TWO, NONE],
        {
            "s": io.FixedLenSequenceFeature([], tf.string, allow_missing=True, default_value="PAD"),
            "y": io.FixedLenSequenceFeature([3], tf.int64, allow_missing=True),
        },
    )
    assert parsed["s"].numpy().tolist() == [[b"a", b"b"], [b"c", b"PAD"], [b"PAD", b"PAD"]]
    assert parsed["y"].numpy().tolist() == [[[1, 2, 3]], [[4, 5, 6]], [[0, 0, 0]]]


def test_a_sparse_feature_of_two_parts():
    serialized = [example(i=[2, 5], j=[1, 0], v=[1.0, 2.0]), example(i=[0], j=[2], v=[3.0])]
    description = io.SparseFeature(["i", "j"], "v", tf.float32, [10, 3], already_sorted=True)
    found = io.parse_example(serialized, {"sparse": description})
    assert list(found) == ["sparse"]
    assert found["sparse"].indices.numpy().tolist() == [[0, 2, 1], [0, 5, 0], [1, 0, 2]]
    assert found["sparse"].values.numpy().tolist() == [1, 2, 3]
    assert found["sparse"].dense_shape.numpy().tolist() == [2, 10, 3]


def test_a_sparse_feature_is_put_in_order():
    found = io.parse_example([example(i=[5, 2], v=[1.0, 2.0])], {"v": io.SparseFeature("i", "v", tf.float32, 10)})
    assert found["v"].indices.numpy().tolist() == [[0, 2], [0, 5]]
    assert found["v"].values.numpy().tolist() == [2, 1]


def test_one_example():
    description = {"x": io.FixedLenFeature([], tf.float32), "s": io.VarLenFeature(tf.string)}
    parsed = io.parse_single_example(ONE, description)
    assert parsed["x"].numpy() == 1.5
    assert parsed["s"].indices.numpy().tolist() == [[0], [1]]
    assert io.parse_example(ONE, description)["x"].shape == []
    with pytest.raises(ValueError, match="must be a scalar"):
        io.parse_single_example([ONE], description)


@pytest.mark.parametrize(
    ("description", "match"),
    [
        (3, "Unsupported int 3 for key 'x'"),
        (io.FixedLenFeature([], None), "Missing type for feature x"),
        (io.FixedLenFeature(None, tf.float32), "Missing shape for feature x"),
        (io.FixedLenFeature([None], tf.float32), "First dimension of shape for feature x unknown"),
        (io.FixedLenSequenceFeature([], tf.float32), "requires allow_missing to be True"),
        (io.VarLenFeature(None), "Missing type for feature x"),
        (io.SparseFeature(None, "v", tf.float32, 3), "Missing index_key"),
        (io.SparseFeature("y", "x", tf.float32, [3, 4]), "equal lengths"),
    ],
)
def test_descriptions_that_cannot_be(description, match):
    with pytest.raises(ValueError, match=match):
        io.parse_example([ONE], {"x": description})
    with pytest.raises(ValueError, match="cannot be None or falsy"):
        io.parse_example([ONE], {})


def test_features_of_a_wrong_type():
    with pytest.raises(errors.InvalidArgumentError):
        io.parse_example([ONE], {"y": io.FixedLenFeature([], tf.int32)})


def test_static_shapes_and_names(graph):
    serialized = tf1.placeholder(tf.string, [None])
    description = {"x": io.FixedLenFeature([2], tf.float32), "s": io.VarLenFeature(tf.string)}
    parsed = tf1.parse_example(serialized, description)
    assert parsed["x"].shape.as_list() == [None, 2]
    assert parsed["x"].op.name == "ParseExample/ParseExampleV2"
    assert parsed["s"].indices.shape.as_list() == [None, 2]
    single = tf1.parse_single_example(serialized[0], description)
    assert single["x"].shape.as_list() == [2]
    with tf1.Session() as session:
        given = {serialized: [example(x=[1.0, 2.0], s=[b"q"])] * 50}
        found = session.run([parsed["x"], parsed["s"], single["x"]], given)
    assert found[0].tolist() == [[1, 2]] * 50
    assert found[1].values.tolist() == [b"q"] * 50
    assert found[2].tolist() == [1, 2]


LONG = sequence({"id": [5], "w": [1.0, 2.0]}, {"a": [[1, 2], [3]], "b": [[b"x"], [b"y"]], "c": [[1.0, 2.0]]})
SHORT = sequence({"id": [6]}, {"a": [[4]], "b": [[b"q"]], "c": []})
CONTEXT = {"id": io.FixedLenFeature([], tf.int64), "w": io.VarLenFeature(tf.float32)}
LISTS = {
    "a": io.VarLenFeature(tf.int64),
    "b": io.FixedLenSequenceFeature([], tf.string),
    "c": io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
}


def test_sequence_examples():
    context, lists, lengths = io.parse_sequence_example([LONG, SHORT], CONTEXT, LISTS)
    assert context["id"].numpy().tolist() == [5, 6]
    assert context["w"].values.numpy().tolist() == [1, 2]
    assert lists["a"].indices.numpy().tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert lists["a"].dense_shape.numpy().tolist() == [2, 2, 2]
    assert lists["b"].numpy().tolist() == [[b"x", b"y"], [b"q", b""]]
    assert lists["c"].numpy().tolist() == [[[1, 2]], [[0, 0]]]
    assert {key: item.numpy().tolist() for key, item in lengths.items()} == {"b": [2, 1], "c": [1, 0]}


def test_one_sequence_example():
    context, lists = io.parse_single_sequence_example(LONG, CONTEXT, LISTS)
    assert context["id"].numpy() == 5
    assert lists["a"].indices.numpy().tolist() == [[0, 0], [0, 1], [1, 0]]
    assert lists["b"].numpy().tolist() == [b"x", b"y"]
    assert lists["c"].numpy().tolist() == [[1, 2]]


def test_sequence_examples_that_do_not_fit():
    def fails(match, **lists):
        with pytest.raises(errors.InvalidArgumentError, match=match):
            io.parse_single_sequence_example(LONG, None, lists)

    sequence_feature = io.FixedLenSequenceFeature
    fails("Feature list 'z' is required but could not be found", z=sequence_feature([], tf.int64))
    fails(r"values size: 2 but output shape: \[3\]", c=sequence_feature([3], tf.float32))
    fails("Expected type: int64, but got float", c=sequence_feature([2], tf.int64))
    with pytest.raises(errors.InvalidArgumentError, match="Could not parse SequenceExample"):
        io.parse_single_sequence_example(LONG[:-3], CONTEXT)
    with pytest.raises(ValueError, match="at least one should have values"):
        io.parse_single_sequence_example(LONG)


def test_tensors_survive_serialization():
    for value in (np.float32([[1, 2]]), np.array([b"a", b""], object), np.zeros((0, 3), np.int64), np.bool_(True)):
        back = io.parse_tensor(io.serialize_tensor(tf.constant(value)), tf.constant(value).dtype).numpy()
        np.testing.assert_array_equal(back, value)
    with pytest.raises(errors.InvalidArgumentError, match="Type mismatch"):
        io.parse_tensor(io.serialize_tensor([1.0]), tf.int32)
    huge = b"\x08\x01\x12\x08\x12\x06\x08\x80\x80\x80\x80\x40\x2d\x00\x00\x80\x3f"  # 2**34 floats of which one is given
    with pytest.raises(errors.InvalidArgumentError, match="Cannot parse tensor"):
        io.parse_tensor(huge, tf.float32)


def test_decode_csv_checks_its_columns():
    with pytest.raises(ValueError, match="strictly increasing"):
        io.decode_csv(["1,2"], [0, 0], select_cols=[1, 0])
    with pytest.raises(ValueError, match="negative"):
        io.decode_csv(["1,2"], [0], select_cols=[-1])
    with pytest.raises(ValueError, match="do not match"):
        io.decode_csv(["1,2"], [0], select_cols=[0, 1])
    with pytest.raises(errors.InvalidArgumentError):
        io.decode_csv(["1"], [True])
    assert [column.numpy() for column in tf1.decode_csv("1_0,0x10", ["", 0.0])] == [b"1_0", 16.0]
    with pytest.raises(errors.InvalidArgumentError, match="not a valid int32: 1_0"):
        io.decode_csv("1_0", [0])
