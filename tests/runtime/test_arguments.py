"""Checks the binding of arguments: type attributes, mixed dtypes, lists and attributes."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1
from tideflow._src.graph.op_def import OpDef


def test_mixed_dtypes_fail_with_the_class_of_the_mode(graph) -> None:
    a, b = v1.placeholder(tf.float32), v1.placeholder(tf.float64)
    with pytest.raises(TypeError, match="has type float64 that does not match type float32 of argument 'x'"):
        tf.add(a, b)
    complaint = "'{}' Op has type float32 that does not match type int32 of argument 'x'"
    for name, call in (("AddV2", lambda x: x + 2.5), ("Mul", lambda x: x * 2.5), ("AddV2", lambda x: tf.add(x, 2.5))):
        with v1.Graph().as_default(), pytest.raises(TypeError, match=complaint.format(name)):
            call(v1.placeholder(tf.int32))


def test_mixed_dtypes_eagerly() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="to be a float tensor but is a double tensor"):
        tf.add(tf.constant(1.0), tf.constant(1.0, tf.float64))
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        _ = tf.constant(1) + 2.5


def test_python_values_follow_the_tensor_beside_them() -> None:
    assert (2.0 * tf.constant(1.0, tf.float64)).dtype == tf.float64
    assert (1 + tf.constant(1.0, tf.float16)).dtype == tf.float16


def test_a_dtype_that_an_operation_does_not_take(graph) -> None:
    with pytest.raises(TypeError, match="not in list of allowed values"):
        tf.raw_ops.Sin(x=v1.placeholder(tf.int32))


def test_lists_must_be_lists_of_one_dtype_and_long_enough(graph) -> None:
    concat: OpDef = OpDef.registry["ConcatV2"]
    x = v1.placeholder(tf.float32, [2])
    with pytest.raises(TypeError, match="Expected list for 'values'"):
        concat(x, 0)
    with pytest.raises(TypeError, match="don't all match"):
        concat([x, v1.placeholder(tf.float64, [2])], 0)
    with pytest.raises(ValueError, match="shorter than minimum length 2"):
        concat([x], 0)


def test_attributes_are_checked(graph) -> None:
    x = v1.placeholder(tf.float32, [2, 2])
    matmul = OpDef.registry["MatMul"]
    with pytest.raises(TypeError, match="Expected bool for argument 'transpose_a'"):
        matmul(x, x, transpose_a="yes")
    with pytest.raises(TypeError, match="unexpected"):
        matmul(x, x, transpose_c=True)


def test_attributes_in_another_form_work_again_and_again_eagerly() -> None:
    x = tf.constant([1, 2])
    for dtype in ("float32", np.float32, tf.float32):
        for _ in range(2):
            assert tf.raw_ops.Cast(x=x, DstT=dtype).dtype == tf.float32


def test_an_empty_list_is_a_shape(graph) -> None:
    x = v1.placeholder(tf.float32, [1, 1])
    assert tf.raw_ops.Reshape(tensor=x, shape=[]).shape.as_list() == []


def test_a_default_type_does_not_cut_integers_off() -> None:
    assert tf.fill([2**33, 0], 1).shape == [2**33, 0]
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.reshape([1, 2], [2**62, -1])
    assert tf.raw_ops.Tile(input=[1], multiples=[2]).numpy().tolist() == [1, 1]


@pytest.mark.parametrize("wrap", [lambda function: function, tf.function], ids=["eager", "function"])
def test_an_array_of_another_type_becomes_that_of_sizes_and_axes(wrap) -> None:
    x = tf.reshape(tf.range(6.0), [2, 3])

    def shapes():
        return [
            tf.reshape(x, np.array([3.5, 2.0])).shape,  # TensorFlow cuts fractions off
            tf.reshape(x, np.array([3, 2], np.uint8)).shape,
            tf.zeros(np.array([3.0, 2.0])).shape,
            tf.tile(tf.ones([1, 1]), np.array([3.0, 2.0])).shape,
            tf.broadcast_to(1.0, np.array([3.0, 2.0], np.float16)).shape,
            tf.transpose(x, np.array([1.0, 0.0])).shape,
            tf.concat([x[:1, :2], x[:, 1:]], np.array(0.0)).shape,
        ]

    found = []
    wrap(lambda: found.extend(shapes()))()
    assert found == [[3, 2]] * 7
    assert wrap(lambda: tf.reduce_sum(x, np.float64(1.0)))().numpy().tolist() == [3, 12]
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError), match="allowed values"):
        wrap(lambda: tf.gather(x, np.array([1.0])))()  # an index has no type by default


@pytest.mark.parametrize("wrap", [lambda function: function, tf.function], ids=["eager", "function"])
def test_tensors_in_a_list_of_sizes_become_integers(wrap) -> None:
    """As in TensorFlow, where Keras hands sizes of its own dtype over; numbers that are floats are refused."""
    sizes = tf.constant([3.0, 2.0])
    reshaped = wrap(lambda: tf.reshape(tf.range(6), (sizes[0], sizes[1], 1)))()
    assert reshaped.numpy().tolist() == [[[0], [1]], [[2], [3]], [[4], [5]]]
    assert wrap(lambda: tf.tile([[1]], [1, sizes[1]]))().numpy().tolist() == [[1, 1]]
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError), match="not in list of allowed values"):
        wrap(lambda: tf.reshape(tf.range(6), (3.0, 2.0)))()


def test_truth_values_are_dimensions_in_a_function_too() -> None:
    for function in (lambda: tf.reduce_sum(tf.ones([2, 3]), [True]), lambda: tf.reduce_sum(tf.ones([2, 3]), True)):
        assert function().numpy().tolist() == tf.function(function)().numpy().tolist() == [3.0, 3.0]
