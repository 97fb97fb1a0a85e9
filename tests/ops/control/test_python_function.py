"""Checks Python functions as operations: types, errors, gradients and lifetime."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.core import context


@pytest.fixture
def x(graph):
    return tf.placeholder(tf.float32, [2], name="x")


def run(fetch, x):
    with tf.Session() as session:
        return session.run(fetch, {x: [1.0, 2.0]})


def test_arrays_in_and_arrays_out(x, tier) -> None:
    def function(a, b):
        assert type(a) is np.ndarray
        return a + b, np.int64(len(a))

    total, count = tf.py_func(function, [x, x * 2.0], [tf.float32, tf.int64])
    assert total.shape.rank is None
    values = run([total, count], x)
    assert (values[0].tolist(), values[1]) == ([3.0, 6.0], 2)


def test_one_type_gives_one_tensor_and_a_list_a_list(x) -> None:
    assert isinstance(tf.py_func(lambda a: a, [x], tf.float32), tf.Tensor)
    assert isinstance(tf.py_func(lambda a: a, [x], [tf.float32]), list)
    calls = []
    operation = tf.py_func(lambda a: calls.append(1), [x], [])
    assert run(operation, x) is None
    assert calls == [1]


def test_the_function_may_keep_and_change_its_arguments(x, tier) -> None:
    def spoil(a):
        a[:] = 9.0
        return a

    y = x * 1.0
    spoiled = tf.py_func(spoil, [y], tf.float32)
    values = run([y, spoiled, y + 0.0], x)
    assert values[0].tolist() == values[2].tolist() == [1.0, 2.0]


def test_eager_functions_have_gradients_of_two_orders(x, tier) -> None:
    y = tf.py_function(lambda a: a * a * a, [x], tf.float32)
    first = tf.gradients(y, x)[0]
    assert run([y, first], x)[1].tolist() == [3.0, 12.0]
    assert tf.gradients(tf.py_func(lambda a: a, [x], tf.float32), x) == [None]


def test_eagerly_a_function_is_on_the_tape() -> None:
    x = tf2.constant(3.0)
    with tf2.GradientTape() as tape:
        tape.watch(x)
        y = tf2.py_function(lambda a: a * a, [x], tf.float32)
    assert float(tape.gradient(y, x)) == 6.0


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (ValueError, "InvalidArgumentError"),
        (TypeError, "InvalidArgumentError"),
        (StopIteration, "OutOfRangeError"),
        (MemoryError, "ResourceExhaustedError"),
        (NotImplementedError, "UnimplementedError"),
        (KeyError, "UnknownError"),
        (ZeroDivisionError, "UnknownError"),
    ],
)
def test_exceptions_become_tensorflows_and_keep_the_users_line(x, raised, becomes) -> None:
    def function(a):
        raise raised("my trouble")

    pattern = rf"(?s){raised.__name__}.*my trouble.*in function"
    for make in (tf.py_func, tf.py_function):
        with pytest.raises(getattr(tf.errors, becomes), match=pattern):
            run(make(function, [x], tf.float32), x)
    with context.eager_scope(), pytest.raises(getattr(tf.errors, becomes), match=pattern):
        tf2.py_function(function, [1.0], tf.float32)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a.astype(np.float64), "is double|is float64"),
        (lambda a: (a, a), "returns 2 values, but expects to see 1"),
        (lambda a: None, "returns 0 values"),
        (lambda a: "text", "text"),
        (lambda a: object(), "object"),
    ],
)
def test_results_of_a_wrong_type_or_number(x, function, message) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run(tf.py_func(function, [x], tf.float32), x)


@pytest.mark.parametrize("function", [lambda: "text", lambda: object(), lambda: None, lambda: [1.0, 2.0]])
def test_eager_functions_that_return_something_else(function) -> None:
    with tf.Graph().as_default(), tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError):
        session.run(tf.py_function(function, [], tf.float32))
    with context.eager_scope(), pytest.raises(tf.errors.InvalidArgumentError):
        tf2.py_function(function, [], tf.float32)


def test_a_function_lives_as_long_as_its_graph() -> None:
    graph = tf.Graph()
    with graph.as_default():
        y = tf.py_func(lambda: np.float32(5.0), [], tf.float32)
    gc.collect()
    assert tf.Session(graph=graph).run(y) == 5.0


def test_python_functions_by_decorator() -> None:
    @tf.numpy_function(Tout=tf.float32)
    def doubled(x):
        return x * 2

    @tf.py_function(Tout=[tf.float32, tf.int32])
    def both(x, y):
        return x + y, tf.constant(3)

    assert doubled(np.float32(2)).numpy() == 4.0
    assert tf.function(lambda x: both(x, doubled(x)))(tf.constant(1.0))[0].numpy() == 3.0
    assert doubled.__name__ == "doubled"
    for call in (
        lambda: tf.numpy_function(lambda x: x),
        lambda: tf.py_function(lambda x: x, Tout=tf.float32),
        lambda: tf.py_function(None, [1.0], tf.float32),
    ):
        with pytest.raises(TypeError, match="argument"):
            call()
