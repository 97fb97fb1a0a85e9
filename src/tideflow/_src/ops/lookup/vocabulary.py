"""Reads the keys and values of a table from the lines of a text file."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, OutOfRangeError
from tideflow._src.ops.files import file_system

Array = np.ndarray[Any, Any]

#: The index that stands for the whole line, and that for its number.
WHOLE_LINE = -2
LINE_NUMBER = -1


class Columns(NamedTuple):
    """Says where a line holds a key and its value.

    Attributes:
      key_index, value_index: the number of a column, ``WHOLE_LINE`` or ``LINE_NUMBER``.
      vocab_size: how many lines to read; -1 for all.
      delimiter: the character between columns.
      offset: what is added to line numbers.
    """

    key_index: int
    value_index: int
    vocab_size: int
    delimiter: str
    offset: int

    def read(self, path: bytes, key_dtype: DType, value_dtype: DType) -> tuple[Array, Array]:
        """Returns the keys and values in a file.

        Raises:
          InvalidArgumentError: a line does not hold them, or there are fewer lines than ``vocab_size``.
          NotFoundError: there is no such file.
        """
        if len(self.delimiter) != 1:
            raise InvalidArgumentError(None, None, f"delimiter should be only 1 char, got {self.delimiter!r}")
        self._check_type("key", self.key_index, key_dtype)
        self._check_type("value", self.value_index, value_dtype)
        name = file_system.text_of(path)
        lines = self._lines(path, name)
        rows = self._rows(lines, name) if max(self.key_index, self.value_index) >= 0 else []
        return (
            self._column(self.key_index, lines, rows, key_dtype),
            self._column(self.value_index, lines, rows, value_dtype),
        )

    @staticmethod
    def _check_type(what: str, index: int, dtype: DType) -> None:
        if index == WHOLE_LINE:
            described, name, is_allowed = "whole line", "integer or string", dtype.is_integer or dtype.name == "string"
        elif index == LINE_NUMBER:
            described, name, is_allowed = "line number", "int64", dtype.name in ("int64", "int32")
        else:
            return
        if not is_allowed:
            raise InvalidArgumentError(
                None,
                None,
                f"{what.capitalize()} index for {described} requires table {what} dtype of {name}, got {dtype.name}",
            )

    def _lines(self, path: bytes, name: str) -> list[bytes]:
        content = file_system.read(path)
        if not content:
            raise OutOfRangeError(None, None, f"{name} is empty: it holds no line to fill the table from.")
        lines = content.replace(b"\r", b"").split(b"\n")
        if not lines[-1]:
            lines.pop()
        if self.vocab_size >= 0:
            if len(lines) < self.vocab_size:
                raise InvalidArgumentError(
                    None, None, f"Invalid vocab_size in {name}: expected {self.vocab_size} but got {len(lines)}"
                )
            del lines[self.vocab_size :]
        if b"" in lines:
            position = sum(len(line) + 1 for line in content.split(b"\n")[: lines.index(b"") + 1])
            raise InvalidArgumentError(
                None, None, f"Invalid content in {name}: empty line found at position {position}."
            )
        return lines

    def _rows(self, lines: list[bytes], name: str) -> list[list[bytes]]:
        delimiter = self.delimiter.encode()
        rows = [line.split(delimiter) for line in lines]
        needed = max(self.key_index, self.value_index) + 1
        for number, row in enumerate(rows):
            if len(row) < needed:
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Invalid number of columns in {name} line {number} ({_shown(lines[number])}) : expected at least "
                    f"{needed} got {len(row)}",
                )
        return rows

    def _column(self, index: int, lines: list[bytes], rows: list[list[bytes]], dtype: DType) -> Array:
        if index == LINE_NUMBER:
            return np.arange(self.offset, self.offset + len(lines), dtype=dtype.as_numpy_dtype)
        fields = lines if index == WHOLE_LINE else [row[index] for row in rows]
        if dtype.name == "string":
            result = np.empty(len(fields), object)
            result[:] = fields
            return result
        convert: Any = float if dtype.is_floating else int
        numbers = []
        for number, field in enumerate(fields):
            try:
                if b"_" in field or (dtype.is_integer and not dtype.min <= int(field) <= dtype.max):
                    raise ValueError
                numbers.append(convert(field))
            except ValueError:
                raise InvalidArgumentError(
                    None, None, f"Field {_shown(field)} in line {number} is not a valid {dtype.name}."
                ) from None
        return np.array(numbers, dtype.as_numpy_dtype)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")
