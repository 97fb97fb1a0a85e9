"""Writing event files from a graph: writers as resources, and operations that add events to one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from tideflow._src.graph import protos
from tideflow._src.graph.op_def import at_least, default
from tideflow._src.ops.files import file_system
from tideflow._src.ops.parsing.tensors import serialized
from tideflow._src.ops.queues.shared import no_shapes, resource_handle, resource_in
from tideflow._src.ops.summary.event_bytes import checked_metadata, tensor_event
from tideflow._src.ops.summary.event_file import EventFile
from tideflow._src.ops.summary.summary_ops import audio_summary_v2, histogram_summary, image_summary, scalar_summary
from tideflow._src.runtime.checks import scalar
from tideflow._src.runtime.op import op


class SummaryWriter:
    """Is what events are written to: a file, from when it is made until it is closed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._file: EventFile | None = None

    def open(self, create: Callable[[], EventFile]) -> None:
        """Makes the file, unless there is one."""
        with self._lock:
            if self._file is None:
                self._file = create()

    def file(self) -> EventFile:
        """Returns the file.

        Raises:
          NotFoundError: it has not been made yet, or is closed.
        """
        file = self._file
        if file is None:
            raise NotFoundError(None, None, f"Could not find resource: localhost/{self.name}: no file is open for it")
        return file

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        with self._lock:
            file, self._file = self.file(), None
        file.close()


def _file(writer: Any) -> EventFile:
    return resource_in(writer, SummaryWriter).file()  # type: ignore[no-any-return]


def _string(value: Any, name: str) -> bytes:
    held = scalar(value, name)
    return held if isinstance(held, bytes) else bytes(held)


def _event(step: Any) -> Any:
    return protos.get("Event")(wall_time=time.time(), step=int(scalar(step, "step")))


def _parse(message: Any, content: bytes, described: str, place: str = "") -> None:
    try:
        message.ParseFromString(content)
    except Exception:  # protobuf's own, which this floor does not import
        raise DataLossError(None, None, f"Bad {described} binary proto tensor string{place}") from None


def _add_summary(writer: Any, step: Any, summary: Any) -> None:
    """Adds an event with a summary, given as the value that an operation makes."""
    file, event = _file(writer), _event(step)
    event.summary.ParseFromString(summary.item())
    file.add(event)


_STATEFUL: dict[str, Any] = {"tier": "host", "stateful": True, "differentiable": "missing"}


@op("SummaryWriter", "-> writer: resource", **_STATEFUL)
def summary_writer_op(*, shared_name: str = "", container: str = ""):
    """Gives a writer, whose file is made by another operation."""
    return resource_handle(container, shared_name, SummaryWriter, lambda: SummaryWriter(shared_name or "SummaryWriter"))


@summary_writer_op.shape
def _summary_writer_shape():
    return ()


@op(
    "CreateSummaryFileWriter",
    "writer: resource, logdir: string, max_queue: int32, flush_millis: int32, filename_suffix: string ->",
    **_STATEFUL,
)
def create_summary_file_writer_op(writer, logdir, max_queue, flush_millis, filename_suffix):
    """Makes the event file of a writer, in a folder, unless it has one."""
    held = resource_in(writer, SummaryWriter)
    folder = file_system.text_of(_string(logdir, "logdir"))
    most, seconds = int(scalar(max_queue, "max_queue")), int(scalar(flush_millis, "flush_millis")) / 1000
    suffix = file_system.text_of(_string(filename_suffix, "filename_suffix"))
    held.open(lambda: EventFile(folder, most, seconds, suffix))


@op("FlushSummaryWriter", "writer: resource ->", **_STATEFUL)
def flush_summary_writer_op(writer):
    """Returns when all events that were added are in the file."""
    _file(writer).flush()


@op("CloseSummaryWriter", "writer: resource ->", **_STATEFUL)
def close_summary_writer_op(writer):
    """Closes the file of a writer; it may get another one."""
    resource_in(writer, SummaryWriter).close()


@op("WriteSummary", "writer: resource, step: int64, tensor: T, tag: string, summary_metadata: string ->", **_STATEFUL)
def write_summary_op(writer, step, tensor, tag, summary_metadata):
    """Writes a tensor, and what it means."""
    file = _file(writer)
    content = _string(summary_metadata, "summary_metadata")
    try:
        metadata = checked_metadata(content) if content else None
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    name = _string(tag, "tag").decode(errors="replace").encode()
    file.add_serialized(tensor_event(int(scalar(step, "step")), name, serialized(tensor), metadata))


@op("ImportEvent", "writer: resource, event: string ->", **_STATEFUL)
def import_event_op(writer, event):
    """Writes an event, given as a serialized ``Event`` message."""
    message = protos.get("Event")()
    _parse(message, _string(event, "event"), "tf.Event")
    _file(writer).add(message)


@op("WriteRawProtoSummary", "writer: resource, step: int64, tensor: string ->", **_STATEFUL)
def write_raw_proto_summary_op(writer, step, tensor):
    """Writes summaries, given as serialized ``Summary`` messages, as one."""
    file, event = _file(writer), _event(step)
    for number, content in enumerate(np.ravel(tensor)):
        part = protos.get("Summary")()
        _parse(part, content, "tf.compat.v1.Summary", f" at index {number}")
        event.summary.MergeFrom(part)
    event.summary.SetInParent()
    file.add(event)


@op("WriteGraphSummary", "writer: resource, step: int64, tensor: string ->", **_STATEFUL)
def write_graph_summary_op(writer, step, tensor):
    """Writes a graph, given as a serialized ``GraphDef`` message."""
    file, event = _file(writer), _event(step)
    content = _string(tensor, "tensor")
    _parse(protos.get("GraphDef")(), content, "tf.GraphDef")
    event.graph_def = content
    file.add(event)


_NUMBERS = (
    *("float32", "float64", "int32", "uint8", "int16", "int8", "int64", "bfloat16", "uint16", "float16"),
    *("uint32", "uint64"),
)


@op("WriteScalarSummary", "writer: resource, step: int64, tag: string, value: T ->", T=_NUMBERS, **_STATEFUL)
def write_scalar_summary_op(writer, step, tag, value):
    """Writes a number."""
    scalar(value, "value")
    scalar(tag, "tag")
    _add_summary(writer, step, scalar_summary.kernel(tag, value))


@op(
    "WriteHistogramSummary",
    "writer: resource, step: int64, tag: string, values: T ->",
    T=default("float32", (*_NUMBERS, "bool")),
    **_STATEFUL,
)
def write_histogram_summary_op(writer, step, tag, values):
    """Writes how numbers are distributed."""
    _add_summary(writer, step, histogram_summary.kernel(tag, values))


@op(
    "WriteImageSummary",
    "writer: resource, step: int64, tag: string, tensor: T, bad_color: uint8 ->",
    T=default("float32", ("uint8", "float64", "float32", "float16")),
    max_images=at_least(1, default=3),
    **_STATEFUL,
)
def write_image_summary_op(writer, step, tag, tensor, bad_color, *, max_images: int):
    """Writes images, as PNG files."""
    _add_summary(writer, step, image_summary.kernel(tag, tensor, max_images=max_images, bad_color=bad_color))


@op(
    "WriteAudioSummary",
    "writer: resource, step: int64, tag: string, tensor: float32, sample_rate: float32 ->",
    max_outputs=at_least(1, default=3),
    **_STATEFUL,
)
def write_audio_summary_op(writer, step, tag, tensor, sample_rate, *, max_outputs: int):
    """Writes sounds, as WAV files."""
    _add_summary(writer, step, audio_summary_v2.kernel(tag, tensor, sample_rate, max_outputs=max_outputs))


for _operation in (
    create_summary_file_writer_op,
    flush_summary_writer_op,
    close_summary_writer_op,
    write_summary_op,
    import_event_op,
    write_raw_proto_summary_op,
    write_graph_summary_op,
    write_scalar_summary_op,
    write_histogram_summary_op,
    write_image_summary_op,
    write_audio_summary_op,
):
    _operation.shape(no_shapes)


def _opened(s: Any) -> tuple[Any, dict[str, Any]]:
    """Returns a writer, and the calls that open its file."""
    import tempfile  # only tests ask for samples

    name = f"sampled_{s.definition.name}"
    writer = s.produced("SummaryWriter", shared_name=name)
    folder = os.fsencode(os.path.join(tempfile.gettempdir(), "tideflow_samples", name))
    return writer, {"before": [s.of("CreateSummaryFileWriter", writer, folder, 10, 60_000, b"")]}


@summary_writer_op.samples
def _summary_writer_samples(s):
    yield s(shared_name="sampled_SummaryWriter")


@create_summary_file_writer_op.samples
def _create_samples(s):
    import tempfile

    writer = s.produced("SummaryWriter", shared_name="sampled_CreateSummaryFileWriter")
    folder = os.fsencode(os.path.join(tempfile.gettempdir(), "tideflow_samples", "created"))
    yield s(writer, folder, 10, 60_000, b".suffix")
    other = s.produced("SummaryWriter", shared_name="sampled_CreateSummaryFileWriter_2")
    yield s(other, [folder], 10, 60_000, b"", error="InvalidArgumentError")


def _ends_samples(s: Any) -> Any:
    writer, opened = _opened(s)
    yield s(writer, **opened)
    yield s(s.produced("SummaryWriter", shared_name="sampled_unopened"), error="NotFoundError")


flush_summary_writer_op.samples(_ends_samples)
close_summary_writer_op.samples(_ends_samples)


@write_summary_op.samples
def _write_summary_samples(s):
    writer, opened = _opened(s)
    yield s(writer, 3, s.normal(2, 3), b"a", b"", **opened)
    yield s(writer, 3, s.strings((2,)), b"a", b"", **opened)


@import_event_op.samples
def _import_event_samples(s):
    writer, opened = _opened(s)
    yield s(writer, protos.get("Event")(step=4).SerializeToString(), **opened)
    yield s(writer, b"\xff\xff", error="DataLossError", **opened)


@write_raw_proto_summary_op.samples
def _write_raw_samples(s):
    writer, opened = _opened(s)
    content = b"\n\x08\n\x01a\x15\x00\x00\x80?"
    yield s(writer, 3, content, **opened)
    yield s(writer, 3, np.array([content, content], object), **opened)
    yield s(writer, 3, b"\xff\xff", error="DataLossError", **opened)


@write_graph_summary_op.samples
def _write_graph_samples(s):
    writer, opened = _opened(s)
    yield s(writer, 3, b"", **opened)


@write_scalar_summary_op.samples
def _write_scalar_samples(s):
    writer, opened = _opened(s)
    for dtype in s.dtypes("T"):
        yield s(writer, 3, b"a", s.array((), dtype), **opened)
    unopened = s.produced("SummaryWriter", shared_name="sampled_unopened")
    yield s(unopened, 3, b"a", 1.0, error="NotFoundError")


@write_histogram_summary_op.samples
def _write_histogram_samples(s):
    writer, opened = _opened(s)
    for dtype in s.dtypes("T"):
        yield s(writer, 3, b"a", s.array((2, 3), dtype), **opened)
    yield s(writer, 3, b"a", np.float32([np.nan]), error="InvalidArgumentError", **opened)


@write_image_summary_op.samples
def _write_image_samples(s):
    writer, opened = _opened(s)
    red = np.uint8([255, 0, 0, 255])
    yield s(writer, 3, b"a", s.normal(2, 3, 3, 3), red, **opened)
    yield s(writer, 3, b"a", s.array((2, 3, 3, 1), "uint8"), red, max_images=1, **opened)
    yield s(writer, 3, b"a", s.normal(2, 3, 2), red, error="InvalidArgumentError", **opened)


@write_audio_summary_op.samples
def _write_audio_samples(s):
    writer, opened = _opened(s)
    yield s(writer, 3, b"a", np.float32([[0, 0.5, -1, 2]]), np.float32(8000), **opened)
