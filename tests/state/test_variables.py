"""Checks variables in graphs, by reference and by handle: nodes, values, assignment, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def use_resource(request) -> bool:
    return request.param


def nodes(graph) -> list[tuple[str, str]]:
    return [(op.name, op.type) for op in graph.get_operations()]


def test_nodes_of_a_reference_variable(graph) -> None:
    variable = tf.Variable([1.0, 2.0], name="w", use_resource=False)
    assert nodes(graph) == [
        ("w/initial_value", "Const"),
        ("w", "VariableV2"),
        ("w/Assign", "Assign"),
        ("w/read", "Identity"),
    ]
    assert graph.get_operation_by_name("w/read").get_attr("_class") == [b"loc:@w"]
    assert repr(variable) == "<tf.Variable 'w:0' shape=(2,) dtype=float32_ref>"
    assert (variable.name, variable.op.name, variable.initializer.name) == ("w:0", "w", "w/Assign")


def test_nodes_of_a_resource_variable(graph) -> None:
    variable = tf.Variable(lambda: tf.zeros([2]), name="w", use_resource=True)
    assert nodes(graph) == [
        ("w/Initializer/zeros", "Const"),
        ("w", "VarHandleOp"),
        ("w/IsInitialized/VarIsInitializedOp", "VarIsInitializedOp"),
        ("w/Assign", "AssignVariableOp"),
        ("w/Read/ReadVariableOp", "ReadVariableOp"),
    ]
    assert graph.get_tensor_by_name("w/Read/ReadVariableOp:0").shape == [2]
    assert repr(variable) == "<tf.Variable 'w:0' shape=(2,) dtype=float32>"


def test_names_are_made_unique(graph, use_resource) -> None:
    names = [tf.Variable(1.0, name="w", use_resource=use_resource).name for _ in range(2)]
    assert names == ["w:0", "w_1:0"]


def test_uninitialized(graph, tier, use_resource) -> None:
    variable = tf.Variable([1.0], name="w", use_resource=use_resource)
    missing = tf.report_uninitialized_variables()
    with tf.Session() as session:
        for fetch in (variable, variable.value(), variable + 1.0):
            with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value w"):
                session.run(fetch)
        assert session.run(missing).tolist() == [b"w"]
        assert not session.run(tf.is_variable_initialized(variable))
        session.run(tf.global_variables_initializer())
        assert session.run(missing).size == 0
        assert session.run(variable).tolist() == [1.0]


def test_assignments(graph, tier, use_resource) -> None:
    variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]], use_resource=use_resource)
    steps = [
        (tf.assign(variable, [[0.0, 0.0], [1.0, 1.0]]), [[0, 0], [1, 1]]),
        (variable.assign_add([[1.0, 1.0], [1.0, 1.0]]), [[1, 1], [2, 2]]),
        (tf.assign_sub(variable, [[0.0, 1.0], [0.0, 1.0]]), [[1, 0], [2, 1]]),
        (tf.scatter_update(variable, [1], [[8.0, 9.0]]), [[1, 0], [8, 9]]),
        (tf.scatter_add(variable, [0, 0], [[1.0, 1.0], [2.0, 2.0]]), [[4, 3], [8, 9]]),
        (tf.scatter_nd_update(variable, [[1, 0]], [5.0]), [[4, 3], [5, 9]]),
        (variable[0].assign([7.0, 6.0]), [[7, 6], [5, 9]]),
        (variable[:, 1:].assign([[0.0]]), [[7, 0], [5, 0]]),
        (variable.scatter_mul(tf.IndexedSlices(tf.constant([[2.0, 1.0]]), tf.constant([0]))), [[14, 0], [5, 0]]),
    ]
    with tf.Session() as session:
        session.run(variable.initializer)
        for operation, expected in steps:
            assert np.asarray(session.run(operation)).tolist() == expected
            assert session.run(variable).tolist() == expected


def test_what_is_fetched_is_not_the_storage(graph, tier, use_resource) -> None:
    variable = tf.Variable([1.0, 2.0], use_resource=use_resource)
    more = variable.assign_add([1.0, 1.0])
    with tf.Session() as session:
        session.run(variable.initializer)
        for fetch in (variable, variable.value(), more):
            session.run(more)
            before = session.run(variable.value())
            fetched = session.run(fetch)
            fetched += 100.0
            assert session.run(variable.value()).tolist() != fetched.tolist()
            assert session.run(variable.value()).max() < 50.0
            assert before.max() < 50.0


def test_what_is_fed_is_not_the_storage(graph, tier, use_resource) -> None:
    variable = tf.Variable([1.0, 2.0], use_resource=use_resource)
    fed = tf.placeholder(tf.float32, [2])
    assigned = variable.assign(fed)
    with tf.Session() as session:
        array = np.array([5.0, 6.0], np.float32)
        session.run(assigned, {fed: array})
        array += 1.0
        assert session.run(variable).tolist() == [5.0, 6.0]


def test_load_and_eval(graph, use_resource) -> None:
    variable = tf.Variable([1.0, 2.0], use_resource=use_resource)
    with pytest.raises(ValueError, match="default session"):
        variable.load([0.0, 0.0])
    with tf.Session():
        variable.load([3.0, 4.0])
        assert variable.eval().tolist() == [3.0, 4.0]


def test_count_up_to(graph, use_resource) -> None:
    variable = tf.Variable(0, use_resource=use_resource)
    count = variable.count_up_to(2)
    with tf.Session() as session:
        session.run(variable.initializer)
        assert [session.run(count), session.run(count)] == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
            session.run(count)


def test_initial_values_may_use_other_variables(graph, tier, use_resource) -> None:
    first = tf.Variable(tf.random_uniform([3]), name="first", use_resource=use_resource)
    second = tf.Variable(first.initialized_value() * 2.0, name="second", use_resource=use_resource)
    third = tf.Variable(second + 1.0, name="third", use_resource=use_resource)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run([first, second, third])
        np.testing.assert_allclose(values[1], values[0] * 2.0)
        np.testing.assert_allclose(values[2], values[1] + 1.0)
        first.load([1.0, 2.0, 3.0], session)
        session.run(second.initializer)
        assert session.run(second).tolist() == [2.0, 4.0, 6.0]


def test_control_dependencies_order_reads_and_assignments(graph, tier, use_resource) -> None:
    variable = tf.Variable(1.0, use_resource=use_resource)
    with tf.control_dependencies([variable.assign(5.0)]):
        after = variable.read_value()
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(after) == 5.0


def test_errors(graph) -> None:
    variable = tf.Variable([1.0, 2.0], use_resource=False)
    with pytest.raises(ValueError, match="equal"):
        variable.assign([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="Shape mismatch"):
        tf.Variable([1.0, 2.0], use_resource=True).assign([1.0])
    with pytest.raises(ValueError, match="initial_value must be specified"):
        tf.Variable(use_resource=False)
    with pytest.raises(ValueError, match="must have a shape specified"):
        tf.Variable(tf.placeholder(tf.float32), use_resource=False)
    with pytest.raises(ValueError, match="collections argument"):
        tf.Variable(1.0, collections="mine")
    with pytest.raises(TypeError, match="IndexedSlices"):
        variable.scatter_add([1.0])


def test_round_trip_through_its_proto(graph, use_resource) -> None:
    variable = tf.Variable([1.0, 2.0], name="w", use_resource=use_resource)
    again = tf.Variable.from_proto(variable.to_proto())
    assert again.name == variable.name and again.initializer is variable.initializer
    with tf.Session() as session:
        session.run(again.initializer)
        assert session.run(again.value()).tolist() == [1.0, 2.0]


def test_sessions_do_not_share_state(graph, use_resource) -> None:
    variable = tf.Variable(1.0, use_resource=use_resource)
    with tf.Session() as one, tf.Session() as two:
        one.run(variable.initializer)
        two.run(variable.initializer)
        one.run(variable.assign(2.0))
        assert (one.run(variable), two.run(variable)) == (2.0, 1.0)


def test_collections(graph, use_resource) -> None:
    weights = tf.Variable(1.0, use_resource=use_resource)
    counter = tf.Variable(0, trainable=False, use_resource=use_resource)
    local = tf.Variable(0.0, trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=use_resource)
    assert tf.global_variables() == [weights, counter]
    assert tf.trainable_variables() == [weights]
    assert tf.local_variables() == [local]
    assert tf.global_variables_initializer().control_inputs == [weights.initializer, counter.initializer]


def test_the_class_has_the_methods_of_variables(graph):
    v = tf.Variable([1.0, 2.0], use_resource=True)
    added = tf.Variable.assign_add(v, [1.0, 1.0])
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run(added).tolist() == [2.0, 3.0]
    for kind in (tf.Variable, tf.compat.v2.Variable):
        assert {"assign", "scatter_update", "initializer"} <= set(dir(kind))
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            kind.nothing  # noqa: B018
