"""``tf.io.TFRecordWriter``, its options, and the iterator over files of records."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from tideflow._src.core.errors import FailedPreconditionError
from tideflow._src.core.logger import get_logger
from tideflow._src.ops.files import file_system
from tideflow._src.runtime import records


class TFRecordCompressionType:
    """Names the compressions of TensorFlow 1.x."""

    NONE = 0
    ZLIB = 1
    GZIP = 2


class TFRecordOptions:
    """Says how a file of records is compressed.

    Args:
      compression_type: ``"GZIP"``, ``"ZLIB"``, ``""`` or None, or a ``TFRecordCompressionType``.
      flush_mode: zlib's mode for flushing; ``zlib.Z_SYNC_FLUSH`` if None.
      input_buffer_size, output_buffer_size: kept for TensorFlow's signature.
      window_bits: zlib's size of the window, 9 to 15.
      compression_level: 0 to 9, from fast to small.
      compression_method: kept for TensorFlow's signature.
      mem_level: zlib's level of memory, 1 to 9.
      compression_strategy: zlib's strategy.

    Raises:
      ValueError: there is no such compression.
    """

    compression_type_map = {
        TFRecordCompressionType.ZLIB: "ZLIB",
        TFRecordCompressionType.GZIP: "GZIP",
        TFRecordCompressionType.NONE: "",
    }

    def __init__(
        self,
        compression_type: Any = None,
        flush_mode: int | None = None,
        input_buffer_size: int | None = None,
        output_buffer_size: int | None = None,
        window_bits: int | None = None,
        compression_level: int | None = None,
        compression_method: int | None = None,
        mem_level: int | None = None,
        compression_strategy: int | None = None,
    ) -> None:
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type
        self.flush_mode = flush_mode
        self.input_buffer_size = input_buffer_size
        self.output_buffer_size = output_buffer_size
        self.window_bits = window_bits
        self.compression_level = compression_level
        self.compression_method = compression_method
        self.mem_level = mem_level
        self.compression_strategy = compression_strategy

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """Returns ``"GZIP"``, ``"ZLIB"`` or ``""`` for options, or for what can be given as their type."""
        if not options:
            return ""
        if isinstance(options, TFRecordOptions):
            return cls.get_compression_type_string(options.compression_type)
        if options.__hash__ is not None and options in cls.compression_type_map:
            return cls.compression_type_map[options]
        if options in cls.compression_type_map.values():
            return str(options)
        raise ValueError(f'Not a valid compression_type: "{options}"')

    def _compressor(self) -> Any:
        """Returns zlib's compressor for these options."""
        bits = zlib.MAX_WBITS if self.window_bits is None else self.window_bits
        if self.get_compression_type_string(self) == "GZIP":
            bits += 16 if bits <= zlib.MAX_WBITS else 0
        return zlib.compressobj(
            zlib.Z_DEFAULT_COMPRESSION if self.compression_level is None else self.compression_level,
            zlib.DEFLATED,
            bits,
            zlib.DEF_MEM_LEVEL if self.mem_level is None else self.mem_level,
            zlib.Z_DEFAULT_STRATEGY if self.compression_strategy is None else self.compression_strategy,
        )


class TFRecordWriter:
    """Writes records to a file; a context manager that closes it.

    Args:
      path: the file, which is replaced.
      options: a ``TFRecordOptions``, or the name of a compression.

    Raises:
      NotFoundError, PermissionDeniedError, FailedPreconditionError: the file cannot be written.
      ValueError: there is no such compression.
    """

    def __init__(self, path: Any, options: Any = None) -> None:
        self._file: Any = None
        if not isinstance(options, TFRecordOptions):
            options = TFRecordOptions(compression_type=options)
        self._path = path
        name = file_system.local(path)
        self._compressor = options._compressor() if options.get_compression_type_string(options) else None
        self._flush_mode = zlib.Z_SYNC_FLUSH if options.flush_mode is None else options.flush_mode
        with file_system.translated(path):
            self._file = open(name, "wb", 1 << 18)  # noqa: SIM115 - kept until `close`

    def _open_file(self) -> Any:
        if self._file is None:
            raise FailedPreconditionError(None, None, "Writer is closed.")
        return self._file

    def write(self, record: Any) -> None:
        """Writes a record: bytes, or text as UTF-8."""
        file = self._open_file()
        if isinstance(record, str):
            record = record.encode("utf-8")
        elif not isinstance(record, bytes):
            if not isinstance(record, bytearray | memoryview):
                raise TypeError(f"write(): a record is bytes, not {type(record).__name__}: {record!r}")
            record = bytes(record)
        framed = records.frame(record)
        if self._compressor is not None:
            framed = self._compressor.compress(framed)
        with file_system.translated(self._path):
            file.write(framed)

    def flush(self) -> None:
        """Gives what was written to the operating system."""
        file = self._open_file()
        with file_system.translated(self._path):
            if self._compressor is not None:
                file.write(self._compressor.flush(self._flush_mode))
            file.flush()

    def close(self) -> None:
        """Completes and closes the file."""
        file, self._file = self._file, None
        if file is None:
            return
        with file_system.translated(self._path):
            try:
                if self._compressor is not None:
                    file.write(self._compressor.flush())
            finally:
                file.close()

    def __enter__(self) -> TFRecordWriter:
        self._open_file()
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            try:
                self.close()
            except Exception as error:  # nobody could catch it here
                get_logger().warning("A TFRecordWriter that was not closed lost records: %s", error)


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """Yields the records of a file.

    Args:
      path: the file.
      options: a ``TFRecordOptions`` or the name of a compression.

    Raises:
      DataLossError: the file is damaged or truncated.
      NotFoundError: there is no such file.
    """
    compression = TFRecordOptions.get_compression_type_string(options)
    with file_system.translated(path):
        yield from records.read_records(file_system.local(path), compression)
