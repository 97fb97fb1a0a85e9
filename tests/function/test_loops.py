"""Checks ``while_loop``: values, captured tensors, effects, gradients, shapes and errors."""

from __future__ import annotations

import time

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.graph import export


@pytest.fixture
def x(graph):
    return tf.placeholder(tf.float32, [2], name="x")


def power(x, turns=3):
    """x to the power of turns + 1, by a loop that captures x."""
    return tf.while_loop(lambda i, a: i < turns, lambda i, a: (i + 1, a * x), [0, x])[1]


def test_gradients_of_three_orders(x, tier) -> None:
    y = power(x)
    derivatives = [y]
    for _ in range(3):
        derivatives.append(tf.gradients(derivatives[-1], x)[0])
    at = np.array([1.0, 2.0])
    with tf.Session() as session:
        values = session.run(derivatives, {x: at})
        np.testing.assert_allclose(values, [at**4, 4 * at**3, 12 * at**2, 24 * at])
        # The loop was extended in place; it still runs alone.
        np.testing.assert_allclose(session.run(y, {x: at}), at**4)


def test_a_plan_made_before_the_gradient_still_runs(x, tier) -> None:
    y = power(x)
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 16.0]
        gradient = tf.gradients(y, x)[0]
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 16.0]
        assert session.run(gradient, {x: [1, 2]}).tolist() == [4.0, 32.0]


def test_nested_loops(x, tier) -> None:
    def body(i, a):
        return i + 1, tf.while_loop(lambda j, b: j < 2, lambda j, b: (j + 1, b * x), [0, a])[1]

    y = tf.while_loop(lambda i, a: i < 3, body, [0, x])[1]
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    with tf.Session() as session:
        values = session.run([y, first, second], {x: [1, 2]})
    assert [v.tolist() for v in values] == [[1, 128], [7, 448], [42, 1344]]


def test_a_conditional_in_a_loop(x, tier) -> None:
    y = tf.while_loop(
        lambda i, a: i < 4,
        lambda i, a: (i + 1, tf.cond(tf.equal(i % 2, 0), lambda: a * x, lambda: a + x)),
        [0, x],
    )[1]  # ((x*x + x) * x) + x
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        values = session.run([y, gradient], {x: [1, 2]})
    assert [v.tolist() for v in values] == [[3, 14], [6, 17]]


def test_the_number_of_turns_may_depend_on_data_or_be_none(x, tier) -> None:
    limit = tf.placeholder(tf.int32, [])
    y = tf.while_loop(lambda i, a: i < limit, lambda i, a: (i + 1, a * x), [0, x])[1]
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        for turns in (0, 1, 5):
            values = session.run([y, gradient], {x: [1, 2], limit: turns})
            assert [v[1] for v in values] == [2.0 ** (turns + 1), (turns + 1) * 2.0**turns]


def test_maximum_iterations(graph, tier) -> None:
    assert tf.Session().run(tf.while_loop(lambda i: True, lambda i: i + 1, [0], maximum_iterations=5)) == 5


@pytest.mark.parametrize("resource", [False, True])
def test_effects_of_the_body(x, tier, resource) -> None:
    variable = tf.Variable(0.0, use_resource=resource)

    def body(i, total):
        return i + 1, total + tf.identity(variable.assign_add(2.0))

    loop = tf.while_loop(lambda i, total: i < 3, body, [0, 0.0])
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(loop) == [3, 12.0]
        assert session.run(variable) == 6.0


def test_gradients_of_variables_that_the_body_reads(x, tier) -> None:
    variable = tf.Variable(2.0)
    y = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * variable), [0, x])[1]
    gradient = tf.gradients(y, variable)[0]
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(gradient, {x: [1, 2]}) == 36.0


def test_shape_invariants(x, tier) -> None:
    y = tf.while_loop(
        lambda a: tf.size(a) < 10, lambda a: tf.concat([a, a], 0), [x], shape_invariants=[tf.TensorShape([None])]
    )
    gradient = tf.gradients(y, x)[0]
    assert y.shape.as_list() == [None]
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).tolist() == [1.0, 2.0] * 8
        assert session.run(gradient, {x: [1, 2]}).tolist() == [8.0, 8.0]


def test_structures_and_names(x) -> None:
    result = tf.while_loop(
        lambda s: s["i"] < 3, lambda s: ({"i": s["i"] + 1, "a": [s["a"][0] * x]},), [{"i": 0, "a": [x]}]
    )
    assert result["a"][0].op.name.startswith("while/Identity")
    assert tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0]).dtype == tf.int32
    assert isinstance(tf.while_loop(lambda i: i < 3, lambda i: i + 1, (0,), return_same_structure=True), tuple)
    assert isinstance(tf2.while_loop(lambda i: i < 3, lambda i: [i + 1], [0]), list)


def test_eagerly_on_a_tape() -> None:
    x = tf2.constant(2.0)
    with tf2.GradientTape() as tape:
        tape.watch(x)
        i, y = tf2.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * x), (tf2.constant(0), x))
    assert (int(i), float(y), float(tape.gradient(y, x))) == (3, 16.0, 32.0)


@pytest.mark.parametrize(
    ("cond", "body", "start", "kind", "message"),
    [
        (1, lambda i: i, [0], TypeError, "'cond' must be callable"),
        (lambda i: True, 1, [0], TypeError, "'body' must be callable"),
        (lambda: True, lambda: 1, [], ValueError, "No loop variables"),
        (lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0], TypeError, "type float32"),
        (lambda i, j: i < 3, lambda i, j: i, [0, 0], ValueError, "same nested structure"),
        (lambda a: True, lambda a: tf.concat([a, a], 0), [np.ones(1)], ValueError, "after one iteration"),
    ],
)
def test_loops_that_do_not_fit(graph, cond, body, start, kind, message) -> None:
    with pytest.raises(kind, match=message):
        tf.while_loop(cond, body, start)


def test_ten_thousand_turns_are_quick(graph, tier) -> None:
    loop = tf.while_loop(lambda i, a: i < 10_000, lambda i, a: (i + 1, a + 1.0), [0, 0.0])
    with tf.Session() as session:
        session.run(loop)
        start = time.process_time()
        assert session.run(loop) == [10_000, 10_000.0]
        assert time.process_time() - start < 2.0


def test_a_failure_in_the_body_names_the_operation(x, tier) -> None:
    y = tf.while_loop(lambda i: i < 9, lambda i: i + 1 + tf.cast(tf.gather(x, i, name="inside"), tf.int32) * 0, [0])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"not in|not all in"):
        session.run(y, {x: [1, 7]})


def test_the_first_variables_of_a_loop_are_tensorflows(graph) -> None:
    """Readers of graphs take the first two for a counter of turns and the largest number of them."""
    x = tf.placeholder(tf.float32, [2], name="x")
    most = tf.placeholder(tf.int32, [], name="most")
    bounded = tf.while_loop(lambda a: True, lambda a: a * 2.0, [x], maximum_iterations=most, name="bounded")
    free = tf.while_loop(lambda a: tf.reduce_sum(a) < 9.0, lambda a: a * 2.0, [x], name="free")
    for name, limit in (("bounded", "most"), ("free", "free/maximum_iterations")):
        loop = graph.get_operation_by_name(name)
        assert [tensor.op.name for tensor in loop.inputs] == [f"{name}/loop_counter", limit, "x"]
        for function in (loop.attrs["cond"], loop.attrs["body"]):
            names = [item.name for item in export.function_def(function).signature.input_arg]
            assert names[0] == f"{name}_loop_counter"
            assert names[1].startswith(f"{name}_maximum_iterations")
            assert names[2] == "placeholder"
    with tf.Session(graph=graph) as session:
        assert session.run(graph.get_tensor_by_name("free/maximum_iterations:0")) == -1
        for turns in (0, 1, 5):
            found = session.run([bounded, graph.get_tensor_by_name("bounded:0")], {x: [1, 2], most: turns})
            np.testing.assert_array_equal(found[0], np.array([1, 2]) * 2**turns)
            assert found[1] == turns
        np.testing.assert_array_equal(session.run(free, {x: [1, 2]}), [4, 8])
