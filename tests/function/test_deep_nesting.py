"""Functions in functions, hundreds of levels deep, need no more of the user's recursion limit than the user's calls."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

import tideflow as tf
from tideflow._src.core import nesting
from tideflow.compat import v1


@pytest.fixture(autouse=True)
def limit():
    """Leaves little of the stack to this program."""
    saved = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    yield
    left, _ = sys.getrecursionlimit(), sys.setrecursionlimit(saved)
    assert left == 400  # it is the user's, whatever happened


@pytest.fixture(params=["host", "xla"])
def tier(request, monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", request.param)


def _functions(count: int):
    functions = [tf.function(lambda x: x * 2.0)]
    for inner in range(count - 1):
        functions.append(tf.function(lambda x, inner=functions[inner]: inner(x) + 1.0))
    return functions[-1]


@pytest.mark.filterwarnings("ignore:.*retracing")
def test_traced_functions(tier):
    x = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        result = _functions(500)(x)
    assert result.numpy() == 501.0
    assert tape.gradient(result, x).numpy() == 2.0


def test_more_levels_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(nesting, "MOST_LEVELS", 300)  # endless recursion, below, reaches the real limit
    function = _functions(302)
    with pytest.raises(RecursionError, match="levels deep"):
        function(tf.constant(1.0))


def _library(count: int):
    graph_def = v1.GraphDef()
    graph_def.versions.producer = 1000

    def call(nodes, name, argument, function):
        node = nodes.add(name=name, op="PartitionedCall", input=[argument])
        node.attr["Tin"].list.type.append(1)
        node.attr["Tout"].list.type.append(1)
        node.attr["f"].func.name = function

    for level in range(count):
        function = graph_def.library.function.add()
        function.signature.name = f"f{level}"
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        function.ret["y"] = "end:y:0"
        if level:
            call(function.node_def, "call", "x", f"f{level - 1}")
        node = function.node_def.add(name="end", op="Neg", input=["call:output:0" if level else "x"])
        node.attr["T"].type = 1
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    call(graph_def.node, "y", "x", f"f{count - 1}")
    return graph_def


@pytest.mark.parametrize(("count", "differentiated"), [(500, False), (150, True)])
def test_functions_of_an_imported_graph(tier, count, differentiated):
    with tf.Graph().as_default(), v1.Session() as session:
        x, y = tf.graph_util.import_graph_def(_library(count), name="", return_elements=["x:0", "y:0"])
        fetches = [y, *(tf.gradients(y, x) if differentiated else [])]
        assert session.run(fetches, {x: 3.0}) == [3.0, 1.0][: len(fetches)]


def test_an_imported_graph_with_more_levels_than_there_is_room_for():
    with tf.Graph().as_default(), pytest.raises(ValueError, match="nested too deeply") as caught:
        tf.graph_util.import_graph_def(_library(nesting.MOST_LEVELS + 2))
    assert len(str(caught.value)) < 1000


def _nest(pred, x, levels):
    if not levels:
        return x * 2.0
    return tf.cond(pred, lambda: _nest(pred, x + 1.0, levels - 1), lambda: x)


@pytest.mark.parametrize("levels", [60, 150])
def test_branches(tier, levels):
    sys.setrecursionlimit(400 + 4 * levels)  # what the calls of this test take
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            pred, x = v1.placeholder(tf.bool, []), v1.placeholder(tf.float32, [])
            y = _nest(pred, x, levels)
            found = session.run([y, *tf.gradients(y, x)], {pred: True, x: 1.0})
    finally:
        sys.setrecursionlimit(400)
    assert found == [2.0 * (levels + 1), 2.0]


def test_a_long_chain(monkeypatch):
    monkeypatch.setenv("TIDEFLOW_TIER", "host")
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [])
        y = x
        for _ in range(4_000):
            y = tf.negative(tf.abs(y))
        assert session.run([y, *tf.gradients(y, x)], {x: -2.0}) == [-2.0, 1.0]


def test_threads_share_the_limit():
    together = threading.Barrier(4)
    before = sys.getrecursionlimit()
    limits = []

    def work(levels):
        with nesting.room(levels):
            together.wait(600)
            limits.append(sys.getrecursionlimit())
            assert nesting.has_room(levels) and not nesting.has_room(levels + 1)
            together.wait(600)

    threads = [threading.Thread(target=work, args=(levels,)) for levels in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.getrecursionlimit() == before
    assert len(set(limits)) == 1 and limits[0] - before == 10 * nesting._FRAMES


def test_endless_python_recursion_is_an_error_of_python():
    def endless(x):
        return tf.function(endless)(x) + 1.0

    with pytest.raises(RecursionError, match="levels deep"):
        tf.function(endless)(tf.constant(np.float32(1)))
