"""Elements wait in a staging area for the step that takes them."""

from __future__ import annotations

import pytest

import tideflow as tf2
import tideflow.v1 as tf
from tideflow._src.ops.queues.staging_areas import StagingArea


def test_elements_with_names(graph) -> None:
    area = StagingArea([tf.float32, tf.int32], [[2], []], names=["x", "y"], capacity=3)
    put, taken, first, size = area.put({"x": [1.0, 2.0], "y": 3}), area.get(), area.peek(0), area.size()
    clear = area.clear()
    assert taken["x"].shape.as_list() == [2]
    with tf.Session() as session:
        session.run(put)
        session.run(put)
        assert session.run(size) == 2
        for found in (session.run(first), session.run(taken)):
            assert (found["x"].tolist(), found["y"]) == ([1.0, 2.0], 3)
        assert session.run(size) == 1
        session.run(clear)
        assert session.run(size) == 0
    for bad, said in (([1.0], "must enqueue a dictionary"), ({"x": [1.0, 2.0]}, "do not match names")):
        with pytest.raises(ValueError, match=said):
            area.put(bad)
    with pytest.raises(ValueError, match="Unexpected number of inputs 2 vs 1"):
        StagingArea([tf.int32]).put([1, 2])
    with pytest.raises(ValueError, match="the same length as dtypes"):
        StagingArea([tf.int32], [[], []])


def test_eagerly() -> None:
    area = StagingArea([tf2.float32])
    area.put(1.5)
    assert [item.numpy() for item in area.get()] == [1.5]
    assert int(area.size()) == 0
