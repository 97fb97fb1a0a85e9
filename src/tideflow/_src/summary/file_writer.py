"""Defines ``FileWriter``, which writes summaries, graphs and other events to a folder for TensorBoard."""

from __future__ import annotations

import threading
import time
from typing import Any

from tideflow._src.checkpoint.meta_graph import export_meta_graph
from tideflow._src.core import context
from tideflow._src.core.logger import get_logger
from tideflow._src.graph import protos
from tideflow._src.graph.graph import Graph
from tideflow._src.ops.files import file_system
from tideflow._src.ops.summary.event_file import EventFile


class FileWriter:
    """Writes events to a new event file in a folder; adding them does not wait for the disk.

    Args:
      logdir: the folder.
      graph: a graph to write first.
      max_queue: how many events may wait to be written.
      flush_secs: how long an event stays in memory at most, in seconds.
      graph_def: deprecated: a ``GraphDef`` to write first.
      filename_suffix: the end of the file's name.
      session: accepted as TensorFlow does, and not used.

    Raises:
      RuntimeError: execution is eager.
    """

    def __init__(
        self,
        logdir: Any,
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        del session
        if context.executing_eagerly():
            raise RuntimeError(
                "tf.summary.FileWriter is not compatible with eager execution. Use `tf.summary.create_file_writer`, or "
                "a `with v1.Graph().as_default():` context"
            )
        self._logdir = file_system.text_of(logdir)
        self._arguments = (self._logdir, max_queue, flush_secs, filename_suffix or "")
        self._file = EventFile(*self._arguments)
        self._closed = False
        self._run_tags: set[str] = set()
        self._seen_tags: set[str] = set()
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)
            definition = graph_def if graph is None else graph.as_graph_def(add_shapes=True)
            self.add_meta_graph(export_meta_graph(graph_def=definition, graph=graph or Graph()))

    def get_logdir(self) -> str:
        """Returns the folder."""
        return self._logdir

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _warn_if_closed(self) -> bool:
        if self._closed:
            get_logger().warning(
                "Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter is "
                "explicitly reopened."
            )
        return self._closed

    def add_event(self, event: Any) -> None:
        """Adds an ``Event``."""
        if not self._warn_if_closed():
            self._file.add(event)

    def _add(self, global_step: Any, **content: Any) -> None:
        event = protos.get("Event")(wall_time=time.time(), **content)
        if global_step is not None:
            event.step = int(global_step)
        self.add_event(event)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Adds a summary.

        Args:
          summary: what a session gave for a summary operation, or a ``Summary``.
          global_step: the step that TensorBoard shows it at.
        """
        kind = protos.get("Summary")
        if not isinstance(summary, kind):  # TensorBoard has classes of its own
            summary = kind.FromString(summary if isinstance(summary, bytes) else summary.SerializeToString())
        for value in summary.value:
            # The first value of a tag says what the tag means.
            if value.HasField("metadata"):
                if value.tag in self._seen_tags:
                    value.ClearField("metadata")
                else:
                    self._seen_tags.add(value.tag)
        self._add(global_step, summary=summary)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Adds a ``SessionLog``, which says that a run started, stopped or wrote a checkpoint."""
        self._add(global_step, session_log=session_log)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Adds a graph.

        Args:
          graph: the graph.
          global_step: the step.
          graph_def: deprecated: a ``GraphDef`` in place of a graph.

        Raises:
          ValueError: neither or both are given.
          TypeError: the graph is none.
        """
        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        if isinstance(graph, Graph):
            definition = graph.as_graph_def(add_shapes=True)
        elif isinstance(graph, protos.get("GraphDef")):
            definition = graph  # as TensorFlow 0.x had it
        elif graph is None and isinstance(graph_def, protos.get("GraphDef")):
            definition = graph_def
        elif graph is None and graph_def is None:
            raise ValueError("The argument graph or graph_def must be given.")
        else:
            raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")
        self._add(global_step, graph_def=definition.SerializeToString())

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Adds a ``MetaGraphDef``.

        Raises:
          TypeError: it is none.
        """
        if not isinstance(meta_graph_def, protos.get("MetaGraphDef")):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add(global_step, meta_graph_def=meta_graph_def.SerializeToString())

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Adds the ``RunMetadata`` of a run under a tag.

        Raises:
          ValueError: the tag was used before.
        """
        if tag in self._run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._run_tags.add(tag)
        tagged = protos.get("TaggedRunMetadata")(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add(global_step, tagged_run_metadata=tagged)

    def flush(self) -> None:
        """Returns when all events added so far are in the file."""
        if not self._closed:
            self._file.flush()

    def close(self) -> None:
        """Writes all events, and closes the file."""
        if not self._closed:
            self._closed = True
            self._file.close()

    def reopen(self) -> None:
        """Begins a new file if this writer is closed."""
        if self._closed:
            self._file = EventFile(*self._arguments)
            self._closed = False


class FileWriterCache:
    """Keeps one writer for each folder."""

    _cache: dict[str, FileWriter] = {}
    _lock = threading.RLock()

    @staticmethod
    def get(logdir: str) -> FileWriter:
        """Returns the writer of a folder, which is made at the first call."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=context.default_graph())
            return FileWriterCache._cache[logdir]

    @staticmethod
    def clear() -> None:
        """Closes all writers and forgets them."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache = {}
