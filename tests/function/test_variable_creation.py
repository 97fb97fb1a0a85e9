"""Variables in traced functions: captured, given as arguments, created on the first call."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tideflow as tf


class Holder:
    pass


def test_variables_created_on_the_first_call_keep_their_values():
    holder, traced = Holder(), []

    @tf.function
    def count(x):
        traced.append(1)
        if not hasattr(holder, "v"):
            holder.v = tf.Variable(lambda: tf.ones([]) * 5.0)
        return holder.v.assign_add(x)

    assert [float(count(tf.constant(1.0))) for _ in range(3)] == [6.0, 7.0, 8.0]
    assert len(traced) == 2 and count.experimental_get_tracing_count() == 2
    assert float(holder.v) == 8.0


def test_an_initial_value_made_of_the_arguments():
    holder = Holder()

    @tf.function
    def f(x):
        if not hasattr(holder, "v"):
            holder.v = tf.Variable(x * 2.0)
        return holder.v.assign_add(x)

    assert float(f(tf.constant(1.0))) == 3.0
    assert float(f(tf.constant(10.0))) == 13.0
    assert f.experimental_get_tracing_count() == 2


def test_variables_created_at_each_call_are_refused():
    @tf.function
    def f(x):
        v = tf.Variable(1.0)
        return v + x

    with pytest.raises(ValueError, match="only supports singleton"):
        f(1.0)

    with pytest.raises(ValueError, match="only supports singleton"):
        tf.function(lambda x: tf.Variable(x) + x)(tf.constant(1.0))

    holder = Holder()

    @tf.function
    def later(x):
        if hasattr(holder, "ready"):
            holder.v = tf.Variable(1.0)
        return x

    later(tf.constant(1.0))
    holder.ready = True
    with pytest.raises(ValueError, match="only supports singleton"):
        later(tf.constant([1.0]))
    assert float(later(tf.constant(4.0))) == 4.0


def test_get_concrete_function_creates_them_too():
    holder = Holder()

    @tf.function
    def f(x):
        if not hasattr(holder, "v"):
            holder.v = tf.Variable(tf.fill([2], 3.0), name="v")
        return holder.v * x

    c = f.get_concrete_function(tf.TensorSpec([]))
    assert holder.v.numpy().tolist() == [3.0, 3.0]
    assert c(tf.constant(2.0)).numpy().tolist() == [6.0, 6.0]
    assert c.variables[0] is holder.v


def test_init_scope_runs_at_once_and_may_create_variables():
    holder = Holder()

    @tf.function
    def f(x):
        with tf.init_scope():
            assert tf.executing_eagerly()
            holder.v = tf.Variable(4.0)
        return holder.v + x

    assert float(f(tf.constant(1.0))) == 5.0


def test_creator_scopes_see_them():
    holder, seen = Holder(), []

    def creator(next_creator, **arguments):
        seen.append(arguments["name"])
        arguments["name"] = "changed"
        return next_creator(**arguments)

    @tf.function
    def f():
        if not hasattr(holder, "v"):
            holder.v = tf.Variable(1.0, name="original")
        return holder.v

    with tf.variable_creator_scope(creator):
        assert float(f()) == 1.0
    assert seen == ["original"] and holder.v.name == "changed:0"


def test_modules_that_build_at_their_first_call():
    class Dense(tf.Module):
        @tf.function
        @tf.Module.with_name_scope
        def __call__(self, x):
            if not hasattr(self, "w"):
                self.w = tf.Variable(tf.ones([x.shape[-1], 2]), name="w")
            return x @ self.w

    dense = Dense()
    assert dense(tf.ones([1, 3])).numpy().tolist() == [[3.0, 3.0]]
    assert [variable.name for variable in dense.variables] == ["dense/w:0"]
    dense.w.assign_add(tf.ones([3, 2]))
    assert dense(tf.ones([1, 3])).numpy().tolist() == [[6.0, 6.0]]


def test_initial_values_are_drawn_as_in_tensorflow():
    held = {}

    @tf.function
    def f():
        if "v" not in held:
            held["v"] = tf.Variable(tf.random.uniform([2]))
            held["w"] = tf.Variable(lambda: tf.random.uniform([2]))
        return held["v"] + 0, held["w"] + 0

    tf.random.set_seed(5)
    try:
        one, two = f()
    finally:
        tf.random.set_seed(None)
    np.testing.assert_allclose(one, [0.18286479, 0.68998957], rtol=1e-6)
    np.testing.assert_allclose(two, [0.3875184, 0.7485455], rtol=1e-6)


class TestRandomStreams:
    def test_each_function_has_its_own_and_set_seed_begins_again(self):
        @tf.function
        def one():
            return tf.random.uniform([])

        @tf.function
        def two():
            return tf.random.uniform([]), tf.random.uniform([])

        wanted = [0.8126964569091797, 0.5272892713546753, 0.8126964569091797, 0.055544137954711914,
                  0.5272892713546753, 0.8388307094573975]  # fmt: skip
        try:
            for _ in range(2):
                tf.random.set_seed(1)
                found = [one(), one(), *two(), *two()]
                np.testing.assert_allclose([float(item) for item in found], wanted, rtol=1e-6)
        finally:
            tf.random.set_seed(None)


def test_a_training_loop_learns():
    w, b = tf.Variable(tf.zeros([2, 1])), tf.Variable(0.0)
    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    y = x @ tf.constant([[2.0], [-1.0]]) + 0.5

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(x @ w + b - y))
        for variable, gradient in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
            variable.assign_sub(0.02 * gradient)
        return loss

    losses = [float(step()) for _ in range(200)]
    found = [losses[0], losses[1], losses[10], losses[-1]]
    assert found == pytest.approx([6.25, 1.190903663635254, 0.11942994594573975, 0.07039854675531387], rel=1e-4)
    assert step.experimental_get_tracing_count() == 1


def test_variables_beside_tensors_in_structures():
    @tf.function
    def f(things, x):
        first, variable, last = things["a"]
        variable.assign_add(x)
        return first * 100.0 + variable * 10.0 + last, things["b"] * 2.0

    v, w = tf.Variable(1.0), tf.Variable(5.0)
    for variable, wanted in ((v, 232.0), (w, 272.0), (v, 242.0)):
        things = {"a": [tf.constant(2.0), variable, tf.constant(12.0)], "b": variable}
        total, doubled = f(things, tf.constant(1.0))
        assert (float(total), float(doubled)) == (wanted, 2.0 * float(variable))
    assert f.experimental_get_tracing_count() == 1
    with tf.GradientTape() as tape:
        total, _ = f({"a": [tf.constant(2.0), w, tf.constant(12.0)], "b": w}, tf.constant(1.0))
    assert float(tape.gradient(total, w)) == 10.0


@pytest.mark.parametrize("depends", [False, True])
def test_many_threads_make_the_first_call(depends):
    holder, created = Holder(), []

    @tf.function
    def add(x):
        if not hasattr(holder, "v"):
            created.append(1)
            holder.v = tf.Variable(x * 0.0 if depends else tf.zeros([]))
        holder.v.assign_add(x)
        return x

    start = threading.Barrier(12, timeout=600)

    def work():
        start.wait()
        for _ in range(10):
            add(tf.constant(1.0))

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert float(holder.v) == 120.0 and created == [1]
