"""Tests the attributes that TensorFlow's readers look for on calls, branches and loops."""

from __future__ import annotations

from typing import Any

import tideflow.v1 as tf
from tideflow._src.core import dtypes
from tideflow._src.function.func_graph import FuncGraph
from tideflow._src.graph import reader_attributes
from tideflow._src.graph.op_def import OpDef


def attributes(graph: Any, name: str) -> Any:
    (node,) = [node for node in graph.as_graph_def().node if node.name == name]
    return node.attr


def test_branches_say_which_variables_they_only_read(graph: Any) -> None:
    p = tf.placeholder(tf.bool, [], name="p")
    v = tf.get_variable("v", initializer=tf.constant(1.0), use_resource=True)
    w = tf.get_variable("w", initializer=tf.constant(1.0), use_resource=True)

    def inner() -> Any:
        return tf.cond(p, lambda: v * 2.0, lambda: w.assign_add(v))

    tf.cond(p, lambda: v + w, inner, name="cond")
    tf.cond(p, lambda: v + w, lambda: tf.cond(p, lambda: v * w, lambda: w), name="reads")
    found = attributes(graph, "cond")
    inputs = list(graph.get_operation_by_name("cond").node_def.input)
    assert [inputs[index] for index in found["_read_only_resource_inputs"].list.i] == ["v"]
    assert found["_lower_using_switch_merge"].b
    assert "_num_original_outputs" not in found
    read = attributes(graph, "reads")["_read_only_resource_inputs"].list.i
    inputs = list(graph.get_operation_by_name("reads").node_def.input)
    assert sorted(inputs[index] for index in read) == ["v", "w"]


def test_loops_say_how_many_outputs_they_had(graph: Any) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    v = tf.get_variable("v", initializer=tf.constant(1.0), use_resource=True)
    tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * v), [0, x], name="while")
    found = attributes(graph, "while")
    assert found["_num_original_outputs"].i == len(graph.get_operation_by_name("while").outputs) == 5
    assert found["_lower_using_switch_merge"].b
    assert list(found["_read_only_resource_inputs"].list.i) == [4]
    assert attributes(graph, "x").keys() == {"dtype", "shape"}


def test_what_was_read_is_written_again(graph: Any) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 2.0), [0, x], name="while")
    message = graph.as_graph_def()
    (node,) = [node for node in message.node if node.name == "while"]
    node.attr["_num_original_outputs"].i = 3
    node.attr["_lower_using_switch_merge"].b = False
    again = tf.Graph()
    with again.as_default():
        tf.import_graph_def(message, name="")
    assert again.as_graph_def() == message


def test_a_function_that_calls_itself(graph: Any) -> None:
    function = FuncGraph("Calls", graph)
    registry: Any = OpDef.registry
    with function.as_default():
        handle = function.add_parameter(dtypes.resource, (), "v")
        registry["PartitionedCall"]([handle], Tout=[], f=function)
        read = registry["ReadVariableOp"](handle, dtype=dtypes.float32)
        function.outputs = [read]
    call = function.get_operations()[1]
    assert reader_attributes.read_only_inputs(call) == [0]
    with function.as_default():
        registry["AssignVariableOp"](handle, read)
    assert reader_attributes.read_only_inputs(call) == []
