"""What lookup tables are filled from: tensors of keys and values, and text files."""

from __future__ import annotations

import uuid
from typing import Any

from tideflow._src.core import context, dtypes
from tideflow._src.core.dtypes import DType
from tideflow._src.io.captured_resource import Asset
from tideflow._src.ops.array.raw import raw
from tideflow._src.ops.control.init_scope import init_scope
from tideflow._src.ops.files import file_system
from tideflow._src.ops.scopes import name_scope
from tideflow._src.runtime.convert import convert_to_tensor
from tideflow._src.state.graph_keys import GraphKeys
from tideflow._src.state.trackable import Trackable


class TableInitializerBase(Trackable):
    """Is what fills a table; the class of all that do.

    Args:
      key_dtype: the type of the keys.
      value_dtype: the type of the values.
    """

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self._key_dtype = dtypes.as_dtype(key_dtype)
        self._value_dtype = dtypes.as_dtype(value_dtype)

    @property
    def key_dtype(self) -> DType:
        """The type of the keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The type of the values."""
        return self._value_dtype

    def initialize(self, table: Any) -> Any:
        """Returns the operation that fills ``table``; None when called eagerly, where it is filled at once."""
        raise TypeError(f"{type(self).__name__} does not define how it fills a table: it needs a method `initialize`.")

    @property
    def _shared_name(self) -> str:
        """The name under which equal tables are shared."""
        return f"hash_table_{uuid.uuid4()}"

    def _check(self, table: Any) -> None:
        for name, own, other in (
            ("key", self.key_dtype, table.key_dtype),
            ("value", self.value_dtype, table.value_dtype),
        ):
            if own.base_dtype is not other.base_dtype:
                raise TypeError(f"Invalid {name} dtype for table, expected {other} but got {own}.")


def keep(operation: Any) -> Any:
    """Adds an operation to those that ``tf.compat.v1.tables_initializer`` runs."""
    graph = context.current_graph()
    if graph is not None:
        graph.add_to_collection(GraphKeys.TABLE_INITIALIZERS, operation)
    return operation


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from two tensors of the same shape.

    Args:
      keys: the keys.
      values: their values.
      key_dtype: the type to convert ``keys`` to.
      value_dtype: the type to convert ``values`` to.
      name: the name of the operation.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        with init_scope():
            self._keys = convert_to_tensor(keys, key_dtype, name="keys")
            self._values = convert_to_tensor(values, value_dtype, name="values")
        self._name = name if name is not None else "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table: Any) -> Any:
        """Returns the operation that fills ``table``; None when called eagerly, where it is filled at once."""
        self._check(table)
        with name_scope(self._name, None, (table.resource_handle, self._keys, self._values)):
            return keep(raw.LookupTableImportV2(table.resource_handle, self._keys, self._values))


class TextFileIndex:
    """Names what a line of a text file has besides columns: its number, and itself."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a text file.

    Args:
      filename: the file's path.
      key_dtype: the type of the keys.
      key_index: where a line holds its key: the number of a column or a ``TextFileIndex``.
      value_dtype: the type of the values.
      value_index: where a line holds the value.
      vocab_size: how many lines to read; None for all.
      delimiter: the character between columns.
      name: the name of the operation.
      value_index_offset: what is added to values that are line numbers.

    Raises:
      ValueError: an argument cannot be what it is given as.
    """

    def __init__(
        self,
        filename: Any,
        key_dtype: Any,
        key_index: int,
        value_dtype: Any,
        value_index: int,
        vocab_size: int | None = None,
        delimiter: str = "\t",
        name: str | None = None,
        value_index_offset: int = 0,
    ) -> None:
        if not hasattr(filename, "dtype") and not filename:
            raise ValueError("`filename` argument required for tf.lookup.TextFileInitializer")
        for kind, dtype, index in (("key", key_dtype, key_index), ("value", value_dtype, value_index)):
            if index < TextFileIndex.WHOLE_LINE:
                raise ValueError(f"`{kind}_index` should be >= {TextFileIndex.WHOLE_LINE}, received: {index}.")
            if index == TextFileIndex.LINE_NUMBER and dtypes.as_dtype(dtype) is not dtypes.int64:
                raise ValueError(f"`{kind}_dtype` must be int64 for `{kind}_index` {index}, received: {dtype}")
            if index == TextFileIndex.WHOLE_LINE and dtypes.as_dtype(dtype).name not in ("string", "int64"):
                raise ValueError(
                    f"`{kind}_dtype` should be either integer or string for `{kind}_index` {index}, received: {dtype}"
                )
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"`vocab_size` should be > 0, received: {vocab_size}")
        self._key_index = key_index
        self._value_index = value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._offset = value_index_offset
        self._name = name if name is not None else "text_file_init"
        self._path = filename
        # A saved model takes the file along.
        asset = Asset(filename if hasattr(filename, "dtype") else file_system.text_of(filename))
        self._filename = self._track_trackable(asset, "_filename").asset_path
        super().__init__(key_dtype, value_dtype)

    @property
    def _shared_name(self) -> str:
        parts = ["hash_table", str(self._path)]
        if self._vocab_size:
            parts.append(str(self._vocab_size))
        parts += [str(self._key_index), str(self._value_index)]
        if self._offset:
            parts.append(str(self._offset))
        return "_".join(parts)

    def initialize(self, table: Any) -> Any:
        """Returns the operation that fills ``table``; None when called eagerly, where it is filled at once."""
        self._check(table)
        with name_scope(self._name, None, (table.resource_handle,)):
            operation = raw.InitializeTableFromTextFileV2(
                table.resource_handle,
                self._filename,
                key_index=self._key_index,
                value_index=self._value_index,
                vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
                offset=self._offset,
            )
        graph = context.current_graph()
        if graph is not None:
            graph.add_to_collection(GraphKeys.ASSET_FILEPATHS, self._filename)
        return keep(operation)
