"""The classes of readers: ``tf.compat.v1.TextLineReader`` and its kin."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.errors import UnimplementedError
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


class ReaderBase:
    """Is a reader: it takes names of files from a queue and gives the records in them.

    Args:
      reader_ref: the handle of the reader.
      supports_serialize: whether the state of the reader can be saved.

    Raises:
      RuntimeError: readers exist in graphs only.
    """

    def __init__(self, reader_ref: Any, supports_serialize: bool = False) -> None:
        _check_graph()
        self._reader_ref = reader_ref
        self._supports_serialize = supports_serialize

    @property
    def reader_ref(self) -> Any:
        """The handle of the reader."""
        return self._reader_ref

    @property
    def supports_serialize(self) -> bool:
        """Whether the state of the reader can be saved."""
        return self._supports_serialize

    def read(self, queue: Any, name: str | None = None) -> Any:
        """Returns the next record and its key, as string scalars; takes the next file from ``queue`` as needed."""
        return raw.ReaderReadV2(self._reader_ref, getattr(queue, "queue_ref", queue), name=name)

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> Any:
        """Returns up to ``num_records`` records and their keys, as string vectors; fewer where a file ends."""
        queue_ref = getattr(queue, "queue_ref", queue)
        return raw.ReaderReadUpToV2(self._reader_ref, queue_ref, num_records, name=name)

    def num_records_produced(self, name: str | None = None) -> Any:
        """Returns how many records the reader has given."""
        return raw.ReaderNumRecordsProducedV2(self._reader_ref, name=name)

    def num_work_units_completed(self, name: str | None = None) -> Any:
        """Returns how many files the reader is done with."""
        return raw.ReaderNumWorkUnitsCompletedV2(self._reader_ref, name=name)

    def serialize_state(self, name: str | None = None) -> Any:
        """Returns the state of the reader as a string.

        Raises:
          UnimplementedError: at run time, the reader has a state that cannot be saved.
        """
        return raw.ReaderSerializeStateV2(self._reader_ref, name=name)

    def restore_state(self, state: Any, name: str | None = None) -> Any:
        """Returns the operation that puts the reader into a state."""
        return raw.ReaderRestoreStateV2(self._reader_ref, convert_to_tensor(state, dtypes.string), name=name)

    def reset(self, name: str | None = None) -> Any:
        """Returns the operation that puts the reader back to its beginning."""
        return raw.ReaderResetV2(self._reader_ref, name=name)


def _check_graph() -> None:
    if context.executing_eagerly():
        raise RuntimeError(
            "Readers are not supported when eager execution is enabled. "
            "Instead, please use tf.data to get data into your model."
        )


class WholeFileReader(ReaderBase):
    """Gives whole files: the key is the file's name, the value its contents."""

    def __init__(self, name: str | None = None) -> None:
        _check_graph()
        super().__init__(raw.WholeFileReaderV2(name=name), supports_serialize=True)


class TextLineReader(ReaderBase):
    """Gives the lines of text files without their ends: the key is the file's name and the line's number.

    Args:
      skip_header_lines: how many lines to skip at the beginning of each file.
      name: the name of the operation.
    """

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        _check_graph()
        super().__init__(raw.TextLineReaderV2(skip_header_lines=skip_header_lines or 0, name=name))


class FixedLengthRecordReader(ReaderBase):
    """Gives records of one length.

    Args:
      record_bytes: the length.
      header_bytes, footer_bytes: what to skip at both ends of each file.
      hop_bytes: from the beginning of one record to that of the next; ``record_bytes`` if None.
      name: the name of the operation.
      encoding: ``"ZLIB"`` or ``"GZIP"`` for compressed files.
    """

    def __init__(
        self,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        hop_bytes: int | None = None,
        name: str | None = None,
        encoding: str | None = None,
    ) -> None:
        _check_graph()
        handle = raw.FixedLengthRecordReaderV2(
            record_bytes=record_bytes,
            header_bytes=header_bytes or 0,
            footer_bytes=footer_bytes or 0,
            hop_bytes=hop_bytes or 0,
            encoding=encoding or "",
            name=name,
        )
        super().__init__(handle)


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files: the key is the file's name and the record's offset.

    Args:
      name: the name of the operation.
      options: a ``TFRecordOptions`` that says how files are compressed.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        _check_graph()
        super().__init__(raw.TFRecordReaderV2(name=name, compression_type=compression_of(options)))


_COMPRESSIONS = {0: "", 1: "ZLIB", 2: "GZIP", None: "", "": "", "ZLIB": "ZLIB", "GZIP": "GZIP"}


def compression_of(options: Any) -> str:
    """Returns the name of the compression that ``TFRecordOptions`` say, or a name or number of one."""
    kind = getattr(options, "compression_type", options)
    try:
        return _COMPRESSIONS[kind]
    except (KeyError, TypeError):
        raise ValueError(f"Not a valid compression_type: {kind!r}") from None


class IdentityReader(ReaderBase):
    """Gives what it takes from the queue, as key and as value."""

    def __init__(self, name: str | None = None) -> None:
        _check_graph()
        super().__init__(raw.IdentityReaderV2(name=name), supports_serialize=True)


class LMDBReader(ReaderBase):
    """Stands for the reader of LMDB databases, which TensorFlow's own builds have not carried since 2.0.

    Raises:
      UnimplementedError: always, as where TensorFlow is built without LMDB.
    """

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        _check_graph()
        del options
        raise UnimplementedError(
            None, None, f"LMDBReader {name or ''}: LMDB databases are not supported. Convert them to TFRecord files."
        )
