"""Division of what cannot be divided."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.compat.v1 as tf


@pytest.mark.parametrize("shape", [(0,), (2,)])
@pytest.mark.parametrize("name", ["FloorDiv", "TruncateDiv"])
def test_quotients_of_complex_numbers_are_not_rounded(graph, tier, name, shape):
    value = np.ones(shape, np.complex64)
    x = tf.placeholder(tf.complex64, shape)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="cannot be rounded"):
        session.run(getattr(tf.raw_ops, name)(x=x, y=x), {x: value})


@pytest.mark.parametrize(("indices", "shape"), [((2, 0), []), ((0, 3), [2, 2, 2]), ((3,), [3]), ((), [2])])
def test_counting_what_is_no_vector_or_matrix(graph, indices, shape):
    feeds = {tf.placeholder(tf.int64): np.zeros(indices, np.int64)}
    with tf.Session() as session, pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        counted = tf.raw_ops.SparseBincount(
            indices=next(iter(feeds)),
            values=np.zeros(2, np.int32),
            dense_shape=np.array(shape, np.int64),
            size=3,
            weights=np.zeros(2, np.float32),
        )
        session.run(counted, feeds)


@pytest.mark.parametrize("options", [{"width": 2**31}, {"precision": 2**31 - 1}, {"width": 2**62}])
def test_strings_of_billions_of_characters(graph, options):
    with tf.Session() as session, pytest.raises(tf.errors.ResourceExhaustedError):
        session.run(tf.raw_ops.AsString(input=tf.placeholder_with_default([1.5], [None]), **options))
