"""Checks which tier a program runs on, when it changes, and what it falls back to."""

from __future__ import annotations

import numpy as np
import pytest

import tideflow.v1 as tf
from tideflow._src.runtime import program as programs
from tideflow._src.runtime.buffers import ResourceManager
from tideflow._src.runtime.program import Program
from tideflow._src.runtime.state import RunState


@pytest.fixture(autouse=True)
def automatic(monkeypatch) -> None:
    monkeypatch.delenv("TIDEFLOW_TIER", raising=False)


def make(fetches, feeds, config=None) -> Program:
    return Program(fetches, [], feeds, RunState(ResourceManager()), config)


def test_the_environment_chooses_a_tier(graph, monkeypatch) -> None:
    x = tf.placeholder(tf.float32, [])
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    compiled = make([x + 1.0], [x])
    assert compiled.run([np.float32(1.0)]) == [2.0]
    assert compiled._compiled
    assert compiled._host is None
    monkeypatch.setenv("TIDEFLOW_TIER", "host")
    interpreted = make([x + 1.0], [x])
    assert interpreted.run([np.float32(1.0)]) == [2.0]
    assert not interpreted._compiled
    monkeypatch.setenv("TIDEFLOW_TIER", "gpu")
    with pytest.raises(ValueError, match="not one of auto, host, xla"):
        make([x + 1.0], [x])


def test_a_config_asks_for_compilation(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    compiled = make([x + 1.0], [x], config)
    compiled.run([np.float32(1.0)])
    assert compiled._compiled


def test_a_small_plan_stays_interpreted(graph) -> None:
    x = tf.placeholder(tf.float32, [])
    run = make([x + 1.0], [x])
    for _ in range(50):
        run.run([np.float32(1.0)])
    assert not run._compiled


def test_a_heavy_plan_is_compiled_after_a_number_of_runs_that_never_changes(graph) -> None:
    counts = []
    for _ in range(2):
        x = tf.placeholder(tf.float32, [None])
        run = make([tf.reduce_sum(tf.exp(x) * 2.0)], [x])
        values = [np.zeros(1_000_000, np.float32)]
        count = 0
        while not run._compiled:
            assert run.run(values)[0] == pytest.approx(2_000_000.0)
            count += 1
        counts.append(count)
        assert run.run(values)[0] == pytest.approx(2_000_000.0)
        assert run.run([np.zeros(3, np.float32)]) == [6.0]  # another shape
        assert [round(left) if left < 1e9 else None for left in run._left.values()] == [0, None]
    # Loading the engine, for which the first may wait, costs as much as a number of runs.
    assert 1 < counts[1] <= counts[0] < 200


def test_what_runs_on_each_tier_is_explained(graph, monkeypatch) -> None:
    x = tf.placeholder(tf.float32, [2])
    noted = tf.py_func(lambda value: value, [x * 2.0], tf.float32)
    run = make([tf.exp(noted) + 1.0], [x])
    found = run.explain()
    assert (found["tier"], found["why"], found["stages"]) == ("auto", "interpreted until compiling pays", [])
    run.run([np.zeros(2, np.float32)])
    (signature,) = run.explain()["signatures"]
    assert signature["shapes"] == ((2,),)
    assert signature["runs_left"] == np.inf  # too little work for a program of its own
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    run = make([tf.exp(noted) + 1.0], [x])
    assert run.run([np.zeros(2, np.float32)])[0].tolist() == [2.0, 2.0]
    stages = run.explain()["stages"]
    assert [stage["compiled"] for stage in stages] == [True, False, True]
    assert stages[1]["why"] == "for the host only: PyFunc"


def test_host_only_plans_never_load_the_compiler(graph) -> None:
    x = tf.placeholder(tf.string)
    run = make([tf.py_func(lambda value: value, [x], tf.string)], [x])
    assert run._tier == "host"


def test_bad_values_do_not_end_compilation(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    a, b = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    run = make([a + b], [a, b])
    with pytest.raises(tf.errors.InvalidArgumentError):
        run.run([np.zeros(2, np.float32), np.zeros(3, np.float32)])
    run.run([np.zeros(2, np.float32), np.zeros(2, np.float32)])
    ((program, _), *_) = next(iter(run._compiled.values()))._steps
    assert not program.refused


def test_what_xla_refuses_is_interpreted_without_running_anything_twice(graph, monkeypatch) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    calls = []
    count = tf.Variable(0.0)
    x = tf.placeholder(tf.float32, [2])
    with tf.control_dependencies([count.assign_add(1.0)]):
        noted = tf.py_func(lambda value: calls.append(1) or value, [x * 1.0], tf.float32)
    sizes = tf.cast(noted, tf.int32)
    refused = tf.reduce_sum(tf.fill(sizes, 2.0)) * 3.0  # a shape that depends on data
    with tf.Session() as session:
        session.run(count.initializer)
        for turn in (1, 2):
            assert session.run(refused, {x: [2, 3]}) == 36.0
            assert (len(calls), session.run(count)) == (turn, turn)


def test_the_strict_mode_of_tests_shows_what_xla_does_not_take(graph, monkeypatch) -> None:
    x = tf.placeholder(tf.float32, [2])
    y = tf.sin(x)
    definition = y.op.op_def
    monkeypatch.setattr(definition, "xla_kernel", lambda x: 1 / 0)
    with tf.Session() as session:
        monkeypatch.setenv("TIDEFLOW_TIER", "xla")
        with pytest.raises(ZeroDivisionError):
            session.run(y, {x: [0.0, 0.0]})
    monkeypatch.delenv("TIDEFLOW_TIER")
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    with tf.Session(config=config) as session:
        assert session.run(y, {x: [0.0, 0.0]}).tolist() == [0.0, 0.0]


def test_many_shapes_do_not_grow_without_bound(graph) -> None:
    x = tf.placeholder(tf.float32, [None])
    run = make([x + 1.0], [x])
    for size in range(200):
        run.run([np.zeros(size, np.float32)])
    assert len(run._left) == programs._MOST_SIGNATURES
