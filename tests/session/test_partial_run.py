"""Runs in steps: what each computes, what stays between them, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


@pytest.fixture
def session():
    with v1.Graph().as_default(), v1.Session() as opened:
        yield opened


def test_a_step_goes_on_where_the_last_one_ended(session):
    a, b, c = (v1.placeholder(tf.float32, []) for _ in range(3))
    r1, r2 = a + b, (a + b) * c
    handle = session.partial_run_setup([r1, r2], [a, b, c])
    assert session.partial_run(handle, r1, {a: 1, b: 2}) == 3
    assert session.partial_run(handle, r2, {c: 17}) == 51


def test_nothing_is_computed_twice(session):
    x = v1.placeholder(tf.float32, [])
    v = v1.get_variable("v", initializer=0.0)
    with v1.control_dependencies([v1.assign_add(v, 1.0)]):
        count = tf.identity(v)
    noise = tf.random.uniform([4])
    first, second = noise + count, noise * x
    session.run(v1.global_variables_initializer())
    handle = session.partial_run_setup([first, noise, second], [x])
    values = session.partial_run(handle, [first, noise])
    doubled = session.partial_run(handle, second, {x: 2.0})
    np.testing.assert_allclose(doubled, values[1] * 2)
    np.testing.assert_allclose(values[0], values[1] + 1)
    assert session.run(v) == 1.0


def test_a_computed_tensor_can_be_fed(session):
    a = v1.placeholder(tf.float32, [])
    middle = a * 2.0
    end = middle + 1.0
    handle = session.partial_run_setup([end], [middle])
    assert session.partial_run(handle, end, {middle: 10.0}) == 11.0


def test_structures_and_targets(session):
    a = v1.placeholder(tf.float32, [2])
    v = v1.get_variable("v", initializer=[0.0, 0.0])
    session.run(v1.global_variables_initializer())
    assign = v1.assign(v, a).op
    handle = session.partial_run_setup([a + 1.0, assign], [a])
    total = session.graph.get_tensor_by_name("add:0")
    found = session.partial_run(handle, {"total": total}, {a: [1.0, 2.0]})
    np.testing.assert_array_equal(found["total"], [2.0, 3.0])
    np.testing.assert_array_equal(session.run(v), [1.0, 2.0])


def test_with_branches_and_loops(session):
    n = v1.placeholder(tf.int32, [])
    x = v1.placeholder(tf.float32, [])
    looped = v1.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * 2.0), [0, x])[1]
    handle = session.partial_run_setup([looped, looped + x], [n, x])
    assert session.partial_run(handle, looped, {n: 3, x: 1.0}) == 8.0
    assert session.partial_run(handle, session.graph.get_tensor_by_name("add:0")) == 9.0


def test_what_is_refused(session):
    a, b = (v1.placeholder(tf.float32, []) for _ in range(2))
    total, other = a + b, a * 2.0
    error = tf.errors.InvalidArgumentError
    with pytest.raises(error, match="Must run 'setup'"):
        session.partial_run("no such handle", total)
    handle = session.partial_run_setup([total, other], [a, b])
    with pytest.raises(error, match="can't be computed from the feeds"):
        session.partial_run(handle, total, {a: 1.0})
    assert session.partial_run(handle, other, {a: 1.0}) == 2.0
    with pytest.raises(error, match="has already been fed"):
        session.partial_run(handle, total, {a: 1.0, b: 1.0})
    with pytest.raises(error, match="has already been fetched"):
        session.partial_run(handle, other)
    with pytest.raises(error, match="was not specified"):
        session.partial_run(handle, a * 3.0)
    with pytest.raises(RuntimeError, match="empty target_list"):
        session.partial_run(handle, total.op)
    assert session.partial_run(handle, total, {b: 1.0}) == 2.0
    with pytest.raises(error, match="Must run 'setup'"):
        session.partial_run(handle, total)
    with pytest.raises(TypeError):
        session.partial_run_setup([total], ["nothing:0"])


def test_a_closed_session_and_an_empty_graph():
    with v1.Graph().as_default():
        session = v1.Session()
        with pytest.raises(RuntimeError, match="empty"):
            session.partial_run_setup([], [])
        a = v1.placeholder(tf.float32, [])
        handle = session.partial_run_setup([a + 1.0], [a])
        session.close()
        with pytest.raises(RuntimeError, match="closed"):
            session.partial_run(handle, a)
        with pytest.raises(RuntimeError, match="closed"):
            session.partial_run_setup([a], [a])


def test_gradients_that_extend_a_loop_may_be_built_at_any_time(session):
    x, turns = v1.placeholder(tf.float32, []), v1.placeholder(tf.int32, [])
    power = tf.while_loop(lambda turn, _: turn < turns, lambda turn, value: (turn + 1, value * x), (0, 1.0))[1]
    more = power + 1.0
    handle = session.partial_run_setup([power, more], [x, turns])
    slope = tf.gradients(power, x)[0]
    assert session.partial_run(handle, power, {x: 2.0, turns: 3}) == 8.0
    assert session.partial_run(handle, more) == 9.0
    handle = session.partial_run_setup([power, more, slope], [x, turns])
    assert session.partial_run(handle, power, {x: 2.0, turns: 3}) == 8.0
    tf.gradients(slope, x)  # the loop, which has run, gives more now
    assert session.partial_run(handle, [more, slope]) == [9.0, 12.0]


def test_a_loop_with_effects_does_not_run_twice(session):
    x = v1.placeholder(tf.float32, [])
    count = v1.get_variable("count", initializer=0.0, use_resource=True)

    def turn(index, value):
        with tf.control_dependencies([count.assign_add(1.0)]):
            return index + 1, value * x

    power = tf.while_loop(lambda index, _: index < 3, turn, (0, 1.0))[1]
    slope = tf.gradients(power, x)[0]
    session.run(count.initializer)
    handle = session.partial_run_setup([power, slope], [x])
    assert session.partial_run(handle, power, {x: 2.0}) == 8.0
    tf.gradients(slope, x)
    assert session.partial_run(handle, slope) == 12.0
    assert session.run(count) == 3.0
