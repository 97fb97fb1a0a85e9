"""Checks what is known of values while a graph is built."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.graph.static_value import static_value


def test_arithmetic_on_constants_is_known(graph) -> None:
    value = static_value(tf.constant([1, 2]) * 3 + 1)
    np.testing.assert_array_equal(value, [4, 7])
    assert value.dtype == np.int32


def test_what_depends_on_a_placeholder_is_not(graph) -> None:
    x = tf.placeholder(tf.float32, [2, None])
    assert static_value(x) is None
    assert static_value(x + 1.0) is None
    assert static_value(tf.shape(x)) is None


def test_shapes_are_known_as_far_as_static_shapes_say(graph) -> None:
    x = tf.placeholder(tf.float32, [2, None, 3])
    assert static_value(tf.rank(x)) == 3
    assert static_value(tf.shape(x)[2]) == 3
    np.testing.assert_array_equal(static_value(tf.shape(tf.placeholder(tf.float32, [4, 5]))), [4, 5])


def test_a_partly_known_shape_passes_through_slicing_and_packing(graph) -> None:
    x = tf.placeholder(tf.float32, [None, 3, 4])
    y = tf.reshape(x, [tf.shape(x)[0], 12])
    assert y.shape.as_list() == [None, 12]
    z = tf.zeros(tf.concat([tf.shape(x)[:1], [7]], 0))
    assert z.shape.as_list() == [None, 7]


def test_random_and_stateful_operations_are_never_known(graph) -> None:
    assert static_value(tf.random_uniform([2], seed=1)) is None
    assert static_value(tf.Variable(1.0).read_value()) is None


def test_a_tensor_used_twice_at_each_of_many_levels_is_evaluated_once(graph) -> None:
    x = tf.constant(1)
    for _ in range(60):
        x = x + x if len(graph.get_operations()) % 2 else x * 1
    tf.zeros(tf.stack([tf.minimum(x, 1)]))  # exponential without memory


def test_reading_a_known_value_changes_nothing(graph) -> None:
    c = tf.constant([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        static_value(c)[0] = 9.0
