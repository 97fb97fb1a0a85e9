"""Datasets of the rows that a query of an SQLite database gives."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import urllib.parse
from collections.abc import Sequence
from typing import Any

import numpy as np

from tideflow._src.core import dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.core.errors import InvalidArgumentError, NotFoundError, UnknownError
from tideflow._src.graph.op_def import Shape
from tideflow._src.ops.data.dataset_op import dataset_op
from tideflow._src.ops.data.elements import Element, scalar
from tideflow._src.ops.data.stage import Run, Running, Stage, named
from tideflow._src.ops.files import file_system

_TYPES = ("string", "int8", "int16", "int32", "int64", "uint8", "uint16", "bool", "float64")
#: The class of a value of Python that needs no conversion, and what SQL calls the type of others.
_KINDS: dict[str, tuple[type, str]] = {"string": (bytes, "blob"), "float64": (float, "real")}


class SqlRows(Stage):
    """Is the rows of a query.

    Args:
      kind, types, shapes: as of a stage.
      path: the file of the database.
      query: the query.
    """

    is_light = False

    def __init__(self, kind: str, types: Sequence[DType], shapes: Sequence[Shape], path: bytes, query: str) -> None:
        super().__init__(kind, types, shapes)
        self.path = path
        self.query = query

    def iterate(self, run: Run) -> Running:
        return _SqlRunning(self)

    def describe(self) -> str:
        return f"{self.kind}({self.query[:60]})"


class _SqlRunning(Running):
    def __init__(self, stage: SqlRows) -> None:
        self._stage = stage
        self._connection: sqlite3.Connection | None = None
        self._rows: sqlite3.Cursor | None = None
        self._given = 0
        self._is_over = False

    def next(self) -> Element | None:
        if self._is_over:
            return None
        try:
            if self._rows is None:
                self._begin()
            assert self._rows is not None
            row = self._rows.fetchone()
            if row is None:
                self._is_over = True
                self.close()
                return None
            found = [self._component(value, dtype) for value, dtype in zip(row, self._stage.types, strict=True)]
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:  # a query with a null character is a ValueError
            problem = f"Prepare() failed: {error}: {self._stage.query}"
            raise named(UnknownError(None, None, problem), self._stage.kind) from None
        self._given += 1
        return found

    def _begin(self) -> None:
        path = file_system.local(self._stage.path)
        if not os.path.exists(path):
            problem = f"{path}; No such file or directory"
            raise named(NotFoundError(None, None, problem), self._stage.kind)
        where = f"file:{urllib.parse.quote(os.path.abspath(path))}?mode=ro"
        # An iterator may be used by several threads, one at a time.
        self._connection = sqlite3.connect(where, uri=True, check_same_thread=False)
        self._connection.text_factory = bytes
        self._rows = self._connection.execute(self._stage.query)
        count = len(self._rows.description or ())
        if count != len(self._stage.types):
            problem = (
                f"The number of columns in query ({count}) must match the number of elements in output_types "
                f"({len(self._stage.types)})."
            )
            self.close()
            raise named(InvalidArgumentError(None, None, problem), self._stage.kind)

    def _component(self, value: Any, dtype: DType) -> Any:
        """Returns a value of the database as SQLite converts it to what is asked for."""
        kind, name = _KINDS.get(dtype.name, (int, "integer"))
        if value is None:
            value = kind()
        elif not isinstance(value, kind):
            assert self._connection is not None
            # Text first, for a number has no bytes to be taken for those of an object.
            inner = "cast(? as text)" if name == "blob" else "?"
            (value,) = self._connection.execute(f"select cast({inner} as {name})", (_given(value),)).fetchone()
        if dtype is dtypes.string:
            return np.array(value, object)
        if dtype is dtypes.bool:
            return np.array(bool(value))
        if kind is float:
            return np.array(value, np.float64)
        return np.array(value, np.int64).astype(dtype.as_numpy_dtype)

    def save(self) -> Any:
        return self._given

    def restore(self, position: Any) -> None:
        self.skip(int(position))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._rows = None


def _given(value: Any) -> Any:
    """Returns a value as what SQLite takes: bytes as the text that they are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _rows(kind: str, driver: Any, path: Any, query: Any, types: Sequence[DType], shapes: Sequence[Shape]) -> SqlRows:
    name = scalar(driver, "driver_name").decode()
    if name != "sqlite":
        problem = (
            f"The database type, {name}, is not supported by SqlDataset. The set of supported databases is: "
            "{'sqlite'}."
        )
        raise InvalidArgumentError(None, None, problem)
    for dtype in types:
        if dtype.name not in _TYPES:
            allowed = ", ".join(_TYPES)
            raise InvalidArgumentError(
                None, None, f"Each element of `output_types` must be one of {allowed}, but one is {dtype.name}."
            )
    for shape in shapes:
        if shape:
            raise InvalidArgumentError(None, None, "Each element of `output_shapes` must be a scalar.")
    return SqlRows(kind, types, shapes, scalar(path, "data_source_name"), _given(scalar(query, "query")))


@dataset_op("SqlDataset", "driver_name: string, data_source_name: string, query: string", stateful=True)
def sql_dataset(driver_name, data_source_name, query, *, output_types: list[DType], output_shapes: list[Shape]):
    """Makes a dataset of the rows that a query of an SQLite database gives; the database is only read.

    Raises:
      InvalidArgumentError: there is no such kind of databases, or of values; while iterating, there are not as many
        columns as types.
      NotFoundError, UnknownError: while iterating, there is no such file, or SQLite does not take the query.
    """
    return _rows("SqlDataset", driver_name, data_source_name, query, output_types, output_shapes)


@dataset_op("ExperimentalSqlDataset", "driver_name: string, data_source_name: string, query: string", stateful=True)
def experimental_sql_dataset(
    driver_name, data_source_name, query, *, output_types: list[DType], output_shapes: list[Shape]
):
    """Makes a dataset of the rows that a query of an SQLite database gives."""
    return _rows("ExperimentalSqlDataset", driver_name, data_source_name, query, output_types, output_shapes)


def _database() -> bytes:
    """Returns the path of a database for samples."""
    folder = os.path.join(tempfile.gettempdir(), "tideflow_samples")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "rows.sqlite3")
    with sqlite3.connect(path) as connection:
        connection.execute("create table if not exists rows (a integer primary key, b text, c real)")
        connection.execute("insert or replace into rows values (1, 'x', 1.5), (300, null, null)")
    connection.close()
    return os.fsencode(path)


def _sql_samples(s):
    path = _database()
    kinds = {"output_types": ["int32", "string", "float64"], "output_shapes": [(), (), ()]}
    yield s(b"sqlite", path, b"select a, b, c from rows order by a", **kinds)
    one = {"output_shapes": [()]}
    for dtype in _TYPES:
        yield s(b"sqlite", path, b"select a from rows order by a", output_types=[dtype], **one)
    yield s(b"other", path, b"select 1", output_types=["int32"], error="InvalidArgumentError", **one)
    yield s(b"sqlite", path, b"select 1", output_types=["float32"], error="InvalidArgumentError", **one)


sql_dataset.samples(_sql_samples)
experimental_sql_dataset.samples(_sql_samples)
