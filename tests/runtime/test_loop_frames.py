"""Graphs with TensorFlow 1.x control flow, written by TensorFlow, run as TensorFlow ran them."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import tideflow as tf

DATA = pathlib.Path(__file__).parents[1] / "function" / "data"
RECORDED = dict(np.load(DATA / "control_flow.npz", allow_pickle=False))
RUNS = sorted({tuple(key.split("/")[:2]) for key in RECORDED if not key.endswith("/init")})
v1 = tf.compat.v1


def imported(name):
    """Imports a recorded graph into the default graph."""
    definition = v1.GraphDef()
    definition.ParseFromString((DATA / f"{name}.pb").read_bytes())
    tf.graph_util.import_graph_def(definition, name="")


def values(name, run, kind):
    prefix = f"{name}/{run}/{kind}/"
    return {key[len(prefix) :]: value for key, value in RECORDED.items() if key.startswith(prefix)}


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_a_graph_gives_what_tensorflow_gave(name, run):
    with v1.Graph().as_default(), v1.Session() as session:
        imported(name)
        session.run(str(RECORDED[f"{name}/init"]))
        feeds, expected = values(name, run, "feed"), values(name, run, "fetch")
        found = session.run(list(expected), feeds)
        for tensor, value in zip(expected, found, strict=True):
            np.testing.assert_allclose(value, expected[tensor], rtol=2e-5, atol=1e-6, err_msg=tensor)


def switched(x, p):
    """Builds ``p ? 2x : x + 10`` of switches and a merge."""
    raw = tf.raw_ops
    no, yes = raw.Switch(data=x, pred=p)
    return raw.Merge(inputs=[no + 10.0, yes * 2.0])


def test_gradients_through_switches():
    with v1.Graph().as_default(), v1.Session() as session:
        x, p = v1.placeholder(tf.float32, [2]), v1.placeholder(tf.bool, [])
        y, index = switched(x, p)
        gradient = v1.gradients(y * y, x)[0]
        at = [1.0, 2.0]
        for choice, value, slope in ((True, [2, 4], [8, 16]), (False, [11, 12], [22, 24])):
            found = session.run([y, index, gradient], {x: at, p: choice})
            np.testing.assert_array_equal(found[0], value)
            assert found[1] == int(choice)
            np.testing.assert_array_equal(found[2], slope)


def test_gradients_through_an_imported_conditional():
    with v1.Graph().as_default(), v1.Session() as session:
        imported("nested_cond")
        graph = v1.get_default_graph()
        x = graph.get_tensor_by_name("x:0")
        y = graph.get_tensor_by_name(next(key for key in values("nested_cond", 0, "fetch") if "gradients" not in key))
        gradient = v1.gradients(y, x)[0]
        for at, slope in ((3.0, 27.0), (1.0, -1.0), (-1.0, np.cos(-1.0)), (-3.0, 0.0)):
            np.testing.assert_allclose(session.run(gradient, {x: at}), slope, rtol=1e-6)


def test_what_hangs_on_a_dead_output_does_not_run():
    ran = []
    with v1.Graph().as_default(), v1.Session() as session:
        p = v1.placeholder(tf.bool, [])
        no, yes = tf.raw_ops.Switch(data=tf.constant(1.0), pred=p)
        dead = v1.py_func(lambda value: ran.append(1) or value, [no], tf.float32)
        with v1.control_dependencies([dead]):
            after = tf.identity(tf.constant(5.0))
        merged = tf.raw_ops.Merge(inputs=[after, yes])[0]
        assert session.run(merged, {p: True}) == 1.0
        assert not ran
        assert session.run(merged, {p: False}) == 5.0
        assert ran
        with pytest.raises(tf.errors.InvalidArgumentError, match="Retval"):
            session.run(dead, {p: True})


def test_a_reference_goes_through_a_switch():
    with v1.Graph().as_default(), v1.Session() as session:
        p = v1.placeholder(tf.bool, [])
        v = v1.Variable(1.0, use_resource=False)
        no, yes = tf.raw_ops.RefSwitch(data=v._ref() if hasattr(v, "_ref") else v, pred=p)
        more, less = tf.raw_ops.AssignAdd(ref=no, value=1.0), tf.raw_ops.AssignSub(ref=yes, value=1.0)
        merged = tf.raw_ops.Merge(inputs=[more, less])[0]
        session.run(v.initializer)
        assert session.run(merged, {p: False}) == 2.0
        assert session.run(merged, {p: True}) == 1.0
        assert session.run(v) == 1.0


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_loop_of_raw_operations(parallel):
    raw = tf.raw_ops
    with v1.Graph().as_default() as graph, v1.Session() as session:
        n = v1.placeholder(tf.int32, [])
        options = {"frame_name": "loop", "parallel_iterations": parallel}
        first = raw.Enter(data=tf.constant(0), **options)
        limit = raw.Enter(data=n, is_constant=True, **options)
        counter = raw.Merge(inputs=[first, first])[0]
        go_on = raw.LoopCond(input=tf.less(counter, limit))
        leave, stay = raw.Switch(data=counter, pred=go_on)
        again = raw.NextIteration(data=stay + 1)
        merge = counter.op
        merge._inputs = (merge._inputs[0], again)  # the back edge, which an import would close
        graph.changed_in_place()
        end = raw.Exit(data=leave)
        assert session.run([end, end * 2], {n: 7}) == [7, 14]
        assert session.run(end, {n: -1}) == 0


@pytest.mark.parametrize("name", ["loop", "nested_loop", "loop_in_cond", "tensor_array", "dynamic_rnn"])
def test_gradients_that_a_graph_holds_are_the_same_after_new_ones(name):
    """Loops that TensorFlow has differentiated keep values on stacks for their gradients, and do so from then on."""
    with v1.Graph().as_default() as graph:
        imported(name)
        held = [key for key in values(name, "0", "fetch") if key.startswith("gradients")]
        others = [key for key in values(name, "0", "fetch") if not key.startswith("gradients")]
        ys = [graph.get_tensor_by_name(key) for key in others]
        xs = [graph.get_tensor_by_name(key) for key in values(name, "0", "feed") if key == "x:0"]
        new = v1.gradients([y for y in ys if y.dtype.is_floating], xs)
        assert new[0] is not None
        for run in [run for each, run in RUNS if each == name]:
            with v1.Session() as session:
                session.run(str(RECORDED[f"{name}/init"]))
                feeds, expected = values(name, run, "feed"), values(name, run, "fetch")
                found, _ = session.run([[*held, *others], new], feeds)
            for key, value in zip([*held, *others], found, strict=True):
                np.testing.assert_allclose(value, expected[key], rtol=2e-5, atol=1e-6, err_msg=key)


def test_outside_of_a_session_there_is_no_dataflow():
    with pytest.raises(tf.errors.InvalidArgumentError, match="in the graph of a session only"):
        tf.raw_ops.Merge(inputs=[tf.constant(1.0)])


def _counting_loop():
    """A loop that counts from ``start`` to ``limit``, written as TensorFlow 1.x writes one."""
    raw = tf.raw_ops
    start, limit = tf.constant(0, name="start"), tf.constant(5, name="limit")
    enter = raw.Enter(data=start, frame_name="frame", name="enter")
    bound = raw.Enter(data=limit, frame_name="frame", is_constant=True, name="bound")
    definition = v1.get_default_graph().as_graph_def()
    for name, kind, inputs in (
        ("merge", "Merge", ["enter", "next"]),
        ("less", "Less", ["merge", "bound"]),
        ("goes_on", "LoopCond", ["less"]),
        ("switch", "Switch", ["merge", "goes_on"]),
        ("body", "AddV2", ["switch:1", "one"]),
        ("next", "NextIteration", ["body"]),
        ("exit", "Exit", ["switch"]),
    ):
        node = definition.node.add(name=name, op=kind, input=inputs)
        if kind != "LoopCond":
            node.attr["T"].type = 3
        if kind == "Merge":
            node.attr["N"].i = 2
    del enter, bound
    one = definition.node.add(name="one", op="Const", input=["^switch"])
    one.attr["dtype"].type = 3
    one.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1))
    return definition


@pytest.fixture
def counting_loop():
    with v1.Graph().as_default():
        definition = _counting_loop()
    with v1.Graph().as_default(), v1.Session() as session:
        tf.graph_util.import_graph_def(definition, name="")
        yield session


@pytest.mark.parametrize(("feeds", "expected"), [({}, 5), ({"limit:0": 3}, 3), ({"start:0": 4}, 5), ({"exit:0": 7}, 7)])
def test_feeds_outside_of_a_loop(counting_loop, feeds, expected):
    assert counting_loop.run("exit:0", feeds) == expected


@pytest.mark.parametrize("name", ["merge:0", "bound:0", "goes_on:0", "switch:0", "body:0", "next:0", "less:0"])
def test_a_value_within_a_loop_cannot_be_fed(counting_loop, name):
    value = True if name in ("goes_on:0", "less:0") else 3
    with pytest.raises(tf.errors.InvalidArgumentError):
        counting_loop.run("exit:0", {name: value})


@pytest.mark.parametrize("is_fed", [False, True])
def test_an_exit_outside_of_a_loop(is_fed):
    with v1.Graph().as_default(), v1.Session() as session:
        value = v1.placeholder(tf.float32, []) if is_fed else tf.constant(1.0)
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot find a corresponding Enter op"):
            session.run(tf.raw_ops.Exit(data=value), {value: 1.0} if is_fed else None)
