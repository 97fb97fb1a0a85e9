"""A constant used in control flow can be fed and differentiated there, and shapes still know its value."""

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


def _run(fetches, feeds=None):
    with tf.Session() as session:
        return [np.asarray(value).tolist() for value in session.run(fetches, feeds)]


def test_in_a_branch():
    c, chosen = tf.constant(3.0), tf.placeholder_with_default(True, [])
    y = tf.cond(chosen, lambda: c * c, lambda: c + 1.0)
    fetches = [y, *tf.gradients(y, c)]
    assert _run(fetches) == [9.0, 6.0]
    assert _run(fetches, {c: 5.0}) == [25.0, 10.0]
    assert _run(fetches, {c: 5.0, chosen: False}) == [6.0, 1.0]


def test_in_a_loop_and_its_condition():
    c, turns = tf.constant(3.0), tf.constant(4)
    y = tf.while_loop(lambda i, a: i < turns, lambda i, a: (i + 1, a * c), [0, 1.0])[1]
    fetches = [y, *tf.gradients(y, c)]
    assert _run(fetches) == [81.0, 108.0]
    assert _run(fetches, {c: 2.0}) == [16.0, 32.0]
    assert _run(fetches, {turns: 2}) == [9.0, 6.0]


def test_in_a_map_and_a_scan():
    c = tf.constant(2.0)
    mapped = tf.map_fn(lambda row: row * c, tf.constant([1.0, 2.0]))
    scanned = tf.scan(lambda total, row: total * c + row, tf.constant([1.0, 2.0]), initializer=c)
    fetches = [mapped, scanned, *tf.gradients(mapped, c), *tf.gradients(scanned, c)]
    assert _run(fetches) == [[2.0, 4.0], [5.0, 12.0], 3.0, 17.0]
    assert _run(fetches, {c: 10.0}) == [[10.0, 20.0], [101.0, 1012.0], 3.0, 321.0]


def test_through_several_levels():
    c, chosen = tf.constant(2.0), tf.placeholder_with_default(True, [])

    def body(i, a):
        return i + 1, tf.cond(chosen, lambda: a * c, lambda: a)

    y = tf.cond(chosen, lambda: tf.while_loop(lambda i, a: i < 3, body, [0, 1.0])[1], lambda: c)
    fetches = [y, *tf.gradients(y, c)]
    assert _run(fetches) == [8.0, 12.0]
    assert _run(fetches, {c: 3.0}) == [27.0, 27.0]
    assert _run(fetches, {c: 3.0, chosen: False}) == [3.0, 1.0]


def test_branches_of_a_switch():
    c, index = tf.constant(2.0), tf.placeholder(tf.int32, [])
    y = tf.switch_case(index, [lambda: c, lambda: c * c])
    fetches = [y, *tf.gradients(y, c)]
    assert [_run(fetches, {index: i, c: 5.0}) for i in (0, 1)] == [[5.0, 1.0], [25.0, 10.0]]


def test_strings():
    c, chosen = tf.constant("a"), tf.placeholder_with_default(True, [])
    y = tf.cond(chosen, lambda: tf.strings.join([c, "x"]), lambda: c)
    assert [_run([y], feeds) for feeds in ({}, {c: "q"}, {c: "q", chosen: False})] == [[b"ax"], [b"qx"], [b"q"]]


def test_shapes_know_its_value_and_the_functions_still_compile():
    size, axis, chosen = tf.constant(3), tf.constant(1), tf.placeholder_with_default(True, [])
    x = tf.reshape(tf.range(6.0), [2, 3])
    branch = tf.cond(chosen, lambda: tf.zeros([size]), lambda: tf.ones([size]))
    looped = tf.while_loop(
        lambda i, a: i < size, lambda i, a: (i + 1, tf.reshape(tf.reshape(a, [size, 2]), [6]) * 2.0), [0, tf.ones([6])]
    )[1]
    summed = tf.cond(chosen, lambda: tf.reduce_sum(x, axis), lambda: tf.zeros([2]))
    assert branch.shape.as_list() == [3]
    assert _run([branch, looped, summed]) == [[0.0] * 3, [8.0] * 6, [3.0, 12.0]]
    for tensor in (branch, summed):
        assert tensor.op.inputs[0].op.attrs["then_branch"].compilable()
    assert looped.op.inputs[0].op.attrs["body"].compilable()
