"""Readers as operations: making one, reading, counting, and saving its state."""

from __future__ import annotations

from typing import Any

import numpy as np

from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import OpDef
from tideflow._src.ops.queues.queue_resource import Queue
from tideflow._src.ops.queues.reader_resources import (
    FixedLengthRecordReader,
    IdentityReader,
    Reader,
    TextLineReader,
    TFRecordReader,
    WholeFileReader,
    check_sizes,
)
from tideflow._src.ops.queues.shared import both_forms, no_shapes, resource_handle, resource_in
from tideflow._src.runtime.op import op
from tideflow._src.runtime.records import check_compression


def whole_file_reader(*, container: str = "", shared_name: str = ""):
    """Makes a reader that gives whole files."""
    return resource_handle(container, shared_name, Reader, lambda: WholeFileReader(shared_name))


def identity_reader(*, container: str = "", shared_name: str = ""):
    """Makes a reader that gives what it takes from the queue."""
    return resource_handle(container, shared_name, Reader, lambda: IdentityReader(shared_name))


def text_line_reader(*, skip_header_lines: int = 0, container: str = "", shared_name: str = ""):
    """Makes a reader that gives the lines of text files."""
    return resource_handle(container, shared_name, Reader, lambda: TextLineReader(shared_name, skip_header_lines))


def tf_record_reader(*, container: str = "", shared_name: str = "", compression_type: str = ""):
    """Makes a reader that gives the records of TFRecord files."""
    check_compression(compression_type)
    return resource_handle(container, shared_name, Reader, lambda: TFRecordReader(shared_name, compression_type))


def _fixed_length(
    header: int, record: int, footer: int, hop: int, container: str, shared_name: str, encoding: str
) -> Any:
    check_sizes(shared_name or "FixedLengthRecordReader", header, record, footer, hop)
    check_compression(encoding)

    def make() -> Reader:
        return FixedLengthRecordReader(shared_name, header, record, footer, hop, encoding)

    return resource_handle(container, shared_name, Reader, make)


_FIXED = {"tier": "host", "stateful": True, "differentiable": False}


@op("FixedLengthRecordReader", "-> reader_handle: Ref(string)", **_FIXED)
def fixed_length_record_reader(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
):
    """Makes a reader that gives records of one length."""
    return _fixed_length(header_bytes, record_bytes, footer_bytes, hop_bytes, container, shared_name, "")


@op("FixedLengthRecordReaderV2", "-> reader_handle: resource", **_FIXED)
def fixed_length_record_reader_v2(
    *,
    header_bytes: int = 0,
    record_bytes: int,
    footer_bytes: int = 0,
    hop_bytes: int = 0,
    container: str = "",
    shared_name: str = "",
    encoding: str = "",
):
    """Makes a reader that gives records of one length."""
    return _fixed_length(header_bytes, record_bytes, footer_bytes, hop_bytes, container, shared_name, encoding)


for _reader in (fixed_length_record_reader, fixed_length_record_reader_v2):

    @_reader.shape
    def _reader_shape():
        return ()


def _reader_of(handle: Any) -> Reader:
    return resource_in(handle, Reader)  # type: ignore[no-any-return]


def _string(value: bytes) -> Any:
    result = np.empty((), object)
    result[()] = value
    return result


def _strings(values: list[bytes]) -> Any:
    result = np.empty(len(values), object)
    result[:] = values
    return result


def reader_read(reader_handle, queue_handle):
    """Gives the next record of a reader and its key."""
    key, value = _reader_of(reader_handle).read(resource_in(queue_handle, Queue))
    return _string(key), _string(value)


def reader_read_up_to(reader_handle, queue_handle, num_records):
    """Gives up to so many records of a reader and their keys."""
    if np.ndim(num_records):
        raise InvalidArgumentError(
            None, None, f"num_records must be a scalar, but has shape {list(np.shape(num_records))}."
        )
    keys, values = _reader_of(reader_handle).read_up_to(resource_in(queue_handle, Queue), int(num_records))
    return _strings(keys), _strings(values)


def reader_num_records_produced(reader_handle):
    """Tells how many records a reader has given."""
    return np.int64(_reader_of(reader_handle).produced)


def reader_num_work_units_completed(reader_handle):
    """Tells how many files a reader is done with."""
    return np.int64(_reader_of(reader_handle).work_finished)


def reader_reset(reader_handle):
    """Puts a reader back to its beginning."""
    _reader_of(reader_handle).reset()


def reader_serialize_state(reader_handle):
    """Gives the state of a reader."""
    return _string(_reader_of(reader_handle).serialize_state())


def reader_restore_state(reader_handle, state):
    """Puts a reader into a state."""
    if np.ndim(state):
        raise InvalidArgumentError(None, None, f"state must be a scalar, but has shape {list(np.shape(state))}.")
    _reader_of(reader_handle).restore_state(np.asarray(state, object).item())


def _scalar_shape(*inputs: Any) -> Any:
    return ()


for _name, _kernel in (
    ("WholeFileReader", whole_file_reader),
    ("IdentityReader", identity_reader),
    ("TextLineReader", text_line_reader),
    ("TFRecordReader", tf_record_reader),
):
    both_forms(_name, "-> reader_handle: HANDLE", _kernel, makes=True, shape=_scalar_shape)

_BOTH = "reader_handle: HANDLE, queue_handle: HANDLE"
both_forms("ReaderRead", f"{_BOTH} -> key: string, value: string", reader_read, shape=lambda *inputs: ((), ()))
both_forms(
    "ReaderReadUpTo",
    f"{_BOTH}, num_records: int64 -> keys: string, values: string",
    reader_read_up_to,
    shape=lambda *inputs: ((None,), (None,)),
)
for _name, _output, _kernel in (
    ("ReaderNumRecordsProduced", "records_produced: int64", reader_num_records_produced),
    ("ReaderNumWorkUnitsCompleted", "units_completed: int64", reader_num_work_units_completed),
    ("ReaderSerializeState", "state: string", reader_serialize_state),
):
    both_forms(_name, f"reader_handle: HANDLE -> {_output}", _kernel, shape=_scalar_shape)
both_forms("ReaderReset", "reader_handle: HANDLE ->", reader_reset, shape=no_shapes)
both_forms("ReaderRestoreState", "reader_handle: HANDLE, state: string ->", reader_restore_state, shape=no_shapes)


# Samples.


def _sampled(form: str) -> None:
    """Gives samples to the operations of one form."""
    registry = OpDef.registry

    def reader(s: Any) -> Any:
        return s.produced(f"IdentityReader{form}")

    def queue(s: Any) -> tuple[Any, list[Any]]:
        made = s.produced(f"FIFOQueue{form}", component_types=["string"], shapes=[()])
        words = np.array([b"a", b"b", b"c"], object)
        return made, [s.of(f"QueueEnqueueMany{form}", made, [words])]

    def make(s: Any) -> Any:
        yield s(shared_name=f"sampled_{s.definition.name}")

    def make_fixed(s: Any) -> Any:
        yield s(record_bytes=2, shared_name=f"sampled_{s.definition.name}")
        yield s(record_bytes=0, error="InvalidArgumentError")

    def read(s: Any) -> Any:
        names, before = queue(s)
        yield s(reader(s), names, before=before)

    def read_up_to(s: Any) -> Any:
        names, before = queue(s)
        yield s(reader(s), names, np.int64(2), before=before)
        names, before = queue(s)
        yield s(reader(s), names, np.int64(0), before=before, error="InvalidArgumentError")

    def plain(s: Any) -> Any:
        yield s(reader(s))

    def restore(s: Any) -> Any:
        yield s(reader(s), np.array(b"", object))
        yield s(reader(s), np.array(b"\xff\xff\xff", object), error="InvalidArgumentError")

    for name in ("WholeFileReader", "IdentityReader", "TextLineReader", "TFRecordReader"):
        registry[name + form].samples(make)
    registry[f"FixedLengthRecordReader{form}"].samples(make_fixed)
    registry[f"ReaderRead{form}"].samples(read)
    registry[f"ReaderReadUpTo{form}"].samples(read_up_to)
    registry[f"ReaderRestoreState{form}"].samples(restore)
    for name in ("NumRecordsProduced", "NumWorkUnitsCompleted", "SerializeState", "Reset"):
        registry[f"Reader{name}{form}"].samples(plain)


_sampled("")
_sampled("V2")
