"""Tests ``tf.summary.graph``, ``trace_on`` and ``trace_export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tideflow as tf


@tf.function
def inner(x: Any) -> Any:
    return x * 2 + 1


@tf.function
def outer(x: Any) -> Any:
    with tf.name_scope("block"):
        y = inner(x)
    return y if tf.reduce_sum(y) > 0 else y + 1


def run_metadata(folder: Path) -> list[tuple[str, int, str, Any]]:
    found = []
    for path in folder.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)) if path.is_file() else ():
            for value in event.summary.value:
                assert value.metadata.plugin_data.content == b"1"
                message = tf.compat.v1.RunMetadata.FromString(value.tensor.string_val[0])
                found.append((value.tag, event.step, value.metadata.plugin_data.plugin_name, message))
    return found


def test_the_graphs_of_the_functions_that_run(tmp_path: Path) -> None:
    outer(tf.ones([2]))
    tf.summary.trace_on()
    for size in (2, 2, 3):
        outer(tf.ones([size]))
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.trace_export("my graph", step=7)
        outer(tf.ones([4]))
        with pytest.raises(ValueError, match="Must enable trace"):
            tf.summary.trace_export("again", step=8)
    ((tag, step, plugin, message),) = run_metadata(tmp_path)
    assert (tag, step, plugin) == ("my graph", 7, "graph_run_metadata_graph")
    assert len(message.function_graphs) == len(message.partition_graphs) == 2
    for size, collected in zip((2, 3), message.function_graphs, strict=True):
        graph = collected.pre_optimization_graph
        nodes = {node.name: node for node in graph.node}
        assert (nodes["x"].op, nodes["x"].attr["index"].i) == ("_Arg", 0)
        assert nodes["Identity_RetVal"].op == "_Retval"
        assert nodes["Identity_RetVal"].input == ["Identity"]
        assert nodes["block/PartitionedCall"].op == "PartitionedCall"
        assert nodes["block/PartitionedCall"].attr["f"].func.name in {f.signature.name for f in graph.library.function}
        (shape,) = nodes["block/PartitionedCall"].attr["_output_shapes"].list.shape
        assert [dim.size for dim in shape.dim] == [size]
        assert {node.device for node in graph.node} == {"/job:localhost/replica:0/task:0/device:CPU:0"}
        branches = [nodes["cond"].attr[branch].func.name for branch in ("then_branch", "else_branch")]
        assert set(branches) <= {function.signature.name for function in graph.library.function}


def test_a_profile_tells_the_times_too(tmp_path: Path) -> None:
    tf.summary.trace_on(graph=True, profiler=True, profiler_outdir=str(tmp_path))
    outer(tf.ones([5]))
    tf.ones([2]) + 1.0
    with tf.summary.create_file_writer(str(tmp_path)).as_default(step=1):
        tf.summary.trace_export("run")
    ((_, _, plugin, message),) = run_metadata(tmp_path)
    assert plugin == "graph_run_metadata"
    (device,) = message.step_stats.dev_stats
    times = {node.node_name: node for node in device.node_stats}
    assert {"block/PartitionedCall", "Sum", "AddV2"} <= set(times)
    assert all(node.all_end_rel_nanos >= 0 and node.all_start_micros > 1_500_000_000_000_000 for node in times.values())
    assert len(list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))) == 1


def test_what_is_ended_without_a_writer_leaves_nothing(tmp_path: Path) -> None:
    tf.summary.trace_off()
    tf.summary.trace_on()
    tf.summary.trace_export("nobody")
    tf.summary.trace_on(profiler=True, profiler_outdir=str(tmp_path))
    tf.summary.trace_off()
    assert list(tmp_path.iterdir()) == []
    tf.summary.trace_on()
    with (
        tf.summary.create_file_writer(str(tmp_path)).as_default(),
        pytest.raises(ValueError, match="No step set"),
    ):
        tf.summary.trace_export("no step")
    tf.summary.trace_off()


def test_a_graph_with_its_functions(tmp_path: Path) -> None:
    graph = outer.get_concrete_function(tf.TensorSpec([6])).graph
    assert not tf.summary.graph(graph)
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        assert tf.summary.graph(graph)
        assert tf.summary.graph(graph.as_graph_def())
        with tf.summary.record_if(False):
            assert not tf.summary.graph(graph)
        with pytest.raises(ValueError, match=r"is not tf\.Graph"):
            tf.summary.graph("graph")
        with tf.Graph().as_default(), pytest.raises(ValueError, match="graph context"):
            tf.summary.graph(graph)
    (path,) = tmp_path.iterdir()
    _, *events = tf.compat.v1.train.summary_iterator(str(path))
    assert [event.step for event in events] == [0, 0]
    written, again = (tf.compat.v1.GraphDef.FromString(event.graph_def) for event in events)
    assert [node.name for node in written.node] == [node.name for node in again.node]
    assert len(written.library.function) == 3
    (shape,) = next(node for node in written.node if node.name == "x").attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [6]
