"""Checks the global step: one for each graph, an integer scalar."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf


def test_one_for_each_graph(graph) -> None:
    assert tf.train.get_global_step() is None
    step = tf.train.create_global_step()
    assert (step.name, step.dtype.base_dtype, step.shape.rank) == ("global_step:0", tf.int64, 0)
    assert tf.train.get_global_step() is step
    assert tf.train.get_or_create_global_step() is step
    assert step not in tf.trainable_variables()
    with pytest.raises(ValueError, match="already exists"):
        tf.train.create_global_step()
    with tf.Graph().as_default():
        assert tf.train.get_global_step() is None


def test_found_by_its_name(graph) -> None:
    variable = tf.Variable(3, name="global_step", trainable=False, use_resource=False)
    assert tf.train.get_global_step() is variable.op.outputs[0]


def test_of_a_wrong_kind(graph) -> None:
    tf.Variable(1.0, name="global_step", use_resource=False)
    with pytest.raises(TypeError, match="integer type"):
        tf.train.get_global_step()


def test_eagerly() -> None:
    step = tf.train.get_or_create_global_step()
    step.assign_add(2)
    assert tf.train.global_step(None, tf.train.get_global_step()) == 2
