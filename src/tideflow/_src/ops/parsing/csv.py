"""``decode_csv``: lines of comma-separated values as a tensor for each column (RFC 4180)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError
from tideflow._src.graph.op_def import REQUIRED, Constraint, default
from tideflow._src.ops.strings.numbers import plain_integers
from tideflow._src.runtime.op import op

_TYPES = ("float32", "float64", "int32", "int64", "string")
_NAMES = {"float32": "float", "float64": "double"}


def _fields(record: bytes, delimiter: bytes, quotes: bool) -> list[bytes]:
    """Returns the fields of a record.

    Raises:
      InvalidArgumentError: a quote or the end of a line stands where it must not.
    """
    if not record:
        return []
    if not quotes:
        return record.split(delimiter)
    if b'"' not in record:
        if b"\n" in record or b"\r" in record:
            raise InvalidArgumentError(None, None, f"Unquoted fields cannot have quotes/CRLFs inside: {record[:80]!r}")
        return record.split(delimiter)
    return _quoted_fields(record, delimiter)


def _quoted_fields(record: bytes, delimiter: bytes) -> list[bytes]:
    result = []
    position, end = 0, len(record)
    while True:
        if record[position : position + 1] == b'"':
            field, position = _quoted(record, position + 1, delimiter)
        else:
            stop = record.find(delimiter, position)
            stop = end if stop < 0 else stop
            field, position = record[position:stop], stop
            if b'"' in field or b"\n" in field or b"\r" in field:
                raise InvalidArgumentError(
                    None, None, f"Unquoted fields cannot have quotes/CRLFs inside: {field[:80]!r}"
                )
        result.append(field)
        if position >= end:
            return result
        position += 1


def _quoted(record: bytes, position: int, delimiter: bytes) -> tuple[bytes, int]:
    """Returns what stands between quotes, of which doubled ones are one, and the position after the last."""
    parts = []
    while True:
        stop = record.find(b'"', position)
        if stop < 0:
            raise InvalidArgumentError(
                None, None, f"Quoted field has to end with quote followed by delim or end: {record[:80]!r}"
            )
        parts.append(record[position:stop])
        after = record[stop + 1 : stop + 2]
        if after == b'"':
            parts.append(b'"')
            position = stop + 2
        elif not after or after == delimiter:
            return b"".join(parts), stop + 1
        else:
            raise InvalidArgumentError(
                None, None, f"Quote inside a string has to be escaped by another quote: {record[:80]!r}"
            )


@op(
    "DecodeCSV",
    "records: string, record_defaults: list(OUT_TYPE) -> output: list(OUT_TYPE)",
    tier="host",
    differentiable="missing",
    OUT_TYPE=Constraint(_TYPES, REQUIRED, 1, "list(type)"),
    select_cols=default([], type="list(int)"),
    checks_shapes=True,
)
def decode_csv_op(
    records,
    record_defaults,
    *,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: list[int],
):
    """Turns records of comma-separated values into a tensor for each column."""
    delimiter = field_delim.encode()
    if len(delimiter) != 1:
        raise InvalidArgumentError(None, None, f"field_delim should be only 1 char, got {field_delim!r}")
    for number, value in enumerate(record_defaults):
        if np.size(value) > 1:
            raise InvalidArgumentError(
                None, None, f"There should only be 1 default per field but field {number} has {np.size(value)}"
            )
    _check_selected(select_cols, len(record_defaults))
    count = len(record_defaults)
    items = np.asarray(records, object).ravel().tolist()
    columns = None if select_cols else _plain_columns(items, delimiter, count)
    if columns is None:
        rows = []
        for number, record in enumerate(items):
            row = _fields(record, delimiter, use_quote_delim)
            if select_cols:
                row = [row[index] for index in select_cols if index < len(row)]
            if len(row) != count:
                raise InvalidArgumentError(None, None, f"Expect {count} fields but have {len(row)} in record {number}")
            rows.append(row)
        columns = list(zip(*rows, strict=True)) if rows else [()] * count
    absent = {b"", na_value.encode()}
    shape = np.shape(records)
    return [
        column_of(number, column, np.asarray(value), absent).reshape(shape)
        for number, (column, value) in enumerate(zip(columns, record_defaults, strict=True))
    ]


def _plain_columns(records: list[bytes], delimiter: bytes, count: int) -> list[Any] | None:
    """Splits all records at once, or returns None if there are quotes or line breaks, or too few or too many fields."""
    joined = b"\n".join(records)
    if not joined or b'"' in joined or b"\r" in joined or b"\0" in joined or delimiter in b'\r\n\0"':
        return None
    letters = np.frombuffer(joined, np.uint8)
    ends = letters[np.flatnonzero((letters == ord("\n")) | (letters == delimiter[0]))] == ord("\n")
    if len(ends) != len(records) * count - 1 or np.count_nonzero(ends) != len(records) - 1:
        return None
    if not ends[count - 1 :: count].all() or not all(records):
        return None
    fields = joined.replace(delimiter, b"\n").split(b"\n")
    return [fields[column::count] for column in range(count)]


def _check_selected(selected: Sequence[int], count: int) -> None:
    """Raises InvalidArgumentError if the numbers of columns do not increase or are not as many as the defaults."""
    if not selected:
        return
    if len(selected) != count:
        raise InvalidArgumentError(
            None, None, f"select_cols should match output size, got {len(selected)} columns and {count} defaults"
        )
    if selected[0] < 0 or any(left >= right for left, right in itertools.pairwise(selected)):
        raise InvalidArgumentError(None, None, f"select_cols should be strictly increasing indices, got {selected}")


def column_of(number: int, fields: Sequence[bytes], value: Any, absent: set[bytes], where: str = "") -> Any:
    """Returns the values of a column.

    Args:
      number: the number of the column, for messages.
      fields: the fields.
      value: what stands for those that are absent, or an empty array if none may be.
      absent: what stands for no value.
      where: what messages call the record, in place of its number.

    Raises:
      InvalidArgumentError: a field is no value of the type, or is absent where it must not be.
    """
    dtype = dtypes.as_dtype(value.dtype)
    missing: list[int] = []
    if any(field in fields for field in absent):
        missing = [row for row, field in enumerate(fields) if field in absent]
    if missing:
        if not value.size:
            place = where or f"record {missing[0]}"
            raise InvalidArgumentError(None, None, f"Field {number} is required but missing in {place}!")
        fields = list(fields)
        for row in missing:
            fields[row] = b"0"
    result = np.empty(len(fields), dtype.as_numpy_dtype)
    if dtype.name == "string":
        result[:] = fields
    elif fields:
        result[:] = _numbers(number, fields, dtype, where)
    if missing:
        result[missing] = value.ravel()[0]
    return result


def _numbers(number: int, fields: Sequence[bytes], dtype: DType, where: str) -> Any:
    if dtype.is_integer and (numbers := plain_integers(fields, np.dtype(dtype.as_numpy_dtype))) is not None:
        return numbers
    convert: Any = float if dtype.is_floating else int
    if b"_" not in b"".join(fields):  # which Python would take for a separator of digits
        try:
            numbers = list(map(convert, fields))
            if dtype.is_floating or (dtype.min <= min(numbers) and max(numbers) <= dtype.max):
                return numbers
        except ValueError:
            pass
    return [_number(number, where or f"record {row}", field, dtype) for row, field in enumerate(fields)]


def _number(number: int, where: str, field: bytes, dtype: DType) -> Any:
    try:
        if b"_" in field:
            raise ValueError
        if dtype.is_integer:
            value = int(field)
            if dtype.min <= value <= dtype.max:
                return value
            raise ValueError
        return float.fromhex(field.decode()) if b"x" in field.lower() else float(field)
    except (ValueError, OverflowError):
        shown = field.decode("utf-8", "backslashreplace")
        kind = _NAMES.get(dtype.name, dtype.name)
        raise InvalidArgumentError(None, None, f"Field {number} in {where} is not a valid {kind}: {shown}") from None


@decode_csv_op.shape
def _decode_csv_shape(records, record_defaults):
    for shape in record_defaults:
        if shape is not None and (len(shape) > 1 or (len(shape) == 1 and (shape[0] or 0) > 1)):
            raise ValueError("Shape of a default must be a length-0 or length-1 vector, or a scalar.")
    return [records] * len(record_defaults)


@decode_csv_op.samples
def _decode_csv_samples(s):
    def strings(*values: bytes) -> Any:
        array = np.empty(len(values), object)
        array[:] = values
        return array

    one, text = np.float32(1), np.array([b"none"], object)
    yield s(strings(b"1.5,a", b",b"), [one, text])
    yield s(strings(b'2,"a,""b"""', b"3,\xc3\xa4"), [np.array([7], np.int64), text])
    yield s(strings(b"1;2;x"), [np.array([0], np.int32), text], field_delim=";", select_cols=[0, 2])
    yield s(strings(b"NA,2"), [np.float64(3), np.int32(4)], na_value="NA")
    yield s(strings(b'"a,2'), [text, np.int32(4)], use_quote_delim=False)
    yield s(strings(b"nan,-inf"), [one, np.float64(0)])
    yield s(np.empty((0,), object), [one, text])
    yield s(np.array([[b"1"], [b"2"]], object), [np.int32(0)])
    lines = [b"%d,%d.5,w%d" % (number - 20, number, number) for number in range(40)]
    for more in ([], [b"7,,"], [b'7,2,"a,b"'], [b"+7,\t1 ,\0"]):
        items = [*lines, *more]
        yield s(strings(*items), [np.int64(0), one, text])
        yield s(strings(*items), [np.int32(0), text], select_cols=[0, 2])
    for more in (b"", b"1,2", b"1,2,3,4", b"+,2,a", b"1,2\n,a", b"99999999999999999999,1,a"):
        yield s(strings(*lines, more), [np.int64(0), one, text], error="InvalidArgumentError")
    yield s(strings(*lines, b"1,2", b"1,2,3,4"), [np.int64(0), one, text], error="InvalidArgumentError")
    yield s(strings(*[b"1"] * 40), [np.int32(0)])
    yield s(strings(*[b"1"] * 40, b""), [np.int32(0)], error="InvalidArgumentError")
    for bad in (b"x,a", b"1", b"1,a,b", b'1,a"', b'1,"a', b'1,"a"b', b"1,a\n"):
        yield s(strings(bad), [one, text], error="InvalidArgumentError")
    yield s(strings(b",a"), [np.array([], np.float32), text], error="InvalidArgumentError")
    yield s(strings(b"99999999999"), [np.int32(0)], error="InvalidArgumentError")
    yield s(strings(b"1"), [np.int32(0)], field_delim=";;", error="InvalidArgumentError")


def decode_csv(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
    name: str | None = None,
) -> list[Any]:
    """Turns records of comma-separated values into a tensor for each column.

    >>> import tideflow as tf
    >>> number, word = tf.io.decode_csv(["1,tide", "2,"], [0, "none"])
    >>> number.numpy().tolist(), word.numpy().tolist()
    ([1, 2], [b'tide', b'none'])

    Args:
      records: the records, strings of any shape.
      record_defaults: the value of each column where it is empty; a vector without elements where it may not be.
      field_delim: the character between fields.
      use_quote_delim: whether a field may stand between double quotes.
      na_value: what stands for an empty field, besides nothing.
      select_cols: the numbers of the columns to read, increasing; all if None.
      name: the name of the operation.

    Returns:
      A list of tensors of the shape of ``records`` and the types of ``record_defaults``.

    Raises:
      ValueError: ``select_cols`` are not increasing numbers, one for each default.
      InvalidArgumentError: a record is malformed.
    """
    if select_cols is not None and any(left >= right for left, right in itertools.pairwise(select_cols)):
        raise ValueError("select_cols is not strictly increasing.")
    if select_cols is not None and len(select_cols) and select_cols[0] < 0:
        raise ValueError("select_cols contains negative values.")
    if select_cols is not None and len(select_cols) != len(record_defaults):
        raise ValueError("Length of select_cols and record_defaults do not match.")
    result = decode_csv_op(
        records,
        list(record_defaults),
        field_delim=field_delim,
        use_quote_delim=use_quote_delim,
        na_value=na_value,
        select_cols=list(select_cols or ()),
        name=name,
    )
    return list(result)


def decode_csv_v1(
    records: Any,
    record_defaults: Any,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    name: str | None = None,
    na_value: str = "",
    select_cols: Sequence[int] | None = None,
) -> list[Any]:
    """Turns records of comma-separated values into a tensor for each column; see ``tf.io.decode_csv``."""
    return decode_csv(records, record_defaults, field_delim, use_quote_delim, na_value, select_cols, name)
