"""Checks plans: what is pruned, folded, shared and in which order the rest runs."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime.plan import Plan, in_order, needed


def types(plan: Plan) -> list[str]:
    return [op.type for op in plan.ops]


def test_only_what_is_needed_is_planned(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.sin(x)
    tf.cos(x)
    assert types(Plan([y], [], [x])) == ["Sin"]
    assert types(Plan([y], [], [y])) == []


def test_constants_are_folded_but_not_what_is_fed(graph) -> None:
    c = tf.constant([1.0, 2.0])
    y = tf.exp(c) * 2.0
    plan = Plan([y], [], [])
    assert plan.ops == []
    np.testing.assert_allclose(plan.constants[y], np.exp([1.0, 2.0]) * 2.0, rtol=1e-6)
    assert types(Plan([y], [], [c])) == ["Exp", "Mul"]


def test_folding_leaves_large_failing_and_random_operations_alone(graph) -> None:
    large = tf.zeros([1000, 1000]) + 1.0
    failing = tf.reshape(tf.placeholder_with_default([1, 2], [None]), [3])
    drawn = tf.random_uniform([2], seed=1)
    assert "Add" in types(Plan([large], [], []))[-1]
    assert types(Plan([failing], [], []))[-1] == "Reshape"
    assert types(Plan([drawn], [], []))[-3:].count("RandomUniform") == 1


def test_equal_operations_run_once(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    first, second, other = tf.sin(x), tf.sin(x), tf.cos(x)
    plan = Plan([first + second, other], [], [x])
    assert sorted(types(plan))[1:] == ["Cos", "Sin"]
    assert plan.resolve(second) is first


def test_equal_operations_that_draw_or_act_stay_apart(graph, tier) -> None:
    first, second = (tf.random_uniform([3], seed=1) for _ in range(2))
    counter = tf.Variable(0.0)
    adds = [counter.assign_add(1.0) for _ in range(2)]
    with tf.Session() as session:
        session.run(counter.initializer)
        session.run([add.op for add in adds])
        assert session.run(counter) == 2.0
        assert session.run([first, second])[0].shape == (3,)


def test_attributes_tell_operations_apart(graph) -> None:
    x = tf.placeholder(tf.float32, [2, 2])
    first = tf.matmul(x, x)
    second = tf.matmul(x, x, transpose_a=True)
    assert types(Plan([first, second], [], [x])) == ["MatMul", "MatMul"]


def test_zeros_of_two_signs_are_two_attributes(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    inverses = [1.0 / tf.raw_ops.LeakyRelu(features=x, alpha=alpha) for alpha in (0.0, -0.0, 0.0)]
    with tf.Session() as session:
        assert session.run(inverses, {x: -1.0}) == [-np.inf, np.inf, -np.inf]


def test_the_order_is_that_of_creation_and_respects_later_control_inputs(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    first, second = tf.sin(x), tf.cos(x)
    ops = needed([first, second], [], {x})
    assert in_order(ops) == [first.op, second.op]
    first.op._add_control_inputs([second.op])
    assert in_order(needed([first], [], {x})) == [second.op, first.op]


def test_a_cycle_is_an_error(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    first = tf.sin(x)
    second = tf.cos(first)
    first.op._update_input(0, second)
    with pytest.raises(tf.errors.InvalidArgumentError, match="cycle"):
        Plan([second], [], [])


def test_a_deep_graph_is_planned_and_run_without_recursion(graph) -> None:
    y = x = tf.placeholder(tf.float32, [])
    for _ in range(20_000):
        y = y + 1.0
    with tf.Session() as session:
        assert session.run(y, {x: 0.0}) == 20_000.0


def test_an_operation_with_lists_of_outputs_is_folded():
    message = tf.train.Example()
    message.features.feature["x"].float_list.value.extend([1.0, 2.0])
    with tf.Graph().as_default(), tf.Session() as session:
        parsed = tf.parse_single_example(message.SerializeToString(), {"x": tf.FixedLenFeature([2], tf.float32)})
        np.testing.assert_array_equal(session.run(parsed["x"]), [1.0, 2.0])
