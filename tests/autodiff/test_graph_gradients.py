"""Checks ``tf.gradients`` against known derivatives and TensorFlow 2.21's errors."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.core import context


def run(fetches, feeds=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


def test_orders_up_to_three(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    y = x**4.0 + tf.sin(x)
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    third = tf.gradients(second, x)[0]
    at = np.array([1.0, 3.0])
    expected = [4 * at**3 + np.cos(at), 12 * at**2 - np.sin(at), 24 * at - np.cos(at)]
    np.testing.assert_allclose(run([first, second, third], {x: at}), expected, rtol=1e-5)


def test_broadcast_inputs_of_unknown_shape_are_summed_back(graph, tier) -> None:
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    da, db = run(tf.gradients(a * b, [a, b]), {a: np.ones((2, 3)), b: np.full((3,), 2.0)})
    np.testing.assert_array_equal(da, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(db, np.full((3,), 2.0))


def test_a_scalar_beside_a_matrix(graph, tier) -> None:
    scalar, matrix = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [2, 3])
    gradient = tf.gradients(scalar * matrix, scalar)[0]
    assert gradient.shape.as_list() == []
    assert run(gradient, {scalar: 1.0, matrix: np.ones((2, 3))}) == 6.0


def test_grad_ys_and_several_ys(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    y, z = x * 2.0, x * x
    feeds = {x: [1.0, 3.0]}
    np.testing.assert_array_equal(run(tf.gradients([y, z], x)[0], feeds), [4.0, 8.0])
    np.testing.assert_array_equal(run(tf.gradients([y, z], x, [[1.0, 0.0], None])[0], feeds), [4.0, 6.0])
    with pytest.raises(ValueError, match=r"Length mismatch\. Passed 2 grad_ys for 1 ys"):
        tf.gradients(y, x, [1.0, 2.0])
    with pytest.raises(TypeError):
        tf.gradients(y, x, tf.ones([2], tf.int32))


def test_stop_gradients_and_sources_on_the_way(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    y = x * x
    z = y * x
    assert run(tf.gradients(z, [x, y]), {x: 3.0}) == [27.0, 3.0]
    assert run(tf.gradients(z, x, stop_gradients=y)[0], {x: 3.0}) == 9.0
    assert run(tf.gradients(tf.stop_gradient(y) * x, x)[0], {x: 3.0}) == 9.0
    assert run(tf.gradients(x, x)[0], {x: 3.0}) == 1.0


def test_unconnected_and_integer_paths(graph) -> None:
    x, other = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [3])
    k = tf.placeholder(tf.int32, [])
    assert tf.gradients(x * x, other) == [None]
    assert run(tf.gradients(x, other, unconnected_gradients="zero")[0], {other: [1, 2, 3]}).tolist() == [0.0] * 3
    assert tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32), x) == [None]
    assert tf.gradients(k + 1, k) == [None]
    assert tf.gradients(tf.argmax(x), x) == [None]
    with pytest.raises(ValueError, match="Unknown value for unconnected_gradients: 'foo'"):
        tf.gradients(x, x, unconnected_gradients="foo")


def test_variables_of_both_kinds(graph, tier) -> None:
    variables = [tf.Variable(3.0, use_resource=resource) for resource in (False, True)]
    assert run(tf.gradients(variables[0] ** 2.0 * variables[1], variables)) == [18.0, 9.0]


def test_slices_add_up_with_dense_gradients(graph, tier) -> None:
    table = tf.Variable(np.ones((3, 2), np.float32))
    loss = tf.reduce_sum(tf.gather(table, [2, 2, 0])) + tf.reduce_sum(table * 2.0)
    np.testing.assert_array_equal(run(tf.convert_to_tensor(tf.gradients(loss, table)[0])), [[3, 3], [2, 2], [4, 4]])


def test_complex_targets_need_grad_ys(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    z = tf.complex(x, x)
    with pytest.raises(TypeError, match="must set grad_ys"):
        tf.gradients(z, x)
    assert run(tf.gradients(z, x, grad_ys=tf.constant(2.0 + 3.0j, tf.complex64))[0], {x: 1.0}) == 5.0


def test_names_below_the_scope_of_each_operation(graph) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.name_scope("model"):
        y = tf.multiply(x, x, name="square")
    gradient = tf.gradients(y, x)[0]
    assert gradient.name.startswith("gradients/")
    assert any(op.name.startswith("gradients/model/square_grad/") for op in graph.get_operations())


def test_an_operation_without_a_gradient_is_named(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    with graph.gradient_override_map({"Square": "NowhereRegistered"}):
        y = tf.square(x)
    with pytest.raises(LookupError, match=r"NowhereRegistered|Square"):
        tf.gradients(y, x)


def test_gradients_do_not_exist_eagerly() -> None:
    with pytest.raises(RuntimeError, match=r"Use tf\.GradientTape instead"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))


def test_a_deep_graph_is_differentiated_without_recursion(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    y = x
    for _ in range(5_000):
        y = y + x
    assert run(tf.gradients(y, x)[0], {x: 1.0}) == 5_001.0


def test_hessians(graph) -> None:
    x = tf.placeholder(tf.float32, [2])
    hessian = run(tf.hessians(tf.reduce_sum(x**3.0) + x[0] * x[1], x)[0], {x: [1.0, 2.0]})
    np.testing.assert_allclose(hessian, [[6.0, 1.0], [1.0, 12.0]], rtol=1e-5)


def test_what_is_stopped_has_a_gradient_itself(graph) -> None:
    """The example of TensorFlow's documentation: partial derivatives where total ones would go on."""
    a = tf.constant(0.0)
    b = 2 * a
    assert run(tf.gradients(a + b, [a, b], stop_gradients=[a, b])) == [1.0, 1.0]
    assert run(tf.gradients(a + b, [a, b])) == [3.0, 1.0]
    a = tf.constant(3.0)
    b = a * a
    c = b * a
    assert run(tf.gradients(c, [a, b, c], stop_gradients=[b])) == [9.0, 3.0, 1.0]
    da, db = tf.gradients(b, [a, b], stop_gradients=[b])
    assert da is None
    assert run(db) == 1.0


def _in_a_branch(x, build):
    return tf.cond(x > 0, build, lambda: tf.constant(0.0))


def _in_a_branch_of_a_branch(x, build):
    return _in_a_branch(x, lambda: _in_a_branch(x, build))


def _in_a_loop(x, build):
    return tf.while_loop(lambda turn, _: turn < 1, lambda turn, _: (turn + 1, build()), (0, 0.0))[1]


def _in_a_function(x, build):
    return tf.function(build)()


@pytest.mark.parametrize("place", [_in_a_branch, _in_a_branch_of_a_branch, _in_a_loop, _in_a_function])
def test_gradients_go_through_what_a_function_captures(graph, tier, place) -> None:
    """In a branch, what depends on ``x`` inside and what depends on it outside both count."""
    x = tf.placeholder(tf.float32, [])
    y = x * x
    power = tf.while_loop(lambda turn, _: turn < 3, lambda turn, value: (turn + 1, value * y), (0, x))[1]
    assert run(place(x, lambda: tf.gradients(power * x, x)[0]), {x: 2.0}) == 8 * 2.0**7
    assert run(place(x, lambda: tf.gradients(y * x, x, stop_gradients=y)[0]), {x: 2.0}) == 4.0
    assert run(place(x, lambda: tf.gradients(y * x, y)[0]), {x: 2.0}) == 2.0


def test_gradients_in_a_function_of_a_variable_that_functions_around_it_use_too() -> None:
    with context.eager_scope():
        v = tf.Variable(3.0, use_resource=True)

        @tf.function
        def step(x):
            y = v * x
            inner = tf.function(lambda: tf.gradients(y * v, [v, x]))
            return inner()

        assert [item.numpy() for item in step(tf.constant(2.0))] == [12.0, 9.0]


def test_rows_of_a_hessian_in_a_loop(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    gradient = tf.gradients(tf.reduce_sum(x**3.0) + x[0] * x[1], x)[0]
    rows = tf.map_fn(lambda row: tf.gradients(gradient[row], x)[0], tf.range(2), fn_output_signature=tf.float32)
    np.testing.assert_allclose(run(rows, {x: [1.0, 2.0]}), [[6.0, 1.0], [1.0, 12.0]], rtol=1e-5)


@pytest.mark.parametrize("make", [tf.train.GradientDescentOptimizer, tf.train.AdamOptimizer])
def test_an_optimizer_in_a_branch_trains_the_variables_of_the_graph(graph, tier, make) -> None:
    v = tf.get_variable("v", initializer=3.0, use_resource=True)
    x = tf.placeholder(tf.float32, [])
    loss = tf.square(v * x)
    train = tf.cond(x > 0, lambda: tf.group(make(0.1).minimize(loss)), tf.no_op)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {x: -1.0})
        assert session.run(v) == 3.0
        session.run(train, {x: 1.0})
        assert session.run(v) < 3.0


def test_functions_share_collections_of_variables_and_have_copies_of_others(graph) -> None:
    v = tf.get_variable("v", initializer=3.0)
    tf.add_to_collection("others", 1)
    seen = []

    def branch():
        tf.add_to_collection("others", 2)
        w = tf.get_variable("w", initializer=1.0, use_resource=True)
        seen.append((tf.trainable_variables() == [v, w], tf.get_collection("others")))
        return w + 1.0

    tf.cond(tf.placeholder(tf.bool, []), branch, lambda: 2.0)
    assert seen == [(True, [1, 2])]
    assert [item.name for item in tf.global_variables()] == ["v:0", "w:0"]
    assert tf.get_collection("others") == [1]
