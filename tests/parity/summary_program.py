"""Writes summaries of every kind, eagerly and in functions: a program that runs on TensorFlow and on Tideflow."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np


def write(tf: Any, root: str) -> list[bool]:
    """Writes an event file into a folder; returns what the calls said of whether they wrote."""
    S = tf.summary
    draws = np.random.RandomState(0)
    answers = []
    writer = S.create_file_writer(root, filename_suffix=".all")
    with writer.as_default():
        for data in (1, 0.1, True, np.float64(1e300), np.float32(-0.0), np.int64(2**53 + 1), tf.constant(2, tf.uint8)):
            answers.append(S.scalar("a number", data, step=1))
        S.scalar("a/ b!", np.nan, step=-5, description="ü *x*")
        for step in (0, 2**40, np.int32(3), tf.constant([7], tf.int64), tf.Variable(9, dtype=tf.int64)):
            S.scalar("step", 1.0, step=step)
        for size in (0, 1, 7, 1000):
            S.histogram("h", draws.normal(size=size), step=1)
        for data in ([[1.0, 2.0]], [2, 2, 2], [True, False], [], [1.0, np.nan], [1.0, np.inf, 2.0]):
            for buckets in (None, 0, 1, 3, -1):
                S.histogram("h", data, step=1, buckets=buckets, description="d")
        for channels in (1, 2, 3, 4):
            S.image("i", draws.uniform(-0.2, 1.2, size=(5, 4, 3, channels)), step=1)
        S.image("i", draws.uniform(size=(0, 4, 3, 1)), step=1)
        S.image("i", np.arange(12, dtype="int32").reshape(1, 3, 4, 1) * 2**27, step=1, max_outputs=1)
        for size in ((5, 6, 2), (0, 6, 2), (1, 0, 1)):
            S.audio("s", draws.uniform(-1.2, 1.2, size=size).astype("float32"), 8000, step=1, encoding="wav")
        S.text("t", "x", step=1)
        S.text("t", [["x", "ü"], ["", " "]], step=1, description="d")
        about = tf.compat.v1.SummaryMetadata(display_name="x", plugin_data={"plugin_name": "own", "content": b"\x00"})
        for value in (tf.constant([1, 2], tf.bfloat16), [1 + 2j], [True], "words", np.zeros((0, 3)), 2**40):
            S.write("w", value, step=3, metadata=about)
            S.write("w", value, step=3, metadata=about.SerializeToString())
            answers.append(S.write("w", lambda value=value: tf.identity(value), step=3))
        one = tf.compat.v1.Summary(value=[{"tag": "q", "simple_value": 3}]).SerializeToString()
        S.experimental.write_raw_pb(one, step=1)
        S.experimental.write_raw_pb([one, one], step=1)
        with tf.name_scope("outer"), S.experimental.summary_scope("in ner") as (tag, _):
            S.write(tag, 1.0, step=0)
            S.scalar("in", 1.0, step=0)
        S.experimental.set_step(11)
        answers.append(S.scalar("default", 1.0))
        with writer.as_default(step=12):
            S.text("default", "x")
        S.scalar("default", 2.0)
        S.experimental.set_step(None)
        for condition in (False, True, lambda: tf.constant(False), tf.constant(True), tf.Variable(False)):
            with S.record_if(condition):
                answers += [S.scalar("if", 1.0, step=1), S.text("if", "x", step=1), S.should_record_summaries()]
                answers.append(S.experimental.write_raw_pb(one, step=1))

        counter = tf.Variable(0, dtype=tf.int64)
        flag = tf.Variable(True)

        @tf.function
        def traced(x, step):
            S.scalar("f", x, step=step)
            counter.assign_add(1)
            S.scalar("counter", 2 * x, step=counter)
            with tf.name_scope("scope"):
                S.histogram("fh", [x, x + 1.0, x + 1.5], step=step, buckets=2)
            S.image("fi", tf.fill([1, 2, 2, 3], x / 4), step=step)
            S.audio("fa", tf.fill([1, 2, 1], x / 4), 100, step=step)
            S.write("fw", lambda: tf.range(step), step=step)
            with S.record_if(tf.equal(step % 2, 0)):
                written = S.text("ft", tf.as_string(x), step=step)
            with S.record_if(flag):
                S.scalar("flagged", x, step=step)
            for i in tf.range(tf.constant(2, tf.int64)):
                if x > 1:
                    S.scalar("loop", x + tf.cast(i, tf.float32), step=step + i)
            return written

        for number in range(4):
            flag.assign(number != 1)
            with S.record_if(lambda number=number: number != 3):
                answers.append(traced(tf.constant(float(number)), tf.constant(number, tf.int64)))
        answers += _nested(tf, writer)
    writer.close()
    with S.create_noop_writer().as_default():
        answers += [S.scalar("nobody", 1.0, step=1), S.should_record_summaries()]
    return [bool(answer) for answer in answers]


def _nested(tf: Any, writer: Any) -> list[Any]:
    """Writes where Python functions are called by loops, branches, datasets, tapes and other functions."""
    S = tf.summary
    answers = []

    @tf.function
    def loop(count):
        def body(i):
            S.scalar("turn", tf.cast(i, tf.float32), step=i)
            return i + 1

        return tf.while_loop(lambda i: i < count, body, [tf.constant(0, tf.int64)])

    loop(tf.constant(3, tf.int64))

    @tf.function
    def branch(x):
        return tf.cond(x > 0, lambda: S.scalar("pos", x, step=1), lambda: S.text("neg", tf.as_string(x), step=1))

    answers += [branch(tf.constant(value)) for value in (1.0, -1.0)]
    S.write("eager map", tf.map_fn(lambda x: tf.cast(S.scalar("mapped", x, step=1), tf.int32) + 1, tf.range(2)), step=2)

    def element(i):
        with writer.as_default():
            S.scalar("element", tf.cast(i, tf.float32), step=i)
        return i

    list(tf.data.Dataset.range(3).map(element))

    def from_python(x):
        with writer.as_default():
            S.scalar("python", x, step=1)
        return x

    tf.function(lambda: tf.py_function(from_python, [1.5], tf.float32))()

    x = tf.Variable(2.0)

    @tf.function
    def taped():
        with tf.GradientTape() as tape:
            y = x * x
            S.scalar("y", y, step=1)
            S.histogram("y", y, step=1)
        return tape.gradient(y, x)

    S.scalar("gradient", taped(), step=1)

    @tf.function
    def with_default_step(value):
        return S.scalar("traced", value)

    for step in (1, 2):  # a function keeps the number that it finds when it is traced
        S.experimental.set_step(step)
        answers.append(with_default_step(tf.constant(1.0)))
    S.experimental.set_step(None)

    class Layer(tf.Module):
        def __init__(self):
            self.step = tf.Variable(3, dtype=tf.int64)

        @tf.function
        def __call__(self, value):
            with tf.name_scope("layer"):
                S.scalar("value", value, step=self.step)

    layer = Layer()
    for _ in range(2):
        layer(tf.constant(1.0))
        layer.step.assign_add(1)
    for dtype in (tf.bfloat16, tf.float16, tf.float64, tf.uint8, tf.int64):
        S.scalar("dtype", tf.constant(3, dtype), step=1)
        S.histogram("dtype", tf.constant([3, 4, 5], dtype), step=1, buckets=2)
    return answers


def failures(tf: Any, root: str) -> dict[str, Any]:
    """Returns what calls that are wrong, or nearly so, raise: the class of the error and the first line of its message.

    What ends TensorFlow's process is left out: metadata that cannot be read, and several tags.
    """
    S = tf.summary
    raw = S.experimental.write_raw_pb
    zeros = tf.zeros
    writer = S.create_file_writer(root)
    calls = {
        "scalar of vector": lambda: S.scalar("a", [1.0], step=1),
        "scalar of text": lambda: S.scalar("a", "x", step=1),
        "scalar of complex": lambda: S.scalar("a", 1 + 2j, step=1),
        "no step": lambda: S.scalar("a", 1.0),
        "no step of text": lambda: S.text("a", "x"),
        "no step of write": lambda: S.write("a", 1),
        "no step of messages": lambda: raw(""),
        "two steps": lambda: S.scalar("a", 1.0, step=[1, 2]),
        "step in a list": lambda: S.scalar("a", 1.0, step=[1]),
        "half a step": lambda: S.scalar("a", 1.0, step=1.5),
        "step of text": lambda: S.scalar("a", 1.0, step="x"),
        "step of int32": lambda: S.scalar("a", 1.0, step=tf.constant(1)),
        "step of NumPy": lambda: S.scalar("a", 1.0, step=np.int32(1)),
        "no name": lambda: S.scalar(None, 1.0, step=1),
        "empty name": lambda: S.scalar("", 1.0, step=1),
        "histogram of text": lambda: S.histogram("a", ["x"], step=1),
        "half a bucket": lambda: S.histogram("a", [1.0], buckets=1.5, step=1),
        "list of buckets": lambda: S.histogram("a", [1.0], buckets=[1], step=1),
        "image of rank 3": lambda: S.image("a", zeros([2, 2, 1]), step=1),
        "five channels": lambda: S.image("a", zeros([1, 2, 2, 5]), step=1),
        "fewer than no images": lambda: S.image("a", zeros([1, 2, 2, 1]), step=1, max_outputs=-1),
        "audio of rank 2": lambda: S.audio("a", zeros([2, 2]), 8000, step=1),
        "negative rate": lambda: S.audio("a", zeros([2, 2, 1]), -8000, step=1),
        "unknown encoding": lambda: S.audio("a", zeros([2, 2, 1]), 8000, step=1, encoding="mp3"),
        "fewer than no sounds": lambda: S.audio("a", zeros([2, 2, 1]), 8000, step=1, max_outputs=-1),
        "text of numbers": lambda: S.text("a", 1, step=1),
        "a function that fails": lambda: S.write("a", lambda: 1 / 0, step=1),
        "no message": lambda: raw(b"\xff", step=1),
        "message of numbers": lambda: raw(3, step=1),
        "no graph": lambda: S.graph("graph"),
        "flush of text": lambda: S.flush("x"),
        "no folder": lambda: S.create_file_writer(None),
        "folder of numbers": lambda: S.create_file_writer(3),
        "folder that cannot be": lambda: S.create_file_writer("/proc/x/y"),
        "queue of text": lambda: S.create_file_writer(root, max_queue="x"),
        "half a queue": lambda: S.create_file_writer(root, max_queue=1.5),
        "export without a trace": lambda: S.trace_export("a", step=1),
        "export at no step": lambda: S.trace_export("a", step="x"),
        "profile that nobody began": lambda: tf.profiler.experimental.stop(),
        "folder of the function": tf.function(lambda: S.create_file_writer(tf.strings.join(["a", "b"])).flush()),
        "function without a step": tf.function(lambda: S.scalar("a", 1.0)),
    }

    def outcome(call: Any) -> Any:
        try:
            call()
        except Exception as error:
            lines = str(error).splitlines() or [""]
            return [type(error).__name__, lines[-1] if lines[0] == "in user code:" else lines[0]]
        return None

    found = {}
    with writer.as_default():
        found.update({name: outcome(call) for name, call in calls.items()})
        for name, condition in {"one": 1, "text": "x", "number": lambda: 2.0}.items():
            with S.record_if(condition):
                found[f"condition is {name}"] = outcome(lambda: S.scalar("a", 1.0, step=1))
                found[f"condition of text is {name}"] = outcome(lambda: S.text("a", "x", step=1))
    writer.close()
    for name in ("as_default", "set_as_default", "init", "flush", "close"):
        found[f"closed writer: {name}"] = outcome(getattr(writer, name))
    closed = S.create_file_writer(root)
    with closed.as_default():
        closed.close()
        found["closed writer: scalar"] = outcome(lambda: S.scalar("a", 1.0, step=1))
        found["closed writer: text"] = outcome(lambda: S.text("a", "x", step=1))
    return found


def events(tf: Any, root: str) -> list[str]:
    """Returns the events of the files of a folder as texts, without what differs from run to run."""
    found = []
    for path in sorted(pathlib.Path(root).iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            event.wall_time = 0
            event.ClearField("source_metadata")
            for value in event.summary.value:
                for place, content in enumerate(value.tensor.string_val):
                    if content.startswith(b"\x89PNG"):  # which of several ways a file is packed in is no matter
                        value.tensor.string_val[place] = tf.io.decode_png(content).numpy().tobytes()
            found.append(str(event))
    return found


def written(tf: Any, root: str) -> dict[str, Any]:
    """Returns what `write` answers, and the events that it writes into a folder."""
    answers = write(tf, root)
    return {"answers": answers, "events": events(tf, root), "failures": failures(tf, f"{root}_failures")}


if __name__ == "__main__":
    import json
    import sys

    import tensorflow

    pathlib.Path(sys.argv[2]).write_text(json.dumps(written(tensorflow, sys.argv[1])))
