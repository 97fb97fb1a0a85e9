"""Tests ``tf.profiler.experimental``: what is recorded, the files, and that nothing is left when it ends."""

from __future__ import annotations

import gzip
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.core import context
from tideflow._src.profiler.xplane import _fields
from tideflow._src.runtime import spans

profiler = tf.profiler.experimental


def files(logdir: Path) -> dict[str, bytes]:
    """Returns the files of the only run."""
    (run,) = (logdir / "plugins" / "profile").iterdir()
    return {path.name.partition(".")[2]: path.read_bytes() for path in run.iterdir()}


def trace_of(logdir: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(gzip.decompress(files(logdir)["trace.json.gz"]))["traceEvents"]
    return events


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["ph"] == "X" and event["name"] == name]


@tf.function
def inner(x: Any) -> Any:
    return tf.nn.relu(x)


@tf.function
def on_host(x: Any) -> Any:
    return tf.strings.as_string(tf.reduce_sum(inner(x * 2.0)))


@tf.function(jit_compile=True)
def compiled(x: Any) -> Any:
    return tf.reduce_sum(tf.tanh(x @ x))


@tf.function
def in_stages(x: Any) -> Any:
    return tf.strings.as_string(tf.reduce_sum(tf.tanh(x @ x)))


def test_calls_programs_stages_and_kernels_lie_within_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEFLOW_TIER", "xla")
    x = tf.ones([8, 8])
    expected = in_stages(x).numpy(), compiled(x).numpy()
    monkeypatch.delenv("TIDEFLOW_TIER")
    with profiler.Profile(str(tmp_path)), profiler.Trace("train", step_num=3, _r=1) as step:
        on_host(x)
        found = in_stages(x).numpy(), compiled(x).numpy()
        x + x
        step.set_metadata(loss=0.5)
    assert found == expected
    events = trace_of(tmp_path)
    (train,) = named(events, "train")
    assert train["args"] == {"kind": "step", "step_num": "3", "_r": "1", "loss": "0.5"}
    assert len(named(events, "AddV2")) == 1
    calls = [event for event in events if event["ph"] == "X" and event["name"].startswith("call __inference_")]
    assert len(calls) == 3
    by_name = {event["name"].split("_inference_")[1].rpartition("_")[0]: event for event in calls}
    assert set(by_name) == {"on_host", "in_stages", "compiled"}

    def inside(outer: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            event
            for event in events
            if event["ph"] == "X"
            and (event["pid"], event["tid"]) == (outer["pid"], outer["tid"])
            and outer["ts"] <= event["ts"]
            and event["ts"] + event["dur"] <= outer["ts"] + outer["dur"] + 1e-3
        ]

    assert {event["args"]["kind"] for event in inside(train)} == {"step", "call", "program", "stage", "kernel", "eager"}
    kernels = [event["args"]["op"] for event in inside(by_name["on_host"]) if event["args"]["kind"] == "kernel"]
    assert {"Mul", "PartitionedCall", "Relu", "Sum", "AsString"} <= set(kernels)
    tiers = {event["args"]["tier"] for event in inside(by_name["in_stages"]) if event["args"]["kind"] == "stage"}
    assert tiers == {"xla", "host"}
    (program,) = [event for event in inside(by_name["compiled"]) if event["args"]["kind"] == "program"]
    assert program["args"]["tier"] == "xla"
    # What XLA says of its own kernels.
    assert [event for event in events if event["ph"] == "X" and "hlo_op" in event.get("args", {})]
    threads = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert any(name.startswith("MainThread") for name in threads)


def test_the_plugin_of_tensorboard_gets_the_same_spans(tmp_path: Path) -> None:
    with profiler.Profile(str(tmp_path), profiler.ProfilerOptions(device_tracer_level=0)):
        on_host(tf.ones([2, 2]))
    spans_of_trace = [event for event in trace_of(tmp_path) if event["ph"] == "X"]
    (plane,) = [content for field, _, _, content in _fields(files(tmp_path)["xplane.pb"]) if field == 1]
    names = {}
    for field, _, _, entry in _fields(plane):
        if field == 4:
            described = next(content for number, _, _, content in _fields(entry) if number == 2)
            parts = {number: value or content for number, _, value, content in _fields(described)}
            names[parts[1]] = parts[2].decode()  # type: ignore[union-attr]
    (line,) = [content for field, _, _, content in _fields(plane) if field == 3]
    found = []
    for field, _, _, event in _fields(line):
        if field == 4:
            parts = {number: value for number, _, value, _ in _fields(event) if number < 4}
            found.append((names[parts[1]], parts[2], parts[3]))
    assert [name for name, _, _ in found] == [event["name"] for event in spans_of_trace]
    for (_, start, length), event in zip(found, spans_of_trace, strict=True):
        assert abs(start - event["ts"] * 1e6) <= 2
        assert abs(length - event["dur"] * 1e6) <= 2


def test_only_what_the_options_ask_for(tmp_path: Path) -> None:
    with profiler.Profile(tmp_path, profiler.ProfilerOptions(host_tracer_level=1, device_tracer_level=0)):
        on_host(tf.ones([2, 2]))
    assert {event["args"]["kind"] for event in trace_of(tmp_path) if event["ph"] == "X"} == {"call", "program"}


def test_all_threads_are_recorded_and_nothing_is_left_afterwards(tmp_path: Path) -> None:
    before = len(context.SPECIAL), len(context.BUILDING)
    profiler.start(str(tmp_path))
    with pytest.raises(tf.errors.AlreadyExistsError, match="Another profiler is running"):
        profiler.start(str(tmp_path))
    assert (len(context.SPECIAL), len(context.BUILDING)) == (before[0] + 1, before[1] + 1)
    threads = [threading.Thread(target=lambda: on_host(tf.ones([2])), name=f"worker {n}") for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    profiler.stop()
    assert (len(context.SPECIAL), len(context.BUILDING)) == before
    assert spans.RECORDERS == ()
    names = [event["args"]["name"] for event in trace_of(tmp_path) if event["name"] == "thread_name"]
    assert sum(name.startswith("worker ") for name in names) == 3
    with pytest.raises(tf.errors.UnavailableError, match="No profiler is running"):
        profiler.stop()


def test_two_profiles_of_one_second_and_one_that_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    for save in (True, False, True):
        profiler.start(str(tmp_path))
        profiler.stop(save)
    assert len(list((tmp_path / "plugins" / "profile").iterdir())) == 2


def test_errors_in_what_is_recorded_are_as_ever(tmp_path: Path) -> None:
    @tf.function
    def fails(x: Any) -> Any:
        return tf.debugging.check_numerics(x, "no number")

    fails(tf.constant(1.0))
    with profiler.Profile(str(tmp_path)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
            fails(tf.constant(float("nan")))
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.matmul(tf.ones([2, 3]), tf.ones([2, 3]))
    assert named(trace_of(tmp_path), "MatMul")


def test_other_processes_are_refused() -> None:
    for refused in (
        lambda: profiler.server.start(6009),
        lambda: profiler.client.trace("localhost:6009", "logs", 100),
        lambda: profiler.client.monitor("localhost:6009", 100),
    ):
        with pytest.raises(tf.errors.UnimplementedError, match=r"tf\.profiler\.experimental\.start and stop"):
            refused()
