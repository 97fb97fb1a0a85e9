"""Synchronous replicas, here as one process."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


def _made(aggregate, total, sparse=False, **arguments):
    weight = tf.get_variable("weight", [3], initializer=tf.ones_initializer(), use_resource=True)
    loss = tf.reduce_sum(tf.gather(weight, [0, 1, 1])) if sparse else tf.reduce_sum(weight * 2.0)
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), aggregate, total, **arguments)
    with pytest.raises(ValueError, match="after apply_gradients"):
        optimizer.get_chief_queue_runner()
    with pytest.raises(ValueError, match="after apply_gradients"):
        optimizer.get_init_tokens_op()
    train = optimizer.minimize(loss, global_step=step)
    return optimizer, train, weight, step


@pytest.mark.parametrize("sparse", [False, True])
def test_each_replica_waits_for_a_token(sparse):
    optimizer, train, weight, step = _made(1, 1, sparse)
    token_step = optimizer._sync_token_queue
    assert token_step is not None and optimizer.get_slot_names() == []
    with tf.train.MonitoredTrainingSession(hooks=[optimizer.make_session_run_hook(True)]) as session:
        for _ in range(3):
            session.run(train)
        value, now = session.run([weight, step])
    assert now >= 2
    slope = np.array([1.0, 2.0, 0.0]) if sparse else np.full(3, 2.0)
    assert any(np.allclose(value, 1 - 0.1 * slope * count, atol=1e-6) for count in (2, 3))
    assert not [thread for thread in threading.enumerate() if "sync_token_q" in thread.name]


def test_gradients_of_two_replicas_are_averaged():
    optimizer, train, weight, step = _made(2, 1)
    with tf.train.MonitoredTrainingSession(hooks=[optimizer.make_session_run_hook(True)]) as session:
        for _ in range(3):
            session.run(train)
        value, now = session.run([weight, step])
    assert now == 1
    np.testing.assert_allclose(value, np.full(3, 0.8), rtol=1e-6)


def test_bad_arguments():
    with pytest.raises(ValueError, match="variable_averages"):
        _made(1, 1, variable_averages=tf.train.ExponentialMovingAverage(0.9))
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), 3, 1)
    with pytest.raises(ValueError, match="at least one"):
        optimizer.apply_gradients([])
    with (
        pytest.raises(ValueError, match="before using the hook"),
        tf.train.MonitoredSession(hooks=[optimizer.make_session_run_hook(True)]),
    ):
        pass


def test_tokens_must_be_enough_for_the_first_step():
    optimizer, _, _, _ = _made(3, 1)
    with pytest.raises(ValueError, match="Too few tokens"):
        optimizer.get_init_tokens_op(1)
    assert optimizer.get_init_tokens_op(2).type == "QueueEnqueueManyV2"


def test_rows_named_twice_are_added_up_and_averaged_over_gradients():
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=())
    add = accumulator.apply_grad(tf.constant([0, 1, 1], tf.int64), tf.constant([1.0, 2.0, 3.0]))
    take = accumulator.take_grad(2)
    with tf.Session() as session:
        session.run(add)
        session.run(add)
        taken = session.run(take)
    np.testing.assert_array_equal(taken.indices, [0, 1, 1])
    np.testing.assert_array_equal(taken.values, [1.0, 2.0, 3.0])
