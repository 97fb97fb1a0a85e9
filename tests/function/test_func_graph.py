"""Checks graphs of functions: captures, outputs and what XLA can take."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.function.func_graph import FuncGraph, build


def test_what_comes_from_outside_is_captured_once(graph) -> None:
    x, y = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32, [2])
    function, result = build("f", lambda a: a * x + x * y, [(tf.float32, (2,), "a")])
    assert [id(outer) for outer in function.external_captures] == [id(x), id(y)]
    assert len(function.inputs) == 3
    assert result.op.graph is function
    assert function.run([np.float32([1, 2])] * 3)[0].tolist() == [2.0, 8.0]


def test_constants_are_captured_with_what_is_known_of_them_and_so_are_eager_tensors() -> None:
    eager = tf2.constant([1.0, 2.0])
    function, _ = build("f", lambda: eager * 2.0, ())
    assert [id(outer) for outer in function.external_captures] == [id(eager)]
    with tf.Graph().as_default():
        scalar = tf.constant(3.0)
        function, _ = build("f", lambda: scalar + 1.0, ())
        assert [id(outer) for outer in function.external_captures] == [id(scalar)]
        assert float(tf2.get_static_value(function.inputs[0])) == 3.0
        assert float(function.run([np.float32(5.0)])[0]) == 6.0


def test_a_tensor_of_an_unrelated_function_is_out_of_scope(graph) -> None:
    _, stranger = build("f", lambda a: a * 2.0, [(tf.float32, (), "a")])
    with pytest.raises(TypeError, match="out of scope"):
        build("g", lambda: stranger + 1.0, ())


def test_functions_nest(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    inner_captures = []

    def outer():
        inner, _ = build("inner", lambda: x * 2.0, ())
        inner_captures.extend(inner.external_captures)
        return x * 1.0

    function, _ = build("outer", outer, ())
    assert inner_captures[0] is x
    assert [id(item) for item in function.external_captures] == [id(x)]


def test_operations_are_kept_as_control_outputs_and_none_stays_none(graph) -> None:
    function, structure = build("f", lambda: {"a": tf.no_op(), "b": None, "c": 1.0}, ())
    assert [op.type for op in function.control_outputs] == ["NoOp"]
    assert (structure["a"], structure["b"]) == (None, None)
    assert len(function.outputs) == 1


def test_what_can_be_compiled(graph) -> None:
    pure, _ = build("f", lambda a: tf.sin(a), [(tf.float32, (2,), "a")])
    assert pure.compilable()
    assert not pure.is_stateful()
    drawn, _ = build("g", lambda: tf.random_uniform([2]), ())
    assert drawn.is_stateful()
    assert drawn.compilable()
    host, _ = build("h", lambda a: tf.py_func(np.sin, [a], tf.float32), [(tf.float32, (2,), "a")])
    assert not host.compilable()


def test_sessions_keep_their_own_programs(graph, tier) -> None:
    variable = tf.Variable(1.0)
    y = tf.cond(tf.placeholder_with_default(True, []), lambda: variable * 2.0, lambda: 0.0)
    results = []
    for value in (3.0, 4.0):
        with tf.Session() as session:
            session.run(variable.initializer)
            session.run(variable.assign(value))
            results.append(session.run(y))
    assert results == [6.0, 8.0]
    assert isinstance(y.op.inputs[0].op.attrs["then_branch"], FuncGraph)


def test_what_is_a_value_already_is_not_waited_for() -> None:
    for value in (tf2.constant(1), 3, object()):
        with FuncGraph("f").as_default(), tf2.control_dependencies([value]):
            assert tf2.identity(2.0).op.control_inputs == []
        with tf.Graph().as_default(), pytest.raises(TypeError, match="Control input must be"):
            tf2.control_dependencies([value]).__enter__()
    with FuncGraph("f").as_default(), pytest.raises(TypeError, match="Control input must be"):
        tf2.control_dependencies([None]).__enter__()
