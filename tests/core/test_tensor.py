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
