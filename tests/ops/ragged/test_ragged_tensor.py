"""Ragged tensors: making them, what they say of themselves, how they print, and where they may go."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

RaggedTensor = tf.RaggedTensor
INVALID = tf.errors.InvalidArgumentError

ROWS = [[3, 1, 4, 1], [], [5, 9, 2], [6], []]
WAYS = {
    "row_splits": lambda v: RaggedTensor.from_row_splits(v, [0, 4, 4, 7, 8, 8]),
    "row_lengths": lambda v: RaggedTensor.from_row_lengths(v, [4, 0, 3, 1, 0]),
    "value_rowids": lambda v: RaggedTensor.from_value_rowids(v, [0, 0, 0, 0, 2, 2, 2, 3], nrows=5),
    "row_starts": lambda v: RaggedTensor.from_row_starts(v, [0, 4, 4, 7, 8]),
    "row_limits": lambda v: RaggedTensor.from_row_limits(v, [4, 4, 7, 8, 8]),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_give_the_same_tensor(way):
    make = WAYS[way]
    values = [3, 1, 4, 1, 5, 9, 2, 6]
    for rt in (make(values), make(tf.constant(values)), tf.function(make)(tf.constant(values))):
        assert rt.to_list() == ROWS
        assert rt.shape.as_list() == [5, None] and rt.dtype == tf.int32 and rt.ragged_rank == 1
        assert rt.row_lengths().numpy().tolist() == [4, 0, 3, 1, 0]
        assert rt.value_rowids().numpy().tolist() == [0, 0, 0, 0, 2, 2, 2, 3]
        assert rt.row_starts().numpy().tolist() == [0, 4, 4, 7, 8]
        assert rt.row_limits().numpy().tolist() == [4, 4, 7, 8, 8]
        assert rt.nrows().numpy() == 5 and rt.nrows(out_type=tf.int32).dtype == tf.int32
        assert rt.bounding_shape().numpy().tolist() == [5, 4]
        assert rt.bounding_shape(axis=1, out_type=tf.int32).numpy() == 4


def nested(dtype=None):
    return tf.ragged.constant([[[1, 2], [3]], [], [[], [4, 5, 6]]], dtype=dtype)


def test_nested_rows():
    rt = nested()
    assert rt.ragged_rank == 2 and rt.shape.as_list() == [3, None, None]
    assert [splits.numpy().tolist() for splits in rt.nested_row_splits] == [[0, 2, 2, 4], [0, 2, 3, 3, 6]]
    assert [lengths.numpy().tolist() for lengths in rt.nested_row_lengths()] == [[2, 0, 2], [2, 1, 0, 3]]
    assert [ids.numpy().tolist() for ids in rt.nested_value_rowids()] == [[0, 0, 2, 2], [0, 0, 1, 3, 3, 3]]
    assert rt.row_lengths(axis=2).to_list() == rt.row_lengths(axis=-1).to_list() == [[2, 1], [], [0, 3]]
    assert rt.row_lengths(axis=0).numpy() == 3
    assert rt.bounding_shape().numpy().tolist() == [3, 2, 3]
    assert rt.values.to_list() == [[1, 2], [3], [], [4, 5, 6]]
    assert rt.flat_values.numpy().tolist() == [1, 2, 3, 4, 5, 6]
    for again in (
        RaggedTensor.from_nested_row_splits(rt.flat_values, rt.nested_row_splits),
        RaggedTensor.from_nested_row_lengths(rt.flat_values, rt.nested_row_lengths()),
        RaggedTensor.from_nested_value_rowids(rt.flat_values, rt.nested_value_rowids(), [3, 4]),
        RaggedTensor._from_nested_row_partitions(rt.flat_values, rt._nested_row_partitions),
    ):
        assert again.to_list() == rt.to_list()


def test_uniform_dimensions():
    inner = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    assert inner.shape.as_list() == [2, None, 2] and inner.flat_values.shape == (3, 2)
    assert inner.row_lengths(axis=2).to_list() == [[2, 2], [2]]
    assert inner.bounding_shape().numpy().tolist() == [2, 2, 2]
    outer = RaggedTensor.from_uniform_row_length(tf.ragged.constant([[1], [2, 3], [4], [5, 6]]), 2)
    assert outer.shape.as_list() == [2, 2, None] and outer.uniform_row_length.numpy() == 2
    assert outer.to_list() == [[[1], [2, 3]], [[4], [5, 6]]]


def test_dimensions_merge():
    rt = nested()
    assert rt.merge_dims(0, 1).to_list() == [[1, 2], [3], [], [4, 5, 6]]
    assert rt.merge_dims(1, 2).to_list() == rt.merge_dims(-2, -1).to_list() == [[1, 2, 3], [], [4, 5, 6]]
    assert rt.merge_dims(0, 2).numpy().tolist() == [1, 2, 3, 4, 5, 6]
    assert rt.merge_dims(1, 1) is rt
    inner = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], ragged_rank=1)
    assert inner.merge_dims(1, 2).to_list() == [[1, 2, 3, 4], [5, 6]]
    assert inner.merge_dims(0, 2).numpy().tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match="outer_axis=3 out of bounds: expected -3<=outer_axis<3"):
        rt.merge_dims(3, 3)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None, None, None], "int32", ragged_rank=1)])
    def merged(x):
        return x.merge_dims(1, 2), x.merge_dims(2, 3)

    value = tf.ragged.constant([[[[1, 2], [3, 4]]], []], ragged_rank=1, inner_shape=(2, 2))
    assert [part.to_list() for part in merged(value)] == [[[[1, 2], [3, 4]], []], [[[1, 2, 3, 4]], []]]


def test_others_like_it():
    rt = nested()
    assert rt.with_values(rt.values.row_lengths()).to_list() == [[2, 1], [], [0, 3]]
    assert rt.with_flat_values(list("abcdef")).to_list() == [[[b"a", b"b"], [b"c"]], [], [[], [b"d", b"e", b"f"]]]
    narrow = rt.with_row_splits_dtype(tf.int32)
    assert [splits.dtype for splits in narrow.nested_row_splits] == [tf.int32, tf.int32]
    assert narrow.to_list() == rt.to_list()
    assert rt.with_row_splits_dtype("int64") is rt


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RaggedTensor([1], [0, 1]), ValueError, "RaggedTensor constructor is private"),
        (lambda: RaggedTensor.from_row_splits([1, 2], [0, 3]), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RaggedTensor.from_row_splits([1, 2], [0, 3, 2]), INVALID, "valid RaggedTensor:monotonic"),
        (lambda: RaggedTensor.from_row_splits([1], [0, 1], validate=1), TypeError, "`validate` must have type bool"),
        (lambda: RaggedTensor.from_row_lengths([1, 2], [1]), INVALID, "do not form a valid RaggedTensor"),
        (lambda: RaggedTensor.from_value_rowids([1, 2], [0]), ValueError, "Shapes .* are incompatible"),
        (lambda: RaggedTensor.from_row_lengths(5, [1]), INVALID, "slice index 0 of dimension 0 out of bounds"),
        (lambda: RaggedTensor.from_uniform_row_length([1, 2, 3], 2), ValueError, "times nrows=1 must equal nvals=3"),
        (
            lambda: RaggedTensor.from_row_splits(nested(), np.array([0, 3], np.int32)),
            ValueError,
            "must have same dtype as Argument `values`. .<dtype: 'int32'> vs. <dtype: 'int64'>",
        ),
        (lambda: RaggedTensor.from_nested_row_splits([1], tf.constant([[0, 1]])), TypeError, "must be a list"),
        (lambda: RaggedTensor.from_nested_value_rowids([1], [[0]], [1, 2]), ValueError, "must have the same length"),
        (lambda: nested().with_values([1, 2]), ValueError, "are incompatible"),
        (lambda: nested().with_row_splits_dtype("float32"), ValueError, "must be int32 or int64"),
        (lambda: nested().row_lengths(axis=3), ValueError, "axis=3 out of bounds: expected -3<=axis<3"),
        (lambda: nested().merge_dims(2, 1), ValueError, "Expected outer_axis .2. to be less than or equal"),
        (lambda: bool(nested()), TypeError, "RaggedTensor may not be used as a boolean."),
        (lambda: hash(nested()), TypeError, "RaggedTensor is unhashable."),
        (lambda: len(nested()), TypeError, "has no len"),
        (lambda: tf.convert_to_tensor(nested()), ValueError, "object of type 'RaggedTensor' has no len()"),
    ],
)
def test_what_is_rejected(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_running_function_rejects_rows_that_do_not_fit(tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)

    @tf.function
    def made(values, splits):
        return RaggedTensor.from_row_splits(values, splits)

    assert made(tf.constant([1, 2]), tf.constant([0, 2, 2])).to_list() == [[1, 2], []]
    with pytest.raises(INVALID, match="do not form a valid RaggedTensor"):
        made(tf.constant([1, 2]), tf.constant([0, 2, 3]))


@pytest.mark.parametrize(
    ("rt", "text"),
    [
        (lambda: tf.ragged.constant([[1, 2], [], [3]]), "<tf.RaggedTensor [[1, 2], [], [3]]>"),
        (lambda: tf.ragged.constant([["a", "b"], ["c"]]), "<tf.RaggedTensor [[b'a', b'b'], [b'c']]>"),
        (lambda: tf.ragged.constant([[1.5, 2.25], []]), "<tf.RaggedTensor [[1.5, 2.25], []]>"),
        (lambda: tf.ragged.constant([], ragged_rank=1), "<tf.RaggedTensor []>"),
        (lambda: tf.ragged.constant([[], []]), "<tf.RaggedTensor [[], []]>"),
        (
            lambda: tf.ragged.constant([[[1, 2], [3, 4]], []], ragged_rank=1),
            "<tf.RaggedTensor [[[1, 2],\n  [3, 4]], []]>",
        ),
        (lambda: RaggedTensor.from_uniform_row_length([1, 2, 3, 4], 2), "<tf.RaggedTensor [[1, 2],\n [3, 4]]>"),
        (
            lambda: RaggedTensor.from_uniform_row_length(tf.ragged.constant([[1], [2, 3], [4], [5, 6]]), 2),
            "<tf.RaggedTensor [[[1], [2, 3]],\n [[4], [5, 6]]]>",
        ),
    ],
)
def test_text(rt, text):
    assert repr(rt()) == str(rt()) == text


def test_text_in_a_graph():
    with tf.Graph().as_default():
        rt = RaggedTensor.from_row_splits(tf.compat.v1.placeholder("int32", [None], "v"), tf.constant([0, 2]), "rt")
        assert str(rt).startswith('tf.RaggedTensor(values=Tensor("v:0", shape=(None,), dtype=int32), row_splits=')
        with pytest.raises(ValueError, match="only supported in eager mode"):
            rt.numpy()
        with pytest.raises(ValueError, match="can only be used in eager mode"):
            rt.to_list()
        assert isinstance(hash(rt), int)


def test_numpy():
    rows = tf.ragged.constant([[1, 2], [3]]).numpy()
    assert rows.dtype == object and [row.tolist() for row in rows] == [[1, 2], [3]]
    assert RaggedTensor.from_row_lengths([1, 2, 3, 4], [2, 2]).numpy().tolist() == [[1, 2], [3, 4]]
    empty = RaggedTensor.from_row_lengths(np.zeros((0, 3), np.float32), []).numpy()
    assert empty.shape == (0, 0, 3) and empty.dtype == np.float32


def test_the_spec():
    rt = tf.ragged.constant([[1, 2], [], [3]])
    spec = tf.type_spec_from_value(rt)
    assert repr(spec) == "RaggedTensorSpec(TensorShape([3, None]), tf.int32, 1, tf.int64)"
    assert spec._component_specs == [tf.TensorSpec([None], "int32"), tf.TensorSpec([4], "int64")]
    assert tf.RaggedTensorSpec([None, None], tf.int32).is_compatible_with(rt)
    assert not tf.RaggedTensorSpec([None, None], tf.float32).is_compatible_with(rt)
    assert not tf.RaggedTensorSpec([2, None], tf.int32).is_compatible_with(rt)
    assert tf.RaggedTensorSpec([2], tf.int32, ragged_rank=0).is_compatible_with(tf.constant([1, 2]))
    assert tf.RaggedTensorSpec([2], tf.int32, ragged_rank=0).value_type is tf.Tensor
    assert spec._batch(3) == tf.RaggedTensorSpec([3, 3, None], tf.int32, 2)
    assert spec._unbatch() == tf.RaggedTensorSpec([None], tf.int32, 0)
    assert spec._flat_tensor_specs == [tf.TensorSpec(None, tf.variant)]
    common = spec.most_specific_common_supertype([tf.RaggedTensorSpec([2, None], tf.int32)])
    assert common == tf.RaggedTensorSpec([None, None], tf.int32)
    with pytest.raises(ValueError, match="Must specify ragged_rank or a shape with a known rank"):
        tf.RaggedTensorSpec(None, tf.int32)
    with pytest.raises(ValueError, match=r"Argument `ragged_rank` \(1\) must be less than rank \(1\)"):
        tf.RaggedTensorSpec([2], tf.int32, ragged_rank=1)
    with pytest.raises(TypeError, match="must be an int"):
        tf.RaggedTensorSpec([2, None], tf.int32, ragged_rank=1.0)


def test_structures_take_it_apart():
    rt = nested()
    parts = tf.nest.flatten(rt, expand_composites=True)
    assert [part.shape.as_list() for part in parts] == [[6], [4], [5]]
    assert tf.nest.pack_sequence_as(rt, parts, expand_composites=True).to_list() == rt.to_list()
    assert tf.nest.flatten(rt) == [rt] or tf.nest.flatten(rt)[0] is rt
    assert tf.is_tensor(rt) and not isinstance(rt, tf.Tensor)


def test_arguments_and_results_of_functions():
    traces = []

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
    def doubled(x):
        traces.append(str(x))
        assert x.shape.as_list() == [None, None]
        return x.with_flat_values(x.flat_values * 2.0), {"count": x.nrows()}

    for rows in ([[1.0, 2.0], []], [[3.0]], []):
        rt = tf.ragged.constant(rows, dtype=tf.float32, ragged_rank=1)
        result, numbers = doubled(rt)
        assert result.to_list() == [[item * 2 for item in row] for row in rows]
        assert numbers["count"].numpy() == len(rows)
    assert traces == [
        'tf.RaggedTensor(values=Tensor("x:0", shape=(None,), dtype=float32), '
        'row_splits=Tensor("x_1:0", shape=(None,), dtype=int64))'
    ]


def test_branches_and_loops():
    @tf.function
    def chosen(condition, x):
        return tf.cond(condition, lambda: x, lambda: x.with_values(x.values + 1))

    rt = tf.ragged.constant([[1, 2], [], [3]])
    assert chosen(tf.constant(True), rt).to_list() == [[1, 2], [], [3]]
    assert chosen(tf.constant(False), rt).to_list() == [[2, 3], [], [4]]

    @tf.function
    def repeated(x):
        return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x.with_values(x.values * 2)), [0, x])[1]

    assert repeated(rt).to_list() == [[8, 16], [], [24]]


@pytest.mark.parametrize(
    "invariant", [tf.TensorShape([None, None]), tf.RaggedTensorSpec([None, None], tf.int32)], ids=["shape", "spec"]
)
def test_loops_in_which_they_grow(invariant):
    @tf.function
    def grown(x):
        _, result = tf.while_loop(
            lambda i, _: i < 2,
            lambda i, x: (i + 1, tf.concat([x, x], axis=0)),
            [0, x],
            shape_invariants=[tf.TensorShape([]), invariant],
        )
        assert result.shape.as_list() == [None, None]
        return result

    assert grown(tf.ragged.constant([[1, 2], []])).to_list() == [[1, 2], []] * 4


def test_gradients():
    values = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(values)
        rt = RaggedTensor.from_row_splits(values, [0, 2, 3])
        row = rt[0] * 3.0
        squares = rt.with_values(rt.values**2)
    assert tape.gradient(row, values).numpy().tolist() == [3, 3, 0]
    assert tape.gradient(squares, values).numpy().tolist() == [2, 4, 6]
    of_ragged = tape.gradient(squares, rt)
    assert isinstance(of_ragged, RaggedTensor) and of_ragged.to_list() == [[2, 4], [6]]


def test_sessions_feed_and_fetch():
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        assert tf.compat.v1.ragged.placeholder(tf.int32, ragged_rank=2).shape.rank is None
        rt = tf.compat.v1.ragged.placeholder(tf.int32, ragged_rank=2, value_shape=[])
        assert rt.shape.as_list() == [None, None, None]
        doubled = rt.with_flat_values(rt.flat_values * 2)
        value = tf.compat.v1.ragged.constant_value([[[1, 2], [3]], []], dtype=np.int32)
        result = session.run({"a": doubled, "b": doubled.row_lengths()}, {rt: value})
        assert isinstance(result["a"], tf.compat.v1.ragged.RaggedTensorValue)
        assert result["a"].to_list() == [[[2, 4], [6]], []]
        assert str(result["a"]) == "<tf.RaggedTensorValue [[[2, 4], [6]], []]>"
        assert result["b"].tolist() == [2, 0]
        assert session.run(doubled, {rt: result["a"]}).to_list() == [[[4, 8], [12]], []]
        assert tf.type_spec_from_value(value) == tf.RaggedTensorSpec([2, None, None], tf.int32)


def test_rows_by_number_and_slices_of_rows():
    rt = tf.ragged.constant([[1, 2], [], [3]])
    assert [row.numpy().tolist() for row in rt] == [[1, 2], [], [3]]
    assert rt[-1].numpy().tolist() == [3] and rt[tf.constant(0)].numpy().tolist() == [1, 2]
    assert rt[0, 1].numpy() == 2
    assert rt[1:].to_list() == [[], [3]]
    assert rt[:0].to_list() == rt[5:].to_list() == []
    assert rt[...].to_list() == rt[:].to_list() == rt[()].to_list() == rt.to_list()
    assert rt[tf.newaxis].to_list() == [rt.to_list()] and rt[tf.newaxis].shape.as_list() == [1, 3, None]
    assert rt[:, tf.newaxis].to_list() == [[[1, 2]], [[]], [[3]]]
    with pytest.raises(IndexError, match="Row key 3 out of bounds"):
        rt[3]
    with pytest.raises(ValueError, match="Cannot index into an inner ragged dimension"):
        rt[:, 0]
    with pytest.raises(TypeError, match="Only integers, slices"):
        rt["a"]
    with pytest.raises(TypeError, match="slice offsets must be integers or None"):
        rt[:, 0.5:]


def test_a_first_size_beyond_memory_is_refused_before_anything_is_made() -> None:
    with pytest.raises(tf.errors.ResourceExhaustedError, match="OOM when allocating"):
        tf.raw_ops.RaggedTensorToTensor(
            shape=tf.constant([2, -1]),
            values=[1, 2],
            default_value=0,
            row_partition_tensors=[tf.constant(2**40, tf.int64), tf.constant([0, 3], tf.int64)],
            row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"],
        )
