"""Checks variables in the memory of an accelerator: placement, reading, assignment, slices, optimizers, gradients."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core.device_tensor import Transfers

CPU = "/job:localhost/replica:0/task:0/device:CPU:0"
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"
OTHER = "/job:localhost/replica:0/task:0/device:GPU:1"


def test_it_is_made_where_operations_run() -> None:
    x = tf.Variable([1.0, 2.0])
    assert (x.device, x.value().device, x.read_value().device) == (GPU, GPU, GPU)
    assert tf.Variable(3).device == CPU
    assert tf.Variable("a").device == CPU
    with tf.device("/GPU:1"):
        assert tf.Variable(tf.zeros([2])).value().device == OTHER
    with tf.device("/CPU:0"):
        assert tf.Variable([1.0]).value().device == CPU


def test_operations_on_it_run_where_it_is() -> None:
    with tf.device("/GPU:1"):
        x = tf.Variable([1.0, 2.0])
    with tf.device("/CPU:0"):
        y = tf.Variable([1.0, 2.0])
        assert x.sparse_read([1]).device == OTHER
        assert (x + 1.0).device == CPU
    y.assign_add(tf.ones([2]))
    assert (y.device, y.value().device) == (CPU, CPU)
    assert y.numpy().tolist() == [2.0, 3.0]


def test_assignments_keep_it_there_and_wait_for_nothing() -> None:
    x = tf.Variable([1.0, 2.0, 3.0])
    before = Transfers.to_host
    x.assign(tf.constant([5.0, 6.0, 7.0]))
    x.assign_add([1.0, 1.0, 1.0])
    x.assign_sub(tf.ones([3]) * 2.0)
    kept = x.value()
    x.scatter_add(tf.IndexedSlices(tf.constant([1.0]), tf.constant([0], tf.int64)))
    assert Transfers.to_host == before
    assert x.value().device == GPU
    assert x.numpy().tolist() == [5.0, 5.0, 6.0]
    assert kept.numpy().tolist() == [4.0, 5.0, 6.0]
    x[1:].assign([0.0, 0.0])
    assert x.numpy().tolist() == [5.0, 0.0, 0.0]
    with tf.device("/CPU:0"):
        x.assign(tf.constant([1.0, 1.0, 1.0]))
    assert x.value().device == GPU


def test_a_failed_update_changes_nothing() -> None:
    x = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="indices"):
        x.scatter_add(tf.IndexedSlices(tf.constant([1.0]), tf.constant([7], tf.int64)))
    with pytest.raises(ValueError, match="Shape mismatch"):
        x.assign([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="indices"):
        x.assign_add(tf.gather(tf.constant([1.0]), tf.constant([4], tf.int64)) + tf.zeros([2]))
    assert x.numpy().tolist() == [1.0, 2.0]


def test_gradients_and_optimizer_steps() -> None:
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(x * x * x)
    gradient = tape.gradient(loss, x)
    assert gradient.device == GPU
    tf.raw_ops.ResourceApplyGradientDescent(var=x.handle, alpha=tf.constant(0.5), delta=gradient)
    assert x.value().device == GPU
    assert x.numpy().tolist() == [-0.5, -4.0]
    first, second = (tf.Variable(tf.zeros([2])) for _ in range(2))
    tf.raw_ops.ResourceApplyAdam(
        var=x.handle,
        m=first.handle,
        v=second.handle,
        beta1_power=0.9,
        beta2_power=0.999,
        lr=0.1,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-7,
        grad=gradient,
    )
    np.testing.assert_allclose(x.numpy(), [-0.6, -4.1], rtol=1e-5)
    np.testing.assert_allclose(first.numpy(), [0.3, 1.2], rtol=1e-6)


def test_sparse_gradients() -> None:
    table = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(table, [0, 2, 2]) ** 2)
    gradient = tape.gradient(loss, table)
    assert isinstance(gradient, tf.IndexedSlices)
    assert tf.convert_to_tensor(gradient).numpy().tolist() == [[2.0, 4.0], [0.0, 0.0], [20.0, 24.0]]


def test_it_is_copied_and_pickled() -> None:
    x = tf.Variable([1.0, 2.0])
    y = copy.deepcopy(x)
    x.assign([0.0, 0.0])
    assert (y.device, y.numpy().tolist()) == (GPU, [1.0, 2.0])
    assert pickle.loads(pickle.dumps(y)).numpy().tolist() == [1.0, 2.0]
    assert repr(y) == "<tf.Variable 'Variable:0' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>"


def test_threads_count_together() -> None:
    x = tf.Variable(0.0)
    one = tf.constant(1.0)
    x.assign_add(one)

    def count() -> None:
        for _ in range(25):
            x.assign_add(one)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert float(x) == 201.0
