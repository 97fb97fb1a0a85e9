"""Checks graphs: names, scopes, control dependencies, devices, collections and looking up, as TensorFlow 2.21."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import tideflow.v1 as tf


def names(operations) -> list[str]:
    return [operation.name for operation in operations]


# Names.


def test_names_are_made_unique_without_regard_to_case(graph) -> None:
    made = [tf.constant(0.0, name=name).op.name for name in ("a", "a", "A", "a_1", "a")]
    assert made == ["a", "a_1", "A_2", "a_1_1", "a_3"]


def test_operations_and_their_constants_are_named_after_what_they_are(graph) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.add(x, 1.0)
    _ = x * 2.0
    tf.reduce_sum(x)
    assert names(graph.get_operations()) == ["x", "Add/y", "Add", "mul/y", "mul", "Const", "Sum"]


def test_a_packed_shape_names_its_constants_by_position(graph) -> None:
    size = tf.placeholder(tf.int32, [], name="n")
    tf.random_uniform([size, 3], seed=1)
    assert names(graph.get_operations())[1:] == [
        "random_uniform/shape/1",
        "random_uniform/shape",
        "random_uniform/RandomUniform",
        *names(graph.get_operations())[4:],
    ]


def test_scopes_nest_are_unique_and_are_entered_again_with_a_slash(graph) -> None:
    with tf.name_scope("outer") as outer:
        first = tf.constant(0.0, name="c")
        with tf.name_scope("inner"):
            second = tf.constant(0.0, name="c")
    with tf.name_scope("outer"):
        third = tf.constant(0.0, name="c")
    with tf.name_scope(outer):
        fourth = tf.constant(0.0, name="c")
    with tf.name_scope("outer"), tf.name_scope(None):
        fifth = tf.constant(0.0, name="c")
    assert outer == "outer/"
    assert names([t.op for t in (first, second, third, fourth, fifth)]) == [
        "outer/c", "outer/inner/c", "outer_1/c", "outer/c_1", "c"
    ]  # fmt: skip


def test_a_name_with_a_slash_at_its_end_is_taken_as_it_is(graph) -> None:
    assert tf.identity(tf.constant(0.0), name="here/").op.name == "here"


@pytest.mark.parametrize("name", ["a b", "_a", "a$"])
def test_invalid_names_are_refused_and_leave_no_operation(graph, name) -> None:
    x = tf.constant(0.0)
    with pytest.raises(ValueError, match="not a valid"):
        tf.identity(x, name=name)
    with pytest.raises(ValueError, match="not a valid scope name"), tf.name_scope(name):
        pass
    assert names(graph.get_operations()) == ["Const"]


def test_an_inner_scope_may_start_with_an_underscore(graph) -> None:
    with tf.name_scope("s"), tf.name_scope("_inner") as scope:
        assert scope == "s/_inner/"


def test_a_failed_operation_takes_no_place_in_the_graph(graph) -> None:
    x = tf.ones([2, 3])
    before = graph.get_operations()
    with pytest.raises(ValueError, match=r"(?s)Dimensions must be equal, but are 3 and 4.*test_graph\.py"):
        tf.matmul(x, tf.ones([4, 5]))
    assert all(operation.type == "Const" for operation in graph.get_operations()[len(before) :])


# Control dependencies.


def test_operations_wait_unless_their_inputs_wait_already(graph) -> None:
    first = tf.constant([1.0, 2.0], name="first")
    x = tf.constant(1.0)
    with tf.control_dependencies([first]):
        uses_it = first + 1.0
        alone = tf.constant(3.0)
        follows = alone + 1.0
        other = x + x
        with tf.control_dependencies([other]):
            both = tf.constant(0.0)
        with tf.control_dependencies(None):
            free = tf.constant(0.0)
        after = tf.constant(0.0)
    waits = [names(t.op.control_inputs) for t in (uses_it, alone, follows, other, both, free, after)]
    assert waits == [[], ["first"], [], ["first"], ["first", other.op.name], [], ["first"]]
    assert first.op in alone.op.control_inputs
    assert alone.op in first.op.control_outputs


def test_control_inputs_must_be_elements_of_the_graph(graph) -> None:
    with pytest.raises(TypeError), tf.control_dependencies([3]):
        pass
    with tf.Graph().as_default():
        stranger = tf.constant(0.0)
    with pytest.raises(ValueError), tf.control_dependencies([stranger]):
        pass


def test_a_captured_tensor_does_not_make_up_for_a_control_dependency(graph, tier) -> None:
    variable = tf.Variable(1.0, use_resource=True)
    outside = tf.placeholder_with_default(3.0, [])

    def branch():
        with tf.control_dependencies([variable.assign(5.0)]):
            return tf.identity(outside)

    result = tf.cond(tf.placeholder_with_default(True, []), branch, lambda: 0.0)
    with tf.Session() as session:
        session.run(variable.initializer)
        assert session.run(result) == 3.0
        assert session.run(variable) == 5.0


# Devices.


def test_device_scopes_merge_from_the_outside_in(graph) -> None:
    with tf.device("/job:worker/task:1"):
        with tf.device("/cpu:0"):
            first = tf.constant(0.0)
        with tf.device(None):
            second = tf.constant(0.0)
        with tf.device(lambda op: "/gpu:3" if op.type == "Const" else ""):
            third = tf.constant(0.0)
        with tf.device("/job:ps"):
            fourth = tf.constant(0.0)
    assert [t.device for t in (first, second, third, fourth)] == [
        "/job:worker/task:1/device:CPU:0", "", "/job:worker/task:1/device:GPU:3", "/job:ps/task:1"
    ]  # fmt: skip


def test_a_malformed_device_is_refused(graph) -> None:
    with pytest.raises(ValueError, match="foo"), tf.device("/foo:0"):
        pass


def test_colocation_gives_the_group_and_the_device(graph) -> None:
    with tf.device("/cpu:0"):
        x = tf.placeholder(tf.float32, name="x")
    with tf.colocate_with(x):
        y = tf.constant(1.0)
    assert x.op.colocation_groups() == y.op.colocation_groups() == [b"loc:@x"]
    assert y.device == "/device:CPU:0"


# Collections and state.


def test_collections_keep_order_and_filter_by_name(graph) -> None:
    c = tf.constant(0.0, name="Const_a")
    for item in (c, 5):
        graph.add_to_collection("items", item)
    graph.get_collection("items").clear()  # a copy
    assert graph.get_collection("items") == [c, 5]
    assert graph.get_collection("items", "Const") == [c]
    graph.get_collection_ref("items").append(6)
    assert graph.get_collection("items")[-1] == 6
    graph.clear_collection("items")
    assert graph.get_collection("items") == []


def test_a_finalized_graph_refuses_changes(graph) -> None:
    graph.finalize()
    assert graph.finalized
    for change in (lambda: tf.constant(0.0), lambda: graph.add_to_collection("a", 1)):
        with pytest.raises(RuntimeError, match="Graph is finalized and cannot be modified"):
            change()


def test_the_default_graph_of_a_thread_is_its_own() -> None:
    seen = []
    with tf.Graph().as_default() as graph:
        thread = threading.Thread(target=lambda: seen.append(tf.get_default_graph()))
        thread.start()
        thread.join()
        assert tf.get_default_graph() is graph
    assert seen[0] is not graph


def test_reset_default_graph_is_refused_inside_a_graph(graph) -> None:
    with pytest.raises(AssertionError, match="nested graphs"):
        tf.reset_default_graph()


def test_a_graph_and_its_session_are_freed() -> None:
    graph = tf.Graph()
    with graph.as_default():
        y = tf.placeholder(tf.float32, []) * 2.0
    session = tf.Session(graph=graph)
    session.run(y, {y.op.inputs[0]: 1.0})
    reference = weakref.ref(graph)
    session.close()
    del graph, y, session
    tf.reset_default_graph()
    gc.collect()
    assert reference() is None


# Looking up.


def test_elements_are_found_by_name_and_object(graph) -> None:
    x = tf.placeholder(tf.float32, name="x")
    assert graph.as_graph_element("x:0") is graph.get_tensor_by_name("x:0") is x
    assert graph.as_graph_element("x") is graph.get_operation_by_name("x") is x.op
    assert graph.as_graph_element(x.op) is x.op


@pytest.mark.parametrize(
    ("look_up", "kind", "message"),
    [
        (lambda g: g.as_graph_element(3), TypeError, "Can not convert a int into a Tensor or Operation"),
        (lambda g: g.as_graph_element("x:0:1"), ValueError, "looks a like a Tensor name, but is not a valid one"),
        (lambda g: g.as_graph_element("x:a"), ValueError, "looks a like a Tensor name, but is not a valid one"),
        (lambda g: g.as_graph_element("x:5"), KeyError, "exists but only has 1 outputs"),
        (lambda g: g.as_graph_element("q:0"), KeyError, "does not exist in the graph"),
        (lambda g: g.as_graph_element("q"), KeyError, "refers to an Operation not in the graph"),
        (lambda g: g.get_tensor_by_name("x"), ValueError, "refers to an Operation, not a Tensor. Tensor names must be"),
        (lambda g: g.get_tensor_by_name("q"), ValueError, r"looks like an \(invalid\) Operation name, not a Tensor"),
        (lambda g: g.get_operation_by_name("x:0"), ValueError, "appears to refer to a Tensor, not a Operation"),
        (lambda g: g.get_operation_by_name(3), TypeError, "Operation names are strings"),
        (lambda g: g.as_graph_element("x", False, False), ValueError, "can't both be False"),
    ],
)
def test_what_is_not_there_is_an_error_of_tensorflows_class(graph, look_up, kind, message) -> None:
    tf.placeholder(tf.float32, name="x")
    with pytest.raises(kind, match=message):
        look_up(graph)


def test_attributes_and_the_users_line(graph) -> None:
    c = tf.constant([1.0, 2.0])
    assert c.op.get_attr("dtype") == tf.float32
    with pytest.raises(ValueError, match="has no attr named 'nope'"):
        c.op.get_attr("nope")
    assert "test_graph.py" in c.op.source_line
    assert c.op.traceback[-1].filename == __file__


def test_consumers_follow_the_graph(graph) -> None:
    x = tf.placeholder(tf.float32)
    first = x + 1.0
    assert x.consumers() == [first.op]
    second = x * x
    assert x.consumers() == [first.op, second.op]


def test_tensors_of_two_graphs_do_not_mix(graph) -> None:
    x = tf.placeholder(tf.float32)
    with tf.Graph().as_default():
        y = tf.constant(1.0)
    with pytest.raises(ValueError, match="must be from the same graph"):
        tf.add(x, y)


def test_a_device_function_is_asked_for_what_it_places():
    asked = []

    def place(op):
        asked.append(op.type)
        return "/cpu:0"

    with tf.Graph().as_default(), tf.device(place):
        variable = tf.get_variable("v", [2], use_resource=False)
        with tf.device(None):
            assert tf.constant(1.0).device == ""
    assert asked == ["VariableV2"] and variable.device == "/device:CPU:0"
