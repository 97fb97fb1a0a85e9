"""``tf.summary.trace_on`` and ``trace_export``: the graphs of functions that run, and the times of operations."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.core.tensor import HOST_CPU
from tideflow._src.graph import protos
from tideflow._src.graph.default_graph import inside_function
from tideflow._src.ops.array.constants import constant
from tideflow._src.profiler import session as profiler_session
from tideflow._src.runtime import spans
from tideflow._src.summary.kinds import metadata
from tideflow._src.summary.recording import checked_step, summary_scope
from tideflow._src.summary.writing import write


class _Trace(NamedTuple):
    """Is the trace that is on."""

    graph: bool
    profiler: bool
    #: Whether a profiler was started for it.
    profiles: bool
    recorder: spans.Recorder


_lock = threading.Lock()
_current: _Trace | None = None


def trace_on(graph: bool = True, profiler: bool = False, profiler_outdir: Any = None) -> None:
    """Begins to collect the graphs of the functions that run, in all threads.

    Args:
      graph: whether graphs are collected.
      profiler: whether a profile is recorded, too, and the time that operations take.
      profiler_outdir: the folder that the profile is written to; without one none is recorded.
    """
    global _current
    if inside_function():
        get_logger().warning("Cannot enable trace inside a tf.function.")
        return
    if not context.executing_eagerly():
        get_logger().warning("Must enable trace in eager mode.")
        return
    with _lock:
        if _current is not None:
            get_logger().warning("Trace already enabled")
            return
        profiles = profiler and profiler_outdir is not None
        if profiler and not profiles:
            get_logger().warning("No `profiler_outdir` passed to trace_on(). Profiler won't be enabled.")
        if profiles:
            profiler_session.start(profiler_outdir)
        _current = _Trace(graph, profiler, profiles, spans.Recorder(times=profiler))
        spans.begin(_current.recorder)


def trace_export(name: str, step: Any = None, profiler_outdir: Any = None) -> None:
    """Ends the trace and writes what it has collected to the default writer, if there is one.

    Args:
      name: the name that it is written under.
      step: the step, an integer scalar; the default one if None.
      profiler_outdir: of no effect: `trace_on` takes it.

    Raises:
      ValueError: no trace is on; or there is a writer, but no step.
    """
    if step is not None:
        checked_step(step)
    if inside_function():
        get_logger().warning("Cannot export trace inside a tf.function.")
        return
    if not context.executing_eagerly():
        get_logger().warning("Can only export trace while executing eagerly.")
        return
    with _lock:
        trace = _current
    if trace is None:
        raise ValueError("Must enable trace before export through tf.summary.trace_on.")
    if trace.profiler and profiler_outdir:
        get_logger().warning(
            "Ignoring `profiler_outdir` passed to trace_export(). Please pass it to trace_on() instead."
        )
    spans.end(trace.recorder)  # what writing does is no part of it
    content = run_metadata_of(trace.recorder)
    if trace.graph and not trace.profiler:
        run_metadata_graphs(name, content, step)
    else:
        run_metadata(name, content, step)
    _end(save=True)


def trace_off() -> None:
    """Ends the trace, if one is on, and forgets what it has collected."""
    _end(save=False)


def _end(save: bool) -> None:
    global _current
    with _lock:
        trace, _current = _current, None
    if trace is None:
        return
    spans.end(trace.recorder)
    if trace.profiles:
        try:
            profiler_session.stop(save)
        except Exception as error:
            if save:
                raise
            get_logger().warning("Error while stopping profiler: %s", error)


def run_metadata_of(recorder: spans.Recorder) -> Any:
    """Returns a ``RunMetadata`` with the graphs that ran, and the times of operations where they were recorded."""
    result = protos.get("RunMetadata")()
    for graph in recorder.graphs.values():
        definition = executed_graph(graph)
        collected = result.function_graphs.add()
        collected.pre_optimization_graph.CopyFrom(definition)
        collected.post_optimization_graph.CopyFrom(definition)
        collected.partition_graphs.add().CopyFrom(definition)
        result.partition_graphs.add().CopyFrom(definition)
    if recorder.spans:
        device = result.step_stats.dev_stats.add(device=HOST_CPU)
        # The clock of spans begins anywhere; these are times of day.
        to_wall = time.time_ns() - time.perf_counter_ns()
        for span in recorder.spans:
            if span.kind not in ("kernel", "eager"):
                continue
            length = span.end - span.start
            device.node_stats.add(
                node_name=span.name,
                timeline_label=f"{span.name} = {span.about.get('op', span.name)}",
                thread_id=span.thread,
                all_start_micros=(span.start + to_wall) // 1000,
                op_end_rel_micros=length // 1000,
                all_end_rel_micros=length // 1000,
                all_start_nanos=span.start + to_wall,
                op_end_rel_nanos=length,
                all_end_rel_nanos=length,
            )
    return result


def executed_graph(graph: Any) -> Any:
    """Returns the ``GraphDef`` of a function as it runs: with its arguments, results, functions, shapes and devices."""
    definition = graph.as_graph_def(add_shapes=True)
    arguments = {tensor.op.name: number for number, tensor in enumerate(graph.inputs)}
    for node in definition.node:
        if not node.device:
            node.device = HOST_CPU
        if node.name in arguments:
            dtype = node.attr["dtype"].type
            node.op = "_Arg"
            for attribute in ("dtype", "shape"):
                node.attr.pop(attribute, None)
            node.attr["T"].type = dtype
            node.attr["index"].i = arguments[node.name]
    names = {node.name for node in definition.node}
    for number, tensor in enumerate(graph.outputs):
        name = f"{tensor.op.name}_RetVal"
        while name in names:
            name += "_"
        names.add(name)
        source = tensor.op.name if tensor.value_index == 0 else f"{tensor.op.name}:{tensor.value_index}"
        node = definition.node.add(name=name, op="_Retval", input=[source], device=HOST_CPU)
        node.attr["T"].type = tensor.dtype.base_dtype.as_datatype_enum
        node.attr["index"].i = number
    return definition


def run_metadata(name: str, data: Any, step: Any = None) -> Any:
    """Writes a whole ``RunMetadata`` to the default writer.

    Args:
      name: the name; the name scopes around are put before it.
      data: the message.
      step: the step, an integer scalar; the default one if None.

    Returns:
      A scalar bool tensor: whether it was written.

    Raises:
      ValueError: there is a writer, but no step.
    """
    with summary_scope(name, "graph_run_metadata_summary", [data, step]) as (tag, _):
        return write(tag, constant(data.SerializeToString()), step, metadata("graph_run_metadata", None, b"1"))


def run_metadata_graphs(name: str, data: Any, step: Any = None) -> Any:
    """Writes the graphs of a ``RunMetadata`` to the default writer.

    Args:
      name: the name; the name scopes around are put before it.
      data: the message.
      step: the step, an integer scalar; the default one if None.

    Returns:
      A scalar bool tensor: whether they were written.

    Raises:
      ValueError: there is a writer, but no step.
    """
    graphs = protos.get("RunMetadata")(function_graphs=data.function_graphs, partition_graphs=data.partition_graphs)
    with summary_scope(name, "graph_run_metadata_graph_summary", [data, step]) as (tag, _):
        return write(tag, constant(graphs.SerializeToString()), step, metadata("graph_run_metadata_graph", None, b"1"))
