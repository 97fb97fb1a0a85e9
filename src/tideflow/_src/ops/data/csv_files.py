"""Datasets of records of comma-separated values in files (RFC 4180), each value a component."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, OpError
from tideflow._src.graph.op_def import REQUIRED, Constraint, Shape
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, dtype_of, rows, scalar
from tideflow._src.ops.data.files_of_records import _file, _opened, _parts, compression_in, paths_in
from tideflow._src.ops.data.stage import Run, Running, Stage, named
from tideflow._src.ops.files import file_system
from tideflow._src.ops.parsing.csv import column_of

#: Bytes of text that may stand before the place that is read.
_KEPT = 1 << 17
#: What reading a file yields: the fields of a record, or what is wrong with it.
_Record = list[bytes] | InvalidArgumentError


class _Scanner:
    """Takes text apart into records.

    Args:
      parts: the text, in parts of any size.
      delimiter: what separates fields, one byte.
      quotes: whether a field in double quotes may hold delimiters and ends of lines.
    """

    def __init__(self, parts: Iterator[bytes], delimiter: bytes, quotes: bool) -> None:
        self._parts = parts
        self._delimiter = delimiter
        self._quotes = quotes
        self._text = b""
        self._at = 0
        self._ended = False

    def _more(self) -> bool:
        """Adds a part to the text; tells whether there was one."""
        part = next(self._parts, b"")
        self._text += part
        self._ended = not part
        return bool(part)

    def _line(self, start: int) -> tuple[int, int]:
        """Returns where the line that begins at a place ends, and where the next one begins; -1 if there is no end."""
        while True:
            end = self._text.find(b"\n", start)
            early = self._text.find(b"\r", start, end if end >= 0 else len(self._text))
            end = end if early < 0 else early
            if end >= 0 and end + 1 == len(self._text) and self._text[end:] == b"\r" and self._more():
                continue
            if end >= 0:
                return end, end + (2 if self._text[end : end + 2] == b"\r\n" else 1)
            if self._ended or not self._more():
                return -1, len(self._text)

    def next(self) -> _Record | None:
        """Returns the next record, or None at the end."""
        if self._at > _KEPT:
            self._text, self._at = self._text[self._at :], 0
        start = self._at
        end, after = self._line(start)
        if end < 0:
            end = after
            if end == start:
                return None
        line = self._text[start:end]
        if not self._quotes or b'"' not in line:
            self._at = after
            return line.split(self._delimiter)
        return self._quoted_record(start)

    def _quoted_record(self, place: int) -> _Record:
        fields: list[bytes] = []
        problem = ""
        while True:
            if self._text[place : place + 1] == b'"':
                field, place, wrong = self._quoted_field(place + 1)
                problem = wrong or problem
            else:
                end, _ = self._line(place)
                end = len(self._text) if end < 0 else end
                stop = self._text.find(self._delimiter, place, end)
                stop = end if stop < 0 else stop
                field, place = self._text[place:stop], stop
                if b'"' in field:
                    problem = problem or "Unquoted fields cannot have quotes inside"
            fields.append(field)
            if self._text[place : place + 1] != self._delimiter:
                break
            place += 1
        self._at = self._line(place)[1]
        return InvalidArgumentError(None, None, problem) if problem else fields

    def _quoted_field(self, place: int) -> tuple[bytes, int, str]:
        """Returns the field from behind a quote on, the place behind the last quote, and what is wrong."""
        parts: list[bytes] = []
        problem = ""
        while True:
            stop = self._text.find(b'"', place)
            while (stop < 0 or stop + 1 == len(self._text)) and not self._ended:
                self._more()
                stop = self._text.find(b'"', place)
            if stop < 0:
                return b"", len(self._text), "Reached end of file without closing quoted field in record"
            parts.append(self._text[place:stop])
            after = self._text[stop + 1 : stop + 2]
            if after in (b"", self._delimiter, b"\n", b"\r"):
                return b"".join(parts), stop + 1, problem
            if after != b'"':
                problem = "Quote inside a string has to be escaped by another quote"
                place = stop + 1
            else:
                parts.append(b'"')
                place = stop + 2


class CsvFiles(Stage):
    """Is the records of files, one file after the other.

    Args:
      kind, types, shapes: as of a stage.
      paths, compression: the files, and how they are packed.
      header: whether the first line of each is left out.
      delimiter, quotes, absent: what separates fields, whether quotes count, and what stands for no value.
      columns: the columns that are wanted, or None for all.
      left_out: the columns that are not.
      defaults: for each component a default, or an empty array where there must be a value.
    """

    is_light = False

    def __init__(
        self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], paths: Sequence[bytes], compression: str,
        header: bool, delimiter: bytes, quotes: bool, absent: bytes, columns: Sequence[int] | None,
        left_out: Sequence[int], defaults: Sequence[Any],
    ) -> None:  # fmt: skip
        super().__init__(kind, types, shapes)
        self.paths = paths
        self._compression = compression
        self._header = header
        self._delimiter = delimiter
        self._quotes = quotes
        self._absent = {b"", absent}
        self._columns = columns
        self._left_out = frozenset(left_out)
        self._defaults = defaults

    def iterate(self, run: Run) -> Running:
        return _CsvRunning(self)

    def describe(self) -> str:
        return f"{self.kind}({', '.join(map(file_system.text_of, self.paths[:2]))})"

    def records(self, number: int) -> Iterator[_Record]:
        """Yields the records of a file.

        Raises:
          NotFoundError, DataLossError: it cannot be read.
          InvalidArgumentError: it has no header.
        """
        file = _opened(self.paths[number], self._compression)
        try:
            scanner = _Scanner(_parts(file), self._delimiter, self._quotes)
            if self._header and scanner.next() is None:
                raise InvalidArgumentError(None, None, "Can't read header of file")
            while (record := scanner.next()) is not None:
                yield record
        finally:
            file.close()

    def stacked(self, records: Sequence[_Record]) -> list[Any]:
        """Returns records as columns of values.

        Raises:
          InvalidArgumentError: a record has too few or too many fields, or one is no value of its type.
        """
        chosen = [self._chosen(record) for record in records]
        found = []
        for number, (fields, default) in enumerate(zip(zip(*chosen, strict=True), self._defaults, strict=True)):
            found.append(column_of(number, fields, default, self._absent, "record"))
        return found

    def _chosen(self, record: _Record) -> list[bytes]:
        if isinstance(record, InvalidArgumentError):
            raise record
        wanted = len(self._defaults)
        fields: Sequence[bytes] = record
        if self._columns is not None:
            fields = [record[index] for index in self._columns if index < len(record)]
        elif self._left_out:
            fields = [field for index, field in enumerate(record) if index not in self._left_out]
        if len(fields) == wanted:
            return list(fields)
        # What is wrong with the fields that are there comes first.
        for number, (field, default) in enumerate(zip(fields, self._defaults, strict=False)):
            column_of(number, [field], default, self._absent, "record")
        have = "more" if len(fields) > wanted else str(len(fields))
        raise InvalidArgumentError(None, None, f"Expect {wanted} fields but have {have} in record")


class _CsvRunning(Running):
    """Reads file after file. A record that is wrong is passed over once that was said, and so is the rest of a file."""

    has_blocks = True

    def __init__(self, stage: CsvFiles) -> None:
        self._stage = stage
        self._file = 0
        self._given = 0
        self._ahead: list[_Record] = []
        self._records: Iterator[_Record] | None = None
        self._broken: OpError | None = None

    def next(self) -> Element | None:
        block = self.next_block(1)
        return None if block is None else rows(block)[0]

    def next_block(self, count: int) -> list[Any] | None:
        while self._file < len(self._stage.paths):
            self._look_ahead(count)
            if self._ahead:
                return self._taken(min(count, len(self._ahead)))
            problem = self._broken
            self._records = self._broken = None
            self._file, self._given = self._file + 1, 0
            if problem is not None:
                raise named(problem, self._stage.kind)
        return None

    def _look_ahead(self, count: int) -> None:
        """Reads until so many records of this file are ahead, or there is no further one."""
        if self._broken is not None:
            return
        try:
            if self._records is None:
                self._records = self._stage.records(self._file)
            while len(self._ahead) < count:
                self._ahead.append(next(self._records))
        except StopIteration:
            pass
        except OpError as error:
            # What came before it is given first.
            self._broken = error

    def _taken(self, count: int) -> list[Any]:
        records = self._ahead[:count]
        try:
            found = self._stage.stacked(records)
        except InvalidArgumentError as error:
            if count > 1:
                return self._taken(max(1, self._right(records)))
            self._ahead.pop(0)
            self._given += 1
            raise named(error, self._stage.kind) from None
        del self._ahead[:count]
        self._given += count
        return found

    def _right(self, records: Sequence[_Record]) -> int:
        """Returns how many records stand before the first wrong one."""
        for number, record in enumerate(records):
            try:
                self._stage.stacked([record])
            except InvalidArgumentError:
                return number
        return len(records)

    def save(self) -> Any:
        return self._file, self._given

    def restore(self, position: Any) -> None:
        self.close()
        self._file, self._given = (int(number) for number in position)
        if self._file < len(self._stage.paths) and self._given:
            self._look_ahead(self._given)
            del self._ahead[: self._given]

    def close(self) -> None:
        close = getattr(self._records, "close", None)
        if close is not None:
            close()
        self._records, self._broken = None, None
        self._ahead.clear()


def _csv(
    kind: str, filenames: Any, compression_type: Any, buffer_size: Any, header: Any, field_delim: Any, use_quotes: Any,
    na_value: Any, select_cols: Any, exclude_cols: Any, defaults: Sequence[Any], shapes: Sequence[Shape],
) -> CsvFiles:  # fmt: skip
    if scalar(buffer_size, "buffer_size") <= 0:
        raise InvalidArgumentError(None, None, "buffer_size should be positive")
    delimiter = scalar(field_delim, "field_delim")
    if len(delimiter) != 1:
        raise InvalidArgumentError(None, None, "field_delim should be only 1 char")
    for number, value in enumerate(defaults):
        if value.ndim > 1:
            raise InvalidArgumentError(None, None, "Each record default should be at most rank 1")
        if value.size > 1:
            problem = f"There should only be 1 default per field but field {number} has {value.size}"
            raise InvalidArgumentError(None, None, problem)
    chosen, left_out = np.ravel(select_cols).tolist(), np.ravel(exclude_cols).tolist()
    if chosen and left_out:
        raise InvalidArgumentError(None, None, "Either select_cols or exclude_cols should be empty")
    if chosen and len(chosen) != len(defaults):
        raise InvalidArgumentError(None, None, "select_cols should match output size")
    for name, columns in (("select_cols", chosen), ("exclude_cols", left_out)):
        if any(one >= other for one, other in itertools.pairwise(columns)):
            raise InvalidArgumentError(None, None, f"{name} should be strictly increasing indices")
        if columns and columns[0] < 0:
            raise InvalidArgumentError(None, None, f"{name} should be non-negative indices")
    return CsvFiles(
        kind, [dtype_of(value) for value in defaults], shapes, paths_in(filenames), compression_in(compression_type),
        scalar(header, "header"), delimiter, scalar(use_quotes, "use_quote_delim"), scalar(na_value, "na_value"),
        chosen or None, left_out, defaults,
    )  # fmt: skip


_INPUTS = (
    "filenames: string, compression_type: string, buffer_size: int64, header: bool, field_delim: string, "
    "use_quote_delim: bool, na_value: string, select_cols: int64, record_defaults: list(output_types)"
)
_VALUES = {"output_types": Constraint(("float32", "float64", "int32", "int64", "string"), REQUIRED, 1, "list(type)")}


@dataset_op("CSVDataset", _INPUTS, stateful=True, **_VALUES)
def csv_dataset(
    filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value, select_cols,
    record_defaults, *, output_shapes: list[Shape],
):  # fmt: skip
    """Makes a dataset of the records of files of comma-separated values.

    Raises:
      InvalidArgumentError: a number of columns, a default or the delimiter is none; while iterating, a record has too
        few or too many fields, or one is no value of its type.
    """
    return _csv(
        "CSVDataset", filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value,
        select_cols, (), record_defaults, output_shapes,
    )  # fmt: skip


@dataset_op("ExperimentalCSVDataset", _INPUTS, stateful=True, **_VALUES)
def experimental_csv_dataset(
    filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value, select_cols,
    record_defaults, *, output_shapes: list[Shape],
):  # fmt: skip
    """Makes a dataset of the records of files of comma-separated values."""
    return _csv(
        "ExperimentalCSVDataset", filenames, compression_type, buffer_size, header, field_delim, use_quote_delim,
        na_value, select_cols, (), record_defaults, output_shapes,
    )  # fmt: skip


@dataset_op("CSVDatasetV2", f"{_INPUTS}, exclude_cols: int64", stateful=True, **_VALUES)
def csv_dataset_v2(
    filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value, select_cols,
    record_defaults, exclude_cols, *, output_shapes: list[Shape],
):  # fmt: skip
    """Makes a dataset of the records of files of comma-separated values, of all columns, some, or all but some."""
    return _csv(
        "CSVDatasetV2", filenames, compression_type, buffer_size, header, field_delim, use_quote_delim, na_value,
        select_cols, exclude_cols, record_defaults, output_shapes,
    )  # fmt: skip


_NONE = np.zeros(0, np.int64)
_KINDS = {"output_shapes": [(), ()]}
_TEXT = b'x,y\n1,a\n2,"b\n""c"\r\n,NA\n'


def _csv_samples(s):
    path, written = _file(s, "values.csv", _TEXT)
    first = [path, b"", 4096, True, b",", True, b"NA"]
    defaults = [np.int32([7]), np.array([b"none"], object)]
    more = [_NONE] if s.definition.name == "CSVDatasetV2" else []
    yield s(*first, _NONE, defaults, *more, before=[written], **_KINDS)
    yield s(*first, np.int64([1]), defaults[1:], *more, before=[written], output_shapes=[()])
    yield s(*first, np.int64([1, 0]), defaults, *more, error="InvalidArgumentError", **_KINDS)
    yield s(path, b"", 0, *first[3:], _NONE, defaults, *more, error="InvalidArgumentError", **_KINDS)


csv_dataset.samples(_csv_samples)
experimental_csv_dataset.samples(_csv_samples)


@csv_dataset_v2.samples
def _csv_v2_samples(s):
    yield from _csv_samples(s)
    path, written = _file(s, "values.csv", _TEXT)
    first = [path, b"", 4096, True, b",", True, b"NA"]
    yield s(*first, _NONE, [np.int32(7)], np.int64([1]), before=[written], output_shapes=[()])
    yield s(*first, np.int64([0]), [np.int32(7)], np.int64([1]), error="InvalidArgumentError", output_shapes=[()])
