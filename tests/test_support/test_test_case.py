"""Checks ``tf.test``: each assertion is shown something wrong."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

import tideflow as tf

v1 = tf.compat.v1


class _Case(tf.test.TestCase):
    def runTest(self) -> None:
        pass


@pytest.fixture
def case():
    instance = _Case()
    instance.setUp()
    yield instance
    instance.tearDown()


WRONG = {
    "near": lambda c: c.assertNear(1.0, 1.1, 0.01),
    "array near": lambda c: c.assertArrayNear([1.0, 2.0], [1.0, 2.5], 0.1),
    "norm": lambda c: c.assertNDArrayNear(np.ones(2), np.zeros(2), 0.1),
    "close": lambda c: c.assertAllClose([1.0, 2.0], [1.0, 3.0]),
    "close shape": lambda c: c.assertAllClose([1.0, 2.0], [1.0, 2.0, 3.0]),
    "close keys": lambda c: c.assertAllClose({"a": 1.0}, {"b": 1.0}),
    "close ragged": lambda c: c.assertAllClose([[1.0], [2.0, 3.0]], [[1.0], [2.0, 4.0]]),
    "close by type": lambda c: c.assertAllCloseAccordingToType(np.float16([1.0]), np.float16([1.005])),
    "not close": lambda c: c.assertNotAllClose([1.0], [1.0]),
    "equal": lambda c: c.assertAllEqual(tf.constant([1, 2]), [1, 3]),
    "equal strings": lambda c: c.assertAllEqual(tf.constant(["a"]), ["b"]),
    "not equal": lambda c: c.assertNotAllEqual([1], [1]),
    "greater": lambda c: c.assertAllGreater([1.0, 2.0], 1.0),
    "less": lambda c: c.assertAllLess([1.0, 2.0], 2.0),
    "at least": lambda c: c.assertAllGreaterEqual([1.0, 2.0], 1.5),
    "at most": lambda c: c.assertAllLessEqual([1.0, 2.0], 1.5),
    "range": lambda c: c.assertAllInRange([1.0, 2.0], 1.0, 2.0, open_upper_bound=True),
    "set": lambda c: c.assertAllInSet([1, 2, 5], [1, 2]),
    "shape": lambda c: c.assertShapeEqual(np.zeros((2, 3)), tf.zeros([3, 2])),
    "dtype": lambda c: c.assertDTypeEqual(tf.zeros([1]), np.float64),
    "start": lambda c: c.assertStartsWith("abc", "b"),
    "device": lambda c: c.assertDeviceEqual("/cpu:0", "/gpu:0"),
    "dict": lambda c: c.assertDictEqual({"a": [1, 2]}, {"a": [1, 3]}),
    "subset": lambda c: c.assertDictContainsSubset({"a": 1}, {"a": 2}),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_assertion_fails_on_something_wrong(case, name: str) -> None:
    with pytest.raises(AssertionError):
        WRONG[name](case)


def test_assertions_hold_on_something_right(case) -> None:
    nan = float("nan")
    case.assertAllClose({"a": [1.0, (2.0, nan)]}, {"a": [1.0 + 1e-9, (2.0, nan)]})
    case.assertAllClose(tf.constant([1.0]), np.array([1.0]))
    case.assertAllEqual(tf.constant(["a", "b"]), ["a", "b"])
    case.assertAllEqual([nan], [nan])
    case.assertAllInRange([1, 2], 1, 2)
    case.assertAllInSet([1, 1], (1, 2))
    case.assertDictContainsSubset({"a": np.ones(2)}, {"a": np.ones(2), "b": 3})


def test_seeds_are_the_same_in_every_test(case) -> None:
    first = random.random(), np.random.rand(), float(tf.random.uniform([]))
    case.setUp()
    assert first == (random.random(), np.random.rand(), float(tf.random.uniform([])))
    assert first == (0.3499765785632496, 0.18463433217903202, pytest.approx(0.5836375))


def test_sessions(case) -> None:
    with case.session() as session, pytest.raises(AttributeError, match="eager execution"):
        session.run([])
    with tf.Graph().as_default():
        x = tf.constant(1.0) * 2.0
        with case.session() as session:
            assert session.run(x) == 2.0
            assert case.evaluate({"x": x}) == {"x": 2.0}
        with case.cached_session() as first, case.cached_session() as second, case.test_session() as third:
            assert first is second is third
        with pytest.raises(ValueError, match="graph"), case.cached_session(graph=tf.Graph()):
            pass
        assert case.evaluate(x) == 2.0
        case.assertAllEqual(x, 2.0)


def test_evaluating_eagerly(case) -> None:
    found = case.evaluate({"a": tf.constant(1), "b": [tf.Variable([1.0])], "c": None})
    assert found["a"] == 1 and found["b"][0].tolist() == [1.0] and found["c"] is None
    with pytest.raises(ValueError, match="int"):
        case.evaluate(3)


def test_errors_that_are_expected(case) -> None:
    with case.assertRaisesOpError("two"):
        raise tf.errors.InvalidArgumentError(None, None, "one two")
    with case.assertRaisesWithPredicateMatch(ValueError, lambda error: "x" in str(error)):
        raise ValueError("x")
    with pytest.raises(AssertionError), case.assertRaisesOpError("three"):
        raise tf.errors.InvalidArgumentError(None, None, "one two")
    with pytest.raises(AssertionError), case.assertRaisesWithPredicateMatch(ValueError, "x"):
        pass
    with case.assertRaisesIncompatibleShapesError():
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])


def test_threads_and_captured_output(case) -> None:
    thread = case.checkedThread(target=lambda: 1 / 0)
    thread.start()
    with pytest.raises(AssertionError, match="division"):
        thread.join()
    with case.captureWritesToStream(sys.__stderr__) as captured:
        print("hello", file=sys.__stderr__)
    assert captured.contents() == "hello\n"


def test_messages_and_graphs(case) -> None:
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(1.0, name="c")
        tf.no_op(name="n")
    definition = graph.as_graph_def()
    case.assertProtoEquals(definition, definition)
    small = v1.GraphDef()
    small.node.add(name="x")
    case.assertProtoEquals("node { name: 'x' }", small)
    with pytest.raises(AssertionError):
        case.assertProtoEquals("node { name: 'y' }", small)
    other = v1.GraphDef()
    other.CopyFrom(definition)
    del other.node[:]
    other.node.extend(reversed(definition.node))
    tf.test.assert_equal_graph_def(definition, other)
    other.node[0].device = "/cpu:0"
    with pytest.raises(AssertionError, match="device"):
        tf.test.assert_equal_graph_def(definition, other)
    with pytest.raises(AssertionError, match="unexpected node"):
        v1.test.assert_equal_graph_def(definition, v1.GraphDef())
    with pytest.raises(TypeError, match="GraphDef"):
        tf.test.assert_equal_graph_def(definition, graph)


def test_the_machine() -> None:
    assert tf.test.is_built_with_xla()
    assert tf.test.is_gpu_available() == bool(tf.config.list_physical_devices("GPU"))
    assert bool(tf.test.gpu_device_name()) == tf.test.is_gpu_available()
    tf.test.experimental.sync_devices()
    with pytest.raises(AssertionError, match="Unknown"):
        tf.test.is_cpu_target_available("abacus")


def test_stubs_are_taken_away_again() -> None:
    class Thing:
        value = 1

    with v1.test.StubOutForTesting() as stubs:
        stubs.Set(Thing, "value", 2)
        stubs.SmartSet(Thing, "value", 3)
        assert Thing.value == 3
    assert Thing.value == 1


def test_a_benchmark_reports(capsys: pytest.CaptureFixture[str]) -> None:
    class Small(tf.test.Benchmark):
        def benchmarkSmall(self) -> None:
            with tf.Graph().as_default(), v1.Session(config=tf.test.benchmark_config()) as session:
                found = self.run_op_benchmark(session, tf.constant(1.0) * 2.0, min_iters=3)
                assert found["iters"] == 3

    Small().benchmarkSmall()
    assert "Small.benchmarkSmall" in capsys.readouterr().out
