"""Tests concatenation and stacking, splitting and unstacking."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.autodiff.tape import GradientTape
from tideflow._src.core import dtypes
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.joining import concat, concat_v0, stack
from tideflow._src.ops.array.placeholders import placeholder
from tideflow._src.ops.array.shape import reshape, shape
from tideflow._src.ops.array.splitting import split, split_v0, unstack

A = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_concat_joins_along_any_axis() -> None:
    for axis in (0, 1, -1):
        np.testing.assert_array_equal(concat([constant(A), constant(A)], axis).numpy(), np.concatenate([A, A], axis))
    np.testing.assert_array_equal(concat_v0(1, [constant(A), A]).numpy(), np.concatenate([A, A], 1))


def test_concat_of_one_tensor_is_that_tensor() -> None:
    np.testing.assert_array_equal(concat([A], 0).numpy(), A)


def test_concat_rejects_what_does_not_fit() -> None:
    with pytest.raises(InvalidArgumentError, match="Dimensions of inputs should match"):
        concat([constant(A), constant(A.T)], 0)
    with pytest.raises(InvalidArgumentError, match="range"):
        concat([constant(A), constant(A)], 2)
    with pytest.raises(InvalidArgumentError, match="expected to be a float tensor"):
        concat([constant(A), constant([[1, 2, 3]])], 0)
    with Graph().as_default(), pytest.raises(ValueError, match="must be equal"):
        concat([constant(A), constant(A.T)], 0)


def test_concat_divides_its_gradient() -> None:
    a, b = constant(A), constant(A[:1])
    with GradientTape() as tape:
        tape.watch([a, b])
        y = concat([a, b], 0) * constant(np.arange(9, dtype=np.float32).reshape(3, 3))
    gradients = tape.gradient(y, [a, b])
    np.testing.assert_array_equal(gradients[0].numpy(), np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(gradients[1].numpy(), [[6, 7, 8]])


def test_stack_adds_a_dimension() -> None:
    for axis in (0, 1, 2, -1):
        np.testing.assert_array_equal(stack([constant(A), constant(A)], axis).numpy(), np.stack([A, A], axis))
    assert stack([constant(1), 2]).numpy().tolist() == [1, 2]
    assert stack(["a", "b"]).numpy().tolist() == [b"a", b"b"]
    with pytest.raises(ValueError, match="not in range"):
        stack([constant(A)], 3)
    with pytest.raises(InvalidArgumentError, match="must match"):
        stack([constant(A), constant(A.T)])


def test_stacked_shapes_are_known_in_part() -> None:
    with Graph().as_default() as graph:
        x = placeholder(dtypes.float32, [None, 2, 3], name="x")
        assert reshape(x, stack([shape(x)[0], 6])).shape.as_list() == [None, 6]
        assert reshape(x, [shape(x)[0], -1]).shape.as_list() == [None, None]
        assert "stack/1" in [op.name for op in graph.get_operations()]


def test_split_cuts_equal_and_given_pieces() -> None:
    assert [piece.numpy().tolist() for piece in split(A, 3, axis=1)] == [A[:, [i]].tolist() for i in range(3)]
    assert [piece.shape.as_list() for piece in split(A, [1, -1], 1)] == [[2, 1], [2, 2]]
    assert [piece.shape.as_list() for piece in split_v0(0, 2, A)] == [[1, 3], [1, 3]]
    with pytest.raises(InvalidArgumentError, match="evenly divide"):
        split(A, 4)
    with pytest.raises(ValueError, match="Rank-0"):
        split(A, constant(2))


def test_unstack_needs_to_know_how_many() -> None:
    assert [row.numpy().tolist() for row in unstack(A)] == A.tolist()
    with Graph().as_default(), pytest.raises(ValueError, match="Cannot infer"):
        unstack(placeholder(dtypes.float32, [None, 3]))


def test_handles_of_variables_are_stacked_and_chosen() -> None:
    one, two = tf.Variable([1.0]), tf.Variable([2.0])
    read = functools.partial(tf.raw_ops.ReadVariableOp, dtype=tf.float32)
    handles = tf.stack([one.handle, two.handle])
    assert handles.dtype is tf.resource and handles.shape == [2]
    moved = [handles[1], tf.gather(handles, 1), tf.unstack(handles)[1], tf.reshape(handles[1:], [])]
    assert [float(read(resource=handle)[0]) for handle in moved] == [2.0] * 4
    assert tf.expand_dims(one.handle, 0).shape == tf.reshape(one.handle, [1]).shape == [1]
    tf.raw_ops.AssignVariableOp(resource=handles[0], value=[7.0])
    assert one.numpy().tolist() == [7.0]

    @tf.function
    def choose(index: tf.Tensor) -> tf.Tensor:
        return read(resource=tf.stack([one.handle, two.handle])[index])

    assert [float(choose(tf.constant(index))[0]) for index in (0, 1, 0)] == [7.0, 2.0, 7.0]
    one.assign([8.0])
    assert float(choose(tf.constant(0))[0]) == 8.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot convert a Tensor of dtype resource"):
        handles.numpy()


def test_what_differs_in_shape_is_named_when_stacked() -> None:
    fits = constant([[1, 2], [3, 4]])
    for values, complaint in (
        ([constant([1, 2]), constant([3])], r"values\[0\].shape = \[2\] != values\[1\].shape = \[1\]"),
        ([fits, fits, constant([5, 6])], r"values\[0\].shape = \[2,2\] != values\[2\].shape = \[2\]"),
    ):
        with pytest.raises(InvalidArgumentError, match="Shapes of all inputs must match: " + complaint):
            stack(values)
