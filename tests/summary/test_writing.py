"""Tests ``tf.summary`` of TensorFlow 2: writers, steps, conditions, threads, and what a program that ends leaves."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.ops.summary.event_file import EventFile


def events(folder: Path) -> list[Any]:
    (path,) = folder.iterdir()
    return list(tf.compat.v1.train.summary_iterator(str(path)))


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    return [
        (value.tag, event.step, float(tf.make_ndarray(value.tensor)))
        for event in events(folder)
        for value in event.summary.value
    ]


def test_what_a_program_writes_in_a_loop(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(str(tmp_path), filename_suffix=".end")
    with writer.as_default(step=5):
        assert bool(tf.summary.scalar("loss", 0.5))
        with tf.name_scope("layer"):
            tf.summary.scalar("loss", tf.constant(1.5, tf.float64), step=6)
        tf.summary.scalar("many", 10**6, step=-1)
        tf.summary.scalar("large", 1e300, step=1 << 40)
    assert tf.summary.experimental.get_step() is None
    assert scalars(tmp_path) == [
        ("loss", 5, 0.5),
        ("layer/loss", 6, 1.5),
        ("many", -1, 1e6),
        ("large", 1 << 40, float("inf")),
    ]
    assert next(tmp_path.iterdir()).name.endswith(".end")
    assert all(
        value.metadata.plugin_data.plugin_name == "scalars" for e in events(tmp_path) for value in e.summary.value
    )


def test_a_step_and_a_condition_that_change_between_calls_of_a_function(tmp_path: Path) -> None:
    writer = tf.summary.create_file_writer(str(tmp_path))
    step = tf.Variable(0, dtype=tf.int64)

    @tf.function
    def train(x: Any) -> Any:
        with writer.as_default(), tf.summary.record_if(step % 2 == 0):
            tf.summary.scalar("loss", x)
        return step.assign_add(1)

    tf.summary.experimental.set_step(step)
    try:
        for number in range(5):
            train(tf.constant(float(number)))
    finally:
        tf.summary.experimental.set_step(None)
    assert scalars(tmp_path) == [("loss", 0, 0.0), ("loss", 2, 2.0), ("loss", 4, 4.0)]
    assert train.experimental_get_tracing_count() == 1


def test_tags_in_loops_of_a_function_are_those_of_tensorflow(tmp_path: Path) -> None:
    data = tf.data.Dataset.range(3)

    @tf.function
    def write() -> None:
        with tf.name_scope("outer"):
            for y in iter(data):
                tf.summary.scalar("over_iterator", y, step=y)
            for z in tf.range(tf.constant(2, tf.int64)):
                tf.summary.scalar("over_range", z, step=z)
            for x in data:
                tf.summary.scalar("over_dataset", x, step=x)
                if x > 0:
                    tf.summary.scalar("inside", x, step=x)

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        write()
    assert {tag for tag, _, _ in scalars(tmp_path)} == {
        "over_dataset",
        "cond/inside",
        "outer/while/cond/over_iterator",
        "outer/while_1/over_range",
    }


def test_a_writer_made_in_a_function_outlives_the_call(tmp_path: Path) -> None:
    class Trainer(tf.Module):
        writer = None

        @tf.function
        def __call__(self, x: Any) -> Any:
            if self.writer is None:
                self.writer = tf.summary.create_file_writer(str(tmp_path))
            with self.writer.as_default():
                return tf.summary.scalar("loss", x, step=1)

    trainer = Trainer()
    assert bool(trainer(1.0)) and bool(trainer(2.0))
    assert [value for _, _, value in scalars(tmp_path)] == [1.0, 2.0]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be None"):
        tf.summary.create_file_writer(None)
    with pytest.raises(tf.errors.OpError):
        tf.summary.create_file_writer(os.devnull + "/below")
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for write in (tf.summary.scalar, tf.summary.write):
            with pytest.raises(ValueError, match="No step set"):
                write("a", 1.0)
            with pytest.raises(ValueError, match="`step` must be a scalar"):
                write("a", 1.0, step=[1, 2])
        with pytest.raises(ValueError, match="scalar"):
            tf.summary.scalar("a", [1.0], step=1)
        with pytest.raises(ValueError, match="Unknown encoding"):
            tf.summary.audio("a", tf.zeros([1, 2, 1]), 8000, step=1, encoding="mp3")
        with pytest.raises(tf.errors.InvalidArgumentError, match="summary_metadata"):
            tf.summary.write("a", 1.0, step=1, metadata=b"\xff")
        with tf.summary.record_if("yes"), pytest.raises(TypeError):
            tf.summary.scalar("a", 1.0, step=1)
        with tf.summary.record_if(False):  # nothing is computed for a summary that is not written
            assert not tf.summary.write("a", lambda: 1 / 0, step=1)
    writer.close()
    writer.close()
    writer.flush()
    for use in (writer.as_default, writer.set_as_default, writer.init):
        with pytest.raises(RuntimeError, match="already closed"):
            use()
    with pytest.raises(ValueError, match="Invalid argument to flush"):
        tf.summary.flush("writer")
    assert scalars(tmp_path) == []


def test_each_thread_has_a_writer_and_a_step_of_its_own(tmp_path: Path) -> None:
    shared = tf.summary.create_file_writer(str(tmp_path / "shared"))

    def write(number: int) -> None:
        own = tf.summary.create_file_writer(str(tmp_path / str(number)))
        assert not tf.summary.should_record_summaries()
        with own.as_default(step=number):
            for turn in range(200):
                tf.summary.scalar("own", float(turn))
                with shared.as_default():
                    tf.summary.scalar("shared", float(number * 1000 + turn))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert scalars(tmp_path / str(number)) == [("own", number, float(turn)) for turn in range(200)]
    found = scalars(tmp_path / "shared")
    for number in range(4):
        assert [value % 1000 for _, step, value in found if step == number] == [float(turn) for turn in range(200)]


def test_a_writer_that_nobody_has_any_more_is_closed(tmp_path: Path) -> None:
    gc.collect()  # those of other tests
    before = threading.active_count()
    writers = [tf.summary.create_file_writer(str(tmp_path / str(number))) for number in range(3)]
    for writer in writers:
        with writer.as_default():
            tf.summary.scalar("a", 1.0, step=1)
        held = writer.held.file()  # type: ignore[attr-defined]
        held.add(tf.compat.v1.Event(step=2))
    assert threading.active_count() == before + 3
    del writers, writer, held
    gc.collect()
    assert threading.active_count() == before
    assert [[event.step for event in events(tmp_path / str(number))] for number in range(3)] == [[0, 1, 2]] * 3


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    file = EventFile(str(tmp_path))
    real = file._file

    class Full:
        """Takes three bytes, and then no more."""

        room = 3

        def write(self, content: memoryview) -> int:
            if not self.room:
                raise OSError(28, "No space left on device")
            self.room = 0
            return int(real.write(content[:3]))

    file._file = Full()
    file.add(tf.compat.v1.Event(step=1))
    with pytest.raises(tf.errors.ResourceExhaustedError):
        file.flush()
    file._file = real
    file.add(tf.compat.v1.Event(step=2))
    file.close()
    assert [event.step for event in events(tmp_path)] == [0, 1, 2]


def test_a_disk_that_is_slow_holds_nobody_up(tmp_path: Path) -> None:
    """Until much waits: then a program that adds more waits for the disk, and its memory does not grow for ever."""
    file = EventFile(str(tmp_path), most_waiting=1)
    real, room, asked = file._file, threading.Event(), threading.Event()

    class Slow:
        def write(self, content: memoryview) -> int:
            asked.set()
            room.wait()
            return int(real.write(content))

        def close(self) -> None:
            real.close()

    file._file = Slow()
    for step in range(5000):
        file.add(tf.compat.v1.Event(step=step))
    assert asked.wait(60)  # the thread is at it
    large = bytes(1 << 22)
    adding = threading.Thread(
        target=lambda: [file.add(tf.compat.v1.Event(step=step, graph_def=large)) for step in range(5000, 5040)],
        daemon=True,
    )
    adding.start()
    while len(file._waiting) < 16 and adding.is_alive():
        adding.join(0.01)
    assert adding.is_alive()  # 64 MiB wait
    room.set()
    adding.join(60)
    file.close()
    assert [event.step for event in events(tmp_path)] == [0, *range(5040)]


def _run(code: str, folder: Path) -> subprocess.Popen[bytes]:
    program = "import sys\nimport tideflow as tf\n" + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)


def test_the_end_of_a_program_writes_what_waits(tmp_path: Path) -> None:
    code = """
    tf.summary.create_file_writer(sys.argv[1], max_queue=1000).set_as_default(step=3)
    tf.summary.scalar("a", 1.0)
    tf.summary.text("b", "x")
    """
    with _run(code, tmp_path) as process:
        assert process.wait(300) == 0
    assert [event.step for event in events(tmp_path)] == [0, 3, 3]


def test_what_the_last_functions_of_a_program_write(tmp_path: Path) -> None:
    code = """
    import atexit

    def last():
        tf.summary.scalar("late", 2.0)
        late = tf.summary.create_file_writer(sys.argv[1] + "/late")
        with late.as_default():
            tf.summary.scalar("later", 3.0)

    atexit.register(last)  # is called after what the library has registered, if that comes later
    tf.summary.create_file_writer(sys.argv[1], max_queue=1000).set_as_default(step=3)
    tf.summary.scalar("a", 1.0)
    """
    with _run(code, tmp_path) as process:
        assert process.wait(300) == 0
    assert scalars(tmp_path / "late") == [("later", 3, 3.0)]
    (tmp_path / "late").rename(tmp_path.parent / f"{tmp_path.name}_late")
    assert scalars(tmp_path) == [("a", 3, 1.0), ("late", 3, 2.0)]


def test_a_program_that_is_killed_leaves_whole_events_only(tmp_path: Path) -> None:
    """Each is read as it was written, in order, from the first on; what the kill cut off is left out, not made up."""
    code = """
    writer = tf.summary.create_file_writer(sys.argv[1], max_queue=1)
    text = "a long line " * 3000
    with writer.as_default():
        for step in range(10**9):
            tf.summary.text("t", text + str(step), step=step)
            if step in (50, 170, 290):
                print("now", flush=True)
    """
    for number, moments in enumerate((1, 2, 3)):
        folder = tmp_path / str(number)
        process = _run(code, folder)
        assert process.stdout is not None
        for _ in range(moments):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = []
        (path,) = folder.iterdir()
        try:
            for event in tf.compat.v1.train.summary_iterator(str(path)):
                found += [(event.step, value.tensor.string_val[0]) for value in event.summary.value]
        except tf.errors.DataLossError as error:  # the last record is cut off: that is said, and nothing of it given
            assert "truncated" in str(error)
        assert found == [(step, b"a long line " * 3000 + str(step).encode()) for step in range(len(found))]
        # Whatever length the file has been cut to, it holds a beginning of what was written.
        content = path.read_bytes()
        for length in (len(content) - 1, len(content) // 2, len(content) // 3, 7):
            (tmp_path / "cut").write_bytes(content[:length])
            steps = []
            try:
                steps += [event.step for event in tf.compat.v1.train.summary_iterator(str(tmp_path / "cut"))]
            except tf.errors.DataLossError as error:
                assert "truncated" in str(error)
            assert steps == [0, *range(len(steps) - 1)][: len(steps)]


def test_a_session_writes_where_its_graph_says(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        writer = tf.summary.create_file_writer(str(tmp_path))
        step = v1.placeholder(tf.int64, [])
        with writer.as_default():
            tf.summary.scalar("loss", tf.constant(3.0), step=step)
            with tf.summary.record_if(tf.equal(step, 2)):
                tf.summary.scalar("even", tf.constant(4.0), step=step)
            v1.summary.initialize(session=session)
            with pytest.raises(ValueError, match="graph context"):
                tf.summary.graph(tf.Graph())
        assert len(v1.summary.all_v2_summary_ops()) == 2
        assert session.run(v1.summary.all_v2_summary_ops(), {step: 1}) == [True, False]
        assert session.run(v1.summary.all_v2_summary_ops(), {step: 2}) == [True, True]
        session.run(writer.close())
    assert v1.summary.all_v2_summary_ops() is None
    assert scalars(tmp_path) == [("loss", 1, 3.0), ("loss", 2, 3.0), ("even", 2, 4.0)]


def test_a_saved_model_holds_its_writer(tmp_path: Path) -> None:
    class Model(tf.Module):
        def __init__(self) -> None:
            self.writer = tf.summary.create_file_writer(str(tmp_path / "logs"), experimental_trackable=True)

        @tf.function(input_signature=[tf.TensorSpec([]), tf.TensorSpec([], tf.int64)])
        def __call__(self, x: Any, step: Any) -> Any:
            with self.writer.as_default():
                tf.summary.scalar("x", x, step=step)
            return x + 1

    model = Model()
    model(1.0, tf.constant(0, tf.int64))
    tf.saved_model.save(model, str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    assert float(loaded(tf.constant(5.0), tf.constant(7, tf.int64))) == 6.0
    steps = [
        [event.step for event in tf.compat.v1.train.summary_iterator(str(path)) if event.summary.value]
        for path in (tmp_path / "logs").iterdir()
    ]
    assert sorted(steps) == [[0], [7]]


def test_xla_alone_cannot_write(tmp_path: Path) -> None:
    @tf.function(jit_compile=True)
    def compiled(x: Any) -> Any:
        tf.summary.scalar("x", x, step=1)
        return x

    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(tf.errors.InvalidArgumentError, match="WriteSummary"),
    ):
        compiled(tf.constant(1.0))


def test_vectorized_map_takes_a_function_that_writes_summaries(tmp_path):
    def row(value):
        tf.summary.scalar("row", value)
        return value + 1

    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=1):
        assert tf.vectorized_map(row, tf.constant([1.0, 2.0])).numpy().tolist() == [2, 3]
