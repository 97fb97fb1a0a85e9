"""Datasets of files of comma-separated values: ``CsvDataset`` and ``make_csv_dataset``."""

from __future__ import annotations

import collections
import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.float_errors import quiet
from tideflow._src.core.tensor import Tensor
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import Dataset, VariantDataset
from tideflow._src.data.file_sources import _size, _text, paths_of
from tideflow._src.data.options import Options
from tideflow._src.data.v1 import DatasetV1Adapter, of_version_1
from tideflow._src.graph.static_value import static_value
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.files import file_system
from tideflow._src.runtime.convert import convert_to_tensor

_TYPES = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64, dtypes.string)
_BUFFER = 4 << 20


class _Csv(VariantDataset):
    """Makes the datasets of comma-separated values, of 2.x and 1.x alike."""

    _KIND = ""

    def __init__(
        self,
        filenames: Any,
        record_defaults: Any,
        compression_type: Any = None,
        buffer_size: Any = None,
        header: Any = False,
        field_delim: Any = ",",
        use_quote_delim: Any = True,
        na_value: Any = "",
        select_cols: Any = None,
        exclude_cols: Any = None,
    ) -> None:
        defaults = [_default(value) for value in record_defaults]
        specs = tuple(TensorSpec([], value.dtype) for value in defaults)
        variant = raw.CSVDatasetV2(
            paths_of(filenames), _text(compression_type), _size(buffer_size, _BUFFER, "buffer_size"),
            convert_to_tensor(header, dtypes.bool), convert_to_tensor(field_delim, dtypes.string),
            convert_to_tensor(use_quote_delim, dtypes.bool), convert_to_tensor(na_value, dtypes.string),
            _columns(select_cols), defaults, _columns(exclude_cols),
            output_shapes=structure.kinds(specs)["output_shapes"],
        )  # fmt: skip
        super().__init__(variant, specs, self._KIND)


def _default(value: Any) -> Any:
    """Returns a default as a tensor: an empty one of a type where there must be a value."""
    if not isinstance(value, Tensor) and value in _TYPES:
        return convert_to_tensor(np.zeros(0, dtypes.as_dtype(value).as_numpy_dtype), dtypes.as_dtype(value))
    return convert_to_tensor(value)


def _columns(columns: Any) -> Any:
    given = np.zeros(0, np.int64) if columns is None else columns
    return convert_to_tensor(given, dtypes.int64)


class CsvDataset(_Csv):
    """Is the records of files of comma-separated values (RFC 4180), each a tuple of scalars.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "values.csv")
    >>> tf.io.write_file(path, "1,one\\n2,two\\n")
    >>> dataset = tf.data.experimental.CsvDataset(path, [tf.int32, tf.string])
    >>> [(int(number), word.numpy()) for number, word in dataset]
    [(1, b'one'), (2, b'two')]

    Args:
      filenames: a string, a list of strings, or a tensor of strings.
      record_defaults: for each column a dtype, where there must be a value, or a default for it: ``float32``,
        ``float64``, ``int32``, ``int64`` or ``string``.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
      buffer_size: kept for TensorFlow's signature; it must be positive.
      header: whether the first line of each file is left out.
      field_delim: what separates fields, one byte.
      use_quote_delim: whether a field in double quotes may hold delimiters, quotes and ends of lines.
      na_value: what stands for no value, besides nothing.
      select_cols: the numbers of the columns that are wanted, ascending; all by default.
      exclude_cols: the numbers of those that are not.

    Raises:
      InvalidArgumentError: an argument contradicts another; while iterating, a record has too few or too many fields,
        or one is no value of its type. The next call goes on with the record after it.
    """

    _KIND = "CsvDatasetV2"


class CsvDatasetV1(_Csv, DatasetV1Adapter):
    """Is ``tf.data.experimental.CsvDataset`` with the methods of TensorFlow 1.x."""

    _KIND = "CsvDatasetV2"


def make_csv_dataset(
    file_pattern: Any,
    batch_size: Any,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: Any = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: Any = None,
    num_parallel_reads: Any = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: Any = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> Any:
    """Returns a dataset of batches of what files of comma-separated values hold: dictionaries of columns by name.

    Args:
      file_pattern: a pattern of names of files, or a list of these.
      batch_size: how many records a batch has.
      column_names: the names of the columns; those in the first line by default.
      column_defaults: for each column that is wanted a dtype or a default, as of ``CsvDataset``; by default types are
        found from the first records, and values that are absent are 0 or an empty string.
      label_name: the column that is no feature: elements are then pairs of a dictionary and this column.
      select_columns: the names or numbers of the columns that are wanted; all by default.
      field_delim, use_quote_delim, na_value: as of ``CsvDataset``.
      header: whether the first line of each file has names.
      num_epochs: how often the files are gone over; for ever by default.
      shuffle, shuffle_buffer_size, shuffle_seed: whether records come in random order, and how that is drawn.
      prefetch_buffer_size: how many batches are made ahead.
      num_parallel_reads: how many files are read at once; 1 by default.
      sloppy: whether records need not keep their order even without ``shuffle``.
      num_rows_for_inference: how many records are looked at to find types; None for all.
      compression_type: ``""``, ``"ZLIB"`` or ``"GZIP"``.
      ignore_errors: whether records that are wrong are left out.
      encoding: that of the files, where names and types are found in them.

    Raises:
      ValueError: there are no such files, or names, columns and defaults contradict each other or the files.

    >>> import tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "values.csv")
    >>> tf.io.write_file(path, "a,b\\n1,x\\n2,y\\n")
    >>> dataset = tf.data.experimental.make_csv_dataset(path, 2, label_name="b", num_epochs=1, shuffle=False)
    >>> [(features["a"].numpy().tolist(), label.numpy().tolist()) for features, label in dataset]
    [([1, 2], [b'x', b'y'])]
    """
    files = _files(file_pattern)
    dataset = Dataset.from_tensor_slices(files)
    if shuffle:
        dataset = dataset.shuffle(len(files), shuffle_seed)
    texts = _Texts(compression_type, encoding, field_delim, use_quote_delim)
    if column_names is None:
        if not header:
            raise ValueError("Expected `column_names` or `header` arguments. Neither is provided.")
        column_names = texts.names(files)
    if len(set(column_names)) < len(column_names):
        twice = sorted(name for name, count in collections.Counter(column_names).items() if count > 1)
        raise ValueError(f"Either `column_names` argument or CSV header row contains duplicate column names: {twice}.")
    chosen = None if select_columns is None else _numbers(select_columns, column_names)
    if column_defaults is None:
        wanted = range(len(column_names)) if chosen is None else chosen
        defaults = texts.defaults(files, len(column_names), wanted, na_value, header, num_rows_for_inference)
    else:
        defaults = [_default(value) if not isinstance(value, Tensor) else value for value in column_defaults]
    if chosen is not None:
        if len(defaults) != len(chosen):
            raise ValueError(
                "If specified, `column_defaults` and `select_columns` must have the same length: `column_defaults` has "
                f"length {len(defaults)}, `select_columns` has length {len(chosen)}."
            )
        column_names = [column_names[number] for number in chosen]
    if label_name is not None and label_name not in column_names:
        raise ValueError(f"`label_name` provided must be one of the columns: {column_names}. Received: {label_name}.")

    def records_of(path: Any) -> Any:
        found: Any = CsvDataset(
            path, defaults, compression_type, None, header, field_delim, use_quote_delim, na_value, chosen
        )
        return found.ignore_errors() if ignore_errors else found

    def by_name(*columns: Any) -> Any:
        features = collections.OrderedDict(zip(column_names, columns, strict=True))
        if label_name is None:
            return features
        label = features.pop(label_name)
        return features, label

    dataset = read_in_turn(dataset, records_of, 1 if num_parallel_reads is None else num_parallel_reads, sloppy)
    dataset = in_epochs(dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed)
    # Without an end, every batch is full.
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None).map(by_name)
    return dataset.prefetch(-1 if prefetch_buffer_size is None else prefetch_buffer_size)


def read_in_turn(files: Any, records_of: Callable[[Any], Any], calls: Any, sloppy: bool) -> Any:
    """Returns a dataset of the records of files, of so many of them in turn.

    Args:
      files: a dataset of names.
      records_of: makes a dataset of a name.
      calls: how many files are read at once; ``tf.data.AUTOTUNE`` leaves that open.
      sloppy: whether records need not keep their order.
    """
    if calls == -1:
        options = Options()
        options.deterministic = not sloppy
        return files.interleave(records_of, num_parallel_calls=calls).with_options(options)
    return files.interleave(records_of, calls, 1, calls, deterministic=not sloppy)


def in_epochs(dataset: Any, epochs: int | None, shuffle: bool, size: Any, seed: Any) -> Any:
    """Returns a dataset so many times, or for ever, in random order if that is wanted."""
    if shuffle:
        dataset = dataset.shuffle(size, seed)
    return dataset if epochs == 1 else dataset.repeat(epochs)


def _files(pattern: Any) -> list[str]:
    """Returns the names of the files that fit a pattern or a list of patterns, in order.

    Raises:
      ValueError: there is none.
    """
    if isinstance(pattern, list) and not pattern:
        raise ValueError("Argument `file_pattern` should not be empty.")
    patterns = pattern if isinstance(pattern, list) else [pattern]
    found = sorted(name for item in patterns for name in file_system.matching(item))
    if not found:
        raise ValueError(f"No files match `file_pattern` {pattern}.")
    return found


def _numbers(columns: Sequence[Any], names: Sequence[str]) -> list[int]:
    """Returns the numbers of columns that are given by number or name, ascending."""
    places = {name: number for number, name in enumerate(names)}
    found = []
    for column in columns:
        if isinstance(column, int):
            if not 0 <= column < len(names):
                raise ValueError(
                    f"Column index {column} specified in `select_columns` should be >= 0 and < {len(names)}, which is "
                    "the number of columns."
                )
            found.append(column)
        elif column not in places:
            raise ValueError(
                f"Column {column} specified in `select_columns` must be of one of the columns: {list(places)}."
            )
        else:
            found.append(places[column])
    if len(set(found)) < len(found):
        twice = sorted({number for number in found if found.count(number) > 1})
        raise ValueError(f"The `select_columns` argument contains duplicate columns: {twice}.")
    return sorted(found)


class _Texts:
    """Reads the beginnings of files, where names and types of columns are to be found.

    Args:
      compression: how the files are packed, or None.
      encoding: their encoding.
      delimiter, quotes: as of ``CsvDataset``.
    """

    def __init__(self, compression: Any, encoding: str, delimiter: str, quotes: bool) -> None:
        self._compression = compression
        self._encoding = encoding
        self._form: dict[str, Any] = {
            "delimiter": delimiter, "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
        }  # fmt: skip

    def _packed(self) -> bool:
        """Tells whether files are packed by GZIP.

        Raises:
          ValueError: they are packed in another way.
        """
        found = self._compression
        if isinstance(found, Tensor):
            found = static_value(found)
            found = None if found is None else found.item().decode()
            if found is None:
                raise ValueError(f"Received unknown `compression_type` {self._compression}.")
        if found not in (None, "", "GZIP"):
            raise ValueError(f"`compression_type` {found} is not supported for probing columns.")
        return bool(found)

    def _rows(self, path: str) -> Iterator[list[str]]:
        packed = self._packed()
        with file_system.translated(path):
            name = file_system.local(path)
            if packed:
                file: Any = gzip.open(name, "rt", encoding=self._encoding, newline="")  # noqa: SIM115 - closed below
            else:
                file = open(name, encoding=self._encoding, newline="")  # noqa: SIM115 - closed below
        with file:
            yield from csv.reader(file, **self._form)

    def names(self, paths: Sequence[str]) -> list[str]:
        """Returns the names in the first line of every file."""
        found: list[str] | None = None
        for path in paths:
            row = next(self._rows(path), None)
            if row is None:
                raise ValueError(f"Failed when reading the header line of {path}. Is it an empty file?")
            if found is not None and row != found:
                raise ValueError(
                    f"All input CSV files should have the same column names in the header row. File {path} has "
                    "different column names."
                )
            found = row
        assert found is not None
        return found

    def defaults(
        self, paths: Sequence[str], count: int, columns: Sequence[int], absent: str, header: bool, most: int | None
    ) -> list[Any]:
        """Returns a default for each column that is wanted, of the narrowest type that its first values fit."""
        kinds: list[Any] = [None] * len(columns)
        looked_at = 0
        for path in paths:
            for number, row in enumerate(self._rows(path)):
                if header and not number:
                    continue
                if most is not None and looked_at >= most:
                    break
                if len(row) != count:
                    raise ValueError(
                        f"Problem inferring types: CSV row {number + 1} has {len(row)} number of fields. Expected: "
                        f"{count}."
                    )
                looked_at += 1
                kinds = [
                    kind if row[column] in ("", absent) else _kind(row[column], kind)
                    for kind, column in zip(kinds, columns, strict=True)
                ]
        found = [dtypes.string if kind is None else _KINDS[kind] for kind in kinds]
        return [
            convert_to_tensor(np.array([b"" if kind is dtypes.string else 0], kind.as_numpy_dtype), kind)
            for kind in found
        ]


#: The types that are tried, from the narrowest on.
_KINDS = (dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64, dtypes.string)


def _kind(text: str, before: int | None) -> int:
    """Returns the place in ``_KINDS`` of the narrowest type that a value and those before it fit."""
    for place in range(before or 0, len(_KINDS)):
        kind: Any = _KINDS[place].as_numpy_dtype
        try:
            if _KINDS[place] is dtypes.string:
                return place
            with quiet():
                if _KINDS[place].is_floating:
                    if kind(text) < np.inf:
                        return place
                elif np.iinfo(kind).min <= int(text) <= np.iinfo(kind).max:
                    return place
        except ValueError:
            continue
    raise AssertionError("every text is a string")


make_csv_dataset_v1 = of_version_1(make_csv_dataset)
