"""Tests of public functions over ragged tensors: values as TensorFlow gives them, eagerly and in functions."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf

A = [[1, 2], [3, 4, 5], [], [6]]
B = [[[1, 2], [3]], [], [[4, 5, 6]], [[7], [8], []]]

CASES: dict[str, tuple[Callable[..., Any], Any]] = {
    "sum of rows": (lambda a, b: tf.reduce_sum(a, axis=1), [3, 12, 0, 6]),
    "sum of columns": (lambda a, b: tf.reduce_sum(a, axis=0), [10, 6, 5]),
    "sum of both": (lambda a, b: tf.reduce_sum(b, axis=[0, 1], keepdims=True), [[[23, 7, 6]]]),
    "largest": (lambda a, b: tf.reduce_max(b, axis=2), [[2, 3], [], [6], [7, 8, -(2**31)]]),
    "all": (lambda a, b: tf.reduce_all(a > 2, axis=1), [False, True, True, True]),
    "segments": (lambda a, b: tf.math.unsorted_segment_sum(a, [0, 1, 0, 1], 2), [[1, 2], [9, 4, 5]]),
    "plus itself": (lambda a, b: a + a, [[2, 4], [6, 8, 10], [], [12]]),
    "plus a number": (lambda a, b: 1 + a, [[2, 3], [4, 5, 6], [], [7]]),
    "plus a column": (lambda a, b: a + [[10], [20], [30], [40]], [[11, 12], [23, 24, 25], [], [46]]),
    "plus inner columns": (
        lambda a, b: b * [[[1]], [[2]], [[3]], [[0]]],
        [[[1, 2], [3]], [], [[12, 15, 18]], [[0], [0], []]],
    ),
    "joined rows": (lambda a, b: tf.concat([a, a[::-1]], 0), [*A, [6], [], [3, 4, 5], [1, 2]]),
    "joined columns": (lambda a, b: tf.concat([a, a], 1), [[1, 2, 1, 2], [3, 4, 5, 3, 4, 5], [], [6, 6]]),
    "stacked": (lambda a, b: tf.stack([a[:2], a[2:]]), [[[1, 2], [3, 4, 5]], [[], [6]]]),
    "gathered rows": (lambda a, b: tf.gather(b, [3, 0]), [B[3], B[0]]),
    "gathered in rows": (
        lambda a, b: tf.gather(a, tf.ragged.constant([[1, 0], [2], [], [0]]), batch_dims=1),
        [[2, 1], [5], [], [6]],
    ),
    "gathered at places": (lambda a, b: tf.gather_nd(b, [[0, 1, 0], [3, 1, 0]]), [3, 8]),
    "masked": (lambda a, b: tf.ragged.boolean_mask(a, a % 2 == 0), [[2], [4], [], [6]]),
    "masked rows": (lambda a, b: tf.ragged.boolean_mask(b, [True, False, False, True]), [B[0], B[3]]),
    "where": (lambda a, b: tf.where(a > 2, a, 0), [[0, 0], [3, 4, 5], [], [6]]),
    "places": (lambda a, b: tf.where(a > 4), [[1, 2], [3, 0]]),
    "reversed": (lambda a, b: tf.reverse(a, [1]), [[2, 1], [5, 4, 3], [], [6]]),
    "tiled": (lambda a, b: tf.tile(a[:2], [2, 2]), [[1, 2, 1, 2], [3, 4, 5, 3, 4, 5]] * 2),
    "tiled deeper": (lambda a, b: tf.tile(b[:1], [1, 2, 1]), [[[1, 2], [3], [1, 2], [3]]]),
    "more dimensions": (lambda a, b: tf.expand_dims(a, 1), [[row] for row in A]),
    "fewer dimensions": (lambda a, b: tf.squeeze(tf.expand_dims(a, 2), 2), A),
    "one hot": (lambda a, b: tf.one_hot(a[:1], 3), [[[0, 1, 0], [0, 0, 1]]]),
    "partitions": (
        lambda a, b: tf.ragged.stack_dynamic_partitions(a, [0, 2, 2, 0], 3),
        [[A[0], A[3]], [], [A[1], A[2]]],
    ),
    "ranges": (lambda a, b: tf.ragged.range([3, 0, 2]), [[0, 1, 2], [], [0, 1]]),
    "size": (lambda a, b: tf.size(b), 8),
    "rank": (lambda a, b: tf.rank(b), 3),
}


@pytest.mark.parametrize("in_function", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_value(name: str, in_function: bool) -> None:
    function, expected = CASES[name]
    call = tf.function(function) if in_function else function
    found = call(tf.ragged.constant(A), tf.ragged.constant(B))
    assert (found.to_list() if isinstance(found, tf.RaggedTensor) else found.numpy().tolist()) == expected


def test_sizes_that_are_not_known_yet() -> None:
    specs = [tf.RaggedTensorSpec([None, None], tf.int32), tf.TensorSpec([None, None], tf.int32)]

    @tf.function(input_signature=specs)
    def added(rt: Any, tensor: Any) -> Any:
        return rt + tensor

    rt = tf.ragged.constant([[1, 2], [3, 4, 5]])
    assert added(rt, [[10], [20]]).to_list() == [[11, 12], [23, 24, 25]]
    assert added(rt, [[10]]).to_list() == [[11, 12], [13, 14, 15]]
    assert added(rt[:, :2], [[10, 20], [30, 40]]).to_list() == [[11, 22], [33, 44]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        added(rt, [[10, 20], [30, 40]])


@pytest.mark.parametrize(
    "other", [[[1], [2, 3]], [[1, 2, 3], [4, 5, 6]], [[1, 2], [3, 4, 5], [6]]], ids=["short", "long", "rows"]
)
def test_rows_that_do_not_match(other: Any) -> None:
    rt = tf.ragged.constant([[1, 2], [3, 4, 5]])
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.add(rt, tf.ragged.constant(other))
    assert (rt == tf.ragged.constant(other)) is False
    assert (rt != tf.ragged.constant(other)) is True


@pytest.mark.parametrize("axis", [0, 1, 2, [0, 1], [1, 2], None])
@pytest.mark.parametrize("scale", [1.0, 300.0, -300.0])
def test_log_sum_exp_is_that_of_the_elements(axis: Any, scale: float) -> None:
    rt = scale * tf.cast(tf.ragged.constant(B), tf.float64)
    found = tf.reduce_logsumexp(rt, axis=axis)
    if isinstance(found, tf.RaggedTensor):
        found = found.to_tensor(-np.inf)
    expected = rt.to_tensor(-np.inf).numpy()
    for each in sorted(range(3) if axis is None else np.atleast_1d(axis), reverse=True):
        expected = np.logaddexp.reduce(expected, axis=each)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)


def test_order_is_told_of_ragged_elements() -> None:
    assert tf.math.is_non_decreasing(tf.ragged.constant([[1, 2], [], [2]]))
    assert not tf.math.is_strictly_increasing(tf.ragged.constant([[1, 2], [], [2]]))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda rt: tf.reduce_logsumexp(0.0 * rt, axis=1), [0] * 6),
        (lambda rt: tf.reduce_logsumexp(tf.math.log(rt), axis=1) * [3.0, 12.0, 0.0, 6.0], [1] * 6),
        (lambda rt: tf.reduce_sum(rt * rt, axis=1), [2, 4, 6, 8, 10, 12]),
        (lambda rt: tf.reduce_mean(rt, axis=0), [1 / 3, 1 / 2, 1 / 3, 1 / 2, 1, 1 / 3]),
        (lambda rt: tf.concat([rt, 2.0 * rt], 1), [3] * 6),
        (lambda rt: tf.gather(rt, [1, 1, 0]), [1, 1, 2, 2, 2, 0]),
        (lambda rt: tf.tile(rt, [2, 3]), [6] * 6),
        (lambda rt: rt * [[1.0], [2.0], [3.0], [4.0]], [1, 1, 2, 2, 2, 4]),
        (lambda rt: tf.where(rt > 2.0, rt, 0.0), [0, 0, 1, 1, 1, 1]),
        (lambda rt: tf.reverse(rt, [1])[:, :1], [0, 1, 0, 0, 1, 1]),
        (lambda rt: tf.map_fn(lambda row: row * row, rt), [2, 4, 6, 8, 10, 12]),
        (lambda rt: tf.cumsum(rt, 1, reverse=True), [1, 2, 1, 2, 3, 1]),
        (lambda rt: tf.split(rt, 2)[1], [0, 0, 0, 0, 0, 1]),
        (lambda rt: tf.math.unsorted_segment_max(rt, [0, 1, 0, 1], 2), [1, 1, 0, 1, 1, 1]),
        (lambda rt: rt.to_tensor(shape=[3, 2]), [1, 1, 1, 1, 0, 0]),
    ],
)
@pytest.mark.parametrize("in_function", [False, True])
def test_gradient(function: Callable[..., Any], expected: list[float], in_function: bool) -> None:
    def slope(values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(values)
            rt = tf.RaggedTensor.from_row_splits(values, [0, 2, 5, 5, 6])
            result = function(rt)
            total = tf.reduce_sum(result.flat_values if isinstance(result, tf.RaggedTensor) else result)
        return tf.convert_to_tensor(tape.gradient(total, values))

    call = tf.function(slope) if in_function else slope
    found = call(tf.constant([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).numpy().tolist()
    assert found == pytest.approx(expected)


def test_values_in_a_named_tuple_are_mapped() -> None:
    pair = collections.namedtuple("pair", "first second")
    rows = tf.ragged.constant(A)
    assert (
        tf.ragged.map_flat_values(lambda both: both[0] + both[1], pair(rows, rows)).to_list() == (rows + rows).to_list()
    )


def test_the_gradient_of_a_ragged_tensor_is_ragged() -> None:
    rt = tf.RaggedTensor.from_row_splits(tf.constant([1.0, 2.0, 3.0]), [0, 2, 2, 3])
    with tf.GradientTape() as tape:
        tape.watch(rt)
        total = tf.reduce_sum(tf.reduce_sum(rt * rt, axis=1))
    assert tape.gradient(total, rt).to_list() == [[2, 4], [], [6]]


@pytest.mark.parametrize("in_function", [False, True])
def test_products_of_matrices_of_different_sizes(in_function: bool) -> None:
    a = tf.ragged.constant([[[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]], [[5.0, 6.0]]])
    b = tf.ragged.constant([[[1.0], [2.0], [3.0]], [[5.0, 6.0], [1.0, 2.0]]])
    call = tf.function(tf.matmul) if in_function else tf.matmul
    assert call(a, b).to_list() == [[[14], [26]], [[31, 42]]]
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(a, a)


def test_a_session_feeds_and_fetches() -> None:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        rt = tf.compat.v1.ragged.placeholder(tf.float32, 1, [])
        result = tf.concat([rt * [[1.0], [2.0]], rt[::-1]], axis=1)
        value = tf.compat.v1.ragged.constant_value([[1.0, 2.0], [3.0]], dtype="float32")
        assert session.run(result, {rt: value}).to_list() == [[1, 2, 3], [6, 1, 2]]
        assert session.run(tf.reduce_max(rt, axis=1), {rt: value}).tolist() == [2, 3]


def test_rows_of_a_function_that_are_known_before_it() -> None:
    splits, ids, lengths = tf.constant([0, 2, 3]), tf.constant([0, 0, 1]), tf.constant([2, 1])
    values = tf.constant([1, 2, 3])
    assert tf.function(lambda x: tf.RaggedTensor.from_row_splits(x, splits))(values).to_list() == [[1, 2], [3]]
    assert tf.function(lambda x: tf.RaggedTensor.from_value_rowids(x, ids))(values).to_list() == [[1, 2], [3]]
    assert tf.function(lambda x: tf.RaggedTensor.from_row_lengths(x, lengths))(values).to_list() == [[1, 2], [3]]


def test_map_fn_within_rows_of_which_one_is_empty() -> None:
    found = tf.map_fn(lambda row: tf.map_fn(lambda value: value + 1, row), tf.ragged.constant(A))
    assert found.to_list() == [[2, 3], [4, 5, 6], [], [7]]
