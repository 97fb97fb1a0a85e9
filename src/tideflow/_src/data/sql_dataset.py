"""Datasets of the rows of SQLite databases: ``SqlDataset``."""

from __future__ import annotations

from typing import Any

from tideflow._src.core import dtypes
from tideflow._src.core.tensor_spec import TensorSpec
from tideflow._src.data import structure
from tideflow._src.data.dataset import VariantDataset
from tideflow._src.data.v1 import DatasetV1Adapter
from tideflow._src.ops.array.raw import raw
from tideflow._src.runtime.convert import convert_to_tensor


class _Sql(VariantDataset):
    """Makes the datasets of rows, of 2.x and 1.x alike."""

    _KIND = ""

    def __init__(self, driver_name: Any, data_source_name: Any, query: Any, output_types: Any) -> None:
        specs = structure.mapped(lambda dtype: TensorSpec([], dtypes.as_dtype(dtype)), output_types)
        given = [convert_to_tensor(value, dtypes.string) for value in (driver_name, data_source_name, query)]
        super().__init__(raw.SqlDataset(*given, **structure.kinds(specs)), specs, self._KIND)


class SqlDataset(_Sql):
    """Is the rows that a query of an SQLite database gives; the database is only read.

    >>> import sqlite3, tempfile, os
    >>> import tideflow as tf
    >>> path = os.path.join(tempfile.mkdtemp(), "people.sqlite3")
    >>> with sqlite3.connect(path) as connection:
    ...     _ = connection.execute("create table people (name text, age integer)")
    ...     _ = connection.execute("insert into people values ('Ada', 36), ('Alan', 41)")
    >>> dataset = tf.data.experimental.SqlDataset("sqlite", path, "select * from people", (tf.string, tf.int32))
    >>> [(name.numpy(), int(age)) for name, age in dataset]
    [(b'Ada', 36), (b'Alan', 41)]

    Args:
      driver_name: ``"sqlite"``.
      data_source_name: the file.
      query: the query.
      output_types: a structure of the dtypes of the columns; SQLite converts values to them.

    Raises:
      InvalidArgumentError: there is no such driver or dtype; while iterating, there are not as many columns as dtypes.
      NotFoundError, UnknownError: while iterating, there is no such file, or SQLite does not take the query.
    """

    _KIND = "SqlDatasetV2"


class SqlDatasetV1(_Sql, DatasetV1Adapter):
    """Is ``tf.data.experimental.SqlDataset`` with the methods of TensorFlow 1.x."""

    _KIND = "SqlDatasetV2"
