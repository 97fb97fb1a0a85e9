"""Frozen functions: constants in the place of variables, and no calls."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow as tf
import tideflow.v1
from tideflow._src.graph import protos
from tideflow._src.io.frozen_functions import (
    convert_var_to_const_function_in_v1,
    convert_variables_to_constants_from_session_graph,
    convert_variables_to_constants_v2,
    convert_variables_to_constants_v2_as_graph,
)
from tideflow._src.io.inlining import inline_calls

X = np.array([[1.0, 2.0]], np.float32)
SPEC = tf.TensorSpec([None, 2], tf.float32, name="x")


def _nodes(message):
    return [*message.node, *(node for function in message.library.function for node in function.node_def)]


def test_a_frozen_function_is_called_and_written(tmp_path):
    w = tf.Variable([[1.0], [2.0]])
    inner = tf.function(lambda x: x @ w)
    concrete = tf.function(lambda x: {"y": inner(x) + 1.0}).get_concrete_function(SPEC)
    frozen = convert_variables_to_constants_v2(concrete)
    w.assign([[0.0], [0.0]])
    assert isinstance(frozen(tf.constant(X)), list)
    np.testing.assert_array_equal(frozen(x=tf.constant(X))[0], [[6.0]])
    assert [each.name for each in frozen.inputs] == ["x:0"] and frozen.variables == ()
    tf.io.write_graph(frozen.graph, tmp_path, "frozen.pb", as_text=False)
    message = protos.get("GraphDef").FromString((tmp_path / "frozen.pb").read_bytes())
    assert not {"StatefulPartitionedCall", "PartitionedCall", "ReadVariableOp"} & {node.op for node in _nodes(message)}
    assert not message.library.function


def test_functions_in_loops_and_branches_are_inlined_there():
    w = tf.Variable([[1.0, 0.5], [2.0, -1.0]])
    step = tf.function(lambda x: x @ w)

    def body(i, x):
        return i + 1, tf.cond(tf.reduce_sum(x) > 100.0, lambda: step(x), lambda: step(step(x)))

    concrete = tf.function(lambda x: tf.while_loop(lambda i, x: i < 3, body, [0, x])).get_concrete_function(SPEC)
    frozen, message = convert_variables_to_constants_v2_as_graph(concrete)
    np.testing.assert_array_equal(frozen(tf.constant(X))[1], concrete(tf.constant(X))[1])
    operations = {node.op for node in _nodes(message)}
    assert "StatelessWhile" in operations and "StatelessIf" in operations
    assert not {"StatefulPartitionedCall", "PartitionedCall", "ReadVariableOp"} & operations


def test_captured_tables_stay_inputs():
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [7]), -1)
    scale = tf.Variable(2)
    concrete = tf.function(lambda x: table.lookup(x) * scale).get_concrete_function(tf.TensorSpec([None], tf.string))
    frozen = convert_variables_to_constants_v2(concrete)
    assert [each.dtype for each in frozen.inputs].count(tf.resource) == 1 and len(frozen.inputs) == 2


def test_what_writes_a_variable_is_not_frozen():
    w = tf.Variable(1.0)
    concrete = tf.function(lambda x: w.assign_add(x) + 0.0).get_concrete_function(tf.TensorSpec([], tf.float32))
    with pytest.raises(ValueError, match="does more than read the variable"):
        convert_variables_to_constants_v2(concrete)


def test_variables_that_only_the_function_has_are_frozen():
    def make():
        w = tf.Variable([[3.0], [4.0]])
        return tf.function(lambda x: x @ w).get_concrete_function(SPEC)

    np.testing.assert_array_equal(convert_variables_to_constants_v2(make())(tf.constant(X))[0], [[11.0]])


def test_functions_are_frozen_in_sessions():
    v1 = tideflow.v1
    with tf.Graph().as_default():
        w = v1.get_variable("w", initializer=[[1.0], [5.0]], use_resource=True)
        concrete = tf.function(lambda x: x @ w).get_concrete_function(SPEC)
        with pytest.raises(RuntimeError, match="must be carried out in a Session context"):
            convert_var_to_const_function_in_v1(concrete)
        with v1.Session() as session:
            session.run(w.initializer)
            frozen = convert_var_to_const_function_in_v1(concrete)
            np.testing.assert_array_equal(session.run(frozen(tf.constant(X))[0]), [[11.0]])


def test_variables_that_only_functions_read_are_frozen():
    v1 = tideflow.v1
    with tf.Graph().as_default() as graph:
        w = v1.get_variable("w", initializer=[[1.0], [5.0]], use_resource=True)
        tf.identity(tf.function(lambda x: x @ w)(tf.constant(X)), name="y")
        message = graph.as_graph_def()
        del message.node[[node.name for node in message.node].index("w/Read/ReadVariableOp")]
        with tf.Graph().as_default() as copy, v1.Session(graph=copy) as other:
            tf.graph_util.import_graph_def(message, name="")
            with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value w"):
                convert_variables_to_constants_from_session_graph(other, message, ["y"])
            other.run("w/Assign")
            frozen = convert_variables_to_constants_from_session_graph(other, message, ["y"])
        with tf.Graph().as_default() as last:
            tf.graph_util.import_graph_def(frozen, name="")
        np.testing.assert_array_equal(v1.Session(graph=last).run("y:0"), [[11.0]])


def test_inlined_effects_keep_their_order():
    w = tf.Variable(1.0)
    double = tf.function(lambda: w.assign(w * 2.0) + 0.0)
    add = tf.function(lambda x: w.assign_add(x) + 0.0)

    def both(x):
        first = double()
        second = add(x)
        double()
        return first, second, w.read_value()

    concrete = tf.function(both).get_concrete_function(tf.TensorSpec([], tf.float32, name="x"))
    kept = [each.op.name for each in (*concrete.inputs, *concrete.outputs)]
    message = inline_calls(concrete.graph.as_graph_def(), kept)
    assert not any("PartitionedCall" in node.op for node in message.node)
    handle = next(inner.op.name for outer, inner in concrete.graph.captures)
    with tf.Graph().as_default() as graph:
        variable = tideflow.v1.get_variable("other", initializer=1.0, use_resource=True)
        names = [each.name for each in concrete.outputs]
        found = tf.graph_util.import_graph_def(message, {handle: variable.handle}, names, name="in")
        with tideflow.v1.Session(graph=graph) as session:
            session.run(variable.initializer)
            assert session.run(found, {"in/x:0": 3.0}) == [2.0, 5.0, 10.0]


def test_functions_that_call_themselves_stay():
    message = protos.get("GraphDef")()
    function = message.library.function.add()
    function.signature.name = "again"
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    function.node_def.add(name="call", op="again", input=["x"])
    function.ret["y"] = "call:y:0"
    message.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    message.node.add(name="first", op="again", input=["x"])
    found = inline_calls(message, ["first"])
    assert [(node.name, node.op) for node in found.node] == [
        ("x", "Placeholder"),
        ("first/call", "again"),
        ("first", "Identity"),
    ]


@pytest.mark.parametrize("attribute", ["_noinline", "_XlaMustCompile"])
def test_functions_that_ask_for_it_stay(attribute):
    function = tf.function(lambda x: x + 1.0)
    concrete = tf.function(lambda x: function(x)).get_concrete_function(tf.TensorSpec([], tf.float32))
    message = concrete.graph.as_graph_def()
    for each in message.library.function:
        each.attr[attribute].b = True
    assert any("PartitionedCall" in node.op for node in inline_calls(message).node)
    for each in message.library.function:
        del each.attr[attribute]
    assert not any("PartitionedCall" in node.op for node in inline_calls(message).node)
