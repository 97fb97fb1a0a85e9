"""Checks how Python values become tensors: dtypes and errors as TensorFlow 2.21 has them."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1 as v1


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1, "int32"), (2**31, "int64"), (1.0, "float32"), (True, "bool"), (1j, "complex128"), ("a", "string"),
        ([1, 2.5], "float32"), ([], "float32"), ([[1], [2]], "int32"), (np.float64(1), "float64"),
        (np.arange(3), "int64"), (np.float16(1), "float16"), ([np.float64(1)], "float64"), (range(3), "int32"),
    ],
)  # fmt: skip
def test_the_natural_dtype_is_the_same_eagerly_and_in_a_graph(value, dtype) -> None:
    assert tf.convert_to_tensor(value).dtype.name == dtype
    with v1.Graph().as_default():
        assert tf.convert_to_tensor(value).dtype.name == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        (1.5, "int32", TypeError), ("a", "float32", TypeError), (1, "string", TypeError), (300, "uint8", TypeError),
        (-1, "uint8", TypeError), (1j, "float32", TypeError), (1, "bool", TypeError), ([1, None], None, ValueError),
        (None, None, ValueError), ([[1], [2, 3]], None, ValueError), (object(), None, ValueError),
        (2**70, None, OverflowError),
    ],
)  # fmt: skip
def test_what_does_not_convert(value, dtype, kind) -> None:
    with pytest.raises(kind):
        tf.convert_to_tensor(value, dtype)


def test_a_tensor_never_changes_its_dtype() -> None:
    x = tf.constant(1.0)
    assert tf.convert_to_tensor(x) is x
    with pytest.raises(ValueError, match="Tensor conversion requested dtype int32 for Tensor with dtype float32"):
        tf.convert_to_tensor(x, tf.int32)


def test_a_hint_is_used_where_it_fits() -> None:
    assert tf.convert_to_tensor(1, dtype_hint=tf.float64).dtype == tf.float64
    assert tf.convert_to_tensor(1.5, dtype_hint=tf.int32).dtype == tf.float32


def test_a_tensor_is_apart_from_the_array_it_was_made_of() -> None:
    array = np.zeros(2, np.float32)
    x = tf.convert_to_tensor(array)
    array[:] = 9.0
    x.numpy()[:] = 9.0
    assert x.numpy().tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(x)[0] = 9.0


def test_sequences_of_tensors_are_stacked(graph) -> None:
    x = v1.placeholder(tf.float32, [])
    packed = tf.convert_to_tensor([[x, 1.0], [2.0, x]], name="table")
    assert packed.shape.as_list() == [2, 2]
    assert [op.name for op in graph.get_operations()][1:] == [
        "table/0/1", "table/0", "table/1/0", "table/1", "table"
    ]  # fmt: skip


def test_registered_conversions_come_in_order_of_priority() -> None:
    class Celsius:
        def __init__(self, degrees):
            self.degrees = degrees

    tf.register_tensor_conversion_function(Celsius, lambda value, dtype, name, as_ref: NotImplemented, priority=1)
    tf.register_tensor_conversion_function(
        Celsius, lambda value, dtype, name, as_ref: tf.constant(value.degrees, dtype, name=name)
    )
    assert float(tf.convert_to_tensor(Celsius(20.5))) == 20.5
    assert float(tf.constant(1.0) + Celsius(1.0)) == 2.0


def test_eager_tensors_do_not_enter_plain_graphs() -> None:
    eager = tf.constant(1.0)
    with v1.Graph().as_default(), pytest.raises(RuntimeError, match="without building a function"):
        tf.add(eager, 1.0)


def test_nodes_of_a_graph_do_not_run_eagerly() -> None:
    with v1.Graph().as_default():
        node = tf.constant(1.0)
    with pytest.raises(TypeError, match="node of a graph"):
        tf.add(node, tf.constant(1.0))
