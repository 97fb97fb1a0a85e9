"""Tests ``convert_variables_to_constants``: graphs without variables that compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.graph import protos
from tideflow._src.io.freezing import convert_variables_to_constants

W = np.array([[1, -2], [3, 0.5]], np.float32)
X = np.array([[1, 2], [-1, 0.5]], np.float32)


def test_variables_become_constants() -> None:
    class Session:
        """Gives each variable a value."""

        def run(self, fetches: list[str]) -> list[Any]:
            return [np.array([1, 2], np.float32) for _ in fetches]

    message = protos.get("GraphDef")()
    nodes: dict[str, list[str]] = {"v": [], "w": [], "read": ["v"], "o": ["read", "w"]}
    for (name, inputs), op in zip(nodes.items(), ("VariableV2", "VariableV2", "Identity", "AddV2"), strict=True):
        message.node.add(name=name, op=op, input=inputs)
    for node in message.node[:2]:
        node.attr["dtype"].type = 1
    found = convert_variables_to_constants(Session(), message, ["o"], variable_names_blacklist=["w"])
    assert [node.op for node in found.node] == ["Const", "VariableV2", "Identity", "AddV2"]
    assert found.node[0].attr["value"].tensor.tensor_content == np.array([1, 2], np.float32).tobytes()


def frozen(
    program: Callable[[Any, Any], Any], feeds: list[Any], initial: Any = W, **options: Any
) -> tuple[Any, list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """Returns the frozen graph of a program of ``x`` and a variable, and what it gives for feeds before and after."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.as_dtype(np.asarray(feeds[0]).dtype), np.shape(feeds[0]), name="x")
        v = tf.get_variable("v", initializer=tf.constant(initial), use_resource=True)
        tf.identity(program(x, v), name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            before = [session.run("y:0", {"x:0": feed}) for feed in feeds]
            message = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"], **options)
    again = tf.Graph()
    with again.as_default():
        tf.import_graph_def(message, name="")
        with tf.Session() as session:
            after = [session.run("y:0", {"x:0": feed}) for feed in feeds]
    return message, before, after


def operations(message: Any) -> set[str]:
    """The operations in a graph and in its functions."""
    nodes = [*message.node, *(node for function in message.library.function for node in function.node_def)]
    return {node.op for node in nodes}


def _nested(x: Any, v: Any) -> Any:
    def turn(i: Any, a: Any) -> Any:
        return i + 1, tf.cond(tf.reduce_sum(a) > 0.0, lambda: tf.matmul(a, v), lambda: a - v)

    return tf.while_loop(lambda i, a: (i < 3) & (tf.reduce_sum(v) > 0.0), turn, [0, x])[1]


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "read": lambda x, v: tf.matmul(x, v),
    "cond": lambda x, v: tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.matmul(x, v), lambda: x - v),
    "case": lambda x, v: tf.switch_case(tf.cast(x[0, 0], tf.int32), [lambda: x, lambda: x + v, lambda: v * 2.0]),
    "loop": lambda x, v: tf.while_loop(lambda a: tf.reduce_sum(a) < 50.0, lambda a: a + tf.abs(v), [x]),
    "nested": _nested,
}


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_functions_get_the_value_of_a_variable(name: str) -> None:
    message, before, after = frozen(PROGRAMS[name], [X, -X])
    assert not operations(message) & {"VarHandleOp", "ReadVariableOp"}
    assert not operations(message) & {"If", "Case", "While", "StatefulPartitionedCall"}
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    resource = tf.resource.as_datatype_enum
    for function in message.library.function:
        assert resource not in [item.type for item in (*function.signature.input_arg, *function.signature.output_arg)]
    names = [function.signature.name for function in message.library.function]
    assert len(names) == len(set(names)) == {"read": 0, "cond": 2, "case": 3, "loop": 2, "nested": 4}[name]


def test_other_ways_to_read() -> None:
    indices = np.array([[1], [0]], np.int32)

    def program(x: Any, v: Any) -> Any:
        def gathered() -> Any:
            rows = tf.gather(v, x), tf.gather_nd(v, x), tf.cast(tf.shape(v), tf.float32)
            return tf.concat([tf.reshape(item, [-1]) for item in rows], 0)

        return tf.stack([gathered(), tf.cond(tf.reduce_sum(x) > 0, gathered, lambda: tf.zeros([10]))])

    message, before, after = frozen(program, [indices])
    assert not operations(message) & {"VarHandleOp", "ReadVariableOp", "ResourceGather", "ResourceGatherNd"}
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(after[0][0], after[0][1])
    np.testing.assert_array_equal(after[0][0], [3, 0.5, 1, -2, 3, 0.5, 1, -2, 2, 2])


def test_shapes_of_loop_variables_are_those_of_values() -> None:
    message, _, _ = frozen(PROGRAMS["loop"], [X])
    (loop,) = [node for node in message.node if node.op in ("While", "StatelessWhile")]
    assert [item.dim[0].size if item.dim else None for item in loop.attr["output_shapes"].list.shape][2:] == [2, 2]
    assert list(loop.attr["T"].list.type) == [3, 3, 1, 1]


def test_some_variables_may_stay() -> None:
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [2, 2], name="x")
        v = tf.get_variable("v", initializer=tf.constant(W), use_resource=True)
        w = tf.get_variable("w", initializer=tf.constant(2.0), use_resource=True)
        tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.matmul(x, v) * w, lambda: x, name="y")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            message = tf.graph_util.convert_variables_to_constants(
                session, graph.as_graph_def(), ["y"], variable_names_blacklist=["w"]
            )
    assert [node.name for node in message.node if node.op == "VarHandleOp"] == ["w"]
    with tf.Graph().as_default():
        tf.import_graph_def(message, name="")
        with tf.Session() as session:
            session.run(
                tf.raw_ops.AssignVariableOp(resource=tf.get_default_graph().get_tensor_by_name("w:0"), value=3.0)
            )
            np.testing.assert_allclose(session.run("y:0", {"x:0": X}), X @ W * 3)


def test_what_changes_a_variable_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match=r"AssignAddVariableOp.*more than read"):
        frozen(lambda x, v: tf.cond(tf.reduce_sum(x) > 0.0, lambda: v.assign_add(x), lambda: v + x), [X])


def test_frozen_branches_and_loops_stay_functions_for_their_readers() -> None:
    message, _, _ = frozen(_nested, [X])
    nodes = [*message.node, *(node for function in message.library.function for node in function.node_def)]
    kept = [node for node in nodes if node.op in ("If", "StatelessIf", "While", "StatelessWhile")]
    assert len(kept) == 2
    assert not any("_lower_using_switch_merge" in node.attr for node in kept)
