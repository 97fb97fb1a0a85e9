"""Pipelines that are interrupted: by Ctrl-C, by a fork, by generators and files that fail in the middle."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tideflow as tf

D: Any = tf.data.Dataset

_WAITS = """
import signal, threading, sys
import numpy as np
import tideflow as tf

signal.signal(signal.SIGINT, signal.default_int_handler)  # what starts the tests may ignore it
D = tf.data.Dataset
never = threading.Event()

def wait(x):
    if x == 2:
        sys.stdout.write("waiting\\n")  # in one piece: two threads may
        sys.stdout.flush()
        never.wait()
    return np.int64(x)

def numbers():
    for x in range(5):
        yield wait(x)

def waiting(x):
    return tf.numpy_function(wait, [x], tf.int64)

pipelines = {
    "prefetch": lambda: D.range(5).map(waiting).prefetch(2),
    "parallel": lambda: D.range(5).map(waiting, num_parallel_calls=2),
    "interleave": lambda: D.range(2).interleave(lambda _: D.range(5).map(waiting), 2, num_parallel_calls=2),
    "generator": lambda: D.from_generator(numbers, tf.int64),
}
try:
    for x in pipelines[sys.argv[1]]():
        pass
    print("the end")
except KeyboardInterrupt:
    never.set()
    found = [int(x) for x in D.range(6).map(lambda x: x * x).batch(3).prefetch(1).unbatch()]
    sys.stdout.write(f"interrupted {found}\\n")
"""


@pytest.mark.parametrize("pipeline", ["prefetch", "parallel", "interleave", "generator"])
def test_ctrl_c_ends_the_wait_and_the_program_goes_on(pipeline: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITS, pipeline], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "waiting\n"
            child.send_signal(signal.SIGINT)
            output, _ = child.communicate(timeout=600)
        finally:
            child.kill()
    assert "interrupted [0, 1, 4, 9, 16, 25]" in output
    assert child.returncode == 0


_FORKS = """
import os
import tideflow as tf

D = tf.data.Dataset
iterator = iter(D.range(50).map(lambda x: x + 1, num_parallel_calls=2).prefetch(2))
next(iterator)
child = os.fork()
if child:
    os.waitpid(child, 0)
    print("parent", sum(int(x) for x in iterator), flush=True)
else:
    print("child", sum(int(x) for x in D.range(5).map(lambda x: x * 2).batch(2).unbatch()), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_iterates_anew() -> None:
    run = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, timeout=600)
    assert run.stdout.splitlines() == ["child 20", "parent 1274"], run.stderr


def test_a_generator_that_raises_in_the_middle() -> None:
    def failing() -> Any:
        yield 1
        yield 2
        raise ValueError("no further number")

    for dataset in (D.from_generator(failing, tf.int32), D.from_generator(failing, tf.int32).prefetch(2)):
        found = []
        with pytest.raises(tf.errors.OpError, match="no further number"):
            for x in dataset:
                found.append(int(x))
        assert found == [1, 2]


@pytest.mark.parametrize("wrong", ["text", [1, 2], None, 1.5j])
def test_a_generator_that_yields_something_else(wrong: Any) -> None:
    dataset = D.from_generator(lambda: iter([1, wrong]), output_signature=tf.TensorSpec((), tf.int32))
    found = []
    with pytest.raises((TypeError, tf.errors.OpError), match=r"generator|expected|None"):
        for x in dataset:
            found.append(int(x))
    assert found == [1]


def test_files_that_vanish_are_said_and_passed_over(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in "abc"]
    for path in paths:
        with tf.io.TFRecordWriter(path) as writer:
            writer.write(path[-1].encode())
    for make in (
        lambda: tf.data.TFRecordDataset(paths), lambda: D.list_files(paths, shuffle=False).flat_map(
            tf.data.TFRecordDataset), lambda: tf.data.TextLineDataset(paths).take(3),
    ):  # fmt: skip
        dataset = make()
        os.rename(paths[1], paths[1] + "x")
        try:
            with pytest.raises(tf.errors.NotFoundError):
                list(dataset)
            assert len(list(dataset.ignore_errors())) == 2
        finally:
            os.rename(paths[1] + "x", paths[1])


def _resources() -> tuple[int, int]:
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted by /proc")
def test_dropped_iterators_leave_no_thread_and_no_file(tmp_path: Path) -> None:
    values, records = str(tmp_path / "values.csv"), str(tmp_path / "records")
    Path(values).write_text("1\n" * 1000)
    with tf.io.TFRecordWriter(records) as writer:
        for _ in range(100):
            writer.write(b"x" * 10000)
    saved = str(tmp_path / "saved")
    D.range(100).save(saved)
    pipelines = [
        tf.data.experimental.CsvDataset(values, [tf.int32]).prefetch(2),
        tf.data.TFRecordDataset(records).map(tf.strings.length, num_parallel_calls=2).prefetch(2),
        D.load(saved),
        D.range(100).snapshot(str(tmp_path / "snapshot")),
        D.range(4).interleave(lambda _: tf.data.TextLineDataset(values), 2, num_parallel_calls=2),
        D.range(100).map(lambda x: tf.numpy_function(lambda y: np.int64(y), [x], tf.int64), num_parallel_calls=2),
    ]
    for dataset in pipelines:
        next(iter(dataset))
    before = _resources()
    for dataset in pipelines * 3:
        iterator = iter(dataset)
        next(iterator)
        del iterator
    deadline = time.monotonic() + 600
    # Threads end once they see that nobody waits for them.
    threads, files = _resources()
    while (threads > before[0] or files > before[1]) and time.monotonic() < deadline:
        time.sleep(0.01)
        threads, files = _resources()
    assert threads <= before[0] and files <= before[1]
