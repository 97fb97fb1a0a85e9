"""Compares the event files that a graph's operations write with TensorFlow's."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import tideflow as tf

from .oracle import Oracle

_WRITE = """
import glob
raw, v1 = tf.raw_ops, tf.compat.v1
writer = raw.SummaryWriter(shared_name=root)
raw.CreateSummaryFileWriter(writer=writer, logdir=root, max_queue=3, flush_millis=60000, filename_suffix=".end")
raw.CreateSummaryFileWriter(writer=writer, logdir=root, max_queue=3, flush_millis=60000, filename_suffix=".other")
red = np.uint8([255, 0, 0, 255])
for value in (1.5, np.float64(2.5), np.int32(7), np.uint8(9), np.int64(-3)):
    raw.WriteScalarSummary(writer=writer, step=1, tag="scalar", value=value)
for values in ([1.0, 2.0, 2.0, -3.0, 0.0], [[1, 2], [3, 4]], [True, False], np.zeros(0, np.float32)):
    raw.WriteHistogramSummary(writer=writer, step=2, tag="histogram", values=values)
shades = np.float32([[0, 1], [-2, np.nan]])[None, :, :, None]
bytes_ = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)
for tensor, most in ((bytes_, 3), (bytes_, 1), (shades, 2), (np.abs(shades), 2)):
    raw.WriteImageSummary(writer=writer, step=3, tag="image", tensor=tensor, bad_color=red, max_images=most)
sound = np.linspace(-1.5, 1.5, 12).astype(np.float32)
for tensor, most in ((sound.reshape(2, 6), 3), (sound.reshape(1, 6, 2), 1)):
    raw.WriteAudioSummary(writer=writer, step=4, tag="sound", tensor=tensor, sample_rate=8000.0, max_outputs=most)
metadata = v1.SummaryMetadata(display_name="shown", plugin_data=dict(plugin_name="scalars")).SerializeToString()
for tensor, content in (([1.0, 2.0], metadata), (["a", "b"], b""), (np.int64(4), metadata)):
    raw.WriteSummary(writer=writer, step=5, tensor=tensor, tag="tensor", summary_metadata=content)
summary = v1.Summary(value=[dict(tag="raw", simple_value=2.0)]).SerializeToString()
raw.WriteRawProtoSummary(writer=writer, step=6, tensor=[summary, summary])
raw.WriteRawProtoSummary(writer=writer, step=6, tensor=summary)
raw.WriteGraphSummary(writer=writer, step=7, tensor=v1.GraphDef(node=[dict(name="a", op="NoOp")]).SerializeToString())
raw.ImportEvent(writer=writer, event=v1.Event(step=8, wall_time=3.0).SerializeToString())
raw.FlushSummaryWriter(writer=writer)
(path,) = glob.glob(root + "/*")
flushed = sum(1 for _ in v1.train.summary_iterator(path))
failures = []
def fails(name, **arguments):
    try:
        getattr(raw, name)(writer=writer, **arguments)
        failures.append(None)
    except tf.errors.OpError as error:
        failures.append((type(error).__name__, error.message.split("}} ")[-1].split(" [Op:")[0]))
fails("WriteHistogramSummary", step=1, tag="h", values=[np.nan])
fails("WriteImageSummary", step=1, tag="i", tensor=np.zeros((2, 2, 1), np.uint8), bad_color=red)
fails("WriteRawProtoSummary", step=1, tensor=[summary, b"\\xff\\xff"])
fails("WriteGraphSummary", step=1, tensor=b"\\xff\\xff")
fails("ImportEvent", event=b"\\xff\\xff")
raw.CloseSummaryWriter(writer=writer)
closed = []
for name in ("FlushSummaryWriter", "CloseSummaryWriter"):
    fails(name)
    closed.append(failures.pop()[0])
events = []
for event in v1.train.summary_iterator(path):
    event.ClearField("source_metadata")
    if event.step != 8:
        event.wall_time = 0.0
    for value in event.summary.value:
        if value.HasField("image"):  # which of several ways a file is packed in is no matter
            pixels = tf.io.decode_png(value.image.encoded_image_string).numpy()
            value.image.encoded_image_string = pixels.tobytes()
    events.append(str(event))
result = [events, failures, closed, flushed, path.endswith(".end")]
"""


def test_events_are_the_same(oracle: Oracle, tmp_path: pathlib.Path) -> None:
    answer = oracle.ask("evaluate", source=f"root = {str(tmp_path / 'theirs')!r}\n{_WRITE}")
    assert "error" not in answer, answer
    here = {"tf": tf, "np": np, "root": str(tmp_path / "ours")}
    exec(compile(_WRITE, "<program>", "exec"), here)
    names = ("events", "failures", "closed", "flushed", "suffix")
    for name, found, wanted in zip(names, here["result"], answer["result"], strict=True):
        assert found == wanted, name
    assert len(here["events"]) == here["flushed"] == 23


def test_what_says_nothing_is_refused(tmp_path: pathlib.Path) -> None:
    """Sounds without frames end the process in TensorFlow; metadata that cannot be read it leaves out."""
    writer = tf.raw_ops.SummaryWriter()
    tf.raw_ops.CreateSummaryFileWriter(
        writer=writer, logdir=str(tmp_path), max_queue=1, flush_millis=1000, filename_suffix=""
    )
    for sound in (np.zeros(3, np.float32), np.float32(0)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Tensor must be 3-D or 2-D"):
            tf.raw_ops.WriteAudioSummary(writer=writer, step=1, tag="a", tensor=sound, sample_rate=8000.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse summary_metadata"):
        tf.raw_ops.WriteSummary(writer=writer, step=1, tensor=1.0, tag="a", summary_metadata=b"\xff\xff")
    with pytest.raises(tf.errors.InvalidArgumentError, match="step must be a scalar"):
        tf.raw_ops.WriteScalarSummary(writer=writer, step=[1], tag="a", value=1.0)
    tf.raw_ops.CloseSummaryWriter(writer=writer)
