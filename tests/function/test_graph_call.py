"""Gradients through calls of traced functions, inside of them and around them, of any order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tideflow as tf


def cube(x):
    return x * x * x


def wrapped(depth):
    function = cube
    for _ in range(depth):
        function = tf.function(function)
    return function


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("persistent", [False, True])
def test_derivatives_of_three_orders(depth, inside, persistent):
    f = wrapped(depth)

    def derivatives(x):
        with tf.GradientTape(persistent) as third:
            third.watch(x)
            with tf.GradientTape(persistent) as second:
                second.watch(x)
                with tf.GradientTape(persistent) as first:
                    first.watch(x)
                    y = f(x)
                d1 = first.gradient(y, x)
            d2 = second.gradient(d1, x)
        return y, d1, d2, third.gradient(d2, x)

    if inside:
        derivatives = tf.function(derivatives)
    for _ in range(2):
        assert [float(item) for item in derivatives(tf.constant(2.0))] == [8.0, 12.0, 12.0, 6.0]


def test_a_persistent_tape_differentiates_its_own_gradients():
    f = wrapped(1)
    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
        d1 = tape.gradient(y, x)
        d2 = tape.gradient(d1, x)
    assert [float(item) for item in (d1, d2, tape.gradient(d2, x))] == [12.0, 12.0, 6.0]


def test_variables_are_watched_through_calls():
    v = tf.Variable(3.0)
    untrained = tf.Variable(2.0, trainable=False)

    @tf.function
    def f(x):
        return x * v * v * untrained

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert len(tape.watched_variables()) == 1 and tape.watched_variables()[0] is v
    dx, dv, du = tape.gradient(y, [x, v, untrained])
    assert (float(dx), float(dv), du) == (18.0, 24.0, None)


def test_captured_tensors_have_gradients():
    small, large = tf.constant(2.0), tf.ones([200])
    f = tf.function(lambda x: tf.reduce_sum(x * small * large))
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch([x, small, large])
        y = f(x)
    dx, dsmall, dlarge = tape.gradient(y, [x, small, large])
    assert (float(dx), float(dsmall)) == (400.0, 600.0)
    assert dlarge.numpy().tolist() == [6.0] * 200


def test_variables_given_as_arguments_have_gradients():
    @tf.function
    def f(variable, x):
        return variable * variable * x

    a, b = tf.Variable(3.0), tf.Variable(5.0)
    for variable in (a, b):
        with tf.GradientTape() as tape:
            y = f(variable, tf.constant(2.0))
        assert float(tape.gradient(y, variable)) == 4.0 * float(variable)
    assert f.experimental_get_tracing_count() == 1


def test_several_outputs_some_without_gradient():
    @tf.function
    def f(x):
        return x * x, tf.cast(x, tf.int32), {"b": 3.0 * x}

    x = tf.constant(2.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        square, whole, other = f(x)
    assert float(tape.gradient(square, x)) == 4.0
    assert tape.gradient(whole, x) is None
    assert float(tape.gradient(other["b"], x)) == 3.0
    assert float(tape.gradient([square, other["b"]], x)) == 7.0


def test_sparse_gradients_stay_sparse():
    table = tf.Variable(tf.reshape(tf.range(8.0), [4, 2]))

    @tf.function
    def f(rows):
        return tf.reduce_sum(tf.gather(table, rows) ** 2)

    with tf.GradientTape() as tape:
        y = f(tf.constant([1, 3, 1]))
    gradient = tape.gradient(y, table)
    assert float(y) == 2.0 * (4.0 + 9.0) + 36.0 + 49.0
    dense = tf.convert_to_tensor(gradient).numpy()
    assert dense.tolist() == [[0.0, 0.0], [8.0, 12.0], [0.0, 0.0], [12.0, 14.0]]


def test_a_gradient_belongs_to_the_numbers_that_were_drawn():
    @tf.function
    def f(a):
        return a * tf.random.uniform([])

    a = tf.constant(3.0)
    for _ in range(5):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = f(a)
        assert float(tape.gradient(y, a)) == pytest.approx(float(y) / 3.0, rel=1e-6)


def test_a_gradient_belongs_to_the_state_that_was_read():
    v = tf.Variable(2.0, trainable=False)

    @tf.function
    def f(a):
        y = a * v
        v.assign_add(1.0)
        return y

    a = tf.constant(3.0)
    for turn in range(3):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = f(a)
        assert (float(y), float(tape.gradient(y, a)), float(v)) == (3.0 * (turn + 2), turn + 2.0, turn + 3.0)


def test_python_functions_inside():
    def double(x):
        return 2.0 * x

    @tf.function
    def f(a):
        return tf.py_function(double, [a], tf.float32) * a

    a = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = f(a)
    assert float(tape.gradient(y, a)) == 12.0


def test_custom_gradients_inside():
    @tf.custom_gradient
    def strange(x):
        return x * x, lambda dy: dy * 100.0

    f = tf.function(lambda x: strange(x) + x)
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert (float(y), float(tape.gradient(y, x))) == (6.0, 101.0)


def test_graph_gradients_inside():
    @tf.function
    def f(x):
        y = x * x * x
        (first,) = tf.gradients(y, x)
        (second,) = tf.gradients(first, x)
        return y, first, second

    assert [float(item) for item in f(tf.constant(2.0))] == [8.0, 12.0, 12.0]


def test_graph_gradients_through_calls():
    inner = tf.function(lambda x: x * x * x)

    @tf.function
    def f(x):
        (first,) = tf.gradients(inner(x), x)
        return first

    assert float(f(tf.constant(2.0))) == 12.0


def test_jacobian_and_forward_mode_through_calls():
    f = tf.function(lambda x: x * x * tf.constant([1.0, 2.0]))
    x = tf.constant([2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert tape.jacobian(y, x).numpy().tolist() == [[4.0, 0.0], [0.0, 12.0]]
    with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 10.0])) as accumulator:
        y = f(x)
    assert accumulator.jvp(y).numpy().tolist() == [4.0, 120.0]

    @tf.function
    def inside(x, tangent):
        with tf.autodiff.ForwardAccumulator(x, tangent) as accumulator:
            y = f(x)
        return accumulator.jvp(y)

    assert inside(x, tf.constant([1.0, 10.0])).numpy().tolist() == [4.0, 120.0]


def test_a_tape_around_a_call_with_control_flow():
    @tf.function
    def f(x, n):
        y = tf.cond(x > 0.0, lambda: x * x, lambda: -x)
        return tf.while_loop(lambda i, total: i < n, lambda i, total: (i + 1, total * y), [0, tf.constant(1.0)])[1]

    for value, wanted, gradient in ((2.0, 64.0, 192.0), (-2.0, 8.0, -12.0)):
        x = tf.constant(value)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x, tf.constant(3))
        assert (float(y), float(tape.gradient(y, x))) == (wanted, gradient)


def test_recursion_through_functions_has_gradients():
    @tf.function
    def power(x, n):
        return tf.ones_like(x) if n == 0 else x * power(x, n - 1)

    x = tf.constant(2.0)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = power(x, 4)
        first = tape.gradient(y, x)
    assert (float(y), float(first), float(outer.gradient(first, x))) == (16.0, 32.0, 48.0)


class TestInGraphs:
    def test_functions_in_a_session(self):
        with tf.Graph().as_default():
            v = tf.compat.v1.get_variable("v", initializer=3.0, use_resource=True)

            @tf.function
            def f(x):
                v.assign_add(1.0)
                return x * v

            x = tf.compat.v1.placeholder(tf.float32, [])
            y = f(x)
            dx, dv = tf.gradients(y, [x, v])
            with tf.compat.v1.Session() as session:
                session.run(tf.compat.v1.global_variables_initializer())
                assert session.run(y, {x: 2.0}) == 8.0
                assert session.run(v) == 4.0
                assert session.run([y, dx, dv], {x: 2.0}) == [10.0, 5.0, 2.0]
                assert session.run(v) == 5.0

    def test_functions_that_create_variables_in_a_session(self):
        held = {}

        @tf.function
        def f(x):
            if "v" not in held:
                held["v"] = tf.Variable(lambda: tf.fill([2], 3.0))
            return held["v"] * x

        with tf.Graph().as_default():
            y = f(tf.constant(2.0))
            with tf.compat.v1.Session() as session:
                session.run(tf.compat.v1.global_variables_initializer())
                assert session.run(y).tolist() == [6.0, 6.0]


# Laws: what is linear in `a` is `a` times its gradient, whatever it is nested in.


def _plain(function):
    return function


def _call(function):
    return tf.function(function)


def _twice(function):
    inner = tf.function(function)
    return tf.function(lambda a: inner(a))


def _branch(function):
    return tf.function(lambda a: tf.cond(tf.reduce_sum(a) > -1e9, lambda: function(a), lambda: a * 0.0))


def _loop(function):
    return tf.function(lambda a: tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, function(x)), [0, a])[1])


_NESTS = {"plain": _plain, "call": _call, "twice": _twice, "branch": _branch, "loop": _loop}


def _bodies():
    state = tf.Variable(1.0, trainable=False)

    def reads(a):
        return a * state

    def updates(a):
        state.assign_add(1.0)
        return a * state

    def dropout(a):
        return tf.nn.dropout(a, 0.5)

    def sampler(a):
        return a * tf.random.normal([3])

    def python(a):
        return tf.ensure_shape(tf.py_function(lambda x: 3.0 * x, [a], tf.float32), [3])

    return {"reads": reads, "updates": updates, "dropout": dropout, "sampler": sampler, "python": python}


@pytest.mark.parametrize("tape_inside", [False, True])
@pytest.mark.parametrize(
    ("nest", "body"), list(itertools.product(_NESTS, ["reads", "updates", "dropout", "sampler", "python"]))
)
def test_value_is_a_times_gradient(nest, body, tape_inside):
    function = _NESTS[nest](_bodies()[body])

    def both(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = function(a)
        return y, tape.gradient(y, a)

    if tape_inside:
        both = tf.function(both)
    a = tf.constant([1.0, 2.0, 4.0])
    for _ in range(3):
        y, gradient = both(a)
        np.testing.assert_allclose(y, a * gradient, rtol=1e-5)
        function(a)


@pytest.mark.parametrize("tier", ["host", "xla"])
def test_a_read_for_the_gradient_of_a_loop_keeps_the_place_of_the_loop(monkeypatch, tier) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    variable = tf.Variable(1.0)

    @tf.function
    def step(x):
        variable.assign(3.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * variable), [tf.constant(0), x])[1]
        variable.assign(100.0)
        return y, tape.gradient(y, x)

    value, gradient = step(tf.constant(2.0))
    assert (value.numpy(), gradient.numpy(), variable.numpy()) == (54.0, 27.0, 100.0)
