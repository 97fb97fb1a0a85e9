"""What the training loop needs of summaries, checkpoints and messages, which are imported at their first use."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context
from tideflow._src.state.graph_keys import GraphKeys


def shared_writer(logdir: str) -> Any:
    """Returns the writer of events that all hooks share for a folder."""
    from tideflow._src.summary.file_writer import FileWriterCache

    return FileWriterCache.get(logdir)


def new_writer(logdir: str) -> Any:
    """Returns a new writer of events."""
    from tideflow._src.summary.file_writer import FileWriter

    return FileWriter(logdir)


def merged_summaries() -> Any:
    """Returns the operation that computes all summaries of the default graph; None if there are none."""
    if not context.default_graph().get_collection(GraphKeys.SUMMARIES):
        return None
    from tideflow._src.summary.graph_summaries import merge_all

    return merge_all()


def write_graph_and_meta_graph(graph: Any, folder: str, writer: Any, saver_def: Any) -> None:
    """Writes a graph to ``graph.pbtxt``, and with its meta graph to a writer of events.

    Args:
      graph: the graph.
      folder: where to write the file.
      writer: the writer, or None.
      saver_def: the definition of the saver, for the meta graph; or None.
    """
    from tideflow._src.io.graph_files import write_graph

    definition = graph.as_graph_def(add_shapes=True)
    write_graph(definition, folder, "graph.pbtxt")
    if writer is not None:
        from tideflow._src.checkpoint.meta_graph import export_meta_graph

        writer.add_graph(graph)
        writer.add_meta_graph(export_meta_graph(graph_def=definition, saver_def=saver_def, graph=graph))


def scalar_summary(tag: str, value: float) -> Any:
    """Returns a ``Summary`` of one number."""
    from tideflow._src.graph import protos

    summary = protos.get("Summary")()
    summary.value.add(tag=tag, simple_value=value)
    return summary


def session_log(status: str, **fields: Any) -> Any:
    """Returns a ``SessionLog`` with the status ``"START"``, ``"STOP"`` or ``"CHECKPOINT"``."""
    from tideflow._src.graph import protos

    kind = protos.get("SessionLog")
    return kind(status=kind.SessionStatus.Value(status), **fields)
