"""Tensors of graphs have no value, and say so in the way that programs ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf


def test_a_node_of_a_graph_has_no_numpy_method() -> None:
    with tf.Graph().as_default():
        node = tf.placeholder(tf.float32, [2])
    assert not hasattr(node, "numpy")
    assert getattr(node, "numpy", None) is None
    with pytest.raises(AttributeError, match="node of a graph"):
        node.numpy()
    assert hasattr(tf2.constant([1.0]), "numpy")

    @tf2.function
    def function(x):
        return x + 1.0 if not hasattr(x, "numpy") else x

    assert function(tf2.constant(1.0)).numpy() == 2.0


@pytest.mark.parametrize("name", ["op", "graph", "name", "value_index"])
def test_an_eager_tensor_is_no_node(name) -> None:
    with pytest.raises(AttributeError, match=f"^Tensor.{name} is undefined when eager execution is enabled.$"):
        getattr(tf2.constant(1.0), name)
    assert not hasattr(tf2.constant(1.0), name)


@pytest.mark.parametrize("shape", [[2], [None], [], None])
def test_nodes_of_graphs_are_not_iterated(shape) -> None:
    with tf.Graph().as_default():
        node = tf.placeholder(tf.float32, shape)
    with pytest.raises(tf2.errors.OperatorNotAllowedInGraphError, match="Iterating over a symbolic"):
        iter(node)
    with pytest.raises(tf2.errors.OperatorNotAllowedInGraphError, match="Iterating over a symbolic"):
        tf2.function(lambda x: list(x), autograph=False).get_concrete_function(tf2.TensorSpec(shape))


@pytest.mark.parametrize(
    "rows", [["a", "b"], [["a"], ["b"]], [1, 2], [[1.5], [2.5]], [True, False], [1j, 2j]], ids=repr
)
def test_the_rows_of_an_eager_tensor_are_tensors(rows) -> None:
    tensor = tf2.constant(rows)
    found = list(tensor)
    assert [row.dtype for row in found] == [tensor.dtype] * 2
    assert [row.shape for row in found] == [tensor.shape[1:]] * 2
    assert [row.numpy().tolist() if tensor.shape.rank > 1 else row.numpy() for row in found] == tensor.numpy().tolist()
    with tf2.GradientTape():
        assert [repr(row) for row in tensor] == [repr(row) for row in found]
    assert bool(rows[0] in tensor)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: tf2.constant(0.1), "<tf.Tensor: shape=(), dtype=float32, numpy=0.10000000149011612>"),
        (lambda: tf2.constant(0.1, tf2.float16), "<tf.Tensor: shape=(), dtype=float16, numpy=0.0999755859375>"),
        (lambda: tf2.constant(1.0, tf2.bfloat16), "<tf.Tensor: shape=(), dtype=bfloat16, numpy=1.0>"),
        (lambda: tf2.constant([0.1]), "<tf.Tensor: shape=(1,), dtype=float32, numpy=array([0.1], dtype=float32)>"),
        (lambda: tf2.Variable(0.1), "<tf.Variable 'Variable:0' shape=() dtype=float32, numpy=0.10000000149011612>"),
        (lambda: tf2.cast(3, tf2.qint8), "<tf.Tensor: shape=(), dtype=qint8, numpy=3>"),
        (lambda: tf2.constant("a"), "<tf.Tensor: shape=(), dtype=string, numpy=b'a'>"),
    ],
)
def test_the_text_of_a_scalar_has_all_its_digits(make: Callable[[], Any], text: str) -> None:
    assert repr(make()) == text
    assert str(tf2.constant(0.1)) == "tf.Tensor(0.1, shape=(), dtype=float32)"


def test_formatting_a_tensor_formats_its_value() -> None:
    assert (
        f"{tf2.constant(2)} {tf2.constant(2.5):.3f} {tf2.constant('a')} {tf2.constant([1, 2])}" == "2 2.500 b'a' [1 2]"
    )
    assert f"{tf2.constant(2)!s}" == "tf.Tensor(2, shape=(), dtype=int32)"


def test_a_method_of_numpy_says_how_to_have_it() -> None:
    with pytest.raises(AttributeError, match="experimental_enable_numpy_behavior"):
        _ = tf2.constant(1.0).T


def test_an_empty_tensor_is_false() -> None:
    assert not tf2.constant([])
    assert not tf2.zeros([0, 3])
    assert tf2.constant([[1]])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tf2.constant([1, 2]))


def test_names_of_eager_calls_are_read_by_nobody() -> None:
    assert int(tf2.add(1, 2, name=3)) == 3
    assert tf2.matmul([[2.0]], [[3.0]], name=1.5).numpy().tolist() == [[6.0]]
    with pytest.raises(ValueError, match="must be a string"):
        tf2.Variable(1, name=3)
    with pytest.raises(TypeError, match="expected string"):
        tf2.function(lambda: tf2.add(1, 2, name=3))()


def test_an_eager_tensor_never_changes() -> None:
    x = tf2.constant([1, 2])
    with pytest.raises(TypeError, match=r"^'\S+\.EagerTensor' object does not support item assignment\n.*scatter"):
        x[0] = 3
    with pytest.raises(TypeError, match=r"^'\S+\.EagerTensor' object doesn't support item deletion$"):
        del x[0]
    assert x.numpy().tolist() == [1, 2]


def _list_of_tensors() -> Any:
    return tf.raw_ops.EmptyTensorList(element_shape=[2], max_num_elements=-1, element_dtype=tf.float32)


def _ragged() -> Any:
    return tf.raw_ops.RaggedTensorToVariant(
        rt_nested_splits=[tf.constant([0, 2], tf.int64)], rt_dense_values=[1, 2], batched_input=False
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (_list_of_tensors, "<TensorList>"),
        (_ragged, "<RaggedTensorVariant(dtype=int32, ragged_rank=1, splits_dtype=int64>"),
        (
            lambda: tf2.raw_ops.OptionalFromValue(components=[7]),
            "<OptionalVariant<values: (Tensor<type: int32 shape: [] values: 7>)>>",
        ),
        (lambda: tf2.raw_ops.EmptyTensorMap(), "<TensorMap>"),
    ],
)  # fmt: skip
def test_variants_show_as_in_tensorflow_and_are_no_arrays(make: Callable[[], Any], text: str) -> None:
    alone = make()
    assert str(alone) == f"tf.Tensor({text}, shape=(), dtype=variant)"
    assert repr(alone) == f"<tf.Tensor: shape=(), dtype=variant, value={text}>"
    assert tf2.strings.format("{}", [alone]).numpy() == text.encode()
    several = tf2.reshape(tf2.stack([alone] * 4), [2, 2])
    assert repr(several) == f"<tf.Tensor: shape=(2, 2), dtype=variant, value=[{text} {text} {text}...]>"
    for moved in (tf2.where([[True, False]], several, several), tf2.expand_dims(alone, 0), tf2.unstack(several)[1][0]):
        assert moved.dtype is tf2.variant
    for tensor in (alone, several):
        with pytest.raises(
            tf2.errors.InvalidArgumentError, match=r"^Cannot convert a Tensor of dtype variant to a NumPy"
        ):
            tensor.numpy()
        with pytest.raises(
            tf2.errors.InvalidArgumentError, match=r"^Cannot convert a Tensor of dtype variant to a NumPy"
        ):
            np.asarray(tensor)


def test_a_class_that_stands_for_a_tensor_borrows_its_methods() -> None:
    class Deferred:
        __bool__ = tf.Tensor.__bool__
        __iter__ = tf.Tensor.__iter__
        __len__ = tf.Tensor.__len__

    for use in (bool, iter):
        with pytest.raises(TypeError, match=r"convert it with tf\.convert_to_tensor first"):
            use(Deferred())
    with pytest.raises(TypeError, match="len is not well defined"):
        len(Deferred())
