"""Checks derivatives of functions: what is saved, what is computed again, and what the two functions take and give."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.function.forward_backward import Extended, differentiated
from tideflow._src.function.func_graph import build


def run(derivative, arguments, dys):
    """Calls both functions as a caller of its own does; returns the results and the gradients."""
    results = derivative.forward.run(arguments)
    found = derivative.backward.run([*dys, *derivative.operands(arguments, results)])
    return results, derivative.gradients(found)


def types(function):
    return [op.type for op in function.plan_ops()]


def test_the_gradient_of_a_function(graph) -> None:
    function, _ = build("f", lambda x, y: tf.sin(x) * y, [(tf.float32, (), "x"), (tf.float32, (), "y")])
    derivative = differentiated(function)
    assert differentiated(function) is derivative
    (value, *saved), (dx, dy) = run(derivative, [np.float32(0.5), np.float32(3.0)], [np.float32(2.0)])
    assert len(saved) == derivative.saved == 1
    np.testing.assert_allclose([value, dx, dy], [3 * np.sin(0.5), 2 * 3 * np.cos(0.5), 2 * np.sin(0.5)], rtol=1e-6)
    assert types(derivative.forward).count("Sin") == 1
    assert "Sin" not in types(derivative.backward)


def test_only_what_is_asked_for(graph) -> None:
    kinds = [(tf.float32, (), "x"), (tf.float32, (), "y"), (tf.int32, (), "n")]
    function, _ = build("f", lambda x, y, n: [tf.exp(x), x * y, n + 1], kinds)
    derivative = differentiated(function, seeded=[1], wanted=[1])
    assert (derivative.seeded, derivative.wanted, derivative.reached, derivative.saved) == ((1,), (1,), (1,), 0)
    _, gradients = run(derivative, [np.float32(2.0), np.float32(3.0), np.int32(1)], [np.float32(1.0)])
    assert gradients == [None, 2.0, None]
    assert "Exp" not in types(derivative.backward)
    assert differentiated(function).wanted == (0, 1)


def test_random_numbers_are_saved(graph) -> None:
    function, _ = build("f", lambda x: x * tf.random_uniform([3]), [(tf.float32, (3,), "x")])
    derivative = differentiated(function)
    assert "RandomUniform" not in types(derivative.backward)
    (value, *_), (dx,) = run(derivative, [np.full(3, 2.0, "f")], [np.ones(3, "f")])
    np.testing.assert_array_equal(value, 2 * dx)


def test_shapes_and_constants_are_made_again(graph) -> None:
    table = np.arange(4, dtype="f")

    def body(x):
        return tf.reshape(x * tf.constant(table), [-1, tf.shape(x)[1] // 2])

    function, _ = build("f", body, [(tf.float32, (None, 4), "x")])
    derivative = differentiated(function)
    assert derivative.saved == 0
    _, (dx,) = run(derivative, [np.ones((3, 4), "f")], [np.ones((6, 2), "f")])
    np.testing.assert_array_equal(dx, np.tile(table, (3, 1)))


def test_rows_of_a_variable_stay_slices(graph) -> None:
    variable = tf.Variable(np.ones((5, 2), "f"), use_resource=True)
    function, _ = build("f", lambda i: tf.gather(variable, i), [(tf.int32, (2,), "i")])
    derivative = differentiated(function)
    gradient = derivative.gradients(derivative.backward.outputs)[1]
    assert isinstance(gradient, tf.IndexedSlices)
    dense = differentiated(function, dense=True)
    assert not isinstance(dense.gradients(dense.backward.outputs)[1], tf.IndexedSlices)


def test_a_copy_has_the_operations_and_their_order(graph) -> None:
    x = tf.placeholder(tf.float32, [])

    def body(a):
        with tf.control_dependencies([tf.sin(a, name="first")]):
            return tf.identity(a * x, name="second")

    function, _ = build("f", body, [(tf.float32, (), "a")])
    copy = Extended(function, graph)
    (output,) = copy.outputs
    assert output.op.graph is copy
    assert [op.type for op in output.op.inputs[0].op.control_inputs] == ["Sin"]
    assert copy.external_captures == [x]
    assert copy.run([np.float32(2.0), np.float32(3.0)]) == [6.0]
    assert copy.returning(copy.stand_in(function.outputs[0])) == 0
    inner = copy.stand_in(function.outputs[0].op.inputs[0])
    assert copy.returning(inner) == 1
    assert len(function.outputs) == 1


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_any_order(order, graph) -> None:
    def derived(function):
        """Returns a function that gives the derivative of another at its only parameter."""
        derivative = differentiated(function)

        def body(x):
            results = tf.raw_ops.PartitionedCall(
                args=[x], Tout=[item.dtype for item in derivative.forward.outputs], f=derivative.forward
            )
            operands = derivative.operands([x], results)
            types = [item.dtype for item in derivative.backward.outputs]
            return tf.raw_ops.PartitionedCall(args=[tf.ones([]), *operands], Tout=types, f=derivative.backward)[0]

        return build("derived", body, [(tf.float32, (), "x")])[0]

    function, _ = build("f", lambda x: tf.exp(2.0 * tf.sin(x)), [(tf.float32, (), "x")])
    for _ in range(order):
        function = derived(function)
    s, c = np.sin(0.3), np.cos(0.3)
    polynomial = [2 * c, 4 * c**2 - 2 * s, 8 * c**3 - 12 * s * c - 2 * c, 0][order - 1]
    if order == 4:
        polynomial = 16 * c**4 - 48 * s * c**2 - 16 * c**2 + 12 * s**2 + 2 * s
    np.testing.assert_allclose(function.run([np.float32(0.3)])[0], np.exp(2 * s) * polynomial, rtol=2e-5)


def test_what_is_extended_runs_once_and_grows(graph, tier) -> None:
    """Several gradients of one call, asked for after runs, are those of the values that this call computed."""
    a, b = tf.placeholder(tf.float32, [4]), tf.placeholder(tf.float32, [4])
    function, _ = build(
        "f", lambda x, y: [x * tf.random_uniform([4]), y * tf.random_uniform([4])], [(tf.float32, (4,), "x")] * 2
    )
    first, second = tf.raw_ops.StatefulPartitionedCall(args=[a, b], Tout=["float", "float"], f=function)
    feed = {a: np.full(4, 2.0), b: np.full(4, 3.0)}
    with tf.Session() as session:
        session.run([first, second], feed)
        da = tf.gradients(first, a)[0]
        for _ in range(2):
            value, gradient = session.run([first, da], feed)
            np.testing.assert_allclose(value, 2 * gradient, rtol=1e-6)
        db = tf.gradients(second, b)[0]
        again = tf.gradients(first, a)[0]
        x, y, dx, dy, same = session.run([first, second, da, db, again], feed)
    np.testing.assert_allclose(x, 2 * dx, rtol=1e-6)
    np.testing.assert_allclose(y, 3 * dy, rtol=1e-6)
    np.testing.assert_array_equal(dx, same)
