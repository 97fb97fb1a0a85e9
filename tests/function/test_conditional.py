"""Checks ``cond``, ``case`` and ``switch_case``: values, effects, gradients, structures and errors."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf


@pytest.fixture
def x(graph):
    return tf.placeholder(tf.float32, [2], name="x")


def test_both_branches_and_two_orders_of_gradients(x, tier) -> None:
    y = tf.cond(x[0] > 0.0, lambda: x * x, lambda: -3.0 * x)
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    with tf.Session() as session:
        assert [v.tolist() for v in session.run([y, first, second], {x: [1, 2]})] == [[1, 4], [2, 4], [2, 2]]
        assert [v.tolist() for v in session.run([y, first, second], {x: [-1, 2]})] == [[3, -6], [-3, -3], [0, 0]]


def test_only_the_branch_that_is_taken_runs(x, tier) -> None:
    taken = []

    def branch(name, value):
        return lambda: tf.py_func(lambda v: taken.append(name) or v, [value], tf.float32)

    y = tf.cond(x[0] > 0.0, branch("then", x), branch("else", -x))
    with tf.Session() as session:
        session.run(y, {x: [1, 2]})
        session.run(y, {x: [-1, 2]})
    assert taken == ["then", "else"]


@pytest.mark.parametrize("resource", [False, True])
def test_assignments_in_branches(x, tier, resource) -> None:
    variable = tf.Variable(1.0, use_resource=resource)
    operation = tf.cond(x[0] > 0.0, lambda: tf.group(variable.assign(5.0)), lambda: tf.no_op())
    value = tf.cond(x[0] > 0.0, lambda: tf.identity(variable.assign_add(2.0)), lambda: variable * 0.0)
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(operation, {x: [-1, 0]})
        assert session.run(variable) == 1.0
        session.run(operation, {x: [1, 0]})
        assert session.run(variable) == 5.0
        assert session.run(value, {x: [1, 0]}) == session.run(variable) == 7.0
        assert session.run(value, {x: [-1, 0]}) == 0.0


def test_gradients_reach_variables_that_branches_read(x, tier) -> None:
    variable = tf.Variable(3.0)
    y = tf.cond(x[0] > 0.0, lambda: x * variable, lambda: x)
    gradient = tf.gradients(y, variable)[0]
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(gradient, {x: [1, 2]}) == 3.0
        assert session.run(gradient, {x: [-1, 2]}) == 0.0


def test_branches_of_different_shapes(x, tier) -> None:
    y = tf.cond(x[0] > 0.0, lambda: x, lambda: tf.concat([x, x], 0))
    assert y.shape.as_list() == [None]
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2]}).shape == (2,)
        assert session.run(y, {x: [-1, 2]}).shape == (4,)


def test_conditionals_nest(x, tier) -> None:
    y = tf.cond(x[0] > 0.0, lambda: tf.cond(x[1] > 0.0, lambda: x * 2.0, lambda: x * 3.0), lambda: x * 4.0)
    gradient = tf.gradients(y, x)[0]
    with tf.Session() as session:
        for at, slope in (([1, 1], 2.0), ([1, -1], 3.0), ([-1, 1], 4.0)):
            assert session.run(gradient, {x: at}).tolist() == [slope, slope]


def test_structures(x) -> None:
    pred = x[0] > 0.0
    result = tf.cond(pred, lambda: {"a": x, "b": (1, [2.0])}, lambda: {"a": -x, "b": (3, [4.0])})
    assert [result["b"][0].dtype, result["b"][1][0].dtype] == [tf.int32, tf.float32]
    assert isinstance(tf2.cond(pred, lambda: [x], lambda: [x]), list)
    assert tf.cond(pred, lambda: None, lambda: None) is None
    assert tf.cond(pred, lambda: x, lambda: x).op.name.startswith("cond_")


def test_eagerly_the_branch_is_simply_called() -> None:
    x = tf2.constant(3.0)
    with tf2.GradientTape() as tape:
        tape.watch(x)
        y = tf2.cond(x > 0.0, lambda: x * x, lambda: x)
    assert float(tape.gradient(y, x)) == 6.0
    assert tf2.cond(True, lambda: 1, lambda: 2) == 1


@pytest.mark.parametrize(
    ("then_branch", "else_branch", "message"),
    [
        (1, lambda: 1, "'true_fn' must be callable"),
        (lambda: 1, 1, "'false_fn' must be callable"),
        (lambda: 1, lambda: 1.0, "same number, type"),
        (lambda: (1, 2), lambda: 1, "structure"),
    ],
)
def test_branches_that_do_not_fit(x, then_branch, else_branch, message) -> None:
    with pytest.raises(TypeError, match=message):
        tf.cond(x[0] > 0.0, then_branch, else_branch)


def test_a_python_bool_is_refused_in_a_graph(graph) -> None:
    with pytest.raises(TypeError, match="pred must not be a Python bool"):
        tf.cond(True, lambda: 1, lambda: 2)


def test_switch_case_and_its_gradients(x, tier) -> None:
    index = tf.placeholder(tf.int32, [])
    y = tf2.switch_case(index, [lambda: x * 2.0, lambda: x * x, lambda: x * x * x])
    first = tf.gradients(y, x)[0]
    second = tf.gradients(first, x)[0]
    with tf.Session() as session:
        for at, slope, bend in ((0, 2.0, 0.0), (1, 6.0, 2.0), (2, 27.0, 18.0), (9, 27.0, 18.0), (-1, 27.0, 18.0)):
            values = session.run([first, second], {x: [3, 3], index: at})
            assert [v.tolist() for v in values] == [[slope] * 2, [bend] * 2]


def test_switch_case_defaults_and_errors(x) -> None:
    index = tf.placeholder(tf.int32, [])
    y = tf2.switch_case(index, {0: lambda: x}, default=lambda: -x)
    with tf.Session() as session:
        assert session.run(y, {x: [1, 2], index: 5}).tolist() == [-1.0, -2.0]
    with pytest.raises(ValueError, match="contiguous range"):
        tf2.switch_case(index, {0: lambda: x, 2: lambda: x})
    with pytest.raises(TypeError):
        tf2.switch_case(index, [1])


def test_case_takes_the_first_that_holds(x, tier) -> None:
    pairs = [(x[0] > 5.0, lambda: x), (x[0] > 2.0, lambda: x * 2.0)]
    y = tf.case(pairs, default=lambda: x * 3.0)
    none, exclusive = tf.case(pairs), tf.case(pairs, exclusive=True)
    with tf.Session() as session:
        assert [session.run(y, {x: [at, 0]})[0] for at in (6, 3, 1)] == [6.0, 6.0, 3.0]
        assert session.run(exclusive, {x: [3, 0]})[0] == 6.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of the conditions evaluated as True"):
            session.run(none, {x: [1, 0]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than 1 conditions"):
            session.run(exclusive, {x: [6, 0]})


def test_case_errors(x) -> None:
    for pairs in (3, [x], [(x[0] > 0.0, 3)]):
        with pytest.raises(TypeError):
            tf.case(pairs)


def test_a_failure_inside_a_branch_names_the_operation(x, tier) -> None:
    y = tf.cond(x[0] > 0.0, lambda: tf.gather(x, tf.cast(x, tf.int32), name="inside"), lambda: x)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"not in|not all in"):
        session.run(y, {x: [1, 7]})


def test_random_numbers_in_a_branch(x, tier) -> None:
    y = tf.cond(x[0] > 0.0, lambda: tf.random_uniform([2], seed=1), lambda: x)
    with tf.Session() as session:
        first, second = (session.run(y, {x: [1, 1]}) for _ in range(2))
    assert not np.array_equal(first, second)
