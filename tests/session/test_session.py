"""Checks sessions on both tiers: what runs, who owns arrays, default sessions, threads, closing, and errors."""

from __future__ import annotations

import gc
import threading
import tracemalloc

import numpy as np
import pytest

import tideflow.v1 as tf


def test_only_what_is_fetched_runs(graph, tier) -> None:
    calls = []

    def noted(value):
        calls.append(float(value))
        return value

    x = tf.placeholder(tf.float32, [])
    first, second = (tf.py_func(noted, [x + float(i)], tf.float32) for i in range(2))
    with tf.Session() as session:
        assert session.run(second, {x: 1.0}) == 2.0
        assert calls == [2.0]
        session.run([first, second], {x: 1.0})
        assert sorted(calls) == [1.0, 2.0, 2.0]
        # A fed tensor needs nothing.
        assert session.run(second * 2.0, {second: 7.0}) == 14.0
        assert len(calls) == 3


def test_host_stages_between_compiled_ones(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2, 2])
    before = tf.matmul(x, x)
    middle = tf.py_func(lambda value: value * 2.0, [before], tf.float32)
    middle.set_shape([2, 2])
    after = tf.matmul(middle, x)
    with tf.Session() as session:
        values = session.run([before, middle, after], {x: np.eye(2) * 2.0})
    np.testing.assert_array_equal(values, [np.eye(2) * 4.0, np.eye(2) * 8.0, np.eye(2) * 16.0])


# Who owns arrays.


@pytest.mark.parametrize("resource", [False, True])
def test_arrays_of_the_caller_and_of_variables_are_apart(graph, tier, resource) -> None:
    variable = tf.Variable(np.zeros(3, np.float32), use_resource=resource)
    x = tf.placeholder(tf.float32, [3])
    assign, add, read = variable.assign(x), variable.assign_add(x), tf.identity(variable)
    fed = np.ones(3, np.float32)
    with tf.Session() as session:
        session.run(variable.initializer)
        session.run(assign.op, {x: fed})
        fed[:] = 7.0
        np.testing.assert_array_equal(session.run(variable), [1.0, 1.0, 1.0])
        for fetch in (assign, variable, read, add):
            result = session.run(fetch, {x: np.ones(3)})
            expected = result.copy()
            result[:] = 99.0
            np.testing.assert_array_equal(session.run(variable), expected)
        view = np.broadcast_to(fed, 3)
        session.run(assign.op, {x: view})
        fed[:] = 5.0
        np.testing.assert_array_equal(session.run(variable), [7.0, 7.0, 7.0])


def test_a_value_fetched_before_an_update_keeps_what_it_was(graph, tier) -> None:
    variable = tf.Variable(np.zeros(100_000, np.float32))
    update = variable.assign_add(np.ones(100_000, np.float32)).op
    with tf.Session() as session:
        session.run(variable.initializer)
        kept = []
        for _ in range(4):
            kept.append(session.run(variable))
            session.run(update)
    assert [array[0] for array in kept] == [0.0, 1.0, 2.0, 3.0]


def test_results_share_nothing_with_feeds_and_constants(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [2])
    constant = tf.constant([1.0, 2.0])
    fed = np.ones(2, np.float32)
    with tf.Session() as session:
        for fetch in (x, tf.identity(x), tf.reshape(x, [2]), constant, constant + constant):
            result = session.run(fetch, {x: fed})
            expected = result.copy()
            result[:] = 9.0
            np.testing.assert_array_equal(session.run(fetch, {x: fed}), expected)
        np.testing.assert_array_equal(fed, [1.0, 1.0])


def test_scalars_are_numpy_scalars_and_strings_bytes(graph, tier) -> None:
    with tf.Session() as session:
        assert type(session.run(tf.constant(1.0) + tf.placeholder_with_default(1.0, []))) is np.float32
        assert session.run(tf.constant("text")) == b"text"


# Default sessions.


def test_default_sessions_nest(graph) -> None:
    x = tf.constant(1.0)
    outer, inner = tf.Session(), tf.Session()
    assert tf.get_default_session() is None
    with outer.as_default():
        with inner.as_default():
            assert tf.get_default_session() is inner
            assert x.eval() == 1.0
        assert tf.get_default_session() is outer
    assert outer.run(x) == 1.0  # as_default does not close
    with outer:
        assert tf.get_default_session() is outer
    with pytest.raises(RuntimeError, match="closed Session"):
        outer.run(x)


def test_eval_and_run_need_a_session_of_their_graph(graph) -> None:
    x = tf.constant(1.0)
    with pytest.raises(ValueError, match="No default session is registered"):
        x.eval()
    with pytest.raises(ValueError, match="No default session is registered"):
        x.op.run()
    other = tf.Graph()
    with other.as_default():
        tf.constant(0.0)
    with tf.Session(graph=other), pytest.raises(ValueError, match="graph is different"):
        x.eval()
    assert x.eval(session=tf.Session()) == 1.0


def test_an_interactive_session_is_the_default_until_closed(graph) -> None:
    session = tf.InteractiveSession()
    assert tf.constant(2.0).eval() == 2.0
    session.close()
    session.close()
    assert tf.get_default_session() is None


def test_another_thread_has_no_default_session(graph) -> None:
    seen = []
    with tf.Session():
        thread = threading.Thread(target=lambda: seen.append(tf.get_default_session()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_sessions_keep_variables_apart(graph, tier) -> None:
    variable = tf.Variable(1.0)
    first, second = tf.Session(), tf.Session()
    for session in (first, second):
        session.run(variable.initializer)
    first.run(variable.assign_add(1.0))
    assert (first.run(variable), second.run(variable)) == (2.0, 1.0)


# Errors.


def test_a_closed_session_refuses_to_run(graph) -> None:
    x = tf.constant(1.0)
    session = tf.Session()
    session.run(x)
    session.close()
    session.close()
    with pytest.raises(RuntimeError, match="Attempted to use a closed Session"):
        session.run(x)


def test_an_empty_graph_cannot_run(graph) -> None:
    with pytest.raises(RuntimeError, match="The Session graph is empty"):
        tf.Session().run([])


@pytest.mark.parametrize("arguments", [{"graph": 3}, {"target": 3}, {"config": 3}])
def test_arguments_of_a_wrong_type(graph, arguments) -> None:
    with pytest.raises(TypeError, match=f"Argument `{next(iter(arguments))}` must be a"):
        tf.Session(**arguments)


@pytest.mark.parametrize("resource", [False, True])
def test_an_uninitialized_variable_is_named(graph, tier, resource) -> None:
    variable = tf.Variable(1.0, name="weights", use_resource=resource)
    with tf.Session() as session:
        for fetch in (variable, variable + 1.0, variable.assign_add(1.0).op):
            with pytest.raises(tf.errors.FailedPreconditionError, match="weights"):
                session.run(fetch)
        session.run(variable.initializer)
        assert session.run(variable) == 1.0


def test_a_failure_names_the_node_and_the_users_line(graph, tier) -> None:
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    product, total = tf.matmul(a, b, name="product"), tf.add(a, b, name="total")
    good = {a: np.ones((2, 3)), b: np.ones((3, 4))}
    bad = {a: np.ones((2, 3)), b: np.ones((4, 5))}
    with tf.Session() as session:
        for fetch, name in ((product, "product"), (total, "total")):
            for _ in range(2):
                with pytest.raises(tf.errors.InvalidArgumentError, match=name) as caught:
                    session.run(fetch, bad)
                assert "test_session.py" in str(caught.value)
                assert caught.value.op.name == name
        np.testing.assert_array_equal(session.run(product, good), np.full((2, 4), 3.0))


def test_an_index_out_of_range_fails_and_changes_no_variable(graph, tier) -> None:
    table = tf.Variable(np.arange(4.0, dtype=np.float32))
    index = tf.placeholder(tf.int32, [1])
    picked = tf.gather(table, index)
    update = table.assign_add(tf.ones([4]) * tf.reduce_sum(picked))
    with tf.Session() as session:
        session.run(table.initializer)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Gather"):
            session.run(update.op, {index: [4]})
        np.testing.assert_array_equal(session.run(table), [0.0, 1.0, 2.0, 3.0])
        session.run(update.op, {index: [1]})
        np.testing.assert_array_equal(session.run(table), [1.0, 2.0, 3.0, 4.0])


# Callables, metadata, threads, memory.


def test_make_callable(graph, tier) -> None:
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    session = tf.Session()
    call = session.make_callable({"sum": x + y}, [x, y])
    assert call(1.0, 2.0) == {"sum": 3.0}
    with pytest.raises(tf.errors.InvalidArgumentError, match="2 tensors, got 1"):
        call(1.0)
    with pytest.raises(TypeError, match="must be a list or tuple"):
        session.make_callable(x, x)
    session.close()
    with pytest.raises(RuntimeError, match="closed Session"):
        call(1.0, 2.0)


def test_threads_share_a_session(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    y = x * 2.0 + 1.0
    total = tf.Variable(np.zeros(8, np.float32))
    add = total.assign_add(tf.ones([8])).op
    failures = []
    with tf.Session() as session:
        session.run(total.initializer)

        def work() -> None:
            try:
                for i in range(50):
                    assert session.run(y, {x: i}) == 2 * i + 1
                    session.run(add)
                    value = session.run(total)
                    assert (value == value[0]).all()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        if tier == "xla":  # updates of one program are atomic
            assert session.run(total)[0] == 200.0


def test_memory_stays_flat(graph, tier) -> None:
    variable = tf.Variable(np.zeros(10, np.float32))
    x = tf.placeholder(tf.float32, [10])
    fetches = [variable.assign_add(x).op, tf.reduce_sum(tf.identity(variable) * x)]
    value = np.ones(10, np.float32)
    with tf.Session() as session:
        session.run(variable.initializer)
        for _ in range(100):
            session.run(fetches, {x: value})
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                session.run(fetches, {x: value})
            gc.collect()
            growth = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert growth < 20_000


def test_an_operation_changed_in_place_is_planned_again(graph, tier) -> None:
    x = tf.placeholder_with_default(1.0, [])
    y = tf.identity(x)
    with tf.Session() as session:
        assert session.run(y) == 1.0
        y.op._update_input(0, tf.placeholder_with_default(2.0, []))
        assert session.run(y) == 2.0


def test_a_callable_outlives_a_gradient_through_its_loop(graph, tier) -> None:
    x = tf.placeholder(tf.float32, [])
    end = tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, tf.sin(a) * 2.0), [0, x])[1]
    with tf.Session() as session:
        fresh, used = session.make_callable(end, [x]), session.make_callable(end, [x])
        expected = used(1.0)
        (gradient,) = tf.gradients(end, x)
        assert fresh(1.0) == used(1.0) == expected
        assert np.isfinite(session.run(gradient, {x: 1.0}))


def test_a_value_that_is_fetched_under_two_names_is_two_arrays(graph, tier) -> None:
    x = tf.random_normal([3])
    with tf.Session() as session:
        first, second = session.run([x, tf.identity(x)])
        np.testing.assert_array_equal(first, second)
        assert not np.shares_memory(first, second)
