"""Ragged shapes and what they broadcast to."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf

Shape = tf.experimental.DynamicRaggedShape
INVALID = tf.errors.InvalidArgumentError


def stretched(dense, rows):
    """Returns nested lists like ``rows`` of the elements of ``dense``, whose single elements are repeated: a model."""
    if not isinstance(rows, list):
        return dense
    if len(dense) == 1:
        dense = dense * len(rows)
    return [stretched(*pair) for pair in zip(dense, rows, strict=True)]


def added(x, y):
    return [added(*pair) for pair in zip(x, y, strict=True)] if isinstance(x, list) else x + y


ROWS = [[1, 2], [], [3]]
NESTED = [[[1, 2], [3]], [], [[], [4, 5, 6]]]
DENSE = [
    [7], [[7]], [[10], [20], [30]], [[[7]]], [[[10]], [[20]], [[30]]],
]  # fmt: skip


@pytest.mark.parametrize("rows", [ROWS, NESTED], ids=["one level", "two levels"])
@pytest.mark.parametrize("dense", DENSE, ids=str)
def test_tensors_stretch_to_ragged_ones(rows, dense):
    rt = tf.ragged.constant(rows)
    if rows is NESTED and np.shape(dense) == (3, 1):
        with pytest.raises(INVALID):
            rt + dense
        return
    if np.ndim(dense) > rt.shape.rank:
        rt = rt[tf.newaxis] if len(dense) == 1 else rt[:, tf.newaxis]
    same_rank = dense
    for _ in range(rt.shape.rank - np.ndim(dense)):
        same_rank = [same_rank]
    expected = added(rt.to_list(), stretched(same_rank, rt.to_list()))

    def total(x, y):
        return x + y

    unknown = tf.RaggedTensorSpec([None] * rt.shape.rank, tf.int32)
    in_function = tf.function(total, input_signature=[unknown, tf.TensorSpec([None] * np.ndim(dense), tf.int32)])
    for function in (total, lambda x, y: total(y, x), tf.function(total), in_function):
        result = function(rt, tf.constant(dense))
        assert result.to_list() == expected
        assert result.shape.rank == rt.shape.rank


def test_ragged_tensors_of_the_same_rows():
    x = tf.ragged.constant(NESTED)
    y = tf.ragged.constant(NESTED)
    first, second = x, y
    assert (first + second).to_list() == added(NESTED, NESTED)
    first, second = (x, x.with_flat_values(x.flat_values * 2))
    assert (first + second).to_list() == [[[3, 6], [9]], [], [[], [12, 15, 18]]]


def test_ragged_tensors_stretch_along_uniform_dimensions():
    rows = tf.ragged.constant(ROWS)
    first, second = rows[:, tf.newaxis], rows[:, :, tf.newaxis]
    assert (first + second).to_list() == [[[2, 3], [3, 4]], [], [[6]]]
    nested = tf.ragged.constant([[[1, 2], [3]], [], [[5]]])
    first, second = nested, rows[:, :, tf.newaxis]
    assert (first * second).to_list() == [[[1, 2], [6]], [], [[15]]]
    single = tf.RaggedTensor.from_uniform_row_length(rows[:1].values[:1], 1)
    first, second = single, rows
    assert (first + second).to_list() == [[2, 3], [], [4]]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (ROWS, [[1, 2], [], [3, 4]]),
        (ROWS, [[1, 2], []]),
        (ROWS, [[1], [2], [3, 4]]),
        (NESTED, [[[1, 2], [3]], [], [[], [4, 5]]]),
    ],
)
def test_rows_that_differ_do_not_broadcast(x, y):
    with pytest.raises(INVALID):
        tf.ragged.constant(x) + tf.ragged.constant(y)
    with pytest.raises(INVALID):
        tf.broadcast_dynamic_shape(tf.shape(tf.ragged.constant(x)), tf.shape(tf.ragged.constant(y)))


def test_a_running_function_refuses_what_does_not_broadcast():
    spec = tf.RaggedTensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[spec, tf.TensorSpec([None, None], tf.int32)])
    def total(x, y):
        return x + y

    rt = tf.ragged.constant(ROWS)
    assert total(rt, tf.constant([[5]])).to_list() == [[6, 7], [], [8]]
    assert total(tf.ragged.constant([[1, 2], [3, 4]]), tf.constant([[1, 2], [3, 4]])).to_list() == [[2, 4], [6, 8]]
    for wrong in ([[1], [2]], [[1, 2], [3, 4], [5, 6]]):
        with pytest.raises(INVALID):
            total(rt, tf.constant(wrong))


def test_shapes_broadcast_as_tensors_do():
    sizes = [(), (1,), (3,), (1, 1), (2, 1), (1, 3), (2, 3), (2, 1, 3), (1, 2, 1)]
    for a, b in itertools.product(sizes, sizes):
        expected = list(np.broadcast_shapes(a, b)) if _broadcasts(a, b) else None
        for x, y in itertools.product(_partitioned(a), _partitioned(b)):
            if expected is None:
                with pytest.raises(INVALID):
                    tf.broadcast_dynamic_shape(x, y)
            else:
                assert tf.broadcast_dynamic_shape(x, y).static_lengths() == expected


def _broadcasts(a, b):
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b), strict=False))


def _partitioned(size):
    return [Shape.from_lengths(list(size), count) for count in range(max(len(size), 1))]


def test_gradients_flow_to_what_stretched():
    rt = tf.ragged.constant([[1.0, 2.0], [], [3.0]])
    column = tf.constant([[1.0], [2.0], [3.0]])
    with tf.GradientTape() as tape:
        tape.watch([rt.flat_values, column])
        first, second = rt, column
        product = first * second
    for_rows, for_column = tape.gradient(product, [rt.flat_values, column])
    assert for_rows.numpy().tolist() == [1, 1, 3]
    assert tf.convert_to_tensor(for_column).numpy().tolist() == [[3], [0], [3]]


def test_a_shape_in_a_function():
    @tf.function
    def filled(x):
        shape = tf.shape(x)
        assert shape.rank == 3 and shape.num_row_partitions == 1
        return tf.ones(shape), shape

    inner = tf.ragged.constant([[[1, 2], [3, 4]], [], [[5, 6]]], ragged_rank=1)
    ones, shape = filled(inner)
    assert ones.to_list() == [[[1, 1], [1, 1]], [], [[1, 1]]]
    assert isinstance(shape, Shape) and shape.static_lengths() == [3, (2, 0, 1), 2]
    assert repr(shape._type_spec).startswith("DynamicRaggedShape.Spec(row_partitions=(RowPartitionSpec(nrows=3")


def test_shapes_in_branches():
    @tf.function
    def chosen(condition):
        return tf.cond(condition, lambda: Shape.from_lengths([2, (1, 2)]), lambda: Shape.from_lengths([2, (2, 1)]))

    assert [chosen(tf.constant(which)).static_lengths()[1] for which in (True, False)] == [(1, 2), (2, 1)]
    with pytest.raises(TypeError, match="unhashable type"):
        hash(Shape.from_lengths([2]))


def test_values_of_ragged_tensors_dispatch():
    value = tf.compat.v1.ragged.constant_value([[1], []], dtype=np.int32)
    assert tf.add(value, 1).to_list() == [[2], []]
    assert tf.shape(value).static_lengths() == [2, (1, 0)]
