"""Gradients through loops made of frames, as graphs of TensorFlow 1.x have them, against TensorFlow's."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import tideflow as tf

RECORDED = dict(np.load(pathlib.Path(__file__).parent / "data" / "loop_gradients.npz", allow_pickle=False))
LOOPS = sorted({key.split("/")[0] for key in RECORDED})
v1 = tf.compat.v1
raw = tf.raw_ops


def imported(name):
    """Imports a recorded loop into the default graph; returns its result and the tensors to differentiate by."""
    definition = v1.GraphDef()
    definition.ParseFromString(RECORDED[f"{name}/graph"].tobytes())
    tf.graph_util.import_graph_def(definition, name="")
    graph = v1.get_default_graph()
    xs = [graph.get_tensor_by_name(str(x)) for x in RECORDED[f"{name}/xs"]]
    return graph.get_tensor_by_name(str(RECORDED[f"{name}/y"])), xs


def runs(name):
    """Yields the feeds and the expected values of each run."""
    number = 0
    while f"{name}/{number}/y" in RECORDED:
        prefix = f"{name}/{number}/"
        feeds = {key[len(prefix) + 5 :]: RECORDED[key] for key in RECORDED if key.startswith(f"{prefix}feed/")}
        yield (
            feeds,
            {
                kind: [RECORDED[f"{prefix}{kind}/{place}"] for place in range(RECORDED[f"{name}/xs"].size)]
                for kind in ("gradient", "square")
            }
            | {"y": RECORDED[f"{prefix}y"]},
        )
        number += 1


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("tier", ["host", "xla"])
def test_gradients_are_those_of_tensorflow(name, tier, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", tier)
    with v1.Graph().as_default() as graph:
        y, xs = imported(name)
        gradients, squares = v1.gradients(y, xs), v1.gradients(y * y, xs)
        tested = 0
        for feeds, expected in runs(name):
            with v1.Session() as session:
                session.run(graph.get_operation_by_name(str(RECORDED[f"{name}/init"])))
                found = session.run([y, gradients, squares], feeds)
            np.testing.assert_allclose(found[0], expected["y"], rtol=1e-12)
            for kind, values in zip(("gradient", "square"), found[1:], strict=True):
                for place, value in enumerate(values):
                    np.testing.assert_allclose(value, expected[kind][place], rtol=1e-9, atol=1e-12)
            tested += 1
        assert tested


def test_what_was_fetched_before_is_the_same_after():
    """The loop that runs from then on is another one; what it gives is not."""
    with v1.Graph().as_default() as graph, v1.Session() as session:
        y, xs = imported("conds")
        feeds, expected = list(runs("conds"))[-1]
        before = session.run(y, feeds)
        v1.gradients(y, xs)
        assert y.op.graph is graph
        np.testing.assert_array_equal(session.run(y, feeds), before)
        again = graph.as_graph_def()
    with v1.Graph().as_default(), v1.Session() as session:
        tf.graph_util.import_graph_def(again, name="")
        np.testing.assert_allclose(session.run(y.name, feeds), expected["y"], rtol=1e-12)


def test_second_derivatives():
    with v1.Graph().as_default(), v1.Session() as session:
        y, xs = imported("nested")
        first = v1.gradients(y, xs[0])[0]
        second = v1.gradients(first, xs[0])[0]
        feeds = {"x:0": 0.3, "n:0": 4}
        step = 1e-5
        above, below = (session.run(first, {**feeds, "x:0": 0.3 + sign * step}) for sign in (1, -1))
        np.testing.assert_allclose(session.run(second, feeds), (above - below) / (2 * step), rtol=1e-7)


def test_a_tape_goes_through_a_function_that_holds_a_frame():
    definition = v1.GraphDef()
    definition.ParseFromString(RECORDED["nested/graph"].tobytes())
    result = str(RECORDED["nested/y"])

    @tf.function
    def function(x, n):
        return tf.graph_util.import_graph_def(definition, {"x:0": x, "n:0": n}, [result], name="")[0]

    for feeds, expected in runs("nested"):
        x = tf.constant(feeds["x:0"])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x, tf.constant(feeds["n:0"]))
        np.testing.assert_allclose(tape.gradient(y, x), expected["gradient"][0], rtol=1e-9)
        np.testing.assert_allclose(y, expected["y"], rtol=1e-12)


def loop(start, limit, step, constants=()):
    """Builds a loop of raw operations: ``value`` goes on as ``step(value)`` while it is below ``limit``."""
    first = raw.Enter(data=start, frame_name="loop")
    fixed = [raw.Enter(data=item, frame_name="loop", is_constant=True) for item in constants]
    value = raw.Merge(inputs=[first, first])[0]
    go_on = raw.LoopCond(input=value < limit)
    leave, stay = raw.Switch(data=value, pred=go_on)
    merge = value.op
    merge._inputs = (merge._inputs[0], raw.NextIteration(data=step(stay, *fixed)))
    merge.graph.changed_in_place()
    return raw.Exit(data=leave)


def test_what_reaches_a_loop_on_the_way_round():
    """A value that only the body uses leads to the result by the edge that goes back."""
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])
        y = loop(tf.constant(1.0), 9.0, lambda value, factor: value * factor, [x])
        gradient = v1.gradients(y, x)[0]
        assert session.run([y, gradient], {x: 3.0}) == [9.0, 6.0]


def test_random_numbers_are_drawn_once():
    """The gradient belongs to the numbers that the result was made of."""
    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])

        def step(value, factor):
            with v1.control_dependencies([value.op]):
                return value * factor * v1.random_uniform([], 1.5, 3.0, seed=1)

        y = loop(x, 20.0, step, [tf.constant(1.0)])
        gradient = v1.gradients(y, x)[0]
        values = set()
        for _ in range(3):
            found, slope = session.run([y, gradient], {x: 2.0})
            np.testing.assert_allclose(slope, found / 2.0, rtol=1e-6)
            values.add(float(found))
        assert len(values) == 3


def test_control_flow_of_no_program_has_no_gradient():
    """A merge that joins values of no conditional stays what it is, and says so."""
    with v1.Graph().as_default():
        x = v1.placeholder(tf.float32, [])

        def step(value):
            no, yes = raw.Switch(data=value, pred=value > 2.0)
            other, _ = raw.Switch(data=value, pred=value > 3.0)
            return raw.Merge(inputs=[no * other, yes])[0] * 2.0

        y = loop(x, 20.0, step)
        with pytest.raises(LookupError, match="gradients of loops made of Enter"):
            v1.gradients(y, x)
