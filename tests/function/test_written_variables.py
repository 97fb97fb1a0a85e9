"""Branches and loops that write a reference variable read what they wrote."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf

pytestmark = pytest.mark.parametrize("tier", ["host", "xla"])


@pytest.fixture(autouse=True)
def _in_a_graph(monkeypatch, tier):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    with tf.Graph().as_default():
        yield


def _variable(value):
    return tf.Variable(value, use_resource=False)


def _session():
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def _after(op, result):
    with tf.control_dependencies([op]):
        return result()


def test_a_loop_ends_when_the_variable_that_it_counts_with_says_so():
    v = _variable(0.0)
    loop = tf.while_loop(lambda i: v < 4.0, lambda i: _after(tf.assign_add(v, 1.0), lambda: i + 1), [0])
    with _session() as session:
        assert session.run(loop) == 4
        assert session.run([loop, v]) == [0, 4.0]


def test_each_turn_reads_what_it_wrote():
    v = _variable(0.0)

    def body(i, total):
        return _after(tf.assign_add(v, 1.0), lambda: (i + 1, total + v))

    _, total = tf.while_loop(lambda i, _: i < 3, body, [0, 0.0])
    with _session() as session:
        assert session.run(total) == 6.0


def test_a_branch_reads_what_it_wrote_and_the_other_what_was_there():
    v, chosen = _variable(1.0), tf.placeholder(tf.bool, [])
    result = tf.cond(chosen, lambda: _after(tf.assign_add(v, 1.0), lambda: v * 10.0), lambda: v * 100.0)
    with _session() as session:
        assert [session.run(result, {chosen: value}) for value in (True, False, True)] == [20.0, 200.0, 30.0]


def test_branches_of_a_switch_and_of_a_case_read_what_they_wrote():
    v, index = _variable(1.0), tf.placeholder(tf.int32, [])

    def times(factor):
        return lambda: _after(tf.assign(v, v * factor), lambda: v + 0.0)

    switched = tf.switch_case(index, [times(2.0), times(3.0), lambda: v - 1.0])
    cased = tf.case([(tf.equal(index, 0), times(0.5))], default=lambda: v * 4.0)
    with _session() as session:
        assert [session.run(switched, {index: i}) for i in (0, 1, 2, 0)] == [2.0, 6.0, 5.0, 12.0]
        assert [session.run(cased, {index: i}) for i in (0, 1)] == [6.0, 24.0]


def test_a_branch_inside_of_a_loop_and_what_comes_after_both():
    v = _variable(0.0)

    def body(i):
        def add_two():
            return _after(tf.assign_add(v, 2.0), lambda: v + 0.0)

        chosen = tf.cond(v < 5.0, add_two, lambda: tf.assign_add(v, 100.0) + 0.0)
        return _after(chosen, lambda: i + 1)

    loop = tf.while_loop(lambda i: v < 50.0, body, [0])
    after = _after(loop, lambda: v * 1.0)
    with _session() as session:
        assert session.run([loop, after]) == [4, 106.0]


def test_a_scan_and_a_map_that_write_read_what_they_wrote():
    v = _variable(0.0)

    def step(total, item):
        return _after(tf.assign_add(v, item), lambda: total + v)

    scanned = tf.scan(step, tf.constant([1.0, 2.0, 3.0]), initializer=0.0, parallel_iterations=1)
    with _session() as session:
        assert session.run(scanned).tolist() == [1.0, 4.0, 10.0]
        assert session.run(v) == 6.0


def test_gradients_reach_a_variable_that_the_branch_writes_or_the_loop_only_reads():
    v, w, x = _variable(2.0), _variable(2.0), _variable(3.0)
    branch = tf.cond(
        tf.placeholder_with_default(True, []),
        lambda: _after(tf.assign_add(v, 1.0), lambda: v * 10.0),
        lambda: v * 100.0,
    )

    def body(i, product):
        return _after(tf.assign_add(x, 1.0), lambda: (i + 1, product * w))

    _, product = tf.while_loop(lambda i, _: i < 3, body, [0, 1.0])
    with _session() as session:
        np.testing.assert_array_equal(session.run(tf.gradients(branch, [v])), [10.0])
        np.testing.assert_array_equal(session.run(tf.gradients(product, [w])), [12.0])
        np.testing.assert_array_equal(session.run([product] + tf.gradients(product, [w])), [8.0, 12.0])
