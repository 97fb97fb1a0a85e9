"""``tf.summary.SummaryWriter`` and what makes writers: of event files, or of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tideflow._src.core import context
from tideflow._src.core.dtypes import string
from tideflow._src.core.tensor import EagerTensor, Tensor
from tideflow._src.graph.default_graph import inside_function
from tideflow._src.io.captured_resource import TrackableResource
from tideflow._src.ops.array.constants import constant
from tideflow._src.ops.array.identity import no_op
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.grouping import control_dependencies
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.scopes import name_scope
from tideflow._src.ops.summary.writer_ops import SummaryWriter as WriterResource
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.runtime.devices import device
from tideflow._src.summary.recording import state

#: The collection of a graph that holds the operations which make the files of its writers.
WRITER_INITIALIZERS = "_SUMMARY_WRITER_V2"


class _AsDefault:
    """Is the context in which a writer is the default: a class, so that ``set_as_default`` can enter it for good."""

    def __init__(self, writer: SummaryWriter, step: Any = None) -> None:
        self._writer = writer
        self._step = step
        self._saved: list[tuple[Any, Any]] = []

    def __enter__(self) -> SummaryWriter:
        self._saved.append((state.writer, state.step))
        state.writer = self._writer
        if self._step is not None:
            state.step = self._step
        return self._writer

    def __exit__(self, *_: Any) -> None:
        if state.writer is not None:
            state.writer.flush()
        state.writer, step = self._saved.pop()
        if self._step is not None:
            state.step = step


class SummaryWriter:
    """Is the interface of what summaries are written with."""

    def set_as_default(self, step: Any = None) -> None:
        """Makes this the default writer of this thread.

        Args:
          step: the default step from now on; None leaves it as it is.
        """
        self.as_default(step).__enter__()

    def as_default(self, step: Any = None) -> Any:
        """Returns a context in which this is the default writer of this thread; leaving it writes what waits.

        Args:
          step: the default step inside; None leaves it as it is.
        """
        return _AsDefault(self, step)

    def init(self) -> Any:
        """Makes the file, in a graph when a session runs the operation that is returned."""
        raise NotImplementedError

    def flush(self) -> Any:
        """Writes what waits."""
        raise NotImplementedError

    def close(self) -> Any:
        """Writes what waits, and closes the file."""
        raise NotImplementedError


class FileSummaryWriter(SummaryWriter):
    """Writes summaries to an event file, through a resource that operations name."""

    def __init__(self, shared_name: str, name: str | None, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._resource = raw.SummaryWriter(shared_name=shared_name, name=name)
        self._init_op = raw.CreateSummaryFileWriter(writer=self._resource, **arguments)
        self._closed = False
        #: The resource itself where it is known: what is written eagerly goes straight to it.
        self.held: WriterResource | None = None
        if isinstance(self._resource, EagerTensor):
            self.held = self._resource._value.resource
        elif (graph := context.current_graph()) is not None:
            graph.add_to_collection(WRITER_INITIALIZERS, self._init_op)

    def _check_open(self) -> None:
        if context.executing_eagerly() and self._closed:
            raise RuntimeError(f"SummaryWriter {self!r} is already closed")

    def set_as_default(self, step: Any = None) -> None:
        """Makes this the default writer of this thread.

        Raises:
          RuntimeError: it is closed.
        """
        self._check_open()
        super().set_as_default(step)

    def as_default(self, step: Any = None) -> Any:
        """Returns a context in which this is the default writer of this thread.

        Raises:
          RuntimeError: it is closed.
        """
        self._check_open()
        return super().as_default(step)

    def init(self) -> Any:
        """Returns the operation that makes the file; eagerly, the file is there already.

        Raises:
          RuntimeError: it is closed.
        """
        self._check_open()
        return self._init_op

    def flush(self) -> Any:
        """Writes what waits; a writer that is closed has nothing waiting."""
        if context.executing_eagerly() and self._closed:
            return None
        with device("cpu:0"):
            return raw.FlushSummaryWriter(writer=self._resource)

    def close(self) -> Any:
        """Writes what waits and closes the file; a second time does nothing."""
        if context.executing_eagerly() and self._closed:
            return None
        try:
            flushed = self.flush()
            with control_dependencies([] if flushed is None else [flushed]), device("cpu:0"):
                return raw.CloseSummaryWriter(writer=self._resource)
        finally:
            if context.executing_eagerly():
                self._closed = True


class TrackableFileSummaryWriter(FileSummaryWriter, TrackableResource):
    """Is a writer that a saved model keeps: what loads it makes a writer of the same folder."""

    def __init__(self, shared_name: str, name: str | None, arguments: dict[str, Any]) -> None:
        TrackableResource.__init__(self, device="/CPU:0")
        FileSummaryWriter.__init__(self, shared_name, name, arguments)
        self._resource_handle = self._resource
        self._create_arguments = {"shared_name": shared_name, "name": name}

    def _create_resource(self) -> Any:
        return raw.SummaryWriter(**self._create_arguments)

    def _initialize(self) -> Any:
        return raw.CreateSummaryFileWriter(writer=self.resource_handle, **self._arguments)

    def _destroy_resource(self) -> None:
        raw.DestroyResourceOp(resource=self.resource_handle, ignore_lookup_error=True)


class NoopSummaryWriter(SummaryWriter):
    """Writes nothing, and never becomes the default."""

    def set_as_default(self, step: Any = None) -> None:
        """Does nothing."""

    @contextmanager
    def as_default(self, step: Any = None) -> Iterator[None]:
        """Returns a context that changes nothing."""
        yield

    def init(self) -> None:
        """Does nothing."""

    def flush(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


def create_file_writer(
    logdir: Any,
    max_queue: Any = None,
    flush_millis: Any = None,
    filename_suffix: Any = None,
    name: str | None = None,
    experimental_trackable: bool = False,
    experimental_mesh: Any = None,
) -> SummaryWriter:
    """Returns a writer of a new event file.

    In a ``tf.function`` the file is made when the function is traced, outside it. In a graph it is made when a session
    runs ``writer.init()``.

    Args:
      logdir: the folder, a string; it is made if it does not exist.
      max_queue: how many summaries gather before a thread writes them; 10 if None.
      flush_millis: the longest time that a summary waits, in milliseconds; 120,000 if None.
      filename_suffix: the end of the file's name; ``.v2`` if None.
      name: the name of the operation.
      experimental_trackable: whether the writer is saved with the object that it is an attribute of.
      experimental_mesh: of no effect: it places what a distributed tensor holds, and there are none here.

    Raises:
      ValueError: the folder is None, or an argument is a tensor of the function being traced.
      PermissionDeniedError, FailedPreconditionError: the folder cannot be written to.
    """
    if logdir is None:
        raise ValueError("Argument `logdir` cannot be None")
    given = {
        "logdir": logdir,
        "max_queue": max_queue,
        "flush_millis": flush_millis,
        "filename_suffix": filename_suffix,
    }
    traced = inside_function()
    with name_scope(name, "create_file_writer") as scope, device("cpu:0"), init_scope():
        if context.executing_eagerly():
            for argument, value in given.items():
                if isinstance(value, Tensor) and not isinstance(value, EagerTensor):
                    where = (
                        "create_file_writer() inside an @tf.function. The create call will be lifted into the outer "
                        "eager execution context, so it cannot consume graph tensors defined inside the function body."
                        if traced
                        else "eagerly executed create_file_writer()."
                    )
                    raise ValueError(f"Invalid graph Tensor argument '{argument}={value}' to {where}")
        arguments = {
            "logdir": convert_to_tensor(logdir, string),
            "max_queue": constant(10) if max_queue is None else max_queue,
            "flush_millis": constant(2 * 60 * 1000) if flush_millis is None else flush_millis,
            "filename_suffix": constant(".v2") if filename_suffix is None else filename_suffix,
        }
        kind = TrackableFileSummaryWriter if experimental_trackable else FileSummaryWriter
        shared_name = "" if context.executing_eagerly() else scope.rstrip("/")
        return kind(shared_name, name, arguments)


def create_noop_writer() -> SummaryWriter:
    """Returns a writer that does nothing: a stand-in where a program expects one.

    >>> with create_noop_writer().as_default():
    ...     pass
    """
    return NoopSummaryWriter()


def flush(writer: Any = None, name: str | None = None) -> Any:
    """Writes what waits, and returns when it is in the file.

    Args:
      writer: the writer; the default one if None, and without one this does nothing.
      name: accepted as TensorFlow does.

    Raises:
      ValueError: it is no writer.
    """
    del name
    if writer is None:
        writer = state.writer
        if writer is None:
            return no_op()
    if isinstance(writer, SummaryWriter):
        return writer.flush()
    raise ValueError(f"Invalid argument to flush(): {writer!r}")


def has_default_writer() -> bool:
    """Tells whether this thread has a default writer."""
    return state.writer is not None


def initialize(graph: Any = None, session: Any = None) -> None:
    """Makes the files of the writers of the default graph, in a session; eagerly, this does nothing.

    Args:
      graph: a graph or ``GraphDef`` to write, at step 0.
      session: the session; the default one if None.

    Raises:
      RuntimeError: there is no default writer.
      ValueError: there is no session.
    """
    if context.executing_eagerly():
        return
    if state.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    if session is None:
        session = context.state.sessions[-1] if context.state.sessions else None
        if session is None:
            raise ValueError("Argument `session must be passed if no default session exists")
    session.run(context.current_graph().get_collection(WRITER_INITIALIZERS))
    if graph is not None:
        content = serialized_graph(graph)
        session.run(raw.WriteGraphSummary(writer=state.writer._resource, step=0, tensor=content))


def serialized_graph(graph: Any) -> bytes:
    """Returns a graph, with the shapes of its tensors, or a ``GraphDef`` as bytes."""
    definition = graph.as_graph_def(add_shapes=True) if hasattr(graph, "as_graph_def") else graph
    return definition.SerializeToString()
