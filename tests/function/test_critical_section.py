"""``tf.CriticalSection``, eagerly, in traced functions and in sessions."""

from __future__ import annotations

import threading

import pytest

import tideflow as tf


def test_eager_results_are_tensors():
    section, v = tf.CriticalSection(name="section"), tf.Variable(1.0)
    assert isinstance(section.execute(lambda: 3.0), tf.Tensor)
    result = section.execute(lambda: [v.assign_add(1.0), None, {"a": tf.constant(2)}])
    assert isinstance(result[0], tf.Tensor) and float(result[0]) == 2.0
    assert result[1] is None and int(result[2]["a"]) == 2


def test_functions():
    section, v = tf.CriticalSection(), tf.Variable(0.0)

    @tf.function
    def add(x):
        def body():
            before = v.read_value()
            v.assign(before + x)
            return v.read_value()

        return section.execute(body)

    assert [float(add(1.0)), float(add(2.0)), float(v)] == [1.0, 3.0, 3.0]


def test_entering_twice_is_refused():
    section = tf.CriticalSection()
    with pytest.raises(ValueError, match="in which we are already running"):
        section.execute(lambda: section.execute(lambda: 1))
    assert int(section.execute(lambda: 2)) == 2


@pytest.mark.parametrize("traced", [False, True])
def test_threads_take_turns(traced):
    section, v = tf.CriticalSection(), tf.Variable(0)

    def add():
        def body():
            before = v.read_value()
            v.assign(before + 1)
            return v.read_value()

        return section.execute(body)

    if traced:
        add = tf.function(add)
    start = threading.Barrier(8, timeout=600)

    def work():
        start.wait()
        for _ in range(50):
            add()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert int(v) == 400


def test_an_exception_inside_leaves_the_section_free():
    section = tf.CriticalSection()

    def fail():
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        section.execute(fail)
    assert int(section.execute(lambda: 1)) == 1
