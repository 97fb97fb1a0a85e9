"""Hooks that log, check and stop, and their timers."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

import tideflow.v1 as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as made:
        yield made


@pytest.fixture
def messages(monkeypatch):
    """Collects what is logged."""
    collected: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record):
            collected.append(record.getMessage())

    handler = Handler()
    logger = logging.getLogger("tensorflow")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()
    yield collected
    logger.manager._clear_cache()


def _training():
    weight = tf.Variable(3.0, name="weight", use_resource=True)
    loss = tf.square(weight, name="loss")
    step = tf.train.get_or_create_global_step()
    return tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=step), loss, step


def _run_all(train, hooks):
    count = 0
    with tf.train.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            session.run(train)
            count += 1
    return count


def test_timer_counts_steps():
    timer = tf.train.SecondOrStepTimer(every_steps=3)
    assert timer.last_triggered_step() is None
    assert timer.should_trigger_for_step(1)
    assert timer.update_last_triggered_step(1) == (None, None)
    assert [timer.should_trigger_for_step(step) for step in (1, 2, 3, 4, 5)] == [False, False, False, True, True]
    assert timer.update_last_triggered_step(5)[1] == 4
    timer.reset()
    assert timer.should_trigger_for_step(5)


def test_timer_counts_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    timer = tf.train.SecondOrStepTimer(every_secs=1.0)
    timer.update_last_triggered_step(1)
    now[0] += 0.5
    assert not timer.should_trigger_for_step(2)
    now[0] += 0.75
    assert timer.should_trigger_for_step(2)
    assert not timer.should_trigger_for_step(1)
    assert timer.update_last_triggered_step(2) == (1.25, 1)


@pytest.mark.parametrize("arguments", [{}, {"every_secs": 1, "every_steps": 1}])
def test_timer_wants_one_interval(arguments):
    with pytest.raises(ValueError, match="every_secs"):
        tf.train.SecondOrStepTimer(**arguments)


def test_stop_at_step_counts_from_the_start(messages):
    train, _, _ = _training()
    assert _run_all(train, [tf.train.StopAtStepHook(num_steps=4)]) == 4
    assert _run_all(train, [tf.train.StopAtStepHook(last_step=6)]) == 6
    assert messages[:3] == ["Graph was finalized.", "Running local_init_op.", "Done running local_init_op."]


@pytest.mark.parametrize("arguments", [{}, {"num_steps": 1, "last_step": 1}])
def test_stop_at_step_wants_one_argument(arguments):
    with pytest.raises(ValueError, match="num_steps or last_step"):
        tf.train.StopAtStepHook(**arguments)


def test_hooks_want_a_global_step():
    tf.constant(1.0)
    for hook in (
        tf.train.StopAtStepHook(1),
        tf.train.StepCounterHook(),
        tf.train.GlobalStepWaiterHook(1),
        tf.train.ProfilerHook(save_steps=1),
    ):
        with pytest.raises(RuntimeError, match="Global step should be created to use"):
            tf.train.MonitoredSession(hooks=[hook])


def test_logging_tensor_hook_logs_values(messages):
    train, loss, step = _training()
    hooks = [
        tf.train.StopAtStepHook(5),
        tf.train.LoggingTensorHook({"loss": loss, "step": step}, every_n_iter=2, at_end=True),
    ]
    _run_all(train, hooks)
    logged = [message for message in messages if message.startswith("loss = ")]
    assert len(logged) == 4
    assert logged[0].startswith("loss = 9.0, step = ") and "sec)" not in logged[0]
    assert logged[1].startswith("loss = 3.6864") and logged[1].endswith(" sec)")


def test_logging_tensor_hook_takes_a_list_and_a_formatter(messages):
    train, loss, _ = _training()
    seen = []
    hooks = [
        tf.train.StopAtStepHook(2),
        tf.train.LoggingTensorHook(["loss:0"], every_n_iter=1),
        tf.train.LoggingTensorHook(
            {"loss": loss}, every_n_iter=1, formatter=lambda values: seen.append(values) or "formatted"
        ),
    ]
    _run_all(train, hooks)
    assert messages.count("formatted") == 2
    assert seen[0] == {"loss": 9.0}
    assert "loss:0 = 9.0" in messages


@pytest.mark.parametrize("arguments", [{}, {"every_n_iter": 1, "every_n_secs": 1}, {"every_n_iter": 0}])
def test_logging_tensor_hook_refuses_intervals(arguments):
    with pytest.raises(ValueError, match="every_n_iter"):
        tf.train.LoggingTensorHook(["x"], **arguments)


def test_nan_tensor_hook_raises(messages):
    nan = tf.constant(np.nan)
    with (
        pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"),
        tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(nan)]) as session,
    ):
        session.run(nan)
    assert "Model diverged with loss = NaN." in messages


def test_nan_tensor_hook_stops(messages):
    nan = tf.constant(np.nan)
    with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(nan, fail_on_nan_loss=False)]) as session:
        session.run(nan)
        assert session.should_stop()
        with pytest.raises(RuntimeError, match="should_stop"):
            session.run(nan)


def test_step_counter_hook_logs_the_rate(messages):
    train, _, _ = _training()
    _run_all(train, [tf.train.StopAtStepHook(7), tf.train.StepCounterHook(every_n_steps=3)])
    rates = [message for message in messages if message.startswith("global_step/sec: ")]
    assert len(rates) == 2
    assert all(float(rate.split(": ")[1]) > 0 for rate in rates)


def test_step_counter_hook_warns_if_nothing_counts(messages):
    _, loss, _ = _training()
    with tf.train.MonitoredSession(hooks=[tf.train.StepCounterHook(every_n_steps=3)]) as session:
        for _ in range(10):
            session.run(loss)
    assert len([message for message in messages if "has stayed at 0" in message]) == 5


def test_global_step_waiter_passes_when_the_step_is_reached():
    train, _, step = _training()
    scaffold = tf.train.Scaffold(init_fn=lambda scaffold, session: session.run(tf.get_collection("to_ten")))
    tf.add_to_collection("to_ten", tf.assign(step, 10))
    creator = tf.train.ChiefSessionCreator(scaffold)
    with tf.train.MonitoredSession(creator, hooks=[tf.train.GlobalStepWaiterHook(10)]) as session:
        session.run(train)
        assert session.run(step) == 11


def test_final_ops_hook_keeps_values():
    train, _, step = _training()
    factor = tf.placeholder_with_default(1.0, [])
    hook = tf.train.FinalOpsHook({"step": step, "factor": factor}, {factor: 5.0})
    assert hook.final_ops_values is None
    _run_all(train, [tf.train.StopAtStepHook(2), hook])
    assert hook.final_ops_values == {"step": 2, "factor": 5.0}


def test_feed_fn_hook_feeds():
    value = tf.placeholder(tf.float32, [])
    tenfold = value * 10
    numbers = iter([1.0, 2.0])
    with tf.train.MonitoredSession(hooks=[tf.train.FeedFnHook(lambda: {value: next(numbers)})]) as session:
        assert [session.run(tenfold), session.run(tenfold)] == [10.0, 20.0]


class _Feeder(tf.train.SessionRunHook):
    def __init__(self, tensor, value):
        self.tensor, self.value = tensor, value

    def before_run(self, run_context):
        return tf.train.SessionRunArgs(None, {self.tensor: self.value})


def test_a_tensor_is_fed_once():
    value = tf.placeholder(tf.float32, [], name="value")
    with (
        tf.train.MonitoredSession(hooks=[_Feeder(value, 1.0), _Feeder(value, 2.0)]) as session,
        pytest.raises(RuntimeError, match="fed by two hooks"),
    ):
        session.run(value)
    with tf.train.MonitoredSession(hooks=[_Feeder(value, 1.0)]) as session:
        assert session.run(value) == 1.0
        with pytest.raises(RuntimeError, match="SessionRunHook and user"):
            session.run(value, {value: 3.0})


def test_hooks_are_called_in_order_and_get_what_they_ask_for():
    calls = []
    value = tf.constant(4.0)

    class Hook(tf.train.SessionRunHook):
        def begin(self):
            calls.append("begin")
            self.double = value * 2

        def after_create_session(self, session, coord):
            assert session.graph.finalized and isinstance(coord, tf.train.Coordinator)
            calls.append("after_create_session")

        def before_run(self, run_context):
            assert run_context.original_args.fetches is value
            calls.append("before_run")
            return tf.train.SessionRunArgs({"double": [self.double]})

        def after_run(self, run_context, run_values):
            calls.append(run_values.results)
            assert not run_context.stop_requested

        def end(self, session):
            calls.append(session.run(self.double))

    with tf.train.MonitoredSession(hooks=[Hook()]) as session:
        assert session.run(value) == 4.0
    assert calls == ["begin", "after_create_session", "before_run", {"double": [8.0]}, 8.0]


def test_before_run_returns_args():
    value = tf.constant(1.0)

    class Hook(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return value

    with tf.train.MonitoredSession(hooks=[Hook()]) as session, pytest.raises(TypeError, match="SessionRunArgs"):
        session.run(value)


def test_options_of_hooks_are_merged_and_a_run_is_described():
    train, _, _ = _training()
    seen = []

    class Hook(tf.train.SessionRunHook):
        def before_run(self, run_context):
            return tf.train.SessionRunArgs(None, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE))

        def after_run(self, run_context, run_values):
            seen.append(run_values)

    with tf.train.MonitoredSession(hooks=[Hook()]) as session:
        session.run(train, options=tf.RunOptions(timeout_in_ms=60_000))
    assert seen[0].options.trace_level == tf.RunOptions.FULL_TRACE
    assert seen[0].options.timeout_in_ms == 60_000
    assert seen[0].run_metadata.step_stats.dev_stats


def test_profiler_hook_writes_traces(tmp_path):
    train, _, _ = _training()
    _run_all(train, [tf.train.StopAtStepHook(5), tf.train.ProfilerHook(save_steps=2, output_dir=str(tmp_path))])
    paths = sorted(path.name for path in tmp_path.iterdir())
    assert paths == ["timeline-3.json", "timeline-5.json"]
    events = json.loads((tmp_path / paths[0]).read_text())["traceEvents"]
    run = next(event for event in events if event.get("cat") == "Run")
    assert run["dur"] > 0 and run["args"]["operations"]
