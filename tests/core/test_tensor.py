"""Tensors of graphs have no value, and say so in the way that programs ask."""

from __future__ import annotations

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
