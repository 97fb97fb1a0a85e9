"""Checks group, tuple and what only orders operations."""

from __future__ import annotations

import pytest

import tideflow.v1 as tf


def test_group(graph) -> None:
    a, b = tf.Variable(1.0, use_resource=False), tf.Variable(2.0, use_resource=False)
    both = tf.group(a.assign(3.0), [b.initializer], name="both")
    assert (both.name, both.type) == ("both", "NoOp")
    assert [op.name for op in both.control_inputs] == ["Assign", "Variable_1/Assign"]
    assert tf.group().control_inputs == []
    with tf.Session() as session:
        session.run(tf.group(both, a.initializer))
        assert session.run(b) == 2.0


def test_tuple(graph) -> None:
    first, second = tf.tuple([tf.constant(1.0) + 1.0, tf.constant(2.0) + 1.0])
    assert first.op.type == "Identity"
    assert first.op.control_inputs == second.op.control_inputs
    assert first.op.control_inputs[0].name == "tuple/group_deps"
    with tf.Session() as session:
        assert session.run([first, second]) == [2.0, 3.0]


def test_errors(graph) -> None:
    with pytest.raises(TypeError, match="'inputs' should be"):
        tf.group(3)
    with pytest.raises(ValueError, match="Unknown keyword arguments: foo"):
        tf.group(foo=1)
    with pytest.raises(ValueError, match="at least one Tensor"):
        tf.tuple([])


def test_eagerly_there_is_nothing_to_order() -> None:
    assert tf.group(tf.constant(1.0)) is None
    one = tf.constant(1.0)
    assert tf.tuple([one])[0] is one
