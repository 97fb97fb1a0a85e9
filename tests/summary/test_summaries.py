"""Tests ``tf.compat.v1.summary`` and event files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tideflow.v0 as tf0
import tideflow.v1 as tf
from tideflow import errors
from tideflow._src.ops.image import png

_DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        yield made


def _run(tensor: tf.Tensor) -> tf.Summary:
    with tf.Session() as session:
        return tf.Summary.FromString(session.run(tensor))


def test_the_values_are_those_of_tensorflow() -> None:
    values = np.array([-1, 0, 1e-20, 1e25, -1e30, 2, 2, 2.5], np.float32)
    image = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3) - 5
    image[0, 0, 0, 1] = np.nan
    made = _run(
        tf.summary.merge(
            [
                tf.summary.scalar("loss", 0.25),
                tf.summary.histogram("values", values),
                tf.summary.image("image", image, max_outputs=1),
                tf.summary.audio("sound", np.array([[0, 0.5, -1, 2]], np.float32), 8000.0),
                tf.summary.text("words", tf.constant("tide")),
            ]
        )
    )
    expected = tf.Summary.FromString((_DATA / "summary.pb").read_bytes())
    for one, other in zip(made.value, expected.value, strict=True):
        if one.HasField("image"):  # zlib's streams differ from one version to the next
            pictures = [png.decode(value.image.encoded_image_string) for value in (one, other)]
            np.testing.assert_array_equal(*pictures)
            one.image.encoded_image_string = other.image.encoded_image_string
        assert one == other


def test_names_and_tags(graph: tf.Graph) -> None:
    with tf.name_scope("layer"):
        plain = tf.summary.scalar("x y", 1.0)
        family = tf.summary.scalar("x", 1.0, family="all")
    assert plain.name == "layer/x_y:0"
    assert [op.name for op in plain.op.inputs[0].op.graph.get_operations()[:3]] == [
        "layer/x_y/tags",
        "layer/x_y/values",
        "layer/x_y",
    ]
    merged = tf.summary.merge_all()
    assert merged.name == "Merge/MergeSummary:0"
    assert [value.tag for value in _run(merged).value] == ["layer/x_y", "all/layer/all/x"]
    assert graph.get_collection("summaries") == [plain, family]
    assert tf.summary.merge_all("none") is None


def test_values_that_are_refused() -> None:
    for made in (
        tf.summary.scalar("a", [1.0]),
        tf.summary.histogram("h", [np.nan]),
        tf.summary.image("i", np.zeros((1, 2, 2, 2), np.float32)),
        tf.summary.audio("s", np.zeros((1, 3), np.float32), 0.0),
        tf.summary.merge([tf.constant("\x00")]),
    ):
        with pytest.raises(errors.InvalidArgumentError):
            _run(made)
    with pytest.raises(ValueError, match="dtype string"):
        tf.summary.text("t", tf.constant(1))


def test_writing_and_reading(tmp_path: Path, graph: tf.Graph) -> None:
    loss = tf.summary.scalar("loss", 0.5)
    text = tf.summary.text("words", tf.constant("tide"))
    with tf.Session() as session, tf.summary.FileWriter(tmp_path / "log", graph) as writer:
        for step in range(25):
            writer.add_summary(session.run(loss), step)
        writer.add_summary(session.run(text), 25)
        writer.add_summary(session.run(text), 26)
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 27)
        writer.add_run_metadata(tf.RunMetadata(), "run", 28)
        with pytest.raises(ValueError, match="already used"):
            writer.add_run_metadata(tf.RunMetadata(), "run", 28)
    (path,) = (tmp_path / "log").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    events = list(tf.train.summary_iterator(str(path)))
    assert events[0].file_version == "brain.Event:2"
    kinds = [event.WhichOneof("what") for event in events[1:]]
    assert kinds == ["graph_def", "meta_graph_def", *["summary"] * 27, "session_log", "tagged_run_metadata"]
    assert [event.step for event in events[3:]] == list(range(29))
    assert tf.GraphDef.FromString(events[1].graph_def).node[-1].name == "words"
    assert events[3].summary.value[0].simple_value == 0.5
    # What a tag means is said once.
    assert [event.summary.value[0].HasField("metadata") for event in events[28:30]] == [True, False]


def test_flushing_and_reopening(tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path), max_queue=100, filename_suffix=".mine")
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)]), 1)
    writer.flush()
    (path,) = tmp_path.iterdir()
    assert path.name.endswith(".mine")
    assert [event.step for event in tf.train.summary_iterator(path)] == [0, 1]
    writer.close()
    writer.add_summary(tf.Summary(), 2)  # warns, and does nothing
    writer.reopen()
    writer.add_summary(tf.Summary(), 3)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert tf.summary.FileWriterCache.get(str(tmp_path)) is tf.summary.FileWriterCache.get(str(tmp_path))
    tf.summary.FileWriterCache.clear()


def test_what_tensorflow_wrote(tmp_path: Path) -> None:
    events = list(tf.train.summary_iterator(str(_DATA / "events.golden")))
    assert [event.step for event in events] == [0, 3]
    assert [value.tag for value in events[1].summary.value] == [
        "loss",
        "values",
        "image/image",
        "sound/audio/0",
        "words",
    ]
    damaged = bytearray((_DATA / "events.golden").read_bytes())
    damaged[60] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(errors.DataLossError):
        list(tf.train.summary_iterator(tmp_path / "damaged"))
    with pytest.raises(errors.NotFoundError):
        list(tf.train.summary_iterator(tmp_path / "none"))


def test_the_names_of_tensorflow_0(tmp_path: Path) -> None:
    tf0.scalar_summary("my loss", 0.5)
    tf0.histogram_summary("values", [1.0, 2.0])
    tf0.image_summary("pictures", np.zeros((1, 2, 2, 1), np.float32))
    assert [value.tag for value in _run(tf0.merge_all_summaries()).value] == ["my loss", "values", "pictures/image/0"]
    assert [value.tag for value in _run(tf0.merge_summary([tf0.scalar_summary("a", 1.0)])).value] == ["a"]
    tf0.train.SummaryWriter(str(tmp_path)).close()
    assert len(list(tmp_path.iterdir())) == 1


def test_queues_say_how_full_they_are(graph: tf.Graph) -> None:
    tf.train.batch([tf.constant(1.0)], batch_size=2, capacity=4)
    assert [item.op.type for item in graph.get_collection("summaries")] == ["ScalarSummary"]
    assert [value.tag for value in _run(tf.summary.merge_all()).value] == ["batch/fraction_of_4_full"]
