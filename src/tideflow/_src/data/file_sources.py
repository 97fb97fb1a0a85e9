"""Datasets of what files hold: lines of text, records of TFRecord files, records of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import Dataset, VariantDataset
from tideflow._src.data.functions import StructuredFunction
from tideflow._src.data.transformations import integer
from tideflow._src.data.v1 import DatasetV1Adapter
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor

_STRING = TensorSpec([], dtypes.string)
#: Bytes of a buffer where none is asked for.
_BUFFER = 256 << 10


def paths_of(filenames: Any) -> Any:
    """Returns the names of files as a tensor: of a string, a path, a list of these, or a tensor.

    Raises:
      TypeError: it holds something else than strings.
    """
    if hasattr(filenames, "__fspath__"):
        filenames = filenames.__fspath__()
    elif isinstance(filenames, list | tuple):
        filenames = [item.__fspath__() if hasattr(item, "__fspath__") else item for item in filenames]
    if isinstance(filenames, list | tuple) and not filenames:
        return convert_to_tensor(np.zeros(0, object), dtypes.string)
    found = convert_to_tensor(filenames)
    if found.dtype != dtypes.string:
        raise TypeError(f"The `filenames` argument must contain `tf.string` elements. Got `{found.dtype!r}` elements.")
    return raw.Reshape(found, [-1])


def variant_of(filenames: Any, calls: Any, read: Callable[[Any], Any]) -> Any:
    """Returns the tensor of a dataset of what is in files.

    Args:
      filenames: the files: strings, or a dataset of strings.
      calls: how many files are read at once; None: one after the other.
      read: makes the tensor of a dataset of a tensor of names.

    Raises:
      TypeError: there are no strings in the dataset.
    """
    if isinstance(filenames, Dataset):
        spec = filenames.element_spec
        dtype, shape = getattr(spec, "dtype", None), getattr(spec, "shape", None)
        if dtype != dtypes.string:
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements. Got a dataset of "
                f"`{dtype if dtype is None else repr(dtype)}` elements."
            )
        if shape is None or not shape.is_compatible_with([]):
            raise TypeError(
                "The `filenames` argument must contain `tf.string` elements of shape [] (i.e. scalars). Got a dataset "
                f"of element shape {shape!r}."
            )
    else:
        paths = paths_of(filenames)
        if calls is None:
            return read(paths)
        filenames = Dataset.from_tensor_slices(paths)
    kinds = structure.kinds(_STRING)
    files = filenames._variant_tensor

    def dataset_of(path: Any) -> Any:
        return VariantDataset(read(path), _STRING)

    function = StructuredFunction(dataset_of, "Dataset.interleave()", filenames.element_spec)
    if calls is None:
        return raw.FlatMapDataset(files, function.captured, f=function.graph, **kinds)
    ahead, count = integer(-1, "buffer_output_elements"), integer(calls, "num_parallel_calls")
    return raw.ParallelInterleaveDatasetV4(
        files, function.captured, integer(calls, "cycle_length"), integer(1, "block_length"), ahead, ahead, count,
        f=function.graph, deterministic="default", **kinds,
    )  # fmt: skip


def _size(value: Any, default: int, name: str) -> Any:
    return integer(default if value is None else value, name)


def _text(compression: Any) -> Any:
    return convert_to_tensor("" if compression is None else compression, dtypes.string)


class _Lines(VariantDataset):
    """Makes the datasets of lines, of 2.x and 1.x alike."""

    _KIND = ""

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        compression, size = _text(compression_type), _size(buffer_size, _BUFFER, "buffer_size")
        variant = variant_of(filenames, num_parallel_reads, lambda paths: raw.TextLineDataset(paths, compression, size))
        super().__init__(variant, _STRING, self._KIND)


class _Records(VariantDataset):
    """Makes the datasets of TFRecord records, of 2.x and 1.x alike."""

    _KIND = ""

    def __init__(
        self,
        filenames: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        compression, size = _text(compression_type), _size(buffer_size, _BUFFER, "buffer_size")
        variant = variant_of(filenames, num_parallel_reads, lambda paths: raw.TFRecordDataset(paths, compression, size))
        super().__init__(variant, _STRING, self._KIND)


class _Pieces(VariantDataset):
    """Makes the datasets of records of one length, of 2.x and 1.x alike."""

    _KIND = ""

    def __init__(
        self,
        filenames: Any,
        record_bytes: Any,
        header_bytes: Any = None,
        footer_bytes: Any = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:
        record = integer(record_bytes, "record_bytes")
        header, footer = _size(header_bytes, 0, "header_bytes"), _size(footer_bytes, 0, "footer_bytes")
        buffer, compression = _size(buffer_size, _BUFFER, "buffer_size"), _text(compression_type)
        variant = variant_of(
            filenames,
            num_parallel_reads,
            lambda paths: raw.FixedLengthRecordDatasetV2(paths, header, record, footer, buffer, compression),
        )
        super().__init__(variant, _STRING, self._KIND)


class TextLineDataset(_Lines):
    """Is the lines of text files, without their ends, one file after the other.

    Carriage returns are left out, too.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "lines.txt")
    >>> tf.io.write_file(path, "one\\ntwo\\n")
    >>> list(tf.data.TextLineDataset(path).as_numpy_iterator())
    [b'one', b'two']

    Args:
      filenames: a string, a list of strings, a tensor of strings, or a dataset of strings.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
      buffer_size: kept for TensorFlow's signature; it must not be negative.
      num_parallel_reads: how many files are read at once, whose lines then come in turn; None: one after the other.
      name: a name for the dataset.

    Raises:
      TypeError: ``filenames`` holds no strings.
      NotFoundError, DataLossError: while iterating, there is no such file, or its compression is damaged.
    """

    _KIND = "TextLineDatasetV2"


class TFRecordDataset(_Records):
    """Is the records of TFRecord files, as strings, one file after the other.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "records")
    >>> with tf.io.TFRecordWriter(path, "GZIP") as writer:
    ...     writer.write(b"one")
    >>> list(tf.data.TFRecordDataset(path, "GZIP").as_numpy_iterator())
    [b'one']

    Args:
      filenames: a string, a list of strings, a tensor of strings, or a dataset of strings.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
      buffer_size: kept for TensorFlow's signature; it must not be negative.
      num_parallel_reads: how many files are read at once, whose records then come in turn; None: one after the other.
      name: a name for the dataset.

    Raises:
      TypeError: ``filenames`` holds no strings.
      NotFoundError, DataLossError: while iterating, there is no such file, or it is damaged or truncated.
    """

    _KIND = "TFRecordDatasetV2"


class FixedLengthRecordDataset(_Pieces):
    """Is the records of files in which all have one length, as strings, one file after the other.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "records")
    >>> tf.io.write_file(path, "Habcdef")
    >>> list(tf.data.FixedLengthRecordDataset(path, 3, header_bytes=1).as_numpy_iterator())
    [b'abc', b'def']

    Args:
      filenames: a string, a list of strings, a tensor of strings, or a dataset of strings.
      record_bytes: the length.
      header_bytes, footer_bytes: how much is left out at the beginning and at the end of each file.
      buffer_size: kept for TensorFlow's signature; it must not be negative.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
      num_parallel_reads: how many files are read at once, whose records then come in turn; None: one after the other.
      name: a name for the dataset.

    Raises:
      TypeError: ``filenames`` holds no strings.
      InvalidArgumentError: a length is negative; while iterating, a file holds no whole number of records.
    """

    _KIND = "FixedLengthRecordDatasetV2"


class TextLineDatasetV1(_Lines, DatasetV1Adapter):
    """Is ``tf.data.TextLineDataset`` with the methods of TensorFlow 1.x."""

    _KIND = "TextLineDatasetV2"


class TFRecordDatasetV1(_Records, DatasetV1Adapter):
    """Is ``tf.data.TFRecordDataset`` with the methods of TensorFlow 1.x."""

    _KIND = "TFRecordDatasetV2"


class FixedLengthRecordDatasetV1(_Pieces, DatasetV1Adapter):
    """Is ``tf.data.FixedLengthRecordDataset`` with the methods of TensorFlow 1.x."""

    _KIND = "FixedLengthRecordDatasetV2"
