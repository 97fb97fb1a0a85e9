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


@pytest.mark.parametrize("pred", [[False], [[True]], np.array([True])], ids=str)
def test_a_predicate_of_one_element_counts_as_its_element(pred, graph, tier) -> None:
    unknown = tf.placeholder(tf.bool, None)
    known, later = (tf.cond(value, lambda: 1, lambda: 2) for value in (pred, unknown))
    expected = 1 if np.all(pred) else 2
    with tf.Session() as session:
        assert session.run([known, later], {unknown: pred}) == [expected, expected]


def test_a_predicate_is_one_boolean(graph, tier) -> None:
    for pred, problem in ((3, "int32"), (0.5, "float32"), ("a", "string")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"must be of type bool, but .* is of type {problem}"):
            tf.cond(pred, lambda: 1, lambda: 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be a scalar, but .* has shape \[2\]"):
        tf.cond([True, False], lambda: 1, lambda: 2)
    unknown = tf.placeholder(tf.bool, None)
    chosen = tf.cond(unknown, lambda: 1, lambda: 2)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        session.run(chosen, {unknown: [True, False]})


def test_eager_predicates_are_as_python_sees_them() -> None:
    def chosen(pred):
        return int(tf2.cond(pred, lambda: 1, lambda: 2))

    assert [chosen(pred) for pred in (3, 0.0, "a", "", [False], (True,), tf2.constant([False]))] == [
        1,
        2,
        1,
        2,
        2,
        1,
        2,
    ]
    for pred in ([], tf2.constant([True, False])):
        with pytest.raises(ValueError, match="ambiguous"):
            chosen(pred)
    with pytest.raises(ValueError, match="None"):
        chosen(None)


def test_what_differs_between_branches_is_named(graph) -> None:
    p, index = tf.placeholder(tf.bool, []), tf.placeholder(tf.int32, [])
    with pytest.raises(TypeError, match=r"true_fn and false_fn arguments to tf.cond (.|\n)*keys (.|\n)*'b'"):
        tf.cond(p, lambda: {"a": 1}, lambda: {"b": 1})
    with pytest.raises(TypeError, match="have different types: int32 and float32"):
        tf.cond(p, lambda: 1, lambda: 2.0)
    with pytest.raises(TypeError, match=r"branches\[0\] and branches\[2\] arguments to tf.switch_case"):
        tf2.switch_case(index, [lambda: 1, lambda: 2, lambda: 3.0])
    with pytest.raises(ValueError, match="same number of results: 1 and 0"):
        tf.cond(p, lambda: 1, lambda: None)


def test_branches_wait_for_operations_outside(graph, tier) -> None:
    variable = tf.Variable(0.0, use_resource=True)
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    counted = tf.group(variable.assign_add(1.0))

    def then():
        with tf.control_dependencies([counted]):
            return tf.cond(x > 0.0, waiting, lambda: x)

    def waiting():
        with tf.control_dependencies([counted, x]):
            return variable.read_value() * 1.0

    y = tf.cond(p, then, lambda: x)
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(y, {p: True, x: 5.0}) == 1.0
        assert session.run(y, {p: True, x: 5.0}) == 2.0
        session.run(y, {p: False, x: 5.0})  # as in TensorFlow, the whole conditional waits
        assert session.run(variable) == 3.0


@pytest.mark.parametrize(
    ("other", "rows"), [("sparse", [0]), ("dense", [0, 1, 2, 3]), ("none", [0, 1, 2, 3]), ("wide", [0])]
)
def test_slices_stay_slices(other, rows, graph, tier) -> None:
    """If a branch has slices for a gradient, so has the conditional, as in TensorFlow."""
    table = tf.Variable(np.ones((4, 2), "f"), use_resource=True)
    p = tf.placeholder(tf.bool, [])
    others = {
        "sparse": lambda: tf.reduce_sum(tf.gather(table, [0])),
        "wide": lambda: tf.reduce_sum(tf.gather(table, np.int64([0]))),
        "dense": lambda: tf.reduce_sum(table * 3.0),
        "none": lambda: tf.constant(0.0),
    }
    y = tf.cond(p, lambda: tf.reduce_sum(tf.gather(table, [1, 2, 1])), others[other])
    gradient = tf.gradients(y, table)[0]
    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.indices.dtype == (tf.int64 if other == "wide" else tf.int32)
    with tf.Session() as session:
        session.run(table.initializer)
        found = session.run(gradient, {p: True})
        assert found.indices.tolist() == [1, 2, 1]
        assert found.values.tolist() == [[1, 1]] * 3
        assert found.dense_shape.tolist() == [4, 2]
        found = session.run(gradient, {p: False})
        assert found.indices.tolist() == rows
        assert found.values.tolist() == [[{"dense": 3, "none": 0}.get(other, 1)] * 2] * len(rows)


def _slices(rows: list[int], dtype: object) -> tf.IndexedSlices:
    return tf.IndexedSlices(tf.ones([len(rows), 2]), tf.constant(rows, dtype), tf.constant([5, 2]))


@pytest.mark.parametrize("dtypes", [("int32", "int64"), ("int64", "int32"), ("int32", "int32")])
def test_slices_of_branches_have_indices_of_one_dtype(dtypes, graph, tier) -> None:
    """Where they differ they become int64, as in TensorFlow: Keras's optimizers divide slices in branches."""
    index = tf.placeholder(tf.int32, [])
    branches = [lambda: _slices([1], dtypes[0]), lambda: _slices([3, 2], dtypes[1])]
    found = [
        tf.cond(index > 0, *reversed(branches)),
        tf.switch_case(index, [lambda f=f: (f(), 1) for f in branches])[0],
    ]
    with tf.Session() as session:
        for slices in found:
            assert slices.indices.dtype == (tf.int32 if dtypes == ("int32", "int32") else tf.int64)
            assert [session.run(slices.indices, {index: each}).tolist() for each in (0, 1)] == [[1], [3, 2]]


def test_a_branch_without_a_value_that_another_has(graph, tier) -> None:
    """What the gradient reads of one branch has an unknown shape, and is a list in another one."""
    x, p = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.int32, [])

    def looped():
        return tf.reduce_sum(tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * tf.sin(y)), [0, x])[1])

    y = tf2.switch_case(p, [lambda: tf.reduce_sum(tf.exp(x) * x), looped, lambda: tf.reduce_sum(x)])
    gradient = tf.gradients(y, x)[0]
    second = tf.gradients(gradient, x)[0]
    a = np.array([0.5, 1.5, 2.5])
    with tf.Session() as session:
        first, twice = session.run([gradient, second], {x: a, p: 0})
        np.testing.assert_allclose(first, np.exp(a) * (a + 1), rtol=1e-5)
        np.testing.assert_allclose(twice, np.exp(a) * (a + 2), rtol=1e-5)
        first, twice = session.run([gradient, second], {x: a, p: 1})
        h = 1e-5

        def f(a):
            for _ in range(3):
                a = a * np.sin(a)
            return a

        np.testing.assert_allclose(first, (f(a + h) - f(a - h)) / (2 * h), rtol=1e-3, atol=1e-5)
        h = 1e-4
        np.testing.assert_allclose(twice, (f(a + h) - 2 * f(a) + f(a - h)) / h**2, rtol=1e-3, atol=1e-3)
        first, twice = session.run([gradient, second], {x: a, p: 2})
        assert first.tolist() == [1, 1, 1]
        assert twice.tolist() == [0, 0, 0]
