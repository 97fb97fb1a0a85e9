"""Checks the host tier's programs: registers, several outputs, chunks, references and failures."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime.buffers import ResourceManager
from tideflow._src.runtime.host import HostProgram
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.state import RunState


def program(fetches, feeds) -> HostProgram:
    plan = Plan(fetches, [], feeds)
    return HostProgram(plan, plan.ops, feeds, fetches, RunState(ResourceManager()))


def test_several_and_unused_outputs(graph) -> None:
    x = tf.placeholder(tf.float32, [4])
    parts = tf.split(x, 4)
    _, indices = tf.nn.top_k(x, 2)
    run = program([parts[2], indices, parts[0], x], [x])
    third, order, first, same = run([np.array([4.0, 1.0, 3.0, 2.0], np.float32)])
    assert (third.tolist(), order.tolist(), first.tolist(), same.tolist()) == ([3.0], [0, 2], [4.0], [4, 1, 3, 2])


def test_programs_longer_than_one_chunk(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    kept, y = [], x
    for i in range(1_300):
        y = y + 1.0
        if i % 400 == 0:
            kept.append(y)
    results = program([*kept, y], [x])([np.float32(0.0)])
    assert [float(value) for value in results] == [1.0, 401.0, 801.0, 1201.0, 1300.0]
    with pytest.raises(tf.errors.OpError):
        program([y], [x])([None])


def test_a_dead_value_is_freed_before_the_run_ends(graph) -> None:
    seen = []

    class Watched(np.ndarray):
        pass

    def make(value):
        array = np.ones(10, np.float32).view(Watched)
        seen.append(weakref.ref(array))
        return array

    def check(value):
        gc.collect()
        seen.append(None)
        return value

    x = tf.placeholder(tf.float32, [])
    first = tf.py_func(make, [x], tf.float32)
    total = tf.reduce_sum(first)
    last = tf.py_func(check, [total], tf.float32)
    assert program([last], [x])([np.float32(1.0)]) == (10.0,)
    assert seen[0]() is None


def test_the_failing_operation_is_found_in_every_chunk(graph) -> None:
    for position in (0, 499, 500, 600):
        x = tf.placeholder(tf.float32, [None])
        y = x
        for i in range(700):
            y = tf.reshape(y, [2], name=f"here{position}") if i == position else y + 1.0
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            program([y], [x])([np.zeros(3, np.float32)])
        assert caught.value.op.name == f"here{position}"


def test_floating_point_exceptions_are_values(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    assert np.isnan(program([tf.log(x)], [x])([np.array([-1.0, 0.0], np.float32)])[0][0])


def test_attributes_that_are_not_literals(graph) -> None:
    x = tf.placeholder(tf.float32, [1, 2, 1])
    y = tf.cast(tf.squeeze(x, [0, 2]), tf.int64)
    (result,) = program([y], [x])([np.array([[[1.0], [2.0]]], np.float32)])
    assert (result.tolist(), result.dtype) == ([1, 2], np.int64)
