"""Input signatures of composite tensors take what fits them: other static shapes that may be theirs."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf


def shapes_of(spec, *values):
    """Returns the static shape in a function with a signature, and what it gives for each value."""
    seen = []

    @tf.function(input_signature=[spec])
    def identity(value):
        seen.append(value.shape.as_list())
        return value

    results = [identity(value) for value in values]
    assert len(seen) == 1
    return seen[0], results


def test_sparse_tensors_of_unknown_size_fit_a_signature_that_knows_it():
    inner = tf.function(lambda x: x, input_signature=[tf.SparseTensorSpec([4, None])])

    @tf.function
    def outer(size):
        return inner(tf.SparseTensor([[0, 1]], [2.0], tf.stack([size, size])))

    np.testing.assert_array_equal(tf.sparse.to_dense(outer(tf.constant(4, tf.int64)))[0], [0, 2, 0, 0])


def test_sparse_tensors_of_another_shape_do_not():
    value = tf.SparseTensor([[0, 1]], [2.0], [2, 3])
    known, _ = shapes_of(tf.SparseTensorSpec([None, 3]), value)
    assert known == [None, 3]
    with pytest.raises(TypeError, match=r"Shapes \(2, 3\) and \(3, 3\) are not compatible"):
        shapes_of(tf.SparseTensorSpec([3, 3]), value)


def test_rows_that_happen_to_be_of_one_length_fit_a_signature_that_asks_for_it():
    spec = tf.RaggedTensorSpec([None, 2], tf.float32, ragged_rank=1)
    known, (result,) = shapes_of(spec, tf.ragged.constant([[1.0, 2.0], [3.0, 4.0]]))
    assert known == [None, 2]
    np.testing.assert_array_equal(result.to_list(), [[1, 2], [3, 4]])
    with pytest.raises(TypeError, match="dimension 1 do not all have 2 values"):
        shapes_of(spec, tf.ragged.constant([[1.0, 2.0], [3.0]]))


@pytest.mark.parametrize("value", [np.ones((2, 3), np.float32), tf.ones([2, 3])])
def test_dense_values_fit_a_ragged_signature_without_ragged_dimensions(value):
    known, (result,) = shapes_of(tf.RaggedTensorSpec([None, None], tf.float32, ragged_rank=0), value)
    assert known == [None, None]
    np.testing.assert_array_equal(result, np.ones((2, 3)))
