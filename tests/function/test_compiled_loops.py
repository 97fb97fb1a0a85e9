"""Loops with a known number of turns, and their gradients, become one compiled program each."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.runtime.plan import Plan
from tideflow._src.runtime.program import Program
from tideflow._src.runtime.stages import split
from tideflow._src.runtime.xla import CompiledPlan

TURNS, BATCH, WIDTH = 5, 2, 3


def host_operations(session, fetches):
    """Returns the types of the operations that a compiled run leaves to the host."""
    plan = Plan(list(fetches), [], [])
    return [op.type for stage in split(plan, session._state, set()) if not stage.compiled for op in stage.ops]


def recurrent(x, weights):
    """Runs a recurrent layer over the first dimension; returns all its outputs."""
    source = tf2.TensorArray(tf2.float32, TURNS).unstack(x)

    def body(i, state, outputs):
        state = tf2.tanh(source.read(i) + tf2.matmul(state, weights))
        return i + 1, state, outputs.write(i, state)

    start = (0, tf2.zeros([BATCH, WIDTH]), tf2.TensorArray(tf2.float32, TURNS))
    return tf2.while_loop(lambda i, *rest: i < TURNS, body, start)[2].stack()


@pytest.mark.parametrize("use_resource", [True, False])
def test_a_recurrent_layer_and_its_gradient_run_compiled(use_resource, monkeypatch) -> None:
    random = np.random.RandomState(0)
    value, start = random.randn(TURNS, BATCH, WIDTH).astype("f"), random.randn(WIDTH, WIDTH).astype("f")

    def results(tier):
        monkeypatch.setenv("TIDEFLOW_TIER", tier)
        with tf.Graph().as_default(), tf.Session() as session:
            weights = tf.Variable(start, use_resource=use_resource)
            x = tf2.constant(value)
            y = recurrent(x, weights)
            fetches = [y, *tf.gradients(y * y, [x, weights])]
            session.run(weights.initializer)
            assert host_operations(session, fetches) == []
            return session.run(fetches)

    for found, expected in zip(results("xla"), results("host"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_program_is_not_given_up(graph) -> None:
    x = tf.placeholder(tf.float32, [TURNS, BATCH, WIDTH])
    y = recurrent(x, tf2.eye(WIDTH))
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        compiled = CompiledPlan(Plan([gradient], [], [x]), session._state, strict=True)
        (found,) = compiled([np.ones((TURNS, BATCH, WIDTH), "f")])
        assert not any(getattr(program, "refused", "") for program, _ in compiled._steps)
        (expected,) = Program([gradient], [], [x], session._state)._interpret([np.ones((TURNS, BATCH, WIDTH), "f")])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("start", "limit", "step", "turns"), [(0, 5, 1, 5), (0, 5, 2, 3), (5, 0, -1, 5), (3, 3, 1, 0), (4, 0, -3, 2)]
)
def test_the_number_of_turns_is_found(start, limit, step, turns, graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    go_on = (lambda i, y: i < limit) if step > 0 else (lambda i, y: limit < i)
    i, y = tf.while_loop(go_on, lambda i, y: (i + step, y * x), [start, 1.0])
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        found = session.run([i, y, gradient], {x: 2.0})
    assert found == [start + turns * step, 2.0**turns, turns * 2.0 ** (turns - 1)]


def test_at_most_so_many_turns(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda y: y < 100.0, lambda y: y * x, [x], maximum_iterations=10)
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        assert session.run([y, gradient], {x: 3.0}) == [243.0, 405.0]
        assert session.run([y, gradient], {x: 1.0}) == [1.0, 11.0]


def test_a_number_of_turns_that_data_tell(graph, tier) -> None:
    n, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [])
    y = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * x), [0, 1.0])[1]
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        for count in (0, 1, 4):
            assert session.run(gradient, {n: count, x: 2.0}) == count * 2.0 ** (count - 1)


@pytest.mark.parametrize("order", [1, 2])
def test_a_loop_in_a_loop_and_its_gradients_run_compiled(order, graph, monkeypatch) -> None:
    """What the inner loop saves goes on lists of lists."""
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    at = np.array([1.1, 0.9])
    x = tf2.constant(at)

    def inner(y):
        return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * y), [0, y])[1]

    y = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, inner(y) * x), [0, x])[1]  # ((x^4) x)^4 x = x^21
    fetches = [y, tf.gradients(y, x)[0]]
    if order == 2:
        fetches.append(tf.gradients(fetches[1], x)[0])
    with tf.Session() as session:
        assert host_operations(session, fetches) == []
        found = session.run(fetches)
    for value, expected in zip(found, [at**21, 21 * at**20, 420 * at**19], strict=False):
        np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_lists_of_lists_cross_between_programs_and_the_host(graph, monkeypatch) -> None:
    """A call to Python between the loops keeps the outer ones on the host; what is saved crosses."""
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    x = tf.placeholder(tf.float64, [2])

    def inner(y):
        return tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * y), [0, y])[1]

    def body(i, y):
        (one,) = tf.py_func(lambda: np.float64(1.0), [], [tf.float64])
        return i + 1, tf.reshape(inner(y) * one, [2])

    y = tf.while_loop(lambda i, y: i < 2, body, [0, x])[1]
    y = tf.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, inner(y)), [0, y])[1]  # x^256
    gradient = tf.gradients(y, x)[0]
    at = np.array([1.01, 0.99])
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(gradient, {x: at}), 256 * at**255, rtol=1e-10)
