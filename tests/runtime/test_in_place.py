"""Updates of some rows of a variable happen in place, and what was read before keeps its value."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.runtime.buffers import Buffer


def test_only_an_array_that_is_not_leased_is_given_away():
    buffer = Buffer("x", tf.float32, (2,))
    buffer.store(np.zeros(2, np.float32))
    held = buffer.value
    assert buffer.take() is held
    assert buffer.read() is held
    assert not held.flags.writeable
    copy = buffer.take()
    assert copy is not held
    buffer.store(copy)
    assert buffer.take() is copy
    buffer.pins += 1
    assert buffer.take() is not copy
    buffer.pins -= 1
    buffer.share(copy)
    assert buffer.take() is not copy


def test_what_was_read_keeps_its_value():
    table = tf2.Variable([[1.0], [2.0]])
    read = table.read_value()
    array = np.asarray(table.read_value())
    for _ in range(2):
        table.scatter_add(tf2.IndexedSlices([[5.0]], [1]))
    assert read.numpy().tolist() == array.tolist() == [[1.0], [2.0]]
    assert table.numpy().tolist() == [[1.0], [12.0]]


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_failed_update_changes_nothing(monkeypatch, tier):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    with tf.Graph().as_default(), tf.Session() as session:
        table = tf.get_variable("table", initializer=[[1.0], [2.0], [3.0]], use_resource=False)
        rows = tf.placeholder(tf.int32, [None])
        add = tf.scatter_add(table, rows, tf.ones([2, 1]))
        optimizer = tf.train.AdagradOptimizer(1.0)
        train = optimizer.minimize(tf.reduce_sum(tf.gather(table, rows)))
        session.run(tf.global_variables_initializer())
        for operation in (add, train):
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(operation, {rows: [0, 3]})
            assert session.run(table).tolist() == [[1.0], [2.0], [3.0]]
        assert session.run(add, {rows: [0, 0]}).tolist() == [[3.0], [2.0], [3.0]]


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_the_time_of_an_update_does_not_grow_with_the_table(monkeypatch, tier):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)

    def seconds(rows: int) -> float:
        with tf.Graph().as_default(), tf.Session() as session:
            table = tf.get_variable("table", [rows, 64], initializer=tf.zeros_initializer(), use_resource=False)
            update = tf.scatter_add(table, [1, 2], tf.ones([2, 64])).op
            session.run(tf.global_variables_initializer())
            times = []
            for _ in range(30):
                start = process_time()
                session.run(update)
                times.append(process_time() - start)
            return min(times)

    assert seconds(200_000) < 10 * seconds(200)  # a copy of 50 MB takes a hundred times as long


def test_a_run_that_fails_leaves_variables_as_they_were(tier):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable(1.0)
        x = tf.placeholder(tf.float32, [None])
        with tf.control_dependencies([variable.assign_add(1.0)]):
            called = tf.py_func(lambda value: 1 / value[1], [x], tf.float32)
            checked = tf.check_numerics(x + variable.read_value(), "checked")
        session.run(variable.initializer)
        with pytest.raises(tf.errors.OpError):
            session.run(called, {x: [0.0]})
        assert session.run(variable) == 1.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="checked"):
            session.run(checked, {x: [np.nan]})
        assert session.run(variable) == 1.0
        assert session.run(checked, {x: [1.0]}).tolist() == [3.0]
        assert session.run(variable) == 2.0
