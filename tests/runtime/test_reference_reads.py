"""Whoever uses a reference variable after a write sees what was written; the others see the value from before."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture(autouse=True, params=["host", "xla"])
def _tier(request, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", request.param)


def _variable(value):
    return tf.Variable(value, use_resource=False)


def _runs(*fetches, times=1, feeds=None):
    """Returns the values of the fetches in each of several runs, after the initializers."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [[np.asarray(value).tolist() for value in session.run(fetches, feeds)] for _ in range(times)]


@pytest.fixture(autouse=True)
def _graph():
    with tf.Graph().as_default():
        yield


def test_a_read_ordered_after_an_assignment_sees_it():
    x = _variable(0.0)
    with tf.control_dependencies([tf.assign_add(x, 1.0)]):
        y = tf.identity(x)
    assert _runs(y, times=3) == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize(
    "use, expected",
    [
        (lambda v: v * 2.0, [4.0, 6.0]),
        (lambda v: tf.gather(v, [1]), [3.0]),
        (lambda v: v[1:], [3.0]),
        (lambda v: tf.stack([v, v]), [[2.0, 3.0], [2.0, 3.0]]),
        (lambda v: tf.concat([v, [9.0]], 0), [2.0, 3.0, 9.0]),
        (lambda v: tf.py_func(lambda a: a + 1, [v], tf.float32), [3.0, 4.0]),
        (lambda v: tf.nn.embedding_lookup(v, [0]), [2.0]),
        (lambda v: v.read_value(), [2.0, 3.0]),
        (lambda v: tf.map_fn(lambda row: row * v, tf.constant([2.0])), [[4.0, 6.0]]),
        (lambda v: tf.cond(tf.constant(True), lambda: v * 1.0, lambda: v), [2.0, 3.0]),
    ],
)
def test_every_way_to_use_a_variable_reads_it_when_it_runs(use, expected):
    v = _variable([1.0, 2.0])
    with tf.control_dependencies([tf.assign_add(v, [1.0, 1.0])]):
        y = use(v)
    assert _runs(y) == [[expected]]


def test_an_order_that_goes_through_other_operations_and_constants_counts():
    v = _variable(1.0)
    with tf.control_dependencies([tf.assign(v, 5.0)]):
        ten = tf.constant(10.0)
    assert _runs(v * ten, v + tf.abs(ten)) == [[50.0, 15.0]]


def test_an_order_that_goes_through_an_operation_of_the_host_counts():
    v = _variable(0)
    with tf.control_dependencies([v.count_up_to(3)]):
        y = v * 10
    assert _runs(y, times=2) == [[10], [20]]


def test_clipping_after_a_step_keeps_the_step():
    w = _variable([3.0, -4.0])
    step = tf.train.GradientDescentOptimizer(1.0).minimize(tf.reduce_sum(w * w))
    with tf.control_dependencies([step]):
        clip = tf.assign(w, tf.clip_by_value(w, -1.0, 1.0))
    assert _runs(clip) == [[[-1.0, 1.0]]]


def test_a_moving_average_takes_the_value_of_this_step():
    w = _variable(0.0)
    average = tf.train.ExponentialMovingAverage(0.5)
    with tf.control_dependencies([tf.assign_add(w, 1.0)]):
        apply = average.apply([w])
    with tf.control_dependencies([apply]):
        now = average.average(w) * 1.0
    assert _runs(now, times=3) == [[0.5], [1.25], [2.125]]


def test_a_target_network_gets_the_new_weights():
    w, target = _variable([1.0, 2.0]), _variable([0.0, 0.0])
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(w))
    with tf.control_dependencies([step]):
        copied = tf.assign(target, w)
    assert _runs(copied) == [[[0.5, 1.5]]]


def test_hand_written_batch_normalization_uses_the_mean_that_it_has_just_updated():
    x, mean = tf.placeholder(tf.float32, [None]), _variable(0.0)
    with tf.control_dependencies([tf.assign(mean, mean * 0.5 + tf.reduce_mean(x) * 0.5)]):
        y = x - mean
    assert _runs(y, times=2, feeds={x: [1.0, 3.0]}) == [[[0.0, 2.0]], [[-0.5, 1.5]]]


def test_assignments_in_a_row_each_see_the_one_before():
    v = _variable(1.0)
    first = tf.assign(v, v * 2.0)
    with tf.control_dependencies([first]):
        second = tf.assign(v, v + 3.0)
    with tf.control_dependencies([second]):
        third = tf.assign(v, v * v)
    assert _runs(third, times=2) == [[25.0], [2809.0]]


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_taken_one_by_one_all_belong_to_the_same_weights(reverse):
    def build(assigning):
        w1, w2 = _variable([[1.0, 2.0], [3.0, 4.0]]), _variable([[1.0], [-2.0]])
        loss = tf.reduce_sum(tf.square(tf.matmul(tf.matmul(tf.constant([[1.0, 2.0]]), w1), w2)))
        order = [w2, w1] if reverse else [w1, w2]
        if not assigning:
            return [w - 0.125 * g for w, g in zip(order, tf.gradients(loss, order), strict=True)]
        return [w.assign_sub(0.125 * tf.gradients(loss, [w])[0]) for w in order]

    assert _runs(*build(True)) == _runs(*build(False))


def test_what_no_edge_orders_after_a_write_is_from_before():
    v = _variable(1.0)
    before = v * 10.0
    add = tf.assign_add(v, 1.0)
    unordered = tf.tanh(v.value()) * 0.0 + v
    assert _runs(before, add, unordered) == [[10.0, 2.0, 1.0]]


def test_a_computed_value_stays_what_it_was():
    v = _variable([1.0])
    old = v + 0.5
    with tf.control_dependencies([old]):
        add = tf.assign_add(v, [1.0])
    with tf.control_dependencies([add]):
        difference = v - old
    assert _runs(difference, times=2) == [[[0.5]], [[0.5]]]


def test_a_fed_read_and_a_fed_variable_have_the_fed_value():
    v = _variable(1.0)
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        y = v * 2.0
    assert _runs(y, feeds={v.value(): 5.0}) == [[10.0]]
    assert _runs(v * 2.0, feeds={v: 7.0}) == [[14.0]]


def test_gradients_reach_a_variable_that_is_read_after_a_write_and_do_not_write():
    v = _variable(2.0)
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        y = v * v
    (gradient,) = tf.gradients(y, [v])
    (of_read,) = tf.gradients(y, [v.value()])
    assert _runs(gradient, of_read, times=2) == [[4.0, 4.0], [4.0, 4.0]]
    assert _runs(y, times=2) == [[9.0], [16.0]]


def test_a_scattered_row_and_an_assigned_slice_are_seen():
    v = _variable([0.0, 0.0, 0.0])
    with tf.control_dependencies([tf.scatter_add(v, [1], [5.0])]):
        row = tf.gather(v, [1, 2])
        with tf.control_dependencies([v[2:3].assign([7.0])]):
            total = tf.reduce_sum(v)
    assert _runs(row, total) == [[[5.0, 0.0], 12.0]]


def test_strings_and_other_shapes_are_read_after_the_write_too():
    name = _variable("a")
    grown = tf.Variable([1.0, 2.0], validate_shape=False, use_resource=False)
    bigger = tf.assign(grown, [1.0, 2.0, 3.0], validate_shape=False)
    with tf.control_dependencies([tf.assign(name, "b"), bigger]):
        fetches = tf.strings.join([name, "x"]), tf.reduce_sum(grown)
    assert _runs(*fetches) == [[b"bx", 6.0]]
