"""Tests ``tf.contrib.summary`` of TensorFlow 1.x; its functions are in a private module of TensorFlow 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tideflow as tf
import tideflow.compat.v1 as v1
from tideflow._src.compat import contrib_summary as summary


def values(folder: Path) -> list[tuple[int, str, str | None]]:
    (path,) = folder.iterdir()
    return [
        (event.step, value.tag, value.WhichOneof("value"))
        for event in v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]


def write_all(loss: Any) -> None:
    summary.scalar("loss", loss)
    with tf.name_scope("outer"):
        summary.histogram("h", [1.0, 2.0], family="family")
    summary.image("image", tf.zeros([1, 2, 2, 3]))
    summary.audio("sound", tf.zeros([1, 4]), 8000.0, 1)
    summary.generic("tensor", [1, 2], metadata=v1.SummaryMetadata(display_name="shown"))


WRITTEN = [
    ("loss", "simple_value"),
    ("family/outer/family/h", "histo"),
    ("image/image/0", "image"),
    ("sound/audio", "audio"),
    ("tensor", "tensor"),
]


def test_a_session_writes_at_every_second_global_step(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph, v1.Session() as session:
        step = v1.train.get_or_create_global_step()
        writer = summary.create_file_writer(str(tmp_path))
        with writer.as_default(), summary.record_summaries_every_n_global_steps(2):
            write_all(v1.placeholder_with_default(0.5, []))
            increase = v1.assign_add(step, 1)
            session.run(v1.global_variables_initializer())
            summary.initialize(graph=graph, session=session)
            for number in range(4):
                assert session.run(summary.all_summary_ops()) == [number % 2 == 0] * 5
                session.run(increase)
            session.run(writer.close())
    assert values(tmp_path) == [(number, *value) for number in (0, 2) for value in WRITTEN]


def test_eagerly_nothing_is_written_unless_a_program_says_so(tmp_path: Path) -> None:
    with tf.Graph().as_default(), pytest.raises(TypeError, match="in graph mode"):
        summary.graph(tf.Graph())
    with summary.create_file_writer(str(tmp_path)).as_default():
        assert not summary.scalar("no", 1.0, step=1)
        assert summary.is_recording_summaries() is False
        with summary.always_record_summaries():
            assert summary.scalar("yes", 1.0, step=3)
            with summary.never_record_summaries():
                assert not summary.scalar("no", 1.0, step=3)
        summary.graph(tf.Graph(), step=4)
    assert values(tmp_path) == [(3, "yes", "simple_value")]
    with summary.create_file_writer(None).as_default():
        assert not summary.has_default_writer()
    with pytest.raises(RuntimeError, match="only supported in graph mode"):
        summary.summary_writer_initializer_op()
