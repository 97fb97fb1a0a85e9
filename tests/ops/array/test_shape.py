"""Tests shapes as values, reshaping, and tensors filled with one value."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.core.tensor_shape import TensorShape
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array import constants
from tideflow._src.ops.array.broadcasting import broadcast_dynamic_shape, broadcast_static_shape, broadcast_to
from tideflow._src.ops.array.constants import constant, constant_v1, fill, ones, zeros, zeros_like
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.array.shape import expand_dims, expand_dims_v1, rank, reshape, shape, size, squeeze, squeeze_v1

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_reshape_works_out_the_missing_size() -> None:
    x = constant(A)
    for sizes in ([3, 2], [-1], (3, -1), [1, 6, 1], 6, TensorShape([6]), constant([2, -1])):
        assert size(reshape(x, sizes)).numpy() == 6
    assert reshape(zeros([0, 3]), [0, -1]).shape.as_list() == [0, 3]


@pytest.mark.parametrize("sizes", [[4], [-1, -1], [4, -1], [-2, 3]], ids=str)
def test_reshape_rejects_what_does_not_fit(sizes: list[int]) -> None:
    with pytest.raises(InvalidArgumentError):
        reshape(constant(A), sizes)


def test_static_shapes_are_constants_of_the_graph() -> None:
    with Graph().as_default():
        x = placeholder(dtypes.float32, [2, None])
        assert shape(x).op.type == "Shape"
        assert rank(x).op.type == "Const"
        y = placeholder(dtypes.float32, [2, 3])
        assert shape(y, dtypes.int64).op.type == size(y).op.type == "Const"
        assert shape(y, dtypes.int64).dtype is dtypes.int64


def test_dimensions_of_size_one_come_and_go() -> None:
    x = constant(A)
    for axis in (0, 1, 2, -1, -3):
        np.testing.assert_array_equal(expand_dims(x, axis).numpy(), np.expand_dims(A, axis))
    assert expand_dims_v1(x, dim=0).shape.as_list() == [1, 2, 3]
    with pytest.raises(ValueError, match="Cannot specify both"):
        expand_dims_v1(x, 0, dim=0)
    assert squeeze(zeros([1, 2, 1])).shape.as_list() == [2]
    assert squeeze_v1(zeros([1, 2, 1]), squeeze_dims=[0]).shape.as_list() == [2, 1]
    with pytest.raises(InvalidArgumentError, match="expected a dimension of 1"):
        squeeze(x, 0)


def test_broadcasting_is_explicit() -> None:
    np.testing.assert_array_equal(broadcast_to(constant(A[:1]), [2, 2, 3]).numpy(), np.broadcast_to(A[:1], (2, 2, 3)))
    assert broadcast_dynamic_shape([2, 1], [3]).numpy().tolist() == [2, 3]
    assert broadcast_static_shape(TensorShape([None, 1]), TensorShape([3])).as_list() == [None, 3]
    with pytest.raises(ValueError, match="Incompatible"):
        broadcast_static_shape(TensorShape([2]), TensorShape([3]))


def test_constants_take_a_shape() -> None:
    assert constant(1, shape=[2, 2]).numpy().tolist() == [[1, 1], [1, 1]]
    assert constant([1, 2, 3, 4], shape=[2, 2]).numpy().tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="2 elements"):
        constant([1, 2], shape=[4])
    with pytest.raises(TypeError, match="Expected"):
        constant_v1([1, 2], shape=[2, 1], verify_shape=True)
    with Graph().as_default():
        assert constant_v1([1, 2], shape=[4]).op.attrs["value"].tolist() == [1, 2, 2, 2]
        with pytest.raises(ValueError, match="Too many elements"):
            constant_v1([1, 2], shape=[1])


def test_large_zeros_are_filled_when_a_graph_runs() -> None:
    with Graph().as_default():
        assert zeros([10, 10]).op.type == "Const"
        assert ones([constants._SMALL]).op.type == "Fill"
        assert zeros_like(placeholder(dtypes.float32, [None])).op.type == "ZerosLike"
    assert fill([2], "a").numpy().tolist() == [b"a", b"a"]
    assert zeros([2], dtypes.string).numpy().tolist() == [b"", b""]
    with pytest.raises(InvalidArgumentError):
        zeros([-1])


def test_blocks_whose_sizes_are_known_in_a_run_only() -> None:
    """Keras pads what it has vectorized so."""

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def paddings(x):
        blocks = tf.concat((tf.shape(x)[:-1], [4]), 0)
        return tf.required_space_to_batch_paddings(tf.shape(x), blocks)

    expected = [[[0, 0], [0, 1]]] * 2
    assert [each.numpy().tolist() for each in paddings(tf.ones([2, 3]))] == expected
    assert [each.numpy().tolist() for each in tf.required_space_to_batch_paddings([2, 3], [2, 4])] == expected
