"""Checks that branches and loops take and return structures of any tensors: sparse ones, slices, arrays."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf


def sparse(values):
    return tf2.SparseTensor([[0, 1], [1, 0]], values, [2, 2])


def test_sparse_tensors_go_round_a_loop(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    result = tf2.while_loop(
        lambda i, pair: i < 3,
        lambda i, pair: (i + 1, {"sparse": sparse(pair["sparse"].values * 2.0), "dense": pair["dense"] + 1.0}),
        (0, {"sparse": sparse(x), "dense": x}),
    )[1]
    with tf.Session() as session:
        values, dense = session.run([result["sparse"].values, result["dense"]], {x: [1.0, 2.0]})
    np.testing.assert_array_equal(values, [8, 16])
    np.testing.assert_array_equal(dense, [4, 5])


def test_sparse_tensors_and_slices_come_out_of_branches(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    chosen = tf.cond(x[0] > 0.0, lambda: sparse(x), lambda: sparse(-x))
    slices = tf.cond(
        x[0] > 0.0,
        lambda: tf.IndexedSlices(x, tf2.constant([0, 1])),
        lambda: tf.IndexedSlices(x * 2.0, tf2.constant([1, 0])),
    )
    with tf.Session() as session:
        found = session.run([chosen.values, slices.values, slices.indices], {x: [-1.0, 2.0]})
    np.testing.assert_array_equal(found[0], [1, -2])
    np.testing.assert_array_equal(found[1], [-2, 4])
    np.testing.assert_array_equal(found[2], [1, 0])


def test_eager_loops_keep_sparse_tensors() -> None:
    _, found = tf2.while_loop(
        lambda i, item: i < 2, lambda i, item: (i + 1, sparse(item.values + 1.0)), (0, sparse([1.0, 2.0]))
    )
    np.testing.assert_array_equal(found.values, [3, 4])


def test_case_looks_at_predicates_in_order(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    pairs = [(x > 2.0, lambda: [x * 10.0]), (x > 1.0, lambda: [x * 100.0])]
    plain = tf.case(pairs, default=lambda: [x])
    strict = tf.case(pairs, default=lambda: [x], strict=True)
    assert isinstance(strict, list) and not isinstance(plain, list)
    exclusive = tf.case(pairs, exclusive=True)
    with tf.Session() as session:
        assert [session.run(plain, {x: at}) for at in (3.0, 1.5, 0.0)] == [30.0, 150.0, 0.0]
        assert session.run(exclusive, {x: 1.5}) == 150.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than 1"):
            session.run(exclusive, {x: 3.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of the conditions"):
            session.run(exclusive, {x: 0.0})
    with pytest.raises(TypeError, match="type bool"):
        tf.case([(x, lambda: x)])
    with pytest.raises(TypeError, match="simultaneously"):
        tf.cond(x > 0.0, lambda: x, lambda: x, fn1=lambda: x)
    with pytest.raises(ValueError, match="must be a scalar"):
        tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0], maximum_iterations=tf2.constant([3]))
